"""A function that stays a call, as an expert writes it: what a step gave is written over by the next.

In    the text of a function of float arrays
Out   the same function, its expressions one operation a line in the memory of their first; and where it begins with a
      shorter way for ordinary numbers, that way as lines to put in place of the call
Idea  an intermediate result has no name, so nobody else can look at it; what is asked of all entries
      (`x.min(initial=0)`) is asked by argmin, in a fifth of the time on small arrays

A statement with anything else in it than arithmetic on such arrays stays as it is.
"""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

_SIGNS: Mapping[type[ast.operator], tuple[str, str]] = {ast.Add: ("+", "add"), ast.Sub: ("-", "subtract"), ast.Mult: ("*", "multiply"), ast.Div: ("/", "divide")}
_ONE = frozenset("exp expm1 log log1p sqrt abs negative square rint sign floor tanh cosh sinh sin cos".split())
_TWO = frozenset(("minimum", "maximum", "copysign"))


_LEAST = r"\w+\.item\(\w+\.arg(?:min|max)\(\)\)"
ENTRY = rf"(?:{_LEAST}|max\({_LEAST}, -{_LEAST}\))"  # the text that asks for the smallest, the largest entry, or the largest without its sign
_QUESTION = re.compile(rf"\({ENTRY} if \w+\.size else [-\d.]+\)")


class _AsItIsError(Exception):
    """No arithmetic on arrays alone."""


@cache
def in_place(text: str, one_shape: bool) -> str:
    """The function of that text, written so; `one_shape` says that all its arrays have one."""
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    writer = _Writer(definition, one_shape)
    lines = writer.block(definition.body)
    head = f"def {definition.name}({ast.unparse(definition.args)}):"
    return "\n".join([head, *(f"    {line}" for line in lines)]) if writer.changed else text


@dataclass(frozen=True, slots=True)
class Shortcut:
    """The shorter ways of a function: what it does first, then questions, each with what it does where the answer is yes.

    In the lines, `‹0›` is the first operand, `‹out›` the result, `‹=2›` a number, `‹t1›` a name.
    """

    first: tuple[str, ...]
    branches: tuple[tuple[str, tuple[str, ...]], ...]
    calls: tuple[tuple[str, str], ...]  # results and their calls, where no answer is yes
    names: tuple[str, ...]

    def lines(self, fill: Callable[[str], str], there: Collection[str], keep: bool) -> list[str]:
        """The statements; `there` are the results that are arrays to be written into; `keep` says that what was made on the way may stay."""
        text = _unfilled(self, frozenset(there), keep)
        words = {word: fill(word) for word in dict.fromkeys(_SLOT.findall(text))}
        return _SLOT.sub(lambda match: words[match[1]], text).split("\n")


_SLOT = re.compile(r"‹([^›]+)›")


@cache
def _unfilled(short: Shortcut, there: frozenset[str], keep: bool) -> str:
    """The statements, before they speak of the values of one place."""
    found = [_into(line, there) for line in short.first]
    word = "if"
    for test, lines in short.branches:
        inside = [_into(line, {*there, *(("‹out›",) if short.first else ())}) for line in lines]
        made = [f"‹{name}›" for name in short.names if any(line.startswith(f"‹{name}› = ") for line in inside)]
        inside += [f"del {', '.join(made)}"] if made and not keep else []
        found += [f"{word} {test}:", *(f"    {line}" for line in inside or ["pass"])]
        word = "elif"
    return "\n".join([*found, "else:", *(f"    {out}{'[...]' if out in there else ''} = {call}" for out, call in short.calls)])


@cache
def shortcut(text: str, one_shape: bool) -> Shortcut | None:
    """The shorter way of a function, if it has one that is a few array operations."""
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    body = [statement for statement in definition.body if not isinstance(statement, ast.Expr)]
    before = list(itertools.takewhile(lambda statement: isinstance(statement, ast.Assign), body))
    ways = list(itertools.takewhile(lambda statement: isinstance(statement, ast.If), body[len(before) :]))
    params = {arg.arg: f"‹{k}›" for k, arg in enumerate(definition.args.args)}
    writer = _Writer(definition, one_shape, inline=True)
    words: dict[str, str] = dict(params)
    first = tuple(writer.block(before))
    branches: list[tuple[str, tuple[str, ...]]] = []
    for way in ways:
        assert isinstance(way, ast.If)
        lines = writer.block(way.body)
        result = lines.pop().removeprefix("return ")
        words[result] = "‹out›"
        branches.append((ast.unparse(_Asked().visit(copy.deepcopy(way.test))), tuple(lines)))
    if not branches or not writer.plain:
        return None
    questions = Counter(question for test, _ in branches for question in _QUESTION.findall(test))
    twice = next((question for question, count in questions.items() if count > 1), None)
    if twice is not None:  # asked once
        first += (f"asked = {twice[1:-1]}",)
        branches = [(test.replace(twice, "asked"), lines) for test, lines in branches]
        writer.made.add("asked")
    names = sorted(writer.made - set(words))
    words |= {name: f"‹{name}›" for name in names}
    named = tuple((_named(test, words), tuple(_named(line, words) for line in lines)) for test, lines in branches)
    call = f"{definition.name}({', '.join(params.values())})"
    match body[len(before) + len(ways) :]:
        case [ast.Return(value=ast.Call(func=ast.Name(), args=args) as rest)] if all(isinstance(arg, ast.Name) for arg in args):
            call = _named(ast.unparse(rest), words)  # goes on with what is there already
    return Shortcut(tuple(_named(line, words) for line in first), named, (("‹out›", call),), tuple(names))


@cache
def together(values: tuple[tuple[str, str], ...]) -> Shortcut:
    """The shorter way of several functions of one x: of each, its code from q and s (see `Operator.ordinary`), and its call.

    The results are `‹out›`, `‹out1›`, `‹out2›`.
    """
    text = "def shared(x):\n    q = np.exp(-x)\n    s = 1 / (1 + q)\n" + "".join(f"    out{k} = {code}\n" for k, (code, _) in enumerate(values) if code != "s")
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    writer = _Writer(definition, one_shape=True, inline=True)
    lines = writer.block(definition.body)
    words = {"x": "‹0›"} | {"s" if code == "s" else f"out{k}": f"‹out{k or ''}›" for k, (code, _) in enumerate(values)}
    names = sorted(writer.made - set(words))
    words |= {name: f"‹{name}›" for name in names}
    calls = tuple((f"‹out{k or ''}›", _named(call, words)) for k, (_, call) in enumerate(values))
    test = "(x.item(x.argmin()) if x.size else 0) > -40"
    if any(re.search(r"\bx\b", code) for code, _ in values):
        test += " and (x.item(x.argmax()) if x.size else 0) < 1e30"  # inf * 0 would be nan
    return Shortcut((), ((_named(test, words), tuple(_named(line, words) for line in lines)),), calls, tuple(names))


def _named(line: str, words: Mapping[str, str]) -> str:
    return re.sub(r"(?<![\w.‹=])[A-Za-z_]\w*(?![\w(=])", lambda match: words.get(match[0], match[0]), line)


def _into(line: str, there: Collection[str]) -> str:
    """The line that makes a result, writing into an array if that is there."""
    out, _, value = line.partition(" = ")
    if out not in there:
        return line
    call = re.fullmatch(r"np\.(\w+)\((.*)\)", value)
    if call:
        return f"np.{call[1]}({call[2]}, {'out=' if call[1] in _TWO else ''}{out})"
    left, sign, right = re.fullmatch(r"(\S+) ([-+*/]) (\S+)", value).groups()  # type: ignore[union-attr]
    return f"np.{next(name for mark, name in _SIGNS.values() if mark == sign)}({left}, {right}, {out})"


class _Writer:
    """Writes the statements of one function."""

    def __init__(self, definition: ast.FunctionDef, one_shape: bool, inline: bool = False) -> None:
        self.arrays = {arg.arg for arg in definition.args.args}  # names that surely are float arrays
        self.one_shape = one_shape
        self.inline = inline  # numbers become arrays
        self.changed = False
        self.plain = True  # no statement was left as it is
        self.made: set[str] = set()  # names of what is made here
        taken = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}
        self.fresh = (name for n in itertools.count(1) if (name := f"t{n}") not in taken)
        self.spent: set[str] = set()  # names that nobody reads after the statement

    def block(self, statements: Sequence[ast.stmt]) -> list[str]:
        return [line for statement in statements for line in self.statement(statement)]

    def statement(self, statement: ast.stmt) -> list[str]:
        try:
            match statement:
                case ast.Expr(value=ast.Constant(value=str() as doc)):
                    return [f'"""{doc}"""']
                case ast.If(test=test, body=body, orelse=[]):
                    return [f"if {ast.unparse(_Asked().visit(copy.deepcopy(test)))}:", *(f"    {line}" for line in self.block(body))]
                case ast.Return(value=ast.Name()):
                    return [ast.unparse(statement)]
                case ast.Return(value=ast.expr() as value):
                    read = [node.id for node in ast.walk(value) if isinstance(node, ast.Name)]
                    self.spent = {name for name in self.made if read.count(name) == 1}
                    lines, found = self.steps(value, None)
                    return [*lines, f"return {found}"]
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    lines, found = self.steps(value, name)
                    self.arrays.add(name)
                    self.made.add(name)
                    return lines if found == name else [*lines, f"{name} = {found}"]
        except _AsItIsError:
            pass
        self.plain = False
        stored = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.arrays -= stored
        self.made -= stored
        return ast.unparse(statement).split("\n")

    def steps(self, value: ast.expr, target: str | None) -> tuple[list[str], str]:
        """The lines that compute a value, and the name that it has then: `target`, where its own value is not read any more."""
        lines: list[str] = []
        reads = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        self.target = None if target in reads else target
        found, is_new = self.expression(value, lines)
        if not is_new:
            raise _AsItIsError
        self.spent = set()
        self.changed |= len(lines) > 1
        return lines, found

    def expression(self, node: ast.expr, lines: list[str]) -> tuple[str, bool]:
        """The text of a value, and whether it is an intermediate result that may be written over."""
        match node:
            case ast.Name(id=name) if name in self.arrays:
                return name, name in self.spent
            case ast.Constant(value=int() | float()) | ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
                return f"‹={ast.unparse(node)}›" if self.inline else ast.unparse(node), False
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self.call("negative", [inner], lines)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
                return self.call("square", [left], lines)
            case ast.BinOp(left=ast.Name(id=left), op=ast.Mult(), right=ast.Name(id=right) as name) if left == right:
                return self.call("square", [name], lines)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
                return self.call(_SIGNS[type(sign)][1], [left, right], lines, _SIGNS[type(sign)][0])
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name), args=args, keywords=[]) if (name in _ONE and len(args) == 1) or (name in _TWO and len(args) == 2):
                return self.call(name, args, lines)
        raise _AsItIsError

    def call(self, name: str, args: Sequence[ast.expr], lines: list[str], sign: str = "") -> tuple[str, bool]:
        """One operation, in the memory of an operand that nobody reads any more."""
        if all(isinstance(arg, ast.Constant) for arg in args):
            raise _AsItIsError
        found = [self.expression(arg, lines) for arg in args]
        words = [word for word, _ in found]
        out = next((word for word, is_new in found if is_new), None) if self.one_shape or len(args) == 1 else None
        listed = ", ".join(words)
        if out is None:
            out = self.named()
            lines.append(f"{out} = {words[0]} {sign} {words[1]}" if sign else f"{out} = np.{name}({listed})")
        elif sign and out == words[0]:
            lines.append(f"{out} {sign}= {words[1]}")
        else:
            lines.append(f"np.{name}({listed}, {'out=' if name in _TWO else ''}{out})")
        return out, True

    def named(self) -> str:
        """The name of a new intermediate result."""
        name, self.target = self.target or next(self.fresh), None
        self.made.add(name)
        return name


class _Asked(ast.NodeTransformer):
    """Questions about all entries, asked by argmin and argmax."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="abs"), args=[ast.Name(id=x)]), attr="max"),
                args=[],
                keywords=[ast.keyword("initial", start)],
            ):
                return _written(f"(max({x}.item({x}.argmax()), -{x}.item({x}.argmin())) if {x}.size else {ast.unparse(start)})")
            case ast.Call(func=ast.Attribute(value=ast.Name(id=x), attr="min" | "max" as which), args=[], keywords=[ast.keyword("initial", start)]):
                return _written(f"({x}.item({x}.arg{which}()) if {x}.size else {ast.unparse(start)})")
        return node


def _written(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
