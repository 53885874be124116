"""Statements that stand together as one call on stacks of matrices.

In    groups of statements that are alike (`together.py`), and who has whose memory
Out   the lines of a call for each, and which matrix is written into which slot of which stack
Idea  a matrix that is made in a slot of one array need not be copied to be stacked

The results of a call are slots, too: of the array that it makes, or of the one that it writes over.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from algebra2net.optimize.graph import Node
from algebra2net.optimize.together import FEW, Together, operands, takes_place

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
        self.together = together
        self.slots: dict[int, tuple[Stack, int]] = {}  # of the first node that has the memory
        self.calls: dict[int, list[str]] = {}  # the lines of the first statement of a call; none for the others
        self.before: dict[int, list[str]] = {}  # the lines that make stacks, before the statement that first fills a slot
        self.taken = lines.taken_names if together.groups else set()
        products = {id(node) for group in together.groups for node in group if node.op == "dot"}
        self.fixed = products  # what is made by a call that makes its own array
        found: list[list[Node]] = []
        for group in sorted(together.groups, key=lambda group: -len(group) if group[0].op == "dot" else 0):
            for run in self._runs([node for node in group if all(map(self._has_place, operands(node)))]):
                if len(run) >= FEW:
                    self._fill(run)
                    found.append(run)
        if found:
            self._write(found)

    def slot(self, node: Node) -> str | None:
        """The place that a statement writes to."""
        found = self.slots.get(id(node))
        return None if found is None else f"{found[0].name}[{found[1]}]"

    # which slots

    def _at(self, node: Node) -> tuple[Stack, int] | None:
        return self.slots.get(id(self.lines.root(node)))

    def _has_place(self, node: Node) -> bool:
        """Whether an operand is there for all, or its memory may be a slot."""
        root = self.lines.root(node)
        return id(node) not in self.together.slots or (takes_place(root) and id(root) not in self.fixed)

    def _parts(self, node: Node) -> list[Node]:
        """What a statement is done on, and what it fills if that is not one of these."""
        return operands(node) if node.op == "dot" or id(node) in self.lines.heir else [*operands(node), node]

    def _runs(self, group: Sequence[Node]) -> list[list[Node]]:
        """The statements, those together of which each part is one for all, or in slots one after the other, or in none yet."""
        found: list[list[Node]] = []
        steps: list[str] | None = None
        seen: set[int] = set()
        for node in group:
            own = {id(self.lines.root(part)) for part in self._parts(node)}
            following = self._steps(found[-1][-1], node, seen) if found else None
            if following is not None and steps in (None, following):
                found[-1].append(node)
                steps = following
                seen |= own
            else:
                found.append([node])
                steps = None
                seen = own
        return found

    def _steps(self, last: Node, node: Node, seen: set[int]) -> list[str] | None:
        """How the parts of a statement follow those of the last; None where they do not."""
        parts, before = self._parts(node), self._parts(last)
        heir, other = self.lines.heir.get(id(node)), self.lines.heir.get(id(last))
        if len(parts) != len(before) or len({id(part) for part in parts}) < len(parts) or (heir and parts.index(heir)) != (other and before.index(other)):
            return None
        steps: list[str] = []
        for part, previous in zip(parts, before, strict=True):
            here, there = self._at(part), self._at(previous)
            if part is previous and part is not heir:
                steps.append("same")
            elif here and there and here == (there[0], there[1] + 1):
                steps.append("next")
            elif here is None and there is None and id(part) in self.together.slots and id(self.lines.root(part)) not in seen:
                steps.append("new")
            else:
                return None
        return steps if set(steps) != {"same"} else None

    def _fill(self, run: Sequence[Node]) -> None:
        """Give slots to those parts that have none."""
        for place, (first, second) in enumerate(zip(self._parts(run[0]), self._parts(run[1]), strict=True)):
            if first is second or self._at(first) is not None:
                continue
            word = re.sub(r"_?\d+_?$", "", self.lines.names[id(first)])
            name = next(name for k in itertools.count(1) if (name := f"{word}_all{k if k > 1 else ''}") not in self.taken)
            self.taken.add(name)
            rows, columns = first.shape or (0, 0)
            stack = Stack(name, (len(run), int(rows), int(columns)), first is run[0])
            for k, node in enumerate(run):
                self.slots[id(self.lines.root(self._parts(node)[place]))] = stack, k

    # the lines

    def _write(self, runs: Sequence[Sequence[Node]]) -> None:
        """The lines of all calls, in the order of the statements: a result has a name of its own only where somebody asks for it by that."""
        first = {id(run[0]): run for run in runs}
        members = {id(node) for run in runs for node in run}
        alone = {id(arg) for node in self.lines.statements if id(node) not in members for arg in self.lines.reads(node)}
        known: set[str] = set()  # names that have been assigned
        made = {stack for stack, _ in self.slots.values() if stack.made}
        for node in self.lines.statements:
            here = self._at(node)
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
