"""A net as one file: it needs NumPy alone, is exact, trains, and runs on a CSV."""

from __future__ import annotations

import csv
import io
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from algebra2net import ShapeError, compile
from algebra2net.cli import main

LOSS = "l2 = relu(l0 W0 + b0) W1 + b1; L = cross_entropy(l2, y)"
LINE = "L = mse(x W + b, y)"
ALONE = """\
import runpy, sys
class NumpyAlone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "numpy"}:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)
sys.meta_path.insert(0, NumpyAlone())
sys.path.append(sys.argv.pop(1))
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def alone(*arguments: Any, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """A file run where there is nothing but Python's own library and NumPy."""
    boot = cwd / "alone.py"
    boot.write_text(ALONE)
    command = [sys.executable, "-I", "-S", str(boot), str(Path(np.__file__).parents[1]), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", env={**os.environ, "PYTHONIOENCODING": "utf-8"}, check=False, **options)


def loaded(text: str, tmp_path: Path) -> dict[str, Any]:
    """What an exported file defines."""
    file = tmp_path / "model.py"
    file.write_text(text, encoding="utf-8")
    return runpy.run_path(str(file))


def table(path: Path, header: list[str], rows: Any) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows] if header else rows)
    return path


def flowers(tmp_path: Path) -> Path:
    """Three kinds of made-up flowers, 40 of each, around three places."""
    rng = np.random.default_rng(0)
    rows = [[*np.round(rng.normal((k, 2 * k % 3, -k), 0.2), 4), "red green blue".split()[k]] for k in range(3) for _ in range(40)]
    return table(tmp_path / "flowers.csv", ["height", "width", "depth", "colour"], rows)


# ------------------------------------------------------------------------------------------------------- NumPy alone


def test_where_there_is_numpy_alone_nothing_else_is_found(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("import sympy")
    result = alone("model.py", cwd=tmp_path)
    assert result.returncode == 1
    assert "sympy is not installed here" in result.stderr


def test_it_trains_and_predicts_where_there_is_numpy_alone(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(compile(LOSS).export(optimizer="sgd"), encoding="utf-8")
    data = flowers(tmp_path)
    trained = alone("model.py", "--train", data, "--target", "colour", "--size", "l1=8", "--epochs", 30, cwd=tmp_path)
    assert (trained.returncode, trained.stdout) == (0, "the weights are in weights.npz\n"), trained.stderr
    assert "epoch 30 of 30: loss 0.2" in trained.stderr
    found = alone("model.py", data, "--weights", "weights.npz", "--probabilities", cwd=tmp_path)
    header, *rows = csv.reader(io.StringIO(found.stdout))
    assert header == ["colour", "blue", "green", "red"]
    with data.open() as file:
        colours = [row["colour"] for row in csv.DictReader(file)]
    assert [row[0] for row in rows] == colours
    np.testing.assert_allclose(np.array([row[1:] for row in rows], dtype=float).sum(axis=1), 1)


def test_help_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(compile(LOSS).export(), encoding="utf-8")
    result = alone("model.py", "--help", cwd=tmp_path)
    assert result.returncode == 0
    for part in ("usage: model.py", "L, its gradients by W0, b0, W1, b1 and its training, in NumPy alone.", "l2 = relu(l0 W0 + b0) W1 + b1", "--train data.csv --target COLUMN"):
        assert part in result.stdout


# ------------------------------------------------------------------------------------------------------------- exact


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("rows", [2, 9])
def test_weights_inside_are_exact(dtype: str, rows: int, tmp_path: Path) -> None:
    """Small ones are written as numbers, large ones as bytes."""
    W = np.random.default_rng(0).normal(size=(rows, 3)).astype(dtype)
    W[0] = [-0.0, np.finfo(dtype).tiny / 2, np.finfo(dtype).max]
    text = compile("y = x W").export({"W": W})
    assert ("unpacked(" in text) == (rows == 9)
    found = loaded(text, tmp_path)["WEIGHTS"]["W"]
    assert (found.dtype, found.tobytes()) == (W.dtype, W.tobytes())


def test_infinite_weights_are_exact_too(tmp_path: Path) -> None:
    W = np.array([[np.nan, -np.inf, 1.0]])
    np.testing.assert_array_equal(loaded(compile("y = x W").export({"W": W}), tmp_path)["WEIGHTS"]["W"], W)


# fmt: off
SAME = [
    "l2 = relu(l0 W0 + b0) W1; L = mse(l2, y)",
    "L = cross_entropy(dropout(tanh(x W + b), 0.3) V, y) + λ sum(V^2)",
    "Z = W X + b; L = bce_logits(Z, Y)",
    "l = sum((x W_{h,t} - lambda_1)^2) where lambda_1: n x 2",
    "p = softmax([x, s] W + b)",
    "swish(x) = x * sigmoid(x); y = swish(x W) V",
]
# fmt: on


@pytest.mark.parametrize("optimized", [False, True])
@pytest.mark.parametrize("algebra", SAME)
def test_values_and_gradients_are_those_of_the_net(algebra: str, optimized: bool, tmp_path: Path) -> None:
    net = compile(algebra)
    rng = np.random.default_rng(0)
    sizes = {size: k + 2 for k, size in enumerate(sorted({size for shape in net.shapes.values() for size in shape if isinstance(size, str) and "+" not in size}))}
    arrays = {name: rng.uniform(0.2, 1, [sum(sizes[s] for s in size.split("+")) if isinstance(size, str) else size for size in net.shapes[name]]) for name in net.inputs}
    made = loaded(net.export(optimized=optimized), tmp_path)
    given = [arrays[name] for name in made["INPUTS"]]
    delta = {} if np.ndim(net(**arrays)) == 0 else {"delta": rng.normal(size=np.shape(net(**arrays)))}
    value, grads = made["value_and_grad"](*given, *delta.values())
    wanted, expected = net.value_and_grad(**arrays, **delta)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    assert set(grads) == set(expected) - set(made["MASKS"])
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, expected[name], rtol=1e-12)


def test_what_predicts_needs_neither_target_nor_masks(tmp_path: Path) -> None:
    made = loaded(compile(SAME[1]).export(), tmp_path)
    assert made["PREDICTS_FROM"] == ("x", "W", "b", "V")
    x, W, b, V = (np.random.default_rng(k).normal(size=shape) for k, shape in enumerate([(5, 3), (3, 4), (1, 4), (4, 2)]))
    z = np.exp(np.tanh(x @ W + b) @ V)
    np.testing.assert_allclose(made["predict"](x, W, b, V)[made["PREDICTION"]], z / z.sum(axis=1, keepdims=True), rtol=1e-12)


def test_special_functions_are_said_to_need_scipy(tmp_path: Path) -> None:
    text = compile("L = sum(lgamma(x W))").export()
    assert text.startswith('"""L, its gradients by W and its training, in NumPy and SciPy (scipy.special has digamma, gammaln')
    assert "\nimport numpy as np\nfrom scipy.special import digamma, gammaln" in text


# ---------------------------------------------------------------------------------------------------------- training


def test_weights_begin_as_those_of_the_net(tmp_path: Path) -> None:
    net = compile("L = cross_entropy(selu(relu(x W0 + b0) W1) W2, y)")
    sizes = {"x": 3, "W1": (5, 6), "y": 2}
    made = loaded(net.export(), tmp_path)
    found = made["initial"](made["sizes_of"](dict(zip(["x", "W1", "y"], [np.ones((7, 3)), np.ones((5, 6)), np.ones((7, 2))], strict=True))), 4)
    for name, array in net.init(seed=4, sizes=sizes).items():
        np.testing.assert_array_equal(found[name], array)


def test_one_step_of_sgd_is_that_of_the_paper(tmp_path: Path) -> None:
    made = loaded(compile(LINE).export(optimizer="sgd"), tmp_path)
    found = made["step"]({"W": np.array([[1.0]]), "b": np.array([[2.0]])}, {"W": np.array([[10.0]]), "b": 1.0}, {}, 0.1)
    assert {name: array.item() for name, array in found.items()} == {"W": 0.0, "b": 1.9}


def test_two_steps_of_adam_are_those_of_the_paper(tmp_path: Path) -> None:
    """By hand: m = 0.1 g, v = 0.001 g²; after their corrections the first step is lr long."""
    made, state = loaded(compile(LINE).export(), tmp_path), {}
    one = made["step"]({"W": np.array([[1.0]])}, {"W": np.array([[4.0]])}, state, 0.5)
    assert one["W"].item() == pytest.approx(0.5, abs=1e-8)
    two = made["step"](one, {"W": np.array([[-2.0]])}, state, 0.5)
    m, v = (0.9 * 0.4 - 0.1 * 2) / (1 - 0.81), (0.999 * 0.016 + 0.001 * 4) / (1 - 0.999**2)
    assert two["W"].item() == pytest.approx(one["W"].item() - 0.5 * m / (v**0.5 + 1e-8), rel=1e-12)


def test_training_finds_a_line(tmp_path: Path) -> None:
    made = loaded(compile(LINE).export(optimizer="sgd"), tmp_path)
    x = np.linspace(-1, 1, 64).reshape(-1, 1)
    weights, losses = made["train"]({"x": x, "y": 3 * x + 2}, {"W": np.zeros((1, 1)), "b": np.zeros((1, 1))}, epochs=60, lr=0.2)
    assert weights["W"].item() == pytest.approx(3, abs=1e-4)
    assert weights["b"].item() == pytest.approx(2, abs=1e-4)
    assert losses[-1] < losses[0] / 1000


# ------------------------------------------------------------------------------------------------- the program on a CSV


def run(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    """Exit status, output and errors of an exported file."""
    capsys.readouterr()
    status = loaded(text, tmp_path)["main"]([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_numbers_are_predicted_in_the_units_of_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1000, (200, 2))
    price, rooms = 3 * x[:, 0] - 5 * x[:, 1] + 7000, x[:, 0] / 100
    data = table(tmp_path / "homes.csv", ["area", "price", "age", "rooms"], zip(x[:, 0], price, x[:, 1], rooms, strict=True))
    text, weights = compile(LINE).export(optimizer="sgd"), tmp_path / "w.npz"
    trained = run(text, tmp_path, capsys, "--train", data, "--target", "price,rooms", "--standardize", "--epochs", 60, "-o", weights)
    assert trained[0] == 0, trained[2]
    new = table(tmp_path / "new.csv", ["age", "area"], [[100, 10]])  # in another order
    status, shown, _ = run(text, tmp_path, capsys, new, "--weights", weights)
    assert status == 0
    header, row = csv.reader(io.StringIO(shown))
    assert header == ["price", "rooms"]
    np.testing.assert_allclose(np.array(row, dtype=float), [3 * 10 - 5 * 100 + 7000, 0.1], rtol=0.02)
    packed = compile(LINE)
    with CliRunner().isolation():
        result = CliRunner().invoke(main, ["export", LINE, "--weights", str(weights), "-o", str(tmp_path / "packed.py")])
    assert result.exit_code == 0, result.stderr
    assert packed.inputs == ("x", "W", "b", "y")
    assert run((tmp_path / "packed.py").read_text(encoding="utf-8"), tmp_path, capsys, new) == (0, shown, "")


@pytest.mark.parametrize(
    "algebra", ["L = bce_logits(x W + b, y)", "L = hinge(x W + b, y)", "p = softmax(x W + b); L = -mean(sum(y * log(p), axis=1))", "Z = W x + b; L = bce_logits(Z, y)"]
)
def test_two_classes_are_told_apart_whatever_the_loss(algebra: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = table(tmp_path / "two.csv", ["a", "b", "kind"], [[k % 5 - 8 * (k % 2), k % 3, ["no", "yes"][k % 2]] for k in range(30)])
    text, weights = compile(algebra).export(optimizer="sgd"), tmp_path / "w.npz"
    trained = run(text, tmp_path, capsys, "--train", data, "--target", "kind", "--epochs", 60, "-o", weights)
    assert trained[0] == 0, trained[2]
    assert run(text, tmp_path, capsys, data, "--weights", weights) == (0, "kind\n" + "no\nyes\n" * 15, "")


def test_an_autoencoder_needs_no_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = table(tmp_path / "line.csv", ["a", "b"], [[k / 10, k / 5] for k in range(-10, 10)])
    text, weights = compile("r = x W V; L = mse(r, x)").export(optimizer="sgd"), tmp_path / "w.npz"
    trained = run(text, tmp_path, capsys, "--train", data, "--size", "n2=1", "--epochs", 200, "--lr", 0.1, "-o", weights)
    assert trained[0] == 0, trained[2]
    _, shown, _ = run(text, tmp_path, capsys, data, "--weights", weights)
    np.testing.assert_allclose(np.array([*csv.reader(io.StringIO(shown))][1:], dtype=float)[0], [-1, -2], atol=0.02)


def test_inputs_of_several_layers_and_numbers_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = table(tmp_path / "t.csv", ["a", "b", "c", "y"], [[k, k % 3, k % 2, k] for k in range(12)])
    text = compile("L = mse(x W + s V, y) + λ sum(W^2)").export()
    asked = ("--train", data, "--columns", "x=a,b", "--columns", "s=c", "-o", tmp_path / "w.npz", "--epochs", 2)
    status, _, said = run(text, tmp_path, capsys, *asked)
    assert (status, said) == (2, f"{Path(sys.argv[0]).name}: nothing says what lambda is: --set lambda=0.1\n")
    assert run(text, tmp_path, capsys, *asked, "--set", "lambda=0.1")[0] == 0
    assert run(text, tmp_path, capsys, data, "--weights", tmp_path / "w.npz")[0] == 0


def test_a_table_may_have_no_header_and_other_signs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("\ufeff1;2\r\n\r\n3;4\r\n", encoding="utf-8")
    assert run(compile("y = x W").export({"W": [[10.0], [1.0]]}), tmp_path, capsys, tmp_path / "t.csv") == (0, "y\n12.0\n34.0\n", "")


# fmt: off
WRONG = [
    # the table                         what is typed                                   what is said
    ("a,b,y\n1,2,3\n4,five,6\n",        ("--train",),                                   "t.csv, line 3, column b: 'five' is no number"),
    ("a,b,y\n1,2,3\n4,,6\n",            ("--train",),                                   "t.csv, line 3, column b: '' is no number"),
    ("a,b,y\n1,2,3\n4,nan,6\n",         ("--train",),                                   "t.csv, line 3, column b: 'nan' is no number"),
    ("a,b,y\n1,2,3\n4,5\n",             ("--train",),                                   "t.csv, line 3: 2 cells in place of 3"),
    ("a,b,c\n1,2,3\n",                  ("--train",),                                   "which column is the target? say --target COLUMN, one of a, b, c"),
    ("a,b,c\n1,2,3\n",                  ("--train", "--target", "d"),                   "t.csv has no column d; it has a, b, c"),
    ("",                                ("--train",),                                   "t.csv is empty"),
    ("a,b,y\n1,2,3\n",                  (),                                             "no weights: W, b; give --weights FILE.npz, or train first"),
    ("a,b,y\n1,2,3\n",                  ("--weights", "no.npz"),                        "no.npz: No such file or directory"),
    ("a,b,y\n1,2,3\n",                  ("--train", "--columns", "q=a"),                "--columns q=a: write NAME=VALUE with NAME among x"),
    ("a,b,y\n1,2,3\n",                  ("--train", "--size", "n1=many"),               "--size n1=many: write NAME=VALUE"),
    ("a,b,y\n1,2,3\n",                  ("--train", "--lr", "0"),                       "--lr above 0"),
    ("a,b,y\n1e200,2,3\n",              ("--train",),                                   "the loss is inf in epoch 1: a smaller --lr, or --standardize"),
]
# fmt: on


@pytest.mark.parametrize(("rows", "typed", "said"), WRONG)
def test_what_cannot_be_done_is_said_in_one_line(rows: str, typed: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text(rows)
    status, shown, errors = run(compile(LINE).export(), tmp_path, capsys, tmp_path / "t.csv", *typed)
    assert (status, shown) == (2, "")
    assert said in errors
    assert errors.count("\n") == 1


def test_a_target_that_the_table_lacks_is_named_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, said = run(compile(LOSS).export(), tmp_path, capsys, "--train", flowers(tmp_path), "--target", "color")
    assert status == 2
    assert "flowers.csv has no column color; it has height, width, depth, colour" in said


def test_a_label_that_the_weights_do_not_know_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = compile("L = cross_entropy(x W, y)").export({"W": np.eye(2)}, classes=["no", "yes"], columns={"x": ["a", "b"]})
    data = table(tmp_path / "t.csv", ["a", "b", "y"], [[3, 1, "no"], [1, 2, "maybe"]])
    assert run(text, tmp_path, capsys, data)[1] == "y\nno\nyes\n"
    status, _, said = run(text, tmp_path, capsys, "--train", data)
    assert status == 2
    assert "the target holds 'maybe'; the weights know no, yes" in said


# -------------------------------------------------------------------------------------------------- export, the command


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    algebra = tmp_path / "net.alg"
    algebra.write_text("l2 = relu(l0 W0) W1", encoding="utf-8")
    np.savez(tmp_path / "w.npz", W0=np.ones((3, 4)), W1=np.ones((4, 1)))
    result = CliRunner().invoke(main, ["export", str(algebra), "--loss", "mse(l2, y)", "--weights", str(tmp_path / "w.npz"), "-o", str(tmp_path / "model.py")])
    assert (result.exit_code, result.output) == (0, "")
    wanted = compile("l2 = relu(l0 W0) W1", loss="mse(l2, y)").export({"W0": np.ones((3, 4)), "W1": np.ones((4, 1))})
    assert (tmp_path / "model.py").read_text(encoding="utf-8") == wanted


def test_what_training_has_written_is_exported_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, model = flowers(tmp_path), tmp_path / "model.npz"
    trained = CliRunner().invoke(main, ["train", LOSS, "--data", str(data), "--target", "colour", "--hidden", "8", "--standardize", "--epochs", "30", "-o", str(model)])
    assert trained.exit_code == 0, trained.output
    predicted = CliRunner().invoke(main, ["predict", str(model), "--data", str(data)])
    exported = CliRunner().invoke(main, ["export", str(model)])
    status, shown, _ = run(exported.stdout, tmp_path, capsys, data)
    assert status == 0
    assert shown == predicted.stdout
    assert shown.split("\n")[:41] == ["colour"] + ["red"] * 40


def test_columns_of_texts_are_exported_with_what_they_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, model, new = tmp_path / "houses.csv", tmp_path / "houses.npz", tmp_path / "new.csv"
    towns = ["Bonn", "Köln", "Ulm"]
    data.write_text("area,town,price\n" + "".join(f"{50 + k},{towns[k % 3]},{100 + 2 * k + 30 * (k % 3)}\n" for k in range(60)), encoding="utf-8")
    words = ["train", "y = x W + b", "--data", str(data), "--target", "price", "--one-hot", "town", "--standardize", "--optimizer", "lbfgs", "-o", str(model)]
    assert CliRunner().invoke(main, words).exit_code == 0
    predicted = CliRunner().invoke(main, ["predict", str(model), "--data", str(data)]).stdout
    assert abs(float(predicted.split()[1]) - 100) < 1e-3
    text = CliRunner().invoke(main, ["export", str(model)]).stdout
    assert run(text, tmp_path, capsys, data)[:2] == (0, predicted)
    new.write_text("51,Rom\n", encoding="utf-8")
    status, _, said = run(text, tmp_path, capsys, new)
    assert status == 2
    assert f"{new}, line 1, column 2: 'Rom' is none of Bonn, Köln, Ulm\n" in said


# fmt: off
REFUSED = [
    # what is typed                                                 what is said
    (("no.npz",),                                                   "no.npz"),
    (("y = x W", "--weights", "no.npz"),                            "no.npz"),
    (("y = x W", "--optimizer", "lion"),                            "'lion' is not one of"),
    (("y = rleu(x W)",),                                            "there is no function rleu"),
    (("y = x W", "--prediction", "q"),                              "output: there is no q; there are y"),
]
# fmt: on


@pytest.mark.parametrize(("typed", "said"), REFUSED)
def test_the_command_refuses_with_status_2(typed: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(main, ["export", *typed])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert "should not have happened" not in result.stderr


def test_weights_that_do_not_fit_are_refused() -> None:
    net = compile("l2 = relu(l0 W0) W1", shapes={"l0": 3})
    with pytest.raises(ValueError, match="params lacks W1"):
        net.export({"W0": np.ones((3, 4))})
    with pytest.raises(ShapeError, match=r"W0 has shape \(2, 4\), expected 3×n1"):
        net.export({"W0": np.ones((2, 4)), "W1": np.ones((4, 1))})
    with pytest.raises(ShapeError, match=r"W1 has shape \(5, 1\), expected n1=4×n2"):
        net.export({"W0": np.ones((3, 4)), "W1": np.ones((5, 1))})
    with pytest.raises(ValueError, match="optimizer cannot be 'lion'"):
        net.export(optimizer="lion")


def test_the_text_is_the_same_every_time_and_ruff_finds_nothing(tmp_path: Path) -> None:
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent))
    for k, algebra in enumerate([*SAME, LOSS, LINE, "L = det(A) x", "y = lgamma(x W)"]):
        text = compile(algebra).export()
        assert text == compile(algebra).export()
        (tmp_path / f"model{k}.py").write_text(text, encoding="utf-8")
    if ruff is None:
        pytest.skip("ruff is not installed")
    result = subprocess.run(
        [ruff, "check", "--isolated", "--target-version", "py311", "--select", "F,I,W,E4,E9,UP,B,C4,PIE", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
