"""Names for what derivation made: δ1, δ_h, ∂L/∂W0, and s1 for a step that is used more than once.

In    a derived Program, tidied
Out   the same Program in names that a reader of a paper expects
Idea  the signal at a layer is named at the place nearest to its weights (δ1 behind relu' in δ1 = δ2 W1ᵀ ∘ relu'(l0 W0));
      a derivation stops at named values, so the signal at every name of the user's has one, too

Plain text writes d1 and dW0, Unicode and LaTeX δ₁ and ∂L/∂W₀ (spell.py).
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cached_property, lru_cache

from sympy import Expr, Symbol

from algebra2net import names
from algebra2net.derive import VALUE
from algebra2net.formulas import Known, repeated
from algebra2net.operators.operator import Operation
from algebra2net.program import Equation, Program, is_step, operands, record, renamed, substituted, symbol, with_value

LARGEST = 12  # operators folded into one line
SMALL = 2  # operators in a step that may be shown wherever it is used


def label(program: Program) -> Program:
    """The program with a name for every gradient, every signal at a named value, and every large step that is shared."""
    return _Labels(program).labelled()


class _Labels:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.uses = program.uses()
        known = Known(lambda value: self.made.get(value, value), lambda value: value)
        for equation in program.equations[program.kept :]:
            twice = repeated(equation.value, known)
            if twice:
                self.uses.update(twice)  # what a formula has twice gets a name of its own
        self.taken = {n.name for n in program.inputs} | {e.name.name for e in program.equations if not e.name.is_step}
        self.inner = self.inner_steps()
        self.found: dict[Symbol, Symbol] = {}
        self.aliases: list[tuple[Symbol, Symbol]] = []
        self.numbers = itertools.count(1)

    @cached_property
    def made(self) -> dict[Symbol, Expr]:
        """What each name stands for."""
        return {e.name: e.value for e in self.program.equations}

    def labelled(self) -> Program:
        wanted = {target: gradient for target, gradient in self.program.outputs.items() if target != VALUE}
        for target, gradient in wanted.items():
            self.name(gradient, f"d{target}")
        gradients = {self.found[gradient]: symbol(target) for target, gradient in wanted.items()}
        deltas = self.signals()
        self.large_steps()
        found = self.found
        equations = self.equations()
        kept = self.program.kept
        for name, seed in self.aliases:
            equations = [with_value(e, substituted(e.value, {seed: name})) if k >= kept else e for k, e in enumerate(equations)]
            equations.insert(kept, Equation(name, seed, None, "the signal at the output"))
        shapes = {found.get(n, n): shape for n, shape in self.program.shapes.items()} | {name: self.program.shapes[seed] for name, seed in self.aliases}
        outputs = {target: found.get(name, name) for target, name in self.program.outputs.items()}
        return replace(self.program, equations=tuple(equations), outputs=outputs, shapes=shapes, gradients=gradients, deltas=deltas)

    def name(self, step: Symbol, wanted: str) -> Symbol:
        """Give a step the name, or the nearest that is free."""
        self.found[step] = symbol(self.free(wanted))
        return self.found[step]

    # signals

    def signals(self) -> dict[Symbol, Symbol]:
        """The name of each signal → the value that it is the signal at."""
        shown: dict[Symbol, Symbol] = {}
        inner = self.inner
        with_inner = {inner[value] for value in self.program.deltas.values() if value in inner}
        for delta, value in self.program.deltas.items():
            named = inner.get(value, value)
            if is_step(named) or delta in self.found:
                continue
            outer = value not in inner and value in with_inner
            if outer and self.uses[delta] == 1 and is_step(delta):
                continue  # δ stands at the step inside, nearer to the weights
            if is_step(delta):
                shown[self.name(delta, self.wanted(named, before=value in inner))] = named
            elif delta in self.program.inputs and not outer:
                alias = symbol(self.free(self.wanted(named)))
                self.aliases.append((alias, delta))
                shown[alias] = named
        return shown

    def free(self, wanted: str) -> str:
        """The name, with a number more where another has it: what is printed reads back."""
        found, tried = wanted, 1
        while (key := names.key(found)) in self.taken:
            tried += 1
            found = f"{wanted}_{tried}"
        self.taken.add(key)
        return found

    def wanted(self, value: Symbol, before: bool = False) -> str:
        """d1 for the signal at l1, d_h for that at h; d_h_pre `before` its function where d_h is another."""
        p = names.parts(value.name)
        counted = p.number is not None and not p.accents and (len(p.base) == 1 or p.base == "layer") and names.key(f"d{p.number}") not in self.taken
        name = f"d{p.number}" if counted else names.with_signal(value.name)
        return f"{name}_pre" if before and name in self.taken else name

    def inner_steps(self) -> dict[Symbol, Symbol]:
        """Of each named layer f(step), the step inside: the signal there is what reaches the weights."""
        inner: dict[Symbol, Symbol] = {}
        for equation in self.program.equations[: self.program.kept]:
            value = equation.value
            if isinstance(value, Operation) and not equation.name.is_step:
                here = record(value)
                steps = [arg for arg in here.operands_of(value) if isinstance(arg, Symbol)]
                if len(steps) == 1 and is_step(steps[0]) and (here.elementwise or here.family == "rows") and here.family != "arithmetic":
                    inner.setdefault(steps[0], equation.name)
        return inner

    # reasons

    def equations(self) -> list[Equation]:
        """The equations in the names that were found, each with why it holds: its own rule, after those of the steps that are folded into it."""
        made: list[Equation] = []
        found = self.found
        inside: dict[Symbol, tuple[str, ...]] = {}  # of the steps that are folded
        for equation in self.program.equations:
            rules = _reasons(equation.rule)
            folded = [inside[operand] for operand in operands(equation.value) if operand in inside]
            if folded and not {rules, ()}.issuperset(folded):
                rules = tuple(dict.fromkeys(itertools.chain(*folded, rules)))
            if equation.name.is_step and equation.name not in found:
                inside[equation.name] = rules
            made.append(_with_rule(renamed(equation, found), _joined(rules)))
        return made

    # steps

    def large_steps(self) -> None:
        """Name what is used more than once and is large, and what would make a line too long."""
        size: dict[Symbol, int] = {}  # of the steps that may be folded
        for equation in self.program.equations:
            name = equation.name
            if not name.is_step or name in self.found:
                continue
            inside = 1 + sum([size.get(operand, 0) for operand in operands(equation.value)])
            if inside > LARGEST or (inside > SMALL and self.uses[name] > 1):
                self.name(name, self.step_name(self.inner.get(name)))
            else:
                size[name] = inside

    def step_name(self, layer: Symbol | None) -> str:
        """z1 for what a layer l1 = f(z1) is made of, s1 for other steps."""
        wanted = names.before(layer.name) if layer is not None else ""
        if wanted and wanted not in self.taken:
            return wanted
        return next(name for k in self.numbers if (name := f"s{k}") not in self.taken)


def _with_rule(equation: Equation, rule: str) -> Equation:
    return equation if rule == equation.rule else Equation(equation.name, equation.value, equation.span, rule)


@lru_cache(maxsize=1 << 10)
def _joined(rules: tuple[str, ...]) -> str:
    return "; ".join(rules)


@lru_cache(maxsize=1 << 10)
def _reasons(rule: str) -> tuple[str, ...]:
    """The reasons that a rule holds for, each once."""
    return tuple(dict.fromkeys(rule.split("\n"))) if rule else ()
