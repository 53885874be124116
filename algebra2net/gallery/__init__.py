"""The gallery: networks and losses of books and papers, each an `.alg` file beside this one.

In    the name of a network
Out   an `Entry`: its program, where it is from, and arrays that it can be run on
Idea  a file is a program like any other, so that `algebra2net "$(cat lstm.alg)"` runs it: what is said about it stands
      in comments, the shapes of its inputs are declarations of the notation itself

    # title: Scaled dot-product attention
    # source: Vaswani et al., Attention Is All You Need (2017), arXiv:1706.03762, eq. 1
    # family: attention
    # wrt: W_Q, W_K, W_V          names to differentiate by, where the parameters are not what is meant
    # domain: y onehot, λ positive   where inputs lie that cannot be any number
    # note: what differs from the source, in a sentence (may be left out, as may the two above)

    Q = X W_Q                     the program
    …
    X: 4 x 6                      a declaration for each input, with numbers: pictures have so many cells
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from algebra2net import names
from algebra2net.errors import nearest
from algebra2net.notation import Declaration
from algebra2net.read import read

FAMILIES = ("the book", "regression", "layers", "recurrence", "attention", "sets and graphs", "likelihoods", "losses", "dynamics")
FIELDS = ("title", "source", "family", "wrt", "domain", "note")
FIRST_SIZE = 2  # a dimension that is only named gets a size of its own, so that a wrong transpose shows

_FIELD = re.compile(rf"#\s*({'|'.join(FIELDS)}):\s*(.*)")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One network: `compile(entry.program, wrt=entry.wrt)` makes it, `entry.example()` gives arrays to run it on."""

    name: str
    title: str
    source: str
    family: str
    text: str  # of the file
    equations: str
    declarations: str
    shapes: Mapping[str, tuple[int | str, ...]]
    wrt: tuple[str, ...] | None = None
    domain: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def program(self) -> str:
        """Equations and declarations, as they stand in the file."""
        return f"{self.equations}\n\n{self.declarations}"

    def example(self, seed: int = 0) -> dict[str, NDArray[np.float64]]:
        """Arrays for every input that is declared, where the formula makes sense; the same in every process."""
        named = dict.fromkeys(size for shape in self.shapes.values() for size in shape if isinstance(size, str))
        sizes = {size: FIRST_SIZE + place for place, size in enumerate(named)}
        return {name: self._drawn(name, tuple(sizes.get(size, size) for size in shape), seed) for name, shape in self.shapes.items()}  # type: ignore[arg-type]

    def _drawn(self, name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float64]:
        rng = np.random.default_rng([seed, zlib.crc32(f"{self.name}/{name}".encode())])
        return DOMAINS[self.domain.get(name, "any")](rng, shape)


def entries() -> list[Entry]:
    """All networks, family by family, each family in the order of time (the book's in that of its chapters)."""
    return list(_entries())


def find(name: str) -> Entry:
    """The network of that name: `attention`, `two-heads`, `two heads`.

    Raises ValueError with the nearest name where there is none.
    """
    known = {entry.name: entry for entry in _entries()}
    wanted = re.sub(r"[\s_-]+", "-", name.strip().casefold())
    if wanted in known:
        return known[wanted]
    words = [entry.name for entry in known.values() if wanted and wanted in re.sub(r"[\s_-]+", "-", f"{entry.name} {entry.title}".casefold())]
    hint = nearest(wanted, known) or (f"did you mean {' or '.join(words[:3])}?" if words else "algebra2net gallery lists them")
    raise ValueError(f"there is no network {name} in the gallery; {hint}")


@lru_cache(maxsize=1)
def _entries() -> tuple[Entry, ...]:
    found = [_entry(file.name.removesuffix(".alg"), file.read_text(encoding="utf-8")) for file in files(__package__).iterdir() if file.name.endswith(".alg")]
    return tuple(sorted(found, key=_place))


def _place(entry: Entry) -> tuple[int, float, int, str]:
    """Its family, when its source first appeared, the chapter."""
    posted = re.search(r"arXiv:(\d\d)(\d\d)\.", entry.source)
    years = [float(year) for year in re.findall(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)", entry.source)]
    chapter = re.search(r"ch\. (\d+)", entry.source)
    when = 2000 + int(posted[1]) + int(posted[2]) / 100 if posted else min(years, default=0.0)
    return FAMILIES.index(entry.family), when, int(chapter[1]) if chapter else 0, entry.name


def _entry(name: str, text: str) -> Entry:
    lines = text.split("\n")
    said = {match[1]: match[2].strip() for line in lines if (match := _FIELD.match(line))}
    declared = [statement for statement in read(text, "plain") if isinstance(statement, Declaration)]
    places = {declaration.span.line for declaration in declared}
    return Entry(
        name=name,
        title=said["title"],
        source=said["source"],
        family=said["family"],
        text=text,
        equations="\n".join(line for place, line in enumerate(lines, 1) if place not in places and not _FIELD.match(line)).strip(),
        declarations="\n".join(line for place, line in enumerate(lines, 1) if place in places),
        shapes={declaration.name.key: declaration.sizes for declaration in declared},
        wrt=tuple(names.key(word) for word in _listed(said["wrt"])) if "wrt" in said else None,
        domain={names.key(word): kind for word, kind in (pair.split() for pair in _listed(said.get("domain", "")))},
        note=said.get("note", ""),
    )


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


# ----------------------------------------------------------------------------------------- where inputs are drawn from

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]


def _probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    weights = rng.uniform(0.2, 1.0, shape)
    shares: NDArray[np.float64] = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def _one_hot(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


def _flags(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    flags = np.arange(math.prod(shape), dtype=np.float64) % 2
    return rng.permutation(flags).reshape(shape)


def _positive_definite(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    root = rng.standard_normal(shape)
    return root @ root.T / shape[0] + np.eye(shape[0])


def _graph(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The adjacency matrix of a path with one more edge: symmetric, without loops, no node alone."""
    size = shape[0]
    edges = np.eye(size, k=1)
    edges[0, size - 1] = 1
    return edges + edges.T


DOMAINS: Mapping[str, Draw] = {
    "any": lambda rng, shape: rng.standard_normal(shape),
    "positive": lambda rng, shape: rng.uniform(0.5, 2.0, shape),
    "unit": lambda rng, shape: rng.uniform(0.05, 0.95, shape),
    "small": lambda rng, shape: 0.3 * rng.standard_normal(shape),
    "probabilities": _probabilities,
    "onehot": _one_hot,
    "flags": _flags,
    "signs": lambda rng, shape: 2 * _flags(rng, shape) - 1,
    "definite": _positive_definite,
    "graph": _graph,
}
