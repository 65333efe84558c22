"""Sweeps: many runs as a folder of shards that survives interruption, on threads, processes or a cluster."""

from alliance_dynamics.sweeps.executors import Workers
from alliance_dynamics.sweeps.folder import SweepFolder
from alliance_dynamics.sweeps.sweep import Sweep, run_sweep
from alliance_dynamics.sweeps.task import SweepTask, sweep_task

__all__ = ["Sweep", "SweepFolder", "SweepTask", "Workers", "run_sweep", "sweep_task"]
