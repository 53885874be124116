"""Wrong derivations, as people write them, and the diagnosis that each must get; none is called right."""

from __future__ import annotations

from functools import cache

import pytest

from algebra2net import compile
from algebra2net.net import Net
from algebra2net.verify.judge import judged
from algebra2net.verify.meaning import Names
from algebra2net.verify.normal import same
from algebra2net.verify.reading import read_claims
from algebra2net.verify.terms import as_terms
from algebra2net.verify.truth import Truth

NETWORKS = {
    "linear":    "l1 = l0 W; L = sum((l1 - y)^2) / 2",
    "mse":       "l2 = relu(l0 W0) W1; L = mse(l2, y)",
    "relu":      "l2 = relu(l0 W0) W1; L = sum((l2 - y)^2) / 2",
    "no loss":   "l2 = relu(l0 W0) W1",
    "sigmoid":   "l1 = sigmoid(l0 W0); l2 = sigmoid(l1 W1); L = sum((l2 - y)^2) / 2",
    "tanh":      "h = tanh(x W + b); p = h V + b2; L = sum((p - y)^2) / 2",
    "softmax":   "z = X W + b; p = softmax(z); L = -1/n sum(y * log(p)) where X: n x d",
    "entropy":   "z1 = X W1 + b1; a1 = relu(z1); z2 = a1 W2 + b2; L = cross_entropy(z2, y)",
    "three":     "l1 = tanh(l0 W0); l2 = sigmoid(l1 W1); l3 = l2 W2; L = sum((l3 - y)^2) / 2",
    "attention": "Q = X A; K = X B; S = Q K' / sqrt(d); P = softmax(S); O = P X; L = sum(O * T) where X: n x d, A: d x k, B: d x k",
    "rnn":       "h = tanh(x W + g U + b); o = h V; L = sum((o - y)^2) / 2",
    "ridge":     "r = X w - y; L = sum(r^2) / 2 + lambda sum(w^2) / 2",
    "columns":   "z = W x + b; a = sigmoid(z); L = sum((a - y)^2) / 2 where x: d x n, b: m x 1",
    "course":    "Z1 = W1 X + b1; A1 = tanh(Z1); Z2 = W2 A1 + b2; A2 = σ(Z2); J = -1/m sum(Y * log(A2) + (1 - Y) * log(1 - A2))",
    "penalty":   "L = lambda sum(W^2)",
    "classes":   "z = X W + b; p = softmax(z)",
    "logistic":  "p = sigmoid(X W + b); L = bce(p, y)",
}  # fmt: skip

# fmt: off
MISTAKES = [
    # network     what is claimed                                    what is wrong with it
    ("linear",    "dW = l0 (l1 - y)",                                ["missing transpose"]),
    ("linear",    "dW = (l1 - y)' l0",                               ["missing transpose"]),
    ("linear",    "dW = (l1 - y) l0'",                               ["order of factors"]),
    ("linear",    "dW = l0' * (l1 - y)",                             ["elementwise for matrix product"]),
    ("linear",    "dW = l0' (y - l1)",                               ["sign"]),
    ("linear",    "dW = -l0' (l1 - y)",                              ["sign"]),
    ("linear",    "dW = 2 l0' (l1 - y)",                             ["constant factor"]),
    ("linear",    "dW = l0' (l1 - y) / n",                           ["constant factor"]),
    ("linear",    "dW = l0' (l1 + y)",                               ["sign"]),
    ("linear",    "dl0 = (l1 - y) W",                                ["missing transpose"]),
    ("linear",    "dW = l0' l1",                                     ["missing term"]),
    ("relu",      "dW0 = l0' ((l2 - y) W1')",                        ["missing slope"]),
    ("relu",      "dW0 = l0' (l2 - y) W1' * relu'(l0 W0)",           ["brackets"]),
    ("relu",      "d1 = (l2 - y) W1 * relu'(l0 W0)",                 ["missing transpose"]),
    ("relu",      "d1 = W1' (l2 - y) * relu'(z1)",                   ["order of factors"]),
    ("relu",      "d1 = (l2 - y) W1' relu'(z1)",                     ["matrix product for elementwise"]),
    ("relu",      "d1 = (l2 - y) W0' * relu'(z1)",                   ["wrong name"]),
    ("relu",      "dW0 = l1' d1",                                    ["wrong name"]),
    ("relu",      "dW1 = l0' d1",                                    ["gradient of another name"]),
    ("relu",      "dW1 = l1 d2'",                                    ["missing transpose", "surplus transpose"]),
    ("relu",      "dz1 = d2 W1' * (z1 < 0)",                         ["wrong slope"]),
    ("relu",      "dz1 = d2 * relu'(z1)",                            ["missing factor"]),
    ("relu",      "dW1 = l1' d2 * relu'(z1)",                        ["surplus slope"]),
    ("relu",      "dW1 = z1' d2",                                    ["wrong name"]),
    ("mse",       "dW1 = l1' (l2 - y)",                              ["constant factor"]),
    ("mse",       "dW1 = 2 l1' (l2 - y)",                            ["constant factor"]),
    ("mse",       "d2 = 2 (y - l2) / size(l2)",                      ["sign"]),
    ("mse",       "dW0 = 1/n l0' ((l2 - y) W1' * relu'(z1))",        ["constant factor"]),
    ("no loss",   "dW1 = l1 delta",                                  ["missing transpose"]),
    ("no loss",   "dW0 = l0' (delta W1')",                           ["missing slope"]),
    ("no loss",   "dW0 = l0' (y - l2) W1' * relu'(l0 W0)",           ["brackets", "sign"]),
    ("sigmoid",   "dz2 = (l2 - y) * sigmoid'(l2)",                   ["slope at the wrong value"]),
    ("sigmoid",   "dz2 = l2 - y",                                    ["missing slope"]),
    ("sigmoid",   "dz2 = (l2 - y) * z2 * (1 - z2)",                  ["slope at the wrong value"]),
    ("sigmoid",   "dz1 = dl1 * (1 - l1^2)",                          ["wrong slope"]),
    ("sigmoid",   "dz1 = dl1 * tanh'(z1)",                           ["wrong slope"]),
    ("sigmoid",   "dz1 = dl1 * l1",                                  ["wrong slope"]),
    ("sigmoid",   "dz1 = dl1 * l2 * (1 - l2)",                       ["wrong slope"]),
    ("sigmoid",   "dW1 = l1' ((l2 - y) * l2 * (l2 - 1))",            ["sign"]),
    ("tanh",      "db = (p - y) V' * (1 - h^2)",                     ["missing sum over the batch"]),
    ("tanh",      "db2 = p - y",                                      ["missing sum over the batch"]),
    ("tanh",      "db2 = sum(p - y, axis=1)",                         ["wrong axis"]),
    ("tanh",      "db2 = mean(p - y, axis=0)",                        ["constant factor"]),
    ("tanh",      "db2 = sum(p - y)",                                 ["wrong axis"]),
    ("tanh",      "dW = x' ((p - y) V' * (1 - h))",                  ["wrong slope"]),
    ("tanh",      "dW = x' ((p - y) V' * tanh'(h))",                 ["slope at the wrong value"]),
    ("tanh",      "dV = sum(h' (p - y), axis=0)",                    ["surplus sum"]),
    ("softmax",   "dz = (p - y)",                                    ["constant factor"]),
    ("softmax",   "dz = (y - p) / n",                                ["sign"]),
    ("softmax",   "dW = X' p / n",                                   ["missing term"]),
    ("softmax",   "db = (p - y) / n",                                ["missing sum over the batch"]),
    ("softmax",   "dW = X (p - y) / n",                              ["missing transpose"]),
    ("entropy",   "dz2 = z2 - y",                                    ["different"]),
    ("entropy",   "dW2 = a1' (softmax(z2) - y)",                     ["constant factor"]),
    ("entropy",   "dz1 = dz2 W2'",                                   ["missing slope"]),
    ("entropy",   "dW1 = X dz1",                                     ["missing transpose"]),
    ("entropy",   "db2 = sum(dz2, axis=1)",                          ["wrong axis"]),
    ("three",     "dz1 = dz2 W2' * tanh'(z1)",                       ["wrong name"]),
    ("three",     "dz1 = dz2 W1' * sigmoid'(z1)",                    ["wrong slope"]),
    ("three",     "dz1 = dz2 W1' * sigmoid'(z2)",                    ["wrong slope"]),
    ("three",     "dW1 = l1' ((l3 - y) W2')",                        ["missing slope"]),
    ("three",     "dW0 = l0' (((l3 - y) W2' * l2 * (1 - l2)) W1 * (1 - l1^2))", ["missing transpose"]),
    ("attention", "dQ = dS K",                                       ["constant factor"]),
    ("attention", "dA = X dQ",                                       ["missing transpose"]),
    ("attention", "dK = dS Q / sqrt(d)",                             ["missing transpose"]),
    ("attention", "dS = P * dP",                                     ["missing term"]),
    ("attention", "dX = P' T",                                       ["missing term"]),
    ("rnn",       "dz = do V' * (1 - h^2); dU = x' dz",              ["gradient of another name"]),
    ("rnn",       "dW = x' (do V' * (1 - h))",                       ["wrong slope"]),
    ("rnn",       "dg = ((o - y) V' * (1 - h^2)) U",                 ["missing transpose"]),
    ("rnn",       "db = (o - y) V' * (1 - h^2)",                     ["missing sum over the batch"]),
    ("ridge",     "dw = X' (X w - y)",                               ["missing term"]),
    ("course",    "dZ2 = A2 - Y",                                    ["constant factor"]),
    ("course",    "db2 = sum(A2 - Y, axis=1)",                       ["constant factor"]),
    ("penalty",   "dW = 2 W",                                        ["constant factor"]),
    ("penalty",   "dW = W",                                          ["constant factor", "constant factor"]),
    ("ridge",     "dw = X' (X w - y) + 2 lambda w",                  ["constant factor"]),
    ("ridge",     "dw = X' (X w - y) - lambda w",                    ["sign"]),
    ("ridge",     "dw = X' r + lambda w + w",                        ["surplus term"]),
    ("columns",   "dW = x dz'",                                      ["missing transpose"]),
    ("columns",   "dW = dz x",                                       ["missing transpose"]),
    ("columns",   "db = dz",                                         ["missing sum over the batch"]),
    ("columns",   "dx = W dz",                                       ["missing transpose"]),
    ("classes",   "dW = X' (y - p)",                                 ["sign"]),
    ("classes",   "dW = X (p - y)",                                  ["missing transpose"]),
    ("logistic",  "dW = X' (p - y)",                                 ["constant factor"]),
    ("logistic",  "db = p - y",                                      ["missing sum over the batch", "constant factor"]),
    ("logistic",  "dW = X' ((p - y) * p * (1 - p)) / size(y)",       ["surplus slope"]),
]
# fmt: on


@cache
def network(name: str) -> Net:
    return compile(NETWORKS[name])


@pytest.mark.parametrize(("name", "claim"), [row[:2] for row in MISTAKES], ids=[f"{name}: {claim}" for name, claim, _ in MISTAKES])
def test_nothing_wrong_has_a_proof(name, claim):
    """The normal form alone, without the evaluation that comes before it, tells the two apart."""
    net = network(name)
    if "delta" in claim or net.program.outputs.keys().isdisjoint("LCJ"):
        return  # judged for a network with a loss of its own
    truth = Truth(net)
    made = judged(read_claims(claim, net), truth, Names(truth))[-1]
    values = made.points[0].values
    equations = dict(as_terms(truth.derived))
    assert not same(made.term, made.target, values, equations.get, truth.sizes, [label for label, kind in truth.labels.items() if kind == "rows"])


@pytest.mark.parametrize(("name", "claim", "kinds"), MISTAKES, ids=[f"{name}: {claim}" for name, claim, _ in MISTAKES])
def test_the_mistake_is_named(name, claim, kinds):
    verdict = network(name).verify(claim)[-1]
    assert not verdict.right
    assert [kind for kind in verdict.kinds if kind != "shape"] == kinds
