"""Nodes in terms of one quantity: k times it, a rest and a number; what they are where it is something else.

In    the forms of a program, and a quantity: x, or x W + b, or a - b
Out   nodes, numbers, and how a node rests on the quantity
Idea  a quantity of several terms is moved by its first one, so that a is b where a - b is 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from sympy import Abs, Expr, Symbol, diff, lambdify, sympify

from algebra2net.operators import OPERATORS
from algebra2net.stabilize.forms import FUNCTION, NUMBER, PRODUCT, SUM, Forms, Terms


def total(forms: Forms, parts: Iterable[tuple[float, int]]) -> int:
    """The sum of multiples of nodes; what cancels may take its shape away, which the whole keeps."""
    terms: Terms = {}
    number = 0.0
    for factor, node in parts:
        inside, beside = forms.linear(node)
        number += factor * beside
        for term, c in inside.items():
            terms[term] = terms.get(term, 0.0) + factor * c
    return forms.sum_of(terms, number, None)


class InTerms:
    """Nodes in terms of one quantity."""

    forms: Forms

    def __init__(self, forms: Forms, quantity: int) -> None:
        self.forms = forms
        self.quantity = quantity
        self.terms, _ = forms.linear(quantity)
        self.first = next(iter(self.terms))

    def line(self, node: int) -> tuple[float, int, float]:
        """k, a rest and a number, so that the node is k times the quantity, the rest and the number."""
        terms, number = self.forms.linear(node)
        k = terms.get(self.first, 0.0)
        if not all(nearly(terms.get(term, 0.0), k * c) for term, c in self.terms.items()):
            k = 0.0
        left = {term: c for term, c in terms.items() if not (k and term in self.terms)}
        return k, self.forms.sum_of(left, 0.0, self.forms.broadcast(left)), number

    def put(self, node: int, c: float) -> int:
        """The node where the quantity is a number."""
        forms = self.forms
        others = [(-k, term) for term, k in self.terms.items() if term != self.first]
        return self.replaced(node, forms.add([(1.0, forms.number(c)), *others]))

    def replaced(self, node: int, by: int, depth: int = 8) -> int:
        """The node with something in the place of the quantity's first term."""
        forms = self.forms
        kind, data = forms.kinds[node], forms.data[node]
        if node == self.first:
            return by
        if not depth or kind not in (SUM, PRODUCT, FUNCTION):
            return node
        if kind == SUM:
            return self.sum([*((c, self.replaced(part, by, depth - 1)) for part, c in data[0]), (1.0, forms.number(data[1]))])
        if kind == PRODUCT:
            return self.product([(self.replaced(part, by, depth - 1), e) for part, e in data])
        name, args, options = data
        if not OPERATORS[name].elementwise:
            return node
        new = tuple(self.replaced(arg, by, depth - 1) for arg in args)
        return node if new == args else self.function(name, new, options)

    def function(self, name: str, args: Sequence[int], options: tuple[Expr, ...]) -> int:
        """A function of entries; of a number, a number."""
        forms = self.forms
        found = univariate(name) if len(args) == 1 and forms.kinds[args[0]] == NUMBER else None
        return forms.number(found[0](forms.data[args[0]])) if found else forms.function(name, args, options, forms.broadcast(args))

    def sum(self, parts: Sequence[tuple[float, int]]) -> int:
        """The sum of multiples of nodes."""
        return total(self.forms, parts)

    def product(self, parts: Sequence[tuple[int, float]]) -> int:
        """A product; 0 times anything is the number 0."""
        zero = self.forms.number(0.0)
        return zero if any(node == zero and e > 0 for node, e in parts) else self.forms.multiply(parts)

    def call(self, name: str, *args: int) -> int:
        """An operator of entries on nodes."""
        return self.forms.function(name, args, (), self.forms.broadcast(args))

    def is_same(self, one: int, other: int) -> bool:
        """Whether two nodes are equal, but for rounding."""
        (terms, a), (others, b) = self.forms.linear(one), self.forms.linear(other)
        return terms == others and (nearly(a, b) or abs(a - b) < 1e-15)


@cache
def univariate(name: str) -> tuple[Callable[[float], float], Callable[[float], float]] | None:
    """A smooth function of one operand and its slope, as its record says them in SymPy's functions."""
    here = OPERATORS[name]
    if len(here.operands) != 1 or not here.sympy:
        return None
    x = Symbol("x", real=True)
    value = sympify(here.sympy, locals={"x": x})
    return None if value.has(Abs) else (_of_a_number(x, value), _of_a_number(x, diff(value, x)))


def _of_a_number(x: Symbol, value: Expr) -> Callable[[float], float]:
    """The function that a value is of x; those of SymPy's functions that Python has not are mpmath's."""
    function = lambdify(x, value, ["math", "mpmath"])
    return lambda number: float(function(number))


def nearly(a: float, b: float) -> bool:
    """Whether two numbers are the same but for rounding."""
    return abs(a - b) <= 1e-13 * max(abs(a), abs(b))
