"""The general fit: exact densities, the same answer two ways, small samples, pools, memory, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from alliance_dynamics.calibration.densities import Noise, PriorDensity
from alliance_dynamics.calibration.diagnostics import effective_size
from alliance_dynamics.calibration.estimation import Work, estimate
from alliance_dynamics.calibration.grid import grid_of
from alliance_dynamics.calibration.objective import Objective, small_sample_cut
from alliance_dynamics.calibration.problem import Prior, read_problem
from alliance_dynamics.calibration.profile import profiles_of
from alliance_dynamics.calibration.residuals import serial_test
from alliance_dynamics.calibration.search import descend, ordered
from alliance_dynamics.calibration.space import space_of
from alliance_dynamics.calibration.wording import combination
from alliance_dynamics.cli import main
from alliance_dynamics.errors import InputError

from .problems import at, best_of, logistic, made, model_of, objective, values_of

YEARS = np.arange(1, 21)
PARAMETERS = [
    "parameterId lowerBound upperBound nominalValue estimate transform",
    "r 0.01 2 0.25 true log",
    "K 10 1000 100 true log",
    "x0 1 100 15 true log",
]


def rows_of(values, times=YEARS, name="size", experiment="all"):
    head = "observableId experimentId time measurement"
    return [head, *(f"{name} {experiment} {t:g} {v:.15g}" for t, v in zip(times, values, strict=True))]


def growth(folder, values, *, noise="profiled", distribution="log-normal", formula="X", times=YEARS, more=(), **tables):
    found = {
        "measurements": rows_of(values, times),
        "observables": [
            "observableId observableFormula noiseFormula noiseDistribution",
            f"size {formula} {noise} {distribution}",
        ],
        "parameters": [*PARAMETERS, *more],
        **tables,
    }
    return made(folder, "logistic", found, "dt = 0.125")


def noisy(seed, sigma=0.05, shift=0.0):
    stream = np.random.default_rng(seed)
    return logistic(YEARS) * np.exp(sigma * stream.standard_normal(20) + shift * (YEARS >= 12))


# ---------------------------------------------------------------------------------------------------------- densities


@pytest.mark.parametrize(
    ("distribution", "log_density"),
    [
        ("normal", lambda y, s: stats.norm(s, 0.3).logpdf(y)),
        ("log-normal", lambda y, s: stats.lognorm(0.3, scale=s).logpdf(y)),
        ("laplace", lambda y, s: stats.laplace(s, 0.3).logpdf(y)),
        ("log-laplace", lambda y, s: stats.laplace(np.log(s), 0.3).logpdf(np.log(y)) - np.log(y)),
        ("student-t", lambda y, s: stats.t(4, s, 0.3).logpdf(y)),
        ("log-student-t", lambda y, s: stats.t(4, np.log(s), 0.3).logpdf(np.log(y)) - np.log(y)),
    ],
)
def test_the_objective_is_the_density_of_the_measurements(tmp_path, distribution, log_density):
    values = noisy(1)
    found = objective(growth(tmp_path, values, noise="0.3", distribution=distribution))
    assert at(found) == pytest.approx(-np.sum(log_density(values, logistic(YEARS))), rel=1e-7)


@pytest.mark.parametrize(
    ("name", "parameters", "frozen"),
    [
        ("normal", (1.0, 0.5), stats.norm(1, 0.5)),
        ("log-normal", (0.1, 0.5), stats.lognorm(0.5, scale=math.exp(0.1))),
        ("laplace", (1.0, 0.5), stats.laplace(1, 0.5)),
        ("uniform", (0.5, 2.5), stats.uniform(0.5, 2)),
        ("log-uniform", (0.5, 2.5), stats.loguniform(0.5, 2.5)),
        ("gamma", (2.0, 0.5), stats.gamma(2, scale=0.5)),
        ("exponential", (0.7,), stats.expon(scale=0.7)),
        ("cauchy", (1.0, 0.5), stats.cauchy(1, 0.5)),
        ("chisquare", (3.0,), stats.chi2(3)),
        ("rayleigh", (0.8,), stats.rayleigh(scale=0.8)),
        ("beta", (2.0, 3.0), stats.beta(2, 3)),
        ("half-normal", (0.8,), stats.halfnorm(scale=0.8)),
    ],
)
def test_a_prior_is_truncated_to_its_bounds_and_normalised(name, parameters, frozen):
    low, high = 0.2, 0.9
    prior = PriorDensity(Prior(name, parameters), low, high)
    x = np.array([0.3, 0.55, 0.8])
    mass = frozen.cdf(high) - frozen.cdf(low)
    with np.errstate(divide="ignore"):
        assert prior.cost(x) == pytest.approx(-frozen.logpdf(x) + math.log(mass), rel=1e-9)
    assert np.isinf(prior.cost(np.array([0.1, 1.0]))).all()
    assert prior.probability(prior.quantile(np.array([0.1, 0.5]))) == pytest.approx([0.1, 0.5], rel=1e-6)


@pytest.mark.parametrize("distribution", ["normal", "laplace", "student-t"])
def test_scores_are_the_slopes_of_costs_and_quantiles_those_of_the_density(distribution):
    noise = Noise.of(distribution, 4.0)
    e = np.array([-2.0, -0.4, 0.3, 1.7])
    assert noise.score(e) == pytest.approx((noise.cost(e + 1e-6) - noise.cost(e - 1e-6)) / 2e-6, rel=1e-6)
    frozen = {"normal": stats.norm(), "laplace": stats.laplace(), "student-t": stats.t(4)}[distribution]
    assert noise.tail(np.array([0.05, 0.5, 0.9])) == pytest.approx(frozen.ppf([0.05, 0.5, 0.9]), abs=1e-9)


@pytest.mark.parametrize(
    ("distribution", "near"),
    [("log-normal", 1e-7), ("normal", 1e-7), ("log-laplace", 1e-4), ("log-student-t", 1e-7), ("student-t", 1e-7)],
)
def test_a_profiled_sigma_is_the_estimated_one(tmp_path, distribution, near):
    values = noisy(2)
    values[7] *= 1.4  # what a robust family is for
    profiled = best_of(objective(growth(tmp_path, values, distribution=distribution)), 4)[0].objective
    more = ["sd_size 0.001 20 0.1 true log"]
    found = objective(growth(tmp_path, values, noise="sd_size", distribution=distribution, more=more))
    assert best_of(found, 4)[0].objective == pytest.approx(profiled, abs=near)


@pytest.mark.parametrize("distribution", ["normal", "laplace", "student-t"])
def test_the_best_scale_has_the_highest_likelihood_and_its_slope(distribution):
    noise = Noise.of(distribution, 4.0)
    residual = np.random.default_rng(5).standard_t(3, (3, 15)) * [[1e-4], [1.0], [1e5]]
    scale = noise.best_scale(residual)[:, None]
    e = residual / scale
    assert np.mean(e * noise.score(e), axis=1) == pytest.approx(1, abs=1e-12)
    step = 1e-6 * scale[:, 0]
    for n in (0, 7):
        up, down = residual.copy(), residual.copy()
        up[:, n] += step
        down[:, n] -= step
        slope = (noise.best_scale(up) - noise.best_scale(down)) / (2 * step)
        expected = noise.pull(e)[:, n] / np.sum(noise.pull(e) * e, axis=1)
        assert slope == pytest.approx(expected, rel=1e-5, abs=1e-8)
    assert np.isnan(noise.best_scale(np.array([[1.0, np.nan]])))[0] and noise.best_scale(np.zeros((1, 3)))[0] == 0


def test_figures_of_one_time_count_each_and_are_said(tmp_path):
    values = noisy(4)
    growth(tmp_path, values)
    table = tmp_path / "measurements.tsv"
    rows = table.read_text(encoding="utf-8")
    table.write_text(rows + rows.splitlines()[5] + "\n", encoding="utf-8")
    problem = read_problem(tmp_path)
    assert [each.place.line for each in problem.warnings] == [22]
    assert "line 22 repeats line 6" in str(problem.warnings[0])
    result = estimate(problem, model_of(problem), seed=1, work=Work(starts=2, posterior=False, profiles=False))
    assert np.isfinite(result.nll) and result.serial == ()
    (tmp_path / "noise_correlation.tsv").write_text(
        "observableId\texperimentId\tstructure\tparameterId\nsize\t\tar1\tphi_size\n", encoding="utf-8"
    )
    with (tmp_path / "parameters.tsv").open("a", encoding="utf-8") as file:
        file.write("phi_size\t-0.9\t0.9\t0.3\ttrue\tnone\n")
    with pytest.raises(InputError, match="a second figure of `size`"):
        read_problem(tmp_path)


def test_any_subset_left_out_drops_its_terms_bit_for_bit(tmp_path):
    values = noisy(3)
    whole = objective(growth(tmp_path, values, noise="0.1"))
    cube = whole.space.nominal[None, :]
    terms = whole.points_cost(whole.errors(cube))[0]
    keep = np.array([1, 2, 5, 11, 19])
    part = objective(growth(tmp_path, values[keep], noise="0.1", times=YEARS[keep]))
    assert part.points_cost(part.errors(cube))[0].tobytes() == terms[keep].tobytes()


# ------------------------------------------------------------------------------------------------------ formulas, rows


def test_noise_may_be_any_formula_of_outputs_parameters_and_cells(tmp_path):
    values = noisy(4)
    tables = {
        "measurements": [
            "observableId experimentId time measurement noiseParameters",
            *(f"size all {t} {v:.15g} {'0.02' if t < 10 else 'extra'}" for t, v in zip(YEARS, values, strict=True)),
        ],
        "observables": [
            "observableId observableFormula noiseFormula noisePlaceholders noiseDistribution",
            "size 2*X+offset sqrt(sd^2+(n*size)^2)+0.01*log(X) n normal",
        ],
        "parameters": [*PARAMETERS, "sd . . 1.5 false .", "extra . . 0.04 false .", "offset -5 5 1 true none"],
    }
    found = objective(made(tmp_path, "logistic", tables, "dt = 0.125"))
    x = logistic(YEARS)
    s = 2 * x + 1
    sigma = np.sqrt(1.5**2 + (np.where(YEARS < 10, 0.02, 0.04) * s) ** 2) + 0.01 * np.log(x)
    assert at(found) == pytest.approx(-np.sum(stats.norm(s, sigma).logpdf(values)), rel=1e-7)


def test_a_later_row_of_an_experiment_changes_constants_and_stocks_from_its_time_on(tmp_path):
    times = np.array([0, 2.5, 6, 6.5, 10, 14])
    tables = {
        "measurements": [
            "observableId experimentId time measurement",
            *(f"size {name} {t:g} 50" for name in ("plain", "changed") for t in times),
        ],
        "observables": ["observableId observableFormula noiseFormula", "size X 1"],
        "parameters": [*PARAMETERS, "K_later . . 60 false .", "again . . 20 false ."],
        "conditions": ["conditionId targetId targetValue", "first X 2*x0", "later K K_later", "later X again"],
        "experiments": ["experimentId time conditionId", "plain 0 .", "changed 0 first", "changed 6 later"],
    }
    found = objective(made(tmp_path, "logistic", tables, "dt = 0.03125"))
    predicted = found.binding.say(found.space.natural(found.space.nominal[None, :])).predicted[0]
    early, late = times < 6, times >= 6
    changed = np.concatenate([logistic(times[early], first=30.0), logistic(times[late] - 6, capacity=60, first=20.0)])
    assert predicted == pytest.approx(np.concatenate([logistic(times), changed]), rel=1e-7)


def test_times_off_the_steps_are_met_by_shorter_steps_or_by_a_cubic():
    fine = grid_of(0.0, 1.0, [0.5, 2.25, 3.0])
    assert fine.exact and fine.dt == 0.25
    rough = grid_of(0.0, 0.1, [0.123456789, math.pi])
    assert not rough.exact
    saves = np.arange(0, 5.0001, 0.1)
    place, weight = rough.weights(np.array([0.123456789, math.pi]), len(saves), 0.0)
    assert np.sum(np.sin(saves)[place] * weight, axis=1) == pytest.approx(np.sin([0.123456789, math.pi]), abs=1e-5)


def test_two_problem_files_give_the_same_problem(tmp_path):
    one = growth(tmp_path, noisy(5))
    (tmp_path / "problem.toml").unlink()
    (tmp_path / "problem.yaml").write_text(
        "format_version: 2.0.0  # PEtab\nmodel_files:\n  growth:\n    location: logistic.mdl\n    language: mdl\n"
        "parameter_files: [parameters.tsv]\nmeasurement_files:\n  - measurements.tsv\n"
        "observable_files:\n- observables.tsv\n",
        encoding="utf-8",
    )
    other = objective(replace_dt(tmp_path))
    assert at(other) == pytest.approx(at(objective(one)), abs=1e-4)


def replace_dt(folder):
    from alliance_dynamics.calibration.problem import read_problem

    return read_problem(folder)


def test_what_nothing_uses_or_nobody_knows_is_refused_at_once(tmp_path):
    problem = growth(tmp_path, noisy(1), formula="Y+unknwn", more=["speed 0.1 1 0.5 true none"])
    with pytest.raises(InputError) as caught:
        estimate(problem, model_of(problem), seed=1)
    said = str(caught.value)
    assert "observables.tsv:2" in said and "`unknwn`" in said and "`y`" in said and "parameters.tsv:5" in said
    assert "`speed` is estimated, but no constant" in said


# -------------------------------------------------------------------------------------------------------- small samples


def test_the_small_sample_cut_has_its_tabulated_values():
    assert small_sample_cut(20, 4, "F") == pytest.approx(2.4754, abs=1e-4)
    assert small_sample_cut(42, 6, "F") == pytest.approx(2.2719, abs=1e-4)
    assert small_sample_cut(42, 6, "chi2") == pytest.approx(1.9207, abs=1e-4)


def broken_growth(folder, values, with_break=True):
    late = YEARS >= 12
    rows = ["observableId experimentId time measurement observableParameters obsStatus"]
    rows += [
        f"size all {t} {v:.15g} {'b_12' if b and with_break else '0'} {'B' if b else 'A'}"
        for t, v, b in zip(YEARS, values, late, strict=True)
    ]
    more = ["b_12 -1 1 0 true none"] if with_break else []
    return growth(
        folder,
        values,
        measurements=rows,
        more=more,
        observables=[
            "observableId observableFormula observablePlaceholders noiseFormula noiseDistribution",
            "size X*exp(b) b profiled log-normal",
        ],
    )


TRUTH = {"r": 0.25, "K": 100.0, "x0": 15.0, "b_12": 0.15}


def replicates(found: Objective, count: int):
    """Objectives with simulated data, sharing one binding."""
    stream = np.random.default_rng(7)
    for _ in range(count):
        data = logistic(YEARS) * np.exp(0.05 * stream.standard_normal(20) + 0.15 * (YEARS >= 12))
        yield Objective(found.binding, found.space, data=data)


def test_intervals_of_twenty_points_cover_the_truth_and_a_break_without_parameter_biases(tmp_path):
    found = objective(broken_growth(tmp_path, noisy(6, shift=0.15)))
    names = [each.id for each in found.space.axes]
    truth = np.array([float(axis.cube(TRUTH[axis.id])) for axis in found.space.axes])
    count, inside, inside_chi, capacity = 400, np.zeros(4), np.zeros(4), []
    f_cut, chi_cut = small_sample_cut(20, 4, "F"), small_sample_cut(20, 4, "chi2")
    for each in replicates(found, count):
        # the interval covers the truth where the profile at the truth lies below the cut
        first = np.repeat(truth[None, :], 5, axis=0)
        free = ~np.vstack([np.zeros((1, 4), dtype=bool), np.eye(4, dtype=bool)])
        ended = descend(each, first, free=free, settled=1e-7)
        rise = np.array([end.objective - ended[0].objective for end in ended[1:]])
        inside += rise <= f_cut
        inside_chi += rise <= chi_cut
        capacity.append(float(found.space.axes[1].natural(ended[0].cube[1])))
    coverage = dict(zip(names, inside / count, strict=True))
    assert all(0.925 <= value <= 0.975 for value in coverage.values()), coverage
    assert (inside_chi / count).mean() < 0.925
    assert abs(np.mean(np.log(capacity)) - math.log(100)) < 0.02
    without = objective(broken_growth(tmp_path, noisy(6, shift=0.15), with_break=False))
    assert any("no break parameter" in str(each) for each in without.problem.warnings)
    biased = [values_of(without, ordered(descend(each, without.space.nominal[None, :], settled=1e-7))[0])
              for each in replicates(without, 60)]  # fmt: skip
    assert np.mean([math.log(each["K"] / 100) for each in biased]) == pytest.approx(0.227, abs=0.02)
    assert np.mean([math.log(each["r"] / 0.25) for each in biased]) == pytest.approx(-0.10, abs=0.02)


def test_a_parameter_that_only_enters_in_a_product_is_structurally_unidentified(tmp_path):
    more = ["scale 0.1 10 1 true log", "other 0.1 10 1 true log"]
    problem = growth(tmp_path, noisy(8), formula="X*scale*other", more=more)
    found = estimate(problem, model_of(problem), seed=1, work=Work(starts=4, posterior=False))
    verdicts = {each.parameter.id: each.verdict for each in found.verdicts}
    assert verdicts["scale"] == verdicts["other"] == "structurally not identified"
    assert found.information.structural_rank < len(found.information.names)
    assert combination({"a": 0.707, "b": -0.707}) == "only a * b is determined"
    assert combination({"a": 0.707, "b": 0.7}) == "only a / b is determined"


def test_a_better_optimum_on_a_profile_restarts_it(tmp_path):
    found = objective(growth(tmp_path, noisy(9)))
    best = best_of(found, 4)[0]
    from_afar = replace(best, cube=found.space.nominal, objective=at(found))
    assert profiles_of(found, from_afar).best.objective == pytest.approx(best.objective, abs=1e-6)


# ------------------------------------------------------------------------------------------------------ memory, pools


def test_autocorrelated_noise_is_the_dense_normal_gaps_included(tmp_path):
    keep = np.array([0, 1, 2, 4, 7, 8, 13, 19])
    values = noisy(10)[keep]
    problem = growth(
        tmp_path,
        values,
        noise="sd_size",
        times=YEARS[keep],
        more=["sd_size 0.01 1 0.08 true log", "phi_size -0.9 0.95 0.6 true none"],
        noise_correlation=["observableId experimentId structure parameterId", "size all ar1 phi_size"],
    )
    t = YEARS[keep]
    covariance = 0.08**2 * 0.6 ** np.abs(t[:, None] - t[None, :])
    dense = stats.multivariate_normal(np.log(logistic(t)), covariance).logpdf(np.log(values)) - np.sum(np.log(values))
    found = objective(problem)
    exact = found.binding.say(found.space.natural(found.space.nominal[None, :])).predicted[0]
    dense = stats.multivariate_normal(np.log(exact), covariance).logpdf(np.log(values)) - np.sum(np.log(values))
    assert at(found) == pytest.approx(-dense, rel=1e-10)


def test_serial_tests_see_memory_and_only_memory():
    stream = np.random.default_rng(0)
    white = stream.standard_normal(200)
    walk = np.zeros(200)
    for i in range(1, 200):
        walk[i] = 0.7 * walk[i - 1] + white[i]
    assert serial_test(white).p_value > 0.05 and serial_test(white).durbin_watson == pytest.approx(2, abs=0.3)
    assert serial_test(walk).rejected and serial_test(walk).durbin_watson < 1
    assert serial_test(walk).autocorrelation == pytest.approx(0.7, abs=0.1)
    share = np.mean([serial_test(stream.standard_normal(40)).rejected for _ in range(400)])
    assert 0.02 < share < 0.09


def pooled(folder, spread):
    values = {"east": logistic(YEARS, r=0.2), "west": logistic(YEARS, r=0.35)}
    stream = np.random.default_rng(3)
    rows = ["observableId experimentId time measurement"]
    for name, each in values.items():
        seen = each * np.exp(0.05 * stream.standard_normal(20))
        rows += [f"size {name} {t} {v:.15g}" for t, v in zip(YEARS, seen, strict=True)]
    tables = {
        "measurements": rows,
        "observables": ["observableId observableFormula noiseFormula noiseDistribution", "size X 0.05 log-normal"],
        "parameters": [
            "parameterId lowerBound upperBound nominalValue estimate transform",
            "r_east 0.05 1 0.25 true log",
            "r_west 0.05 1 0.25 true log",
            "K 50 200 100 true log",
        ],
        "conditions": ["conditionId targetId targetValue", "east r r_east", "west r r_west"],
        "pooling": [
            "parameterId poolId poolPrior scalePrior",
            f"r_east pool_r normal;-1.3;1000000 half-normal;{spread}",
            f"r_west pool_r normal;-1.3;1000000 half-normal;{spread}",
        ],
    }
    return made(folder, "logistic", tables, "dt = 0.125")


@pytest.mark.parametrize(("spread", "limit"), [(1e-7, "complete"), (1e4, "none")])
def test_a_pool_without_spread_is_one_value_and_with_endless_spread_separate_fits(tmp_path, spread, limit):
    problem = pooled(tmp_path, spread)
    partial = objective(problem)
    other = Objective(partial.binding, space_of(problem, limit))
    found, alone = best_of(partial, 8)[0], best_of(other, 8)[0]
    likelihoods = [float(each.likelihood(end.cube[None, :])[0]) for each, end in ((partial, found), (other, alone))]
    assert likelihoods[0] == pytest.approx(likelihoods[1], abs=1e-5)
    assert values_of(partial, found) == pytest.approx(values_of(other, alone), rel=1e-4)


def test_an_estimation_tells_both_limits_of_its_pools(tmp_path):
    problem = pooled(tmp_path, 0.3)
    found = estimate(problem, model_of(problem), seed=0, work=Work(starts=4, posterior=False, profiles=False))
    assert found.beside["no_pool"] <= found.nll + 1e-6 <= found.beside["complete_pool"] + 1e-6


# ------------------------------------------------------------------------------------------------------------- sampling


def test_the_effective_size_of_white_and_of_slow_chains():
    stream = np.random.default_rng(0)
    white = stream.standard_normal((8, 500))
    assert effective_size(white) == pytest.approx(4000, rel=0.15)
    slow = np.zeros((8, 4000))
    for i in range(1, 4000):
        slow[:, i] = 0.9 * slow[:, i - 1] + stream.standard_normal(8)
    assert effective_size(slow) == pytest.approx(8 * 4000 * (1 - 0.9) / (1 + 0.9), rel=0.2)


def test_the_same_seed_gives_the_same_bits_and_zero_is_a_seed(tmp_path):
    problem = growth(tmp_path, noisy(11))
    one, two = (estimate(problem, model_of(problem), seed=0, work=Work.quick()) for _ in range(2))
    assert one.draws is not None and two.draws is not None
    assert one.best.cube.tobytes() == two.best.cube.tobytes()
    assert one.draws.values.tobytes() == two.draws.values.tobytes()


def test_the_command_says_what_it_did_as_one_json_object(tmp_path, capsys, reply):
    folder = tmp_path / "growth"
    folder.mkdir()
    growth(folder, noisy(1))
    words = [
        "calibrate",
        str(folder),
        "--starts",
        "2",
        "--no-posterior",
        "--out",
        str(tmp_path / "out"),
        "-q",
        "--json",
    ]
    assert main(words) == 0
    found = reply(capsys.readouterr().out)
    assert found["manifest"] == str(tmp_path / "out" / "manifest.json")
    assert {each["kind"] for each in found["outputs"]} >= {"table", "manifest"}
