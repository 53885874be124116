"""Whatever is typed: a Net or an AlgebraError, and nothing of it in the generated code but checked identifiers.

`python tests/fuzz.py` goes on for as long as it is let (atheris).
"""

from __future__ import annotations

import ast
import keyword
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import QUICK

from algebra2net import AlgebraError, Net, compile

SEEDS = (
    "l2 = relu(l0 W0) W1",
    "ŷ = softmax(x W + b); L = -sum(y * log(ŷ)) / 5 where W: 3x4",
    "swish(x) = x * sigmoid(x)\ny = swish([a, b; c, d]') ‖u‖_1^2",
    r"$$\hat{y} = \operatorname{softmax}\left(\frac{Q K^\top}{\sqrt{d}}\right) V \tag{1}$$",
    r"\begin{aligned} h_t &= \tanh(W h_{t-1} + b), \\ y &= \begin{cases} h_t & h_t > 0 \\ 0 & \text{otherwise} \end{cases} \end{aligned}",
    "def forward(x, W):\n    h = np.tanh(x @ W)\n    return h.sum(axis=1, keepdims=True)",
)
PIECES = st.sampled_from(
    [*"()[]{}|‖'^_=;,*/+-<>!@.\\&$%#~\n\t \"`?:", "\0", "\ud800", "\u202e", "х", "ᵀ", "²", "\\frac", "\\left(", "\\end{", "1e999", "relu(", "import os", "__", "λ", "9" * 30]
)

# fmt: off
STRANGE = [
    # what is typed                       why it is here
    ("\0" * 100,                          "NULs"),
    ("y = x \ud800",                      "a lone surrogate"),
    ("y = x \u202e W",                    "a mark of direction"),
    ("y = х W",                           "a Cyrillic letter that looks like a Latin one"),
    ("y = " + "9" * 5_000,                "a gigantic number"),
    ("y = 1e999999 x",                    "a larger one"),
    ("a " * (1 << 19),                    "a megabyte of names"),
    ("(" * (1 << 20),                     "a megabyte of brackets"),
    ("\n" * (1 << 20),                    "a megabyte of nothing"),
    ("x" * (1 << 20),                     "a megabyte of one name"),
    (r"\frac{" * 100_000,                 "LaTeX that never closes"),
    ("np.exp(" * 50_000,                  "Python that never closes"),
    ("f0(x) = x*x\n" + "\n".join(f"f{k + 1}(x) = f{k}(x) f{k}(x + 1)" for k in range(40)) + "\ny = f40(x) f39(x')", "functions of functions"),
]
# fmt: on


def mutated(seed: str, changes: list[tuple[int, int, str]]) -> str:
    for place, length, piece in changes:
        at = place % (len(seed) + 1)
        seed = seed[:at] + piece + seed[at + length :]
    return seed


def outcome(text: str) -> Net | AlgebraError:
    found: Net | AlgebraError
    try:
        found = compile(text)
    except AlgebraError as error:
        found = error
    if isinstance(found, AlgebraError):
        assert str(found)
        assert min(found.line, found.column) >= 1
    return found


@pytest.mark.parametrize("text", [text for text, _ in STRANGE], ids=[why for _, why in STRANGE])
def test_strange_text_is_read_or_refused(text: str) -> None:
    outcome(text)


def test_ten_thousand_brackets_are_read() -> None:
    assert isinstance(outcome("(" * 10_000 + "x" + ")" * 10_000), Net)


@QUICK
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 6), PIECES), min_size=1, max_size=5))
@example(SEEDS[0], [(0, 0, "__import__('os')")])
def test_mutated_text_is_read_or_refused(seed: str, changes: list[tuple[int, int, str]]) -> None:
    outcome(mutated(seed, changes))


@pytest.mark.parametrize(
    "name",
    [
        "__import__",
        "os",
        "exec",
        "eval",
        "lambda",
        "class",
        "None",
        "np",
        "dtype",
        "float",
        "def",
        "E",
        "I",
        "N",
        "S",
        "Q",
        "O",
        "C",
        "print",
        "forward",
        "value_and_grad",
        "relu",
        "self",
        "delta",
    ],
)
def test_a_name_that_looks_like_code_is_an_ordinary_name(name: str) -> None:
    net = outcome(f"y = tanh(x {name} + b)")
    assert isinstance(net, Net) or name in ("__import__",)
    if isinstance(net, Net):
        tree = ast.parse(net.source)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert all(re.fullmatch(r"\w+", word) and not keyword.iskeyword(word) for word in used)
        assert not {"eval", "exec", "__import__", "open", "os"} & ({node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)})
