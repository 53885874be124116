"""A net as a scikit-learn classifier or regressor: grid search, pipelines and cross-validation take it as it is.

In    a net (or its algebra as text), and how it is to be trained
Out   an estimator with `fit`, `predict` and, where the net gives probabilities, `predict_proba`
Idea  the data say how wide the input and the target are, `hidden` how wide all else that the algebra leaves open;
      what is trained is the net with its loss, what predicts is the net up to its prediction
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from algebra2net.errors import ShapeError, nearest
from algebra2net.net import Net, compile
from algebra2net.program import SCALAR
from algebra2net.related import Goal, goal_of, predictor, with_loss
from algebra2net.run import Array, shape_text
from algebra2net.training.fit import fit
from algebra2net.training.init import initial, known_sizes
from algebra2net.training.roles import dimensions, keyed, sizes_of

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError:
    raise ModuleNotFoundError("an estimator needs scikit-learn 1.6 or newer: pip install 'algebra2net[sklearn]'", name="sklearn") from None

TWO_LAYERS = "out = relu(X W1 + b1) W2 + b2"
FLOATS = (np.float64, np.float32)


def estimator(net: Net | str = TWO_LAYERS, *, kind: str | None = None, **settings: Any) -> NetClassifier | NetRegressor:
    """A scikit-learn estimator that trains `net`: a classifier or a regressor, as its loss or else its last function says.

    kind      "classifier" or "regressor", where the net says too little
    settings  those of NetClassifier and NetRegressor: hidden, optimizer, lr, epochs, batch, weight_decay, random_state, …

    Raises ValueError where the net's prediction cannot be seen, TypeError for an unknown setting.
    """
    known = NetClassifier._get_param_names()
    for name in settings:
        if name not in known:
            raise TypeError(
                f"an estimator has no setting {name}; it has {', '.join(word for word in known if word != 'net')}" + (f" ({hint})" if (hint := nearest(name, known)) else "")
            )
    if kind is None:
        made = NetRegressor(net, **settings)
        kind = made._goal(made._given()).kind
    if kind not in KINDS:
        raise ValueError(f"kind cannot be {kind!r}; it is 'classifier' or 'regressor'")
    chosen: NetClassifier | NetRegressor = KINDS[kind](net, **settings)
    return chosen


class _NetEstimator(BaseEstimator):  # type: ignore[misc]
    """What both kinds share: the settings, training, and predicting."""

    def __init__(
        self,
        net: Net | str = TWO_LAYERS,
        *,
        shapes: Mapping[str, Any] | None = None,
        loss: str | None = None,
        target: str | None = None,
        output: str | None = None,
        hidden: int | Sequence[int] | Mapping[str, int] = 100,
        constants: Mapping[str, Any] | None = None,
        optimizer: str = "adam",
        lr: float | None = None,
        epochs: int = 200,
        batch: int | None = 32,
        weight_decay: float | None = None,
        options: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> None:
        self.net = net
        self.shapes = shapes
        self.loss = loss
        self.target = target
        self.output = output
        self.hidden = hidden
        self.constants = constants
        self.optimizer = optimizer
        self.lr = lr
        self.epochs = epochs
        self.batch = batch
        self.weight_decay = weight_decay
        self.options = options
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train on the rows of X and their targets y.

        Raises ValueError (ShapeError) for data that do not fit the net, and for a net whose task cannot be seen.
        """
        X, y = self._checked(X, y)
        net = self._complete()
        goal = self._goal(net)
        data = self._data(net, goal, X, y)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        params = initial(net, seed, X.dtype, self._sizes(net, goal, data))
        how = {"optimizer": self.optimizer, "lr": self.lr, "epochs": self.epochs, "batch": self.batch, "weight_decay": self.weight_decay, **(self.options or {})}
        history = fit(net, data, params, seed=seed, progress=False, **how)
        self.params_ = dict(history.params)
        self.loss_curve_ = list(history.loss)
        self.net_, self.goal_ = net, goal
        self.predictor_ = predictor(net, goal, self._link(goal))
        return self

    def _predicted(self, X: Any) -> Array:
        """The prediction for each row of X."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        (x,) = self.goal_.inputs
        given = {x: self._lying(self.goal_, x, X), **self.params_, **self._constants(self.net_)}
        values = np.atleast_2d(self.predictor_(**{name: array for name, array in given.items() if name in self.predictor_.inputs}))
        return self._lying(self.goal_, x, values)

    def _lying(self, goal: Goal, name: str, array: Array) -> Array:
        """Rows of examples as the net takes them: it may have them in columns."""
        return array.T if goal.axes.get(name) == 1 else array

    def _given(self) -> Net:
        """The net as it was given, with the loss that was."""
        net = self.net if isinstance(self.net, Net) else compile(self.net, shapes=self.shapes)
        return net if self.loss is None else with_loss(net, self.loss)

    def _complete(self) -> Net:
        """The net with a loss: its own, or one that fits."""
        net = self._given()
        return net if net.shapes[net.output] == SCALAR else with_loss(net, self._loss_for(net))

    def _goal(self, net: Net) -> Goal:
        goal = goal_of(net, self.target, self.output)
        if len(goal.inputs) != 1:
            raise ValueError(
                f"an estimator has one matrix X, the net has {len(goal.inputs)} inputs{_listed(goal.inputs)}; concatenate them, or give some as constants={{name: value}}"
            )
        return goal

    def _constants(self, net: Net) -> dict[str, Any]:
        return keyed(net, self.constants or {}, "constants")

    def _data(self, net: Net, goal: Goal, X: Array, y: Array) -> dict[str, Any]:
        """The arrays of the net's data. Raises ValueError where they do not fit, or are not all there."""
        if goal.target is None:
            raise ValueError(f"{net.output} compares nothing with a target: write a loss with one, or say target='…'")
        (x,) = goal.inputs
        constants = self._constants(net)
        missing = [name for name in goal.constants if name not in constants]
        if missing:
            raise ValueError(f"{', '.join(missing)} is neither data nor parameter: give constants={{{missing[0]!r}: 0.1}}")
        coded = self._coded(y, net.shapes[goal.target][1 - goal.axes.get(goal.target, 0)], goal).astype(X.dtype)
        for called, name, array in (("X", x, X), ("y", goal.target, coded)):
            expected = net.shapes[name][1 - goal.axes.get(name, 0)]
            if isinstance(expected, int) and expected != array.shape[1]:
                raise ShapeError(f"{called} has {array.shape[1]} columns; {name}, which takes them, is {shape_text(net.shapes[name])} in the net")
        return {x: self._lying(goal, x, X), goal.target: self._lying(goal, goal.target, coded), **constants}

    def _sizes(self, net: Net, goal: Goal, data: Mapping[str, Any]) -> dict[str, int]:
        """The dimensions of the net: those of the data, and the hidden ones."""
        sizes = sizes_of(net, {name: data[name] for name in (*goal.inputs, str(goal.target))})
        left = list(dict.fromkeys(size for name in goal.trained for size in dimensions(net.shapes[name]) if size not in sizes))
        return sizes | self._hidden(net, left)

    def _hidden(self, net: Net, left: Sequence[str]) -> dict[str, int]:
        """A width for each dimension that the data leave open."""
        if isinstance(self.hidden, Mapping):
            return known_sizes(net, self.hidden)
        widths = [int(self.hidden)] * len(left) if isinstance(self.hidden, int | np.integer) else [int(width) for width in self.hidden]
        if len(widths) != len(left):
            layers = [next((name for name, shape in net.shapes.items() if shape[1] == size and name not in net.inputs), size) for size in left]
            raise ValueError(f"hidden has {len(widths)} widths, the net leaves {len(left)} open{_listed(layers)}")
        return dict(zip(left, widths, strict=True))


class NetClassifier(ClassifierMixin, _NetEstimator):  # type: ignore[misc]
    """A net as a scikit-learn classifier.

    net        a Net, or its algebra as text (with `shapes` as for `compile`)
    loss       an equation appended to it; without any, cross-entropy of what its last function is
    target, output   the target's and the prediction's names, where they cannot be seen
    hidden     the widths that the data leave open: one number for all, one for each, or by name of the layer
    constants  values by name of inputs that are neither data nor parameters
    optimizer, lr, epochs, batch, weight_decay, options   how it is trained, as for `net.fit`; `options` are its other settings

    After `fit` there are `classes_`, `params_`, `loss_curve_`, `net_` (with its loss), `goal_` and `predictor_`.
    """

    def predict(self, X: Any) -> Array:
        """The class of each row."""
        values = self._predicted(X)
        chosen: Array = self.classes_[(values[:, 0] > self._border()).astype(int) if self._one_column(values) else values.argmax(axis=1)]
        return chosen

    @available_if(lambda self: (self.goal_ if hasattr(self, "goal_") else self._goal(self._complete())).link is not None)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, for each row."""
        values = self._predicted(X)
        if self._one_column(values):
            values = np.hstack([1 - values, values])
        probabilities: Array = values / values.sum(axis=1, keepdims=True)
        return probabilities

    def _one_column(self, values: Array) -> bool:
        return values.shape[1] == 1 and len(self.classes_) == 2

    def _border(self) -> float:
        """Where one class ends and the other begins: 0 between -1 and 1, else 1/2."""
        return 0.0 if self.goal_.loss == "hinge" else 0.5

    def _checked(self, X: Any, y: Any) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=FLOATS)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has 1 class ({self.classes_[0]}); a classifier needs two or more")
        return X, places

    def _coded(self, places: Array, width: int | str, goal: Goal) -> Array:
        """A column for each class; for two classes one alone where the loss or the net takes one."""
        count = len(self.classes_)
        one = count == 2 and (width == 1 or (isinstance(width, str) and (goal.loss in ("bce", "bce_logits", "hinge") or goal.ending == "sigmoid")))
        if isinstance(width, int) and width != (1 if one else count):
            raise ShapeError(f"y has {count} classes, the net has {width} outputs", None, "a net whose last width is open takes it from y")
        coded = places.reshape(-1, 1) if one else np.eye(count)[places]
        return 2 * coded - 1 if goal.loss == "hinge" else coded

    def _loss_for(self, net: Net) -> str:
        out = net.output
        target = _unused("y", net)
        match goal_of(net, None, self.output).ending:
            case "softmax":
                return f"nll(log({out}), {target})"
            case "log_softmax":
                return f"nll({out}, {target})"
            case "sigmoid":
                return f"bce({out}, {target})"
        return f"cross_entropy({out}, {target})"

    def _link(self, goal: Goal) -> str | None:
        return goal.link


class NetRegressor(RegressorMixin, _NetEstimator):  # type: ignore[misc]
    """A net as a scikit-learn regressor, of one target or several.

    net        a Net, or its algebra as text (with `shapes` as for `compile`)
    loss       an equation appended to it; without any, the mean of the squared errors
    target, output   the target's and the prediction's names, where they cannot be seen
    hidden     the widths that the data leave open: one number for all, one for each, or by name of the layer
    constants  values by name of inputs that are neither data nor parameters
    optimizer, lr, epochs, batch, weight_decay, options   how it is trained, as for `net.fit`; `options` are its other settings

    After `fit` there are `params_`, `loss_curve_`, `net_` (with its loss), `goal_` and `predictor_`.
    """

    def predict(self, X: Any) -> Array:
        """The prediction for each row: a vector where y was one."""
        values = self._predicted(X)
        return values[:, 0] if self._y_is_vector and values.shape[1] == 1 else values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _checked(self, X: Any, y: Any) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True)
        self._y_is_vector = y.ndim == 1
        return X, y.reshape(len(X), -1)

    def _coded(self, y: Array, width: int | str, goal: Goal) -> Array:
        return y

    def _loss_for(self, net: Net) -> str:
        return f"mse({net.output}, {_unused('y', net)})"

    def _link(self, goal: Goal) -> str | None:
        return None


KINDS: dict[str, Any] = {"classifier": NetClassifier, "regressor": NetRegressor}


def _unused(name: str, net: Net) -> str:
    return name if name not in net.shapes else "target"


def _listed(words: Iterable[str]) -> str:
    text = ", ".join(words)
    return f" ({text})" if text else ""
