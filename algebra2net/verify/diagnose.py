"""What is wrong with a claim: the smallest change that makes it true.

In    a judgement, the truth
Out   a diagnosis: faults in words, the claim as it should be, the step of the derivation where the two part
Idea  every change of one place is evaluated beside the truth; what differs from it by a constant factor alone counts as
      true but for that factor, whose primes say where it comes from. Where no single change helps, pairs of the likely ones do
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from sympy import Expr, Symbol

from algebra2net.derive import GRADIENT
from algebra2net.errors import DerivativeError
from algebra2net.operators.operator import Operation
from algebra2net.program import Dimension, Program, symbol
from algebra2net.run import shape_text
from algebra2net.verify.edits import CHEAP, Edit, Fault, Kind, Layer, Surroundings, edits, signs
from algebra2net.verify.evaluate import Array, Misfit, Values
from algebra2net.verify.judge import Judgement, agree, equal
from algebra2net.verify.meaning import Names, size_term
from algebra2net.verify.terms import Term, as_terms, call, named, number, places, replaced, size_of, text
from algebra2net.verify.truth import Point, Truth

MOST = 10_000  # pairs of changes that are tried
LARGEST = 120  # nodes of a claim that is searched at all
UNLIKE = Fault("different", "it is not equal, and no one or two of the usual mistakes explain it")
SIGN = Fault("sign", "the sign is wrong: the truth is minus this")
MOST_READINGS = 4  # of one claim's names, besides the first
OTHER_READING = 0.3  # the price of a reading that is not the first
LIKELY = 1.1  # a price that no other reading is asked to better
MOST_TERMS = 5  # of a sum, of which some may be missing
FACTOR = 0.95  # the price of a constant factor


@dataclass(frozen=True)
class Factor:
    """A constant factor: its size or the root of it, and its sign."""

    size: Fraction
    root: bool = False
    negative: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """The faults of a claim, as read in `made`; the claim with them undone, where that was found."""

    faults: tuple[Fault, ...]
    corrected: Term | None
    made: Judgement
    cost: float

    @property
    def target(self) -> Term:
        """The truth that the claim belongs to."""
        assert self.made.target is not None
        return self.made.target


class Diagnostician:
    """Looks for what is wrong with claims about one network."""

    def __init__(self, truth: Truth, known: Names, claimed: Mapping[str, Term] | None = None) -> None:
        """`claimed` says of names that claims define what they should be."""
        self.truth = truth
        self.names = known
        self._signs = _signs(truth)
        self.page = _page(truth, known, self._signs)
        self.claimed = dict(claimed or {})

    def diagnosed(self, made: Judgement) -> Diagnosis:
        """The likeliest diagnosis of a wrong claim."""
        best = self._search(made)
        for other in made.others[:MOST_READINGS]:
            if best.cost > LIKELY:
                found = self._search(other)
                best = min(best, replace(found, cost=found.cost + OTHER_READING), key=lambda diagnosis: diagnosis.cost)
        faults = tuple(fault.spoken(self.show) for fault in best.faults)
        return replace(best, faults=(*self._shape_faults(best), *faults))

    def show(self, here: Term) -> str:
        """A term as a reader sees it: no names but those that have one."""
        return text(self.visible(here), self.page)

    def visible(self, here: Term) -> Term:
        """A term with the names that a reader knows: z1, δ₁, ∂L/∂W₀; a step without a name is written out."""
        for path, node in list(places(here)):
            if node.name in self.claimed:
                here = replaced(here, path, self.visible(self.claimed[node.name]))
            elif self.names.is_nameless(node.name):
                here = replaced(here, path, self.visible(self.names.definition(node.name)))
            elif node.name.startswith(GRADIENT):
                value = node.name.removeprefix(GRADIENT)
                here = replaced(here, path, named(self._signs[node.name][0] if node.name in self._signs else GRADIENT + self.names.shown.get(value, value)))
            elif node.name in self.names.shown:
                here = replaced(here, path, named(self.names.shown[node.name]))
        return here

    def contributions(self, target: Term) -> list[Term]:
        """The terms that the truth is a sum of; nothing where it is none."""
        made = {e.name: e.value for e in self.truth.derived.equations}
        found: list[Term] = []
        waiting: list[Expr] = [symbol(target.name)]
        while waiting:
            value = waiting.pop()
            inside = made.get(value)
            if isinstance(inside, Operation) and type(inside).__name__ == "plus":
                waiting += reversed(inside.args)
            elif isinstance(inside, Symbol):
                waiting.append(inside)
            elif isinstance(value, Symbol):
                found.append(named(value.name))
        return found if len(found) > 1 else []

    # shapes

    def _shape_faults(self, best: Diagnosis) -> Iterator[Fault]:
        values = best.made.points[0].values
        found, wanted = values.of(best.made.term), values.of(best.target)
        assert not isinstance(wanted, Misfit)
        if isinstance(found, Misfit):
            yield Fault("shape", self.misfit_words(found))
        elif found.shape != wanted.shape:
            yield Fault("shape", f"it is {self._size(found.shape)}, but {self.show(best.target)} is {self._size(wanted.shape)}")

    def misfit_words(self, found: Misfit) -> str:
        """Why a node cannot be, by the shapes of its operands."""
        parts = ", ".join(f"{self.show(arg)} is {self._size(shape)}" for arg, shape in zip(found.node.args, found.shapes, strict=True))
        return f"{self.show(found.node)} cannot be: {parts}"

    def derived(self, target: Term) -> Term:
        """The equation of the derivation that gives the truth, down to the names and signals that it rests on."""
        return self.names.definition(target.name)

    def _size(self, shape: tuple[int, int]) -> str:
        back: dict[int, Dimension] = {size: label for label, size in self.truth.sizes.items()}
        return shape_text([back.get(size, size) for size in shape])

    # the search

    def _search(self, made: Judgement) -> Diagnosis:
        points, target = made.points, made.target
        assert target is not None
        search = _Search(target, points, self)
        if size_of(made.term) > LARGEST:
            return Diagnosis((UNLIKE,), None, made, 99.0)
        search.consider(Edit(made.term, (), 0.0))
        search.another(made.term)
        around = self._surroundings(made, points[0].values)
        first = list(edits(made.term, around))
        for edit in first:
            search.consider(edit)
        search.missing_term(made.term)
        for tried, kinds, price in ((list(edits(made.term, around, CHEAP)), CHEAP, 0.5), (first, CHEAP[:4], 0.8)):
            if search.best is None:
                search.pairs(tried, around, kinds, price)
        best = search.best
        if best is not None and best.faults[-1] == SIGN and best.term.op == "neg":
            best = self._where_the_sign_is(best, search, around)
        return Diagnosis(best.faults, best.term, made, best.cost) if best is not None else Diagnosis((UNLIKE,), None, made, 90.0)

    def _where_the_sign_is(self, best: Edit, search: _Search, around: Surroundings) -> Edit:
        """A minus before the whole as the difference that stands the wrong way round, where there is one."""
        for edit in signs(best.term.args[0], around):
            if equal(edit.term, search.target, search.points):
                return Edit(edit.term, (*best.faults[:-1], *edit.faults), best.cost)
        return best

    def _surroundings(self, made: Judgement, values: Values) -> Surroundings:
        layers = [Layer(value, function, inner) for value, (function, inner) in self.truth.inside.items() if inner in values.names]
        inner = [layer.inner for layer in layers]
        leaves = [*sorted(self.names.forward), *(name for name in inner if name.startswith("_"))]
        leaves = [name for name in dict.fromkeys(leaves) if name in values.names]
        uses_signals = any(node.name.startswith(GRADIENT) for _, node in places(made.term))
        signals = [GRADIENT + name for name in (*leaves,) if uses_signals and GRADIENT + name in values.names]

        def shape(here: Term) -> tuple[int, int] | None:
            found = values.of(here)
            return None if isinstance(found, Misfit) else (int(found.shape[0]), int(found.shape[1]))

        batch = self.names.batch
        size = batch if isinstance(batch, int) else self.truth.sizes.get(str(batch))
        return Surroundings(layers, leaves, signals, shape, size, None if batch is None else size_term(batch))

    def factor_words(self, factor: Factor) -> str:
        """`2/n0`, `1/(n0 n3)`, `sqrt(d)`: a factor in the sizes that it is made of."""
        top: list[str] = []
        bottom: list[str] = []
        n, d = factor.size.numerator, factor.size.denominator
        for label, size in self.truth.sizes.items():
            while n % size == 0:
                n, top = n // size, [*top, label]
            while d % size == 0:
                d, bottom = d // size, [*bottom, label]
        above = " ".join([str(n)] * (n != 1 or not top) + top)
        below = " ".join([str(d)] * (d != 1 or not bottom) + bottom)
        if factor.root:
            above, below = (word if word == "1" else f"sqrt({word})" for word in (above, below))
        return above if below == "1" else f"{above}/{below}" if " " not in below or factor.root else f"{above}/({below})"

    def dimension_words(self, factor: Fraction) -> str:
        """What the sizes in a factor are: the batch."""
        batch = self.names.batch
        size = batch if isinstance(batch, int) else self.truth.sizes.get(str(batch))
        if size and size > 1 and (factor.denominator % size == 0 or factor.numerator % size == 0):
            return f" ({batch} is the size of the batch)"
        return ""

    def factor_term(self, factor: Factor, here: Term) -> Term:
        """The term with a factor before it, in the sizes that it is made of."""
        parts: list[Term | None] = []
        for left in (factor.size.numerator, factor.size.denominator):
            sizes: list[Term] = []
            for label, size in self.truth.sizes.items():
                while left % size == 0:
                    left, sizes = left // size, [*sizes, size_term(label)]
            whole = _factors(([number(left)] if left != 1 else []) + sizes)
            parts.append(call("sqrt", whole) if factor.root and whole is not None else whole)
        above, below = parts
        if below is not None:
            here = call("scale", call("divide", above or number(1), below), here)
        elif above is not None:
            here = call("scale", above, here)
        return call("neg", here) if factor.negative else here


def _factors(parts: Sequence[Term]) -> Term | None:
    whole = parts[0] if parts else None
    for part in parts[1:]:
        whole = call("scale", whole, part)  # type: ignore[arg-type]
    return whole


class _Search:
    """The best change so far."""

    def __init__(self, target: Term, points: Sequence[Point], doctor: Diagnostician) -> None:
        self.target = target
        self.points = points
        self.doctor = doctor
        self.best: Edit | None = None
        self._seen: set[Term] = set()
        truth = points[0].values.of(target)
        assert not isinstance(truth, Misfit)
        self._truth: Array = truth
        self._square = float(np.sum(truth * truth))

    def consider(self, edit: Edit) -> None:
        """Keep a change that makes the claim true, or true but for a constant factor, where it is the cheapest."""
        if (self.best is not None and edit.cost >= self.best.cost) or edit.term in self._seen:
            return
        self._seen.add(edit.term)
        found = self.points[0].values.of(edit.term)
        if isinstance(found, Misfit) or found.shape != self._truth.shape:
            return
        if agree(found, self._truth):
            if equal(edit.term, self.target, self.points):
                self.best = edit
            return
        factor = self._factor(found)
        if factor is not None and (self.best is None or edit.cost + FACTOR < self.best.cost):
            made = self.doctor.factor_term(factor, edit.term)
            if equal(made, self.target, self.points):
                self.best = Edit(made, (*edit.faults, self._factor_fault(factor)), edit.cost + FACTOR)

    def pairs(self, tried: Sequence[Edit], around: Surroundings, kinds: Sequence[Kind], price: float) -> None:
        """Two changes at once, the first from `tried`, the second of these kinds; no more than MOST."""
        count, met = 0, set()
        for edit in sorted(tried, key=lambda edit: edit.cost):
            if edit.term in met or (self.best is not None and edit.cost + price >= self.best.cost):
                continue
            met.add(edit.term)
            for more in edits(edit.term, around, kinds):
                count += 1
                self.consider(Edit(more.term, (*edit.faults, *more.faults), edit.cost + more.cost + price))
            if count > MOST:
                return

    def _factor(self, found: Array) -> Factor | None:
        """What `found` must be multiplied with, if that is one simple number, or the root of one."""
        own = float(np.sum(found * found))
        if not own or not self._square or not np.isfinite(own):
            return None
        ratio = float(np.sum(found * self._truth)) / own
        if not np.isfinite(ratio) or not agree(ratio * found, self._truth, 2.0):
            return None
        for root in (False, True):
            value = ratio * ratio if root else abs(ratio)
            simple = Fraction(value).limit_denominator(10_000)
            if simple and abs(float(simple) - value) < 1e-9 * value:
                return Factor(simple, root, ratio < 0)
        return None

    def _factor_fault(self, factor: Factor) -> Fault:
        if factor == Factor(Fraction(1), False, True):
            return SIGN
        sign = " and the sign is wrong" if factor.negative else ""
        words, more = self.doctor.factor_words(factor), self.doctor.dimension_words(factor.size)
        if factor.size.numerator == 1 and not more:
            back = self.doctor.factor_words(Factor(1 / factor.size, factor.root))
            return Fault("constant factor", f"the constant factor {back} is surplus: it must be divided by {back}{sign}")
        return Fault("constant factor", f"the constant factor {words} is missing{more}{sign}")

    def another(self, here: Term) -> None:
        """Whether the claim is the gradient of something else."""
        names_, values = self.doctor.names, self.points[0].values
        pair = {frozenset((value, inner)) for value, (_, inner) in self.doctor.truth.inside.items()}
        found = values.of(here)
        if isinstance(found, Misfit) or not found.any():
            return
        mine = self.target.name.removeprefix(GRADIENT)
        for other in (*names_.forward, *names_.shown):
            key = GRADIENT + other
            if other == mine or key not in values.names or frozenset((other, mine)) in pair:
                continue
            if agree(found, values.names[key]) and equal(here, named(key), self.points) and not equal(named(key), self.target, self.points):
                self.best = Edit(self.target, (Fault("gradient of another name", "this is {}, not {}", (named(key), self.target)),), 1.02)

    def missing_term(self, here: Term) -> None:
        """Whether the truth is a sum of which the claim has all terms but one."""
        values = self.points[0].values
        found = values.of(here)
        if self.best is not None or isinstance(found, Misfit) or found.shape != self._truth.shape:
            return
        terms = self.doctor.contributions(self.target)[:MOST_TERMS]
        for count in range(1, len(terms)):
            for missing in itertools.combinations(terms, count):
                whole = here
                for term_ in missing:
                    whole = call("plus", whole, term_)
                if equal(whole, self.target, self.points):
                    words = "the term {} is missing" if count == 1 else f"the terms {' and '.join(['{}'] * count)} are missing"
                    self.best = Edit(whole, (Fault("missing term", words, missing),), 1.2)
                    return


def _signs(truth: Truth) -> dict[str, tuple[str, str]]:
    """What the derivation calls the signals that it names: ∂ and a value → d_f, and f."""
    try:
        backprop = truth.net.backprop
    except DerivativeError:
        return {}
    point = truth.points[0].values
    found: dict[str, tuple[str, str]] = {}
    values = Values({name.name: point.names[name.name] for name in backprop.inputs}, truth.sizes, truth.functions, point)
    values.run(as_terms(backprop))
    for sign, value in backprop.deltas.items():
        _, inner = truth.inside.get(value.name, ("", ""))
        for key in (GRADIENT + inner, GRADIENT + value.name):
            if key in point.names and agree(values.names[sign.name], point.names[key]):
                found.setdefault(key, (sign.name, value.name))
                break
    return found


def _page(truth: Truth, known: Names, signs_: Mapping[str, tuple[str, str]]) -> Program:
    """A program whose printers know how signals and gradients look."""
    gradients: dict[Symbol, Symbol] = {}
    deltas: dict[Symbol, Symbol] = {}
    for name in truth.derived.outputs.values():
        if name.name.startswith(GRADIENT):
            value = name.name.removeprefix(GRADIENT)
            if name.name in signs_:
                sign, layer = signs_[name.name]
                deltas[symbol(sign)] = symbol(layer)
            else:
                shown = known.shown.get(value, value)
                gradients[symbol(GRADIENT + shown)] = symbol(shown)
    return Program((), (), {}, functions=truth.functions, gradients=gradients, deltas=deltas)
