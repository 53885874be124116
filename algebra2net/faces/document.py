"""The sheet as a LaTeX document that pdflatex compiles as it is.

In    what a sheet says (a Content), the programs, the module's text
Out   LaTeX: the program, the derivation step by step with the rule of each step, the symbols, the code
Idea  a formula that is wider than the page is made smaller by TeX itself, which knows how wide it is

Needs nothing beyond amsmath, graphicx, booktabs, longtable and listings, which come with every TeX.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import Symbol

from algebra2net import names
from algebra2net.faces.content import Content, Entry, Row
from algebra2net.faces.explain import explain, sentences
from algebra2net.names import GREEK
from algebra2net.program import SCALAR, Equation, Program, Shape
from algebra2net.spell import LATEX, folds, labels, shown, writer

PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{lmodern,amsmath,amssymb,graphicx,booktabs,longtable,listings}
\usepackage[margin=25mm]{geometry}
\lstset{language=Python,basicstyle=\ttfamily\footnotesize,commentstyle=\itshape,breaklines=true,columns=fullflexible,keepspaces=true,showstringspaces=false}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 2pt}
\newsavebox{\formula}
\newcommand{\fit}[1]{\sbox{\formula}{$\displaystyle #1$}\ifdim\wd\formula>0.92\linewidth\resizebox{0.92\linewidth}{!}{\usebox{\formula}}\else\usebox{\formula}\fi}
\newcommand{\reason}[1]{{\small\itshape #1\par}}
\newcommand{\sizes}[1]{{\footnotesize $#1$\par}}
"""
_ESCAPED = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}"}
_ESCAPED |= {sign: "\\" + sign for sign in "#$%&"}
_ASCII = dict(zip("×∂²³′−≤≥≠‖·∘ᵀ½√", ["x", "d", "^2", "^3", "'", "-", "<=", ">=", "!=", "||", "*", "*", "'", "1/2", "sqrt"], strict=True))


def document(content: Content, forward: Program, backprop: Program | None, source: str) -> str:
    """The document's text."""
    return _Document(content, forward, backprop, source).text()


@dataclass(frozen=True)
class _Document:
    content: Content
    forward: Program
    backprop: Program | None
    source: str

    def text(self) -> str:
        parts = [PREAMBLE, r"\begin{document}", *self.opening(), *self.derivation(), *self.correlation(), *self.symbols(), *self.code(), r"\end{document}"]
        return "\n".join(parts) + "\n"

    # sections

    def opening(self) -> Iterator[str]:
        """The program as it was typed, then equation by equation."""
        yield r"\section*{The network}"
        typed = _Writer(self.forward, hidden=True)
        yield from (_display(typed.equation(equation)) for equation in shown(self.forward))
        yield r"\section*{Forward}"
        yield from self.rows(self.content.forward, self.forward)

    def derivation(self) -> Iterator[str]:
        """Backpropagation, last equation first."""
        if self.backprop is not None and self.content.backprop:
            yield r"\section*{Backpropagation}"
            yield from self.rows(self.content.backprop, self.backprop)

    def rows(self, rows: tuple[Row, ...], program: Program) -> Iterator[str]:
        writer = _Writer(program)
        made = {equation.name: equation for equation in program.equations}
        for row in rows:
            yield _display(writer.equation(made[row.name]), numbered=True)
            yield rf"\sizes{{{self.sizes(row)}}}"
            yield from (rf"\reason{{{escaped(reason)}.}}" for reason in row.reasons)

    def sizes(self, row: Row) -> str:
        """Of each name in an equation how large it is."""
        found = dict.fromkeys(token.name for token in row.tokens if token.name is not None)
        return r",\quad ".join(f"{self.spelled(name)} : {_size(self.content.by_name[name].shape)}" for name in found)

    def correlation(self) -> Iterator[str]:
        """What layers are told, and what weights correlate."""
        if self.backprop is None or not self.content.backprop:
            return
        story = explain(self.backprop)
        marks = {entry.name: f"\ue000{k}\ue001" for k, entry in enumerate(self.content.entries)}
        for title, lines in zip(("What each layer is told", "What each weight brings together"), sentences(story, marks), strict=True):
            if lines:
                yield rf"\section*{{{title}}}"
                yield r"\begin{itemize}"
                yield from (rf"\item {self.said(line)}" for line in lines)
                yield r"\end{itemize}"

    def said(self, line: str) -> str:
        """A sentence; names become formulas."""
        pieces = re.split("\ue000(\\d+)\ue001", line)
        return "".join(f"${self.spelled(self.content.entries[int(piece)].name)}$" if place % 2 else escaped(piece) for place, piece in enumerate(pieces))

    def symbols(self) -> Iterator[str]:
        """The glossary."""
        yield r"\section*{Symbols}"
        yield r"\begin{longtable}{@{}llll@{}}\toprule Symbol & Size & Role & In code \\ \midrule\endhead"
        yield from (self.symbol(entry) for entry in self.content.entries)
        yield r"\bottomrule\end{longtable}"
        if self.content.computed:
            yield r"\begin{itemize}"
            yield from (rf"\item \texttt{{{escaped(ascii_text(typed))}}} is {escaped(ascii_text(how))}" for typed, how in self.content.computed.items())
            yield r"\end{itemize}"

    def symbol(self, entry: Entry) -> str:
        size = "a number" if entry.shape == SCALAR else f"${_size(entry.shape)}$"
        return rf"${self.spelled(entry.name)}$ & {size} & {escaped(entry.role)} & \texttt{{{escaped(entry.identifier)}}} \\"

    def code(self) -> Iterator[str]:
        """The module; what pdflatex has no letter for is spelled in ASCII."""
        if self.source:
            yield r"\section*{Code}"
            yield r"\begin{lstlisting}"
            yield ascii_text(self.source.rstrip("\n")).replace(r"\end{lstlisting}", r"\ end{lstlisting}")
            yield r"\end{lstlisting}"

    @cached_property
    def labels(self) -> Mapping[Symbol, Mapping[str, str]]:
        return labels(self.backprop) if self.backprop is not None else {}

    def spelled(self, name: Symbol) -> str:
        return letters(self.labels[name]["latex"] if name in self.labels else names.latex(name.name))


class _Writer:
    """Writes equations, what the steps stand for worked out once."""

    def __init__(self, program: Program, hidden: bool = False) -> None:
        self.write = writer(LATEX, folds(program, hidden), program)

    def equation(self, equation: Equation) -> str:
        sides = (self.write(side) for side in (equation.name, equation.value))
        return letters(" = ".join(sides))


def _display(formula: str, numbered: bool = False) -> str:
    star = "" if numbered else "*"
    return f"\\begin{{equation{star}}}\n\\fit{{{formula}}}\n\\end{{equation{star}}}"


def _size(shape: Shape) -> str:
    """`3 \\times n_{0}`."""
    return r" \times ".join(letters(names.latex(size)) if isinstance(size, str) else str(size) for size in shape)


def letters(formula: str) -> str:
    """A formula in the letters that pdflatex has: others by their numbers."""
    return "".join(c if c.isascii() else rf"\langle\mathtt{{{ord(c):X}}}\rangle" for c in formula)


def escaped(text: str) -> str:
    """Text for LaTeX."""
    return "".join(_ESCAPED.get(c, c) for c in ascii_text(text))


def ascii_text(text: str) -> str:
    """Text in ASCII."""
    greek = {letter: word for word, letter in GREEK.items()}
    return "".join(c if c.isascii() else _ASCII.get(c) or greek.get(c) or "?" for c in text)
