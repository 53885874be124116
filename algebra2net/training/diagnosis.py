"""Where a number first stopped being one.

In    a net and the arrays of the step whose loss or gradient is nan or infinite
Out   an error that shows the place in the algebra, and carries what had been learned until then
Idea  every operator of the program on a line of its own, run in order: the first whose value is not finite while its operands are
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Expr, Symbol

from algebra2net.errors import AlgebraError, Span
from algebra2net.program import Equation, Program, is_step, renamed, symbol

if TYPE_CHECKING:
    from algebra2net.net import Net
    from algebra2net.training.history import History

HINT = "a smaller lr, clip=1.0, or standardised data may help"


class NonFiniteError(AlgebraError):
    """The loss or a gradient is nan or infinite. `history` is the training until then, with the last parameters whose loss was finite."""

    history: History

    def __init__(self, message: str, span: Span | None = None, hint: str | None = None, also: Iterable[tuple[str, Span | None]] = (), history: History | None = None) -> None:
        super().__init__(message, span, hint, also)
        if history is not None:
            self.history = history

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.span, self.hint, self.also, getattr(self, "history", None))


def diagnosed(net: Net, arrays: Mapping[str, Any], when: str, history: History) -> NonFiniteError:
    """The error for a step at these arrays; `when` says which step: `epoch 3, step 17`."""
    found = _first(net, arrays)
    hint = f"{HINT}; the last parameters with a finite loss are in the error's history.params"
    if found is None:
        return NonFiniteError(f"in {when} the loss or a gradient is not finite", None, hint, history=history)
    equation, text, value, backward = found
    bad = value[~np.isfinite(value)]
    row, column = np.argwhere(~np.isfinite(value))[0]
    where = f" in row {row}, column {column} (from 0)" if value.size > 1 else ""
    what = f"the gradient's equation {text}" if backward else text
    return NonFiniteError(f"in {when}, {bad[0]} first appears in {what}{where}", equation.span, hint, history=history)


def singular(net: Net, when: str, history: History) -> NonFiniteError:
    """The error for a step at which NumPy finds that a matrix has no inverse."""
    inverted = [e for e in net.steps.equations if type(e.value).__name__ in ("inv", "solve", "logdet", "det")]
    what = _text(inverted[0], net.steps) if len(inverted) == 1 else "what the program inverts"
    hint = "begin with parameters that give an inverse: params={…}, or add a little to its diagonal: inv(A + 0.001 * I)"
    return NonFiniteError(f"in {when}, there is no inverse: {what} is of a singular matrix", inverted[0].span if inverted else None, hint, history=history)


def _first(net: Net, arrays: Mapping[str, Any]) -> tuple[Equation, str, Any, bool] | None:
    """The equation where it starts, its text, its value, and whether it is one of the backward pass."""
    net, bound = net._bound(arrays)
    inputs = {symbol(name): matrix for name, matrix in bound.matrices.items()}
    for name, matrix in inputs.items():
        if not np.isfinite(matrix).all():
            return Equation(name, name), f"{name.name}, which the last step made so", matrix, False
    for program, backward in ((net.steps, False), (net._backprop_opened, True)):
        for equation, value in _each(net, program, inputs, backward):
            if not np.isfinite(value).all():
                return equation, _text(equation, program), value, backward
    return None


def _each(net: Net, program: Program, inputs: Mapping[Symbol, Any], backward: bool) -> Iterable[tuple[Equation, Any]]:
    """Every equation with its value, in order; steps that nobody named too."""
    from algebra2net.faces.numbers import traced
    from algebra2net.run import load
    from algebra2net.targets.numpy import code

    shown = _all_named(program)
    numbers = traced(code(shown, net.steps if backward else None), load(net.source), inputs)
    for equation, open_ in zip(program.equations, shown.equations, strict=True):
        if open_.name in numbers:
            yield equation, numbers[open_.name]


def _all_named(program: Program) -> Program:
    """The program with a name for every step, so that each gets a line of code."""
    given: dict[Expr, Expr] = {e.name: symbol(f"step{e.name.name}") for e in program.equations if is_step(e.name)}
    equations = [renamed(e, given) for e in program.equations]
    shapes = {given.get(name, name): shape for name, shape in program.shapes.items()}
    outputs = {label: given.get(name, name) for label, name in program.outputs.items()}
    return replace(program, equations=tuple(equations), shapes=shapes, outputs=outputs)


def _text(equation: Equation, program: Program) -> str:
    """The equation as the sheet writes it; of a step its value alone."""
    from algebra2net.spell import PLAIN, folds, writer

    write = writer(PLAIN, folds(program, hidden=False), program)
    return write(equation.value) if is_step(equation.name) else f"{write(equation.name)} = {write(equation.value)}"
