"""Schedules: what the learning rate is multiplied by as training goes on.

In    the time t, in epochs: 2.5 is the middle of the third; and the number of epochs
Out   a factor
Idea  a schedule is a small record; a function of t alone serves as well

As text: `constant`, `step:10,0.5`, `exponential:0.95`, `cosine`, `warmup:5`, `warmup:5+cosine`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from algebra2net.errors import nearest


class Schedule(Protocol):
    """A factor for each moment."""

    def __call__(self, t: float, epochs: int) -> float:
        """The factor at time t of `epochs`."""


@dataclass(frozen=True)
class Constant:
    """1 throughout."""

    def __call__(self, t: float, epochs: int) -> float:
        """The factor at time t."""
        return 1.0


@dataclass(frozen=True)
class Step:
    """Times `factor` after every `every` epochs."""

    every: float = 10
    factor: float = 0.5

    def __call__(self, t: float, epochs: int) -> float:
        """The factor at time t."""
        return float(self.factor ** math.floor(t / self.every))


@dataclass(frozen=True)
class Exponential:
    """Times `factor` after each epoch, a little at each step."""

    factor: float = 0.95

    def __call__(self, t: float, epochs: int) -> float:
        """The factor at time t."""
        return float(self.factor**t)


@dataclass(frozen=True)
class Cosine:
    """Half a wave from 1 to `last`. Loshchilov and Hutter 2017, eq. 5, without restarts."""

    last: float = 0.0

    def __call__(self, t: float, epochs: int) -> float:
        """The factor at time t."""
        return self.last + (1 - self.last) * (1 + math.cos(math.pi * min(1.0, t / epochs))) / 2


@dataclass(frozen=True)
class Warmup:
    """In a straight line from 0 to 1 for `epochs` epochs, then as `then` says of the time that is left. Goyal et al. 2017, sec. 2.2."""

    epochs: float = 5
    then: Schedule = Constant()

    def __call__(self, t: float, epochs: int) -> float:
        """The factor at time t."""
        if t < self.epochs:
            return t / self.epochs
        return self.then(t - self.epochs, max(1, math.ceil(epochs - self.epochs)))


@dataclass(frozen=True)
class Called:
    """A function of t alone."""

    function: Callable[[float], float]

    def __call__(self, t: float, epochs: int) -> float:
        """The factor at time t."""
        return float(self.function(t))

    def __str__(self) -> str:
        return "a function"  # a checkpoint cannot hold more of it


_NAMED: dict[str, Callable[..., Schedule]] = {"constant": Constant, "step": Step, "exponential": Exponential, "cosine": Cosine, "warmup": Warmup}
_WORDS = "constant, step:10,0.5, exponential:0.95, cosine, warmup:5, warmup:5+cosine"


def schedule(given: str | Schedule | Callable[[float], float] | None) -> Schedule:
    """A schedule from its text, or from a function of t.

    Raises ValueError for a text that is none.
    """
    if given is None:
        return Constant()
    if isinstance(given, Constant | Step | Exponential | Cosine | Warmup | Called):
        return given
    if not isinstance(given, str):
        return Called(given)  # type: ignore[arg-type]
    first, plus, rest = given.partition("+")
    name, _, numbers = first.strip().partition(":")
    if name not in _NAMED:
        hint = nearest(name, _NAMED)
        raise ValueError(f"there is no schedule {name!r}; there are {_WORDS}" + (f" ({hint})" if hint else ""))
    try:
        made = _NAMED[name](*(float(number) for number in numbers.split(",") if number.strip()))
    except (ValueError, TypeError):
        raise ValueError(f"{first!r} is no schedule; write it like one of {_WORDS}") from None
    if not plus:
        return made
    if not isinstance(made, Warmup):
        raise ValueError(f"only a warmup is followed by another schedule: warmup:5+{rest}")
    return Warmup(made.epochs, schedule(rest))
