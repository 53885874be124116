"""The sheet in a terminal: picture, algebra and code, equation beside equation, forward and back.

In    a net, and how many columns there are
Out   lines of text, none wider; coloured by `coloured`, where a terminal asks for it
Idea  three columns where there is room; two from 72 columns on, the picture beside the words; below that one under the
      other. A picture that would repeat another one more than once is not drawn again, so that a deep chain stays short
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from algebra2net import names
from algebra2net.faces.bricks_text import CELLS, LEGEND, dimension_text, least_width, look, natural_width, picture, size_text, style
from algebra2net.faces.canvas import Line, beside, indented, line, padded, plain, prose, widest, width, wrapped
from algebra2net.faces.content import Content, Entry, Row, content
from algebra2net.faces.numbers import Numbers, as_code, is_small, shades, short, summary

if TYPE_CHECKING:
    from algebra2net.net import Net

NARROWEST = 40
TWO_COLUMNS, THREE_COLUMNS, ALWAYS_THREE = 72, 100, 128
MOST = 64  # columns that one of three likes to have
MARGIN, GAP = 2, 3
DRAWN = 2  # times that pictures which look the same are drawn
TITLE_LINES = 24  # of the user's program
ROLES = ("data", "parameter", "hidden layer", "value", "output", "signal", "step", "gradient")  # in the order of the glossary
LAST = 16  # columns that the last cell of a table needs
SHORT = 3  # lines of an equation that needs no blank lines around it
RUN = 5  # symbols in a row that make one line of the glossary
SIZES = 8  # of those that nothing fixes


def sheet(net: Net, width: int | None = None, numbers: Numbers | None = None) -> str:
    """The sheet as clean text, `width` columns wide at the most: as wide as the terminal where it is not given."""
    return "".join(f"{plain(row).rstrip()}\n" for row in composed(net, width, numbers)).rstrip("\n")


def composed(net: Net, width: int | None = None, numbers: Numbers | None = None) -> list[Line]:
    """The lines of the sheet with their styles; with what each equation comes to, where there are numbers."""
    columns = shutil.get_terminal_size().columns if width is None else width
    return _Sheet(content(net), max(columns, NARROWEST), numbers or {}).lines()


@dataclass(frozen=True)
class _Columns:
    """Where pictures, algebra and code stand: their widths; the algebra's is that of all words in two columns."""

    picture: int
    algebra: int
    code: int
    total: int


class _Sheet:
    def __init__(self, here: Content, to: int, numbers: Numbers) -> None:
        self.here = here
        self.numbers = numbers
        self.names = here.by_name
        self.room = to - 2 * MARGIN
        self.looks: dict[tuple[object, ...], tuple[Row, int]] = {}
        self.told: set[str] = set()  # reasons that were given in full
        rows = [*here.forward, *here.backprop]
        self.defined = {row.name for row in rows}
        different = {look(row.tokens, self.names): row for row in rows}.values()
        self.pictures = max((natural_width(row.tokens, self.names) for row in different), default=0)
        self.algebra = max((width(self.equation(row)) for row in rows), default=0)
        self.code = max((width(text) for row in rows for text in row.code), default=0)
        if numbers:
            self.algebra = max([self.algebra, *(widest(value_lines(numbers[row.name])) for row in rows if row.name in numbers)])
        self.is_three = to >= ALWAYS_THREE or (to >= THREE_COLUMNS and sum(self.likes()) + 2 * GAP <= self.room)
        self.is_two = not self.is_three and to >= TWO_COLUMNS
        self.columns = self.three() if self.is_three else self.two() if self.is_two else _Columns(0, self.room, self.room, self.room)

    def likes(self) -> list[int]:
        """How wide pictures, algebra and code would like to be."""
        return [min(self.pictures, MOST), min(max(self.algebra, 28), MOST), min(self.code, MOST)]

    def three(self) -> _Columns:
        """Each column as wide as it likes; where that is too much, what is left over a least width is shared out."""
        likes = self.likes()
        least = [min(likes[0], 34), min(likes[1], 26), min(likes[2], 26)]
        free = self.room - 2 * GAP
        spare, wanted = free - sum(least), sum(likes) - sum(least)
        if spare < wanted:
            likes = [a + (b - a) * spare // wanted for a, b in zip(least, likes, strict=True)]
        likes[1] = max(likes[1], min(52, likes[1] + free - sum(likes)))  # reasons like to be wide
        return _Columns(likes[0], likes[1], likes[2], sum(likes) + 2 * GAP)

    def two(self) -> _Columns:
        """Pictures beside words; words get half at the most."""
        words = min((self.room - GAP) // 2, max(self.algebra, self.code, 30))
        return _Columns(self.room - GAP - words, words, words, self.room)

    def lines(self) -> list[Line]:
        """The whole sheet."""
        here = self.here
        body = [*self.title(), (), *self.rule("Forward", here.forward), *self.rows(here.forward)]
        if here.backprop:
            body += [(), *self.rule("Backprop", here.backprop), *self.rows(here.backprop)]
        for words in here.missing:
            body += [(), *(row for text in words.split("\n") for row in (wrapped(line(text), self.columns.total)))]
        body += [(), *self.rule("Symbols", ()), *self.glossary()]
        if here.computed:
            body += [(), *self.rule("Computed otherwise", ()), *self.table([[line(typed, "call"), line(words)] for typed, words in here.computed.items()])]
        return indented(body, MARGIN)

    # the top

    def title(self) -> Iterator[Line]:
        """The user's own equations in a box, and what goes in and comes out."""
        inside = self.columns.total - 4
        rows = [row for text in self.here.title for row in wrapped(line(text, "title"), inside)]
        if len(rows) > TITLE_LINES:
            rows = [*rows[: TITLE_LINES - 1], line(f"⋮  {len(rows) - TITLE_LINES + 1} more lines", "dim")]
        yield line(f"╭{'─' * (inside + 2)}╮", "dim")
        for row in rows:
            yield (("│ ", "dim"), *padded(row, inside), (" │", "dim"))
        yield line(f"╰{'─' * (inside + 2)}╯", "dim")

    def rule(self, title: str, rows: Sequence[Row]) -> Iterator[Line]:
        """A section's title, on a line across the sheet, with what its cells mean."""
        roles = {self.names[token.name].role for row in rows for token in row.tokens if token.name is not None}
        legend = [f"{cell} {LEGEND[cell]}" for cell in dict.fromkeys(CELLS[role] for role in CELLS if role in roles)]
        free = self.columns.total - width(title) - 1
        if legend and width(words := "  ".join(legend)) + 6 <= free:
            yield ((title, "heading"), (" ", ""), ("─" * (free - width(words) - 1), "dim"), (f" {words}", "dim"))
        else:
            yield ((title, "heading"), (" ", ""), ("─" * free, "dim"))
            yield from (line("  ".join(legend[k : k + 2]), "dim") for k in range(0, len(legend), 2))
        yield ()

    # equations

    def rows(self, rows: Sequence[Row]) -> Iterator[Line]:
        """The equations; blank lines around those that take several."""
        was_tall = False
        for place, row in enumerate(rows):
            drawn = self.row(row)
            is_tall = len(drawn) > SHORT
            if place and (is_tall or was_tall):
                yield ()
            yield from drawn
            was_tall = is_tall

    def row(self, row: Row) -> list[Line]:
        """An equation: its picture, its algebra with the reason below, its code."""
        columns, before = self.columns, self.drawn_before(row)
        if before and not self.is_three:
            return self.words(row, False)
        if not before and least_width(row.tokens, self.names) > columns.picture:
            return [*picture(row.tokens, self.names, columns.total), *self.words(row, True)]
        shown = [line(f"as for {before}", "dim")] if before else picture(row.tokens, self.names, columns.picture)
        algebra, code, reason = wrapped(self.equation(row), columns.algebra), self.snippet(row, columns.code), self.reason(row, columns.algebra, not before)
        algebra += self.value(row, columns.algebra)
        shown += self.shaded(row, columns.picture)
        if self.is_three:
            return beside([(shown, columns.picture), ([*algebra, *reason], columns.algebra), (code, columns.code)], GAP)
        return beside([(shown, columns.picture), ([*algebra, *code, *reason], columns.algebra)], GAP)

    def words(self, row: Row, repeat: bool) -> list[Line]:
        """Algebra and code over the full width: next to each other where they fit, the reason below."""
        total = self.columns.total
        algebra, code, half = self.equation(row), self.snippet(row, total), self.columns.picture + GAP if self.is_two else total // 2 + 1
        if row.code and width(algebra) <= half - GAP and widest(code) <= total - half:
            words = beside([([algebra], half - GAP), (code, total - half)], GAP)
        else:
            words = [*wrapped(algebra, total), *code]
        return [*words, *self.value(row, total), *self.reason(row, total, repeat)]

    def drawn_before(self, row: Row) -> str:
        """The name whose picture looks the same, where it was drawn often enough."""
        seen = look(row.tokens, self.names)
        first, times = self.looks.setdefault(seen, (row, 0))
        self.looks[seen] = first, times + 1
        return self.names[first.name].text if times >= DRAWN else ""

    def equation(self, row: Row) -> Line:
        """The algebra, each name in its colour."""
        return tuple((token.text, style(self.names[token.name]) if token.name is not None else "call" if token.kind == "call" else "") for token in row.tokens)

    def snippet(self, row: Row, to: int) -> list[Line]:
        """The lines of code, each name in the colour that it has in the algebra; what they come to as a comment."""
        lines = [piece for text in row.code for piece in wrapped(self.code_line(text), to)]
        if row.code and row.name in self.numbers:
            lines += wrapped(line(f"# {as_code(self.numbers[row.name])}", "dim"), to, 2)
        return lines

    def value(self, row: Row, to: int) -> list[Line]:
        """What an equation comes to."""
        if row.name not in self.numbers:
            return []
        found = value_lines(self.numbers[row.name])
        return found if widest(found) <= to else wrapped(line(f"= {summary(self.numbers[row.name])}", "dim"), to, 2)

    def shaded(self, row: Row, to: int) -> list[Line]:
        """The cells of what an equation defines, darker where the value is larger; nothing where there are too many."""
        if row.name not in self.numbers:
            return []
        rows = shades(self.numbers[row.name])
        return [line(f"  {text}", style(self.names[row.name])) for text in rows] if rows and width(rows[0]) + 2 <= to else []

    def code_line(self, text: str) -> Line:
        known = self.here.by_identifier
        pieces = re.split(r"((?<![\w.])[^\W\d]\w*)", text)
        return tuple((piece, style(known[piece]) if piece in known else "code") for piece in pieces if piece)

    def reason(self, row: Row, to: int, repeat: bool) -> list[Line]:
        """Why a derived equation holds; what was said in full before is said in short, or not at all."""
        words = [reason.partition(":")[0] if reason in self.told else reason for reason in row.reasons if repeat or reason not in self.told]
        self.told.update(row.reasons)
        return indented(prose("; ".join(words), to - 2, "reason"), 2)

    # the glossary

    def glossary(self) -> Iterator[Line]:
        """The symbols: how they are written, their shapes, what they are; then functions and sizes."""
        entries = sorted(self.here.entries, key=lambda entry: ROLES.index(entry.role))
        rows = [self.entry_cells(run) for run in _runs(entries)]
        for least in ((0, 1, 2, 3, 4), (0, 1, 2, 3), (0, 2, 3)):  # what is used where, and names in code, only where there is room
            if sum(max(width(row[k]) + 2 for row in rows) for k in least[:-1]) + LAST <= self.columns.total:
                break
        yield from self.table([[row[k] for k in least] for row in rows])
        if self.here.functions:
            yield ()
            yield from self.table([[line(called, "call"), line(doc)] for called, doc in self.here.functions.items()])
        if self.here.sizes:
            yield ()
            yield from self.table([[line(dimension_text(size), "dim"), line(f"any size: {where}")] for size, where in _first(self.here.sizes)])

    def entry_cells(self, run: Sequence[Entry]) -> list[Line]:
        first, last = run[0], run[-1]
        several = len(run) > 1

        def both(one: str, other: str) -> str:
            return f"{one} … {other}" if several and one != other else one

        role = first.role
        if role == "signal":
            role = f"signal {'' if first.name in self.defined else 'given '}at {both(self.text_of(first), self.text_of(last))}"
        elif role == "gradient":
            role = f"gradient by {both(self.text_of(first), self.text_of(last))}"
        uses = [self.names[name].text for name in first.uses if name in self.names]
        used = "" if several or not uses else "in " + ", ".join(uses[:3]) + (", …" if len(uses) > 3 else "")
        text, code, shape = both(first.text, last.text), both(first.identifier, last.identifier), both(size_text(first.shape), size_text(last.shape))
        return [line(text, style(first)), line(code, "code"), line(shape), line(role), line(used, "dim")]

    def text_of(self, entry: Entry) -> str:
        family = self.names.get(entry.family)
        return family.text if family is not None else names.unicode(entry.family.name)

    def table(self, rows: Sequence[Sequence[Line]]) -> Iterator[Line]:
        """Rows of cells, each column as wide as its widest; the last is broken where it must be."""
        total = self.columns.total
        wide = [min(max(width(row[k]) for row in rows), total // (3 if k else 2)) for k in range(len(rows[0]) - 1)]
        rest = total - sum(wide) - 2 * len(wide)
        for row in rows:
            cells = [(wrapped(cell, to, 2), to) for cell, to in zip(row, wide, strict=False)]
            yield from beside([*cells, (prose(plain(row[-1]), rest, row[-1][0][1]), rest)], 2)


def _runs(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries, those of a numbered family (W₁, W₂, …) together where they are many."""
    families: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        families.setdefault(_base(entry), []).append(entry)
    many = {key for key, members in families.items() if _is_run([names.parts(entry.name.name).number for entry in members])}
    found: list[list[Entry]] = []
    for entry in entries:
        if _base(entry) not in many:
            found.append([entry])
        elif _base(entry) in families:
            found.append(sorted(families.pop(_base(entry)), key=lambda member: names.parts(member.name.name).number or 0))
    return found


def _base(entry: Entry) -> tuple[str, str]:
    return entry.role, names.parts(entry.name.name).base


def _is_run(numbers: Sequence[int | None]) -> bool:
    """Whether these are many numbers, each one more than another."""
    counted = sorted(number for number in numbers if number is not None)
    return len(counted) >= RUN and counted == list(range(counted[0], counted[0] + len(numbers)))


def _first(sizes: Mapping[str, str]) -> list[tuple[str, str]]:
    """The sizes that nothing fixes; of many, the first and the last."""
    rows = list(sizes.items())
    return rows if len(rows) <= SIZES else [*rows[: SIZES - 2], ("⋮", f"{len(rows) - SIZES + 1} more"), rows[-1]]


# ----------------------------------------------------------------------------------------------------------- colours

_PALETTE = ("cyan", "yellow", "green", "magenta", "blue", "red", "bright_cyan", "bright_yellow", "bright_green", "bright_magenta", "bright_blue", "bright_red")
_LOOKS = {"title": "bold", "heading": "bold", "dim": "dim", "reason": "italic", "call": "bold"}


def coloured(lines: Iterable[Line], file: IO[str]) -> None:
    """Print the lines as the terminal behind `file` can show them, each name in one colour."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, highlight=False, soft_wrap=True)
    palette: dict[str, str] = {}
    for row in lines:
        text = Text()
        for words, word in row:
            if word.startswith("name "):
                text.append(words, palette.setdefault(word, _PALETTE[len(palette) % len(_PALETTE)]))
            else:
                text.append(words, _LOOKS.get(word, ""))
        text.rstrip()
        console.print(text)


def value_lines(value: Any) -> list[Line]:
    """A matrix in full where it is small, its columns flush right; else in one line."""
    if not value.size or not is_small(value):
        return [line(f"= {summary(value)}", "dim")]
    if value.shape == (1, 1):
        return [line(f"= {short(float(value[0, 0]))}", "dim")]
    texts = [[short(float(entry)) for entry in row] for row in value]
    wide = [max(map(len, column)) for column in zip(*texts, strict=True)]
    rows = ["  ".join(text.rjust(to) for text, to in zip(row, wide, strict=True)) for row in texts]
    if len(rows) == 1:
        return [line(f"= [{rows[0]}]", "dim")]
    sides = [("⎡", "⎤"), *[("⎢", "⎥")] * (len(rows) - 2), ("⎣", "⎦")]
    middle = (len(rows) - 1) // 2
    return [line(f"{'=' if k == middle else ' '} {left}{row}{right}", "dim") for k, (row, (left, right)) in enumerate(zip(rows, sides, strict=True))]
