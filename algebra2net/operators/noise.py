"""Noise, with what is random as an explicit input, so that a run can be repeated."""

from __future__ import annotations

from algebra2net.operators.operator import elementwise

elementwise(
    "dropout(x, p, mask)", family="noise", domain="probability", value="x * mask / (1 - p)", plain="dropout($x, $p)", python="dropout($x, $p)", latex=r"\operatorname{dropout}\left($x, $p\right)",
    doc="x * x_mask / (1 - p): x_mask is an input of zeros and ones.", source="Srivastava et al. 2014",
)  # fmt: skip
