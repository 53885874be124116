"""The command `algebra2net gallery`: the networks that ship with the package, listed, shown, or as a set of pages.

In    nothing, or the name of a network
Out   a list; that network's sheet; its program; or a directory of HTML pages with an index
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from algebra2net import compile
from algebra2net.gallery import Entry, entries, find

if TYPE_CHECKING:
    from algebra2net.net import Net

EXAMPLES = """\b
Examples:
  algebra2net gallery
  algebra2net gallery attention
  algebra2net gallery lstm --alg > mine.alg
  algebra2net gallery --html pages
"""


@click.command("gallery", context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.argument("name", nargs=-1)
@click.option("--alg", is_flag=True, help="Print the program of NAME, to start a network of your own from.")
@click.option("--html", "directory", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write a page for each network, and an index.html.")
@click.option("--width", type=click.IntRange(min=1), help="Columns of the sheet; the terminal's where it is not given.")
def gallery(name: tuple[str, ...], alg: bool, directory: Path | None, width: int | None) -> None:
    """List the networks of the gallery, or show the sheet of NAME."""
    chosen = [find(" ".join(name))] if name else entries()
    if directory is not None:
        _write_pages(chosen, directory)
    elif not name:
        if alg:
            raise click.UsageError("--alg prints one program: algebra2net gallery lstm --alg")
        _list(chosen, sys.stdout)
    elif alg:
        click.echo(chosen[0].text, nl=False)
    else:
        _show(chosen[0], width, sys.stdout)


def net_of(entry: Entry) -> Net:
    """The network of an entry."""
    return compile(entry.program, wrt=entry.wrt)


# ----------------------------------------------------------------------------------------------------------- the list


def _list(chosen: Sequence[Entry], file: IO[str]) -> None:
    """A table on a terminal; elsewhere a line for each network, with tabs between, that other programs can cut."""
    if _is_terminal(file):
        _tabulate(chosen, file)
    else:
        for entry in chosen:
            click.echo(f"{entry.name}\t{entry.title}\t{entry.source}", file=file)


def _tabulate(chosen: Sequence[Entry], file: IO[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=file, highlight=False, force_terminal=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("name", no_wrap=True, style="bold cyan")
    table.add_column("what it is", ratio=2)
    table.add_column("from", ratio=3, style="dim")
    for family, group in itertools.groupby(chosen, key=lambda entry: entry.family):
        table.add_row(Text(family, "bold yellow"))
        for entry in group:
            table.add_row(f"  {entry.name}", Text(entry.title), Text(entry.source))
        table.add_section()
    console.print(table)
    console.print(f"[dim]{len(chosen)} networks; algebra2net gallery NAME shows one[/dim]")


def _is_terminal(file: IO[str]) -> bool:
    return file.isatty() or bool(os.environ.get("FORCE_COLOR"))


# ---------------------------------------------------------------------------------------------------------- one sheet


def _show(entry: Entry, width: int | None, file: IO[str]) -> None:
    from algebra2net.faces.canvas import indented, line, plain, prose
    from algebra2net.faces.sheet import coloured, composed

    room = (width or shutil.get_terminal_size().columns) - 4
    told = [*prose(entry.title, room, "title"), *(row for text in (entry.source, entry.note) for row in prose(text, room, "dim"))]
    rows = [*indented(told, 2), line(""), *composed(net_of(entry), width)]
    if _is_terminal(file):
        coloured(rows, file)
    else:
        click.echo("\n".join(plain(row).rstrip() for row in rows), file=file)


# -------------------------------------------------------------------------------------------------------------- pages


def _write_pages(chosen: Sequence[Entry], directory: Path) -> None:
    """`NAME.html` for each network, `index.html` for all."""
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in _pages(chosen):
        (directory / path).write_text(text, encoding="utf-8")
    click.echo(f"{directory / 'index.html'}: {len(chosen)} networks", err=True)


def _pages(chosen: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    from algebra2net.faces.content import content
    from algebra2net.faces.index import GalleryPage, index

    programs = []
    for entry in chosen:
        net = net_of(entry)
        programs.append((entry, net.program))
        page = GalleryPage(content=content(net), forward=net.program, backprop=net.backprop, source=net.source, title=entry.title, origin=entry.source, note=entry.note)
        yield f"{entry.name}.html", page.html()
    yield "index.html", index(programs)
