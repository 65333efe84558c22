"""The loops behind an output: found, scored along runs, gathered by name, and read off by period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import UsageError, fault, suggestion
from alliance_dynamics.loops.discover import Loop, every_loop, strongest_loops
from alliance_dynamics.loops.links import Links, Structure, structure_of, trace
from alliance_dynamics.loops.named import NamedLoop, name_of
from alliance_dynamics.loops.scores import link_scores, loop_scores, scores_for_output, weights_of_stocks
from alliance_dynamics.loops.slopes import Floats
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical, flat
from alliance_dynamics.settings import elements_of

SCORED = 1_000  # loops kept where more are found: those with the largest scores at some moment
SHOWN = 12  # kinds of loops that are told apart; the others are summed
SEARCHED_RUNS, SEARCHED_TIMES = 2, 7
MATTERS = 0.01  # a stock with a smaller part in the output's change is not searched from
ONE_SIGN = 0.999
RUNS_AT_ONCE = 16
SHORT = 4  # names shown of a loop without a name


@dataclass(frozen=True)
class LoopKind:
    """Loops of one name, or through the same stocks: `sign` +1, -1, or 0 where it changes in the run.

    `path` are the variables of its strongest loop in order, `stocks` those of them that are stocks or hold a memory;
    `count` the loops of this kind, element by element.
    """

    id: str
    sign: int
    path: tuple[str, ...]
    stocks: tuple[str, ...]
    count: int
    named: NamedLoop | None = None


@dataclass(frozen=True)
class LoopStudy:
    """`share` [kind, run, time]: the signed part of each kind of loop in what the output does.

    Sizes over kinds, `rest` (other loops), `of_time` (what time itself moves) and `constant` (rates that do not change)
    sum to 1 where the output moves.  `complete`: every loop of the model was scored; else the strongest ones.
    """

    model: Model
    output: str
    times: Floats
    kinds: tuple[LoopKind, ...]
    share: Floats
    rest: Floats
    of_time: Floats
    constant: Floats
    loops: int
    complete: bool
    notices: tuple[str, ...] = ()

    def by_period(self, periods: Sequence[tuple[float, float]]) -> list[dict[str, object]]:
        """One row per period and kind: its mean share, 5 % and 95 % over runs, and in which part of the runs it leads.

        A period holds its first time and not its last.  Rows of a period stand in order of size.
        """
        rows: list[dict[str, object]] = []
        for first, last in periods:
            inside = (self.times >= first) & (self.times < last)
            if not inside.any():
                continue
            mean = self.share[:, :, inside].mean(axis=2)
            size = np.abs(self.share[:, :, inside]).mean(axis=2)
            leads = np.bincount(size.argmax(axis=0), minlength=len(self.kinds)) if len(self.kinds) else np.zeros(0)
            found = []
            for i, kind in enumerate(self.kinds):
                low, middle, high = np.quantile(mean[i], [0.05, 0.5, 0.95])
                found.append({"first": first, "last": last, "loop": kind.id, "sign": kind.sign, "share": float(middle),
                              "share_low": float(low), "share_high": float(high),
                              "size": float(np.median(size[i])), "leads": float(leads[i] / size.shape[1])})  # fmt: skip
            rows += sorted(found, key=lambda row: -row["size"])  # type: ignore[operator, arg-type]
        return rows


class FoundLoops(NamedTuple):
    """Loops of a model, whether they are all, and what the search has to say."""

    loops: tuple[Loop, ...]
    complete: bool
    notices: tuple[str, ...]


def study_loops(
    model: Model,
    output: str,
    rows: Floats | None = None,
    *,
    named: Sequence[NamedLoop] = (),
    structure: Structure | None = None,
    found: FoundLoops | None = None,
) -> LoopStudy:
    """Which loops drive an output along runs of the model.

    `output` is a variable, whole (its elements summed) or by element.  `rows` [run, parameter] are complete parameter
    vectors (the model's own unless given).  `structure` saves the preparation where many outputs are asked for, `found`
    (of `find_loops`) the search where the same loops are scored in many groups of runs.
    UsageError: no such output, or one that nothing moves.  UnsupportedError: discrete memory or random draws.
    """
    structure = structure or structure_of(model)
    weights = _weights(structure, output)
    runs = np.array(structure.program.defaults)[None, :] if rows is None else np.atleast_2d(rows)
    loops, complete, notices = found or find_loops(structure, output, runs)
    shares, rests, times, constants = [], [], [], []
    moments: Floats = np.zeros(0)
    kinds: tuple[LoopKind, ...] | None = None
    groups: list[NDArray[np.int64]] = []
    undefined = 0
    for begin in range(0, len(runs), RUNS_AT_ONCE):
        links = trace(structure, runs[begin : begin + RUNS_AT_ONCE])
        undefined += links.undefined
        scored, constant, of_time = _scored(links, loops, weights)
        if kinds is None:
            kinds, groups = _kinds(structure, loops, scored, named)
        shape = (links.runs, len(links.times))
        share = np.stack([scored[each].sum(axis=0) for each in groups]) if groups else np.zeros((0, scored.shape[1]))
        kept = np.concatenate(groups) if groups else np.zeros(0, dtype=int)
        rest = np.abs(np.delete(scored, kept, axis=0)).sum(axis=0)
        shares.append(share.reshape(-1, *shape))
        for store, each in ((rests, rest), (times, of_time), (constants, constant)):
            store.append(each.reshape(shape))
        moments = links.times
    if undefined:
        notices += (f"{undefined} slopes are infinite or undefined and were taken as 0.",)
    return LoopStudy(
        model, output, moments, kinds or (), np.concatenate(shares, axis=1), np.concatenate(rests),
        np.concatenate(times), np.concatenate(constants), len(loops), complete, notices,
    )  # fmt: skip


def find_loops(structure: Structure, output: str, rows: Floats) -> FoundLoops:
    """The loops that may drive an output: all of them where they can be listed, else the strongest of some runs."""
    return FoundLoops(*_find(structure, _weights(structure, output), rows))


def scores_of_links(structure: Structure, row: Floats) -> tuple[Floats, list[tuple[str, str, Floats]]]:
    """The times of one run, and of every link that lies on a loop its cause, its effect and its score [time]."""
    links = trace(structure, row[None, :])
    scores = link_scores(links)
    looped = structure.loop_of
    found = [
        (structure.names[cause], structure.names[effect], scores[k])
        for k, (cause, effect) in enumerate(structure.links)
        if looped[cause] >= 0 and looped[cause] == looped[effect]
    ]
    return links.times, found


def _weights(structure: Structure, output: str) -> Floats:
    model = structure.model
    whole = model.variables.get(canonical(output))
    base, _, inside = output.rstrip().removesuffix("]").partition("[")
    variable = whole or model.variables.get(canonical(base))
    if variable is None:
        known = [each.label for each in model.variables.values()]
        raise UsageError(fault("", "`{name}` is not a variable of this model", name=output,
                               remedy=suggestion(base, known)))  # fmt: skip
    wanted = elements_of(model, variable)
    if whole is None:
        chosen = tuple(canonical(each) for each in inside.split(","))
        if chosen not in wanted:
            raise UsageError(fault("", "`{name}` names no element of {label}", name=output, label=repr(variable.label),
                                   expected="One of {known}", known=", ".join(model.label(variable.name, each)
                                                                              for each in wanted if each)))  # fmt: skip
        wanted = [chosen]
    names = {flat(variable.name, each) for each in wanted}
    weights = np.array([1.0 if name in names else 0.0 for name in structure.names])
    if not weights.any():
        raise UsageError(fault("", "nothing moves {label}: no loop can drive it", label=repr(output),
                               expected="A variable that a stock or time moves"))  # fmt: skip
    return weights


def _find(structure: Structure, output: Floats, rows: Floats) -> tuple[tuple[Loop, ...], bool, tuple[str, ...]]:
    chosen = structure.in_loops
    every = every_loop(structure.links, chosen)
    if every is not None:
        return every, True, ()
    runs = rows[np.unique(np.linspace(0, len(rows) - 1, SEARCHED_RUNS).astype(int))]
    links = trace(structure, runs)
    weights, _, _ = weights_of_stocks(links, output)
    count = len(links.times)
    at = np.unique(np.linspace(min(1, count - 1), count - 1, SEARCHED_TIMES).astype(int))
    moments = np.concatenate([run * count + at for run in range(links.runs)])
    strength = np.abs(link_scores(links))[:, moments]
    stocks = np.flatnonzero((weights[:, moments] > MATTERS).any(axis=1))
    found, cut = strongest_loops(structure.links, chosen, stocks.tolist(), strength)
    if len(found) > SCORED:
        size = np.abs(loop_scores(found, link_scores(links)[:, moments])).max(axis=1)
        found = tuple(found[i] for i in np.sort(np.argsort(-size, kind="stable")[:SCORED]))
    notices = (
        f"The model has too many loops to list; the {len(found)} strongest from {len(stocks)} stocks were scored.",
    )
    if cut:
        notices += (f"{cut} of {len(stocks) * len(moments)} searches for strong loops were cut short.",)
    return found, False, notices


def _scored(links: Links, loops: Sequence[Loop], output: Floats) -> tuple[Floats, Floats, Floats]:
    weights, constant, of_time = weights_of_stocks(links, output)
    scores = loop_scores(loops, link_scores(links))
    return scores_for_output(loops, scores, links, weights), constant, of_time


def _kinds(
    structure: Structure, loops: Sequence[Loop], scored: Floats, named: Sequence[NamedLoop]
) -> tuple[tuple[LoopKind, ...], list[NDArray[np.int64]]]:
    """The kinds of loops in order of size, and the loops of each."""
    size, balance = np.abs(scored).sum(axis=1), scored.sum(axis=1)
    groups: dict[object, list[int]] = {}
    names: dict[object, NamedLoop | None] = {}
    for i, loop in enumerate(loops):
        path, sign = path_of(structure, loop), 1 if balance[i] >= 0 else -1
        known = name_of(path, sign, named) if size[i] > 0 else None
        key = known.id if known else (sign, frozenset(_stocks_of(structure, loop)))
        groups.setdefault(key, []).append(i)
        names[key] = known
    sizes = {key: float(size[each].sum()) for key, each in groups.items()}
    order = [key for key in sorted(groups, key=lambda key: -sizes[key]) if sizes[key] > 0][:SHOWN]
    kinds: list[LoopKind] = []
    counts: dict[str, int] = {}
    for key in order:
        members, known = groups[key], names[key]
        strongest = members[int(np.argmax(size[members]))]
        part = balance[members].sum() / sizes[key]
        sign = known.sign if known else 1 if part > ONE_SIGN else -1 if part < -ONE_SIGN else 0
        letter = "L" if named else {1: "R", -1: "B", 0: "U"}[sign]  # R and B are taken where loops have names
        counts[letter] = counts.get(letter, 0) + 1
        name = known.id if known else f"{letter}{counts[letter]}"
        if known:
            counts[letter] -= 1
        stocks = tuple(dict.fromkeys(_stocks_of(structure, loops[strongest])))
        kinds.append(LoopKind(name, sign, path_of(structure, loops[strongest]), stocks, len(members), known))
    return tuple(kinds), [np.array(groups[key]) for key in order]


def path_of(structure: Structure, loop: Loop) -> tuple[str, ...]:
    """The variables of a loop in order, from the first in the model's order; a function's memory as its variable."""
    names = [structure.owners[int(structure.links[link, 0])] for link in loop]
    path = [name for i, name in enumerate(names) if name != names[i - 1]] or names[:1]
    places = {name: i for i, name in enumerate(structure.model.variables)}
    first = min(range(len(path)), key=lambda i: places[path[i]])
    return tuple(path[first:] + path[:first])


def _stocks_of(structure: Structure, loop: Loop) -> list[str]:
    causes = (int(structure.links[link, 0]) for link in loop)
    return [structure.owners[cause] for cause in causes if structure.stock[cause]]


def decades(times: Floats) -> list[tuple[float, float]]:
    """Periods with a saved time: ten years where time is years over decades, else fifths of the run."""
    start, stop = float(times[0]), float(times[-1])
    if stop - start >= 20 and start >= 1000:
        first = np.floor(start / 10) * 10
        found = [(max(start, each), each + 10) for each in np.arange(first, stop, 10).tolist()]
        return [(a, b) for a, b in found if a < stop]
    edges = np.linspace(start, stop, 6).tolist()
    edges[-1] = np.nextafter(edges[-1], np.inf)
    return [(a, b) for a, b in pairwise(edges) if np.any((times >= a) & (times < b))]


def labels_of(kinds: Sequence[LoopKind], language: str, label: Mapping[str, str]) -> dict[str, str]:
    """A name to show for each kind: its own, or its variables with arrows; of a long loop the stocks, four at most."""
    found = {}
    for kind in kinds:
        if kind.named:
            found[kind.id] = kind.named.labels[language]
            continue
        path = kind.path if len(kind.path) <= SHORT else kind.stocks
        shown = [label.get(name, name.replace("_", " ")) for name in path]
        if len(shown) > SHORT:
            shown = [*shown[: SHORT - 1], "…"]
        found[kind.id] = " → ".join([*shown, shown[0]])
    return found
