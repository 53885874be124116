"""The curve of a training: the losses over the epochs.

In    the loss of each epoch; that on held-out data, where there is one
Out   lines for a terminal, an SVG file, or a PNG by matplotlib
Idea  a logarithmic scale where the losses span more than a factor of ten
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

WIDE = 10.0  # from this ratio of losses on, the scale is logarithmic
COLOURS = ("#2563eb", "#ea580c")  # train, held out
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille cell: rows, then columns


@dataclass(frozen=True)
class Scale:
    """From losses to 0 … 1, upwards."""

    low: float
    high: float
    logarithmic: bool

    def __call__(self, value: float) -> float:
        """The height of a loss."""
        if not self.logarithmic:
            return (value - self.low) / ((self.high - self.low) or 1.0)
        return (math.log(value) - math.log(self.low)) / (math.log(self.high / self.low) or 1.0)

    def ticks(self) -> tuple[float, ...]:
        """Bottom, middle, top."""
        middle = math.sqrt(self.low * self.high) if self.logarithmic else (self.low + self.high) / 2
        return (self.low, middle, self.high)


def scale_of(*series: Sequence[float]) -> Scale | None:
    """A scale for these losses; None where none of them is a number."""
    values = [value for one in series for value in one if math.isfinite(value)]
    if not values:
        return None
    low, high = min(values), max(values)
    return Scale(low, high, low > 0 and high / low > WIDE)


def _points(series: Sequence[float], scale: Scale, epochs: int) -> list[tuple[float, float]]:
    """(x, y) between 0 and 1 for each epoch whose loss is a number."""
    return [(k / max(1, epochs - 1), scale(value)) for k, value in enumerate(series) if math.isfinite(value)]


# ----------------------------------------------------------------------------------------------------------- terminal


def braille(loss: Sequence[float], held: Sequence[float] = (), width: int = 60, height: int = 8, colour: bool = False) -> str:
    """The curve in braille dots, 2 × 4 to a character; held-out losses dotted (and in another colour on a terminal that has any)."""
    scale = scale_of(loss, held)
    if scale is None or len(loss) < 2:
        return ""
    cells: dict[tuple[int, int], int] = {}
    owner: dict[tuple[int, int], int] = {}
    for which, series in enumerate((loss, held)):
        for x, y in _line(_points(series, scale, len(loss)), 2 * width, 4 * height):
            if which and x % 4 > 1:
                continue  # dotted
            place = (y // 4, x // 2)
            cells[place] = cells.get(place, 0) | _DOTS[y % 4][x % 2]
            owner[place] = max(which, owner.get(place, 0))
    low, middle, high = (_short(tick) for tick in scale.ticks())
    margin = max(map(len, (low, middle, high)))
    labels = {0: high, height // 2: middle, height - 1: low}
    rows = []
    for row in range(height):
        drawn = "".join(_painted(chr(0x2800 + cells.get((row, column), 0)), owner.get((row, column)), colour) for column in range(width))
        rows.append(f"{labels.get(row, ''):>{margin}} ┤{drawn}".rstrip("\u2800 "))
    last = str(len(loss))
    rows.append(f"{'':>{margin}} └{'─' * width}")
    rows.append(f"{'':>{margin}}  1{'epoch':^{max(5, width - len(last) - 1)}}{last}")
    return "\n".join(rows)


def _line(points: Sequence[tuple[float, float]], columns: int, rows: int) -> Iterator[tuple[int, int]]:
    """The dots of a curve, a stroke between each two columns."""
    dots = [(round(x * (columns - 1)), round((1 - y) * (rows - 1))) for x, y in points]
    yield from dots
    for (x0, y0), (x1, y1) in itertools.pairwise(dots):
        steps = max(abs(x1 - x0), abs(y1 - y0))
        yield from ((x0 + round((x1 - x0) * k / steps), y0 + round((y1 - y0) * k / steps)) for k in range(1, steps))


def _painted(character: str, owner: int | None, colour: bool) -> str:
    if not colour or owner is None:
        return character
    return f"\x1b[{34 if owner == 0 else 33}m{character}\x1b[0m"


def _short(value: float) -> str:
    return f"{value:.3g}"


def listed(loss: Sequence[float], held: Sequence[float] = (), count: int = 10) -> str:
    """Some epochs, evenly chosen, a line each: for a file or another program."""
    last = len(loss)
    chosen = sorted({round(1 + k * (last - 1) / max(1, count - 1)) for k in range(count)}) if last else []
    return "\n".join(f"epoch {e:>{len(str(last))}}  loss {loss[e - 1]:<10.4g}{f'  held out {held[e - 1]:.4g}' if held else ''}".rstrip() for e in chosen)


# -------------------------------------------------------------------------------------------------------------- files


def svg(loss: Sequence[float], held: Sequence[float] = (), title: str = "loss") -> str:
    """The curve as an SVG file of its own."""
    left, top, width, height = 78, 34, 500, 240
    scale = scale_of(loss, held) or Scale(0.0, 1.0, False)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {top + height + 46}" font-family="system-ui, sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)} over {len(loss)} epochs</title>",
        f'<rect width="{left + width + 20}" height="{top + height + 46}" fill="#fff"/>',
    ]
    for tick in scale.ticks():
        y = top + height * (1 - scale(tick))
        parts.append(f'<path d="M{left} {y:.1f}h{width}" stroke="#ddd"/><text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{_short(tick)}</text>')
    for epoch, anchor in ((1, "start"), (max(1, len(loss)), "end")):
        x = left + width * (epoch > 1)
        parts.append(f'<text x="{x}" y="{top + height + 20}" text-anchor="{anchor}" fill="#444">{epoch}</text>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 36}" text-anchor="middle" fill="#444">epoch{", loss on a logarithmic scale" * scale.logarithmic}</text>')
    for which, (name, series) in enumerate((("train", loss), ("held out", held))):
        points = " ".join(f"{left + width * x:.1f},{top + height * (1 - y):.1f}" for x, y in _points(series, scale, len(loss)))
        if points:
            dashes = ' stroke-dasharray="5 3"' * which
            parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[which]}" stroke-width="2" stroke-linejoin="round"{dashes}/>')
            x = left + 110 * which
            parts.append(f'<path d="M{x} 18h24" stroke="{COLOURS[which]}" stroke-width="2"{dashes}/><text x="{x + 30}" y="22" fill="#222">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def png(path: Path, loss: Sequence[float], held: Sequence[float] = ()) -> None:
    """The curve as a PNG.

    Raises ModuleNotFoundError where matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"a PNG needs matplotlib: pip install 'algebra2net[train]', or write {path.with_suffix('.svg')}", name="matplotlib") from None
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for which, (name, series) in enumerate((("train", loss), ("held out", held))):
        if series:
            axes.plot(range(1, len(series) + 1), series, color=COLOURS[which], linestyle="-" if which == 0 else "--", label=name)
    scale = scale_of(loss, held)
    axes.set_yscale("log" if scale is not None and scale.logarithmic else "linear")
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("loss")
    axes.legend()
    FigureCanvasAgg(figure).print_png(str(path))
