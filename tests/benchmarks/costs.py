"""What a call costs in memory, and what it costs to derive one: the other two promises beside speed.

In    rows of `workloads.py`; chains of tanh layers
Out   peak bytes by library; seconds of compiling, by number of layers, beside JAX; the start of the command beside SymPy's import
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.race import Worker, number
from tests.benchmarks.worker import THREADS
from tests.benchmarks.workloads import Workload

SEED = "l2 = relu(l0 W0) W1"
SMALL = 1 << 16  # bytes; below, Python's own objects weigh more than the arrays
HEAVY = ("click", "rich", "scipy", "torch", "jax", "numba", "matplotlib", "IPython")

CHAIN = """
import sys, time
from algebra2net import compile
layers = int(sys.argv[1])
compile("l2 = relu(l0 W0) W1").source
text = chr(10).join(["h0 = x", *(f"h{k} = tanh(h{k - 1} W{k})" for k in range(1, layers + 1)), f"L = mse(h{layers}, y)"])
shapes = {"x": (32, 64), "y": (32, 64)} | {f"W{k}": (64, 64) for k in range(1, layers + 1)}
start = time.process_time()
net = compile(text, shapes=shapes)
net.backprop
derived = time.process_time()
net.source
readable = time.process_time()
net.optimized_source
print(derived - start, readable - derived, time.process_time() - readable)
"""

WARM = """
import time
from algebra2net import compile
def once():
    start = time.process_time()
    compile("l2 = relu(l0 W0) W1").optimized_source
    return time.process_time() - start
print(sorted(once() for _ in range(25))[12])
"""

JAX = """
import sys, time
import jax, jax.numpy as np
layers = int(sys.argv[1])
def loss(W, x, y):
    h = x
    for w in W:
        h = np.tanh(h @ w)
    return ((h - y) ** 2).mean()
W, x = [np.ones((64, 64))] * layers, np.ones((32, 64))
jax.jit(lambda x: x + 1)(x).block_until_ready()
start, clock = time.process_time(), time.perf_counter()
jax.jit(jax.value_and_grad(loss)).lower(W, x, x).compile()
print(min(time.process_time() - start, time.perf_counter() - clock))
"""


def memory(row: Workload, dtype: str, libraries: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """By library, what its call adds at its highest: bytes that NumPy asked for, and bytes that became resident."""
    found = {}
    for library in libraries:
        worker = Worker(library, row.name, dtype)
        worker.start()
        if worker.error:
            print(f"  {library} on {row.name}: {worker.error}", file=sys.stderr)
        else:
            found[library] = worker.ask("memory")
        worker.stop()
    return found


def compiling() -> Iterator[str]:
    """Lines that say what compiling costs: by layers, of the seed's line, beside JAX, and the start of the command."""
    each = {}
    for layers in (100, 500, 4000):
        parts = [statistics.median(values) for values in zip(*(_numbers(CHAIN, str(layers)) for _ in range(3)), strict=True)]
        each[layers] = sum(parts) / layers
        whole = sum(parts)
        yield f"{layers:5} layers: {whole:6.2f} s, {1e3 * each[layers]:.2f} ms a layer (compile and derive {parts[0]:.2f} s, source {parts[1]:.2f}, optimized_source {parts[2]:.2f})"
    yield f"a layer of 4000 costs {number(each[4000] / each[100])} times one of 100"
    yield f"the seed's line, warm: {1e3 * _numbers(WARM)[0]:.1f} ms"
    try:
        jax = _numbers(JAX, "500")[0]
        yield f"jax.jit traces and compiles 500 layers in {jax:.2f} s: ours takes {number(500 * each[500] / jax)} of that"
    except (subprocess.CalledProcessError, IndexError):
        yield "jax is not installed"
    ours, sympy = _starts(["-m", "algebra2net", SEED], ["-c", "import sympy"])
    yield f"the command starts and answers in {1e3 * ours:.0f} ms, `import sympy` takes {1e3 * sympy:.0f}: {number(ours / sympy)} times"
    loaded = _output(["-c", f"import sys, algebra2net; algebra2net.compile({SEED!r}); print(*[m for m in {HEAVY!r} if m in sys.modules])"])
    yield f"import and compile load {loaded.strip() or 'none'} of {', '.join(HEAVY)}"


def _output(arguments: list[str]) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | THREADS).stdout


def _numbers(program: str, *arguments: str) -> list[float]:
    return [float(word) for word in _output(["-c", program, *arguments]).split()]


def _starts(*commands: list[str]) -> list[float]:
    """Processor time of each command, the median of interleaved runs."""
    spent: list[list[float]] = [[] for _ in commands]
    for _ in range(11):
        for command, times in zip(commands, spent, strict=True):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            _output(command)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return [statistics.median(times) for times in spent]
