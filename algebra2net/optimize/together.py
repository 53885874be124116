"""Which statements one call can do: alike, of equal sizes, and none resting on another.

In    the statements of a function
Out   the same statements, those that are alike side by side, as late as the first of them may be and as early as the last
Idea  what can be done together is held back, and with it all that rests on it, until the last of its kind has come

In a deep net of equal layers these are the gradients of the weights, hᵀ δ, and of the biases, 1ᵀ δ, for which nobody
waits, and the slopes, which wait for nobody in the forward pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from algebra2net.optimize.graph import IN_PLACE, LARGE, Node
from algebra2net.optimize.rules import MANY, entries

if TYPE_CHECKING:
    from algebra2net.optimize.emit import Lines

FEW = 4  # statements; fewer are done sooner one by one
FEW_PRODUCTS = 8  # the same of products
COSTLY = 1 << 18  # products of numbers in a product of matrices; beyond, what a call costs is nothing to it
LARGEST = 1 << 12  # entries of a matrix in a stack
CACHED = 1 << 15  # entries of a stack of which each is read again and again
DEEP = 4  # how often what was held back is looked through again


@dataclass(frozen=True)
class Side:
    """A factor of a product: the matrix that it is made of, and whether that is turned."""

    matrix: Node
    turned: bool

    @classmethod
    def of(cls, factor: Node) -> Side:
        """The side that a factor is."""
        return cls(factor.args[0], True) if factor.op == "T" else cls(factor, False)


def takes_place(node: Node) -> bool:
    """Whether a node is made by a call that takes a place to write to."""
    return node.op == "dot" or (node.op in IN_PLACE and not node.zero_d)


def operands(node: Node) -> list[Node]:
    """The matrices and numbers that a statement is done on."""
    return [Side.of(factor).matrix for factor in node.args] if node.op == "dot" else list(node.args)


def evenly(number: int, most: int) -> int:
    """How many go into each of as few parts as there must be."""
    parts = -(-number // most)
    return -(-number // parts)


def is_enough(node: Node, number: int) -> bool:
    """Whether so many statements like this one are worth a call for all."""
    return number >= (FEW_PRODUCTS if node.op == "dot" else FEW)


class Together:
    """The groups of a function's statements that stand together."""

    def __init__(self, lines: Lines, statements: Sequence[Node]) -> None:
        self.lines = lines
        self.groups: list[list[Node]] = []
        self.led: dict[int, Sequence[Node]] = {}  # those groups that are not looked at again, by their first
        self.following: set[int] = set()  # the others of these groups
        self.slots = {id(node) for node in statements if self.may_be_slot(node, LARGEST)}
        self.joined = {id(node) for node in statements if node.op == "stacked" and 2 * sum(self.may_be_slot(part, LARGE) for part in node.args) > len(node.args)}
        self.keys: dict[int, Hashable] = {}
        self.most: dict[Hashable, int] = {}  # how many of a kind one call does
        if len(self.slots) < FEW:
            return
        keys = self._entrywise(statements) | {id(node): key for node in statements if node.op == "dot" and (key := self._product(node)) is not None}
        first = {keys[id(node)]: node for node in reversed(statements) if id(node) in keys}
        count = {key: number for key, number in Counter(keys.values()).items() if is_enough(first[key], number)}
        if not count:
            return
        for key in count.keys() - self._chained(statements, keys, list(count)):
            self.most[key] = evenly(count[key], MANY if first[key].op == "dot" else min(MANY, CACHED // (entries(first[key]) or 1)))
        self.keys = {node: key for node, key in keys.items() if key in self.most}

    def may_be_slot(self, node: Node, limit: int) -> bool:
        """Whether a matrix may be made in a slot: it has fewer entries, and is made by a call that takes a place to write to."""
        own = takes_place(node) and node.fresh and not node.boolean and id(node) not in self.lines.final and id(node) not in self.lines.inside
        return own and (entries(node) or limit) < limit

    # what is alike

    def _product(self, product: Node) -> Hashable:
        """What products have in common that one call can do; None for others."""
        if product.shape is None or product.args[0].shape is None:
            return None
        rows, between, columns = *product.args[0].shape, product.shape[1]
        if not (isinstance(rows, int) and isinstance(between, int) and isinstance(columns, int)) or between == 1 or rows * between * columns > COSTLY:
            return None
        sides = [Side.of(factor) for factor in product.args]
        alone = [None if id(side.matrix) in self.slots else id(side.matrix) for side in sides]
        if None not in alone or not any(side.turned or side.matrix.op == "ones" for side in sides):
            return None
        return rows, between, columns, *(side.turned for side in sides), *alone

    def _entrywise(self, statements: Sequence[Node]) -> dict[int, Hashable]:
        """The same of what is done entry by entry: its form as far as the next operation of another kind, and what is no small matrix."""
        forms: dict[object, int] = {}
        form: dict[int, int] = {}
        found: dict[int, Hashable] = {}
        for node in statements:
            if id(node) in self.slots and node.op != "dot":
                text = (node.op, node.shape, *[form.get(id(arg), (arg.op, arg.shape)) for arg in node.args])
                form[id(node)] = forms.setdefault(text, len(forms))
                found[id(node)] = form[id(node)], *[None if id(arg) in self.slots else id(arg) for arg in node.args]
        return found

    def _chained(self, statements: Sequence[Node], keys: Mapping[int, Hashable], kinds: Sequence[Hashable]) -> set[Hashable]:
        """Those kinds of which one rests on another."""
        bits = {kind: 1 << k for k, kind in enumerate(kinds)}
        rests: dict[int, int] = {}  # the kinds that a statement rests on, its own included
        chained = 0
        for node in statements:
            below = 0
            for arg in self.lines.reads(node):
                below |= rests.get(id(arg), 0)
            own = bits.get(keys.get(id(node)), 0)
            chained |= below & own
            if below | own:
                rests[id(node)] = below | own
        return {kind for kind, bit in bits.items() if chained & bit}

    # their order

    def arranged(self, statements: list[Node]) -> list[Node]:
        """The statements, those that are alike side by side: first what is done entry by entry, then products."""
        products = {id(node) for node in statements if node.op == "dot"}
        for kind in (self.keys.keys() - products, self.keys.keys() & products):
            statements = self._held_back(statements, {node: self.keys[node] for node in kind}, DEEP) if kind else statements
            self.led = {id(group[0]): group for group in self.groups}
            self.following = {id(node) for group in self.groups for node in group[1:]}
        return statements

    def _held_back(self, statements: list[Node], keys: Mapping[int, Hashable], deep: int) -> list[Node]:
        """The statements, what has a key held back until the last of its kind has come; what rests on it goes after it."""
        found: list[Node] = []
        rest: list[Node] = []
        waiting: dict[Hashable, list[Node]] = {}
        lane: dict[int, int] = {}  # of each that waits, its place among those of its kind
        late: set[int] = set()  # what goes after them

        def close() -> None:
            for alike in waiting.values():
                found.extend(alike)
                if is_enough(alike[0], len(alike)):
                    self.groups.append(alike)
            found.extend(self._held_back(rest, keys, deep - 1) if deep and len(rest) >= FEW else rest)
            for held in (rest, waiting, lane, late):
                held.clear()

        for node in statements:
            if id(node) in self.following:
                continue  # it goes where the first of its group goes
            group = self.led.get(id(node), (node,))
            key = keys.get(id(node))
            reads = {id(arg) for each in group for arg in self.lines.reads(each)} if lane else set()
            if key is not None and late.isdisjoint(reads):
                if len(waiting.get(key, ())) == self.most[key]:
                    close()
                place = len(waiting.get(key, ()))
                if all(lane.get(arg, place) == place for arg in reads) and (node.op != "dot" or lane.keys().isdisjoint(reads)):
                    waiting.setdefault(key, []).append(node)
                    lane[id(node)] = place
                    continue
            if late.isdisjoint(reads) and lane.keys().isdisjoint(reads):
                found.extend(group)
            else:
                rest.extend(group)
                late.update(map(id, group))
        close()
        return found
