"""What the tests draw: operands for any operator, and random programs with an evaluator of their own.

In    the record of an operator, or nothing at all
Out   shapes and arrays that its rule allows; programs as trees, as text, and as what NumPy makes of them
Idea  the trees, their printer and their evaluator know nothing of the library, so that it is never tested against itself;
      of the table they take names and domains, and for what a function is they ask SymPy or the list below
"""

from __future__ import annotations

import itertools
import math
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import sympy
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operator

Array = np.ndarray[Any, np.dtype[Any]]
Size = tuple[int, int]

QUICK = settings(
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# ------------------------------------------------------------------------------------------- differences, by measuring


def slope_along(f: Callable[[Mapping[str, Any]], Any], at: Mapping[str, Array], step: Mapping[str, Array], h: float = 1e-4) -> Any:
    """How fast f changes from `at` along `step`: central differences of fourth order, off by h⁴ (Abramowitz, Stegun 25.3.6)."""

    def moved(t: float) -> Any:
        return f({name: array + t * step[name] if name in step else array for name, array in at.items()})

    return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)


def promised(gradients: Mapping[str, Array], step: Mapping[str, Array]) -> float:
    """What gradients say of the change along `step`."""
    return float(sum(np.sum(gradients[name] * step[name]) for name in step))


# ---------------------------------------------------------------------------------------------- operands of an operator

# fmt: off
DOMAINS: dict[str, Callable[[np.random.Generator, Size], Array]] = {
    "real":        lambda rng, size: rng.uniform(0.2, 2.2, size) * rng.choice([-1.0, 1.0], size),
    "positive":    lambda rng, size: rng.uniform(0.3, 2.0, size),
    "unit":        lambda rng, size: rng.uniform(-0.8, 0.8, size),
    "probability": lambda rng, size: rng.uniform(0.1, 0.9, size),
    "above_one":   lambda rng, size: rng.uniform(1.3, 3.0, size),
    "invertible":  lambda rng, size: 3 * np.eye(*size) + rng.uniform(-1, 1, size),
}
SIZES = {"m": 2, "n": 3, "k": 4, "p": 3, "q": 2, "a": 1, "b": 1}  # what the letters of a shape rule stand for

# What the rule of an operator says of its operands together, where their number or what a pattern has no sign for says more.
MORE_SIZES: dict[str, list[tuple[Size, ...]]] = {
    "concat":       [((2, 3), (2, 1)), ((2, 1), (2, 3), (2, 2))],
    "stack":        [((3, 2), (1, 2)), ((1, 2), (3, 2), (2, 2))],
    "columns_of":   [((2, 6), (2, 3)), ((2, 6), (2, 3), (2, 1), (2, 2))],
    "rows_of":      [((6, 2), (3, 2)), ((6, 2), (3, 2), (1, 2), (2, 2))],
    "columns_into": [((2, 3), (2, 6)), ((2, 3), (2, 6), (2, 1), (2, 2))],
    "rows_into":    [((3, 2), (6, 2)), ((3, 2), (6, 2), (1, 2), (2, 2))],
    "scale":        [((1, 1), (2, 3)), ((2, 3), (1, 1)), ((1, 1), (1, 1))],
    "expand":       [((1, 1), (2, 3)), ((1, 3), (2, 3)), ((2, 1), (2, 3))],
}
# fmt: on


@dataclass(frozen=True)
class Fitting:
    """One way to give an operator what its shape rule asks for, and the shape that the rule promises."""

    sizes: tuple[Size, ...]
    result: Size
    options: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        given = ",".join("×".join(map(str, size)) for size in self.sizes)
        return given + "".join(f",{word}={setting}" for word, setting in self.options)


def fittings(here: Operator) -> Iterator[Fitting]:
    """Every way that the tests try an operator in."""
    if here.name in MORE_SIZES:
        for sizes in MORE_SIZES[here.name]:
            yield Fitting(sizes, _together(here, sizes))
    elif here.elementwise:
        for sizes in _broadcasting(len(here.operands)):
            yield Fitting(sizes, _together(here, sizes))
    elif here.choices:
        for choice in here.choices:
            yield _matched(choice.shape)
    elif isinstance(here.shape, str):
        yield _matched(here.shape, tuple((word, SIZES[word]) for word in here.options if word in here.shape))
    else:
        for axis, pattern in here.shape.items():
            yield _matched(pattern, (("axis", axis),) if axis >= 0 else ())


def _broadcasting(count: int) -> list[tuple[Size, ...]]:
    """Scalars, rows, columns, matrices; each beside a matrix, and a column beside a row."""
    every = [((1, 1),), ((1, 3),), ((2, 1),), ((2, 3),)]
    if count == 1:
        return [sizes for (sizes,) in zip(every, strict=True)]
    mixed = [((1, 3), (2, 3)), ((2, 3), (2, 1)), ((2, 1), (1, 3)), ((1, 1), (2, 3)), ((2, 3), (1, 1))]
    return [sizes * count for sizes in every] + [(one, other, *itertools.repeat(one, count - 2)) for one, other in mixed]


def _together(here: Operator, sizes: tuple[Size, ...]) -> Size:
    match here.shape:
        case "side by side":
            return sizes[0][0], sum(columns for _, columns in sizes)
        case "on top":
            return sum(rows for rows, _ in sizes), sizes[0][1]
        case "elementwise":
            return max(rows for rows, _ in sizes), max(columns for _, columns in sizes)
    return sizes[1]  # of the second, or as large as the second


def _matched(pattern: str, options: tuple[tuple[str, int], ...] = ()) -> Fitting:
    before, _, after = pattern.rpartition("->")
    sizes = [_size(word) for word in before.split(",") if word.strip()]
    return Fitting(tuple(sizes), _size(after), options)


def _size(text: str) -> Size:
    rows, columns = (math.prod(SIZES[word.strip()] if word.strip() in SIZES else int(word) for word in side.split("*")) for side in text.split("×"))
    return rows, columns


def points(here: Operator, fitting: Fitting, seed: int = 0) -> dict[str, Array]:
    """Operands of these shapes from the operator's domain; where there is no slope by an operand, it counts something."""
    rng = np.random.default_rng(zlib.crc32(f"{here.name} {fitting} {seed}".encode()))
    draw = DOMAINS[here.domain]
    at = {}
    for word, size in zip(operand_names(here, fitting), fitting.sizes, strict=True):
        at[word] = rng.integers(1, 4, size).astype(float) if counts(here, word) else draw(rng, size)
    return at


def operand_names(here: Operator, fitting: Fitting) -> list[str]:
    """The operator's own names for its operands, or those of so many blocks; a mask is named after what it masks."""
    blocks = [f"x{k}" for k in range(1, len(fitting.sizes) + 1)]
    return blocks if here.variadic else [f"{here.operands[0]}_mask" if word == "mask" else word for word in here.operands]


def counts(here: Operator, word: str) -> bool:
    """Whether a gradient by this operand is refused."""
    return not here.value and here.vjp.get(word) == ""


# ------------------------------------------------------------------------------------------------------ random programs

LEVELS = ("comparison", "sum", "times", "product", "negation", "power", "atom")  # loosest first, as in notation.md
# fmt: off
INPUTS: dict[Size, tuple[str, ...]] = {  # two names for each shape
    (1, 1): ("k", "lambda"), (1, 2): ("b", "h_{t-1}"), (1, 3): ("x", "b1"),   (2, 1): ("c", "y_hat"), (3, 1): ("v", "w0"),
    (2, 2): ("A", "S"),      (3, 3): ("B", "Q"),       (2, 3): ("X", "W_LP"), (3, 2): ("W0", "U"),
}
# fmt: on
ALSO = {"lambda": ("lambda", "λ"), "y_hat": ("y_hat", "ŷ"), "w0": ("w0", "w_0", "w₀"), "l1": ("l1", "ℓ₁", "l_1"), "h_{t-1}": ("h_{t-1}", "hₜ₋₁")}
NAMED = ("z", "h", "l1", "a2", "E", "class", "N")
OWN: dict[str, tuple[str, ...]] = {"swish": ("x",), "act": ("x",), "mix": ("x", "k")}  # functions of a program's own, and their parameters


@dataclass(frozen=True)
class Tree:
    """A value: how it is made, of what, and its shape; `word` is the name, the number, the function or the axis."""

    kind: str
    size: Size
    parts: tuple[Tree, ...] = ()
    word: str = ""
    sign: int = 0  # which of its spellings it is typed in


@dataclass(frozen=True, repr=False)
class Written:
    """A random program: as typed, and as trees."""

    equations: tuple[tuple[str, Tree], ...]
    functions: tuple[tuple[str, Tree], ...]
    between: str = "\n"

    @property
    def text(self) -> str:
        lines = [f"{name}({', '.join(OWN[name])}) = {typed(body)}" for name, body in self.functions]
        return self.between.join(lines + [f"{name} = {typed(tree)}" for name, tree in self.equations])

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(f"{self.text!r} with {self.shapes}")  # what hypothesis shows when a test fails

    @property
    def shapes(self) -> dict[str, Size]:
        """The inputs, in the order of their first use, and their shapes."""
        made = {name for name, _ in self.equations}
        found: dict[str, Size] = {}
        for _, tree in self.equations:
            found |= {leaf.word: leaf.size for leaf in leaves(tree) if leaf.word not in made}
        return found

    @property
    def output(self) -> str:
        return self.equations[-1][0]

    def arrays(self, seed: int = 0) -> dict[str, Array]:
        rng = np.random.default_rng(seed)
        return {name: rng.uniform(0.2, 1.5, size) * rng.choice([-1, 1], size) for name, size in self.shapes.items()}

    def values(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Every named value, by NumPy written by hand."""
        known, own = dict(arrays), dict(self.functions)
        with np.errstate(all="ignore"):
            for name, tree in self.equations:
                known[name] = evaluated(tree, known, own)
        return {name: known[name] for name, _ in self.equations}


def leaves(tree: Tree) -> Iterator[Tree]:
    if tree.kind == "name":
        yield tree
    for part in tree.parts:
        yield from leaves(part)


# what is typed: the table of notation.md, as templates; `:` says how tightly an operand must bind

# fmt: off
SPELLINGS: dict[str, list[tuple[str, str]]] = {
    "plus":      [("{0:sum} + {1:times}", "sum")],
    "minus":     [("{0:sum} - {1:times}", "sum"), ("{0:sum} − {1:times}", "sum")],
    "times":     [("{0:times} * {1:product}", "times"), ("{0:times} ∘ {1:product}", "times"), ("{0:times} .* {1:product}", "times")],
    "divide":    [("{0:product} / {1:negation}", "product"), ("{0:product} ./ {1:negation}", "product")],
    "product":   [("{0:product} {1:power}", "product"), ("{0:product} @ {1:negation}", "product"), ("{0:product} · {1:negation}", "product")],
    "neg":       [("-{0:negation}", "negation")],
    "power":     [("{0:atom}^{word}", "power"), ("{0:atom}.^{word}", "power"), ("pow({0:comparison}, {word})", "atom")],
    "transpose": [("{0:power}'", "power"), ("{0:power}^T", "power"), ("{0:power}ᵀ", "power"), ("transpose({0:comparison})", "atom")],
    "more":      [("{0:sum} > {1:sum}", "comparison")],
    "abs":       [("abs({0:comparison})", "atom"), ("|{0:comparison}|", "atom")],
    "norm":      [("norm({0:comparison})", "atom"), ("||{0:comparison}||", "atom"), ("‖{0:comparison}‖₂", "atom")],
    "beside":    [("[{0:comparison}, {1:comparison}]", "atom"), ("concat({0:comparison}, {1:comparison})", "atom")],
    "above":     [("[{0:comparison}; {1:comparison}]", "atom"), ("stack({0:comparison}, {1:comparison})", "atom")],
    "inverse":   [("{0:atom}^-1", "power"), ("inv({0:comparison})", "atom"), ("{0:atom}⁻¹", "power")],
    "trace":     [("tr({0:comparison})", "atom"), ("Tr({0:comparison})", "atom")],
    "identity":  [("I", "atom"), ("I_{word}", "atom")],
    "along":     [("{function}({0:comparison}, axis={axis})", "atom")],
}
# fmt: on


class _Operand:
    """A part of a tree in a template: how tightly it must bind stands behind the colon."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def __format__(self, level: str) -> str:
        return typed(self.tree, level)


def typed(tree: Tree, level: str = "comparison") -> str:
    """The text of a tree, in brackets where its place asks for them."""
    if tree.kind in ("name", "number"):
        return ALSO.get(tree.word, (tree.word,))[tree.sign % len(ALSO.get(tree.word, "?"))]
    spellings = SPELLINGS.get(tree.kind, [("{word}(" + ", ".join(f"{{{k}:comparison}}" for k in range(len(tree.parts))) + ")", "atom")])
    template, binds = spellings[tree.sign % len(spellings)]
    if template[0] in "|‖" and any("|" in typed(part) or "‖" in typed(part) for part in tree.parts):
        template, binds = spellings[0]  # which of two bars side by side closes, nobody could tell
    function, _, axis = tree.word.partition(" ")
    text = template.format(*map(_Operand, tree.parts), word=tree.word, function=function, axis=axis)
    return text if LEVELS.index(binds) >= LEVELS.index(level) else f"({text})"


# what it is worth: NumPy as a person would write it, without a thought of speed or of overflow


def _softmax(x: Array) -> Any:
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def _standard(x: Array) -> Any:
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod, "var": np.var, "std": np.std,
    "logsumexp": lambda x, **axis: np.log(np.sum(np.exp(x), **axis)),
    "norm": lambda x, **axis: np.sqrt(np.sum(x**2, **axis)),
}  # fmt: skip
ROWS: dict[str, Callable[..., Any]] = {
    "softmax": _softmax,
    "log_softmax": lambda x: np.log(_softmax(x)),
    "normalize": lambda x: x / np.sqrt((x**2).sum(axis=1, keepdims=True)),
    "layernorm": _standard,
    "rmsnorm": lambda x: x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5),
}
LOSSES: dict[str, Callable[..., Any]] = {
    "mse": lambda p, y: np.mean((p - y) ** 2),
    "mae": lambda p, y: np.mean(np.abs(p - y)),
    "huber": lambda p, y: np.mean(np.where(np.abs(p - y) <= 1, (p - y) ** 2 / 2, np.abs(p - y) - 0.5)),
    "cross_entropy": lambda z, y: -np.mean(np.sum(y * np.log(_softmax(z)), axis=1)),
    "bce_logits": lambda z, y: -np.mean(y * np.log(1 / (1 + np.exp(-z))) + (1 - y) * np.log(1 / (1 + np.exp(z)))),
    "hinge": lambda p, y: np.mean(np.maximum(0, 1 - p * y)),
    "nll": lambda p, y: -np.mean(np.sum(y * p, axis=1)),
    "dot": lambda a, b: np.sum(a * b),
}
MATRICES: dict[str, Callable[..., Any]] = {
    "trace": np.trace, "det": np.linalg.det, "logdet": lambda A: np.log(np.linalg.det(A)), "tril": np.tril, "triu": np.triu,
    "inverse": np.linalg.inv, "kron": np.kron, "outer": np.outer, "vec": lambda A: A.T.reshape(-1, 1),
    "diag": lambda A: np.diag(A.ravel()) if min(A.shape) == 1 else np.diag(A)[:, None], "solve": np.linalg.solve,
}  # fmt: skip
SIGNS: dict[str, Callable[..., Any]] = {
    "plus": np.add, "minus": np.subtract, "times": np.multiply, "divide": np.divide, "neg": np.negative, "transpose": np.transpose,
    "more": lambda a, b: np.where(a > b, 1.0, 0.0), "product": lambda a, b: a @ b if a.shape[1] == b.shape[0] else a * b,
    "beside": lambda a, b: np.hstack([a, b]), "above": lambda a, b: np.vstack([a, b]),
    "maximum": np.maximum, "minimum": np.minimum, "clip": np.clip, "where": lambda c, a, b: np.where(c != 0, a, b), "abs": np.abs, "norm": np.linalg.norm,
}  # fmt: skip
BY_HAND = SIGNS | ROWS | LOSSES | MATRICES


def evaluated(tree: Tree, known: Mapping[str, Array], own: Mapping[str, Tree]) -> Array:
    """The matrix that a tree stands for; of a user's function, whatever shape its x has."""
    parts = [evaluated(part, known, own) for part in tree.parts]
    return np.atleast_2d(np.asarray(_value(tree, parts, known, own), dtype=float))


def _value(tree: Tree, parts: list[Array], known: Mapping[str, Array], own: Mapping[str, Tree]) -> Any:
    match tree.kind:
        case "name":
            return known[tree.word]
        case "number":
            return float(tree.word)
        case "power":
            return parts[0] ** float(tree.word)
        case "identity":
            return np.eye(tree.size[0])
        case "along":
            function, axis = tree.word.split()
            return REDUCTIONS[function](parts[0], axis=int(axis), keepdims=True)
        case "own":
            return evaluated(own[tree.word], dict(zip(OWN[tree.word], parts, strict=True)), own)
        case "call" if tree.word in REDUCTIONS:
            return REDUCTIONS[tree.word](parts[0])
        case "call" if tree.word not in BY_HAND:
            return entrywise(tree.word)(parts[0])
    return BY_HAND[tree.word if tree.kind == "call" else tree.kind](*parts)


@cache
def entrywise(name: str) -> Callable[[Array], Any]:
    """A function of the table of one operand, as SymPy knows it."""
    x = sympy.Symbol("x", real=True)
    found: Callable[[Array], Any] = sympy.lambdify(x, sympy.sympify(OPERATORS[name].sympy, {"x": x}), ["scipy", "numpy"])
    return found


@cache
def functions_of_one() -> tuple[str, ...]:
    """The functions of the table that take one entry and that SymPy knows."""
    return tuple(name for name, here in OPERATORS.items() if here.sympy and not here.internal and len(here.operands) == 1)


@cache
def is_steep(name: str) -> bool:
    """Whether a function grows beyond measure between -3 and 3: its argument is made small then."""
    with np.errstate(all="ignore"):
        values = entrywise(name)(np.linspace(-3, 3, 600) if OPERATORS[name].domain == "real" else np.linspace(0.5, 0.9, 10))
        return bool(np.max(np.abs(np.diff(values))) > 0.5)


# what is drawn

ANY = [(m, n) for m in (1, 2, 3) for n in (1, 2, 3)]
NUMBERS = ("2", "0.5", "3", "1", "1e-1", "0.25")


@st.composite
def written(draw: st.DrawFn, depth: int = 3) -> Written:
    """A program of one to three equations, and up to two functions of its own."""
    grower = _Grower(draw)
    functions = []
    for name in draw(st.sampled_from([[], ["swish"], ["swish", "act"], ["mix"], ["act", "mix"]])):
        body = grower.entry(2, OWN[name])
        if name == "mix":  # of which the first parameter is the larger one
            body = grower.made("times", (1, 1), Tree("name", (1, 1), word="x"), body)
        functions.append((name, body))
        grower.own.append(name)
    equations: list[tuple[str, Tree]] = []
    for name in draw(st.permutations(NAMED))[: draw(st.integers(1, 3))]:
        tree = grower.tree(draw(st.sampled_from(ANY)), depth)
        if equations and all(leaf.word != equations[-1][0] for leaf in leaves(tree)) and draw(st.integers(0, 3)):
            tree = grower.made("times", tree.size, tree, Tree("call", (1, 1), (grower.known[-1],), "sum"))  # so that programs hang together
        equations.append((name, tree))
        grower.known.append(Tree("name", tree.size, word=name))
    return Written(tuple(equations), tuple(functions), draw(st.sampled_from(["\n", "; "])))


@st.composite
def entries(draw: st.DrawFn) -> str:
    """The body of a function of one entry, x."""
    return typed(_Grower(draw).entry(3, ("x",)))


class _Grower:
    """Trees of a wanted shape, grown from the root."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.known: list[Tree] = []
        self.own: list[str] = []

    def made(self, kind: str, size: Size, *parts: Tree, word: str = "") -> Tree:
        return Tree(kind, size, parts, word, self.draw(st.integers(0, 3)) if kind in SPELLINGS else 0)

    def tree(self, size: Size, depth: int) -> Tree:
        if depth == 0:
            return self.leaf(size)
        return getattr(self, self.draw(st.sampled_from(_ways(size))))(size, depth - 1)  # type: ignore[no-any-return]

    def leaf(self, size: Size, _: int = 0) -> Tree:
        here = [tree for tree in self.known if tree.size == size]
        leaf = self.draw(st.sampled_from([*here, *(Tree("name", size, word=word) for word in INPUTS[size])]))
        return replace(leaf, sign=self.draw(st.integers(0, 3))) if leaf.word in ALSO else leaf

    def number(self, size: Size, _: int) -> Tree:
        return Tree("number", (1, 1), word=self.draw(st.sampled_from(NUMBERS)))

    def entry(self, depth: int, parameters: tuple[str, ...]) -> Tree:
        """The body of a function of these entries."""
        if depth == 0:
            return Tree("name", (1, 1), word=self.draw(st.sampled_from(parameters)))
        way = self.draw(st.sampled_from(["times", "plus", "minus", "call", "neg"]))
        if way == "call":
            return self.called(self.draw(st.sampled_from(functions_of_one())), (1, 1), self.entry(depth - 1, parameters))
        return self.made(way, (1, 1), *(self.entry(depth - 1, parameters) for _ in range(1 if way == "neg" else 2)))

    def called(self, function: str, size: Size, part: Tree) -> Tree:
        """A function of each entry, of an argument that is brought into its domain."""

        def plus(tree: Tree, word: str) -> Tree:
            return self.made("plus", size, tree, Tree("number", (1, 1), word=word))

        match OPERATORS[function].domain:
            case "positive":
                part = plus(Tree("call", size, (part,), "sigmoid"), "0.5")
            case "above_one":
                part = plus(Tree("call", size, (part,), "sigmoid"), "1.5")
            case "unit" | "probability":
                part = self.made("times", size, Tree("number", (1, 1), word="0.5"), Tree("call", size, (part,), "tanh"))
            case _ if is_steep(function):
                part = Tree("call", size, (part,), "tanh")
        return self.made("abs", size, part) if function == "abs" else Tree("call", size, (part,), function)

    # ways to make a value of some shape

    def call(self, size: Size, depth: int) -> Tree:
        return self.called(self.draw(st.sampled_from(functions_of_one())), size, self.tree(size, depth))

    def mine(self, size: Size, depth: int) -> Tree:
        if not self.own:
            return self.call(size, depth)
        name = self.draw(st.sampled_from(self.own))
        others = [self.tree(self.draw(st.sampled_from([size, (1, size[1]), (1, 1)])), depth) for _ in OWN[name][1:]]
        return Tree("own", size, (self.tree(size, depth), *others), name)

    def neg(self, size: Size, depth: int) -> Tree:
        return self.made("neg", size, self.tree(size, depth))

    def sign(self, size: Size, depth: int) -> Tree:
        """+, -, * and / of a matrix and a row, a column, a scalar, a number; of a column and a row."""
        m, n = size
        partners = [(size, size), (size, (1, n)), ((m, 1), size), (size, (1, 1)), ((m, 1), (1, n))]
        one, other = self.draw(st.sampled_from(partners))
        kind = self.draw(st.sampled_from(["plus", "minus", "times", "divide"]))
        left, right = self.tree(one, depth), self.number(other, 0) if other == (1, 1) != size and self.draw(st.booleans()) else self.tree(other, depth)
        if kind == "divide":
            right = self.made("plus", other, Tree("call", other, (right,), "sigmoid"), Tree("number", (1, 1), word="0.5"))
        turned = kind != "divide" and self.draw(st.booleans())
        return self.made(kind, size, right, left) if turned else self.made(kind, size, left, right)

    def choice(self, size: Size, depth: int) -> Tree:
        a, b = self.tree(size, depth), self.tree(size, depth)
        kind = self.draw(st.sampled_from(["maximum", "minimum", "where"]))
        return Tree("call", size, (self.made("more", size, a, self.leaf(size)), a, b), "where") if kind == "where" else Tree("call", size, (a, b), kind)

    def bounded(self, size: Size, depth: int) -> Tree:
        """max(0, x), min(x, 0.5), clip(x, -1, 1), x * (x > y)."""
        part = self.tree(size, depth)
        match self.draw(st.sampled_from(["maximum", "minimum", "clip", "gate"])):
            case "gate":
                return self.made("times", size, part, self.made("more", size, part, self.leaf(size)))
            case "clip":
                return Tree("call", size, (part, Tree("number", (1, 1), word="-1"), Tree("number", (1, 1), word="0.5")), "clip")
            case word:
                ends = (part, self.number(size, 0))
                return Tree("call", size, ends if self.draw(st.booleans()) else ends[::-1], word)

    def power(self, size: Size, depth: int) -> Tree:
        small = Tree("call", size, (self.tree(size, depth),), "tanh")
        inner = self.made("power", size, small, word="2") if self.draw(st.booleans()) else small
        return self.made("power", size, inner, word=self.draw(st.sampled_from(["2", "3"])))

    def scaled(self, size: Size, depth: int) -> Tree:
        return self.made("product", size, self.number(size, 0) if self.draw(st.booleans()) else self.tree((1, 1), depth), self.tree(size, depth))

    def product(self, size: Size, depth: int) -> Tree:
        k = self.draw(st.integers(1, 3))
        return self.made("product", size, self.tree((size[0], k), depth), self.tree((k, size[1]), depth))

    def transpose(self, size: Size, depth: int) -> Tree:
        return self.made("transpose", size, self.tree(size[::-1], depth))

    def rows(self, size: Size, depth: int) -> Tree:
        return Tree("call", size, (self.tree(size, depth),), self.draw(st.sampled_from(list(ROWS))))

    def everything(self, size: Size, depth: int) -> Tree:
        part, word = self.tree(self.draw(st.sampled_from(ANY)), depth), self.draw(st.sampled_from(list(REDUCTIONS)))
        return self.made("norm", size, part) if word == "norm" else Tree("call", size, (part,), word)

    def along(self, size: Size, depth: int) -> Tree:
        axis = self.draw(st.sampled_from([axis for axis in (0, 1) if size[axis] == 1]))
        k = self.draw(st.integers(1, 3))
        part = self.tree((k, size[1]) if axis == 0 else (size[0], k), depth)
        return self.made("along", size, part, word=f"{self.draw(st.sampled_from(list(REDUCTIONS)))} {axis}")

    def loss(self, size: Size, depth: int) -> Tree:
        inside, word = self.draw(st.sampled_from(ANY)), self.draw(st.sampled_from(list(LOSSES)))
        inside = (2, 3) if word == "cross_entropy" and inside == (1, 1) else inside  # a scalar is no row of logits
        return Tree("call", size, (self.tree(inside, depth), self.leaf(inside)), word)

    def of_a_matrix(self, size: Size, depth: int) -> Tree:
        """A trace, a determinant, its logarithm."""
        n = self.draw(st.integers(1, 3))
        word = self.draw(st.sampled_from(["trace", "det", "logdet"]))
        part = self.regular(n, depth) if word == "logdet" else self.tree((n, n), depth)
        return self.made("trace", size, part) if word == "trace" else Tree("call", size, (part,), word)

    def beside(self, size: Size, depth: int) -> Tree:
        m, n = size
        return self.made("beside", size, self.tree((m, 1), depth), self.tree((m, n - 1), depth))

    def above(self, size: Size, depth: int) -> Tree:
        m, n = size
        return self.made("above", size, self.tree((m - 1, n), depth), self.tree((1, n), depth))

    def triangle(self, size: Size, depth: int) -> Tree:
        return Tree("call", size, (self.tree(size, depth),), self.draw(st.sampled_from(["tril", "triu"])))

    def kron(self, size: Size, depth: int) -> Tree:
        m, n = size
        inner = self.draw(st.sampled_from([(1, n), (m, 1), (1, 1), size]))
        return Tree("call", size, (self.tree((m // inner[0], n // inner[1]), depth), self.tree(inner, depth)), "kron")

    def outer(self, size: Size, depth: int) -> Tree:
        ways = [((size[0], 1), (1, size[1])), ((1, size[0]), (1, size[1])), ((size[0], 1), (size[1], 1))]
        one, other = self.draw(st.sampled_from(ways))
        return Tree("call", size, (self.tree(one, depth), self.tree(other, depth)), "outer")

    def diag(self, size: Size, depth: int) -> Tree:
        n = size[0]
        return Tree("call", size, (self.tree((n, n) if size[1] == 1 else (n, 1), depth),), "diag")

    def vec(self, size: Size, depth: int) -> Tree:
        n = size[0]
        return Tree("call", size, (self.tree(self.draw(st.sampled_from([(1, n), (n, 1)])), depth),), "vec")

    def inverse(self, size: Size, depth: int) -> Tree:
        return self.made("inverse", size, self.regular(size[0], depth))

    def solve(self, size: Size, depth: int) -> Tree:
        return Tree("call", size, (self.regular(size[0], depth), self.tree(size, depth)), "solve")

    def regular(self, n: int, depth: int) -> Tree:
        """A' A + 2 I, which has an inverse."""
        size = (n, n)
        part = Tree("call", size, (self.tree(size, depth),), "tanh")
        squared = self.made("product", size, self.made("transpose", size, part), part)
        identity = self.made("identity", size, word=str(n)) if n > 1 else Tree("identity", size, word="1", sign=1)  # beside a scalar, I may have any size
        return self.made("plus", size, squared, self.made("product", size, Tree("number", (1, 1), word="2"), identity))


def _ways(size: Size) -> list[str]:
    """The ways to make a value of this shape: methods of the grower."""
    m, n = size
    often = ["leaf", "call", "call", "mine", "neg", "sign", "sign", "choice", "bounded", "power", "scaled", "product", "product", "transpose", "triangle", "kron", "outer"]
    if size == (1, 1):
        often += ["everything", "everything", "loss", "loss", "of_a_matrix"]
    return (
        often
        + ["rows"] * (size != (1, 1))
        + ["along"] * (m == 1 or n == 1)
        + ["beside"] * (n > 1)
        + ["above"] * (m > 1)
        + ["diag", "inverse"] * (m == n)
        + ["diag", "vec"] * (n == 1)
        + ["solve"]
    )
