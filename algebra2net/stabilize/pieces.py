"""A node between the borders of its pieces, and at them.

In    a node with choices, and the quantity that they rest on
Out   the borders; between each two of them a node in which every choice is made; one at each border, as it was typed
Idea  an operator on parts in pieces is one in pieces: it is made anew between all their borders
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from algebra2net.operators import OPERATORS
from algebra2net.stabilize.forms import FUNCTION, NUMBER, PRODUCT, SUM, Forms, OpaqueError
from algebra2net.stabilize.slopes import Slopes
from algebra2net.stabilize.terms import nearly, total

BORDERS = 6

# What makes each choice: the difference whose sign decides, and what is chosen for that sign, 0 at the border.
_Choose = Callable[["InPieces", Sequence[int], int], int]
DECIDES: Mapping[str, Callable[[Forms, Sequence[int]], int]] = {
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
class Pieces:
    """A function of one quantity: its borders, a node between each two of them, and one at each."""

    borders: tuple[float, ...]
    between: tuple[int, ...]
    at: tuple[int, ...]


class InPieces(Slopes):
    """Nodes as functions of one quantity, in pieces. `inside` is what may be looked into."""

    def __init__(self, forms: Forms, quantity: int, inside: frozenset[int]) -> None:
        super().__init__(forms, quantity)
        self.inside = inside
        self.known: dict[int, Pieces] = {}

    def pieces(self, node: int) -> Pieces:
        """A node between its borders and at them."""
        if node not in self.known:
            self.known[node] = self.of_parts(node)
        return self.known[node]

    def of_parts(self, node: int) -> Pieces:
        """The pieces of a node, from those of its parts."""
        forms = self.forms
        kind, data = forms.kinds[node], forms.data[node]
        if node not in self.inside or node == self.quantity or kind not in (SUM, PRODUCT, FUNCTION):
            return Pieces((), (node,), ())
        if kind == SUM:
            parts, number = [part for part, _ in data[0]], forms.number(data[1])
            return self.joined(parts, lambda new: self.sum([*((c, piece) for piece, (_, c) in zip(new, data[0], strict=True)), (1.0, number)]))
        if kind == PRODUCT:
            return self.joined([part for part, _ in data], lambda new: self.product([(piece, e) for piece, (_, e) in zip(new, data, strict=True)]))
        name, args, options = data
        if not OPERATORS[name].elementwise:
            return Pieces((), (node,), ())
        if name in ("clip", "relu6", "hard_tanh"):
            return self.pieces_of_clip(args, {"relu6": (0.0, 6.0), "hard_tanh": (-1.0, 1.0)}.get(name))
        if name == "where":
            return self.joined(args, self.branch)
        if name in DECIDES:
            return self.decided(name, args)
        return self.joined(args, lambda new: self.function(name, new, options) if tuple(new) != args else node)

    def pieces_of_clip(self, args: tuple[int, ...], bounds: tuple[float, float] | None) -> Pieces:
        """clip is a minimum of a maximum."""
        forms = self.forms
        x, lo, hi = (args[0], *map(forms.number, bounds)) if bounds else args
        inner = self.call("maximum", x, lo)
        outer = self.call("minimum", inner, hi)
        self.inside |= {inner, outer}
        return self.pieces(outer)

    def joined(self, parts: Sequence[int], make: Callable[[Sequence[int]], int]) -> Pieces:
        """An operator on parts in pieces."""
        given = [self.pieces(part) for part in parts]
        borders = _merged(c for one in given for c in one.borders)
        if len(borders) > BORDERS:
            raise OpaqueError
        between = [make([one.between[_place(one.borders, middle)] for one in given]) for middle in _middles(borders)]
        at = [make([self.value_at(one, c) for one in given]) for c in borders]
        return Pieces(borders, tuple(between), tuple(at))

    def value_at(self, one: Pieces, c: float) -> int:
        """The node where the quantity is c, a border or not."""
        for k, border in enumerate(one.borders):
            if nearly(border, c):
                return one.at[k]
        return self.put(one.between[_place(one.borders, c)], c)

    def branch(self, args: Sequence[int]) -> int:
        """The branch that is taken, where the condition is a number."""
        condition, a, b = args
        if self.forms.kinds[condition] != NUMBER:
            return self.call("where", *args)
        return a if self.forms.data[condition] else b

    def decided(self, name: str, args: tuple[int, ...]) -> Pieces:
        """A choice by the sign of a straight line, with a border where that is 0."""
        forms = self.forms
        whole = self.joined(args, lambda new: DECIDES[name](forms, new))
        borders = list(whole.borders)
        for piece, middle in zip(whole.between, _middles(whole.borders), strict=True):
            k, rest, number = self.line(piece)
            if k and rest == forms.number(0.0) and _place(whole.borders, -number / k) == _place(whole.borders, middle):
                borders.append(-number / k)
        marks = Pieces(_merged(borders), (), ())
        if len(marks.borders) > BORDERS:
            raise OpaqueError
        given = [self.pieces(arg) for arg in args]

        def made(c: float, *, border: bool) -> int:
            now = [self.value_at(one, c) if border else one.between[_place(one.borders, c)] for one in given]
            k, rest, number = self.line(DECIDES[name](forms, now))
            if rest != forms.number(0.0):
                return forms.function(name, now, (), forms.broadcast(now))
            sign = k * c + number
            return _CHOSEN[name](self, now, 0 if abs(sign) <= 1e-14 * max(abs(number), 1e-290) else 1 if sign > 0 else -1)

        return Pieces(marks.borders, tuple(made(c, border=False) for c in _middles(marks.borders)), tuple(made(c, border=True) for c in marks.borders))


def _merged(borders: Iterable[float]) -> tuple[float, ...]:
    """The borders in order, those that differ by rounding once."""
    found: list[float] = []
    for c in sorted(borders):
        if not found or not nearly(found[-1], c):
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
