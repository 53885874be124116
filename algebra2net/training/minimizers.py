"""L-BFGS and friends, by `scipy.optimize.minimize`: all samples at once, an iteration an epoch.

In    a training whose optimiser is the name of one of SciPy's methods
Out   a History
Idea  the parameters are one flat vector; what the method has evaluated last is where it stands

SciPy does not hand out what a method remembers of the curvature, so `resume` goes on from the parameters alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from algebra2net.flat import Layout
from algebra2net.run import Array
from algebra2net.training.history import History
from algebra2net.training.progress import Progress

if TYPE_CHECKING:
    from algebra2net.training.fit import Run

REMEMBERED = 8  # evaluations: a line search goes back to one of its own


class _EnoughError(Exception):
    """No epoch is to follow."""


def minimize(run: Run, shown: bool | None) -> History:
    """Run SciPy's method to its end, or to the plan's.

    Raises ModuleNotFoundError where SciPy is not installed, ValueError where the loss rests on chance.
    """
    try:
        from scipy import optimize
    except ModuleNotFoundError:
        raise ModuleNotFoundError("this optimizer is SciPy's: pip install 'algebra2net[train]', or take optimizer='adam'", name="scipy") from None
    chance = (*run.job.feed.roles.masks, *run.job.feed.noise)
    if chance:
        raise ValueError(f"{run.job.plan.optimizer} needs a loss that is the same at every look, and {', '.join(chance)} is drawn anew each time: take optimizer='adam'")
    if run.state.epoch >= run.job.plan.epochs:
        return run.finish()
    with Progress(run.job.plan.epochs, run.state.epoch, shown) as bar:
        search = _Search(run, bar)
        begin = search.packed(run.state.params)
        run.evaluate(run.state.params, search.arrays, "the first evaluation")
        left = run.job.plan.epochs - run.state.epoch
        try:
            found = optimize.minimize(search, begin, jac=True, method=run.job.plan.optimizer, callback=search.iterated, options=_limits(run.job.plan.optimizer, left))
            if run.state.epoch < run.job.plan.epochs:
                run.stopped, run.message = "converged", str(found.message)
        except _EnoughError:
            pass
        except KeyboardInterrupt:
            run.stopped = "interrupted"
    return run.finish()


def _limits(method: object, iterations: int) -> dict[str, Any]:
    """The method's own word for so many iterations."""
    return {"maxfun" if method == "TNC" else "maxiter": iterations * (20 if method == "TNC" else 1)}


class _Search:
    """The function that SciPy makes small, on one vector."""

    def __init__(self, run: Run, bar: Progress) -> None:
        self.run, self.bar = run, bar
        self.arrays = dict(run.job.samples.arrays)
        self.originals = {name: (array.shape, array.dtype) for name, array in run.state.params.items()}
        self.layout = Layout({name: (int(rows), int(columns)) for name, array in run.state.params.items() for rows, columns in [np.atleast_2d(array).shape]})
        self.seen: list[tuple[Array, float]] = []

    def packed(self, params: Mapping[str, Array]) -> Array:
        """The parameters as one vector."""
        return self.layout.pack({name: np.atleast_2d(array) for name, array in params.items()})

    def unpacked(self, theta: Array) -> dict[str, Array]:
        """The parameters of a vector, in their own shapes and type."""
        return {name: array.reshape(self.originals[name][0]).astype(self.originals[name][1]) for name, array in self.layout.unpack(theta).items()}

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """The loss, with the weight decay λ/2 ‖θ‖², and its gradient; a step too far is as bad as can be."""
        decay = self.run.job.plan.weight_decay
        loss, grads = self.run.job.value_and_grad(self.unpacked(theta), self.arrays)
        value, slope = loss + decay / 2 * float(theta @ theta), self.packed(grads) + decay * theta
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return np.inf, np.zeros_like(theta)
        self.seen = [*self.seen[1 - REMEMBERED :], (theta.copy(), loss)]
        return value, slope

    def iterated(self, theta: Array) -> None:
        """An iteration is done: an epoch."""
        run, plan = self.run, self.run.job.plan
        params = self.unpacked(theta)
        loss = next((loss for at, loss in reversed(self.seen) if np.array_equal(at, theta)), None)
        if loss is None:
            loss = self.run.job.value_and_grad(params, self.arrays)[0]
        run.latest = params
        run.state = run.watched(replace(run.state, params=params, step=run.state.step + 1, loss=(*run.state.loss, float(loss)), rates=(*run.state.rates, plan.lr)))
        run.keep()
        self.bar.tell(run.state.epoch, f"loss {loss:.4g}")
        if run.tired() or run.state.epoch >= plan.epochs:
            raise _EnoughError
