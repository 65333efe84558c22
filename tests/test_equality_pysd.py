"""Our models give the numbers of two other engines, and the same numbers by both of our back-ends."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.model.built_in import BUILT_IN, MODULES, open_model
from alliance_dynamics.model.model import Model
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import Run, program_of, run_model

POLICY = {
    "selection power in policy": 0.45,
    "agenda power in policy": 0.45,
    "information power in policy": 0.45,
    "arbitration power in policy": 0.45,
    "programme coverage in policy": 0.7,
    "interregional orientation in policy": 0.7,
    "federal matching share in policy": 0.45,
    "regional co-funding share in policy": 0.1,
    "target joint share in policy": 0.3,
    "information sharing speed in policy": 1.5,
    "target coordinating staff in policy": 45.0,
    "cluster organisation staff in policy": 10.0,
    "voice of regions in policy": 0.7,
    "programme volatility in policy": 0.1,
    "policy year": 2013.0,
}
TIMES = {"dt": 0.5, "saveper": 1.0, "stop": 2030.0}
BACKENDS = ("llvm", "numpy")


@pytest.mark.parametrize("name", [*MODULES, "alliance"])
def test_both_back_ends_agree_with_pysd_in_every_variable_and_year(name, tmp_path):
    theirs = run_in_pysd(text_of(name), changes_of(name), tmp_path)
    for backend in BACKENDS:
        ours = run_model(open_model(name), set=changes_of(name), method="euler", backend=backend, **TIMES)
        assert set(theirs) == set(ours.columns)
        assert_equal(columns_of(ours), theirs, 1e-9)


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("name", [*MODULES, "alliance"])
def test_both_methods_agree_with_simlin_in_every_variable_and_year(name, method, tmp_path):
    theirs = run_in_simlin(text_of(name), changes_of(name), method, tmp_path)
    ours = columns_of(run_model(open_model(name), set=changes_of(name), method=method, **TIMES))
    ours = {plain(label): values for label, values in ours.items()}
    shared = theirs.keys() & ours.keys()
    assert len(shared) >= 0.99 * len(ours)
    assert_equal({key: ours[key] for key in shared}, {key: theirs[key] for key in shared}, 1e-9)


@pytest.mark.parametrize("name", BUILT_IN)
def test_llvm_and_numpy_agree_for_random_constants(name):
    model = open_model(name)
    program = program_of(model)
    row = np.array(program.defaults)
    for control, value in (("time_step", 0.25), ("saveper", 1.0), ("final_time", 2030.0)):
        row[program.parameter_index[control]] = value
    rows = np.tile(row, (4, 1))
    free = np.array([name not in ("initial_time", "final_time", "time_step", "saveper") for name in program.parameters])
    free &= row < 1900  # calendar years stay: a policy before the programme that it follows means nothing
    rows[1:, free] *= np.random.default_rng(0).uniform(0.95, 1.05, (3, int(free.sum())))
    schedule, _ = schedule_of(program, row)
    outputs = tuple(program.outputs)
    for method in ("euler", "rk4"):
        first, second = (
            compile_kernel(program, outputs, backend=backend).run(rows, schedule, method=method) for backend in BACKENDS
        )
        assert (first.failed < 0).all() and (second.failed < 0).all()
        scale = np.abs(second.values).max(axis=1, keepdims=True)
        rounding = 2 * np.finfo(float).eps  # of a difference of numbers near 1, such as an overhead of 1e-6
        assert (np.abs(first.values - second.values) <= 1e-12 * scale + rounding).all()


def changes_of(name: str) -> dict[str, float]:
    """The levers of an alliance, for the models that have them."""
    known: Model = open_model(name)
    labels = {each.label for each in known.variables.values()}
    return {label: value for label, value in POLICY.items() if label in labels and name in ("coordination", "alliance")}


def columns_of(run: Run) -> dict[str, np.ndarray]:
    return dict(zip(run.columns, run.values.T, strict=True))


def assert_equal(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], tolerance: float) -> None:
    """Every series within `tolerance` of the largest value that its variable takes."""
    largest: dict[str, float] = {}
    for label, values in theirs.items():
        base = label.partition("[")[0]
        largest[base] = max(largest.get(base, 0.0), float(np.abs(values).max()))
    gaps = {
        label: float(np.abs(ours[label] - values).max()) / max(largest[label.partition("[")[0]], 1e-300)
        for label, values in theirs.items()
    }
    wrong = {label: gap for label, gap in gaps.items() if not gap <= tolerance}
    assert not wrong, sorted(wrong.items(), key=lambda pair: -pair[1])[:5]


def run_in_pysd(text: str, changes: dict[str, float], folder: Path) -> dict[str, np.ndarray]:
    """By Euler's method; numbers of arrays keep all digits in the program that pysd writes."""
    path = folder / "model.mdl"
    path.write_text(text, encoding="utf-8")
    quoted = {f'"{name}"' if "-" in name or "&" in name else name: value for name, value in changes.items()}
    with warnings.catch_warnings(), np.printoptions(precision=17, threshold=sys.maxsize):
        warnings.simplefilter("ignore")
        import pysd

        model = pysd.read_vensim(path)
        frame = model.run(params=quoted, time_step=TIMES["dt"], saveper=TIMES["saveper"], final_time=TIMES["stop"])
    return {str(name).replace('"', ""): frame[name].to_numpy(float) for name in frame.columns}


def run_in_simlin(text: str, changes: dict[str, float], method: str, folder: Path) -> dict[str, np.ndarray]:
    simlin = pytest.importorskip("simlin")
    path = folder / "model.mdl"
    path.write_text(text, encoding="utf-8")
    model = simlin.load(str(path))
    model.project.set_sim_specs(stop=TIMES["stop"], dt=TIMES["dt"], save_step=TIMES["saveper"], sim_method=method)
    frame = model.run(
        overrides={label.replace(" ", "_").lower(): value for label, value in changes.items()}, analyze_loops=False
    ).results
    return {plain(str(name)): frame[name].to_numpy(float) for name in frame.columns}


def plain(label: str) -> str:
    return label.replace('"', "").replace(" ", "_").replace(",_", ",").casefold()


def text_of(name: str) -> str:
    texts = model_texts()
    if name == "alliance":
        return texts.composed()
    return (texts.FOLDER / f"{name}.mdl").read_text(encoding="utf-8")


@cache
def model_texts() -> ModuleType:
    """The plain reading of the texts in tests/sdmodels, which joins them without any of the package."""
    path = Path(__file__).parent / "sdmodels" / "model_texts.py"
    description = importlib.util.spec_from_file_location("joined_texts", path)
    assert description and description.loader
    module = importlib.util.module_from_spec(description)
    sys.modules[description.name] = module
    description.loader.exec_module(module)
    return module
