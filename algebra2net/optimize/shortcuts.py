"""The shorter way that a function takes for ordinary numbers, in place of its call.

In    the text of a function that begins with a question about its entries, as `if x.min(initial=0) > -80: return …`
Out   lines that ask it where the call stood, and go that way; the call is for the other numbers
Idea  what is written in place writes over what is free there, has its numbers as arrays, and several functions of one x
      share exp(-x)
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache

from algebra2net.optimize.in_place import SIGNS, WITH_TWO, Writer, asked

_LEAST = r"\w+\.item\(\w+\.arg(?:min|max)\(\)\)"
ENTRY = rf"(?:{_LEAST}|max\({_LEAST}, -{_LEAST}\))"  # the text that asks for the smallest, the largest entry, or the largest without its sign
_QUESTION = re.compile(rf"\({ENTRY} if \w+\.size else [-\d.]+\)")


@dataclass(frozen=True, slots=True)
class Shortcut:
    """The shorter ways of a function: what it does first, then questions, each with what it does where the answer is yes.

    In the lines, `‹0›` is the first operand, `‹out›` the result, `‹=2›` a number, `‹t1›` a name, `‹far›` an |x| of
    which exp(2 |x|) is finite in the float type.
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
    writer = Writer(definition, one_shape, inline=True)
    words: dict[str, str] = dict(params)
    first = tuple(writer.block(before))
    branches: list[tuple[str, tuple[str, ...]]] = []
    for way in ways:
        assert isinstance(way, ast.If)
        lines = writer.block(way.body)
        result = lines.pop().removeprefix("return ")
        words[result] = "‹out›"
        branches.append((asked(way.test), tuple(lines)))
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
    shares_s = any(re.search(r"\bs\b", code) for code, _ in values)
    text = "def shared(x):\n    q = np.exp(-x)\n" + "    s = 1 / (1 + q)\n" * shares_s + "".join(f"    out{k} = {code}\n" for k, (code, _) in enumerate(values) if code != "s")
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    writer = Writer(definition, one_shape=True, inline=True)
    lines = writer.block(definition.body)
    words = {"x": "‹0›"} | {"s" if code == "s" else f"out{k}": f"‹out{k or ''}›" for k, (code, _) in enumerate(values)}
    names = sorted(writer.made - set(words))
    words |= {name: f"‹{name}›" for name in names}
    calls = tuple((f"‹out{k or ''}›", _named(call, words)) for k, (_, call) in enumerate(values))
    test = "(x.item(x.argmin()) if x.size else 0) > -‹far›"
    if any(re.search(r"\bx\b|/ q", code) for code, _ in values):
        test += " and (x.item(x.argmax()) if x.size else 0) < ‹far›"  # then exp(x) may overflow, too, and inf * 0 would be nan
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
        return f"np.{call[1]}({call[2]}, {'out=' if call[1] in WITH_TWO else ''}{out})"
    left, sign, right = re.fullmatch(r"(\S+) ([-+*/]) (\S+)", value).groups()  # type: ignore[union-attr]
    return f"np.{next(name for mark, name in SIGNS.values() if mark == sign)}({left}, {right}, {out})"
