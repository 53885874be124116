"""Each optimiser beside torch.optim, step by step; schedules and clipping beside torch's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from algebra2net.training import SGD, Adam, AdamW, Momentum, Nesterov, RMSProp
from algebra2net.training.optimizers import MINIMIZERS, OPTIMIZERS, clipped, optimizer
from algebra2net.training.schedules import Constant, Cosine, Exponential, Step, Warmup, schedule

STEPS = 25

# fmt: off
PAIRS = [
    # ours, torch's class, its arguments, learning rate
    (SGD(),                                      "SGD",     {},                                                0.1),
    (SGD(weight_decay=0.03),                     "SGD",     {"weight_decay": 0.03},                            0.1),
    (Momentum(),                                 "SGD",     {"momentum": 0.9},                                 0.05),
    (Momentum(momentum=0.5, weight_decay=0.1),   "SGD",     {"momentum": 0.5, "weight_decay": 0.1},            0.05),
    (Nesterov(),                                 "SGD",     {"momentum": 0.9, "nesterov": True},               0.05),
    (Nesterov(momentum=0.7, weight_decay=0.02),  "SGD",     {"momentum": 0.7, "nesterov": True, "weight_decay": 0.02}, 0.05),
    (RMSProp(),                                  "RMSprop", {"alpha": 0.9},                                    0.01),
    (RMSProp(rho=0.99, eps=1e-6, weight_decay=0.1), "RMSprop", {"alpha": 0.99, "eps": 1e-6, "weight_decay": 0.1}, 0.01),
    (Adam(),                                     "Adam",    {},                                                0.02),
    (Adam(beta1=0.7, beta2=0.9, eps=1e-3, weight_decay=0.1), "Adam", {"betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.1}, 0.02),
    (AdamW(),                                    "AdamW",   {},                                                0.02),
    (AdamW(weight_decay=0.3, beta1=0.8),         "AdamW",   {"weight_decay": 0.3, "betas": (0.8, 0.999)},      0.02),
]
# fmt: on


@pytest.mark.parametrize(("ours", "name", "arguments", "lr"), PAIRS, ids=[str(ours) for ours, *_ in PAIRS])
def test_every_step_is_that_of_torch(ours, name, arguments, lr):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    params = {"W": rng.normal(size=(3, 4)), "b": rng.normal(size=(1, 4))}
    theirs = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
    stepper = getattr(torch.optim, name)(theirs.values(), lr=lr, **arguments)
    memory = ours.start(params)
    for t in range(1, STEPS + 1):
        grads = {key: rng.normal(size=value.shape) * 10 ** rng.uniform(-3, 3) for key, value in params.items()}
        for key, tensor in theirs.items():
            tensor.grad = torch.tensor(grads[key])
        stepper.step()
        params, memory = ours.step(params, grads, memory, t, lr)
        for key, tensor in theirs.items():
            np.testing.assert_allclose(params[key], tensor.detach().numpy(), rtol=1e-11, atol=1e-13, err_msg=f"{key} at step {t}")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_changes_nothing_that_it_was_given(name):
    ours = optimizer(name)
    params, grads = {"W": np.ones((2, 2))}, {"W": np.full((2, 2), 3.0)}
    memory = ours.start(params)
    ours.step(params, grads, memory, 1, 0.1)
    assert (params["W"] == 1).all()
    assert (grads["W"] == 3).all()
    assert all((slot == 0).all() for slot in memory["W"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_stays_float32(name):
    ours = optimizer(name, 0.1)
    params = {"W": np.ones((2, 2), np.float32)}
    moved, memory = ours.step(params, {"W": np.ones((2, 2), np.float32)}, ours.start(params), 1, 0.1)
    assert moved["W"].dtype == np.float32
    assert {slot.dtype for slot in memory["W"]} <= {np.dtype(np.float32)}


def test_the_first_step_of_adam_by_hand():
    """m̂ = g and v̂ = g², so the step is lr · g / (|g| + eps)."""
    ours = Adam()
    moved, _ = ours.step({"w": np.array([[1.0, 1.0]])}, {"w": np.array([[4.0, -0.5]])}, ours.start({"w": np.zeros((1, 2))}), 1, 0.1)
    np.testing.assert_allclose(moved["w"], [[0.9, 1.1]], rtol=1e-6)


def test_clipping_is_that_of_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    for norm in (0.1, 1.0, 100.0):
        grads = {"W": rng.normal(size=(3, 4)), "b": rng.normal(size=(1, 4))}
        tensors = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in grads.values()]
        for tensor, g in zip(tensors, grads.values(), strict=True):
            tensor.grad = torch.tensor(g)
        torch.nn.utils.clip_grad_norm_(tensors, norm)
        for g, tensor in zip(clipped(grads, norm).values(), tensors, strict=True):
            np.testing.assert_allclose(g, tensor.grad.numpy(), rtol=2e-6)  # torch adds 1e-6 to the norm


# fmt: off
SCHEDULES = [
    (Step(3, 0.5),     "StepLR",            {"step_size": 3, "gamma": 0.5}),
    (Exponential(0.8), "ExponentialLR",     {"gamma": 0.8}),
    (Cosine(),         "CosineAnnealingLR", {"T_max": 12}),
    (Cosine(0.1),      "CosineAnnealingLR", {"T_max": 12, "eta_min": 0.1}),
    (Constant(),       "ConstantLR",        {"factor": 1.0}),
]
# fmt: on


@pytest.mark.parametrize(("ours", "name", "arguments"), SCHEDULES, ids=[str(ours) for ours, *_ in SCHEDULES])
def test_schedules_are_those_of_torch_at_whole_epochs(ours, name, arguments):
    torch = pytest.importorskip("torch")
    stepper = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = getattr(torch.optim.lr_scheduler, name)(stepper, **arguments)
    for epoch in range(12):
        assert math.isclose(ours(epoch, 12), theirs.get_last_lr()[0], rel_tol=1e-9)
        stepper.step()
        theirs.step()


def test_warmup_is_a_straight_line_and_then_the_other_schedule():
    warm = Warmup(4, Cosine())
    assert [warm(t, 10) for t in (0, 1, 2, 3, 4)] == [0, 0.25, 0.5, 0.75, 1]
    assert math.isclose(warm(7, 10), 0.5)  # in the middle of the six epochs that are left
    assert math.isclose(warm(10, 10), 0, abs_tol=1e-12)


# fmt: off
TEXTS = [
    ("constant", Constant()), ("cosine", Cosine()), ("cosine:0.1", Cosine(0.1)), ("step:10,0.5", Step(10, 0.5)), ("exponential:0.9", Exponential(0.9)),
    ("warmup:3", Warmup(3)), ("warmup:3+cosine", Warmup(3, Cosine())), (None, Constant()), (Cosine(), Cosine()),
]
# fmt: on


@pytest.mark.parametrize(("text", "meant"), TEXTS)
def test_a_schedule_can_be_typed(text, meant):
    assert schedule(text) == meant


def test_a_function_is_a_schedule():
    assert schedule(lambda t: 1 / (1 + t))(3, 10) == 0.25


# fmt: off
WRONG = [
    (lambda: schedule("cosin"),        "there is no schedule 'cosin'; there are constant, step:10,0.5.*did you mean cosine?"),
    (lambda: schedule("step:a"),       "'step:a' is no schedule; write it like one of"),
    (lambda: schedule("cosine+step"),  "only a warmup is followed by another schedule: warmup:5\\+step"),
    (lambda: optimizer("adm"),         "there is no optimizer 'adm'; there are sgd, .*lbfgs.*did you mean adam?"),
    (lambda: optimizer(Adam(), 0.1),   "give the weight decay once: Adam\\(weight_decay=0.1\\)"),
]
# fmt: on


@pytest.mark.parametrize(("call", "words"), WRONG)
def test_what_cannot_be_meant_is_said_with_what_to_type(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("name", ["lbfgs", "L-BFGS", "l_bfgs", "lbfgsb", "L-BFGS-B"])
def test_l_bfgs_in_any_spelling(name):
    assert optimizer(name) == MINIMIZERS["lbfgs"] == "L-BFGS-B"
