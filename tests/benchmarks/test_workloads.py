"""What the benchmarks compare computes the same: the code written by hand, and ours in both renderings. Nothing is timed here."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import expert, straightforward
from tests.benchmarks.__main__ import table
from tests.benchmarks.race import Ratio, difference, race, ratio
from tests.benchmarks.workloads import BY_NAME, ROWS, Array, Workload

Result = tuple[Any, dict[str, Array]]
DTYPES = ("float64", "float32")
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def by_hand(row: Workload, arrays: dict[str, Array]) -> Result:
    return getattr(straightforward, f"run_{row.name}")(**arrays)  # type: ignore[no-any-return]


def by_expert(row: Workload, arrays: dict[str, Array]) -> Result:
    return getattr(expert, f"make_{row.name}")(row.small, next(iter(arrays.values())).dtype)(**arrays)  # type: ignore[no-any-return]


@cache
def net(name: str, optimize: bool) -> Any:
    return BY_NAME[name].compiled(BY_NAME[name].small, optimize=optimize)


def by_us(row: Workload, arrays: dict[str, Array], optimize: bool) -> Result:
    made = net(row.name, optimize)
    return made.value_and_grad(**arrays) if row.derived else (made(**arrays), {})


def flat(result: Result) -> dict[str, Array]:
    value, grads = result
    return {"value": np.asarray(value), **grads}


@each_row
@each_dtype
def test_the_expert_computes_what_the_straightforward_code_does(row: Workload, dtype: str) -> None:
    arrays = row.arrays(row.small, dtype)
    assert difference(flat(by_expert(row, arrays)), flat(by_hand(row, arrays))) is None


@each_row
@each_dtype
@pytest.mark.parametrize("optimize", [False, True], ids=["readable", "optimized"])
def test_both_renderings_compute_what_the_straightforward_code_does(row: Workload, dtype: str, optimize: bool) -> None:
    arrays = row.arrays(row.small, dtype)
    assert difference(flat(by_us(row, arrays, optimize)), flat(by_hand(row, arrays))) is None


@each_row
def test_the_straightforward_gradient_is_the_slope_that_is_measured(row: Workload) -> None:
    """Along one random direction; where relu bends within the step there is none, and no such step is taken here."""
    if not row.derived:
        pytest.skip("a value alone")
    arrays = row.arrays(row.small, "float64")
    grads, rng, h = by_hand(row, arrays)[1], np.random.default_rng(1), 1e-6
    step = {name: rng.standard_normal(grad.shape) for name, grad in grads.items()}
    up, down = (by_hand(row, {name: array + sign * h * step.get(name, 0) for name, array in arrays.items()})[0] for sign in (1, -1))
    promised = sum(float(np.sum(grad * step[name])) for name, grad in grads.items())
    assert promised == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-7)


@each_row
@each_dtype
def test_the_expert_leaves_inputs_alone_and_gives_fresh_results(row: Workload, dtype: str) -> None:
    arrays = row.arrays(row.small, dtype)
    call = getattr(expert, f"make_{row.name}")(row.small, np.dtype(dtype))
    before = {name: array.copy() for name, array in arrays.items()}
    first = flat(call(**arrays))
    kept = {name: array.copy() for name, array in first.items()}
    second = flat(call(**arrays))
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)
    assert all(np.array_equal(first[name], kept[name]) for name in first)
    apart = [*arrays.values(), *first.values(), *second.values()]
    assert not any(np.shares_memory(a, b) for k, a in enumerate(apart) for b in apart[:k])


@each_dtype
def test_the_expert_s_numbers_hold_at_extreme_inputs(dtype: str) -> None:
    """No warning (they are errors here), no nan: sigmoids, softmax and gelu far out."""
    for row in ROWS:
        arrays = {name: array * 1000 if name in ("X", "x", "l0", "x1") else array for name, array in row.arrays(row.small, dtype).items()}
        found = flat(by_expert(row, arrays))
        assert all(np.isfinite(array).all() for array in found.values()), row.name


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"value": np.ones(()), "W": np.array([1.0, 2.0])}, None),
        ({"value": np.ones(()), "W": np.array([1.0, 2.0001])}, "W differs"),
        ({"value": np.ones(()), "W": np.array([1.0, 2.0], np.float32)}, "W is float32"),
        ({"value": np.ones(()), "W": np.array([1.0])}, "W is (1,), not (2,)"),
        ({"value": np.ones(()), "V": np.array([1.0, 2.0])}, "gives value, V, not value, W"),
    ],
)
def test_results_that_differ_are_not_timed(found: dict[str, Array], said: str | None) -> None:
    assert difference(found, {"value": np.ones(()), "W": np.array([1.0, 2.0])}) == said


def test_libraries_run_side_by_side_and_one_that_fails_is_named() -> None:
    times, errors = race(BY_NAME["seed"], "float32", ("straightforward", "expert", "abacus"), rounds=2)
    assert {name: len(each) for name, each in times.items()} == {"straightforward": 2, "expert": 2}
    assert ratio(times, "expert").median > 0
    assert errors == {"abacus": "KeyError: 'abacus'"}


def test_the_table_says_where_another_library_is_ahead() -> None:
    found = {("seed", "float64", name): Ratio(value, value, value) for name, value in (("optimized", 0.4), ("jax", 0.3), ("torch", 8.123))}
    lines = table([BY_NAME["seed"]], ["float64"], found)
    assert lines[2] == "| the book's 3-4-1, batch 4 | 0.40 | 0.30 | 8.1 |"
    assert lines[-1] == "JAX jit is ahead of the default on: the book's 3-4-1, batch 4."
