"""The numbers of one call: every named value, forward and back, as matrices.

In    a net's lines of code, the functions they use, the arrays of the call
Out   name → matrix; and texts for small matrices in full, for large ones in summary
Idea  the lines that stand on the sheet are the lines that run
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sympy import Symbol

if TYPE_CHECKING:
    from algebra2net.targets.numpy import Code

FULL = 6  # rows and columns up to which a matrix is shown in full
SHADED = 12  # rows and columns up to which a matrix is shaded in characters
Numbers = Mapping[Symbol, Any]


def traced(code: Code, functions: Mapping[str, Any], inputs: Mapping[Symbol, Any]) -> dict[Symbol, Any]:
    """What each name of `code` is worth: its lines, run in order on the matrices of its inputs."""
    space = dict(functions)
    space |= {code.identifiers[name]: value for name, value in inputs.items() if name in code.identifiers}
    import numpy as np

    with np.errstate(all="ignore"):
        exec(compile("\n".join(text for _, text in code.lines), "<sheet>", "exec"), space)
    return {name: matrix(space[identifier]) for name, identifier in code.identifiers.items() if identifier in space}


def matrix(value: Any) -> Any:
    """A value as a matrix: a number is 1×1."""
    import numpy as np

    array = np.asarray(value)
    return array if array.ndim == 2 else array.reshape(1, -1)


def short(value: float) -> str:
    """A number in five characters or so, with a minus sign that is one."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "−∞"
    size = abs(value)
    if value == int(value) and size < 1000:
        text = str(int(value))
    elif size < 0.005 or size >= 10000:
        mantissa, exponent = f"{value:.0e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        text = f"{value:.{2 if size < 10 else 1 if size < 100 else 0}f}"
    return text.replace("-", "−")


def is_small(value: Any) -> bool:
    """Whether a matrix is shown in full."""
    rows, columns = value.shape
    return bool(rows <= FULL and columns <= FULL)


def summary(value: Any) -> str:
    """A large matrix in one line."""
    rows, columns = value.shape
    import numpy as np

    finite = value[np.isfinite(value)]
    if not finite.size:
        return f"{rows} × {columns}, no finite entry" if value.size else f"{rows} × {columns}, empty"
    odd = "" if finite.size == value.size else f", {value.size - finite.size} not finite"
    return f"{rows} × {columns}, from {short(float(finite.min()))} to {short(float(finite.max()))}, mean {short(float(finite.mean()))}{odd}"


def inline(value: Any) -> str:
    """A matrix as text: in full where it is small."""
    if not is_small(value):
        return summary(value)
    if value.shape == (1, 1):
        return short(float(value[0, 0]))
    return "[" + "; ".join(" ".join(short(float(entry)) for entry in row) for row in value) + "]"


def as_code(value: Any) -> str:
    """A matrix as Python would show it, in full where it is small."""
    if not is_small(value):
        return summary(value)
    if value.shape == (1, 1):
        return short(float(value[0, 0]))
    return "[" + ", ".join("[" + ", ".join(short(float(entry)).replace("−", "-") for entry in row) + "]" for row in value) + "]"


def shades(value: Any) -> list[str]:
    """The cells of a matrix in characters, two to a cell: the larger the absolute value, the darker. None for large ones, nor for a single one."""
    if value.size < 2 or value.shape[0] > SHADED or value.shape[1] > SHADED:
        return []
    import numpy as np

    sizes = np.where(np.isfinite(value), np.abs(value), 0)
    top = float(sizes.max()) or 1.0
    return ["".join("·░▒▓█"[int(np.ceil(4 * size / top))] * 2 for size in row) for row in sizes]
