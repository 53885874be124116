"""The conventions where a function has no slope: one table, worked out by hand, for every spelling of the same function.

relu'(0) = 0 · |x|' = 0 at 0 · equals share a maximum's slope, a number gets none of it · the gradient of a norm at 0 is 0, never nan
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algebra2net import compile

pytestmark = pytest.mark.filterwarnings("error")  # a division by zero on the way is no way to a slope of 0

# fmt: off
OF_AN_ENTRY = [
    # the function, in its spellings                                                       at                     slopes
    ("relu", ["relu(x)", "max(0, x)", "max(x, 0)", "maximum(x, 0)", "where(x > 0, x, 0)", "where(x <= 0, 0, x)", "x * (x > 0)", "x * step(x)", "-min(0, -x)", "relu(x)^1",
              "where(x >= 0, x, 0)", "where(0 < x, x, 0)", "where(0 <= x, x, 0)", "where(x < 0, 0, x)", "where(-x <= 0, x, 0)", "where(2x >= 0, x, 0)", "x * (x >= 0)", "(0 <= x) * x",
              "where(x >= 0, 1, 0) * x", "x - x * (x < 0)", "x - x * (x <= 0)", "x - min(x, 0)", "x * (1 - (x < 0))", "m = x >= 0; z = x * m", "0.5 (x + |x|)", "(x + sqrt(x^2)) / 2",
              "-where(x <= 0, 0, -x)", "where(x == 0, 0, relu(x))", "where(x != 0, max(x, 0), 0)"],
                                                                                           [-2., 0., 3.],         [0, 0, 1]),
    ("relu6", ["relu6(x)", "clip(x, 0, 6)", "min(max(0, x), 6)", "relu(6 - relu(6 - x))", "where(x < 0, 0, where(x > 6, 6, x))", "where(x <= 0, 0, where(x >= 6, 6, x))",
               "where(x > 6, 6, where(x > 0, x, 0))", "where(x > 6, 6, relu(x))", "x * (x >= 0) * (x <= 6) + 6 (x > 6)", "min(6, x * (x >= 0))", "relu(x) - relu(x - 6)",
               "where((x >= 0) * (x <= 6), x, 6 (x > 6))"],                                [-2., 0., 3., 6., 7.], [0, 0, 1, 0, 0]),
    ("a ramp", ["max(x, 1)", "relu(x - 1) + 1", "where(x > 1, x, 1)", "max(1/2 + 1/2, x)", "where(x >= 1, x, 1)", "where(x < 1, 1, x)", "1 + (x - 1) * (x >= 1)", "where(x - 1 >= 0, x, 1)"],
                                                                                           [0., 1., 2.],          [0, 0, 1]),
    ("a cap", ["min(x, 1)", "1 - relu(1 - x)", "minimum(1, x)", "where(x <= 1, x, 1)", "where(x > 1, 1, x)", "x - (x - 1) * (x >= 1)"],
                                                                                           [0., 1., 2.],          [1, 0, 0]),
    ("hard_tanh", ["hard_tanh(x)", "clip(x, -1, 1)", "where(x < -1, -1, where(x > 1, 1, x))", "where(x > 1, 1, where(x < -1, -1, x))", "where(|x| <= 1, x, sign(x))",
                   "x * (x >= -1) * (x <= 1) + (x > 1) - (x < -1)", "(|x + 1| - |x - 1|) / 2", "relu(x + 1) - relu(x - 1) - 1"],
                                                                                           [-1., 0., 1., 2.],     [0, 1, 0, 0]),
    ("hard_sigmoid", ["hard_sigmoid(x)", "relu6(x + 3) / 6", "clip(x + 3, 0, 6) / 6", "clip(x / 6 + 0.5, 0, 1)"], [-3., 0., 3., 4.], [0, 1/6, 0, 0]),
    ("abs", ["|x|", "abs(x)", "max(x, -x)", "maximum(-x, x)", "x * sign(x)", "relu(x) + relu(-x)", "sqrt(x^2)", "sqrt(x * x)", "sqrt(square(x))", "where(x >= 0, x, -x)",
             "where(x > 0, x, -x)", "where(x < 0, -x, x)", "where(x <= 0, -x, x)", "x * (x >= 0) - x * (x < 0)", "x * (2 (x >= 0) - 1)", "x * where(x >= 0, 1, -1)", "2 relu(x) - x"],
                                                                                           [-2., 0., 3.],         [-1, 0, 1]),
    ("-min", ["-min(x, -x)", "-minimum(-x, x)"],                                           [-2., 0., 3.],         [-1, 0, 1]),
    ("leaky_relu", ["leaky_relu(x, 0.5)", "where(x > 0, x, 0.5 x)", "where(x >= 0, x, 0.5 x)", "where(x < 0, 0.5 x, x)", "max(x, 0.5 x)", "max(x / 2, x)", "relu(x) - 0.5 relu(-x)",
                    "x * (x >= 0) + 0.5 x * (x < 0)", "x * where(x >= 0, 1, 0.5)", "max(0, x) + 0.5 min(0, x)", "0.5 x + 0.5 relu(x)"],
                                                                                           [-2., 0., 3.],         [0.5, 0.5, 1]),
    ("elu", ["elu(x, 2)", "where(x > 0, x, 2 expm1(x))", "where(x >= 0, x, 2 (exp(x) - 1))", "where(x < 0, 2 expm1(x), x)", "relu(x) + 2 (exp(min(x, 0)) - 1)", "max(0, x) + min(0, 2 (exp(x) - 1))"],
                                                                                           [0., 3.],              [2, 1]),
    ("soft shrinking", ["sign(x) * relu(|x| - 1)", "where(x >= 1, x - 1, where(x <= -1, x + 1, 0))", "relu(x - 1) - relu(-x - 1)"],
                                                                                           [-2., -1., 0., 1., 2.], [1, 0, 0, 0, 1]),
    ("exp(-|x|)", ["exp(-|x|)", "where(x >= 0, exp(-x), exp(x))", "where(x < 0, exp(x), exp(-x))"], [0.],          [0]),
    ("huber", ["4 huber(x, 0)", "where(|x| <= 1, x^2 / 2, |x| - 0.5)"],                    [-2., -1., 0., 1.],    [-1, -1, 0, 1]),
    ("hinge", ["hinge(x, 1)", "mean(relu(1 - x))", "mean(max(0, 1 - x))", "mean(where(x <= 1, 1 - x, 0))", "mean((1 - x) * (x <= 1))"],
                                                                                           [0., 1., 2., 3.],      [-1/4, 0, 0, 0]),
    ("mae", ["mae(x, 1)", "mean(|x - 1|)", "||x - 1||_1 / 4", "mean(where(x >= 1, x - 1, 1 - x))"], [0., 1., 2., 3.], [-1/4, 0, 1/4, 1/4]),
    ("a jump", ["x * (x >= 1)", "where(x >= 1, x, 0)"],                                    [0., 1., 2.],          [0, 1, 1]),
    ("steps", ["step(x)", "sign(x)", "floor(x)", "ceil(x)", "round(x)", "x > 0", "x == 0", "x - x + (x >= 0)"], [-0.5, 0., 1., 2.5], [0, 0, 0, 0]),
    ("softsign", ["softsign(x)", "x / (1 + |x|)"],                                         [-1., 0., 1.],         [1/4, 1, 1/4]),
    ("0 to a power", ["x^2", "x^1 * x", "square(x)", "pow(x, 2)"],                         [-1., 0., 1.],         [-2, 0, 2]),
    ("to the power 0", ["x^0", "1 + x - x"],                                               [-1., 0., 1.],         [0, 0, 0]),
]

OF_A_ROW = [
    # the function, in its spellings                                                       at                     gradient
    ("norm at 0", ["||x||", "norm(x)", "||x||_2", "||x||_F", "norm(x, axis=1)", "sqrt(sum(x^2))", "sqrt(sum(x * x))", "sqrt(dot(x, x))", "sqrt(sum(x^2, axis=1))", "sum(norm(x, axis=0))",
                    "sqrt(x x')", "(x x')^0.5", "sqrt(2 x x') / 2", "sqrt(x x' / 3)", "sqrt(tr(x x'))", "sqrt(tr(x' x))", "sqrt(mean(x^2))", "sqrt(sum(|x|^2))", "sqrt(sum(sum(x^2, axis=1)))",
                    "sqrt(max(x^2))", "sqrt(||x||^2)", "sum(|x|^3)^(1/3)", "sum(x^4)^(1/4)", "norm(x - mean(x))"],
                                                                                           [[0., 0., 0.]],        [[0, 0, 0]]),
    ("norm", ["||x||", "norm(x)", "norm(x, axis=1)", "sqrt(sum(x^2))", "sqrt(x x')"],      [[3., 0., -4.]],       [[0.6, 0, -0.8]]),
    ("square of a norm", ["||x||^2", "||x||_2^2", "sum(x^2)", "x x'", "dot(x, x)"],        [[0., 0., 0.]],        [[0, 0, 0]]),
    ("1-norm", ["||x||_1", "norm(x, order=1)", "sum(|x|)", "norm(x, axis=1, order=1)"],    [[0., 2., -3.]],       [[0, 1, -1]]),
    ("∞-norm", ["||x||_inf", "‖x‖_∞", "norm(x, order=inf)", "max(|x|)", "max(max(x), max(-x))"], [[-4., 2., -3.]], [[-1, 0, 0]]),
    ("∞-norm, tied", ["||x||_inf", "max(|x|)"],                                            [[-4., 4., -3.]],      [[-0.5, 0.5, 0]]),
    ("∞-norm at 0", ["||x||_inf", "max(|x|)"],                                             [[0., 0.]],            [[0, 0]]),
    ("norm of each row", ["sum(norm(x, axis=1))", "sum(sqrt(sum(x^2, axis=1)))"],          [[0., 0.], [3., 4.]],  [[0, 0], [0.6, 0.8]]),
    ("norm of each column", ["sum(norm(x, axis=0))", "sum(sqrt(sum(x^2, axis=0)))"],       [[0., 3.], [0., 4.]],  [[0, 0.6], [0, 0.8]]),
    ("normalize", ["sum(normalize(x))", "sum(x / norm(x, axis=1))"],                       [[0., 0.], [3., 4.]],  [[0, 0], [4/125, -3/125]]),
    ("std", ["std(x)", "sqrt(var(x))", "sqrt(mean((x - mean(x))^2))"],                     [[2., 2., 2.]],        [[0, 0, 0]]),
    ("std of each row", ["sum(std(x, axis=1))"],                                           [[2., 2.], [1., 3.]],  [[0, 0], [-0.5, 0.5]]),
    ("max, tied", ["max(x)", "sum(max(x))", "-min(-x)", "max(max(x, axis=1))"],            [[7., 1.], [7., 0.]],  [[0.5, 0], [0.5, 0]]),
    ("max, all tied", ["max(x)", "sum(max(x, axis=1)) / 2", "sum(max(x, axis=0)) / 2"],    [[2., 2.], [2., 2.]],  [[1/4, 1/4], [1/4, 1/4]]),
    ("max down the rows", ["sum(max(x, axis=0))", "-sum(min(-x, axis=0))"],                [[7., 1.], [7., 0.]],  [[0.5, 1], [0.5, 0]]),
    ("max along each row", ["sum(max(x, axis=1))", "sum(max(x', axis=0))"],                [[7., 7.], [7., 0.]],  [[0.5, 0.5], [1, 0]]),
    ("min, three tied", ["min(x)"],                                                        [[1., 1.], [1., 4.]],  [[1/3, 1/3], [1/3, 0]]),
    ("maximum of equals", ["sum(maximum(x, 3 - x))"],                                      [[1., 1.5, 2.]],       [[-1, 0, 1]]),
    ("prod with a 0", ["prod(x)", "prod(prod(x, axis=1))"],                                [[2., 0., 5.]],        [[0, 10, 0]]),
    ("prod with two", ["prod(x)"],                                                         [[2., 0., 0.]],        [[0, 0, 0]]),
    ("det of a singular matrix", ["det(x)"],                                               [[1., 2.], [2., 4.]],  [[4, -2], [-2, 1]]),
]

SHARED = [
    # program                          at                                  gradients by a and b
    ("sum(maximum(a, b))",             [1., 2., 3.], [1., 3., 2.],         [0.5, 0, 1], [0.5, 1, 0]),
    ("sum(minimum(a, b))",             [1., 2., 3.], [1., 3., 2.],         [0.5, 1, 0], [0.5, 0, 1]),
    ("sum(max(b, a))",                 [1., 2., 3.], [1., 3., 2.],         [0.5, 0, 1], [0.5, 1, 0]),
    ("mae(a, b)",                      [1., 2., 3.], [1., 3., 2.],         [0, -1/3, 1/3], [0, 1/3, -1/3]),
    ("sum(where(a > b, a, b))",        [1., 2., 3.], [1., 3., 2.],         [0.5, 0, 1], [0.5, 1, 0]),
    ("sum(where(a <= b, a, b))",       [1., 2., 3.], [1., 3., 2.],         [0.5, 1, 0], [0.5, 0, 1]),
    ("sum(a * (a >= b) + b * (a < b))", [1., 2., 3.], [1., 3., 2.],        [0.5, 0, 1], [0.5, 1, 0]),
    ("sum(clip(a, b, 2))",             [1., 2., 1.5], [1., 0., 0.],        [0, 0, 1], [1, 0, 0]),
    ("||a - b||",                      [1., 2., 3.], [1., 2., 3.],         [0, 0, 0], [0, 0, 0]),
]
# fmt: on


def gradient(program: str, wrt: str, **at: Any) -> Any:
    """The gradient of the sum of all entries."""
    net = compile(program, wrt=[wrt])
    value = net(**at)
    return net.grad(**at, **({} if isinstance(value, float) else {"delta": np.ones_like(value)}))[wrt]


def rows(table: list[Any]) -> list[Any]:
    return [pytest.param(spelling, *row, id=f"{name}: {spelling}") for name, spellings, *row in table for spelling in spellings]


@pytest.mark.parametrize(("spelling", "at", "slopes"), rows(OF_AN_ENTRY))
def test_the_slope_of_an_entry_is_as_agreed(spelling: str, at: list[float], slopes: list[float]) -> None:
    np.testing.assert_allclose(gradient(f"y = {spelling}", "x", x=np.array([at])), [slopes], rtol=1e-14)


@pytest.mark.parametrize(("spelling", "at", "slopes"), rows(OF_A_ROW))
def test_the_gradient_by_a_row_is_as_agreed(spelling: str, at: Any, slopes: Any) -> None:
    np.testing.assert_allclose(gradient(f"y = {spelling}", "x", x=np.array(at)), slopes, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(("program", "a", "b", "by_a", "by_b"), SHARED)
def test_two_values_share_as_agreed(program: str, a: Any, b: Any, by_a: Any, by_b: Any) -> None:
    given = {"a": np.array([a]), "b": np.array([b])}
    np.testing.assert_allclose(gradient(f"y = {program}", "a", **given), [by_a], rtol=1e-14)
    np.testing.assert_allclose(gradient(f"y = {program}", "b", **given), [by_b], rtol=1e-14)


PIECES = [
    "x",
    "1",
    "-0.5",
    "relu(x)",
    "|x - 1|",
    "max(x, -1)",
    "min(2 x, 1)",
    "clip(x, -1, 1)",
    "(x >= 1)",
    "(x < -1)",
    "(0 < x)",
    "where(x > 1, x, 1)",
    "exp(min(x, 0))",
    "x^2",
    "sign(x)",
]


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(PIECES), st.sampled_from([1, -2, 0.5])), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_function_in_pieces_keeps_its_values_everywhere_and_its_slopes_between_the_corners(parts: list[tuple[str, str, float]]) -> None:
    text = "y = x + " + " + ".join(f"{factor} * {one} * {other}" for one, other, factor in parts)
    mended, typed = (compile(text, wrt=["x"], shapes={"x": (1, 9)}, stabilize=stabilize) for stabilize in (True, False))
    for x, between in (([-2.0, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 2], False), ([-2.3, -1.4, -0.7, -0.3, 0.2, 0.4, 0.8, 1.7, 3], True)):
        (value, grads), (expected, slopes) = (net.value_and_grad(x=np.array([x]), delta=np.ones((1, 9))) for net in (mended, typed))
        np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-14)
        if between:
            np.testing.assert_allclose(grads["x"], slopes["x"], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("function", ["relu(x W)", "max(0, x W)", "|x W|", "normalize(x W)", "(x W) / norm(x W, axis=1)", "norm(x W, axis=0)", "std(x W, axis=0)"])
def test_where_all_weights_are_0_their_gradient_is_0(function: str) -> None:
    """A kink deep inside a network is the same kink."""
    net = compile(f"h = {function}; L = sum(h V)", wrt=["W"], shapes={"x": (2, 3), "W": (3, 4)})
    np.testing.assert_array_equal(net.grad(x=np.ones((2, 3)), W=np.zeros((3, 4)), V=np.ones((4, 1)))["W"], np.zeros((3, 4)))


AS_TYPED = [
    ("relu", ["relu(x)", "max(0, x)", "where(x > 0, x, 0)", "x * (x > 0)", "x * step(x)", "-min(0, -x)"], [-2., 0., 3.], [0, 0, 1]),
    ("relu, given the border", ["where(x >= 0, x, 0)", "x * (x >= 0)", "x - min(x, 0)"],   [-2., 0., 3.],         [0, 1, 1]),
    ("a ramp", ["max(x, 1)", "relu(x - 1) + 1", "where(x > 1, x, 1)"],                     [0., 1., 2.],          [0, 0, 1]),
    ("hard_tanh", ["hard_tanh(x)", "clip(x, -1, 1)"],                                      [-1., 0., 1., 2.],     [0, 1, 0, 0]),
    ("leaky_relu", ["leaky_relu(x, 0.5)", "where(x > 0, x, 0.5 x)"],                       [-2., 0., 3.],         [0.5, 0.5, 1]),
    ("hinge", ["hinge(x, 1)", "mean(relu(1 - x))"],                                        [0., 1., 2., 3.],      [-1/4, 0, 0, 0]),
    ("mae", ["mae(x, 1)", "mean(|x - 1|)", "||x - 1||_1 / 4"],                             [0., 1., 2., 3.],      [-1/4, 0, 1/4, 1/4]),
]  # fmt: skip


@pytest.mark.parametrize(("spelling", "at", "slopes"), rows(AS_TYPED))
def test_kinks_are_the_same_where_the_algebra_is_kept_as_typed(spelling: str, at: list[float], slopes: list[float]) -> None:
    net = compile(f"y = sum({spelling})", wrt=["x"], stabilize=False)
    np.testing.assert_allclose(net.grad(x=np.array([at]))["x"], [slopes], rtol=1e-14)


def test_the_slope_of_a_norm_at_0_is_0_once_more() -> None:
    """The second derivative, from the derived program printed and compiled."""
    first = compile("L = ||x||", wrt=["x"])
    second = compile(f"{first.backprop}; S = sum(dx * v)", shapes={"x": (1, 2), "v": (1, 2)}, wrt=["x"])
    np.testing.assert_array_equal(second.grad(x=np.zeros((1, 2)), v=np.ones((1, 2)))["x"], np.zeros((1, 2)))
