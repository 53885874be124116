"""A Program → a stand-alone NumPy module.

In    the forward Program and the derived one, macros opened
Out   the text of a module that imports NumPy alone (SciPy's special functions where an operator asks for them)
Idea  a line for each named equation, in the user's names, steps that are used once folded in; what a template of an
      operator says of precedence is read off its own syntax tree

Nothing of the user's text gets here but names, as checked identifiers.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from sympy import Expr, Symbol, pi

from algebra2net import names
from algebra2net.derive import VALUE
from algebra2net.operators.operator import NONE, Operation, Operator, operation
from algebra2net.operators.prelude import functions_of, reached
from algebra2net.program import SCALAR, Dimension, Equation, Program, is_step, operands, record
from algebra2net.shapes import unsized
from algebra2net.spell import number
from algebra2net.targets.sums import collected
from algebra2net.tidy import without_unused

FOLDED = 6  # operators folded into one line of code
_READ_ONLY = ("expand", "diagonal")  # as NumPy gives them
_RESERVED = frozenset("np dtype forward value_and_grad float len".split())
PLACED = '''def placed(block, like, start, axis):
    """Zeros of the shape of `like`, with the block in its rows or columns from `start` on."""
    result = np.zeros(like.shape, block.dtype)
    place = slice(start, start + block.shape[axis])
    result[place if axis == 0 else (slice(None), place)] = block
    return result'''


def module(forward: Program, backprop: Program | None, title: Sequence[str], spelling: str = "modern", dimensions: Mapping[str, Dimension] | None = None) -> str:
    """The module's text: `forward(…)`, and `value_and_grad(…)` where there is a derived program.

    `title` is the algebra, for the docstring; `spelling="book"` writes names and products as the book does.
    """
    preludes: dict[str, str] = {}
    imports: dict[str, None] = {}
    parts = [_Function(forward, spelling, dimensions or {}, None)]
    if backprop is not None:
        parts.append(_Function(backprop, spelling, dimensions or {}, forward))
    texts = [part.text() for part in parts]
    for part in parts:
        preludes |= part.preludes
        imports |= part.imports
    head = ['"""' + quoted(title), '"""', "", "import numpy as np", *imports]
    return "\n".join(head) + "\n" + "".join(f"\n\n{text}\n" for text in (*preludes.values(), *texts))


@dataclass(frozen=True)
class Code:
    """The lines of a function: what each one defines or adds to, and its text; and the identifier of every value that has one."""

    lines: tuple[tuple[str, str], ...]
    identifiers: Mapping[Symbol, str]


def code(program: Program, forward: Program | None = None, spelling: str = "modern", dimensions: Mapping[str, Dimension] | None = None) -> Code:
    """The lines that `module` has for a program, for whoever shows them beside its equations."""
    part = _Function(program, spelling, dimensions or {}, forward)
    return Code(tuple(part.lines()), part.identifiers)


def quoted(title: Sequence[str]) -> str:
    """The lines of a docstring, with nothing in them that could end it."""
    return "\n".join(line.replace("\\", "\\\\").replace('"""', "'''") for line in title)


@dataclass
class _Function:
    """One function of the module: the program's lines, and what they need above them."""

    program: Program
    spelling: str
    dimensions: Mapping[str, Dimension]
    forward: Program | None  # of a derived program: the one that it came from
    preludes: dict[str, str] = field(default_factory=dict)
    imports: dict[str, None] = field(default_factory=dict)

    def text(self) -> str:
        """The whole function."""
        body = [text for _, text in self.lines()]
        returned = self.returned()
        inside = [f'"""{self.docstring()}"""', *body, returned]
        name = "forward" if self.forward is None else "value_and_grad"
        return f"def {name}({', '.join(self.arguments())}):\n" + "\n".join(f"    {line}" if line else "" for line in "\n".join(inside).split("\n"))

    def lines(self) -> list[tuple[str, str]]:
        """The lines between docstring and return: what each one defines or adds to, and its text."""
        program = self.needed()
        self.along = _along_with(program)
        forward = {e.name for e in self.forward.equations} if self.forward is not None else set()
        self.program, self.sums = collected(program, forward.union(self.along, self.along.values()))
        self.uses = self.program.uses()
        self.uses.subtract(operand for e in self.program.equations if e.name in self.along for operand in operands(e.value))  # written once for both
        self.companions = {second: first for first, second in self.along.items()}
        self.made = {e.name: e.value for e in self.program.equations}
        self.identifiers: dict[Symbol, str] = {}
        self.written: dict[Expr, tuple[str, str]] = {}  # steps that are folded in, and numbers: their code, and how tightly it binds
        self.loose: set[Expr] = set()  # values that may be 0-d scalars
        self.scalars: set[Expr] = set()  # values that surely are
        self.constant: set[Expr] = set()  # values that are Python numbers
        self.begun: set[Symbol] = set()  # sums of which a term is written, and what came along with something else
        self.needs_dtype = False
        self.choose_names()
        body = [line for equation in self.program.equations for line in self.lines_of(equation)]
        common = f"np.result_type({', '.join(self.arguments())})" if self.program.inputs else "np.float64"
        first = [("dtype", f"dtype = {common}")] if self.needs_dtype else []
        return first + body

    def needed(self) -> Program:
        """The program with the value among its outputs, and nothing that no output rests on."""
        named = {e.name.name: e.name for e in self.program.equations if not is_step(e.name)}
        return without_unused(replace(self.program, outputs=named) if self.forward is None else self.program)

    # names

    def choose_names(self) -> None:
        """An identifier for every input, every named equation, and every step that gets a line of its own."""
        called = {type(e.value).__name__: e.value for e in self.program.equations if isinstance(e.value, Operation)}
        taken = set(_RESERVED).union(*(_recipe(record(value)).defined for value in called.values()))
        for name in (*self.program.inputs, *(e.name for e in self.program.equations if not is_step(e.name))):
            if name not in self.identifiers:
                self.identifiers[name] = names.identifier(self.spelled(name), taken)
                taken.add(self.identifiers[name])
        size: Counter[Expr] = Counter()
        twice = self.used_twice().union(self.along, self.along.values())
        self.inside = self.inner_steps()
        self.numbers = itertools.count(1)
        for equation in self.program.equations:
            size[equation.name] = 1 + sum(size[o] for o in operands(equation.value) if is_step(o) and o not in self.identifiers)
            if is_step(equation.name):
                often = self.uses[equation.name] > 1 and not self.is_cheap(equation.value)
                if (often or equation.name in twice or size[equation.name] > FOLDED) and equation.name not in self.sums:
                    self.identifiers[equation.name] = names.identifier(self.step_name(equation, taken), taken)
                    taken.add(self.identifiers[equation.name])

    def is_cheap(self, value: Expr) -> bool:
        """Whether a value may be written out wherever it is used: a transpose or a size of a name, a constant."""
        if not isinstance(value, Operation):
            return True
        here = record(value)
        if not (here.is_view or here.numpy == "$size"):
            return not any(isinstance(arg, Symbol) for arg in here.operands_of(value)) and here.family == "arithmetic"
        return all(arg in self.identifiers for arg in here.operands_of(value)) and here.numpy in ("$A.T", "$size")

    def used_twice(self) -> set[Expr]:
        """Operands whose slot stands more than once in the operator's code, or is asked for its shape alone."""
        found: set[Expr] = set()
        for equation in self.program.equations:
            if isinstance(equation.value, Operation):
                here = record(equation.value)
                found.update(equation.value.args[place] for place in _recipe(here).twice)
                if here.variadic and here.numpy == "$part":
                    found.update(equation.value.args)
        return found

    def spelled(self, name: Symbol) -> str:
        if self.spelling != "book":
            return str(name.name)
        if name in self.program.gradients:
            return f"{names.book(self.program.gradients[name].name)}_gradient"
        if name in self.program.deltas:
            return f"{names.book(self.program.deltas[name].name)}_delta"
        return names.book(name.name)

    def step_name(self, equation: Equation, taken: set[str]) -> str:
        """z1 for what a layer l1 = f(z1) is made of, l1_slope for its slope where both come together; s1 otherwise."""
        if equation.name in self.companions and record(equation.value).slope_of:
            return f"{self.identifiers[self.companions[equation.name]]}_slope"
        inside = self.inside.get(equation.name, "")
        if inside and inside not in taken:
            return inside
        return next(name for k in self.numbers if (name := f"s{k}") not in taken)

    def inner_steps(self) -> dict[Expr, str]:
        """The step inside each named layer l1 = f(step) → its name, z1."""
        found: dict[Expr, str] = {}
        for equation in self.program.equations:
            if isinstance(equation.value, Operation) and not is_step(equation.name) and equation.name not in self.program.gradients:
                here = record(equation.value)
                steps = here.operands_of(equation.value)
                wanted = names.before(equation.name.name)
                if wanted and len(steps) == 1 and here.elementwise and here.family != "arithmetic":
                    found.setdefault(steps[0], names.identifier(wanted))
        return found

    def arguments(self) -> list[str]:
        return [self.identifiers[name] for name in self.program.inputs]

    # lines

    def lines_of(self, equation: Equation) -> Iterator[tuple[str, str]]:
        """The line of an equation, if it has one, under the identifier of what it defines or adds to."""
        total = self.sums.get(equation.name)
        if total is not None:
            word = self.identifiers[total]
            yield word, f"{word} {'+=' if total in self.begun else '='} {self.expression(equation.value, 'comparison', equation.name)}"
            self.begun.add(total)
        elif equation.name in self.along:
            yield self.line_of_two(equation.name, self.along[equation.name])
        elif equation.name in self.identifiers and equation.name not in self.begun:
            yield self.identifiers[equation.name], self.line(equation)

    def line(self, equation: Equation) -> str:
        text = self.expression(equation.value, "comparison", equation.name)
        if not isinstance(equation.value, Operation):
            self.pass_on(equation.value, equation.name)
        return f"{self.identifiers[equation.name]} = {text}"

    def pass_on(self, value: Expr, name: Symbol) -> None:
        """What is known of a value is known of a name that it gets."""
        for known in (self.loose, self.scalars):
            if value in known:
                known.add(name)
        if self.is_constant(value):
            self.constant.add(name)

    def line_of_two(self, first: Symbol, second: Symbol) -> tuple[str, str]:
        """The line of two values that one call gives, under both identifiers."""
        text = self.expression(self.made[second], "comparison", first)
        for known in (self.loose, self.scalars):
            known.update({second} if first in known else ())
        self.begun.add(second)
        words = f"{self.identifiers[first]}, {self.identifiers[second]}"
        return words, f"{words} = {text}"

    def expression(self, value: Expr, need: str, result: Symbol | None = None) -> str:
        """The code of a value, in brackets where it binds more loosely than its place needs."""
        known = self.identifiers.get(value)
        if known is not None:
            return known
        text, level = self.written.get(value) or self.fresh(value, result)
        return text if _LEVELS[level] >= _LEVELS[need] else f"({text})"

    def fresh(self, value: Expr, result: Symbol | None) -> tuple[str, str]:
        """The code of a value that has not been written before, and how tightly it binds."""
        if isinstance(value, Operation):
            return self.operation(value, result)
        if isinstance(value, Symbol):
            made = self.made[value]
            found = (self.identifiers[made], "atom") if made in self.identifiers else self.fresh(made, value)
            if not isinstance(made, Operation):
                self.pass_on(made, value)
        else:
            text = "np.pi" if value is pi else number(value)
            found = text, "unary" if text.startswith("-") else "atom"
        self.written[value] = found
        return found

    def operation(self, value: Operation, result: Symbol | None) -> tuple[str, str]:
        """The code of one operator, and how tightly it binds."""
        here = record(value)
        recipe = _recipe(here, self.spelling == "book")
        for name, helper in recipe.helpers:
            self.preludes.setdefault(name, helper)
        if here.imports:
            self.imports.setdefault(here.imports)
        if here.name == "expand" and self.program.shapes.get(value.args[1], SCALAR) == SCALAR:  # to what it is already
            text = self.expression(value.args[0], "atom")
            if result is not None:
                self.pass_on(value.args[0], result)
            return text, "atom"
        rows = self.constant_rows(value)
        if rows is not None:
            self.needs_dtype = True
            return f"np.array([{', '.join('[' + ', '.join(row) + ']' for row in rows)}], dtype=dtype)", "atom"
        args = here.operands_of(value)
        for arg in args:  # whether an operand is a scalar or a constant is known once it is written
            if arg not in self.identifiers and isinstance(arg, Symbol):
                self.expression(arg, "comparison")
        summed = self.sums_of_mean(value)
        if summed is not None:  # the mean of the sums of rows: one sum, and one division
            self.loose.update(() if result is None else (result,))
            self.scalars.update(() if result is None else (result,))
            return summed, "product"
        constant = recipe.is_size or (here.elementwise and bool(args) and all(self.is_constant(arg) for arg in args))
        text = "".join([piece if isinstance(piece, str) else self.filled(piece, value, here, constant, result) for piece in recipe.pieces])
        if constant:
            self.constant.update(() if result is None else (result,))
            if here.name == "divide" and isinstance(args[1], Symbol):  # by the size of something empty, too: inf, no error
                above, below = (self.expression(arg, "comparison") for arg in args)
                return f"float(np.divide({above}, {below}))", "atom"
            if recipe.level == "power" and not args[0].is_positive:  # of 0 and of what is negative Python makes errors and complex numbers
                return f"float(np.float64({self.expression(args[0], 'comparison')}) ** {self.expression(args[-1], 'unary')})", "atom"
            return (f"float({text})", "atom") if recipe.is_call else (text, recipe.level)
        if result is not None and self.is_loose(here, args, result):
            self.loose.add(result)
            of_scalars = here.elementwise and all(arg in self.scalars or self.is_constant(arg) for arg in args)
            if of_scalars or (recipe.is_method and value.args[-1] == NONE):
                self.scalars.add(result)
        return text, recipe.level

    def sums_of_mean(self, value: Operation) -> str | None:
        """The code of a mean of sums along an axis that nobody else reads; None for any other value."""
        if not isinstance(value, operation("mean")) or value.args[-1] != NONE or value.args[0] in self.identifiers:
            return None
        inner = self.made.get(value.args[0])
        if not isinstance(inner, operation("sum")) or inner.args[-1] == NONE:
            return None
        x, axis = inner.args
        return f"{self.expression(x, 'atom')}.sum() / {self.dimension(self.program.shapes[value.args[0]][1 - int(axis)])}"

    def constant_rows(self, value: Expr) -> list[list[str]] | None:
        """The rows of a block of numbers alone; None for any other value."""
        name = type(value).__name__
        if name not in ("concat", "stack"):
            return None
        blocks = []
        for arg in value.args:
            inside = self.made[arg] if is_step(arg) and arg not in self.identifiers else arg
            rows = self.constant_rows(inside) if isinstance(inside, Operation) else None if isinstance(inside, Symbol) else [[self.expression(inside, "comparison")]]
            if rows is None:
                return None
            blocks.append(rows)
        return [row for block in blocks for row in block] if name == "stack" else [[entry for row in rows for entry in row] for rows in zip(*blocks, strict=True)]

    def filled(self, piece: tuple[str, str], value: Operation, here: Operator, constant: bool, result: Symbol | None) -> str:
        """What stands at a slot of a template."""
        slot, need = piece
        if slot == "blocks":
            return ", ".join([self.operand(arg, "comparison", here) for arg in value.args])
        if slot in here.operands:
            return self.operand(value.args[here.operands.index(slot)], need, here, constant)
        if slot in here.options and slot != "axis":
            return number(here.settings(value)[slot])
        return self.slot(slot, value, here, result)

    def is_constant(self, arg: Expr) -> bool:
        return not isinstance(arg, Symbol) or arg in self.constant

    def is_loose(self, here: Operator, args: Sequence[Expr], result: Symbol | None) -> bool:
        if here.gives_scalar:
            return result is None or self.program.shapes.get(result, SCALAR) == SCALAR
        return here.elementwise and bool(args) and all(arg in self.loose or self.is_constant(arg) for arg in args)

    def operand(self, arg: Expr, need: str, here: Operator, constant: bool = False) -> str:
        """An operand's code; a matrix where the operator's code needs one."""
        if constant and "(" in here.numpy:  # a helper looks at the type of what it is given
            text = self.expression(arg, "comparison")
            return text if here.numpy.startswith("np.") else f"np.float64({text})"
        if not here.takes_scalars and self.is_constant(arg):
            self.needs_dtype = True
            return f"np.full((1, 1), {self.expression(arg, 'comparison')}, dtype=dtype)"
        if not here.takes_scalars and arg in self.loose:
            return f"np.reshape({self.expression(arg, 'comparison')}, (1, 1))"
        return self.expression(arg, need)

    # slots that are no operands

    def slot(self, slot: str, value: Operation, here: Operator, result: Symbol | None) -> str:
        match slot:
            case "dtype":
                self.needs_dtype = True
                return "dtype"
            case "axis":
                axis = value.args[-1]
                return "" if axis == NONE else f"axis={axis}, keepdims=True"
            case "line":
                axis = value.args[-1]
                return "None" if axis == NONE else str(axis)
            case "rows" | "cols":
                shape = self.program.shapes[result] if result is not None else SCALAR
                return self.dimension(shape[slot == "cols"])
            case "extent":
                name = value.args[0].name
                return self.dimension(self.dimensions.get(name, name))
            case "size":
                x, axis = value.args
                return f"{self.expression(x, 'atom')}.{'size' if axis == NONE else f'shape[{axis}]'}"
            case "expand":
                x, y = value.args
                text, like = self.expression(x, "comparison"), self.expression(y, "atom")
                return f"np.full_like({like}, {text})" if self.is_constant(x) or self.program.shapes.get(x) == SCALAR else f"np.broadcast_to({text}, {like}.shape)"
            case "part":
                return self.part(value, here)
        raise AssertionError(f"{here.name} has no slot {slot}")

    def part(self, value: Operation, here: Operator) -> str:
        """A block's rows or columns, cut out of a matrix or put into zeros."""
        whole, like, *before = value.args
        axis = 0 if here.name.startswith("rows") else 1
        start = self.extent_of(before, axis)
        if here.name.endswith("into"):
            return self.into(self.operand(whole, "atom", here), like, start, axis)
        stop = self.extent_of([*before, like], axis)
        cut = f"{start if before else ''}:{stop}"
        return f"{self.expression(whole, 'atom')}[{cut if axis == 0 else f':, {cut}'}]"

    def into(self, block: str, like: Expr, start: str, axis: int) -> str:
        self.preludes.setdefault("placed", PLACED)
        return f"placed({block}, {self.expression(like, 'atom')}, {start}, {axis})"

    def extent_of(self, blocks: Iterable[Expr], axis: int) -> str:
        """How many rows or columns the blocks have together."""
        total, words = 0, []
        for block in blocks:
            size = (self.program.shapes[block] if isinstance(block, Symbol) else SCALAR)[axis]
            if isinstance(size, int):
                total += size
            else:
                words.append(f"{self.expression(block, 'atom')}.shape[{axis}]")
        return " + ".join([*words, *([str(total)] if total or not words else [])])

    def dimension(self, size: Dimension) -> str:
        """A dimension as code: a number, or the shape of an input that has it."""
        if isinstance(size, int):
            return str(size)
        for name in self.program.inputs:
            for axis in (0, 1):
                if self.program.shapes[name][axis] == size:
                    return f"{self.identifiers[name]}.shape[{axis}]"
        parts = re.split(r"([+*()])", size)
        if len(parts) == 1:
            raise unsized(self.program, size)
        return "".join(f" {p} " if p in ("+", "*") else p if not p or p in "()" else self.dimension(int(p) if p.isdecimal() else p) for p in parts)

    # results

    def returned(self) -> str:
        """The return statement: nothing that is handed out shares memory with anything else."""
        shared: set[Symbol] = set(self.program.inputs)
        outputs = self.program.outputs
        if self.forward is None:
            return f"return {{{', '.join(f'{label!r}: {self.result(name, shared)}' for label, name in outputs.items())}}}"
        grads = ", ".join(f"{label!r}: {self.result(name, shared)}" for label, name in outputs.items() if label != VALUE)
        return f"return {self.result(outputs[VALUE], shared)}, {{{grads}}}"

    def result(self, name: Symbol, shared: set[Symbol]) -> str:
        text = self.identifiers[name]
        if self.program.shapes[name] == SCALAR:
            return f"float({text})" if name in self.constant or name in self.scalars else f"{text}.item()"
        *views, base = self.memory(name)
        if name in self.constant or base in shared or any(type(self.made[view]).__name__ in _READ_ONLY for view in views):
            return f"np.array({text})"
        shared.add(base)
        return text

    def memory(self, name: Symbol) -> Iterator[Symbol]:
        """The names that have this one's memory: itself, what it is a view of, …, what made it."""
        yield name
        while name in self.made:
            value = self.made[name]
            if isinstance(value, Symbol):
                name = value
            elif isinstance(value, Operation) and record(value).is_view and isinstance(value.args[0], Symbol):
                name = value.args[0]
            else:
                break
            yield name

    def docstring(self) -> str:
        shapes = ", ".join(f"{self.identifiers[name]}: {'×'.join(map(str, self.program.shapes[name]))}" for name in self.program.inputs)
        if self.forward is None:
            return f"Every named value.\n\n{shapes}\n"
        output = next(iter(self.forward.outputs.values()))
        wrt = ", ".join(label for label in self.program.outputs if label != VALUE)
        return f"The value of {output.name}, and its gradients by {wrt or 'nothing'}.\n\n{shapes}\n"


def _along_with(program: Program) -> dict[Symbol, Symbol]:
    """Of each value that one call gives together with another, that other."""
    values: dict[tuple[str, tuple[Expr, ...]], Symbol] = {}
    found: dict[Symbol, Symbol] = {}
    for name, value, _, _ in program.equations:
        if isinstance(value, Operation):
            here = record(value)
            if here.gives_two:
                found[values[here.companion, value.args]] = name
            else:
                values.setdefault((here.name, value.args), name)
    return found


_LEVELS = {"comparison": 0, "sum": 1, "product": 2, "matmul": 3, "unary": 4, "power": 5, "atom": 6}


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What is read off an operator's template: how tightly it binds, and its pieces: texts, and slots with what each needs."""

    level: str
    pieces: tuple[str | tuple[str, str], ...]
    twice: tuple[int, ...]  # operands that stand there more than once, or are asked for their shape alone
    helpers: tuple[tuple[str, str], ...]  # the functions that it calls: how each begins, and its text
    defined: tuple[str, ...]  # their names
    is_call: bool
    is_size: bool
    is_method: bool  # of an array, along an axis or, giving a scalar, of all


@cache
def _recipe(here: Operator, in_book: bool = False) -> _Recipe:
    """The recipe of an operator; products `in_book` are written as the book does."""
    code = "$A.dot($B)" if in_book and here.name == "matmul" else here.numpy
    level, pieces = _read_template(code)
    slots = [piece[0] for piece in pieces if not isinstance(piece, str)]
    twice = tuple(k for k, name in enumerate(here.operands) if slots.count(name) > 1 or code in ("$size", "$part", "$expand"))
    functions = functions_of(here.prelude)
    defined = tuple(reached(re.sub(r"\$\W?", "_", code), functions))
    helpers = tuple((name, functions[name]) for name in defined)
    return _Recipe(level, pieces, twice, helpers, defined, "(" in code, code in ("$size", "$extent"), bool(re.fullmatch(r"\$\w+\.\w+\(\$axis\)", code)))


def _read_template(code: str) -> tuple[str, tuple[str | tuple[str, str], ...]]:
    """How tightly a template binds, and its pieces: texts, and slots with what each needs."""
    plain = re.sub(r"\$\*", "$blocks", code)
    whole = re.fullmatch(r"\$(axis|size|part|expand|extent)", plain)
    if whole:
        return "atom", ((whole[1], "atom"),)
    source = re.sub(r"\$(\w+)", r"slot_\1", plain)
    tree = ast.parse(source, mode="eval").body
    needs: dict[int, str] = {}
    _needs(tree, "comparison", needs)
    pieces: list[str | tuple[str, str]] = []
    at = 0
    for match in re.finditer(r"slot_(\w+)", source):
        pieces += [source[at : match.start()], (match[1], needs.get(match.start(), "comparison"))]
        at = match.end()
    return _level(tree), (*pieces, source[at:])


def _level(node: ast.expr) -> str:
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return "sum"
        case ast.BinOp(op=ast.MatMult()):
            return "matmul"
        case ast.BinOp(op=ast.Pow()):
            return "power"
        case ast.BinOp():
            return "product"
        case ast.UnaryOp():
            return "unary"
        case ast.Compare() | ast.BoolOp() | ast.IfExp():
            return "comparison"
    return "atom"


def _needs(node: ast.AST, need: str, needs: dict[int, str]) -> None:
    """How tightly each slot of a template must bind; templates are small, so this may recurse."""
    match node:
        case ast.Name():
            needs[node.col_offset] = need
        case ast.BinOp(left=left, op=operator, right=right):
            level = _level(node)
            after = {"sum": "product", "product": "unary", "matmul": "unary", "power": "unary"}[level]
            _needs(left, "atom" if isinstance(operator, ast.Pow) else level, needs)
            _needs(right, after, needs)
        case ast.UnaryOp(operand=operand):
            _needs(operand, "unary", needs)
        case ast.Attribute(value=value) | ast.Subscript(value=value):
            _needs(value, "atom", needs)
            if isinstance(node, ast.Subscript):
                _needs(node.slice, "comparison", needs)
        case ast.Compare(left=left, comparators=others):
            for part in (left, *others):
                _needs(part, "sum", needs)
        case _:
            for child in ast.iter_child_nodes(node):
                _needs(child, "comparison", needs)
