"""The identities as patterns in normal form, found by what stands at their root.

In    the entries of identities.py, and the operators of a program
Out   the rules that can apply to that program, by the kind and name of their root
Idea  an entry is read when a program first has all the functions that it speaks of; most programs read none
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from algebra2net.lower import Rule, rule
from algebra2net.program import symbol
from algebra2net.stabilize.forms import FUNCTION, NUMBER, PRODUCT, SUM, VARIABLE, Forms
from algebra2net.stabilize.identities import IDENTITIES, Identity

NAMES = ("a", "b", "x", "y", "p", "lo", "hi", "e", "axis")  # what a pattern may call its values and options
_SIGNS = {">": "gt", "^": "power"}  # of patterns
_ALSO: Mapping[str, tuple[str, ...]] = {
    "log2": ("log",),
    "log10": ("log",),
    "sqrt": ("power",),
    "times": ("power",),
    "lt": ("gt",),
    "matmul": ("sum", "mean"),
    "trace": ("sum", "mean"),
    "sum": ("mean",),
}  # what stands for what: x * x is a power, a sum over n a mean


@dataclass(frozen=True, slots=True)
class Pattern:
    """An entry, its pattern in normal form, and the functions that a target must have at its surface."""

    identity: Identity
    root: int
    surface: frozenset[str]
    place: int

    @property
    def replacement(self) -> Rule:
        """What to compute in its place."""
        return rule(self.identity.replacement, NAMES)


@dataclass(frozen=True)
class Rules:
    """Patterns by the name of the function at their root, or by the kind of node: sum, product."""

    patterns: Forms
    by_root: Mapping[str, Sequence[Pattern]]

    def at(self, forms: Forms, node: int) -> Iterable[Pattern]:
        """The patterns that could fit a node."""
        kind = forms.kinds[node]
        if kind == FUNCTION:
            return self.by_root.get(forms.data[node][0], ())
        found = self.by_root.get(kind, ()) if kind in (SUM, PRODUCT) else ()
        if kind == PRODUCT:
            found = [*self.by_root.get("power", ()), *found]
        if not found:
            return ()
        have = surface(forms, node) | {"power"}
        return [pattern for pattern in found if pattern.surface <= have]


def rules(operators: frozenset[str]) -> Rules:
    """The rules that can apply to a program of these operators."""
    return _rules(usable(operators))


@lru_cache(maxsize=256)
def usable(operators: frozenset[str]) -> tuple[int, ...]:
    """The entries whose functions the program has, or gets from entries that apply."""
    available = set(operators | {"size"})
    for name in operators:
        available.update(_ALSO.get(name, ()))
    found: set[int] = set()
    while True:
        more = {k for k in range(len(IDENTITIES)) if k not in found and _words(k)[0] <= available}
        if not more:
            return tuple(sorted(found))
        found |= more
        for k in more:
            available |= _words(k)[1]


@cache
def _words(place: int) -> tuple[frozenset[str], frozenset[str]]:
    """The functions in the pattern of an entry, and those in its replacement."""
    entry = IDENTITIES[place]
    calls, made = (frozenset(re.findall(r"[a-z_0-9]+'?(?=\()", text)) for text in (entry.pattern, entry.replacement))
    return calls | {name for sign, name in _SIGNS.items() if sign in entry.pattern}, made


@lru_cache(maxsize=64)
def _rules(places: tuple[int, ...]) -> Rules:
    from algebra2net.stabilize.rewrite import Rewriter

    patterns = Forms()
    by_root: dict[str, list[Pattern]] = {}
    for place in places:
        so_far = Rewriter(patterns, Rules(patterns, by_root))
        root = so_far.of_rule(rule(IDENTITIES[place].pattern, NAMES), {symbol(n): patterns.variable(symbol(n)) for n in NAMES}, at_root=False)
        kind = patterns.kinds[root]
        name = patterns.data[root][0] if kind == FUNCTION else kind
        assert kind != VARIABLE, IDENTITIES[place].pattern
        by_root.setdefault(name, []).append(Pattern(IDENTITIES[place], root, surface(patterns, root), place))
    return Rules(patterns, by_root)


def surface(forms: Forms, node: int) -> frozenset[str]:
    """The names of the functions among the terms of a sum or the factors of a product, and whether a number or a product is among the terms."""
    found = set(_surface(forms, node, 2))
    if forms.kinds[node] == SUM:
        terms, number = forms.data[node]
        if number:
            found.add(NUMBER)
        if any(forms.kinds[term] == PRODUCT or forms.is_call(term, "exp") for term, _ in terms):  # exp(2 x) is the square of exp(x)
            found.add(PRODUCT)
    return frozenset(found)


def _surface(forms: Forms, node: int, deep: int) -> Iterable[str]:
    kind = forms.kinds[node]
    if kind == FUNCTION:
        yield forms.data[node][0]
    elif deep and kind in (SUM, PRODUCT):
        for inside, _ in forms.data[node][0] if kind == SUM else forms.data[node]:
            yield from _surface(forms, inside, deep - 1)
