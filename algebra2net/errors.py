"""What goes wrong, shown where it stands.

In    a message, the stretch of the source that it speaks of, and what to type instead
Out   an exception whose text is the line, carets below the place, and the way out
Idea  every token knows its span from the first moment, so that every later room can point at it
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

WIDEST = 120


class Span(NamedTuple):
    """A stretch of the source: the characters from `start` up to, not including, `stop`."""

    source: str
    start: int
    stop: int

    @property
    def line(self) -> int:
        """The line it starts on, from 1."""
        return self.source.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The character of the line it starts at, from 1."""
        return self.start - (self.source.rfind("\n", 0, self.start) + 1) + 1

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source[self.start : self.stop]

    @property
    def picture(self) -> str:
        """The line of the source, and carets below the span; a long line is shown around the place."""
        start = self.source.rfind("\n", 0, self.start) + 1
        end = self.source.find("\n", self.start)
        end = len(self.source) if end < 0 else end
        shown = max(start, self.start - WIDEST // 2)
        until = min(end, shown + WIDEST)
        lead, tail = "…" if shown > start else "", "…" if until < end else ""
        before = lead + _visible(self.source[shown : self.start])
        marked = _visible(self.source[self.start : min(self.stop, until)])
        line = before + _visible(self.source[self.start : until]) + tail
        return f"{line}\n{' ' * columns(before)}{'^' * max(1, columns(marked))}"

    def __add__(self, other: Span) -> Span:  # type: ignore[override]
        return Span(self.source, min(self.start, other.start), max(self.stop, other.stop))


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: a combining mark none, a full-width letter two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _visible(text: str) -> str:
    """`text` with what has no look of its own (controls, marks of direction, lone surrogates) as U+FFFD."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") else c for c in text.replace("\t", " "))


class AlgebraError(ValueError):
    """What the user typed cannot be meant. `line` and `column` count from 1; `hint` says what to type instead.

    A second place (`also`, with words of its own) is shown where two places contradict each other.
    """

    def __init__(self, message: str, span: Span | None = None, hint: str | None = None, also: Iterable[tuple[str, Span | None]] = ()) -> None:
        self.message = message
        self.span = span
        self.hint = hint
        self.also = tuple(also)
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.span, self.hint, self.also)

    @property
    def line(self) -> int:
        """The line of the source, from 1."""
        return 1 if self.span is None else self.span.line

    @property
    def column(self) -> int:
        """The character of that line, from 1."""
        return 1 if self.span is None else self.span.column

    def __str__(self) -> str:
        where = "" if self.span is None else f"line {self.line}, column {self.column}: "
        lines = [where + self.message]
        if self.span is not None:
            lines += _indented(self.span.picture)
        for words, span in self.also:
            lines.append(f"    {words}")
            if span is not None:
                lines += _indented(span.picture)
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(lines)


class NotationError(AlgebraError):
    """The text could not be read."""


class ShapeError(AlgebraError):
    """Sizes do not fit."""


class DerivativeError(AlgebraError):
    """A gradient was asked for that does not exist."""


def _indented(picture: str) -> list[str]:
    return ["    " + line for line in picture.split("\n")]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """“did you mean …?” with the closest known word, or None where nothing is close."""
    import difflib  # for what is misspelled alone

    spellings = {name.casefold(): name for name in known}
    letters = sorted(word.casefold())
    swapped = next((name for name in spellings if sorted(name) == letters), None)  # `tahn` is tanh rather than tan
    if swapped is not None:
        return f"did you mean {spellings[swapped]}?"
    close = difflib.get_close_matches(word.casefold(), spellings, n=1, cutoff=0.6)
    return f"did you mean {spellings[close[0]]}?" if close else None
