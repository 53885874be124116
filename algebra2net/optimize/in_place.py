"""A function that stays a call, as an expert writes it: what a step gave is written over by the next.

In    the text of a function of float arrays
Out   the same function, its expressions one operation a line in the memory of their first
Idea  an intermediate result has no name, so nobody else can look at it; what is asked of all entries
      (`x.min(initial=0)`) is asked by argmin, in a fifth of the time on small arrays

A statement with anything else in it than arithmetic on such arrays stays as it is.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Mapping, Sequence
from functools import cache

SIGNS: Mapping[type[ast.operator], tuple[str, str]] = {ast.Add: ("+", "add"), ast.Sub: ("-", "subtract"), ast.Mult: ("*", "multiply"), ast.Div: ("/", "divide")}
_ONE = frozenset("exp expm1 log log1p sqrt abs negative square rint sign floor tanh cosh sinh sin cos".split())
WITH_TWO = frozenset(("minimum", "maximum", "copysign"))


class _AsItIsError(Exception):
    """No arithmetic on arrays alone."""


@cache
def in_place(text: str) -> str:
    """The function of that text, written so; all its arrays have one shape."""
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    writer = Writer(definition, one_shape=True)
    lines = writer.block(definition.body)
    head = f"def {definition.name}({ast.unparse(definition.args)}):"
    return "\n".join([head, *(f"    {line}" for line in lines)]) if writer.changed else text


class Writer:
    """Writes the statements of one function."""

    def __init__(self, definition: ast.FunctionDef, one_shape: bool, inline: bool = False) -> None:
        self.arrays = {arg.arg for arg in definition.args.args}  # names that surely are float arrays
        self.one_shape = one_shape
        self.inline = inline  # numbers become slots, as a Shortcut has them
        self.changed = False
        self.plain = True  # no statement was left as it is
        self.made: set[str] = set()  # names of what is made here
        taken = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}
        self.fresh = (name for n in itertools.count(1) if (name := f"t{n}") not in taken)
        self.spent: set[str] = set()  # names that nobody reads after the statement

    def block(self, statements: Sequence[ast.stmt]) -> list[str]:
        """The lines of some statements."""
        return [line for statement in statements for line in self.statement(statement)]

    def statement(self, statement: ast.stmt) -> list[str]:
        """The lines of one, in place where it is arithmetic on arrays."""
        try:
            match statement:
                case ast.Expr(value=ast.Constant(value=str() as doc)):
                    return [f'"""{doc}"""']
                case ast.If(test=test, body=body, orelse=[]):
                    return [f"if {asked(test)}:", *(f"    {line}" for line in self.block(body))]
                case ast.For(target=target, iter=ast.Tuple(elts=rounds), body=body, orelse=[]) if self.inline:
                    return [line for each in rounds for line in self.block(_Numbers.of(target, each).filled(body))]
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if self.inline and self.are_apart(targets, values):
                    pairs = [ast.Assign([name], value, lineno=0) for name, value in zip(targets, values, strict=True)]
                    return self.block(pairs)
                case ast.AugAssign(target=ast.Name(id=name), op=sign, value=value) if self.inline and name in self.made and type(sign) in SIGNS:
                    return [f"{name} {SIGNS[type(sign)][0]}= {self.operand(value)}"]
                case ast.Return(value=ast.Name()):
                    return [ast.unparse(statement)]
                case ast.Return(value=ast.expr() as value):
                    read = [node.id for node in ast.walk(value) if isinstance(node, ast.Name)]
                    self.spent = {name for name in self.made if read.count(name) == 1}
                    lines, found = self.steps(value, None)
                    return [*lines, f"return {found}"]
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    read = [node.id for node in ast.walk(value) if isinstance(node, ast.Name)]
                    self.spent = {name} if name in self.made and read.count(name) == 1 else set()
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

    def are_apart(self, targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> bool:
        """Whether names that are given values together may as well be given them one after the other."""
        read = {node.id for value in values for node in ast.walk(value) if isinstance(node, ast.Name)}
        return len(targets) == len(values) and all(isinstance(target, ast.Name) and target.id not in read for target in targets)

    def operand(self, value: ast.expr) -> str:
        """The text of a name or a number."""
        if isinstance(value, ast.Name | ast.Constant):
            return self.expression(value, [])[0]
        raise _AsItIsError

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
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in SIGNS:
                return self.call(SIGNS[type(sign)][1], [left, right], lines, SIGNS[type(sign)][0])
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name), args=args, keywords=[]) if (name in _ONE and len(args) == 1) or (
                name in WITH_TWO and len(args) == 2
            ):
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
            lines.append(f"np.{name}({listed}, {'out=' if name in WITH_TWO else ''}{out})")
        return out, True

    def named(self) -> str:
        """The name of a new intermediate result."""
        name, self.target = self.target or next(self.fresh), None
        self.made.add(name)
        return name


class _Numbers(ast.NodeTransformer):
    """Writes numbers for the names of a loop over numbers."""

    def __init__(self, numbers: Mapping[str, ast.Constant]) -> None:
        self.numbers = numbers

    @classmethod
    def of(cls, target: ast.expr, value: ast.expr) -> _Numbers:
        match target, value:
            case ast.Tuple(elts=names), ast.Tuple(elts=numbers) if all(isinstance(number, ast.Constant) for number in numbers):
                return cls({name.id: number for name, number in zip(names, numbers, strict=True)})  # type: ignore[attr-defined,misc]
        raise _AsItIsError

    def filled(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        return [self.visit(copy.deepcopy(statement)) for statement in statements]

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.numbers.get(node.id, node)


def asked(test: ast.expr) -> str:
    """The text of a question, its entries asked for by argmin and argmax."""
    return ast.unparse(_Asked().visit(copy.deepcopy(test)))


class _Asked(ast.NodeTransformer):
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
