"""Every rewrite, proved: both sides with 60 digits at random points; and found, in the spellings that people use."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from sympy import Expr, Integer

from algebra2net import compile
from algebra2net.lower import Rule, rule
from algebra2net.operators.operator import NONE, Operation
from algebra2net.program import record, symbol
from algebra2net.stabilize import IDENTITIES, Identity
from algebra2net.stabilize.rules import NAMES

Matrix = Any  # an array of objects: numbers of mpmath

# ------------------------------------------------------------------------------------------ what the functions are, exactly


def reduced(function: Any) -> Any:
    """A reduction of a list as one along an axis."""

    def along(x: Matrix, axis: Expr) -> Matrix:
        lists = [list(x.flat)] if axis == NONE else [list(line) for line in (x.T if axis == 0 else x)]
        found = np.array([function(entries) for entries in lists], dtype=object)
        return found.reshape(1, -1) if axis == 0 else found.reshape(-1, 1)

    return along


def mean(entries: list[Any]) -> Any:
    return sum(entries) / len(entries)


def var(entries: list[Any]) -> Any:
    return mean([(x - mean(entries)) ** 2 for x in entries])


def norm(entries: list[Any]) -> Any:
    return mp.sqrt(sum(x * x for x in entries))


def logsumexp(entries: list[Any]) -> Any:
    return mp.log(sum(map(mp.exp, entries)))


SUM, MEAN, VAR, NORM, LSE, PROD = map(reduced, (sum, mean, var, norm, logsumexp, mp.fprod))

# fmt: off
ENTRYWISE: dict[str, Any] = {
    "plus": lambda a, b: a + b, "minus": lambda a, b: a - b, "neg": lambda a: -a, "times": lambda a, b: a * b, "scale": lambda a, b: a * b,
    "divide": lambda a, b: a / b, "power": mp.power, "power_of": mp.power, "sqrt": mp.sqrt, "exp": mp.exp, "expm1": lambda x: mp.exp(x) - 1, "log": mp.log, "log1p": lambda x: mp.log(1 + x),
    "abs": abs, "sign": mp.sign, "gt": lambda a, b: mp.mpf(a > b), "lt": lambda a, b: mp.mpf(a < b), "maximum": max, "minimum": min, "relu": lambda x: max(x, mp.mpf(0)),
    "clip": lambda x, lo, hi: min(max(x, lo), hi), "where": lambda c, a, b: a if c else b,
    "sin": mp.sin, "cos": mp.cos, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "tanh'": lambda x: mp.sech(x) ** 2, "sech": mp.sech,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)), "sigmoid'": lambda x: mp.exp(x) / (1 + mp.exp(x)) ** 2, "silu": lambda x: x / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)), "logaddexp": lambda a, b: mp.log(mp.exp(a) + mp.exp(b)), "log1mexp": lambda x: mp.log(1 - mp.exp(-x)),
    "logexpm1": lambda x: mp.log(mp.exp(x) - 1), "logcosh": lambda x: mp.log(mp.cosh(x)), "log_ratio": lambda x, y: mp.log(x / y), "log_product": lambda a, b: mp.log(a * b), "log_product_ratio": lambda a, b, c: mp.log(a * b / c),
    "x_log_y": lambda x, y: x * mp.log(y), "x_log1p_y": lambda x, y: x * mp.log(1 + y), "x_log_ratio": lambda x, y: x * mp.log(x / y),
    "hypot": mp.hypot, "unit_hypot": lambda x: mp.hypot(1, x), "log_hypot": lambda x, y: mp.log(mp.hypot(x, y)), "hypot_minus_one": lambda x: mp.sqrt(1 + x * x) - 1, "root_minus_one": lambda x: mp.sqrt(1 + x) - 1, "cosh_minus_one": lambda x: mp.cosh(x) - 1,
    "exp_minus_square": lambda x: mp.exp(-x * x), "gaussian": lambda x: mp.exp(-x * x / 2), "erf": mp.erf, "erfc": mp.erfc,
    "inverse_root_unit": lambda x: x / mp.sqrt(1 + x * x), "softsign": lambda x: x / (1 + abs(x)), "part_of_one": lambda x: x / (1 + x),
    "difference_of_squares": lambda x, y: x * x - y * y, "log1p_square": lambda x: mp.log(1 + x * x), "logistic_loss": lambda z, y: mp.log(1 + mp.exp(z)) - z * y,
    "share_of": lambda x, y: x / (x + y), "relative_difference": lambda x, y: (x - y) / (x + y), "parallel": lambda x, y: x * y / (x + y), "cauchy": lambda x: 1 / (1 + x * x),
    "expm1_less": lambda x: mp.exp(x) - 1 - x, "less_log1p": lambda x: x - mp.log(1 + x), "less_log": lambda x: x - 1 - mp.log(x), "sinh_over": lambda x: mp.sinh(x) / x, "tanh_over": lambda x: mp.tanh(x) / x, "log1p_inverse": lambda x: mp.log(1 + 1 / x), "power_of_positive": mp.power, "product_of_positive": lambda x, y: x * y, "sinh_less": lambda x: mp.sinh(x) - x, "less_tanh": lambda x: x - mp.tanh(x),
    "cosine_of": lambda x, y: x / mp.sqrt(x * x + y * y), "geometric_mean": lambda x, y: mp.sqrt(x * y), "less_sin": lambda x: x - mp.sin(x),
    "sin_over": lambda x: mp.sin(x) / x, "expm1_over": lambda x: (mp.exp(x) - 1) / x, "over_expm1": lambda x: x / (mp.exp(x) - 1), "log1p_over": lambda x: mp.log(1 + x) / x,
    "hypot_less": lambda a, x: mp.sqrt(a * a + x * x) - x, "root_less": lambda x, y: mp.sqrt(x * x + y) - x, "log_erfc": lambda x: mp.log(mp.erfc(x)),
    "log_normal": lambda x: mp.log(mp.ncdf(x)), "log1m_square": lambda x: mp.log(1 - x * x), "square_times_exp": lambda x, y: x * x * mp.exp(y), "scaled_erfc": lambda x: mp.exp(x * x) * mp.erfc(x), "arcsinh": mp.asinh, "arccosh": mp.acosh, "arctanh": mp.atanh,
    "root_of_positive": mp.sqrt, "logit": lambda x: mp.log(x / (1 - x)),
    "gelu": lambda x: x * mp.ncdf(x), "gelu_tanh": lambda x: x * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))) / 2,
}
WHOLE: dict[str, Any] = {
    "sum": SUM, "mean": MEAN, "max": reduced(max), "prod": reduced(mp.fprod), "log_prod": reduced(lambda x: mp.log(mp.fprod(x))), "var": VAR,
    "std": reduced(lambda x: mp.sqrt(var(x))), "norm": NORM, "logsumexp": LSE, "logmeanexp": reduced(lambda x: logsumexp(x) - mp.log(len(x))), "size": reduced(len),
    "shares": lambda x, axis: exp(x - LSE(x, axis)), "log_shares": lambda x, axis: x - LSE(x, axis), "unit": lambda x, axis: x / NORM(x, axis),
    "softmax": lambda x: exp(x - LSE(x, Integer(1))), "log_softmax": lambda x: x - LSE(x, Integer(1)), "normalize": lambda x: x / NORM(x, Integer(1)),
    "standardize": lambda x, eps, axis: (x - MEAN(x, axis)) / root(VAR(x, axis) + mp.mpf(float(eps))),
    "rootmeansquared": lambda x, eps, axis: x / root(MEAN(x * x, axis) + mp.mpf(float(eps))),
    "proportions": lambda x, axis: x / SUM(x, axis), "entropy": lambda x, axis: -SUM(exp(x - LSE(x, axis)) * (x - LSE(x, axis)), axis), "root_of_product": lambda x, a, axis: PROD(x, axis) ** a,
    "transpose": lambda x: x.T, "matmul": lambda a, b: a @ b, "root_of_gram": lambda x: root(x @ x.T),
    "norm_p": lambda x, p, axis: SUM(abs(x) ** p, axis) ** (1 / mp.mpf(p)),
    "det": lambda x: np.array([[mp.det(mp.matrix(x.tolist()))]], dtype=object), "logdet": lambda x: np.array([[mp.log(mp.det(mp.matrix(x.tolist())))]], dtype=object),
}
# fmt: on


def each(function: Any) -> Any:
    return np.frompyfunc(function, function.__code__.co_argcount if hasattr(function, "__code__") else 1, 1)


exp, root = np.frompyfunc(mp.exp, 1, 1), np.frompyfunc(mp.sqrt, 1, 1)


def evaluated(here: Rule, at: Mapping[str, Any]) -> Matrix:
    """What a rule computes, by the definitions above."""
    values: dict[Expr, Any] = {symbol(name): value for name, value in at.items()}

    def value_of(value: Expr) -> Matrix:
        if not isinstance(value, Operation):
            return values[value] if value in values else np.array([[mp.mpf(str(value))]], dtype=object)
        name, count = type(value).__name__, len(record(value).operands)
        operands = [value_of(arg) for arg in value.args[:count]]
        options = [values.get(option, option) for option in value.args[count:]]
        options = [option.flat[0] if isinstance(option, np.ndarray) else option for option in options]
        if name in ENTRYWISE:
            return np.frompyfunc(ENTRYWISE[name], count, 1)(*operands)
        return WHOLE[name](*operands, *options)

    for step in here.steps:
        values[step.name] = value_of(step.value)
    return value_of(here.result)


POSITIVE = ("positive", "positive rows", "powers", "odd powers", "gram", "geometric", "ordered", "above one")
EXPONENTS = {"odd powers": [0.3, -1.7], "powers": [3, -1, 5, 7], "even powers": [2, 4, -2], "norm": [3, 5], "even norm": [4, 6]}


def points(entry: Identity, draw: random.Random) -> dict[str, Any]:
    """Values for the names of an entry, where it holds."""

    def number(low: float, high: float) -> Any:
        return mp.mpf(draw.uniform(low, high))

    low, high = (0.1, 3) if entry.domain in POSITIVE else (0.1, 0.9) if entry.domain == "share" else (-3, 3)
    shape = (1, 1) if entry.domain in ("bounds", "powers", "even powers", "odd powers") else (3, 3) if entry.domain == "matrix" else (2, 4)
    at: dict[str, Any] = {name: np.array([[number(low, high) for _ in range(shape[1])] for _ in range(shape[0])], dtype=object) for name in ("a", "b", "x", "y")}
    if entry.domain == "matrix":
        at["x"] = at["x"] + 9 * np.eye(3, dtype=int)
    if entry.domain in ("ordered", "above one"):
        at["x"] = at["x"] + (at["y"] if entry.domain == "ordered" else 1)
    at |= {"p": scalar(draw.choice(EXPONENTS.get(entry.domain, [3]))), "lo": scalar(-1), "hi": scalar(1), "e": scalar(1e-5)}
    if entry.domain in ("norm", "even norm"):
        at["a"] = 1 / at["p"]
    if entry.domain == "geometric":
        at["a"] = scalar(0.3)
    return at | {"axis": draw.choice([NONE, Integer(0), Integer(1)])}


def scalar(value: float) -> Matrix:
    return np.array([[mp.mpf(value)]], dtype=object)


@pytest.mark.parametrize("entry", IDENTITIES, ids=lambda entry: entry.pattern)
def test_both_sides_are_equal(entry: Identity) -> None:
    draw = random.Random(1)
    with mp.workdps(60):
        for _ in range(6):
            at = points(entry, draw)
            left, right = (evaluated(rule(text, NAMES), at) for text in (entry.pattern, entry.replacement))
            rounded = any(letter in entry.pattern + entry.replacement for letter in ("0.70710", "1.5957"))  # constants of 17 digits
            for a, b in zip(np.broadcast_to(left, np.broadcast(left, right).shape).flat, np.broadcast_to(right, np.broadcast(left, right).shape).flat, strict=True):
                assert mp.almosteq(a, b, mp.mpf(10) ** (-13 if rounded else -50))


@pytest.mark.parametrize("entry", IDENTITIES, ids=lambda entry: entry.pattern)
def test_every_entry_is_found_where_it_is_typed(entry: Identity) -> None:
    given = {"axis=axis": "axis=1", "e": "1e-5", "lo": "-2", "hi": "3", "p": {"even powers": "4", "even norm": "4", "odd powers": "0.3"}.get(entry.domain, "3")}
    given |= {"a": f"(1/{given['p']})"} if "norm" in entry.domain else {"a": "0.3" if entry.domain == "geometric" else "a"}
    text = re.sub(r"axis=axis|\b(a|e|lo|hi|p)\b", lambda word: given[word[0]], entry.pattern)
    net = compile(text, shapes={"x": (3, 3)} if entry.domain == "matrix" else {"x": (2, 4)}, wrt="all")
    assert entry.reason in [r.reason for r in net.rewrites]
    assert not compile(text, shapes={"x": (3, 3)}, stabilize=False, wrt="all").rewrites


# fmt: off
SPELLINGS = [
    # what is typed                                               what is computed
    ("log(1 + exp(x))",                                           "softplus(x)"),
    ("log(exp(x) + 1)",                                           "softplus(x)"),
    ("log(1 + e^x)",                                              "softplus(x)"),
    ("q = exp(x); s = q + 1; log(s)",                             "softplus(x)"),
    ("log(1 + 1/exp(-x))",                                        "softplus(x)"),
    ("log(1 - (-exp(x)))",                                        "softplus(x)"),
    ("log1p(exp(x))",                                             "softplus(x)"),
    ("-log(1/(1 + exp(x)))",                                      "softplus(x)"),
    ("1 / (1 + exp(-x))",                                         "sigmoid(x)"),
    ("reciprocal(e^(-x) + 1)",                                    "sigmoid(x)"),
    ("exp(x) / (1 + exp(x))",                                     "sigmoid(x)"),
    ("exp(x) * 1/(exp(x) + 1)",                                   "sigmoid(x)"),
    ("1 - 1/(1 + exp(x))",                                        "sigmoid(x)"),
    ("(1 + tanh(x/2)) / 2",                                       "sigmoid(x)"),
    ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))",                   "tanh(x)"),
    ("(exp(x) - 1/exp(x)) / (exp(-x) + exp(x))",                  "tanh(x)"),
    ("(exp(2x) - 1) / (exp(2x) + 1)",                             "tanh(x)"),
    ("(1 - e^(-2x)) / (1 + e^(-2x))",                             "tanh(x)"),
    ("2 sigmoid(2x) - 1",                                         "tanh(x)"),
    ("2 / (1 + exp(-2x)) - 1",                                    "tanh(x)"),
    ("(e^x - e^(-x)) / 2",                                        "sinh(x)"),
    ("exp(x) / sum(exp(x), axis=1)",                              "softmax(x)"),
    ("e = exp(x); s = sum(e, axis=1); e / s",                     "softmax(x)"),
    ("e = exp(x - max(x, axis=1)); e * (1 / sum(e, axis=1))",     "softmax(x)"),
    ("log(exp(x) / sum(exp(x), axis=1))",                         "log_softmax(x)"),
    ("x - log(sum(exp(x), axis=1))",                              "log_softmax(x)"),
    ("log(sum(exp(x)))",                                          "logsumexp(x)"),
    ("m = max(x); log(sum(exp(x - m))) + m",                      "logsumexp(x)"),
    ("sqrt(sum(x * x))",                                          "||x||"),
    ("sum(square(x))^0.5",                                        "||x||"),
    ("x / sqrt(sum(x^2, axis=1))",                                "normalize(x)"),
    ("mean((mean(x) - x)^2)",                                     "var(x)"),
    ("1/8 * sum((x - 1/8 * sum(x))^2)",                           "var(x)"),
    ("mean(x^2) - mean(x)^2",                                     "var(x)"),
    ("sqrt(mean(square(x - mean(x))))",                           "std(x)"),
    ("max(x, 0) - x * y + log(1 + exp(-|x|))",                    "logistic_loss(x, y)"),
    ("log(1 + exp(x)) - y * x",                                   "logistic_loss(x, y)"),
    ("x / (|x| + 1)",                                             "softsign(x)"),
    ("max(0, x)",                                                 "relu(x)"),
    ("maximum(x, 0)",                                             "relu(x)"),
    ("x * (0 < x)",                                               "relu(x)"),
    ("(|x| + x) / 2",                                             "relu(x)"),
    ("maximum(-1, minimum(1, x))",                                "clip(x, -1, 1)"),
    ("0.5 * x * (1 + erf(x / sqrt(2)))",                          "gelu(x)"),
    ("x * (erf(0.7071067811865475 x) + 1) / 2",                   "gelu(x)"),
    ("0.5 x * (1 + tanh(sqrt(2/π) * (x + 0.044715 x^3)))",        "gelu_tanh(x)"),
]
# fmt: on


@pytest.mark.parametrize(("typed", "computed"), SPELLINGS)
def test_spellings_of_the_same_algebra_are_one(typed: str, computed: str) -> None:
    net = compile(typed, shapes={"x": (2, 4)}, wrt=["x"])
    assert str(net.steps.equations[-1].value) == computed


@pytest.mark.parametrize("text", [typed for typed, _ in SPELLINGS] + [entry.pattern for entry in IDENTITIES if "axis" not in entry.pattern and entry.domain != "matrix"])
def test_at_ordinary_points_values_and_gradients_are_those_of_what_was_typed(text: str) -> None:
    text = re.sub(r"\b(e|lo|hi|p)\b", lambda word: {"e": "1e-5", "lo": "-2", "hi": "3", "p": "3"}[word[0]] if "e^" not in text and "e = " not in text else word[0], text)
    rewritten, plain = (compile(text, shapes={"x": (2, 4)}, wrt="all", stabilize=stabilize) for stabilize in (True, False))
    draw = np.random.default_rng(0)
    arrays = {name: draw.uniform(0.1, 0.9, plain.shapes[name]) for name in plain.inputs}
    signal = {} if plain.shapes[plain.output] == (1, 1) else {"delta": draw.normal(size=plain.shapes[plain.output])}
    with np.errstate(invalid="ignore"):
        (value, grads), (expected, slopes) = (net.value_and_grad(**arrays, **signal) for net in (rewritten, plain))
    if not np.isnan(expected).any():
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-13)
        for name, slope in slopes.items():
            np.testing.assert_allclose(grads[name], slope, rtol=1e-8, atol=1e-12)


def test_what_was_typed_is_what_is_printed() -> None:
    typed = "p = softmax(z); L = -sum(y * log(p))"
    net, plain = compile(typed, wrt=["z"]), compile(typed, wrt=["z"], stabilize=False)
    assert str(net.program) == str(plain.program) == "p = softmax(z)\nL = -sum(y * log(p))"
    assert [r.pattern for r in net.rewrites] == ["log(softmax(x))"]
    assert not plain.rewrites


def test_named_values_keep_their_values() -> None:
    x = np.array([[0.3, -2.0, 1.0]])
    found = compile("e = exp(x); s = sum(e); p = e / s; L = log(p)").forward(x=x)
    np.testing.assert_allclose(found["e"], np.exp(x))
    np.testing.assert_allclose(found["p"], np.exp(x) / np.exp(x).sum())
    assert list(found) == ["e", "s", "p", "L"]


def test_a_gradient_by_a_named_value_still_goes_through_it() -> None:
    net = compile("p = softmax(z); L = -sum(y * log(p))", wrt=["p"])
    grads = net.grad(z=np.array([[0.0, 0.0]]), y=np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(grads["p"], [[-2, 0]])


def test_nan_stays_nan() -> None:
    nan = np.array([[np.nan, 1.0]])
    for text in ("log(1 + exp(x))", "x * log(x)", "exp(x) / sum(exp(x))", "sqrt(sum(x^2))", "maximum(x, 0)", "1 - sigmoid(x)"):
        assert np.isnan(compile(text)(x=nan)).any(), text


def test_what_is_always_zero_is_no_factor_to_divide_by() -> None:
    """mix(z, z) is z σ(z - z): the difference is 0, and no pattern may divide by it."""
    text = "mix(x, k) = x * sigmoid(x - x)\nz = k\nh = z\nl1 = mix(z, z)"
    assert compile(text, shapes={"k": (1, 1)})(k=3.0) == 1.5


def test_a_value_that_a_rewrite_goes_around_has_no_signal_of_its_own() -> None:
    """L takes z beside p after the rewrite, so what comes back to p is not all of ∂L/∂p, and must not be called so."""
    program = "p = sigmoid(z); q = y * p + (1 - y) * (1 - p); L = sum(q^2)"
    assert "d_p" not in str(compile(program, wrt="z").backprop)
    assert "d_p" in str(compile(program, wrt="z", stabilize=False).backprop)
    assert compile(program, wrt="z").check()
