"""A Program without what says nothing: equal values once, unused equations out, identities applied.

In    a Program (as a rule a derived one)
Out   the same values in fewer equations
Idea  one walk forwards rewrites each value in terms of what is already there, one walk backwards drops what nobody uses

An identity is one function in `IDENTITIES`, under the name of the operator that it looks at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from sympy import Expr, Float, Integer, Symbol

from algebra2net.derive import GRADIENT, by_signal
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import NONE, Operation
from algebra2net.program import SCALAR, Draft, Equation, Program, Shape, is_step, operands, record, renamed, substituted
from algebra2net.shapes import result_shape

_LOOKED_THROUGH = frozenset(("neg", "scale", "divide", "eye", "eye_like"))  # makers of operands that a product may go past
ONE, ZERO, MINUS_ONE = Integer(1), Integer(0), Integer(-1)  # SymPy has one of each


def tidy(program: Program) -> Program:
    """The program with identities applied, equal values shared and unused equations left out."""
    walk = _Walk(program)
    for equation in program.equations[: program.kept]:
        walk.take(equation, is_forward=True)
    kept = len(walk.draft.equations)
    for equation in program.equations[program.kept :]:
        walk.take(equation, is_forward=False)
    deltas = by_signal((walk.meaning.get(delta, delta), walk.meaning.get(value, value)) for delta, value in program.deltas.items())
    labels = {name: walk.meaning.get(label, label) for name, label in program.outputs.items()}
    outputs = {name: label for name, label in labels.items() if isinstance(label, Symbol)}
    written = replace(program, equations=tuple(walk.draft.equations), outputs=outputs, deltas=deltas, shapes=walk.shapes, kept=kept)
    return without_unused(written, walk.draft.given)


def without_unused(program: Program, given: Mapping[Expr, Symbol] = MappingProxyType({})) -> Program:
    """The program without the equations that no output rests on; what is in `given` by its name there."""
    needed = set(program.outputs.values())
    left: list[Equation] = []
    kept = 0
    for place in range(len(program.equations) - 1, -1, -1):
        equation = program.equations[place]
        if given.get(equation.name, equation.name) in needed:
            equation = renamed(equation, given) if given else equation
            needed.update(operands(equation.value))
            left.append(equation)
            kept += place < program.kept
    needed.update(program.inputs)
    left.reverse()
    shapes = {name: shape for name, shape in program.shapes.items() if name in needed}
    return replace(program, equations=tuple(left), shapes=shapes, kept=kept, deltas={d: v for d, v in program.deltas.items() if d in needed})


class _Walk:
    """The walk forwards: what each step has become, and the draft of what is left."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.draft = Draft(program.first_step())
        self.shapes = program.known_shapes()
        self.meaning: dict[Expr, Expr] = {}
        self.made: dict[Expr, Operation] = {}
        self.uses: Counter[Expr] = program.uses()  # and how often what a step has become is
        self.kept_names: set[Expr] = set()  # values of the forward pass
        self.fresh: set[Expr] = set()  # steps of the backward pass
        self.signals: set[Expr] = set()  # what is a delta keeps its name, where a gradient is the same: ∂L/∂b = δ
        self.rule = ""  # of the equation at hand
        self.rules: dict[Expr, str] = {}  # of each step

    def take(self, equation: Equation, is_forward: bool) -> None:
        """The next equation, which belongs to the forward pass or not."""
        self.rule = equation.rule
        value = substituted(equation.value, self.meaning)
        if isinstance(value, Operation):
            value = _without_two_signs(value, self) if is_forward else self.simplified(value)
        self.define(value, equation, is_forward)

    def simplified(self, value: Expr) -> Expr:
        """`value` under the identities, until none applies."""
        for _ in range(20):
            better = self.better(value) if isinstance(value, Operation) else None
            if better is None:
                return value
            value = better
        return value

    def better(self, value: Operation) -> Expr | None:
        """What the first identity that applies makes of a value."""
        for identity in IDENTITIES.get(type(value).__name__, ()):
            found = identity(value, self)
            if found is not None:
                return found
        return None

    def step(self, value: Expr) -> Expr:
        """A name for a value that an identity made."""
        if not isinstance(value, Operation):
            return value
        better = self.better(value)
        if better is not None:
            return self.step(better)
        name = self.draft.define(value, rule=self.rule)
        if self.rule:
            self.rules.setdefault(name, self.rule)
        self.shapes.setdefault(name, result_shape(value, self.shapes))
        self.made.setdefault(name, value)
        return name

    def through(self, step: Expr) -> None:
        """What is made now takes the place of a step: it holds for the step's reason, too."""
        reasons = dict.fromkeys(reason for reason in (self.rules.get(step, ""), self.rule) if reason)
        self.rule = "\n".join(reasons)

    def define(self, value: Expr, equation: Equation, is_forward: bool) -> None:
        name = equation.name
        is_made = isinstance(value, Operation)
        if not is_made and value in self.fresh and not name.is_step and (value not in self.signals or self.is_of_its_own(equation)):
            self.fresh.discard(value)  # the step has a name after all
            self.draft.rename(value, name)
            defined: Expr = name
        else:
            same = value is equation.value and self.rule == equation.rule
            defined = self.draft.keep(equation if same else Equation(name, value, equation.span, self.rule))
            if self.rule:
                self.rules.setdefault(defined, self.rule)
            if not is_forward and is_step(defined) and defined not in self.kept_names:
                self.fresh.add(defined)
        if defined is not name:
            self.meaning[name] = defined
            self.uses[defined] += self.uses[name]
        if name in self.program.deltas:
            self.signals.add(defined)
        if is_forward:
            self.kept_names.add(defined)
        made = value if is_made else self.made.get(value)
        if made is not None:
            self.made.setdefault(defined, made)
        if defined not in self.shapes and isinstance(defined, Symbol):
            self.shapes[defined] = self.shapes.get(name) or result_shape(value, self.shapes)

    def is_of_its_own(self, equation: Equation) -> bool:
        """Whether this is the gradient by the value that the signal stands at: ∂L/∂h, not also δ_h."""
        target = self.program.deltas.get(equation.value)
        return target is not None and equation.name.name == f"{GRADIENT}{target.name}"

    def shape(self, value: Expr) -> Shape:
        return self.shapes[value] if isinstance(value, Symbol) else SCALAR

    def is_looked_through(self, value: Expr) -> bool:
        """Whether an identity of products could say something of this operand."""
        return type(self.made.get(value)).__name__ in _LOOKED_THROUGH or bool(value.is_Number)

    def is_made(self, value: Expr, name: str) -> bool:
        """Whether a value is a step that the operator called `name` made."""
        return type(self.made.get(value)).__name__ == name and is_step(value)


Identity = Callable[[Operation, _Walk], Expr | None]
IDENTITIES: dict[str, tuple[Identity, ...]] = {}


def identity(*names: str) -> Callable[[Identity], Identity]:
    """Enter an identity: it gives what a value equals, or None where it does not apply."""

    def enter(function: Identity) -> Identity:
        for name in names:
            IDENTITIES[name] = (*IDENTITIES.get(name, ()), function)
        return function

    return enter


_EXACT: Mapping[str, Callable[[Expr, Expr], Expr]] = {"plus": lambda a, b: a + b, "minus": lambda a, b: a - b, "times": lambda a, b: a * b, "scale": lambda a, b: a * b}


@identity("plus", "minus", "times", "scale")
def _numbers(value: Operation, walk: _Walk) -> Expr | None:
    """2 - 1 is 1."""
    a, b = value.args
    if a.is_Number and b.is_Number:
        return _EXACT[type(value).__name__](a, b)
    return None


@identity("scale", "divide")
def _fractions(value: Operation, walk: _Walk) -> Expr | None:
    """2 (3 x) is 6 x, x / 2 / 3 is x / 6, 2 x / 2 is x, 2 (x / 6) is x / 3."""
    over = type(value).__name__ == "divide"
    outer, inside = reversed(value.args) if over else value.args
    if not (outer.is_Integer and outer > 0 and (walk.is_made(inside, "scale") or walk.is_made(inside, "divide"))):
        return None
    made = walk.made[inside]
    under = type(made).__name__ == "divide"
    inner, rest = reversed(made.args) if under else made.args
    if not (inner.is_Integer and inner > 0):
        return None
    ratio = (inner if not under else 1 / inner) * (outer if not over else 1 / outer)
    if ratio.p == 1:
        return OPERATORS["divide"](rest, Integer(ratio.q)) if ratio.q != 1 else rest
    return OPERATORS["scale"](Integer(ratio.p), rest) if ratio.q == 1 else None


@identity("neg")
def _negative(value: Operation, walk: _Walk) -> Expr | None:
    """-(-x) is x; -(x - y) is y - x, also behind a number: 2 (p - y) is what a loss tells its prediction."""
    (a,) = value.args
    if a.is_Number:
        return -a
    return walk.made[a].args[0] if walk.is_made(a, "neg") else _turned(a, walk)


def _turned(value: Expr, walk: _Walk) -> Expr | None:
    """c (y - x) for c (x - y), or None where it is no such difference."""
    if walk.is_made(value, "minus"):
        x, y = walk.made[value].args
        return None if x.is_Number or y.is_Number else OPERATORS["minus"](y, x)
    for name, place in (("scale", 1), ("divide", 0)):
        if walk.is_made(value, name) and walk.made[value].args[1 - place].is_Number:
            turned = _turned(walk.made[value].args[place], walk)
            if turned is not None:
                return walk.made[value].func(*(walk.step(turned) if k == place else arg for k, arg in enumerate(walk.made[value].args)))
    return None


@identity("plus")
def _plus(value: Operation, walk: _Walk) -> Expr | None:
    """x + 0 is x, x + (-y) is x - y, x + x is 2 x, x + -1/2 is x - 1/2."""
    a, b = value.args
    if a is b and isinstance(a, Symbol):
        return OPERATORS["scale"](Integer(2), a)
    if a is ZERO and walk.shape(b) == result_shape(value, walk.shapes):
        return b
    if b is ZERO and walk.shape(a) == result_shape(value, walk.shapes):
        return a
    if walk.is_made(b, "neg"):
        return OPERATORS["minus"](a, walk.made[b].args[0])
    for one, other in ((a, b), (b, a)):
        above, below = walk.made[other].args if walk.is_made(other, "divide") else (ZERO, ONE)
        if above.is_Number and above < 0:
            return OPERATORS["minus"](one, walk.step(OPERATORS["divide"](-above, below)))
    return OPERATORS["minus"](b, walk.made[a].args[0]) if walk.is_made(a, "neg") else None


def _without_two_signs(value: Operation, walk: _Walk) -> Expr:
    """x - y for x + (-y), mean(x) for -mean(-x): of the forward pass, which else stays as it was typed, what macros and stable forms have made."""
    name, last = type(value).__name__, value.args[-1]
    if name in ("plus", "minus") and walk.is_made(last, "neg"):
        return OPERATORS["minus" if name == "plus" else "plus"](value.args[0], walk.made[last].args[0])
    if name == "neg" and walk.uses[last] == 1 and (walk.is_made(last, "mean") or walk.is_made(last, "sum")):
        inside, axis = walk.made[last].args
        return walk.made[last].func(walk.made[inside].args[0], axis) if walk.is_made(inside, "neg") else value
    return value


@identity("minus")
def _minus(value: Operation, walk: _Walk) -> Expr | None:
    """x - 0 is x, x - (-y) is x + y, 0 - x is -x."""
    a, b = value.args
    if b is ZERO and walk.shape(a) == result_shape(value, walk.shapes):
        return a
    if a is ZERO and walk.shape(b) == result_shape(value, walk.shapes):
        return OPERATORS["neg"](b)
    return OPERATORS["plus"](a, walk.made[b].args[0]) if walk.is_made(b, "neg") else None


@identity("times", "scale")
def _times(value: Operation, walk: _Walk) -> Expr | None:
    """0 x is 0, 1 x is x; (-x) y is -(x y); a number stands in front; x (1/y) is x / y."""
    a, b = value.args
    for place, (one, other) in enumerate(((a, b), (b, a))):
        if one is ZERO and isinstance(other, Symbol):
            return OPERATORS["expand"](ZERO, other)  # of x^0 at 0: there 0 * inf would be nan
        if (one is ONE or one is MINUS_ONE) and walk.shape(other) == result_shape(value, walk.shapes):
            return other if one is ONE else OPERATORS["neg"](other)
        if walk.is_made(one, "neg"):
            inside = walk.made[one].args[0]
            return OPERATORS["neg"](walk.step(value.func(*((inside, b) if place == 0 else (a, inside)))))
        if walk.is_made(one, "divide") and walk.made[one].args[0].is_Number:
            above, below = walk.made[one].args
            return OPERATORS["divide"](walk.step(OPERATORS["scale"](above, other)), below)
    if type(value).__name__ == "times":
        for one, other in ((a, b), (b, a)):
            if one.is_Number or (walk.shape(one) == SCALAR != walk.shape(other)):
                return OPERATORS["scale"](one, other)
    return None


@identity("divide")
def _divide(value: Operation, walk: _Walk) -> Expr | None:
    """x / 1 is x; (-x) / y is -(x / y)."""
    a, b = value.args
    if b is ONE:
        return a
    if walk.is_made(a, "neg"):
        return OPERATORS["neg"](walk.step(OPERATORS["divide"](walk.made[a].args[0], b)))
    return None


@identity("power")
def _power(value: Operation, walk: _Walk) -> Expr | None:
    """x^1 is x, x^0 is 1."""
    base, exponent = value.args
    if exponent in (ONE, Float(1.0, 17)):
        return base
    return OPERATORS["expand"](ONE, base) if exponent == ZERO and isinstance(base, Symbol) else None


@identity("transpose")
def _transposed(value: Operation, walk: _Walk) -> Expr | None:
    """(A')' is A; (A B)' is B' A'; (c A')' is c A; a scalar is its own transpose."""
    (a,) = value.args
    if walk.shape(a) == SCALAR:
        return a
    if a not in walk.made:
        return None
    if walk.is_made(a, "neg"):
        return OPERATORS["neg"](walk.step(OPERATORS["transpose"](walk.made[a].args[0])))
    for name, place in (("scale", 1), ("divide", 0)):
        inside = walk.made[a].args[place] if walk.is_made(a, name) else a
        if inside is a or walk.shape(walk.made[a].args[1 - place]) != SCALAR:
            continue
        plain = walk.is_made(inside, "transpose") and (1 in walk.shape(a) or walk.uses[a] <= 1 or not is_step(walk.made[inside].args[0]))
        if plain or (walk.is_made(inside, "matmul") and walk.uses[a] <= 1 and a not in walk.kept_names):
            walk.through(a)
            turned = walk.step(OPERATORS["transpose"](inside))
            return walk.made[a].func(*(turned if k == place else arg for k, arg in enumerate(walk.made[a].args)))
    if walk.uses[a] > 1 or a in walk.kept_names:
        return walk.made[a].args[0] if walk.is_made(a, "transpose") else None  # what is there anyway is turned, not made again
    if (walk.is_made(a, "plus") or walk.is_made(a, "minus")) and all(walk.is_made(term, "matmul") and walk.uses[term] == 1 for term in walk.made[a].args):
        walk.through(a)
        one, other = (walk.step(OPERATORS["transpose"](term)) for term in walk.made[a].args)
        return walk.made[a].func(one, other)
    if walk.is_made(a, "matmul"):
        walk.through(a)
        left, right = walk.made[a].args
        return OPERATORS["matmul"](walk.step(OPERATORS["transpose"](right)), walk.step(OPERATORS["transpose"](left)))
    return walk.made[a].args[0] if walk.is_made(a, "transpose") else None


@identity("plus", "minus", "times", "scale", "divide", "quotient_or_zero")
def _broadcast(value: Operation, walk: _Walk) -> Expr | None:
    """What is repeated anyway need not be repeated first."""
    for place, arg in enumerate(value.args):
        if walk.is_made(arg, "expand"):
            inside = walk.made[arg].args[0]
            narrowed = value.func(*(inside if k == place else other for k, other in enumerate(value.args)))
            if result_shape(narrowed, walk.shapes) == result_shape(value, walk.shapes):
                return narrowed
    return None


@identity("times", "scale", "divide", "neg")
def _late(value: Operation, walk: _Walk) -> Expr | None:
    """A scalar factor goes into what is repeated, before it is repeated."""
    expanded = [arg for arg in value.args if walk.is_made(arg, "expand")]
    if not expanded or any(walk.shape(arg) != SCALAR for arg in value.args if arg not in expanded) or len(expanded) > 1:
        return None
    inside, like = walk.made[expanded[0]].args
    if type(value).__name__ == "divide" and value.args[0] is not expanded[0]:
        return None
    narrow = walk.step(value.func(*(inside if arg is expanded[0] else arg for arg in value.args)))
    return OPERATORS["expand"](narrow, like)


@identity("sum")
def _sum(value: Operation, walk: _Walk) -> Expr | None:
    """The sum over one entry is that entry; a minus sign or a scalar goes in front; the sum of A ∘ I is a trace."""
    arg, axis = value.args
    if walk.is_made(arg, "neg"):
        return OPERATORS["neg"](walk.step(value.func(walk.made[arg].args[0], axis)))
    shape = walk.shape(arg)
    if shape == SCALAR if axis == NONE else shape[int(axis)] == 1:
        return arg
    for name, place in (("scale", 1), ("divide", 0)):
        if walk.is_made(arg, name) and walk.uses[arg] <= 1 and walk.shape(walk.made[arg].args[1 - place]) == SCALAR:
            inside = walk.step(value.func(walk.made[arg].args[place], axis))
            return walk.made[arg].func(*(inside if k == place else other for k, other in enumerate(walk.made[arg].args)))
    if axis == NONE and walk.is_made(arg, "times"):
        for one, other in (walk.made[arg].args, walk.made[arg].args[::-1]):
            if (walk.is_made(one, "eye") or walk.is_made(one, "eye_like")) and walk.shape(one) == walk.shape(other):
                return OPERATORS["trace"](other)
    return None


@identity("contrast", "excess")
def _linear(value: Operation, walk: _Walk) -> Expr | None:
    """A scalar goes in front; a minus sign stays, so that the signal of a loss reads p - y."""
    p, d, axis = value.args
    inner = walk.made[d].args[0] if walk.is_made(d, "neg") else d
    for name, place in (("scale", 1), ("divide", 0)):
        scalar = walk.made[inner].args[1 - place] if walk.is_made(inner, name) else d
        if scalar is not d and (scalar.is_Number or (max(walk.uses[d], walk.uses[inner]) <= 1 and walk.shape(scalar) == SCALAR)):
            rest = walk.made[inner].args[place]
            inside = walk.step(value.func(p, rest if inner is d else walk.step(OPERATORS["neg"](rest)), axis))
            return walk.made[inner].func(*(inside if k == place else other for k, other in enumerate(walk.made[inner].args)))
    return None


@identity("size")
def _size(value: Operation, walk: _Walk) -> Expr | None:
    """A size that is known is a number; that of f(x) is that of x: nothing is computed for its shape alone."""
    arg, axis = value.args
    sizes = walk.shape(arg) if axis == NONE else (walk.shape(arg)[int(axis)],)
    if all(isinstance(size, int) for size in sizes):
        return Integer(math.prod(sizes))
    named = [size for size in sizes if size != 1]
    if len(named) == 1 and named[0] in walk.program.dimensions:
        return OPERATORS["extent"](n=Symbol(named[0]))
    if not isinstance(arg, Symbol) or arg not in walk.made:
        return None
    for operand in record(walk.made[arg]).operands_of(walk.made[arg]):
        if isinstance(operand, Symbol) and walk.shape(operand) == walk.shape(arg) and is_step(arg):
            return value.func(operand, axis)
    return None


@identity("times", "scale")
def _squared_norm(value: Operation, walk: _Walk) -> Expr | None:
    """‖x‖ times the direction of x is x: the slope of ‖x‖² is 2 x."""
    for one, other in (value.args, value.args[::-1]):
        if walk.is_made(other, "unit"):
            rest = _without(one, OPERATORS["norm"](walk.made[other].args[0], axis=walk.made[other].args[1]), walk)
            if rest is not None:
                return value.func(rest, walk.made[other].args[0])
    return None


def _without(value: Expr, factor: Expr, walk: _Walk, depth: int = 6) -> Expr | None:
    """A product without the factor that `factor` makes, or None where it has no such factor."""
    if walk.made.get(value) == factor:
        return ONE
    name = type(walk.made[value]).__name__ if value in walk.made and is_step(value) else ""
    for place in {"times": (0, 1), "scale": (0, 1), "divide": (0,), "neg": (0,)}.get(name, ()) if depth else ():
        made = walk.made[value]
        rest = _without(made.args[place], factor, walk, depth - 1)
        if rest is not None:
            return walk.step(made.func(*(rest if k == place else arg for k, arg in enumerate(made.args))))
    return None


@identity("expand")
def _expand(value: Operation, walk: _Walk) -> Expr | None:
    """What has the shape already need not be repeated."""
    arg, like = value.args
    if walk.shape(arg) == walk.shape(like):
        return arg
    if walk.is_made(arg, "expand"):
        return value.func(walk.made[arg].args[0], like)
    return None


@identity("matmul")
def _matmul(value: Operation, walk: _Walk) -> Expr | None:
    """(-A) B is -(A B); (c A) (B / c) is A B; I B is B; A 1 is A."""
    if not any(map(walk.is_looked_through, value.args)):
        return None
    for one, other in (value.args, value.args[::-1]):
        if walk.is_made(one, "scale") and walk.is_made(other, "divide") and walk.made[one].args[0] is walk.made[other].args[1]:
            inside = {one: walk.made[one].args[1], other: walk.made[other].args[0]}
            return value.func(*(inside[arg] for arg in value.args))
    for place, arg in enumerate(value.args):
        other = value.args[1 - place]
        if arg.is_Number:
            return OPERATORS["scale"](arg, other)
        if walk.is_made(arg, "eye_like") or walk.is_made(arg, "eye"):
            return other
        if walk.is_made(arg, "scale") and walk.is_made(walk.made[arg].args[1], "eye_like"):
            return OPERATORS["scale"](walk.made[arg].args[0], other)
    for place, arg in enumerate(value.args):
        if walk.is_made(arg, "neg"):
            inside = walk.made[arg].args[0]
            return OPERATORS["neg"](walk.step(value.func(*(inside if k == place else other for k, other in enumerate(value.args)))))
    return None


@identity("tril", "triu")
def _triangle(value: Operation, walk: _Walk) -> Expr | None:
    """A triangle's triangle is itself."""
    (a,) = value.args
    return a if walk.is_made(a, type(value).__name__) else None
