"""The table of operators: importing it enters them all."""

from algebra2net.operators import activations, arithmetic, elementwise, losses, matrices, noise, normal, reductions, remainders, rows, stable
from algebra2net.operators.operator import OPERATORS, enter_slopes, known, spellings

enter_slopes()

__all__ = ["OPERATORS", "activations", "arithmetic", "elementwise", "known", "losses", "matrices", "noise", "normal", "reductions", "remainders", "rows", "spellings", "stable"]
