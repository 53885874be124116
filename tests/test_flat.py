"""Parameters as one vector, and the loss as a function of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algebra2net import ShapeError, compile
from algebra2net.flat import Layout

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
TWO_LAYERS = "L = mse(tanh(x W0 + b0) W1, y)"


# ------------------------------------------------------------------------------------------------------------- layout


def test_arrays_are_packed_name_after_name_row_after_row() -> None:
    layout = Layout({"W": (2, 2), "b": (1, 2), "c": (1, 1)})
    assert layout.size == 7
    theta = layout.pack({"c": 7, "b": [5, 6], "W": [[1, 2], [3, 4]]})
    assert theta.dtype == np.float64
    assert theta.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_vector_may_be_packed_as_a_column() -> None:
    assert Layout({"v": (3, 1)}).pack({"v": [1, 2, 3]}).tolist() == [1, 2, 3]


def test_what_is_unpacked_shares_no_memory() -> None:
    layout = Layout({"W": (1, 2), "b": (1, 2)})
    theta = np.array([1.0, 2.0, 3.0, 4.0])
    first, second = layout.unpack(theta), layout.unpack(theta)
    first["W"][:] = 0
    assert theta.tolist() == [1, 2, 3, 4]
    assert second["W"].tolist() == [[1, 2]]


@given(st.dictionaries(st.sampled_from(["W0", "b", "lambda", "h_{t-1}"]), st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_unpacking_undoes_packing(shapes: dict[str, tuple[int, int]]) -> None:
    layout = Layout(shapes)
    arrays = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    found = layout.unpack(layout.pack(arrays))
    assert list(found) == list(shapes)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


# fmt: off
REFUSED = [
    # what is packed                                what is said
    ({"W0": np.ones((2, 3))},                       "missing b (1×3)"),
    ({"W0": np.ones((2, 3)), "b": 0, "Q": 1},       "there is no Q; there are W0, b"),
    ({"W0": np.ones((2, 3)), "b": np.ones(2)},      "b has shape (2,), expected 1×3"),
    ({"W0": np.ones((3, 2)), "b": np.ones(3)},      "W0 has shape (3, 2), expected 2×3"),
    ({"W0": [["a"]], "b": np.ones(3)},              "W0 holds text, not real numbers"),
    ({"W0": 1, "W_0": 2, "b": 3},                   "W0 is given twice"),
]
# fmt: on


@pytest.mark.parametrize(("arrays", "said"), REFUSED)
def test_an_array_that_cannot_be_packed_is_named(arrays: dict[str, Any], said: str) -> None:
    with pytest.raises((TypeError, ShapeError)) as error:
        Layout({"W0": (2, 3), "b": (1, 3)}).pack(arrays)
    assert said in str(error.value)


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"theta has shape \(8,\), expected \(9,\) for W0 \(2×3\) \+ b \(1×3\)"):
        Layout({"W0": (2, 3), "b": (1, 3)}).unpack(np.ones(8))


# ---------------------------------------------------------------------------------------------------------- objective


def test_its_gradient_is_the_one_that_is_measured() -> None:
    f = compile(TWO_LAYERS).objective({"x": X, "y": Y}, sizes={"b0": 4})
    theta = np.random.default_rng(1).normal(size=f.layout.size)
    value, gradient = f(theta)
    assert isinstance(value, float)
    assert (gradient.dtype, gradient.shape) == (np.float64, theta.shape)
    params = f.unpack(theta)
    assert value == pytest.approx(float(((np.tanh(X @ params["W0"] + params["b0"]) @ params["W1"] - Y) ** 2).mean()), rel=1e-14)
    h = 1e-6
    for k in range(theta.size):
        step = h * np.eye(theta.size)[k]
        assert gradient[k] == pytest.approx((f(theta + step)[0] - f(theta - step)[0]) / (2 * h), rel=1e-6, abs=1e-8)


def test_scipy_finds_the_least_squares() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    f = compile("L = sum((x W + b - y)^2)").objective({"x": X, "y": Y})
    found = optimize.minimize(f, np.zeros(f.layout.size), jac=True, options={"gtol": 1e-10})
    wanted, *_ = np.linalg.lstsq(np.hstack([X, np.ones((7, 1))]), Y, rcond=None)
    params = f.unpack(found.x)
    np.testing.assert_allclose(np.vstack([params["W"], params["b"]]), wanted, atol=1e-8)


def test_what_the_data_hold_stays_as_it_is() -> None:
    frozen = np.ones((3, 4))
    f = compile(TWO_LAYERS).objective({"x": X, "y": Y, "W0": frozen})
    assert list(f.layout.shapes.items()) == [("b0", (1, 4)), ("W1", (4, 2))]
    assert f(np.zeros(12))[1].shape == (12,)


def test_names_of_wrt_are_varied_whatever_they_are() -> None:
    net = compile("L = mse(x W, y)", wrt="x")
    f = net.objective({"W": np.ones((3, 2)), "y": Y}, like={"x": X})
    np.testing.assert_allclose(f(f.pack({"x": X}))[1].reshape(7, 3), 2 / 14 * (X @ np.ones((3, 2)) - Y) @ np.ones((2, 3)), rtol=1e-12)


def test_a_net_packs_and_unpacks_its_parameters() -> None:
    net = compile(TWO_LAYERS, shapes={"x": 3, "y": 2, "b0": 4})
    params = net.init(seed=0)
    theta = net.pack(params)
    assert theta.shape == (3 * 4 + 4 + 4 * 2,)
    for name, array in net.unpack(theta).items():
        np.testing.assert_array_equal(array, params[name])
    open_net = compile(TWO_LAYERS)
    np.testing.assert_array_equal(open_net.unpack(open_net.pack(params), like=params)["W1"], params["W1"])
    np.testing.assert_array_equal(open_net.unpack(theta, sizes={"x": 3, "W1": (4, 2)})["W1"], params["W1"])


@pytest.mark.parametrize(("module", "library", "said"), [("estimator", "sklearn.base", "algebra2net[sklearn]"), ("to_torch", "torch", "algebra2net[torch]")])
def test_what_is_missing_is_said_with_what_to_type(module: str, library: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"algebra2net.{module}", raising=False)
    with pytest.raises(ModuleNotFoundError, match=re.escape(f"pip install '{said}'")):
        getattr(compile(TWO_LAYERS), module)()


def test_the_core_imports_none_of_them() -> None:
    code = "import sys; from algebra2net import compile; compile('y = x W').source; print({'torch', 'sklearn', 'scipy'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})
    assert found.stdout == "set()\n"


# fmt: off
NO_OBJECTIVES = [
    # algebra               data                                    other arguments     what is said
    ("z = x W",             {"x": X},                               {},                 'z is no scalar (n0×n2)\n    compile with a loss: loss="mse(z, y)"'),
    (TWO_LAYERS,            {"x": X},                               {},                 "missing y (n0×n3): what is no parameter is given as data"),
    (TWO_LAYERS,            {"x": X, "y": Y},                       {},                 "nothing says how many columns W0 has (n1×n2)"),
    (TWO_LAYERS,            {"x": X, "y": Y, "Q": 1},               {},                 "there is no input Q"),
    (TWO_LAYERS,            {"x": X, "y": Y},                       {"sizes": {"Q": 1}}, "there is no Q"),
    ("L = mse(x W, y)",     {"x": X, "y": Y, "W": np.ones((3, 2))}, {},                 "the data hold W: nothing is left for theta"),
]
# fmt: on


@pytest.mark.parametrize(("algebra", "data", "options", "said"), NO_OBJECTIVES)
def test_what_is_no_objective_is_refused_by_name(algebra: str, data: dict[str, Any], options: dict[str, Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        compile(algebra).objective(data, **options)
    assert said in str(error.value)
