"""Every operator of the table, by its record alone: shapes, slopes, slopes of slopes, spellings, corners.

A new operator is tested by what stands here. Operators that users cannot call are reached through programs of one equation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy
from strategies import Array, Fitting, counts, fittings, operand_names, points, promised, slope_along
from sympy import Expr, Symbol

from algebra2net import compile
from algebra2net.derive import VALUE, derive
from algebra2net.errors import DerivativeError, ShapeError
from algebra2net.expand import expand
from algebra2net.label import label
from algebra2net.lower import lower
from algebra2net.notation import Call
from algebra2net.notation import Equation as Typed
from algebra2net.operators import OPERATORS, known
from algebra2net.operators.operator import Operation, Operator, option
from algebra2net.program import SCALAR, Equation, Program, symbol
from algebra2net.read import read
from algebra2net.run import load
from algebra2net.shapes import Known, with_shapes
from algebra2net.spell import LATEX, write
from algebra2net.targets.numpy import module
from algebra2net.tidy import tidy

OF_ITS_OWN = {"extent"}  # the size of a dimension: nothing in one equation says how large that is
PAIRS = [(here, fitting) for here in OPERATORS.values() if here.name not in OF_ITS_OWN for fitting in fittings(here)]
CASES = [pytest.param(here, fitting, id=f"{here.name}-{fitting}") for here, fitting in PAIRS]
WITH_OPERANDS = [pytest.param(here, fitting, id=f"{here.name}-{fitting}") for here, fitting in PAIRS if fitting.sizes and fitting.sizes not in (((1, 3),), ((2, 1),))]
RECORDS = pytest.mark.parametrize("here", OPERATORS.values(), ids=lambda here: here.name)
OUT = symbol("out")


# ------------------------------------------------------------------------------------------- programs of one equation


def equation_of(here: Operator, fitting: Fitting) -> Operation:
    """The operator on symbols called as its operands are."""
    return here(*map(symbol, operand_names(here, fitting)), **{word: option(setting) for word, setting in fitting.options})


def typed(here: Operator, fitting: Fitting) -> Program:
    """out = operator(operands), before anything is known of shapes."""
    return Program((Equation(OUT, equation_of(here, fitting)),), tuple(map(symbol, operand_names(here, fitting))), {"out": OUT})


@cache
def program_of(here: Operator, fitting: Fitting) -> Program:
    """out = operator(operands), macros opened, with shapes."""
    return shaped(typed(here, fitting), dict(zip(operand_names(here, fitting), fitting.sizes, strict=True)))


def shaped(program: Program, sizes: Mapping[str, tuple[Any, Any]]) -> Program:
    """The program with macros opened and the shapes that follow from those of the inputs."""
    return with_shapes(expand(program), [Known(name, size, "the test") for name, size in sizes.items()])


def weighed(program: Program, names: Mapping[str, Symbol]) -> Program:
    """The program whose output is the sum of all entries of these values, each times an input of its own: along_…."""
    weights = {word: symbol(f"along_{word}") for word in names}
    steps = [Equation(symbol(f"weighed_{word}"), OPERATORS["times"](weights[word], name)) for word, name in names.items()]
    sums = [Equation(symbol(f"sum_{word}"), OPERATORS["sum"](step.name)) for word, step in zip(names, steps, strict=True)]
    total: Expr = sums[0].name
    added = []
    for k, term in enumerate(sums[1:]):
        added.append(Equation(symbol(f"total_{k}"), OPERATORS["plus"](total, term.name)))
        total = added[-1].name
    whole = Program((*program.equations, *steps, *sums, *added), (*program.inputs, *weights.values()), {str(total): total})
    sizes = {name.name: program.shapes[name] for name in program.inputs}
    return shaped(whole, sizes | {weights[word].name: program.shapes[name] for word, name in names.items()})


def gradients_of(program: Program, wrt: list[str]) -> Program:
    """The derived program, as `Net.backprop` makes it."""
    return label(tidy(derive(program, wrt)))


def running(program: Program) -> Callable[[Mapping[str, Array]], dict[str, Any]]:
    """The program as a function from its inputs to every named value, by the generated code."""
    opened = shaped(program, {name.name: program.shapes[name] for name in program.inputs})
    forward = load(module(opened, None, ["a test"]))["forward"]

    def run(at: Mapping[str, Array]) -> dict[str, Any]:
        with np.errstate(all="ignore"):
            found: dict[str, Any] = forward(*(at[name.name] for name in program.inputs))
        return found

    return run


def directions(at: Mapping[str, Array], seed: int = 1) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(-1, 1, np.shape(array)) for name, array in at.items()}


# ------------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(("here", "fitting"), CASES)
def test_the_value_has_the_shape_that_the_rule_says(here: Operator, fitting: Fitting) -> None:
    program = program_of(here, fitting)
    value = running(program)(points(here, fitting))["out"]
    assert program.shapes[OUT] == fitting.result
    assert isinstance(value, float) if fitting.result == SCALAR else value.shape == fitting.result


@pytest.mark.parametrize(("here", "fitting"), WITH_OPERANDS)
def test_every_slope_and_every_slope_of_a_slope_agrees_with_the_one_measured(here: Operator, fitting: Fitting) -> None:
    program = weighed(program_of(here, fitting), {"out": OUT})
    at = points(here, fitting) | directions({"along_out": np.empty(fitting.result)})
    wrt = [name for name in points(here, fitting) if not counts(here, name)]
    derived = gradients_of(program, wrt)
    assert_as_measured(program, derived, at, wrt)
    slopes = weighed(derived, {name: derived.outputs[name] for name in wrt})
    at |= directions({f"along_{name}": at[name] for name in wrt}, seed=2)
    try:
        again = gradients_of(slopes, wrt)
    except DerivativeError:
        assert here.internal  # a rule's own rule may end where users only get by deriving three times
    else:
        assert_as_measured(slopes, again, at, wrt)


def assert_as_measured(program: Program, derived: Program, at: Mapping[str, Array], wrt: list[str]) -> None:
    """Along one random direction, what the derived program promises is what a small step shows."""
    run, found = running(program), running(derived)(at)
    step, output = directions({name: at[name] for name in wrt}), derived.outputs[VALUE].name
    measured = slope_along(lambda moved: run(moved)[output], at, step)
    assert promised({name: found[derived.outputs[name].name] for name in wrt}, step) == pytest.approx(measured, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("here", [here for here in OPERATORS.values() if here.sympy], ids=lambda here: here.name)
def test_value_and_slope_are_what_sympy_says(here: Operator) -> None:
    """SymPy knows the function by its definition, which the record gives in SymPy's words."""
    entries = {word: sympy.Symbol(word, real=True) for word in here.operands}
    exact = sympy.sympify(here.sympy, entries)
    at = points(here, fitting := Fitting(((1, 5),) * len(entries), (1, 5)))
    program = weighed(program_of(here, fitting), {"out": OUT})
    derived = gradients_of(program, list(here.operands))
    found = running(derived)(at | {"along_out": np.ones((1, 5))})
    np.testing.assert_allclose(found["out"], _numbers(exact, entries, at), rtol=1e-13)
    for word, entry in entries.items():
        np.testing.assert_allclose(found[derived.outputs[word].name], _numbers(sympy.diff(exact, entry), entries, at), rtol=1e-12, atol=1e-15)


def _numbers(exact: Expr, entries: Mapping[str, Symbol], at: Mapping[str, Array]) -> Array:
    columns = zip(*(at[word][0] for word in entries), strict=True)
    return np.array([[float(exact.subs(dict(zip(entries.values(), map(sympy.Float, point), strict=True))).evalf(30)) for point in columns]])


# ------------------------------------------------------------------------------------------------------------- corners

CORNERS = (0.0, 1.0, -1.0, 0.5, 2.0, 2.5, 3.0, -3.0, 6.0)


def corners(here: Operator) -> list[tuple[Fitting, dict[str, Array]]]:
    """Places where functions are known to break: whole and half numbers, with everything equal."""
    found = []
    for fitting in fittings(here):
        if not fitting.sizes or (here.elementwise and fitting.result != SCALAR):
            continue
        others = points(here, fitting)
        for place in CORNERS if here.elementwise else (0.0, 1.0):
            at = {word: array if counts(here, word) else np.full_like(array, place) for word, array in others.items()}
            found.append((fitting, at))
            found += [(fitting, others | {word: array}) for word, array in at.items() if len(at) > 1]
    return found


def breaks(here: Operator, fitting: Fitting, at: Mapping[str, Array]) -> bool:
    """Whether the function changes in steps, or at one pace on this side and at another on that."""
    run, step = running(program_of(here, fitting)), directions({name: array for name, array in at.items() if not counts(here, name)}, seed=3)

    def value(t: float) -> Array:
        return np.asarray(run({name: array + t * step[name] if name in step else array for name, array in at.items()})["out"], dtype=float)

    def bend(h: float) -> float:
        return float(np.max(np.abs(value(h) - 2 * value(0) + value(-h))))

    try:
        wide, narrow = bend(1e-4), bend(0.5e-4)
    except np.linalg.LinAlgError:
        return False  # a singular matrix has no inverse
    return wide > 1e-6 and narrow > 0.4 * wide  # of a smooth function it would be a quarter; at the border of a domain both are nan


@RECORDS
def test_where_there_is_a_corner_the_record_says_what_holds(here: Operator) -> None:
    broken = [(fitting, at) for fitting, at in corners(here) if breaks(here, fitting, at)]
    assert here.kink or not broken, f"at {broken[0][1]}"


@RECORDS
def test_no_slope_at_a_corner_is_nan(here: Operator) -> None:
    for fitting, at in corners(here):
        if breaks(here, fitting, at):
            wrt = [name for name in at if not counts(here, name)]
            derived = gradients_of(weighed(program_of(here, fitting), {"out": OUT}), wrt)
            found = running(derived)(at | {"along_out": np.ones(fitting.result)})
            for name in wrt:
                assert not np.isnan(found[derived.outputs[name].name]).any(), f"by {name} at {at}"


# ----------------------------------------------------------------------------------------------------------- spellings

PROMISED = """
    relu leaky_relu elu selu gelu gelu_tanh silu swish mish softplus softsign sigmoid σ logistic hard_sigmoid tanh hard_tanh relu6
    exp log ln log1p expm1 log2 log10 sqrt cbrt abs sign square reciprocal sin cos tan arcsin arccos arctan sinh cosh arcsinh arccosh arctanh
    erf erfc lgamma floor ceil round step heaviside maximum minimum clip pow where
    softmax log_softmax normalize layernorm rmsnorm sum mean max min prod var std logsumexp norm
    transpose trace tr det logdet inv solve diag dot outer kron tril triu concat stack vec identity ones zeros
    mse mae huber cross_entropy nll bce bce_logits hinge kl dropout ReLU Softmax GELU Tr CrossEntropy
"""


@pytest.mark.parametrize("name", PROMISED.split())
def test_every_function_of_the_notation_is_there(name: str) -> None:
    assert known(name) in OPERATORS


@RECORDS
def test_every_operator_is_documented_in_a_sentence(here: Operator) -> None:
    assert re.fullmatch(r"\S.*[.]( \(.*\))?", here.doc)


@RECORDS
def test_every_slope_that_is_not_plain_is_explained(here: Operator) -> None:
    """The sheet shows the reason beside each derived equation."""
    if not here.value and any(text not in ("", "0") for text in here.vjp.values()):
        assert here.reason


@pytest.mark.parametrize(("here", "fitting"), CASES)
def test_what_is_printed_in_plain_notation_reads_back(here: Operator, fitting: Fitting) -> None:
    again = read_back(typed(here, fitting).plain(), here, fitting)
    assert str(again) == str(program_of(here, fitting))
    assert again.shapes[OUT] == fitting.result


@pytest.mark.parametrize(("here", "fitting"), CASES)
def test_what_is_printed_in_unicode_is_worth_the_same(here: Operator, fitting: Fitting) -> None:
    """It may show what an operator means (x / y) in place of its name, where that is not the whole truth at 0."""
    if here.name in ("columns_of", "rows_of"):
        pytest.skip("a cut out of a matrix is shown as A[:, b]; the notation has no such thing")
    again = read_back(typed(here, fitting).unicode(), here, fitting)
    at = points(here, fitting)
    expected = running(program_of(here, fitting))(at)["out"]
    np.testing.assert_allclose(np.broadcast_to(running(again)(at)["out"], np.shape(expected)), expected, rtol=1e-9, atol=1e-12)


def read_back(text: str, here: Operator, fitting: Fitting) -> Program:
    sizes = dict(zip(operand_names(here, fitting), fitting.sizes, strict=True))
    program = lower(read(text)).program
    return shaped(replace(program, inputs=tuple(map(symbol, sizes))), sizes if program.inputs else {**sizes, "out": fitting.result})  # `I` alone has any size


@pytest.mark.parametrize(("here", "fitting"), CASES)
def test_latex_is_whole(here: Operator, fitting: Fitting) -> None:
    """Brackets are closed, nothing of the template is left over, and every character is TeX's."""
    text = write(equation_of(here, fitting), LATEX)
    assert text.isascii()
    assert "$" not in text
    assert "_" not in re.sub(r"\\_|_\{|\|_1|\|_\\infty|I_", "", text)
    assert text.count(r"\left") == text.count(r"\right")
    assert re.sub(r"[^{}]", "", text).replace("{", "(").count("(") == text.count("}")


@pytest.mark.parametrize("here", [here for here in OPERATORS.values() if not here.internal and not here.choices], ids=lambda here: here.name)
def test_every_spelling_of_a_function_calls_it(here: Operator) -> None:
    for spelling in (here.name, here.name.upper(), here.name.title(), *here.aliases):
        (equation,) = read(f"out = {spelling}({', '.join(here.operands) if not here.variadic else 'a, b'})")
        assert isinstance(equation, Typed)
        assert isinstance(equation.value, Call)
        assert equation.value.function == here.name


# fmt: off
UNLIKE = [
    # loss                       shapes that do not go together
    ("mse(p, y)",                {"p": (4, 3), "y": (4, 1)}),
    ("mae(p - 1, y)",            {"p": (4, 3), "y": (4, 1)}),
    ("cross_entropy(p, y)",      {"p": (4, 3), "y": (4, 1)}),
    ("bce(p, y)",                {"p": (1, 3), "y": (3, 1)}),
    ("huber(p, y, 2)",           {"p": (4, 1), "y": (1, 4)}),
    ("hinge(p, y)",              {"p": (4, 3), "y": (4, 1)}),
    ("kl(p, y)",                 {"p": (4, 1), "y": (4, 3)}),
]
# fmt: on


@pytest.mark.parametrize(("loss", "shapes"), UNLIKE)
def test_a_loss_of_shapes_that_differ_is_refused_whether_they_are_said_or_given(loss: str, shapes: dict[str, tuple[int, int]]) -> None:
    sizes = [f"{rows}×{columns}" for rows, columns in shapes.values()]
    for refused in (lambda: compile(loss, shapes=shapes), lambda: compile(loss)(**{name: np.full(shape, 0.5) for name, shape in shapes.items()})):
        with pytest.raises(ShapeError) as found:
            refused()
        assert all(size in str(found.value) for size in sizes)
        assert "give both the same shape" in str(found.value)


@pytest.mark.parametrize("target", [(4, 3), (1, 3), (1, 1)], ids=str)
def test_a_loss_takes_one_row_or_a_scalar_for_a_whole_batch(target: tuple[int, int]) -> None:
    p, y = np.arange(12.0).reshape(4, 3), np.full(target, 2.0)
    assert compile("mse(p, y)")(p=p, y=y) == pytest.approx(((p - y) ** 2).mean())
