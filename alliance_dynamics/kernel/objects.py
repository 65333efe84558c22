"""Machine code that was made before, in the user's cache folder; what is damaged or cannot be kept is made anew."""

from __future__ import annotations

import hashlib
from pathlib import Path

from alliance_dynamics.model.cache import cache_folder, keep, kept

MOST = 64  # objects kept; those not used for longest go first
DIGEST = 32  # bytes of SHA-256 before the object


def object_key(*parts: str) -> str:
    """SHA-256 of all that machine code depends on: the text, the processor, the versions."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def load_object(key: str) -> bytes | None:
    """The object kept under a key, if it is there and whole."""
    content = kept(_path(key)) or b""
    digest, found = content[:DIGEST], content[DIGEST:]
    return found if found and hashlib.sha256(found).digest() == digest else None


def save_object(key: str, content: bytes) -> None:
    """Keep an object; the file appears whole or not at all."""
    keep(_path(key), hashlib.sha256(content).digest() + content, most=MOST)


def _path(key: str) -> Path:
    return cache_folder() / "objects" / f"{key}.o"
