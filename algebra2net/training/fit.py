"""Training: batches, gradients, steps, until it is enough.

In    a net whose output is a loss, data, parameters to begin with
Out   a History; what was given stays as it was
Idea  between two epochs the whole of a training is one State, so it can be kept, written down and gone on from bit for bit
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from algebra2net.program import SCALAR
from algebra2net.run import Array, Values, numeric
from algebra2net.training.batches import Feed, Noise, samples_of
from algebra2net.training.checkpoint import Checkpoint, State, load, save
from algebra2net.training.diagnosis import diagnosed, singular
from algebra2net.training.history import History
from algebra2net.training.job import Job, drawn, prepared
from algebra2net.training.optimizers import Optimizer, clipped
from algebra2net.training.plan import Plan, planned
from algebra2net.training.progress import Progress
from algebra2net.training.roles import keyed, roles_of, sizes_of
from algebra2net.training.schedules import Schedule

if TYPE_CHECKING:
    from algebra2net.net import Net

KEPT_EVERY = 10.0  # seconds between two checkpoints


def fit(
    net: Net,
    data: Any,
    params: Mapping[str, Any] | None = None,
    *,
    optimizer: str | Optimizer = "adam",
    lr: float | None = None,
    epochs: int = 20,
    batch: int | None = 32,
    validation: Any = None,
    seed: int = 0,
    schedule: str | Schedule | Callable[[float], float] | None = None,
    weight_decay: float | None = None,
    clip: float | None = None,
    patience: int | None = None,
    shuffle: bool = True,
    noise: Mapping[str, Noise] | None = None,
    checkpoint: str | Path | None = None,
    resume: str | Path | None = None,
    progress: bool | None = None,
    extra: Mapping[str, Any] | None = None,
) -> History:
    """Make the loss of `net` small on `data`: what `Net.fit` does, and says. `extra` is JSON that goes into every checkpoint."""
    if net.shapes[net.output] != SCALAR:
        raise ValueError(f'{net.output} is no scalar, so there is nothing to make small; say what the loss is: compile(…, loss="mse({net.output}, y)")')
    plan = planned(chosen=optimizer, lr=lr, epochs=epochs, batch=batch, seed=seed, rate=schedule, weight_decay=weight_decay, clip=clip, patience=patience, shuffle=shuffle)
    before = _loaded(resume, net, plan, params)
    job = prepared(net, plan, data, params if before is None else before.params, validation, noise or {})
    run = Run(job, before.state if before else job.state(), Path(checkpoint) if checkpoint is not None else None, extra or {})
    if isinstance(plan.optimizer, str):
        from algebra2net.training.minimizers import minimize

        return minimize(run, progress)
    return run.train(progress)


def _loaded(resume: str | Path | None, net: Net, plan: Plan, params: Mapping[str, Any] | None) -> Checkpoint | None:
    """The checkpoint to go on from, checked against what is asked for now."""
    if resume is None:
        return None
    if params is not None:
        raise ValueError("resume goes on from the parameters of the checkpoint: give params or resume, not both")
    found = load(resume)
    if str(found.net.steps) != str(net.steps) or found.net.shapes != net.shapes:
        raise ValueError(f"{resume} holds another network:\n{found.net.program.plain()}")
    plan.same_as(found.plan, resume)
    return found


@dataclass
class Run:
    """A training under way."""

    job: Job
    state: State
    path: Path | None
    extra: Mapping[str, Any]
    latest: Mapping[str, Array] = field(init=False)  # within an epoch, too
    good: Mapping[str, Array] = field(init=False)  # the last whose loss was finite
    stopped: str = "epochs"
    message: str = ""

    def __post_init__(self) -> None:
        self.latest = self.good = self.state.params
        self.began = self.kept = time.monotonic()

    def train(self, shown: bool | None) -> History:
        """All epochs."""
        plan = self.job.plan
        try:
            with Progress(plan.epochs, self.state.epoch, shown) as bar:
                while self.state.epoch < plan.epochs and not self.tired():
                    self.state = self.epoch(self.state, bar)
                    self.keep()
        except KeyboardInterrupt:
            self.stopped = "interrupted"
        return self.finish()

    def epoch(self, state: State, bar: Progress) -> State:
        """The state one epoch on."""
        plan, optimizer = self.job.plan, self.job.plan.optimizer
        assert isinstance(optimizer, Optimizer)
        rng = _generator(state.rng)
        params, memory, step, total, lr = state.params, state.memory, state.step, 0.0, plan.lr
        places = self.job.batches(rng)
        for k, chosen in enumerate(places):
            arrays = self.job.feed.training(self.job.samples, chosen, rng)
            loss, grads = self.evaluate(params, arrays, f"epoch {state.epoch + 1}, step {k + 1} of {len(places)}")
            lr = plan.lr * plan.schedule(state.epoch + k / len(places), plan.epochs)
            step += 1
            self.good = params
            params, memory = optimizer.step(params, clipped(grads, plan.clip) if plan.clip else grads, memory, step, lr)
            self.latest = params
            total += loss * (1 if chosen is None else len(chosen) / self.job.samples.rows)
            bar.tell(state.epoch + (k + 1) / len(places), f"loss {loss:.4g}")
        after = replace(state, params=params, memory=memory, step=step, rng=rng.bit_generator.state, loss=(*state.loss, total), rates=(*state.rates, lr))
        return self.watched(after)

    def evaluate(self, params: Mapping[str, Array], arrays: Mapping[str, Array], when: str) -> tuple[float, dict[str, Array]]:
        """Loss and gradients, both finite.

        Raises NonFiniteError, for a matrix without an inverse too.
        """
        try:
            loss, grads = self.job.value_and_grad(params, arrays)
        except np.linalg.LinAlgError:
            self.stopped, self.latest = "nan", self.good
            raise singular(self.job.net, when, self.finish()) from None
        if not np.isfinite(loss) or not all(np.isfinite(g).all() for g in grads.values()):
            self.stopped, self.latest = "nan", self.good
            raise diagnosed(self.job.net, {**arrays, **params}, when, self.finish())
        return loss, grads

    def watched(self, state: State) -> State:
        """The state with its loss on the validation data, and the best parameters so far where training may stop early."""
        seen = self.job.validate(state.params)
        state = replace(state, validation=(*state.validation, *seen))
        now = seen[0] if seen else state.loss[-1]
        if self.job.plan.patience is None or not now < state.best_loss:
            return state
        return replace(state, best=state.params, best_epoch=state.epoch, best_loss=now)

    def tired(self) -> bool:
        """Whether nothing has become better for `patience` epochs."""
        patience = self.job.plan.patience
        if patience is not None and self.state.epoch - self.state.best_epoch >= patience:
            self.stopped = "patience"
        return self.stopped == "patience"

    def keep(self, at_once: bool = False) -> None:
        """Write a checkpoint, every now and then."""
        if self.path is not None and (at_once or time.monotonic() - self.kept > KEPT_EVERY):
            save(self.path, self.history().checkpoint(self.extra))
            self.kept = time.monotonic()

    def finish(self) -> History:
        """What there is at the end, written down."""
        self.keep(at_once=True)
        return self.history()

    def history(self) -> History:
        """The training until now."""
        state, plan = self.state, self.job.plan
        best = state.best if plan.patience is not None and state.best else self.latest
        return History(
            params=Values({**{name: np.array(array) for name, array in best.items()}, **self.job.fixed}), loss=state.loss, validation=state.validation, rates=state.rates,
            best_epoch=state.best_epoch or state.epoch, stopped=self.stopped, seconds=time.monotonic() - self.began, message=self.message,
            net=self.job.net, state=state, plan=plan.words,
        )  # fmt: skip


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    """A generator in this state."""
    rng = np.random.default_rng()
    rng.bit_generator.state = dict(state)
    return rng


def evaluate(net: Net, data: Any, params: Mapping[str, Any], noise: Mapping[str, Noise] | None = None) -> float:
    """The loss of `net` on data, in any form that `fit` takes, with a dropout that drops nothing."""
    masked, draws = drawn(net, noise or {})
    roles = roles_of(net, masked)
    given = {name: numeric(name, array) for name, array in keyed(net, params, "params").items()}
    samples = samples_of(net, roles, data, {name: array for name, array in given.items() if name not in roles.trained}, draws)
    trained = {name: given[name] for name in roles.trained}
    feed = Feed(net, roles, sizes_of(net, {**samples.arrays, **trained}), draws, np.result_type(*trained.values()))
    return float(net(**{**feed.resting(samples), **trained}))
