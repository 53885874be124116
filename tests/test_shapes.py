"""Shapes: what follows from what is known, in any direction; what contradicts itself, and where; what a call may bring.

Letters in the tables stand for dimensions that nothing fixes: the same letter for the same dimension, another for another.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from algebra2net import ShapeError, compile

# fmt: off
FOLLOWS = [
    # program                                        what is known                            what follows
    ("l2 = relu(l0 W0) W1",                          {},                                      "l0 a×b, W0 b×c, l1 a×c, W1 c×d, l2 a×d"),
    # in any direction: from layers, from weights, from the end, from the batch
    ("l2 = relu(l0 W0) W1",                          {"l0": 3, "l1": 4, "l2": 1},             "l0 a×3, W0 3×4, l1 a×4, W1 4×1, l2 a×1"),
    ("l2 = relu(l0 W0) W1",                          {"W0": (3, 4), "W1": "4x1"},             "l0 a×3, W0 3×4, l1 a×4, W1 4×1, l2 a×1"),
    ("l2 = relu(l0 W0) W1",                          {"l2": (5, 1)},                          "l0 5×b, W0 b×c, l1 5×c, W1 c×1, l2 5×1"),
    ("l2 = relu(l0 W0) W1",                          {"l0": ("B", 784), "l2": (7, 1)},        "l0 7×784, W0 784×c, W1 c×1"),
    ("z = x W; y = z + x",                           {"x": 3},                                "W 3×3, z a×3, y a×3"),
    ("A = X X'; B = A C",                            {"C": (5, 2)},                           "X 5×b, A 5×5, B 5×2"),
    ("y = ((x A) B) C",                              {"x": 2, "C": (4, 5)},                   "A 2×b, B b×4, y a×5"),
    # a weight of the loss is a number; what a norm scales need not be
    ("L = mse(x, y) + C sum(w^2)",                   {},                                      "C 1×1, L 1×1"),
    ("L = C mean(p) + (1 - C) mean(q)",              {},                                      "C 1×1, L 1×1"),
    ("L = sum(z) / N",                               {},                                      "N 1×1, L 1×1"),
    ("y = v / ‖v‖ + u / ‖u‖",                        {},                                      "v a×b, u a×b, y a×b"),
    ("y = ‖g‖ v + ‖w‖ u",                            {},                                      "v a×b, u a×b, y a×b"),
    ("y = x - mean(z) + std(z) c",                   {},                                      "x a×b, c a×b, y a×b"),
    ("L = sum(C) + C mean(p)",                       {},                                      "C a×b, L a×b"),
    # declared in the program itself
    ("y = x W where x: 2x3, W ∈ R^{3×4}",            {},                                      "x 2×3, W 3×4, y 2×4"),
    ("X: n x d; W ∈ R^(d×k); Y = X W",               {},                                      "X n×d, W d×k, Y n×k"),
    ("X: n x d; W: d x k; Y = X W",                  {"W": (3, 4)},                           "X n×3, Y n×4"),
    ("y = x W; x ∈ R^3",                             {},                                      "x a×3, W 3×b, y a×b"),
    ("y = λ x; λ ∈ R; x: 4",                         {},                                      "lambda 1×1, x a×4, y a×4"),
    # columns, as in W x + b
    ("y = W x + b",                                  {},                                      "W a×b, x b×c, b a×1, y a×c"),
    ("y = W x + b where x ∈ R^3, b ∈ R^4",           {},                                      "W 4×3, x 3×1, b 4×1, y 4×1"),
    ("y = W x + b; x: 3; y: 4",                      {},                                      "W 4×3, x 3×1, b 4×1, y 4×1"),
    ("h = tanh(W x + U s + b); y = V h + c; x: n",   {"h": (5, 1)},                           "W 5×n, x n×1, U 5×a, s a×1, b 5×1, V b×5, c b×1"),
    ("y = w' x + b; w ∈ R^3",                        {},                                      "w 3×1, x 3×a, b 1×a, y 1×a"),
    ("Z1 = W1 X + b1; A1 = tanh(Z1); Z2 = W2 A1 + b2", {},                                    "X a×m, W1 h×a, b1 h×1, W2 c×h, b2 c×1, Z2 c×m"),
    ("q = x' A x; x: 3",                             {},                                      "x 3×1, A 3×3, q 1×1"),
    ("y = x W + b; x: 3; b: 4",                      {},                                      "x a×3, W 3×4, b 1×4, y a×4"),
    ("y = W x + b",                                  {"x": (3, 1)},                           "W a×3, b a×1, y a×1"),
    # rows, columns and scalars beside matrices
    ("y = relu(x W + b) + c",                        {"x": (1, 3)},                           "W 3×a, b 1×a, c 1×a, y 1×a"),
    ("L = mse(x w + b, y)",                          {"x": 3, "y": 1},                        "w 3×1, b 1×1, y a×1"),
    ("L = sum((y - x w)^2)",                         {"w": (3, 1)},                           "x a×3, y a×1"),
    ("y = (x - mean(x, axis=1)) / std(x, axis=1)",   {},                                      "x a×b, y a×b"),
    ("y = x / norm(W, axis=0)",                      {"W": (4, 3)},                           "x a×3, y a×3"),
    ("y = x W + b",                                  {},                                      "x a×b, W b×c, b 1×c, y a×c"),
    ("y = gamma * x + beta",                         {"x": (5, 3)},                           "gamma 1×3, beta 1×3, y 5×3"),
    ("M = c + r",                                    {"c": (4, 1), "r": (1, 3)},              "M 4×3"),
    ("y = x * k",                                    {"x": (4, 3), "k": (4, 1)},              "y 4×3"),
    ("y = 2 x - 1",                                  {"x": (4, 3)},                           "y 4×3"),
    ("z = mu + s * eps; q = z W; L = mse(q, x)",     {"eps": ("B", 2), "x": 6},               "mu B×2, s B×2, W 2×6, q B×6"),  # no scalar, as its shape says
    ("w2 = w - eta g",                               {},                                      "w a×b, eta 1×1, g a×b, w2 a×b"),
    ("L = ||X w - y||^2 + lambda ||w||^2",           {"X": (10, 3)},                          "w 3×a, y 10×a, lambda 1×1, L 1×1"),
    ("L = 1/n sum((x W - y)^2)",                     {},                                      "x a×b, W b×c, y a×c, n 1×1, L 1×1"),
    ("L = mse(x W, y) + c sum(W^2)",                 {},                                      "x a×b, W b×d, c 1×1, L 1×1"),
    ("k = mean(v); y = relu((x - k) W)",             {},                                      "v a×b, k 1×1, x c×d, W d×e"),
    ("p = exp(z) / sum(exp(z))",                     {},                                      "z a×b, p a×b"),
    ("A = softmax(Q K' / sqrt(d)); O = A V",         {"Q": ("T", 64), "V": ("S", 32)},        "K S×64, d 1×1, A T×S, O T×32"),
    # reductions keep two dimensions
    ("s = sum(x); r = sum(x, axis=0); c = sum(x, axis=1)", {"x": (4, 3)},                     "s 1×1, r 1×3, c 4×1"),
    ("p = softmax(z); n = normalize(z)",             {"z": (4, 3)},                           "p 4×3, n 4×3"),
    ("L = mse(x W, y)",                              {"x": (5, 3), "y": (5, 2)},              "W 3×2, L 1×1"),
    ("L = cross_entropy(x W, y)",                    {"x": 3, "y": 10},                       "x a×3, W 3×10, y a×10, L 1×1"),
    # sizes as numbers and as arguments
    ("X: n x d; L = 1/n sum((X w - y)^2)",           {},                                      "X n×d, w d×a, y n×a, L 1×1"),
    ("X: n x d; Y = X - ones(n, d)",                 {"X": (4, 3)},                           "Y 4×3"),
    ("Y = ones(3, 2) + zeros(3, 2)",                 {},                                      "Y 3×2"),
    ("Y = ones(m=3, n=2) + zeros(n=2, m=3) eye(n=2)", {},                                     "Y 3×2"),
    ("Y = X + ones()",                               {"X": (4, 3)},                           "Y 4×3"),
    ("B = A + lambda I",                             {"A": (3, 3)},                           "lambda 1×1, B 3×3"),
    ("B = A - I; w = B^-1 v",                        {"v": (4, 1)},                           "A 4×4, B 4×4, w 4×1"),
    ("H = I - x x' / (x' x)",                        {"x": (3, 1)},                           "H 3×3"),
    ("A = X I; B = Y I",                             {"X": (2, 3), "Y": (4, 5)},              "A 2×3, B 4×5"),
    ("B = I_3 A",                                    {},                                      "A 3×a, B 3×a"),
    ("A: n x m; B = I_n A",                          {},                                      "A n×m, B n×m"),
    # blocks, in both directions
    ("z = [x, h] W",                                 {"x": 3, "h": 4, "z": 5},                "W 7×5, z a×5"),
    ("z = [x, h] W",                                 {"W": (7, 5), "x": 3},                   "h a×4, z a×5"),
    ("s = [x; h]",                                   {"x": (2, 3), "s": (5, 3)},              "h 3×3"),
    ("s = W [h; x] + b",                             {"h": (4, 1), "x": (3, 1), "s": (4, 1)}, "W 4×7, b 4×1"),
    ("B = [A, b; c, d]",                             {"A": (2, 3), "c": (1, 3), "d": (1, 1)}, "b 2×1, B 3×4"),
    ("y = [1; x]",                                   {"x": (3, 1)},                           "y 4×1"),
    # vec, kron, outer, diag, traces
    ("v = vec(A); K = kron(A, B)",                   {"A": (2, 3), "B": (4, 5)},              "v 6×1, K 8×15"),
    ("A: m x n; v = vec(A)",                         {},                                      "v m*n×1"),
    ("y = kron(A, I_2) x",                           {"A": (3, 4)},                           "x 8×a, y 6×a"),
    ("y = kron(A, B) x",                             {"A": (3, 4), "y": (6, 1), "x": (8, 1)}, "B 2×2"),
    ("M = outer(a, b)",                              {"a": (1, 3), "b": (1, 4)},              "M 3×4"),
    ("D = diag(s); d = diag(A)",                     {"s": (1, 3), "A": (4, 4)},              "D 3×3, d 4×1"),
    ("Y = diag(s) X",                                {"s": 3},                                "X 3×a, Y 3×a"),
    ("t = tr(A B); l = logdet(C)",                   {"A": (3, 4), "C": (2, 2)},              "B 4×3, t 1×1, l 1×1"),
    ("x = solve(A, b)",                              {"b": (3, 1)},                           "A 3×3, x 3×1"),
    ("s = dot(a, b)",                                {"a": (1, 3)},                           "b 1×3, s 1×1"),
    # functions of one's own
    ("f(x) = x * sigmoid(x); y = f(x W)",            {"x": 3, "y": 2},                        "W 3×2, y a×2"),
    ("layer(x, W, b) = relu(x W + b); y = layer(layer(x, A, b), B, c)", {"x": 3, "A": (3, 4), "y": 2}, "B 4×2"),
    # by any spelling of a name
    ("ℓ₁ = relu(ℓ₀ W₀)",                             {"l_0": 3, "l1": 4},                     "W0 3×4"),
    ("y = W λ",                                      {"lambda": (3, 1)},                      "W a×3, y a×1"),
]
# fmt: on


def sizes(expected: str) -> dict[str, tuple[str, str]]:
    """`W0 3×4, y a×4`, taken apart."""
    found = {}
    for word in expected.split(", "):
        name, _, size = word.rpartition(" ")
        rows, _, columns = size.partition("×")
        found[name] = (rows, columns)
    return found


@pytest.mark.parametrize(("program", "known", "expected"), FOLLOWS)
def test_shapes_follow(program: str, known: dict[str, Any], expected: str) -> None:
    shapes = compile(program, shapes=known).shapes
    meaning: dict[str, str] = {}  # what a letter stands for
    for name, wanted in sizes(expected).items():
        for letter, found in zip(wanted, map(str, shapes[name]), strict=True):
            assert meaning.setdefault(letter, found) == found if letter.isalpha() and len(letter) == 1 else letter == found, (name, shapes)
    free = [size for letter, size in meaning.items()]
    assert len(set(free)) == len(free), f"two letters, one dimension: {meaning}"
    assert not any(size.isdecimal() for size in free), f"fixed: {meaning}"


@pytest.mark.parametrize("names", [("n", "d"), ("T", "k")])
def test_names_that_a_program_gives_to_dimensions_are_kept(names: tuple[str, str]) -> None:
    n, d = names
    assert compile(f"X: {n} x {d}; Y = X W").shapes["X"] == names
    assert compile("Y = X W", shapes={"X": names}).shapes["X"] == names


# fmt: off
CONTRADICTS = [
    # program                                  known                                what the message says
    ("l1 = l0 W0",                             {"l0": 3, "W0": (5, 4)},             ["l0 W0 does not fit", "l0 is", "×3", "W0 is 5×4", "shapes"]),
    ("l1 = l0 W0; l0: 3; W0: 5x4",             {},                                  ["l0 W0 does not fit", "3", "5×4", "line 1"]),
    ("W0: 5x4\nl0: 3\nl1 = relu(l0 W0)",       {},                                  ["l0 W0 does not fit", "line 1", "line 2"]),
    ("W: 3x4\ny = x W\nW: 3x5",                {},                                  ["W", "3×5", "4"]),
    ("W: 3x4\ny = x W",                        {"W": (3, 5)},                       ["W", "4", "5", "shapes", "declared"]),
    ("y = x W + b",                            {"W": (3, 4), "b": 5},               ["x W + b does not fit", "4", "5"]),
    ("y = a + b",                              {"a": (2, 3), "b": (3, 2)},          ["a + b does not fit", "a is 2×3 (shapes)", "b is 3×2 (shapes)"]),
    ("y = a * b",                              {"a": (2, 3), "b": (3, 4)},          ["a * b does not fit", "a is 2×3", "b is 3×4", "entry by entry", "side by side"]),
    ("y = (a + b) c",                          {"a": (2, 2), "c": (3, 3)},          ["(a + b) c does not fit", "a + b is 2×2", "c is 3×3"]),
    ("y = A^-1",                               {"A": (2, 3)},                       ["A is 2×3", "square"]),
    ("y = tr(A)",                              {"A": (2, 3)},                       ["A is 2×3", "square"]),
    ("y = [a, b]",                             {"a": (2, 3), "b": (3, 3)},          ["[a, b] does not fit", "same number of rows"]),
    ("y = [a; b]",                             {"a": (2, 3), "b": (2, 4)},          ["does not fit", "same number of columns"]),
    ("z = [x, h] W",                           {"x": 3, "h": 4, "W": (8, 5)},       ["[x, h] W does not fit", "7", "8"]),
    ("z = [x, h] W",                           {"x": 3, "W": (3, 5)},               ["3"]),
    ("L = mse(p, y)",                          {"p": (2, 3), "y": (3, 2)},          ["2×3", "3×2"]),
    ("y = kron(A, B) + C",                     {"A": (2, 2), "B": (2, 2), "C": (5, 5)}, ["4", "5×5"]),
    ("Y = ones(3, 2) X",                       {"X": (3, 2)},                       ["3×2"]),
    ("l1 = relu(l0 W0)",                       {"l0": 3, "l1": (5, 4), "W0": (7, 4)}, ["3", "7×4"]),
    ("l2 = relu(l0 W0) W1",                    {"l1": 4, "W1": (5, 1)},             ["l1", "4", "5×1"]),
]
# fmt: on


@pytest.mark.parametrize(("program", "known", "said"), CONTRADICTS)
def test_a_contradiction_names_both_sides(program: str, known: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(ShapeError) as caught:
        compile(program, shapes=known)
    message = str(caught.value)
    assert [words for words in said if words not in message] == [], message
    assert not re.search(r"\b_\d", message), "a step that nobody named"


@pytest.mark.parametrize("shape", [(1, 2, 3), "1x2x3", 2.5, -1, None, True, "", (3, None), {}])
def test_what_is_no_shape_is_refused(shape: Any) -> None:
    with pytest.raises(ShapeError, match="x cannot be"):
        compile("y = x W", shapes={"x": shape})


def test_a_shape_of_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(ShapeError, match="there is no W3"):
        compile("y = x W", shapes={"W3": (3, 4)})


# --------------------------------------------------------------------------- what a call brings that nobody foresaw

# fmt: off
BROUGHT = [
    # program                    what is brought                                                    in words
    ("y = x W + b",              {"x": (5, 3), "W": (3, 4), "b": (5, 4)}),                        # a bias for each example
    ("y = x W + b",              {"x": (5, 3), "W": (3, 4), "b": (5, 1)}),                        # a bias column
    ("y = x W + b",              {"x": (1, 3), "W": (3, 4), "b": (1, 4)}),                        # a batch of one
    ("y = x W + b",              {"x": (3,), "W": (3, 4), "b": (4,)}),                            # vectors as NumPy has them
    ("y = x W + b",              {"x": (3,), "W": (3, 4), "b": ()}),                              # a scalar bias
    ("y = x W + b",              {"x": (5, 3), "W": (3, 1), "b": ()}),
    ("y = W x + b",              {"W": (4, 3), "x": (3,), "b": (4,)}),                            # columns, as NumPy has them
    ("y = W x + b",              {"W": (4, 3), "x": (3, 1), "b": (4, 1)}),
    ("y = W x + b",              {"W": (4, 3), "x": (3, 5), "b": (4, 5)}),
    ("w2 = w - eta g",           {"w": (3, 4), "eta": (), "g": (3, 4)}),
    ("w2 = w - eta * g",         {"w": (3, 4), "eta": (1, 4), "g": (3, 4)}),                      # a rate for each column
    ("w2 = w - eta * g",         {"w": (3, 4), "eta": (3, 4), "g": (3, 4)}),
    ("y = lambda x",             {"lambda": (1, 3), "x": (3, 2)}),                                # λ a row: a product
    ("y = λ * x",                {"lambda": (1, 3), "x": (2, 3)}),
    ("L = mse(x, y) + c sum(W)", {"x": (2, 3), "y": (2, 3), "c": (4, 5), "W": (1, 2)}),           # c a matrix
    ("y = gamma * x + beta",     {"gamma": (5, 3), "x": (5, 3), "beta": (1, 3)}),
    ("y = gamma * x + beta",     {"gamma": (3,), "x": (5, 3), "beta": ()}),
    ("y = a + b",                {"a": (4, 1), "b": (1, 3)}),                                     # a column and a row: a matrix
    ("y = a * b",                {"a": (4, 3), "b": ()}),
    ("y = a / b",                {"a": (1, 3), "b": (4, 3)}),
    ("y = maximum(a, b)",        {"a": (4, 3), "b": (1, 3)}),
    ("y = x W",                  {"x": (), "W": (3, 4)}),                                         # a scalar times a matrix
    ("y = x W",                  {"x": (1, 1), "W": (3, 4)}),
    ("L = sum((x W - y)^2)",     {"x": (5, 3), "W": (3, 2), "y": (1, 2)}),                        # one target for all
    ("L = sum((x w - y)^2)",     {"x": (5, 3), "w": (3,), "y": (5,)}),                            # regression as NumPy users write it
    ("L = mean((x w + b - y)^2)", {"x": (5, 3), "w": (3,), "b": (), "y": (5,)}),
    ("y = dot(a, b)",            {"a": (3,), "b": (3,)}),
    ("y = softmax(Q K' / sqrt(d)) V", {"Q": (4, 3), "K": (5, 3), "d": (), "V": (5, 2)}),
    ("y = x / d",                {"x": (4, 3), "d": (4, 3)}),
]
# fmt: on


@pytest.mark.parametrize(("program", "brought"), BROUGHT)
def test_a_call_settles_what_was_open(program: str, brought: dict[str, tuple[int, ...]]) -> None:
    """And the gradients are right, each in the shape of its array."""
    rng = np.random.default_rng(0)
    at = {name: rng.uniform(0.5, 1.5, shape) for name, shape in brought.items()}
    net = compile(program, wrt="all")
    value = net(**at)
    delta = {} if isinstance(value, float) else {"delta": rng.uniform(-1, 1, value.shape)}
    grads = net.grad(**at, **delta)
    for name, array in at.items():
        assert grads[name].shape == array.shape
        for place in np.ndindex(array.shape):
            ends = []
            for h in (1e-6, -1e-6):
                moved = array.copy()
                moved[place] += h
                ends.append(np.sum(delta.get("delta", 1.0) * np.asarray(net(**{**at, name: moved}))))
            assert grads[name][place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)


def test_one_net_takes_batches_of_any_size_one_after_the_other() -> None:
    net = compile("y = relu(x W + b)", wrt=["b"])
    W, b = np.ones((3, 4)), np.zeros((1, 4))
    for rows in (1, 5, 0, 2):
        assert net(x=np.ones((rows, 3)), W=W, b=b).shape == (rows, 4)
        assert net.grad(x=np.ones((rows, 3)), W=W, b=b, delta=np.ones((rows, 4)))["b"].tolist() == [[rows] * 4]


# fmt: off
MISFITS = [
    # program                    known                 what is brought                      what the message says
    ("y = x W",                  {},                   {"x": (5, 3), "W": (4, 2)},          ["W", "(4, 2)", "3"]),
    ("y = x W",                  {"W": (3, 4)},        {"x": (5, 3), "W": (4, 3)},          ["W has shape (4, 3), expected 3×4"]),
    ("y = x W",                  {"x": 3},             {"x": (5, 2), "W": (2, 4)},          ["x has shape (5, 2)", "3"]),
    ("y = x W",                  {},                   {"x": (2, 5, 3), "W": (3, 4)},       ["x has 3 dimensions"]),
    ("y = x W + b",              {},                   {"x": (5, 3), "W": (3, 4), "b": (3, 4)}, ["b", "(3, 4)"]),
    ("L = mse(p, y)",            {},                   {"p": (2, 3), "y": (3, 2)},          ["y has shape (3, 2)"]),
    ("y = [a, b] W",             {},                   {"a": (5, 3), "b": (5, 4), "W": (4, 2)}, ["W has shape (4, 2), expected n1+n2=7×n3=2", "[a, b] is 5×7"]),
    ("y = kron(a, b) W",         {},                   {"a": (5, 3), "b": (2, 4), "W": (4, 2)}, ["W has shape (4, 2), expected n1*n3=12×n4=2"]),
    ("y = W [h, x]",             {},                   {"W": (4, 7), "h": (4, 1), "x": (3, 1)}, ["h", "[a; b] stands on top of each other"]),
]
# fmt: on


@pytest.mark.parametrize(("program", "known", "brought", "said"), MISFITS)
def test_an_array_that_does_not_fit_is_named(program: str, known: dict[str, Any], brought: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(ShapeError) as caught:
        compile(program, shapes=known)(**{name: np.ones(shape) for name, shape in brought.items()})
    assert [words for words in said if words not in str(caught.value)] == [], str(caught.value)


# fmt: off
UNSAID = [
    # what is typed                          the place            what to type
    ("y = x + 2 I where x ∈ R",              "line 1, column 11", "type the size (I_3)"),
    ("y = x; z = y + ones(n, 2)",            "line 1, column 16", "give a number: shapes={'x': (…, 'n')}"),
]
# fmt: on


@pytest.mark.parametrize(("program", "place", "hint"), UNSAID)
def test_a_size_that_nothing_says_is_missed_where_it_is_needed(program: str, place: str, hint: str) -> None:
    with pytest.raises(ShapeError, match="nothing says how large") as caught:
        compile(program)(x=1.0)
    assert str(caught.value).startswith(place)
    assert hint in str(caught.value)


def test_of_a_scalar_a_row_function_is_refused_by_the_name_that_was_typed() -> None:
    with pytest.raises(ShapeError, match="layernorm of a scalar") as caught:
        compile("y = layernorm(x) where x ∈ R")
    assert "standardize" not in str(caught.value)


# fmt: off
REPEATED = [
    # what is typed                                 what is said of it
    ("y = relu(x W + b) where x: B x 3",            "b is added to each of the B rows of x W."),
    ("y = W x + b where b: 4x1, W: 4x3, x: 3x7",    "b is added to each of the 7 columns of W x."),
    ("y = x / s where s ∈ R, x: 2x3",               "s divides each of the 2 × 3 entries of x."),
    ("y = x - m where m: 1x3, x: 5x3",              "m is taken from each of the 5 rows of x."),
    ("y = x * g where g: 5x1, x: 5x3",              "g multiplies each of the 3 columns of x."),
]
# fmt: on


@pytest.mark.parametrize(("program", "said"), REPEATED)
def test_it_is_said_where_something_is_broadcast(program: str, said: str) -> None:
    assert f"  {said}" in compile(program, wrt="all").explain().split("\n")


def test_where_nothing_is_broadcast_nothing_is_said_of_it() -> None:
    assert "repeated" not in compile("l2 = relu(l0 W0) W1 + 2").explain()


def test_a_program_says_what_it_broadcasts() -> None:
    net = compile("swish(z) = z * sigmoid(z)\nh = swish(x W + b)\ny = h * c", shapes={"x": ("B", 3), "W": (3, 4), "c": ("B", 1)})
    assert [(str(found.operand.name), found.rows, found.columns) for found in net.steps.broadcasts] == [("b", "B", None), ("c", None, 4)]
