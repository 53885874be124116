"""How readable code writes sums: gradients of many terms are collected as these come, the mean of sums is one sum."""

from __future__ import annotations

import re

import numpy as np
import pytest

from algebra2net import compile


def recurrent(steps: int) -> str:
    return "\n".join([*(f"h{t} = tanh(x{t} W + h{t - 1} U + b)" for t in range(1, steps + 1)), f"L = mse(h{steps}, y)"])


# fmt: off
SUMS = [
    # algebra                                                                        collected
    (recurrent(4),                                                                   {"dW", "dU", "db"}),
    (recurrent(3),                                                                   set()),               # fits on a line
    ("L = sum(tanh(W) * A) + sum(exp(W) * B) + sum(sin(W) * C) + sum(W^2 * D)",      {"dW"}),
    ("Z = W + 1; L = sum(exp(Z)) + sum(exp(W) * B) + sum(sin(W) * C) + sum(W^2 * D)", set()),               # ∂L/∂Z has a name
    ("L = sum(W * A) + sum(exp(W) * B) + sum(sin(W) * C) + sum(W^2 * D)",            set()),               # A is the user's
    ("L = sum(W' * A) + sum(exp(W) * B) + sum(sin(W) * C) + sum(W^2 * D)",           set()),               # A' is a view of it
    ("L = w * sum(A) + exp(w) * sum(A^2) + sin(w) * sum(A^3) + w^2 * sum(A^4)",      set()),               # a number
]
# fmt: on


@pytest.mark.parametrize(("algebra", "collected"), SUMS)
def test_a_long_sum_is_collected_where_its_terms_are_arrays_of_their_own(algebra: str, collected: set[str]) -> None:
    wrt = [name for name in ("W", "U", "b", "w") if re.search(rf"\b{name}\b", algebra)]
    readable, optimized = (compile(algebra, wrt=wrt, shapes={"w": (1, 1)} if wrt == ["w"] else None, optimize=fast) for fast in (False, True))
    assert set(re.findall(r"(\w+) \+= ", readable.source)) == collected
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal({"b": (1, 3), "w": (1, 1)}.get(name, (3, 3))) for name in readable.inputs}
    before = {name: array.copy() for name, array in arrays.items()}
    found = readable.grad(**arrays)
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)
    for name, gradient in optimized.grad(**arrays).items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-12, atol=1e-14)


def test_the_sheet_shows_all_lines_of_a_sum() -> None:
    sheet = str(compile(recurrent(5)).sheet(100))
    assert all(f"dW {'+' * (t < 5)}= x{t}.T @ d{t}" in sheet for t in range(1, 6))


@pytest.mark.parametrize(("shape", "code"), [(None, ".sum() / x.shape[0]"), ((4, 3), ".sum() / 4")])
def test_the_mean_of_the_sums_of_rows_is_one_sum(shape: tuple[int, int] | None, code: str) -> None:
    net = compile("L = cross_entropy(x, y)", wrt=["x"], shapes={} if shape is None else {"x": shape}, optimize=False)
    assert code in net.source
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3)), rng.random((4, 3))
    logp = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    assert net(x=x, y=y) == pytest.approx(-(y * logp).sum(axis=1).mean(), rel=1e-14)
