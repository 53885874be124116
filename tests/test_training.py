"""Training: what it begins with, what it learns, how it is interrupted, written down and gone on with."""

from __future__ import annotations

import itertools
import pickle
import re
from functools import cache

import numpy as np
import pytest

from algebra2net import Net, ShapeError, compile
from algebra2net.run import shape_text
from algebra2net.training import Adam, Cosine, NonFiniteError, load
from algebra2net.training.fit import evaluate
from algebra2net.training.init import starts_of
from algebra2net.training.prediction import prediction_of
from algebra2net.training.roles import layer_and_target, roles_of, settled

TWO_LAYERS = "L = cross_entropy(relu(l0 W0 + b0) W1 + b1, y)"


@cache
def two_layers() -> Net:
    return compile(TWO_LAYERS, shapes={"l0": 5, "l1": 7})


def data(rows: int = 90, seed: int = 0):
    """Three classes in five dimensions, round three centres."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, rows)
    return rng.normal(size=(rows, 5)) + 3 * np.eye(3, 5)[labels], np.eye(3)[labels]


# ---------------------------------------------------------------------------------------------------------- beginning

# fmt: off
STARTS = [
    # program, options, how its parameters begin
    ("l2 = relu(l0 W0 + b0) W1 + b1", {},            "W0 he, b0 zeros, W1 glorot, b1 zeros"),
    ("l2 = tanh(l0 W0) W1", {},                      "W0 glorot, W1 glorot"),
    ("p = softmax(gelu(X W1 + b1) W2 + b2)", {},     "W1 he, b1 zeros, W2 glorot, b2 zeros"),
    ("y = selu(x W1) W2", {},                        "W1 lecun, W2 glorot"),
    ("y = elu(x W1 / sqrt(2)) W2", {},               "W1 he, W2 glorot"),
    ("y = max(0, x W1) W2", {},                      "W1 he, W2 glorot"),
    ("swish(x) = x * sigmoid(x); y = swish(x W1) W2", {}, "W1 he, W2 glorot"),
    ("y = W2 relu(W1 x + b1) + b2", {},              "W2 glorot, W1 he, b1 zeros, b2 zeros"),
    ("h = layernorm(x W, gamma, beta); y = h V", {}, "W glorot, gamma ones, beta zeros, V glorot"),
    ("h = rmsnorm(x, G) W", {},                      "G ones, W glorot"),
    ("L = mse(relu(x W) V, y) + 0.1 * sum(W^2)", {}, "W he, V glorot"),
    ("L = 0.1 * sum(W'^2) + mse(relu(x W) V, y)", {}, "W he, V glorot"),
    ("y = x W' + b", {},                             "W glorot, b zeros"),
    ("h = σ(x W + b); r = h W' + c; L = mse(r, x)", {"wrt": ["W", "b", "c"], "shapes": {"c": (1, "n")}}, "W glorot, b zeros, c zeros"),
    ("L = mse(U V', R)", {"wrt": ["U", "V"]},        "U glorot, V glorot"),
    ("y = relu(x (W + B A))", {},                    "W he, B glorot, A glorot"),
    ("y = relu((x ∘ G) W)", {},                      "G ones, W he"),
    ("L = mean(log(P / q)^2)", {"wrt": ["P"]},         "P ones"),
    ("L = mean(x / V) + sum(log(2 V))", {"wrt": ["V"]}, "V ones"),
    ("L = logdet(A) + sum((x inv(A)) * x)", {"shapes": {"A": (3, 3)}}, "A identity"),
    ("layer_2 = relu(layer_0.dot(weights_0_1)).dot(weights_1_2)", {}, "weights_0_1 he, weights_1_2 glorot"),
]
# fmt: on


@pytest.mark.parametrize(("program", "options", "starts"), STARTS)
def test_parameters_begin_as_the_activation_that_follows_asks(program, options, starts):
    found = starts_of(compile(program, **options))
    assert ", ".join(f"{name} {start.kind}" for name, start in found.items()) == starts


# fmt: off
SPREADS = [
    ("y = relu(x W)",           (400, 300), np.sqrt(2 / 400)),          # He: fan_in is the rows that x W sums over
    ("y = relu(W x)",           (300, 400), np.sqrt(2 / 400)),
    ("y = leaky_relu(x W, 0.5)", (400, 300), np.sqrt(2 / (1.25 * 400))), # He et al. 2015, eq. 15
    ("y = selu(x W)",           (400, 300), np.sqrt(1 / 400)),
    ("y = tanh(x W)",           (400, 300), np.sqrt(2 / 700)),          # of a uniform ±r: r / √3, r = √(6 / 700)
]
# fmt: on


@pytest.mark.parametrize(("program", "shape", "spread"), SPREADS)
def test_the_spread_of_weights_is_that_of_the_papers(program, shape, spread):
    W = compile(program, shapes={"W": shape}).init(seed=3)["W"]
    assert abs(W.mean()) < 4 * spread / np.sqrt(W.size)
    assert W.std() == pytest.approx(spread, rel=0.01)
    if "tanh" in program:
        assert np.abs(W).max() <= np.sqrt(6 / 700)


def test_a_signal_keeps_its_size_through_twenty_layers_of_relu():
    layers = "; ".join(f"l{k + 1} = relu(l{k} W{k})" for k in range(20))
    net = compile(layers, shapes={f"W{k}": (200, 200) for k in range(20)})
    out = net(l0=np.random.default_rng(0).normal(size=(50, 200)), **net.init(seed=1))
    assert 0.1 < np.square(out).mean() < 10


def test_the_seed_decides_and_the_type_is_chosen():
    net = two_layers()
    sizes = {"y": 3}
    first, again, other = (net.init(seed=seed, sizes=sizes)["W0"] for seed in (0, 0, 1))
    assert (first == again).all()
    assert not (first == other).any()
    assert net.init(dtype=np.float32, sizes=sizes)["W1"].dtype == np.float32


def test_sizes_are_given_by_dimension_or_by_layer():
    net = compile("l2 = relu(l0 W0) W1")
    assert net.shapes["W0"] == ("n1", "n2")
    for sizes in ({"n1": 2, "n2": 3, "n3": 4}, {"l0": 2, "l1": 3, "l2": 4}, {"l0": (9, 2), "W1": (3, 4)}):
        assert {name: array.shape for name, array in net.init(sizes=sizes).items()} == {"W0": (2, 3), "W1": (3, 4)}


# fmt: off
OPEN = [
    (lambda: compile("l2 = relu(l0 W0) W1", shapes={"l0": 3}).init(), ShapeError, r"the width of l1 is not known: W0 is 3×n\d\s+give it: compile\(…, shapes=\{'l1': 100\}\)"),
    (lambda: compile("l2 = relu(l0 W0) W1").init(sizes={"l9": 3}),  ShapeError, "there is no l9 in the program"),
    (lambda: compile("l2 = l0 W0", shapes={"l0": 3}).init(sizes={"l0": 4}), ShapeError, "l0 cannot be 4, its shape is n0×3"),
    (lambda: compile("z = x w").init(),                             ValueError, r"nothing among x, w looks like a parameter .* compile\(…, wrt=\['w'\]\)"),
]
# fmt: on


@pytest.mark.parametrize(("call", "kind", "words"), OPEN)
def test_a_shape_that_is_missing_is_named(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert re.search(words, str(caught.value)), str(caught.value)


# -------------------------------------------------------------------------------------------------- roles and predictions

# fmt: off
ROLES = [
    # program, options, batch dimension's axes, input layer and target, what is predicted
    (TWO_LAYERS, {},                                               {"l0": 0, "y": 0}, ("l0", "y"), "relu(l0 W0 + b0) W1 + b1", "logits"),
    ("p = softmax(x W); L = nll(log(p), y)", {},                   {"x": 0, "y": 0}, ("x", "y"), "x W", "logits"),
    ("p = sigmoid(x W + b); L = bce(p, y)", {},                    {"x": 0, "y": 0}, ("x", "y"), "sigmoid(x W + b)", "probabilities"),
    ("z = x W + b; L = bce_logits(z, y)", {},                      {"x": 0, "y": 0}, ("x", "y"), "x W + b", "logits"),
    ("L = mse(t, x W + b) + λ * sum(W^2)", {},                     {"t": 0, "x": 0}, ("x", "t"), "x W + b", "numbers"),
    ("y = W x + b; L = mse(y, t); b: 3x1", {},                     {"x": 1, "t": 1}, ("x", "t"), "W x + b", "numbers"),
    ("r = sigmoid(x W + b) V; L = mse(r, x)", {},                  {"x": 0}, ("x", None), "sigmoid(x W + b) V", "numbers"),
    ("h = dropout(relu(x W1), 0.5); L = mse(h W2, y)", {},         {"x": 0, "y": 0, "h_mask": 0}, None, None, None),
    ("H = relu(A X W); L = cross_entropy(H V, Y)", {"wrt": ["W", "V"], "shapes": {"A": ("n", "n")}}, {}, None, None, None),
]
# fmt: on


@pytest.mark.parametrize(("program", "options", "axes", "ends", "predicted", "says"), ROLES)
def test_inputs_are_told_apart_by_their_shapes(program, options, axes, ends, predicted, says):
    net = compile(program, **options)
    roles = roles_of(net)
    assert {name: axis for name, axis in roles.axes.items() if not name.endswith("mask")} == {name: axis for name, axis in axes.items() if not name.endswith("mask")}
    if ends is not None:
        assert layer_and_target(net, roles) == ends
        found = prediction_of(net, roles, *ends)
        assert found.says == says
        assert str(found.program).split(" = ", 1)[1] == predicted


def test_the_prediction_is_worth_what_the_algebra_says():
    net, rng = two_layers(), np.random.default_rng(0)
    params = {name: rng.normal(size=array.shape) for name, array in net.init(sizes={"y": 3}).items()}
    x = rng.normal(size=(4, 5))
    found = prediction_of(net, roles_of(net), "l0", "y")({"l0": x, **params})
    by_hand = np.maximum(x @ params["W0"] + params["b0"], 0) @ params["W1"] + params["b1"]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)


@pytest.mark.parametrize(("size", "worth"), [("n", 4), (3, 3), ("n+m", 9), ("n*m", 20), ("2*n+1", 9), ("(n+m)*2", 18), ("k", None), ("n+k", None)])
def test_dimensions_are_worked_out(size, worth):
    assert settled(size, {"n": 4, "m": 5}) == worth


# ----------------------------------------------------------------------------------------------------------- learning


def test_what_is_learned_is_the_line_that_the_data_lie_on():
    net = compile("L = mse(x W + b, y)")
    x = np.linspace(-1, 1, 60)
    for chosen, options in (
        ("sgd", {"lr": 0.2}),
        ("adam", {"lr": 0.1, "schedule": "cosine", "batch": 5}),
        ("lbfgs", {}),
        ("bfgs", {}),
        ("cg", {}),
        ("newton-cg", {}),
        ("tnc", {}),
        ("slsqp", {}),
    ):
        found = net.fit((x, 3 * x + 2), optimizer=chosen, epochs=60, **options).params
        assert found["W"].item() == pytest.approx(3, abs=1e-3), chosen
        assert found["b"].item() == pytest.approx(2, abs=1e-3), chosen


def test_one_epoch_of_sgd_by_hand():
    """y = x w, two samples a step in the order given: w ← w - lr · mean(2 (x w - y) x)."""
    net = compile("L = mse(x W, y)")
    x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 9.0])
    w = 0.5
    losses = []
    for rows in ([0, 1], [2]):
        error = x[rows] * w - y[rows]
        losses.append(np.mean(error**2) * len(rows) / 3)
        w -= 0.1 * np.mean(2 * error * x[rows])
    history = net.fit((x, y), {"W": [[0.5]]}, optimizer="sgd", lr=0.1, epochs=1, batch=2, shuffle=False)
    assert history.params["W"].item() == pytest.approx(w, rel=1e-14)
    assert history.loss == pytest.approx([sum(losses)], rel=1e-14)


def test_full_batches_of_weight_decay_and_clipping_are_those_of_torch():
    torch = pytest.importorskip("torch")
    x, y = data(20)
    net = two_layers()
    start = net.init(seed=4, sizes={"y": 3})
    history = net.fit((x, y), start, optimizer="adamw", weight_decay=0.1, clip=0.2, lr=0.05, epochs=8, batch=None, schedule="cosine")
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in start.items()}
    stepper = torch.optim.AdamW(theirs.values(), lr=0.05, weight_decay=0.1)
    waves = torch.optim.lr_scheduler.CosineAnnealingLR(stepper, 8)
    for expected in history.loss:
        z = torch.relu(torch.tensor(x) @ theirs["W0"] + theirs["b0"]) @ theirs["W1"] + theirs["b1"]
        loss = torch.nn.functional.cross_entropy(z, torch.tensor(y))
        assert loss.item() == pytest.approx(expected, rel=1e-6)
        stepper.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.values(), 0.2)
        stepper.step()
        waves.step()
    for name, tensor in theirs.items():
        np.testing.assert_allclose(history.params[name], tensor.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_nothing_that_is_given_changes():
    x, y = data()
    net = two_layers()
    start = net.init(sizes={"y": 3})
    before = [array.copy() for array in (x, y, *start.values())]
    history = net.fit({"l0": x, "y": y}, start, epochs=2, validation=0.2)
    assert all((a == b).all() for a, b in zip(before, (x, y, *start.values()), strict=True))
    assert not any(np.shares_memory(history.params[name], array) for name, array in start.items())


def test_the_seed_repeats_a_run_and_another_one_does_not():
    runs = [two_layers().fit(data(), epochs=2, seed=seed) for seed in (1, 1, 2)]
    assert runs[0].loss == runs[1].loss
    assert runs[0].loss != runs[2].loss


def test_vectors_columns_constants_and_frozen_parameters():
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(40, 3)), rng.normal(size=40)
    rows = compile("L = mse(x W + b, t) + λ * sum(W^2)").fit({"x": x, "t": t, "λ": 0.1}, optimizer="lbfgs", epochs=100)
    columns = compile("L = mse(W x + b, t) + λ * sum(W^2); b: 1x1").fit({"x": x.T, "t": t[None, :], "λ": 0.1}, optimizer="lbfgs", epochs=100)
    np.testing.assert_allclose(rows.params["W"].ravel(), columns.params["W"].ravel(), atol=1e-4)
    # ridge regression in closed form, b not penalised
    centred = x - x.mean(axis=0)
    exact = np.linalg.solve(centred.T @ centred / 40 + 0.1 * np.eye(3), centred.T @ (t - t.mean()) / 40)
    np.testing.assert_allclose(rows.params["W"].ravel(), exact, atol=1e-4)
    half = compile("L = mse(tanh(x W0) W1, t)", wrt=["W1"], shapes={"W0": (3, 4)})
    frozen = rng.normal(size=(3, 4))
    found = half.fit({"x": x, "t": t}, {"W0": frozen, "W1": np.zeros((4, 1))}, optimizer="lbfgs")
    assert (found.params["W0"] == frozen).all()
    exact = np.linalg.lstsq(np.tanh(x @ frozen), t, rcond=None)[0]
    np.testing.assert_allclose(found.params["W1"].ravel(), exact, atol=1e-4)


def test_pairs_of_rows_fit_a_network_of_columns():
    x, t = np.random.default_rng(0).normal(size=(30, 3)), np.ones((30, 2))
    net = compile("L = mse(W x + b, t); b: 2x1")
    assert net.fit((x, t), epochs=1).params["W"].shape == (2, 3)


def test_a_graph_is_trained_whole():
    rng = np.random.default_rng(0)
    net = compile("H = relu(A X W); L = cross_entropy(H V, y)", shapes={"A": ("n", "n"), "H": 4}, wrt=["W", "V"])
    given = {"A": np.eye(6), "X": rng.normal(size=(6, 3)), "y": np.eye(2)[[0, 1, 0, 1, 0, 1]]}
    history = net.fit(given, epochs=30, lr=0.1)
    assert history.state.step == 30
    assert history.loss[-1] < history.loss[0]


def test_float32_stays_float32_from_end_to_end():
    net = two_layers()
    history = net.fit(data(), net.init(dtype=np.float32, sizes={"y": 3}), epochs=2, checkpoint=None)
    assert {array.dtype for array in history.params.values()} == {np.dtype(np.float32)}


# ------------------------------------------------------------------------------------------------- dropout and other noise


def test_masks_of_dropout_are_drawn_from_the_seed_and_drop_nothing_when_judged(monkeypatch):
    net = compile("h = relu(x W1); L = mse(dropout(h, 0.3) W2, y)", shapes={"h": 50})
    x, y = np.random.default_rng(0).normal(size=(64, 4)), np.ones((64, 2))
    seen = []
    plain = Net.value_and_grad
    monkeypatch.setattr(Net, "value_and_grad", lambda self, **arrays: (seen.append(arrays["h_mask"]), plain(self, **arrays))[1])
    history = net.fit((x, y), epochs=2, batch=16, seed=5)
    assert [mask.shape for mask in seen] == [(16, 50)] * 8
    assert set(np.unique(seen)) == {0.0, 1.0}
    assert np.mean(seen) == pytest.approx(0.7, abs=0.03)
    assert not any((a == b).all() for a, b in itertools.pairwise(seen))
    again = net.fit((x, y), epochs=2, batch=16, seed=5)
    assert again.loss == history.loss
    params = history.params
    whole = np.mean((np.maximum(x @ params["W1"], 0) @ params["W2"] - y) ** 2)
    assert evaluate(net, (x, y), params) == pytest.approx(whole, rel=1e-12)


def test_noise_of_ones_own_is_drawn_at_each_step():
    net = compile("L = mse(x W + ε, y)", wrt=["W"], shapes={"ε": ("n", 1), "x": ("n", 2)})
    drawn = []

    def noise(rng, shape):
        drawn.append(shape)
        return 0.01 * rng.standard_normal(shape)

    history = net.fit({"x": np.eye(2), "y": np.ones((2, 1))}, epochs=200, lr=0.05, batch=2, noise={"ε": noise})
    assert drawn == [(2, 1)] * 200
    np.testing.assert_allclose(history.params["W"], 1, atol=0.05)


def test_a_mask_of_ones_own_is_drawn_like_that_of_dropout():
    """The book's network (Trask 2019, ch. 8): relu(l0 W0) * mask * 2 is dropout with p = 1/2."""
    x, y = np.random.default_rng(0).normal(size=(64, 4)), np.ones((64, 2))
    book = compile("h = relu(x W1) * mask * 2; L = mse(h W2, y)", shapes={"h": 50}, wrt=["W1", "W2"])
    ours = compile("h = relu(x W1); L = mse(dropout(h, 0.5) W2, y)", shapes={"h": 50})
    found = book.fit({"x": x, "y": y}, epochs=3, noise={"mask": 0.5}, validation=0.25)
    expected = ours.fit((x, y), epochs=3, validation=0.25)
    assert found.loss == pytest.approx(expected.loss, rel=1e-12)
    assert found.validation == pytest.approx(expected.validation, rel=1e-12)


# ------------------------------------------------------------------------------- watching, stopping, interrupting, resuming


def test_validation_is_the_loss_on_rows_that_are_not_learned_from():
    x, y = data(50)
    net = two_layers()
    history = net.fit((x, y), epochs=3, validation=(x[:10], y[:10]))
    assert history.validation[-1] == pytest.approx(evaluate(net, (x[:10], y[:10]), history.params), rel=1e-12)
    split = net.fit((x, y), epochs=1, validation=0.2, batch=1)
    assert split.state.step == 40


def test_patience_stops_early_and_gives_the_best():
    x, y = data(30)
    wrong = np.roll(data(30, seed=1)[1], 1, axis=1)  # the better the fit, the worse on these
    history = two_layers().fit((x, y), epochs=200, lr=0.01, validation=(x, wrong[:30]), patience=4)
    assert history.stopped == "patience"
    assert history.epochs == history.best_epoch + 4 < 200
    assert history.best_epoch == 1 + int(np.argmin(history.validation))
    assert evaluate(two_layers(), (x, wrong), history.params) == pytest.approx(min(history.validation), rel=1e-12)


def interrupt_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Ctrl-C in the middle of a step."""
    left = [steps]
    plain = Net.value_and_grad

    def counted(self, **arrays):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return plain(self, **arrays)

    monkeypatch.setattr(Net, "value_and_grad", counted)


def test_an_interrupt_gives_what_has_been_learned(monkeypatch):
    interrupt_after(monkeypatch, 7)
    history = two_layers().fit(data(), epochs=50)
    assert history.interrupted
    assert history.epochs == 2  # three steps each
    assert "interrupted" in history.summary()
    assert not (history.params["W0"] == history.state.params["W0"]).all()  # the seventh step is in it


def test_an_interrupt_of_a_minimiser_of_scipy_gives_what_has_been_learned(monkeypatch):
    interrupt_after(monkeypatch, 20)
    history = two_layers().fit(data(), optimizer="lbfgs", epochs=100)
    assert history.interrupted
    assert 0 < history.epochs < 20
    monkeypatch.undo()
    assert evaluate(two_layers(), data(), history.params) == pytest.approx(history.loss[-1], rel=1e-12)


OPTIONS = {"lr": 0.01, "batch": 16, "validation": 0.2, "seed": 7, "clip": 1.0}


@pytest.mark.parametrize("chosen", ["adam", "adamw", "rmsprop", "nesterov", "momentum", "sgd"])
def test_ten_epochs_are_five_and_five_bit_for_bit(chosen, tmp_path):
    file = tmp_path / "run.npz"
    net = compile("L = cross_entropy(dropout(relu(l0 W0 + b0), 0.5) W1 + b1, y)", shapes={"l0": 5, "l1": 7})
    whole = net.fit(data(), optimizer=chosen, epochs=10, **OPTIONS)
    net.fit(data(), optimizer=chosen, epochs=5, checkpoint=file, **OPTIONS)
    later = load(file).net.fit(data(), optimizer=chosen, epochs=10, resume=file, checkpoint=file, **OPTIONS)
    assert later.loss == whole.loss
    assert later.validation == whole.validation
    assert all((later.params[name] == array).all() for name, array in whole.params.items())
    assert load(file).state.rng == whole.state.rng


@pytest.mark.parametrize("patience", [None, 3])
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(patience, monkeypatch, tmp_path):
    file = tmp_path / "run.npz"
    options = OPTIONS | {"schedule": "warmup:2+cosine", "patience": patience, "epochs": 8}
    whole = two_layers().fit(data(), **options)
    with monkeypatch.context() as patched:
        interrupt_after(patched, 18)
        assert two_layers().fit(data(), checkpoint=file, **options).interrupted
    later = two_layers().fit(data(), resume=file, **options)
    assert later.loss == whole.loss
    assert later.best_epoch == whole.best_epoch
    assert all((later.params[name] == array).all() for name, array in whole.params.items())


def test_a_model_is_one_file_without_pickles(tmp_path):
    history = two_layers().fit(data(), epochs=1)
    history.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        assert {file[name].dtype.kind for name in file.files} == {"f", "u"}  # numbers, and JSON as bytes
    found = load(tmp_path / "model.npz")
    x, y = data(8, seed=3)
    assert found.net(l0=x, y=y, **found.params) == two_layers()(l0=x, y=y, **history.params)
    assert found.net.inputs == two_layers().inputs
    assert list(tmp_path.iterdir()) == [tmp_path / "model.npz"]


def test_a_model_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    history = two_layers().fit(data(), epochs=1)
    file = tmp_path / "model.npz"
    history.save(file)
    before = file.read_bytes()

    def half(target, **arrays):
        target.write(b"PK half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="No space left"):
        history.save(file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_what_is_no_model_is_said(content, tmp_path):
    file = tmp_path / "x.npz"
    if content is None:
        np.savez(file, a=np.ones(3))
    else:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npz is no model that algebra2net has written"):
        load(file)


# ------------------------------------------------------------------------------------------------------ not a number

# fmt: off
BURSTS = [
    # program, options, parameters, what is said, where the carets stand
    ("L = mse(exp(x W), y)", {}, {"W": [[800.0]]},                           r"in epoch 1, step 1 of 1, inf first appears in exp\(x W\) in row 0, column 0", "exp(x W)"),
    ("z = x W\nL = mean(log(z) * y)", {}, {"W": [[-1.0]]},                   r"nan first appears in log\(z\)", "log(z)"),
    ("L = mse(x W / sum(W), y)", {}, {"W": [[0.0]]},                         r"nan first appears in x W / sum\(W\)", "x W / sum(W)"),
    ("L = mean(sqrt(x W)) + mean(y)", {}, {"W": [[0.0]]},                    r"inf first appears in the gradient's equation ", None),
]
# fmt: on


@pytest.mark.parametrize(("program", "options", "params", "words", "marked"), BURSTS)
def test_the_equation_where_nan_begins_is_named(program, options, params, words, marked):
    with pytest.raises(NonFiniteError) as caught:
        compile(program, stabilize=False, **options).fit({"x": np.ones(4), "y": np.ones(4)}, params)
    assert re.search(words, str(caught.value)), str(caught.value)
    if marked is not None:
        assert caught.value.span is not None
        assert caught.value.span.text == marked
    assert "smaller lr" in str(caught.value)


def test_a_matrix_without_an_inverse_is_named():
    net = compile("L = sum((x inv(A)) * x)", shapes={"A": (2, 2)})
    with pytest.raises(NonFiniteError, match=r"in epoch 1, step 1 of 1, there is no inverse: ") as caught:
        net.fit({"x": np.ones((3, 2))}, {"A": np.ones((2, 2))})
    assert (caught.value.history.params["A"] == 1).all()


def test_nothing_is_lost_when_a_loss_bursts(tmp_path):
    net = compile("L = mse(x W, y)", wrt=["W"])
    x, y = np.linspace(1, 2, 8), np.ones(8)
    with pytest.raises(NonFiniteError, match="first appears in") as caught:
        net.fit((x, y), optimizer="sgd", lr=1e60, epochs=50, batch=4, checkpoint=tmp_path / "run.npz")
    history = caught.value.history
    assert history.stopped == "nan"
    assert np.isfinite(evaluate(net, (x, y), history.params))
    assert np.isfinite(load(tmp_path / "run.npz").params["W"]).all()
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert (again.history.params["W"] == history.params["W"]).all()


# ------------------------------------------------------------------------------------------------------------- mistakes

X, Y = data(12)
# fmt: off
MISTAKES = [
    (lambda: compile("l2 = l0 W0").fit((X, Y)),                            ValueError, r'l2 is no scalar.*compile\(…, loss="mse\(l2, y\)"\)'),
    (lambda: two_layers().fit({"l0": X}),                                  ValueError, "data lacks y"),
    (lambda: two_layers().fit({"l0": X, "Y": Y}),                          ValueError, r"data: there is no input Y; the inputs are l0, .*did you mean y\?"),
    (lambda: two_layers().fit({"l0": X, "y": Y[:5]}),                      ValueError, "not have the same number of samples: l0 has 12, y has 5"),
    (lambda: two_layers().fit({"l0": X, "y": Y.argmax(axis=1)}),           ValueError, r"y has one column, and cross_entropy takes one for each class: np.eye"),
    (lambda: two_layers().fit({"l0": X, "y": Y, "W0": X}),                 ValueError, r"data: W0 is what training changes; give its values as params"),
    (lambda: two_layers().fit({"l0": np.where(X[3, 1] == X, np.nan, X), "y": Y}), ValueError, "l0 holds nan at row 3, column 1"),
    (lambda: two_layers().fit({"l0": X.astype(str), "y": Y}),              TypeError, "l0 holds text, not real numbers"),
    (lambda: two_layers().fit({"l0": X[:, :4], "y": Y}),                   ShapeError, r"l0 has shape \(12, 4\), expected"),
    (lambda: two_layers().fit(X),                                          ValueError, r"data are \{'l0': …, 'y': …\}, or a pair \(l0, y\)"),
    (lambda: two_layers().fit((X, Y), {"W0": np.ones((5, 7))}),            ValueError, r"params lacks b0, W1, b1; net.init\(seed=0\) gives all"),
    (lambda: two_layers().fit((X, Y), lr=-1),                              ValueError, "lr=-1 is no number above 0"),
    (lambda: two_layers().fit((X, Y), batch=0),                            ValueError, "batch=0 is no whole number from 1 on"),
    (lambda: two_layers().fit((X, Y), epochs=1.5),                         ValueError, "epochs=1.5 is no whole number"),
    (lambda: two_layers().fit((X, Y), validation=1.5),                     ValueError, r"validation=1.5 of 12 samples leaves nothing"),
    (lambda: two_layers().fit((X, Y), optimizer="lbfgs", lr=0.1),          ValueError, "lbfgs finds the length of its steps itself: leave lr=0.1 out"),
    (lambda: compile("L = mse(dropout(x W, 0.5), y)").fit((X, Y), optimizer="cg"), ValueError, "CG needs a loss that is the same at every look.*drawn anew"),
    (lambda: compile("L = mse(dropout(x W, p), y); p: 1x1").fit((X, Y)),   ValueError, r"data lacks p \(1×1\)"),
    (lambda: compile("p = sigmoid(X w + b); L = bce(p, y)").fit((X, Y[:, 0])), ValueError, r"data lacks w .*compile\(…, wrt=\['b', 'w'\]\)"),
    (lambda: compile("L = mse(l0 W0 * mask, y)", wrt=["W0"]).fit((X, Y)),  ValueError, r"mask, .* all have a row for each sample.*noise="),
    (lambda: two_layers().fit((X, Y), noise={"y": 2}),                     ValueError, r"noise: y=2 is no probability to drop"),
    (lambda: compile("L = mse(dropout(X W0, 0.5), y)").fit({"X": X, "y": Y, "L_mask": Y}), ValueError, r"is drawn at each step|there is no input"),
    (lambda: compile("h = l0 W0; L = mse(h, y)", wrt=["h"]).fit((X, Y)),   ValueError, r"nothing is left to train: wrt=\['h'\] names no parameter"),
    (lambda: two_layers().fit((X[:0], Y[:0])),                             ValueError, "the data have no samples"),
]
# fmt: on


@pytest.mark.parametrize(("call", "kind", "words"), MISTAKES)
def test_a_mistake_is_said_with_what_to_type(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert re.search(words, str(caught.value)), str(caught.value)


def test_going_on_with_something_else_is_refused(tmp_path):
    file = tmp_path / "run.npz"
    net = two_layers()
    net.fit(data(), epochs=1, checkpoint=file)
    with pytest.raises(ValueError, match="was trained with batch=32, this asks for 16"):
        net.fit(data(), epochs=2, batch=16, resume=file)
    with pytest.raises(ValueError, match="holds another network"):
        compile("L = mse(l0 W0, y)").fit(data(), epochs=2, resume=file)
    with pytest.raises(ValueError, match="give params or resume, not both"):
        net.fit(data(), net.init(sizes={"y": 3}), epochs=2, resume=file)


def test_a_progress_bar_goes_to_standard_error(capsys):
    two_layers().fit(data(), epochs=3, progress=True)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "3/3" in seen.err
    two_layers().fit(data(), epochs=3)
    assert capsys.readouterr().err == ""


def test_a_history_tells_what_happened():
    history = two_layers().fit(data(), epochs=12, lr=0.02, optimizer=Adam(beta1=0.8), schedule=Cosine(), validation=0.2)
    text = str(history)
    assert text.startswith("12 epochs in ")
    assert "validation" in text
    assert "┤" in text
    assert history.rates[0] > history.rates[-1]
    assert history.svg().startswith("<svg ")
    assert shape_text(history.params["W0"].shape) == "5×7"
