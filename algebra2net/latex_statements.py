r"""Signs → the tokens that the rules of grammar/latex.lark speak of.

In    the signs of latex_signs.py
Out   tokens, statement after statement: which row, comma or space ends an equation, which name is defined, which
      letters spell a function, which superscript is an index, which bar opens
Idea  first the brackets, then the statements, then what the whole program defines; only then each statement, by one
      loop with a stack of what is open
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lark import Token

from algebra2net import names
from algebra2net.errors import NotationError, Span, nearest
from algebra2net.latex_commands import NETWORKS, called
from algebra2net.latex_signs import Sign
from algebra2net.operators import OPERATORS, spellings
from algebra2net.read import FUNCTION_LETTERS

MOST = 80_000  # signs
LONGEST_WORD = 24  # letters of a word that is typed without \mathrm
_OPENS = {
    "LPAR": "RPAR", "LBRACKET": "RBRACKET", "LSET": "RSET", "LGROUP": "RGROUP", "LANGLE": "RANGLE", "LFLOOR": "RFLOOR", "LCEIL": "RCEIL",
    "SCRIPT_OPEN": "SCRIPT_CLOSE", "CASES_OPEN": "CASES_CLOSE",
}  # fmt: skip
_CLOSES = set(_OPENS.values())
_CALLS = ("LPAR", "LBRACKET", "LSET", "LGROUP")
_NAMES = ("LETTER", "WORD")
_BINARY = ("SIGN", "PRODUCT", "TIMES", "DIVIDE", "COMPARE", "AND")
_BEGINS = {"LETTER", "WORD", "OPERATOR", "NUMBER", "FRACTION", "BAR", "NORM", "SUM", "INDICATOR", *_OPENS} - {"SCRIPT_OPEN"}
_ENDS = {"NAME", "NUMBER", "TRANSPOSE", "SMALL_POWER", "RPAR", "RBRACKET", "BAR_CLOSE", "NORM_CLOSE", "CASES_CLOSE"}
_ENDS_SIGNS = {"LETTER", "WORD", "NUMBER", "PRIME", "TRANSPOSE", "SMALL_POWER", "BAR", "NORM", "SIZES", *_CLOSES}
_SPACES = ("QUAD", "AMP", "NEWLINE", "GROUP", "BREAK")
_REMARKS = ("QUAD", "AMP", "COMMA", "PERIOD", "SEMI", "COMMENT", "NEWLINE")
_STOPS_SUM = {"SIGN", "COMPARE", "EQUALS", "COMMA", "SEMI", "ROW", "AMP", "TEXT", "SIZES", "AND", *_CLOSES}
_CHAIN = {"NUMBER", "LETTER", "SCRIPT_OPEN", "TRANSPOSE", "PRIME", "SMALL_POWER"}
_DECAYS = ("alpha", "beta", "gamma", "lambda", "rho", "mu")  # what is raised to the t-th power
_PARAMETERS = ("pi", "theta", "phi", "psi")  # Greek letters that people write as an index above
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "sinh": "arcsinh", "cosh": "arccosh", "tanh": "arctanh"}


def tokens_of(signs: list[Sign], source: str, problem: NotationError | None) -> tuple[list[Token], NotationError | None]:
    """The tokens up to the first sign that cannot be meant, and what is to be said of that one.

    `problem` is what is to be said of the sign after the last.
    """
    if len(signs) > MOST:
        return [], NotationError(f"a program in LaTeX has at most {MOST:,} signs", Span(source, signs[MOST].start, signs[MOST].stop))
    signs = [sign for sign in signs if sign.kind != "GROUP"]
    signs, trouble = _matched(signs, source, problem)
    problem = trouble or problem
    statements = _in_order(_Splitting(signs).statements())
    writing = _Writing(source, _survey(statements, _is_spaced_out(source)), problem is not None)
    try:
        for statement in statements:
            writing.statement(statement)
    except NotationError as error:
        return writing.told, error
    return writing.told, problem


# ------------------------------------------------------------------------------------------------------- the brackets


def _matched(signs: list[Sign], source: str, problem: NotationError | None) -> tuple[list[Sign], NotationError | None]:
    """The signs up to the first bracket without its partner, and what is to be said of that one."""
    opened: list[Sign] = []
    rows: set[int] = set()  # brackets that a row ends in
    for place, sign in enumerate(signs):
        if sign.kind in _OPENS:
            opened.append(sign)
        elif sign.kind == "NULL":
            sign.kind = "GROUP"
            if opened and opened[-1].kind == "LSET":
                opened.pop()
                sign.kind = "RSET"
        elif sign.kind in _CLOSES:
            if not opened or _OPENS[opened[-1].kind] != sign.kind:
                return signs[:place], _mismatch(sign, opened, source)
            opened.pop()
        elif sign.kind == "ROW" and opened:
            rows.add(id(opened[-1]))
        elif opened and ((sign.kind == "EQUALS" and id(opened[-1]) in rows and opened[-1].kind in ("LPAR", "LSET")) or (sign.kind == "BREAK" and sign.text[:1] in "$\\")):
            return signs[:place], _unclosed(opened[-1], source)
    if opened and problem is None:
        return signs, _unclosed(opened[-1], source)
    return signs, None


def _span(sign: Sign, source: str) -> Span:
    return Span(source, sign.start, sign.stop)


def _mismatch(sign: Sign, opened: Sequence[Sign], source: str) -> NotationError:
    if opened and sign.kind in ("RGROUP", "SCRIPT_CLOSE", "CASES_CLOSE", "RBRACKET") and (sign.kind != "RBRACKET" or sign.text.startswith(r"\end")):
        return _unclosed(opened[-1], source)
    if not opened or opened[-1].kind in ("LGROUP", "SCRIPT_OPEN", "CASES_OPEN") or opened[-1].text.startswith(r"\begin"):
        if sign.text.startswith(r"\right"):
            return NotationError(f"this {sign.text} has no \\left", _span(sign, source), "take it away, or open it: \\left(")
        return NotationError(f"this {sign.text} closes nothing", _span(sign, source), "take it away, or open it")
    return NotationError(f"{opened[-1].text} is closed by {sign.text}", _span(sign, source), also=[("it was opened here:", _span(opened[-1], source))])


def _unclosed(sign: Sign, source: str) -> NotationError:
    if sign.text.startswith(r"\left"):
        return NotationError(f"this {sign.text} has no \\right", _span(sign, source), f"close it: \\right{_CLOSERS.get(sign.text[5:].strip(), sign.text[5:])}")
    return NotationError(f"this {sign.text or '{'} is never closed", _span(sign, source), f"close it: {_CLOSERS.get(sign.text, sign.text)}")


_CLOSERS = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\lbrace": r"\rbrace", r"\lbrack": r"\rbrack", r"\langle": r"\rangle", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}


def _mates(signs: Sequence[Sign]) -> dict[int, int]:
    """Where each bracket is closed; one that is not, at the end."""
    mates: dict[int, int] = {}
    opened: list[int] = []
    for place, sign in enumerate(signs):
        if sign.kind in _OPENS:
            opened.append(place)
        elif sign.kind in _CLOSES and opened:
            mates[opened.pop()] = place
    return mates | dict.fromkeys(opened, len(signs) - 1)


# ----------------------------------------------------------------------------------------------------- the statements


@dataclass(slots=True)
class _Statement:
    """One statement: its signs, where its = stand outside of brackets, and whether it came after `where`."""

    signs: list[Sign]
    is_where: bool = False
    mates: dict[int, int] = field(default_factory=dict)
    equals: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mates = _mates(self.signs)
        place = 0
        while place < len(self.signs):
            if self.signs[place].kind == "EQUALS":
                self.equals.append(place)
            place = self.mates.get(place, place) + 1

    @property
    def sizes(self) -> bool:
        """Whether it declares a shape."""
        return bool(self.signs) and self.signs[-1].kind == "SIZES"


class _Splitting:
    """Cuts the signs at whatever ends a statement."""

    def __init__(self, signs: list[Sign]) -> None:
        self.signs = signs
        self.mates = _mates(signs)
        self.begins = self._beginnings()
        self.rows_of_equations: set[int] = set()  # the ends of `cases` that only stack equations
        self.done: list[_Statement] = []
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
            equals[place] = kind == "EQUALS" or (kind in _SPACES and equals[place + 1])
            named[place] = (
                equals[place]
                or kind == "SIZES"
                or (kind in (*_SPACES, *_NAMES, "PRIME", "TRANSPOSE") and named[place + 1])
                or (kind == "SCRIPT_OPEN" and named[after])
                or (kind in ("LPAR", "LBRACKET") and equals[after])
            )
            begins[place] = (kind in (*_NAMES, "OPERATOR") and named[place + 1]) or (kind in (*_SPACES, "TEXT", "LABEL") and begins[place + 1])
        return begins

    def statements(self) -> list[_Statement]:
        """All of them, in the order of the text."""
        place = 0
        while place < len(self.signs):
            sign = self.signs[place]
            if sign.kind == "CASES_OPEN" and self._stacks_equations(place):
                self.rows_of_equations.add(self.mates[place])
            elif sign.kind in _OPENS:
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
        elif (kind in (*_SPACES, "COMMA", "PERIOD", "LABEL") or (kind == "TEXT" and sign.text == "and")) and follows and complete:
            self._finish()
        elif kind not in ("ROW", "NEWLINE") and not (kind == "TEXT" and sign.text == "and" and not self.now):
            self.now.append(sign)
            self.has_equation |= kind in ("EQUALS", "SIZES")

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
        return last.kind in (*_BINARY, "EQUALS", "FRACTION", "OPERATOR") or following in (*_BINARY, "EQUALS")

    def _finish(self, strong: bool = False) -> None:
        statement = _trimmed(self.now)
        if statement:
            self.done.append(_Statement(statement, self.where))
        if strong and statement:
            self.where = False
        self.now, self.has_equation = [], False


def _trimmed(signs: list[Sign]) -> list[Sign]:
    """A statement without its punctuation, its number and the remarks after it."""
    begin, end = 0, len(signs)
    while begin < end and signs[begin].kind in (*_REMARKS, "LABEL"):
        begin += 1
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
        depth += (sign.kind in _OPENS) - (sign.kind in _CLOSES)
        if depth > 0 or sign.kind not in ("QUAD", "AMP"):
            kept.append(sign)
    return kept


def _in_order(statements: list[_Statement]) -> list[_Statement]:
    """What follows `where` stands before what uses it."""
    ordered: list[_Statement] = []
    for statement in statements:
        name = statement.signs[0].text
        if not (statement.is_where and statement.equals and ordered) or len(ordered) > 200:
            ordered.append(statement)
            continue
        users = (at for at, other in enumerate(ordered) if any(sign.text == name and sign.kind in _NAMES for sign in other.signs))
        ordered.insert(next(users, len(ordered) - 1), statement)
    return ordered


# ------------------------------------------------------------------------------------------ what the program defines


@dataclass(slots=True)
class _Survey:
    """What the program makes of its own names."""

    spaced_out: bool
    functions: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)  # keys of words and letters that stand for values
    defined: set[str] = field(default_factory=set)  # keys on a left side
    words: dict[str, bool] = field(default_factory=dict)  # words typed as bare letters on a left side → whether without spaces
    lengths: list[int] = field(default_factory=list)
    primed: set[str] = field(default_factory=set)
    indexed: set[str] = field(default_factory=set)  # names that carry an index above on a left side
    layered: bool = False  # whether a number above a name is a layer's
    differentials: bool = False  # whether dW is a name here


@dataclass(slots=True)
class _Named:
    """A name on a left side."""

    key: str
    first: Sign
    last: Sign
    letters: str = ""
    primes: int = 0
    base: str = ""  # without its index above
    script: int = 0  # the place of that index
    stop: int = 0  # the place after it


def _is_spaced_out(source: str) -> bool:
    """Whether every sign stands apart, as in what a machine has read from a page: `W _ { 1 }`."""
    return re.search(r"[_^] (\{|\w)|\\\w+ \{ |(?<![\w\\])[A-Za-z] [A-Za-z] [A-Za-z] \(", source) is not None


def _survey(statements: Iterable[_Statement], spaced_out: bool) -> _Survey:
    found = _Survey(spaced_out=spaced_out)
    first_layer = False
    for statement in statements:
        _survey_left(statement, found)
        signs = statement.signs
        for place, sign in enumerate(signs):
            following = signs[place + 1].kind if place + 1 < len(signs) else ""
            if sign.kind in _NAMES and following not in ("LPAR", "LBRACKET", "LSET", "PRIME") and not (sign.kind == "WORD" and called(sign.other)):
                found.values.add(sign.text)
            first_layer |= sign.kind == "SCRIPT_OPEN" and sign.text in ("0", "1") and bool(sign.other)
            if sign.kind in _NAMES and re.search(r"_d[A-Za-z](?![A-Za-z])", sign.text):
                found.differentials = True
    found.layered &= first_layer
    if found.differentials:  # who writes dW on a left side means a name by every dZ
        found.words |= {f"d{letter}": True for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    found.lengths = sorted({len(word) for word in found.words}, reverse=True)
    return found


def _survey_left(statement: _Statement, found: _Survey) -> None:
    if not statement.equals:
        return
    end = statement.equals[0]
    named = _name(statement, 0, end, found.spaced_out)
    if named is None:
        return
    is_definition = named.stop < end
    if is_definition and not _defines(statement, named, end):
        return
    (found.functions if is_definition else found.values).add(named.key)
    found.defined.add(named.key)
    if named.letters:
        found.words[named.letters] = named.last.start - named.first.start == len(named.letters) - 1
        if re.fullmatch("d[A-Za-z]", named.letters):
            found.differentials = True
    if named.primes:
        found.primed.add(named.key)
    if named.base and not statement.signs[named.script].text.isdecimal():
        found.indexed.add(named.base)
    found.layered |= bool(named.base) and statement.signs[named.script].text.isdecimal()


def _defines(statement: _Statement, named: _Named, end: int) -> bool:
    """Whether the left side up to `end` is `f(x, y)` or `f[x, y]`."""
    return statement.signs[named.stop].kind in ("LPAR", "LBRACKET") and statement.mates[named.stop] == end - 1


def _name(statement: _Statement, begin: int, end: int, spaced_out: bool) -> _Named | None:
    """The one name that begins at `begin`, letters put together; None where it is none."""
    signs = statement.signs
    place = begin
    while place + 1 < end and _is_bare(signs[place]) and signs[place + 1].kind == "LETTER" and signs[place + 1].other != "upright":
        place += 1
    if place >= end or signs[place].kind not in (*_NAMES, "OPERATOR"):
        return None
    first, last = signs[begin], signs[place]
    letters = ""
    if place > begin:
        pieces = [names.parts(sign.text) for sign in signs[begin : place + 1]]
        letters = "".join(piece.base for piece in pieces)
        if not _reads_as_word(signs[begin : place + 1], spaced_out) or len(letters) > LONGEST_WORD:
            return None
    key = last.text if not letters else _renamed(last.text, letters)
    named = _Named(key, first, last, letters, stop=place + 1)
    while named.stop < end and signs[named.stop].kind == "PRIME":
        named.stop, named.primes = named.stop + 1, named.primes + 1
    if named.stop < end and signs[named.stop].kind == "SCRIPT_OPEN" and signs[named.stop].other:
        named.script = named.stop
        named.base, named.key = key, signs[named.stop].other if not letters else _renamed(signs[named.stop].other, letters)
        named.stop = statement.mates[named.stop] + 1
    return named


def _renamed(key: str, base: str) -> str:
    """The key with another base, its subscripts and accents kept."""
    old = names.parts(key)
    return names.Parts(base, old.subscripts, old.accents, old.primes).key


def _is_bare(sign: Sign) -> bool:
    """Whether this is a letter with nothing on it."""
    return sign.kind == "LETTER" and sign.other != "upright" and (len(sign.text) == 1 or sign.text in names.GREEK)


def _is_latin(sign: Sign) -> bool:
    return len(names.parts(sign.text).base) == 1


def _reads_as_word(signs: Sequence[Sign], spaced_out: bool) -> bool:
    """Whether letters stand together, or everything in this text is spaced out."""
    together = all(a.stop == b.start for a, b in zip(signs, signs[1:], strict=False))
    return together or signs[0].text in ("Delta", "delta") or spaced_out


# ------------------------------------------------------------------------------------------------------ each statement


@dataclass(slots=True)
class _Open:
    """Something that is open: its kind, the tokens that close it, and what has been seen in it."""

    kind: str
    closes: str
    sign: Sign
    at: int  # its token
    place: int = 0  # its sign
    is_call: bool = False
    tests: bool = False  # = compares here
    conditioned: bool = False
    pending: bool = False
    bars: int = -1


class _Writing:
    """Writes the tokens of one statement after the other."""

    def __init__(self, source: str, survey: _Survey, cut: bool) -> None:
        self.source = source
        self.survey = survey
        self.cut = cut  # whether the text goes on where the signs end
        self.told: list[Token] = []
        self.open: list[_Open] = []
        self.signs: list[Sign] = []
        self.mates: dict[int, int] = {}
        self.place = 0
        self.call_at = -1  # the bracket of a call
        self.raise_at = -1  # the exponent of a function

    def statement(self, statement: _Statement) -> None:
        """The tokens of one statement."""
        self.signs, self.mates, self.open = statement.signs, statement.mates, []
        if self.told:
            at = statement.signs[0].start
            self._tell("_SEPARATOR", ";", at, at)
        self.place = self._left_side(statement)
        while self.place < len(self.signs):
            sign = self.signs[self.place]
            self._loosen(sign)
            getattr(self, "_at_" + sign.kind.lower())(sign)
        self._close_loose()
        if self.open and not self.cut:
            raise self.error(self.open[-1].sign, f"this {self.open[-1].sign.text} is never closed", f"close it: {self.open[-1].sign.text}")

    def error(self, sign: Sign, message: str, hint: str | None = None) -> NotationError:
        """What is to be said of a sign."""
        return NotationError(message, _span(sign, self.source), hint)

    def _tell(self, kind: str, text: str, start: int, stop: int) -> None:
        self.told.append(Token(kind, text, start_pos=start, end_pos=stop))

    def _tell_sign(self, kind: str, sign: Sign, text: str | None = None) -> None:
        self._tell(kind, sign.text if text is None else text, sign.start, sign.stop)
        self.place += 1

    # the left side

    def _left_side(self, statement: _Statement) -> int:
        """Tell the names before the value; the place where the value begins."""
        if not statement.equals:
            return self._declared(statement) if statement.sizes else 0
        begin = 0
        for at in statement.equals:
            named = _name(statement, begin, at, self.survey.spaced_out) if begin == 0 or at - begin < 40 else None
            if begin and named is not None and named.letters:
                named = None
            if named is None or named.stop < at or (named.first.kind == "OPERATOR" and named.stop == at):
                if begin:
                    break
                if named is None or named.stop == at or not _defines(statement, named, at):
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

    def _definition(self, named: _Named, at: int) -> None:
        """`f(x, y) =`."""
        if named.primes:
            raise self.error(named.first, "a derivative cannot be defined", "define the function itself; its derivative comes out")
        self._tell("DEFINED", named.key, named.first.start, self.signs[named.stop - 1].stop)
        inside = _Statement(self.signs[named.stop + 1 : at - 1])
        self._tell("LPAR", "(", self.signs[named.stop].start, self.signs[named.stop].stop)
        place = 0
        while place < len(inside.signs):
            if inside.signs[place].kind in _SPACES:
                place += 1
                continue
            until = place
            while until < len(inside.signs) and inside.signs[until].kind not in ("COMMA", "SEMI"):
                until += 1
            stop = until
            while stop > place and inside.signs[stop - 1].kind in _SPACES:
                stop -= 1
            parameter = _name(inside, place, stop, self.survey.spaced_out)
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

    def _no_name(self, statement: _Statement, at: int) -> NotationError:
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
        if head[0].kind in _NAMES and len(head) > 1 and head[1].kind in ("TRANSPOSE", "SCRIPT_OPEN", "SMALL_POWER"):
            return NotationError("an equation defines a name, not a power or transpose of it", whole, "bring it to the other side, or give the left side a name of its own")
        unknown = self._odd_text(head)
        return unknown or NotationError("an equation needs a name before its =", whole, "give the left side a name of its own, or write == for a comparison")

    def _odd_text(self, signs: Sequence[Sign]) -> NotationError | None:
        odd = next((sign for sign in signs if sign.kind == "TEXT"), None)
        return self._stray_text(odd) if odd is not None else None

    def _declared(self, statement: _Statement) -> int:
        """`W, V \\in \\mathbb{R}^{3 \\times 4}`: the names."""
        place = 0
        while place < len(self.signs) - 1:
            named = _name(statement, place, len(self.signs) - 1, self.survey.spaced_out)
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

    # what is open

    def _top(self) -> _Open | None:
        """What is open, sums aside."""
        return next((entry for entry in reversed(self.open) if entry.kind not in ("SUM", "CHAIN")), None)

    def _loosen(self, sign: Sign) -> None:
        """End the sums and the numbers' arguments that this sign ends; begin the condition that it belongs to."""
        while self.open and (
            (self.open[-1].kind == "CHAIN" and sign.kind not in _CHAIN)
            or (self.open[-1].kind == "SUM" and sign.kind in _STOPS_SUM and not (sign.kind == "SIGN" and len(self.told) == self.open[-1].at + 1))
        ):
            self._close_one()
        top = self.open[-1] if self.open else None
        if top is not None and top.kind == "CASES" and top.pending and not top.conditioned and sign.kind in (*_BEGINS, "SIGN"):
            self._tell("CONDITION", "", sign.start, sign.start)
            top.conditioned = top.tests = True

    def _close_one(self) -> None:
        entry = self.open.pop()
        at = self.told[-1].end_pos or entry.sign.stop
        for kind in entry.closes.split():
            self._tell(kind, ")", at, at)

    def _close_loose(self) -> None:
        while self.open and self.open[-1].kind in ("SUM", "CHAIN"):
            self._close_one()

    def _ends(self) -> bool:
        """Whether an operand ends here."""
        return bool(self.told) and self.told[-1].type in _ENDS

    # brackets

    def _at_lpar(self, sign: Sign) -> None:
        is_call = self.place == self.call_at
        self.open.append(_Open(sign.kind, "RPAR", sign, len(self.told), self.place, is_call, tests=bool(self.open) and self.open[-1].tests and self.open[-1].kind == "INDICATOR"))
        if sign.kind == "LSET" and not is_call and (comma := self._level(self.place, ("COMMA", "ROW"))) is not None:
            raise self.error(comma, "a set is no value", "[a, b] puts blocks side by side")
        self._tell_sign("LPAR", sign)

    _at_lset = _at_lpar
    _at_lgroup = _at_lpar

    def _at_lbracket(self, sign: Sign) -> None:
        if self.place == self.call_at and not self._holds_blocks():
            self._at_lpar(sign)
            return
        closes = "RBRACKET"
        if self.place == self.call_at:
            self._tell("LPAR", "(", sign.start, sign.start)
            closes = "RBRACKET RPAR"
        self.open.append(_Open("LBRACKET", closes, sign, len(self.told)))
        self._tell_sign("LBRACKET", sign)

    def _holds_blocks(self) -> bool:
        """Whether the bracket of this call is a row of blocks, not a list of arguments."""
        if self.signs[self.place].text.startswith(r"\begin"):
            return True
        record = OPERATORS.get(str(self.told[-1]))
        return record is not None and len(record.operands) == 1 and not record.variadic and not record.with_two and self._level(self.place, ("COMMA", "SEMI")) is not None

    def _level(self, place: int, kinds: Sequence[str]) -> Sign | None:
        """The first sign of one of these kinds that stands directly in the bracket at `place`."""
        end = self.mates[place]
        at = place + 1
        while at < end:
            if self.signs[at].kind in kinds:
                return self.signs[at]
            at = self.mates.get(at, at) + 1
        return None

    def _at_script_open(self, sign: Sign) -> None:
        if self.place == self.raise_at:
            self._tell("RAISED", "^", sign.start, sign.stop)
        else:
            self._tell("POWER", "^", sign.start, sign.stop)
        self.open.append(_Open("SCRIPT", "RPAR", sign, len(self.told)))
        self._tell("LPAR", "{", sign.stop, sign.stop)
        self.place += 1

    def _at_langle(self, sign: Sign) -> None:
        function = {"LANGLE": "dot", "LFLOOR": "floor", "LCEIL": "ceil"}[sign.kind]
        if sign.kind == "LANGLE" and self._level(self.place, ("COMMA",)) is None:
            raise self.error(sign, "⟨ ⟩ holds the two operands of an inner product", "\\langle a, b \\rangle")
        self._tell("FUNCTION", function, sign.start, sign.stop)
        self.open.append(_Open(sign.kind, "RPAR", sign, len(self.told), is_call=True))
        self._tell("LPAR", sign.text, sign.stop, sign.stop)
        self.place += 1

    _at_lfloor = _at_langle
    _at_lceil = _at_langle

    def _at_rpar(self, sign: Sign) -> None:
        self._refuse_open_bar()
        entry = self.open.pop()
        if self.open and self.open[-1].kind == "INDICATOR":
            self.open.pop()
        for kind in entry.closes.split():
            if kind == "RBRACKET" and self.told[-1].type == "ROW":
                self.told.pop()
            self._tell(kind, sign.text, sign.start, sign.stop)
        self.place += 1

    _at_rset = _at_rgroup = _at_rbracket = _at_rangle = _at_rfloor = _at_rceil = _at_script_close = _at_rpar

    def _refuse_open_bar(self) -> None:
        if self.open and self.open[-1].kind in ("BAR", "NORM"):
            bar = self.open[-1].sign
            raise self.error(bar, f"this {bar.text} is never closed", f"close it: {bar.text}")

    # bars

    def _at_bar(self, sign: Sign) -> None:
        top = self._top()
        kind = sign.kind
        if sign.other == "mid" and top is not None and top.kind == "LBRACKET":
            self._tell_sign("BESIDE", sign)
            return
        following = self.signs[self.place + 1] if self.place + 1 < len(self.signs) else None
        twice = kind == "BAR" and following is not None and following.kind == "BAR" and not following.other and not sign.other
        if sign.other == "mid":
            raise self._conditional(sign)
        if self._ends() and sign.other != "open" and top is not None and self._closes_bar(sign, top, twice):
            return
        if sign.other == "close":
            raise self.error(sign, f"this {sign.text} closes nothing", "take it away, or open it")
        if self._ends() and kind == "NORM" and top is not None and top.kind == "LBRACKET" and not sign.other:
            self._tell_sign("BESIDE", sign)
            return
        if self._ends() and kind == "BAR" and top is not None and top.kind == "LPAR" and self._odd_bars(top):
            raise self._conditional(sign)
        self._opens_bar(sign, following if twice else None)

    _at_norm = _at_bar

    def _closes_bar(self, sign: Sign, top: _Open, twice: bool) -> bool:
        if top.kind not in ("BAR", "NORM"):
            return False
        if top.kind == "NORM" and sign.kind == "BAR" and not sign.other:
            if not twice:
                return False
            last = self.signs[self.place + 1]
            sign = Sign("NORM", "|" + last.text, sign.start, last.stop)
            self.place += 1
        if top.kind == "BAR" and sign.kind == "NORM":
            if sign.text != "||":
                return False
            self._close_loose()
            self._tell("BAR_CLOSE", "|", sign.start, sign.start + 1)
            self.open.pop()
            self.signs[self.place] = Sign("BAR", "|", sign.start + 1, sign.stop)
            return True
        self._close_loose()
        entry = self.open.pop()
        is_norm = sign.kind == "NORM" or "_" in sign.text
        if is_norm and entry.kind == "BAR":
            old = self.told[entry.at]
            self.told[entry.at] = Token("NORM_OPEN", "‖", start_pos=old.start_pos, end_pos=old.end_pos)
        self._tell_sign("NORM_CLOSE" if is_norm else "BAR_CLOSE", sign, "‖" + sign.text[sign.text.find("_") :] if "_" in sign.text else sign.text)
        return True

    def _opens_bar(self, sign: Sign, second: Sign | None) -> None:
        if "_" in sign.text:
            raise self.error(sign, "this bar closes nothing", "a value at a point is not part of the notation")
        is_norm = sign.kind == "NORM" or second is not None
        self.open.append(_Open("NORM" if is_norm else "BAR", "", sign, len(self.told)))
        self._tell("NORM_OPEN" if is_norm else "BAR_OPEN", sign.text, sign.start, (second or sign).stop)
        self.place += 1 + (second is not None)

    def _odd_bars(self, top: _Open) -> bool:
        """Whether a bar in these parentheses has no partner."""
        if top.bars < 0:
            top.bars = self._count_bars(top.place)
        return top.bars % 2 == 1

    def _count_bars(self, opened: int) -> int:
        """How many bars stand directly in the bracket at `opened`."""
        at, bars = opened + 1, 0
        while at < self.mates[opened]:
            bars += self.signs[at].kind == "BAR"
            at = self.mates.get(at, at) + 1
        return bars

    def _conditional(self, sign: Sign) -> NotationError:
        return self.error(sign, "a conditional probability p(x|y) is not part of the notation", "name the value itself: p = \\operatorname{softmax}(…)")

    # operators and punctuation

    def _at_number(self, sign: Sign) -> None:
        """A number; `2 \\cdot 10^{-3}` is one."""
        follow = self.signs[self.place + 1 : self.place + 7]
        kinds = [s.kind for s in follow]
        exponent = "".join(s.text for s in follow[3:5] if s.kind in ("SIGN", "NUMBER"))
        divided = bool(self.told) and self.told[-1].type == "DIVIDE"
        if kinds[:3] == ["PRODUCT", "NUMBER", "SCRIPT_OPEN"] and follow[1].text == "10" and re.fullmatch(r"[+-]?\d{1,9}", exponent) and "e" not in sign.text and not divided:
            last = self.mates[self.place + 3]
            if last - self.place - 4 == len(kinds[3:5]) - (kinds[4] == "SCRIPT_CLOSE"):
                self.place = last + 1
                self._tell("NUMBER", f"{sign.text}e{exponent}", sign.start, self.signs[last].stop)
                return
        self._tell_sign("NUMBER", sign)

    def _at_sign(self, sign: Sign) -> None:
        self._tell_sign(sign.kind, sign)

    _at_product = _at_times = _at_divide = _at_compare = _at_transpose = _at_small_power = _at_fraction = _at_sizes = _at_sign

    def _at_prime(self, sign: Sign) -> None:
        self._tell_sign("TRANSPOSE", sign)

    def _at_and(self, sign: Sign) -> None:
        top = self._top()
        self._tell_sign("AND" if top is not None and top.conditioned else "TIMES", sign, "*")

    def _at_equals(self, sign: Sign) -> None:
        top = self._top()
        if top is None:
            self._tell_sign("EQUALS", sign)
        elif top.tests or (top.kind == "CASES" and top.pending):
            self._tell_sign("COMPARE", sign, "==")
        elif top.is_call and self._names_option(top):
            self._tell_sign("EQUALS", sign)
        elif top.kind in ("LPAR", "LSET"):
            self._tell_sign("COMPARE", sign, "==")
        else:
            raise self.error(sign, "= cannot stand here", "a value is named on a row of its own; a comparison stands in parentheses")

    def _names_option(self, top: _Open) -> bool:
        """Whether the letters before this = are the word of an option; then they become one token."""
        begin = len(self.told)
        while begin - 1 > top.at and self.told[begin - 1].type == "NAME":
            begin -= 1
        letters = self.told[begin:]
        record = OPERATORS.get(str(self.told[top.at - 1])) if top.at else None
        word = "".join(letters)
        if not letters or self.told[begin - 1].type not in ("LPAR", "COMMA") or not (record is None or len(word) > 1 or word in record.options or word in record.operands):
            return False
        self.told[begin:] = [Token("OPTION", word, start_pos=letters[0].start_pos, end_pos=letters[-1].end_pos)]
        return True

    def _at_comma(self, sign: Sign) -> None:
        top = self._top()
        following = self.signs[self.place + 1].kind if self.place + 1 < len(self.signs) else ""
        if top is not None and (top.kind == "CASES" or top.sign.text.startswith(r"\begin")) and (top.conditioned or following in ("QUAD", "AMP", "TEXT", "ROW", "CASES_CLOSE", "RBRACKET", "NEWLINE")):
            self.place += 1
        elif top is not None and top.kind == "CASES":
            top.pending = True
            self.place += 1
        else:
            self._tell_sign("COMMA", sign)

    def _at_semi(self, sign: Sign) -> None:
        top = self._top()
        if top is not None and top.kind == "LBRACKET":
            self._tell_sign("ROW", sign)
        elif top is not None and top.kind == "CASES":
            self.place += 1
        else:
            raise self.error(sign, "; separates equations, or in [a; b] the blocks on top of each other", "take it away")

    def _at_row(self, sign: Sign) -> None:
        top = self._top()
        following = self.signs[self.place + 1].kind if self.place + 1 < len(self.signs) else ""
        if top is not None and top.kind == "LBRACKET" and top.sign.text.startswith(r"\begin") and self.told[-1].type not in ("ROW", "LBRACKET"):
            self._tell("ROW", ";", sign.start, sign.stop)
        elif top is not None and top.kind == "CASES":
            top.conditioned = top.pending = top.tests = False
            if following not in ("CASES_CLOSE", "ROW") and self.told[-1].type != "CASES_OPEN":
                self._tell("ROW", ";", sign.start, sign.stop)
        self.place += 1

    def _at_amp(self, sign: Sign) -> None:
        top = self._top()
        if top is not None and top.kind == "LBRACKET" and top.sign.text.startswith(r"\begin"):
            self._tell("COMMA", ",", sign.start, sign.stop)
        elif top is not None and top.kind == "CASES":
            top.pending = True
        self.place += 1

    def _at_quad(self, sign: Sign) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and top.kind == "CASES" and self._ends():
            top.pending = True
        self.place += 1

    def _at_newline(self, sign: Sign) -> None:
        self.place += 1

    _at_group = _at_break = _at_null = _at_newline

    def _at_period(self, sign: Sign) -> None:
        if not self._in_cases():
            raise self.error(sign, f"{sign.text} ends an equation, and this one goes on", "\\\\ or a line of its own begins the next equation; a product is written \\cdot")
        self.place += 1

    def _at_colon(self, sign: Sign) -> None:
        if not self._in_cases():
            raise self.error(sign, ": means nothing here", "W \\in \\mathbb{R}^{3 \\times 4} declares a shape")
        self.place += 1

    def _in_cases(self) -> bool:
        return bool(self.open) and self.open[-1].kind == "CASES"

    def _at_text(self, sign: Sign) -> None:
        top = self.open[-1] if self.open else None
        if top is None or top.kind != "CASES":
            raise self._stray_text(sign)
        if sign.text == "and" and top.conditioned:
            self._tell("AND", "*", sign.start, sign.stop)
        else:
            top.pending = True
        self.place += 1

    def _stray_text(self, sign: Sign) -> NotationError:
        shown = self.source[sign.start : sign.stop]
        if sign.text.startswith("if"):
            return self.error(sign, f"{shown} cannot be read here", "a value by cases is written \\begin{cases} a, & x > 0 \\\\ b, & \\text{otherwise} \\end{cases}")
        return self.error(sign, f"{shown} cannot be read here", "each equation stands on a row of its own; words of your own are names")

    def _at_comment(self, sign: Sign) -> None:
        if not self._in_cases():
            raise self.error(sign, "this remark stands within a formula", "move it to the end, after \\quad")
        self.place += 1

    _at_label = _at_comment

    def _at_cases_open(self, sign: Sign) -> None:
        self.open.append(_Open("CASES", "CASES_CLOSE", sign, len(self.told)))
        self._tell_sign("CASES_OPEN", sign)

    def _at_cases_close(self, sign: Sign) -> None:
        self._refuse_open_bar()
        self.open.pop()
        self._tell_sign("CASES_CLOSE", sign)

    def _at_sum(self, sign: Sign) -> None:
        self._tell("FUNCTION", sign.text, sign.start, sign.stop)
        self.open.append(_Open("SUM", "RPAR", sign, len(self.told)))
        self._tell("LPAR", "", sign.stop, sign.stop)
        self.place += 1

    def _at_indicator(self, sign: Sign) -> None:
        """`\\mathbb{1}[x > 0]` is the comparison itself; elsewhere a bold 1 is a number as long as nothing multiplies it."""
        place = self.place + 1
        following = self.signs[place] if place < len(self.signs) else None
        if following is not None and following.kind in _CALLS:
            if self._level(place, ("COMPARE", "EQUALS")) is not None:
                self.open.append(_Open("INDICATOR", "", sign, len(self.told), tests=True))
                self.place += 1
                if following.kind == "LBRACKET":
                    self.call_at = place
                    self._at_lpar(following)
                return
            if following.kind == "LGROUP":
                raise self.error(sign, "a vector of ones is not written so here", "type its size: \\operatorname{ones}(n, 1)")
        multiplied = self._ends() or (bool(self.told) and self.told[-1].type in ("PRODUCT", "TIMES", "DIVIDE"))
        if sign.text == "I":
            self._tell_sign("NAME", sign)
        elif multiplied or (following is not None and following.kind in (*_BEGINS, "PRODUCT", "TRANSPOSE", "PRIME")):
            raise self.error(sign, "a bold 1 could be a vector of ones", "type \\operatorname{ones}(n, 1) for the vector, 1 for the number")
        else:
            self._tell_sign("NUMBER", sign)

    # names and functions

    def _after(self, place: int) -> tuple[int, int]:
        """How many primes follow the name at `place`, and where what follows them stands."""
        primes = 0
        while place + 1 + primes < len(self.signs) and self.signs[place + 1 + primes].kind == "PRIME":
            primes += 1
        return primes, place + 1 + primes

    def _kind(self, place: int) -> str:
        return self.signs[place].kind if place < len(self.signs) else ""

    def _at_letter(self, sign: Sign) -> None:
        run = self.place
        while _is_bare(self.signs[run]) and self._kind(run + 1) == "LETTER" and self.signs[run + 1].other != "upright":
            run += 1
        function = self._spelled_function(run)
        stop = run + 1 if function is None else function
        if function is None and run > self.place:
            self._refuse_words(self.place, run)
        while self.place < stop:
            self._one_letter(run)
        if function is not None:
            self._function_of_letters(function, run)

    def _one_letter(self, run: int) -> None:
        """The name that begins here: a word that a left side defines, or a letter."""
        begin = self.place
        ahead = self._letters(begin, min(run, begin + LONGEST_WORD)) if self.survey.lengths else ""
        for length in self.survey.lengths:
            word, end = ahead[:length], begin + length - 1
            if word not in self.survey.words or end > run or not all(_is_latin(self.signs[k]) for k in range(begin, end + 1)):
                continue
            if not self.survey.words[word] or all(self.signs[k].stop == self.signs[k + 1].start for k in range(begin, end)):
                self.place = end
                self._name(Sign("WORD", _renamed(self.signs[end].text, word), self.signs[begin].start, self.signs[end].stop, word))
                return
        self._name(self.signs[begin])

    def _letters(self, begin: int, end: int) -> str:
        return "".join(names.parts(sign.text).base for sign in self.signs[begin : end + 1])

    def _spelled_function(self, run: int) -> int | None:
        """Where the function begins that the last letters before a bracket spell."""
        _, after = self._after(run)
        if run == self.place or self._kind(after) not in ("LPAR", "LBRACKET", "LSET") or not _is_bare(self.signs[run]):
            return None
        if self.signs[after].text.startswith(r"\begin"):
            return None
        chunk = run
        while chunk > self.place and self.signs[chunk - 1].stop == self.signs[chunk].start:
            chunk -= 1
        for begin in [chunk, *range(max(self.place, run - 30), run)]:
            word = self._letters(begin, run)
            if begin < run and (word in self.survey.functions or (word not in self.survey.values and called(word) is not None)):
                self._refuse_typo(chunk, begin, run)
                return begin
        word = self._letters(chunk, run)
        unknown = len(word) >= 3 and self._kind(after) == "LPAR" and (word in NETWORKS or re.fullmatch(r"[A-Z]*[a-z]{2,}[A-Za-z]*", word) is not None) and word not in self.survey.words
        if unknown and chunk < run:
            raise self._no_function(word, Span(self.source, self.signs[chunk].start, self.signs[run].stop))
        return None

    def _refuse_typo(self, chunk: int, begin: int, run: int) -> None:
        """`sofmax(` is no product with max."""
        chunk = self.place if self.survey.spaced_out else chunk
        prefix, word = self._letters(chunk, begin - 1) if chunk < begin else "", self._letters(chunk, run)
        meant = nearest(word, spellings()) if len(prefix) > 1 else None
        if re.fullmatch(r"[A-Z]?[a-z]{2,}", prefix) and (len(prefix) > 2 or meant not in (None, f"did you mean {called(word[len(prefix):])}?")):
            raise self._no_function(word, Span(self.source, self.signs[chunk].start, self.signs[run].stop))

    def _function_of_letters(self, begin: int, run: int) -> None:
        word = self._letters(begin, run)
        first, last = self.signs[begin], self.signs[run]
        self.place = run
        name = word if word in self.survey.functions else called(word)
        self._call(Sign("WORD", word, first.start, last.stop, word), name or word)

    def _refuse_words(self, begin: int, run: int) -> None:
        """Letters without a space that spell a function or a word, and are not called."""
        while begin <= run:
            end = begin
            while end < run and self.signs[end].stop == self.signs[end + 1].start:
                end += 1
            word = self._letters(begin, end)
            typed = self.source[self.signs[begin].start : self.signs[end].stop]
            if typed[: len(word)] == word and self._kind(end + 1) != "EQUALS":
                function = next((word[k:] for k in range(len(word) - 2) if called(word[k:]) is not None), None)
                if any(part in word for part in self.survey.words if function is not None or len(word) > 3):
                    function = None
                elif function is not None and (self._kind(end + 1) in _BEGINS or function == word):
                    whole = Span(self.source, self.signs[end].stop - len(function), self.signs[end].stop)
                    raise NotationError(f"{function} without a parenthesis reads {' '.join(function)}, a product of letters", whole, f"write {function}(…)")
                elif re.fullmatch(r"[A-Z]?[a-z]{4,}", word):
                    hint = nearest(word, spellings()) or f"a word is typed \\mathrm{{{word}}}"
                    raise NotationError(f"{word} reads {' '.join(word)}, a product of letters", Span(self.source, self.signs[begin].start, self.signs[end].stop), hint)
            begin = end + 1

    def _name(self, sign: Sign) -> None:
        """A letter or word at the place of its last sign: a function that is called, a name with an index above, or a name."""
        primes, after = self._after(self.place)
        opens = self._kind(after)
        key = sign.text
        if opens in ("LPAR", "LBRACKET", "LSET") and not self.signs[after].text.startswith(r"\begin"):
            if key in self.survey.functions and opens in ("LPAR", "LBRACKET"):
                self._call(sign, key)
                return
            if key == "sigma" or (sign.kind == "WORD" and key not in self.survey.values and called(sign.other)):
                self._call(sign, called(sign.other or key) or "sigmoid")
                return
            self._refuse_call(sign, after, primes)
        self._refuse_inverse(sign, after)
        if primes and key in self.survey.primed:
            self.place += 1
            sign = Sign("LETTER", key + "'", sign.start, self.signs[self.place].stop)
        if self._kind(self.place + 1) == "SCRIPT_OPEN" and self._is_index(key, self.signs[self.place + 1]):
            script = self.signs[self.place + 1]
            self.place = self.mates[self.place + 1]
            sign = Sign("LETTER", script.other, sign.start, self.signs[self.place].stop)
            if self._kind(self.place + 1) == "LPAR":
                self._refuse_call(sign, self.place + 1, 0)
        self._tell_sign("NAME", sign)

    def _refuse_inverse(self, sign: Sign, after: int) -> None:
        """`\\sigma^{-1}(x)` is no product with an inverse."""
        if self._kind(after) != "SCRIPT_OPEN" or self._kind(self.mates[after] + 1) != "LPAR" or sign.text not in ("sigma", *FUNCTION_LETTERS, *self.survey.functions):
            return
        if "".join(s.text for s in self.signs[after + 1 : self.mates[after]]) == "-1":
            raise self.error(sign, f"the inverse of {self.source[sign.start:sign.stop]} is not part of the notation", "write the function that it is")

    def _is_index(self, key: str, script: Sign) -> bool:
        """Whether a superscript on this name is an index: `h^l`, `W^Q`; `x^2`, `e^x`, `p^\\gamma` are powers."""
        text, base = script.text, names.parts(key)
        if not script.other or (base.base == "e" and base == names.Parts("e")):
            return False
        if key in self.survey.indexed or script.other in self.survey.values:
            return True
        if text.isdecimal():
            return self.survey.layered
        letters = re.sub(r"[^A-Za-z]", "", text)
        if text in ("+", "-"):
            if base.base[:1].isupper():
                raise self.error(script, "a pseudo-inverse is not part of the notation", "^{-1} inverts a square matrix")
            return True
        if not letters or not text[0].isalpha():
            return False
        if letters in names.GREEK and text == letters:
            return letters in _PARAMETERS
        if any(word in names.GREEK and len(word) > 2 for word in re.findall(r"[A-Za-z]+", text)):
            return False
        if base.base in _DECAYS and re.fullmatch(r"[tn]([+-]\d)?", text):
            return False
        return not (re.fullmatch(r"[np]([+-]\d)?|[ab][+-]\d", text) and not base.base[:1].isupper())

    def _at_word(self, sign: Sign) -> None:
        _, after = self._after(self.place)
        opens = self._kind(after) in ("LPAR", "LBRACKET", "LSET")
        function = None if sign.text in self.survey.functions else called(sign.other)
        marks = names.parts(sign.text).subscripts
        if function is not None and marks and sign.text != names.key(sign.other) and (opens or sign.origin == "operator"):
            function = self._with_base(sign, function, marks)
        valued = sign.text in self.survey.values and self._kind(after) != "LPAR"
        if function is None and sign.origin == "operator" and sign.text not in self.survey.defined and self._kind(after) in _BEGINS:
            raise self._no_function(sign.other, _span(sign, self.source))
        if function is None or valued or not self._function(sign, function, after):
            self._name(sign)

    def _with_base(self, sign: Sign, function: str, marks: Sequence[str]) -> str:
        """`\\mathrm{log}_2(x)`; no other function carries an index."""
        named = {("2",): "log2", ("10",): "log10", ("e",): "log"}.get(tuple(marks)) if function == "log" else None
        if named is None:
            raise self.error(sign, f"{sign.other} with an index is not part of the notation", f"of each row it is {function}(x), of columns {function}(x^T)^T")
        return named

    def _at_operator(self, sign: Sign) -> None:
        name = sign.text if sign.text in self.survey.functions else called(sign.text)
        if name is None:
            raise self._no_function(sign.text, _span(sign, self.source))
        _, after = self._after(self.place)
        if name == "log" and self._kind(after) in ("OPERATOR", "WORD") and called(self.signs[after].text) == "det":
            self.place = after
            sign = Sign("OPERATOR", "logdet", sign.start, self.signs[after].stop)
            name, after = "logdet", after + 1
        elif name == "log" and self._kind(after) == "LETTER" and self.signs[after].text == "Gamma" and self._kind(after + 1) == "LPAR":
            self.place = after
            sign = Sign("OPERATOR", "lgamma", sign.start, self.signs[after].stop)
            name, after = "lgamma", after + 1
        if not self._function(sign, name, after):
            if self.cut and after >= len(self.signs):
                self.place = after
                return
            raise self.error(sign, f"{self.source[sign.start:sign.stop]} needs an argument", f"type it in parentheses: {name}(x)")

    def _function(self, sign: Sign, name: str, after: int) -> bool:
        """Tell a function with what it is applied to; False where nothing follows that it could be applied to."""
        raised = -1
        if self._kind(after) == "SCRIPT_OPEN":
            name, after, raised = self._raised(sign, name, after)
        opens = self._kind(after)
        if opens in _CALLS and not (opens == "LBRACKET" and self.signs[after].text.startswith(r"\begin")):
            self._call(sign, name, raised)
        elif opens in _BEGINS and not (opens in ("BAR", "NORM") and self._closes_here(after)):
            self._bare(sign, name, after, raised)
        else:
            return False
        return True

    def _closes_here(self, place: int) -> bool:
        """Whether the bar after a word closes what is open: `|\\text{mean}|`."""
        top = self._top()
        return self.signs[place].other == "close" or (top is not None and top.kind == self.signs[place].kind and self.signs[self.place].kind == "WORD")

    def _raised(self, sign: Sign, name: str, after: int) -> tuple[str, int, int]:
        """`\\tanh^2 x` squares, `\\sin^{-1} x` is arcsin."""
        end = self.mates[after]
        inside = "".join(s.text for s in self.signs[after + 1 : end])
        if inside == "-1":
            if name not in _INVERSES:
                raise self.error(sign, f"the inverse of {name} is not part of the notation", f"write \\frac{{1}}{{{name}(x)}} for its reciprocal")
            self.place = end
            return _INVERSES[name], end + 1, -1
        if not re.fullmatch(r"[\d.]+", inside):
            raise self.error(self.signs[after], f"an index on {name} is not part of the notation", f"write ({name}(x))^{{…}} for a power")
        return name, end + 1, after

    def _call(self, sign: Sign, name: str, raised: int = -1) -> None:
        """A function before its bracket."""
        self._end_chain()
        primes, after = self._after(self.place)
        self._tell("FUNCTION", name + "'" * primes, sign.start, sign.stop if not primes else self.signs[after - 1].stop)
        self.place = after
        if raised >= 0:
            self.raise_at = raised
            while self.place <= self.mates[raised]:
                here = self.signs[self.place]
                getattr(self, "_at_" + here.kind.lower())(here)
        self.call_at = self.place

    def _bare(self, sign: Sign, name: str, after: int, raised: int) -> None:
        """A function without parentheses takes the next factor; a number takes the letters after it along: `\\log 2\\pi`."""
        self._end_chain()
        primes, place = self._after(self.place)
        chained = self._kind(after) == "NUMBER" and self._kind(after + 1) == "LETTER"
        self._tell("FUNCTION" if chained else "BARE", name + "'" * primes, sign.start, self.signs[place - 1].stop if primes else sign.stop)
        self.place = place
        if raised >= 0:
            self.raise_at = raised
            while self.place <= self.mates[raised]:
                here = self.signs[self.place]
                getattr(self, "_at_" + here.kind.lower())(here)
        if chained:
            number = self.signs[after]
            self.open.append(_Open("CHAIN", "RPAR", number, len(self.told)))
            self._tell("LPAR", "", number.start, number.start)

    def _end_chain(self) -> None:
        while self.open and self.open[-1].kind == "CHAIN":
            self._close_one()

    def _refuse_call(self, sign: Sign, opens: int, primes: int) -> None:
        """What stands before a bracket and can only be meant as a function that nobody defined."""
        key, kind = sign.text, self._kind(opens)
        shown = self.source[sign.start : sign.stop]
        base = names.parts(key).base
        if kind == "LBRACKET":
            self._refuse_entry(sign, opens, shown)
            return
        if kind != "LPAR":
            return
        comma = self._level(opens, ("COMMA", "SEMI"))
        odd = self._level(opens, ("BAR",)) if base[:1] in "pPqQ" else None
        if base[:1] in "pP" and (tested := self._level(opens, ("EQUALS",))) is not None:
            raise self.error(tested, "a probability p(y = 1) is not part of the notation", "name the value itself: p = \\operatorname{softmax}(…)")
        if odd is not None and self._count_bars(opens) % 2:
            raise self._conditional(odd)
        upright = sign.kind == "WORD" or sign.other == "upright"
        if upright and (key not in self.survey.values or comma is not None) or base in FUNCTION_LETTERS or base in ("Phi", "Psi") or comma is not None or primes and kind == "LPAR" and base in FUNCTION_LETTERS:
            raise self._no_function(sign.other if sign.kind == "WORD" and sign.other else shown, _span(sign, self.source))
        if (base == "sigma" and key not in self.survey.values and key != "sigma") or (base != "W" and self._one_name_inside(opens)):
            raise NotationError(f"there is no function {shown}", _span(sign, self.source), f"define it: {shown}({'t' if shown == 'x' else 'x'}) = …, or put \\cdot before the parenthesis for a product")

    def _one_name_inside(self, opens: int) -> bool:
        """Whether the parentheses hold a single name: nobody puts a factor in parentheses for that."""
        inside = [sign for sign in self.signs[opens + 1 : min(self.mates[opens], opens + 8)] if sign.kind not in _SPACES]
        return len(inside) == 1 and self.mates[opens] - opens < 8 and inside[0].kind in (*_NAMES, "NUMBER")

    def _refuse_entry(self, sign: Sign, opens: int, shown: str) -> None:
        several = self._level(opens, ("COMMA", "SEMI")) is not None
        upright = sign.kind == "WORD" or sign.other == "upright"
        whole = Span(self.source, sign.start, self.signs[self.mates[opens]].stop)
        if sign.text in ("E", "Var", "Cov", "P") and not several:
            raise NotationError("expectations are not part of the notation", whole, "over a batch, an expectation is \\operatorname{mean}(…)")
        touches = _is_bare(sign) and sign.text not in names.GREEK and sign.text.islower() and not self.source[sign.stop : self.signs[opens].start].strip("}")
        if not several and sign.text not in self.survey.values and (upright or touches):
            raise self._no_function(sign.other if sign.kind == "WORD" and sign.other else shown, _span(sign, self.source))
        if self._one_name_inside(opens):
            raise NotationError("entries of a value are not part of the notation yet", whole, "give each entry a name of its own: x_i")

    def _no_function(self, word: str, span: Span) -> NotationError:
        near = nearest(word, [*spellings(), *self.survey.functions]) if len(word) > 2 else None
        return NotationError(f"there is no function {word}", span, _INSTEAD.get(word.casefold()) or near or f"define it: {word}(x) = …, or put \\cdot before the parenthesis for a product")


_INSTEAD = {
    "argmax": "argmax has no gradient and is no part of the notation; x == \\max(x, axis=1) marks the largest entry of each row",
    "argmin": "argmin has no gradient and is no part of the notation; x == \\min(x, axis=1) marks the smallest entry of each row",
    "e": "over a batch, an expectation is \\operatorname{mean}(…)",
}
