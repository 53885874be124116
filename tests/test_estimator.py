"""A net as a scikit-learn estimator."""

from __future__ import annotations

import pickle
import re
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_moons
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from algebra2net import compile
from algebra2net.estimator import NetClassifier, NetRegressor, estimator

LAYERS = "z = relu(x W1 + b1) W2 + b2"
QUICK: dict[str, Any] = {"hidden": 16, "epochs": 40, "lr": 0.02, "random_state": 0}
IRIS = load_iris(return_X_y=True)
SKIPPED = {"check_array_api_input"}  # asks for an environment variable of SciPy


def checks() -> list[Any]:
    """Every check that scikit-learn has for either kind."""
    found = []
    for made in (NetClassifier(**QUICK), NetRegressor(**QUICK)):
        for one, check in estimator_checks_generator(made):
            name = getattr(check, "func", check).__name__
            found.append(pytest.param(one, check, id=f"{type(made).__name__}-{name}-{len(found)}", marks=[pytest.mark.skip(reason=name)] if name in SKIPPED else []))
    return found


@pytest.mark.parametrize(("made", "check"), checks())
def test_scikit_learn_finds_nothing_wrong(made: Any, check: Any) -> None:
    try:
        check(made)
    except SkipTest as reason:
        pytest.skip(str(reason))


# fmt: off
KINDS = [
    # algebra                                                   kind            loss that it is trained by
    ("z = relu(x W1) W2",                                       "regressor",    "mse"),
    ("p = softmax(x W1)",                                       "classifier",   "nll"),
    ("p = log_softmax(x W1)",                                   "classifier",   "nll"),
    ("p = sigmoid(x W1)",                                       "classifier",   "bce"),
    ("L = cross_entropy(x W1, y)",                              "classifier",   "cross_entropy"),
    ("L = bce_logits(x W1, y)",                                 "classifier",   "bce_logits"),
    ("L = hinge(x W1 + b, y) + 0.001 sum(W1^2)",                "classifier",   "hinge"),
    ("L = mse(x W1, y)",                                        "regressor",    "mse"),
    ("L = huber(x W1, y)",                                      "regressor",    "huber"),
    ("p = softmax(x W1); L = -mean(sum(t * log(p), axis=1))",   "classifier",   ""),
    ("L = sum((x W1 - y)^2)",                                   "regressor",    "minus"),
]
# fmt: on


@pytest.mark.parametrize(("algebra", "kind", "loss"), KINDS)
def test_the_loss_or_the_last_function_says_what_it_is(algebra: str, kind: str, loss: str) -> None:
    made = compile(algebra).estimator()
    assert (is_classifier(made), is_regressor(made)) == (kind == "classifier", kind == "regressor")
    assert made._goal(made._complete()).loss == loss


@pytest.mark.parametrize("algebra", [algebra for algebra, kind, _ in KINDS if kind == "classifier"])
def test_every_kind_of_classifier_learns_two_classes(algebra: str) -> None:
    X, y = load_iris(return_X_y=True)
    X, y = StandardScaler().fit_transform(X[:100]), np.array(["setosa", "versicolor"])[y[:100]]
    made = compile(algebra).estimator(epochs=30, lr=0.05, random_state=0).fit(X, y)
    assert made.score(X, y) == 1
    assert hasattr(made, "predict_proba") == (made.goal_.loss != "hinge")
    if made.goal_.loss != "hinge":
        p = made.predict_proba(X)
        assert p.shape == (100, 2)
        np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize("algebra", ["p = softmax(x W1 + b)", "p = sigmoid(x W1 + b)", "L = hinge(x W1 + b, y)", "z = x W1 + b"])
def test_three_classes_have_a_column_each(algebra: str) -> None:
    X, y = IRIS
    made = make_pipeline(StandardScaler(), estimator(algebra, kind="classifier", epochs=60, lr=0.05, random_state=0)).fit(X, y)
    assert made.score(X, y) > 0.9
    assert made[-1].params_["W1"].shape == (4, 3)


def test_linear_regression_is_that_of_scikit_learn() -> None:
    X, y = load_diabetes(return_X_y=True, scaled=True)
    made = estimator("z = x W + b", optimizer="lbfgs", epochs=500, random_state=0).fit(X[:, :4] * 20, y / 100)
    np.testing.assert_allclose(made.predict(X[:, :4] * 20), LinearRegression().fit(X[:, :4], y / 100).predict(X[:, :4]), atol=1e-3)


def test_targets_keep_their_shape() -> None:
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.random.default_rng(1).normal(size=(20, 2))
    assert NetRegressor(**QUICK).fit(X, y[:, 0]).predict(X).shape == (20,)
    assert NetRegressor(**QUICK).fit(X, y).predict(X).shape == (20, 2)


def test_examples_in_columns_are_turned() -> None:
    X, y = IRIS
    made = make_pipeline(StandardScaler(), compile("Z = W X + b; L = bce_logits(Z, Y)").estimator(epochs=60, lr=0.05, random_state=0)).fit(X[:100], y[:100])
    assert made.score(X[:100], y[:100]) == 1
    assert made[-1].params_["W"].shape == (1, 4)


def test_grid_search_pipeline_and_cross_validation_take_it() -> None:
    X, y = make_moons(120, noise=0.1, random_state=0)
    net = compile(LAYERS, loss="bce_logits(z, y)")
    grid = GridSearchCV(net.estimator(**QUICK), {"hidden": [1, 16]}, cv=3).fit(X, y)
    assert grid.best_params_ == {"hidden": 16}  # one unit draws one straight line
    assert grid.best_score_ > 0.85
    scores = cross_val_score(make_pipeline(StandardScaler(), net.estimator(**QUICK)), X, y, cv=3)
    assert scores.mean() > 0.85


def test_it_is_cloned_and_pickled() -> None:
    X, y = IRIS
    made = compile("L = cross_entropy(dropout(relu(x W1 + b1), 0.2) W2 + b2, y)").estimator(**QUICK).fit(X, y)
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again.predict_proba(X), made.predict_proba(X))
    fresh = clone(made)
    assert not hasattr(fresh, "params_")
    np.testing.assert_array_equal(fresh.fit(X, y).predict_proba(X), made.predict_proba(X))  # the seed says all, dropout too


def test_digits_are_told_apart() -> None:
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
    made = estimator(LAYERS, kind="classifier", hidden=64, epochs=12, lr=0.005, random_state=0).fit(X, y)
    assert made.score(X_test, y_test) > 0.95


@pytest.mark.parametrize("hidden", [5, [5, 6], {"h1": 5, "h2": 6}])
def test_hidden_widths_are_one_or_each_or_by_name(hidden: Any) -> None:
    net = compile("h1 = tanh(x W1); h2 = tanh(h1 W2); z = h2 W3")
    made = net.estimator(hidden=hidden, epochs=1).fit(*IRIS)
    wanted = {"W1": (4, 5), "W2": (5, 5 if hidden == 5 else 6), "W3": (5 if hidden == 5 else 6, 1)}
    assert {name: array.shape for name, array in made.params_.items()} == wanted


def test_constants_are_given_by_name() -> None:
    X, y = IRIS
    net = compile("L = mse(x W + b, y) + λ sum(W^2)")
    small = [np.abs(net.estimator(constants={"λ": value}, epochs=50, lr=0.05, random_state=0).fit(X, y).params_["W"]).sum() for value in (0.0, 10.0)]
    assert small[1] < small[0] / 3
    with pytest.raises(ValueError, match=r"lambda is neither data nor parameter: give constants=\{'lambda': 0.1\}"):
        net.estimator(epochs=1).fit(X, y)


def test_float32_stays_float32() -> None:
    X, y = IRIS
    made = NetClassifier(**QUICK).fit(X.astype(np.float32), y)
    assert {array.dtype for array in made.params_.values()} == {np.dtype(np.float32)}
    assert made.predict_proba(X.astype(np.float32)).dtype == np.float32


# fmt: off
REFUSED = [
    # algebra                                   settings                    what is said
    ("L = mse(x W + s V, y)",                   {},                         "an estimator has one matrix X, the net has 2 inputs (x, s)"),
    ("L = mse(relu(x W) V, x)",                 {},                         "L compares nothing with a target"),
    ("L = mse(x W, y) where x: 7 x 4",          {},                         "x has shape (150, 4), expected 7×4"),
    ("L = mse(x W, y) where x: n x 7",          {},                         "X has 4 columns; x, which takes them, is n×7 in the net"),
    ("L = cross_entropy(x W, y) where W: 4x7",  {},                         "y has 3 classes, the net has 7 outputs"),
    ("z = relu(x W) V",                         {"hidden": [3, 4]},         "hidden has 2 widths, the net leaves 1 open (h1)"),
    ("z = relu(x W) V",                         {"hidden": {"Q": 3}},       "there is no Q"),
    ("z = relu(x W) V",                         {"optimizer": "adan"},      "adam"),
]
# fmt: on


@pytest.mark.parametrize(("algebra", "settings", "said"), REFUSED)
def test_what_does_not_fit_is_said(algebra: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        estimator(algebra, **settings).fit(*IRIS)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(TypeError, match=r"an estimator has no setting hiden; it has batch, .* \(did you mean hidden\?\)"):
        compile(LAYERS).estimator(hiden=3)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind cannot be 'cluster'; it is 'classifier' or 'regressor'"):
        compile(LAYERS).estimator(kind="cluster")
