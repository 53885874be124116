"""What a function does, in 22×13 pixels: its curve, or a sign for what it does to a matrix.

In    a function's name, or its values
Out   SVG
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from algebra2net.faces.boxes import pixels
from algebra2net.faces.curves import POINTS, REACH
from algebra2net.operators import OPERATORS
from algebra2net.spell import UNICODE

CALLED = {"σ": "sigmoid", "σ'": "sigmoid'"} | {UNICODE.call(word): word for word in ("log", "exp", "sqrt")}
_WIDE, _TALL = 22.0, 13.0


def drawn_curve(values: Sequence[float]) -> str:
    """A function between -3 and 3 with its axes; steep ones leave at the top."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return ""
    low, high = max(min(finite), -REACH), min(max(finite), REACH)
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9:
        low, high = -1.0, 1.0

    def y(v: float) -> float:
        return _TALL - 1 - (min(max(v, low), high) - low) / (high - low) * (_TALL - 2)

    points, pen = [], "M"
    for place, v in enumerate(values):
        inside = math.isfinite(v) and low - 1e-9 <= v <= high + 1e-9
        if inside:
            points.append(f"{pen}{pixels(place * _WIDE / (POINTS - 1))} {pixels(round(y(v), 1))}")
        pen = "L" if inside else "M"
    axes = f"M0 {pixels(round(y(0), 1))}H{pixels(_WIDE)}M{pixels(_WIDE / 2)} 0V{pixels(_TALL)}"
    return f'<path class="a" d="{axes}"/><path class="c" d="{"".join(points)}"/>'


def _squares(corners: str, width: float, height: float) -> str:
    return "".join(f"M{corner}h{width:g}v{height:g}h{-width:g}z" for corner in corners.split(","))


def _glyph(squares: str, line: str, kind: str = "c") -> str:
    return f'<path class="u" d="{squares}"/><path class="{kind}" d="{line}"/>'


_TO_THE_RIGHT = "6.5h4m-1.6 -1.6l1.6 1.6l-1.6 1.6"
_ALL = _squares(",".join(f"{x:g} {y:g}" for x in (0, 4.2, 8.4) for y in (0.3, 4.5, 8.7)), 3.3, 3.3)
GLYPHS = {
    "all": _glyph(_ALL + _squares("18.5 4.8", 3.3, 3.3), f"M13.2 {_TO_THE_RIGHT}"),
    "rows": _glyph(_squares("0 1,0 5,0 9", 10, 3) + _squares("18.5 1,18.5 5,18.5 9", 3, 3), f"M12 {_TO_THE_RIGHT}"),
    "columns": _glyph(_squares("0 0,4 0,8 0", 3, 6.5) + _squares("0 9.5,4 9.5,8 9.5", 3, 3), "M14.5 2v7m-2 -2l2 2l2 -2"),
    "spread": _glyph(_squares("2 8", 3.5, 4) + _squares("7 3", 3.5, 9) + _squares("12 9.5", 3.5, 2.5) + _squares("17 6.5", 3.5, 5.5), "M0 12.5h22", "a"),
}


def glyph(name: str, note: str) -> str:
    """Which glyph a function that is no curve has."""
    here = OPERATORS.get(name)
    if here is None:
        return ""
    if here.family == "rows":
        return "spread"
    if here.gives_scalar or here.family == "losses" or (here.family == "reductions" and name != "expand"):
        return {"axis=0": "columns", "axis=1": "rows"}.get(note, "all")
    return ""
