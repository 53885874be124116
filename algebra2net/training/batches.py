"""Data, by name, and the batches that a step takes of them.

In    arrays by name, or a pair (X, Y); a generator of random numbers
Out   the arrays of one call of the net
Idea  what has the batch dimension is cut along it, what has not is passed whole, a mask of dropout is drawn anew
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Symbol

from algebra2net.run import Array, numeric, shape_text
from algebra2net.training.roles import Roles, keyed, layer_and_target, settled

if TYPE_CHECKING:
    from algebra2net.net import Net

Draw = Callable[[np.random.Generator, tuple[int, int]], Any]
Noise = float | Draw  # the probability that a mask drops, or a function that draws the input
_ONE_HOT = frozenset({"cross_entropy", "nll"})


@dataclass(frozen=True)
class Samples:
    """Matrices by name; those in `axes` have `rows` samples along that axis, the others are the same for all."""

    arrays: Mapping[str, Array]
    axes: Mapping[str, int]
    rows: int

    def take(self, places: Array) -> dict[str, Array]:
        """These samples, and what is the same for all."""
        return {name: np.take(array, places, axis=self.axes[name]) if name in self.axes else array for name, array in self.arrays.items()}

    def of_type(self, dtype: Any) -> Samples:
        """The samples as this float type."""
        return replace(self, arrays={name: array.astype(dtype, copy=False) for name, array in self.arrays.items()})

    def part(self, places: Array) -> Samples:
        """These samples alone."""
        return replace(self, arrays=self.take(places), rows=len(places))

    def split(self, fraction: float, seed: int) -> tuple[Samples, Samples]:
        """The samples without a fraction of them, and that fraction; drawn by the seed.

        Raises ValueError where nothing would be left on either side.
        """
        count = round(fraction * self.rows)
        if not 0 < fraction < 1 or not 0 < count < self.rows:
            raise ValueError(f"validation={fraction} of {self.rows} samples leaves nothing on one side; give a fraction such as 0.2, or data")
        order = np.random.default_rng([seed, 1]).permutation(self.rows)
        return self.part(np.sort(order[count:])), self.part(np.sort(order[:count]))


def samples_of(net: Net, roles: Roles, data: Any, fixed: Mapping[str, Array], noise: Mapping[str, Draw]) -> Samples:
    """Data in any of the forms that `fit` takes, as matrices; `fixed` are inputs that are known already.

    Raises TypeError or ShapeError for what is no matrix of numbers, ValueError for a name that is missing or unknown,
    numbers that are not finite (with row and column), or different numbers of samples.
    """
    given, rows_first = _named(net, roles, data)
    arrays: dict[str, Array] = {name: _matrix(array) for name, array in fixed.items()}
    axes: dict[str, int] = {}
    for name, value in given.items():
        if name in roles.masks or name in noise:
            raise ValueError(f"data: {name} is drawn at each step; leave it out")
        if name in roles.trained:
            raise ValueError(f"data: {name} is what training changes; give its values as params={{{name!r}: …}}")
        array = numeric(name, value)
        axis = roles.axes.get(name)
        if axis is not None and array.size != 1:
            axes[name] = axis
            array = _lying(net, name, array, axis, rows_first)
        arrays[name] = _finite(name, _matrix(array))
    missing = [name for name in roles.data if name not in arrays and name not in noise]
    if missing:
        words = ", ".join(f"{name} ({shape_text(net.shapes[name])})" for name in missing)
        raise ValueError(f"data lacks {words}; if training should find {'it' if len(missing) == 1 else 'them'}, compile(…, wrt={[*roles.trained, *missing]})")
    _one_hot(net, arrays)
    return Samples(arrays, axes, _rows(arrays, axes))


def _named(net: Net, roles: Roles, data: Any) -> tuple[dict[str, Any], bool]:
    """The data by name; and whether rows are samples whatever the net takes: in a pair, as elsewhere, they are."""
    if isinstance(data, Mapping):
        return keyed(net, data, "data"), False
    layer, target = layer_and_target(net, roles)
    if isinstance(data, tuple | list) and len(data) == 2 and np.ndim(data[0]) > 0:
        x, y = data
        return ({layer: x, target: y} if target else {layer: x}), True
    if target is not None:
        raise ValueError(f"data are {{{layer!r}: …, {target!r}: …}}, or a pair ({layer}, {target})")
    return {layer: data}, True


def _lying(net: Net, name: str, array: Array, axis: int, rows_first: bool) -> Array:
    """The matrix as the net takes it: a vector is a number for each sample, unless it is one sample."""
    across = net.shapes[name][1 - axis]
    if array.ndim == 1:
        one_sample = isinstance(across, int) and across == array.size != 1
        return array.reshape((1, -1) if one_sample != (axis == 1) else (-1, 1))
    return array.T if rows_first and axis == 1 else array


def _matrix(array: Array) -> Array:
    """A number as 1×1; a vector stays one, for the net to lay it as it needs it."""
    return array.reshape(1, 1) if array.ndim == 0 else array


def _finite(name: str, array: Array) -> Array:
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"{name} holds {array[row, column]} at row {row}, column {column} (counted from 0); leave such rows out or fill them")
    return array


def _one_hot(net: Net, arrays: Mapping[str, Array]) -> None:
    """A column of class numbers where a column for each class is meant gives a loss of zero: refuse it.

    Raises ValueError.
    """
    for equation in net.program.equations:
        if type(equation.value).__name__ in _ONE_HOT:
            target = equation.value.args[1]
            if isinstance(target, Symbol) and target.name in arrays and 1 in arrays[target.name].shape and settled(net.shapes[target.name][1], {}) != 1:
                name = target.name
                if arrays[name].shape[1] == 1:
                    raise ValueError(f"{name} has one column, and {type(equation.value).__name__} takes one for each class: np.eye(number of classes)[{name}]")


def _rows(arrays: Mapping[str, Array], axes: Mapping[str, int]) -> int:
    counts = {name: arrays[name].shape[axis] for name, axis in axes.items()}
    if len(set(counts.values())) > 1:
        raise ValueError("the data do not have the same number of samples: " + ", ".join(f"{name} has {count}" for name, count in counts.items()))
    rows = next(iter(counts.values()), 1)
    if rows == 0:
        raise ValueError("the data have no samples")
    return rows


@dataclass(frozen=True)
class Feed:
    """What goes into the net at one step, but for the parameters: samples, masks of dropout, other noise."""

    net: Net
    roles: Roles
    sizes: Mapping[str, int]
    noise: Mapping[str, Draw]
    dtype: Any

    def training(self, samples: Samples, places: Array | None, rng: np.random.Generator) -> dict[str, Array]:
        """A batch, its masks drawn from `rng`; all samples where no places are given."""
        arrays = dict(samples.arrays) if places is None else samples.take(places)
        rows = samples.rows if places is None else len(places)
        for name in self.roles.masks:
            arrays[name] = (rng.random(self.shape(name, rows)) >= self.dropped(name, arrays)).astype(self.dtype)
        return arrays | self.drawn(rows, rng)

    def resting(self, samples: Samples) -> dict[str, Array]:
        """All samples, with masks that drop nothing: x · (1 - p) / (1 - p) is x. Other noise is the same at every call."""
        arrays = dict(samples.arrays)
        for name in self.roles.masks:
            arrays[name] = np.full(self.shape(name, samples.rows), 1 - self.dropped(name, arrays), self.dtype)
        return arrays | self.drawn(samples.rows, np.random.default_rng(0))

    def drawn(self, rows: int, rng: np.random.Generator) -> dict[str, Array]:
        """The inputs that are functions of chance."""
        return {name: np.asarray(draw(rng, self.shape(name, rows)), self.dtype) for name, draw in self.noise.items()}

    def dropped(self, mask: str, arrays: Mapping[str, Array]) -> float:
        """The probability that this mask drops: a number, or an input."""
        probability = self.roles.masks[mask]
        if not isinstance(probability, Symbol):
            return float(probability)
        if probability.name not in arrays or arrays[probability.name].size != 1:
            raise ValueError(f"the dropout of {mask} needs one number for {probability.name}: data={{{probability.name!r}: 0.5, …}}")
        return float(arrays[probability.name].item())

    def shape(self, name: str, rows: int) -> tuple[int, int]:
        """The shape of a mask or of noise for so many samples."""
        sizes = {**self.sizes, self.roles.batch: rows} if self.roles.batch else self.sizes
        first, second = (settled(size, sizes) for size in self.net.shapes[name])
        if first is None or second is None:
            raise ValueError(f"nothing says how large {name} is ({shape_text(self.net.shapes[name])}); give its shape: compile(…, shapes={{{name!r}: …}})")
        return first, second
