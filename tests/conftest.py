"""What holds for every test: messages are English unless the test itself chooses a language."""

from __future__ import annotations

import pytest

from alliance_dynamics.language import use_language


@pytest.fixture(autouse=True)
def _messages_in_english():
    use_language("en")
    yield
    use_language("en")
