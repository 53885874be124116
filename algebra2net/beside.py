"""Operators where more is known of their operands: Program → Program.

In    a derived Program, macros opened
Out   the same, `tanh'(z)` as an operator on z and on the value of `tanh(z)` where an equation before it has that (`relu'(z)`
      on that value alone), `sigmoid'(z)` as one that gives the value of `sigmoid(z)` along with it, `contrast(p, d)` as one
      that rests on p being probabilities where it is a softmax, and `x' d` of a batch of one as every entry of a column times
      every one of a row
Idea  1 - t² costs a third of 1/cosh(z)²; that it loses digits where t is nearly 1, the operator's code sees to; and σ(z) σ(-z)
      is two products where exp(-z) is there

For code alone: nothing prints such a program, or derives from it. Optimised code has its own ways with products; it reads into
functions, too, and computes once what two of them have in common, as gelu has with its slope: then the slope is better off
without gelu's value.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sympy import Expr, Symbol

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import BESIDE, Operation, beside, operation, together
from algebra2net.operators.prelude import functions_of, reached
from algebra2net.program import Program, Shape, record, with_value

COMPANIONS = {name: here.companion for name, here in OPERATORS.items() if here.companion and (here.beside or here.together)}
FUNCTIONS = frozenset(COMPANIONS.values())


def with_values(program: Program, optimized: bool = False) -> Program:
    """The program whose slopes take the values of their functions beside the operands, and so on; the same one where nothing more is known."""
    values: dict[tuple[str, tuple[Expr, ...]], Symbol] = {}  # a function and its operands → who has its value
    made = {equation.name: equation.value for equation in program.equations}
    changed = {}
    for equation in program.equations:
        value, name = equation.value, type(equation.value).__name__
        if name in FUNCTIONS:
            values.setdefault((name, value.args), equation.name)
        elif name in COMPANIONS and not (optimized and _have_in_common(COMPANIONS[name], name)):
            at_hand = values.get((COMPANIONS[name], value.args))
            if at_hand is not None:
                changed[equation.name] = _with_companion(value, at_hand, optimized)
        elif _weighs_probabilities(value, made) or (not optimized and _is_column_by_row(value, made, program.shapes)):
            changed[equation.name] = operation(beside(name))(*value.args)
    return program.with_equations(with_value(e, changed[e.name]) if e.name in changed else e for e in program.equations) if changed else program


def _with_companion(value: Expr, at_hand: Symbol, optimized: bool) -> Expr:
    """The value as it is where that of its companion is at hand."""
    here = OPERATORS[type(value).__name__]
    if here.together and not optimized:
        return operation(together(here.name))(*value.args)
    if not here.beside:
        return value
    given = dict(zip(here.operands, value.args, strict=True)) | {"out": at_hand}
    return operation(beside(here.name))(*(given[operand] for operand in BESIDE[beside(here.name)].operands))


def _weighs_probabilities(value: Expr, made: Mapping[Symbol, Expr]) -> bool:
    """Whether what is weighed is so by what is never negative and has the sum 1 along its axis."""
    here = OPERATORS.get(type(value).__name__)
    if here is None or not here.weights:
        return False
    whole = made.get(value.args[here.operands.index(here.weights)])
    return isinstance(whole, Operation) and record(whole).axis_of_probabilities(whole) == here.settings(value)["axis"]


def _is_column_by_row(value: Expr, made: Mapping[Symbol, Expr], shapes: Mapping[Symbol, Shape]) -> bool:
    """Whether a product is x' d of a row x."""
    turned = made.get(value.args[0]) if isinstance(value, operation("matmul")) else None
    return isinstance(turned, operation("transpose")) and isinstance(turned.args[0], Symbol) and shapes[turned.args[0]][0] == 1


@cache
def _have_in_common(*names: str) -> bool:
    """Whether operators call the same function on their way."""
    called = [set(reached(OPERATORS[name].numpy.replace("$", ""), functions_of(OPERATORS[name].prelude))) for name in names]
    return bool(set.intersection(*called))
