"""Proofs: two expressions that rewriting brings to one normal form are equal.

In    two terms, and what their names stand for
Out   whether both have the same normal form
Idea  every value is a sum of products. A product is a number, scalars, and a chain of matrices; broadcasting and sums are
      products with vectors of ones, so that 1ᵀ(A B) and (1ᵀA) B are the same chain; entrywise products are a bag of chains;
      a function of entries is an atom whose argument is in normal form, its slope written out by the operator's own rule

What has no common normal form may be equal all the same: then evaluation decides. Identities hold wherever both sides are
defined (x / x is 1). Sizes that nothing fixes stay letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from sympy import Expr, pi

from algebra2net.formulas import FORMULAS
from algebra2net.lower import Own, Rule, own_rule, rule
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operator, option
from algebra2net.program import Program, record, symbol
from algebra2net.verify.evaluate import Misfit, Values
from algebra2net.verify.terms import NAME, NUMBER, Term, call, expression, number, places, replaced, term

MOST = 300  # products in a sum
POWER = 4  # the largest exponent that is multiplied out

Atom = tuple[object, ...]  # kind, what tells it from others …, rows, columns
Factor = tuple[Atom, bool]  # whether it is transposed
Chain = tuple[Factor, ...]
Scalars = tuple[tuple[Atom, int], ...]  # with their exponents
Product = tuple[Scalars, Chain]
Sum = dict[Product, Fraction]
Frozen = tuple[tuple[str, Product, Fraction], ...]  # a sum in one order
Size = tuple[int, int]

ONE: Product = ((), ())


class Kept:
    """The inside of an atom, kept once: it is compared and written by its number, however much it holds."""

    __slots__ = ("content", "number")

    def __init__(self, content: Any, number: int) -> None:
        self.content = content
        self.number = number

    def __repr__(self) -> str:
        return f"#{self.number}"


class UnprovedError(Exception):
    """There is no normal form within bounds."""


def same(one: Term, other: Term, values: Values, made: Callable[[str], Term | None], sizes: Mapping[str, int], stochastic: Iterable[str] = ()) -> bool:
    """Whether two terms have one normal form. `made` says what names stand for; each row of a `stochastic` name adds up to 1."""
    normal = _Normal(values, made, sizes, frozenset(stochastic))
    try:
        return normal.of(one) == normal.of(other)
    except (UnprovedError, RecursionError):
        return False


class _Normal:
    def __init__(self, values: Values, made: Callable[[str], Term | None], sizes: Mapping[str, int], stochastic: frozenset[str]) -> None:
        self.values = values
        self.made = made
        self.labels = {size: label for label, size in sizes.items()}
        self.sizes = sizes
        self.stochastic = stochastic
        self.known: dict[Term, Sum] = {}
        self._kept: dict[object, Kept] = {}

    def of(self, here: Term) -> Sum:
        """The normal form of a term."""
        found = self.known.get(here)
        if found is None:
            found = self.known[here] = self._of(here)
            if len(found) > MOST:
                raise UnprovedError
        return found

    def shape(self, here: Term) -> Size:
        """Rows and columns of a term."""
        found = self.values.of(here)
        if isinstance(found, Misfit):
            raise UnprovedError
        return int(found.shape[0]), int(found.shape[1])

    def _of(self, here: Term) -> Sum:
        if here.op == NAME:
            inside = self.made(here.name)
            return self.of(inside) if inside is not None else self.atom(("input", here.name, *self.shape(here)))
        if here.op == NUMBER:
            return {((((("pi", 1, 1), 1),)), ()): Fraction(1)} if here.atom is pi else _constant(Fraction(str(here.atom)))
        rewrite = _REWRITES.get(here.op)
        if rewrite is not None:
            return rewrite(self, here)
        operator = record(expression(here), self.values.functions)
        if isinstance(operator, Own):
            return self.of(_opened_by(here, operator, own_rule(operator, Program((), (), {}, functions=self.values.functions))))
        if operator.name not in OPERATORS:
            raise UnprovedError
        opened = _opened(here, operator)
        return self.of(opened) if opened is not None else self.function(here, operator)

    # atoms

    def keep(self, content: object) -> Kept:
        """What stands for this content in an atom."""
        return self._kept.setdefault(content, Kept(content, len(self._kept)))

    def atom(self, atom: Atom) -> Sum:
        """An atom as a sum of one product."""
        return {self.product((), ((atom, False),)): Fraction(1)}

    def function(self, here: Term, operator: Operator) -> Sum:
        """A function of normal forms; of one operand entry by entry, f(xᵀ) is f(x)ᵀ."""
        parts = [self.of(arg) for arg in here.args]
        rows, columns = self.shape(here)
        if operator.elementwise and len(parts) == 1:
            turned = self.transposed(parts[0])
            if _frozen(turned) < _frozen(parts[0]):
                return self.transposed(self.atom((here.op, str(here.options), self.keep((_frozen(turned),)), columns, rows)))
        return self.atom((here.op, str(here.options), self.keep(tuple(_frozen(part) for part in parts)), rows, columns))

    # products

    def product(self, scalars: Scalars, chain: Chain) -> Product:
        """A product with ones put together and 1×1 stretches taken out of the chain."""
        factors = list(scalars)
        stack: list[Factor] = []
        for factor in chain:
            stack.append(factor)
            while len(stack) > 1:
                (a, a_turned), (b, b_turned) = stack[-2:]
                if a[0] == b[0] == "ones" and a_turned and not b_turned:
                    stack[-2:] = []
                    factors.append(((("size", a[1], 1, 1)), 1))
                elif self._adds_up(a) and not a_turned and b[0] == "ones" and not b_turned:
                    stack[-2:] = [(("ones", a[-2], a[-2], 1), False)]
                elif self._adds_up(b) and b_turned and a[0] == "ones" and a_turned:
                    stack[-2:] = [(("ones", b[-2], b[-2], 1), True)]
                else:
                    break
        left: list[Factor] = []
        piece: list[Factor] = []
        for factor in stack:
            piece.append(factor)
            if _columns(factor) == 1:
                if _rows(piece[0]) == 1:
                    factors.append((self._scalar(tuple(piece)), 1))
                else:
                    left += piece
                piece = []
        left += piece
        return _scalars(factors), tuple(left)

    def _adds_up(self, atom: Atom) -> bool:
        """Whether each row adds up to 1."""
        return atom[0] == "softmax" or (atom[0] == "input" and atom[1] in self.stochastic)

    def _scalar(self, chain: Chain) -> Atom:
        """A 1×1 chain: it is its own transpose."""
        if len(chain) == 1:
            return chain[0][0]
        return ("chain", self.keep(min(chain, self.turned(chain), key=repr)), 1, 1)

    def matmul(self, a: Sum, b: Sum) -> Sum:
        """The matrix product."""
        return self._each(a, b, lambda x, y: self.product(_scalars([*x[0], *y[0]]), (*x[1], *y[1])))

    def times(self, a: Sum, b: Sum, shape: Size) -> Sum:
        """The product of entries, of two sums of that shape."""
        return self._each(a, b, lambda x, y: self.product(_scalars([*x[0], *y[0]]), self._bag([x[1], y[1]], shape)))

    def _each(self, a: Sum, b: Sum, join: Callable[[Product, Product], Product]) -> Sum:
        if len(a) * len(b) > 4 * MOST:
            raise UnprovedError
        found: Sum = {}
        for x, p in a.items():
            for y, q in b.items():
                product, factor = self._sized(join(x, y))
                found[product] = found.get(product, Fraction(0)) + p * q * factor
        return {product: factor for product, factor in found.items() if factor}

    def _sized(self, product: Product) -> tuple[Product, Fraction]:
        """Sizes that are numbers, as numbers."""
        factor, kept = Fraction(1), []
        for atom, power in product[0]:
            if atom[0] == "size" and atom[1] not in self.labels:
                factor *= Fraction(int(str(atom[1]))) ** power
            else:
                kept.append((atom, power))
        return (tuple(kept), product[1]), factor

    def _bag(self, chains: Iterable[Chain], shape: Size) -> Chain:
        """Chains multiplied entry by entry: ones left out, 1/x taken against x, a 0-1 value once."""
        if shape == (1, 1):
            return tuple(factor for chain in chains for factor in chain)
        ones = self.ones(shape)
        parts: list[Chain] = []
        for chain in chains:
            inside: tuple[Chain, ...] = _content(chain[0][0], 1) if len(chain) == 1 and chain[0][0][0] == "bag" else (chain,)
            parts += [part for part in inside if part != ones]
        for step in [part for part in parts if len(part) == 1 and part[0][0][0] == "step"]:
            while parts.count(step) > 1:
                parts.remove(step)
        for part in list(parts):
            inverse = self._inverse(part)
            if inverse in parts and part in parts:
                parts.remove(part)
                parts.remove(inverse)
        if len(parts) < 2:
            return parts[0] if parts else ones
        return ((("bag", self.keep(tuple(sorted(parts, key=repr))), *shape), False),)

    def ones(self, shape: Size) -> Chain:
        """All ones: a column times a row."""
        column: Chain = ((("ones", shape[0], shape[0], 1), False),) if shape[0] != 1 else ()
        row: Chain = ((("ones", shape[1], shape[1], 1), True),) if shape[1] != 1 else ()
        return column + row

    def widened(self, here: Sum, have: Size, want: Size) -> Sum:
        """A value repeated to a shape: ones before a row, behind a column."""
        before = self.ones((want[0], 1)) if have[0] == 1 != want[0] else ()
        behind = self.ones((1, want[1])) if have[1] == 1 != want[1] else ()
        if not before and not behind:
            return here
        return self._each(here, {ONE: Fraction(1)}, lambda x, _: self.product(x[0], (*before, *x[1], *behind)))

    def wide(self, here: Term, want: Size) -> Sum:
        """A term's normal form, repeated to a shape."""
        return self.widened(self.of(here), self.shape(here), want)

    def transposed(self, here: Sum) -> Sum:
        """The transpose."""
        return self._each(here, {ONE: Fraction(1)}, lambda x, _: self.product(x[0], self.turned(x[1])))

    def turned(self, chain: Chain) -> Chain:
        """The transpose of a chain; of a bag, the bag of the transposes."""
        return tuple(self._turned_factor(factor) for factor in reversed(chain))

    def _turned_factor(self, factor: Factor) -> Factor:
        atom, turned = factor
        if atom[0] == "bag":
            parts: tuple[Chain, ...] = _content(atom, 1)
            return ("bag", self.keep(tuple(sorted((self.turned(part) for part in parts), key=repr))), atom[3], atom[2]), False
        return atom, not turned

    def _inverse(self, chain: Chain) -> Chain | None:
        """What a chain is one over, entry by entry."""
        if len(chain) != 1 or chain[0][0][0] != "reciprocal":
            return None
        inside: Chain = _content(chain[0][0], 1)
        return self.turned(inside) if chain[0][1] else inside


def _plus(normal: _Normal, here: Term) -> Sum:
    shape = normal.shape(here)
    found = dict(normal.wide(here.args[0], shape))
    sign = -1 if here.op == "minus" else 1
    for product, factor in normal.wide(here.args[1], shape).items():
        found[product] = found.get(product, Fraction(0)) + sign * factor
    return {product: factor for product, factor in found.items() if factor}


def _neg(normal: _Normal, here: Term) -> Sum:
    return {product: -factor for product, factor in normal.of(here.args[0]).items()}


def _times(normal: _Normal, here: Term) -> Sum:
    shape = normal.shape(here)
    a, b = here.args
    for one, other in ((a, b), (b, a)):
        if normal.shape(one) == (1, 1):
            return normal._each(normal.of(one), normal.of(other), lambda x, y: (_scalars([*x[0], *y[0]]), (*x[1], *y[1])))
    return normal.times(normal.wide(a, shape), normal.wide(b, shape), shape)


def _product(normal: _Normal, here: Term) -> Sum:
    if (1, 1) in (normal.shape(here.args[0]), normal.shape(here.args[1])):
        return _times(normal, here)
    return normal.matmul(normal.of(here.args[0]), normal.of(here.args[1]))


def _divide(normal: _Normal, here: Term) -> Sum:
    return _times(normal, call("times", here.args[0], call("reciprocal", here.args[1])))


def _reciprocal(normal: _Normal, here: Term) -> Sum:
    inside, shape = normal.of(here.args[0]), normal.shape(here)
    if len(inside) == 1:
        ((scalars, chain), factor) = next(iter(inside.items()))
        upside = tuple((atom, -power) for atom, power in scalars)
        if not chain:
            return {(upside, ()): 1 / factor}
        atom: Atom = ("reciprocal", normal.keep(chain), *shape)
        return {normal.product(upside, ((atom, False),)): 1 / factor}
    return normal.atom(("reciprocal of", normal.keep(_frozen(inside)), *shape))


def _transpose(normal: _Normal, here: Term) -> Sum:
    return normal.transposed(normal.of(here.args[0]))


def _sum(normal: _Normal, here: Term) -> Sum:
    rows, columns = normal.shape(here.args[0])
    axis, found = int(here.options[0]), normal.of(here.args[0])
    unit: Sum = {ONE: Fraction(1)}
    if axis in (-1, 0) and rows != 1:
        found = normal.matmul({((), normal.turned(normal.ones((rows, 1)))): unit[ONE]}, found)
    if axis in (-1, 1) and columns != 1:
        found = normal.matmul(found, {((), normal.ones((columns, 1))): unit[ONE]})
    return found


def _mean(normal: _Normal, here: Term) -> Sum:
    return normal.of(call("divide", Term("sum", here.args, here.options), Term("size", here.args, here.options)))


def _size(normal: _Normal, here: Term) -> Sum:
    shape, axis = normal.shape(here.args[0]), int(here.options[0])
    sizes = [size for k, size in enumerate(shape) if axis in (-1, k) and size != 1]
    product, factor = normal._sized((_scalars([(("size", size, 1, 1), 1) for size in sizes]), ()))
    return {product: factor}


def _extent(normal: _Normal, here: Term) -> Sum:
    label = str(here.options[0])
    return {((((("size", normal.sizes[label], 1, 1)), 1),), ()): Fraction(1)}


def _expand(normal: _Normal, here: Term) -> Sum:
    return normal.wide(here.args[0], normal.shape(here))


def _power(normal: _Normal, here: Term) -> Sum:
    exponent = normal.of(here.args[1])
    count = exponent.get(ONE, Fraction(0)) if set(exponent) <= {ONE} else Fraction(-1)
    if count.denominator != 1 or not 0 <= count <= POWER:
        return normal.function(here, OPERATORS["power"])
    if count == 0:
        return normal.widened(_constant(Fraction(1)), (1, 1), normal.shape(here))
    found = here.args[0]
    for _ in range(int(count) - 1):
        found = call("times", found, here.args[0])
    return normal.of(found)


def _step(normal: _Normal, here: Term) -> Sum:
    """1 where the argument is positive: of relu(x) as of x."""
    a, b = here.args if len(here.args) == 2 else (here.args[0], number(0))
    inside = normal.of(call("minus", *((b, a) if here.op == "lt" else (a, b))))
    if len(inside) == 1:
        ((scalars, chain), factor) = next(iter(inside.items()))
        if factor > 0 and not scalars and len(chain) == 1 and chain[0][0][0] == "relu":
            (argument,) = _content(chain[0][0], 2)
            inside = normal.transposed(_thawed(argument)) if chain[0][1] else _thawed(argument)
    rows, columns = normal.shape(here)
    turned = normal.transposed(inside)
    if _frozen(turned) < _frozen(inside):
        return normal.transposed(normal.atom(("step", "", normal.keep((_frozen(turned),)), columns, rows)))
    return normal.atom(("step", "", normal.keep((_frozen(inside),)), rows, columns))


def _sigmoid(normal: _Normal, here: Term) -> Sum:
    """σ(-x) is 1 - σ(x)."""
    inside = normal.of(here.args[0])
    if not inside or inside[min(inside, key=repr)] > 0:
        return normal.function(here, OPERATORS["sigmoid"])
    return normal.of(call("minus", number(1), call("sigmoid", call("neg", here.args[0]))))


def _tanh(normal: _Normal, here: Term) -> Sum:
    """tanh(-x) is -tanh(x)."""
    inside = normal.of(here.args[0])
    if not inside or inside[min(inside, key=repr)] > 0:
        return normal.function(here, OPERATORS["tanh"])
    return normal.of(call("neg", call("tanh", call("neg", here.args[0]))))


def _maximum(normal: _Normal, here: Term) -> Sum:
    """max(0, x) is relu(x)."""
    a, b = here.args
    for one, other in ((a, b), (b, a)):
        if one == number(0):
            return normal.of(call("relu", other))
    return normal.function(here, OPERATORS["maximum"])


def _where(normal: _Normal, here: Term) -> Sum:
    """A choice by a comparison is a sum: of one where it holds, and of the other."""
    condition, one, other = here.args
    if condition.op not in ("gt", "lt", "ge", "le", "step"):
        return normal.function(here, OPERATORS["where"])
    kept, shape = call("times", condition, one), normal.shape(here)
    if other == number(0):
        return normal.wide(kept, shape)
    return normal.of(call("plus", kept, call("times", call("minus", number(1), condition), other)))


def _shares(normal: _Normal, here: Term) -> Sum:
    if int(here.options[0]) == 1:
        return normal.of(call("softmax", here.args[0]))
    return normal.function(here, OPERATORS["shares"])


_REWRITES: dict[str, Callable[[_Normal, Term], Sum]] = {
    "plus": _plus, "minus": _plus, "neg": _neg, "times": _times, "scale": _times, "product": _product, "matmul": _product,
    "divide": _divide, "quotient_or_zero": _divide, "reciprocal": _reciprocal, "transpose": _transpose,
    "sum": _sum, "mean": _mean, "size": _size, "extent": _extent, "expand": _expand, "power": _power,
    "step": _step, "gt": _step, "lt": _step, "relu'": _step, "sigmoid": _sigmoid, "tanh": _tanh, "maximum": _maximum, "shares": _shares, "where": _where,
}  # fmt: skip


def _opened(here: Term, operator: Operator) -> Term | None:
    """What an operator means by its own record: a macro, a formula, the slope of a function. None where it is an atom."""
    base = OPERATORS.get(operator.slope_of)
    text = operator.value or FORMULAS.get(operator.name, "") or (base.derivative if base is not None else "")
    if not text or operator.name in ("softmax", "log_softmax", "eye_like"):
        return None
    return _opened_by(here, operator, rule(text, operator.parameters))


def _opened_by(here: Term, operator: Operator, written: Rule) -> Term:
    """The rule of an operator for these operands."""
    base = OPERATORS.get(operator.slope_of)
    steps: dict[Expr, Expr] = {step.name: step.value for step in written.steps}
    found = term(written.result, lambda name: steps.get(name))
    meaning = dict(zip((*operator.operands,), here.args, strict=True))
    if base is not None:
        meaning["out"] = Term(base.name, here.args)
    meaning |= {word: number(given) for word, given in zip(operator.options, here.options, strict=True) if given.is_Number}
    settings: dict[Expr, Expr] = dict(zip((symbol(word) for word in operator.options), here.options, strict=True))
    for path, node in list(places(found)):
        if node.name in meaning:
            found = replaced(found, path, meaning[node.name])
        elif node.options:
            inside = _node(found, path)
            found = replaced(found, path, Term(inside.op, inside.args, tuple(settings.get(o, option(o)) for o in inside.options)))
    return found


def _node(here: Term, path: Iterable[int]) -> Term:
    for k in path:
        here = here.args[k]
    return here


def _constant(value: Fraction) -> Sum:
    return {ONE: value} if value else {}


def _rows(factor: Factor) -> object:
    return factor[0][-1] if factor[1] else factor[0][-2]


def _columns(factor: Factor) -> object:
    return factor[0][-2] if factor[1] else factor[0][-1]


def _content(atom: Atom, place: int) -> Any:
    """What is kept at that place of an atom."""
    kept = atom[place]
    assert isinstance(kept, Kept)
    return kept.content


def _scalars(factors: Iterable[tuple[Atom, int]]) -> Scalars:
    found: dict[Atom, int] = {}
    for atom, power in factors:
        found[atom] = found.get(atom, 0) + power
    return tuple(sorted(((atom, power) for atom, power in found.items() if power), key=repr))


def _frozen(here: Sum) -> Frozen:
    """A sum in one order, to be compared and kept."""
    return tuple(sorted((repr(product), product, factor) for product, factor in here.items()))


def _thawed(frozen: Frozen) -> Sum:
    return {product: factor for _, product, factor in frozen}
