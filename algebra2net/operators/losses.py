"""Losses: most are equations in the notation and need no rules of their own."""

from __future__ import annotations

from algebra2net.operators.operator import elementwise, operator

FAMILY = "losses"
LOSS = "m×n, m×n -> 1×1"

operator(
    "paired(p, y)", family=FAMILY, internal=True, shape="m×n, m×n -> m×n", vjp={"p": "0", "y": "δ"}, numpy="$y", is_view=True,
    doc="y. Beside a loss until shapes are known, it says that a target is as large as what it is compared with, or one row for all, or a scalar.",
    reason="the signal passes",
)  # fmt: skip
operator("mse(p, y)", family=FAMILY, shape=LOSS, value="mean((p - y)^2)", doc="The mean of all squared errors.")
operator("mae(p, y)", family=FAMILY, shape=LOSS, value="mean(abs(p - y))", kink="slope 0 where p = y", doc="The mean of all absolute errors.")
operator(
    "huber(p, y, d?1)", family=FAMILY, shape="m×n, m×n, 1×1 -> 1×1", domain="positive", value="mean(huber_of(p - y, d))", kink="slope by d of d ≥ 0", doc="The mean of e²/2 where |e| ≤ d, and of d (|e| - d/2) beyond.", source="Huber 1964",
)  # fmt: skip
elementwise(
    "huber_of(e, d)", family=FAMILY, internal=True, domain="positive",
    vjp={"e": "δ * clip(e, -d, d)", "d": "δ * relu(abs(e) - d)"},
    prelude='''
        def huber_of(e, d):
            """e²/2 up to d, then a straight line."""
            near = np.clip(e, -d, d)
            return near * (e - 0.5 * near)
    ''',
    doc="e²/2 where |e| ≤ d, and d (|e| - d/2) beyond.", reason="Huber: the error, clipped at d",
)  # fmt: skip
operator(
    "cross_entropy(logits, y)", family=FAMILY, shape=LOSS, value="-mean(sum(y * log_softmax(logits), axis=1))", aliases=("CE", "softmax_cross_entropy"),
    doc="-y log softmax(logits), summed along each row, mean over the rows (nats).",
)  # fmt: skip
operator("nll(logp, y)", family=FAMILY, shape=LOSS, value="-mean(sum(y * logp, axis=1))", doc="-y logp, summed along each row, mean over the rows (nats).")
operator(
    "bce(p, y)", family=FAMILY, shape=LOSS, domain="probability", value="-mean(x_log_y(y, p) + x_log1p_y(1 - y, -p))", aliases=("binary_cross_entropy",),
    doc="Binary cross-entropy of probabilities, mean of all entries (nats).",
)  # fmt: skip
operator(
    "bce_logits(z, y)", family=FAMILY, shape=LOSS, value="mean(logistic_loss(z, y))", aliases=("bce_with_logits", "binary_cross_entropy_with_logits"),
    doc="Binary cross-entropy of logits, mean of all entries (nats).",
)  # fmt: skip
elementwise(
    "logistic_loss(z, y)", family=FAMILY, internal=True,
    vjp={"z": "δ * ((1 - y) * sigmoid(z) - y * sigmoid(-z))", "y": "-(δ * z)"},
    prelude='''
        def logistic_loss(z, y):
            """log(1 + exp(z)) - z y, without overflow."""
            return np.maximum(z, 0) * (1 - y) - np.minimum(z, 0) * y + np.log1p(np.exp(-np.abs(z)))
    ''',
    doc="-y log σ(z) - (1 - y) log(1 - σ(z)).", reason="logistic loss: the probability less the label",
)  # fmt: skip
operator("hinge(p, y)", family=FAMILY, shape=LOSS, value="mean(relu(1 - p * y))", kink="slope 0 where p y = 1", doc="The mean of max(0, 1 - p y), labels -1 and 1.")
operator(
    "kl(p, q)",
    family=FAMILY,
    shape=LOSS,
    domain="positive",
    value="mean(sum(x_log_ratio(p, q), axis=1))",
    aliases=("kl_divergence", "d_kl"),
    doc="p log(p/q), summed along each row, mean over the rows (nats).",
)
elementwise(
    "x_log_y(x, y)", family=FAMILY, internal=True, domain="positive", vjp={"x": "δ * log_or_zero_at(x, y)", "y": "δ * quotient_or_zero_at(x, y)"},
    prelude='''
        def x_log_y(x, y):
            """x log(y), and 0 where x is 0."""
            if y.min(initial=1) > 0 and y.max(initial=0) < 1e30:  # log(y) is finite
                return x * np.log(y)
            return x * np.log(np.where((x == 0) & (y >= 0), 1, y))
    ''',
    doc="x log(y), and 0 where x is 0.", reason="x log y: 0 log 0 is 0",
)  # fmt: skip
elementwise(
    "x_log1p_y(x, y)", family=FAMILY, internal=True, domain="positive", vjp={"x": "δ * log_or_zero_at(x, 1 + y)", "y": "δ * quotient_or_zero_at(x, 1 + y)"},
    prelude='''
        def x_log1p_y(x, y):
            """x log(1 + y), and 0 where x is 0."""
            if y.min(initial=0) > -1 and y.max(initial=0) < 1e30:  # its logarithm is finite
                return x * np.log1p(y)
            return x * np.log1p(np.where((x == 0) & (y >= -1), 0, y))
    ''',
    doc="x log(1 + y), and 0 where x is 0.", reason="x log y: 0 log 0 is 0",
)  # fmt: skip
elementwise(
    "log_or_zero_at(x, y)", family=FAMILY, internal=True, domain="positive", vjp={"y": "δ * quotient_or_zero_at(x != 0, y)"},
    prelude='''
        def log_or_zero_at(x, y):
            """log(y), and 0 where both are 0: the slope of 0 log 0."""
            return np.log(np.where((x == 0) & (y == 0), 1, y))
    ''',
    doc="log(y), and 0 where both are 0.", reason="log: its slope is 1/y",
)  # fmt: skip
elementwise(
    "quotient_or_zero_at(x, y)", family=FAMILY, internal=True,
    vjp={"x": "δ * quotient_or_zero_at(x != 0, y)", "y": "-(δ * quotient_or_zero_at(quotient_or_zero_at(x, y), y))"},
    prelude='''
        def quotient_or_zero_at(x, y):
            """x / y, and 0 where x is 0."""
            if y.min(initial=1) > 0:
                return x / y
            return np.where(x == 0, 0, x / np.where(x == 0, 1, y))
    ''',
    kink="slope 0 by y where x is 0", doc="x / y, and 0 where x is 0.", reason="quotient rule, entry by entry",
)  # fmt: skip
