"""What takes entries together: of everything, down the rows (`axis=0`) or along each row (`axis=1`)."""

from __future__ import annotations

from typing import Any

from algebra2net.operators.operator import operator

FAMILY = "reductions"
REDUCED = {-1: "m×n -> 1×1", 0: "m×n -> 1×n", 1: "m×n -> m×1"}

UNIT = '''
        def unit_of(x, axis):
            """The power of two next above all entries: divided by it, no square overflows or vanishes."""
            top = np.abs(x).max(axis=axis, keepdims=True, initial=0)
            return np.ldexp(np.ones_like(top), np.clip(np.frexp(top)[1], -1000, 1000) if x.dtype.itemsize == 8 else np.clip(np.frexp(top)[1], -120, 120))

'''
EXP = '''
        def exp_below(x, top):
            """exp(x - top); far below, with what rounding took from the difference."""
            z = x - top
            if z.dtype.itemsize < 8 or not z.min(initial=0) < -64:
                return np.exp(z)
            e, near = np.exp(z), z > -800
            x, z, top = (np.where(near, v, 0) for v in (x, z, top))
            back = x - z
            return e * (1 + ((x - (z + back)) + (back - top)))

'''
NEVER_NEGATIVE = frozenset(("exp_below",))  # of the functions here that stay calls in optimised code
BUT_LARGEST = '''
        def but_largest(a, p, axis):
            """a with 0 where p is largest (at the first such place)."""
            a, first = a.copy(), p.argmax(axis)
            if axis is None:
                a.flat[first] = 0
            else:
                a[(np.arange(len(a)), first) if axis == 1 else (first, np.arange(a.shape[1]))] = 0
            return a

'''
LOG_TOTAL = (
    BUT_LARGEST
    + '''
        def log_total(total, e, x, axis):
            """log(total) of the sum of e, where the largest e is 1, at the largest x: it may be nearly all of the sum."""
            if total.min(initial=2) > 1.25:
                return np.log(total)
            return np.log1p(but_largest(e, x, axis).sum(axis=axis, keepdims=True))

'''
)
MOMENTS = """            if np.size(x, axis) > 4 and np.vdot(x, x) < 1e30:  # of few entries most may cancel; no square overflows
                mean = x.mean(axis=axis, keepdims=True)
                centred = x - mean
                square = (centred * centred).mean(axis=axis, keepdims=True)
                spread_out = 16 * square - mean * mean
"""
SPREAD_OUT = """                if square.min(initial=1) > 1e-30 and spread_out.min(initial=1) > 0:  # none vanishes; the rounding of a small mean does no harm
"""
CENTRE = (
    '''
        def centre_carefully(x, axis):
            """The same of any numbers: in more digits, or twice, the second time by a sum of two parts of which one is exact."""
            if x.dtype.itemsize < 8:
                return (x - x.mean(axis=axis, keepdims=True, dtype=np.float64)).astype(x.dtype)
            x = x - x.mean(axis=axis, keepdims=True)
            grid = np.minimum(unit_of(x, axis), 2.0**990) * (1.5 * 2.0**27)  # added to an entry, it leaves its first 25 bits
            high = (x + grid) - grid
            total = high.sum(axis=axis, keepdims=True) + (x - high).sum(axis=axis, keepdims=True)
            return x - total / (x.size if axis is None else x.shape[axis])

        def centre(x, axis):
            """x less its mean."""
'''
    + MOMENTS
    + """                if spread_out.min(initial=0) >= 0:  # the rounding of a small mean does no harm
                    return centred
            return centre_carefully(x, axis)

"""
)


def _reduction(signature: str, **fields: Any) -> None:
    """A reduction: `numpy` is its code with `$axis`, which stands for the axis argument and what keeps two dimensions."""
    operator(signature, family=FAMILY, shape=REDUCED, gives_scalar=True, **fields)


_reduction(
    "sum(x, axis=None)", vjp={"x": "δ"}, numpy="$x.sum($axis)",
    doc="The sum of the entries.", reason="every entry of a sum gets the signal whole",
)  # fmt: skip
_reduction(
    "mean(x, axis=None)", vjp={"x": "δ / size(x, axis=axis)"}, numpy="$x.mean($axis)", aliases=("avg", "average"),
    doc="The sum over the number of entries.", reason="every entry of a mean gets its share of the signal",
)  # fmt: skip
_reduction(
    "max(x, axis=None)", vjp={"x": "δ * (x == out) / sum(x == out, axis=axis)"}, numpy="$x.max($axis)", with_two="maximum", aliases=("amax",),
    kink="ties share the slope equally", doc="The largest entry; of two arguments, the larger of each pair.",
    reason="the largest entry gets the signal; several share it",
)  # fmt: skip
_reduction(
    "min(x, axis=None)", vjp={"x": "δ * (x == out) / sum(x == out, axis=axis)"}, numpy="$x.min($axis)", with_two="minimum", aliases=("amin",),
    kink="ties share the slope equally", doc="The smallest entry; of two arguments, the smaller of each pair.",
    reason="the smallest entry gets the signal; several share it",
)  # fmt: skip
_PRODUCT = """
        def times_parts(x, m, y, n):
            \"\"\"The product of x 2^m and y 2^n in such parts: what overflows on the way may be small in the end.\"\"\"
            z, k = np.frexp(x * y)
            return z, m + n + k

        def product_parts(x, axis):
            \"\"\"The product of the entries as fraction and power of two, halves against halves.\"\"\"
            x = x.reshape(1, -1) if axis is None else x if axis == 1 else x.T
            x, m = np.frexp(x)
            while x.shape[1] > 1:
                half, odd = x.shape[1] // 2, x.shape[1] % 2
                y, n = times_parts(x[:, :half], m[:, :half], x[:, half : 2 * half], m[:, half : 2 * half])
                x, m = (np.concatenate([y, x[:, -1:]], axis=1), np.concatenate([n, m[:, -1:]], axis=1)) if odd else (y, n)
            if x.shape[1] == 0:
                x, m = np.ones_like(x, shape=(x.shape[0], 1)), np.zeros((x.shape[0], 1), int)
            return (x.T, m.T) if axis == 0 else (x, m)

"""
_reduction(
    "prod(x, axis=None)", vjp={"x": "δ * others(x, axis=axis)"}, numpy="prod($x, $line)",
    prelude=_PRODUCT + '''
        def prod(x, axis):
            \"\"\"The product of the entries, though it may overflow on the way.\"\"\"
            return np.ldexp(*product_parts(x, axis))
    ''',
    doc="The product of the entries.", reason="each entry gets the signal times the product of the others",
)  # fmt: skip
_reduction(
    "log_prod(x, axis=None)", vjp={"x": "δ / x"}, numpy="log_prod($x, $line)", internal=True, domain="positive",
    prelude=_PRODUCT + '''
        def log_prod(x, axis):
            \"\"\"log(prod(x)), though the product may overflow; near 1 by the product itself.\"\"\"
            x, m = product_parts(x, axis)
            low = np.abs(x) < 0.7071067811865476
            return np.log(np.where(low, 2 * x, x)) + (m - low).astype(x.dtype) * x.dtype.type(0.6931471805599453)
    ''',
    doc="log(prod(x)), though the product may overflow.", reason="log of a product: each factor's slope is one over itself",
)  # fmt: skip
_reduction(
    "root_of_product(x, a=0.5, axis=None)", vjp={"x": "a * quotient_or_zero(δ * out, x)"}, numpy="root_of_product($x, $a, $line)", internal=True, domain="positive",
    kink="slope 0 at an entry that is 0",
    prelude=_PRODUCT + '''
        def root_of_product(x, a, axis):
            \"\"\"prod(x)^a, though the product may overflow: fraction and exponent are raised by themselves.\"\"\"
            x, m = product_parts(x, axis)
            short = np.rint(a * 2**20) / 2**20  # m times this is exact
            whole = np.rint(m * a)
            return np.ldexp(x**a * (2.0 ** ((m * short - whole) + m * (a - short))).astype(x.dtype), whole.astype(int))
    ''',
    doc="prod(x)^a, though the product may overflow.", reason="power rule; then each entry gets the signal times the product of the others",
)  # fmt: skip
operator(
    "others(x, axis=None)", family=FAMILY, internal=True, shape="m×n -> m×n", vjp={"x": "others_along(x, δ, axis=axis)"},
    numpy="others($x, $line)",
    prelude=_PRODUCT + '''
        def running_product(x, m):
            \"\"\"The products of all entries before each one, in steps of doubling length.\"\"\"
            one = np.ones_like(x[:, :1])
            x, m = np.concatenate([one, x[:, :-1]], axis=1), np.concatenate([0 * m[:, :1], m[:, :-1]], axis=1)
            step = 1
            while step < x.shape[1]:
                y, n = times_parts(x[:, step:], m[:, step:], x[:, :-step], m[:, :-step])
                x, m = np.concatenate([x[:, :step], y], axis=1), np.concatenate([m[:, :step], n], axis=1)
                step *= 2
            return x, m

        def others(x, axis):
            \"\"\"At each entry, the product of all others along the axis: no division, so that zeros do no harm.\"\"\"
            flat = x.reshape(1, -1) if axis is None else x if axis == 1 else x.T
            f, m = np.frexp(flat)
            before, after = running_product(f, m), (v[:, ::-1] for v in running_product(f[:, ::-1], m[:, ::-1]))
            result = np.ldexp(*times_parts(*before, *after))
            return result.reshape(x.shape) if axis is None else result if axis == 1 else result.T
    ''',
    doc="At each entry, the product of all the others.", reason="product rule",
)  # fmt: skip
operator(
    "others_along(x, d, axis=None)", family=FAMILY, internal=True, shape="m×n, m×n -> m×n", vjp={"x": "", "d": "others_along(x, δ, axis=axis)"},
    numpy="others_along($x, $d, $line)",
    prelude='''
        def others_along(x, d, axis):
            """How the products of the others change when x moves along d: prefixes and suffixes with their slopes."""
            x, d = np.broadcast_arrays(x, d)
            shape = x.shape
            x, d = (v.reshape(1, -1) if axis is None else v if axis == 1 else v.T for v in (x, d))

            def running(x, d):
                values, slopes = [np.ones_like(x[:, 0])], [np.zeros_like(x[:, 0])]
                for k in range(x.shape[1] - 1):
                    slopes.append(slopes[-1] * x[:, k] + values[-1] * d[:, k])
                    values.append(values[-1] * x[:, k])
                return np.stack(values, axis=1), np.stack(slopes, axis=1)

            before, before_slope = running(x, d)
            after, after_slope = (v[:, ::-1] for v in running(x[:, ::-1], d[:, ::-1]))
            result = before_slope * after + before * after_slope
            return result.reshape(shape) if axis is None else result if axis == 1 else result.T
    ''',
    doc="The derivative of others(x) along d.", reason="product rule",
)  # fmt: skip


def _moment(name: str, doc: str, quick: str, careful: str) -> str:
    """The code of a function of the entries' distances to their mean: `quick` from the mean square of these, `careful` from the distances in units."""
    return (
        UNIT
        + CENTRE
        + f'''
        def {name}_carefully(x, axis):
            """The same of any numbers, scaled so that no square overflows on the way."""
            x = centre(x, axis)
            unit = unit_of(x, axis)
            x = x / unit
            return {careful}

        def {name}(x, axis):
            """{doc}"""
'''
        + MOMENTS
        + SPREAD_OUT
        + f"""                    return {quick}
            return {name}_carefully(x, axis)
"""
    )


_reduction(
    "var(x, axis=None)", vjp={"x": "δ * 2 centre(x, axis=axis) / size(x, axis=axis)"}, numpy="var($x, $line)",
    prelude=_moment("var", "The variance of the population.", quick="square", careful="(x * x).mean(axis=axis, keepdims=True) * unit * unit"),
    doc="The variance of the population.", reason="each entry's distance from the mean, doubled and shared",
)  # fmt: skip
operator(
    "centre(x, axis=None)", family=FAMILY, internal=True, shape="m×n -> m×n", vjp={"x": "centre(δ, axis=axis)"}, numpy="centre($x, $line)", prelude=UNIT + CENTRE,
    doc="x less its mean.", reason="the signal less its mean",
)  # fmt: skip
_reduction(
    "std(x, axis=None)", vjp={"x": "δ * quotient_or_zero(centre(x, axis=axis), out) / size(x, axis=axis)"}, numpy="std($x, $line)",
    kink="gradient 0 where all entries are equal",
    prelude=_moment("std", "The standard deviation of the population.", quick="np.sqrt(np.maximum(square, 1e-30))", careful="unit * np.sqrt((x * x).mean(axis=axis, keepdims=True))"),
    doc="The square root of the variance.", reason="each entry's distance from the mean over the deviation, shared",
)  # fmt: skip
_reduction(
    "logsumexp(x, axis=None)", vjp={"x": "δ * shares(x, axis=axis)"}, numpy="logsumexp($x, $line)",
    prelude=EXP + LOG_TOTAL + '''
        def logsumexp(x, axis):
            """log(sum(exp(x))), whose largest entry may be nearly all of the sum, or infinite."""
            top = x.max(axis=axis, keepdims=True)
            e = exp_below(x, top)
            total = log_total(e.sum(axis=axis, keepdims=True), e, x, axis)
            return top + np.fmax(total, 0)  # never negative; where the largest is infinite, no number, and nothing is to be added
    ''',
    doc="log(sum(exp(x))), without overflow.", reason="log-sum-exp shares the signal out by softmax",
)  # fmt: skip
_reduction(
    "entropy(x, axis=None)", vjp={"x": "-(δ * shares(x, axis=axis) * contrast(shares(x, axis=axis), x, axis=axis))"}, numpy="entropy($x, $line)", internal=True,
    prelude=EXP + BUT_LARGEST + '''
        def entropy(x, axis):
            """-sum(p log(p)) of p = exp(x) / sum(exp(x)), from distances to the largest entry: a sum of what is not negative."""
            top = x.max(axis=axis, keepdims=True)
            e = exp_below(x, top)
            total = e.sum(axis=axis, keepdims=True)
            away = np.where(e == 0, 0, top - x)
            return np.log1p(but_largest(e, x, axis).sum(axis=axis, keepdims=True)) + (e * away).sum(axis=axis, keepdims=True) / total
    ''',
    doc="The entropy of softmax(x), in nats.", reason="entropy of softmax: how much each entry is above the average, by probability",
)  # fmt: skip
_reduction(
    "logmeanexp(x, axis=None)", vjp={"x": "δ * shares(x, axis=axis)"}, numpy="logmeanexp($x, $line)", internal=True,
    prelude='''
        def logmeanexp(x, axis=None):
            \"\"\"log(mean(exp(x))) with the largest entry taken out; exp(x) - 1 keeps the digits where all are near it.\"\"\"
            top = x.max(axis=axis, keepdims=True)
            return top + np.log1p(np.expm1(x - np.where(np.isfinite(top), top, 0)).mean(axis=axis, keepdims=True))
    ''',
    doc="log(mean(exp(x))), without overflow.", reason="log-mean-exp shares the signal out by softmax",
)  # fmt: skip
_reduction(
    "norm(x, axis=None)", numpy="norm($x, $line)", kink="gradient 0 at 0",
    vjp={"x": "δ * unit(x, axis=axis)"},
    prelude=UNIT + '''
        def norm(x, axis=None):
            \"\"\"The root of the sum of squares, scaled by a power of two so that no square overflows.\"\"\"
            unit = unit_of(x, axis)
            x = x / unit
            return unit * np.sqrt((x * x).sum(axis=axis, keepdims=True))
    ''',
    doc="The root of the sum of squares (order=1: the sum, order=inf: the largest of the absolute values).",
    reason="a norm grows along its own direction",
)  # fmt: skip
operator(
    "norm_1(x, axis=None)", family=FAMILY, internal=True, shape=REDUCED, value="sum(abs(x), axis=axis)", kink="gradient 0 where an entry is 0",
    doc="The sum of the absolute values.",
)  # fmt: skip
operator(
    "norm_inf(x, axis=None)", family=FAMILY, internal=True, shape=REDUCED, value="max(abs(x), axis=axis)", kink="ties share the slope equally",
    doc="The largest of the absolute values.",
)  # fmt: skip
_reduction(
    "norm_p(x, p=3, axis=None)", numpy="norm_p($x, $p, $line)", kink="gradient 0 at 0", internal=True,
    vjp={"x": "δ * sign(x) * quotient_or_zero(abs(x), out)^(p - 1)"},
    prelude=UNIT + '''
        def norm_p(x, p, axis):
            \"\"\"The p-th root of the sum of |x|^p, scaled by a power of two so that no power overflows.\"\"\"
            unit = unit_of(x, axis)
            return unit * (np.abs(x / unit) ** p).sum(axis=axis, keepdims=True) ** (1 / p)
    ''',
    doc="The p-th root of the sum of |x|^p.", reason="a norm grows along its own direction",
)  # fmt: skip
operator(
    "root_of_gram(x)", family=FAMILY, internal=True, shape="m×n -> m×m", domain="positive", kink="slope 0 where a product is 0",
    vjp={"x": "(quotient_or_zero(δ / 2, out) + quotient_or_zero(δ / 2, out)') x"},
    prelude=UNIT + '''
        def root_of_gram(x):
            """The roots of x xᵀ, the norms of the rows of x on the diagonal; scaled so that no square overflows."""
            unit = unit_of(x, None)
            x = x / unit
            return unit * np.sqrt(x @ x.T)
    ''',
    doc="sqrt(x xᵀ), entry by entry: of a row, its norm.", reason="sqrt: its slope is 1/(2 sqrt(x)), and 0 where that is 0; then the product rule",
)  # fmt: skip
operator(
    "size(x, axis=None)", family=FAMILY, shape="m×n -> 1×1", vjp={}, takes_scalars=False, gives_scalar=True, numpy="$size",
    doc="How many entries a reduction along that axis takes together.",
)  # fmt: skip
operator(
    "expand(x, y)", family=FAMILY, internal=True, shape="a×b, m×n -> m×n", vjp={"x": "δ"}, takes_scalars=True, is_view=True,
    numpy="$expand", latex=r"\operatorname{expand}\left($x\right)",
    doc="x repeated to the shape of y.", reason="what was repeated collects the signal",
)  # fmt: skip
