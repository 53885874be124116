"""accelerate="numba": the same results as the readable module, whatever is in a loop; compiled, and run as the Python that it is.

Most tests run the loops uncompiled, with every operation in a loop that can be in one: compiling takes seconds, and what is
compiled is the same text. How much a result may differ is measured as for the other renderings (`test_renderings.py`), but
here exp, log and tanh are other functions than NumPy's: they, too, are moved by an ulp or two.
"""

from __future__ import annotations

import copy
import itertools
import operator
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from typing import Any

import numpy as np
import pytest
import test_renderings
from random_programs import random_program
from test_renderings import EVERY, Array, Function, assert_equal_renderings, found

from algebra2net import compile
from algebra2net.gallery import Entry, entries
from algebra2net.optimize import fast_math, joint, roles
from algebra2net.optimize.fusion import Plan
from algebra2net.run import load

numba = pytest.importorskip("numba")
mpmath = pytest.importorskip("mpmath")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
SHAKEN = ("exp", "expm1", "log", "log1p", "tanh")
of_inputs = test_renderings.spreads


class Shaken:
    """NumPy, but that the functions which `fast_math` has differ by up to two ulps, at every call in another way."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        if name not in SHAKEN:
            return function

        def shaken(x: Array, *out: Array) -> Array:
            y = function(x, *out)
            y *= 1 + 2 * np.finfo(y.dtype).eps * self.rng.uniform(-1, 1, np.shape(y)).astype(y.dtype)
            return y

        return shaken


def spreads(function: Function, arrays: Sequence[Array], results: Mapping[str, Any]) -> dict[str, Any]:
    """How far each result moves when the inputs move by an ulp, or the functions do."""
    within = of_inputs(function, arrays, results)
    given = function.__globals__
    try:
        for seed in range(3):
            given["np"] = Shaken(seed)
            for name, value in found(function(*arrays)).items():
                within[name] = max(within[name], 4 * np.max(np.abs(np.subtract(value, results[name])), initial=0.0))
    finally:
        given["np"] = np
    return within


@pytest.fixture(autouse=True)
def _other_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_renderings, "spreads", spreads)


@pytest.fixture
def _uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops run as Python, which warns where compiled code does not; all that can be in a loop is."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    monkeypatch.setattr(Plan, "is_worth_it", lambda self, loop: True)
    monkeypatch.setattr(roles, "NARROW", 0)
    monkeypatch.setattr(joint, "FEW", 2)
    monkeypatch.setattr(joint, "TALL", 0)
    monkeypatch.setattr(test_renderings.Pair, "is_quiet", staticmethod(lambda function, arrays: True))


# ----------------------------------------------------------------------------------------------------------- functions

FLOATS = (np.float64, np.float32)
ENDS = {np.float64: (-745.0, 709.0, 5e-324), np.float32: (-103.0, 88.0, 1e-45)}  # of exp; the smallest number
TRUE: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "tanh": mpmath.tanh,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "exp_of_negative": mpmath.exp,
    "exp_minus_square": lambda x: mpmath.exp(-x * x),
    "unit_hypot": lambda x: mpmath.sqrt(1 + x * x),
    "mills": lambda t: mpmath.sqrt(mpmath.pi / 2) * mpmath.exp(t * t / 2) * mpmath.erfc(t / mpmath.sqrt(2)),
    "density": lambda x: mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi),
}
ULPS = {"mills": 5, "exp": 1, "exp_of_negative": 1, "log": 1, "log1p": 1, "density": 3}  # the others 2


def points(name: str, f: Any) -> Array:
    """Numbers all over the domain, near 0, near 1, at its ends."""
    low, high, least = ENDS[f]
    rng = np.random.default_rng(0)
    near = np.concatenate([rng.normal(size=100), rng.normal(size=50) * 1e-4, rng.normal(size=20) * 1e-30, [least, -least, 0.0]])
    if name in ("log", "log1p"):
        near = np.concatenate([near, np.exp(rng.uniform(-80, 80, 100)), 1 + near / 100])
        near = np.abs(near) if name == "log" else near[near > -1]
    else:
        wide = {"exp_minus_square": 27.0, "density": 38.0}.get(name)
        near = np.concatenate([near, rng.uniform(low, high, 150) if wide is None else rng.uniform(-1, 1, 150) * np.sqrt(high / 709) * wide])
    if name == "mills":
        near = np.minimum(np.abs(near), 40)
    return (-np.abs(near) if name == "exp_of_negative" else near).astype(f)


def uncompiled(f: Any) -> dict[str, Callable[..., Any]]:
    return fast_math.functions(f, *[lambda function: function] * 2, operator.add)


def ulps(found: Any, true: Any, f: Any) -> float:
    nearest = f(float(true))
    return 0.0 if found == nearest else abs(float((mpmath.mpf(float(found)) - true) / mpmath.mpf(float(np.spacing(abs(nearest))))))


@pytest.mark.parametrize("f", FLOATS)
@pytest.mark.parametrize("name", TRUE)
def test_functions_are_right_to_the_last_digits(name: str, f: Any) -> None:
    function = uncompiled(f)[name]
    with np.errstate(all="ignore"), mpmath.workprec(200):
        for x in points(name, f):
            y, true = function(x), TRUE[name](mpmath.mpf(float(x))) if x != 0 or name != "log" else -np.inf
            assert y.dtype == f
            assert ulps(y, true, f) <= ULPS.get(name, 2), f"{name}({x!r}) is {y!r}, not {float(true)!r}"


@pytest.mark.parametrize("f", FLOATS)
@pytest.mark.parametrize("name", SHAKEN)
def test_functions_know_what_is_no_number(name: str, f: Any) -> None:
    """Infinite, nan, zeros with their signs, beyond the largest number, outside the domain: as NumPy."""
    function = uncompiled(f)[name]
    with np.errstate(all="ignore"):
        for x in np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1, -3, 1e30, -1e30], f):
            y, right = function(x), getattr(np, name)(x)
            assert (np.isnan(y) and np.isnan(right)) or (abs(y - right) <= 2 * np.spacing(abs(right)) if np.isfinite(right) else y == right), f"{name}({x}) is {y}, not {right}"
            assert np.isnan(y) or np.signbit(y) == np.signbit(right), f"the sign of {name}({x})"


@pytest.mark.parametrize("f", FLOATS)
def test_lengths_are_right_of_all_numbers(f: Any) -> None:
    """Of those, too, whose squares are infinite, or nothing."""
    hypot = uncompiled(f)["hypot"]
    rng = np.random.default_rng(0)
    large, least = (1e300, 1e-300) if f is np.float64 else (1e37, 1e-37)
    ends = np.array([0.0, -0.0, 1, -3, large, least, np.inf, -np.inf, np.nan], f)
    drawn = (rng.normal(size=(300, 2)) * rng.choice([1, 1e-9, 1e9, large, least], (300, 2))).astype(f)
    with np.errstate(all="ignore"):
        for a, b in [*drawn, *np.stack(np.meshgrid(ends, ends), -1).reshape(-1, 2)]:
            found, right = hypot(a, b), np.hypot(a, b)
            assert found.dtype == f
            assert (np.isnan(found) and np.isnan(right)) or found == right or abs(found - right) <= 2 * np.spacing(right), (a, b)


@pytest.mark.parametrize("f", FLOATS)
def test_exp_below_keeps_the_digits_of_a_tail(f: Any) -> None:
    function = uncompiled(f)["exp_below"]
    rng = np.random.default_rng(0)
    for x, top in rng.uniform(-60, 20, (200, 2)).astype(f):
        with mpmath.workprec(200):
            true = mpmath.exp(mpmath.mpf(float(min(x, top))) - mpmath.mpf(float(max(x, top))))
        assert ulps(function(min(x, top), max(x, top)), true, f) <= 2
    with np.errstate(all="ignore"):
        assert function(f(-np.inf), f(3)) == 0
        assert np.isnan(function(f(np.nan), f(3)))


# ------------------------------------------------------------------------------------------------------------- programs


@pytest.mark.usefixtures("_uncompiled")
@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_the_gallery(entry: Entry) -> None:
    net = compile(entry.program, wrt=entry.wrt, accelerate="numba")
    assert_equal_renderings(net, entry.program, [test_renderings._as_matrices(net, entry.example())], EVERY)


@pytest.mark.usefixtures("_uncompiled")
@pytest.mark.share(16)
def test_random_programs(seed: int) -> None:
    program = random_program(seed)
    net = compile(program.text, shapes=program.shapes, wrt="all" if seed % 3 else None, stabilize=seed % 4 != 0, accelerate="numba")
    batches = [program.arrays(seed), *([program.arrays(seed, batch) for batch in (1, 0, 33)] if program.has_batch else [])]
    some = {where: change for place, (where, change) in enumerate(EVERY.items()) if (place + seed) % 3 == 0 or where in ("as they are", "float32")}
    assert_equal_renderings(net, repr(program), batches, some, seed)


@pytest.mark.usefixtures("_uncompiled")
def test_a_product_is_done_by_a_line_of_numpys_or_by_a_loop() -> None:
    """Once it was done by both: by the line that calls erf, and by the loop after it."""
    algebra, shapes = "h = (x W) * erf(u)", {"x": (4, 3), "W": (3, 5), "u": (4, 5)}
    rng = np.random.default_rng(0)
    assert_equal_renderings(compile(algebra, shapes=shapes, wrt="all", accelerate="numba"), algebra, [{name: rng.normal(size=shape) for name, shape in shapes.items()}], EVERY)


# fmt: off
STEPS = "; ".join(f"h{t} = tanh(x{t} W + h{t - 1} U)" for t in range(1, 10))
COMPILED = [
    # program                                                                       shapes
    ("h = tanh(x W + h_1 U + b); g = sigmoid(x V); y = g * h + (1 - g) * h_1",      {"x": (64, 20), "W": (20, 80), "h_1": (64, 80), "U": (80, 80), "V": (20, 80), "b": (1, 80)}),
    ("L = bce_logits(X w + b, y)",                                                  {"X": (2500, 4), "w": (4, 1), "b": (1, 1), "y": (2500, 1)}),
    ("L = cross_entropy(layernorm(x W, g, b) V, y)",                                {"x": (40, 9), "W": (9, 30), "g": (1, 30), "b": (1, 30), "V": (30, 12), "y": (40, 12)}),
    ("L = sum(layernorm(x) * rmsnorm(x) * softmax(x) * y)",                         {"x": (6, 2500), "y": (6, 2500)}),
    (f"{STEPS}; L = sum(h9^2)",                                                     {f"x{t}": (40, 30) for t in range(1, 10)} | {"W": (30, 50), "h0": (40, 50), "U": (50, 50)}),
    ("L = sum(softmax(x W) * gelu(c * x W + y))",                                   {"x": (70, 9), "W": (9, 66), "c": (70, 1), "y": (70, 66)}),
]
# fmt: on


@pytest.mark.parametrize(("program", "shapes"), COMPILED, ids=[program for program, _ in COMPILED])
def test_compiled(program: str, shapes: dict[str, tuple[int, int]]) -> None:
    """With loops that numba has compiled: layouts, corners and all, as the readable one, and without a warning more."""
    net = compile(program, shapes=shapes, wrt="all", accelerate="numba")
    assert "LOOPS" in net.optimized_source
    rng = np.random.default_rng(1)
    assert_equal_renderings(net, program, [{name: rng.standard_normal(net.shapes[name]) for name in net.inputs}], EVERY)


GATED = ["r{t} = sigmoid(x{t} A + h{s} B + a)", "z{t} = sigmoid(x{t} C + h{s} D + b)", "n{t} = tanh(x{t} E + r{t} * (h{s} F) + c)", "h{t} = z{t} * h{s} + (1 - z{t}) * n{t}"]
CELL = ["f{t} = sigmoid(x{t} A + h{s} B + a)", "i{t} = sigmoid(x{t} C + h{s} D + b)", "g{t} = tanh(x{t} E + h{s} F)", "c{t} = f{t} * c{s} + i{t} * g{t}", "h{t} = tanh(c{t})"]


def recurrent(*lines: str, loss: str, steps: int = 4) -> tuple[str, dict[str, tuple[int, int]]]:
    """The algebra and the shapes of a net that does these lines at each step."""
    program = "; ".join([line.format(t=t, s=t - 1) for t in range(1, steps + 1) for line in lines] + [loss])
    shapes = {f"x{t}": (3, 2) for t in range(1, steps + 1)} | dict.fromkeys("ACE", (2, 5)) | dict.fromkeys("BDF", (5, 5)) | dict.fromkeys("abc", (1, 5))
    return program, {name: shape for name, shape in (shapes | {"h0": (3, 5), "c0": (3, 5), "k0": (3, 5)}).items() if re.search(rf"\b{name}\b", program)}


# fmt: off
JOINED = [  # what is put together, a net, what its code does
    ("the columns of inputs' products",  recurrent(*GATED, loss="L = sum(h4^2)"),                     r"\(\(A, C, E\), 1\)"),
    ("rows and columns, and a sum",      recurrent(*CELL, loss="L = sum(h4^2)"),                      r"\(\(B, D, F\), 1\)[^$]*\.T\b"),
    ("sums of more than that",           recurrent(*CELL, loss="L = sum(h1^2 + h2^2 + h3^2 + h4)"),   r"\(\(B, D, F\), 1\)[^$]*\.T\b"),
    ("a state and its input",            recurrent("h{t} = tanh(x{t} A + h{s} B + a)", loss="L = sum(h4^2 * h2)"), r"= h0\n"),
    ("not what rests on the other",      ("u1 = tanh(A B); u2 = tanh(A u1); u3 = exp(-A u2); L = sum(u3' A u3)", {"A": (5, 5), "B": (5, 5)}), r"A\.dot\(\w+\)"),
    ("two layers",                       recurrent("h{t} = tanh(x{t} A + h{s} B + a)", "k{t} = sigmoid(h{t} D + k{s} F + b)", loss="L = sum(k4^2)"), r"\(\(D, B\), 1\)"),
]
# fmt: on


@pytest.mark.usefixtures("_uncompiled")
@pytest.mark.parametrize("wrt", ["all", None])
@pytest.mark.parametrize(("made", "there"), [row[1:] for row in JOINED], ids=[row[0] for row in JOINED])
def test_products_that_share_a_factor_are_one(made: tuple[str, dict[str, tuple[int, int]]], there: str, wrt: str | None) -> None:
    """What loops make is written where larger products read it; results are arrays of their own, without gaps."""
    program, shapes = made
    net = compile(program, shapes=shapes, wrt=wrt or [name for name in shapes if name in "ABCDEFabc"], accelerate="numba")
    assert re.search(there, net.optimized_source.partition("def value_and_grad(")[2])
    rng = np.random.default_rng(1)
    given = {name: rng.standard_normal(net.shapes[name]) for name in net.inputs}
    assert_equal_renderings(net, program, [given], EVERY)
    results = [*net.value_and_grad(**given)[1].values()]
    assert all(result.flags.c_contiguous for result in results)
    assert not any(np.may_share_memory(a, b) for a, b in itertools.combinations([*results, *given.values()], 2))


def test_steps_share_a_product_but_no_results_memory() -> None:
    """What each step asks of a matrix is the rows of one product; in values that are returned, too."""
    net = compile(f"{STEPS.replace('tanh', '')}; L = sum(h9^2)", shapes=dict(COMPILED)[f"{STEPS}; L = sum(h9^2)"], accelerate="numba")
    assert len(re.findall(r" @ W\b|\.dot\(W\)", net.optimized_source)) == 2  # in each of two functions once
    rng = np.random.default_rng(1)
    values = net.forward(**{name: rng.standard_normal(net.shapes[name]) for name in net.inputs})
    assert all(values[f"h{t}"].base is None for t in range(1, 10))


def test_threads_copies_and_pickles_give_the_same() -> None:
    """Eight threads at once, from the first call on."""
    net = compile("L = sum(tanh(x) * sigmoid(x))", wrt="x", accelerate="numba")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((100, 300)) for _ in range(16)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda x: net.value_and_grad(x=x), arrays))
    plain = compile("L = sum(tanh(x) * sigmoid(x))", wrt="x")
    for x, (value, grads) in zip(arrays, results, strict=True):
        right, slopes = plain.value_and_grad(x=x)
        assert value == pytest.approx(right, rel=1e-12)
        np.testing.assert_allclose(grads["x"], slopes["x"], rtol=1e-12, atol=1e-15)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.optimized_source == net.optimized_source


# --------------------------------------------------------------------------------------------------------------- errors


def test_arrays_of_other_shapes_are_refused_before_anything_is_read() -> None:
    run = load(compile("y = exp(x) * tanh(x) + exp(z) * tanh(z)", shapes={"x": (80, 90), "z": (80, 90)}, accelerate="numba").optimized_source)["forward"]
    with pytest.raises(ValueError, match="do not fit together"):
        run(np.ones((80, 90)), np.ones((80, 9)))


def test_other_float_types_are_refused_by_name() -> None:
    run = load(compile("y = exp(x) * tanh(x) * sigmoid(x)", accelerate="numba").optimized_source)["forward"]
    with pytest.raises(TypeError, match="give float32 or float64, or compile without accelerate"):
        run(np.ones((80, 90), np.longdouble))


def test_without_numba_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *rest: None if name == "numba" else find_spec(name, *rest))
    with pytest.raises(ImportError, match=r"pip install 'algebra2net\[accelerate\]'"):
        compile("y = exp(x)", accelerate="numba")


@pytest.mark.parametrize(
    ("options", "says"),
    [({"accelerate": "jax"}, "accelerate cannot be 'jax'; it is one of None, 'numba'"), ({"accelerate": "numba", "optimize": False}, "cannot go with optimize=False")],
)
def test_what_cannot_be_asked_for(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        compile("y = exp(x)", **options)


def test_an_exported_file_needs_numpy_alone() -> None:
    text = compile("z = tanh(x W)\nL = mse(z, y)", shapes={"x": 3, "z": 2}, accelerate="numba").export(optimized=True)
    assert "numba" not in text
