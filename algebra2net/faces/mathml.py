"""Equations as MathML, so that a page needs no script and no font of its own.

In    a Program's equations, and what marks each of its names
Out   MathML Core, in pieces between which a line may break
Idea  MathML is read off what `spell` writes as LaTeX, every name between two marks: no operator says a second time how it looks

Reading keeps a stack of its own: a formula may be nested deeper than Python likes to go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape

from sympy import Expr, Symbol

from algebra2net import names
from algebra2net.program import Equation, Program, symbol
from algebra2net.spell import LATEX, UNICODE, folds, labels, write, writer

LONGEST = 4000  # characters of LaTeX; what is longer no reader reads as a formula
ROOM = 12.5  # ems, about, that a piece may take; a formula with a wider one is set smaller
WIDEST = 12  # ems, about; what is wider in brackets may break inside them
WIDEST_FRACTION = 15  # a wider fraction is written with a slash, so that it may break
Mark = Callable[[Symbol], str]  # attributes of the element that a name becomes

_NAME, _TEXT, _END = "\ue000", "\ue002", "\ue001"  # private use: no name of a user's has them
_MACHINE = re.compile(
    rf"{_NAME}(?P<name>[^{_TEXT}]*){_TEXT}|(?P<end>{_END})|\\(?P<command>[A-Za-z]+|.)"
    r"|(?P<number>\d+(?:\.\d+)?)|(?P<word>[^\W\d_]{2,})|(?P<space>\s+)|(?P<sign>.)"
)
_SIGNS = {
    "cdot": "⋅", "odot": "∘", "otimes": "⊗", "le": "≤", "ge": "≥", "ne": "≠", "top": "⊤", "prime": "′", "partial": "∂", "infty": "∞", "times": "×",
    "lceil": "⌈", "rceil": "⌉", "lfloor": "⌊", "rfloor": "⌋", "|": "‖", "{": "{", "}": "}", "_": "_", "%": "%", "#": "#", "&": "&", "$": "$",
}  # fmt: skip
_ACCENTS = {"hat": "^", "widehat": "^", "tilde": "~", "widetilde": "~", "bar": "¯", "dot": "˙", "ddot": "¨", "vec": "→", "check": "ˇ"}
_ARGUMENTS = {"frac": 2, "sqrt": 1, "operatorname": 1, "mathrm": 1, "text": 1, "sup": 2, "sub": 2} | dict.fromkeys(_ACCENTS, 1)
_SPACES = {",": "0.17em", ":": "0.22em", ";": "0.28em", "!": "0", "quad": "1em", "qquad": "2em", " ": "0.25em"}
_TALL = ("<mfrac", "<mtable", "<msqrt", "<mroot")  # what brackets grow with
_BREAKS = ("/", "+", "-", "−", "∘", "=", "<", ">", "≤", "≥", "≠", "⊗")


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of MathML, about how wide it is, and what it is made of where it may be broken."""

    xml: str
    width: float
    kind: str = ""  # sign, product, fence, function, word
    parts: tuple[Node, ...] = ()  # what it becomes where it may break
    inside: tuple[Node, ...] = ()  # of a group: its nodes


@dataclass
class Formulas:
    """Writes a Program's equations; `mark` gives the attributes of the element that a name becomes."""

    program: Program
    mark: Mark

    hidden: bool = False  # whether hidden layers are folded back into what was typed

    def __post_init__(self) -> None:
        texts = {made.name: text["latex"] for made, text in labels(self.program).items()}
        self.steps: dict[Expr, Expr] = folds(self.program, self.hidden)
        marked = replace(LATEX, name=lambda key: f"{_NAME}{key}{_TEXT}{texts.get(key) or names.latex(key)}{_END}")
        self.write = writer(marked, self.steps, replace(self.program, gradients={}, deltas={}))

    def line(self, made: Equation) -> str:
        """An equation as a block that goes on in the next line where it has to."""
        left, right, widest = self.equation(made)
        size = f' style="font-size:{max(0.6, ROOM / widest):.0%}"' if widest > ROOM else ""
        return f'<div class="eq">{left}<span class="rhs"{size}>{"<wbr>".join(right)}</span></div>'

    def equation(self, made: Equation) -> tuple[str, list[str], float]:
        """An equation: its left side with the sign, its right side in pieces that each stay on one line, and about how many ems the widest takes."""
        left = _math(parse(f"{self.latex(made.name)} =", self.mark))
        value = self.latex(made.value)
        if len(value) > LONGEST:
            return left, [f"<code>{escape(write(made.value, UNICODE, self.steps, self.program))}</code>"], 0.0
        pieces = list(_broken(parse(value, self.mark)))
        return left, [_continued(piece) if place else _math(piece) for place, piece in enumerate(pieces)], max(map(_width, pieces), default=0.0)

    def name(self, called: Symbol) -> str:
        """A name."""
        return _math(parse(self.latex(called), self.mark))

    def latex(self, value: Expr) -> str:
        """The LaTeX of a value, every name between marks."""
        return self.write(value)


def _math(nodes: Sequence[Node]) -> str:
    kept = nodes[1:] if nodes and nodes[0].kind == "product" else nodes  # a line does not begin with a blank
    return f"<math>{_row(kept)}</math>"


def _continued(nodes: Sequence[Node]) -> str:
    """A piece behind another: the sign it begins with stands between the two, a product has its blank before it."""
    blank = "\u2009" if nodes and nodes[0].kind == "product" else ""
    return blank + _math(nodes).replace("<mo", '<mo form="infix"', 1) if nodes and nodes[0].kind == "sign" else blank + _math(nodes)


def _row(nodes: Sequence[Node]) -> str:
    inside = "".join(node.xml for node in nodes)
    return inside if len(nodes) == 1 else f"<mrow>{inside}</mrow>"


# ------------------------------------------------------------------------------------------------------ breaking


def _broken(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """The pieces of a formula that must stay together."""
    piece: list[Node] = []
    for node in _flat(nodes):
        starts = node.kind == "product" or (node.kind == "sign" and any(f">{sign}<" in node.xml for sign in _BREAKS))
        if starts and piece and piece[-1].kind not in ("sign", "open"):
            yield piece
            piece = []
        piece.append(node)
        if node.kind == "sign" and ">,<" in node.xml:
            yield piece
            piece = []
    if piece:
        yield piece


def _flat(nodes: Sequence[Node]) -> Iterator[Node]:
    """The nodes, those in wide brackets opened."""
    waiting = list(reversed(nodes))
    called = 0.0  # the width of the function that brackets belong to
    while waiting:
        node = waiting.pop()
        if node.parts and node.width + called > (WIDEST_FRACTION if node.kind == "fraction" else WIDEST):
            waiting.extend(reversed(node.parts))
        else:
            yield node
        called = node.width if node.kind == "function" else called if node.kind == "applied" else 0.0


# ------------------------------------------------------------------------------------------------------- reading


@dataclass(slots=True)
class _Frame:
    """A group that is open: what it is, and its nodes so far."""

    kind: str
    word: str = ""
    nodes: list[Node | _Pending] = field(default_factory=list)
    cells: list[list[list[Node]]] = field(default_factory=list)


@dataclass(slots=True)
class _Pending:
    """A command that waits for its arguments."""

    word: str
    arguments: list[Node]


def parse(latex: str, mark: Mark) -> list[Node]:
    """The nodes of a formula in the LaTeX that `spell` writes."""
    reader = _Reader(mark)
    for token in _MACHINE.finditer(latex):
        reader.take(str(token.lastgroup), token[str(token.lastgroup)], latex[token.end() : token.end() + 1])
    while len(reader.stack) > 1:
        reader.close()
    return reader.finished(reader.stack[0].nodes)


class _Reader:
    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.stack = [_Frame("formula")]
        self.delimiter = ""  # the command that takes the next sign as its bracket
        self.environment = ""  # \\begin or \\end, until its name has come

    def take(self, kind: str, text: str, following: str) -> None:
        """One token more."""
        if self.environment:
            self.named_environment(text)
        elif self.delimiter:
            if kind != "space":
                self.bracket(_SIGNS.get(text, text))
        elif kind == "name":
            self.stack.append(_Frame("name", text))
        elif kind == "end" or (text == "}" and kind == "sign"):
            self.close()
        elif kind == "command":
            self.command(text)
        elif kind == "number":
            self.place(Node(f"<mn>{text}</mn>", 0.5 * len(text)))
        elif kind == "word":
            self.place(Node(f"<mi>{escape(text)}</mi>", 0.5 * len(text)))
        elif kind == "sign":
            self.sign(text)

    def command(self, word: str) -> None:
        if word in ("left", "right"):
            self.delimiter = word
        elif word in ("begin", "end"):
            self.environment = word
        elif word == "\\":
            self.new_row()
        elif word in _SPACES:
            self.place(Node(f'<mspace width="{_SPACES[word]}"/>', 0.2, "product" if word == "," else ""))
        elif word in _ARGUMENTS:
            self.frame.nodes.append(_Pending(word, []))
        elif word in _SIGNS:
            self.place(_operator(_SIGNS[word]))
        elif word in names.GREEK:
            self.place(Node(f"<mi>{names.GREEK[word]}</mi>", 0.6, "function" if word in ("sigma", "psi", "Gamma") else ""))
        else:
            self.place(Node(f"<mi>{escape(word)}</mi>", 0.5 * len(word), "function"))

    def sign(self, text: str) -> None:
        if text == "{":
            self.stack.append(_Frame("group"))
        elif text in "^_":
            base = self.frame.nodes.pop() if self.frame.nodes and isinstance(self.frame.nodes[-1], Node) else Node("<mrow></mrow>", 0)
            assert isinstance(base, Node)
            self.frame.nodes.append(_Pending("sup" if text == "^" else "sub", [base]))
        elif text == "'":
            base = self.frame.nodes.pop() if self.frame.nodes and isinstance(self.frame.nodes[-1], Node) else Node("<mrow></mrow>", 0)
            assert isinstance(base, Node)
            self.place(Node(f"<msup>{base.xml}<mo>′</mo></msup>", base.width + 0.3, base.kind))
        elif text == "&":
            self.new_cell()
        elif text == "[" and self.frame.nodes and isinstance(self.frame.nodes[-1], _Pending) and self.frame.nodes[-1].word == "sqrt":
            self.stack.append(_Frame("index"))
        elif text == "]" and self.frame.kind == "index":
            self.close()
        elif text.isalpha():
            self.place(Node(f"<mi>{escape(text)}</mi>", 0.6))
        else:
            self.place(_operator(text))

    @property
    def frame(self) -> _Frame:
        return self.stack[-1]

    def place(self, node: Node) -> None:
        """A node at the end of the open group, or as an argument of the command that waits for one."""
        while self.frame.nodes and isinstance(pending := self.frame.nodes[-1], _Pending):
            pending.arguments.append(node)
            if len(pending.arguments) < _ARGUMENTS[pending.word]:
                return
            self.frame.nodes.pop()
            node = _built(pending.word, pending.arguments)
        self.frame.nodes.append(node)

    def close(self) -> None:
        """The open group becomes a node."""
        if len(self.stack) == 1:
            return  # nothing is open
        frame = self.stack.pop()
        nodes = self.finished(frame.nodes)
        if frame.kind == "name":
            self.place(Node(f"<mrow{self.mark(symbol(frame.word))}>{''.join(node.xml for node in nodes)}</mrow>", _width(nodes)))
        elif frame.kind == "index":
            self.frame.nodes[-1] = _Pending("sqrt", [])
            self.frame.nodes.insert(len(self.frame.nodes) - 1, Node(f"<!--{_width(nodes)}-->", 0, "index", tuple(nodes)))
        else:
            self.place(Node(_row(nodes), _width(nodes), nodes[0].kind if len(nodes) == 1 else "", nodes[0].parts if len(nodes) == 1 else (), tuple(nodes)))

    def finished(self, nodes: Sequence[Node | _Pending]) -> list[Node]:
        """The nodes; a command that never got its arguments is left out. An index goes into the root behind it."""
        found: list[Node] = []
        for node in nodes:
            if isinstance(node, _Pending):
                continue
            if found and found[-1].kind == "index":
                index = found.pop()
                inside = node.xml.removeprefix("<msqrt>").removesuffix("</msqrt>")
                node = Node(f"<mroot><mrow>{inside}</mrow>{_row(index.parts)}</mroot>", node.width)
            if found and found[-1].kind == "function" and node.kind == "fence":
                found.append(Node("<mo>\u2061</mo>", 0, "applied"))
            found.append(node)
        return found

    def bracket(self, sign: str) -> None:
        which, self.delimiter = self.delimiter, ""
        if which == "left":
            self.stack.append(_Frame("fence", sign))
            return
        if len(self.stack) == 1:
            return  # nothing is open
        frame = self.stack.pop()
        nodes = self.finished(frame.nodes)
        first, last = _bracket(frame.word, "prefix", nodes), _bracket(sign, "postfix", nodes)
        xml = f"<mrow>{first.xml}{''.join(node.xml for node in nodes)}{last.xml}</mrow>"
        self.place(Node(xml, _width(nodes) + 0.8, "fence", (first, *nodes, last)))

    # environments

    def named_environment(self, text: str) -> None:
        """The name of an environment, after its opening brace."""
        if text == "}":
            self.environment = ""
        elif text != "{":
            if self.environment == "begin":
                self.stack.append(_Frame("table", text))
            else:
                self.end_table()

    def new_cell(self) -> None:
        if self.frame.kind == "table":
            self.frame.cells = self.frame.cells or [[]]
            self.frame.cells[-1].append(self.finished(self.frame.nodes))
            self.frame.nodes = []

    def new_row(self) -> None:
        if self.frame.kind == "table":
            self.new_cell()
            self.frame.cells.append([])

    def end_table(self) -> None:
        self.new_cell()
        frame = self.stack.pop()
        rows = "".join(f"<mtr>{''.join(f'<mtd>{_row(cell)}</mtd>' for cell in row)}</mtr>" for row in frame.cells)
        opening, closing = ("{", "") if frame.word == "cases" else ("[", "]")
        width = max((sum(_width(cell) + 0.8 for cell in row) for row in frame.cells), default=0) + 0.8
        style = ' style="text-align:left"' if frame.word == "cases" else ""
        end = f'<mo form="postfix" lspace="0" rspace="0">{closing}</mo>' if closing else ""
        self.place(Node(f'<mrow><mo form="prefix" lspace="0" rspace="0">{opening}</mo><mtable{style}>{rows}</mtable>{end}</mrow>', width))


def _operator(sign: str) -> Node:
    shown = "−" if sign == "-" else sign
    space = ' lspace="0.24em" rspace="0.24em"' if sign == "∘" else ""
    return Node(f"<mo{space}>{escape(shown)}</mo>", 1.0 if sign != "," else 0.4, "sign")


def _built(word: str, arguments: Sequence[Node]) -> Node:
    """A command with its arguments."""
    first = arguments[0]
    second = arguments[-1]
    match word:
        case "frac":
            slashed = (*_in_brackets(first), _operator("/"), *_in_brackets(second))
            return Node(f"<mfrac>{first.xml}{second.xml}</mfrac>", max(first.width, second.width) + 0.2, "fraction", slashed)
        case "sqrt":
            return Node(f"<msqrt>{first.xml}</msqrt>", first.width + 0.9)
        case "sup" | "sub":
            return Node(f"<m{word}>{first.xml}{second.xml}</m{word}>", first.width + 0.7 * second.width, first.kind if first.kind == "function" else "")
        case "operatorname" | "mathrm" | "text":
            text = re.sub(r"<[^>]*>", "", first.xml)
            style = "" if len(text) != 1 else ' mathvariant="normal"'
            return Node(f"<mi{style}>{text}</mi>", 0.5 * len(text), "function" if word == "operatorname" else "word")
    return Node(f'<mover accent="true">{first.xml}<mo>{_ACCENTS[word]}</mo></mover>', first.width)


def _in_brackets(node: Node) -> tuple[Node, ...]:
    """What stands above or below a fraction's line, as it stands beside a slash."""
    inside = node.inside or (node,)
    return inside if len(inside) == 1 else (_bracket("(", "prefix", inside), *inside, _bracket(")", "postfix", inside))


def _bracket(sign: str, form: str, inside: Sequence[Node]) -> Node:
    """A bracket that grows with what is tall, and leaves the rest as it is."""
    flat = "" if any(tall in node.xml for node in inside for tall in _TALL) else ' stretchy="false"'
    return Node(f'<mo form="{form}"{flat} lspace="0" rspace="0">{escape(sign)}</mo>', 0.4, "open" if form == "prefix" else "")


def _width(nodes: Sequence[Node]) -> float:
    return sum(node.width for node in nodes)
