"""What works along each row: softmax, normalisations.

A gradient here is what is left of a signal when its part along the result is taken away. Taken away naively, nothing is
left where one entry of a row has nearly all; so it is taken relative to that entry, or twice (Parlett, The symmetric
eigenvalue problem, 1980: "twice is enough").
"""

from __future__ import annotations

from algebra2net.operators.operator import operator
from algebra2net.operators.reductions import BUT_LARGEST, CENTRE, EXP, LOG_TOTAL, MOMENTS, SPREAD_OUT, UNIT

FAMILY = "rows"
ROWS = "m×n -> m×n"
PAIR = "m×n, m×n -> m×n"

_LOG_SHARES = (
    EXP
    + LOG_TOTAL
    + '''
        def log_shares(x, axis):
            """x - log(sum(exp(x)))."""
            top = x.max(axis=axis, keepdims=True)
            e = exp_below(x, top)
            total = log_total(e.sum(axis=axis, keepdims=True), e, x, axis)
            return x - top - total

'''
)
operator(
    "softmax(x)", family=FAMILY, shape=ROWS, probabilities_along=1, vjp={"x": "out * contrast(out, δ, axis=1)"},
    prelude=_LOG_SHARES + '''
        def softmax(x):
            """Each row of x as probabilities."""
            e = exp_below(x, x.max(axis=1, keepdims=True))  # the largest is exp(0): no overflow
            e /= e.sum(axis=1, keepdims=True)
            return e

        def log_softmax_and_softmax(x):
            """The logarithm of each row's probabilities, and these, by one exponential."""
            top = x.max(axis=1, keepdims=True)
            e = exp_below(x, top)
            total = e.sum(axis=1, keepdims=True)
            return x - top - log_total(total, e, x, 1), e / total
    ''',
    together="log_softmax_and_softmax($x)", companion="log_softmax",
    latex=r"\operatorname{softmax}\left($x\right)",
    doc="Each row of x as probabilities: exp(x) over its row sum.", source="Bridle 1990",
    reason="softmax: every probability takes from the others of its row what it gains",
)  # fmt: skip
operator(
    "log_softmax(x)", family=FAMILY, shape=ROWS, vjp={"x": "excess(softmax(x), δ, axis=1)"},
    prelude=_LOG_SHARES + '''
        def log_softmax(x):
            """The logarithm of each row's probabilities."""
            return log_shares(x, 1)
    ''',
    doc="log(softmax(x)), without ever rounding a probability to 0.",
    reason="log-softmax: the signal, less its row sum shared out by probability",
)  # fmt: skip
operator(
    "shares(x, axis=None)", family=FAMILY, internal=True, shape=ROWS, probabilities_along="axis", vjp={"x": "out * contrast(out, δ, axis=axis)"}, numpy="shares($x, $line)",
    prelude=EXP + '''
        def shares(x, axis):
            """exp(x) / sum(exp(x)), without overflow."""
            e = exp_below(x, x.max(axis=axis, keepdims=True))
            return e / e.sum(axis=axis, keepdims=True)
    ''',
    doc="exp(x) over its sum: softmax along any axis, or of all entries.", reason="softmax: every probability takes from the others what it gains",
)  # fmt: skip
operator(
    "log_shares(x, axis=None)", family=FAMILY, internal=True, shape=ROWS, vjp={"x": "excess(shares(x, axis=axis), δ, axis=axis)"}, numpy="log_shares($x, $line)",
    prelude=_LOG_SHARES,
    doc="log(shares(x)).", reason="log-softmax: the signal, less its sum shared out by probability",
)  # fmt: skip
operator(
    "proportions(x, axis=None)", family=FAMILY, internal=True, shape=ROWS, vjp={"x": "contrast(out, δ, axis=axis) / sum(x, axis=axis)"}, numpy="proportions($x, $line)",
    domain="positive",
    prelude='''
        def proportions(x, axis):
            """x / sum(x)."""
            return x / x.sum(axis=axis, keepdims=True)
    ''',
    doc="x over its sum.", reason="x / sum(x): every part takes from the others what it gains",
)  # fmt: skip
_AT_LARGEST = '''
        def at_largest(a, p, axis):
            """The entries of a where p is largest (at the first such place)."""
            first = p.argmax(axis)
            if axis is None:
                return a.reshape(1, -1)[:, first : first + 1]
            return a[np.arange(len(a)), first][:, None] if axis == 1 else a[first, np.arange(a.shape[1])][None]

'''
operator(
    "contrast(p, d, axis=None)", family=FAMILY, internal=True, shape=PAIR, numpy="contrast($p, $d, $line)",
    vjp={"p": "-contrast(δ, d, axis=axis)", "d": "excess(p, δ, axis=axis)"},
    prelude=_AT_LARGEST + '''
        def contrast(p, d, axis):
            """d sum(p) - sum(p d), from differences to the entry where p is largest, so that nothing cancels there."""
            d = d - at_largest(d, np.abs(p), axis)
            return d * p.sum(axis=axis, keepdims=True) - (p * d).sum(axis=axis, keepdims=True)

        def above_average(p, d, axis):
            """d - sum(p d) of probabilities p, from differences to the entry where p is largest, so that nothing cancels there."""
            d = d - at_largest(d, p, axis)
            d -= (p * d).sum(axis=axis, keepdims=True)
            return d
    ''',
    beside="above_average($p, $d, $line)", weights="p",
    doc="d sum(p) - sum(p d): how much each entry of d is above the average that p weighs.", reason="chain rule for softmax",
)  # fmt: skip
operator(
    "excess(p, d, axis=None)", family=FAMILY, internal=True, shape=PAIR, numpy="excess($p, $d, $line)",
    vjp={"p": "-contrast(d, δ, axis=axis)", "d": "contrast(p, δ, axis=axis)"},
    prelude=_AT_LARGEST + BUT_LARGEST + '''
        def excess_by_rest(p, d, axis):
            """The same where an entry of p may be nearly all: there from all the other entries, so that nothing cancels."""
            size = np.abs(p)
            p_rest, d_rest = but_largest(p, size, axis), but_largest(d, size, axis)
            gained = d * p_rest.sum(axis=axis, keepdims=True) + d_rest * at_largest(p, size, axis)
            return gained - (p * d_rest.sum(axis=axis, keepdims=True) + p_rest * at_largest(d, size, axis))

        def excess(p, d, axis):
            """d sum(p) - p sum(d)."""
            total = p.sum(axis=axis, keepdims=True)
            if np.abs(p).max(initial=0) < 0.95 * total.min(initial=np.inf):  # no entry is nearly all
                return d * total - p * d.sum(axis=axis, keepdims=True)
            return excess_by_rest(p, d, axis)

        def above_share(p, d, axis):
            """d - p sum(d) of probabilities p."""
            if p.max(initial=0) < 0.95:  # no entry is nearly all
                return d - p * d.sum(axis=axis, keepdims=True)
            return excess_by_rest(p, d, axis)
    ''',
    beside="above_share($p, $d, $line)", weights="p",
    doc="d sum(p) - p sum(d): what each entry of d is above its share of the whole.", reason="chain rule for log-softmax",
)  # fmt: skip

_ACROSS = '''
        def across(u, d, axis):
            """d without its part along u; taken away twice, so that what rounding left of it goes, too."""
            square = (u * u).sum(axis=axis, keepdims=True)
            square = np.where(square > 0, square, 1)
            for _ in range(2):
                d = d - u * ((u * d).sum(axis=axis, keepdims=True) / square)
            return d

'''
_NORMALIZED = (
    UNIT
    + '''
        def unit(x, axis):
            """x / ‖x‖; zeros stay."""
            x = x / unit_of(x, axis)
            length = np.sqrt((x * x).sum(axis=axis, keepdims=True))
            return x / np.where(length == 0, 1, length)

'''
)
operator(
    "normalize(x)", family=FAMILY, shape=ROWS, vjp={"x": "unit_back(x, δ, axis=1)"}, aliases=("normalise",), kink="a row of zeros stays zero, with gradient 0",
    prelude=_NORMALIZED + '''
        def normalize(x):
            """Each row of x at length 1; a row of zeros stays."""
            return unit(x, 1)
    ''',
    doc="x / ‖x‖, row by row.", reason="only what is at a right angle to a row can turn it",
)  # fmt: skip
operator(
    "unit(x, axis=None)", family=FAMILY, internal=True, shape=ROWS, vjp={"x": "unit_back(x, δ, axis=axis)"}, numpy="unit($x, $line)",
    kink="zeros stay, with gradient 0", prelude=_NORMALIZED,
    doc="x / ‖x‖ along any axis, or of all entries.", reason="only what is at a right angle can turn a direction",
)  # fmt: skip
operator(
    "unit_back(x, d, axis=None)", family=FAMILY, internal=True, shape=PAIR, numpy="unit_back($x, $d, $line)", kink="0 where all entries are 0",
    vjp={
        "x": "-unit_back(x, quotient_or_zero(δ * sum(unit(x, axis=axis) * d, axis=axis) + d * sum(unit(x, axis=axis) * δ, axis=axis), norm(x, axis=axis)), axis=axis)"
             " - unit(x, axis=axis) * quotient_or_zero(sum(δ * out, axis=axis), norm(x, axis=axis))",
        "d": "unit_back(x, δ, axis=axis)",
    },
    prelude=_NORMALIZED + _ACROSS + '''
        def unit_back(x, d, axis):
            """What is left of d at a right angle to x, over ‖x‖; 0 where x is 0."""
            size = unit_of(x, axis)
            x = x / size
            length = np.sqrt((x * x).sum(axis=axis, keepdims=True))
            return np.where(length == 0, 0, across(x, d, axis) / np.where(length == 0, 1, length) / size)
    ''',
    doc="d without its part along x, over ‖x‖.", reason="only what is at a right angle can turn a direction",
)  # fmt: skip
# eps is added to a mean square; below, `inside` is all in units of a power of two, eps too
_SPREAD = (
    UNIT
    + '''
        def spread(x, eps, axis):
            """x in units in which its largest entry is about 1, the unit, and sqrt(mean(x²) + eps) in that unit."""
            unit = unit_of(x, axis)
            x = x / unit
            return x, unit, np.hypot(np.sqrt((x * x).mean(axis=axis, keepdims=True)), np.sqrt(x.dtype.type(eps)) / unit)

'''
)
operator(
    "standardize(x, eps=1e-5, axis=1)", family=FAMILY, shape=ROWS, internal=True, vjp={"x": "standardize_back(x, δ, eps=eps, axis=axis)"},
    numpy="standardize($x, $eps, $line)",
    prelude=_SPREAD + CENTRE + '''
        def standardize_carefully(x, eps, axis):
            """The same of any numbers."""
            x, _, size = spread(centre(x, axis), eps, axis)
            return x / size

        def standardize(x, eps, axis):
            """x at mean 0 and variance 1."""
''' + MOMENTS + SPREAD_OUT + '''                    return centred * (1 / np.sqrt(np.maximum(square, 1e-30) + eps))
            return standardize_carefully(x, eps, axis)
    ''',
    doc="(x - mean) / sqrt(var + eps), row by row.", source="Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. 4",
    reason="layer norm: the signal without its mean and without its part along the result",
)  # fmt: skip
operator(
    "standardize_back(x, d, eps=1e-5, axis=1)", family=FAMILY, shape=PAIR, internal=True,
    vjp={
        "x": "-standardize_back(x, (δ * mean(d * standardize(x, eps=eps, axis=axis), axis=axis) + d * mean(δ * standardize(x, eps=eps, axis=axis), axis=axis))"
             " / sqrt(var(x, axis=axis) + eps), eps=eps, axis=axis)"
             " - standardize(x, eps=eps, axis=axis) * mean(δ * out, axis=axis) / sqrt(var(x, axis=axis) + eps)",
        "d": "standardize_back(x, δ, eps=eps, axis=axis)",
    },
    numpy="standardize_back($x, $d, $eps, $line)",
    prelude=_SPREAD + CENTRE + _ACROSS + '''
        def standardize_back_carefully(x, d, eps, axis):
            """The same of any numbers; of the part along x, eps over the variance and eps comes back."""
            x, d = centre(x, axis), centre(d, axis)
            x, unit, size = spread(x, eps, axis)
            rest = centre(across(x, d, axis), axis)
            square = (x * x).sum(axis=axis, keepdims=True)
            along = x * ((x * d).sum(axis=axis, keepdims=True) / np.where(square > 0, square, 1))
            along = np.where(square > 0, along, d)
            root = np.sqrt(x.dtype.type(eps)) / unit / size
            return (rest * (square > 0) + along * root * root) / size / unit

        def standardize_back(x, d, eps, axis):
            """d without its mean and without its part along x, over sqrt(var + eps)."""
            if np.size(x, axis) > 4 and np.vdot(x, x) < 1e30 and np.vdot(d, d) < 1e30:
                mean, shift = x.mean(axis=axis, keepdims=True), d.mean(axis=axis, keepdims=True)
                centred, signal = x - mean, d - shift
                square, power = (centred * centred).mean(axis=axis, keepdims=True), (signal * signal).mean(axis=axis, keepdims=True)
                scale = 1 / np.sqrt(np.maximum(square, 1e-30) + eps)
                unit = centred * scale
                along = (unit * signal).mean(axis=axis, keepdims=True)
                spread_out, spread_back, rest = 16 * square - mean * mean, 16 * power - shift * shift, 0.99 * power - along * along
                if (
                    square.min(initial=1) > 1e-30 and spread_out.min(initial=1) > 0 and spread_back.min(initial=0) >= 0
                    and rest.min(initial=0) >= 0 and np.abs(unit).max(initial=0) ** 2 < 0.9 * np.size(x, axis)
                ):  # none vanishes, nothing cancels
                    return (signal - unit * along) * scale
            return standardize_back_carefully(x, d, eps, axis)
    ''',
    doc="What standardize passes back.", reason="the signal without its mean and without its part along the result",
)  # fmt: skip
operator(
    "layernorm(x, gamma?1, beta?0, eps=1e-5)", family=FAMILY, value="gamma * standardize(x, eps=eps) + beta", aliases=("layer_norm",),
    doc="Each row at mean 0 and variance 1, then scaled by gamma and shifted by beta.", source="Ba, Kiros, Hinton 2016, arXiv:1607.06450",
)  # fmt: skip
operator(
    "rootmeansquared(x, eps=1e-5, axis=1)", family=FAMILY, shape=ROWS, internal=True, vjp={"x": "rootmeansquared_back(x, δ, eps=eps, axis=axis)"},
    numpy="rootmeansquared($x, $eps, $line)",
    prelude=_SPREAD + '''
        def rootmeansquared_carefully(x, eps, axis):
            """The same of any numbers."""
            x, _, size = spread(x, eps, axis)
            return x / size

        def rootmeansquared(x, eps, axis):
            """x at mean square 1."""
            if np.vdot(x, x) < 1e30:  # no square overflows
                square = (x * x).mean(axis=axis, keepdims=True)
                if square.min(initial=1) > 1e-30:
                    return x * (1 / np.sqrt(np.maximum(square, 1e-30) + eps))
            return rootmeansquared_carefully(x, eps, axis)
    ''',
    doc="x / sqrt(mean(x²) + eps), row by row.", source="Zhang, Sennrich 2019, arXiv:1910.07467, eq. 4",
    reason="RMS norm: the signal without its part along the result",
)  # fmt: skip
operator(
    "rootmeansquared_back(x, d, eps=1e-5, axis=1)", family=FAMILY, shape=PAIR, internal=True,
    vjp={
        "x": "-rootmeansquared_back(x, (δ * mean(d * rootmeansquared(x, eps=eps, axis=axis), axis=axis) + d * mean(δ * rootmeansquared(x, eps=eps, axis=axis), axis=axis))"
             " / sqrt(mean(x^2, axis=axis) + eps), eps=eps, axis=axis)"
             " - rootmeansquared(x, eps=eps, axis=axis) * mean(δ * out, axis=axis) / sqrt(mean(x^2, axis=axis) + eps)",
        "d": "rootmeansquared_back(x, δ, eps=eps, axis=axis)",
    },
    numpy="rootmeansquared_back($x, $d, $eps, $line)",
    prelude=_SPREAD + _ACROSS + '''
        def rootmeansquared_back_carefully(x, d, eps, axis):
            """The same of any numbers; of the part along x, eps over the mean square and eps comes back."""
            x, unit, size = spread(x, eps, axis)
            square = (x * x).sum(axis=axis, keepdims=True)
            along = x * ((x * d).sum(axis=axis, keepdims=True) / np.where(square > 0, square, 1))
            along = np.where(square > 0, along, d)
            root = np.sqrt(x.dtype.type(eps)) / unit / size
            return (across(x, d, axis) * (square > 0) + along * root * root) / size / unit

        def rootmeansquared_back(x, d, eps, axis):
            """d without its part along x, over sqrt(mean(x²) + eps)."""
            if np.vdot(x, x) < 1e30 and np.vdot(d, d) < 1e30:  # no square overflows
                square, power = (x * x).mean(axis=axis, keepdims=True), (d * d).mean(axis=axis, keepdims=True)
                scale = 1 / np.sqrt(np.maximum(square, 1e-30) + eps)
                unit = x * scale
                along = (unit * d).mean(axis=axis, keepdims=True)
                rest = 0.99 * power - along * along
                if square.min(initial=1) > 1e-30 and rest.min(initial=0) >= 0 and np.abs(unit).max(initial=0) ** 2 < 0.9 * np.size(x, axis):  # nothing cancels
                    return (d - unit * along) * scale
            return rootmeansquared_back_carefully(x, d, eps, axis)
    ''',
    doc="What rootmeansquared passes back.", reason="the signal without its part along the result",
)  # fmt: skip
operator(
    "rmsnorm(x, gamma?1, eps=1e-5)", family=FAMILY, value="gamma * rootmeansquared(x, eps=eps)", aliases=("rms_norm",),
    doc="Each row at mean square 1, then scaled by gamma.", source="Zhang, Sennrich 2019, arXiv:1910.07467",
)  # fmt: skip
