"""Products that share a factor, as one.

In    the nodes of a function in their order, none of which has been given a line
Out   the same function, whose small products are blocks of larger ones
Idea  x₁ W and x₂ W are the rows of [x₁; x₂] W; h U and h V the columns of h [U V]; d Uᵀ + e Vᵀ is [d e] [U V]ᵀ. BLAS takes up to
      a fifth less time for one large product than for many small ones

What is put together must be there from the start, and is copied once for many products; or loops make it, in its place in the
larger matrix (`layout.py`). In a recurrent net the former are its inputs and its weights, the latter its states and its deltas.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import reduce
from typing import TypeVar

from algebra2net.optimize.fusion import is_constant
from algebra2net.optimize.graph import Graph, Node
from algebra2net.optimize.roles import is_entrywise
from algebra2net.optimize.rules import MANY, entries

FEW = 4  # products; fewer are done as soon one by one
COSTLY = 1 << 22  # products of numbers in a product of inputs; beyond, BLAS is at its best
WIDE = 512  # columns; so wide a factor alone keeps BLAS at its best
TALL = 256  # rows that are multiplied, or summed over; of fewer, a product costs less than to copy what is put together
STACKS = {"stacked": 0, "beside": 1}  # the axis along which matrices are put together

Cut = tuple[slice | None, slice | None]  # rows and columns, all where it is None
Member = TypeVar("Member")


def joined(order: Sequence[Node], graph: Graph, final: set[Node]) -> list[Node]:
    """The nodes in an order in which they can be computed, products that share a factor done together."""
    for improve in (Joint.inputs_by_one_matrix, Joint.sums, Joint.by_one_right_factor, Joint.by_one_left_factor):
        improve(Joint(order, graph, final))
        order = in_order(order, final)
    return [*order]


def in_order(order: Sequence[Node], final: set[Node]) -> list[Node]:
    """These nodes, as far as results rest on them, each after what has come to be before it."""
    open_ones = [node for node in order if node in final]
    needed = set(final)
    for node in open_ones:
        for arg in () if is_constant(node) else node.args:
            if arg not in needed:
                needed.add(arg)
                open_ones.append(arg)
    found: list[Node] = []
    done: set[Node] = set()
    open_ones = [node for node in reversed(order) if node in needed]
    while open_ones:
        node = open_ones[-1]
        before = [arg for arg in node.args if arg not in done and arg.op != "input"] if node not in done and not is_constant(node) else []
        if before:
            open_ones += reversed(before)
            continue
        open_ones.pop()
        if node not in done:
            done.add(node)
            found.append(node)
    return found


class Joint:
    """The nodes of a function, of which products are put together."""

    def __init__(self, order: Sequence[Node], graph: Graph, final: set[Node]) -> None:
        self.order = order
        self.graph = graph
        self.final = final
        self.products = [node for node in order if node.op == "dot" and all(has_sizes(arg) for arg in node.args)]
        self.whole = {(node.op, frozenset(node.args)): node for node in order if node.op in STACKS}
        self.users: dict[Node, list[Node]] = {}
        for node in order:
            for arg in node.args:
                self.users.setdefault(arg, []).append(node)

    # a right factor that many have

    def inputs_by_one_matrix(self) -> None:
        """x₁ W, x₂ W, … are the rows of [x₁; x₂; …] W."""
        small = [node for node in self.products if node not in self.final and all(arg.op == "input" for arg in node.args) and volume(node) <= COSTLY]
        for products in grouped(small, lambda node: (node.args[1], node.args[0].shape)):
            inputs = dict.fromkeys(product.args[0] for product in products)
            if FEW <= len(inputs) == len(products) <= MANY:
                stack = self.together("stacked", [*inputs])
                self.cut(like(stack.args, inputs, products), self.graph.plain("dot", (stack, products[0].args[1])), 0)

    def by_one_right_factor(self) -> None:
        """Aᵀ D and Bᵀ D are the rows of [A B]ᵀ D."""
        turned = [node for node in self.products if node.args[0].op == "T" and height(node.args[1]) >= TALL and self.can_be_placed(node.args[0].args[0])]
        alike = [products for products in grouped(turned, lambda node: node.args[1]) if len(products) > 1]
        for groups in grouped(alike, lambda products: frozenset(product.args[0] for product in products)):
            for products in groups if len(groups) >= FEW else ():
                factors = [product.args[0].args[0] for product in products]
                if self.rests_on(factors, products):
                    continue
                side = self.together("beside", factors)
                self.cut(like(side.args, factors, products), self.graph.plain("dot", (self.graph.plain("T", (side,)), products[0].args[1])), 0)

    # a left factor that many have

    def by_one_left_factor(self) -> None:
        """A U and A V are the columns of A [U V]."""
        narrow = [node for node in self.products if is_narrow(node.args[1])]
        alike = [products for products in grouped(narrow, lambda node: (node.args[0], node.args[1].shape)) if len(products) > 1]
        alike.sort(key=len, reverse=True)  # what is put together lies there for fewer, too
        for groups in grouped(alike, lambda products: frozenset(product.args[1] for product in products)):
            if all(product.args[1].op == "input" for product in groups[0]):
                self.by_weights(groups)
            else:
                self.by_deltas(groups)

    def by_weights(self, groups: Sequence[Sequence[Node]]) -> None:
        """Inputs that many rows are multiplied by, where loops read the products."""
        rows = sum(height(products[0].args[0]) for products in groups)
        if rows >= TALL and all(self.is_for_loops(product) for products in groups for product in products):
            for products in groups:
                weights = [product.args[1] for product in products]
                side = self.together("beside", weights)
                self.cut(like(side.args, weights, products), self.graph.plain("dot", (products[0].args[0], side)), 1)

    def is_for_loops(self, product: Node) -> bool:
        """Whether what is done entry by entry alone reads a product, or its rows."""
        readers = [reader for user in self.users[product] for reader in (self.users[user] if user.op == "block" else [user])]
        return product not in self.final and all(is_entrywise(reader) for reader in readers)

    def by_deltas(self, groups: Sequence[Sequence[Node]]) -> None:
        """What loops have made, of which many rows are summed over."""
        factors = [product.args[1] for product in groups[0]]
        stacks = [factor.args if factor.op == "stacked" else (factor,) for factor in factors]
        if height(factors[0]) < TALL or not all(self.can_be_placed(factor) for factor in factors):
            return
        if len({tuple(part.shape for part in stack) for stack in stacks}) > 1 or any(part.op == "input" for stack in stacks for part in stack):
            return
        order = self.in_common_order(stacks)
        if not order or self.rests_on(factors, [user for factor in factors for user in self.users[factor]]):
            return
        sides = [self.put("beside", parts) for parts in zip(*order, strict=True)]
        side = self.put("stacked", sides) if len(sides) > 1 else sides[0]
        factors = like(sides[0].args, [stack[0] for stack in stacks], factors)
        for products in groups:
            made = self.graph.plain("dot", (products[0].args[0], side))
            self.cut(like(factors, [product.args[1] for product in products], products), made, 1)
        if len(sides) > 1:
            self.cut(factors, side, 1)  # for whoever else reads them
            for factor in factors:
                factor.fresh = False

    def rests_on(self, factors: Sequence[Node], products: Sequence[Node]) -> bool:
        """Whether one of these factors is made of one of the products, which then cannot wait for it."""
        open_ones, seen, wanted = [*factors], set(factors), set(products)
        for node in open_ones:
            fresh = [] if is_constant(node) else [arg for arg in node.args if arg not in seen]
            seen.update(fresh)
            open_ones += fresh
        return not wanted.isdisjoint(seen)

    def in_common_order(self, stacks: Sequence[Sequence[Node]]) -> list[Sequence[Node]]:
        """The stacks in the order in which parts of them are side by side already; none where they are beside others."""
        order = [*stacks]
        for parts in zip(*stacks, strict=True):
            sides = {side: side for part in parts for side in self.users[part] if side.op == "beside"}
            for side in sides.values():
                if {*side.args} != {*parts}:
                    return []
                order = [stacks[parts.index(part)] for part in side.args]
        return order

    # sums

    def sums(self) -> None:
        """d Uᵀ + e Vᵀ is [d e] [U V]ᵀ, where enough sums are of products by the same matrices."""
        members = set(self.products)
        step = {part: place for node in self.order if node.op == "stacked" for place, part in enumerate(node.args)}
        found = [(node, products) for node in self.order if node.op == "add" for products in self.summed(node, members, step)]
        several: dict[Node, list[list[Node]]] = {}
        for sums in grouped(found, lambda each: frozenset(product.args[1] for product in each[1])):
            for node, products in sums if len(sums) >= FEW else ():
                several.setdefault(node, []).append(products)
        for node, parts in several.items():
            self.become_sum(node, parts)

    def summed(self, node: Node, members: set[Node], step: Mapping[Node, int]) -> list[list[Node]]:
        """The products by turned weights in a sum that is no part of a larger one; together those of deltas of one step, each by other weights."""
        if self.is_own(node) and self.users[node][0].op == "add":
            return []
        found = [term for term in self.terms(node) if term in members and term.shape == node.shape and self.is_own(term) and self.is_by_weights(term)]
        together = grouped(found, lambda product: step.get(product.args[0]))
        return [products for products in together if len({product.args[1] for product in products}) == len(products) > 1]

    def is_own(self, node: Node) -> bool:
        """Whether one other node alone reads a node."""
        return len(self.users.get(node, ())) == 1 and node not in self.final

    def terms(self, node: Node) -> list[Node]:
        """What a sum is of."""
        found, open_ones = [], [*node.args]
        while open_ones:
            term = open_ones.pop()
            if term.op == "add" and term.shape == node.shape and self.is_own(term):
                open_ones += term.args
            else:
                found.append(term)
        return found

    def is_by_weights(self, product: Node) -> bool:
        """Whether a product is of what a loop makes and a turned input."""
        delta, weights = product.args
        return weights.op == "T" and weights.args[0].op == "input" and delta.op != "input" and is_narrow(delta) and self.can_be_placed(delta) and delta not in self.final

    def become_sum(self, node: Node, parts: Sequence[Sequence[Node]]) -> None:
        """One product for each of these parts of a sum."""
        merged = {product for products in parts for product in products}
        rest = [term for term in self.terms(node) if term not in merged]
        *others, (deltas, weights) = [self.factors(products) for products in parts]
        rest += [self.graph.plain("dot", each) for each in others]
        if rest:
            node.args = self.graph.plain("dot", (deltas, weights)), reduce(lambda a, b: self.graph.plain("add", (a, b)), rest)
        else:
            node.become("dot", (deltas, weights))

    def factors(self, products: Sequence[Node]) -> tuple[Node, Node]:
        """The deltas side by side, and the turned weights on top of each other."""
        weights = self.together("beside", [product.args[1].args[0] for product in products])
        of = {product.args[1].args[0]: product.args[0] for product in products}
        return self.together("beside", [of[weight] for weight in weights.args]), self.graph.plain("T", (weights,))

    # together

    def can_be_placed(self, node: Node) -> bool:
        """Whether a matrix, or each one that is stacked in it, is there from the start or may be made by a loop."""
        return all(has_sizes(part) and (part.op == "input" or (is_entrywise(part) and not part.boolean)) for part in (node.args if node.op == "stacked" else (node,)))

    def together(self, op: str, parts: Sequence[Node]) -> Node:
        """The matrix of these parts, in the order in which they are put together already, or else in this one."""
        return self.whole.get((op, frozenset(parts))) or self.put(op, parts)

    def put(self, op: str, parts: Sequence[Node]) -> Node:
        """The matrix of these parts in this order."""
        sizes = [int(size) for part in parts if part.shape is not None for size in part.shape]
        length = sum(sizes[STACKS[op] :: 2])
        node = self.graph.plain(op, tuple(parts), None, (sizes[0], length) if op == "beside" else (length, sizes[1]))
        self.whole.setdefault((op, frozenset(parts)), node)
        return node

    def cut(self, products: Sequence[Node], whole: Node, axis: int) -> None:
        """Make products the blocks of a larger one, side by side along an axis; and blocks of theirs, too."""
        start = 0
        for product in products:
            assert product.shape is not None
            part = slice(start, start := start + int(product.shape[axis]))
            cut = (part, None) if axis == 0 else (None, part)
            for user in self.users.get(product, ()):
                if user.op == "block" and user.args[0] is product:
                    rows, columns = cut_of(user)
                    self.become_block(user, whole, (rows or cut[0], columns or cut[1]))
            self.become_block(product, whole, cut)

    def become_block(self, node: Node, whole: Node, cut: Cut) -> None:
        """Make a node a block of one that nobody reads otherwise: memory of its own; but a result has no gaps in it."""
        node.become("block", (whole,), cut)
        node.fresh = cut[1] is None or node not in self.final


def cut_of(block: Node) -> Cut:
    """Which rows and columns of its array a block is."""
    found: Cut = block.data  # type: ignore[assignment]
    return found


def like(order: Sequence[Node], factors: Iterable[Node], products: Sequence[Node]) -> list[Node]:
    """The products in the order that their factors have there."""
    of = dict(zip(factors, products, strict=True))
    return [of[factor] for factor in order]


def grouped(members: Iterable[Member], key: Callable[[Member], Hashable]) -> list[list[Member]]:
    """The members with equal keys together."""
    found: dict[Hashable, list[Member]] = {}
    for member in members:
        found.setdefault(key(member), []).append(member)
    return [*found.values()]


def has_sizes(node: Node) -> bool:
    """Whether it is known how many rows and columns a matrix has."""
    return entries(node) is not None and not node.zero_d


def is_narrow(node: Node) -> bool:
    """Whether a product by this matrix, or of it, is too small for BLAS to be at its best."""
    return entries(node) is not None and node.shape is not None and int(node.shape[1]) <= WIDE


def height(node: Node) -> int:
    """How many rows a matrix has."""
    assert node.shape is not None
    return int(node.shape[0])


def volume(product: Node) -> int:
    """How many products of numbers a product of matrices is."""
    assert product.args[0].shape is not None
    return (entries(product) or 0) * int(product.args[0].shape[1])
