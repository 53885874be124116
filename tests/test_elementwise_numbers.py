"""Every elementwise function and its slopes, in float64 and float32, beside 60 digits of mpmath."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from algebra2net import Net, compile
from algebra2net.operators import OPERATORS

ULPS = 64
Points = list[tuple[float, ...]]
Array = np.ndarray[Any, Any]
with mp.workdps(60):
    SCALE, ALPHA, CUBE = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717"), mp.mpf("0.044715")
A = 0.3  # of leaky_relu and elu, a number that floats have not

# What each function is, and its slope, or its slopes by its operands: written out here, not taken from the table.
# fmt: off
EXACT: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (lambda x: max(x, 0), lambda x: x > 0),
    "leaky_relu": (lambda x, a: x if x > 0 else a * x, lambda x, a: (1 if x > 0 else a, min(x, 0))),
    "relu6": (lambda x: min(max(x, 0), 6), lambda x: 0 < x < 6),
    "hard_tanh": (lambda x: min(max(x, -1), 1), lambda x: -1 < x < 1),
    "hard_sigmoid": (lambda x: min(max(x + 3, 0), 6) / 6, lambda x: mp.mpf(-3 < x < 3) / 6),
    "elu": (lambda x, a: x if x > 0 else a * mp.expm1(x), lambda x, a: (1 if x > 0 else a * mp.exp(x), mp.expm1(min(x, 0)))),
    "selu": (lambda x: SCALE * (x if x > 0 else ALPHA * mp.expm1(x)), lambda x: SCALE * (1 if x > 0 else ALPHA * mp.exp(x))),
    "sigmoid": (lambda x: σ(x), lambda x: σ(x) * σ(-x)),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2),
    "softplus": (lambda x: softplus(x), lambda x: σ(x)),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "silu": (lambda x: x * σ(x), lambda x: σ(x) + x * σ(x) * σ(-x)),
    "mish": (lambda x: x * mp.tanh(softplus(x)), lambda x: mp.tanh(softplus(x)) + x * σ(x) * mp.sech(softplus(x)) ** 2),
    "gelu": (lambda x: x * Φ(x), lambda x: Φ(x) + x * mp.npdf(x)),
    "gelu_tanh": (lambda x: x * σ(inner(x)), lambda x: σ(inner(x)) + x * σ(inner(x)) * σ(-inner(x)) * mp.sqrt(8 / mp.pi) * (1 + 3 * CUBE * x**2)),
    "exp": (mp.exp, mp.exp),
    "expm1": (mp.expm1, mp.exp),
    "log": (mp.log, lambda x: 1 / x),
    "log1p": (mp.log1p, lambda x: 1 / (1 + x)),
    "log2": (lambda x: mp.log(x) / mp.log(2), lambda x: 1 / (x * mp.log(2))),
    "log10": (mp.log10, lambda x: 1 / (x * mp.log(10))),
    "sqrt": (mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x))),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2)),
    "square": (lambda x: x * x, lambda x: 2 * x),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2),
    "pow": (lambda x, p: mp.power(x, p), lambda x, p: (p * mp.power(x, p - 1), mp.power(x, p) * mp.log(x) if x else 0)),
    "hypot": (mp.hypot, lambda a, b: (a / mp.hypot(a, b), b / mp.hypot(a, b))),
    "unit_hypot": (lambda x: mp.hypot(1, x), lambda x: x / mp.hypot(1, x)),
    "sigmoid_rest": (lambda x: σ(-x), lambda x: -σ(x) * σ(-x)),
    "sin": (mp.sin, mp.cos),
    "cos": (mp.cos, lambda x: -mp.sin(x)),
    "tan": (mp.tan, lambda x: mp.sec(x) ** 2),
    "arcsin": (mp.asin, lambda x: 1 / mp.sqrt(1 - x * x)),
    "arccos": (mp.acos, lambda x: -1 / mp.sqrt(1 - x * x)),
    "arctan": (mp.atan, lambda x: 1 / (1 + x * x)),
    "sinh": (mp.sinh, mp.cosh),
    "cosh": (mp.cosh, mp.sinh),
    "arcsinh": (mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x)),
    "arccosh": (mp.acosh, lambda x: 1 / mp.sqrt(x * x - 1)),
    "arctanh": (mp.atanh, lambda x: 1 / (1 - x * x)),
    "erf": (mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    "erfc": (lambda x: erfc(x), lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    "exp_minus_square": (lambda x: mp.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x)),
    "lgamma": (lambda x: mp.log(abs(mp.gamma(x))) if x < 1e6 else mp.loggamma(x), lambda x: mp.digamma(x)),
    "digamma": (mp.digamma, lambda x: mp.psi(1, x)),
    "polygamma": (lambda x: mp.psi(2, x), lambda x: mp.psi(3, x)),
    "abs": (abs, lambda x: mp.sign(x)),
    "sign": (mp.sign, lambda x: 0),
    "step": (lambda x: x > 0, lambda x: 0),
    "floor": (mp.floor, lambda x: 0),
    "ceil": (mp.ceil, lambda x: 0),
    "round": (mp.nint, lambda x: 0),
    "maximum": (max, lambda a, b: (share(a, b), share(b, a))),
    "minimum": (min, lambda a, b: (share(b, a), share(a, b))),
    "clip": (lambda x, lo, hi: min(max(x, lo), hi), lambda x, lo, hi: (lo < x < hi, x <= lo, x >= hi)),
    "where": (lambda c, a, b: a if c else b, lambda c, a, b: (0, bool(c), not c)),
}
# fmt: on


def σ(x: mp.mpf) -> mp.mpf:
    return 1 / (1 + mp.exp(-x))


def Φ(x: mp.mpf) -> mp.mpf:
    return erfc(-x / mp.sqrt(2)) / 2


def erfc(x: mp.mpf) -> mp.mpf:
    return mp.erfc(max(-1000, min(x, 1000)))  # mpmath itself fails far out


def softplus(x: mp.mpf) -> mp.mpf:
    return mp.log1p(mp.exp(x))


def inner(x: mp.mpf) -> mp.mpf:
    return mp.sqrt(8 / mp.pi) * (x + CUBE * x**3)


def share(a: mp.mpf, b: mp.mpf) -> mp.mpf:
    return mp.mpf(1) / 2 if a == b else a > b


ORDINARY = [0.001, 0.1, 0.25, 0.5, 0.7, 0.9, 1, 1.1, 1.3, 1.5, 2, 2.5, 3, 3.7, 5, 6, 7.3, 10]
LARGE = [12.3, 16, 20, 26, 27, 30, 37, 38.3, 50, 88, 100, 103, 300, 700, 709, 710, 740, 745, 750, 1e3, 1e5, 1e10, 1e16, 1e30, 1e100, 1e155, 1e160, 1e200, 1e300, 1.7e308]
TINY = [1e-5, 1e-8, 1e-16, 1e-30, 1e-100, 1e-160, 1e-200, 1e-300, 1e-310]
POSITIVE = [*TINY, *ORDINARY, *LARGE]
REAL = [0, *POSITIVE, *(-x for x in POSITIVE)]
WITHIN_ONE = [x for x in REAL if abs(x) < 1] + [1 - 1e-5, 1 - 1e-12, 1e-12 - 1, -0.9999]


def each(entries: Iterable[float]) -> Points:
    return [(x,) for x in entries]


DOMAINS: dict[str, Points] = {
    "real": each(REAL),
    "positive": each(POSITIVE),
    "unit": each(WITHIN_ONE),
    "above_one": each(x for x in [1.0001, 1 + 1e-9, *POSITIVE] if x > 1),
}
OWN: dict[str, Points] = {
    "leaky_relu": [(x, A) for x in REAL],
    "elu": [(x, A) for x in REAL],
    "log1p": each(x for x in REAL if x > -1),
    "cbrt": each(x for x in REAL if x),
    "reciprocal": each(x for x in REAL if x),
    "pow": [(x, p) for x in [0, *POSITIVE] for p in (0.5, 1, 1.5, 2, 2.5, 3, -0.5, -1, -2) if x or p >= 1],
    "hypot": [(a, b) for a in (1, 1e-200, 1e200) for b in REAL],
    "lgamma": each([*(x for x in POSITIVE if x > 1e-305), -0.5, -1.3, -2.5, -10.5, 0.95, 1.01, 1.99, 2.1]),
    "digamma": each([*POSITIVE, -0.5, -1.3, -2.5, -10.5]),
    "polygamma": each([1e-50, 1e-8, *ORDINARY, 20, 100, 1e5, 1e50]),
    "maximum": [(a, b) for a in REAL for b in (-2.5, 0, 0.5, 1e300)],
    "minimum": [(a, b) for a in REAL for b in (-2.5, 0, 0.5, 1e300)],
    "clip": [(x, lo, hi) for x in REAL for lo, hi in ((-1, 1), (0.5, 2.5), (-1e300, 1e300))],
    "where": [(c, a, b) for c in (0, 1, -0.5) for a in (2, 1e300) for b in (-3, 1e-300)],
}
TEXTS = {"polygamma": "polygamma(2, x)"}
NAMES = [name for name, record in OPERATORS.items() if record.family == "elementwise" and "'" not in name]
SLOPES = [name for name, record in OPERATORS.items() if record.family == "elementwise" and name.endswith("'") and not record.value]
BOTH = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


def points(name: str, dtype: type[np.floating[Any]]) -> Array:
    """The operands, a row each, at every point; points that the dtype could hold at a border of the domain alone are left out."""
    given = OWN.get(name) or DOMAINS[OPERATORS[name].domain]
    with np.errstate(all="ignore"):
        held = np.array(given).astype(dtype)
    kept = np.isfinite(held) & ((held == np.array(given)) | ~np.isin(held, (-1, 0, 1)))
    inside: Array = held[kept.all(axis=1)].T
    return inside


@cache
def net(name: str) -> Net:
    """The function of inputs named as its operands."""
    return compile("y = " + TEXTS.get(name, f"{name}({', '.join(OPERATORS[name].operands)})"), wrt="all")


def run(name: str, at: Array) -> list[Array]:
    """The value at each point, then the slope by each operand."""
    operands = {operand: row[None] for operand, row in zip(net(name).inputs, at, strict=True)}
    value, slopes = net(name).value_and_grad(**operands, delta=np.ones_like(at[:1]))
    return [value[0], *(slopes[operand][0] for operand in operands)]


def exactly(name: str, point: Array) -> list[mp.mpf]:
    """The exact value, then the exact slope by each operand."""
    value, slope = EXACT[name]
    with mp.workdps(400 if name in ("sin", "cos", "tan") or 0 < min(abs(point)) < 1e-2 else 60):
        at = [mp.mpf(float(x)) for x in point]
        slopes = slope(*at)
        return [mp.mpf(x) for x in (value(*at), *(slopes if isinstance(slopes, tuple) else (slopes,)))]


def is_held(exact: mp.mpf, dtype: type[np.floating[Any]]) -> bool:
    return bool(abs(exact) <= mp.mpf(float(np.finfo(dtype).max)))


def ulps(found: Any, exact: mp.mpf) -> float:
    """How many units in the last place of the exact value the found one is away; beyond the largest number, inf is right."""
    if not is_held(exact, type(found)):
        return 0 if np.isinf(found) and np.sign(found) == mp.sign(exact) else mp.inf
    unit = np.spacing(type(found)(abs(exact)))
    return float(abs(mp.mpf(float(found)) - exact) / mp.mpf(float(unit))) if np.isfinite(found) else mp.inf


@BOTH
@pytest.mark.parametrize("name", NAMES)
def test_values_and_slopes_are_right_to_the_last_digits(name: str, dtype: type[np.floating[Any]]) -> None:
    """And without a warning, unless the exact result is too large."""
    at = points(name, dtype)
    exact = [exactly(name, point) for point in at.T]
    held = np.array([all(is_held(x, dtype) for x in row) for row in exact])
    with np.errstate(all="raise", under="ignore"):
        found = np.array(run(name, at[:, held])).T
    with np.errstate(all="ignore"):
        beyond = np.array(run(name, at[:, ~held])).T
    assert found.dtype == beyond.dtype == dtype
    rows = [*zip(at.T[held], found, [e for e, h in zip(exact, held, strict=True) if h], strict=True)]
    rows += zip(at.T[~held], beyond, [e for e, h in zip(exact, held, strict=True) if not h], strict=True)
    wrong = [(point, list(map(float, row)), [mp.nstr(e, 17) for e in right]) for point, row, right in rows if any(ulps(f, e) > ULPS for f, e in zip(row, right, strict=True))]
    assert not wrong


@pytest.mark.parametrize("name", SLOPES)
def test_the_slope_of_a_slope_is_right(name: str) -> None:
    """relu' and its like are functions with slopes of their own."""
    others = [A] * (len(net(name).inputs) - 1)

    def slope(x: Any) -> mp.mpf:
        found = EXACT[name[:-1]][1](mp.mpf(float(x)) if isinstance(x, float) else x, *others)
        return mp.mpf(found[0] if others else found)

    for x in (-7.3, -2.5, -0.9, -0.1, 0.1, 0.7, 2.5, 7.3):
        value, changes, *_ = run(name, np.array([[x], *([a] for a in others)]))
        assert value[0] == pytest.approx(float(slope(x)), rel=1e-14)
        assert changes[0] == pytest.approx(float(mp.diff(slope, x)), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("name", [name for name in SLOPES if OPERATORS[name[:-1]].derivative])
def test_the_slope_stated_is_the_slope_computed(name: str) -> None:
    """The derivative of an activation is said in the notation, and computed by code of its own."""
    stated = compile(f"out = {name[:-1]}(x); y = {OPERATORS[name[:-1]].derivative}", shapes={"x": (1, 7)})
    x = np.array([[-7.3, -2.5, -0.9, 0.1, 0.7, 2.5, 7.3]])
    np.testing.assert_allclose(np.broadcast_to(stated(x=x), x.shape)[0], run(name, x)[0], rtol=1e-11, atol=1e-15)


# fmt: off
KINKS = [
    # function, operands           slopes
    ("relu", (0,),                 (0,)),
    ("leaky_relu", (0, A),         (A, 0)),
    ("relu6", (6,),                (0,)),
    ("hard_tanh", (1,),            (0,)),
    ("hard_sigmoid", (-3,),        (0,)),
    ("elu", (0, A),                (A, 0)),
    ("selu", (0,),                 (1.7580993408473768,)),
    ("softsign", (0,),             (1,)),
    ("abs", (0,),                  (0,)),
    ("sign", (0,),                 (0,)),
    ("step", (0,),                 (0,)),
    ("floor", (2,),                (0,)),
    ("round", (2.5,),              (0,)),
    ("maximum", (2, 2),            (0.5, 0.5)),
    ("minimum", (2, 2),            (0.5, 0.5)),
    ("clip", (1, -1, 1),           (0, 0, 1)),
    ("clip", (-1, -1, 1),          (0, 1, 0)),
    ("clip", (0, 1, 1),            (0, 0, 1)),
    ("sqrt", (0,),                 (np.inf,)),
    ("cbrt", (0,),                 (np.inf,)),
    ("arcsin", (1,),               (np.inf,)),
    ("pow", (0, 2),                (0, 0)),
]
# fmt: on


@pytest.mark.parametrize(("name", "operands", "slopes"), KINKS)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_the_slope_at_a_kink_is_as_agreed(name: str, operands: tuple[float, ...], slopes: tuple[float, ...]) -> None:
    assert run(name, np.array([operands], dtype=float).T)[1:] == [[slope] for slope in slopes]


# fmt: off
FAR_OUT = [
    # function     at -inf    at inf   slope at -inf   at inf
    ("relu",         0,       np.inf,     0,            1),
    ("relu6",        0,       6,          0,            0),
    ("hard_tanh",   -1,       1,          0,            0),
    ("hard_sigmoid", 0,       1,          0,            0),
    ("sigmoid",      0,       1,          0,            0),
    ("tanh",        -1,       1,          0,            0),
    ("softplus",     0,       np.inf,     0,            1),
    ("softsign",    -1,       1,          0,            0),
    ("silu",         0,       np.inf,     0,            1),
    ("mish",         0,       np.inf,     0,            1),
    ("gelu",         0,       np.inf,     0,            1),
    ("gelu_tanh",    0,       np.inf,     0,            1),
    ("exp",          0,       np.inf,     0,            np.inf),
    ("expm1",       -1,       np.inf,     0,            np.inf),
    ("arctan",      -np.pi/2, np.pi/2,    0,            0),
    ("arcsinh",     -np.inf,  np.inf,     0,            0),
    ("erf",         -1,       1,          0,            0),
    ("erfc",         2,       0,          0,            0),
    ("abs",          np.inf,  np.inf,    -1,            1),
    ("sign",        -1,       1,          0,            0),
    ("step",         0,       1,          0,            0),
]
# fmt: on


@pytest.mark.parametrize(("name", "low", "high", "falls", "rises"), FAR_OUT)
def test_infinities_give_the_limit(name: str, low: float, high: float, falls: float, rises: float) -> None:
    value, slope = run(name, np.array([[-np.inf, np.inf]]))
    assert (*value, *slope) == (low, high, falls, rises)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("step", "where")])
def test_nan_passes(name: str) -> None:
    value, *_ = run(name, np.full((len(net(name).inputs), 1), np.nan))
    assert np.isnan(value)


@pytest.mark.parametrize("is_optimized", [True, False])
@pytest.mark.parametrize("name", [name for name in NAMES if not OPERATORS[name].imports])
def test_float32_gives_float32(name: str, is_optimized: bool) -> None:
    operands = net(name).inputs
    made = compile(f"L = sum({name}({', '.join(operands)})^2)", wrt="all", optimize=is_optimized)
    _, grads = made.value_and_grad(**dict.fromkeys(operands, np.full((2, 3), 1.4 if name == "arccosh" else 0.4, np.float32)))
    assert {grad.dtype for grad in grads.values()} == {np.dtype(np.float32)}
