"""A Program as a graph of array operations, each value once.

In    a Program (the forward pass or the derived one), macros opened
Out   a Graph: nodes in an order in which they can be computed, and the node of each output
Idea  the kernels of all operators in one graph: what two of them compute alike is one node

What is improved is improved while a node is made (`rules.py`): a node is asked for by operator and operands, and the
one that comes back is the cheapest known with that value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from sympy import Expr, Symbol, pi

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import AT_ONCE, BESIDE, NONE, Operation, Operator, alone
from algebra2net.operators.prelude import functions_of, reached
from algebra2net.operators.reductions import NEVER_NEGATIVE
from algebra2net.optimize.kernels import COMPARISONS, ENTRYWISE, LOGICAL, REDUCTIONS, Argument, Instruction, Kernel, Ref, kernel, of_one_shape, rewritten
from algebra2net.optimize.shortcuts import Shortcut, shortcut
from algebra2net.optimize.trial import of_numbers, plain, tried
from algebra2net.program import SCALAR, Dimension, Program, Shape, record
from algebra2net.targets.numpy import PLACED

MANY = 2048  # entries; from here on two functions take less time at once
VIEWS = frozenset(("T", "matrix", "part"))
WRITTEN = ENTRYWISE - COMPARISONS - LOGICAL - {"where", "cast"}  # NumPy's functions that can write into an array
_BOOLEAN = COMPARISONS | LOGICAL
_FRESH = (ENTRYWISE - {"mask"}) | REDUCTIONS | {"dot", "call", "vdot", "vecdot", "stacked", "beside", "ones", "full"}


class Node:
    """One array operation: `op` on `args`; `data` is an axis, a number, or the text of what is left as it is.

    `zero_d` says that it may be a NumPy scalar where the algebra has a 1×1 matrix; `fresh`, that it owns its memory.
    """

    __slots__ = ("args", "boolean", "data", "entrywise", "fresh", "is_never_negative", "name", "op", "shape", "sharing", "short", "zero_d")

    def __init__(self, op: str, args: tuple[Node, ...], data: object, shape: Shape | None) -> None:
        self.op = op
        self.args = args
        self.data = data
        self.shape = shape
        self.name: Symbol | None = None
        self.boolean, self.fresh, self.entrywise = _nature(op)
        self.is_never_negative = _never_negative(op, args, data)
        self.short: Shortcut | None = None  # of a call
        self.sharing: tuple[tuple[Node | None, Operator], ...] = ()  # of a call: what is computed along with it, after itself (None)
        self.zero_d: bool = op in ("const", "vdot", "size") or (op in REDUCTIONS and data is None)
        if self.entrywise:
            self.zero_d = False not in [arg.zero_d for arg in args]

    @property
    def number(self) -> float | int | None:
        """The number that this node is, if it is one."""
        return self.data if self.op == "const" else None  # type: ignore[return-value]

    def become(self, op: str, args: tuple[Node, ...], data: object = None) -> None:
        """Turn into another operation with the same value."""
        self.op, self.args, self.data = op, args, data
        self.boolean, self.fresh, self.entrywise = _nature(op)

    def __repr__(self) -> str:
        return f"{self.op}{self.data or ''}{self.shape}({', '.join(a.name.name if a.name else a.op for a in self.args)})"


_POSITIVE = frozenset(("ones", "exp", "square", "abs", "sqrt", "cast", "bitwise_and", "bitwise_or")) | COMPARISONS
_AS_OPERANDS = frozenset(("add", "multiply", "divide", "minimum", "sum", "where", "dot"))  # never negative where no operand is


def _never_negative(op: str, args: tuple[Node, ...], data: object) -> bool:
    """Whether surely no entry of an operation's result is below 0."""
    if op == "const":
        return data >= 0  # type: ignore[operator]
    if op in _AS_OPERANDS:
        return all(arg.is_never_negative for arg in args[op == "where" :])
    if op == "maximum":
        return any(arg.is_never_negative for arg in args)
    return op in _POSITIVE or (op == "call" and str(data).partition("(")[0] in NEVER_NEGATIVE)


@cache
def _nature(op: str) -> tuple[bool, bool, bool]:
    """Whether what an operation gives is of flags, owns its memory, and is made entry by entry."""
    return op in _BOOLEAN, op in _FRESH, op in ENTRYWISE


@dataclass
class Graph:
    """Nodes by what they are, in the order in which they were made."""

    program: Program
    straight: frozenset[str] | None = None  # see `kernel`
    nodes: list[Node] = field(default_factory=list)
    preludes: dict[str, str] = field(default_factory=dict)
    imports: dict[str, None] = field(default_factory=dict)
    of: dict[Expr, Node] = field(default_factory=dict)  # the node of each value of the program
    sharing: dict[Node, Node] = field(default_factory=dict)  # of an operand, the call that computes exp(-x) on the way
    as_positive: dict[Node, Node] = field(default_factory=dict)  # of a value, another one that is positive where it is, and known later
    _known: dict[tuple[object, ...], Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from algebra2net.optimize.rules import RULES  # which are written in terms of this

        self.rules = RULES

    def make(self, op: str, args: tuple[Node, ...] = (), data: object = None, shape: Shape | None = None) -> Node:
        """The node of that operation on these, made where there is none yet."""
        for rule in self.rules.get(op, ()):
            better = rule(self, args, data)
            if better is not None:
                self._known.setdefault((op, args, data, type(data)), better)
                return better
        return self.plain(op, args, data, shape)

    def plain(self, op: str, args: tuple[Node, ...] = (), data: object = None, shape: Shape | None = None) -> Node:
        """The same without asking for anything better."""
        key = (op, args, data, type(data))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Node(op, args, data, shape if shape is not None else self.shape_of(op, args, data))
            self.nodes.append(found)
        return found

    def known(self, op: str, args: tuple[Node, ...], data: object = None) -> Node | None:
        """The node of that operation, if it has been made."""
        return self._known.get((op, args, data, type(data)))

    def ones(self, like: Node, axis: int) -> Node:
        """A row of ones that adds up the rows of a matrix, or a column that adds up its columns; of that matrix's type."""
        assert like.shape is not None
        size = like.shape[axis]
        key = ("ones", axis, size)
        found = self._known.get(key)
        if found is None:
            text = str(size) if isinstance(size, int) else f"_0_.shape[{axis}]"
            found = self._known[key] = Node("ones", (like,), f"np.ones({f'(1, {text})' if axis == 0 else f'({text}, 1)'}, _0_.dtype)", (1, size) if axis == 0 else (size, 1))
            self.nodes.append(found)
        return found

    def stacked(self, parts: tuple[Node, ...]) -> Node:
        """Matrices on top of each other."""
        rows = sum(part.shape[0] for part in parts)  # type: ignore[index,misc]
        return self.plain("stacked", parts, None, (rows, parts[0].shape[1]))  # type: ignore[index]

    def size(self, x: Node, axis: int | None) -> Node:
        """How many entries a matrix has along an axis, or in all."""
        sizes = x.shape if axis is None or x.shape is None else (x.shape[axis],)
        if sizes is not None and all(isinstance(size, int) for size in sizes):
            return self.const(int(np.prod(sizes)))  # type: ignore[arg-type]
        return self.plain("size", (x,), "size" if axis is None else f"shape[{axis}]", SCALAR)

    def const(self, number: float | int) -> Node:
        """The node of a number."""
        return self.plain("const", (), number, SCALAR)

    def shape_of(self, op: str, args: tuple[Node, ...], data: object) -> Shape | None:
        """The shape of an operation's result; None where it is not known."""
        if op in ENTRYWISE:
            return _common(args)
        first = args[0].shape if args else None
        if op == "dot" and first is not None and args[1].shape is not None:
            return first[0], args[1].shape[1]
        if op == "T" and first is not None:
            return first[1], first[0]
        if op == "vecdot" and first is not None:
            return first[0], 1
        if op in REDUCTIONS:
            return SCALAR if data is None else None if first is None else (1, first[1]) if data == 0 else (first[0], 1)
        if op == "checked":
            return first
        return SCALAR if op in ("vdot", "matrix", "size") else None

    # from a program

    def take(self, program: Program) -> None:
        """Make the nodes of all equations."""
        for name in program.inputs:
            node = self.of[name] = self.plain("input", (), name, program.shapes[name])
            node.name = name
        for equation in program.equations:
            node = self.value(equation.value, program.shapes.get(equation.name, SCALAR))
            name = equation.name
            if node.name is None and not name.is_step and node.op != "const":
                node.name = name
            self.of[name] = node

    def value(self, value: Expr, shape: Shape) -> Node:
        """The node of a value that has that shape."""
        if isinstance(value, Symbol):
            return self.of[value]
        if not isinstance(value, Operation):
            return self.const(float(np.pi) if value is pi else int(value) if value.is_Integer else float(value))
        here = record(value)
        given = here.operands_of(value)
        if len(value.names) == len(given):  # no numbers among them
            args = tuple(map(self.of.__getitem__, value.names))
        else:
            args = tuple([self.of[arg] if isinstance(arg, Symbol) else self.value(arg, SCALAR) for arg in given])
        special = _special(here.numpy)
        if special is not None:
            return special(self, here, value, args, shape)
        return self.operation(here, value, args, shape)

    def operation(self, here: Operator, value: Operation, args: tuple[Node, ...], shape: Shape) -> Node:
        """An operator's kernel on these nodes."""
        if here.imports:
            self.imports.setdefault(here.imports)
        if not here.takes_scalars:
            args = tuple([self.matrix(arg) if arg.zero_d else arg for arg in args])
        along = self.along(here, args, shape) if here.ordinary else self.at_once(here, args, shape) if here.name in AT_ONCE else None
        if along is not None:
            return along
        made = kernel(here, value, self.straight)
        if made.single is not None:
            result = self.single(made.single, args)
        else:
            values = [*args]
            for instruction in made.instructions:
                values.append(self.instruction(instruction, values, here, made))
            for name, text in made.preludes:
                self.preludes.setdefault(name, text)
            result = self.argument(made.result, values)
        if here.between[0] >= 0:
            result.is_never_negative = True
        if result.op in ("call", "text"):
            result.shape = shape
            result.fresh = result.fresh and not here.is_view
            result.zero_d = (here.gives_scalar and shape == SCALAR) or (here.elementwise and all(arg.zero_d for arg in args))
        if here.ordinary and result.short is not None and result.args == args and here.name not in BESIDE and self.straight is None:
            if (None, here) not in result.sharing:  # the same call may be asked for again
                result.sharing += ((None, here),)
            self.sharing.setdefault(args[0], result)
        return result

    def along(self, here: Operator, args: tuple[Node, ...], shape: Shape) -> Node | None:
        """The value of a function that another one of the same operand computes on the way, if there is one."""
        whole = self.sharing.get(args[0])
        if whole is None or shape == SCALAR or not self.program.inputs:
            return None
        name = alone(here.name)
        found = self.known("along", (whole,), name)
        if found is None and all(other.name != name for _, other in whole.sharing):
            found = self.plain("along", (whole,), name, shape)
            found.fresh = found.entrywise = True
            found.is_never_negative = here.between[0] >= 0
            whole.sharing += ((found, OPERATORS[name]),)
            self.enter(OPERATORS[name].numpy, OPERATORS[name])
        return found

    def at_once(self, here: Operator, args: tuple[Node, ...], shape: Shape) -> Node | None:
        """The value of a function that comes with another one of the same operand, if that is known: then one call gives both."""
        second = AT_ONCE[here.name]
        first = OPERATORS[second.companion]
        other = first if here is second else second
        call = self.known(other.name, args) or self.known("call", args, f"{other.name}({{}})")
        rows, columns = shape
        is_small = isinstance(rows, int) and isinstance(columns, int) and rows * columns < MANY
        if call is None or call.sharing or call.zero_d or is_small or not self.program.inputs:
            return None
        call.become("call", args, f"{second.at_once}({{}})[{int(other is second)}]")
        call.short = None
        found = self.plain("along", (call,), here.name, shape)
        for node in (call, found):
            node.fresh = node.entrywise = True
        call.sharing = ((None, other), (found, here))
        for op, data in ((here.name, None), ("call", f"{here.name}({{}})")):
            self._known[op, args, data, type(data)] = found
        self.enter(f"{second.at_once}()", second)
        return found

    def enter(self, code: str, here: Operator) -> None:
        """Enter the functions that an operator's code calls."""
        functions = functions_of(here.prelude)
        for helper in reached(code.replace("$", ""), functions):
            self.preludes.setdefault(helper, rewritten(functions[helper], here))

    def instruction(self, instruction: Instruction, values: Sequence[Node], here: Operator, made: Kernel) -> Node:
        """The node of one instruction of a kernel; `values` are those of the operands, and of the instructions before."""
        operands = tuple([values[arg.place] if isinstance(arg, Ref) else self.argument(arg, values) for arg in instruction.args])
        op, data = instruction.op, instruction.data
        if op not in ("call", "text"):
            return self.single(instruction, operands)
        if here.elementwise and operands and all(arg.op == "const" for arg in operands):
            number = of_numbers(str(data), tuple(arg.data for arg in operands), dict(made.preludes))
            if number is not None:
                return self.const(number)
        if op == "call" and of_one_shape(here):
            operands = tuple([self.matrix(arg) if arg.zero_d else arg for arg in operands])  # it writes into what it makes, which a number is not
        if op == "text" and "slot_dtype" in str(data):
            data = str(data).replace("slot_dtype", "dtype")
        node = self.make(op, operands, data)
        if node.shape is None and not (here.elementwise and all(arg.zero_d for arg in operands)):
            node.shape, node.fresh = tried(str(data), tuple(arg.shape for arg in operands), dict(made.preludes))
        if op == "call":
            node.short = shortcut(functions_of(here.prelude)[str(data).partition("(")[0]], of_one_shape(here))
        if op == "call" and here.elementwise:
            node.entrywise = True
            node.zero_d = all(arg.zero_d for arg in operands)
        return node

    def single(self, instruction: Instruction, operands: tuple[Node, ...]) -> Node:
        """The node of an array operation on these operands; of numbers alone, it is done now."""
        op = instruction.op
        is_known = op in ENTRYWISE and operands[0].op == "const" and all(arg.op == "const" for arg in operands)
        return self.computed(op, operands) if is_known else self.make(op, operands, instruction.data)

    def argument(self, argument: Argument, values: Sequence[Node]) -> Node:
        """The node that an instruction's operand stands for."""
        if isinstance(argument, Ref):
            return values[argument.place]
        assert argument is not None
        return self.const(argument)

    def computed(self, op: str, numbers: tuple[Node, ...]) -> Node:
        """An operation on numbers alone, done now."""
        if op == "cast":
            return self.const(float(numbers[0].data))  # type: ignore[arg-type]
        with np.errstate(all="ignore"):
            found = getattr(np, op)(*(np.float64(node.data) if not isinstance(node.data, bool) else node.data for node in numbers))  # type: ignore[arg-type]
        return self.const(bool(found) if isinstance(found, np.bool_) else plain(found))

    def matrix(self, node: Node) -> Node:
        """A node that is an array of two dimensions."""
        if node.op == "const":
            return self.plain("full", (), node.data, SCALAR)
        if node.op == "size":
            size = self.plain("text", node.args, f"np.full((1, 1), _0_.{node.data}, dtype)", SCALAR)
            size.fresh = True
            return size
        return self.plain("matrix", (node,), None, SCALAR) if node.zero_d else node

    # dimensions

    def dimension(self, size: Dimension) -> tuple[str, tuple[Node, ...]]:
        """The text of a dimension, with `_0_` for the input that has it."""
        if isinstance(size, int):
            return str(size), ()
        for name in self.program.inputs:
            for axis in (0, 1):
                if self.program.shapes[name][axis] == size:
                    return f"_0_.shape[{axis}]", (self.of[name],)
        words: list[str] = []
        args: tuple[Node, ...] = ()
        for part in re.split(r"([+*()])", size):
            if part in ("+", "*", "(", ")", ""):
                words.append(f" {part} " if part in ("+", "*") else part)
                continue
            if part == size:
                from algebra2net.shapes import unsized

                raise unsized(self.program, size)
            text, found = self.dimension(int(part) if part.isdecimal() else part)
            words.append(text.replace("_0_", f"_{len(args)}_"))
            args += found
        return "".join(words), args


def joined(*texts: tuple[str, tuple[Node, ...]]) -> tuple[list[str], tuple[Node, ...]]:
    """Texts with operands, their operands numbered through."""
    words: list[str] = []
    nodes: list[Node] = []
    for text, args in texts:
        words.append(_moved(text, len(nodes)))
        nodes += args
    return words, tuple(nodes)


def _moved(text: str, by: int) -> str:
    return re.sub(r"_(\d+)_", lambda match: f"_{int(match[1]) + by}_", text)


def _common(args: tuple[Node, ...]) -> Shape | None:
    """The shape that operands have together, entry by entry."""
    rows: Dimension = 1
    columns: Dimension = 1
    for arg in args:
        if arg.shape is None:
            return None
        r, c = arg.shape
        if (r != 1 and rows not in (1, r)) or (c != 1 and columns not in (1, c)):
            return None
        rows, columns = (rows if r == 1 else r), (columns if c == 1 else c)
    return rows, columns


# operators whose text rests on sizes


def _size(graph: Graph, here: Operator, value: Operation, args: tuple[Node, ...], shape: Shape) -> Node:
    axis = value.args[-1]
    return graph.size(args[0], None if axis == NONE else int(axis))


def _expand(graph: Graph, here: Operator, value: Operation, args: tuple[Node, ...], shape: Shape) -> Node:
    x, like = args
    if x.shape == like.shape:
        return x
    op = "full_like" if x.shape == SCALAR else "broadcast"
    node = graph.plain(op, (x, like), None, shape)
    node.fresh = op == "full_like"
    return node


def _part(graph: Graph, here: Operator, value: Operation, args: tuple[Node, ...], shape: Shape) -> Node:
    """Rows or columns cut out, or put into zeros."""
    whole, like, *before = args
    axis = 0 if here.name.startswith("rows") else 1
    start, first = _extent(graph, before, axis)
    if here.name.endswith("into"):
        words, nodes = joined(("_0_", (graph.matrix(whole),)), ("_0_", (like,)), (start, first))
        node = graph.plain("text", nodes, f"placed({words[0]}, {words[1]}, {words[2]}, {axis})", shape)
        node.fresh = True
        graph.preludes.setdefault("placed", PLACED)
        return node
    stop, last = _extent(graph, [*before, like], axis)
    words, nodes = joined(("_0_", (whole,)), (start if before else "", first if before else ()), (stop, last))
    cut = f"{words[1]}:{words[2]}"
    return graph.plain("part", nodes, f"{words[0]}[{cut if axis == 0 else f':, {cut}'}]", shape)


def _extent(graph: Graph, blocks: list[Node], axis: int) -> tuple[str, tuple[Node, ...]]:
    """How many rows or columns the blocks have together."""
    total = 0
    open_ones: list[Node] = []
    for block in blocks:
        size = block.shape[axis] if block.shape is not None else "?"
        if isinstance(size, int):
            total += size
        else:
            open_ones.append(block)
    words = [f"_{k}_.shape[{axis}]" for k in range(len(open_ones))]
    return " + ".join([*words, *([str(total)] if total or not words else [])]), tuple(open_ones)


def _made(graph: Graph, here: Operator, value: Operation, args: tuple[Node, ...], shape: Shape) -> Node:
    """Ones, zeros and the identity, of sizes that the shapes say."""
    words, nodes = joined(graph.dimension(shape[0]), graph.dimension(shape[1]))
    text = here.numpy.replace("$rows", words[0]).replace("$cols", words[1]).replace("$dtype", "dtype")
    node = graph.plain("text", nodes, text, shape)
    node.fresh = True
    return node


def _named_size(graph: Graph, here: Operator, value: Operation, args: tuple[Node, ...], shape: Shape) -> Node:
    size = value.args[0].name
    text, nodes = graph.dimension(size)
    node = graph.plain("text", nodes, f"float({text})", SCALAR)
    node.zero_d = True
    return node


SPECIAL = {"$size": _size, "$expand": _expand, "$part": _part, "$extent": _named_size}


@cache
def _special(numpy: str) -> Callable[[Graph, Operator, Operation, tuple[Node, ...], Shape], Node] | None:
    """What makes the node of an operator whose text is no kernel."""
    return _made if "$rows" in numpy else SPECIAL.get(numpy)


def needed(graph: Graph, outputs: Mapping[str, Node]) -> list[Node]:
    """The nodes that the outputs rest on, in an order in which they can be computed."""
    wanted = set(outputs.values())
    found = []
    for node in reversed(graph.nodes):
        if node in wanted:
            wanted.update(node.args)
            found.append(node)
    return found[::-1]
