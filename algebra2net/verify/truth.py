"""What is true of a network: every value and the signal at it, at random points.

In    a net
Out   its forward and derived equations for sizes that are different primes, and points where all of them have numbers
Idea  sizes that share no factor let no wrong shape pass, and tell a missing 1/n from a missing 1/m; points near and
      far, so that activations are met in all their parts

The derivation is that of the net, but by every name and before anything is rewritten for stability, so that the signal
at each value that a claim may speak of is there. It is kept under the name of the value behind a ∂.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from sympy import Symbol

from algebra2net.derive import GRADIENT, derive, rests_on
from algebra2net.errors import DerivativeError
from algebra2net.operators.operator import Operation
from algebra2net.program import Program, Shape, record, symbol
from algebra2net.shapes import Known, with_shapes
from algebra2net.verify.evaluate import EXTENDED, Array, Values
from algebra2net.verify.terms import Term, as_terms

if TYPE_CHECKING:
    from algebra2net.net import Net

PRIMES = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)  # 2 and 3 are left to the constants of formulas
SCALES = (1.0, 1.0, 0.5, 4.0, 1.0, 1.0)  # of the data, a point each
ROUGH = 1e-9  # of the largest entry: what float64 may lose on the way
_SMALL = (2, 3)
_SIMPLE = (0.5, 1.0, 1.5, 2.0)  # what the arrays of a counterexample are made of
_LABELS = {"cross_entropy": (1, "rows"), "nll": (1, "rows"), "kl": (0, "rows"), "bce": (1, "entries"), "bce_logits": (1, "entries")}  # which operand, of what kind


@dataclass(frozen=True)
class Point:
    """One point: the values of terms, and how far data is spread."""

    values: Values
    scale: float


class Truth:
    """A network's values and signals; `sizes` are those of its symbolic dimensions."""

    def __init__(self, net: Net, seed: int = 0, small: bool = False) -> None:
        self.net = net
        self.forward = with_shapes(net._opened, net._known)
        self.sizes = _sizes(self.forward, small)
        self._shapes = with_shapes(net._opened, [*net._known, *self._facts()]).shapes
        self.derived = _derived(self.forward, net)
        self.seed = next((name for name in self.derived.inputs if name not in self.forward.inputs), None)
        self.functions = dict(net.program.functions)  # claims may add to them
        self._empty = Values({}, self.sizes, self.functions)
        self._rng = np.random.default_rng(seed)
        self._small = small

    def _facts(self) -> Iterator[Known]:
        shapes = self.forward.shapes
        for name in self.forward.inputs:
            if all(isinstance(size, int) or size in self.sizes for size in shapes[name]):
                yield Known(name.name, tuple(self.sizes[size] if isinstance(size, str) else size for size in shapes[name]), "here")

    @property
    def output(self) -> Symbol:
        """The name of the last equation."""
        return next(iter(self.forward.outputs.values()))

    def has_signal(self, name: str) -> bool:
        """Whether the signal at a value is known."""
        return f"{GRADIENT}{name}" in self._signals

    @cached_property
    def _signals(self) -> frozenset[str]:
        return frozenset(name.name for name in self.derived.outputs.values() if name.name.startswith(GRADIENT))

    @cached_property
    def inside(self) -> dict[str, tuple[str, str]]:
        """Of each layer f(z): the name of f, and that of z."""
        found = {}
        for equation in self.forward.equations:
            value = equation.value
            if isinstance(value, Operation) and isinstance(value.args[0], Symbol):
                here = record(value)
                if here.family not in ("arithmetic", "reductions", "matrices", "losses") and (here.elementwise or here.family == "rows"):
                    found[equation.name.name] = here.name, value.args[0].name
        return found

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labels of a cross-entropy: `rows` or `columns` where one adds up to 1, `entries` where each is a probability."""
        found: dict[str, str] = {}
        data = {name.name for name in self.forward.inputs} - set(self.net.parameters)
        for equation in self.net.program.equations:
            place, kind = _LABELS.get(type(equation.value).__name__, (0, ""))
            if kind and getattr(equation.value.args[place], "name", "") in data:
                found[equation.value.args[place].name] = kind
        made = {e.name: e.value for e in self.forward.equations}
        for value in made.values():
            if type(value).__name__ in ("times", "scale"):
                for label, other in (value.args, value.args[::-1]):
                    logarithm = made.get(other, label)
                    if isinstance(label, Symbol) and label.name in data and type(logarithm).__name__ in ("log", "log_softmax"):
                        turned = type(made.get(logarithm.args[0])).__name__ == "transpose"  # softmax(z')', of columns
                        found.setdefault(label.name, "columns" if turned else "rows")
        for value in made.values():
            if type(value).__name__ == "minus" and value.args[0] == 1 and isinstance(value.args[1], Symbol) and value.args[1].name in found:
                found[value.args[1].name] = "entries"
        return found

    @cached_property
    def _equations(self) -> list[tuple[str, Term]]:
        return as_terms(self.derived)

    @cached_property
    def points(self) -> list[Point]:
        """Points where everything is finite; labels add up to 1 in each row."""
        return [point for scale in SCALES if (point := self.point(scale)) is not None]

    @cached_property
    def loose_points(self) -> list[Point]:
        """Points where labels are any positive numbers."""
        return [point for scale in SCALES[:2] if (point := self.point(scale, free_labels=True)) is not None]

    def point(self, scale: float = 1.0, free_labels: bool = False) -> Point | None:
        """A point; of data, then of everything positive alone, where a logarithm or a root wants that. None where nothing helps."""
        inputs = {name.name for name in self.forward.inputs}
        for positive in (set(), inputs - set(self.net.parameters), inputs):
            values = self._empty.derived(
                {name.name: self._drawn(name.name, self._shapes[name if name in self._shapes else self.output], scale, positive, free_labels) for name in self.derived.inputs}
            )
            values.run(self._equations)
            if all(np.isfinite(values.names[name.name]).all() for name in self.derived.outputs.values()):
                return Point(values, scale) if scale <= 1 or self._keeps_digits(values) else None
        return None

    def _keeps_digits(self, values: Values) -> bool:
        """Whether float64 finds the same: where an activation is flat, a point says nothing."""
        rough = Values({name.name: values.names[name.name].astype(np.float64) for name in self.derived.inputs}, self.sizes, self.functions, values, np.float64)
        rough.run(self._equations)
        pairs = [(rough.names[name.name], values.names[name.name]) for name in self.derived.outputs.values()]
        return all(np.max(np.abs(a - b), initial=0) <= ROUGH * np.max(np.abs(b), initial=0) for a, b in pairs)

    def _drawn(self, name: str, shape: Shape, scale: float, positive: set[str], free_labels: bool) -> Array:
        size = tuple(int(s) for s in shape)
        kind = self.labels.get(name, "")
        found = self._rng.choice(_SIMPLE, size) if self._small else self._rng.uniform(0.2, 1.0, size)
        if kind and not free_labels:
            axis = ("columns", "rows").index(kind) if kind != "entries" else 0
            several = kind != "entries" and size[axis] > 1
            found = found / found.sum(axis=axis, keepdims=True) if several else self._rng.choice([0.25, 0.75], size) if self._small else 0.9 * found
        elif name not in positive and not kind:
            found = found * self._rng.choice([-1.0, 1.0], size) * (scale if name not in self.net.parameters else 1.0)
        return found.astype(EXTENDED)


def _sizes(program: Program, small: bool) -> dict[str, int]:
    """A number for every dimension that has none: primes, or the smallest."""
    shapes = program.shapes
    taken = {size for shape in shapes.values() for size in shape if isinstance(size, int)}
    free: Iterator[int] = itertools.cycle(_SMALL) if small else (p for p in itertools.chain(PRIMES, itertools.count(PRIMES[-1] + 2, 2)) if p not in taken)
    labels = dict.fromkeys(size for name in program.inputs for size in shapes[name] if isinstance(size, str) and size.isidentifier())
    return dict(zip(labels, free, strict=False))


def _derived(forward: Program, net: Net) -> Program:
    """The signals at every name; where an operator has no rule, at those that the gradients asked for rest on."""
    everything = (*forward.inputs, *(e.name for e in forward.equations))
    try:
        return derive(forward, [name.name for name in everything])
    except DerivativeError:
        needed = rests_on(forward, [symbol(name) for name in net._wrt])
        return derive(forward, [name.name for name in everything if name in needed])
