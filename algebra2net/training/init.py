"""Parameters to begin with: as large as the activation that follows needs them.

In    a net, a seed, and the sizes that its shapes leave open
Out   name → array: weights at random, biases zero, gains one
Idea  walk from each parameter to where it meets data: what it does there says what it is, what comes next how large

    relu leaky_relu relu6 elu silu mish gelu maximum   N(0, 2 / (1 + a²) fan_in), a the slope below 0   He et al. 2015, eq. 10 and 15
    selu                                               N(0, 1 / fan_in)                       LeCun et al. 1998, eq. 16; Klambauer et al. 2017
    tanh, sigmoid, softmax, no activation, others      U(-r, r), r = √(6 / (fan_in + fan_out))          Glorot and Bengio 2010, eq. 16

A parameter that is added to data is a bias (0), one that multiplies a value entry by entry is a gain (1), one that is
inverted or whose determinant is taken begins as the identity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Expr, Symbol

from algebra2net import names
from algebra2net.errors import ShapeError, nearest
from algebra2net.operators.operator import Operation
from algebra2net.program import SCALAR, Equation, operands, symbol
from algebra2net.run import Array, Values
from algebra2net.training.roles import dimensions, roles_of, settled

if TYPE_CHECKING:
    from algebra2net.net import Net

HE = frozenset("relu leaky_relu relu6 elu silu mish gelu gelu_tanh maximum".split())
LECUN = frozenset({"selu"})
IDENTITY = frozenset("inv solve det logdet".split())
ONES = frozenset("log log2 log10 log_ratio sqrt reciprocal".split())  # of a parameter itself: 0 is outside, or at the edge
PASSING = frozenset("plus minus neg scale times divide transpose concat stack dropout".split())  # on the way to the activation


@dataclass(frozen=True)
class Start:
    """How one parameter begins: `he`, `glorot`, `lecun`, `zeros`, `ones` or `identity`; of a weight, which axis it is entered by."""

    kind: str
    into: int = 0  # the axis whose length is fan_in
    slope: float = 0.0  # of the activation below 0

    def draw(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """An array of this kind."""
        fan_in, fan_out = shape[self.into], shape[1 - self.into]
        match self.kind:
            case "he":
                return rng.normal(0.0, np.sqrt(2 / ((1 + self.slope**2) * max(1, fan_in))), shape)
            case "lecun":
                return rng.normal(0.0, np.sqrt(1 / max(1, fan_in)), shape)
            case "glorot":
                bound = np.sqrt(6 / max(1, fan_in + fan_out))
                return rng.uniform(-bound, bound, shape)
            case "identity":
                return np.eye(*shape)
        return np.full(shape, 1.0 if self.kind == "ones" else 0.0)


def initial(net: Net, seed: int = 0, dtype: Any = float, sizes: Mapping[str, Any] | None = None) -> dict[str, Array]:
    """Parameters for `net`: name → array of the parameter's shape.

    `sizes` settles what shapes leave open, by dimension (`{"n1": 64}`) or by value (`{"l1": 100}`, its width, or a pair).
    Raises ShapeError naming the shape that is missing. Sources: He et al. 2015, Glorot and Bengio 2010, LeCun et al. 1998.
    """
    known = known_sizes(net, sizes or {})
    rng = np.random.default_rng(seed)
    starts = starts_of(net)
    found = {}
    for name, start in starts.items():
        rows, columns = (settled(size, known) for size in net.shapes[name])
        if rows is None or columns is None:
            raise _open(net, name, known)
        found[name] = start.draw((rows, columns), rng).astype(dtype)
    return Values(found)


def known_sizes(net: Net, given: Mapping[str, Any]) -> dict[str, int]:
    """Symbolic dimensions as numbers, from sizes by dimension or by value.

    Raises ShapeError for what the net does not have.
    """
    every = {size for shape in net.shapes.values() for size in dimensions(shape)}
    found: dict[str, int] = {}
    for spelled, size in given.items():
        if spelled in every:
            found[spelled] = int(size)
            continue
        name = spelled if spelled in net.shapes else names.key(spelled)
        if name not in net.shapes:
            hint = nearest(spelled, [*net.shapes, *every])
            raise ShapeError(f"sizes: there is no {spelled} in the program", None, hint or f"what is open: {', '.join(sorted(every)) or 'nothing'}")
        pair = tuple(size) if isinstance(size, Sequence) and not isinstance(size, str) else (None, size)
        for dimension, number in zip(net.shapes[name], pair, strict=True):
            if isinstance(dimension, str) and number is not None:
                found[dimension] = int(number)
            elif isinstance(dimension, int) and number is not None and number != dimension:
                raise ShapeError(f"sizes: {spelled} cannot be {size}, its shape is {'×'.join(map(str, net.shapes[name]))}")
    return found


def _open(net: Net, name: str, known: Mapping[str, int]) -> ShapeError:
    """What to say where a parameter's shape is not known."""
    rows, columns = net.shapes[name]
    missing = next(size for size in dimensions((rows, columns)) if size not in known)
    layer = next((value for value, shape in net.shapes.items() if shape[1] == missing and value not in net._wrt), None)
    which = f"the width of {layer}" if layer else f"the size {missing} of {name}"
    type_this = f"compile(…, shapes={{{layer!r}: 100}})" if layer else f"compile(…, shapes={{{name!r}: ({', '.join(str(settled(s, known) or 100) for s in (rows, columns))})}})"
    return ShapeError(f"{which} is not known: {name} is {rows}×{columns}", None, f"give it: {type_this}, or sizes={{{layer or missing!r}: 100}}")


# ----------------------------------------------------------------------------------------------------------- what each is


def starts_of(net: Net) -> dict[str, Start]:
    """How each parameter of `net` begins, by what the program does with it."""
    walk = _Walk(net)
    return {name: walk.start(symbol(name)) for name in roles_of(net).trained}


class _Walk:
    """The uses of every value, and which values differ from sample to sample."""

    def __init__(self, net: Net) -> None:
        self.shapes = net.steps.shapes
        self.uses: dict[Symbol, list[Equation]] = defaultdict(list)
        roles = roles_of(net)
        self.varying = {symbol(name) for name in roles.axes or roles.data}
        self.trained = {symbol(name) for name in roles.trained}
        for equation in net.steps.equations:
            inside = set(operands(equation.value))
            for operand in inside:
                self.uses[operand].append(equation)
            if inside & self.varying:
                self.varying.add(equation.name)
            elif inside & self.trained:
                self.trained.add(equation.name)

    def start(self, parameter: Symbol) -> Start:
        """Follow a parameter, and what is made of it alone, to where it meets something else."""
        after = [(parameter, 0)]
        fallback: Start | None = None
        while after:
            value, turned = after.pop(0)
            for equation in self.uses[value]:
                here = type(equation.value).__name__ if isinstance(equation.value, Operation) else ""
                if here in ("matmul", "dot"):
                    return self.weight(equation, value, parameter, turned)
                if here in IDENTITY and self.shapes[parameter][0] == self.shapes[parameter][1]:
                    return Start("identity")
                if equation.name in self.varying:
                    found = self.entrywise(here, equation.value, value)
                    if found is not None:
                        return found
                elif here in ONES or (here == "divide" and equation.value.args[1] == value):
                    fallback = fallback or Start("ones")
                if equation.name not in self.varying and (self.shapes[equation.name] != SCALAR or self.shapes[parameter] == SCALAR):  # a penalty says nothing
                    after.append((equation.name, 1 - turned if here == "transpose" else turned))
        return fallback or Start("zeros" if names.parts(parameter.name).base.startswith("b") or 1 in self.shapes[parameter] else "glorot")

    def entrywise(self, here: str, value: Expr, operand: Symbol) -> Start | None:
        """What a parameter is that meets data entry by entry."""
        if here in ("plus", "minus", "concat", "stack", "where"):
            return Start("zeros")
        if here in ("times", "divide", "scale", "power", "pow", "leaky_relu", "outer", "kron") or here in ONES:
            return Start("ones")
        return None

    def weight(self, equation: Equation, value: Symbol, parameter: Symbol, turned: int) -> Start:
        """A matrix that data are multiplied by. Which axis is summed over is fan_in; where it stands says which."""
        left, right = equation.value.args
        other = left if right == value else right
        if other not in self.varying and other not in self.trained and names.parts(parameter.name).base == "b":
            return Start("zeros")  # a column of ones times a row b
        into = (0 if right == value else 1) ^ turned
        for here, found in self.following(equation.name):
            if here in HE:
                slope = found.args[1] if here == "leaky_relu" else 0
                return Start("he", into, float(slope) if getattr(slope, "is_number", False) else 0.0)
            if here in LECUN:
                return Start("lecun", into)
            if here not in PASSING:
                break
        return Start("glorot", into)

    def following(self, value: Symbol) -> Iterator[tuple[str, Expr]]:
        """The operators after a value, as far as the signal only passes: + b, scaled, transposed."""
        after, seen = [value], {value}
        while after:
            for equation in self.uses[after.pop(0)]:
                here = type(equation.value).__name__ if isinstance(equation.value, Operation) else "plus"
                if here in PASSING:
                    if equation.name not in seen:
                        seen.add(equation.name)
                        after.append(equation.name)
                else:
                    yield here, equation.value


def described(start: Start) -> str:
    """One word for a report."""
    return {"he": "He", "glorot": "Glorot", "lecun": "LeCun", "zeros": "zero", "ones": "one", "identity": "identity"}[start.kind]
