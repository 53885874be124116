r"""LaTeX → the tree.

In    equations as people typeset them: papers, notebooks, course notes, scanned pages (`r e l u \left( l _ { 0 } \right)`)
Out   the statements that the same program in plain notation gives, every node with its span
Idea  the three steps of read.py: grammar/latex.lark's terminals cut the source; the rooms in latex/
      say what the pieces are; its rules build the tree
"""

from __future__ import annotations

from typing import Any

from lark import Lark, Token

from algebra2net.errors import NotationError, Span
from algebra2net.grammars import StrangeCharacterError, cut, parser
from algebra2net.latex.signs import signs, spaced
from algebra2net.latex.writing import tokens_of
from algebra2net.notation import Call, Declaration, Name, Statement, Value
from algebra2net.read import _build, _Builder, _sizes, _span, _strange

_KEPT = (
    "COMMAND", "ROW_BREAK", "ESCAPE", "MATH", "OPEN", "CLOSE", "SUB", "SUP", "PRIME", "EXPONENT", "DECIMAL", "DIGIT", "SCRIPT_LETTERS", "LETTER", "SMALL", "SMALL_TRANSPOSE",
    "COLON_EQUALS", "COMPARISON", "ELLIPSIS", "DOTTED", "DOUBLE_BAR", "AMPERSAND", "BLANK", "NEWLINE", "FENCE", "SYMBOL",
)  # fmt: skip
MOST = 120_000  # tokens


def read_latex(source: str) -> tuple[Statement, ...]:
    """The statements of a program in LaTeX.

    Raises NotationError where the text cannot be meant.
    """
    tokens, strange = _cut(parser("latex", _KEPT), source)
    found, problem = signs(tokens, source, strange)
    told, trouble = tokens_of(found, source, problem)
    statements = _build(told, _LatexBuilder(source), parser("latex", _KEPT), trouble, _unexpected)
    if trouble is not None:
        raise trouble
    return statements


def _cut(lark: Lark, source: str) -> tuple[list[Token], NotationError | None]:
    """The tokens up to the first character that means nothing, and what is to be said of that one."""
    tokens: list[Token] = []
    try:
        for token in cut(lark, spaced(source)):
            tokens.append(token)
            if len(tokens) > MOST:
                raise NotationError(f"a program in LaTeX has at most {MOST:,} signs", _span(token, source))
    except StrangeCharacterError as error:
        return tokens, _strange(source, error.place)
    return tokens, None


class _LatexBuilder(_Builder):
    """The rules that plain notation has not."""

    def equation(self, parts: list[Any]) -> Any:
        """`h = \\sigma(W x) \\in \\mathbb{R}^n` declares h, too."""
        if not isinstance(parts[-1], Token) or parts[-1].type != "SIZES":
            return super().equation(parts)
        first, *rest = super().equation(parts[:-1])
        return (first, *rest, Declaration(first.names[0], _sizes(parts[-1], self._span(parts[-1])), self.span(parts)))

    def definition(self, parts: list[Any]) -> Any:
        """The shape of what a function gives follows from its body."""
        return super().definition([part for part in parts if not isinstance(part, Token) or part.type != "SIZES"])

    def declarations(self, parts: list[Any]) -> tuple[Declaration, ...]:
        sizes = _sizes(parts[-1], self._span(parts[-1]))
        return tuple(Declaration(part, sizes, self.span([part, parts[-1]])) for part in parts if isinstance(part, Name))

    def between(self, parts: list[Any]) -> Call:
        """`0 \\le x < 1`: both at once."""
        low, first, middle, second, high = parts
        left, right = self.binary([low, first, middle]), self.binary([middle, second, high])
        return self.make("times", (left, right), parts, first)

    def both(self, parts: list[Any]) -> Call:
        return self.make("times", (parts[0], parts[2]), parts, parts[1])

    def raised_to(self, parts: list[Any]) -> Call:
        call = self.raised([parts[0], parts[1], parts[3]])
        return Call(call.function, call.arguments, self.span(parts) + parts[0].span, (), call.sign)

    def fraction(self, parts: list[Any]) -> Call:
        return self.make("divide", (parts[2], parts[5]), parts, parts[0])

    def call_raised(self, parts: list[Any]) -> Call:
        function, sign, _, exponent, _, *arguments = parts
        return self.make("power", (self.call([function, *arguments]), exponent), parts, sign)

    def bare_raised(self, parts: list[Any]) -> Call:
        function, sign, _, exponent, _, argument = parts
        return self.make("power", (self.bare([function, argument]), exponent), parts, sign)

    def row_of_cases(self, parts: list[Any]) -> tuple[Value, ...]:
        return tuple(part for part in parts if not isinstance(part, Token))

    def cases(self, parts: list[Any]) -> Value:
        """`where`, the last row the otherwise."""
        rows = [part for part in parts if isinstance(part, tuple)]
        value: Value = rows[-1][0]
        for row in reversed(rows[:-1]):
            if len(row) < 2:
                raise NotationError("this row of cases says not when it holds", row[0].span, "x, & x > 0; only the last row goes without")
            value = self.make("where", (row[1], row[0], value), parts, parts[0])
        return value


_OPENING = ("LPAR", "LBRACKET", "BAR_OPEN", "NORM_OPEN", "CASES_OPEN")
_WAITING = ("SIGN", "TIMES", "PRODUCT", "DIVIDE", "COMPARE", "POWER", "EQUALS", "COMMA", "BARE", "ROW", "BESIDE", "CONDITION", "AND", "_SEPARATOR", *_OPENING)
_CLOSING = ("RPAR", "RBRACKET", "BAR_CLOSE", "NORM_CLOSE", "CASES_CLOSE", "COMMA", "ROW", "_SEPARATOR", "BESIDE", "CONDITION", "SIZES", "TRANSPOSE", "POWER")


def _unexpected(token: Token, before: Token | None, source: str) -> NotationError:
    """Why the rules cannot go on at `token`."""
    ended = token.type == "$END"
    at = (before.end_pos or 0) if before is not None else 0
    span = Span(source, at, at) if ended else _span(token, source)
    if (before is None or before.type in _WAITING) and (ended or token.type in _CLOSING or token.type in _WAITING):
        shown = "" if before is None else source[before.start_pos : before.end_pos].strip()
        after = f" after {shown}" if shown and before is not None and before.type != "_SEPARATOR" else ""
        until = source[token.start_pos : token.end_pos].strip() if not ended else ""
        return NotationError(f"a value is missing{after}{f' before {until}' if until else ''}", span, "type what belongs there, or take the sign away")
    return NotationError(*_REASONS.get(token.type, (f"{token or 'this'} cannot stand here", None))[:1], span, _REASONS.get(token.type, ("", None))[1])


_REASONS: dict[str, tuple[str, str | None]] = {
    "EQUALS": ("two = in one equation", "write two equations, each on a row of its own; a chain a = b = value takes names alone"),
    "COMPARE": ("too many comparisons in one", "compare two or three values at a time"),
    "COMMA": ("a comma separates the arguments of a function or the blocks in [ ] alone", "each equation stands on a row of its own: \\\\"),
    "SIZES": ("a shape belongs to a name", "W \\in \\mathbb{R}^{3 \\times 4}"),
    "OPTION": ("an option is given to a function", "\\operatorname{sum}(x, axis=1)"),
    "$END": ("the equation ends too soon", None),
}
