"""The gallery as HTML: a page for each network, and one that leads to all of them.

In    entries of the gallery, and for each the programs, texts and content that a page is made of
Out   HTML without outside references, the same bytes in every run
Idea  a page of the gallery is a page like any other that also says where its network is from; the index shows every
      network by its equations
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from algebra2net import __version__
from algebra2net.faces.mathml import Formulas
from algebra2net.faces.page import Page
from algebra2net.gallery import Entry
from algebra2net.program import Program
from algebra2net.spell import shown

MOST = 6  # equations of a network that stand on its card
STYLE = """
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,25rem),1fr));gap:14px;padding:0;margin:0;list-style:none}
.card{display:flex;flex-direction:column;gap:8px;min-width:0;padding:16px 18px;background:var(--card);border:1px solid var(--line);border-radius:12px;break-inside:avoid}
.card h3{margin:0;font-size:1.02rem;line-height:1.3}
.card a{text-decoration:none}
.card a:hover{text-decoration:underline}
.card .formulas{overflow-x:auto}
.card .eq{line-height:1.75;font-size:.94rem}
.card p{margin:0;font-size:.8rem;line-height:1.4;color:var(--soft)}
.card .from{margin-top:auto}
"""


@dataclass(frozen=True)
class GalleryPage(Page):
    """The sheet of a network that says where it is from and leads back to the index."""

    origin: str = ""
    note: str = ""

    def facts(self) -> str:
        """Where it is from, and the network in one line of words."""
        return f"{self.origin}. {self.note + ' ' if self.note else ''}{super().facts()}"

    def footer(self) -> str:
        """The way back."""
        return f'{super().footer().removesuffix("</footer>")} <a href="index.html">All networks of the gallery</a></footer>'


def index(networks: Sequence[tuple[Entry, Program]]) -> str:
    """The page that leads to `NAME.html` of every network."""
    families = [(family, list(group)) for family, group in itertools.groupby(networks, key=lambda pair: pair[0].family)]
    links = "".join(f'<a href="#{_anchor(family)}">{escape(family.capitalize())}</a>' for family, _ in families)
    sections = "\n".join(_section(family, group) for family, group in families)
    style = files("algebra2net.faces").joinpath("page.css").read_text(encoding="utf-8") + STYLE
    title = "Networks and losses of books and papers, with their backpropagation"
    facts = f"{len(networks)} networks, each typed as its source writes it and checked against measured gradients."
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>algebra2net: gallery</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<p class="made">algebra2net</p>\n<h1>{title}</h1>\n<p class="facts">{facts}</p>\n</header>\n'
        f'<nav aria-label="Families">{links}</nav>\n{sections}\n'
        f"<footer>Made by algebra2net {escape(__version__)}.</footer>\n</main>\n</body>\n</html>\n"
    )


def _section(family: str, networks: Sequence[tuple[Entry, Program]]) -> str:
    cards = "\n".join(_card(entry, program) for entry, program in networks)
    return f'<section id="{_anchor(family)}">\n<h2>{escape(family.capitalize())}</h2>\n<ul class="cards">\n{cards}\n</ul>\n</section>'


def _card(entry: Entry, program: Program) -> str:
    formulas = Formulas(program, lambda name: "", hidden=True)
    rows = [formulas.line(equation) for equation in shown(program)]
    first = "".join(rows[-MOST:])
    before = f"<p>{len(rows) - MOST} more before</p>" if len(rows) > MOST else ""
    return (
        f'<li class="card"><h3><a href="{escape(entry.name)}.html">{escape(entry.title)}</a></h3>{before}<div class="formulas">{first}</div>'
        f'<p class="from">{escape(entry.source)}</p><p><code>algebra2net gallery {escape(entry.name)}</code></p></li>'
    )


def _anchor(family: str) -> str:
    return family.replace(" ", "-")
