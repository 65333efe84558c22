"""`alliance explore`: the page on which the model runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.errors import InputError, Place, UsageError, fault
from alliance_dynamics.language import translate
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import Scenario, read_regimes, read_scenario
from alliance_dynamics.study.comparing import own_times
from alliance_dynamics.study.inputs import quick_futures
from alliance_dynamics.study.stages import ALLIANCE_REGIME, BASELINE

if TYPE_CHECKING:
    from alliance_dynamics.explorer.page import Page


def explore(
    scenarios: Sequence[str] = (), *, out: Path, seed: int = 1, jobs: int = 1, quiet: bool = False,
    port: int | None = None,
) -> Outcome:  # fmt: skip
    """Writes the explorer of the built-in model over futures from a quick calibration.

    `scenarios` are files; they become presets beside the regimes, or in the place of the regime of the same id, and
    the first is shown at once.  Levers in time and events work in the page as in a run; times of the run do not.
    With a `port` (0: a free one) the page is also served to this computer, until Ctrl-C.
    """
    from alliance_dynamics.explorer import make_page, write_explorer

    if out.is_dir():
        raise UsageError(
            fault(str(out), "This is a folder, not a file", remedy="Add the name of a file to it")
        )  # fmt: skip
    parameters = read_parameters()
    given = [read_scenario(each, parameters) for each in scenarios]
    regimes = _with_regimes(given)
    model, futures, fitted = quick_futures(parameters, None, seed, jobs, quiet)
    page = make_page(model, futures, parameters, regimes, baseline=BASELINE,
                     chosen=given[0].id if given else ALLIANCE_REGIME, history=fitted.fit_table, seed=seed,
                     quick=True)  # fmt: skip
    path = write_explorer(out, page)
    if port is not None:
        _serve(page, port)
    return Outcome(
        outputs=(path, path.with_suffix(".zip")), next_step=translate("open {path}").format(path=path),
        notices=tuple(own_times(given)),
    )  # fmt: skip


def _serve(page: Page, port: int) -> None:
    """Until Ctrl-C; the address is always said, it cannot be known otherwise."""
    from alliance_dynamics.explorer.server import served

    with served(page, port) as address, suppress(KeyboardInterrupt):
        sys.stderr.write(translate("Open {address} in a browser; Ctrl-C stops the server").format(address=address))
        sys.stderr.write("\n")
        sys.stderr.flush()
        Event().wait()


def _with_regimes(given: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """The regimes of the package, then the scenarios; a scenario with the id of a regime stands in its place."""
    known: dict[str, Scenario] = {}
    for each in given:
        other = known.setdefault(each.id, each)
        if other is not each:
            raise InputError(
                fault(each.places.get("id", Place(each.path)), "The id `{id}` is also that of {other}",
                      remedy="Give every scenario its own id", id=each.id, other=other.path)
            )  # fmt: skip
    regimes = {each.id: each for each in read_regimes()}
    return tuple((regimes | known).values())
