"""The module that runs with `accelerate="numba"`: the same graph, its entrywise chains as compiled loops.

In    the forward Program and the derived one, as for `module.py`
Out   the text of a stand-alone module on NumPy and Numba with the same functions, and the same results
Idea  what is done entry by entry on matrices of one shape becomes one loop, with the sums over all entries at its end; an
      entry is read once, and what nobody else needs never reaches memory. Products stay NumPy's

A node is put into the earliest loop in which its operands are there, then moved to the loop that uses it where that keeps
fewer arrays. Only what `fast_math.py` or the processor does for several entries at once goes into a loop; a sine stays NumPy's.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import prod

import numpy as np

from algebra2net.optimize import fast_math
from algebra2net.optimize.emit import Blocks, Lines, deleted, is_looped, runs
from algebra2net.optimize.graph import Graph, Node
from algebra2net.optimize.kernels import ENTRYWISE, LOGICAL, REDUCTIONS
from algebra2net.optimize.module import module as rendered
from algebra2net.program import SCALAR, Program, Shape

# fmt: off
SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
COMPARED = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!="}
TEXTS = {  # of other operations, on numbers
    "exp": "exp({})", "expm1": "expm1({})", "log": "log({})", "log1p": "log1p({})", "tanh": "tanh({})", "sqrt": "np.sqrt({})", "abs": "abs({})",
    "floor": "np.floor({})", "ceil": "np.ceil({})", "rint": "np.rint({})", "square": "{0} * {0}", "negative": "-{}", "copysign": "np.copysign({}, {})",
    "sign": "one if {0} > zero else -one if {0} < zero else {0} + zero",
    "maximum": "{0} if ({0} >= {1}) | ({0} != {0}) else {1}", "minimum": "{0} if ({0} <= {1}) | ({0} != {0}) else {1}",
    "mask": "one if {} > {} else zero",
}
# fmt: on
REDUCED = frozenset(("sum", "vdot"))
SPREAD = frozenset(("broadcast", "full_like"))  # in a loop, their first operand
FUSED = frozenset((*SIGNS, *COMPARED, *TEXTS, *LOGICAL, *SPREAD, "where", "cast"))
NARROW = 8  # columns; in narrower matrices a loop over each row has too little to do
LARGEST = 96  # operations in a loop
RESERVED = frozenset("numba SimpleNamespace functions Separate part loop plus loops loops_of LOOPS".split())
UNKNOWN = 1000  # entries of a matrix of unknown size: large ones have code of their own
CHUNK = 1024  # entries that are added up in any order before their sum is


def module(forward: Program | None, backprop: Program | None, title: Sequence[str]) -> str:
    """The module's text: `forward(…)`, and `value_and_grad(…)` where there is a derived program."""
    loops = Loops()
    straight = frozenset(fast_math.CALLS)
    return rendered(forward, backprop, title, lambda graph, outputs, name, taken: Fused(graph, outputs, name, taken, loops), loops.module, straight)


# ----------------------------------------------------------------------------------------------------------------- text

_COMPILED = '''class Separate(numba.core.compiler.Compiler):
    """Numba's compiler, told that no two arguments of a loop are the same memory, so that it does several entries at once."""

    def define_pipelines(self):
        self.state.flags.noalias = True
        return super().define_pipelines()


part = numba.njit(error_model="numpy", fastmath={"contract"}, forceinline=True)
loop = numba.njit(error_model="numpy", fastmath={"contract"}, nogil=True, pipeline_class=Separate)


@numba.njit(error_model="numpy", fastmath={"reassoc", "contract"}, forceinline=True)
def plus(total, x):
    """A sum with one summand more, whose order the compiler may choose: it adds up several side by side."""
    return total + x'''
_OF_TYPE = '''def loops_of(dtype):
    """The loops of a float type."""
    if dtype not in LOOPS:
        raise TypeError(f"{dtype} is not compiled: give float32 or float64, or compile without accelerate")
    return LOOPS[dtype]'''


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
        math = re.sub(r": (Any|Compiled)\b| -> [^:]+", "", inspect.getsource(fast_math.functions)).strip()
        known = ", ".join(fast_math.functions(np.float64, lambda function: function))
        lines = [f"def loops(f, {known}):", '    """The loops for one float type."""', "    zero, one, two = f(0), f(1), f(2)", ""]
        for text, name in self.names.items():
            lines += ["    @loop", *(f"    {line}" if line else "" for line in f"def {name}{text}".split("\n")), ""]
        lines.append(f"    return SimpleNamespace({', '.join(f'{name}={name}' for name in self.names.values())})")
        table = "LOOPS = {np.dtype(f): loops(f, **functions(f, part)) for f in (np.float32, np.float64)}"
        return ("from types import SimpleNamespace", "import numba", "import numba.core.compiler"), (math, _COMPILED, "\n".join(lines), f"{table}\n\n\n{_OF_TYPE}")


# ------------------------------------------------------------------------------------------------------------- which loop


def is_fused(node: Node) -> bool:
    """Whether a node can be part of a loop."""
    if node.shape is None or node.zero_d or node.shape == SCALAR:
        return False
    if node.op not in FUSED and called(node) not in fast_math.CALLS:
        return False
    operands = node.args[:1] if node.op in SPREAD else node.args
    kinds = {kind_of(arg, node.shape) for arg in operands}
    if isinstance(node.shape[1], int) and node.shape[1] < NARROW and kinds & {"row", "column"}:
        return False
    return "" not in kinds


def called(node: Node) -> str:
    """The name of the function that a node calls on its operands; nothing where it does something else."""
    found = re.fullmatch(r"(\w+)\(\{\}(, \{\})*\)", str(node.data)) if node.op == "call" else None
    return found[1] if found else ""


def kind_of(arg: Node, shape: Shape) -> str:
    """What an operand is to a loop over that shape: a number, or an array that is whole, a row, a column, a single entry; else nothing."""
    if arg.op == "const" or arg.zero_d:
        return "number"
    if arg.shape is None:
        return ""
    rows, columns = arg.shape
    if arg.shape == shape:
        return "whole"
    if arg.shape == SCALAR:
        return "single"
    return "row" if rows == 1 and columns == shape[1] else "column" if columns == 1 and rows == shape[0] else ""


def is_surely_number(node: Node) -> bool:
    """Whether a node is no array: what a function of an operator gives for a scalar may be one of a single entry."""
    open_ones, seen = [node], {id(node)}
    while open_ones:
        each = open_ones.pop()
        if each.op in ENTRYWISE:
            open_ones += [arg for arg in each.args if id(arg) not in seen]
            seen.update(map(id, each.args))
        elif not (each.op in ("const", "size", "vdot") or (each.op in REDUCTIONS and each.data is None)):
            return False
    return True


def is_reduced(node: Node) -> bool:
    """Whether a node is a sum over all entries of what a loop can make."""
    shape = node.args[0].shape if node.args else None
    return node.op in REDUCED and node.data is None and shape not in (None, SCALAR) and all(arg.shape == shape and not arg.boolean and not arg.zero_d for arg in node.args)


def loop_shape(node: Node) -> Shape:
    """The shape that a loop with this node goes over."""
    shape = node.args[0].shape if node.op in REDUCED else node.shape
    assert shape is not None
    return shape


class Plan:
    """Which nodes are done in one loop: `loops`, each in the order of the graph."""

    def __init__(self, order: Sequence[Node], final: set[int]) -> None:
        self.order = order
        self.final = final
        self.users: dict[int, list[Node]] = {}
        for node in order:
            for arg in dict.fromkeys(node.args):
                self.users.setdefault(id(arg), []).append(node)
        self.fused: set[int] = set()
        for node in order:
            if is_fused(node) and (node.op not in SPREAD or self._stays_inside(node)):
                self.fused.add(id(node))
        self.time: dict[int, int] = {}
        for node in order:
            self.time[id(node)] = self._earliest(node)
        for node in reversed(order):
            self._move_later(node)
        self.loops = [loop for together in self._together() for loop in self._cut(together) if self.is_worth_it(loop)]

    def _stays_inside(self, node: Node) -> bool:
        return id(node) not in self.final and all(is_fused(user) and user.shape == node.shape for user in self.users[id(node)])

    def _earliest(self, node: Node) -> int:
        """When a node can be done: in a loop at an even time, otherwise at an odd one."""
        if id(node) in self.fused:
            return max((self._there(arg, loop_shape(node)) for arg in node.args), default=0)
        if is_reduced(node):
            there = max(self._there(arg, loop_shape(node)) for arg in node.args)
            if any(id(arg) in self.fused and self.time[id(arg)] == there for arg in node.args):
                self.fused.add(id(node))
                return there
        last = max((self.time.get(id(arg), -1) for arg in node.args), default=-1)
        return last if last % 2 else last + 1

    def _there(self, arg: Node, shape: Shape) -> int:
        """The time of the first loop over that shape that can read a node."""
        time = self.time.get(id(arg), -1)
        if id(arg) not in self.fused:
            return time + 1
        return time if arg.op not in REDUCED and arg.shape == shape else time + 2

    def _move_later(self, node: Node) -> None:
        """Into the loop that uses a node, where then no more arrays are kept than before."""
        if id(node) not in self.fused or id(node) in self.final or node.op in REDUCED:
            return
        users, now = self.users[id(node)], self.time[id(node)]
        then = min(self.time[id(user)] for user in users)
        if then <= now or not all(self.time[id(user)] > then or (id(user) in self.fused and loop_shape(user) == node.shape) for user in users) or then % 2:
            return
        if not any(self._is_kept_for(arg, node, now) for arg in dict.fromkeys(node.args)):
            self.time[id(node)] = then

    def _is_kept_for(self, arg: Node, node: Node, now: int) -> bool:
        """Whether an operand would have to be kept for a node alone, if that were done later."""
        if arg.shape != node.shape or arg.op in ("const", "input"):
            return False
        return id(arg) not in self.final and all(user is node or self.time[id(user)] <= now for user in self.users[id(arg)])

    def _together(self) -> list[list[Node]]:
        """Nodes of one time and shape that read each other, or the same array."""
        leader: dict[object, object] = {}

        def lead(key: object) -> object:
            while leader.setdefault(key, key) != key:
                leader[key] = leader[leader[key]]
                key = leader[key]
            return key

        members = [node for node in self.order if id(node) in self.fused]
        for node in members:
            place = (self.time[id(node)], loop_shape(node))
            for arg in node.args:
                if arg.shape == place[1]:
                    leader[lead((place, id(arg)))] = lead((place, id(node)))
        found: dict[object, list[Node]] = {}
        for node in members:
            found.setdefault(lead(((self.time[id(node)], loop_shape(node)), id(node))), []).append(node)
        return list(found.values())

    @staticmethod
    def _cut(together: Sequence[Node]) -> list[list[Node]]:
        return [list(together[start : start + LARGEST]) for start in range(0, len(together), LARGEST)]

    def is_worth_it(self, loop: Sequence[Node]) -> bool:
        """Whether a loop takes less time than NumPy for each of its operations; in microseconds, as measured."""
        inside = {id(node) for node in loop}
        rows, columns = loop_shape(loop[0])
        entries = rows * columns if isinstance(rows, int) and isinstance(columns, int) else UNKNOWN
        arrays = {id(arg) for node in loop for arg in node.args if id(arg) not in inside and arg.shape == loop_shape(loop[0])}
        kept = sum(self.escapes(node, inside) for node in loop if node.op not in REDUCED)
        operations = sum(fast_math.CALLS.get(called(node), node.op not in ("cast", *SPREAD)) for node in loop)
        passed = len(arrays) + kept
        return operations > 1 and operations * (0.4 + entries * 1.5e-4) > 1.2 * (0.3 + passed * (0.1 + entries * 0.5e-4))

    def escapes(self, node: Node, inside: set[int]) -> bool:
        """Whether a node's value is needed outside its loop."""
        return id(node) in self.final or any(id(user) not in inside for user in self.users.get(id(node), ()))


# ------------------------------------------------------------------------------------------------------------------ lines


@dataclass
class Fused(Lines):
    """The lines of one function, with calls of loops."""

    loops: Loops = field(default_factory=Loops)
    stacking = False

    def prepare(self) -> None:
        """Find the loops, before anything is decided about lines."""
        self.taken = {*self.taken, *RESERVED}
        plan = Plan(self.order, self.final) if self.graph.program.inputs else None
        self.parts: list[list[Node]] = plan.loops if plan else []
        self.part = {id(node): number for number, part in enumerate(self.parts) for node in part}
        self.escaping = {id(node) for part in self.parts for node in part if plan and plan.escapes(node, {id(other) for other in part})}
        self.contiguous: set[int] = set()  # surely row by row in memory

    def _is_inside(self, node: Node) -> bool:
        return id(node) not in self.part and super()._is_inside(node)

    def arranged(self, statements: list[Node]) -> list[Node]:
        """The statements in their order, but those of a loop together, and what it rests on before it."""
        reads = {id(node): self.reads(node) for node in statements}
        found: list[Node] = []
        done: set[int] = set()
        for first in statements:
            open_ones = [first]
            while open_ones:
                node = open_ones[-1]
                if id(node) in done:
                    open_ones.pop()
                    continue
                unit = self.parts[self.part[id(node)]] if id(node) in self.part else [node]
                own = {id(member) for member in unit}
                before = [arg for member in unit for arg in reads[id(member)] if id(arg) in reads and id(arg) not in done and id(arg) not in own]
                if before:
                    open_ones += reversed(before)
                    continue
                found += unit
                done |= own
        return found

    def _heirs(self) -> dict[int, Node]:
        """As for lines; what leaves a loop takes over the memory of an operand that dies in it."""
        found = {key: heir for key, heir in super()._heirs().items() if key not in self.part}
        place = {id(node): k for k, node in enumerate(self.statements)}
        for node in self.statements:
            if node.op == "dot" or id(node) in self.escaping or (node.entrywise and node.op != "call" and self._is_of_contiguous(node)):
                self.contiguous.add(id(node))
        for part in self.parts:
            end = max(place[id(node)] for node in part)
            shape, own = loop_shape(part[0]), {id(node) for node in part}
            read = {id(arg): arg for node in part for arg in self.reads(node) if id(arg) not in own}
            free = [
                arg
                for arg in read.values()
                if arg.fresh and not arg.boolean and arg.op != "mask" and id(arg) in self.contiguous and arg.shape == shape and self.last.get(id(arg), 0) <= end
                and not any(other is not arg and self.base(other) is arg for other in read.values())
            ]  # fmt: skip
            for node in part:
                if free and id(node) in self.escaping and not node.boolean and node.op not in REDUCED:
                    found[id(node)] = free.pop(0)
        return found

    def _is_of_contiguous(self, node: Node) -> bool:
        whole = [arg for arg in node.args if arg.shape is not None and arg.shape != SCALAR and 1 not in arg.shape]
        return node.shape is not None and bool(whole) and all(id(arg) in self.contiguous for arg in whole)

    def body(self) -> list[str]:
        """The statements, and a call for each loop."""
        found: list[str] = []
        known: set[str] = set()  # names that have been assigned
        dying = self.dying()
        for number, group in groupby(self.statements, key=lambda node: self.part.get(id(node))):
            for run in [list(group)] if number is not None else runs(list(group)):
                lines = Loop(self, run).lines() if number is not None else Blocks(self, run).lines() if is_looped(run) else [self.statement(node) for node in run]
                known.update(line.strip().partition(" = ")[0] for line in lines)
                found += [*lines, *deleted([name for node in run for name in dying.get(id(node), ())], known)]
        if self.parts:
            found.insert(0, f"loops = LOOPS.get({self.first}.dtype) or loops_of({self.first}.dtype)")
        return found

    @property
    def first(self) -> str:
        """The name of the first input."""
        return self.names[id(self.graph.of[self.graph.program.inputs[0]])]


class Loop:
    """One loop: its text, in names of its own so that equal ones are one, and the lines that call it."""

    def __init__(self, lines: Fused, part: Sequence[Node]) -> None:
        self.whole = lines
        self.part = part
        self.members = {id(node) for node in part}
        self.shape = loop_shape(part[0])
        self.given: dict[str, str] = {}  # what is given in a call → its name in the loop
        self.kinds: dict[str, str] = {}  # name in the loop → what it is
        self.values: dict[int, str] = {}
        self.constants: dict[str, str] = {}
        self.body: list[str] = []
        self.decays = Decays(part, lines.graph)
        self.inverses: dict[tuple[int, int], str] = {}
        reads = {kind_of(arg, self.shape) for node in part for arg in (node.args[:1] if node.op in SPREAD else node.args) if id(arg) not in self.members}
        self.is_summed = any(node.op in REDUCED for node in part)
        self.is_flat = not reads & {"row", "column"}
        sizes = self.shape if self.is_flat else self.shape[1:]  # of what is one run of entries
        self.in_chunks = self.is_summed and not (all(isinstance(size, int) for size in sizes) and prod(map(int, sizes)) <= CHUNK)

    # the call

    def lines(self) -> list[str]:
        """The call, after what it fills has been made."""
        sums = [node for node in self.part if node.op in REDUCED]
        kept = [node for node in self.part if id(node) in self.whole.escaping and node.op not in REDUCED]
        before: list[str] = []
        after: list[str] = []
        stored: list[str] = []
        added: list[str] = []
        for number, node in enumerate(sums, 1):
            a, b = (self.value(arg) for arg in (node.args * 2)[:2])
            added.append(f"sum{number} = plus(sum{number}, {a}" + (f" * {b})" if node.op == "vdot" else ")"))
        for node in kept:
            value = self.value(node)  # reads all its operands before anything is written
            name = self.whole.names[id(node)]
            heir = self.whole.heir.get(id(node))
            if heir is None:
                before.append(f"{name} = np.empty({self.shape_text()}, {'bool' if node.boolean else f'{self.whole.first}.dtype'})")
            memory = name if heir is None else self.whole.names[id(heir)]
            if memory != name:
                after.append(f"{name} = {memory}")
            stored.append(f"{self.array(memory, 'whole')} = {value}")
        call = f"loops.{self.whole.loops.name(self.text(stored, added, len(sums)))}({', '.join(self.given)})"
        if not sums:
            return [*before, call, *after]
        names = [self.whole.names[id(node)] for node in sums]
        typed = f"{self.whole.first}.dtype.type"
        return [*before, f"{names[0]} = {typed}({call})" if len(names) == 1 else f"{', '.join(names)} = map({typed}, {call})", *after]

    def shape_text(self) -> str:
        """The shape of the loop, in the function's own names."""
        if all(isinstance(size, int) for size in self.shape):
            return str(tuple(self.shape))
        sides = []
        for axis, size in enumerate(self.shape):
            there = (
                arg for node in self.part for arg in node.args if id(arg) not in self.members and not arg.zero_d and arg.op != "const" and arg.shape and arg.shape[axis] == size
            )
            sides.append(str(size) if isinstance(size, int) else f"{self.whole.operand(next(there))}.shape[{axis}]")
        return f"({', '.join(sides)})"

    # the loop's text

    def text(self, stored: Sequence[str], added: Sequence[str], sums: int) -> str:
        """The loop from its arguments on."""
        names = list(self.given.values())
        arrays = [name for name in names if self.kinds[name] != "number"]
        wholes = [name for name in arrays if self.kinds[name] == "whole"]
        singles = [f"{name}_ = f({name}[0, 0])" for name in arrays if self.kinds[name] == "single"]
        numbers = [f"{name} = f({name})" for name in names if self.kinds[name] == "number"]
        columns = [f"{name}_ = {name}[row, 0]" for name in arrays if self.kinds[name] == "column"]
        made = [f"{name} = f({number})" for number, name in self.constants.items()]
        head = [f"({', '.join(names)}):", *self.checks(wholes, arrays), *singles, *numbers, *made]
        head += [f"{name} = {name}.ravel()" for name in wholes if self.is_flat]
        totals = range(1, sums + 1)
        run = [f"for k in range({'some' if self.in_chunks else 'n'}):", *(f"    {line}" for line in (*self.body, *stored, *added))]
        if sums:
            head += [f"total{number} = 0.0" for number in totals]
            run = [*(f"sum{number} = zero" for number in totals), *run, *(f"total{number} += sum{number}" for number in totals)]
        if self.in_chunks:
            cut = {"whole": "start : start + some" if self.is_flat else "row, start : start + some", "row": "0, start : start + some"}
            parts = [f"{name}_ = {name}[{cut[self.kinds[name]]}]" for name in arrays if self.kinds[name] in cut]
            run = [f"for start in range(0, n, {CHUNK}):", *(f"    {line}" for line in (f"some = min({CHUNK}, n - start)", *parts, *run))]
        if not self.is_flat:
            run = ["for row in range(m):", *(f"    {line}" for line in (*columns, *run))]
        back = [f"return {', '.join(f'total{number}' for number in totals)}"] if sums else []
        return "\n    ".join([*head, *run, *back])

    def checks(self, wholes: Sequence[str], arrays: Sequence[str]) -> list[str]:
        """The sizes, and the test that all arrays have them: nothing beyond an array is ever read."""
        if self.is_flat:
            others = [f"{name}.shape != {wholes[0]}.shape" for name in wholes[1:]]
            sizes = f"n = {wholes[0]}.size"
        else:
            first = next((name for name in wholes), None)
            rows = first or next(name for name in arrays if self.kinds[name] == "column")
            columns = first or next(name for name in arrays if self.kinds[name] == "row")
            sizes = f"m, n = {rows}.shape[0], {columns}.shape[1]"
            expected = {"whole": "(m, n)", "row": "(1, n)", "column": "(m, 1)"}
            others = [f"{name}.shape != {expected[self.kinds[name]]}" for name in arrays if self.kinds[name] in expected and name != first]
        return [sizes, *([f"if {' or '.join(others)}:", '    raise ValueError("arrays of these shapes do not fit together")'] if others else [])]

    def array(self, text: str, kind: str) -> str:
        """The entry of an array that is given, as the loop writes it."""
        if text not in self.given:
            self.given[text] = name = f"a{len(self.given) + 1}"
            self.kinds[name] = kind
        name = self.given[text]
        return {
            "whole": f"{name}_[k]" if self.in_chunks else f"{name}[k]" if self.is_flat else f"{name}[row, k]",
            "row": f"{name}_[k]" if self.in_chunks else f"{name}[0, k]",
            "column": f"{name}_",
            "single": f"{name}_",
            "number": name,
        }[kind]

    def value(self, node: Node) -> str:
        """The name, in the loop, of a node's entry."""
        found = self.values.get(id(node))
        if found is None:
            if node.op == "const":
                return self.constant(node.data)
            if id(node) in self.members:
                text = self.expression(node)
                if node.op in SPREAD:
                    found = text
                elif id(node) in self.decays.with_expm1:
                    found = self.named(text.replace("exp(", "exp_and_expm1("), "e")
                else:
                    found = self.named(text)
            else:
                found = self.read(node)
            self.values[id(node)] = found
        return found

    def read(self, node: Node) -> str:
        """What is read of a node that is made elsewhere."""
        kind = kind_of(node, self.shape)
        text = self.whole.operand(node, loose=True)
        if kind == "number" and not is_surely_number(node):
            return self.array(f"np.reshape({text}, (1, 1))", "single")
        if kind != "number" and id(node) not in self.whole.contiguous:
            text = f"np.ascontiguousarray({text})"
        entry = self.array(text, kind)
        if kind in ("number", "row", "single") and kind != "row":
            return entry
        return self.named(entry)

    def named(self, text: str, also: str = "") -> str:
        """The name that an expression gets; with `also`, of the first of two values, the second has that before its name."""
        name = f"v{len(self.body) + 1}"
        self.body.append(f"{name}{f', {also}{name}' if also else ''} = {text}")
        return name

    def constant(self, number: object) -> str:
        """The name of a number of the loop's float type."""
        text = repr(number)
        if text in ("0", "1", "2"):
            return ("zero", "one", "two")[int(text)]
        return self.constants.setdefault(text, f"c{len(self.constants) + 1}")

    def number(self, node: Node) -> str:
        """A node's entry as a number."""
        value = self.value(node)
        return f"(one if {value} else zero)" if node.boolean else value

    def flag(self, node: Node) -> str:
        """A node's entry as true or false."""
        value = self.value(node)
        return value if node.boolean else f"({value} != zero)"

    def expression(self, node: Node) -> str:
        """The text of a node on its operands' entries."""
        op, args = node.op, node.args
        if op in SPREAD:
            return self.value(args[0])
        if op == "exp" and (shared := self.shared_exp(args[0])):
            return shared
        if op == "tanh" and (decay := self.decays.of_tanh.get(id(node))) is not None:
            less = f"e{self.value(decay)}"
            return f"np.copysign(({less} * ({less} + two)) * {self.inverse(decay, 2)}, {self.value(args[0])})"
        if op == "divide" and id(node) in self.decays.of_division:
            decay, power, times = self.decays.of_division[id(node)]
            inverse = self.inverse(decay, power)
            return " * ".join([self.number(args[0]), *[inverse] * times])
        if op == "where":
            return f"{self.number(args[1])} if {self.flag(args[0])} else {self.number(args[2])}"
        if op == "cast":
            return f"one if {self.flag(args[0])} else zero"
        if op == "invert":
            return f"not {self.flag(args[0])}"
        if op in LOGICAL:
            return f"{self.flag(args[0])} {'&' if op == 'bitwise_and' else '|'} {self.flag(args[1])}"
        words = [self.number(arg) for arg in args]
        if op == "multiply" and "two" in words:
            return f"{words[words[0] == 'two']} + {words[words[0] == 'two']}"  # no product's place in the processor is taken
        if op == "maximum" and args[1].op == "const":
            return f"{words[1]} if {words[0]} < {words[1]} else {words[0]}"
        if op == "minimum" and args[1].op == "const":
            return f"{words[1]} if {words[0]} > {words[1]} else {words[0]}"
        if op in SIGNS or op in COMPARED:
            return f"{words[0]} {SIGNS.get(op) or COMPARED[op]} {words[1]}"
        return str(node.data if op == "call" else TEXTS[op]).format(*words)

    def inverse(self, decay: Node, power: int) -> str:
        """The name of 1/(1 + e) or 1/(1 + e²) of a decay e."""
        if (id(decay), power) not in self.inverses:
            e = self.value(decay)
            divisor = self.named(f"one + {e}" if power == 1 else f"one + {e} * {e}")
            self.inverses[id(decay), power] = self.named(f"one / {divisor}")
        return self.inverses[id(decay), power]

    def shared_exp(self, below: Node) -> str | None:
        """exp(min(x, 0)) is 1 or exp(-|x|), where the loop has that, too."""
        if below.op != "minimum" or below.args[1].number != 0 or below.args[1].op != "const":
            return None
        x, _ = below.args
        other = decay_of(x, self.whole.graph)
        if other is None or id(other) not in self.members:
            return None
        return f"one if {self.value(x)} >= zero else {self.value(other)}"


def decay_of(x: Node, graph: Graph) -> Node | None:
    """The node of exp(-|x|), if there is one."""
    absolute = graph.known("abs", (x,))
    negative = absolute and graph.known("negative", (absolute,))
    return graph.known("exp", (negative,)) if negative else None


def is_decay(node: Node) -> bool:
    """Whether a node is exp(-|x|), which lies between 0 and 1; of few entries -|x| is written as copysign(x, -1)."""
    if node.op != "exp":
        return False
    (below,) = node.args
    return (below.op == "negative" and below.args[0].op == "abs") or (below.op == "copysign" and below.args[1].number == -1)


class Decays:
    """What in a loop rests on e = exp(-|x|): tanh(x) = ±(1 - e²)/(1 + e²), 1 - e² = -d (2 + d), d = expm1(-|x|); divisions by 1 + e and 1 + e².

    A division costs as much as ten products. As these divisors lie between 1 and 2, one that divides more than once is inverted.
    """

    def __init__(self, part: Sequence[Node], graph: Graph) -> None:
        members = {id(node) for node in part}
        self.with_expm1: set[int] = set()
        self.of_tanh: dict[int, Node] = {}
        self.of_division: dict[int, tuple[Node, int, int]] = {}  # e, its power in the divisor, the divisor's
        count: Counter[tuple[int, int]] = Counter()  # of divisions by 1 + e to that power
        for node in part:
            if node.op == "tanh" and (decay := decay_of(node.args[0], graph)) is not None and id(decay) in members:
                self.of_tanh[id(node)] = decay
                self.with_expm1.add(id(decay))
                count[id(decay), 2] += 1
            if node.op == "divide" and (found := self._divisor(node.args[1])) is not None and id(found[0]) in members:
                self.of_division[id(node)] = found
                count[id(found[0]), found[1]] += found[2]
        self.of_division = {key: found for key, found in self.of_division.items() if count[id(found[0]), found[1]] > 1}

    @staticmethod
    def _divisor(node: Node, times: int = 1) -> tuple[Node, int, int] | None:
        if node.op == "square" and times == 1:
            return Decays._divisor(node.args[0], 2)
        if node.op != "add" or 1 not in (node.args[0].number, node.args[1].number):
            return None
        other = node.args[1] if node.args[0].number == 1 else node.args[0]
        if is_decay(other):
            return other, 1, times
        return (other.args[0], 2, times) if other.op == "square" and is_decay(other.args[0]) else None
