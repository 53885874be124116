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


def result_shape(text: str, shapes: tuple[Shape | None, ...], preludes: Mapping[str, str]) -> Shape | None:
    """The shape of the result; None where it cannot be told."""
    sizes: dict[Dimension, int] = {1: 1}
    pattern = []
    for shape in shapes:
        if shape is None:
            return None
        for size in shape:
            if size not in sizes:
                if len(sizes) > len(_PRIMES):
                    return None
                sizes[size] = _PRIMES[len(sizes) - 1]
        pattern.append((sizes[shape[0]], sizes[shape[1]]))
    found = _tried(text, tuple(pattern), tuple(preludes.values()))
    if found is None:
        return None
    back = {prime: size for size, prime in sizes.items()}
    return (back[found[0]], back[found[1]]) if found[0] in back and found[1] in back else None


@cache
def _tried(text: str, shapes: tuple[tuple[int, int], ...], preludes: tuple[str, ...]) -> tuple[int, int] | None:
    words = (f"_{k}_" for k in range(len(shapes)))
    code = re.sub(r"\{\}", lambda _: next(words), text)
    space: dict[str, Any] = {"np": np, "dtype": np.dtype(float)}
    try:
        exec("\n\n".join(preludes), space)
        with np.errstate(all="ignore"):
            found = eval(code, space, {f"_{k}_": np.ones(shape) for k, shape in enumerate(shapes)})
    except Exception:  # ones are no fit operand, or SciPy is not there: then nothing is known
        return None
    return found.shape if isinstance(found, np.ndarray) and found.ndim == 2 and found.dtype == float else None
