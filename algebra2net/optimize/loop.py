"""The text of one compiled loop, and the lines that call it.

In    the nodes of a loop, what is known of their memory
Out   Python that Numba compiles: over all entries, or over each row in runs, one for each of the loop's phases
Idea  an entry is read once in a run, and what nobody else needs never reaches memory; names are the loop's own, so that equal
      loops are one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from algebra2net.optimize.graph import Graph, Node
from algebra2net.optimize.kernels import ENTRYWISE, LOGICAL, REDUCTIONS
from algebra2net.optimize.roles import COMPARED, REDUCED, SIGNS, SPREAD, TEXTS, called_on_rows, kind_of, operands
from algebra2net.optimize.trial import literal
from algebra2net.program import Dimension

if TYPE_CHECKING:
    from algebra2net.optimize.accelerate import Fused

CHUNK = 1024  # entries that are added up in any order before their sum is
LARGEST = {"max": "", "min": "-"}  # the sign with which the largest is looked for


class Loop:
    """One loop: its text, and the lines that call it."""

    def __init__(self, lines: Fused, part: Sequence[Node]) -> None:
        self.whole = lines
        self.part = part
        self.members = set(part)
        self.phases = lines.phases[lines.part[part[0]]]
        self.shape = self.phases.shape
        self.given: list[str] = []  # in a call
        self.known: dict[str, str] = {}  # what is given → its name in the loop
        self.kinds: dict[str, str] = {}  # name in the loop → what it is
        self.constants: dict[str, str] = {}
        self.totals = {node: f"total{number}" for number, node in enumerate((node for node in part if node.op in REDUCED), 1)}
        self.once: dict[Node, str] = {}  # names of what is there once a row
        self.places: dict[Node, str] = {}  # of what is kept in memory, its array
        self.columns: dict[str, tuple[str, slice]] = {}  # name in the loop of some columns → the array, and which
        self.widths: dict[str, Dimension] = {}  # of such arrays
        self.named_so_far = 0
        reads = {kind_of(arg, self.shape) for node in part for arg in operands(node) if arg not in self.members}
        self.is_flat = not reads & {"row", "column"} and all(self.phases.is_whole(node) or node.op in REDUCED for node in part) and self.phases.count == 1
        self.is_flat = self.is_flat and not any(self.has_gaps(each) for node in part for each in (node, *operands(node)))
        sizes = self.shape if self.is_flat else self.shape[1:]  # of what is one run of entries
        self.is_long = not (all(isinstance(size, int) for size in sizes) and prod(map(int, sizes)) <= CHUNK)

    # the call

    def lines(self) -> list[str]:
        """The call, after what it fills has been made."""
        for arg in dict.fromkeys(arg for node in self.part for arg in operands(node)):
            if arg not in self.members and arg.op != "const":
                self.array(arg)
        before, after = self.memory()
        runs = [Run(self, number) for number in range(self.phases.count)]
        call = f"loops.{self.whole.loops.name(self.text(runs))}({', '.join(self.given)})"
        if not self.totals:
            return [*before, call, *after]
        names = [self.whole.names[key] for key in self.totals]
        typed = f"{self.whole.first}.dtype.type"
        return [*before, f"{names[0]} = {typed}({call})" if len(names) == 1 else f"{', '.join(names)} = map({typed}, {call})", *after]

    def memory(self) -> tuple[list[str], list[str]]:
        """The lines that make the arrays which the loop fills, and those that give their names to arrays which it overwrites."""
        before: list[str] = []
        after: list[str] = []
        for node in self.part:
            if node.op in REDUCED:
                continue
            if node in self.whole.escaping:
                if node in self.whole.layout.of:
                    self.places[node] = self.placed(node)
                    continue
                name, heir = self.whole.names[node], self.whole.heir.get(node)
                memory = name if heir is None else self.whole.names[heir]
                if heir is None:
                    before.append(f"{name} = {self.empty(node, self.phases.is_whole(node))}")
                elif memory != name:
                    after.append(f"{name} = {memory}")
                self.places[node] = self.argument(memory, "whole" if self.phases.is_whole(node) else "column")
            elif node in self.phases.kept or self.phases.makes_row(node):
                self.places[node] = self.enter(self.empty(node, True, rows="1"), "own")
        return before, after

    def empty(self, node: Node, wide: bool, rows: str = "") -> str:
        """The call that makes an array for a node, or for a row of it."""
        columns = self.size(1) if wide else "1"
        return f"np.empty(({rows or self.size(0)}, {columns}), {'bool' if node.boolean else f'{self.whole.first}.dtype'})"

    def size(self, axis: int) -> str:
        """A side of the loop's shape, in the function's own names."""
        size = self.shape[axis]
        if isinstance(size, int):
            return str(size)
        read = (arg for node in self.part for arg in operands(node) if arg not in self.members and not arg.zero_d and arg.op != "const")
        return f"{self.whole.operand(next(arg for arg in read if arg.shape and arg.shape[axis] == size))}.shape[{axis}]"

    def has_gaps(self, node: Node) -> bool:
        """Whether a matrix is some columns of an array."""
        place = self.whole.layout.of.get(node)
        return place is not None and not place.has_all_columns

    def placed(self, node: Node) -> str:
        """The name of what lies in an array: of the rows, or of some columns of each."""
        place = self.whole.layout.of[node]
        rows = place.rows_text(self.whole.names[place.whole])
        if not self.has_gaps(node):
            return self.argument(rows, "whole")
        assert place.whole.shape is not None
        array = self.argument(rows, "wide")
        self.widths[array] = place.whole.shape[1]
        name = f"{array}_{place.columns.start}"
        self.columns[name] = array, place.columns
        return name

    def argument(self, text: str, kind: str) -> str:
        """The name in the loop of what is given in a call."""
        if text not in self.known:
            self.known[text] = self.enter(text, kind)
        return self.known[text]

    def enter(self, text: str, kind: str) -> str:
        """The name in the loop of one more thing that is given."""
        self.given.append(text)
        name = f"a{len(self.given)}"
        self.kinds[name] = kind
        return name

    # the loop's text

    def text(self, runs: Sequence[Run]) -> str:
        """The loop from its arguments on."""
        names = list(self.kinds)
        arrays = [name for name in names if self.kinds[name] != "number"]
        singles = [f"{name}_ = f({name}[0, 0])" for name in arrays if self.kinds[name] == "single"]
        numbers = [f"{name} = f({name})" for name in names if self.kinds[name] == "number"]
        made = [f"{name} = f({number})" for number, name in self.constants.items()]
        head = [f"({', '.join(names)}):", *self.checks(arrays), *singles, *numbers, *made]
        if self.is_flat:
            head += [f"{name} = {name}.ravel()" for name in arrays if self.kinds[name] == "whole"]
        head += [f"{total} = 0.0" for total in self.totals.values()]
        body = [line for run in runs for line in run.lines()]
        if not self.is_flat:
            columns = [f"{name}_ = {name}[row, 0]" for name in arrays if self.kinds[name] == "column" and name not in self.places.values()]
            cuts = [f"{name} = {array}[row, {columns.start}:{columns.stop}]" for name, (array, columns) in self.columns.items()]
            body = ["for row in range(m):", *(f"    {line}" for line in (*columns, *cuts, *body))]
        back = [f"return {', '.join(self.totals.values())}"] if self.totals else []
        return "\n    ".join([*head, *body, *back])

    def checks(self, arrays: Sequence[str]) -> list[str]:
        """The sizes, and the test that all arrays have them: nothing beyond an array is ever read."""
        wholes = [name for name in arrays if self.kinds[name] == "whole"]
        if self.is_flat:
            others = [f"{name}.shape != {wholes[0]}.shape" for name in wholes[1:]]
            sizes = f"n = {wholes[0]}.size"
        else:
            first = next((name for name in wholes), None)
            rows = first or next(name for name in arrays if self.kinds[name] in ("column", "wide"))
            columns = self.shape[1] if self.widths else f"{first or next(name for name in arrays if self.kinds[name] == 'row')}.shape[1]"
            sizes = f"m, n = {rows}.shape[0], {columns}"
            expected = {"whole": "(m, n)", "row": "(1, n)", "own": "(1, n)", "column": "(m, 1)"}
            shapes = {name: f"(m, {self.widths[name]})" if name in self.widths else expected.get(self.kinds[name]) for name in arrays if name != first or self.widths}
            others = [f"{name}.shape != {shape}" for name, shape in shapes.items() if shape]
        return [sizes, *([f"if {' or '.join(others)}:", '    raise ValueError("arrays of these shapes do not fit together")'] if others else [])]

    def array(self, node: Node) -> str:
        """The name of an array, or a number, that is made elsewhere."""
        if node in self.whole.layout.of:
            return self.placed(node)
        kind = kind_of(node, self.shape)
        text = self.whole.operand(node, loose=True)
        if kind == "number" and not is_surely_number(node):
            return self.argument(f"np.reshape({text}, (1, 1))", "single")
        if kind != "number" and node not in self.whole.contiguous:
            text = f"np.ascontiguousarray({text})"
        return self.argument(text, kind)

    def name(self) -> str:
        """A name that nothing in the loop has."""
        self.named_so_far += 1
        return f"v{self.named_so_far}"


@dataclass(frozen=True, kw_only=True)
class Sum:
    """The lines that add up entries, or find the largest; what is begun is begun anew with each chunk."""

    before: Sequence[str] = ()
    begun: Sequence[str] = ()
    added: str
    closed: Sequence[str] = ()
    after: Sequence[str] = ()


class Run:
    """One run over the entries, all or a row's; and what is done once before it."""

    def __init__(self, loop: Loop, number: int) -> None:
        self.loop = loop
        self.phases = phases = loop.phases
        done = [node for node in loop.part if phases.of[node] == number]
        ended = [node for node in loop.part if (node.op in REDUCED or phases.sums(node)) and phases.reads(node) == number]
        self.in_chunks = loop.is_long and any(node.op not in LARGEST for node in ended)
        self.inside = set(done)
        self.decays = Decays(done, loop.whole.graph)
        self.inverses: dict[tuple[Node, int], str] = {}
        self.values: dict[Node, str] = {}
        self.body: list[str] = []
        for node in done:
            self.do_once(node)
        self.before, self.body = self.body, []
        kept = [node for node in done if node in loop.places and phases.is_whole(node) and not phases.makes_row(node)]
        self.sums = [self.sum(node) for node in ended]
        stored = [f"{self.entry(loop.places[node])} = {self.value(node)}" for node in kept]
        self.body += stored  # when all has been read: it may be written over what it is of

    def lines(self) -> list[str]:
        """What is done once, then the run; if it adds up many entries, in chunks."""
        if not (self.body or self.sums):
            return self.before
        run = [f"for k in range({'some' if self.in_chunks else 'n'}):", *(f"    {line}" for line in (*self.body, *(each.added for each in self.sums)))]
        run = [*(line for each in self.sums for line in each.begun), *run, *(line for each in self.sums for line in each.closed)]
        if self.in_chunks:
            run = [f"for start in range(0, n, {CHUNK}):", *(f"    {line}" for line in (f"some = min({CHUNK}, n - start)", *self.cut(run), *run))]
        return [*self.before, *(line for each in self.sums for line in each.before), *run, *(line for each in self.sums for line in each.after)]

    def cut(self, run: Sequence[str]) -> list[str]:
        """The lines that take a chunk of each array."""
        kinds = {"whole": "start : start + some" if self.loop.is_flat else "row, start : start + some"} | dict.fromkeys(("row", "own"), "0, start : start + some")
        return [f"{name}_ = {name}[{kinds[kind]}]" for name, kind in self.loop.kinds.items() if kind in kinds and any(f"{name}_[k]" in line for line in run)]

    # once a row

    def do_once(self, node: Node) -> None:
        """What is done with a row before the run over it: a function of the row, or what rests on numbers of it."""
        place = self.loop.places.get(node)
        if self.phases.makes_row(node):
            assert place is not None
            self.body.append(f"{called_on_rows(node)}({', '.join([*map(self.row, node.args), self.row_of(place)])})")
        elif node.op not in REDUCED and not self.phases.is_whole(node):
            if not self.phases.sums(node):
                name = self.loop.once[node] = self.made(node)
                if called_on_rows(node) == "unit_of":
                    self.body.append(f"one_over_{name} = one / {name}")
            if place is not None:
                self.body.append(f"{place}[row, 0] = {self.loop.once[node]}")

    def row(self, node: Node) -> str:
        """The row of an operand of a function of rows."""
        return self.row_of(self.loop.places[node] if node in self.loop.members else self.loop.array(node))

    def row_of(self, name: str) -> str:
        """The row of an array, as an argument."""
        if name in self.loop.columns:
            return name
        return f"{name}[{'0' if self.loop.kinds[name] == 'own' else 'row'}]"

    # sums

    def sum(self, node: Node) -> Sum:
        """The lines of a sum, of a whole row or of all, or of the largest entry of a row."""
        name = self.loop.once[node] = self.loop.name()
        first, second = (self.value(arg) for arg in (operands(node) * 2)[:2])
        if node.op in LARGEST:
            sign, rank = LARGEST[node.op], f"rank_{name}"
            return Sum(before=[f"{rank} = rank(f(-np.inf))"], added=f"{rank} = larger({rank}, rank({sign}{first}))", after=[f"{name} = {sign}ranked({rank})"])
        added = f"{name} = plus({name}, {first} * {second})" if node.op in ("vdot", "vecdot") else f"{name} = plus({name}, {first})"
        begun = [f"{name} = zero"]
        if node.op in REDUCED:
            return Sum(begun=begun, added=added, closed=[f"{self.loop.totals[node]} += {name}"])
        if not self.in_chunks:
            return Sum(begun=begun, added=added)
        return Sum(before=[f"all_{name} = 0.0"], begun=begun, added=added, closed=[f"all_{name} += {name}"], after=[f"{name} = f(all_{name})"])

    # entries

    def entry(self, name: str) -> str:
        """The entry of an array, as the run reads or writes it."""
        if name in self.loop.columns:
            return f"{name}[k]"
        match self.loop.kinds[name]:
            case "whole" | "row" | "own" if self.in_chunks:
                return f"{name}_[k]"
            case "whole":
                return f"{name}[k]" if self.loop.is_flat else f"{name}[row, k]"
            case "row" | "own":
                return f"{name}[0, k]"
            case "number":
                return name
        return f"{name}_"

    def value(self, node: Node) -> str:
        """The name of a node's entry, or of its number in the row."""
        if node in self.loop.once:
            return self.loop.once[node]
        found = self.values.get(node)
        if found is None:
            found = self.values[node] = self.constant(node.data) if node.op == "const" else self.made(node) if self.is_made(node) else self.read(node)
        return found

    def is_made(self, node: Node) -> bool:
        """Whether a node's entries are made in this run."""
        return node in self.inside and not self.phases.makes_row(node)

    def made(self, node: Node) -> str:
        """The name of what is made now."""
        if node in self.decays.with_expm1:
            return self.named(f"exp_and_expm1({self.value(node.args[0])})", "e")
        text = self.expression(node)
        return text if node.op in SPREAD else self.named(text)

    def read(self, node: Node) -> str:
        """The name of what is read from an array, or given as a number."""
        name = self.loop.places[node] if node in self.loop.members else self.loop.array(node)
        entry = self.entry(name)
        return self.named(entry) if entry.endswith("]") else entry

    def named(self, text: str, also: str = "") -> str:
        """The name that an expression gets; with `also`, of the first of two values, the second has that before its name."""
        name = self.loop.name()
        self.body.append(f"{name}{f', {also}{name}' if also else ''} = {text}")
        return name

    def constant(self, number: object) -> str:
        """The name of a number of the loop's float type."""
        text = literal(number)
        if text in ("0", "1", "2"):
            return ("zero", "one", "two")[int(text)]
        return self.loop.constants.setdefault(text, f"c{len(self.loop.constants) + 1}")

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
        if called_on_rows(node):
            return f"{called_on_rows(node)}({', '.join(map(self.row, args))})"
        if op == "exp" and (shared := self.shared_exp(args[0])):
            return shared
        if is_decay(node):
            return f"exp_of_negative({self.value(args[0])})"
        if op == "tanh" and (decay := self.decays.of_tanh.get(node)) is not None:
            less = f"e{self.value(decay)}"
            return f"np.copysign(({less} * ({less} + two)) * {self.inverse(decay, 2)}, {self.value(args[0])})"
        if op == "divide" and node in self.decays.of_division:
            decay, power, times = self.decays.of_division[node]
            inverse = self.inverse(decay, power)
            return " * ".join([self.number(args[0]), *[inverse] * times])
        if op == "divide" and called_on_rows(args[1]) == "unit_of" and args[1] in self.loop.once:
            return f"{self.number(args[0])} * one_over_{self.value(args[1])}"  # a power of two: no digit is lost
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
        if (decay, power) not in self.inverses:
            e = self.value(decay)
            divisor = self.named(f"one + {e}" if power == 1 else f"one + {e} * {e}")
            self.inverses[decay, power] = self.named(f"one / {divisor}")
        return self.inverses[decay, power]

    def shared_exp(self, below: Node) -> str | None:
        """exp(min(x, 0)) is 1 or exp(-|x|), where the loop has that, too."""
        if below.op != "minimum" or below.args[1].number != 0 or below.args[1].op != "const":
            return None
        x, _ = below.args
        other = decay_of(x, self.loop.whole.graph)
        if other is None or other not in self.inside:
            return None
        return f"one if {self.value(x)} >= zero else {self.value(other)}"


def is_surely_number(node: Node) -> bool:
    """Whether a node is no array: what a function of an operator gives for a scalar may be one of a single entry."""
    open_ones, seen = [node], {node}
    while open_ones:
        each = open_ones.pop()
        if each.op in ENTRYWISE:
            open_ones += [arg for arg in each.args if arg not in seen]
            seen.update(each.args)
        elif not (each.op in ("const", "size", "vdot") or (each.op in REDUCTIONS and each.data is None)):
            return False
    return True


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
        members = set(part)
        self.with_expm1: set[Node] = set()
        self.of_tanh: dict[Node, Node] = {}
        self.of_division: dict[Node, tuple[Node, int, int]] = {}  # e, its power in the divisor, the divisor's
        count: Counter[tuple[Node, int]] = Counter()  # of divisions by 1 + e to that power
        for node in part:
            if node.op == "tanh" and (decay := decay_of(node.args[0], graph)) is not None and decay in members:
                self.of_tanh[node] = decay
                self.with_expm1.add(decay)
                count[decay, 2] += 1
            if node.op == "divide" and (found := self._divisor(node.args[1])) is not None and found[0] in members:
                self.of_division[node] = found
                count[found[0], found[1]] += found[2]
        self.of_division = {key: found for key, found in self.of_division.items() if count[found[0], found[1]] > 1}

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
