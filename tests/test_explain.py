"""Correlation in words: who tells whom, and what is brought together."""

from __future__ import annotations

import numpy as np
import pytest

from algebra2net import compile
from algebra2net.faces.explain import explain

SEED = "l2 = relu(l0 W0) W1"

# fmt: off
SAYS = [
    # program                                               what is said
    (SEED,                                                  "l₂ hears from the error signal what it should have been: δ₂."),
    (SEED,                                                  "l₂ tells l₁ what it should have been, through W₁: δ₁."),
    (SEED,                                                  "W₀ correlates l₀ with δ₁."),
    (SEED,                                                  "W₁ correlates l₁ with δ₂."),
    ("l1 = l0 W + b",                                       "b collects δ₁."),                                        # a bias has nothing to go with
    ("h = W x + b where W: 2x3",                            "W correlates x with δₕ."),                               # columns
    ("h = relu(relu(x W) W)",                               "W correlates h₁ with δₕ; and x with δ₁."),               # a weight that is used twice
    ("o = x W; L = sum(o) + λ sum(W * W)",                  "is moved by the loss itself:"),                          # a penalty
    ("A = softmax(Q K'); H = A V",                          "H tells A what it should have been, through V: δ_A."),
    ("f = x U; c = f * g; h = c W",                         "c tells f what it should have been, through g"),
    ("y = X W; L = sum(y)",                                 "y hears from the loss itself"),
]
# fmt: on


@pytest.mark.parametrize(("program", "said"), SAYS)
def test_says(program, said):
    assert said in compile(program).explain()


def test_numbers_say_which_way_it_goes():
    net = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1}, loss="mse(l2, y)")
    text = net.explain(l0=[[1.0, 2.0, -1.0]], W0=np.eye(3, 4), W1=np.full((4, 1), 0.5), y=[[0.0]])
    assert "loudest in row 0, column 0: 3, so it should have been lower" in text
    assert "strongest at W₁[1, 0]: 6, so descent lowers it" in text


def test_silence_is_said():
    net = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1}, loss="mse(l2, y)")
    text = net.explain(l0=[[1.0, 2.0, 3.0]], W0=-np.ones((3, 4)), W1=np.ones((4, 1)), y=[[1.0]])
    assert "silent: every entry is 0" in text
    assert "no correlation: every entry is 0" in text


def test_every_layer_and_every_parameter_has_its_sentence():
    net = compile("; ".join(f"l{k + 1} = tanh(l{k} W{k} + b{k})" for k in range(20)), loss="mse(l20, y)")
    story = explain(net.backprop)
    assert {told.layer.name for told in story.layers} >= {f"l{k}" for k in range(1, 21)}
    assert [weight.weight.name for weight in story.weights] == list(net.parameters)
    assert all(weight.pairs or weight.collects for weight in story.weights)
