"""Machine code that was made before, in the user's cache folder; what is damaged or cannot be kept is made anew."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from alliance_dynamics.model.cache import cache_folder

MOST = 64  # objects kept; those not used for longest go first
DIGEST = 32  # bytes of SHA-256 before the object


def object_key(*parts: str) -> str:
    """SHA-256 of all that machine code depends on: the text, the processor, the versions."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def load_object(key: str) -> bytes | None:
    """The object kept under a key, if it is there and whole."""
    try:
        path = _path(key)
        content = path.read_bytes()
        path.touch()
    except OSError:
        return None
    digest, found = content[:DIGEST], content[DIGEST:]
    return found if found and hashlib.sha256(found).digest() == digest else None


def save_object(key: str, content: bytes) -> None:
    """Keep an object; the file appears whole or not at all."""
    with contextlib.suppress(OSError):
        path = _path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(hashlib.sha256(content).digest() + content)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink()
            raise
        kept = sorted(path.parent.glob("*.o"), key=lambda each: each.stat().st_mtime)
        for old in kept[:-MOST]:
            old.unlink()


def _path(key: str) -> Path:
    return cache_folder() / "objects" / f"{key}.o"
