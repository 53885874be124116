"""A value or a Program in a dialect: plain text, Unicode, LaTeX.

In    an expression or a Program
Out   text
Idea  a slot of an operator's template says how tightly its operand must bind ($x:power), so that one template holds
      look and precedence; steps that nobody named are folded in, by a stack of our own and never by Python's
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import TYPE_CHECKING

from sympy import Expr, Symbol, pi

from algebra2net import names
from algebra2net.operators.operator import LEVELS, NONE, Operation, Operator, option
from algebra2net.program import SCALAR, Equation, Program, is_step, record

if TYPE_CHECKING:
    from algebra2net.formulas import Known

OWN = "own "


@dataclass(frozen=True)
class Dialect:
    """How names, numbers, brackets and calls look; `field` is the operator's field with its template."""

    field: str
    name: Callable[[str], str]
    brackets: tuple[str, str]
    equals: str
    call: Callable[[str], str]
    power: Callable[[str], str]


def _plain_call(name: str) -> str:
    return name


def _latex_call(name: str) -> str:
    primes = len(name) - len(name.rstrip("'"))
    shown = name.rstrip("'").replace("_", r"\_")
    known = shown if shown in ("tanh", "sinh", "cosh", "exp", "log", "max", "min", "det", "sin", "cos", "tan", "arcsin", "arccos", "arctan") else ""
    greek = "\\" + shown if shown in names.GREEK else ""
    return (greek or (f"\\{known}" if known else rf"\operatorname{{{shown}}}")) + "'" * primes


def _unicode_call(name: str) -> str:
    bare = name.rstrip("'")
    return ("σ" if bare == "sigmoid" else names.GREEK.get(bare, bare)) + name[len(bare) :]


PLAIN = Dialect("plain", lambda key: key, ("(", ")"), " = ", _plain_call, lambda x: f"^{x}")
UNICODE = Dialect("unicode", names.unicode, ("(", ")"), " = ", _unicode_call, lambda x: f"^{x}")
LATEX = Dialect("latex", names.latex, (r"\left(", r"\right)"), " &= ", _latex_call, lambda x: f"^{{{x}}}")

_AS_NUMPY_SAYS = frozenset(
    "exp expm1 log log1p log2 log10 sqrt cbrt abs sign square reciprocal sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
    "floor ceil round maximum minimum clip where sum mean max min prod var std trace outer kron tril triu diag".split()
)


def _python_call(name: str) -> str:
    return f"np.{name}" if name in _AS_NUMPY_SAYS else name.replace("'", "_prime")


PYTHON = Dialect("python", names.identifier, ("(", ")"), " = ", _python_call, lambda x: f" ** {x}")

_SLOT = re.compile(r"\$(\*;|\*|\w+)(?::([a-z]+))?")


@cache
def _template(text: str) -> tuple[str | tuple[str, str], ...]:
    """A template as texts and slots (operand, level)."""
    pieces: list[str | tuple[str, str]] = []
    at = 0
    for slot in _SLOT.finditer(text):
        pieces += [text[at : slot.start()], (slot[1], slot[2] or "anything")]
        at = slot.end()
    return (*pieces, text[at:])


def write(value: Expr, dialect: Dialect, steps: Mapping[Expr, Expr] | None = None, program: Program | None = None) -> str:
    """`value` in `dialect`; `steps` says what the unnamed names stand for."""
    return _Writer(dialect, steps or {}, program).write(value)


def writer(dialect: Dialect, steps: Mapping[Expr, Expr] | None = None, program: Program | None = None) -> Callable[[Expr], str]:
    """What writes values as `write` does: for many values of one program, whose names are looked up once."""
    return _Writer(dialect, steps or {}, program).write


class _Writer:
    def __init__(self, dialect: Dialect, steps: Mapping[Expr, Expr], program: Program | None) -> None:
        self.dialect = dialect
        self.steps = steps
        self.functions = program.functions if program is not None else {}
        self.labels = labels(program) if program is not None else {}
        self.program = program

    def write(self, value: Expr) -> str:
        """The pieces of the text in order, from a stack of texts and (value, level) still to be written."""
        done: list[str] = []
        waiting: list[str | tuple[Expr, str]] = [(value, "anything")]
        while waiting:
            piece = waiting.pop()
            if isinstance(piece, str):
                done.append(piece)
            else:
                waiting.extend(reversed(self.pieces(*piece)))
        return "".join(done)

    def pieces(self, value: Expr, level: str) -> list[str | tuple[Expr, str]]:
        while isinstance(value, Symbol) and value in self.steps:
            value = self.steps[value]
        if self.dialect.field in ("unicode", "latex") and isinstance(value, Operation):
            from algebra2net.formulas import formula

            value = formula(value, self.known)
        if not isinstance(value, Operation):
            text = self.atom(value)
            loose = text.startswith("-") and LEVELS.index(level) > LEVELS.index("negation")
            return [*self.bracketed([text])] if loose else [text]
        here = record(value, self.functions)
        special = _special(value, here, self)
        inside = special if special is not None else self.filled(value, here)
        binds = here.binds if special is None else _special_binds(here)
        return inside if LEVELS.index(binds) >= LEVELS.index(level) else self.bracketed(inside)

    @cached_property
    def known(self) -> Known:
        """What names stand for, whether they are folded in or not, and the names that a reader sees."""
        from algebra2net.formulas import Known

        equations = self.program.equations if self.program is not None else ()
        made = {e.name: e.value for e in equations} | dict(self.steps)
        named = {e.value: e.name for e in equations if not is_step(e.name) and isinstance(e.value, Operation)}
        shapes = self.program.shapes if self.program is not None else {}
        return Known(lambda value: made.get(value, value), lambda value: named.get(value, value), lambda value: shapes.get(value) == SCALAR)

    def bracketed(self, inside: list[str | tuple[Expr, str]]) -> list[str | tuple[Expr, str]]:
        opening, closing = self.dialect.brackets
        return [opening, *inside, closing]

    def filled(self, value: Operation, here: Operator) -> list[str | tuple[Expr, str]]:
        template: str = getattr(here, self.dialect.field)
        if not template:
            return self.called(value, here)
        operands = dict(zip(here.operands, value.args, strict=False))
        out: list[str | tuple[Expr, str]] = []
        for piece in _template(template):
            if isinstance(piece, str):
                out.append(piece)
            elif piece[0].startswith("*"):
                out += self.listed(value.args, piece[0])
            else:
                out.append((operands[piece[0]], piece[1]))
        return out

    def listed(self, args: tuple[Expr, ...], kind: str) -> list[str | tuple[Expr, str]]:
        """Blocks: side by side, or (`*;`) on top of each other; rows of blocks need no brackets of their own."""
        between = (r" \\ " if self.dialect.field == "latex" else "; ") if kind == "*;" else ", "
        out: list[str | tuple[Expr, str]] = []
        for place, arg in enumerate(args):
            out += [between] if place else []
            made = self.steps.get(arg, arg)
            if kind == "*;" and type(made).__name__ == "concat" and self.dialect is not PYTHON:
                out += self.listed(made.args, "&" if self.dialect.field == "latex" else "*") if self.dialect.field != "latex" else self.ampersands(made.args)
            else:
                out.append((arg, "anything"))
        return out

    def ampersands(self, args: tuple[Expr, ...]) -> list[str | tuple[Expr, str]]:
        out: list[str | tuple[Expr, str]] = []
        for place, arg in enumerate(args):
            out += [" & "] if place else []
            out.append((arg, "anything"))
        return out

    def called(self, value: Operation, here: Operator) -> list[str | tuple[Expr, str]]:
        """A call by name: operands without trailing defaults, then the options that are not the default."""
        args = list(here.operands_of(value))
        if not here.variadic:
            while args and here.operands[len(args) - 1] in here.defaults and args[-1] == option(here.defaults[here.operands[len(args) - 1]]):
                args.pop()
        opening, closing = self.dialect.brackets
        out: list[str | tuple[Expr, str]] = [self.dialect.call(here.name.removeprefix(OWN)), opening]
        for place, arg in enumerate(args):
            out += [", "] if place else []
            out.append((arg, "anything"))
        for word, setting in here.settings(value).items():
            if setting != option(here.options[word]):
                out.append(f"{', ' if len(out) > 2 else ''}{word}={self.atom(setting)}")
                out += [", keepdims=True"] if word == "axis" and self.dialect is PYTHON else []
        return [*out, closing]

    def atom(self, value: Expr) -> str:
        if isinstance(value, Symbol):
            return self.labels.get(value, {}).get(self.dialect.field) or self.dialect.name(value.name)
        if value is pi:
            return {"plain": "pi", "unicode": "π", "latex": r"\pi", "python": "np.pi"}[self.dialect.field]
        return number(value, self.dialect.field == "latex")


def number(value: Expr, latex: bool = False) -> str:
    """A number as short as it can be read back."""
    if value.is_Integer:
        return str(int(value))
    text = _short(float(value))
    if latex and "e" in text:
        mantissa, exponent = text.split("e")
        return rf"{mantissa.removesuffix('.0')} \cdot 10^{{{int(exponent)}}}"
    return text


def _short(value: float) -> str:
    """`1e-5`, `-1e9`: without what Python's own spelling has more."""
    texts = [repr(value), str(Decimal(repr(value)).normalize()).lower() if 1e6 <= abs(value) < math.inf else ""]
    return min((re.sub(r"e\+?(-?)0*(?=\d)", r"e\1", text) for text in texts if "." in text or "e" in text), key=len, default=repr(value))


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

# What one template cannot say: what looks different for different arguments.


def _special_binds(here: Operator) -> str:
    return "power" if here.name == "power" else "atom"


def _special(value: Operation, here: Operator, writer: _Writer) -> list[str | tuple[Expr, str]] | None:
    """Norms in bars, sizes as arguments, small powers."""
    name = here.name
    if writer.dialect is PYTHON:
        return _special_in_python(value, name)
    if name == "power" and writer.dialect.field == "unicode" and value.args[1].is_Integer and value.args[1] > 0:
        return [(value.args[0], "atom"), str(value.args[1]).translate(_RAISED)]
    if name in ("norm", "norm_1", "norm_inf") and value.args[-1] == NONE:
        mark = {"norm": "", "norm_1": "_1", "norm_inf": "_∞" if writer.dialect.field == "unicode" else "_inf"}[name]
        if writer.dialect.field == "latex":
            return [r"\left\| ", (value.args[0], "anything"), r" \right\|" + mark.replace("inf", r"\infty")]
        bars = "‖" if writer.dialect.field == "unicode" else "||"
        return [bars, (value.args[0], "anything"), bars + mark]
    if name in ("norm_1", "norm_inf"):
        opening, closing = writer.dialect.brackets
        order = {"norm_1": "1", "norm_inf": r"\text{inf}" if writer.dialect.field == "latex" else "inf"}[name]
        return [writer.dialect.call("norm"), opening, (value.args[0], "anything"), f", axis={value.args[-1]}, order={order}{closing}"]
    if name == "eye":
        (size,) = value.args
        if str(size) == "one":
            return ["I"]
        return [f"I_{{{size}}}" if writer.dialect.field == "latex" else f"I_{size}"]
    if name in ("ones", "zeros"):
        sizes = [] if str(value.args[0]) == "one" else [str(size) for size in value.args]
        return [f"{writer.dialect.call(name)}({', '.join(sizes)})"]
    if name == "extent":
        return [writer.dialect.name(str(value.args[0]))]
    if name in ("columns_of", "rows_of") and writer.dialect is not PLAIN:
        return _part(value, name == "columns_of", writer.dialect.field == "latex")
    return None


def _part(value: Operation, is_columns: bool, in_latex: bool) -> list[str | tuple[Expr, str]]:
    """What belongs to a block, as one cuts it out of an array: (δ Wᵀ)[:, h]."""
    whole, block = (value.args[0], "atom"), (value.args[1], "anything")
    opening, closing = (r"_{\left[", r"\right]}") if in_latex else ("[", "]")
    return [whole, f"{opening}:, ", block, closing] if is_columns else [whole, opening, block, f", :{closing}"]


def _special_in_python(value: Operation, name: str) -> list[str | tuple[Expr, str]] | None:
    if name in ("norm", "norm_1", "norm_inf"):
        order = {"norm": "", "norm_1": ", ord=1", "norm_inf": ", ord=np.inf"}[name]
        axis = value.args[-1]
        if axis == NONE and order:  # of a matrix NumPy's ord means another norm
            return ["norm(", (value.args[0], "anything"), f"{order.replace('ord', 'order').replace('np.', '')})"]
        return ["np.linalg.norm(", (value.args[0], "anything"), ")" if axis == NONE else f"{order}, axis={axis}, keepdims=True)"]
    if name == "eye":
        return ["I" if str(value.args[0]) == "one" else f"np.eye({value.args[0]})"]
    if name in ("ones", "zeros") and str(value.args[0]) != "one":
        return [f"np.{name}(({value.args[0]}, {value.args[1]}))"]
    return [names.identifier(str(value.args[0]))] if name == "extent" else None


# ------------------------------------------------------------------------------------------------------ programs


def folds(program: Program, hidden: bool = True) -> dict[Expr, Expr]:
    """What the unnamed steps stand for (and the hidden layers, where they are folded back into what the user typed)."""
    folded = program.hidden if hidden else frozenset()
    return {e.name: e.value for e in program.equations if is_step(e.name) or e.name in folded}


def shown(program: Program, hidden: bool = True) -> list[Equation]:
    """The equations that stand on a line of their own."""
    folded = program.hidden if hidden else frozenset()
    return [e for e in program.equations if not is_step(e.name) and e.name not in folded]


def lines(program: Program, dialect: Dialect, hidden: bool = True) -> list[str]:
    """A line for each named equation; the user's functions first."""
    writer = _Writer(dialect, folds(program, hidden), program)
    first = _definitions(program, dialect)
    return first + [f"{writer.atom(e.name)}{dialect.equals}{writer.write(e.value)}" for e in shown(program, hidden)]


def _definitions(program: Program, dialect: Dialect) -> list[str]:
    """The user's functions, as they were defined."""
    from algebra2net.lower import Own, own_rule

    out = []
    for own in program.functions.values():
        if isinstance(own, Own):
            body = own_rule(own, program)
            steps: dict[Expr, Expr] = {e.name: e.value for e in body.steps}
            words = ", ".join(dialect.name(word) for word in own.operands)
            opening, closing = dialect.brackets
            called = dialect.call(own.name.removeprefix(OWN))
            text = write(body.result, dialect, steps, program)
            out.append(f"{called} = lambda {words}: {text}" if dialect is PYTHON else f"{called}{opening}{words}{closing}{dialect.equals}{text}")
    return out


def aligned(program: Program, hidden: bool = True) -> str:
    """An `aligned` block of the program's equations."""
    rows = " \\\\\n".join(lines(program, LATEX, hidden))
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def labels(program: Program) -> dict[Symbol, dict[str, str]]:
    """Of signals and gradients: how they are written where there is more than plain text."""
    found: dict[Symbol, dict[str, str]] = {}
    for name, target in program.gradients.items():
        found[name] = {"unicode": f"∂L/∂{names.unicode(target.name)}", "latex": rf"\frac{{\partial L}}{{\partial {names.latex(target.name)}}}"}
    for name in program.deltas:
        found[name] = {"unicode": _signal(name.name, program.deltas[name].name), "latex": _latex_signal(name.name, program.deltas[name].name)}
    return found


def _signal(name: str, value: str) -> str:
    """δ₁, δ_h, δ_ŷ; what tells two signals apart (δ_A_pre) stays."""
    counted = re.fullmatch(r"d(\d+)(_\d+)?", name)
    if counted:
        return names.unicode(f"δ{counted[1]}{counted[2] or ''}")
    shown = names.unicode(value)
    text = names.unicode(f"δ_{shown}") if shown.isalpha() and len(shown) == 1 else f"δ_{shown}"
    return text + ("_pre" if name.endswith("_pre") else "")


def _latex_signal(name: str, value: str) -> str:
    counted = re.fullmatch(r"d(\d+)(?:_(\d+))?", name)
    inside = ",".join(filter(None, counted.groups())) if counted else names.latex(value)
    return rf"\delta_{{{inside}" + (r",\mathrm{pre}}" if name.endswith("_pre") else "}")
