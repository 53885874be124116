"""Which bracket closes which.

In    signs
Out   where each bracket is closed, or what is to be said of the first that is not
Idea  one stack for every kind of bracket, `{ }` and the rows of cases included
"""

from __future__ import annotations

from collections.abc import Sequence

from algebra2net.errors import NotationError, Span
from algebra2net.latex.tokens import Sign

OPENS = {
    "LPAR": "RPAR", "LBRACKET": "RBRACKET", "LSET": "RSET", "LGROUP": "RGROUP", "LANGLE": "RANGLE", "LFLOOR": "RFLOOR", "LCEIL": "RCEIL",
    "SCRIPT_OPEN": "SCRIPT_CLOSE", "CASES_OPEN": "CASES_CLOSE",
}  # fmt: skip
CLOSES = set(OPENS.values())
CALLS = ("LPAR", "LBRACKET", "LSET", "LGROUP")


def matched(signs: list[Sign], source: str, problem: NotationError | None) -> tuple[list[Sign], NotationError | None]:
    """The signs up to the first bracket without its partner, and what is to be said of that one."""
    opened: list[Sign] = []
    places: list[int] = []
    rows: set[int] = set()  # brackets that a row ends in
    closed = (-1, -1)  # the last pair
    for place, sign in enumerate(signs):
        if sign.kind in OPENS:
            opened.append(sign)
            places.append(place)
        elif sign.kind == "NULL":
            sign.kind = "GROUP"
            if opened and opened[-1].kind == "LSET":
                opened.pop()
                places.pop()
                sign.kind = "RSET"
        elif sign.kind in CLOSES:
            if not opened or OPENS[opened[-1].kind] != sign.kind:
                return signs[:place], _mismatch(sign, opened, source)
            opened.pop()
            begin = places.pop()
            if sign.kind == "RGROUP" and closed == (begin + 1, place - 1) and signs[begin - 1].kind in ("OPERATOR", "WORD") and signs[begin + 1].kind in CALLS:
                signs[begin].kind = sign.kind = "GROUP"  # \max {(a, b)}
            closed = (begin, place)
        elif sign.kind == "ROW" and opened:
            rows.add(id(opened[-1]))
        elif opened and ((sign.kind == "EQUALS" and id(opened[-1]) in rows and opened[-1].kind in ("LPAR", "LSET")) or (sign.kind == "BREAK" and sign.text[:1] in "$\\")):
            return signs[:place], _unclosed(opened[-1], source)
    if opened and problem is None:
        return signs, _unclosed(opened[-1], source)
    return signs, None


def mates(signs: Sequence[Sign]) -> dict[int, int]:
    """Where each bracket is closed; one that is not, at the end."""
    mates: dict[int, int] = {}
    opened: list[int] = []
    for place, sign in enumerate(signs):
        if sign.kind in OPENS:
            opened.append(place)
        elif sign.kind in CLOSES and opened:
            mates[opened.pop()] = place
    return mates | dict.fromkeys(opened, len(signs) - 1)


def span(sign: Sign, source: str) -> Span:
    """Where a sign stands."""
    return Span(source, sign.start, sign.stop)


def _mismatch(sign: Sign, opened: Sequence[Sign], source: str) -> NotationError:
    if opened and sign.kind in ("RGROUP", "SCRIPT_CLOSE", "CASES_CLOSE", "RBRACKET") and (sign.kind != "RBRACKET" or sign.text.startswith(r"\end")):
        return _unclosed(opened[-1], source)
    if not opened or opened[-1].kind in ("LGROUP", "SCRIPT_OPEN", "CASES_OPEN") or opened[-1].text.startswith(r"\begin"):
        if sign.text.startswith(r"\right"):
            return NotationError(f"this {sign.text} has no \\left", span(sign, source), "take it away, or open it: \\left(")
        return NotationError(f"this {sign.text} closes nothing", span(sign, source), "take it away, or open it")
    return NotationError(f"{opened[-1].text} is closed by {sign.text}", span(sign, source), also=[("it was opened here:", span(opened[-1], source))])


def _unclosed(sign: Sign, source: str) -> NotationError:
    if sign.text.startswith(r"\left"):
        return NotationError(f"this {sign.text} has no \\right", span(sign, source), f"close it: \\right{_CLOSERS.get(sign.text[5:].strip(), sign.text[5:])}")
    return NotationError(f"this {sign.text or '{'} is never closed", span(sign, source), f"close it: {_CLOSERS.get(sign.text, sign.text)}")


_CLOSERS = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\lbrace": r"\rbrace", r"\lbrack": r"\rbrack", r"\langle": r"\rangle", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
