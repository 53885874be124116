"""Corners: functions in pieces, in every spelling, with the slope that was agreed where the pieces meet.

In    a node that holds choices: comparisons, where, |x|, max, min, relu, clip
Out   the same function with the agreed slope at each of its corners; None where it has them, or is no continuous function
Idea  between two borders every choice is made, so each piece is a smooth node; where what was typed comes at a border to what
      both pieces come to, either may have the border: a flat piece does, of two that mirror each other none, else the lower one

`where(x >= 0, x, 0)`, `x * (x >= 0)` and `x - min(x, 0)` are relu so, without being named anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from algebra2net.operators import OPERATORS
from algebra2net.stabilize.forms import FUNCTION, PRODUCT, SUM, Forms, OpaqueError
from algebra2net.stabilize.identities import Identity
from algebra2net.stabilize.pieces import DECIDES, InPieces
from algebra2net.stabilize.slopes import agreed
from algebra2net.stabilize.terms import nearly

CORNER = Identity("f(x) where x >= c, else g(x)", "f(x) where x > c, else g(x)", "both come to the same at the border, so the slope there is the one that was agreed")
LARGEST = 48  # nodes of a function that are looked at

CHOICES = frozenset(("lt", "le", "gt", "ge", "eq", "ne", "where", "step", "sign"))
MADE_OF_CHOICES = frozenset(("maximum", "minimum", "abs"))
OPERATORS_WITH_CORNERS = CHOICES | MADE_OF_CHOICES | {"relu", "leaky_relu", "clip", "relu6", "hard_tanh"}


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
                better = _Mended(self.forms, quantity, inside).mended(node)
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
            for decides in [DECIDES[name](forms, args)] if name in DECIDES else args[:1] if name != "where" else ():
                terms, _ = forms.linear(decides)
                if terms and any(uses[term] > 1 for term in (*terms, decides)):
                    first = next(iter(terms.values()))
                    found[forms.sum_of({term: c / first for term, c in terms.items()}, 0.0, None if forms.shapes[decides] is None else forms.broadcast(terms))] = None
        return list(found)[:3]


class _Mended(InPieces):
    """One function in pieces, made anew with the agreed slopes."""

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
        wanted = [agreed(left, right) for left, right in slopes]
        typed = [self.slope(node, c) for c in borders]
        if all(w is not None and t is not None and nearly(w, t) for w, t in zip(wanted, typed, strict=True)):
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
        made = self.call("abs", moved) if nearly(slopes[0], -slopes[1]) else self.call("leaky_relu", moved, forms.number(slopes[0] / slopes[1]))
        return forms.add([(slopes[1], made), (1.0, forms.number(there)), (1.0, rest)])

    def alike(self, borders: list[float], between: list[int]) -> int | None:
        """Of two pieces the larger or the smaller; or one that mirrors the other, as a function of |x|."""
        if len(borders) > 1:
            return None
        forms, (lower, upper) = self.forms, between
        difference = self.sum([(1.0, upper), (-1.0, lower)])
        k, rest, number = self.line(difference)
        if k and rest == forms.number(0.0) and nearly(-number, k * borders[0]):
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
