"""A sheet with numbers: the lines that are shown are the lines that run."""

from __future__ import annotations

import numpy as np
import pytest

from algebra2net import compile
from algebra2net.faces.canvas import width
from algebra2net.faces.numbers import inline, shades
from algebra2net.gallery import entries

SEED = "l2 = relu(l0 W0) W1"
NET = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1}, loss="mse(l2, y)")
ARRAYS = {"l0": [[1.0, 2.0, -1.0]], "W0": np.eye(3, 4), "W1": np.full((4, 1), 0.5), "y": [[0.0]]}
GALLERY = {entry.name: entry for entry in entries()}


def test_the_numbers_are_those_of_the_net():
    generator = np.random.default_rng(1)
    arrays = {name: generator.normal(size=tuple(5 if isinstance(n, str) else n for n in NET.shapes[name])) for name in NET.inputs}
    _, numbers = NET._traced(arrays, None)
    by_name = {name.name: value for name, value in numbers.items()}
    for name, value in NET.forward(**arrays).items():
        np.testing.assert_allclose(by_name[name], np.reshape(value, by_name[name].shape))
    for name, value in NET.grad(**arrays).items():
        np.testing.assert_allclose(by_name[f"d{name}"], value)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_sheet_says_what_each_equation_comes_to(columns):
    text = NET.sheet(columns, **ARRAYS)
    assert "= [1  2  0  0]" in text
    assert "= 2.25" in text
    assert "# [[1, 2, 0, 0]]" in text
    assert "# [[3], [6], [0], [0]]" in text  # ∂L/∂W1 = l1ᵀ 2 (l2 - y)
    assert max(map(width, text.split("\n"))) <= columns


def test_without_a_signal_there_is_the_forward_pass_alone():
    net = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1})
    arrays = {name: ARRAYS[name] for name in net.inputs}
    assert "# [[1], [2], [0], [0]]" not in net.sheet(100, **arrays)
    assert "# [[1], [2], [0], [0]]" in net.sheet(100, **arrays, delta=[[1.0]])


@pytest.mark.parametrize("name", ["lstm", "attention", "layer-norm"])
def test_networks_of_the_gallery_have_numbers(name):
    net = compile(GALLERY[name].program, wrt=GALLERY[name].wrt)
    generator = np.random.default_rng(2)
    sizes: dict[str, int] = {}
    arrays = {key: generator.normal(size=tuple(sizes.setdefault(n, 3) if isinstance(n, str) else n for n in net.shapes[key])) for key in net.inputs}
    text = net.sheet(120, **arrays)
    assert "=" in text
    assert "from" in text or "[" in text


# fmt: off
TEXTS = [
    ([[1.0]],                   "1"),
    ([[0.5, -1.0], [2.0, 0]],   "[0.50 −1; 2 0]"),
    (np.zeros((9, 9)),          "9 × 9, from 0 to 0, mean 0"),
]
# fmt: on


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_a_matrix_in_a_line(value, text):
    assert inline(np.asarray(value)) == text


def test_larger_is_darker():
    assert shades(np.array([[0.0, 0.5, -1.0]])) == ["··▒▒██"]
    assert shades(np.zeros((2, 1))) == ["··", "··"]
    assert shades(np.ones((1, 1))) == []
    assert shades(np.ones((99, 1))) == []
