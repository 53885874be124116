"""Backpropagation: from a program to the program that computes its gradients.

In    a Program with its shapes, and the names to differentiate by
Out   a Program like any other: it prints, tidies, compiles and can be derived again
Idea  what arrives at a name is added up; the operator that made it hands every operand its contribution

The rules are not here: each stands with its operator, written in the notation itself. None of them
speaks of broadcasting; a contribution wider than its operand is summed down to it by `fit`, once for all.

Source: Griewank and Walther, Evaluating Derivatives, 2nd ed. (2008), chapter 3.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property

from sympy import Expr, Integer, Symbol

from algebra2net.errors import DerivativeError
from algebra2net.lower import Rule, instantiate, meaning_of, rule
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation, Operator
from algebra2net.program import SCALAR, Draft, Equation, Program, Shape, is_step, operands, record, symbol
from algebra2net.shapes import fit, result_shape

SEED = symbol("delta")
VALUE = ""  # the label of the value itself, among the outputs of a derived program
GRADIENT = "∂"  # before a name: its gradient, until `label` finds a name that is free


def derive(program: Program, wrt: Sequence[str], seed: Expr | None = None) -> Program:
    """The program that computes the gradient of the output by each name in `wrt`, the forward pass first.

    `seed` is the delta at the output: 1 for a scalar, else an input of the output's shape.
    Its outputs are the gradients by name; `deltas` says which name is the delta at which value.
    Raises DerivativeError at an operator that has no rule.
    """
    output = next(iter(program.outputs.values()))
    shapes = program.known_shapes()
    if seed is None:
        seed = Integer(1) if shapes[output] == SCALAR else next(name for name in _seeds() if name not in shapes)
    if isinstance(seed, Symbol):
        shapes[seed] = shapes[output]
    backward = _Backward(program, shapes)
    targets = [symbol(name) for name in wrt]
    needed = rests_on(program, targets)
    arriving: dict[Symbol, list[tuple[Expr, str]]] = defaultdict(list)
    arriving[output].append((seed, ""))
    deltas: dict[Symbol, Expr] = {}
    for equation in reversed(program.equations):
        if equation.name not in arriving or equation.name not in needed:
            continue  # the output does not depend on it, or nothing that was asked for does
        delta = deltas[equation.name] = backward.total(arriving[equation.name])
        for operand, contribution, why in backward.contributions(equation, delta, needed):
            arriving[operand].append((contribution, why))
    gradients = {name: deltas.get(target, backward.total(arriving[target])) if arriving[target] else backward.nothing(target) for name, target in zip(wrt, targets, strict=True)}
    return backward.program(gradients, deltas, seed)


def _seeds() -> Iterator[Symbol]:
    """What the signal at the output may be called, where the program has a `delta` of its own."""
    yield SEED
    yield symbol("delta_given")
    yield from (symbol(f"delta_given_{k}") for k in itertools.count(2))


def rests_on(program: Program, targets: Sequence[Symbol]) -> set[Symbol]:
    """The names that rest on any of the targets."""
    reached = set(targets)
    for equation in program.equations:
        if not reached.isdisjoint(operands(equation.value)):
            reached.add(equation.name)
    return reached


@cache
def rules(here: Operator, beside_numbers: bool) -> tuple[tuple[int, Rule | None], ...]:
    """The place of each operand that δ reaches, and the operator's rule for it: None where it has none.

    It does not reach those that the operator is flat in: of a comparison, a rounding, a size.
    """
    texts = here.beside_numbers if beside_numbers else here.vjp
    reached = [(place, texts[name]) for place, name in enumerate(here.operands) if texts.get(name, "0") != "0"]
    return tuple((place, rule(text, here.parameters) if text else None) for place, text in reached)


class _Backward:
    """The derived program, being written behind the forward pass."""

    def __init__(self, program: Program, shapes: dict[Symbol, Shape]) -> None:
        self.forward = program
        self.shapes = shapes
        self.draft = _ShapedDraft(program, shapes)

    @cached_property
    def varying(self) -> set[Symbol]:
        """The names that rest on an input."""
        return rests_on(self.forward, self.forward.inputs)

    def total(self, arriving: Sequence[tuple[Expr, str]]) -> Expr:
        """What arrives at a name, added up."""
        (value, _), *others = arriving
        for other, _ in others:
            value = self.draft.define(OPERATORS["plus"](value, other), rule="what arrives from every use is added up")
        return value

    def nothing(self, target: Symbol) -> Expr:
        """The gradient by a name that the output does not rest on."""
        return self.draft.define(OPERATORS["expand"](Integer(0), target), rule="the output does not rest on it")

    def contributions(self, equation: Equation, delta: Expr, needed: set[Symbol]) -> Iterator[tuple[Symbol, Expr, str]]:
        """Each operand of `equation` with what `delta` contributes to it, by the operator's own rule."""
        value = equation.value
        if not isinstance(value, Operation):
            if isinstance(value, Symbol):
                yield value, delta, "the same value under another name"
            return
        here = record(value)
        if here.variadic:
            yield from self.blocks(value, here, delta, needed)
            return
        meaning = meaning_of(value, here, equation.name, delta)
        for place, found in rules(here, self.is_beside_numbers(value, here)):
            operand = value.args[place]
            if operand not in needed:
                continue
            if found is None:
                raise DerivativeError(f"{here.name} has no derivative by {here.operands[place]}", equation.span, "take the names that it rests on out of wrt=")
            contribution = self.draft.define(instantiate(self.draft, found, meaning, equation.span, here.reason), rule=here.reason)
            yield operand, fit(contribution, operand, self.draft, self.shapes, "what was broadcast is summed up"), here.reason

    def is_beside_numbers(self, value: Operation, here: Operator) -> bool:
        """Whether the operator has rules for a tie with a number, and this may be one: max(0, x) is relu."""
        return bool(here.beside_numbers) and not all(operand in self.varying for operand in here.operands_of(value))

    def blocks(self, value: Operation, here: Operator, delta: Expr, needed: set[Symbol]) -> Iterator[tuple[Symbol, Expr, str]]:
        """The parts of δ that belong to each block; the blocks before it say where they begin."""
        part = OPERATORS[here.vjp["*"]]
        if here.shape == "of the second":  # a part is linear in its first operand alone
            if value.args[0] in needed:
                yield value.args[0], self.draft.define(part(delta, value.args[0], *value.args[2:]), rule=here.reason), here.reason
            return
        for place, block in enumerate(value.args):
            if block in needed:
                yield block, self.draft.define(part(delta, block, *value.args[:place]), rule=here.reason), here.reason

    def program(self, gradients: Mapping[str, Expr], deltas: Mapping[Symbol, Expr], seed: Expr) -> Program:
        """The derived program; a gradient that is no fresh step gets an equation of its own."""
        outputs: dict[str, Symbol] = {VALUE: next(iter(self.forward.outputs.values()))}
        for name, value in gradients.items():
            fitted = fit(value, symbol(name), self.draft, self.shapes)
            label = symbol(f"{GRADIENT}{name}")
            self.draft.equations.append(Equation(label, fitted, None, "the signal that arrives there"))
            self.shapes[label] = self.shapes[symbol(name)]
            outputs[name] = label
        inputs = self.forward.inputs + ((seed,) if isinstance(seed, Symbol) and seed not in self.forward.inputs else ())
        return replace(
            self.forward,
            equations=tuple(self.draft.equations),
            inputs=inputs,
            outputs=outputs,
            shapes=self.shapes,
            hidden=frozenset(),
            kept=len(self.forward.equations),
            deltas=by_signal((delta, value) for value, delta in deltas.items()),
        )


def by_signal(pairs: Iterable[tuple[Expr, Symbol]]) -> dict[Symbol, Symbol]:
    """Signal → the value that it is the signal at; of several values with one signal, one that has a name."""
    found: dict[Symbol, Symbol] = {}
    for delta, value in pairs:
        if isinstance(delta, Symbol) and (delta not in found or (is_step(found[delta]) and not is_step(value))):
            found[delta] = value
    return found


class _ShapedDraft(Draft):
    """A draft that knows the shape of everything that it defines."""

    def __init__(self, forward: Program, shapes: dict[Symbol, Shape]) -> None:
        super().__init__(forward.first_step())
        self.shapes = shapes
        self.equations = list(forward.equations)
        self._names = {e.value: e.name for e in reversed(forward.equations) if isinstance(e.value, Operation)}

    def define(self, value: Expr, name: Symbol | None = None, span: object = None, rule: str = "") -> Expr:
        made = super().define(value, name, span, rule)  # type: ignore[arg-type]
        if isinstance(made, Symbol) and made not in self.shapes:
            self.shapes[made] = result_shape(value, self.shapes)
        return made
