"""Right as typed: a program whose values and gradients keep their digits, from one that says the same.

In    the forward Program, with shapes
Out   the same named values in forms that do not overflow, cancel or meet nan on the way; what was rewritten, and why
Idea  this comes before derivation: the gradient of a good form is good, and that of a bad one is beyond mending

    forms.py       spellings of the same algebra made one
    identities.py  the entries: what is typed, what is computed, why
    match.py       where an entry fits
    rules.py       the entries that a program can need
    rewrite.py     values under the entries
    corners.py     functions in pieces: the agreed slope where they meet
    guard.py       `where`: the branch that is not taken sees a harmless argument
    saturate.py    exp below what is flat: 0 times inf is 0

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), chapter 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Float, Integer, Symbol

from algebra2net.errors import Span
from algebra2net.operators.operator import Operation, operation
from algebra2net.program import Draft, Equation, Program, is_step, operands, record, symbol
from algebra2net.shapes import result_shape
from algebra2net.stabilize.corners import CHOICES, MADE_OF_CHOICES, OPERATORS_WITH_CORNERS, Corners
from algebra2net.stabilize.forms import FUNCTION, NUMBER, PRODUCT, SUM, Forms
from algebra2net.stabilize.guard import REASON as GUARD
from algebra2net.stabilize.guard import guarded
from algebra2net.stabilize.identities import IDENTITIES, Identity
from algebra2net.stabilize.rewrite import Rewriter
from algebra2net.stabilize.rules import rules, usable
from algebra2net.stabilize.saturate import saturated

__all__ = ["IDENTITIES", "Identity", "Rewrite", "Stable", "stabilize"]

_BY_EXP = next(entry for entry in IDENTITIES if entry.pattern == "y / exp(x)")
_ARITHMETIC = frozenset(("plus", "minus", "neg", "times", "scale", "divide", "power", "sqrt"))


@dataclass(frozen=True)
class Rewrite:
    """One rewrite that was applied: in the equation of which value, what stood there, what is computed, and why."""

    name: Symbol
    pattern: str
    replacement: str
    reason: str
    span: Span | None = None


@dataclass(frozen=True)
class Stable:
    """A program that keeps its digits, and the rewrites that made it."""

    program: Program
    rewrites: tuple[Rewrite, ...]


def stabilize(program: Program, wrt: Iterable[str] = ()) -> Stable:
    """The program with its values in forms that keep their digits.

    Values named in `wrt` are not looked into: gradients by them are asked for, so they have to stand where they stand.
    """
    fixed = {symbol(name) for name in wrt}
    found = frozenset(name for e in program.equations if isinstance(e.value, Operation) for name in _kinds(e.value))
    if found & CHOICES:
        found |= MADE_OF_CHOICES
    rewrites: tuple[Rewrite, ...] = ()
    if usable(found) or found & OPERATORS_WITH_CORNERS:
        walk = _Walk(program, found, fixed)
        for equation in program.equations:
            walk.take(equation)
        program, rewrites = walk.finished()
    if "where" in found:
        program, choices = guarded(program, fixed)
        rewrites += tuple(Rewrite(e.name, "where(c, f(x), y)", "where(c, f(where(c, x, 1)), y)", GUARD, e.span) for e in choices)
    if "exp" in found:
        program = saturated(program)
    return Stable(program, rewrites)


def _kinds(value: Operation) -> tuple[str, ...]:
    """The name of an operator; a power that may be a root is both."""
    name = type(value).__name__
    return (name, "sqrt") if name == "power" and not value.args[1].is_Integer else (name,)


class _Walk:
    """The walk over the equations: the node of each name, the name of each node, and the draft of what is computed."""

    def __init__(self, program: Program, found: frozenset[str], fixed: set[Symbol]) -> None:
        self.program = program
        self.fixed = fixed
        self.forms = Forms()
        self.rewriter = Rewriter(self.forms, rules(found), Corners(self.forms) if found & OPERATORS_WITH_CORNERS else None)
        self.draft = Draft(program.first_step(), share=False)
        self.shapes = dict(program.shapes)
        self.nodes: dict[Expr, int] = {}
        self.names: dict[int, Expr] = {}
        self.sums: dict[int, list[int]] = {}  # named sums, by their first term
        self.made: dict[Expr, Expr] = {}
        self.entries: dict[Expr, tuple[Identity, ...]] = {}
        self.applied: dict[Symbol, list[Rewrite]] = {}
        for name in program.inputs:
            self.know(name, self.forms.atom(self.shapes[name]))

    def know(self, name: Expr, node: int) -> None:
        """From here on the node has a name."""
        self.nodes[name] = node
        if self.names.setdefault(node, name) is name and self.forms.kinds[node] == SUM:
            self.sums.setdefault(self.forms.data[node][0][0][0], []).append(node)

    def take(self, equation: Equation) -> None:
        """The next equation: as it is, or rewritten."""
        value = equation.value
        if not isinstance(value, Operation):
            self.keep(equation, self.node_of(value))
            return
        here = record(value)
        args = [self.node_of(arg) for arg in here.operands_of(value)]
        typed = self.forms.of_operator(value, here, args, self.shapes[equation.name])
        better, used = self.rewriter.rewritten(typed)
        if self.is_simpler(better, here.name):
            used = tuple(entry for arg in here.operands_of(value) for entry in self.entries.get(arg, ())) + used
        if here.name in _ARITHMETIC and self.joins_exponents(here.name, args, better):
            used += (_BY_EXP,)  # exp(a + b) is the normal form of exp(a) exp(b), so no pattern could tell
        if not used:
            self.keep(equation, typed)
            return
        self.entries[equation.name] = used
        reason = "; ".join(dict.fromkeys(entry.reason for entry in used))
        self.applied[equation.name] = [Rewrite(equation.name, entry.pattern, entry.replacement, entry.reason, equation.span) for entry in dict.fromkeys(used)]
        made = self.value_of(better, equation.span)
        made = self.made.get(made, made)  # a step that turns out to have a name
        self.draft.equations.append(Equation(equation.name, made, equation.span, reason))
        self.know(equation.name, better)

    def joins_exponents(self, name: str, args: list[int], node: int) -> bool:
        """Whether a product, quotient or root of exponentials has become another one."""
        if name == "divide" and self.forms.is_call(args[1], "exp"):
            return True
        exponentials = [base for base in self.forms.monomial(node)[1] if self.forms.is_call(base, "exp")]
        return bool(exponentials) and not any(base in self.forms.monomial(arg)[1] for arg in args for base in exponentials)

    def is_simpler(self, node: int, name: str) -> bool:
        """Whether an operator on what was rewritten has come to something else: half of 2 sinh(x) is sinh(x)."""
        return self.forms.kinds[node] == FUNCTION and self.forms.data[node][0] != name and name in _ARITHMETIC

    def keep(self, equation: Equation, node: int) -> None:
        self.draft.equations.append(equation)
        self.know(equation.name, self.forms.atom(self.shapes[equation.name]) if equation.name in self.fixed else node)

    def node_of(self, value: Expr) -> int:
        return self.nodes[value] if value in self.nodes else self.forms.of_atom(value)

    # from nodes back to equations

    def name_of(self, node: int, span: Span | None) -> Expr:
        """The name of a node, its equations written where it has none. Normal forms are shallow, so this may recurse."""
        if node in self.names:
            return self.names[node]
        if self.forms.kinds[node] == NUMBER:
            return _number(self.forms.data[node])
        made = self.step(self.value_of(node, span), span)
        self.names[node] = made
        return made

    def step(self, value: Expr, span: Span | None) -> Expr:
        """A name for a value."""
        if not isinstance(value, Operation):
            return value
        made = self.draft.define(value, None, span)
        self.made[made] = value
        self.shapes[made] = result_shape(value, self.shapes)
        return made

    def value_of(self, node: int, span: Span | None) -> Expr:
        """The operator of a node, what it is made of written before."""
        if node in self.names:
            return self.names[node]
        kind, data = self.forms.kinds[node], self.forms.data[node]
        if kind == NUMBER:
            return _number(data)
        if kind == FUNCTION:
            name, args, options = data
            return _call(name, [self.name_of(arg, span) for arg in args], options)
        if kind == PRODUCT:
            return self.product(data, span)
        return self.sum(data, span)

    def sum(self, data: tuple[tuple[tuple[int, float], ...], float], span: Span | None) -> Expr:
        """A sum, what is added before what is taken away."""
        terms, number = self.with_names(*data)
        parts = [(c > 0, self.multiple(abs(c), term, span)) for term, c in terms]
        if number:
            parts.append((number > 0, _number(abs(number))))
        parts.sort(key=lambda part: not part[0])
        (positive, whole), *others = parts
        if not positive:
            whole = _call("neg", [self.step(whole, span)])
        for plus, part in others:
            whole = _call("plus" if plus else "minus", [self.step(whole, span), self.step(part, span)])
        return whole

    def with_names(self, terms: tuple[tuple[int, float], ...], number: float) -> tuple[tuple[tuple[int, float], ...], float]:
        """A sum in the names of what it holds: -z in place of -b - x W, so that the signal at z is whole."""
        left = dict(terms)
        for first, _ in terms:
            fits = [(node, ratio) for node in self.sums.get(first, ()) for ratio in [self.ratio(node, left, number)] if ratio]
            if fits:
                node, ratio = min(fits, key=lambda fit: (fit[1] != 1, abs(fit[1]) != 1))
                inside, beside = self.forms.data[node]
                gone = {term for term, _ in inside}
                left = {node if term == first else term: ratio if term == first else c for term, c in left.items() if term == first or term not in gone}
                number -= ratio * beside
        return tuple(left.items()), number

    def ratio(self, node: int, terms: Mapping[int, float], number: float) -> float:
        """How often a sum is in other terms; 0 where it is not, or where a number would be added to be taken away."""
        inside, beside = self.forms.data[node]
        ratio = terms.get(inside[0][0], 0.0) / inside[0][1]
        fits = abs(number - ratio * beside) <= abs(number) and all(terms.get(term) == ratio * c for term, c in inside)
        return float(ratio) if fits else 0.0

    def multiple(self, factor: float, node: int, span: Span | None) -> Expr:
        if factor == 1:
            return self.value_of(node, span)
        inverse = round(1 / factor)
        if factor < 1 and float(1 / inverse) == factor:
            return _call("divide", [self.name_of(node, span), Integer(inverse)])
        return _call("scale", [_number(factor), self.name_of(node, span)])

    def product(self, factors: tuple[tuple[int, float], ...], span: Span | None) -> Expr:
        """A product over one divisor after the other: the product of the divisors could overflow."""
        tops = [self.raised(base, e, span) for base, e in factors if e > 0]
        bottoms = [self.raised(base, -e, span) for base, e in factors if e < 0]
        whole: Expr = tops[0] if tops else Integer(1)
        for top in tops[1:]:
            whole = _call("times", [self.step(whole, span), self.step(top, span)])
        for bottom in bottoms:
            whole = _call("divide", [self.step(whole, span), self.step(bottom, span)])
        return whole

    def raised(self, base: int, exponent: float, span: Span | None) -> Expr:
        if exponent == 1:
            return self.value_of(base, span)
        if exponent == 0.5:
            return _call("sqrt", [self.name_of(base, span)])
        return _call("power", [self.name_of(base, span), _number(exponent)])

    # what is left

    def finished(self) -> tuple[Program, tuple[Rewrite, ...]]:
        """The program without the steps that nothing rests on any more, and the rewrites in what is left."""
        kept: list[Equation] = []
        needed = set(self.program.outputs.values())
        for equation in reversed(self.draft.equations):
            if equation.name in needed or not is_step(equation.name):
                kept.append(equation)
                needed.update(operands(equation.value))
        kept.reverse()
        rewrites = tuple(r for e in kept for r in self.applied.get(e.name, ()))
        if not rewrites:
            return self.program, ()
        return replace(self.program, equations=tuple(kept), shapes=self.shapes), rewrites


def _call(name: str, operands: list[Expr], options: tuple[Expr, ...] = ()) -> Expr:
    return operation(name)(*operands, *options)


def _number(value: float) -> Expr:
    """A number as SymPy's."""
    return Integer(int(value)) if value == int(value) and abs(value) < 2**53 else Float(value, 17)
