"""What users call, line by line of the page that promises it: compile, and every member of a net."""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strategies import Array
from sympy import Expr

import algebra2net
from algebra2net import AlgebraError, DerivativeError, Net, NotationError, ShapeError, compile

SEED = "l2 = relu(l0 W0) W1"
rng = np.random.default_rng(0)
AT: dict[str, Array] = {"l0": rng.normal(size=(5, 3)), "W0": rng.normal(size=(3, 4)), "W1": rng.normal(size=(4, 1))}
DELTA = rng.normal(size=(5, 1))


def by_hand(l0: Array, W0: Array, W1: Array, delta: Array) -> tuple[Array, dict[str, Array]]:
    """The seed's line and its backprop, as Grokking Deep Learning writes them."""
    layer_1 = (l0 @ W0) * (l0 @ W0 > 0)
    layer_1_delta = delta.dot(W1.T) * (l0 @ W0 > 0)
    return layer_1 @ W1, {"W0": l0.T.dot(layer_1_delta), "W1": layer_1.T.dot(delta)}


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-13, atol=1e-14)


# ----------------------------------------------------------------------------------------------------- the three uses


def test_forward_is_a_call_of_the_net() -> None:
    net = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1})
    np.testing.assert_allclose(net(**AT), by_hand(**AT, delta=DELTA)[0])


def test_the_gradients_are_those_of_the_book() -> None:
    net = compile(SEED)
    value, grads = net.value_and_grad(**AT, delta=DELTA)
    expected, gradients = by_hand(**AT, delta=DELTA)
    np.testing.assert_allclose(value, expected)
    assert_same(grads, gradients)
    assert_same(net.grad(**AT, delta=DELTA), gradients)


def test_the_latex_of_the_gradients_is_an_aligned_block() -> None:
    text = compile(SEED).latex_gradients()
    assert text.startswith("\\begin{aligned}\n")
    assert text.endswith("\n\\end{aligned}")
    assert r"\frac{\partial L}{\partial W_{0}} &=" in text
    assert text.count("&=") == text.count(r" \\") + 1


def test_torch_agrees() -> None:
    torch = pytest.importorskip("torch")
    text = "h = tanh(x W + b); z = layernorm(h U, gamma, beta); L = cross_entropy(gelu(z) V, y) + 0.1 ||W||^2"
    shapes = {"x": (6, 5), "W": (5, 4), "b": (1, 4), "U": (4, 3), "gamma": (1, 3), "beta": (1, 3), "V": (3, 2), "y": (6, 2)}
    at = {name: rng.normal(size=size) for name, size in shapes.items()} | {"y": np.eye(2)[[0, 1, 1, 0, 1, 0]]}
    value, grads = compile(text, wrt="all").value_and_grad(**at)
    t = {name: torch.tensor(array, requires_grad=True) for name, array in at.items()}
    h = torch.tanh(t["x"] @ t["W"] + t["b"])
    z = torch.nn.functional.layer_norm(h @ t["U"], (3,), t["gamma"][0], t["beta"][0])
    loss = torch.nn.functional.cross_entropy(torch.nn.functional.gelu(z) @ t["V"], t["y"]) + 0.1 * (t["W"] ** 2).sum()
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=1e-12)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, t[name].grad.numpy(), rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------------------------------- options of compile

# fmt: off
SAME_SHAPES = [{"l0": 3, "W0": (3, 4)}, {"l0": "3", "W0": "3x4"}, {"l_0": (5, 3), "W_0": [3, 4]}, {"l0": ("B", 3), "l1": 4}, {"ℓ₀": np.int64(3), "W0": "3×4"}, {"l0": ("B", "n"), "W0": (3, 4)}]
NO_SHAPES = ["3by4", "-1x4", (-1, 4), ("3", 4), (3, 4, 5), 1.5, "1.5", "", None, True]
# fmt: on


@pytest.mark.parametrize("shapes", SAME_SHAPES)
def test_shapes_are_given_in_any_of_the_usual_ways(shapes: dict[str, Any]) -> None:
    assert compile(SEED, shapes=shapes).shapes["W0"] == (3, 4)


def test_two_letters_are_rows_and_columns() -> None:
    assert compile(SEED, shapes={"W0": "nxd"}).shapes["W0"] == ("n", "d")


def test_shapes_of_one_net_are_shapes_for_another() -> None:
    net = compile("g = [cos(x B), sin(x B)]; y = g W")
    assert compile("g = [cos(x B), sin(x B)]; y = g W", shapes=net.shapes).shapes == net.shapes


@pytest.mark.parametrize("shape", NO_SHAPES)
def test_what_is_no_shape_is_refused(shape: Any) -> None:
    with pytest.raises(ShapeError, match=re.escape(f"shapes: W0 cannot be {shape!r}")):
        compile(SEED, shapes={"W0": shape})


def test_shapes_come_by_name() -> None:
    with pytest.raises(TypeError, match="name by name"):
        compile(SEED, shapes=[3, 4])  # type: ignore[arg-type]


def test_the_name_of_a_loss_is_no_loss() -> None:
    with pytest.raises(NotationError, match="mse is a function") as caught:
        compile("h = relu(x W); p = h V", loss=" mse")
    assert caught.value.hint == "say of what: mse(p, y)"
    assert compile("mse = sum((x W - y)^2)", loss="mse").output == "L"  # a value of that name


# fmt: off
WRT = [
    # wrt                     gradients by
    (None,                    ["W0", "W1"]),
    ("all",                   ["l0", "W0", "W1"]),
    (["all"],                 ["l0", "W0", "W1"]),
    ("W1",                    ["W1"]),
    (["W1", "W0"],            ["W1", "W0"]),
    (("l0",),                 ["l0"]),
    (["l1"],                  ["l1"]),
    (["W_0", "W₀", "W0"],     ["W0"]),
    ((name for name in ["W0"]), ["W0"]),
]
# fmt: on


@pytest.mark.parametrize(("wrt", "names"), WRT)
def test_wrt_names_what_to_differentiate_by(wrt: Any, names: list[str]) -> None:
    assert list(compile(SEED, wrt=wrt).grad(**AT, delta=DELTA)) == names


def test_where_nothing_looks_like_a_parameter_all_inputs_are() -> None:
    assert compile("y = x * w").parameters == ("x", "w")
    assert compile("Y = X W + b * gamma_1").parameters == ("W", "b", "gamma_1")


def test_a_loss_is_an_equation_more() -> None:
    by_option, typed = compile(SEED, loss="mse(l2, y)"), compile(f"{SEED}; L = mse(l2, y)")
    assert by_option.output == typed.output == "L"
    given = AT | {"y": rng.normal(size=(5, 1))}
    assert_same(by_option.grad(**given), typed.grad(**given))
    assert compile(SEED, loss="J = mse(l2, y)").output == "J"


def test_names_book_writes_as_the_book_does() -> None:
    source = compile(SEED, names="book").source
    assert "layer_1 = relu(layer_0.dot(weights_0_1))" in source
    assert "layer_2 = layer_1.dot(weights_1_2)" in source
    assert "layer_1_delta = layer_2_delta.dot(weights_1_2.T) * relu_slope(" in source
    assert_same(compile(SEED, names="book").grad(**AT, delta=DELTA), by_hand(**AT, delta=DELTA)[1])


def test_dialect_matlab_reads_a_star_as_the_matrix_product() -> None:
    net = compile("y = x * W .* s", dialect="matlab", shapes={"x": (2, 3), "W": (3, 4)})
    assert net.shapes["y"] == (2, 4)


@pytest.mark.parametrize("option", [{"target": "fortran"}, {"names": "none"}, {"dialect": "basic"}, {"notation": "braille"}, {"wrt": ["nobody"]}])
def test_an_option_that_is_not_there_is_refused_with_what_there_is(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"there is|one of"):
        compile(SEED, **option)


@pytest.mark.parametrize("source", [None, 3, b"y = x", ["y = x"]])
def test_a_program_is_text(source: Any) -> None:
    with pytest.raises(TypeError, match="a program is text"):
        compile(source)


def test_a_file_is_not_read_unasked() -> None:
    with pytest.raises(TypeError, match="read the file"):
        compile(Path("nets/net.alg"))  # type: ignore[arg-type]
    with pytest.raises(NotationError, match="is the name of a file"):
        compile("nets/net.alg")


def test_the_same_results_come_with_and_without_optimisation_and_stabilisation() -> None:
    for options in ({"optimize": False}, {"stabilize": False}, {"optimize": False, "stabilize": False}):
        assert_same(compile(SEED, **options).grad(**AT, delta=DELTA), by_hand(**AT, delta=DELTA)[1])  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------- what it gives


def test_a_scalar_is_a_python_float() -> None:
    net = compile("L = sum((l0 W0)^2)")
    assert type(net(l0=AT["l0"], W0=AT["W0"])) is float
    assert type(net.value_and_grad(l0=AT["l0"], W0=AT["W0"])[0]) is float
    assert type(net.forward(l0=AT["l0"], W0=AT["W0"])["L"]) is float


def test_forward_has_every_named_value_and_the_hidden_layers() -> None:
    values = compile(SEED).forward(**AT)
    assert list(values) == ["l1", "l2"]
    np.testing.assert_allclose(values["l1"], np.maximum(AT["l0"] @ AT["W0"], 0))
    several = compile("a2 = ŷ = softmax(x W); L = sum(ŷ)").forward(x=AT["l0"], W=AT["W0"])
    assert {"a2", "y_hat", "L"} <= set(several)
    np.testing.assert_array_equal(several["ŷ"], several["a2"])


def test_values_are_found_under_every_spelling_of_their_names() -> None:
    net = compile(SEED)
    grads = net.grad(**AT, delta=DELTA)
    assert grads["W_0"] is grads["W₀"] is grads["W0"]
    assert net.shapes["ℓ₁"] == net.shapes["l_1"] == net.shapes["l1"]
    assert net.gradients["W_{0}"] == net.gradients["W0"]
    with pytest.raises(KeyError):
        grads["W7"]


def test_inputs_parameters_output_and_shapes_say_what_there_is() -> None:
    net = compile(SEED, shapes={"l0": ("B", 3), "l1": 4, "l2": 1})
    assert net.inputs == ("l0", "W0", "W1")
    assert net.parameters == ("W0", "W1")
    assert net.output == "l2"
    assert net.shapes == {"l0": ("B", 3), "W0": (3, 4), "W1": (4, 1), "l1": ("B", 4), "l2": ("B", 1)}


def test_program_and_backprop_are_ordered_equations_of_sympy() -> None:
    net = compile(SEED)
    for program in (net.program, net.backprop):
        assert all(isinstance(e.value, Expr) for e in program.equations)
        made = set(program.inputs)
        for equation in program.equations:
            assert equation.value.free_symbols <= made
            made.add(equation.name)
        assert "&=" in program.latex()
    assert str(net.program) == SEED
    assert "relu" in next(e.rule for e in net.backprop.equations if e.name.name == "d1")


def test_gradients_are_expressions_of_named_values() -> None:
    net = compile(SEED)
    assert str(net.gradients["W0"]) == "l0' d1"
    assert isinstance(net.gradients["W0"], Expr)


@pytest.mark.parametrize("notation", ["plain", "unicode", "latex", "python"])
def test_a_program_goes_from_one_notation_to_another_and_back(notation: str) -> None:
    net = compile(SEED)
    again = compile(net.to(notation), notation="plain" if notation == "unicode" else notation)
    assert again.program == net.program


def test_a_notation_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no notation 'klingon'"):
        compile(SEED).to("klingon")


def test_the_source_stands_alone_on_numpy() -> None:
    for net in (compile(SEED), compile(SEED, names="book"), compile("L = sum(softmax(x W) * y)")):
        for source in (net.source, net.optimized_source):
            imports = re.findall(r"^(?:import|from) (\S+)", source, re.MULTILINE)
            assert imports == ["numpy"]
    assert "from scipy import special" in compile("y = erf(x)").source


def test_the_source_is_the_same_in_every_process() -> None:
    script = "import algebra2net; print(algebra2net.compile('h = tanh(x W + b); z = gelu(h U); L = cross_entropy(z V, y) + ||W||^2').source)"
    texts = []
    for seed in ("1", "2"):
        surroundings = {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        texts.append(subprocess.run([sys.executable, "-c", script], env=surroundings, capture_output=True, text=True, check=True).stdout)
    assert texts[0] == texts[1]
    assert "def value_and_grad" in texts[0]


def test_check_reports_and_raises_nothing() -> None:
    net = compile("h = tanh(x W + b); L = mse(h V, y)")
    report = net.check(seed=3)
    assert report
    assert [line.name for line in report.lines] == list(net.grad(**{name: np.ones([3 if isinstance(n, str) else n for n in net.shapes[name]]) for name in net.inputs}))
    assert "agrees" in str(report)
    assert str(net.check(seed=3)) == str(report)
    assert compile(SEED).check(seed=0, **AT)


@pytest.mark.parametrize(
    ("program", "wrt"),
    [("h = tanh(x W)\nL = sum(h^2)", ["h", "W"]), ("h = tanh(x W)\ng = h * 2\ny = g U + h V", ["h", "g"]), ("s = sum(x^2)\nL = s * sum(W) + s^2", ["s"]), ("y = [x, h] W", None)],
)
def test_check_measures_by_values_inside_and_by_blocks(program: str, wrt: list[str] | None) -> None:
    assert compile(program, wrt=wrt).check()


def test_check_shows_where_a_gradient_differs() -> None:
    """At a corner the measured slope is another than the one that was agreed on."""
    report = compile("y = relu(x)", wrt=["x"]).check(x=np.zeros((1, 2)))
    assert not report
    assert re.search(r"DIFFERS at \[0, [01]\]: derived 0, measured", str(report))


# --------------------------------------------------------------------------------------------------- names of inputs

# fmt: off
SPELLED = [
    # program               keyword for the value 2, and for the 3
    ("y = λ x",             "λ", "x"),
    ("y = λ x",             "lambda_", "x"),
    ("y = λ x",             "lambda", "x"),
    ("y = lambda x",        "λ", "x"),
    ("y = ŷ * x",           "y_hat", "x"),
    ("y = ŷ * x",           "ŷ", "x"),
    ("y = W_0 * x",         "W0", "x"),
    ("y = W0 * x",          "W_0", "x"),
    ("y = h_{t-1} * x",     "h_t_minus_1", "x"),
    ("y = h_{t-1} * x",     "h_{t-1}", "x"),
    ("y = self * x",        "self", "x"),
    ("y = cls * x",         "cls", "x"),
    ("y = class * x",       "class_", "x"),
    ("y = None * np",       "None_", "np"),
    ("y = arrays * net",    "arrays", "net"),
    ("y = E * Q",           "E", "Q"),
    ("y = S * N",           "S", "N"),
    ("y = seed * dtype",    "seed", "dtype"),
    ("y = forward * float", "forward", "float"),
    ("y = print * len",     "print", "len"),
    ("y = delta * x",       "delta", "x"),
]
# fmt: on


@pytest.mark.parametrize(("program", "one", "other"), SPELLED)
def test_any_name_of_an_input_works_as_a_keyword(program: str, one: str, other: str) -> None:
    net = compile(program, wrt="all")
    given = {one: np.array([[2.0]]), other: np.array([[3.0]])}
    assert np.asarray(net(**given)).tolist() == [[6.0]] or net(**given) == 6.0
    signal = {"delta_" if one == "delta" else "delta": np.array([[1.0]])} if isinstance(net(**given), np.ndarray) else {}
    assert sorted(float(np.sum(grad)) for grad in net.grad(**given, **signal).values()) == [2.0, 3.0]
    if "seed" not in given:
        assert net.check(seed=0, **given)


def test_an_input_called_delta_leaves_delta__to_the_error_signal() -> None:
    net = compile("y = x W + delta", wrt="all")
    given = {"x": np.ones((1, 2)), "W": np.ones((2, 3)), "delta": np.zeros((1, 3))}
    grads = net.grad(**given, delta_=np.array([[1.0, 2, 3]]))
    assert grads["delta"].tolist() == [[1, 2, 3]]
    assert grads["x"].tolist() == [[6, 6]]
    with pytest.raises(TypeError, match="missing delta_"):
        net.grad(**given)


# --------------------------------------------------------------------------------------------------- arrays as they come

W = np.arange(12.0).reshape(3, 4)
# fmt: off
AS_THEY_COME = [
    # x                                                   the value's dtype
    ([[1, 2, 3]],                                         np.float64),
    ([1, 2, 3],                                           np.float64),
    ((1.0, 2.0, 3.0),                                     np.float64),
    (np.array([[1, 2, 3]]),                               np.float64),
    (np.array([[1, 2, 3]], dtype=np.int8),                np.float64),
    (np.array([[1., 2, 3]], dtype=">f8"),                 np.float64),
    (np.asfortranarray([[1., 2, 3]]),                     np.float64),
    (np.array([[1., 0, 2, 0, 3, 0]])[:, ::2],             np.float64),
    (np.broadcast_to(np.array([[1., 2, 3]]), (1, 3)),     np.float64),
    (np.ma.masked_array([[1., 2, 3]]),                    np.float64),
]
# fmt: on


@pytest.mark.parametrize(("x", "dtype"), AS_THEY_COME)
def test_arrays_are_taken_as_they_come(x: Any, dtype: Any) -> None:
    value = compile("y = x W")(x=x, W=W)
    assert value.dtype == dtype
    assert value.tolist() == (np.array([[1.0, 2, 3]]) @ W).tolist()


def test_one_type_of_float_goes_in_and_comes_out() -> None:
    net = compile("y = relu(2.5 x W / sqrt(3) + 1)^2 * pi")
    for dtype, result in ((np.float64, np.float64), (np.float32, np.float32), (np.float16, np.float32)):
        value, grads = net.value_and_grad(x=np.ones((1, 3), dtype), W=W.astype(dtype), delta=np.ones((1, 4)))
        assert value.dtype == grads["W"].dtype == result
    assert net(x=np.ones((1, 3), np.float32), W=np.ones((3, 4), int)).dtype == np.float32
    assert net(x=np.ones((1, 3), np.float32), W=W).dtype == np.float64


def test_the_same_array_may_be_given_twice() -> None:
    x = np.array([[1.0, 2], [3, 4]])
    before = x.copy()
    grads = compile("L = sum(A B)", wrt="all").grad(A=x, B=x)
    assert grads["A"].tolist() == [[3, 7], [3, 7]]
    assert grads["B"].tolist() == [[4, 4], [6, 6]]
    np.testing.assert_array_equal(x, before)


def test_a_later_call_does_not_change_an_earlier_result() -> None:
    net = compile(SEED)
    first = net.value_and_grad(**AT, delta=DELTA)
    kept = copy.deepcopy(first)
    net.value_and_grad(**{name: array + 1 for name, array in AT.items()}, delta=DELTA)
    np.testing.assert_array_equal(first[0], kept[0])
    for name, grad in first[1].items():
        np.testing.assert_array_equal(grad, kept[1][name])


def test_nan_and_inf_pass() -> None:
    value = compile("y = x * 2")(x=[[np.nan, np.inf, -np.inf]])
    np.testing.assert_array_equal(value, [[np.nan, np.inf, -np.inf]])


def test_read_only_arrays_are_only_read() -> None:
    given = {name: array.copy() for name, array in AT.items()}
    for array in given.values():
        array.flags.writeable = False
    value, grads = compile(SEED).value_and_grad(**given, delta=DELTA)
    value += 1  # what comes out is the caller's own
    for grad in grads.values():
        grad += 1


# fmt: off
PARAMETERS = [
    # program                                               what training changes
    ("L = 1/(2 N) sum((x W - y)^2)",                        ("W",)),          # N counts
    ("L = C mean(relu(1 - y * (x w + b))) + ||w||^2 / 2",   ("b",)),          # C weighs a penalty
    ("L = mse(x W + b, y) + beta sum(W^2)",                 ("W", "b")),
    ("L = mse(W * x + b, y) where W ∈ R, b ∈ R",            ("W", "b")),      # scalars that meet data
    ("y = W * x + b; W ∈ R; x ∈ R; b ∈ R",                  ("W", "b")),
    ("p = softmax(x W / T)",                                ("W", "T")),
]
# fmt: on


@pytest.mark.parametrize(("program", "trained"), PARAMETERS)
def test_what_weighs_a_sum_over_everything_is_not_trained(program: str, trained: tuple[str, ...]) -> None:
    net = compile(program)
    assert net.parameters == trained
    assert tuple(net.gradients) == trained
    assert all(("parameter" in line) == (line.split()[1] in trained) for line in net.sheet(100).split("Symbols")[1].split("\n")[2:] if " data " in line or " parameter " in line)


def test_arrays_come_by_name() -> None:
    with pytest.raises(TypeError, match=re.escape("arrays come by name: net(l0=…, W0=…, W1=…)")):
        compile(SEED)(*AT.values())


def test_numbers_make_a_net_of_numbers() -> None:
    """One neuron, as the first chapter has it: the value is a float, its gradient asks for no delta."""
    net = compile("p = sigmoid(w*x + b); L = (p - y)^2", wrt=["w", "b"])
    at = {"w": 2.0, "x": 3, "b": -5.0, "y": 0.25}
    p = 1 / (1 + np.exp(-1))
    assert net(**at) == pytest.approx((p - 0.25) ** 2)
    assert isinstance(net(**at), float)
    slope = 2 * (p - 0.25) * p * (1 - p)
    assert {name: float(grad) for name, grad in net.grad(**at).items()} == pytest.approx({"w": 3 * slope, "b": slope})
    assert net(**{name: [[value]] for name, value in at.items()}).shape == (1, 1)  # a batch of one is a batch
    assert compile("y = softmax(x)")(x=3.0) == [[1]]


# ------------------------------------------------------------------------------------------------ what is not taken

# fmt: off
REFUSED = [
    # what is wrong                         the call                                                        error       what the message says
    ("an array is missing",                 {"l0": AT["l0"], "W0": AT["W0"]},                               TypeError,  ["missing W1", "4×1"]),
    ("all are missing",                     {},                                                             TypeError,  ["missing l0", "W0 (3×4)", "W1 (4×1)"]),
    ("one is not of the program",           AT | {"W2": np.ones((1, 1))},                                   TypeError,  ["there is no input W2", "l0, W0, W1"]),
    ("a hidden layer is no input",          AT | {"l1": np.ones((5, 4))},                                   TypeError,  ["there is no input l1"]),
    ("one is given twice",                  AT | {"W_0": AT["W0"]},                                         TypeError,  ["W0 is given twice"]),
    ("a shape does not fit",                AT | {"W1": np.ones((3, 1))},                                   ShapeError, ["W1 has shape (3, 1), expected 4×1"]),
    ("it is turned round",                  AT | {"W0": AT["W0"].T},                                        ShapeError, ["W0 has shape (4, 3), expected 3×4"]),
    ("three dimensions",                    AT | {"l0": np.ones((2, 5, 3))},                                ShapeError, ["l0 has 3 dimensions (2, 5, 3)"]),
    ("text",                                AT | {"l0": [["a", "b", "c"]]},                                 TypeError,  ["l0 holds text"]),
    ("text of one word",                    AT | {"l0": "abc"},                                             TypeError,  ["l0 holds text"]),
    ("complex numbers",                     AT | {"l0": np.ones((5, 3)) * 1j},                              TypeError,  ["l0 holds complex numbers"]),
    ("objects",                             AT | {"l0": np.array([[None] * 3])},                            TypeError,  ["l0 holds Python objects"]),
    ("nothing",                             AT | {"l0": None},                                              TypeError,  ["l0 holds Python objects"]),
    ("rows of different lengths",           AT | {"l0": [[1, 2, 3], [1, 2]]},                               TypeError,  ["l0 is no array of numbers"]),
    ("dates",                               AT | {"l0": np.array([["2020-01-01"] * 3], dtype="M8[D]")},     TypeError,  ["l0 holds dates"]),
    ("a dictionary",                        AT | {"l0": {"a": 1}},                                          TypeError,  ["l0 holds Python objects"]),
]
DELTAS = [
    ("no delta",                            None,                                                           TypeError,  ["missing delta", "∂L/∂l2", "n0=5×1"]),
    ("a delta of another shape",            np.ones((5, 2)),                                                ShapeError, ["delta has shape (5, 2)", "l2"]),
    ("a delta for another batch",           np.ones((4, 1)),                                                ShapeError, ["delta has shape (4, 1)"]),
    ("a delta of text",                     [["a"]],                                                        TypeError,  ["delta"]),
    ("a delta of complex numbers",          np.ones((5, 1)) * 1j,                                           TypeError,  ["delta"]),
    ("a delta of three dimensions",         np.ones((5, 1, 1)),                                             ShapeError, ["delta has 3 dimensions"]),
]
# fmt: on


@pytest.mark.parametrize(("given", "error", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_call_that_cannot_be_meant_is_refused(given: dict[str, Any], error: type[Exception], said: list[str]) -> None:
    """By a message that names the array, what was expected and why."""
    net = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1})
    for call in (net, net.forward):
        with pytest.raises(error) as caught:
            call(**given)
        assert [words for words in said if words not in str(caught.value)] == [], str(caught.value)
    with pytest.raises(error):
        net.value_and_grad(**given, delta=DELTA)


@pytest.mark.parametrize(("delta", "error", "said"), [row[1:] for row in DELTAS], ids=[row[0] for row in DELTAS])
def test_a_delta_that_cannot_be_meant_is_refused(delta: Any, error: type[Exception], said: list[str]) -> None:
    net = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1})
    with pytest.raises(error) as caught:
        net.grad(**AT, delta=delta)
    assert [words for words in said if words not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("delta", [1.0, [[1.0]], np.ones((1, 1))])
def test_a_loss_takes_no_delta(delta: Any) -> None:
    with pytest.raises(TypeError, match="takes no delta"):
        compile("L = sum(x W)").grad(x=AT["l0"], W=AT["W0"], delta=delta)


def test_where_the_arrays_make_the_output_a_scalar_a_delta_is_its_weight() -> None:
    net = compile("y = x w")
    given = {"x": [1.0, 2.0], "w": [3.0, 4.0]}
    assert net(**given) == 11
    assert net.grad(**given, delta=[[2.0]])["w"].tolist() == [2, 4]
    assert net.grad(**given, delta=2)["x"].tolist() == [6, 8]


def test_arrays_go_in_by_name() -> None:
    with pytest.raises(TypeError):
        compile(SEED)(*AT.values())


# ------------------------------------------------------------------------------------------- copies, threads, errors


def test_nets_pickle_and_copy() -> None:
    net = compile(SEED, shapes={"l0": 3, "l1": 4}, wrt=["W0"], loss="mse(l2, y)", names="book")
    given = AT | {"y": DELTA}
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), copy.copy(net)):
        assert isinstance(other, Net)
        assert other.source == net.source
        assert_same(other.grad(**given), net.grad(**given))
    assert str(pickle.loads(pickle.dumps(net.backprop))) == str(net.backprop)
    assert pickle.loads(pickle.dumps(net.gradients["W0"])) == net.gradients["W0"]


def test_threads_get_what_one_gets() -> None:
    """Every thread brings shapes of its own, so that each needs a net for them."""
    net = compile("y = x W + b", wrt="all")

    def run(k: int) -> list[Any]:
        local = np.random.default_rng(k)
        b = local.normal(size=[(1, 4), (k + 1, 4), (k + 1, 1), (4,)][k % 4])
        value, grads = net.value_and_grad(x=local.normal(size=(k + 1, 3)), W=local.normal(size=(3, 4)), b=b, delta=np.ones((k + 1, 4)))
        return [value, *grads.values()]

    serially = [run(k) for k in range(24)]
    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(pool.map(run, range(24)), serially, strict=True):
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)


def test_errors_are_value_errors_with_a_place_and_a_way_out() -> None:
    with pytest.raises(NotationError) as caught:
        compile("l2 = rleu(l0 W0) W1")
    error = caught.value
    assert isinstance(error, AlgebraError)
    assert isinstance(error, ValueError)
    assert (error.line, error.column, error.hint) == (1, 6, "did you mean relu?")
    assert str(error).split("\n")[1:3] == ["    l2 = rleu(l0 W0) W1", "         ^^^^"]
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (NotationError, str(error))


def test_the_package_says_what_it_has() -> None:
    for name in ("compile", "Net", "AlgebraError", "NotationError", "ShapeError", "DerivativeError"):
        assert name in algebra2net.__all__
    assert algebra2net.__version__


def test_a_derivative_that_does_not_exist_leaves_the_forward_pass_alone() -> None:
    """Its DerivativeError comes from the gradient, when that is asked for."""
    net = compile("y = others_along(x, d)", wrt=["x"])
    assert net(x=np.ones((1, 3)), d=np.ones((1, 3))).shape == (1, 3)
    with pytest.raises(DerivativeError, match="has no derivative by x"):
        net.value_and_grad(x=np.ones((1, 3)), d=np.ones((1, 3)), delta=np.ones((1, 3)))


def test_who_calls_forward_alone_derives_nothing() -> None:
    net = compile("l2 = relu(l0 W0) W1", shapes={"l0": (2, 3), "W0": (3, 4), "W1": (4, 1)})
    net.forward(l0=np.ones((2, 3)), W0=np.ones((3, 4)), W1=np.ones((4, 1)))
    assert "backprop" not in vars(net)
    assert net.value_and_grad(l0=np.ones((2, 3)), W0=np.ones((3, 4)), W1=np.ones((4, 1)), delta=np.ones((2, 1)))[1]["W1"].shape == (4, 1)
    assert "def forward(" in net.optimized_source
    assert "def value_and_grad(" in net.optimized_source
