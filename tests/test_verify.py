"""Claims about gradients: right ones are called right however they are written, and the answer says what it rests on."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from algebra2net import NotationError, compile
from algebra2net.gallery import find
from algebra2net.net import Net

# fmt: off
NETWORKS = {
    "relu":      "l2 = relu(l0 W0) W1; L = sum((l2 - y)^2) / 2",
    "mse":       "l2 = relu(l0 W0) W1; L = mse(l2, y)",
    "no loss":   "l2 = relu(l0 W0) W1",
    "nielsen":   "z2 = W2 x + b2; a2 = sigmoid(z2); z3 = W3 a2 + b3; a3 = sigmoid(z3); C = sum((a3 - y)^2) / 2 where x: d x 1, W2: k x d, W3: o x k, b2: k x 1, b3: o x 1",
    "ng":        "Z1 = W1 X + b1; A1 = tanh(Z1); Z2 = W2 A1 + b2; A2 = sigmoid(Z2); J = -1/m sum(Y * log(A2) + (1 - Y) * log(1 - A2)) where X: n x m, W1: h x n, b1: h x 1, W2: 1 x h, b2: 1 x 1, Y: 1 x m",
    "cs231n":    "hidden = relu(X W + b); scores = hidden W2 + b2; loss = cross_entropy(scores, y) + 1/2 reg sum(W^2) + 1/2 reg sum(W2^2) where reg: 1x1, X: N x D",
    "iris":      "z = X W + b; p = softmax(z); L = cross_entropy(z, y)",
    "classes":   "p = softmax(X W + b)",
    "columns":   "z = W x + b; p = softmax(z')'; L = -sum(y * log(p)) where x: d x n, b: k x 1",
    "binary":    "p = sigmoid(X W + b)",
    "logistic":  "p = sigmoid(X W + b); L = bce(p, y)",
    "elman":     "h = tanh(x W + g U + b); o = h V; L = sum((o - y)^2) / 2",
    "ridge":     "r = X w - y; L = sum(r^2) / 2 + lambda sum(w^2) / 2",
    "attention": "Q = X A; K = X B; S = Q K' / sqrt(d); P = softmax(S); O = P X; L = sum(O * T) where X: n x d, A: d x k, B: d x k",
    "factors":   "R = U V' - M; L = sum(R^2)",
    "relu6":     "l1 = relu6(l0 W0); L = sum(l1 * y)",
    "three":     "l1 = tanh(l0 W0); l2 = sigmoid(l1 W1); l3 = l2 W2; L = sum((l3 - y)^2) / 2",
    "own":       "swish(x) = x * sigmoid(k x)\nl1 = swish(x W)\nL = sum(l1 * y)\nk: 1x1",
    "book":      "layer_2 = relu(layer_0.dot(weights_0_1)).dot(weights_1_2)",
    "inverse":   "L = trace(inv(A) B)",
    "determinant": "L = logdet(A)",
    "norm":      "y = x / norm(x, axis=1); L = sum(y * t)",
    "largest":   "z = x W; L = max(z)",
}

RIGHT = [
    # network      what is claimed, and true
    ("largest",    "dW = x' ((z == L) / sum(z == L))"),
    ("relu",       "dW0 = l0' ((l2 - y) W1' * relu'(l0 W0))"),
    ("relu",       "dW0 = l0.T @ ((l2 - y) @ W1.T * (l0 @ W0 > 0))"),
    ("relu",       r"\frac{\partial L}{\partial W_0} = \ell_0^\top \delta_1"),
    ("relu",       r"\frac{\partial \mathcal{L}}{\partial W_{0}} = l_0^T \left[ \left( (l_2 - y) W_1^T \right) \odot \operatorname{relu}'(l_0 W_0) \right]"),
    ("relu",       r"\nabla_{W_1} L = l_1^\top (l_2 - y)"),
    ("relu",       r"dW_1 = l_1^\top \delta_2"),
    ("relu",       r"\frac { \partial L } { \partial W _ { 1 } } = l _ { 1 } ^ { T } ( l _ { 2 } - y )"),
    ("relu",       r"\dfrac{dL}{dW_1} = l_1^T \dfrac{dL}{dl_2}"),
    ("relu",       r"{\partial L \over \partial \mathbf{W}_1} = l_1^{\mathsf T} \, \delta_2"),
    ("relu",       r"\partial L / \partial W^{(1)} = l_1^T (l_2 - y)"),
    ("relu",       r"\begin{align} \delta_2 &= l_2 - y \\ \frac{\partial\mathcal{L}}{\partial W_1} &= l_1^\top\delta_2 \end{align}"),
    ("relu",       "∇_{W0} L = l0' d1"),
    ("relu",       "∂L/∂W₀ = l₀ᵀ δ₁"),
    ("relu",       "∇W₁ = l₁ᵀ (l₂ - y)"),
    ("relu",       "dL/dW1 = dot(l1', l2 - y)"),
    ("relu",       "grad_W1 = l1' delta2"),
    ("relu",       "W1_grad = ((l2 - y)' l1)'"),
    ("relu",       "d1 = d2 W1' * (l1 > 0)"),
    ("relu",       "delta1 = d2 W1' * relu'(l1)"),
    ("relu",       "dl1 = d2 W1'"),
    ("relu",       "dz1 = d2 W1' * step(l0 W0)"),
    ("relu",       "dW0 = l0.T @ np.where(l1 > 0, (l2 - y) @ W1.T, 0)"),
    ("relu",       "layer_2_delta = layer_2 - y\nlayer_1_delta = layer_2_delta.dot(weights_1_2.T) * relu2deriv(layer_1)\nweights_0_1_gradient = layer_0.T.dot(layer_1_delta)"),
    ("relu",       "def relu2deriv(output):\n    return output > 0\nd2 = l2 - y\nd1 = d2.dot(W1.T) * relu2deriv(l1)\ndW0 = l0.T.dot(d1)"),
    ("relu",       "d2 = l2 - y; d1 = d2 W1' * relu_derivative(z1); dW1 = l1' d2; dW0 = l0' d1"),
    ("relu",       "err = l2 - y; g = err W1'; dW0 = l0' (g * relu'(z1))"),
    ("mse",        "dW1 = 2/n l1' (l2 - y)"),
    ("mse",        "dW1 = 2 l1' (l2 - y) / size(l2)"),
    ("mse",        "dl2 = 2 (l2 - y) / (n0 n3)"),
    ("mse",        "dl2 = 2 * (l2 - y) / l2.size"),
    ("no loss",    "dW0 = l0' ((l2 - y) W1' * relu'(l0 W0))"),
    ("no loss",    "dW0 = l0' (delta W1' * relu'(z1))"),
    ("no loss",    "dW1 = l1' δ"),
    ("no loss",    "dW1 = 2 l1' (l2 - y)"),                                  # of the squared error
    ("no loss",    "delta_2 = l2 - target; dW1 = l1' delta_2"),
    ("nielsen",    "delta3 = (a3 - y) * sigmoid'(z3); delta2 = W3' delta3 * sigmoid'(z2); db2 = delta2; dW2 = delta2 x'; dW3 = delta3 a2'"),
    ("nielsen",    r"\delta_3 = \nabla_{a_3} C \odot \sigma'(z_3) \\ \delta_2 = (W_3^T \delta_3) \odot \sigma'(z_2) \\ \frac{\partial C}{\partial b_2} = \delta_2 \\ \frac{\partial C}{\partial W^{(2)}} = \delta_2 x^T"),
    ("ng",         "dZ2 = A2 - Y; dW2 = 1/m dZ2 A1'; db2 = 1/m sum(dZ2, axis=1)", ),
    ("ng",         "dZ2 = (A2 - Y) / m; dW2 = dZ2 A1'; db2 = sum(dZ2, axis=1); dZ1 = W2' dZ2 * (1 - A1^2); dW1 = dZ1 X'; db1 = sum(dZ1, axis=1)"),
    ("cs231n",     "probs = softmax(scores); dscores = (probs - y) / N; dW2 = hidden' dscores + reg * W2; db2 = sum(dscores, axis=0); dhidden = dscores W2'; dz = dhidden * (hidden > 0); dW = X' dz + reg * W; db = sum(dz, axis=0)"),
    ("iris",       "dz = (p - y) / n; dW = X' dz; db = sum(dz, axis=0)"),
    ("iris",       "dW = X' (softmax(X W + b) - y) / n"),
    ("columns",    "dz = p - y; dW = dz x'; db = sum(dz, axis=1)"),
    ("classes",    "dW = X' (p - y)"),
    ("classes",    "dz = (p - y) / n; dW = X' dz; db = sum(dz, axis=0)"),
    ("binary",     "dW = X' (p - y)"),
    ("binary",     "dW = X' ((p - y) * p * (1 - p))"),                       # of half the squared error
    ("logistic",   "dW = X' (p - y) / size(y); db = mean(p - y, axis=0) / size(y, axis=1)"),
    ("elman",      "do = o - y; dz = do V' * (1 - h^2); dW = x' dz; dU = g' dz; db = sum(dz, axis=0); dV = h' do; dg = dz U'"),
    ("ridge",      "dw = X' (X w - y) + lambda w"),
    ("ridge",      "dw = (X' X + lambda I) w - X' y"),
    ("attention",  "dP = T X'; dS = P * (dP - sum(dP * P, axis=1)); dQ = dS K / sqrt(d); dK = dS' Q / sqrt(d); dA = X' dQ; dB = X' dK; dX = P' T + dQ A' + dK B'"),
    ("factors",    "dU = 2 (U V' - M) V; dV = 2 (U V' - M)' U"),
    ("relu6",      "dW0 = l0' (y * (z1 > 0) * (z1 < 6))"),
    ("three",      "dz2 = (l3 - y) W2' * l2 * (1 - l2); dz1 = dz2 W1' * (1 - l1^2); dW0 = l0' dz1"),
    ("own",        "s = x W; dW = x' (y * (sigmoid(k s) + s * k sigmoid'(k s)))"),
    ("own",        "dW = x' (y * swish'(x W))"),
    ("book",       "layer_2_delta = layer_2 - y\nlayer_1_delta = layer_2_delta.dot(weights_1_2.T) * relu2deriv(layer_1)\nweights_1_2_gradient = layer_1.T.dot(layer_2_delta)"),
    ("inverse",    "dA = -(inv(A) B inv(A))'; dB = inv(A)'"),
    ("determinant", "dA = inv(A)'"),
    ("norm",       "dx = (t - y * sum(y * t, axis=1)) / norm(x, axis=1)"),
]
# fmt: on


@cache
def network(name: str) -> Net:
    return compile(NETWORKS[name])


@pytest.mark.parametrize(("name", "claim"), RIGHT)
def test_what_is_right_is_called_right(name, claim):
    answer = network(name).verify(claim)
    assert answer, str(answer)


# what the answer rests on

# fmt: off
DECIDED = [
    # network      claim                                              how it is decided
    ("relu",       "dW0 = l0' ((l2 - y) W1' * relu'(l0 W0))",         "rewriting"),
    ("relu",       "dW0 = l0' (((l2 - y) W1') * (l0 W0 > 0))",        "rewriting"),
    ("relu",       "dW1 = ((l2 - y)' l1)'",                           "rewriting"),
    ("mse",        "dW1 = 2/n l1' (l2 - y)",                          "rewriting"),
    ("elman",      "db = sum((o - y) V' * (1 - h^2), axis=0)",        "rewriting"),
    ("iris",       "dW = X' (softmax(X W + b) - y) / n",              "rewriting"),
    ("logistic",   "dW = X' (p - y) / size(y)",                       "evaluation"),
    ("inverse",    "dA = -(inv(A) B inv(A))'",                        "evaluation"),
    ("relu",       "s = l2 - y; dW1 = l1' s",                                      "definition"),
]

READINGS = [
    # claim                            what is said of its names
    ("d1 = d2 W1' * relu'(z1)",        "d1 is read as the signal at z₁, inside the relu of l₁"),
    ("d1 = d2 W1'",                    "d1 is read as the signal at l₁"),
    ("layer_1_delta = d2 W1'",         "layer_1_delta is read as the signal at l₁"),
    ("dl1 = d2 W1' * (l1 > 0)",        "dl1 is read as the signal at z₁, inside the relu of l₁"),
    ("dW0 = l0' d1",                   "d1 is read as the signal at z₁, inside the relu of l₁"),
    ("dW0 = l0' (dl1 * relu'(z1))",    "dl1 is read as the signal at l₁"),
]

STRICT = [
    # network    claim                                        although a looser name would allow it
    ("relu",     "dL/dl1 = d2 W1' * relu'(z1)"),
    ("relu",     "dz1 = d2 W1'"),
    ("relu6",    "dW0 = l0' (y * relu'(z1))"),              # equal up to 6
    ("relu",     "dz1 = d2 W1' * (l1 >= 0)"),               # always 1
    ("iris",     "dz = p - y"),                             # the loss is a mean
    ("relu",     "dW1 = 0"),
    ("relu",     "dW1 = 1.00001 l1' (l2 - y)"),
]

UNREADABLE = [
    # what is claimed             what is said
    ("l0' d1",                    "a claim is an equation"),
    ("dW0 = l0' q",               "nothing says what q is"),
    ("f(x) = x * k; dW0 = l0' f(d1)", "nothing says what k is"),
    ("W0 = l0' d1",               "W0 is an input of the network"),
    ("dL/dW7 = l0' d1",           "there is no W7 in the network"),
    ("∂l1/∂z1 = relu'(z1)",       "l₁ is no loss"),
    (r"\frac{\partial l_1}{\partial z_1} = 1", "l₁ is no loss"),
    ("dQ = l0' d1", "dQ is no gradient or signal of this network"),
    ("dW0 = l0' dQ", "nothing says what dQ is"),
    ("dW0 = l0' rleu(l1)",        "there is no function rleu"),
    ("dW0 = l0' (d1",             "never closed"),
    ("",                          "nothing to read"),
    ("swish(x) = x * sigmoid(x)", "there is no claim"),
]
# fmt: on


@pytest.mark.parametrize(("name", "claim", "how"), DECIDED)
def test_it_says_whether_it_was_proved(name, claim, how):
    verdict = network(name).verify(claim)[0]
    assert verdict.right
    assert verdict.how == how


@pytest.mark.parametrize(("claim", "words"), READINGS)
def test_it_says_which_reading_of_a_name_is_right(claim, words):
    verdict = network("relu").verify(claim)[0]
    assert verdict.right
    assert words in verdict.notes


@pytest.mark.parametrize(("name", "claim"), STRICT)
def test_what_only_nearly_holds_is_wrong(name, claim):
    assert not network(name).verify(claim)


@pytest.mark.parametrize(("claim", "words"), UNREADABLE)
def test_what_cannot_be_read_is_an_error_that_says_why(claim, words):
    with pytest.raises(NotationError, match=words):
        network("relu").verify(claim)


def test_an_error_points_at_what_was_typed():
    typed = r"\frac{\partial L}{\partial W_0} = l_0^T q_7"
    with pytest.raises(NotationError) as caught:
        network("relu").verify(typed)
    assert caught.value.column == typed.index("q") + 1
    assert f"    {' ' * typed.index('q')}^^^\n" in str(caught.value)


def test_without_a_loss_the_target_says_which_one_is_meant():
    assert "half the squared error" in network("no loss").verify("dW1 = l1' (l2 - y)").assumption
    assert "the squared error" in network("no loss").verify("dW1 = 2 l1' (l2 - y)").assumption
    assert "cross-entropy of the softmax" in network("classes").verify("dW = X' (p - y)").assumption
    assert "cross-entropy of the sigmoid" in network("binary").verify("dW = X' (p - y)").assumption
    assert not network("no loss").verify("dW1 = l1' delta").assumption


def test_a_signal_off_by_a_factor_is_right_where_the_gradients_make_up_for_it():
    answer = network("ng").verify("dZ2 = A2 - Y; dW2 = 1/m dZ2 A1'; db2 = 1/m sum(dZ2, axis=1)")
    assert answer
    assert "m times the signal" in answer["dZ2"].notes[-1]
    assert not network("ng").verify("dZ2 = A2 - Y; dW2 = dZ2 A1'")


def test_labels_are_taken_to_add_up_to_one_and_it_is_said():
    assert "where each row of y adds up to 1, as that of a label does" in network("iris").verify("dz = (p - y) / n")["dz"].notes
    assert not any("adds up" in note for note in network("iris").verify("dz = (p * sum(y, axis=1) - y) / n")["dz"].notes)


def test_what_follows_from_a_wrong_claim_is_not_a_mistake_of_its_own():
    answer = network("relu").verify("d2 = y - l2; d1 = d2 W1' * relu'(z1); dW0 = l0' d1; dW1 = l1 d2")
    assert [v.right for v in answer] == [False] * 4
    assert [v.because for v in answer] == [(), ("d2",), ("d2",), ()]
    assert answer["dW1"].kinds == ("shape", "missing transpose")


def test_what_rests_on_what_cannot_be_has_no_verdict_of_its_own():
    answer = network("relu").verify("s = l0 l2; t = 2 s; d1 = t W1' * relu'(z1); dW0 = l0' d1; dW1 = l1' d2")
    assert [v.right for v in answer] == [False, False, False, False, True]
    assert [v.because for v in answer] == [(), ("s",), ("t",), ("d1",), ()]
    assert "l₀ l₂ cannot be: l₀ is n0×n1, l₂ is n0×n3" in str(answer)


def test_the_forward_pass_may_be_repeated():
    answer = network("relu").verify("z1 = l0 @ W0\nl1 = np.maximum(z1, 0)\nl2 = l1 @ W1\nd2 = l2 - y\ndW1 = l1.T @ d2")
    assert answer
    assert not network("relu").verify("l1 = l0 W0; dW1 = l1' (l2 - y)")["l1"]


def test_shapes_that_are_declared_are_what_counts():
    claim = "dW0 = l0' ((l2 - y) * W1' * relu'(z1))"  # a column times a row
    assert compile("l2 = relu(l0 W0) W1", shapes={"l0": 3, "l1": 4, "l2": 1}).verify(claim)
    assert not compile("l2 = relu(l0 W0) W1", shapes={"l0": 3, "l1": 4, "l2": 2}).verify(claim)


def test_claims_come_in_one_text_or_several_in_any_notation():
    net = network("relu")
    assert len(net.verify("d2 = l2 - y\ndW1 = l1' d2")) == 2
    assert net.verify([r"\delta_2 = l_2 - y", "dW1 = l1.T @ delta2", "∂L/∂W₀ = l₀ᵀ (δ₂ W₁ᵀ ∘ relu'(l₁))"])
    assert net.verify("dW1 = l1' * (l2 - y)", dialect="matlab")
    assert not net.verify("dW1 = l1' * (l2 - y)")


def test_large_layers_are_no_trouble():
    net = compile("z2 = relu(x W1) W2; L = cross_entropy(z2, y)", shapes={"W1": (784, 100), "W2": (100, 10)})
    assert net.verify("dz2 = (softmax(z2) - y) / n; dW2 = relu(x W1)' dz2; dW1 = x' (dz2 W2' * (x W1 > 0))")


@pytest.mark.parametrize("notation", ["plain", "unicode"])
@pytest.mark.parametrize("name", ["mlp", "lstm", "attention", "ridge", "svm", "autoencoder", "contrastive", "elman", "distillation", "linear-attention", "gat"])
def test_what_the_library_derives_is_right(name, notation):
    """Every line of a derivation is a true claim, in the names that the library itself gives to signals."""
    entry = find(name)
    net = compile(entry.program, wrt=entry.wrt)
    answer = net.verify(getattr(net.derivation, notation)())
    assert answer, str(answer)


# what is said of a wrong one


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("dW0 = l0 + l2", "l₀ + l₂ cannot be: l₀ is n0×n1, l₂ is n0×n3"),
        ("dW1 = l1' l1", "it is n2×n2, but ∂L/∂W₁ is n2×n3"),
        ("dz1 = l0 W1", "l₀ W₁ cannot be: l₀ is n0×n1, W₁ is n2×n3"),
    ],
)
def test_a_shape_that_cannot_be_is_said_in_sizes(claim, words):
    verdict = network("relu").verify(claim)[0]
    assert not verdict.right
    assert verdict.kinds[0] == "shape"
    assert verdict.faults[0].words == words


def test_the_counterexample_is_one():
    net = network("mse")
    found = net.verify("dW1 = l1' (l2 - y)")[0].counterexample
    at = {name: np.array(array) for name, array in found.arrays.items()}
    hidden = np.maximum(at["l0"] @ at["W0"], 0)
    assert np.allclose(found.claim, hidden.T @ (hidden @ at["W1"] - at["y"]))
    for place in np.ndindex(found.truth.shape):
        step = np.zeros_like(at["W1"])
        step[place] = 1e-6
        measured = (net(**at | {"W1": at["W1"] + step}) - net(**at | {"W1": at["W1"] - step})) / 2e-6
        assert found.truth[place] == pytest.approx(measured, rel=1e-6, abs=1e-8)
    gap = np.abs(found.claim - found.truth)
    assert gap[found.place] == gap.max() > 0


def test_claim_and_correction_stand_below_each_other():
    lines = str(network("relu").verify("dW0 = l0' ((l2 - y) W1 * relu'(l0 W0))")).split("\n")
    claim, correct, marks = lines[(at := next(k for k, row in enumerate(lines) if "claim  " in row)) : at + 3]
    assert claim.index("relu'") == correct.index("relu'")
    assert correct[marks.index("^") : marks.rindex("^") + 1] == "W₁ᵀ"


def test_the_step_is_named_where_claim_and_derivation_part():
    parting = network("relu").verify("dW0 = l0' ((l2 - y) W1')")[0].parting
    assert parting.agreed == ("δ₂ = l₂ - y",)
    assert parting.equation == "δ₁ = δ₂ W₁ᵀ ∘ relu'(l₀ W₀)"
    assert "the signal passes where the input was positive" in parting.rule


def test_an_answer_is_true_or_false_and_has_a_verdict_for_each_claim():
    answer = network("relu").verify("dW1 = l1' d2; dW0 = l0 d1")
    assert not answer
    assert answer["dW1"]
    assert not answer["dW0"]
    assert repr(answer) == "<Answer dW1 right, dW0 wrong>"
    with pytest.raises(KeyError):
        answer["dW5"]
