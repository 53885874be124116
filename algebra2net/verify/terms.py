"""Expressions that can be edited: what a claim says, as a tree.

In    the equations of a Program
Out   terms: an operator on terms, a name or a number; and from a term its text
Idea  a Program holds one operator an equation, for computing; a claim is searched for the one place that is wrong, and
      for that its whole right-hand side is one tree, whose nodes are compared by value and changed by place
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sympy import Expr, Integer, Symbol

from algebra2net.errors import NotationError
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation, Operator, operation
from algebra2net.program import Program, record, symbol
from algebra2net.spell import UNICODE, Dialect, write

NAME, NUMBER = "name", "number"
DEEPEST = 100  # operators inside each other
Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """An operator's name on terms, with its options; of a name or a number, that alone (in `atom`)."""

    op: str
    args: tuple[Term, ...] = ()
    options: tuple[Expr, ...] = ()
    atom: Expr | None = None
    depth: int = field(default=0, compare=False)
    code: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", 1 + max((arg.depth for arg in self.args), default=0))
        object.__setattr__(self, "code", hash((self.op, tuple(arg.code for arg in self.args), self.options, self.atom)))

    def __hash__(self) -> int:
        return self.code

    @property
    def name(self) -> str:
        """The key of a name; of anything else, nothing."""
        return str(self.atom.name) if self.op == NAME and self.atom is not None else ""


def named(key: str) -> Term:
    """The term that is a name."""
    return Term(NAME, atom=symbol(key))


def number(value: Expr | int) -> Term:
    """The term that is a number."""
    return Term(NUMBER, atom=Integer(value) if isinstance(value, int) else value)


def call(op: str, *args: Term, axis: int | None = None) -> Term:
    """An operator on terms, with its default options; `axis=` for reductions."""
    here = OPERATORS[op]
    options = (Integer(-1 if axis is None else axis),) if "axis" in here.options else ()
    return Term(op, args, options)


def term(value: Expr, made: Callable[[Symbol], Expr | None], functions: Mapping[str, Operator] | None = None) -> Term:
    """A value of a program; a name for which `made` has a value is folded in.

    Raises NotationError where that is nested too deeply.
    """
    done: dict[Expr, Term] = {}
    waiting: list[tuple[Expr, bool]] = [(value, False)]
    while waiting:
        node, visited = waiting.pop()
        if node in done:
            continue
        inside = made(node) if isinstance(node, Symbol) else None
        parts = [inside] if inside is not None else list(record(node, functions).operands_of(node)) if isinstance(node, Operation) else []
        if parts and not visited:
            waiting += [(node, True), *((part, False) for part in parts)]
            continue
        done[node] = done[inside] if inside is not None else _node(node, [done[part] for part in parts])
        if done[node].depth > DEEPEST:
            raise NotationError("this claim is nested too deeply", None, "name the values inside: s = …; dW0 = l0' s")
    return done[value]


def as_terms(program: Program) -> list[tuple[str, Term]]:
    """A program's equations: each name with its operator on names."""
    return [(equation.name.name, term(equation.value, lambda _: None, program.functions)) for equation in program.equations]


def _node(value: Expr, parts: list[Term]) -> Term:
    if isinstance(value, Operation):
        return Term(type(value).__name__, tuple(parts), value.args[len(parts) :])
    return Term(NAME if isinstance(value, Symbol) else NUMBER, atom=value)


def expression(here: Term) -> Expr:
    """The term as a SymPy expression, for printers."""
    if here.op in (NAME, NUMBER):
        return here.atom
    return operation(here.op)(*(expression(arg) for arg in here.args), *here.options)


def text(here: Term, program: Program | None = None, dialect: Dialect = UNICODE) -> str:
    """The term as algebra; `program` knows how its signals and gradients look."""
    return write(expression(here), dialect, None, program)


def places(here: Term) -> Iterator[tuple[Path, Term]]:
    """Every node with the way to it, the whole first."""
    waiting: list[tuple[Path, Term]] = [((), here)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        waiting.extend(((*path, k), arg) for k, arg in reversed(list(enumerate(node.args))))


def replaced(here: Term, path: Path, by: Term) -> Term:
    """The term with another node at that place."""
    if not path:
        return by
    k, *rest = path
    return Term(here.op, (*here.args[:k], replaced(here.args[k], tuple(rest), by), *here.args[k + 1 :]), here.options)


def names_in(here: Term) -> list[str]:
    """The names in a term, in the order of the text."""
    return list(dict.fromkeys(node.name for _, node in places(here) if node.name))


def size_of(here: Term) -> int:
    """How many nodes a term has."""
    return sum(1 for _ in places(here))
