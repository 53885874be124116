"""Gradients of many terms, collected as these come: `dW = x2.T @ d2`, and further down `dW += x1.T @ d1`.

In    a derived Program
Out   of each such term, the sum that it is added to
Idea  backpropagation through time adds to a gradient at each step; added at once, what a step made need not be fetched again
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sympy import Expr, Symbol

from algebra2net.operators.operator import Operation, operation
from algebra2net.program import SCALAR, Program, is_step, record

ON_A_LINE = 3  # terms of a sum that need not be collected


def collected(program: Program, named: Collection[Symbol]) -> tuple[Program, dict[Symbol, Symbol]]:
    """The program without partial sums, and of each term the name of its sum; what is `named` is no partial sum."""
    made = {equation.name: equation.value for equation in program.equations}
    place = {name: k for k, name in enumerate(made)}
    uses = program.uses()
    parts = {name for name in made if uses[name] == 1} - {*named, *program.gradients, *program.deltas}  # nobody else looks at them
    fresh = {name for name in parts if is_step(name) and isinstance(made[name], Operation) and not record(made[name]).is_view}
    sums: dict[Symbol, Symbol] = {}
    partial: set[Expr] = set()
    for total in (*program.gradients, *program.deltas):
        terms, on_the_way = _terms(total, made, parts)
        if len(terms) <= ON_A_LINE or not fresh.issuperset(terms) or terms != sorted(terms, key=place.__getitem__):
            continue
        if {program.shapes[term] for term in terms} == {program.shapes[total]} != {SCALAR}:
            sums |= dict.fromkeys(terms, total)
            partial |= on_the_way
    return program.with_equations(e for e in program.equations if e.name not in partial) if partial else program, sums


def _terms(total: Expr, made: Mapping[Expr, Expr], parts: Collection[Expr]) -> tuple[list[Symbol], set[Expr]]:
    """The terms of a sum in the order in which they are added, and its partial sums."""
    terms: list[Symbol] = []
    partial: set[Expr] = set()
    rest = total
    while isinstance(value := made.get(rest) if rest is total or rest in parts else None, operation("plus")):
        partial |= {rest} - {total}
        rest, term = value.args
        terms.append(term)
    return [rest, *reversed(terms)], partial
