"""Statements that stand together as one call on stacks of matrices.

In    groups of statements that are alike (`together.py`), and who has whose memory
Out   the lines of a call for each, and which matrix is written into which slot of which stack
Idea  a matrix that is made in a slot of one array need not be copied to be stacked

The results of a call are slots, too: of the array that it makes, or of the one that it writes over. Matrices that are
wanted on top of each other, as the deltas of all steps of a recurrent net, are made in slots likewise.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from algebra2net.optimize.graph import LARGE, Node
from algebra2net.optimize.together import Together, is_enough, operands, takes_place

if TYPE_CHECKING:
    from algebra2net.optimize.emit import Lines


@dataclass(frozen=True)
class Stack:
    """An array of so many matrices; `made` by the call that fills it, if there is one."""

    name: str
    shape: tuple[int, int, int]
    made: bool


class Stacks:
    """The calls that do many statements of a function, and the slots of what they are done on."""

    def __init__(self, lines: Lines, together: Together) -> None:
        self.lines = lines
        self.slots: dict[int, tuple[Stack, int]] = {}  # of the first node that has the memory
        self.calls: dict[int, list[str]] = {}  # the lines of the first statement of a call; none for the others
        self.before: dict[int, list[str]] = {}  # the lines that make stacks, before the statement that first fills a slot
        if not together.groups and not together.joined:
            return
        self.root = self._roots()
        self.taken = lines.taken_names
        fixed = {id(node) for group in together.groups for node in group if node.op == "dot"}  # made by a call that makes its own array
        self.free = {part for part in together.slots if takes_place(self.root[part]) and id(self.root[part]) not in fixed}  # what may lie in a slot
        runs: list[list[Node]] = []
        for group in sorted(together.groups, key=lambda group: -len(group) if group[0].op == "dot" else 0):
            for run in self._runs(group):
                self._fill(run)
                runs.append(run)
        for node in [node for node in lines.statements if id(node) in together.joined]:
            self._join(node, {id(part) for part in node.args if together.may_be_slot(part, LARGE) and takes_place(self.root[id(part)]) and id(self.root[id(part)]) not in fixed})
        self._write(runs)

    def slot(self, node: Node) -> str | None:
        """The place that a statement writes to."""
        found = self.slots.get(id(node))
        return None if found is None else f"{found[0].name}[{found[1]}]"

    # which slots

    def _roots(self) -> dict[int, Node]:
        """Of each statement, the first that has its memory."""
        found: dict[int, Node] = {}
        for node in self.lines.statements:
            heir = self.lines.heir.get(id(node))
            found[id(node)] = node if heir is None else found.get(id(heir), heir)
        return found

    def _at(self, node: Node) -> tuple[Stack, int] | None:
        return self.slots.get(id(self.root.get(id(node), node)))

    def _parts(self, node: Node) -> list[Node]:
        """What a statement is done on, and what it fills if that is not one of these."""
        return operands(node) if node.op == "dot" or id(node) in self.lines.heir else [*operands(node), node]

    def _runs(self, group: Sequence[Node]) -> Iterator[list[Node]]:
        """The statements, those together of which each part is one for all, or in slots one after the other, or in none yet."""
        for _, pairs in itertools.groupby(enumerate(group), key=lambda pair: self._lies(*pair)):
            run = [node for _, node in pairs]
            if is_enough(run[0], len(run)):
                bare = [id(self.root[id(self._parts(node)[k])]) for k in self._bare(run[0]) for node in run]
                if len(set(bare)) == len(bare):
                    yield run

    def _bare(self, node: Node) -> list[int]:
        """Which parts of a statement have no slot yet."""
        return [k for k, part in enumerate(self._parts(node)) if id(part) in self.free and self._at(part) is None]

    def _lies(self, lane: int, node: Node) -> tuple[object, ...]:
        """Where the parts of a statement lie, the same for those that one call can do."""
        heir = self.lines.heir.get(id(node))
        found: list[object] = []
        for part in self._parts(node):
            at = self._at(part)
            found.append((at[0], at[1] - lane) if at is not None else None if id(part) in self.free else id(part))
            found.append(part is heir)
        return tuple(found)

    def _fill(self, run: Sequence[Node]) -> None:
        """Give slots to those parts that have none."""
        for place in self._bare(run[0]):
            first = self._parts(run[0])[place]
            stack = self._new(first, len(run), first is run[0])
            for k, node in enumerate(run):
                self.slots[id(self.root[id(self._parts(node)[place])])] = stack, k

    def _new(self, first: Node, count: int, made: bool) -> Stack:
        """A stack of so many matrices like this one."""
        word = re.sub(r"_?\d+_?$", "", self.lines.names[id(first)])
        name = next(name for k in itertools.count(1) if (name := f"{word}_all{k if k > 1 else ''}") not in self.taken)
        self.taken.add(name)
        rows, columns = first.shape or (0, 0)
        return Stack(name, (count, int(rows), int(columns)), made)

    def _join(self, node: Node, free: set[int]) -> None:
        """Matrices on top of each other: of those that are made in the slots of one stack, it is that; others are copied to it."""
        parts, roots = node.args, {id(self.root[id(part)]) for part in node.args if id(part) in free}
        shape = parts[0].shape
        bare = not any(root in self.slots for root in roots) and len(roots) == sum(id(part) in free for part in parts)
        if not bare or not all(part.shape == shape for part in parts) or 2 * len(free) <= len(parts) or shape is None:
            return
        stack = self._new(parts[0], len(parts), made=False)
        copies: list[str] = []
        for k, part in enumerate(parts):
            if id(part) in free:
                self.slots[id(self.root[id(part)])] = stack, k
            else:
                copies.append(f"{stack.name}[{k}] = {self.lines.operand(part)}")
        whole = f"{self.lines.names[id(node)]} = {stack.name}.reshape({len(parts) * int(shape[0])}, {shape[1]})"
        self.calls[id(node)] = [*copies, whole, f"del {stack.name}"]

    # the lines

    def _write(self, runs: Sequence[Sequence[Node]]) -> None:
        """The lines of all calls, in the order of the statements: a result has a name of its own only where somebody asks for it by that."""
        first = {id(run[0]): run for run in runs}
        members = {id(node) for run in runs for node in run}
        alone: set[int] = set()
        for node in self.lines.statements:
            if id(node) not in members:
                alone.update(map(id, self.lines.reads(node)))
        known: set[str] = set()  # names that have been assigned
        made = {stack for stack, _ in self.slots.values() if stack.made}
        for node in self.lines.statements:
            here = self.slots.get(id(node))
            if here is not None and here[0] not in made:
                made.add(here[0])
                self.before[id(node)] = [f"{here[0].name} = np.empty({here[0].shape}, dtype)"]
            if id(node) not in members:
                known.add(self.lines.names[id(node)])
                continue
            run = first.get(id(node), ())
            self.calls[id(node)] = [self._call(run)] if run else []
            words = [self.lines.names[id(each)] for each in run]
            if run and run[0].op != "dot" and not known.issuperset(words) and any(id(each) in alone for each in run):
                self.calls[id(node)].append(f"{', '.join(words)} = {self._stacked(run)}")
                known.update(words)

    def _call(self, run: Sequence[Node]) -> str:
        """The line that does all statements of a run."""
        node = run[0]
        words = [self._operand(node, k, run) for k in range(len(node.args))]
        if node.op == "dot":
            return f"{', '.join(self.lines.names[id(each)] for each in run)} = np.matmul({', '.join(words)})"
        slots = self._at(node)
        assert slots is not None
        call = f"np.{node.op}({', '.join(words)}"
        if slots[0].made and id(node) not in self.lines.heir:
            return f"{slots[0].name} = {call})"
        return f"{call}, {self.lines.place_word(node)}{self._stacked(run)})"

    def _operand(self, node: Node, k: int, run: Sequence[Node]) -> str:
        """The text of an operand of a call: the slots of a stack, or what all share."""
        first, second = (operands(each)[k] for each in run[:2])
        if node.op != "dot":
            return self.lines.entry(first, loose=True) if first is second else self._stacked([each.args[k] for each in run])
        turned = node.args[k].op == "T"
        if first is second:
            return self.lines.operand(first) + ".T" * turned
        return self._stacked([operands(each)[k] for each in run]) + ".transpose(0, 2, 1)" * turned

    def _stacked(self, nodes: Sequence[Node]) -> str:
        """The text of the slots of these."""
        slots = self._at(nodes[0])
        assert slots is not None
        stack, start = slots
        return stack.name if stack.shape[0] == len(nodes) else f"{stack.name}[{start}:{start + len(nodes)}]"
