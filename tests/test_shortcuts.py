"""Shorter ways for ordinary numbers: what the generated code does in place of a careful function where no digit is at risk."""

from __future__ import annotations

import re
import warnings
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from algebra2net import compile
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import BESIDE
from algebra2net.operators.prelude import functions_of
from algebra2net.optimize.in_place import in_place
from algebra2net.optimize.shortcuts import shortcut

ORDINARY = (-2.0, -0.3, 0.0, 0.1, 1.7, 3.0)
FAR = (-1000.0, -745.0, -90.0, -41.0, -20.0, -5.0, 5.0, 19.0, 30.0, 88.0, 710.0, 1000.0)
RANGES = {
    "ordinary": ORDINARY,
    "one far below": (*ORDINARY, -60.0, -400.0),
    "one far above": (*ORDINARY, 60.0, 400.0),
    "one whose cosh² overflows in float32": (*ORDINARY, 60.0),
    "far": (*ORDINARY, *FAR),
    "saturated": (25.0, 300.0, -300.0),
    "one in a hundred far": (*(0.1,) * 200, 3.0, -25.0),
}
SHARED = ("sigmoid", "silu", "softplus", "tanh")


def sech2(x: Any) -> Any:
    return 1 / mp.cosh(x) ** 2


def logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def logistic_slope(x: Any) -> Any:
    return logistic(x) * logistic(-x)


EXACT = {"tanh": sech2, "softplus": logistic, "sigmoid": logistic_slope, "silu": lambda x: logistic(x) + x * logistic_slope(x)}


def repeated(points: tuple[float, ...], size: int, dtype: Any) -> np.ndarray[Any, Any]:
    return np.resize(np.array(points, dtype), (4, size // 4))


@pytest.mark.parametrize("size", [8, 4000, 40000, 160000], ids=lambda size: f"{size} entries")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("points", RANGES.values(), ids=RANGES.keys())
@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("optimize", [True, False])
def test_a_slope_keeps_its_digits_on_either_way(optimize: bool, name: str, points: tuple[float, ...], dtype: Any, size: int) -> None:
    x = repeated(points, size, dtype)
    net = compile(f"a = {name}(x)\nL = sum(a * y)", shapes={"x": x.shape, "y": x.shape}, wrt=["x"], optimize=optimize)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = net.grad(x=x, y=np.ones_like(x))["x"].ravel()
    with mp.workdps(60):
        known = {float(point): float(EXACT[name](mp.mpf(float(point)))) for point in set(x.ravel().tolist())}
    expected = np.array([known[float(point)] for point in x.ravel()])
    tiny = float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(found[np.abs(expected) > tiny], expected[np.abs(expected) > tiny], rtol=64 * float(np.finfo(dtype).eps))
    assert np.all(np.abs(found[np.abs(expected) <= tiny]) <= tiny)


def root(x: Any) -> Any:
    return mp.sqrt(1 + x * x)


def normal(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


VALUES = {  # each with its slope
    "erf(x)": (mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    "gelu(x)": (lambda x: x * normal(x), lambda x: normal(x) + x * mp.npdf(x)),
    "sqrt(1 + x^2)": (root, lambda x: x / root(x)),
    "sqrt(1 + x^2) - 1": (lambda x: root(x) - 1, lambda x: x / root(x)),
    "log(1 + x^2)": (lambda x: mp.log(1 + x * x), lambda x: 2 * x / (1 + x * x)),
    "1 / (1 + x^2)": (lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    "x / sqrt(1 + x^2)": (lambda x: x / root(x), lambda x: 1 / root(x) ** 3),
    "arctan(x)": (mp.atan, lambda x: 1 / (1 + x * x)),
}
SQUARES = {"ordinary": (*ORDINARY, 1e-12, -3.9, -10.0), "far": (*ORDINARY, *FAR), "one whose square overflows": (*ORDINARY, 1e25)}


@pytest.mark.parametrize("size", [12, 160000], ids=lambda size: f"{size} entries")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("points", SQUARES.values(), ids=SQUARES.keys())
@pytest.mark.parametrize("algebra", VALUES)
def test_a_value_and_its_slope_keep_their_digits_on_either_way(algebra: str, points: tuple[float, ...], dtype: Any, size: int) -> None:
    x = repeated(points, size, dtype)
    net = compile(f"a = {algebra}\nL = sum(a * y)", shapes={"x": x.shape, "y": x.shape}, wrt=["x"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = net.forward(x=x, y=np.ones_like(x))["a"], net.grad(x=x, y=np.ones_like(x))["x"]
    at = [float(dtype(point)) for point in points]
    with mp.workdps(90):
        exact = {point: [float(each(mp.mpf(point))) for each in VALUES[algebra]] for point in at}
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    for k, entries in enumerate(found):
        expected = np.array([exact[point][k] for point in x.ravel().tolist()])
        np.testing.assert_allclose(entries.ravel(), expected, rtol=64 * eps, atol=tiny)


@pytest.mark.parametrize("points", RANGES.values(), ids=RANGES.keys())
def test_functions_of_one_operand_share_its_exponential(points: tuple[float, ...]) -> None:
    algebra = "L = sum(sigmoid(x) * tanh(x) * silu(x) * softplus(x))"
    for size in (8, 160000):  # the second in blocks
        x = repeated(points, size, np.float64)
        net = compile(algebra, shapes={"x": x.shape}, wrt=["x"])
        careful = compile(algebra, shapes={"x": x.shape}, wrt=["x"], optimize=False)
        assert len(re.findall(r"\bexp\((\w+), \1\)", net.optimized_source.split("def value_and_grad(")[1])) == 1
        value, grads = net.value_and_grad(x=x)
        expected, gradients = careful.value_and_grad(x=x)
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(grads["x"], gradients["x"], rtol=1e-12, atol=1e-300)


def test_nothing_of_a_shorter_way_is_in_a_module_that_takes_none() -> None:
    assert "tanh_slope(" not in compile("y = tanh'(x)").source


@pytest.mark.parametrize("nan", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", SHARED)
def test_nan_and_infinity_come_through_as_in_the_readable_module(name: str, nan: float) -> None:
    x = np.array([[0.5, nan, -1.0]])
    algebra = f"a = {name}(x)\nL = sum(a^2)"
    found = [compile(algebra, shapes={"x": (1, 3)}, wrt=["x"], optimize=fast).grad(x=x)["x"] for fast in (True, False)]
    np.testing.assert_allclose(*found, rtol=1e-14)


FUNCTIONS = {
    "one after the other": ("def f(x):\n    return 1 / (1 + np.exp(-x))", ["t1 = np.negative(x)", "np.exp(t1, t1)", "np.add(1, t1, t1)", "np.divide(1, t1, t1)", "return t1"]),
    "a name is kept": ("def f(x):\n    e = np.exp(-x)\n    return e / (1 + e)", ["e = np.negative(x)", "np.exp(e, e)", "t1 = 1 + e", "np.divide(e, t1, t1)", "return t1"]),
    "a question": ("def f(x):\n    if x.min(initial=0) > -80:\n        return x * x * x\n    return x",
                   ["if (x.item(x.argmin()) if x.size else 0) > -80:", "    t1 = np.square(x)", "    t1 *= x", "    return t1", "return x"]),
    "anything else stays": ("def f(x):\n    return np.where(x > 0, x, 0) * x", ["return np.where(x > 0, x, 0) * x"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "lines"), FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_a_function_is_written_in_place(text: str, lines: list[str]) -> None:
    assert in_place(text).split("\n")[1:] == [f"    {line}" for line in lines]


CALLED = {
    name: text
    for record in (*OPERATORS.values(), *BESIDE.values())
    if record.elementwise and len(record.operands) == 1
    for name, text in functions_of(record.prelude).items()
    if "(x):" in text
}


@pytest.mark.parametrize("name", CALLED)
def test_every_function_gives_the_same_in_place_and_leaves_its_operand(name: str) -> None:
    spaces: list[dict[str, Any]] = []
    record = next(record for record in (*OPERATORS.values(), *BESIDE.values()) if name in functions_of(record.prelude))
    for change in (lambda text: text, lambda text: text if "," in text.partition("\n")[0] else in_place(text)):
        space: dict[str, Any] = {"np": np}
        exec(record.imports, space)
        for text in functions_of(record.prelude).values():
            exec(change(text), space)
        spaces.append(space)
    for points in ((0.1, 0.4, 0.9), (0.5, 3.0, 30.0)):
        x = np.array([points])
        before = x.copy()
        with np.errstate(all="ignore"):
            plain, changed = (space[name](x) for space in spaces)
        np.testing.assert_array_equal(x, before)
        np.testing.assert_allclose(changed, plain, rtol=1e-14)


def test_a_function_without_a_question_has_no_shorter_way() -> None:
    assert shortcut("def f(x):\n    return 1 / (1 + np.exp(-x))", True) is None


ACTIVATIONS = [
    name
    for name, record in OPERATORS.items()
    if record.elementwise and len(record.operands) == 1 and record.domain == "real" and not (record.internal or record.options or record.imports)
]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_operand_that_nobody_needs_any_more_is_not_written_over_too_early(name: str) -> None:
    algebra, shapes = f"L = sum({name}(x A)^2)", {"x": (300, 4), "A": (4, 300)}  # in blocks
    arrays = {array: np.random.default_rng(0).normal(0.3, 0.5, size) for array, size in shapes.items()}
    found, expected = (compile(algebra, shapes=shapes, wrt=["A"], optimize=fast).value_and_grad(**arrays) for fast in (True, False))
    assert found[0] == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(found[1]["A"], expected[1]["A"], rtol=1e-11, atol=1e-13)


NORMED = {  # rows of 50 entries, as many as make code ask whether they are ordinary
    "ordinary": lambda rng: rng.normal(size=(40, 50)),
    "far from 0": lambda rng: rng.normal(1e4, 1, (40, 50)),
    "one row is constant": lambda rng: np.vstack([rng.normal(size=(39, 50)), np.full((1, 50), 0.3)]),
    "tiny": lambda rng: rng.normal(size=(40, 50)) * 1e-30,
    "huge": lambda rng: rng.normal(size=(40, 50)) * 1e18,
    "one entry is most of its row": lambda rng: np.vstack([rng.normal(size=(39, 50)), 1e4 * np.eye(1, 50)]),
}


def normed(x: Any, delta: Any, centred: bool, eps: float) -> tuple[Any, Any]:
    """Layer norm, or RMS norm, of x and what it passes back, by hand in numbers of 64 binary digits and more."""
    x, delta = x.astype(np.longdouble), delta.astype(np.longdouble)
    mean = x.mean(axis=1, keepdims=True) if centred else 0
    size = np.sqrt(((x - mean) ** 2).mean(axis=1, keepdims=True) + np.longdouble(eps))
    u = (x - mean) / size
    rest = delta - u * (u * delta).mean(axis=1, keepdims=True)
    return u, (rest - delta.mean(axis=1, keepdims=True) * centred) / size


@pytest.mark.parametrize("is_optimized", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("draw", NORMED.values(), ids=NORMED.keys())
@pytest.mark.parametrize("name", ["layernorm", "rmsnorm"])
@pytest.mark.parametrize("columns", [50, 6])
@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="needs numbers of 64 binary digits")
def test_norms_of_rows_keep_their_digits_on_either_way(columns: int, name: str, draw: Any, dtype: Any, is_optimized: bool) -> None:
    rng = np.random.default_rng(0)
    x, delta = (array[:, :columns].astype(dtype) for array in (draw(rng), rng.normal(size=(40, 50))))
    net = compile(f"u = {name}(x)\nL = sum(u * y)", shapes={"x": x.shape, "y": x.shape}, wrt=["x"], optimize=is_optimized)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, back = net.forward(x=x, y=delta)["u"], net.grad(x=x, y=delta)["x"]
    for found, expected in zip((value, back), normed(x, delta, name == "layernorm", 1e-5), strict=True):
        off = np.abs(found - expected).max(axis=1) / np.maximum(np.abs(expected).max(axis=1), np.finfo(dtype).tiny)
        assert off.max() < 64 * np.finfo(dtype).eps


# fmt: off
EXTRAORDINARY = [
    # the function         ordinary operands                            one entry more, which asks for care
    ("logcosh",             [[-3.0, 0.0, 1e-9, 0.4, 60.0]],              [900.0]),
    ("exp_minus_square",    [[-3.0, 0.0, 1e-9, 0.4, 6.5]],               [30.0]),
    ("x_log_y",             [[0.0, 1.0, 0.3, 1.0], [0.5, 0.5, 2.0, 1.0]], [0.0, 0.0]),
    ("x_log1p_y",           [[0.0, 1.0, 0.3, 1.0], [-0.5, 0.5, 2.0, 1e-9]], [0.0, -1.0]),
    ("quotient_or_zero_at", [[0.0, 1.0, 0.3, 1.0], [0.5, 0.5, 2.0, 1.0]], [0.0, 0.0]),
]
# fmt: on


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "operands", "more"), EXTRAORDINARY)
def test_ordinary_numbers_come_out_the_same_beside_one_that_is_not(name: str, operands: list[list[float]], more: list[float], dtype: type) -> None:
    space: dict[str, Any] = {"np": np}
    exec(OPERATORS[name].prelude, space)
    arrays = [np.array([row], dtype) for row in operands]
    longer = [np.array([[*row, entry]], dtype) for row, entry in zip(operands, more, strict=True)]
    careful = space[name](*longer)
    np.testing.assert_allclose(space[name](*arrays), careful[:, :-1], rtol=16 * np.finfo(dtype).eps)
    assert np.isfinite(careful).all()


FRACTIONS = {  # of float32: the operator, its function, what is exact, up to where
    "erf": ("erf", mp.erf, 3.84),
    "gelu": ("mills", lambda t: mp.erfc(t / mp.sqrt(2)) / 2 / mp.npdf(t), 40.0),
}


@pytest.mark.parametrize("name", FRACTIONS)
def test_a_fraction_of_float32_is_as_near_as_it_says(name: str) -> None:
    """In float64 arithmetic, so that a wrong coefficient is not taken for rounding."""
    function, exact, end = FRACTIONS[name]
    text = functions_of(OPERATORS[name].prelude)[function]
    space: dict[str, Any] = {"np": np}
    exec(re.sub(r"\w\.dtype\.itemsize < 8", "True", text), space)
    x = np.linspace(1e-6, end, 500)
    with mp.workdps(30):
        expected = np.array([float(exact(mp.mpf(float(point)))) for point in x])
    np.testing.assert_allclose(space[function](x), expected, rtol=2.1e-8)


ANGLES = {
    "of a few turns": np.linspace(-20, 20, 3001),
    "at the ends of the table's steps": (np.arange(-1500, 1501) + 0.5) * np.pi / 512,
    "next to where one of them is 0": np.arange(-1500, 1501) * np.pi / 2,
    "of many turns": np.linspace(-49_000, 49_000, 3001),
    "next to 0": np.geomspace(1e-300, 1e-3, 3001),
    "too many turns, and none": np.array([*np.linspace(0, 9, 3000), 1e15, 5e-324]),
}


@pytest.mark.parametrize("angles", ANGLES.values(), ids=ANGLES.keys())
def test_sine_and_cosine_at_once_have_their_digits(angles: np.ndarray[Any, Any]) -> None:
    net = compile("s = sin(x)\nc = cos(x)\nL = sum(s * c)", shapes={"x": angles[None].shape})
    assert "s, c = sin_and_cos(x)" in net.optimized_source
    found = net.forward(x=angles[None])
    with mp.workdps(60):
        for name, exact in (("s", mp.sin), ("c", mp.cos)):
            expected = np.array([float(exact(mp.mpf(float(angle)))) for angle in angles])
            np.testing.assert_array_max_ulp(found[name][0], expected, 8)


def test_erf_beside_its_slope_has_its_digits() -> None:
    scipy = pytest.importorskip("scipy.special")
    x = np.array([*np.linspace(-9, 9, 5001), *(np.arange(-3000, 3000) + 0.5) / 1024, *np.geomspace(1e-300, 1e-3, 501), -np.inf, np.inf])
    net = compile("L = sum(erf(x))", shapes={"x": x[None].shape}, wrt=["x"])
    space: dict[str, Any] = {"np": np, "special": scipy}
    assert "gauss_and_erf(x" in gradient_of(net.optimized_source)
    exec(OPERATORS["erf"].prelude, space)
    slopes, found = space["gauss_and_erf"](x)
    with mp.workdps(60):
        np.testing.assert_array_max_ulp(found, np.array([float(mp.erf(mp.mpf(float(point)))) for point in x]), 8)
        np.testing.assert_allclose(slopes, np.array([float(mp.exp(-(mp.mpf(float(point)) ** 2))) for point in x]), rtol=64 * 2**-52)
    assert np.isnan(space["gauss_and_erf"](np.full(5000, np.nan))).all()


def gradient_of(source: str) -> str:
    return source[source.index("def value_and_grad(") :]


@pytest.mark.parametrize("name", [None, "numba"])
@pytest.mark.parametrize("algebra", ["a = sin(x) * tanh(x)\nL = sum(a * y) + sum(cos(x)^2)", "L = sum(erf(x) * y)"])
@pytest.mark.parametrize(("size", "dtype", "at_once"), [((3, 4), np.float64, False), ((50, 60), np.float64, True), ((400, 300), np.float64, True), ((400, 300), np.float32, True)])
def test_two_functions_at_once_give_the_same(size: tuple[int, int], dtype: Any, at_once: bool, algebra: str, name: str | None) -> None:
    """Of small arrays by NumPy's two functions; of large ones in blocks, also where entries are turns without number, or none."""
    if name:
        pytest.importorskip(name)
    net, readable = (compile(algebra, shapes={"x": size, "y": size}, wrt=["x"], **options) for options in ({"accelerate": name} if name else {}, {"optimize": False}))
    assert bool(re.search(r"(sin_and_cos|gauss_and_erf)\(", net.optimized_source)) == at_once
    x, y = (np.random.default_rng(seed).normal(size=size).astype(dtype) * 5 for seed in (0, 1))
    for last in (3.0, 1e9, np.nan):
        x[-1, -1] = last
        (value, grads), (expected, slopes) = (each.value_and_grad(x=x, y=y) for each in (net, readable))
        np.testing.assert_allclose(value, expected, rtol=1e-4 if dtype is np.float32 else 1e-12)
        np.testing.assert_allclose(grads["x"], slopes["x"], rtol=0, atol=(1e-4 if dtype is np.float32 else 1e-12))
        assert grads["x"].dtype == dtype
