"""Where a pattern fits: which nodes its names can stand for.

In    a pattern and a target, both in normal form
Out   what the names of the pattern are bound to, and what of the target is left over
Idea  the terms of a sum and the factors of a product are tried in every order; a name that stands alone among them takes
      what the others leave; a sum may fit as a multiple: 3 - 3 exp(x) is -3 times exp(x) - 1

Patterns are small and sums are at most `WIDEST` wide, so trying is cheap; the index in `rules` sees to it that little is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol

from algebra2net.program import ValueSymbol
from algebra2net.stabilize.forms import COMMUTATIVE, FUNCTION, NUMBER, PRODUCT, SUM, VARIABLE, Forms, OpaqueError, Terms, close

Bound = Mapping[Symbol, Any]  # a name of the pattern → a node, or an option


@dataclass(frozen=True, slots=True)
class Fit:
    """One way in which a pattern fits: the target is `factor` times the pattern, with terms or factors left over."""

    bound: Bound
    factor: float
    left: Terms
    number: float = 0.0


class Matcher:
    """Patterns of one `Forms` against nodes of another."""

    def __init__(self, patterns: Forms, targets: Forms) -> None:
        self.patterns = patterns
        self.targets = targets

    def at_root(self, pattern: int, target: int) -> Iterator[Fit]:
        """Every way in which the pattern is the target, or a part of its sum or product."""
        kind = self.patterns.kinds[pattern]
        if kind == SUM and self.targets.kinds[target] == SUM:
            yield from self.in_sum(pattern, target, {}, partial=True)
        elif kind == PRODUCT and self.targets.kinds[target] == PRODUCT:
            yield from self.in_product(self.patterns.data[pattern], 1.0, dict(self.targets.data[target]), {}, partial=True)
        elif kind == FUNCTION:
            for bound in self.whole(pattern, target, {}):
                yield Fit(bound, 1.0, {})

    def whole(self, pattern: int, target: int, bound: Bound) -> Iterator[Bound]:
        """Every way in which the pattern is exactly the target."""
        kind = self.patterns.kinds[pattern]
        data = self.patterns.data[pattern]
        if kind == VARIABLE:
            yield from self.bind(data, target, bound)
        elif kind == NUMBER:
            if self.targets.kinds[target] == NUMBER and close(self.targets.data[target], data):
                yield bound
        elif kind == FUNCTION:
            yield from self.call(data, target, bound)
        elif kind == PRODUCT:
            number, factors = self.targets.monomial(target)
            for fit in self.in_product(data, number, factors, bound, partial=False):
                if not fit.left and close(fit.factor, 1.0):
                    yield fit.bound
        elif kind == SUM:
            for fit in self.in_sum(pattern, target, bound, partial=False):
                if close(fit.factor, 1.0):
                    yield fit.bound

    def bind(self, name: Symbol, target: Any, bound: Bound) -> Iterator[Bound]:
        """The name stands for the target, unless it stands for something else."""
        if name not in bound:
            yield {**bound, name: target}
        elif bound[name] == target:
            yield bound

    def call(self, data: tuple[str, tuple[int, ...], tuple[Expr, ...]], target: int, bound: Bound) -> Iterator[Bound]:
        """A function of the same name, option by option and argument by argument."""
        name, args, options = data
        if name == "power" and not self.targets.is_call(target, "power"):
            yield from self.numeric_power(args, target, bound)
            return
        if not self.targets.is_call(target, name):
            return
        _, given, settings = self.targets.data[target]
        for option, setting in zip(options, settings, strict=True):
            if isinstance(option, ValueSymbol):
                found = next(self.bind(option, setting, bound), None)
                if found is None:
                    return
                bound = found
            elif option != setting:
                return
        orders = (args, args[::-1]) if name in COMMUTATIVE else (args,)
        for order in orders:
            yield from self.arguments(order, given, bound)

    def arguments(self, patterns: tuple[int, ...], targets: tuple[int, ...], bound: Bound) -> Iterator[Bound]:
        """The arguments one after the other."""
        if not patterns:
            yield bound
            return
        for found in self.whole(patterns[0], targets[0], bound):
            yield from self.arguments(patterns[1:], targets[1:], found)

    def numeric_power(self, args: tuple[int, ...], target: int, bound: Bound) -> Iterator[Bound]:
        """x^p with a name p, where the target is a power with a number."""
        number, factors = self.targets.monomial(target)
        if number == 1 and len(factors) == 1:
            ((base, exponent),) = factors.items()
            if exponent != 1:
                yield from self.arguments(args, (base, self.targets.number(exponent)), bound)

    # sums

    def in_sum(self, pattern: int, target: int, bound: Bound, *, partial: bool) -> Iterator[Fit]:
        """The pattern's terms among the target's; the factor is what the target is a multiple by."""
        terms, number = self.patterns.data[pattern]
        is_name = self.patterns.kinds
        solid = [(term, c) for term, c in terms if is_name[term] != VARIABLE]
        names = [(self.patterns.data[term], c) for term, c in terms if is_name[term] == VARIABLE]
        given, beside = self.targets.linear(target)
        for fit in self.solid_terms(solid, given, None, bound):
            if number and not close(beside, fit.factor * number):
                continue
            for left in self.one_alone(names, Fit(fit.bound, fit.factor, fit.left, 0.0 if number else beside)):
                rest = self.named_terms(names, left)
                if rest is not None and (partial or (not rest.left and not rest.number)):
                    yield rest

    def one_alone(self, names: list[tuple[Symbol, float]], fit: Fit) -> Iterator[Fit]:
        """Of two free names the first takes any one term, so that the other may take the rest."""
        free = [(name, c) for name, c in names if name not in fit.bound]
        if len(free) != 2 or len(names) != 2:
            yield fit
            return
        name, c = free[0]
        for term, k in fit.left.items():
            yield Fit({**fit.bound, name: self.targets.scaled(k / (fit.factor * c), term)}, fit.factor, fit.left, fit.number)

    def solid_terms(self, solid: list[tuple[int, float]], given: Terms, factor: float | None, bound: Bound) -> Iterator[Fit]:
        """Terms of a pattern that are no mere names, each at one of the target's."""
        if not solid:
            yield Fit(bound, 1.0 if factor is None else factor, given)
            return
        (pattern, coefficient), *others = solid
        for term, c in given.items():
            ratio = c / coefficient
            if factor is not None and not close(c, factor * coefficient):
                continue
            if not all(any(close(k, ratio * other) for k in given.values()) for _, other in others):
                continue  # x W + b is no x² - y²: that is seen without a look at its terms
            for found in self.whole(pattern, term, bound):
                left = {t: k for t, k in given.items() if t != term}
                yield from self.solid_terms(others, left, ratio, found)

    def named_terms(self, names: list[tuple[Symbol, float]], fit: Fit) -> Fit | None:
        """What is left when bound names are taken away; a free one takes everything."""
        bound, left, number = dict(fit.bound), dict(fit.left), fit.number
        free = [(name, c) for name, c in names if name not in bound]
        for name, c in names:
            if name not in bound:
                continue
            terms, beside = self.targets.linear(bound[name])
            for term, k in terms.items():
                wanted = fit.factor * c * k
                if term not in left or not close(left[term], wanted):
                    return None
                del left[term]
            less = number - fit.factor * c * beside
            if abs(less) > abs(number):
                return None  # a number would be added to be taken away
            number = less
        if not free:
            return Fit(bound, fit.factor, left, number)
        (name, c), *more = free
        if more or not (left or number):
            return None
        try:
            shape = self.targets.broadcast(left)
            bound[name] = self.targets.sum_of({t: k / (fit.factor * c) for t, k in left.items()}, number / (fit.factor * c), shape)
        except (OpaqueError, ZeroDivisionError):
            return None
        return Fit(bound, fit.factor, {})

    # products

    def in_product(self, pattern: tuple[tuple[int, float], ...], number: float, given: Terms, bound: Bound, *, partial: bool) -> Iterator[Fit]:
        """The pattern's factors among the target's; with `partial`, a factor may be used up in part."""
        solid = [(base, e) for base, e in pattern if self.patterns.kinds[base] != VARIABLE]
        names = [(self.patterns.data[base], e) for base, e in pattern if self.patterns.kinds[base] == VARIABLE]
        for fit in self.solid_factors(solid, Fit(bound, number, given), partial):
            rest = self.named_factors(names, fit, partial)
            if rest is not None:
                yield rest

    def solid_factors(self, solid: list[tuple[int, float]], fit: Fit, partial: bool) -> Iterator[Fit]:
        """Factors of a pattern that are no mere names, each at one of the target's."""
        if not solid:
            yield fit
            return
        (pattern, exponent), *others = solid
        for base, e in fit.left.items():
            if not (e == exponent or (partial and e * exponent > 0 and abs(e) > abs(exponent))):
                continue
            if e == int(e) and exponent != int(exponent):
                continue  # a whole power is not taken apart into roots
            left = {b: k for b, k in fit.left.items() if b != base} | ({base: e - exponent} if e != exponent else {})
            for found, factor in self.factor(pattern, base, fit.bound):
                if factor > 0 or exponent == int(exponent):
                    yield from self.solid_factors(others, Fit(found, fit.factor * factor**exponent, left), partial)

    def factor(self, pattern: int, base: int, bound: Bound) -> Iterator[tuple[Bound, float]]:
        """A factor that fits; a sum also as a multiple."""
        if self.patterns.kinds[pattern] == SUM:
            for fit in self.in_sum(pattern, base, bound, partial=False):
                yield fit.bound, fit.factor
        else:
            for found in self.whole(pattern, base, bound):
                yield found, 1.0

    def named_factors(self, names: list[tuple[Symbol, float]], fit: Fit, partial: bool) -> Fit | None:
        """What is left when bound names are divided out; a free one takes everything, of two one the top and one the bottom."""
        bound, left, number = dict(fit.bound), dict(fit.left), fit.factor
        free = [(name, e) for name, e in names if name not in bound]
        for name, e in names:
            if name not in bound:
                continue
            coefficient, factors = self.targets.monomial(bound[name])
            if coefficient == 0 or (coefficient < 0 and e != int(e)):
                return None
            number /= coefficient**e
            for base, k in factors.items():
                had = left.pop(base, 0.0)
                if had != k * e and not (partial and had * k * e > 0 and abs(had) > abs(k * e)):
                    return None
                if had != k * e:
                    left[base] = had - k * e
        if not free:
            return Fit(bound, number, left)
        if not left:
            return None
        return self.shared_out(free, number, left, bound)

    def shared_out(self, free: list[tuple[Symbol, float]], number: float, left: Terms, bound: dict[Symbol, Any]) -> Fit | None:
        """What is left, given to the names that are free."""
        if len(free) == 1:
            parts = [left]
        elif len(free) == 2 and free[0][1] * free[1][1] < 0:
            parts = [{b: e for b, e in left.items() if e * exponent > 0} for _, exponent in free]
        elif len(free) == 2 and len(left) > 1:
            first = next(iter(left))
            parts = [{first: left[first]}, {b: e for b, e in left.items() if b != first}]
        else:
            return None
        try:
            for (name, exponent), part in zip(free, parts, strict=True):
                if not part or not all(self.is_root(base, e, exponent) for base, e in part.items()):
                    return None
                value = self.targets.multiply((base, e / exponent) for base, e in part.items())
                if name is free[0][0] and number != 1:
                    if number < 0 and exponent % 2 != 1:
                        return None
                    root = -((-number) ** (1 / exponent)) if number < 0 else number ** (1 / exponent)
                    value = self.targets.scaled(root, value)
                bound[name] = value
        except (OpaqueError, OverflowError, ZeroDivisionError):
            return None
        return Fit(bound, 1.0, {})

    def is_root(self, base: int, e: float, exponent: float) -> bool:
        """Whether base^e is something to the power of `exponent` that may be said without changing where it is defined."""
        share = e / exponent
        if exponent == 1:
            return True
        return share == 1 or (exponent == int(exponent) and share > 0 and (share == int(share) or self.targets.is_call(base, "exp")))
