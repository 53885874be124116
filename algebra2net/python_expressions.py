"""Python's expressions → values of the tree.

In    an expression of Python's own tree
Out   what it means: a value, or what only makes sense as a part of one: a library's function, a list, a shape
Idea  children are read first, by a stack of our own, so that no depth of the code is a depth of ours; what a name
      stands for and what a call computes are asked of whoever knows (`meaning_of`, `called`)
"""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from algebra2net.errors import NotationError, Span, nearest
from algebra2net.notation import Call, Name, Number, Value
from algebra2net.python_text import short
from algebra2net.python_values import Values


@dataclass(frozen=True, slots=True)
class Path:
    """Something of a library: `numpy.linalg.inv`."""

    path: str

    @property
    def word(self) -> str:
        """Its last word: `inv`."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Function:
    """What is called without a library: a function by its bare name, or a method of `owner`."""

    word: str
    owner: Value | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`, `(a, b)`: no value by itself."""

    items: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """`x.shape`."""

    of: Value


@dataclass(frozen=True, slots=True)
class Literal:
    """What is neither a value nor a function: a text, True, None, `:`, the name of a type."""

    value: object


Meaning = Value | Path | Function | Items | Shape | Literal
Argument = tuple[Meaning, ast.expr]
NONE = Literal(None)
_ALL = Literal(slice(None))

_SIGNS = {ast.Add: ("plus", "+"), ast.Sub: ("minus", "-"), ast.Mult: ("times", "*"), ast.MatMult: ("product", "@"), ast.Div: ("divide", "/"), ast.Pow: ("power", "**")}
_COMPARISONS = {ast.Lt: ("lt", "<"), ast.LtE: ("le", "<="), ast.Gt: ("gt", ">"), ast.GtE: ("ge", ">="), ast.Eq: ("eq", "=="), ast.NotEq: ("ne", "!=")}
CONDITIONS = {name for name, _ in _COMPARISONS.values()}
_REFUSED_SIGNS: Mapping[type[ast.operator], tuple[str, str, str]] = {
    ast.BitXor: ("^", "^ is no power in Python", "a power is written x**2"), ast.Mod: ("%", "remainders are not part of the notation", "x - d * np.floor(x / d)"),
    ast.FloorDiv: ("//", "// is not part of the notation", "np.floor(x / d)"),
    ast.LShift: ("<<", "<< is not part of the notation", "x * 2**n"), ast.RShift: (">>", ">> is not part of the notation", "x / 2**n"),
}  # fmt: skip
_COMPREHENSION = ("a comprehension is a loop, and loops are not read", "write out each value; sums are np.sum(x, axis=1)")
_YIELD = ("yield is no part of a forward pass", "return the value")
_REFUSED: Mapping[type[ast.expr], tuple[str, str]] = {
    ast.ListComp: _COMPREHENSION, ast.SetComp: _COMPREHENSION, ast.DictComp: _COMPREHENSION, ast.GeneratorExp: _COMPREHENSION, ast.Yield: _YIELD, ast.YieldFrom: _YIELD,
    ast.Lambda: ("a function inside an expression is not read", "give it a name: f = lambda x: x * 2"), ast.JoinedStr: ("a text is no value", "leave it out"),
    ast.NamedExpr: ("this names a value inside another", "give it a line of its own: h = x @ W"), ast.Dict: ("a dictionary is no value", "give each value a name of its own"),
    ast.Set: ("a set is no value", "a value is a number or a matrix"), ast.Starred: ("a star stands for any number of values", "write each value"),
    ast.Await: ("await is no part of a forward pass", "leave it out"),
}  # fmt: skip


class Expressions(Values, ABC):
    """Reads the expressions of one program."""

    @abstractmethod
    def symbol_of(self, node: ast.AST) -> str | None:
        """The symbol that `W`, `self.W`, `params["W"]` is, if it is one."""

    @abstractmethod
    def meaning_of(self, symbol: str, node: ast.expr, role: str) -> Meaning:
        """What a symbol stands for; `role` is `()` where it is called, `.T` where its T is asked for."""

    @abstractmethod
    def called(self, node: ast.Call, function: Path | Function, placed: list[Argument], worded: dict[str, Argument]) -> Meaning:
        """What a call computes, its arguments given by place and by word."""

    @abstractmethod
    def constant(self, path: Path, node: ast.expr) -> Value:
        """A library's constant, `np.pi`."""

    def read(self, root: ast.expr) -> Meaning:
        """What an expression means."""
        waiting: list[tuple[ast.expr, str, int]] = [(root, "", -1)]
        read: list[Meaning] = []
        while waiting:
            node, role, count = waiting.pop()
            if count < 0:
                parts = self._parts(node)
                waiting.append((node, role, len(parts)))
                waiting.extend((part, part_role, -1) for part, part_role in reversed(parts))
            else:
                start = len(read) - count
                read[start:] = [self._meaning(node, role, read[start:])]
        return read[0]

    def value(self, meaning: Meaning, node: ast.expr) -> Value:
        """`meaning` where a value is needed."""
        if isinstance(meaning, Number | Name | Call):
            return meaning
        if isinstance(meaning, Path):
            return self.constant(meaning, node)
        shown, span = self.text.shown(node), self.text.span(node)
        match meaning:
            case Function():
                raise NotationError(f"{shown} is a function", span, f"call it: {shown}(x)")
            case Shape():
                raise NotationError(f"{shown} is a pair of sizes", span, f"{shown}[0] counts the rows, {shown}[1] the columns")
            case Items():
                raise NotationError("a list is no value here", span, "np.concatenate([a, b], axis=1) puts blocks side by side, np.array([[1, 2], [3, 4]]) is a matrix of numbers")
        raise NotationError(f"{shown} is no value here", span, "write 1 or 0" if isinstance(meaning.value, bool) else "a value is a number or a matrix")

    def values_in(self, meaning: Meaning, node: ast.expr) -> list[Value]:
        """The values in a list."""
        return [self.value(*item) for item in items_in(meaning, node)] if isinstance(meaning, Items) else [self.value(meaning, node)]

    # children first

    def _parts(self, node: ast.expr) -> list[tuple[ast.expr, str]]:
        """The expressions that `node` is made of, with the role that each has in it."""
        if self.symbol_of(node) is not None:
            return []
        match node:
            case ast.Constant():
                return []
            case ast.Attribute(value=value, attr=attribute):
                return [(value, "." + attribute)]
            case ast.Call(func=function, args=arguments, keywords=words):
                self._refuse_stars(node)
                return [(function, "()"), *((argument, "") for argument in arguments), *((word.value, "") for word in words)]
            case ast.BinOp(left=left, right=right):
                return [(left, ""), (right, "")]
            case ast.UnaryOp(operand=operand):
                return [(operand, "")]
            case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
                return [(value, "") for value in values]
            case ast.Compare(left=left, comparators=[right]):
                return [(left, ""), (right, "")]
            case ast.Compare():
                raise NotationError("two comparisons in one", self.text.span(node), "compare two values at a time: (a < b) * (b < c)")
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return [(test, ""), (body, ""), (otherwise, "")]
            case ast.Subscript(value=value, slice=place):
                return [(value, ""), (place, "")]
            case ast.Slice(lower=lower, upper=upper, step=step):
                return [(part, "") for part in (lower, upper, step) if part is not None]
        message, hint = _REFUSED.get(type(node), ("this is no value", "write an expression of numbers, names and functions"))
        raise NotationError(message, self.text.span(node), hint)

    def _refuse_stars(self, node: ast.Call) -> None:
        for argument in (*node.args, *node.keywords):
            if isinstance(argument, ast.Starred) or (isinstance(argument, ast.keyword) and argument.arg is None):
                raise NotationError("an argument with a star stands for any number of values", self.text.span(argument), "write each argument")

    def _meaning(self, node: ast.expr, role: str, parts: list[Meaning]) -> Meaning:
        """What `node` means, from what its parts mean."""
        symbol = self.symbol_of(node)
        if symbol is not None:
            return self.meaning_of(symbol, node, role)
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Attribute():
                return self._attribute(node, role, parts[0])
            case ast.Call():
                return self._call(node, parts)
            case ast.BinOp():
                return self._binary(node, self.value(parts[0], node.left), self.value(parts[1], node.right))
            case ast.UnaryOp():
                return self._unary(node, self.value(parts[0], node.operand))
            case ast.BoolOp(values=values):
                return self._both(node, [self.value(part, value) for part, value in zip(parts, values, strict=True)])
            case ast.Compare():
                return self._comparison(node, parts)
            case ast.IfExp():
                return self._choice(node, parts)
            case ast.Subscript():
                return self._subscript(node, *parts)
            case ast.Slice():
                return Literal("a:b") if parts else _ALL
        return Items(tuple(parts))

    def _literal(self, node: ast.Constant) -> Meaning:
        span = self.text.span(node)
        if isinstance(node.value, complex):
            raise NotationError("complex numbers are not part of the notation", span, "write the real and the imaginary part as values of their own")
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return Literal(node.value)
        text = span.text.replace("_", "")
        return Number(text if re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) else repr(node.value), span)

    def _attribute(self, node: ast.Attribute, role: str, of: Meaning) -> Meaning:
        span, word = self.text.span(node), node.attr
        end = Span(span.source, span.stop - len(word), span.stop)
        match of:
            case Path(path=path):
                return NONE if word == "newaxis" else Path(f"{path}.{word}")
            case Number() | Name() | Call() if role == "()":
                return Function(word, of)
            case Number() | Name() | Call() if word in ("T", "mT"):
                return self.transpose(of, span, end)
            case Number() | Name() | Call() if word == "shape":
                return Shape(of)
            case Number() | Name() | Call() if word == "size":
                return self.make("size", [of], span, lies="scalar")
            case Literal() | Function():
                raise NotationError(f"{self.text.shown(node.value)} is no value", self.text.span(node.value), "write what follows the point without it")
        hint = nearest(word, ["T", "shape", "size"]) or "of a value one may write .T, .shape[0], .size and call .dot, .sum, .mean …"
        raise NotationError(f"there is no .{word} of a value", end, hint)

    def _call(self, node: ast.Call, parts: list[Meaning]) -> Meaning:
        function, *rest = parts
        if not isinstance(function, Path | Function):
            raise self.no_call(node.func)
        placed = list(zip(rest, node.args, strict=False))
        worded = {word.arg or "": (part, word.value) for part, word in zip(rest[len(placed) :], node.keywords, strict=True)}
        return self.called(node, function, placed, worded)

    def no_call(self, node: ast.expr) -> NotationError:
        """What is to be said of a value that is called."""
        return NotationError(f"{self.text.shown(node)} is a value, not a function", self.text.span(node), "a product is written x @ W of matrices, x * y entry by entry")

    # signs

    def _binary(self, node: ast.BinOp, left: Value, right: Value) -> Value:
        span = self.text.span(node)
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            return self._both(node, [left, right])
        if type(node.op) in _REFUSED_SIGNS:
            sign, message, hint = _REFUSED_SIGNS[type(node.op)]
            raise NotationError(message, self.text.between(node.left, node.right, sign), hint)
        function, sign = _SIGNS[type(node.op)]
        at = self.text.between(node.left, node.right, sign)
        if function == "product":
            return self.product(left, right, span, at)
        return self._power(left, right, span, at) if function == "power" else self.entrywise(function, (left, right), span, at)

    def _power(self, base: Value, exponent: Value, span: Span, sign: Span | None) -> Value:
        """A power of each entry, of -1 too: the notation's x^-1 is the inverse matrix."""
        if isinstance(base, Call) and base.function == "exp" and base.sign is None:  # np.e
            return self.entrywise("exp", [exponent], span, sign)
        turned = exponent.arguments[0] if isinstance(exponent, Call) and exponent.function == "neg" else None
        if not isinstance(turned, Number) or not float(turned.text).is_integer():
            return self.entrywise("power", (base, exponent), span, sign)
        if float(turned.text) == 1:
            return self.entrywise("reciprocal", [base], span, sign)
        return self.entrywise("divide", (Number("1", span), self.entrywise("power", (base, turned), span, sign)), span, sign)

    def _unary(self, node: ast.UnaryOp, value: Value) -> Value:
        span = self.text.span(node)
        if isinstance(node.op, ast.UAdd):
            return value
        if isinstance(node.op, ast.USub):
            return self.entrywise("neg", [value], span, Span(span.source, span.start, span.start + 1))
        if not self.is_condition(value):
            raise NotationError(f"{short(span.text)} turns what is True or False alone", span, "a minus turns a number, ~(x > 0) a comparison")
        return self.condition(self.entrywise("minus", (Number("1", span), value), span))

    def _both(self, node: ast.BoolOp | ast.BinOp, values: Sequence[Value]) -> Value:
        """Conditions that all hold, or one of which does."""
        span = self.text.span(node)
        if not all(self.is_condition(value) for value in values):
            raise NotationError(f"{short(span.text)} joins what is True or False alone", span, "join comparisons, in parentheses: (x > 0) & (x < 1)")
        joined, *rest = values
        for value in rest:
            joined = self.condition(self.entrywise("times" if isinstance(node.op, ast.And | ast.BitAnd) else "maximum", (joined, value), span))
        return joined

    def _comparison(self, node: ast.Compare, parts: list[Meaning]) -> Value:
        span = self.text.span(node)
        if type(node.ops[0]) not in _COMPARISONS:
            raise NotationError("is and in ask for what only a running program knows", span, "compare values: x == y, x > 0")
        function, sign = _COMPARISONS[type(node.ops[0])]
        right = node.comparators[0]
        values = self.value(parts[0], node.left), self.value(parts[1], right)
        return self.condition(self.entrywise(function, values, span, self.text.between(node.left, right, sign)))

    def _choice(self, node: ast.IfExp, parts: list[Meaning]) -> Value:
        test, body, otherwise = (self.value(part, child) for part, child in zip(parts, (node.test, node.body, node.orelse), strict=True))
        if not self.is_condition(test):
            raise NotationError("which of the two it is, only a running program knows", self.text.span(node.test), "write the one that is meant, or compare: np.where(x > 0, x, 0)")
        return self.entrywise("where", (test, body, otherwise), self.text.span(node))

    # brackets

    def _subscript(self, node: ast.Subscript, of: Meaning, place: Meaning) -> Meaning:
        """`x.shape[0]`, `v[:, None]`, `np.c_[a, b]`; no entries and no slices."""
        span = self.text.span(node)
        if isinstance(of, Path) and of.word == "c_":
            return self.joined([self.laid(value, "column") for value in self.values_in(place, node.slice)], "concat", span)
        if isinstance(of, Shape):
            return self.size(of.of, whole(place), span)
        if isinstance(of, Items) and (count := whole(place)) is not None and -len(of.items) <= count < len(of.items):
            return of.items[count]
        if isinstance(of, Number | Name | Call):
            return self._part(node, of, place.items if isinstance(place, Items) else (place,))
        raise _no_entries(span)

    def _part(self, node: ast.Subscript, of: Value, places: tuple[Meaning, ...]) -> Value:
        """`x[:, :]` is x; a vector of NumPy's may become a row or a column."""
        if len(places) < 3 and all(place in (_ALL, Literal(...)) for place in places):
            return of
        if self.is_vector(of) and places in ((_ALL, NONE), (NONE, _ALL), (NONE,)):
            return self.laid_out(of, "column" if places[0] == _ALL else "row")
        if NONE in places:
            shown = self.text.shown(node.value)
            raise NotationError("every value is a matrix already", self.text.span(node), f"write {shown}, or {shown}.T where a column is a row")
        raise _no_entries(self.text.span(node))


def _no_entries(span: Span) -> NotationError:
    return NotationError("entries and slices are not part of the notation yet", span, "give the part that you need a name of its own: it is an input")


def items_in(items: Items, node: ast.expr) -> list[Argument]:
    """The items of a list, each with the place where it stands."""
    nodes = node.elts if isinstance(node, ast.Tuple | ast.List) and len(node.elts) == len(items.items) else [node] * len(items.items)
    return list(zip(items.items, nodes, strict=True))


def whole(meaning: Meaning) -> int | None:
    """A whole number, as it is written."""
    is_turned = isinstance(meaning, Call) and meaning.function == "neg"
    number = meaning.arguments[0] if isinstance(meaning, Call) and is_turned else meaning
    if not isinstance(number, Number) or not number.text.isdecimal():
        return None
    return -int(number.text) if is_turned else int(number.text)
