"""`where` without nan: the branch that is not taken sees a harmless argument.

In    a Program with shapes
Out   the same values; in the branches of `where`, what could fail is computed from `where(c, x, safe)` in place of x
Idea  where the branch is not taken its signal is 0, and 0 times inf is nan: so nothing in it may become inf

`where(x > 0, log(x), 0)` becomes `where(x > 0, log(where(x > 0, x, 1)), 0)`. What else uses log(x) keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Expr, Integer, Symbol

from algebra2net.operators.operator import Operation, operation
from algebra2net.program import Draft, Equation, Program, Shape, is_step, operands, record, with_value
from algebra2net.shapes import result_shape

LARGEST = 32  # operators of a branch that are looked at

# Which number harms no function of that domain, and its slope neither; exponentials are harmed by what is large.
_SAFE: Mapping[str, int] = {"positive": 1, "unit": 0, "probability": 1, "above_one": 2}
_GROWS = frozenset(("exp", "expm1", "sinh", "cosh", "tan"))
_PRODUCTS = frozenset(("times", "scale"))


REASON = "the branch that is not taken sees a harmless argument, so that no nan comes back from it"


def guarded(program: Program, fixed: set[Symbol]) -> tuple[Program, tuple[Equation, ...]]:
    """The program with the branches of its `where` guarded, and the equations where that was needed.

    Values in `fixed` are left as they are.
    """
    walk = _Walk(program, fixed)
    for equation in program.equations:
        walk.take(equation)
    if not walk.changed:
        return program, ()
    return replace(program, equations=_alive(walk.draft.equations, program), shapes=walk.shapes), tuple(walk.changed)


def _alive(equations: list[Equation], program: Program) -> tuple[Equation, ...]:
    """The equations without steps that nothing rests on."""
    needed = set(program.outputs.values())
    kept: list[Equation] = []
    for equation in reversed(equations):
        if equation.name in needed or not is_step(equation.name):
            kept.append(equation)
            needed.update(operands(equation.value))
    return tuple(reversed(kept))


class _Walk:
    def __init__(self, program: Program, fixed: set[Symbol]) -> None:
        self.program = program
        self.fixed = fixed
        self.draft = Draft(program.first_step())
        self.shapes: dict[Symbol, Shape] = dict(program.shapes)
        self.made: dict[Expr, Operation] = {}
        self.order: dict[Expr, int] = {}
        self.risky: set[Expr] = set()  # what could fail, or is made of what could
        self.sizes: set[Expr] = set()
        self.changed: list[Equation] = []

    def take(self, equation: Equation) -> None:
        value = equation.value
        if isinstance(value, operation("where")):
            value = self.where(value, equation)
        self.draft.equations.append(with_value(equation, value))
        self.enter(equation.name, value)

    def enter(self, name: Expr, value: Expr) -> None:
        if isinstance(value, Operation) and name not in self.fixed:
            if type(value).__name__ in ("extent", "size") or (value.args and all(arg.is_Number or arg in self.sizes for arg in value.args)):
                self.sizes.add(name)  # a size, or what is made of sizes, is the same for every entry and harms none
                return
            self.made[name] = value
            self.order[name] = len(self.order)
            here = record(value)
            if here.elementwise and here.name != "where" and (self.harmed(value) or not self.risky.isdisjoint(here.operands_of(value))):
                self.risky.add(name)

    def where(self, value: Operation, equation: Equation) -> Operation:
        """The choice between guarded branches."""
        condition, *branches = value.args
        if not isinstance(condition, Symbol):
            return value  # of a number: one branch is never seen
        better = [self.branch(condition, branch, taken, equation) for branch, taken in zip(branches, (True, False), strict=True)]
        if better == branches:
            return value
        self.changed.append(equation)
        return operation("where")(condition, *better)

    def branch(self, condition: Symbol, branch: Expr, taken: bool, equation: Equation) -> Expr:
        """A branch, made again from guarded operands where something in it could fail."""
        inside = self.inside(branch)
        if not inside:
            return branch
        again: dict[Expr, Expr] = {}
        for name in sorted(inside, key=self.order.__getitem__):
            again[name] = self.again(self.made[name], again, condition, taken, equation)
        return again[branch]

    def inside(self, branch: Expr) -> list[Expr]:
        """The operators of entries that a branch is made of, as far back as one could fail."""
        found: dict[Expr, None] = {}
        waiting = [branch]
        while waiting and len(found) < LARGEST:
            name = waiting.pop()
            if name in self.risky and name not in found:
                found[name] = None
                waiting.extend(record(self.made[name]).operands_of(self.made[name]))
        return list(found)

    def harmed(self, value: Operation) -> tuple[tuple[int, int], ...]:
        """The operands that could make an operator fail, each with a number that does not."""
        here = record(value)
        if here.name == "divide":
            return () if value.args[1].is_Number or value.args[1] in self.sizes else ((1, 1),)
        if here.name in _GROWS:
            return ((0, 0),)
        if here.name == "power" and value.args[1] == Integer(2):
            return ()
        safe = _SAFE.get(here.domain)
        return () if safe is None or here.name == "where" else tuple((k, safe) for k in range(len(here.operands)))

    def again(self, value: Operation, again: Mapping[Expr, Expr], condition: Symbol, taken: bool, equation: Equation) -> Expr:
        """An operator of a branch on the guarded operands."""
        args = list(value.args)
        guards = dict(self.harmed(value))
        for place, arg in enumerate(record(value).operands_of(value)):
            args[place] = again.get(arg, arg)
            safe = guards.get(place, 1 if type(value).__name__ in _PRODUCTS and arg not in again else None)
            if safe is not None and isinstance(arg, Symbol) and arg != condition:
                args[place] = self.guard(args[place], condition, taken, safe, equation)
        return self.define(value.func(*args), equation)

    def guard(self, value: Expr, condition: Symbol, taken: bool, safe: int, equation: Equation) -> Expr:
        branches = (value, Integer(safe)) if taken else (Integer(safe), value)
        return self.define(operation("where")(condition, *branches), equation)

    def define(self, value: Operation, equation: Equation) -> Expr:
        name = self.draft.define(value, None, equation.span, REASON)
        self.shapes.setdefault(name, result_shape(value, self.shapes))
        if name not in self.made:
            self.enter(name, value)
        return name
