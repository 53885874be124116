"""What a sheet says, as data: a row for each named equation, and the symbols that they are made of.

In    a net: its programs, and its lines of code by what they define
Out   a Content: the rows of the forward pass and of the backprop, the glossary; a face draws it in characters, as a page, …
Idea  an equation is a row of tokens, read off what `spell` writes with every name between two marks: so algebra and
      picture share their order and their brackets, and each name is known wherever it stands
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sympy import Symbol

from algebra2net import names
from algebra2net.errors import AlgebraError
from algebra2net.layers import is_parameter
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operator
from algebra2net.program import SCALAR, Dimension, Equation, Program, Shape, is_step, symbol
from algebra2net.spell import UNICODE, folds, labels, lines, shown, writer

if TYPE_CHECKING:
    from algebra2net.net import Net
    from algebra2net.targets.numpy import Code

NAMED = 3  # places that the glossary names for a symbol or a size


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an equation: a name, call (a function's name), number, word, sign, product, open, close, comma, suffix or space."""

    kind: str
    text: str
    name: Symbol | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An equation: its tokens, its lines of code, the reasons for it."""

    name: Symbol
    tokens: tuple[Token, ...]
    code: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A symbol of the glossary. `family` is the name that it belongs to: a gradient to its parameter, a signal to its layer."""

    name: Symbol
    text: str
    identifier: str
    shape: Shape
    role: str
    family: Symbol
    uses: tuple[Symbol, ...]  # the equations that it stands in


@dataclass(frozen=True)
class Content:
    """All that a sheet shows. `missing` says why there is no backprop, or no code, where there is none."""

    title: tuple[str, ...]
    forward: tuple[Row, ...]
    backprop: tuple[Row, ...]
    entries: tuple[Entry, ...]
    functions: Mapping[str, str] = field(default_factory=dict)  # as it is called → what it is
    sizes: Mapping[str, str] = field(default_factory=dict)  # a dimension that nothing fixes → whose it is
    missing: tuple[str, ...] = ()
    computed: Mapping[str, str] = field(default_factory=dict)  # what is not computed as it is typed → how it is, and why

    @cached_property
    def by_name(self) -> Mapping[Symbol, Entry]:
        """The glossary by name."""
        return {entry.name: entry for entry in self.entries}

    @cached_property
    def by_identifier(self) -> Mapping[str, Entry]:
        """The glossary by what code calls a value."""
        return {entry.identifier: entry for entry in self.entries if entry.identifier}


def content(net: Net) -> Content:
    """What the sheet of a net shows. What cannot be derived, or not be written as code, is left out, and the reason kept."""
    missing: dict[str, None] = {}
    forward, backprop = net.program, _backprop(net, missing)
    code = _code(net, False, missing)
    code_back = _code(net, True, missing) if backprop is not None else None
    rows = tuple(_with_code(_rows(forward, shown(forward, hidden=False)), code, code_back, {*forward.inputs, *(e.name for e in forward.equations)}))
    derived = _derived(forward, backprop) if backprop is not None else []
    back = tuple(_with_code(derived, code_back, None, {*forward.inputs, *(row.name for row in (*rows, *derived))}))
    entries = tuple(_entries(forward, backprop, code, code_back, [*rows, *back], net.parameters))
    return Content(tuple(lines(forward, UNICODE)), rows, back, entries, _functions([*rows, *back]), _sizes(entries), tuple(missing), _computed(net))


def _backprop(net: Net, missing: dict[str, None]) -> Program | None:
    try:
        return net.backprop
    except AlgebraError as error:
        missing[f"no backprop: {error}"] = None
        return None


def _code(net: Net, derived: bool, missing: dict[str, None]) -> Code | None:
    try:
        return net.code(derived)
    except AlgebraError as error:
        missing[f"no code: {error}"] = None
        return None


def _derived(forward: Program, backprop: Program) -> list[Row]:
    """The rows that the derivation added; a value of the forward pass that only they name stands before the first that needs it."""
    known = {e.name for e in forward.equations}
    kept = [e._replace(rule=e.rule or "kept from the forward pass") for e in backprop.equations[: backprop.kept] if not is_step(e.name) and e.name not in known]
    added = [e for e in backprop.equations[backprop.kept :] if not is_step(e.name)]
    waiting = {row.name: row for row in _rows(backprop, [*kept, *added])}
    return [row for e in added for row in _with_needed(e.name, waiting)]


def _with_needed(name: Symbol, waiting: dict[Symbol, Row]) -> Iterator[Row]:
    """The row of a name, after those still waiting that it speaks of."""
    stack = [name] if name in waiting else []
    while stack:
        needed = [token.name for token in waiting[stack[-1]].tokens[1:] if token.name in waiting and token.name not in stack]
        if needed:
            stack.append(needed[0])
        else:
            yield waiting.pop(stack.pop())


# ------------------------------------------------------------------------------------------------------------- rows


def _rows(program: Program, equations: Iterable[Equation]) -> Iterator[Row]:
    """A row for each of the equations, its code still to come."""
    texts = labels(program)
    marked = writer(_MARKED, folds(program, hidden=False), replace(program, gradients={}, deltas={}))
    known = {name.name for name in (*program.inputs, *(e.name for e in program.equations))}
    for equation in equations:
        value = _tokens(marked(equation.value), texts, known)
        tokens = (_named(equation.name.name, texts), _SPACE, Token("sign", "="), _SPACE, *value)
        yield Row(equation.name, tokens, (), tuple(equation.rule.split("; ")) if equation.rule else ())


def _with_code(rows: Iterable[Row], code: Code | None, other: Code | None, named: Container[Symbol]) -> Iterator[Row]:
    """The rows with their lines of code; where a step has another meaning in `other` code, which is shown below, that says it all in its own steps."""
    snippets, others = _Snippets(code, named), _Snippets(other, named)
    for row in rows:
        lines_of = snippets.of(row.name)
        if any(others.lines.get(line.partition(" = ")[0].partition(", ")[0], line) != line for line in lines_of[:-1] if not line.startswith("dtype = ")):
            lines_of = others.of(row.name) or lines_of
        yield replace(row, code=lines_of)


class _Snippets:
    """The lines of code of each equation, steps in front of the first equation that needs them."""

    def __init__(self, code: Code | None, named: Container[Symbol]) -> None:
        self.lines: dict[str, str] = {}  # all that define a word or add to it
        for words, line in code.lines if code is not None else ():
            for word in words.split(", "):
                self.lines[word] = f"{self.lines[word]}\n{line}" if word in self.lines else line
        self.places = {word: place for place, word in enumerate(self.lines)}
        self.identifiers = code.identifiers if code is not None else {}
        self.done = {identifier for name, identifier in self.identifiers.items() if name in named and not is_step(name)}

    def of(self, name: Symbol) -> tuple[str, ...]:
        """The lines of one equation."""
        found, waiting = set(), [self.identifiers.get(name, "")]
        while waiting:
            word = waiting.pop()
            if word in self.lines and word not in found:
                found.add(word)
                waiting += [step for step in re.findall(r"[^\W\d]\w*", self.lines[word]) if step not in self.done]
        self.done |= found
        return tuple(dict.fromkeys(line for word in sorted(found, key=self.places.__getitem__) for line in self.lines[word].split("\n")))  # once, what gives two


# ----------------------------------------------------------------------------------------------------------- tokens

_NAME, _CALL, _END = "\ue000", "\ue001", "\ue002"  # private use: no name of a user's has them
_MARKED = replace(UNICODE, name=lambda key: f"{_NAME}{key}{_END}", call=lambda name: f"{_CALL}{UNICODE.call(name)}{_END}")
_TOKEN = re.compile(
    rf"{_NAME}(?P<name>[^{_END}]*){_END}|{_CALL}(?P<called>[^{_END}]*){_END}|(?P<suffix>ᵀ|⁻¹|[⁰¹²³⁴⁵⁶⁷⁸⁹]+|\^-?\d+(?:\.\d+)?(?![\d.]))|(?P<call>[^\W\d]\w*'*(?=\())|(?P<word>[^\W\d]\w*(?:=[-+\w.]+)?)"
    r"|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(?P<space> +)|(?P<comma>[,;])"
    r"|(?P<bar>‖(?:_1|_∞)?|\|)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<sign>==|.)"
)
_SPACE = Token("space", " ")
_ENDS = ("name", "number", "word", "close", "suffix")
_STARTS = ("name", "call", "number", "word", "open")


def _tokens(text: str, texts: Mapping[Symbol, Mapping[str, str]], known: Container[str]) -> list[Token]:
    """The tokens of what was written between marks; the blank between two factors is a product, a name that is not `known` a size."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind == "name":
            token = _named(match["name"], texts) if match["name"] in known else Token("word", names.unicode(match["name"]))
        elif kind == "bar":
            token = Token("open" if not found or found[-1].kind in ("space", "sign", "open", "comma") else "close", match[0])
        else:
            token = Token("call" if kind == "called" else kind, match["called"] if kind == "called" else match[0])
        if len(found) > 1 and found[-1].kind == "space" and found[-2].kind in _ENDS and token.kind in _STARTS:
            found[-1] = Token("product", found[-1].text)
        found.append(token)
    return found


def _named(key: str, texts: Mapping[Symbol, Mapping[str, str]]) -> Token:
    name = symbol(key)
    return Token("name", _text(name, texts), name)


def _text(name: Symbol, texts: Mapping[Symbol, Mapping[str, str]]) -> str:
    return texts[name]["unicode"] if name in texts else names.unicode(name.name)


# --------------------------------------------------------------------------------------------------------- glossary


def _entries(forward: Program, backprop: Program | None, code: Code | None, code_back: Code | None, rows: Sequence[Row], trained: Sequence[str]) -> Iterator[Entry]:
    """An entry for each name that stands in a row: inputs, values, then what the derivation added."""
    uses: dict[Symbol, dict[Symbol, None]] = defaultdict(dict)
    for row in rows:
        uses[row.name].update()
        for token in row.tokens[1:]:
            if token.name is not None:
                uses[token.name][row.name] = None
    identifiers = {**(code_back.identifiers if code_back else {}), **(code.identifiers if code else {})}
    shapes = {**(backprop.shapes if backprop else {}), **forward.shapes}
    texts = labels(backprop) if backprop is not None else {}
    roles = _roles(forward, backprop, shapes, trained)
    for name in dict.fromkeys([*forward.inputs, *(row.name for row in rows), *uses]):
        role, family = roles.get(name, ("step", name))
        yield Entry(name, _text(name, texts), identifiers.get(name, ""), shapes.get(name, SCALAR), role, family, tuple(uses[name]))


def _roles(forward: Program, backprop: Program | None, shapes: Mapping[Symbol, Shape], trained: Sequence[str]) -> dict[Symbol, tuple[str, Symbol]]:
    """What each symbol is to the network, and whose family it is of; what is not here is a step."""
    (output,) = forward.outputs.values()
    roles: dict[Symbol, tuple[str, Symbol]] = {}
    if backprop is not None:
        roles |= {e.name: ("value", e.name) for e in backprop.equations[: backprop.kept]}
        roles |= dict.fromkeys(backprop.inputs, ("signal", output))
        roles |= {name: ("signal", layer) for name, layer in backprop.deltas.items()}
        roles |= {name: ("gradient", parameter) for name, parameter in backprop.gradients.items()}
    roles |= {e.name: ("hidden layer" if e.name in forward.hidden or shapes.get(e.name) != SCALAR else "value", e.name) for e in forward.equations}
    roles |= {name: ("parameter" if is_parameter(name.name) and name.name in trained else "data", name) for name in forward.inputs}
    return roles | {output: ("output", output)}


def _functions(rows: Iterable[Row]) -> dict[str, str]:
    """What the functions that are called mean."""
    known = {UNICODE.call(name): here for name, here in OPERATORS.items() if here.doc}
    called = dict.fromkeys(token.text for row in rows for token in row.tokens if token.kind == "call" and token.text in known)
    return {f"{word}({_operands(known[word])})": known[word].doc for word in called}


def _computed(net: Net) -> dict[str, str]:
    """The identities that were applied before the derivation, each with its reason."""
    return {rewrite.pattern: f"computed as {rewrite.replacement}: {rewrite.reason}" for rewrite in net.rewrites}


def _operands(here: Operator) -> str:
    return "…" if here.variadic else ", ".join(here.operands or here.options)


def _sizes(entries: Sequence[Entry]) -> dict[str, str]:
    """Whose rows and columns the sizes are that nothing fixes."""
    found: dict[Dimension, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        for size, side in zip(entry.shape, ("rows", "columns"), strict=True):
            if isinstance(size, str) and size.isidentifier() and entry.role in ("data", "parameter", "hidden layer", "value", "output"):
                found[size][side].append(entry.text)
    return {str(size): ", ".join(f"the {side} of {_listed(texts)}" for side, texts in sides.items()) for size, sides in found.items()}


def _listed(texts: Sequence[str]) -> str:
    return ", ".join([*texts[:NAMED], *(["…"] if len(texts) > NAMED else [])])
