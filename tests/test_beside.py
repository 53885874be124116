"""What code takes for an operator where more is known of its operands."""

from __future__ import annotations

import numpy as np
import pytest

from algebra2net import compile

# fmt: off
CODE = [
    # algebra                          the code that has it         and has not
    ("l1 = tanh(x)\nL = sum(l1^2)",    "tanh_slope(l1, x)",         "* tanh_slope_at("),
    ("l1 = relu(x W)\nL = sum(l1^2)",  "relu_slope(l1)",            "z1 = "),
    ("y = tanh'(x)",                   "tanh_slope_at(x)",          "tanh_slope("),
    ("l1 = gelu(x)\nL = sum(l1^2)",    "gelu_slope(l1, x)",         "* gelu_slope_at("),
    ("A = softmax(x)\nL = sum(A^2)",   "above_average(A, A, 1)",    "contrast("),
    ("L = sum(y * log_softmax(x))",    "above_share(s2, y, 1)",     "excess("),
    ("L = sum(y * log_softmax(x))",    "s1, s2 = log_softmax_and_softmax(x)", " softmax("),
    ("l1 = sigmoid(x W)\nL = sum(l1^2)", "l1, l1_slope = sigmoid_and_slope(x @ W)", "z1 = "),
    ("y = sigmoid(x)\nL = sum(y^2)",   "y, y_slope = sigmoid_and_slope(x)", "sigmoid_slope("),
    ("L = sum(silu(x))",               "s1, dx = silu_and_slope(x)", "silu(x)\n    L"),
    ("y = silu'(x)",                   "silu_slope(x)",             "silu_and_slope("),
    ("L = sum(sin(x) * exp(-x^2))",    "s2 * (np.cos(x) - 2 * s1 * x)", "s2 * np.cos(x)"),    # a factor that terms share is taken out
    ("L = sum(sinh(x) * exp(x) * y)",  "dx = y * s2 * s3 + y * s3 * np.cosh(x)", "y * ("),        # not where it may be large
    ("A = x / sum(x)\nL = sum(A^2)",   "contrast(A, A, None)",      "above_average("),  # x may be negative
]
# fmt: on


@pytest.mark.parametrize(("algebra", "there", "not_there"), CODE)
def test_code_takes_what_is_known(algebra: str, there: str, not_there: str) -> None:
    source = compile(algebra).source
    assert there in source
    assert not_there not in source


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_probability_near_1_keeps_the_digits_of_its_gradient(dtype: type) -> None:
    """exp(-40) is lost beside 1, though the gradient is made of it alone; a common offset of the signal says nothing."""
    x, y = np.array([[40.0, 0.0]], dtype), np.array([[1000.5, 1000.0]], dtype)
    found = compile("L = sum(softmax(x) * y)", wrt=["x"], optimize=False).grad(x=x, y=y)["x"]
    np.testing.assert_allclose(found, 0.5 * np.exp(-40.0) * np.array([[1, -1]]), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("batch", "code"), [(1, "dW = x.T * d1"), (2, "dW = x.T @ d1"), (None, "dW = x.T @ d1")])
def test_a_batch_of_one_takes_no_product_of_matrices(batch: int | None, code: str) -> None:
    net = compile("l1 = tanh(x W)\nL = sum(l1^2)", wrt=["W"], shapes={} if batch is None else {"x": (batch, 3)}, optimize=False)
    assert code in net.source
    x, W = np.ones((batch or 2, 3)), np.ones((3, 4))
    assert net.check(x=x, W=W).passed
