"""Slopes that take the function's value, where it is at hand: Program → Program.

In    a derived Program, macros opened
Out   the same, `tanh'(z)` as an operator on z and on the value of `tanh(z)` where an equation before it has that
Idea  1 - t² costs a third of 1/cosh(z)²; that it loses digits where t is nearly 1, the operator's code sees to

For code alone: nothing prints such a program, or derives from it.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Symbol

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import BESIDE, Operation, beside, operation
from algebra2net.program import Equation, Program, with_value

FUNCTIONS = {OPERATORS[slope].slope_of: slope for slope in OPERATORS if beside(slope) in BESIDE}
SLOPES = {slope: function for function, slope in FUNCTIONS.items()}


def with_values(program: Program) -> Program:
    """The program whose slopes take the values of their functions beside the operands; the same one where none can."""
    values: dict[Expr, Symbol] = {}
    found: list[Equation] = []
    changed = False
    for equation in program.equations:
        name = type(equation.value).__name__
        if name in FUNCTIONS:
            values.setdefault(equation.value, equation.name)
        elif name in SLOPES:
            value = values.get(operation(SLOPES[name])(*equation.value.args))
            if value is not None:
                equation, changed = with_value(equation, _beside(name, equation.value, value)), True
        found.append(equation)
    return replace(program, equations=tuple(found)) if changed else program


def _beside(slope: str, value: Expr, at_hand: Symbol) -> Operation:
    return BESIDE[beside(slope)](*value.args, at_hand)
