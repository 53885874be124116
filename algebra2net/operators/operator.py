"""What an operator is: one record that holds all there is to know of it.

In    a signature and the operator's rules, written in the notation itself
Out   `OPERATORS`, the table that readers, shapes, derivation, printers and targets look things up in
Idea  adding an operator is adding a record; nothing else in the package names one that it could look up

A value of a Program is an `Operation`: a SymPy expression whose class has the operator's name and whose arguments are
the operands, then the options. SymPy holds, hashes and compares it, and rewrites nothing unasked.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from typing import Any

from sympy import Expr, Float, Integer, Symbol

NONE = Integer(-1)  # an option that is not given: no axis
UNSIZED = Symbol("one")  # a size that is not given: that of `I`, which two places need not share
LEVELS = ("anything", "sum", "times", "product", "negation", "power", "atom")  # loosest first, as in notation.md
ELEMENTWISE = "elementwise"
EVERYTHING = (-inf, inf)  # numbers of which nothing is known


class Operation(Expr):  # type: ignore[misc]
    """An operator on values. The class of each operator is made by `operation`."""

    is_commutative = False
    args = Expr._args  # the slot itself: SymPy's property is a call of Python's at every look
    __slots__ = ("names",)
    names: tuple[Symbol, ...]  # the operands that are names: every walk over a Program asks
    _options = 0  # how many of its last arguments are options, not operands

    def __new__(cls, *args: Expr) -> Operation:
        """What SymPy's own does, and no more."""
        made: Operation = object.__new__(cls)
        made._mhash = None
        made._args = args
        names = [arg for arg in (args[: -cls._options] if cls._options else args) if isinstance(arg, Symbol)]
        made.names = args if len(names) == len(args) else tuple(names)
        return made

    def __hash__(self) -> int:
        mine: Any = self
        if mine._mhash is None:
            mine._mhash = hash((type(self), self.args))
        found: int = mine._mhash
        return found

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.args == other.args)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _rebuilt, (type(self).__name__, self.args)

    def _sympystr(self, printer: Any) -> str:
        from algebra2net.spell import PLAIN, write

        return write(self, PLAIN)

    def _latex(self, printer: Any, **_: Any) -> str:
        from algebra2net.spell import LATEX, write

        return write(self, LATEX)


def operation(name: str) -> type[Operation]:
    """The SymPy class of the operator called `name`: the same one in all threads."""
    return _CLASSES.get(name) or _CLASSES.setdefault(name, _class(name))


def _class(name: str) -> type[Operation]:
    """A new class, its assumptions where SymPy looks for those of each value: that it does not commute says all."""
    made: Any = type(name, (Operation,), {"__slots__": (), "__module__": __name__, "_options": _OPTIONS.get(name, 0)})
    made._assumptions = made.default_assumptions.copy()
    found: type[Operation] = made
    return found


_CLASSES: dict[str, type[Operation]] = {}  # made when they are first asked for: SymPy takes its time with each
_OPTIONS: dict[str, int] = {}  # of each operator that has options, how many


def _rebuilt(name: str, args: tuple[Expr, ...]) -> Operation:
    return operation(name)(*args)


@dataclass(frozen=True, slots=True)
class Choice:
    """One meaning of an operator that only shapes settle: where the operands fit `shape`, it is `value`."""

    shape: str
    value: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """All there is to know of an operator. Texts of rules are in the notation; `out` is the result, `δ` its cotangent.

    `shape` is a pattern (`m×k, k×n -> m×n`), the word `elementwise`, or one pattern for each value of `axis`.
    `vjp` says what δ contributes to each operand, `derivative` the slope of an elementwise function of one operand.
    `value` makes it a macro: it means that, and needs no rule. `choices` are meanings that shapes choose between.
    """

    name: str
    operands: tuple[str, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of operands that may be left out
    options: Mapping[str, Any] = field(default_factory=dict)
    family: str = ""
    shape: str | Mapping[int, str] = ELEMENTWISE
    vjp: Mapping[str, str] = field(default_factory=dict)
    derivative: str = ""
    beside_numbers: Mapping[str, str] = field(default_factory=dict)  # the vjp where every other operand is a number: max(0, x)
    value: str = ""
    slope_of: str = ""  # `relu` for relu'
    choices: tuple[Choice, ...] = ()
    binds: str = "atom"
    plain: str = ""
    unicode: str = ""
    latex: str = ""
    python: str = ""
    numpy: str = ""
    together: str = ""  # NumPy's code that gives the value of `companion` and then this one, which share an exponential
    companion: str = ""  # the function that comes with this one: of a slope, its function
    gives_two: bool = False  # NumPy's code is that
    at_once: str = ""  # a function of the optimised code that gives the value of `companion` and then this one: of many entries sooner than two calls
    product_of: tuple[str, ...] = ()  # functions of the same operands that it is the product of; what one has in common with others is taken out of sums
    beside: str = ""  # NumPy's code where more is known: see `algebra2net.beside`; of a slope, the function's own value, as $out
    weights: str = ""  # what is known there: that this operand's entries are probabilities along `axis`
    probabilities_along: int | str = ""  # the axis along which the result's entries are never negative and add up to 1, or the option that says it
    ordinary: str = ""  # NumPy's code where exp(2 |x|) is finite, from q = exp(-x) and s = 1 / (1 + q), which many then share
    prelude: str = ""
    imports: str = ""
    is_view: bool = False  # NumPy gives a view of the operand: a result of it is copied before it is handed out
    between: tuple[float, float] = EVERYTHING  # the least and the largest that an entry of the result may be
    takes_scalars: bool = False  # NumPy's code takes a 0-d scalar for a 1×1 value
    gives_scalar: bool = False  # NumPy's code may give a 0-d scalar for a 1×1 value
    aliases: tuple[str, ...] = ()
    with_two: str = ""  # what its name means with two arguments: `max(0, x)` is maximum
    bare: bool = False  # `log x`: known as a function without parentheses, too
    internal: bool = False  # made by derivation; not listed among the functions
    sympy: str = ""  # what it is in SymPy's own functions of x: the oracle of its slope
    domain: str = "real"  # where its operands lie: what tests draw
    kink: str = ""  # the convention where there is no slope, in words
    reason: str = ""  # why its vjp is what it is, in words
    doc: str = ""
    source: str = ""

    @cached_property
    def variadic(self) -> bool:
        """Whether it takes any number of operands (`[a, b, c]`)."""
        return self.operands[:1] == ("*",)

    @cached_property
    def elementwise(self) -> bool:
        """Whether each entry of the result rests on one entry of each operand."""
        return self.shape == ELEMENTWISE

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names that its rules may use."""
        return (*self.operands, *self.options, "out", "delta")

    def pattern(self, value: Operation) -> str:
        """The shape pattern for these options."""
        return self.shape if isinstance(self.shape, str) else self.shape[int(value.args[self._axis])]

    @cached_property
    def _axis(self) -> int:
        """The place of the axis among a value's arguments."""
        return len(self.operands) + [*self.options].index("axis")

    def operands_of(self, value: Operation) -> tuple[Expr, ...]:
        """The arguments that are values, without the options."""
        args: tuple[Expr, ...] = value.args
        return args if not self.options or self.variadic else args[: len(self.operands)]

    def settings(self, value: Operation) -> dict[str, Expr]:
        """The options of this value by name."""
        return dict(zip(self.options, value.args[len(self.operands) :], strict=True)) if self.options else {}

    def axis_of_probabilities(self, value: Operation) -> Expr | None:
        """The axis along which the entries of this value are probabilities, if they are."""
        along = self.probabilities_along
        return self.settings(value).get(along) if isinstance(along, str) else Integer(along)

    def __call__(self, *operands: Expr, **options: Expr) -> Operation:
        """The operator on these operands."""
        if not self.options:
            return self._class(*operands)
        return self._class(*operands, *[options.get(name, default) for name, default in self._defaults.items()])

    @cached_property
    def _class(self) -> type[Operation]:
        """The class of its values."""
        return operation(self.name)

    @cached_property
    def _defaults(self) -> dict[str, Expr]:
        """What its options are where they are not given."""
        return {name: option(default) for name, default in self.options.items()}


def enter_slopes() -> None:
    """Enter f' for every function of one operand that says its slope and has no record of it yet."""
    for record in list(OPERATORS.values()):
        if record.derivative and f"{record.name}'" not in OPERATORS:
            fields = {
                "family": record.family,
                "value": record.derivative,
                "slope_of": record.name,
                "internal": True,
                "kink": record.kink,
                "domain": record.domain,
                "unicode": "",
                "numpy": "-",
                "doc": f"The slope of {record.name}.",
            }
            OPERATORS[f"{record.name}'"] = Operator(name=f"{record.name}'", operands=record.operands, defaults=record.defaults, **fields)  # type: ignore[arg-type]


def option(value: Any) -> Expr:
    """An option as a SymPy atom."""
    if isinstance(value, Expr):
        return value
    if value is None:
        return NONE
    return Symbol(value) if isinstance(value, str) else Float(value, 17) if isinstance(value, float) else Integer(value)


OPERATORS: dict[str, Operator] = {}
AT_ONCE: dict[str, Operator] = {}  # of both functions that one call gives, the second
BESIDE: dict[str, Operator] = {}  # operators where more is known of their operands: in code alone, see `algebra2net.beside`
_SPELLINGS: dict[str, str] = {}  # folded spelling → name


def operator(signature: str, **fields: Any) -> Operator:
    """Enter an operator by its signature: `layernorm(x, gamma?1, beta?0, eps=1e-5)`; `?` gives an operand's default."""
    name, inside = re.fullmatch(r"([\w']+)\((.*)\)", signature.replace(" ", "")).groups()  # type: ignore[union-attr]
    words = [re.split("([=?])", word) for word in inside.split(",") if word]
    operands = tuple(word for word, *given in words if given[:1] != ["="])
    defaults = {word: _literal(given[1]) for word, *given in words if given[:1] == ["?"]}
    options = {word: _literal(given[1]) for word, *given in words if given[:1] == ["="]}
    fields["prelude"] = textwrap.dedent(fields.get("prelude", "")).strip()
    record = Operator(name=name, operands=operands, defaults=defaults, options=options, **_spelled(name, operands, fields))
    OPERATORS[name] = record
    if options and not record.variadic:
        _OPTIONS[name] = len(options)
    if record.beside:
        _OPTIONS[beside(name)] = len(options)
        taken = tuple(operand for operand in (*operands, "out") if f"${operand}" in record.beside)
        BESIDE[beside(name)] = replace(record, name=beside(name), operands=taken, numpy=record.beside, takes_scalars=False, beside="")
    if record.at_once:
        AT_ONCE[name] = AT_ONCE[record.companion] = record
    if record.together:
        BESIDE[together(name)] = replace(record, name=together(name), numpy=record.together, beside="", together="", gives_two=True)
    for spelling in (name, *record.aliases):
        _SPELLINGS[folded(spelling)] = name
    return record


_BESIDE = "beside"
_TOGETHER = "together"


def beside(name: str) -> str:
    """The name that an operator has where more is known."""
    return f"{name}{_BESIDE}"


def together(slope: str) -> str:
    """The name that a slope has where its function's value comes with it."""
    return f"{slope}{_TOGETHER}"


def alone(name: str) -> str:
    """The name that an operator has where nothing more is known."""
    return name.removesuffix(_BESIDE).removesuffix(_TOGETHER)


def elementwise(signature: str, **fields: Any) -> Operator:
    """Enter a function of each entry; of one operand, by its `derivative`, a text in `x` and `out`."""
    fields.setdefault("takes_scalars", True)
    if "derivative" in fields and "vjp" not in fields:
        fields["vjp"] = {"x": f"δ * {_call_of_slope(signature)}" if fields.pop("by_name", False) else f"δ * ({fields['derivative']})"}
    return operator(signature, **fields)


def _call_of_slope(signature: str) -> str:
    return signature.replace("(", "'(", 1)


def _literal(text: str) -> Any:
    return None if text == "None" else float(text) if re.search(r"[.e]", text) and text != "one" else int(text) if text.isdecimal() else text


def _spelled(name: str, operands: tuple[str, ...], fields: dict[str, Any]) -> dict[str, Any]:
    """The spellings that the fields leave out. An empty one is a call by name, with what is not the default."""
    fields.setdefault("unicode", fields.get("plain", ""))
    fields.setdefault("companion", fields.get("slope_of", ""))
    fields.setdefault("numpy", f"{name}({', '.join('$' + operand for operand in operands)})")
    return fields


def folded(spelling: str) -> str:
    """`CrossEntropy`, `cross_entropy` and `Cross_Entropy` are one."""
    return spelling.replace("_", "").casefold()


def known(spelling: str) -> str | None:
    """The name of the function that is spelled so, or None. A trailing prime (its derivative) stays."""
    if spelling.endswith("_prime"):
        return known(spelling.removesuffix("_prime") + "'")
    bare = spelling.rstrip("'")
    name = _SPELLINGS.get(folded(bare))
    if name is None or bare in ("Σ", "Sigma"):  # a sum or a covariance, never the sigmoid
        return None
    return name + spelling[len(bare) :]


def spellings() -> Iterable[str]:
    """The names of all functions that a user may call."""
    return (name for name, record in OPERATORS.items() if not record.internal and name.isidentifier())
