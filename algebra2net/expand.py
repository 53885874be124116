"""Macros and the user's own functions, opened.

In    a Program as typed
Out   the same values without macros: `mse(p, y)` as `mean((p - y)^2)`, `swish(z)` as its body, f' as the slope of f
Idea  an opened macro may hold macros, so this goes over the program until none is left; equal values are computed once
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Integer, Symbol

from algebra2net.derive import derive, rests_on
from algebra2net.errors import AlgebraError, Span
from algebra2net.lower import Own, Rule, Slope, instantiate, meaning_of, own_rule, rule
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation, Operator, operation
from algebra2net.program import Draft, Equation, Program, Shape, is_step, operands, record, substituted, symbol, with_value
from algebra2net.tidy import tidy

MOST = 200_000  # equations that macros may open into


def expand(program: Program) -> Program:
    """The program with macros and the user's own functions opened, equal values computed once.

    Raises AlgebraError where that would be more than MOST equations.
    """
    while True:
        draft = Draft(program.first_step())
        meaning: dict[Expr, Expr] = {}
        for equation in program.equations:
            value = substituted(equation.value, meaning)
            here = record(value, program.functions) if isinstance(value, Operation) else None
            if here is not None and _is_macro(here):
                value = _opened(draft, value, here, program, equation.span)
            defined = draft.keep(with_value(equation, value))
            if defined is not equation.name:
                meaning[equation.name] = defined
            if len(draft.equations) > MOST:
                raise AlgebraError(f"this expands to more than {MOST:,} equations", equation.span, "name the values that are used more than once")
        program = draft.finish(program)
        if not has_macros(program):
            return program


def has_macros(program: Program) -> bool:
    """Whether there is anything to open."""
    kinds = {type(e.value): e.value for e in program.equations}
    return any(isinstance(value, Operation) and _is_macro(record(value, program.functions)) for value in kinds.values())


def _is_macro(here: Operator) -> bool:
    return bool(here.value) or isinstance(here, Own | Slope)


def _opened(draft: Draft, value: Operation, here: Operator, program: Program, span: Span | None) -> Expr:
    if isinstance(here, Own):
        return instantiate(draft, own_rule(here, program), meaning_of(value, here), span)
    if here.family == "losses" and all(isinstance(arg, Symbol) for arg in value.args[:2]):
        draft.define(OPERATORS["paired"](*value.args[:2]), None, span)  # for shapes alone
    if isinstance(here, Slope):
        assert here.of is not None
        return instantiate(draft, _slope_rule(here.of, program), meaning_of(value, here), span)
    out = [draft.define(operation(here.slope_of)(*value.args), None, span)] if here.slope_of and "out" in here.value else []
    return instantiate(draft, rule(here.value, here.parameters), meaning_of(value, here, *out), span)


def _slope_rule(here: Operator, program: Program) -> Rule:
    """The derivative of a function of one operand, entry by entry, as a rule: its body, derived with δ = 1."""
    (parameter,) = (symbol(name) for name in here.operands[:1])
    body = own_rule(here, program) if isinstance(here, Own) else Rule((), here(parameter, *here.defaults.values()))
    result = symbol("its result")  # no name that a program could have
    equations = (*body.steps, Equation(result, body.result))
    functions = {**program.functions, here.name: here}
    free = dict.fromkeys(o for e in equations for o in operands(e.value) if not is_step(o))
    whole = Program(equations, tuple(free), {"out": result}, functions=functions)
    opened = expand(replace(whole, equations=_entrywise(whole)))
    same: Shape = ("n", "n")
    shaped = replace(opened, shapes=dict.fromkeys([*opened.inputs, *(e.name for e in opened.equations)], same))
    if parameter not in free:
        return Rule((), OPERATORS["expand"](Integer(0), parameter))
    derived = derive(shaped, [parameter.name], Integer(1))
    tidied = tidy(replace(derived, outputs={parameter.name: derived.outputs[parameter.name]}))
    *steps, last = tidied.equations
    if last.name in rests_on(tidied, [parameter]):
        return Rule(tuple(steps), last.value)
    ones = Equation(symbol("ones like it"), OPERATORS["expand"](Integer(1), parameter))  # of k x it is k, for every entry of x
    made = (last,) if isinstance(last.value, Operation) else ()
    return Rule((*steps, *made, ones), OPERATORS["times"](last.name if made else last.value, ones.name))


def _entrywise(program: Program) -> tuple[Equation, ...]:
    """The equations with every product taken entry by entry: the body is read for one entry."""
    times = OPERATORS["times"]
    return tuple(with_value(e, times(*e.value.args)) if type(e.value).__name__ == "product" else e for e in program.equations)
