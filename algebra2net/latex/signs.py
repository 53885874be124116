r"""LaTeX source → signs: what stands on the paper, freed of how it was set.

In    the tokens of grammar/latex.lark's terminals
Out   signs: names with their subscripts, indices and accents put together (`\hat{\mathbf y}_i^{(2)}` is one), numbers,
      operators, delimiters, rows; and, where a token cannot be meant, what is to be said of it
Idea  one loop over the tokens, and for each look of a token and each action of a command one short method

Whether a letter's superscript is an index or an exponent, whether letters spell a function, and where a statement
ends is for the rooms after this one to say.
"""

from __future__ import annotations

import unicodedata

from lark import Token

from algebra2net.errors import NotationError, Span, nearest
from algebra2net.latex.commands import COMMANDS, COMPARISONS, DELIMITERS, ESCAPES, REFUSED, SYMBOLS, Meaning, called
from algebra2net.latex.structures import Structures
from algebra2net.latex.tokens import Sign
from algebra2net.operators import spellings

LONGEST_NORM = 2000  # signs in braces that a norm's mark may follow


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


def spaced(text: str) -> str:
    """Full-width letters and signs as their ASCII, character for character."""
    return "".join(_FULL_WIDTH.get(c, c) for c in text) if not text.isascii() else text


class _Reading(Structures):
    """The loop."""

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

    def _at_ellipsis(self, token: Token) -> None:
        raise self.error(self.place, *REFUSED["ldots"])

    def _at_dotted(self, token: Token) -> None:
        self.place += 1
        self.emit("TIMES" if token == ".*" else "DIVIDE", token[1:], token)

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
        elif text != "~":
            message, hint = _STRANGE.get(text, (f"{text} means nothing here", None))
            raise self.error(self.place - 1, message, hint)

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
        following = self._at(self.skipped(end + 1))
        if word == "arg" and following in (r"\max", r"\min"):
            end = self.skipped(end + 1)
            message, hint = REFUSED["arg" + str(following)[1:]]
        raise NotationError(message, Span(self.source, token.start_pos or 0, self.tokens[end].end_pos or 0), hint)

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

    def _do_script(self, token: Token, word: str) -> None:
        self._at_sub(token)


_STRANGE: dict[str, tuple[str, str | None]] = {
    "@": ("@ means nothing here", "a matrix product is written W x or W \\cdot x"),
    "#": ("# means nothing here", "a comment starts with %"),
    "!": ("factorials are not part of the notation", "the gamma function's logarithm is \\operatorname{lgamma}(n + 1)"),
    "∈": ("∈ is typed \\in here", "W \\in \\mathbb{R}^{3 \\times 4}"),
    "∑": ("∑ is typed \\sum here", "\\sum x"),
    "∏": ("∏ is typed \\prod here", "\\prod x"),
    "√": ("√ is typed \\sqrt here", "\\sqrt{x}"),
    "∞": REFUSED["infty"],
}
_STRANGE_ESCAPES = {"%": "a percentage is a number: 0.05", "&": "& separates the blocks of a matrix", "$": "a formula stands between $ and $", "#": "a comment starts with %"}
_FULL_WIDTH = {chr(code): narrow for code in range(0xFF01, 0xFF5F) if len(narrow := unicodedata.normalize("NFKC", chr(code))) == 1} | {"。": ".", "、": ",", "｡": ".", "​": " "}
