"""Where in a larger array a matrix lies.

In    the nodes of a function in their order, and which of them loops make
Out   the place of what is made in a larger matrix, and of the blocks of a product
Idea  what a loop writes to its place among others need not be copied there
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from algebra2net.optimize.graph import Node
from algebra2net.optimize.joint import STACKS, cut_of


@dataclass(frozen=True)
class Place:
    """Some rows and columns of an array that has memory of its own."""

    whole: Node
    rows: slice
    columns: slice

    @classmethod
    def of(cls, node: Node, row: int = 0, column: int = 0, whole: Node | None = None) -> Place:
        """The place of a matrix that begins there."""
        assert node.shape is not None
        return cls(whole or node, slice(row, row + int(node.shape[0])), slice(column, column + int(node.shape[1])))

    @property
    def has_all_columns(self) -> bool:
        """Whether it is without gaps."""
        return self.whole.shape is not None and self.columns == slice(0, self.whole.shape[1])

    def rows_text(self, name: str) -> str:
        """The text of these rows of the array of that name."""
        return name if self.whole.shape is not None and self.rows == slice(0, self.whole.shape[0]) else f"{name}[{self.rows.start}:{self.rows.stop}]"

    def text(self, name: str) -> str:
        """The text of the place, in the array of that name."""
        return self.rows_text(name) if self.has_all_columns else f"{name}[{self.rows.start}:{self.rows.stop}, {self.columns.start}:{self.columns.stop}]"


class Layout:
    """The places of a function's nodes: `of`. The arrays in `filled` are made empty, before the first part of theirs is."""

    def __init__(self, order: Sequence[Node], made: set[Node], final: set[Node]) -> None:
        self.of: dict[Node, Place] = {}
        self.filled: set[Node] = set()
        for node in reversed(order):  # what is larger comes first
            if node.op in STACKS:
                for part, place in self.parts(node):
                    if (part in made or part.op in STACKS) and not {part} & (final | self.of.keys()) and node.args.count(part) == 1:
                        self.of[part] = place
                        self.filled.add(place.whole)
        for node in order:
            if node.op == "block":
                row, column = (part.start if part else 0 for part in cut_of(node))
                whole = node.args[0]
                own = self.of.get(whole) or Place.of(whole)
                self.of[node] = Place.of(node, own.rows.start + row, own.columns.start + column, own.whole)

    def parts(self, node: Node) -> Iterator[tuple[Node, Place]]:
        """The parts of a matrix, and where in it, or in what it is itself a part of, they belong."""
        own = self.of.get(node) or Place.of(node)
        row, column = own.rows.start, own.columns.start
        for part in node.args:
            place = Place.of(part, row, column, own.whole)
            yield part, place
            row, column = (place.rows.stop, column) if STACKS[node.op] == 0 else (row, place.columns.stop)

    def is_filled(self, node: Node) -> bool:
        """Whether a matrix is put together in a place that is there already."""
        return node.op in STACKS and (node in self.of or node in self.filled)

    def missing(self, node: Node) -> list[tuple[Node, Place]]:
        """The parts of a matrix that are not made in their place."""
        return [(part, place) for part, place in self.parts(node) if self.of.get(part) != place]

    def whole(self, node: Node) -> Node | None:
        """The array that is made empty, and of which a node fills a part."""
        found = node if node in self.filled else self.of[node].whole if node in self.of else None
        return found if found is not None and found in self.filled else None
