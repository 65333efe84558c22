"""The table of docs/conformance.md: `python tests/conformance/table.py` runs every model and writes it anew."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from verdicts import TOLERANCE, Verdict, verdicts  # noqa: E402

INTRODUCTION = """# Models of other people

{total} public models with the results of the tools that they were written in: the test models of the system dynamics
community (github.com/SDXorg/test-models), those of SDEverywhere (github.com/climateinteractive/SDEverywhere) and of
simlin (github.com/bpowers/simlin), under the MIT and Apache 2.0 licences. They are not part of this package. Each is
read and run as `alliance run` does it, with the method and the step of its file.

A model passes when every column of the stored results agrees at every stored time: |ours - theirs| is at most
{tolerance:g} (1 + |theirs|). Names are compared without regard to case, blanks, underscores and quotes; the time
controls are not scored. The stored results hold about six digits.

| format | models | pass | refused, with a reason | run, but differ |
|---|---|---|---|---|
{counts}

No model fails without a word: a file that cannot be run exactly is refused, with the line and the reason.
Made by `python tests/conformance/table.py`; `tests/conformance/test_corpora.py` holds it to what the code does.

## Not passed

| model | verdict | largest gap | reason |
|---|---|---|---|
{missed}

## Passed

| model | columns | largest gap |
|---|---|---|
{passed}
"""
FORMATS = {
    "Vensim (.mdl)": {"mdl"},
    "XMILE (.xmile)": {"xmile"},
    "Stella (.stmx)": {"stmx"},
    "all": {"mdl", "xmile", "stmx"},
}


def page(found: Sequence[Verdict]) -> str:
    """The whole page."""
    missed = [each for each in found if each.kind != "pass"]
    return INTRODUCTION.format(
        total=len(found),
        tolerance=TOLERANCE,
        counts="\n".join(_counts(label, found, forms) for label, forms in FORMATS.items()),
        missed="\n".join(f"| {_cell(e.model)} | {e.kind} | {size(e.gap)} | {_cell(e.reason)} |" for e in missed),
        passed="\n".join(f"| {_cell(e.model)} | {e.columns} | {size(e.gap)} |" for e in found if e.kind == "pass"),
    )


def size(gap: float | None) -> str:
    """A gap as a bound that does not change from one processor to the next."""
    if gap is None:
        return ""
    if gap > TOLERANCE:
        return f"{gap:.1e}"
    return f"below {next(bound for bound in (1e-12, 1e-9, 1e-6, TOLERANCE) if gap <= bound):g}"


def _counts(label: str, found: Sequence[Verdict], forms: set[str]) -> str:
    kinds = [each.kind for each in found if each.form in forms]
    return f"| {label} | {len(kinds)} | {kinds.count('pass')} | {kinds.count('refused')} | {kinds.count('different')} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("???", "`???`")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(list(verdicts())), encoding="utf-8", newline="\n")
    print(f"wrote {PAGE.relative_to(ROOT)}")
