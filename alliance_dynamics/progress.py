"""Progress on stderr: a bar on a terminal, otherwise a plain line at once and then every ten seconds."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TextIO

from alliance_dynamics.language import translate

EVERY = 10.0  # seconds between plain lines


@contextmanager
def progress(
    what: str, total: int, *, quiet: bool = False, stream: TextIO | None = None, every: float = EVERY
) -> Iterator[Callable[[int], None]]:
    """`with progress("Calibrating", 40) as advance:` ... `advance(1)` after each of the 40.

    `what` is an English template of `translate`.  With `quiet` nothing is written.  `advance` may be called from any
    thread.
    """
    sink: TextIO = sys.stderr if stream is None else stream
    if quiet:
        yield lambda count=1: None
    elif sink.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(translate(what), total, sink) as advance:
            yield advance
    else:
        with _lines(translate(what), total, sink, every) as advance:
            yield advance


@contextmanager
def _bar(what: str, total: int, stream: TextIO) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TextColumn("/"), TimeRemainingColumn())
    with Progress(*columns, *times, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(what.replace("[", "\\["), total=total)
        yield lambda count=1: bar.advance(task, count)


@contextmanager
def _lines(what: str, total: int, stream: TextIO, every: float) -> Iterator[Callable[[int], None]]:
    began, done, lock, finished = time.monotonic(), 0, threading.Lock(), threading.Event()

    def advance(count: int = 1) -> None:
        nonlocal done
        with lock:
            done += count

    def write() -> None:
        stream.write(_line(what, done, total, time.monotonic() - began) + "\n")
        stream.flush()

    def keep_writing() -> None:
        while not finished.wait(every):
            write()

    write()
    writer = threading.Thread(target=copy_context().run, args=(keep_writing,), daemon=True)  # in the same language
    writer.start()
    try:
        yield advance
    finally:
        finished.set()
        writer.join()
        write()


def _line(what: str, done: int, total: int, seconds: float) -> str:
    text = translate("{what}: {done} of {total}").format(what=what, done=done, total=total)
    if not done or done >= total:
        return text + translate(", {seconds:.0f} s").format(seconds=seconds)
    left = seconds * (total - done) / done
    return text + translate(", {seconds:.0f} s, about {left:.0f} s left").format(seconds=seconds, left=left)


@contextmanager
def stage(what: str, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Progress of one stage, told as a share from 0 to 1."""
    with progress(what, 100, quiet=quiet) as advance:
        told = 0

        def tell(share: float) -> None:
            nonlocal told
            now = min(100, int(100 * share))
            if now > told:
                advance(now - told)
                told = now

        yield tell
