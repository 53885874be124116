"""What a training works on: data and parameters, checked and brought to one float type.

In    a net, a plan, data, parameters and noise as the user gives them
Out   a Job: the same from the first epoch to the last
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from algebra2net.run import Array, numeric
from algebra2net.training.batches import Draw, Feed, Noise, Samples, samples_of
from algebra2net.training.checkpoint import State
from algebra2net.training.init import initial
from algebra2net.training.plan import Plan
from algebra2net.training.roles import Roles, keyed, roles_of, sizes_of

if TYPE_CHECKING:
    from algebra2net.net import Net


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a training works on, and how: all that stays the same from the first epoch to the last."""

    net: Net
    plan: Plan
    start: Mapping[str, Array]
    fixed: Mapping[str, Array]  # parameters that were given but are not trained
    samples: Samples
    held: Samples | None
    feed: Feed

    def state(self) -> State:
        """The state before the first epoch."""
        optimizer = self.plan.optimizer
        memory = {} if isinstance(optimizer, str) else optimizer.start(self.start)
        return State(params=self.start, memory=memory, rng=np.random.default_rng(self.plan.seed).bit_generator.state)

    def value_and_grad(self, params: Mapping[str, Array], arrays: Mapping[str, Array]) -> tuple[float, dict[str, Array]]:
        """The loss and its gradients by the trained parameters."""
        with np.errstate(all="ignore"):  # what is not finite is found and named
            value, grads = self.net.value_and_grad(**{**arrays, **params})
        return value, {name: grads[name] for name in params}

    def validate(self, params: Mapping[str, Array]) -> tuple[float, ...]:
        """The loss on the validation data, where there are any."""
        if self.held is None:
            return ()
        with np.errstate(all="ignore"):
            return (float(self.net(**{**self.feed.resting(self.held), **params})),)

    def batches(self, rng: np.random.Generator) -> list[Array | None]:
        """The samples of each step of an epoch; None for all of them."""
        rows, size = self.samples.rows, self.plan.batch
        if size is None or (size >= rows and not self.samples.axes):
            return [None]
        order = rng.permutation(rows) if self.plan.shuffle else np.arange(rows)
        return [order[k : k + size] for k in range(0, rows, size)]


def prepared(net: Net, plan: Plan, data: Any, params: Mapping[str, Any] | None, validation: Any, random: Mapping[str, Noise]) -> Job:
    """Data and parameters as matrices of one float type.

    Raises ValueError, TypeError or ShapeError for what does not fit the net, naming it.
    """
    masked, noise = drawn(net, random)
    roles = roles_of(net, masked)
    given = None if params is None else {name: numeric(name, array) for name, array in keyed(net, params, "params").items()}
    fixed = {name: array for name, array in (given or {}).items() if name not in roles.trained}
    samples = samples_of(net, roles, data, fixed, noise)
    start = initial(net, plan.seed, sizes=sizes_of(net, samples.arrays)) if given is None else _given(roles, given)
    dtype = np.result_type(*start.values())
    samples, held = _validation(net, roles, samples.of_type(dtype), validation, plan.seed, fixed, noise)
    sizes = sizes_of(net, {**samples.arrays, **start})
    return Job(net=net, plan=plan, start=start, fixed=fixed, samples=samples, held=held and held.of_type(dtype), feed=Feed(net, roles, sizes, noise, dtype))


def drawn(net: Net, random: Mapping[str, Noise]) -> tuple[dict[str, float], dict[str, Draw]]:
    """What is drawn at each step: masks, by the probability that they drop, and inputs with functions of their own."""
    found = keyed(net, random, "noise")
    for name, draw in found.items():
        if not callable(draw) and not 0 <= draw < 1:
            raise ValueError(f"noise: {name}={draw} is no probability to drop (0 ≤ p < 1), and no function (rng, shape) → array")
    return {name: draw for name, draw in found.items() if not callable(draw)}, {name: draw for name, draw in found.items() if callable(draw)}


def _given(roles: Roles, given: Mapping[str, Array]) -> dict[str, Array]:
    """The trained parameters, as floats; copies, so that nobody else's arrays are ours."""
    missing = [name for name in roles.trained if name not in given]
    if missing:
        raise ValueError(f"params lacks {', '.join(missing)}; net.init(seed=0) gives all of them")
    return {name: np.array(given[name], dtype=np.result_type(given[name].dtype, np.float32)) for name in roles.trained}


def _validation(net: Net, roles: Roles, samples: Samples, validation: Any, seed: int, fixed: Mapping[str, Array], noise: Mapping[str, Draw]) -> tuple[Samples, Samples | None]:
    """The samples to learn from, and those to watch."""
    if validation is None:
        return samples, None
    if isinstance(validation, int | float):
        if not samples.axes:
            raise ValueError("validation: there are no samples to split, no input has a row for each; leave it out, or give data")
        return samples.split(validation, seed)
    constants = {name: array for name, array in samples.arrays.items() if name not in samples.axes}
    given = {**constants, **keyed(net, validation, "validation")} if isinstance(validation, Mapping) else validation
    return samples, samples_of(net, roles, given, {**constants, **fixed}, noise)
