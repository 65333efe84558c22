"""`alliance doctor`: whether this machine has what the package needs, and what to install where it has not."""

from __future__ import annotations

import platform
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, processors, say

SUMMARY = "Say whether this machine has what is needed: packages, processor, kernels, folders, browser."
EXAMPLES = ("alliance doctor", "alliance doctor --json")

PACKAGE = "alliance-dynamics"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge", "msedge", "firefox")
FEATURES = {"avx2": "AVX2", "fma": "FMA", "avx512f": "AVX-512"}
LEAST_FREE = 200_000_000  # bytes; a full study writes about 50 MB, its cache less
EXACT = 100 * 0.8**10  # Euler's rule on dS/dt = -S/5 from 100, ten steps of 1
DECAY = """<?xml version="1.0" encoding="utf-8"?>
<xmile version="1.0" xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0">
<header><vendor>alliance</vendor><product version="1">alliance</product><name>decay</name></header>
<sim_specs method="Euler" time_units="Year"><start>0</start><stop>10</stop><dt>1</dt></sim_specs>
<model><variables>
<stock name="S"><eqn>100</eqn><outflow>leaving</outflow></stock>
<flow name="leaving"><eqn>S/5</eqn></flow>
</variables></model></xmile>
"""

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `broken` is essential and stops the work, `missing` only leaves something out."""

    name: str
    state: State
    value: str
    remedy: str = ""


def add_options(parser: Parser) -> None:
    """None of its own."""


def execute(arguments: Namespace) -> Outcome:
    findings = [*_versions(), *_extras(), *_processor(), *_kernels(), *_folders(), *_shown()]
    broken = any(each.state == "broken" for each in findings)
    done = Outcome(
        exit_code=1 if broken else 0,
        text="" if arguments.json else _table(findings),
        results={"findings": [asdict(each) for each in findings]},
    )
    return done.then("alliance", "study", "--quick")


def _versions() -> Iterator[Finding]:
    from alliance_dynamics import __version__

    yield Finding("alliance-dynamics", "ok", __version__)
    sound = sys.version_info >= (3, 11)
    yield Finding("Python", "ok" if sound else "broken", platform.python_version(),
                  "" if sound else say("Python 3.11 or newer is needed"))  # fmt: skip
    for name in _requirements(""):
        yield _package(name, "broken", f"python -m pip install {name}")


def _extras() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        extras = metadata(PACKAGE).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        yield Finding(PACKAGE, "missing", say("not installed, run from its folder"), "python -m pip install .")
        return
    for extra in extras:
        packages = [_package(name, "missing", "") for name in _requirements(extra)]
        absent = [each.name for each in packages if each.state != "ok"]
        value = say("without {names}").format(names=", ".join(absent)) if absent else say("complete")
        yield Finding(f"[{extra}]", "missing" if absent else "ok", value,
                      f"python -m pip install '{PACKAGE}[{extra}]'" if absent else "")  # fmt: skip


def _requirements(extra: str) -> list[str]:
    """Names of the packages that the package itself, or one of its extras, asks for."""
    import re
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires(PACKAGE) or []
    except PackageNotFoundError:
        lines = ["numpy", "scipy", "llvmlite", "pysd"] if not extra else []
    found = []
    for line in lines:
        need, _, marker = line.partition(";")
        of = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if (of.group(1) if of else "") == extra:
            found.append(re.split(r"[\s<>=!~\[(]", need.strip())[0])
    return found


def _package(name: str, otherwise: State, remedy: str) -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(name, otherwise, say("not installed"), remedy)


def _processor() -> Iterator[Finding]:
    yield Finding(say("cores"), "ok", str(processors()))
    try:
        import llvmlite.binding as llvm

        features = llvm.get_host_cpu_features()
    except (ImportError, OSError, RuntimeError) as error:
        yield Finding(say("processor"), "missing", str(error))
        return
    has = [shown for key, shown in FEATURES.items() if features.get(key)]
    yield Finding(say("processor"), "ok", f"{platform.machine()} {' '.join(has)}".strip())


def _kernels() -> Iterator[Finding]:
    """Each back-end compiles and runs a decay and must give its exact value; NumPy is essential, LLVM is speed."""
    import tempfile

    from alliance_dynamics.errors import AllianceError
    from alliance_dynamics.model.read import read_model
    from alliance_dynamics.simulate import run_model

    backends: tuple[tuple[str, str, State], ...] = (("llvm", "LLVM", "missing"), ("numpy", "NumPy", "broken"))
    for backend, title, otherwise in backends:
        name = say("kernel {title}").format(title=title)
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "decay.xmile"
                path.write_text(DECAY, encoding="utf-8")
                run = run_model(read_model(path), backend=backend)
            found = float(run.values[-1, [each.lower() for each in run.columns].index("s")])
        except (AllianceError, ImportError, OSError, RuntimeError) as error:
            yield Finding(name, otherwise, str(error))
            continue
        sound = abs(found - EXACT) <= 1e-12 * EXACT
        yield Finding(name, "ok" if sound else "broken", say("{found}, exact {exact}").format(
            found=f"{found:.11g}", exact=f"{EXACT:.11g}"))  # fmt: skip


def _folders() -> Iterator[Finding]:
    from alliance_dynamics.files import write_text
    from alliance_dynamics.model.cache import cache_folder

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / ".doctor", "").unlink()
        yield Finding(say("cache folder"), "ok", str(folder))
    except OSError as error:  # runs go on without a cache
        yield Finding(say("cache folder"), "missing", f"{folder}: {error.strerror}",
                      say("Set ALLIANCE_DYNAMICS_CACHE to a folder that can be written"))  # fmt: skip
    free = shutil.disk_usage(Path.cwd()).free
    enough = free >= LEAST_FREE
    yield Finding(say("free disk space here"), "ok" if enough else "broken", f"{free / 1e9:.1f} GB",
                  "" if enough else say("A study needs 0.2 GB"))  # fmt: skip


def _shown() -> Iterator[Finding]:
    """Fonts travel with matplotlib and typst; a browser shows the pages."""
    from importlib.util import find_spec

    spec = find_spec("matplotlib")
    font = Path(spec.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf" if spec and spec.origin else None
    found = font is not None and font.is_file()
    yield Finding(say("fonts"), "ok" if found else "missing", "DejaVu Sans" if found else say("not found"))
    browser = next((path for each in BROWSERS if (path := shutil.which(each))), None) or _system_browser()
    yield Finding(say("browser"), "ok" if browser else "missing", browser or say("not found"),
                  "" if browser else say("Any browser opens the reports; only tests need one here"))  # fmt: skip


def _system_browser() -> str:
    """The browser that the system opens pages with, where it can be told."""
    import webbrowser

    try:
        return str(getattr(webbrowser.get(), "name", "") or "")
    except webbrowser.Error:
        return ""


def _table(findings: list[Finding]) -> str:
    marks = {"ok": say("ok"), "missing": say("absent"), "broken": say("WRONG")}
    names, states = (max(map(len, each)) for each in ([f.name for f in findings], list(marks.values())))
    lines = []
    for each in findings:
        remedy = f"  -> {each.remedy}" if each.remedy else ""
        lines.append(f"{marks[each.state]:<{states}}  {each.name:<{names}}  {each.value}{remedy}")
    return "\n".join(lines) + "\n"
