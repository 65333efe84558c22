"""Page templates filled: everything escaped, nothing left undefined, the house's style sheet at hand."""

from __future__ import annotations

from pathlib import Path


def fill_template(name: str, **values: object) -> str:
    """A template that lies beside this file, with the style sheet of the reports as `style`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = Markup((here / "report.css").read_text(encoding="utf-8"))
    return environment.get_template(name).render(style=style, **values)
