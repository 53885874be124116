"""The shorter way that a function takes for ordinary numbers, in place of its call.

In    the text of a function that begins with a question about its entries, as `if x.min(initial=0) > -80: return …`
Out   lines that ask it where the call stood, and go that way; the call is for the other numbers
Idea  what is written in place writes over what is free there, has its numbers as arrays, and several functions of one x
      share exp(-x)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from algebra2net.optimize.in_place import SIGNS, WITH_TWO, Writer, asked

_LEAST = r"[\w‹›]+\.item\([\w‹›]+\.arg(?:min|max)\(\)\)"
_ENTRY = rf"(?:{_LEAST}|max\({_LEAST}, -{_LEAST}\))"  # the text that asks for the smallest, the largest entry, or the largest without its sign
_EMPTY = re.compile(rf"\(?({_ENTRY}) if [\w‹›]+\.size else [-\w.]+\)?")  # a question about entries that may not be there
_FEW = re.compile(r"‹(\d+)›\.size < (\d+) and ")


@dataclass(frozen=True, slots=True)
class Way:
    """A question, the lines before it, and the lines where the answer is yes."""

    before: tuple[str, ...]
    test: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """The shorter ways of a function, one after the other.

    In the lines, `‹0›` is the first operand, `‹out›` the result, `‹=2›` a number, `‹t1›` a name, `‹far›` an |x| of
    which exp(2 |x|) is finite in the float type.
    """

    ways: tuple[Way, ...]
    calls: tuple[tuple[str, str], ...]  # results and their calls, where no answer is yes
    names: tuple[str, ...]
    rest: tuple[str, ...] = ()  # in place of the calls: lines that are as short, for the other float type

    def lines(self, fill: Callable[[str], str], there: Collection[str], keep: bool, entries: Sequence[int | None], factor: bool = False, spent: Collection[str] = ()) -> list[str]:
        """The statements; `there` are the results that are arrays to be written into; `keep` says that what was made on the way may stay.

        Where the number of entries of the operands is known, nothing asks for it. With a `factor`, `‹factor›` is multiplied by the result.
        What is `spent` are operands that nobody reads afterwards.
        """
        text = _unfilled(self if None in entries else self.of_size(tuple(entries)), frozenset(there), keep, factor, frozenset(spent))  # type: ignore[arg-type]
        words = {word: fill(word) for word in dict.fromkeys(_SLOT.findall(text))}
        return _SLOT.sub(lambda match: words[match[1]], text).split("\n")

    def deleted(self, lines: Sequence[str]) -> list[str]:
        """The line that lets go of what these made on the way."""
        made = [f"‹{name}›" for name in self.names if any(line.startswith(f"‹{name}› = ") for line in lines)]
        return [f"del {', '.join(made)}"] if made else []

    def of_size(self, entries: tuple[int, ...]) -> Shortcut:
        """The shorter ways for operands of so many entries, without questions that these answer."""
        fit = [way for way in self.ways if all(entries[int(place)] < int(limit) for place, limit in _FEW.findall(way.test))]
        ways = [replace(way, test=_FEW.sub("", way.test)) for way in fit]
        return replace(self, ways=tuple(ways if 0 in entries else (replace(way, test=without_empty(way.test)) for way in ways)))


_SLOT = re.compile(r"‹([^›]+)›")


def without_empty(question: str) -> str:
    """A question about entries of which there are some."""
    return _EMPTY.sub(r"\1", question)


_TIMES = "‹factor› *= ‹out›"
_OVER = {"np.divide(‹=1›, ‹out›, ‹out›)": "‹factor› /= ‹out›"}  # what is multiplied by 1 / y is divided by y


@cache
def _unfilled(short: Shortcut, there: frozenset[str], keep: bool, factor: bool, spent: frozenset[str]) -> str:
    """The statements, before they speak of the values of one place."""
    rest = [_into(line, there) for line in short.rest]
    found = [*rest, *([] if keep else short.deleted(rest))] or [f"{out}{'[...]' if out in there else ''} = {call}" for out, call in short.calls]
    last = [_TIMES] if factor else []
    for place, way in reversed([*enumerate(short.ways)]):
        known = {*there, *(("‹out›",) if any(each.before for each in short.ways[: place + 1]) else ())}
        inside = _written_over([_into(line, known) for line in way.lines], spent)
        if inside:
            if factor:
                inside[-1:] = [_OVER[inside[-1]]] if inside[-1] in _OVER else [inside[-1], _TIMES]
            inside += [] if keep else short.deleted(inside)
            other = [f"el{found[0]}", *found[1:]] if found[0].startswith("if ") and not last else ["else:", *_indented([*found, *last])]
            last = []
            found = [f"if {way.test}:", *_indented(inside), *other]
        else:
            found = [f"if not {way.test}:", *_indented(found)]
        found = [*(_into(line, there) for line in way.before), *found]
    return "\n".join([*found, *last])


def _written_over(lines: list[str], spent: Collection[str]) -> list[str]:
    """The lines, with a function of one operand in the memory of that, if it is spent and this is the last line that reads it."""
    for operand in spent:
        last = max((place for place, line in enumerate(lines) if operand in line), default=None)
        if last is not None:
            lines[last] = re.sub(rf"(?<== )np\.(\w+)\({operand}\)$", rf"np.\1({operand}, {operand})", lines[last])
    return lines


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@cache
def shortcut(text: str, one_shape: bool) -> Shortcut | None:
    """The shorter way of a function, if it has one that is a few array operations."""
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    body = [statement for statement in definition.body if not isinstance(statement, ast.Expr)]
    end = max((place + 1 for place, statement in enumerate(body) if isinstance(statement, ast.If)), default=0)
    params = {arg.arg: f"‹{k}›" for k, arg in enumerate(definition.args.args)}
    writer = Writer(definition, one_shape, inline=True)
    words: dict[str, str] = dict(params)
    ways: list[Way] = []
    before: list[str] = []
    for statement in body[:end]:
        if not isinstance(statement, ast.If):
            before += writer.statement(statement)
            continue
        lines = writer.block(statement.body)
        words[lines.pop().removeprefix("return ")] = "‹out›"
        ways.append(Way(tuple(before), asked(statement.test), tuple(lines)))
        before = []
    if not ways or not writer.plain:
        return None
    rest: list[str] = []
    if "itemsize" in ways[-1].test:  # as short a way, of the other float type
        rest = writer.block(body[end:])
        if writer.plain:
            words[rest.pop().removeprefix("return ")] = "‹out›"
        else:
            rest = []
    names = sorted(writer.made - set(words))
    words |= {name: f"‹{name}›" for name in names}

    def worded(lines: Sequence[str]) -> tuple[str, ...]:
        return tuple(_named(line, words) for line in lines)

    found = tuple(Way(worded(way.before), _named(way.test, words), worded(way.lines)) for way in ways)
    call = f"{definition.name}({', '.join(params.values())})"
    match body[end:]:
        case [ast.Return(value=ast.Call(func=ast.Name(), args=args) as next_call)] if all(isinstance(arg, ast.Name) for arg in args):
            call = _named(ast.unparse(next_call), words)  # goes on with what is there already
    return Shortcut(found, (("‹out›", call),), tuple(names), worded(rest))


@cache
def together(values: tuple[tuple[str, str], ...]) -> Shortcut:
    """The shorter way of several functions of one x: of each, its code from q and s (see `Operator.ordinary`), and its call.

    The results are `‹out›`, `‹out1›`, `‹out2›`.
    """
    shares_s = any(re.search(r"\bs\b", code) for code, _ in values)
    codes = [(f"out{k}", code) for k, (code, _) in enumerate(values) if code != "s"]
    codes.sort(key=lambda each: len(re.findall(r"\bq\b", each[1])) == 1)
    q = codes[-1][0] if len(re.findall(r"\bq\b", codes[-1][1])) == 1 else "q"  # has its memory from the start, where it is the last to read q
    made = [("q", "np.exp(-x)"), *([("s", "1 / (1 + q)")] if shares_s else []), *codes]
    text = "def shared(x):\n" + "".join(f"    {name} = {code}\n" for name, code in made)
    definition = ast.parse(re.sub(r"\bq\b", q, text)).body[0]
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
    return Shortcut((Way((), _named(test, words), tuple(_named(line, words) for line in lines)),), calls, tuple(names))


def _named(line: str, words: Mapping[str, str]) -> str:
    return re.sub(r"(?<![\w.‹])[A-Za-z_]\w*(?![\w(=])", lambda match: words.get(match[0], match[0]), line)


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
