"""What the tests draw for an operator: operands of every shape that its rule allows; and slopes by measuring.

In    the record of an operator
Out   shapes and arrays, in its domain
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import settings

from algebra2net.operators.operator import Operator

Array = np.ndarray[Any, np.dtype[Any]]
Size = tuple[int, int]

QUICK = settings()  # as many examples as `pytest --programs` asks for (conftest.py)

# ------------------------------------------------------------------------------------------- differences, by measuring


def slope_along(f: Callable[[Mapping[str, Any]], Any], at: Mapping[str, Array], step: Mapping[str, Array], h: float = 1e-4) -> Any:
    """How fast f changes from `at` along `step`: central differences of fourth order, off by h⁴ (Abramowitz, Stegun 25.3.6)."""

    def moved(t: float) -> Any:
        return f({name: array + t * step[name] if name in step else array for name, array in at.items()})

    return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)


def promised(gradients: Mapping[str, Array], step: Mapping[str, Array]) -> float:
    """What gradients say of the change along `step`."""
    return float(sum(np.sum(gradients[name] * step[name]) for name in step))


# ---------------------------------------------------------------------------------------------- operands of an operator

# fmt: off
DOMAINS: dict[str, Callable[[np.random.Generator, Size], Array]] = {
    "real":        lambda rng, size: rng.uniform(0.2, 2.2, size) * rng.choice([-1.0, 1.0], size),
    "positive":    lambda rng, size: rng.uniform(0.3, 2.0, size),
    "unit":        lambda rng, size: rng.uniform(-0.8, 0.8, size),
    "probability": lambda rng, size: rng.uniform(0.1, 0.9, size),
    "above_one":   lambda rng, size: rng.uniform(1.3, 3.0, size),
    "invertible":  lambda rng, size: 3 * np.eye(*size) + rng.uniform(-1, 1, size),
}
SIZES = {"m": 2, "n": 3, "k": 4, "p": 3, "q": 2, "a": 1, "b": 1}  # what the letters of a shape rule stand for

# What the rule of an operator says of its operands together, where their number or what a pattern has no sign for says more.
MORE_SIZES: dict[str, list[tuple[Size, ...]]] = {
    "concat":       [((2, 3), (2, 1)), ((2, 1), (2, 3), (2, 2))],
    "stack":        [((3, 2), (1, 2)), ((1, 2), (3, 2), (2, 2))],
    "columns_of":   [((2, 6), (2, 3)), ((2, 6), (2, 3), (2, 1), (2, 2))],
    "rows_of":      [((6, 2), (3, 2)), ((6, 2), (3, 2), (1, 2), (2, 2))],
    "columns_into": [((2, 3), (2, 6)), ((2, 3), (2, 6), (2, 1), (2, 2))],
    "rows_into":    [((3, 2), (6, 2)), ((3, 2), (6, 2), (1, 2), (2, 2))],
    "scale":        [((1, 1), (2, 3)), ((2, 3), (1, 1)), ((1, 1), (1, 1))],
    "expand":       [((1, 1), (2, 3)), ((1, 3), (2, 3)), ((2, 1), (2, 3))],
}
# fmt: on


@dataclass(frozen=True)
class Fitting:
    """One way to give an operator what its shape rule asks for, and the shape that the rule promises."""

    sizes: tuple[Size, ...]
    result: Size
    options: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        given = ",".join("×".join(map(str, size)) for size in self.sizes)
        return given + "".join(f",{word}={setting}" for word, setting in self.options)


def fittings(here: Operator) -> Iterator[Fitting]:
    """Every way that the tests try an operator in."""
    if here.name in MORE_SIZES:
        for sizes in MORE_SIZES[here.name]:
            yield Fitting(sizes, _together(here, sizes))
    elif here.elementwise:
        for sizes in _broadcasting(len(here.operands)):
            yield Fitting(sizes, _together(here, sizes))
    elif here.choices:
        for choice in here.choices:
            yield _matched(choice.shape)
    elif isinstance(here.shape, str):
        yield _matched(here.shape, tuple((word, SIZES[word]) for word in here.options if word in here.shape))
    else:
        for axis, pattern in here.shape.items():
            yield _matched(pattern, (("axis", axis),) if axis >= 0 else ())


def _broadcasting(count: int) -> list[tuple[Size, ...]]:
    """Scalars, rows, columns, matrices; each beside a matrix, and a column beside a row."""
    every = [((1, 1),), ((1, 3),), ((2, 1),), ((2, 3),)]
    if count == 1:
        return [sizes for (sizes,) in zip(every, strict=True)]
    mixed = [((1, 3), (2, 3)), ((2, 3), (2, 1)), ((2, 1), (1, 3)), ((1, 1), (2, 3)), ((2, 3), (1, 1))]
    return [sizes * count for sizes in every] + [(one, other, *itertools.repeat(one, count - 2)) for one, other in mixed]


def _together(here: Operator, sizes: tuple[Size, ...]) -> Size:
    match here.shape:
        case "side by side":
            return sizes[0][0], sum(columns for _, columns in sizes)
        case "on top":
            return sum(rows for rows, _ in sizes), sizes[0][1]
        case "elementwise":
            return max(rows for rows, _ in sizes), max(columns for _, columns in sizes)
    return sizes[1]  # of the second, or as large as the second


def _matched(pattern: str, options: tuple[tuple[str, int], ...] = ()) -> Fitting:
    before, _, after = pattern.rpartition("->")
    sizes = [_size(word) for word in before.split(",") if word.strip()]
    return Fitting(tuple(sizes), _size(after), options)


def _size(text: str) -> Size:
    rows, columns = (math.prod(SIZES[word.strip()] if word.strip() in SIZES else int(word) for word in side.split("*")) for side in text.split("×"))
    return rows, columns


def points(here: Operator, fitting: Fitting, seed: int = 0) -> dict[str, Array]:
    """Operands of these shapes from the operator's domain; where there is no slope by an operand, it counts something."""
    rng = np.random.default_rng(zlib.crc32(f"{here.name} {fitting} {seed}".encode()))
    draw = DOMAINS[here.domain]
    at = {}
    for word, size in zip(operand_names(here, fitting), fitting.sizes, strict=True):
        at[word] = rng.integers(1, 4, size).astype(float) if counts(here, word) else draw(rng, size)
    return at


def operand_names(here: Operator, fitting: Fitting) -> list[str]:
    """The operator's own names for its operands, or those of so many blocks; a mask is named after what it masks."""
    blocks = [f"x{k}" for k in range(1, len(fitting.sizes) + 1)]
    return blocks if here.variadic else [f"{here.operands[0]}_mask" if word == "mask" else word for word in here.operands]


def counts(here: Operator, word: str) -> bool:
    """Whether a gradient by this operand is refused."""
    return not here.value and here.vjp.get(word) == ""
