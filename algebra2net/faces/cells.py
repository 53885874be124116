"""A matrix as cells.

In    rows and columns, known or not; or the numbers in them
Out   Cells: SVG with its corner at the top left
Idea  rows lie loose or are locked together; where there are too many cells to draw, the ends stand for all
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from algebra2net.faces.boxes import pixels
from algebra2net.faces.numbers import FULL, short
from algebra2net.program import Dimension

CELL, LOOSE, TIGHT, BEHIND = 13.0, 3.0, 0.0, 3.5  # a cell; between loose rows, between locked ones; the step to the row behind
WIDE, HIGH = 31.0, 15.0  # a cell with its number in it
MOST = 8  # cells along a side


@dataclass(frozen=True, slots=True)
class Cells:
    """A drawing of cells, its corner at the top left."""

    width: float
    height: float
    svg: str

    def turned(self) -> Cells:
        """Rows upright, from left to right."""
        return Cells(self.height, self.width, f'<g transform="matrix(0 1 1 0 0 0)">{self.svg}</g>')


def cells(rows: Dimension, columns: Dimension, locked: bool, mark: str, hollow: bool) -> Cells:
    """Rows of cells: locked together, or loose; further rows of unknown number stand behind the first."""
    across, down = _places(columns), _places(rows)
    stacked = isinstance(rows, str) and not locked
    if stacked:
        down = [0]
    gap = TIGHT if locked else LOOSE
    xs, width = _positions(across, CELL, 0)
    ys, height = _positions(down, CELL, gap)
    behind = 2 * BEHIND if stacked else 0
    parts = []
    for step in (2, 1) if stacked else ():
        corner = f"M{pixels(step * BEHIND)} {pixels(behind - step * BEHIND)}"
        strip = f"{corner}h{pixels(width)}v{pixels(CELL)}h{pixels(-width)}z"
        parts.append(f'<path class="k" fill-opacity="{0.35 if step == 2 else 0.65}" d="{strip}"/>')
    bricks = "".join(f"M{pixels(x)} {pixels(y + behind)}h{pixels(w)}v{pixels(CELL)}h{pixels(-w)}z" for y in ys for x, w in _spans(xs, across))
    studs = "".join(_stud(mark, x + CELL / 2, y + behind + CELL / 2) for y in ys for x in xs)
    parts.append(f'<path class="k" d="{bricks}"/><path class="u{" o" if hollow else ""}" d="{studs}"/>')
    parts.append(_dots(across, xs, [y + behind + CELL / 2 for y in ys], down, ys, width))
    return Cells(width + behind, height + behind, "".join(parts))


def valued(value: Any, locked: bool, turned: bool) -> Cells:
    """Cells shaded by what is in them; few cells have room for their numbers. Rows that lie loose stand loose when turned."""
    value = value.T if turned else value
    across, down = _places(value.shape[1]), _places(value.shape[0])
    written = max(value.shape) <= FULL
    wide, high = (WIDE, HIGH) if written else (CELL, CELL)
    gap = TIGHT if locked else LOOSE
    xs, width = _positions(across, wide, gap if turned else TIGHT)
    ys, height = _positions(down, high, TIGHT if turned else gap)
    finite = np.abs(value[np.isfinite(value)]) if value.size else np.zeros(1)
    top = float(finite.max(initial=0)) or 1.0
    parts = []
    for y, r in zip(ys, (k for k in down if k is not None), strict=True):
        for x, c in zip(xs, (k for k in across if k is not None), strict=True):
            entry = float(value[r, c])
            depth = min(1.0, abs(entry) / top) if math.isfinite(entry) else 0.0
            tip = "" if written else f"<title>[{r % value.shape[0]}, {c % value.shape[1]}] {entry:.4g}</title>"
            parts.append(f'<path class="k" d="M{pixels(x)} {pixels(y)}h{pixels(wide)}v{pixels(high)}h{pixels(-wide)}z">{tip}</path>')
            parts.append(f'<path class="x" fill-opacity="{pixels(round(0.62 * depth, 2))}" d="M{pixels(x)} {pixels(y)}h{pixels(wide)}v{pixels(high)}h{pixels(-wide)}z"/>')
            if written:
                parts.append(f'<text class="v" x="{pixels(x + wide / 2)}" y="{pixels(y + high / 2 + 3)}">{short(entry)}</text>')
            elif entry < 0:
                parts.append(f'<path class="u o" d="M{pixels(x + 3)} {pixels(y + high / 2)}h{pixels(wide - 6)}"/>')
    parts.append(_dots(across, xs, [y + high / 2 for y in ys], down, ys, width))
    return Cells(width, height, "".join(parts))


def _places(size: Dimension) -> list[int | None]:
    """Which cells are drawn along a side; None is where the rest is left out."""
    if isinstance(size, str):
        return [0, 1, None, -1]
    return list(range(size)) if size <= MOST else [0, 1, 2, None, -2, -1]


def _positions(places: Sequence[int | None], cell: float, gap: float) -> tuple[list[float], float]:
    """Where the cells begin, and how long all of it is."""
    found, at = [], 0.0
    for place in places:
        if place is not None:
            found.append(at)
        at += (cell if place is not None else CELL) + gap
    return found, max(at - gap, CELL if not places else 0)


def _spans(xs: Sequence[float], places: Sequence[int | None]) -> Iterator[tuple[float, float]]:
    """The stretches of cells without a gap: where they begin, and their lengths."""
    if None not in places:
        if xs:
            yield xs[0], CELL * len(xs)
        return
    cut = places.index(None)
    yield xs[0], CELL * cut
    yield xs[cut], CELL * (len(xs) - cut)


def _dots(across: Sequence[int | None], xs: Sequence[float], middles: Sequence[float], down: Sequence[int | None], ys: Sequence[float], width: float) -> str:
    """`⋯` and `⋮` where cells are left out."""
    out = ""
    if None in across:
        x = xs[across.index(None)] - CELL / 2
        out += "".join(f"M{pixels(x + step)} {pixels(y)}h.01" for y in middles for step in (-3.6, 0, 3.6))
    if None in down:
        y = ys[down.index(None)] - CELL / 2 - (ys[1] - ys[0] - CELL if len(ys) > 1 and ys[1] - ys[0] < CELL + LOOSE + 1 else 0) / 2
        out += "".join(f"M{pixels(width / 2)} {pixels(y + step)}h.01" for step in (-3.6, 0, 3.6))
    return f'<path class="p t" d="{out}"/>' if out else ""


def _stud(mark: str, x: float, y: float) -> str:
    """The mark on a cell."""
    r = 2.4
    match mark:
        case "square":
            return f"M{pixels(x - 2.1)} {pixels(y - 2.1)}h4.2v4.2h-4.2z"
        case "diamond":
            return f"M{pixels(x)} {pixels(y - 3)}l3 3l-3 3l-3 -3z"
        case "cross":
            return f"M{pixels(x - 2.8)} {pixels(y - 0.9)}h1.9v-1.9h1.8v1.9h1.9v1.8h-1.9v1.9h-1.8v-1.9h-1.9z"
        case "triangle":
            return f"M{pixels(x)} {pixels(y - 2.7)}l2.9 5h-5.8z"
        case "bar":
            return f"M{pixels(x - 3)} {pixels(y - 1.1)}h6v2.2h-6z"
        case "ring":
            return f"M{pixels(x - 2.6)} {pixels(y)}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0zM{pixels(x - 1.2)} {pixels(y)}a1.2 1.2 0 1 1 2.4 0a1.2 1.2 0 1 1 -2.4 0z"
    return f"M{pixels(x - r)} {pixels(y)}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"
