"""Styled text: lines side by side, and lines broken where a reader would break them.

In    pieces of text, each with a style
Out   lines that are no wider than they are told to be
Idea  a style is a word (`name W0`, `dim`, `title`); what it looks like is the terminal's business, so that the same lines
      are clean text in a pipe
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from algebra2net.errors import columns

Piece = tuple[str, str]  # a text and its style
Line = tuple[Piece, ...]

_OPENING, _CLOSING = "([{", ")]}"
_SIGNS = ("+", "-", "∘", "*", "/", "@", "·", "<", ">", "≤", "≥", "==", "≠", "**")
_LOOSENESS = {"+": 0, "-": 0, "∘": 1, "*": 1, "/": 2, "@": 2, "·": 2}
_JUXTAPOSED, _AFTER_EQUALS, _AFTER_BRACKET, _INNER = 3, 4, 5, 8


def line(text: str, style: str = "") -> Line:
    """A line of one piece."""
    return ((text, style),)


def width(text: Line | str) -> int:
    """How many columns a line takes."""
    words = text if isinstance(text, str) else plain(text)
    return len(words) if words.isascii() else _columns(words)


@lru_cache(maxsize=4096)
def _columns(text: str) -> int:
    return columns(text)


def plain(row: Line) -> str:
    """A line's text."""
    return "".join(text for text, _ in row)


def widest(lines: Iterable[Line]) -> int:
    """The columns of the widest line; 0 where there is none."""
    return max(map(width, lines), default=0)


def padded(row: Line, to: int, centred: bool = False) -> Line:
    """A line with blanks behind it (or on both sides) up to a width."""
    missing = max(0, to - width(row))
    before = missing // 2 if centred else 0
    return (*(((" " * before, ""),) if before else ()), *row, *(((" " * (missing - before), ""),) if missing > before else ()))


def indented(lines: Iterable[Line], by: int) -> list[Line]:
    """Lines moved to the right; an empty one stays empty."""
    return [((" " * by, ""), *row) if row else row for row in lines]


def beside(columns_: Sequence[tuple[Sequence[Line], int]], gap: int) -> list[Line]:
    """Columns (lines, width) next to each other, the tops level."""
    height = max((len(lines) for lines, _ in columns_), default=0)
    rows: list[Line] = []
    for k in range(height):
        row: Line = ()
        for place, (lines, to) in enumerate(columns_):
            row += ((" " * gap, ""),) if place else ()
            row += padded(lines[k] if k < len(lines) else (), to)
        rows.append(row)
    return rows


def part(row: Line, start: int, stop: int) -> Line:
    """The characters of a line from `start` up to, not including, `stop`."""
    pieces, at = [], 0
    for text, style in row:
        cut = text[max(0, start - at) : max(0, stop - at)]
        if cut:
            pieces.append((cut, style))
        at += len(text)
    return tuple(pieces)


def prose(text: str, to: int, style: str = "") -> list[Line]:
    """Words, broken at blanks."""
    rows: list[str] = [""]
    for word in text.split():
        while width(word) > to:
            end = _fitting(word, 0, to)
            rows, word = [*rows, word[:end]] if rows[-1] else [*rows[:-1], word[:end]], word[end:]
            rows.append("")
        joined = f"{rows[-1]} {word}".strip()
        if width(joined) <= to:
            rows[-1] = joined
        else:
            rows.append(word)
    return [line(row, style) for row in rows if row]


def wrapped(row: Line, to: int, hang: int | None = None) -> list[Line]:
    """A line of algebra or code, broken before the operators that bind most loosely; the rest hangs under the right-hand side."""
    if width(row) <= to:
        return [row]
    text = plain(row)
    if hang is None:
        hang = len(text.partition(" = ")[0]) + 3 if " = " in text else 4
        hang = hang if hang <= to // 4 else min(4, to // 4)
    ranks = _ranks(text)
    rows: list[Line] = []
    start = 0
    while start < len(text):
        room = to - (hang if rows else 0)
        end = _fitting(text, start, room)
        stop = end if end == len(text) else _break(ranks, start, end)
        rows.append(part(row, start, len(text[start:stop].rstrip()) + start))
        start = stop + len(text[stop:]) - len(text[stop:].lstrip(" "))
    return rows[:1] + indented(rows[1:], hang)


def _fitting(text: str, start: int, room: int) -> int:
    """The end of the longest stretch from `start` that fits: at least one character."""
    end = min(len(text), start + room)
    while end > start + 1 and width(text[start:end]) > room:
        end -= 1
    while end < len(text) and width(text[start : end + 1]) <= room:
        end += 1  # marks without a width of their own
    return max(end, start + 1)


def _break(ranks: Sequence[int | None], start: int, end: int) -> int:
    """The best place for a new line: the loosest, then the last; not where the line before would be almost empty."""
    for least in (start + (end - start) * 2 // 5, start + 1):
        places = [(rank, -place) for place in range(max(least, start + 1), end + 1) if (rank := ranks[place]) is not None]
        if places:
            return -min(places)[1]
    return end


def _ranks(text: str) -> list[int | None]:
    """For each place how bad a break before it is; None where there cannot be one."""
    ranks: list[int | None] = [None] * (len(text) + 1)
    depth = 0
    for place, character in enumerate(text):
        before = text[place - 1] if place else ""
        if before == " " and character != " ":
            rank = _rank(text, place)
            ranks[place] = None if rank is None else depth * _INNER + rank
        elif before and before in _OPENING and character not in _CLOSING:
            ranks[place] = depth * _INNER + _AFTER_BRACKET
        depth += (character in _OPENING) - (character in _CLOSING)
    return ranks


def _rank(text: str, place: int) -> int | None:
    """How loosely what stands around this blank is bound."""
    word = text[place : place + 3].split(" ")[0]
    before = text[max(0, place - 4) : place - 1].split(" ")[-1]
    if before in _SIGNS or text[place] == "=":
        return None
    if before.endswith((",", ";")):
        return 0
    if before == "=":
        return _AFTER_EQUALS
    return _LOOSENESS.get(word, _JUXTAPOSED)
