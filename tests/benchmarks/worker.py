"""One library on one row, in a process of its own: it computes, and it times a batch of calls when it is asked to.

In    the library, the row and the float type as arguments; then one request a line: `results FILE`, `calls SECONDS`, `time CALLS`, `memory`
Out   one line of JSON for each request
Idea  seconds of processor time, not of the clock: others may use the machine meanwhile

How glibc treats freed memory makes more difference than most code, and depends on what the process did before. So every process
is put into the better of its states, the straightforward one, too; only ours has to get there by itself.

    python -m tests.benchmarks.worker expert relu float64
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
if __name__ == "__main__":  # before NumPy is imported
    os.environ |= THREADS | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1", "JAX_PLATFORMS": "cpu"}
    if hasattr(os, "sched_setaffinity"):  # one thread for those, too, that do not look at their environment
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getppid() % len(cores)]})  # the same for all workers of a run

import gc  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402

from tests.benchmarks.expert import keep_freed_memory  # noqa: E402
from tests.benchmarks.workloads import BY_NAME, Sizes, Workload  # noqa: E402

Call = Callable[[], tuple[Any, dict[str, Any]]]


def straightforward(row: Workload, sizes: Sizes, dtype: str) -> Call:
    from tests.benchmarks import straightforward

    return _called(getattr(straightforward, f"run_{row.name}"), row, sizes, dtype)


def expert(row: Workload, sizes: Sizes, dtype: str) -> Call:
    from tests.benchmarks import expert

    return _called(getattr(expert, f"make_{row.name}")(sizes, np.dtype(dtype)), row, sizes, dtype)


def readable(row: Workload, sizes: Sizes, dtype: str) -> Call:
    return _ours(row, sizes, dtype, optimize=False)


def optimized(row: Workload, sizes: Sizes, dtype: str) -> Call:
    return _ours(row, sizes, dtype)


def numba(row: Workload, sizes: Sizes, dtype: str) -> Call:
    return _ours(row, sizes, dtype, accelerate="numba")


def bare(row: Workload, sizes: Sizes, dtype: str) -> Call:
    """The generated function alone, without the checks of the arrays."""
    net = row.compiled(sizes)
    function = net._functions["value_and_grad" if row.derived else "forward"]
    arrays = row.arrays(sizes, dtype)
    given = [arrays[name] for name in net.inputs]
    return (lambda: function(*given)) if row.derived else (lambda: (function(*given)[net.output], {}))


def _ours(row: Workload, sizes: Sizes, dtype: str, **options: Any) -> Call:
    net = row.compiled(sizes, **options)
    return _called(net.value_and_grad if row.derived else lambda **arrays: (net(**arrays), {}), row, sizes, dtype)


def _framework(name: str) -> Callable[[Workload, Sizes, str], Call]:
    def made(row: Workload, sizes: Sizes, dtype: str) -> Call:
        from tests.benchmarks import frameworks

        call: Call = getattr(frameworks, f"with_{name}")(row, row.arrays(sizes, dtype))
        return call

    return made


def _called(function: Callable[..., Any], row: Workload, sizes: Sizes, dtype: str) -> Call:
    arrays = row.arrays(sizes, dtype)
    return lambda: function(**arrays)


LIBRARIES: dict[str, Callable[[Workload, Sizes, str], Call]] = {
    "straightforward": straightforward,
    "expert": expert,
    "readable": readable,
    "optimized": optimized,
    "bare": bare,
    "numba": numba,
    **{name: _framework(name) for name in ("autograd", "torch", "jax", "pytensor")},
}


def seconds(call: Call, calls: int) -> float:
    """Processor time of a call, the mean of so many; threads of a library count, too."""
    start = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - start) / calls


def calls_in(call: Call, wanted: float) -> int:
    """How many calls take about that many seconds."""
    calls, spent = 1, seconds(call, 1)
    while spent * calls < wanted / 4 and calls < 1_000_000:
        calls *= 2
        spent = seconds(call, calls)
    return max(1, round(wanted / max(spent, 1e-9)))


def peak(call: Call) -> dict[str, int]:
    """What a call adds at its highest, its results included: bytes that were asked for, and, by the kernel's count, bytes that became resident."""
    import tracemalloc

    resident = _resident(call)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    result = call()
    top = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    del result
    return {"peak": top, "resident": resident}


def _resident(call: Call) -> int:
    """The growth of the process during a call that finds no freed memory to use; 0 where there is no Linux to ask."""
    if not sys.platform.startswith("linux"):
        return 0
    import ctypes

    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # forget the highest size so far
    before = _status("VmRSS")
    result = call()
    top = _status("VmHWM")
    del result
    return top - before


def _status(field: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(field))


def save(result: tuple[Any, dict[str, Any]], path: str) -> dict[str, Any]:
    value, grads = result
    with open(path, "wb") as file:
        for array in (np.asarray(value), *(np.asarray(grads[name]) for name in sorted(grads))):
            np.save(file, array)
    return {"names": sorted(grads)}


def answer(call: Call, request: str, *arguments: str) -> Any:
    match request:
        case "results":
            return save(call(), arguments[0])
        case "calls":
            return calls_in(call, float(arguments[0]))
        case "time":
            return seconds(call, int(arguments[0]))
        case "memory":
            return peak(call)
    raise ValueError(f"no request {request}")


def main() -> None:
    library, name, dtype, *small = sys.argv[1:]
    row = BY_NAME[name]
    try:
        if library not in ("readable", "optimized", "bare", "numba"):  # running a generated module sees to it
            keep_freed_memory()
        call = LIBRARIES[library](row, row.small if small else row.sizes, dtype)
        call()
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}".splitlines()[0]}), flush=True)
        return
    gc.collect()
    gc.freeze()  # what a library has loaded does not slow its calls down
    print(json.dumps({"ready": library}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(call, *line.split())), flush=True)


if __name__ == "__main__":
    main()
