"""The commands `algebra2net train` and `algebra2net predict`: from a formula and a table to a model, and from the model to predictions.

In    a program and a table; or a model and a table
Out   a model (one `.npz` file), what was reached on rows that were held out, the curve of the loss; or predictions as CSV
Idea  every answer is a line that says what was understood: which columns, which loss, how many rows
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.core import ParameterSource

from algebra2net.cli import FILE, NOTATIONS, Problem, _named, _names, _shapes, _source, _write
from algebra2net.read import READERS
from algebra2net.run import Array
from algebra2net.training.binding import Binding
from algebra2net.training.checkpoint import Checkpoint, load, save
from algebra2net.training.curve import png, svg
from algebra2net.training.data import Table, read
from algebra2net.training.diagnosis import NonFiniteError
from algebra2net.training.fit import fit
from algebra2net.training.history import History
from algebra2net.training.report import Rows, about, curve_text, results, split
from algebra2net.training.task import Task, Wish, scaled, task

TRAIN_EXAMPLES = """\b
Examples:
  algebra2net train "l2 = relu(l0 W0 + b0) W1 + b1" --data sklearn:digits --loss cross_entropy --hidden 100
  algebra2net train net.alg --data houses.csv --target price --loss mse --standardize -o houses.npz
  algebra2net train "r = sigmoid(x W + b) V + c_1" --wrt W,b,V,c_1 --data sklearn:digits --target input --hidden 32
  algebra2net train --data houses.csv --resume houses.npz --epochs 200
"""
PREDICT_EXAMPLES = """\b
Examples:
  algebra2net predict houses.npz --data new.csv
  algebra2net predict digits.npz --data new.csv --probabilities -o predicted.csv
"""
HELP = {"help_option_names": ["-h", "--help"]}


@click.command("train", context_settings=HELP, epilog=TRAIN_EXAMPLES)
@click.argument("program", nargs=-1, metavar="PROGRAM")
@click.option(
    "--data", "source", required=True, metavar="DATA", help="A .csv, .npz or .parquet file, - for CSV on standard input, or sklearn:digits (iris, wine, breast_cancer, diabetes)."
)
@click.option("--target", multiple=True, metavar="COLUMN", help="The column to predict; several with commas between; `input` for an autoencoder.")
@click.option("--loss", metavar="LOSS", help='cross_entropy, mse, …, or an equation: "mse(l2, y) + 0.001 * sum(W0^2)". Not needed where the program ends in a loss.')
@click.option("--columns", multiple=True, metavar="COLUMNS", help="The columns of the input layer, in this order; all but the target where not given.")
@click.option("--drop", multiple=True, metavar="COLUMNS", help="Columns to leave out.")
@click.option("--one-hot", multiple=True, metavar="COLUMNS", help="Columns of texts of which each becomes a column of zeros and ones.")
@click.option("--header/--no-header", default=None, help="Whether the first row of a CSV holds names; it is looked at where neither is given.")
@click.option("--hidden", metavar="WIDTHS", help="The widths of the hidden layers: 100, or 100,50.")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=SHAPE", help="The shape of a value: l1=100, W0=64x100.")
@click.option("--wrt", multiple=True, metavar="NAMES", help="The parameters, where their names do not say so.")
@click.option("--set", "constants", multiple=True, metavar="NAME=NUMBER", help="A number that the program leaves open: λ=0.01.")
@click.option("--mask", "masks", multiple=True, metavar="NAME=P", help="An input of zeros and ones, drawn at each step, zero with probability P; dropout(x, p) draws its own.")
@click.option("--standardize", is_flag=True, help="Columns (and a number to predict) to mean 0 and standard deviation 1; the model keeps the means.")
@click.option("--held-out", type=click.FloatRange(0, 1, min_open=False, max_open=True), default=0.25, show_default=True, help="The fraction of the rows to judge the model by.")
@click.option("--optimizer", default="adam", show_default=True, help="adam, adamw, rmsprop, nesterov, momentum, sgd; lbfgs, bfgs, cg, … by SciPy.")
@click.option("--lr", type=float, help="Learning rate; where not given 0.01 with adam, adamw and rmsprop, the optimiser's own with others.")
@click.option("--epochs", type=int, default=50, show_default=True, help="How often each row is seen.")
@click.option("--batch", type=int, default=32, show_default=True, help="Rows at a step.")
@click.option("--schedule", help="step:10,0.5, exponential:0.95, cosine, warmup:5, warmup:5+cosine.")
@click.option("--weight-decay", type=float, help="λ, added as λ θ to the gradient; adamw shrinks θ instead.")
@click.option("--clip", type=float, help="The largest common norm of the gradients.")
@click.option("--patience", type=int, help="Stop when so many epochs brought nothing better, by a tenth of the rows set aside for it; the best parameters are kept.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of parameters, split, order and dropout.")
@click.option("--notation", type=click.Choice(["auto", *READERS]), default="auto", help="How the program is written.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the model here (.npz), and a checkpoint every ten seconds.")
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    metavar="FILE",
    help="Go on from a model, up to --epochs in all, and write it anew; the options that it was trained with hold.",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw the losses: .svg, or .png with matplotlib.")
@click.pass_context
def train(ctx: click.Context, /, program: tuple[str, ...], **given: Any) -> None:
    """Train the network of PROGRAM on the rows of a table.

    PROGRAM is algebra, or the name of a file; with --resume it may be left out.
    """
    if len(program) > 1:
        raise click.UsageError(f'the program came in {len(program)} pieces; put it in quotes: algebra2net train "{" ".join(program)}"')
    _check_files(given["output"], given["plot"])
    before = load(given["resume"]) if given["resume"] else None
    output = given["output"] or given["resume"]
    options = _options(ctx, before)
    with _libraries_named():
        table = read(given["source"], given["header"])
    made = _resumed(before, program) if before else _made(program, table, given)
    rows = split(table.rows, options["held_out"], options["patience"], options["seed"])
    if before is None and given["standardize"]:
        made = scaled(made, table, rows.train)
    x = made.binding.inputs(table)
    y = made.binding.desired(table, x)
    click.echo(about(made, table, rows))
    if np.abs(x).max(initial=0) > LARGE and made.binding.inputs_scaled is None:
        click.echo(f"note      the columns reach {np.abs(x).max():.4g}; --standardize often helps")
    history = _fit(made, x, y, rows, options, output, given["resume"])
    colour = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
    click.echo(curve_text(history, rows, colour, shutil.get_terminal_size().columns - 14))
    click.echo(results(made, history, x, y, rows))
    _keep(made, history, options, output)
    if given["plot"] is not None:
        _plot(given["plot"], history)


train.short_help = "Train a network on a table."

LARGE = 20.0  # entries of the input layer above it ask for standardising
PLANNED = ("optimizer", "lr", "epochs", "batch", "schedule", "weight_decay", "clip", "patience", "seed", "held_out")


def _options(ctx: click.Context, before: Checkpoint | None) -> dict[str, Any]:
    """How to train: what was typed; on resuming, what was not typed is as it was."""
    found = {name: ctx.params[name] for name in PLANNED}
    kept = before.extra.get("options", {}) if before else {}
    if found["lr"] is None and found["optimizer"].casefold() in ("adam", "adamw", "rmsprop"):
        found["lr"] = 0.01  # tables are small: few steps, each may be long
    return {name: kept.get(name, value) if ctx.get_parameter_source(name) is ParameterSource.DEFAULT else value for name, value in found.items()}


def _made(program: Sequence[str], table: Table, given: dict[str, Any]) -> Task:
    """The task of the command line."""
    if not program:
        raise click.UsageError('which network? algebra2net train "l2 = relu(l0 W0 + b0) W1 + b1" --data …')
    source, name = _source(program[0])
    notation = given["notation"] if given["notation"] != "auto" else NOTATIONS.get(name.suffix, "auto") if name is not None else "auto"
    wish = Wish(
        target=tuple(_names(given["target"]) or ()), loss=given["loss"], columns=tuple(_names(given["columns"]) or ()), drop=tuple(_names(given["drop"]) or ()),
        one_hot=tuple(_names(given["one_hot"]) or ()),
        hidden=_widths(given["hidden"]), shapes=_shapes(given["shapes"]), wrt=_names(given["wrt"]), notation=notation, constants=_numbers(given["constants"], "--set"),
        masks=_numbers(given["masks"], "--mask"),
    )  # fmt: skip
    with _named(name):
        return task(source, table, wish)


def _resumed(before: Checkpoint, program: Sequence[str]) -> Task:
    """The task of a model."""
    if "binding" not in before.extra:
        raise Problem("this model was made in Python, from arrays: go on there, net.fit(…, resume=…)")
    if program and _source(program[0])[0] != before.net._source:
        raise Problem("this model is of another program; leave PROGRAM out, or train anew without --resume")
    return Task(net=before.net, binding=Binding.read(before.extra["binding"]))


def _widths(text: str | None) -> tuple[int, ...]:
    try:
        found = tuple(int(word) for word in (text or "").replace("x", ",").split(",") if word.strip())
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of widths; write 100, or 100,50", param_hint="--hidden") from None
    if any(width < 1 for width in found):
        raise click.BadParameter(f"{text!r}: a layer is at least 1 wide", param_hint="--hidden")
    return found


def _numbers(given: Sequence[str], option: str) -> dict[str, float]:
    found = {}
    for word in given:
        name, _, number = word.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise click.BadParameter(f"{word!r} is no number by name; write {option} λ=0.01", param_hint=option) from None
    return found


def _check_files(output: Path | None, plot: Path | None) -> None:
    """What cannot be written is better said before the training than after it."""
    for path in (output, plot):
        if path is not None and not path.resolve().parent.is_dir():
            raise Problem(f"there is no directory {path.parent} to write {path.name} into")
    if output is not None and output.suffix != ".npz":
        raise Problem(f"a model is an .npz file: -o {output.with_suffix('.npz')}")
    if plot is not None and plot.suffix not in (".svg", ".png"):
        raise Problem(f"a curve is drawn as .svg or .png: --plot {plot.with_suffix('.svg')}")


@contextmanager
def _libraries_named() -> Iterator[None]:
    """Say which library is missing, and how to have it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Problem(str(error)) from None


# -------------------------------------------------------------------------------------------------------------- rows


def _fit(made: Task, x: Array, y: Array | None, rows: Rows, options: dict[str, Any], output: Path | None, resume: Path | None) -> History:
    def part(chosen: Array) -> dict[str, Array]:
        return made.data(x[chosen], None if y is None else y[chosen])

    seen = rows.watched if len(rows.watched) else rows.held
    chosen = {name: value for name, value in options.items() if name != "held_out"}
    try:
        with _libraries_named():
            return fit(
                made.net,
                part(rows.train),
                validation=part(seen) if len(seen) else None,
                checkpoint=output,
                resume=resume,
                extra=_extra(made, options),
                noise=made.binding.masks,
                **chosen,
            )
    except NonFiniteError as error:
        if output is not None:
            _keep(made, error.history, options, output)
        kept = f"; {output} holds the last parameters whose loss was finite" if output is not None else ""
        raise NonFiniteError(error.message, error.span, f"--standardize, a smaller --lr, or --clip 1 may help{kept}") from None


def _extra(made: Task, options: dict[str, Any]) -> dict[str, Any]:
    return {"binding": made.binding.words, "options": options}


def _keep(made: Task, history: History, options: dict[str, Any], output: Path | None) -> None:
    if output is not None:
        save(output, history.checkpoint(_extra(made, options)))
        click.echo(f"model     {output}   (algebra2net predict {output} --data …)")


def _plot(path: Path, history: History) -> None:
    if path.suffix == ".png":
        with _libraries_named():
            png(path, history.loss, history.validation)
    else:
        _write(svg(history.loss, history.validation), path)
    click.echo(f"curve     {path}")


# ----------------------------------------------------------------------------------------------------------- predict


@click.command("predict", context_settings=HELP, epilog=PREDICT_EXAMPLES)
@click.argument("model", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--data", "source", required=True, metavar="DATA", help="A table with the columns of the training; others are ignored.")
@click.option("--header/--no-header", default=None, help="Whether the first row of a CSV holds names; it is looked at where neither is given.")
@click.option("--probabilities", is_flag=True, help="A column for each class with its probability.")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write the CSV to a file.")
def predict(model: Path, source: str, header: bool | None, probabilities: bool, output: Path | None) -> None:
    """Predict each row of a table with a trained MODEL; prints CSV."""
    found = load(model)
    if "binding" not in found.extra:
        raise Problem(f"{model} was made in Python, from arrays: algebra2net.training.load({str(model)!r}) gives its net and params")
    made = Task(net=found.net, binding=Binding.read(found.extra["binding"]))
    with _libraries_named():
        table = read(source, header)
    head, cells = _predictions(made, made.predict(made.binding.inputs(table), found.params), probabilities)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(cells)
    _write(text.getvalue(), None if output is None or str(output) == "-" else output)


predict.short_help = "Predict with a trained model."


def _predictions(made: Task, prediction: Array, with_probabilities: bool) -> tuple[list[str], list[list[str]]]:
    """The columns of the answer, and its rows."""
    binding = made.binding
    if binding.kind in ("numbers", "input", "none"):
        if with_probabilities:
            raise Problem("this model predicts numbers; there are no probabilities")
        head = binding.predicted
        head = head if len(head) == prediction.shape[1] else [f"{made.prediction.value.name}[{k}]" for k in range(prediction.shape[1])]
        return head, [[repr(float(value)) for value in row] for row in binding.in_units(prediction)]
    labels = [binding.classes[k] for k in binding.chosen(prediction, made.prediction.says)]
    p = binding.probabilities(prediction, made.prediction.says) if with_probabilities else None
    if with_probabilities and p is None:
        raise Problem("this model has no probabilities: its loss is none of probabilities, such as cross_entropy or bce")
    head = [binding.targets[0], *([f"P({label})" for label in binding.classes] if p is not None else [])]
    return head, [[label, *([f"{value:.6g}" for value in p[k]] if p is not None else [])] for k, label in enumerate(labels)]
