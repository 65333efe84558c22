"""One self-contained page on which the model runs: levers as sliders, regimes as presets, draws as bands."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alliance_dynamics import __version__
from alliance_dynamics.common_model import common_model, moved
from alliance_dynamics.errors import UnsupportedError, fault
from alliance_dynamics.explorer.causes import causes_of
from alliance_dynamics.explorer.content import (
    packed_draws,
    page_content,
    regime_rows,
    shown_series,
    units_of,
)
from alliance_dynamics.explorer.parts import parts_of_scenario, with_labels
from alliance_dynamics.explorer.step import choose_step, with_defaults
from alliance_dynamics.explorer.texts import page_texts
from alliance_dynamics.files import write_bytes, write_text
from alliance_dynamics.futures import Futures
from alliance_dynamics.kernel.javascript import write_javascript
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.plan import plan
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.lever_paths import GRID
from alliance_dynamics.loops.named import named_loops_of
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import MILESTONES, SeriesSet
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.scenarios import Scenario
from alliance_dynamics.simulate import program_of

LARGEST = 2_000_000  # bytes: what a mail gateway lets through
_COMMENTS = re.compile(r"^ */\*.*?\*/|  // .*?$", re.DOTALL | re.MULTILINE)
SCRIPTS = ("numbers", "state", "charts", "levers", "compare", "why", "share", "app")


@dataclass(frozen=True)
class Page:
    """The text of the page, and what answers the same questions in Python: the program whose parameter vectors the page
    fills, the series that it shows, the method, and the model's own step."""

    text: str
    program: Program
    series: SeriesSet
    method: str
    dt: float


def write_explorer(path: str | Path, page: Page) -> Path:
    """Write the page; beside it the same in a `.zip`, with two lines on how to open it.

    UnsupportedError: a page above 2 MB.
    """
    if (size := len(page.text.encode())) > LARGEST:
        raise UnsupportedError(
            fault(str(path), "the page has {size} bytes", expected="at most {most}", size=size, most=LARGEST)
        )
    written = write_text(path, page.text)
    write_bytes(written.with_suffix(".zip"), _zipped(written.name, page.text))
    return written


def make_page(
    model: Model,
    futures: Futures,
    parameters: Parameters,
    regimes: Sequence[Scenario],
    *,
    baseline: str,
    chosen: str,
    history: Sequence[Mapping[str, Any]] = (),
    seed: int,
    quick: bool = False,
) -> Page:
    """The page: about 400 kB, no network, a strict content policy, every script named by its hash.

    `regimes` are the presets; those with levers in time or events keep them until a reader moves such a lever.
    Parameters are the medians of the futures, bands come from the first 200 of them, the same for all settings.
    `history` are rows of the fit table.
    """
    common, given = common_model(model, regimes, parameters), model.hash
    if common.model is not model:
        futures = moved(futures, program_of(common.model))
    original, in_time = futures.program, any(each.in_time for each in regimes)
    parts = [parts_of_scenario(original, common.model, *each, parameters)
             for each in zip(regimes, common.choices, strict=True)]  # fmt: skip
    parameters = with_labels(parameters, model, common.model)
    model, regimes = common.model, common.scenarios
    series, packed = shown_series(model), packed_draws(futures)
    central = np.median(futures.rows, axis=0)
    rows = regime_rows(original, model, regimes, parameters, central)
    step = choose_step(
        original, series, rows, baseline=[each.id for each in regimes].index(baseline), years=MILESTONES,
        method=model.time.method, coarsest=GRID if in_time else np.inf,
    )  # fmt: skip
    central[original.parameter_index["time_step"]] = step.dt
    program = with_defaults(original, central)
    loops = named_loops_of(model)
    tops = list(dict.fromkeys(v for each in series.indicators for v in (each.variable, each.minus) if v))
    chosen_by = {original.parameters[column] for own in parts for each in own for column, _ in each.columns}
    causes = causes_of(model, program, parameters, tops, loops, chosen_by)
    outputs = (*series.outputs, *causes.stocks)
    vary = sorted(
        {program.parameters[each] for each in packed.columns}
        | {each.constant for each in parameters.levers.values()}
        | {parameters.policy_year, parameters.policy_ramp}
        | chosen_by
    )
    kernel = write_javascript(program, outputs, vary=vary, method=model.time.method, named=False)
    kept = plan(optimise(program, frozenset(vary)), outputs)
    content = page_content(
        model, program, original, parameters, regimes, parts=parts, series=series, outputs=outputs,
        packed=packed, baseline=baseline, chosen=chosen, step=step, history=history,
    )  # fmt: skip
    content |= {
        "seed": seed, "quick": quick, "hash": given, "program": original.hash, "version": __version__,
        "texts": page_texts(), "loops": [dict(each.labels) for each in loops],
        "causes": {**causes.content, "saved": len(series.outputs)},
        "tops": {each.name: _top(each.variable, each.minus, tops) for each in series.indicators},
        "units": units_of([*series.units, *(e.unit for e in parameters.levers.values()), "Year",
                           *(unit for unit, _ in causes.content["units"])]),
        "kept": {"states": len(kept.integrated) + len(kept.held), "operations": sum(map(len, kept.groups.values()))},
    }  # fmt: skip
    return Page(_assembled(kernel, causes.script, content), program, series, model.time.method, step.own)


def _assembled(kernel: str, forms: str, content: Mapping[str, Any]) -> str:
    here = Path(__file__).parent
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    for sign in "<\u2028\u2029":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    engine = f"{kernel}{forms}const content = {data};\n" + page_script("engine")
    script = '"use strict";\n' + "".join(map(page_script, SCRIPTS))
    style = (here / "explorer.css").read_text(encoding="utf-8")
    page = (here / "explorer.html").read_text(encoding="utf-8")
    for key, text in {
        "STYLE_HASH": policy_hash(style),
        "SCRIPT_HASHES": f"{policy_hash(engine)} {policy_hash(script)}",
        "STYLE": style,
        "ENGINE": engine,
        "SCRIPT": script,
    }.items():
        page = page.replace(f"[[{key}]]", text)
    return page


def page_script(name: str) -> str:
    """One room of the page's script, without indentation and comments: these begin a line, or follow two spaces."""
    text = (Path(__file__).parent / "script" / f"{name}.js").read_text(encoding="utf-8")
    plain = _COMMENTS.sub("", text)
    return "".join(line.strip(" ") + "\n" for line in plain.splitlines() if line.strip())


def _top(variable: str, minus: str, tops: Sequence[str]) -> dict[str, int]:
    """The number of the variable of an outcome, and of the one that is taken from it.  Tops come first of all."""
    found = {"variable": tops.index(variable)}
    return found | ({"minus": tops.index(minus)} if minus else {})


def _zipped(name: str, page: str) -> bytes:
    """The page and how to open it, for mail that lets no page through; the same bytes each time."""
    lines = (
        f"Распакуйте архив и откройте {name} в браузере двойным щелчком; сеть и установка не нужны.\n"
        f"Unpack the archive and open {name} in a browser by double click; no network, nothing to install.\n"
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, text in ((name, page), ("README.txt", lines)):
            archive.writestr(zipfile.ZipInfo(each), text.encode(), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def policy_hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
