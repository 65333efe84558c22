"""`alliance loops`: which feedback loops drive an output, by period."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, changes, say, setting
from alliance_dynamics.language import current_language

if TYPE_CHECKING:
    from alliance_dynamics.loops.slopes import Floats
    from alliance_dynamics.loops.study import LoopStudy

SUMMARY = "Which feedback loops drive an output of a model, by period."
EXAMPLES = (
    "alliance loops R3 --output 'innovative goods volume'",
    "alliance loops my_model.mdl --output population --out loops",
)
DEFAULT = "innovative_goods_volume"
LEAST = 0.005


def add_options(parser: Parser) -> None:
    parser.add_argument("targets", nargs="*", metavar="MODEL|SCENARIO",
                        help=say("built-in model or model file (alliance), then scenario files (.toml) or ids of "
                                 "regimes, laid over one another: later wins"))  # fmt: skip
    parser.add_argument("--output", metavar="NAME",
                        help=say("variable to explain, whole or by element (the first stock; of the alliance the "
                                 "innovative goods)"))  # fmt: skip
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
                        help=say("change a constant or a lever; may be repeated, wins over scenarios"))  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help=say("folder of tables and figures (none is written)"))


def execute(arguments: Namespace) -> Outcome:
    from alliance_dynamics.commands.changes import open_plan, parameters_of
    from alliance_dynamics.loops.links import structure_of
    from alliance_dynamics.loops.named import named_loops_of
    from alliance_dynamics.loops.over_draws import labels_in
    from alliance_dynamics.loops.study import labels_of, scores_of_links, study_loops
    from alliance_dynamics.model.built_in import is_alliance
    from alliance_dynamics.model.names import canonical
    from alliance_dynamics.settings import parameters_with
    from alliance_dynamics.simulate import program_of

    plan = open_plan(arguments.targets, changes(arguments.set))
    model, language = plan.model, current_language()
    stocks = [name for name, each in model.variables.items() if each.kind == "stock"]
    output = arguments.output or (DEFAULT if DEFAULT in model.variables else next(iter(stocks), ""))
    row = parameters_with(model, program_of(model), plan.constants)
    structure = structure_of(model)
    study = study_loops(model, output, row[None, :], named=named_loops_of(model), structure=structure)
    labels = {name: each.label for name, each in model.variables.items()}
    labels |= labels_in(parameters_of(model), language)
    names = labels_of(study.kinds, language, labels)
    base = canonical(output.partition("[")[0])
    title = labels.get(base, output) + output[len(output.partition("[")[0]) :]
    drawn = "alliance" if is_alliance(model.name) else arguments.targets[0]
    done = Outcome(
        text=_text(study, names, title), results=_results(study, names), notices=(*plan.notices, *study.notices)
    ).then("alliance", "diagram", drawn, "--kind", "causal", "--out", "diagram.svg")
    if arguments.out is None:
        return done
    times, links = scores_of_links(structure, row)
    return _written(done, arguments.out, study, names, labels, title, language, times, links)


def _text(study: LoopStudy, names: Mapping[str, str], title: str) -> str:
    from alliance_dynamics.loops.study import decades

    lines = [say("What drives {output}: share of loops in its change, %").format(output=title)]
    number = {1: "+", -1: "−", 0: "±"}
    for first, last in decades(study.times):
        inside = (study.times >= first) & (study.times < last)
        lines.append(f"{first:g}-{study.times[inside][-1]:g}")
        for row in study.by_period([(first, last)])[:5]:
            if float(str(row["size"])) >= LEAST:
                name = str(row["loop"])
                lines.append(f"  {100 * float(str(row['share'])):+6.1f}  {name:<4} {names[name]}")
        for label, part in ((say("time and what it drives"), study.of_time), (say("constant rates"), study.constant)):
            if (mean := float(part[:, inside].mean())) >= LEAST:
                lines.append(f"  {100 * mean:6.1f}       {label}")
    lines.append(say("Loops:"))
    for kind in study.kinds:
        lines.append(f"  {kind.id:<4} {number[kind.sign]}  {names[kind.id]} ({kind.count})")
    return "\n".join(lines) + "\n"


def _results(study: LoopStudy, names: Mapping[str, str]) -> dict[str, object]:
    from alliance_dynamics.loops.study import decades

    return {
        "output": study.output,
        "loops": study.loops,
        "complete": study.complete,
        "periods": study.by_period(decades(study.times)),
        "names": dict(names),
    }


def _written(
    done: Outcome, folder: Path, study: LoopStudy, names: Mapping[str, str], labels: Mapping[str, str], title: str,
    language: str, moments: Floats, scored: Sequence[tuple[str, str, Floats]],
) -> Outcome:  # fmt: skip
    from dataclasses import replace

    from alliance_dynamics.files import write_bytes, write_csv
    from alliance_dynamics.report.loop_figure import loop_figure

    times = study.times.tolist()
    shares = write_csv(
        folder / "shares.csv",
        ("time", *(kind.id for kind in study.kinds), "other loops", "time itself", "constant rates"),
        (
            (time, *study.share[:, 0, i].tolist(), *(float(each[0, i]) for each in (study.rest, study.of_time,
                                                                                     study.constant)))
            for i, time in enumerate(times)
        ),
    )  # fmt: skip
    loops = write_csv(
        folder / "loops.csv",
        ("loop", "sign", "name", "loops", "path"),
        (
            (kind.id, kind.sign, names[kind.id], kind.count, " -> ".join(labels.get(each, each) for each in kind.path))
            for kind in study.kinds
        ),
    )
    links = write_csv(
        folder / "links.csv",
        ("cause", "effect", *(f"{time:g}" for time in moments.tolist())),
        ((cause, effect, *scores.tolist()) for cause, effect, scores in scored),
    )
    figure = write_bytes(folder / f"loops_{language}.svg", loop_figure(study, names, title, language).file)
    return replace(done, outputs=(shares, loops, links, figure))
