"""One made-up results folder and its two pages, written once for all tests of the report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .make_results import make_results


@pytest.fixture(scope="session")
def untouched(tmp_path_factory) -> Path:
    return make_results(tmp_path_factory.mktemp("results"))


@pytest.fixture
def results(untouched: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(untouched, tmp_path / "results"))


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[str, Path]:
    from alliance_dynamics.report import write_report

    folder = make_results(tmp_path_factory.mktemp("pages"))
    return {language: write_report(folder, language=language) for language in ("en", "ru")}
