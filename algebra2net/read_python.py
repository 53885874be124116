"""NumPy code for a forward pass → the tree.

In    Python: statements, or the source of one function with the functions that it calls; nothing of it is executed
Out   the statements that the same program in plain notation gives, every node with its span
Idea  Python's own `ast` says how the code hangs together. python_lines.py finds the lines of the network,
      python_expressions.py and numpy_functions.py say what stands in them; here each line becomes an equation

Every value of the notation is a matrix, so a sum over `axis=1` is a column with `keepdims` and without, and `axis=-1`
is 1; where NumPy has a vector, python_values.py says how it lies. `x ** -1` is 1 / x, as in NumPy. A name that is
assigned again stands for its last value, the values before get numbers: `z = x @ W; z += b` is `z1 = x W; z = z1 + b`.
`self.W` and `params["W"]` are the name W.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from algebra2net import names
from algebra2net.errors import NotationError, Span
from algebra2net.notation import Call, Definition, Equation, Name, Number, Statement, Value
from algebra2net.numpy_functions import FUNCTIONS, WRITTEN, Given, computed, is_function, no_function
from algebra2net.operators import OPERATORS, known
from algebra2net.python_expressions import Argument, Expressions, Function, Items, Literal, Meaning, Path, Shape
from algebra2net.python_lines import Lines, Own, Step, last_word
from algebra2net.python_text import Text, parsed

LARGEST = 5_000  # nodes in the body of a function, its lines put into each other


def read_python(source: str) -> tuple[Statement, ...]:
    """The statements of NumPy code: the functions that it defines and calls, then its equations.

    Raises NotationError where the code cannot be meant as a forward pass.
    """
    text = Text(source)
    return _Program(text, Lines(text, parsed(text))).statements()


class _Program(Expressions):
    """Reads one program: first who is an input and who has many versions, then every line in turn."""

    def __init__(self, text: Text, lines: Lines) -> None:
        super().__init__(text)
        self.lines = lines
        self.keys: dict[str, str] = {}  # of symbols
        self.stored: Counter[str] = Counter()  # how many values each symbol gets
        self.versions: Counter[str] = Counter()  # how many it has got so far
        self.inputs: dict[str, str] = {}  # key → the symbol that is this input
        self.reserved: set[str] = set()  # keys that no version may take
        self.tried: Counter[str] = Counter()
        self.bound: dict[str, Value] = {}  # what each symbol stands for just now
        self.local: dict[str, Value] | None = None  # the same inside a function of the user's
        self.own_called: list[Own] = []
        self._survey()

    def statements(self) -> tuple[Statement, ...]:
        """The functions that are called, then the equations."""
        equations: list[Equation] = []
        for step in self.lines.steps:
            meaning = self.read(step.value)
            if step.is_last:
                equations = self._ended(step, meaning, equations)
            elif not step.is_alias:
                equations.extend(self._equations(step, meaning))
            elif isinstance(meaning, Name):
                self.bound |= {symbol: meaning for target in step.targets if (symbol := self.symbol_of(target))}
        if not equations:
            raise NotationError("there is no equation", self.text.span(self.lines.steps[-1].value), "say what is computed: y = x @ W")
        definitions = [self._definition(own) for own in self.own_called]  # the list grows meanwhile
        return (*sorted(definitions, key=lambda definition: definition.span.start), *equations)

    # who is an input, and who has many versions

    def _survey(self) -> None:
        """Which symbols are inputs, read before they get a value, and how many values each gets."""
        last = self.lines.steps[-1]
        if last.is_last and self.symbol_of(last.value) is None:
            self.stored["out"] += 1
        before: set[str] = set()
        met: set[str] = set()
        for step in self.lines.steps:
            for symbol in self.lines.loads(step.value, met):
                if symbol not in before:
                    self.inputs.setdefault(self._key(symbol), symbol)
            targets = [symbol for target in step.targets for symbol in self.lines.targets(target)]
            step.is_alias = self._says_where_from(step, before)
            if step.is_alias and self.symbol_of(step.targets[0]) is None:
                for symbol in targets:
                    self.inputs.setdefault(self._key(symbol), symbol)
            elif not step.is_alias:
                self.stored.update(targets)
                before.update(targets)
        self.reserved |= {*self.inputs, *(self._key(symbol) for symbol in self.stored), "pi", "e", "I"}

    def _says_where_from(self, step: Step, before: set[str]) -> bool:
        """Whether this is `W = params["W"]`, or `W, b = params`: no equation."""
        value = self.symbol_of(step.value)
        if value is None or value in before or len(step.targets) != 1 or not self.lines.is_value(value):
            return False
        target, key = self.symbol_of(step.targets[0]), self._key(value)
        if target is None:
            return True
        return target != value and target not in before and self._key(target) == key and self.inputs.get(key) == value

    def _key(self, symbol: str) -> str:
        """How the notation spells a symbol: `lambda_`, `h_t_minus_1` and, where it is assigned, `X_prime` are turned back."""
        if symbol in self.keys:
            return self.keys[symbol]
        word = last_word(symbol).lstrip("_") or "u"
        index = re.fullmatch(r"(\w+)_([A-Za-z]|\d+)_(minus|plus)_(\d+)", word)
        key = names.key(f"{index[1]}_{{{index[2]}{'-' if index[3] == 'minus' else '+'}{index[4]}}}" if index else word)
        self.keys[symbol] = key = key.removesuffix("_prime") + "'" if key.endswith("_prime") and symbol in self.lines.assigned else key
        return key

    def _fresh(self, key: str) -> str:
        """A key after `key` that nobody has."""
        while True:
            self.tried[key] += 1
            fresh = names.with_subscript(key, str(self.tried[key]))
            if fresh not in self.reserved:
                self.reserved.add(fresh)
                return fresh

    # equations

    def _equations(self, step: Step, meaning: Meaning) -> Iterator[Equation]:
        """The equations of one assignment."""
        simple = [target for target in step.targets if self.symbol_of(target) is not None]
        if simple:
            yield self._equation(simple, self.value(meaning, step.value), step.value)
        for target in step.targets:
            if isinstance(target, ast.Tuple | ast.List):
                yield from [self._equation([part], value, step.value) for part, value in self._unpacked(target, meaning, step.value) if self.symbol_of(part) != "_"]

    def _unpacked(self, target: ast.Tuple | ast.List, meaning: Meaning, node: ast.expr) -> list[tuple[ast.expr, Value]]:
        """`rows, columns = x.shape`, `a, b = x @ W, x @ V`."""
        if isinstance(meaning, Shape):
            meaning = Items(tuple(self.size(meaning.of, axis, self.text.span(node)) for axis in (0, 1)))
        if not isinstance(meaning, Items) or len(meaning.items) != len(target.elts):
            raise NotationError(f"{len(target.elts)} names cannot share one value", self.text.span(target), "write an equation for each name")
        return list(zip(target.elts, self.values_in(meaning, node), strict=True))

    def _equation(self, targets: Sequence[ast.expr], value: Value, node: ast.expr) -> Equation:
        found = []
        for target in targets:
            (symbol,) = self.lines.targets(target)
            found.append(Name(self._version(symbol), self.text.span(target)))
            self.bound[symbol] = found[-1]
            self.lies[found[-1].key] = self.lying(value)
        return Equation(tuple(found), value, self.text.span(targets[0]) + self.text.span(node))

    def _version(self, symbol: str) -> str:
        """The key of a symbol's next value: its own for the last one, unless an input has it."""
        key, end = self._key(symbol), self.lines.steps[-1]
        self.versions[symbol] += 1
        if self.versions[symbol] == self.stored[symbol]:
            if key not in self.inputs and key not in self.lies:
                return key
            if end.is_last and self.symbol_of(end.value) == symbol and "out" not in self.reserved:
                return "out"
        return self._fresh(key)

    def _ended(self, step: Step, meaning: Meaning, equations: list[Equation]) -> list[Equation]:
        """The equations with the value of the whole as the last one; what only comes after it is not returned."""
        if isinstance(meaning, Items):
            raise NotationError("one value is the output", self.text.span(step.value), "return the output alone")
        value = self.value(meaning, step.value)
        if isinstance(value, Name) and self.symbol_of(step.value) is not None:
            for count, equation in reversed(list(enumerate(equations))):
                if value.key in (name.key for name in equation.names):
                    return [*equations[:count], replace(equation, names=tuple(sorted(equation.names, key=lambda name: name.key == value.key)))]
            self.stored["out"] += 1
        span = self.text.span(step.value)
        return [*equations, Equation((Name(self._version("out"), Span(span.source, span.start, span.start)),), value, span)]

    # what names stand for

    def symbol_of(self, node: ast.AST) -> str | None:
        return self.lines.symbol_of(node)

    def meaning_of(self, symbol: str, node: ast.expr, role: str) -> Meaning:
        scope = self.bound if self.local is None or symbol not in self.local else self.local
        is_name = isinstance(node, ast.Name)
        if symbol in scope and not (role == "()" and symbol in self.lines.own):
            found = scope[symbol]
            return Name(found.key, self.text.span(node)) if isinstance(found, Name) else found
        if symbol in self.lines.parameters:
            return self._input(symbol, node)
        if is_name and symbol in self.lines.aliases:
            return self._alias(symbol, node)
        if is_name and (symbol in self.lines.imports or (role[:1] == "." and self.lines.is_library(symbol, role[1:]))):
            return Path(self.lines.path(node))
        if role == "()":
            return self._function(symbol, node)
        if symbol in self.lines.own:
            return Function(symbol)
        return self._input(symbol, node) if self.lines.is_value(symbol) else Literal(symbol)

    def _alias(self, symbol: str, node: ast.expr) -> Meaning:
        """`act = np.tanh`: what it is another name for."""
        met, value = {symbol}, self.lines.aliases[symbol]
        while isinstance(value, ast.Name) and value.id in self.lines.aliases and value.id not in met:
            met.add(value.id)
            value = self.lines.aliases[value.id]
        if isinstance(value, ast.Name):
            return self._function(value.id, node)
        path = self.lines.path(value)
        if not path:
            raise self.no_call(node)
        return Path(path)

    def _function(self, symbol: str, node: ast.expr) -> Meaning:
        """What is called by its bare name."""
        word = last_word(symbol)
        if word in self.lines.own:
            return Function(word)
        slope = re.fullmatch(r"(\w+?)((?:_prime)+|_slope)", word)
        if slope and slope[1] in self.lines.own:
            return Function(slope[1] + "'" * max(1, slope[2].count("_prime")))
        if is_function(word):
            return Function(word)
        if slope and f"{known(slope[1])}'" in OPERATORS:
            return Function(f"{slope[1]}'")
        if symbol in self.lines.assigned or symbol in self.lines.parameters:
            raise self.no_call(node)
        if word != symbol:
            raise NotationError(f"there is no function {self.text.shown(node)}", self.text.span(node), "write what the layer computes: x @ self.W + self.b")
        raise no_function(symbol, word, self.text.span(node), self.lines.own)

    def _input(self, symbol: str, node: ast.expr) -> Name:
        """A value that nothing here computes."""
        span, key = self.text.span(node), self._key(symbol)
        if self.local is not None and self.stored[symbol]:
            raise NotationError(f"{span.text} changes between the calls of this function", span, "pass it as an argument")
        if "[" in symbol and symbol.partition("[")[0] in self.stored:
            raise NotationError("entries and slices are not part of the notation yet", span, "give the part that you need a name of its own: it is an input")
        first = self.inputs.setdefault(key, symbol)
        if first != symbol:
            raise NotationError(f"{symbol} and {first} are one symbol in the notation", span, "give one of them another name")
        if symbol in self.lines.parameters and (key == "pi" or names.parts(key).base == "I"):
            meant = "a constant" if key == "pi" else "the identity matrix"
            raise NotationError(f"{symbol} is {meant} in the notation", span, f"give the argument another name: {symbol}0")
        return Name(key, span)

    def constant(self, path: Path, node: ast.expr) -> Value:
        span, shown = self.text.span(node), self.text.shown(node)
        match path.word:
            case "pi":
                return Number("3.141592653589793", span) if "pi" in self.inputs or self.stored["pi"] else Name("pi", span)
            case "e":
                return self.make("exp", [Number("1", span)], span, lies="scalar")
            case "inf" | "Inf" | "infty":
                raise NotationError("infinity is no number here", span, "write a large one, 1e9, or leave the masked entries out")
        if is_function(path.word):
            raise NotationError(f"{shown} is a function", span, f"call it: {shown}(x)")
        raise NotationError(f"there is no {shown}", span, "of a library's values there are np.pi and np.e")

    # calls

    def called(self, node: ast.Call, function: Path | Function, placed: list[Argument], worded: dict[str, Argument]) -> Meaning:
        shown = "".join(self.text.span(node.func).text.split())
        if isinstance(function, Path):
            return computed(Given(self, node, shown, function.path, function.word, placed, worded))
        if function.owner is not None:
            assert isinstance(node.func, ast.Attribute)
            return computed(Given(self, node, "." + function.word, "method", function.word, [(function.owner, node.func.value), *placed], worded))
        given = Given(self, node, shown, "", function.word, placed, worded)
        own = self.lines.own.get(function.word.rstrip("'"))
        return computed(given) if own is None else self._own_call(own, given, primes=function.word[len(own.name) :])

    def _own_call(self, own: Own, given: Given, primes: str) -> Call:
        """The call of a function of the user's, or of its derivative: what is left out has its default."""
        usage = f"{own.name}({', '.join(parameter.arg for parameter in own.parameters)})"
        values: list[Value] = []
        worded = dict(given.worded)
        for place, parameter in enumerate(own.parameters):
            found = given.placed[place] if place < len(given.placed) else worded.pop(parameter.arg, None)
            if found is None and parameter.arg not in own.defaults:
                raise NotationError(f"{own.name} needs a value for {parameter.arg}", given.span, usage)
            values.append(given.value(found or self._default(own.defaults[parameter.arg])))
        for surplus in (*given.placed[len(own.parameters) :], *worded.values()):
            raise NotationError(f"{own.name} takes {len(own.parameters)} argument{'s' * (len(own.parameters) != 1)}", given.at(surplus), usage)
        return given.make(self._own_key(own) + primes, *values)

    def _default(self, node: ast.expr) -> Argument:
        """What a default means, where the function was defined."""
        if any(isinstance(part, ast.Call) for part in ast.walk(node)):
            raise NotationError("a default that is computed is not read", self.text.span(node), "write its number")
        outside, self.local = self.local, None
        meaning = self.read(node)
        self.local = outside
        return meaning, node

    def _own_key(self, own: Own) -> str:
        """The key of a function of the user's: not its name where the table's function of that name is meant, too."""
        if not own.key:
            words = self.lines.words | {path.rpartition(".")[2] for path in self.lines.imports.values()}
            meant = WRITTEN | {FUNCTIONS.get(word) or known(word) for word in words} | {name for name, record in OPERATORS.items() if record.internal}
            own.key = key = self._key(own.name)
            while own.key in meant or own.key in {other.key for other in self.own_called}:
                own.key = self._fresh(key)
            self.own_called.append(own)
        return own.key

    def _definition(self, own: Own) -> Definition:
        """A function of the user's as one expression: its lines put into each other."""
        inner = next((line for line in own.body if isinstance(line, ast.FunctionDef)), None)
        if inner is not None:
            raise NotationError("a function inside a function is not read", self.text.name(inner), "move it before the other")
        parameters = tuple(Name(self._key(argument.arg), self.text.span(argument)) for argument in own.parameters)
        self.local = {argument.arg: name for argument, name in zip(own.parameters, parameters, strict=True)}
        lies, self.lies, self.most = self.lies, {}, LARGEST
        *lines, last = self.lines.body(own)
        for step in lines:
            meaning = self.read(step.value)
            for target in step.targets:
                pairs = self._unpacked(target, meaning, step.value) if isinstance(target, ast.Tuple | ast.List) else [(target, self.value(meaning, step.value))]
                self.local |= {symbol: value for part, value in pairs for symbol in self.lines.targets(part)}
        body = self.value(self.read(last.value), last.value)
        self.local, self.lies, self.most = None, lies, 0
        return Definition(Name(own.key, own.span), parameters, body, self.text.span(own.node))
