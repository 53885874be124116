"""Many small products of equal shapes as one product of stacks of matrices.

In    the statements of a function, and who has whose memory
Out   the products that one call can do, side by side; which matrix is written into which slot of which stack
Idea  a matrix that is made in a slot of one array need not be copied to be stacked

In a deep net of equal layers these are the gradients of the weights, hᵀ δ, and of the biases, 1ᵀ δ: nobody waits for
them, so they are done when the last of them can be. The results are slots, too, of one array that is made by that call.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from algebra2net import names
from algebra2net.optimize.graph import IN_PLACE, Node
from algebra2net.optimize.rules import MANY, entries

if TYPE_CHECKING:
    from algebra2net.optimize.emit import Lines

FEW = 8  # products; fewer are done sooner one by one
COSTLY = 1 << 18  # products of numbers in a product of matrices; beyond, what a call costs is nothing to it
LARGEST = 1 << 12  # entries of a matrix in a slot


@dataclass(frozen=True)
class Side:
    """A factor of a product: the matrix that it is made of, and whether that is turned."""

    matrix: Node
    turned: bool

    @classmethod
    def of(cls, factor: Node) -> Side:
        """The side that a factor is."""
        return cls(factor.args[0], True) if factor.op == "T" else cls(factor, False)


class Stacks:
    """The products of a function that are done together, and the slots of their factors."""

    def __init__(self, lines: Lines, statements: Sequence[Node]) -> None:
        self.lines = lines
        keys = {id(node): key for node in statements if (key := self._key(node)) is not None}
        count = Counter(keys.values())
        self.keys = {product: key for product, key in keys.items() if count[key] >= FEW}
        self.end: dict[int, Node] = {}  # of each product, the last of those that stand beside it
        self.shapes: dict[str, tuple[int, int, int]] = {}  # of each stack
        self.slots: dict[int, tuple[str, int]] = {}  # of a factor, and of the first node that has its memory
        self.made: dict[int, list[str]] = {}  # the lines that make stacks, before the statement that fills the first slot
        self.calls: dict[int, list[str]] = {}  # the line of the first product of a group; none for the others
        self.readers: dict[str, Node] = {}  # of each stack, the last product that reads it

    # which products

    def _key(self, product: Node) -> tuple[object, ...] | None:
        """What products have in common that one call can do; None for other statements."""
        if product.op != "dot" or product.shape is None or product.args[0].shape is None:
            return None
        rows, between, columns = *product.args[0].shape, product.shape[1]
        if not (isinstance(rows, int) and isinstance(between, int) and isinstance(columns, int)) or between == 1 or rows * between * columns > COSTLY:
            return None
        sides = [Side.of(factor) for factor in product.args]
        alone = [None if self._is_stackable(side.matrix) else id(side.matrix) for side in sides]
        if None not in alone or not any(side.turned or side.matrix.op == "ones" for side in sides):
            return None
        return rows, between, columns, *(side.turned for side in sides), *alone

    def _is_stackable(self, node: Node) -> bool:
        """Whether a matrix may be made in a slot: it is small, and made by a call that takes a place to write to."""
        own = node.fresh and not node.boolean and not node.zero_d and id(node) not in self.lines.final and id(node) not in self.lines.inside
        return own and takes_place(node) and (entries(node) or COSTLY) <= LARGEST

    def together(self, statements: list[Node]) -> list[Node]:
        """The statements; products that are alike side by side, after all that does not rest on them."""
        if not self.keys:
            return statements
        found: list[Node] = []
        rest: list[Node] = []
        waiting: dict[object, list[Node]] = {}
        late: set[int] = set()

        def close() -> None:
            for products in waiting.values():
                self.end.update((id(node), products[-1]) for node in products)
                found.extend(products)
            found.extend(rest)
            waiting.clear()
            rest.clear()
            late.clear()

        for node in statements:
            key = self.keys.get(id(node))
            rests = bool(late) and any(id(arg) in late for arg in self.lines.reads(node))
            if key is not None and (rests or len(waiting.get(key, ())) == MANY):
                close()
            if key is None and not rests:
                found.append(node)
                continue
            (rest if key is None else waiting.setdefault(key, [])).append(node)
            late.add(id(node))
        close()
        return found

    # which slots

    def settle(self) -> None:
        """Give factors their slots, where the memory and the names of all statements are settled."""
        if not self.keys:
            return
        for together in sorted(self._side_by_side(), key=len, reverse=True):
            for run in self._runs(together):
                if len(run) >= FEW:
                    self._stack(run)
        seen: set[str] = set()
        for node in self.lines.statements:
            stack = self.slots.get(id(node), ("", 0))[0]
            if stack and stack not in seen:
                seen.add(stack)
                self.made.setdefault(id(node), []).append(f"{stack} = np.empty({self.shapes[stack]}, dtype)")

    def _side_by_side(self) -> list[list[Node]]:
        """The products that stand together, without those of which a factor has no place that could be a slot."""
        products = [node for node in self.lines.statements if id(node) in self.end]
        groups = itertools.groupby(products, key=lambda node: id(self.end[id(node)]))
        return [[node for node in group if all(self._has_place(Side.of(factor).matrix) for factor in node.args)] for _, group in groups]

    def _has_place(self, factor: Node) -> bool:
        root = self.lines.root(factor)
        return not self._is_stackable(factor) or (takes_place(root) and id(root) not in self.end)

    def _runs(self, products: Sequence[Node]) -> list[list[Node]]:
        """The products, those together whose factors are one matrix, or in slots one after the other, or still without."""
        found: list[list[Node]] = []
        before: list[str] | None = None
        seen: set[int] = set()
        for node in products:
            steps = self._steps(found[-1][-1], node, seen) if found else None
            if steps is not None and before in (None, steps):
                found[-1].append(node)
            else:
                found.append([node])
                steps = None
                seen = {id(Side.of(factor).matrix) for factor in node.args}
            seen.update(id(Side.of(factor).matrix) for factor in node.args)
            before = steps
        return found

    def _steps(self, last: Node, node: Node, seen: set[int]) -> list[str] | None:
        """How the factors of a product follow those of the last; None where they do not."""
        steps: list[str] = []
        for factor, other in zip(node.args, last.args, strict=True):
            matrix, previous = Side.of(factor).matrix, Side.of(other).matrix
            here, there = self.slots.get(id(matrix)), self.slots.get(id(previous))
            if matrix is previous:
                steps.append("same")
            elif here is not None and there is not None and here == (there[0], there[1] + 1):
                steps.append("next")
            elif here is None and there is None and id(matrix) not in seen:
                steps.append("new")
            else:
                return None
        return steps if steps != ["same", "same"] and Side.of(node.args[0]).matrix is not Side.of(node.args[1]).matrix else None

    def _stack(self, run: Sequence[Node]) -> None:
        """The call that does these products, their factors in slots."""
        left, right = (self._factor([Side.of(node.args[k]) for node in run]) for k in (0, 1))
        self.calls.update((id(node), []) for node in run)
        self.calls[id(run[0])] = [f"{', '.join(self.lines.names[id(node)] for node in run)} = np.matmul({left}, {right})"]
        for stack in {self.slots[id(side.matrix)][0] for factor in run[0].args if id((side := Side.of(factor)).matrix) in self.slots}:
            self.readers[stack] = max(self.readers.get(stack, run[-1]), run[-1], key=lambda node: self.lines.place[id(node)])

    def _factor(self, sides: Sequence[Side]) -> str:
        """The text of an operand of the call: the slots of a stack, or the matrix that all share."""
        first, turned = sides[0].matrix, sides[0].turned
        if first is sides[1].matrix:
            return self.lines.operand(first) + ".T" * turned
        if id(first) not in self.slots:
            self._fill([side.matrix for side in sides])
        stack, start = self.slots[id(first)]
        cut = "" if self.shapes[stack][0] == len(sides) else f"[{start}:{start + len(sides)}]"
        return stack + cut + ".transpose(0, 2, 1)" * turned

    def _fill(self, matrices: Sequence[Node]) -> None:
        """Give these the slots of a new stack, in this order."""
        word = re.sub(r"_?\d+_?$", "", self.lines.names[id(matrices[0])])
        stack = names.identifier(f"{word}_all", self.lines.taken_names | set(self.shapes))
        rows, columns = matrices[0].shape or (0, 0)
        self.shapes[stack] = len(matrices), int(rows), int(columns)
        for k, matrix in enumerate(matrices):
            self.slots[id(matrix)] = self.slots[id(self.lines.root(matrix))] = stack, k


def takes_place(node: Node) -> bool:
    """Whether a node is made by a call that takes a place to write to."""
    return node.op == "dot" or (node.op in IN_PLACE and not node.zero_d)
