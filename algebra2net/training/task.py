"""From a program and a table to a network that fits them.

In    the text of a program, with or without a loss; a table; which column is the target
Out   a Task: the net with its shapes, and the binding of columns to inputs
Idea  the data say how wide the first and the last layer are, the user how wide the others
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from algebra2net import names
from algebra2net.errors import nearest
from algebra2net.net import compile
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation, known
from algebra2net.program import SCALAR, symbol
from algebra2net.run import Array
from algebra2net.training.binding import Binding, Scaling, in_order
from algebra2net.training.data import Table, is_number
from algebra2net.training.prediction import Prediction, prediction_of
from algebra2net.training.roles import Roles, depths, keyed, layer_and_target, roles_of
from algebra2net.training.widths import parameter_shapes

if TYPE_CHECKING:
    from algebra2net.net import Net

ONE_HOT = frozenset({"cross_entropy", "nll", "kl", "softmax", "log_softmax"})
BINARY = frozenset({"bce", "bce_logits"})
ITSELF = ("input", "itself")  # what --target may say for an autoencoder


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the user asks for, besides program and table."""

    target: tuple[str, ...] = ()
    loss: str | None = None
    columns: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    one_hot: tuple[str, ...] = ()
    hidden: tuple[int, ...] = ()
    shapes: Mapping[str, Any] = field(default_factory=dict)
    wrt: Sequence[str] | None = None
    notation: str = "auto"
    dialect: str | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    masks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A net, and where its arrays come from."""

    net: Net
    binding: Binding

    @cached_property
    def roles(self) -> Roles:
        """The inputs of the net by role."""
        return roles_of(self.net, self.binding.masks)

    @cached_property
    def prediction(self) -> Prediction:
        """What the net predicts, without its loss."""
        return prediction_of(self.net, self.roles, self.binding.layer, self.binding.target)

    def data(self, x: Array, y: Array | None) -> dict[str, Array]:
        """The arrays of the net, from matrices whose rows are samples."""
        given = {self.binding.layer: x} | ({self.binding.target: y} if self.binding.target and y is not None else {})
        turned = {name: array.T if self.roles.axes.get(name) == 1 else array for name, array in given.items()}
        return turned | {name: np.full((1, 1), value) for name, value in self.binding.constants.items()}

    def predict(self, x: Array, params: Mapping[str, Array]) -> Array:
        """The prediction for each row; dropout drops nothing."""
        arrays = {**self.data(x, None), **params}
        arrays |= {mask: np.full((1, 1), 1 - float(self._dropped(p))) for mask, p in self.roles.masks.items()}
        found = self.prediction({name: np.atleast_2d(array) for name, array in arrays.items()})
        columns = self.roles.axes.get(self.binding.layer) == 1
        return found.T if columns else found

    def _dropped(self, probability: Any) -> Any:
        return probability if probability.is_number else self.binding.constants[probability.name]

    def scores(self, x: Array, y: Array | None, params: Mapping[str, Array]) -> dict[str, float]:
        """`accuracy` of classes, also where the target is a matrix of their probabilities; `R²` of numbers: 1 - Σ(y - p)² / Σ(y - ȳ)²."""
        prediction = self.predict(x, params)
        desired = x if y is None else y
        if self.binding.kind in ("classes", "binary", "signs"):
            right = self.binding.chosen(prediction, self.prediction.says) == (desired.argmax(axis=1) if self.binding.kind == "classes" else desired[:, 0] > 0)
            return {"accuracy": float(right.mean())}
        if prediction.shape != desired.shape:
            return {}
        if self.prediction.says == "logits":  # beside probabilities: which is the largest
            return {"accuracy": float((prediction.argmax(axis=1) == desired.argmax(axis=1)).mean())} if desired.shape[1] > 1 else {}
        around = ((desired - desired.mean(axis=0)) ** 2).sum()
        return {"R²": float(1 - ((desired - prediction) ** 2).sum() / around)} if around > 0 else {}


def task(source: str, table: Table, wish: Wish) -> Task:
    """The network of a program, for the data of a table.

    Raises AlgebraError for the program, ValueError for what is missing between the two, naming the option that gives it.
    """
    options: dict[str, Any] = {"wrt": wish.wrt, "notation": wish.notation, "dialect": wish.dialect}
    draft = compile(source, shapes=wish.shapes, **options)
    targets = _targets(draft, table, wish)
    loss = _loss(draft, wish, table, targets)
    if loss is not None:
        draft = compile(source, shapes=wish.shapes, loss=loss, **options)
    binding = _binding(draft, table, wish, targets)
    shapes = parameter_shapes(draft, binding, wish.hidden)
    return Task(net=compile(source, shapes={**wish.shapes, **shapes}, loss=loss, **options), binding=binding)


def scaled(made: Task, table: Table, rows: Array) -> Task:
    """The task with inputs (and numbers to be predicted) standardised by the means of these rows."""
    plain = replace(made.binding, inputs_scaled=None, target_scaled=None)
    x = plain.inputs(table)
    y = plain.desired(table, x)
    of_numbers = Scaling.of(y[rows]) if made.binding.kind == "numbers" and y is not None else None
    return Task(net=made.net, binding=replace(plain, inputs_scaled=Scaling.of(x[rows]), target_scaled=of_numbers))


# --------------------------------------------------------------------------------------------------- target and loss


def _targets(draft: Net, table: Table, wish: Wish) -> tuple[str, ...]:
    """The columns to be predicted; `ITSELF` for an autoencoder."""
    chosen = wish.target or ((table.target,) if table.target and table.target not in wish.drop else ())
    if len(chosen) == 1 and chosen[0] not in table.columns:
        if table.target and chosen[0] in ("label", "target", "class"):
            return (table.target,)
        far, samples = depths(draft), roles_of(draft, keyed(draft, wish.masks, "--mask")).samples
        if chosen[0] in ITSELF or names.key(chosen[0]) == max(samples, key=lambda name: far[name], default=""):
            return ITSELF
    for name in chosen:
        table.column(name)
    return tuple(chosen)


def _loss(draft: Net, wish: Wish, table: Table, targets: tuple[str, ...]) -> str | None:
    """The equation of the loss to append; None where the program has one."""
    scalar = draft.shapes[draft.output] == SCALAR
    if wish.loss is not None and not re.fullmatch(r"\w+", wish.loss.strip()):
        return wish.loss
    if scalar and wish.loss is None:
        return None
    output = names.unicode(draft.output) if draft.output.isascii() is False else draft.output
    if scalar:
        raise ValueError(f'the program\'s output {output} is a loss already: leave --loss {wish.loss} out, or write an equation of it: --loss "{output} + …"')
    name = known(wish.loss.strip()) if wish.loss is not None else _fitting_loss(draft, table, targets)
    if name is None or OPERATORS[name].family != "losses":
        losses = [one for one, record in OPERATORS.items() if record.family == "losses" and not record.internal]
        hint = nearest(wish.loss or "", losses)
        raise ValueError(f'there is no loss {wish.loss}; there are {", ".join(losses)}, or an equation: --loss "mean(({output} - y)^2)"' + (f" ({hint})" if hint else ""))
    target = _target_name(draft, targets, keyed(draft, wish.masks, "--mask"))
    made = _maker(draft, draft.output)
    if name == "cross_entropy" and made == "softmax":
        return f"-mean(sum({target} * log({output}), axis=1))"  # the program's own softmax; a second one would be wrong
    if name == "bce_logits" and made == "sigmoid":
        name = "bce"
    return f"{name}({output}, {target})"


def _fitting_loss(draft: Net, table: Table, targets: tuple[str, ...]) -> str:
    """The loss for a target, where the user names none."""
    made = _maker(draft, draft.output)
    if made == "sigmoid" and targets != ITSELF:
        return "bce"
    is_text = targets and targets != ITSELF and isinstance(table.columns.get(targets[0]), list)
    return "cross_entropy" if made in ONE_HOT or is_text else "mse"


def _target_name(draft: Net, targets: tuple[str, ...], masks: Mapping[str, float]) -> str:
    """A name for the target that the program does not use; the input layer's own where it is to be rebuilt."""
    if targets == ITSELF:
        return layer_and_target(draft, roles_of(draft, masks))[0]
    return next(name for name in ("y", "t", "target", "y_true", "desired") if name not in draft.shapes)


def _maker(net: Net, name: str) -> str:
    value = next((e.value for e in net.steps.equations if e.name == symbol(name)), None)
    return type(value).__name__ if isinstance(value, Operation) else ""


# ------------------------------------------------------------------------------------------------------------ binding


def _binding(net: Net, table: Table, wish: Wish, targets: tuple[str, ...]) -> Binding:
    constants, masks = keyed(net, wish.constants, "--set"), keyed(net, wish.masks, "--mask")
    roles = _without(roles_of(net, masks), constants)
    layer, target = layer_and_target(net, roles)
    itself = targets == ITSELF
    if target is not None and not targets:
        raise ValueError(f"which column is to be predicted? --target NAME; {table.source} has {', '.join(list(table.columns)[-6:])}")
    if target is None and targets and not itself and wish.target:
        raise ValueError(f"this program compares nothing with {', '.join(targets)}: its inputs are {', '.join(net.inputs)}; add --loss, or --drop {targets[0]} for an autoencoder")
    for name in (*wish.columns, *wish.drop, *wish.one_hot):
        table.column(name)
        if name in targets and not itself:
            raise ValueError(f"{name} is to be predicted: leave it out of {'--columns' if name in wish.columns else '--drop' if name in wish.drop else '--one-hot'}")
    chosen = wish.columns or tuple(name for name in table.columns if name not in (*wish.drop, *targets, table.target))
    texts = {name: in_order(table.labels(name)) for name in chosen if name in wish.one_hot}
    features = tuple((name, len(texts[name]) if name in texts else _width(table, name)) for name in chosen)
    if not features:
        raise ValueError(f"{table.source} has no column left for {layer}")
    common = {"layer": layer, "target": target, "features": features, "texts": texts, "named": table.named, "constants": constants, "masks": masks}
    if itself or target is None:
        return Binding(**common, kind="input" if target is not None else "none")  # type: ignore[arg-type]
    kind, classes = _kind(net, table, target, targets)
    widths = tuple(table.numbers(name).shape[1] for name in targets) if kind == "numbers" else ()
    return Binding(**common, targets=targets, target_widths=widths, kind=kind, classes=classes)  # type: ignore[arg-type]


def _width(table: Table, name: str) -> int:
    """How many numbers a column has."""
    return int(table.numbers(name, f"--one-hot {name} makes a column of each of its texts, --drop {name} leaves it out").shape[1])


def _without(roles: Roles, constants: Mapping[str, float]) -> Roles:
    """The roles without the inputs that are numbers from the command line."""
    return replace(roles, data=tuple(name for name in roles.data if name not in constants), axes={name: axis for name, axis in roles.axes.items() if name not in constants})


def _kind(net: Net, table: Table, target: str, targets: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """What the target column is, by the loss and by what stands in it; and its classes."""
    used = {type(e.value).__name__ for program in (net.program, net.steps) for e in program.equations}
    across = net.shapes[target][1 - roles_of(net).axes.get(target, 0)]
    several = isinstance(across, int) and across > 1
    column = table.column(targets[0])
    of_classes = bool(used & ONE_HOT or used & BINARY or "hinge" in used or several)
    if isinstance(column, list) and not of_classes and any(is_number(cell) for cell in column):
        table.numbers(targets[0], "a column of labels has no numbers among them")  # says which cell is none
    is_matrix = isinstance(column, np.ndarray) and column.shape[1] > 1  # numbers already: one-hot rows, probabilities
    if len(targets) > 1 or is_matrix or not (of_classes or isinstance(column, list)):
        return "numbers", ()
    classes = in_order(table.labels(targets[0]))
    if len(classes) < 2:
        raise ValueError(f"{table.source}: column {targets[0]} has one class alone, {classes[0]}; nothing can be learned from it")
    if len(classes) > max(100, table.rows // 2):
        raise ValueError(f"{table.source}: column {targets[0]} has {len(classes)} different labels in {table.rows} rows; for numbers take --loss mse")
    if not several and len(classes) == 2 and not used & ONE_HOT:
        return ("signs" if "hinge" in used else "binary"), classes
    return "classes", classes
