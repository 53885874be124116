"""Derived gradients beside measured ones.

In    a net, and arrays for it
Out   a report: for each name, how far the derived gradient is from the measured one
Idea  along each entry, what a small step shows is what the gradient promises; central differences, and the error
      signal drawn at random where the output is no scalar
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import sympify

from algebra2net.program import Dimension, symbol
from algebra2net.run import load
from algebra2net.targets.numpy import module

if TYPE_CHECKING:
    from algebra2net.net import Net

STEP = 1e-6
TOLERANCE = 1e-5
ENTRIES = 200  # at the most, of each array
SYMBOLIC = 3  # the size of a dimension that is not known


@dataclass(frozen=True)
class Line:
    """One gradient: its largest error, of the largest entry; where; and the two numbers there."""

    name: str
    error: float
    place: tuple[int, ...]
    derived: float
    measured: float

    @property
    def passed(self) -> bool:
        """Whether the two agree."""
        return self.error <= TOLERANCE


@dataclass(frozen=True)
class Report:
    """A line for each gradient. True when all agree."""

    lines: tuple[Line, ...]

    @property
    def passed(self) -> bool:
        """Whether all gradients agree with the measured ones."""
        return all(line.passed for line in self.lines)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        rows = []
        for line in self.lines:
            verdict = "agrees" if line.passed else f"DIFFERS at {list(line.place)}: derived {line.derived:.6g}, measured {line.measured:.6g}"
            rows.append(f"∂L/∂{line.name:<8} {verdict}, error {line.error:.1e}")
        return "\n".join(rows)


def compare(net: Net, arrays: Mapping[str, Any], seed: int = 0) -> Report:
    """The derived gradients of `net` beside central differences at `arrays` (drawn at random where missing)."""
    rng = np.random.default_rng(seed)
    at = _where_it_is_finite(net, arrays, rng)
    value = np.asarray(net(**at))
    weight = np.ones(()) if value.ndim == 0 else rng.standard_normal(value.shape)
    signal = {} if value.ndim == 0 else {"delta_" if "delta" in net.inputs else "delta": weight}
    grads = net.grad(**at, **signal)
    return Report(tuple(_line(net, name, grad, at, weight, rng) for name, grad in grads.items()))


def _line(net: Net, name: str, grad: Any, at: Mapping[str, Any], weight: Any, rng: np.random.Generator) -> Line:
    value_of, array = _value_of(net, name, at)
    places = list(np.ndindex(array.shape))
    if len(places) > ENTRIES:
        places = [places[k] for k in rng.choice(len(places), ENTRIES, replace=False)]
    scale = max(1.0, float(np.max(np.abs(grad), initial=0.0)))
    worst = Line(name, 0.0, (), 0.0, 0.0)
    for place in places:
        step = STEP * max(1.0, abs(float(array[place])))
        ends = []
        for sign in (1, -1):
            moved = array.copy()
            moved[place] += sign * step
            ends.append(float(np.sum(weight * value_of(moved))))
        measured, derived = (ends[0] - ends[1]) / (2 * step), float(np.reshape(grad, array.shape)[place])
        error = abs(derived - measured) / scale
        if not error <= worst.error:
            worst = Line(name, error if error == error else float("inf"), place, derived, measured)
    return worst


def _value_of(net: Net, name: str, at: Mapping[str, Any]) -> tuple[Callable[[Any], Any], Any]:
    """The output as a function of one array, the others as they are, and that array: an input, or a value inside that is set in place of being computed."""
    if name in net.inputs:
        return lambda array: np.asarray(net(**{**at, name: array})), np.asarray(at[name], dtype=np.float64)
    inside = symbol(name)
    program = net.steps.with_equations((e for e in net.steps.equations if e.name != inside), inputs=(inside, *net.steps.inputs))
    forward = load(module(program, None, [f"{net.output} as a function of {name}."]))["forward"]
    given = [np.asarray(at[key.name], dtype=np.float64).reshape(_sizes(net, key.name, at)) for key in net.steps.inputs]
    start = np.atleast_2d(np.asarray(net.forward(**at)[name], dtype=np.float64))
    return lambda array: np.asarray(forward(array, *given)[net.output]), start


def _sizes(net: Net, name: str, at: Mapping[str, Any]) -> tuple[int, int]:
    """Rows and columns of an array as a matrix."""
    shape = np.shape(at[name])
    return shape if len(shape) == 2 else (shape[0], 1) if len(shape) == 1 and net.shapes[name][1] == 1 else (1, int(np.prod(shape)))


def _where_it_is_finite(net: Net, arrays: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Random arrays of both signs; of positive data, then of positive entries alone, where a logarithm or a root wants them."""
    for positive in (frozenset(), frozenset(net.inputs) - frozenset(net.parameters), frozenset(net.inputs)):
        at = draw(net, arrays, rng, positive)
        with np.errstate(all="ignore"):
            if np.isfinite(np.asarray(net(**at), dtype=float)).all():
                return at
    return at


def _size(size: Dimension, sizes: dict[str, int]) -> int:
    """A dimension as a number; one made of others (`n1+n2` columns side by side) from theirs."""
    if isinstance(size, int) or size.isidentifier():
        return size if isinstance(size, int) else sizes.setdefault(size, SYMBOLIC)
    return int(sympify(re.sub(r"[^\W\d]\w*", lambda match: str(sizes.setdefault(match[0], SYMBOLIC)), size)))


def draw(net: Net, arrays: Mapping[str, Any], rng: np.random.Generator, positive: Container[str] = ()) -> dict[str, Any]:
    """The arrays that are given, as float64, and random ones for the other inputs: of both signs, but for the `positive`."""
    from algebra2net import names

    given = {names.key(name): np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    sizes: dict[str, int] = {}
    for name, array in given.items():
        if name in net.shapes and array.ndim == 2:
            sizes |= {size: have for size, have in zip(net.shapes[name], array.shape, strict=True) if isinstance(size, str)}
    drawn = {}
    for name in net.inputs:
        shape = tuple(_size(size, sizes) for size in net.shapes[name])
        signs = 1.0 if name in positive else rng.choice([-1.0, 1.0], shape)
        drawn[name] = given[name] if name in given else rng.uniform(0.2, 1.0, shape) * signs
    return drawn
