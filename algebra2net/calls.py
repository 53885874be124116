"""Calls without detours: a method of a net, written out for the arrays that it takes.

In    the shapes of the arrays that a function of generated code takes, by name; what to do with any other call
Out   a function that tests its arrays and runs the code
Idea  a call of a small network takes a few microseconds, so the test of its arrays is straight-line code for the shapes at hand;
      of many arrays it is one look at all of their types and one at all of their shapes, which needs no code of its own;
      whatever is not just as the code takes it goes the careful way, which converts, or says what is wrong
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from operator import attrgetter, itemgetter
from types import MethodType
from typing import Any, Generic, TypeVar

from algebra2net.program import Dimension, Shape
from algebra2net.run import Values, load

Result = TypeVar("Result")

Code = Callable[[Mapping[str, int]], Callable[..., Any]]  # sizes that were open → the generated function to run

SPELLED_OUT = 8  # inputs: Python looks for the name of an argument among all of them, so with more a dict is faster
WRITTEN = 32  # inputs whose test is written out; with more the other one is as fast
SIZES_REMEMBERED = 1 << 10
_RESERVED = frozenset("self delta given others size run take shapes value grads dtype ndarray floats array Values careful present".split())


class WrittenOut(Generic[Result]):
    """A careful method, of which each net has a faster one of its own, written by `net._written_out` when it is first looked up."""

    def __init__(self, careful: Callable[..., Result]) -> None:
        self._careful = careful
        self._key = f"_{careful.__name__}_written_out"
        self._faster: Callable[[Any], Callable[..., Result]] = attrgetter(self._key)
        self.__doc__ = careful.__doc__

    def __get__(self, net: Any, owner: Any = None) -> Callable[..., Result]:
        try:
            return MethodType(self._faster(net), net)
        except AttributeError:
            return self._careful if net is None else self._made(net)

    def _made(self, net: Any) -> Callable[..., Result]:
        call = net._written_out(self._careful.__name__, self._careful)
        return MethodType(vars(net).setdefault(self._key, call), net)


def forward(expected: Mapping[str, Shape], run: Code, careful: Callable[..., Any]) -> Callable[..., Any]:
    """`forward(self, l0=…, W0=…)`: every named value."""
    if len(expected) > WRITTEN:
        return _forward_of_many(_Arrays(expected, run), careful)
    return _Call(expected, run, careful, "", lambda values: [f"return Values({values})"]).made()


def value_and_grad(expected: Mapping[str, Shape], run: Code, careful: Callable[..., Any], numbers: Mapping[str, bool], signal: Shape | None) -> Callable[..., Any]:
    """`value_and_grad(self, delta=None, l0=…, W0=…)`; `signal` is the shape of delta, if there is one.

    `numbers` are the gradients that the code gives as numbers: whether they belong to an array of a call, which has one entry then.
    """
    if len(expected) > WRITTEN:
        return _value_and_grad_of_many(_Arrays(expected, run, signal), careful, numbers)
    entries = [f"grads[{name!r}] = array({f'[[grads[{name!r}]]]' if is_given else f'grads[{name!r}]'}, dtype)" for name, is_given in numbers.items()]
    given = expected if signal is None else {**expected, "delta": signal}
    return _Call(given, run, careful, "delta=None, ", lambda both: [f"value, grads = {both}", *entries, "return value, Values(grads)"]).made()


def is_whole(shapes: Collection[Shape]) -> bool:
    """Whether no size in these shapes is made of others: then one look at the arrays settles all of them."""
    return all(isinstance(size, int) or size.isidentifier() for shape in shapes for size in shape)


def is_known(shape: Shape) -> bool:
    """Whether both sizes are numbers."""
    return all(isinstance(size, int) for size in shape)


# ---------------------------------------------------------------------------------------------------- of many arrays


def _forward_of_many(arrays: _Arrays, careful: Callable[..., Any]) -> Callable[..., Any]:
    def forward(self: Any, /, **given: Any) -> Any:
        values = arrays.run(given)
        return careful(self, **given) if values is None else Values(values)

    forward.__doc__ = careful.__doc__
    return forward


def _value_and_grad_of_many(arrays: _Arrays, careful: Callable[..., Any], numbers: Mapping[str, bool]) -> Callable[..., Any]:
    from numpy import array

    def value_and_grad(self: Any, /, delta: Any = None, **given: Any) -> Any:
        both = arrays.run(given, delta)
        if both is None:
            return careful(self, delta, **given)
        value, grads = both
        for name, is_given in numbers.items():
            grads[name] = array([[grads[name]]] if is_given else grads[name], next(iter(given.values())).dtype)
        return value, Values(grads)

    value_and_grad.__doc__ = careful.__doc__
    return value_and_grad


class _Arrays:
    """The arrays that a function of generated code takes, to be tested together."""

    def __init__(self, expected: Mapping[str, Shape], code: Code, signal: Shape | None = None) -> None:
        import numpy as np

        shapes = [*expected.values(), *([signal] if signal else [])]
        self.inputs = len(expected)
        self.take = itemgetter(*expected)
        self.classes = (np.ndarray,) * len(shapes)
        self.dtypes = tuple((np.dtype(dtype),) * len(shapes) for dtype in (np.float64, np.float32))
        met: dict[Dimension, tuple[int, int]] = {}  # each open size → in which array, along which axis it is met first
        for place, shape in enumerate(shapes):
            for axis, size in enumerate(shape):
                if isinstance(size, str):
                    met.setdefault(size, (place, axis))
        self.met = tuple(met.values())

        def sized(*sizes: int) -> tuple[tuple[Shape, ...], Callable[..., Any]]:
            found = dict(zip(met, sizes, strict=True))
            return tuple([(found.get(rows, rows), found.get(columns, columns)) for rows, columns in shapes]), code({str(name): size for name, size in found.items()})

        self.sized = lru_cache(SIZES_REMEMBERED)(sized)  # the shapes and the code for the sizes that are open

    def run(self, given: Mapping[str, Any], delta: Any = None) -> Any:
        """What the code gives; None where the arrays are not just as it takes them."""
        if len(given) != self.inputs:
            return None
        try:
            arrays = self.take(given) if delta is None else (*self.take(given), delta)
        except KeyError:
            return None
        if tuple(map(type, arrays)) != self.classes or tuple(map(_DTYPE, arrays)) not in self.dtypes:
            return None
        shapes = tuple(map(_SHAPE, arrays))
        try:
            expected, code = self.sized(*[shapes[place][axis] for place, axis in self.met])
        except IndexError:  # one of them is no matrix
            return None
        return code(*arrays) if shapes == expected else None


_DTYPE, _SHAPE = attrgetter("dtype"), attrgetter("shape")


# ------------------------------------------------------------------------------------------------------- written out


class _Call:
    """One such function, in the making."""

    def __init__(self, expected: Mapping[str, Shape], run: Code, careful: Callable[..., Any], first: str, does: Callable[[str], list[str]]) -> None:
        self.expected = expected
        self.run = run
        self.careful = careful
        self.first = first  # what stands before the inputs: delta, or nothing
        self.does = does
        named = [name for name in expected if not (first and name == "delta")]
        self.is_spelled_out = len(named) <= SPELLED_OUT and all(map(_is_argument, named))
        self.inputs = {name: name if self.is_spelled_out else f"array{k}" for k, name in enumerate(named)}
        self.arrays = {name: self.inputs.get(name, name) for name in expected}
        self.sizes: dict[str, str] = {}  # of the dimensions that are open, in the order in which they are met

    def made(self) -> Callable[..., Any]:
        """The function."""
        import numpy as np

        name = self.careful.__name__
        tests = self.tests()
        run = f"run({', '.join(self.sizes.values())})" if self.sizes else "run"
        does = self.does(f"{run}({', '.join(self.arrays.values())})")
        lines = [*self.head(name), "    if (", "        " + "\n        and ".join(tests), "    ):", *(f"        {line}" for line in does), f"    {self.otherwise()}"]
        floats = (np.dtype(np.float64), np.dtype(np.float32))
        code = lru_cache(SIZES_REMEMBERED)(lambda *sizes: self.run(dict(zip(self.sizes, sizes, strict=True)))) if self.sizes else self.run({})
        space = {"ndarray": np.ndarray, "array": np.array, "floats": floats, "run": code, "Values": Values, "careful": self.careful, "present": _present}
        space["shapes"] = tuple(tuple(shape) for shape in self.expected.values() if is_known(shape))
        space["take"] = itemgetter(*self.inputs) if self.inputs else None
        call: Callable[..., Any] = load("\n".join(lines), space)[name]
        call.__doc__ = self.careful.__doc__
        return call

    def head(self, name: str) -> list[str]:
        """How the arrays come in: as arguments of their names, or by name in a dict."""
        if self.is_spelled_out:
            return [f"def {name}(self, /, {self.first}{'*, ' * bool(self.inputs)}{''.join(f'{name}=..., ' for name in self.inputs)}**others):"]
        taken = f"        {', '.join(self.inputs.values())} = take(given)"
        return [f"def {name}(self, /, {self.first}**given):", "    try:", taken, "    except KeyError:", f"        {self.otherwise()}"]

    def otherwise(self) -> str:
        """The line that goes the careful way."""
        delta = "delta, " * bool(self.first)
        if not self.is_spelled_out:
            return f"return careful(self, {delta}**given)"
        given = ", ".join(f"{name!r}: {name}" for name in self.inputs)
        return f"return careful(self, {delta}**present({{{given}}}), **others)"

    def tests(self) -> list[str]:
        """What must hold of the arguments: matrices of NumPy's own class, of the sizes expected, and of one float type."""
        tests = ["not others" if self.is_spelled_out else f"len(given) == {len(self.inputs)}"]
        if self.first and "delta" not in self.expected:
            tests.append("delta is None")
        if self.arrays:
            first, *others = self.arrays.values()
            tests.append(f"{' is '.join(f'{array}.__class__' for array in self.arrays.values())} is ndarray")
            tests += self.of_shapes()
            tests.append(f"(dtype := {first}.dtype) in floats")
            tests += [f"({' or '.join(sign.join(['dtype', *(f'{array}.dtype' for array in others)]) for sign in (' is ', ' == '))})"] if others else []
        return tests

    def of_shapes(self) -> list[str]:
        """The tests of the shapes: of those that are known together, for that is half as long to compile."""
        known = [array for array, shape in zip(self.arrays.values(), self.expected.values(), strict=True) if is_known(shape)]
        together = [f"({', '.join(f'{array}.shape' for array in known)},) == shapes"] if known else []
        return together + [self.of_shape(self.arrays[name], shape) for name, shape in self.expected.items() if not is_known(shape)]

    def of_shape(self, array: str, shape: Shape) -> str:
        """The test of a shape that is partly open; a size that is met for the first time is whatever it is."""
        before = len(self.sizes)
        rows, columns = [str(size) if isinstance(size, int) else self.size(size, f"{array}.shape[{axis}]") for axis, size in enumerate(shape)]
        return f"{array}.ndim == 2 and " * (len(self.sizes) > before) + f"{array}.shape == ({rows}, {columns})"

    def size(self, name: str, found: str) -> str:
        if name in self.sizes:
            return self.sizes[name]
        self.sizes[name] = f"size{len(self.sizes)}"
        return f"({self.sizes[name]} := {found})"


def _is_argument(name: str) -> bool:
    """Whether a name may stand in the head of a function as it is."""
    return name.isidentifier() and not keyword.iskeyword(name) and name.rstrip("0123456789") not in _RESERVED and unicodedata.normalize("NFKC", name) == name


def _present(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those arguments that a call has."""
    return {name: value for name, value in given.items() if value is not ...}
