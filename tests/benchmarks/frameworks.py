"""Each row in autograd, JAX and PyTorch, as their own manuals write it.

In    a Workload and the arrays of a call
Out   a call without arguments that gives the value and the gradients as NumPy arrays of the same numbers
Idea  the forward pass once for the libraries that follow NumPy's names, once for PyTorch; the rest is what each library is for

The Hessian is the written-out formula here, too, in its cheapest spelling; deriving it automatically takes them longer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from tests.benchmarks.workloads import GATES, Array, Workload

Call = Callable[[], tuple[Any, dict[str, Any]]]
Forward = Callable[..., Any]


class Names:
    """The functions that NumPy's followers call differently, or lack."""

    def __init__(self, xp: ModuleType, functions: Any) -> None:
        self.xp = xp
        self.relu: Forward = getattr(functions, "relu", lambda x: xp.maximum(x, 0))
        self.sigmoid: Forward = getattr(functions, "sigmoid", lambda x: 1 / (1 + xp.exp(-x)))
        self.softmax: Forward = getattr(functions, "softmax", lambda x: _softmax(xp, x))
        self.log_softmax: Forward = getattr(functions, "log_softmax", lambda x: _log_softmax(xp, x))
        self.gelu: Forward = functions.gelu


def _softmax(xp: Any, x: Any) -> Any:
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    return e / xp.sum(e, axis=1, keepdims=True)


def _log_softmax(xp: Any, x: Any) -> Any:
    shifted = x - xp.max(x, axis=1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))


# -------------------------------------------------------------------------------------------------- NumPy's followers


def seed(n: Names, l0: Any, W0: Any, W1: Any, y: Any) -> Any:
    return n.xp.sum((n.relu(l0 @ W0) @ W1 - y) ** 2)


def relu(n: Names, l0: Any, W0: Any, W1: Any, y: Any) -> Any:
    return n.xp.mean((n.relu(l0 @ W0) @ W1 - y) ** 2)


def tanh(n: Names, l0: Any, W0: Any, b0: Any, W1: Any, b1: Any, y: Any) -> Any:
    return -n.xp.sum(y * n.log_softmax(n.xp.tanh(l0 @ W0 + b0) @ W1 + b1)) / len(y)


def layers(n: Names, x: Any, y: Any, **W: Any) -> Any:
    h = x
    for k in range(1, len(W) + 1):
        h = n.relu(h @ W[f"W{k}"])
    return n.xp.mean((h - y) ** 2)


def attention(n: Names, X: Any, Y: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any) -> Any:
    A = n.softmax(X @ W_Q @ (X @ W_K).T / 8)
    return n.xp.mean((A @ (X @ W_V) @ W_O - Y) ** 2)


def lstm(n: Names, h0: Any, c0: Any, y: Any, **arrays: Any) -> Any:
    h, c, t = h0, c0, 1
    while f"x{t}" in arrays:
        z = {g: arrays[f"x{t}"] @ arrays[f"W_{g}"] + h @ arrays[f"U_{g}"] + arrays[f"b_{g}"] for g in GATES}
        c = n.sigmoid(z["f"]) * c + n.sigmoid(z["i"]) * n.xp.tanh(z["g"])
        h = n.sigmoid(z["o"]) * n.xp.tanh(c)
        t += 1
    return n.xp.mean((h - y) ** 2)


lstm10 = lstm


def gelu(n: Names, x: Any, W1: Any, b1: Any, W2: Any, b2: Any, gamma: Any, beta: Any, y: Any) -> Any:
    z = n.gelu(x @ W1 + b1) @ W2 + b2
    centred = z - n.xp.mean(z, axis=1, keepdims=True)
    normal = centred / n.xp.sqrt(n.xp.mean(centred**2, axis=1, keepdims=True) + 1e-5)
    return n.xp.mean((normal * gamma + beta - y) ** 2)


def logistic(n: Names, X: Any, w: Any, y: Any) -> Any:
    z = X @ w
    return n.xp.mean(n.xp.logaddexp(0, z) - z * y)


def hessian(n: Names, X: Any, w: Any) -> Any:
    s = n.sigmoid(X @ w)
    return X.T @ (s * (1 - s) * X)


def elementwise(n: Names, x: Any) -> Any:
    return n.xp.sum(n.xp.tanh(x) * n.sigmoid(x) * n.xp.exp(-(x**2)))


def chain(n: Names, x: Any, A: Any, B: Any, C: Any, y: Any) -> Any:
    return n.xp.mean((x @ A @ B @ C - y) ** 2)


def single(n: Names, l0: Any, W0: Any, b0: Any, W1: Any, b1: Any, y: Any) -> Any:
    return n.xp.sum((n.sigmoid(n.xp.tanh(l0 @ W0 + b0) @ W1 + b1) - y) ** 2)


FORWARD: dict[str, Forward] = {f.__name__: f for f in (seed, relu, tanh, layers, attention, lstm, gelu, logistic, hessian, elementwise, chain, single)} | {"lstm10": lstm}


def with_autograd(row: Workload, arrays: dict[str, Array]) -> Call:
    autograd, special = import_module("autograd"), import_module("autograd.scipy.special")

    class Functions:
        gelu = staticmethod(lambda x: x * 0.5 * (1 + special.erf(x / float(np.sqrt(2)))))

    names = Names(import_module("autograd.numpy"), Functions)
    if not row.derived:
        return lambda: (FORWARD[row.name](names, **arrays), {})
    targets = _targets(row)
    rest = {name: array for name, array in arrays.items() if name not in targets}
    both: Forward = autograd.value_and_grad(lambda parameters: FORWARD[row.name](names, **rest, **parameters))
    return lambda: both({name: arrays[name] for name in targets})


def with_jax(row: Workload, arrays: dict[str, Array]) -> Call:
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    names = Names(jax.numpy, _jax_functions(jax))
    given = {name: jax.numpy.asarray(array) for name, array in arrays.items()}
    if not row.derived:
        value = jax.jit(lambda arrays: FORWARD[row.name](names, **arrays))
        return lambda: (jax.block_until_ready(value(given)), {})
    parameters = {name: given[name] for name in _targets(row)}
    rest = {name: array for name, array in given.items() if name not in parameters}
    both = jax.jit(jax.value_and_grad(lambda parameters, rest: FORWARD[row.name](names, **parameters, **rest)))
    return lambda: jax.block_until_ready(both(parameters, rest))


def _jax_functions(jax: Any) -> Any:
    class Functions:
        relu, sigmoid = staticmethod(jax.nn.relu), staticmethod(jax.nn.sigmoid)
        softmax, log_softmax = staticmethod(jax.nn.softmax), staticmethod(jax.nn.log_softmax)  # along the last axis
        gelu = staticmethod(lambda x: jax.nn.gelu(x, approximate=False))

    return Functions


def _targets(row: Workload) -> Sequence[str]:
    return row.wrt if row.wrt is not None else _parameters(row)


def _parameters(row: Workload) -> tuple[str, ...]:
    """What the field takes for parameters: upper-case names but X and Y, and biases, β, γ."""
    return tuple(name for name in row.shapes(row.sizes) if (name[0].isupper() and name not in "XY") or name[0] == "b" or name == "gamma")


# ------------------------------------------------------------------------------------------------------------ PyTorch


def with_torch(row: Workload, arrays: dict[str, Array]) -> Call:
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    given = {name: torch.from_numpy(array) for name, array in arrays.items()}
    forward = _torch_forward(torch)[row.name]
    if not row.derived:
        return lambda: (forward(**given).numpy(), {})
    parameters = [given[name].requires_grad_() for name in _targets(row)]

    def call() -> tuple[Any, dict[str, Any]]:
        value = forward(**given)
        grads = torch.autograd.grad(value, parameters)
        return value.detach().numpy(), {name: grad.numpy() for name, grad in zip(_targets(row), grads, strict=True)}

    return call


def _torch_forward(torch: Any) -> dict[str, Forward]:
    functional = torch.nn.functional

    def layers(x: Any, y: Any, **W: Any) -> Any:
        h = x
        for k in range(1, len(W) + 1):
            h = torch.relu(h @ W[f"W{k}"])
        return functional.mse_loss(h, y)

    def attention(X: Any, Y: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any) -> Any:
        A = torch.softmax(X @ W_Q @ (X @ W_K).T / 8, dim=1)
        return functional.mse_loss(A @ (X @ W_V) @ W_O, Y)

    def lstm(h0: Any, c0: Any, y: Any, **arrays: Any) -> Any:
        h, c, t = h0, c0, 1
        while f"x{t}" in arrays:
            f, i, o, g = (torch.addmm(arrays[f"b_{k}"], arrays[f"x{t}"], arrays[f"W_{k}"]).addmm(h, arrays[f"U_{k}"]) for k in GATES)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            t += 1
        return functional.mse_loss(h, y)

    def gelu(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, gamma: Any, beta: Any, y: Any) -> Any:
        z = torch.addmm(b2, functional.gelu(torch.addmm(b1, x, W1)), W2)
        return functional.mse_loss(functional.layer_norm(z, gamma.shape[1:], gamma[0], beta[0], 1e-5), y)

    def hessian(X: Any, w: Any) -> Any:
        s = torch.sigmoid(X @ w)
        return X.T @ (s * (1 - s) * X)

    return {
        "seed": lambda l0, W0, W1, y: ((torch.relu(l0 @ W0) @ W1 - y) ** 2).sum(),
        "relu": lambda l0, W0, W1, y: functional.mse_loss(torch.relu(l0 @ W0) @ W1, y),
        "tanh": lambda l0, W0, b0, W1, b1, y: functional.cross_entropy(torch.addmm(b1, torch.tanh(torch.addmm(b0, l0, W0)), W1), y),
        "layers": layers,
        "attention": attention,
        "lstm": lstm,
        "lstm10": lstm,
        "gelu": gelu,
        "logistic": lambda X, w, y: functional.binary_cross_entropy_with_logits(X @ w, y),
        "hessian": hessian,
        "elementwise": lambda x: (torch.tanh(x) * torch.sigmoid(x) * torch.exp(-(x**2))).sum(),
        "chain": lambda x, A, B, C, y: functional.mse_loss(x @ A @ B @ C, y),
        "single": lambda l0, W0, b0, W1, b1, y: ((torch.sigmoid(torch.tanh(l0 @ W0 + b0) @ W1 + b1) - y) ** 2).sum(),
    }
