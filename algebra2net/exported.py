"""l = mse(x W, y), its gradient and its training, in NumPy alone.

This is the smallest file that `net.export` writes, and the pattern of all others: the network's own part, which ends at
TRAINING, is replaced.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

# THE NETWORK


def forward(x: Array, W: Array, y: Array) -> dict[str, Any]:
    """Every named value."""
    return {"l": ((x @ W - y) ** 2).mean().item()}


def value_and_grad(x: Array, W: Array, y: Array) -> tuple[float, Arrays]:
    """The value of l, and its gradients by W."""
    s1 = x @ W - y
    return (s1**2).mean().item(), {"W": x.T @ (2 * s1 / s1.size)}


def predict(x: Array, W: Array) -> dict[str, Any]:
    """The prediction, and every named value on the way to it."""
    return {"out": x @ W}


INPUTS = ("x", "W", "y")  # of forward and value_and_grad, in their order
PREDICTS_FROM = ("x", "W")  # the arguments of predict
PREDICTION: str | None = "out"  # None where the algebra does not show which value it is
SHAPES: dict[str, tuple[int | str, int | str]] = {"x": ("n0", "n1"), "W": ("n1", "n2"), "y": ("n0", "n2")}  # rows and columns; a name stands for a size that data or --size settle
WIDTHS: dict[str, str] = {}  # the size that is the width of a hidden layer
SAMPLES = {"x": 0, "y": 0}  # which axis has a sample each
LAYERS: tuple[str, ...] = ("x",)
TARGET: str | None = "y"
CODE = "numbers"  # of the target: numbers, columns (one for each class), flag (0 or 1), sign (-1 or 1)
START = {"W": ("glorot", 0, 0.0)}  # how each weight begins, the axis it is entered by, the slope below 0
MASKS: dict[str, float | str] = {}  # of dropout: the share that is dropped
HAS_LOSS = True
WEIGHTS: Arrays = {}
TABLE: dict[str, Any] = {}  # what the weights know of the table they were trained on: columns, targets, classes, mean, scale
LR = 0.001


# TRAINING


def initial(sizes: Mapping[str, int], seed: int = 0) -> Arrays:
    """Weights to begin with: He et al. 2015 before relu and its like, LeCun et al. 1998 before selu, else Glorot and Bengio 2010."""
    rng = np.random.default_rng(seed)
    return {name: drawn(kind, shape_of(name, sizes), into, slope, rng) for name, (kind, into, slope) in START.items()}


def drawn(kind: str, shape: tuple[int, int], into: int, slope: float, rng: np.random.Generator) -> Array:
    """One weight; `into` is the axis as long as what comes in."""
    fan_in, fan_out = max(1, shape[into]), max(1, shape[1 - into])
    if kind == "he":
        return rng.normal(0.0, np.sqrt(2 / ((1 + slope**2) * fan_in)), shape)
    if kind == "lecun":
        return rng.normal(0.0, np.sqrt(1 / fan_in), shape)
    if kind == "glorot":
        bound = np.sqrt(6 / (fan_in + fan_out))
        return rng.uniform(-bound, bound, shape)
    return np.eye(*shape) if kind == "identity" else np.full(shape, 1.0 if kind == "ones" else 0.0)


def shape_of(name: str, sizes: Mapping[str, int]) -> tuple[int, int]:
    """Rows and columns of an input. Raises ValueError where a size is not known."""
    rows, columns = (size_of(size, sizes, name) for size in SHAPES[name])
    return rows, columns


def size_of(size: int | str, sizes: Mapping[str, int], name: str) -> int:
    """A size as a number: `n1`, `n1+n2`, `2*n1`."""
    if isinstance(size, int):
        return size
    for word in size.replace("*", "+").split("+"):
        if not word.isdecimal() and word not in sizes:
            layer = next((layer for layer, width in WIDTHS.items() if width == word), word)
            raise ValueError(f"nothing says how wide {layer} is ({name} is {SHAPES[name][0]}×{SHAPES[name][1]}): say --size {layer}=100")
    return sum(math.prod(int(word) if word.isdecimal() else sizes[word] for word in term.split("*")) for term in size.split("+"))


def step(weights: Mapping[str, Array], gradients: Mapping[str, Array], state: dict[str, Any], lr: float = LR) -> Arrays:
    """The weights after one step of Adam (Kingma and Ba 2015, algorithm 1); `state` keeps its moments, and is empty at first."""
    t = state["steps"] = state.get("steps", 0) + 1
    moved = {}
    for name, gradient in gradients.items():
        mean, square = state.get(f"of {name}", (0.0, 0.0))
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        state[f"of {name}"] = mean, square
        moved[name] = weights[name] - lr * (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.999**t)) + 1e-8)
    return {**weights, **moved}


def train(
    data: Arrays, weights: Arrays, epochs: int = 100, batch: int = 32, lr: float = LR, seed: int = 0, report: Callable[[int, float], None] | None = None
) -> tuple[Arrays, list[float]]:
    """The weights after so many epochs, and the mean loss of each. `data` holds every input that is no weight and no mask."""
    rng, state, losses = np.random.default_rng(seed), dict[str, Any](), []
    rows = next((array.shape[SAMPLES[name]] for name, array in data.items() if name in SAMPLES), 1)
    for epoch in range(epochs):
        order, total = rng.permutation(rows), 0.0
        for start in range(0, rows, batch):
            chosen = order[start : start + batch]
            arrays = {name: np.take(array, chosen, SAMPLES[name]) if name in SAMPLES else array for name, array in data.items()}
            arrays |= masks({**arrays, **weights}, rng)
            with np.errstate(all="ignore"):  # what is not finite is found below
                loss, gradients = value_and_grad(*({**arrays, **weights}[name] for name in INPUTS))
            if not math.isfinite(loss):
                raise ValueError(f"the loss is {loss} in epoch {epoch + 1}: a smaller --lr, or --standardize")
            weights = step(weights, gradients, state, lr)
            total += loss * len(chosen) / rows
        losses.append(total)
        if report is not None:
            report(epoch + 1, total)
    return weights, losses


def masks(arrays: Mapping[str, Array], rng: np.random.Generator) -> Arrays:
    """The masks of dropout, drawn anew for each batch."""
    sizes = sizes_of(arrays)
    dropped = {name: float(arrays[share].item()) if isinstance(share, str) else share for name, share in MASKS.items()}
    return {name: (rng.random(shape_of(name, sizes)) >= share).astype(float) for name, share in dropped.items()}


def sizes_of(arrays: Mapping[str, Array]) -> dict[str, int]:
    """The sizes that arrays settle."""
    pairs = [(size, length) for name, array in arrays.items() for size, length in zip(SHAPES[name], array.shape, strict=True)]
    return {size: length for size, length in pairs if isinstance(size, str)}


# TABLES


class Table:
    """A table of text: the names of its columns, and its rows."""

    def __init__(self, path: str, header: bool | None = None) -> None:
        self.path = path
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        first = text.split("\n", 1)[0]
        rows = [(number, row) for number, row in enumerate(csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count)), 1) if any(cell.strip() for cell in row)]
        if not rows:
            raise ValueError(f"{path} is empty")
        self.has_header = not any(is_number(cell) for cell in rows[0][1]) if header is None else header
        self.columns = [cell.strip() for cell in rows[0][1]] if self.has_header else [str(k + 1) for k in range(len(rows[0][1]))]
        self.rows = rows[1:] if self.has_header else rows
        for number, row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{path}, line {number}: {len(row)} cells in place of {len(self.columns)}")

    def texts(self, column: str) -> list[str]:
        """The cells of a column. Raises ValueError where there is none of that name."""
        if column not in self.columns:
            raise ValueError(f"{self.path} has no column {column}; it has {', '.join(self.columns)}")
        place = self.columns.index(column)
        return [row[place].strip() for _, row in self.rows]

    def numbers(self, columns: Sequence[str]) -> Array:
        """A matrix of these columns. Raises ValueError, with line and column, for a cell that is no number."""
        for column in columns:
            for (number, _), cell in zip(self.rows, self.texts(column), strict=True):
                if not is_number(cell):
                    raise ValueError(f"{self.path}, line {number}, column {column}: {cell!r} is no number")
        return np.array([[float(cell) for cell in self.texts(column)] for column in columns], dtype=float).reshape(len(columns), len(self.rows)).T

    def flags(self, column: str, known: Sequence[str]) -> Array:
        """A matrix of a column of texts: 1 where it holds each of those that the weights know. Raises ValueError, with line and column, for another."""
        for (number, _), cell in zip(self.rows, self.texts(column), strict=True):
            if cell not in known:
                raise ValueError(f"{self.path}, line {number}, column {column}: {cell!r} is none of {', '.join(known)}")
        return np.array([[cell == text for text in known] for cell in self.texts(column)], dtype=float).reshape(len(self.rows), len(known))

    def layer(self, columns: Sequence[str], own: Sequence[str], texts: Mapping[str, Sequence[str]]) -> Array:
        """The matrix of an input layer. `own` is what this table calls its columns, `texts` says which of them are no numbers."""
        if not any(column in texts for column in columns):
            return self.numbers(own)
        return np.hstack([self.flags(name, texts[column]) if column in texts else self.numbers([name]) for column, name in zip(columns, own, strict=True)])


def is_number(cell: str) -> bool:
    """Whether a cell holds a finite number."""
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def in_order(labels: Iterable[str]) -> list[str]:
    """The different labels: numbers by size, words by letters."""
    found = set(labels)
    return sorted(found, key=float) if all(is_number(label) for label in found) else sorted(found)


def coded(labels: Sequence[str], classes: Sequence[str], width: int | str) -> Array:
    """Labels as the network takes them: a column for each class, or one alone."""
    unknown = next((label for label in labels if label not in classes), None)
    if unknown is not None:
        raise ValueError(f"the target holds {unknown!r}; the weights know {', '.join(classes)}")
    one = len(classes) == 2 and (width == 1 or (isinstance(width, str) and CODE in ("flag", "sign")))
    if len(classes) < 2 or (isinstance(width, int) and width != (1 if one else len(classes))):
        raise ValueError(f"the target has {len(classes)} classes ({', '.join(classes[:10])}), the network has {width if isinstance(width, int) else 'two or more'} outputs")
    places = np.array([classes.index(label) for label in labels])
    flags = places.reshape(-1, 1).astype(float) if one else np.eye(len(classes))[places]
    return 2 * flags - 1 if CODE == "sign" else flags


def decoded(values: Array, classes: Sequence[str]) -> list[str]:
    """The label of each row of predictions."""
    places = (values[:, 0] > (0 if CODE == "sign" else 0.5)).astype(int) if values.shape[1] == 1 else values.argmax(axis=1)
    return [classes[place] if classes else str(place) for place in places]


# THE PROGRAM


def main(arguments: Sequence[str] | None = None) -> int:
    """Train or predict; exit status 2 with one line where that cannot be done."""
    parser = argument_parser()
    options = parser.parse_args(arguments)
    try:
        run_training(options) if options.train else run_prediction(options)
    except (BrokenPipeError, KeyboardInterrupt):
        return 1
    except (ValueError, OSError) as error:
        said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else error
        print(f"{parser.prog}: {said}", file=sys.stderr)
        return 2
    return 0


def argument_parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    summary, _, algebra = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary, epilog=algebra, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA.csv", help="a table, - for standard input")
    parser.add_argument("--header", action=argparse.BooleanOptionalAction, help="whether the first row names the columns; it does where it has no number, if neither is said")
    parser.add_argument("--train", action="store_true", help="train on DATA; without it, predict a row for each of its rows")
    parser.add_argument("--target", metavar="COLUMN", help="the column to learn (several with commas between)")
    parser.add_argument("--columns", action="append", default=[], metavar="NAME=COLUMN,...", help="the columns of an input; all but the target where there is one input")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER", help="the value of an input that is the same for all rows")
    parser.add_argument("--weights", metavar="FILE.npz", help="weights to predict with, or to begin with")
    parser.add_argument("-o", "--output", metavar="FILE", help="where the predictions go (standard output), or the trained weights (weights.npz)")
    parser.add_argument("--probabilities", action="store_true", help="with classes: print the value for each class, too")
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=int, default=100, help="(%(default)s)")
    training.add_argument("--batch", type=int, default=32, help="rows for each step (%(default)s)")
    training.add_argument("--lr", type=float, default=LR, help="learning rate (%(default)s)")
    training.add_argument("--seed", type=int, default=0, help="of the first weights and of the order of the rows (%(default)s)")
    training.add_argument("--size", action="append", default=[], metavar="NAME=N", help="a width that the network leaves open")
    training.add_argument("--standardize", action="store_true", help="every column to mean 0 and deviation 1")
    return parser


def run_training(options: argparse.Namespace) -> None:
    """Train on the table, write the weights."""
    if not LAYERS:
        raise ValueError("this network takes no rows of a table; train() trains it from arrays")
    if not HAS_LOSS:
        raise ValueError("this network has no loss to train by: export it with one, --loss 'mse(…, y)'")
    if options.epochs < 0 or options.batch < 1 or not options.lr > 0:
        raise ValueError("--epochs is at least 0, --batch at least 1, --lr above 0")
    table = Table(options.data, options.header)
    weights, known = loaded(options.weights)
    targets = target_columns(table, options.target)
    known |= {"columns": columns_of(table, options.columns, targets), "targets": targets}
    layers = {name: table.layer(columns, columns, known.get("texts", {})) for name, columns in known["columns"].items()}
    if TARGET is not None and CODE == "numbers":
        layers[TARGET] = table.numbers(targets)
    if options.standardize:
        known["mean"] = {name: x.mean(axis=0) for name, x in layers.items()}
        known["scale"] = {name: np.where(x.std(axis=0) > 0, x.std(axis=0), 1) for name, x in layers.items()}
    layers = {name: scaled(x, name, known) for name, x in layers.items()}
    if TARGET is not None and CODE != "numbers":
        labels = table.texts(targets[0])
        known["classes"] = known.get("classes") or in_order(labels)
        layers[TARGET] = coded(labels, known["classes"], SHAPES[TARGET][1 - SAMPLES.get(TARGET, 0)])
    data = lying(layers) | constants(options.set, weights)
    check(data)
    sizes = sizes_of({**data, **weights}) | {name: int(value) for name, value in pairs("--size", options.size)}
    begin = {**initial(sizes, options.seed), **weights} if any(name not in weights for name in START) else weights
    check({**data, **begin})

    def report(epoch: int, loss: float) -> None:
        if epoch % max(1, options.epochs // 10) == 0:
            print(f"epoch {epoch} of {options.epochs}: loss {loss:.6g}", file=sys.stderr)

    found, _ = train(data, begin, options.epochs, options.batch, options.lr, options.seed, report)
    place = options.output or "weights.npz"
    save(place, {name: found[name] for name in found if name in START} | {name: array for name, array in data.items() if name not in SAMPLES}, known)
    print(f"the weights are in {place}")


def run_prediction(options: argparse.Namespace) -> None:
    """Write a prediction for each row of the table."""
    if PREDICTION is None:
        raise ValueError("which value is the prediction? export again and say so: --prediction NAME")
    if not LAYERS:
        raise ValueError("this network takes no rows of a table; predict() takes arrays")
    table = Table(options.data, options.header)
    weights, known = loaded(options.weights)
    missing = [name for name in START if name not in weights]
    if missing:
        raise ValueError(f"no weights: {', '.join(missing)}; give --weights FILE.npz, or train first: --train {options.data}")
    columns = known.get("columns") or columns_of(table, options.columns, target_columns(table, options.target) if options.target else [])
    own = by_place(table, columns) if known.get("columns") and not table.has_header else columns
    layers = {name: scaled(table.layer(chosen, own[name], known.get("texts", {})), name, known) for name, chosen in columns.items()}
    arrays = {**weights, **lying(layers)}
    arrays |= constants(options.set, arrays, PREDICTS_FROM)
    check(arrays)
    values = predict(*(arrays[name] for name in PREDICTS_FROM))[PREDICTION]
    values = values.T if SAMPLES.get(LAYERS[0]) == 1 else values
    if CODE == "numbers":
        values = unscaled(values, TARGET or LAYERS[0], known)
    names = known.get("targets") or [TARGET or str(PREDICTION)]
    written = rows_of(values, names, known.get("classes") or [], options.probabilities)
    if options.output:
        with open(options.output, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(written)
    else:
        csv.writer(sys.stdout, lineterminator="\n").writerows(written)


def rows_of(values: Array, names: Sequence[str], classes: Sequence[str], probabilities: bool) -> list[list[Any]]:
    """The table of predictions, with a header."""
    if CODE == "numbers":
        width = values.shape[1]
        return [[*names] if len(names) == width else [f"{names[0]}{k + 1}" for k in range(width)], *values.tolist()]
    labels = decoded(values, classes)
    if not probabilities:
        return [[names[0]], *([label] for label in labels)]
    shown = np.hstack([1 - values, values]) if values.shape[1] == 1 and CODE == "flag" else values
    header = classes if len(classes) == shown.shape[1] else [str(k) for k in range(shown.shape[1])]
    return [[names[0], *header], *([label, *row] for label, row in zip(labels, shown.tolist(), strict=True))]


def target_columns(table: Table, given: str | None) -> list[str]:
    """The columns of the target."""
    if TARGET is None:
        return []
    if given is None and TARGET not in table.columns:
        raise ValueError(f"which column is the target? say --target COLUMN, one of {', '.join(table.columns)}")
    found = [column.strip() for column in (given or TARGET).split(",")]
    if CODE != "numbers" and len(found) > 1:
        raise ValueError("a class is one column: --target COLUMN")
    for column in found:
        table.texts(column)  # says so where there is none
    return found


def columns_of(table: Table, given: Sequence[str], targets: Sequence[str]) -> dict[str, list[str]]:
    """The columns of every input layer."""
    chosen = {name: value.split(",") for name, value in pairs("--columns", given)}
    taken = {column for columns in (targets, *chosen.values()) for column in columns}
    left = [column for column in table.columns if column not in taken]
    open_ = [name for name in LAYERS if name not in chosen]
    if len(open_) > 1:
        raise ValueError(f"which columns are {' and '.join(open_)}? say --columns {open_[0]}=COLUMN,...")
    return chosen | dict.fromkeys(open_, left)


def by_place(table: Table, columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The columns of a table that names none: as many as were trained on, in that order."""
    wanted = [column for chosen in columns.values() for column in chosen]
    if len(table.columns) != len(wanted):
        raise ValueError(f"{table.path} has {len(table.columns)} columns and no names for them; the weights were trained on {len(wanted)}: {', '.join(wanted)}")
    names = iter(table.columns)
    return {name: [next(names) for _ in chosen] for name, chosen in columns.items()}


def scaled(matrix: Array, name: str, known: Mapping[str, Any]) -> Array:
    """The matrix as the weights were trained on it."""
    return (matrix - known["mean"][name]) / known["scale"][name] if name in known.get("mean", {}) else matrix


def unscaled(matrix: Array, name: str, known: Mapping[str, Any]) -> Array:
    """Predictions of numbers as the table had them."""
    fits = name in known.get("mean", {}) and len(known["mean"][name]) == matrix.shape[1]
    return matrix * known["scale"][name] + known["mean"][name] if fits else matrix


def lying(arrays: Arrays) -> Arrays:
    """The matrices with their samples along the axis that the network takes."""
    return {name: array.T if SAMPLES.get(name) == 1 else array for name, array in arrays.items()}


def constants(given: Sequence[str], known: Mapping[str, Array], needed: Sequence[str] = INPUTS) -> Arrays:
    """The inputs that are no layer, no target and no weight."""
    found = {name: np.full((1, 1), float(value)) for name, value in pairs("--set", given)}
    named = [name for name in needed if name not in (*LAYERS, TARGET, *START, *MASKS)]
    missing = [name for name in named if name not in found and name not in known]
    if missing:
        raise ValueError(f"nothing says what {missing[0]} is: --set {missing[0]}=0.1" + ("" if SHAPES[missing[0]] == (1, 1) else ", or put the matrix into the file of --weights"))
    return {name: known[name] if name not in found else found[name] for name in named}


def pairs(option: str, given: Sequence[str]) -> list[tuple[str, str]]:
    """`NAME=VALUE` taken apart. Raises ValueError for a name that the network does not have."""
    sizes = {size: size for shape in SHAPES.values() for size in shape if isinstance(size, str) and size.isidentifier()} | WIDTHS
    known = {"--columns": LAYERS, "--set": INPUTS, "--size": tuple(sizes)}[option]
    found = []
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or name not in known or (option != "--columns" and not (value.isdecimal() if option == "--size" else is_number(value))):
            raise ValueError(f"{option} {text}: write NAME=VALUE with NAME among {', '.join(sorted(known))}")
        found.append((sizes[name] if option == "--size" else name, value))
    return found


def check(arrays: Mapping[str, Array]) -> None:
    """Raises ValueError where an array does not have the shape that the others leave it."""
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        for size, length in zip(SHAPES[name], array.shape, strict=True):
            expected = size if isinstance(size, int) else sizes.setdefault(size, length) if size.isidentifier() else length
            if expected != length:
                shape = "×".join(str(sizes.get(str(part), part)) for part in SHAPES[name])
                raise ValueError(f"{name} has {array.shape[0]} rows and {array.shape[1]} columns, the network takes {shape}")


def loaded(path: str | None) -> tuple[Arrays, dict[str, Any]]:
    """The weights in a file, or those in this one; and what they know of their table."""
    if path is None:
        return dict(WEIGHTS), dict(TABLE)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} holds no weights: {error}") from None
    weights = {name: as_matrix(name, array) for key, array in arrays.items() for name in [key.removeprefix("params/")] if name in SHAPES}
    known: dict[str, Any] = {kind: arrays[kind].tolist() for kind in ("classes", "targets") if kind in arrays}
    for kind in ("columns", "texts", "mean", "scale"):
        found = {name.removeprefix(f"{kind}/"): array for name, array in arrays.items() if name.startswith(f"{kind}/")}
        if found:
            known[kind] = {name: array.tolist() for name, array in found.items()} if kind in ("columns", "texts") else found
    return weights, known


def as_matrix(name: str, array: Array) -> Array:
    """A vector as the row or the column that the network takes."""
    rows, columns = SHAPES[name]
    return array if array.ndim == 2 else array.reshape((-1, 1) if columns == 1 and rows != 1 else (1, -1))


def save(path: str, weights: Arrays, known: Mapping[str, Any]) -> None:
    """Weights, and what they know of their table, as numbers and text."""
    about = {f"{kind}/{name}": np.array(value) for kind in ("columns", "texts", "mean", "scale") for name, value in known.get(kind, {}).items()}
    about |= {kind: np.array(known[kind]) for kind in ("classes", "targets") if known.get(kind)}
    arrays: dict[str, Any] = {**weights, **about}
    with open(path, "wb") as file:
        np.savez(file, **arrays)


if __name__ == "__main__":
    sys.exit(main())
