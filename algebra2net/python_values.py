"""Nodes of the tree for NumPy's values, and how those of them lie that are vectors there.

In    the name of an operator and its arguments
Out   a `Call`, and what is known of it: how large it is, whether NumPy has a vector, a number or a condition there
Idea  every value of the notation is a matrix. NumPy drops a dimension where it reduces without `keepdims`, and puts
      vectors beside each other by rules of its own; here such a vector is a row or a column that remembers it, and is
      turned where NumPy's rule asks for it

One of NumPy's rules is bent: a vector beside a matrix is a row there. Here `x / x.sum(axis=1)` divides each row by its
sum, as if `keepdims=True` stood there: NumPy has no other meaning for it, unless x is square. The rule holds again
beside what `[:, None]` has laid out: in `a.sum(axis=1)[:, None] + b.sum(axis=1)`, the second is a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from algebra2net.errors import NotationError, Span
from algebra2net.notation import Call, Name, Number, Value
from algebra2net.python_text import Text

Options = tuple[tuple[str, Value], ...]
VECTORS = ("row", "column")  # how a vector of NumPy's lies
_LAID_OUT = "laid out"  # two dimensions, given by [:, None] or reshape


@dataclass(slots=True)
class _Fact:
    """What is known of a node besides what it says."""

    node: Value
    weight: int  # how many nodes it has, opened
    lies: str = ""  # "row", "column", "scalar", "laid out"; "" for a matrix, or where nobody knows
    is_condition: bool = False  # NumPy has True and False there


class Values:
    """Makes the nodes of one program."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.facts: dict[int, _Fact] = {}  # by the node's identity; a fact keeps its node
        self.lies: dict[str, str] = {}  # of named values
        self.most = 0  # nodes that a value may have; 0 for any number

    def make(self, function: str, arguments: Sequence[Value], span: Span, sign: Span | None = None, options: Options = (), lies: str = "") -> Call:
        """A call that lies as said."""
        call = Call(function, tuple(arguments), span, options, sign)
        weight = 1 + sum(self.facts[id(a)].weight if id(a) in self.facts else 1 for a in arguments)
        if self.most and weight > self.most:
            raise NotationError("this function opens into too much", span, "write its lines out, as statements of the program")
        self.facts[id(call)] = _Fact(call, weight, lies)
        return call

    def entrywise(self, function: str, arguments: Sequence[Value], span: Span, sign: Span | None = None, options: Options = ()) -> Call:
        """An operator on entries; vectors among its operands are laid alike."""
        lying = [self.lying(a) for a in arguments]
        is_laid_out = _LAID_OUT in lying
        way = "row" if is_laid_out else next((way for way in lying if way in VECTORS), "scalar")
        if is_laid_out or len({*lying} & {*VECTORS}) > 1:
            arguments = [self.laid(a, way) for a in arguments]
        return self.make(function, arguments, span, sign, options, _LAID_OUT if is_laid_out else way if all(lying) else "")

    def product(self, left: Value, right: Value, span: Span, sign: Span | None = None) -> Call:
        """The matrix product; a vector on its left is a row, on its right a column."""
        lies = tuple(lies if lies != _LAID_OUT else "" for lies in (self.lying(left), self.lying(right)))
        if "scalar" in lies:
            return self.make("product", (left, right), span, sign, lies=lies[0] if lies[1] == "scalar" else lies[1])
        way = "scalar" if all(lies) else "row" if lies[0] else "column" if lies[1] else ""
        return self.make("product", (self.laid(left, "row"), self.laid(right, "column")), span, sign, lies=way)

    def transpose(self, value: Value, span: Span, sign: Span | None = None) -> Value:
        """The transpose; a vector of NumPy's is its own."""
        return value if self.is_vector(value) else self.make("transpose", [value], span, sign, lies=self.lying(value) if self.is_flat(value) else "")

    def joined(self, blocks: Sequence[Value], function: str, span: Span, sign: Span | None = None) -> Value:
        """Blocks side by side (`concat`) or on top of each other (`stack`)."""
        if not blocks:
            raise NotationError("there are no blocks here", span, "np.concatenate([a, b], axis=1)")
        return self.make(function, blocks, span, sign) if len(blocks) > 1 else blocks[0]

    def size(self, of: Value, axis: int | None, span: Span) -> Call:
        """How many rows or columns a value has; of a vector of NumPy's, how many entries."""
        if axis is None or not -2 <= axis < 2:
            raise NotationError("a matrix has two sizes", span, "x.shape[0] counts the rows, x.shape[1] the columns")
        options: Options = () if self.is_vector(of) else (("axis", Number(str(axis % 2), span)),)
        return self.make("size", [of], span, None, options, "scalar")

    # how a value lies

    def lying(self, value: Value) -> str:
        """How a value lies where NumPy has a vector (`row`, `column`) or a number (`scalar`), or a matrix that was laid out."""
        if isinstance(value, Number):
            return "scalar"
        if id(value) in self.facts:
            return self.facts[id(value)].lies
        return self.lies.get(value.key, "") if isinstance(value, Name) else ""

    def is_vector(self, value: Value) -> bool:
        """Whether NumPy is known to have a vector there."""
        return self.lying(value) in VECTORS

    def is_flat(self, value: Value) -> bool:
        """Whether NumPy is known to have a vector or a number there."""
        return self.lying(value) in (*VECTORS, "scalar")

    def laid(self, value: Value, way: str) -> Value:
        """A vector of NumPy's as a row or as a column; what is none stays."""
        return self.make("transpose", [value], value.span, lies=way) if self.is_vector(value) and self.lying(value) != way else value

    def laid_out(self, value: Value, way: str) -> Value:
        """A vector of NumPy's as a row or as a column that has two dimensions from now on."""
        value = self.laid(value, way)
        if isinstance(value, Call):
            return self.make(value.function, value.arguments, value.span, value.sign, value.options, _LAID_OUT)
        made = replace(value)
        self.facts[id(made)] = _Fact(made, 1, _LAID_OUT)
        return made

    # True and False, which are 1 and 0 here

    def condition(self, call: Call) -> Call:
        """`call`, marked as a condition."""
        self.facts[id(call)].is_condition = True
        return call

    def is_condition(self, value: Value) -> bool:
        """Whether NumPy has True and False there."""
        return id(value) in self.facts and self.facts[id(value)].is_condition
