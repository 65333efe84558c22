"""How the documentation is built: `python -m sphinx -W docs docs/_build`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Alliance dynamics"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "generated/checks.md"]
html_theme = "furo"
autodoc_typehints = "description"
suppress_warnings = ["ref.python"]  # names that two modules share


def setup(app):
    """The reference is written from the code before the pages are read."""
    from generate import write_pages

    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir) / "generated"))
