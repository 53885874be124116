"""What each input of a network is to training: a parameter, data, a mask of dropout.

In    a net
Out   its inputs by role, and the dimension that counts samples
Idea  the names and shapes of the program say it: parameters do not grow with the number of samples, data do
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sympy import Expr, Float, Symbol

from algebra2net import names
from algebra2net.program import Dimension, Shape, operands, symbol
from algebra2net.run import Array, by_key

if TYPE_CHECKING:
    from algebra2net.net import Net

_NAMED = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The inputs of a net by what they are to training, each in the order of the program.

    `masks` are those of dropout, each with the probability to drop; `axes` says along which axis an input has a
    sample each: 0 where samples are rows, 1 where they are columns. `batch` is the dimension that counts them.
    """

    trained: tuple[str, ...]
    masks: Mapping[str, Expr]
    data: tuple[str, ...]
    batch: str | None
    axes: Mapping[str, int]

    @property
    def samples(self) -> tuple[str, ...]:
        """The data with a row (or a column) for each sample."""
        return tuple(name for name in self.data if name in self.axes)


def roles_of(net: Net, masked: Mapping[str, float] | None = None) -> Roles:
    """The inputs of `net` by role; `masked` are masks of the user's own, each with the probability to drop.

    Raises ValueError where nothing is left to train.
    """
    masks = _masks(net) | {name: Float(p) for name, p in (masked or {}).items()}
    trained = trained_of(net, masks)
    data = tuple(name for name in net.inputs if name not in trained and name not in masks)
    batch = _batch(net, trained, data)
    axes = {name: net.shapes[name].index(batch) for name in (*data, *masks) if batch in net.shapes[name]} if batch else {}
    return Roles(trained=trained, masks=masks, data=data, batch=batch, axes=axes)


def trained_of(net: Net, masks: Iterable[str] = ()) -> tuple[str, ...]:
    """The inputs that training changes: those of `wrt`; where nothing was said and nothing looks like one, names such as `weights_0_1`."""
    chosen = tuple(name for name in net._wrt if name in net.inputs and name not in masks)
    if not chosen:
        raise ValueError(f"nothing is left to train: wrt={list(net._wrt)} names no parameter among {', '.join(net.inputs)}")
    if chosen != tuple(name for name in net.inputs if name not in masks):
        return chosen
    weights = tuple(name for name in chosen if names.parts(name).base.startswith(("weight", "bias")))
    if not weights:
        raise ValueError(
            f"nothing among {', '.join(net.inputs)} looks like a parameter (an upper-case name, or one that begins with b); "
            f"say what training changes: compile(…, wrt=[{net.inputs[-1]!r}])"
        )
    return weights


def _masks(net: Net) -> dict[str, Expr]:
    """The mask of each dropout, with its probability."""
    found: dict[str, Expr] = {}
    for equation in net.program.equations:
        if type(equation.value).__name__ == "dropout":
            _, probability, mask = equation.value.args
            if isinstance(mask, Symbol) and mask.name in net.inputs:
                found[mask.name] = probability
    return found


def _batch(net: Net, trained: Iterable[str], data: Iterable[str]) -> str | None:
    """The dimension that counts samples: no parameter has it, no input has it twice, most data have it; of equals, the first."""
    fixed = {size for name in trained for size in dimensions(net.shapes[name])}
    counts: dict[str, int] = {}
    for name in data:
        shape = net.shapes[name]
        for size in shape:
            if isinstance(size, str) and size not in fixed and size.isidentifier():
                counts[size] = counts.get(size, 0) + (1 if list(dimensions(shape)).count(size) == 1 else -len(net.inputs))
    best = max(counts.values(), default=0)
    return next((size for size, count in counts.items() if count == best > 0), None)


def dimensions(shape: Shape) -> Iterator[str]:
    """The symbolic dimensions that a shape is made of: `n1` and `n2` of `n1+n2`."""
    for size in shape:
        if isinstance(size, str):
            yield from _NAMED.findall(size)


# -------------------------------------------------------------------------------------------------------------- names


def keyed(net: Net, given: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The values by the names of the net's inputs, whichever way they are spelled.

    Raises ValueError for a name that is no input, or that is given twice.
    """
    return by_key(given, net.inputs, lambda words: ValueError(f"{what}: {words}"))


# -------------------------------------------------------------------------------------------------------------- sizes


def sizes_of(net: Net, arrays: Mapping[str, Array]) -> dict[str, int]:
    """The symbolic dimensions that matrices of these shapes settle."""
    found: dict[str, int] = {}
    for name, array in arrays.items():
        for size, have in zip(net.shapes[name], array.shape if array.ndim == 2 else (), strict=array.ndim == 2):
            if isinstance(size, str) and size.isidentifier():
                found.setdefault(size, have)
    return found


def settled(size: Dimension, sizes: Mapping[str, int]) -> int | None:
    """A dimension as a number: `n1+n2` with what is known of n1 and n2; None where that is not enough."""
    if isinstance(size, int):
        return size
    if size in sizes:
        return sizes[size]
    if not all(name in sizes for name in _NAMED.findall(size)):
        return None
    return sum(_product(term, sizes) for term in size.split("+")) if not re.search(r"[()]", size) else _bracketed(size, sizes)


def _product(term: str, sizes: Mapping[str, int]) -> int:
    result = 1
    for factor in term.split("*"):
        result *= sizes[factor.strip()] if factor.strip() in sizes else int(factor)
    return result


def _bracketed(size: str, sizes: Mapping[str, int]) -> int | None:
    """The innermost bracket worked out, then the rest."""
    match = re.search(r"\(([^()]*)\)", size)
    assert match
    inner = settled(match[1], sizes)
    return settled(f"{size[: match.start()]}{inner}{size[match.end() :]}", sizes)


# --------------------------------------------------------------------------------------------- input, target, prediction


def depths(net: Net) -> dict[str, int]:
    """How many equations lie between each input and the output, at the most: the input layer is far, the target near."""
    depth: dict[Symbol, int] = {symbol(net.output): 0}
    for equation in reversed(net.steps.equations):
        if equation.name in depth:
            for operand in operands(equation.value):
                depth[operand] = max(depth.get(operand, 0), depth[equation.name] + 1)
    return {name: depth.get(symbol(name), 0) for name in net.inputs}


def layer_and_target(net: Net, roles: Roles) -> tuple[str, str | None]:
    """The input layer and the target among the data that have samples; no target where there is one such input.

    Raises ValueError where there are none or more than two: then data come by name.
    """
    found = roles.samples or tuple(name for name in roles.data if net.shapes[name] != (1, 1))
    if not found:
        raise ValueError(f"no input of {net.output} has a row for each sample; its inputs are {', '.join(net.inputs)}")
    if len(found) > 2:
        raise ValueError(f"{', '.join(found)} all have a row for each sample: give them by name, {{{found[0]!r}: …}}; a mask that is drawn, by noise= (--mask {found[1]}=0.5)")
    far = depths(net)
    ordered = sorted(found, key=lambda name: -far[name])
    return ordered[0], ordered[1] if len(ordered) == 2 else None
