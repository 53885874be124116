"""What many steps ask of one matrix, as one product.

In    the nodes of a function in their order, none of which has been given a line
Out   the same, but that inputs which are multiplied by one matrix are stacked, multiplied once, and the product is cut into rows
Idea  a recurrent net's inputs are there from the start: x₁ W, x₂ W, … are the rows of [x₁; x₂; …] W, and BLAS takes a tenth less
      time for one large product than for many small ones
"""

from __future__ import annotations

from collections.abc import Sequence

from algebra2net.optimize.graph import Graph, Node
from algebra2net.optimize.rules import MANY

FEW = 4  # products; fewer are done as soon one by one
COSTLY = 1 << 22  # products of numbers in a product of matrices; beyond, BLAS is at its best


def joined(order: Sequence[Node], graph: Graph, final: set[Node]) -> list[Node]:
    """The nodes with products of inputs by one matrix done together."""
    alike: dict[tuple[Node, object], list[Node]] = {}
    for node in order:
        if is_joinable(node) and node not in final:
            alike.setdefault((node.args[1], node.args[0].shape), []).append(node)
    stacks = {frozenset(node.args): node for node in order if node.op == "stacked"}
    first: dict[Node, Node] = {}  # what is done at the beginning
    for products in alike.values():
        inputs = dict.fromkeys(product.args[0] for product in products)
        if not FEW <= len(inputs) == len(products) <= MANY:
            continue
        stack = stacks.setdefault(frozenset(inputs), graph.stacked(tuple(inputs)))
        whole = graph.plain("dot", (stack, products[0].args[1]))
        first |= {stack: stack, whole: whole}
        for product in products:
            become_rows(product, whole, stack)
    return [*first.values(), *(node for node in order if node not in first)]


def is_joinable(node: Node) -> bool:
    """Whether a node is a small product of two inputs."""
    if node.op != "dot" or any(arg.op != "input" or arg.shape is None for arg in node.args):
        return False
    sizes = (*node.args[0].shape, node.args[1].shape[1])  # type: ignore[misc,index]
    return all(isinstance(size, int) for size in sizes) and sizes[0] * sizes[1] * sizes[2] <= COSTLY


def become_rows(product: Node, whole: Node, stack: Node) -> None:
    """Make a product the rows of a larger one that nobody else reads: memory of its own, as before."""
    assert product.shape is not None
    place, height = stack.args.index(product.args[0]), int(product.shape[0])
    product.op, product.args, product.data = "rows", (whole,), slice(place * height, (place + 1) * height)
