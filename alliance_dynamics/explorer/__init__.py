"""The explorer: the composed model on one page that runs in a browser."""

from alliance_dynamics.explorer.page import write_explorer

__all__ = ["write_explorer"]
