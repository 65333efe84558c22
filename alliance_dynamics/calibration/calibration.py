"""The result card of a calibration: estimates with intervals and verdicts, fit, forecasts, skill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc
from threadpoolctl import threadpool_limits

from alliance_dynamics.calibration.fit import Fit, fit
from alliance_dynamics.calibration.identify import Identification, identify
from alliance_dynamics.calibration.posterior import Posterior, sample_posterior
from alliance_dynamics.calibration.predictive import Band, coverage, feature_checks, predictive_band
from alliance_dynamics.calibration.problem import CalibratedParameter, Problem
from alliance_dynamics.calibration.residuals import residual_rows, residual_tests
from alliance_dynamics.calibration.setup import Setup, set_up
from alliance_dynamics.calibration.space import Pooling
from alliance_dynamics.calibration.validate import Validation, validate
from alliance_dynamics.calibration.wording import information_card, said
from alliance_dynamics.language import translate
from alliance_dynamics.model.model import Model

Floats = NDArray[np.float64]
Progress = Callable[[float], None]
AT_BOUND = 1e-4  # of the range
LEARNED = 0.9  # a posterior wider than this share of its prior has learned nothing


@dataclass(frozen=True)
class Effort:
    """How much work a calibration does; `origins`: at most so many rolling origins, None for all of the problem.

    `doublings`: how often the sampler may go on for twice as long where its gates are not passed.  `profiles`: what the
    data say about each parameter; `pools`: the fit without pools and with one value for each, too.
    """

    starts: int = 24
    draws: int = 1000
    generations: int = 250
    chains: int = 32
    doublings: int = 1
    origins: int | None = None
    profiles: bool = True
    pools: bool = True

    @staticmethod
    def quick() -> Effort:
        return Effort(
            starts=4, draws=200, generations=40, chains=16, doublings=0, origins=0, profiles=False, pools=False
        )


@dataclass(frozen=True)
class Calibration:
    """What `calibrate` found; `.table` is what a reviewer reads first."""

    setup: Setup
    fit: Fit
    posterior: Posterior
    band: Band
    validation: Validation
    until: int
    seed: int
    identification: Identification | None = None
    beside: Mapping[str, Fit] = field(default_factory=dict)
    checks: tuple[dict[str, Any], ...] = ()

    @property
    def skill(self) -> tuple[dict[str, Any], ...]:
        """Forecasts of the hold-out years against the last value and a drift, one record per series and year."""
        return self.validation.skill

    @property
    def table(self) -> list[dict[str, Any]]:
        """One record per parameter: estimate (the most probable value), 5 % and 95 % of the posterior, verdict."""
        task = self.setup.task(self.until)
        low, high = np.quantile(self.posterior.values, [0.05, 0.95], axis=0)
        spread, prior = np.std(self.posterior.values, axis=0), task.priors.spread
        prior_low, prior_high = task.priors.quantile(np.array([[0.05], [0.95]]))
        rows = []
        for j, each in enumerate(self.setup.parameters):
            value, width = self.fit.values[j], each.upper - each.lower
            at_bound = min(value - each.lower, each.upper - value) <= AT_BOUND * width
            status = "at bound" if at_bound else "not identified" if spread[j] > LEARNED * prior[j] else "estimated"
            rows.append(
                {
                    "parameter": each.id,
                    "label": each.label_en or each.meaning,
                    "label_ru": each.label_ru,
                    "unit": each.unit,
                    "estimate": value,
                    "low": low[j],
                    "high": high[j],
                    "prior_low": prior_low[j],
                    "prior_high": prior_high[j],
                    "status": status,
                    "source": each.source,
                    "grade": each.grade,
                    "role": each.role,
                    "r_hat": self.posterior.r_hat[j],
                    "bulk": self.posterior.bulk[j],
                    "tail": self.posterior.tail[j],
                    "prior_overlap": self.posterior.overlap[j],
                    **self._identified(each),
                }
            )
        return rows + self._noise_rows()

    @property
    def profile_table(self) -> list[dict[str, Any]]:
        """One record per point of each profile: how far the objective rises, and the cut of the 95 % interval."""
        found = self.identification
        if found is None:
            return []
        return [
            {"parameter": each.name, "value": value, "rise": rise, "cut": found.cut}
            for each in found.profiles
            for value, rise in zip(each.values.tolist(), each.rise.tolist(), strict=True)
        ]

    @property
    def residual_table(self) -> list[dict[str, Any]]:
        """One record per figure of the fit: its log residual, and the standardised one."""
        return residual_rows(self.setup.task(self.until), self.fit, self.setup.series)

    @property
    def residual_test_table(self) -> list[dict[str, Any]]:
        """One record per series: Ljung-Box, Durbin-Watson and autocorrelations of its standardised residuals."""
        return residual_tests(self.setup.task(self.until), self.fit, self.setup.series)

    @property
    def check_table(self) -> list[dict[str, Any]]:
        """One record per series and feature: the observed one, that of drawn series, and its p-value."""
        series = self.setup.series
        return [
            {"experiment": series[row["series"]].experiment, "observable": series[row["series"]].observable.id,
             **{name: value for name, value in row.items() if name != "series"}}
            for row in self.checks
        ]  # fmt: skip

    @property
    def pooling_table(self) -> list[dict[str, Any]]:
        """One record per pooled parameter: its estimate alone, in its pool, and with one value for the pool."""
        pooled = {row.parameter: row.pool for row in self.setup.problem.pooling}
        fits = {**self.beside, "partial_pool": self.fit}
        return [
            {"parameter": each.id, "pool": pooled[each.id], "unit": each.unit,
             **{name: fits[name].values[j] for name in ("no_pool", "partial_pool", "complete_pool")}}
            for j, each in enumerate(self.setup.parameters) if each.id in pooled and self.beside
        ]  # fmt: skip

    def _identified(self, parameter: CalibratedParameter) -> dict[str, Any]:
        if self.identification is None:
            return {}
        found = self.identification.of(parameter.id)
        return {"profile_low": found.low, "profile_high": found.high, "verdict": found.verdict,
                "partners": ";".join(found.partners)}  # fmt: skip

    @property
    def fit_table(self) -> list[dict[str, Any]]:
        """One record per series and year: the figure where there is one, and the interval of a new observation."""
        rows = []
        for s, series in enumerate(self.setup.series):
            for t, year in enumerate(self.setup.years):
                observed = series.observed[t]
                used = "train" if series.used[t] else "excluded" if np.isfinite(observed) else ""
                rows.append(
                    {
                        "experiment": series.experiment,
                        "observable": series.observable.id,
                        "year": int(year),
                        "observed": None if np.isnan(observed) else observed,
                        "q05": self.band.q05[s, t],
                        "q25": self.band.q25[s, t],
                        "q50": self.band.q50[s, t],
                        "q75": self.band.q75[s, t],
                        "q95": self.band.q95[s, t],
                        "unit": series.observable.unit,
                        "used": used,
                        "label_en": series.observable.label_en,
                        "label_ru": series.observable.label_ru,
                    }
                )
        return rows

    @property
    def summary(self) -> dict[str, Any]:
        """The fit in figures: objective, noise, coverage, what is at a bound, breaks, diagnostics."""
        observed = np.exp(self.setup.log_observed(self.until))
        best = self.fit.starts[0].objective
        return {
            "objective": self.fit.objective,
            "negative_log_likelihood": self.fit.nll,
            "points": self.setup.task(self.until).points.count,
            "parameters": len(self.setup.parameters),
            "starts": len(self.fit.starts),
            "starts_at_best": sum(start.objective - best < 1.92 for start in self.fit.starts),
            "noise": self._noise(),
            "coverage": coverage(self.band, observed),
            "coverage_50": coverage(self.band, observed, half=True),
            "at_bound": [row["parameter"] for row in self.table if row["status"] == "at bound"],
            "not_identified": [row["parameter"] for row in self.table if row["status"] == "not identified"],
            "breaks": self._breaks(),
            "converged": self.posterior.passed,
            "least_effective_size": self.posterior.least_size,
            "r_hat_max": float(np.nanmax(self.posterior.r_hat)),
            "accepted": self.posterior.accepted,
            "generations": self.posterior.generations,
            "chains": self.posterior.chains,
            "doublings": [
                dict(zip(("generations", "r_hat", "least_effective_size"), each, strict=True))
                for each in self.posterior.history
            ],
            **({"information": information_card(self.identification.information)} if self.identification else {}),
            "beside": {name: each.nll for name, each in self.beside.items()},
        }

    def __str__(self) -> str:
        lines = [f"{len(self.fit.starts)} starts, objective {self.fit.objective:.8g}, -ln L {self.fit.nll:.8g}"]
        known = self.identification
        words = {each.name: said(each, known) for each in known.profiles} if known else {}
        if not self.posterior.passed:
            template = "THE POSTERIOR HAS NOT CONVERGED and is not to be used: R-hat {hat}, effective draws {size}"
            lines.append(translate(template).format(hat=f"{np.nanmax(self.posterior.r_hat):.3f}",
                                                    size=f"{self.posterior.least_size:.0f}"))  # fmt: skip
        for row in self.table:
            interval = f" [{row['low']:.4g}, {row['high']:.4g}]" if self.posterior.passed else ""
            lines.append(
                f"  {row['label']}: {row['estimate']:.4g}{interval} {row['unit']}, "
                f"{row['status']} (source: {row['source']}, grade {row['grade']})"
                + (f"; {words[row['parameter']]}" if row["parameter"] in words else "")
            )
        return "\n".join(lines)

    def _noise_rows(self) -> list[dict[str, Any]]:
        rows = []
        for g, series in enumerate(self.setup.series):
            for kind, best, draws in (
                ("sd", self.fit.sigma[g], self.posterior.sigma[:, g]),
                ("phi", self.fit.phi[g], self.posterior.phi[:, g]),
            ):
                card = self.setup.problem.parameters.get(f"{kind}_{series.observable.id}")
                if card is None:
                    continue
                low, high = np.quantile(draws, [0.05, 0.95])
                rows.append(
                    {
                        "parameter": f"{card.id}__{series.experiment.lower()}",
                        "label": f"{card.label_en or card.meaning}, {series.experiment}",
                        "label_ru": f"{card.label_ru}, {series.experiment}",
                        "unit": card.unit,
                        "estimate": best,
                        "low": low,
                        "high": high,
                        "status": "estimated",
                        "source": card.source,
                        "grade": card.grade,
                        "role": card.role,
                    }
                )
        return rows

    def _noise(self) -> dict[str, dict[str, float]]:
        """For each observable the root mean square of sigma and the mean of phi over its series."""
        found: dict[str, list[int]] = {}
        for g, series in enumerate(self.setup.series):
            found.setdefault(series.observable.id, []).append(g)
        return {
            name: {
                "sigma": float(np.sqrt(np.mean(self.fit.sigma[groups] ** 2))),
                "phi": float(np.mean(self.fit.phi[groups])),
            }
            for name, groups in found.items()
        }

    def _breaks(self) -> list[dict[str, Any]]:
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for series in self.setup.series:
            for j in range(series.breaks.shape[1]):
                acts = np.flatnonzero(series.breaks[:, j])
                if len(acts):
                    year = int(self.setup.years[acts[0]])
                    card = self.setup.breaks[j]
                    found.setdefault(
                        (series.observable.id, year),
                        {
                            "observable": series.observable.id,
                            "year": year,
                            "label_en": card.label_en,
                            "label_ru": card.label_ru,
                        },
                    )
        return list(found.values())


def calibrate(
    model: Model,
    problem: Problem,
    *,
    seed: int,
    effort: Effort | None = None,
    last_year: int = 2030,
    jobs: int = 1,
    progress: Progress = lambda _: None,
) -> Calibration:
    """Fits a problem and says what the data leave open; the same seed gives the same bits for any number of jobs.

    Predictions run to `last_year`.  The hold-out of the problem's folds is forecast from a fit that has not seen it.
    """
    with threadpool_limits(1, "blas"):  # our own threads do the work; small matrices only suffer from more
        return _calibrate(model, problem, seed, effort or Effort(), last_year, jobs, progress)


def _calibrate(
    model: Model, problem: Problem, seed: int, effort: Effort, last_year: int, jobs: int, progress: Progress
) -> Calibration:
    until = int(problem.stop)
    many = set_up(model, problem, last_year=until, jobs=jobs)
    best = fit(many.task(until), many.nominal, starts=effort.starts, seed=seed,
               progress=lambda share: progress(0.4 * share))  # fmt: skip
    posterior = sample_posterior(many.task(until), best, draws=effort.draws, generations=effort.generations,
                                 chains=effort.chains, doublings=effort.doublings, seed=seed, jobs=jobs,
                                 progress=lambda share: progress(0.4 + 0.3 * share))  # fmt: skip
    setup = set_up(model, problem, last_year=last_year, jobs=jobs)
    wide = many.task(until)
    logarithmic = np.array([each.transform == "log" for each in many.parameters])
    known = identify(wide, best, logarithmic=logarithmic, seed=seed) if effort.profiles else None
    beside = _other_pools(model, problem, best, until, seed, jobs) if effort.pools and problem.pooling else {}
    group = setup.group_of_series
    predicted = setup.forward.predict_rows(_with_uncertain_future(setup, posterior.values, seed))
    paths = _log(predicted) + setup.break_shift(posterior.values[:, setup.forward.structural :])
    shocks = np.array([problem.forecast.shocks.get(each.observable.id, 0.0) for each in setup.series])
    noise, seen = (posterior.sigma[:, group], posterior.phi[:, group]), setup.log_observed(until)
    band = predictive_band(paths, *noise, setup.years, seen, shocks=shocks, seed=seed)
    checks = feature_checks(paths, *noise, setup.years, seen, seed=seed)
    progress(0.85)
    early = set_up(model, problem, last_year=until)  # origins run beside each other: the threads belong to them
    validation = validate(early, best, seed=seed, jobs=jobs, most_origins=effort.origins,
                          progress=lambda share: progress(0.85 + 0.15 * share))  # fmt: skip
    return Calibration(setup, best, posterior, band, validation, until, seed, known, beside, tuple(checks))


def _other_pools(model: Model, problem: Problem, best: Fit, until: int, seed: int, jobs: int) -> dict[str, Fit]:
    """The fit with every parameter alone, and with one value for each pool."""

    def other(pooling: Pooling) -> Fit:
        setup = set_up(model, problem, last_year=until, pooling=pooling)
        return fit(setup.task(until), best.values, starts=1, seed=seed)

    with ThreadPoolExecutor(max_workers=min(2, jobs)) as pool:
        alone, together = pool.map(other, ("none", "complete"))
    return {"no_pool": alone, "complete_pool": together}


def _log(predicted: Floats) -> Floats:
    return np.log(np.where(predicted > 0, predicted, np.nan))


def _with_uncertain_future(setup: Setup, values: Floats, seed: int) -> Floats:
    """Parameter vectors of posterior draws, with the constants that act only after the data drawn from their ranges."""
    rows = setup.forward.rows(values[:, : setup.forward.structural])
    columns, low, high = setup.uncertain_columns()
    stream = np.random.default_rng(np.random.SeedSequence([seed, 5]))
    if len(columns):
        cube = qmc.LatinHypercube(len(columns), rng=stream).random(len(rows))
        rows[:, columns] = low + (high - low) * cube
    return rows
