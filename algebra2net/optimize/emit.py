"""A graph of array operations → the lines of a function.

In    a Graph and its outputs
Out   straight-line Python: one array operation a line, in place wherever a value's memory is free
Idea  first what is written inside another line, then who takes over whose memory, then names, then text

A value's memory is taken over by a result of the same shape when nobody reads the value later: an input's never, an
output's never, and what is a view of something counts as a use of it.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from algebra2net import names
from algebra2net.optimize.graph import VIEWS, Graph, Node, needed
from algebra2net.optimize.kernels import COMPARISONS, ENTRYWISE, LOGICAL, REDUCTIONS
from algebra2net.program import SCALAR

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
          "bitwise_and": "&", "bitwise_or": "|"}  # fmt: skip
_IN_PLACE = ENTRYWISE - COMPARISONS - LOGICAL - {"where", "cast"}
_INSIDE = frozenset(("const", "T", "matrix", "size", "full"))  # written where they are used, however often
_ONCE = COMPARISONS | {"part"}  # written where they are used, if that is one place
_RESERVED = frozenset("np dtype forward value_and_grad float len".split())
_END = 1 << 60


@dataclass
class Lines:
    """The lines of one function: made once, by `text`."""

    graph: Graph
    outputs: Mapping[str, Node]
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.order = [node for node in needed(self.graph, self.outputs) if node.op != "input"]
        self.uses = Counter(id(arg) for node in self.order for arg in node.args)
        self.final = {id(node) for node in self.outputs.values()}
        self.inside = {id(node) for node in self.order if self._is_inside(node)}
        self.statements = [node for node in self.order if id(node) not in self.inside]
        self.last = self._last_uses()
        self.heir = self._heirs()
        self.names = self._names()

    def _is_inside(self, node: Node) -> bool:
        if id(node) in self.final:
            return node.op == "const"
        return node.op in _INSIDE or (node.op in _ONCE and self.uses[id(node)] == 1)

    # memory

    def base(self, node: Node) -> Node:
        """The node whose memory this one's is."""
        while (node.op in VIEWS or node.op == "broadcast") and node.args:
            node = node.args[0]
        return node

    def reads(self, node: Node) -> list[Node]:
        """The values with names of their own that a statement reads, through what is written inside it."""
        found: list[Node] = []
        open_ones = list(node.args)
        while open_ones:
            arg = open_ones.pop()
            if id(arg) in self.inside:
                open_ones += arg.args
            else:
                found.append(arg)
        return found

    def _last_uses(self) -> dict[int, int]:
        """The place of the last statement that reads a value's memory."""
        last: dict[int, int] = {}
        for place, node in enumerate(self.statements):
            if node.op == "ones":
                continue  # looks at type and size alone
            for arg in self.reads(node):
                last[id(self.base(arg))] = place
            if node.op in VIEWS or node.op in ("broadcast", "text"):  # lives on under another name
                for arg in node.args:
                    last[id(self.base(arg))] = _END if node.op == "text" and not node.fresh else place
        for node in reversed(self.statements):  # a view that is read later keeps what it looks at
            if node.op in VIEWS or node.op == "broadcast":
                whole = id(self.base(node))
                last[whole] = max(last.get(whole, 0), last.get(id(node), 0))
        for node in self.outputs.values():
            last[id(self.base(node))] = _END
        return last

    def _heirs(self) -> dict[int, Node]:
        """Of each statement that may write into an operand's memory, that operand."""
        found: dict[int, Node] = {}
        for place, node in enumerate(self.statements):
            if node.op not in _IN_PLACE or node.shape in (None, SCALAR) or node.zero_d:
                continue
            for arg in node.args:
                own = arg.fresh and not arg.boolean and not arg.zero_d and id(arg) not in self.inside and arg.op not in ("input", "ones")
                if own and arg.shape == node.shape and self.last.get(id(arg)) == place and not self._seen_otherwise(node, arg):
                    found[id(node)] = arg
                    break
        return found

    def _seen_otherwise(self, node: Node, arg: Node) -> bool:
        """Whether a statement also looks at an operand's memory through a view."""
        return any(other is not arg and self.base(other) is arg for other in self.reads(node))

    # names

    def _names(self) -> dict[int, str]:
        """An identifier for each value; who takes over memory takes over the name, or gives it its own."""
        found: dict[int, str] = {}
        taken = set(_RESERVED) | self.taken
        for name in self.graph.program.inputs:
            found[id(self.graph.of[name])] = names.identifier(name.name, taken)
            taken.add(found[id(self.graph.of[name])])
        numbers = itertools.count(1)
        for node in reversed(self.statements):
            if id(node) not in found:
                if node.name is not None:
                    text = names.identifier(node.name.name, taken)
                    taken.add(text)
                else:
                    text = ""
                found[id(node)] = text
            heir = self.heir.get(id(node))
            if heir is not None:
                found[id(heir)] = found[id(node)]
                if not found[id(node)] and heir.name is not None:
                    chain = [node]
                    text = names.identifier(heir.name.name, taken)
                    taken.add(text)
                    found[id(heir)] = text
                    following = {id(value): key for key, value in self.heir.items()}
                    key: int | None = id(chain[0])
                    while key is not None:
                        found[key] = text
                        key = following.get(key)
        chains: dict[int, str] = {}
        for node in self.statements:
            if not found[id(node)]:
                heir = self.heir.get(id(node))
                before = chains.get(id(heir)) if heir is not None else None
                text = before or next(word for k in numbers if (word := f"s{k}") not in taken)
                taken.add(text)
                chains[id(node)] = found[id(node)] = text
        return found

    # text

    def lines(self) -> list[str]:
        """The statements."""
        found = [self.statement(node) for node in self.statements]
        if any(re.search(r"\bdtype\b(?!=)", re.sub(r"\.dtype", "", line)) for line in found):
            inputs = [self.names[id(self.graph.of[name])] for name in self.graph.program.inputs]
            found.insert(0, f"dtype = np.result_type({', '.join(inputs)})" if inputs else "dtype = np.float64")
        return found

    def statement(self, node: Node) -> str:
        name = self.names[id(node)]
        heir = self.heir.get(id(node))
        if heir is None:
            return f"{name} = {self.expression(node)}"
        if node.op in ("add", "subtract", "multiply", "divide") and (node.args[0] is heir or node.op in ("add", "multiply")):
            other = node.args[1] if node.args[0] is heir else node.args[0]
            return f"{name} {_SIGNS[node.op]}= {self.operand(other, loose=True)}"
        words = [self.operand(arg, loose=True) for arg in node.args]
        out = f"out={name}" if node.op in ("maximum", "minimum") else name
        return f"np.{node.op}({', '.join([*words, out])})"

    def operand(self, node: Node, loose: bool = False) -> str:
        """The text of an operand, in brackets where it needs them."""
        if id(node) not in self.inside:
            return self.names[id(node)]
        text = self.expression(node)
        if loose or node.op in ("T", "matrix", "size", "full", "part"):
            return text
        return f"({text})" if node.op in COMPARISONS or text.startswith("-") else text

    def expression(self, node: Node) -> str:
        op = node.op
        if op == "const":
            return repr(node.data)
        if op in _SIGNS:
            return f"{self.operand(node.args[0])} {_SIGNS[op]} {self.operand(node.args[1])}"
        if op == "dot":
            return f"{self.operand(node.args[0])}.dot({self.operand(node.args[1], loose=True)})"
        if op == "T":
            return f"{self.operand(node.args[0])}.T"
        if op == "negative":
            return f"-{self.operand(node.args[0])}"
        if op == "vdot":
            return f"np.vdot({self.operand(node.args[0])}, {self.operand(node.args[1])})"
        if op in REDUCTIONS:
            return f"{self.operand(node.args[0])}.{op}({'' if node.data is None else f'axis={node.data}, keepdims=True'})"
        if op == "size":
            return f"{self.operand(node.args[0])}.{node.data}"
        if op == "matrix":
            return f"np.reshape({self.operand(node.args[0], loose=True)}, (1, 1))"
        if op == "full":
            return f"np.full((1, 1), {node.data!r}, dtype)"
        if op == "cast":
            return f"({self.operand(node.args[0], loose=True)}).astype({self._float(node)})"
        if op == "full_like":
            return f"np.full_like({self.operand(node.args[1], loose=True)}, {self.operand(node.args[0], loose=True)})"
        if op == "broadcast":
            return f"np.broadcast_to({self.operand(node.args[0], loose=True)}, {self.operand(node.args[1])}.shape)"
        if op == "call":
            words = iter(self.operand(arg, loose=True) for arg in node.args)
            return re.sub(r"\{\}", lambda _: next(words), str(node.data))
        if op in ("text", "part", "ones"):
            return re.sub(r"_(\d+)_", lambda match: self.operand(node.args[int(match[1])]), str(node.data))
        if op == "invert":
            return f"~{self.operand(node.args[0])}"
        return f"np.{op}({', '.join(self.operand(arg, loose=True) for arg in node.args)})"

    def _float(self, node: Node) -> str:
        """The float type of a flag that becomes a number: that of what was compared."""
        for arg in self.reads(node):
            if not arg.boolean and not arg.zero_d:
                return f"{self.names[id(arg)]}.dtype"
        return "dtype"

    # results

    def result(self, node: Node, shape: Sequence[object], shared: set[int]) -> str:
        """What is handed out for a value: it shares memory with nothing."""
        if shape == SCALAR:
            return f"float({self.expression(node)})" if node.op == "const" else f"{self.names[id(node)]}.item()"
        base = self.base(node)
        text = self.expression(node) if node.op == "const" else self.names[id(node)]
        if base.op in ("input", "const", "ones", "full") or id(base) in shared or (base.op == "text" and not base.fresh):
            return f"np.array({text})"
        shared.add(id(base))
        return text
