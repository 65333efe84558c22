"""Models that were read before, as JSON in the user's cache folder; a cache that fails is no error."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from alliance_dynamics.model.model import Model
from alliance_dynamics.model.text import FORMAT, from_json, to_json

READER = 3  # raised whenever the same text would be read to another model


def cache_folder() -> Path:
    """Where read models are kept: `ALLIANCE_DYNAMICS_CACHE`, else the cache folder of the platform."""
    if chosen := os.environ.get("ALLIANCE_DYNAMICS_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("alliance-dynamics")


def cache_key(content: bytes, name: str) -> str:
    """SHA-256 of a file's bytes, its name (which messages show), the reader and the version of pysd."""
    try:
        pysd = version("pysd")
    except PackageNotFoundError:
        pysd = ""
    head = f"{READER} {FORMAT} {pysd} {name}\n".encode()
    return hashlib.sha256(head + content).hexdigest()


def load(key: str, folder: Path) -> Model | None:
    """The model kept under a key, if it is intact and the files beside the model (in `folder`) have not changed."""
    try:
        entry = json.loads((cache_folder() / f"{key}.json").read_text(encoding="utf-8"))
        for relative, digest in entry["files"].items():
            if hashlib.sha256((folder / relative).read_bytes()).hexdigest() != digest:
                return None
        return from_json(entry["model"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None


def save(key: str, model: Model, files: dict[str, str]) -> None:
    """Keep a model; the file appears whole or not at all."""
    text = json.dumps({"files": files, "model": to_json(model)}, ensure_ascii=False)
    keep(cache_folder() / f"{key}.json", text.encode())


def keep(path: Path, content: bytes, *, most: int | None = None) -> None:
    """A file of the cache, whole or not at all; of those with its ending the `most` used last stay in its folder."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink()
            raise
        if most is not None:
            alike = sorted(path.parent.glob(f"*{path.suffix}"), key=lambda each: each.stat().st_mtime)
            for old in alike[:-most]:
                old.unlink()


def kept(path: Path) -> bytes | None:
    """What is kept at `path`, and that it was used just now, where the cache may be written; None: nothing."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return content
