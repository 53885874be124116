"""“Check my derivation”: claimed gradients beside the derived ones, and what is wrong where they differ.

In    a net, and claims in any notation: `dW0 = l0' ((l2 - y) W1' * relu'(l0 W0))`
Out   an Answer: right or wrong for each claim, why, where, and for which numbers
Idea  a claim is right if it equals the derived gradient at random points (proved where both come down to one normal form);
      where it does not, the smallest change that makes it true is the diagnosis

truth.py has the values, reading.py and meaning.py what is claimed, judge.py the verdicts, edits.py and diagnose.py the
mistakes, parting.py the step where claim and derivation part, normal.py the proofs, answer.py the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sympy import Rational

from algebra2net import names
from algebra2net.collector import resting
from algebra2net.errors import AlgebraError
from algebra2net.verify.answer import Answer, Counterexample, Verdict
from algebra2net.verify.diagnose import Diagnosis, Diagnostician
from algebra2net.verify.edits import Fault
from algebra2net.verify.evaluate import EXTENDED, Misfit
from algebra2net.verify.judge import Judgement, agree, judged, unknown_names
from algebra2net.verify.losses import assumptions
from algebra2net.verify.meaning import Names
from algebra2net.verify.normal import same
from algebra2net.verify.parting import parting
from algebra2net.verify.reading import Claim, read_claims
from algebra2net.verify.terms import Term, call, number, places, replaced, term
from algebra2net.verify.truth import Truth

if TYPE_CHECKING:
    from algebra2net.net import Net

__all__ = ["Answer", "Counterexample", "Fault", "Verdict", "verify"]
EXAMPLES = 4  # small points that are tried for a counterexample


def verify(net: Net, claims: str | Sequence[str], *, notation: str = "auto", dialect: str | None = None) -> Answer:
    """Whether claims about gradients and signals of `net` are right, and what is wrong with those that are not.

    claims    equations: one text, of several lines or statements, or a list of texts; later ones may use names of earlier ones
    notation  auto, plain, latex or python
    dialect   "matlab" reads `*` as the matrix product

    Raises NotationError where a claim cannot be read or uses a name that nothing explains, DerivativeError where the
    network has no derivative.

    >>> from algebra2net import compile
    >>> net = compile("l2 = relu(l0 W0) W1; L = sum((l2 - y)^2) / 2")
    >>> answer = net.verify("d1 = (l2 - y) W1' * relu'(z1); dW0 = l0 d1")
    >>> bool(answer), answer["d1"].right, answer["dW0"].kinds
    (False, True, ('shape', 'missing transpose'))
    >>> print(answer["dW0"].faults[1].words)
    l₀ must be transposed
    """
    texts = [claims] if isinstance(claims, str) else list(claims)
    with resting(), np.errstate(all="ignore"):
        read = [claim for text in texts for claim in read_claims(text, net, notation, dialect)]
        case = _likeliest(net, read)
        return _Answering(case, read).answer()


@dataclass(frozen=True)
class _Case:
    """The claims as judged for one net, and what was assumed of its loss."""

    truth: Truth
    names: Names
    judgements: list[Judgement]
    assumption: str


def _likeliest(net: Net, claims: Sequence[Claim]) -> _Case:
    """The case that makes most claims right: for a network without a loss there may be several."""
    truth = Truth(net)
    known = Names(truth)
    best: _Case | None = None
    for option in assumptions(net, truth, claims, unknown_names(claims, known)):
        other = Truth(option.net)
        case = _case(claims, other, Names(other), option.words)
        if best is None or _wrong(case) < _wrong(best):
            best = case
        if not _wrong(best):
            break
    return best if best is not None else _case(claims, truth, known)


def _case(claims: Sequence[Claim], truth: Truth, known: Names, assumption: str = "") -> _Case:
    if not truth.points:
        raise AlgebraError("this network has no finite value at any random point", None, "its logarithms, roots or quotients want other numbers")
    return _Case(truth, known, judged(claims, truth, known), assumption)


def _wrong(case: _Case) -> int:
    return sum(not made.right for made in case.judgements)


class _Answering:
    """Puts what was found into verdicts."""

    def __init__(self, case: _Case, claims: Sequence[Claim]) -> None:
        self.case = case
        self.claims = claims
        self.doctor = Diagnostician(
            case.truth, case.names, {made.claim.name: made.target for made in case.judgements if made.target is not None and made.target.name != made.claim.name}
        )

    def answer(self) -> Answer:
        verdicts = tuple(self.verdict(k, made) for k, made in enumerate(self.case.judgements))
        notes = tuple(self._explained("\n".join(map(str, verdicts))))
        return Answer(verdicts, self.case.assumption, len(self.case.truth.points), int(np.finfo(EXTENDED).precision), notes)

    def _explained(self, text: str) -> Iterator[str]:
        """The names in an answer that are no names of the user's, in words."""
        for shown in self.case.names.shown.values():
            if re.search(rf"(?<!\w){re.escape(names.unicode(shown))}(?!\w)", text):
                yield self.case.names.readings(shown)[0].words

    def verdict(self, k: int, made: Judgement) -> Verdict:
        """The verdict on one claim."""
        show, claim = self.doctor.show, made.claim
        name = show(made.target) if made.target is not None else names.unicode(claim.name)
        typed = " ".join(claim.span.text.split())
        if made.because:
            return Verdict(claim.spelled.strip(), typed, False, "evaluation", f"{name} = {show(made.term)}", "", notes=made.notes, because=made.because)
        if made.target is None:
            faults = () if made.right else tuple(self._misfit(made))
            return Verdict(claim.spelled.strip(), typed, made.right, "definition", f"{name} = {show(made.term)}", "", faults=faults, notes=made.notes)
        if made.right:
            how = "rewriting" if self._proved(made) else "evaluation"
            return Verdict(claim.spelled.strip(), typed, True, how, f"{name} = {show(made.term)}", "", notes=(*made.notes, *self._labels(made)))
        found = self.doctor.diagnosed(made)
        made = found.made
        name = show(found.target)
        right = "" if found.corrected is None or found.corrected == found.target else f"{name} = {show(found.corrected)}"
        step = parting(made, found.target, self.case.truth, self.doctor.claimed)
        return Verdict(
            claim.spelled.strip(), typed, False, "evaluation", f"{name} = {show(made.term)}", step.last if step is not None else self._derived(found), right,
            found.faults, made.notes, (), step, self._example(k, made, found),
        )  # fmt: skip

    def _written_out(self, here: Term) -> Term:
        """A term without the names that claims define."""
        for made in reversed(self.case.judgements):
            for path, node in list(places(here)):
                if node.name == made.claim.name and (made.target is None or node.name != made.target.name):
                    here = replaced(here, path, made.term)
        return here

    def _proved(self, made: Judgement) -> bool:
        """Whether claim and truth have one normal form."""
        truth = self.case.truth
        equations = {e.name.name: e.value for e in truth.derived.equations}

        def made_of(name: str) -> Term | None:
            return term(equations[name], lambda _: None, truth.functions) if name in equations else None

        rows = [name for name, kind in truth.labels.items() if kind == "rows"]
        assert made.target is not None
        claimed = self._written_out(made.term)
        target = made.target if made.factor is None else call("scale", number(Rational(made.factor.numerator, made.factor.denominator)), made.target)
        return same(claimed, target, made.points[0].values, made_of, truth.sizes, rows)

    def _misfit(self, made: Judgement) -> Iterator[Fault]:
        found = made.points[0].values.of(made.term)
        if isinstance(found, Misfit):
            yield Fault("shape", self.doctor.misfit_words(found))

    def _labels(self, made: Judgement) -> Iterator[str]:
        """What is right only where labels add up to 1."""
        rows = {name: kind.removesuffix("s") for name, kind in self.case.truth.labels.items() if kind != "entries"}
        if rows and made.target is not None and not made.rests:
            loose, whole = self.case.truth.loose_points, self._written_out(made.term)
            if loose and not all(agree(point.values.of(whole), point.values.of(made.target), point.scale) for point in loose):
                yield f"where {' and '.join(f'each {kind} of {names.unicode(name)}' for name, kind in rows.items())} adds up to 1, as that of a label does"

    def _derived(self, found: Diagnosis) -> str:
        """The truth as the derivation has it."""
        return f"{self.doctor.show(found.target)} = {self.doctor.show(self.doctor.derived(found.target))}"

    def _example(self, k: int, made: Judgement, found: Diagnosis) -> Counterexample | None:
        """Small arrays at which the claim is wrong."""
        if isinstance(made.points[0].values.of(made.term), Misfit):
            return None
        for seed in range(EXAMPLES):
            truth = Truth(self.case.truth.net, seed, small=True)
            if not truth.points:
                continue
            again = judged(self.claims, truth, Names(truth))[k]
            for point in again.points:
                values = point.values
                claimed, true = values.of(made.term), values.of(found.target)
                if isinstance(claimed, Misfit) or isinstance(true, Misfit) or claimed.shape != true.shape:
                    break
                gap = np.abs(claimed - true)
                if gap.max(initial=0) > 1e-6 * max(1.0, float(np.abs(true).max(initial=0))):
                    place = tuple(int(p) for p in np.unravel_index(int(np.argmax(gap)), gap.shape))
                    inputs = {name.name: values.names[name.name].astype(np.float64) for name in truth.derived.inputs}
                    return Counterexample(inputs, claimed.astype(np.float64), true.astype(np.float64), place)
        return None
