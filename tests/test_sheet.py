"""The sheet in a terminal. What it looks like stands in tests/expected/: read it like prose, rewrite it by `pytest --rewrite`."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algebra2net import DerivativeError, compile
from algebra2net.faces.bricks_text import CELLS, look, picture
from algebra2net.faces.canvas import line, plain, prose, width, wrapped
from algebra2net.faces.content import Content, content
from algebra2net.faces.sheet import coloured, composed
from algebra2net.formulas import Known, formula
from algebra2net.operators import OPERATORS
from algebra2net.program import symbol

SEED: dict[str, Any] = {"shapes": {"l0": 3, "l1": 4, "l2": 1}}
LSTM = "\n".join(
    [f"{gate} = sigmoid(x W_{gate} + h U_{gate} + b_{gate})" for gate in "fio"]
    + ["g = tanh(x W_g + h U_g + b_g)", "c_new = f * c + i * g", "h_new = o * tanh(c_new)"],
)  # fmt: skip
CHAIN = "; ".join(f"l{k + 1} = relu(l{k} W{k})" for k in range(40))

# fmt: off
PROGRAMS = [
    # name         program                                                        options
    ("seed",       "l2 = relu(l0 W0) W1",                                         SEED),
    ("book",       "l2 = relu(l0 W0) W1",                                         {**SEED, "names": "book"}),
    ("unknown",    "l2 = relu(l0 W0) W1",                                         {}),
    ("loss",       "l2 = relu(l0 W0) W1",                                         {"loss": "mse(l2, y)"}),
    ("digits",     "L = cross_entropy(relu(X W1 + b1) W2 + b2, Y)",               {"shapes": {"X": ("B", 784), "W1": (784, 100), "W2": (100, 10)}}),
    ("attention",  "A = softmax(Q K' / sqrt(d)); O = A V",                        {}),
    ("lstm",       LSTM,                                                          {}),
    ("layernorm",  "y = layernorm(x, gamma, beta)",                               {}),
    ("own",        "swish(x) = x * sigmoid(x); y = swish(X W + b) V",             {}),
    ("chain",      CHAIN,                                                         {}),
    ("columns",    "y = W x + b where W: 2x3, x: 3",                              {}),
    ("ridge",      "beta_hat = (X' diag(w) X + lambda I_n)^-1 X' diag(w) y",      {}),
    ("blocks",     "y = [x W, 1; h, 0] where x: 1x3, W: 3x2",                     {"wrt": "all"}),
    ("norms",      "L = ‖x W - y‖_2^2 + λ ‖W‖_1",                                 {}),
    ("constant",   "y = 1 + 2",                                                   {}),
    ("long",       "y = " + " + ".join(f"x_{k} W_{k}" for k in range(30)),        {}),
    ("wordy",      "prediction = sigmoid(input_of_the_network weights_of_the_first_layer) weights_of_the_second_layer", {}),
]
# fmt: on
NETS = {name: compile(program, **options) for name, program, options in PROGRAMS}
WIDTHS = (40, 60, 71, 72, 80, 99, 100, 127, 128, 140, 200)
SHOWN = [
    ("seed", 60), ("seed", 80), ("seed", 140), ("loss", 80), ("attention", 80), ("attention", 100), ("lstm", 80), ("lstm", 140),
    ("chain", 80), ("own", 80), ("digits", 80), ("layernorm", 80), ("book", 140),
]  # fmt: skip
of_each = pytest.mark.parametrize("name", NETS)


@pytest.mark.parametrize(("name", "columns"), SHOWN)
def test_the_sheet_looks_as_it_should(name: str, columns: int, expected: Callable[[str, str], None]) -> None:
    expected(f"sheet-{name}-{columns}.txt", NETS[name].sheet(columns))


@of_each
def test_no_line_is_wider_than_it_may_be(name: str) -> None:
    for columns in WIDTHS:
        assert max(map(width, NETS[name].sheet(columns).split("\n"))) <= columns


@of_each
def test_no_line_ends_in_blanks_and_no_mark_is_left_over(name: str) -> None:
    for row in NETS[name].sheet(80).split("\n"):
        assert row == row.rstrip()
        assert not any("\ue000" <= character <= "\uf8ff" for character in row)


@of_each
def test_the_code_is_that_of_the_source(name: str) -> None:
    lines = {row.strip() for row in NETS[name].source.split("\n")}
    here = content(NETS[name])
    assert {row for equation in (*here.forward, *here.backprop) for row in equation.code} <= lines


@of_each
def test_code_names_nothing_that_was_not_there_before(name: str) -> None:
    """Read from top to bottom, every step is defined before it is used."""
    here = content(NETS[name])
    sections = (here.forward, (*here.forward, *here.backprop))
    for rows in sections:
        defined: set[str] = set()
        steps = {text.partition(" = ")[0] for row in rows for text in row.code} - {entry.identifier for entry in here.entries}
        for row in rows:
            for text in row.code:
                name_of, _, value = text.partition(" = ")
                assert not ({word for word in _words(value) if word in steps} - defined), text
                defined.add(name_of)


def _words(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])[^\W\d]\w*", text))


@of_each
def test_every_symbol_is_in_the_glossary(name: str) -> None:
    here = content(NETS[name])
    assert {token.name for row in (*here.forward, *here.backprop) for token in row.tokens if token.name} <= set(here.by_name)
    assert all(entry.role in CELLS for entry in here.entries)


@of_each
def test_the_tokens_of_an_equation_are_its_unicode(name: str) -> None:
    """What is shown in pieces is what `spell` writes in one."""
    net = NETS[name]
    shown = ["".join(token.text for token in row.tokens) for row in content(net).forward]
    typed = net.program.with_equations(net.program.equations, hidden=frozenset()).unicode().split("\n")
    assert shown == typed[len(typed) - len(shown) :]


def test_print_gives_the_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert str(NETS["seed"]) == NETS["seed"].sheet(100)


def test_every_layer_that_backprop_speaks_of_has_a_line() -> None:
    sheet = NETS["seed"].sheet(140)
    for equation in ("l₁ = relu(l₀ W₀)", "l₂ = l₁ W₁", "∂L/∂W₁ = l₁ᵀ δ₂", "δ₁ = δ₂ W₁ᵀ ∘ relu'(l₀ W₀)", "∂L/∂W₀ = l₀ᵀ δ₁"):
        assert equation in sheet
    for code in ("l1 = relu(l0 @ W0)", "dW1 = l1.T @ d2", "d1 = d2 @ W1.T * relu_slope(l1)", "dW0 = l0.T @ d1"):
        assert code in sheet


def test_a_deep_chain_stays_short() -> None:
    """Forty layers: pictures that look the same are drawn twice, the glossary has a line for each family."""
    assert NETS["chain"].sheet(80).count("\n") < 260
    assert "W₀ … W₃₉" in NETS["chain"].sheet(80)


def test_what_cannot_be_written_as_code_is_said_below_what_can_be_shown() -> None:
    sheet = compile("y = 2 ones(n, d)").sheet(80)
    assert "y = 2 ones(n, d)" in sheet
    assert "no code: line 1, column 7: nothing says how large n is" in sheet


def test_what_cannot_be_derived_is_said_below_what_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    net = compile("y = x W")
    monkeypatch.setattr(type(net), "backprop", property(_refuse))
    sheet = net.sheet(80)
    assert "y = x @ W" in sheet
    assert "no backprop: this has no derivative" in sheet


def _refuse(_: Any) -> Any:
    raise DerivativeError("this has no derivative")


def test_a_size_stands_on_the_brick_however_large_it_is() -> None:
    here = content(NETS["digits"])
    drawn = "\n".join(plain(row) for row in picture(here.forward[0].tokens, here.by_name, 78))
    assert "784×100" in drawn
    assert "▬▬⋯▬▬" in drawn


def test_a_transpose_is_turned() -> None:
    here = content(NETS["seed"])
    (gradient,) = (row for row in here.backprop if row.name.name == "dW0")
    drawn = [plain(row).rstrip() for row in picture(gradient.tokens, here.by_name, 78)]
    assert drawn == ["∂L/∂W₀   l₀ᵀ     δ₁", " ▰▰▰▰    ▭⋯▭    ▱▱▱▱", " ▰▰▰▰  = ▭⋯▭  · ⋮⋮⋮⋮", " ▰▰▰▰    ▭⋯▭    ▱▱▱▱", " 3×4     3×n0   n0×4"]


def test_pictures_that_differ_in_names_alone_look_the_same() -> None:
    here = content(NETS["chain"])
    looks = {look(row.tokens, here.by_name) for row in here.forward}
    assert len(looks) == 1


# ------------------------------------------------------------------------------------------------------- breaking lines

# fmt: off
BREAKS = [
    # a line                                       columns  its lines
    ("y = a b + c d",                              20,      ["y = a b + c d"]),
    ("y = a b + c d - e f",                        14,      ["y = a b + c d", "   - e f"]),
    ("y = f(a + b) ∘ c",                           14,      ["y = f(a + b)", "   ∘ c"]),
    ("dW = x.sum(axis=0, keepdims=True)",          24,      ["dW = x.sum(axis=0,", "     keepdims=True)"]),
    ("incomprehensibilities",                      10,      ["incompreh", "ensibilit", "ies"]),
]
# fmt: on


@pytest.mark.parametrize(("text", "columns", "lines"), BREAKS)
def test_lines_are_broken_before_what_binds_most_loosely(text: str, columns: int, lines: list[str]) -> None:
    rows = [plain(row) for row in wrapped(line(text), columns)]
    assert all(width(row) <= columns for row in rows)
    if "=" in text:
        assert rows == lines


@given(st.text(alphabet="ab ŷ漢+∘*()=, \u0303", max_size=120), st.integers(8, 60))
def test_breaking_keeps_every_letter_and_the_width(text: str, columns: int) -> None:
    rows = wrapped(line(text), columns)
    assert all(width(row) <= columns for row in rows)
    assert "".join("".join(map(plain, rows)).split()) == "".join(text.split())


@given(st.lists(st.text(alphabet="abcŷ", min_size=1, max_size=30), max_size=20), st.integers(4, 40))
def test_prose_keeps_every_word_and_the_width(words: list[str], columns: int) -> None:
    rows = prose(" ".join(words), columns)
    assert all(width(row) <= columns for row in rows)
    assert "".join(map(plain, rows)).replace(" ", "") == "".join(words)


# ------------------------------------------------------------------------------------------------------------- all else


def test_colours_say_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = io.StringIO()
    coloured(composed(NETS["attention"], 80), out)
    assert "\x1b[" in out.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", out.getvalue()).rstrip() == NETS["attention"].sheet(80)


def test_importing_the_package_imports_neither_rich_nor_click_nor_scipy() -> None:
    code = "import sys, algebra2net; print(sorted({'rich', 'click', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_glossary_says_what_everything_is() -> None:
    here: Content = content(NETS["seed"])
    assert {entry.text: entry.role for entry in here.entries} == {
        "l₀": "data", "W₀": "parameter", "W₁": "parameter", "l₁": "hidden layer", "l₂": "output",
        "δ₂": "signal", "δ₁": "signal", "δ": "signal", "∂L/∂W₁": "gradient", "∂L/∂W₀": "gradient",
    }  # fmt: skip


def test_functions_that_are_there_for_their_digits_show_the_formula_that_they_are() -> None:
    plain = Known(lambda value: value, lambda value: value)
    for here in OPERATORS.values():
        if here.family == "stable" and here.sympy:
            value = here(*(symbol(operand) for operand in here.operands))
            assert formula(value, plain).func is not value.func, here.name


def test_a_part_of_a_function_goes_by_the_function_that_users_know() -> None:
    shown = compile("y = layernorm(x W) where W: 3x4").backprop.unicode()
    assert "layernorm(x W)" in shown
    assert "standardize" not in shown


def test_a_block_of_numbers_is_an_array_of_numbers() -> None:
    net = compile("y = x [1, 0; 0, -2.5] + [1, pi]")
    assert "np.array([[1, 0], [0, -2.5]], dtype=dtype)" in net.source
    assert "np.array([[1, np.pi]], dtype=dtype)" in net.source
    found = net(x=np.ones((3, 2), np.float32))
    assert found.dtype == np.float32
    assert found == pytest.approx(np.array([[2, np.pi - 2.5]] * 3), rel=1e-6)


@pytest.mark.parametrize(
    ("program", "typed", "words"),
    [
        ("y = log(1 + exp(x W))", "log(1 + exp(x))", "computed as softplus(x): softplus; no exponential overflows"),
        ("g = sigmoid(x W)\nh = (1 - g) * x", "1 - sigmoid(x)", "nothing cancels: no digits are lost"),
    ],
)
def test_what_is_computed_otherwise_than_typed_is_said_with_the_reason(program, typed, words):
    net = compile(program)
    for shown in (net.sheet(100), re.sub(r"<[^>]+>", " ", net.html()), net.tex()):
        flat = " ".join(shown.split())
        assert typed in flat
        assert words in flat
    assert "computed as" not in compile(program, stabilize=False).sheet(100)
