"""What a training says of itself: what was understood before it, what was reached after it.

In    a task, a table, the split of its rows; a history
Out   texts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from algebra2net.run import Array
from algebra2net.spell import PLAIN, lines
from algebra2net.training.binding import Binding
from algebra2net.training.curve import braille, listed
from algebra2net.training.data import Table
from algebra2net.training.fit import evaluate
from algebra2net.training.history import History
from algebra2net.training.init import described, starts_of
from algebra2net.training.task import Task


@dataclass(frozen=True)
class Rows:
    """Which rows are learned from, which are watched for early stopping, and which are held out to judge by."""

    train: Array
    watched: Array
    held: Array


def split(count: int, held_out: float, patience: int | None, seed: int) -> Rows:
    """A split of so many rows by the seed. Rows that decide when to stop are not those that judge.

    Raises ValueError where none is left to learn from.
    """
    order = np.random.default_rng([seed, 2]).permutation(count)
    held = round(held_out * count)
    watched = max(1, round(0.1 * (count - held))) if patience is not None else 0
    if count - held - watched < 1:
        raise ValueError(f"{count} rows are too few: {held} would be held out and {watched} watched; --held-out 0 learns from all")
    return Rows(np.sort(order[held + watched :]), np.sort(order[held : held + watched]), np.sort(order[:held]))


def about(made: Task, table: Table, rows: Rows) -> str:
    """What was understood."""
    binding, net = made.binding, made.net
    counts = [f"{len(rows.train)} to learn from", *([f"{len(rows.watched)} to stop by"] if len(rows.watched) else []), f"{len(rows.held)} held out"]
    scaled_words = ", standardized" if binding.inputs_scaled else ""
    found = [
        f"data      {table.source}: {table.rows} rows ({', '.join(counts)})",
        f"          {binding.width} column{'s' * (binding.width != 1)} → {binding.layer}{scaled_words}{_target_words(binding)}",
    ]
    found += [f"{'network' if k == 0 else '':<10}{line}" for k, line in enumerate(lines(net.program, PLAIN))]
    starts = starts_of(net)
    words = [f"{name} {net.shapes[name][0]}×{net.shapes[name][1]} {described(starts[name])}" for name in made.roles.trained]
    count = sum(int(net.shapes[name][0]) * int(net.shapes[name][1]) for name in made.roles.trained)
    found += [f"{'begins as' if k == 0 else '':<10}{line}" for k, line in enumerate(_wrapped(words, f"{count} parameters"))]
    return "\n".join(found)


def _target_words(binding: Binding) -> str:
    match binding.kind:
        case "classes":
            shown = ", ".join(binding.classes[:10]) + (", …" if len(binding.classes) > 10 else "")
            return f"; {binding.targets[0]} → {binding.target}, {len(binding.classes)} classes ({shown})"
        case "binary":
            return f"; {binding.targets[0]} → {binding.target}, 0 is {binding.classes[0]}, 1 is {binding.classes[1]}"
        case "signs":
            return f"; {binding.targets[0]} → {binding.target}, -1 is {binding.classes[0]}, 1 is {binding.classes[1]}"
        case "numbers":
            return f"; {', '.join(binding.targets)} → {binding.target}{', standardized' if binding.target_scaled else ''}"
        case "input":
            return f" and → {binding.target}, to be rebuilt"
    return ""


def _wrapped(words: Sequence[str], last: str, room: int = 96) -> list[str]:
    found = [""]
    for word in (*words, last):
        piece = word if not found[-1] else f" · {word}"
        if len(found[-1]) + len(piece) > room:
            found.append(word)
        else:
            found[-1] += piece
    return found


def curve_text(history: History, rows: Rows, colour: bool, room: int) -> str:
    """The losses: drawn on a terminal with colours, listed elsewhere."""
    if not colour:
        return listed(history.loss, history.validation)
    drawn = braille(history.loss, history.validation, min(72, room), colour=True)
    seen = f"  \x1b[33m┄┄\x1b[0m {'watched' if len(rows.watched) else 'held out'}" * bool(history.validation)
    return f"\n{drawn}\n\x1b[34m──\x1b[0m train{seen}\n" if drawn else ""


def results(made: Task, history: History, x: Array, y: Array | None, rows: Rows) -> str:
    """How long it took, and what was reached on the rows learned from and on those held out."""
    found = [f"trained   {history.epochs} epoch{'s' * (history.epochs != 1)} in {history.seconds:.1f} s{f' ({history.reason})' * bool(history.reason)}"]
    for name, chosen in (("train", rows.train), ("held out", rows.held)):
        if len(chosen):
            found.append(f"{name:<10}{_scored(made, history, x[chosen], None if y is None else y[chosen])}")
    return "\n".join(found)


def _scored(made: Task, history: History, x: Array, y: Array | None) -> str:
    """Loss and score on some rows."""
    params = dict(history.params)
    words = [f"loss {evaluate(made.net, made.data(x, y), params, made.binding.masks):.4g}"]
    for name, value in made.scores(x, y, params).items():
        words.append(f"accuracy {100 * value:.1f} % ({round(value * len(x))} of {len(x)})" if name == "accuracy" else f"{name} {value:.3f}")
    return "   ".join(words)
