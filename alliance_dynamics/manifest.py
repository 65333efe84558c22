"""The manifest of a results folder: what made it, from which inputs, and the hash of every file in it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from alliance_dynamics import __version__
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.files import sha256, write_text

if TYPE_CHECKING:
    from alliance_dynamics.kernel.program import Program
    from alliance_dynamics.model.model import Model

NAME = "manifest.json"
SCHEMA = 1
VOLATILE = ("created", "wall_s", "environment", "content_sha256")
PACKAGES = ("numpy", "scipy", "llvmlite", "pysd", "SALib", "matplotlib")


def write_manifest(
    folder: str | Path,
    *,
    seed: int,
    dt: float,
    method: str,
    backend: str,
    draws: int,
    wall_s: float,
    model: Mapping[str, Any],
    inputs: Mapping[str, Mapping[str, str]],
    command: Sequence[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    checks: Iterable[Mapping[str, Any]] = (),
    failed_draws: int = 0,
    quick: bool = False,
) -> Path:
    """Writes `manifest.json` over all files that lie in `folder`; write it last, and anew after adding a file.

    `model` is that of `describe_model`; `inputs` maps a kind (data, regimes, parameters) to `hash_files`.  `checks`
    are dicts of name, status, value, limit.  `content_sha256` covers all but the time, the duration and the
    environment, so two runs of the same inputs have the same one.  No absolute path, user or host name is written.
    """
    folder = Path(folder)
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "package": {"name": "alliance-dynamics", "version": __version__},
        "command": shown_command(sys.argv[1:] if command is None else command),
        "created": created(),
        "quick": quick,
        "seed": seed,
        "draws": {"n": draws},
        "failed_draws": failed_draws,
        "method": method,
        "dt": dt,
        "backend": backend,
        "settings": dict(settings or {}),
        "model": dict(model),
        "inputs": {kind: dict(sorted(files.items())) for kind, files in sorted(inputs.items())},
        "checks": [dict(each) for each in checks],
        "outputs": outputs_of(folder),
        "wall_s": round(wall_s, 3),
        "environment": environment(),
    }
    content["content_sha256"] = content_hash(content)
    return write_text(folder / NAME, json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def refuse_other_results(folder: Path, command: Sequence[str], force: bool) -> None:
    """UsageError where a folder holds what another command made, unless `force`.

    The same command may replace its own results, and any command those of a quick run, which are for trying.
    """
    try:
        stored = json.loads((folder / NAME).read_text(encoding="utf-8"))
        words, quick = [str(each) for each in stored["command"]], stored.get("quick") is True
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return  # no results, or none that say what made them
    if force or quick or words == shown_command(command):
        return
    raise UsageError(
        fault(str(folder), "The folder holds the results of another command: `{command}`", command=" ".join(words),
              remedy="Choose another folder with --out, or replace them with --force")
    )  # fmt: skip


def describe_model(model: Model, program: Program) -> dict[str, Any]:
    """Id, hashes and size of a model."""
    return {
        "id": model.name,
        "model_sha256": model.hash,
        "program_sha256": program.hash,
        "states": len(program.states),
        "operations": len(program.step),
        "parameters": len(program.parameters),
    }


def hash_files(folder: str | Path, pattern: str = "**/*") -> dict[str, str]:
    """SHA-256 of each file of a folder under its path inside it; of one file under its name."""
    folder = Path(folder)
    if folder.is_file():
        return {folder.name: sha256(folder)}
    files = [each for each in folder.glob(pattern) if each.is_file() and "__pycache__" not in each.parts]
    return {path: sha256(file) for path, file in sorted((each.relative_to(folder).as_posix(), each) for each in files)}


def outputs_of(folder: Path) -> list[dict[str, Any]]:
    """Path, size and SHA-256 of every file but the manifest, in the order of the paths."""
    files = sorted((each.relative_to(folder).as_posix(), each) for each in folder.rglob("*") if each.is_file())
    return [
        {"path": path, "bytes": file.stat().st_size, "sha256": sha256(file)} for path, file in files if path != NAME
    ]


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest without its volatile entries."""
    kept = {name: value for name, value in content.items() if name not in VOLATILE}
    text = json.dumps(kept, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def created() -> str:
    """The time now in UTC, or that of SOURCE_DATE_EPOCH where it is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch.isascii() and epoch.isdigit() else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_command(arguments: Sequence[str]) -> list[str]:
    """The command of some arguments as it can be repeated elsewhere: an absolute path gives way to its last name."""
    return ["alliance", *(_relative(each) for each in arguments)]


def environment() -> dict[str, Any]:
    """Versions that could change the numbers; nothing that names a machine or a person."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _relative(argument: str) -> str:
    option, equals, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    if PurePosixPath(value).is_absolute():
        value = PurePosixPath(value).name
    elif PureWindowsPath(value).drive or PureWindowsPath(value).root:
        value = PureWindowsPath(value).name
    return option + equals + value


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
