"""What is computed as one function, for the sake of its digits, as the formula that readers know.

In    a value of a Program: `excess(p, d)`, `log_ratio(x, y)`
Out   the same in the signs of a paper: `d - p ∘ sum(d)`, `log(x / y)`
Idea  code calls a function that loses no digits, algebra shows what it means; a formula is a text in the notation

`made` says what a name stands for: the row sum of a softmax is 1, and is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Expr, Integer, Symbol

from algebra2net.lower import meaning_of, parameters_of, rule
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation, operation

FORMULAS: Mapping[str, str] = {
    "contrast": "d * sum(p, axis=axis) - sum(d * p, axis=axis)",
    "excess": "d * sum(p, axis=axis) - p * sum(d, axis=axis)",
    "shares": "exp(x) / sum(exp(x), axis=axis)",
    "log_shares": "x - logsumexp(x, axis=axis)",
    "unit": "x / norm(x, axis=axis)",
    "unit_back": "(d - unit(x, axis=axis) * sum(d * unit(x, axis=axis), axis=axis)) / norm(x, axis=axis)",
    "standardize_back": "(d - mean(d, axis=axis) - standardize(x, eps=eps, axis=axis) * mean(d * standardize(x, eps=eps, axis=axis), axis=axis)) / sqrt(var(x, axis=axis) + eps)",
    "rootmeansquared_back": "(d - rootmeansquared(x, eps=eps, axis=axis) * mean(d * rootmeansquared(x, eps=eps, axis=axis), axis=axis)) / sqrt(mean(x^2, axis=axis) + eps)",
    "centre": "x - mean(x, axis=axis)",
    "log_product": "log(a * b)",
    "log_ratio": "log(x / y)",
    "log_ratio_or_zero": "log(x / y)",
    "x_log_ratio": "x * log(x / y)",
    "x_log_y": "x * log(y)",
    "x_log1p_y": "x * log(1 + y)",
    "log_or_zero": "log(x)",
    "log_or_zero_at": "log(y)",
    "quotient_or_zero": "a / b",
    "quotient_or_zero_at": "x / y",
    "logistic_loss": "softplus(z) - z * y",
    "log1mexp": "log(1 - exp(-x))",
    "logexpm1": "log(exp(x) - 1)",
    "logcosh": "log(cosh(x))",
    "gaussian": "exp(-x^2 / 2)",
    "exp_minus_square": "exp(-x^2)",
    "cosh_minus_one": "cosh(x) - 1",
    "hypot_minus_one": "sqrt(1 + x^2) - 1",
    "root_minus_one": "sqrt(1 + x) - 1",
}  # fmt: skip
_ONE = Integer(1)


def formula(value: Expr, made: Callable[[Expr], Expr]) -> Expr:
    """The formula that `value` stands for, or `value` where it is one already. `made` gives what a name stands for."""
    if isinstance(value, operation("neg")):
        return _turned(made(value.args[0]), made) or value
    name = type(value).__name__
    if not isinstance(value, Operation) or name not in FORMULAS:
        return value
    here = OPERATORS[name]
    body = rule(FORMULAS[name], parameters_of(here))
    local: dict[Expr, Expr] = {word: meaning for word, meaning in meaning_of(value, here).items()}
    for step in body.steps:
        local[step.name] = _plain(step.value.func(*(local.get(arg, arg) for arg in step.value.args)), made)
    return _plain(body.result.func(*(local.get(arg, arg) for arg in body.result.args)), made)


def _turned(value: Expr, made: Callable[[Expr], Expr]) -> Expr | None:
    """-value, where value is a difference that a formula makes, or such a difference over a number: p - y for -(y - p)."""
    if isinstance(value, operation("divide")) and not value.args[1].args:
        above = _turned(made(value.args[0]), made)
        return None if above is None else OPERATORS["divide"](above, value.args[1])
    opened = formula(value, made) if type(value).__name__ in ("contrast", "excess") else None
    return OPERATORS["minus"](*reversed(opened.args)) if isinstance(opened, operation("minus")) else None


def _plain(value: Expr, made: Callable[[Expr], Expr]) -> Expr:
    """A step of a formula without what says nothing: the sum of a softmax is 1, x 1 is x, 1 + (-x) is 1 - x."""
    if isinstance(value, operation("sum")):
        inside, axis = made(value.args[0]), value.args[1]
        shared = isinstance(inside, operation("softmax")) and axis == _ONE or isinstance(inside, operation("shares")) and inside.args[1] == axis
        return _ONE if shared else value
    if isinstance(value, operation("times")) and _ONE in value.args:
        return value.args[0] if value.args[1] == _ONE else value.args[1]
    if isinstance(value, operation("plus")) and isinstance(added := made(value.args[1]), operation("neg")):
        return OPERATORS["minus"](value.args[0], added.args[0])
    return value


def repeated(value: Expr) -> tuple[Symbol, ...]:
    """The operands that a value's formula writes more than once."""
    name = type(value).__name__
    if name not in FORMULAS or not isinstance(value, Operation):
        return ()
    here = OPERATORS[name]
    body = rule(FORMULAS[name], parameters_of(here))
    written = [arg for step in (*body.steps, body.result) for arg in (step.args if isinstance(step, Expr) else step.value.args)]
    return tuple(arg for word, arg in meaning_of(value, here).items() if isinstance(arg, Symbol) and written.count(word) > 1)
