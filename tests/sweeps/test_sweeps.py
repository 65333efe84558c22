"""A sweep is the same bits however it is cut, stopped, resumed, damaged or shared out."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.errors import ProvenanceError, RunError, UsageError
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.model.read import read_model
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import program_of
from alliance_dynamics.sweeps import Sweep, SweepFolder, Workers, run_sweep, sweep_task
from alliance_dynamics.sweeps.executors import workers_of

MODEL = Path(__file__).parents[1] / "models" / "stocks.mdl"
RUNS = 100


def pieces():
    program = program_of(read_model(MODEL))
    base = np.array(program.defaults)
    schedule, _ = schedule_of(program, base)
    names = tuple(program.outputs)[:3]
    changed = [
        i
        for i, name in enumerate(program.parameters)
        if name not in ("initial_time", "final_time", "time_step", "saveper")
    ]

    def rows(first: int, count: int) -> np.ndarray:
        found = np.repeat(base[None, :], count, axis=0)
        for k in range(count):
            stream = np.random.default_rng(np.random.SeedSequence([7, first + k]))
            found[k, changed] *= 1 + 0.1 * stream.random(len(changed))
        return found

    return program, names, schedule, rows


def sweep(folder, *, runs: int = RUNS, shard_rows: int = 16, **changes) -> Sweep:
    program, names, schedule, rows = pieces()
    task = sweep_task(program, names, schedule, method="rk4")
    return run_sweep(task, rows, runs, folder, shard_rows=shard_rows, **changes)


def truth() -> np.ndarray:
    program, names, schedule, rows = pieces()
    return compile_kernel(program, names).run(rows(0, RUNS), schedule, method="rk4").values


@pytest.mark.parametrize("shard_rows", [1, 7, 16, 1000])
def test_any_shards_give_the_bits_of_one_call_of_the_kernel(tmp_path, shard_rows):
    found = sweep(tmp_path / "s", shard_rows=shard_rows, workers=Workers("threads", 2))
    np.testing.assert_array_equal(found.values(), truth())


def test_processes_give_the_same_bits(tmp_path):
    found = sweep(tmp_path / "s", workers=Workers("processes", 2))
    np.testing.assert_array_equal(found.values(), truth())


def test_an_interrupted_sweep_goes_on_with_what_is_missing(tmp_path):
    def stop(share: float) -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path / "s", progress=stop)
    assert not list((tmp_path / "s").glob("*.part*"))
    found = sweep(tmp_path / "s")
    assert found.kept >= 2 and found.made + found.kept == 7
    np.testing.assert_array_equal(found.values(), truth())
    again = sweep(tmp_path / "s")
    assert (again.made, again.kept) == (0, 7)


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "delete", "swap"])
def test_a_damaged_shard_does_not_count_and_is_made_again(tmp_path, harm):
    first = sweep(tmp_path / "s")
    shard = tmp_path / "s" / "shard-00002.npz"
    content = shard.read_bytes()
    if harm == "cut":
        shard.write_bytes(content[: len(content) // 2])
    elif harm == "flip":
        at = len(content) // 2
        shard.write_bytes(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
    elif harm == "empty":
        shard.write_bytes(b"")
    elif harm == "delete":
        shard.unlink()
    else:
        shard.write_bytes((tmp_path / "s" / "shard-00003.npz").read_bytes())
    with pytest.raises(RunError, match="shard 2 is missing or altered"):
        first.values()
    found = sweep(tmp_path / "s")
    assert found.made == 1
    np.testing.assert_array_equal(found.values(), truth())


def test_a_folder_of_another_sweep_is_refused_key_by_key(tmp_path):
    sweep(tmp_path / "s", description={"seed": 1})
    with pytest.raises(ProvenanceError, match=r"`runs` is 100(.|\n)*`seed` is 1"):
        sweep(tmp_path / "s", runs=99, description={"seed": 2})


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="not of a sweep"):
        sweep(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_at_once_do_not_meet(tmp_path):
    with SweepFolder(tmp_path / "s", {}).opened(), pytest.raises(UsageError, match=f"process {os.getpid()}"):
        sweep(tmp_path / "s")


def test_failed_runs_are_named_and_never_counted(tmp_path):
    program, names, schedule, rows = pieces()

    def broken(first: int, count: int) -> np.ndarray:
        found = rows(first, count)
        if first <= 33 < first + count:
            found[33 - first] = np.where(np.abs(found[33 - first]) > 0, 1e300, 0)
            for name in ("initial_time", "final_time", "time_step", "saveper"):
                if name in program.parameter_index:
                    found[33 - first, program.parameter_index[name]] = rows(0, 1)[0, program.parameter_index[name]]
        return found

    task = sweep_task(program, names, schedule, method="rk4")
    found = run_sweep(task, broken, RUNS, tmp_path / "s", shard_rows=16)
    assert found.failed().tolist() == [33]
    with pytest.raises(RunError, match="1 of 100 runs failed, the first is run 33"):
        found.values()


def test_sums_and_saves_are_those_of_the_outputs(tmp_path):
    program, names, schedule, rows = pieces()
    weights = np.array([[1.0, 0.5], [0.0, 2.0], [1.0, 0.0]])
    task = sweep_task(program, names, schedule, method="rk4", saves=[0, 2], weights=weights)
    found = run_sweep(task, rows, RUNS, tmp_path / "s")
    np.testing.assert_allclose(found.values(), truth()[:, [0, 2]] @ weights, rtol=1e-14)


KILLED = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
import test_sweeps as t
from alliance_dynamics.sweeps import Workers
import time
if __name__ == "__main__":
    t.sweep({folder!r}, workers=Workers({kind!r}, 2), shard_rows=4, progress=lambda share: time.sleep(0.2))
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a signal of POSIX systems")
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_killed_process_loses_no_finished_shard(tmp_path, kind):
    here = Path(__file__)
    script = tmp_path / "killed.py"
    script.write_text(
        KILLED.format(root=str(here.parents[2]), here=str(here.parent), folder=str(tmp_path / "s"), kind=kind)
    )
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while len(list((tmp_path / "s").glob("shard-*.npz"))) < 3 and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    left = len(list((tmp_path / "s").glob("shard-*.npz")))
    found = sweep(tmp_path / "s", shard_rows=4)
    assert 3 <= left < 25 and found.kept == left
    np.testing.assert_array_equal(found.values(), truth())


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a signal of POSIX systems")
def test_a_killed_worker_costs_nothing_but_time(tmp_path):
    import multiprocessing

    killed = []

    def kill_one(share: float) -> None:
        if not killed:
            victim = multiprocessing.active_children()[0]
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    found = sweep(tmp_path / "s", shard_rows=4, workers=Workers("processes", 2), progress=kill_one)
    assert killed and found.made == 25
    np.testing.assert_array_equal(found.values(), truth())


def test_a_dask_cluster_survives_the_loss_of_a_worker_and_gives_the_same_bits(tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="") as cluster,
        distributed.Client(cluster) as client,
    ):
        killed = []

        def kill_one(share: float) -> None:
            if not killed:
                killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGTERM if os.name != "posix" else signal.SIGKILL)

        workers = Workers("dask", 2, cluster.scheduler_address)
        found = sweep(tmp_path / "s", shard_rows=4, workers=workers, progress=kill_one)
    assert killed and found.made == 25
    np.testing.assert_array_equal(found.values(), truth())


def test_dask_starts_and_stops_a_cluster_of_its_own(tmp_path):
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    np.testing.assert_array_equal(sweep(tmp_path / "s", workers=Workers("dask", 2)).values(), truth())


def test_executors_are_named_and_wrong_names_refused():
    assert workers_of("dask:tcp://here:1", 3) == Workers("dask", 3, "tcp://here:1")
    for wrong in ("thread", "threads:2", ""):
        with pytest.raises(UsageError, match="is no executor"):
            workers_of(wrong, 1)
    with pytest.raises(UsageError, match="a sweep of 0 runs"):
        sweep("nowhere", runs=0)


def test_the_governance_sweep_is_the_same_from_memory_and_from_shards(tmp_path, monkeypatch):
    from alliance_dynamics import study

    monkeypatch.chdir(tmp_path)
    few = {"points": 2, "replicates": 2, "seed": 0, "quiet": True}
    study.sensitivity(**few, jobs=2, out=tmp_path / "memory")
    study.sensitivity(**few, jobs=2, out=tmp_path / "shards", sweep=tmp_path / "s", executor="processes", shard_rows=33)
    names = [each.name for each in (tmp_path / "memory").glob("*.csv")]
    assert "indices.csv" in names
    for name in names:
        assert (tmp_path / "memory" / name).read_bytes() == (tmp_path / "shards" / name).read_bytes()
    with pytest.raises(ProvenanceError, match="`design` is"):
        study.sensitivity(points=4, replicates=2, seed=0, quiet=True, sweep=tmp_path / "s", shard_rows=33)
    with pytest.raises(UsageError, match="needs a folder"):
        study.sensitivity(**few, executor="processes")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
def test_a_disk_that_takes_no_more_is_named_and_leaves_whole_shards_only(tmp_path):
    """A limit on the size of a file stands in for a full disk: the same refusal by the system, half-way in a shard."""
    script = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_sweeps
from alliance_dynamics.errors import UsageError
program = test_sweeps.pieces()
test_sweeps.sweep({str(tmp_path / "warm")!r}, runs=4)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))
try:
    test_sweeps.sweep({str(tmp_path / "s")!r}, shard_rows=50)
except UsageError as error:
    sys.exit(f"told: {{error}}")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 1 and "told: " in ended.stderr and "shard-00000.npz" in ended.stderr
    left = {each.name for each in (tmp_path / "s").iterdir()}
    assert left <= {"manifest.json", "sweep.lock"}
    np.testing.assert_array_equal(sweep(tmp_path / "s", shard_rows=50).values(), truth())
