"""The command: `algebra2net "l2 = relu(l0 W0) W1"` prints the sheet.

In    a program as text, as a file or on standard input, and options
Out   the sheet, or one thing alone; exit status 2 and the place with a caret where the algebra cannot be meant
Idea  a group of commands whose first may be left out: what is no command's name is a program
"""

from __future__ import annotations

import gc
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO

import click

from algebra2net import __version__
from algebra2net.errors import AlgebraError, nearest
from algebra2net.names import is_of_a_file

if TYPE_CHECKING:
    from algebra2net.faces.content import Content, Row
    from algebra2net.net import Net
    from algebra2net.program import Program

OTHERS = {
    "gallery": "algebra2net.cli_gallery",
    "check": "algebra2net.cli_check",
    "export": "algebra2net.cli_export",
    "train": "algebra2net.cli_train",
    "predict": "algebra2net.cli_train",
}  # commands beside `show`, and where they are
READABLE = ("plain", "latex", "python")
NOTATIONS = {".tex": "latex", ".py": "python"}  # what the name of a file says
FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
FORMS = ("python", "latex", "plain", "unicode", "json")
DERIVED = ("plain", "unicode", "latex")  # forms of the derivation alone
EXAMPLES = """\b
Commands:
  algebra2net check    Say whether gradients worked out by hand are right.
  algebra2net train    Train a network on a table.
  algebra2net predict  Predict with a trained model.
  algebra2net export   Write a network as one file that needs NumPy alone.
  algebra2net gallery  List the networks that ship with the package.
Each has a --help of its own.

\b
Examples:
  algebra2net "l2 = relu(l0 W0) W1"
  algebra2net "l2 = relu(l0 W0) W1" --shape l0=3 --shape l1=4 --shape l2=1
  algebra2net "l2 = relu(l0 W0) W1" --loss "mse(l2, y)" --to python -o net.py
  algebra2net "p = softmax(X W + b)" --shape X=Bx784 --shape W=784x10
  algebra2net "l2 = relu(l0 W0) W1" --html sheet.html --open
  algebra2net attention.alg --wrt Q,K --check
  echo "y = sigmoid(x W)" | algebra2net - --to latex
"""

_UNTOUCHED = "\0"  # before a program that begins like an option: no argument of a command has it
_OPTION = re.compile(r"--[a-z][a-z-]*(=.*)?|-h|-o\S*", re.DOTALL)
_WITH_VALUE = ("-o", "--output", "--shape", "--loss", "--wrt", "--names", "--notation", "--dialect", "--to", "--width", "--html", "--svg", "--tex")


class Problem(click.ClickException):
    """What cannot be done, in one line."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it without a word on usage."""
        click.echo(f"algebra2net: {self.message}", file=file, err=file is None)


class Commands(click.Group):
    """A group of commands of which `default` need not be named: every word that is no command's name is its program."""

    default: click.Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted({*self.commands, *OTHERS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported when it is asked for: no other one waits for what it needs."""
        if cmd_name in OTHERS and cmd_name not in self.commands:
            gc.enable()  # it may run for long
            self.add_command(getattr(import_module(OTHERS[cmd_name]), cmd_name))
        return super().get_command(ctx, cmd_name)

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        """The context of the command that the first word names, or of the default one."""
        if args and (args[0] in self.commands or args[0] in OTHERS):
            return super().make_context(info_name, args, parent, **extra)
        if args and args[0].isalpha() and not os.path.exists(args[0]) and (hint := nearest(args[0], OTHERS)):
            raise Problem(f"there is no command {args[0]}; {hint}")
        return self.default.make_context(info_name, list(_untouched(args)), parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run what the context was made for."""
        with _errors_shown(), _warnings_shown():
            return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


def _untouched(args: Sequence[str]) -> Iterator[str]:
    """The arguments; a program that begins with a minus sign made to look like no option."""
    before, ended = "", False
    for arg in args:
        ended = ended or (arg == "--" and before not in _WITH_VALUE)
        looks_like_one = arg.startswith("-") and arg not in ("-", "--") and not ended and before not in _WITH_VALUE
        yield _UNTOUCHED + arg if looks_like_one and not _OPTION.fullmatch(arg) else arg
        before = arg


@contextmanager
def _errors_shown() -> Iterator[None]:
    """Say what went wrong and exit with status 2; whatever it is, without a traceback."""
    try:
        yield
    except AlgebraError as error:
        click.echo(str(error), err=True)
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except (ValueError, TypeError) as error:
        click.echo(f"algebra2net: {error}", err=True)
    except RecursionError:
        click.echo("algebra2net: this is nested too deeply; name the values inside", err=True)
    except MemoryError:
        click.echo("algebra2net: this does not fit into memory", err=True)
    except Exception as error:
        if getattr(error, "errno", None) is not None:
            raise Problem(f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)) from None
        click.echo(f"algebra2net: this should not have happened, please report it with the program: {type(error).__name__}: {error}", err=True)
    else:
        return
    raise click.exceptions.Exit(2)


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Say what is likely to be meant otherwise as errors are said: without the place in this program that Python would name."""

    def said(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None) -> None:
        click.echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = said
        yield


@click.group(cls=Commands)
def main() -> None:
    """Type the algebra of a network; get its picture, its code, and its backpropagation derived."""


@main.command("show", hidden=True, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.argument("program", nargs=-1, metavar="PROGRAM")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=SHAPE", help="The shape of a value: l0=3, W0=3x4, X=Bx784. May be given several times.")
@click.option("--loss", metavar="ALGEBRA", help='An equation appended to the program: "mse(l2, y)".')
@click.option("--wrt", multiple=True, metavar="NAMES", help='Names to differentiate by: "W0,W1", or "all"; the parameters where it is not given.')
@click.option("--names", type=click.Choice(["modern", "book"]), default="modern", help="Names in the code: W0, l1 or weights_0_1, layer_1.")
@click.option("--notation", type=click.Choice(["auto", *READABLE]), default="auto", help="How the program is written; auto looks at it.")
@click.option("--dialect", type=click.Choice(["matlab"]), help="matlab reads * as the matrix product.")
@click.option("--to", "form", type=click.Choice(FORMS), help="Print one thing alone in place of the sheet.")
@click.option("--derived", is_flag=True, help="With --to plain, unicode or latex: the derived gradients in place of the program.")
@click.option("--html", type=FILE, metavar="FILE", help="Write the sheet as one HTML page.")
@click.option("--svg", type=FILE, metavar="FILE", help="Write the pictures as one SVG file.")
@click.option("--tex", type=FILE, metavar="FILE", help="Write the derivation as a LaTeX document.")
@click.option("--open", "opened", is_flag=True, help="Show the page in a browser.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file.")
@click.option("--width", type=click.IntRange(min=1), help="Columns of the sheet; the terminal's where it is not given.")
@click.option("--check", is_flag=True, help="Compare the derived gradients with numerical ones; exit status 1 where they differ.")
@click.version_option(__version__, prog_name="algebra2net")
@click.pass_context
def show(
    ctx: click.Context,
    program: tuple[str, ...],
    shapes: tuple[str, ...],
    loss: str | None,
    wrt: tuple[str, ...],
    names: str,
    notation: str,
    dialect: str | None,
    form: str | None,
    derived: bool,
    output: Path | None,
    width: int | None,
    check: bool,
    html: Path | None,
    svg: Path | None,
    tex: Path | None,
    opened: bool,
) -> None:
    """Print picture, algebra, code and derived backprop of PROGRAM, side by side.

    PROGRAM is algebra, the name of a file, or - for standard input.
    """
    if not program:
        click.echo(ctx.get_help())
        return
    if len(program) > 1:
        whole = " ".join(program).replace(_UNTOUCHED, "")
        raise click.UsageError(f'the program came in {len(program)} pieces; put it in quotes: algebra2net "{whole}"')
    if derived and form not in DERIVED:
        raise click.UsageError(f"--derived says what to print of the gradients: add --to {', --to '.join(DERIVED[:-1])} or --to {DERIVED[-1]}")
    if (html or svg or tex or opened) and (form or check or output):
        raise click.UsageError("--html, --svg, --tex and --open write files of their own: leave out --to, --check and -o, or type two commands")
    source, name = _source(program[0])
    from algebra2net import compile  # SymPy is loaded when there is algebra, not for --help

    chosen = notation if notation != "auto" else NOTATIONS.get(name.suffix, "auto") if name is not None else "auto"
    with _named(name):
        net = compile(
            source, shapes=_shapes(shapes), loss=loss, wrt=_names(wrt), names=names, dialect=dialect,
            notation=chosen if chosen in READABLE else "auto",
        )  # fmt: skip
        if check:
            report = net.check()
            _write(f"{report}\n", output)
            ctx.exit(0 if report else 1)
        if html or svg or tex or opened:
            _write_files(net, html, svg, tex, opened)
        elif form is None and output is None:
            _print_sheet(net, width)
        else:
            _write(_text(net, form, width, derived), output)


show.short_help = "Print the sheet."
main.default = show


# ------------------------------------------------------------------------------------------------------ what goes in


def _source(given: str) -> tuple[str, Path | None]:
    """The program's text, and the file that it is from."""
    if given.startswith(_UNTOUCHED):
        return given[1:], None
    if given == "-":
        return _decoded(sys.stdin.buffer.read(), "standard input"), None
    if os.path.isdir(given):
        raise Problem(f"{given} is a directory; the program is a file, or algebra in quotes (out = {given})")
    if os.path.exists(given):
        try:
            return _decoded(Path(given).read_bytes(), given), Path(given)
        except OSError as error:
            raise Problem(f"{given} cannot be read: {error.strerror or error}") from None
    if is_of_a_file(given):
        raise Problem(f"there is no file {given}")
    return given, None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(f"{name} is no UTF-8 text: byte {data[error.start]:#04x} at {error.start}") from None


@contextmanager
def _named(name: Path | None) -> Iterator[None]:
    """Say which file the algebra is from that cannot be meant."""
    try:
        yield
    except AlgebraError as error:
        if name is not None:
            click.echo(f"{name}:", err=True)
        raise error from None


def _shapes(given: Sequence[str]) -> dict[str, Any]:
    """`l0=3`, `W0=3x4`, `X=Bx784`, `x=n`; several with commas between."""
    found: dict[str, Any] = {}
    for text in (piece for word in given for piece in re.split(r",(?=[^,=]+=)", word)):
        name, equals, shape = (part.strip() for part in text.partition("="))
        if not (name and equals and shape):
            raise click.BadParameter(f"{text!r} is no shape; write NAME=SHAPE: l0=3, W0=3x4, X=Bx784", param_hint="--shape")
        sizes = re.fullmatch(r"\(?\s*(\d+|[A-Za-z]\d*|\w+(?=\s*[×,\s]))\s*(?:[x×,]|\s+x\s+)\s*(\d+|[A-Za-z]\d*|[^\W\d]\w*)\s*\)?", shape)
        found[name] = tuple(int(size) if size.isdecimal() else size for size in sizes.groups()) if sizes else int(shape) if shape.isdecimal() else shape
    return found


def _names(given: Sequence[str]) -> list[str] | None:
    """`W0,W1`; a comma in braces is part of a name."""
    return [name.strip() for word in given for name in re.split(r",(?![^{]*\})", word) if name.strip()] or None


# ----------------------------------------------------------------------------------------------------- what comes out


def _print_sheet(net: Net, width: int | None) -> None:
    """The sheet, in colours on a terminal."""
    if sys.stdout.isatty() or os.environ.get("FORCE_COLOR"):
        from algebra2net.faces.sheet import coloured, composed

        coloured(composed(net, width), sys.stdout)
    else:
        _write(net.sheet(width) + "\n", None)


def _write_files(net: Net, html: Path | None, svg: Path | None, tex: Path | None, opened: bool) -> None:
    """The faces that are files; `-` is standard output."""
    if opened and html is None:
        html = Path(tempfile.mkdtemp(prefix="algebra2net-")) / "sheet.html"
    for path, text in ((html, net.html), (svg, net.svg), (tex, net.tex)):
        if path is not None:
            _write(text(), None if str(path) == "-" else path)
    if opened and html is not None:
        click.launch(str(html.resolve()))


def _write(text: str, output: Path | None) -> None:
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            raise Problem(f"{output} cannot be written: {error.strerror or error}") from None
    else:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # a terminal without these letters
        click.echo(text, nl=False)


def _text(net: Net, form: str | None, width: int | None, derived: bool) -> str:
    """One thing alone: the module, the program in a notation (which reads back as the program), or its derivation."""
    match form:
        case "python":
            return net.source
        case "latex":
            return (net.latex_gradients() if derived else net.to("latex")) + "\n"
        case "plain" | "unicode":
            return (getattr(net.derivation, form)() if derived else net.to(form)) + "\n"
        case "json":
            return _json(net)
    return net.sheet(width) + "\n"


def _json(net: Net) -> str:
    """Everything, for programs to read."""
    import json

    from algebra2net.faces.content import content

    here = content(net)
    found = {
        "inputs": list(net.inputs),
        "parameters": list(net.parameters),
        "output": net.output,
        "shapes": {name: list(shape) for name, shape in net.shapes.items()},
        "equations": _equations(here.forward, here, net.program),
        "backprop": _equations(here.backprop, here, net.derivation),
        "gradients": {target.name: name.name for name, target in net.backprop.gradients.items()},
    }
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _equations(rows: Sequence[Row], here: Content, program: Program) -> list[dict[str, Any]]:
    from algebra2net.spell import LATEX, PLAIN, lines, shown

    named = [e.name for e in shown(program, hidden=False)]
    plain, latex = (dict(zip(named, lines(program, dialect, hidden=False)[-len(named) :], strict=True)) for dialect in (PLAIN, LATEX))
    return [
        {
            "name": row.name.name,
            "shape": list(here.by_name[row.name].shape),
            "plain": plain[row.name],
            "unicode": "".join(token.text for token in row.tokens),
            "latex": latex[row.name].replace(" &= ", " = ", 1),
            "python": list(row.code),
            **({"rule": "; ".join(row.reasons)} if row.reasons else {}),
        }
        for row in rows
    ]
