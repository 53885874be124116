"""Every workload by every library side by side in one run; ratios of processor time, straightforward NumPy = 1.

    python -m tests.benchmarks                        all rows, float64 and float32, all libraries that are installed
    python -m tests.benchmarks --table FILE           and the table that the README shows, as Markdown
    python -m tests.benchmarks --only seed --quick    one row, NumPy alone
    python -m tests.benchmarks --memory               peak memory of a call beside the expert's
    python -m tests.benchmarks --compile              seconds to derive and to start

`readable` is `net.value_and_grad` with optimize=False, `optimized` the same as it runs by default, `bare` the generated
function without the checks of the arrays, `numba` with accelerate="numba". A spread is that of the middle half of the rounds.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from inspect import signature
from pathlib import Path

import algebra2net
from tests.benchmarks.costs import SMALL, compiling, memory
from tests.benchmarks.race import BASE, Ratio, geometric_mean, number, race, ratio
from tests.benchmarks.workloads import BY_NAME, ROWS, Workload

QUICK = (BASE, "expert", "readable", "optimized", "bare")
FRAMEWORKS = ("jax", "torch", "autograd")
ALL = (*QUICK, "numba", *FRAMEWORKS)
SHOWN = {  # in the README
    "expert": "expert NumPy",
    "optimized": "**algebra2net**",
    "readable": "readable module",
    "numba": 'algebra2net, `accelerate="numba"`',
    "jax": "JAX jit",
    "torch": "PyTorch eager",
    "autograd": "autograd",
}
PACKAGES = ("numpy", "numba", "jax", "torch", "autograd")

GOAL = 1.08  # the mean over the rows of ours to the expert's
OF_EXPERT = "ours/expert"

Found = dict[tuple[str, str, str], Ratio]  # row, float type, library


def main() -> None:
    options = _options()
    rows = [BY_NAME[name] for name in options.only] if options.only else list(ROWS)
    dtypes = [d for d in ("float64", "float32") if getattr(options, d)] or ["float64", "float32"]
    if options.compile:
        for line in compiling():
            print(line, flush=True)
    elif options.memory:
        _memory(rows, dtypes)
    else:
        libraries = [name for name in (QUICK if options.quick else ALL) if _installed(name)]
        try:
            found = _race(rows, dtypes, libraries, options.rounds)
        except RuntimeError as error:
            sys.exit(f"{error} (the benchmarks need: pip install '.[bench]')")
        if options.table:
            Path(options.table).write_text("\n".join(table(rows, dtypes, found)) + "\n")


def _installed(library: str) -> bool:
    if library == "numba" and "accelerate" not in signature(algebra2net.compile).parameters:
        return False
    return library not in PACKAGES or find_spec(library) is not None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=BY_NAME, help="this row; may be given several times")
    parser.add_argument("--quick", action="store_true", help="NumPy and algebra2net alone")
    parser.add_argument("--float64", action="store_true", help="float64 alone")
    parser.add_argument("--float32", action="store_true", help="float32 alone")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--table", metavar="FILE", help="write the table as Markdown")
    parser.add_argument("--memory", action="store_true", help="peak memory instead of time")
    parser.add_argument("--compile", action="store_true", help="seconds of compiling instead of calls")
    return parser.parse_args()


def _race(rows: Sequence[Workload], dtypes: Sequence[str], libraries: Sequence[str], rounds: int) -> Found:
    """A line for each row as it is measured; `ours/expert` is what has a goal, `!` marks where it is missed."""
    found: Found = {}
    columns = [*libraries[1:], OF_EXPERT]
    for dtype in dtypes:
        print(f"{dtype:12} {'µs':>9} " + " ".join(f"{name:>19}" for name in columns))
        for row in rows:
            times, errors = race(row, dtype, libraries, rounds)
            found |= {(row.name, dtype, name): ratio(times, name) for name in libraries[1:] if name in times}
            if {"optimized", "expert"} <= set(times):
                found[row.name, dtype, OF_EXPERT] = ratio(times, "optimized", "expert")
            cells = " ".join(f"{found.get((row.name, dtype, name), '-')!s:>19}" for name in columns)
            print(f"{row.name:12} {statistics.median(times[BASE]) * 1e6:9.1f} {cells}{_missed(found.get((row.name, dtype, OF_EXPERT)), row.goal)}", flush=True)
            for name, error in errors.items():
                print(f"  {name} on {row.name}: {error}", file=sys.stderr)
        means = [_mean(found, rows, dtype, name) for name in columns]
        print(f"{'geometric mean':22} " + " ".join(f"{number(value) if value else '-':>19}" for value in means) + (f"  (goal {GOAL:.2f})" if means[-1] else ""))
    return found


def _missed(measured: Ratio | None, goal: float) -> str:
    return f" ! goal {goal:.2f}" if measured and measured.median > goal else ""


def _mean(found: Found, rows: Sequence[Workload], dtype: str, library: str) -> float | None:
    """Over all rows; of a library that lacks one, none."""
    ratios = [found[row.name, dtype, library].median for row in rows if (row.name, dtype, library) in found]
    return geometric_mean(ratios) if len(ratios) == len(rows) else None


def table(rows: Sequence[Workload], dtypes: Sequence[str], found: Found) -> list[str]:
    """The table that the README shows, where others are ahead, and the machine."""
    shown = [name for name in SHOWN if any(library == name for _, _, library in found)]
    lines = [f"| workload | {' | '.join(SHOWN[name] for name in shown)} |", "|" + " --- |" * (len(shown) + 1)]
    for row in rows:
        cells = [" / ".join(number(cell.median) if (cell := found.get((row.name, dtype, name))) else "-" for dtype in dtypes) for name in shown]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    means = [" / ".join(number(value) if (value := _mean(found, rows, dtype, name)) else "-" for dtype in dtypes) for name in shown]
    lines.append(f"| geometric mean | {' | '.join(means)} |")
    return [*lines, "", f"{' / '.join(dtypes)}, processor time of `value_and_grad`, straightforward NumPy = 1.00; {machine()}.", *_ahead(rows, dtypes, found)]


def _ahead(rows: Sequence[Workload], dtypes: Sequence[str], found: Found) -> list[str]:
    """Where another library is faster than what runs by default, said in words."""
    faster: dict[str, list[str]] = {}
    for name in FRAMEWORKS:
        for row in rows:
            pairs = [(found.get((row.name, dtype, name)), found.get((row.name, dtype, "optimized")), dtype) for dtype in dtypes]
            won = [dtype for theirs, ours, dtype in pairs if theirs and ours and theirs.median < ours.median]
            if won:
                faster.setdefault(SHOWN[name], []).append(row.title + ("" if len(won) == len(dtypes) else f" ({won[0]})"))
    return [f"{name} is ahead of the default on: {'; '.join(titles)}." for name, titles in faster.items()]


def machine() -> str:
    """The processor and the versions, in a line."""
    words = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")] if Path("/proc/cpuinfo").exists() else []
    processor = f"{words[0]}, {len(words)} cores" if words else platform.processor()
    return ", ".join([processor, "one thread", platform.system(), f"Python {platform.python_version()}", *filter(None, map(_version, PACKAGES))])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def _memory(rows: Sequence[Workload], dtypes: Sequence[str]) -> None:
    """A line for each row: bytes at the peak of a call, and the ratio to the expert's; resident bytes as a cross-check."""
    libraries = ("expert", "optimized", "readable", BASE)
    for dtype in dtypes:
        print(f"{dtype:12} {'expert':>12} " + " ".join(f"{name:>16}" for name in libraries[1:]) + "    resident")
        ratios = []
        for row in rows:
            found = memory(row, dtype, libraries)
            peak = found["expert"]["peak"]
            cells = " ".join(f"{found[name]['peak'] / peak:16.2f}" if name in found else f"{'-':>16}" for name in libraries[1:])
            resident = " ".join(f"{found[name]['resident'] / 1e6:.1f}" for name in libraries if name in found)
            print(f"{row.name:12} {peak:12,} {cells}    {resident} MB" + ("  (Python's own objects count)" if peak < SMALL else ""), flush=True)
            if peak >= SMALL and "optimized" in found:
                ratios.append(found["optimized"]["peak"] / peak)
        print(f"largest ratio of optimized to expert: {max(ratios):.2f}" if ratios else "no row is large enough")


if __name__ == "__main__":
    main()
