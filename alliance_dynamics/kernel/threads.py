"""Chunks of runs on as many threads as asked for; machine code leaves Python free to run the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def work_through(starts: range, work: Callable[[int], None], threads: int) -> None:
    """Calls `work` with every start; an error of one is raised."""
    if threads == 1 or len(starts) <= 1:
        for first in starts:
            work(first)
    else:
        with ThreadPoolExecutor(min(threads, len(starts))) as pool:
            list(pool.map(work, starts))
