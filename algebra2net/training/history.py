"""What training has learned, and how it went.

In    the state that training ended in
Out   `params`, the losses of every epoch; as text a summary, saved a model
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algebra2net.run import Array

if TYPE_CHECKING:
    from algebra2net.net import Net
    from algebra2net.training.checkpoint import Checkpoint, State


@dataclass(frozen=True, kw_only=True)
class History:
    """A training run: `history.params` are what it learned.

    `loss` is the mean over each epoch's batches (as they came, each before its step), `validation` the loss on the validation data after each
    epoch (empty without such data), `rates` the learning rate at the end of each. `stopped` says why it ended:
    `epochs` (all done), `patience` (early; `params` are those of `best_epoch`), `converged` (a minimiser of SciPy),
    `interrupted` (from the keyboard). Epochs count from 1.
    """

    params: Mapping[str, Array] = field(repr=False)
    loss: tuple[float, ...]
    validation: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    best_epoch: int = 0
    stopped: str = "epochs"
    seconds: float = 0.0
    message: str = ""  # of a minimiser of SciPy
    net: Net = field(repr=False)
    state: State = field(repr=False)
    plan: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.loss)

    @property
    def interrupted(self) -> bool:
        """Whether it was interrupted from the keyboard."""
        return self.stopped == "interrupted"

    def checkpoint(self, extra: Mapping[str, Any] | None = None) -> Checkpoint:
        """All there is to go on from."""
        from algebra2net.training.checkpoint import Checkpoint

        return Checkpoint(net=self.net, params=self.params, state=self.state, plan=self.plan, extra=extra or {})

    def save(self, path: str | Path) -> None:
        """Write formula, shapes, parameters and the state of the training into one `.npz` file, which `training.load` reads."""
        from algebra2net.training.checkpoint import save

        save(path, self.checkpoint())

    def svg(self) -> str:
        """The losses over the epochs, as SVG."""
        from algebra2net.training.curve import svg

        return svg(self.loss, self.validation)

    def _repr_svg_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        from algebra2net.training.curve import braille

        return f"{self.summary()}\n{braille(self.loss, self.validation)}".rstrip()

    @property
    def reason(self) -> str:
        """Why it ended, where it did not simply come to its end."""
        return {
            "epochs": "",
            "patience": f"stopped early, epoch {self.best_epoch} was the best",
            "converged": self.message or "converged",
            "interrupted": "interrupted",
            "nan": "stopped, the loss is no number",
        }[self.stopped]

    def summary(self) -> str:
        """One line: how long, how far, why it ended."""
        last = f", loss {self.loss[-1]:.4g}" + (f", validation {self.validation[-1]:.4g}" if self.validation else "") if self.loss else ""
        return f"{self.epochs} epoch{'s' * (self.epochs != 1)} in {self.seconds:.1f} s{last}{f' ({self.reason})' * bool(self.reason)}"
