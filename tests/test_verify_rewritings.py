"""What is true stays true however it is written: random rewritings of true claims are called right."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algebra2net import compile
from algebra2net.net import Net
from algebra2net.spell import PLAIN
from algebra2net.verify.reading import read_claims
from algebra2net.verify.terms import NUMBER, Term, call, number, places, replaced, text
from tests.strategies import QUICK

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
@QUICK
@given(data=st.data())
def test_a_true_claim_rewritten_is_true(program, claim, data):
    net = network(program)
    (read,) = read_claims(claim, net)
    term, words = _rewritten(read.value, data)
    typed = f"{read.name} = {text(term, None, PLAIN)}"
    assert net.verify(typed), f"{typed} ({'; '.join(words)})"
