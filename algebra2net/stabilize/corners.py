"""Corners: functions in pieces, in every spelling, with the slope that was agreed where the pieces meet.

In    a node that holds choices: comparisons, where, |x|, max, min, relu, clip
Out   the same function with the agreed slope at each of its corners; None where it has them, or is no continuous function
Idea  between two borders every choice is made, so each piece is a smooth node; where what was typed comes at a border to what
      both pieces come to, either may have the border: a flat piece does, of two that mirror each other none, else the lower one

`where(x >= 0, x, 0)`, `x * (x >= 0)` and `x - min(x, 0)` are relu so, without being named anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from sympy import Abs, Expr, Symbol, diff, lambdify, sympify

from algebra2net.operators import OPERATORS
from algebra2net.stabilize.forms import FUNCTION, NUMBER, PRODUCT, SUM, Forms, OpaqueError, Terms
from algebra2net.stabilize.identities import Identity

CORNER = Identity("f(x) where x >= c, else g(x)", "f(x) where x > c, else g(x)", "both come to the same at the border, so the slope there is the one that was agreed")
LARGEST = 48  # nodes of a function that are looked at
BORDERS = 6

CHOICES = frozenset(("lt", "le", "gt", "ge", "eq", "ne", "where", "step", "sign"))
MADE_OF_CHOICES = frozenset(("maximum", "minimum", "abs"))
OPERATORS_WITH_CORNERS = CHOICES | MADE_OF_CHOICES | {"relu", "leaky_relu", "clip", "relu6", "hard_tanh"}


def total(forms: Forms, parts: Iterable[tuple[float, int]]) -> int:
    """The sum of multiples of nodes; what cancels may take its shape away, which the whole keeps."""
    terms: Terms = {}
    number = 0.0
    for factor, node in parts:
        inside, beside = forms.linear(node)
        number += factor * beside
        for term, c in inside.items():
            terms[term] = terms.get(term, 0.0) + factor * c
    return forms.sum_of(terms, number, None)


# What makes each choice: the difference whose sign decides, and what is chosen for that sign, 0 at the border.
_Choose = Callable[["_InPieces", Sequence[int], int], int]
_DECIDES: Mapping[str, Callable[[Forms, Sequence[int]], int]] = {
    **dict.fromkeys(("relu", "leaky_relu", "abs", "sign", "step"), lambda forms, args: args[0]),
    **dict.fromkeys(("maximum", "minimum", "eq", "ne"), lambda forms, args: total(forms, [(1.0, args[0]), (-1.0, args[1])])),
    **dict.fromkeys(("lt", "le"), lambda forms, args: total(forms, [(1.0, args[1]), (-1.0, args[0])])),
}
_CHOSEN: Mapping[str, _Choose] = {
    "lt": lambda here, args, sign: here.forms.number(sign > 0),
    "le": lambda here, args, sign: here.forms.number(sign >= 0),
    "eq": lambda here, args, sign: here.forms.number(sign == 0),
    "ne": lambda here, args, sign: here.forms.number(sign != 0),
    "sign": lambda here, args, sign: here.forms.number(sign),
    "step": lambda here, args, sign: here.forms.number(sign > 0),
    "relu": lambda here, args, sign: args[0] if sign > 0 else here.forms.number(0.0),
    "leaky_relu": lambda here, args, sign: args[0] if sign > 0 else here.product([(args[0], 1.0), (args[1], 1.0)]),
    "abs": lambda here, args, sign: here.forms.scaled(float(sign or 1), args[0]),
    "maximum": lambda here, args, sign: args[0] if sign >= 0 else args[1],
    "minimum": lambda here, args, sign: args[0] if sign <= 0 else args[1],
}


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A function of one quantity: its borders, a node between each two of them, and one at each."""

    borders: tuple[float, ...]
    between: tuple[int, ...]
    at: tuple[int, ...]


class Corners:
    """The functions in pieces of one program."""

    def __init__(self, forms: Forms) -> None:
        self.forms = forms

    def mended(self, node: int) -> int | None:
        """The node with the agreed slopes, or None where there is nothing to mend."""
        if self.is_plain(node):
            return None
        inside = self.inside(node)
        for quantity in self.quantities(inside):
            try:
                better = _InPieces(self.forms, quantity, inside).mended(node)
            except (OpaqueError, OverflowError, ZeroDivisionError, ValueError):  # a piece that has no number at a border
                continue
            if better is not None and better != node and self.forms.shapes[better] == self.forms.shapes[node]:
                return better
        return None

    def is_plain(self, node: int) -> bool:
        """Whether a node has no corners, or is a function that says its own: relu(z), |z|, z > 0."""
        kind = self.forms.kinds[node]
        return kind not in (FUNCTION, SUM, PRODUCT) or (kind == FUNCTION and self.forms.data[node][0] not in ("where", "maximum", "minimum"))

    def inside(self, node: int) -> frozenset[int]:
        """The operators of entries that a node is made of, the nearest ones, down to its corners; none if there is no corner."""
        found: dict[int, None] = {node: None}
        waiting = [node]
        for place in waiting:
            parts = [part for part in self.parts(place) if part not in found]
            found.update(dict.fromkeys(parts))
            waiting += parts
            if len(found) > LARGEST:
                break
        return frozenset(found)

    def parts(self, node: int) -> Iterable[int]:
        """What a node of entries is made of."""
        kind, data = self.forms.kinds[node], self.forms.data[node]
        if kind == FUNCTION:
            return data[1] if OPERATORS[data[0]].elementwise else ()
        return (part for part, _ in (data[0] if kind == SUM else data)) if kind in (SUM, PRODUCT) else ()

    def quantities(self, inside: frozenset[int]) -> list[int]:
        """What the choices rest on: x for x > 1 and |x|, a - b for max(a, b). Multiples and shifts of one are one.

        What stands in one place alone has the slope that this place says.
        """
        forms = self.forms
        found: dict[int, None] = {}
        uses = Counter(part for node in inside for part in self.parts(node))
        for node in sorted(inside):
            if forms.kinds[node] != FUNCTION or forms.data[node][0] not in OPERATORS_WITH_CORNERS:
                continue
            name, args, _ = forms.data[node]
            for decides in [_DECIDES[name](forms, args)] if name in _DECIDES else args[:1] if name != "where" else ():
                terms, _ = forms.linear(decides)
                if terms and any(uses[term] > 1 for term in (*terms, decides)):
                    first = next(iter(terms.values()))
                    found[forms.sum_of({term: c / first for term, c in terms.items()}, 0.0, None if forms.shapes[decides] is None else forms.broadcast(terms))] = None
        return list(found)[:3]


class _InPieces:
    """Nodes as functions of one quantity."""

    forms: Forms

    def __init__(self, forms: Forms, quantity: int, inside: frozenset[int]) -> None:
        self.forms = forms
        self.quantity = quantity
        self.inside = inside
        self.terms, _ = forms.linear(quantity)
        self.first = next(iter(self.terms))
        self.known: dict[int, _Pieces] = {}

    # the agreed slopes

    def mended(self, node: int) -> int | None:
        """The node, each border given to the piece that has the agreed slope there."""
        pieces = self.pieces(node)
        kept = [k for k, c in enumerate(pieces.borders) if pieces.between[k] != pieces.between[k + 1] or not self.is_same(pieces.at[k], self.put(pieces.between[k], c))]
        borders = [pieces.borders[k] for k in kept]
        between = [*(pieces.between[k] for k in kept), pieces.between[-1]]
        for c, k in zip(borders, kept, strict=True):
            left, right = self.put(pieces.between[k], c), self.put(pieces.between[k + 1], c)
            if not (self.is_same(left, pieces.at[k]) and self.is_same(right, pieces.at[k])):
                return None  # a jump
        if not borders:
            return between[0]
        slopes = [(self.slope(between[k], c), self.slope(between[k + 1], c)) for k, c in enumerate(borders)]
        wanted = [_agreed(left, right) for left, right in slopes]
        typed = [self.slope(node, c) for c in borders]
        if all(w is not None and t is not None and _close(w, t) for w, t in zip(wanted, typed, strict=True)):
            return None
        if None in wanted + typed and not any(self.forms.kinds[part] == FUNCTION and self.forms.data[part][0] in CHOICES for part in self.inside):
            return None
        return self.straight(borders, between) or self.alike(borders, between) or self.chosen(borders, between, slopes)

    def straight(self, borders: list[float], between: list[int]) -> int | None:
        """A function of straight lines by its name: a maximum, |x|, leaky relu, clip."""
        lines = [self.line(piece) for piece in between]
        if any(rest != lines[0][1] for _, rest, _ in lines) or len(borders) > 2:
            return None
        forms, t = self.forms, self.quantity
        slopes, (_, rest, _), c = [k for k, _, _ in lines], lines[0], borders[0]
        there = slopes[0] * c + lines[0][2]
        moved = forms.add([(1.0, t), (-1.0, forms.number(c))])
        if len(borders) == 2:
            if slopes[0] or slopes[2]:
                return None
            made = self.call("clip", t, *map(forms.number, borders))
            return forms.add([(slopes[1], made), (1.0, forms.number(there - slopes[1] * c)), (1.0, rest)])
        if 0 in slopes:
            line = forms.add([(sum(slopes), t), (1.0, forms.number(lines[0][2] + lines[1][2] - there))])
            made = self.call("maximum" if slopes[1] > slopes[0] else "minimum", line, forms.number(there))
            return forms.add([(1.0, made), (1.0, rest)])
        made = self.call("abs", moved) if _close(slopes[0], -slopes[1]) else self.call("leaky_relu", moved, forms.number(slopes[0] / slopes[1]))
        return forms.add([(slopes[1], made), (1.0, forms.number(there)), (1.0, rest)])

    def alike(self, borders: list[float], between: list[int]) -> int | None:
        """Of two pieces the larger or the smaller; or one that mirrors the other, as a function of |x|."""
        if len(borders) > 1:
            return None
        forms, (lower, upper) = self.forms, between
        difference = self.sum([(1.0, upper), (-1.0, lower)])
        k, rest, number = self.line(difference)
        if k and rest == forms.number(0.0) and _close(-number, k * borders[0]):
            return self.call("maximum" if k > 0 else "minimum", upper, lower)
        turned = forms.scaled(-1.0, self.quantity)
        if borders[0] == 0 and self.quantity == self.first and self.replaced(upper, turned) == lower:
            return self.replaced(upper, self.call("abs", self.quantity))
        return None

    def chosen(self, borders: list[float], between: list[int], slopes: Sequence[tuple[float | None, float | None]]) -> int:
        """A choice between the pieces, from the lowest to the highest."""
        made = between[0]
        for c, piece, (left, right) in zip(borders, between[1:], slopes, strict=True):
            flat = right == 0 != left
            border = self.forms.number(c)
            above = self.call("le", border, self.quantity) if flat else self.call("lt", border, self.quantity)
            made = self.call("where", above, piece, made)
        return made

    # pieces

    def pieces(self, node: int) -> _Pieces:
        """A node between its borders and at them."""
        if node not in self.known:
            self.known[node] = self.of_parts(node)
        return self.known[node]

    def of_parts(self, node: int) -> _Pieces:
        forms = self.forms
        kind, data = forms.kinds[node], forms.data[node]
        if node not in self.inside or node == self.quantity or kind not in (SUM, PRODUCT, FUNCTION):
            return _Pieces((), (node,), ())
        if kind == SUM:
            parts, number = [part for part, _ in data[0]], forms.number(data[1])
            return self.joined(parts, lambda new: self.sum([*((c, piece) for piece, (_, c) in zip(new, data[0], strict=True)), (1.0, number)]))
        if kind == PRODUCT:
            return self.joined([part for part, _ in data], lambda new: self.product([(piece, e) for piece, (_, e) in zip(new, data, strict=True)]))
        name, args, options = data
        if not OPERATORS[name].elementwise:
            return _Pieces((), (node,), ())
        if name in ("clip", "relu6", "hard_tanh"):
            return self.pieces_of_clip(args, {"relu6": (0.0, 6.0), "hard_tanh": (-1.0, 1.0)}.get(name))
        if name == "where":
            return self.joined(args, self.branch)
        if name in _DECIDES:
            return self.decided(name, args)
        return self.joined(args, lambda new: self.function(name, new, options) if tuple(new) != args else node)

    def pieces_of_clip(self, args: tuple[int, ...], bounds: tuple[float, float] | None) -> _Pieces:
        forms = self.forms
        x, lo, hi = (args[0], *map(forms.number, bounds)) if bounds else args
        inner = self.call("maximum", x, lo)
        outer = self.call("minimum", inner, hi)
        self.inside |= {inner, outer}
        return self.pieces(outer)

    def joined(self, parts: Sequence[int], make: Callable[[Sequence[int]], int]) -> _Pieces:
        """An operator on parts in pieces."""
        given = [self.pieces(part) for part in parts]
        borders = _merged(c for one in given for c in one.borders)
        if len(borders) > BORDERS:
            raise OpaqueError
        between = [make([one.between[_place(one.borders, middle)] for one in given]) for middle in _middles(borders)]
        at = [make([self.value_at(one, c) for one in given]) for c in borders]
        return _Pieces(borders, tuple(between), tuple(at))

    def value_at(self, one: _Pieces, c: float) -> int:
        for k, border in enumerate(one.borders):
            if _close(border, c):
                return one.at[k]
        return self.put(one.between[_place(one.borders, c)], c)

    def branch(self, args: Sequence[int]) -> int:
        """The branch that is taken, where the condition is a number."""
        condition, a, b = args
        if self.forms.kinds[condition] != NUMBER:
            return self.call("where", *args)
        return a if self.forms.data[condition] else b

    def decided(self, name: str, args: tuple[int, ...]) -> _Pieces:
        """A choice by the sign of a straight line, with a border where that is 0."""
        forms = self.forms
        whole = self.joined(args, lambda new: _DECIDES[name](forms, new))
        borders = list(whole.borders)
        for piece, middle in zip(whole.between, _middles(whole.borders), strict=True):
            k, rest, number = self.line(piece)
            if k and rest == forms.number(0.0) and _place(whole.borders, -number / k) == _place(whole.borders, middle):
                borders.append(-number / k)
        marks = _Pieces(_merged(borders), (), ())
        if len(marks.borders) > BORDERS:
            raise OpaqueError
        given = [self.pieces(arg) for arg in args]

        def made(c: float, *, border: bool) -> int:
            now = [self.value_at(one, c) if border else one.between[_place(one.borders, c)] for one in given]
            k, rest, number = self.line(_DECIDES[name](forms, now))
            if rest != forms.number(0.0):
                return forms.function(name, now, (), forms.broadcast(now))
            sign = k * c + number
            return _CHOSEN[name](self, now, 0 if abs(sign) <= 1e-14 * max(abs(number), 1e-290) else 1 if sign > 0 else -1)

        return _Pieces(marks.borders, tuple(made(c, border=False) for c in _middles(marks.borders)), tuple(made(c, border=True) for c in marks.borders))

    # nodes in terms of the quantity

    def line(self, node: int) -> tuple[float, int, float]:
        """k, a rest and a number, so that the node is k times the quantity, the rest and the number."""
        terms, number = self.forms.linear(node)
        k = terms.get(self.first, 0.0)
        if not all(_close(terms.get(term, 0.0), k * c) for term, c in self.terms.items()):
            k = 0.0
        left = {term: c for term, c in terms.items() if not (k and term in self.terms)}
        return k, self.forms.sum_of(left, 0.0, self.forms.broadcast(left)), number

    def put(self, node: int, c: float) -> int:
        """The node where the quantity is a number."""
        forms = self.forms
        others = [(-k, term) for term, k in self.terms.items() if term != self.first]
        return self.replaced(node, forms.add([(1.0, forms.number(c)), *others]))

    def replaced(self, node: int, by: int, depth: int = 8) -> int:
        """The node with something in the place of the quantity's first term."""
        forms = self.forms
        kind, data = forms.kinds[node], forms.data[node]
        if node == self.first:
            return by
        if not depth or kind not in (SUM, PRODUCT, FUNCTION):
            return node
        if kind == SUM:
            return self.sum([*((c, self.replaced(part, by, depth - 1)) for part, c in data[0]), (1.0, forms.number(data[1]))])
        if kind == PRODUCT:
            return self.product([(self.replaced(part, by, depth - 1), e) for part, e in data])
        name, args, options = data
        if not OPERATORS[name].elementwise:
            return node
        new = tuple(self.replaced(arg, by, depth - 1) for arg in args)
        return node if new == args else self.function(name, new, options)

    def function(self, name: str, args: Sequence[int], options: tuple[Expr, ...]) -> int:
        """A function of entries; of a number, a number."""
        forms = self.forms
        found = _univariate(name) if len(args) == 1 and forms.kinds[args[0]] == NUMBER else None
        return forms.number(found[0](forms.data[args[0]])) if found else forms.function(name, args, options, forms.broadcast(args))

    def sum(self, parts: Sequence[tuple[float, int]]) -> int:
        return total(self.forms, parts)

    def product(self, parts: Sequence[tuple[int, float]]) -> int:
        """A product; 0 times anything is the number 0."""
        zero = self.forms.number(0.0)
        return zero if any(node == zero and e > 0 for node, e in parts) else self.forms.multiply(parts)

    def call(self, name: str, *args: int) -> int:
        return self.forms.function(name, args, (), self.forms.broadcast(args))

    def is_same(self, one: int, other: int) -> bool:
        """Whether two nodes are equal, but for rounding."""
        (terms, a), (others, b) = self.forms.linear(one), self.forms.linear(other)
        return terms == others and (_close(a, b) or abs(a - b) < 1e-15)

    # slopes

    def slope(self, node: int, c: float) -> float | None:
        """The slope by the quantity where that is c, with the conventions at corners; None if it is not known."""
        return self.dual(node, c)[1]

    def dual(self, node: int, c: float) -> tuple[float | None, float | None]:
        """Value and slope, as far as they are known."""
        forms = self.forms
        kind, data = forms.kinds[node], forms.data[node]
        if kind == NUMBER:
            return data, 0.0
        if kind in (SUM, PRODUCT, FUNCTION) and node != self.quantity and not (kind == FUNCTION and not OPERATORS[data[0]].elementwise):
            if kind == SUM:
                return self.dual_of_sum(node, c)
            if node != self.first:
                return self.dual_of_product(data, c) if kind == PRODUCT else self.dual_of_function(data, c)
        return (c, 1.0) if node in (self.quantity, self.first) else (None, 0.0)

    def dual_of_sum(self, node: int, c: float) -> tuple[float | None, float | None]:
        k, rest, number = self.line(node)
        parts = [(k * c + number, k)]
        for term, factor in self.forms.linear(rest)[0].items():
            value, slope = self.dual(term, c)
            parts.append((None if value is None else factor * value, None if slope is None else factor * slope))  # type: ignore[arg-type]
        values, slopes = zip(*parts, strict=True)
        return None if None in values else sum(values), None if None in slopes else sum(slopes)

    def dual_of_product(self, factors: tuple[tuple[int, float], ...], c: float) -> tuple[float | None, float | None]:
        value: float | None = 1.0
        slope: float | None = 0.0
        for base, e in factors:
            v, s = self.dual(base, c)
            if v is None or value is None:
                value, slope = None, 0.0 if slope == 0 == s else None
                continue
            slope = None if slope is None or s is None else slope * v**e + (value * e * v ** (e - 1) * s if s else 0.0)
            value = value * v**e
        return (value, slope) if not isinstance(value, complex) else (None, None)

    def dual_of_function(self, data: tuple[str, tuple[int, ...], tuple[Expr, ...]], c: float) -> tuple[float | None, float | None]:
        name, args, _ = data
        duals = [self.dual(arg, c) for arg in args]
        if name in _AGREED:
            if any(v is None or s is None for v, s in duals[:3]):
                return None, 0.0 if all(s == 0 for _, s in duals) else None
            beside = [self.forms.kinds[arg] == NUMBER for arg in args]
            return _AGREED[name](duals, beside)  # type: ignore[arg-type]
        if all(s == 0 for _, s in duals):
            return None, 0.0
        (value, slope), *others = duals
        found = _univariate(name) if not others and value is not None and slope is not None else None
        if found is None:
            return None, None
        try:
            return float(found[0](value)), float(found[1](value)) * float(slope or 0.0)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return None, None


_Known = tuple[float, float]


def _first_if(condition: bool, a: _Known, b: _Known) -> _Known:
    return a if condition else b


def _larger(a: _Known, b: _Known, beside: Sequence[bool]) -> _Known:
    if a[0] != b[0]:
        return a if a[0] > b[0] else b
    return a[0], 0.0 if any(beside) else (a[1] + b[1]) / 2


def _turned(a: _Known) -> _Known:
    return -a[0], -a[1]


def _clipped(x: _Known, lo: float, hi: float) -> _Known:
    return (x[0], x[1]) if lo < x[0] < hi else (min(max(x[0], lo), hi), 0.0)


# The table of the conventions: value and slope from values and slopes, and whether each operand is a number.
_AGREED: Mapping[str, Callable[[Sequence[_Known], Sequence[bool]], _Known]] = {
    "lt": lambda d, beside: (float(d[0][0] < d[1][0]), 0.0),
    "le": lambda d, beside: (float(d[0][0] <= d[1][0]), 0.0),
    "eq": lambda d, beside: (float(d[0][0] == d[1][0]), 0.0),
    "ne": lambda d, beside: (float(d[0][0] != d[1][0]), 0.0),
    "step": lambda d, beside: (float(d[0][0] > 0), 0.0),
    "sign": lambda d, beside: (float(d[0][0] > 0) - float(d[0][0] < 0), 0.0),
    "abs": lambda d, beside: (abs(d[0][0]), d[0][1] * (float(d[0][0] > 0) - float(d[0][0] < 0))),
    "relu": lambda d, beside: _first_if(d[0][0] > 0, d[0], (0.0, 0.0)),
    "leaky_relu": lambda d, beside: _first_if(d[0][0] > 0, d[0], (d[0][0] * d[1][0], d[0][1] * d[1][0])),
    "maximum": lambda d, beside: _larger(d[0], d[1], beside),
    "minimum": lambda d, beside: _turned(_larger(_turned(d[0]), _turned(d[1]), beside)),
    "clip": lambda d, beside: _clipped(d[0], d[1][0], d[2][0]),
    "relu6": lambda d, beside: _clipped(d[0], 0.0, 6.0),
    "hard_tanh": lambda d, beside: _clipped(d[0], -1.0, 1.0),
    "where": lambda d, beside: d[1] if d[0][0] else d[2],
}


@cache
def _univariate(name: str) -> tuple[Callable[[float], float], Callable[[float], float]] | None:
    """A smooth function of one operand and its slope, as its record says them in SymPy's functions."""
    here = OPERATORS[name]
    if len(here.operands) != 1 or not here.sympy:
        return None
    x = Symbol("x", real=True)
    value = sympify(here.sympy, locals={"x": x})
    return None if value.has(Abs) else (lambdify(x, value, "math"), lambdify(x, diff(value, x), "math"))


def _agreed(left: float | None, right: float | None) -> float | None:
    """The slope at a corner, from those beside it: 0 beside a flat piece or between mirrored ones, else that of the lower piece."""
    if left is None or right is None:
        return None
    return 0.0 if left == 0 or right == 0 or _close(left, -right) else left


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-13 * max(abs(a), abs(b))


def _merged(borders: Iterable[float]) -> tuple[float, ...]:
    """The borders in order, those that differ by rounding once."""
    found: list[float] = []
    for c in sorted(borders):
        if not found or not _close(found[-1], c):
            found.append(c)
    return tuple(found)


def _middles(borders: Sequence[float]) -> list[float]:
    """A number between each two borders, below the first and above the last."""
    if not borders:
        return [0.0]
    inner = [(a + b) / 2 for a, b in pairwise(borders)]
    return [borders[0] - max(1.0, abs(borders[0])), *inner, borders[-1] + max(1.0, abs(borders[-1]))]


def _place(borders: Sequence[float], number: float) -> int:
    """Between which borders a number lies."""
    return sum(border < number for border in borders)
