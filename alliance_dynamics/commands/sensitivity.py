"""`alliance sensitivity`: which levers and uncertainties the outcomes hang on."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.parser import Parser, jobs, number, one_of, power_of_two, processors, say, whole
from alliance_dynamics.errors import MAX_FAILED
from alliance_dynamics.progress import READING, announce

SUMMARY = "Which levers and uncertainties the outcomes hang on: Sobol indices with intervals."
EXAMPLES = (
    "alliance sensitivity --points 512",
    "alliance sensitivity --points 256 --replicates 16 --max-runs 1000000",
    "alliance sensitivity --points 512 --sweep runs --executor processes --out results/sensitivity",
)


def add_options(parser: Parser) -> None:
    parser.add_argument("model", nargs="?", default="alliance", metavar="MODEL",
                        help=say("built-in model or model file (alliance)"))  # fmt: skip
    parser.add_argument("--points", type=power_of_two, metavar="N",
                        help=say("base points of one design, a power of two (16)"))  # fmt: skip
    parser.add_argument("--replicates", type=whole(1, 1024), metavar="N",
                        help=say("independently scrambled designs, for the intervals (4)"))  # fmt: skip
    parser.add_argument("--max-runs", type=whole(1), metavar="N",
                        help=say("double the points until intervals are narrow and the order stays; at most N runs "
                                 "(one size)"))  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help=say("folder of tables and figures (none is written)"))
    parser.add_argument("--sweep", type=Path, metavar="DIR",
                        help=say("folder that keeps the runs, to go on after an interruption (none)"))  # fmt: skip
    parser.add_argument("--executor", default="threads", metavar="NAME",
                        help=say("threads, processes, dask or dask:ADDRESS (threads)"))  # fmt: skip
    parser.add_argument("--shard-rows", type=whole(1), default=4096, metavar="N",
                        help=say("runs in one shard of the sweep (4096)"))  # fmt: skip
    parser.add_argument("--on-fail", type=one_of(("error", "drop_block")), default="error", metavar="error|drop_block",
                        help=say("runs that go non-finite: stop, or leave their base points out (error)"))  # fmt: skip
    parser.add_argument("--max-failed", type=number, default=MAX_FAILED, metavar="SHARE",
                        help=say("share of base points that may be left out (0.01)"))  # fmt: skip
    parser.add_argument("--precision", type=one_of(("double", "single")), default="double", metavar="double|single",
                        help=say("single is for screening: twice as fast, about six digits (double)"))  # fmt: skip
    parser.add_argument("--seed", type=whole(0), default=1, metavar="INT", help=say("seed of all random draws (1)"))
    parser.add_argument("-j", "--jobs", type=jobs, default=processors(), metavar="N|auto",
                        help=say("threads; results do not depend on their number (auto)"))  # fmt: skip
    parser.add_argument("--force", action="store_true", help=say("replace the results of another command"))
    parser.add_argument("--dry-run", action="store_true", help=say("say what would be done, and do nothing"))


def execute(arguments: Namespace) -> object:
    announce(READING, quiet=arguments.quiet)
    from alliance_dynamics.files import Outputs
    from alliance_dynamics.study import sensitivity

    if arguments.out is not None:  # refused at once, not after the runs
        Outputs(arguments.out)
    outcome = sensitivity(
        arguments.model,
        points=arguments.points,
        replicates=arguments.replicates,
        max_runs=arguments.max_runs,
        out=arguments.out,
        seed=arguments.seed,
        jobs=arguments.jobs,
        sweep=arguments.sweep,
        executor=arguments.executor,
        shard_rows=arguments.shard_rows,
        on_fail=arguments.on_fail,
        max_failed=arguments.max_failed,
        precision=arguments.precision,
        force=arguments.force,
        quiet=arguments.quiet,
        dry_run=arguments.dry_run,
    )
    return outcome if arguments.dry_run else outcome.then("alliance", "study")
