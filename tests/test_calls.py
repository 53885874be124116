"""What a call gives does not depend on the way that it goes: the one written out for its arrays, or the careful one."""

from __future__ import annotations

import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from algebra2net import Net, compile

SIZES = {"n": 5, "B": 5, "k": 3, "m": 2, "one": 1}

# fmt: off
NETS = [
    # the algebra                                 shapes                                                       why it is here
    ("L = mse(relu(l0 W0) W1, y)",                {"l0": (5, 3), "W0": (3, 2), "W1": (2, 2), "y": (5, 2)}),  # all sizes known
    ("L = mse(relu(l0 W0) W1, y)",                {"l0": ("B", "k"), "W0": ("k", "m"), "W1": ("m", "m"), "y": ("B", "m")}),  # open ones
    ("L = mse(l0 W0 + b, y)",                     {"l0": ("B", 1), "W0": (1, 1), "b": (1, 1), "y": ("B", 1)}),  # gradients of one entry
    ("l1 = tanh(l0 W0)",                          {"l0": ("class", "k"), "W0": ("k", "m")}),                 # delta; a size that is a word of Python
    ("L = sum(run * dtype + others, axis=0) y",   {"run": (5, 3), "dtype": (5, 3), "others": (5, 3), "y": (3, 1)}),  # names that a call has, too
    ("L = sum(" + " + ".join(f"a{k} * b{k}" for k in range(8)) + ")", {f"{w}{k}": (5, 3) for k in range(8) for w in "ab"}),  # many
    ("L = sum(" + " + ".join(f"a{k} * b{k}" for k in range(20)) + ")", {f"{w}{k}": (5, 3) for k in range(20) for w in "ab"}),  # so many that their test is not written out
    ("l1 = " + " + ".join(f"c{k} (a{k} b{k})" for k in range(20)), {f"{w}{k}": shape for k in range(20) for w, shape in (("a", ("B", "k")), ("b", ("k", "m")), ("c", (1, 1)))}),
    ("L = sum(delta * l0)",                       {"delta": (5, 3), "l0": (5, 3)}),                          # an input whose name is an argument's
]
# fmt: on


def arrays_of(net: Net, shapes: dict[str, tuple], dtype: str = "float64") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    found = {name: rng.normal(size=[SIZES.get(size, 5) if isinstance(size, str) else size for size in shape]).astype(dtype) for name, shape in shapes.items()}
    if net.output != "L":
        found["delta"] = rng.normal(size=(5, 2)).astype(dtype)
    return found


def same(one: object, other: object) -> None:
    """Equal to the last bit, in type and shape as well."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            same(one[name], other[name])
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(("algebra", "shapes"), NETS)
def test_both_ways_give_the_same(algebra, shapes, optimize, dtype):
    net = compile(algebra, shapes=shapes, optimize=optimize, wrt="all")
    arrays = arrays_of(net, shapes, dtype)
    same(net.value_and_grad(**arrays), Net.value_and_grad(net, **arrays))
    values = {name: array for name, array in arrays.items() if name in net.inputs}
    same(net.forward(**values), Net.forward(net, **values))
    same(net(**values), net.forward(**values)[net.output])


def turned(arrays):
    return {name: np.asfortranarray(array) for name, array in arrays.items()}


def mailed(arrays):
    return pickle.loads(pickle.dumps(arrays))


ARRAYS = {
    "as lists": lambda arrays: {name: array.tolist() for name, array in arrays.items()},
    "in Fortran's order": turned,
    "from another process": mailed,  # NumPy gives them types that are equal, not the same
    "read only": lambda arrays: {name: np.frombuffer(array.tobytes()).reshape(array.shape) for name, array in arrays.items()},
    "of a class of their own": lambda arrays: {name: array.view(np.matrix) for name, array in arrays.items()},
    "in the other order of bytes": lambda arrays: {name: array.astype(array.dtype.newbyteorder()) for name, array in arrays.items()},
    "every other entry of larger ones": lambda arrays: {name: np.repeat(array, 2, axis=1)[:, ::2] for name, array in arrays.items()},
    "spelled otherwise": lambda arrays: {{"W0": "W_0", "W1": "W_{1}"}.get(name, name): array for name, array in arrays.items()},
}


@pytest.mark.parametrize("how", ARRAYS)
@pytest.mark.parametrize(("algebra", "shapes"), [*NETS[:2], NETS[6], NETS[7]])
def test_arrays_as_they_come(algebra, shapes, how):
    net = compile(algebra, shapes=shapes)
    arrays = arrays_of(net, shapes)
    value, grads = net.value_and_grad(**arrays)
    found, others = net.value_and_grad(**ARRAYS[how](arrays))
    assert found == pytest.approx(value, rel=1e-14)
    assert all(np.allclose(others[name], grads[name], rtol=1e-13) and others[name].dtype == float for name in grads)


# fmt: off
WRONG = [
    # the call                                                       what it is told
    (lambda a: {k: v for k, v in a.items() if k != "y"},             TypeError, "missing y"),
    (lambda a: a | {"z": a["y"]},                                    TypeError, "there is no input z"),
    (lambda a: a | {"W_0": a["W0"]},                                 TypeError, "W0 is given twice"),
    (lambda a: a | {"W0": None},                                     TypeError, "W0 holds Python objects"),
    (lambda a: a | {"y": a["y"][1:]},                                ValueError, "y"),  # broadcasting would take it
    (lambda a: a | {"y": a["y"][:1]},                                ValueError, "y"),
    (lambda a: a | {"delta": 1.0},                                   TypeError, "takes no delta"),
]
# fmt: on


MANY = (
    "L = mse(relu(l0 W0) W1, y) + " + " + ".join(f"sum(a{k})" for k in range(40)),
    {f"a{k}": (2, 2) for k in range(40)} | NETS[1][1],
)  # so many that their test is not written out


@pytest.mark.parametrize(("algebra", "shapes"), [*NETS[:2], MANY])
@pytest.mark.parametrize(("change", "error", "says"), WRONG)
def test_what_is_wrong_is_said(algebra, shapes, change, error, says):
    net = compile(algebra, shapes=shapes)
    arrays = arrays_of(net, shapes)
    net.value_and_grad(**arrays)
    with pytest.raises(error, match=says):
        net.value_and_grad(**change(arrays))


def test_a_batch_of_another_size_needs_nothing_new():
    net = compile("L = mse(relu(l0 W0) W1, y)", shapes={"W0": (3, 2), "W1": (2, 2)})
    rng = np.random.default_rng(0)
    weights = {"W0": rng.normal(size=(3, 2)), "W1": rng.normal(size=(2, 2))}
    for size in (1, 4, 7, 20_000, 4, 20_000):
        arrays = {"l0": rng.normal(size=(size, 3)), "y": rng.normal(size=(size, 2)), **weights}
        (value, grads), (right, wanted) = net.value_and_grad(**arrays), Net.value_and_grad(net, **arrays)
        assert value == pytest.approx(right, rel=1e-12)
        assert all(np.allclose(grads[name], wanted[name], rtol=1e-10) for name in wanted)


def test_delta_may_stand_first():
    net = compile("l1 = tanh(l0 W0)", shapes={"l0": (5, 3), "W0": (3, 2)})
    arrays = arrays_of(net, {"l0": (5, 3), "W0": (3, 2)})
    delta = arrays.pop("delta")
    same(net.value_and_grad(delta, **arrays), net.value_and_grad(**arrays, delta=delta))
    with pytest.raises(TypeError, match="missing delta"):
        net.value_and_grad(**arrays)


def test_the_method_is_one_still():
    net = compile(*NETS[0][:1], shapes=NETS[0][1])
    assert inspect.isfunction(Net.value_and_grad)
    assert inspect.ismethod(net.value_and_grad)
    assert net.value_and_grad.__doc__ == Net.value_and_grad.__doc__
    assert list(inspect.signature(net.value_and_grad).parameters) == ["delta", "l0", "W0", "W1", "y", "others"]
    arrays = arrays_of(net, NETS[0][1])
    same(pickle.loads(pickle.dumps(net.value_and_grad))(**arrays), net.value_and_grad(**arrays))


def test_another_method_in_its_place_is_called(monkeypatch):
    net = compile(*NETS[0][:1], shapes=NETS[0][1])
    assert net.value_and_grad
    monkeypatch.setattr(Net, "value_and_grad", lambda self, **arrays: "another")
    assert net.value_and_grad(x=1) == "another"


def test_threads_may_look_it_up_at_once():
    net = compile("L = mse(relu(l0 W0) W1, y)", shapes={"W0": (3, 2), "W1": (2, 2)})
    arrays = arrays_of(net, {"l0": (5, 3), "W0": (3, 2), "W1": (2, 2), "y": (5, 2)})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: net.value_and_grad(**arrays), range(64)))
    for each in found:
        same(each, found[0])
