"""The one data structure: ordered shallow equations, with a shape for every name.

In    equations `name = one operator on names and numbers`
Out   a Program: the algebra, its gradient, and the gradient's gradient alike
Idea  a name that starts with `_` is a step that nobody named; printers fold it into where it is used

Whatever is derived, printed, checked or compiled takes a Program, in one walk over its equations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from sympy import Expr, Symbol

from algebra2net.errors import Span
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import BESIDE, UNSIZED, Operation, Operator

if TYPE_CHECKING:
    from algebra2net.shapes import Repeated

Dimension = int | str  # a number, or the name of one that is not known
Shape = tuple[Dimension, Dimension]
SCALAR: Shape = (1, 1)


_ANY: Any = Symbol("_", commutative=False)


class ValueSymbol(Symbol):  # type: ignore[misc]
    """The symbol of a value: a matrix, so it commutes with nothing.

    There is one of each name, so they hash and compare by identity, without a line of Python: every walk over a
    Program looks up some hundred names an equation. What SymPy keeps of each, and takes 12 µs to make, is the class's.
    """

    _args, _mhash, _assumptions, _assumptions0, _assumptions_orig = _ANY._args, None, _ANY._assumptions, _ANY._assumptions0, _ANY._assumptions_orig
    __slots__ = ("__weakref__", "is_step", "number")
    number: int  # which step it is, of those that nobody named; 0 for a name
    is_step: bool

    def __new__(cls, name: str, **_: object) -> ValueSymbol:
        """The symbol called `name`."""
        if name.startswith("_"):
            return step(int(name[1:]))
        with _MAKING:
            known = _NAMES.get(name)
            found = None if known is None else known()
            if found is None:
                found = _made(name, 0)
                _NAMES[name] = ref(found)
                _forget_unused()
            return found

    __hash__ = object.__hash__
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def _hashable_content(self) -> tuple[str]:
        return (self.name,)


def _made(name: str, number: int) -> ValueSymbol:
    made: ValueSymbol = object.__new__(ValueSymbol)
    made.name = name
    made.number = number
    made.is_step = number > 0
    return made


def _forget_unused() -> None:
    """Let go of the names whose symbols are gone, whenever there are twice as many as were left the last time."""
    global _room
    if len(_NAMES) > _room:
        for name in [name for name, known in _NAMES.items() if known() is None]:
            del _NAMES[name]
        _room = max(2 * len(_NAMES), _room)


_STEPS: dict[int, ValueSymbol] = {}  # the steps of all programs go by the same names
_NAMES: dict[str, ref[ValueSymbol]] = {}
_room = 1 << 17
_MAKING = Lock()


@lru_cache(maxsize=1 << 16)
def symbol(name: str) -> ValueSymbol:
    """The symbol of that name."""
    return ValueSymbol(name)


def step(number: int) -> ValueSymbol:
    """The name of a program's step of that number: `_1`, `_2`."""
    return _STEPS.get(number) or _STEPS.setdefault(number, _made(f"_{number}", number))


def is_step(value: Expr) -> bool:
    """Whether this is a step that nobody named."""
    return isinstance(value, ValueSymbol) and value.is_step


class Equation(NamedTuple):
    """`name = value`, the value one operator on names and numbers (or a name or number alone).

    `span` is where it was typed; `rule` says, of a derived one, why it holds: neither makes it another equation.
    A tuple, as every pass makes thousands: a frozen dataclass takes twice as long to make.
    """

    name: ValueSymbol
    value: Expr
    span: Span | None = None
    rule: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equation) and self.name is other.name and self.value == other.value

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.name, self.value))

    def __repr__(self) -> str:
        return f"{self.name} = {self.value}"


@dataclass(frozen=True, eq=False)
class Program:
    """Ordered equations between `inputs` and `outputs` (label → name), and what is known of their shapes.

    `hidden` are layers that got their names here, not from the user. `functions` are the user's own operators.
    `kept` says how many equations at the start belong to the forward pass of a derived program.
    """

    equations: tuple[Equation, ...]
    inputs: tuple[Symbol, ...]
    outputs: Mapping[str, Symbol]
    shapes: Mapping[Symbol, Shape] = field(default_factory=dict)
    hidden: frozenset[Symbol] = frozenset()
    functions: Mapping[str, Operator] = field(default_factory=dict)
    spelling: Mapping[str, str] = field(default_factory=dict)  # of names, as they were first typed
    dimensions: frozenset[str] = frozenset()  # names that declarations use as sizes
    kept: int = 0
    gradients: Mapping[Symbol, Symbol] = field(default_factory=dict)  # of a derived program: the name of ∂L/∂x → x
    deltas: Mapping[Symbol, Symbol] = field(default_factory=dict)  # of a derived program: the name of δ at v → v

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and (self.equations, self.inputs, dict(self.outputs)) == (other.equations, other.inputs, dict(other.outputs))

    def __hash__(self) -> int:
        return hash((self.equations, self.inputs))

    def __str__(self) -> str:
        return self.plain()

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def plain(self) -> str:
        """One line of plain notation for each equation."""
        from algebra2net.spell import PLAIN, lines

        return "\n".join(lines(self, PLAIN))

    def unicode(self) -> str:
        """One line of Unicode for each equation."""
        from algebra2net.spell import UNICODE, lines

        return "\n".join(lines(self, UNICODE))

    def latex(self) -> str:
        """An `aligned` block, for KaTeX, MathJax and pdflatex."""
        from algebra2net.spell import aligned

        return aligned(self)

    @property
    def broadcasts(self) -> tuple[Repeated, ...]:
        """Where a named value stands beside each of several rows or columns: what derivation makes a sum of."""
        from algebra2net.shapes import broadcasts

        return broadcasts(self)

    def spelled(self, name: Symbol) -> str:
        """A name as the user first typed it: what messages call it."""
        return " ".join(self.spelling.get(name.name, "").split()) or name.name

    def record(self, value: Operation) -> Operator:
        """The operator of a value: one of the table's or one of the user's own."""
        return record(value, self.functions)

    def known_shapes(self) -> dict[Symbol, Shape]:
        """The shapes of the names that are there: a fresh copy, for who writes on."""
        shapes = self.shapes
        return {name: shapes[name] for name in [*self.inputs, *[e.name for e in self.equations]] if name in shapes}

    def first_step(self) -> int:
        """The highest number of a step, one that is gone and has left its shape included; a draft that goes on from here counts on."""
        return max([*(e.name.number for e in self.equations), *(name.number for name in self.shapes)], default=0)

    def uses(self) -> Counter[Symbol]:
        """How often each name is an operand, or an output."""
        return Counter([*self.outputs.values(), *chain.from_iterable([value.names if isinstance(value, Operation) else operands(value) for _, value, _, _ in self.equations])])

    def with_equations(self, equations: Iterable[Equation], **changes: Any) -> Program:
        """This program with other equations (and other fields)."""
        return replace(self, equations=tuple(equations), **changes)


def record(value: Expr, functions: Mapping[str, Operator] | None = None) -> Operator:
    """The operator of a value."""
    name = type(value).__name__
    try:
        return OPERATORS[name]
    except KeyError:
        return BESIDE[name] if name in BESIDE else (functions or {})[name]


def operands(value: Expr) -> tuple[Symbol, ...]:
    """The names that a value is made of, each as often as it stands there."""
    if isinstance(value, Operation):
        return value.names
    return (value,) if isinstance(value, Symbol) else ()


def substituted(value: Expr, meaning: Mapping[Expr, Expr]) -> Expr:
    """`value` with its operands replaced, which names stand for; itself where none is."""
    if not isinstance(value, Operation):
        return meaning.get(value, value)
    if meaning.keys().isdisjoint(value.names):
        return value
    return type(value)(*[meaning.get(arg, arg) for arg in value.args])


def with_value(equation: Equation, value: Expr) -> Equation:
    """An equation with what its value has come to; itself where that is what it was."""
    return equation if value is equation.value else Equation(equation.name, value, equation.span, equation.rule)


def renamed(equation: Equation, given: Mapping[Expr, Symbol]) -> Equation:
    """An equation in other names; itself where none of its names has another."""
    name = given.get(equation.name, equation.name)
    value = substituted(equation.value, given)
    return equation if name is equation.name and value is equation.value else Equation(name, value, equation.span, equation.rule)


class Draft:
    """A program being written. A value that was defined before gets the name that it got then."""

    def __init__(self, first_step: int = 0, share: bool = True) -> None:
        self.equations: list[Equation] = []
        self.steps = first_step
        self._share = share
        self._names: dict[Expr, Symbol] = {}
        self.given: dict[Expr, Symbol] = {}  # names that steps have got after all

    def define(self, value: Expr, name: Symbol | None = None, span: Span | None = None, rule: str = "") -> Expr:
        """A name for `value`: the given one, one that it has, or that of a new step. Atoms are their own names."""
        if name is None:
            if not isinstance(value, Operation):
                return value
            name = step(self.steps + 1)
            if self._share and self._is_one(value):
                known = self._names.setdefault(value, name)
                if known is not name:
                    return known
            self.steps += 1
            self.equations.append(Equation(name, value, span, rule))
            return name
        return self.keep(Equation(name, value, span, rule))

    def keep(self, equation: Equation) -> Expr:
        """The name of an equation's value: the equation's own, unless it is a step's and the value is known by another."""
        name, value = equation.name, equation.value
        if not isinstance(value, Operation):
            if name.is_step:
                return value
            self.equations.append(equation)
            return name
        known = self._names.setdefault(value, name) if self._share and self._is_one(value) else name
        if known is name:
            self.equations.append(equation)
            return name
        if name.is_step:
            return known
        if is_step(known):
            self.rename(known, name)  # a step that turns out to have a name
            self._names[value] = name
        else:
            self.equations.append(with_value(equation, known))
        return name

    def _is_one(self, value: Operation) -> bool:
        """Whether equal values are one: an `I` of no size need not be of the same size in two places."""
        return value.names is value.args or UNSIZED not in value.args

    def rename(self, step: Expr, name: Symbol) -> None:
        """Let a step have this name, from where it was defined on."""
        self.given[step] = name

    def finish(self, program: Program) -> Program:
        """`program` with the equations of this draft."""
        given = self.given
        if not given:
            return program.with_equations(self.equations)
        return program.with_equations([renamed(e, given) for e in self.equations])
