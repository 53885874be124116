"""The command `algebra2net export`: a network as one Python file that needs NumPy alone, and runs on a CSV.

In    a program as text, as a file or on standard input, or a model that training has written
Out   the file
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from algebra2net import compile
from algebra2net.cli import FILE, NOTATIONS, Problem, _named, _names, _shapes, _source, _write
from algebra2net.net import Net
from algebra2net.read import READERS

CODED = {"classes": "columns", "binary": "flag", "signs": "sign"}  # a kind of target, in the words of training and of exported files
EXAMPLES = """\b
Examples:
  algebra2net export "l2 = relu(l0 W0) W1" --loss "mse(l2, y)" -o model.py
  algebra2net export net.alg -o model.py && python model.py --train data.csv --target label
  algebra2net export net.alg --weights weights.npz -o model.py && python model.py new.csv
  algebra2net export trained.npz -o model.py
"""


@click.command("export", context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.argument("network")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="The file to write; standard output where it is not given.")
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE.npz", help="Weights to put inside: arrays by name, or what training has written.")
@click.option("--loss", metavar="ALGEBRA", help='An equation appended to the program, to train by: "mse(l2, y)".')
@click.option("--shape", "shapes", multiple=True, metavar="NAME=SHAPE", help="The shape of a value: l0=3, W0=3x4. May be given several times.")
@click.option("--wrt", multiple=True, metavar="NAMES", help="Names to train, where they are not the parameters.")
@click.option("--optimizer", type=click.Choice(["adam", "sgd"]), default="adam", help="The training step.")
@click.option("--optimized", is_flag=True, help="The code that runs fastest, in place of the one that reads best.")
@click.option("--target", metavar="NAME", help="The name of the target in the algebra, where it cannot be seen.")
@click.option("--prediction", metavar="NAME", help="The name of the prediction in the algebra, where it cannot be seen.")
def export(
    network: str,
    output: Path | None,
    weights: Path | None,
    loss: str | None,
    shapes: tuple[str, ...],
    wrt: tuple[str, ...],
    optimizer: str,
    optimized: bool,
    target: str | None,
    prediction: str | None,
) -> None:
    """Write NETWORK as one Python file with forward, gradient and training step, that needs NumPy alone.

    NETWORK is algebra, the name of a file, - for standard input, or an .npz that training has written.
    The file runs as a program: python model.py --help
    """
    params: Mapping[str, Any] = {}
    known: dict[str, Any] = {}
    if network.endswith(".npz"):
        if loss or shapes or wrt:
            raise click.UsageError(f"{network} has its algebra inside; --loss, --shape and --wrt are for algebra as text")
        net, params, known = _model(Path(network))
    else:
        source, name = _source(network)
        notation = NOTATIONS.get(name.suffix, "auto") if name is not None else "auto"
        with _named(name):
            net = compile(source, shapes=_shapes(shapes), loss=loss, wrt=_names(wrt), notation=notation if notation in READERS else "auto")
    if weights is not None:
        params, known = _weights(weights, net)
    _write(net.export(params, optimizer=optimizer, optimized=optimized, target=target, output=prediction, **known), output)


export.short_help = "Write a network as one file that needs NumPy alone."


def _weights(path: Path, net: Net) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The arrays of an `.npz` that the net knows, and what is said of their table."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError, AttributeError):
        raise Problem(f"{path} holds no arrays by name; numpy.savez({path.name!r}, W0=…) writes such a file") from None
    if "about" in arrays:
        return _model(path)[1:]
    params = {name: array for name, array in arrays.items() if name in net.inputs}
    known: dict[str, Any] = {kind: arrays[kind].tolist() for kind in ("classes", "targets") if kind in arrays}
    for kind in ("columns", "texts", "mean", "scale"):
        found = {name.removeprefix(f"{kind}/"): array for name, array in arrays.items() if name.startswith(f"{kind}/")}
        known |= {kind: {name: array.tolist() if kind in ("columns", "texts") else array for name, array in found.items()}} if found else {}
    if not params:
        raise Problem(f"{path} holds {', '.join(arrays) or 'nothing'}; the inputs of the network are {', '.join(net.inputs)}")
    return params, known


def _model(path: Path) -> tuple[Net, Mapping[str, Any], dict[str, Any]]:
    """A model that training has written: its net, its weights, and what it says of their table."""
    from algebra2net.training.binding import column_names
    from algebra2net.training.checkpoint import load

    found = load(path)
    known = found.extra.get("binding")
    if known is None:  # trained in Python, from arrays
        return found.net, found.params, {}
    constants = {name: np.full((1, 1), value) for name, value in (known["constants"] or {}).items()}
    scaled = {name: scaling for name, scaling in ((known["layer"], known["inputs_scaled"]), (known["target"], known["target_scaled"])) if scaling}
    columns = [column for name, width in known["features"] for column in ([name] if name in known["texts"] else column_names(name, width, ()))]
    table = {
        "columns": {known["layer"]: columns}, "texts": known["texts"], "code": CODED.get(known["kind"], "numbers"), "classes": known["classes"] or None, "targets": known["targets"],
        "mean": {name: np.array(scaling["center"]) for name, scaling in scaled.items()}, "scale": {name: np.array(scaling["scale"]) for name, scaling in scaled.items()},
    }  # fmt: skip
    return found.net, {**found.params, **constants}, {name: value for name, value in table.items() if value}
