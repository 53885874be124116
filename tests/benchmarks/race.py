"""Libraries side by side on one row: a process each, results compared first, then rounds in which all take turns.

In    a row, a float type, the names of libraries (see `worker.py`)
Out   seconds of a call by library and round; ratios to the straightforward code, with their spread
Idea  a ratio is taken within a round, so that a slow minute of the machine slows both of its sides
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.worker import THREADS
from tests.benchmarks.workloads import Array, Workload

BASE = "straightforward"
NUMPY = (BASE, "expert", "readable", "optimized", "bare", "numba")  # these keep float32; autograd does not
BATCH = 0.03  # seconds of calls that are timed at once
GENERATIONS = 3  # of processes

Times = dict[str, list[float]]


class Worker:
    """A process that answers requests about one library on one row."""

    def __init__(self, library: str, row: str, dtype: str) -> None:
        self.library = library
        command = [sys.executable, "-m", "tests.benchmarks.worker", library, row, dtype]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | THREADS)
        self.error: str | None = None

    def start(self) -> None:
        """Wait until it has made its first call."""
        self.error = self._read().get("error")

    def ask(self, *words: object) -> Any:
        assert self._process.stdin
        print(*words, file=self._process.stdin, flush=True)
        found = self._read()
        if isinstance(found, dict) and "error" in found:
            raise RuntimeError(f"{self.library}, asked for {words[0]}: {found['error']}")
        return found

    def _read(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": "its process ended"}

    def stop(self) -> None:
        self._process.communicate()  # the end of its input is its end


@dataclass(frozen=True)
class Ratio:
    """The median of the rounds, and their quartiles."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.low)}-{number(self.high)})"


def number(value: float) -> str:
    return f"{value:.2f}" if value < 4.995 else f"{value:.1f}" if value < 19.95 else f"{value:.0f}"


def race(row: Workload, dtype: str, libraries: Sequence[str], rounds: int) -> tuple[Times, dict[str, str]]:
    """Seconds of a call by library, one for each round; and what is wrong with those that are not among them.

    The rounds are shared out to fresh processes: where memory happens to lie slows some processes down for as long as they live.
    """
    times: Times = {}
    errors: dict[str, str] = {}
    for first in range(min(GENERATIONS, rounds)):
        found, wrong = _generation(row, dtype, [name for name in libraries if name not in errors], len(range(first, rounds, GENERATIONS)))
        errors |= wrong
        for name, each in found.items():
            times.setdefault(name, []).extend(each)
    return {name: each for name, each in times.items() if name not in errors}, errors


def _generation(row: Workload, dtype: str, libraries: Sequence[str], rounds: int) -> tuple[Times, dict[str, str]]:
    workers = [Worker(library, row.name, dtype) for library in libraries]
    try:
        errors = _compared(workers)
        running = [worker for worker in workers if worker.library not in errors]
        calls = {worker.library: worker.ask("calls", BATCH) for worker in running}
        times: Times = {worker.library: [] for worker in running}
        for k in range(rounds):
            turn = k % len(running)
            for worker in (*running[turn:], *running[:turn]):
                times[worker.library].append(worker.ask("time", calls[worker.library]))
        return times, errors
    finally:
        for worker in workers:
            worker.stop()


def _compared(workers: Sequence[Worker]) -> dict[str, str]:
    """What is wrong, by library: it is missing, it fails, its results are others than those of the straightforward code.

    Raises RuntimeError where that code itself cannot run.
    """
    for worker in workers:
        worker.start()
    if workers[0].error:
        raise RuntimeError(f"{workers[0].library}: {workers[0].error}")
    with tempfile.TemporaryDirectory() as folder:
        truth = _results(workers[0], Path(folder))
        for worker in workers[1:]:
            worker.error = worker.error or difference(_results(worker, Path(folder)), truth, worker.library in NUMPY)
    return {worker.library: worker.error for worker in workers if worker.error}


def _results(worker: Worker, folder: Path) -> dict[str, Array]:
    path = folder / worker.library
    names = worker.ask("results", path)["names"]
    with path.open("rb") as file:
        return {name: np.load(file) for name in ("value", *names)}


def difference(found: dict[str, Array], truth: dict[str, Array], same_type: bool = True) -> str | None:
    """What differs by more than rounding, if anything does: relative to the largest entry, 1e-9, and 1e-3 in float32."""
    if set(found) != set(truth):
        return f"gives {', '.join(found)}, not {', '.join(truth)}"
    for name, right in truth.items():
        array = found[name]
        if name != "value" and same_type and array.dtype != right.dtype:
            return f"{name} is {array.dtype}"
        if array.size != right.size:
            return f"{name} is {array.shape}, not {right.shape}"
        tolerance = (1e-9 if right.dtype == np.float64 else 1e-3) * max(1e-300, float(np.abs(right).max()))
        if not np.allclose(array.reshape(right.shape), right, rtol=0, atol=tolerance):
            return f"{name} differs"
    return None


def ratio(times: Times, library: str, base: str = BASE) -> Ratio:
    each = sorted(a / b for a, b in zip(times[library], times[base], strict=True))
    return Ratio(statistics.median(each), each[len(each) // 4], each[-1 - len(each) // 4])


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))
