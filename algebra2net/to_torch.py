"""A net as a PyTorch module whose autograd is the derived backprop.

In    a Net
Out   an `nn.Module`: the parameters are its own, the data are the arguments of a call
Idea  one `autograd.Function`: forward runs the generated forward pass, backward the derived one with what autograd
      hands down as δ; it computes the gradients that are asked for and no others

The generated code is NumPy's, so tensors that live elsewhere than in main memory are copied there and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from algebra2net import names
from algebra2net.errors import nearest
from algebra2net.net import Net
from algebra2net.related import differentiated
from algebra2net.run import Array, shape_text
from algebra2net.training.init import initial
from algebra2net.training.roles import keyed, roles_of, settled, sizes_of

try:
    import torch
    from torch import Tensor, nn
except ImportError:
    raise ModuleNotFoundError("to_torch needs PyTorch: pip install 'algebra2net[torch]'", name="torch") from None


def module(net: Net, params: Mapping[str, Any] | None = None, *, sizes: Mapping[str, Any] | None = None, seed: int = 0) -> NetModule:
    """A net as an `nn.Module`: its parameters drawn by `net.init(seed)`, or those given; what else is given becomes a buffer.

    `sizes` settles widths that the net leaves open (`{"l1": 100}`). Raises ValueError for a name that is no input,
    ShapeError where a width stays open, DerivativeError where the net has no derivative.
    """
    given = keyed(net, params or {}, "params")
    trained = roles_of(net).trained
    if any(name not in given for name in trained):
        drawn = initial(net, seed, torch.empty(0).numpy().dtype, {**_sizes(net, given), **(sizes or {})})
        given = {**drawn, **given}
    return NetModule(net, {name: given[name] for name in trained}, {name: array for name, array in given.items() if name not in trained})


class NetModule(nn.Module):  # type: ignore[misc]
    """A net as a module. Made by `net.to_torch`.

    A call takes the data in the order of `inputs`, or by name, a row for each example. It gives the net's output: a
    matrix, or a tensor of no dimensions where the output is a scalar. The masks of dropout are drawn while `training`,
    and drop nothing after `eval()`.
    """

    def __init__(self, net: Net, params: Mapping[str, Any], buffers: Mapping[str, Any]) -> None:
        super().__init__()
        self.net = net
        self.masks = roles_of(net).masks
        self.inputs = tuple(name for name in net.inputs if name not in params and name not in buffers and name not in self.masks)
        self.derivations = Derivations(net)
        self.attributes: dict[str, str] = {}
        for name, array in (*params.items(), *buffers.items()):
            self.attributes[name] = self._free(names.identifier(name))
            tensor = torch.as_tensor(array).detach().clone()
            if name in params:
                self.register_parameter(self.attributes[name], nn.Parameter(tensor))
            else:
                self.register_buffer(self.attributes[name], tensor)

    def forward(self, *data: Tensor, **named: Tensor) -> Tensor:
        """The output of the net. Raises TypeError for a missing or surplus tensor, ShapeError where a shape does not fit."""
        if len(data) > len(self.inputs):
            raise TypeError(f"{len(data)} tensors are given, the net takes {', '.join(self.inputs) or 'none'}")
        given = dict(zip(self.inputs, data, strict=False))
        for spelled, tensor in named.items():
            name = self._input(spelled)
            if name in given:
                raise TypeError(f"{name} is given twice")
            given[name] = tensor
        missing = [name for name in self.inputs if name not in given]
        if missing:
            raise TypeError(f"missing {', '.join(f'{name} ({shape_text(self.net.shapes[name])})' for name in missing)}")
        given |= {name: getattr(self, attribute) for name, attribute in self.attributes.items()}
        given |= {name: self._mask(name, given) for name in self.masks if name not in given}
        tensors = [torch.as_tensor(given[name]) for name in self.net.inputs]
        value: Tensor = DerivedBackprop.apply(self.derivations, torch.is_grad_enabled(), *tensors)
        return value

    def extra_repr(self) -> str:
        """The algebra, for `print(module)`."""
        return self.net.to("unicode").replace("\n", "; ")

    def _mask(self, name: str, given: Mapping[str, Tensor]) -> Tensor:
        """Zeros and ones; outside training what makes dropout leave everything as it is."""
        share = self.masks[name]
        dropped = float(share) if share.is_number else float(given[share.name])
        sizes = _sizes(self.net, given)
        rows, columns = (settled(size, sizes) for size in self.net.shapes[name])
        if rows is None or columns is None:
            raise TypeError(f"missing {name} ({shape_text(self.net.shapes[name])})")
        like = next(iter(given.values()))
        kept = torch.full((rows, columns), 1 - dropped, dtype=torch.get_default_dtype() if not like.is_floating_point() else like.dtype, device=like.device)
        return torch.bernoulli(kept) if self.training else kept

    def _input(self, spelled: str) -> str:
        known = (*self.inputs, *self.masks)
        identifiers = {names.identifier(name): name for name in known}
        name = spelled if spelled in known else identifiers.get(spelled) or names.key(spelled)
        if name not in known:
            hint = nearest(spelled, known)
            raise TypeError(f"there is no input {spelled}; the inputs are {', '.join(known)}" + (f" ({hint})" if hint else ""))
        return name

    def _free(self, word: str) -> str:
        """The word, with underscores where a module has something of that name already."""
        while hasattr(self, word):
            word += "_"
        return word


class Derivations:
    """A net, derived by whatever is asked for, each once."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self._by: dict[tuple[str, ...], Net] = {}

    def by(self, wanted: tuple[str, ...]) -> Net:
        """The net that is differentiated by these names."""
        if wanted not in self._by:
            self._by[wanted] = differentiated(self.net, wanted)
        return self._by[wanted]


class DerivedBackprop(torch.autograd.Function):  # type: ignore[misc]
    """A net as one function of autograd: `apply(derivations, wanted, *tensors)`, the tensors in the order of `net.inputs`."""

    @staticmethod
    def forward(ctx: Any, derivations: Derivations, grad_enabled: bool, *tensors: Tensor) -> Tensor:
        """The output; where it is a scalar, the gradients come in the same pass."""
        net = derivations.net
        ctx.derivations, ctx.grads = derivations, None
        ctx.wanted = tuple(name for name, needed in zip(net.inputs, ctx.needs_input_grad[2:], strict=True) if needed)
        ctx.save_for_backward(*tensors)
        arrays = _arrays(net, tensors)
        if ctx.wanted and grad_enabled and net._bound(arrays)[0]._seed is None:
            value, ctx.grads = derivations.by(ctx.wanted).value_and_grad(**arrays)
        else:
            value = net(**arrays)
        return torch.as_tensor(value, dtype=_common(tensors), device=tensors[0].device)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of each tensor that asks for one, given ∂L/∂output. Raises RuntimeError where it is to be differentiated again."""
        if torch.is_grad_enabled():  # create_graph=True: what is handed back would pass for constant
            raise RuntimeError("the derived backprop of a net is differentiated once: leave create_graph=True out")
        net, tensors = ctx.derivations.net, ctx.saved_tensors
        signal = _array(delta)
        if ctx.grads is not None:
            grads = {name: signal * grad for name, grad in ctx.grads.items()}
        else:
            word = "delta_" if "delta" in net.inputs else "delta"
            _, grads = ctx.derivations.by(ctx.wanted).value_and_grad(**_arrays(net, tensors), **{word: signal})
        found = (torch.as_tensor(grads[name]).to(tensor) if name in grads else None for name, tensor in zip(net.inputs, tensors, strict=True))
        return None, None, *found


def _arrays(net: Net, tensors: Sequence[Tensor]) -> dict[str, Array]:
    return dict(zip(net.inputs, map(_array, tensors), strict=True))


def _array(tensor: Tensor) -> Array:
    """The numbers of a tensor, without a copy where that can be; NumPy has no bfloat16."""
    plain = tensor.detach().cpu()
    array: Array = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    return array


def _common(tensors: Iterable[Tensor]) -> torch.dtype:
    """The float type of a call: that of its float tensors."""
    found = None
    for tensor in tensors:
        if tensor.is_floating_point():
            found = tensor.dtype if found is None else torch.promote_types(found, tensor.dtype)
    return found or torch.get_default_dtype()


def _sizes(net: Net, given: Mapping[str, Any]) -> dict[str, int]:
    """The dimensions that matrices settle; of vectors and numbers the net itself knows."""
    return sizes_of(net, {name: array for name, array in given.items() if np.ndim(array) == 2})
