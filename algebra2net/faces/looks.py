"""What a name looks like wherever it stands: one colour and one mark for each family of names.

In    the glossary of a sheet
Out   a Look for every name, and the colours as CSS
Idea  a gradient has the colour of its parameter and a signal that of its layer, so that one sees what belongs together;
      the mark on the cells says the same to whoever does not see the colour
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

from sympy import Symbol

from algebra2net import names
from algebra2net.faces.content import Content
from algebra2net.names import GREEK
from algebra2net.program import Program
from algebra2net.spell import labels

HUES = (212, 28, 152, 338, 262, 46, 188, 4, 96, 300)  # neighbours in the list are far apart on the wheel
MARKS = ("circle", "square", "diamond", "cross", "triangle", "bar", "ring")


@dataclass(frozen=True, slots=True)
class Look:
    """How a name is drawn: which symbol it is, its hue and mark, and its role."""

    index: int
    hue: int
    mark: str
    role: str

    @property
    def classes(self) -> str:
        """Classes of an element that stands for the name."""
        return f"s{self.index} h{self.hue}"


@dataclass(frozen=True)
class Looks:
    """The look of every name of a sheet."""

    content: Content
    backprop: Program | None = None

    @cached_property
    def _labels(self) -> Mapping[Symbol, Mapping[str, str]]:
        return labels(self.backprop) if self.backprop is not None else {}

    def latex(self, name: Symbol) -> str:
        """The name as LaTeX: δ₁ and ∂L/∂W₀ where derivation made it."""
        return self._labels[name]["latex"] if name in self._labels else names.latex(name.name)

    @cached_property
    def by_name(self) -> Mapping[Symbol, Look]:
        """Every name's look, families in order of appearance."""
        families = {family: place for place, family in enumerate(dict.fromkeys(entry.family for entry in self.content.entries))}
        return {
            entry.name: Look(index, families[entry.family] % len(HUES), MARKS[families[entry.family] % len(MARKS)], entry.role) for index, entry in enumerate(self.content.entries)
        }


def colours(hue: int, dark: bool = False) -> dict[str, str]:
    """Of a hue: the face of a brick, its edge, its text."""
    h = HUES[hue]
    warm = 40 <= h <= 190  # yellows and greens are lighter to the eye
    if dark:
        return {"face": _hex(h, 30, 26), "edge": _hex(h, 52, 62 if not warm else 56), "ink": _hex(h, 62, 74 if not warm else 66)}
    return {"face": _hex(h, 68, 91), "edge": _hex(h, 48, 48 if not warm else 36), "ink": _hex(h, 62, 36 if not warm else 25)}


def css(hues: Iterable[int], dark: bool = False) -> str:
    """The colours as CSS variables, a class for each hue."""
    return "".join(f".h{hue}{{{';'.join(f'--{part}:{colour}' for part, colour in colours(hue, dark).items())}}}" for hue in sorted(set(hues)))


def _hex(hue: float, saturation: float, lightness: float) -> str:
    """HSL as #rrggbb."""
    s, light = saturation / 100, lightness / 100
    a = s * min(light, 1 - light)

    def channel(n: int) -> int:
        k = (n + hue / 30) % 12
        return round(255 * (light - a * max(-1.0, min(k - 3, 9 - k, 1.0))))

    return f"#{channel(0):02x}{channel(8):02x}{channel(4):02x}"


_LATEX = re.compile(r"\\([A-Za-z]+)|([_^])|([{}])|(\d+|[^\W\d_]+)|(\s+)|(.)")
_WORDS = {"partial": "∂", "prime": "′", "infty": "∞"}
_MARKS = {"hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304", "dot": "\u0307", "vec": "\u20d7", "ddot": "\u0308", "check": "\u030c"}


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of a name that look alike: `level` below (or above, negative) the line, slanted or not."""

    text: str
    level: int
    slanted: bool


def runs(latex: str) -> list[Run]:
    """A name's LaTeX as runs of letters, for text that is no mathematics: `W_{0}` as W and a small 0."""
    found: list[Run] = []
    levels: list[tuple[int, int]] = []
    accents: list[tuple[int, str, int]] = []
    fraction: list[int] = []
    level, upright = 0, [False]
    following = 0
    for command, script, brace, word, _, sign in _LATEX.findall(latex):
        if script:
            following = 1 if script == "_" else -1
            continue
        if command == "frac":
            fraction.append(len(levels))
        elif command in ("mathrm", "text", "operatorname"):
            upright.append(True)
            continue
        elif command in _MARKS:
            accents.append((len(levels), _MARKS[command], len(found)))
        elif brace == "{":
            levels.append((level, len(upright)))
            level = level + following if following else level
        elif brace == "}":
            level, depth = levels.pop() if levels else (0, 1)
            del upright[depth:]
            if len(upright) > 1 and upright[-1] and depth == len(upright):
                upright.pop()
            if accents and accents[-1][0] == len(levels):
                _, mark, at = accents.pop()
                found[at:] = [Run(unicodedata.normalize("NFC", run.text[0] + mark) + run.text[1:], run.level, run.slanted) for run in found[at:]]
            if fraction and fraction[-1] == len(levels):
                fraction.pop()
                found.append(Run("/", level, False))
        elif text := _WORDS.get(command) or GREEK.get(command) or word or sign or command:
            found.append(Run(text.replace("-", "−"), level + following, text.isalpha() and not (len(upright) > 1)))
        following = 0
    return found


def spans(latex: str, size: float, drop: float = 0.28) -> tuple[str, float]:
    """The runs of a name as `<tspan>`s, and about how wide they are."""
    out, width, at = [], 0.0, 0.0
    for run in runs(latex):
        scale = 0.72 if run.level else 1.0
        target = run.level * drop * size
        move = f' dy="{target - at:.1f}"' if abs(target - at) > 0.01 else ""
        style = "" if run.slanted else ' font-style="normal"'
        small = f' font-size="{size * scale:.1f}"' if run.level else ""
        out.append(f"<tspan{move}{small}{style}>{escape(run.text)}</tspan>")
        width += scale * size * sum(0.62 if not (c.islower() or c.isdigit()) else 0.52 for c in run.text if not "\u0300" <= c <= "\u036f")
        at = target
    return "".join(out), width
