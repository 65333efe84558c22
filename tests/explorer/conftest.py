"""A page over a few futures, written once, and one browser for all tests of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PATH, Browser, Tab
from sample_page import write_page


@pytest.fixture(scope="session")
def page(tmp_path_factory) -> Path:
    return write_page(tmp_path_factory.mktemp("страница") / "explorer.html")


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    if PATH is None:
        pytest.skip("no Chromium is installed")
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def shared(browser, page) -> Iterator[Tab]:
    """One tab for the tests of a file."""
    tab = browser.tab(page.as_uri())
    yield tab
    tab.close()


FIRST = """
state = firstState(); past = []; future = []; trail = []; hovered = null; moving = false; language = "ru"; banner("");
document.querySelectorAll("details").forEach((each) => { each.open = each.id === "lever-box"; });
build(); renew();
"""


@pytest.fixture
def tab(shared) -> Tab:
    """The tab as a reader first sees it, everything computed."""
    shared.size(1440, 1000)
    shared.dark(False)
    shared.run(FIRST)
    settled(shared)
    return shared


SETTLED = (
    "!running && !again && !moving && checked && spreadNow && spreadNow.count + spreadNow.failed === DRAWS.length"
    " && causesShown && (same() || weighed) && shownAddress === '#' + encode()"
)


def settled(tab: Tab) -> None:
    tab.wait(SETTLED)
