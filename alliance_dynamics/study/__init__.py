"""The main job and the single commands that do a part of it: calibrate, compare, sensitivity, explore."""

from alliance_dynamics.study.analysing import sensitivity
from alliance_dynamics.study.calibrating import calibrate
from alliance_dynamics.study.comparing import compare
from alliance_dynamics.study.exploring import explore
from alliance_dynamics.study.inputs import find_problem
from alliance_dynamics.study.story import study

__all__ = ["calibrate", "compare", "explore", "find_problem", "sensitivity", "study"]
