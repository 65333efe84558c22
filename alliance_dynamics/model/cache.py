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
    with contextlib.suppress(OSError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"files": files, "model": to_json(model)}, ensure_ascii=False)
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).replace(folder / f"{key}.json")
        except OSError:
            Path(temporary).unlink()
            raise
