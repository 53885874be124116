"""Derivations as papers write them: worked out by hand, beside what is derived.

A row of the table is a program and the lines that its backprop adds; what stands behind an ellipsis is not looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from algebra2net import AlgebraError, DerivativeError, Net, compile

# fmt: off
DERIVATIONS: list[tuple[str, dict[str, Any], str]] = [
    # the seed's line: no loss, so from the error signal at the output
    ("l2 = relu(l0 W0) W1", {}, """
        d2 = delta
        dW1 = l1' d2
        d1 = d2 W1' * relu'(l0 W0)
        dW0 = l0' d1
    """),
    ("l3 = tanh(relu(l0 W0) W1) W2", {}, """
        d3 = delta
        dW2 = l2' d3
        d2 = d3 W2' * tanh'(l1 W1)
        dW1 = l1' d2
        d1 = d2 W1' * relu'(l0 W0)
        dW0 = l0' d1
    """),
    # with a loss, from the loss
    ("l2 = relu(l0 W0) W1", {"loss": "mse(l2, y)"}, """
        d2 = 2 (l2 - y) / size(l2)
        dW1 = l1' d2
        d1 = d2 W1' * relu'(l0 W0)
        dW0 = l0' d1
    """),
    ("l2 = relu(l0 W0) W1; L = sum((l2 - y)^2) / 2", {}, """
        dW1 = l1' d2
        d1 = d2 W1' * relu'(l0 W0)
        dW0 = l0' d1
    """),
    ("l2 = relu(l0 W0) W1; L = sum((l2 - y)^2)", {}, """
        d2 = 2 (l2 - y)
        dW1 = l1' d2
        d1 = d2 W1' * relu'(l0 W0)
        dW0 = l0' d1
    """),
    # biases collect the signal of the whole batch: down the rows, or along them beside W x
    ("y = x W + b", {}, """
        d_y = delta
        db = sum(d_y, axis=0)
        dW = x' d_y
    """),
    ("y = W x + b", {}, """
        d_y = delta
        db = sum(d_y, axis=1)
        dW = d_y x'
    """),
    ("h = tanh(x W + b); y = h V + c", {"wrt": ["W", "V", "b", "c"]}, """
        d_y = delta
        dV = h' d_y
        d_h = d_y V' * tanh'(x W + b)
        db = sum(d_h, axis=0)
        dW = x' d_h
        dc = d_y
    """),
    ("y = sigmoid(x W)", {}, """
        d_y = delta * sigmoid'(x W)
        dW = x' d_y
    """),
    # regression
    ("L = ||X w - y||^2", {"wrt": ["w"]}, "dw = X' (2 (X w - y))"),
    ("L = 1/2 ||X w - y||^2", {"wrt": ["w"]}, "dw = X' (X w - y)"),
    ("L = ||X w - y||^2 + lambda ||w||^2", {"wrt": ["w"]}, "dw = 2 lambda w + X' (2 (X w - y))"),
    ("L = mean((x W - y)^2)", {}, "dW = x' (2 (x W - y) / size(…"),
    ("L = bce_logits(X w + b, y)", {"wrt": ["w", "b"]}, """
        s1 = ((1 - y) * sigmoid(X w + b) - y * sigmoid(-(X w + b))) / size(…
        db = sum(s1, axis=0)
        dw = X' s1
    """),
    # attention: what is named is stopped at
    ("Q = X W_Q; K = X W_K; V = X W_V; A = softmax(Q K' / sqrt(d)); O = A V", {"wrt": ["W_Q", "W_K", "W_V"]}, """
        d_O = delta
        d_A = d_O V'
        d_V = A' d_O
        d_A_pre = A * …
        d_Q = d_A_pre / sqrt(d) K
        d_K = (d_A_pre / sqrt(d))' Q
        dW_V = X' d_V
        dW_K = X' d_K
        dW_Q = X' d_Q
    """),
    # several uses add up
    ("y = x W + relu(x W)", {}, """
        d_y = delta
        dW = x' (d_y + d_y * relu'(x W))
    """),
    ("h = relu(x W); y = h V + h U", {}, """
        d_y = delta
        dV = h' d_y
        d_h = (d_y U' + d_y V') * relu'(x W)
        dW = x' d_h
        dU = dV
    """),
    ("L = sum(x * x)", {}, "dx = 2 x"),
    ("L = x' A x", {"wrt": ["x"], "shapes": {"x": (3, 1)}}, "dx = (x' A)' + A x"),
    # matrices
    ("L = tr(A B)", {}, """
        dA = B'
        dB = A'
    """),
    ("L = logdet(A)", {}, "dA = A^-1'"),
    ("Y = A^-1", {}, """
        d_Y = delta
        dA = -(Y' d_Y Y')
    """),
    ("x = solve(A, c)", {"wrt": "all"}, """
        d_x = delta
        dc = solve(A', d_x)
        dA = -(dc x')
    """),
    ("L = det(A)", {}, "dA = cofactors(A)"),
    # by data, by what is hidden, by everything
    ("l2 = relu(l0 W0) W1", {"wrt": ["l0"]}, """
        d2 = delta
        d1 = d2 W1' * relu'(l0 W0)
        dl0 = d1 W0'
    """),
    ("h = relu(x W); y = h V", {"wrt": ["h"]}, """
        d_y = delta
        dh = d_y V'
    """),
    ("y = x W", {"wrt": "all"}, """
        d_y = delta
        dx = d_y W'
        dW = x' d_y
    """),
    # functions of one's own, and those of the field under the names that people give them
    ("act(x) = x * cos(x); y = act(x W)", {}, """
        d_y = delta
        dW = x' (d_y * cos(x W) - d_y * x W * sin(x W))
    """),
    ("h = gelu(x W); y = h V", {}, """
        d_y = delta
        dV = h' d_y
        d_h = d_y V' * gelu'(x W)
        dW = x' d_h
    """),
    # a name that is taken
    ("d2 = relu(d0 W0) W1", {}, """
        d_{d_2} = delta
        dW1 = d1' d_{d_2}
        d_{d_1} = d_{d_2} W1' * relu'(d0 W0)
        dW0 = d0' d_{d_1}
    """),
]
# fmt: on


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def derived(net: Net) -> list[str]:
    """The lines that the derivation adds to the forward pass."""
    forward = {e.name.name for e in net.backprop.equations[: net.backprop.kept]}
    return [line for line in str(net.backprop).split("\n") if line.partition(" = ")[0] not in forward and "(x) =" not in line]


@pytest.mark.parametrize(("program", "options", "expected"), DERIVATIONS, ids=[f"{program} {options or ''}" for program, options, _ in DERIVATIONS])
def test_derivations_read_as_in_papers(program: str, options: dict[str, Any], expected: str) -> None:
    found = derived(compile(program, **options))
    wanted = lines(expected)
    assert [line[: len(want) - 1] + "…" if want.endswith("…") else line for line, want in zip(found, wanted, strict=False)] == wanted
    assert len(found) == len(wanted)


@pytest.mark.parametrize(("program", "options"), [(program, options) for program, options, _ in DERIVATIONS])
def test_every_derived_equation_says_by_which_rule_it_holds(program: str, options: dict[str, Any]) -> None:
    backprop = compile(program, **options).backprop
    assert [str(e.name) for e in backprop.equations[backprop.kept :] if not e.rule.strip()] == []


def test_the_seed_reads_in_unicode_and_latex_as_in_the_book() -> None:
    net = compile("l2 = relu(l0 W0) W1")
    assert net.backprop.unicode().split("\n")[-4:] == ["δ₂ = δ", "∂L/∂W₁ = l₁ᵀ δ₂", "δ₁ = δ₂ W₁ᵀ ∘ relu'(l₀ W₀)", "∂L/∂W₀ = l₀ᵀ δ₁"]
    assert r"\frac{\partial L}{\partial W_{0}} &= {l_{0}}^{\top} \, \delta_{1}" in net.latex_gradients()
    assert r"\delta_{1} &= \delta_{2} \, {W_{1}}^{\top} \odot \operatorname{relu}'\left(l_{0} \, W_{0}\right)" in net.latex_gradients()


# fmt: off
MODELS = [
    # an LSTM's step, a transformer's block, a variational autoencoder: nothing in them becomes a nest that nobody can read
    """
    i = sigmoid(x W_i + h U_i + b_i); f = sigmoid(x W_f + h U_f + b_f); o = sigmoid(x W_o + h U_o + b_o); g = tanh(x W_g + h U_g + b_g)
    c_1 = f * c + i * g; h_1 = o * tanh(c_1)
    """,
    """
    A = softmax(x Q (x K)' / sqrt(d)) (x V) W_O
    r = layernorm(x + A, gamma_1, beta_1)
    y = layernorm(r + gelu(r W_1 + b_1) W_2 + b_2, gamma_2, beta_2)
    L = cross_entropy(y E, t)
    """,
    """
    h = relu(x W + b); m = h M; s = h S
    z = m + exp(s / 2) * noise
    L = bce_logits(relu(z U) V, x) - 1/2 mean(1 + s - m^2 - exp(s))
    """,
]
# fmt: on


@pytest.mark.parametrize("program", MODELS)
def test_no_derived_line_is_a_nest(program: str) -> None:
    net = compile(program)
    longest = max(derived(net), key=len)
    assert len(longest) < 120, longest
    assert net.check().passed


def test_one_pass_serves_all_gradients() -> None:
    """What two gradients have in common stands there once."""
    together = derived(compile("h = tanh(x W + b); L = sum((h V - y)^2)", wrt=["W", "b", "V", "x"]))
    assert len([line for line in together if "tanh'" in line]) == 1
    assert len([line for line in together if line.startswith("d")]) == len({line.partition(" = ")[2] for line in together if line.startswith("d")})


def test_what_nobody_asked_for_is_not_derived() -> None:
    assert derived(compile("h = tanh(x W); y = h V", wrt=["V"])) == ["d_y = delta", "dV = h' d_y"]


def test_the_gradient_by_what_the_output_does_not_rest_on_is_0() -> None:
    net = compile("h = x W; y = x V", wrt=["W", "V"])
    assert net.grad(x=np.ones((2, 3)), W=np.ones((3, 4)), V=np.ones((3, 1)), delta=np.ones((2, 1)))["W"].tolist() == np.zeros((3, 4)).tolist()


def test_the_hessian_of_a_quadratic_form_is_its_matrix_and_its_transpose() -> None:
    """A derived program, printed, is compiled and derived again: ∂/∂x of v' (A + A') x is (A + A') v."""
    first = compile("L = x' A x", shapes={"x": (3, 1)}, wrt=["x"])
    second = compile(f"{first.backprop}; S = sum(dx * v)", shapes={"x": (3, 1), "v": (3, 1)}, wrt=["x"])
    A, v = np.arange(9.0).reshape(3, 3), np.array([[1.0], [2], [-1]])
    np.testing.assert_allclose(second.grad(x=np.ones((3, 1)), v=v, A=A)["x"], (A + A.T) @ v)


@pytest.mark.parametrize("program", ["L = sum(square(x^3))", "L = sum(pow(x, -2))", "L = sum(x^(-3))", "L = sum(-x * -x * --x)", "L = sum([sum(x), sum(x^2)]^2)"])
def test_what_derivation_makes_reads_back_as_what_it_is(program: str) -> None:
    """A power of a power, negative exponents, signs of signs, a block of one entry: the printed backprop is derived again, and measured."""
    first = compile(program, shapes={"x": (1, 2)}, wrt=["x"])
    second = compile(f"{first.backprop}; S = sum(dx * v)", shapes={"x": (1, 2), "v": (1, 2)}, wrt=["x"])
    assert second.check(x=np.array([[0.7, 1.3]]))
    assert second.forward(x=[0.7, 1.3], v=[1, 1])["dx"] == pytest.approx(first.grad(x=np.array([[0.7, 1.3]]))["x"], rel=1e-12)


def test_the_third_derivative_of_a_cube_is_6() -> None:
    program = "L = sum(x^3)"
    for order, slope in enumerate((3 * 2.0**2, 6 * 2.0, 6.0)):
        net = compile(program, shapes={"x": (1, 1)}, wrt=["x"])
        assert net.grad(x=2.0)["x"] == pytest.approx(slope)
        program = f"{net.backprop}; S_{order} = sum({net.backprop.outputs['x']})"


@pytest.mark.parametrize(("body", "slope"), [("k * x", [[3, 3]]), ("x", [[1, 1]]), ("2 x", [[2, 2]]), ("7", [[0, 0]]), ("k * x^2", [[6, 12]]), ("relu(x - 1)", [[0, 1]])])
def test_a_slope_has_the_shape_of_what_it_is_taken_at(body: str, slope: list[list[float]]) -> None:
    """Even where it is the same for every entry."""
    net = compile(f"f(x) = {body}; y = f'(x)", wrt="all")
    assert net(**{name: np.array([[1.0, 2.0]]) if name == "x" else 3.0 for name in net.inputs}).tolist() == slope


# ------------------------------------------------------------------------------------------- what has no derivative


def test_what_mathematics_says_nothing_of_is_refused_with_its_place() -> None:
    """The order of a polygamma function is a whole number."""
    with pytest.raises(DerivativeError) as caught:
        compile("y = x * polygamma(n, x)", wrt=["n"]).backprop  # noqa: B018
    message = str(caught.value)
    assert "polygamma has no derivative by n" in message
    assert "^^^^" in message
    assert caught.value.column == 9
    assert caught.value.hint


@pytest.mark.parametrize("function", ["floor(x)", "ceil(x)", "round(x)", "sign(x)", "step(x)", "x > y", "x == y", "x <= 2", "relu'(x)"])
def test_what_is_flat_has_slope_0(function: str) -> None:
    net = compile(f"y2 = {function} * 3", wrt=["x"], shapes={"x": (1, 2)})
    at = {name: np.array([[0.3, 1.7]]) for name in net.inputs}
    assert net.grad(**at, delta=np.ones((1, 2)))["x"].tolist() == [[0, 0]]


def test_by_what_is_not_there_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"there is no W00.*did you mean W0"):
        compile("l2 = relu(l0 W0) W1", wrt=["W00"])


# ------------------------------------------------------------------------------------------------------------ depth


def chain(count: int) -> str:
    return "\n".join(f"l{k + 1} = relu(l{k} W{k})" for k in range(count))


def test_a_chain_of_4000_layers_is_derived() -> None:
    backprop = compile(chain(4000)).backprop
    assert str(backprop).count("\n") + 1 == 3 * 4000
    assert len(backprop.latex()) > 4000


# fmt: off
DEEP = [
    # what                       program                                            slope at 1, of x
    ("nested calls",             "y = " + "tanh(" * 3000 + "x" + ")" * 3000,        None),
    ("parentheses",              "y = " + "(" * 10_000 + "x" + ")" * 10_000,        1),
    ("a long sum",               "y = " + " + ".join(["x"] * 2000),                 2000),
    ("a long product",           "y = " + " ".join(["x"] * 1000),                   1000),
    ("signs",                    "y = " + "-" * 2000 + "x",                         1),
    ("transposes",               "y = x" + "'" * 2000,                              1),
    ("blocks in blocks",         "y = sum(" + "[" * 1000 + "x" + ", x]" * 1000 + ")", 1001),
    ("fractions of fractions",   "y = " + "1 / (1 + " * 1000 + "x" + ")" * 1000,    None),
]
# fmt: on


@pytest.mark.parametrize(("program", "slope"), [row[1:] for row in DEEP], ids=[row[0] for row in DEEP])
def test_no_depth_is_too_deep(program: str, slope: float | None) -> None:
    """To print, to derive, to run: nothing recurses over the depth of what was typed."""
    net = compile(program, wrt=["x"], shapes={"x": (1, 1)})
    assert str(net.program)
    assert str(net.backprop)
    found = net.grad(x=1.0)["x"]
    assert np.isfinite(found)
    assert slope is None or found == slope


def test_a_text_that_ends_too_soon_is_refused_however_deep_it_is() -> None:
    with pytest.raises(AlgebraError):
        compile("y = " + "(" * 10_000 + "x")


# fmt: off
SHORT = [
    # what is typed                                              a line of the derivation                                                     why
    ("y = delta W",                                              "δ_y = δ_given"),                                                      # delta is taken
    ("E = logsumexp(beta X' xi) / beta where beta ∈ R",          "∂L/∂ξ = X (exp(s₁) / sum(exp(s₁)))"),                                       # β (·) / β
    ("L = -mean(log(sigmoid(x w)))",                             "L = mean(softplus(-(x w)))"),                                               # two signs
    ("L = mse(p, y) - -mean(p W)",                               "L = mean((p - y)²) + mean(p W)"),
    ("y = [x, h] W where x: 2x3, h: 2x2",                        "∂L/∂h = (δ_y Wᵀ)[:, h]"),                                                 # as the code has it
    ("L = sum(exp(s)) / 2 - sum(s) / 2",                         "∂L/∂s = exp(s) / 2 - 1 / 2"),                                                # not + -1/2
    ("L = cross_entropy(x W, y) + cross_entropy(x V, y)",        "L = -mean(s₁) - mean(s₂)"),                                                 # nor + -mean
]
# fmt: on


@pytest.mark.parametrize(("program", "line"), SHORT)
def test_a_line_is_as_short_as_an_expert_writes_it(program: str, line: str) -> None:
    net = compile(program, wrt="all")
    assert line in net.backprop.unicode().split("\n")
    assert net.check(seed=1).passed


def test_what_is_derived_of_a_program_with_a_delta_reads_back() -> None:
    printed = str(compile("y = delta W", wrt="all").backprop)
    assert compile(printed).inputs == ("delta", "W", "delta_given")


def test_a_gradient_by_a_layer_is_its_signal_and_stands_there_once() -> None:
    net = compile("h = tanh(x W); L = sum((h V)^2)", wrt=["h", "W"])
    assert str(net.backprop).split("\n")[2:] == ["dh = 2 (h V) V'", "d_h = dh * tanh'(x W)", "dW = x' d_h"]
    x, W, V = np.array([[1.0, 2.0]]), np.array([[0.5], [-0.2]]), np.array([[3.0]])
    h = np.tanh(x @ W)
    grads = net.grad(x=x, W=W, V=V)
    assert grads["h"] == pytest.approx(18 * h)  # (3 h)² differentiated by h
    assert grads["W"] == pytest.approx(x.T @ (18 * h * (1 - h**2)))


def test_every_step_of_a_transposed_product_has_its_reason() -> None:
    """δ_K = (δ_S / sqrt(d))ᵀ Q: the quotient, the product Q Kᵀ, and that K stands there transposed."""
    net = compile("S = Q K' / sqrt(d); L = sum(S^3)", wrt=["K"], shapes={"Q": (4, 3)})
    (reason,) = (e.rule for e in net.backprop.equations if e.name.name == "dK")
    assert [reason.find(word) >= 0 for word in ("quotient rule", "matrix product", "transpose of the signal")] == [True] * 3
