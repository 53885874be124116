"""Arrays as they come: what NumPy can make an array of goes in, what comes out is right, its own, and of one float type.

Each form of the same numbers, in the place of each input and of all, gives what plain matrices of float64 give; what holds
no real numbers, or does not fit, is refused by a message that names the array, what was expected, and why.
"""

from __future__ import annotations

import array as arrays_of_python
import copy
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from algebra2net import Net, ShapeError, compile
from algebra2net.gallery import Entry, entries
from algebra2net.operators import OPERATORS

Array = np.ndarray[Any, np.dtype[Any]]

# fmt: off
NETS = {  # program, shapes of its inputs
    "two layers":       ("l2 = relu(l0 W0 + b0) W1",                                        {"l0": (4, 3), "W0": (3, 5), "b0": (1, 5), "W1": (5, 2)}),
    "a loss":           ("L = cross_entropy(tanh(x W + b), y) + 0.1 λ sum(W^2)",            {"x": (6, 4), "W": (4, 3), "b": (1, 3), "y": (6, 3), "λ": (1, 1)}),
    "rows and columns": ("y = (X - m) / s * k + c",                                         {"X": (3, 4), "m": (1, 4), "s": (3, 1), "k": (1, 1), "c": (1, 4)}),
    "paper columns":    ("h = tanh(W x + b) where W: 3x2, x: 2x1, b: 3x1",                 {"W": (3, 2), "x": (2, 1), "b": (3, 1)}),
    "matrix functions": ("L = logdet(A' A + I) + tr(inv(A' A + 2 I) B) + det(A + 3 I)",     {"A": (3, 3), "B": (3, 3)}),
    "choices":          ("y = where(x > a, x * x, exp(-x)) + maximum(x, a) + sign(x - a)",  {"x": (3, 4), "a": (1, 4)}),
    "over examples":    ("z = (x - mean(x, axis=0)) / (std(x, axis=0) + 1); L = sum(softmax(z) ∘ x) / size(x)", {"x": (5, 3)}),
}
# fmt: on


@cache
def net_of(name: str) -> Net:
    return compile(NETS[name][0], wrt="all")


def flags(name: str) -> dict[str, Array]:
    """Zeros and ones, so that every form holds the same numbers; divisors are ones."""
    rng = np.random.default_rng(len(name))
    return {word: np.ones(size) if word in ("s", "λ") else rng.integers(0, 2, size).astype(float) for word, size in NETS[name][1].items()}


def keys(given: Mapping[str, Any]) -> dict[str, Any]:
    """The names as the net has them."""
    return {"lambda" if name == "λ" else name: value for name, value in given.items()}


def signal(net: Net, given: Mapping[str, Any]) -> dict[str, Any]:
    value = net(**given)
    return {} if isinstance(value, float) else {"delta": np.arange(1.0, 1 + value.size).reshape(value.shape) / value.size}


@cache
def expected(name: str) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """Every named value, the value and the gradients, of plain matrices."""
    net, given = net_of(name), flags(name)
    return net.forward(**given), *net.value_and_grad(**given, **signal(net, given))


def agrees(net: Net, name: str, given: Mapping[str, Any], rtol: float = 1e-12) -> tuple[Any, dict[str, Any]]:
    """What is given gives what plain matrices give; gradients have the shapes of their arrays."""
    values, value, grads = expected(name)
    for word, found in net.forward(**given).items():
        np.testing.assert_allclose(found, values[word], rtol=rtol, atol=rtol, err_msg=word)
    found, its = net.value_and_grad(**given, **signal(net, given))
    np.testing.assert_allclose(found, value, rtol=rtol, atol=rtol)
    for word, grad in its.items():
        shape = np.shape(keys(given)[word])
        assert np.shape(grad) == shape, f"the gradient by {word} has shape {np.shape(grad)}, the array {shape}"
        np.testing.assert_allclose(np.reshape(grad, grads[word].shape), grads[word], rtol=10 * rtol, atol=10 * rtol, err_msg=word)
    return found, its


# ------------------------------------------------------------------------------------------------- forms of the same numbers


class Holder:
    """What has an array, and is none."""

    def __init__(self, held: Array) -> None:
        self.held = held
        self.shape = held.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self.held if dtype is None else self.held.astype(dtype)


class Mine(np.ndarray[Any, Any]):
    """An array with a class of its own."""


def strided(a: Array) -> Array:
    larger = np.full((2 * a.shape[0], 3 * a.shape[1]), np.nan)
    larger[::2, 1::3] = a
    return larger[::2, 1::3]


def read_only(a: Array) -> Array:
    a = a.copy()
    a.flags.writeable = False
    return a


def unaligned(a: Array) -> Array:
    packed = np.zeros(a.size, dtype=[("pad", "u1"), ("number", "f8")])
    packed["number"] = a.ravel()
    return packed["number"].reshape(a.shape)


# fmt: off
FORMS: dict[str, Callable[[Array], Any]] = {
    "a list of lists":        lambda a: a.tolist(),
    "tuples of ints":         lambda a: tuple(tuple(int(x) for x in row) for row in a),
    "lists of bools":         lambda a: [[bool(x) for x in row] for row in a],
    "a list of arrays":       lambda a: list(a),
    "int64":                  lambda a: a.astype(np.int64),
    "int8":                   lambda a: a.astype(np.int8),
    "uint8":                  lambda a: a.astype(np.uint8),
    "bool":                   lambda a: a.astype(bool),
    "float16":                lambda a: a.astype(np.float16),
    "float32":                lambda a: a.astype(np.float32),
    "big-endian floats":      lambda a: a.astype(">f8"),
    "big-endian float32":     lambda a: a.astype(">f4"),
    "big-endian ints":        lambda a: a.astype(">i4"),
    "Fortran-ordered":        np.asfortranarray,
    "every other entry":      strided,
    "reversed":               lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "a transpose":            lambda a: a.T.copy().T,
    "unaligned":              unaligned,
    "read-only":              read_only,
    "np.matrix":              np.asmatrix,
    "a subclass":             lambda a: a.view(Mine),
    "masked, nothing hidden": np.ma.masked_array,
    "masked ints":            lambda a: np.ma.masked_array(a.astype(int)),
    "an __array__":           Holder,
    "a memoryview":           lambda a: memoryview(np.ascontiguousarray(a)),
    "long double":            lambda a: a.astype(np.longdouble),
}
# fmt: on


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # np.matrix
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETS)
def test_every_form_gives_what_plain_matrices_give(name: str, form: str) -> None:
    """In the place of each input, and of all of them."""
    net, plain = net_of(name), flags(name)
    for some in ([*plain], *([word] for word in plain)):
        given = {word: FORMS[form](a) if word in some else a for word, a in plain.items()}
        all_small = form in ("float16", "float32", "big-endian float32") and len(some) == len(plain)
        value, grads = agrees(net, name, given, 1e-5 if all_small else 1e-12)
        for result in (value, *grads.values()):
            assert type(result) in (float, np.ndarray), type(result)
            if isinstance(result, np.ndarray):
                assert result.dtype == (np.float32 if all_small else np.float64), result.dtype


@pytest.mark.parametrize("name", NETS)
def test_rows_columns_and_scalars_may_be_written_flat(name: str) -> None:
    """A row or a column as a vector, a scalar as a number; gradients come back in that shape."""
    net, plain = net_of(name), flags(name)
    flat = {word: (a.item() if a.size == 1 else a.ravel() if 1 in a.shape else a) for word, a in plain.items()}
    lists = {word: a if isinstance(a, float) else a.tolist() for word, a in flat.items()}
    for given in (flat, lists, {word: np.asarray(a) for word, a in flat.items()}):
        agrees(net, name, given)


def test_scalars_are_python_numbers_arrays_of_none_one_or_two_dimensions() -> None:
    net = compile("y = k x", wrt="all")
    x = np.array([[1.0, 2.0]])
    for k in (3, 3.0, np.float64(3), np.int8(3), np.array(3), np.array(3.0), [3], [[3]], np.array([3.0]), np.array([[3.0]])):
        assert net(k=k, x=x).tolist() == [[3, 6]], k
        grad = net.grad(k=k, x=x, delta=np.ones((1, 2)))["k"]
        assert np.shape(grad) == np.shape(k)
        assert float(np.sum(grad)) == 3
    assert net(k=True, x=x).tolist() == [[1, 2]]


def test_what_a_mask_hides_is_nan() -> None:
    for dtype in (float, int, np.float32):
        x = np.ma.masked_array(np.array([[1, 2, 3]], dtype), mask=[[0, 1, 0]])
        np.testing.assert_array_equal(compile("y = 2 x")(x=x), [[2, np.nan, 6]])
        assert x.data.tolist() == [[1, 2, 3]]


def test_a_broadcast_array_counts_every_entry() -> None:
    x = np.broadcast_to(np.array([[1.0, 2.0, 3.0]]), (4, 3))
    value, grads = compile("L = sum(x^2)", wrt="all").value_and_grad(x=x)
    assert value == 56
    assert grads["x"].tolist() == [[2, 4, 6]] * 4
    grads["x"][0] = 0
    assert x[0].tolist() == [1, 2, 3]


def test_data_frames_and_series() -> None:
    pandas = pytest.importorskip("pandas")
    x = np.arange(6.0).reshape(3, 2)
    net = compile("y = x w; where x: 3x2, w: 2x1", wrt="all")
    given = {"x": pandas.DataFrame(x, columns=["a", "b"]), "w": pandas.Series([1.0, 2.0])}
    np.testing.assert_array_equal(net(**given), x @ [[1.0], [2.0]])
    assert net.grad(**given, delta=np.ones((3, 1)))["w"].shape == (2,)


def test_arrays_of_the_standard_library() -> None:
    x = arrays_of_python.array("d", [1, 2, 3])
    assert compile("L = sum(x^2)")(x=x) == 14
    assert compile("L = sum(x^2)")(x=range(4)) == 14


# ------------------------------------------------------------------------------------------------------------- one type

# fmt: off
TYPES = [
    # x           W             result
    ("float32",   "float32",    "float32"),
    ("float16",   "float16",    "float32"),
    ("float16",   "float32",    "float32"),
    ("float32",   "int64",      "float32"),
    ("bool",      "float32",    "float32"),
    ("float32",   "float64",    "float64"),
    ("float16",   "float64",    "float64"),
    ("int32",     "uint8",      "float64"),
    ("bool",      "bool",       "float64"),
    (">f4",       "<f4",        "float32"),
    (">f8",       "float32",    "float64"),
]
# fmt: on


@pytest.mark.parametrize(("x", "W", "result"), TYPES)
def test_floats_share_a_type_and_whole_numbers_take_it_on(x: str, W: str, result: str) -> None:
    net = compile("y = relu(2.5 x W / sqrt(3) + 1)^2 * pi", wrt="all")
    value, grads = net.value_and_grad(x=np.ones((2, 3), x), W=np.ones((3, 4), W), delta=np.ones((2, 4)))
    assert {value.dtype, *(grad.dtype for grad in grads.values())} == {np.dtype(result)}
    assert value.dtype.isnative


SCALAR_OPERANDS = {"huber": {"d": 1.0}}


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_no_constant_changes_the_type_of_a_network(entry: Entry, optimize: bool) -> None:
    """float32 in, float32 out: every named value and every gradient, near the float64 ones; nothing warns."""
    net = compile(entry.program, wrt=entry.wrt, optimize=optimize)
    example = entry.example()
    small = {name: a.astype(np.float32) for name, a in example.items()}
    with np.errstate(all="raise", under="ignore"):
        values, exact = net.forward(**small), net.forward(**example)
        delta = {} if isinstance(exact[net.output], float) else {"delta": np.ones(exact[net.output].shape, np.float32)}
        _, grads = net.value_and_grad(**small, **delta)
    for name, value in values.items():
        assert isinstance(value, float) if np.ndim(value) == 0 else value.dtype == np.float32, name
        size = max(1.0, float(np.max(np.abs(exact[name]), initial=0)))
        np.testing.assert_allclose(value, exact[name], rtol=1e-3, atol=1e-3 * size, err_msg=name)
    for name, grad in grads.items():
        assert grad.dtype == np.float32, name
        assert grad.shape == small[name].shape if name in small else True, name


def _calls() -> list[str]:
    """A program for every function that a user may call, with a number in each place that takes one."""
    programs = []
    for name, here in OPERATORS.items():
        if here.internal or not name.isidentifier() or not here.operands or here.variadic:
            continue
        words = {"p": "0.25", "mask": ""} if name == "dropout" else {"lo": "-0.5", "hi": "0.5"} if name == "clip" else {"d": "0.5"}
        programs.append(f"out = {name}({', '.join(part for word in here.operands if (part := words.get(word, word)))})")
    return programs


OPERATOR_PROGRAMS = _calls()


@pytest.mark.parametrize("program", OPERATOR_PROGRAMS)
def test_no_operator_changes_the_type(program: str) -> None:
    """float32 in, float32 out: of the value, and the gradient by all inputs."""
    net = compile(program, wrt="all")
    side = {name: 3 for shape in net.shapes.values() for name in shape if isinstance(name, str)}
    given = {
        name: (0.2 + 0.1 * np.random.default_rng(1).random([side.get(s, s) for s in net.shapes[name]]) + 0.3 * np.eye(*[side.get(s, s) for s in net.shapes[name]])).astype(
            np.float32
        )
        for name in net.inputs
    }
    if "arccosh" in program:
        given = {name: a + np.float32(1) for name, a in given.items()}
    value, grads = net.value_and_grad(**given, **{name: a.astype(np.float32) for name, a in signal(net, given).items()})
    assert isinstance(value, float) or value.dtype == np.float32
    for name, grad in grads.items():
        assert (grad.dtype, grad.shape) == (np.float32, given[name].shape), name


# ------------------------------------------------------------------------------------------------------------- nothing

# fmt: off
EMPTY = [
    # program                                  shapes                                     the value, of no examples
    ("y = relu(x W + b)",                      {"x": (0, 3), "W": (3, 2), "b": (1, 2)},   np.zeros((0, 2))),
    ("y = softmax(x W)",                       {"x": (0, 3), "W": (3, 2)},                np.zeros((0, 2))),
    ("y = layernorm(x, gamma, beta)",          {"x": (0, 3), "gamma": (1, 3), "beta": (1, 3)}, np.zeros((0, 3))),
    ("y = normalize(x)",                       {"x": (0, 3)},                             np.zeros((0, 3))),
    ("y = sum(x W, axis=0)",                   {"x": (0, 3), "W": (3, 2)},                np.zeros((1, 2))),
    ("y = sum(x W, axis=1)",                   {"x": (0, 3), "W": (3, 2)},                np.zeros((0, 1))),
    ("L = sum((x W)^2)",                       {"x": (0, 3), "W": (3, 2)},                0.0),
    ("y = prod(x, axis=0)",                    {"x": (0, 3)},                             np.ones((1, 3))),
    ("y = x' x",                               {"x": (0, 3)},                             np.zeros((3, 3))),
    ("y = [x; x]",                             {"x": (0, 3)},                             np.zeros((0, 3))),
    ("y = norm(x)",                            {"x": (0, 3)},                             0.0),
    ("y = size(x)",                            {"x": (0, 3)},                             0.0),
]
NANS = [
    # the mean of nothing is 0/0
    ("L = mean(x W)",                          {"x": (0, 3), "W": (3, 2)}),
    ("y = mean(x, axis=0)",                    {"x": (0, 3)}),
    ("L = mse(x W, y)",                        {"x": (0, 3), "W": (3, 2), "y": (0, 2)}),
    ("L = mae(x W, y)",                        {"x": (0, 3), "W": (3, 2), "y": (0, 2)}),
    ("L = cross_entropy(x W, y)",              {"x": (0, 3), "W": (3, 2), "y": (0, 2)}),
    ("L = bce_logits(x W, y)",                 {"x": (0, 3), "W": (3, 2), "y": (0, 2)}),
    ("L = var(x)",                             {"x": (0, 3)}),
    ("y = std(x, axis=0)",                     {"x": (0, 3)}),
]
# fmt: on


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(("program", "shapes", "value"), EMPTY, ids=[row[0] for row in EMPTY])
def test_a_batch_of_no_examples(program: str, shapes: dict[str, tuple[int, int]], value: Any, optimize: bool) -> None:
    """Shapes are right, sums are 0, products 1, gradients by parameters 0; nothing warns."""
    net = compile(program, wrt="all", optimize=optimize)
    given = {name: np.ones(size) for name, size in shapes.items()}
    found, grads = net.value_and_grad(**given, **signal(net, given))
    np.testing.assert_array_equal(found, value)
    assert np.shape(found) == np.shape(value)
    for name, grad in grads.items():
        assert grad.shape == shapes[name]
        assert name == "x" or "beta" in name or "gamma" in name or not grad.any(), name


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(("program", "shapes"), NANS, ids=[row[0] for row in NANS])
def test_the_mean_of_nothing_is_nan(program: str, shapes: dict[str, tuple[int, int]], optimize: bool) -> None:
    net = compile(program, wrt="all", optimize=optimize)
    given = {name: np.ones(size) for name, size in shapes.items()}
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # NumPy says what it divides by
        value = net(**given)
        grads = net.grad(**given, **signal(net, given))
    assert np.isnan(value).all()
    assert {name: grad.shape for name, grad in grads.items()} == shapes


def test_the_largest_of_nothing_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"no (identity|entries|rows)|zero-size|empty"):
        compile("y = max(x, axis=0)")(x=np.ones((0, 3)))


# ------------------------------------------------------------------------------------------------------ memory is one's own


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("name", NETS)
def test_nothing_given_is_written_to_and_nothing_returned_is_shared(name: str, optimize: bool) -> None:
    net = compile(NETS[name][0], wrt="all", optimize=optimize)
    given = flags(name)
    given |= signal(net, given)
    before = copy.deepcopy(given)
    inputs = {word: a for word, a in given.items() if word != "delta"}
    rounds = []
    for _ in range(2):
        value, grads = net.value_and_grad(**given)
        rounds += [value, *grads.values(), *net.forward(**inputs).values(), net(**inputs)]
    kept = copy.deepcopy(rounds)
    net.value_and_grad(**{word: a + 1 for word, a in given.items()})
    for one, other in zip(rounds, kept, strict=True):
        np.testing.assert_array_equal(one, other)
    results = [result for result in rounds if isinstance(result, np.ndarray)]
    every = [*given.values(), *results]
    assert not any(np.shares_memory(one, other) for k, one in enumerate(every) for other in every[k + 1 :])
    for result in results:
        result += 1  # the caller's own
    for word, a in before.items():
        np.testing.assert_array_equal(given[word], a)


# fmt: off
VIEWS = ["y = x", "y = x'", "y = x''", "y = vec(x)", "y = diag(x)", "y = [x]", "y = 1 x", "y = x + 0", "y = x; z = x", "y = x; z = y'", "y = sum(x, axis=0)", "y = tril(x)",
         "y = relu(x)", "y = maximum(x, x)", "y = clip(x, -9, 9)", "y = where(x < 9, x, 0)", "y = x^1", "z = x'; w = z'; y = w + z"]
# fmt: on


@pytest.mark.parametrize("shape", [(3, 3), (1, 3), (3, 1), (1, 1)])
@pytest.mark.parametrize("program", VIEWS)
def test_what_numpy_would_give_a_view_of_is_a_copy(program: str, shape: tuple[int, int]) -> None:
    """Of values and of gradients, delta's among them."""
    net = compile(program, wrt="all")
    x = np.arange(1.0, 1 + shape[0] * shape[1]).reshape(shape)
    if "diag" in program and shape == (1, 3):
        x = x.T
    value = net(x=x)
    delta = {} if isinstance(value, float) else {"delta": np.ones(value.shape)}
    results = [*net.forward(x=x).values(), *net.value_and_grad(x=x, **delta)[1].values(), value]
    every = [x, *delta.values(), *(result for result in results if isinstance(result, np.ndarray))]
    assert not any(np.shares_memory(one, other) for k, one in enumerate(every) for other in every[k + 1 :])
    assert all(one.flags.writeable for one in every)


@pytest.mark.parametrize("name", NETS)
def test_the_same_array_in_every_place_that_it_fits(name: str) -> None:
    net, given = net_of(name), flags(name)
    first: dict[tuple[int, ...], Array] = {}
    shared = {word: first.setdefault(a.shape, a) for word, a in given.items() if word not in ("s", "λ")} | {word: a for word, a in given.items() if word in ("s", "λ")}
    apart = {word: a.copy() for word, a in shared.items()}
    delta = signal(net, apart)
    value, grads = net.value_and_grad(**shared, **delta)
    again, its = net.value_and_grad(**apart, **delta)
    np.testing.assert_array_equal(value, again)
    for word in grads:
        np.testing.assert_array_equal(grads[word], its[word])


# ---------------------------------------------------------------------------------------------------------- nan and inf


# fmt: off
PASSES = [
    # program                  x                                    value
    ("y = 2 x",                [np.nan, np.inf, -np.inf, -0.0],     [np.nan, np.inf, -np.inf, -0.0]),
    ("y = x + 1",              [np.nan, np.inf, -np.inf],           [np.nan, np.inf, -np.inf]),
    ("y = x - x",              [np.nan, np.inf, 1.0],               [np.nan, np.nan, 0.0]),
    ("y = 0 x",                [np.nan, np.inf, 1.0],               [np.nan, np.nan, 0.0]),
    ("y = 1 / x",              [0.0, -0.0, np.inf],                 [np.inf, -np.inf, 0.0]),
    ("y = x / x",              [0.0, np.inf, 2.0],                  [np.nan, np.nan, 1.0]),
    ("y = relu(x)",            [np.nan, np.inf, -np.inf],           [np.nan, np.inf, 0.0]),
    ("y = maximum(x, 0)",      [np.nan, np.inf, -np.inf],           [np.nan, np.inf, 0.0]),
    ("y = exp(x)",             [np.nan, np.inf, -np.inf],           [np.nan, np.inf, 0.0]),
    ("y = tanh(x)",            [np.nan, np.inf, -np.inf],           [np.nan, 1.0, -1.0]),
    ("y = sigmoid(x)",         [np.nan, np.inf, -np.inf],           [np.nan, 1.0, 0.0]),
    ("y = log(x)",             [np.nan, np.inf, 0.0, -1.0],         [np.nan, np.inf, -np.inf, np.nan]),
    ("y = sqrt(x)",            [np.nan, np.inf, -1.0],              [np.nan, np.inf, np.nan]),
    ("y = abs(x)",             [np.nan, -np.inf],                   [np.nan, np.inf]),
    ("y = sign(x)",            [np.nan, np.inf, -np.inf],           [np.nan, 1.0, -1.0]),
    ("y = x > 0",              [np.nan, np.inf, -np.inf],           [0.0, 1.0, 0.0]),
    ("y = x == x",             [np.nan, np.inf],                    [0.0, 1.0]),
    ("y = floor(x)",           [np.nan, np.inf],                    [np.nan, np.inf]),
    ("y = softplus(x)",        [np.nan, np.inf, -np.inf],           [np.nan, np.inf, 0.0]),
    ("y = x^2",                [np.nan, -np.inf],                   [np.nan, np.inf]),
    ("y = clip(x, -1, 1)",     [np.nan, np.inf, -np.inf],           [np.nan, 1.0, -1.0]),
]
REDUCES = [
    ("L = sum(x)",             [1.0, np.nan],                       np.nan),
    ("L = sum(x)",             [1.0, np.inf],                       np.inf),
    ("L = sum(x)",             [np.inf, -np.inf],                   np.nan),
    ("L = max(x)",             [1.0, np.nan],                       np.nan),
    ("L = max(x)",             [-np.inf, 1.0],                      1.0),
    ("L = mean(x)",            [1.0, np.inf],                       np.inf),
    ("L = logsumexp(x)",       [1.0, np.nan],                       np.nan),
    ("L = logsumexp(x)",       [1.0, np.inf],                       np.inf),
    ("L = logsumexp(x)",       [-np.inf, 0.0],                      0.0),
    ("L = norm(x)",            [1.0, np.inf],                       np.inf),
    ("L = norm(x)",            [1.0, np.nan],                       np.nan),
    ("L = prod(x)",            [2.0, np.nan],                       np.nan),
]
# fmt: on


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(("program", "x", "value"), PASSES + REDUCES)
def test_nan_and_inf_pass_as_ieee_says(program: str, x: list[float], value: Any, optimize: bool) -> None:
    with np.errstate(all="ignore"):
        found = compile(program, optimize=optimize)(x=[x])
    np.testing.assert_array_equal(found, [value] if isinstance(value, list) else value)
    if isinstance(value, list):
        np.testing.assert_array_equal(np.signbit(found[~np.isnan(found)]), np.signbit(np.array(value)[~np.isnan(value)]))


def test_a_nan_in_one_row_is_in_that_row_alone() -> None:
    net = compile("y = softmax(relu(x W) V)", wrt="all")
    rng = np.random.default_rng(0)
    given = {"x": rng.random((3, 4)), "W": rng.random((4, 5)), "V": rng.random((5, 2))}
    given["x"][1, 2] = np.nan
    assert np.isnan(net(**given)).any(axis=1).tolist() == [False, True, False]
    assert np.isnan(net.grad(**given, delta=np.ones((3, 2)))["x"]).any(axis=1).tolist() == [False, True, False]


def test_an_ordinary_call_is_silent() -> None:
    """Where values saturate or vanish, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for program in (
            "y = sigmoid(x)",
            "y = softmax(x)",
            "y = log_softmax(x)",
            "y = tanh(x)",
            "y = gelu(x)",
            "y = softplus(x)",
            "y = silu(x)",
            "y = elu(x)",
            "y = mish(x)",
            "L = logsumexp(x)",
        ):
            net = compile(program, wrt="all")
            for x in ([[1000.0, 0, -1000]], [[1e300, -1e300, 0]], [[1e-300, -1e-320, 0]], [[0.0, -0.0, 0]]):
                net.value_and_grad(x=x, **signal(net, {"x": x}))


# -------------------------------------------------------------------------------------------------------------- refused

PLAIN = {"l0": np.ones((5, 3)), "W0": np.ones((3, 4)), "W1": np.ones((4, 1))}
# fmt: off
REFUSED = [
    # what l0 is                            error        what is said of it
    ("abc",                                 TypeError,   ["l0", "text"]),
    ("nan",                                 TypeError,   ["l0", "text"]),
    ([["1", "2", "3"]],                     TypeError,   ["l0", "text"]),
    (np.array([[b"1", b"2", b"3"]]),        TypeError,   ["l0", "bytes"]),
    (None,                                  TypeError,   ["l0", "Python objects"]),
    ([[1.0, None, 2.0]],                    TypeError,   ["l0", "Python objects"]),
    ({"a": 1},                              TypeError,   ["l0", "Python objects"]),
    ({1, 2, 3},                             TypeError,   ["l0", "Python objects"]),
    (object(),                              TypeError,   ["l0", "Python objects"]),
    (np.array([[1, 2, 3]], object),         TypeError,   ["l0", "Python objects"]),
    ([[10**30, 1, 2]],                      TypeError,   ["l0", "Python objects"]),
    (np.ones((5, 3), complex),              TypeError,   ["l0", "complex"]),
    ([[1j, 2, 3]],                          TypeError,   ["l0", "complex"]),
    (np.ma.masked_array([[1j, 2, 3]]),      TypeError,   ["l0", "complex"]),
    (np.zeros((5, 3), "M8[D]"),             TypeError,   ["l0", "dates"]),
    (np.zeros((5, 3), "m8[s]"),             TypeError,   ["l0", "time spans"]),
    (np.zeros((5, 3), [("a", float)]),      TypeError,   ["l0", "records"]),
    ([[1, 2, 3], [1, 2]],                   TypeError,   ["l0", "no array of numbers"]),
    ([[[1, 2, 3]]],                         ShapeError,  ["l0", "3 dimensions", "(1, 1, 3)"]),
    (np.ones((2, 5, 3)),                    ShapeError,  ["l0", "3 dimensions", "(2, 5, 3)"]),
    (np.ones((0, 5, 3)),                    ShapeError,  ["l0", "3 dimensions", "(0, 5, 3)"]),
    (np.ones((5, 4)),                       ShapeError,  ["l0", "(5, 4)", "×3"]),
    (np.ones((3, 5)),                       ShapeError,  ["l0", "(3, 5)", "×3"]),
    (np.ones(4),                            ShapeError,  ["l0", "(4,)", "×3"]),
    (np.ones((5, 0)),                       ShapeError,  ["l0", "(5, 0)", "×3"]),
    (2.0,                                   ShapeError,  ["l0", "()", "×3"]),
    ([],                                    ShapeError,  ["l0", "(0,)", "×3"]),
    ([[]],                                  ShapeError,  ["l0", "(1, 0)", "×3"]),
]
# fmt: on


@pytest.mark.parametrize(("l0", "error", "said"), REFUSED, ids=[str(row[0]).replace("\n", "")[:30] for row in REFUSED])
def test_what_holds_no_numbers_or_does_not_fit_is_refused(l0: Any, error: type[Exception], said: list[str]) -> None:
    """By value and gradient alike, before and after a call that was right."""
    net = compile("l2 = relu(l0 W0) W1", shapes={"l0": 3, "l1": 4, "l2": 1})
    for _ in range(2):
        for call in (net, net.forward, lambda **given: net.grad(delta=np.ones((5, 1)), **given)):
            with pytest.raises(error) as caught:
                call(**PLAIN | {"l0": l0})
            assert [words for words in said if words not in str(caught.value)] == [], str(caught.value)
        assert net(**PLAIN).shape == (5, 1)


def test_arrays_that_do_not_fit_each_other_name_both_sizes() -> None:
    net = compile("L = mse(x W, y)", wrt="all")
    with pytest.raises(ShapeError) as caught:
        net(x=np.ones((5, 3)), W=np.ones((3, 2)), y=np.ones((4, 2)))
    assert "y has shape (4, 2)" in str(caught.value)
    assert "5" in str(caught.value)


def test_an_exception_of_the_array_itself_is_not_hidden() -> None:
    class Broken:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
            raise RuntimeError("the file is gone")

    with pytest.raises((RuntimeError, TypeError), match="the file is gone"):
        compile("y = 2 x")(x=Broken())
