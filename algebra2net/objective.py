"""The loss of a net on its data as a function of one vector: what `scipy.optimize.minimize(jac=True)` takes.

In    a net with a loss, its data, and what settles the widths that it leaves open
Out   `f(theta) -> (value, gradient)`, with `pack` and `unpack` between parameters and theta
Idea  what the data do not hold of the names that the net is differentiated by is what theta holds
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from algebra2net.errors import ShapeError
from algebra2net.flat import Layout
from algebra2net.program import SCALAR
from algebra2net.related import differentiated
from algebra2net.run import Array, as_matrix, numeric, shape_text
from algebra2net.training.init import known_sizes
from algebra2net.training.roles import keyed, roles_of, settled, sizes_of, trained_of

if TYPE_CHECKING:
    from algebra2net.net import Net


class Objective:
    """`f(theta) -> (value, gradient)` of a net on its data. Made by `net.objective`."""

    def __init__(self, net: Net, data: Mapping[str, Any], layout: Layout) -> None:
        self.net = net
        self.data = dict(data)
        self.layout = layout

    def __call__(self, theta: Any) -> tuple[float, Array]:
        """The loss at theta and its gradient, a float64 vector as long as theta."""
        value, grads = self.net.value_and_grad(**self.data, **self.unpack(theta))
        return float(value), self.pack(grads)

    def pack(self, params: Mapping[str, Any]) -> Array:
        """The parameters as one vector."""
        return self.layout.pack(params)

    def unpack(self, theta: Any) -> dict[str, Array]:
        """One vector as the parameters."""
        return self.layout.unpack(theta)

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {shape_text(shape)}" for name, shape in self.layout.shapes.items())
        return f"<objective {self.net.output}(theta), theta of {self.layout.size} numbers: {parts}>"


def objective(net: Net, data: Mapping[str, Any], like: Mapping[str, Any] | None = None, sizes: Mapping[str, Any] | None = None) -> Objective:
    """The loss of `net` on `data`, as a function of the parameters that `data` does not hold.

    Raises TypeError for an input that is neither parameter nor given, ShapeError where the output is no scalar or a width stays open.
    """
    if net.shapes[net.output] != SCALAR:
        raise ShapeError(f"{net.output} is no scalar ({shape_text(net.shapes[net.output])})", None, f'compile with a loss: loss="mse({net.output}, y)"')
    given, masks = keyed(net, data, "data"), roles_of(net).masks if net._wrt != net.inputs else ()
    free = tuple(name for name in net._wrt if name in net.inputs and name not in given and name not in masks)
    missing = [name for name in net.inputs if name not in given and name not in free]
    if missing:
        raise TypeError(f"missing {', '.join(f'{name} ({shape_text(net.shapes[name])})' for name in missing)}: what is no parameter is given as data")
    if not free:
        raise TypeError(f"the data hold {', '.join(net._wrt)}: nothing is left for theta")
    return Objective(differentiated(net, free), given, layout(net, free, {**given, **keyed(net, like or {}, "like")}, sizes))


def pack(net: Net, params: Mapping[str, Any]) -> Array:
    """All parameters of `net` as one float64 vector, in the order of the net. Raises TypeError, ShapeError as `Layout.pack`."""
    return layout(net, trained_of(net), keyed(net, params, "params")).pack(params)


def unpack(net: Net, theta: Any, like: Mapping[str, Any] | None = None, sizes: Mapping[str, Any] | None = None) -> dict[str, Array]:
    """One vector as the parameters of `net`; `like` and `sizes` settle the widths that the net leaves open."""
    return layout(net, trained_of(net), keyed(net, like or {}, "like"), sizes).unpack(theta)


def layout(net: Net, chosen: Sequence[str], arrays: Mapping[str, Any], sizes: Mapping[str, Any] | None = None) -> Layout:
    """The layout of these inputs; an open width is that of one of the arrays, or one of `sizes` (`{"l1": 100}`).

    Raises ShapeError where nothing says how large a width is.
    """
    known = known_sizes(net, sizes or {})
    matrices: dict[str, Array] = {}
    for name, array in arrays.items():
        matrices[name] = as_matrix(numeric(name, array), net.shapes[name], known)
        known = {**sizes_of(net, {name: matrices[name]}), **known}
    return Layout({name: _pair(matrices[name].shape) if name in matrices else _sized(net, name, known) for name in chosen})


def _pair(shape: tuple[int, ...]) -> tuple[int, int]:
    rows, columns = shape
    return rows, columns


def _sized(net: Net, name: str, known: Mapping[str, int]) -> tuple[int, int]:
    rows, columns = (settled(size, known) for size in net.shapes[name])
    if rows is None or columns is None:
        which, size = ("rows", net.shapes[name][0]) if rows is None else ("columns", net.shapes[name][1])
        layer = next((value for value, shape in net.shapes.items() if shape[1] == size and value not in net.inputs), size)
        raise ShapeError(f"nothing says how many {which} {name} has ({shape_text(net.shapes[name])})", None, f"give sizes={{{layer!r}: 16}}, or like= with an array for {name}")
    return rows, columns
