"""Tokens with their braces, and the signs that are made of them.

In    the tokens that grammar/latex.lark's terminals cut
Out   `Tokens`: where each brace is closed, what the argument of a command is, and a list of signs to add to
Idea  a command with arguments leaves word of what is `due` when the loop reaches their end, so that no depth of braces
      is a depth of Python
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lark import Token

from algebra2net.errors import NotationError, Span
from algebra2net.latex.commands import COMMANDS, ESCAPES

LONGEST_NAME = 500  # letters of a name with all that it carries
_ARGUMENTS = {"font": 1, "word": 1, "text": 1, "accent": 1, "through": 1, "sqrt": 1, "fraction": 2, "above": 2, "brace": 1, "wrap": 1, "matrix": 1}


@dataclass(slots=True)
class Sign:
    """Something that stands on the paper: `text` is the key of a name, else the sign itself.

    `other` is what else there is to know: the word as spelled, the side of a bar, the key with a superscript as index.
    """

    kind: str
    text: str
    start: int
    stop: int
    other: str = ""
    origin: str = ""  # `text` where it stood in \\text{…}


class Tokens:
    """The tokens, a place among them, and the signs that have been made."""

    def __init__(self, tokens: list[Token], source: str) -> None:
        self.tokens = tokens
        self.source = source
        self.out: list[Sign] = []
        self.place = 0
        self.due: list[tuple[int, Callable[[], object]]] = []  # what happens when the loop reaches a token; innermost last
        self.ends: dict[int, int] = {}  # { → }
        self.overs: dict[int, int] = {}  # { → the \over that splits it
        self.split: set[int] = set()  # those \over
        self.sums: set[int] = set()  # { that hold a + or - of their own
        self.equated: set[int] = set()  # { that hold a = or a \\ of their own
        self.environments: list[tuple[str, str, Token]] = []  # name, what its end closes, its \begin
        self.fonts: set[int] = set()  # { that only say how letters look
        self.delimited = False  # whether formulas stand between $ and $, outside of which there is text
        self.in_math = False
        self.in_text = 0
        self.prose = False  # within \\text{…}, outside of its $ and $
        self.typed: dict[tuple[object, ...], str] = {}  # one symbol, its scripts typed in either order
        self.problem: NotationError | None = None

    def match_braces(self) -> None:
        """Where each { is closed, and what stands directly in it."""
        opened: list[int] = []
        for place, token in enumerate(self.tokens):
            if token.type == "OPEN":
                opened.append(place)
            elif token.type == "CLOSE":
                if not opened:
                    self.tokens, self.problem = self.tokens[:place], self.error(place, "this } closes nothing", "take it away")
                    break
                self.ends[opened.pop()] = place
            elif opened:
                self._note(token, opened[-1], place)
            elif token.type == "MATH" or token in (r"\[", r"\("):
                self.delimited = True
        if opened:
            self.problem = self.problem or self.error(opened[-1], "this { is never closed", "close it: }")
            self.tokens = self.tokens[: opened[0]]

    def _note(self, token: Token, brace: int, place: int) -> None:
        if token in ("+", "-", "−"):
            self.sums.add(brace)
        elif token in ("=", "&", ":=") or token.type == "ROW_BREAK" or token in (r"\begin", r"\quad", r"\cr"):
            self.equated.add(brace)
        elif token == r"\over":
            self.split.add(self.overs.setdefault(brace, place))

    def error(self, place: int, message: str, hint: str | None = None) -> NotationError:
        """What is to be said of the token at `place`."""
        if place >= len(self.tokens):
            end = self.tokens[-1].end_pos or 0 if self.tokens else len(self.source)
            return NotationError(message, Span(self.source, end, end), hint)
        return NotationError(message, self._span(self.tokens[place]), hint)

    def _span(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    def _refuse_long(self, sign: Sign) -> None:
        if len(sign.text) > LONGEST_NAME:
            raise NotationError(f"a name has at most {LONGEST_NAME} letters, its subscripts and accents included", Span(self.source, sign.start, sign.stop))

    def emit(self, kind: str, text: str, first: Token, last: Token | None = None, other: str = "") -> Sign:
        """One sign more, from the first of its tokens to the last."""
        sign = Sign(kind, text, first.start_pos or 0, (last or first).end_pos or 0, other)
        self.out.append(sign)
        return sign

    def _at(self, place: int) -> Token | None:
        return self.tokens[place] if place < len(self.tokens) else None

    def _last(self) -> Sign | None:
        """The sign that stands before this place."""
        for sign in reversed(self.out[-50:]):
            if sign.kind not in ("GROUP", "NEWLINE"):
                return sign
        return None

    def skipped(self, place: int) -> int:
        """The first token from `place` on that is no space."""
        while (token := self._at(place)) is not None and (token.type == "NEWLINE" or (token.type == "ESCAPE" and ESCAPES.get(token[1:], ("", ""))[0] == "nothing")):
            place += 1
        return place

    def unit(self, place: int, whole_number: bool = True) -> tuple[int, int]:
        """The argument that begins at `place`: a group, a character, or a command with arguments of its own."""
        begin = place = self.skipped(place)
        for _ in range(20):
            token = self._at(place)
            if token is None or token.type in ("CLOSE", "MATH", "AMPERSAND", "ROW_BREAK", "SUB", "SUP"):
                raise self.error(place if token is not None else len(self.tokens), "an argument is missing here", "type it in braces: {x}")
            if token.type == "OPEN":
                return begin, self.ends[place] + 1
            if token.type == "COMMAND":
                wants = _ARGUMENTS.get(COMMANDS.get(token[1:], ("", ""))[0], 0)
                if wants == 1 or (COMMANDS.get(token[1:], ("", ""))[0] == "nothing" and place == begin and token != r"\limits"):
                    place = self.skipped(place + 1)
                    continue
                for _ in range(wants):
                    place = self.unit(place + 1)[1] - 1
            if whole_number and (token.type == "DIGIT" or token in ("-", "−", "+")):
                while (following := self._at(place + 1)) is not None and following.type in ("DIGIT", "DECIMAL") and following.start_pos == self.tokens[place].end_pos:
                    place += 1
            return begin, place + 1
        raise self.error(begin, "too many commands in a row wait for an argument", "type the argument in braces")

    def _optional(self, place: int) -> int:
        """After the `[…]` of a command, where there is one."""
        place = self.skipped(place)
        if self._at(place) == "[":
            while (token := self._at(place)) is not None and token != "]":
                place += 1
            place += 1
        return place

    def content(self, unit: tuple[int, int]) -> tuple[int, int]:
        """The tokens of an argument without its braces."""
        begin, end = unit
        while end - begin >= 2 and self.tokens[begin].type == "OPEN" and self.ends.get(begin) == end - 1:
            begin, end = begin + 1, end - 1
        return begin, end

    def slice(self, begin: int, end: int) -> str:
        """The source of these tokens, as typed."""
        return self.source[self.tokens[begin].start_pos : self.tokens[end - 1].end_pos] if begin < end else ""

    def enter(self, unit: tuple[int, int], after: Callable[[], object]) -> None:
        """Go on inside an argument; `after` happens at its end."""
        begin, end = unit
        if self.tokens[begin].type == "OPEN" and self.ends[begin] == end - 1:
            self._until(end - 1, end, after)
            self.place = begin + 1
            if begin in self.overs:
                self._over(self.tokens[begin], self.tokens[end - 1], end - 1)
        else:
            self._until(end, end, after)
            self.place = begin

    def _until(self, place: int, then: int, action: Callable[[], object]) -> None:
        def done() -> None:
            self.place = then
            action()

        self.due.append((place, done))

    def _over(self, opened: Token, closed: Token, end: int) -> None:
        """`{a \\over b}`: the fraction begins with its brace."""
        self.emit("FRACTION", r"\over", opened)
        self.emit("LGROUP", "{", opened)
        self._until(end, end, lambda: self.emit("RGROUP", "}", closed))

    def wrapped(self, unit: tuple[int, int], after: Callable[[], object] = lambda: None) -> None:
        """An argument as an operand of its own."""
        begin, end = unit
        first, last = self.tokens[begin], self.tokens[end - 1]
        braced = first.type == "OPEN"
        at, to = (first.start_pos or 0, last.end_pos or 0)
        self.out.append(Sign("LGROUP", "{", at, at + braced))

        def close() -> None:
            self.out.append(Sign("RGROUP", "}", to - braced, to))
            after()

        self.enter(unit, close)
