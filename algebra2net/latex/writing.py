"""Signs → the tokens that the rules of grammar/latex.lark speak of.

In    the signs of a program
Out   tokens, statement after statement
Idea  first the brackets, then the statements, then what the whole program defines; only then each statement, by one
      loop with a stack of what is open
"""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

from algebra2net.errors import NotationError, Span
from algebra2net.latex.brackets import matched, span
from algebra2net.latex.calls import Calls
from algebra2net.latex.commands import REFUSED
from algebra2net.latex.definitions import Named, defines, is_spaced_out, name_at, survey
from algebra2net.latex.marks import Marks
from algebra2net.latex.statements import NAMES, SPACES, Splitting, Statement, in_order
from algebra2net.latex.tokens import Sign

MOST = 80_000  # signs


def tokens_of(signs: list[Sign], source: str, problem: NotationError | None) -> tuple[list[Token], NotationError | None]:
    """The tokens up to the first sign that cannot be meant, and what is to be said of that one.

    `problem` is what is to be said of the sign after the last.
    """
    if len(signs) > MOST:
        return [], NotationError(f"a program in LaTeX has at most {MOST:,} signs", Span(source, signs[MOST].start, signs[MOST].stop))
    signs = [sign for sign in signs if sign.kind != "GROUP"]
    signs, trouble = matched(signs, source, problem)
    signs = [sign for sign in signs if sign.kind != "GROUP"]
    problem = trouble or problem
    statements = Splitting(signs).statements()
    if problem is None:  # a statement that breaks off stands last
        statements = in_order(statements)
    drawn = next((sign for sign in signs if sign.kind == "SAMPLED"), None)
    if not statements and drawn is not None:
        return [], NotationError(REFUSED["sim"][0], span(drawn, source), REFUSED["sim"][1])
    writing = _Writing(source, survey(statements, is_spaced_out(source)), problem is not None)
    try:
        for statement in statements:
            writing.statement(statement)
    except NotationError as error:
        return writing.told, error
    return writing.told, problem


class _Writing(Marks, Calls):
    """Writes the tokens of one statement after the other."""

    def statement(self, statement: Statement) -> None:
        """The tokens of one statement."""
        self.signs, self.mates, self.open = statement.signs, statement.mates, []
        if self.told:
            at = statement.signs[0].start
            self._tell("_SEPARATOR", ";", at, at)
        if statement.is_where and not statement.equals and not statement.sizes:
            raise self.error(statement.signs[0], "where is followed by equations or shapes", "y = \\sigma(z) \\text{ where } z = W x, W \\in \\mathbb{R}^{3 \\times 4}")
        self.place = self._left_side(statement)
        while self.place < len(self.signs):
            sign = self.signs[self.place]
            self._loosen(sign)
            getattr(self, "_at_" + sign.kind.lower())(sign)
        self._close_loose()
        if self.open and not self.cut:
            raise self.error(self.open[-1].sign, f"this {self.open[-1].sign.text} is never closed", f"close it: {self.open[-1].sign.text}")

    def _left_side(self, statement: Statement) -> int:
        """Tell the names before the value; the place where the value begins."""
        if not statement.equals:
            return self._declared(statement) if statement.sizes else 0
        begin = 0
        for at in statement.equals:
            named = name_at(statement, begin, at, self.survey.spaced_out) if begin == 0 or at - begin < 40 else None
            if begin and named is not None and named.letters:
                named = None
            if named is None or named.stop < at or (named.first.kind == "OPERATOR" and named.stop == at):
                if begin:
                    break
                if named is None or named.stop == at or not defines(statement, named, at):
                    raise self._no_name(statement, at)
                self._definition(named, at)
                return at + 1
            if named.base and self.signs[named.script].text.isdecimal() and not self.survey.layered:
                raise self._no_name(statement, at)
            key = named.key + "'" * named.primes
            self._tell("NAME", key, named.first.start, self.signs[named.stop - 1].stop if named.base or named.primes else named.last.stop)
            self._tell("EQUALS", "=", self.signs[at].start, self.signs[at].stop)
            begin = at + 1
        return begin

    def _definition(self, named: Named, at: int) -> None:
        """`f(x, y) =`."""
        if named.primes:
            raise self.error(named.first, "a derivative cannot be defined", "define the function itself; its derivative comes out")
        self._tell("DEFINED", named.key, named.first.start, self.signs[named.stop - 1].stop)
        inside = Statement(self.signs[named.stop + 1 : at - 1])
        self._tell("LPAR", "(", self.signs[named.stop].start, self.signs[named.stop].stop)
        place = 0
        while place < len(inside.signs):
            if inside.signs[place].kind in SPACES:
                place += 1
                continue
            until = place
            while until < len(inside.signs) and inside.signs[until].kind not in ("COMMA", "SEMI"):
                until += 1
            stop = until
            while stop > place and inside.signs[stop - 1].kind in SPACES:
                stop -= 1
            parameter = name_at(inside, place, stop, self.survey.spaced_out)
            if parameter is None or parameter.stop < stop or parameter.letters or parameter.first.kind == "OPERATOR":
                raise self._no_parameter(inside.signs[place : max(stop, place + 1)])
            self._tell("NAME", parameter.key + "'" * parameter.primes, parameter.first.start, inside.signs[stop - 1].stop)
            if until < len(inside.signs):
                self._tell("COMMA", ",", inside.signs[until].start, inside.signs[until].stop)
            place = until + 1
        self._tell("RPAR", ")", self.signs[at - 1].start, self.signs[at - 1].stop)
        self._tell("EQUALS", "=", self.signs[at].start, self.signs[at].stop)

    def _no_parameter(self, signs: Sequence[Sign]) -> NotationError:
        whole = Span(self.source, signs[0].start, signs[-1].stop)
        if any(sign.kind == "BAR" for sign in signs):
            return NotationError("a conditional probability is not part of the notation", whole, "name the value itself: p = \\operatorname{softmax}(…)")
        return NotationError("a definition takes names as its arguments", whole, "f(x, y) = …")

    def _no_name(self, statement: Statement, at: int) -> NotationError:
        """Why what stands before the first = is no name."""
        head = self.signs[:at]
        if not head:
            return self.error(self.signs[at], "an equation needs a name before its =", "name what it computes: y = \\tanh(x W)")
        whole = Span(self.source, head[0].start, head[-1].stop)
        level = [sign for place, sign in enumerate(head) if not any(a < place < b for a, b in list(statement.mates.items())[:50])]
        if any(sign.kind == "COMMA" for sign in level):
            return NotationError("several names on the left side", whole, "one equation for each name, or a name for the blocks side by side")
        if any(sign.kind == "BAR" for sign in head) and any(sign.kind == "LPAR" for sign in head):
            return NotationError("a conditional probability is not part of the notation", whole, "name the value itself: p = \\operatorname{softmax}(…)")
        if head[0].kind in NAMES and len(head) > 1 and head[1].kind in ("TRANSPOSE", "SCRIPT_OPEN", "SMALL_POWER"):
            return NotationError("an equation defines a name, not a power or transpose of it", whole, "bring it to the other side, or give the left side a name of its own")
        unknown = self._odd_text(head)
        return unknown or NotationError("an equation needs a name before its =", whole, "give the left side a name of its own, or write == for a comparison")

    def _odd_text(self, signs: Sequence[Sign]) -> NotationError | None:
        odd = next((sign for sign in signs if sign.kind == "TEXT"), None)
        return self._stray_text(odd) if odd is not None else None

    def _declared(self, statement: Statement) -> int:
        """`W, V \\in \\mathbb{R}^{3 \\times 4}`: the names."""
        place = 0
        while place < len(self.signs) - 1:
            named = name_at(statement, place, len(self.signs) - 1, self.survey.spaced_out)
            if named is None:
                return 0
            stop = self.signs[named.stop - 1].stop
            self._tell("NAME", named.key + "'" * named.primes, named.first.start, stop)
            place = named.stop
            if self.signs[place].kind in ("COMMA", "TEXT"):
                self._tell("COMMA", ",", self.signs[place].start, self.signs[place].stop)
                place += 1
                while self.signs[place].kind in ("TEXT", "QUAD"):
                    place += 1
            elif self.signs[place].kind != "SIZES":
                return place
        return place
