"""What is done in one compiled loop, and in which of the runs that the loop makes over each row.

In    the nodes of a function in their order
Out   a Plan: the loops, each a list of nodes; of each loop its Phases
Idea  every node gets a time: loops are at even ones, what NumPy does between them at odd ones. A node is put into the earliest
      loop in which its operands are there, then moved to the loop that uses it where that keeps fewer arrays

What is made of a whole row, such as its sum, is there once a run over the row is over: what rests on it is done in the next
run, while the row is still in the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from algebra2net.optimize import fast_math
from algebra2net.optimize.graph import Node
from algebra2net.optimize.roles import REDUCED, SPREAD, by_rows, called, called_on_rows, is_entrywise, is_total, kind_of, operands
from algebra2net.program import Shape

LARGEST = 96  # operations in a loop
UNKNOWN = 1000  # entries of a matrix of unknown size: large ones have code of their own


class Plan:
    """Which nodes are done in one loop: `loops`, each in the order of the graph."""

    def __init__(self, order: Sequence[Node], final: set[Node]) -> None:
        self.order = order
        self.final = final
        self.users: dict[Node, list[Node]] = {}
        for node in order:
            for arg in dict.fromkeys(() if is_constant(node) else node.args):
                self.users.setdefault(arg, []).append(node)
        self.time: dict[Node, int] = {}
        self.over: dict[Node, Shape] = {}  # of what is in a loop, the loop's shape
        for node in order:
            self._put(node)
        for node in reversed(order):
            self._move_later(node)
        self.loops = [loop for together in self._together() for loop in self._cut(together) if self.is_worth_it(loop) and self._has_sizes(loop)]

    def shape(self, loop: Sequence[Node]) -> Shape:
        """The shape that a loop goes over."""
        return self.over[loop[0]]

    # when

    def _put(self, node: Node) -> None:
        """Into the earliest loop that can do a node; else between two loops."""
        place = self._earliest(node)
        if place is None:
            last = max((self.time.get(arg, -1) for arg in node.args), default=-1)
            self.time[node] = last if last % 2 else last + 1
        else:
            self.time[node], self.over[node] = place

    def _earliest(self, node: Node) -> tuple[int, Shape] | None:
        """The time and the shape of the earliest loop that can do a node."""
        shape = by_rows(node)
        if shape is not None:
            return self._ready(node, shape), shape
        if is_total(node):
            shape = node.args[0].shape
            assert shape is not None
            there = self._ready(node, shape)
            return (there, shape) if self._goes_on(node, there, shape) else None
        for shape in dict.fromkeys(self.over[arg] for arg in node.args if arg in self.over and arg.shape == node.shape != self.over[arg]):
            there = self._ready(node, shape)
            if is_entrywise(node) and self._goes_on(node, there, shape):
                return there, shape
        if not is_entrywise(node) or (node.op in SPREAD and not self._stays_inside(node)):
            return None
        assert node.shape is not None
        return self._ready(node, node.shape), node.shape

    def _ready(self, node: Node, shape: Shape) -> int:
        """The time of the first loop over that shape that can read all operands."""
        return max((self._there(arg, shape) for arg in operands(node)), default=0)

    def _there(self, arg: Node, shape: Shape) -> int:
        time = self.time.get(arg, -1)
        if arg not in self.over:
            return time + 1
        return time if arg.op not in REDUCED and self.over[arg] == shape else time + 2

    def _goes_on(self, node: Node, time: int, shape: Shape) -> bool:
        """Whether that loop also makes one of the operands."""
        return any(self.over.get(arg) == shape and self.time[arg] == time for arg in operands(node))

    def _stays_inside(self, node: Node) -> bool:
        """Whether loops alone read what has been spread, so that it is never made."""
        return node not in self.final and all(by_rows(user) == node.shape or (is_entrywise(user) and user.shape == node.shape) for user in self.users[node])

    def _move_later(self, node: Node) -> None:
        """Into the loop that uses a node, where then no more arrays are kept than before."""
        if self.over.get(node) != node.shape or node in self.final or by_rows(node):
            return
        users, now = self.users.get(node, []), self.time[node]
        then = min((self.time[user] for user in users), default=now)
        if then <= now or then % 2 or not all(self.time[user] > then or self.over.get(user) == node.shape for user in users):
            return
        if not any(self._is_kept_for(arg, node, now) for arg in dict.fromkeys(node.args)):
            self.time[node] = then

    def _is_kept_for(self, arg: Node, node: Node, now: int) -> bool:
        """Whether an operand would have to be kept for a node alone, if that were done later."""
        if arg.shape != node.shape or arg.op in ("const", "input"):
            return False
        return arg not in self.final and all(user is node or self.time[user] <= now for user in self.users[arg])

    # together

    def _together(self) -> list[list[Node]]:
        """Nodes of one time and shape that read each other, or the same array."""
        leader: dict[object, object] = {}

        def lead(key: object) -> object:
            while leader.setdefault(key, key) != key:
                leader[key] = leader[leader[key]]
                key = leader[key]
            return key

        members = [node for node in self.order if node in self.over]
        for node in members:
            place = self._place(node)
            for arg in operands(node):
                if arg.shape == place[1] or (arg in self.over and self._place(arg) == place):
                    leader[lead((place, arg))] = lead((place, node))
        found: dict[object, list[Node]] = {}
        for node in members:
            found.setdefault(lead((self._place(node), node)), []).append(node)
        return list(found.values())

    def _place(self, node: Node) -> tuple[int, Shape]:
        return self.time[node], self.over[node]

    @staticmethod
    def _cut(together: Sequence[Node]) -> list[list[Node]]:
        return [list(together[start : start + LARGEST]) for start in range(0, len(together), LARGEST)]

    def is_worth_it(self, loop: Sequence[Node]) -> bool:
        """Whether a loop takes less time than NumPy for each of its operations; in microseconds, as measured."""
        inside = set(loop)
        shape = self.shape(loop)
        rows, columns = shape
        entries = rows * columns if isinstance(rows, int) and isinstance(columns, int) else UNKNOWN
        arrays = {arg for node in loop for arg in node.args if arg not in inside and arg.shape == shape}
        passed = len(arrays) + sum(self.escapes(node, inside) for node in loop if node.shape == shape)
        whole = sum(operations(node) for node in loop if by_rows(node) or node.shape == shape or node.op in REDUCED)
        once = sum(operations(node) for node in loop) - whole
        return whole > 1 and whole * (0.4 + entries * 1.5e-4) + once * 0.4 > 1.2 * (0.3 + passed * (0.1 + entries * 0.5e-4))

    def _has_sizes(self, loop: Sequence[Node]) -> bool:
        """Whether the arrays of a loop say how many rows and columns there are: not if all are spread from one column."""
        inside, shape = set(loop), self.shape(loop)
        kinds = {kind_of(arg, shape) for node in loop for arg in operands(node) if arg not in inside}
        return "whole" in kinds or {"row", "column"} <= kinds or any(node.shape == shape and self.escapes(node, inside) for node in loop)

    def escapes(self, node: Node, inside: set[Node]) -> bool:
        """Whether a node's value is needed outside its loop."""
        return node in self.final or any(user not in inside for user in self.users.get(node, ()))


def operations(node: Node) -> int:
    """How many of NumPy's operations a node stands for."""
    return fast_math.CALLS.get(called(node)) or fast_math.ROWS.get(called_on_rows(node)) or int(node.op not in ("cast", *SPREAD))


def is_constant(node: Node) -> bool:
    """Whether a node is an array of ones of known size, which looks at nothing but a float type."""
    return node.op == "ones" and "shape" not in str(node.data)


class Phases:
    """In which run over a row each node of a loop is done: `of`. What is made of a whole row is there when the run in `of` begins.

    `kept` are the entries that a later run reads; `last` says of what else is read, in which run it is for the last time.
    """

    def __init__(self, loop: Sequence[Node], shape: Shape) -> None:
        self.shape = shape
        self.inside = set(loop)
        self.users: dict[Node, list[Node]] = {}
        for node in loop:
            for arg in operands(node):
                self.users.setdefault(arg, []).append(node)
        self.of: dict[Node, int] = {}
        for node in loop:
            self.of[node] = self._earliest(node)
        for node in reversed(loop):
            self._move_later(node)
        self.kept = {node for node in loop if self.is_whole(node) and not self.makes_row(node) and any(self._is_stored_for(user, node) for user in self.users.get(node, ()))}
        self.last = {key: max(map(self.reads, users)) for key, users in self.users.items()}
        self.count = 1 + max(self.of.values())

    def is_whole(self, node: Node) -> bool:
        """Whether a node has a value for each entry."""
        return node.shape == self.shape and node.op not in REDUCED

    def makes_row(self, node: Node) -> bool:
        """Whether a node is a function's new row, made in memory."""
        return self.is_whole(node) and by_rows(node) is not None

    def sums(self, node: Node) -> bool:
        """Whether a node is a number that a run over a row adds up, or compares."""
        return by_rows(node) is not None and not called_on_rows(node)

    def reads(self, node: Node) -> int:
        """The run in which a node reads its operands."""
        return self.of[node] - self.sums(node)

    def is_free_for(self, node: Node, arg: Node) -> bool:
        """Whether a node may be written over an operand that dies in the loop."""
        return self.last.get(arg, 0) <= self.of[node] - self.makes_row(node)

    def _earliest(self, node: Node) -> int:
        inner = [arg for arg in operands(node) if arg in self.inside]
        if called_on_rows(node):
            return max((self.of[arg] + (not self.makes_row(arg)) for arg in inner), default=0)
        return max((self.of[arg] for arg in inner), default=0) + self.sums(node)

    def _move_later(self, node: Node) -> None:
        """Into the run that uses a node, where then no more values are kept than before."""
        users = self.users.get(node)
        if not users or not self.is_whole(node) or by_rows(node) or any(called_on_rows(user) for user in users):
            return
        then = min(map(self.reads, users))
        if sum(self._is_kept_for(arg, node) for arg in dict.fromkeys(self._whole_inside(node))) <= 1:
            self.of[node] = max(then, self.of[node])

    def _whole_inside(self, node: Node) -> Iterable[Node]:
        return (arg for arg in operands(node) if arg in self.inside and self.is_whole(arg) and not self.makes_row(arg))

    def _is_kept_for(self, arg: Node, node: Node) -> bool:
        return not any(user is not node and self._is_stored_for(user, arg) for user in self.users[arg])

    def _is_stored_for(self, user: Node, arg: Node) -> bool:
        """Whether a user reads a value when the run that makes it is over."""
        return bool(called_on_rows(user)) or self.reads(user) > self.of[arg]
