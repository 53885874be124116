"""Which lines of Python code are the network.

In    Python's own tree of a module
Out   its steps, one for each assignment, of the module or of its one function that no other calls; its functions,
      imports and other names; and of any piece of code, which symbols it reads and which it writes
Idea  a forward pass is a straight line. What never runs in one (loops, classes) is refused where it stands; what says
      nothing of the algebra (imports, docstrings, print, assert) is passed over

A symbol is a name however it is kept: `W`, `self.W`, `params["W"]`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from algebra2net.errors import NotationError, Span
from algebra2net.python_text import Text
from algebra2net.recognise import ROOTS

_OF_ARRAYS = ("T", "dot", "shape", "size", "sum", "mean", "max", "min", "copy")  # in `F.T`, F is a matrix
_TYPES = ("float", "int", "bool")
_DECORATORS = {"jit", "njit", "vectorize", "staticmethod", "classmethod", "compile"}
_WITHOUT_VALUE = {"seed", "manual_seed", "set_printoptions", "seterr", "filterwarnings"}
_LOOP = ("loops are not read: a program is one forward pass", "write out each layer as a line of its own")
_IF = ("what runs under an if, only a running program knows", "leave the lines that are meant, or write np.where(x > 0, x, 0)")
_INSIDE = "leave the lines inside it, one step to the left"
_REFUSED: Mapping[type[ast.stmt], tuple[str, str]] = {
    ast.For: _LOOP, ast.AsyncFor: _LOOP, ast.While: _LOOP, ast.If: _IF, ast.Match: _IF, ast.Return: ("this returns nothing", "return the value of the network"),
    ast.With: ("with is no part of a forward pass", _INSIDE), ast.Try: ("try is no part of a forward pass", _INSIDE),
    ast.Raise: ("raise is no part of a forward pass", "leave the line out"), ast.AsyncFunctionDef: ("an async function is not read", "def forward(x, W): return x @ W"),
    ast.ClassDef: ("a class is not read", "paste its forward function alone; self.W is the name W there"),
}  # fmt: skip


@dataclass(eq=False)
class Own:
    """A function of the user's. `key` is the name that it goes by in the tree, once it is called."""

    name: str
    span: Span
    node: ast.FunctionDef | ast.Lambda
    parameters: list[ast.arg]
    defaults: dict[str, ast.expr]
    key: str = ""

    @property
    def body(self) -> list[ast.stmt]:
        """Its lines."""
        return [ast.copy_location(ast.Return(self.node.body), self.node.body)] if isinstance(self.node, ast.Lambda) else self.node.body

    def hidden(self) -> frozenset[str]:
        """The names that mean something else inside."""
        assigned = (node.id for line in self.body for node in ast.walk(line) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        return frozenset((*(argument.arg for argument in self.parameters), *assigned))


@dataclass(eq=False)
class Step:
    """One assignment; without targets, a value that nobody named."""

    targets: list[ast.expr]
    value: ast.expr
    is_last: bool = False
    is_alias: bool = False  # `W = params["W"]` says where W comes from


class Lines:
    """The lines of one program, in the order in which they run."""

    def __init__(self, text: Text, tree: ast.Module) -> None:
        self.text = text
        nodes = list(ast.walk(tree))
        self.words = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        self.callees = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        self.assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.imports: dict[str, str] = {}
        self.own: dict[str, Own] = {}
        self.aliases: dict[str, ast.expr] = {}  # `act = np.tanh`
        self.me = _holder(nodes)  # `self`, in a method
        self.parameters: set[str] = set()  # of the network's function
        self.steps = self._network(tree)

    # the lines

    def _network(self, tree: ast.Module) -> list[Step]:
        steps = self.read(tree.body)
        effective = [node for node in tree.body if not _says_nothing(node)]
        if not effective:
            raise NotationError("there is nothing to read", Span(self.text.source, 0, 0), "type an equation: y = np.tanh(x @ W)")
        alone = [own for own in self.own.values() if own.name not in self.callees]
        if not steps or (alone and isinstance(effective[-1], ast.FunctionDef)):
            return self._of_function(steps, alone)
        steps[-1].is_last |= not steps[-1].targets
        return self.named(steps)

    def _of_function(self, before: list[Step], alone: Sequence[Own]) -> list[Step]:
        """The lines of the function that no other calls, after those of the lines before it that it uses."""
        if not alone:
            first = next(iter(self.own.values()), None)
            raise NotationError("every function here is called by another", first.span if first else None, "the network is the function that calls the others")
        if len(alone) > 1:
            which = f"which function is the network, {alone[0].name} or {alone[1].name}?"
            raise NotationError(which, alone[1].span, "paste one function, with those that it calls", [("the first is here:", alone[0].span)])
        own = self.own.pop(alone[0].name)
        self.parameters = {argument.arg for argument in own.parameters}
        body = self.body(own)
        live = self._loads_of(body)
        defaults = [step for step in self._defaults(own) if self.symbol_of(step.targets[0]) in live]
        live -= self.parameters
        kept: list[Step] = []
        for step in reversed(before):
            if any(symbol in live for target in step.targets for symbol in self.targets(target)):
                kept.append(step)
                live |= self._loads_of([step])
        return [*reversed(kept), *defaults, *body]

    def body(self, own: Own) -> list[Step]:
        """The lines of a function, the last of which returns its value."""
        steps = self.named(self.read(own.body))
        if not steps or not steps[-1].is_last:
            raise NotationError(f"{own.name} returns nothing", own.span, "end it with return and its value")
        return steps

    def _defaults(self, own: Own) -> Iterator[Step]:
        """An argument with a number as its default is an equation."""
        for argument in own.parameters:
            default = own.defaults.get(argument.arg)
            if default is not None and not (isinstance(default, ast.Constant) and (default.value is None or isinstance(default.value, str | bool))):
                yield Step([ast.copy_location(ast.Name(argument.arg, ast.Store()), argument)], default)

    def named(self, steps: list[Step]) -> list[Step]:
        """`steps`, all of which must name their values, the last excepted; `cache = (x, W)` that nothing reads is left out."""
        for step in steps:
            if not step.targets and not step.is_last:
                raise NotationError("nothing is done with this value", self.text.span(step.value), "give it a name: h = …")
        read = {node.id for step in steps for node in ast.walk(step.value) if isinstance(node, ast.Name)}
        return [step for step in steps if step is steps[-1] or not _is_cache(step, read)]

    def read(self, body: Iterable[ast.stmt]) -> list[Step]:
        """The steps of one body; functions and imports are entered on the way."""
        steps: list[Step] = []
        for node in body:
            match node:
                case ast.Import() | ast.ImportFrom():
                    self._import(node)
                case ast.FunctionDef(name=name):
                    self._enter(node, name, self.text.name(node))
                case ast.Assign(targets=[ast.Name(id=name) as target], value=ast.Lambda() as function):
                    self._enter(function, name, self.text.span(target))
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute() | ast.Name() as value) if name in self.callees:
                    self.aliases[name] = value
                case ast.Assign(targets=targets, value=value):
                    steps.append(Step(targets, value))
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    steps.append(Step([target], value))
                case ast.AugAssign(target=target, op=op, value=value):
                    steps.append(Step([target], ast.copy_location(ast.BinOp(target, op, value), node)))
                case ast.Return(value=ast.expr() as value):
                    return [*steps, Step([], value, is_last=True)]
                case ast.Expr(value=value) if not _says_nothing(node):
                    steps.append(Step([], value))
                case _ if not _says_nothing(node):
                    message, hint = _REFUSED.get(type(node), ("this is no part of a forward pass", "paste the lines of the forward pass alone"))
                    raise NotationError(message, self.text.word(node), hint)
        return steps

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                self.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            else:
                first = alias.name.partition(".")[0]
                self.imports[alias.asname or first] = alias.name if alias.asname else first

    def _enter(self, node: ast.FunctionDef | ast.Lambda, name: str, span: Span) -> None:
        """Enter a function of the user's."""
        given = node.args
        self._refuse_decorators(node)
        if name in self.own:
            raise NotationError(f"{name} is defined twice", span, "give the second another name", [("the first is here:", self.own[name].span)])
        if given.vararg or given.kwarg:
            raise NotationError("an argument with a star stands for any number of values", span, "name each argument")
        placed = [*given.posonlyargs, *given.args]
        defaults = {a.arg: d for a, d in zip(placed[len(placed) - len(given.defaults) :], given.defaults, strict=True)}
        defaults |= {a.arg: d for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d is not None}
        if placed and placed[0].arg in ("self", "cls"):
            self.me = placed.pop(0).arg
        self.own[name] = Own(name, span, node, [*placed, *given.kwonlyargs], defaults)

    def _refuse_decorators(self, node: ast.FunctionDef | ast.Lambda) -> None:
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            called = mark.func if isinstance(mark, ast.Call) else mark
            if (called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else "") not in _DECORATORS:
                raise NotationError("a decorator makes another function of this one", self.text.span(mark), "leave it out")

    # symbols

    def symbol_of(self, node: ast.AST) -> str | None:
        """The symbol that a node is, if it is one."""
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=ast.Name(id=me), attr=name) if me == self.me and me:
                return f"{me}.{name}"
            case ast.Subscript(value=ast.Name() | ast.Attribute() as holder, slice=ast.Constant(value=str() as name)) if name.isidentifier():
                held = self.symbol_of(holder)
                return None if held is None else f'{held}["{name}"]'
        return None

    def targets(self, target: ast.expr) -> Iterator[str]:
        """The symbols that an assignment gives values to."""
        waiting = [target]
        while waiting:
            node = waiting.pop()
            symbol = self.symbol_of(node)
            if symbol is not None:
                yield symbol
            elif isinstance(node, ast.Tuple | ast.List):
                waiting.extend(reversed(node.elts))
            else:
                message = "a part of a value cannot be assigned" if isinstance(node, ast.Subscript) else "this cannot be assigned"
                raise NotationError(message, self.text.span(node), "give the new value a name of its own: np.where(mask, a, x)")

    def loads(self, root: ast.AST, met: set[str]) -> Iterator[str]:
        """The symbols that an expression reads, and those that the functions read which it is the first to call."""
        waiting: list[tuple[ast.AST, frozenset[str]]] = [(root, frozenset())]
        while waiting:
            node, hidden = waiting.pop()
            inside: list[ast.AST] = []
            symbol = self.symbol_of(node)
            called = self.symbol_of(node.func) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and called is not None:
                inside = [*node.args, *(word.value for word in node.keywords)]
                waiting.extend(self._first_met(last_word(called), met))
            elif symbol is not None:
                if symbol not in hidden and self.is_value(symbol):
                    yield symbol
            elif not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and self.is_library(node.value.id, node.attr)):
                inside = list(ast.iter_child_nodes(node))
            waiting.extend((child, hidden) for child in reversed(inside))

    def _first_met(self, function: str, met: set[str]) -> list[tuple[ast.AST, frozenset[str]]]:
        own = self.own.get(function)
        if own is None or function in met:
            return []
        met.add(function)
        hidden = own.hidden()
        return [(line, hidden) for line in own.body]

    def _loads_of(self, steps: Iterable[Step]) -> set[str]:
        met: set[str] = set()
        return {symbol for step in steps for symbol in self.loads(step.value, met)}

    def is_value(self, symbol: str) -> bool:
        """Whether a symbol by itself is a value of the program, not a library, a function, a type."""
        return symbol in self.parameters or not (symbol in self.imports or symbol in self.own or symbol in self.aliases or symbol in _TYPES)

    def is_library(self, name: str, attribute: str) -> bool:
        """Whether `np` in `np.exp` is the library."""
        if name in self.parameters or name in self.assigned:
            return False
        return name in self.imports or (name in ROOTS and not (name == "F" and attribute in _OF_ARRAYS))

    def path(self, node: ast.expr) -> str:
        """The path of `la.inv`, `la` being what was imported under that name; nothing where this is no library's."""
        first, *rest = "".join(self.text.span(node).text.split()).split(".")
        root = self.imports.get(first) or ROOTS.get(first)
        return ".".join([root, *rest]) if root else ""


def last_word(symbol: str) -> str:
    """`W` of `self.W` and `params["W"]`."""
    return symbol.rpartition(".")[2].rpartition('["')[2].rstrip('"]')


def _holder(nodes: Sequence[ast.AST]) -> str:
    """`self` in lines out of a method: each `self` stands before a word that no array has, `self.W` and never `self.T`."""
    words = [node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"]
    mentions = sum(isinstance(node, ast.Name) and node.id == "self" for node in nodes)
    return "self" if words and len(words) == mentions and not {*_OF_ARRAYS, "mT"}.intersection(words) else ""


def _is_cache(step: Step, read: set[str]) -> bool:
    """Whether this only keeps values together, and nothing reads them again."""
    return isinstance(step.value, ast.Tuple | ast.List | ast.Dict) and all(isinstance(target, ast.Name) and target.id not in read for target in step.targets)


def _says_nothing(node: ast.stmt) -> bool:
    """What says nothing of the algebra: imports, docstrings, print, assert."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Assert() | ast.Delete() | ast.Global() | ast.Nonlocal() | ast.AnnAssign(value=None):
            return True
        case ast.Expr(value=ast.Constant(value=value)):
            return isinstance(value, str) or value is ...
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=word))):
            return word in _WITHOUT_VALUE
    return False
