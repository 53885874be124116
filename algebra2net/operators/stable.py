"""What rewrites need beside the notation: functions that keep their digits where the algebra as typed loses them.

Users do not call them; `stabilize` puts them in the place of what they typed.
"""

from __future__ import annotations

from functools import partial

from algebra2net.operators import operator
from algebra2net.operators.elementwise import UNIT_HYPOT

elementwise = partial(operator.elementwise, family="stable", internal=True)

# ------------------------------------------------------------------------------------------------------------ logarithms

elementwise(
    "logaddexp(a, b)", vjp={"a": "δ * sigmoid(a - b)", "b": "δ * sigmoid(b - a)"}, sympy="log(exp(a) + exp(b))", numpy="np.logaddexp($a, $b)",
    doc="log(exp(a) + exp(b)), without overflow.", reason="log of a sum of two exponentials: each gets its share",
)  # fmt: skip
elementwise(
    "log1mexp(x)", derivative="-(exp(-x) / expm1(-x))", sympy="log(1 - exp(-x))", domain="positive",
    prelude='''
        def log1mexp(x):
            """log(1 - exp(-x)), x > 0: near 0 by expm1, further out by log1p."""
            near = x < 0.6931471805599453
            return np.where(near, np.log(-np.expm1(-np.where(near, x, 1))), np.log1p(-np.exp(-np.where(near, 1, x))))
    ''',
    doc="log(1 - exp(-x)), for positive x.", source="Mächler, Accurately computing log(1 - exp(-|a|)) (2012)", reason="log(1 - exp(-x)): chain rule",
)  # fmt: skip
elementwise(
    "logexpm1(x)", derivative="-1 / expm1(-x)", sympy="log(exp(x) - 1)", domain="positive",
    prelude='''
        def logexpm1(x):
            """log(exp(x) - 1), x > 0: the inverse of softplus, without overflow."""
            far = x > 1
            return np.where(far, x + np.log1p(-np.exp(-np.where(far, x, 1))), np.log(np.expm1(np.where(far, 1, x))))
    ''',
    doc="log(exp(x) - 1), for positive x.", reason="log(exp(x) - 1): chain rule",
)  # fmt: skip
elementwise(
    "logcosh(x)", derivative="tanh(x)", sympy="log(cosh(x))",
    prelude='''
        def logcosh(x):
            """log(cosh(x)); by cosh(x) - 1 = 2 sinh(x/2)², which has its digits near 0, too."""
            if np.abs(x).max(initial=0) < 80:  # sinh is far from overflow
                half = np.sinh(x / 2)
                return np.log1p(2 * half * half)
            t = np.abs(x)
            near = t < 1
            half = np.sinh(np.where(near, t, 0) / 2)
            return np.where(near, np.log1p(2 * half * half), t - 0.6931471805599453 + np.log1p(np.exp(-2 * t)))
    ''',
    doc="log(cosh(x)), without overflow.", reason="log(cosh(x)): its slope is tanh",
)  # fmt: skip
_LOGARITHM = '''
        def log_of_parts(fraction, exponent):
            """log(fraction 2^exponent); the fraction is brought near 1, so that nothing cancels there."""
            low = np.abs(fraction) < 0.7071067811865476
            fraction, exponent = np.where(low, 2 * fraction, fraction), exponent - low
            return np.log(fraction) + exponent.astype(fraction.dtype) * fraction.dtype.type(0.6931471805599453)

'''
elementwise(
    "log_product(a, b)", vjp={"a": "δ / a", "b": "δ / b"}, sympy="log(a*b)", domain="positive",
    prelude=_LOGARITHM + '''
        def log_product(a, b):
            """log(a b), though a b may overflow."""
            a, b = np.broadcast_arrays(a, b)
            (f, m), (g, n) = np.frexp(a), np.frexp(b)
            cut = f.dtype.type(2 ** (12 if f.dtype.itemsize < 8 else 26))  # halves of the digits: their products are exact
            high, tall = np.rint(f * cut) / cut, np.rint(g * cut) / cut
            low, small = f - high, g - tall
            p = f * g
            lost = ((high * tall - p) + high * small + low * tall) + low * small  # what rounding took from the product (Dekker 1971)
            h, k = np.frexp(p)
            return log_of_parts(h, m + n + k) + lost / np.where(p == 0, 1, p)
    ''',
    doc="log(a b), though a b may overflow.", reason="log: each factor's slope is one over itself",
)  # fmt: skip
elementwise(
    "log_product_ratio(a, b, c)", vjp={"a": "δ / a", "b": "δ / b", "c": "-(δ / c)"}, sympy="log(a*b/c)", domain="positive",
    prelude=_LOGARITHM + '''
        def rounded_off(f, g, p):
            """f g - p, what rounding took from the product p of fractions (Dekker 1971)."""
            cut = f.dtype.type(2 ** (12 if f.dtype.itemsize < 8 else 26))  # halves of the digits: their products are exact
            high, tall = np.rint(f * cut) / cut, np.rint(g * cut) / cut
            low, small = f - high, g - tall
            return ((high * tall - p) + high * small + low * tall) + low * small

        def log_product_ratio(a, b, c):
            """log(a b / c), though a b may overflow."""
            a, b, c = np.broadcast_arrays(a, b, c)
            (f, m), (g, n), (h, k) = np.frexp(a), np.frexp(b), np.frexp(c)
            p = f * g
            with np.errstate(divide="ignore", invalid="ignore"):
                q = p / h
                lost = rounded_off(f, g, p) + (p - q * h - rounded_off(q, h, q * h))
                r, j = np.frexp(q)
                return log_of_parts(r, m + n - k + j) + np.where(np.isfinite(lost) & (p != 0), lost, 0) / np.where(p == 0, 1, p)
    ''',
    doc="log(a b / c), though a b may overflow.", reason="log: each factor's slope is one over itself",
)  # fmt: skip
_RATIO = (
    _LOGARITHM
    + '''
        def log_ratio(x, y):
            """log(x / y), though x / y may overflow; where they are near each other, by their difference."""
            if 1e-18 < x.min(initial=1) and x.max(initial=1) < 1e18 and 1e-18 < y.min(initial=1) and y.max(initial=1) < 1e18:
                more = (x - y) / y
                return np.where(np.abs(more) < 0.5, np.log1p(np.maximum(more, -0.5)), np.log(x / y))
            x, y = np.broadcast_arrays(x, y)
            (f, m), (g, n) = np.frexp(x), np.frexp(y)
            fine = (x > 0) & (y > 0) & np.isfinite(x) & np.isfinite(y)
            near = fine & (np.abs(x - y) <= 0.5 * np.abs(y))
            with np.errstate(divide="ignore", invalid="ignore"):
                h, k = np.frexp(f / g)
                far = log_of_parts(h, m - n + k)
                far = np.where(np.isinf(x) | np.isinf(y), np.log(x) - np.log(y), far)
                return np.where(near, np.log1p(np.where(near, x - y, 0) / np.where(near, y, 1)), far)

'''
)
elementwise(
    "log_ratio(x, y)", vjp={"x": "δ / x", "y": "-(δ / y)"}, sympy="log(x/y)", domain="positive", prelude=_RATIO,
    doc="log(x / y), though x / y may overflow.", reason="log: its slope is one over its argument",
)  # fmt: skip
elementwise(
    "x_log_ratio(x, y)", domain="positive", vjp={"x": "δ * (log_ratio_or_zero(x, y) + 1)", "y": "-(δ * quotient_or_zero_at(x, y))"},
    prelude=_RATIO + '''
        def x_log_ratio(x, y):
            """x log(x / y), and 0 where x is 0."""
            none = (x == 0) & (y >= 0)
            return x * log_ratio(np.where(none, 1, x), np.where(none, 1, y))
    ''',
    doc="x log(x / y), and 0 where x is 0.", reason="x log(x / y): 0 log 0 is 0",
)  # fmt: skip
elementwise(
    "log_ratio_or_zero(x, y)", domain="positive", vjp={"x": "δ * quotient_or_zero(1, x)", "y": "-(δ * quotient_or_zero(x != 0, y))"},
    prelude=_RATIO + '''
        def log_ratio_or_zero(x, y):
            """log(x / y), and 0 where x is 0."""
            none = (x == 0) & (y >= 0)
            return log_ratio(np.where(none, 1, x), np.where(none, 1, y))
    ''',
    kink="0 where x is 0", doc="log(x / y), and 0 where x is 0.", reason="log: its slope is one over its argument",
)  # fmt: skip

# ------------------------------------------------------------------------------------------- what would cancel or overflow

elementwise(
    "sech(x)", derivative="-(out * tanh(x))", sympy="1/cosh(x)",
    prelude='''
        def sech(x):
            """1 / cosh(x), without overflow."""
            e = np.exp(-np.abs(x))
            return 2 * e / (1 + e * e)
    ''',
    doc="1 / cosh(x).", reason="1/cosh: it changes by -tanh(x) / cosh(x)",
)  # fmt: skip
elementwise(
    "cosh_minus_one(x)", derivative="sinh(x)", sympy="cosh(x) - 1",
    prelude='''
        def cosh_minus_one(x):
            """cosh(x) - 1 = 2 sinh(x/2)²."""
            half = np.sinh(x / 2)
            return 2 * half * half
    ''',
    doc="cosh(x) - 1, without cancelling.", reason="cosh: its slope is sinh",
)  # fmt: skip
elementwise(
    "gaussian(x)", derivative="-(x * out)", sympy="exp(-x**2/2)",
    prelude='''
        def gaussian(x):
            """exp(-x²/2)."""
            square = x * x
            if square.max(initial=0) < 100:  # the rounding of a small square does no harm
                return np.exp(square * -0.5)
            t = np.minimum(np.abs(x), 40.0)  # there it is 0
            h = np.rint(16 * t) / 16  # short, so that its square is exact: the rounding of t² would cost the tail its digits
            return np.exp((h - t) * (h + t) / 2) * np.exp(-h * h / 2)
    ''',
    doc="exp(-x²/2), with all its digits where that is small.", reason="chain rule: exp(-x²/2) falls by x",
)  # fmt: skip
elementwise(
    "log_hypot(x, y)", sympy="log(sqrt(x**2 + y**2))",
    vjp={"x": "δ * quotient_or_zero(x, hypot(x, y)) / hypot(x, y)", "y": "δ * quotient_or_zero(y, hypot(x, y)) / hypot(x, y)"},
    prelude='''
        def log_hypot(x, y):
            """log(sqrt(x² + y²)); where that is near 1, from x² + y² - 1."""
            a, b = np.abs(x), np.abs(y)
            long, short = np.maximum(a, b), np.minimum(a, b)
            near = (long > 0.9) & (long < 1.1) & (short < 0.3)
            l, s = np.where(near, long, 1), np.where(near, short, 0)
            with np.errstate(divide="ignore"):
                return np.where(near, np.log1p((l - 1) * (l + 1) + s * s) / 2, np.log(np.hypot(x, y)))
    ''',
    latex=r"\log\sqrt{{$x:atom}^{2} + {$y:atom}^{2}}",
    doc="log(sqrt(x² + y²)), whose squares cannot overflow, and which keeps its digits near 0.", reason="log of a length: each part of it over its square",
)  # fmt: skip
elementwise(
    "hypot_minus_one(x)", derivative="x / unit_hypot(x)", sympy="sqrt(1 + x**2) - 1",
    prelude=UNIT_HYPOT + '''
        def hypot_minus_one(x):
            """sqrt(1 + x²) - 1."""
            return x * (x / (1 + unit_hypot(x)))
    ''',
    doc="sqrt(1 + x²) - 1, without cancelling.", reason="sqrt(1 + x²): its slope is x / sqrt(1 + x²)",
)  # fmt: skip
elementwise(
    "root_minus_one(x)", derivative="0.5 / sqrt(1 + x)", sympy="sqrt(1 + x) - 1", domain="positive",
    prelude='''
        def root_minus_one(x):
            """sqrt(1 + x) - 1."""
            return x / (1 + np.sqrt(1 + x))
    ''',
    doc="sqrt(1 + x) - 1, without cancelling.", reason="sqrt: its slope is 1/(2 sqrt(1 + x))",
)  # fmt: skip
elementwise(
    "inverse_root_unit(x)", derivative="1 / unit_hypot(x) / unit_hypot(x) / unit_hypot(x)", sympy="x/sqrt(1 + x**2)",
    prelude=UNIT_HYPOT + '''
        def inverse_root_unit(x):
            """x / sqrt(1 + x²)."""
            return x / unit_hypot(x)
    ''',
    doc="x / sqrt(1 + x²).", source="Carlile et al. 2017, arXiv:1710.09967", reason="x / sqrt(1 + x²): its slope is (1 + x²)^(-3/2)",
)  # fmt: skip
elementwise(
    "part_of_one(x)", derivative="1 / (1 + x) / (1 + x)", sympy="x/(1 + x)", domain="positive", numpy="part_of_one($x)",
    prelude='''
        def part_of_one(x):
            """x / (1 + x)."""
            return x / (1 + x)
    ''',
    doc="x / (1 + x).", reason="x / (1 + x): its slope is 1 / (1 + x)²",
)  # fmt: skip
elementwise(
    "difference_of_squares(x, y)", vjp={"x": "2 δ * x", "y": "-(2 δ * y)"}, sympy="x**2 - y**2",
    prelude='''
        def difference_of_squares(x, y):
            """x² - y², which would cancel where they are near each other."""
            return (x - y) * (x + y)
    ''',
    doc="x² - y², without cancelling.", reason="power rule: the exponent comes down",
)  # fmt: skip
elementwise(
    "log1p_square(x)", derivative="2 inverse_root_unit(x) / unit_hypot(x)", sympy="log(1 + x**2)",
    prelude='''
        def log1p_square(x):
            """log(1 + x²), though the square may overflow."""
            if np.abs(x).max(initial=0) < 1e18:  # it is far from that
                return np.log1p(x * x)
            size = np.abs(x)
            large = size > 1
            less = np.where(large, 1 / np.where(large, size, 1), size)
            return np.where(large, 2 * np.log(np.where(large, size, 1)), 0) + np.log1p(less * less)
    ''',
    doc="log(1 + x²), though the square may overflow.", reason="log(1 + x²): its slope is 2x / (1 + x²)",
)  # fmt: skip
elementwise(
    "log1p_inverse(x)", derivative="-(1 / x / (1 + x))", sympy="log(1 + 1/x)", domain="positive", numpy="np.log1p(1 / $x)",
    doc="log(1 + 1/x).", reason="log(1 + 1/x): its slope is -1 / (x (1 + x))",
)  # fmt: skip
elementwise(
    "log1m_square(x)", derivative="-(2 x / (1 - x) / (1 + x))", sympy="log(1 - x**2)", domain="unit",
    prelude='''
        def log1m_square(x):
            """log(1 - x²), without cancelling at 0 nor at 1."""
            size = np.abs(x)
            near = size < 0.7
            return np.where(near, np.log1p(-np.where(near, x, 0) ** 2), np.log(np.where(near, 1, 1 - size)) + np.log1p(size))
    ''',
    doc="log(1 - x²), without cancelling.", reason="log(1 - x²): its slope is -2 x / (1 - x²)",
)  # fmt: skip
elementwise(
    "logit(x)", derivative="1 / x / (1 - x)", sympy="log(x/(1 - x))", domain="probability",
    prelude='''
        def logit(x):
            """log(x / (1 - x)); near 1/2 from 2x - 1, which is exact there."""
            near = np.abs(x - 0.5) < 0.25
            middle = np.where(near, x, 0.5)
            return np.where(near, np.log1p((2 * middle - 1) / (1 - middle)), np.log(np.where(near, 0.5, x)) - np.log1p(-np.where(near, 0.5, x)))
    ''',
    doc="log(x / (1 - x)).", reason="logit: its slope is 1 / (x (1 - x))",
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- parts of a whole

elementwise(
    "share_of(x, y)", vjp={"x": "δ * share_of(y, x) / (x + y)", "y": "-(δ * out / (x + y))"}, sympy="x/(x + y)", domain="positive",
    prelude='''
        def share_of(x, y):
            """x / (x + y)."""
            return x / (x + y)
    ''',
    doc="x / (x + y).", reason="x / (x + y): its slope by x is y / (x + y)²",
)  # fmt: skip
elementwise(
    "relative_difference(x, y)", vjp={"x": "2 δ * share_of(y, x) / (x + y)", "y": "-(2 δ * share_of(x, y) / (x + y))"}, sympy="(x - y)/(x + y)", domain="positive",
    prelude='''
        def relative_difference(x, y):
            """(x - y) / (x + y)."""
            return (x - y) / (x + y)
    ''',
    doc="(x - y) / (x + y).", reason="(x - y) / (x + y): its slope by x is 2 y / (x + y)²",
)  # fmt: skip
elementwise(
    "parallel(x, y)", vjp={"x": "δ * share_of(y, x)^2", "y": "δ * share_of(x, y)^2"}, sympy="x*y/(x + y)", domain="positive",
    prelude='''
        def parallel(x, y):
            """x y / (x + y), though x y may overflow."""
            large = np.abs(x) > np.abs(y)
            return np.where(large, y, x) * (np.where(large, x, y) / (x + y))
    ''',
    doc="x y / (x + y), though x y may overflow.", reason="x y / (x + y): each one's slope is the square of the other's share",
)  # fmt: skip
elementwise(
    "cosine_of(x, y)", sympy="x/sqrt(x**2 + y**2)", kink="0 at 0, with slopes 0",
    vjp={"x": "δ * quotient_or_zero(cosine_of(y, x)^2, hypot(x, y))", "y": "-(δ * quotient_or_zero(out * cosine_of(y, x), hypot(x, y)))"},
    prelude='''
        def cosine_of(x, y):
            """x / sqrt(x² + y²), and 0 at 0."""
            size = np.hypot(x, y)
            return x / np.where(size == 0, 1, size)
    ''',
    doc="x / sqrt(x² + y²), and 0 at 0.", reason="a cosine: its slope is the square of the sine over the length",
)  # fmt: skip
elementwise(
    "product_of_positive(x, y)", vjp={"x": "δ * y", "y": "δ * x"}, sympy="x*y", domain="positive",
    prelude='''
        def product_of_positive(x, y):
            """x y, and nan where one is negative: exp(log(x) + log(y))."""
            return np.where((x < 0) | (y < 0), np.nan, x * y).astype(np.result_type(x, y), copy=False)
    ''',
    doc="x y, for positive x and y.", reason="product rule, entry by entry",
)  # fmt: skip
elementwise(
    "power_of_positive(x, p)", vjp={"x": "δ * power_slope(x, p)", "p": "δ * out * log_or_zero(x)"}, sympy="x**p", domain="positive",
    prelude='''
        def power_of_positive(x, p):
            """x^p, and nan where x is negative: exp(p log(x))."""
            return np.where(x < 0, np.nan, x).astype(np.result_type(x, p), copy=False) ** p
    ''',
    doc="x^p, for positive x.", reason="power rule: the exponent comes down",
)  # fmt: skip
elementwise(
    "geometric_mean(x, y)", vjp={"x": "0.5 δ * quotient_or_zero(y, out)", "y": "0.5 δ * quotient_or_zero(x, out)"}, sympy="sqrt(x*y)", domain="positive",
    kink="slopes 0 where it is 0",
    prelude='''
        def geometric_mean(x, y):
            """sqrt(x y), though x y may overflow; nan where their signs differ."""
            root = np.sqrt(np.abs(x)) * np.sqrt(np.abs(y))
            return np.where(np.sign(x) * np.sign(y) < 0, np.nan, root).astype(root.dtype)
    ''',
    doc="sqrt(x y), though x y may overflow.", reason="sqrt(x y): its slope by x is half of sqrt(y / x)",
)  # fmt: skip
elementwise(
    "cauchy(x)", derivative="-(2 out * (x / unit_hypot(x)) / unit_hypot(x))", sympy="1/(1 + x**2)",
    prelude=UNIT_HYPOT + '''
        def cauchy(x):
            """1 / (1 + x²), though the square may overflow."""
            if np.abs(x).max(initial=0) < 1e18:  # it is far from that
                return 1 / (1 + x * x)
            size = unit_hypot(x)
            return 1 / size / size
    ''',
    doc="1 / (1 + x²), though the square may overflow.", reason="1 / (1 + x²): its slope is -2 x / (1 + x²)²",
)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- 0 times inf

elementwise(
    "exp_if_felt(x)", vjp={"x": "product_or_zero(δ, out)"}, sympy="exp(x)", numpy="np.exp($x)", latex=r"\exp\left($x\right)",
    doc="exp(x), whose slope is 0 where no signal comes, though it may be inf there.", reason="exp is its own slope; where no signal comes, none passes",
)  # fmt: skip
elementwise(
    "product_or_zero(a, b)", vjp={"a": "product_or_zero(δ, b)", "b": "product_or_zero(δ, a)"}, sympy="a*b",
    prelude='''
        def product_or_zero(a, b):
            """a b, and 0 where a is 0, though b may be inf there."""
            return a * np.where(a == 0, 0, b)
    ''',
    doc="a b, and 0 where a is 0.", reason="product rule, entry by entry",
)  # fmt: skip
elementwise(
    "square_times_exp(x, y)", vjp={"x": "2 δ * (x * exp(y / 2)) * exp(y / 2)", "y": "δ * out"}, sympy="x**2*exp(y)",
    prelude='''
        def square_times_exp(x, y):
            """x² exp(y), as the square of x exp(y/2): neither factor overflows or vanishes alone."""
            root = x * np.exp(y / 2)
            return root * root
    ''',
    doc="x² exp(y), though x² may overflow and exp(y) vanish.", reason="product rule, in roots",
)  # fmt: skip
elementwise(
    "root_of_positive(x)", derivative="quotient_or_zero(0.5, out)", sympy="sqrt(Max(0, x))", domain="positive", kink="slope 0 at 0", numpy="np.sqrt(np.maximum($x, 0))",
    doc="sqrt(relu(x)).", reason="sqrt: its slope is 1/(2 sqrt(x)); 0 where x is not positive",
)  # fmt: skip
