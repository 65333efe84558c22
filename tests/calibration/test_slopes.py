"""Exact slopes of objectives agree with central differences to 1e-6, term by term and on whole problems."""

from __future__ import annotations

import numpy as np
import pytest

from alliance_dynamics.calibration.fit import _Fixed
from alliance_dynamics.calibration.formula import evaluate_formula, formula_slopes, parse_formula
from alliance_dynamics.calibration.problem import read_problem
from alliance_dynamics.calibration.setup import set_up
from alliance_dynamics.errors import Place
from alliance_dynamics.model.built_in import open_model

from .problems import BENCHMARKS, ROOT, logistic, made, objective, published

TIMES = np.arange(1, 13)
GROWTH = ["r 0.01 2 0.25 true log", "K 10 1000 100 true log"]


def worst(found, cubes):
    """The largest relative difference between slopes and differences (two lengths, their fourth-order combination).

    Of each slope the best length counts: long ones are cut short by curvature, short ones by rounding.
    """

    def differences(step):
        moves = step * np.eye(cubes.shape[1])
        ends = [found.value((cubes[:, None, :] + sign * moves).reshape(-1, cubes.shape[1])) for sign in (1, -1)]
        return (ends[0] - ends[1]).reshape(cubes.shape) / (2 * step)

    slopes = found.local(cubes).gradient
    large = np.abs(slopes) + 1e-3 * np.linalg.norm(slopes, axis=1, keepdims=True)
    tried = [(4 * differences(step / 2) - differences(step)) / 3 for step in (1e-3, 3e-4, 1e-4, 3e-5)]
    return float(np.max(np.min([np.abs(each - slopes) / large for each in tried], axis=0)))


def near_the_middle(found, count=8):
    cubes = 0.5 + 0.3 * (np.random.default_rng(1).random((count, found.space.size)) - 0.5)
    return cubes[np.isfinite(found.value(cubes))]


@pytest.mark.skipif(not BENCHMARKS.exists(), reason="the published problems are absent")
@pytest.mark.parametrize("name", ["lynx_hare", "bertozzi", "rahman", "boehm", "rat43"])
def test_published_problems(tmp_path, name):
    found = objective(published(tmp_path, name, *(["dt = 0.25"] if name == "rahman" else [])))
    cubes = near_the_middle(found)
    assert len(cubes) and worst(found, cubes) < 1e-6
    assert not found.by_differences


def test_the_tatarstan_problem():
    setup = set_up(open_model("alliance"), read_problem(ROOT / "calibration" / "tatarstan"), last_year=2022)
    task = setup.task(2022)
    found = _Fixed(task, np.full(task.noise.groups, 0.15), np.full(task.noise.groups, 0.5))
    share = (setup.nominal - task.priors.lower) / (task.priors.upper - task.priors.lower)
    assert worst(found, np.clip(share, 0.05, 0.95)[None, :]) < 1e-6
    assert not setup.forward.sensitivities.refused


@pytest.mark.parametrize(
    "text",
    ["a + b - 2", "a * b / (a + 3)", "a ^ b", "pow(a, 2) * exp(-b)", "ln(a) + log10(b) + log2(a) + log(b)",
     "sin(a) * cos(b) + tan(a)", "sqrt(a) - abs(-b)", "min(a, b) + max(a, 2 * b)", "-(a - b) ^ 2"],
)  # fmt: skip
def test_every_part_of_a_formula(text):
    tree = parse_formula(text, Place())
    at, step = {"a": 0.7, "b": 1.3}, 1e-6
    value, slopes = formula_slopes(tree, lambda r: np.array(at[r.name]), lambda r: np.eye(2)["ab".index(r.name)])
    assert value == evaluate_formula(tree, lambda r: at[r.name])
    for place, name in enumerate("ab"):
        up, down = (
            evaluate_formula(tree, lambda r, move=move, name=name: at[r.name] + move * (r.name == name))
            for move in (step, -step)
        )
        assert slopes[place] == pytest.approx((up - down) / (2 * step), rel=1e-8)


def growth(folder, observables, parameters=(), placeholders="", noise="", **tables):
    stream = np.random.default_rng(2)
    values = logistic(TIMES) * np.exp(0.1 * stream.standard_normal(len(TIMES)))
    head, cells = "observableId experimentId time measurement", ""
    if placeholders:
        head, cells = head + " observableParameters", cells + f" {placeholders}"
    if noise:
        head, cells = head + " noiseParameters", cells + f" {noise}"
    rows = [f"size all {t} {v:.12g}{cells}" for t, v in zip(TIMES, values, strict=True) if t != 5]
    found = {
        "measurements": [head, *rows],
        "observables": observables,
        "parameters": ["parameterId lowerBound upperBound nominalValue estimate transform", *GROWTH, *parameters],
        **tables,
    }
    return made(folder, "logistic", found, "dt = 0.25")


OBSERVABLE = "observableId observableFormula noiseFormula noiseDistribution"


@pytest.mark.parametrize("noise", ["profiled", "sd_size", "0.02*size+sd_size"])
@pytest.mark.parametrize("distribution", ["normal", "log-normal", "laplace", "log-student-t"])
def test_kinds_of_noise_with_memory(tmp_path, noise, distribution):
    if noise == "profiled" and distribution == "log-student-t":
        noise = "0.3"
    more = ["phi -0.9 0.9 0.3 true none", *(["sd_size 0.01 1 0.1 true log"] if "sd" in noise else [])]
    memory = ["observableId experimentId structure parameterId", "size all ar1 phi"]
    problem = growth(tmp_path, [OBSERVABLE, f"size X {noise} {distribution}"], more, noise_correlation=memory)
    found = objective(problem)
    assert worst(found, near_the_middle(found)) < 1e-6


def test_flows_placeholders_and_noise_parameters(tmp_path):
    observables = [
        "observableId observableFormula observablePlaceholders noiseFormula noisePlaceholders noiseDistribution kind",
        "size scale*growth+shift scale;shift width*2 width log-normal flow",
    ]
    more = ["c 0.5 5 3 true log", "w 0.05 1 0.2 true log"]
    found = objective(growth(tmp_path, observables, more, placeholders="c;1.5", noise="w"))
    assert worst(found, near_the_middle(found)) < 1e-6


def test_conditions_that_set_constants_and_stocks_on_the_way(tmp_path):
    more = ["again 5 50 20 true none", "K_later 20 100 60 true none"]
    problem = growth(tmp_path, [OBSERVABLE, "size X 0.2 log-normal"], more,
                     conditions=["conditionId targetId targetValue", "first X 2*again", "first x0 again",
                                 "later K K_later^0.9", "later X again+sqrt(K_later)"],
                     experiments=["experimentId time conditionId", "all 0 first", "all 6 later"])  # fmt: skip
    found = objective(problem)
    assert worst(found, near_the_middle(found)) < 1e-6


@pytest.mark.parametrize("scale", ["log", "none"])
def test_pools_with_all_priors(tmp_path, scale):
    seen = list(zip(TIMES, logistic(TIMES), strict=True))
    rows = [f"size {place} {t} {v:.12g}" for place in ("east", "west") for t, v in seen]
    tables = {
        "measurements": ["observableId experimentId time measurement", *rows],
        "observables": [OBSERVABLE, "size X profiled log-normal"],
        "parameters": [
            "parameterId lowerBound upperBound nominalValue estimate transform priorDistribution priorParameters",
            "r_east 0.01 2 0.25 true log . .", "r_west 0.01 2 0.25 true log . .",
            "K 10 1000 100 true log log-normal 4.6;0.5", "x0 1 100 15 true log gamma 2;10",
        ],
        "experiments": ["experimentId time conditionId", "east 0 east", "west 0 west"],
        "conditions": ["conditionId targetId targetValue", "east r r_east", "west r r_west"],
        "pooling": ["parameterId poolId poolPrior scalePrior poolScale",
                    *(f"r_{place} pool_r normal;{-1.3 if scale == 'log' else 0.25};0.3 half-normal;0.2 {scale}"
                      for place in ("east", "west"))],
    }  # fmt: skip
    found = objective(made(tmp_path, "logistic", tables, "dt = 0.25"), priors="all")
    assert worst(found, near_the_middle(found)) < 1e-6


def test_what_the_kernel_has_no_derivative_by_is_named_and_taken_by_differences(tmp_path):
    exact = [1 * np.exp(-0.3 * t) + (t > 3) * 2 / 0.3 * (1 - np.exp(-0.3 * max(t - 3, 0))) for t in TIMES[:10]]
    tables = {
        "measurements": ["observableId experimentId time measurement",
                         *(f"level all {t} {v:.12g}" for t, v in zip(TIMES, exact, strict=False))],
        "observables": [OBSERVABLE, "level level 0.1 normal"],
        "parameters": ["parameterId target lowerBound upperBound nominalValue estimate transform",
                       "when kick_time 1 8 3 true none", "k decay_rate 0.05 2 0.3 true log"],
    }  # fmt: skip
    found = objective(made(tmp_path, "kicked", tables, "dt = 0.125"))
    cube = np.array([[0.3, 0.4]])
    slopes = found.local(cube).gradient[0]
    assert list(found.by_differences) == ["kick_time"]
    assert "sets the time of an event" in found.by_differences["kick_time"]
    ends = found.value(cube + np.array([[0, 1e-5], [0, -1e-5]]))
    assert slopes[1] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6)
