"""Which claims are right, under the readings that their names allow.

In    claims, and the truth of a network
Out   for each claim a judgement: right or wrong, under which reading, in which surroundings
Idea  a claim is judged where it stands: names that earlier claims define have the values that they were given there. A
      claim that fails only because an earlier one is wrong says so, and is no mistake of its own
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from sympy import Integer, Symbol

from algebra2net.derive import GRADIENT
from algebra2net.errors import NotationError, nearest
from algebra2net.operators.operator import UNSIZED
from algebra2net.verify.evaluate import Array, Misfit
from algebra2net.verify.meaning import Names, Reading
from algebra2net.verify.reading import Claim
from algebra2net.verify.terms import Term, names_in, places, replaced
from algebra2net.verify.truth import Point, Truth

TOLERANCE, FAR_TOLERANCE = 1e-9, 1e-6  # of the largest entry; where data is spread far, activations lose digits
MOST_READINGS = 16


@dataclass(frozen=True)
class Judgement:
    """One claim as it was judged. `target` is what it should be; `term` the claim in names that have values at the points."""

    claim: Claim
    right: bool
    target: Term | None  # nothing: the claim names a value of its own
    term: Term
    points: tuple[Point, ...]
    notes: tuple[str, ...] = ()
    because: tuple[str, ...] = ()  # wrong only because these earlier claims are
    rests: tuple[str, ...] = ()
    others: tuple[Judgement, ...] = ()  # under the other readings of its names, where it is wrong under all
    factor: Fraction | None = None  # of the truth, where later claims make good for it
    given: tuple[Point, ...] = ()  # the points with the values that earlier claims gave their names


@dataclass
class _State:
    """What earlier claims have said: the values of their names, as given and as they should be."""

    given: list[dict[str, Array]]
    true: list[dict[str, Array]]
    wrong: set[str] = field(default_factory=set)
    rests: dict[str, set[str]] = field(default_factory=dict)
    shapeless: set[str] = field(default_factory=set)  # claims whose shapes do not fit: they give their names no value
    lost: set[str] = field(default_factory=set)  # of these, names of the claims' own, and what rests on them: they have none at all


def judged(claims: Sequence[Claim], truth: Truth, names: Names) -> list[Judgement]:
    """A judgement for each claim.

    Raises NotationError for a name that nothing explains, or a claim about an input.
    """
    for claim in claims:
        truth.functions.update(claim.functions)
    points = truth.points
    state = _State([{} for _ in points], [{} for _ in points])
    found = []
    for claim in claims:
        given = _points(truth, state.given)
        found.append(replace(_judged(claim, truth, names, state), given=given))
    if not any(made.target or not made.right for made in found):
        name = found[-1].claim.spelled.strip()
        known = [f"d{value}" for value in sorted(names.forward) if truth.has_signal(value)]
        raise NotationError(f"{name} is no gradient or signal of this network", found[-1].claim.span, nearest(name, known) or f"claims are about {', '.join(known)}")
    return _made_good(found, truth)


def _made_good(found: list[Judgement], truth: Truth) -> list[Judgement]:
    """Signals off by a constant factor that all gradients made of them make up for: dZ = A - Y, dW = 1/m dZ Aᵀ."""
    inputs = {GRADIENT + name.name for name in truth.forward.inputs}
    better = list(found)
    for k, made in enumerate(found):
        if made.right or made.target is None or made.claim.of.startswith(GRADIENT) or made.target.name in inputs:
            continue
        factor = None if made.because and any(name not in made.given[0].values.names for name in names_in(made.term)) else ratio(made)
        users = _users(found, k)
        gradients = [user for user in users if user.target is not None and user.target.name in inputs]
        if factor is not None and gradients and all(user.right for user in gradients):
            words = f"{made.claim.spelled.strip()} is {_times_words(factor, truth)} the signal; the gradients made of it make up for that"
            better[k] = replace(made, right=True, points=made.given, notes=(*made.notes, words), because=(), factor=factor)
    return better


def _users(found: Sequence[Judgement], place: int) -> list[Judgement]:
    """The later claims that rest on a claim's name."""
    reached = {found[place].claim.name}
    users = []
    for made in found[place + 1 :]:
        if reached & set(names_in(made.term)):
            users.append(made)
            reached.add(made.claim.name)
    return users


def ratio(made: Judgement) -> Fraction | None:
    """What a claim is of what it should be, if that is one simple number at all points; as the claims before it have it."""
    assert made.target is not None
    found: Fraction | None = None
    for point in made.given:
        one, other = point.values.of(made.term), point.values.of(made.target)
        if isinstance(one, Misfit) or isinstance(other, Misfit) or one.shape != other.shape or not other.any():
            return None
        value = float(np.sum(one * other) / np.sum(other * other))
        if not np.isfinite(value):
            return None
        simple = Fraction(value).limit_denominator(10_000)
        if not agree(one, value * other, 2.0) or not simple or found not in (None, simple):
            return None
        found = simple
    return found


def _times_words(factor: Fraction, truth: Truth) -> str:
    labels = {size: label for label, size in truth.sizes.items()}
    if factor.denominator == 1 and int(factor) in labels:
        return f"{labels[int(factor)]} times"
    return f"{factor} times" if factor != -1 else "minus"


def unknown_names(claims: Sequence[Claim], names: Names) -> list[str]:
    """The names in claims that neither the network nor an earlier claim explains."""
    defined: set[str] = set()
    found: dict[str, None] = {}
    for claim in claims:
        for name in names_in(claim.value):
            if name not in defined and name not in claim.derivatives and not names.readings(name):
                found[name] = None
        defined.add(claim.name)
    return list(found)


def agree(one: Array | Misfit, other: Array | Misfit, scale: float = 1.0) -> bool:
    """Whether two values are equal at a point, up to rounding."""
    if isinstance(one, Misfit) or isinstance(other, Misfit) or one.shape != other.shape:
        return False
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(other), initial=0)
        return bool(np.max(np.abs(one - other), initial=0) <= (FAR_TOLERANCE if scale > 1 else TOLERANCE) * max(largest, 1e-30))


def equal(here: Term, there: Term, points: Sequence[Point]) -> bool:
    """Whether two terms are equal at all points."""
    return bool(points) and all(agree(point.values.of(here), point.values.of(there), point.scale) for point in points)


def _judged(claim: Claim, truth: Truth, names: Names, state: _State) -> Judgement:
    targets = _targets(claim, names)
    lost = state.lost & set(names_in(claim.value))
    if lost:
        return _without_value(claim, targets, lost, truth, state)
    rests = _wrong_below(claim, state)
    surroundings = [state.given] * (not rests & state.shapeless) + [state.true] * bool(rests)
    if not targets:
        value, notes = next(_readings(claim, names, state))
        return _own(claim, value, notes, truth, state, rests)
    wrong: list[Judgement] = []
    for around in surroundings:
        points = _points(truth, around)
        for (value, notes), target in itertools.islice(itertools.product(_readings(claim, names, state), targets), MOST_READINGS):
            if equal(value, target.value, points):
                ok = around is state.given
                words = (*((f"{claim.spelled.strip()} is read as {target.words}",) if len(targets) > 1 else ()), *notes)
                made = Judgement(claim, ok, target.value, value, points, words, () if ok else tuple(sorted(rests)), tuple(sorted(rests)))
                _remember(truth, state, made, target, rests)
                return made
            if around is surroundings[-1]:  # where earlier claims are wrong, beside what is true
                wrong.append(Judgement(claim, False, target.value, value, points, notes, (), tuple(sorted(rests))))
    first, *others = wrong
    _remember(truth, state, first, targets[0], rests)
    return replace(first, others=tuple(others))


def _wrong_below(claim: Claim, state: _State) -> set[str]:
    """The wrong claims that a claim rests on."""
    return {name for used in names_in(claim.value) if used in state.rests for name in state.rests[used] & state.wrong}


def _targets(claim: Claim, names: Names) -> tuple[Reading, ...]:
    """What the left-hand side of a claim may mean; nothing where it is a name of its own."""
    found = names.derivative(claim.of) if claim.of else names.readings(claim.name)
    if claim.of and not found:
        target = claim.of.removeprefix(GRADIENT)
        raise NotationError(f"there is no {target} in the network", claim.span, nearest(target, names.forward) or f"its names are {', '.join(sorted(names.forward))}")
    inputs = {name.name for name in names.truth.forward.inputs}
    if claim.name in inputs:
        raise NotationError(f"{claim.name} is an input of the network", claim.span, f"a claim says what a gradient is: d{claim.name} = …")
    return tuple(r for r in found if r.value.op == "name")


def _readings(claim: Claim, names: Names, state: _State) -> Iterator[tuple[Term, tuple[str, ...]]]:
    """The right-hand side in names that have values, under each reading of what it uses."""
    chosen: list[list[tuple[str, Reading]]] = []
    for name in names_in(claim.value):
        if name in state.rests:
            continue
        found = names.derivative(claim.derivatives[name]) if name in claim.derivatives else names.readings(name)
        if not found:
            raise NotationError(f"nothing says what {name} is", claim.places.get(name, claim.span), _way_out(name, names, state))
        chosen.append([(name, reading) for reading in found])
    for choice in itertools.product(*chosen):
        meaning = {name: reading.value for name, reading in choice}
        notes = tuple(f"{name} is read as {reading.words}" for (name, reading), options in zip(choice, chosen, strict=True) if len(options) > 1 and reading.words)
        yield _sized(_meant(claim.value, meaning), names), notes


def _sized(here: Term, names: Names) -> Term:
    """A term whose identity matrices, I, have the size that fits."""
    unsized = [path for path, node in places(here) if node.op == "eye" and node.options == (UNSIZED,)]
    if not unsized:
        return here
    sizes = [Symbol(label) for label in names.truth.sizes] + [Integer(size) for shape in names.truth.forward.shapes.values() for size in shape if isinstance(size, int)]
    for size in dict.fromkeys(sizes):
        made = here
        for path in unsized:
            made = replaced(made, path, Term("eye", (), (size,)))
        try:
            if not isinstance(names.truth.points[0].values.of(made), Misfit):
                return made
        except KeyError:  # it uses a name that an earlier claim defines
            return made
    return here


def _way_out(name: str, names: Names, state: _State) -> str:
    """What to type instead of a name that nothing explains."""
    value = re.sub(r"^(?:d|delta|grad)_?(?=\w)|_(?:delta|grad|gradient)$", "", name)
    if value != name and value:
        return f"the network has no {value}; name that value in the network ({value} = …), or say what {name} is in a claim before this one"
    hint = nearest(name, [*names.forward, *names.shown.values(), *state.rests])
    return hint or f"the network has {', '.join(sorted(names.forward))}; or say what {name} is in a claim before this one"


def _meant(value: Term, meaning: Mapping[str, Term]) -> Term:
    for path, node in list(places(value)):
        if node.name in meaning:
            value = replaced(value, path, meaning[node.name])
    return value


def _points(truth: Truth, around: Sequence[Mapping[str, Array]]) -> tuple[Point, ...]:
    return tuple(Point(point.values.derived(more), point.scale) if more else point for point, more in zip(truth.points, around, strict=True))


def _own(claim: Claim, value: Term, notes: tuple[str, ...], truth: Truth, state: _State, rests: set[str]) -> Judgement:
    """A claim that names a value of its own: nothing to be right or wrong, but that its shapes fit."""
    points = _points(truth, state.given)
    made = Judgement(claim, True, None, value, points, notes, (), tuple(sorted(rests)))
    found = [point.values.of(value) for point in points]
    if any(isinstance(array, Misfit) for array in found):
        state.lost.add(claim.name)
        return Judgement(claim, False, None, value, points, notes)
    for given, true, point, array in zip(state.given, state.true, _points(truth, state.true), found, strict=True):
        again = point.values.of(value)
        assert not isinstance(array, Misfit)
        assert not isinstance(again, Misfit)
        given[claim.name], true[claim.name] = array, again
    state.rests[claim.name] = set(rests)
    return made


def _without_value(claim: Claim, targets: Sequence[Reading], lost: set[str], truth: Truth, state: _State) -> Judgement:
    """A claim that rests on a name whose own claim cannot be: wrong because of it, and later claims use what is true."""
    target = targets[0] if targets else None
    if target is None:
        state.lost.add(claim.name)
    else:
        for given, true, point in zip(state.given, state.true, truth.points, strict=True):
            given[claim.name] = true[claim.name] = point.values.names[target.value.name]
        state.shapeless.add(claim.name)
        state.wrong.add(claim.name)
        state.rests[claim.name] = {claim.name}
    return Judgement(claim, False, target.value if target else None, claim.value, tuple(truth.points), (), tuple(sorted(lost)))


def _remember(truth: Truth, state: _State, made: Judgement, target: Reading, rests: set[str]) -> None:
    """Let later claims use the name: with the value that it was given, and with the true one."""
    name = made.claim.name
    if not made.claim.of and target.value.name == name:
        return  # a value of the network under its own name
    points = _points(truth, state.given)
    for given, true, point in zip(state.given, state.true, points, strict=True):
        found = point.values.of(made.term)
        right = point.values.of(target.value)
        assert not isinstance(right, Misfit)
        true[name] = right
        fits = not isinstance(found, Misfit) and found.shape == right.shape
        given[name] = right if isinstance(found, Misfit) or not fits else found
        state.shapeless |= set() if fits else {name}
    if not made.right:
        state.wrong.add(name)
    state.rests[name] = {name} if not made.right and not made.because else set(rests)
