"""What works along each row: softmax, normalisations."""

from __future__ import annotations

from algebra2net.operators.operator import operator

FAMILY = "rows"
ROWS = "m×n -> m×n"

operator(
    "softmax(x)", family=FAMILY, shape=ROWS, vjp={"x": "out * (δ - sum(δ * out, axis=1))"},
    prelude='''
        def softmax(x):
            """Each row of x as probabilities."""
            e = np.exp(x - x.max(axis=1, keepdims=True))  # the largest is exp(0): no overflow
            return e / e.sum(axis=1, keepdims=True)
    ''',
    latex=r"\operatorname{softmax}\left($x\right)",
    doc="Each row of x as probabilities: exp(x) over its row sum.", source="Bridle 1990",
    reason="softmax: every probability takes from the others of its row what it gains",
)  # fmt: skip
operator(
    "log_softmax(x)", family=FAMILY, shape=ROWS, vjp={"x": "δ - exp(out) * sum(δ, axis=1)"},
    prelude='''
        def log_softmax(x):
            """The logarithm of each row's probabilities."""
            z = x - x.max(axis=1, keepdims=True)  # the largest is 0: no overflow
            return z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    ''',
    doc="log(softmax(x)), without ever rounding a probability to 0.",
    reason="log-softmax: the signal, less its row sum shared out by probability",
)  # fmt: skip
operator(
    "normalize(x)", family=FAMILY, shape=ROWS, vjp={"x": "quotient_or_zero(δ - out * sum(δ * out, axis=1), norm(x, axis=1))"},
    aliases=("normalise",), numpy="normalize($x)", kink="a row of zeros stays zero, with gradient 0",
    prelude='''
        def normalize(x):
            """Each row of x at length 1; a row of zeros stays."""
            top = np.abs(x).max(axis=1, keepdims=True, initial=0)
            x = x / np.where(top > 0, top, 1)  # no square overflows
            length = np.sqrt((x * x).sum(axis=1, keepdims=True))
            return x / np.where(length > 0, length, 1)
    ''',
    doc="x / ‖x‖, row by row.", reason="only what is at a right angle to a row can turn it",
)  # fmt: skip
operator(
    "standardize(x, eps=1e-5)", family=FAMILY, shape=ROWS, internal=True,
    vjp={"x": "(δ - mean(δ, axis=1) - out * mean(δ * out, axis=1)) / sqrt(var(x, axis=1) + eps)"},
    numpy="standardize($x, $eps)",
    prelude='''
        def standardize(x, eps):
            """Each row of x at mean 0 and variance 1."""
            x = x - x.mean(axis=1, keepdims=True)
            x = x - x.mean(axis=1, keepdims=True)  # what rounding left of the mean
            return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + eps)
    ''',
    doc="(x - mean) / sqrt(var + eps), row by row.", source="Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. 4",
    reason="layer norm: the signal without its mean and without its part along the result",
)  # fmt: skip
operator(
    "layernorm(x, gamma?1, beta?0, eps=1e-5)", family=FAMILY, value="gamma * standardize(x, eps=eps) + beta", aliases=("layer_norm",),
    doc="Each row at mean 0 and variance 1, then scaled by gamma and shifted by beta.", source="Ba, Kiros, Hinton 2016, arXiv:1607.06450",
)  # fmt: skip
operator(
    "rootmeansquared(x, eps=1e-5)", family=FAMILY, shape=ROWS, internal=True,
    vjp={"x": "(δ - out * mean(δ * out, axis=1)) / sqrt(mean(x^2, axis=1) + eps)"},
    numpy="rootmeansquared($x, $eps)",
    prelude='''
        def rootmeansquared(x, eps):
            """Each row of x at mean square 1."""
            return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + eps)
    ''',
    doc="x / sqrt(mean(x²) + eps), row by row.", source="Zhang, Sennrich 2019, arXiv:1910.07467, eq. 4",
    reason="RMS norm: the signal without its part along the result",
)  # fmt: skip
operator(
    "rmsnorm(x, gamma?1, eps=1e-5)", family=FAMILY, value="gamma * rootmeansquared(x, eps=eps)", aliases=("rms_norm",),
    doc="Each row at mean square 1, then scaled by gamma.", source="Zhang, Sennrich 2019, arXiv:1910.07467",
)  # fmt: skip
