"""The slopes that were agreed where a function has corners: value and slope of a node by one quantity.

In    a node, and a number for the quantity
Out   its value and its slope there, with the conventions of the README's table; None for what is not known
Idea  numbers and their slopes side by side; smooth functions have theirs from the record of the operator
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sympy import Expr

from algebra2net.operators import OPERATORS
from algebra2net.stabilize.forms import FUNCTION, NUMBER, PRODUCT, SUM
from algebra2net.stabilize.terms import InTerms, nearly, univariate


class Slopes(InTerms):
    """Slopes of nodes by one quantity."""

    def slope(self, node: int, c: float) -> float | None:
        """The slope by the quantity where that is c, with the conventions at corners; None if it is not known."""
        return self.dual(node, c)[1]

    def dual(self, node: int, c: float) -> tuple[float | None, float | None]:
        """Value and slope, as far as they are known."""
        forms = self.forms
        kind, data = forms.kinds[node], forms.data[node]
        if kind == NUMBER:
            return data, 0.0
        if kind in (SUM, PRODUCT, FUNCTION) and node != self.quantity and not (kind == FUNCTION and not OPERATORS[data[0]].elementwise):
            if kind == SUM:
                return self.dual_of_sum(node, c)
            if node != self.first:
                return self.dual_of_product(data, c) if kind == PRODUCT else self.dual_of_function(data, c)
        return (c, 1.0) if node in (self.quantity, self.first) else (None, 0.0)

    def dual_of_sum(self, node: int, c: float) -> tuple[float | None, float | None]:
        """Value and slope of a sum."""
        k, rest, number = self.line(node)
        parts = [(k * c + number, k)]
        for term, factor in self.forms.linear(rest)[0].items():
            value, slope = self.dual(term, c)
            parts.append((None if value is None else factor * value, None if slope is None else factor * slope))  # type: ignore[arg-type]
        values, slopes = zip(*parts, strict=True)
        return None if None in values else sum(values), None if None in slopes else sum(slopes)

    def dual_of_product(self, factors: tuple[tuple[int, float], ...], c: float) -> tuple[float | None, float | None]:
        """Value and slope of a product of powers."""
        value: float | None = 1.0
        slope: float | None = 0.0
        for base, e in factors:
            v, s = self.dual(base, c)
            if v is None or value is None:
                value, slope = None, 0.0 if slope == 0 == s else None
                continue
            slope = None if slope is None or s is None else slope * v**e + (value * e * v ** (e - 1) * s if s else 0.0)
            value = value * v**e
        return (value, slope) if not isinstance(value, complex) else (None, None)

    def dual_of_function(self, data: tuple[str, tuple[int, ...], tuple[Expr, ...]], c: float) -> tuple[float | None, float | None]:
        """Value and slope of an operator of entries: by the convention where it has corners."""
        name, args, _ = data
        duals = [self.dual(arg, c) for arg in args]
        if name in _AGREED:
            if any(v is None or s is None for v, s in duals[:3]):
                return None, 0.0 if all(s == 0 for _, s in duals) else None
            beside = [self.forms.kinds[arg] == NUMBER for arg in args]
            return _AGREED[name](duals, beside)  # type: ignore[arg-type]
        if all(s == 0 for _, s in duals):
            return None, 0.0
        (value, slope), *others = duals
        found = None if others else univariate(name)
        if found is None or value is None or slope is None:
            return None, None
        try:
            return float(found[0](value)), float(found[1](value)) * slope
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return None, None


def agreed(left: float | None, right: float | None) -> float | None:
    """The slope at a corner, from those beside it: 0 beside a flat piece or between mirrored ones, else that of the lower piece."""
    if left is None or right is None:
        return None
    return 0.0 if left == 0 or right == 0 or nearly(left, -right) else left


_Known = tuple[float, float]


def _first_if(condition: bool, a: _Known, b: _Known) -> _Known:
    return a if condition else b


def _larger(a: _Known, b: _Known, beside: Sequence[bool]) -> _Known:
    if a[0] != b[0]:
        return a if a[0] > b[0] else b
    return a[0], 0.0 if any(beside) else (a[1] + b[1]) / 2


def _turned(a: _Known) -> _Known:
    return -a[0], -a[1]


def _clipped(x: _Known, lo: float, hi: float) -> _Known:
    return (x[0], x[1]) if lo < x[0] < hi else (min(max(x[0], lo), hi), 0.0)


# The table of the conventions: value and slope from values and slopes, and whether each operand is a number.
_AGREED: Mapping[str, Callable[[Sequence[_Known], Sequence[bool]], _Known]] = {
    "lt": lambda d, beside: (float(d[0][0] < d[1][0]), 0.0),
    "le": lambda d, beside: (float(d[0][0] <= d[1][0]), 0.0),
    "eq": lambda d, beside: (float(d[0][0] == d[1][0]), 0.0),
    "ne": lambda d, beside: (float(d[0][0] != d[1][0]), 0.0),
    "step": lambda d, beside: (float(d[0][0] > 0), 0.0),
    "sign": lambda d, beside: (float(d[0][0] > 0) - float(d[0][0] < 0), 0.0),
    "abs": lambda d, beside: (abs(d[0][0]), d[0][1] * (float(d[0][0] > 0) - float(d[0][0] < 0))),
    "relu": lambda d, beside: _first_if(d[0][0] > 0, d[0], (0.0, 0.0)),
    "leaky_relu": lambda d, beside: _first_if(d[0][0] > 0, d[0], (d[0][0] * d[1][0], d[0][1] * d[1][0])),
    "maximum": lambda d, beside: _larger(d[0], d[1], beside),
    "minimum": lambda d, beside: _turned(_larger(_turned(d[0]), _turned(d[1]), beside)),
    "clip": lambda d, beside: _clipped(d[0], d[1][0], d[2][0]),
    "relu6": lambda d, beside: _clipped(d[0], 0.0, 6.0),
    "hard_tanh": lambda d, beside: _clipped(d[0], -1.0, 1.0),
    "where": lambda d, beside: d[1] if d[0][0] else d[2],
}
