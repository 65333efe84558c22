"""Which inputs the outcomes hinge on: designs, indices, intervals; robust policies and the conditions of failure."""

from alliance_dynamics.sensitivity.convergence import Convergence, converged
from alliance_dynamics.sensitivity.design import SobolDesign, sobol_design
from alliance_dynamics.sensitivity.discovery import FailureBox, failure_box
from alliance_dynamics.sensitivity.factors import Column, Factor
from alliance_dynamics.sensitivity.indices import SobolIndices
from alliance_dynamics.sensitivity.robustness import Robustness, TippingPoint, robustness, tipping_point
from alliance_dynamics.sensitivity.screening import (
    ElementaryEffects,
    MorrisDesign,
    elementary_effects,
    main_effect,
    morris_design,
    rank_first_order,
)
from alliance_dynamics.sensitivity.shapley import Copula, copula_of, gaussian_inputs, shapley_effects
from alliance_dynamics.sensitivity.sobol import accumulate, combine, sobol_indices

__all__ = [
    "Column",
    "Convergence",
    "Copula",
    "ElementaryEffects",
    "Factor",
    "FailureBox",
    "MorrisDesign",
    "Robustness",
    "SobolDesign",
    "SobolIndices",
    "TippingPoint",
    "accumulate",
    "combine",
    "converged",
    "copula_of",
    "elementary_effects",
    "failure_box",
    "gaussian_inputs",
    "main_effect",
    "morris_design",
    "rank_first_order",
    "robustness",
    "shapley_effects",
    "sobol_design",
    "sobol_indices",
    "tipping_point",
]
