"""Values in a normal form, in which spellings of the same algebra are the same.

In    operators on values, one at a time
Out   a node for each: a number, an atom, a function of nodes, a product of powers of nodes, a sum of multiples of nodes
Idea  x - 1 and -1 + x are one sum, x/y and x * y^-1 one product, sqrt(x) and x^0.5 one power, exp(a) exp(b) one exp(a + b);
      equal nodes are made once, so that to compare is to compare two numbers

Nothing is computed from a normal form unless a rewrite asks for it: what the user typed keeps its order and its rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Symbol, pi

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import NONE, Operation, Operator
from algebra2net.program import SCALAR, Shape

WIDEST = 12  # terms of a sum, factors of a product: what is wider is an atom
Terms = dict[int, float]  # node → its coefficient in a sum, or its exponent in a product

NUMBER, ATOM, VARIABLE, FUNCTION, PRODUCT, SUM = "number", "atom", "variable", "function", "product", "sum"
_LARGEST = frozenset(("maximum", "minimum"))
_EVEN = frozenset(("abs", "cos", "cosh", "exp_minus_square", "gaussian", "sech"))
_ODD = frozenset(("sin", "tan", "arcsin", "arctan", "sinh", "tanh", "arcsinh", "arctanh", "erf", "sign", "softsign"))
_LINEAR = frozenset(("sum", "mean", "transpose"))
_SELECTING = frozenset(("sum", "mean", "max", "min", "prod"))  # of one entry, that entry
_TURNED = {"gt": "lt", "ge": "le"}
COMMUTATIVE = frozenset(("maximum", "minimum", "hypot", "eq", "ne", "logaddexp"))


def close(a: float, b: float) -> bool:
    """Whether two numbers are the same but for rounding."""
    return abs(a - b) <= 1e-14 * abs(b)


class OpaqueError(Exception):
    """A value that has no normal form: too wide, or with a number that is none."""


class Forms:
    """All nodes of one program, or of all patterns (whose shapes are not known: None)."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.data: list[Any] = []
        self.shapes: list[Shape | None] = []
        self._known: dict[tuple[str, Any, Shape | None], int] = {}
        self._constants: dict[str, float] = {}

    # nodes

    def node(self, kind: str, data: Any, shape: Shape | None) -> int:
        """The node with these data: the one that there is, or a new one."""
        key = (kind, data, shape)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.kinds)
            self.kinds.append(kind)
            self.data.append(data)
            self.shapes.append(shape)
        return found

    def atom(self, shape: Shape | None) -> int:
        """A value of which nothing is known but its shape."""
        return self.node(ATOM, len(self.kinds), shape)

    def variable(self, name: Symbol) -> int:
        """A name of a pattern, that stands for any value."""
        return self.node(VARIABLE, name, None)

    def number(self, value: float) -> int:
        """The node of a number."""
        return self.node(NUMBER, self.constant(value), SCALAR)

    def constant(self, value: float) -> float:
        """A number; one that differs from a known one by rounding alone is that one."""
        if not math.isfinite(value):
            raise OpaqueError
        whole = round(value)
        if abs(value - whole) <= 1e-15 * abs(whole):
            return float(whole)
        return self._constants.setdefault(f"{value:.14e}", float(value))

    def linear(self, node: int) -> tuple[Terms, float]:
        """The node as a sum: its terms with their coefficients, and the number beside them."""
        if self.kinds[node] == SUM:
            terms, number = self.data[node]
            return dict(terms), number
        return ({}, self.data[node]) if self.kinds[node] == NUMBER else ({node: 1.0}, 0.0)

    def monomial(self, node: int) -> tuple[float, Terms]:
        """The node as a product: a number, and factors with their exponents."""
        if self.kinds[node] == NUMBER:
            return self.data[node], {}
        if self.kinds[node] == SUM:
            terms, number = self.data[node]
            if number or len(terms) > 1:
                return 1.0, {node: 1.0}
            ((node, coefficient),) = terms
            return coefficient, (dict(self.data[node]) if self.kinds[node] == PRODUCT else {node: 1.0})
        return 1.0, (dict(self.data[node]) if self.kinds[node] == PRODUCT else {node: 1.0})

    # arithmetic

    def add(self, parts: Iterable[tuple[float, int]]) -> int:
        """The sum of multiples of nodes."""
        parts = list(parts)
        terms: Terms = {}
        number = 0.0
        for factor, node in parts:
            inside, beside = self.linear(node)
            number += factor * beside
            for term, coefficient in inside.items():
                terms[term] = terms.get(term, 0.0) + factor * coefficient
        return self.sum_of(terms, number, self.broadcast(node for _, node in parts))

    def sum_of(self, terms: Terms, number: float, shape: Shape | None) -> int:
        """The sum with these terms."""
        kept = tuple(sorted((term, self.constant(c)) for term, c in map(self.as_mean, *zip(*terms.items(), strict=True)) if c)) if terms else ()
        if len(kept) > WIDEST:
            raise OpaqueError
        if not kept:
            made = self.number(number)
        elif len(kept) == 1 and kept[0][1] == 1 and not number:
            made = kept[0][0]
        else:
            made = self.node(SUM, (kept, self.constant(number)), self.broadcast(term for term, _ in kept))
        return self.same_shape(made, shape)

    def as_mean(self, term: int, factor: float) -> tuple[int, float]:
        """A sum over n entries that is shared out by n is their mean."""
        if factor == int(factor) or not self.is_call(term, "sum"):
            return term, factor
        _, (x,), (axis,) = self.data[term]
        rows, columns = self.shapes[x] or ("", "")
        size = {-1: (rows, columns), 0: (rows, 1), 1: (columns, 1)}[int(axis)]
        if not (isinstance(size[0], int) and isinstance(size[1], int)):
            return term, factor
        return self.node(FUNCTION, ("mean", (x,), (axis,)), self.shapes[term]), factor * size[0] * size[1]

    def scaled(self, factor: float, node: int) -> int:
        """A multiple of a node."""
        return node if factor == 1 else self.add([(factor, node)])

    def multiply(self, parts: Iterable[tuple[int, float]]) -> int:
        """The product of powers of nodes. Exponentials become one: exp(a) exp(b) is exp(a + b)."""
        parts = list(parts)
        number, factors = 1.0, Terms()
        exponents: list[tuple[float, int]] = []
        for node, exponent in parts:
            coefficient, inside = self.monomial(self.power(node, exponent))
            number *= coefficient
            for base, e in inside.items():
                if self.is_call(base, "exp"):
                    exponents.append((e, self.data[base][1][0]))
                else:
                    factors[base] = factors.get(base, 0.0) + e
        if exponents:
            whole = self.function("exp", (self.add(exponents),), (), self.broadcast(node for _, node in exponents))
            if self.kinds[whole] == NUMBER:
                number *= self.data[whole]
            else:
                factors[whole] = 1.0
        return self.product_of(number, factors, self.broadcast(node for node, _ in parts))

    def product_of(self, number: float, factors: Terms, shape: Shape | None) -> int:
        """The product with these factors."""
        kept = tuple(sorted((base, self.constant(e)) for base, e in factors.items() if e))
        if len(kept) > WIDEST:
            raise OpaqueError
        if not kept:
            return self.same_shape(self.number(number), shape)
        made = kept[0][0] if len(kept) == 1 and kept[0][1] == 1 else self.node(PRODUCT, kept, self.broadcast(base for base, _ in kept))
        return self.same_shape(self.scaled(number, made), shape)

    def power(self, node: int, exponent: float) -> int:
        """A node to the power of a number; what this could make larger than its domain stays as it is."""
        if exponent == 1:
            return node
        number, factors = self.monomial(node)
        whole = exponent == int(exponent)
        try:
            if not factors:
                return self.number(_raised(number, exponent))
            if len(factors) == 1:
                ((base, inner),) = factors.items()
                if self.is_call(base, "abs") and inner == 1 and exponent % 2 == 0:
                    return self.product_of(_raised(number, exponent), {self.data[base][1][0]: exponent}, self.shapes[node])
                if self.is_call(base, "exp") and number > 0:
                    inside = self.scaled(inner * exponent, self.data[base][1][0])
                    return self.scaled(_raised(number, exponent), self.function("exp", (inside,), (), self.shapes[base]))
            if whole and all(e == int(e) or e * exponent != int(e * exponent) for e in factors.values()):
                parts = {base: e * exponent for base, e in factors.items()}
                if len(parts) == 1 and self.kinds[base := next(iter(factors))] == SUM:
                    number, base = self.primitive(base, number, whole)
                    parts = {base: next(iter(parts.values()))}
                return self.product_of(_raised(number, exponent), parts, self.shapes[node])
            if number > 0:
                inside = self.product_of(1.0, factors, self.shapes[node])
                if self.kinds[inside] == SUM:
                    number, inside = self.primitive(inside, number, whole)
                return self.product_of(_raised(number, exponent), {inside: exponent}, self.shapes[node])
        except (OverflowError, ZeroDivisionError, ValueError):
            raise OpaqueError from None
        return self.node(PRODUCT, ((node, self.constant(exponent)),), self.shapes[node])

    def primitive(self, node: int, number: float, signed: bool) -> tuple[float, int]:
        """A sum that is raised to a power, without the factor that its terms share: (2 + 2x)² is 4 (1 + x)²."""
        terms, beside = self.data[node]
        squares = (c for term, c in terms if self.kinds[term] == PRODUCT and all(e % 2 == 0 for _, e in self.data[term]))
        first = next(squares, terms[0][1])
        shared = first if signed else abs(first)
        return number * shared, self.sum_of({term: c / shared for term, c in terms}, beside / shared, self.shapes[node])

    # functions

    def function(self, name: str, args: Sequence[int], options: tuple[Expr, ...], shape: Shape | None) -> int:
        """An operator on nodes: signs and numbers come out of it where that is exact."""
        args = tuple(args)
        if name in _TURNED:
            name, args = _TURNED[name], args[::-1]
        if len(args) == 1:
            (x,) = args
            number, factors = self.monomial(x)
            if not factors:
                made = _evaluated(name, number)
                if made is not None:
                    return self.number(made)
            elif name in _LINEAR and number != 1:
                return self.scaled(number, self.function(name, (self.scaled(1 / number, x),), options, shape))
            elif number == -1 and name in _EVEN:
                return self.function(name, (self.scaled(-1.0, x),), options, shape)
            elif number == -1 and name in _ODD:
                return self.scaled(-1.0, self.function(name, (self.scaled(-1.0, x),), options, shape))
        elif name in _LARGEST and 0.0 in (self.data[args[0]], self.data[args[1]]):
            outside = self.positive_factor(name, args, shape)
            if outside is not None:
                return outside
        if options and args and self.shapes[args[0]] is not None:
            options = self.axis(name, options, args[0])
            if name == "sum" and shape == SCALAR and self.is_call(args[0], "sum"):
                return self.function("sum", self.data[args[0]][1], (NONE,), shape)
            if name in _SELECTING and self.shapes[args[0]] == shape:
                return args[0]
        return self.node(FUNCTION, (name, args, options), shape)

    def positive_factor(self, name: str, args: tuple[int, ...], shape: Shape | None) -> int | None:
        """max(2 x, 0) is 2 max(x, 0)."""
        numbers = [self.monomial(arg)[0] if self.kinds[arg] != NUMBER else 1.0 for arg in args]
        number = numbers[0] * numbers[1]
        if [self.kinds[arg] for arg in args].count(NUMBER) != 1 or number <= 0 or number == 1:
            return None
        return self.scaled(number, self.function(name, [self.scaled(1 / number, arg) for arg in args], (), shape))

    def axis(self, name: str, options: tuple[Expr, ...], x: int) -> tuple[Expr, ...]:
        """The options, the axis of a row's only direction said as such."""
        *others, axis = options
        rows, columns = self.shapes[x] or SCALAR
        if axis == NONE and "axis" in OPERATORS[name].options:
            axis = Integer(1) if rows == 1 else Integer(0) if columns == 1 else axis
        return (*others, axis)

    def is_call(self, node: int, name: str) -> bool:
        """Whether a node is an operator of that name."""
        return self.kinds[node] == FUNCTION and self.data[node][0] == name

    # shapes

    def broadcast(self, nodes: Iterable[int]) -> Shape | None:
        """The shape of an elementwise operator on these nodes."""
        rows, columns = 1, 1
        for node in nodes:
            shape = self.shapes[node]
            if shape is None:
                return None
            rows = shape[0] if rows == 1 else rows  # type: ignore[assignment]
            columns = shape[1] if columns == 1 else columns  # type: ignore[assignment]
        return rows, columns

    def same_shape(self, node: int, shape: Shape | None) -> int:
        """The node, if what was cancelled has not taken its shape away: x - x is no scalar."""
        if shape is not None and self.shapes[node] != shape:
            raise OpaqueError
        return node

    # from operators

    def of_operator(self, value: Operation, here: Operator, args: Sequence[int], shape: Shape | None) -> int:
        """The node of an operator on nodes."""
        build = _BUILD.get(here.name)
        try:
            made = build(self, args) if build else None
            if made is None:
                made = self.function(here.name, args, value.args[len(args) :], shape)
            return self.same_shape(made, shape)
        except (OpaqueError, OverflowError):
            return self.node(FUNCTION, (here.name, tuple(args), value.args[len(args) :]), shape)

    def of_atom(self, value: Expr) -> int:
        """The node of a number."""
        return self.number(math.pi if value is pi else float(value))


def _raised(number: float, exponent: float) -> float:
    found = number**exponent
    if isinstance(found, complex) or not math.isfinite(found) or not found:
        raise OpaqueError
    return float(found)


_OF_NUMBERS: Mapping[str, Callable[[float], float]] = {"exp": math.exp, "log": math.log, "abs": abs, "sin": math.sin, "cos": math.cos, "tanh": math.tanh}


def _evaluated(name: str, number: float) -> float | None:
    """A function of a number, where it is one."""
    try:
        return _OF_NUMBERS[name](number)
    except (KeyError, ValueError, OverflowError):
        return None


def _power(forms: Forms, args: Sequence[int]) -> int | None:
    base, exponent = args
    return forms.power(base, forms.data[exponent]) if forms.kinds[exponent] == NUMBER else None


def _matmul(forms: Forms, args: Sequence[int]) -> int | None:
    """Numbers come out of a product; x xᵀ of a row is the sum of its squares."""
    number = forms.monomial(args[0])[0] * forms.monomial(args[1])[0]
    if number not in (0, 1) and not any(forms.kinds[arg] == NUMBER for arg in args):
        args = [forms.scaled(1 / forms.monomial(arg)[0], arg) for arg in args]
        inside = _matmul(forms, args)
        left, right = forms.shapes[args[0]], forms.shapes[args[1]]
        shape = None if left is None or right is None else (left[0], right[1])
        return forms.scaled(number, forms.function("matmul", args, (), shape) if inside is None else inside)
    shape = forms.shapes[args[0]]
    other = _with_itself(forms, args)
    return None if other is None or shape is None or shape[0] != 1 else forms.function("sum", (forms.power(other, 2.0),), (NONE,), SCALAR)


def _with_itself(forms: Forms, args: Sequence[int]) -> int | None:
    """x, of the product x xᵀ or xᵀ x."""
    for one, other in (args, args[::-1]):
        if forms.is_call(other, "transpose") and forms.data[other][1] == (one,):
            return one
    return None


def _trace(forms: Forms, args: Sequence[int]) -> int | None:
    """tr(x xᵀ) is the sum of all squares; the trace of a scalar is itself."""
    if forms.shapes[args[0]] == SCALAR:
        return args[0]
    other = _with_itself(forms, forms.data[args[0]][1]) if forms.is_call(args[0], "matmul") else None
    return None if other is None else forms.function("sum", (forms.power(other, 2.0),), (NONE,), SCALAR)


_BUILD: Mapping[str, Callable[[Forms, Sequence[int]], int | None]] = {
    "plus": lambda forms, args: forms.add((1.0, arg) for arg in args),
    "minus": lambda forms, args: forms.add([(1.0, args[0]), (-1.0, args[1])]),
    "neg": lambda forms, args: forms.scaled(-1.0, args[0]),
    "times": lambda forms, args: forms.multiply((arg, 1.0) for arg in args),
    "scale": lambda forms, args: forms.multiply((arg, 1.0) for arg in args),
    "divide": lambda forms, args: forms.multiply([(args[0], 1.0), (args[1], -1.0)]),
    "power": _power,
    "sqrt": lambda forms, args: forms.power(args[0], 0.5),
    "log2": lambda forms, args: forms.scaled(1 / math.log(2), forms.function("log", args, (), forms.shapes[args[0]])),
    "log10": lambda forms, args: forms.scaled(1 / math.log(10), forms.function("log", args, (), forms.shapes[args[0]])),
    "matmul": _matmul,
    "trace": _trace,
}
