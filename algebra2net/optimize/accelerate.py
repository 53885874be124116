"""The module that runs with `accelerate="numba"`: the same graph, its entrywise chains as compiled loops.

In    the forward Program and the derived one, as for `module.py`
Out   the text of a stand-alone module on NumPy and Numba with the same functions, and the same results
Idea  what is done entry by entry on matrices of one shape, or row by row, becomes one loop (`fusion.py`), whose text `loop.py`
      writes. Products stay NumPy's
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import add
from typing import Any

import numpy as np

from algebra2net.optimize import fast_math
from algebra2net.optimize.emit import END, Blocks, Lines, deleted, is_looped, runs
from algebra2net.optimize.fusion import Phases, Plan
from algebra2net.optimize.graph import Node
from algebra2net.optimize.joint import STACKS, joined
from algebra2net.optimize.layout import Layout
from algebra2net.optimize.loop import Loop
from algebra2net.optimize.module import module as rendered
from algebra2net.optimize.roles import adds_rows
from algebra2net.program import SCALAR, Program

RESERVED = frozenset("numba SimpleNamespace functions Separate inside part of_rows loop plus loops loops_of LOOPS".split())


def module(forward: Program | None, backprop: Program | None, title: Sequence[str]) -> str:
    """The module's text: `forward(…)`, and `value_and_grad(…)` where there is a derived program."""
    loops = Loops()
    straight = frozenset((*fast_math.CALLS, *fast_math.ROWS))
    return rendered(forward, backprop, title, lambda graph, outputs, name, taken: Fused(graph, outputs, name, taken, loops), loops.module, straight)


# ----------------------------------------------------------------------------------------------------------------- text

_COMPILED = '''class Separate(numba.core.compiler.Compiler):
    """Numba's compiler, told that no two arguments of a loop are the same memory, so that it does several entries at once."""

    def define_pipelines(self):
        self.state.flags.noalias = True
        return super().define_pipelines()


inside = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # loops alone call these
part = numba.njit(fastmath={"contract"}, forceinline=True, **inside)
of_rows = numba.njit(fastmath={"contract"}, pipeline_class=Separate, **inside)
loop = numba.njit(error_model="numpy", fastmath={"contract"}, nogil=True, pipeline_class=Separate)


@numba.njit(fastmath={"reassoc", "contract"}, forceinline=True, **inside)
def plus(total, x):
    """A sum with one summand more, whose order the compiler may choose: it adds up several side by side."""
    return total + x'''
_OF_TYPE = '''def loops_of(dtype):
    """The loops of a float type."""
    if dtype not in LOOPS:
        raise TypeError(f"{dtype} is not compiled: give float32 or float64, or compile without accelerate")
    return LOOPS[dtype]'''


def uncompiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function as it is."""
    return function


@dataclass
class Loops:
    """The loops of a module: each text once, by number."""

    names: dict[str, str] = field(default_factory=dict)

    def name(self, text: str) -> str:
        """The name of a loop with that text after its name."""
        return self.names.setdefault(text, f"loop_{len(self.names) + 1}")

    def module(self) -> tuple[Sequence[str], Sequence[str]]:
        """What the module imports, and what stands above its functions."""
        if not self.names:
            return (), ()
        math = re.sub(r": (Any|Compiled|Plus)\b| -> [^:]+", "", inspect.getsource(fast_math.functions)).strip()
        known = ", ".join(fast_math.functions(np.float64, uncompiled, uncompiled, add))
        lines = [f"def loops(f, {known}):", '    """The loops for one float type."""', "    zero, one, two = f(0), f(1), f(2)", ""]
        for text, name in self.names.items():
            lines += ["    @loop", *(f"    {line}" if line else "" for line in f"def {name}{text}".split("\n")), ""]
        lines.append(f"    return SimpleNamespace({', '.join(f'{name}={name}' for name in self.names.values())})")
        table = "LOOPS = {np.dtype(f): loops(f, **functions(f, part, of_rows, plus)) for f in (np.float32, np.float64)}"
        return ("from types import SimpleNamespace", "import numba", "import numba.core.compiler"), (math, _COMPILED, "\n".join(lines), f"{table}\n\n\n{_OF_TYPE}")


# ------------------------------------------------------------------------------------------------------------------ lines


@dataclass
class Fused(Lines):
    """The lines of one function, with calls of loops."""

    loops: Loops = field(default_factory=Loops)
    stacking = False
    numpy_alone = False

    def prepare(self) -> None:
        """Find the loops, before anything is decided about lines."""
        self.taken = {*self.taken, *RESERVED}
        self.order = joined(self.order, self.graph, self.final)
        plan = Plan(self.order, self.final) if self.graph.program.inputs else None
        self.parts: list[list[Node]] = plan.loops if plan else []
        self.part = {node: number for number, part in enumerate(self.parts) for node in part}
        self.phases = [Phases(part, plan.shape(part)) for part in self.parts] if plan else []
        self.escaping = {node for part in self.parts for node in part if plan and plan.escapes(node, set(part))}
        made = {node for part, phases in zip(self.parts, self.phases, strict=True) for node in part if phases.is_whole(node) and not phases.makes_row(node) and not node.boolean}
        self.layout = Layout(self.order, made & self.escaping, self.final)
        self.contiguous: set[Node] = set()  # surely row by row in memory
        asked = {arg for node in self.order for arg in node.args if node not in self.part or not adds_rows(node)}
        self.order = [node for node in self.order if node.op != "ones" or node in asked]

    def _is_inside(self, node: Node) -> bool:
        return node not in self.part and super()._is_inside(node)

    def reads(self, node: Node) -> list[Node]:
        """As for lines; a loop adds up rows without the ones that NumPy needs for it."""
        if node not in self.part or not adds_rows(node):
            return super().reads(node)
        return super().reads(node.args[0]) if node.args[0] in self.inside else [node.args[0]]

    def arranged(self, statements: list[Node]) -> list[Node]:
        """The statements in their order, but those of a loop together, and what it rests on before it."""
        reads = {node: self.reads(node) for node in statements}
        found: list[Node] = []
        done: set[Node] = set()
        for first in statements:
            open_ones = [first]
            while open_ones:
                node = open_ones[-1]
                if node in done:
                    open_ones.pop()
                    continue
                unit = self.parts[self.part[node]] if node in self.part else [node]
                own = set(unit)
                before = [arg for member in unit for arg in reads[member] if arg in reads and arg not in done and arg not in own]
                if before:
                    open_ones += reversed(before)
                    continue
                found += unit
                done |= own
        return found

    def _last_uses(self) -> dict[Node, int]:
        """As for lines; an array stays as long as what lies in it."""
        kept = {place.whole for place in self.layout.of.values()} | {node for node in self.statements if node in self.layout.of and node.op != "block"}
        return super()._last_uses() | dict.fromkeys(kept, END)

    def _heirs(self) -> dict[Node, Node]:
        """As for lines; what leaves a loop takes over the memory of an operand that dies in it."""
        found = {key: heir for key, heir in super()._heirs().items() if key not in self.part}
        place = {node: k for k, node in enumerate(self.statements)}
        for node in self.statements:
            if node.op in ("dot", "block") or node in self.escaping or (node.entrywise and node.op != "call" and self._is_of_contiguous(node)):
                self.contiguous.add(node)
        for part, phases in zip(self.parts, self.phases, strict=True):
            end = max(place[node] for node in part)
            own = set(part)
            read = {arg: arg for node in part for arg in self.reads(node) if arg not in own}
            free = [
                arg
                for arg in read.values()
                if arg.fresh and not arg.boolean and arg.op != "mask" and arg in self.contiguous and arg.shape == phases.shape and self.last.get(arg, 0) <= end
                and not any(other is not arg and self.base(other) is arg for other in read.values())
            ]  # fmt: skip
            for node in part:
                if node in self.escaping and not node.boolean and phases.is_whole(node) and node not in self.layout.of:
                    heir = next((arg for arg in free if phases.is_free_for(node, arg)), None)
                    if heir is not None:
                        free.remove(heir)
                        found[node] = heir
        found = {key: heir for key, heir in found.items() if not (key in self.final and first_of(heir, found).op == "block")}
        for node in self.statements:
            if node in found and found[node] in self.layout.of:
                self.layout.of[node] = self.layout.of[found[node]]
        return found

    def _names(self) -> dict[Node, str]:
        """As for lines; what lies in an array has the text of its place."""
        found = super()._names()
        return {**found, **{key: place.text(found[place.whole]) for key, place in self.layout.of.items()}}

    def _is_of_contiguous(self, node: Node) -> bool:
        whole = [arg for arg in node.args if arg.shape is not None and arg.shape != SCALAR and 1 not in arg.shape]
        return node.shape is not None and bool(whole) and all(arg in self.contiguous for arg in whole)

    def expression(self, node: Node) -> str:
        """As for lines, and matrices side by side."""
        return self.put_together(node) if node.op == "beside" else super().expression(node)

    def written(self, node: Node) -> list[str]:
        """As for lines; a block is there already, and so is what loops have made in its place."""
        if node.op == "block":
            return []
        if not self.layout.is_filled(node):
            return super().written(node)
        missing = self.layout.missing(node)
        if len(missing) == len(node.args):
            return [self.put_together(node, f", out={self.names[node]}")]
        return [f"{place.text(self.names[place.whole])} = {self.operand(part, loose=True)}" for part, place in missing]

    def put_together(self, node: Node, more: str = "") -> str:
        """The call that puts matrices together."""
        return f"np.concatenate(({', '.join(self.operand(arg, loose=True) for arg in node.args)}), {STACKS[node.op]}{more})"

    def body(self) -> list[str]:
        """The statements, and a call for each loop."""
        found: list[str] = []
        empty = set(self.layout.filled)
        known: set[str] = set()  # names that have been assigned
        dying = self.dying()
        for number, group in groupby(self.statements, key=lambda node: self.part.get(node)):
            for run in [list(group)] if number is not None else runs(list(group)):
                for whole in (whole for node in run if (whole := self.layout.whole(node)) and whole in empty):
                    empty.remove(whole)
                    found.append(f"{self.names[whole]} = np.empty({whole.shape}, {self.first}.dtype)")
                lines = Loop(self, run).lines() if number is not None else Blocks(self, run).lines() if is_looped(run) else [line for node in run for line in self.written(node)]
                known.update(line.strip().partition(" = ")[0] for line in lines)
                found += [*lines, *deleted([name for node in run for name in dying.get(node, ())], known)]
        found = self.let_go(found)
        if self.parts:
            found.insert(0, f"loops = LOOPS.get({self.first}.dtype) or loops_of({self.first}.dtype)")
        return found

    def dying(self) -> dict[Node, list[str]]:
        """As for lines; what lies in an array goes with that."""
        lying = {self.names[key] for key in self.layout.of}
        return {key: [word for word in words if word not in lying] for key, words in super().dying().items()}

    def let_go(self, lines: Sequence[str]) -> list[str]:
        """The lines, each with what lets go of the arrays of others that it is the last to look at."""
        kept = {place.whole for key, place in self.layout.of.items() if key in self.final}
        open_ones = {self.names[place.whole] for place in self.layout.of.values() if place.whole not in kept}
        found: list[str] = []
        for line in reversed(lines):
            last = [word for word in dict.fromkeys(re.findall(r"\w+", line)) if word in open_ones]
            open_ones.difference_update(last)
            found += [*deleted(last), line]
        return found[::-1]

    @property
    def first(self) -> str:
        """The name of the first input."""
        return self.names[self.graph.of[self.graph.program.inputs[0]]]


def first_of(node: Node, heirs: Mapping[Node, Node]) -> Node:
    """The first that has the memory which a node has taken over."""
    while node in heirs:
        node = heirs[node]
    return node
