"""Which inputs the outcomes hinge on: designs, indices, intervals."""

from alliance_dynamics.sensitivity.convergence import Convergence, converged
from alliance_dynamics.sensitivity.design import SobolDesign, sobol_design
from alliance_dynamics.sensitivity.factors import Column, Factor
from alliance_dynamics.sensitivity.indices import SobolIndices
from alliance_dynamics.sensitivity.sobol import accumulate, combine, sobol_indices

__all__ = [
    "Column",
    "Convergence",
    "Factor",
    "SobolDesign",
    "SobolIndices",
    "accumulate",
    "combine",
    "converged",
    "sobol_design",
    "sobol_indices",
]
