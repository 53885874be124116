"""What holds of any program: random ones, from text to gradients, beside a plain evaluator.

The programs come from random_programs.py, what they are worth from plain_evaluator.py; neither knows the library's code.
The seed in the name of a failed test is that of its program: `random_program(seed)`. `pytest --programs N` draws N.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from plain_evaluator import LONG, Evaluator, is_analytic, slope
from random_programs import Written, leaves, parts_of, random_entry, random_program, smallest
from strategies import promised, slope_along

from algebra2net import Net, compile
from algebra2net.operators import OPERATORS
from algebra2net.run import load
from algebra2net.targets.numpy import module
from algebra2net.tidy import tidy

Array = np.ndarray[Any, np.dtype[Any]]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
LARGE = 1e5  # beyond, rounding says more than algebra
costly = pytest.mark.share(25)


@dataclass(frozen=True, eq=False)
class Case:
    """A program with its arrays, and a delta at the output where that is no scalar."""

    program: Written
    arrays: Mapping[str, Array]
    delta: Mapping[str, Array]

    @property
    def at(self) -> dict[str, Array]:
        """The inputs as the plain evaluator takes them."""
        return {name: array.astype(LONG) for name, array in self.arrays.items()}

    @property
    def weight(self) -> Array:
        return self.delta.get("delta", np.ones((1, 1)))

    def compiled(self, **options: Any) -> Net:
        return compile(self.program.text, shapes=self.program.shapes, **{"wrt": "all"} | options)

    def gradients(self, net: Net) -> dict[str, Array]:
        return {name: np.reshape(grad, self.arrays[name].shape) for name, grad in net.grad(**self.arrays, **self.delta).items()}


def case(seed: int, batch: int = 5, program: Written | None = None) -> Case:
    """The program of a seed (or one that was made of it), with arrays."""
    program = program or random_program(seed)
    size = tuple(batch if program.has_batch and side == 5 else side for side in program.equations[-1][1].size)
    delta = {} if program.declared(program.equations[-1][1].size) == (1, 1) else {"delta": np.random.default_rng(seed).uniform(-1, 1, size)}
    return Case(program, program.arrays(seed, batch), delta)


class Plain:
    """What a case is worth to the last digit, and how well that can be known from inputs of 53 bits."""

    def __init__(self, here: Case) -> None:
        self.here = here
        see, moved = Evaluator(here.program), Evaluator(here.program)
        self.values = see.run(here.at)
        self.is_sure = see.is_sure and see.largest < LARGE
        again = moved.run(nudged(here.at))
        least = 1e-12 * max(1.0, see.largest)
        self.within = {name: least + far(again[name], value) for name, value in self.values.items()}

    def agrees(self, values: Mapping[str, Any], way: str) -> None:
        """Every named value is what it is worth."""
        for name in self.values.keys() & values.keys():
            off = far(values[name], self.values[name])
            assert off <= self.within[name], f"{way}: {name} of {self.here.program!r} is {values[name]}, not {self.values[name]}"
            assert np.shape(values[name]) in ((), self.values[name].shape)

    def slopes(self, net_gradients: Mapping[str, Array]) -> None:
        """The gradient by each input, along a random direction, is the slope that is measured."""
        rng = np.random.default_rng(2)
        for name, grad in net_gradients.items():
            step = {name: rng.uniform(-1, 1, grad.shape).astype(LONG)}
            measured, exists = slope(self.here.program, self.here.at, step, self.here.weight)
            if not exists:
                continue
            again, _ = slope(self.here.program, nudged(self.here.at), step, self.here.weight)
            found = np.sum(grad * step[name])
            least = 1e-11 if is_analytic(self.here.program) else 1e-8
            bound = least * max(1.0, abs(float(measured))) + float(abs(again - measured))
            assert abs(found - measured) <= bound, f"{self.here.program!r}: along a direction of {name} the gradient is {found}, measured {measured}"


def nudged(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays, off by some thousand times their rounding."""
    rng = np.random.default_rng(3)
    return {name: array * (1 + LONG(1e-12) * rng.uniform(-1, 1, array.shape)) for name, array in arrays.items()}


def far(one: Any, other: Any) -> float:
    return float(np.max(np.abs(np.subtract(one, other)), initial=0.0))


def same(found: Any, expected: Any, digits: int = 12) -> None:
    np.testing.assert_allclose(found, expected, rtol=10.0**-digits, atol=10.0**-digits)


# ------------------------------------------------------------------------------- every program, in every way to run it


def test_values_and_gradients_are_those_of_the_plain_evaluator(seed: int) -> None:
    """As typed and stabilised, readable and optimised, tidied: each of them, at the same point. One that fails is made small first."""
    smallest(lambda program: assert_worth(case(seed, program=program)), random_program(seed))


def assert_worth(here: Case) -> None:
    plain = Plain(here)
    if not plain.is_sure:
        return
    exact = None
    for stabilize in (True, False):
        net = here.compiled(stabilize=stabilize)
        for text in (net.source, net.optimized_source):
            way = f"{'stable' if stabilize else 'as typed'}, {'readable' if text is net.source else 'optimised'}"
            functions = load(text)
            given = [here.arrays[name] for name in net.inputs]
            values = functions["forward"](*given)
            assert {name for name, _ in here.program.equations} <= set(values)
            plain.agrees(values, way)
            _, found = functions["value_and_grad"](*given, *here.delta.values())
            grads = {name: np.reshape(grad, here.arrays[name].shape) for name, grad in found.items()}
            if exact is None:
                plain.slopes(exact := grads)
            close = 1e-9 * max(1.0, *(float(np.max(np.abs(other), initial=0.0)) for other in exact.values()))
            for name, grad in grads.items():
                assert far(grad, exact[name]) <= close, f"{way}: the gradient by {name} of {here.program!r} is {grad}, the stable one {exact[name]}"
    program = tidy(net.steps)
    plain.agrees(load(module(program, None, ["a test"]))["forward"](*(here.arrays[name.name] for name in program.inputs)), "tidied")


ONCE_WRONG = [
    # program                                                          inputs                                             its value, by hand
    ("y = [exp(k) / sum(exp(k), axis=1), k]",                          {"k": [[2]]},                                      [[1, 2]]),
    ("f(x) = -x + (x + x); y = outer(f'(max(w)), b)",                  {"w": [[1], [2]], "b": [[1, 2, 3]]},               [[1, 2, 3]]),
    ("f(x) = x^1; y = [f'(max(w)), f'(3)]",                            {"w": [[1], [2]]},                                 [[1, 1]]),
    ("y = 1 / (1 + exp(-x)) * sigmoid(x)",                             {"x": [[0, 0, 0]]},                                [[0.25, 0.25, 0.25]]),
    ("y = 1 - logsumexp(tanh(k)^0 + 1, axis=1)",                                 {"k": [[3]]},                                      [[-1]]),
    ("g = (0.5 * k * (1 + erf(k / sqrt(2)))) b; y = where(C, C, tanh(x) / tanh(x))", {"k": [[1]], "b": [[1, 1]], "C": [[1, 0, 2], [0, 3, 0]], "x": [[4, 5, 6]]}, [[1, 1, 2], [1, 3, 1]]),
    ("y = where(3 < 1, 1, 0) + x",                                     {"x": [[2, 3]]},                                   [[2, 3]]),
    ("y = 1 / (k + pow(0, -1))",                                       {"k": [[2]]},                                      [[0]]),
    ("y = exp(log(0) - k) + (-2)^3 + k",                               {"k": [[2]]},                                      [[-6]]),
]  # fmt: skip


@pytest.mark.parametrize(("program", "inputs", "value"), ONCE_WRONG)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("stabilize", [True, False])
@pytest.mark.parametrize("optimize", [True, False])
def test_a_program_that_was_once_wrong(program: str, inputs: dict[str, Any], value: list[list[float]], dtype: type, stabilize: bool, optimize: bool) -> None:
    given = {name: np.array(matrix, dtype) for name, matrix in inputs.items()}
    net = compile(program, shapes={name: matrix.shape for name, matrix in given.items()}, wrt="all", stabilize=stabilize, optimize=optimize)
    delta = {} if np.size(value) == 1 else {"delta": np.ones_like(value, dtype)}
    for found in (net(**given), net.value_and_grad(**given, **delta)[0]):
        np.testing.assert_allclose(np.atleast_2d(found), value, rtol=1e-6)
        assert isinstance(found, float) or (found.dtype == dtype and found.flags.writeable)


def test_the_programs_are_of_all_operators() -> None:
    """Every function that a user may call is in one of the thousand."""
    drawn = set()
    for seed in range(1_000):
        program = random_program(seed)
        for _, tree in (*program.functions, *program.equations):
            drawn |= {word for part in parts_of(tree) for word in (part.kind, *part.word.replace("(", " ").split())}
    spelled = {"inv": "inverse", "concat": "blocks", "stack": "tower"}
    functions = {name for name, here in OPERATORS.items() if not here.internal}
    assert not {name for name in functions if spelled.get(name, name) not in drawn}


# -------------------------------------------------------------------------------------------------------------- values


@pytest.mark.share(10)
def test_shapes_follow_from_those_of_the_inputs(seed: int) -> None:
    here = case(seed)
    net = here.compiled()
    assert {name: net.shapes[name] for name in here.program.shapes} == here.program.shapes
    assert {name: net.shapes[name] for name, _ in here.program.equations} == {name: here.program.declared(tree.size) for name, tree in here.program.equations}
    assert net.output == here.program.output
    assert set(net.inputs) == set(here.program.shapes)


@pytest.mark.share(10)
def test_a_batch_has_any_number_of_rows(seed: int) -> None:
    """The net that was compiled for a batch of no known size, at one, two and eight examples."""
    if not random_program(seed).has_batch:
        return
    net = case(seed).compiled()
    for batch in (1, 2, 8):
        here = case(seed, batch)
        plain = Plain(here)
        if plain.is_sure:
            for name, value in net.forward(**here.arrays).items():
                assert name not in plain.values or far(value, plain.values[name]) <= plain.within[name], (name, here.program)
            plain.slopes(here.gradients(net))


@pytest.mark.share(5)
def test_float32_goes_in_and_comes_out(seed: int) -> None:
    """Of every value and gradient; and comes close to the exact one."""
    here = case(seed)
    plain = Plain(here)
    net = here.compiled(optimize=seed % 2 == 0)
    small = {name: array.astype(np.float32) for name, array in (*here.arrays.items(), *here.delta.items())}
    values, (_, grads) = net.forward(**{name: small[name] for name in net.inputs}), net.value_and_grad(**small)
    for name, value in values.items():
        assert isinstance(value, float) if np.ndim(value) == 0 else value.dtype == np.float32, (name, here.program)
    assert {grad.dtype for grad in grads.values()} == {np.dtype(np.float32)}
    if plain.is_sure:
        size = max(1.0, *(float(np.max(np.abs(value), initial=0.0)) for value in plain.values.values()))
        for name, exact in plain.values.items():
            assert far(values[name], exact) <= 1e-3 * size + 1e7 * plain.within[name], (name, here.program)


# ----------------------------------------------------------------------------------------------------------- gradients


@costly
def test_gradients_by_several_names_are_those_by_each(seed: int) -> None:
    here = case(seed)
    together = here.gradients(here.compiled())
    for name in here.arrays:
        alone = here.gradients(here.compiled(wrt=[name]))
        assert list(alone) == [name]
        same(alone[name], together[name], digits=8)


@pytest.mark.share(5)
def test_the_gradient_by_a_hidden_value_is_the_gradient_by_an_input_in_its_place(seed: int) -> None:
    here = case(seed)
    *before, (last, tree) = here.program.equations
    name = before[-1][0] if before else ""
    words = {leaf.word for leaf in leaves(tree)}
    if name not in words or any(word.endswith("'") for word in words) or not Plain(here).is_sure:  # an input's prime transposes it
        return
    known = {**here.arrays, **{made: np.asarray(value, float) for made, value in Evaluator(here.program).run(here.at).items()}}
    rest = Written(((last, tree),), here.program.functions, has_batch=here.program.has_batch)
    alone = Case(rest, {word: known[word] for word in rest.sizes}, here.delta)
    expected = alone.compiled(wrt=[name]).grad(**alone.arrays, **here.delta)[name]
    if np.isfinite(expected).all() and np.max(np.abs(expected)) < LARGE:
        same(np.atleast_2d(here.compiled(wrt=[name]).grad(**here.arrays, **here.delta)[name]), np.atleast_2d(expected), digits=8)


@costly
def test_the_derived_program_is_a_program(seed: int) -> None:
    """Printed in plain notation, it compiles, and its equations give the gradients."""
    here = case(seed)
    net = here.compiled()
    expected = here.gradients(net)
    again = compile("\n".join([str(net.backprop), *declared(net)]))
    found = again.forward(**{name: array for name, array in (here.arrays | here.delta).items() if name in again.inputs})
    for name, gradient in net.backprop.outputs.items():
        if name and np.isfinite(expected[name]).all():
            same(np.broadcast_to(found[gradient.name], expected[name].shape), expected[name], digits=8)


def declared(net: Net, **like: str) -> list[str]:
    """The shapes of a net's inputs, of a delta and of others that are shaped `like` one of its names; its derived program names their sizes."""
    assert net.output is not None
    of = {name: name for name in net.inputs} | {"delta": net.output} | like
    return [f"{name}: {net.shapes[other][0]} x {net.shapes[other][1]}" for name, other in of.items()]


@costly
def test_second_derivatives_agree_with_measured_ones(seed: int) -> None:
    """The derived program is printed, its gradients are weighed and added up, and the sum is compiled and derived."""
    here = case(seed // 10 * 10 + seed % 4)  # small ones
    net = here.compiled()
    rng = np.random.default_rng(3)
    weights = {name: np.asarray(rng.uniform(-1, 1, array.shape)) for name, array in here.gradients(net).items()}
    terms = [f"sum(r_{k} * {net.backprop.outputs[name]})" for k, name in enumerate(weights)]
    given = here.arrays | here.delta | {f"r{k}": array for k, array in enumerate(weights.values())}
    twice = compile("\n".join([str(net.backprop), f"S_2 = {' + '.join(terms)}", *declared(net, **{f"r{k}": name for k, name in enumerate(weights)})]), wrt="all")
    found = twice.grad(**{name: given[name] for name in twice.inputs})
    if not all(np.isfinite(array).all() and np.max(np.abs(array)) < LARGE for array in found.values()):
        return
    step = {name: np.asarray(rng.uniform(-1, 1, array.shape)) for name, array in here.arrays.items() if name in twice.inputs and "_mask" not in name}

    def value(moved: Any) -> float:
        return promised(net.grad(**moved, **here.delta), weights)

    wide, narrow = (slope_along(value, here.arrays, step, h) for h in (2e-4, 1e-4))
    if abs(wide - narrow) < 1e-6 * max(1, abs(narrow)):  # no corner nearby
        assert promised(found, step) == pytest.approx(narrow, rel=1e-5, abs=1e-5)


@costly
def test_the_derivative_of_a_function_of_ones_own_is_its_gradient(seed: int) -> None:
    """f' beside the gradient of sum(f(z)), f'' beside that of sum(f'(z))."""
    z = np.array([[0.3, -0.7, 1.1]])
    body = random_entry(seed) if seed else "(x + x) * -x * --x"
    for primes in ("", "'"):
        gradient = compile(f"act(x) = {body}; L = sum(act{primes}(z))", wrt=["z"]).grad(z=z)["z"]
        if np.isfinite(gradient).all() and np.abs(gradient).max() < LARGE:
            same(compile(f"act(x) = {body}; y = act{primes}'(z)")(z=z), gradient, digits=9)


# ------------------------------------------------------------------------------------------------------------ printing


@costly
def test_what_is_printed_reads_back(seed: int) -> None:
    """Plain text as the same equations, Unicode as the same text."""
    here = case(seed)
    net = here.compiled()
    plain, small = (compile(net.to(notation), shapes=here.program.shapes, wrt="all") for notation in ("plain", "unicode"))
    assert plain.program == net.program
    assert str(plain.program) == str(small.program) == str(net.program)
    for other in (plain, small):
        same(other(**here.arrays), net(**here.arrays), digits=9)


@costly
@pytest.mark.parametrize("notation", ["latex", "python"])
def test_latex_and_python_read_back_as_the_same_program(seed: int, notation: str) -> None:
    """Of Python, the functions that are called are read; one that nothing calls is no part of the program."""
    here = case(seed)
    net = here.compiled()
    again = compile(net.to(notation), shapes=here.program.shapes, notation=notation)
    same(again(**here.arrays), net(**here.arrays), digits=9)
    assert again.program == net.program
    assert set(str(again.program).splitlines()) <= set(str(net.program).splitlines())


# ---------------------------------------------------------------------------------------------------------------- code


@costly
def test_the_source_runs_alone_and_the_book_names_change_nothing_but_names(seed: int) -> None:
    here = case(seed)
    net, book = here.compiled(optimize=False), here.compiled(optimize=False, names="book")
    value, grads = net.value_and_grad(**here.arrays, **here.delta)
    for source in (net.source, book.source):
        alone: dict[str, Any] = {}
        exec(source, alone)
        again, its = alone["value_and_grad"](*(here.arrays[name] for name in net.inputs), *here.delta.values())
        np.testing.assert_array_equal(again, value)
        for name, grad in its.items():
            np.testing.assert_array_equal(np.reshape(grad, here.arrays[name].shape), grads[name])
    assert book.source == here.compiled(names="book").source


@pytest.mark.share(10)
def test_results_share_no_memory_and_inputs_stay_as_they_were(seed: int) -> None:
    here = case(seed)
    net = here.compiled()
    given = {name: array.copy() for name, array in (here.arrays | here.delta).items()}
    value, grads = net.value_and_grad(**given)
    forward = net.forward(**{name: given[name] for name in net.inputs})
    arrays = [np.asarray(array) for array in (*given.values(), *grads.values(), value, *forward.values())]
    assert not any(np.shares_memory(one, other) for k, one in enumerate(arrays) for other in arrays[k + 1 :])
    for name, array in (here.arrays | here.delta).items():
        np.testing.assert_array_equal(given[name], array)
