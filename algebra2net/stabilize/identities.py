"""The rewrites: what is typed, what is computed in its place, and why.

Each is one entry. Both sides are in our notation; a name in them stands for any value (`axis` for any axis, `e` in an
option for any number). Spellings that the normal form makes one (forms.py) need no entries of their own; a pattern is
itself rewritten by the entries above it, so that `log(1 - exp(x))` is found although `1 - exp(x)` is rewritten first.

A test evaluates both sides of every entry with 60 digits at random points of its domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from algebra2net.stabilize.forms import NUMBER, Forms, close

Condition = Callable[[Forms, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Identity:
    """`pattern` is `replacement` wherever `when` allows; `domain` is where the names lie."""

    pattern: str
    replacement: str
    reason: str
    when: Condition | None = None
    domain: str = "real"


def _number(forms: Forms, bound: Mapping[str, Any], name: str) -> float | None:
    """The number that a name stands for, if it stands for one."""
    return float(forms.data[bound[name]]) if forms.kinds[bound[name]] == NUMBER else None


def _is_number(name: str) -> Condition:
    return lambda forms, bound: _number(forms, bound, name) is not None


def _is_some_number(name: str) -> Condition:
    return lambda forms, bound: _number(forms, bound, name) not in (None, 0)


def _is_positive(name: str) -> Condition:
    return lambda forms, bound: (_number(forms, bound, name) or 0) > 0


def _may_be_positive(name: str) -> Condition:
    return lambda forms, bound: _number(forms, bound, name) is None or (_number(forms, bound, name) or 0) > 0


def _even(forms: Forms, bound: Mapping[str, Any]) -> bool:
    p = _number(forms, bound, "p")
    return p is not None and p % 2 == 0


def _not_even(forms: Forms, bound: Mapping[str, Any]) -> bool:
    p = _number(forms, bound, "p")
    return p is not None and p % 2 != 0


def _inverse_even(forms: Forms, bound: Mapping[str, Any]) -> bool:
    return _even(forms, bound) and _inverse(forms, bound)


def _inverse(forms: Forms, bound: Mapping[str, Any]) -> bool:
    p, a = _number(forms, bound, "p"), _number(forms, bound, "a")
    return p is not None and a is not None and p > 1 and p != 2 and close(p * a, 1.0)


def _has_a_delicate_slope(forms: Forms, bound: Mapping[str, Any]) -> bool:
    p = _number(forms, bound, "p")
    return p is not None and (p < -1 or Fraction(p) - 1 != Fraction(p - 1))


def _in_order(forms: Forms, bound: Mapping[str, Any]) -> bool:
    lo, hi = _number(forms, bound, "lo"), _number(forms, bound, "hi")
    return lo is not None and hi is not None and lo <= hi


def _not_negative(forms: Forms, bound: Mapping[str, Any]) -> bool:
    return (_number(forms, bound, "hi") or -1) > 0


_OVERFLOW = "no exponential overflows"
_CANCEL = "nothing cancels: no digits are lost"
_SQUARES = "no square overflows or vanishes"
_KINK = "one function, with the slope that was agreed where it has a corner"

# fmt: off
IDENTITIES: tuple[Identity, ...] = (
    # corners
    Identity("maximum(x, 0)", "relu(x)", _KINK),
    Identity("x * (x > 0)", "relu(x)", _KINK),
    Identity("where(x > 0, x, 0)", "relu(x)", _KINK),
    Identity("x + abs(x)", "2 relu(x)", _KINK),
    Identity("minimum(maximum(x, lo), hi)", "clip(x, lo, hi)", _KINK, _in_order, "bounds"),
    Identity("maximum(minimum(x, hi), lo)", "clip(x, lo, hi)", _KINK, _in_order, "bounds"),
    Identity("minimum(relu(x), hi)", "clip(x, 0, hi)", _KINK, _not_negative, "positive"),
    Identity("sqrt(relu(x))", "root_of_positive(x)", "where x is negative the root is 0 and so is its slope: 0 times inf would be nan", domain="positive"),
    Identity("sqrt(x^2)", "abs(x)", f"the root of a square; {_SQUARES}"),
    Identity("minimum(expm1(x), 0)", "expm1(minimum(x, 0))", "no exponential overflows where its branch is not taken"),

    # exponentials that are sigmoids, hyperbolic functions, Gaussians
    Identity("y / exp(x)", "y * exp(-x)", _OVERFLOW),
    Identity("exp(x) - exp(-x)", "2 sinh(x)", f"sinh; {_CANCEL}"),
    Identity("exp(x) + exp(-x)", "2 cosh(x)", "cosh"),
    Identity("sinh(x) / cosh(x)", "tanh(x)", f"tanh; {_OVERFLOW}"),
    Identity("1 / cosh(x)", "sech(x)", f"1/cosh; {_OVERFLOW}"),
    Identity("exp(-x^2)", "exp_minus_square(x)", "the square is exact, so that the tail keeps its digits"),
    Identity("exp(-x^2 / 2)", "gaussian(x)", "the square is exact, so that the tail keeps its digits"),
    Identity("exp(x) - 1", "expm1(x)", f"exp(x) - 1; {_CANCEL}"),
    Identity("expm1(x) / (1 + exp(x))", "tanh(x / 2)", f"tanh; {_OVERFLOW}"),
    Identity("exp(x) / (1 + exp(x))", "sigmoid(x)", f"the sigmoid; {_OVERFLOW}"),
    Identity("exp(x) / (exp(x) + exp(y))", "sigmoid(x - y)", f"the sigmoid; {_OVERFLOW}"),
    Identity("1 / (1 + exp(x))", "sigmoid(-x)", f"the sigmoid; {_OVERFLOW}"),
    Identity("exp(x) * sigmoid(-x)", "sigmoid(x)", f"the sigmoid; {_OVERFLOW}"),
    Identity("1 - sigmoid(x)", "sigmoid(-x)", f"1 - σ(x) is σ(-x); {_CANCEL}"),
    Identity("2 sigmoid(x) - 1", "tanh(x / 2)", f"2 σ(x) - 1 is tanh(x/2); {_CANCEL}"),
    Identity("sigmoid(x) * sigmoid(-x)", "sigmoid'(x)", "the slope of the sigmoid, from exp(-|x|)"),
    Identity("1 - tanh(x)^2", "tanh'(x)", f"the slope of tanh, from exp(-|x|); {_CANCEL}"),
    Identity("1 - tanh(x)", "2 sigmoid(-2 x)", f"1 - tanh(x) is 2 σ(-2x); {_CANCEL}"),
    Identity("1 + tanh(x)", "2 sigmoid(2 x)", f"1 + tanh(x) is 2 σ(2x); {_CANCEL}"),
    Identity("x * sigmoid(x)", "silu(x)", "silu, whose tail keeps its digits"),

    # rows as probabilities
    Identity("exp(x) / sum(exp(x), axis=axis)", "shares(x, axis=axis)", f"softmax; {_OVERFLOW}", domain="rows"),
    Identity("sum(exp(x) * y, axis=axis) / sum(exp(x), axis=axis)", "sum(shares(x, axis=axis) * y, axis=axis)", f"a mean weighted by softmax; {_OVERFLOW}", domain="rows"),
    Identity("shares(x - max(x, axis=axis), axis=axis)", "shares(x, axis=axis)", "softmax does not change when all entries move together", domain="rows"),
    Identity("shares(x, axis=1)", "softmax(x)", "softmax, row by row", domain="rows"),
    Identity("softmax(x - max(x, axis=1))", "softmax(x)", "softmax does not change when all entries move together", domain="rows"),

    # logarithms
    Identity("log(exp(x))", "x", "a logarithm of an exponential is its exponent"),
    Identity("log(softmax(x))", "log_softmax(x)", "log-softmax: no probability is rounded to 0", domain="rows"),
    Identity("log(shares(x, axis=axis))", "log_shares(x, axis=axis)", "log-softmax: no probability is rounded to 0", domain="rows"),
    Identity("log(sum(exp(x), axis=axis))", "logsumexp(x, axis=axis)", f"log-sum-exp; {_OVERFLOW}", domain="rows"),
    Identity("log(mean(exp(x), axis=axis))", "logmeanexp(x, axis=axis)", f"log-mean-exp; {_OVERFLOW}", domain="rows"),
    Identity("logsumexp(x - max(x, axis=axis), axis=axis) + max(x, axis=axis)", "logsumexp(x, axis=axis)", "log-sum-exp takes the largest out by itself", domain="rows"),
    Identity("x - logsumexp(x, axis=axis)", "log_shares(x, axis=axis)", f"log-softmax; {_CANCEL}", domain="rows"),
    Identity("log_shares(x - max(x, axis=axis), axis=axis)", "log_shares(x, axis=axis)", "log-softmax does not change when all entries move together", domain="rows"),
    Identity("log_shares(x, axis=1)", "log_softmax(x)", "log-softmax, row by row", domain="rows"),
    Identity("exp(log_softmax(x))", "softmax(x)", "softmax", domain="rows"),
    Identity("exp(log_shares(x, axis=axis))", "shares(x, axis=axis)", "softmax", domain="rows"),
    Identity("log(sigmoid(x))", "-softplus(-x)", "log σ(x) is -softplus(-x): no probability is rounded to 0"),
    Identity("log(1 + exp(x))", "softplus(x)", f"softplus; {_OVERFLOW}"),
    Identity("log1p(exp(x))", "softplus(x)", f"softplus; {_OVERFLOW}"),
    Identity("log(exp(x) + exp(y))", "logaddexp(x, y)", _OVERFLOW),
    Identity("log(1 - exp(-x))", "log1mexp(x)", _CANCEL, domain="positive"),
    Identity("log1p(-exp(-x))", "log1mexp(x)", _CANCEL, domain="positive"),
    Identity("log(exp(x) - 1)", "logexpm1(x)", _OVERFLOW, domain="positive"),
    Identity("softplus(x) - x", "softplus(-x)", f"softplus(x) - x is softplus(-x); {_CANCEL}"),
    Identity("relu(x) + softplus(-abs(x))", "softplus(x)", "softplus is smooth at 0"),
    Identity("softplus(x) - x * y", "logistic_loss(x, y)", f"binary cross-entropy; {_CANCEL}"),
    Identity("exp(-softplus(x))", "sigmoid(-x)", f"the sigmoid; {_OVERFLOW}"),
    Identity("log(cosh(x))", "logcosh(x)", _OVERFLOW),
    Identity("log(prod(x, axis=axis))", "log_prod(x, axis=axis)", "the product may overflow or vanish where its logarithm does not", domain="positive rows"),
    Identity("log(det(x))", "logdet(x)", "the determinant may overflow or vanish where its logarithm does not", domain="matrix"),
    Identity("log(1 + x^2)", "log1p_square(x)", _SQUARES),
    Identity("log(x^2 + y^2)", "2 log_hypot(x, y)", f"{_SQUARES}; near 1 nothing cancels"),
    Identity("1 / x - 1 / (e + x)", "e / x / (e + x)", _CANCEL, _is_some_number("e"), "positive"),
    Identity("log(sum(x^2, axis=axis))", "2 log(norm(x, axis=axis))", _SQUARES, domain="rows"),
    Identity("log(x^p)", "p * log(abs(x))", "the power may overflow or vanish where its logarithm does not", _even, "even powers"),
    Identity("log(x^p)", "p * log(x)", "the power may overflow or vanish where its logarithm does not", _not_even, "powers"),
    Identity("log(1 + x)", "log1p(x)", f"log(1 + x); {_CANCEL}", domain="positive"),
    Identity("log(x / (1 - x))", "logit(x)", _CANCEL, domain="share"),
    Identity("log(x) - log(1 - x)", "logit(x)", _CANCEL, domain="share"),
    Identity("log(x / y)", "log_ratio(x, y)", "a quotient near 1 keeps its digits, one that overflows its logarithm", domain="positive"),
    Identity("log_ratio(x * y, a)", "log_product_ratio(x, y, a)", "the product may overflow or vanish where its logarithm does not", domain="positive"),
    Identity("log(x) - log(y)", "log_ratio(x, y)", _CANCEL, domain="positive"),
    Identity("x * log(x / y)", "x_log_ratio(x, y)", "0 log 0 is 0, and a quotient near 1 keeps its digits", domain="positive"),
    Identity("log(x * y)", "log_product(x, y)", "the product may overflow or vanish where its logarithm does not", domain="positive"),
    Identity("x * log(y)", "x_log_y(x, y)", "0 log 0 is 0", domain="positive"),
    Identity("log1p(x) / x", "log1p_over(x)", "its slope does not cancel near 0", domain="positive"),
    Identity("x * log1p(y)", "x_log1p_y(x, y)", "0 log 0 is 0", domain="positive"),

    # lengths and deviations
    Identity("sqrt(sum(x^2, axis=axis))", "norm(x, axis=axis)", f"a norm; {_SQUARES}", domain="rows"),
    Identity("sqrt(mean(x^2, axis=axis))", "norm(x, axis=axis) / sqrt(size(x, axis=axis))", f"a norm; {_SQUARES}", domain="rows"),
    Identity("sqrt(max(x^2, axis=axis))", "max(abs(x), axis=axis)", f"a norm; {_SQUARES}", domain="rows"),
    Identity("sqrt(x x')", "root_of_gram(x)", f"norms of rows on the diagonal, with slope 0 at 0; {_SQUARES}", domain="gram"),
    Identity("sqrt(x' x)", "root_of_gram(x')", f"norms of columns on the diagonal, with slope 0 at 0; {_SQUARES}", domain="gram"),
    Identity("sum(x^p, axis=axis)^a", "norm_p(x, p=p, axis=axis)", "a norm; no power overflows or vanishes", _inverse_even, "even norm"),
    Identity("sum(abs(x)^p, axis=axis)^a", "norm_p(x, p=p, axis=axis)", "a norm; no power overflows or vanishes", _inverse, "norm"),
    Identity("x / norm(x, axis=axis)", "unit(x, axis=axis)", f"a direction; {_SQUARES}", domain="rows"),
    Identity("unit(x, axis=1)", "normalize(x)", "a direction, row by row", domain="rows"),
    Identity("sum(x * y, axis=axis) / (norm(x, axis=axis) * norm(y, axis=axis))", "sum(unit(x, axis=axis) * unit(y, axis=axis), axis=axis)", f"a cosine; {_SQUARES}", domain="rows"),
    Identity("mean((x - mean(x, axis=axis))^2, axis=axis)", "var(x, axis=axis)", "the variance, centred twice", domain="rows"),
    Identity("mean(x^2, axis=axis) - mean(x, axis=axis)^2", "var(x, axis=axis)", f"the variance; {_CANCEL}", domain="rows"),
    Identity("sqrt(var(x, axis=axis))", "std(x, axis=axis)", f"the standard deviation; {_SQUARES}", domain="rows"),
    Identity("norm(x - mean(x, axis=axis), axis=axis) / sqrt(size(x, axis=axis))", "std(x, axis=axis)", "the standard deviation, centred twice", domain="rows"),
    Identity("(x - mean(x, axis=axis)) / std(x, axis=axis)", "standardize(x, eps=0, axis=axis)", f"standardised, centred twice; {_SQUARES}", domain="rows"),
    Identity("(x - mean(x, axis=axis)) / sqrt(e + var(x, axis=axis))", "standardize(x, eps=e, axis=axis)", f"standardised, centred twice; {_SQUARES}", _is_number("e"), "rows"),
    Identity("x / sqrt(e + mean(x^2, axis=axis))", "rootmeansquared(x, eps=e, axis=axis)", _SQUARES, _is_number("e"), "rows"),
    Identity("sqrt(1 + x^2)", "unit_hypot(x)", f"hypot; {_SQUARES}"),
    Identity("sqrt(1 + x^2) - 1", "hypot_minus_one(x)", f"{_CANCEL}, {_SQUARES}"),
    Identity("sqrt(x^2 + y^2)", "hypot(x, y)", f"hypot; {_SQUARES}"),
    Identity("sqrt(a^2 + x^2 + y^2)", "hypot(a, hypot(x, y))", f"hypot; {_SQUARES}"),
    Identity("x / unit_hypot(x)", "inverse_root_unit(x)", "its slope is (1 + x²)^(-3/2), without cancelling"),
    Identity("x / (1 + abs(x))", "softsign(x)", "softsign, whose slope does not cancel"),
    Identity("x / (1 + x)", "part_of_one(x)", "its slope is 1 / (1 + x)², without cancelling", domain="positive"),
    Identity("sqrt(1 + x) - 1", "root_minus_one(x)", _CANCEL, domain="positive"),
    Identity("sqrt(x) - sqrt(y)", "(x - y) / (sqrt(x) + sqrt(y))", _CANCEL, domain="positive"),
    Identity("1 - cos(x)", "2 sin(x / 2)^2", _CANCEL),
    Identity("cosh(x) - 1", "cosh_minus_one(x)", _CANCEL),
    Identity("1 - sin(x)^2", "cos(x)^2", _CANCEL),
    Identity("1 - cos(x)^2", "sin(x)^2", _CANCEL),
    Identity("1 - x^2", "difference_of_squares(1, x)", _CANCEL),
    Identity("x^2 - y^2", "difference_of_squares(x, y)", _CANCEL),

    # parts of a whole
    Identity("(x - y) / (x + y)", "relative_difference(x, y)", "its slopes do not cancel", _may_be_positive("y"), "positive"),
    Identity("x / (x + y)", "share_of(x, y)", "its slope is y / (x + y)², without cancelling", _may_be_positive("y"), "positive"),
    Identity("share_of(x^2, y^2)", "cosine_of(x, y)^2", _SQUARES),
    Identity("x / hypot(x, y)", "cosine_of(x, y)", "its slopes do not cancel"),
    Identity("sqrt(x * y)", "geometric_mean(x, y)", "the product may overflow or vanish where its root does not", domain="positive"),
    Identity("x * share_of(y, x)", "parallel(x, y)", "x y does not overflow, and its slopes do not cancel", domain="positive"),
    Identity("part_of_one(x^2)", "inverse_root_unit(x)^2", _SQUARES),
    Identity("x^2 * exp(-x)", "square_times_exp(x, -x)", "the square may overflow, and the exponential vanish, where the product does not"),
    Identity("x / (1 + x^2)", "inverse_root_unit(x) / unit_hypot(x)", _SQUARES),
    Identity("1 / (1 + x^2)", "cauchy(x)", _SQUARES),
    Identity("x^2 / sum(x^2, axis=axis)", "unit(x, axis=axis)^2", _SQUARES, domain="rows"),
    Identity("x / sum(x, axis=axis)", "proportions(x, axis=axis)", "its slopes do not cancel", domain="positive rows"),

    # what is left when the first terms go
    Identity("expm1(x) - x", "expm1_less(x)", _CANCEL),
    Identity("x - log1p(x)", "less_log1p(x)", _CANCEL, domain="positive"),
    Identity("x - log(x) - 1", "less_log(x)", _CANCEL, domain="positive"),
    Identity("sinh(x) - x", "sinh_less(x)", _CANCEL),
    Identity("x - tanh(x)", "less_tanh(x)", _CANCEL),
    Identity("sigmoid(x) - sigmoid(-x)", "tanh(x / 2)", f"σ(x) - σ(-x) is tanh(x/2); {_CANCEL}"),
    Identity("x - sin(x)", "less_sin(x)", _CANCEL),
    Identity("sin(x) / x", "sin_over(x)", "its slope does not cancel near 0"),
    Identity("sinh(x) / x", "sinh_over(x)", "its slope does not cancel near 0"),
    Identity("tanh(x) / x", "tanh_over(x)", "its slope does not cancel near 0"),
    Identity("expm1(x) / x", "expm1_over(x)", "its slope does not cancel near 0"),
    Identity("x / expm1(x)", "over_expm1(x)", f"its slope does not cancel near 0; {_OVERFLOW}"),
    Identity("hypot(a, x) - x", "hypot_less(a, x)", _CANCEL),
    Identity("unit_hypot(x) - x", "hypot_less(1, x)", _CANCEL),
    Identity("sqrt(x^2 + y) - x", "root_less(x, y)", _CANCEL, domain="positive"),

    # logarithms of what was found above
    Identity("log(x + unit_hypot(x))", "arcsinh(x)", f"arcsinh; {_CANCEL}"),
    Identity("log(x + sqrt(x^2 - 1))", "arccosh(x)", f"arccosh; {_SQUARES}", domain="above one"),
    Identity("log_ratio(1 + x, 1 - x)", "2 arctanh(x)", f"arctanh; {_CANCEL}", domain="share"),
    Identity("log1p(x) - log1p(-x)", "2 arctanh(x)", f"arctanh; {_CANCEL}", domain="share"),
    Identity("log1p(x) - log(x)", "log1p_inverse(x)", _CANCEL, domain="positive"),
    Identity("log1p(1 / x)", "log1p_inverse(x)", "its slope is -1 / (x (1 + x)), of which no step overflows", domain="positive"),
    Identity("log1p(sum(x^2, axis=axis))", "log1p_square(norm(x, axis=axis))", _SQUARES, domain="rows"),
    Identity("log(tanh'(x))", "-2 logcosh(x)", "the slope of tanh may vanish where its logarithm does not"),
    Identity("log(sech(x))", "-logcosh(x)", "1/cosh may vanish where its logarithm does not"),
    Identity("log(sigmoid'(x))", "-softplus(x) - softplus(-x)", "the slope of the sigmoid may vanish where its logarithm does not"),
    Identity("softplus(x) - softplus(-x)", "x", f"log(1 + exp(x)) - log(1 + exp(-x)) is x; {_CANCEL}"),
    Identity("logit(sigmoid(x))", "x", "the logit is the inverse of the sigmoid: no probability is rounded"),
    Identity("log_ratio(sigmoid(x), sigmoid(-x))", "x", "the logit is the inverse of the sigmoid: no probability is rounded"),
    Identity("log(exp(x) - exp(y))", "x + log1mexp(x - y)", _OVERFLOW, domain="ordered"),
    Identity("log(x) + log(y)", "log_product(x, y)", _CANCEL, domain="positive"),
    Identity("exp(x_log_y(x, y))", "power_of_positive(y, x)", "the exponential of a rounded logarithm has fewer digits than the power", domain="positive"),
    Identity("exp(log_product(x, y))", "product_of_positive(x, y)", "the exponential of a rounded logarithm has fewer digits than the product", domain="positive"),
    Identity("log(erfc(-0.7071067811865476 x) / 2)", "log_normal(x)", "Φ may vanish, or be nearly 1, where its logarithm keeps its digits"),
    Identity("log(difference_of_squares(1, x))", "log1m_square(x)", _CANCEL, domain="unit"),
    Identity("log_ratio(-1 - x, x - 1)", "2 arctanh(x)", f"arctanh; {_CANCEL}", domain="share"),
    Identity("log(erfc(x))", "log_erfc(x)", "erfc may vanish where its logarithm does not"),
    Identity("exp(x^2) * erfc(x)", "scaled_erfc(x)", _OVERFLOW),
    Identity("sum(softmax(x) * log_softmax(x), axis=1)", "-entropy(x, axis=1)", f"the entropy of softmax; {_CANCEL}", domain="rows"),
    Identity("sum(softmax(x) * log_softmax(x))", "-sum(entropy(x, axis=1))", f"the entropies of softmax; {_CANCEL}", domain="rows"),
    Identity("sum(shares(x, axis=axis) * log_shares(x, axis=axis), axis=axis)", "-entropy(x, axis=axis)", f"the entropy of softmax; {_CANCEL}", domain="rows"),

    # roots
    Identity("sqrt(e + x^2)", "hypot(x, sqrt(e))", f"hypot; {_SQUARES}", _is_positive("e")),
    Identity("sqrt(e + sum(x^2, axis=axis))", "hypot(norm(x, axis=axis), sqrt(e))", f"a norm; {_SQUARES}", _is_positive("e"), "rows"),
    Identity("sqrt(sum(x^2, axis=axis) + sum(y^2, axis=axis))", "hypot(norm(x, axis=axis), norm(y, axis=axis))", f"a norm; {_SQUARES}", domain="rows"),
    Identity("prod(x, axis=axis)^a", "root_of_product(x, a=a, axis=axis)", "the product may overflow or vanish where its root does not", _is_number("a"), "geometric"),

    # powers
    Identity("x^p", "power_of(x, p)", "its slope is p x^(p - 1), where p - 1 may be no float, and the power alone too large", _has_a_delicate_slope, "odd powers"),
    Identity("log(power_of(x, p))", "p * log(x)", "the power may overflow or vanish where its logarithm does not", None, "powers"),

    # tails of the normal distribution
    Identity("1 - erf(x)", "erfc(x)", f"erfc; {_CANCEL}"),
    Identity("1 + erf(x)", "erfc(-x)", f"erfc; {_CANCEL}"),
    Identity("1 - erfc(x)", "erf(x)", f"erf; {_CANCEL}"),
    Identity("x * erfc(-0.7071067811865476 x)", "2 gelu(x)", "gelu, whose tail keeps its digits"),
    Identity("x * sigmoid(1.5957691216057308 (x + 0.044715 x^3))", "gelu_tanh(x)", "gelu_tanh, whose tail keeps its digits"),
)
# fmt: on
