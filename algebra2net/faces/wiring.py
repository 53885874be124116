"""How a network hangs together: its values from top to bottom, lines for what goes where.

In    the rows of a sheet
Out   SVG
Idea  what a value takes from the one above it is a straight line, what it takes from further up goes round on the left,
      each in a lane of its own, in the colour of where it comes from; so reuse and residual links are seen at a glance

A long run of values that each take the one above alone is shown by its ends.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

from sympy import Symbol

from algebra2net.faces.boxes import pixels
from algebra2net.faces.content import Content, Row
from algebra2net.faces.looks import Looks, colours, spans
from algebra2net.program import SCALAR

STEP, HIGH, LANE, LETTERS = 36.0, 23.0, 11.0, 14.0
RUN = 5  # values alike in a row that are all shown
TAGS = 5  # inputs beside a value


@dataclass(frozen=True, slots=True)
class Stop:
    """A value on its line of the map: what it takes from others on the map, and what beside it."""

    name: Symbol
    above: tuple[Symbol, ...]
    beside: tuple[Symbol, ...]
    functions: tuple[str, ...]


@dataclass(frozen=True)
class Wiring:
    """The map of the forward pass of a sheet."""

    content: Content
    looks: Looks

    def svg(self, ident: str = "map") -> str:
        """The map as an `<svg>` element; nothing where there is one value alone."""
        if len(self.shown) < 2:
            return ""
        parts = [*self.straight(), *self.around(), *self.stops()]
        width = math.ceil(max(self.reach(stop) for stop in self.shown if stop is not None) + 6)
        height = math.ceil(STEP * len(self.shown))
        return (
            f'<svg class="bricks wiring" role="img" aria-labelledby="{ident}-t {ident}-d" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f'<title id="{ident}-t">What goes where</title><desc id="{ident}-d">{escape(self.described())}</desc>{"".join(parts)}</svg>'
        )

    def described(self) -> str:
        """The map in words."""
        word = {entry.name: entry.text for entry in self.content.entries}
        taken = ((stop, [*stop.above, *stop.beside]) for stop in self.all if stop.above or stop.beside)
        return "; ".join(f"{word[stop.name]} takes {', '.join(word[name] for name in names)}" for stop, names in taken) + "."

    # what stands where

    @cached_property
    def all(self) -> list[Stop]:
        """Every value; before them the inputs that the first takes, and those that several take."""
        used = [_operands(row) for row in self.content.forward]
        times = Counter(name for names in used for name in set(names))
        inputs = [entry.name for entry in self.content.entries if entry.role == "data" and entry.shape != SCALAR and entry.name in times]
        first = used[0] if used else []
        lines = [name for name in inputs if times[name] > 1 or name in first] or list(first[:1])
        mapped = {*lines, *(row.name for row in self.content.forward)}
        stops = [Stop(name, (), (), ()) for name in lines]
        for row, names in zip(self.content.forward, used, strict=True):
            stops.append(Stop(row.name, tuple(n for n in names if n in mapped), tuple(n for n in names if n not in mapped), _functions(row)))
        return stops

    @cached_property
    def shown(self) -> list[Stop | None]:
        """The stops, long runs of them by their ends; None stands for what is left out."""
        times = Counter(name for stop in self.all for name in stop.above)
        pairs = zip(self.all, self.all[1:], strict=False)
        plain = [False, *(stop.above == (before.name,) and times[before.name] == 1 for before, stop in pairs)]
        found: list[Stop | None] = []
        k = 0
        while k < len(self.all):
            end = k
            while end < len(self.all) and plain[end] and self.all[end].functions == self.all[k].functions:
                end += 1
            if end - k > RUN:
                found += [*self.all[k : k + 2], None, self.all[end - 1]]
                k = end
            else:
                found.append(self.all[k])
                k += 1
        return found

    @cached_property
    def lines(self) -> dict[Symbol, int]:
        """On which line each value stands."""
        return {stop.name: k for k, stop in enumerate(self.shown) if stop is not None}

    @cached_property
    def lanes(self) -> dict[Symbol, int]:
        """The lane of each value that skips a line: short ways inside, none on top of another."""
        ends = {name: max(self.lines[to] for to in targets) for name, targets in self.skips.items()}
        found: dict[Symbol, int] = {}
        taken: list[list[tuple[int, int]]] = []
        for name, end in sorted(ends.items(), key=lambda way: (way[1] - self.lines[way[0]], self.lines[way[0]])):
            start = self.lines[name]
            lane = next((k for k, ways in enumerate(taken) if all(end <= a or b <= start for a, b in ways)), len(taken))
            taken += [[]] if lane == len(taken) else []
            taken[lane].append((start, end))
            found[name] = lane
        return found

    @cached_property
    def skips(self) -> dict[Symbol, list[Symbol]]:
        """Who goes round to whom: what a value takes from further up than the line above."""
        found: dict[Symbol, list[Symbol]] = {}
        for stop in self.shown:
            for name in stop.above if stop is not None else ():
                if stop is not None and name in self.lines and self.lines[stop.name] - self.lines[name] > 1:
                    found.setdefault(name, []).append(stop.name)
        return found

    @cached_property
    def left(self) -> float:
        """Where the values begin."""
        return 4 + LANE * (1 + max(self.lanes.values(), default=-1)) + (7 if self.lanes else 0)

    def middle(self, name: Symbol) -> float:
        """The height of a value's line."""
        return STEP * self.lines[name] + STEP / 2

    # drawing

    def straight(self) -> Iterator[str]:
        """From each value to the next."""
        x = self.left + 13
        for k, stop in enumerate(self.shown):
            top, bottom = STEP * k + STEP / 2 - HIGH / 2, STEP * (k - 1) + STEP / 2 + HIGH / 2
            if stop is None:
                left_out = len(self.all) - sum(other is not None for other in self.shown)
                dots = "".join(f"M{pixels(x)} {pixels(bottom + step)}v.01" for step in (13, 20, 27))
                yield f'<path class="p" stroke-width="2" d="{dots}"/>'
                if self.shown.count(None) == 1:
                    yield f'<text class="f" x="{pixels(x + 16)}" y="{pixels(STEP * k + STEP / 2 + 4)}">{left_out} more alike</text>'
            elif k and (before := self.shown[k - 1]) is not None and before.name in stop.above:
                yield f'<path {self.edge(before)} d="M{pixels(x)} {pixels(bottom)}V{pixels(top - 1.5)}m-3.2 -4l3.2 4l3.2 -4"/>'

    def around(self) -> Iterator[str]:
        """What skips a line goes round on the left, one way for all who take it."""
        entering: Counter[Symbol] = Counter()
        hues = {name: self.looks.by_name[name].hue for name in self.skips}
        for name in sorted(self.skips, key=lambda source: -self.lanes[source]):
            x, turn = self.left - 7 - LANE * self.lanes[name], 5.0
            ways = f"M{pixels(self.left)} {pixels(self.middle(name) + 3)}H{pixels(x + turn)}q{-turn:g} 0 {-turn:g} {turn:g}"
            for to in self.skips[name]:
                y = self.middle(to) - 5 + 4 * entering[to]
                entering[to] += 1
                ways += f"V{pixels(y - turn)}q0 {turn:g} {turn:g} {turn:g}H{pixels(self.left - 1.5)}m-4 -3.2l4 3.2l-4 3.2M{pixels(x)} {pixels(y - turn)}"
            yield f'<path class="w h{hues[name]}" stroke="{colours(hues[name])["edge"]}" d="{ways}"/>'

    def stops(self) -> Iterator[str]:
        """Each value with what it takes from beside."""
        for stop in self.shown:
            if stop is None:
                continue
            y = self.middle(stop.name)
            yield self.pill(stop.name, self.left, y, HIGH / 2)
            at = self.left + self.width(stop.name) + 10
            if stop.functions:
                yield f'<text class="f" x="{pixels(at)}" y="{pixels(y + 3.8)}">{escape(", ".join(stop.functions))}</text>'
                at += _letters(stop.functions) + 10
            for name in stop.beside[:TAGS]:
                yield self.pill(name, at, y, 3)
                at += self.width(name) + 6
            if len(stop.beside) > TAGS:
                yield f'<text class="f" x="{pixels(at)}" y="{pixels(y + 3.8)}">and {len(stop.beside) - TAGS} more</text>'

    def pill(self, name: Symbol, x: float, y: float, radius: float) -> str:
        """A name in a box: round for a value, square for what stands beside one."""
        look, width = self.looks.by_name[name], self.width(name)
        letters, _ = spans(self.looks.latex(name), LETTERS)
        return (
            f'<g class="b {look.classes}" {_light(look.hue)}>'
            f'<rect class="k" x="{pixels(x)}" y="{pixels(y - HIGH / 2)}" width="{pixels(width)}" height="{HIGH:g}" rx="{radius:g}"/>'
            f'<text class="n" stroke="none" x="{pixels(x + width / 2)}" y="{pixels(y + 4.2)}">{letters}</text></g>'
        )

    def edge(self, stop: Stop) -> str:
        """The class and colour of a line that comes from there."""
        hue = self.looks.by_name[stop.name].hue
        return f'class="w h{hue}" stroke="{colours(hue)["edge"]}"'

    def width(self, name: Symbol) -> float:
        """How wide a name's box is."""
        return max(27.0, spans(self.looks.latex(name), LETTERS)[1] + 14)

    def reach(self, stop: Stop) -> float:
        """How far to the right a line goes."""
        tags = sum(self.width(name) + 6 for name in stop.beside[:TAGS]) + (60 if len(stop.beside) > TAGS else 0)
        return self.left + self.width(stop.name) + 10 + (_letters(stop.functions) + 10 if stop.functions else 0) + tags


def _operands(row: Row) -> Sequence[Symbol]:
    """The names on an equation's right side, each once."""
    return list(dict.fromkeys(token.name for token in row.tokens[1:] if token.name is not None))


def _functions(row: Row) -> tuple[str, ...]:
    """The functions of an equation, each once."""
    return tuple(dict.fromkeys(token.text for token in row.tokens if token.kind == "call"))[:3]


def _letters(words: Sequence[str]) -> float:
    return 6.2 * sum(map(len, words)) + 8.0 * (len(words) - 1)


def _light(hue: int) -> str:
    light = colours(hue)
    return f'fill="{light["face"]}" stroke="{light["edge"]}"'
