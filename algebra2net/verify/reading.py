"""Claims as people write them → records.

In    text in any notation, several equations at once
Out   claims: the name on the left, what it is the derivative of where that is written out, and a term
Idea  the notation has no derivatives, so each `∂L/∂W₀`, `\\frac{\\partial L}{\\partial W_0}`, `∇_W L` becomes a name before
      the text is read, in its place; where a reader then points at something, it points at what was typed
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from algebra2net import names
from algebra2net.derive import GRADIENT
from algebra2net.errors import AlgebraError, NotationError, Span
from algebra2net.lower import lower
from algebra2net.notation import Call, Declaration, Definition, Equation, Name, Value
from algebra2net.operators import spellings
from algebra2net.operators.operator import Operator
from algebra2net.program import SCALAR, is_step, symbol
from algebra2net.read import read
from algebra2net.recognise import recognised
from algebra2net.spell import LATEX, PLAIN, PYTHON, lines
from algebra2net.verify.terms import Term, term

if TYPE_CHECKING:
    from algebra2net.net import Net

DERIVATIVE = "derivative"  # with a number: the name that stands for a derivative which is written out
_DIALECTS = {"plain": PLAIN, "latex": LATEX, "python": PYTHON}
_LOSS = r"(?:[LEJCℒ𝓛ℰ]|[Ll]oss|[Cc]ost|[Ee]rror)(?:_\w+)?"
_TARGET = names.NAME
_BRACES = r"\{(?:[^{}\n]|\{[^{}\n]*\})*\}"
_PLAIN = re.compile(
    rf"""(?:d|∂)\s*(?:{_LOSS})\s*/\s*(?:d\s*|∂\s*)(?P<quotient>{_TARGET})
      | ∂\s*(?P<above>{_TARGET})\s*/\s*∂\s*(?P<partial>{_TARGET})
      | ∇\s*_\s*(?P<braced>{_BRACES}|{_TARGET})\s*(?:\(?{_LOSS}\)?(?![\w₀-₉]))?
      | ∇\s*(?P<nabla>(?!{_LOSS}(?![\w₀-₉])){_TARGET})\s*(?:{_LOSS}(?![\w₀-₉]))?
      | ∂\s*(?P<short>{_TARGET})""",
    re.VERBOSE,
)
_D = r"(?:\\partial|\\(?:mathrm|operatorname|text)\s*\{\s*d\s*\}|\\mathrm\s+d|∂|(?<![A-Za-z\\])d)\s*"
_LATEX_LOSS = r"(?:\\math(?:cal|rm|bf|scr|it)\s*(?:\{\s*\w+\s*\}|[A-Z])|\\(?:ell|text\s*\{\w+\}|operatorname\s*\{\w+\})|[LEJCl])(?:\s*_\s*(?:\{[^{}]*\}|\w))?\s*"
_SCRIPT = rf"\s*[_^]\s*(?:{_BRACES}|\\[A-Za-z]+|\w)"
_LATEX_TARGET = rf"(?:\\(?:hat|tilde|bar|vec|mathbf|boldsymbol|bm|mathrm)\s*(?:{_BRACES}|\\?[A-Za-z]+)|\\[A-Za-z]+|[^\W\d_])(?:{_SCRIPT})*"
_IN_LATEX = re.compile(
    rf"""\\[dt]?frac\s*\{{\s*{_D}(?P<above>{_LATEX_LOSS}|{_LATEX_TARGET}\s*)\}}\s*\{{\s*{_D}(?P<quotient>{_LATEX_TARGET})\s*\}}
      | \{{\s*{_D}(?P<before>{_LATEX_LOSS}|{_LATEX_TARGET}\s*)\\over\s*{_D}(?P<over>{_LATEX_TARGET})\s*\}}
      | {_D}{_LATEX_LOSS}/\s*{_D}(?P<partial>{_LATEX_TARGET})
      | \\nabla\s*_\s*(?P<braced>{_BRACES}|{_LATEX_TARGET})\s*(?:{_LATEX_LOSS})?
      | \\nabla\s*(?P<nabla>{_LATEX_TARGET})""",
    re.VERBOSE,
)
_ABOVE = ("above", "before")  # the groups with what is differentiated
_A_LOSS = re.compile(rf"{_LOSS}|\\(?:ell|math\w+|text|operatorname).*|[LEJCl]", re.DOTALL)
_SLOPES = re.compile(
    rf"(?<![\w.\\])(?:({'|'.join(sorted(spellings(), key=len, reverse=True))})_(?:derivative|deriv|grad|backward)|d_?(relu|sigmoid|tanh|softplus|silu|gelu|elu))(?=\s*\()"
)
_OF_OUTPUT = {"relu2deriv": "x > 0", "tanh2deriv": "1 - x ** 2", "sigmoid2deriv": "x * (1 - x)"}  # Trask 2019, chapters 6 and 9


@dataclass(frozen=True)
class Claim:
    """`name = value`, as typed in `span`; `of` is ∂ and the key of what it is the derivative of, where that is written out."""

    name: str
    value: Term
    span: Span
    spelled: str
    of: str = ""
    derivatives: Mapping[str, str] = field(default_factory=dict, compare=False)  # name → what it stands for: ∂ and a key, or dW0
    places: Mapping[str, Span] = field(default_factory=dict, compare=False)  # of its names
    functions: Mapping[str, Operator] = field(default_factory=dict, compare=False)  # that the claims or the network define


def read_claims(source: str, net: Net, notation: str = "auto", dialect: str | None = None) -> list[Claim]:
    """The claims in a text, in their order.

    Raises NotationError where the text cannot be meant, or where an expression stands alone.
    """
    chosen = _notation(source) if notation == "auto" else notation
    text = _Rewritten(source, chosen, net)
    try:
        return list(_claims(text, chosen, net, dialect))
    except AlgebraError as error:
        raise type(error)(error.message, text.original(error.span), error.hint, [(words, text.original(span)) for words, span in error.also]) from None


def _notation(source: str) -> str:
    """The notation of a text, its derivatives aside: `dL/dW0 = l0.T @ d1` is Python but for its left-hand side."""
    if re.search(rf"\b(?:{'|'.join(_OF_OUTPUT)})\s*\(", source):
        return "python"
    return recognised(source if re.search(r"\\[A-Za-z]", source) else _PLAIN.sub("s", source))


def _claims(text: _Rewritten, notation: str, net: Net, dialect: str | None) -> Iterator[Claim]:
    statements = read(text.text, notation, dialect)
    equations = [s for s in statements if isinstance(s, Equation)]
    if not equations:
        raise NotationError("there is no claim", Span(text.text, len(text.before), len(text.text)), "a claim is an equation: dW0 = l0' d1")
    for equation in equations:
        if not equation.names[0].span.text.strip():
            raise NotationError("a claim is an equation", equation.span, f"say what it is: dW0 = {' '.join(equation.span.text.split())[:60]}")
    definitions = [s for s in statements if isinstance(s, Definition)]
    known = [Declaration(Name(key, equations[0].span), (), equations[0].span) for key in net.shapes]  # I_e may be no identity matrix here
    program = lower(
        [*definitions, *known, *equations],
        dialect == "matlab",
        net.steps.dimensions | {s for shape in net.shapes.values() for s in shape if isinstance(s, str) and s.isidentifier()},
    ).program
    made = {e.name: e.value for e in program.equations}
    folded = {name for name in made if is_step(name) or name in program.hidden}
    for equation in equations:
        value = term(made[symbol(equation.names[0].key)], lambda name: made[name] if name in folded else None, program.functions)
        span = text.original(equation.span)
        assert span is not None
        for name in equation.names:
            target = text.targets.get(name.key, "")
            written = text.original(name.span)
            yield Claim(name.key, value, span, written.text if written else name.key, target, text.targets, dict(_names(equation.value, text)), program.functions)


def _names(value: Value, text: _Rewritten) -> Iterator[tuple[str, Span]]:
    """The names in a claim, and where they stand."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Call):
            waiting += node.arguments
        elif isinstance(node, Name) and (span := text.original(node.span)) is not None:
            yield node.key, span


class _Rewritten:
    """A text with a name for each derivative, behind the functions of the network; and the way back."""

    def __init__(self, source: str, notation: str, net: Net) -> None:
        self.source = source
        self.targets: dict[str, str] = {}
        self._pieces: list[tuple[int, int, int, int]] = []  # in the new text, in the old one
        self.before = _functions(source, notation, net)
        self.text = self.before
        at = 0
        for start, stop, name in _replacements(source, notation, net, self.targets):
            self.text += source[at:start]
            self._pieces.append((len(self.text), len(self.text) + len(name), start, stop))
            self.text += name
            at = stop
        self.text += source[at:]

    def original(self, span: Span | None) -> Span | None:
        """The span of what was typed."""
        if span is None or span.source != self.text:
            return span
        return Span(self.source, self._back(span.start, False), self._back(span.stop, True))

    def _back(self, place: int, ends: bool) -> int:
        shift = len(self.before)
        for start, stop, old_start, old_stop in self._pieces:
            if place >= stop:
                shift = stop - old_stop
            elif place > start:
                return old_stop if ends else old_start
        return min(max(place - shift, 0), len(self.source))


def _replacements(source: str, notation: str, net: Net, targets: dict[str, str]) -> list[tuple[int, int, str]]:
    """Where in the text a name is to stand for something else: start, end, name."""
    found: list[tuple[int, int, str]] = []
    for match in (_IN_LATEX if notation == "latex" else _PLAIN).finditer(source):
        target = next(part for word, part in match.groupdict().items() if part is not None and word not in _ABOVE)
        for word in _ABOVE:
            _refuse_jacobian(match, word, notation, net)
        key = _key(target[1:-1] if target.startswith("{") else target, notation)
        name = f"{DERIVATIVE}_{len(targets)}"
        targets[name] = GRADIENT + key
        found.append((*match.span(), rf"\mathrm{{{DERIVATIVE}}}_{{{len(targets) - 1}}}" if notation == "latex" else f" {name} " if notation == "plain" else name))
    taken = [range(start, stop) for start, stop, _ in found]
    if notation == "latex":
        known = {*net.shapes}
        for match in re.finditer(rf"(?<![A-Za-z\\_^{{])d\s*({_LATEX_TARGET})", source):
            if not any(match.start() in span for span in taken) and "d" not in known and (key := _key(match[1], notation)) in known:
                targets[f"{DERIVATIVE}_{len(targets)}"] = f"d{key}"
                found.append((*match.span(), rf"\mathrm{{{DERIVATIVE}}}_{{{len(targets) - 1}}}"))
    else:
        found += [(*match.span(), f"{match[1] or match[2]}_prime") for match in _SLOPES.finditer(source) if not re.search(rf"def\s+{match[0]}\b|\b{match[0]}\s*=\s*lambda", source)]
    return sorted(found)


def _refuse_jacobian(match: re.Match[str], word: str, notation: str, net: Net) -> None:
    """Raise NotationError where what is differentiated is a value of the network that is no loss: ∂l₁/∂z₁."""
    above = match.groupdict().get(word)
    if above is None or _A_LOSS.fullmatch(above.strip()):
        return
    key = _key(above, notation)
    if key != net.output or net.shapes[key] != SCALAR:
        message = f"{names.unicode(key)} is no loss" if key in net.shapes else f"there is no {names.unicode(key)} in the network"
        raise NotationError(message, Span(match.string, *match.span(word)), "claims are about the derivatives of a loss: ∂L/∂W₀; the slope of a function is written f'(z)")


def _key(target: str, notation: str) -> str:
    """The key of a name that stands under a derivative."""
    if notation != "latex":
        return names.key(target)
    (statement, *_) = read(f"{target.strip()} = 1", "latex")
    return statement.names[0].key if isinstance(statement, Equation) else names.key(target)


def _functions(source: str, notation: str, net: Net) -> str:
    """The definitions of the network's own functions, to stand before the claims; and those that the book's readers know."""
    program = replace(net.program, equations=())
    text = [line.replace(" &= ", " = ") + (r" \\" if notation == "latex" else "") for line in (lines(program, _DIALECTS[notation]) if net.program.functions else [])]
    written = {names.key(name) for name in re.findall(r"^[ \t]*(?:def[ \t]+)?([^\s(=]+)[ \t]*(?:\(|=[ \t]*lambda)", source, re.MULTILINE)}
    text = [line for line in text if names.key(re.split(r"[(=]|\\left", line)[0].strip()) not in written]
    if notation == "python":
        text += [
            f"{name} = lambda x: {body}"
            for name, body in _OF_OUTPUT.items()
            if re.search(rf"\b{name}\s*\(", source) and not re.search(rf"def\s+{name}\b|\b{name}\s*=\s*lambda", source)
        ]
    return "".join(f"{line}\n" for line in text)
