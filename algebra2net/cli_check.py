"""The command `algebra2net check`: is this derivation right?

In    a program, and claims about its gradients in any notation; or no claims
Out   a verdict for each claim; without claims, the derived gradients beside numerical ones
Idea  the exit status is the answer: 0 where all is right, 1 where something is wrong, 2 where something cannot be read
"""

from __future__ import annotations

import os
import sys

import click

from algebra2net import cli, compile
from algebra2net.read import READERS
from algebra2net.verify import verify

EXAMPLES = """\b
Examples:
  algebra2net check "l2 = relu(l0 W0) W1" --claim "dW0 = l0' ((l2 - y) W1' * relu'(l0 W0))"
  algebra2net check "l2 = relu(l0 W0) W1" --loss "mse(l2, y)" --claim "d2 = 2 (l2 - y) / n" --claim "dW1 = l1' d2"
  algebra2net check net.alg --claim homework.tex
  algebra2net check net.alg
"""


@click.command("check", context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.argument("network")
@click.option(
    "--claim", "claims", multiple=True, metavar="EQUATIONS", help="What a gradient or a signal is said to be: algebra, a file, or - for standard input. May be given several times."
)
@click.option("--shape", "shapes", multiple=True, metavar="NAME=SHAPE", help="The shape of a value: l0=3, W0=3x4, X=Bx784. May be given several times.")
@click.option("--loss", metavar="ALGEBRA", help='An equation appended to the program: "mse(l2, y)".')
@click.option("--wrt", multiple=True, metavar="NAMES", help='Names to differentiate by: "W0,W1", or "all"; the parameters where it is not given.')
@click.option("--notation", type=click.Choice(["auto", *READERS]), default="auto", help="How program and claims are written; auto looks at each.")
@click.option("--dialect", type=click.Choice(["matlab"]), help="matlab reads * as the matrix product.")
@click.pass_context
def check(ctx: click.Context, network: str, claims: tuple[str, ...], shapes: tuple[str, ...], loss: str | None, wrt: tuple[str, ...], notation: str, dialect: str | None) -> None:
    """Say whether CLAIMS about the gradients of NETWORK are right, and what is wrong where they are not.

    NETWORK is algebra, the name of a file, or - for standard input. Without a claim, the derived gradients are compared
    with numerical ones. Exit status 0 where all is right, 1 where something is wrong, 2 where something cannot be read.
    """
    source, name = cli._source(network)
    chosen = cli.NOTATIONS.get(name.suffix, "auto") if name is not None and notation == "auto" else notation
    with cli._named(name):
        net = compile(source, shapes=cli._shapes(shapes), loss=loss, wrt=cli._names(wrt), notation=chosen if chosen in READERS else "auto", dialect=dialect)
    if not claims:
        report = net.check()
        cli._write(f"{report}\n", None)
        ctx.exit(0 if report else 1)
    answer = verify(net, [cli._source(claim)[0] for claim in claims], notation=notation, dialect=dialect)
    if sys.stdout.isatty() or os.environ.get("FORCE_COLOR"):
        from rich.console import Console

        Console(highlight=False, soft_wrap=True, force_terminal=True).print(answer)
    else:
        cli._write(f"{answer}\n", None)
    ctx.exit(0 if answer else 1)
