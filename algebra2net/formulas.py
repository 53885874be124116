"""What is computed as one function, for the sake of its digits, as the formula that readers know.

In    a value of a Program: `excess(p, d)`, `log_ratio(x, y)`
Out   the same in the signs of a paper: `d - p ∘ sum(d)`, `log(x / y)`
Idea  code calls a function that loses no digits, algebra shows what it means; a formula is a text in the notation

What names stand for is known, so that the row sum of a softmax, which is 1, is not written, and a mean that has a name goes by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from sympy import Expr, Integer, Symbol

from algebra2net.lower import meaning_of, rule
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation, operation, option
from algebra2net.program import record

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
    "log_ratio_or_zero": "log(x / y)",
    "x_log_ratio": "x * log(x / y)",
    "x_log_y": "x * log(y)",
    "x_log1p_y": "x * log(1 + y)",
    "log_or_zero": "log(x)",
    "log_or_zero_at": "log(y)",
    "quotient_or_zero": "a / b",
    "quotient_or_zero_at": "x / y",
    "logistic_loss": "softplus(z) - z * y",
    "exp_minus_square": "exp(-x^2)",
    "root_of_positive": "sqrt(relu(x))",
    "hypot": "sqrt(a^2 + b^2)",
    "unit_hypot": "sqrt(1 + x^2)",
    "logmeanexp": "log(mean(exp(x), axis=axis))",
    "log_prod": "log(prod(x, axis=axis))",
    "eye_like": "I",
}  # fmt: skip
_ONE = Integer(1)
_BY_ROWS = {"shares": "softmax", "log_shares": "log_softmax", "unit": "normalize"}  # what along each row has a name


_LAYERS = {"standardize": "layernorm", "rootmeansquared": "rmsnorm"}


@cache
def _text(name: str) -> str:
    """The formula of an operator; of one that is there for its digits alone, what its record says it is."""
    here = OPERATORS.get(name)
    if name in FORMULAS or here is None or here.family != "stable":
        return FORMULAS.get(name, "?" if name in _LAYERS else "")
    return here.sympy.replace("**", "^")


@dataclass(frozen=True)
class Known:
    """What names stand for, the names that values have, and which are scalars."""

    made: Callable[[Expr], Expr]
    named: Callable[[Expr], Expr]
    scalar: Callable[[Expr], bool] = lambda _: False


def formula(value: Expr, known: Known) -> Expr:
    """The formula that `value` stands for, or `value` where it is one already."""
    name = type(value).__name__
    text = _text(name) if isinstance(value, Operation) else ""
    if not text:
        return value
    if name in _BY_ROWS and value.args[-1] == _ONE:
        return operation(_BY_ROWS[name])(value.args[0])
    if name in _LAYERS:
        return OPERATORS[_LAYERS[name]](value.args[0], *map(option, OPERATORS[_LAYERS[name]].defaults.values()), eps=value.args[1]) if value.args[-1] == _ONE else value
    if name in ("contrast", "excess") and isinstance(turned := known.made(value.args[1]), operation("neg")):
        opened = formula(value.func(value.args[0], turned.args[0], value.args[2]), known)
        return OPERATORS["minus"](*reversed(opened.args))  # p - y for -y - (-p)
    body = rule(text, OPERATORS[name].parameters)
    local = dict(meaning_of(value, OPERATORS[name]))
    for step in body.steps:
        local[step.name] = _short(step.value.func(*(local.get(arg, arg) for arg in step.value.args)), known)
    if not isinstance(body.result, Operation):
        return local.get(body.result, body.result)
    return _short(body.result.func(*(local.get(arg, arg) for arg in body.result.args)), known)


def repeated(value: Expr, known: Known) -> tuple[Symbol, ...]:
    """The operands that the formula of a value has more than once."""
    if not _text(type(value).__name__) or type(value).__name__ in _LAYERS:
        return ()
    times: Counter[Symbol] = Counter()
    waiting = [formula(value, known)]
    while waiting:
        one = waiting.pop()
        times.update([one] if isinstance(one, Symbol) else [])
        waiting += [arg for arg in one.args if isinstance(arg, Expr)] if isinstance(one, Operation) else []
    return tuple(arg for arg in value.args if times[arg] > 1)


def _short(value: Expr, known: Known) -> Expr:
    """A step of a formula by its name, if it has one, and without what says nothing: the sum of a softmax or of I, a factor 1, a second sign."""
    if isinstance(value, operation("unit")) and value.args[1] == _ONE:
        value = operation("normalize")(value.args[0])
    if isinstance(value, operation("sum")):
        inside, axis = known.made(value.args[0]), value.args[1]
        shared = (isinstance(inside, operation("softmax")) and axis == _ONE) or (isinstance(inside, operation("shares")) and inside.args[1] == axis)
        return _ONE if shared or (isinstance(inside, operation("eye")) and axis in (0, 1)) else value
    if isinstance(value, operation("power")) and value.args[0] == _ONE:
        return _ONE
    if isinstance(value, operation("times")) and _ONE in value.args:
        return value.args[0] if value.args[1] == _ONE else value.args[1]
    if isinstance(value, operation("times")) and _is_scalar(value.args[0], known) != _is_scalar(value.args[1], known):
        one, other = value.args
        return known.named(OPERATORS["scale"](one, other) if _is_scalar(one, known) else OPERATORS["scale"](other, one))
    if isinstance(value, operation("plus")) and value.args[1].is_Number and value.args[1] == 0:
        return value.args[0]
    if isinstance(value, operation("plus")) and isinstance(added := known.made(value.args[1]), operation("neg")):
        return OPERATORS["minus"](value.args[0], added.args[0])
    return known.named(value)


def _is_scalar(value: Expr, known: Known) -> bool:
    """Whether a part of a formula is a scalar for certain. Formulas are small, so this may recurse."""
    if isinstance(value, Operation):
        return record(value).elementwise and all(_is_scalar(arg, known) for arg in value.args)
    return not isinstance(value, Symbol) or known.scalar(value)
