"""Equations as pictures: layers are strips of cells, weights blocks, as if laid out in LEGO; SVG.

In    a row of a sheet (tokens), the shapes and looks of its names, their values where there are any
Out   SVG text, the same bytes in every run
Idea  every piece of an equation is a box with an axis; boxes stand beside each other on that axis, a function is a
      frame around its argument, and what gets too wide goes on in the next line

A value's rows lie loose, as one example each (behind the first the others, where nobody knows how many); a weight's
are locked together. A transposed name is drawn turned, its rows upright.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from sympy import Symbol

from algebra2net import names
from algebra2net.faces.content import Content, Row, Token
from algebra2net.faces.curves import POINTS, REACH, curve
from algebra2net.faces.looks import Looks, colours, css, spans
from algebra2net.faces.numbers import FULL, Numbers, short
from algebra2net.operators.operator import Operator
from algebra2net.program import Dimension, Shape
from algebra2net.spell import OWN, UNICODE

CELL, LOOSE, TIGHT, BEHIND = 13.0, 3.0, 0.0, 3.5  # a cell; between loose rows, between locked ones; the step to the row behind
WIDE, HIGH = 31.0, 15.0  # a cell with its number in it
MOST = 8  # cells along a side
WIDTH = 372.0  # a picture's width, as a rule; what is longer goes on below
NAME, SMALL = 14.0, 9.5  # letter sizes
SERIF = "'Latin Modern Math','STIX Two Math','Cambria Math','Libertinus Math',Georgia,'Times New Roman',serif"
SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
DEEPEST = 40  # brackets in brackets that are still drawn

STYLE = (
    f".bricks text{{font-family:{SERIF};font-size:{NAME:g}px;text-anchor:middle;fill:var(--text,#1d2430)}}.bricks .n{{font-style:italic;fill:var(--ink)}}"
    f".bricks .d,.bricks .f,.bricks .v{{font-family:{SANS};font-size:{SMALL:g}px;fill:var(--soft,#5b6472)}}.bricks .f{{text-anchor:start;font-size:10.5px}}.bricks .v{{font-size:8px;fill:var(--text,#1d2430);stroke:none}}"
    ".bricks .d tspan{font-weight:600;fill:var(--text,#1d2430)}.bricks .k{fill:var(--face);stroke:var(--edge);stroke-linejoin:round}"
    ".bricks .u{fill:var(--edge,var(--accent,#5b6472));fill-opacity:.5;stroke:none}.bricks .u.o{fill:none;stroke:var(--edge);stroke-opacity:.75;stroke-width:.9}"
    ".bricks .x{fill:var(--edge);stroke:none}.bricks .e{stroke-dasharray:3 1.8}"
    ".bricks .fr{fill:var(--frame,#7a869a);fill-opacity:.07;stroke:var(--frame,#7a869a);stroke-opacity:.45}.bricks .c{fill:none;stroke:var(--accent,#5b6472);stroke-width:1.4;stroke-linecap:round;stroke-linejoin:round}"
    ".bricks .a{stroke:var(--soft,#5b6472);stroke-opacity:.45;stroke-width:.6}.bricks .p{fill:none;stroke:var(--text,#1d2430);stroke-width:1.2;stroke-linecap:round}.bricks .p.t{stroke:var(--edge);stroke-width:1.8}"
)


@dataclass(frozen=True, slots=True)
class Box:
    """A piece of a picture: how far it goes to the right, above and below its axis, and its SVG with the axis at y = 0."""

    width: float
    up: float
    down: float
    svg: str
    kind: str = ""  # brick, sign, product, text, comma, frame
    text: str = ""  # of a sign


@dataclass(slots=True)
class _Brick:
    """A name in an equation, before it is drawn: turned or not, and which of its sizes meet a neighbour's."""

    name: Symbol
    turned: bool = False
    meets_left: bool = False
    meets_right: bool = False
    raised: str = ""


@dataclass(slots=True)
class _Frame:
    """A function or a bracket that is open."""

    kind: str
    title: str = ""
    note: str = ""
    items: list[Box | _Brick] = field(default_factory=list)


@dataclass(frozen=True)
class Bricks:
    """Draws the rows of one sheet."""

    content: Content
    looks: Looks
    functions: Mapping[str, Operator] = field(default_factory=dict)
    values: Numbers = field(default_factory=dict)

    def picture(self, row: Row, width: float = WIDTH, ident: str = "", own_style: bool = False) -> str:
        """An equation as an `<svg>` element."""
        box = self.equation(row, width)
        return self.framed(box, "".join(token.text for token in row.tokens), self.described(row), ident or f"p{self.looks.by_name[row.name].index}", own_style)

    def document(self, width: float = 640.0) -> str:
        """All equations, forward and back, as one SVG file."""
        boxes: list[Box] = []
        for title, rows in (("Forward", self.content.forward), ("Backpropagation", self.content.backprop)):
            if rows:
                boxes.append(_heading(title))
                boxes += [self.equation(row, width) for row in rows]
        words = "; ".join(self.content.title)
        described = " ".join(self.described(row) for row in (*self.content.forward, *self.content.backprop))
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + self.framed(_stacked(boxes, 14, ""), words, described, "net", True) + "\n"

    def framed(self, box: Box, title: str, described: str, ident: str, own_style: bool) -> str:
        """A box as an `<svg>` element with a title and a description; in a file of its own, with its colours."""
        width, height = math.ceil(box.width + 4), math.ceil(box.up + box.down + 4)
        style = f"<style>{self.style()}</style>" if own_style else ""
        space = ' xmlns="http://www.w3.org/2000/svg"' if own_style else ""
        ground = '<rect class="ground" width="100%" height="100%" fill="none"/>' if own_style else ""
        return (
            f'<svg{space} class="bricks" role="img" aria-labelledby="{ident}-t {ident}-d" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f'<title id="{ident}-t">{escape(title)}</title><desc id="{ident}-d">{escape(described)}</desc>{style}{ground}<g transform="translate(2 {box.up + 2:.1f})">{box.svg}</g></svg>'
        )

    def style(self) -> str:
        """CSS for a file of its own: light, and dark where the reader has it so."""
        hues = {look.hue for look in self.looks.by_name.values()}
        dark = ".bricks{--text:#e6e9ef;--soft:#a3adbb;--frame:#93a1b5;--accent:#b9c3d2}"
        return f"{STYLE}{css(hues)}@media (prefers-color-scheme:dark){{{dark}{css(hues, dark=True)}}}"

    def described(self, row: Row) -> str:
        """An equation in words for who does not see it: every name with its size."""
        words = [f"{token.text} ({self.size(token.name)})" if token.name is not None else token.text for token in row.tokens]
        return "".join(words) + "."

    def size(self, name: Symbol) -> str:
        shape = self.shape(name)
        return "a single number" if shape == (1, 1) else f"{shape[0]} × {shape[1]}"

    def shape(self, name: Symbol) -> Shape:
        """Rows and columns: of the value where there is one."""
        if name in self.values:
            return np.shape(self.values[name])[0], np.shape(self.values[name])[1]
        return self.content.by_name[name].shape

    # from tokens to boxes

    def equation(self, row: Row, width: float) -> Box:
        """The boxes of an equation, in as many lines as it takes."""
        stack = [_Frame("")]
        tokens = [token for token in row.tokens if token.kind != "space"]
        depth = 0
        for place, token in enumerate(tokens):
            before = tokens[place - 1] if place else token
            if token.kind == "open":
                depth += 1
                stack.append(_Frame("call", before.text) if before.kind == "call" else _Frame(token.text))
            elif token.kind == "close" and len(stack) > 1:
                frame = stack.pop()
                stack[-1].items.append(self.closed(frame, token.text, width - 22 * len(stack)))
            else:
                self.take(token, stack[-1])
        return _flow([self.drawn(item) for item in _met(stack[0].items, self.shape)], width)

    def take(self, token: Token, frame: _Frame) -> None:
        """A token that opens and closes nothing."""
        items = frame.items
        if token.kind == "name" and token.name is not None:
            items.append(_Brick(token.name))
        elif token.kind == "suffix":
            last = items.pop()
            if isinstance(last, _Brick):
                last.turned, last.raised = (True, last.raised) if token.text == "ᵀ" and not last.raised else (last.turned, last.raised + token.text)
                items.append(last)
            else:
                items.append(_raised(last, token.text))
        elif token.kind == "product":
            items.append(_sign("·", "product"))
        elif token.kind == "comma":
            items.append(_text(token.text, "comma"))
        elif token.kind == "word" and "=" in token.text:
            frame.note = token.text
            if items and isinstance(items[-1], Box) and items[-1].kind == "comma":
                items.pop()
        elif token.kind == "sign":
            items.append(_sign("−" if token.text == "-" else token.text))
        elif token.kind != "call":
            items.append(_text(token.text))

    def closed(self, frame: _Frame, closing: str, width: float) -> Box:
        """A function's frame or a bracket, with all that is in it."""
        inside = _flow([self.drawn(item) for item in _met(frame.items, self.shape)], max(width, 120))
        if frame.kind == "call":
            return self.function(frame.title, frame.note, inside)
        return _bracketed(inside, frame.kind, closing)

    def drawn(self, item: Box | _Brick) -> Box:
        return item if isinstance(item, Box) else self.brick(item)

    # functions

    def function(self, title: str, note: str, inside: Box) -> Box:
        """A frame around an argument, with the function's name and what it does to a number."""
        icon = self.icon(title, note)
        words = {"axis=0": "down the rows", "axis=1": "along each row"}.get(note, note)
        text = f'<text class="f" x="{34 if icon else 8}" y="12.5">{escape(title)}{f" {escape(words)}" if words else ""}</text>'
        wanted = (34 if icon else 8) + 6.6 * len(title) + (5.9 * len(words) + 6 if words else 0) + 8
        width = max(inside.width + 16, wanted)
        up, down = inside.up + 21, inside.down + 5
        head = f'<g transform="translate(0 {-up:.1f})"><rect class="fr" x=".5" y=".5" width="{width - 1:.1f}" height="{up + down - 1:.1f}" rx="7"/>{icon}{text}</g>'
        return Box(width, up, down, f'{head}<g transform="translate({(width - inside.width) / 2:.1f} 0)">{inside.svg}</g>', "frame")

    def icon(self, title: str, note: str) -> str:
        """22×13 pixels that say what a function does."""
        name = title if title in _CALLED else f"{OWN}{title}" if f"{OWN}{title}" in self.functions else title
        name = _CALLED.get(title, name)
        found = curve(name, self.functions)
        if found is not None:
            return f'<g transform="translate(7 3)">{_curve(found)}</g>'
        return f'<g transform="translate(7 3)">{_GLYPHS[kind]}</g>' if (kind := _kind(name, note)) else ""

    # bricks

    def brick(self, item: _Brick) -> Box:
        """A name as cells, with its name and size below."""
        rows, columns = self.shape(item.name)
        look = self.looks.by_name[item.name]
        value = np.asarray(self.values[item.name], dtype=float) if item.name in self.values else None
        cells = (
            _cells(rows, columns, look.role in ("parameter", "gradient"), look.mark, look.role in ("gradient", "signal")) if value is None else _valued(value, look.role in ("parameter", "gradient"), item.turned)
        )
        if item.turned and value is None:
            cells = cells.turned()
        label, wide = spans(self.looks.latex(item.name), NAME)
        top = f"{'⊤' if item.turned else ''}{item.raised}"
        if top:
            label += f'<tspan dy="-5" font-size="9" font-style="normal">{escape(top.replace("^", ""))}</tspan>'
            wide += 6 * len(top)
        size = _size_text(*((columns, rows) if item.turned else (rows, columns)), item)
        width = max(cells.width, wide + 4, 5.4 * len(size[1]) + 2)
        half = cells.height / 2
        below = half + 15
        dims = f'<text class="d" x="{width / 2:.1f}" y="{below + 12:.1f}">{size[0]}</text>' if size[0] else ""
        classes = f"b {look.classes}{' e' if look.role == 'gradient' else ''}"
        hint = f"<title>{escape(self.content.by_name[item.name].text + ('ᵀ' if item.turned else ''))}: {escape(look.role)}, {escape(size[1] or 'a single number')}</title>"
        svg = (
            f'<g class="{classes}" {_fallback(look.hue)}>{hint}<g transform="translate({(width - cells.width) / 2:.1f} {-half:.1f})">{cells.svg}</g>'
            f'<text class="n" stroke="none" x="{width / 2:.1f}" y="{below - 1:.1f}">{label}</text>{dims.replace("<text", chr(60) + "text stroke=" + chr(34) + "none" + chr(34))}</g>'
        )
        return Box(width, half + 1, below + (16 if dims else 5), svg, "brick")


def _fallback(hue: int) -> str:
    """Colours for who knows no style sheets."""
    light = colours(hue)
    return f'fill="{light["face"]}" stroke="{light["edge"]}"'


def _size_text(rows: Dimension, columns: Dimension, item: _Brick) -> tuple[str, str]:
    """`3 × 4` as SVG (sizes that a product sums over are light, those that stay are bold) and as text; nothing for a scalar."""
    if (rows, columns) == (1, 1):
        return "", ""
    first, second = (names.unicode(size) if isinstance(size, str) else str(size) for size in (rows, columns))
    left = escape(first) if item.meets_left else f"<tspan>{escape(first)}</tspan>"
    right = escape(second) if item.meets_right else f"<tspan>{escape(second)}</tspan>"
    return f"{left} × {right}", f"{first} × {second}"


def _met(items: Sequence[Box | _Brick], shape: Any) -> Sequence[Box | _Brick]:
    """The items; bricks that a matrix product joins know which of their sizes meet."""
    for left, sign, right in zip(items, items[1:], items[2:], strict=False):
        if isinstance(sign, Box) and sign.kind == "product":
            scalar = any(isinstance(item, _Brick) and shape(item.name) == (1, 1) for item in (left, right))
            if isinstance(left, _Brick) and not scalar:
                left.meets_right = True
            if isinstance(right, _Brick) and not scalar and not (isinstance(left, Box) and left.kind == "text"):
                right.meets_left = True
    return items


# ------------------------------------------------------------------------------------------------------------ cells


@dataclass(frozen=True, slots=True)
class _Cells:
    """A drawing of cells, its corner at the top left."""

    width: float
    height: float
    svg: str

    def turned(self) -> _Cells:
        """Rows upright, from left to right."""
        return _Cells(self.height, self.width, f'<g transform="matrix(0 1 1 0 0 0)">{self.svg}</g>')


def _cells(rows: Dimension, columns: Dimension, locked: bool, mark: str, hollow: bool) -> _Cells:
    """Rows of cells: locked together, or loose; further rows of unknown number stand behind the first."""
    across, down = _places(columns), _places(rows)
    stacked = isinstance(rows, str) and not locked
    if stacked:
        down = [0]
    gap = TIGHT if locked else LOOSE
    xs, width = _positions(across, CELL, 0)
    ys, height = _positions(down, CELL, gap)
    behind = 2 * BEHIND if stacked else 0
    parts = []
    for step in (2, 1) if stacked else ():
        parts.append(f'<path class="k" fill-opacity="{0.35 if step == 2 else 0.65}" d="M{_n(step * BEHIND)} {_n(behind - step * BEHIND)}h{_n(width)}v{_n(CELL)}h{_n(-width)}z"/>')
    bricks = "".join(f"M{_n(x)} {_n(y + behind)}h{_n(w)}v{_n(CELL)}h{_n(-w)}z" for y in ys for x, w in _spans(xs, across))
    studs = "".join(_stud(mark, x + CELL / 2, y + behind + CELL / 2) for y in ys for x in xs)
    parts.append(f'<path class="k" d="{bricks}"/><path class="u{" o" if hollow else ""}" d="{studs}"/>')
    parts.append(_dots(across, xs, [y + behind + CELL / 2 for y in ys], down, ys, width))
    return _Cells(width + behind, height + behind, "".join(parts))


def _valued(value: Any, locked: bool, turned: bool) -> _Cells:
    """Cells shaded by what is in them; few cells have room for their numbers. Rows that lie loose stand loose when turned."""
    value = value.T if turned else value
    across, down = _places(value.shape[1]), _places(value.shape[0])
    written = max(value.shape) <= FULL
    wide, high = (WIDE, HIGH) if written else (CELL, CELL)
    gap = TIGHT if locked else LOOSE
    xs, width = _positions(across, wide, gap if turned else TIGHT)
    ys, height = _positions(down, high, TIGHT if turned else gap)
    finite = np.abs(value[np.isfinite(value)]) if value.size else np.zeros(1)
    top = float(finite.max(initial=0)) or 1.0
    parts = []
    for y, r in zip(ys, (k for k in down if k is not None), strict=True):
        for x, c in zip(xs, (k for k in across if k is not None), strict=True):
            entry = float(value[r, c])
            depth = min(1.0, abs(entry) / top) if math.isfinite(entry) else 0.0
            tip = "" if written else f"<title>[{r % value.shape[0]}, {c % value.shape[1]}] {entry:.4g}</title>"
            parts.append(f'<path class="k" d="M{_n(x)} {_n(y)}h{_n(wide)}v{_n(high)}h{_n(-wide)}z">{tip}</path>')
            parts.append(f'<path class="x" fill-opacity="{_n(round(0.62 * depth, 2))}" d="M{_n(x)} {_n(y)}h{_n(wide)}v{_n(high)}h{_n(-wide)}z"/>')
            if written:
                parts.append(f'<text class="v" x="{_n(x + wide / 2)}" y="{_n(y + high / 2 + 3)}">{short(entry)}</text>')
            elif entry < 0:
                parts.append(f'<path class="u o" d="M{_n(x + 3)} {_n(y + high / 2)}h{_n(wide - 6)}"/>')
    parts.append(_dots(across, xs, [y + high / 2 for y in ys], down, ys, width))
    return _Cells(width, height, "".join(parts))


def _places(size: Dimension) -> list[int | None]:
    """Which cells are drawn along a side; None is where the rest is left out."""
    if isinstance(size, str):
        return [0, 1, None, -1]
    return list(range(size)) if size <= MOST else [0, 1, 2, None, -2, -1]


def _positions(places: Sequence[int | None], cell: float, gap: float) -> tuple[list[float], float]:
    """Where the cells begin, and how long all of it is."""
    found, at = [], 0.0
    for place in places:
        if place is not None:
            found.append(at)
        at += (cell if place is not None else CELL) + gap
    return found, max(at - gap, CELL if not places else 0)


def _spans(xs: Sequence[float], places: Sequence[int | None]) -> Iterator[tuple[float, float]]:
    """The stretches of cells without a gap: where they begin, and their lengths."""
    if None not in places:
        if xs:
            yield xs[0], CELL * len(xs)
        return
    cut = places.index(None)
    yield xs[0], CELL * cut
    yield xs[cut], CELL * (len(xs) - cut)


def _dots(across: Sequence[int | None], xs: Sequence[float], middles: Sequence[float], down: Sequence[int | None], ys: Sequence[float], width: float) -> str:
    """`⋯` and `⋮` where cells are left out."""
    out = ""
    if None in across:
        x = xs[across.index(None)] - CELL / 2
        out += "".join(f"M{_n(x + step)} {_n(y)}h.01" for y in middles for step in (-3.6, 0, 3.6))
    if None in down:
        y = ys[down.index(None)] - CELL / 2 - (ys[1] - ys[0] - CELL if len(ys) > 1 and ys[1] - ys[0] < CELL + LOOSE + 1 else 0) / 2
        out += "".join(f"M{_n(width / 2)} {_n(y + step)}h.01" for step in (-3.6, 0, 3.6))
    return f'<path class="p t" d="{out}"/>' if out else ""


def _stud(mark: str, x: float, y: float) -> str:
    """The mark on a cell."""
    r = 2.4
    match mark:
        case "square":
            return f"M{_n(x - 2.1)} {_n(y - 2.1)}h4.2v4.2h-4.2z"
        case "diamond":
            return f"M{_n(x)} {_n(y - 3)}l3 3l-3 3l-3 -3z"
        case "cross":
            return f"M{_n(x - 2.8)} {_n(y - 0.9)}h1.9v-1.9h1.8v1.9h1.9v1.8h-1.9v1.9h-1.8v-1.9h-1.9z"
        case "triangle":
            return f"M{_n(x)} {_n(y - 2.7)}l2.9 5h-5.8z"
        case "bar":
            return f"M{_n(x - 3)} {_n(y - 1.1)}h6v2.2h-6z"
        case "ring":
            return f"M{_n(x - 2.6)} {_n(y)}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0zM{_n(x - 1.2)} {_n(y)}a1.2 1.2 0 1 1 2.4 0a1.2 1.2 0 1 1 -2.4 0z"
    return f"M{_n(x - r)} {_n(y)}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"


def _n(value: float) -> str:
    """A coordinate without needless digits."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


# ------------------------------------------------------------------------------------------------------------ boxes

_GAPS = {"sign": 5.0, "product": 3.0, "comma": 1.0}
_BEFORE_BREAK = ("sign", "product")


def _sign(text: str, kind: str = "sign") -> Box:
    width = 6.0 if kind == "product" else 8.5 * max(1, len(text))
    return Box(width, 9, 9, f'<text class="o" x="{width / 2:.1f}" y="{5.2 if kind != "product" else 6.5}">{escape(text)}</text>', kind, text)


def _text(text: str, kind: str = "text") -> Box:
    width = 7.6 * len(text) if kind == "text" else 5.0
    return Box(width, 9, 9, f'<text x="{width / 2:.1f}" y="5">{escape(text)}</text>', kind)


def _raised(box: Box, text: str) -> Box:
    """A box to a power, or turned."""
    shown = text.lstrip("^").replace("ᵀ", "⊤").replace("-", "−")
    small = f'<text x="{box.width + 1:.1f}" y="{-box.up + 6:.1f}" font-size="11" style="text-anchor:start">{escape(shown)}</text>'
    return Box(box.width + 3 + 6.5 * len(shown), box.up + 3, box.down, box.svg + small, box.kind)


def _bracketed(inside: Box, opening: str, closing: str) -> Box:
    """A box between two brackets that are as high as it is."""
    up, down = inside.up + 2, inside.down + 1
    edge = 8.0
    right = inside.width + edge

    def side(x: float, out: float, sign: str) -> str:
        if sign[0] in "([":
            bow = f"Q{_n(x - out * 0.2)} {_n((down - up) / 2)} {_n(x + out)} {_n(down)}" if sign == "(" else f"H{_n(x)}V{_n(down)}H{_n(x + out)}"
            return f"M{_n(x + out)} {_n(-up)}{bow}"
        bars = (x, x + 3) if sign.startswith("‖") else (x,)
        return "".join(f"M{_n(bar)} {_n(-up)}V{_n(down)}" for bar in bars)

    mirrored = {")": "(", "]": "["}
    svg = f'<path class="p" d="{side(1.5, 4, opening)}"/><g transform="translate({edge:.1f} 0)">{inside.svg}</g>'
    svg += f'<g transform="translate({right + edge - 1:.1f} 0) scale(-1 1)"><path class="p" d="{side(1.5, 4, mirrored.get(closing[0], closing))}"/></g>'
    box = Box(right + edge, up, down, svg, "frame")
    return _raised(box, closing[1:].lstrip("_")) if len(closing) > 1 and closing.startswith("‖") else box


def _flow(items: Sequence[Box], limit: float) -> Box:
    """Boxes beside each other on one axis; where they get wider than the limit, the line ends before the sign that binds most loosely."""
    lines: list[list[Box]] = [[]]
    for item in items:
        lines[-1].append(item)
        while (place := _break(lines[-1], limit)) is not None:
            lines[-1:] = [lines[-1][:place], lines[-1][place:]]
    rows = [_beside(line) for line in lines]
    return rows[0] if len(rows) == 1 else _stacked(rows, 8, "", indent=18.0)


_LOOSENESS = {"+": 0, "−": 0, "∘": 1, "/": 2, "·": 3}


def _break(line: Sequence[Box], limit: float) -> int | None:
    """Where a line that is too wide is best cut in two; None where it fits or cannot be cut."""
    at, found = 0.0, []
    for place, item in enumerate(line):
        if place > 1 and (item.kind in _BEFORE_BREAK or line[place - 1].kind == "comma") and place + 1 < len(line):
            found.append((_LOOSENESS.get(item.text, 4) if item.kind in _BEFORE_BREAK else 0, place, at))
        at += item.width + (_gap(line[place - 1], item) if place else 0.0)
    if at <= limit:
        return None
    late = [cut for cut in found if cut[2] > 0.4 * limit] or found
    return min(late, key=lambda cut: (cut[0], -cut[1]))[1] if late else None


def _gap(left: Box, right: Box) -> float:
    return max(_GAPS.get(left.kind, 2.0), _GAPS.get(right.kind, 2.0))


def _beside(items: Sequence[Box]) -> Box:
    """Boxes in one line."""
    at, out = 0.0, []
    for place, item in enumerate(items):
        at += _gap(items[place - 1], item) if place else 0.0
        out.append(f'<g transform="translate({at:.1f} 0)">{item.svg}</g>' if at else item.svg)
        at += item.width
    return Box(at, max((item.up for item in items), default=8), max((item.down for item in items), default=8), "".join(out), "line")


def _stacked(rows: Sequence[Box], gap: float, kind: str, indent: float = 0.0) -> Box:
    """Boxes below each other; the axis is in the middle of it all."""
    height = sum(row.up + row.down for row in rows) + gap * (len(rows) - 1)
    at, out = -height / 2, []
    for place, row in enumerate(rows):
        x = indent if place else 0.0
        out.append(f'<g transform="translate({x:.1f} {at + row.up:.1f})">{row.svg}</g>')
        at += row.up + row.down + gap
    return Box(max(row.width + (indent if place else 0) for place, row in enumerate(rows)), height / 2, height / 2, "".join(out), kind)


def _heading(title: str) -> Box:
    return Box(8.0 * len(title), 12, 6, f'<text class="f" x="0" y="4" style="font-size:13px;font-weight:600">{escape(title)}</text>')


# ------------------------------------------------------------------------------------------------------------ icons

_CALLED = {"σ": "sigmoid", "σ'": "sigmoid'"} | {UNICODE.call(word): word for word in ("log", "exp", "sqrt")}
_WIDE, _TALL = 22.0, 13.0


def _curve(values: Sequence[float]) -> str:
    """A function between -3 and 3 with its axes; steep ones leave at the top."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return ""
    low, high = max(min(finite), -REACH), min(max(finite), REACH)
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9:
        low, high = -1.0, 1.0

    def y(v: float) -> float:
        return _TALL - 1 - (min(max(v, low), high) - low) / (high - low) * (_TALL - 2)

    points, pen = [], "M"
    for place, v in enumerate(values):
        inside = math.isfinite(v) and low - 1e-9 <= v <= high + 1e-9
        if inside:
            points.append(f"{pen}{_n(place * _WIDE / (POINTS - 1))} {_n(round(y(v), 1))}")
        pen = "L" if inside else "M"
    axes = f"M0 {_n(round(y(0), 1))}H{_n(_WIDE)}M{_n(_WIDE / 2)} 0V{_n(_TALL)}"
    return f'<path class="a" d="{axes}"/><path class="c" d="{"".join(points)}"/>'


_GRID = "".join(f"M{x} {y}h3.4v3.4h-3.4z" for x in (0, 4.4, 8.8) for y in (0, 4.4, 8.8))
_GLYPHS = {
    "all": f'<path class="u" d="{_GRID}" transform="scale(.95)"/><path class="c" d="M13.5 6.5h4m-1.6 -1.6l1.6 1.6l-1.6 1.6"/><path class="u" d="M19 4.8h3.4v3.4h-3.4z"/>',
    "rows": '<path class="u" d="M0 1h10v3h-10zM0 5h10v3h-10zM0 9h10v3h-10z"/><path class="c" d="M12 6.5h4m-1.6 -1.6l1.6 1.6l-1.6 1.6"/><path class="u" d="M18.5 1h3v3h-3zM18.5 5h3v3h-3zM18.5 9h3v3h-3z"/>',
    "columns": '<path class="u" d="M0 0h3v6.5h-3zM4 0h3v6.5h-3zM8 0h3v6.5h-3z"/><path class="c" d="M14.5 2v7m-2 -2l2 2l2 -2"/><path class="u" d="M0 9.5h3v3h-3zM4 9.5h3v3h-3zM8 9.5h3v3h-3z"/>',
    "spread": '<path class="u" d="M2 8h3.5v4h-3.5zM7 3h3.5v9h-3.5zM12 9.5h3.5v2.500h-3.5zM17 6.5h3.5v5.5h-3.5z"/><path class="a" d="M0 12.500h22"/>',
}


def _kind(name: str, note: str) -> str:
    """Which glyph a function that is no curve has."""
    from algebra2net.operators import OPERATORS

    here = OPERATORS.get(name)
    if here is None:
        return ""
    if here.family == "rows":
        return "spread"
    if here.gives_scalar or here.family == "losses" or (here.family == "reductions" and name != "expand"):
        return {"axis=0": "columns", "axis=1": "rows"}.get(note, "all")
    return ""
