"""Products that nobody waits for, as one product of stacks of matrices.

In    the statements of a function, and who has whose memory
Out   the statements with products of equal sizes side by side; of those, the lines of one call, and which matrix is made in
      which slot of which stack
Idea  a matrix that is made in a slot of one array need not be copied to be stacked

In a deep net of equal layers these are the gradients of the weights, hᵀ δ, and of the biases, 1ᵀ δ: each of a few
thousand products of numbers, a call of its own costs as much as they do.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import proxy

from algebra2net.optimize.graph import WRITTEN, Node
from algebra2net.optimize.rules import entries

if TYPE_CHECKING:
    from algebra2net.optimize.emit import Lines

FEW = 14  # products; fewer are done as soon one by one
MANY = 64  # products; of more, the first factors have left the cache
COSTLY = 1 << 18  # products of numbers in a product of matrices; beyond, what a call costs is nothing to it
LARGEST = 1 << 12  # entries of a matrix in a stack


@dataclass(frozen=True)
class Stack:
    """An array of so many matrices."""

    name: str
    shape: tuple[int, int, int]


def takes_place(node: Node) -> bool:
    """Whether a node is made by a call that takes a place to write to."""
    return node.op == "dot" or (node.op in WRITTEN and not node.zero_d)


def factors(product: Node) -> list[Node]:
    """The matrices that a product is of, whether turned or not."""
    return [factor.args[0] if factor.op == "T" else factor for factor in product.args]


class Stacks:
    """The calls that do many products of a function, and the slots of what these are of."""

    def __init__(self, lines: Lines) -> None:
        self.lines: Lines = proxy(lines)  # which have these
        self.groups: list[list[Node]] = []  # products side by side
        self.movable: dict[Node, bool] = {}  # of each factor of a product, whether it may be made in a slot
        self.slots: dict[Node, tuple[Stack, int]] = {}  # of the first node that has the memory
        self.calls: dict[Node, list[str]] = {}  # the lines of the first product of a call; none for the others
        self.before: dict[Node, str] = {}  # the line that makes a stack, before the statement that first fills a slot

    def slot(self, node: Node) -> str | None:
        """The place that a statement writes to."""
        found = self.slots.get(node)
        return None if found is None else f"{found[0].name}[{found[1]}]"

    # which products

    def arranged(self, statements: list[Node]) -> list[Node]:
        """The statements, products that are alike and that nobody reads where the last of them was."""
        uses = self.lines.uses
        alike: dict[Hashable, list[Node]] = {}
        for node in statements:
            if node.op == "dot" and node not in uses:
                alike.setdefault(self._kind(node), []).append(node)
        alike.pop(None, None)
        self.groups = [products[start : start + MANY] for products in alike.values() if len(products) >= FEW for start in range(0, len(products), MANY)]
        if not self.groups:
            return statements
        last = {group[-1]: group for group in self.groups}
        moved = {node for group in self.groups for node in group}
        return [each for node in statements for each in last.get(node, () if node in moved else (node,))]

    def _kind(self, product: Node) -> Hashable:
        """What products have in common that one call can do; None for others."""
        first, size = product.args[0], entries(product)
        between = first.shape[1] if first.shape is not None else "?"
        if size is None or not isinstance(between, int) or between == 1 or size * between > COSTLY:
            return None
        alone = [None if self._is_movable(factor) else factor for factor in factors(product)]
        return (product.shape, between, *(factor.op == "T" for factor in product.args), *alone) if None in alone else None

    def _is_movable(self, node: Node) -> bool:
        """Whether a matrix may be made in a slot."""
        found = self.movable.get(node)
        if found is None:
            known = node in self.lines.final or node in self.lines.inside
            found = self.movable[node] = takes_place(node) and node.fresh and not node.boolean and not known and (entries(node) or LARGEST) < LARGEST
        return found

    # which slots

    def fill(self) -> None:
        """Give slots to the factors, when it is known who takes over whose memory and who has which name."""
        if self.groups:
            self.root = self._roots()
            self._write([run for group in sorted(self.groups, key=len, reverse=True) for run in self._runs(group)])

    def _roots(self) -> dict[Node, Node]:
        """Of each statement that takes over memory, the first that has it."""
        found: dict[Node, Node] = {}
        heirs = self.lines.heir
        for node in self.lines.statements:
            heir = heirs.get(node)
            if heir is not None:
                found[node] = found.get(heir, heir)
        return found

    def _at(self, node: Node) -> tuple[Stack, int] | None:
        return self.slots.get(self.root.get(node, node))

    def _lies(self, lane: int, product: Node) -> tuple[object, ...]:
        """Where the factors of a product lie, the same for those that one call can do: one for all, in slots one after the other, or in none yet."""
        found: list[object] = []
        for factor in factors(product):
            root = self.root.get(factor, factor)
            place = self.slots.get(root)
            found.append((place[0].name, place[1] - lane) if place else None if self.movable[factor] and takes_place(root) else factor)
        return tuple(found)

    def _runs(self, group: Sequence[Node]) -> Iterator[list[Node]]:
        """Products that lie alike; those of their factors that have no slot yet get one."""
        for lies, pairs in itertools.groupby(enumerate(group), key=lambda pair: self._lies(*pair)):
            run = [product for _, product in pairs]
            bare = [[self.root.get(factor, factor) for factor in (factors(product)[k] for product in run)] for k, where in enumerate(lies) if where is None]
            if len(run) < FEW or len({root for roots in bare for root in roots}) < len(bare) * len(run):
                continue
            for roots in bare:
                stack = self._new(roots[0], len(run))
                self.slots.update((root, (stack, k)) for k, root in enumerate(roots))
            yield run

    def _new(self, first: Node, count: int) -> Stack:
        """A stack of so many matrices like this one."""
        name = self.lines.free(re.sub(r"_?\d+_?$", "", self.lines.names[first]) + "_all")
        self.lines.taken_names.add(name)
        rows, columns = first.shape or (0, 0)
        return Stack(name, (count, int(rows), int(columns)))

    # the lines

    def _write(self, runs: Sequence[Sequence[Node]]) -> None:
        """The lines of all calls, and where each stack is made."""
        self.calls = {node: [] for run in runs for node in run}
        made: set[str] = set()
        dtype = f"{self.lines.names[self.lines.graph.of[self.lines.graph.program.inputs[0]]]}.dtype"
        for node in self.lines.statements:
            found = self.slots.get(node)
            if found is not None and found[0].name not in made:
                made.add(found[0].name)
                self.before[node] = f"{found[0].name} = np.empty({found[0].shape}, {dtype})"
        for run in runs:
            words = ", ".join(self._operand(run, k) for k in (0, 1))
            self.calls[run[0]] = [f"{', '.join(self.lines.names[each] for each in run)} = np.matmul({words})"]

    def _operand(self, run: Sequence[Node], k: int) -> str:
        """The text of an operand of a call: the slots of a stack, or what all share."""
        first, second = (factors(product)[k] for product in run[:2])
        turned = run[0].args[k].op == "T"
        if first is second:
            return self.lines.operand(first) + ".T" * turned
        at = self._at(first)
        assert at is not None
        (stack, start), count = at, len(run)
        return (stack.name if stack.shape[0] == count else f"{stack.name}[{start}:{start + count}]") + ".transpose(0, 2, 1)" * turned
