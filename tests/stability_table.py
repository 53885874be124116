"""What people type, at ordinary and extreme inputs, beside arithmetic of 1,500 digits: the score, ours and others'.

In    a table of functions and composites, each as text and as a formula
Out   how many values and gradients are within 64 ulp of the exact ones, and how many are nan or inf where those are not
Idea  the formula is written once, naively, over a namespace: with dual numbers of 1,500 digits (1e-300 squared beside 1 is
      still there) it is the truth, with torch or jax.numpy it is what their users get

    python -m tests.stability_table          the score of all that is installed
    python -m tests.stability_table --bad    and each result of ours that is wrong
    python -m tests.stability_table --ours   ours alone
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import mpmath as mp
import numpy as np

from algebra2net import Net, compile

DIGITS = 1500
ULPS = 64
DTYPES = (np.float64, np.float32)

# ----------------------------------------------------------------------------------------------------- exact arithmetic


class Dual:
    """A number of 1,500 digits with its slopes by all the inputs."""

    __slots__ = ("slopes", "value")

    def __init__(self, value: Any, slopes: dict[int, Any] | None = None) -> None:
        self.value = mp.mpf(value)
        self.slopes = slopes or {}

    def chain(self, value: Any, slope: Any) -> Dual:
        return Dual(value, {k: slope * s for k, s in self.slopes.items()})

    def __add__(self, other: Any) -> Dual:
        o = dual(other)
        return Dual(self.value + o.value, {k: self.slopes.get(k, 0) + o.slopes.get(k, 0) for k in self.slopes | o.slopes})

    def __mul__(self, other: Any) -> Dual:
        o = dual(other)
        return Dual(self.value * o.value, {k: self.slopes.get(k, 0) * o.value + o.slopes.get(k, 0) * self.value for k in self.slopes | o.slopes})

    def __pow__(self, p: float) -> Dual:
        return self.chain(real(mp.power(self.value, p)), p * real(mp.power(self.value, mp.mpf(p) - 1)))

    def __neg__(self) -> Dual:
        return self.chain(-self.value, -1)

    def __sub__(self, other: Any) -> Dual:
        return self + -dual(other)

    def __truediv__(self, other: Any) -> Dual:
        return self * dual(other) ** -1

    def __rsub__(self, other: Any) -> Dual:
        return dual(other) - self

    def __rtruediv__(self, other: Any) -> Dual:
        return dual(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > dual(other).value)

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= dual(other).value)

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < dual(other).value)


def dual(value: Any) -> Dual:
    return value if isinstance(value, Dual) else Dual(value)


class UndefinedError(Exception):
    """There is no real result, or no slope."""


def real(value: Any) -> Any:
    if isinstance(value, mp.mpc) or not mp.isfinite(value):
        raise UndefinedError
    return value


def _far(x: Any) -> Any:
    return max(-mp.mpf(60), min(x, mp.mpf(60)))  # mpmath itself fails far out, where all digits are those of the limit


def each(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of every entry."""

    def entry(x: Any) -> Dual:
        x = dual(x)
        return x.chain(real(value(x.value)), real(slope(x.value)))

    vectorized = np.frompyfunc(entry, 1, 1)
    return lambda x: vectorized(x)


class Exact:
    """The namespace of the formulas: numbers of 1,500 digits in arrays of objects."""

    exp = staticmethod(each(mp.exp, mp.exp))
    log = staticmethod(each(mp.log, lambda x: 1 / x))
    sqrt = staticmethod(each(mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x))))
    tanh = staticmethod(each(lambda x: 1 - 2 / (1 + mp.exp(2 * x)), lambda x: 4 * mp.exp(-2 * abs(x)) / (1 + mp.exp(-2 * abs(x))) ** 2))
    sin = staticmethod(each(mp.sin, mp.cos))
    cos = staticmethod(each(mp.cos, lambda x: -mp.sin(x)))
    sinh = staticmethod(each(mp.sinh, mp.cosh))
    cosh = staticmethod(each(mp.cosh, mp.sinh))
    erf = staticmethod(each(lambda x: 1 - mp.erfc(_far(x)), lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)))
    abs = staticmethod(each(abs, mp.sign))
    maximum = staticmethod(np.frompyfunc(lambda a, b: a if dual(a) > b else dual(b), 2, 1))
    minimum = staticmethod(np.frompyfunc(lambda a, b: a if dual(a) < b else dual(b), 2, 1))

    @staticmethod
    def constant(x: Any) -> Any:
        return x

    @staticmethod
    def where(c: Any, a: Callable[[Any], Any], b: Callable[[Any], Any], x: Any) -> Any:
        """The branch that is taken, evaluated where it is."""
        return np.frompyfunc(lambda k, v: a(v) if k else b(v), 2, 1)(c, x)

    @staticmethod
    def sum(x: Any) -> Any:
        return x.sum(axis=1, keepdims=True)

    @staticmethod
    def max(x: Any) -> Any:
        return x.max(axis=1, keepdims=True)

    @staticmethod
    def prod(x: Any) -> Any:
        return x.prod(axis=1, keepdims=True)

    @staticmethod
    def det(A: Any) -> Any:
        return np.array([[A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0]]], dtype=object)


# ------------------------------------------------------------------------------------------------------------- the table

SMALL = [1e-300, 1e-160, 1e-100, 1e-20, 1e-8, 1e-3]
MIDDLE = [0.1, 0.5, 1.3, 2.5, 5.1]
LARGE = [12.3, 20.7, 30.3, 37.9, 88.3, 100.7, 300.1, 700.3, 710.0, 744.3, 1000.0, 1e5, 1e10, 1e16, 1e100, 1e155, 1e200, 1e300]
POSITIVE = [*SMALL, *MIDDLE, *LARGE]
REAL = [*(-x for x in reversed(POSITIVE)), *POSITIVE]
ROWS = [
    [1000, 0, -1000], [1, 2, 3], [0.1, -0.2, 0.35], [1e-8, 4e-8, -1e-8], [40.3, 0.1, -40], [700.3, 0.1, -3.7], [1e5, 1e5 + 1, 1e5 - 1], [-1000, -1000.5, -1003],
    [710, 709, 1], [1e-300, 2e-300, 5e-300], [1e300, 2e300, -1e300], [1e160, 1e155, 3e160], [0.7, 1e-5, 1e-12], [1e-170, 3e-170, 0], [-745, -1, -2], [30, 2, 1e-3],
]  # fmt: skip
GOOD_ROWS = [row for row in ROWS if all(row)]
POSITIVE_ROWS = [[abs(x) + 1e-3 * (x == 0) for x in row] for row in ROWS]
SHARES = [[0.2, 0.3, 0.5], [1, 0, 0], [1 - 1e-10, 1e-10, 0], [1e-300, 1e-20, 1], [0.9999, 0.00005, 0.00005]]
LABELS = [[0, 1, 0], [1, 0, 0], [0.2, 0.3, 0.5]]


@dataclass(frozen=True)
class Row:
    """A function: as it is typed, as a formula over a namespace, where it is tried. `by_row` tries whole rows."""

    text: str
    formula: Callable[..., Any]
    points: Sequence[tuple[Any, ...]]
    by_row: bool = False
    wrt: int = 9  # how many of the inputs are differentiated by


def entries(*points: Sequence[float]) -> list[tuple[Any, ...]]:
    return [(x,) for group in points for x in group]


def rows(*groups: Sequence[Sequence[float]]) -> list[tuple[Any, ...]]:
    return [(row,) for group in groups for row in group]


def pairs(first: Sequence[Any], second: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [(a, b) for a in first for b in second]


LOGITS = [z for z in REAL if abs(z) < 1e200]
MIXED = [0, 1, 0.3]
SOME = [1e-300, 1e-8, 0.3, 1.0, 1.0000001, 2.7, 700.3, 1e16, 1e155, 1e300]
WITH_SIGNS = [*(-x for x in SOME), *SOME]


def lse(f: Any, x: Any) -> Any:
    return f.log(f.sum(f.exp(x)))


def mean(f: Any, x: Any) -> Any:
    return f.sum(x) / x.shape[1]


def soft(f: Any, x: Any) -> Any:
    return f.exp(x) / f.sum(f.exp(x))


def σ(f: Any, x: Any) -> Any:
    return 1 / (1 + f.exp(-x))


def cross(f: Any, z: Any, y: Any) -> Any:
    return -f.sum(y * f.log(soft(f, z)))


def binary(f: Any, z: Any, y: Any) -> Any:
    return -(y * f.log(σ(f, z)) + (1 - y) * f.log(1 - σ(f, z)))


def erfc(f: Any, x: Any) -> Any:
    return 1 - f.erf(x)


def var(f: Any, x: Any) -> Any:
    return mean(f, (x - mean(f, x)) ** 2)


# fmt: off
TABLE: list[Row] = [
    # the logarithm of a sum
    Row("log(1 + exp(x))", lambda f, x: f.log(1 + f.exp(x)), entries(REAL)),
    Row("log(exp(-x) + 1)", lambda f, x: f.log(1 + f.exp(-x)), entries(REAL)),
    Row("log(1 + e^x) - x", lambda f, x: f.log(1 + f.exp(x)) - x, entries(REAL)),
    Row("log(sum(exp(x)))", lse, rows(ROWS), True),
    Row("log(sum(exp(x), axis=1))", lse, rows(ROWS), True),
    Row("log(mean(exp(x)))", lambda f, x: f.log(mean(f, f.exp(x))), rows(ROWS), True),
    Row("log(sum(exp(x)) / 3)", lambda f, x: f.log(mean(f, f.exp(x))), rows(ROWS), True),
    Row("log(exp(a) + exp(b))", lambda f, a, b: f.log(f.exp(a) + f.exp(b)), pairs([-1000, -3.3, 0.1, 710, 1e5], [-1003, -40, 0.7, 745.1])),
    Row("m = max(x); m + log(sum(exp(x - m)))", lse, rows(ROWS), True),
    Row("x - log(sum(exp(x)))", lambda f, x: x - lse(f, x), rows(ROWS), True),
    Row("log(exp(x) - 1)", lambda f, x: f.log(f.exp(x) - 1), entries(POSITIVE)),
    Row("log(1 - exp(-x))", lambda f, x: f.log(1 - f.exp(-x)), entries(POSITIVE)),
    Row("log(1 - e^(x))", lambda f, x: f.log(1 - f.exp(x)), entries([-x for x in POSITIVE])),
    Row("log(cosh(x))", lambda f, x: f.log((f.exp(x) + f.exp(-x)) / 2), entries(REAL)),
    Row("log(x + 1)", lambda f, x: f.log(1 + x), entries(POSITIVE, [-1e-8, -0.3])),
    Row("log(prod(x))", lambda f, x: f.log(f.prod(x)), rows(POSITIVE_ROWS), True),
    Row("log(x^3)", lambda f, x: f.log(x ** 3), entries(POSITIVE)),
    Row("log(x^2)", lambda f, x: f.log(x ** 2), entries(REAL)),
    Row("log(x / y)", lambda f, x, y: f.log(x / y), pairs(SOME, SOME)),
    Row("log(x * y)", lambda f, x, y: f.log(x * y), pairs(SOME, [1e-300, 0.3, 2.5, 1e300])),
    Row("log(det(A))", lambda f, A: f.log(f.det(A)), [([[2, 1], [1, 3]],), ([[1e200, 0], [0, 1e200]],), ([[1e-200, 0], [0, 1e-180]],), ([[5, 0.5], [0.25, 4]],)], True),
    # probabilities
    Row("exp(x) / sum(exp(x), axis=1)", soft, rows(ROWS), True),
    Row("e = exp(x - max(x)); e / sum(e)", soft, rows(ROWS), True),
    Row("softmax(x)", soft, rows(ROWS), True),
    Row("log(softmax(x))", lambda f, x: f.log(soft(f, x)), rows(ROWS), True),
    Row("log_softmax(x)", lambda f, x: f.log(soft(f, x)), rows(ROWS), True),
    Row("logsumexp(x, axis=1)", lse, rows(ROWS), True),
    Row("-sum(y * log(softmax(z)))", cross, pairs(ROWS, LABELS), True, 1),
    Row("p = softmax(z); L = -sum(y * log(p))", cross, pairs(ROWS, LABELS), True, 1),
    Row("p = exp(z) / sum(exp(z)); -sum(log(p) * y)", cross, pairs(ROWS, LABELS), True, 1),
    Row("cross_entropy(z, y)", cross, pairs(ROWS, LABELS), True, 1),
    Row("nll(log_softmax(z), y)", cross, pairs(ROWS, LABELS), True, 1),
    Row("1 / (1 + exp(-x))", σ, entries(REAL)),
    Row("exp(x) / (1 + exp(x))", lambda f, x: f.exp(x) / (1 + f.exp(x)), entries(REAL)),
    Row("sigmoid(x)", σ, entries(REAL)),
    Row("1 - sigmoid(x)", lambda f, x: 1 - σ(f, x), entries(REAL)),
    Row("-σ(x) + 1", lambda f, x: 1 - σ(f, x), entries(REAL)),
    Row("log(σ(x))", lambda f, x: f.log(σ(f, x)), entries(REAL)),
    Row("log(1 - σ(x))", lambda f, x: f.log(1 - σ(f, x)), entries(REAL)),
    Row("2 σ(x) - 1", lambda f, x: 2 * σ(f, x) - 1, entries(REAL)),
    Row("σ(x) * (1 - σ(x))", lambda f, x: σ(f, x) * (1 - σ(f, x)), entries(REAL)),
    Row("-(y * log(σ(z)) + (1 - y) * log(1 - σ(z)))", binary, pairs(LOGITS, MIXED), wrt=1),
    Row("p = 1 / (1 + exp(-z)); L = -y * log(p) - (1 - y) * log(1 - p)", binary, pairs(LOGITS, MIXED), wrt=1),
    Row("bce_logits(z, y)", binary, pairs(LOGITS, MIXED), wrt=1),
    Row("bce(p, y)", lambda f, p, y: -(y * f.log(p) + (1 - y) * f.log(1 - p)), pairs([1e-300, 1e-8, 0.3, 0.99, 1 - 1e-12], MIXED), wrt=1),
    Row("sum(p * log(p))", lambda f, p: f.sum(p * f.log(p)), rows([[0.2, 0.3, 0.5], [1e-300, 1e-20, 1]]), True),
    Row("-sum(y * log(p))", lambda f, p, y: -f.sum(y * f.log(p)), pairs([p for p in SHARES if all(p)], LABELS), True, 1),
    Row("kl(p, q)", lambda f, p, q: f.sum(p * f.log(p / q)), pairs([p for p in SHARES if all(p)], [[0.2, 0.3001, 0.4999], [1e-300, 0.5, 0.5], [0.5, 0.25, 0.25]]), True),
    # hyperbolic functions
    Row("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", lambda f, x: (f.exp(x) - f.exp(-x)) / (f.exp(x) + f.exp(-x)), entries(REAL)),
    Row("(exp(2x) - 1) / (exp(2x) + 1)", lambda f, x: (f.exp(2 * x) - 1) / (f.exp(2 * x) + 1), entries(REAL)),
    Row("(e^x - e^(-x)) / 2", lambda f, x: (f.exp(x) - f.exp(-x)) / 2, entries(REAL)),
    Row("0.5 * (exp(x) + exp(-x))", lambda f, x: (f.exp(x) + f.exp(-x)) / 2, entries(REAL)),
    Row("2 / (exp(x) + exp(-x))", lambda f, x: 2 / (f.exp(x) + f.exp(-x)), entries(REAL)),
    Row("1 - tanh(x)^2", lambda f, x: 1 - f.tanh(x) ** 2, entries(REAL)),
    Row("1 - tanh(x)", lambda f, x: 1 - f.tanh(x), entries(REAL)),
    Row("tanh(x) + 1", lambda f, x: 1 + f.tanh(x), entries(REAL)),
    Row("exp(x) - 1", lambda f, x: f.exp(x) - 1, entries(REAL)),
    Row("cosh(x) - 1", lambda f, x: f.cosh(x) - 1, entries(REAL)),
    Row("1 - cos(x)", lambda f, x: 1 - f.cos(x), entries([x for x in REAL if abs(x) < 3])),
    # the normal distribution
    Row("1 - erf(x)", lambda f, x: 1 - f.erf(x), entries(REAL)),
    Row("0.5 x * (1 + erf(x / sqrt(2)))", lambda f, x: x * (1 + f.erf(x / f.constant(mp.sqrt(2)))) / 2, entries(REAL)),
    Row("x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))", lambda f, x: x * (1 + f.tanh(f.constant(mp.sqrt(2 / mp.pi)) * (x + f.constant(mp.mpf("0.044715")) * x ** 3))) / 2, entries(REAL)),
    Row("exp(-x^2)", lambda f, x: f.exp(-x ** 2), entries(REAL)),
    Row("exp(-x^2 / 2)", lambda f, x: f.exp(-x ** 2 / 2), entries(REAL)),
    Row("x * sigmoid(x)", lambda f, x: x * σ(f, x), entries(REAL)),
    # lengths and deviations
    Row("sqrt(x^2)", lambda f, x: f.abs(x), entries(REAL)),
    Row("sqrt(1 + x^2)", lambda f, x: f.sqrt(1 + x ** 2), entries(REAL)),
    Row("sqrt(1 + x^2) - 1", lambda f, x: f.sqrt(1 + x ** 2) - 1, entries(REAL)),
    Row("sqrt(x + 1) - sqrt(x)", lambda f, x: f.sqrt(x + 1) - f.sqrt(x), entries(POSITIVE)),
    Row("sqrt(x^2 + y^2)", lambda f, x, y: f.sqrt(x ** 2 + y ** 2), pairs(WITH_SIGNS, SOME)),
    Row("sqrt(sum(x^2))", lambda f, x: f.sqrt(f.sum(x ** 2)), rows(ROWS), True),
    Row("norm(x, axis=1)", lambda f, x: f.sqrt(f.sum(x ** 2)), rows(ROWS), True),
    Row("sqrt(mean(x * x))", lambda f, x: f.sqrt(mean(f, x ** 2)), rows(ROWS), True),
    Row("x / ||x||", lambda f, x: x / f.sqrt(f.sum(x ** 2)), rows(ROWS), True),
    Row("x / sqrt(sum(x^2, axis=1))", lambda f, x: x / f.sqrt(f.sum(x ** 2)), rows(ROWS), True),
    Row("normalize(x)", lambda f, x: x / f.sqrt(f.sum(x ** 2)), rows(ROWS), True),
    Row("mean((x - mean(x))^2)", var, rows(ROWS), True),
    Row("var(x, axis=1)", var, rows(ROWS), True),
    Row("sqrt(mean((x - mean(x))^2))", lambda f, x: f.sqrt(var(f, x)), rows(ROWS), True),
    Row("std(x)", lambda f, x: f.sqrt(var(f, x)), rows(ROWS), True),
    Row("(x - mean(x)) / std(x)", lambda f, x: (x - mean(f, x)) / f.sqrt(var(f, x)), rows(ROWS), True),
    Row("layernorm(x)", lambda f, x: (x - mean(f, x)) / f.sqrt(var(f, x) + 1e-5), rows(ROWS), True),
    Row("m = mean(x); (x - m) / sqrt(mean((x - m)^2) + 1e-5)", lambda f, x: (x - mean(f, x)) / f.sqrt(var(f, x) + 1e-5), rows(ROWS), True),
    Row("rmsnorm(x)", lambda f, x: x / f.sqrt(mean(f, x ** 2) + 1e-5), rows(ROWS), True),
    Row("prod(x)", lambda f, x: f.prod(x), rows(GOOD_ROWS, [[0, 2, 3], [1e300, 1e300, 1e-300], [0, 0, 5]]), True),
    Row("x / sqrt(1 + x^2)", lambda f, x: x / f.sqrt(1 + x ** 2), entries(REAL)),
    Row("x / (1 + |x|)", lambda f, x: x / (1 + f.abs(x)), entries(REAL)),
    Row("x / (1 + x)", lambda f, x: x / (1 + x), entries(POSITIVE)),
    Row("log(1 + x^2)", lambda f, x: f.log(1 + x ** 2), entries(REAL)),
    Row("log(sum(x^2))", lambda f, x: f.log(f.sum(x ** 2)), rows(ROWS), True),
    Row("sqrt(1 - x^2)", lambda f, x: f.sqrt(1 - x ** 2), entries([1e-300, 1e-8, 0.3, 0.999, 1 - 1e-6, -0.5])),
    Row("max(z, 0) - z * y + log(1 + exp(-|z|))", lambda f, z, y: f.log(1 + f.exp(z)) - z * y, pairs(LOGITS, MIXED), wrt=1),
    Row("log(p / (1 - p))", lambda f, p: f.log(p / (1 - p)), entries([1e-300, 1e-8, 0.3, 0.4999, 0.5001, 0.99, 1 - 1e-6])),
    Row("sum(a * b) / (norm(a) * norm(b))", lambda f, a, b: f.sum(a * b) / (f.sqrt(f.sum(a ** 2)) * f.sqrt(f.sum(b ** 2))), pairs([ROWS[1], [1e200, 2e200, 5e200]], [ROWS[2], [1e-200, 3e-200, 1e-200]]), True),
    # sums, means and losses of them
    Row("mse(p, y)", lambda f, p, y: mean(f, (p - y) ** 2), pairs(ROWS[1:8], [[0.5, 0.25, 2]]), True),
    Row("mae(p, y)", lambda f, p, y: mean(f, f.abs(p - y)), pairs(ROWS, [[0.5, 0.25, 2.5]]), True),
    Row("huber(p, y)", lambda f, p, y: mean(f, f.where(f.abs(p - y) > 1, lambda e: f.abs(e) - 0.5, lambda e: e * e / 2, p - y)), pairs(ROWS, [[0.5, 0.25, 2.5]]), True),
    Row("hinge(p, y)", lambda f, p, y: mean(f, f.maximum(1 - p * y, 0 * p)), pairs([r for r in ROWS if 1 not in np.abs(r)], [[1, -1, 1]]), True, 1),
    Row("norm(x, order=1)", lambda f, x: f.sum(f.abs(x)), rows(GOOD_ROWS), True),
    Row("norm(x, order=inf)", lambda f, x: f.max(f.abs(x)), rows(GOOD_ROWS), True),
    Row("mean(x)", mean, rows(ROWS), True),
    Row("sum(x * y)", lambda f, x, y: f.sum(x * y), pairs(ROWS, [[0.5, 0.25, 2.5]]), True),
    Row("sqrt(x) * log(x)", lambda f, x: f.sqrt(x) * f.log(x), entries(POSITIVE)),
    Row("tanh(exp(x))", lambda f, x: f.tanh(f.exp(x)), entries([x for x in REAL if x < 500])),
    Row("exp(-exp(-x))", lambda f, x: f.exp(-f.exp(-x)), entries([x for x in REAL if x > -1e5])),
    Row("log(1 + exp(-y * z))", lambda f, z, y: f.log(1 + f.exp(-y * z)), pairs(LOGITS, [-1, 1]), wrt=1),
    Row("softmax(x / 2)", lambda f, x: soft(f, x / 2), rows(ROWS), True),
    Row("p = softmax(x); -sum(p * log(p))", lambda f, x: -f.sum(soft(f, x) * f.log(soft(f, x))), rows([r for r in ROWS if max(np.abs(r)) < 1e4]), True),
    # quotients, differences and powers that cancel or overflow on the way
    Row("x - sin(x)", lambda f, x: x - f.sin(x), entries([x for x in REAL if abs(x) < 1e5])),
    Row("sin(x) / x", lambda f, x: f.sin(x) / x, entries([x for x in REAL if abs(x) < 3])),
    Row("(exp(x) - 1) / x", lambda f, x: (f.exp(x) - 1) / x, entries(REAL)),
    Row("x / (exp(x) - 1)", lambda f, x: x / (f.exp(x) - 1), entries(REAL)),
    Row("log(1 + x) / x", lambda f, x: f.log(1 + x) / x, entries(POSITIVE)),
    Row("exp(x) - 1 - x", lambda f, x: f.exp(x) - 1 - x, entries(REAL)),
    Row("1 + v - m^2 - exp(v)", lambda f, m, v: 1 + v - m ** 2 - f.exp(v), pairs([0.0, 0.5, 2.0], [-30.3, -1.3, 0.1, 2.5])),
    Row("x - log(1 + x)", lambda f, x: x - f.log(1 + x), entries(POSITIVE)),
    Row("x - 1 - log(x)", lambda f, x: x - 1 - f.log(x), entries(POSITIVE, [1 + 1e-8, 0.9999])),
    Row("a / (a + b)", lambda f, a, b: a / (a + b), pairs(SOME, SOME)),
    Row("b / (a + b)", lambda f, a, b: b / (a + b), pairs(SOME[1:], SOME[1:])),
    Row("(a - b) / (a + b)", lambda f, a, b: (a - b) / (a + b), pairs(SOME, SOME)),
    Row("a * b / (a + b)", lambda f, a, b: a * b / (a + b), pairs(SOME, SOME)),
    Row("x / sum(x)", lambda f, x: x / f.sum(x), rows([r for r in POSITIVE_ROWS if min(r) > 0]), True),
    Row("x^2 / sum(x^2)", lambda f, x: x ** 2 / f.sum(x ** 2), rows(ROWS), True),
    Row("x / max(x)", lambda f, x: x / f.max(x), rows([r for r in POSITIVE_ROWS if len({*r}) == 3]), True),
    Row("(x - mean(x)) / sqrt(var(x))", lambda f, x: (x - mean(f, x)) / f.sqrt(var(f, x)), rows(ROWS), True),
    Row("relu(log(x))", lambda f, x: f.maximum(f.log(x), 0 * x), entries(POSITIVE)),
    Row("exp(a) * exp(b)", lambda f, a, b: f.exp(a) * f.exp(b), pairs([-1000, -3.3, 0.1, 710, 1e5], [-1003, -745.1, 40, 0.7])),
    Row("exp(a) / exp(b)", lambda f, a, b: f.exp(a) / f.exp(b), pairs([-1000, -3.3, 0.1, 710, 1000], [1003, -745.1, 40, 0.7])),
    Row("sqrt(exp(x))", lambda f, x: f.sqrt(f.exp(x)), entries([x for x in REAL if abs(x) < 1e5])),
    Row("exp(x)^2", lambda f, x: f.exp(x) ** 2, entries([x for x in REAL if abs(x) < 1e5])),
    Row("exp(x) / (1 + exp(x))^2", lambda f, x: f.exp(x) / (1 + f.exp(x)) ** 2, entries(REAL)),
    Row("exp(-x) / (1 + exp(-x))^2", lambda f, x: f.exp(-x) / (1 + f.exp(-x)) ** 2, entries(REAL)),
    Row("log(a) - log(b)", lambda f, a, b: f.log(a) - f.log(b), pairs(SOME, SOME)),
    Row("log(a) + log(b)", lambda f, a, b: f.log(a) + f.log(b), pairs(SOME, [1e-300, 0.3, 1.0000002, 2.5, 1e300])),
    Row("log(a * b / c)", lambda f, a, b, c: f.log(a * b / c), [(a, b, c) for a in SOME[::2] for b in (1e-300, 0.3, 1e300) for c in (0.7, 1e200)]),
    Row("log(1 - x^2)", lambda f, x: f.log(1 - x ** 2), entries([1e-300, 1e-8, 0.3, 0.999, 1 - 1e-6, -0.5])),
    Row("log(1 - tanh(x)^2)", lambda f, x: f.log(1 - f.tanh(x) ** 2), entries([x for x in REAL if abs(x) < 300])),
    Row("log(x + sqrt(x^2 + 1))", lambda f, x: f.log(x + f.sqrt(x ** 2 + 1)), entries([x for x in REAL if abs(x) < 1e200])),
    Row("log(x + sqrt(x^2 - 1))", lambda f, x: f.log(x + f.sqrt(x ** 2 - 1)), entries([x for x in POSITIVE if x > 1])),
    Row("0.5 log((1 + x) / (1 - x))", lambda f, x: f.log((1 + x) / (1 - x)) / 2, entries([1e-300, 1e-8, 0.3, 0.999, 1 - 1e-6, -0.5])),
    Row("sqrt(x^2 + 1) - x", lambda f, x: f.sqrt(x ** 2 + 1) - x, entries([x for x in REAL if abs(x) < 1e200])),
    Row("(-b + sqrt(b^2 - 4 c)) / 2", lambda f, b, c: (-b + f.sqrt(b ** 2 - 4 * c)) / 2, pairs([3.0, -3.0, 1e8, 1e155], [0.5, 1e-8, -2.0])),
    Row("log(exp(x) - exp(y))", lambda f, x, y: f.log(f.exp(x) - f.exp(y)), pairs([0.8, 40.3, 710, 1e5], [-1000, -3.3, 0.7])),
    Row("log(1 + exp(a - b))", lambda f, a, b: f.log(1 + f.exp(a - b)), pairs([-1000, -3.3, 0.1, 710, 1e5], [-1003, -40, 0.7, 745.1])),
    Row("prod(x)^(1/3)", lambda f, x: f.exp(f.sum(f.log(x)) * f.constant(mp.mpf(1 / 3))), rows(POSITIVE_ROWS[1:5], [[1e300, 2e300, 5e300], [1e-300, 3e-300, 2e-290]]), True),
    Row("exp(mean(log(x)))", lambda f, x: f.exp(mean(f, f.log(x))), rows(POSITIVE_ROWS[1:5]), True),
    Row("3 / sum(1 / x)", lambda f, x: 3 / f.sum(1 / x), rows(POSITIVE_ROWS[1:5]), True),
    Row("sum(|x|^3)^(1/3)", lambda f, x: f.exp(f.log(f.sum(f.abs(x) ** 3)) / 3), rows(GOOD_ROWS), True),
    Row("x^0.3", lambda f, x: x ** 0.3, entries(POSITIVE)),
    Row("x^(-1.7)", lambda f, x: x ** -1.7, entries(POSITIVE)),
    Row("exp(-|x|)", lambda f, x: f.exp(-f.abs(x)), entries(REAL)),
    Row("x * exp(-x)", lambda f, x: x * f.exp(-x), entries([x for x in REAL if x > -1e5])),
    Row("x * exp(x)", lambda f, x: x * f.exp(x), entries([x for x in REAL if x < 1e5])),
    Row("x^2 * exp(-x)", lambda f, x: x ** 2 * f.exp(-x), entries([x for x in REAL if x > -1e5])),
    Row("x * exp(-x^2 / 2)", lambda f, x: x * f.exp(-x ** 2 / 2), entries(REAL)),
    Row("1 / (1 + x^2)", lambda f, x: 1 / (1 + x ** 2), entries(REAL)),
    Row("x / (1 + x^2)", lambda f, x: x / (1 + x ** 2), entries(REAL)),
    Row("x^2 / (1 + x^2)", lambda f, x: x ** 2 / (1 + x ** 2), entries(REAL)),
    Row("sqrt(x^2 + 1e-8)", lambda f, x: f.sqrt(x ** 2 + 1e-8), entries(REAL)),
    Row("sqrt(sum(x^2) + 1e-8)", lambda f, x: f.sqrt(f.sum(x ** 2) + 1e-8), rows(ROWS), True),
    Row("1 / sqrt(x)", lambda f, x: 1 / f.sqrt(x), entries(POSITIVE)),
    Row("1 / x^2", lambda f, x: 1 / x ** 2, entries(REAL)),
    Row("x^3 / (1 + x^2)", lambda f, x: x ** 3 / (1 + x ** 2), entries([x for x in REAL if abs(x) < 1e100])),
    # probabilities, once more
    Row("log(0.5 * (1 + erf(x / sqrt(2))))", lambda f, x: f.log(erfc(f, -x / f.constant(mp.sqrt(2))) / 2), entries([x for x in REAL if abs(x) < 50])),
    Row("log(1 - erf(x))", lambda f, x: f.log(erfc(f, x)), entries([x for x in REAL if abs(x) < 50])),
    Row("log(erfc(x))", lambda f, x: f.log(erfc(f, x)), entries([x for x in REAL if abs(x) < 50])),
    Row("exp(x^2) * erfc(x)", lambda f, x: f.exp(x ** 2) * erfc(f, x), entries([x for x in REAL if -20 < x < 50])),
    Row("-(1 - σ(z))^2 * log(σ(z))", lambda f, z: -(1 - σ(f, z)) ** 2 * f.log(σ(f, z)), entries([x for x in REAL if abs(x) < 1e100])),
    Row("log(σ(x) / (1 - σ(x)))", lambda f, x: f.log(σ(f, x) / (1 - σ(f, x))), entries([x for x in REAL if abs(x) < 700])),
    Row("-(p * log(p) + (1 - p) * log(1 - p))", lambda f, p: -(p * f.log(p) + (1 - p) * f.log(1 - p)), entries([1e-300, 1e-8, 0.3, 0.499, 0.99, 1 - 1e-12])),
    Row("-log(1 - σ(-y * z))", lambda f, z, y: -f.log(1 - σ(f, -y * z)), pairs(LOGITS, [-1, 1]), wrt=1),
    Row("exp(x / 0.5) / sum(exp(x / 0.5))", lambda f, x: soft(f, x * 2), rows(ROWS), True),
    Row("-sum(softmax(x) * log_softmax(x))", lambda f, x: -f.sum(soft(f, x) * f.log(soft(f, x))), rows([r for r in ROWS if max(np.abs(r)) < 1e4]), True),
    Row("sum(x * softmax(x))", lambda f, x: f.sum(x * soft(f, x)), rows([r for r in ROWS if max(np.abs(r)) < 1e4]), True),
    Row("log(1 + exp(x)) - log(1 + exp(-x))", lambda f, x: f.log(1 + f.exp(x)) - f.log(1 + f.exp(-x)), entries(REAL)),
    Row("log(cosh(p - y))", lambda f, p, y: f.log((f.exp(p - y) + f.exp(y - p)) / 2), pairs([x for x in REAL if abs(x) > 1e-2], [0.5])),
    Row("sqrt(mean((p - y)^2))", lambda f, p, y: f.sqrt(mean(f, (p - y) ** 2)), pairs(ROWS, [[0.5, 0.25, 2.5]]), True),
    Row("sqrt(sum((a - b)^2))", lambda f, a, b: f.sqrt(f.sum((a - b) ** 2)), pairs(ROWS, [[0.5, 0.25, 2.5]]), True),
    Row("1 - sum(a * b) / (||a|| * ||b||)", lambda f, a, b: 1 - f.sum(a * b) / (f.sqrt(f.sum(a ** 2)) * f.sqrt(f.sum(b ** 2))), pairs([ROWS[1], [1e200, 2e200, 5e200]], [ROWS[2], [1e-200, -3e-200, 1e-200]]), True),
    Row("a * log(a / b) - a + b", lambda f, a, b: a * f.log(a / b) - a + b, pairs([1e-8, 0.3, 2.7, 700.3], [0.5, 1.1, 30.0])),
    Row("layernorm(x, gamma, beta)", lambda f, x, gamma, beta: gamma * (x - mean(f, x)) / f.sqrt(var(f, x) + 1e-5) + beta, [(row, [0.5, -2, 1.5], [1, 1, 3]) for row in ROWS[1:6]], True, 1),
    # and some more
    Row("log(exp(x) / (1 + exp(x)))", lambda f, x: f.log(f.exp(x)/(1+f.exp(x))), entries(REAL)),
    Row("(1 - exp(-x)) / (1 + exp(-x))", lambda f, x: (1-f.exp(-x))/(1+f.exp(-x)), entries(REAL)),
    Row("1 / (exp(x) + 1)", lambda f, x: 1/(f.exp(x)+1), entries(REAL)),
    Row("exp(x - log(sum(exp(x))))", lambda f, x: soft(f, x), rows(ROWS), True),
    Row("sum(exp(x) * y) / sum(exp(x))", lambda f, x, y: f.sum(f.exp(x)*y)/f.sum(f.exp(x)), pairs(ROWS,[[0.5,-0.25,2.5]]), True, 1),
    Row("x * tanh(log(1 + exp(x)))", lambda f, x: x*f.tanh(f.log(1+f.exp(x))), entries(REAL)),
    Row("x / (1 + exp(-1.702 x))", lambda f, x: x/(1+f.exp(-1.702*x)), entries([x for x in REAL if abs(x)<300])),
    Row("sinh(x) / x", lambda f, x: f.sinh(x)/x, entries([x for x in REAL if abs(x)<700])),
    Row("tanh(x) / x", lambda f, x: f.tanh(x)/x, entries(REAL)),
    Row("sign(x) * log(1 + |x|)", lambda f, x: f.log(1+f.abs(x))*(x/f.abs(x)), entries(REAL)),
    Row("sqrt(|x|)", lambda f, x: f.sqrt(f.abs(x)), entries(REAL)),
    Row("log(|x|)", lambda f, x: f.log(f.abs(x)), entries(REAL)),
    Row("exp(-1 / x)", lambda f, x: f.exp(-1/x), entries([x for x in POSITIVE if x>2e-3])),
    Row("1 / (1 + x)^2", lambda f, x: 1/(1+x)**2, entries(POSITIVE)),
    Row("1 / sqrt(1 + x^2)", lambda f, x: 1/f.sqrt(1+x**2), entries(REAL)),
    Row("sqrt(x * y)", lambda f, x, y: f.sqrt(x*y), pairs(SOME,SOME)),
    Row("2 x * y / (x + y)", lambda f, x, y: 2*x*y/(x+y), pairs(SOME,SOME)),
    Row("log(norm(x))", lambda f, x: f.log(f.sqrt(f.sum(x**2))), rows(ROWS), True),
    Row("log(sum(|x|))", lambda f, x: f.log(f.sum(f.abs(x))), rows(GOOD_ROWS), True),
    Row("exp(-norm(x - y)^2 / 2)", lambda f, x, y: f.exp(-f.sum((x-y)**2)/2), pairs(ROWS[1:4]+ROWS[12:13],[[0.5,0.25,2.5]]), True),
    Row("exp(-sum((x - y)^2) / 2)", lambda f, x, y: f.exp(-f.sum((x-y)**2)/2), pairs(ROWS,[[0.5,0.25,2.5]]), True),
    Row("1 / norm(x)", lambda f, x: 1/f.sqrt(f.sum(x**2)), rows(GOOD_ROWS), True),
    Row("1 / (1 + norm(x)^2)", lambda f, x: 1/(1+f.sum(x**2)), rows(ROWS), True),
    Row("1 / (1 + sum(x^2))", lambda f, x: 1/(1+f.sum(x**2)), rows(ROWS), True),
    Row("log(1 + sum(x^2))", lambda f, x: f.log(1+f.sum(x**2)), rows(ROWS), True),
    Row("x * log(x) + (1 - x) * log(1 - x)", lambda f, x: x*f.log(x)+(1-x)*f.log(1-x), entries([1e-300,1e-8,.3,.99])),
    Row("log(1 + x) - log(x)", lambda f, x: f.log(1+x)-f.log(x), entries(POSITIVE)),
    Row("log(1 + 1 / x)", lambda f, x: f.log(1+1/x), entries(POSITIVE)),
    Row("sqrt(1 + x) - sqrt(1 - x)", lambda f, x: f.sqrt(1+x)-f.sqrt(1-x), entries([1e-300,1e-8,.3,.99])),
    Row("1 / x - 1 / (x + 1)", lambda f, x: 1/x-1/(x+1), entries(POSITIVE)),
    Row("exp(x) - exp(-x) - 2 x", lambda f, x: f.exp(x)-f.exp(-x)-2*x, entries([x for x in REAL if abs(x)<700 and abs(x)>1e-4])),
    Row("x^2 / (x^2 + y^2)", lambda f, x, y: x**2/(x**2+y**2), pairs(WITH_SIGNS,SOME)),
    Row("x / sqrt(x^2 + y^2)", lambda f, x, y: x/f.sqrt(x**2+y**2), pairs(WITH_SIGNS,SOME)),
    Row("σ(x) - σ(-x)", lambda f, x: σ(f, x)-σ(f, -x), entries(REAL)),
    Row("-log(σ(a - b))", lambda f, a, b: -f.log(σ(f, a-b)), pairs([-1000,-3.3,.1,710],[-1003,-40,.7,745.1])),
    Row("σ(x)^2", lambda f, x: σ(f, x)**2, entries(REAL)),
    Row("log(1 + exp(-x^2))", lambda f, x: f.log(1+f.exp(-x**2)), entries(REAL)),
    Row("mean(log(cosh(p - y)))", lambda f, p, y: mean(f, f.log((f.exp(p-y)+f.exp(y-p))/2)), pairs(ROWS,[[0.5,0.25,2.5]]), True),
    Row("max(0, 1 - x)^2", lambda f, x: f.maximum(1-x,0*x)**2, entries([x for x in REAL if abs(x)<1e100])),
    Row("huber(x, 0)", lambda f, x: f.where(f.abs(x)>1, lambda e: f.abs(e)-0.5, lambda e: e*e/2, x), entries(REAL)),
    Row("x - tanh(x)", lambda f, x: x-f.tanh(x), entries(REAL)),
    Row("exp(log(a) + log(b))", lambda f, a, b: f.exp(f.log(a)+f.log(b)), pairs(SOME,[1e-300,.3,2.5])),
    Row("exp(y * log(x))", lambda f, x, y: f.exp(y*f.log(x)), pairs(SOME,[.3,2.5])),
    Row("tanh(x / 2)", lambda f, x: f.tanh(x/2), entries(REAL)),
    Row("log(x^2 + y^2) / 2", lambda f, x, y: f.log(x**2+y**2)/2, pairs(WITH_SIGNS,SOME)),
    Row("sum(log(σ(x)))", lambda f, x: f.sum(f.log(σ(f, x))), rows(ROWS), True),
    # corners and choices
    Row("maximum(0, x)", lambda f, x: f.maximum(x, 0 * x), entries(REAL)),
    Row("(abs(x) + x) / 2", lambda f, x: f.maximum(x, 0 * x), entries(REAL)),
    Row("minimum(maximum(x, -1), 1)", lambda f, x: f.minimum(f.maximum(x, 0 * x - 1), 0 * x + 1), entries(REAL)),
    Row("where(x > 0, x * log(x), 0)", lambda f, x: f.where(x > 0, lambda v: v * f.log(v), lambda v: 0 * v, x), entries(REAL, [0.0])),
    Row("where(x > 1, sqrt(x - 1), 0)", lambda f, x: f.where(x > 1, lambda v: f.sqrt(v - 1), lambda v: 0 * v, x), entries(REAL, [0.0])),
    Row("where(x == 0, 1, sin(x) / x)", lambda f, x: f.where(x != 0, lambda v: f.sin(v) / v, lambda v: 0 * v + 1, x), entries([0.0, 0.5, 1.3, -2.5])),
    Row("where(x < 0, exp(x), 1 + x)", lambda f, x: f.where(x < 0, lambda v: f.exp(v), lambda v: 1 + v, x), entries(REAL)),
    Row("l = log(x); where(x > 0, l, x)", lambda f, x: f.where(x > 0, lambda v: f.log(v), lambda v: v, x), entries(REAL)),
]
# fmt: on


# ---------------------------------------------------------------------------------------------------------------- scores


@dataclass
class Score:
    """How many results were right, and how many nan or inf where the exact one is not."""

    right: int = 0
    of: int = 0
    broken: int = 0
    wrong: list[str] | None = None

    @property
    def share(self) -> float:
        return self.right / self.of


Result = tuple[np.ndarray[Any, Any], list[np.ndarray[Any, Any]]]


def cases(table: Sequence[Row] = TABLE) -> Iterator[tuple[Row, Any, list[np.ndarray[Any, Any]]]]:
    """Every row of the table with each of its points, in each float type that holds it."""
    for row in table:
        for dtype in DTYPES:
            for point in row.points:
                with np.errstate(all="ignore"):
                    arrays = [np.atleast_2d(np.array(part, dtype)) for part in point]
                lost = any((array == 0).sum() != (np.atleast_2d(np.array(part, float)) == 0).sum() for array, part in zip(arrays, point, strict=True))
                if not lost and all(np.isfinite(array).all() for array in arrays):
                    yield row, point, arrays


def weights(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The signal at the output: different for each entry, exact in every float type."""
    return np.array([1, 0.75, -0.3125, 2])[: max(shape[0] * shape[1], 1)].reshape(shape) if shape[0] * shape[1] <= 4 else np.ones(shape)


def exact(row: Row, arrays: Sequence[np.ndarray[Any, Any]]) -> tuple[Any, list[Any]]:
    """The value and its gradients with 1,500 digits."""
    with mp.workdps(DIGITS):
        places = iter(range(1000))
        inputs = [np.vectorize(lambda x: Dual(float(x), {next(places): mp.mpf(1)}), otypes=[object])(array) for array in arrays]
        try:
            value = np.atleast_2d(row.formula(Exact, *inputs))
        except (UndefinedError, ZeroDivisionError):
            raise UndefinedError from None
        total: dict[int, Any] = {}
        for entry, weight in zip(value.flat, weights(value.shape).flat, strict=True):
            for k, slope in dual(entry).slopes.items():
                total[k] = total.get(k, mp.mpf(0)) + slope * float(weight)
        gradients = [np.vectorize(lambda x: total.get(next(iter(x.slopes)), mp.mpf(0)), otypes=[object])(array) for array in inputs]
        return np.vectorize(lambda x: dual(x).value, otypes=[object])(value), gradients


def ours(row: Row, arrays: Sequence[np.ndarray[Any, Any]]) -> Result:
    """What the library says."""
    compiled = fitted(row, arrays)
    given = dict(zip(names(row), arrays, strict=True))
    shape = np.shape(compiled(**given)) or (1, 1)
    scalar = np.ndim(compiled(**given)) == 0
    value, gradients = compiled.value_and_grad(**given, **({} if scalar else {"delta": weights(shape).astype(arrays[0].dtype)}))
    return np.asarray(value, arrays[0].dtype).reshape(shape), [gradients[name] for name in given]


def names(row: Row) -> list[str]:
    """The inputs in the order of the formula's arguments."""
    return list(row.formula.__code__.co_varnames[1 : row.formula.__code__.co_argcount])


_NETS: dict[tuple[str, tuple[tuple[int, ...], ...]], Net] = {}


def fitted(row: Row, arrays: Sequence[np.ndarray[Any, Any]]) -> Net:
    key = row.text, tuple(array.shape for array in arrays)
    if key not in _NETS:
        _NETS[key] = compile(row.text, wrt="all", shapes={name: array.shape for name, array in zip(names(row), arrays, strict=True)})
    return _NETS[key]


def torchs(row: Row, arrays: Sequence[np.ndarray[Any, Any]]) -> Result:
    """What PyTorch says of the same formula."""
    import torch

    class Space:
        exp, log, sqrt, tanh, sin, cos, sinh, cosh, erf, abs = torch.exp, torch.log, torch.sqrt, torch.tanh, torch.sin, torch.cos, torch.sinh, torch.cosh, torch.erf, torch.abs
        maximum, minimum, det = torch.maximum, torch.minimum, lambda A: torch.det(A).reshape(1, 1)

        constant = float

        @staticmethod
        def where(c: Any, a: Any, b: Any, x: Any) -> Any:
            return torch.where(c, a(x), b(x))

        @staticmethod
        def sum(x: Any) -> Any:
            return x.sum(dim=1, keepdim=True)

        @staticmethod
        def max(x: Any) -> Any:
            return x.max(dim=1, keepdim=True).values

        @staticmethod
        def prod(x: Any) -> Any:
            return x.prod(dim=1, keepdim=True)

    inputs = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = row.formula(Space, *inputs)
    value.backward(torch.tensor(weights(tuple(value.shape)).astype(arrays[0].dtype)))
    return value.detach().numpy(), [x.grad.numpy() if x.grad is not None else np.zeros_like(a) for x, a in zip(inputs, arrays, strict=True)]


def jaxs(row: Row, arrays: Sequence[np.ndarray[Any, Any]]) -> Result:
    """What JAX says of the same formula."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import erf as erf_of

    jax.config.update("jax_enable_x64", True)

    class Space:
        exp, log, sqrt, tanh, sin, cos, sinh, cosh, erf, abs = jnp.exp, jnp.log, jnp.sqrt, jnp.tanh, jnp.sin, jnp.cos, jnp.sinh, jnp.cosh, erf_of, jnp.abs
        maximum, minimum, det = jnp.maximum, jnp.minimum, lambda A: jnp.linalg.det(A).reshape(1, 1)

        constant = float

        @staticmethod
        def where(c: Any, a: Any, b: Any, x: Any) -> Any:
            return jnp.where(c, a(x), b(x))

        @staticmethod
        def sum(x: Any) -> Any:
            return x.sum(axis=1, keepdims=True)

        @staticmethod
        def max(x: Any) -> Any:
            return x.max(axis=1, keepdims=True)

        @staticmethod
        def prod(x: Any) -> Any:
            return x.prod(axis=1, keepdims=True)

    value, back = jax.vjp(lambda *inputs: row.formula(Space, *inputs), *map(jnp.asarray, arrays))
    return np.asarray(value), [np.asarray(g) for g in back(jnp.asarray(weights(value.shape).astype(arrays[0].dtype)))]


def ulps(found: Any, right: Any) -> float:
    """How many units in the last place of the exact value the found one is away; beyond the largest number, inf is right."""
    dtype = np.dtype(type(found))
    if abs(right) > mp.mpf(float(np.finfo(dtype).max)):
        return 0.0 if np.isinf(found) and np.sign(found) == mp.sign(right) else np.inf
    if not np.isfinite(found):
        return np.inf
    unit = np.spacing(dtype.type(abs(right)))
    return float(min(abs(mp.mpf(float(found)) - right) / mp.mpf(float(unit)), mp.mpf(1e300)))


_TRUTHS: dict[tuple[str, bytes], Any] = {}


def truth(row: Row, arrays: Sequence[np.ndarray[Any, Any]]) -> Any:
    key = row.text, b"".join(array.astype(float).tobytes() for array in arrays)
    if key not in _TRUTHS:
        try:
            _TRUTHS[key] = exact(row, arrays)
        except UndefinedError:
            _TRUTHS[key] = None
    return _TRUTHS[key]


def score(library: Callable[[Row, Sequence[np.ndarray[Any, Any]]], Result], table: Sequence[Row] = TABLE) -> Score:
    """How a library does on the table."""
    total = Score(wrong=[])
    for row, point, arrays in cases(table):
        right = truth(row, arrays)
        if right is None:
            continue
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value, gradients = library(row, arrays)
        except NotImplementedError:
            continue
        parts = [("value", value, right[0]), *((f"by {n}", g, r) for n, g, r in zip(names(row)[: row.wrt], gradients, right[1], strict=False))]
        for what, found, expected in parts:
            for f, e in zip(np.broadcast_to(found, expected.shape).flat, expected.flat, strict=True):
                away = ulps(f, e)
                total.of += 1
                total.right += away <= ULPS
                finite = abs(e) <= mp.mpf(float(np.finfo(arrays[0].dtype).max))
                total.broken += bool(finite and not np.isfinite(f))
                if away > ULPS and total.wrong is not None:
                    total.wrong.append(f"{row.text:45} {arrays[0].dtype} {what:6} at {point}: {f!s:>24} for {mp.nstr(e, 17)} ({away:.3g} ulp)")
    return total


def main() -> None:
    """Print the scores."""
    libraries: dict[str, Any] = {"algebra2net": ours}
    for other, results in (("torch", torchs), ("jax", jaxs)):
        if find_spec(other) and "--ours" not in sys.argv:
            libraries[other] = results
    for name, library in libraries.items():
        found = score(library)
        print(f"{name:12} {100 * found.share:6.2f} % of {found.of:,} results within {ULPS} ulp; nan or inf where the exact one is finite: {found.broken:,}")
        if "--bad" in sys.argv and library is ours:
            print("\n".join(found.wrong or ()))


if __name__ == "__main__":
    main()
