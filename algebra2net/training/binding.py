"""Which column goes where: from a table to the arrays of a network, and from predictions back to labels.

In    a table
Out   the matrices of the input layer and of the target; texts for a prediction
Idea  what was learned of the columns (names, classes, means) is a record that the model keeps
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from algebra2net.run import Array
from algebra2net.training.data import Table

KINDS = ("classes", "binary", "signs", "numbers", "input", "none")


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """(x - center) / scale, column by column."""

    center: tuple[float, ...]
    scale: tuple[float, ...]

    def __call__(self, array: Array) -> Array:
        """The columns scaled."""
        scaled: Array = (array - np.array(self.center)) / np.array(self.scale)
        return scaled

    def back(self, array: Array) -> Array:
        """The columns as they were."""
        plain: Array = array * np.array(self.scale) + np.array(self.center)
        return plain

    @classmethod
    def of(cls, array: Array) -> Scaling:
        """To mean 0 and standard deviation 1; a column that does not vary is centred alone."""
        spread = array.std(axis=0)
        return cls(center=tuple(map(float, array.mean(axis=0))), scale=tuple(float(s) if s > 0 else 1.0 for s in spread))


@dataclass(frozen=True, kw_only=True)
class Binding:
    """Columns to inputs. `kind` says what the target is: `classes` (one-hot), `binary` (0 and 1), `signs` (-1 and 1), `numbers`, the `input` itself, or `none`."""

    layer: str
    target: str | None
    features: tuple[tuple[str, int], ...]  # column, how many numbers it has
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of a feature of texts: which there are, each a number of its own
    targets: tuple[str, ...] = ()
    target_widths: tuple[int, ...] = ()  # of each target of numbers: how many it has
    kind: str = "numbers"
    classes: tuple[str, ...] = ()
    named: bool = True
    inputs_scaled: Scaling | None = None
    target_scaled: Scaling | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    masks: Mapping[str, float] = field(default_factory=dict)  # of the user's own: the probability to drop

    @property
    def width(self) -> int:
        """How many columns the input layer has."""
        return sum(width for _, width in self.features)

    @property
    def target_width(self) -> int:
        """How many columns the target has."""
        return {"classes": len(self.classes), "input": self.width, "numbers": sum(self.target_widths)}.get(self.kind, 1)

    @property
    def predicted(self) -> list[str]:
        """The columns of a prediction of numbers."""
        columns = zip(self.targets, self.target_widths, strict=True) if self.targets else self.features
        return [column for name, width in columns for column in column_names(name, width, self.texts.get(name, ()))]

    def inputs(self, table: Table) -> Array:
        """The input layer, a row for each row of the table.

        Raises ValueError where a column is missing or a cell is no number.
        """
        columns = [self._feature(table, own, name) for own, (name, _) in zip(self._columns(table), self.features, strict=True)]
        for (name, width), found in zip(self.features, columns, strict=True):
            if found.shape[1] != width:
                raise ValueError(f"{table.source}: {name} has {found.shape[1]} columns, the model takes {width}")
        x = np.hstack(columns)
        return x if self.inputs_scaled is None else self.inputs_scaled(x)

    def _feature(self, table: Table, own: str, name: str) -> Array:
        """One column of the table as numbers; `own` is what the table calls it."""
        if name in self.texts:
            return np.asarray(np.eye(len(self.texts[name]))[table.chosen(own, self.texts[name])])
        return table.numbers(own)

    def _columns(self, table: Table) -> list[str]:
        """The table's own names of the features; by place where the file has none."""
        names = [name for name, _ in self.features]
        missing = [name for name in names if name not in table.columns]
        if missing and not (table.named and self.named) and len(table.columns) == len(names):
            return list(table.columns)
        if missing:
            shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise ValueError(f"{table.source} has no column {shown}; the model takes {len(names)}: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}")
        return names

    def desired(self, table: Table, x: Array) -> Array | None:
        """The target of each row; `x` is the input layer.

        Raises ValueError for a label that the model does not know.
        """
        match self.kind:
            case "none":
                return None
            case "input":
                return x
            case "numbers":
                y = np.hstack([table.numbers(name) for name in self.targets])
                return y if self.target_scaled is None else self.target_scaled(y)
        chosen = table.chosen(self.targets[0], self.classes)
        if self.kind == "classes":
            return np.asarray(np.eye(len(self.classes))[chosen])
        return (chosen if self.kind == "binary" else 2.0 * chosen - 1).reshape(-1, 1).astype(float)

    def probabilities(self, prediction: Array, says: str) -> Array | None:
        """The probability of each class, where the prediction says so: its softmax or sigmoid where it is none itself."""
        if self.kind == "classes":
            return prediction if says == "probabilities" else _softmax(prediction) if says == "logits" else None
        if self.kind == "binary" and says != "numbers":
            p = prediction if says == "probabilities" else 1 / (1 + np.exp(-np.clip(prediction, -700, 700)))
            return np.hstack([1 - p, p])
        return None

    def chosen(self, prediction: Array, says: str) -> Array:
        """The number of the class that is predicted for each row."""
        if self.kind == "classes":
            return np.asarray(prediction.argmax(axis=1))
        between = 0.5 if self.kind == "binary" and says != "logits" else 0.0
        return np.asarray(prediction[:, 0] > between).astype(int)

    def in_units(self, prediction: Array) -> Array:
        """A prediction of numbers as the table has them."""
        if self.kind in ("input", "none"):
            fits = self.inputs_scaled is not None and prediction.shape[1] == self.width
            return self.inputs_scaled.back(prediction) if fits and self.inputs_scaled is not None else prediction
        return prediction if self.target_scaled is None else self.target_scaled.back(prediction)

    @property
    def words(self) -> dict[str, Any]:
        """The record as JSON takes it."""
        return asdict(self)

    @classmethod
    def read(cls, words: Mapping[str, Any]) -> Binding:
        """The record from JSON."""
        scaled = {name: Scaling(center=tuple(found["center"]), scale=tuple(found["scale"])) for name in ("inputs_scaled", "target_scaled") if (found := words[name])}
        lists: dict[str, Any] = {
            "features": tuple((name, width) for name, width in words["features"]),
            "targets": tuple(words["targets"]),
            "target_widths": tuple(words.get("target_widths", [1] * len(words["targets"]))),
            "classes": tuple(words["classes"]),
        }
        lists["texts"] = {name: tuple(texts) for name, texts in words["texts"].items()}
        return cls(**{**words, "inputs_scaled": None, "target_scaled": None, **lists, **scaled})


def column_names(name: str, width: int, texts: Sequence[str]) -> list[str]:
    """The columns that one of a table becomes: one for each of its texts, or of its numbers."""
    return [f"{name}={text}" for text in texts] or [name] * (width == 1) or [f"{name}[{k}]" for k in range(width)]


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def in_order(labels: Sequence[str]) -> tuple[str, ...]:
    """The classes: as numbers where all of them are, else as texts."""
    found = sorted(set(labels))
    try:
        return tuple(sorted(found, key=float))
    except ValueError:
        return tuple(found)
