"""Calibrates the alliance model to the Tatarstan problem: read it from top to bottom, edit it, run it.

    python calibration/fit_tatarstan.py

It does what `alliance calibrate calibration/tatarstan` does and writes the same files to calibration/results/.
"""

from pathlib import Path

import alliance_dynamics as ad

HERE = Path(__file__).resolve().parent
SEED = 1  # every random draw comes from it; 0 is a seed like any other

# How much work: more starts look further for a better fit, more generations make the intervals surer.
EFFORT = ad.Effort(starts=24, draws=1000, generations=1700, chains=32)


def main() -> None:
    # The model: three Vensim files joined by name.  The path of an .mdl file works as well.
    model = ad.open_model("alliance")

    # The problem: what is observed, what is calibrated, priors, breaks of the statistics.  Edit the tables, not this.
    problem = ad.read_problem(HERE / "tatarstan")
    for warning in problem.warnings:
        print("note:", warning)

    # The best fit of many starts, draws of what the data leave possible, intervals of new observations to 2030.
    fit = ad.calibrate(model, problem, seed=SEED, effort=EFFORT, jobs=2)
    print(fit)

    # Did it settle, and does it forecast?  Errors are of the logarithm: 0.05 is about 5 %.
    summary = fit.summary
    print(f"R-hat {summary['r_hat_max']:.3f}; {summary['coverage']:.0%} of the figures lie in their 90 % intervals")
    for observable in dict.fromkeys(row["observable"] for row in fit.skill):
        rows = [row for row in fit.skill if row["observable"] == observable]
        ours, last = (sum(row[name] for row in rows) / len(rows) for name in ("model_error", "naive_error"))
        print(f"  {observable}: error of forecasts 2017-2022 {ours:.3f}, of the last value {last:.3f}")

    ad.write_calibration(HERE / "results", fit)
    print("written:", HERE / "results")


if __name__ == "__main__":
    main()
