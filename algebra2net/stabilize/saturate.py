"""Exponentials below functions that saturate: where their slope is 0 and exp(x) is inf, the product is 0, not nan.

In    a Program
Out   the same values, each exp that flows into a function that can be flat being one whose slope is 0 where the signal is
Idea  one walk backwards: what a value flows into is known before the value is reached

exp(-exp(x)) at x = 1000 is 0 and so is its gradient; computed plainly that is 0 times inf.
"""

from __future__ import annotations

from sympy import Symbol

from algebra2net.operators.operator import Operation, operation
from algebra2net.program import Equation, Program, operands, record

REASON = "an exponential below a function that is flat there: 0 times inf is 0"
_PASSING = frozenset(("plus", "minus", "neg", "scale", "times", "divide", "sum", "mean", "expand", "transpose", "concat", "stack", "where"))
_NEVER_FLAT = frozenset(("log", "log1p", "log2", "log10", "sqrt", "power", "cbrt", "norm", "abs", "matmul", "eq", "ne", "lt", "le", "gt", "ge"))


def saturated(program: Program) -> Program:
    """The program with such exponentials."""
    flat: set[Symbol] = set()  # values that flow into a function that can be flat
    changed: dict[Symbol, Equation] = {}
    for equation in reversed(program.equations):
        value = equation.value
        if not isinstance(value, Operation):
            if equation.name in flat and isinstance(value, Symbol):
                flat.add(value)
            continue
        here = record(value)
        if here.name == "exp" and equation.name in flat:
            changed[equation.name] = equation._replace(value=operation("exp_if_felt")(*value.args), rule=REASON)
        if here.name in _PASSING:
            flat.update(operands(value) if equation.name in flat else ())
        elif (here.elementwise or here.family in ("rows", "reductions")) and here.name not in _NEVER_FLAT:
            flat.update(operands(value))
    return program.with_equations(changed.get(e.name, e) for e in program.equations) if changed else program
