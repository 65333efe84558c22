"""Series of a problem drive its model: against closed forms, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from alliance_dynamics.calibration.binding import Binding
from alliance_dynamics.calibration.estimation import Work, estimate
from alliance_dynamics.errors import InputError

from .problems import made, model_of

TIMES = np.arange(1.0, 11.0)
RATE, FIRST = 0.3, 2.0
PARAMETERS = [
    "parameterId target lowerBound upperBound nominalValue estimate transform",
    "k loss_rate 0.01 2 0.3 true log",
]
EXPERIMENTS = ["experimentId time conditionId", "steps 0 .", "line 0 .", "plain 0 ."]
HEAD = "forcingId experimentId time value interpolation"
STEPS = [f"supply steps {t} {v:g} step" for t, v in zip(range(0, 11, 2), (1, 4, 2, 0, 3, 3), strict=True)]
LINE = ["supply line 0 1 linear", "supply line 10 6 linear"]


def steps(rate=RATE):
    """Exact levels at TIMES: supply constant over spans of two."""
    level, found = FIRST, []
    for year in range(10):
        supply = (1, 4, 2, 0, 3)[year // 2]
        level = supply / rate + (level - supply / rate) * np.exp(-rate)
        found.append(level)
    return np.array(found)


def line(rate=RATE):
    """Exact levels at TIMES: supply 1 + t / 2."""
    particular = lambda t: 1 / rate + t / (2 * rate) - 1 / (2 * rate**2)  # noqa: E731
    return particular(TIMES) + (FIRST - particular(0.0)) * np.exp(-rate * TIMES)


def plain(rate=RATE):
    return 1 / rate + (FIRST - 1 / rate) * np.exp(-rate * TIMES)


def problem(folder, forcings=(*STEPS, *LINE), parameters=PARAMETERS, experiments=EXPERIMENTS, factor=1.0):
    wanted = {"steps": steps(), "line": line(), "plain": plain()}
    rows = [
        f"level {name} {t:g} {factor * v:.15g}"
        for name, values in wanted.items()
        for t, v in zip(TIMES, values, strict=True)
    ]
    tables = {
        "measurements": ["observableId experimentId time measurement", *rows],
        "observables": ["observableId observableFormula noiseFormula noiseDistribution", "level level 0.1 normal"],
        "parameters": parameters,
        "experiments": experiments,
    }
    if forcings:
        tables["forcings"] = [HEAD, *forcings]
    return made(folder, "driven", tables, "dt = 0.125")


def test_each_experiment_follows_its_own_series_and_one_without_keeps_its_equation(tmp_path):
    bound = Binding(made_problem := problem(tmp_path), model_of(made_problem))
    said = bound.say(np.array([[RATE], [0.5]]))
    for row, rate in enumerate((RATE, 0.5)):
        exact = np.concatenate([steps(rate), line(rate), plain(rate)])
        np.testing.assert_allclose(said.predicted[row], exact, rtol=1e-6)


def test_the_rate_is_found_under_the_series(tmp_path):
    found = estimate(made_problem := problem(tmp_path), model_of(made_problem), seed=0, work=Work.quick())
    assert found.values["k"] == pytest.approx(RATE, rel=1e-5)


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = problem(tmp_path / "a"), problem(tmp_path / "b", forcings=(*LINE[::-1], *STEPS[::-1]))
    rows = np.array([[0.2], [0.9]])
    first, second = (Binding(each, model_of(each)).say(rows).predicted for each in (one, two))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["suply steps 0 1 step", "suply steps 10 1 step"], "the series `suply` stands for no variable.*supply"),
        (["level steps 0 1 step", "level steps 10 1 step"], "`level` is a stock and cannot follow a series"),
        (["loss_rate steps 0 1 step", "loss_rate steps 10 1 step"], "follows a series, and `k` sets it too"),
        (["curve steps 0 1 step", "curve steps 10 1 step"], "is read at something other than Time"),
        (["supply steps 0 1 step", "supply steps 5 1 linear", "supply steps 10 1 step"], "both kinds"),
        (["supply steps 0 1 step", "supply steps 5 1 step"], "`supply` of steps covers 0 to 5|ends in 5"),
        (["supply stepz 0 1 step", "supply stepz 10 1 step"], "there is no experiment `stepz`"),
        (["supply steps 0 one step", "supply steps 10 1 step"], "one"),
    ],
)
def test_what_cannot_drive_a_model_is_refused_by_name(tmp_path, rows, said):
    with pytest.raises(InputError, match=said):
        Binding(made_problem := problem(tmp_path, forcings=rows), model_of(made_problem))
