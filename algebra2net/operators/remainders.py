"""What is left when the first terms of a series go: exp(x) - 1 - x, sin(x) / x, sqrt(x² + y) - x, and their slopes.

Near 0, where the algebra as typed cancels, by the series itself; further out as typed. Users do not call them;
`stabilize` puts them in the place of what they typed.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from math import factorial

from algebra2net.operators import operator

elementwise = partial(operator.elementwise, family="stable", internal=True)

_SERIES = '''
        def series(x, terms):
            """The sum of terms[n] x^n, by Horner's rule."""
            total = np.full_like(x, terms[-1])
            for term in terms[-2::-1]:
                total *= x
                total += term
            return total

'''


def _terms(rule: Callable[[int], Fraction], start: int, stop: int) -> str:
    """The coefficients of a series as a tuple of a prelude, each rounded once."""
    return repr(tuple(float(rule(n)) for n in range(start, stop)))


elementwise(
    "expm1_less(x)", derivative="expm1(x)", sympy="exp(x) - 1 - x",
    prelude=_SERIES + f'''
        def expm1_less(x):
            """exp(x) - 1 - x; near 0 by its series."""
            near = np.abs(x) < 0.7
            small = np.where(near, x, 0)
            return np.where(near, small * small * series(small, {_terms(lambda n: Fraction(1, factorial(n)), 2, 17)}), np.expm1(x) - x)
    ''',
    doc="exp(x) - 1 - x, without cancelling.", reason="exp(x) - 1 - x: its slope is exp(x) - 1",
)  # fmt: skip
elementwise(
    "less_log1p(x)", derivative="x / (1 + x)", sympy="x - log(1 + x)", domain="positive",
    prelude=_SERIES + f'''
        def less_log1p(x):
            """x - log(1 + x); near 0 by its series in x / (2 + x)."""
            near = np.abs(x) < 0.7
            small = np.where(near, x, 0)
            s = small / (2 + small)
            return np.where(near, s * (small - 2 * s * s * series(s * s, {_terms(lambda n: Fraction(1, 2 * n + 3), 0, 14)})), x - np.log1p(np.where(near, 0, x)))
    ''',
    doc="x - log(1 + x), without cancelling.", reason="x - log(1 + x): its slope is x / (1 + x)",
)  # fmt: skip
elementwise(
    "less_log(x)", derivative="(x - 1) / x", sympy="x - 1 - log(x)", domain="positive",
    prelude=_SERIES + f'''
        def less_log(x):
            """x - 1 - log(x); near 1 by its series in (x - 1) / (x + 1)."""
            near = np.abs(x - 1) < 0.6
            small = np.where(near, x - 1, 0)
            s = small / (2 + small)
            return np.where(near, s * (small - 2 * s * s * series(s * s, {_terms(lambda n: Fraction(1, 2 * n + 3), 0, 14)})), x - 1 - np.log(np.where(near, 1, x)))
    ''',
    doc="x - 1 - log(x), without cancelling.", reason="x - 1 - log(x): its slope is (x - 1) / x",
)  # fmt: skip
elementwise(
    "less_sin(x)", derivative="2 sin(x / 2)^2", sympy="x - sin(x)",
    prelude=_SERIES + f'''
        def less_sin(x):
            """x - sin(x); near 0 by its series."""
            near = np.abs(x) < 1.5
            small = np.where(near, x, 0)
            return np.where(near, small * small * small * series(small * small, {_terms(lambda n: Fraction((-1) ** n, factorial(2 * n + 3)), 0, 11)}), x - np.sin(x))
    ''',
    doc="x - sin(x), without cancelling.", reason="x - sin(x): its slope is 1 - cos(x)",
)  # fmt: skip
elementwise(
    "sinh_less(x)", derivative="2 sinh(x / 2)^2", sympy="sinh(x) - x",
    prelude=_SERIES + f'''
        def sinh_less(x):
            """sinh(x) - x; near 0 by its series."""
            near = np.abs(x) < 1.5
            small = np.where(near, x, 0)
            return np.where(near, small * small * small * series(small * small, {_terms(lambda n: Fraction(1, factorial(2 * n + 3)), 0, 11)}), np.sinh(x) - x)
    ''',
    doc="sinh(x) - x, without cancelling.", reason="sinh(x) - x: its slope is cosh(x) - 1",
)  # fmt: skip
elementwise(
    "less_tanh(x)", derivative="tanh(x)^2", sympy="x - tanh(x)",
    prelude=_SERIES + f'''
        def less_tanh(x):
            """x - tanh(x); near 0 as x cosh(x) - sinh(x), by its series, over cosh(x)."""
            near = np.abs(x) < 1.5
            small = np.where(near, x, 0)
            top = small * small * small * series(small * small, {_terms(lambda n: Fraction(2 * n + 2, factorial(2 * n + 3)), 0, 11)})
            return np.where(near, top / np.cosh(small), x - np.tanh(x))
    ''',
    doc="x - tanh(x), without cancelling.", reason="x - tanh(x): its slope is tanh(x)²",
)  # fmt: skip
elementwise(
    "sin_over(x)", derivative="sin_over'(x)", sympy="sin(x)/x",
    prelude='''
        def sin_over(x):
            """sin(x) / x, and 1 at 0."""
            return np.where(x == 0, 1, np.sin(x) / np.where(x == 0, 1, x))
    ''',
    doc="sin(x) / x, and 1 at 0.", reason="sin(x) / x: quotient rule",
)  # fmt: skip
elementwise(
    "sin_over'(x)", slope_of="sin_over", numpy="sin_over_slope($x)", derivative="-sin_over(x) - 2 quotient_or_zero(out, x)",
    prelude=_SERIES + f'''
        def sin_over_slope(x):
            """(cos(x) - sin(x) / x) / x; near 0 by its series."""
            near = np.abs(x) < 1.5
            small, other = np.where(near, x, 0), np.where(near, 1, x)
            return np.where(near, -small * series(small * small, {_terms(lambda n: Fraction((-1) ** n * (2 * n + 2), factorial(2 * n + 3)), 0, 11)}), (np.cos(x) - np.sin(other) / other) / other)
    ''',
    kink="second slope 0 at 0, where it is -1/3", doc="The slope of sin(x) / x.", reason="slope of sin(x) / x: quotient rule",
)  # fmt: skip
elementwise(
    "sinh_over(x)", derivative="sinh_over'(x)", sympy="sinh(x)/x",
    prelude='''
        def sinh_over(x):
            """sinh(x) / x, and 1 at 0."""
            return np.where(x == 0, 1, np.sinh(x) / np.where(x == 0, 1, x))
    ''',
    doc="sinh(x) / x, and 1 at 0.", reason="sinh(x) / x: quotient rule",
)  # fmt: skip
elementwise(
    "sinh_over'(x)", slope_of="sinh_over", numpy="sinh_over_slope($x)", derivative="quotient_or_zero(sinh(x) - 2 out, x)",
    prelude=_SERIES + f'''
        def sinh_over_slope(x):
            """(cosh(x) - sinh(x) / x) / x; near 0 by its series."""
            near = np.abs(x) < 1.5
            small, other = np.where(near, x, 0), np.where(near, 1, x)
            top = small * series(small * small, {_terms(lambda n: Fraction(2 * n + 2, factorial(2 * n + 3)), 0, 11)})
            return np.where(near, top, np.cosh(other) * ((1 - np.tanh(other) / other) / other))
    ''',
    kink="second slope 0 at 0, where it is 1/3", doc="The slope of sinh(x) / x.", reason="slope of sinh(x) / x: quotient rule",
)  # fmt: skip
elementwise(
    "tanh_over(x)", derivative="tanh_over'(x)", sympy="tanh(x)/x",
    prelude='''
        def tanh_over(x):
            """tanh(x) / x, and 1 at 0."""
            return np.where(x == 0, 1, np.tanh(x) / np.where(x == 0, 1, x))
    ''',
    doc="tanh(x) / x, and 1 at 0.", reason="tanh(x) / x: quotient rule",
)  # fmt: skip
elementwise(
    "tanh_over'(x)", slope_of="tanh_over", numpy="tanh_over_slope($x)", derivative="-(2 quotient_or_zero(tanh(x) * tanh'(x) + out, x))",
    prelude=_SERIES + f'''
        def tanh_over_slope(x):
            """(1 / cosh(x)² - tanh(x) / x) / x; near 0 by the series of sinh(2 x) - 2 x."""
            near = np.abs(x) < 1
            small, other = np.where(near, x, 0), np.where(near, 1, x)
            top = -4 * small * series(4 * small * small, {_terms(lambda n: Fraction(1, factorial(2 * n + 3)), 0, 11)})
            e = np.exp(-np.abs(other))
            return np.where(near, top / np.cosh(small) ** 2, ((2 * e / (1 + e * e)) ** 2 - np.tanh(other) / other) / other)
    ''',
    kink="second slope 0 at 0, where it is -2/3", doc="The slope of tanh(x) / x.", reason="slope of tanh(x) / x: quotient rule",
)  # fmt: skip
elementwise(
    "expm1_over(x)", derivative="expm1_over'(x)", sympy="(exp(x) - 1)/x",
    prelude='''
        def expm1_over(x):
            """(exp(x) - 1) / x, and 1 at 0."""
            h = np.exp(np.maximum(x, 100) / 2)
            return np.where(x > 100, h * (h / np.maximum(x, 100)), np.where(x == 0, 1, np.expm1(np.minimum(x, 100)) / np.where(x == 0, 1, x)))
    ''',
    doc="(exp(x) - 1) / x, and 1 at 0.", reason="(exp(x) - 1) / x: quotient rule",
)  # fmt: skip
elementwise(
    "expm1_over'(x)", slope_of="expm1_over", numpy="expm1_over_slope($x)", derivative="quotient_or_zero(exp(x) - 2 out, x)",
    prelude=_SERIES + f'''
        def expm1_over_slope(x):
            """(exp(x) - (exp(x) - 1) / x) / x; near 0 by its series."""
            near = np.abs(x) < 1
            small, other = np.where(near, x, 0), np.where(near, 1, x)
            h = np.exp(other / 2)
            far = h * (h * ((other - 1) / other / other)) + 1 / other / other
            return np.where(near, series(small, {_terms(lambda n: Fraction(n + 1, factorial(n + 2)), 0, 18)}), far)
    ''',
    kink="second slope 0 at 0, where it is 1/3", doc="The slope of (exp(x) - 1) / x.", reason="slope of (exp(x) - 1) / x: quotient rule",
)  # fmt: skip
elementwise(
    "over_expm1(x)", derivative="over_expm1'(x)", sympy="x/(exp(x) - 1)",
    prelude='''
        def over_expm1(x):
            """x / (exp(x) - 1), and 1 at 0; no exp of what is positive: no overflow."""
            size = np.where(x == 0, 1, np.abs(x))
            h = np.exp(-size / 2)
            return np.where(x == 0, 1, np.where(x > 0, size * h * h, size) / -np.expm1(-size))
    ''',
    doc="x / (exp(x) - 1), and 1 at 0.", reason="x / (exp(x) - 1): quotient rule",
)  # fmt: skip
elementwise(
    "over_expm1'(x)", slope_of="over_expm1", numpy="over_expm1_slope($x)", derivative="quotient_or_zero(2 out + over_expm1(x), expm1(-x))",
    kink="second slope 0 at 0, where it is 1/6",
    prelude=_SERIES + f'''
        def over_expm1_slope(x):
            """(exp(x) - 1 - x exp(x)) / (exp(x) - 1)²; near 0 by its series."""
            t = np.abs(x)
            near = t < 0.7
            small, far = np.where(near, t, 0), np.where(near, 1, t)
            h = np.exp(-t / 2)
            part = np.where(small == 0, 1, small / np.where(small == 0, 1, -np.expm1(-small))) ** 2
            above = np.where(near, part * series(-small, {_terms(lambda n: Fraction(1, factorial(n)), 2, 17)}), (far + np.expm1(-far)) / np.expm1(-far) ** 2)
            below = np.where(near, part * series(-small, {_terms(lambda n: Fraction(n + 1, factorial(n + 2)), 0, 17)}), (1 - h * h - far * h * h) / np.expm1(-far) ** 2)
            return -np.where(x > 0, above * h * h, below)
    ''',
    doc="The slope of x / (exp(x) - 1).", reason="slope of x / (exp(x) - 1): quotient rule",
)  # fmt: skip
elementwise(
    "log1p_over(x)", derivative="log1p_over'(x)", sympy="log(1 + x)/x", domain="positive",
    prelude='''
        def log1p_over(x):
            """log(1 + x) / x, and 1 at 0."""
            return np.where(x == 0, 1, np.log1p(x) / np.where(x == 0, 1, x))
    ''',
    doc="log(1 + x) / x, and 1 at 0.", reason="log(1 + x) / x: quotient rule",
)  # fmt: skip
elementwise(
    "log1p_over'(x)", slope_of="log1p_over", numpy="log1p_over_slope($x)", derivative="-quotient_or_zero(2 out + 1 / (1 + x) / (1 + x), x)", domain="positive",
    prelude=_SERIES + f'''
        def log1p_over_slope(x):
            """(1 / (1 + x) - log(1 + x) / x) / x; near 0 by its series in x / (2 + x)."""
            near = np.abs(x) < 0.7
            small, other = np.where(near, x, 0), np.where(near, 1, x)
            s = small / (2 + small)
            even = series(s * s, {_terms(lambda n: Fraction(1, 2 * n + 3), 0, 14)})
            return np.where(near, -(1 / (1 + small) + 2 * s * even / (2 + small)) / (2 + small), (1 / (1 + other) - np.log1p(other) / other) / other)
    ''',
    kink="second slope 0 at 0, where it is 2/3", doc="The slope of log(1 + x) / x.", reason="slope of log(1 + x) / x: quotient rule",
)  # fmt: skip
elementwise(
    "hypot_less(a, x)", vjp={"a": "δ * quotient_or_zero(a, hypot(a, x))", "x": "-(δ * quotient_or_zero(out, hypot(a, x)))"}, sympy="sqrt(a**2 + x**2) - x",
    prelude='''
        def hypot_less(a, x):
            """sqrt(a² + x²) - x."""
            long = np.hypot(a, x)
            return np.where(x > 0, a * (a / np.where(x > 0, long + x, 1)), long - x)
    ''',
    kink="slopes 0 at 0", doc="sqrt(a² + x²) - x, without cancelling.", reason="sqrt(a² + x²) - x: its slope by x is itself over the root, turned",
)  # fmt: skip
elementwise(
    "root_less(x, y)", vjp={"x": "-(δ * out / (out + x))", "y": "0.5 δ / (out + x)"}, sympy="sqrt(x**2 + y) - x", domain="positive",
    prelude='''
        def root_less(x, y):
            """sqrt(x² + y) - x."""
            size = np.abs(x)
            large = size > 1
            size = np.where(large, size, 1)
            root = np.where(large, size * np.sqrt(1 + y / size / size), np.sqrt(np.where(large, 0, x * x) + np.where(large, 1, y)))
            return np.where(x > 0, y / np.where(x > 0, root + x, 1), root - x)
    ''',
    doc="sqrt(x² + y) - x, without cancelling.", reason="sqrt(x² + y) - x: its slope by x is itself over the root, turned",
)  # fmt: skip
