"""Which inputs training changes, and which values are hidden layers.

In    a Program as typed
Out   its parameters; the same program with a name for each layer that only stands inside an equation
Idea  the conventions of the field: weights are upper-case, biases begin with b, and a layer is what meets a weight
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence, Set

from sympy import Expr, Symbol

from algebra2net import names
from algebra2net.operators.operator import Operation, Operator, operation
from algebra2net.program import SCALAR, Equation, Program, is_step, operands, record, renamed, symbol

MADE_OF_A_WEIGHT = 16  # values; what more is made of is no weight of totals, and a long program is not searched to its end


def is_parameter(name: str) -> bool:
    """Whether training changes it: an upper-case name except X and Y, or one that begins with b, beta, gamma."""
    base = names.parts(name).base
    return base not in ("X", "Y") and (base[:1].isupper() or base.startswith(("b", "gamma")))


def parameters(program: Program) -> tuple[str, ...]:
    """The inputs that training changes, of a program with its shapes; every input where none looks like one."""
    chosen = [name for name in program.inputs if is_parameter(name.name)]
    weights = weights_of_totals(program, [name for name in chosen if program.shapes[name] == SCALAR])
    return tuple(name.name for name in chosen if name not in weights) or tuple(name.name for name in program.inputs)


def weights_of_totals(program: Program, scalars: Sequence[Symbol]) -> set[Symbol]:
    """Those of some scalar inputs that meet nothing but sums over everything: N in 1/N sum(…), C before a penalty. Trained, they would run to 0 or infinity."""
    if not scalars:
        return set()
    readers: dict[Expr, list[Equation]] = {}
    totals: set[Expr] = set()
    for equation in program.equations:
        inside = operands(equation.value)
        for operand in inside:
            readers.setdefault(operand, []).append(equation)
        if program.shapes[equation.name] == SCALAR and (not _by_entries(equation, program) or not totals.isdisjoint(inside)):
            totals.add(equation.name)

    def weighs_totals(name: Symbol) -> bool:
        reached: list[Expr] = [name]
        met = False
        for value in reached:
            for equation in readers.get(value, ()):
                inside = operands(equation.value)
                if not _by_entries(equation, program) or any(program.shapes[operand] != SCALAR for operand in inside) or len(reached) > MADE_OF_A_WEIGHT:
                    return False
                if totals.isdisjoint(inside):
                    reached.append(equation.name)
                else:
                    met = True
        return met

    return {name for name in scalars if weighs_totals(name)}


def _by_entries(equation: Equation, program: Program) -> bool:
    """Whether each entry of a value rests on one entry of each operand, or on a scalar."""
    value = equation.value
    return isinstance(value, Operation) and (record(value, program.functions).elementwise or type(value).__name__ in ("scale", "product"))


def with_hidden_layers(program: Program) -> Program:
    """The program with a name for each layer that only stands inside an equation: l1 in l2 = relu(l0 W0) W1.

    A layer is what meets a weight in a product. Where the user counts layers (l0, l2), so do we; elsewhere a
    layer is the result of a function, and is called h1, h2, ….
    """
    taken = {name.name for name in program.inputs} | {e.name.name for e in program.equations}
    made = {e.name: e.value for e in program.equations}
    weights = {name for name in program.inputs if is_parameter(name.name) or names.parts(name.name).base == "weights"}
    base = _counted_base(program, weights)
    free = (name for k in itertools.count(1) if (name := f"h{k}") not in taken)
    found: dict[Symbol, Symbol] = {}
    for equation in program.equations:
        if not isinstance(equation.value, operation("product")):
            continue
        for layer, weight in (equation.value.args, equation.value.args[::-1]):
            if not is_step(layer) or layer in found or weight not in weights:
                continue
            name = _layer_name(weight, base, record(made[layer], program.functions), taken, free)
            if name:
                taken.add(name)
                found[layer] = symbol(name)
    if not found:
        return program
    return program.with_equations((renamed(e, found) for e in program.equations), hidden=frozenset(found.values()))


def _counted_base(program: Program, weights: Set[Symbol]) -> str:
    """`l` where an input that meets a weight is called l0 (ω_0 in `sin(ω_0 (W x))` counts no layers); otherwise nothing."""
    met = {arg for e in program.equations if isinstance(e.value, operation("product")) and not weights.isdisjoint(e.value.args) for arg in e.value.args}
    return next((p.base for name in program.inputs if name in met and name not in weights and (p := names.parts(name.name)).number == 0), "")


def _layer_name(weight: Symbol, base: str, here: Operator, taken: Set[str], free: Iterator[str]) -> str:
    """What a layer that `here` makes is called, as it meets that weight; nothing where it is none, or the name is taken."""
    numbers = names.parts(weight.name).subscripts
    if base and numbers and numbers[0].isdecimal():
        name = names.Parts(base, (numbers[0],)).key
        return name if name not in taken else ""
    return next(free) if here.family != "arithmetic" and (here.elementwise or here.family == "rows") else ""
