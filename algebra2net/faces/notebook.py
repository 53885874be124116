"""In a notebook: what a net shows of itself, and the cell magic `%%algebra`.

In    a Page; the line and the cell of a magic
Out   a MIME bundle; with `%load_ext algebra2net`, cells that hold nothing but algebra
Idea  `%%algebra net --shape l0=3 --loss "mse(l2, y)"` compiles the cell, names the net and shows its sheet

Each cell has style sheets that apply within its own box, so that the notebook's own stay as they are.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algebra2net.faces.page import Page
    from algebra2net.net import Net


def bundle(page: Page, text: str, latex: str, include: Container[str] | None = None, exclude: Container[str] | None = None) -> dict[str, str]:
    """What a notebook may choose from, by MIME type."""
    makers: dict[str, Callable[[], str]] = {
        "text/plain": lambda: text,
        "text/latex": lambda: latex,
        "image/svg+xml": page.bricks.document,
        "text/html": page.fragment,
    }
    return {kind: make() for kind, make in makers.items() if (not include or kind in include) and not (exclude and kind in exclude)}


def register(shell: Any) -> None:
    """Add `%%algebra` and `%algebra` to a shell: what `%load_ext algebra2net` calls."""

    def algebra(line: str, cell: str | None = None) -> Net | None:
        return run(shell, line, cell)

    algebra.__doc__ = run.__doc__
    shell.register_magic_function(algebra, magic_kind="line_cell", magic_name="algebra")


def run(shell: Any, line: str, cell: str | None) -> Net | None:
    """Compile a cell of algebra: `%%algebra [NAME] [--shape W0=3x4] [--loss …] [--wrt …] [--names book] [--quiet]`.

    NAME is the variable that the net is bound to, `net` where there is none. `%algebra` takes the algebra on its own line.
    """
    from algebra2net.errors import AlgebraError
    from algebra2net.net import compile

    try:
        options = _parser().parse_args(shlex.split(line)) if cell is not None else None
    except _UsageError as wrong:
        print(wrong, file=sys.stderr)
        return None
    try:
        if options is None:
            net = compile(line)
        else:
            shapes = dict(_pair(text) for text in options.shape)
            net = compile(cell or "", shapes=shapes, wrt=options.wrt, loss=options.loss, names=options.names, notation=options.notation, dialect=options.dialect)
    except (AlgebraError, ValueError) as error:
        print(error, file=sys.stderr)
        return None
    shell.user_ns[options.name if options else "net"] = net
    return None if options and options.quiet else net


class _UsageError(Exception):
    """The magic's line could not be read."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong instead of ending the process."""

    def error(self, message: str) -> Any:
        raise _UsageError(f"%%algebra: {message}\n{self.format_usage()}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="%%algebra", add_help=False)
    parser.add_argument("name", nargs="?", default="net", help="the variable for the net")
    parser.add_argument("--shape", "-s", action="append", default=[], metavar="NAME=SHAPE")
    parser.add_argument("--wrt", action="append", metavar="NAME")
    parser.add_argument("--loss", metavar="EQUATION")
    parser.add_argument("--names", choices=("modern", "book"), default="modern")
    parser.add_argument("--notation", choices=("auto", "plain", "latex", "python"), default="auto")
    parser.add_argument("--dialect", choices=("matlab",), default=None)
    parser.add_argument("--quiet", "-q", action="store_true", help="show nothing")
    return parser


def _pair(text: str) -> tuple[str, Any]:
    """`l0=3` as a name and a shape."""
    name, sign, shape = text.partition("=")
    if not sign or not name.strip() or not shape.strip():
        raise ValueError(f"--shape {text}: write NAME=SHAPE, such as l0=3 or W0=3x4")
    return name.strip(), int(shape) if shape.strip().isdecimal() else shape.strip()
