"""What can be read but is likely to be meant otherwise.

In    a program with its shapes
Out   an error where the notation says so, a warning where somebody else's convention reads the same text differently
Idea  one entry for each trap, looked at once shapes are known; each says what was understood and what to type
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping

from sympy import Expr, Symbol

from algebra2net import names
from algebra2net.errors import AlgebraError, NotationError, ShapeError, Span
from algebra2net.layers import is_parameter
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation, Operator, operation
from algebra2net.program import SCALAR, Equation, Program, Shape, operands, record, symbol

_PRODUCT = re.compile(r"[WUVA][xXhHzZasl]|[xXhHzZasl][WUVA]|wx|xw")  # of a weight and a layer, run together


class AlgebraWarning(UserWarning):
    """The text was read, but its author may have meant something else."""


def advise(program: Program, barred: Iterable[tuple[str, str, Span]]) -> None:
    """Look for traps. `barred` are the names that stand in `log |A|` and in `|A|^{1/2}`, with `log` or nothing.

    Raises AlgebraError where the notation refuses what is written; warns (AlgebraWarning) where it reads it its own way.
    """
    shapes = program.shapes
    for name, log, span in barred:
        rows, columns = next((shape for symbol, shape in shapes.items() if symbol.name == name), SCALAR)
        if rows == columns != 1:
            shown = names.unicode(name)
            meant = (f"logdet({shown})", f"log(abs({shown}))") if log else (f"det({shown})", f"abs({shown})")
            raise NotationError(f"{log} |{shown}| of a square matrix has two meanings".lstrip(), span, f"type {meant[0]} for the determinant, {meant[1]} for the entries")
    _run_together(program)
    made = {e.name: e.value for e in program.equations}
    for equation in program.equations:
        if isinstance(equation.value, Operation):
            look = _TRAPS.get(type(equation.value).__name__)
            if look is not None:
                look(equation, shapes, made)


def _shape(value: Expr, shapes: Mapping[Symbol, Shape]) -> Shape:
    return shapes[value] if isinstance(value, Symbol) else SCALAR


def _text(equation: Equation) -> str:
    return " ".join(equation.span.text.split()) if equation.span is not None and equation.span.text.strip() else str(equation.value)


def _run_together(program: Program) -> None:
    """`relu(xW1 + b)`: a weight and a layer without a space are one name. One that is multiplied (`x Wx`) is a name that somebody chose."""
    suspects = {name for name in program.inputs if _PRODUCT.fullmatch(names.parts(name.name).base)}
    if not suspects:
        return
    suspects -= {operand for e in program.equations if type(e.value).__name__ in ("product", "matmul") for operand in e.value.args}
    for equation in program.equations:
        for name in sorted(suspects.intersection(operands(equation.value)), key=str):
            suspects.remove(name)
            if equation.span is not None:
                shown = names.unicode(name.name)
                _warn(f"{shown} was read as one name", equation.span, f"a product has a space between its factors: {shown[0]} {shown[1:]}")


def _negative_power(equation: Equation, shapes: Mapping[Symbol, Shape], made: Mapping[Symbol, Expr]) -> None:
    base, exponent = equation.value.args
    if exponent.is_Integer and exponent < -1 and _shape(base, shapes) != SCALAR and equation.span is not None:
        text, power = _text(equation), int(-exponent)
        if text.startswith("pow(") or text.rpartition("^")[2].startswith("("):
            return  # x^(-2) is meant entry by entry
        stem = text.split("^")[0].strip() or "A"
        raise NotationError(
            f"{text} is no power of a matrix in this notation", equation.span, f"type {' '.join([f'inv({stem})'] * power)} for the matrix, 1 / {stem}^{power} entry by entry"
        )


def _along_rows(equation: Equation, shapes: Mapping[Symbol, Shape], made: Mapping[Symbol, Expr]) -> None:
    called = _called(record(equation.value))
    shape = _shape(equation.value.args[0], shapes)
    if equation.span is None:
        return
    if shape == SCALAR:
        raise ShapeError(f"{called} of a scalar", equation.span, f"{called} works along each row: its argument is a row of at least two")
    if shape[1] == 1:
        _warn(f"{called} works along each row, and here each row has one entry ({shape[0]}×1)", equation.span, f"for a column type {called}(…')'")
    elif isinstance(shape[1], str) and _is_column_layer(equation.value.args[0], shapes, made):
        _warn(f"{called} works along each row, and here an example is a column, as in W x", equation.span, f"type {called}(…')', or x W with an example in each row")


def _is_column_layer(value: Expr, shapes: Mapping[Symbol, Shape], made: Mapping[Symbol, Expr]) -> bool:
    """Whether a value is W x with a weight W, but for what is added to it and what is done entry by entry."""
    waiting = [value]
    while waiting:
        layer = made.get(waiting.pop())
        if isinstance(layer, operation("matmul")):
            left, right = (_untransposed(arg, made) for arg in layer.args)
            if is_parameter(left.name) and left not in made and not is_parameter(right.name):
                return True
        elif isinstance(layer, Operation) and record(layer).elementwise:
            waiting += layer.args
        elif isinstance(layer, Symbol):
            waiting.append(layer)
    return False


def _untransposed(value: Expr, made: Mapping[Symbol, Expr]) -> Symbol:
    while isinstance(made.get(value), operation("transpose")):
        (value,) = made[value].args
    return value


def _called(here: Operator) -> str:
    """The name that users know: of a part of a function, that of the function (layernorm for standardize)."""
    return next((o.name for o in OPERATORS.values() if not o.internal and f"{here.name}(" in o.value), here.name) if here.internal else here.name


def _of_a_power(equation: Equation, shapes: Mapping[Symbol, Shape], made: Mapping[Symbol, Expr]) -> None:
    inside = made.get(equation.value.args[0])
    if type(inside).__name__ == "power" and equation.span is not None:
        base, exponent = inside.args  # type: ignore[union-attr]
        rows, columns = _shape(base, shapes)
        if rows == columns != 1 and exponent.is_Integer:
            _warn(
                f"^{exponent} was read entry by entry, here of a square matrix",
                equation.span,
                f"the matrix product is written side by side: {' '.join([str(base)] * int(exponent))}",
            )


def _quotient_of_differentials(equation: Equation, shapes: Mapping[Symbol, Shape], made: Mapping[Symbol, Expr]) -> None:
    above, below = (str(operand) for operand in equation.value.args)
    known = {name.name for name in shapes}
    if equation.span is not None and all(word.startswith("d") and word[1:] in known and symbol(word) not in made for word in (above, below)):
        _warn(f"{above} / {below} was read as a quotient of two inputs", equation.span, f"the gradients are derived without being asked for: backprop has that by {below[1:]}")


def _warn(message: str, span: Span, hint: str) -> None:
    warnings.warn(AlgebraWarning(str(AlgebraError(message, span, hint))), stacklevel=6)


_Trap = Callable[[Equation, Mapping[Symbol, Shape], Mapping[Symbol, Expr]], None]
_TRAPS: dict[str, _Trap] = {
    "power": _negative_power,
    "divide": _quotient_of_differentials,
    **dict.fromkeys(("softmax", "log_softmax", "standardize"), _along_rows),
    **dict.fromkeys(("trace", "det", "logdet", "inv"), _of_a_power),
}
