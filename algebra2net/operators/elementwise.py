"""Functions of each entry: exponentials, roots, trigonometry, special functions, rounding, choices.

What NumPy has is called by its name. A rule is written so that no step of it overflows where the slope itself does
not; the functions that such rules need beyond those of the notation (`hypot`, `exp_minus_square`, `polygamma`) are internal.
"""

from __future__ import annotations

from functools import partial
from math import inf

from algebra2net.operators import operator

elementwise = partial(operator.elementwise, family="elementwise")
_named = partial(elementwise, bare=True)  # known without parentheses, too: log x

# ------------------------------------------------------------------------------------- exponentials, logarithms, roots

_named(
    "exp(x)", vjp={"x": "δ * out"}, derivative="out", sympy="exp(x)", numpy="np.exp($x)",
    doc="e to the power x.", reason="exp is its own slope",
)  # fmt: skip
elementwise(
    "expm1(x)", derivative="exp(x)", sympy="exp(x) - 1", numpy="np.expm1($x)",
    doc="exp(x) - 1, with all its digits near 0.", reason="expm1: its slope is exp",
)  # fmt: skip
_named(
    "log(x)", vjp={"x": "δ / x"}, derivative="1 / x", aliases=("ln",), sympy="log(x)", domain="positive", numpy="np.log($x)",
    doc="The natural logarithm.", reason="log: its slope is 1/x",
)  # fmt: skip
elementwise(
    "log1p(x)", vjp={"x": "δ / (1 + x)"}, derivative="1 / (1 + x)", sympy="log(1 + x)", domain="positive", numpy="np.log1p($x)",
    doc="log(1 + x), with all its digits near 0.", reason="log1p: its slope is 1/(1 + x)",
)  # fmt: skip
_named(
    "log2(x)", vjp={"x": "1.4426950408889634 δ / x"}, derivative="1.4426950408889634 / x", sympy="log(x)/log(2)", domain="positive",
    numpy="np.log2($x)", latex=r"\log_{2}\left($x\right)",
    doc="The logarithm to base 2.", reason="log2: its slope is 1/(x ln 2)",
)  # fmt: skip
_named(
    "log10(x)", vjp={"x": "0.4342944819032518 δ / x"}, derivative="0.4342944819032518 / x", sympy="log(x)/log(10)", domain="positive",
    numpy="np.log10($x)", latex=r"\log_{10}\left($x\right)",
    doc="The logarithm to base 10.", reason="log10: its slope is 1/(x ln 10)",
)  # fmt: skip
elementwise(
    "sqrt(x)", vjp={"x": "δ / (2 out)"}, derivative="1 / (2 out)", sympy="sqrt(x)", domain="positive", numpy="np.sqrt($x)", latex=r"\sqrt{$x}",
    kink="slope inf at 0", doc="The square root.", reason="sqrt: its slope is 1/(2 sqrt(x))",
)  # fmt: skip
elementwise(
    "cbrt(x)", vjp={"x": "δ / (3 out^2)"}, derivative="1 / (3 out^2)", sympy="real_root(x, 3)", domain="positive", numpy="np.cbrt($x)", latex=r"\sqrt[3]{$x}",
    kink="slope inf at 0", doc="The cube root, of negative numbers too.", reason="cbrt: its slope is 1/(3 cbrt(x)²)",
)  # fmt: skip
elementwise("square(x)", value="x^2", sympy="x**2", doc="x².")
elementwise("reciprocal(x)", value="1 / x", sympy="1/x", domain="positive", doc="1 / x.")
elementwise("pow(x, p)", value="x^p", sympy="x**p", domain="positive", kink="slope by p 0 where x is 0", doc="x to the power p.")
elementwise(
    "hypot(a, b)", internal=True, vjp={"a": "δ * quotient_or_zero(a, out)", "b": "δ * quotient_or_zero(b, out)"}, sympy="sqrt(a**2 + b**2)", kink="slopes 0 at 0",
    prelude='''
        def hypot(a, b):
            """sqrt(a² + b²), though the squares may overflow or vanish."""
            if np.abs(a).max(initial=0) < 1e15 and 1e-15 < np.abs(b).min(initial=1) and np.abs(b).max(initial=1) < 1e15:
                return np.sqrt(a * a + b * b)
            return np.hypot(a, b)
    ''',
    latex=r"\sqrt{{$a:atom}^{2} + {$b:atom}^{2}}",
    doc="sqrt(a² + b²), whose squares cannot overflow.", reason="hypot: its slope is the cosine of the angle",
)  # fmt: skip

# ------------------------------------------------------------------------------------- circular and hyperbolic functions

UNIT_HYPOT = '''
        def unit_hypot(x):
            """sqrt(1 + x²), though the square may overflow."""
            if np.abs(x).max(initial=0) < 1e18:  # it is far from that
                return np.sqrt(1 + x * x)
            return np.hypot(1, x)

'''
elementwise(
    "unit_hypot(x)", between=(1, inf), internal=True, derivative="x / out", sympy="sqrt(1 + x**2)", prelude=UNIT_HYPOT,
    doc="sqrt(1 + x²), though the square may overflow.", reason="sqrt(1 + x²): its slope is x / sqrt(1 + x²)",
)  # fmt: skip
SIN_AND_COS = '''
        def around():
            """The sines and cosines of 1,024 angles around the circle."""
            k = np.arange(1024)
            angle, rest = k * 0.006135923151542322, k * 2.4310047546471146e-16  # together k 2π / 1024 with more digits than a number has
            sines, cosines = np.sin(angle) + rest * np.cos(angle), np.cos(angle) - rest * np.sin(angle)
            sines[512] = cosines[256] = cosines[768] = 0
            return sines, cosines


        def sin_and_cos(x, table=around()):
            """sin(x) and cos(x): of float64 from those of the next of 1,024 angles, and the series of what is left, to a few units in the last place."""
            if x.dtype != np.float64 or x.size < 2048:
                return np.sin(x), np.cos(x)
            sines, cosines = np.empty(x.shape), np.empty(x.shape)
            angles, sin, cos = x.ravel(), sines.reshape(-1), cosines.reshape(-1)
            step = 8192 if x.size > 16384 else x.size
            turns, left, square, more = np.empty((4, step))
            for k in range(0, x.size, step):
                v, s, c = angles[k : k + step], sin[k : k + step], cos[k : k + step]
                if not (-50000 < v.item(v.argmin()) and v.item(v.argmax()) < 50000):
                    np.sin(v, s)
                    np.cos(v, c)
                    continue
                n, r, q, t = turns[: v.size], left[: v.size], square[: v.size], more[: v.size]
                np.multiply(v, 162.97466172610083, n)
                n += 6755399441055744.0  # so large that its last bits are those of a whole number
                place = np.bitwise_and(n.view(np.int64), 1023, q.view(np.int64))
                table[0].take(place, out=s, mode="wrap")
                table[1].take(place, out=c, mode="wrap")
                n -= 6755399441055744.0
                r[...] = v  # less n 2π / 1024, in three parts: the products by the first two are exact
                for part in (0.006135923147667199, 3.875365543607508e-12, 2.0196027272633223e-21):
                    np.multiply(n, part, t)
                    r -= t
                np.multiply(r, r, q)
                np.multiply(q, 1 / 120, t)
                t -= 1 / 6
                t *= q
                t *= r
                t += r  # sin(r)
                np.multiply(q, 1 / 24, n)
                n -= 0.5
                q *= n  # cos(r) - 1
                np.multiply(s, q, n)
                np.multiply(c, t, r)
                n += r
                q *= c
                t *= s
                q -= t
                s += n
                c += q
            return sines, cosines

'''
_named(
    "sin(x)", between=(-1, 1), derivative="cos(x)", sympy="sin(x)", numpy="np.sin($x)",
    doc="The sine, of radians.", reason="sin: its slope is cos",
)  # fmt: skip
_named(
    "cos(x)", between=(-1, 1), vjp={"x": "-(δ * sin(x))"}, derivative="-sin(x)", sympy="cos(x)", numpy="np.cos($x)",
    at_once="sin_and_cos", companion="sin", prelude=SIN_AND_COS,
    doc="The cosine, of radians.", reason="cos: its slope is -sin",
)  # fmt: skip
_named(
    "tan(x)", derivative="1 + out^2", sympy="tan(x)", numpy="np.tan($x)",
    doc="The tangent, of radians.", reason="tan: its slope is 1 + tan(x)²",
)  # fmt: skip
_named(
    "arcsin(x)", vjp={"x": "δ / sqrt((1 - x) * (1 + x))"}, derivative="1 / sqrt((1 - x) * (1 + x))", aliases=("asin",), sympy="asin(x)", domain="unit",
    numpy="np.arcsin($x)", kink="slope inf at -1 and 1",
    doc="The angle in radians whose sine is x.", reason="arcsin: its slope is 1/sqrt(1 - x²)",
)  # fmt: skip
_named(
    "arccos(x)", vjp={"x": "-(δ / sqrt((1 - x) * (1 + x)))"}, derivative="-1 / sqrt((1 - x) * (1 + x))", aliases=("acos",), sympy="acos(x)", domain="unit",
    numpy="np.arccos($x)", kink="slope -inf at -1 and 1",
    doc="The angle in radians whose cosine is x.", reason="arccos: its slope is -1/sqrt(1 - x²)",
)  # fmt: skip
_named(
    "arctan(x)", vjp={"x": "δ / unit_hypot(x) / unit_hypot(x)"}, derivative="1 / unit_hypot(x) / unit_hypot(x)", aliases=("atan",), sympy="atan(x)",
    numpy="np.arctan($x)",
    doc="The angle in radians whose tangent is x.", reason="arctan: its slope is 1/(1 + x²)",
)  # fmt: skip
_named(
    "sinh(x)", derivative="cosh(x)", sympy="sinh(x)", numpy="np.sinh($x)",
    doc="The hyperbolic sine.", reason="sinh: its slope is cosh",
)  # fmt: skip
_named(
    "cosh(x)", derivative="sinh(x)", sympy="cosh(x)", numpy="np.cosh($x)",
    doc="The hyperbolic cosine.", reason="cosh: its slope is sinh",
)  # fmt: skip
_named(
    "arcsinh(x)", vjp={"x": "δ / unit_hypot(x)"}, derivative="1 / unit_hypot(x)", aliases=("asinh", "arsinh"), sympy="asinh(x)",
    numpy="np.arcsinh($x)",
    doc="The inverse of sinh.", reason="arcsinh: its slope is 1/sqrt(1 + x²)",
)  # fmt: skip
_named(
    "arccosh(x)", vjp={"x": "δ / sqrt(x - 1) / sqrt(x + 1)"}, derivative="1 / sqrt(x - 1) / sqrt(x + 1)", aliases=("acosh", "arcosh"), sympy="acosh(x)", domain="above_one",
    numpy="np.arccosh($x)", kink="slope inf at 1",
    doc="The inverse of cosh, for x from 1.", reason="arccosh: its slope is 1/sqrt(x² - 1)",
)  # fmt: skip
_named(
    "arctanh(x)", vjp={"x": "δ / ((1 - x) * (1 + x))"}, derivative="1 / ((1 - x) * (1 + x))", aliases=("atanh", "artanh"), sympy="atanh(x)", domain="unit",
    numpy="np.arctanh($x)", kink="slope inf at -1 and 1",
    doc="The inverse of tanh.", reason="arctanh: its slope is 1/(1 - x²)",
)  # fmt: skip

# ---------------------------------------------------------------------------------------------------- special functions

MILLS = '''
        def mills(t):
            """Φ(-t) / φ(t), t ≥ 0, of the normal distribution, as a fraction of polynomials (relative error 1e-16 up to 40)."""
            if t.dtype.itemsize < 8:  # of float32 a shorter one has all digits
                top, bottom = 1.00000141183111 * t + 9.28656333531527, (t + 9.28669178726564) * t + 41.0627229183342
                for p, q in ((40.0672223901247, 101.677513687510), (92.3088497743801, 137.566222815433), (100.396364230500, 80.1047073303307)):
                    top *= t
                    top += p
                    bottom *= t
                    bottom += q
                return top / bottom
            top, bottom = 0.9999999999973133 * t + 26.84949329094613, (t + 26.849493290382394) * t + 354.06558762124195
            for p, q in (
                (353.0655875679884, 2968.0754578938668), (2941.2259676240515, 17326.96482471192), (16975.89912119828, 73042.79797863218),
                (70155.27421624765, 223889.26245192622), (207609.42699985075, 490493.3783865828), (425953.1640362371, 732344.5035992059),
                (555215.8757418222, 670891.7538849401), (357974.3963502226, 285622.2440105682),
            ):
                top *= t
                top += p
                bottom *= t
                bottom += q
            return top / bottom

'''  # what is left of erfc and of gelu's tail without the Gaussian

EXP_MINUS_SQUARE = '''
        def exp_minus_square(x):
            """exp(-x²)."""
            if -7 < x.min(initial=0) and x.max(initial=0) < 7:  # the rounding of a small square does no harm
                return np.exp(-(x * x))
            t = np.minimum(np.abs(x), 28.0)  # there it is 0
            h = np.rint(16 * t) / 16  # short, so that its square is exact: the rounding of t² would cost the tail its digits
            return np.exp((h - t) * (h + t)) * np.exp(-h * h)

'''
elementwise(
    "erf(x)", between=(-1, 1), derivative="1.1283791670955126 exp_minus_square(x)", sympy="erf(x)", imports="from scipy import special",
    at_once="gauss_and_erf", companion="exp_minus_square",
    prelude=EXP_MINUS_SQUARE + '''
        def erf(x):
            """The error function: twice the integral of exp(-t²) from 0 to x, over √π; of float32 as a fraction of polynomials (relative error 1.4e-8)."""
            if x.dtype.itemsize < 8:
                near = np.minimum(np.maximum(x, -3.84), 3.84)  # beyond it is 1
                s = near * near
                top, bottom = 0.0545187605633 * s + 7.36137782533, (s + 29.4447379518) * s + 380.153476006
                for p, q in ((94.3030659191, 2910.28669539), (1350.73180838, 12866.3209165), (4830.58465093, 25756.0141975)):
                    top *= s
                    top += p
                    bottom *= s
                    bottom += q
                top *= s
                top += 29062.5494524
                return np.minimum(np.maximum(near * top / bottom, -1.0), 1.0)
            return special.erf(x)

        def erf_at_steps():
            """erf(k / 1024): from k = 8192 on, of k - 16384."""
            half = special.erf(np.arange(8193) / 1024)
            return np.concatenate((half[:-1], -half[:0:-1]))

        def gauss_and_erf(x, table=erf_at_steps()):
            """exp(-x²) and erf(x): of float64 that of the next of the steps, and the midpoint rule with its first correction over what is left."""
            if x.dtype != np.float64 or x.size < 4096:
                return exp_minus_square(x), erf(x)
            found, steps = np.empty(x.shape), 8192 if x.size > 16384 else x.size
            flat, erfs = x.ravel(), found.reshape(-1)
            middles, widths, places = np.empty((3, steps))
            for k in range(0, x.size, steps):
                v, e = flat[k : k + steps], erfs[k : k + steps]
                m, w, q = middles[: v.size], widths[: v.size], places[: v.size]
                if not (-6 < v.item(v.argmin()) and v.item(v.argmax()) < 6):
                    v = np.minimum(np.maximum(v, -6.0), 6.0)  # there it is ±1
                np.multiply(v, 1024, m)
                m += 6755399441055744.0  # so large that its last bits are those of a whole number
                table.take(np.bitwise_and(m.view(np.int64), 16383, q.view(np.int64)), out=e, mode="wrap")
                m -= 6755399441055744.0
                m *= 1 / 1024
                np.subtract(v, m, w)
                m += v
                m *= m  # four times the square of the middle
                np.multiply(m, -0.25, q)
                np.exp(q, q)
                q *= w
                m -= 2
                m *= 0.04701579862898135  # 2 / √π / 24
                w *= w
                m *= w
                m += 1.1283791670955126
                m *= q
                e += m
            return exp_minus_square(x), found
    ''',
    doc="The error function: twice the integral of exp(-t²) from 0 to x, over √π.", reason="erf: its slope is 2/√π exp(-x²)",
)  # fmt: skip
elementwise(
    "erfc(x)", derivative="-(1.1283791670955126 exp_minus_square(x))", sympy="erfc(x)",
    prelude=MILLS + '''
        def erfc(x):
            """1 - erf(x); its tail is a Gaussian times a ratio that has none."""
            t = np.minimum(np.abs(x), 28.0)  # there it is 0
            h = np.rint(16 * t) / 16  # short, so that its square is exact: the rounding of t² would cost the tail its digits
            tail = 0.7978845608028654 * mills(1.4142135623730951 * t) * np.exp((h - t) * (h + t)) * np.exp(-h * h)
            return np.where(x < 0, 2 - tail, tail)
    ''',
    doc="1 - erf(x), with all its digits where that is small.", reason="erfc: its slope is -2/√π exp(-x²)",
)  # fmt: skip
elementwise(
    "exp_minus_square(x)", between=(0, 1), internal=True, derivative="-(2 out * x)", sympy="exp(-x**2)", latex=r"\exp\left(-{$x:atom}^{2}\right)",
    prelude=EXP_MINUS_SQUARE,
    doc="exp(-x²), with all its digits where that is small.", reason="chain rule: exp(-x²) falls by 2x",
)  # fmt: skip
elementwise(
    "lgamma(x)", derivative="digamma(x)", aliases=("gammaln", "loggamma"), sympy="loggamma(x)", domain="positive", imports="from scipy.special import gammaln, loggamma",
    prelude='''
        def lgamma(x):
            """log |Γ(x)|; near its zeros 1 and 2 by loggamma of complex numbers, which keeps the digits there."""
            found = np.asarray(gammaln(x))
            near = np.flatnonzero((np.abs(x - 1) < 0.2) | (np.abs(x - 2) < 0.2))
            found.put(near, loggamma(np.take(x, near) + 0j).real)
            return found
    ''',
    latex=r"\log\Gamma\left($x\right)",
    doc="log |Γ(x)|.", reason="lgamma: its slope is the digamma function",
)  # fmt: skip
elementwise(
    "digamma(x)", internal=True, derivative="polygamma(1, x)", sympy="digamma(x)", domain="positive", imports="from scipy.special import digamma", latex=r"\psi\left($x\right)",
    doc="The slope of lgamma.", reason="digamma: its slope is the trigamma function",
)  # fmt: skip
elementwise(
    "polygamma(n, x)", internal=True, vjp={"n": "", "x": "δ * polygamma(n + 1, x)"}, domain="positive", imports="from scipy.special import gamma as gamma_function, zeta",
    prelude='''
        def polygamma(n, x):
            """The n-th slope of digamma."""
            return ((2 * (n % 2) - 1) * gamma_function(n + 1.0) * zeta(n + 1.0, x)).astype(x.dtype)
    ''',
    latex=r"\psi^{\left($n\right)}\left($x\right)",
    doc="The n-th slope of digamma, n from 1.", source="Abramowitz, Stegun 1964, 6.4.10", reason="polygamma: its slope is the next of them",
)  # fmt: skip

# ----------------------------------------------------------------------------------------------- signs, rounding, choices

elementwise(
    "abs(x)", derivative="sign(x)", sympy="Abs(x)", numpy="np.abs($x)", latex=r"\left|$x\right|",
    kink="slope 0 at 0", doc="The absolute value.", reason="abs: the signal, with its sign turned where x was negative",
)  # fmt: skip
elementwise("sign(x)", vjp={}, aliases=("sgn",), sympy="sign(x)", numpy="np.sign($x)", kink="slope 0 everywhere", doc="1 for positive entries, -1 for negative ones, 0 for 0.")
elementwise(
    "step(x)", vjp={}, aliases=("heaviside",), sympy="Heaviside(x, 0)",
    prelude='''
        def step(x):
            """1 where x is positive, else 0."""
            return (x > 0).astype(x.dtype)
    ''',
    kink="slope 0 everywhere", doc="1 where x is positive, else 0 (at 0 too).",
)  # fmt: skip
elementwise(
    "floor(x)", vjp={}, numpy="np.floor($x)", latex=r"\left\lfloor $x \right\rfloor",
    kink="slope 0 everywhere", doc="The largest integer that is not larger.",
)  # fmt: skip
elementwise(
    "ceil(x)", vjp={}, numpy="np.ceil($x)", latex=r"\left\lceil $x \right\rceil",
    kink="slope 0 everywhere", doc="The smallest integer that is not smaller.",
)  # fmt: skip
elementwise("round(x)", vjp={}, numpy="np.round($x)", kink="slope 0 everywhere", doc="The nearest integer, of two the even one.")
elementwise(
    "maximum(a, b)", vjp={"a": "δ * ((a > b) + 0.5 (a == b))", "b": "δ * ((b > a) + 0.5 (a == b))"},
    beside_numbers={"a": "δ * (a > b)", "b": "δ * (b > a)"},
    sympy="Max(a, b)", numpy="np.maximum($a, $b)", latex=r"\max\left($a, $b\right)",
    kink="ties share the slope equally; beside a number the slope is 0 there, as relu'(0)", doc="The larger of each pair.", reason="the larger gets the signal; equals share it",
)  # fmt: skip
elementwise(
    "minimum(a, b)", vjp={"a": "δ * ((a < b) + 0.5 (a == b))", "b": "δ * ((b < a) + 0.5 (a == b))"},
    beside_numbers={"a": "δ * (a < b)", "b": "δ * (b < a)"},
    sympy="Min(a, b)", numpy="np.minimum($a, $b)", latex=r"\min\left($a, $b\right)",
    kink="ties share the slope equally; beside a number the slope is 0 there", doc="The smaller of each pair.", reason="the smaller gets the signal; equals share it",
)  # fmt: skip
elementwise(
    "clip(x, lo, hi)", aliases=("clamp",), sympy="Min(Max(x, lo), hi)", numpy="np.clip($x, $lo, $hi)",
    vjp={"x": "δ * (lo < x) * (x < hi)", "lo": "δ * (x <= lo) * (lo < hi)", "hi": "δ * (maximum(x, lo) >= hi)"},
    kink="slope 0 at the bounds, as outside", doc="x between lo and hi, else the nearer of the two.", reason="clip: the signal passes where x lay between the bounds",
)  # fmt: skip
elementwise(
    "where(c, a, b)", vjp={"c": "0", "a": "where(c, δ, 0)", "b": "where(c, 0, δ)"}, sympy="Piecewise((a, Ne(c, 0)), (b, True))",
    prelude='''
        def where(c, a, b):
            """a where c is not 0, else b."""
            return np.where(c, a, b).astype(np.result_type(c, a, b), copy=False)  # of numbers alone NumPy makes float64
    ''',
    latex=r"\begin{cases} $a & $c \\ $b & \text{otherwise} \end{cases}",
    kink="slope 0 by c", doc="a where c is not 0, else b.", reason="where: the signal goes to the one that was taken",
)  # fmt: skip
