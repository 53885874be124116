"""Sums of products that share factors: `c * a + c * b` → `c * (a + b)`.

In    a derived Program
Out   the same, the factors that all terms of a sum share taken out, where nobody else reads the terms
Idea  a product less for each term but one, each of them a pass over all entries

It is done where the factor is within ±1, and at most one other factor of each term is not: then nothing overflows that did not,
but for twice the largest numbers. In optimised code, where functions of one operand share an exponential, a function that is a
product of others has these for factors: σ'(z) is σ(z) σ(-z). For code alone: nothing prints such a program, or derives from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from sympy import Expr, Symbol

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation, operation
from algebra2net.program import Equation, Program, ValueSymbol, is_step, operands, record, step

FACTORS = frozenset(name for here in OPERATORS.values() for name in here.product_of)


def with_shared_factors(program: Program, optimized: bool = False) -> Program:
    """The program with shared factors taken out of sums; the same one where there are none."""
    made = {e.name: e.value for e in program.equations}
    if not any(_is(made.get(term), "times", "scale", "neg") for value in made.values() if _is(value, "plus", "minus") for term in value.args):
        return program
    writing = _Writing(program, made, optimized)
    equations = [line for equation in program.equations for line in writing.lines(equation)]
    if not writing.opened:
        return program
    return program.with_equations((e for e in equations if e.name not in writing.opened), shapes={**program.shapes, **writing.shapes})


@dataclass
class _Writing:
    """The equations as they are written anew: what was opened on the way, and the shapes of new steps."""

    program: Program
    made: Mapping[Symbol, Expr]
    optimized: bool
    done: dict[tuple[str, tuple[Expr, ...]], Symbol] = field(default_factory=dict)  # functions that others are products of, where they are made already
    opened: set[Expr] = field(default_factory=set)
    shapes: dict[Symbol, tuple[int | str, int | str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        uses = self.program.uses()
        self.inner = {name for name in self.made if is_step(name) and uses[name] == 1}  # nobody else reads them
        self.in_sums = {o for value in self.made.values() if _is(value, "plus", "minus") for o in operands(value)} & self.inner
        self.steps = self.program.first_step()

    def lines(self, equation: Equation) -> Iterable[Equation]:
        """An equation, or those in its place."""
        if self.optimized and _is(equation.value, *FACTORS):
            self.done.setdefault((type(equation.value).__name__, equation.value.args), equation.name)
        if equation.name in self.in_sums or not _is(equation.value, "plus", "minus"):
            return (equation,)
        opened: set[Expr] = set()
        terms = [(sign, self.factors(term, opened)) for sign, term in self.terms(equation, opened)]
        shared: list[Expr] = []
        while (factor := self.shared([factors for _, factors in terms], equation.name)) is not None:
            shared.append(factor)
            for _, factors in terms:
                factors.remove(factor)
        if not shared:
            return (equation,)
        self.opened |= opened
        return self.product_of_sum(shared, terms, equation)

    def terms(self, equation: Equation, opened: set[Expr]) -> list[tuple[int, Expr]]:
        """The terms of a sum in order, each with its sign."""
        found: list[tuple[int, Expr]] = []
        waiting: list[tuple[int, Expr, Expr]] = [(1, equation.name, equation.value)]
        while waiting:
            sign, name, value = waiting.pop()
            if name is not equation.name and not (name in self.inner and _is(value, "plus", "minus", "neg")):
                found.append((sign, name))
                continue
            opened.update({name} - {equation.name})
            signs = (-sign,) if _is(value, "neg") else (sign, -sign if _is(value, "minus") else sign)
            waiting += [(each, arg, self.made.get(arg, arg)) for each, arg in reversed([*zip(signs, value.args, strict=True)])]
        return found

    def factors(self, term: Expr, opened: set[Expr]) -> list[Expr]:
        """The factors of a term in order."""
        found: list[Expr] = []
        waiting = [term]
        while waiting:
            factor = waiting.pop()
            if factor in self.inner and _is(self.made[factor], "times", "scale"):
                opened.add(factor)
                waiting += reversed(self.made[factor].args)
            elif factor in self.inner and (functions := self.functions(self.made[factor])):
                opened.add(factor)
                found += functions
            else:
                found.append(factor)
        return found

    def functions(self, value: Expr) -> list[Expr]:
        """The functions that a value is the product of, if one of them is made already: that one as its name."""
        names = record(value, self.program.functions).product_of if self.done and isinstance(value, Operation) else ()
        found = [self.done.get((name, value.args)) or operation(name)(*value.args) for name in names]
        return found if any(isinstance(each, Symbol) for each in found) else []

    def shared(self, terms: list[list[Expr]], total: Symbol) -> Expr | None:
        """The factor that all terms share, if it may be taken out."""
        shape = self.program.shapes.get(total)
        if any(isinstance(factor, Symbol) and self.program.shapes.get(factor) != shape for factors in terms for factor in factors) or not all(terms):
            return None  # a scalar, or what was spread out
        for factor in terms[0]:
            if isinstance(factor, Symbol) and self.is_small(factor) and all(factor in factors and self.may_lose(factors, factor) for factors in terms):
                return factor
        return None

    def may_lose(self, factors: list[Expr], shared: Expr) -> bool:
        """Whether what is left of a term has entries at all, and overflows only where one of them nearly does."""
        rest = [*factors]
        rest.remove(shared)
        return any(not factor.is_Number for factor in rest) and sum(not self.is_small(factor) for factor in rest) < 2

    def is_small(self, factor: Expr) -> bool:
        """Whether all entries are surely within ±1; of a number, whether it is within ±2."""
        if factor.is_Number:
            return bool(abs(factor) <= 2)
        value = self.made.get(factor, factor)
        if not isinstance(value, Operation):
            return False
        least, largest = record(value, self.program.functions).between
        return -1 <= least <= largest <= 1 or (_is(value, "times") and all(isinstance(self.made.get(arg), Operation) and self.is_small(arg) for arg in value.args))

    def product_of_sum(self, shared: list[Expr], terms: list[tuple[int, list[Expr]]], equation: Equation) -> list[Equation]:
        """The equations that say `shared * (the terms without them)`."""
        written: list[Equation] = []

        def define(name: str, *args: Expr) -> ValueSymbol:
            self.steps += 1
            made = step(self.steps)
            self.shapes[made] = self.program.shapes[equation.name]
            written.append(Equation(made, operation(name)(*args)))
            return made

        def multiplied(a: Expr, b: Expr) -> Expr:
            return define("times" if isinstance(a, Symbol) else "scale", a, b)

        for _, factors in terms:
            factors[:] = [define(type(factor).__name__, *factor.args) if isinstance(factor, Operation) else factor for factor in factors]
        numbers_first = [(sign, sorted(factors, key=lambda factor: isinstance(factor, Symbol))) for sign, factors in terms]
        (sign, first), *others = [(sign, reduce(multiplied, factors)) for sign, factors in numbers_first]
        total = first if sign > 0 else define("neg", first)
        for sign, product in others:
            total = define("plus" if sign > 0 else "minus", total, product)
        for factor in shared[:0:-1]:
            total = define("times", factor, total)
        return [*written, Equation(equation.name, OPERATORS["times"](shared[0], total), equation.span, equation.rule)]


def _is(value: Expr, *names: str) -> bool:
    return type(value).__name__ in names
