"""Whole formulas as papers, courses and chats have them: their value and their gradients are those of PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from algebra2net import compile
from algebra2net.names import identifier

torch = pytest.importorskip("torch")
F = torch.nn.functional

# fmt: off
FORMULAS = [
    # what is typed                                                                  its inputs                       the same in PyTorch
    # a function that nobody calls is what its formula computes
    (r"f(x; W, c, w, b) = w^\top \max\{0, W^\top x + c\} + b.",                       "W:3x4 x:3x1 c:4x1 w:4x1 b:1x1", lambda W, x, c, w, b: w.T @ F.relu(W.T @ x + c) + b),
    (r"\phi(x) = \operatorname{elu}(x), f(x) = \phi(xW)",                             "x:5x3 W:3x4",                   lambda x, W: F.elu(x @ W)),
    (r"Q = XW_Q, K = XW_K, V = XW_V \\ \mathrm{Attention}(Q, K, V) = \mathrm{softmax}\left(QK^T\right)V",
                                                                                      "X:5x4 W_Q:4x3 W_K:4x3 W_V:4x2", lambda X, W_Q, W_K, W_V: torch.softmax(X @ W_Q @ (X @ W_K).T, 1) @ (X @ W_V)),
    ("z = X w + b; a = σ(z); L(a, y) = -mean(y * log(a) + (1 - y) * log(1 - a))",     "X:5x3 w:3x1 b:1x1 y:5x1",       lambda X, w, b, y: F.binary_cross_entropy_with_logits(X @ w + b, y)),
    (r"\mathrm{MultiHead}(Q, K) = \mathrm{Concat}(h_1, h_2) W^O \\ \text{where } h_1 = A(QW_1, K) \\ h_2 = A(QW_2, K) \\ A(Q, K) = \mathrm{softmax}(QK^T)K",
                                                                                      "Q:5x4 W1:4x3 K:6x3 W2:4x3 W_O:6x2",
     lambda Q, W1, K, W2, W_O: torch.cat([torch.softmax(Q @ W1 @ K.T, 1) @ K, torch.softmax(Q @ W2 @ K.T, 1) @ K], 1) @ W_O),
    # a prime on an argument belongs to its name
    (r"k(\mathbf{x}, \mathbf{x}') = \exp\left(-\|\mathbf{x} - \mathbf{x}'\|^2\right)",   "x:1x3 x_prime:1x3",             lambda x, x_prime: torch.exp(-((x - x_prime) ** 2).sum())),
    (r"k(x, x^\prime) = x^\top x^\prime \\ y = k(a, b)",                              "a:3x1 b:3x1",                   lambda a, b: a.T @ b),
    ("k(x, x′) = x x′^T; y = k(a, b)",                                                "a:1x3 b:1x3",                   lambda a, b: a @ b.T),
    ("k(x', x) = sum(x * x')",                                                        "x_prime:1x3 x:1x3",             lambda x_prime, x: (x * x_prime).sum()),
    # Unicode as it is typed in chats
    ("A = softmax(Q Kᵀ/√d) V + ½ V √(2)",                                             "Q:5x3 K:5x3 d:1x1 V:5x2",       lambda Q, K, d, V: torch.softmax(Q @ K.T / d.sqrt(), 1) @ V + V * 2 ** 0.5 / 2),
    ("hₜ = tanh(x W + h_{t−1} U); y = hₜ + hₜ₋₁",                                       "x:5x3 W:3x4 h_t_minus_1:5x4 U:4x4", lambda x, W, h_t_minus_1, U: torch.tanh(x @ W + h_t_minus_1 @ U) + h_t_minus_1),
    ("d = (x - μ)ᵀ Σ⁻¹ (x - μ)",                                                      "x:2x1 mu:2x1 Sigma:2x2",        lambda x, mu, Sigma: (x - mu).T @ torch.linalg.inv(Sigma) @ (x - mu)),
    ("L = max(0, ‖a - p‖² - ‖a - n‖² + margin)",                                       "a:1x3 p:1x3 n:1x3 margin:1x1",  lambda a, p, n, margin: F.relu(((a - p) ** 2).sum() - ((a - n) ** 2).sum() + margin).sum()),
    # a divergence is written with two bars
    ("L = KL(softmax(z) ‖ softmax(u W))",                                             "z:5x3 u:5x4 W:4x3",             lambda z, u, W: F.kl_div(F.log_softmax(u @ W, 1), torch.softmax(z, 1), reduction="batchmean")),
    (r"L = D_{\mathrm{KL}}\left(\mathrm{softmax}(z) \,\middle\|\, q\right)",            "z:5x3 q:5x3",                   lambda z, q: F.kl_div(q.log(), torch.softmax(z, 1), reduction="batchmean")),
    # what weighs the terms of a loss is a number, and so is the loss
    ("loss = mean((y - X w)^2) + lam * sum(w^2)",                                     "y:5x1 X:5x3 w:3x1 lam:1x1",     lambda y, X, w, lam: ((y - X @ w) ** 2).mean() + (lam * (w ** 2).sum()).sum()),
    (r"L = \frac12 \|w\|^2 + C \operatorname{sum}(\max(0, 1 - y \odot Xw))",           "w:3x1 C:1x1 y:5x1 X:5x3",       lambda w, C, y, X: ((w ** 2).sum() / 2 + C * F.relu(1 - y * (X @ w)).sum()).sum()),
    (r"L = \frac{1}{N}\left\|y - Xw\right\|_{2}^{2} + c\left\|w\right\|_{1}",          "N:1x1 y:5x1 X:5x3 w:3x1 c:1x1", lambda N, y, X, w, c: (((y - X @ w) ** 2).sum() / N + c * w.abs().sum()).sum()),
    (r"\frac{1}{2m}\left\|y - Xw\right\|^2",                                        "m:1x1 y:5x1 X:5x3 w:3x1",       lambda m, y, X, w: (((y - X @ w) ** 2).sum() / (2 * m)).sum()),
]
# fmt: on


@pytest.mark.parametrize(("typed", "inputs", "reference"), FORMULAS)
def test_value_and_gradients_are_those_of_pytorch(typed, inputs, reference):
    rng = np.random.default_rng(0)
    shapes = dict(pair.split(":") for pair in inputs.split())
    arrays = {name: rng.uniform(0.1, 0.9, tuple(map(int, shape.split("x")))) for name, shape in shapes.items()}
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    value = reference(**tensors)
    net = compile(typed, wrt="all")
    np.testing.assert_allclose(net(**arrays), value.detach().numpy(), rtol=1e-10, strict=True)
    delta = rng.normal(size=value.shape) if value.ndim else np.ones(())
    (value * torch.tensor(delta)).sum().backward()
    found = net.grad(**arrays) if value.ndim == 0 else net.grad(**arrays, delta=delta)
    expected = {name: tensor.grad.numpy() for name, tensor in tensors.items()}
    assert {identifier(name) for name in found} == set(expected)
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[identifier(name)], rtol=1e-8, atol=1e-12, err_msg=name)
