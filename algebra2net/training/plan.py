"""How to train: every choice checked once, before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from algebra2net.training.optimizers import Optimizer, optimizer
from algebra2net.training.schedules import Constant, Schedule, schedule

MAY_CHANGE = ("epochs", "patience")  # when a training is gone on with


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The choices of a training. `optimizer` is a record, or the name of a method of `scipy.optimize.minimize`; `batch` None takes all samples at once."""

    optimizer: Optimizer | str
    lr: float
    epochs: int
    batch: int | None
    seed: int
    schedule: Schedule
    weight_decay: float
    clip: float | None
    patience: int | None
    shuffle: bool

    @property
    def words(self) -> dict[str, Any]:
        """The plan as JSON takes it."""
        fields = {name: getattr(self, name) for name in ("lr", "epochs", "batch", "seed", "weight_decay", "clip", "patience", "shuffle")}
        return {"optimizer": str(self.optimizer), "schedule": str(self.schedule)} | fields

    def same_as(self, before: Mapping[str, Any], path: Any) -> None:
        """Check that going on with this plan gives what one run would have given.

        Raises ValueError naming the choice that differs.
        """
        for name, value in self.words.items():
            if name not in MAY_CHANGE and before.get(name) != value:
                raise ValueError(
                    f"{path} was trained with {name}={before.get(name)}, this asks for {value}; give it the same, or start anew from its parameters: "
                    f"params=algebra2net.training.load({str(path)!r}).params"
                )


def planned(
    *,
    chosen: str | Optimizer,
    lr: float | None,
    epochs: int,
    batch: int | None,
    seed: int,
    rate: str | Schedule | Callable[[float], float] | None,
    weight_decay: float | None,
    clip: float | None,
    patience: int | None,
    shuffle: bool,
) -> Plan:
    """The plan of these choices.

    Raises ValueError for one that makes no sense.
    """
    _positive("lr", lr)
    _positive("clip", clip)
    _whole("epochs", epochs, 0)
    _whole("batch", batch, 1)
    _whole("patience", patience, 1)
    if weight_decay is not None and not 0 <= weight_decay < math.inf:
        raise ValueError(f"weight_decay={weight_decay} is no number from 0 on")
    found = optimizer(chosen, weight_decay)
    if isinstance(found, str):
        for name, given, fine in (("lr", lr, lr is None), ("schedule", rate, rate in (None, "constant")), ("clip", clip, clip is None)):
            if not fine:
                raise ValueError(f"{chosen} finds the length of its steps itself: leave {name}={given} out, or take optimizer='adam'")
    return Plan(
        optimizer=found, lr=lr if lr is not None else 1.0 if isinstance(found, str) else found.rate, epochs=epochs, batch=None if isinstance(found, str) else batch, seed=seed,
        schedule=Constant() if isinstance(found, str) else schedule(rate), weight_decay=(weight_decay or 0.0) if isinstance(found, str) else found.weight_decay,
        clip=clip, patience=patience, shuffle=shuffle,
    )  # fmt: skip


def _positive(name: str, value: float | None) -> None:
    if value is not None and not 0 < value < math.inf:
        raise ValueError(f"{name}={value} is no number above 0")


def _whole(name: str, value: int | None, least: int) -> None:
    if value is not None and (value != int(value) or value < least):
        raise ValueError(f"{name}={value} is no whole number from {least} on")
