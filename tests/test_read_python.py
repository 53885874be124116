"""Python in: NumPy code gives the tree that the same program in plain notation gives."""

from __future__ import annotations

import ast
import random
import time

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from algebra2net import compile
from algebra2net.errors import NotationError
from algebra2net.notation import Call, Declaration, Definition, Equation, Name, Number, Statement, Value
from algebra2net.numpy_functions import FUNCTIONS
from algebra2net.operators import OPERATORS
from algebra2net.read import read_plain
from algebra2net.read_python import read_python
from algebra2net.recognise import looks_like_python

# fmt: off
READS = [
    # Python                                                            the same in plain notation
    # the book and the issue
    ("layer_2 = relu(layer_0.dot(weights_0_1)).dot(weights_1_2)",       "layer_2 = relu(layer_0 weights_0_1) weights_1_2"),
    ("h = np.tanh(x @ W + b)",                                          "h = tanh(x W + b)"),
    ("y = np.maximum(0, z)",                                            "y = maximum(0, z)"),
    ("y = 1 / (1 + np.exp(-z))",                                        "y = 1 / (1 + exp(-z))"),
    ("s = (a * b).sum(axis=1, keepdims=True)",                          "s = sum(a * b, axis=1)"),
    ("y = np.where(z > 0, z, 0.1 * z)",                                 "y = where(z > 0, z, 0.1 * z)"),
    ("layer_1 = relu(np.dot(layer_0, weights_0_1))",                    "layer_1 = relu(layer_0 weights_0_1)"),
    ("layer_2_error = np.sum((layer_2 - walk_vs_stop) ** 2)",           "layer_2_error = sum((layer_2 - walk_vs_stop)^2)"),
    ("d = layer_2_delta.dot(weights_1_2.T) * relu2(layer_1); relu2 = lambda o: o > 0", "relu2(o) = o > 0; d = layer_2_delta weights_1_2' * relu2(layer_1)"),
    # operators: precedence and grouping are Python's
    ("y = a @ b * c",                                                   "y = (a b) * c"),
    ("y = a * b @ c",                                                   "y = (a * b) c"),
    ("y = a * b / c",                                                   "y = (a * b) / c"),
    ("y = a / b @ c",                                                   "y = (a / b) c"),
    ("y = -x ** 2",                                                     "y = -x^2"),
    ("y = 2 ** -x",                                                     "y = 2^(-x)"),
    ("y = a ** b ** c",                                                 "y = a^(b^c)"),
    ("y = a - b - c",                                                   "y = a - b - c"),
    ("y = +x",                                                          "y = x"),
    ("y = x ** -1",                                                     "y = reciprocal(x)"),
    ("y = x ** -2",                                                     "y = 1 / x^2"),
    ("y = x ** -2.0",                                                   "y = 1 / x^2.0"),
    ("y = x ** -0.5",                                                   "y = x^(-0.5)"),
    ("y = x ** 0.5",                                                    "y = x^0.5"),
    ("y = np.e ** x + np.pi",                                           "y = exp(x) + pi"),
    ("y = x.T @ W",                                                     "y = x' W"),
    ("y = (z > 0) * 1.0",                                               "y = (z > 0) * 1.0"),
    ("y = (z >= 0).astype(float) - (z != 1)",                           "y = (z >= 0) - (z != 1)"),
    ("y = (z > 0) & (z < 1) | (z == 3)",                                "y = maximum((z > 0) * (z < 1), z == 3)"),
    ("y = ~(z > 0)",                                                    "y = 1 - (z > 0)"),
    ("y = z if z > 0 else 0",                                           "y = where(z > 0, z, 0)"),
    ("y = 1_000 * x + .5 + 1e-3 + 1. + 0x10",                           "y = 1000 * x + .5 + 1e-3 + 1. + 16"),
    # reductions
    ("y = np.sum(x)",                                                   "y = sum(x)"),
    ("y = x.mean()",                                                    "y = mean(x)"),
    ("y = x.max(axis=-1, keepdims=True)",                               "y = max(x, axis=1)"),
    ("y = np.min(x, 0)",                                                "y = min(x, axis=0)"),
    ("y = np.prod(x, axis=-2)",                                         "y = prod(x, axis=0)"),
    ("y = x.sum(axis=(0, 1))",                                          "y = sum(x)"),
    ("y = np.sum(x, axis=None, dtype=np.float64)",                      "y = sum(x)"),
    ("y = x.var(axis=0, ddof=0, keepdims=True)",                        "y = var(x, axis=0)"),
    ("y = np.linalg.norm(x)",                                           "y = norm(x)"),
    ("y = np.linalg.norm(x, ord='fro')",                                "y = norm(x)"),
    ("y = np.linalg.norm(x, 1, axis=1)",                                "y = norm(x, axis=1, order=1)"),
    ("y = np.linalg.norm(x, np.inf, axis=1, keepdims=True)",            "y = norm(x, axis=1, order=inf)"),
    ("y = norm(x, order=inf)",                                          "y = norm(x, order=inf)"),
    ("y = np.mean(size(x), axis=1)",                                    "y = mean(size(x), axis=1)"),
    # derivatives of one's own, whatever else is called so
    ("swish = lambda x: x ** 3; y = swish_prime(z) + swish_prime_prime(z)", "swish(x) = x^3; y = swish'(z) + swish''(z)"),
    ("act = lambda x: x ** 3; y = act_slope(z)",                        "act(x) = x^3; y = act'(z)"),
    ("y = max(0, x) + min(x, 1) + abs(x)",                              "y = maximum(0, x) + minimum(x, 1) + abs(x)"),
    ("y = scipy.special.logsumexp(z, axis=1, keepdims=True)",           "y = logsumexp(z, axis=1)"),
    # vectors of NumPy's: they lie as NumPy's rules for them ask
    ("y = x / np.linalg.norm(x, axis=1)[:, None]",                      "y = x / norm(x, axis=1)"),
    ("y = x - x.mean(axis=1).reshape(-1, 1)",                           "y = x - mean(x, axis=1)"),
    ("y = (a**2).sum(1)[:, np.newaxis] + (b**2).sum(1)[None, :]",       "y = sum(a^2, axis=1) + sum(b^2, axis=1)'"),
    ("v = A.sum(axis=0) - A.sum(axis=1)",                               "v = sum(A, axis=0) - sum(A, axis=1)'"),
    ("s = p.mean(axis=1) @ A @ q.mean(axis=1)",                         "s = mean(p, axis=1)' A mean(q, axis=1)"),
    ("s = x.mean(axis=0).sum(axis=0)",                                  "s = sum(mean(x, axis=0))"),
    ("m = x.mean(axis=0); y = A @ m",                                   "m = mean(x, axis=0); y = A m'"),
    ("d = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T",        "d = sum(a^2, axis=1) + sum(b^2, axis=1)' - (2 * a) b'"),
    ("d = -2 * a @ b.T + (a**2).sum(1).reshape(-1, 1) + (b**2).sum(1)", "d = (-2 * a) b' + sum(a^2, axis=1) + sum(b^2, axis=1)'"),
    ("m = x.sum(axis=1); d = m[:, None] - m[None, :]; e = m[:, None] - m", "m = sum(x, axis=1); d = m - m'; e = m - m'"),
    ("y = x / x.sum(axis=1) - x.mean(axis=1)",                          "y = x / sum(x, axis=1) - mean(x, axis=1)"),
    ("y = np.sqrt(x.var(axis=1))[:, None] * x",                         "y = sqrt(var(x, axis=1)) * x"),
    # functions with another name, or another way of being called
    ("y = np.multiply(a, np.add(b, np.subtract(c, np.divide(a, b))))",  "y = a * (b + (c - a / b))"),
    ("y = np.matmul(a, np.transpose(b)) + np.power(c, 3)",              "y = a b' + c^3"),
    ("s = Q @ K.transpose(-2, -1) + Q @ K.transpose(0, 1)",             "s = Q K' + Q K'"),
    ("a = F.normalize(x, dim=1) @ F.normalize(y, p=2, dim=-1).T",       "a = normalize(x) normalize(y)'"),
    ("a = F.normalize(x) + F.normalize(y, dim=0)",                      "a = normalize(x) + normalize(y')'"),
    ("s = s0.masked_fill(mask == 0, -1e9) + torch.masked_fill(a, mask > 0, 0)", "s = where(mask == 0, -1e9, s0) + where(mask > 0, 0, a)"),
    ("L = F.kl_div(F.log_softmax(s, dim=1), p, reduction='batchmean')", "L = kl(p, exp(log_softmax(s)))"),
    ("y = np.negative(np.absolute(x)) + np.square(x) + np.sign(x)",     "y = -abs(x) + square(x) + sign(x)"),
    ("y = np.vdot(a, b) + np.inner(a, b)",                              "y = dot(a, b) + a b'"),
    ("y = np.outer(a, b) + np.kron(a, b)",                              "y = outer(a, b) + kron(a, b)"),
    ("y = np.log1p(x) + np.expm1(x) + np.log2(x) + math.log(x, 3)",     "y = log1p(x) + expm1(x) + log2(x) + log(x) / log(3)"),
    ("y = scipy.special.expit(x) + scipy.special.erf(x) + sp.special.gammaln(x)", "y = sigmoid(x) + erf(x) + lgamma(x)"),
    ("y = scipy.special.softmax(z, axis=-1)",                           "y = softmax(z)"),
    ("y = scipy.special.softmax(z, axis=0)",                            "y = softmax(z')'"),
    ("y = log_softmax(z)",                                              "y = log_softmax(z)"),
    ("y = np.clip(x, 0, 1) + x.clip(min=0) + np.clip(x, None, 6)",      "y = clip(x, 0, 1) + maximum(x, 0) + minimum(x, 6)"),
    ("y = np.linalg.inv(A) @ np.linalg.solve(A, b)",                    "y = inv(A) solve(A, b)"),
    ("y = np.linalg.det(A) + np.linalg.slogdet(A)[1] + np.trace(A)",    "y = det(A) + logdet(A) + tr(A)"),
    ("y = np.diag(A) + np.tril(B) @ np.triu(C)",                        "y = diag(A) + tril(B) triu(C)"),
    ("y = np.concatenate([a, b], axis=1)",                              "y = [a, b]"),
    ("y = np.concatenate((a, b))",                                      "y = [a; b]"),
    ("y = np.hstack([a, b]) + np.c_[a, b]",                             "y = [a, b] + [a, b]"),
    ("y = np.vstack((a, b, c))",                                        "y = [a; b; c]"),
    ("y = np.block([[A, B], [C, D]])",                                  "y = [A, B; C, D]"),
    ("y = np.array([[1, 2], [3, 4]]) @ np.array([0.5, 1])",             "y = [1, 2; 3, 4] [0.5, 1]"),
    ("y = np.eye(3) + np.identity(n) + np.ones((3, 4)) + np.zeros((n, 1))", "y = eye(3) + eye(n) + ones(3, 4) + zeros(n, 1)"),
    ("y = np.ones(3) + np.full((2, 2), 7.0)",                           "y = ones(1, 3) + 7.0 * ones(2, 2)"),
    ("y = X.T @ X + lam * np.eye(X.shape[1])",                          "y = X' X + lam * eye()"),
    ("y = np.sum(x) / x.shape[0] + len(x) + x.size + x.shape[-1]",      "y = sum(x) / size(x, axis=0) + size(x, axis=0) + size(x) + size(x, axis=1)"),
    ("y = np.array(x).astype(np.float64).copy() + float(c)",            "y = x + c"),
    ("y = np.logical_and(x > 0, x < 1) + np.logical_not(x > 0)",        "y = (x > 0) * (x < 1) + (1 - (x > 0))"),
    ("y = np.greater(x, 0) + np.heaviside(x, 0)",                       "y = (x > 0) + step(x)"),
    # PyTorch and JAX, as far as they say the same
    ("y = F.relu(F.linear(x, W, b)) + torch.sigmoid(x.mm(V))",          "y = relu(x W' + b) + sigmoid(x V)"),
    ("y = torch.cat([a, b], dim=1).t() + torch.softmax(z, dim=1)",      "y = [a, b]' + softmax(z)"),
    ("L = F.mse_loss(p, y) + F.cross_entropy(z, y, reduction='mean')",  "L = mse(p, y) + cross_entropy(z, y)"),
    ("y = F.gelu(x) + F.gelu(x, approximate='tanh') + jax.nn.gelu(x)",  "y = gelu(x) + gelu_tanh(x) + gelu_tanh(x)"),
    ("y = F.leaky_relu(x, negative_slope=0.2) + x.clamp(min=0).pow(2)", "y = leaky_relu(x, 0.2) + maximum(x, 0)^2"),
    ("y = jnp.tanh(x) + jax.nn.silu(x) + torch.max(a, b)",              "y = tanh(x) + silu(x) + maximum(a, b)"),
    # statements
    ("h = relu(x @ W)\ny = h @ V",                                      "h = relu(x W); y = h V"),
    ("relu(x @ W) @ V",                                                 "relu(x W) V"),
    ("a = b = x @ W",                                                   "a = b = x W"),
    ("a, b = x @ W, x @ V\ny = a * b",                                  "a = x W; b = x V; y = a * b"),
    ("n, d = X.shape\ny = X / n + d",                                   "n = size(X, axis=0); d = size(X, axis=1); y = X / n + d"),
    ("h: np.ndarray = x @ W\ny: Array\ny = h",                          "h = x W; y = h"),
    ("import numpy as xp\ny = xp.tanh(x)",                              "y = tanh(x)"),
    ("from numpy import exp as e, dot\ny = dot(e(a), b)",               "y = exp(a) b"),
    ("import numpy.linalg as la\ny = la.inv(A)",                        "y = inv(A)"),
    ('"""doc"""\n# a comment\nnp.random.seed(0)\ny = x\nprint(y)\nassert y.shape == x.shape', "y = x"),
    ("f = np.tanh\ny = f(x)",                                           "y = tanh(x)"),
    ("F = A + 1\ny = F.T @ F",                                          "F = A + 1; y = F' F"),
    ("y = params['W1'] @ x + params[\"b1\"]",                           "y = W1 x + b1"),
    ("W1 = params['W1']\ny = x @ W1",                                   "y = x W1"),
    ("W, b = params\ny = x @ W + b",                                    "y = x W + b"),
    # a name that is assigned again stands for its last value
    ("z = x @ W; z += b; z = relu(z)",                                  "z1 = x W; z2 = z1 + b; z = relu(z2)"),
    ("x = relu(x @ W); y = x @ V",                                      "x1 = relu(x W); y = x1 V"),
    ("h = x; h *= 2; h @= W; h -= 1; h /= 3; h **= 2",                  "h1 = x; h2 = h1 * 2; h3 = h2 W; h4 = h3 - 1; h5 = h4 / 3; h = h5^2"),
    ("z1 = a\nz = b; z = z + z1; z = z * 2",                            "z1 = a; z2 = b; z3 = z2 + z1; z = z3 * 2"),
    ("a, b = x, y\na, b = b, a\nc = a @ b",                             "a1 = x; b1 = y; a = b1; b = a1; c = a b"),
    # functions
    ("def relu(x): return (x > 0) * x\ny = relu(x @ W)",                "relu(x) = (x > 0) * x; y = relu(x W)"),
    ("sigmoid = lambda z: 1 / (1 + np.exp(-z))\ny = sigmoid(x)",        "sigmoid(z) = 1 / (1 + exp(-z)); y = sigmoid(x)"),
    ("def f(z, a=0.1): return np.where(z > 0, z, a * z)\ny = f(x) + f(x, 0.2) + f(a=3, z=x)", "f(z, a) = where(z > 0, z, a * z); y = f(x, 0.1) + f(x, 0.2) + f(x, 3)"),
    ("def sm(x):\n    e = np.exp(x - np.max(x, axis=1, keepdims=True))\n    s = e.sum(axis=1, keepdims=True)\n    return e / s\ny = sm(x)",
     "sm(x) = exp(x - max(x, axis=1)) / sum(exp(x - max(x, axis=1)), axis=1); y = sm(x)"),
    ("def tanh(x): return np.tanh(x)\ny = tanh(z)",                     "tanh1(x) = tanh(x); y = tanh1(z)"),
    ("def power(x, p): return x ** p\ny = power(z, 2)",                 "power1(x, p) = x^p; y = power1(z, 2)"),
    ("def g(x): return f(x) + 1\ndef f(x): return a * x\ny = g(x)",     "g(x) = f(x) + 1; f(x) = a * x; y = g(x)"),
    ("def unused(x):\n    for i in x: pass\ny = x @ W",                 "y = x W"),
    # one function is the network
    ("def forward(x, W, b): h = np.tanh(x @ W + b); return h @ V",      "h = tanh(x W + b); h V"),
    ("def forward(x, W):\n    y = x @ W\n    return y",                 "y = x W"),
    ("def forward(x, W, V):\n    y = x @ W\n    rest = y @ V\n    return y", "y = x W"),
    ("def forward(x, W):\n    x = x @ W\n    return x",                 "out = x W"),
    ("def forward(x):\n    return x",                                   "out = x"),
    ("def forward(x):\n    out = relu(x)\n    return out * 2",          "out_1 = relu(x); out_1 * 2"),
    ("def forward(x: np.ndarray, W, eps=1e-5) -> np.ndarray:\n    '''Doc.'''\n    return x @ W / (x.std() + eps)", "eps = 1e-5; x W / (std(x) + eps)"),
    ("def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n\ndef net(x, W):\n    return sigmoid(x @ W)", "sigmoid(z) = 1 / (1 + exp(-z)); sigmoid(x W)"),
    ("X = np.random.randn(5, 3)\nalpha = 0.1\ndef net(X, W):\n    return leaky_relu(X @ W, alpha)", "alpha = 0.1; leaky_relu(X W, alpha)"),
    ("def f(x, W):\n    y = x @ W\n    cache = (x, W)\n    memory = {'y': y}\n    return y", "y = x W"),
    ("self.h = np.tanh(x @ self.W + self.b)\ny = self.h @ self.V",      "h = tanh(x W + b); y = h V"),
    ("y = np.tanh(self.T @ x) + self",                                  "y = tanh(self' x) + self"),
    ("def forward(self, x):\n    self.z = x @ self.W + self.b\n    return self.relu(self.z)", "z = x W + b; relu(z)"),
    ("@jax.jit\ndef f(params, x):\n    W, b = params\n    return x @ W + b", "x W + b"),
    ("    def f(x):\n        return x @ W\n",                           "x W"),
    ("swish = lambda x: x * sigmoid(x)",                                "x * sigmoid(x)"),
    # names
    ("y = lambda_ * λ_1 + h_t_minus_1 + y_hat",                         "y = λ λ_1 + h_{t-1} + ŷ".replace("λ λ_1", "λ * λ_1")),
    ("_x = a; X_prime = _x @ A; y = X_prime",                           "x = a; X' = x A; y = X'"),
    ("ŷ = x @ 𝐖",                                                       "ŷ = x W"),
    # layout
    ("y = (x\n     @ W  # weights\n     + b)",                          "y = x W + b"),
    ("y = x \\\n  @ W\r\nz = y",                                        "y = x W; z = y"),
    ("y = x @ W\n        z = y + b",                                    "y = x W; z = y + b"),
    ("\ufeffy = x",                                                     "y = x"),
]

REFUSES = [
    # Python                                  line, column    words of the message and its hint
    ("for i in range(3):\n    x = x @ W",     1, 1,           "loops", "line of its own"),
    ("y = x\nwhile y > 0: y = y - 1",         2, 1,           "loops", ""),
    ("if train: y = x",                       1, 1,           "an if", "np.where"),
    ("class Net:\n    pass",                  1, 1,           "class", "forward function"),
    ("with torch.no_grad():\n    y = x",      1, 1,           "with", ""),
    ("def f(x, W): return x @ W\ndef g(x): return x", 2, 5,   "which function", "paste one function"),
    ("def f(x):\n    y = x",                  1, 5,           "f returns nothing", "return"),
    ("def f(x):\n    return",                 2, 5,           "returns nothing", "return the value"),
    ("def f(x):\n    return x, x @ W",        2, 12,          "one value is the output", "alone"),
    ("def f(*x): return x",                   1, 5,           "star", "name each"),
    ("def f(self, x): return self.fc1(x)",    1, 24,          "no function self.fc1", "x @ self.W"),
    ("y = f(*x)",                             1, 7,           "star", "each argument"),
    ("y = [a * 2 for a in x]",                1, 5,           "comprehension", "write out"),
    ("y = x[0]",                              1, 5,           "entries", "input"),
    ("y = a + x[:, 1:3]",                     1, 9,           "slices", "input"),
    ("x[0] = 3",                              1, 1,           "cannot be assigned", "np.where"),
    ("y = x[:, None] + z",                    1, 5,           "matrix already", ".T"),
    ("y = x.reshape(3, 4)",                   1, 5,           "changes a shape", "x.T"),
    ("W = np.random.randn(3, 4)\ny = x @ W",  1, 5,           "random", "input"),
    ("y = np.argmax(z, axis=1)",              1, 5,           "no function np.argmax", "no gradient"),
    ("y = np.tnah(x)",                        1, 5,           "no function np.tnah", "np.tanh"),
    ("y = rleu(x @ W)",                       1, 5,           "no function rleu", "relu"),
    ("y = x.sume(axis=1)",                    1, 5,           "no function .sume", ".sum"),
    ("y = x.foo",                             1, 7,           "no .foo", ".T"),
    ("y = np.foo",                            1, 5,           "no np.foo", "np.pi"),
    ("y = np.einsum('ij,jk->ik', a, b)",      1, 5,           "einsum", "A @ B"),
    ("y = np.sum(x, axis=2)",                 1, 20,          "axes 0 and 1", "along each row"),
    ("y = np.exp(x, out=z)",                  1, 19,          "takes no out", "give the result a name"),
    ("y = np.tanh(x, axis=1)",                1, 21,          "takes no axis", "sum"),
    ("y = np.linalg.norm(A, 2)",              1, 23,          "another norm", "root of the sum"),
    ("y = x.std(ddof=1)",                     1, 16,          "population", "ddof=0"),
    ("y = torch.var(x)",                      1, 5,           "population", "correction=0"),
    ("y = scipy.special.softmax(z)",          1, 5,           "over all entries", "axis=1"),
    ("y = np.where(m, s, -np.inf)",           1, 21,          "infinity", "large one"),
    ("y = x ^ 2",                             1, 7,           "no power", "x**2"),
    ("y = x // 2",                            1, 7,           "//", "np.floor"),
    ("y = 0 < x < 1",                         1, 5,           "two comparisons", "(a < b) * (b < c)"),
    ("y = a and b",                           1, 5,           "True or False", "&"),
    ("y = a is None",                         1, 5,           "is and in", "compare"),
    ("y = a if flag else b",                  1, 10,          "running program", "compare"),
    ("y = 3j * x",                            1, 5,           "complex", ""),
    ("y = True",                              1, 5,           "no value", "1 or 0"),
    ("y = 'x'",                               1, 5,           "no value", ""),
    ("y = x.shape",                           1, 5,           "pair of sizes", "x.shape[0]"),
    ("y = [a, b]",                            1, 5,           "list is no value", "np.concatenate"),
    ("y = np.tanh",                           1, 5,           "function", "np.tanh(x)"),
    ("y = W_0 + W0",                          1, 11,          "one symbol", "another name"),
    ("def f(pi, x): return pi * x",           1, 22,          "constant", "pi0"),
    ("z = x @ W\ny = z(x)",                   2, 5,           "not a function", "product"),
    ("x @ W\ny = x",                          1, 1,           "nothing is done", "name"),
    ("def f(a, b): return a\ny = f(x)",       2, 5,           "needs a value for b", "f(a, b)"),
    ("def f(a): return a\ny = f(x, y)",       2, 10,          "takes 1 argument", "f(a)"),
    ("y = (h := x @ W) + h",                  1, 6,           "inside another", "line of its own"),
    ("",                                      1, 1,           "nothing to read", ""),
    ("import numpy as np",                    1, 1,           "nothing to read", ""),
    # what Python itself cannot read
    ("l2 = relu(l0 W0) W1",                   1, 11,          "missing in l0 W0", "x @ W"),
    ("y = x W",                               1, 7,           "between x and W", "x @ W"),
    ("y = 2x",                                1, 5,           "no number", "2 * x"),
    ("y = x' W",                              1, 6,           "quote", "x.T"),
    ("y = W₀ @ x",                            1, 6,           "subscript zero", "W_0"),
    ("y = x ∘ W",                             1, 7,           "ring operator", "*"),
    ("y = (x @ W",                            1, 5,           "( is never closed", "close it"),
    ("y = x @ W)",                            1, 10,          ") closes nothing", "take it away"),
    ("y = (x @ W]",                           1, 11,          "( is closed by ]", "last first"),
    ("y = x @",                               1, 8,           "missing after @", "type what belongs"),
    ("y = x @ / W",                           1, 9,           "missing after @", ""),
    ("relu(x) = x",                           1, 1,           "not defined with =", "def relu"),
    ("a + b = c",                             1, 1,           "name before its =", "y = x @ W"),
    ("lambda = 3",                            1, 8,           "lambda is a word", "lambda_"),
    ("def f(x):\n    y = x\n      return y",   3, 7,           "further right", "same column"),
    ("def f(x):\nreturn x",                  2, 1,           "indented", "def forward"),
    (">>> y = x",                             1, 1,           ">>>", "prompts"),
    ("```\ny = x\n```",                       1, 1,           "`", "marks"),
    ("y = \\frac{a}{b}",                      1, 6,           "ends its line", "latex"),
    ("y = x\x00",                             1, 6,           "invisible", "away"),
    ("y = \ud800",                            1, 5,           "invisible", ""),
    ("y = x\u202e",                           1, 6,           "right-to-left", ""),
    ("y = “x”",                               1, 5,           "quotation", "quotes"),
    ("λ = ŷ ∘ x",                             1, 7,           "ring operator", ""),
    ("y = " + "9" * 5000,                     1, 5,           "too long", "float64"),
    ("y = " + "(" * 300 + "x" + ")" * 300,    1, 205,         "nested too deeply", "names of their own"),
    ("y = " + "-" * 10_000 + "x",             1, 1,           "nested too deeply", "names of their own"),
    ("y = x" + ".T" * 10_000,                 1, 1,           "nested too deeply", ""),
    ("y = x;" * 200_000,                      1, 1,           "too long", ""),
]

PYTHON = [
    "h = np.tanh(x @ W)", "def forward(x, W):\n    return x @ W", "import numpy as np\ny = x", "y = x ** 2", "y = x.T @ W + b", "s = (a * b).sum(axis=1)", "z = x @ W\nz += b",
    "sigmoid = lambda z: 1 / (1 + exp(-z))", "y = math.sqrt(x)", "y = x.shape[0]", "y = self.W", "y = relu(x) if x > 0 else 0",
    "y = np.linalg.inv(A)  # A'", "return x @ W", "y = torch.relu(x)",
    "s = sum(x, axis=1, keepdims=True)", "y = F.relu(x)", "y = relu(np.dot(x, W))", "a, b = x @ W, x @ V", "y = (x > 0) & (x < 1)", "y = lambda_ * x", "y = 1_000 * x",
]
NOT_PYTHON = [
    "l2 = relu(l0 W0) W1", "l2 = layer_1 @ W1", "y = x * W", "ℓ₂ = relu(ℓ₀W₀)W₁", "W0: 3x4; y = x W0", "y = x' W; z = y.T x", "y = x^2", "y = 0.5x + 2.5 x",
    "swish(x) = x * sigmoid(x)", "W0: 3x4, W1: 4x2; y = x W0 W1", "y = h_{t-1} W_{0}", r"a &= x W", "l_0 = x W_ {0}",
    r"l_{2} = \operatorname{relu}\left(l_{0} W_{0}\right) W_{1}", r"$$l _ { 2 } = r e l u \left( l _ { 0 } W _ { 0 } \right) W _ { 1 }$$",
    "x ∈ R^3\ny = x W", "y = x .* W ./ z .^ 2", "y = x**2 W",
    "y = x  # np.tanh(x) in NumPy", "l2 = relu(l0 W0) W1 where W0: 3x4", "L = sum((y - t)^2) / 2.", "λ: 3", "", "y = a < b == c",
]
# fmt: on


def shown(tree: Value | Statement) -> str:
    """A tree without its places."""
    match tree:
        case Number(text=text):
            return text
        case Name(key=key):
            return key
        case Call(function=function, arguments=arguments, options=options):
            return f"{function}({', '.join([*map(shown, arguments), *(f'{word}={shown(value)}' for word, value in options)])})"
        case Equation(names=names, value=value):
            return " = ".join([*map(shown, names), shown(value)])
        case Definition(name=name, parameters=parameters, body=body):
            return f"{name.key}({', '.join(map(shown, parameters))}) := {shown(body)}"
        case Declaration(name=name, sizes=sizes):
            return f"{name.key}: {sizes}"


@pytest.mark.parametrize(("python", "plain"), READS)
def test_python_gives_the_tree_of_its_plain_translation(python: str, plain: str) -> None:
    assert [shown(s) for s in read_python(python)] == [shown(s) for s in read_plain(plain)]


@pytest.mark.parametrize(("python", "line", "column", "said", "hinted"), REFUSES)
def test_what_is_no_forward_pass_is_refused_at_its_place(python: str, line: int, column: int, said: str, hinted: str) -> None:
    with pytest.raises(NotationError) as caught:
        read_python(python)
    error = caught.value
    assert (error.line, error.column) == (line, column), str(error)
    assert said in error.message
    assert hinted in (error.hint or "")


@pytest.mark.parametrize("source", PYTHON)
def test_python_is_recognised(source: str) -> None:
    assert looks_like_python(source)


@pytest.mark.parametrize("source", NOT_PYTHON)
def test_what_plain_notation_reads_stays_plain(source: str) -> None:
    assert not looks_like_python(source)


@pytest.mark.parametrize(("python", "plain"), READS)
def test_every_node_stands_where_it_was_typed(python: str, plain: str) -> None:
    waiting: list[Value | Statement] = list(read_python(python))
    while waiting:
        node = waiting.pop()
        assert node.span.source == python
        assert 0 <= node.span.start <= node.span.stop <= len(python)
        if isinstance(node, Call):
            waiting.extend((*node.arguments, *(value for _, value in node.options)))
            assert node.span.text
        elif isinstance(node, Equation):
            waiting.extend((*node.names, node.value))
        elif isinstance(node, Definition):
            waiting.extend((*node.parameters, node.body))
        elif isinstance(node, Number):
            assert node.span.text


def test_spans_count_characters_not_bytes() -> None:
    (equation,) = read_python("λŷ = np.tanh(αβ @ W)  # ∘")
    assert isinstance(equation, Equation)
    assert isinstance(equation.value, Call)
    assert equation.value.span.text == "np.tanh(αβ @ W)"
    assert equation.value.sign is not None
    assert equation.value.sign.text == "np.tanh"
    (product,) = equation.value.arguments
    assert isinstance(product, Call)
    assert (product.span.text, product.sign and product.sign.text) == ("αβ @ W", "@")


def test_the_sign_of_an_operator_is_found_behind_parentheses_and_comments() -> None:
    (equation,) = read_python("y = ((a)  # * +\n     + (b))")
    assert isinstance(equation, Equation)
    assert isinstance(equation.value, Call)
    assert equation.value.sign is not None
    assert (equation.value.sign.line, equation.value.sign.column) == (2, 6)


def test_every_name_in_the_table_is_an_operator() -> None:
    assert set(FUNCTIONS.values()) <= set(OPERATORS)


def test_a_chain_of_layers_reads_in_linear_time() -> None:
    source = "\n".join(f"h{k + 1} = np.tanh(h{k} @ W{k} + b{k})" for k in range(4000))
    start = time.process_time()
    assert len(read_python(source)) == 4000
    assert time.process_time() - start < 5


def test_a_function_that_opens_into_too_much_is_refused() -> None:
    lines = "\n".join("    x = x + x" for _ in range(60))
    with pytest.raises(NotationError, match="opens into too much"):
        read_python(f"def f(x):\n{lines}\n    return x\ny = f(z)")


def test_functions_that_call_each_other_in_a_long_row_do_not_recurse() -> None:
    functions = "\n".join(f"def f{k}(x): return f{k + 1}(x)" for k in range(3000))
    assert len(read_python(f"{functions}\ndef f3000(x): return x\ny = f0(x)")) == 3002


WORDS = """x W np . tanh ( ) [ ] , = == + - * ** @ / : def lambda return if else for in 1 0.5 'a' None True axis sum T ; # { } ~ & | ^ shape self params f relu import from as"""
PIECES = [*WORDS.split(), "\n", "\n    "]


def refused(source: str) -> str:
    """What reading `source` says against it; nothing where it reads."""
    try:
        assert read_python(source)
    except NotationError as error:
        return str(error)
    return ""


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(source: str) -> None:
    looks_like_python(source)
    refused(source)


def test_mutated_programs_are_read_or_refused_in_words() -> None:
    chance = random.Random(0)
    for python, _ in READS:
        for _ in range(20):
            at = chance.randrange(len(python) + 1)
            refused(python[:at] + chance.choice(["", *"()[]=.,:@*'x1 \n", python]) + python[at + chance.randrange(3) :])


@pytest.mark.parametrize(
    "source",
    ["a;" * 500_000, "x" + ".T" * 500_000, "(" * 1_000_000, "ŷ" * 1_000_000, "if " * 300_000, "x[" * 500_000, "x, " * 300_000, "\n" * 1_000_000, "'" * 1_000_000, "a.b(" * 250_000],
)
def test_a_megabyte_is_read_or_refused_at_once(source: str) -> None:
    start = time.process_time()
    looks_like_python(source)
    refused(source)
    assert time.process_time() - start < 5


def test_nothing_is_executed() -> None:
    for source in ("y = __import__('os').system('true')", "y = exec('1')", "y = open('x')", "import os\ny = os.getcwd()"):
        assert ast.parse(source)
        assert refused(source)


# fmt: off
COMPUTES = [
    # code, whose last name is the output                                                              shapes of its inputs
    ("y = np.tanh(x @ W + b)",                                                                         {"x": (5, 3), "W": (3, 4), "b": (1, 4)}),
    ("d2 = (X**2).sum(1)[:, None] + (C**2).sum(1)[None, :] - 2 * X @ C.T",                             {"X": (5, 3), "C": (4, 3)}),
    ("d = (X**2).sum(1)[:, None] + (C**2).sum(1) - 2 * np.dot(X, C.T)",                                {"X": (5, 3), "C": (5, 3)}),
    ("d = -2 * X @ C.T + np.sum(X**2, axis=1)[:, None] + np.sum(C**2, axis=1)",                        {"X": (5, 3), "C": (5, 3)}),
    ("m = x.sum(axis=1)\nd = np.exp(-(m[:, None] - m)**2) + m[None] * m[:, np.newaxis]",               {"x": (4, 3)}),
    ("v = A.sum(axis=0) - A.sum(axis=1)",                                                              {"A": (4, 4)}),
    ("s = p.mean(axis=1) @ A @ q.mean(axis=1)",                                                        {"p": (4, 3), "A": (4, 5), "q": (5, 2)}),
    ("m = x.mean(axis=0)\ns = x.std(axis=0)\ny = (x - m) / s",                                         {"x": (4, 3)}),
    ("m = x.mean(axis=0)\ny = A @ m",                                                                  {"x": (4, 3), "A": (5, 3)}),
    ("y = x.mean(axis=0).sum(axis=0) * x.max(axis=0).T",                                               {"x": (4, 3)}),
    ("z = np.concatenate([x.sum(axis=0), x.sum(axis=1)])",                                             {"x": (4, 3)}),
    ("y = np.column_stack([x.sum(axis=1), x.mean(axis=1)]) @ np.vstack([x.min(axis=1), x.max(axis=1)])", {"x": (4, 3)}),
    ("p = scipy.special.softmax(x.sum(axis=1)) @ x",                                                   {"x": (4, 3)}),
    ("y = np.exp(x) ** -2 + np.exp(x) ** -1 + 2.0 ** -x + np.exp(x) ** -0.5",                          {"x": (3, 3)}),
    ("a = x * y @ z + (x / 3) @ z - -x @ z + x / 2 @ z",                                               {"x": (3, 4), "y": (3, 4), "z": (4, 3)}),
    ("w = np.linalg.solve(X.T @ X + 0.1 * np.eye(X.shape[1]), X.T @ t)",                               {"X": (5, 3), "t": (5, 1)}),
    ("n, d = X.shape\nS = X.T @ X / n + 0.1 * np.eye(d)\ny = np.linalg.inv(S) @ X.T",                  {"X": (5, 3)}),
    ("y = np.concatenate([x, np.ones((x.shape[0], 1))], axis=1) @ W",                                  {"x": (5, 3), "W": (4, 2)}),
    ("e = np.exp(z - z.max(axis=1, keepdims=True))\np = e / e.sum(axis=1, keepdims=True)\nL = -np.mean(np.sum(y * np.log(p), axis=1))", {"z": (5, 3), "y": (5, 3)}),
    ("def softmax(x):\n    e = np.exp(x - np.max(x, axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)\ny = softmax(Q @ K.T / np.sqrt(K.shape[1])) @ V",
                                                                                                       {"Q": (4, 3), "K": (5, 3), "V": (5, 2)}),
    ("y = np.where(z > 0, z, 0.1 * z) * ((z > -1) & (z < 1))",                                         {"z": (4, 4)}),
    ("y = np.sqrt(x.var(axis=1))[:, None] * x + len(x) + x.size",                                      {"x": (4, 3)}),
    ("z = x @ W\nz += b\nz = np.maximum(z, 0)\nz *= z",                                                {"x": (5, 3), "W": (3, 4), "b": (1, 4)}),
    ("y = np.clip(x, 0, None) + np.outer(a, b) + np.tril(x)",                                          {"x": (3, 4), "a": (1, 3), "b": (1, 4)}),
    ("y = np.linalg.slogdet(A @ A.T)[1] + np.trace(A) + np.linalg.det(A) + np.linalg.norm(A)",         {"A": (4, 4)}),
    ("y = x / np.linalg.norm(x, axis=1)[:, None] + np.ones_like(x) - 2 * np.zeros_like(x)",            {"x": (4, 3)}),
    ("relu = lambda z: (z > 0) * z\nrelu2deriv = lambda o: o > 0\nl1 = relu(l0.dot(W0))\nl2_delta = l1.dot(W1) - y\nl1_delta = l2_delta.dot(W1.T) * relu2deriv(l1)\n"
     "W1 -= 0.1 * l1.T.dot(l2_delta)\nW0 -= 0.1 * l0.T.dot(l1_delta)\nL = np.sum(W0) + np.sum(W1 ** 2)", {"l0": (5, 3), "W0": (3, 4), "W1": (4, 2), "y": (5, 2)}),
    ("def layer(x, W, b, slope=0.01):\n    z = x @ W + b\n    return np.where(z > 0, z, slope * z)\nh = layer(x, W, b)\ny = layer(h, V, c, slope=0.2)",
                                                                                                       {"x": (5, 3), "W": (3, 4), "b": (1, 4), "V": (4, 2), "c": (1, 2)}),
    ("y = np.array([[1, 2], [3, 4]]) @ x + np.e ** x + np.hypot(x, 1) + np.exp2(x) + np.logaddexp(x, 0)", {"x": (2, 3)}),
]
# fmt: on


@pytest.mark.parametrize(("code", "shapes"), COMPUTES)
def test_the_program_computes_what_numpy_computes(code: str, shapes: dict[str, tuple[int, int]]) -> None:
    draw = np.random.default_rng(0)
    inputs = {name: draw.standard_normal(shape) for name, shape in shapes.items()}
    as_numpy_has_them = {name: array.reshape(-1) if name in ("a", "b", "c") else array.copy() for name, array in inputs.items()}
    names = {"np": np, "scipy": scipy, **as_numpy_has_them}
    exec(code, names)
    net = compile(code, notation="python")
    assert np.asarray(net(**inputs)).reshape(-1) == pytest.approx(np.asarray(names[net.output]).reshape(-1), rel=1e-12, abs=1e-12)
