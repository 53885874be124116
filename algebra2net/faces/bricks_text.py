"""The picture of an equation in characters: layers as strips of cells, weights as blocks of cells.

In    a row of tokens, and the shape and role of every name (content.py)
Out   lines of styled text: each name a brick with its name above and its size below, operators between
Idea  the picture is the algebra with a brick where a name stands; a brick shows as many cells as its size says, up to a
      limit, and its ends and ⋯ beyond; the number of rows or columns that nothing fixes is ⋮ or ⋯, too

        l₁          l₀     W₀
       ▭▭▭▭       ⎛▭▭▭    ▬▬▬▬⎞
       ⋮⋮⋮⋮ = relu⎜⋮⋮⋮  · ▬▬▬▬⎟
       ▭▭▭▭   ▁▁▃█⎝▭▭▭    ▬▬▬▬⎠
       n0×4        n0×3   3×4
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite

from sympy import Symbol

from algebra2net import names
from algebra2net.faces.canvas import Line, line, padded, width, wrapped
from algebra2net.faces.content import Entry, Token
from algebra2net.faces.curves import curve
from algebra2net.operators import OPERATORS
from algebra2net.program import Dimension, Shape
from algebra2net.spell import UNICODE

CELLS = {"data": "▭", "hidden layer": "▭", "value": "▭", "output": "▭", "parameter": "▬", "signal": "▱", "step": "▱", "gradient": "▰"}
LEGEND = {"▭": "value", "▬": "parameter", "▱": "signal δ", "▰": "gradient"}
_BARS = "▁▂▃▄▅▆▇█"
_SPELLED = {UNICODE.call(name): name for name in OPERATORS}
MOST = 3  # lines of bricks that one equation may take
LONGEST, ENDLESS = 160, 1_000_000  # tokens that are drawn at all; the columns of what is not

Ends = tuple[bool, ...]  # along one side of a brick: a cell, or dots for those left out


@dataclass(frozen=True, slots=True)
class Detail:
    """How many columns and rows of cells a brick may have, and how many stand at each end where it has more."""

    columns: int
    rows: int
    ends: int


FULL, SMALL = Detail(8, 4, 2), Detail(3, 3, 1)


@dataclass(frozen=True, slots=True)
class _Box:
    """Something drawn: lines by their distance from the middle line, and how many columns they take."""

    lines: Mapping[int, Line]
    width: int


Names = Mapping[Symbol, Entry]


def picture(tokens: Sequence[Token], known: Names, to: int) -> list[Line]:
    """The picture, no wider than `to`; where it would take too much room, the equation of the sizes."""
    if len(tokens) <= LONGEST:
        for detail in (FULL, SMALL):
            boxes = list(_boxes(tokens, known, detail, to))
            if sum(box.width for box in boxes) <= to:
                return _drawn(boxes)
        rows = list(_broken(tokens, boxes, to))
        if len(rows) <= MOST and all(sum(box.width for box in row) <= to for row in rows):
            return [drawn for row in rows for drawn in _drawn(row)]
    return sizes(tokens, known, to)


def natural_width(tokens: Sequence[Token], known: Names) -> int:
    """The columns that the picture takes on one line, every cell shown."""
    return sum(box.width for box in _boxes(tokens, known, FULL, 1000)) if len(tokens) <= LONGEST else 0


def least_width(tokens: Sequence[Token], known: Names) -> int:
    """The columns that the picture takes on one line, as few cells shown as can be; more than there are where it is too long to be drawn."""
    return sum(box.width for box in _boxes(tokens, known, SMALL, 1000)) if len(tokens) <= LONGEST else ENDLESS


def sizes(tokens: Sequence[Token], known: Names, to: int) -> list[Line]:
    """The equation with the size of each name in its place."""
    pieces: list[tuple[str, str]] = []
    for token, suffix in _with_suffixes(tokens):
        if token.name is None:
            pieces.append((" · " if token.kind == "product" else token.text + suffix, "dim"))
        else:
            entry = known[token.name]
            pieces.append((size_text(_turned(entry.shape, suffix)) + suffix.strip("ᵀ"), style(entry)))
    return wrapped(tuple(pieces), to)


def look(tokens: Sequence[Token], known: Names) -> tuple[object, ...]:
    """What makes two pictures the same but for their names and sizes."""
    return tuple(
        (CELLS[known[token.name].role], *_cells(_turned(known[token.name].shape, suffix), FULL)) if token.name is not None else (token.kind, token.text)
        for token, suffix in _with_suffixes(tokens)
    )


def size_text(shape: Shape) -> str:
    """A shape as people write it: 3×4, n0×(n1+n2)."""
    return "×".join(f"({text})" if "+" in text else text for text in map(dimension_text, shape))


def dimension_text(size: Dimension) -> str:
    """A number, n0 as it is, a name of the user's in Unicode."""
    text = str(size)
    return text if not text.replace("_", "").isalnum() or re.fullmatch(r"n?\d+", text) else names.unicode(text)


def style(entry: Entry) -> str:
    """The style of all that belongs to a name: a gradient looks like its parameter, a signal like its layer."""
    return f"name {entry.family.name}"


# ------------------------------------------------------------------------------------------------------------ boxes


def _with_suffixes(tokens: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    """Each token but suffixes, with the suffixes of names."""
    for place, token in enumerate(tokens):
        if token.kind == "suffix" and place and tokens[place - 1].name is not None:
            continue
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        yield token, after.text if token.name is not None and after is not None and after.kind == "suffix" else ""


def _turned(shape: Shape, suffix: str) -> Shape:
    return shape[::-1] if suffix == "ᵀ" else shape


def _boxes(tokens: Sequence[Token], known: Names, detail: Detail, to: int) -> Iterator[_Box]:
    """A box for each token; a suffix belongs to the brick before it, so that its own is empty."""
    heights = _heights(tokens, known, detail)
    suffixes = {id(token): suffix for token, suffix in _with_suffixes(tokens)}
    for place, (token, height) in enumerate(zip(tokens, heights, strict=True)):
        if token.name is not None:
            yield _brick(known[token.name], token.text, suffixes[id(token)], detail, to)
        elif token.kind in ("open", "close"):
            yield _bracket(token.text, height)
        elif token.kind == "suffix":
            yield _Box({_top(height): line(token.text)}, width(token.text)) if id(token) in suffixes else _Box({}, 0)
        elif token.kind == "product":
            yield _Box({0: line(" · ", "sign")}, 3)
        elif token.kind == "call":
            yield _function(token.text, heights[place + 1])
        else:
            yield _Box({0: line(token.text, "sign")}, width(token.text))


def _function(text: str, height: int) -> _Box:
    """A function's name, and below it, where there is room, how it runs from -3 to 3: relu ▁▁▃█ keeps, tanh ▁▂▇█ squashes."""
    run = _run(text) if height > 2 else ""
    wide = max(width(text), width(run))
    lines = {0: padded(line(text, "call"), wide, centred=True)}
    return _Box(lines | {1: padded(line(run, "dim"), wide, centred=True)} if run else lines, wide)


@cache
def _run(text: str) -> str:
    values = curve(_SPELLED.get(text, ""))
    if values is None:
        return ""
    count = min(max(width(text), 3), 5)
    points = [values[k * (len(values) - 1) // (count - 1)] for k in range(count)]
    known = [value for value in points if isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    if not low < high:
        return ""
    return "".join(_BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] if isfinite(value) else " " for value in points)


def _brick(entry: Entry, text: str, suffix: str, detail: Detail, to: int) -> _Box:
    """A name's cells, its name above and its size below."""
    shape = _turned(entry.shape, suffix)
    rows, columns = _cells(shape, detail)
    cell, look_of = CELLS[entry.role], style(entry)
    drawn = ["".join(_cell(cell, row, column) for column in columns) for row in rows]
    name, size = _short(text + suffix, to // 2), _short(size_text(shape), to // 2)
    wide = max(len(columns), width(name), width(size))
    top = _top(len(rows))
    lines = {top + k: padded(line(row, look_of), wide, centred=True) for k, row in enumerate(drawn)}
    lines[top - 1] = padded(line(name, look_of), wide, centred=True)
    lines[top + len(rows)] = padded(line(size, "dim"), wide, centred=True)
    return _Box(lines, wide)


def _cells(shape: Shape, detail: Detail) -> tuple[Ends, Ends]:
    """The sides of a brick: True for a cell, False for dots."""
    return _side(shape[0], detail.rows, 1), _side(shape[1], detail.columns, detail.ends)


def _side(size: Dimension, most: int, ends: int) -> Ends:
    if isinstance(size, int):
        if size <= most:
            return (True,) * size or (False,)
        return (True,) * ends + (False,) + (True,) * ends
    return (True, False, True)


def _cell(cell: str, row: bool, column: bool) -> str:
    return (cell if column else "⋯") if row else ("⋮" if column else "⋱")


def _top(height: int) -> int:
    """The first line of something centred on the middle line."""
    return -((height - 1) // 2)


def _short(text: str, to: int) -> str:
    return text if width(text) <= max(to, 4) else text[: max(to, 4) - 1] + "…"


_TALL = {"(": "⎛⎜⎝", ")": "⎞⎟⎠", "[": "⎡⎢⎣", "]": "⎤⎥⎦"}


def _bracket(text: str, height: int) -> _Box:
    """A bracket as tall as what it holds, with room inside."""
    if height == 1:
        return _Box({0: line(text, "sign")}, width(text))
    first, middle, last = tuple(_TALL.get(text[0], text[0] * 3))
    top = _top(height)
    column = {top: first, **dict.fromkeys(range(top + 1, top + height - 1), middle), top + height - 1: last}
    mark = text[1:]  # of a norm: _1, _∞
    lines = {k: line(character + (mark if k == top + height - 1 else " " * len(mark)), "sign") for k, character in column.items()}
    return _Box(lines, 1 + len(mark))


def _heights(tokens: Sequence[Token], known: Names, detail: Detail) -> list[int]:
    """How many lines each token's brackets have to span: the tallest brick inside; of a suffix, what it stands at."""
    heights = [1] * len(tokens)
    open_: list[int] = []
    suffixes = {id(token): suffix for token, suffix in _with_suffixes(tokens)}
    for place, token in enumerate(tokens):
        if token.name is not None:
            heights[place] = len(_cells(_turned(known[token.name].shape, suffixes[id(token)]), detail)[0])
        elif token.kind == "open":
            open_.append(place)
        elif token.kind == "close" and open_:
            start = open_.pop()
            heights[start] = heights[place] = max(heights[start : place + 1])
        elif token.kind == "suffix":
            heights[place] = heights[place - 1]
    return heights


# ---------------------------------------------------------------------------------------------------------- drawing


def _drawn(boxes: Sequence[_Box]) -> list[Line]:
    """Boxes in a row, their middles level."""
    offsets = [offset for box in boxes for offset in box.lines]
    rows: list[Line] = []
    for offset in range(min(offsets, default=0), max(offsets, default=0) + 1):
        row: Line = ()
        for box in boxes:
            row += padded(box.lines.get(offset, ()), box.width)
        rows.append(row)
    return rows


FIRST = 4  # the token behind `name = `
_LOOSENESS = {"+": 0, "-": 0, "∘": 1, "*": 1, "/": 2}


def _broken(tokens: Sequence[Token], boxes: Sequence[_Box], to: int) -> Iterator[list[_Box]]:
    """The boxes in rows, broken before the operators that bind most loosely."""
    hang = min(sum(box.width for box in boxes[:4]), to // 5)
    ranks = _ranks(tokens)
    start, first = 0, True
    while start < len(boxes):
        room, end = to - (0 if first else hang), start
        while end < len(boxes) and boxes[end].width <= room:
            room -= boxes[end].width
            end += 1
        end = max(end, start + 1)
        places = [(rank, -place) for place in range(start + 1, end + 1) if place < len(tokens) and (rank := ranks[place]) is not None]
        stop = len(boxes) if end >= len(boxes) else -min(places)[1] if places else end
        row = list(boxes[start:stop])
        yield row if first else [_Box({}, hang), *row]
        start, first = stop, False


def _looseness(tokens: Sequence[Token], place: int) -> int | None:
    """How loosely what stands before and behind the start of this token is bound."""
    token, before = tokens[place], tokens[place - 1]
    if token.kind == "product":
        return 3
    if before.kind != "space":
        return None
    return _LOOSENESS.get(token.text) if token.kind == "sign" else 0 if tokens[place - 2].kind == "comma" else None


def _ranks(tokens: Sequence[Token]) -> list[int | None]:
    """How bad a break before each token is: deep in brackets worse; None where there cannot be one."""
    ranks: list[int | None] = []
    depth = 0
    for place, token in enumerate(tokens):
        loose = _looseness(tokens, place) if place > FIRST else None
        ranks.append(None if loose is None else depth * 8 + loose)
        depth += (token.kind == "open") - (token.kind == "close")
    return ranks
