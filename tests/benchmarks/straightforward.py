"""Each row as a competent person writes it in NumPy: what all is measured against (= 1.00).

In    the arrays of a row, by name
Out   the value, and the gradients by name
Idea  one line for each equation of forward pass and backpropagation; right numbers, no tricks for speed
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import erf

from tests.benchmarks.workloads import GATES, Array

Result = tuple[Any, dict[str, Array]]


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def run_seed(l0: Array, W0: Array, W1: Array, y: Array) -> Result:
    l1 = relu(l0 @ W0)
    l2 = l1 @ W1
    L = ((l2 - y) ** 2).sum()
    d2 = 2 * (l2 - y)
    d1 = d2 @ W1.T * (l1 > 0)
    return L, {"W0": l0.T @ d1, "W1": l1.T @ d2}


def run_relu(l0: Array, W0: Array, W1: Array, y: Array) -> Result:
    l1 = relu(l0 @ W0)
    l2 = l1 @ W1
    L = ((l2 - y) ** 2).mean()
    d2 = 2 * (l2 - y) / y.size
    d1 = d2 @ W1.T * (l1 > 0)
    return L, {"W0": l0.T @ d1, "W1": l1.T @ d2}


def run_tanh(l0: Array, W0: Array, b0: Array, W1: Array, b1: Array, y: Array) -> Result:
    l1 = np.tanh(l0 @ W0 + b0)
    l2 = l1 @ W1 + b1
    shifted = l2 - l2.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    L = -(y * logp).sum() / len(y)
    d2 = (np.exp(logp) - y) / len(y)
    d1 = d2 @ W1.T * (1 - l1**2)
    return L, {"W0": l0.T @ d1, "b0": d1.sum(axis=0, keepdims=True), "W1": l1.T @ d2, "b1": d2.sum(axis=0, keepdims=True)}


def run_layers(x: Array, y: Array, **W: Array) -> Result:
    h = [x]
    for weights in W.values():
        h.append(relu(h[-1] @ weights))
    error = h[-1] - y
    L = (error**2).mean()
    d = 2 * error / y.size
    grads = {}
    for k in reversed(range(len(W))):
        d = d * (h[k + 1] > 0)
        grads[f"W{k + 1}"] = h[k].T @ d
        if k:
            d = d @ W[f"W{k + 1}"].T
    return L, grads


def run_attention(X: Array, Y: Array, W_Q: Array, W_K: Array, W_V: Array, W_O: Array) -> Result:
    Q, K, V = X @ W_Q, X @ W_K, X @ W_V
    A = softmax(Q @ K.T / 8)
    AV = A @ V
    O = AV @ W_O
    L = ((O - Y) ** 2).mean()
    dO = 2 * (O - Y) / Y.size
    dAV = dO @ W_O.T
    dA = dAV @ V.T
    dS = A * (dA - (dA * A).sum(axis=1, keepdims=True)) / 8
    return L, {"W_Q": X.T @ (dS @ K), "W_K": X.T @ (dS.T @ Q), "W_V": X.T @ (A.T @ dAV), "W_O": AV.T @ dO}


def run_lstm(h0: Array, c0: Array, y: Array, **arrays: Array) -> Result:
    W, U, b = ({g: arrays[f"{m}_{g}"] for g in GATES} for m in "WUb")
    x = [arrays[f"x{t}"] for t in range(1, 1 + sum(name.startswith("x") for name in arrays))]
    h, c, gates = [h0], [c0], []
    for x_t in x:
        z = {g: x_t @ W[g] + h[-1] @ U[g] + b[g] for g in GATES}
        f, i, o, g = sigmoid(z["f"]), sigmoid(z["i"]), sigmoid(z["o"]), np.tanh(z["g"])
        c.append(f * c[-1] + i * g)
        h.append(o * np.tanh(c[-1]))
        gates.append((f, i, o, g))
    L = ((h[-1] - y) ** 2).mean()

    dh, dc = 2 * (h[-1] - y) / y.size, np.zeros_like(c0)
    grads = {name: np.zeros_like(arrays[name]) for name in arrays if name[0] in "WUb"}
    for t in reversed(range(len(x))):
        f, i, o, g = gates[t]
        tanh_c = np.tanh(c[t + 1])
        dc = dc + dh * o * (1 - tanh_c**2)
        dz = {"f": dc * c[t] * f * (1 - f), "i": dc * g * i * (1 - i), "o": dh * tanh_c * o * (1 - o), "g": dc * i * (1 - g**2)}
        for gate, d in dz.items():
            grads[f"W_{gate}"] += x[t].T @ d
            grads[f"U_{gate}"] += h[t].T @ d
            grads[f"b_{gate}"] += d.sum(axis=0, keepdims=True)
        if t:
            dh = sum(d @ U[gate].T for gate, d in dz.items())
            dc = dc * f
    return L, grads


run_lstm10 = run_lstm


def run_gelu(x: Array, W1: Array, b1: Array, W2: Array, b2: Array, gamma: Array, beta: Array, y: Array) -> Result:
    z1 = x @ W1 + b1
    Phi = 0.5 * (1 + erf(z1 / float(np.sqrt(2))))
    l1 = z1 * Phi
    z2 = l1 @ W2 + b2
    centred = z2 - z2.mean(axis=1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    n = centred * scale
    l2 = n * gamma + beta
    L = ((l2 - y) ** 2).mean()
    d2 = 2 * (l2 - y) / y.size
    dn = d2 * gamma
    dz2 = scale * (dn - dn.mean(axis=1, keepdims=True) - n * (dn * n).mean(axis=1, keepdims=True))
    dz1 = dz2 @ W2.T * (Phi + z1 * np.exp(-(z1**2) / 2) / float(np.sqrt(2 * np.pi)))
    return L, {
        "W1": x.T @ dz1,
        "b1": dz1.sum(axis=0, keepdims=True),
        "W2": l1.T @ dz2,
        "b2": dz2.sum(axis=0, keepdims=True),
        "gamma": (d2 * n).sum(axis=0, keepdims=True),
        "beta": d2.sum(axis=0, keepdims=True),
    }


def run_logistic(X: Array, w: Array, y: Array) -> Result:
    z = X @ w
    L = (np.logaddexp(0, z) - z * y).mean()
    dz = (sigmoid(z) - y) / len(y)
    return L, {"w": X.T @ dz}


def run_hessian(X: Array, w: Array) -> Result:
    s = sigmoid(X @ w)
    return X.T @ (s * (1 - s) * X), {}


def run_elementwise(x: Array) -> Result:
    t, s, g = np.tanh(x), sigmoid(x), np.exp(-(x**2))
    dx = (1 - t**2) * s * g + t * s * (1 - s) * g - 2 * x * t * s * g
    return (t * s * g).sum(), {"x": dx}


def run_chain(x: Array, A: Array, B: Array, C: Array, y: Array) -> Result:
    xA = x @ A
    xAB = xA @ B
    error = xAB @ C - y
    L = (error**2).mean()
    d = 2 * error / y.size
    dB = d @ C.T
    dA = dB @ B.T
    return L, {"A": x.T @ dA, "B": xA.T @ dB, "C": xAB.T @ d}


def run_single(l0: Array, W0: Array, b0: Array, W1: Array, b1: Array, y: Array) -> Result:
    l1 = np.tanh(l0 @ W0 + b0)
    l2 = sigmoid(l1 @ W1 + b1)
    L = ((l2 - y) ** 2).sum()
    d2 = 2 * (l2 - y) * l2 * (1 - l2)
    d1 = d2 @ W1.T * (1 - l1**2)
    return L, {"W0": l0.T @ d1, "b0": d1.sum(axis=0, keepdims=True), "W1": l1.T @ d2, "b1": d2.sum(axis=0, keepdims=True)}
