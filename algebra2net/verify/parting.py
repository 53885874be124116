"""Where a claim leaves the derivation.

In    a wrong claim, and the derived program as the net shows it
Out   the first equation of the derivation that the claim does not contain, with its rule
Idea  a claim contains an equation where one of its nodes has that value; it follows the derivation as far as the last
      equation that it contains, and parts from it at the next
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Symbol

from algebra2net.derive import GRADIENT
from algebra2net.program import Equation, Program, is_step, operands, symbol
from algebra2net.spell import UNICODE, folds, labels, writer
from algebra2net.verify.evaluate import Array, Misfit, Values
from algebra2net.verify.judge import Judgement, agree
from algebra2net.verify.terms import Term, as_terms, names_in, places
from algebra2net.verify.truth import Truth


@dataclass(frozen=True)
class Parting:
    """The equation of the derivation at which a claim leaves it, as text, and its rule; what it still had in common."""

    equation: str
    rule: str
    agreed: tuple[str, ...]
    last: str  # the equation of the derivation for what the claim is about


def parting(made: Judgement, target: Term, truth: Truth, claimed: Mapping[str, Term]) -> Parting | None:
    """The step at which a claim and the derivation part; None where the derivation does not come by the claim's name.

    `claimed` says of the names that claims define what they should be.
    """
    backprop = truth.net.backprop
    point = made.points[0]
    values = _derivation(backprop, truth, point.values)
    wanted = point.values.of(target)
    signals = [e for e in backprop.equations if e.name in backprop.gradients or e.name in backprop.deltas]
    last = next((e for e in reversed(signals) if agree(values.names[e.name.name], wanted)), None)
    if last is None:
        return None
    needed = _needed(backprop, last.name)
    way = [e for e in signals if e.name in needed]
    found = [value for _, node in places(made.term) if not isinstance(value := point.values.of(node), Misfit)]
    found += [point.values.names[name.name] for name in _used(made.term, truth, claimed)]
    met = {e.name for e in way[:-1] if _contains(found, values.names[e.name.name])}
    met |= set().union(*(_needed(backprop, name) for name in met)) if met else set()
    step = next(e for e in way if e.name not in met or e is last)
    return Parting(_line(backprop, step), step.rule, tuple(_line(backprop, e) for e in way if e.name in met and not _is_given(e)), _line(backprop, last))


def _used(here: Term, truth: Truth, claimed: Mapping[str, Term]) -> set[Symbol]:
    """The signals that those rest on which a claim takes as given."""
    signals = {claimed.get(name, Term("name", atom=symbol(name))).name for name in names_in(here)}
    needed = [_needed(truth.derived, symbol(name)) for name in signals if name.startswith(GRADIENT)]
    backward = {e.name for e in truth.derived.equations[truth.derived.kept :]}
    return set().union(*needed) & backward


def _derivation(backprop: Program, truth: Truth, values: Values) -> Values:
    """The values of the derived program: the same inputs, its own steps."""
    inputs = {name.name: values.names[name.name] for name in backprop.inputs}
    found = Values(inputs, truth.sizes, truth.functions)
    found.run(as_terms(backprop))
    return found


def _needed(program: Program, last: Symbol) -> set[Symbol]:
    """What a value rests on, itself included."""
    needed = {last}
    for equation in reversed(program.equations):
        if equation.name in needed:
            needed.update(operands(equation.value))
    return needed


def _contains(found: list[Array], value: Array) -> bool:
    return any(agree(one, value) or agree(one.T, value) for one in found)


def _is_given(equation: Equation) -> bool:
    return isinstance(equation.value, Symbol) and not equation.value.name.startswith(GRADIENT) and not is_step(equation.value)


def _line(program: Program, equation: Equation) -> str:
    say = writer(UNICODE, folds(program, hidden=False), program)
    name = labels(program).get(equation.name, {}).get("unicode") or equation.name.name
    return f"{name} = {say(equation.value)}"
