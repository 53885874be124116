"""The operators that have signs: sums, products, powers, comparisons, transposes.

`product` is what juxtaposition says before shapes are known; shapes settle whether it is the matrix product or a scaling.
"""

from __future__ import annotations

from algebra2net.operators.operator import Choice, elementwise, operator

FAMILY = "arithmetic"

plus = elementwise(
    "plus(a, b)", family=FAMILY, vjp={"a": "δ", "b": "δ"}, binds="sum", internal=True,
    plain="$a:sum + $b:times", latex="$a:sum + $b:times", python="$a:sum + $b:times", numpy="$a + $b",
    doc="Entry plus entry.", reason="a sum passes the signal on to each of its terms",
)  # fmt: skip
minus = elementwise(
    "minus(a, b)", family=FAMILY, vjp={"a": "δ", "b": "-δ"}, binds="sum", internal=True,
    plain="$a:sum - $b:times", latex="$a:sum - $b:times", python="$a:sum - $b:times", numpy="$a - $b",
    doc="Entry minus entry.", reason="a difference passes the signal on, with its sign turned for what is taken away",
)  # fmt: skip
neg = elementwise(
    "neg(a)", family=FAMILY, vjp={"a": "-δ"}, binds="negation", internal=True,
    plain="-$a:negation", latex="-$a:negation", python="-$a:negation", numpy="-$a",
    doc="The other sign.", reason="the sign of the signal turns",
)  # fmt: skip
times = elementwise(
    "times(a, b)", family=FAMILY, vjp={"a": "δ * b", "b": "δ * a"}, binds="times", internal=True,
    plain="$a:times * $b:product", unicode="$a:times ∘ $b:product", latex=r"$a:times \odot $b:product", python="$a:times * $b:negation", numpy="$a * $b",
    doc="Entry times entry.", reason="product rule, entry by entry: the signal times the other factor",
)  # fmt: skip
scale = elementwise(
    "scale(a, b)", family=FAMILY, vjp={"a": "δ * b", "b": "δ * a"}, binds="product", internal=True,
    plain="$a:product $b:power", latex=r"$a:product \, $b:power", python="$a:product * $b:negation", numpy="$a * $b",
    doc="A scalar times every entry.", reason="the signal times the other factor; a scalar collects it from every entry",
)  # fmt: skip
divide = elementwise(
    "divide(a, b)", family=FAMILY, vjp={"a": "δ / b", "b": "-(δ * out / b)"}, binds="product", internal=True,
    plain="$a:product / $b:negation", latex=r"\frac{$a}{$b}", python="$a:product / $b:negation", numpy="$a / $b",
    doc="Entry by entry.", reason="quotient rule, entry by entry",
)  # fmt: skip
power = elementwise(
    "power(x, p)", family=FAMILY, vjp={"x": "δ * power_slope(x, p)", "p": "δ * out * log_or_zero(x)"}, beside_numbers={"x": "p * x^(p - 1) * δ"}, binds="power", internal=True, domain="positive",
    plain="$x:atom^$p:atom", latex="{$x:atom}^{$p}", python="$x:atom ** $p:atom", numpy="$x ** $p",
    doc="Entry by entry.", reason="power rule: the exponent comes down",
)  # fmt: skip
elementwise(
    "power_of(x, p)", family=FAMILY, vjp={"x": "δ * power_slope(x, p)", "p": "δ * out * log_or_zero(x)"}, internal=True, domain="positive", sympy="x**p", numpy="$x ** $p",
    latex="{$x:atom}^{$p}", doc="x^p, where p - 1 is no float.", reason="power rule: the exponent comes down",
)  # fmt: skip
elementwise(
    "power_slope(x, p)", family=FAMILY, vjp={"x": "δ * p * power_slope(x, p - 1)", "p": "δ * (x^(p - 1) + out * log_or_zero(x))"}, internal=True, domain="positive",
    prelude='''
        def power_slope(x, p):
            """p x^(p - 1), with what rounding takes from p - 1, and though x^(p - 1) alone may overflow."""
            less = p - 1.0
            back = less - p
            lost = (p - (less - back)) - (1.0 + back)
            power = x**less
            half = x.dtype.type(np.rint(8 * less) / 16)  # of x's type, where p is a number of Python's
            far = np.isinf(power) & (x != 0) & np.isfinite(x)
            size = np.where(far, np.abs(x), 1)
            return np.where(far, np.copysign(p * size**half, p * power) * size ** (less - half), p * power * (1 + lost * np.log(np.where(x > 0, x, 1))))
    ''',
    doc="p x^(p - 1): the slope of x^p.", reason="power rule: the exponent comes down",
)  # fmt: skip
log_or_zero = elementwise(
    "log_or_zero(x)", family=FAMILY, internal=True, domain="positive", derivative="quotient_or_zero(1, x)",
    numpy="log_or_zero($x)",
    prelude='''
        def log_or_zero(x):
            """log(x), and 0 where x is 0: the slope of 0^p by p."""
            return np.log(np.where(x == 0, 1, x))
    ''',
    kink="slope 0 at 0", doc="log(x), and 0 where x is 0.", reason="log: its slope is 1/x",
)  # fmt: skip
quotient_or_zero = elementwise(
    "quotient_or_zero(a, b)", family=FAMILY, internal=True,
    vjp={"a": "quotient_or_zero(δ, b)", "b": "-quotient_or_zero(δ * out, b)"},
    numpy="quotient_or_zero($a, $b)",
    prelude='''
        def quotient_or_zero(a, b):
            """a / b, and 0 where b is 0."""
            if b.min(initial=1) > 0:
                return a / b
            return np.where(b == 0, 0, a / np.where(b == 0, 1, b))
    ''',
    kink="slopes 0 where b is 0", doc="a / b, and 0 where b is 0: the slope of a norm at 0.", reason="quotient rule, entry by entry",
)  # fmt: skip

product = operator(
    "product(A, B)", family=FAMILY, binds="product", internal=True, shape="settled",
    choices=(Choice("1×1, m×n -> m×n", "scale(A, B)"), Choice("m×n, 1×1 -> m×n", "scale(A, B)"), Choice("m×k, k×n -> m×n", "matmul(A, B)")),
    plain="$A:product $B:power", latex=r"$A:product \, $B:power", python="$A:product @ $B:negation",
    doc="The matrix product, or a scalar times anything.",
)  # fmt: skip
matmul = operator(
    "matmul(A, B)", family=FAMILY, shape="m×k, k×n -> m×n", vjp={"A": "δ B'", "B": "A' δ"}, binds="product", internal=True,
    plain="$A:product $B:power", latex=r"$A:product \, $B:power", python="$A:product @ $B:negation", numpy="$A @ $B", beside="$A * $B",
    doc="Rows of A times columns of B.",
    reason="chain rule through the matrix product: the signal times the transpose of what it was multiplied by",
)  # fmt: skip
transpose = operator(
    "transpose(A)", family=FAMILY, shape="m×n -> n×m", vjp={"A": "δ'"}, binds="power",
    plain="$A:power'", unicode="$A:powerᵀ", latex=r"{$A:atom}^{\top}", python="$A:atom.T", numpy="$A.T", is_view=True,
    doc="Rows become columns.", reason="the transpose of the signal",
)  # fmt: skip


def _comparison(name: str, sign: str, latex: str, unicode: str, doc: str) -> None:
    elementwise(
        f"{name}(a, b)", family=FAMILY, binds="anything", internal=True, vjp={}, kink="slope 0 everywhere",
        plain=f"$a:sum {sign} $b:sum", unicode=f"$a:sum {unicode} $b:sum", latex=latex, python=f"$a:sum {sign} $b:sum",
        numpy=f"($a {sign} $b).astype($dtype)", doc=doc,
    )  # fmt: skip


for _row in (
    ("lt", "<", "$a:sum < $b:sum", "<", "1 where a is smaller, else 0."),
    ("le", "<=", r"$a:sum \le $b:sum", "≤", "1 where a is smaller or equal, else 0."),
    ("gt", ">", "$a:sum > $b:sum", ">", "1 where a is larger, else 0."),
    ("ge", ">=", r"$a:sum \ge $b:sum", "≥", "1 where a is larger or equal, else 0."),
    ("eq", "==", r"\left($a:sum = $b:sum\right)", "==", "1 where they are equal, else 0."),
    ("ne", "!=", r"$a:sum \ne $b:sum", "≠", "1 where they differ, else 0."),
):
    _comparison(*_row)
