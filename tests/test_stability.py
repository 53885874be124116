"""What people type keeps its digits: a part of the table in stability_table.py, and what the table cannot say.

The whole table: `python -m tests.stability_table`, or STABILITY=full in the environment of pytest.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import replace

import numpy as np
import pytest

from algebra2net import compile
from algebra2net.stabilize.terms import univariate
from tests.stability_table import TABLE, ours, score

POINTS = 100_000 if os.environ.get("STABILITY") == "full" else 5  # of each row of the table
ROUGH = 0.005  # the share of results that may be further off: those of rows that nearly cancel
ROUGHEST = 0.15  # the same in any one row


def part() -> list[object]:
    """The table with a few points of each row, other ones for each row."""
    return [replace(row, points=[*row.points[k % 3 :: max(1, len(row.points) // POINTS)]]) for k, row in enumerate(TABLE)]


def test_what_people_type_is_right_to_the_last_digits() -> None:
    found = [score(ours, [row]) for row in part()]  # type: ignore[list-item]
    wrong = [line for row in found for line in row.wrong or ()]
    assert sum(row.of for row in found) > 2_500
    assert not any(row.broken for row in found), wrong
    assert len(wrong) < ROUGH * sum(row.of for row in found), wrong
    assert not [row.wrong for row in found if row.share < 1 - ROUGHEST]


# fmt: off
ENDS = [
    # what is typed                            at             value          gradient
    ("sum(p * log(p))",                        [[0.0, 1.0]],  0.0,           [[0.0, 1.0]]),   # 0 log 0 is 0
    ("-sum(y * log(p))",                       [[0.0, 1.0]],  0.0,           [[0.0, -1.0]]),
    ("sum(maximum(0, x))",                     [[0.0, 2.0]],  2.0,           [[0.0, 1.0]]),
    ("sum((abs(x) + x) / 2)",                  [[0.0, 2.0]],  2.0,           [[0.0, 1.0]]),
    ("sum(minimum(maximum(x, 0), 1))",         [[0.0, 1.0]],  1.0,           [[0.0, 0.0]]),
    ("sqrt(sum(x^2))",                         [[0.0, 0.0]],  0.0,           [[0.0, 0.0]]),   # the slope of a norm at 0
    ("sum(sqrt(x^2))",                         [[0.0, -2.0]], 2.0,           [[0.0, -1.0]]),
    ("std(x)",                                 [[2.0, 2.0]],  0.0,           [[0.0, 0.0]]),
    ("sum(where(x > 0, x * log(x), 0))",       [[0.0, -1.0]], 0.0,           [[0.0, 0.0]]),
    ("sum(where(x > 1, sqrt(x - 1), 0))",      [[1.0, -1.0]], 0.0,           [[0.0, 0.0]]),
    ("sum(where(x == 0, 1, sin(x) / x))",      [[0.0, 0.0]],  2.0,           [[0.0, 0.0]]),
    ("sum(where(x < 0, exp(x), 1))",           [[1e3, 0.0]],  2.0,           [[0.0, 0.0]]),
    ("sum(where(x > 0, log(sqrt(x)), 0))",     [[0.0, -4.0]], 0.0,           [[0.0, 0.0]]),
    ("sum(sqrt(maximum(x, 0)))",               [[4.0, -4.0]], 2.0,           [[0.25, 0.0]]),
    ("sum(exp(-exp(x)))",                      [[1e3, 800.0]], 0.0,          [[0.0, 0.0]]),   # 0 inf
    ("sum(tanh(exp(x)))",                      [[1e3, 800.0]], 2.0,          [[0.0, 0.0]]),
    ("sum(minimum(exp(x), 1))",                [[1e3, 800.0]], 2.0,          [[0.0, 0.0]]),
    ("sum(1 / exp(x))",                        [[1e3, 800.0]], 0.0,          [[0.0, 0.0]]),
    ("prod(x)",                                [[0.0, 3.0]],  0.0,           [[3.0, 0.0]]),
]
# fmt: on


@pytest.mark.parametrize(("typed", "at", "value", "gradient"), ENDS)
def test_at_the_ends_values_and_gradients_are_as_agreed(typed: str, at: list[list[float]], value: float, gradient: list[list[float]]) -> None:
    """And without a warning, unless something overflows."""
    net = compile(typed, wrt="all")
    x = np.array(at)
    arrays = {name: np.array([[0.0, 1.0]]) if name == "y" else x for name in net.inputs}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "overflow")
        found, grads = net.value_and_grad(**arrays)
    assert found == value
    np.testing.assert_array_equal(grads[net.inputs[-1]], gradient)


def test_a_branch_shared_with_others_is_left_to_them() -> None:
    """A guard is for the branch alone: l keeps its nan, y does not see it."""
    with np.errstate(invalid="ignore"):
        found = compile("l = log(x); y = where(x > 0, l, 0)").forward(x=np.array([[1.0, -1.0]]))
    assert np.isnan(found["l"][0, 1])
    np.testing.assert_array_equal(found["y"], [[0, 0]])


def test_without_stabilize_the_algebra_is_computed_as_typed() -> None:
    with np.errstate(over="ignore"):
        assert compile("log(1 + exp(x))", stabilize=False)(x=1000.0) == np.inf
    assert compile("log(1 + exp(x))")(x=1000.0) == 1000


def test_a_function_that_python_has_not_is_known_of_a_number() -> None:
    """ψ(1) is minus Euler's constant, ψ'(1) is π²/6."""
    value, slope = univariate("digamma")
    assert value(1.0) == pytest.approx(-0.5772156649015329, rel=1e-15)
    assert slope(1.0) == pytest.approx(np.pi**2 / 6, rel=1e-15)
