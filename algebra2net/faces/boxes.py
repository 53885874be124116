"""The pieces of a picture, and how they stand beside each other.

In    SVG of pieces
Out   a Box: a piece that knows how far it goes from its axis in every direction
Idea  boxes are set on one axis as letters are on a line; what gets too wide goes on in the next line
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Box:
    """A piece of a picture: how far it goes to the right, above and below its axis, and its SVG with the axis at y = 0."""

    width: float
    up: float
    down: float
    svg: str
    kind: str = ""  # brick, sign, product, text, comma, frame
    text: str = ""  # of a sign


def pixels(value: float) -> str:
    """A coordinate without needless digits."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


_GAPS = {"sign": 5.0, "product": 3.0, "comma": 1.0}
_BEFORE_BREAK = ("sign", "product")


def sign(text: str, kind: str = "sign") -> Box:
    """An operator between two pieces."""
    width = 6.0 if kind == "product" else 8.5 * max(1, len(text))
    return Box(width, 9, 9, f'<text class="o" x="{width / 2:.1f}" y="{5.2 if kind != "product" else 6.5}">{escape(text)}</text>', kind, text)


def text_box(text: str, kind: str = "text") -> Box:
    """A number or a word."""
    width = 7.6 * len(text) if kind == "text" else 5.0
    return Box(width, 9, 9, f'<text x="{width / 2:.1f}" y="5">{escape(text)}</text>', kind)


def raised(box: Box, text: str) -> Box:
    """A box to a power, or turned."""
    shown = text.lstrip("^").replace("ᵀ", "⊤").replace("-", "−")
    small = f'<text x="{box.width + 1:.1f}" y="{-box.up + 6:.1f}" font-size="11" style="text-anchor:start">{escape(shown)}</text>'
    return Box(box.width + 3 + 6.5 * len(shown), box.up + 3, box.down, box.svg + small, box.kind)


def bracketed(inside: Box, opening: str, closing: str) -> Box:
    """A box between two brackets that are as high as it is."""
    up, down = inside.up + 2, inside.down + 1
    edge = 8.0
    right = inside.width + edge

    def side(x: float, out: float, sign: str) -> str:
        if sign[0] in "([":
            bow = f"Q{pixels(x - out * 0.2)} {pixels((down - up) / 2)} {pixels(x + out)} {pixels(down)}" if sign == "(" else f"H{pixels(x)}V{pixels(down)}H{pixels(x + out)}"
            return f"M{pixels(x + out)} {pixels(-up)}{bow}"
        bars = (x, x + 3) if sign.startswith("‖") else (x,)
        return "".join(f"M{pixels(bar)} {pixels(-up)}V{pixels(down)}" for bar in bars)

    mirrored = {")": "(", "]": "["}
    svg = f'<path class="p" d="{side(1.5, 4, opening)}"/><g transform="translate({edge:.1f} 0)">{inside.svg}</g>'
    svg += f'<g transform="translate({right + edge - 1:.1f} 0) scale(-1 1)"><path class="p" d="{side(1.5, 4, mirrored.get(closing[0], closing))}"/></g>'
    box = Box(right + edge, up, down, svg, "frame")
    return raised(box, closing[1:].lstrip("_")) if len(closing) > 1 and closing.startswith("‖") else box


def flow(items: Sequence[Box], limit: float) -> Box:
    """Boxes beside each other on one axis; where they get wider than the limit, the line ends before the sign that binds most loosely."""
    lines: list[list[Box]] = [[]]
    for item in items:
        lines[-1].append(item)
        while (place := _break(lines[-1], limit)) is not None:
            lines[-1:] = [lines[-1][:place], lines[-1][place:]]
    rows = [beside(line) for line in lines]
    return rows[0] if len(rows) == 1 else stacked(rows, 8, "", indent=18.0)


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


def beside(items: Sequence[Box]) -> Box:
    """Boxes in one line."""
    at, out = 0.0, []
    for place, item in enumerate(items):
        at += _gap(items[place - 1], item) if place else 0.0
        out.append(f'<g transform="translate({at:.1f} 0)">{item.svg}</g>' if at else item.svg)
        at += item.width
    return Box(at, max((item.up for item in items), default=8), max((item.down for item in items), default=8), "".join(out), "line")


def stacked(rows: Sequence[Box], gap: float, kind: str, indent: float = 0.0) -> Box:
    """Boxes below each other; the axis is in the middle of it all."""
    height = sum(row.up + row.down for row in rows) + gap * (len(rows) - 1)
    at, out = -height / 2, []
    for place, row in enumerate(rows):
        x = indent if place else 0.0
        out.append(f'<g transform="translate({x:.1f} {at + row.up:.1f})">{row.svg}</g>')
        at += row.up + row.down + gap
    return Box(max(row.width + (indent if place else 0) for place, row in enumerate(rows)), height / 2, height / 2, "".join(out), kind)


def heading(title: str) -> Box:
    """A title above equations."""
    return Box(8.0 * len(title), 12, 6, f'<text class="f" x="0" y="4" style="font-size:13px;font-weight:600">{escape(title)}</text>')
