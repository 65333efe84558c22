"""Texts of models that several tests run."""

# A stock with a constant inflow and a mean time of residence, and its inflow alone.
TANK = """{UTF-8}
S = INTEG(inflow - outflow, 10) ~ widget ~ The stock. |
inflow = k ~ widget/Year ~ What comes in. |
outflow = S / residence time ~ widget/Year ~ What goes out. |
k = 5 ~ widget/Year ~ The constant. |
residence time = 4 ~ Year ~ How long it stays. |
INITIAL TIME = 0 ~ Year ~ |
FINAL TIME = 10 ~ Year ~ |
TIME STEP = 0.25 ~ Year ~ |
SAVEPER = 5 ~ Year ~ |
"""
INFLOW = """{UTF-8}
S = INTEG(k, 10) ~ widget ~ |
k = 5 ~ widget/Year ~ |
INITIAL TIME = 0 ~ Year ~ |
FINAL TIME = 10 ~ Year ~ |
TIME STEP = 1 ~ Year ~ |
SAVEPER = 1 ~ Year ~ |
"""
