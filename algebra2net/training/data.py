"""Tables: the columns of a file, by name.

In    the name of a CSV, NPZ or Parquet file, `-` for CSV on standard input, or `sklearn:digits`
Out   a Table: for each column its numbers, or its text where it has any
Idea  what is wrong with a cell is said of its row and column, counted as a spreadsheet counts them
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from algebra2net.errors import nearest
from algebra2net.run import Array

SKLEARN = ("digits", "iris", "diabetes", "breast_cancer", "wine")
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns by name: a float matrix (of one column, unless the file holds matrices), or a list of texts. `target` is what the source says is to be learned.

    `first` is the number of the first row: 2 where a header is row 1; `numbers_of_rows` are those of all rows where blank lines stand between.
    `named` is whether the file says the names.
    """

    source: str
    columns: Mapping[str, Array | list[str]]
    first: int = 1
    named: bool = True
    target: str | None = None
    numbers_of_rows: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(next(iter(self.columns.values()), []))

    def column(self, name: str) -> Array | list[str]:
        """The column of that name.

        Raises ValueError where there is none.
        """
        if name in self.columns:
            return self.columns[name]
        hint = nearest(name, self.columns)
        shown = ", ".join(list(self.columns)[:12]) + (", …" if len(self.columns) > 12 else "")
        raise ValueError(f"{self.source} has no column {name}; it has {shown}" + (f" ({hint})" if hint else ""))

    def numbers(self, name: str, hint: str = "") -> Array:
        """A column as a float matrix; `hint` says what to do about a text.

        Raises ValueError for a cell that is no number, with its row.
        """
        column = self.column(name)
        values = column if isinstance(column, np.ndarray) else np.array([[self._number(cell, name, k, hint)] for k, cell in enumerate(column)])
        if not np.isfinite(values).all():
            row, place = np.argwhere(~np.isfinite(values))[0]
            which = name if values.shape[1] == 1 else f"{name}[{place}]"
            raise ValueError(f"{self.at(row, which)}: {'a missing value' if np.isnan(values[row, place]) else values[row, place]}; leave the row out or fill it")
        return values

    def labels(self, name: str) -> list[str]:
        """A column as texts: 3 for 3.0.

        Raises ValueError for a cell that is empty.
        """
        column = self.column(name)
        if isinstance(column, np.ndarray):
            return [_label(value) for value in self.numbers(name)[:, 0]]
        for k, cell in enumerate(column):
            if not cell.strip():
                raise ValueError(f"{self.at(k, name)}: a label is missing; leave the row out or fill it")
        return [cell.strip() for cell in column]

    def at(self, row: int, name: str) -> str:
        """The place of a cell in words."""
        number = self.numbers_of_rows[row] if self.numbers_of_rows else self.first + int(row)
        return f"{self.source}, row {number}, column {name}"

    def chosen(self, name: str, classes: Sequence[str]) -> Array:
        """Of each row, which of these classes its label is, from 0.

        Raises ValueError for a label that is none of them.
        """
        places = {label: k for k, label in enumerate(classes)}
        labels = self.labels(name)
        for row, label in enumerate(labels):
            if label not in places:
                raise ValueError(f"{self.at(row, name)}: {label!r} is none of {', '.join(classes[:10])}{', …' if len(classes) > 10 else ''}")
        return np.array([places[label] for label in labels])

    def _number(self, cell: str, name: str, row: int, hint: str) -> float:
        try:
            return float(cell)
        except ValueError:
            if cell.strip().casefold() in MISSING:
                raise ValueError(f"{self.at(row, name)}: {f'{cell.strip()!r} is no number' if cell.strip() else 'the cell is empty'}; leave the row out or fill it") from None
            instead = "write it with a decimal point" if re.fullmatch(r"\s*-?\d+,\d+\s*", cell) else hint
            raise ValueError(f"{self.at(row, name)}: {cell.strip()!r} is no number{f'; {instead}' * bool(instead)}") from None


def _label(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def read(source: str, header: bool | None = None) -> Table:
    """The table of a file, or of one of scikit-learn's data sets; `header` says whether the first row of a CSV has names (else it is looked at).

    Raises ValueError for what is no table, ModuleNotFoundError for a format whose library is not there, OSError where a file cannot be read.
    """
    if source.startswith("sklearn:"):
        return _sklearn(source)
    if source != "-" and not Path(source).is_file():
        raise ValueError(
            f"{source} is a directory; a table is a file" if Path(source).is_dir() else f"there is no file {source}; or take one of sklearn:{', sklearn:'.join(SKLEARN)}"
        )
    suffix = Path(source).suffix.casefold()
    if suffix == ".npz":
        return _npz(source)
    if suffix in (".parquet", ".pq"):
        return _parquet(source)
    if suffix in (".xlsx", ".xls", ".json", ".npy", ".h5", ".feather"):
        raise ValueError(f"{source}: a table is a .csv, .npz or .parquet file, or sklearn:digits; save it as CSV")
    return _csv(source, _text(source), header)


# ---------------------------------------------------------------------------------------------------------------- CSV


def _text(source: str) -> str:
    data = sys.stdin.buffer.read() if source == "-" else gzip.decompress(Path(source).read_bytes()) if source.endswith(".gz") else Path(source).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source} is no UTF-8 text: byte {data[error.start]:#04x} at {error.start}; save it as CSV in UTF-8") from None


def _csv(source: str, text: str, header: bool | None) -> Table:
    delimiter = _delimiter(text)
    rows = ((number, row) for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1) if any(cell.strip() for cell in row))
    number, top = next(rows, (0, []))
    if not top:
        raise ValueError(f"{source} is empty")
    named = header if header is not None else not any(is_number(cell) for cell in top)
    names = _unique(source, [cell.strip() or f"column {k}" for k, cell in enumerate(top, 1)]) if named else [str(k) for k in range(1, len(top) + 1)]
    first = number + named
    numbers = _all_numbers(text, delimiter, first - 1, len(names))
    if numbers is not None:
        return Table(source=source, columns={name: numbers[:, [k]] for k, name in enumerate(names)}, first=first, named=named)
    body = [*([] if named else [(number, top)]), *rows]
    if not body:
        raise ValueError(f"{source} has names but no rows")
    return Table(source=source, columns=_cells(source, body, names), first=first, named=named, numbers_of_rows=tuple(number for number, _ in body))


def _delimiter(text: str) -> str:
    """The sign between cells: of those that the first line has, the most frequent; a comma where it has none."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    counts = Counter(c for c in line if c in ",;\t|")
    return counts.most_common(1)[0][0] if counts else ","


def _all_numbers(text: str, delimiter: str, skipped: int, width: int) -> Array | None:
    """The whole table at once, where it is finite numbers and nothing else: no blank line either, rows could not be counted."""
    lines = text.rstrip("\r\n").count("\n") + 1 - skipped
    if lines < 1:
        return None
    try:
        found: Array = np.loadtxt(io.StringIO(text), delimiter=delimiter, skiprows=skipped, ndmin=2, comments=None, quotechar='"')
    except ValueError:
        return None
    return found if found.shape == (lines, width) and np.isfinite(found).all() else None


def _cells(source: str, rows: Sequence[tuple[int, list[str]]], names: Sequence[str]) -> dict[str, Array | list[str]]:
    """The cells of each column; numbers where all of them are."""
    for number, row in rows:
        if len(row) != len(names):
            raise ValueError(f"{source}, row {number} has {len(row)} cell{'s' * (len(row) != 1)}, {len(names)} are expected")
    return {name: _numeric([row[k] for _, row in rows]) for k, name in enumerate(names)}


def _numeric(cells: list[str]) -> Array | list[str]:
    try:
        values = np.array([[float(cell)] for cell in cells])
    except ValueError:
        return cells
    return values if values.size and np.isfinite(values).all() else cells


def is_number(cell: str) -> bool:
    """Whether a cell is the text of a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _unique(source: str, names: list[str]) -> list[str]:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{source}: two columns are called {twice[0]}; rename one")
    return names


# ------------------------------------------------------------------------------------------------------- other sources


def _npz(source: str) -> Table:
    """Arrays by name: rows are samples, an image becomes a row."""
    try:
        with np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, zipfile.BadZipFile, EOFError):
        raise ValueError(f"{source} is no NPZ file of plain arrays") from None
    rows = max((len(array) for array in arrays.values() if array.ndim), default=0)
    found = {name: _array(source, name, array) for name, array in arrays.items() if array.ndim and len(array) == rows}
    if not found:
        raise ValueError(f"{source} holds no arrays with rows")
    return Table(source=source, columns=found, first=0)


def _array(source: str, name: str, array: Array) -> Array | list[str]:
    if array.dtype.kind in "US":
        return [str(cell) for cell in array.ravel()]
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{source}: the array {name} holds no numbers (dtype {array.dtype})")
    return array.reshape(len(array), -1).astype(float)


def _parquet(source: str) -> Table:
    try:
        columns = import_module("pyarrow.parquet").read_table(source).to_pydict()
    except ModuleNotFoundError:
        try:
            columns = import_module("pandas").read_parquet(source).to_dict("list")
        except (ModuleNotFoundError, ImportError):
            raise ModuleNotFoundError("Parquet files need pyarrow: pip install 'algebra2net[train]', or save the table as CSV", name="pyarrow") from None
    except Exception as error:
        raise ValueError(f"{source} is no Parquet file: {error}") from None
    return Table(source=source, columns={str(name): _typed(values) for name, values in columns.items()})


def _typed(values: Sequence[Any]) -> Array | list[str]:
    """A column of any type: numbers, with nan for what is missing, or texts."""
    if all(value is None or isinstance(value, int | float | np.number) for value in values):
        return np.array([[np.nan if value is None else float(value)] for value in values])
    return ["" if value is None else str(value) for value in values]


def _sklearn(source: str) -> Table:
    name = source.partition(":")[2]
    if name not in SKLEARN:
        hint = nearest(name, SKLEARN)
        raise ValueError(f"there is no {source}; there are {', '.join(f'sklearn:{known}' for known in SKLEARN)}" + (f" ({hint})" if hint else ""))
    try:
        bunch = getattr(import_module("sklearn.datasets"), f"load_{name}")()
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{source} needs scikit-learn: pip install 'algebra2net[train]'", name="sklearn") from None
    columns: dict[str, Array | list[str]] = {str(column): bunch.data[:, [k]] for k, column in enumerate(bunch.feature_names)}
    if "target_names" in bunch:
        return Table(source=source, columns={**columns, "label": [str(bunch.target_names[k]) for k in bunch.target]}, target="label")
    return Table(source=source, columns={**columns, "target": bunch.target.reshape(-1, 1)}, target="target")
