"""Published problems give the published numbers (docs of each: its source in the tables' model.md)."""

from __future__ import annotations

import json

import numpy as np
import pytest

from alliance_dynamics.calibration.draws import draw
from alliance_dynamics.calibration.estimation import Work, estimate
from alliance_dynamics.calibration.information import information_of
from alliance_dynamics.calibration.problem import read_problem
from alliance_dynamics.calibration.profile import at_bound, profiles_of
from alliance_dynamics.calibration.search import descend, ordered, starts_of
from alliance_dynamics.calibration.wording import summary_of
from alliance_dynamics.cli import main

from .problems import BENCHMARKS, at, best_of, made, model_of, objective, published, values_of

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="the published problems are absent")

# posteriordb, hudson_lynx_hare-lotka_volterra: posterior means and standard deviations
REFERENCE = {
    "alpha": (0.54686, 0.06305),
    "beta": (0.027747, 0.00415),
    "gamma": (0.80010, 0.08937),
    "delta": (0.024086, 0.00353),
    "hare0": (34.035, 2.917),
    "lynx0": (5.9359, 0.5305),
    "sigma_hare": (0.24806, 0.04326),
    "sigma_lynx": (0.25102, 0.04359),
}
PROFILES = {
    "alpha": (0.4377, 0.6603),
    "beta": (0.0208, 0.0353),
    "gamma": (0.6560, 0.9744),
    "delta": (0.0183, 0.0308),
    "hare0": (29.77, 40.29),
    "lynx0": (4.986, 6.834),
}


def test_lynx_and_hare_have_the_published_optimum_and_runge_kutta_its_order(tmp_path):
    problem = published(tmp_path, "lynx_hare")
    starts = best_of(objective(problem))
    assert starts[0].objective == pytest.approx(122.92595, abs=1e-5)
    found = values_of(objective(problem), starts[0])
    known = {"alpha": 0.540014, "beta": 0.027156, "hare0": 34.5992, "sigma_lynx": 0.22008}
    assert {name: found[name] for name in known} == pytest.approx(known, rel=1e-4)
    best = {"alpha": 0.540014, "beta": 0.027156, "gamma": 0.796599, "delta": 0.023702, "hare0": 34.5992,
            "lynx0": 5.84374, "sigma_hare": 0.21838, "sigma_lynx": 0.22008}  # fmt: skip
    by_steps = {1: 122.956004, 2: 122.929521, 4: 122.926198, 8: 122.925967, 20: 122.925951}
    for steps, value in by_steps.items():
        assert at(objective(published(tmp_path, "lynx_hare", f"dt = {1 / steps}")), best) == pytest.approx(
            value, abs=5e-6
        )


@pytest.mark.parametrize(("factor", "share"), [(2.0, 0.75), (5.0, 0.35)])
def test_most_starts_near_the_nominal_values_of_lynx_and_hare_find_the_optimum(tmp_path, factor, share):
    found = objective(published(tmp_path, "lynx_hare", "dt = 0.125"))
    stream = np.random.default_rng(1)
    near = found.space.natural(found.space.nominal[None, :])[0] * factor ** stream.uniform(-1, 1, (256, 8))
    cubes = np.stack([each.cube(near[:, j]) for j, each in enumerate(found.space.axes)], axis=1)
    assert np.mean([each.objective <= 122.931 for each in descend(found, cubes)]) >= share


def test_chi_square_profiles_of_lynx_and_hare_are_the_published_ones(tmp_path):
    found = objective(published(tmp_path, "lynx_hare", "dt = 0.125"))
    profiles = profiles_of(found, best_of(found)[0], kind="chi2")
    ends = {found.space.axes[each.axis].id: (each.low, each.high) for each in profiles.profiles}
    for name, known in PROFILES.items():
        assert ends[name] == pytest.approx(known, rel=0.01), name
    assert {each.verdict for each in profiles.profiles} == {"identified"}


def test_draws_of_lynx_and_hare_have_the_published_moments(tmp_path):
    found = objective(published(tmp_path, "lynx_hare", "dt = 0.25"), priors="all")
    draws = draw(found, best_of(found), seed=1, generations=4000, draws=20000)
    assert draws.passed and draws.r_hat.max() < 1.01 and min(draws.bulk.min(), draws.tail.min()) > 400
    for j, (mean, deviation) in enumerate(REFERENCE.values()):
        assert draws.values[:, j].mean() == pytest.approx(mean, abs=0.1 * deviation)
        assert draws.values[:, j].std() == pytest.approx(deviation, rel=0.05)


def test_bertozzi_has_its_optimum_from_every_start_with_one_rate_at_its_bound(tmp_path):
    found = objective(published(tmp_path, "bertozzi"))
    starts = best_of(found, 60)
    assert np.mean([each.objective < 158.86427 + 1e-4 for each in starts]) >= 0.95
    assert starts[0].objective == pytest.approx(158.864268, abs=1e-4)
    assert ("R0_NY", "lower", 1.5) in at_bound(found, starts[0].cube)


def test_rahman_reproduces_its_optimum_and_does_not_identify_its_parameters(tmp_path):
    problem = published(tmp_path, "rahman", "dt = 0.25")
    estimation = estimate(problem, model_of(problem), seed=1, work=Work(starts=4, posterior=False))
    assert estimation.nll == pytest.approx(21.15349, abs=1e-4)
    verdicts = {each.parameter.id: each for each in estimation.verdicts}
    assert sum(each.verdict != "identified" for each in verdicts.values()) >= 6
    assert verdicts["treated_moderate_improve_rate"].verdict == "flat"
    assert verdicts["treated_weak_improve_rate"].verdict == "flat"
    bounded = verdicts["behavioural_change_rate"]
    assert bounded.verdict == "identified" and 1e-8 < (bounded.low or 0) < (bounded.high or 1) < 10**-6.2
    assert verdicts["infected_moderate_transmission_rate"].low is not None
    information = information_of(estimation.objective, estimation.best.cube, 1)
    assert information.rank <= 5 and np.sum(information.spectrum < 1e-6) == 4
    assert information.spectrum[0] == pytest.approx(3.1e5, rel=0.05)
    assert "the model does not notice it" in summary_of(estimation)


def test_boehm_at_its_nominal_values_has_the_published_likelihood(tmp_path):
    assert at(objective(published(tmp_path, "boehm"))) == pytest.approx(138.2219969, abs=2e-3)


def test_boehm_is_found_from_one_random_start_in_twenty(tmp_path):
    """Our model of it takes pairs of equal molecules as quasi-steady, which holds where `k_imp_homo` is large."""
    published(tmp_path, "boehm")
    table = tmp_path / "parameters.tsv"
    narrowed = table.read_text(encoding="utf-8").replace("k_imp_homo\t1/min\t1E-05", "k_imp_homo\t1/min\t90000")
    table.write_text(narrowed, encoding="utf-8")
    found = objective(read_problem(tmp_path))
    ended = descend(found, starts_of(found, 128, 1))
    assert min(each.objective for each in ended) == pytest.approx(138.22199, abs=1e-3)
    assert np.mean([each.objective < 138.2235 for each in ended]) >= 0.05


def test_the_nile_has_the_likelihood_of_the_local_level_model(tmp_path):
    found = objective(published(tmp_path, "nile", 'likelihood = "state-reset"'))
    assert at(found) == pytest.approx(632.54563, abs=1e-4)
    best = best_of(found, 2)[0]
    values = values_of(found, best)
    assert values["var_obs"] == pytest.approx(15099, rel=2e-3) and values["var_level"] == pytest.approx(
        1469.1, rel=5e-3
    )


def test_the_nile_falls_in_1899(tmp_path):
    source = (BENCHMARKS / "nile" / "measurements.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = ["observableId experimentId time measurement observableParameters obsStatus"]
    for line in source:
        name, experiment, year, value = line.split("\t")[:4]
        late = int(year) >= 1899
        rows.append(f"{name} {experiment} {year} {value} {'b_1899' if late else '0'} {'B' if late else 'A'}")
    tables = {
        "measurements": rows,
        "observables": [
            "observableId observableFormula observablePlaceholders noiseFormula",
            "volume mean+shift shift profiled",
        ],
        "parameters": [
            "parameterId lowerBound upperBound nominalValue estimate",
            "mean 0 2000 1000 true",
            "b_1899 -1000 1000 0 true",
        ],
    }
    found = objective(made(tmp_path, "nile", tables))
    best = best_of(found, 4)[0]
    assert best.objective == pytest.approx(625.8315, abs=1e-3)
    assert values_of(found, best)["b_1899"] == pytest.approx(-247.78, abs=0.01)
    tables["parameters"][2] = "b_1899 -1000 1000 0 false"
    assert best_of(objective(made(tmp_path, "nile", tables)), 4)[0].objective == pytest.approx(654.5157, abs=1e-3)


def test_rat43_has_its_certified_values_from_both_starts(tmp_path):
    found = objective(published(tmp_path, "rat43"))
    for start in ({"b1": 100, "b2": 10, "b3": 1, "b4": 1}, {"b1": 700, "b2": 5, "b3": 0.75, "b4": 1.3}):
        cube = np.array([float(each.cube(start[each.id])) for each in found.space.axes])
        best = ordered(descend(found, cube[None, :]))[0]
        errors = found.errors(best.cube[None, :]).numerator[0]
        assert float(np.sum(errors**2)) == pytest.approx(8786.40491, abs=1e-4)
        assert list(values_of(found, best).values()) == pytest.approx(
            [699.64151270, 5.2771253025, 0.75962938329, 1.2792483859], rel=1e-6
        )


def test_the_command_fits_a_folder_and_writes_the_figure(tmp_path, capsys):
    published(tmp_path, "lynx_hare", "dt = 0.125")
    out = tmp_path / "out"
    assert (
        main(["--lang", "en", "-q", "calibrate", str(tmp_path), "--out", str(out), "--starts", "8", "--no-posterior"])
        == 0
    )
    assert "Negative log-likelihood of the best fit: 122.92597" in capsys.readouterr().out
    content = json.loads((out / "calibration.json").read_text(encoding="utf-8"))
    assert content["negative_log_likelihood"] == pytest.approx(122.925967, abs=1e-5)
    for name in ("parameters.csv", "fit.csv", "starts.csv", "profiles.csv", "manifest.json"):
        assert (out / name).is_file()
