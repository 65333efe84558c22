"""Who does the work of a sweep: threads of this process, processes, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Literal

from alliance_dynamics.errors import RunError, UnsupportedError, UsageError, fault
from alliance_dynamics.sweeps.task import Block, SweepTask, run_rows

Kind = Literal["threads", "processes", "dask"]
KINDS: tuple[Kind, ...] = ("threads", "processes", "dask")
ATTEMPTS = 3
WINDOW = 4  # shards under way per worker: enough to keep all busy, few enough to bound memory

Rows = Callable[[int], tuple[int, Any]]
"""Number of a shard -> number of its first run, program parameter rows [run, parameter]."""


@dataclass(frozen=True, slots=True)
class Workers:
    """`count` workers of one kind; for Dask `address` is that of a cluster, empty to start a local one and stop it."""

    kind: Kind = "threads"
    count: int = 1
    address: str = ""


def workers_of(text: str, count: int) -> Workers:
    """`threads`, `processes`, `dask` or `dask:ADDRESS`, as the command line gives them."""
    kind, _, address = text.partition(":")
    for known in KINDS:
        if kind == known and (not address or known == "dask"):
            return Workers(known, count, address)
    raise UsageError(
        fault("", "`{text}` is no executor", expected="threads, processes, dask or dask:ADDRESS", text=text)
    )


def finished(workers: Workers, task: SweepTask, shards: list[int], rows: Rows) -> Iterator[tuple[int, Block]]:
    """Every shard with its block, in the order in which they are done.

    A worker that dies costs its shard one attempt of three, then RunError names the shard.
    """
    if workers.kind == "threads":
        for number in shards:
            first, values = rows(number)
            yield number, run_rows(task, first, values, workers.count)
        return
    attempts = dict.fromkeys(shards, 0)
    waiting = list(reversed(shards))
    while waiting:  # a broken pool is made anew for what is left
        with _pool(workers) as submit:
            under_way: dict[Future[Block], int] = {}
            try:
                while waiting or under_way:
                    while waiting and len(under_way) < WINDOW * workers.count:
                        number = waiting[-1]  # taken off only when it was accepted: a broken pool accepts nothing
                        under_way[submit(run_rows, task, *rows(number))] = number
                        waiting.pop()
                    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        number = under_way[future]
                        block = future.result()
                        del under_way[future]
                        yield number, block
            except _given_up(workers) as error:  # Dask has tried the shard on several workers
                raise RunError(_died(number)) from error
            except BrokenExecutor as error:
                lost = sorted(under_way.values(), reverse=True)
                for number in lost:
                    attempts[number] += 1
                    if attempts[number] >= ATTEMPTS:
                        raise RunError(_died(number)) from error
                waiting += lost
            finally:
                for future in under_way:
                    future.cancel()


@contextmanager
def _pool(workers: Workers) -> Iterator[Callable[..., Future[Any]]]:
    if workers.kind == "processes":
        pool = ProcessPoolExecutor(workers.count, mp_context=get_context("spawn"))
        try:
            yield pool.submit
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return
    with _dask(workers) as pool:
        yield pool.submit


@contextmanager
def _dask(workers: Workers) -> Iterator[Any]:
    """The executor of a cluster.  Dask itself runs the shard of a lost worker again, on another one."""
    try:
        from dask import config
        from distributed import Client, LocalCluster
    except ImportError:
        raise UnsupportedError(
            fault("", "Dask is not installed", remedy='Install it: python -m pip install "alliance-dynamics[cluster]"')
        ) from None
    with config.set({"distributed.scheduler.allowed-failures": ATTEMPTS, "distributed.admin.tick.limit": "1h"}):
        if workers.address:
            try:
                client = Client(workers.address, timeout=10)
            except (OSError, ValueError, TypeError) as error:
                raise UsageError(
                    fault("", "no Dask scheduler answers at {address}", expected="an address like tcp://host:8786",
                          address=workers.address)
                ) from error  # fmt: skip
            with client:
                yield client.get_executor(pure=False)
            return
        cluster = LocalCluster(n_workers=workers.count, threads_per_worker=1, dashboard_address="")
        with cluster, Client(cluster) as client:
            yield client.get_executor(pure=False)


def _given_up(workers: Workers) -> tuple[type[BaseException], ...]:
    """What Dask raises for a shard whose workers died one after the other; nothing for other executors."""
    if workers.kind != "dask":
        return ()
    from distributed import KilledWorker

    return (KilledWorker,)


def _died(number: int):
    return fault(
        "", "shard {number} ended its worker {count} times", expected="a worker that survives it",
        remedy="Finished shards are kept: give smaller shards or more memory, and start again", number=number,
        count=ATTEMPTS,
    )  # fmt: skip
