"""What holds of any program: random ones, from text to gradients, beside NumPy written by hand and measured slopes.

The programs, their text and what they are worth come from strategies.py, which knows nothing of the library's own code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from strategies import QUICK, Array, Written, entries, leaves, promised, slope_along, written

from algebra2net import Net, compile
from algebra2net.run import load
from algebra2net.targets.numpy import module
from algebra2net.tidy import tidy

LARGE = 1e3  # beyond, rounding says more than algebra


def compiled(program: Written, **options: Any) -> Net:
    """The net of a random program that has an input at all."""
    assume(program.shapes)
    return compile(program.text, shapes=program.shapes, **{"wrt": "all"} | options)


def drawn(program: Written) -> tuple[dict[str, Array], dict[str, Array]]:
    """Arrays for the inputs, and the value of each equation by hand; none of them large."""
    at = program.arrays()
    by_hand = program.values(at)
    assume(all(np.isfinite(value).all() and np.abs(value).max() < LARGE for value in by_hand.values()))
    return at, by_hand


def signal(program: Written, net: Net) -> dict[str, Array]:
    """A delta at the output, where that is no scalar."""
    size = program.equations[-1][1].size
    return {} if size == (1, 1) else {"delta": np.random.default_rng(1).uniform(-1, 1, size)}


def gradients(net: Net, at: dict[str, Array], delta: dict[str, Array]) -> dict[str, Array]:
    """The gradients, finite ones."""
    found = {name: net.grad(**at, **delta)[name] for name in at}
    assume(all(np.isfinite(array).all() and np.abs(array).max() < LARGE for array in found.values()))
    return found


def same(found: Any, expected: Any, digits: int = 12) -> None:
    np.testing.assert_allclose(found, expected, rtol=10.0**-digits, atol=10.0**-digits)


# -------------------------------------------------------------------------------------------------------------- values


@QUICK
@given(written())
def test_every_named_value_is_what_numpy_makes_of_it(program: Written) -> None:
    net = compiled(program)
    at, by_hand = drawn(program)
    found = net.forward(**at)
    for name, tree in program.equations:
        assert net.shapes[name] == tree.size
        assert isinstance(found[name], float) if tree.size == (1, 1) else found[name].shape == tree.size
        same(np.atleast_2d(found[name]), by_hand[name], digits=9)


@QUICK
@given(written())
def test_shapes_follow_from_those_of_the_inputs(program: Written) -> None:
    net = compiled(program)
    assert {name: net.shapes[name] for name in program.shapes} == program.shapes
    assert net.output == program.output
    assert set(net.inputs) == set(program.shapes)


@QUICK
@given(written())
def test_float32_goes_in_and_comes_out(program: Written) -> None:
    """And comes close to what float64 gives."""
    net = compiled(program)
    at, by_hand = drawn(program)
    delta = signal(program, net)
    exact = gradients(net, at, delta)
    small = {name: array.astype(np.float32) for name, array in (at | delta).items()}
    value, grads = net.value_and_grad(**small)
    assert isinstance(value, float) if not delta else value.dtype == np.float32
    assert {grad.dtype for grad in grads.values()} == {np.dtype(np.float32)}
    size = max(float(np.abs(array).max()) for array in (*by_hand.values(), *exact.values()))
    same(np.atleast_2d(value) / max(1, size), by_hand[program.output] / max(1, size), digits=3)
    for name, grad in grads.items():
        same(grad / max(1, size), exact[name] / max(1, size), digits=3)


# ----------------------------------------------------------------------------------------------------------- gradients


@QUICK
@given(written())
def test_gradients_agree_with_measured_ones(program: Written) -> None:
    """Along a random direction; where two step sizes disagree there is a corner nearby, and nothing to compare."""
    net = compiled(program)
    at, _ = drawn(program)
    delta = signal(program, net)
    found = gradients(net, at, delta)
    rng = np.random.default_rng(2)
    step = {name: np.asarray(rng.uniform(-1, 1, array.shape)) for name, array in at.items()}

    def value(moved: Any) -> float:
        return float(np.sum(delta.get("delta", 1.0) * np.asarray(program.values(moved)[program.output])))

    wide, narrow = (slope_along(value, at, step, h) for h in (2e-4, 1e-4))
    assume(abs(wide - narrow) < 1e-6 * max(1, abs(narrow)))
    assert promised(found, step) == pytest.approx(narrow, rel=1e-5, abs=1e-5)


@QUICK
@given(written())
def test_gradients_by_several_names_are_those_by_each(program: Written) -> None:
    net = compiled(program)
    at, _ = drawn(program)
    delta = signal(program, net)
    together = gradients(net, at, delta)
    for name in at:
        alone = compiled(program, wrt=[name]).grad(**at, **delta)
        assert list(alone) == [name]
        same(alone[name], together[name], digits=8)


@QUICK
@given(written())
def test_the_gradient_by_a_hidden_value_is_the_gradient_by_an_input_in_its_place(program: Written) -> None:
    *before, (last, tree) = program.equations
    assume(before and any(leaf.word == before[-1][0] for leaf in leaves(tree)))
    name = before[-1][0]
    net = compiled(program, wrt=[name])
    at, by_hand = drawn(program)
    delta = signal(program, net)
    rest = Written(((last, tree),), program.functions)
    others = {word: (at | by_hand)[word] for word in rest.shapes}
    expected = compile(rest.text, shapes=rest.shapes, wrt=[name]).grad(**others, **delta)[name]
    assume(np.isfinite(expected).all() and np.abs(expected).max() < LARGE)
    same(net.grad(**at, **delta)[name], expected, digits=8)


@QUICK
@given(written())
def test_the_derived_program_is_a_program(program: Written) -> None:
    """Printed in plain notation, it compiles, and its equations give the gradients."""
    net = compiled(program)
    at, _ = drawn(program)
    delta = signal(program, net)
    expected = gradients(net, at, delta)
    declared = [f"{name}: {rows}x{columns}" for name, (rows, columns) in (program.shapes | {name: array.shape for name, array in delta.items()}).items()]
    again = compile("\n".join([str(net.backprop), *declared]))
    found = again.forward(**{name: array for name, array in (at | delta).items() if name in again.inputs})
    for name, gradient in net.backprop.outputs.items():
        if name:
            same(np.broadcast_to(found[gradient.name], expected[name].shape), expected[name], digits=8)


@QUICK
@given(written(depth=2))
def test_second_derivatives_agree_with_measured_ones(program: Written) -> None:
    """The derived program is printed, its gradients are weighed and added up, and the sum is compiled and derived."""
    net = compiled(program)
    at, _ = drawn(program)
    delta = signal(program, net)
    rng = np.random.default_rng(3)
    weights = {name: np.asarray(rng.uniform(-1, 1, array.shape)) for name, array in gradients(net, at, delta).items()}
    terms = [f"sum(r_{k} * {net.backprop.outputs[name]})" for k, name in enumerate(weights)]
    given = at | delta | {f"r{k}": array for k, array in enumerate(weights.values())}
    declared = [f"{name}: {array.shape[0]}x{array.shape[1]}" for name, array in given.items()]
    twice = compile("\n".join([str(net.backprop), f"S_2 = {' + '.join(terms)}", *declared]), wrt="all")
    found = twice.grad(**{name: given[name] for name in twice.inputs})
    assume(all(np.isfinite(array).all() and np.abs(array).max() < LARGE for array in found.values()))
    step = {name: np.asarray(rng.uniform(-1, 1, array.shape)) for name, array in at.items() if name in twice.inputs}

    def value(moved: Any) -> float:
        return promised(net.grad(**moved, **delta), weights)

    wide, narrow = (slope_along(value, at, step, h) for h in (2e-4, 1e-4))
    assume(abs(wide - narrow) < 1e-6 * max(1, abs(narrow)))
    assert promised(found, step) == pytest.approx(narrow, rel=1e-5, abs=1e-5)


@QUICK
@example("(x + x) * -x * --x")
@given(entries())
def test_the_derivative_of_a_function_of_ones_own_is_its_gradient(body: str) -> None:
    """f' beside the gradient of sum(f(z)), f'' beside that of sum(f'(z))."""
    z = np.array([[0.3, -0.7, 1.1]])
    for primes in ("", "'"):
        gradient = compile(f"act(x) = {body}; L = sum(act{primes}(z))", wrt=["z"]).grad(z=z)["z"]
        assume(np.isfinite(gradient).all() and np.abs(gradient).max() < LARGE)
        same(compile(f"act(x) = {body}; y = act{primes}'(z)")(z=z), gradient, digits=9)


@QUICK
@given(written())
def test_stabilisation_changes_no_value_and_no_gradient(program: Written) -> None:
    """At ordinary points; that it helps at the extreme ones is another test's business."""
    net, typed = compiled(program), compiled(program, stabilize=False)
    at, by_hand = drawn(program)
    delta = signal(program, net)
    expected = gradients(typed, at, delta)
    same(np.atleast_2d(net(**at)), by_hand[program.output], digits=8)
    for name, grad in net.grad(**at, **delta).items():
        same(grad, expected[name], digits=7)


@QUICK
@given(written())
def test_tidying_changes_no_value(program: Written) -> None:
    """What is tidied is as a rule a derived program; every identity that it knows holds in any other, too."""
    net = compiled(program, stabilize=False)
    at, by_hand = drawn(program)
    tidied = tidy(net.steps)
    found = load(module(tidied, None, ["a test"]))["forward"](*(at[name.name] for name in tidied.inputs))
    for name, _ in program.equations:
        if name in found:
            same(np.atleast_2d(found[name]), by_hand[name], digits=9)


# ------------------------------------------------------------------------------------------------------------ printing


@QUICK
@given(written())
def test_what_is_printed_reads_back(program: Written) -> None:
    """Plain text as the same equations, Unicode as the same text."""
    net = compiled(program)
    plain = compile(net.to("plain"), shapes=program.shapes, wrt="all")
    small = compile(net.to("unicode"), shapes=program.shapes, wrt="all")
    assert plain.program == net.program
    assert str(plain.program) == str(small.program) == str(net.program)
    at, by_hand = drawn(program)
    for other in (plain, small):
        same(np.atleast_2d(other(**at)), by_hand[program.output], digits=9)


@QUICK
@pytest.mark.parametrize("notation", ["latex", "python"])
@given(program=written())
def test_latex_and_python_read_back_as_the_same_program(program: Written, notation: str) -> None:
    """Of Python, the functions that are called are read; one that nothing calls is no part of the program."""
    net = compiled(program)
    again = compile(net.to(notation), shapes=program.shapes, notation=notation)
    assert again.program == net.program
    assert set(str(again.program).splitlines()) <= set(str(net.program).splitlines())


# ---------------------------------------------------------------------------------------------------------------- code


@QUICK
@given(written())
def test_the_source_runs_alone_and_the_book_names_change_nothing_but_names(program: Written) -> None:
    net, book = compiled(program), compiled(program, names="book")
    at, _ = drawn(program)
    delta = signal(program, net)
    gradients(net, at, delta)
    value, grads = net.value_and_grad(**at, **delta)
    for source in (net.source, book.source):
        alone: dict[str, Any] = {}
        exec(source, alone)
        given = [np.array(at[name]) for name in net.inputs]
        again, its = alone["value_and_grad"](*given, *delta.values())
        np.testing.assert_array_equal(again, value)
        for name, grad in its.items():
            np.testing.assert_array_equal(grad, grads[name])
    assert book.source == compiled(program, names="book").source


@QUICK
@given(written())
def test_results_share_no_memory_and_inputs_stay_as_they_were(program: Written) -> None:
    net = compiled(program)
    at, _ = drawn(program)
    delta = signal(program, net)
    before = {name: array.copy() for name, array in (at | delta).items()}
    value, grads = net.value_and_grad(**at, **delta)
    arrays = [*at.values(), *delta.values(), *grads.values(), np.asarray(value), *(np.asarray(v) for v in net.forward(**at).values())]
    for k, one in enumerate(arrays):
        for other in arrays[k + 1 :]:
            assert not np.shares_memory(one, other)
    for name, array in (at | delta).items():
        np.testing.assert_array_equal(array, before[name])
