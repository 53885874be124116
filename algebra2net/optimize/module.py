"""The text of the module that runs.

In    the forward Program and the derived one, macros opened, products in their cheapest order
Out   a stand-alone module on NumPy with the functions of the readable one, and the same results
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Mapping, Sequence, Set

import numpy as np
from sympy import Symbol

from algebra2net.derive import VALUE
from algebra2net.operators.prelude import reached
from algebra2net.optimize.emit import Lines
from algebra2net.optimize.graph import Graph, Node
from algebra2net.program import Program, is_step
from algebra2net.targets.numpy import quoted

_HEAP = """# Freed once, so that the allocator keeps freed arrays of up to this size and does not fault them in again at each call.
np.empty(31 << 20, np.uint8)"""

_DIRECT = "# Python finds a name in half the time that it takes to find one of another module."


def nothing() -> tuple[Sequence[str], Sequence[str]]:
    """No imports and no functions besides those of the operators."""
    return (), ()


def module(
    forward: Program | None,
    backprop: Program | None,
    title: Sequence[str],
    lines: Callable[..., Lines] = Lines,
    above: Callable[[], tuple[Sequence[str], Sequence[str]]] = nothing,
    straight: frozenset[str] | None = None,
) -> str:
    """The module's text: `forward(…)`, and `value_and_grad(…)` where there is a derived program; or that alone.

    `lines` makes a function's lines; `above` says, when that is done, what they need: imports, and texts above the functions.
    `straight` is as for `kernel`.
    """
    parts: list[_Function] = []
    if forward is not None:
        named = {e.name.name: e.name for e in forward.equations if not is_step(e.name)}
        parts.append(_Function("forward", forward, named, straight))
    if backprop is not None:
        parts.append(_Function("value_and_grad", backprop, dict(backprop.outputs), straight))
    preludes: dict[str, str] = {}
    imports: dict[str, None] = {}
    for part in parts:
        preludes |= part.graph.preludes
        imports |= part.graph.imports
    output = next(iter(forward.outputs.values())) if forward is not None else parts[0].program.outputs[VALUE]
    texts = [part.text(set(preludes), output.name, lines) for part in parts]
    for part in parts:
        preludes |= part.graph.preludes  # and what the lines call besides
    if straight is not None:  # what loops do instead, nobody calls any more
        preludes = {name: preludes[name] for name in reached("\n".join(texts), preludes)}
    more, functions = above()
    taken = {name for text in (*preludes.values(), *functions) for name in re.findall(r"^(?:def )?(\w+)", text, re.MULTILINE)}
    texts, direct = _called_directly(texts, taken.union(*(part.words for part in parts)))
    body = "".join(f"\n\n{text}\n" for text in (*preludes.values(), *functions, *texts))
    return "\n".join(['"""' + quoted(title), '"""', "", "import numpy as np", *imports, *more, "", _HEAP, *direct]) + "\n" + body


def _called_directly(texts: Sequence[str], taken: Set[str]) -> tuple[list[str], list[str]]:
    """The functions with NumPy's under names of their own, where these are not taken; and the lines that give those."""
    called = {name for text in texts for name in re.findall(r"np\.(\w+)\(", text)}
    direct = sorted(name for name in called - taken - set(dir(builtins)) if isinstance(getattr(np, name, None), np.ufunc) or name == "vdot")
    if not direct:
        return list(texts), []
    pattern = re.compile(rf"np\.(?<!\wnp\.)({'|'.join(direct)})\(")  # begins with letters, which are looked for faster than a place between words
    return [pattern.sub(r"\1(", text) for text in texts], ["", _DIRECT, *(f"{name} = np.{name}" for name in direct)]


def constants_text(name: str, constants: Mapping[str, str]) -> str:
    """The function that makes what a function needs of each float type, once."""
    if not constants:
        return ""
    made = "".join(f"        {text},\n" for text in constants.values())
    return (
        f'def {name}_constants(dtype):\n    """What {name} needs of a float type: {", ".join(constants)}."""\n    return (\n{made}    )\n\n\n'
        f"{name.upper()}_CONSTANTS = {{np.dtype(each): {name}_constants(each) for each in (np.float32, np.float64)}}\n\n\n"
    )


def indented(lines: Sequence[str]) -> str:
    """The text of a function's body; what is blank stays so."""
    return ("    " + "\n".join(lines).replace("\n", "\n    ")).replace("\n    \n", "\n\n")


class _Function:
    """One function of the module."""

    def __init__(self, name: str, program: Program, outputs: dict[str, Symbol], straight: frozenset[str] | None) -> None:
        self.name = name
        self.program = program
        self.graph = Graph(program, straight)
        self.graph.take(program)
        self.outputs = {label: self.graph.of[symbol] for label, symbol in outputs.items()}
        self.shapes = {label: program.shapes[symbol] for label, symbol in outputs.items()}
        self.words: set[str] = set()  # that its text gives a meaning

    def text(self, taken: set[str], output: str, made: Callable[..., Lines]) -> str:
        lines = made(self.graph, self.outputs, self.name, taken)
        self.words = set(lines.names.values())
        arguments = [lines.names[self.graph.of[name]] for name in self.program.inputs]
        shared: set[Node] = set()
        results = {label: lines.result(node, self.shapes[label], shared) for label, node in self.outputs.items()}
        value = results.pop(VALUE, None)
        returned = f"{{{', '.join(f'{label!r}: {text}' for label, text in results.items())}}}"
        body = [f'"""{self.docstring(arguments, output)}"""', *lines.lines(), f"return {returned if value is None else f'{value}, {returned}'}"]
        return constants_text(self.name, lines.constants) + f"def {self.name}({', '.join(arguments)}):\n" + indented(body)

    def docstring(self, arguments: Sequence[str], output: str) -> str:
        shapes = ", ".join(f"{word}: {'×'.join(map(str, self.program.shapes[name]))}" for word, name in zip(arguments, self.program.inputs, strict=True))
        if self.name == "forward":
            return f"Every named value.\n\n{shapes}\n"
        wrt = ", ".join(label for label in self.outputs if label != VALUE)
        return f"The value of {output}, and its gradients by {wrt or 'nothing'}.\n\n{shapes}; arrays of one float type.\n"
