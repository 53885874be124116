"""The tree that every reader gives: what was typed, freed of its punctuation.

In    (nothing: these are records)
Out   values (`Number`, `Name`, `Call`) and statements (`Equation`, `Definition`, `Declaration`), each with its span
Idea  an operator sign, a function, a norm's bars are all a `Call` of an operator's name, so that a second notation
      needs a reader and nothing else

Trees may be as deep as the text is long: nothing here recurses, nor may what walks them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from algebra2net.errors import Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number:
    """A number as typed: `0.5`, `1e-3`."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name:
    """A symbol by its key (names.py: one for all its spellings)."""

    key: str
    span: Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call:
    """An operator on values: `relu(x)` and `a + b` alike. `function` is the operator's name, or the key of the user's own.

    A trailing prime in `function` (`relu'`) is the function's derivative.
    """

    function: str
    arguments: tuple[Value, ...]
    span: Span
    options: tuple[tuple[str, Value], ...] = ()
    sign: Span | None = field(default=None)  # where the operator itself stands


Value = Number | Name | Call


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Equation:
    """`a2 = ŷ = softmax(z2)`: every name names the value. A bare expression has the one name `out`."""

    names: tuple[Name, ...]
    value: Value
    span: Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Definition:
    """`swish(x) = x * sigmoid(x)`."""

    name: Name
    parameters: tuple[Name, ...]
    body: Value
    span: Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Declaration:
    """`W0 ∈ R^(3×4)`: two sizes; `x: n`: one, whichever way the vector lies; `λ ∈ R`: none, a scalar."""

    name: Name
    sizes: tuple[int | str, ...]
    span: Span


Statement = Equation | Definition | Declaration
