"""The prediction inside a network with a loss: what the target is compared with.

In    a net whose output is a loss
Out   that value alone, as a function of the inputs that it rests on: the target is not asked for
Idea  the first equation that meets the target meets the prediction; a logarithm between the two belongs to the loss
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Symbol

from algebra2net.derive import rests_on
from algebra2net.operators.operator import Operation
from algebra2net.program import SCALAR, Equation, Program, is_step, operands, symbol
from algebra2net.run import Array, load
from algebra2net.targets.numpy import module
from algebra2net.tidy import without_unused
from algebra2net.training.roles import Roles

if TYPE_CHECKING:
    from algebra2net.net import Net

OF_THE_LOSS = ("log_softmax", "log", "log1p")  # between a prediction and a loss


@dataclass(frozen=True)
class Prediction:
    """A value of a net, and what it says: `logits` of classes, `probabilities` or plain `numbers`."""

    value: Symbol
    program: Program
    says: str
    functions: Mapping[str, Any]

    def __call__(self, arrays: Mapping[str, Any]) -> Array:
        """The value as a matrix; of the arrays those are taken that it rests on."""
        with np.errstate(all="ignore"):
            found = self.functions["forward"](*(arrays[name.name] for name in self.program.inputs))
        value = np.asarray(found[self.value.name])
        return value if value.ndim == 2 else value.reshape(1, -1)


def prediction_of(net: Net, roles: Roles, layer: str, target: str | None) -> Prediction:
    """The prediction of `net`, whose input layer and target (None: the input layer itself) these are."""
    value, says = _compared(net, target) if target is not None and target != layer else _rebuilt(net, roles, layer)
    program = without_unused(replace(net.steps, outputs={value.name: value}))
    used = {operand for e in program.equations for operand in operands(e.value)}
    program = replace(program, inputs=tuple(name for name in program.inputs if name in used))
    if is_step(value):  # the code has no line for what nobody named
        name = symbol("prediction")
        program = replace(program, equations=(*program.equations, Equation(name, value)), outputs={name.name: name}, shapes={**program.shapes, name: program.shapes[value]})
        value = name
    return Prediction(value, program, says, load(module(program, None, ["The prediction alone."])))


def _compared(net: Net, target: str) -> tuple[Symbol, str]:
    """What the target meets first, and what it says."""
    made = {e.name: e.value for e in net.steps.equations}
    reached = rests_on(net.steps, [symbol(target)])
    trained = rests_on(net.steps, [symbol(name) for name in net._wrt])
    for equation in net.steps.equations:
        if equation.name in reached:
            for operand in operands(equation.value):
                if operand not in reached and operand in trained and net.steps.shapes[operand] != SCALAR:
                    value, says = _peeled(operand, made)
                    of_logits = any(type(e.value).__name__ == "bce_logits" for e in net.program.equations)
                    return value, "logits" if of_logits else says
    raise ValueError(f"the target {target} meets nothing that training changes; the names that training changes are given by wrt (--wrt W,b)")


def _peeled(value: Symbol, made: Mapping[Symbol, Any]) -> tuple[Symbol, str]:
    """A value without the logarithm that the loss takes of it."""
    says = "numbers"
    for _ in range(4):
        here = made.get(value)
        if not isinstance(here, Operation):
            break
        kind = type(here).__name__
        if kind in ("softmax", "sigmoid"):
            return value, "probabilities"
        if kind in OF_THE_LOSS and is_step(value):
            says = "logits" if kind == "log_softmax" else says
            value = here.args[0]
        elif kind in ("neg", "minus") and is_step(value) and isinstance(here.args[-1], Symbol):
            value = here.args[-1]
        else:
            break
    return value, says


def _rebuilt(net: Net, roles: Roles, layer: str) -> tuple[Symbol, str]:
    """Of an autoencoder: what is compared with the input layer; else the last value that has samples."""
    trained = rests_on(net.steps, [symbol(name) for name in roles.trained])
    shapes = net.steps.shapes
    one = symbol(layer)
    for equation in net.steps.equations:
        inside = list(operands(equation.value))
        if one in inside:
            for operand in inside:
                if operand != one and operand in trained and operand not in {symbol(n) for n in roles.trained} and shapes[operand] == shapes[one]:
                    return operand, "numbers"
    last = [e.name for e in net.steps.equations if e.name in trained and not is_step(e.name) and roles.batch in shapes[e.name]]
    if not last:
        raise ValueError(f"nothing in this program has a row for each sample but {layer}")
    return last[-1], "numbers"
