"""Generated source → functions, and the arrays that go in and come out.

In    the text of a module; the arrays of a call, by name
Out   its functions, known to `linecache`, so that tracebacks show generated code like any other; arrays as matrices
Idea  what is called is checked here, once: a wrong array is named, with what was expected and why
"""

from __future__ import annotations

import hashlib
import linecache
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakMethod

from algebra2net import names
from algebra2net.collector import resting
from algebra2net.errors import DerivativeError, ShapeError, nearest
from algebra2net.program import Dimension, Shape

if TYPE_CHECKING:  # algebra is read, derived and printed without NumPy: it is loaded with the first array
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


def load(source: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The functions that a generated module defines; it finds under their names what it is given."""
    _keep_freed_memory()
    filename = f"<algebra2net {hashlib.sha256(source.encode()).hexdigest()[:16]}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": "algebra2net_generated", **(given or {})}
    try:
        exec(compile(source, filename, "exec"), namespace)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"this algebra needs SciPy's special functions (erf, lgamma): pip install {error.name}", name=error.name) from None
    return namespace


class Functions:
    """The functions of generated code, each made when it is first asked for.

    `text` gives the text of a module with the function of that name: a method of the net that these belong to.
    """

    def __init__(self, text: Callable[[str], str]) -> None:
        self._text = WeakMethod(text)  # the net goes when nobody needs it, without a search for circles
        self._made: dict[str, Callable[..., Any]] = {}

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in self._made:
            text = self._text()
            assert text is not None
            with resting():
                space = load(text(name))
            self._made |= {each: space[each] for each in ("forward", "value_and_grad") if each in space}
        return self._made[name]

    def __contains__(self, name: str) -> bool:
        try:
            return bool(self[name])
        except DerivativeError:
            return False


@cache
def _keep_freed_memory() -> None:
    """Free one large block: the allocator then keeps freed arrays of up to its size, and does not fault them in again at each call."""
    import numpy as np

    np.empty(31 << 20, np.uint8)


class Values(dict[str, Any]):
    """Values by name, found under every spelling of the name: `grads["W_0"]` is `grads["W0"]`."""

    def __missing__(self, spelled: str) -> Any:
        key = names.key(spelled) if isinstance(spelled, str) else spelled
        if key in self.keys():
            return self[key]
        raise KeyError(spelled)


@dataclass(frozen=True)
class Arguments:
    """The arrays of one call: matrices of one float type, and how the originals looked."""

    matrices: dict[str, Array]
    originals: dict[str, tuple[int, ...]]
    sizes: dict[str, int]  # the symbolic dimensions, as found
    dtype: np.dtype[Any]


class UnfitError(Exception):
    """An array whose shape is not the expected one; the call may still make sense with other assumptions."""


def arguments(given: Mapping[str, Any], expected: Mapping[str, Shape]) -> Arguments:
    """The arrays by name, as matrices, checked against the shapes.

    Raises TypeError for a missing, surplus or non-numeric array, `UnfitError` where a shape does not fit.
    """
    by_key = _by_key(given, expected)
    arrays = {name: numeric(name, by_key[name]) for name in expected}
    dtype = _common(arrays.values())
    sizes: dict[str, int] = {}
    matrices = {name: _matrix(name, array, expected[name], sizes).astype(dtype, copy=False) for name, array in arrays.items()}
    for name, matrix in matrices.items():
        for have, want in zip(matrix.shape, expected[name], strict=True):
            if have != (total := _total(want, sizes, have)):
                raise UnfitError(f"{name} has shape {arrays[name].shape}, expected {shape_text(expected[name], {**sizes, str(want): total})}")
    return Arguments(matrices, {name: array.shape for name, array in arrays.items()}, sizes, dtype)


def _total(size: Dimension, sizes: Mapping[str, int], have: int) -> int:
    """The size that is made of others, `n1+n2` of the blocks in [a, b]; what an array has where one of these is not known."""
    total = 0
    for term in str(size).split("+"):
        factors = [sizes.get(factor, int(factor) if factor.isdecimal() else None) for factor in term.split("*")]
        if None in factors:
            return have
        total += math.prod(factor for factor in factors if factor is not None)
    return total


def by_key(
    given: Mapping[str, Any], known: Collection[str], error: Callable[[str], Exception] = TypeError, says: str = "there is no input {}; the inputs are {}"
) -> dict[str, Any]:
    """The values under the `known` names, whichever way they are spelled.

    Raises what `error` makes of words on a name that is not known, or that is given twice.
    """
    identifiers = {} if all(spelled in known for spelled in given) else {names.identifier(name): name for name in known}
    found: dict[str, Any] = {}
    for spelled, value in given.items():
        name = spelled if spelled in known else identifiers.get(spelled) or names.key(spelled)
        if name not in known:
            hint = nearest(spelled, known)
            raise error(says.format(spelled, ", ".join(known)) + (f" ({hint})" if hint else ""))
        if name in found:
            raise error(f"{name} is given twice")
        found[name] = value
    return found


def _by_key(given: Mapping[str, Any], expected: Mapping[str, Shape]) -> dict[str, Any]:
    found = by_key(given, expected)
    missing = [name for name in expected if name not in found]
    if missing:
        raise TypeError(f"missing {', '.join(f'{name} ({shape_text(expected[name])})' for name in missing)}")
    return found


def numeric(name: str, value: Any) -> Array:
    """The value as an array of real numbers; what a mask hides is nan.

    Raises TypeError for what holds no real numbers, ShapeError for more than two dimensions.
    """
    import numpy as np

    try:
        array = _unmasked(value) if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{name} is no array of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} holds {_kind(array)}, not real numbers (dtype {array.dtype})")
    if array.ndim > 2:
        raise ShapeError(
            f"{name} has {array.ndim} dimensions {array.shape}; every value is a matrix of rows and columns", None, f"{name}.reshape(len({name}), -1) makes rows of it"
        )
    return array


def _unmasked(value: Any) -> Array:
    """The array with nan for what its mask hides; one that holds no real numbers as it is, for who says so."""
    import numpy as np

    if value.dtype.kind not in "fiub":
        return np.asarray(value.data)
    return np.asarray(np.ma.filled(value if value.dtype.kind == "f" else value.astype(float), np.nan))


def _kind(array: Array) -> str:
    return {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "bytes", "M": "dates", "m": "time spans", "V": "records"}.get(array.dtype.kind, "no numbers")


def _common(arrays: Any) -> np.dtype[Any]:
    """The float type of a call: that of its float arrays; whole numbers and flags take it on."""
    import numpy as np

    floats = [array.dtype.newbyteorder("=") for array in arrays if array.dtype.kind == "f"]
    found: np.dtype[Any] = np.result_type(*floats) if floats else np.dtype(np.float64)
    return np.dtype(np.float32) if found.itemsize <= 4 else np.dtype(np.float64)


def _matrix(name: str, array: Array, expected: Shape, sizes: dict[str, int]) -> Array:
    """The array as a matrix of the expected shape; new symbolic dimensions go into `sizes`."""
    matrix = as_matrix(array, expected, sizes)
    for have, want in zip(matrix.shape, expected, strict=True):
        wanted = want if isinstance(want, int) else sizes.setdefault(want, have)
        if isinstance(want, str) and have != wanted and want.isidentifier() is False:
            continue
        if have != wanted:
            raise UnfitError(f"{name} has shape {array.shape}, expected {shape_text(expected, sizes)}")
    return matrix


def as_matrix(array: Array, expected: Shape, sizes: Mapping[str, int]) -> Array:
    """A scalar as 1×1, a vector as a row or, where a column is expected, as a column."""
    if array.ndim == 2:
        return array
    if array.ndim == 0:
        return array.reshape(1, 1)
    rows, columns = (sizes.get(size, size) if isinstance(size, str) else size for size in expected)
    column = columns == 1 and (rows == array.size or isinstance(rows, str)) and rows != 1
    return array.reshape(-1, 1) if column else array.reshape(1, -1)


def shape_text(shape: Sequence[Dimension], sizes: Mapping[str, int] | None = None) -> str:
    """`5×3`, `n0×3`; with the size that a symbolic dimension has in this call."""
    return "×".join(f"{size}={(sizes or {})[size]}" if isinstance(size, str) and size in (sizes or {}) else str(size) for size in shape)
