"""What a term comes to at one point, in extended precision.

In    arrays by name, and terms
Out   for each term its array, or why its shapes cannot be
Idea  each operator is a small program of its own, compiled by the rooms that compile networks, so that a claim and the
      truth are computed by the same functions; every node is computed once, so that a claim with one node changed costs
      the way from there to the root

Extended precision is NumPy's longdouble: 64 bits of mantissa on x86, at least those of a float64 everywhere. What
NumPy's linear algebra does not know for it (an inverse, a determinant) is computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from sympy import Expr, Integer, pi

from algebra2net.errors import AlgebraError, NotationError
from algebra2net.expand import expand
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operator, operation
from algebra2net.program import Equation, Program, operands, symbol
from algebra2net.run import load
from algebra2net.shapes import Known, with_shapes
from algebra2net.targets.numpy import module
from algebra2net.verify.terms import NAME, NUMBER, Term

EXTENDED = np.longdouble
Array = np.ndarray[Any, np.dtype[Any]]
_PI = EXTENDED("3.14159265358979323846264338327950288")
Size = tuple[int, int]


@dataclass(frozen=True)
class Misfit:
    """Operands that do not fit: at which node, and their shapes."""

    node: Term
    shapes: tuple[Size, ...]


class Values:
    """The values of terms at one point. `names` are its arrays, `sizes` what the symbolic dimensions are there."""

    def __init__(
        self, names: dict[str, Array], sizes: Mapping[str, int], functions: Mapping[str, Operator], like: Values | None = None, dtype: type[np.floating[Any]] = EXTENDED
    ) -> None:
        self.names = names
        self.sizes = sizes
        self.functions = functions
        self.dtype = dtype
        self._known: dict[Term, Array | Misfit] = {}
        self._kernels: dict[_Key, _Kernel | None] = {} if like is None else like._kernels

    def of(self, here: Term) -> Array | Misfit:
        """The array of a term, or the first node that does not fit.

        Raises KeyError for a name that has no array here.
        """
        found = self._known.get(here)
        if found is None:
            found = self._known[here] = self._computed(here)
        return found

    def run(self, equations: Iterable[tuple[str, Term]]) -> None:
        """The values of a program's equations (`as_terms`), each by its name."""
        for name, here in equations:
            found = self.of(here)
            assert not isinstance(found, Misfit), f"{name} of a program with shapes does not fit"
            self.names[name] = found

    def derived(self, more: Mapping[str, Array]) -> Values:
        """These values with more names, or others under the same; what operators compile to is shared."""
        return Values({**self.names, **more}, self.sizes, self.functions, self, self.dtype)

    def _computed(self, here: Term) -> Array | Misfit:
        if here.op == NAME:
            return self.names[here.name]
        if here.op == NUMBER:
            return np.full((1, 1), self.dtype(_number(here.atom)))
        if here.op == "extent":
            return np.full((1, 1), self.dtype(self.sizes[str(here.options[0])]))
        parts: list[Array] = []
        for arg in here.args:
            part = self.of(arg)
            if isinstance(part, Misfit):
                return part
            parts.append(part)
        shapes = tuple(part.shape for part in parts)
        key = here.op, here.options, shapes
        if key not in self._kernels:
            self._kernels[key] = self._kernel(here, shapes)
        kernel = self._kernels[key]
        return Misfit(here, shapes) if kernel is None else kernel(parts, self.names, self.dtype)

    def _kernel(self, here: Term, shapes: tuple[Size, ...]) -> _Kernel | None:
        """The operator as a function of arrays, or None where these shapes do not fit."""
        options = tuple(Integer(self.sizes[str(option)]) if str(option) in self.sizes else option for option in here.options)
        if here.op in OPERATORS:
            return _of_table(here.op, options, shapes)
        around = {name: array.shape for name, array in self.names.items()}
        return _compiled(here.op, options, shapes, self.functions, around)


@lru_cache(maxsize=4096)
def _of_table(op: str, options: tuple[Expr, ...], shapes: tuple[Size, ...]) -> _Kernel | None:
    return _compiled(op, options, shapes, {}, {})


def _compiled(op: str, options: tuple[Expr, ...], shapes: tuple[Size, ...], functions: Mapping[str, Operator], around: Mapping[str, Size]) -> _Kernel | None:
    """The operator as a function of arrays of these shapes, or None where they do not fit; what it gives has all its digits, which Python's floats have not.

    `around` has the shapes of names that a function of the user's may use.
    """
    given = [symbol(f"x{k}") for k in range(len(shapes))]
    out = symbol("out")
    program = Program((Equation(out, operation(op)(*given, *options)),), tuple(given), {"out": out}, functions=functions)
    opened = expand(program)
    made = {equation.name for equation in opened.equations}
    free = [o for o in dict.fromkeys(o for e in opened.equations for o in operands(e.value)) if o not in made and o not in given]
    strange = [name.name for name in free if name.name not in around]
    if strange:
        raise NotationError(f"nothing says what {strange[0]} is, in a function of the claims", None, "make it a parameter of the function")
    known = [Known(name.name, size, "here") for name, size in zip(given, shapes, strict=True)] + [Known(name.name, around[name.name], "here") for name in free]
    try:
        source = module(with_shapes(Program(opened.equations, (*given, *free), {"out": out}, functions=functions), known), None, ["x"])
    except AlgebraError:
        return None
    return _Kernel(load(source, {"float": np.asarray})["forward"], tuple(name.name for name in free))


@dataclass(frozen=True)
class _Kernel:
    """An operator compiled for some shapes; `free` are names that a function of the user's takes from around it."""

    function: Callable[..., dict[str, Any]]
    free: tuple[str, ...]

    def __call__(self, parts: list[Array], names: Mapping[str, Array], dtype: type[np.floating[Any]]) -> Array:
        arrays = (*parts, *(names[name] for name in self.free))
        with np.errstate(all="ignore"):
            try:
                found = self.function(*arrays)["out"]
            except TypeError:  # numpy.linalg knows no longdouble
                found = self.function(*(array.astype(np.float64) for array in arrays))["out"]
        return _as_matrix(found, dtype)


_Key = tuple[str, tuple[Expr, ...], tuple[Size, ...]]


def _number(value: Any) -> np.longdouble:
    """A number with all its digits."""
    if value.is_Rational:
        return EXTENDED(int(value.p)) / EXTENDED(int(value.q))
    return _PI if value is pi else EXTENDED(str(value))


def _as_matrix(value: Any, dtype: type[np.floating[Any]]) -> Array:
    array = np.asarray(value, dtype=dtype)
    return array.reshape(1, 1) if array.ndim == 0 else array
