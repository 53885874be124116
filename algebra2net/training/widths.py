"""How wide every layer is: the data say it of the first and the last, the user of the others.

In    a net with open dimensions, the binding of a table to its inputs, the widths of hidden layers
Out   the shape of every parameter, in numbers
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from algebra2net.training.binding import Binding
from algebra2net.training.roles import Roles, dimensions, roles_of, settled

if TYPE_CHECKING:
    from algebra2net.net import Net


def parameter_shapes(net: Net, binding: Binding, hidden: Sequence[int]) -> dict[str, tuple[int, int]]:
    """The shape of every parameter, in numbers.

    Raises ValueError where the data do not fit the program, or a hidden layer has no width.
    """
    roles = roles_of(net, binding.masks)
    sizes: dict[str, int] = {}
    _settle(net, roles, binding.layer, binding.width, "columns", sizes, binding.features)
    if binding.target is not None and binding.target != binding.layer:
        _settle(net, roles, binding.target, binding.target_width, "classes" if binding.kind == "classes" else "columns", sizes, ())
    unknown = list(dict.fromkeys(size for name in roles.trained for size in dimensions(net.shapes[name]) if size not in sizes))
    if len(hidden) not in (0, len(unknown)):
        raise ValueError(f"--hidden {','.join(map(str, hidden))}: the program leaves {len(unknown)} width{'s' * (len(unknown) != 1)} open{_layers(net, unknown)}")
    if unknown and not hidden:
        many = ",".join(["100"] * len(unknown))
        layer = _layer(net, unknown[0])
        raise ValueError(f"how wide is {_layers(net, unknown).strip(' ()')}? --hidden {many}" + (f", or --shape {layer}=100" if layer else ""))
    sizes |= dict(zip(unknown, hidden, strict=True)) if hidden else {}
    found = {}
    for name in roles.trained:
        rows, columns = (settled(size, sizes) for size in net.shapes[name])
        assert rows is not None
        assert columns is not None
        found[name] = (rows, columns)
    return found


def _settle(net: Net, roles: Roles, name: str, width: int, what: str, sizes: dict[str, int], features: Sequence[tuple[str, int]]) -> None:
    """One width that the data have."""
    across = net.shapes[name][1 - roles.axes.get(name, 0)]
    if name not in roles.axes:
        rows, columns = net.shapes[name]
        raise ValueError(f"the program says how many samples there are: {name} is {rows}×{columns}; leave that open, with the line `{name}: n x {width}` in its place")
    if isinstance(across, int) and across != width:
        shown = f" ({', '.join(column for column, _ in features[:8])}{', …' if len(features) > 8 else ''})" if features else ""
        raise ValueError(f"{name} is {across} wide in the program, the data have {width} {what} for it{shown}; choose with --columns or --drop")
    if isinstance(across, str):
        if sizes.get(across, width) != width:
            raise ValueError(f"{name} is as wide as the input layer here, {sizes[across]}, but the data have {width} {what} for it")
        sizes[across] = width


def _layer(net: Net, size: str) -> str | None:
    """A layer with this width."""
    return next((name for name, shape in net.shapes.items() if size in shape and name not in net.inputs), None)


def _layers(net: Net, unknown: Sequence[str]) -> str:
    found = [_layer(net, size) or next(name for name in net.inputs if size in net.shapes[name]) for size in unknown]
    return f" ({', '.join(found)})" if found else ""
