"""The tree → a Program.

In    statements (notation.py)
Out   a Program as typed: who is an input, one operator an equation, the user's own functions as operators of its own;
      `rule` reads the rule of an operator
Idea  a tree is walked with a stack of our own, so that no depth of the text is a depth of Python
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sympy import Expr, Float, Integer, Symbol, oo, pi

from algebra2net import names
from algebra2net.errors import NotationError, Span, nearest
from algebra2net.layers import with_hidden_layers
from algebra2net.notation import Call, Declaration, Definition, Name, Number, Statement, Value
from algebra2net.notation import Equation as Typed
from algebra2net.operators import OPERATORS, spellings
from algebra2net.operators.operator import NONE, Operation, Operator, operation, option
from algebra2net.program import Draft, Equation, Program, record, symbol
from algebra2net.read import read_value

OWN = "own "  # before the name of a function of the user's, so that it may be called like one of the table's
_BY_ORDER = {"1": "norm_1", "inf": "norm_inf", "2": "norm"}
_OPTION_VALUES = {"none": NONE, "None": NONE, "inf": oo}
_BY_SIZE = ("eye", "ones", "zeros")  # their arguments are sizes, not values


@dataclass(frozen=True)
class Lowered:
    """A program as typed, and what it says of shapes."""

    program: Program
    declarations: tuple[Declaration, ...]
    barred: tuple[tuple[str, str, Span], ...] = ()  # names in log |A| and |A|^{1/2}, with `log` or nothing


def lower(statements: Sequence[Statement], matlab: bool = False, dimensions: Iterable[str] = ()) -> Lowered:
    """The program that the statements mean. `dimensions` are names of sizes that are given elsewhere.

    Raises NotationError where a name is defined twice or used before its equation, or an argument is missing.
    """
    declarations = tuple(s for s in statements if isinstance(s, Declaration))
    definitions, equations = _told_apart([s for s in statements if not isinstance(s, Declaration)])
    if not equations:
        raise NotationError("there is no equation", statements[0].span, "a declaration alone computes nothing: add l2 = relu(l0 W0) W1")
    lowering = _Lowering(definitions, equations, declarations, matlab)
    lowering.dimensions |= set(dimensions) - lowering.declared
    for equation in equations:
        lowering.equation(equation)
    return Lowered(lowering.program(equations[-1]), declarations, tuple(lowering.barred))


class _Lowering:
    def __init__(self, definitions: Sequence[Definition], equations: Sequence[Typed], declarations: Sequence[Declaration], matlab: bool = False) -> None:
        self.draft = Draft(share=False)
        self.matlab = matlab
        self.defined_at = _places(equations)
        self.functions: dict[str, Operator] = {}
        self.known: set[str] = set()
        self.defining: tuple[str, ...] = ()  # the names of the equation that is being read
        self.inputs: dict[str, Symbol] = {}
        self.spelling: dict[str, str] = {}  # of each name, as it was first typed
        self.masks: dict[str, int] = {}
        self.dimensions = {size for d in declarations for size in d.sizes if isinstance(size, str)} - {d.name.key for d in declarations}
        self.declared = {d.name.key for d in declarations}
        self.barred: list[tuple[str, str, Span]] = []
        self.constants: set[Expr] = set()  # steps of numbers alone
        self.own_names: set[str] = set()  # parameters of the rule that is being read
        self.definitions = {d.name.key: d for d in definitions}
        for definition in definitions:
            self.functions[OWN + definition.name.key] = _function(definition)

    def equation(self, typed: Typed) -> None:
        self.defining = tuple(name.key for name in typed.names)
        value = self.value(typed.value, typed.names[0].key)
        for name in typed.names:
            value = self.draft.define(value, symbol(name.key), typed.value.span if name is typed.names[0] else name.span)
            self.known.add(name.key)
            self.spelling.setdefault(name.key, name.span.text)

    def program(self, last: Typed) -> Program:
        equations = tuple(self.draft.equations)
        output = symbol(last.names[-1].key)
        bodies = self._bodies()
        program = Program(equations, tuple(self.inputs.values()), {output.name: output}, functions=bodies, spelling=self.spelling, dimensions=frozenset(self.dimensions))
        return with_hidden_layers(program)

    def _bodies(self) -> dict[str, Operator]:
        for definition in self.definitions.values():  # what a body uses besides its parameters is an input, too
            for name in _free_names(definition, self.definitions):
                if not self._is_special(name.key):
                    self.name(name)
        return self.functions

    def name(self, node: Name) -> Expr:
        """The symbol of a name: one that an equation defined before, or an input."""
        key = node.key
        if key in self.defined_at and key not in self.known:
            shown = node.span.text or key
            if key in self.defining:
                raise NotationError(f"{shown} is made of itself", node.span, f"what is new needs another name: {shown}_new = …; one step of a recurrence has h_t and h_{{t-1}}")
            raise NotationError(f"{shown} is used before its equation", node.span, "put its equation first", [("its equation is here:", self.defined_at[key])])
        if key not in self.known and key not in self.inputs:
            self.inputs[key] = symbol(key)
            self.spelling[key] = node.span.text
        return symbol(key)

    def _is_special(self, key: str) -> bool:
        return self._special(key) is not None

    def _special(self, key: str) -> Expr | None:
        """What a name means that nothing defines: I, I_n, π, a dimension used as a number."""
        if key in self.defined_at or key in self.declared:
            return None
        if key == "pi":
            return pi
        p = names.parts(key)
        if p.base == "I" and not p.accents and not p.primes and len(p.subscripts) <= 1:
            return OPERATORS["eye"](n=_size(p.subscripts[0]) if p.subscripts else Symbol("one"))
        return OPERATORS["extent"](n=Symbol(key)) if key in self.dimensions else None

    def value(self, tree: Value, owner: str = "", parameters: Mapping[str, Expr] | None = None) -> Expr:
        """The value of a tree, its steps defined on the way: an explicit stack of nodes, with their arguments once these are on it."""
        self.own_names = set(parameters or ())
        done: dict[int, Expr] = {}
        waiting: list[tuple[Value, tuple[Value, ...] | None]] = [(tree, None)]
        while waiting:
            node, arguments = waiting.pop()
            if id(node) in done:
                continue
            if isinstance(node, Number):
                done[id(node)] = number(node)
            elif isinstance(node, Name):
                done[id(node)] = self._atom(node, parameters or {})
            elif arguments is None:
                arguments = self._arguments(node)
                waiting.append((node, arguments))
                waiting += [(argument, None) for argument in reversed(arguments)]
            else:
                made = self._call(node, [done[id(argument)] for argument in arguments], owner, parameters or {})
                done[id(node)] = made if node is tree else self.draft.define(made, None, node.span)
                if made.args and all(map(self._is_constant, made.args)) and record(made, self.functions).elementwise:
                    self.constants.add(done[id(node)])
        return done[id(tree)]

    def _atom(self, node: Name, parameters: Mapping[str, Expr]) -> Expr:
        if node.key in parameters:
            return parameters[node.key]
        special = self._special(node.key)
        if special is None:
            return self.name(node)
        return self.draft.define(special, None, node.span)

    def _is_constant(self, value: Expr) -> bool:
        return bool(value.is_Number) or value is pi or value in self.constants

    def _arguments(self, node: Call) -> tuple[Value, ...]:
        """The arguments that are values."""
        if node.function == "power" and self._is_exp(node):
            return node.arguments[1:]
        return () if node.function in _BY_SIZE else node.arguments[: self._positional(node)]

    def _positional(self, node: Call) -> int:
        """How many arguments are operands; `sum(x, 0)` gives its axis without a name."""
        here = self._record(node)
        given = len(node.arguments)
        return given if here.variadic or here.with_two or given <= len(here.operands) else max(len(here.operands), 1)

    def _is_exp(self, node: Call) -> bool:
        """Whether this power is e^x, with an e that nothing defines."""
        base = node.arguments[0]
        return isinstance(base, Name) and base.key == "e" and base.key not in self.defined_at and base.key not in self.declared | self.own_names

    def _record(self, node: Call) -> Operator:
        function = node.function
        if self.functions and (own := self.functions.get(OWN + function)) is not None:
            return own
        if function.endswith("'"):
            here = slope_of(function, self.functions, node.span)
            if isinstance(here, Slope):
                self.functions.setdefault(here.name, here)
            return here
        if function not in OPERATORS:
            raise NotationError(f"there is no function {function}", node.sign or node.span, nearest(function, spellings()))
        return OPERATORS[function]

    def _call(self, node: Call, values: list[Expr], owner: str, parameters: Mapping[str, Expr]) -> Expr:
        function = node.function
        if function == "power" and self._is_exp(node):
            return OPERATORS["exp"](*values)
        here = self._record(node)
        if function in ("log", "sqrt") or (function == "power" and _is_fraction(node.arguments[1])):
            self._note_bars(node)
        if function in _BY_SIZE:
            return here(**_sizes(node, here))
        if function in ("product", "times") and self._is_constant(values[0]):
            here = OPERATORS["scale"]  # 2 x and 2 * x are one
        elif function == "product" and self._is_constant(values[1]):
            here = OPERATORS["times"]
        if function == "neg" and values[0].is_Number:
            return -values[0]
        if function == "times" and self.matlab and str(node.sign.text if node.sign else "") == "*":
            here = OPERATORS["product"]
        if here.with_two and len(values) == 2:
            here = OPERATORS[here.with_two]
        if function == "dropout":
            values = [*values, self._mask(node, owner)]
        if here.variadic:
            if not values:
                raise NotationError(f"{function} needs blocks", node.span, f"{function}(a, b)")
            return here(*values) if len(values) > 1 else values[0]
        values = _complete(node, here, values)
        options = self._options(node, here, parameters)
        if function == "norm":
            order = str(options.pop("order", Integer(2))).replace("oo", "inf")
            if order not in _BY_ORDER:
                raise NotationError(f"there is no norm of order {order}", node.span, "order is 1, 2 or inf; write others out: sum(abs(x)^3)^(1/3)")
            here = OPERATORS[_BY_ORDER[order]]
        return here(*values, **options)

    def _note_bars(self, node: Call) -> None:
        """Remember `log |A|`, `|A|^{1/2}`: of a matrix they have two meanings, and only shapes say what A is."""
        inside = node.arguments[0] if node.arguments else None
        if isinstance(inside, Call) and inside.function == "abs" and inside.sign is not None and not inside.sign.text[:1].isalpha():
            (name, *_) = inside.arguments
            if isinstance(name, Name):
                self.barred.append((name.key, "log" if node.function == "log" else "", node.span))

    def _options(self, node: Call, here: Operator, parameters: Mapping[str, Expr]) -> dict[str, Expr]:
        """The options of a call, checked."""
        given: dict[str, Expr] = {}
        if not node.options and len(node.arguments) <= len(here.operands):
            return given
        extra = node.arguments[self._positional(node) :] if not here.variadic and node.function not in _BY_SIZE else ()
        typed = [*zip(here.options, extra, strict=False), *node.options]
        if len(extra) > len(here.options):
            raise NotationError(f"{node.function} takes {_count(here)}", node.span, _usage(here))
        for word, value in typed:
            if word in here.operands:
                continue
            if word == "axis" and "axis" not in here.options and here.family == "rows":
                raise NotationError(f"{node.function} works along each row", value.span, f"of columns: {node.function}(x')'")
            if word == "keepdims":
                continue
            if word not in here.options and not (word == "order" and node.function == "norm"):
                raise NotationError(
                    f"{node.function} has no option {word}", value.span, nearest(word, here.options) or (f"it has {', '.join(here.options)}" if here.options else "it has none")
                )
            given[word] = _setting(node.function, word, value, parameters)
        return given

    def _mask(self, node: Call, owner: str) -> Expr:
        """The mask of a dropout: an input named after what is dropped."""
        dropped = node.arguments[0]
        stem = names.identifier(dropped.key if isinstance(dropped, Name) else owner or "out").rstrip("_")
        self.masks[stem] = self.masks.get(stem, 0) + 1
        name = f"{stem}_mask" + (f"_{self.masks[stem]}" if self.masks[stem] > 1 else "")
        return self.name(Name(names.key(name), node.span))


def _told_apart(statements: Sequence[Definition | Typed]) -> tuple[list[Definition], list[Typed]]:
    """The functions of a program and its equations: `L(a, y) = …` that nobody calls, at the end or of values that equations
    make, is an equation of L."""
    defined = [s for s in statements if isinstance(s, Definition)]
    typed = [s for s in statements if isinstance(s, Typed)]
    if not defined:
        return [], typed
    called = {(s.name.key if isinstance(s, Definition) else "", node.function.rstrip("'")) for s in statements for node in _nodes(s) if isinstance(node, Call)}
    called_elsewhere = {function for caller, function in called if caller != function}
    made = {name.key for s in typed for name in s.names}
    uncalled = [s for s in defined if s.name.key not in called_elsewhere | made]
    last = statements[-1] if made else next(reversed(uncalled), None)
    definitions: list[Definition] = []
    equations: list[Typed] = []
    late: list[Typed] = []  # what uses a value whose equation comes after it
    for statement in statements:
        if isinstance(statement, Typed):
            equations.append(statement)
            continue
        _refuse_glued(statement)
        used = made.intersection(node.key for node in _nodes(statement) if isinstance(node, Name))
        if statement in uncalled and (used or statement is last):
            known = {name.key for equation in equations for name in equation.names}
            (equations if used <= known else late).append(Typed((statement.name,), statement.body, statement.span))
        else:
            definitions.append(statement)
    return definitions, equations + late


def _is_fraction(exponent: Value) -> bool:
    """Whether an exponent is a fraction: 1/2, -0.5."""
    exponent = _unsigned(exponent)
    if isinstance(exponent, Call):
        return exponent.function == "divide" and all(isinstance(_unsigned(part), Number) for part in exponent.arguments)
    return isinstance(exponent, Number) and not number(exponent).is_Integer


def _unsigned(value: Value) -> Value:
    while isinstance(value, Call) and value.function == "neg":
        (value,) = value.arguments
    return value


def _refuse_glued(definition: Definition) -> None:
    """A word is one name: of `A(Q, K) = Q K` nobody means another input QK."""
    parameters = [p.key for p in definition.parameters]
    for node in _nodes(definition):
        if isinstance(node, Name) and len(node.key) > 1 and node.key not in parameters and set(node.key) <= set(parameters):
            shown = ", ".join(parameters)
            raise NotationError(f"{node.key} is one name, and the arguments are {shown}", node.span, f"a product is typed with a space between: {' '.join(node.key)}")


def _nodes(statement: Definition | Typed) -> Iterator[Value]:
    """Every value of a statement."""
    waiting = [statement.body if isinstance(statement, Definition) else statement.value]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Call):
            waiting.extend(node.arguments)


def _places(equations: Iterable[Typed]) -> dict[str, Span]:
    """Where each name is defined; raises NotationError where one is defined twice."""
    places: dict[str, Span] = {}
    for equation in equations:
        for name in equation.names:
            if name.key in places:
                shown = name.span.text or "a bare expression"
                raise NotationError(f"{shown} is defined twice", name.span or equation.span, "give the second another name", [("the first is here:", places[name.key])])
            places[name.key] = name.span
    return places


def number(node: Number) -> Expr:
    """A number as SymPy's."""
    text = node.text
    if text.isdecimal() and len(text) < 20:
        return Integer(text)
    value = float(text)
    if value == float("inf"):
        raise NotationError(f"{text if len(text) < 30 else text[:20] + '…'} is larger than any float64", node.span, "the largest is 1.797e308")
    return Float(value, 17)


def _setting(function: str, word: str, value: Value, parameters: Mapping[str, Expr]) -> Expr:
    """An option's value: a number, a word, or a parameter of the rule that this stands in."""
    if isinstance(value, Name) and value.key in parameters:
        return parameters[value.key]
    found: Expr | None = None
    if isinstance(value, Number):
        found = number(value)
    elif isinstance(value, Name):
        found = _OPTION_VALUES.get(value.key)
    elif value.function == "neg" and isinstance(value.arguments[0], Number):
        found = Integer(1) if word == "axis" and value.arguments[0].text == "1" else -number(value.arguments[0])
    if found is None or (word == "axis" and found not in (Integer(0), Integer(1), NONE)):
        raise NotationError(f"{word} cannot be {value.span.text}", value.span, "axis=0 goes down the rows, axis=1 along each row" if word == "axis" else f"{function}(x, {word}=1)")
    return found


def _size(text: str) -> Expr:
    return Integer(text) if text.isdecimal() else Symbol(text)


def _sizes(node: Call, here: Operator) -> dict[str, Expr]:
    """The sizes of `ones(3, 2)`, `ones(n, d)`, `ones(m=3, n=d)`."""
    given = [*zip(here.options, node.arguments, strict=False), *node.options]
    sizes: dict[str, Expr] = {}
    for word, argument in given:
        if isinstance(argument, Number) and argument.text.isdecimal():
            sizes[word] = Integer(argument.text)
        elif isinstance(argument, Name):
            sizes[word] = Symbol(argument.key)
        else:
            raise NotationError(f"{argument.span.text} is no size", argument.span, f"a size is a number or the name of a dimension: {node.function}(3, n)")
    if len(node.arguments) + len(node.options) not in (0, len(here.options)) or not sizes.keys() <= here.options.keys() or len(sizes) < len(given):
        raise NotationError(f"{node.function} takes {len(here.options)} size{'s' * (len(here.options) > 1)}", node.span, f"{node.function}({', '.join('3' for _ in here.options)})")
    return sizes


def _complete(node: Call, here: Operator, values: list[Expr]) -> list[Expr]:
    """The operands of a call, defaults filled in."""
    by_name = dict(node.options)
    for operand in here.operands[len(values) :]:
        if operand in by_name and isinstance(by_name[operand], Number):
            values.append(number(by_name[operand]))  # type: ignore[arg-type]
        elif operand in here.defaults:
            values.append(option(here.defaults[operand]))
        else:
            raise NotationError(f"{_shown(here)} takes {_count(here)}, here {len(node.arguments) or 'none'}", node.span, _usage(here))
    if len(values) > len(here.operands):
        raise NotationError(f"{_shown(here)} takes {_count(here)}, here {len(values)}", node.span, _usage(here))
    return values


def _shown(here: Operator) -> str:
    return here.name.removeprefix(OWN)


def _count(here: Operator) -> str:
    most = len(here.operands) - (here.name == "dropout")
    least = most - len(here.defaults)
    words = ["no argument", "one argument", "two arguments", "three arguments", "four arguments", "five arguments"]
    return f"{least} to {most} arguments" if least < most else words[most] if most < len(words) else f"{most} arguments"


def _usage(here: Operator) -> str:
    operands = [f"[{operand}]" if operand in here.defaults else operand for operand in here.operands if operand != "mask"]
    return f"{_shown(here)}({', '.join([*operands, *(f'{word}=…' for word in here.options)])})"


# ---------------------------------------------------------------------------------------- functions of the user's own


def _function(definition: Definition) -> Operator:
    parameters = tuple(p.key for p in definition.parameters)
    if len(set(parameters)) < len(parameters):
        raise NotationError(f"{definition.name.key} names a parameter twice", definition.span, "give each its own name")
    return Own(name=OWN + definition.name.key, operands=parameters, shape="its body's", definition=definition)


@dataclass(frozen=True, kw_only=True, eq=False)
class Own(Operator):
    """A function of the user's: an operator whose meaning is a tree."""

    definition: Definition | None = None


def _free_names(definition: Definition, definitions: Mapping[str, Definition]) -> list[Name]:
    """The names in a body that are no parameters; raises where it calls itself."""
    found: list[Name] = []
    parameters = {p.key for p in definition.parameters}
    waiting: list[Value] = [definition.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Call):
            skip = node.function in _BY_SIZE
            waiting.extend(() if skip else reversed(node.arguments))
        elif isinstance(node, Name) and node.key not in parameters and node.key != "e":
            found.append(node)
    _refuse_circles(definition, definitions)
    return found


def _refuse_circles(definition: Definition, definitions: Mapping[str, Definition]) -> None:
    reached: set[str] = set()
    waiting: list[Value] = [definition.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Call):
            waiting.extend(node.arguments)
            called = node.function.rstrip("'")
            if called == definition.name.key:
                raise NotationError(f"{called} calls itself", definition.span, "a function is an expression of its arguments; recurrences are not part of the notation")
            if called in definitions and called not in reached:
                reached.add(called)
                waiting.append(definitions[called].body)


def slope_of(function: str, functions: Mapping[str, Operator], span: Span | None = None) -> Operator:
    """The operator `f'`: one of the table's, or made from the function that it is the derivative of."""
    if function in OPERATORS and OWN + function[:-1] not in functions:
        return OPERATORS[function]
    base = function[:-1]
    here = functions.get(OWN + base) or OPERATORS.get(base) or (slope_of(base, functions, span) if base.endswith("'") else None)
    if here is None or len(here.operands) - len(here.defaults) != 1 or not (here.elementwise or isinstance(here, Own | Slope)):
        raise NotationError(f"{base}' is known for functions of each entry alone", span, "write the derivative out")
    return Slope(name=f"{OWN}{function}", operands=here.operands, defaults=here.defaults, shape=here.shape, of=here)


@dataclass(frozen=True, kw_only=True, eq=False)
class Slope(Operator):
    """The derivative of a function of each entry, where the table has no record of it."""

    of: Operator | None = None


# ------------------------------------------------------------------------------------------------ rules and macros


@dataclass(frozen=True)
class Rule:
    """What an expression computes, step by step, in terms of its parameters."""

    steps: tuple[Equation, ...]
    result: Expr


@cache
def rule(text: str, parameters: tuple[str, ...]) -> Rule:
    """The rule of an operator, from its text in the notation. A product in it is the matrix product."""
    lowering = _RuleLowering([], [], ())
    result = lowering.value(read_value(text), parameters={name: symbol(name) for name in parameters})
    assert not lowering.inputs, f"{text} uses {', '.join(lowering.inputs)}"
    return Rule(tuple(lowering.draft.equations), result)


class _RuleLowering(_Lowering):
    def _call(self, node: Call, values: list[Expr], owner: str, parameters: Mapping[str, Expr]) -> Expr:
        made = super()._call(node, values, owner, parameters)
        return OPERATORS["matmul"](*made.args) if isinstance(made, operation("product")) else made


def instantiate(draft: Draft, here: Rule, meaning: Mapping[Expr, Expr], span: Span | None = None, why: str = "") -> Expr:
    """The rule's value for these parameters: its steps go into the draft, the last operator comes back undefined."""
    if not here.steps:
        return _meant(here.result, meaning)
    local = dict(meaning)
    for step in here.steps:
        local[step.name] = draft.define(_meant(step.value, local), None, span, why)
    return _meant(here.result, local)


def _meant(value: Expr, local: Mapping[Expr, Expr]) -> Expr:
    """A step of a rule in the program's own names."""
    if not isinstance(value, Operation):
        return local.get(value, value)
    return _without_neutral(type(value)(*[local.get(arg, arg) for arg in value.args]))


def _without_neutral(value: Expr) -> Expr:
    """1 * x and x + 0 as x: what an operand that was left out (layernorm's gamma and beta) makes of a rule."""
    neutral = _NEUTRAL.get(type(value))
    if neutral is None:
        return value
    one, other = value.args
    return other if one is neutral else one if other is neutral else value


_NEUTRAL: Mapping[type[Expr], Expr] = {operation("times"): Integer(1), operation("plus"): Integer(0)}


def meaning_of(value: Operation, here: Operator, *result: Expr) -> dict[Expr, Expr]:
    """What the names in a rule of `here` stand for at `value`: operands, options; `out` and `delta`, where these are given."""
    return dict(zip(_symbols(here.parameters), (*value.args, *result), strict=False))


@cache
def _symbols(names: tuple[str, ...]) -> tuple[Symbol, ...]:
    return tuple(map(symbol, names))


def own_rule(here: Own, program: Program) -> Rule:
    """The body of a function of the user's; names that are no parameters are the program's."""
    assert here.definition is not None
    lowering = _Lowering([], [], ())
    lowering.functions = dict(program.functions)
    lowering.defined_at = {}
    lowering.dimensions = set(program.dimensions)
    lowering.declared = {name.name for name in (*program.inputs, *(e.name for e in program.equations))}
    result = lowering.value(here.definition.body, parameters={name: symbol(name) for name in here.operands})
    return Rule(tuple(lowering.draft.equations), result)
