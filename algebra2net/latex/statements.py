"""Where one statement ends and the next begins.

In    the signs of a whole program
Out   its statements, without punctuation, numbers and remarks; what follows `where` before what uses it
Idea  a row, a display, a blank line end a statement; a comma, a space or an & do where an equation begins after them
"""

from __future__ import annotations

from dataclasses import dataclass, field

from algebra2net.latex.brackets import CLOSES, OPENS, mates
from algebra2net.latex.tokens import Sign

NAMES = ("LETTER", "WORD")
BINARY = ("SIGN", "PRODUCT", "TIMES", "DIVIDE", "COMPARE", "AND")
SPACES = ("QUAD", "AMP", "NEWLINE", "GROUP", "BREAK")
_REMARKS = ("QUAD", "AMP", "COMMA", "PERIOD", "SEMI", "COMMENT", "NEWLINE")
_ENDS_SIGNS = {"LETTER", "WORD", "NUMBER", "PRIME", "TRANSPOSE", "SMALL_POWER", "BAR", "NORM", "SIZES", "SAMPLED", *CLOSES}


@dataclass(slots=True)
class Statement:
    """One statement: its signs, where its = stand outside of brackets, and whether it came after `where`."""

    signs: list[Sign]
    is_where: bool = False
    mates: dict[int, int] = field(default_factory=dict)
    equals: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mates = mates(self.signs)
        place = 0
        while place < len(self.signs):
            if self.signs[place].kind == "EQUALS":
                self.equals.append(place)
            place = self.mates.get(place, place) + 1

    @property
    def sizes(self) -> bool:
        """Whether it declares a shape."""
        return bool(self.signs) and self.signs[-1].kind == "SIZES"


class Splitting:
    """Cuts the signs at whatever ends a statement."""

    def __init__(self, signs: list[Sign]) -> None:
        self.signs = signs
        self.mates = mates(signs)
        self.begins = self._beginnings()
        self.rows_of_equations: set[int] = set()  # the ends of `cases` that only stack equations
        self.done: list[Statement] = []
        self.now: list[Sign] = []
        self.has_equation = False
        self.where = False

    def _beginnings(self) -> list[bool]:
        """For each place, whether a statement with a = or ∈ of its own begins there."""
        count = len(self.signs)
        named = [False] * (count + 1)  # after a name: whether = or ∈ follows what belongs to the left side
        equals = [False] * (count + 1)
        begins = [False] * (count + 1)
        for place in range(count - 1, -1, -1):
            kind = self.signs[place].kind
            after = self.mates.get(place, place) + 1
            equals[place] = kind == "EQUALS" or (kind in SPACES and equals[place + 1])
            named[place] = (
                equals[place]
                or kind in ("SIZES", "SAMPLED")
                or (kind in (*SPACES, *NAMES, "PRIME", "TRANSPOSE") and named[place + 1])
                or (kind == "SCRIPT_OPEN" and named[after])
                or (kind in ("LPAR", "LBRACKET") and equals[after])
            )
            begins[place] = (kind in (*NAMES, "OPERATOR") and named[place + 1]) or (kind in (*SPACES, "TEXT", "LABEL") and begins[place + 1])
        return begins

    def statements(self) -> list[Statement]:
        """All of them, in the order of the text."""
        place = 0
        while place < len(self.signs):
            sign = self.signs[place]
            if sign.kind == "CASES_OPEN" and self._stacks_equations(place):
                self.rows_of_equations.add(self.mates[place])
            elif sign.kind in OPENS:
                end = self.mates[place]
                self.now += self.signs[place : end + 1]
                place = end
            elif place not in self.rows_of_equations:
                self._at(sign, place)
            place += 1
        self._finish()
        return self.done

    def _stacks_equations(self, place: int) -> bool:
        if any(sign.kind not in _REMARKS for sign in self.now):
            return False
        at = place + 1
        while at < self.mates[place]:
            if self.signs[at].kind == "EQUALS":
                return True
            if self.signs[at].kind == "AMP" and not self.begins[place + 1]:
                return False
            at = self.mates.get(at, at) + 1
        return False

    def _at(self, sign: Sign, place: int) -> None:
        kind = sign.kind
        follows = self.begins[place + 1]
        complete = self.has_equation and bool(self.now) and self.now[-1].kind in (*_ENDS_SIGNS, *_REMARKS)
        if kind == "BREAK" or (kind == "ROW" and not self._goes_on(place + 1)) or (kind == "SEMI" and (follows or self.has_equation)):
            self._finish(strong=kind != "SEMI")
        elif kind == "TEXT" and sign.text == "where":
            self._finish()
            self.where = True
        elif (kind in (*SPACES, "COMMA", "PERIOD", "LABEL") or (kind == "TEXT" and sign.text == "and")) and follows and complete:
            self._finish()
        elif kind not in ("ROW", "NEWLINE") and not (kind == "TEXT" and sign.text == "and" and not self.now):
            self.now.append(sign)
            self.has_equation |= kind in ("EQUALS", "SIZES", "SAMPLED")

    def _goes_on(self, place: int) -> bool:
        """Whether the next row continues this one."""
        last = next((sign for sign in reversed(self.now) if sign.kind not in _REMARKS), None)
        if last is None:
            return False
        if self.begins[place]:
            return False
        while place < len(self.signs) and self.signs[place].kind in ("QUAD", "AMP", "NEWLINE"):
            place += 1
        following = self.signs[place].kind if place < len(self.signs) else ""
        return last.kind in (*BINARY, "EQUALS", "FRACTION", "OPERATOR") or following in (*BINARY, "EQUALS")

    def _finish(self, strong: bool = False) -> None:
        statement = _trimmed(self.now)
        if statement and not _draws(statement):
            self.done.append(Statement(statement, self.where))
        if strong and statement:
            self.where = False
        self.now, self.has_equation = [], False


def _draws(signs: list[Sign]) -> bool:
    """`\\epsilon \\sim \\mathcal{N}(0, I)` says nothing but that ε is an input."""
    return signs[-1].kind == "SAMPLED" and all(sign.kind in (*NAMES, "COMMA", "SAMPLED") for sign in signs)


def _trimmed(signs: list[Sign]) -> list[Sign]:
    """A statement without its punctuation, its number and the remarks after it."""
    begin, end = 0, len(signs)
    while begin < end and signs[begin].kind in (*_REMARKS, "LABEL"):
        begin += 1
    if [sign.kind for sign in signs[begin : begin + 3]] == ["LPAR", "NUMBER", "RPAR"] and signs[begin + 3 : begin + 4] and signs[begin + 3].kind in ("QUAD", "AMP"):
        begin += 4
    equation = any(sign.kind == "EQUALS" for sign in signs)
    while end > begin:
        last = signs[end - 1]
        before = signs[end - 2].kind if end - 1 > begin else ""
        numbered = [sign.kind for sign in signs[max(end - 4, begin) : end]]
        if last.kind in _REMARKS or (last.kind == "WORD" and last.origin == "text" and equation and before in ("QUAD", "AMP")):
            end -= 1
        elif len(numbered) == 4 and numbered[0] in _REMARKS and numbered[1:] == ["LPAR", "NUMBER", "RPAR"]:
            end -= 3
        else:
            break
    kept: list[Sign] = []
    depth = 0
    for sign in signs[begin:end]:
        depth += (sign.kind in OPENS) - (sign.kind in CLOSES)
        if depth > 0 or sign.kind not in ("QUAD", "AMP"):
            kept.append(sign)
    return kept


def in_order(statements: list[Statement]) -> list[Statement]:
    """What follows `where` stands before what uses it."""
    ordered: list[Statement] = []
    for statement in statements:
        name = statement.signs[0].text
        if not (statement.is_where and statement.equals and ordered) or len(ordered) > 200:
            ordered.append(statement)
            continue
        users = (at for at, other in enumerate(ordered) if any(sign.text == name and sign.kind in NAMES for sign in other.signs))
        ordered.insert(next(users, len(ordered) - 1), statement)
    return ordered
