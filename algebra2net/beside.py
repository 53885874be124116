"""Operators where more is known of their operands: Program → Program.

In    a derived Program, macros opened
Out   the same, `tanh'(z)` as an operator on z and on the value of `tanh(z)` where an equation before it has that, and
      `contrast(p, d)` as one that rests on p being probabilities where it is a softmax
Idea  1 - t² costs a third of 1/cosh(z)²; that it loses digits where t is nearly 1, the operator's code sees to

For code alone: nothing prints such a program, or derives from it. Optimised code reads into functions, and computes once what
two of them have in common, as gelu has with its slope: then the slope is better off without gelu's value.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sympy import Expr, Integer, Symbol

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import BESIDE, Operation, beside, operation
from algebra2net.operators.prelude import functions_of, reached
from algebra2net.program import Program

FUNCTIONS = {OPERATORS[slope].slope_of: slope for slope in OPERATORS if OPERATORS[slope].slope_of and beside(slope) in BESIDE}
SLOPES = {slope: function for function, slope in FUNCTIONS.items()}


def with_values(program: Program, optimized: bool = False) -> Program:
    """The program whose slopes take the values of their functions beside the operands, and so on; the same one where nothing more is known."""
    values: dict[Expr, Symbol] = {}
    made = {equation.name: equation.value for equation in program.equations}
    changed = {}
    for equation in program.equations:
        value, name = equation.value, type(equation.value).__name__
        if name in FUNCTIONS:
            values.setdefault(value, equation.name)
        elif name in SLOPES and not (optimized and _have_in_common(SLOPES[name], name)):
            at_hand = values.get(operation(SLOPES[name])(*value.args))
            if at_hand is not None:
                changed[equation.name] = _beside(name, *value.args, at_hand)
        elif name == "contrast" and _are_probabilities(made.get(value.args[0]), value.args[2]):
            changed[equation.name] = _beside(name, *value.args)
    return program.with_equations(replace(e, value=changed.get(e.name, e.value)) for e in program.equations) if changed else program


def _are_probabilities(value: Expr | None, axis: Expr) -> bool:
    """Whether a value is never negative, and its sum along that axis is 1."""
    return (isinstance(value, operation("softmax")) and axis == Integer(1)) or (isinstance(value, operation("shares")) and value.args[1] == axis)


@cache
def _have_in_common(*names: str) -> bool:
    """Whether operators call the same function on their way."""
    called = [set(reached(OPERATORS[name].numpy.replace("$", ""), functions_of(OPERATORS[name].prelude))) for name in names]
    return bool(set.intersection(*called))


def _beside(name: str, *args: Expr) -> Operation:
    return operation(beside(name))(*args)
