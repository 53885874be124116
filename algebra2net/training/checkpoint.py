"""Models and checkpoints: one `.npz` file with all there is to predict or go on from.

In    a net, its parameters, the state of its training
Out   a file that holds numbers and JSON, no pickle; written aside and put in place in one move, so that none is ever half written
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from algebra2net.run import Array, Values
from algebra2net.training.optimizers import Slots

if TYPE_CHECKING:
    from algebra2net.net import Net

FORMAT = 1
CURVES = ("loss", "validation", "rates")  # of a State: a number for each epoch


@dataclass(frozen=True, kw_only=True)
class State:
    """Where a training is between two epochs. Nothing in it is changed in place."""

    params: Mapping[str, Array]
    memory: Mapping[str, Slots]  # of the optimiser
    rng: Mapping[str, Any]  # the state of the generator
    step: int = 0
    loss: tuple[float, ...] = ()
    validation: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    best: Mapping[str, Array] = field(default_factory=dict)  # parameters
    best_epoch: int = 0
    best_loss: float = float("inf")

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.loss)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model: the net, its parameters, the state of its training and the plan of it; `extra` is whatever JSON belongs to it."""

    net: Net
    params: Mapping[str, Array]
    state: State
    plan: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint to `path`; what was there before stays until the new file is whole.

    Raises OSError where the place cannot be written to.
    """
    state = checkpoint.state
    arrays = {f"params/{name}": array for name, array in checkpoint.params.items()}
    arrays |= {f"state/{name}": array for name, array in state.params.items()}
    arrays |= {f"best/{name}": array for name, array in state.best.items()}
    arrays |= {f"memory/{k}/{name}": array for name, slots in state.memory.items() for k, array in enumerate(slots)}
    about = {
        "algebra2net": FORMAT, "net": _of_net(checkpoint.net), "plan": dict(checkpoint.plan), "extra": dict(checkpoint.extra), "names": list(checkpoint.params),
        "rng": dict(state.rng), "step": state.step, "best_epoch": state.best_epoch, "best_loss": state.best_loss,
    }  # fmt: skip
    arrays |= {f"curve/{name}": np.array(getattr(state, name), dtype=np.float64) for name in CURVES}
    arrays["about"] = np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), np.uint8)
    _write(Path(path), arrays)


def _write(path: Path, arrays: Mapping[str, Array]) -> None:
    """The file under another name, flushed to the disk, then renamed."""
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o666 & ~_umask())
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise


def _umask() -> int:
    """What a new file may not allow; there is no way to ask but to set it."""
    found = os.umask(0)
    os.umask(found)
    return found


def _of_net(net: Net) -> dict[str, Any]:
    options = net._options
    return {
        "source": net._source, "shapes": {name: _plain(shape) for name, shape in options.shapes.items()}, "wrt": options.wrt, "loss": options.loss,
        "notation": options.notation, "names": options.spelling, "dialect": options.dialect, "stabilize": options.stabilize, "optimize": options.optimize,
    }  # fmt: skip


def _plain(shape: Any) -> Any:
    """A shape as JSON takes it."""
    return [_plain(size) for size in shape] if isinstance(shape, Iterable) and not isinstance(shape, str) else int(shape) if isinstance(shape, np.integer) else shape


def load(path: str | Path) -> Checkpoint:
    """The checkpoint in a file.

    Raises ValueError where the file is none, OSError where it cannot be read.
    """
    from algebra2net.net import compile

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(arrays.pop("about").tobytes())
        known = about["algebra2net"] <= FORMAT
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise ValueError(f"{path} is no model that algebra2net has written") from None
    if not known:
        raise ValueError(f"{path} was written by a later version of algebra2net (format {about['algebra2net']}, this one reads {FORMAT})")
    net = compile(**about["net"])
    found: dict[str, dict[str, Array]] = {"params": {}, "state": {}, "best": {}, "curve": {}}
    memory: dict[str, dict[int, Array]] = {}
    for key, array in arrays.items():
        kind, _, name = key.partition("/")
        if kind == "memory":
            slot, _, name = name.partition("/")
            memory.setdefault(name, {})[int(slot)] = array
        else:
            found[kind][name] = array
    ordered = {kind: Values({name: values[name] for name in about["names"] if name in values}) for kind, values in found.items()}
    state = State(
        params=ordered["state"], memory={name: tuple(memory.get(name, {})[k] for k in sorted(memory.get(name, {}))) for name in about["names"]}, rng=about["rng"],
        step=about["step"], **{name: tuple(found["curve"][name].tolist()) for name in CURVES},
        best=ordered["best"], best_epoch=about["best_epoch"], best_loss=about["best_loss"],
    )  # fmt: skip
    return Checkpoint(net=net, params=ordered["params"], state=state, plan=about["plan"], extra=about["extra"])
