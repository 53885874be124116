"""Derived lines read as a textbook writes them; what is shown for the reader is what the code computes."""

from __future__ import annotations

import numpy as np
import pytest

from algebra2net import compile
from algebra2net.formulas import FORMULAS
from algebra2net.gallery import find
from algebra2net.operators import OPERATORS

# fmt: off
LINES = [
    # network                  a line of its derivation
    ("linear-regression",      "∂L/∂β = Xᵀ (2 (X β - y))"),
    ("elastic-net",            "∂L/∂β = λ₁ sign(β) + 2 λ₂ β + Xᵀ (2 (X β - y))"),
    ("svm",                    "∂L/∂w = λ w - Xᵀ (relu'(s₁) / 6 ∘ y)"),
    ("nmf",                    "∂L/∂W = s₁ Hᵀ"),
    ("nmf",                    "∂L/∂H = Wᵀ s₁"),
    ("ridge",                  "δᵦ = X_newᵀ ((X_new β - y_new) / 2)"),
    ("kernel-ridge",           "∂L/∂λ = -tr(s₃)"),
    ("one-neuron",             "δ_pred = 2 (pred - goal_pred)"),
    ("digits-dropout",         "δ₂ = 2 (layer₂ - labels)"),
    ("mlp",                    "δ_z = (softmax(z) ∘ sum(y, axis=1) - y) / 5"),
    ("softmax-regression",     "δ_Y = Y ∘ sum(T, axis=1) - T"),
    ("attention",              "δ_A_pre = A ∘ (δ_A - sum(δ_A ∘ A, axis=1))"),
    ("autoencoder",            "δᵣ = 2 (r - x)"),
    ("autoencoder",            "∂L/∂c = δᵣ"),
    ("autoencoder",            "∂L/∂W = h δᵣᵀ + δₕ xᵀ"),
    ("lstm",                   "δ_f = δ_cₜ ∘ cₜ₋₁ ∘ σ'(z_f)"),
    ("lstm",                   "∂L/∂b_f = δ_f"),
    ("lstm",                   "∂L/∂U_f = δ_f hₜ₋₁ᵀ"),
    ("elman",                  "δ₂ = (s₃ Vᵀ + δ₃ Wᵀ) ∘ tanh'(z₂)"),
    ("xor",                    "∂L/∂w = relu(s₁)"),
    ("distillation",           "δ_q = s₁ / 5 (p - q)"),
    ("contrastive",            "δ_Tₑ_pre = (δ_Tₑ - Tₑ ∘ sum(δ_Tₑ ∘ Tₑ, axis=1)) / norm(T_f Wₜ, axis=1)"),
    ("mixer",                  "h₁ = layernorm(X)"),
    ("rbm",                    "∂L/∂a = -v"),
    ("siren",                  "h₁ = sin(z₁)"),
    ("diffusion",              "δ_ε_θ = 2 (ε_θ - ε)"),
    ("real-nvp",               "y₂ = x₂ ∘ exp(s) + x₁ T"),
    ("gaussian-process",       "K = σ_f² exp(s₁)"),
    ("columns",                "δ₂ = (1 - Y) / m ∘ A₂ - Y / m ∘ σ(-Z₂)"),
    ("columns",                "∂L/∂b₂ = sum(δ₂)"),
    ("barlow-twins",           "∂L/∂Z_B = (δ_B - mean(δ_B, axis=0) - B ∘ mean(δ_B ∘ B, axis=0)) / sqrt(var(Z_B, axis=0))"),
    ("digits-softmax",         "δ₂ = (layer₂ ∘ sum(labels, axis=1) - labels) / n"),
    ("causal-attention",       "S = where(s₁, Q Kᵀ / sqrt(dₖ), -1e9)"),
    ("linear-attention",       "φ(x) = elu(x) + 1"),
]
# fmt: on


@pytest.mark.parametrize(("name", "line"), LINES)
def test_is_derived_as_a_textbook_writes_it(name, line):
    entry = find(name)
    assert line in compile(entry.program, wrt=entry.wrt).backprop.unicode().split("\n")


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "eye_like"])
def test_a_formula_is_what_the_function_computes(name):
    here = OPERATORS[name]
    rng = np.random.default_rng(0)
    arrays = {word: rng.uniform(0.2, 0.9, (3, 4)) for word in here.operands}
    axis = next((setting for setting in (1, 0) if "axis" in here.options), None)
    function = compile(f"out = {name}({', '.join([*here.operands, *([f'axis={axis}'] if axis is not None else [])])})", stabilize=False)
    text = FORMULAS[name].replace("axis=axis", f"axis={axis}").replace("eps=eps", "eps=1e-5").replace(" eps)", " 1e-5)")
    written = compile(f"out = {text}", stabilize=False)
    np.testing.assert_allclose(function(**arrays), written(**{word: arrays[word] for word in written.inputs}), rtol=1e-12)


def test_reads_back_what_the_reader_sees():
    """Unicode writes formulas, so that a reader needs no function of ours to follow."""
    text = compile("L = cross_entropy(x W, y)", shapes={"x": (5, 3), "y": (5, 2)}).backprop.unicode()
    assert "excess" not in text
    assert "softmax" in text
