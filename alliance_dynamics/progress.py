"""Progress on stderr: a bar on a terminal, otherwise a plain line at once and then every ten seconds.

`--progress json` gives one JSON object a line instead, `none` nothing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from typing import TextIO

from alliance_dynamics.language import translate

EVERY = 10.0  # seconds between plain lines
READING = "Reading the inputs"
KINDS = ("auto", "rich", "plain", "json", "none")
_kind: ContextVar[str] = ContextVar("kind", default="auto")


def use_progress(kind: str) -> None:
    """Show progress as one of `KINDS` from here on (in this thread's context); `auto` is a bar on a terminal only."""
    if kind not in KINDS:
        raise ValueError(f"progress {kind!r} is not one of {', '.join(KINDS)}")
    _kind.set(kind)


def announce(template: str, *, quiet: bool = False, stream: TextIO | None = None, **values: str) -> None:
    """One line on what has no number of steps, e.g. that reading has begun: at once, before anything slow is loaded."""
    if quiet or _kind.get() == "none":
        return
    sink: TextIO = sys.stderr if stream is None else stream
    text = translate(template).format(**values)
    sink.write((_object(text, 0, None, 0.0) if _kind.get() == "json" else text) + "\n")
    sink.flush()


@contextmanager
def progress(
    what: str, total: int, *, quiet: bool = False, stream: TextIO | None = None, every: float = EVERY
) -> Iterator[Callable[[int], None]]:
    """`with progress("Calibrating", 40) as advance:` ... `advance(1)` after each of the 40.

    `what` is an English template of `translate`.  With `quiet` nothing is written.  `advance` may be called from any
    thread.
    """
    sink: TextIO = sys.stderr if stream is None else stream
    kind = _kind.get()
    if kind == "auto":
        kind = "rich" if sink.isatty() and os.environ.get("TERM") != "dumb" else "plain"
    log, screen = getattr(sink, "log", None), getattr(sink, "screen", sink)  # the two are apart while a log is kept
    if quiet or kind in ("none", "rich"):
        bar = nullcontext(_nothing) if quiet or kind == "none" else _bar(translate(what), total, screen)
        lines = _lines(translate(what), total, log, every, _line) if log is not None else nullcontext(_nothing)
        with bar as show, lines as note:

            def both(count: int = 1) -> None:
                show(count)
                note(count)

            yield both
    else:
        with _lines(translate(what), total, sink, every, _object if kind == "json" else _line) as advance:
            yield advance


def _nothing(count: int = 1) -> None:
    """What advances where nothing is shown."""


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
    with Progress(*columns, *times, console=Console(file=stream, force_terminal=True), transient=True) as bar:
        task = bar.add_task(what.replace("[", "\\["), total=total)
        yield lambda count=1: bar.advance(task, count)


@contextmanager
def _lines(
    what: str, total: int, stream: TextIO, every: float, shown: Callable[[str, int, int, float], str]
) -> Iterator[Callable[[int], None]]:
    began, done, lock, finished = time.monotonic(), 0, threading.Lock(), threading.Event()

    def advance(count: int = 1) -> None:
        nonlocal done
        with lock:
            done += count

    def write() -> None:
        stream.write(shown(what, done, total, time.monotonic() - began) + "\n")
        stream.flush()

    def keep_writing() -> None:
        while not finished.wait(every):
            write()

    write()
    writer = threading.Thread(target=copy_context().run, args=(keep_writing,), daemon=True)  # in the same language
    writer.start()
    try:
        yield advance
    except BaseException:
        finished.set()
        raise
    finished.set()
    writer.join()
    write()


def _line(what: str, done: int, total: int, seconds: float) -> str:
    text = translate("{what}: {done} of {total}").format(what=what, done=done, total=total)
    if not done or done >= total:
        return text + translate(", {seconds:.0f} s").format(seconds=seconds)
    left = seconds * (total - done) / done
    return text + translate(", {seconds:.0f} s, about {left:.0f} s left").format(seconds=seconds, left=left)


def _object(what: str, done: int, total: int | None, seconds: float) -> str:
    left = round(seconds * (total - done) / done, 1) if total and done else None
    shown = {"progress": what, "done": done, "total": total, "seconds": round(seconds, 1), "seconds_left": left}
    return json.dumps(shown, ensure_ascii=False)


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
