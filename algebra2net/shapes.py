"""Shapes: every dimension of a Program known or named.

In    a Program with macros opened, what is declared of its shapes
Out   the same Program with a shape for every name, and what only shapes can settle settled (product or scaling, the
      diagonal or the diagonal matrix)
Idea  union–find over dimensions, each known size with the place that it comes from; what cannot be said yet waits for
      the dimensions that it rests on; what still waits at the end is settled as readers of papers would

`result_shape` and `fit` serve the derivation: broadcasting is undone there, once for all operators.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sympy import Expr, Integer, Symbol

from algebra2net import names
from algebra2net.errors import AlgebraError, ShapeError, Span
from algebra2net.layers import is_parameter
from algebra2net.lower import instantiate, meaning_of, rule
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Choice, Operation, Operator, operation, option
from algebra2net.program import SCALAR, Dimension, Draft, Equation, Program, Shape, is_step, operands, record, substituted, symbol, with_value

_SCALAR_NAMES = frozenset(["lambda", "alpha", "eta", "tau", "epsilon", "rho", "kappa", "lr", "eps", "temperature", "margin"])
_SIZE_NAMES = frozenset(["d", "n", "m", "k", "N", "T"])  # as a divisor: x W / sqrt(d)
_AXES = (Integer(0), Integer(1))  # as an option
_SIZED = frozenset(["m", "n"])  # options of what is made of a size


@dataclass(frozen=True)
class Known:
    """What is said of the shape of `name`: two sizes, one (a vector, whichever way it lies) or none (a scalar); by whom."""

    name: str
    sizes: tuple[Dimension, ...]
    words: str
    span: Span | None = None


def with_shapes(program: Program, known: Iterable[Known]) -> Program:
    """The program with shapes, and with what only shapes settle settled.

    Raises ShapeError where two places contradict each other; the message names both.
    """
    solver = _Solver(program)
    solver.enter(known)
    solver.solve()
    return solver.settled()


def _weighs(value: Expr) -> bool:
    """Whether an operation may be that of scalars."""
    return isinstance(value, operation("product")) or (isinstance(value, Operation) and record(value).elementwise)


# --------------------------------------------------------------------------------------------------------- patterns

Terms = tuple[str, ...]  # one variable or `1`; or two variables with their sign between them
Pattern = tuple[tuple[tuple[Terms, Terms], ...], tuple[Terms, Terms]]


@cache
def parsed(pattern: str) -> Pattern:
    """`m×k, k×n -> m×n`, taken apart."""
    before, arrow, after = pattern.partition("->")
    if not arrow:
        before, after = "", before
    return tuple(_sizes(word) for word in before.split(",") if word.strip()), _sizes(after)


@cache
def _words(pattern: str) -> tuple[str, ...]:
    """The dimensions of the operands in a pattern whose terms are single words, one after the other."""
    return tuple(term for sizes in parsed(pattern)[0] for (term,) in sizes)


@cache
def _in_order(pattern: str) -> tuple[tuple[int, Terms], ...]:
    """The dimensions of the operands and of the result, numbered through; a product of sizes comes after its factors."""
    wanted, out = parsed(pattern)
    return tuple(sorted(enumerate(terms for sizes in (*wanted, out) for terms in sizes), key=lambda pair: len(pair[1])))


def _sizes(text: str) -> tuple[Terms, Terms]:
    rows, columns = (tuple(word.strip().replace("*", " * ").split()) for word in text.split("×"))
    return rows, columns


def result_shape(value: Expr, shapes: Mapping[Symbol, Shape]) -> Shape:
    """The shape of one operator on values whose shapes are known."""
    if not isinstance(value, Operation):
        return shapes[value] if isinstance(value, Symbol) else SCALAR
    here = record(value)
    args = here.operands_of(value)
    given = [shapes[arg] if isinstance(arg, Symbol) else SCALAR for arg in args] if len(value.names) != len(args) else list(map(shapes.__getitem__, value.names))
    if here.elementwise:
        return _broadcast(given)
    pattern = here.pattern(value)
    taken = _taken(pattern)
    if taken is not None:
        (row, of_row), (column, of_column) = taken
        given.append(SCALAR)  # which has the 1 of a pattern
        return given[row][of_row], given[column][of_column]
    if pattern == "of the second":
        return given[1]
    if pattern in ("side by side", "on top"):
        along = 1 if pattern == "side by side" else 0
        total = _combined("+", [s[along] for s in given])
        return (given[0][0], total) if along else (total, given[0][1])
    wanted, result = parsed(pattern)
    sizes: dict[str, Dimension] = {"1": 1}
    for shape, terms in zip(given, wanted, strict=True):
        for dimension, term in zip(shape, terms, strict=True):
            if len(term) == 1:
                sizes.setdefault(term[0], dimension)
    sizes |= {
        word: (int(size) if size.is_Integer else size.name) for word, size in here.settings(value).items() if word not in sizes and (size.is_Integer or isinstance(size, Symbol))
    }
    rows, columns = (_combined("*", [sizes[t] for t in term if t != "*"]) for term in result)
    return rows, columns


@cache
def _taken(pattern: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Which dimension of which operand the rows and the columns of the result are, where the pattern says no more than that."""
    if "×" not in pattern:
        return None
    wanted, result = parsed(pattern)
    places = {terms: (operand, axis) for operand, sizes in reversed([*enumerate(wanted)]) for axis, terms in ((1, sizes[1]), (0, sizes[0]))}
    places["1",] = (-1, 0)
    rows, columns = (places.get(terms) if len(terms) == 1 else None for terms in result)
    return None if rows is None or columns is None else (rows, columns)


def _broadcast(shapes: Iterable[Shape]) -> Shape:
    whole, *others = shapes
    for shape in others:
        if shape != whole:
            whole = shape[0] if whole[0] == 1 else whole[0], shape[1] if whole[1] == 1 else whole[1]
    return whole


def _combined(sign: str, sizes: Sequence[Dimension]) -> Dimension:
    """The sum or product of sizes; a name where one is not known."""
    if all(isinstance(size, int) for size in sizes):
        total = 0 if sign == "+" else 1
        for size in sizes:
            total = total + int(size) if sign == "+" else total * int(size)
        return total
    words = [str(size) for size in sizes if not (sign == "*" and size == 1)]
    return sign.join(f"({word})" if sign == "*" and "+" in word else word for word in words)


@dataclass(frozen=True, slots=True)
class Repeated:
    """A broadcast: in `equation`, `operand` stands beside each of the `rows`, of the `columns`, or of both (None: not along these)."""

    equation: Equation
    operand: Symbol
    rows: Dimension | None
    columns: Dimension | None


def broadcasts(program: Program) -> tuple[Repeated, ...]:
    """Where values are broadcast that have a name: what derivation makes a sum of, going backwards."""
    found = []
    for equation in program.equations:
        if isinstance(equation.value, Operation) and record(equation.value, program.functions).elementwise:
            whole = program.shapes[equation.name]
            for operand in dict.fromkeys(operands(equation.value)):
                rows, columns = (size if have == 1 != size else None for have, size in zip(program.shapes[operand], whole, strict=True))
                if not is_step(operand) and (rows is not None or columns is not None):
                    found.append(Repeated(equation, operand, rows, columns))
    return tuple(found)


def fit(value: Expr, like: Symbol, draft: Draft, shapes: dict[Symbol, Shape], why: str = "") -> Expr:
    """`value` with the shape of `like`: summed down where it is wider, repeated where it is narrower."""
    have, want = (shapes[value] if isinstance(value, Symbol) else SCALAR), shapes[like]
    if have == want:
        return value
    wider = [axis for axis in (0, 1) if have[axis] != 1 and want[axis] == 1]
    if wider:
        total = OPERATORS["sum"]
        value = draft.define(total(value) if len(wider) == 2 or have[1 - wider[0]] == 1 else total(value, axis=_AXES[wider[0]]), rule=why)
        have = (1 if 0 in wider else have[0], 1 if 1 in wider else have[1])
        shapes.setdefault(value, have)
    if any(h == 1 != w for h, w in zip(have, want, strict=True)):
        value = draft.define(OPERATORS["expand"](value, like), rule=why)
        shapes.setdefault(value, want)
    return value


def unsized(program: Program, size: str) -> ShapeError:
    """What is to be said where an `I` or `ones` has to be made, and nothing says how large."""
    having = [e for e in program.equations if e.span is not None and isinstance(e.value, Operation) and size in program.shapes[e.name]]
    made = [e for e in having if not _SIZED.isdisjoint(record(e.value).options)]
    span = next((e.span for e in (*made, *having)), None)
    if any(isinstance(e.value, operation("eye")) for e in made) and size not in program.dimensions:
        return ShapeError(f"nothing says how large {size} is", span, "type the size (I_3), or declare a shape that has it")
    return ShapeError(f"nothing says how large {size} is", span, f"declare a shape that has it, or give a number: shapes={{'x': (…, {size!r})}}")


def _majority(votes: str) -> str | None:
    """The way that most of the votes are for, if there is one."""
    rows, columns = votes.count("r"), votes.count("c")
    return None if rows == columns else "row" if rows > columns else "column"


# ----------------------------------------------------------------------------------------------------------- solver


class _ClashError(Exception):
    """Two dimensions that cannot be one."""

    def __init__(self, one: int, other: int) -> None:
        self.one = one
        self.other = other


@dataclass(eq=False, slots=True)
class _Waiting:
    """What cannot be said yet of one equation: a broadcast along an axis, a choice, an arithmetic of sizes, a vector."""

    kind: str
    equation: Equation
    nodes: tuple[int, ...]
    axis: int = 0
    done: bool = False
    queued: bool = False


class _Solver:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.root: list[int] = []  # of each node, the one that stands for all that are one with it
        self.members: list[list[int] | None] = []  # of a root, these; None where it is alone
        self.value: list[int | None] = []
        self.label: list[str | None] = []
        self.owner: list[str | None] = []  # the first input whose dimension this is
        self.why: list[tuple[str, Span | None] | None] = []
        self.watchers: list[list[_Waiting] | None] = []  # of a root, what waits for it; None where nothing has ever done
        self.dims: dict[Symbol, tuple[int, int]] = {}
        self.named: dict[str, int] = {}
        self.one = self.node(1)
        self.queue: deque[_Waiting] = deque()
        self.waiting: list[_Waiting] = []
        self.vectors: list[tuple[Known, int]] = []
        self.weak_columns: list[int] = []
        self.chosen: dict[Symbol, Choice] = {}
        self.made = {e.name: e for e in program.equations}
        self.inputs = frozenset(program.inputs)
        values = [*program.inputs, *self.made]
        nodes = self.nodes(2 * len(values))
        self.dims.update(zip(values, zip(nodes[::2], nodes[1::2], strict=True), strict=True))
        for name in program.inputs:
            rows, columns = self.dims[name]
            self.owner[rows] = self.owner[columns] = name.name

    # nodes

    def node(self, value: int | None = None) -> int:
        (made,) = self.nodes(1)
        self.value[made] = value
        return made

    def nodes(self, count: int) -> range:
        """So many nodes of which nothing is known."""
        first = len(self.root)
        made = range(first, first + count)
        self.root += made
        nothing: list[Any] = [None] * count
        for known in (self.members, self.value, self.label, self.owner, self.why, self.watchers):
            known += nothing
        return made

    def unite(self, one: int, other: int) -> None:
        """Let two nodes be one: what is known of either is known of both."""
        a, b = self.root[one], self.root[other]
        if a == b:
            return
        value, label, watchers = self.value, self.label, self.watchers
        if value[a] != value[b] and value[a] is not None and value[b] is not None:
            raise _ClashError(one, other)
        if watchers[b] and len(watchers[a] or ()) < len(watchers[b] or ()):
            a, b = b, a
        if watchers[a] and value[a] is None and (value[b] is not None or (label[b] and not label[a])):
            self.wake(a)
        if watchers[b]:  # what waits for the two to be one waits at both
            self.wake(b)
        waiting, others = watchers[a], watchers[b]
        if waiting is not None and others:
            waiting += others
        known, why = (value[b], self.why[b]) if value[a] is None and value[b] is not None else (value[a], self.why[a] or self.why[b])
        named, owner = label[a] or label[b], self.owner[a] or self.owner[b]
        root = self.joined(a, b)
        value[root], self.why[root], label[root], self.owner[root], watchers[root] = known, why, named, owner, waiting

    def joined(self, a: int, b: int) -> int:
        """The root of two roots and of all that is one with them: the one that stands for more."""
        more, fewer = self.members[a] or [a], self.members[b] or [b]
        if len(more) < len(fewer):
            a, more, fewer = b, fewer, more
        for node in fewer:
            self.root[node] = a
        more += fewer
        self.members[a] = more
        return a

    def assign(self, node: int, value: int, why: tuple[str, Span | None] | None = None) -> None:
        root = self.root[node]
        if self.value[root] is None:
            self.value[root] = value
            self.why[root] = why
            if self.watchers[root]:
                self.wake(root)
        elif self.value[root] != value:
            fresh = self.node(value)
            self.why[fresh] = why
            raise _ClashError(node, fresh)

    def wake(self, root: int) -> None:
        """Queue what waits at a node: it may be said now."""
        left = self.watchers[root] = [waiting for waiting in self.watchers[root] or () if not waiting.done]
        for waiting in left:
            if not waiting.queued:
                waiting.queued = True
                self.queue.append(waiting)

    def size(self, node: int) -> int | None:
        return self.value[self.root[node]]

    def is_one(self, node: int) -> bool:
        return self.value[self.root[node]] == 1

    def is_more(self, node: int) -> bool:
        """Known not to be 1: a number, or a dimension that was named."""
        root = self.root[node]
        return self.value[root] != 1 if self.value[root] is not None else self.label[root] is not None

    def named_dimension(self, name: str) -> int:
        if name not in self.named:
            self.named[name] = self.node()
            self.label[self.named[name]] = name
        return self.named[name]

    def of(self, value: Expr) -> tuple[int, int]:
        return self.dims[value] if isinstance(value, Symbol) else (self.one, self.one)

    # what is known at the start

    def enter(self, known: Iterable[Known]) -> None:
        inside = {name.name: name for name in self.dims}
        for fact in known:
            if fact.name not in inside:
                continue  # a declaration of what the program does not use
            try:
                self._enter(fact, inside[fact.name])
            except _ClashError as clash:
                raise self._contradiction(fact, clash) from None

    def _enter(self, fact: Known, name: Symbol) -> None:
        rows, columns = self.dims[name]
        if len(fact.sizes) == 1:
            node = self._entered(fact.sizes[0], fact)
            self.vectors.append((fact, node))
            return
        for node, size in zip((rows, columns), fact.sizes or (1, 1), strict=True):
            if isinstance(size, int):
                self.assign(node, size, (fact.words, fact.span))
            else:
                self.unite(node, self.named_dimension(size))
                root = self.root[node]
                self.why[root] = self.why[root] or (fact.words, fact.span)

    def _entered(self, size: Dimension, fact: Known) -> int:
        if isinstance(size, int):
            node = self.node(size)
            self.why[node] = (fact.words, fact.span)
            return node
        return self.named_dimension(size)

    def _contradiction(self, fact: Known, clash: _ClashError) -> ShapeError:
        first = self.why[self.root[clash.one]]
        message = f"{self.program.spelled(symbol(fact.name))} cannot be {'×'.join(map(str, fact.sizes)) or 'a scalar'} ({fact.words})"
        if first is None:
            return ShapeError(message, fact.span)
        return ShapeError(
            message,
            fact.span or first[1],
            None if fact.span and first[1] else f"{self.size(clash.one)} is what {first[0]} says",
            [(f"{first[0]} says {self.size(clash.one)}:", first[1])] if fact.span and first[1] else (),
        )

    # equations

    def solve(self) -> None:
        for equation in self.program.equations:
            try:
                self.constrain(equation)
            except _ClashError as clash:
                raise self.misfit(equation, clash) from None
        self.run()
        self.orient()
        for kind, default in (("choice", self.default_choice), ("broadcast", self.default_broadcast), ("paired", self.default_paired)):
            for waiting in self.waiting:
                if waiting.kind == kind and not waiting.done:
                    self.guarded(waiting, default)
                    self.run()
        for waiting in self.waiting:
            waiting.done = True  # sums and products of sizes stay names made of the parts' names
        self.settle_scalars()
        self.waiting = [w for w in self.waiting if w.kind in ("sum_of", "product_of")]

    def run(self) -> None:
        while self.queue:
            waiting = self.queue.popleft()
            waiting.queued = False
            if not waiting.done:
                self.guarded(waiting, self.attempt)

    def guarded(self, waiting: _Waiting, step: Callable[[_Waiting], None]) -> None:
        try:
            step(waiting)
        except _ClashError as clash:
            raise self.misfit(waiting.equation, clash) from None

    def wait(self, kind: str, equation: Equation, nodes: Sequence[int], axis: int = 0) -> None:
        waiting = _Waiting(kind, equation, tuple(nodes), axis)
        self.attempt(waiting)
        if not waiting.done:
            self.waiting.append(waiting)
            for node in {self.root[node] for node in nodes}:
                watchers = self.watchers[node]
                if watchers is None:
                    self.watchers[node] = [waiting]
                else:
                    watchers.append(waiting)

    def attempt(self, waiting: _Waiting) -> None:
        getattr(self, waiting.kind)(waiting)

    def constrain(self, equation: Equation) -> None:
        value, result = equation.value, self.dims[equation.name]
        if not isinstance(value, Operation):
            self.equate(equation.name, self.of(value))
            return
        here = record(value)
        given = [self.of(arg) for arg in here.operands_of(value)]
        if here.name == "paired":
            self.wait("paired", equation, [node for nodes in given for node in nodes])
            for mine, its in zip(result, given[1], strict=True):
                self.unite(mine, its)
        elif here.elementwise:
            if len(given) == 1:
                self.equate(equation.name, given[0])
                return
            for axis in (0, 1):
                self.wait("broadcast", equation, [result[axis], *[g[axis] for g in given]], axis)
        elif here.choices:
            self.wait("choice", equation, [*result, *(node for g in given for node in g)])
        elif (pattern := here.pattern(value)) == "of the second":
            self.unite(result[0], given[1][0])
            self.unite(result[1], given[1][1])
        elif pattern in ("side by side", "on top"):
            along = 1 if pattern == "side by side" else 0
            for g in given:
                self.unite(result[1 - along], g[1 - along])
            self.wait("sum_of", equation, [result[along], *(g[along] for g in given)])
        else:
            self.apply(pattern, equation, given, result, here)

    def equate(self, name: Symbol, dims: tuple[int, int]) -> None:
        """Let a value that is made now have these dimensions: the same nodes, where nothing has been said of its own."""
        mine = self.dims[name]
        if self.is_open(mine[0]) and self.is_open(mine[1]):
            self.dims[name] = dims
            return
        for one, other in zip(mine, dims, strict=True):
            self.unite(one, other)

    def is_open(self, node: int) -> bool:
        """Whether nothing is known of a dimension, not even which others it is one with."""
        return self.root[node] == node and self.members[node] is None and self.value[node] is None and self.label[node] is None and self.why[node] is None

    def apply(self, pattern: str, equation: Equation, given: Sequence[tuple[int, int]], result: tuple[int, int], here: Operator) -> None:
        """Unite what a pattern calls by one name."""
        bound: dict[str, int] = {"1": self.one}
        for word, size in here.settings(equation.value).items() if not here.choices else ():
            if size.is_Integer and word in "mn" and int(size) >= 0:
                bound[word] = self.node(int(size))
                self.why[bound[word]] = ("typed", equation.span)
            elif isinstance(size, Symbol) and word in "mn" and size.name != "one":
                bound[word] = self.named_dimension(size.name)
        nodes = [node for pair in (*given, result) for node in pair]
        for place, term in _in_order(pattern):
            node = nodes[place]
            if len(term) > 1:
                self.wait("product_of", equation, [node, bound[term[0]], bound[term[2]]])
            elif term[0] in bound:
                self.unite(bound[term[0]], node)
            else:
                bound[term[0]] = node

    # what waits

    def broadcast(self, waiting: _Waiting) -> None:
        """The result's size along one axis: that of the operands which are not 1."""
        value, root = self.value, self.root
        result, *given = [root[node] for node in waiting.nodes]
        if value[result] == 1:
            for node in given:
                self.unite(node, self.one)
            waiting.done = True
            return
        rest = [node for node in given if value[node] != 1]
        if not rest:
            self.unite(result, self.one)
            waiting.done = True
        elif rest.count(rest[0]) == len(rest):
            self.unite(result, rest[0])
            waiting.done = len(rest) == len(given) or self.is_more(rest[0])
        elif large := [node for node in rest if self.is_more(node)]:
            for node in large:
                self.unite(large[0], node)
            self.unite(result, large[0])
            waiting.done = len({self.root[node] for node in rest}) == 1

    def paired(self, waiting: _Waiting) -> None:
        """A loss compares entry with entry: an equal, one row for a batch, or a scalar; said once all else is."""

    def default_paired(self, waiting: _Waiting) -> None:
        waiting.done = True
        *first, other_rows, other_columns = waiting.nodes
        if any(self.is_one(rows) and self.is_one(columns) for rows, columns in (first, (other_rows, other_columns))):
            return
        self.unite(first[1], other_columns)
        if not (self.is_one(first[0]) or self.is_one(other_rows)):
            self.unite(first[0], other_rows)

    def choice(self, waiting: _Waiting) -> None:
        """Choose once one meaning is certain, or only one is left."""
        value = waiting.equation.value
        options = record(value).choices
        nodes = waiting.nodes
        given = [(nodes[k], nodes[k + 1]) for k in range(2, len(nodes), 2)]
        roots = [self.root[node] for node in nodes[2:]]
        if self.are_open(roots):
            return None
        possible = []
        for meaning in options:
            fits = self.fits(meaning, roots)
            if fits == "certain":
                return self.choose(waiting, meaning, given)
            if fits:
                possible.append(meaning)
        if not possible:
            raise _ClashError(nodes[2], nodes[-2])
        if len({m.value for m in possible}) == 1 and len({m.shape for m in possible}) == 1:
            self.choose(waiting, possible[0], given)
        return None

    def are_open(self, roots: Sequence[int]) -> bool:
        """Whether dimensions may be any, and all different: then each choice may be meant."""
        value, label = self.value, self.label
        return all(value[root] is None and label[root] is None for root in roots) and len(set(roots)) == len(roots)

    def fits(self, option: Choice, roots: Sequence[int]) -> str:
        """Whether the operands' dimensions fit the option's pattern: "certain", "maybe", or not at all."""
        bound: dict[str, int] = {"1": self.root[self.one]}
        found = "certain"
        value, label = self.value, self.label
        for root, word in zip(roots, _words(option.shape), strict=True):
            other = bound.setdefault(word, root)
            if other == root:
                continue
            one, two = value[other], value[root]
            if one is not None and two is not None:
                if one != two:
                    return ""
            elif (one == 1 and label[root] is not None) or (two == 1 and label[other] is not None):
                return ""  # a size with a name is not 1
            else:
                found = "maybe"
        return found

    def apart(self, one: int, other: int) -> bool:
        """Whether two dimensions are known to differ."""
        a, b = self.root[one], self.root[other]
        if self.value[a] is not None and self.value[b] is not None:
            return self.value[a] != self.value[b]
        return (self.value[a] == 1 and self.label[b] is not None) or (self.value[b] == 1 and self.label[a] is not None)

    def choose(self, waiting: _Waiting, option: Choice, given: Sequence[tuple[int, int]]) -> None:
        waiting.done = True
        self.chosen[waiting.equation.name] = option
        self.apply(option.shape, waiting.equation, given, self.dims[waiting.equation.name], record(waiting.equation.value))

    def sum_of(self, waiting: _Waiting) -> None:
        total, *parts = waiting.nodes
        self.combine(waiting, total, parts, "+")

    def product_of(self, waiting: _Waiting) -> None:
        total, *parts = waiting.nodes
        self.combine(waiting, total, parts, "*")

    def combine(self, waiting: _Waiting, total: int, parts: Sequence[int], sign: str) -> None:
        sizes = [self.size(node) for node in parts]
        unknown = [node for node, size in zip(parts, sizes, strict=True) if size is None]
        known = 0 if sign == "+" else 1
        for size in sizes:
            if size is not None:
                known = known + size if sign == "+" else known * size
        whole = self.size(total)
        if not unknown:
            self.assign(total, known, ("the blocks together", waiting.equation.span) if sign == "+" else None)
            waiting.done = True
        elif whole is not None and len(unknown) == 1 and (sign == "+" or (known and whole % known == 0)):
            if sign == "+" and whole <= known:
                raise _ClashError(total, parts[0])
            self.assign(unknown[0], whole - known if sign == "+" else whole // known, self.why[self.root[total]])
            waiting.done = True
        elif len(unknown) == 1 and known == 1 and sign == "*":
            self.unite(total, unknown[0])
            waiting.done = True

    # vectors: one size, whichever way they lie

    def orient(self) -> None:
        """Lay every vector: as it must lie, as it stands in products, like what it is added to, or as the program's others do."""
        votes = self.votes()
        undecided = []
        for fact, node in self.vectors:
            name = symbol(fact.name)
            way = self.forced(name, node) or _majority(votes.get(name, ""))
            if way is None:
                undecided.append((fact, node))
            else:
                self.lay(fact, node, way)
        self.narrow()
        usual = _majority("".join(votes.values())) or "row"
        for fact, node in undecided:
            name = symbol(fact.name)
            self.lay(fact, node, self.forced(name, node) or self.like_its_partner(name, node) or usual)
            self.narrow()

    def narrow(self) -> None:
        """A vector that lies as a column is one column, not a batch of them, where nothing has said otherwise."""
        for node in self.weak_columns:
            if self.size(node) is None and self.label[self.root[node]] is None:
                self.assign(node, 1)
                self.run()
        self.weak_columns.clear()

    def votes(self) -> dict[Symbol, str]:
        """How the vectors lie by where they stand in products: a `c` for each W x, which has a column, an `r` for each x W."""
        vectors = {symbol(fact.name) for fact, _ in self.vectors}
        votes = dict.fromkeys(vectors, "")
        seen: set[tuple[Expr, str]] = set()
        waiting: list[tuple[Expr, str]] = []
        for equation in self.program.equations if vectors else ():
            if isinstance(equation.value, (operation("product"), operation("matmul"))):
                left, right = equation.value.args
                waiting += [(operand, way) for operand, other, way in ((left, right, "r"), (right, left, "c")) if not all(self.is_one(node) for node in self.of(other))]
            while waiting:
                operand, way = waiting.pop()
                if operand in vectors:
                    votes[operand] += way
                elif operand in self.made and (operand, way) not in seen:
                    seen.add((operand, way))
                    waiting += self.alike(self.made[operand].value, way)
        return votes

    def alike(self, value: Expr, way: str) -> list[tuple[Expr, str]]:
        """The operands that lie like a value, and the way that they lie: x - μ as x and μ, xᵀ the other way."""
        if not isinstance(value, Operation):
            return [(value, way)]
        if isinstance(value, operation("transpose")):
            return [(value.args[0], "c" if way == "r" else "r")]
        scaled = isinstance(value, operation("product")) and any(arg.is_Number for arg in value.args)
        return [(arg, way) for arg in value.args if isinstance(arg, Symbol)] if scaled or record(value).elementwise else []

    def untransposed(self, operand: Expr) -> tuple[Expr, bool]:
        turned = False
        while is_step(operand) and isinstance(self.made[operand].value, operation("transpose")):
            operand, turned = self.made[operand].value.args[0], not turned
        return operand, turned

    def forced(self, name: Symbol, node: int) -> str | None:
        """The only way that a vector can lie, if there is only one."""
        rows, columns = self.dims[name]
        as_row, as_column = not self.apart(columns, node), not self.apart(rows, node)
        if self.root[columns] == self.root[node] or (as_row and not as_column):
            return "row"
        if self.root[rows] == self.root[node] or (as_column and not as_row):
            return "column"
        return None

    def like_its_partner(self, name: Symbol, node: int) -> str | None:
        """The way of what it is added to: b lies as a column beside the 4×1 or 4×? of W x."""
        for waiting in self.waiting:
            if waiting.kind == "broadcast" and name in waiting.equation.value.args:
                for partner in waiting.equation.value.args:
                    if partner is not name and isinstance(partner, Symbol):
                        rows, columns = self.dims[partner]
                        as_row, as_column = self.same(columns, node), self.same(rows, node)
                        if as_row != as_column:
                            return "row" if as_row else "column"
                        if self.is_one(columns) and not self.apart(rows, node):
                            return "column"
        return None

    def same(self, one: int, other: int) -> bool:
        """Whether two dimensions are known to be equal."""
        a, b = self.root[one], self.root[other]
        return a == b or (self.value[a] is not None and self.value[a] == self.value[b])

    def lay(self, fact: Known, node: int, way: str) -> None:
        rows, columns = self.dims[symbol(fact.name)]
        along, across = (columns, rows) if way == "row" else (rows, columns)
        try:
            self.unite(along, node)
        except _ClashError as clash:
            raise self._contradiction(fact, clash) from None
        if self.is_weight(symbol(fact.name)):
            if self.size(across) is None:
                self.assign(across, 1)
        elif way == "column":
            self.weak_columns.append(across)
        self.run()

    # what is settled in the end as readers of papers would

    def default_choice(self, waiting: _Waiting) -> None:
        nodes = waiting.nodes
        given = [(nodes[k], nodes[k + 1]) for k in range(2, len(nodes), 2)]
        roots = [self.root[node] for node in nodes[2:]]
        choices = record(waiting.equation.value).choices
        options = choices if self.are_open(roots) else [option for option in choices if self.fits(option, roots)]
        if isinstance(waiting.equation.value, operation("product")):
            for arg, option in zip(waiting.equation.value.args, options, strict=False):
                if option.value.startswith("scale") and self.is_called_scalar(arg):
                    return self.choose(waiting, option, given)
        return self.choose(waiting, options[-1], given)

    def is_called_scalar(self, value: Expr) -> bool:
        """Whether a value rests on an input with a name that scalars have (λ, η), and on nothing that says otherwise, as a shape does."""
        if any(self.is_more(node) for node in self.of(value)):
            return False
        owners = {self.owner[self.root[node]] for node in self.of(value)}
        return all(owner is not None and names.parts(owner).base in _SCALAR_NAMES for owner in owners)

    def default_broadcast(self, waiting: _Waiting) -> None:
        """A bias is a row (a column beside W x), λ a scalar, and everything else as large as its partner."""
        result, *given = waiting.nodes
        roots = [self.root[node] for node in given]
        rest = {root for root in roots if self.value[root] != 1}
        for arg, node, root in zip(waiting.equation.value.args, given, roots, strict=False):
            if root not in rest or self.is_more(root):
                continue
            if self.is_thin(arg, node, waiting) if len(rest) > 1 else self.is_beside_a_layer(arg, waiting):
                self.assign(node, 1)
        self.attempt(waiting)
        if not waiting.done:
            for node in given:
                if not self.is_one(node):
                    self.unite(result, node)
            waiting.done = True

    def settle_scalars(self) -> None:
        """An input of open size is a scalar where its name says so, or where it weighs the terms of a loss: n in `1/n sum(…)`, c in `mse(…) + c sum(W²)`."""
        unsaid = [name for name in self.program.inputs if self.is_unsaid(name)]
        called = {name for name in unsaid if names.parts(name.name).base in _SCALAR_NAMES}
        others = set(unsaid) - called
        for equation in self.program.equations if others else ():
            if equation.name in self.chosen and self.chosen[equation.name].value.startswith("matmul"):
                others.difference_update(operands(equation.value))
        scalars = called | (self.weights_of_the_loss() & others if others else set())
        for name in unsaid:
            if name in scalars and self.is_unsaid(name):
                for node in self.dims[name]:
                    self.assign(node, 1)
                self.run()

    def is_unsaid(self, name: Symbol) -> bool:
        """Whether nothing says the sizes of an input, and they are its own."""
        return all(self.size(n) is None and not self.label[self.root[n]] and self.owner[self.root[n]] == name.name for n in self.dims[name])

    def weights_of_the_loss(self) -> set[Symbol]:
        """The inputs that do nothing but weigh scalars whose sum is the output: C in ‖w‖² / 2 + C sum(ξ), N in ‖e‖² / N."""
        kinds: dict[Expr, str] = dict.fromkeys(self.program.inputs, "weight")
        weighing: dict[Expr, set[Symbol]] = {name: {name} for name in self.program.inputs}
        busy: set[Symbol] = set()  # inputs that are used for something else, too
        for equation in self.program.equations:
            given = operands(equation.value)
            kind = "scalar" if all(self.is_one(node) for node in self.dims[equation.name]) else self.kind_of_term(equation.value, [kinds.get(arg, "") for arg in given])
            if not kind or (kind == "scalar" and not _weighs(equation.value)):
                busy.update(*(weighing.get(arg, ()) for arg in given))
            kinds[equation.name] = kind
            weighing[equation.name] = set().union(*(weighing.get(arg, ()) for arg in given)) if kind in ("weight", "weighted", "sum") else set()
        found: set[Symbol] = set()
        for name in self.program.outputs.values():
            if kinds[name] == "sum":
                found |= weighing[name]
            elif kinds[name] == "weighted":
                found |= {one for one in weighing[name] if names.parts(one.name).base in _SIZE_NAMES}
        return found - busy

    def kind_of_term(self, value: Expr, given: Sequence[str]) -> str:
        """What a value is to a loss, by what its operands are: a weight, a weighted scalar, a sum of such; nothing that is said here."""
        if not _weighs(value) or "" in given:
            return ""
        if all(kind == "weight" for kind in given):
            return "weight" if len(given) == 1 or not isinstance(value, operation("product")) else ""
        if isinstance(value, (operation("plus"), operation("minus"), operation("maximum"), operation("minimum"))):
            return "sum" if "weight" not in given else ""
        if isinstance(value, (operation("product"), operation("times"), operation("divide"))):
            weighed = given[0] if isinstance(value, operation("divide")) else given[-1]  # a weight stands before: in ‖w‖ x nothing is said of x
            return "weighted" if weighed != "weight" else ""
        return given[0] if len(given) == 1 else ""

    def is_thin(self, value: Expr, node: int, waiting: _Waiting) -> bool:
        owner = self.owner[self.root[node]]
        if owner is None:
            return False
        base = names.parts(owner).base
        if base in _SCALAR_NAMES or (base in _SIZE_NAMES and isinstance(waiting.equation.value, operation("divide")) and value is waiting.equation.value.args[1]):
            return True
        if isinstance(value, Symbol) and value.name == owner and base.startswith(("b", "beta", "gamma")):
            columns = any(self.is_column_layer(partner) for partner in waiting.equation.value.args if partner is not value)
            return waiting.axis == (1 if columns else 0)
        return False

    def is_beside_a_layer(self, value: Expr, waiting: _Waiting) -> bool:
        """Whether a bias or a target stands beside a layer of one row (or one column): then it has no more of them; nor has a layer less a target."""
        if value not in self.inputs:
            return (
                isinstance(waiting.equation.value, operation("minus")) and self.is_layer(value) and all(arg in self.inputs for arg in waiting.equation.value.args if arg != value)
            )
        partners = [partner for partner in waiting.equation.value.args if partner != value and not all(self.is_one(node) for node in self.of(partner))]
        is_bias = names.parts(value.name).base.startswith(("b", "beta", "gamma"))
        return bool(partners) and all(is_bias or self.is_layer(partner) for partner in partners)

    def is_layer(self, value: Expr) -> bool:
        """Whether a value is a product, or a function or a sum of one entry by entry."""
        while isinstance(value, Symbol) and value in self.made:
            made = self.made[value].value
            if isinstance(made, (operation("product"), operation("matmul"))):
                return True
            if not isinstance(made, Operation) or not record(made).elementwise:
                return False
            value = made.args[0]
        return False

    def is_column_layer(self, value: Expr) -> bool:
        """Whether a value is W x (or a sum of such) rather than x W."""
        while isinstance(value, Symbol) and is_step(value) and isinstance(self.made[value].value, operation("plus")):
            value = self.made[value].value.args[0]
        made = self.made[value].value if is_step(value) else None
        if not isinstance(made, (operation("product"), operation("matmul"))):
            return False
        left, right = (self.untransposed(arg)[0] for arg in made.args)
        return self.is_weight(left) and not self.is_weight(right)

    def is_weight(self, value: Expr) -> bool:
        """Whether a value is a parameter: an input, whatever letters computed layers (A1) have."""
        return isinstance(value, Symbol) and value in self.inputs and is_parameter(value.name)

    # results

    def settled(self) -> Program:
        """The program with its choices made and the shapes of its names."""
        shapes = self.shapes()
        draft = Draft(self.program.first_step())
        meaning: dict[Expr, Expr] = {}
        paired = operation("paired")
        for equation in self.program.equations:
            value = equation.value
            if isinstance(value, paired):
                value = value.args[1]  # it has been heard
                if is_step(equation.name):
                    meaning[equation.name] = meaning.get(value, value)
                    continue
            value = substituted(value, meaning)
            if isinstance(value, Operation) and not _SIZED.isdisjoint(record(value).options):
                value = self.sized(value, shapes[equation.name])
            if equation.name in self.chosen:
                before = len(draft.equations)
                here = record(value)
                value = instantiate(draft, rule(self.chosen[equation.name].value, here.parameters), meaning_of(value, here), equation.span)
                for new in draft.equations[before:]:
                    shapes[new.name] = result_shape(new.value, shapes)
            defined = draft.keep(with_value(equation, value))
            if defined is not equation.name:
                meaning[equation.name] = defined
                shapes.setdefault(defined, shapes[equation.name])
        program = draft.finish(self.program)
        return replace(program, shapes={name: shapes[name] for name in (*program.inputs, *(e.name for e in program.equations))})

    def sized(self, value: Operation, shape: Shape) -> Expr:
        """`I`, `ones(n, d)`, or a size used as a number, with the sizes that were found."""
        if isinstance(value, operation("extent")):
            size = self.size(self.named_dimension(value.args[0].name))
            return value if size is None else Integer(size)
        return value.func(*(option(size) for size in shape[2 - len(value.args) :]))

    def shapes(self) -> dict[Symbol, Shape]:
        """Every name's shape; a dimension that nothing fixes gets a name."""
        roots = {name: (self.root[rows], self.root[columns]) for name, (rows, columns) in self.dims.items()}
        taken = {self.label[root] for pair in roots.values() for root in pair}
        fresh = (f"n{k}" for k in range(1 << 30) if f"n{k}" not in taken)
        combined = {self.root[w.nodes[0]]: w for w in self.waiting if w.kind in ("sum_of", "product_of")}
        value, label = self.value, self.label

        def size(root: int) -> Dimension:
            known = value[root]
            return known if known is not None else label[root] or self.dimension(root, fresh, combined)

        return {name: (size(rows), size(columns)) for name, (rows, columns) in roots.items()}

    def dimension(self, node: int, fresh: Iterator[str], combined: dict[int, _Waiting]) -> Dimension:
        """A dimension's size, or its name: a new one where it has none."""
        root = self.root[node]
        value = self.value[root]
        if value is not None:
            return value
        if self.label[root] is None:
            part = combined.pop(root, None)
            if part is not None and all(self.root[n] != root for n in part.nodes[1:]):
                self.label[root] = str(_combined("+" if part.kind == "sum_of" else "*", [self.dimension(n, fresh, combined) for n in part.nodes[1:]]))
            else:
                self.label[root] = next(fresh)
        return self.label[root] or ""

    # errors

    def misfit(self, equation: Equation, clash: _ClashError) -> AlgebraError:
        """Why an equation does not fit, in the words of its operands."""
        here = record(equation.value) if isinstance(equation.value, Operation) else None
        text = equation.span.text if equation.span is not None and equation.span.text.strip() else str(equation.value)
        operands = [arg for arg in (here.operands_of(equation.value) if here else (equation.value,)) if isinstance(arg, Symbol)]
        hint = _HINTS.get(here.name if here else "", "")
        parts = [self.described(arg) for arg in dict.fromkeys(operands)]
        if isinstance(equation.value, (operation("eye"), operation("ones"))) or not parts:
            parts = []
        if here is not None and here.name == "times" and self.fits_product(operands):
            hint = "* is entry by entry; they fit a matrix product: write them side by side (A B), or pass dialect='matlab'"
        message = f"{' '.join(text.split())} does not fit"
        return ShapeError(message, equation.span, "; ".join([", ".join(parts), *([hint] if hint else [])]), self.places(equation, clash))

    def fits_product(self, operands: Sequence[Symbol]) -> bool:
        """Whether two operands that do not fit entry by entry would fit a matrix product."""
        if len(operands) != 2:
            return False
        (_, inner), (other, _) = (self.dims[operand] for operand in operands)
        return self.size(inner) is not None and self.size(inner) == self.size(other)

    def described(self, value: Symbol) -> str:
        rows, columns = self.dims[value]
        shown = "×".join("?" if self.size(n) is None and self.label[self.root[n]] is None else str(self.size(n) or self.label[self.root[n]]) for n in (rows, columns))
        sources = dict.fromkeys(self.source(node) for node in (rows, columns))
        source = ", ".join(word for word in sources if word)
        text = self.made[value].span.text if is_step(value) and self.made[value].span is not None else self.program.spelled(value)  # type: ignore[union-attr]
        return f"{' '.join(text.split())} is {shown}" + (f" ({source})" if source else "")

    def source(self, node: int) -> str:
        why = self.why[self.root[node]]
        if why is None:
            return ""
        return why[0] if why[1] is None else f"{why[0]}, line {why[1].line}"

    def places(self, equation: Equation, clash: _ClashError) -> list[tuple[str, Span | None]]:
        """The declarations that contradict each other."""
        found: dict[Span, str] = {}
        for node in (clash.one, clash.other):
            why = self.why[self.root[node]]
            if why is not None and why[1] is not None and why[1] != equation.span:
                found.setdefault(why[1], f"{self.size(node)} comes from here:")
        return [(words, span) for span, words in found.items()]


_HINTS = {
    "product": "in a product, the columns of the left are the rows of the right",
    "matmul": "in a product, the columns of the left are the rows of the right",
    "inv": "only a square matrix has an inverse; elementwise, write 1 / x",
    "det": "only a square matrix has a determinant",
    "logdet": "only a square matrix has a determinant",
    "trace": "only a square matrix has a trace",
    "times": "entry by entry, sizes are equal or 1; a matrix product is written side by side: A B",
    "paired": "a loss compares entry with entry: give both the same shape (one row for a whole batch, or a scalar, will do)",
    "concat": "blocks side by side have the same number of rows; [a; b] stands on top of each other",
    "stack": "blocks on top of each other have the same number of columns",
}
