"""The two renderings of a Program are equal: `net.source`, to be read, and `net.optimized_source`, which runs.

Same functions, same arguments, same results to the rounding of the inputs: what the readable module gives when every
input is moved by an ulp says how well a result is known, and within a few times that the optimised one must lie. Same
types, nothing written to, no memory shared, no warning more; for random programs, the gallery, and larger workloads.
`pytest tests/test_renderings.py --programs 10000` for more of them; the number in the name of a failed test is its seed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from random_programs import Written, random_program, smallest

from algebra2net import Net, compile
from algebra2net.gallery import Entry, entries
from algebra2net.optimize import emit
from algebra2net.run import load

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = list[Array]
Function = Callable[..., Any]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the means of no rows
FEW = 64  # ulps of the largest entry of a result, besides what an ulp of the inputs makes of it
MOVED = 3  # how often the inputs are moved by an ulp


# ------------------------------------------------------------------------------------------- how the arrays may come


def _strided(array: Array) -> Array:
    """Every other row and column of a larger array, backwards."""
    m, n = array.shape
    larger = np.full((2 * m, 3 * n), np.nan, array.dtype)
    larger[::-2, ::-3] = array
    return larger[::-2, ::-3]


def _some(rng: np.random.Generator, array: Array, *values: float) -> Array:
    """The array with about every third entry one of these values."""
    return np.where(rng.random(array.shape) < 0.3, rng.choice(values, array.shape), array).astype(array.dtype)


Change = Callable[[np.random.Generator, Array], Array]
# fmt: off
LAID_OUT: dict[str, Change] = {  # the same numbers: the same results, to the bit where NumPy's own sums see no difference
    "as they are": lambda rng, a: a,
    "float32":     lambda rng, a: a.astype(np.float32),
    "Fortran":     lambda rng, a: np.asfortranarray(a),
    "strided":     lambda rng, a: _strided(a),
    "float32, strided": lambda rng, a: _strided(a.astype(np.float32)),
}
OTHERS: dict[str, Change] = {  # other numbers
    "large":       lambda rng, a: a * 40,
    "small":       lambda rng, a: a * 1e-5,
    "constant":    lambda rng, a: np.full_like(a, a.flat[0] if a.size else 0),
    "positive":    lambda rng, a: np.abs(a),
}
AT_CORNERS: dict[str, Change] = {  # where a slope jumps both must take the same side; an ulp may mean the other: no measure
    "zeros":       lambda rng, a: _some(rng, a, 0.0, -0.0),
    "all zero":    lambda rng, a: np.zeros_like(a),
    "ties":        lambda rng, a: rng.integers(-1, 2, a.shape).astype(a.dtype),
}
NO_NUMBERS: dict[str, Change] = {  # where the readable one is finite, so is the other
    "nan":         lambda rng, a: _some(rng, a, np.nan),
    "inf":         lambda rng, a: _some(rng, a, np.inf, -np.inf),
}
BEYOND: dict[str, Change] = {  # the order of a sum decides what overflows: where both are finite they are equal
    "huge":        lambda rng, a: _some(rng, a, 1e300, -1e300),
    "tiny":        lambda rng, a: _some(rng, a, 1e-300, -1e-300, 5e-324),
    "huge, float32": lambda rng, a: _some(rng, a, 1e38, -1e38).astype(np.float32),
}
# fmt: on


# ------------------------------------------------------------------------------------------------------ what is compared


def found(result: Any) -> dict[str, Any]:
    """The numbers of what `forward` or `value_and_grad` returned, by name, in order."""
    if isinstance(result, dict):
        return result
    value, grads = result
    assert isinstance(grads, dict)
    return {"the value": value} | {f"the gradient by {name}": grad for name, grad in grads.items()}


def moved(rng: np.random.Generator, arrays: Sequence[Array]) -> Arrays:
    """The arrays, every entry an ulp or so further."""
    return [(a * (1 + np.finfo(a.dtype).eps * rng.uniform(-1, 1, a.shape).astype(a.dtype))).astype(a.dtype) for a in arrays]


def spreads(function: Function, arrays: Sequence[Array], results: Mapping[str, Any]) -> dict[str, Any]:
    """How far each result moves, at the most, when the inputs move by an ulp; and an ulp or so of the largest number in sight."""
    rng = np.random.default_rng(0)
    others = [found(function(*moved(rng, arrays))) for _ in range(MOVED)]
    least = 16 * np.finfo(arrays[0].dtype).eps * largest([*arrays, *results.values()])
    return {name: least + 8 * np.max([np.max(np.abs(np.subtract(other[name], result)), initial=0.0) for other in others]) for name, result in results.items()}


def largest(arrays: Sequence[Any]) -> float:
    """The largest finite entry of all."""
    return max(float(np.max(np.abs(array), where=np.isfinite(array), initial=0.0)) for array in arrays)


def assert_same_kind(one: Any, other: Any, what: str) -> None:
    """Names in order, types, dtypes, shapes."""
    assert list(one) == list(other), what
    for name in one:
        assert type(one[name]) is type(other[name]), f"{what}: {name} is {type(one[name])} and {type(other[name])}"
        assert np.shape(one[name]) == np.shape(other[name]), f"{what}: {name} has shapes {np.shape(one[name])} and {np.shape(other[name])}"
        assert np.asarray(one[name]).dtype == np.asarray(other[name]).dtype, f"{what}: {name}"


def assert_close(one: Mapping[str, Any], other: Mapping[str, Any], within: Mapping[str, Any], eps: float, is_strict: bool, what: str) -> None:
    """What is finite in one is finite in the other (with `is_strict`), and as close as it must be."""
    for name, value in one.items():
        expected, given = np.asarray(value), np.asarray(other[name])
        fine = np.isfinite(expected)
        assert np.isfinite(given[fine]).all() or not is_strict, f"{what}: {name} is\n{expected} and, optimised,\n{given}"
        fine &= np.isfinite(given)
        if not fine.any():
            continue
        off = np.max(np.abs(given[fine] - expected[fine]))
        bound = FEW * eps * np.max(np.abs(expected[fine])) + within[name]
        assert not off > bound, f"{what}: {name} is off by {off:.2g}, more than {bound:.2g}:\n{expected} and, optimised,\n{given}"


def assert_apart(arrays: Sequence[Array], what: str) -> None:
    """No two share memory, all may be written to."""
    for one, other in combinations(arrays, 2):
        assert not np.may_share_memory(one, other), f"{what}: memory is shared"
    assert all(array.flags.writeable for array in arrays), f"{what}: a result is read-only"


class Pair:
    """One function of a net in both renderings."""

    def __init__(self, readable: Function, optimized: Function, what: str) -> None:
        self.readable, self.optimized, self.what = readable, optimized, what

    def hold(self, arrays: Sequence[Array], where: str) -> bool:
        """Both give the same at these arrays, to their rounding; or (False) the same error."""
        eps = np.finfo(arrays[0].dtype).eps
        what = f"{self.what}, {where}"
        for array in arrays:
            array.flags.writeable = False
        try:
            one = found(self.readable(*arrays))
        except Exception as error:
            with pytest.raises(type(error)):
                self.optimized(*arrays)
            return False
        other = found(self.optimized(*arrays))
        assert_same_kind(one, other, what)
        within = spreads(self.readable, arrays, one) if where not in AT_CORNERS else dict.fromkeys(one, 1e-10 * max(1.0, largest([*one.values()])))
        is_number = "the value" not in one or np.isfinite(one["the value"]).all()  # relu'(nan) is 0 in one, nan in the other: both say what they were made from
        assert_close(one, other, within, float(eps), where not in BEYOND and is_number, what)
        return True

    def leave_everything_alone(self, arrays: Sequence[Array], others: Sequence[Array]) -> None:
        """Inputs stay as they were, results are their own, an earlier call's too, and nothing warns that did not."""
        given = [array.copy() for array in arrays]
        quiet = self.is_quiet(self.readable, given)
        first = found(self.optimized(*given))
        kept = {name: np.copy(value) for name, value in first.items()}
        second = found(self.optimized(*others))
        for name, value in first.items():
            np.testing.assert_array_equal(value, kept[name], err_msg=f"{self.what}: a later call changed {name}")
        for before, after in zip(arrays, given, strict=True):
            np.testing.assert_array_equal(before, after, err_msg=f"{self.what}: an input was written to")
        results = [value for value in (*first.values(), *second.values()) if isinstance(value, np.ndarray)]
        assert_apart([*given, *results, *others], self.what)
        assert self.is_quiet(self.optimized, given) or not quiet, f"{self.what}: the optimised one warns"

    @staticmethod
    def is_quiet(function: Function, arrays: Sequence[Array]) -> bool:
        try:
            with np.errstate(all="raise", under="ignore"):
                function(*arrays)
        except FloatingPointError:
            return False
        return True


def pairs(net: Net, what: str) -> Iterator[Pair]:
    """`forward` and `value_and_grad`, of the same arguments in both renderings."""
    one, other = load(net.source), load(net.optimized_source)
    for name in ("forward", "value_and_grad"):
        assert list(inspect.signature(one[name]).parameters) == list(inspect.signature(other[name]).parameters), what
        yield Pair(one[name], other[name], f"{name} of\n{what}\n")


def assert_equal_renderings(net: Net, what: str, arrays: Sequence[Mapping[str, Array]], changes: Mapping[str, Change], seed: int = 0) -> None:
    """Everything that is asked of the two, at each of the arrays; all the changes at the first of them."""
    for pair in pairs(net, what):
        for count, at in enumerate(arrays):
            rng = np.random.default_rng(seed)
            given = [np.array(at[name]) for name in net.inputs]
            if net._seed is not None and "value" in pair.what.split()[0]:
                shape = output_shape(net, given)
                if shape is None:
                    continue
                given.append(rng.uniform(-1, 1, shape))
            with np.errstate(all="ignore"):
                is_defined = pair.hold(shared(given), "the same array twice")
                for where, change in changes.items() if count == 0 else [("as they are", LAID_OUT["as they are"])]:
                    pair.hold([change(rng, array) for array in given], where)
                if count == 0 and is_defined:
                    pair.leave_everything_alone(given, [OTHERS["large"](rng, array) for array in given])


def output_shape(net: Net, arrays: Sequence[Array]) -> tuple[int, ...] | None:
    """The shape of the value; None where there is none, as of the largest of no entries."""
    try:
        with np.errstate(all="ignore"):
            return tuple(np.shape(load(net.source)["forward"](*arrays)[net.output]))
    except ValueError:
        return None


def shared(arrays: Sequence[Array]) -> Arrays:
    """Inputs of one shape are one array."""
    first: dict[tuple[int, ...], Array] = {}
    return [first.setdefault(array.shape, array.copy()) for array in arrays]


# ------------------------------------------------------------------------------------------------------------- programs

EVERY = LAID_OUT | OTHERS | AT_CORNERS | NO_NUMBERS | BEYOND


@pytest.mark.share(4)
def test_random_programs(seed: int) -> None:
    """One that fails is made small first."""

    def check(program: Written) -> None:
        net = compile(program.text, shapes=program.shapes, wrt="all" if seed % 3 else None, stabilize=seed % 4 != 0)
        batches = [program.arrays(seed), *([program.arrays(seed, batch) for batch in (1, 0, 33)] if program.has_batch else [])]
        some = {where: change for place, (where, change) in enumerate(EVERY.items()) if (place + seed) % 3 == 0 or where in ("as they are", "float32")}
        assert_equal_renderings(net, repr(program), batches, some, seed)

    smallest(check, random_program(seed))


@pytest.fixture
def _small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a few entries filled the cache."""
    for limit, few in (("NOTED", 4), ("LARGE", 9), ("BLOCK", 4)):
        monkeypatch.setattr(emit, limit, few)


@pytest.mark.usefixtures("_small_cache")
@pytest.mark.share(10)
def test_random_programs_in_blocks(seed: int) -> None:
    def check(program: Written) -> None:
        net = compile(program.text, shapes=program.shapes, wrt="all" if seed % 3 else None)
        assert_equal_renderings(net, repr(program), [program.arrays(seed)], LAID_OUT, seed)

    smallest(check, random_program(seed))


# fmt: off
ONCE_WRONG_IN_BLOCKS = [
    ("g = arcsin(0.5 * tanh(maximum(dropout(B, 0.25), Q' B)))\nh = prod([triu(m); b P; kron(k, m)], axis=0) * mean(tanh(g))\ns = outer(vec(b c), k) * mean(tanh(h))\n"
     "p = tan(tanh(where(s + ones(1, 1) <= 0.5, where(k <= a, s, a), sin(tanh(k)))))",
     {"B": (3, 3), "B_mask": (3, 3), "Q": (3, 3), "m": (1, 4), "b": (1, 2), "P": (2, 4), "k": (1, 1), "c": (2, 1), "a": (1, 1)}),
    ("z = [a, -((X - a) * log(exp(X - max(X, axis=1)) / sum(exp(X - max(X, axis=1)), axis=1))) v]", {"a": (8, 1), "X": (8, 3), "v": (3, 1)}),
]
# fmt: on


@pytest.mark.usefixtures("_small_cache")
@pytest.mark.parametrize(("algebra", "shapes"), ONCE_WRONG_IN_BLOCKS)
def test_a_program_that_was_once_wrong_in_blocks(algebra: str, shapes: dict[str, tuple[int, int]]) -> None:
    rng = np.random.default_rng(1068)
    arrays = {name: rng.uniform(0.2, 1.5, shape) * rng.choice([-1, 1], shape) for name, shape in shapes.items()}
    assert_equal_renderings(compile(algebra, shapes=shapes, wrt="all"), algebra, [arrays], LAID_OUT)


LOOPED = {  # what a person may do with arrays that go in blocks
    "both a matrix and its transpose": ("L = sum(tanh(x') * sigmoid(x') * exp(x))", {"x": (300, 300)}),
    "a transpose of other sizes": ("L = sum(tanh(x') * exp(y) * y)", {"x": (300, 400), "y": (400, 300)}),
    "a part": ("z = [x; a]\nL = sum(tanh(z) * exp(z) * sigmoid(z))", {"x": (300, 300), "a": (50, 300)}),
    "names that code likes": ("L = sum(tanh(k) * exp(step) * dtype + far)", dict.fromkeys(("k", "step", "dtype", "far"), (300, 300))),
    "one that is a number": ("L = sum(elu(x, k) * exp(x))", {"x": (300, 300), "k": (1, 1)}),
}


@pytest.mark.parametrize(("algebra", "shapes"), LOOPED.values(), ids=LOOPED.keys())
def test_large_arrays(algebra: str, shapes: dict[str, tuple[int, int]]) -> None:
    net = compile(algebra, shapes=shapes, wrt="all")
    assert "for k" in net.optimized_source
    rng = np.random.default_rng(0)
    assert_equal_renderings(net, algebra, [{name: rng.normal(0, 0.5, shape) for name, shape in shapes.items()}], LAID_OUT)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_the_gallery(entry: Entry) -> None:
    for options in ({}, {"stabilize": False}):
        net = compile(entry.program, wrt=entry.wrt, **options)
        assert_equal_renderings(net, entry.program, [_as_matrices(net, entry.example())], EVERY)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_the_gallery_with_batches_of_no_and_of_one_example(entry: Entry) -> None:
    """And with one in every place where a size is free."""
    net = compile(entry.program, wrt=entry.wrt)
    example = _as_matrices(net, entry.example())
    for size in (0, 1):
        small = {name: array[tuple(slice(size if isinstance(side, str) else None) for side in net.shapes[name])] for name, array in example.items()}
        assert_equal_renderings(net, entry.program, [small], {"as they are": LAID_OUT["as they are"], "float32": LAID_OUT["float32"]})


def _as_matrices(net: Net, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Vectors and scalars as the rows, columns and 1×1 matrices that they stand for."""
    return {name: array if array.ndim == 2 else array.reshape([side if isinstance(side, int) else -1 for side in net.shapes[name]]) for name, array in arrays.items()}


# fmt: off
WORKLOADS = [
    # program                                                                             shapes
    ("l2 = relu(l0 W0) W1",                                                               {"l0": (300, 40), "W0": (40, 70), "W1": (70, 10)}),
    ("L = mse(relu(l0 W0) W1, y)",                                                        {"l0": (1, 3), "W0": (3, 4), "W1": (4, 1), "y": (1, 1)}),
    ("h = tanh(x W + b); L = cross_entropy(h V + c, y)",                                  {"x": (257, 64), "W": (64, 33), "V": (33, 10)}),
    ("A = softmax((X W_Q) (X W_K)' / sqrt(16)); y = A (X W_V)",                           {"X": (130, 32), "W_Q": (32, 16), "W_K": (32, 16), "W_V": (32, 16)}),
    ("y = x A B C; L = sum(y^2)",                                                         {"x": (2, 200), "A": (200, 150), "B": (150, 120), "C": (120, 1)}),
    ("y = A B c",                                                                         {"A": (90, 80), "B": (80, 70), "c": (70, 1)}),
    ("y = layernorm(gelu(x W0 + b0) W1 + x, gamma, beta)",                                {"x": (65, 48), "W0": (48, 96), "W1": (96, 48), "b0": (1, 96), "gamma": (1, 48), "beta": (1, 48)}),
    ("p = sigmoid(x w + b); L = -mean(y * log(p) + (1 - y) * log(1 - p))",                {"x": (500, 20), "w": (20, 1), "b": (1, 1), "y": (500, 1)}),
    ("z = x - mean(x, axis=0); y = gamma * z / sqrt(mean(z^2, axis=0) + 1e-5) + beta",    {"x": (400, 30), "gamma": (1, 30), "beta": (1, 30)}),
    ("h = tanh(x W + h_1 U); g = sigmoid(x V + h_1 R); y = g * h + (1 - g) * h_1",        {"x": (64, 20), "W": (20, 50), "h_1": (64, 50), "U": (50, 50), "V": (20, 50), "R": (50, 50)}),
    ("K = exp(-sum((X - m)^2, axis=1) / 2); L = logdet(X' X + I) + sum(K)",               {"X": (60, 12), "m": (1, 12)}),
    ("y = relu(x W) * (x > 0) + x * x + x; L = sum(y * y)",                               {"x": (48, 48), "W": (48, 48)}),
    ("x1 = x W + b; x2 = relu(x1) + x1; x3 = dropout(x2, 0.5) V; L = huber(x3, y)",       {"x": (100, 30), "W": (30, 30), "V": (30, 5), "y": (100, 5)}),
    ("L = sum(relu(x W + b)) + 0.01 sum(W^2) + 0.1 sum(|W|)",                             {"x": (50, 8), "W": (8, 6), "b": (1, 6)}),
    ("y = x'; z = y' + x; s = sum(x)",                                                    {"x": (30, 20)}),
    ("y = x; z = x; s = [x, x; x, x]",                                                    {"x": (3, 2)}),
    ("y = vec(x); z = diag(y); s = x + 0; t = 1 x",                                       {"x": (3, 2)}),
    ("y = sum([c, S], axis=1) r",                                                         {"c": (5, 1), "S": (5, 2), "r": (1, 4)}),
    ("y = where((a < k) * (k < k), k, 2) + round(3)",                                     {"a": (1, 1), "k": (1, 1)}),
    ("y = x W' W x' ; z = tr(y)",                                                         {"x": (9, 7), "W": (5, 7)}),
]
# fmt: on


@pytest.mark.parametrize(("program", "shapes"), WORKLOADS, ids=[program for program, _ in WORKLOADS])
def test_workloads(program: str, shapes: dict[str, tuple[int, int]]) -> None:
    """Declared sizes, and sizes that nothing fixes; gradients by the parameters, and by all."""
    rng = np.random.default_rng(1)
    for declared, wrt in ((shapes, "all"), (None, None)):
        net = compile(program, shapes=declared, wrt=wrt)
        arrays = {name: rng.standard_normal(_size(name, net, shapes)) for name in net.inputs}
        assert_equal_renderings(net, program, [arrays], EVERY)


def _size(name: str, net: Net, shapes: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Of an input that the table leaves out: what the net says of it, or of the name that a mask stands beside."""
    named = {side: size for known, sizes in shapes.items() for side, size in zip(net.shapes[known], sizes, strict=True)}
    m, n = shapes.get(name) or (named.get(side, side) for side in net.shapes[name])
    return m, n


def test_the_net_runs_what_it_says_it_runs() -> None:
    """optimize=False runs the readable module; both give the same by name, from any spelling of the arrays."""
    for seed in range(0, 60, 7):
        program = random_program(seed)
        fast, plain = (compile(program.text, shapes=program.shapes, wrt="all", optimize=optimize) for optimize in (True, False))
        arrays = program.arrays(seed)
        delta = None if fast._seed is None else np.ones(output_shape(fast, [arrays[name] for name in fast.inputs]))
        for one, other in ((plain, fast), (fast, plain)):
            assert_same_kind(one.forward(**arrays), other.forward(**arrays), repr(program))
        (value, grads), (its_value, its_grads) = plain.value_and_grad(delta=delta, **arrays), fast.value_and_grad(delta=delta, **arrays)
        np.testing.assert_allclose(its_value, value, rtol=1e-9, atol=1e-9)
        for name, grad in grads.items():
            np.testing.assert_allclose(its_grads[name], grad, rtol=1e-8, atol=1e-8)
