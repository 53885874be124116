"""Logarithms and ratios of the normal distribution's tails, which keep their digits where the tails themselves vanish.

Users do not call them; `stabilize` puts them in the place of what they typed.
"""

from __future__ import annotations

from functools import partial

from algebra2net.operators import operator
from algebra2net.operators.elementwise import MILLS

elementwise = partial(operator.elementwise, family="stable", internal=True)

_FAR_MILLS = (
    MILLS
    + '''
        def far_mills(t):
            """Φ(-t) / φ(t), t ≥ 0: beyond 40 by a continued fraction."""
            s = np.maximum(t, 40)
            return np.where(t > 40, 1 / (s + 1 / (s + 2 / (s + 3 / (s + 4 / s)))), mills(np.minimum(t, 40)))

'''
)
elementwise(
    "log_erfc(x)", derivative="-(1.1283791670955126 / scaled_erfc(x))", sympy="log(erfc(x))",
    imports="from scipy.special import erf",
    prelude=_FAR_MILLS + '''
        def log_erfc(x):
            """log(erfc(x)); its tail is -x² and the logarithm of what is left without the Gaussian."""
            t = np.maximum(x, 0.5)
            return np.where(x > 0.5, np.log(0.7978845608028654 * far_mills(1.4142135623730951 * t)) - t * t, np.log1p(-erf(np.minimum(x, 0.5))))
    ''',
    doc="log(erfc(x)), where erfc(x) itself is 0, too.", reason="log(erfc(x)): chain rule",
)  # fmt: skip
elementwise(
    "scaled_erfc(x)", derivative="scaled_erfc'(x)", sympy="exp(x**2)*erfc(x)",
    imports="from scipy.special import erf",
    prelude=_FAR_MILLS + '''
        def scaled_erfc(x):
            """exp(x²) erfc(x); what is left of erfc without the Gaussian."""
            t = np.abs(x)
            s = np.minimum(t, 28.0)
            h = np.rint(16 * s) / 16  # short, so that its square is exact
            gauss = np.exp(h * h) * np.exp((s - h) * (s + h))
            return np.where(x < 0, gauss * (1 + erf(s)), 0.7978845608028654 * far_mills(1.4142135623730951 * t))
    ''',
    doc="exp(x²) erfc(x), where erfc(x) itself is 0, too.", source="Cody 1969", reason="exp(x²) erfc(x): product rule",
)  # fmt: skip
elementwise(
    "scaled_erfc'(x)", slope_of="scaled_erfc", numpy="scaled_erfc_slope($x)", derivative="2 scaled_erfc(x) + 2 x * out",
    imports="from scipy.special import erfcx",
    prelude='''
        def scaled_erfc_slope(x):
            """2 x exp(x²) erfc(x) - 2 / √π; far out by a continued fraction, whose terms all have one sign."""
            far = x > 2
            u = 1.4142135623730951 * np.where(far, x, 2)
            rest = u
            for n in range(60, 1, -1):
                rest = u + n / rest
            return np.where(far, -1.1283791670955126 / (1 + u * rest), 2 * x * erfcx(np.where(far, 0, x)) - 1.1283791670955126)
    ''',
    doc="The slope of exp(x²) erfc(x).", reason="slope of exp(x²) erfc(x): product rule",
)  # fmt: skip
_TAIL = (
    _FAR_MILLS
    + '''
        def normal_tail(t):
            """Φ(-t), t ≥ 0: a Gaussian times a ratio that has none."""
            s = np.minimum(t, 40.0)
            h = np.rint(16 * s) / 16  # short, so that its square is exact
            return 0.3989422804014327 * mills(s) * np.exp((h - s) * (h + s) / 2) * np.exp(-h * h / 2)

'''
)
elementwise(
    "log_normal(x)", derivative="inverse_mills(x)", sympy="log((1 + erf(x/sqrt(2)))/2)",
    prelude=_TAIL + '''
        def log_normal(x):
            """log Φ(x); its left tail is -x²/2 and the logarithm of what is left without the Gaussian."""
            t = np.abs(x)
            return np.where(x < 0, np.log(0.3989422804014327 * far_mills(t)) - t * (t / 2), np.log1p(-normal_tail(t)))
    ''',
    doc="log Φ(x) of the normal distribution, with all its digits at both ends.", reason="log Φ(x): chain rule",
)  # fmt: skip
elementwise(
    "inverse_mills(x)", derivative="-(out * (x + out))", sympy="sqrt(2/pi)*exp(-x**2/2)/(1 + erf(x/sqrt(2)))",
    prelude=_TAIL + '''
        def inverse_mills(x):
            """φ(x) / Φ(x) of the normal distribution."""
            t = np.abs(x)
            tail = normal_tail(t)
            ratio = far_mills(t)
            return np.where(x < 0, 1 / ratio, tail / ratio / (1 - tail))
    ''',
    doc="φ(x) / Φ(x), the slope of log Φ(x).", reason="φ(x) / Φ(x): quotient rule",
)  # fmt: skip
