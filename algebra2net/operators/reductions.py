"""What takes entries together: of everything, down the rows (`axis=0`) or along each row (`axis=1`)."""

from __future__ import annotations

from typing import Any

from algebra2net.operators.operator import operator

FAMILY = "reductions"
REDUCED = {-1: "m×n -> 1×1", 0: "m×n -> 1×n", 1: "m×n -> m×1"}


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
_reduction(
    "prod(x, axis=None)", vjp={"x": "δ * others(x, axis=axis)"}, numpy="$x.prod($axis)",
    doc="The product of the entries.", reason="each entry gets the signal times the product of the others",
)  # fmt: skip
operator(
    "others(x, axis=None)", family=FAMILY, internal=True, shape="m×n -> m×n", vjp={"x": "others_along(x, δ, axis=axis)"},
    numpy="others($x, $line)",
    prelude='''
        def others(x, axis):
            """At each entry, the product of all others along the axis: no division, so that zeros do no harm."""
            flat = x.reshape(1, -1) if axis is None else x if axis == 1 else x.T
            ones = np.ones_like(flat[:, :1])
            before = np.cumprod(np.concatenate([ones, flat[:, :-1]], axis=1), axis=1)
            after = np.cumprod(np.concatenate([ones, flat[:, :0:-1]], axis=1), axis=1)[:, ::-1]
            result = before * after
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
_reduction(
    "var(x, axis=None)", vjp={"x": "δ * 2 (x - mean(x, axis=axis)) / size(x, axis=axis)"}, numpy="var($x, $line)",
    prelude='''
        def var(x, axis=None):
            """The variance of the population; centred twice, so that a large mean costs no digits."""
            x = x - x.mean(axis=axis, keepdims=True)
            x = x - x.mean(axis=axis, keepdims=True)
            return (x * x).mean(axis=axis, keepdims=True)
    ''',
    doc="The variance of the population.", reason="each entry's distance from the mean, doubled and shared",
)  # fmt: skip
_reduction(
    "std(x, axis=None)", vjp={"x": "quotient_or_zero(δ * (x - mean(x, axis=axis)), out) / size(x, axis=axis)"}, numpy="std($x, $line)",
    kink="gradient 0 where all entries are equal",
    prelude='''
        def std(x, axis=None):
            """The standard deviation of the population; scaled by a power of two, so that no square overflows."""
            x = x - x.mean(axis=axis, keepdims=True)
            x = x - x.mean(axis=axis, keepdims=True)
            top = np.abs(x).max(axis=axis, keepdims=True, initial=0)
            unit = np.ldexp(np.ones_like(top), np.frexp(top)[1])
            x = x / unit
            return unit * np.sqrt((x * x).mean(axis=axis, keepdims=True))
    ''',
    doc="The square root of the variance.", reason="each entry's distance from the mean over the deviation, shared",
)  # fmt: skip
_reduction(
    "logsumexp(x, axis=None)", vjp={"x": "δ * exp(x - out)"}, numpy="logsumexp($x, $line)",
    prelude='''
        def logsumexp(x, axis=None):
            """log(sum(exp(x))) with the largest entry taken out, so that nothing overflows."""
            top = x.max(axis=axis, keepdims=True)
            top = np.where(np.isfinite(top), top, 0)
            with np.errstate(divide="ignore"):  # the logarithm of nothing is -inf
                return top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True))
    ''',
    doc="log(sum(exp(x))), without overflow.", reason="log-sum-exp shares the signal out by softmax",
)  # fmt: skip
_reduction(
    "norm(x, axis=None)", numpy="norm($x, $line)", kink="gradient 0 at 0",
    vjp={"x": "quotient_or_zero(δ * x, out)"},
    prelude='''
        def norm(x, axis=None):
            """The root of the sum of squares, scaled by a power of two so that no square overflows."""
            top = np.abs(x).max(axis=axis, keepdims=True, initial=0)
            unit = np.ldexp(np.ones_like(top), np.frexp(top)[1])
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
operator(
    "size(x, axis=None)", family=FAMILY, shape="m×n -> 1×1", vjp={}, takes_scalars=False, gives_scalar=True, numpy="$size",
    doc="How many entries a reduction along that axis takes together.",
)  # fmt: skip
operator(
    "expand(x, y)", family=FAMILY, internal=True, shape="a×b, m×n -> m×n", vjp={"x": "δ"}, takes_scalars=True, is_view=True,
    numpy="$expand", latex=r"\operatorname{expand}\left($x\right)",
    doc="x repeated to the shape of y.", reason="what was repeated collects the signal",
)  # fmt: skip
