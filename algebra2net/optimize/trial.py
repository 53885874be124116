"""The shape of what is left as it is: found by doing it once, on ones.

In    the text of a call or an expression, and the shapes of its operands
Out   the shape of its result, if that follows from theirs
Idea  each size is stood for by a prime of its own, so that the result's sizes say where they come from
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from algebra2net.program import Dimension, Shape

_PRIMES = (2, 3, 5, 7, 11, 13)


def tried(text: str, shapes: tuple[Shape | None, ...], preludes: Mapping[str, str]) -> tuple[Shape | None, bool]:
    """The shape of the result, None where it cannot be told; and whether it surely has memory of its own."""
    sizes: dict[Dimension, int] = {1: 1}
    pattern = []
    for shape in shapes:
        if shape is None:
            return None, False
        for size in shape:
            if size not in sizes:
                if len(sizes) > len(_PRIMES):
                    return None, False
                sizes[size] = _PRIMES[len(sizes) - 1]
        pattern.append((sizes[shape[0]], sizes[shape[1]]))
    found = _outcome(text, tuple(pattern), tuple(preludes.values()))
    if found is None:
        return None, False
    (rows, columns), fresh = found
    back = {prime: size for size, prime in sizes.items()}
    return ((back[rows], back[columns]) if rows in back and columns in back else None), fresh


@cache
def _outcome(text: str, shapes: tuple[tuple[int, int], ...], preludes: tuple[str, ...]) -> tuple[tuple[int, int], bool] | None:
    words = (f"_{k}_" for k in range(len(shapes)))
    code = re.sub(r"\{\}", lambda _: next(words), text)
    space: dict[str, Any] = {"np": np, "dtype": np.dtype(float)}
    fresh, found = True, None
    try:
        exec("\n\n".join(preludes), space)
        for order in ("C", "F"):  # what is a copy of one may be a view of the other
            operands = {f"_{k}_": np.ones(shape, order=order) for k, shape in enumerate(shapes)}
            with np.errstate(all="ignore"):
                found = eval(code, space, operands)
            if not (isinstance(found, np.ndarray) and found.ndim == 2 and found.dtype == float):
                return None
            fresh = fresh and found.flags.writeable and not any(np.shares_memory(found, operand) for operand in operands.values())
    except Exception:  # ones are no fit operand, or SciPy is not there: then nothing is known
        return None
    return found.shape, fresh  # type: ignore[union-attr]


def of_numbers(text: str, numbers: tuple[object, ...], preludes: Mapping[str, str]) -> float | None:
    """What the text is of numbers alone; None where that is no number that Python can write, or rests on more than NumPy."""
    words = (f"_{k}_" for k in range(len(numbers)))
    code = re.sub(r"\{\}", lambda _: next(words), text)
    space: dict[str, Any] = {"np": np, **{f"_{k}_": np.float64(number) for k, number in enumerate(numbers)}}  # type: ignore[arg-type]
    with np.errstate(all="ignore"):
        try:
            exec("\n\n".join(preludes.values()), space)
            found = float(eval(code, space))
        except (NameError, TypeError, ValueError):
            return None
    return plain(found) if np.isfinite(found) else None


def plain(number: float) -> float:
    """A number as people write it: 2, not 2.0."""
    return int(number) if float(number).is_integer() and abs(number) < 1 << 53 else float(number)


def literal(number: object) -> str:
    """A number as Python reads it."""
    text = repr(number)
    return f"float({text!r})" if text in ("inf", "-inf", "nan") else text
