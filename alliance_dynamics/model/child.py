"""The reading of models in a process of its own, so that neither its time nor its memory is the caller's."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from alliance_dynamics.errors import Fault, ModelError, Place, fault
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.text import from_json, to_json
from alliance_dynamics.model.vensim import Read, read_vensim_text

SECONDS = 30.0  # of processor time
SECONDS_PER_MEGABYTE = 60.0
SECONDS_PER_MEGABYTE_OF_XML = 10.0
PATIENCE = 4.0  # seconds by the clock for each of the processor, which others may be using
BYTES = 2 * 2**30


def read_in_child(text: str, file: str, folder: Path | None, *, seconds: float = SECONDS) -> Read:
    """As `read_vensim_text`, in a child process with limits of time and memory; ModelError for those, too.

    `seconds` of processor time, and more for a long text; where the system cannot limit that, and as a last resort,
    four times as many by the clock.
    """
    limit = seconds + SECONDS_PER_MEGABYTE * len(text) / 1e6
    folder_name = None if folder is None else str(folder)
    answer = _ask({"kind": "vensim", "text": text, "file": file, "folder": folder_name, "seconds": limit})
    return Read(from_json(answer["model"]), answer["files"])


def read_xmile_in_child(path: Path, size: int) -> Model:
    """The checked model of an XMILE file of so many bytes, as `read.read_model` has it; limits as for Vensim text."""
    limit = SECONDS + SECONDS_PER_MEGABYTE_OF_XML * size / 1e6
    answer = _ask({"kind": "xmile", "path": str(path), "file": path.name, "seconds": limit})
    return from_json(answer["model"])


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    """What the child process answers; ModelError with its faults, or for its limits."""
    file, limit = request["file"], request["seconds"]
    command = [sys.executable, "-P", "-X", "utf8", "-W", "ignore", "-m", __name__]
    package = str(Path(__file__).resolve().parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(each for each in (package, os.environ.get("PYTHONPATH", "")) if each),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=PATIENCE * limit,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(_too_slow(file, limit)) from error
    if done.returncode == -getattr(signal, "SIGXCPU", 0) != 0:
        raise ModelError(_too_slow(file, limit))
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
        raise ModelError(
            fault(
                file,
                "The model could not be read: the reader stopped with code {code} ({message})",
                remedy="Split long equations; if they are short, this is a fault of the reader.",
                code=done.returncode,
                message=last[:200],
            )
        ) from error
    if "faults" in answer:
        raise ModelError([_fault(each) for each in answer["faults"]])
    return answer


def _too_slow(file: str, limit: float) -> Fault:
    return fault(
        file,
        "The model was not read within {limit} s",
        expected="Expected equations of ordinary length.",
        remedy="Split long equations, or read parts of the model on their own.",
        limit=round(limit),
    )


def main() -> None:
    """Read the request on standard input, write the model or its faults to standard output."""
    request = json.loads(sys.stdin.buffer.read())
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        seconds = math.ceil(request["seconds"])
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    out, sys.stdout = sys.stdout, sys.stderr  # nothing that a library prints may get into the answer
    try:
        answer = _read(request)
    except ModelError as error:
        answer = {"faults": [_fault_to_json(each) for each in error.faults]}
    except (RecursionError, MemoryError) as error:
        what = fault(
            request["file"],
            "The model is too large or too deeply nested to be read ({error})",
            error=type(error).__name__,
        )
        answer = {"faults": [_fault_to_json(what)]}
    out.write(json.dumps(answer))
    out.flush()


def _read(request: dict[str, Any]) -> dict[str, Any]:
    if request["kind"] == "xmile":
        from alliance_dynamics.model.check import checked
        from alliance_dynamics.model.xmile import read_xmile

        return {"model": to_json(checked(read_xmile(Path(request["path"]))))}
    folder = None if request["folder"] is None else Path(request["folder"])
    read = read_vensim_text(request["text"], request["file"], folder)
    return {"model": to_json(read.model), "files": read.files}


def _fault_to_json(each: Fault) -> dict[str, Any]:
    values = {key: value if isinstance(value, int | float | str) else str(value) for key, value in each.values.items()}
    place = [each.place.file, each.place.line, each.place.column]
    return {"place": place, "what": each.what, "expected": each.expected, "remedy": each.remedy, "values": values}


def _fault(content: dict[str, Any]) -> Fault:
    return Fault(Place(*content["place"]), content["what"], content["expected"], content["remedy"], content["values"])


if __name__ == "__main__":
    main()
