"""Values that a rewrite goes around: their signal is not the whole derivative by them.

In    the program as typed and the one that is computed
Out   the named values of which some equation takes what they are made of, where it was typed with them

`p = σ(z); L = log(1 - p)` is computed as `-softplus(z)`: what comes back to z has not passed through p, so that nothing in
the derivation is ∂L/∂p.
"""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Symbol

from algebra2net.program import Program, is_step, operands, symbol


def bypassed(typed: Program, computed: Program, changed: Iterable[Symbol]) -> frozenset[Symbol]:
    """The values that the `changed` equations go around."""
    before, after = _sources(typed), _sources(computed)
    found: set[Symbol] = set()
    for name in changed:
        new = after.get(name, frozenset()) - before.get(name, frozenset())
        if new:
            found.update(value for value in before.get(name, ()) if new & _under(value, before))
    return frozenset(found)


def _sources(program: Program) -> dict[Symbol, frozenset[Symbol]]:
    """Of each equation, the named values that it is made of, through steps that nobody named."""
    found: dict[Symbol, frozenset[Symbol]] = {}
    for equation in program.equations:
        inside: set[Symbol] = set()
        for operand in operands(equation.value):
            inside |= found.get(operand, frozenset()) if is_step(operand) else {symbol(operand.name)}
        found[equation.name] = frozenset(inside)
    return found


def _under(value: Symbol, sources: dict[Symbol, frozenset[Symbol]]) -> set[Symbol]:
    """All that a value rests on."""
    found: set[Symbol] = set()
    open_ones = [value]
    while open_ones:
        for source in sources.get(open_ones.pop(), ()):
            if source not in found:
                found.add(source)
                open_ones.append(source)
    return found
