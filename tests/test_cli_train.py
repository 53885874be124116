"""The commands train and predict: the results that the README promises, and what is said where something is wrong."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import click.testing
import numpy as np
import pytest

from algebra2net.cli import main
from algebra2net.training import load
from algebra2net.training.report import split

DIGITS = ["train", "l2 = relu(l0/16 W0 + b0) W1 + b1", "--data", "sklearn:digits", "--loss", "cross_entropy", "--hidden", "200", "--epochs", "30"]
DIABETES = ["train", "y = x W + b", "--data", "sklearn:diabetes", "--loss", "mse", "--standardize", "--optimizer", "lbfgs"]
AUTOENCODER = [
    "train", "c = relu(x/16 W0 + b0) W1 + b1; r = relu(c W2 + b2) W3 + b3", "--data", "sklearn:digits", "--target", "input", "--hidden", "100,8,100", "--schedule", "cosine",
]  # fmt: skip


def run(*words: str, code: int = 0) -> str:
    """What the command prints, with what it says on standard error."""
    result = click.testing.CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def reached(text: str, what: str) -> float:
    """The score on held-out rows, as printed."""
    found = re.search(rf"^held out .*{what} (-?[\d.]+)", text, re.MULTILINE)
    assert found, text
    return float(found[1])


# -------------------------------------------------------------------------------------------- the results of the README


def test_two_layers_read_digits(tmp_path):
    sklearn = pytest.importorskip("sklearn.datasets")
    began = time.process_time()
    text = run(*DIGITS, "-o", tmp_path / "digits.npz", "--plot", tmp_path / "loss.svg")
    assert time.process_time() - began < 10
    assert reached(text, "accuracy") >= 97
    assert (tmp_path / "loss.svg").read_text().startswith("<svg ")
    # the model by hand, on the rows that the command held out
    params = load(tmp_path / "digits.npz").params
    pixels, labels = sklearn.load_digits(return_X_y=True)
    held = split(len(pixels), 0.25, None, 0).held
    guess = (np.maximum(pixels[held] / 16 @ params["W0"] + params["b0"], 0) @ params["W1"] + params["b1"]).argmax(axis=1)
    assert 100 * (guess == labels[held]).mean() == pytest.approx(reached(text, "accuracy"), abs=0.06)
    # and what predict says of all rows
    rows = list(csv.reader(run("predict", tmp_path / "digits.npz", "--data", "sklearn:digits", "--probabilities").splitlines()))
    assert rows[0] == ["label", *(f"P({k})" for k in range(10))]
    whole = (np.maximum(pixels / 16 @ params["W0"] + params["b0"], 0) @ params["W1"] + params["b1"]).argmax(axis=1)
    assert [row[0] for row in rows[1:]] == [str(k) for k in whole]
    assert all(sum(map(float, row[1:])) == pytest.approx(1, abs=1e-4) for row in rows[1:])


def test_a_linear_network_is_as_good_as_linear_regression():
    pytest.importorskip("sklearn")
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    x, y = load_diabetes(return_X_y=True)
    rows = split(len(x), 0.25, None, 0)
    theirs = LinearRegression().fit(x[rows.train], y[rows.train]).score(x[rows.held], y[rows.held])
    assert reached(run(*DIABETES), "R²") == pytest.approx(theirs, abs=2e-3)


def test_an_autoencoder_keeps_more_in_eight_numbers_than_principal_components():
    pytest.importorskip("sklearn")
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

    x, _ = load_digits(return_X_y=True)
    rows = split(len(x), 0.25, None, 0)
    components = PCA(8, svd_solver="full").fit(x[rows.train])
    held = x[rows.held]
    kept = 1 - ((components.inverse_transform(components.transform(held)) - held) ** 2).sum() / ((held - held.mean(axis=0)) ** 2).sum()
    assert reached(run(*AUTOENCODER, "--epochs", "15"), "R²") > kept + 0.05


# ------------------------------------------------------------------------------------------------------- files of one's own


@pytest.fixture
def houses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prices that are a plane, and whether a house has a garden, which is a half plane."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    area, age = rng.uniform(50, 200, 120), rng.uniform(0, 50, 120)
    lines = [f"{a:.3f},{b:.3f},{2000 * a - 500 * b + 10000:.3f},{'yes' if a > 3 * b else 'no'}" for a, b in zip(area, age, strict=True)]
    file = tmp_path / "houses.csv"
    file.write_text("\n".join(["area,age,price,garden", *lines]) + "\n")
    return file


def test_numbers_are_predicted_in_their_own_units(houses):
    text = run("train", "z = x W + b", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--standardize", "--optimizer", "lbfgs", "-o", "m.npz")
    assert reached(text, "R²") > 0.9999
    Path("new.csv").write_text("garden,age,area\nyes,10,100\n")
    head, price = run("predict", "m.npz", "--data", "new.csv").split()
    assert head == "price"
    assert float(price) == pytest.approx(2000 * 100 - 500 * 10 + 10000, rel=1e-3)


# fmt: off
LOSSES = [
    # program, loss, what the report says of the target
    ("p = sigmoid(x W + b)",       None,           "garden → y, 0 is no, 1 is yes"),
    ("p = sigmoid(x W + b)",       "bce",          "garden → y, 0 is no, 1 is yes"),
    ("z = x W + b",                "bce_logits",   "garden → y, 0 is no, 1 is yes"),
    ("z = x W + b",                "hinge",        "garden → y, -1 is no, 1 is yes"),
    ("z = x W + b",                None,           "garden → y, 2 classes (no, yes)"),
    ("p = softmax(x W + b)",       "cross_entropy", "garden → y, 2 classes (no, yes)"),
    ("z = x W + b",                "cross_entropy(z, y) + 0.0001 * sum(W^2)", "garden → y, 2 classes (no, yes)"),
    ("z = x W + b; L = cross_entropy(z, t)", None, "garden → t, 2 classes (no, yes)"),
    ("L = bce_logits(x W + b, t)", None,           "garden → t, 0 is no, 1 is yes"),
    ("p = x W + b; L = mse(p, t)", None,           "garden → t, 0 is no, 1 is yes"),
    ("p = x W + b; L = mse(p, t); p: 2", None,     "garden → t, 2 classes (no, yes)"),
    ("y = W x + b; b: 1x1",        "bce_logits",   "garden → t, 0 is no, 1 is yes"),
]
# fmt: on


@pytest.mark.parametrize(("program", "loss", "words"), LOSSES)
def test_labels_are_learned_with_any_loss(program, loss, words, houses):
    options = ["--data", "houses.csv", "--target", "garden", "--drop", "price", "--standardize", "--lr", "0.05", "--epochs", "60", "-o", "m.npz"]
    text = run("train", program, *(["--loss", loss] if loss else []), *options)
    assert words in text
    assert reached(text, "accuracy") >= 93
    Path("new.csv").write_text("area,age\n200,1\n51,50\n")
    assert run("predict", "m.npz", "--data", "new.csv").split() == ["garden", "yes", "no"]


def test_a_program_file_and_a_table_without_header(houses):
    rows = houses.read_text().splitlines()[1:]
    Path("plain.csv").write_text("\n".join(",".join(row.split(",")[:3]) for row in rows))
    Path("net.alg").write_text("h = tanh(x W0 + b0)\nz = h W1 + b1\nL = mse(z, t)\n")
    text = run("train", "net.alg", "--data", "plain.csv", "--target", "3", "--hidden", "8", "--standardize", "--epochs", "120", "--schedule", "cosine", "-o", "m.npz")
    assert "2 columns → x, standardized; 3 → t, standardized" in text
    assert reached(text, "R²") > 0.98
    Path("new.csv").write_text("100,10\n150,20\n")
    found = run("predict", "m.npz", "--data", "new.csv").split()
    assert [float(price) for price in found[1:]] == pytest.approx([205000, 300000], rel=0.05)


def test_an_npz_file_of_arrays(houses):
    rng = np.random.default_rng(0)
    images = rng.random((60, 4, 4))
    np.savez("d.npz", images=images, label=(images.sum(axis=(1, 2)) > 8).astype(int))
    text = run("train", "p = sigmoid(x W + b)", "--data", "d.npz", "--target", "label", "--standardize", "--epochs", "100", "-o", "m.npz")
    assert "16 columns → x" in text
    assert reached(text, "accuracy") > 85
    assert run("predict", "m.npz", "--data", "d.npz").split()[0] == "label"


def test_a_target_of_several_columns_in_one_array(houses):
    rng = np.random.default_rng(0)
    x = rng.random((90, 3))
    kinds = x.argmax(axis=1)
    np.savez("d.npz", x=x, y=np.c_[x.sum(axis=1), x[:, 0] - x[:, 1]], kind=np.eye(3)[kinds])
    text = run("train", "z = x W + b", "--data", "d.npz", "--target", "y", "--drop", "kind", "--optimizer", "lbfgs", "-o", "m.npz")
    assert "W 3×2" in text
    assert reached(text, "R²") > 0.999
    assert run("predict", "m.npz", "--data", "d.npz").split()[0] == "y[0],y[1]"
    text = run("train", "z = x W + b", "--data", "d.npz", "--target", "kind", "--drop", "y", "--loss", "cross_entropy", "--epochs", "200", "-o", "m.npz")
    assert "W 3×3" in text
    assert reached(text, "accuracy") > 85  # logits beside one-hot rows have no R²
    rows = list(csv.reader(run("predict", "m.npz", "--data", "d.npz").splitlines()))[1:]
    assert (np.array(rows, float).argmax(axis=1) == kinds).mean() > 0.9


def test_the_network_of_the_book_with_its_mask(houses):
    """Trask 2019, ch. 8: the mask is an input; λ is a number."""
    program = "layer_1 = relu(x W_1 + b_1) * dropout_mask * 2; layer_2 = layer_1 W_2 + b_2; error = sum((t - layer_2)^2) + λ * sum(W_2^2)"
    options = ["--data", "houses.csv", "--drop", "price", "--target", "garden", "--standardize", "--mask", "dropout_mask=0.5", "--set", "λ=0.01", "--hidden", "20"]
    text = run("train", program, *options, "-o", "m.npz")
    assert reached(text, "accuracy") > 85
    Path("new.csv").write_text("area,age\n200,1\n51,50\n")
    assert run("predict", "m.npz", "--data", "new.csv").split() == ["garden", "yes", "no"]
    assert "give them by name" in run("train", program, *options[:7], code=2)


def test_a_run_is_gone_on_with(houses):
    options = ["--data", "houses.csv", "--drop", "garden", "--target", "price", "--standardize", "--hidden", "6", "--schedule", "exponential:0.99"]
    whole = run("train", "z = tanh(x W0 + b0) W1 + b1", *options, "--epochs", "12", "-o", "whole.npz")
    run("train", "z = tanh(x W0 + b0) W1 + b1", *options, "--epochs", "5", "-o", "half.npz")
    later = run("train", "--data", "houses.csv", "--resume", "half.npz", "--epochs", "12")
    assert reached(later, "loss") == reached(whole, "loss")
    assert all((load("half.npz").params[name] == array).all() for name, array in load("whole.npz").params.items())


def test_early_stopping_has_rows_of_its_own(houses):
    text = run("train", "z = x W + b", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--standardize", "--lr", "1", "--epochs", "500", "--patience", "5")
    assert "(81 to learn from, 9 to stop by, 30 held out)" in text
    assert "stopped early, epoch" in text


def test_the_curve_is_drawn_on_a_terminal_and_listed_in_a_pipe(houses, monkeypatch):
    words = ["train", "z = x W + b", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--standardize", "--epochs", "5"]
    assert re.search(r"^epoch 5  loss [\d.]+ +held out [\d.]+$", run(*words), re.MULTILINE)
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = click.testing.CliRunner().invoke(main, words, color=True)
    assert "┤" in result.output
    assert "\x1b[34m" in result.output


# ---------------------------------------------------------------------------------------------------------- mistakes

# fmt: off
MISTAKES = [
    # words after train, what is said
    (["z = x W + b", "--data", "houses.csv", "--target", "price"],                   r"houses.csv, row 2, column garden: '(yes|no)' is no number; --one-hot garden makes a column of each of its texts, --drop garden leaves it out"),
    (["z = x W + b", "--data", "houses.csv", "--target", "prize"],                   r"houses.csv has no column prize; it has area, .*did you mean price\?"),
    (["z = x W + b", "--data", "houses.csv"],                                        r"which column is to be predicted\? --target NAME; houses.csv has area, age, price, garden"),
    (["z = x W + b", "--data", "none.csv"],                                          r"there is no file none.csv; or take one of sklearn:digits"),
    (["z = relu(x W) V", "--data", "houses.csv", "--target", "price", "--drop", "garden"], r"how wide is h1\? --hidden 100, or --shape h1=100"),
    (["z = relu(x W) V", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--hidden", "3,4"], r"--hidden 3,4: the program leaves 1 width open \(h1\)"),
    (["z = x W; x: n x 5", "--data", "houses.csv", "--target", "price", "--drop", "garden"], r"x is 5 wide in the program, the data have 2 columns for it \(area, age\); choose with --columns or --drop"),
    (["z = x W; z: 3", "--data", "houses.csv", "--target", "garden", "--drop", "price"], r"y is 3 wide in the program, the data have 2 classes for it"),
    (["z = x W", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--loss", "crossentropi"], r"there is no loss crossentropi; there are mse, .*did you mean cross_entropy\?"),
    (["L = mse(x W, t)", "--data", "houses.csv", "--target", "price", "--loss", "mse"], r"the program's output L is a loss already: leave --loss mse out"),
    (["z = x W", "--data", "houses.csv", "--target", "price", "--loss", "cross_entropy", "--drop", "garden"], r"column price has 120 different labels in 120 rows; for numbers take --loss mse"),
    (["z = x W", "--data", "houses.csv", "--target", "price", "--drop", "garden", "-o", "m.pt"], r"a model is an .npz file: -o m.npz"),
    (["z = x W", "--data", "houses.csv", "--target", "price", "--drop", "garden", "-o", "no/m.npz"], r"there is no directory no to write m.npz into"),
    (["z = x W", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--plot", "c.gif"], r"a curve is drawn as .svg or .png: --plot c.svg"),
    (["z = x W +", "--data", "houses.csv", "--target", "price", "--drop", "garden"], r"line 1, column 1\d: "),
    (["z = x W + b", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--optimizer", "adm"], r"there is no optimizer 'adm'; .*did you mean adam\?"),
    (["z = x W + b", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--optimizer", "sgd"], r"inf first appears in \(z - y\)\^2 .*--standardize, a smaller --lr"),
    (["z = x W", "--data", "houses.csv", "--target", "price", "--columns", "area,price"], r"price is to be predicted: leave it out of --columns"),
    (["z = x W", "--data", "houses.csv", "--target", "price", "--drop", "gardne"],   r"houses.csv has no column gardne; .*did you mean garden\?"),
    (["z = x W", "--data", "houses.csv", "--target", "price", "--columns", "area", "--held-out", "0.999"], r"120 rows are too few"),
    (["z = x", "W", "--data", "houses.csv"],                                         r"the program came in 2 pieces; put it in quotes"),
    (["--data", "houses.csv"],                                                       r"which network\? algebra2net train"),
    (["z = x W; x: 2x1", "--data", "houses.csv", "--target", "price", "--drop", "garden"], r"the program says how many samples there are: x is 2×1; leave that open, with the line `x: n x 2`"),
]
# fmt: on


def test_a_number_that_is_none_makes_no_column_of_labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "houses.csv").write_text("size,price\n50,150\n80,290\n120,n/a\n60,190\n")
    text = run("train", "z = x W + b", "--data", "houses.csv", "--target", "price", "--loss", "mse", code=2)
    assert "houses.csv, row 4, column price: 'n/a' is no number" in text


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_said_with_what_to_type(words, said, houses):
    text = run("train", *words, code=2)
    assert re.search(said, text, re.DOTALL), text
    assert "Traceback" not in text


def test_a_loss_that_bursts_leaves_a_model_of_the_last_good_parameters(houses):
    options = ["--data", "houses.csv", "--target", "price", "--drop", "garden", "--optimizer", "sgd", "-o", "m.npz"]
    text = run("train", "z = x W + b", *options, code=2)
    assert "m.npz holds the last parameters whose loss was finite" in text
    assert all(np.isfinite(array).all() for array in load("m.npz").params.values())
    assert run("predict", "m.npz", "--data", "houses.csv").startswith("price\n")


def test_a_column_of_texts_becomes_a_column_for_each(houses):
    text = run("train", "z = x W + b", "--data", "houses.csv", "--target", "price", "--one-hot", "garden", "--standardize", "--optimizer", "lbfgs", "-o", "m.npz")
    assert "4 columns → x" in text
    assert load("m.npz").params["W"].shape == (4, 1)
    Path("new.csv").write_text("area,age,garden\n100,10,yes\n")
    assert float(run("predict", "m.npz", "--data", "new.csv").split()[1]) == pytest.approx(205000, rel=1e-2)
    Path("new.csv").write_text("area,age,garden\n100,10,maybe\n")
    assert "new.csv, row 2, column garden: 'maybe' is none of no, yes" in run("predict", "m.npz", "--data", "new.csv", code=2)


def test_all_rows_can_be_learned_from(houses):
    text = run("train", "z = x W + b", "--data", "houses.csv", "--target", "price,age", "--columns", "area", "--standardize", "--held-out", "0", "--epochs", "3")
    assert "120 rows (120 to learn from, 0 held out)" in text
    assert "price, age → y, standardized" in text
    assert not re.search("^held out", text, re.MULTILINE)


def test_what_predict_cannot_do_is_said(houses):
    run("train", "z = x W + b", "--data", "houses.csv", "--target", "price", "--drop", "garden", "--standardize", "--epochs", "1", "-o", "m.npz")
    Path("new.csv").write_text("area\n100\n")
    assert "new.csv has no column age; the model takes 2: area, age" in run("predict", "m.npz", "--data", "new.csv", code=2)
    Path("new.csv").write_text("area,age\n100,old\n")
    assert "new.csv, row 2, column age: 'old' is no number" in run("predict", "m.npz", "--data", "new.csv", code=2)
    assert "this model predicts numbers" in run("predict", "m.npz", "--data", "houses.csv", "--probabilities", code=2)
    np.savez("other.npz", a=np.ones(2))
    assert "other.npz is no model that algebra2net has written" in run("predict", "other.npz", "--data", "new.csv", code=2)
