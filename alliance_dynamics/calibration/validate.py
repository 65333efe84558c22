"""Does the model forecast?  Refits at rolling origins against the last value and a drift, and a hold-out with Theil."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.fit import Fit, fit
from alliance_dynamics.calibration.naive import drift, last_value
from alliance_dynamics.calibration.posterior import information
from alliance_dynamics.calibration.setup import Setup
from alliance_dynamics.calibration.theil import theil

Floats = NDArray[np.float64]
Row = dict[str, Any]
RIVALS = {"naive": last_value, "drift": drift}
NEAR = (1, 2, 3)  # horizons at which a model should beat a drift
FEWEST_ORIGINS = 4  # fewer forecasts from different years give no interval
RESAMPLES = 2000
INSIDE = 1.6448536269514722  # half-width of the middle 90 % of a normal distribution


@dataclass(frozen=True)
class Forecast:
    """ln y of the years after an origin: medians and standard deviations, both [series, horizons 1 to H]."""

    median: Floats
    spread: Floats


Forecaster = Callable[[int], Forecast]  # the column of the origin -> forecasts of the years after it


@dataclass(frozen=True)
class Validation:
    """`forecasts`: one record per origin, series and horizon.  `scores`: per observable and horizon, with intervals.

    `skill`: forecasts of the hold-out years.  `theil`: decompositions in and out of sample, in levels and logs.
    """

    origins: tuple[int, ...]
    forecasts: tuple[Row, ...]
    scores: tuple[Row, ...]
    skill: tuple[Row, ...]
    theil: tuple[Row, ...]


def validate(
    setup: Setup,
    best: Fit,
    *,
    seed: int,
    jobs: int = 1,
    most_origins: int | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Validation:
    """Refits at the origins of the problem's folds and forecasts the years after them; the hold-out likewise.

    `most_origins`: at most so many rolling origins, None for all, 0 for the hold-out alone.  The drivers of the years
    after an origin are known to the model (perfect foresight of drivers); its rivals use the series alone.
    """
    folds, last = setup.problem.folds, int(setup.problem.stop)
    origins = list(range(folds.first_origin, last)) if folds.first_origin is not None and folds.horizons else []
    if most_origins is not None:
        picked = np.linspace(0, len(origins) - 1, min(most_origins, len(origins))).round().astype(int)
        origins = [origins[i] for i in picked]
    held_out = [folds.holdout[0] - 1] if folds.holdout else []
    furthest = {year: max((*folds.horizons, 1)) for year in origins}
    furthest |= {year: max(furthest.get(year, 0), folds.holdout[1] - year) for year in held_out if folds.holdout}
    forecast = model_forecasts(setup, best, seed=seed)
    done = 0

    def work(year: int) -> tuple[Forecast, Floats]:
        nonlocal done
        found = forecast(year, min(furthest[year], last - year))
        done += 1
        progress(done / len(furthest))
        return found

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        found = dict(zip(furthest, pool.map(work, furthest), strict=True))
    observed, first = setup.log_observed(last), int(setup.years[0])
    forecasters = {year - first: result[0] for year, result in found.items()}

    def rows_of(years: Sequence[int], horizons: Sequence[int]) -> list[Row]:
        plain = rolling_origin(forecasters.__getitem__, observed, [year - first for year in years], horizons)
        return [_named(setup, row) for row in plain]

    rolling = rows_of(origins, folds.horizons)
    held = rows_of(held_out, range(1, folds.holdout[1] - folds.holdout[0] + 2)) if folds.holdout else []
    return Validation(
        tuple(origins),
        tuple(rolling),
        tuple(skill_scores(rolling, seed=seed)),
        tuple(_skill(row) for row in held),
        tuple(_theil_rows(setup, held_out[0], *found[held_out[0]])) if held_out else (),
    )


def model_forecasts(setup: Setup, best: Fit, *, seed: int) -> Callable[[int, int], tuple[Forecast, Floats]]:
    """(origin year, horizons) -> forecasts from a refit to the years up to the origin, and its whole path [series, T].

    The last residual of a series fades with its autocorrelation.  The spread has two parts: the noise, and the
    parameters by the curvature at the refit; a break whose years all lie after the origin keeps its prior.
    """
    everything = setup.log_observed(int(setup.problem.stop))

    def forecast(origin: int, horizons: int) -> tuple[Forecast, Floats]:
        task, column = setup.task(origin), int(origin - setup.years[0])
        early = fit(task, best.values, starts=1, seed=seed)
        path = log_paths(setup, early.values[None, :])[0]
        slopes = _slopes(setup, early)
        precision = information(task, early) + task.priors.precision
        covariance = np.linalg.inv(precision)
        shape = len(setup.series), horizons
        median, spread = np.full(shape, np.nan), np.full(shape, np.nan)
        for s, group in enumerate(setup.group_of_series):
            seen = np.flatnonzero(np.isfinite(everything[s, : column + 1]))
            if not len(seen):
                continue
            back, sigma, phi = seen[-1], early.sigma[group], early.phi[group]
            for h in range(1, horizons + 1):
                t = column + h
                memory = phi ** (t - back)
                median[s, h - 1] = path[s, t] + memory * (everything[s, back] - path[s, back])
                slope = slopes[:, s, t] - memory * slopes[:, s, back]
                spread[s, h - 1] = math.sqrt(sigma**2 * (1 - memory**2) + float(slope @ covariance @ slope))
        return Forecast(median, spread), path

    return forecast


def rolling_origin(
    forecaster: Forecaster, log_observed: Floats, origins: Sequence[int], horizons: Sequence[int]
) -> list[Row]:
    """Errors of ln y for every origin (a column), series and horizon that was observed; model-agnostic.

    `scale` is the mean error of one-step last-value forecasts up to the origin (the denominator of MASE, Hyndman and
    Koehler 2006); rows without two rivals or without a scale above 0 are left out.
    """
    rows = []
    for origin in origins:
        forecast = forecaster(origin)
        rivals = {h: {name: rule(log_observed, origin, h) for name, rule in RIVALS.items()} for h in horizons}
        for s, series in enumerate(log_observed):
            known = np.flatnonzero(np.isfinite(series[: origin + 1]))
            steps = np.diff(series[known]) / np.maximum(np.diff(known), 1)
            scale = float(np.mean(np.abs(steps))) if len(steps) else 0.0
            for h in horizons:
                t = origin + h
                if t >= len(series) or h > forecast.median.shape[1] or not np.isfinite(series[t]) or scale <= 0:
                    continue
                errors = {name: float(each[s] - series[t]) for name, each in rivals[h].items()}
                errors["model"] = float(forecast.median[s, h - 1] - series[t])
                if not all(math.isfinite(each) for each in errors.values()):
                    continue
                spread = float(forecast.spread[s, h - 1])
                walk = max(float(np.std(steps)), 1e-6) * math.sqrt(h * (1 + h / max(len(steps), 1)))
                rows.append(
                    {
                        "series": s,
                        "origin": origin,
                        "horizon": h,
                        "observed": float(series[t]),
                        "forecast": float(forecast.median[s, h - 1]),
                        "spread": spread,
                        **{f"{name}_error": abs(each) for name, each in errors.items()},
                        "scale": scale,
                        "inside": abs(errors["model"]) <= INSIDE * spread,
                        "log_score": _log_normal(errors["model"], spread),
                        "drift_log_score": _log_normal(errors["drift"], walk),
                    }
                )
    return rows


def skill_scores(rows: Sequence[Row], *, seed: int, by: str = "observable") -> list[Row]:
    """MASE of model and rivals, ratios of the model's error to each with 90 % intervals, verdicts; per horizon.

    A ratio below 1 favours the model.  Intervals are from a circular block bootstrap of the origins (blocks as long as
    the horizon, since neighbouring forecasts share years); the regions of an origin stay together.  The verdict is
    `beats` or `loses` only where the whole interval lies on one side of 1, else `indistinguishable`; `not judged`
    where there are fewer than four origins.
    """
    found = []
    for name in dict.fromkeys(row[by] for row in rows):
        mine = [row for row in rows if row[by] == name]
        horizons = sorted({row["horizon"] for row in mine})
        near = [h for h in horizons if h in NEAR]
        for label, group in [*((str(h), [h]) for h in horizons), (f"{near[0]}-{near[-1]}" if near else "", near)]:
            these = [row for row in mine if row["horizon"] in group]
            if these and label:
                found.append({by: name, "horizon": label, **_score(these, max(group), seed)})
    return found


def log_paths(setup: Setup, values: Floats) -> Floats:
    """[rows, series, years]: ln of the model's predictions, break shifts included; NaN where a run fails."""
    s = setup.forward.structural
    predicted = setup.forward.predict(values[:, :s])
    return np.log(np.where(predicted > 0, predicted, np.nan)) + setup.break_shift(values[:, s:])


def _slopes(setup: Setup, found: Fit, share: float = 1e-6) -> Floats:
    """d ln(path) / d(values) [P, series, T], differences inward from the nearer bound."""
    lower = np.array([each.lower for each in setup.parameters])
    upper = np.array([each.upper for each in setup.parameters])
    step = share * (upper - lower) * np.where(found.values > 0.5 * (lower + upper), -1.0, 1.0)
    paths = log_paths(setup, np.concatenate([found.values[None, :], found.values + np.diag(step)]))
    slopes = (paths[1:] - paths[0]) / step[:, None, None]
    return np.where(np.isfinite(slopes), slopes, 0.0)


def _log_normal(error: float, spread: float) -> float:
    return -0.5 * (error / spread) ** 2 - math.log(spread) - 0.5 * math.log(2 * math.pi) if spread > 0 else math.nan


def _named(setup: Setup, row: Row) -> Row:
    series = setup.series[row["series"]]
    first = int(setup.years[0])
    rest = {key: value for key, value in row.items() if key not in ("series", "origin")}
    rest |= {key: math.exp(rest[key]) for key in ("observed", "forecast")}
    ends = {"low": -INSIDE, "high": INSIDE}
    rest |= {end: rest["forecast"] * math.exp(z * row["spread"]) for end, z in ends.items()}
    return {
        "experiment": series.experiment,
        "observable": series.observable.id,
        "origin": row["origin"] + first,
        "year": row["origin"] + first + row["horizon"],
        **rest,
    }


def _score(rows: Sequence[Row], block: int, seed: int) -> Row:
    origins = sorted({row["origin"] for row in rows})
    sums = {
        name: np.array([sum(r[f"{name}_error"] / r["scale"] for r in rows if r["origin"] == o) for o in origins])
        for name in ("model", *RIVALS)
    }
    found: Row = {"forecasts": len(rows), "origins": len(origins)}
    found |= {f"mase_{name}": float(np.sum(each)) / len(rows) for name, each in sums.items()}
    for rival in RIVALS:
        # a rival without any error is never beaten
        total = float(np.sum(sums[rival]))
        ratio = float(np.sum(sums["model"])) / total if total > 0 else math.inf
        low = high = math.nan
        if len(origins) >= FEWEST_ORIGINS and total > 0:
            drawn = _resampled(len(origins), min(block, len(origins)), seed)
            below = sums[rival][drawn].sum(axis=1)
            ratios = sums["model"][drawn].sum(axis=1)[below > 0] / below[below > 0]
            low, high = (float(each) for each in np.quantile(ratios, [0.05, 0.95]))
        found |= {f"ratio_{rival}": ratio, f"ratio_{rival}_low": low, f"ratio_{rival}_high": high}
        found[f"against_{rival}"] = ratio_verdict(low, high)
    found["coverage"] = float(np.mean([row["inside"] for row in rows]))
    found["log_score"] = float(np.mean([row["log_score"] for row in rows]))
    found["drift_log_score"] = float(np.mean([row["drift_log_score"] for row in rows]))
    return found


def ratio_verdict(low: float, high: float) -> str:
    """`beats`, `loses`, `indistinguishable` or `not judged` from the interval of a ratio of errors."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "not judged"
    return "beats" if high < 1 else "loses" if low > 1 else "indistinguishable"


@cache
def _resampled(count: int, block: int, seed: int) -> NDArray[np.int64]:
    """[resamples, at least count] origins of a circular block bootstrap."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, 6]))
    starts = stream.integers(0, count, (RESAMPLES, -(-count // block)))
    return ((starts[:, :, None] + np.arange(block)) % count).reshape(RESAMPLES, -1)[:, :count]


def _skill(row: Row) -> Row:
    """A hold-out forecast as a row of skill.csv; `skill` is 1 - error / the smaller naive error, below 0 it loses."""
    smaller = max(min(row["naive_error"], row["drift_error"]), 1e-12)
    columns = ("experiment", "observable", "horizon", "model_error", "naive_error", "drift_error")
    return {**{name: row[name] for name in columns}, "skill": 1 - row["model_error"] / smaller}


def _theil_rows(setup: Setup, origin: int, forecast: Forecast, path: Floats) -> list[Row]:
    """In sample: the path of the fit to the years up to the origin.  Out of sample: its forecasts after it."""
    observed, column = setup.log_observed(int(setup.problem.stop)), int(origin - setup.years[0])
    rows = []
    for s, series in enumerate(setup.series):
        after = slice(column + 1, column + 1 + forecast.median.shape[1])
        samples = {
            "in": (observed[s, : column + 1], path[s, : column + 1]),
            "out": (observed[s, after], forecast.median[s]),
        }
        for sample, (y, x) in samples.items():
            for scale, transform in (("level", np.exp), ("log", np.asarray)):
                found = theil(transform(y), transform(x))
                if found.count:
                    rows.append(
                        {
                            "experiment": series.experiment,
                            "observable": series.observable.id,
                            "sample": sample,
                            "scale": scale,
                            "count": found.count,
                            "rmse": found.rmse,
                            "unit": series.observable.unit if scale == "level" else "Dmnl",
                            "U_M": found.bias,
                            "U_S": found.variation,
                            "U_C": found.covariation,
                        }
                    )
    return rows
