"""Correlation, as the book tells it: what later layers tell earlier ones, and what each weight brings together.

In    the derived program, its numbers where there are any
Out   an Explanation, and its text
Idea  globally, what a layer should have been follows from what the later layer should have been, through the weights in
      between; locally, a weight correlates what came in with what should have come out

Source: Trask, Grokking Deep Learning (2019), chapter 7: "correlation summarization", local and global.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from algebra2net.faces.numbers import Numbers, short
from algebra2net.operators.operator import Operation
from algebra2net.program import Equation, Program, operands
from algebra2net.shapes import Repeated, broadcasts
from algebra2net.spell import UNICODE, folds, labels, writer

NAMED = 3  # names in a list before "and others"


@dataclass(frozen=True, slots=True)
class Told:
    """What a layer is told: `by` the signals of later layers, `through` what lies in between; or `within` itself, before its last step."""

    layer: Symbol
    signal: Symbol
    by: tuple[Symbol, ...]
    through: tuple[Symbol, ...]
    within: bool
    given: bool  # whether it rests on the signal that was given at the output
    equation: Equation
    numbers: str = ""


@dataclass(frozen=True, slots=True)
class Correlated:
    """What a weight brings together: pairs of what came in and the signal; where it only collects the signal, none."""

    weight: Symbol
    pairs: tuple[tuple[Expr, Expr], ...]
    collects: tuple[Expr, ...]
    direct: tuple[Expr, ...]  # what the loss says of the weight itself, such as a penalty
    equation: Equation
    numbers: str = ""


@dataclass(frozen=True)
class Explanation:
    """The story of a derived program: of its layers, last first, and of its weights."""

    program: Program
    layers: tuple[Told, ...]
    weights: tuple[Correlated, ...]
    repeated: tuple[Repeated, ...] = ()

    def __str__(self) -> str:
        return text(self)


def explain(backprop: Program, numbers: Numbers | None = None) -> Explanation:
    """What each layer is told, and what each weight correlates."""
    made = {e.name: e for e in backprop.equations}
    reader = _Reader(backprop)
    layers = [reader.told(made[signal], layer, numbers or {}) for signal, layer in backprop.deltas.items() if signal in made]
    place = {e.name: k for k, e in enumerate(backprop.equations)}
    layers.sort(key=lambda told: place[told.signal])
    weights = [reader.correlated(made[gradient], weight, numbers or {}) for gradient, weight in backprop.gradients.items() if gradient in made]
    forward = backprop.with_equations(backprop.equations[: backprop.kept])
    return Explanation(backprop, tuple(layers), tuple(weights), broadcasts(forward))


def text(explanation: Explanation) -> str:
    """The explanation as lines of text."""
    say = _Speaker(explanation.program, {})
    out = ["What each layer is told (global: what a later layer should have been, sent back through what lies between)"] if explanation.layers else []
    for told in explanation.layers:
        out += ["", f"  {sentence(told, say)}", f"      {_line(told.equation, say)}", *([f"      {told.numbers}"] if told.numbers else [])]
    out += ["", "What each weight brings together (local: what came in, with what should have come out)"] if explanation.weights else []
    for weight in explanation.weights:
        out += ["", f"  {sentence(weight, say)}", f"      {_line(weight.equation, say)}", *([f"      {weight.numbers}"] if weight.numbers else [])]
    out += ["", "What is repeated (and why its gradient is a sum)", ""] if explanation.repeated else []
    out += [f"  {_repeated(said, say)}" for said in explanation.repeated]
    return "\n".join(out).strip("\n")


def sentences(explanation: Explanation, spelled: Mapping[Symbol, str]) -> tuple[list[str], list[str]]:
    """The statements on layers and on weights; `spelled` says how names look, Unicode where it does not."""
    say = _Speaker(explanation.program, spelled)
    return [sentence(told, say) for told in explanation.layers], [sentence(weight, say) for weight in explanation.weights]


def sentence(said: Told | Correlated, say: _Speaker) -> str:
    """One statement in words."""
    return _told(said, say) if isinstance(said, Told) else _correlated(said, say)


def _told(said: Told, say: _Speaker) -> str:
    layer, signal = say.name(said.layer), say.name(said.signal)
    if said.within:
        return f"Inside {layer}, before its last step, that means {signal}."
    if not said.by:
        return f"{layer} hears from {'the error signal' if said.given else 'the loss itself'} what it should have been: {signal}."
    later = say.several(said.by)
    through = f", through {say.several(said.through)}" if said.through else ""
    tells = "tells" if len(said.by) == 1 else "tell"
    return f"{later} {tells} {layer} what it should have been{through}: {signal}."


def _correlated(said: Correlated, say: _Speaker) -> str:
    verbs = []
    if said.pairs:
        verbs.append("correlates " + "; and ".join(f"{say.value(local)} with {say.value(signal)}" for local, signal in said.pairs))
    if said.collects:
        verbs.append(f"collects {', '.join(map(say.value, said.collects))}")
    if said.direct:
        verbs.append(f"is moved by the loss itself: {' + '.join(map(say.value, said.direct))}")
    return f"{say.name(said.weight)} {'; and '.join(verbs) or 'does not reach the output'}."


_DOES = {("plus", 0): "is added to", ("plus", 1): "is added to", ("minus", 1): "is taken from", ("times", 0): "multiplies", ("times", 1): "multiplies", ("divide", 1): "divides"}


def _repeated(said: Repeated, say: _Speaker) -> str:
    """`b is added to each of the n0 rows of x W.`"""
    value = said.equation.value
    place = value.args.index(said.operand)
    does = _DOES.get((type(value).__name__, place), "stands beside")
    each = f"{said.rows} × {said.columns} entries" if None not in (said.rows, said.columns) else f"{said.rows} rows" if said.columns is None else f"{said.columns} columns"
    others = [arg for k, arg in enumerate(value.args) if k != place]
    of = f" of {say.value(others[0])}" if len(others) == 1 and isinstance(others[0], Symbol) else ""
    return f"{say.name(said.operand)} {does} each of the {each}{of}."


def _line(equation: Equation, say: _Speaker) -> str:
    return f"{say.name(equation.name)} = {say.value(equation.value)}"


class _Speaker:
    """Names and values in words."""

    def __init__(self, program: Program, spelled: Mapping[Symbol, str]) -> None:
        texts = {name.name: text["unicode"] for name, text in labels(program).items()}
        given = {name.name: text for name, text in spelled.items()}
        self.dialect = replace(UNICODE, name=lambda key: given.get(key) or texts.get(key) or UNICODE.name(key))
        self.write = writer(self.dialect, folds(program, hidden=False), replace(program, gradients={}, deltas={}))

    def name(self, name: Symbol) -> str:
        return self.dialect.name(name.name)

    def several(self, given: Sequence[Symbol]) -> str:
        words = [self.name(name) for name in given]
        words = [*words[:NAMED], "others"] if len(words) > NAMED + 1 else words
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

    def value(self, value: Expr) -> str:
        return self.write(value)


class _Reader:
    """Reads off equations who tells whom."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.speak = _Speaker(program, {})
        self.steps = folds(program, hidden=False)
        self.forward = {*program.inputs, *(e.name for e in program.equations[: program.kept])} - self.seeds

    @cached_property
    def seeds(self) -> set[Symbol]:
        """The signal at the output, where it is an input of the derived program."""
        kept = {operand for e in self.program.equations[: self.program.kept] for operand in operands(e.value)}
        return {name for name in self.program.inputs if name not in kept and name.name.startswith("delta")}

    def leaves(self, value: Expr) -> Iterator[Symbol]:
        """The named values that a value is made of."""
        waiting, seen = [value], set()
        while waiting:
            here = waiting.pop()
            here = self.steps.get(here, here)
            if isinstance(here, Symbol):
                yield here
            elif here not in seen and isinstance(here, Operation):
                seen.add(here)
                waiting += reversed(list(operands(here)))

    def is_signal(self, value: Expr) -> bool:
        return any(leaf not in self.forward for leaf in self.leaves(value))

    def told(self, equation: Equation, layer: Symbol, numbers: Numbers) -> Told:
        leaves = list(self.leaves(equation.value))
        heard = [self.program.deltas[leaf] for leaf in leaves if leaf in self.program.deltas]
        by = tuple(dict.fromkeys(later for later in heard if later != layer))
        through = tuple(dict.fromkeys(name for name in self.between(equation.value) if name != layer)) if by else ()
        given = not self.seeds.isdisjoint(leaves)
        return Told(layer, equation.name, by, through, bool(heard) and not by, given, equation, _loudest(numbers, equation.name))

    def between(self, value: Expr) -> Iterator[Symbol]:
        """The names that a signal is multiplied by on its way."""
        waiting = [value]
        while waiting:
            here = waiting.pop()
            here = self.steps.get(here, here)
            if not isinstance(here, Operation) or not self.is_signal(here):
                continue
            factors = list(operands(here))
            if type(here).__name__ in ("matmul", "times", "scale"):
                yield from (name for factor in factors if not self.is_signal(factor) and (name := self.turned(factor)) is not None)
            waiting += reversed(factors)

    def turned(self, factor: Expr) -> Symbol | None:
        """A factor that is a name, or the transpose of one."""
        factor = self.steps.get(factor, factor)
        inside = factor.args[0] if type(factor).__name__ == "transpose" else factor
        return inside if isinstance(inside, Symbol) and inside not in self.steps else None

    def correlated(self, equation: Equation, weight: Symbol, numbers: Numbers) -> Correlated:
        pairs: list[tuple[Expr, Expr]] = []
        collects: list[Expr] = []
        direct: list[Expr] = []
        waiting: list[Expr] = [equation.value]
        while waiting:
            value = waiting.pop()
            value = self.steps.get(value, value)
            kind = type(value).__name__
            if kind == "plus":
                waiting += [value.args[1], value.args[0]]
            elif kind == "transpose":
                waiting.append(value.args[0])
            elif kind in ("matmul", "times", "scale") and (pair := self.pair(value)):
                pairs.append(pair)
            elif self.is_signal(value):
                inside = value.args[0] if kind in ("sum", "neg") else value
                collects.append(self.untransposed(inside))
            elif kind != "expand" or value.args[0] != 0:
                direct.append(value)
        return Correlated(weight, tuple(pairs), tuple(collects), tuple(direct), equation, _strongest(numbers, equation.name, weight, self.speak))

    def pair(self, value: Operation) -> tuple[Expr, Expr] | None:
        """What came in and the signal, where exactly one of the factors is a signal."""
        first, second = value.args[:2]
        sides = self.is_signal(first), self.is_signal(second)
        if sides == (False, True):
            return self.untransposed(first), self.untransposed(second)
        return (self.untransposed(second), self.untransposed(first)) if sides == (True, False) else None

    def untransposed(self, value: Expr) -> Expr:
        """A factor without its transpose."""
        value = self.steps.get(value, value)
        return value.args[0] if type(value).__name__ == "transpose" else value


def _loudest(numbers: Numbers, signal: Symbol) -> str:
    """Where a signal is largest, and which way it points."""
    found = _largest(numbers.get(signal))
    if found is None:
        return ""
    row, column, value = found
    way = "lower" if value > 0 else "higher"
    return f"loudest in row {row}, column {column}: {short(value)}, so it should have been {way}" if value else "silent: every entry is 0"


def _strongest(numbers: Numbers, gradient: Symbol, weight: Symbol, speak: _Speaker) -> str:
    """The entry of a gradient that is largest, and what a step of descent does with it."""
    found = _largest(numbers.get(gradient))
    if found is None:
        return ""
    row, column, value = found
    if not value:
        return "no correlation: every entry is 0"
    entry = speak.name(weight) + (f"[{row}, {column}]" if numbers[gradient].size > 1 else "")
    return f"strongest at {entry}: {short(value)}, so descent {'lowers' if value > 0 else 'raises'} it"


def _largest(value: Any) -> tuple[int, int, float] | None:
    if value is None or not value.size or not np.isfinite(value).all():
        return None
    row, column = (int(k) for k in np.unravel_index(int(np.abs(value).argmax()), value.shape))
    return row, column, float(value[row, column])
