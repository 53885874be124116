"""The answer to “is this derivation right?”, as an object and as text.

In    what was found of each claim
Out   an Answer: true where every claim is right, its text a verdict for each
Idea  the claim and the truth stand below each other with what they share in the same columns, so that the eye finds what differs
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from algebra2net.errors import columns
from algebra2net.faces.canvas import Line, indented, line, plain, prose, wrapped
from algebra2net.verify.edits import Fault
from algebra2net.verify.parting import Parting

if TYPE_CHECKING:
    from rich.text import Text

WIDTH = 100
_LOOKS = {"": "", "dim": "dim", "good": "bold green", "bad": "bold red"}
_TOKEN = re.compile(r"\s+|∂L/∂\w+|[^\W\d]\w*[₀-₉ᵀ⁰-⁹'′]*|\d+(?:\.\d+)?|.")


@dataclass(frozen=True)
class Counterexample:
    """Small arrays for which claim and truth differ, and the entry where they differ most; no claim where its shapes do not fit."""

    arrays: Mapping[str, np.ndarray[Any, Any]]
    claim: np.ndarray[Any, Any]
    truth: np.ndarray[Any, Any]
    place: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """What was found of one claim.

    `how` is `rewriting` (proved), `evaluation` (at random points), or `definition` (a name of the claim's own, nothing to judge).
    `claim`, `correction` and `truth` are equations in Unicode: as typed, as it would be right, as it is derived.
    """

    name: str
    typed: str
    right: bool
    how: str
    claim: str
    truth: str
    correction: str = ""
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    parting: Parting | None = None
    counterexample: Counterexample | None = None

    def __bool__(self) -> bool:
        return self.right

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its faults: `missing transpose`, `constant factor`, …"""
        return tuple(fault.kind for fault in self.faults)

    def __str__(self) -> str:
        return "\n".join(plain(row).rstrip() for row in _verdict_lines(self))


@dataclass(frozen=True)
class Answer:
    """A verdict for each claim. True where all are right."""

    verdicts: tuple[Verdict, ...]
    assumption: str = ""  # on the loss, where the network has none
    points: int = 0
    digits: int = 0
    notes: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return all(verdict.right for verdict in self.verdicts)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __getitem__(self, which: int | str) -> Verdict:
        if isinstance(which, int):
            return self.verdicts[which]
        from algebra2net import names

        for verdict in self.verdicts:
            if names.key(verdict.name) == names.key(which) or verdict.name == which:
                return verdict
        raise KeyError(which)

    def __str__(self) -> str:
        return "\n".join(plain(row).rstrip() for row in self.lines())

    def __repr__(self) -> str:
        words = ", ".join(f"{verdict.name} {'right' if verdict.right else 'wrong'}" for verdict in self.verdicts)
        return f"<Answer {words}>"

    def __rich__(self) -> Text:
        """The text in colours, for `rich.print`."""
        from rich.text import Text

        return Text("\n").join(Text.assemble(*((words, _LOOKS[style]) for words, style in row)) for row in self.lines())

    def lines(self) -> list[Line]:
        """The text with a style for each piece, for terminals."""
        rows = [*prose(self.assumption, WIDTH, "dim"), line("")] if self.assumption else []
        for k, verdict in enumerate(self.verdicts):
            rows += [line("")] if k and (verdict.faults or self.verdicts[k - 1].faults) else []
            rows += _verdict_lines(verdict)
        rows += [row for note in self.notes for row in prose(note, WIDTH, "dim")]
        if any(verdict.how == "evaluation" for verdict in self.verdicts):
            rows += [line(""), *prose(f"decided by evaluation: at {self.points} random points, in {self.digits} digits", WIDTH, "dim")]
        return rows


def _verdict_lines(verdict: Verdict) -> list[Line]:
    rows = [_heading(verdict)]
    inside: list[Line] = []
    for note in verdict.notes:
        inside += prose(note, WIDTH - 4, "dim")
    if not verdict.right:
        for fault in verdict.faults:
            inside += [((("· ", "dim") if k == 0 else ("  ", "")), *row) for k, row in enumerate(prose(fault.words, WIDTH - 6))]
        inside += _side_by_side(verdict)
        if verdict.parting is not None:
            inside += [line(""), *_parting_lines(verdict.parting)]
        if verdict.counterexample is not None:
            inside += [line(""), *_example_lines(verdict.counterexample)]
    return [*rows, *indented(inside, 4)]


def _heading(verdict: Verdict) -> Line:
    if verdict.how == "definition":
        mark, style, word = "·", "dim", "a name of its own, nothing to check" if verdict.right else "its shapes cannot be"
    elif verdict.right:
        mark, style, word = "✓", "good", "right, proved by rewriting" if verdict.how == "rewriting" else "right, by evaluation"
    elif verdict.because:
        mark, style, word = "✗", "bad", f"follows, but from {' and '.join(verdict.because)}, which {'is' if len(verdict.because) == 1 else 'are'} wrong"
    else:
        named = [kind for kind in dict.fromkeys(verdict.kinds) if kind not in ("shape", "different")]
        mark, style, word = "✗", "bad", f"wrong: {', '.join(named)}" if named else "wrong: a shape that cannot be" if "shape" in verdict.kinds else "wrong"
    return ((f"{mark} ", style), (verdict.claim, ""), ("   ", ""), (word, style))


def _side_by_side(verdict: Verdict) -> list[Line]:
    """Claim and correction with equal pieces in the same columns, what differs marked; then the truth as derived."""
    rows: list[Line] = []
    if verdict.correction and verdict.correction != verdict.claim:
        claim, right, marks = aligned(verdict.claim, verdict.correction)
        rows += [line("")]
        if columns(claim) + 9 <= WIDTH and columns(right) + 9 <= WIDTH:
            rows += [(("claim    ", "dim"), (claim, "")), (("correct  ", "dim"), (right, ""))]
            rows += [((" " * 9, ""), (marks, "bad"))] if marks.strip() else []
        else:
            for word, text in (("claim", verdict.claim), ("correct", verdict.correction)):
                rows += [((f"{word:<9}" if k == 0 else " " * 9, "dim"), *row) for k, row in enumerate(wrapped(line(text), WIDTH - 9))]
    is_step = verdict.parting is not None and verdict.parting.equation == verdict.truth
    if verdict.truth and verdict.truth != verdict.correction and not is_step:
        rows += [] if rows else [line("")]
        rows += [(("derived  " if k == 0 else " " * 9, "dim"), *row) for k, row in enumerate(wrapped(line(verdict.truth), WIDTH - 9))]
    return rows


def aligned(one: str, other: str) -> tuple[str, str, str]:
    """Two equations with blanks put in so that what they share stands in the same columns, and marks below what they do not."""
    a, b = _TOKEN.findall(one), _TOKEN.findall(other)
    above, below, marks = "", "", ""
    for kind, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        left, right = "".join(a[a0:a1]), "".join(b[b0:b1])
        wide = max(columns(left), columns(right))
        above += left + " " * (wide - columns(left))
        below += right + " " * (wide - columns(right))
        marks += (" " if kind == "equal" else "^") * wide
    return above.rstrip(), below.rstrip(), marks.rstrip()


def _parting_lines(here: Parting) -> list[Line]:
    rows: list[Line] = [(("agrees as far as  ", "dim"), (equation, "")) for equation in here.agreed[-1:]]
    rows.append((("parts at          ", "dim"), (here.equation, "")))
    return [*rows, *indented(prose(here.rule, WIDTH - 24, "dim"), 18)]


def _example_lines(here: Counterexample) -> list[Line]:
    rows: list[Line] = [line("for example", "dim")]
    for name, array in here.arrays.items():
        rows += _array_lines(name, array)
    rows += _array_lines("claim", here.claim) + _array_lines("truth", here.truth)
    place = ", ".join(map(str, here.place))
    rows.append((("they differ most ", "dim"), (f"at [{place}]: claim {_short(here.claim[here.place])}, truth {_short(here.truth[here.place])}", "")))
    return indented(rows[:1], 0) + indented(rows[1:], 2)


def _array_lines(name: str, array: np.ndarray[Any, Any]) -> list[Line]:
    texts = [[_short(entry) for entry in row] for row in array]
    wide = [max(map(len, column)) for column in zip(*texts, strict=True)]
    rows = ["[" + "  ".join(text.rjust(to) for text, to in zip(row, wide, strict=True)) + "]" for row in texts]
    return [((f"{name if k == 0 else '':<6}", "dim"), (" = " if k == 0 else "   ", "dim"), (row, "")) for k, row in enumerate(rows)]


def _short(value: Any) -> str:
    return f"{float(value):.4g}"
