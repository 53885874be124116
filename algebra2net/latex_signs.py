r"""LaTeX source → signs: what stands on the paper, freed of how it was set.

In    the tokens of grammar/latex.lark's terminals
Out   signs: names with their subscripts, indices and accents put together (`\hat{\mathbf y}_i^{(2)}` is one), numbers,
      operators, delimiters, rows; and, where a token cannot be meant, what is to be said of it
Idea  one loop over the tokens; a command with arguments leaves word of what is `due` when the loop reaches their end,
      so that no depth of braces is a depth of Python

Whether a letter's superscript is an index or an exponent, whether letters spell a function, and where a statement
ends is for latex_statements.py to say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lark import Token

from algebra2net import names
from algebra2net.errors import NotationError, Span, nearest
from algebra2net.latex_commands import (
    CASES,
    COMMANDS,
    COMPARISONS,
    CONNECTORS,
    DELIMITERS,
    ESCAPES,
    LAYOUTS,
    MATRICES,
    REFUSED,
    SYMBOLS,
    TABLES,
    WITH_ARGUMENT,
    Meaning,
    called,
)
from algebra2net.operators import spellings

LONGEST_NAME = 500  # letters of a name with all that it carries
LONGEST_INDEX = 30  # tokens; what is longer is an exponent
LONGEST_NORM = 2000  # signs in braces that a norm's mark may follow
LONGEST_WORD = 120  # tokens; what is longer is a formula
LETTERS = re.compile(r"[A-Za-zÀ-ÖØ-öø-ʯḀ-ỿℓ\u0370-\u03ff\U0001D400-\U0001D7CB]+")
_NAMES = ("LETTER", "WORD")
_CLOSERS = ("RPAR", "RBRACKET", "RSET", "RANGLE", "RFLOOR", "RCEIL", "RGROUP", "CASES_CLOSE")
_ENDS = (*_NAMES, *_CLOSERS, "NUMBER", "PRIME", "TRANSPOSE", "SMALL_POWER", "SCRIPT_CLOSE")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "<": ">"}
_NO_EXPECTATION = {"E": "E", "P": "P", "V": "E"}  # blackboard letters that stand for an expectation or a probability
_IN_INDEX = {"lbrack": "[", "rbrack": "]", "langle": "⟨", "rangle": "⟩", "lbrace": "{", "rbrace": "}", "top": "⊤", "intercal": "⊤", "prime": "′", "ast": "*", "star": "*",
             "dagger": "†", "infty": "∞", "times": "×", "mid": "|", "vert": "|", "cdot": "·", "to": "→", "rightarrow": "→", "leq": "≤", "geq": "≥", "neq": "≠", "le": "≤", "ge": "≥"}  # fmt: skip


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


def signs(tokens: list[Token], source: str, problem: NotationError | None) -> tuple[list[Sign], NotationError | None]:
    """The signs up to the first token that cannot be meant, and what is to be said of that one.

    `problem` is what is to be said of what stands after the last token.
    """
    reading = _Reading(tokens, source)
    reading.problem = problem
    try:
        reading.match_braces()
        reading.run()
    except NotationError as error:
        end = (reading.tokens[-1].end_pos or 0) if reading.tokens else 0
        cut = reading.problem is not None and error.span is not None and error.span.start >= end
        return reading.out, reading.problem if cut else error
    return reading.out, reading.problem


class _Reading:
    """The loop, and what it knows at a place."""

    def __init__(self, tokens: list[Token], source: str) -> None:
        self.tokens = tokens
        self.source = source
        self.out: list[Sign] = []
        self.place = 0
        self.due: list[tuple[int, Callable[[], None]]] = []  # what happens when the loop reaches a token; innermost last
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

    # ---------------------------------------------------------------------------------------------------- the loop

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

    def run(self) -> None:
        """All tokens, one after the other."""
        while True:
            while self.due and self.due[-1][0] <= self.place:
                self.due.pop()[1]()
            if self.place >= len(self.tokens):
                break
            token = self.tokens[self.place]
            getattr(self, "_at_" + token.type.lower())(token)
        if self.environments and self.problem is None:
            name, _, begin = self.environments[-1]
            raise NotationError(f"\\begin{{{name}}} has no \\end{{{name}}}", self._span(begin), f"close it: \\end{{{name}}}")

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

    # ---------------------------------------------------------------------------------------------- what an argument is

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

    def content(self, unit: tuple[int, int]) -> tuple[int, int]:
        """The tokens of an argument without its braces."""
        begin, end = unit
        while end - begin >= 2 and self.tokens[begin].type == "OPEN" and self.ends.get(begin) == end - 1:
            begin, end = begin + 1, end - 1
        return begin, end

    def slice(self, begin: int, end: int) -> str:
        """The source of these tokens, as typed."""
        return self.source[self.tokens[begin].start_pos : self.tokens[end - 1].end_pos] if begin < end else ""

    def enter(self, unit: tuple[int, int], after: Callable[[], None]) -> None:
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

    def _until(self, place: int, then: int, action: Callable[[], None]) -> None:
        def done() -> None:
            self.place = then
            action()

        self.due.append((place, done))

    def _over(self, opened: Token, closed: Token, end: int) -> None:
        """`{a \\over b}`: the fraction begins with its brace."""
        self.emit("FRACTION", r"\over", opened)
        self.emit("LGROUP", "{", opened)
        self._until(end, end, lambda: self.emit("RGROUP", "}", closed) and None)

    def wrapped(self, unit: tuple[int, int], after: Callable[[], None] = lambda: None) -> None:
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

    # -------------------------------------------------------------------------------------------- tokens by their look

    def _at_letter(self, token: Token) -> None:
        if self.prose or (self.delimited and not self.in_math and not self.environments):
            self._prose(token)
            return
        self.place += 1
        self.emit("LETTER", names.key(str(token)), token)

    def _at_script_letters(self, token: Token) -> None:
        kind = CONNECTORS.get(str(token))
        if kind is None:
            raise self._strange_word(token.start_pos or 0, token.end_pos or 0)
        self.place += 1
        self.emit("TEXT", kind, token)

    def _strange_word(self, start: int, stop: int) -> NotationError:
        return NotationError(f"{self.source[start:stop]} is no name here", Span(self.source, start, stop), "names have Latin and Greek letters")

    def _prose(self, token: Token) -> None:
        """Words outside of the formulas."""
        end = self.place
        while (following := self._at(end)) is not None and following.type in ("LETTER", "SCRIPT_LETTERS", "SYMBOL", "DIGIT") and following != "=":
            end += 1
        words = self.slice(self.place, end)
        kind = CONNECTORS.get(words.strip(" ,.:;").casefold())
        if kind is None:
            raise NotationError("this is text, not a formula", Span(self.source, token.start_pos or 0, self.tokens[end - 1].end_pos or 0), "paste the formulas alone")
        self.emit("TEXT", kind, token, self.tokens[end - 1])
        self.place = end

    def _at_digit(self, token: Token) -> None:
        end = self.place + 1
        limit = self.due[-1][0] if self.due else len(self.tokens)
        while end < limit and self.tokens[end].type == "DIGIT":
            end += 1
        if end + 1 < limit and self.tokens[end] == "." and self.tokens[end + 1].type == "DIGIT":  # 0 . 5, spaced out
            end += 1
            while end < limit and self.tokens[end].type == "DIGIT":
                end += 1
        elif end < limit and self.tokens[end].type == "DECIMAL" and self.tokens[end].start_pos == self.tokens[end - 1].end_pos:
            end += 1
        text = "".join(self.tokens[self.place : end])
        last = self.out[-1] if self.out else None
        if last is not None and text.isdecimal() and _takes_digits(last):
            last.text, last.stop = last.text + text, self.tokens[end - 1].end_pos or 0
            self._refuse_long(last)
            last.text = names.key(last.text)
        else:
            self.emit("NUMBER", text, token, self.tokens[end - 1])
        self.place = end

    def _at_decimal(self, token: Token) -> None:
        self.place += 1
        self.emit("NUMBER", str(token), token)

    _at_exponent = _at_decimal

    def _at_small(self, token: Token) -> None:
        self.place += 1
        last = self.out[-1] if self.out else None
        if last is None or last.kind not in _NAMES:
            raise self.error(self.place - 1, f"{token} stands below nothing", "a subscript belongs to a name: W₀")
        last.text, last.stop = names.with_subscript(last.text, str(token)), token.end_pos or 0

    def _at_small_power(self, token: Token) -> None:
        self.place += 1
        self.emit("SMALL_POWER", str(token), token)

    def _at_small_transpose(self, token: Token) -> None:
        self.place += 1
        self.emit("TRANSPOSE", str(token), token)

    def _at_comparison(self, token: Token) -> None:
        self.place += 1
        self.emit("COMPARE", COMPARISONS.get(str(token), str(token)), token)

    def _at_colon_equals(self, token: Token) -> None:
        self.place += 1
        self.emit("EQUALS", str(token), token)

    def _at_double_bar(self, token: Token) -> None:
        self.place += 1
        self.emit("NORM", str(token), token)

    def _at_ampersand(self, token: Token) -> None:
        self.place += 1
        self.emit("AMP", "&", token)

    def _at_row_break(self, token: Token) -> None:
        self.place += 1
        self.emit("ROW", r"\\", token)

    def _at_blank(self, token: Token) -> None:
        self.place += 1
        self.emit("BREAK", "\n", token)

    _at_fence = _at_blank

    def _at_newline(self, token: Token) -> None:
        self.place += 1
        self.emit("NEWLINE", "\n", token)

    def _at_math(self, token: Token) -> None:
        self.place += 1
        if self.in_text:
            self.prose = not self.prose
            return
        self.in_math = not self.in_math
        self.emit("BREAK", str(token), token)

    def _at_symbol(self, token: Token) -> None:
        self.place += 1
        text = str(token)
        if text in SYMBOLS:
            kind, _, shown = SYMBOLS[text].partition(" ")
            self.emit(kind, shown, token)
        elif text in DELIMITERS:
            self._delimiter(text, token, token, "")
        elif text in _STRANGE:
            raise self.error(self.place - 1, *_STRANGE[text])

    def _at_open(self, token: Token) -> None:
        """Braces that are no argument: they count only where the paper would show a grouping."""
        place, end = self.place, self.ends[self.place]
        inside = self._at(place + 1)
        if inside in (r"\rm", r"\tt", r"\sf", r"\it"):
            self._word(("word", "mathit" if inside == r"\it" else "mathrm"), (place + 2, end), token, self.tokens[end], end + 1)
        elif self._groups(place, end):
            self.wrapped((place, end + 1))
        else:
            marker = self.emit("GROUP", "{", token)
            mark = len(self.out)
            self.enter((place, end + 1), lambda: self._dissolve(marker, mark, self.tokens[end]))

    def _groups(self, place: int, end: int) -> bool:
        """Whether these braces hold an operand of their own: `\\log {x y}`, `a / {b c}`, `2 {x + y}`."""
        last = self._last()
        if last is None or place in self.equated or place in self.fonts or self.tokens[place + 1] in (r"\|", "||", r"\Vert", r"\lVert", "‖"):
            return False
        if last.kind in ("OPERATOR", "DIVIDE") or (last.kind == "WORD" and called(last.other) is not None):
            return True
        signs = ("+", "-", "−")
        loose = self.tokens[end - 1] in signs or (self.tokens[place + 1] in signs and last.kind not in ("PRODUCT", "TIMES", "LPAR", "LBRACKET", "EQUALS", "COMMA"))
        return place in self.sums and not loose

    def _dissolve(self, marker: Sign, mark: int, closed: Token) -> None:
        """The braces go, unless they hold more than one thing and a script follows."""
        following = self._at(self.place)
        inside = len(self.out) - mark
        if inside <= 1:
            del self.out[mark - 1]
        elif following is not None and following.type in ("SUB", "SUP", "PRIME") and not self._one_norm(mark):
            marker.kind = "LGROUP"
            self.emit("RGROUP", "}", closed)

    def _one_norm(self, mark: int) -> bool:
        """Whether the signs from here on are one norm, whose mark may follow: `{\\|A\\|}_F`."""
        bars = ("BAR", "NORM")
        inside = self.out[mark : mark + LONGEST_NORM]
        return len(self.out) - mark < LONGEST_NORM and inside[0].kind in bars and inside[-1].kind in bars and sum(sign.kind in bars for sign in inside) == 2

    def _at_close(self, token: Token) -> None:
        raise self.error(self.place, "this } closes nothing", "take it away")

    # ------------------------------------------------------------------------------------------------------- commands

    def _at_escape(self, token: Token) -> None:
        meaning = ESCAPES.get(token[1:])
        if meaning is None:
            raise self.error(self.place, f"{token} means nothing here", _STRANGE_ESCAPES.get(token[1:]))
        self._command(meaning, token)

    def _at_command(self, token: Token) -> None:
        name = token[1:]
        meaning = COMMANDS.get(name)
        if meaning is None and called(name) is not None:
            meaning = ("operator", name)
        if meaning is None:
            near = nearest(name, [*COMMANDS, *spellings()])
            raise self.error(self.place, f"there is no command {token}", near.replace("mean ", "mean \\") if near else f"a word of your own is typed \\mathrm{{{name}}}")
        self._command(meaning, token)

    def _command(self, meaning: Meaning, token: Token) -> None:
        if self.delimited and not self.in_math and not self.environments and meaning[0] not in ("begin", "end", "display", "drop", "nothing", "sign", "between"):
            raise self.error(self.place, f"{token} stands outside of the formulas", "paste the formulas alone, or close the one before it")
        getattr(self, "_do_" + meaning[0])(token, meaning[1])

    def _do_nothing(self, token: Token, word: str) -> None:
        self.place += 1

    _do_through = _do_nothing

    def _do_display(self, token: Token, word: str) -> None:
        self.place += 1
        self.in_math = word in "[("
        self.emit("BREAK", str(token), token)

    def _do_refuse(self, token: Token, word: str) -> None:
        message, hint = REFUSED[word]
        end = self.place
        if word == "arg" and self._at(self.skipped(end + 1)) in (r"\max", r"\min"):
            end = self.skipped(end + 1)
        raise NotationError(message, Span(self.source, token.start_pos or 0, self.tokens[end].end_pos or 0), hint)

    def _do_letter(self, token: Token, word: str) -> None:
        self.place += 1
        self.emit("LETTER", word, token)

    def _do_sign(self, token: Token, word: str) -> None:
        self.place += 1
        kind, _, text = word.partition(" ")
        self.emit(kind, text, token)

    def _do_operator(self, token: Token, word: str) -> None:
        self.place += 1
        self.emit("OPERATOR", word, token, other=word)

    def _do_drop(self, token: Token, count: str) -> None:
        place = self._optional(self.place + 1)
        for _ in range(int(count)):
            place = self.unit(self._optional(place))[1]
        self.place = place

    def _optional(self, place: int) -> int:
        """After the `[…]` of a command, where there is one."""
        place = self.skipped(place)
        if self._at(place) == "[":
            while (token := self._at(place)) is not None and token != "]":
                place += 1
            place += 1
        return place

    def _do_length(self, token: Token, word: str) -> None:
        """`\\kern-3pt`, `\\hskip 1em`."""
        place = self.place + 1
        while (following := self._at(place)) is not None and (following.type in ("DIGIT", "DECIMAL") or following in ("-", ".")):
            place += 1
        if "".join(map(str, self.tokens[place : place + 2])) in ("pt", "em", "ex", "mm", "cm", "in", "mu"):
            place += 2
        self.place = place

    def _do_number(self, token: Token, word: str) -> None:
        """`\\eqno(1)`."""
        self.place += 1
        while (following := self._at(self.place)) is not None and following.type not in ("MATH", "ROW_BREAK", "BLANK", "ESCAPE"):
            self.place += 1

    def _do_between(self, token: Token, word: str) -> None:
        self.emit("BREAK", str(token), token)
        self.place = self.unit(self.place + 1)[1]

    def _do_font(self, token: Token, word: str) -> None:
        begin, end = self.unit(self.place + 1)
        inside, until = self.content((begin, end))
        only = str(self.tokens[inside]) if until == inside + 1 else ""
        if word in ("mathbb", "mathbbm", "mathds", "symbb") and only in _NO_EXPECTATION:
            message, hint = REFUSED[_NO_EXPECTATION[only]]
            raise NotationError(message, Span(self.source, token.start_pos or 0, self.tokens[end - 1].end_pos or 0), hint)
        following = self._at(self.skipped(end))
        opens = following is not None and (following in ("(", "[", r"\{", r"\left", "_") or following.startswith((r"\big", r"\Big")))
        if only == "1" or (only == "I" and word.startswith(("mathbb", "mathds")) and opens):
            self.emit("INDICATOR", only, token, self.tokens[end - 1])
            self.place = end
            return
        if word in ("mathcal", "mathscr") and only in ("N", "U") and opens and following != "_":
            raise NotationError("a distribution is no value", Span(self.source, token.start_pos or 0, self.tokens[end - 1].end_pos or 0), "a sample of it is an input: name it")
        if word == "textbf" and until > inside + 1:
            self._do_text(token, word)
            return
        self.fonts.add(begin)
        self.place += 1

    def _do_above(self, token: Token, word: str) -> None:
        """`\\overset{\\text{def}}{=}`: what stands above or below is a remark."""
        first = self.unit(self.place + 1)
        second = self.unit(first[1])
        inside, until = self.content(second)
        below = str(self.tokens[inside]) if until == inside + 1 else ""
        if COMMANDS.get(below[1:], ("", ""))[0] in ("operator", "sum", "refuse"):
            raise NotationError(f"{below} over an index is not part of the notation yet", Span(self.source, token.start_pos or 0, self.tokens[second[1] - 1].end_pos or 0), _OVER_ALL)
        if below == "=":
            self.emit("EQUALS", "=", token, self.tokens[second[1] - 1])
            self.place = second[1]
        else:
            self.place = second[0]

    def _do_brace(self, token: Token, word: str) -> None:
        """`\\underbrace{x W}_{\\text{scores}}`: the remark goes."""

        def after() -> None:
            while (following := self._at(self.skipped(self.place))) is not None and following.type in ("SUB", "SUP"):
                self.place = self.unit(self.skipped(self.place) + 1)[1]

        self.enter(self.unit(self.place + 1), after)

    def _do_struck(self, token: Token, word: str) -> None:
        raise self.error(self.place, f"{token} strikes out what it holds", "leave out what is struck out")

    def _do_accent(self, token: Token, accent: str) -> None:
        unit = self.unit(self.place + 1)
        mark = len(self.out)
        self.enter(unit, lambda: self._accented(mark, token, unit, accent))

    def _accented(self, mark: int, token: Token, unit: tuple[int, int], accent: str) -> None:
        self.out[mark:] = inside = [sign for sign in self.out[mark:] if sign.kind != "GROUP"]
        whole = Span(self.source, token.start_pos or 0, self.tokens[unit[1] - 1].end_pos or 0)
        if not inside or inside[0].kind not in _NAMES or (len(inside) > 1 and inside[1].kind != "SCRIPT_OPEN"):
            if accent == "bar" and len(inside) > 1:
                raise NotationError("a bar over an expression could be a mean", whole, "write \\operatorname{mean}(…), or name the value")
            raise NotationError("an accent stands on one name", whole, "name the expression first, then put the accent on the name")
        for sign in inside[:2]:
            if sign.kind in _NAMES:
                sign.text, sign.start, sign.stop = _with_accent(sign.text, accent), whole.start, max(sign.stop, whole.stop) if len(inside) == 1 else sign.stop
                sign.other = sign.other if sign.kind == "WORD" else ""
                self._refuse_long(sign)
            else:
                sign.other = _with_accent(sign.other, accent) if sign.other else ""

    def _do_fraction(self, token: Token, word: str) -> None:
        above = self.unit(self._optional(self.place + 1), whole_number=False)
        between = self._at(self.skipped(above[1]))
        below = self.unit(above[1] + (word in ("nicefrac", "sfrac", "xfrac") and between == "/"), whole_number=False)
        self._refuse_derivative(token, above, below)
        self.emit("FRACTION", str(token), token)
        self.wrapped(above, lambda: self.wrapped(below))

    def _refuse_derivative(self, token: Token, above: tuple[int, int], below: tuple[int, int]) -> None:
        """`\\frac{dL}{dW}` is no quotient of products."""
        heads = []
        for begin, end in (self.content(above), self.content(below)):
            head = [t for t in self.tokens[begin : min(end, begin + 6)] if t.type in ("LETTER", "COMMAND") and t not in (r"\mathrm", r"\text", r"\rm")]
            heads.append(head)
        over, under = heads
        if over and under and over[0] == "d" and under[0] == "d" and len(under) > 1:
            message, hint = REFUSED["partial"]
            raise NotationError(message, Span(self.source, token.start_pos or 0, self.tokens[below[1] - 1].end_pos or 0), hint)

    def _do_sqrt(self, token: Token, word: str) -> None:
        place = self.place + 1
        degree = self._degree(place)
        unit = self.unit(self._optional(place))
        if self.tokens[unit[0]].type != "OPEN" and (following := self._at(unit[1])) is not None and following.type == "SUB":
            unit = (unit[0], self.unit(unit[1] + 1)[1])
        if degree in ("", "2"):
            self.emit("OPERATOR", "sqrt", token, other="sqrt")
            self.wrapped(unit)
        elif degree == "3":
            self.emit("OPERATOR", "cbrt", token, other="cbrt")
            self.wrapped(unit)
        else:
            raise self.error(self.place, f"a root of degree {degree} is written as a power", f"x^{{1/{degree}}}")

    def _degree(self, place: int) -> str:
        place = self.skipped(place)
        return self.slice(place + 1, self._optional(place) - 1).strip() if self._at(place) == "[" else ""

    def _do_over(self, token: Token, word: str) -> None:
        if self.place not in self.split:
            raise self.error(self.place, "\\over splits the braces that it stands in", "write \\frac{a}{b}")
        self.place += 1
        at = token.start_pos or 0
        self.out += [Sign("RGROUP", "}", at, at), Sign("LGROUP", "{", token.end_pos or 0, token.end_pos or 0)]

    def _do_sum(self, token: Token, word: str) -> None:
        place = self.place + 1
        while self._at(place) in (r"\limits", r"\nolimits", r"\displaylimits", r"\!", r"\,"):
            place += 1
        following = self._at(place)
        if following is not None and following.type in ("SUB", "SUP"):
            raise self._indexed(word, token, self.unit(place + 1)[1])
        self.emit("SUM", word, token)
        self.place = place

    def _indexed(self, word: str, token: Token, end: int) -> NotationError:
        what = {"sum": "sums", "prod": "products"}.get(word, "sums")
        whole = Span(self.source, token.start_pos or 0, self.tokens[end - 1].end_pos or 0)
        hint = f"over all entries it is \\operatorname{{{word}}}(x), down the rows \\operatorname{{{word}}}(x, axis=0), along each row \\operatorname{{{word}}}(x, axis=1)"
        return NotationError(f"indexed {what} are not part of the notation yet", whole, hint)

    def _do_in(self, token: Token, word: str) -> None:
        """`\\in \\mathbb{R}^{m \\times n}`: the sizes."""
        place = self.skipped(self.place + 1)
        unit = self.unit(place)
        inside, until = self.content(unit)
        letter = self._flat(inside, until)
        if letter.strip() != "R":
            raise self.error(self.place, "only shapes can be declared", "W \\in \\mathbb{R}^{3 \\times 4}")
        end, sizes = unit[1], ""
        while (following := self._at(end)) is not None and following.type in ("SUB", "SUP"):
            scripted = self.unit(end + 1)
            sizes = self._flat(*self.content(scripted), sizes=True) if following.type == "SUP" else sizes
            end = scripted[1]
        self.emit("SIZES", f"∈ R^{sizes}" if sizes else "∈ R", token, self.tokens[end - 1])
        self.place = end

    def _do_script(self, token: Token, word: str) -> None:
        self._at_sub(token)

    # ---------------------------------------------------------------------------------------------------------- words

    def _do_word(self, token: Token, word: str) -> None:
        unit = self.unit(self.place + 1)
        self._word(("word", word), self.content(unit), token, self.tokens[unit[1] - 1], unit[1])

    def _do_text(self, token: Token, word: str) -> None:
        unit = self.unit(self.place + 1)
        self._word(("text", word), self.content(unit), token, self.tokens[unit[1] - 1], unit[1])

    def _word(self, meaning: Meaning, content: tuple[int, int], first: Token, last: Token, end: int) -> None:
        """Upright letters: a word, a connector, a remark; or a font and no more."""
        begin, until = content
        typed = "(" if until - begin > LONGEST_WORD else re.sub(r"\\[,;:! ]|~|\\(quad|qquad|thinspace|rm|bf|it|sf|tt|mathrm|mathsf|mathbf|operatorname)(?![A-Za-z])|[\n\t]", " ", self.slice(*content))
        text = " ".join(re.sub(r"\\([_\-&])|\\mathchar`", r"\1", typed).split())
        if re.fullmatch(r"(\S )+\S", text):
            text = text.replace(" ", "")  # s o f t m a x
        bare = text.strip(" ,.:;()").casefold()
        if (meaning[0] == "text" or bare in CONNECTORS) and self._remark(text, bare, first, last):
            self.place = end
        elif meaning[1] in ("mathsf", "mathit", "mathtt") and len(text) == 1:
            self.emit("LETTER", names.key(text), first, last)
            self.place = end
        elif re.fullmatch(r"[^\W\d_][\w \-'’/.]*|[^\W\d_]\w*_\{[\w,+\- ]*\}", text) and not text.endswith("."):
            self._say(meaning, text, first, last)
            self.place = end
        else:
            self.in_text += meaning[0] == "text"
            self.prose = "$" in self.slice(begin, min(until, begin + LONGEST_WORD))

            def after() -> None:
                self.in_text -= meaning[0] == "text"
                self.prose = False

            self._until(until, end, after)
            self.place = begin

    def _remark(self, text: str, bare: str, first: Token, last: Token) -> bool:
        """Text that is no name: `where`, `if`, `(hidden layer)`, `Input gate:`, a comma."""
        if bare in CONNECTORS:
            self.emit("TEXT", CONNECTORS[bare], first, last)
        elif bare.split(" ")[0] in ("if", "for", "when") and " " in bare and re.fullmatch(r"[\w ,.\-]*", bare):
            self.emit("TEXT", "otherwise" if bare in ("in other cases",) else "if " + bare, first, last)
        elif not text.strip(" ,.;"):
            if text.strip():
                self.emit("COMMA" if "," in text else "PERIOD", text.strip()[0], first, last)
        elif text.endswith((":", "：")):
            self.emit("LABEL", text, first, last)
        elif re.fullmatch(r"\([^()$\\]*\)", text):
            self.emit("COMMENT", text, first, last)
        else:
            return False
        return True

    def _say(self, meaning: Meaning, text: str, first: Token, last: Token) -> None:
        if not re.fullmatch(r"[\w \-'’/.{},+]*", text, re.ASCII) and any(c.isalpha() and not LETTERS.fullmatch(c) for c in text):
            raise self._strange_word(first.start_pos or 0, last.end_pos or 0)
        if len(text) == 1:
            self.emit("LETTER", names.key(text), first, last, other="upright")
            return
        joined = text.replace(" ", "" if meaning[0] == "word" and "_" not in text else "_")
        if joined.casefold() in ("argmax", "argmin"):
            raise NotationError(f"{joined} has no gradient and is not part of the notation", Span(self.source, first.start_pos or 0, last.end_pos or 0), REFUSED["argmax"][1])
        key = names.key(re.sub(r"[\-'’/.]", "_", joined) if "{" not in joined else joined)
        self.emit("WORD", key, first, last, other=joined.replace("-", "_")).origin = "operator" if meaning[1] in ("operatorname", "operatorname*", "mathop") else meaning[0]

    # --------------------------------------------------------------------------------------------- delimiters and rows

    def _do_delimiter(self, token: Token, word: str) -> None:
        self.place += 1
        self._delimiter(word, token, token, "")

    def _delimiter(self, word: str, first: Token, last: Token, side: str) -> None:
        kind, own = DELIMITERS[word]
        if kind == "NULL":
            self._null(first, last, side)
            return
        shown = self.source[first.start_pos : last.end_pos]
        self.emit(kind, shown, first, last, own or side)

    def _null(self, first: Token, last: Token, side: str) -> None:
        """`\\right.`: nothing, or the end of what `\\left\\{` opened."""
        if side == "close":
            self.emit("NULL", r"\right.", first, last)

    def _sized(self, token: Token, side: str) -> None:
        place = self.skipped(self.place + 1)
        following = self._at(place)
        word = "" if following is None else str(following)
        if following is not None and following.type == "ESCAPE":
            word = ESCAPES.get(word[1:], ("", ""))[1] if ESCAPES.get(word[1:], ("", ""))[0] == "delimiter" else ""
        elif following is not None and following.type == "COMMAND":
            word = word[1:] if COMMANDS.get(word[1:], ("", ""))[0] == "delimiter" else ""
        if following is None or word not in DELIMITERS:
            raise self.error(self.place, f"{token} wants a delimiter after it", f"{token}(, {token}[, {token}\\{{ or {token}|")
        self.place = place + 1
        self._delimiter(word, token, following, side)

    def _do_left(self, token: Token, word: str) -> None:
        self._sized(token, "open")

    def _do_right(self, token: Token, word: str) -> None:
        self._sized(token, "close")

    def _do_middle(self, token: Token, word: str) -> None:
        self._sized(token, "mid")

    def _do_size(self, token: Token, word: str) -> None:
        self._sized(token, {"l": "open", "r": "close", "m": "mid"}.get(word.lower().removeprefix("bigg").removeprefix("big"), ""))

    def _do_wrap(self, token: Token, word: str) -> None:
        """`\\norm{x}`, `\\abs{x}` of one's own or of a package."""
        unit = self.unit(self.place + 1)
        if word in ("floor", "ceil"):
            self.emit("OPERATOR", word, token, other=word)
            self.wrapped(unit)
            return
        kind = "NORM" if word == "norm" else "BAR"
        last = self.tokens[unit[1] - 1]
        self.emit(kind, "‖" if word == "norm" else "|", token, other="open")
        self.enter(unit, lambda: self.emit(kind, "‖" if word == "norm" else "|", last, other="close") and None)

    def _do_matrix(self, token: Token, word: str) -> None:
        """Plain TeX's `\\pmatrix{a & b \\cr c & d}`."""
        unit = self.unit(self.place + 1)
        self.emit("LBRACKET", r"\begin{matrix}", token)
        self.enter(unit, lambda: self.emit("RBRACKET", r"\end{matrix}", self.tokens[unit[1] - 1]) and None)

    def _environment(self) -> tuple[str, int]:
        """The name in braces after `\\begin` or `\\end`, and the place after it."""
        place = self.skipped(self.place + 1)
        if (opened := self._at(place)) is None or opened.type != "OPEN":
            raise self.error(self.place, f"{self.tokens[self.place]} wants the name of an environment", "\\begin{aligned} … \\end{aligned}")
        end = self.ends[place]
        return "".join(self.slice(place + 1, end).split()), end + 1

    def _do_begin(self, token: Token, word: str) -> None:
        name, place = self._environment()
        last = self._last()
        if name in WITH_ARGUMENT:
            place = self.unit(self._optional(place))[1]
        elif name in LAYOUTS or name in MATRICES or name in TABLES:
            place = self._optional(place) if self._at(place) == "[" and self.tokens[place].start_pos == self.tokens[place - 1].end_pos else place
        closer = self._opened(name, token, last)
        self.environments.append((name, closer, token))
        self.place = place

    def _opened(self, name: str, token: Token, last: Sign | None) -> str:
        """Begin an environment; the kind of sign that ends it."""
        end = Token("OPEN", token, start_pos=token.start_pos, end_pos=token.end_pos)
        starts = last is None or last.kind in ("BREAK", "ROW", "AMP")
        if name in CASES:
            self.emit("CASES_OPEN", f"\\begin{{{name}}}", end)
            return "CASES_CLOSE"
        if last is not None and last.kind == "LSET" and (name in TABLES or name in LAYOUTS):
            last.kind, last.text = "CASES_OPEN", f"\\begin{{{name}}}"
            return "CASES_CLOSE"
        if name in MATRICES or (name in TABLES and not starts):
            self.emit("LBRACKET", f"\\begin{{{name}}}", end)
            return "RBRACKET"
        if name in ("vmatrix", "vmatrix*"):
            self.emit("OPERATOR", "det", end, other="det")
            self.emit("LGROUP", "{", end)
            self.emit("LBRACKET", f"\\begin{{{name}}}", end)
            return "RBRACKET RGROUP"
        if name in LAYOUTS or name in TABLES:
            self.emit("BREAK" if starts else "NEWLINE", f"\\begin{{{name}}}", end)
            return "BREAK" if starts else "NEWLINE"
        hint = nearest(name, LAYOUTS | MATRICES | TABLES | {"cases"}) or "paste the formulas alone"
        raise NotationError(f"there is no environment {name} in the notation", self._span(token), hint)

    def _do_end(self, token: Token, word: str) -> None:
        name, place = self._environment()
        if not self.environments:
            raise self.error(self.place, f"\\end{{{name}}} has no \\begin{{{name}}}", f"take it away, or open it: \\begin{{{name}}}")
        begun, closers, begin = self.environments.pop()
        if begun != name:
            raise NotationError(f"\\begin{{{begun}}} is closed by \\end{{{name}}}", self._span(token), None, [("it was opened here:", self._span(begin))])
        for closer in closers.split():
            self.emit(closer, f"\\end{{{name}}}", token, self.tokens[place - 1])
        self.place = place
        following = self.skipped(place)
        if closers == "CASES_CLOSE" and begun not in CASES:
            self._skip_closing(following)

    def _skip_closing(self, place: int) -> None:
        """The `\\right.` or `\\right\\}` of cases that were opened by a brace."""
        token = self._at(place)
        if token == r"\right" or (token is not None and token.startswith((r"\big", r"\Big"))):
            place = self.skipped(place + 1)
            token = self._at(place)
        if token in (".", r"\}", r"\rbrace"):
            self.place = place + 1

    # -------------------------------------------------------------------------------------------------------- scripts

    def _at_sub(self, token: Token) -> None:
        """All the scripts that stand on the sign before them."""
        place = self.place
        scripts: list[tuple[str, int, int]] = []
        while (following := self._at(place)) is not None:
            if following.type in ("SUB", "SUP") or following == r"\_":
                if self.out and self.out[-1].kind == "INDICATOR" and following.type == "SUB":
                    self._condition(place)
                    return
                begin, end = self.unit(place + 1)
                kind = "sub" if following.type != "SUP" else "sup"
                if any(k == kind for k, _, _ in scripts):
                    raise self.error(place, f"a second {'sub' if kind == 'sub' else 'super'}script on one sign", f"put both into one: {following}{{…}}")
                scripts.append((kind, begin, end))
                place = end
            elif following.type == "PRIME":
                scripts.append(("prime", place, place + 1))
                place += 1
            elif following in (r"\limits", r"\nolimits"):
                place += 1
            else:
                break
        self._attach(scripts, place, token)

    _at_sup = _at_sub
    _at_prime = _at_sub

    def _condition(self, place: int) -> None:
        """`\\mathbb{1}_{x > 0}`: the subscript says when it is one."""
        unit = self.unit(place + 1)
        self.wrapped(unit)

    def _attach(self, scripts: Sequence[tuple[str, int, int]], end: int, token: Token) -> None:
        base = self._last()
        if base is None or base.kind not in (*_ENDS, "OPERATOR", "BAR", "NORM", "INDICATOR"):
            what = "prime" if scripts[0][0] == "prime" else "superscript" if scripts[0][0] == "sup" else "subscript"
            raise self.error(self.place, f"this {what} stands on nothing", "type the name that it belongs to before it")
        if base.kind in _NAMES:
            self._on_name(base, scripts, end)
        elif base.kind == "OPERATOR":
            self._on_operator(base, scripts, end)
        else:
            self._on_value(base, scripts, end, token)

    def _on_name(self, base: Sign, scripts: Sequence[tuple[str, int, int]], end: int) -> None:
        """Subscripts and indices join the name; transposes and powers stand after it."""
        was = base.text
        raised: list[Sign] = []
        power: tuple[int, int] | None = None
        indexed, below, above = base.text, [], []
        for kind, begin, until in scripts:
            first, last = self.tokens[begin], self.tokens[until - 1]
            if kind == "prime":
                raised.append(Sign("PRIME", "'", first.start_pos or 0, last.end_pos or 0))
            elif kind == "sub":
                text = self._subscript(begin, until)
                below.append(text)
                base.text, indexed = _with_index(base.text, text), _with_index(indexed, text)
                base.stop = max(base.stop, last.end_pos or 0)
            elif (pieces := self._pieces(begin, until)) is None:
                power = (begin, until)
                text = self._index_text(begin, until)
                above.append(text)
                indexed = _with_index(indexed, text) if text else ""
            else:
                base.text, indexed = self._pieces_on(base, pieces, (first, last), raised, above, indexed)
        base.text = self._one_order(was, base.text, below, above if power is None else [])
        self._refuse_sum(base, below, scripts)
        self.out += raised
        self.place = end
        if power is not None:
            self._raise(power, end, indexed, "" if not above else above[-1])

    def _pieces_on(
        self, base: Sign, pieces: Sequence[tuple[str, str]], ends: tuple[Token, Token], raised: list[Sign], above: list[str], indexed: str
    ) -> tuple[str, str]:
        text = base.text
        start, stop = ends[0].start_pos or 0, ends[1].end_pos or 0
        for what, word in pieces:
            if what == "index":
                text, indexed = _with_index(text, word), _with_index(indexed, word)
                above.append(word)
            elif what == "star":
                text, indexed = _with_accent(text, "star"), _with_accent(indexed, "star")
            elif what == "prime":
                raised.append(Sign("PRIME", "'", start, stop))
            else:
                raised.append(Sign("TRANSPOSE", "^T", start, stop))
                if what == "inverse":
                    raised[-1:] = [*_inverse(start, stop), raised[-1]]
            if what in ("index", "star") and not raised:
                base.stop = max(base.stop, stop)
        return text, indexed

    def _one_order(self, was: str, text: str, below: Sequence[str], above: Sequence[str]) -> str:
        """`W_1^{(2)}` and `W^{(2)}_1` are one symbol, `W_2^{(1)}` is another."""
        if not (below and above):
            return text
        identity = (was, tuple(below), tuple(above))
        if identity not in self.typed and text in self.typed.values():
            text = was
            for index in (*below, *above):
                text = _with_index(text, index)
        return self.typed.setdefault(identity, text)

    def _refuse_sum(self, base: Sign, below: Sequence[str], scripts: Sequence[tuple[str, int, int]]) -> None:
        """`\\Sigma_{i=1}^n` is a sum."""
        if base.text.startswith(("Sigma_", "Pi_")) and any("=" in text for text in below):
            raise NotationError("indexed sums are not part of the notation yet", Span(self.source, base.start, self.tokens[scripts[-1][2] - 1].end_pos or 0), _OVER_ALL)

    def _on_operator(self, base: Sign, scripts: Sequence[tuple[str, int, int]], end: int) -> None:
        """`\\log_2`, `\\tanh^2 x`, `\\tanh'`; an index on a function is refused."""
        power: tuple[int, int] | None = None
        raised: list[Sign] = []
        for kind, begin, until in scripts:
            if kind == "prime":
                raised.append(Sign("PRIME", "'", self.tokens[begin].start_pos or 0, self.tokens[begin].end_pos or 0))
            elif kind == "sub":
                self._log_to(base, begin, until)
            elif (pieces := self._pieces(begin, until)) is not None and all(what == "prime" for what, _ in pieces):
                raised += [Sign("PRIME", "'", self.tokens[begin].start_pos or 0, self.tokens[until - 1].end_pos or 0) for _ in pieces]
            else:
                power = (begin, until)
        self.out += raised
        self.place = end
        if power is not None:
            self._raise(power, end, "", "")

    def _log_to(self, base: Sign, begin: int, until: int) -> None:
        text = self._subscript(begin, until)
        named = {"2": "log2", "10": "log10", "e": "log"}.get(text) if base.text == "log" else None
        stop = self.tokens[until - 1].end_pos or 0
        if named is None:
            whole = Span(self.source, base.start, stop)
            if base.text == "log":
                raise NotationError(f"there is no logarithm to the base {text}", whole, f"\\log(x) / \\log({text})")
            raise NotationError(f"\\{base.text} over an index is not part of the notation yet", whole, _OVER_ALL.replace("sum", called(base.text) or "sum"))
        base.text = base.other = named
        base.stop = stop

    def _on_value(self, base: Sign, scripts: Sequence[tuple[str, int, int]], end: int, token: Token) -> None:
        """Scripts after a closing bracket, a bar, a number."""
        power: tuple[int, int] | None = None
        for kind, begin, until in scripts:
            first, last = self.tokens[begin], self.tokens[until - 1]
            if kind == "prime":
                self.out.append(Sign("PRIME", "'", first.start_pos or 0, last.end_pos or 0))
            elif kind == "sub":
                self._mark(base, begin, until)
            elif (pieces := self._pieces(begin, until)) is not None and all(what in ("prime", "transpose", "inverse") for what, _ in pieces):
                self._pieces_on(base, pieces, (first, last), self.out, [], "")
            else:
                power = (begin, until)
        self.place = end
        if power is not None:
            self._raise(power, end, "", "")

    def _mark(self, base: Sign, begin: int, until: int) -> None:
        """The 2 of `\\|x\\|_2`; any other subscript on a value asks for an entry."""
        text = self._subscript(begin, until)
        stop = self.tokens[until - 1].end_pos or 0
        if base.kind in ("BAR", "NORM"):
            named = {"infty": "inf", "∞": "inf", "F": "F", "Fro": "F", "fro": "F", "2": "2", "1": "1", "l2": "2", "L2": "2", "l_2": "2", "L_2": "2", "l1": "1", "L1": "1", "l_1": "1", "L_1": "1"}.get(text)
            if named is None:
                raise NotationError(f"there is no norm with the mark {text}", Span(self.source, self.tokens[begin].start_pos or 0, stop), "norms are ‖x‖, ‖x‖_1, ‖x‖_2, ‖x‖_F and ‖x‖_∞")
            base.text, base.stop = base.text + "_" + named, stop
            return
        whole = Span(self.source, self.tokens[begin].start_pos or 0, stop)
        if text == "+":
            raise NotationError("the part above 0 is not written _+ here", whole, "write \\max(0, x)")
        raise NotationError("entries of a value are not part of the notation yet", whole, "give the value a name first; a subscript belongs to a name")

    def _raise(self, content: tuple[int, int], end: int, indexed: str, text: str) -> None:
        """A superscript that may be an exponent: its content stands between two signs."""
        first, last = self.tokens[content[0]], self.tokens[content[1] - 1]
        sup = next((self.tokens[place] for place in range(content[0] - 1, -1, -1) if self.tokens[place].type == "SUP"), first)
        self.out.append(Sign("SCRIPT_OPEN", text, sup.start_pos or 0, (first.end_pos if first.type == "OPEN" else first.start_pos) or 0, indexed))

        def close() -> None:
            self.out.append(Sign("SCRIPT_CLOSE", "}", (last.start_pos if first.type == "OPEN" else last.end_pos) or 0, last.end_pos or 0))
            self.place = end

        self.enter(content, close)

    # -------------------------------------------------------------------------------------- what a script says, as text

    def _atoms(self, begin: int, end: int) -> list[str] | None:
        """What stands in a short script without any nesting: its signs one by one; None where it is more than that."""
        atoms: list[str] = []
        for place in range(begin, min(end, begin + LONGEST_INDEX + 1)):
            token = self.tokens[place]
            action, word = COMMANDS.get(token[1:], ("", "")) if token.type == "COMMAND" else ESCAPES.get(token[1:], ("", "")) if token.type == "ESCAPE" else ("", "")
            if token.type in ("LETTER", "DIGIT", "SYMBOL", "PRIME", "SMALL_TRANSPOSE", "COMPARISON", "SCRIPT_LETTERS", "DECIMAL"):
                atoms.append({"'": "′", "’": "′", "ᵀ": "⊤", "−": "-", "∗": "*"}.get(str(token), str(token)))
            elif token.type in ("SUB", "SUP"):
                atoms.append(str(token))
            elif action == "letter":
                atoms.append(word)
            elif word in _IN_INDEX or token[1:] in _IN_INDEX:
                atoms.append(_IN_INDEX.get(word) or _IN_INDEX[token[1:]])
            elif token.type not in ("OPEN", "CLOSE", "NEWLINE") and action not in ("nothing", "font", "word", "text", "left", "right", "size", "through"):
                return None
        return atoms if end - begin <= LONGEST_INDEX else None

    def _pieces(self, begin: int, end: int) -> list[tuple[str, str]] | None:
        """A superscript that is surely no exponent: `(l)T` is an index and a transpose; None where it may be one."""
        atoms = self._atoms(begin, end)
        if atoms == ["-", "T"] or atoms == ["-", "⊤"]:
            return [("inverse", "")]
        pieces: list[tuple[str, str]] = []
        place = 0
        while atoms is not None and place < len(atoms):
            atom = atoms[place]
            if atom in _BRACKETS and _BRACKETS[atom] in atoms[place:]:
                close = _partner(atoms, place)
                if close is None or any(a in ("/", "^") or "." in a for a in atoms[place + 1 : close]) or close == place + 1:
                    return None
                pieces.append(("index", "".join(atoms[place + 1 : close])))
                place = close
            elif atom == "⊤" or (atom == "T" and (place == len(atoms) - 1)):
                pieces.append(("transpose", ""))
            elif atom in ("′", "*"):
                pieces.append(("prime" if atom == "′" else "star", ""))
            elif not (atom == "^" and pieces and pieces[-1][0] == "index"):
                self._refuse_mark(atoms, begin, end)
                return None
            place += 1
        return pieces or None

    def _refuse_mark(self, atoms: Sequence[str], begin: int, end: int) -> None:
        whole = Span(self.source, self.tokens[begin].start_pos or 0, self.tokens[end - 1].end_pos or 0)
        upright = COMMANDS.get(self.tokens[begin][1:], ("", ""))[0] in ("word", "text") or (end - begin > 1 and COMMANDS.get(self.tokens[begin + 1][1:], ("", ""))[0] in ("word", "text"))
        if atoms[0] == "†" or (atoms == ["H"] and upright):
            raise NotationError("a conjugate transpose or pseudo-inverse is not part of the notation", whole, "^T transposes a real matrix, ^{-1} inverts a square one")

    def _index_text(self, begin: int, end: int) -> str:
        """What a superscript would be as an index; empty where it cannot be one."""
        atoms = self._atoms(begin, end)
        if not atoms or any(len(a) == 1 and not a.isalnum() and a not in "+-,:_" for a in atoms) or "." in "".join(atoms):
            return ""
        return "".join(atoms)

    def _subscript(self, begin: int, end: int) -> str:
        text = self._flat(*self.content((begin, end)))
        if not text:
            raise self.error(begin, "this subscript is empty", "take it away, or type what belongs there")
        if len(text) > LONGEST_NAME:
            raise self.error(begin, f"a name has at most {LONGEST_NAME} letters, its subscripts and accents included")
        return text

    def _flat(self, begin: int, end: int, sizes: bool = False) -> str:
        """Tokens as the text of a subscript: `t-1`, `i,j`, `model`; or of sizes, with their names kept apart."""
        parts: list[str] = []
        due: list[tuple[int, str]] = []
        place = begin
        while place < end:
            while due and due[-1][0] <= place:
                parts.append(due.pop()[1])
            token = self.tokens[place]
            action, word = COMMANDS.get(token[1:], ("", "")) if token.type == "COMMAND" else ESCAPES.get(token[1:], ("", "")) if token.type == "ESCAPE" else ("", "")
            if action == "accent":
                due.append((self.unit(place + 1)[1], f"_{word}"))
            elif action == "drop":
                place = self.unit(place + 1)[1] - 1
            elif token.type in ("LETTER", "DIGIT", "DECIMAL", "SYMBOL", "SCRIPT_LETTERS", "SMALL", "SMALL_POWER", "SUB", "SUP", "COMPARISON", "COLON_EQUALS", "DOUBLE_BAR"):
                parts.append("-" if token in ("−", "–") else str(token))
            elif token.type == "PRIME":
                parts.append("′")
            elif action == "letter":
                parts.append(word)
            elif action == "operator":
                parts.append(word)
            elif action == "sign" and word.startswith(("TIMES", "PRODUCT")):
                parts.append("×" if sizes or token == r"\times" else "*")
            elif token == r"\_":
                parts.append("_")
            elif word in _IN_INDEX or token[1:] in _IN_INDEX:
                parts.append("infty" if token == r"\infty" else _IN_INDEX.get(word) or _IN_INDEX[token[1:]])
            elif action in ("refuse",) or (token.type == "COMMAND" and not action):
                self._refuse_in_script(token, place)
            elif action not in ("nothing", "font", "word", "text", "left", "right", "size", "through", "") or token.type in ("MATH", "AMPERSAND"):
                raise self.error(place, f"{token} cannot stand in a subscript", "a subscript is a word, a number or an index: W_{in}, h_{t-1}")
            place += 1
        parts += [accent for _, accent in reversed(due)]
        return "".join(parts).strip()

    def _refuse_in_script(self, token: Token, place: int) -> None:
        name = token[1:]
        if name in REFUSED:
            message, hint = REFUSED[name]
            raise self.error(place, message, hint)
        near = nearest(name, [*COMMANDS, *spellings()])
        raise self.error(place, f"there is no command {token}", near.replace("mean ", "mean \\") if near else f"a word of your own is typed \\mathrm{{{name}}}")


_ARGUMENTS = {"font": 1, "word": 1, "text": 1, "accent": 1, "through": 1, "sqrt": 1, "fraction": 2, "above": 2, "brace": 1, "wrap": 1, "matrix": 1}
_OVER_ALL = "over all entries it is \\operatorname{sum}(x), down the rows \\operatorname{sum}(x, axis=0), along each row \\operatorname{sum}(x, axis=1)"
_STRANGE = {
    "!": ("factorials are not part of the notation", "the gamma function's logarithm is \\operatorname{lgamma}(n + 1)"),
    "…": REFUSED["ldots"],
    "∈": ("∈ is typed \\in here", "W \\in \\mathbb{R}^{3 \\times 4}"),
    "∑": ("∑ is typed \\sum here", "\\sum x"),
    "∏": ("∏ is typed \\prod here", "\\prod x"),
    "√": ("√ is typed \\sqrt here", "\\sqrt{x}"),
    "∞": REFUSED["infty"],
}
_STRANGE_ESCAPES = {"%": "a percentage is a number: 0.05", "&": "& separates the blocks of a matrix", "$": "a formula stands between $ and $", "#": "a comment starts with %"}


def _takes_digits(last: Sign) -> bool:
    """Whether a number right after this letter belongs to it: `W1`."""
    return last.kind == "LETTER" and last.text not in ("pi", "e") and names.parts(last.text) == names.Parts(last.text)


def _with_index(name: str, text: str) -> str:
    return _with_accent(name, "star") if text in ("*", "star") else names.with_subscript(name, text)


def _with_accent(name: str, accent: str) -> str:
    if accent in ("left", "ring", "breve", "acute", "grave"):
        return names.with_subscript(name, accent)
    return names.with_accent(name, accent)


def _inverse(start: int, stop: int) -> list[Sign]:
    return [Sign("SCRIPT_OPEN", "", start, start), Sign("SIGN", "-", start, start), Sign("NUMBER", "1", start, stop), Sign("SCRIPT_CLOSE", "", stop, stop)]


def _partner(atoms: Sequence[str], place: int) -> int | None:
    """Where the bracket at `place` is closed."""
    opened, closed, depth = atoms[place], _BRACKETS[atoms[place]], 0
    for at in range(place, len(atoms)):
        depth += (atoms[at] == opened) - (atoms[at] == closed)
        if depth == 0:
            return at
    return None


def spaced(text: str) -> str:
    """Full-width letters and signs as their ASCII, character for character."""
    return "".join(_FULL_WIDTH.get(c, c) for c in text) if not text.isascii() else text


_FULL_WIDTH = {chr(code): narrow for code in range(0xFF01, 0xFF5F) if len(narrow := unicodedata.normalize("NFKC", chr(code))) == 1} | {"。": ".", "、": ",", "｡": ".", "​": " "}
