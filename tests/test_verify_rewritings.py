"""What is true stays true however it is written, and what is changed is called wrong, unless NumPy finds it equal, too."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algebra2net import compile
from algebra2net.net import Net
from algebra2net.spell import PLAIN
from algebra2net.verify.edits import Surroundings, edits
from algebra2net.verify.judge import judged
from algebra2net.verify.meaning import Names
from algebra2net.verify.reading import read_claims
from algebra2net.verify.terms import NUMBER, Term, call, number, places, replaced, text
from algebra2net.verify.truth import Truth
from tests.strategies import QUICK

SOME = settings(QUICK, max_examples=max(QUICK.max_examples // 2, 1))

# fmt: off
TRUE = [
    # network                                                             a claim that is true of it
    ("l2 = relu(l0 W0) W1; L = sum((l2 - y)^2) / 2",                      "dW0 = l0' ((l2 - y) W1' * relu'(l0 W0))"),
    ("l1 = tanh(l0 W0); l2 = l1 W1; L = sum((l2 - y)^2) / 2",             "dW0 = l0' ((l2 - y) W1' * tanh'(l0 W0))"),
    ("l1 = sigmoid(l0 W0 + b0); L = mse(l1, y)",                          "db0 = sum(2 / n * (l1 - y) * sigmoid'(l0 W0 + b0), axis=0)"),
    ("p = softmax(X W + b); L = -sum(y * log(p))",                        "dW = X' (p - y)"),
    ("r = X w - y; L = sum(r^2) / 2 + lambda sum(w^2) / 2",               "dw = X' (X w - y) + lambda w"),
    ("h = tanh(x W + g U + b); o = h V; L = sum((o - y)^2)",              "dU = g' (2 (o - y) V' * (1 - h^2))"),
    ("R = U V' - M; L = sum(R^2)",                                        "dU = 2 (U V' - M) V"),
    ("l3 = tanh(relu(l0 W0) W1) W2",                                      "dW1 = l1' (delta W2' * tanh'(l1 W1))"),
]
# fmt: on


@cache
def network(program: str) -> Net:
    return compile(program)


def _distributed(node: Term) -> Term | None:
    """a (b + c) as a b + a c."""
    if node.op in ("product", "times") and node.args[1].op in ("plus", "minus"):
        a, (b, c) = node.args[0], node.args[1].args
        return call(node.args[1].op, call(node.op, a, b), call(node.op, a, c))
    return None


def _associated(node: Term) -> Term | None:
    if node.op == "product" and node.args[0].op == "product":
        (a, b), c = node.args[0].args, node.args[1]
        return call("product", a, call("product", b, c))
    return None


REWRITINGS = {
    "a ∘ b is b ∘ a": lambda n: call("times", *n.args[::-1]) if n.op == "times" else None,
    "a + b is b + a": lambda n: call("plus", *n.args[::-1]) if n.op == "plus" else None,
    "a - b is -(b - a)": lambda n: call("neg", call("minus", *n.args[::-1])) if n.op == "minus" else None,
    "a - b is a + (-b)": lambda n: call("plus", n.args[0], call("neg", n.args[1])) if n.op == "minus" else None,
    "A B is (B' A')'": lambda n: call("transpose", call("product", call("transpose", n.args[1]), call("transpose", n.args[0]))) if n.op == "product" else None,
    "A is (A')'": lambda n: call("transpose", call("transpose", n)) if n.op != NUMBER else None,
    "x is 2 (x / 2)": lambda n: call("scale", number(2), call("divide", n, number(2))),
    "x is -(-x)": lambda n: call("neg", call("neg", n)),
    "(A B) C is A (B C)": _associated,
    "a (b + c) is a b + a c": _distributed,
    "x^2 is x ∘ x": lambda n: call("times", n.args[0], n.args[0]) if n.op == "power" and n.args[1] == number(2) else None,
    "relu'(z) is z > 0": lambda n: call("gt", n.args[0], number(0)) if n.op == "relu'" else None,
    "relu'(z) is relu'(relu(z))": lambda n: call("relu'", call("relu", n.args[0])) if n.op == "relu'" else None,
    "tanh' is 1 - tanh²": lambda n: call("minus", number(1), call("power", call("tanh", n.args[0]), number(2))) if n.op == "tanh'" else None,
    "σ' is σ (1 - σ)": lambda n: call("times", call("sigmoid", n.args[0]), call("minus", number(1), call("sigmoid", n.args[0]))) if n.op == "sigmoid'" else None,
    "the sum of a sum": lambda n: call(n.args[0].op, *(Term("sum", (arg,), n.options) for arg in n.args[0].args)) if n.op == "sum" and n.args[0].op in ("plus", "minus") else None,
}  # fmt: skip


def _rewritten(term: Term, data: st.DataObject) -> tuple[Term, list[str]]:
    words = []
    for _ in range(data.draw(st.integers(1, 6))):
        possible = [(name, path, made) for path, node in places(term) for name, rewrite in REWRITINGS.items() if (made := rewrite(node)) is not None]
        name = data.draw(st.sampled_from(sorted({name for name, _, _ in possible})))
        path, made = data.draw(st.sampled_from([(path, made) for found, path, made in possible if found == name]))
        term = replaced(term, path, made)
        words.append(name)
    return term, words


@pytest.mark.parametrize(("program", "claim"), TRUE)
@SOME
@given(data=st.data())
def test_a_true_claim_rewritten_is_true(program, claim, data):
    net = network(program)
    (read,) = read_claims(claim, net)
    term, words = _rewritten(read.value, data)
    typed = f"{read.name} = {text(term, None, PLAIN)}"
    assert net.verify(typed), f"{typed} ({'; '.join(words)})"


# what is changed


def _entrywise(function):
    def fits(a, b):
        if any(x != y and 1 not in (x, y) for x, y in zip(a.shape, b.shape, strict=True)):
            raise ValueError
        return function(a, b)

    return fits


def _product(a, b):
    return a * b if (1, 1) in (a.shape, b.shape) else a @ b


NUMPY = {
    "plus": _entrywise(np.add), "minus": _entrywise(np.subtract), "times": _entrywise(np.multiply), "scale": _entrywise(np.multiply),
    "divide": _entrywise(np.divide), "power": np.power, "neg": np.negative, "product": _product, "transpose": np.transpose,
    "relu'": lambda x: (x > 0).astype(float), "tanh'": lambda x: 1 - np.tanh(x) ** 2, "sigmoid'": lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
}  # fmt: skip
CHANGED = [row for row in TRUE if "softmax" not in row[0] and "n *" not in row[1] and "delta" not in row[1]]


def _value(term: Term, values: dict[str, np.ndarray]) -> np.ndarray:
    if term.op == "name":
        return values[term.name]
    if term.op == NUMBER:
        return np.full((1, 1), float(term.atom))
    parts = [_value(arg, values) for arg in term.args]
    if term.op in ("sum", "mean"):
        axis = None if term.options[0] == -1 else int(term.options[0])
        return getattr(np, term.op)(parts[0], axis=axis, keepdims=True)
    return NUMPY[term.op](*parts)


@cache
def known(program: str) -> tuple[Truth, Names]:
    truth = Truth(network(program))
    return truth, Names(truth)


def _in_numpy(term: Term, net: Net, rng: np.random.Generator) -> list[np.ndarray] | None:
    """What NumPy makes of a claim at three points, by the forward pass of the net; nothing where shapes do not fit."""
    labels = (size for size in dict.fromkeys(itertools.chain(*net.shapes.values())) if isinstance(size, str))
    sizes = dict(zip(labels, (5, 7, 4, 6, 3, 8), strict=False))
    found = []
    for _ in range(3):
        arrays = {name: rng.normal(size=[sizes.get(size, size) for size in net.shapes[name]]) for name in net.inputs}
        with np.errstate(all="ignore"):
            try:
                found.append(_value(term, {name: np.atleast_2d(value) for name, value in {**arrays, **net.forward(**arrays)}.items()}))
            except ValueError:
                return None
    return found


@pytest.mark.parametrize(("program", "claim"), CHANGED)
@SOME
@given(data=st.data())
def test_a_true_claim_changed_is_wrong_unless_numpy_finds_it_equal(program, claim, data):
    net, (truth, names) = network(program), known(program)
    (read,) = read_claims(claim, net)
    leaves = [name for name in net.shapes if net.shapes[name] != (1, 1)]
    around = Surroundings((), leaves, (), lambda here: (2, 2) if here.op != NUMBER else (1, 1), None, None)
    changes = [edit.term for edit in edits(read.value, around)]
    changed = data.draw(st.sampled_from(changes))
    seed = data.draw(st.integers(0, 1000))
    true, other = (_in_numpy(term, net, np.random.default_rng(seed)) for term in (read.value, changed))
    equal = other is not None and all(a.shape == b.shape and np.allclose(a, b) for a, b in zip(true, other, strict=True))
    assert judged([replace(read, value=changed)], truth, names)[0].right == equal, text(changed, None, PLAIN)
