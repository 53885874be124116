"""What a name in a claim stands for.

In    a name as somebody typed it: `dW0`, `layer_1_delta`, `δ₁`, `z1`, `weights_0_1_gradient`, `n`
Out   its readings, the likeliest first: a value of the network, or the signal at one
Idea  every spelling that is usual is entered in one table, so that a name is looked up and never taken apart

Courses disagree on one thing: whether δ₁ is ∂L/∂z₁, before the activation's slope is left behind (Nielsen, Neural Networks
and Deep Learning, chapter 2; Trask's layer_1_delta), or ∂L/∂l₁. Where both are usual, both are readings. ∂L/∂l₁ written
out, and dz₁, have one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Symbol

from algebra2net import names
from algebra2net.derive import GRADIENT
from algebra2net.operators.operator import operation
from algebra2net.program import SCALAR, Dimension, Program, is_step, renamed, symbol
from algebra2net.tidy import tidy
from algebra2net.verify.terms import Term, call, named, number, term, text
from algebra2net.verify.truth import Truth

LOSSES = ("L", "E", "J", "C", "l", "loss", "Loss", "cost", "error", "Error", "MSE", "mse")
_AT = ("d{}", "grad_{}", "{}_grad", "gradient_{}", "{}_gradient", "g_{}", "nabla_{}", *(pattern.format(loss, "{}") for loss in LOSSES for pattern in ("d{}_d{}", "d{}d{}")))
_BEFORE = ("d_{}", "delta_{}", "{}_delta", "delta{}", "err_{}", "error_{}", "{}_error")
_COUNTED = ("d{}", "d_{}", "delta{}", "delta_{}", "layer_{}_delta", "l{}_delta", "error{}", "err{}")
_ALONE = ("delta", "output_delta", "delta_out", "d_out", "dout", "error", "delta_output", "delta_L")
_ROWS = ("n", "m", "N", "M", "B", "batch", "batch_size", "n_samples", "num_samples", "num_examples")


@dataclass(frozen=True)
class Reading:
    """What a name means: the term for it in values of the network, and in words."""

    value: Term
    words: str = ""


class Names:
    """The table of names for one network."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.forward = {name.name for name in truth.forward.inputs} | {e.name.name for e in truth.forward.equations if not is_step(e.name)}
        self.shown: dict[str, str] = {}  # of values without a name of the user's: what they are called in an answer
        self._table: dict[str, tuple[Reading, ...]] = {}
        self._enter_values()
        self._enter_signals()
        self._enter_sizes()

    def readings(self, key: str) -> tuple[Reading, ...]:
        """What a name may mean, the likeliest first; nothing where it means nothing."""
        return self._table.get(key, ())

    def derivative(self, written: str) -> tuple[Reading, ...]:
        """What a derivative that is written out means: of ∂ and a key, the signal at that value alone."""
        if not written.startswith(GRADIENT):
            return self.readings(written)
        target = written.removeprefix(GRADIENT)
        return tuple(Reading(named(GRADIENT + value.name)) for value in (r.value for r in self.readings(target)[:1]) if self.truth.has_signal(value.name))

    @property
    def prediction(self) -> str:
        """The value that the loss judges, or the output where there is none."""
        truth = self.truth
        if truth.seed is not None:
            return str(truth.output.name)
        equations = [e for e in truth.forward.equations if truth.forward.shapes[e.name] != SCALAR and truth.has_signal(e.name.name)]
        named_ones = [e for e in equations if not is_step(e.name)]
        products = [e for e in equations if isinstance(e.value, operation("matmul"))]
        last = (named_ones or products or equations or [truth.forward.equations[-1]])[-1]
        return str(last.name.name)

    # entries

    def _enter(self, spelled: str, *readings: Reading) -> None:
        self._table.setdefault(names.key(spelled), readings)

    def _enter_values(self) -> None:
        for name in sorted(self.forward):
            self._enter(name, Reading(named(name)))
        for name in sorted(self.forward):
            self._enter(names.book(name), Reading(named(name)))
        for layer, (function, inner) in self.truth.inside.items():
            if not inner.startswith("_") or layer.startswith("_"):
                continue
            wanted = names.before(layer)
            words = f"{names.unicode(wanted or f'{layer}_pre')} is what {function} is applied to in {names.unicode(layer)}"
            for spelled in filter(None, (wanted, f"{layer}_pre", f"z_{layer}")):
                if names.key(spelled) not in self._table:
                    self.shown.setdefault(inner, names.key(spelled))
                    self._enter(spelled, Reading(named(inner), words))

    def _enter_signals(self) -> None:
        values = [name for name in (*self.truth.forward.inputs, *(e.name for e in self.truth.forward.equations)) if self.truth.has_signal(name.name)]
        for name in (*(name for name in values if name not in self.truth.forward.inputs), *self.truth.forward.inputs):
            if name in values and (key := self._called(name)):  # δ_H, of H' too
                spelled = names.key(names.with_signal(key))
                self._table[spelled] = (*self._table.get(spelled, ()), *self._before(name.name), *self._at(name.name))
        for name in values:
            key = self._called(name)
            if key:
                near, far = self._at(name.name), self._before(name.name)
                for spelled in dict.fromkeys((key, names.book(key), names.unicode(key))):
                    for pattern in _AT:
                        self._enter(pattern.format(spelled), *near, *far)
                    for pattern in (*_BEFORE, "d_{{{}}}", "delta_{{{}}}"):
                        self._enter(pattern.format(spelled), *far, *near)
                for spelled in (names.with_signal(key), f"delta_{names.unicode(key)}", f"delta_{{{key}}}"):
                    self._enter(f"{spelled}_pre", *far, *near)
        for name in reversed(values):
            p = names.parts(name.name)
            if p.number is not None and name in self._layers() and not any(name.name == inner for _, inner in self.truth.inside.values()):
                for pattern in _COUNTED:
                    self._enter(pattern.format(p.number), *self._before(name.name), *self._at(name.name))
        last = self.prediction
        if self.truth.has_signal(last):
            order = (*self._at(last), *self._before(last)) if self.truth.seed is not None else (*self._before(last), *self._at(last))
            for spelled in _ALONE:
                self._enter(spelled, *order)

    def _called(self, name: Symbol) -> str:
        return self.shown.get(name.name, "") if is_step(name) else name.name

    def _layers(self) -> set[Symbol]:
        return {e.name for e in self.truth.forward.equations if not is_step(e.name)}

    def _at(self, value: str) -> tuple[Reading, ...]:
        return (Reading(named(GRADIENT + value), f"the signal at {self._word(value)}"),)

    def _before(self, value: str) -> tuple[Reading, ...]:
        """The signal at what the function of a layer is applied to, where a value is a layer."""
        function, inner = self.truth.inside.get(value, ("", ""))
        if not function or not self.truth.has_signal(inner):
            return ()
        return (Reading(named(GRADIENT + inner), f"the signal at {self._word(inner)}, inside the {function} of {self._word(value)}"),)

    def _word(self, value: str) -> str:
        if not value.startswith("_") or value in self.shown:
            return names.unicode(self.shown.get(value, value))
        return text(self.definition(value))

    def definition(self, value: str) -> Term:
        """What a step without a name is made of, in names that a reader knows and signals."""
        wanted = symbol(value)
        alone = tidy(replace(self._derivation, outputs={"": self._renamed.get(wanted, wanted)}, deltas={}))
        made = {e.name: e.value for e in alone.equations}
        return term(alone.equations[-1].value, lambda s: made.get(s) if self.is_nameless(s.name) else None, self.truth.functions)

    def is_nameless(self, name: str) -> bool:
        """Whether this is a step, or the signal at one, that a reader knows no name of."""
        value = name.removeprefix(GRADIENT)
        return value.startswith("_") and value not in self.shown

    @cached_property
    def _renamed(self) -> dict[Symbol, Symbol]:
        """Step → the signal that it is, at a value that has a name."""
        found: dict[Symbol, Symbol] = {}
        made = {e.name: e.value for e in self.truth.derived.equations}
        for target, name in self.truth.derived.outputs.items():
            if name.name.startswith(GRADIENT) and is_step(made[name]) and not self.is_nameless(target):
                found.setdefault(made[name], name)
        return found

    @cached_property
    def _derivation(self) -> Program:
        """The derivation with its signals under their names, where they are made."""
        names_ = self._renamed
        derived = self.truth.derived
        equations = [renamed(e, names_) for e in derived.equations]
        return derived.with_equations((e for e in equations if e.name != e.value), shapes={**derived.shapes, **{n: derived.shapes[s] for s, n in names_.items()}})

    # sizes

    def _enter_sizes(self) -> None:
        for label in self.truth.sizes:
            self._enter(label, Reading(size_term(label)))
        batch = self.batch
        if batch is not None:
            rows, columns = (size_term(size) for size in self._symbolic(self.prediction))
            words = f"the batch size, {batch}"
            entries = Reading(call("scale", rows, columns), f"the number of entries of {self._word(self.prediction)}")
            for spelled in _ROWS:
                self._enter(spelled, Reading(size_term(batch), words), entries)

    @cached_property
    def batch(self) -> Dimension | None:
        """The dimension that data has and no parameter: the rows of a batch (the columns, of W x)."""
        shapes, parameters = self.truth.forward.shapes, set(self.truth.net.parameters)
        fixed = {size for name in self.truth.forward.inputs if name.name in parameters for size in shapes[name]}
        found = [size for name in self.truth.forward.inputs if name.name not in parameters for size in shapes[name] if size not in fixed and size != 1]
        output = self._symbolic(self.prediction)
        return next((size for size in found if size in output), None)

    def _symbolic(self, value: str) -> tuple[Dimension, Dimension]:
        """A value's shape with the names of its dimensions."""
        return self.truth.forward.shapes[symbol(value)]


def size_term(size: Dimension) -> Term:
    """The term for a size."""
    return number(size) if isinstance(size, int) else Term("extent", (), (Symbol(size),))
