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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files

import numpy as np
from sympy import Symbol

from algebra2net import names
from algebra2net.faces.boxes import Box, bracketed, flow, heading, raised, sign, stacked, text_box
from algebra2net.faces.cells import Cells, cells, valued
from algebra2net.faces.content import Content, Row, Token
from algebra2net.faces.curves import curve
from algebra2net.faces.icons import CALLED, GLYPHS, drawn_curve, glyph
from algebra2net.faces.looks import Looks, colours, css, spans
from algebra2net.faces.numbers import Numbers
from algebra2net.operators.operator import Operator
from algebra2net.program import SCALAR, Dimension, Shape
from algebra2net.spell import OWN

WIDTH = 372.0  # a picture's width, as a rule; what is longer goes on below
NAME = 14.0  # the size of a name's letters
STYLE = files("algebra2net.faces").joinpath("bricks.css").read_text(encoding="utf-8")


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
        title = "".join(token.text for token in row.tokens)
        return self.framed(self.equation(row, width), title, self.described(row), ident or f"p{self.looks.by_name[row.name].index}", own_style)

    def document(self, width: float = 640.0) -> str:
        """All equations, forward and back, as one SVG file."""
        boxes: list[Box] = []
        for title, rows in (("Forward", self.content.forward), ("Backpropagation", self.content.backprop)):
            if rows:
                boxes.append(heading(title))
                boxes += [self.equation(row, width) for row in rows]
        words = "; ".join(self.content.title)
        described = " ".join(self.described(row) for row in (*self.content.forward, *self.content.backprop))
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + self.framed(stacked(boxes, 14, ""), words, described, "net", True) + "\n"

    def framed(self, box: Box, title: str, described: str, ident: str, own_style: bool) -> str:
        """A box as an `<svg>` element with a title and a description; in a file of its own, with its colours."""
        width, height = math.ceil(box.width + 4), math.ceil(box.up + box.down + 4)
        style = f"<style>{self.style()}</style>" if own_style else ""
        space = ' xmlns="http://www.w3.org/2000/svg"' if own_style else ""
        return (
            f'<svg{space} class="bricks" role="img" aria-labelledby="{ident}-t {ident}-d" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f'<title id="{ident}-t">{escape(title)}</title><desc id="{ident}-d">{escape(described)}</desc>{style}'
            f'<g transform="translate(2 {box.up + 2:.1f})">{box.svg}</g></svg>'
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
        """A name's size in words."""
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
        return flow([self.drawn(item) for item in _met(stack[0].items, self.shape)], width)

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
                items.append(raised(last, token.text))
        elif token.kind == "product":
            items.append(sign("·", "product"))
        elif token.kind == "comma":
            items.append(text_box(token.text, "comma"))
        elif token.kind == "word" and "=" in token.text:
            frame.note = token.text
            if items and isinstance(items[-1], Box) and items[-1].kind == "comma":
                items.pop()
        elif token.kind == "sign":
            items.append(sign("−" if token.text == "-" else token.text))
        elif token.kind != "call":
            items.append(text_box(token.text))

    def closed(self, frame: _Frame, closing: str, width: float) -> Box:
        """A function's frame or a bracket, with all that is in it."""
        inside = flow([self.drawn(item) for item in _met(frame.items, self.shape)], max(width, 120))
        if frame.kind == "call":
            return self.function(frame.title, frame.note, inside)
        return bracketed(inside, frame.kind, closing)

    def drawn(self, item: Box | _Brick) -> Box:
        """A box; a brick becomes one."""
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
        return Box(width, up, down, f'{head}<g transform="translate({(width - inside.width) / 2:.1f} 0)">{inside.svg}</g>', "frame", "number" if GLYPHS["all"] in icon else "")

    def icon(self, title: str, note: str) -> str:
        """22×13 pixels that say what a function does."""
        name = title if title in CALLED else f"{OWN}{title}" if f"{OWN}{title}" in self.functions else title
        name = CALLED.get(title, name)
        found = curve(name, self.functions)
        if found is not None:
            return f'<g transform="translate(7 3)">{drawn_curve(found)}</g>'
        return f'<g transform="translate(7 3)">{GLYPHS[kind]}</g>' if (kind := glyph(name, note)) else ""

    # bricks

    def brick(self, item: _Brick) -> Box:
        """A name as cells, with its name and size below."""
        look = self.looks.by_name[item.name]
        drawing = self.drawing(item)
        raised_signs = f"{'⊤' if item.turned else ''}{item.raised}".replace("^", "")
        label, wide = spans(self.looks.latex(item.name), NAME)
        if raised_signs:
            label += f'<tspan dy="-5" font-size="9" font-style="normal">{escape(raised_signs)}</tspan>'
        rows, columns = self.shape(item.name)
        size, size_words = _size_text(*((columns, rows) if item.turned else (rows, columns)), item)
        width = max(drawing.width, wide + 4 + 6 * len(raised_signs), 5.4 * len(size_words) + 2)
        half, middle = drawing.height / 2, width / 2
        hint = f"{self.content.by_name[item.name].text}{'ᵀ' if item.turned else ''}: {look.role}, {size_words or 'a single number'}"
        svg = (
            f'<g class="b {look.classes}{" e" if look.role == "gradient" else ""}" {_fallback(look.hue)}><title>{escape(hint)}</title>'
            f'<g transform="translate({(width - drawing.width) / 2:.1f} {-half:.1f})">{drawing.svg}</g>'
            f'<text class="n" stroke="none" x="{middle:.1f}" y="{half + 14:.1f}">{label}</text>'
            + (f'<text class="d" stroke="none" x="{middle:.1f}" y="{half + 27:.1f}">{size}</text>' if size else "")
            + "</g>"
        )
        return Box(width, half + 1, half + (31 if size else 20), svg, "brick")

    def drawing(self, item: _Brick) -> Cells:
        """The cells of a name, shaded by value where there is one."""
        look = self.looks.by_name[item.name]
        locked = look.role in ("parameter", "gradient")
        if item.name in self.values:
            return valued(np.asarray(self.values[item.name], dtype=float), locked, item.turned)
        found = cells(*self.shape(item.name), locked, look.mark, look.role in ("gradient", "signal"))
        return found.turned() if item.turned else found


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


def _met(items: Sequence[Box | _Brick], shape: Callable[[Symbol], Shape]) -> Sequence[Box | _Brick]:
    """The items; bricks that a matrix product joins know which of their sizes meet."""

    def is_number(item: Box | _Brick) -> bool:
        return shape(item.name) == SCALAR if isinstance(item, _Brick) else item.kind == "text" or item.text == "number"

    for left, between, right in zip(items, items[1:], items[2:], strict=False):
        if isinstance(between, Box) and between.kind == "product" and not (is_number(left) or is_number(right)):
            if isinstance(left, _Brick):
                left.meets_right = True
            if isinstance(right, _Brick):
                right.meets_left = True
    return items
