"""How the documentation is built: `python -m sphinx -W docs docs/_build`."""

project = "Alliance dynamics"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
