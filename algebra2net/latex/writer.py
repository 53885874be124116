"""The tokens of a statement as they are written, and what is open meanwhile.

In    the signs of a statement
Out   `Writer`: the tokens told so far, the stack of what is open, a look ahead
Idea  sums and functions without parentheses open a bracket that is not typed; what ends them closes it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token

from algebra2net import names
from algebra2net.errors import NotationError
from algebra2net.latex.brackets import CLOSES, OPENS, span
from algebra2net.latex.definitions import Survey
from algebra2net.latex.tokens import Sign

BEGINS = {"LETTER", "WORD", "OPERATOR", "NUMBER", "FRACTION", "BAR", "NORM", "SUM", "INDICATOR", *OPENS} - {"SCRIPT_OPEN"}
_ENDS = {"NAME", "NUMBER", "TRANSPOSE", "SMALL_POWER", "RPAR", "RBRACKET", "BAR_CLOSE", "NORM_CLOSE", "CASES_CLOSE"}
_STOPS_SUM = {"SIGN", "COMPARE", "EQUALS", "COMMA", "SEMI", "ROW", "AMP", "TEXT", "SIZES", "AND", *CLOSES}
_CHAIN = {"NUMBER", "LETTER", "SCRIPT_OPEN", "TRANSPOSE", "PRIME", "SMALL_POWER"}


@dataclass(slots=True)
class Open:
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


class Writer:
    """Tells tokens."""

    def __init__(self, source: str, survey: Survey, cut: bool) -> None:
        self.source = source
        self.survey = survey
        self.cut = cut  # whether the text goes on where the signs end
        self.told: list[Token] = []
        self.open: list[Open] = []
        self.signs: list[Sign] = []
        self.mates: dict[int, int] = {}
        self.place = 0
        self.call_at = -1  # the bracket of a call
        self.raise_at = -1  # the exponent of a function

    def error(self, sign: Sign, message: str, hint: str | None = None) -> NotationError:
        """What is to be said of a sign."""
        return NotationError(message, span(sign, self.source), hint)

    def _tell(self, kind: str, text: str, start: int, stop: int) -> None:
        self.told.append(Token(kind, text, start_pos=start, end_pos=stop))

    def _tell_sign(self, kind: str, sign: Sign, text: str | None = None) -> None:
        self._tell(kind, sign.text if text is None else text, sign.start, sign.stop)
        self.place += 1

    def _top(self) -> Open | None:
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
        if top is not None and top.kind == "CASES" and top.pending and not top.conditioned and sign.kind in (*BEGINS, "SIGN"):
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

    def _end_chain(self) -> None:
        while self.open and self.open[-1].kind == "CHAIN":
            self._close_one()

    def _ends(self) -> bool:
        """Whether an operand ends here."""
        return bool(self.told) and self.told[-1].type in _ENDS

    def _level(self, place: int, kinds: Sequence[str]) -> Sign | None:
        """The first sign of one of these kinds that stands directly in the bracket at `place`."""
        end = self.mates[place]
        at = place + 1
        while at < end:
            if self.signs[at].kind in kinds:
                return self.signs[at]
            at = self.mates.get(at, at) + 1
        return None

    def _count_bars(self, opened: int) -> int:
        """How many bars stand directly in the bracket at `opened`."""
        at, bars = opened + 1, 0
        while at < self.mates[opened]:
            bars += self.signs[at].kind == "BAR"
            at = self.mates.get(at, at) + 1
        return bars

    def _conditional(self, sign: Sign) -> NotationError:
        return self.error(sign, "a conditional p(x|y) is not part of the notation", "name the value itself: p = \\operatorname{softmax}(…)")

    def _in_cases(self) -> bool:
        return bool(self.open) and self.open[-1].kind == "CASES"

    def _after(self, place: int) -> tuple[int, int]:
        """How many primes follow the name at `place`, and where what follows them stands."""
        primes = 0
        while place + 1 + primes < len(self.signs) and self.signs[place + 1 + primes].kind == "PRIME":
            primes += 1
        return primes, place + 1 + primes

    def _kind(self, place: int) -> str:
        return self.signs[place].kind if place < len(self.signs) else ""

    def _letters(self, begin: int, end: int) -> str:
        return "".join(names.parts(sign.text).base for sign in self.signs[begin : end + 1])
