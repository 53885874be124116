"""Where the grammars lie, and the parsers made from them.

In    the name of a grammar: `plain`, `latex`
Out   its Lark parser, built once in a process and cached on disk for the next; the tokens that its terminals cut a text into
Idea  a grammar tells tokens apart by their look alone; what their surroundings say is the reader's work
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lark import Lark, Token
from lark.lexer import BasicLexer

from algebra2net.remembered import folder

_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE / "grammar", _HERE.parent / "grammar")  # a wheel carries them inside; a checkout has them beside the package


class _Kept:
    """Keeps the terminals that no rule names: the reader turns them into others before the rules see them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.always_accept = names

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


@cache
def parser(name: str, kept: tuple[str, ...] = ()) -> Lark:
    """The LALR parser of `grammar/NAME.lark`; `kept` are the terminals that only its reader knows."""
    text = next(place / f"{name}.lark" for place in _PLACES if (place / f"{name}.lark").is_file()).read_text(encoding="utf8")
    return Lark(text, parser="lalr", lexer="basic", postlex=_Kept(kept), maybe_placeholders=True, cache=_cache_file(name) or False)


class StrangeCharacterError(Exception):
    """No terminal begins with the character at `place`."""

    def __init__(self, place: int) -> None:
        self.place = place


def cut(lark: Lark, source: str) -> Iterator[Token]:
    """The tokens of a text, as Lark's own lexer cuts it; that one is built for each text, and counts lines and columns that nobody asks for.

    Raises StrangeCharacterError where no terminal fits.
    """
    place, ignored = 0, lark.lexer_conf.ignore
    for match in _terminals(lark).finditer(source):
        start, end = match.span()
        if start != place:
            break
        kind, place = match.lastgroup or "", end
        if kind not in ignored:
            yield token_at(kind, match[0], start, end)
    if place < len(source):
        raise StrangeCharacterError(place)


def token_at(kind: str, text: str, start: int, end: int) -> Token:
    """A token at its place. Lark's own way to make one takes four times as long: it looks for arguments by names that they had before."""
    made = str.__new__(Token, text)
    made.type = kind
    made.value = text
    made.start_pos = start
    made.end_pos = end
    made.line = made.column = made.end_line = made.end_column = None
    return made


@cache
def _terminals(lark: Lark) -> re.Pattern[str]:
    """All terminals, in the order in which Lark tries them."""
    ordered = BasicLexer(lark.lexer_conf).terminals
    return re.compile("|".join(f"(?P<{terminal.name}>{terminal.pattern.to_regexp()})" for terminal in ordered), lark.lexer_conf.g_regex_flags)


def _cache_file(name: str) -> str | None:
    """A file for the built parser; None where there is no place to write one."""
    place = folder()
    return None if place is None else str(place / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}.parser")
