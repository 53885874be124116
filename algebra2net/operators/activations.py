"""The activations: what networks put between their layers, each with its slope.

The slope of an activation is a function of its own (`relu'`), as papers write the chain rule, so that its code may keep
its digits where the activation is flat. All exponentials are of what is not positive, so none overflows. Where one is
multiplied by x, it comes in as two square roots: x exp(x) is still a float64 where exp(x) is none.
"""

from __future__ import annotations

from functools import partial
from math import inf

from algebra2net.operators.elementwise import MILLS, elementwise

_slope = partial(elementwise, internal=True)

# ------------------------------------------------------------------------------------------------------ with a corner

elementwise(
    "relu(x)", derivative="step(x)", by_name=True, sympy="Max(0, x)",
    prelude='''
        def relu(x):
            """x where it is positive, else 0."""
            return np.maximum(x, 0)
    ''',
    kink="slope 0 at 0", doc="x where it is positive, else 0.", source="Nair, Hinton 2010",
    reason="relu: the signal passes where the input was positive",
)  # fmt: skip
_slope(
    "relu'(x)", slope_of="relu", vjp={}, numpy="relu_slope($x)",
    prelude='''
        def relu_slope(x):
            """1 where x is positive, else 0."""
            return (x > 0).astype(x.dtype)
    ''',
    beside="relu_slope($out)", kink="slope 0 everywhere", doc="1 where x is positive, else 0.",
)  # fmt: skip
elementwise(
    "leaky_relu(x, a?0.01)", aliases=("lrelu",), sympy="Piecewise((x, x > 0), (a*x, True))",
    vjp={"x": "δ * leaky_relu'(x, a)", "a": "δ * minimum(x, 0)"},
    prelude='''
        def leaky_relu(x, a):
            """x where it is positive, else a x."""
            return np.maximum(x, 0) + a * np.minimum(x, 0)
    ''',
    kink="slope a at 0", doc="x where it is positive, else a x (a is 0.01 unless given).", source="Maas, Hannun, Ng 2013",
    reason="leaky relu: the signal passes where the input was positive, a of it elsewhere",
)  # fmt: skip
_slope(
    "leaky_relu'(x, a?0.01)", slope_of="leaky_relu", vjp={"x": "0", "a": "δ * (x <= 0)"}, numpy="leaky_relu_slope($x, $a)",
    prelude='''
        def leaky_relu_slope(x, a):
            """1 where x is positive, else a."""
            passes = (x > 0).astype(x.dtype)
            return passes + a * (1 - passes)
    ''',
    kink="a at 0", doc="1 where x is positive, else a.", reason="slope of leaky relu: it is a where x was not positive",
)  # fmt: skip
elementwise(
    "relu6(x)", derivative="(x > 0) * (x < 6)", by_name=True, sympy="Min(Max(0, x), 6)",
    prelude='''
        def relu6(x):
            """x between 0 and 6, else the nearer of the two."""
            return np.clip(x, 0, 6)
    ''',
    kink="slope 0 at 0 and 6", doc="x between 0 and 6, else the nearer of the two.", source="Krizhevsky 2010",
    reason="relu6: the signal passes where the input was between 0 and 6",
)  # fmt: skip
_slope(
    "relu6'(x)", slope_of="relu6", vjp={}, numpy="relu6_slope($x)",
    prelude='''
        def relu6_slope(x):
            """1 between 0 and 6, else 0."""
            return ((x > 0) & (x < 6)).astype(x.dtype)
    ''',
    beside="relu6_slope($out)", kink="slope 0 everywhere", doc="1 between 0 and 6, else 0.",
)  # fmt: skip
elementwise(
    "hard_tanh(x)", derivative="abs(x) < 1", by_name=True, sympy="Min(Max(-1, x), 1)",
    prelude='''
        def hard_tanh(x):
            """x between -1 and 1, else the nearer of the two."""
            return np.clip(x, -1, 1)
    ''',
    kink="slope 0 at -1 and 1", doc="x between -1 and 1, else the nearer of the two.", source="Collobert 2004",
    reason="hard tanh: the signal passes where the input was between -1 and 1",
)  # fmt: skip
_slope(
    "hard_tanh'(x)", slope_of="hard_tanh", vjp={}, numpy="hard_tanh_slope($x)",
    prelude='''
        def hard_tanh_slope(x):
            """1 between -1 and 1, else 0."""
            return (np.abs(x) < 1).astype(x.dtype)
    ''',
    beside="hard_tanh_slope($out)", kink="slope 0 everywhere", doc="1 between -1 and 1, else 0.",
)  # fmt: skip
elementwise(
    "hard_sigmoid(x)", derivative="(abs(x) < 3) / 6", by_name=True, sympy="Min(Max(0, x + 3), 6)/6",
    prelude='''
        def hard_sigmoid(x):
            """From 0 at -3 to 1 at 3 in a straight line."""
            return np.clip(x + 3, 0, 6) / 6
    ''',
    kink="slope 0 at -3 and 3", doc="relu6(x + 3) / 6: from 0 at -3 to 1 at 3 in a straight line.", source="Howard et al. 2019, arXiv:1905.02244",
    reason="hard sigmoid: a sixth of the signal passes where the input was between -3 and 3",
)  # fmt: skip
_slope(
    "hard_sigmoid'(x)", slope_of="hard_sigmoid", vjp={}, numpy="hard_sigmoid_slope($x)",
    prelude='''
        def hard_sigmoid_slope(x):
            """1/6 between -3 and 3, else 0."""
            return (np.abs(x) < 3).astype(x.dtype) / 6
    ''',
    kink="slope 0 everywhere", doc="1/6 between -3 and 3, else 0.",
)  # fmt: skip
elementwise(
    "elu(x, a?1)", sympy="Piecewise((x, x > 0), (a*(exp(x) - 1), True))",
    vjp={"x": "δ * elu'(x, a)", "a": "δ * expm1(minimum(x, 0))"},
    prelude='''
        def elu(x, a):
            """x where it is positive, else a (exp(x) - 1)."""
            return np.maximum(x, 0) + a * np.expm1(np.minimum(x, 0))
    ''',
    kink="slope a at 0", doc="x where it is positive, else a (exp(x) - 1) (a is 1 unless given).", source="Clevert, Unterthiner, Hochreiter 2015, arXiv:1511.07289",
    reason="elu: the signal passes where the input was positive, a exp(x) of it elsewhere",
)  # fmt: skip
_slope(
    "elu'(x, a?1)", slope_of="elu", vjp={"x": "δ * a * exp(minimum(x, 0)) * (x <= 0)", "a": "δ * exp(minimum(x, 0)) * (x <= 0)"}, numpy="elu_slope($x, $a)",
    prelude='''
        def elu_slope(x, a):
            """1 where x is positive, else a exp(x)."""
            passes = (x > 0).astype(x.dtype)
            return passes + (1 - passes) * (a * np.exp(np.minimum(x, 0)))
    ''',
    kink="a at 0", doc="1 where x is positive, else a exp(x).", reason="slope of elu: a exp(x) where x was not positive",
)  # fmt: skip
elementwise(
    "selu(x)", derivative="1.0507009873554805 elu'(x, 1.6732632423543772)", by_name=True,
    sympy="Piecewise((1.0507009873554805*x, x > 0), (1.0507009873554805*1.6732632423543772*(exp(x) - 1), True))",
    prelude='''
        def selu(x):
            """λ x where x is positive, else λ α (exp(x) - 1)."""
            return 1.0507009873554805 * np.maximum(x, 0) + 1.7580993408473768 * np.expm1(np.minimum(x, 0))
    ''',
    kink="slope λ α = 1.7581 at 0", doc="λ elu(x, α), with the λ = 1.0507… and α = 1.6733… that keep mean 0 and variance 1.",
    source="Klambauer et al. 2017, arXiv:1706.02515",
    reason="selu: λ of the signal passes where the input was positive, λ α exp(x) of it elsewhere",
)  # fmt: skip
_slope(
    "selu'(x)", slope_of="selu", derivative="1.7580993408473768 exp(minimum(x, 0)) * (x <= 0)", numpy="selu_slope($x)",
    prelude='''
        def selu_slope(x):
            """λ where x is positive, else λ α exp(x)."""
            passes = (x > 0).astype(x.dtype)
            return 1.0507009873554805 * passes + (1 - passes) * (1.7580993408473768 * np.exp(np.minimum(x, 0)))
    ''',
    kink="λ α at 0", doc="λ where x is positive, else λ α exp(x).", reason="slope of selu: λ α exp(x) where x was not positive",
)  # fmt: skip

# ------------------------------------------------------------------------------------------------------------- smooth

_SIGMOID = '''
        def sigmoid(x):
            """1 / (1 + exp(-x))."""
            if x.min(initial=0) > -80:  # exp(-x) is far from overflow
                return 1 / (1 + np.exp(-x))
            return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))

'''
elementwise(
    "sigmoid(x)", between=(0, 1), derivative="sigmoid(x) * sigmoid(-x)", by_name=True, aliases=("σ", "sigma", "logistic", "expit"), sympy="1/(1 + exp(-x))",
    unicode="σ($x)", latex=r"\sigma\left($x\right)", ordinary="s", prelude=_SIGMOID,
    doc="1 / (1 + exp(-x)).", reason="sigmoid: the signal times the slope σ(x) σ(-x)",
)  # fmt: skip
_slope(
    "sigmoid'(x)", between=(0, 1), slope_of="sigmoid", derivative="-(out * tanh(x / 2))", numpy="sigmoid_slope_at($x)", unicode="σ'($x)", latex=r"\sigma'\left($x\right)",
    prelude=_SIGMOID + '''
        def sigmoid_slope_at(x):
            """σ(x) σ(-x); σ(x) (1 - σ(x)) would lose its digits where σ(x) is nearly 1."""
            e = np.exp(-np.abs(x))
            return e / (1 + e) ** 2

        def sigmoid_slope(s, x):
            """s (1 - s), s = σ(x); where s is nearly 1, by x."""
            if s.max(initial=0) < 0.94:  # 1 - s has its digits
                return s * (1 - s)
            if s.min(initial=1) > 1e-30:  # exp(-x) is far from overflow
                return np.exp(-x) * s * s
            return sigmoid_slope_at(x)

        def sigmoid_and_slope(x):
            """σ(x) and its slope σ(x) σ(-x), by one exp(-x)."""
            if x.min(initial=0) > -80:  # it is far from overflow
                e = np.exp(-x)
                s = 1 / (1 + e)
                return s, e * s * s
            return sigmoid(x), sigmoid_slope_at(x)
    ''',
    together="sigmoid_and_slope($x)", beside="sigmoid_slope($out, $x)", ordinary="q * s * s", product_of=("sigmoid", "sigmoid_rest"),
    doc="The slope of sigmoid: σ(x) σ(-x).", reason="slope of sigmoid: it changes by -σ'(x) tanh(x / 2)",
)  # fmt: skip
elementwise(
    "sigmoid_rest(x)", internal=True, between=(0, 1), derivative="-sigmoid'(x)", sympy="1/(1 + exp(x))", numpy="sigmoid(-$x)", prelude=_SIGMOID, ordinary="q * s",
    doc="1 - σ(x), which is σ(-x).", reason="1 - sigmoid: the signal times minus the slope",
)  # fmt: skip
elementwise(
    "tanh(x)", between=(-1, 1), derivative="1 - out^2", by_name=True, bare=True, sympy="tanh(x)", numpy="np.tanh($x)",
    doc="The hyperbolic tangent.", reason="tanh: the signal times the slope 1 - tanh(x)²",
)  # fmt: skip
_slope(
    "tanh'(x)", between=(0, 1), slope_of="tanh", derivative="-(2 out * tanh(x))", numpy="tanh_slope_at($x)",
    prelude='''
        def tanh_slope_at(x):
            """1 / cosh(x)²; 1 - tanh(x)² would lose its digits where tanh(x) is nearly 1."""
            if np.abs(x).max(initial=0) < 40:  # cosh² is far from overflow
                return 1 / np.cosh(x) ** 2
            e = np.exp(-np.abs(x))
            return (2 * e / (1 + e * e)) ** 2

        def tanh_slope_mended(slope, x):
            """The slope with its small entries by x."""
            small = slope < 0.03125
            if slope.nbytes < 30_000 or np.count_nonzero(small) > slope.size // 20:
                return tanh_slope_at(x)
            places = np.flatnonzero(small)
            slope.put(places, tanh_slope_at(x.take(places)))
            return slope

        def tanh_slope(t, x):
            """1 - t², t = tanh(x); where t is nearly ±1, by x."""
            if x.size < 300 and np.vdot(x, x) < 1600:  # cosh² is far from overflow
                return 1 / np.cosh(x) ** 2
            slope = 1 - t * t
            if slope.min(initial=1) > 0.03125:  # it has all but five of its bits
                return slope
            return tanh_slope_mended(slope, x)
    ''',
    beside="tanh_slope($out, $x)", ordinary="(2 * q / (1 + q * q)) ** 2",
    doc="The slope of tanh: 1 - tanh(x)².", reason="slope of tanh: it changes by -2 tanh'(x) tanh(x)",
)  # fmt: skip
elementwise(
    "softplus(x)", between=(0, inf), derivative="sigmoid(x)", sympy="log(1 + exp(x))", ordinary="np.log1p(1 / q)",
    prelude='''
        def softplus(x):
            """log(1 + exp(x))."""
            if np.abs(x).max(initial=0) < 80:  # exp(x) is far from overflow
                return np.log1p(np.exp(x))
            return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))  # exp of -|x|: no overflow
    ''',
    doc="log(1 + exp(x)).", source="Dugas et al. 2001", reason="softplus: its slope is the sigmoid",
)  # fmt: skip
elementwise(
    "softsign(x)", derivative="1 / (1 + abs(x)) / (1 + abs(x))", by_name=True, sympy="x/(1 + Abs(x))",
    prelude='''
        def softsign(x):
            """x / (1 + |x|)."""
            x = np.clip(x, -1e30, 1e30)  # beyond, it is ±1, and inf / inf would be nan
            return x / (1 + np.abs(x))
    ''',
    doc="x / (1 + |x|).", source="Bergstra et al. 2009", reason="softsign: the signal times the slope 1 / (1 + |x|)²",
)  # fmt: skip
_slope(
    "softsign'(x)", slope_of="softsign", derivative="-(2 sign(x) * out / (1 + abs(x)))", numpy="softsign_slope($x)",
    prelude='''
        def softsign_slope(x):
            """1 / (1 + |x|)²."""
            size = 1 + np.abs(x)
            return 1 / size / size  # the square could overflow
    ''',
    kink="slope 0 at 0", doc="The slope of softsign: 1 / (1 + |x|)².", reason="slope of softsign: it changes by -2 sign(x) / (1 + |x|)³",
)  # fmt: skip
_SILU = '''
        def silu(x):
            """x σ(x)."""
            if x.min(initial=0) > -80:  # exp(-x) is far from overflow
                return x / (1 + np.exp(-x))
            t = np.minimum(np.abs(x), 1000)  # there exp(-t) is 0; inf * 0 would be nan
            e = np.exp(-t / 2)
            return np.maximum(x, 0) - t * e * e / (1 + e * e)

'''
elementwise(
    "silu(x)", derivative="sigmoid(x) + x * sigmoid'(x)", by_name=True, aliases=("swish",), sympy="x/(1 + exp(-x))", ordinary="x * s", prelude=_SILU,
    doc="x σ(x).", source="Elfwing, Uchibe, Doya 2017, arXiv:1702.03118; Ramachandran, Zoph, Le 2017, arXiv:1710.05941",
    reason="silu: the signal times the slope σ(x) + x σ'(x)",
)  # fmt: skip
_slope(
    "silu'(x)", slope_of="silu", derivative="sigmoid'(x) * (2 - x * tanh(x / 2))", numpy="silu_slope($x)", ordinary="s + x * q * s * s",
    prelude=_SILU + '''
        def silu_slope(x):
            """σ(x) + x σ'(x)."""
            if np.abs(x).max(initial=0) < 80:
                e = np.exp(-x)
                s = 1 / (1 + e)
                return s + x * e * s * s
            x = np.clip(x, -1000, 1000)
            h, n = np.exp(np.minimum(x, 0) / 2), np.exp(-np.maximum(x, 0))  # one of them is 1
            e = h * h * n
            return (1 + e + x * n) * h * h / (1 + e) ** 2

        def silu_and_slope(x):
            """x σ(x) and its slope σ(x) + x σ'(x), by one exp(-x)."""
            if np.abs(x).max(initial=0) < 80:  # it is far from overflow, and x times it is
                e = np.exp(-x)
                s = 1 / (1 + e)
                return x * s, s + x * e * s * s
            return silu(x), silu_slope(x)
    ''',
    together="silu_and_slope($x)",
    doc="The slope of silu: σ(x) + x σ'(x).", reason="slope of silu: it changes by σ'(x) (2 - x tanh(x / 2))",
)  # fmt: skip
elementwise(
    "mish(x)", derivative="tanh(softplus(x)) + x * sigmoid(x) * tanh'(softplus(x))", by_name=True, sympy="x*tanh(log(1 + exp(x)))",
    prelude='''
        def mish(x):
            """x tanh(softplus(x))."""
            x = np.maximum(x, -1000)  # there it is 0; inf * 0 would be nan
            h, n = np.exp(np.minimum(x, 0) / 2), np.exp(-np.maximum(x, 0))  # exp(x) = h² / n, and one of them is 1
            e = h * h * (h * h + 2 * n)
            return x * h * h * ((h * h + 2 * n) / (e + 2 * n * n))
    ''',
    doc="x tanh(softplus(x)).", source="Misra 2019, arXiv:1908.08681", reason="mish: the signal times the slope",
)  # fmt: skip
_slope(
    "mish'(x)", slope_of="mish", numpy="mish_slope($x)",
    derivative="tanh'(softplus(x)) * (2 sigmoid(x) + x * (sigmoid'(x) - 2 sigmoid(x)^2 * tanh(softplus(x))))",
    prelude='''
        def mish_slope(x):
            """tanh(softplus(x)) + x σ(x) tanh'(softplus(x))."""
            x = np.clip(x, -1000, 1000)
            h, n = np.exp(np.minimum(x, 0) / 2), np.exp(-np.maximum(x, 0))  # exp(x) = h² / n, and one of them is 1
            m = h * h
            top = m * m * m + n * (4 * m * m + n * (m * (6 + 4 * x) + n * (4 + 4 * x)))
            return top * h / (m * m + 2 * n * (m + n)) ** 2 * h
    ''',
    doc="The slope of mish: tanh(softplus(x)) + x σ(x) tanh'(softplus(x)).", reason="slope of mish: product and chain rule",
)  # fmt: skip
_NORMAL = (
    MILLS
    + '''
        def density(t):
            """φ(t) of the normal distribution, t ≥ 0."""
            square = t * t
            if square.max(initial=0) < 100:  # the rounding of a small square does no harm
                return 0.3989422804014327 * np.exp(square * -0.5)
            h = np.rint(16 * t) / 16  # short, so that its square is exact: the rounding of t² would cost the tail its digits
            return 0.3989422804014327 * np.exp((h - t) * (h + t) / 2) * np.exp(-h * h / 2)

'''
)
elementwise(
    "gelu(x)", derivative="erfc(-0.7071067811865476 x) / 2 + 0.3989422804014327 x * exp_minus_square(0.7071067811865476 x)", by_name=True,
    sympy="x*(1 + erf(x/sqrt(2)))/2",
    prelude=_NORMAL + '''
        def gelu(x):
            """x Φ(x), with the normal distribution's Φ; its tail is a Gaussian times a ratio that has none."""
            x = np.maximum(x, -40.0)  # below it is 0; inf * 0 would be nan
            t = np.abs(np.minimum(x, 40.0))
            return x * np.abs((x > 0).astype(x.dtype) - mills(t) * density(t))
    ''',
    doc="x Φ(x), with the normal distribution's Φ(x) = (1 + erf(x/√2))/2.", source="Hendrycks, Gimpel 2016, arXiv:1606.08415",
    reason="gelu: the signal times the slope Φ(x) + x φ(x)",
)  # fmt: skip
_slope(
    "gelu'(x)", slope_of="gelu", numpy="gelu_slope_at($x)",
    derivative="(0.7978845608028654 - 0.3989422804014327 x^2) * exp_minus_square(0.7071067811865476 x)",
    prelude=_NORMAL + '''
        def gelu_slope_at(x):
            """Φ(x) + x φ(x), with the normal distribution's Φ and its density φ."""
            x = np.maximum(x, -40.0)  # below it is 0
            near = np.minimum(x, 40.0)  # above it is 1; inf * 0 would be nan
            t = np.abs(near)
            phi = density(t)
            return np.abs((x > 0).astype(x.dtype) - mills(t) * phi) + near * phi

        def gelu_slope(g, x):
            """Φ(x) + x φ(x), g = gelu(x) = x Φ(x)."""
            size = np.abs(x)
            if size.min(initial=1) > 1e-30 and size.max(initial=0) < 10:  # g / x has its digits, and so has exp of the square
                return g / x + 0.3989422804014327 * x * np.exp(x * x * -0.5)
            return gelu_slope_at(x)
    ''',
    beside="gelu_slope($out, $x)",
    doc="The slope of gelu: Φ(x) + x φ(x).", reason="slope of gelu: it changes by (2 - x²) φ(x)",
)  # fmt: skip
_inner = "(1.5957691216057308 x + 0.07135481627260025 x^3)"  # 2u, where gelu_tanh(x) = x/2 (1 + tanh(u)) = x σ(2u)
_inner_slope = "(1.5957691216057308 + 0.21406444881780074 x^2)"
elementwise(
    "gelu_tanh(x)", derivative=f"sigmoid({_inner}) + x * {_inner_slope} * sigmoid'({_inner})", by_name=True,
    sympy="x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2",
    prelude='''
        def gelu_tanh(x):
            """x/2 (1 + tanh(u)), u = √(2/π) (x + 0.044715 x³)."""
            t = np.minimum(np.abs(x), 30)  # there exp(-u) is 0; inf * 0 would be nan
            h = np.rint(8 * t) / 8  # u is split, its large part exact: the rounding of u would cost the tail its digits
            large = h * (0.79791259765625 + 0.03515625 * h * h)
            small = h * (0.0005211581363001244 * h * h - 2.803685338464412e-05) + (t - h) * (0.7978845608028654 + 0.035677408136300125 * (3 * h * t + (t - h) ** 2))
            e = np.exp(-large) * np.exp(-small)
            return np.maximum(x, 0) - t * e * e / (1 + e * e)
    ''',
    doc="x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), which is nearly gelu.", source="Hendrycks, Gimpel 2016, arXiv:1606.08415",
    reason="gelu_tanh: the signal times the slope",
)  # fmt: skip
_slope(
    "gelu_tanh'(x)", slope_of="gelu_tanh", numpy="gelu_tanh_slope($x)",
    derivative=f"sigmoid'({_inner}) * (2 {_inner_slope} + x * (0.4281288976356015 x - {_inner_slope}^2 * tanh({_inner} / 2)))",
    prelude='''
        def gelu_tanh_slope(x):
            """The slope of x/2 (1 + tanh(u)), u = √(2/π) (x + 0.044715 x³)."""
            t = np.minimum(np.abs(x), 30)
            h = np.rint(8 * t) / 8  # u is split, its large part exact: the rounding of u would cost the tail its digits
            large = h * (0.79791259765625 + 0.03515625 * h * h)
            small = h * (0.0005211581363001244 * h * h - 2.803685338464412e-05) + (t - h) * (0.7978845608028654 + 0.035677408136300125 * (3 * h * t + (t - h) ** 2))
            e = np.exp(-large) * np.exp(-small)
            slope = (1 + e * e - t * (1.5957691216057308 + 0.21406444881780074 * t * t)) * e * e / (1 + e * e) ** 2  # at -t
            side = np.copysign(1, x)
            return np.maximum(side, 0) - side * slope
    ''',
    doc="The slope of gelu_tanh.", reason="slope of gelu_tanh: product and chain rule",
)  # fmt: skip
