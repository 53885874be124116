"""A graph of array operations → the lines of a function.

In    a Graph and its outputs
Out   straight-line Python: one array operation a line, in place wherever a value's memory is free
Idea  first what is written inside another line, then who takes over whose memory, then names, then text

A value's memory is taken over by a result of the same shape when nobody reads the value later: an input's never, an
output's never, and what is a view of something counts as a use of it.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import ChainMap, Counter
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from algebra2net import names
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operator
from algebra2net.optimize.graph import VIEWS, WRITTEN, Graph, Node, needed
from algebra2net.optimize.in_place import asked
from algebra2net.optimize.kernels import COMPARISONS, ENTRYWISE, REDUCTIONS, Check
from algebra2net.optimize.rules import entries
from algebra2net.optimize.shortcuts import together, without_empty
from algebra2net.optimize.stacks import Stacks
from algebra2net.optimize.trial import literal
from algebra2net.program import SCALAR, Shape

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
          "bitwise_and": "&", "bitwise_or": "|"}  # fmt: skip
_IN_PLACE = (WRITTEN - {"sign"}) | {"checked"}
FEW_SIGNS = 32  # entries; over more of its own operand, NumPy's sign, which goes entry by entry there, takes up to ten times as long
_INSIDE = frozenset(("const", "T", "matrix", "size", "full"))  # written where they are used, however often
_ONCE = COMPARISONS | {"part", "mask"}  # written where they are used, if that is one place
_MAY_BE_INSIDE = _INSIDE | _ONCE | {"ones"}
_OF_DTYPE = re.compile(r"(?<!\.)\bdtype\b(?!=)")  # the float type of the call, not that of one array
_LOOKS_AT = VIEWS | {"broadcast", "checked"}  # what may have the memory of its first operand
_PAIRS = frozenset(word for record in OPERATORS.values() if (word := record.at_once or record.together.partition("(")[0]))  # functions that give two values
_RESERVED = frozenset("np dtype forward value_and_grad float len".split()) | _PAIRS
END = 1 << 60
NOTED = 1 << 12  # entries: from here on memory counts, so that what need not be kept is not
LARGE = 1 << 16  # entries: from here on, what is done entry by entry is done in blocks
BLOCK = 5 << 11  # entries of a block: a few of them stay in the cache
SPELLED_OUT = 1 << 6  # functions whose shorter way stands in place of their call; of more, the lines would take Python longer to compile than they ever save
LONG = 1 << 9  # statements; in a function of more, names are let go some at a time: each line costs Python time to compile
PATIENCE = 4  # names that may wait for that
WORTH_IT = 3  # operations that a loop over blocks must have
FILLED = 1 << 14  # entries of a product; from here on, to fill them with zeros takes longer than a call of `@`
OFTEN = 8  # products by one turned matrix; then it pays to turn it in memory: BLAS reads it sooner


@dataclass
class Lines:
    """The lines of one function: made once, by `text`."""

    graph: Graph
    outputs: Mapping[str, Node]
    name: str
    taken: set[str] = field(default_factory=set)
    stacking = True  # whether products of equal sizes are done together
    numpy_alone = True  # whether all is done by lines of NumPy's: then one may do the next one's work, or write over what it is the last to read

    def __post_init__(self) -> None:
        self.order = [node for node in needed(self.graph, self.outputs) if node.op != "input"]
        self.uses = Counter([arg for node in self.order for arg in node.args])
        self.final = set(self.outputs.values())
        for node in self.order:
            if node.op == "checked":  # has the memory of the quick value, where nobody else reads that
                quick = node.args[0]
                node.fresh = quick.fresh and self.uses[quick] == 1 and quick not in self.final
        has_masks = "mask" in [node.op for node in self.order]
        self.order_of = {arg: node for node in self.order for arg in node.args} if has_masks else {}  # the last node that reads each
        self.numbers = numbers(self.order)
        self.has_few_calls = len([node for node in self.order if node.short is not None]) <= SPELLED_OUT
        self.prepare()
        self.turned = often_turned(self.order)
        self.has_large = any(is_entrywise(node, NOTED) for node in self.order)
        self.viewed = {arg for node in self.order if is_large(node) for arg in node.args if arg.op in VIEWS} if self.has_large else set()  # what a loop takes blocks of
        self.adjoined = self._adjoined() if self.numpy_alone and not self.has_few_calls else set()
        self.inside = {node for node in self.order if self._is_inside(node)}
        statements = self.arranged([node for node in self.order if node not in self.inside])
        self.stacks = Stacks(self)
        self.statements = beside_their_call(self.stacks.arranged(statements) if self.stacking and self.graph.program.inputs else statements)
        self.there: set[Node] = set()  # what has memory before its statement, as a block of an array
        self.last = self._last_uses()
        self.heir = self._heirs()
        self.block: Blocks | None = None  # the loop whose lines are being written
        self.taken_names = set(_RESERVED) | self.taken  # names that are no more to be had
        self.names: MutableMapping[Node, str] = self._names()
        self.constants: dict[str, str] = {}  # names of what is made once for a float type → what it is
        self.runs = runs(self.statements) if self.has_large else [self.statements]
        self.looped = {node for run in self.runs if is_looped(run) for node in run}
        self.stacks.fill()
        self.factors = self._factors() if self.numpy_alone else {}

    def prepare(self) -> None:
        """What must be known before any decision about lines: for other renderings."""

    def arranged(self, statements: list[Node]) -> list[Node]:
        """The statements in the order in which they are done."""
        return scheduled(statements, self) if self.has_large else statements

    def _adjoined(self) -> set[Node]:
        """The calls that are written inside the product right after them, in a function that has many: a line less, and a name."""
        found: set[Node] = set()
        for node, product in itertools.pairwise(self.order):
            if node.short is None or product.op != "multiply" or self.uses[node] > 1 or node in self.final or is_large(node):
                continue
            others = [arg for arg in product.args if arg is not node]
            if len(others) == 1 and others[0].fresh and self.uses[others[0]] == 1 and others[0].shape == product.shape and all(member is None for member, _ in node.sharing):
                found.add(node)
        return found

    def _is_inside(self, node: Node) -> bool:
        if node.op not in _MAY_BE_INSIDE:
            return node in self.adjoined
        if node in self.final:
            return node.op in ("const", "size")
        if node in self.viewed or node in self.turned:
            return False
        return node.op in _INSIDE or self._is_constant(node) or (node.op in _ONCE and self.uses[node] == 1 and not self._is_mask(node))

    def _is_mask(self, node: Node) -> bool:
        """Whether a mask is written over what it is of: the last that is done with it."""
        return node.op == "mask" and node.args[0].fresh and self.order_of[node.args[0]] == node

    def _is_constant(self, node: Node) -> bool:
        """Whether a node is the same array in each call of a float type."""
        return node.op == "ones" and bool(self.graph.program.inputs) and "shape" not in str(node.data)

    @cached_property
    def readers(self) -> dict[Node, list[Node]]:
        """Of each value, the statements that read it, or take its memory over."""
        found: dict[Node, list[Node]] = {}
        for node in self.statements:
            heir = self.heir.get(node)
            for arg in (*self.reads(node), *([] if heir is None else [heir])):
                found.setdefault(arg, []).append(node)
        return found

    @cached_property
    def inherited(self) -> set[Node]:
        """The values whose memory another one takes over."""
        return set(self.heir.values())

    @cached_property
    def places(self) -> dict[Node, int]:
        """Where each statement stands."""
        return {node: place for place, node in enumerate(self.statements)}

    # memory

    def base(self, node: Node) -> Node:
        """The node whose memory this one's is."""
        while node.op in _LOOKS_AT and node.args and not (node.op == "checked" and node.fresh):
            node = node.args[0]
        return node

    def is_spread(self, node: Node) -> bool:
        """Whether entries of this one may share memory: NumPy lets nobody write to them."""
        while node.op in VIEWS and node.args:
            node = node.args[0]
        return node.op == "broadcast"

    def reads(self, node: Node) -> list[Node]:
        """The values with names of their own that a statement reads, through what is written inside it."""
        inside = self.inside
        if inside.isdisjoint(node.args):
            return [*reversed(node.args)]
        found: list[Node] = []
        open_ones = list(node.args)
        while open_ones:
            arg = open_ones.pop()
            if arg in inside:
                open_ones += () if self._is_constant(arg) else arg.args
            else:
                found.append(arg)
        return found

    def _last_uses(self) -> dict[Node, int]:
        """The place of the last statement that reads a value's memory."""
        last: dict[Node, int] = {}
        seen: set[Node] = set()
        for place, node in enumerate(self.statements):
            if node.op == "ones":
                continue  # looks at type and size alone
            for arg in self.reads(node):
                last[self.base(arg) if arg.op in _LOOKS_AT else arg] = place
            if node.op in ("text", "call") and not node.fresh:  # may be a view of any of them
                seen.update(self.base(arg) for arg in node.args)
        for node in reversed(self.statements):  # a view that is read later keeps what it looks at
            if node.op in _LOOKS_AT and (base := self.base(node)) is not node:
                whole = base
                last[whole] = max(last.get(whole, 0), last.get(node, 0))
        seen.update(self.base(node) for node in self.statements if node in self.viewed)  # a later block reads what an earlier one would write over
        seen.update(self.base(node) for node in self.outputs.values())
        last.update(dict.fromkeys(seen, END))
        return last

    def _heirs(self) -> dict[Node, Node]:
        """Of each statement that may write into an operand's memory, that operand."""
        found: dict[Node, Node] = {}
        for place, node in enumerate(self.statements):
            if not (node.op in _IN_PLACE or (node.op == "sign" and (entries(node) or END) <= FEW_SIGNS)) or node.shape in (None, SCALAR) or node.zero_d:
                continue
            for arg in node.args[: 1 if node.op == "checked" else None]:
                if self.last.get(arg) != place or arg.shape != node.shape or arg in self.inside:
                    continue
                if is_own(arg) and not self._seen_otherwise(node, arg):
                    found[node] = arg
                    break
        return found

    def _seen_otherwise(self, node: Node, arg: Node) -> bool:
        """Whether a statement also looks at an operand's memory through a view."""
        return len(node.args) > 1 and any(other is not arg and self.base(other) is arg for other in self.reads(node))

    # names

    def _names(self) -> dict[Node, str]:
        """An identifier for each value: its own, or that of the next of those that have its memory after it, or of the last before it."""
        taken = self.taken_names
        found: dict[Node, str] = {}

        def enter(node: Node, name: str) -> None:
            found[node] = word = names.identifier(name, taken)
            taken.add(word)

        for symbol in self.graph.program.inputs:
            enter(self.graph.of[symbol], symbol.name)
        for node in self.statements:
            if node.name is not None and node not in found:
                enter(node, node.name.name)
        for node in reversed(self.statements):
            heir = self.heir.get(node)
            if heir is not None and node in found:
                found.setdefault(heir, found[node])
        steps = (word for k in itertools.count(1) if (word := f"s{k}") not in taken)
        for node in self.statements:
            if node not in found:
                heir = self.heir.get(node)
                if heir is not None:
                    found[node] = found[heir]
                else:
                    enter(node, next(steps))
        return found

    def _factors(self) -> dict[Node, Node]:
        """Of each value that alone multiplies what stands right after it, that product: written with the value, it may be a quotient."""
        found: dict[Node, Node] = {}
        for node, product in itertools.pairwise(self.statements):
            if product.op != "multiply" or not self.is_shortened(node) or self.uses[node] > 1 or node in self.final | self.looped:
                continue
            heir = self.heir.get(product)
            if heir is not None and heir is not node and node in product.args and self.names[product] == self.names[heir]:
                found[node] = product
        return found

    # text

    def lines(self) -> list[str]:
        """The statements, after what they need of a float type."""
        found = self.body()
        inputs = [self.names[self.graph.of[name]] for name in self.graph.program.inputs]
        if self.constants:
            found.insert(
                0,
                f"{', '.join(self.constants)}{',' * (len(self.constants) == 1)} = {self.name.upper()}_CONSTANTS.get({inputs[0]}.dtype) or {self.name}_constants(np.result_type({inputs[0]}, np.float16))",
            )
        if self.stacks.slots and len(inputs) > 1:  # a product is written only into what has its type
            given, words = self.free("given"), ", ".join(inputs)
            alike = f"{given} = {words}\n    {words} = (np.asarray(each, np.result_type(*{given})) for each in {given})"
            found.insert(0, f"if not ({' is '.join(f'{word}.dtype' for word in inputs)}):\n    {alike}")
        if any("dtype" in line and _OF_DTYPE.search(line) for line in found):
            found.insert(0, f"dtype = np.result_type({', '.join(inputs)})" if inputs else "dtype = np.float64")
        return found

    def body(self) -> list[str]:
        """The statements."""
        found: list[str] = []
        named: set[str] = set()  # by the lines before a loop
        within: set[str] = set()  # names that are known in a loop alone
        seen = 0
        dying = self.dying()
        patience = PATIENCE if len(self.statements) > LONG else 0
        waiting: list[str] = []
        for run in self.runs:
            if is_looped(run):
                found += Blocks(self, run).lines()
                named.update(line.strip().partition(" = ")[0] for line in found[seen:])
                seen = len(found)
                within.update({self.names[node] for node in run} - named)
                found += deleted([name for node in run for name in dying.get(node, ())], named)
                continue
            for node in run:
                found += self.written(node)
                waiting += [name for name in dying.get(node, ()) if name not in within]
                if len(waiting) > patience:
                    found += deleted(waiting)
                    waiting = []
        return [*found, *deleted(waiting)]

    def dying(self) -> dict[Node, list[str]]:
        """Of each statement, the names of the large arrays that nobody reads after it."""
        heirs, last, end = self.inherited, self.last, len(self.statements) - 1
        found: dict[Node, list[str]] = {}
        for node in self.statements:
            if node.op in VIEWS or node.zero_d or node in heirs or is_surely_small(node):
                continue
            place = last.get(node, END)
            if place >= end:
                continue
            words = [self.names[node]]
            member = self.heir.get(node)
            while member is not None and member.op != "input":
                words.append(self.names[member])
                member = self.heir.get(member)
            found.setdefault(self.statements[place], []).extend(dict.fromkeys(reversed(words)))
        return found

    def constant(self, node: Node) -> str:
        """The name of a number as an array, or of ones: a ufunc takes an array sooner than a number, and it is made once."""
        if node.op == "ones":
            name, text = f"ones_{node.shape[0]}_{node.shape[1]}", str(node.data).replace("_0_.dtype", "dtype")  # type: ignore[index]
        else:
            name, text = constant_name(node.data), f"np.array({literal(node.data)}, dtype)"
        return self.known_as(name, text)

    def known_as(self, name: str, text: str) -> str:
        """The name of what is made once for a float type: this one, where it is free."""
        if self.constants.get(name) == text:
            return name
        while name in self.taken_names or self.constants.get(name, text) != text:
            name += "_"
        self.constants[name] = text
        return name

    def filled(self, node: Node, like: Node) -> str:
        """A bound of maximum or minimum: two arrays are compared in less than half the time of an array and a number, or a row."""
        rows, columns = like.shape or ("?", "?")
        if node.op == "const" and self.block is not None and self.block.shape == like.shape:
            return self.block.filled(node)
        if node.op != "const" or not isinstance(columns, int) or not self.graph.program.inputs:
            return self.entry(node, loose=True)
        shape = (rows, columns) if isinstance(rows, int) and rows * columns <= 2 * BLOCK else (1, columns)
        if not 32 <= shape[0] * columns <= 2 * BLOCK:
            return self.entry(node, loose=True)
        return self.known_as(f"{constant_name(node.data)}_{shape[0]}_{columns}", f"np.full({shape}, {literal(node.data)}, dtype)")

    def free(self, word: str) -> str:
        """This name, with a number where it is taken."""
        return next(name for n in itertools.count() if (name := f"{word}{n or ''}") not in self.taken_names)

    def written(self, node: Node) -> list[str]:
        """The lines of a node, after that of a stack that it begins; products done together are a line of the first."""
        stacks = self.stacks
        call = stacks.calls.get(node) if stacks.calls else None
        if call is not None:
            return call
        lines = [] if node.op == "along" or (self.factors and any(arg in self.factors for arg in node.args)) else [self.statement(node)]
        stack = stacks.before.get(node) if stacks.before else None
        return lines if stack is None else [stack, *lines]

    def statement(self, node: Node) -> str:
        """The line of a node, or the lines."""
        name = self.names[node]
        if self.is_shortened(node):
            return self.shortened(node)
        if node.op == "checked":
            return self.checked(node)
        heir = self.heir.get(node)
        if heir is not None:
            return self.overwriting(node, heir, name)
        slot = self.stacks.slot(node) if self.stacks.slots else None
        return f"{name} = {self.expression(node) if slot is None else self.placed(node, slot)}"

    def placed(self, node: Node, slot: str) -> str:
        """The call that writes a node into a slot."""
        if node.op == "dot":
            return f"{self.operand(node.args[0])}.dot({self.operand(node.args[1], loose=True)}, {slot})"
        return self.called(node, slot)

    def is_shortened(self, node: Node) -> bool:
        """Whether lines stand in place of a function's call: each operand is a name, for it is read more than once; or it is one of several."""
        if not (node.short or node.sharing) or node.zero_d or not self.graph.program.inputs:
            return False
        if any(member is not None and member in self.names for member, _ in node.sharing):
            return True
        return node.short is not None and self.has_few_calls and not any(arg in self.inside for arg in node.args)

    def shortened(self, node: Node) -> str:
        """The shorter way of a function and of what it computes along with it, and their calls where the numbers are not fit for that."""
        name = self.names[node]
        known = [(member or node, record) for member, record in node.sharing if (member or node) in self.names]
        if (node.short is None or not self.has_few_calls) and len(known) == 2 and (both := self.both(node, known)):
            return both
        if len(known) > 1:
            short = together(tuple((record.ordinary, record.numpy.replace("$", "")) for _, record in known))
        else:
            assert node.short is not None
            short = node.short
        outs = {f"out{k or ''}": member for k, (member, _) in enumerate(known)} or {"out": node}
        args = iter(node.args)
        operands = [next(args) if word == "{}" else word for word in str(node.data).partition("(")[2][:-1].split(", ")]
        given = [operand if isinstance(operand, str) else self.operand(operand) for operand in operands]
        more = {word: self.free(f"{name}_{word}") for word in short.names}

        def fill(word: str) -> str:
            if word.isdecimal():
                return given[int(word)]
            if word == "far":
                far = next(name for n in itertools.count() if (name := "far" + n * "_") not in self.taken_names)
                self.constants[far] = "300.0 if np.dtype(dtype).itemsize == 8 else 40.0"
                return far
            if word == "factor":
                return self.names[self.factors[node]]
            if word.startswith("="):
                return self.constant(self.graph.const(_literal(word[1:])))
            return more[word] if word in more else self.names[outs[word]]

        there = {f"‹{word}›" for word, member in outs.items() if member in self.there}
        sizes = [1 if isinstance(operand, str) else entries(operand) for operand in operands]
        spent = [f"‹{place}›" for place, operand in enumerate(operands) if not isinstance(operand, str) and self.is_spent(operand, node)]
        return "\n".join(short.lines(fill, there, is_surely_small(node), sizes, node in self.factors, spent))

    def both(self, node: Node, known: Sequence[tuple[Node, Operator]]) -> str:
        """The call that gives a function and its slope, or another one of the same operand, if there is one."""
        first, second = sorted(known, key=lambda each: bool(each[1].at_once or each[1].together))
        function = second[1].at_once or second[1].together.partition("(")[0]
        if not function or second[1].companion != first[1].name:
            return ""
        if function not in self.graph.preludes:
            self.graph.enter(f"{function}()", second[1])
        names = [f"{self.names[member]}{'[...]' if member in self.there else ''}" for member, _ in (first, second)]
        return f"{', '.join(names)} = {function}({self.operand(node.args[0], loose=True)})"

    def is_spent(self, operand: Node, node: Node) -> bool:
        """Whether lines in place of a call may write over an operand that nobody reads after them."""
        if not self.numpy_alone or node in self.looped or self.last.get(operand) != self.places[node] or operand.shape != node.shape or node.args.count(operand) > 1:
            return False
        return is_own(operand) and not self._seen_otherwise(node, operand)

    def checked(self, node: Node) -> str:
        """The careful value in place of the quick one, where a question says so."""
        name, quick = self.names[node], self.operand(node.args[0], loose=True)
        assert isinstance(node.data, Check)
        question = asked(ast.parse(node.data.question, mode="eval").body)
        if 0 not in (entries(arg) or 0 for arg in node.args):
            question = without_empty(question)
        test, otherwise = (re.sub(r"_(\d+)_", lambda match: self.operand(node.args[1 + int(match[1])]), text) for text in (question, node.data.careful))
        return "\n".join([*([f"{name} = {quick}"] if quick != name else []), f"if not {f'({test})' if ' and ' in test else test}:", f"    {name} = {otherwise}"])

    def overwriting(self, node: Node, heir: Node, name: str) -> str:
        """The statement of a node that takes over an operand's memory."""
        own, name = name, self.names[heir]
        if own == name and node.op in ("add", "subtract", "multiply", "divide") and (node.args[0] is heir or node.op in ("add", "multiply")):
            other = node.args[1] if node.args[0] is heir else node.args[0]
            return f"{name} {_SIGNS[node.op]}= {self.entry(other, loose=True)}"
        if node.op == "mask" and own == name:
            return f"{name}[...] = {self.expression(node)}"  # sooner than by a call that has to convert as it writes
        return f"{f'{own} = ' if own != name else ''}{self.called(node, name)}"

    def called(self, node: Node, out: str = "") -> str:
        """The call of NumPy's function that does an operation entry by entry; a keyword costs as much as a small array's sum."""
        words = [self.filled(arg, node) if node.op in ("maximum", "minimum") and not node.zero_d else self.entry(arg, loose=True) for arg in node.args]
        words += [f"out={out}" if node.op in ("maximum", "minimum") else out] if out else []
        if node.op == "negative" and out and (self.block is not None or self.stacks.slots):  # from one view to another, 64 bytes apart, NumPy 2.4's is wrong
            return f"np.multiply({words[0]}, {self.constant(self.graph.const(-1))}, {out})"
        return f"np.{'greater' if node.op == 'mask' else node.op}({', '.join(words)})"

    def entry(self, node: Node, loose: bool = False) -> str:
        """The text of an operand of what is done entry by entry on an array."""
        return self.constant(node) if node.op == "const" and not isinstance(node.data, bool) and self.graph.program.inputs else self.operand(node, loose)

    def operand(self, node: Node, loose: bool = False) -> str:
        """The text of an operand, in brackets where it needs them."""
        name = self.names.get(node)
        if name is not None:
            return name
        if node.op == "ones" and self._is_constant(node):
            return self.constant(node)
        text = self.expression(node)
        if loose or node.op in ("T", "matrix", "size", "full", "part"):
            return text
        return f"({text})" if node.op in COMPARISONS or text.startswith("-") else text

    def expression(self, node: Node) -> str:
        """The text of an operation."""
        op = node.op
        if op == "const":
            return literal(node.data)
        if op == "divide" and node.args[0].op == "const" and (node.args[1].op == "size" or str(node.args[1].data).startswith("float(")):
            return f"float(np.divide({self.operand(node.args[0], loose=True)}, {self.operand(node.args[1], loose=True)}))"  # of something empty, too
        entry = self.operand if node.zero_d else self.entry
        if op in _SIGNS:
            return f"{entry(node.args[0])} {_SIGNS[op]} {entry(node.args[1])}"
        if op == "dot":
            return self.product(node)
        if op == "T":
            turned = f"{self.operand(node.args[0])}.T"
            return f"np.ascontiguousarray({turned})" if node in self.turned else turned
        if op == "negative":
            return f"-{self.operand(node.args[0])}"
        if op == "vecdot":
            return f"np.vecdot({self.operand(node.args[0], loose=True)}, {self.operand(node.args[1], loose=True)})[:, None]"
        if op == "stacked":
            return f"np.concatenate(({', '.join(self.operand(arg, loose=True) for arg in node.args)}))"
        if op == "mask":
            return f"{entry(node.args[0])} > {entry(node.args[1])}"
        if op == "vdot":
            return f"np.vdot({self.operand(node.args[0])}, {self.operand(node.args[1])})"
        if op in REDUCTIONS:
            return f"{self.operand(node.args[0])}.{op}({'' if node.data is None else f'axis={node.data}, keepdims=True'})"
        if op == "size":
            return f"{self.operand(node.args[0])}.{node.data}"
        if op == "matrix":
            return f"np.reshape({self.operand(node.args[0], loose=True)}, (1, 1))"
        if op == "full":
            return f"np.full((1, 1), {literal(node.data)}, dtype)"
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
        return f"np.{op}({', '.join(self.operand(arg, loose=True) for arg in node.args)})" if node.zero_d else self.called(node)

    def product(self, node: Node) -> str:
        """The text of a product: `dot` is called sooner, but fills what it makes with zeros first."""
        if (entries(node) or 0) < FILLED:
            return f"{self.operand(node.args[0])}.dot({self.operand(node.args[1], loose=True)})"
        return " @ ".join(self.operand(arg) for arg in node.args)

    def _float(self, node: Node) -> str:
        """The float type of a flag that becomes a number: that of what was compared."""
        for arg in self.reads(node):
            if not arg.boolean and not arg.zero_d:
                return f"{self.names[arg]}.dtype"
        return "dtype"

    # results

    def result(self, node: Node, shape: Sequence[object], shared: set[Node]) -> str:
        """What is handed out for a value: it shares memory with nothing."""
        if shape == SCALAR:
            if node.op in ("const", "size"):
                return f"float({self.expression(node)})"
            return f"float({self.names[node]})" if node in self.numbers else f"{self.names[node]}.item()"
        base = self.base(node)
        text = self.expression(node) if node.op == "const" else self.names[node]
        own = base.fresh and not self.is_spread(node) and base not in shared
        if not own:
            return f"np.array({text})"
        shared.add(base)
        return text


def often_turned(order: Sequence[Node]) -> set[Node]:
    """The turned matrices by which so many others are multiplied, as the weights of each step of a recurrent net are going back."""
    right = [node.args[1] for node in order if node.op == "dot" and node.args[1].op == "T" and node.shape is not None and node.shape[0] != 1]
    return {key for key, count in Counter(right).items() if count >= OFTEN}


def numbers(order: Sequence[Node]) -> set[Node]:
    """The nodes that are scalars of NumPy, not arrays of one entry: a float is made of them ten times sooner than by `.item()`."""
    found: set[Node] = set()
    for node in order:
        if node.op in ("const", "size", "vdot") or (node.op in REDUCTIONS and node.data is None) or (node.op in ENTRYWISE and all(arg in found for arg in node.args)):
            found.add(node)
    return found


_WORDS = {0: "zero", 1: "one", 2: "two", 0.5: "half", -1: "minus_one"}


@cache
def _literal(text: str) -> float | int:
    """The number that a text says."""
    found: float | int = ast.literal_eval(text)
    return found


@cache
def constant_name(number: float) -> str:
    """A name that says a number: `half`, `c26_85`."""
    return _WORDS.get(number) or "c" + re.sub(r"\W", "_", f"{number:.4g}".replace("-", "m").replace("+", ""))


def is_own(node: Node) -> bool:
    """Whether a value is an array that this function has made, and may write over."""
    return node.fresh and not node.boolean and not node.zero_d and node.op not in ("input", "ones")


def is_surely_small(node: Node) -> bool:
    """Whether an array is known to be too small for its memory to count."""
    count = entries(node)
    return count is not None and count < NOTED


def deleted(words: Sequence[str], known: set[str] | None = None) -> list[str]:
    """The line that lets go of these names, of those that are known."""
    found = [word for word in dict.fromkeys(words) if known is None or word in known]
    return [f"del {', '.join(found)}"] if found else []


# ---------------------------------------------------------------------------------------------------------------- blocks


def is_entrywise(node: Node, least: int) -> bool:
    """Whether a node is done entry by entry on at least so many entries."""
    if node.op in ("sum", "vdot") and node.data is None:
        return all(_has(arg.shape, least) and arg.shape == node.args[0].shape for arg in node.args)
    entrywise = node.op in ENTRYWISE or (node.op in ("call", "along") and node.entrywise)
    return entrywise and _has(node.shape, least) and all(arg.shape is not None for arg in node.args)


def is_large(node: Node) -> bool:
    """Whether whole arrays of a node leave the cache."""
    return is_entrywise(node, LARGE)


def _has(shape: Shape | None, least: int) -> bool:
    rows, columns = shape or ("?", "?")
    return isinstance(rows, int) and isinstance(columns, int) and rows * columns >= least


def _block_shape(node: Node) -> object:
    return node.args[0].shape if node.op in ("sum", "vdot") else node.shape


def beside_their_call(statements: list[Node]) -> list[Node]:
    """The statements with what a call computes along with its value right after it."""
    along: dict[Node, list[Node]] = {}
    for node in statements:
        if node.op == "along":
            along.setdefault(node.args[0], []).append(node)
    return [each for node in statements if node.op != "along" for each in (node, *along.get(node, ()))] if along else statements


def scheduled(statements: Sequence[Node], lines: Lines) -> list[Node]:
    """The statements with what can be done in one loop side by side: what does not rest on it goes before it."""
    found: list[Node] = []
    run: list[Node] = []
    done: set[Node] = set()
    inside: set[Node] = set()
    reads = {node: lines.reads(node) for node in statements}
    users: dict[Node, list[Node]] = {}
    for node in statements:
        for arg in reads[node]:
            users.setdefault(arg, []).append(node)

    def close() -> None:
        run.extend(_early(run, reads, users, done, lines))
        found.extend(run)
        done.update(run)
        run.clear()
        inside.clear()

    for node in statements:
        if node in done:
            continue
        large = is_entrywise(node, NOTED)
        rests = any(arg in inside for arg in reads[node])
        reduced = any(arg in inside and arg.op in ("sum", "vdot") for arg in reads[node])
        if run and ((large and (reduced or _block_shape(node) != _block_shape(run[0]))) or (rests and not large)):
            close()
            if node in done:
                continue
        if large:
            run.append(node)
            inside.add(node)
        else:
            found.append(node)
            done.add(node)
    if run:
        close()
    return found


def _early(run: Sequence[Node], reads: Mapping[Node, list[Node]], users: Mapping[Node, list[Node]], done: set[Node], lines: Lines) -> list[Node]:
    """What a run may do already, although it comes later: the slope beside its function, so that less need be kept."""
    known = done | set(run)
    early: list[Node] = []
    open_ones = list(run)
    for node in open_ones:
        for user in users.get(node, ()):
            fits = user not in known and is_entrywise(user, NOTED) and user.op not in ("sum", "vdot") and user.shape == _block_shape(run[0])
            if fits and all(arg in known or arg.op == "input" for arg in reads[user]):
                known.add(user)
                early.append(user)
                open_ones.append(user)

    def kept(members: Sequence[Node]) -> int:
        own = set(members)
        return sum(node in lines.final or any(user not in own for user in users.get(node, ())) for node in members)

    return early if early and kept([*run, *early]) <= kept(run) else []


def runs(statements: Sequence[Node]) -> list[list[Node]]:
    """The statements, those together that one loop can do."""
    found: list[list[Node]] = []
    reduced: set[Node] = set()
    for node in statements:
        last = found[-1] if found else []
        joins = last and is_large(node) and is_large(last[-1]) and _block_shape(node) == _block_shape(last[0]) and not any(arg in reduced for arg in node.args)
        if joins:
            last.append(node)
        else:
            found.append([node])
            reduced = set()
        if node.op in ("sum", "vdot"):
            reduced.add(node)
    return found


def is_looped(run: Sequence[Node]) -> bool:
    """Whether these statements become a loop over blocks."""
    return len(run) >= WORTH_IT and is_large(run[0])


class Blocks:
    """A loop over blocks of rows (of columns, where there is one row) that does a run of statements on each."""

    def __init__(self, lines: Lines, run: Sequence[Node]) -> None:
        self.whole = lines
        self.run = run
        self.members = set(run)
        shape = _block_shape(run[0])
        assert isinstance(shape, tuple)
        self.shape: tuple[int, int] = shape
        self.axis = int(self.shape[0] == 1)
        self.place = lines.free("k")
        self.escapes = {node for node in run if node in lines.final or any(reader not in self.members for reader in lines.readers.get(node, ()))}
        self.block = ChainMap({}, lines.names)  # the names inside the loop
        self.length, self.width = self.shape[self.axis], self.shape[1 - self.axis]
        self.most = 8 * BLOCK // self.width  # bytes of a block, over its width
        self.has_types = self.length > 2 * BLOCK // self.width > 1  # as many bytes of either type
        self.reused: set[Node] = set()  # arrays from outside whose memory a member takes over

    def lines(self) -> list[str]:
        """The loop, with what it needs before it."""
        before: list[str] = []
        slices: dict[str, str] = {}
        body: list[str] = []
        for arg in self.read_from_outside():
            self.block[arg] = self.sliced(self.whole.names[arg], slices)
        roots = self.roots()
        kept = {roots[member] for member in self.escapes}
        after: list[str] = []
        for node in self.run:
            root = roots[node]
            if node.op in ("sum", "vdot"):
                continue
            whole, name = self.whole.names[root], self.whole.names[node]
            if root not in self.members:
                self.block[node] = self.block[root]
            elif root in kept:
                if node is root:
                    spent = self.spent(node)
                    before.append(f"{name} = np.empty({self.shape}, {self.dtype(node)})" if spent is None else f"{name} = {spent}")
                self.block[node] = self.sliced(whole, slices)
            if node in self.escapes and name != whole:
                after.append(f"{name} = {whole}")
        names, self.whole.names = self.whole.names, self.block
        self.whole.there = {node for node in self.run if node in kept and roots[node] is node}
        self.whole.block = self
        for node in self.run:
            name = self.block[node]
            if node.op == "along":
                continue
            if node.op in ("sum", "vdot"):
                before.append(f"{name} = 0.0")
                body.append(f"{name} += {self.whole.expression(node)}")
            elif node in kept and roots[node] is node and node in self.members:
                body += self.into(node, name).split("\n")
            else:
                body += self.whole.statement(node).split("\n")
        body = self.asked_once(body, set(roots.values()))
        self.whole.names, self.whole.there, self.whole.block = names, set(), None
        step = str(self.steps[0])
        if self.has_types:
            step = self.whole.free("step")
            before.append(f"{step} = {self.most} // {self.dtype(None)}.itemsize")
        return [*before, f"for {self.place} in range(0, {self.length}, {step}):", *(f"    {line}" for line in (*self.cuts(slices, step), *body)), *after]

    @property
    def steps(self) -> list[int]:
        """How many rows a block has, of each float type."""
        return [self.most // 8, self.most // 4] if self.has_types else [max(1, BLOCK // self.width)]

    def filled(self, node: Node) -> str:
        """A number as an array of the sizes of a block, of the last block's where that is smaller."""
        count = f"{self.most} // np.dtype(dtype).itemsize" if self.has_types else str(self.steps[0])
        shape = f"{count}, {self.width}" if self.axis == 0 else f"{self.width}, {count}"
        name = self.whole.known_as(f"{constant_name(node.data)}_block", f"np.full(({shape}), {literal(node.data)}, dtype)")
        if not any(self.length % step for step in self.steps):
            return name
        a_block = next(self.block[arg] for arg in self.read_from_outside())
        return f"{name}[:len({a_block})]" if self.axis == 0 else f"{name}[:, :{a_block}.shape[1]]"

    def asked_once(self, body: Sequence[str], written: Collection[Node]) -> list[str]:
        """The lines of the loop, after what several of them ask of the entries of a block that nobody writes over."""
        asked: list[str] = []
        text = "\n".join(body)
        for arg in self.read_from_outside():
            name = self.block[arg]
            for least in ("min", "max"):
                question = f"{name}.item({name}.arg{least}())"
                if arg not in written and text.count(question) > 1:
                    word = self.whole.free(f"{name}_{least}")
                    asked.append(f"{word} = {question}")
                    text = text.replace(question, word)
        return [*asked, *text.split("\n")]

    def spent(self, node: Node) -> str | None:
        """An array of these sizes that nobody reads after this node: its memory is as good as new."""
        if node.boolean:
            return None
        head = node.args[0] if node.op == "along" else node
        several = head.args if self.whole.is_shortened(head) else ()  # lines, of which a later one may read them
        places = {member: place for place, member in enumerate(self.run)}
        end = self.whole.places[self.run[-1]]
        taken = self.whole.inherited
        for arg in self.read_from_outside():
            readers = [places[member] for member in self.run if arg in self.whole.reads(member)]
            dies = self.whole.last.get(arg, END) <= end and is_own(arg) and arg.shape == self.shape
            if dies and arg not in several and arg not in taken and arg not in self.reused and max(readers) <= places[node]:
                self.reused.add(arg)
                return self.whole.names[arg]
        return None

    def read_from_outside(self) -> list[Node]:
        """The arrays that the loop reads a block of at a time."""
        found: dict[Node, Node] = {}
        for node in self.run:
            for arg in self.whole.reads(node):
                if arg not in self.members and not arg.zero_d and arg.shape is not None and arg.shape[self.axis] == self.shape[self.axis]:
                    found.setdefault(arg, arg)
        return list(found.values())

    def roots(self) -> dict[Node, Node]:
        """Of each member, the first node whose memory it has."""
        found: dict[Node, Node] = {}
        for node in self.run:
            heir = self.whole.heir.get(node)
            found[node] = node if heir is None else found.get(heir, heir)
        return found

    def sliced(self, name: str, slices: dict[str, str]) -> str:
        """The name of a block of an array."""
        if name not in slices:
            taken = set(slices.values())
            start = re.sub(r"\W+", "_", name).strip("_")  # of what lies in another array, the text of its place
            slices[name] = next(word for n in itertools.count() if (word := f"{start}_k{n or ''}") not in taken and word not in self.whole.taken_names)
        return slices[name]

    def cuts(self, slices: Mapping[str, str], step: str) -> list[str]:
        """The lines that take a block of each array."""
        cut = f"{self.place}:{self.place} + {step}"
        return [f"{block} = {name}[{cut if self.axis == 0 else f':, {cut}'}]" for name, block in slices.items()]

    def dtype(self, node: Node | None) -> str:
        """The text of the type of a whole array that a member fills."""
        if node is not None and node.boolean:
            return "bool"
        for member in self.run:
            for arg in self.whole.reads(member):
                if arg not in self.members and not arg.zero_d and not arg.boolean:
                    return f"{self.whole.names[arg]}.dtype"
        return "dtype"

    def into(self, node: Node, name: str) -> str:
        """The statement that writes a node into its block of a whole array."""
        if node.op in (WRITTEN | COMPARISONS) - {"mask"}:
            return self.whole.called(node, name)
        if self.whole.is_shortened(node):
            return self.whole.shortened(node)
        value = self.whole.operand(node.args[0], loose=True) if node.op == "cast" else self.whole.expression(node)  # what is written is converted
        return f"{name}[...] = {value}"
