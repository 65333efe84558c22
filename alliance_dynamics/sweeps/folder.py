"""A sweep on disk: a manifest, shards that are whole or absent, and a lock that dies with its process."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from alliance_dynamics.errors import Place, ProvenanceError, UsageError, fault
from alliance_dynamics.files import write_bytes, write_text
from alliance_dynamics.sweeps.task import Block

MANIFEST, LOCK, HOLDER = "manifest.json", "sweep.lock", "holder.json"
FORMAT = "alliance-sweep/1"


class SweepFolder:
    """The shards of one sweep.  `manifest` says what they are; a folder of another sweep is refused by its keys."""

    def __init__(self, path: str | Path, manifest: Mapping[str, Any]):
        self.path = Path(path)
        self.manifest = {"format": FORMAT, **manifest}

    @contextmanager
    def opened(self) -> Iterator[None]:
        """The only writer while it lasts; the manifest is there and is ours.

        UsageError: another process is at work here.  ProvenanceError: the folder is of another sweep, key by key.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(fault(str(self.path), "the place for the sweep is a file", expected="a folder"))
        if self.path.is_dir() and any(self.path.iterdir()) and not (self.path / MANIFEST).is_file():
            left_over = all(each.name in (LOCK, HOLDER) for each in self.path.iterdir())
            if not left_over:
                raise UsageError(
                    fault(str(self.path), "the folder holds files that are not of a sweep",
                          remedy="Choose a new folder")
                )  # fmt: skip
        write_text(self.path / ".writable", "").unlink()
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(self._held()) from None
        try:
            write_text(self.path / HOLDER, json.dumps({"host": socket.gethostname(), "process": os.getpid()}) + "\n")
            for part in self.path.glob("*.part-*"):  # of a process that was killed while it wrote
                part.unlink()
            self._compare_or_write()
            yield
        finally:
            (self.path / HOLDER).unlink(missing_ok=True)
            lock.release()

    def write(self, number: int, block: Block) -> None:
        """One shard, whole or not at all."""
        buffer = io.BytesIO()
        np.savez(buffer, values=block.values, failed=block.failed, digest=np.array(_digest(number, block)))
        write_bytes(self._shard(number), buffer.getvalue())

    def read(self, number: int) -> Block | None:
        """A shard, or None where it is missing, cut off or altered: such a shard is to be run again."""
        try:
            content = io.BytesIO(self._shard(number).read_bytes())
            with np.load(content, allow_pickle=False) as stored:
                block = Block(stored["values"], stored["failed"])
                digest = str(stored["digest"])
        except (OSError, ValueError, KeyError, EOFError, ImportError, SyntaxError, *_ZIP_ERRORS):
            return None
        return block if digest == _digest(number, block) else None

    def _shard(self, number: int) -> Path:
        return self.path / f"shard-{number:05d}.npz"

    def _compare_or_write(self) -> None:
        path = self.path / MANIFEST
        if not path.is_file():
            write_text(path, json.dumps(self.manifest, indent=1, sort_keys=True) + "\n")
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ProvenanceError(
                fault(Place(str(path)), "the manifest of the sweep cannot be read", remedy="Choose a new folder")
            )
        keys = sorted(found.keys() | self.manifest.keys())
        differing = [key for key in keys if found.get(key) != self.manifest.get(key)]
        if differing:
            raise ProvenanceError(
                [
                    fault(Place(str(path)), "the folder holds another sweep: `{key}` is {found}", expected="{wanted}",
                          remedy="Choose a new folder, or give the settings of the stored sweep", key=key,
                          found=found.get(key), wanted=self.manifest.get(key))
                    for key in differing
                ]
            )  # fmt: skip

    def _held(self):
        try:
            holder = json.loads((self.path / HOLDER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            holder = {}
        return fault(
            str(self.path), "another process is at work on this sweep (process {process} on {host})",
            remedy="Wait until it has finished, or choose another folder", process=holder.get("process", "?"),
            host=holder.get("host", "?"),
        )  # fmt: skip


def _digest(number: int, block: Block) -> str:
    digest = hashlib.sha256(f"{number} {block.values.shape} {block.values.dtype} {block.failed.dtype}".encode())
    digest.update(np.ascontiguousarray(block.values).tobytes())
    digest.update(np.ascontiguousarray(block.failed).tobytes())
    return digest.hexdigest()


def _zip_errors() -> tuple[type[Exception], ...]:
    from zipfile import BadZipFile
    from zlib import error

    return BadZipFile, error


_ZIP_ERRORS = _zip_errors()
