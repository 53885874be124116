"""The functions above an operator's NumPy code, one by one.

In    a prelude: the text of some functions
Out   each function's text by name, and which ones a piece of code reaches
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache


@cache
def functions_of(prelude: str) -> dict[str, str]:
    """The functions that a prelude defines, by name."""
    return {text.partition("(")[0].removeprefix("def "): text for text in re.split(r"\n\n+(?=def )", prelude) if text.startswith("def ")}


def reached(code: str, functions: Mapping[str, str]) -> list[str]:
    """The functions that a piece of code calls, directly or through one another, in the order of their definition."""
    found = [name for name in functions if name in _named(code)]
    for each in found:
        found += [other for other in functions if other in _named(functions[each]) and other not in found]
    return [name for name in functions if name in found]


@cache
def _named(code: str) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name))
