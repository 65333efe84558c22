"""Files written whole or not at all: to a part file beside the target first, then renamed over it."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from alliance_dynamics.errors import UsageError, fault


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Replace the file at `path` in one step; its folder is made where it is missing.

    What is no plain file (a device, a pipe) is written to and never replaced; of a link, what it leads to is replaced.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        return _write_into(path, content)
    if path.is_symlink() and path.is_file():
        path = path.resolve()
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise UsageError(_unwritable(path, error)) from error
    finally:
        with suppress(OSError):  # the part file is there only if the rename was not reached
            part.unlink()
    return path


def _write_into(path: Path, content: bytes) -> Path:
    try:
        with path.open("wb") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(_unwritable(path, error)) from error
    return path


def write_text(path: str | Path, text: str) -> Path:
    """Replace a text file in one step: UTF-8, line feeds as they stand in `text`."""
    return write_bytes(path, text.encode())


def write_csv(path: str | Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> Path:
    """Replace a CSV file in one step: UTF-8, LF, a float as the shortest text that reads back equal."""
    return write_text(path, csv_text(header, rows))


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """The text that `write_csv` writes.  A row of another length than the header is refused (ValueError).

    A text that a spreadsheet would run as a formula keeps its characters: quote it in the reader, not in the data.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        cells = [_cell(each) for each in row]
        if len(cells) != len(header):
            raise ValueError(f"a row of {len(cells)} cells under a header of {len(header)}: {cells[:4]}")
        writer.writerow(cells)
    return buffer.getvalue()


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Lock:
    """A file that one process at a time holds; the system lets go of it when the process ends, however it ends."""

    def __init__(self, path: Path):
        self.path, self.file = path, None

    def take(self) -> None:
        """UsageError: another process holds it, or its folder cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("ab")
        except OSError as error:
            raise UsageError(_unwritable(self.path, error)) from error
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(self.file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):  # a file system without locks
                return
            self.release()
            raise UsageError(
                fault(str(self.path.parent), "Another process is at work here",
                      remedy="Wait until it has ended, or choose another folder with --out")
            ) from error  # fmt: skip

    def release(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


def refuse_unwritable(path: Path) -> None:
    """UsageError where a file or folder could not be made at `path`: before long work, not after it."""
    nearest = next(each for each in (path.absolute().parent, *path.absolute().parents) if os.path.lexists(each))
    reason = errno.ENOTDIR if not nearest.is_dir() else 0 if os.access(nearest, os.W_OK) else errno.EACCES
    if reason:
        raise UsageError(_unwritable(path, OSError(reason, os.strerror(reason))))


class Outputs:
    """A folder of results that appears whole.

    `with Outputs("results/tatarstan") as folder:` gives an empty folder beside the target.  At the end of the block it
    takes the target's place; after an error or an interrupt the target is as it was and the new folder is gone.
    A target that holds files is replaced only if it holds `manifest.json` (it is ours) or `force` is given.
    """

    def __init__(self, target: str | Path, *, force: bool = False):
        self.target = Path(target)
        if Path.cwd().is_relative_to(self.target.resolve()):  # nor could it be renamed
            raise UsageError(
                fault(str(target), "The results would take the place of the folder that the command runs in",
                      remedy="Choose a folder inside it with --out")
            )  # fmt: skip
        self.folder = self.target.with_name(f"{self.target.name}.part-{os.getpid()}")
        if self.target.exists() and not self.target.is_dir():
            raise UsageError(
                fault(str(target), "The place for the results is a file", remedy="Choose a folder that may be replaced")
            )
        refuse_unwritable(self.target)
        ours = not self.target.exists() or not any(self.target.iterdir()) or (self.target / "manifest.json").is_file()
        if not (ours or force):
            raise UsageError(
                fault(
                    str(target),
                    "The folder holds files that were not written by this program",
                    remedy="Choose another folder with --out",
                )
            )

    def __enter__(self) -> Path:
        try:
            if self.folder.exists():
                shutil.rmtree(self.folder)
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise UsageError(_unwritable(self.target, error)) from error
        return self.folder

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if kind is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        old = self.target.with_name(f"{self.target.name}.old-{os.getpid()}")
        if self.target.exists():
            self.target.replace(old)
        try:
            self.folder.replace(self.target)
        except OSError:
            if old.exists():
                old.replace(self.target)
            raise
        shutil.rmtree(old, ignore_errors=True)


def remove_left_behind(target: Path) -> None:
    """Removes the half-made folders beside a target whose processes were killed."""
    for left in target.parent.glob(f"{target.name}.part-*"):
        number = left.name.rpartition("-")[2]
        if os.name == "posix" and number.isdecimal() and not _lives(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _cell(value: object) -> object:
    if isinstance(value, float):  # numpy.float64 is a float too; its own repr names its type
        return repr(float(value))
    return value


def _unwritable(path: Path, error: OSError):
    if path.is_dir():
        return fault(str(path), "This is a folder, not a file", remedy="Add the name of a file to it")
    return fault(
        str(path),
        "The file cannot be written: {reason}",
        remedy="Choose a folder that you may write to",
        reason=error.strerror or type(error).__name__,
    )
