"""The sheet as one HTML file: picture, algebra and Python of every equation, forward and back, with no outside reference.

In    what a sheet says (a Content), the programs, the module's text, the numbers of a call where there are any
Out   HTML, the same bytes in every run, complete without JavaScript
Idea  every symbol has a number, and every element that stands for it that number as its class; so style alone lights up
      a symbol everywhere when one of them is pointed at

What the user typed gets in through `escape` alone.
"""

from __future__ import annotations

import keyword
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from importlib.resources import files

from sympy import Symbol

from algebra2net import __version__, names
from algebra2net.faces.bricks import STYLE, Bricks
from algebra2net.faces.content import Content, Entry, Row
from algebra2net.faces.explain import Explanation, explain, sentences
from algebra2net.faces.looks import Looks, css
from algebra2net.faces.mathml import Formulas
from algebra2net.faces.numbers import Numbers, as_code, is_small, short, summary
from algebra2net.faces.wiring import Wiring
from algebra2net.program import SCALAR, Equation, Program, Shape
from algebra2net.spell import shown

PLACES = 4  # equations that the glossary names for a symbol
HEADLINES = 4  # equations of the program that stand in the title
MOST_LIT = 200  # symbols that style alone lights up
LIT = "--hl:color-mix(in srgb,var(--edge) 26%,transparent);--sw:2.4"
SCRIPT = """
(() => {
  let lit = [];
  const light = event => {
    for (const element of lit) element.classList.remove("lit");
    const symbol = event.target.closest && event.target.closest(".sym, .b");
    const found = symbol && /(^| )(s[0-9]+)( |$)/.exec(symbol.getAttribute("class"));
    lit = found ? [...document.querySelectorAll("." + found[2])] : [];
    for (const element of lit) element.classList.add("lit");
  };
  document.addEventListener("pointerover", light);
  document.addEventListener("focusin", light);
})();
"""

LEGEND = (
    "strip: a layer, one row an example", "strips behind it: any number of rows", "block: rows locked together, a weight", "upright: transposed",
    "hollow marks: a signal", "dashed: a gradient", "light size: summed over", "bold size: stays",
)  # fmt: skip
ROLES = ("data", "parameter", "hidden layer", "value", "output", "signal", "step", "gradient")

_PYTHON = re.compile(
    r"(?P<st>\"\"\"[\s\S]*?\"\"\"|'[^'\n]*'|\"[^\"\n]*\")|(?P<co>#[^\n]*)|(?P<nu>(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(?P<word>(?<![\w.])[^\W\d]\w*)|(?P<rest>[^\"'#\w]+|\w+|.)"
)


@dataclass(frozen=True)
class Page:
    """One sheet as HTML. `backprop` is None where nothing can be derived."""

    content: Content
    forward: Program
    backprop: Program | None = None
    source: str = ""
    numbers: Numbers = field(default_factory=dict)
    title: str = ""
    prefix: str = ""  # of the document's identifiers, where another sheet may stand in it

    def html(self) -> str:
        """The whole document."""
        parts = (self.header, self.section_forward, self.section_backprop, self.section_story, self.section_names, self.section_code, self.footer)
        body = "\n".join(text for part in parts if (text := part()))
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width,initial-scale=1">\n'
            f"<title>{escape(self.title or '; '.join(self.content.title)[:120])}</title>\n"
            f"<style>\n{self.style()}.lit{{{LIT}}}\n</style>\n<noscript><style>\n{self.lit()}</style></noscript>\n</head>\n"
            f"<body>\n<main>\n{body}\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
        )

    def fragment(self) -> str:
        """The equations alone, for a notebook's cell: styled within its own box, its anchors its own."""
        if not self.prefix:
            return replace(self, prefix=f"n{zlib.crc32(repr((self.content.title, self.content.entries)).encode()):08x}-").fragment()
        body = "\n".join(part for part in (self.section_forward(), self.section_backprop()) if part)
        return f'<div class="algebra2net">\n<style>\n{scoped(self.style() + self.lit())}</style>\n{body}\n</div>'

    def style(self) -> str:
        """The style sheet, with the colours of the names that there are."""
        hues = {look.hue for look in self.looks.by_name.values()}
        base = files("algebra2net.faces").joinpath("page.css").read_text(encoding="utf-8")
        return f"{base}{STYLE}\n{css(hues)}\n@media screen and (prefers-color-scheme:dark){{{css(hues, dark=True)}}}\n"

    def lit(self) -> str:
        """A rule for each symbol: where one is pointed at, all of them light up. Slow for hundreds, so scripts go first where there are any."""
        return "".join(f":root:has(.s{k}:is(:hover,:focus)) .s{k}{{{LIT}}}\n" for k in range(min(len(self.content.entries), MOST_LIT)))

    @cached_property
    def looks(self) -> Looks:
        """What every name looks like."""
        return Looks(self.content, self.backprop)

    @cached_property
    def bricks(self) -> Bricks:
        """What draws the pictures."""
        return Bricks(self.content, self.looks, self.forward.functions, self.numbers)

    @cached_property
    def made(self) -> Mapping[Symbol, tuple[Formulas, Equation]]:
        """Every equation with what writes it as MathML; the forward pass as it was typed."""
        found: dict[Symbol, tuple[Formulas, Equation]] = {}
        for program in (self.backprop, self.forward):
            if program is not None:
                formulas = Formulas(program, self.mark)
                found |= {equation.name: (formulas, equation) for equation in program.equations}
        return found

    @cached_property
    def namer(self) -> Formulas:
        """What writes names within sentences."""
        return Formulas(self.backprop if self.backprop is not None else self.forward, self.mark)

    # parts

    def header(self) -> str:
        """The algebra as it was typed, and the way to the parts."""
        typed = Formulas(self.forward, self.mark, hidden=True)
        rows = shown(self.forward)
        kept = rows if len(rows) <= HEADLINES else [*rows[: HEADLINES - 1], rows[-1]]
        math = [typed.line(equation) for equation in kept]
        if len(rows) > HEADLINES:
            math.insert(HEADLINES - 1, f'<div class="left">⋮ {_count(len(rows) - HEADLINES, "equation")} more</div>')
        if self.title:
            top = f"<h1>{escape(self.title)}</h1>\n" + _list("program", math)
        elif len(rows) == 1:
            top = f"<h1>{math[0]}</h1>"
        else:
            top = '<h1 class="program">' + "".join(f"<div>{line}</div>" for line in math) + "</h1>"
        links = [("forward", "Forward"), ("backprop", "Backpropagation"), ("story", "Correlation"), ("names", "Symbols"), ("code", "Code")]
        there = {"backprop": bool(self.content.backprop), "story": self.story is not None, "code": bool(self.source)}
        nav = "".join(f'<a href="#{anchor}">{word}</a>' for anchor, word in links if there.get(anchor, True))
        notes = "".join(f'<p class="missing">{escape(note)}</p>' for note in self.content.missing)
        made = '<p class="made">algebra2net</p>'
        facts = f'<p class="facts">{escape(self.facts())}</p>'
        wiring = Wiring(self.content, self.looks).svg(f"{self.prefix}map")
        glance = f'<div class="glance">{wiring}</div>' if wiring else ""
        return f'<header>\n<div>{made}\n{top}\n{facts}</div>\n{glance}\n</header>\n<nav aria-label="Parts of this sheet">{nav}</nav>\n{notes}'

    def facts(self) -> str:
        """The network in one line of words."""
        roles = [entry.role for entry in self.content.entries]
        learnt = [entry.shape for entry in self.content.entries if entry.role == "parameter"]
        sizes = [r * c for r, c in learnt if isinstance(r, int) and isinstance(c, int)]
        words = [_count(len(self.content.forward), "equation"), _count(roles.count("data"), "input"), _count(roles.count("parameter"), "parameter")]
        if sizes and len(sizes) == len(learnt):
            words.append(f"{sum(sizes):,} numbers to learn".replace(",", "\u202f"))
        return " · ".join(words)

    def section_forward(self) -> str:
        """The forward pass."""
        rows = "\n".join(self.row(row) for row in self.content.forward)
        lead = '<p class="lead">What the network computes, one equation at a time.</p>'
        return f'<section id="{self.prefix}forward">\n<h2>Forward</h2>\n{lead}\n{_heads()}\n{rows}\n{_list("legend", LEGEND)}\n</section>'

    def section_backprop(self) -> str:
        """The derived equations."""
        if not self.content.backprop:
            return ""
        wanted = sorted((entry for entry in self.content.entries if entry.role == "gradient"), key=lambda entry: self.looks.by_name[entry.family].index)
        by = ", ".join(self.symbol(entry.family) for entry in wanted[:12]) + (" …" if len(wanted) > 12 else "")
        rows = "\n".join(self.row(row) for row in self.content.backprop)
        what = f"How the loss changes with {by}: derived" if wanted else "Derived"
        lead = f"{what} from the equations above, last to first, each line with the rule that gave it."
        return f'<section id="{self.prefix}backprop">\n<h2>Backpropagation</h2>\n<p class="lead">{lead}</p>\n{_heads()}\n{rows}\n</section>'

    def row(self, row: Row) -> str:
        """An equation: picture, algebra, Python."""
        entry = self.content.by_name[row.name]
        index = self.looks.by_name[entry.name].index
        picture = self.bricks.picture(row, ident=f"{self.prefix}p{index}")
        why = "".join(f'<p class="why">{escape(_sentence(reason))}.</p>' for reason in row.reasons)
        lines = "".join(f'<span class="l">{self.python(line)}</span>' for line in row.code)
        if row.code and row.name in self.numbers:
            lines += f'<span class="l co"># {escape(as_code(self.numbers[row.name]))}</span>'
        code = f'<div class="code"><pre><code>{lines}</code></pre></div>' if row.code else '<div class="code"></div>'
        algebra = f'<div class="alg">{self.math(row)}{self.dims(row)}{self.value(row.name)}{why}</div>'
        return f'<article class="row" id="{self.prefix}eq{index}">\n<div class="pic">{picture}</div>\n{algebra}\n{code}\n</article>'

    def math(self, row: Row) -> str:
        """An equation as MathML that may go on in the next line."""
        formulas, equation = self.made[row.name]
        return formulas.line(equation)

    def dims(self, row: Row) -> str:
        """The equation once more, in sizes: `3 × 4 = 3 × n · n × 4`."""
        words = []
        for place, token in enumerate(row.tokens):
            turned = place + 1 < len(row.tokens) and row.tokens[place + 1].text == "ᵀ"
            if token.name is not None:
                shape = self.bricks.shape(token.name)
                words.append(f"<b>{_size(shape[::-1] if turned else shape)}</b>")
            elif token.kind == "product":
                words.append(" · ")
            elif token.text != "ᵀ":
                words.append(escape(token.text.replace("-", "−") if token.kind == "sign" else token.text))
        return f'<p class="dims">{"".join(words)}</p>'

    def value(self, name: Symbol) -> str:
        """What the equation comes to, where there are numbers."""
        if name not in self.numbers:
            return ""
        value = self.numbers[name]
        if value.shape == (1, 1):
            return f'<p class="is">= {short(float(value[0, 0]))}</p>'
        if not is_small(value) or not value.size:
            return f'<p class="is">= {escape(summary(value))}</p>'
        cells = "".join(f"<tr>{''.join(f'<td>{short(float(entry))}</td>' for entry in line)}</tr>" for line in value)
        return f'<div class="is">=<table class="m"><tbody>{cells}</tbody></table></div>'

    # correlation

    @cached_property
    def story(self) -> Explanation | None:
        """Who tells whom, where anything was derived."""
        if self.backprop is None or not self.content.backprop:
            return None
        return explain(self.backprop, self.numbers)

    def section_story(self) -> str:
        """What layers are told, and what weights correlate."""
        if self.story is None or not (self.story.layers or self.story.weights):
            return ""
        marks = {entry.name: f"\ue000{k}\ue001" for k, entry in enumerate(self.content.entries)}
        layers, weights = sentences(self.story, marks)
        told = [self.said(words, said.equation, said.numbers) for words, said in zip(layers, self.story.layers, strict=True)]
        brought = [self.said(words, said.equation, said.numbers) for words, said in zip(weights, self.story.weights, strict=True)]
        halves = [
            ("What each layer is told", "Global: what a layer should have been follows from what the later layer should have been, sent back through what lies between.", told),
            ("What each weight brings together", "Local: a weight correlates what came in with what should have come out.", brought),
        ]
        inside = "\n".join(f'<div><h3>{head}</h3><p class="lead">{lead}</p><ol>{"".join(items)}</ol></div>' for head, lead, items in halves if items)
        return f'<section id="story">\n<h2>Correlation</h2>\n<div class="story">\n{inside}\n</div>\n</section>'

    def said(self, words: str, equation: Equation, number: str) -> str:
        """A statement, its equation and what the numbers say."""

        def shown(mark: re.Match[str]) -> str:
            return self.symbol(self.content.entries[int(mark[1])].name)

        text = re.sub("\ue000(\\d+)\ue001", shown, escape(words))
        formulas = self.made[equation.name][0]
        return f"<li>{text}{formulas.line(equation)}{f'<p class=is>{escape(number)}</p>' if number else ''}</li>"

    # symbols

    def section_names(self) -> str:
        """The glossary: symbols, functions, sizes."""
        ordered = sorted(self.content.entries, key=lambda entry: ROLES.index(entry.role) if entry.role in ROLES else len(ROLES))
        rows = "\n".join(self.name_row(entry) for entry in ordered)
        head = '<tr><th scope="col">Symbol</th><th scope="col">Size</th><th scope="col">Role</th><th scope="col" class="k2">In code</th><th scope="col">Stands in</th></tr>'
        words = [(f"<code>{escape(called)}</code>", escape(doc)) for called, doc in self.content.functions.items()]
        words += [(f"<code>{escape(names.unicode(size))}</code>", escape(where)) for size, where in self.content.sizes.items()]
        words += [(f"<code>{escape(typed)}</code>", escape(how)) for typed, how in self.content.computed.items()]
        extra = f"<dl>{''.join(f'<dt>{term}</dt><dd>{meaning}</dd>' for term, meaning in words)}</dl>" if words else ""
        lead = '<p class="lead">Point at one, or tap it, and it lights up wherever it stands.</p>'
        table = f'<div class="wide"><table class="names">\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>'
        return f'<section id="names">\n<h2>Symbols</h2>\n{lead}\n{table}\n{extra}\n</section>'

    def name_row(self, entry: Entry) -> str:
        """A symbol of the glossary: size, role, and the equations it stands in, its own first."""
        look = self.looks.by_name[entry.name]
        places = dict.fromkeys([*([entry.name] if entry.name in self.made and entry.name in self.rows else []), *entry.uses])
        links = [f'<a href="#eq{self.looks.by_name[name].index}">{self.symbol(name)}</a>' for name in list(places)[:PLACES]]
        more = f" and {len(places) - PLACES} more" if len(places) > PLACES else ""
        code = f"<code>{escape(entry.identifier)}</code>" if entry.identifier else ""
        shape = self.bricks.shape(entry.name)
        return (
            f'<tr class="sym {look.classes}" tabindex="0"><td>{self.symbol(entry.name)}</td><td class="q">{"a number" if shape == SCALAR else _size(shape)}</td>'
            f'<td>{escape(entry.role)}</td><td class="k2">{code}</td><td>{", ".join(links)}{more}</td></tr>'
        )

    @cached_property
    def rows(self) -> frozenset[Symbol]:
        """The names that have an equation on the sheet."""
        return frozenset(row.name for row in (*self.content.forward, *self.content.backprop))

    def symbol(self, name: Symbol) -> str:
        """A name as MathML, within a sentence."""
        return self.namer.name(name)

    def mark(self, name: Symbol) -> str:
        """What makes a name's element one of its symbol's."""
        look = self.looks.by_name.get(name)
        return f' class="sym {look.classes}" tabindex="-1"' if look is not None else ""

    # code

    def section_code(self) -> str:
        """The whole module, folded away."""
        if not self.source:
            return ""
        lines = "".join(f'<span class="l">{line or " "}</span>' for line in self.python(self.source.rstrip("\n")).split("\n"))
        lead = '<p class="lead">The module behind the lines above: it stands alone and imports NumPy.</p>'
        module = f'<details class="module"><summary>Show the whole module</summary><pre><code>{lines}</code></pre></details>'
        return f'<section id="code">\n<h2>Code</h2>\n{lead}\n{module}\n</section>'

    def python(self, code: str) -> str:
        """Python, highlighted; symbols are symbols here, too. No element goes over a line's end."""
        return "".join(self.coloured(code))

    def coloured(self, code: str) -> Iterator[str]:
        """The pieces of a text in Python, each in its colour."""
        for match in _PYTHON.finditer(code):
            kind, text = str(match.lastgroup), match[0]
            entry = self.content.by_identifier.get(text) if kind == "word" else None
            if entry is not None:
                yield f'<span class="sym {self.looks.by_name[entry.name].classes}" tabindex="-1">{escape(text)}</span>'
            elif kind == "word" and keyword.iskeyword(text):
                yield f'<span class="kw">{text}</span>'
            elif kind in ("st", "co", "nu"):
                yield "\n".join(f'<span class="{kind}">{escape(line)}</span>' if line else "" for line in text.split("\n"))
            else:
                yield escape(text)

    def footer(self) -> str:
        """Where the page is from."""
        return f"<footer>Made by algebra2net {escape(__version__)} from the algebra alone.</footer>"


def scoped(style: str) -> str:
    """A style sheet for a box in somebody else's page."""
    inside = re.sub(r"@page\{[^}]*\}|html\{[^}]*\}", "", style).replace(":root", ":scope").replace("body{", ":scope{")
    return f"@scope (.algebra2net) {{\n{inside}\n}}\n"


def _heads() -> str:
    return '<div class="heads" aria-hidden="true"><span>Picture</span><span>Algebra</span><span>Python</span></div>'


def _list(kind: str, items: Iterable[str]) -> str:
    return f'<ul class="{kind}">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def _size(shape: Sequence[object] | Shape) -> str:
    """`3 × n₀`; a number is 1."""
    if tuple(shape) == SCALAR:
        return "1"
    return "\u2009×\u2009".join(escape(names.unicode(size) if isinstance(size, str) else str(size)) for size in shape)


def _sentence(reason: str) -> str:
    """A reason with a capital, unless it begins with a function's name."""
    return reason if reason.split(" ")[0].endswith(":") else reason[:1].upper() + reason[1:]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
