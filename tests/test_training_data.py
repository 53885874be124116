"""Tables: what is read, what is refused, and where the mistake is said to be."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pytest

from algebra2net.training.binding import Binding, Scaling, in_order
from algebra2net.training.curve import braille, listed, png, scale_of, svg
from algebra2net.training.data import SKLEARN, read

# fmt: off
TABLES = [
    # text of the CSV, columns, the number of the first row
    ("a,b\n1,2\n3,4\n",              {"a": [1, 3], "b": [2, 4]},                2),
    ("1,2\n3,4\n",                   {"1": [1, 3], "2": [2, 4]},                1),
    ("\ufeffa;b\r\n1;2\r\n3;4\r\n",  {"a": [1, 3], "b": [2, 4]},                2),
    ("a\tb\n1\t2.5e3\n",             {"a": [1], "b": [2500]},                   2),
    ("a, b\n1, -2\n",                {"a": [1], "b": [-2]},                     2),
    ("a,kind\n1,cat\n\n2,dog\n",     {"a": [1, 2], "kind": ["cat", "dog"]},     2),
    ('name,"x, y"\n"a ""b""",1\n',   {"name": ['a "b"'], "x, y": [1]},          2),
    ('a,b\n"1","2"\n',               {"a": [1], "b": [2]},                      2),
    ("a,\n1,2\n",                    {"a": [1], "column 2": [2]},               2),
    ("x\n1\n2\n",                    {"x": [1, 2]},                             2),
]
# fmt: on


def as_lists(table):
    return {name: column[:, 0].tolist() if isinstance(column, np.ndarray) else column for name, column in table.columns.items()}


@pytest.mark.parametrize(("text", "columns", "first"), TABLES)
def test_a_csv_is_read(text, columns, first, tmp_path):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    table = read(str(tmp_path / "t.csv"))
    assert as_lists(table) == columns
    assert table.first == first


def test_a_header_can_be_claimed_or_denied(tmp_path):
    (tmp_path / "t.csv").write_text("2019,2020\n1,2\n")
    assert list(read(str(tmp_path / "t.csv")).columns) == ["1", "2"]
    assert as_lists(read(str(tmp_path / "t.csv"), header=True)) == {"2019": [1], "2020": [2]}


def test_a_csv_may_be_zipped_or_come_from_standard_input(tmp_path, monkeypatch):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert as_lists(read(str(tmp_path / "t.csv.gz"))) == {"a": [1], "b": [2]}
    with open(tmp_path / "t.csv", "w+") as file:
        file.write("a,b\n5,6\n")
        file.seek(0)
        monkeypatch.setattr("sys.stdin", file)
        assert as_lists(read("-")) == {"a": [5], "b": [6]}


# fmt: off
CELLS = [
    # text, column, what is said
    ("age,y\n1,2\nn/a,3\n",       "age", r"t\.csv, row 3, column age: 'n/a' is no number; leave the row out or fill it"),
    ("age,y\n1,2\n\n\n,3\n",      "age", r"t\.csv, row 5, column age: the cell is empty"),
    ("1,2\n3,x\n",                "2",   r"t\.csv, row 2, column 2: 'x' is no number$"),
    ("sex,y\nmale,1\n",           "sex", r"t\.csv, row 2, column sex: 'male' is no number$"),
    ("a;b\n1,5;2\n",             "a",   r"t\.csv, row 2, column a: '1,5' is no number; write it with a decimal point"),
    ("a,b\n1,nan\n",              "b",   r"t\.csv, row 2, column b: a missing value"),
    ("a,b\n1,inf\n",              "b",   r"t\.csv, row 2, column b: inf"),
    ("a,b\n1,2\n3\n",             "a",   r"t\.csv, row 3 has 1 cell, 2 are expected"),
    ('a,b\n"x\ny",2\n3,z\n',      "b",   r"t\.csv, row 3, column b: 'z' is no number"),
    ("a,a\n1,2\n",                "a",   r"t\.csv: two columns are called a"),
    ("",                          "a",   r"t\.csv is empty"),
    ("a,b\n",                     "a",   r"t\.csv has names but no rows"),
    ("age,b\n1,2\n",              "aeg", r"t\.csv has no column aeg; it has age, b \(did you mean age\?\)"),
]
# fmt: on


@pytest.mark.parametrize(("text", "column", "words"), CELLS)
def test_a_cell_that_is_wrong_is_named_by_row_and_column(text, column, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read("t.csv").numbers(column)
    assert re.search(words, str(caught.value)), str(caught.value)


def test_arrays_of_an_npz_are_columns_and_images_are_rows(tmp_path):
    file = tmp_path / "d.npz"
    np.savez(file, images=np.arange(24).reshape(2, 3, 4), label=np.array(["a", "b"]), scale=np.float64(3))
    table = read(str(file))
    assert table.numbers("images").shape == (2, 12)
    assert table.labels("label") == ["a", "b"]
    assert set(table.columns) == {"images", "label"}


# fmt: off
FILES = [
    ("t.csv",   b"\xff\xfea",         r"t\.csv is no UTF-8 text: byte 0xff at 0"),
    ("t.npz",   b"no zip",            r"t\.npz is no NPZ file of plain arrays"),
    ("t.xlsx",  b"",                  r"a table is a \.csv, \.npz or \.parquet file"),
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "words"), FILES)
def test_what_is_no_table_is_said(name, content, words, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read(str(tmp_path / name))


@pytest.mark.parametrize("name", SKLEARN)
def test_the_data_sets_of_scikit_learn_are_tables(name):
    datasets = pytest.importorskip("sklearn.datasets")
    table = read(f"sklearn:{name}")
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    features = [column for column in table.columns if column != table.target]
    np.testing.assert_array_equal(np.hstack([table.numbers(column) for column in features]), x)
    if table.target == "target":
        np.testing.assert_array_equal(table.numbers("target")[:, 0], y)
    else:
        assert len(set(zip(table.labels("label"), y.tolist(), strict=True))) == len(set(y.tolist()))


def test_an_unknown_data_set_is_said():
    with pytest.raises(ValueError, match=r"there is no sklearn:iriss; there are sklearn:digits, .*did you mean iris\?"):
        read("sklearn:iriss")


def test_parquet_files_are_tables(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"], "c": [0.5, None]}), tmp_path / "t.parquet")
    table = read(str(tmp_path / "t.parquet"))
    assert as_lists(table)["a"] == [1, 2]
    assert table.labels("b") == ["x", "y"]
    with pytest.raises(ValueError, match="row 2, column c: a missing value"):
        table.numbers("c")


# ----------------------------------------------------------------------------------------------------------- bindings


def test_labels_become_columns_and_predictions_labels(tmp_path):
    (tmp_path / "t.csv").write_text("x,kind\n1,b\n2,a\n3,b\n")
    table = read(str(tmp_path / "t.csv"))
    binding = Binding(layer="l0", target="y", features=(("x", 1),), targets=("kind",), kind="classes", classes=in_order(table.labels("kind")))
    assert binding.classes == ("a", "b")
    np.testing.assert_array_equal(binding.desired(table, binding.inputs(table)), [[0, 1], [1, 0], [0, 1]])
    np.testing.assert_allclose(binding.probabilities(np.array([[0.0, np.log(3)]]), "logits"), [[0.25, 0.75]])
    assert binding.chosen(np.array([[2.0, 1.0], [0.0, 3.0]]), "logits").tolist() == [0, 1]
    assert Binding.read(binding.words) == binding


def test_classes_are_ordered_as_numbers_where_they_are():
    assert in_order(["10", "9", "2", "9"]) == ("2", "9", "10")
    assert in_order(["10", "9", "x"]) == ("10", "9", "x")


def test_scaling_is_undone_and_leaves_what_does_not_vary():
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    scaling = Scaling.of(x)
    np.testing.assert_allclose(scaling(x), [[-1, 0], [1, 0]])
    np.testing.assert_allclose(scaling.back(scaling(x)), x)


# ------------------------------------------------------------------------------------------------------------- curves


def test_a_curve_in_braille_goes_from_the_first_loss_to_the_last():
    text = braille([8.0, 4.0, 2.0], width=10, height=3)
    rows = text.split("\n")
    assert [row[:3] for row in rows[:3]] == ["8 ┤", "5 ┤", "2 ┤"]
    assert rows[0][3] != "\u2800"  # the first loss is the largest: a dot in the corner
    assert rows[2][-1] != "\u2800"
    assert len(rows[2]) == 3 + 10
    assert rows[-1].split() == ["1", "epoch", "3"]
    assert "\x1b" not in text
    assert "\x1b" in braille([8.0, 4.0], [5.0, 5.0], colour=True)


def test_losses_that_span_much_are_drawn_on_a_logarithmic_scale():
    scale = scale_of([100.0, 1.0], [10.0])
    assert scale is not None
    assert scale.logarithmic
    assert scale(10.0) == pytest.approx(0.5)
    assert not scale_of([1.0, 2.0]).logarithmic
    assert scale_of([float("nan")]) is None


def test_a_curve_as_svg_is_drawn_by_browsers():
    from xml.etree import ElementTree

    root = ElementTree.fromstring(svg([3.0, 2.0, float("nan"), 1.0], [3.5, 3.0, 2.5, 2.0]))
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.get("points").split()) for line in lines] == [3, 4]
    assert lines[1].get("points").split()[0].split(",")[1] == "34.0"  # the largest is at the top


def test_a_list_of_losses_is_for_files():
    assert listed([3.0, 2.0], [4.0, 3.5]) == "epoch 1  loss 3           held out 4\nepoch 2  loss 2           held out 3.5"
    assert len(listed([1.0] * 500).split("\n")) == 10


def test_a_png_is_drawn_by_matplotlib(tmp_path):
    pytest.importorskip("matplotlib")
    png(tmp_path / "c.png", [2.0, 1.0], [2.5, 1.5])
    assert (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"
