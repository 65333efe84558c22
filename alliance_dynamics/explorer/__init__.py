"""The explorer: the composed model on one page that runs in a browser."""

from alliance_dynamics.explorer.page import make_page, write_explorer

__all__ = ["make_page", "write_explorer"]
