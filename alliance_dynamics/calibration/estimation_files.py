"""The tables of an estimation: one function, columns as README.md documents them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alliance_dynamics.calibration.estimation import Estimation
from alliance_dynamics.calibration.problem_file import model_path
from alliance_dynamics.calibration.wording import information_card, sentence_of
from alliance_dynamics.files import sha256, write_csv
from alliance_dynamics.manifest import describe_model, write_manifest
from alliance_dynamics.result_files import write_json, write_rows
from alliance_dynamics.simulate import program_of


def write_estimation(folder: Path, found: Estimation) -> None:
    """calibration.json, parameters.csv, fit.csv, starts.csv, profiles.csv and posterior.csv (where there are any)."""
    write_json(folder / "calibration.json", summary(found))
    write_rows(folder / "parameters.csv", list(parameter_rows(found)))
    write_rows(folder / "fit.csv", list(fit_rows(found)))
    write_rows(folder / "starts.csv", list(start_rows(found)))
    if found.profiles is not None:
        rows = [
            {"parameter": found.objective.space.axes[each.axis].id, "value": value, "rise": rise,
             "cut": found.profiles.cut}
            for each in found.profiles.profiles
            for value, rise in zip(each.values.tolist(), each.rise.tolist(), strict=True)
        ]  # fmt: skip
        write_rows(folder / "profiles.csv", rows)
    if found.draws is not None:
        names = [each.id for each in found.problem.estimated]
        write_csv(folder / "posterior.csv", ["draw", *names],
                  ([i, *row] for i, row in enumerate(found.draws.values.tolist())))  # fmt: skip


def sign_estimation(folder: Path, found: Estimation, command: Sequence[str], *, wall_s: float) -> None:
    """Writes the manifest over everything in the folder."""
    problem, binding = found.problem, found.objective.binding
    files = [*problem.files.values(), model_path(problem.folder, problem.model)]
    files += [each for each in problem.folder.glob("problem.*") if each.is_file()]
    write_manifest(
        folder,
        seed=found.seed,
        dt=binding.grid.dt,
        method=binding.method,
        backend=binding.kernel.backend,
        draws=0 if found.draws is None else len(found.draws.values),
        wall_s=wall_s,
        model=describe_model(found.model, program_of(found.model)),
        inputs={"data": {each.name: sha256(each) for each in sorted(files) if each.is_file()}},
        command=command,
    )


def summary(found: Estimation) -> dict[str, Any]:
    """The figures of an estimation; every number in full."""
    information = found.information
    result: dict[str, Any] = {
        "negative_log_likelihood": found.nll,
        "penalty": found.penalty,
        "objective": found.nll + found.penalty,
        "parameters": found.values,
        "points": len(found.objective.data),
        "seed": found.seed,
        "dt": found.objective.binding.grid.dt,
        "method": found.objective.binding.method,
        "likelihood": found.problem.likelihood,
        "starts": {
            "count": len(found.starts),
            "within_0.1": found.hits[0.1],
            "within_1.92": found.hits[1.92],
            "same_parameters": found.same_parameters,
            "failed": len(found.failures),
        },
        "at_bound": {each.parameter.id: each.bound for each in found.verdicts if each.bound},
        "verdicts": {each.parameter.id: each.verdict for each in found.verdicts},
        "words": {each.parameter.id: sentence_of(each, found) for each in found.verdicts},
        "information": information_card(information),
        "serial_tests": [
            {
                "observable": each.observable,
                "experiment": each.experiment,
                "ljung_box": each.ljung_box,
                "p_value": each.p_value,
                "durbin_watson": each.durbin_watson,
            }
            for each in found.serial
        ],
        "slopes_by_differences": found.objective.by_differences,
        "beside": found.beside,
        "warnings": [str(each) for each in found.problem.warnings],
    }
    if found.profiles is not None:
        result["profiles"] = {
            "cut": found.profiles.cut,
            "kind": found.problem.cut,
            "intervals": {each.parameter.id: [each.low, each.high] for each in found.verdicts},
        }
    if found.most_probable is not None:
        start, nll, prior = found.most_probable
        values = found.objective.space.natural(start.cube[None, :])[0].tolist()
        named = dict(zip((each.id for each in found.problem.estimated), values, strict=True))
        result["most_probable"] = {"negative_log_likelihood": nll, "prior": prior, "objective": nll + prior,
                                   "parameters": named}  # fmt: skip
    if found.remembered is not None:
        result["autocorrelated"] = {
            "negative_log_likelihood": found.remembered.nll,
            "parameters": found.remembered.values,
            "intervals": {each.parameter.id: [each.low, each.high] for each in found.remembered.verdicts},
        }
    if found.draws is not None and found.predictive is not None:
        result["posterior"] = {
            "converged": found.draws.passed,
            "r_hat": dict(zip(information.names, found.draws.r_hat.tolist(), strict=True)),
            "bulk": dict(zip(information.names, found.draws.bulk.tolist(), strict=True)),
            "tail": dict(zip(information.names, found.draws.tail.tolist(), strict=True)),
            "prior_overlap": dict(zip(information.names, found.draws.overlap.tolist(), strict=True)),
            "history": [list(each) for each in found.draws.history],
            "inside_50": found.predictive.inside_50,
            "inside_90": found.predictive.inside_90,
        }
    return result


def parameter_rows(found: Estimation) -> Iterator[dict[str, Any]]:
    usable = found.draws is not None and found.draws.passed
    for each in found.verdicts:
        low, middle, high = each.posterior if usable and each.posterior else (None, None, None)
        yield {
            "parameter": each.parameter.id,
            "estimate": each.value,
            "profile_low": each.low,
            "profile_high": each.high,
            "verdict": each.verdict,
            "bound": each.bound,
            "partners": ";".join(each.partners),
            "q05": low,
            "q50": middle,
            "q95": high,
            "prior_overlap": each.overlap if usable else None,
            "unit": each.parameter.unit,
            "words": sentence_of(each, found),
        }


def fit_rows(found: Estimation) -> Iterator[dict[str, Any]]:
    """One record for each scored measurement: the simulated value, the standard residual, the 90 % interval."""
    cube = found.best.cube[None, :]
    said = found.objective.binding.say(found.objective.space.natural(cube))
    errors = found.objective.errors(cube)
    usable = found.predictive is not None and found.draws is not None and found.draws.passed
    for i, row in enumerate(found.objective.binding.points):
        quantiles = found.predictive.quantiles[:, i] if usable and found.predictive else np.full(5, np.nan)
        yield {
            "observable": row.observable,
            "experiment": row.experiment,
            "time": row.time,
            "measurement": row.value,
            "simulated": float(said.predicted[0, i]),
            "noise": float(np.exp(errors.log_scale[0, i])),
            "residual": float(errors.standard[0, i]),
            **dict(zip(("q05", "q25", "q50", "q75", "q95"), quantiles.tolist(), strict=True)),
            "unit": row.unit,
        }


def start_rows(found: Estimation) -> Iterator[dict[str, Any]]:
    """The starts, best first; a failed one with the first measurement that it could not be compared with."""
    names = [each.id for each in found.objective.space.axes]
    failed = list(found.failures)
    for i, each in enumerate(found.starts):
        finite = np.isfinite(each.objective)
        why = None if finite else failed.pop(0)
        yield {
            "rank": i,
            "objective": each.objective if finite else None,
            "steps": each.steps,
            "converged": each.converged,
            "failed_observable": why.observable if why else "",
            "failed_experiment": why.experiment if why else "",
            "failed_time": why.time if why else None,
            **{f"start_{name}": float(found.objective.space.axes[j].natural(each.first[j]))
               for j, name in enumerate(names)},
            **{name: float(found.objective.space.axes[j].natural(each.cube[j])) for j, name in enumerate(names)},
        }  # fmt: skip
