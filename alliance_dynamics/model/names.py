"""Canonical names: one spelling for all ways in which Vensim and XMILE let a modeller write a name."""

from __future__ import annotations

import re
import unicodedata

_WHOLE = re.compile(r"[0-9]{1,9}")
_BLANKS = re.compile(r"[\s_\u00a0\u202f]+")


def canonical(label: str) -> str:
    """The name of a label: quotes stripped, case folded, runs of blanks and underscores one underscore.

    >>> canonical('"R&D  Personnel"'), canonical("Total\\u00a0_Cost")
    ('r&d_personnel', 'total_cost')
    """
    text = unicodedata.normalize("NFC", label).strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    text = text.replace("\\n", " ").replace("\\r", " ").replace('\\"', '"')
    return _BLANKS.sub("_", text.strip()).casefold()


def whole(text: str) -> int | None:
    """The whole number that up to nine ASCII digits write, None for any other text.

    >>> whole("12"), whole("²"), whole("-1")
    (12, None, None)
    """
    return int(text) if _WHOLE.fullmatch(text) else None


def flat(name: str, elements: tuple[str, ...] = ()) -> str:
    """The key of one element of a variable: `name` or `name[a,b]`."""
    return f"{name}[{','.join(elements)}]" if elements else name
