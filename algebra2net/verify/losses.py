"""The loss that a claim has in mind where the network has none.

In    a network whose output is no scalar, and claims that speak of a target: `l2 - y`
Out   the losses that they may mean, the likeliest first, each as a network of its own
Idea  who writes l2 - y for the signal at the output means half the squared error, or the cross-entropy whose softmax or
      sigmoid is the last activation; which of them is found by what makes the claims right
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from algebra2net import names
from algebra2net.errors import AlgebraError
from algebra2net.verify.reading import Claim
from algebra2net.verify.terms import named, places
from algebra2net.verify.truth import Truth

if TYPE_CHECKING:
    from algebra2net.net import Net

_CROSS_ENTROPY = {
    "softmax": (("the cross-entropy of the softmax", "-sum({t} * log({o}))"), ("the cross-entropy of the softmax, its mean over the rows", "-mean(sum({t} * log({o}), axis=1))")),
    "sigmoid": (
        ("the cross-entropy of the sigmoid", "-sum({t} * log({o}) + (1 - {t}) * log(1 - {o}))"),
        ("the cross-entropy of the sigmoid, its mean", "-mean({t} * log({o}) + (1 - {t}) * log(1 - {o}))"),
    ),
}
_SQUARED = (("half the squared error", "sum(({o} - {t})^2) / 2"),)
_OTHERS = (
    ("the squared error", "sum(({o} - {t})^2)"),
    ("the mean squared error", "mean(({o} - {t})^2)"),
    ("half the squared error, its mean over the rows", "sum(({o} - {t})^2) / 2 / size({o}, axis=0)"),
    ("half the mean squared error", "mean(({o} - {t})^2) / 2"),
)


@dataclass(frozen=True)
class Assumption:
    """A network with a loss, and what was assumed in words."""

    net: Net
    words: str


def assumptions(net: Net, truth: Truth, claims: Sequence[Claim], strange: Sequence[str]) -> Iterator[Assumption]:
    """The networks that the claims may mean; none where the network has a loss or the claims know no target.

    `strange` are the names in the claims that nothing explains.
    """
    target = next((name for name in strange if _is_target(name, claims)), "")
    return _with_losses(net, truth, truth.output.name, target) if target and truth.seed is not None else iter(())


def _is_target(name: str, claims: Sequence[Claim]) -> bool:
    """Whether a name is taken away from a value, or a value from it."""
    return any(node.op == "minus" and named(name) in node.args for claim in claims for _, node in places(claim.value))


def _with_losses(net: Net, truth: Truth, output: str, target: str) -> Iterator[Assumption]:
    from algebra2net.net import Net, _Options

    function = truth.inside.get(output, ("", ""))[0]
    for words, formula in (*_CROSS_ENTROPY.get(function, ())[:1], *_SQUARED, *_CROSS_ENTROPY.get(function, ())[1:], *_OTHERS):
        loss = formula.format(o=output, t=target)
        name = next(name for name in ("L", "loss", "L_out") if name not in net.shapes)
        try:
            made = Net(net._source, _Options(**{**vars(net._options), "loss": f"{name} = {loss}"}))
        except AlgebraError:
            continue
        yield Assumption(made, f"The network has no loss. With {names.unicode(target)} as the target of {names.unicode(output)}, the claims are read for {words}, {name} = {loss}.")
