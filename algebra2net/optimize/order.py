"""Products in their cheapest order, and without what need not be built: Program → Program.

In    a Program with shapes
Out   the same outputs, by cheaper products
Idea  a chain of products is one value of several factors; where to put its brackets, the shapes decide

Source: Cormen, Leiserson, Rivest, Stein, Introduction to Algorithms (2009), section 15.2 (matrix-chain multiplication).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sympy import Expr, Symbol

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import Operation
from algebra2net.program import Dimension, Equation, Program, Shape, is_step, symbol, with_value
from algebra2net.shapes import result_shape

WORTH_IT = 0.95  # of what the product costs in the order that it has
LONGEST = 60  # factors; a longer chain stays as it is


def is_product(value: Expr) -> bool:
    """Whether a value is a matrix product."""
    return type(value).__name__ == "matmul"


def cheapest(program: Program, fixed: Iterable[str] = ()) -> Program:
    """The program with each chain of products in its cheapest order; the same program where that changes nothing.

    What has a name in `fixed`, is an output or is used twice stays a value of its own.
    """
    made = {e.name: e.value for e in program.equations if is_product(e.value)}
    inner = {arg for value in made.values() for arg in value.args if arg in made}
    if not inner:
        return program
    uses = program.uses()
    inner -= {symbol(name) for name in fixed} | set(program.outputs.values())
    inner = {name for name in inner if uses[name] == 1}
    if not inner:
        return program
    walk = _Brackets(program, made, inner)
    equations = [found for e in program.equations for found in walk.equation(e)]
    if not walk.dissolved:
        return program
    return replace(program, equations=tuple(e for e in equations if e.name not in walk.dissolved), shapes=walk.shapes)


class _Brackets:
    """The walk over the equations that sets the brackets of each chain."""

    def __init__(self, program: Program, made: dict[Symbol, Expr], inner: set[Symbol]) -> None:
        self.program = program
        self.made = made
        self.inner = inner
        self.shapes = dict(program.shapes)
        self.step = program.first_step()
        self.dissolved: set[Symbol] = set()  # parts of a chain whose brackets moved

    def equation(self, equation: Equation) -> list[Equation]:
        """The equation, after those of the parts of its chain where its order changes."""
        if equation.name not in self.made or equation.name in self.inner:
            return [equation]
        factors, parts_of_it, cost = self.factors(equation.name)
        sizes = [self.shapes[factor] for factor in factors]
        if not 2 < len(factors) <= LONGEST or not all(isinstance(size, int) for shape in sizes for size in shape):
            return [equation]
        least, splits = cheapest_brackets([sizes[0][0], *(shape[1] for shape in sizes)])
        if least > WORTH_IT * cost:
            return [equation]
        self.dissolved.update(parts_of_it)
        parts: list[Equation] = []
        value = self.product(factors, splits, 0, len(factors) - 1, equation, parts)
        return [*parts, with_value(equation, value)]

    def factors(self, name: Symbol) -> tuple[list[Symbol], list[Symbol], int]:
        """The factors of a chain from left to right, the products inside it, and how many products of numbers its present order takes."""
        found: list[Symbol] = []
        parts: list[Symbol] = []
        cost = 0
        open_ones: list[Symbol] = [name]
        while open_ones:
            value = open_ones.pop()
            if value is not name and value not in self.inner:
                found.append(value)
                continue
            if value is not name:
                parts.append(value)
            left, right = self.made[value].args
            sizes = (*self.shapes[left], self.shapes[right][1])
            cost += sizes[0] * sizes[1] * sizes[2] if all(isinstance(size, int) for size in sizes) else 0
            open_ones += [right, left]
        return found, parts, cost

    def product(self, factors: Sequence[Symbol], splits: Sequence[Sequence[int]], first: int, last: int, whole: Equation, parts: list[Equation]) -> Expr:
        """The product of some neighbours, its parts in `parts`: chains are short, so this may recurse."""
        if first == last:
            return factors[first]
        split = splits[first][last]
        args: list[Expr] = []
        for a, b in ((first, split), (split + 1, last)):
            value = self.product(factors, splits, a, b, whole, parts)
            if isinstance(value, Operation):
                self.step += 1
                name = symbol(f"_{self.step}")
                parts.append(Equation(name, value, whole.span, whole.rule))
                self.shapes[name] = result_shape(value, self.shapes)
                value = name
            args.append(value)
        return OPERATORS["matmul"](*args)


def cheapest_brackets(sizes: Sequence[int]) -> tuple[int, list[list[int]]]:
    """Of factors with sizes[k] rows and sizes[k + 1] columns, the fewest products of numbers, and after which factor to split."""
    count = len(sizes) - 1
    cost = [[0] * count for _ in range(count)]
    splits = [[0] * count for _ in range(count)]
    for length in range(2, count + 1):
        for first in range(count - length + 1):
            last = first + length - 1
            cost[first][last], splits[first][last] = min((cost[first][k] + cost[k + 1][last] + sizes[first] * sizes[k + 1] * sizes[last + 1], k) for k in range(first, last))
    return cost[0][-1], splits


def without_diagonals(program: Program) -> tuple[Program, tuple[Equation, ...]]:
    """The program with diag(w) X as w ∘ X and X diag(w) as X ∘ wᵀ, and the equations in which that was done."""
    diagonals = {e.name: e.value.args[0] for e in program.equations if type(e.value).__name__ == "diagonal_matrix" and isinstance(e.value.args[0], Symbol)}
    if not diagonals:
        return program, ()
    program = _diagonals_to_the_right(program, diagonals)
    shapes: dict[Symbol, Shape] = dict(program.shapes)
    step = program.first_step()
    found: list[Equation] = []
    changed: list[Equation] = []
    for equation in program.equations:
        left, right = equation.value.args if is_product(equation.value) else (None, None)
        value = None
        if left in diagonals:
            value = OPERATORS["times"](diagonals[left], right)
        elif right in diagonals:
            step += 1
            row = symbol(f"_{step}")
            found.append(Equation(row, OPERATORS["transpose"](diagonals[right]), equation.span, equation.rule))
            shapes[row] = shapes[diagonals[right]][::-1]
            value = OPERATORS["times"](left, row)
        if value is not None:
            equation = with_value(equation, value)
            changed.append(equation)
        found.append(equation)
    return (without_unused_steps(replace(program, equations=tuple(found), shapes=shapes)), tuple(changed)) if changed else (program, ())


def _diagonals_to_the_right(program: Program, diagonals: Collection[Expr]) -> Program:
    """The program with (A D) X as A (D X), where nobody else reads A D and X is not the larger one: no row of weights is made then."""
    uses = program.uses()
    scaled = {e.name: e.value.args for e in program.equations if is_product(e.value) and e.value.args[1] in diagonals and is_step(e.name) and uses[e.name] == 1}
    shapes: dict[Symbol, Shape] = dict(program.shapes)
    step = program.first_step()
    found: list[Equation] = []
    for equation in program.equations:
        if is_product(equation.value) and equation.value.args[0] in scaled:
            (first, diagonal), last = scaled[equation.value.args[0]], equation.value.args[1]
            if _is_at_most(shapes[last][1], shapes[first][0]):
                step += 1
                part = symbol(f"_{step}")
                shapes[part] = shapes[last]
                found.append(equation._replace(name=part, value=OPERATORS["matmul"](diagonal, last)))
                equation = with_value(equation, OPERATORS["matmul"](first, part))
        found.append(equation)
    return without_unused_steps(replace(program, equations=tuple(found), shapes=shapes))


def _is_at_most(size: Dimension, other: Dimension) -> bool:
    return size in (1, other) or (isinstance(size, int) and isinstance(other, int) and size < other)


def without_unused_steps(program: Program) -> Program:
    """The program without steps that nobody uses; what has a name stays."""
    uses = program.uses()
    return program.with_equations(e for e in program.equations if not is_step(e.name) or uses[e.name])
