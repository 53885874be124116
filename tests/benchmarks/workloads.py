"""The workloads of the benchmarks: algebra, sizes, and random arrays to call it with.

In    the name of a row, a float type; the sizes of the row, or small ones for the tests
Out   a Workload: what `algebra2net.compile` takes, and the arrays of a call
Idea  one record a row; the same arrays go to every library, each with its own function of that row's name

What a row is compared with stands beside it: `straightforward.py` (= 1.00), `expert.py`, `frameworks.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Sizes = Mapping[str, int]

STEPS = 10  # of the longer LSTM
LAYERS = 50


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One row: its algebra and the inputs, `"B n 0.1"` for B×n normal numbers of that spread, or `"B n onehot"`, `"B n binary"`."""

    name: str
    title: str
    algebra: str | Callable[[Sizes], str]
    inputs: Mapping[str, str] | Callable[[Sizes], Mapping[str, str]]
    sizes: Sizes
    small: Sizes  # for tests
    wrt: tuple[str, ...] | None = None  # the parameters where it is not given
    derived: bool = True  # False: the row is a value alone
    goal: float = 1.05  # for ours, in times of the expert's code; where little is products, 1.10

    def source(self, sizes: Sizes) -> str:
        return self.algebra if isinstance(self.algebra, str) else self.algebra(sizes)

    def specs(self, sizes: Sizes) -> dict[str, tuple[int, int, str]]:
        """Name → rows, columns, kind of numbers."""
        inputs = self.inputs if isinstance(self.inputs, Mapping) else self.inputs(sizes)
        cut = {name: text.split() for name, text in inputs.items()}
        return {name: (_size(rows, sizes), _size(columns, sizes), kind) for name, (rows, columns, kind) in cut.items()}

    def shapes(self, sizes: Sizes) -> dict[str, tuple[int, int]]:
        return {name: (rows, columns) for name, (rows, columns, _) in self.specs(sizes).items()}

    def arrays(self, sizes: Sizes, dtype: Any, seed: int = 0) -> dict[str, Array]:
        rng = np.random.default_rng(seed)
        return {name: _numbers(rng, rows, columns, kind, np.dtype(dtype)) for name, (rows, columns, kind) in self.specs(sizes).items()}

    def compiled(self, sizes: Sizes, **options: Any) -> Any:
        """The net of this row, its shapes known, the batch included."""
        from algebra2net import compile

        return compile(self.source(sizes), shapes=self.shapes(sizes), wrt=self.wrt, **options)


def _size(word: str, sizes: Sizes) -> int:
    return sizes[word] if word in sizes else int(word)


def _numbers(rng: np.random.Generator, rows: int, columns: int, kind: str, dtype: np.dtype[Any]) -> Array:
    """Random numbers without large temporaries: freeing one would change how the allocator treats all that comes after."""
    if kind == "onehot":
        made = np.zeros((rows, columns), dtype)
        made[np.arange(rows), rng.integers(0, columns, rows)] = 1
        return made
    if kind == "binary":
        made = np.zeros((rows, columns), dtype)
        made[rng.random((rows, columns)) < 0.5] = 1
        return made
    made = rng.standard_normal((rows, columns), dtype=dtype)
    made *= float(kind)
    return made


# ------------------------------------------------------------------------------------------------------ longer algebra


def _layers(sizes: Sizes) -> str:
    lines = [f"h{k} = relu({'x' if k == 1 else f'h{k - 1}'} W{k})" for k in range(1, sizes["layers"] + 1)]
    return "\n".join([*lines, f"L = mse(h{sizes['layers']}, y)"])


def _layers_inputs(sizes: Sizes) -> dict[str, str]:
    return {"x": "B n 1", "y": "B n 1"} | {f"W{k}": "n n 0.17" for k in range(1, sizes["layers"] + 1)}


GATES = "fiog"


def _lstm(sizes: Sizes) -> str:
    lines = []
    for t in range(1, sizes["steps"] + 1):
        gates = [f"{g}{t} = {'tanh' if g == 'g' else 'sigmoid'}(x{t} W_{g} + h{t - 1} U_{g} + b_{g})" for g in GATES]
        lines += [*gates, f"c{t} = f{t} * c{t - 1} + i{t} * g{t}", f"h{t} = o{t} * tanh(c{t})"]
    return "\n".join([*lines, f"L = mse(h{sizes['steps']}, y)"])


def _lstm_inputs(sizes: Sizes) -> dict[str, str]:
    steps = {f"x{t}": "B n 1" for t in range(1, sizes["steps"] + 1)}
    weights = {f"W_{g}": "n h 0.1" for g in GATES} | {f"U_{g}": "h h 0.1" for g in GATES} | {f"b_{g}": "1 h 0.1" for g in GATES}
    return steps | {"h0": "B h 0.5", "c0": "B h 0.5", "y": "B h 0.5"} | weights


# --------------------------------------------------------------------------------------------------------------- rows

_LSTM: dict[str, Any] = {"algebra": _lstm, "inputs": _lstm_inputs, "wrt": tuple(f"{m}_{g}" for m in "WUb" for g in GATES), "goal": 1.10}

ROWS = (
    Workload(
        name="seed",
        title="the book's 3-4-1, batch 4",
        algebra="l1 = relu(l0 W0); l2 = l1 W1; L = sum((l2 - y)^2)",
        inputs={"l0": "B n 1", "W0": "n h 1", "W1": "h m 1", "y": "B m 1"},
        sizes={"B": 4, "n": 3, "h": 4, "m": 1},
        small={"B": 5, "n": 3, "h": 4, "m": 2},
        goal=1.35,
    ),
    Workload(
        name="relu",
        title="784-100-10 relu, mse, batch 100",
        algebra="l1 = relu(l0 W0); l2 = l1 W1; L = mse(l2, y)",
        inputs={"l0": "B n 1", "W0": "n h 0.05", "W1": "h m 0.1", "y": "B m onehot"},
        sizes={"B": 100, "n": 784, "h": 100, "m": 10},
        small={"B": 6, "n": 7, "h": 5, "m": 3},
    ),
    Workload(
        name="tanh",
        title="784-256-10 tanh, cross-entropy, batch 128",
        algebra="l1 = tanh(l0 W0 + b0); l2 = l1 W1 + b1; L = cross_entropy(l2, y)",
        inputs={"l0": "B n 1", "W0": "n h 0.03", "b0": "1 h 0.1", "W1": "h m 0.1", "b1": "1 m 0.1", "y": "B m onehot"},
        sizes={"B": 128, "n": 784, "h": 256, "m": 10},
        small={"B": 6, "n": 7, "h": 5, "m": 3},
    ),
    Workload(
        name="layers",
        title="50 relu layers of 64, batch 32",
        algebra=_layers,
        inputs=_layers_inputs,
        sizes={"B": 32, "n": 64, "layers": LAYERS},
        small={"B": 6, "n": 12, "layers": 4},
        goal=1.10,
    ),
    Workload(
        name="attention",
        title="attention T=256 d=64 with projections",
        algebra="Q = X W_Q; K = X W_K; V = X W_V; A = softmax(Q K' / sqrt(64)); O = A V W_O; L = mse(O, Y)",
        inputs={"X": "T d 1", "Y": "T d 1"} | {f"W_{w}": "d d 0.2" for w in "QKVO"},
        sizes={"T": 256, "d": 64},
        small={"T": 9, "d": 6},
    ),
    Workload(name="lstm", title="LSTM 64×128, one step", sizes={"B": 64, "n": 128, "h": 128, "steps": 1}, small={"B": 5, "n": 3, "h": 4, "steps": 1}, **_LSTM),
    Workload(name="lstm10", title="LSTM 64×128, ten steps", sizes={"B": 64, "n": 128, "h": 128, "steps": STEPS}, small={"B": 5, "n": 3, "h": 4, "steps": 3}, **_LSTM),
    Workload(
        name="gelu",
        title="GELU 512-2048-512 + layernorm, batch 128",
        algebra="l1 = gelu(x W1 + b1); l2 = layernorm(l1 W2 + b2, gamma, beta); L = mse(l2, y)",
        inputs={"x": "B n 1", "W1": "n h 0.04", "b1": "1 h 0.1", "W2": "h n 0.02", "b2": "1 n 0.1", "gamma": "1 n 1", "beta": "1 n 0.1", "y": "B n 1"},
        sizes={"B": 128, "n": 512, "h": 2048},
        small={"B": 6, "n": 5, "h": 2048},
    ),
    Workload(
        name="logistic",
        title="logistic regression 10,000×100",
        algebra="L = bce_logits(X w, y)",
        inputs={"X": "N n 1", "w": "n 1 0.1", "y": "N 1 binary"},
        sizes={"N": 10_000, "n": 100},
        small={"N": 48, "n": 5},
        wrt=("w",),
        goal=1.10,
    ),
    Workload(
        name="hessian",
        title="its Hessian written out, X' diag(s*(1-s)) X",
        algebra="s = sigmoid(X w); H = X' diag(s * (1 - s)) X",
        inputs={"X": "N n 1", "w": "n 1 0.1"},
        sizes={"N": 10_000, "n": 100},
        small={"N": 40, "n": 5},
        wrt=("w",),
        derived=False,
        goal=1.10,
    ),
    Workload(
        name="elementwise",
        title="sum(tanh(x) * sigmoid(x) * exp(-x^2)), 10⁶ entries",
        algebra="L = sum(tanh(x) * sigmoid(x) * exp(-x^2))",
        inputs={"x": "n n 1"},
        sizes={"n": 1000},
        small={"n": 120},
        wrt=("x",),
        goal=1.10,
    ),
    Workload(
        name="chain",
        title="chain x A B C, 400×400 by 400×10",
        algebra="L = mse(x A B C, y)",
        inputs={"x": "n n 1", "A": "n n 0.05", "B": "n n 0.05", "C": "n m 0.05", "y": "n m 1"},
        sizes={"n": 400, "m": 10},
        small={"n": 12, "m": 3},
    ),
    Workload(
        name="single",
        title="64-64-10 tanh, sigmoid, batch 1",
        algebra="l1 = tanh(l0 W0 + b0); l2 = sigmoid(l1 W1 + b1); L = sum((l2 - y)^2)",
        inputs={"l0": "1 n 1", "W0": "n h 0.12", "b0": "1 h 0.1", "W1": "h m 0.12", "b1": "1 m 0.1", "y": "1 m onehot"},
        sizes={"n": 64, "h": 64, "m": 10},
        small={"n": 6, "h": 5, "m": 3},
        goal=1.25,
    ),
)
BY_NAME = {row.name: row for row in ROWS}
