"""What a random program is worth, written from notation.md with no look at the library's code.

In    the trees of a program (random_programs.py), and arrays
Out   every named value in 64-bit mantissas, and its slope along a direction by a complex step
Idea  every meaning is written so that it holds for complex entries, too: f(x + i h d) is f(x) + i h f'(x) d with nothing
      cancelled (Squire and Trapp 1998), so at h = 1e-30 values and slopes come out of one walk, both to the last digit

What chooses (a maximum, a comparison, a rounding) chooses by the real part. Where what it chooses by is too near to call
and the choice matters, the evaluator says that it is not sure, of the value or of the slope. A derivative that the program
itself asks for (`tanh'(z)`) is a complex step already: the slope of such a program is measured by differences.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
from random_programs import OWN, Tree, Written, parts_of

Array = np.ndarray[Any, np.dtype[Any]]

H = 1e-30  # of the complex step
NEAR = 1e-9  # nearer than this, rounding may choose
LONG, PAIR = np.longdouble, np.clongdouble
PI = LONG("3.14159265358979323846264338327950288")


class Evaluator:
    """One walk through a program."""

    def __init__(self, program: Written) -> None:
        self.program = program
        self.own = dict(program.functions)
        self.is_sure = True  # of the values
        self.is_smooth = True  # whether there is a slope here
        self.largest = 0.0  # of all entries on the way
        self.taken: list[bytes] = []  # which way every choice went

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Every named value."""
        known: dict[str, Any] = dict(arrays)
        with np.errstate(all="ignore"):
            for name, tree in self.program.equations:
                known[name] = self.value(tree, known)
        return {name: known[name] for name, _ in self.program.equations}

    def value(self, tree: Tree, known: Mapping[str, Any]) -> Any:
        """The matrix that a tree stands for."""
        found = self.meaning(tree, [self.value(part, known) for part in tree.parts], known)
        self.is_sure &= bool(np.isfinite(found).all())
        self.largest = max(self.largest, float(np.max(np.abs(found), initial=0.0)))
        return found

    def meaning(self, tree: Tree, parts: list[Any], known: Mapping[str, Any]) -> Any:
        word, _, setting = tree.word.partition(" ")
        match tree.kind:
            case "name":
                return known[tree.word]
            case "number":
                return np.full((1, 1), LONG(tree.word))
            case "filled":
                return np.eye(tree.size[0], dtype=LONG) if word.startswith("eye") else np.full(tree.size, LONG(word.startswith("ones")))
            case "identity":
                return np.eye(tree.size[0], dtype=LONG)
            case "product":
                return parts[0] @ parts[1] if tree.parts[0].size[1] == tree.parts[1].size[0] else parts[0] * parts[1]
            case "power":
                return reduce(np.multiply, [parts[0]] * int(word), 0 * parts[0] + 1)
            case "compare":
                return self.compared(word, *parts)
            case "root":
                return np.exp(np.log(parts[0]) * LONG({"(1/2)": "0.5"}.get(word, word.strip("()"))))
            case "norm_1 by" | "norm_inf by":
                return self.reduced(tree.kind.removesuffix(" by"), parts[0], int(word))
            case "along":
                return self.reduced(word, parts[0], int(setting))
            case "eps":
                return self.by_rows(word, parts, LONG(setting))
            case "dropout":
                return parts[0] * parts[1] / (1 - LONG(word))
            case "own":
                return self.value(self.own[tree.word], dict(zip(OWN[tree.word], parts, strict=True)))
            case "prime":
                return self.derivative(word.removesuffix("'"), parts[0])
            case "call":
                return self.called(word, parts)
        return self.called(tree.kind, parts)

    def called(self, word: str, parts: list[Any]) -> Any:
        if word in REDUCTIONS:
            return self.reduced(word, parts[0], None)
        if word in ROWS:
            return self.by_rows(word, parts, LONG("1e-5"))
        if word in SMOOTH:
            return SMOOTH[word](*parts)
        return CHOOSING[word](self, *parts)

    # what chooses

    def choice(self, by: Any, one: Any, other: Any) -> Any:
        """`one` where `by` is positive, else `other`."""
        by, one, other = np.broadcast_arrays(by, one, other)
        where = by.real
        self.taken.append(np.sign(where).astype(np.int8).tobytes())
        near = np.abs(where) < NEAR
        if near.any():
            apart = near & (np.abs(one.real - other.real) > NEAR)
            self.is_sure &= not (apart & (where != 0)).any()
            self.is_smooth &= not (apart | (near & (np.abs(one.imag - other.imag) > NEAR * H))).any()
        return np.where(where > 0, one, other)

    def compared(self, sign: str, a: Any, b: Any) -> Any:
        """1 where the comparison holds, else 0."""
        by = np.real(a) - np.real(b)
        self.taken.append(np.sign(by).astype(np.int8).tobytes())
        near = np.abs(by) < NEAR
        self.is_sure &= not (near & (by != 0)).any()
        self.is_smooth &= not (near & (np.imag(a) != np.imag(b))).any()
        return {"<": by < 0, "<=": by <= 0, ">": by > 0, ">=": by >= 0, "==": by == 0, "!=": by != 0}[sign].astype(LONG)

    def rounded(self, x: Any, how: Callable[[Any], Any]) -> Any:
        """To whole numbers; twice x is one at every jump of floor, ceil and round."""
        self.taken.append(how(x.real).astype(float).tobytes())
        distance = np.abs(2 * x.real - np.round(2 * x.real))
        self.is_sure &= not ((distance < NEAR) & (distance > 0)).any()
        self.is_smooth &= not ((distance < NEAR) & (x.imag != 0)).any()
        return how(x.real).astype(LONG)

    def root(self, x: Any) -> Any:
        """The square root; at 0 it has no slope."""
        at_zero = x.real < NEAR
        self.taken.append(at_zero.tobytes())
        self.is_smooth &= not at_zero.any()
        return np.sqrt(x)

    def root_of_squares(self, squares: Any, of: Any, **axis: Any) -> Any:
        """The root of a sum of squares: 0 has no slope unless nothing moves there."""
        at_zero = np.abs(squares.real) < NEAR**2
        self.taken.append(at_zero.tobytes())
        moves = np.max(np.abs(np.imag(of)), initial=0.0, **axis) > NEAR * H
        self.is_smooth &= not (at_zero & moves).any()
        return np.where(squares.real == 0, 0, np.sqrt(np.where(squares.real == 0, 1, squares)))

    def derivative(self, word: str, x: Any) -> Any:
        """f'(x), by a complex step of its own."""
        if np.iscomplexobj(x):
            raise NotImplementedError("a second derivative")
        at = x + 1j * H * np.ones_like(x)
        moved = self.value(self.own[word], {OWN[word][0]: at}) if word in self.own else self.called(word, [at])
        return moved.imag / H

    # along rows, columns, everything

    def reduced(self, word: str, x: Any, axis: int | None) -> Any:
        along = {"axis": axis, "keepdims": True}
        match word:
            case "sum" | "prod" | "mean":
                return getattr(np, word)(x, **along)
            case "max" | "min":
                return self.extreme(x, 1 if word == "max" else -1, axis)
            case "var" | "std":
                centred = x - np.mean(x, **along)
                squares = np.mean(centred * centred, **along)
                return squares if word == "var" else self.root_of_squares(squares, centred, **along)
            case "logsumexp":
                return np.log(np.sum(np.exp(x), **along))
            case "norm²":
                return np.sum(x * x, **along)
            case "norm":
                return self.root_of_squares(np.sum(x * x, **along), x, **along)
            case "norm_1":
                return np.sum(CHOOSING["abs"](self, x), **along)
            case "norm_inf":
                return self.extreme(CHOOSING["abs"](self, x), 1, axis)
        assert word == "size"
        return np.full((1, 1), LONG(x.size if axis is None else x.shape[axis]))

    def extreme(self, x: Any, sign: int, axis: int | None) -> Any:
        """The largest entry: one after the other, each time the larger of two."""
        lines = [x.reshape(-1, 1)] if axis is None else [x.T] if axis == 1 else [x]
        (entries,) = lines
        found = reduce(lambda a, b: self.choice(sign * (a - b), a, b), entries)
        return np.reshape(found, (1, 1) if axis is None else (1, -1) if axis == 0 else (-1, 1))

    def by_rows(self, word: str, parts: list[Any], eps: Any) -> Any:
        x, *rest = parts
        along = {"axis": 1, "keepdims": True}
        match word:
            case "softmax" | "log_softmax":
                shares = np.exp(x) / np.sum(np.exp(x), **along)
                return shares if word == "softmax" else np.log(shares)
            case "normalize":
                length = self.reduced("norm", x, 1)
                self.is_sure &= bool((length.real > NEAR).all())
                return x / length
            case "layernorm":
                x = x - np.mean(x, **along)
        gamma, beta = [*rest, 1, 0][:2] if len(rest) == 2 else [*rest, *[1, 0][len(rest) :]]
        return gamma * (x / np.sqrt(np.mean(x * x, **along) + eps)) + beta


REDUCTIONS = frozenset("sum prod mean max min var std logsumexp norm norm_1 norm_inf norm² size".split())
ROWS = frozenset("softmax log_softmax normalize layernorm rmsnorm".split())


# ------------------------------------------------------------------------------------------------- functions without corners


def erf(z: Any) -> Any:
    """The series in which all terms have one sign (Abramowitz and Stegun 7.1.6); beyond 6.5 it is 1 to 64 bits."""
    z = np.asarray(z)
    far = np.abs(z.real) > 6.5
    x = np.where(far, 0, z)
    term = total = x
    for n in range(1, 200):
        term = term * (2 * x * x / (2 * n + 1))
        total = total + term
    return np.where(far, np.sign(z.real), 2 / np.sqrt(PI) * np.exp(-x * x) * total)


def lgamma(z: Any) -> Any:
    """Stirling's series (Abramowitz and Stegun 6.1.41) from 30 upwards, brought down by log Γ(z) = log Γ(z + 1) - log z."""
    down = 0
    for _ in range(30):
        down = down + np.log(z)
        z = z + 1
    bernoulli = [LONG(1) / 6, -LONG(1) / 30, LONG(1) / 42, -LONG(1) / 30, LONG(5) / 66, -LONG(691) / 2730, LONG(7) / 6]
    tail = sum(b / (2 * k * (2 * k - 1) * z ** (2 * k - 1)) for k, b in enumerate(bernoulli, 1))
    return (z - LONG(0.5)) * np.log(z) - z + np.log(2 * PI) / 2 + tail - down


def det(A: Any) -> Any:
    """The sum over all permutations (Leibniz)."""
    n = len(A)
    total = LONG(0)
    for order in itertools.permutations(range(n)):
        sign = math.prod(-1 if order[i] > order[j] else 1 for i in range(n) for j in range(i + 1, n))
        total = total + sign * math.prod((A[i, order[i]] for i in range(n)), start=LONG(1))
    return np.reshape(total, (1, 1))


def solve(A: Any, b: Any) -> Any:
    """Gauss and Jordan, the largest pivot first."""
    n = len(A)
    both = np.concatenate([A + 0 * b[:1, :1], b + 0 * A[:1, :1]], axis=1)
    for k in range(n):
        p = k + int(np.argmax(np.abs(both[k:, k])))
        both[[k, p]] = both[[p, k]]
        both[k] = both[k] / both[k, k]
        for i in range(n):
            if i != k:
                both[i] = both[i] - both[i, k] * both[k]
    return both[:, n:]


def diag(x: Any) -> Any:
    return np.diag(x.ravel()) if min(x.shape) == 1 else np.diag(x).reshape(-1, 1)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def log_shares(z: Any) -> Any:
    return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))


def per_row(x: Any) -> Any:
    """Summed along a row, the rows averaged."""
    return np.mean(np.sum(x, axis=1), keepdims=True).reshape(1, 1)


def average(x: Any) -> Any:
    return np.mean(x, keepdims=True).reshape(1, 1)


Meaning = Callable[..., Any]
# fmt: off
SMOOTH: dict[str, Meaning] = {
    "plus": np.add, "minus": np.subtract, "times": np.multiply, "divide": np.divide, "neg": np.negative, "transpose": np.transpose, "pow": lambda x, p: np.exp(p * np.log(x)),
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan, "arcsinh": np.arcsinh, "arccosh": np.arccosh, "arctanh": np.arctanh,
    "expm1": lambda x: np.exp(x) - 1, "log1p": lambda x: np.log(1 + x), "log2": lambda x: np.log(x) / np.log(LONG(2)), "log10": lambda x: np.log(x) / np.log(LONG(10)),
    "square": lambda x: x * x, "reciprocal": lambda x: 1 / x, "erf": erf, "erfc": lambda x: 1 - erf(x), "lgamma": lgamma,
    "sigmoid": sigmoid, "softplus": lambda x: np.log(1 + np.exp(x)), "silu": lambda x: x * sigmoid(x), "mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(LONG(2)))) / 2, "gelu_tanh": lambda x: x * (1 + np.tanh(np.sqrt(2 / PI) * (x + LONG("0.044715") * x * x * x))) / 2,
    "trace": lambda A: np.reshape(np.trace(A), (1, 1)), "det": det, "logdet": lambda A: np.log(det(A)), "inverse": lambda A: solve(A, np.eye(len(A), dtype=LONG)), "solve": solve,
    "tril": np.tril, "triu": np.triu, "kron": np.kron, "outer": np.outer, "vec": lambda A: A.T.reshape(-1, 1), "diag": diag, "dot": lambda a, b: np.sum(a * b, keepdims=True),
    "blocks": lambda *parts: np.concatenate(parts, axis=1), "tower": lambda *parts: np.concatenate(parts, axis=0),
    "mse": lambda p, y: average((p - y) * (p - y)), "cross_entropy": lambda z, y: -per_row(y * log_shares(z)), "nll": lambda p, y: -per_row(y * p),
    "bce": lambda p, y: -average(y * np.log(p) + (1 - y) * np.log(1 - p)), "kl": lambda p, q: per_row(p * np.log(p / q)),
    "bce_logits": lambda z, y: -average(y * np.log(sigmoid(z)) + (1 - y) * np.log(sigmoid(-z))),
}
CHOOSING: dict[str, Meaning] = {  # of the evaluator, and the operands
    "abs": lambda see, x: see.choice(x, x, -x), "sign": lambda see, x: see.compared(">", x, 0) - see.compared("<", x, 0), "step": lambda see, x: see.compared(">", x, 0),
    "sqrt": lambda see, x: see.root(x), "floor": lambda see, x: see.rounded(x, np.floor), "ceil": lambda see, x: see.rounded(x, np.ceil), "round": lambda see, x: see.rounded(x, np.round),
    "maximum": lambda see, a, b: see.choice(a - b, a, b), "minimum": lambda see, a, b: see.choice(b - a, a, b),
    "clip": lambda see, x, low, high: CHOOSING["minimum"](see, CHOOSING["maximum"](see, x, low), high),
    "where": lambda see, c, a, b: np.where(see.compared("!=", c, 0) > 0, a, b),
    "relu": lambda see, x: see.choice(x, x, 0 * x), "leaky_relu": lambda see, x, a=None: see.choice(x, x, (LONG(1) / 100 if a is None else a) * x),
    "relu6": lambda see, x: CHOOSING["clip"](see, x, 0, 6), "hard_tanh": lambda see, x: CHOOSING["clip"](see, x, -1, 1),
    "hard_sigmoid": lambda see, x: CHOOSING["clip"](see, x + 3, 0, 6) / 6, "elu": lambda see, x, a=1: see.choice(x, x, a * (np.exp(x) - 1)),
    "selu": lambda see, x: LONG("1.0507009873554804934193349852946") * see.choice(x, x, LONG("1.6732632423543772848170429916717") * (np.exp(x) - 1)),
    "softsign": lambda see, x: x / (1 + CHOOSING["abs"](see, x)), "cbrt": lambda see, x: see.choice(x, np.exp(np.log(x) / 3), -np.exp(np.log(-x) / 3)),
    "mae": lambda see, p, y: average(CHOOSING["abs"](see, p - y)), "hinge": lambda see, p, y: average(CHOOSING["relu"](see, 1 - p * y)),
    "huber": lambda see, p, y, d=1: average(see.choice(CHOOSING["abs"](see, p - y) - d, d * (CHOOSING["abs"](see, p - y) - d / LONG(2)), (p - y) * (p - y) / 2)),
}
# fmt: on


# --------------------------------------------------------------------------------------------------- a program, as a whole


def is_analytic(program: Written) -> bool:
    """Whether one complex step gives its slope: none of its values is a derivative already."""
    trees = [tree for _, tree in (*program.functions, *program.equations)]
    return all(part.kind != "prime" for tree in trees for part in parts_of(tree))


def slope(program: Written, at: Mapping[str, Array], step: Mapping[str, Array], delta: Array) -> tuple[Any, bool]:
    """How fast sum(delta * output) grows from `at` along `step`, and whether it has a slope there."""
    if is_analytic(program):
        see = Evaluator(program)
        moved = {name: array + 1j * H * step[name] if name in step else array.astype(PAIR) for name, array in at.items()}
        return np.sum(delta * np.imag(see.run(moved)[program.output])) / H, see.is_smooth and see.is_sure
    ends, ways = [], set()
    for t in (0, 1, -1, 2, -2):
        see = Evaluator(program)
        ends.append(np.sum(delta * see.run({name: array + t * STEP * step[name] if name in step else array for name, array in at.items()})[program.output]))
        ways.add(b"".join(see.taken))
    _, up, down, far_up, far_down = ends
    near, far = (up - down) / (2 * STEP), (far_up - far_down) / (4 * STEP)
    return (4 * near - far) / 3, len(ways) == 1 and abs(near - far) < 1e-5 * max(1, abs(near))  # of fourth order (Abramowitz and Stegun 25.3.6)


STEP = LONG("1e-4")
