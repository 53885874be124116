"""Arrays as one vector: what optimisers ask for.

In    the shapes of arrays, by name
Out   a Layout, which packs the arrays into one float64 vector and takes it apart
Idea  name after name, row after row; which place is whose is known from the shapes alone
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from algebra2net.errors import ShapeError
from algebra2net.run import Array, Values, as_matrix, by_key, numeric, shape_text


@dataclass(frozen=True)
class Layout:
    """Which part of one vector belongs to which array: name after name, row after row.

    >>> layout = Layout({"W": (1, 2), "b": (1, 1)})
    >>> theta = layout.pack({"W": [[3.0, 4.0]], "b": 5.0})
    >>> theta
    array([3., 4., 5.])
    >>> layout.unpack(theta)["W"]
    array([[3., 4.]])
    """

    shapes: Mapping[str, tuple[int, int]]

    @property
    def size(self) -> int:
        """How many numbers the vector has."""
        return sum(rows * columns for rows, columns in self.shapes.values())

    def pack(self, arrays: Mapping[str, Any]) -> Array:
        """The arrays as one float64 vector.

        Raises TypeError for a missing, surplus or non-numeric array, ShapeError where a shape is another one.
        """
        given = self._by_key(arrays)
        missing = [name for name in self.shapes if name not in given]
        if missing:
            raise TypeError(f"missing {', '.join(f'{name} ({shape_text(self.shapes[name])})' for name in missing)}")
        return np.concatenate([np.empty(0), *(_fitting(name, given[name], shape).ravel() for name, shape in self.shapes.items())])

    def unpack(self, theta: Any) -> dict[str, Array]:
        """The arrays by name, float64, each with memory of its own.

        Raises ShapeError where theta is no vector of `size` numbers.
        """
        vector = numeric("theta", theta)
        if vector.shape != (self.size,):
            parts = " + ".join(f"{name} ({shape_text(shape)})" for name, shape in self.shapes.items())
            raise ShapeError(f"theta has shape {vector.shape}, expected ({self.size},) for {parts or 'no arrays'}")
        found, start = Values(), 0
        for name, (rows, columns) in self.shapes.items():
            found[name] = np.array(vector[start : start + rows * columns], dtype=np.float64).reshape(rows, columns)
            start += rows * columns
        return found

    def _by_key(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays under the names of the layout, however they are spelled."""
        return by_key(given, self.shapes, says="there is no {}; there are {}")


def _fitting(name: str, value: Any, shape: tuple[int, int]) -> Array:
    """The array as a matrix of this shape: a vector may lie either way."""
    array = numeric(name, value)
    matrix = as_matrix(array, shape, {})
    if matrix.shape != shape:
        raise ShapeError(f"{name} has shape {array.shape}, expected {shape_text(shape)}")
    return matrix.astype(np.float64)
