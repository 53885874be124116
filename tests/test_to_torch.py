"""A net as a PyTorch module: its gradients beside measured ones, and beside PyTorch's own."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.autograd import gradcheck
from torch.func import functional_call

from algebra2net import ShapeError, compile

DOUBLE = torch.float64


def drawn(*shape: int, seed: int = 0, dtype: Any = DOUBLE) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE).to(dtype)


# fmt: off
NETS: list[tuple[str, dict[str, Any], tuple[tuple[int, int], ...]]] = [
    # algebra                                               sizes                       shapes of the data
    ("l2 = tanh(l0 W0 + b0) W1 + b1",                       {"l0": 3, "W1": (4, 2)},    ((5, 3),)),
    ("L = mse(sigmoid(x W) V, y)",                          {"x": 3, "V": (4, 2)},      ((5, 3), (5, 2))),
    ("L = cross_entropy(gelu_tanh(x W + b) V, y)",          {"x": 3, "V": (4, 6)},      ((5, 3), (5, 6))),
    ("p = softmax(layernorm(x, gamma, beta) W)",            {"x": 4, "W": (4, 3)},      ((5, 4),)),
    ("Y = softmax((X Q) (X K)' / sqrt(3)) X V",             {"X": 3, "Q": (3, 2), "K": (3, 2), "V": (3, 4)}, ((4, 3),)),
    ("h = tanh([x, s] W + b)",                              {"x": 2, "s": 3, "W": (5, 4)}, ((5, 2), (5, 3))),
    ("Z = tanh(W X + b)",                                   {"W": (4, 3)},              ((3, 5),)),
    ("L = sum((x W)^2 * delta)",                            {"x": 3, "W": (3, 2)},      ((5, 3), (5, 2))),
    ("y = x W * delta",                                     {"x": 3, "W": (3, 2)},      ((5, 3), (5, 2))),
    ("y = sum(x W)",                                        {"x": 3, "W": (3, 2)},      ((5, 3),)),
]
# fmt: on


@pytest.mark.parametrize(("algebra", "sizes", "shapes"), NETS)
def test_the_derived_backprop_passes_gradcheck(algebra: str, sizes: dict[str, Any], shapes: tuple[tuple[int, int], ...]) -> None:
    """By the parameters, and by the data too."""
    module = compile(algebra).to_torch(sizes=sizes).double()
    names = [name for name, _ in module.named_parameters()]
    data = [drawn(*shape, seed=k).requires_grad_() for k, shape in enumerate(shapes)]
    params = [(p.detach() + 0.1 * drawn(*p.shape, seed=7)).requires_grad_() for p in module.parameters()]

    def call(*tensors: Any) -> Any:
        return functional_call(module, dict(zip(names, tensors[len(data) :], strict=True)), tensors[: len(data)])

    assert gradcheck(call, (*data, *params))


# fmt: off
BESIDE: list[tuple[str, Callable[..., Any]]] = [
    # algebra                                       the same in PyTorch
    ("l2 = relu(x W0 + b0) W1",                     lambda x, W0, b0, W1: torch.relu(x @ W0 + b0) @ W1),
    ("l2 = softmax(gelu(x W0 + b0) W1)",            lambda x, W0, b0, W1: torch.softmax(nn.functional.gelu(x @ W0 + b0) @ W1, 1)),
    ("L = mean(log_softmax(tanh(x W0 + b0) W1))",   lambda x, W0, b0, W1: torch.log_softmax(torch.tanh(x @ W0 + b0) @ W1, 1).mean()),
]
# fmt: on


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("algebra", "same"), BESIDE)
def test_values_and_gradients_are_those_of_pytorch(algebra: str, same: Callable[..., Any], dtype: Any) -> None:
    if "gelu(" in algebra:
        pytest.importorskip("scipy")
    module = compile(algebra).to_torch(sizes={"x": 3, "W1": (4, 2)}).to(dtype)
    x = drawn(6, 3, dtype=dtype)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    params = [p.detach().clone().requires_grad_() for p in (module.W0, module.b0, module.W1)]
    out, wanted = module(ours), same(theirs, *params)
    assert (out.dtype, out.shape) == (dtype, wanted.shape)
    weight = drawn(6, 2, seed=3, dtype=dtype) if out.ndim else torch.tensor(1.5, dtype=dtype)
    (out * weight).sum().backward()
    (wanted * weight).sum().backward()
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    torch.testing.assert_close(out, wanted, rtol=tolerance, atol=tolerance)
    for found, expected in zip((ours, module.W0, module.b0, module.W1), (theirs, *params), strict=True):
        assert found.grad.dtype == dtype
        torch.testing.assert_close(found.grad, expected.grad, rtol=tolerance, atol=tolerance)


def test_an_ordinary_training_loop_goes_the_way_of_pytorch() -> None:
    x, y = drawn(40, 3), drawn(40, 2, seed=1)
    module = compile("z = tanh(x W0 + b0) W1 + b1").to_torch(sizes={"x": 3, "W1": (8, 2)}).double()
    theirs = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).double()
    with torch.no_grad():
        for ours, own in zip((theirs[0].weight, theirs[0].bias, theirs[2].weight, theirs[2].bias), (module.W0, module.b0, module.W1, module.b1), strict=True):
            ours.copy_(own.T.reshape(ours.shape))
    losses = []
    for model in (module, theirs):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(30):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    torch.testing.assert_close(module.W1.T, theirs[2].weight)


def test_only_gradients_that_are_asked_for_are_derived() -> None:
    module = compile("L = mse(x W, y)").to_torch(sizes={"x": 3, "y": 2}).double()
    module(drawn(5, 3), drawn(5, 2)).backward()
    assert list(module.derivations._by) == [("W",)]
    module.W.requires_grad_(False)
    x = drawn(5, 3).requires_grad_()
    module(x, drawn(5, 2)).backward()
    assert list(module.derivations._by) == [("W",), ("x",)]
    with torch.no_grad():
        assert not module(x, drawn(5, 2)).requires_grad


def test_parameters_have_legal_names_and_a_state() -> None:
    net = compile("h = tanh(x W_{h,t} + λ x U + b); y = h T + b_{out}")
    module = net.to_torch({"λ": 0.5}, sizes={"x": 3, "h": 4, "y": 2})
    assert set(module.state_dict()) == {"W_h_t", "U", "b", "T", "b_out", "lambda_"}
    assert [name for name, _ in module.named_buffers()] == ["lambda_"]
    other = net.to_torch({"λ": 0.0}, sizes={"x": 3, "h": 4, "y": 2}, seed=1)
    x = drawn(5, 3, dtype=torch.float32)
    assert not torch.equal(other(x), module(x))
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(x), module(x))


def test_a_name_that_a_module_has_already_gets_an_underscore() -> None:
    module = compile("y = x training + x net", wrt=["training", "net"]).to_torch(sizes={"x": 3, "y": 2})
    assert [name for name, _ in module.named_parameters()] == ["training_", "net_"]
    assert module.eval()(drawn(5, 3)).shape == (5, 2)


def test_it_is_copied_and_saved() -> None:
    module = compile("y = tanh(x W + b)").to_torch(sizes={"x": 3, "y": 2})
    x = drawn(5, 3, dtype=torch.float32)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    for again in (copy.deepcopy(module), torch.load(file, weights_only=False)):
        assert torch.equal(again(x), module(x))


def test_data_come_in_order_or_by_any_spelling_of_their_names() -> None:
    module = compile("y = x_1 W + s V").to_torch(sizes={"x1": 3, "s": 2, "y": 2})
    assert module.inputs == ("x1", "s")
    x, s = drawn(5, 3, dtype=torch.float32), drawn(5, 2, dtype=torch.float32)
    for again in (module(x, s=s), module(s=s, x_1=x), module(x1=x, s=s)):
        assert torch.equal(again, module(x, s))


def test_parameters_that_are_given_keep_their_type() -> None:
    W = np.arange(6.0).reshape(3, 2)
    module = compile("y = x W").to_torch({"W": W})
    assert module.W.dtype == DOUBLE
    with torch.no_grad():
        module.W += 1
    assert W[0, 0] == 0


def test_dropout_is_drawn_while_training_and_gone_after_eval() -> None:
    module = compile("y = dropout(x W, 0.5)").to_torch({"W": np.eye(50)})
    x = torch.ones(40, 50, dtype=DOUBLE)
    torch.manual_seed(0)
    first = module(x)
    assert set(first.flatten().tolist()) == {0.0, 2.0}
    assert 0.4 < (first == 0).double().mean() < 0.6
    torch.manual_seed(0)
    assert torch.equal(module(x), first)
    assert torch.equal(module.eval()(x), x)
    (mask,) = module.masks
    assert torch.equal(module(x, **{mask: torch.zeros(40, 50)}), 0 * x)


def test_half_precision_is_computed_in_single() -> None:
    module = compile("y = tanh(x W)").to_torch(sizes={"x": 3, "y": 2}).to(torch.bfloat16)
    x = drawn(5, 3).to(torch.bfloat16)
    out = module(x)
    out.sum().backward()
    assert (out.dtype, module.W.grad.dtype) == (torch.bfloat16, torch.bfloat16)
    torch.testing.assert_close(out, torch.tanh(x.float() @ module.W.float()).to(torch.bfloat16))


# fmt: off
REFUSED: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    # by position                       by name             what is said
    ((),                                {},                 "missing x (n0×3), y (n0×2)"),
    ((drawn(5, 3),),                    {},                 "missing y (n0×2)"),
    ((drawn(5, 3),) * 3,                {},                 "3 tensors are given, the net takes x, y"),
    ((drawn(5, 3),),                    {"x": drawn(5, 3)}, "x is given twice"),
    ((drawn(5, 3),),                    {"Q": drawn(5, 2)}, "there is no input Q; the inputs are x, y"),
    ((drawn(5, 4), drawn(5, 2)),        {},                 "x has shape (5, 4), expected n0=5×3"),
    ((drawn(2, 5, 3), drawn(5, 2)),     {},                 "x has 3 dimensions"),
]
# fmt: on


@pytest.mark.parametrize(("data", "named", "said"), REFUSED)
def test_data_that_do_not_fit_are_named(data: tuple[Any, ...], named: dict[str, Any], said: str) -> None:
    module = compile("L = mse(x W, y)", shapes={"x": 3, "y": 2}).to_torch().double()
    with pytest.raises((TypeError, ShapeError)) as error:
        module(*data, **named)
    assert said in str(error.value)


def test_a_width_that_is_open_is_asked_for() -> None:
    with pytest.raises(ShapeError, match="not known"):
        compile("y = relu(x W) V").to_torch()


def test_second_derivatives_are_refused() -> None:
    module = compile("L = sum(tanh(x W)^2)").to_torch(sizes={"x": 3, "W": (3, 2)})
    with pytest.raises(RuntimeError, match="leave create_graph=True out"):
        torch.autograd.grad(module(drawn(5, 3, dtype=torch.float32)), module.W, create_graph=True)
