"""The source of Python code, and Python's own tree of it.

In    code as people paste it: indented, with any line ends, mistyped
Out   Python's `ast`, and of each of its nodes the place in the source; what Python cannot read is refused in our words
Idea  Python counts lines and bytes of what it was given, people count characters of what they typed: one table of
      line starts turns the one into the other
"""

from __future__ import annotations

import ast
import bisect
import keyword
import re
import unicodedata
import warnings
from collections.abc import Sequence
from itertools import accumulate

from algebra2net.errors import NotationError, Span
from algebra2net.recognise import LONGEST

MOST_TOKENS = 1 << 17  # Python takes a kilobyte for each
_DEEP = ("this is nested too deeply", "give the inner values names of their own, on lines of their own")


class Text:
    """The source, and the way from Python's lines and bytes back to its characters."""

    def __init__(self, source: str) -> None:
        self.source = source
        breaks = [match.span() for match in re.finditer(r"\r\n|\r|\n", source)]
        self.starts = [0, *(stop for _, stop in breaks)]
        self.lines = [source[start:stop] for start, stop in zip(self.starts, [*(start for start, _ in breaks), len(source)], strict=True)]
        self.margins = [len(line) - len(line.lstrip(" \t\f\ufeff")) for line in self.lines]
        first = next((m for line, m in zip(self.lines, self.margins, strict=True) if line[m : m + 1] not in ("", "#")), 0)
        self.cut = [min(first, margin) for margin in self.margins]  # what is taken off the front of each line
        self._bytes: dict[int, Sequence[int]] = {}  # of each line, the byte that each character starts at

    def code(self) -> str:
        """What Python reads: an indented program moved to the left."""
        return "\n".join(line[cut:] for line, cut in zip(self.lines, self.cut, strict=True))

    def at(self, line: int, byte: int) -> int:
        """The character at a line, from 1, and a byte of it, from 0."""
        place = min(max(line, 1), len(self.lines)) - 1
        if place not in self._bytes:
            text = self.lines[place][self.cut[place] :]
            self._bytes[place] = range(len(text) + 1) if text.isascii() else [0, *accumulate(len(character.encode("utf8")) for character in text)]
        starts = self._bytes[place]
        return self.starts[place] + self.cut[place] + min(byte if isinstance(starts, range) else bisect.bisect_left(starts, byte), len(starts) - 1)

    def character(self, line: int, character: int) -> int:
        """The character at a line, from 1, and a character of it, from 0."""
        place = min(max(line, 1), len(self.lines)) - 1
        return self.starts[place] + min(self.cut[place] + max(character, 0), len(self.lines[place]))

    def start_of(self, line: int) -> Span:
        """The first character of a line, from 1, that is no space."""
        place = min(max(line, 1), len(self.lines)) - 1
        start = self.starts[place] + self.margins[place]
        return Span(self.source, start, min(start + 1, len(self.source)))

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.arg) -> Span:
        """Where `node` stands."""
        return Span(self.source, self.at(node.lineno, node.col_offset), self.at(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset))

    def shown(self, node: ast.expr) -> str:
        """What was typed there, on one line and not too long."""
        return short(self.span(node).text)

    def word(self, node: ast.stmt) -> Span:
        """The first word of `node`: of a loop, its `for`."""
        start = self.span(node).start
        match = re.compile(r"\w+|.", re.DOTALL).match(self.source, start)
        return Span(self.source, start, match.end() if match else start)

    def name(self, node: ast.FunctionDef) -> Span:
        """The name of a function where it is defined."""
        match = re.compile(r"def\s+(\w+)").search(self.source, self.span(node).start)
        return Span(self.source, *match.span(1)) if match else self.word(node)

    def between(self, left: ast.expr, right: ast.expr, sign: str) -> Span:
        """The operator sign between two operands."""
        start, stop = self.span(left).stop, self.span(right).start
        sign = re.escape(sign)
        match = re.compile(rf"(?:#[^\n]*|(?!{sign})[^#])*?({sign})").match(self.source, start, stop)
        return Span(self.source, *match.span(1)) if match else Span(self.source, start, stop)


def short(text: str) -> str:
    """`text` on one line, as long as a message takes."""
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


def parsed(text: Text) -> ast.Module:
    """Python's own tree. No text is deep or long enough to bring it down.

    Raises NotationError where Python cannot read it.
    """
    source = text.source
    if len(source) > LONGEST or (len(source) > MOST_TOKENS and sum(1 for _ in re.finditer(r"\w+|[^\w\s]", source)) > MOST_TOKENS):
        raise NotationError("this program is too long", None, f"at most {LONGEST:,} characters and {MOST_TOKENS:,} words and signs are read")
    strange = re.search("[\0\ud800-\udfff]", source)
    if strange:
        raise _strange(strange[0], Span(source, *strange.span()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _tree(text)
    except SyntaxError as error:
        raise _syntax(error, text) from None
    except (RecursionError, MemoryError):
        longest = max(range(len(text.lines)), key=lambda place: len(text.lines[place]))
        raise NotationError(_DEEP[0], text.start_of(longest + 1), _DEEP[1]) from None


def _tree(text: Text) -> ast.Module:
    try:
        return ast.parse(text.code())
    except IndentationError as error:
        if "unexpected indent" not in error.msg or any(re.search(r":\s*(#.*)?$", line) for line in text.lines):
            raise
    text.cut = text.margins  # equations, each on a line of its own: how far to the right means nothing
    return ast.parse(text.code())


# ----------------------------------------------------------------------------------------- what Python says, in our words

_SIGN_HINTS = {
    **dict.fromkeys("∘⊙", "an elementwise product is written *"), **dict.fromkeys("·⋅", "a matrix product is written @"),
    **dict.fromkeys("≤≥≠", "comparisons are written <=, >= and !="), **dict.fromkeys("ᵀ⊤′’", "a transpose is written x.T"),
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "a power is written x**2, an inverse np.linalg.inv(A)"), **dict.fromkeys("∑Σ", "write np.sum(x)"),
    **dict.fromkeys("“”‘", "names and numbers need no quotes"), **dict.fromkeys("₀₁₂₃₄₅₆₇₈₉", "Python writes W_0 for W₀"),
    "×": "a product is written * (elementwise) or @ (of matrices)", "−": "a minus is written -", "√": "write np.sqrt(x)", "\0": "take it away",
    "$": 'this looks like LaTeX: notation="latex" reads it',
}  # fmt: skip


def _strange(character: str, span: Span) -> NotationError:
    named = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    shown = f"{character} ({named})" if character.isprintable() else f"an invisible character ({named})"
    return NotationError(f"{shown} means nothing in Python", span, _SIGN_HINTS.get(character, 'notation="plain" reads the signs of mathematics'))


# What Python says of a text that it cannot read, what we say, and the way out; \1 is what stands in brackets on the left.
_SYNTAX = [
    (r"'(.)' was never closed", r"this \1 is never closed", "close it"),
    (r"unmatched '(.)'", r"this \1 closes nothing", "take it away, or open it"),
    (r"closing parenthesis '(.)' does not match opening parenthesis '(.)'.*", r"\2 is closed by \1", "close what was opened last first"),
    (r"unterminated (?:triple-quoted )?(?:string|f-string).*", "this quote is never closed", "a transpose is written x.T in Python"),
    (r"invalid (?:decimal|hexadecimal|octal|binary|imaginary) literal|leading zeros.*", "this is no number", "a product has a sign in Python: 2 * x; a name starts with a letter"),
    (r"cannot assign to function call.*", "a function is not defined with = alone", "def relu(x): return np.maximum(0, x)"),
    (r"cannot assign to .*|.* is an illegal expression for .*", "an equation needs a name before its =", "name what it computes: y = x @ W"),
    (r"expected ':'", "a : is missing here", "def forward(x, W): return x @ W"),
    (r"expected an indented block.*", "the lines of a function are indented", "def forward(x, W): return x @ W"),
    (r"unexpected indent", "this line stands further right than the one before it", "start every statement in the same column"),
    (r"unindent does not match.*|inconsistent use of tabs.*", "this line stands in no column that a line before it stands in", "indent with spaces, all lines alike"),
    (r"unexpected character after line continuation.*", r"a \\ ends its line", 'this looks like LaTeX: notation="latex" reads it'),
    (r"too many nested parentheses|too many levels.*|.*too complex.*", *_DEEP),
    (r".*string conversion.*", "this number is too long", "a float64 has 17 digits: 1.5e300"),
    (r"Missing parentheses in call.*", "this is Python 2", "print(x), or leave the line out"),
    (r"expected 'else'.*", "an if without its else is no value", "np.where(condition, a, b)"),
    (r"positional argument follows keyword.*", "an argument without a name cannot follow one with a name", "np.sum(x, axis=1)"),
]  # fmt: skip
_PRODUCT = "a product has a sign in Python: x @ W of matrices, x * y entry by entry"


def _syntax(error: SyntaxError, text: Text) -> NotationError:
    """Python's SyntaxError in our words, at its place."""
    said, span = error.msg or "invalid syntax", _place(error, text)
    if re.fullmatch(r"invalid (?:non-printable )?character.*", said, re.DOTALL) and span.text:
        return _strange(span.text[0], Span(text.source, span.start, span.start + 1))
    for pattern, message, hint in _SYNTAX:
        match = re.fullmatch(pattern, said, re.DOTALL)
        if match:
            return NotationError(match.expand(message), span, hint)
    return _misplaced(span, text)


def _place(error: SyntaxError, text: Text) -> Span:
    line = error.lineno or 1
    if isinstance(error, IndentationError):
        return text.start_of(line)
    long_number = re.search(r"\d{4301,}", text.source) if "string conversion" in (error.msg or "") else None
    if long_number:
        return Span(text.source, *long_number.span())
    start = text.character(line, (error.offset or 1) - 1)
    stop = text.character(error.end_lineno or line, (error.end_offset or 1) - 1)
    return Span(text.source, start, min(max(start + 1, stop), len(text.source)))


def _misplaced(span: Span, text: Text) -> NotationError:
    """Why Python cannot go on at `span`, where all it says is that the syntax is invalid."""
    before = text.source[max(0, span.start - 200) : span.start]
    match = None if re.search(r"#[^\n]*$", before) else re.search(r"(\w+|\S)[ \t]*$", before)
    previous, found = match[1] if match else "", short(span.text)
    for stands, message, hint in (
        (found.startswith(">>"), ">>> is no part of a program", "paste the lines without their prompts"),
        (found.startswith("`"), "` is no part of a program", "paste the code without the marks around it"),
        (re.match(r"[\w.)\]]+ [\w(]", found), f"a sign or a comma is missing in {found}", _PRODUCT),
        (keyword.iskeyword(previous) and previous not in _BEFORE_VALUES, f"{previous} is a word of Python's own", f"give the value another name: {previous}_"),
        (re.match(r"[\w(]", found) and re.match(r"[\w)\]]", previous), f"a sign is missing between {previous} and {found}", _PRODUCT),
        (re.match(r"[-+*/@=,(\[<>.]", previous) and not found, f"a value is missing after {previous}", _MISSING),
        (re.match(r"[-+*/@=,(\[<>.]", previous) and not re.match(r"\w", found), f"a value is missing after {previous} before {found}", _MISSING),
    ):
        if stands:
            return NotationError(message, span, hint)
    return NotationError(f"{found or 'the end of the line'} cannot stand here", span, "Python cannot read this")


_MISSING = "type what belongs there, or take the sign away"
_BEFORE_VALUES = ("return", "and", "or", "not", "in", "is", "if", "else")
