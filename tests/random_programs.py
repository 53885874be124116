"""Random well-shaped programs of all operators: as trees, and as text.

In    a seed
Out   `Written`: a program as typed, its trees, and the shapes of its inputs
Idea  grown from the root, a way at a time, each way a method that says what shapes its parts have; of the library's
      table this takes the names and domains of the functions, and nothing of what they mean (plain_evaluator.py does)

The larger a seed modulo ten, the deeper and longer its program: a failure of a small seed is a small program. Where a
program has a batch, `BATCH` rows stand for any number of rows, and nothing else in it has that size.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np

from algebra2net.operators import OPERATORS

Size = tuple[int, int]
Shape = tuple[int | str, int | str]
Choice = TypeVar("Choice")

BATCH = 5
LEVELS = ("comparison", "sum", "times", "product", "negation", "power", "atom")  # loosest first, as in notation.md
LARGE = 8  # a size beside which the others are small
NUMBERS = ("2", "0.5", "3", "1", "1e-1", "0.25", "10")
POWERS = ("2", "3", "4", "5", "1", "0")
ANY = [(m, n) for m in (1, 2, 3) for n in (1, 2, 3)]
MORE = [*ANY, (4, 4), (1, 4), (4, 1), (2, 4), (4, 3)]
WITH_BATCH = [*ANY, *((BATCH, n) for n in (1, 2, 3) for _ in range(3))]
OF_COLUMNS = [(n, m) for m, n in WITH_BATCH]
WITH_LARGE = [*ANY, *((m, n) for k in (1, 2, 3, LARGE) for m, n in ((k, LARGE), (LARGE, k)))]

# fmt: off
INPUTS: dict[Size, tuple[str, ...]] = {  # names for each shape
    (1, 1): ("k", "lambda"), (1, 2): ("b", "h_{t-1}"), (1, 3): ("x", "b1"),   (2, 1): ("c", "y_hat"), (3, 1): ("v", "w0"),
    (2, 2): ("A", "S"),      (3, 3): ("B", "Q"),       (2, 3): ("X", "W_LP"), (3, 2): ("W0", "U"),
    (1, 4): ("b4", "m"),     (4, 1): ("u", "q"),       (2, 4): ("C", "P"),    (4, 2): ("D", "F"),     (3, 4): ("G", "V_f"), (4, 3): ("H", "W4"), (4, 4): ("J", "K"),
    (BATCH, 1): ("t", "y"),  (BATCH, 2): ("X2", "Z"),  (BATCH, 3): ("l0", "Y"), (BATCH, 4): ("X4", "Y4"),
    (1, BATCH): ("r", "y_t"), (2, BATCH): ("R", "X_t"), (3, BATCH): ("O", "M"), (4, BATCH): ("O4", "M4"), (BATCH, BATCH): ("A_B", "Adj"),
}
# fmt: on
ALSO = {"lambda": ("lambda", "λ"), "y_hat": ("y_hat", "ŷ"), "w0": ("w0", "w_0", "w₀"), "l1": ("l1", "ℓ₁", "l_1"), "e_i_j": ("e_i_j", "e_{i,j}"), "h_{t-1}": ("h_{t-1}", "hₜ₋₁")}
NAMED = ("z", "h", "l1", "a2", "E", "class", "N", "s", "g", "p", "theta'", "e_i_j")
OWN: dict[str, tuple[str, ...]] = {  # functions of a program's own, and their parameters: of entries, then of matrices
    "swish": ("x",),
    "act": ("x",),
    "mix": ("x", "k"),
    "blend": ("x", "k", "t"),
    "lin": ("A", "x"),
    "gram": ("A",),
    "energy": ("x", "A"),
    "centred": ("x",),
}

REDUCTIONS = ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "norm")
ROWS = ("softmax", "log_softmax", "normalize", "layernorm", "rmsnorm")
CENTRES = ("sum", "mean", "max", "min", "logsumexp", "std", "norm")
LOSSES = ("mse", "mae", "huber", "cross_entropy", "bce_logits", "hinge", "nll", "dot", "bce", "kl")
SHARES = {"bce": 2, "kl": 2, "nll": 0}  # losses: of how many arguments, from the first, each row must be probabilities


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
    has_batch: bool = False

    @property
    def text(self) -> str:
        lines = [f"{name}({', '.join(OWN[name])}) = {typed(body)}" for name, body in self.functions]
        return self.between.join(lines + [f"{name} = {typed(tree)}" for name, tree in self.equations])

    def __repr__(self) -> str:
        return f"{self.text!r} with {self.shapes}"

    @property
    def sizes(self) -> dict[str, Size]:
        """The inputs, in the order of their first use, and their shapes; a batch of `BATCH`."""
        made = {name for name, _ in self.equations}
        found: dict[str, Size] = {}
        for _, tree in self.equations:
            found |= {leaf.word: leaf.size for leaf in leaves(tree) if leaf.word not in made}
        return found

    @property
    def shapes(self) -> dict[str, Shape]:
        """The inputs and their shapes as `compile` is told them."""
        return {name: self.declared(size) for name, size in self.sizes.items()}

    def declared(self, size: Size) -> Shape:
        m, n = ("batch" if self.has_batch and side == BATCH else side for side in size)
        return m, n

    @property
    def output(self) -> str:
        return self.equations[-1][0]

    def arrays(self, seed: int = 0, batch: int = BATCH) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """Arrays for the inputs, of so many rows where there is a batch; no entry is near 0."""
        rng = np.random.default_rng(seed)
        drawn = {}
        for name, size in self.sizes.items():
            shape = tuple(batch if self.has_batch and side == BATCH else side for side in size)
            drawn[name] = rng.integers(0, 2, shape).astype(float) if "_mask" in name else rng.uniform(0.2, 1.5, shape) * rng.choice([-1, 1], shape)
        return drawn


def names_of(size: Size) -> tuple[str, ...]:
    """The inputs of a shape."""
    return INPUTS.get(size) or (f"V{size[0]}_{size[1]}",)


def leaves(tree: Tree) -> Iterator[Tree]:
    """The names in a tree."""
    return (part for part in parts_of(tree) if part.kind == "name")


def parts_of(tree: Tree) -> Iterator[Tree]:
    """A tree and all its parts."""
    yield tree
    for part in tree.parts:
        yield from parts_of(part)


# ------------------------------------------------- what is typed: the table of notation.md; `:` says how tightly an operand binds

# fmt: off
SPELLINGS: dict[str, list[tuple[str, str]]] = {
    "plus":      [("{0:sum} + {1:times}", "sum")],
    "minus":     [("{0:sum} - {1:times}", "sum"), ("{0:sum} − {1:times}", "sum")],
    "times":     [("{0:times} * {1:product}", "times"), ("{0:times} ∘ {1:product}", "times"), ("{0:times} .* {1:product}", "times")],
    "divide":    [("{0:product} / {1:negation}", "product"), ("{0:product} ./ {1:negation}", "product")],
    "product":   [("{0:product} {1:power}", "product"), ("{0:product} @ {1:negation}", "product"), ("{0:product} · {1:negation}", "product")],
    "neg":       [("-{0:negation}", "negation")],
    "power":     [("{0:atom}^{word}", "power"), ("{0:atom}.^{word}", "power"), ("pow({0:comparison}, {word})", "atom"), ("{0:atom}^({word})", "power")],
    "pow":       [("pow({0:comparison}, {1:comparison})", "atom"), ("{0:atom}^({1:comparison})", "power")],
    "root":      [("{0:atom}^{word}", "power"), ("pow({0:comparison}, {word})", "atom")],
    "transpose": [("{0:power}'", "power"), ("{0:power}^T", "power"), ("{0:power}ᵀ", "power"), ("transpose({0:comparison})", "atom")],
    "compare":   [("{0:sum} {word} {1:sum}", "comparison")],
    "abs":       [("abs({0:comparison})", "atom"), ("|{0:comparison}|", "atom")],
    "norm":      [("norm({0:comparison})", "atom"), ("||{0:comparison}||", "atom"), ("‖{0:comparison}‖₂", "atom"), ("‖{0:comparison}‖_F", "atom")],
    "norm_1":    [("norm({0:comparison}, order=1)", "atom"), ("‖{0:comparison}‖_1", "atom"), ("||{0:comparison}||_1", "atom")],
    "norm_inf":  [("norm({0:comparison}, order=inf)", "atom"), ("‖{0:comparison}‖_∞", "atom"), ("||{0:comparison}||_∞", "atom")],
    "norm²":     [("norm({0:comparison})^2", "power"), ("||{0:comparison}||^2", "power"), ("‖{0:comparison}‖₂²", "power"), ("||{0:comparison}||_2^2", "power")],
    "norm_1 by": [("norm({0:comparison}, axis={word}, order=1)", "atom")],
    "norm_inf by": [("norm({0:comparison}, order=inf, axis={word})", "atom")],
    "blocks":    [("[{all}]", "atom"), ("concat({all})", "atom")],
    "tower":     [("[{tower}]", "atom"), ("stack({all})", "atom")],
    "inverse":   [("{0:atom}^-1", "power"), ("inv({0:comparison})", "atom"), ("{0:atom}⁻¹", "power")],
    "trace":     [("tr({0:comparison})", "atom"), ("Tr({0:comparison})", "atom")],
    "identity":  [("I", "atom"), ("I_{word}", "atom"), ("eye({word})", "atom")],
    "along":     [("{function}({0:comparison}, axis={axis})", "atom")],
    "dropout":   [("dropout({0:comparison}, {word})", "atom")],
    "filled":    [("{word}", "atom")],
    "eps":       [("{function}({all}, eps={axis})", "atom")],
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
    spellings = SPELLINGS.get(tree.kind, [("{word}({all})", "atom")])
    template, binds = spellings[tree.sign % len(spellings)]
    if template[0] in "|‖" and any("|" in typed(part) or "‖" in typed(part) for part in tree.parts):
        template, binds = spellings[0]  # which of two bars closes, nobody could tell
    texts = [typed(part) for part in tree.parts]
    function, _, axis = tree.word.partition(" ")
    text = template.format(*map(_Operand, tree.parts), word=tree.word, function=function, axis=axis, all=", ".join(texts), tower="; ".join(texts))
    return text if LEVELS.index(binds) >= LEVELS.index(level) else f"({text})"


# --------------------------------------------------------------------------------------------------------- what is drawn


@cache
def functions_of_one() -> tuple[str, ...]:
    """The functions of the table that take one entry."""
    return tuple(name for name, here in OPERATORS.items() if here.elementwise and not here.internal and len(here.operands) == 1)


def random_program(seed: int) -> Written:
    """A program of one to six equations and up to two functions of its own; the same for a seed in every process."""
    rng = random.Random(seed)
    level = seed % 10
    depth = 1 + level // 3
    has_batch = rng.random() < 0.3
    grower = _Grower(rng, has_batch)
    functions = []
    for name in rng.choice([[], [], ["swish"], ["swish", "act"], ["mix"], ["act", "mix"], ["act", "blend"], ["lin", "centred"], ["gram", "energy", "swish"]]):
        functions.append((name, grower.function(name)))
    if not has_batch and level > 5:
        grower.sizes = rng.choice([MORE, MORE, WITH_LARGE])
    equations: list[tuple[str, Tree]] = []
    count = rng.randint(1, 2 + level // 2)
    for k, name in enumerate(rng.sample(NAMED, count), 1):
        tree = grower.tree((1, 1) if k == count and rng.random() < 0.4 else grower.any_size(), depth)
        if equations and all(leaf.word != equations[-1][0] for leaf in leaves(tree)) and rng.random() < 0.75:
            tree = grower.hung_on(tree, grower.known[-1])
        equations.append((name, tree))
        grower.known.append(Tree("name", tree.size, word=name))
    counts: Counter[str] = Counter()
    equations = [(name, _masked(tree, counts)) for name, tree in equations]
    found = Written(tuple(equations), tuple(functions), rng.choice(["\n", "; "]), has_batch)
    return found if found.sizes else random_program(seed + 1_000_003)  # one that has an input at all


def _masked(tree: Tree, counts: Counter[str]) -> Tree:
    """The tree with the masks of dropout named in the order in which they are typed: x_mask, x_mask_2."""
    if tree.kind != "dropout":
        return replace(tree, parts=tuple(_masked(part, counts) for part in tree.parts))
    x, mask = tree.parts
    counts[x.word] += 1
    number = f"_{counts[x.word]}" if counts[x.word] > 1 else ""
    return replace(tree, parts=(x, replace(mask, word=f"{x.word}_mask{number}")))


def random_entry(seed: int) -> str:
    """The body of a function of one entry, x."""
    return typed(_Grower(random.Random(seed)).entry(3, ("x",)))


def shrunk(program: Written, fails: Callable[[Written], bool], tries: int = 300) -> Written:
    """A small program that fails as well: one part after the other taken for the whole, for a name, or away."""
    for tried, other in enumerate(_smaller(program)):
        if tried == tries:
            break
        if len(other.text) < len(program.text) and other.sizes and fails(other):
            return shrunk(other, fails, tries - tried)
    return program


def _smaller(program: Written) -> Iterator[Written]:
    count = len(program.equations)
    for k in reversed(range(count)) if count > 1 else ():
        yield replace(program, equations=program.equations[:k] + program.equations[k + 1 :])
    for k, (name, tree) in enumerate(program.equations):
        yield from (replace(program, equations=(*program.equations[:k], (name, other), *program.equations[k + 1 :])) for other in _simpler(tree))
    for k in range(len(program.functions)):
        yield replace(program, functions=program.functions[:k] + program.functions[k + 1 :])


def _simpler(tree: Tree) -> Iterator[Tree]:
    yield from (part for part in parts_of(tree) if part is not tree and part.size == tree.size)
    if tree.kind not in ("name", "number"):
        yield Tree("name", tree.size, word=names_of(tree.size)[0])
    for k, part in enumerate(tree.parts):
        yield from (replace(tree, parts=(*tree.parts[:k], other, *tree.parts[k + 1 :])) for other in _simpler(part))


def smallest(check: Callable[[Written], None], program: Written) -> None:
    """Run a check of a program; where it fails, it fails for the smallest program that was found to."""
    error = _failure(check, program)
    if error is not None:
        check(shrunk(program, lambda other: type(_failure(check, other)) is type(error)))
        raise error  # this time it did not


def _failure(check: Callable[[Written], None], program: Written) -> Exception | None:
    try:
        check(program)
    except Exception as error:
        return error
    return None


class _Grower:
    """Trees of a wanted shape, grown from the root."""

    def __init__(self, rng: random.Random, has_batch: bool = False) -> None:
        self.rng = rng
        self.has_batch = has_batch
        self.sizes = self.pick([WITH_BATCH, WITH_BATCH, OF_COLUMNS]) if has_batch else ANY
        self.known: list[Tree] = []
        self.own: list[str] = []  # functions of entries
        self.macros: list[str] = []  # functions of matrices

    def pick(self, options: Sequence[Choice]) -> Choice:
        return self.rng.choice(options)

    def maybe(self) -> bool:
        return self.rng.random() < 0.5

    def any_size(self) -> Size:
        return self.pick(self.sizes)

    def made(self, kind: str, size: Size, *parts: Tree, word: str = "") -> Tree:
        return Tree(kind, size, parts, word, self.rng.randrange(12))

    def tree(self, size: Size, depth: int) -> Tree:
        if depth == 0:
            return self.leaf(size)
        way: Callable[[Size, int], Tree] = getattr(self, self.pick(_ways(size, BATCH in size and self.has_batch)))
        return way(size, depth - 1)

    def leaf(self, size: Size, _: int = 0) -> Tree:
        """A named value, an input; now and then the transpose of one."""
        here = [tree for tree in self.known if tree.size == size]
        if here and self.rng.random() < 0.6:
            return self.named(self.pick(here))
        turned = [tree for tree in self.known if tree.size == size[::-1]]
        if turned and self.rng.random() < 0.2:
            return self.made("transpose", size, self.named(self.pick(turned)))
        return self.named(Tree("name", size, word=self.pick(names_of(size))))

    def named(self, leaf: Tree) -> Tree:
        return replace(leaf, sign=self.rng.randrange(4))

    def number(self, size: Size, _: int = 0) -> Tree:
        return Tree("number", (1, 1), word=self.pick(NUMBERS))

    def hung_on(self, tree: Tree, before: Tree) -> Tree:
        """The tree with a value before it worked in, so that programs hang together."""
        return self.made("times", tree.size, tree, Tree("call", (1, 1), (Tree("call", before.size, (before,), "tanh"),), self.pick(["sum", "mean"])))

    def function(self, name: str) -> Tree:
        """The body of a function of one's own, which is known from now on; of several entries, the first is the largest."""
        parameters = [Tree("name", (1, 1), word=word) for word in OWN[name]]
        if name in MACROS:
            self.macros.append(name)
            return MACROS[name](self, *(replace(parameter, size=(2, 3)) for parameter in parameters))
        body = self.entry(2, OWN[name])
        self.own.append(name)
        return self.made("times", (1, 1), parameters[0], body) if len(parameters) > 1 else body

    def entry(self, depth: int, parameters: tuple[str, ...]) -> Tree:
        """The body of a function of these entries."""
        if depth == 0:
            return Tree("name", (1, 1), word=self.pick(parameters))
        way = self.pick(["times", "plus", "minus", "call", "neg"])
        if self.own and self.rng.random() < 0.2:
            name = self.pick(self.own)
            return Tree("own", (1, 1), tuple(self.entry(depth - 1, parameters) for _ in OWN[name]), name)
        if way == "call":
            return self.called(self.pick(functions_of_one()), (1, 1), self.entry(depth - 1, parameters))
        return self.made(way, (1, 1), *(self.entry(depth - 1, parameters) for _ in range(1 if way == "neg" else 2)))

    def called(self, function: str, size: Size, part: Tree) -> Tree:
        """A function of each entry, of an argument that is brought into its domain."""
        part = self.within(OPERATORS[function].domain, size, part, function in STEEP)
        return self.made("abs", size, part) if function == "abs" else Tree("call", size, (part,), function)

    def within(self, domain: str, size: Size, part: Tree, is_steep: bool = False) -> Tree:
        """A value that lies where a function is defined and does not grow beyond measure."""
        match domain:
            case "positive":
                return self.made("plus", size, Tree("call", size, (part,), "sigmoid"), Tree("number", (1, 1), word="0.5"))
            case "above_one":
                return self.made("plus", size, Tree("call", size, (part,), "sigmoid"), Tree("number", (1, 1), word="1.5"))
            case "unit":
                return self.made("times", size, Tree("number", (1, 1), word="0.5"), Tree("call", size, (part,), "tanh"))
            case "probability":
                return Tree("call", size, (part,), "sigmoid")
        return Tree("call", size, (part,), "tanh") if is_steep else part

    # values written out, by the shapes of their parts

    def of(self, word: str, *parts: Tree) -> Tree:
        """An operator or a function of entries, of parts that go together."""
        size = max(part.size[0] for part in parts), max(part.size[1] for part in parts)
        return self.made(word, size, *parts) if word in SPELLINGS else Tree("call", size, parts, word)

    def power_of(self, part: Tree, word: str) -> Tree:
        return self.made("power", part.size, part, word=word)

    def by(self, word: str, part: Tree, axis: int | None) -> Tree:
        """A reduction of rows, of columns, of everything."""
        m, n = part.size
        if axis is not None:
            size = (1, n) if axis == 0 else (m, 1)
            return self.made("along", size, part, word=f"{word} {axis}") if word in REDUCTIONS else self.made(f"{word} by", size, part, word=str(axis))
        return self.made(word, (1, 1), part) if word.startswith("norm") else Tree("call", (1, 1), (part,), word)

    def partner(self, size: Size, depth: int) -> Tree:
        """What may stand beside a value of this size: as large, a row, a column, a scalar, a number."""
        m, n = size
        other = self.pick([size, (1, n), (m, 1), (1, 1), None])
        return self.number(size) if other is None else self.tree(other, depth)

    # ways to make a value of some shape

    def call(self, size: Size, depth: int) -> Tree:
        return self.called(self.pick(functions_of_one()), size, self.tree(size, depth))

    def mine(self, size: Size, depth: int) -> Tree:
        if not self.own:
            return self.call(size, depth)
        name = self.pick(self.own)
        others = [self.tree(self.pick([size, (1, size[1]), (1, 1)]), depth) for _ in OWN[name][1:]]
        return Tree("own", size, (self.tree(size, depth), *others), name)

    def neg(self, size: Size, depth: int) -> Tree:
        return self.made("neg", size, self.tree(size, depth))

    def sign(self, size: Size, depth: int) -> Tree:
        """+, -, * and / of a matrix and a row, a column, a scalar, a number; of a column and a row."""
        m, n = size
        partners = [(size, size), (size, (1, n)), ((m, 1), size), (size, (1, 1)), ((m, 1), (1, n))]
        one, other = self.pick(partners)
        kind = self.pick(["plus", "minus", "times", "divide"])
        left, right = self.tree(one, depth), self.number(other) if other == (1, 1) != size and self.maybe() else self.tree(other, depth)
        if kind == "divide":
            right = self.within("positive", other, right)
        turned = kind != "divide" and self.maybe()
        return self.made(kind, size, right, left) if turned else self.made(kind, size, left, right)

    def twice(self, size: Size, depth: int) -> Tree:
        """The same value in two places."""
        part = self.tree(size, depth)
        both = [part, self.called(self.pick(["tanh", "sigmoid", "exp", "relu", "abs", "square"]), size, part)]
        return self.of(self.pick(["plus", "times", "minus", "maximum", "minimum"]), *(both if self.maybe() else both[::-1]))

    def centred(self, size: Size, depth: int) -> Tree:
        """x - mean(x), x / sum(x, axis=1) and their like."""
        part, axis = self.tree(size, depth), self.pick([0, 1, None])
        if self.maybe():
            return self.of("minus", part, self.by(self.pick(CENTRES), part, axis))
        part = self.of(self.pick(["sigmoid", "exp"]), self.of("tanh", part))
        return self.of("divide", part, self.by(self.pick(["sum", "mean", "max", "logsumexp", "norm", "norm_1", "norm_inf"]), part, axis))

    def by_hand(self, size: Size, depth: int) -> Tree:
        """What the table has, written out."""
        x = self.tree(size, depth)
        return self.pick(BY_HAND)(self, x if x.kind == "name" else self.of("tanh", x), self.pick([0, 1, 1, None]))

    def macro(self, size: Size, depth: int) -> Tree:
        """A function of matrices of one's own."""
        m, n = size
        fits = [name for name in self.macros if {"gram": m == n, "energy": m == n == 1}.get(name, True)]
        if not fits:
            return self.mine(size, depth)
        name = self.pick(fits)
        k, j = self.pick([1, 2, 3]), self.pick([1, 2, 3])
        sizes = {"lin": [(m, k), (k, n)], "gram": [(k, n)], "energy": [(k, 1), (j, k)], "centred": [size]}[name]
        return Tree("own", size, tuple(self.tree(each, depth) for each in sizes), name)

    def choice(self, size: Size, depth: int) -> Tree:
        a, b = self.tree(size, depth), self.partner(size, depth)
        kind, ends = self.pick(["maximum", "minimum", "where", "where"]), (a, b) if self.maybe() else (b, a)
        if kind != "where":
            return Tree("call", size, ends, kind)
        one, other = self.comparison(size, depth), self.comparison(self.pick([size, (1, size[1]), (size[0], 1), (1, 1)]), 0)
        return Tree("call", size, (self.pick([one, other, self.of("times", one, other)]), *ends), "where")

    def comparison(self, size: Size, depth: int) -> Tree:
        sign = self.pick(["<", "<=", ">", ">=", "==", "!="])
        part = self.tree(size, depth)
        if sign in ("==", "!="):  # of what is sometimes the same
            return self.made("compare", size, Tree("call", size, (part,), "sign"), Tree("call", size, (self.leaf(size),), "step"), word=sign)
        return self.made("compare", size, part, self.partner(size, 0), word=sign)

    def bounded(self, size: Size, depth: int) -> Tree:
        """max(0, x), min(x, 0.5), clip(x, -1, 1), clip(x, a, b), x * (x > y)."""
        part = self.tree(size, depth)
        match self.pick(["maximum", "minimum", "clip", "between", "gate"]):
            case "gate":
                return self.made("times", size, part, self.comparison(size, 0))
            case "clip":
                return Tree("call", size, (part, Tree("number", (1, 1), word="-1"), Tree("number", (1, 1), word="0.5")), "clip")
            case "between":
                low = self.partner(size, 0)
                return Tree("call", size, (part, low, self.made("plus", low.size, low, Tree("number", (1, 1), word="0.5"))), "clip")
            case word:
                ends = (part, self.number(size))
                return Tree("call", size, ends if self.maybe() else ends[::-1], word)

    def sloped(self, size: Size, depth: int) -> Tree:
        """leaky_relu(x, a), elu(x, a)."""
        return Tree("call", size, (self.tree(size, depth), *([self.pick([self.number(size), self.leaf((1, 1))])] * self.maybe())), self.pick(["leaky_relu", "elu"]))

    def prime(self, size: Size, depth: int) -> Tree:
        """f'(z), the derivative of a function."""
        word = self.pick(["tanh", "sigmoid", "relu", "softplus", "silu", "sin", "gelu", *self.own])
        others = [self.number(size) for _ in OWN.get(word, "x")[1:]]
        if others:
            return self.call(size, depth)
        return Tree("prime", size, (self.tree(size, depth),), word + "'")

    def power(self, size: Size, depth: int) -> Tree:
        if self.rng.random() < 0.3:
            return self.made("pow", size, self.within("positive", size, self.tree(size, depth)), self.partner(size, 0))
        small = Tree("call", size, (self.tree(size, depth),), "tanh")
        if self.rng.random() < 0.2:  # of anything that is not negative
            return self.made("root", size, self.within("positive", size, small), word=self.pick(["0.5", "1.5", "(-0.5)", "(1/2)", "-1.5"]))
        inner = self.made("power", size, small, word="2") if self.maybe() else small
        return self.made("power", size, inner, word=self.pick(POWERS))

    def scaled(self, size: Size, depth: int) -> Tree:
        return self.made("product", size, self.number(size) if self.maybe() else self.tree((1, 1), depth), self.tree(size, depth))

    def product(self, size: Size, depth: int) -> Tree:
        k = self.pick([1, 2, 3, 4] if BATCH not in size and self.sizes is not WITH_LARGE else [1, 2, 3, *([LARGE] * (LARGE in size))])
        return self.made("product", size, self.tree((size[0], k), depth), self.tree((k, size[1]), depth))

    def over_batch(self, size: Size, depth: int) -> Tree:
        """Xᵀ Y or X Yᵀ, where the examples are summed over."""
        k = BATCH if self.has_batch else 3
        if self.maybe():
            return self.made("product", size, self.turned((size[0], k), depth), self.tree((k, size[1]), depth))
        return self.made("product", size, self.tree((size[0], k), depth), self.turned((k, size[1]), depth))

    def turned(self, size: Size, depth: int) -> Tree:
        return self.made("transpose", size, self.tree(size[::-1], depth))

    def transpose(self, size: Size, depth: int) -> Tree:
        return self.made("transpose", size, self.tree(size[::-1], depth))

    def rows(self, size: Size, depth: int) -> Tree:
        """softmax and its like; with a gain and a bias where there are such."""
        word, part, row = self.pick(ROWS), self.tree(size, depth), (1, size[1])
        extra = [self.leaf(row) for _ in range(self.rng.randint(0, {"layernorm": 2, "rmsnorm": 1}.get(word, 0)))]
        if word in ("layernorm", "rmsnorm") and self.maybe():
            return Tree("eps", size, (part, *extra), f"{word} 0.1")
        return Tree("call", size, (part, *extra), word)

    def everything(self, size: Size, depth: int) -> Tree:
        part, word = self.tree(self.any_size(), depth), self.pick([*REDUCTIONS, "norm_1", "norm_inf", "norm²", "size"])
        if word == "size" and self.maybe():
            return self.made("along", size, part, word=f"size {self.pick([0, 1])}")
        return self.by(word, part, None)

    def along(self, size: Size, depth: int) -> Tree:
        axis = self.pick([axis for axis in (0, 1) if size[axis] == 1])
        k = self.pick([1, 2, 3] + [BATCH] * (2 * self.has_batch))
        part = self.tree((k, size[1]) if axis == 0 else (size[0], k), depth)
        return self.by(self.pick([*REDUCTIONS, "norm_1", "norm_inf"]), part, axis)

    def loss(self, size: Size, depth: int) -> Tree:
        inside, word = self.any_size(), self.pick(LOSSES)
        inside = (2, 3) if word in ("cross_entropy", "kl") and inside[1] == 1 else inside  # one entry is no row of logits
        part, target = self.tree(inside, depth), self.leaf(inside)
        if word in ("bce", "kl"):
            share = "sigmoid" if word == "bce" else "softmax"
            part, target = Tree("call", inside, (part,), share), Tree("call", inside, (target,), share)
        return Tree("call", size, (part, target, *([self.number(size)] if word == "huber" and self.maybe() else [])), word)

    def of_a_matrix(self, size: Size, depth: int) -> Tree:
        """A trace, a determinant, its logarithm."""
        n = self.pick([1, 2, 3])
        word = self.pick(["trace", "det", "logdet"])
        part = self.regular(n, depth) if word == "logdet" else self.tree((n, n), depth)
        return self.made("trace", size, part) if word == "trace" else Tree("call", size, (part,), word)

    def beside(self, size: Size, depth: int) -> Tree:
        m, n = size
        widths = [1, n - 1] if n < 3 or self.maybe() else [1, 1, n - 2]
        return self.made("blocks", size, *(self.tree((m, width), depth) for width in widths))

    def above(self, size: Size, depth: int) -> Tree:
        m, n = size
        heights = [m - 1, 1] if m < 3 or self.maybe() else [1, m - 2, 1]
        return self.made("tower", size, *(self.tree((height, n), depth) for height in heights))

    def triangle(self, size: Size, depth: int) -> Tree:
        return Tree("call", size, (self.tree(size, depth),), self.pick(["tril", "triu"]))

    def dropout(self, size: Size, depth: int) -> Tree:
        leaf = self.pick([Tree("name", size, word=names_of(size)[0]), *(tree for tree in self.known if tree.size == size)])
        if not leaf.word.isalnum() or leaf.word in ("lambda", "class"):
            return self.leaf(size)
        return self.made("dropout", size, leaf, Tree("name", size, word=f"{leaf.word}_mask"), word=self.pick(["0.5", "0.25"]))

    def filled(self, size: Size, depth: int) -> Tree:
        m, n = size
        part = self.tree(size, depth)
        word = f"eye({m})" if m == n and m > 1 and self.maybe() else self.pick([f"ones({m}, {n})", f"zeros({m}, {n})"])
        return self.made("plus", size, part, Tree("filled", size, word=word))

    def kron(self, size: Size, depth: int) -> Tree:
        m, n = size
        inner = self.pick([(1, n), (m, 1), (1, 1), size, *([(2, 2)] if (m, n) == (4, 4) else [])])
        return Tree("call", size, (self.tree((m // inner[0], n // inner[1]), depth), self.tree(inner, depth)), "kron")

    def outer(self, size: Size, depth: int) -> Tree:
        ways = [((size[0], 1), (1, size[1])), ((1, size[0]), (1, size[1])), ((size[0], 1), (size[1], 1))]
        one, other = self.pick(ways)
        return Tree("call", size, (self.tree(one, depth), self.tree(other, depth)), "outer")

    def diag(self, size: Size, depth: int) -> Tree:
        n = size[0]
        return Tree("call", size, (self.tree((n, n) if size[1] == 1 else (n, 1), depth),), "diag")

    def vec(self, size: Size, depth: int) -> Tree:
        n = size[0]
        return Tree("call", size, (self.tree(self.pick([(1, n), (n, 1), *([(2, 2)] if n == 4 else [])]), depth),), "vec")

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


# fmt: off
STEEP = frozenset(  # those that leave [-10, 10] between -3 and 3, or turn there more than once
    "exp expm1 square sinh cosh tan sin cos lgamma reciprocal".split()
)
# fmt: on
FREELY = "leaf call call mine macro neg sign sign twice centred by_hand choice bounded sloped prime power scaled product product transpose".split()
MACROS: dict[str, Callable[..., Tree]] = {  # of a grower, and the parameters
    "lin": lambda make, A, x: make.made("product", (2, 1), A, replace(x, size=(3, 1))),
    "gram": lambda make, A: make.of("divide", make.made("product", (3, 3), make.made("transpose", (3, 2), A), A), make.by("size", A, None)),
    "energy": lambda make, x, A: make.by("norm²", make.made("product", (2, 1), A, replace(x, size=(3, 1))), None),
    "centred": lambda make, x: make.of("minus", x, make.by("mean", x, 0)),
}


def _by_hand() -> list[Callable[[_Grower, Tree, int | None], Tree]]:
    one, half, two = (Tree("number", (1, 1), word=word) for word in ("1", "0.5", "2"))

    def sigmoid(make: _Grower, x: Tree, _: int | None) -> Tree:
        return make.of("divide", one, make.of("plus", one, make.of("exp", make.of("neg", x))))

    def softplus(make: _Grower, x: Tree, _: int | None) -> Tree:
        return make.of("log", make.of("plus", one, make.of("exp", x)))

    def tanh(make: _Grower, x: Tree, _: int | None) -> Tree:
        up, down = make.of("exp", x), make.of("exp", make.of("neg", x))
        return make.of("divide", make.of("minus", up, down), make.of("plus", up, down))

    def softmax(make: _Grower, x: Tree, axis: int | None) -> Tree:
        up = make.of("exp", make.of("minus", x, make.by("max", x, axis)) if make.maybe() else x)
        return make.of("divide", up, make.by("sum", up, axis))

    def log_softmax(make: _Grower, x: Tree, axis: int | None) -> Tree:
        if make.maybe():
            return make.of("log", softmax(make, x, axis))
        return make.of("minus", x, make.of("log", make.by("sum", make.of("exp", x), axis)))

    def deviation(make: _Grower, x: Tree, axis: int | None) -> Tree:
        centred = make.of("minus", x, make.by("mean", x, axis))
        spread = make.by("mean", make.power_of(centred, "2"), axis)
        return make.of("divide", centred, make.of("sqrt", make.of("plus", spread, half)))

    def length(make: _Grower, x: Tree, axis: int | None) -> Tree:
        x = make.of("sigmoid", x)  # at 0 the root has no slope
        return make.of("divide", x, make.of("sqrt", make.by("sum", make.power_of(x, "2"), axis)))

    def gelu(make: _Grower, x: Tree, _: int | None) -> Tree:
        return make.of("times", make.of("times", half, x), make.of("plus", one, make.of("erf", make.of("divide", x, make.of("sqrt", two)))))

    def gate(make: _Grower, x: Tree, _: int | None) -> Tree:
        return make.of("times", x, make.made("compare", x.size, x, Tree("number", (1, 1), word="0"), word=make.pick([">", ">=", "<"])))

    def slope(make: _Grower, x: Tree, _: int | None) -> Tree:
        return make.of("minus", one, make.power_of(make.of("tanh", x), "2"))

    def entropy(make: _Grower, x: Tree, axis: int | None) -> Tree:
        share = softmax(make, x, axis)
        return make.of("neg", make.of("times", share, make.of("log", share)))

    def likelihood(make: _Grower, x: Tree, _: int | None) -> Tree:
        p, y = make.of("sigmoid", x), make.leaf(x.size)
        wrong = make.of("times", make.of("minus", one, y), make.of("log", make.of("minus", one, p)))
        return make.of("plus", make.of("times", y, make.of("log", p)), wrong)

    return [sigmoid, softplus, tanh, softmax, log_softmax, deviation, length, gelu, gate, slope, entropy, likelihood]


BY_HAND = _by_hand()


def _ways(size: Size, is_batch: bool) -> list[str]:
    """The ways to make a value of this shape: methods of the grower. A batch has any number of rows, so there are fewer."""
    m, n = size
    free = [*FREELY, *(["along"] * (m == 1 or n == 1))]
    if is_batch:
        return [*free, "rows", "dropout", *(["beside"] * (m == BATCH and 1 < n < BATCH)), *(["above"] * (n == BATCH and 1 < m < BATCH))]
    return (
        [*free, "triangle", "kron", "outer", "dropout", "filled", "solve"]
        + ["rows"] * (size != (1, 1))
        + ["everything", "everything", "loss", "loss", "of_a_matrix"] * (m == n == 1)
        + ["over_batch"] * (BATCH not in size)
        + ["beside"] * (n > 1)
        + ["above"] * (m > 1)
        + ["diag", "inverse"] * (m == n)
        + ["diag", "vec"] * (n == 1)
    )
