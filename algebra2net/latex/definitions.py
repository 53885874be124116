"""What a program makes of its own names.

In    its statements
Out   `Survey`: which names stand for functions and which for values, which words are typed as bare letters, which
      superscripts are indices because a left side has them
Idea  a left side defines a name, so letters that stand there together are one word, there and everywhere
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from algebra2net import names
from algebra2net.latex.commands import called
from algebra2net.latex.statements import NAMES, Statement
from algebra2net.latex.tokens import Sign

LONGEST_WORD = 24  # letters of a word that is typed without \mathrm


@dataclass(slots=True)
class Survey:
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
class Named:
    """A name on a left side."""

    key: str
    first: Sign
    last: Sign
    letters: str = ""
    primes: int = 0
    base: str = ""  # without its index above
    script: int = 0  # the place of that index
    stop: int = 0  # the place after it


def is_spaced_out(source: str) -> bool:
    """Whether every sign stands apart, as in what a machine has read from a page: `W _ { 1 }`."""
    return re.search(r"[_^] (\{|\w)|\\\w+ \{ |(?<![\w\\])[A-Za-z] [A-Za-z] [A-Za-z] \(", source) is not None


def survey(statements: Iterable[Statement], spaced_out: bool) -> Survey:
    """What the statements define and use."""
    found = Survey(spaced_out=spaced_out)
    first_layer = False
    for statement in statements:
        _survey_left(statement, found)
        signs = statement.signs
        for place, sign in enumerate(signs):
            following = signs[place + 1].kind if place + 1 < len(signs) else ""
            if sign.kind in NAMES and following not in ("LPAR", "LBRACKET", "LSET", "PRIME") and not (sign.kind == "WORD" and called(sign.other)):
                found.values.add(sign.text)
            first_layer |= sign.kind == "SCRIPT_OPEN" and sign.text in ("0", "1") and bool(sign.other)
            if sign.kind in NAMES and re.search(r"_d[A-Za-z](?![A-Za-z])", sign.text):
                found.differentials = True
    found.layered &= first_layer
    if found.differentials:  # who writes dW on a left side means a name by every dZ
        found.words |= {f"d{letter}": True for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    found.lengths = sorted({len(word) for word in found.words}, reverse=True)
    return found


def _survey_left(statement: Statement, found: Survey) -> None:
    if not statement.equals:
        return
    end = statement.equals[0]
    named = name_at(statement, 0, end, found.spaced_out)
    if named is None:
        return
    is_definition = named.stop < end
    if is_definition and not defines(statement, named, end):
        return
    (found.functions if is_definition else found.values).add(named.key)
    if is_definition:  # k(x, x') =
        found.primed |= {sign.text for sign, after in pairwise(statement.signs[named.stop : end]) if sign.kind in NAMES and after.kind == "PRIME"}
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


def defines(statement: Statement, named: Named, end: int) -> bool:
    """Whether the left side up to `end` is `f(x, y)` or `f[x, y]`."""
    return statement.signs[named.stop].kind in ("LPAR", "LBRACKET") and statement.mates[named.stop] == end - 1


def name_at(statement: Statement, begin: int, end: int, spaced_out: bool) -> Named | None:
    """The one name that begins at `begin`, letters put together; None where it is none."""
    signs = statement.signs
    place = begin
    while place + 1 < end and is_bare(signs[place]) and signs[place + 1].kind == "LETTER" and signs[place + 1].other != "upright":
        place += 1
    if place >= end or signs[place].kind not in (*NAMES, "OPERATOR"):
        return None
    first, last = signs[begin], signs[place]
    letters = ""
    if place > begin:
        pieces = [names.parts(sign.text) for sign in signs[begin : place + 1]]
        letters = "".join(piece.base for piece in pieces)
        if not _reads_as_word(signs[begin : place + 1], spaced_out) or len(letters) > LONGEST_WORD:
            return None
    key = last.text if not letters else renamed(last.text, letters)
    named = Named(key, first, last, letters, stop=place + 1)
    while named.stop < end and signs[named.stop].kind == "PRIME":
        named.stop, named.primes = named.stop + 1, named.primes + 1
    if named.stop < end and signs[named.stop].kind == "SCRIPT_OPEN" and signs[named.stop].other:
        named.script = named.stop
        named.base, named.key = key, signs[named.stop].other if not letters else renamed(signs[named.stop].other, letters)
        named.stop = statement.mates[named.stop] + 1
    return named


def renamed(key: str, base: str) -> str:
    """The key with another base, its subscripts and accents kept."""
    old = names.parts(key)
    return names.Parts(base, old.subscripts, old.accents, old.primes).key


def is_bare(sign: Sign) -> bool:
    """Whether this is a letter with nothing on it."""
    return sign.kind == "LETTER" and sign.other != "upright" and (len(sign.text) == 1 or sign.text in names.GREEK)


def is_latin(sign: Sign) -> bool:
    """Whether a name begins with one letter, not with a Greek one spelled out."""
    return len(names.parts(sign.text).base) == 1


def function_within(word: str) -> str | None:
    """A function that letters spell with which they begin or end, a longer one anywhere: `ylog`, `tanhx`."""
    for begin in range(len(word) - 2):
        for end in range(len(word), begin + 2, -1):
            if (begin == 0 or end == len(word) or end - begin > 3) and called(word[begin:end]) is not None:
                return word[begin:end]
    return None


def _reads_as_word(signs: Sequence[Sign], spaced_out: bool) -> bool:
    """Whether letters stand together, or everything in this text is spaced out."""
    together = all(a.stop == b.start for a, b in pairwise(signs))
    return together or signs[0].text in ("Delta", "delta") or spaced_out
