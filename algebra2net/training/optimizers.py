"""Optimisers: one step each, as their papers write it.

In    a parameter θ, its gradient g, what the optimiser remembers of it, the number t of the step, the learning rate η
Out   the new θ, and what is to be remembered; nothing is changed in place, so that every state can be kept
Idea  an optimiser is a record of its constants with one function; memories begin as zeros

Each agrees with the class of that name in torch.optim, step by step (tests/test_optimizers.py).
`weight_decay` is added to the gradient (λ θ), but for AdamW, where it shrinks θ itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algebra2net.errors import nearest
from algebra2net.run import Array

Slots = tuple[Array, ...]  # what is remembered of one parameter
Arrays = Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """What all have: `rate`, the learning rate where none is given, and `weight_decay` λ."""

    slots: ClassVar[tuple[str, ...]] = ()
    rate: ClassVar[float]
    decoupled: ClassVar[bool] = False  # whether `update` sees to the weight decay itself
    weight_decay: float = 0.0

    @abstractmethod
    def update(self, theta: Array, g: Array, memory: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """θ and its memory after step t (from 1) along the gradient g."""

    def start(self, params: Arrays) -> dict[str, Slots]:
        """The memory before the first step."""
        return {name: tuple(np.zeros_like(array) for _ in self.slots) for name, array in params.items()}

    def step(self, params: Arrays, grads: Arrays, memory: Mapping[str, Slots], t: int, lr: float) -> tuple[dict[str, Array], dict[str, Slots]]:
        """All parameters after step t."""
        moved, remembered = {}, {}
        for name, theta in params.items():
            g = grads[name]
            if self.weight_decay and not self.decoupled:
                g = g + self.weight_decay * theta
            moved[name], remembered[name] = self.update(theta, g, memory[name], t, lr)
        return moved, remembered


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """θ ← θ - η g. Robbins and Monro 1951."""

    rate: ClassVar[float] = 0.1

    def update(self, theta: Array, g: Array, memory: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """θ - η g."""
        return theta - lr * g, ()


@dataclass(frozen=True, kw_only=True)
class Momentum(Optimizer):
    """v ← μ v + g; θ ← θ - η v. Polyak 1964, eq. 9, with the learning rate outside v."""

    rate: ClassVar[float] = 0.01
    slots: ClassVar[tuple[str, ...]] = ("v",)
    momentum: float = 0.9

    def update(self, theta: Array, g: Array, memory: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """The heavy ball."""
        v = self.momentum * memory[0] + g
        return theta - lr * v, (v,)


@dataclass(frozen=True, kw_only=True)
class Nesterov(Optimizer):
    """v ← μ v + g; θ ← θ - η (g + μ v). Nesterov 1983, as Sutskever et al. 2013, eq. 3 and 4, write it, in the point looked ahead to."""

    rate: ClassVar[float] = 0.01
    slots: ClassVar[tuple[str, ...]] = ("v",)
    momentum: float = 0.9

    def update(self, theta: Array, g: Array, memory: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """The accelerated gradient."""
        v = self.momentum * memory[0] + g
        return theta - lr * (g + self.momentum * v), (v,)


@dataclass(frozen=True, kw_only=True)
class RMSProp(Optimizer):
    """v ← ρ v + (1 - ρ) g²; θ ← θ - η g / (√v + ε). Tieleman and Hinton 2012, lecture 6e."""

    rate: ClassVar[float] = 0.001
    slots: ClassVar[tuple[str, ...]] = ("v",)
    rho: float = 0.9
    eps: float = 1e-8

    def update(self, theta: Array, g: Array, memory: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """The gradient over the root of its mean square."""
        v = self.rho * memory[0] + (1 - self.rho) * g * g
        return theta - lr * g / (np.sqrt(v) + self.eps), (v,)


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; θ ← θ - η m̂ / (√v̂ + ε), m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ). Kingma and Ba 2015, algorithm 1."""

    rate: ClassVar[float] = 0.001
    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def update(self, theta: Array, g: Array, memory: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """The mean of the gradient over the root of its mean square, both freed of their bias to zero."""
        m = self.beta1 * memory[0] + (1 - self.beta1) * g
        v = self.beta2 * memory[1] + (1 - self.beta2) * g * g
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        return theta - lr * m_hat / (np.sqrt(v_hat) + self.eps), (m, v)


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam on θ shrunk by 1 - η λ. Loshchilov and Hutter 2019, algorithm 2, λ times the learning rate as everybody computes it."""

    decoupled: ClassVar[bool] = True
    weight_decay: float = 0.01

    def update(self, theta: Array, g: Array, memory: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Adam with the decay taken out of the gradient."""
        return super().update(theta * (1 - lr * self.weight_decay), g, memory, t, lr)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "rmsprop": RMSProp, "adam": Adam, "adamw": AdamW}
MINIMIZERS = {"lbfgs": "L-BFGS-B", "bfgs": "BFGS", "cg": "CG", "newton-cg": "Newton-CG", "tnc": "TNC", "slsqp": "SLSQP"}  # scipy.optimize.minimize


def optimizer(chosen: str | Optimizer, weight_decay: float | None = None) -> Optimizer | str:
    """The optimiser of that name; of SciPy's methods the name that SciPy knows.

    Raises ValueError for a name that is none.
    """
    if isinstance(chosen, Optimizer):
        if weight_decay is not None:
            raise ValueError(f"give the weight decay once: {type(chosen).__name__}(weight_decay={weight_decay})")
        return chosen
    name = chosen.casefold().replace("_", "-")
    if name.replace("-", "") in ("lbfgs", "lbfgsb"):
        name = "lbfgs"
    if name in MINIMIZERS:
        return MINIMIZERS[name]
    if name not in OPTIMIZERS:
        known = [*OPTIMIZERS, *MINIMIZERS]
        raise ValueError(f"there is no optimizer {chosen!r}; there are {', '.join(known)}" + (f" ({hint})" if (hint := nearest(name, known)) else ""))
    return OPTIMIZERS[name]() if weight_decay is None else OPTIMIZERS[name](weight_decay=weight_decay)


def clipped(grads: Arrays, norm: float) -> dict[str, Array]:
    """The gradients, scaled so that their common norm is at most `norm`. Pascanu et al. 2013, algorithm 1."""
    length = float(np.sqrt(sum(float(np.vdot(g, g)) for g in grads.values())))
    return dict(grads) if length <= norm else {name: g * (norm / length) for name, g in grads.items()}
