"""The NumPy text of an operator → a kernel: the array operations that it consists of, one by one.

In    an operator's record: its template (`$a * $b`, `relu($x)`) and the functions above it
Out   a Kernel: instructions whose operands are the operator's, numbers, or earlier instructions
Idea  the text that the readable module shows is the one definition; it is read as Python's own syntax tree, so that two
      operators that take the same exponential share it, and whatever the reader does not know stays a call as it is

A kernel rests on the record and its options alone, so each is made once in a process.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

from sympy import Expr

from algebra2net.operators.operator import BESIDE, NONE, Operation, Operator
from algebra2net.operators.prelude import functions_of, reached
from algebra2net.optimize.in_place import in_place

UNARY = frozenset(
    "exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh abs sign floor ceil rint square negative".split()
)
BINARY = frozenset("add subtract multiply divide power maximum minimum fmax hypot copysign logaddexp".split())
COMPARISONS = frozenset("less less_equal greater greater_equal equal not_equal".split())
# mask: 1.0 where the first is larger, else 0.0, as a factor
LOGICAL = frozenset("bitwise_and bitwise_or invert".split())
REDUCTIONS = frozenset("sum mean max min".split())
ENTRYWISE = UNARY | BINARY | COMPARISONS | LOGICAL | {"where", "cast", "mask"}

_BINARY: Mapping[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power", ast.MatMult: "dot", ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or",
}  # fmt: skip
_COMPARED: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ref:
    """An operand of an instruction: one of the operator's operands, or behind them the result of an instruction before."""

    place: int


class Check(NamedTuple):
    """What is asked of the operands `_0_`, `_1_` behind a quick value, and the careful value where the answer is no."""

    question: str
    careful: str


Argument = Ref | float | int | None
Reference = Argument | tuple["Reference", ...]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One array operation. `data` is an axis, or the text around the operands of what is left as it is."""

    op: str
    args: tuple[Argument, ...]
    data: object = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """What an operator does, in single array operations; and the functions that stay calls."""

    instructions: tuple[Instruction, ...]
    result: Argument
    preludes: tuple[tuple[str, str], ...]
    single: Instruction | None  # the one that it consists of, if that takes the operands as they come


class UnknownTextError(Exception):
    """Python that is no plain sequence of array operations."""


def kernel(record: Operator, value: Operation, straight: frozenset[str] | None = None) -> Kernel:
    """The kernel of a value's operator.

    A function that looks at its numbers first (`if x.min(initial=0) > -80: return …`) is a call. Where loops are compiled it
    is read, as what comes after such a line holds for all numbers, unless it is about columns: but for the functions in `straight`,
    which stay calls. Loops go over rows.
    """
    count = len(record.operands_of(value))
    return _kernel(record, value.args[count:], count, straight)


@cache
def _kernel(record: Operator, options: tuple[Expr, ...], count: int, straight: frozenset[str] | None) -> Kernel:
    settings = {name: str(option) for name, option in zip(record.options, options, strict=True)}
    axis = settings.get("axis", str(NONE))
    text = record.numpy.replace("$*", ", ".join(f"operand{k}" for k in range(count)))
    text = text.replace("$axis", "" if axis == str(NONE) else f"axis={axis}, keepdims=True").replace("$line", "None" if axis == str(NONE) else axis)
    environment: dict[str, Reference] = {f"operand{k}": Ref(k) for k in range(count)}
    for place, name in enumerate(record.operands[:count] if not record.variadic else ()):
        environment[f"slot_{name}"] = Ref(place)
    for name, setting in settings.items():
        if name != "axis":
            environment[f"slot_{name}"] = _number(setting)
    reader = _Reader(functions_of(record.prelude), straight, count)
    tree = ast.parse(re.sub(r"\$(\w+)", r"slot_\1", text), mode="eval").body
    result = reader.value(tree, environment)
    assert not isinstance(result, tuple)
    instructions, result = _used(reader.instructions, result, count)
    texts = [text for each in instructions for text in (each.data if isinstance(each.data, Check) else [str(each.data)] if each.op in ("call", "text") else ())]
    kept = reached("\n".join(texts), reader.functions)
    is_single = len(instructions) == 1 and result == Ref(count) and instructions[0].args == tuple(map(Ref, range(count))) and instructions[0].op not in ("call", "text")
    preludes = tuple((name, rewritten(reader.functions[name], record)) for name in kept)
    return Kernel(tuple(instructions), result, preludes, instructions[0] if is_single else None)


def _used(instructions: Sequence[Instruction], result: Argument, operands: int) -> tuple[list[Instruction], Argument]:
    """The instructions that the result rests on: what only a shorter way asked for is left out."""
    wanted = {result} if isinstance(result, Ref) else set()
    for place in reversed(range(len(instructions))):
        if Ref(operands + place) in wanted:
            wanted.update(arg for arg in instructions[place].args if isinstance(arg, Ref))
    places = [place for place in range(len(instructions)) if Ref(operands + place) in wanted]
    moved: dict[Argument, Ref] = {Ref(operands + place): Ref(operands + now) for now, place in enumerate(places)}
    used = [replace(instructions[place], args=tuple(moved.get(arg, arg) for arg in instructions[place].args)) for place in places]
    return used, moved.get(result, result)


@cache
def of_one_shape(record: Operator) -> bool:
    """Whether an operator's operands, and all that its code makes of them, are arrays of one shape."""
    return record.elementwise and not record.options and (len(record.operands) == 1 or record.name in BESIDE)


def rewritten(text: str, record: Operator) -> str:
    """A function that stays a call, in place where its arrays have one shape."""
    arguments = text.partition("\n")[0].count(",") + 1
    return in_place(text) if of_one_shape(record) and (arguments == 1 or arguments == len(record.operands) == 2) else text


def _number(text: str) -> float | int:
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


@dataclass
class _Reader:
    """Reads expressions and straight-line functions into instructions."""

    functions: Mapping[str, str]
    straight: frozenset[str] | None
    operands: int  # how many the operator has
    instructions: list[Instruction] = field(default_factory=list)

    def step(self, op: str, *args: Argument, data: object = None) -> Ref:
        self.instructions.append(Instruction(op, args, data))
        return Ref(self.operands + len(self.instructions) - 1)

    # expressions

    def value(self, node: ast.expr, names: Mapping[str, Reference]) -> Reference:
        match node:
            case ast.Name(id=name):
                if name in names:
                    return names[name]
            case ast.Constant(value=int() | float() | None):
                return node.value  # type: ignore[return-value]
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                found = self.value(inner, names)
                return -found if isinstance(found, int | float) else self.step("negative", _one(found))
            case ast.UnaryOp(op=ast.Invert(), operand=inner):
                return self.step("invert", self.one(inner, names))
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
                return self.step(_BINARY[type(operator)], self.one(left, names), self.one(right, names))
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _COMPARED:
                return self.step(_COMPARED[type(operator)], self.one(left, names), self.one(right, names))
            case ast.Tuple(elts=parts):
                return tuple(self.value(part, names) for part in parts)
            case ast.Attribute(value=whole, attr="T"):
                return self.step("T", self.one(whole, names))
            case ast.Call():
                return self.call(node, names)
        return self.as_it_is(node, names)

    def one(self, node: ast.expr, names: Mapping[str, Reference]) -> Argument:
        return _one(self.value(node, names))

    def call(self, node: ast.Call, names: Mapping[str, Reference]) -> Reference:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name), args=args, keywords=[]) if (name in UNARY | BINARY and len(args) == 1 + (name in BINARY)) or (
                name == "where" and len(args) == 3
            ):
                return self.step(name, *(self.one(arg, names) for arg in args))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="clip"), args=[x, low, high], keywords=[]):
                return self.step("minimum", self.step("maximum", self.one(x, names), self.one(low, names)), self.one(high, names))
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=ast.Attribute(value=ast.Name(), attr="dtype"), attr="type")), args=[number], keywords=[]):
                found = self.value(number, names)
                if isinstance(found, int | float):
                    return float(found)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=ast.Name(), attr="dtype"), attr="type"), args=[number], keywords=[]):
                found = self.value(number, names)
                return float(found) if isinstance(found, int | float) else found  # an array has that type
            case ast.Call(func=ast.Attribute(value=whole, attr="astype"), args=[ast.Name(id="slot_dtype") | ast.Attribute(value=ast.Name(), attr="dtype")], keywords=[]):
                inner = self.one(whole, names)
                if isinstance(inner, Ref) and inner.place >= self.operands and self.instructions[inner.place - self.operands].op in COMPARISONS | LOGICAL:
                    return self.step("cast", inner)
            case ast.Call(func=ast.Attribute(value=whole, attr=name), args=[], keywords=keywords) if name in REDUCTIONS:
                axis = _axis(keywords, names)
                if axis is not UNKNOWN:
                    return self.step(name, self.one(whole, names), data=axis)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in self.functions:
                return self.inlined(name, node, [self.value(arg, names) for arg in args])
        return self.as_it_is(node, names)

    def inlined(self, name: str, node: ast.Call, given: Sequence[Reference]) -> Reference:
        """The body of a function in place of its call; the call where the body is more than array operations."""
        before = len(self.instructions)
        definition = ast.parse(self.functions[name]).body[0]
        assert isinstance(definition, ast.FunctionDef)
        try:
            if name in (self.straight or ()):
                raise UnknownTextError
            return self.body(definition.body, dict(zip((arg.arg for arg in definition.args.args), given, strict=True)))
        except UnknownTextError:
            del self.instructions[before:]
        words = [_word(argument) for argument in given]
        args = tuple(argument for argument in given if isinstance(argument, Ref))
        return self.step("call", *args, data=f"{name}({', '.join(words)})")

    def body(self, statements: Sequence[ast.stmt], names: dict[str, Reference]) -> Reference:
        for place, statement in enumerate(statements):
            match statement:
                case ast.Expr(value=ast.Constant()):
                    continue
                case ast.If(test=test, orelse=[]) if "axis" in names and (self.straight is None or names["axis"] != 1) and _asks_for_numbers(test, names):
                    match statements[place + 1 :]:
                        case [ast.Return(value=ast.expr() as careful)]:
                            return self.checked(statement, careful, names)
                    raise UnknownTextError
                case ast.If(test=test, orelse=[]) if self.straight is not None and _asks_for_numbers(test, names):
                    continue  # a shorter way for some of them
                case ast.Return(value=value) if value is not None:
                    return self.value(value, names)
                case ast.Assign(targets=[target], value=value):
                    self.assign(target, self.value(value, names), names)
                case ast.AugAssign(target=ast.Name(id=name), op=operator, value=value) if type(operator) in _BINARY:
                    names[name] = self.step(_BINARY[type(operator)], _one(names[name]), self.one(value, names))
                case ast.For(target=target, iter=ast.Tuple(elts=rounds), body=body):
                    for each in rounds:
                        self.assign(target, self.value(each, names), names)
                        self.rounds(body, names)
                case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as count)]), body=body):
                    for _ in range(count):
                        self.rounds(body, names)
                case _:
                    raise UnknownTextError
        raise UnknownTextError

    def checked(self, statement: ast.If, careful: ast.expr, names: Mapping[str, Reference]) -> Reference:
        """The quick value for ordinary numbers, done anyway, and the careful one in its place where a question says that they are not.

        In a question within a question, the first one is whether to do it with the numbers at all: if not, it is done with zeros.
        """
        inner = dict(names)
        args: list[Ref] = []
        questions: list[str] = []
        match statement.body:
            case [ast.Return(value=ast.expr() as quick)]:
                test = statement.test
            case [*before, ast.If(test=test, body=[ast.Return(value=ast.expr() as quick)], orelse=[])]:
                for name, asked in _by_operand(statement.test, names):
                    operand = self.one(ast.Name(name), names)
                    asks = _Fill(names, []).text(ast.parse(asked, mode="eval").body)
                    inner[name] = fit = self.step("text", operand, data=f"_0_ if {asks} else np.zeros_like(_0_)")
                    questions.append(f"_{len(args)}_ is _{len(args) + 1}_")
                    args += [fit, operand]  # type: ignore[list-item]
                self.body([*before, ast.Return(ast.Constant(0))], inner)
            case _:
                raise UnknownTextError
        if any(isinstance(node, ast.Name) and node.id in self.functions for node in ast.walk(test)):
            raise UnknownTextError
        questions.append(_Fill(inner, args).text(test))
        otherwise = _Fill(names, args).text(careful)
        return self.step("checked", self.one(quick, inner), *args, data=Check(" and ".join(questions), otherwise))

    def rounds(self, body: Sequence[ast.stmt], names: dict[str, Reference]) -> None:
        self.body([*body, ast.Return(ast.Constant(0))], names)

    def assign(self, target: ast.expr, value: Reference, names: dict[str, Reference]) -> None:
        match target:
            case ast.Name(id=name):
                names[name] = value
            case ast.Tuple(elts=parts) if isinstance(value, tuple) and len(parts) == len(value):
                for part, each in zip(parts, value, strict=True):
                    self.assign(part, each, names)
            case _:
                raise UnknownTextError

    def as_it_is(self, node: ast.expr, names: Mapping[str, Reference]) -> Ref:
        """An expression of which nothing is known but the values that it looks at."""
        if isinstance(node, ast.IfExp | ast.Lambda | ast.GeneratorExp | ast.ListComp):
            raise UnknownTextError
        args: list[Ref] = []
        text = _Fill(names, args).text(node)
        return self.step("text", *args, data=text)


class _Fill(ast.NodeTransformer):
    """Writes operands into an expression: references as `{0}`, numbers as they are."""

    def __init__(self, names: Mapping[str, Reference], args: list[Ref]) -> None:
        self.names = names
        self.args = args

    def text(self, node: ast.expr) -> str:
        """The expression with its operands."""
        return ast.unparse(self.visit(ast.parse(ast.unparse(node), mode="eval").body))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self.names.get(node.id)
        if isinstance(found, Ref):
            if found not in self.args:
                self.args.append(found)
            return ast.Name(f"_{self.args.index(found)}_")
        if isinstance(found, tuple):
            raise UnknownTextError
        if node.id in self.names:
            return ast.Constant(found)
        return node


UNKNOWN = object()


def _axis(keywords: Sequence[ast.keyword], names: Mapping[str, Reference]) -> object:
    """The axis of a reduction that keeps its dimensions, None for all entries, UNKNOWN for anything else."""
    given = {keyword.arg: keyword.value for keyword in keywords}
    if not given:
        return None
    match given:
        case {"axis": ast.Constant(value=axis), "keepdims": ast.Constant(value=True), **rest} if not rest and axis in (0, 1):
            return axis
        case {"axis": ast.Name(id=name), "keepdims": ast.Constant(value=True), **rest} if not rest and names.get(name) in (0, 1):
            return names[name]
    return UNKNOWN


def _asks_for_numbers(test: ast.expr, names: Mapping[str, Reference]) -> bool:
    """Whether a question is about the entries of an array, as in `x.max(initial=0) < 7`, and not about its type or size, or about an option."""
    looked_at = {id(node.value) for node in ast.walk(test) if isinstance(node, ast.Attribute) and node.attr in ("dtype", "shape", "size", "ndim")}
    return any(isinstance(node, ast.Name) and isinstance(names.get(node.id), Ref) and id(node) not in looked_at for node in ast.walk(test))


def _by_operand(test: ast.expr, names: Mapping[str, Reference]) -> list[tuple[str, str]]:
    """What a question asks of each operand, if it asks of one at a time."""
    found: dict[str, list[str]] = {}
    for part in test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]:
        operands = {node.id for node in ast.walk(part) if isinstance(node, ast.Name) and isinstance(names.get(node.id), Ref)}
        if len(operands) != 1:
            raise UnknownTextError
        found.setdefault(operands.pop(), []).append(ast.unparse(part))
    return [(name, " and ".join(asked)) for name, asked in found.items()]


def _one(value: Reference) -> Argument:
    if isinstance(value, tuple):
        raise UnknownTextError
    return value


def _word(argument: Reference) -> str:
    if isinstance(argument, tuple):
        raise UnknownTextError
    return "{}" if isinstance(argument, Ref) else repr(argument)
