"""The optimised rendering: what an expert would write is what it writes. (That it gives the same is test_renderings.py's.)"""

import itertools
import re
import time

import numpy as np
import pytest

from algebra2net import compile
from algebra2net.operators import OPERATORS
from algebra2net.optimize import stacks
from algebra2net.optimize.kernels import kernel
from algebra2net.optimize.order import cheapest_brackets
from algebra2net.run import load


def gradient_lines(source: str) -> str:
    """The body of `value_and_grad`, with `np.` before NumPy's functions."""
    body = source.partition("\ndef value_and_grad(")[2]
    direct = re.findall(r"^(\w+) = np\.\1$", source, re.MULTILINE)
    return re.sub(rf"\b({'|'.join(direct)})\(", r"np.\1(", body) if direct else body


# fmt: off
WRITTEN = [  # what a person knows, the algebra, its shapes, what is in the code, what is not
    ("relu is written over its argument",           "L = sum(relu(x W))", "x=9x8 W=8x7", r"np\.maximum\((\w+), zero\w*, out=\1\)", r"relu\("),
    ("a sum of squares is a dot product",           "L = sum((x W - y)^2)", "x=9x8 W=8x7 y=9x7", r"np\.vdot\((\w+), \1\)", r"\*\* 2|\.sum\("),
    ("a sum of products is a dot product",          "L = sum(x W * y)", "x=9x8 W=8x7 y=9x7", r"np\.vdot\(", r"\.sum\("),
    ("a bias's gradient is a product with ones",    "L = sum(tanh(x W + b)^2)", "x=9x8 W=8x7 b=1x7", r"ones_1_9\.dot\(", r"\.sum\("),
    ("a batch of one is not summed",                "L = sum(tanh(x W + b)^2)", "x=1x8 W=8x7 b=1x7", r"tanh", r"ones|\.sum\("),
    ("the mask of a small relu is a sign",          "L = sum(relu(x W)^2)", "x=9x8 W=8x7", r"(\w+) = np\.sign\((?!\1)", r"> zero"),
    ("but of a tiny one is written over it",         "L = sum(relu(x W)^2)", "x=3x4 W=4x5", r"np\.sign\((\w+), \1\)", r"> zero"),
    ("leaky relu is the larger of x and a x",        "h = leaky_relu(x W); L = sum(h^2)", "x=9x8 W=8x7", r"np\.maximum\(h, s\d+, out=h\)(.|\n)* = \(h > zero\)", r"minimum"),
    ("but not where a is no number from 0 to 1",     "L = sum(leaky_relu(x W, 1.5)^2)", "x=9x8 W=8x7", r"minimum", r"leaky_relu\("),
    ("the slope of elu is the exponential",          "h = elu(x W); L = sum(h V)", "x=9x8 W=8x7 V=7x6", r"np\.exp\((\w+), \1\)", r"> zero"),
    ("a block is compared with an array",            "L = sum(relu(x) * exp(x))", "x=400x300", r"maximum\(x_k, zero_block\[:len\(x_k\)\]\)", r"maximum\(x_k, zero\w*\)"),
    ("the mask of a large one, a comparison",       "L = sum(relu(x W) * y)", "x=90x80 W=80x70 y=90x70", r"greater\(|> zero", r"np\.sign"),
    ("a cube is two products",                      "L = sum((x W)^3)", "x=9x8 W=8x7", r"np\.square", r"\*\* 3|np\.power"),
    ("sigmoid and its slope share an exponential",  "L = sum(sigmoid(x W))", "x=90x80 W=80x70", r"np\.exp", r"(?s)(np\.exp.*){3}"),
    ("chains run in the cheapest order",            "L = sum(x A B C)", "x=400x400 A=400x400 B=400x400 C=400x10", r"B\.dot\(C\)", r"x\.dot\(A\)"),
    ("a diagonal is never built",                   "L = sum(X' diag(w) X)", "X=90x8 w=90x1", r"", r"diag"),
    ("Xᵀ diag(w) X, w ≥ 0, is a product with itself", "L = sum((X' diag(exp(w)) X)^2)", "X=90x8 w=90x1", r"(\w+)\.T\.dot\(\1\)", r"diag"),
    ("a slope of sigmoid is never below 0",         "s = sigmoid(X w); L = sum((X' diag(s * (1 - s)) X)^2)", "X=90x8 w=8x1", r"(\w+)\.T\.dot\(\1\)", r"diag"),
    ("a scale goes to the thin factor",             "L = sum(softmax(Q K' / sqrt(64))^2)", "Q=256x64 K=256x64", r"= Q \* c0_125\n", r"(\w+) = \w+\.dot\(K\.T\)\n    \1 \*= c0_125"),
    ("steps that share weights share one product",  "h1 = tanh(x1 W)\nh2 = tanh(x2 W)\nh3 = tanh(x3 W)\nL = sum(h1 + h2 + h3)", "x1=64x128 x2=64x128 x3=64x128 W=128x128",
     r"np\.concatenate\(\(x1, x2, x3\)\)|np\.concatenate\(\(x3, x2, x1\)\)", r"x1\.T\.dot"),
    ("and so do their biases",                      "h1 = tanh(x1 W + b)\nh2 = tanh(h1 W + b)\nh3 = tanh(h2 W + b)\nL = sum(h3)", "x1=64x128 W=128x128 b=1x128",
     r"ones_1_192\.dot\(", r"ones_1_64\.dot"),
    ("a factor that products share is taken out",   "L = sum(sin(x) * exp(-x^2))", "x=90x80", r"(\w+) \*= \w+\n    return", r"(?s)(exp_minus_square.*){4}"),
    ("so is a sigmoid from its slope σ(x) σ(-x)",   "L = sum(sin(x) * sigmoid(x))", "x=90x80", r"(\w+) \*= \w+\n(    del .*\n)?    return", r"sigmoid_slope"),
    ("log-sum-exp shares exp with its gradient",     "L = sum(logsumexp(x W, axis=1))", "x=9x8 W=8x7", r"= np\.log\(s\d+\)", r"(?s)logsumexp|shares|np\.exp\(.*np\.exp\("),
    ("short rows are normed with care alone",        "L = sum(layernorm(x)^2)", "x=9x4", r"= standardize_carefully\(", r"if not "),
    ("of longer ones nobody asks how long",          "L = sum(layernorm(x)^2)", "x=9x8", r"if not (.|\n)*standardize_carefully\(", r"np\.size"),
    ("what few entries are, nobody asks",           "L = sum(tanh(x W)^2)", "x=1x8 W=8x7", r"np\.cosh", r"\.size"),
    ("nor of many",                                 "L = sum(tanh(x W)^2)", "x=90x80 W=80x70", r"tanh_slope_mended", r"\.size|np\.cosh"),
    ("what 1 / y multiplies is divided by y",       "L = sum((tanh(x W) V)^2)", "x=1x8 W=8x7 V=7x6", r"square\((\w+), \1\)\n +\w+ /= \1\n", r"np\.divide"),
    ("a slope is written over what dies with it",   "L = sum(sigmoid(x W))", "x=90x80 W=80x70", r"= np\.negative\((\w+), \1\)", r"= np\.negative\(\w+\)"),
    ("what leaves the cache goes in blocks",        "L = sum(tanh(x) * exp(x))", "x=1000x1000", r"step = 81 // x\.dtype\.itemsize\n +for k in range\(0, 1000, step\):", r"np\.tanh\(x\)"),
    ("one row goes in blocks of columns",           "L = sum(tanh(x) * exp(x))", "x=1x1000000", r"step = 81920 // x\.dtype\.itemsize\n(.*\n)+.*x\[:, k:k \+ step\]", r"np\.tanh\(x\)"),
]
# fmt: on


@pytest.mark.parametrize(("algebra", "shapes", "there", "absent"), [row[1:] for row in WRITTEN], ids=[row[0] for row in WRITTEN])
def test_the_code_is_what_an_expert_writes(algebra: str, shapes: str, there: str, absent: str) -> None:
    net = compile(algebra, shapes=dict(word.split("=") for word in shapes.split()), wrt="all")
    lines = gradient_lines(net.optimized_source)
    assert re.search(there, lines), lines
    assert not re.search(absent, lines), lines


def deep(layers: int, batch: int, width: int, layer: str, also: str = "", first: int | None = None) -> tuple[str, dict[str, tuple[int, int]]]:
    """The algebra and the shapes of a net of equal layers, each as `layer` says it of {h}, {W} and {b}."""
    lines = [f"h{k} = {layer.format(h=f'h{k - 1}', W=f'W{k}', b=f'b{k}')}" for k in range(1, layers + 1)]
    shapes = {"h0": (batch, first or width), "y": (batch, width)}
    shapes |= {f"W{k}": (first if first and k == 1 else width, width) for k in range(1, layers + 1)}
    shapes |= {f"b{k}": (1, width) for k in range(1, layers + 1)} if "{b}" in layer else {}
    return "\n".join([*lines, f"L = mse(h{layers}, y){also}"]), shapes


# fmt: off
STACKED = [  # what a person knows, a net, what is in the code as often as this
    ("gradients of equal layers are one product",    deep(20, 8, 16, "relu({h} {W})"), r"np\.matmul\(h_all\.transpose\(0, 2, 1\), d_all\)", 1),
    ("those of biases, too, of the same stack",      deep(20, 8, 16, "tanh({h} {W} + {b})"), r"np\.matmul\(ones_1_8, d_all\)|np\.matmul\(h_all\.transpose\(0, 2, 1\), d_all\[0:19\]\)", 2),
    ("also where layers are none of NumPy's calls",  deep(20, 8, 16, "sigmoid({h} {W} + {b})"), r"np\.matmul\(ones_1_8, d_all\)", 1),
    ("a layer of other sizes stands alone",          deep(20, 8, 16, "relu({h} {W})", first=5), r"h0\.T\.dot\(|np\.matmul\(h_all", 2),
    ("a gradient that is added to is, alone",        deep(20, 8, 16, "relu({h} {W})", " + sum(W3^2)"), r"h2\.T\.dot\(|np\.matmul\(", 2),
    ("very deep ones are stacked some at a time",    deep(150, 4, 6, "relu({h} {W})"), r"np\.matmul\(", 3),
    ("few are not worth a stack",                    deep(12, 8, 16, "tanh({h} {W})"), r"_all|np\.matmul\(", 0),
    ("nor are large ones",                           deep(20, 200, 200, "relu({h} {W})"), r"np\.matmul\(", 0),
    ("a batch of one is not stacked",                deep(20, 1, 16, "relu({h} {W})"), r"np\.matmul\(", 0),
    ("both factors may be turned or not",            ("\n".join(f"h{k} = tanh(W{k} {f'h{k - 1}' if k > 1 else 'x'})" for k in range(1, 21)) + "\nL = mse(h20, y)",
     {"x": (16, 8), "y": (16, 8)} | {f"W{k}": (16, 16) for k in range(1, 21)}), r"np\.matmul\(d_all, h_all\.transpose\(0, 2, 1\)\)", 1),
]
# fmt: on


@pytest.mark.parametrize(("net", "there", "times"), [row[1:] for row in STACKED], ids=[row[0] for row in STACKED])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_of_equal_layers_are_done_together(net: tuple[str, dict[str, tuple[int, int]]], there: str, times: int, dtype: type) -> None:
    algebra, shapes = net
    made = compile(algebra, shapes=shapes)
    assert len(re.findall(there, gradient_lines(made.optimized_source))) == times, made.optimized_source
    rng = np.random.default_rng(0)
    arrays = {name: (rng.normal(size=shape) / (shape[0] ** 0.5 if name[0] == "W" else 1)).astype(dtype) for name, shape in shapes.items()}
    kept = {name: array.copy() for name, array in arrays.items()}
    given = [arrays[name] for name in made.inputs]
    (one, these), (other, those) = (load(text)["value_and_grad"](*given) for text in (made.source, made.optimized_source))
    tolerance = 2e-4 if dtype == np.float32 else 1e-10
    assert np.isclose(one, other, rtol=tolerance)
    for name, expected in these.items():
        np.testing.assert_allclose(those[name], expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
        assert those[name].dtype == dtype
    results = list(those.values())
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations([*results, *arrays.values()], 2))
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, kept[name])


@pytest.mark.parametrize("odd", ["y", "h0", "W5"])
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.longdouble])
def test_a_stack_takes_arrays_of_different_types_by_hand(odd: str, dtype: type) -> None:
    algebra, shapes = deep(20, 8, 16, "relu({h} {W})")
    net = compile(algebra, shapes=shapes)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shapes[name]).astype(dtype if name == odd else np.float32) for name in net.inputs]
    (one, these), (other, those) = (load(text)["value_and_grad"](*arrays) for text in (net.source, net.optimized_source))
    assert np.isclose(float(one), other, rtol=1e-4)
    for name, expected in these.items():
        np.testing.assert_allclose(those[name], expected, rtol=1e-3, atol=1e-4 * float(np.abs(expected).max()))


LAYERS = (
    "tanh({a} {W})",
    "relu({a} {W} + {b})",
    "{a} + sigmoid({b_} {W})",
    "softplus({a} {W}) * {b_}",
    "elu({a} {W} + {b_} V)",
    "softmax({a} {b_}' / 3) {a} {W}",
    "gelu({a} * {b_} - {a}) {W}",
)


def tangled(rng: np.random.Generator) -> tuple[str, dict[str, tuple[int, int]]]:
    """A net of a few layers, each of one of the last two values and weights that layers may share; and its shapes."""
    batch, width, layers = (int(size) for size in rng.integers(2, 7, size=3))
    values, lines = ["x"], []
    for k in range(1, layers + 1):
        a, b_ = rng.choice(values[-3:], size=2)
        lines.append(f"h{k} = {str(rng.choice(LAYERS)).format(a=a, b_=b_, W=f'W{rng.integers(1, 7)}', b=f'b{rng.integers(1, 7)}')}")
        values.append(f"h{k}")
    algebra = "\n".join([*lines, "L = " + " + ".join(f"mse({value}, y)" for value in values[rng.choice([1, -1]) :])])
    shapes = {"x": (batch, width), "y": (batch, width), "V": (width, width)} | {f"W{k}": (width, width) for k in range(1, 7)} | {f"b{k}": (1, width) for k in range(1, 7)}
    return algebra, shapes


ONCE_WRONG = (  # a group that another drew apart; a delta that is stacked twice
    "h1 = exp(x W1 + b2)\nh2 = softmax(x h1' / 3) x W3\nh3 = softmax(h1 x' / 3) h1 W3\nL = mse(h1, y) + mse(h2, y) + mse(h3, y)",
    "h1 = x + softplus(x W1)\nh2 = gelu(h1 * h1 - h1) W1\nh3 = gelu(h1 * h1 - h1) W1\nL = mse(h1, y) + mse(h2, y) + mse(h3, y)",
)


@pytest.mark.parametrize("draw", [*range(40), *ONCE_WRONG])
def test_what_is_done_together_changes_no_result(draw: int | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "FEW", 2)
    monkeypatch.setattr(stacks, "MANY", 3)
    rng = np.random.default_rng(draw if isinstance(draw, int) else 0)
    algebra, shapes = tangled(rng) if isinstance(draw, int) else (draw, {"x": (3, 3), "y": (3, 3), "W1": (3, 3), "b2": (1, 3), "W3": (3, 3)})
    shapes = {name: shape for name, shape in shapes.items() if name in algebra}
    net = compile(algebra, shapes=shapes, wrt=[name for name in shapes if name != "y"])
    arrays = [rng.normal(size=net.shapes[name]) / 2 for name in net.inputs]
    (one, these), (other, those) = (load(text)["value_and_grad"](*arrays) for text in (net.source, net.optimized_source))
    assert np.isclose(one, other, rtol=1e-9), net.optimized_source
    for name, expected in these.items():
        np.testing.assert_allclose(those[name], expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max(), err_msg=net.optimized_source)
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations([*those.values(), *arrays], 2))


MANY_CALLS = {"tanh": r"d9 \*= tanh_slope\(h9, s\d+\)", "sigmoid": r"h9, s\d+ = sigmoid_and_slope\(s\d+\)", "silu": r"h9, s\d+ = silu_and_slope\(s\d+\)"}


@pytest.mark.parametrize(("function", "line"), MANY_CALLS.items())
def test_of_many_calls_each_is_a_line(function: str, line: str) -> None:
    """For lines take Python time to compile; and names are let go some at a time."""
    algebra, _ = deep(80, 8, 16, function + "({h} {W} + {b})")
    net = compile(algebra)
    lines = gradient_lines(net.optimized_source)
    assert re.search(line, lines)
    assert lines.count("del ") < 80
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(1, 6) if name[0] == "b" else (6, 6)) / 2 for name in net.inputs}
    (one, these), (other, those) = (load(text)["value_and_grad"](*arrays.values()) for text in (net.source, net.optimized_source))
    assert one == pytest.approx(other, rel=1e-12)
    for name, expected in these.items():
        np.testing.assert_allclose(those[name], expected, rtol=1e-10, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("algebra", ["L = sum(exp * tanh(sign))", "exp = exp(x) * tanh(x)\nL = sum(exp^2)"])
def test_a_value_may_have_the_name_of_one_of_numpys_functions(algebra: str) -> None:
    net = compile(algebra, wrt="all")
    arrays = {name: np.random.default_rng(0).normal(size=(5, 4)) for name in net.inputs}
    (one, these), (other, those) = (load(text)["value_and_grad"](*arrays.values()) for text in (net.source, net.optimized_source))
    assert one == pytest.approx(other, rel=1e-13)
    assert all(np.allclose(these[name], those[name], rtol=1e-12) for name in these)


@pytest.mark.parametrize("shape", [(1000, 300), (1, 300_000), (300_000, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_do_all_rows_and_columns_and_the_rest(shape: tuple[int, int], dtype: type) -> None:
    net = compile("h = tanh(x * a + b)\ng = relu(h) * exp(-h)\nL = sum(g * y)", shapes={"x": shape, "a": (1, shape[1]), "b": (shape[0], 1), "y": shape}, wrt="all")
    assert "for k in range" in net.optimized_source
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=net.shapes[name]).astype(dtype) for name in net.inputs]
    (one, these), (other, those) = (load(text)["value_and_grad"](*arrays) for text in (net.source, net.optimized_source))
    close = {"rtol": 1e-4, "atol": 1e-3} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-11}
    assert np.isclose(one, other, **close)
    for name in these:
        np.testing.assert_allclose(those[name], these[name], **close)
        assert not isinstance(those[name], np.ndarray) or those[name].dtype == dtype


def cost(sizes: list[int], order: tuple[int, ...]) -> int:
    """The products of numbers that a chain takes when its products are done in that order."""
    left, total = list(sizes), 0
    for place in order:
        k = place - sum(earlier < place for earlier in order[: order.index(place)])
        total += left[k] * left[k + 1] * left[k + 2]
        del left[k + 1]
    return total


@pytest.mark.parametrize("draw", range(20))
def test_brackets_are_the_cheapest_of_all(draw: int) -> None:
    sizes = list(np.random.default_rng(draw).integers(1, 30, size=6))
    best = min(cost(sizes, order) for order in itertools.permutations(range(len(sizes) - 2)))
    assert cheapest_brackets(sizes)[0] == best


def test_what_is_asked_for_by_name_is_still_there_when_a_chain_is_turned() -> None:
    shapes = {"x": (40, 40), "A": (40, 40), "B": (40, 2)}
    net = compile("h = x A\ny = h B", shapes=shapes)
    arrays = {name: np.random.default_rng(0).normal(size=shape) for name, shape in shapes.items()}
    np.testing.assert_allclose(net.forward(**arrays)["h"], arrays["x"] @ arrays["A"])
    by_h = compile("h = x A\ny = h B", shapes=shapes, wrt=["h"], loss="sum(y^2)")
    np.testing.assert_allclose(by_h.grad(**arrays)["h"], 2 * arrays["x"] @ arrays["A"] @ arrays["B"] @ arrays["B"].T)


@pytest.mark.parametrize("name", [name for name, record in OPERATORS.items() if record.elementwise and record.prelude and len(record.operands) < 3 and not record.options])
def test_every_function_is_read_or_kept_whole(name: str) -> None:
    record = OPERATORS[name]
    from sympy import Symbol

    value = record(*(Symbol(operand) for operand in record.operands))
    made = kernel(record, value)
    kept = dict(made.preludes)
    for step in made.instructions:
        if step.op == "call":
            assert str(step.data).partition("(")[0] in kept
    assert made.instructions


def test_sizes_that_nothing_says_are_met_by_code_of_their_own() -> None:
    net = compile("L = sum(tanh(x) * exp(x))", wrt="x")
    large, small = np.random.default_rng(0).normal(size=(400, 400)), np.ones((2, 2))
    for x in (large, small, large):
        value, grads = net.value_and_grad(x=x)
        assert np.isclose(value, np.sum(np.tanh(x) * np.exp(x)))
        np.testing.assert_allclose(grads["x"], np.exp(x) * (1 - np.tanh(x) ** 2 + np.tanh(x)), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.longdouble])
def test_the_module_takes_other_types_by_hand(dtype: type) -> None:
    functions = load(compile("L = sum(relu(x W) * 0.5)", shapes={"x": (2, 3), "W": (3, 2)}).optimized_source)
    value, grads = functions["value_and_grad"](np.ones((2, 3), dtype), np.ones((3, 2)))
    assert value == 6
    np.testing.assert_array_equal(grads["W"], np.ones((3, 2)))


# fmt: off
DIAGONALS = [  # the algebra, its shapes, the readable code
    ("H = X' diag(w) X",      {},                                           "H = X.T @ (w * X)"),
    ("H = A diag(w) X",       {"A": (9, 4), "X": (4, 3)},                   "H = A @ (w * X)"),
    ("H = A diag(w) X",       {"A": (3, 4), "X": (4, 9)},                   "H = (A * w.T) @ X"),
    ("H = A diag(w) X",       {},                                           "H = (A * w.T) @ X"),
    ("q = x' diag(w) x",      {"x": (5, 1)},                                "q = x.T @ (w * x)"),
]
# fmt: on


@pytest.mark.parametrize(("algebra", "shapes", "code"), DIAGONALS)
def test_a_diagonal_scales_the_smaller_of_its_neighbours(algebra: str, shapes: dict[str, tuple[int, int]], code: str) -> None:
    assert f"    {code}\n" in compile(algebra, shapes=shapes).source


# fmt: off
CHAINS = [  # what grows with the layers, layer k, the shape of the batch
    ("rows that biases wait for",      "h{k} = tanh(h{j} W{k} + b{k})",                       (8, 8)),
    ("layers without a name",          "h{k} = h{j} + relu(h{j} W{k} + b{k}) W{k}",           (8, 8)),
    ("functions that share their way", "h{k} = silu(h{j} W{k})",                              (8, 8)),
    ("loops over blocks",              "h{k} = gelu(h{j} W{k})",                              (8192, 8)),
]
# fmt: on


@pytest.mark.parametrize(("layer", "batch"), [chain[1:] for chain in CHAINS], ids=[chain[0] for chain in CHAINS])
def test_ten_times_the_layers_take_no_more_than_ten_times_as_long(layer: str, batch: tuple[int, int]) -> None:
    def spent(layers: int) -> float:
        text = "\n".join(["h0 = x", *(layer.format(j=k - 1, k=k) for k in range(1, layers + 1)), f"L = mse(h{layers}, y)"])
        shapes = {"x": batch, "y": batch} | {f"W{k}": (8, 8) for k in range(1, layers + 1)}
        before = time.process_time()
        load(compile(text, shapes=shapes).optimized_source)
        return time.process_time() - before

    few, many = min(spent(30) for _ in range(3)), min(spent(300) for _ in range(2))
    assert many < 2.5 * 10 * few, "2.5: other work on the machine; what is quadratic takes a multiple of it"
