"""Which feedback loops drive a behaviour."""

from alliance_dynamics.loops.named import NamedLoop, read_named_loops
from alliance_dynamics.loops.study import LoopStudy, study_loops

__all__ = ["LoopStudy", "NamedLoop", "read_named_loops", "study_loops"]
