"""Finished stages of a study that has not ended yet: kept beside its results, so that it can go on where it stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from alliance_dynamics.errors import Interrupted
from alliance_dynamics.files import Lock, remove_left_behind, write_bytes
from alliance_dynamics.language import translate
from alliance_dynamics.progress import announce, stage
from alliance_dynamics.study.record import from_bytes, to_bytes

T = TypeVar("T")


class Stages:
    """`with Stages(target, inputs, resume=True) as stages:` then `stages.value(name, what, make)` for each stage.

    The folder TARGET.unfinished holds the value of every finished stage and the hash of `inputs`; it is gone when the
    study has ended.  With `resume` a stage whose inputs hash the same is not done again.  UsageError: another study
    works on the same target.
    """

    def __init__(self, target: Path, inputs: Mapping[str, Any], *, resume: bool, quiet: bool):
        self.target, self.resume, self.quiet = target, resume, quiet
        self.folder = target.with_name(f"{target.name}.unfinished")
        self.key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        self.lock = Lock(self.folder / "lock")

    def __enter__(self) -> Stages:
        self.lock.take()
        remove_left_behind(self.target)
        if not self.resume:
            for each in self.kept():
                each.unlink()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        kept = self.kept()
        self.lock.release()
        if kind is None or not kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif kind is KeyboardInterrupt:
            raise Interrupted(resumable=True) from error

    def kept(self) -> list[Path]:
        """The files of finished stages."""
        return sorted(self.folder.glob("*.npz"))

    def has(self, name: str) -> bool:
        """Whether a stage with these inputs is finished."""
        return self._file(name).is_file()

    def value(
        self,
        name: str,
        what: str,
        make: Callable[[Callable[[float], None]], T],
        *,
        bare: Callable[[T], Any] = lambda value: value,
        whole: Callable[[Any], T] = lambda value: value,
    ) -> T:
        """What `make` gives, or gave before the study was interrupted.

        `bare` takes away what is no data and `whole` puts it back.
        """
        file = self._file(name)
        if file.is_file():
            with suppress(ValueError):
                value = whole(from_bytes(file.read_bytes()))
                announce("{what}: done before", what=translate(what), quiet=self.quiet)
                return value
        with stage(what, self.quiet) as tell:
            value = make(tell)
        write_bytes(file, to_bytes(bare(value)))
        return value

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}-{self.key[:16]}.npz"
