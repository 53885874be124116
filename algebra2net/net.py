"""`compile` and `Net`: the pipeline, and what a person sees of it.

In    algebra as text
Out   a Net: values, gradients, the algebra of both, NumPy code
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from numbers import Integral
from typing import TYPE_CHECKING, Any
from weakref import ref

from sympy import Expr, Symbol

from algebra2net import calls, names
from algebra2net.advice import advise
from algebra2net.beside import with_values
from algebra2net.calls import WrittenOut
from algebra2net.collector import resting
from algebra2net.derive import SEED, VALUE, derive
from algebra2net.errors import AlgebraError, DerivativeError, NotationError, ShapeError, Span, nearest
from algebra2net.expand import expand, has_macros
from algebra2net.factors import with_shared_factors
from algebra2net.label import label
from algebra2net.layers import parameters
from algebra2net.lower import Lowered, lower
from algebra2net.notation import Declaration, Equation, Statement
from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import known
from algebra2net.optimize.order import cheapest, without_diagonals
from algebra2net.program import SCALAR, Dimension, Program, Shape, is_step, symbol
from algebra2net.read import MADE_FROM, read
from algebra2net.run import Arguments, Functions, UnfitError, Values, arguments, as_matrix, load, numeric, shape_text
from algebra2net.shapes import Known, result_shape, with_shapes
from algebra2net.spell import PLAIN, PYTHON, UNICODE, aligned, folds, lines, write
from algebra2net.stabilize import Rewrite, stabilize
from algebra2net.stabilize.bypass import bypassed
from algebra2net.targets.numpy import Code, code, module
from algebra2net.tidy import tidy

if TYPE_CHECKING:
    from algebra2net.check import Report
    from algebra2net.faces.page import Page
    from algebra2net.objective import Objective
    from algebra2net.to_torch import NetModule
    from algebra2net.training.history import History
    from algebra2net.verify import Answer

SIZES_KEPT = 16  # sizes of arrays for which code of their own is made
WAYS_TRIED = 32  # of letting the vectors of a call lie as rows and columns
_SIZE = re.compile(r"(?=.*[^\W\d])(?!.*\b\d+[^\W\d])[\w+*() ]+")  # n, or made of others as `net.shapes` says it: n1+n2; not 3by4, 1.5, -1
WORTH_SIZING = 1 << 14  # entries that the arrays of a call have together, so that code for their sizes is worth its making
TARGETS = ("numpy",)
SPELLINGS = ("modern", "book")
DIALECTS = (None, "matlab")
ACCELERATORS = (None, "numba")


def compile(
    source: str,
    *,
    shapes: Mapping[str, Any] | None = None,
    wrt: Iterable[str] | str | None = None,
    loss: str | None = None,
    notation: str = "auto",
    target: str = "numpy",
    names: str = "modern",
    dialect: str | None = None,
    stabilize: bool = True,
    optimize: bool = True,
    accelerate: str | None = None,
) -> Net:
    """A network from its algebra: `compile("l2 = relu(l0 W0) W1")`.

    source    a program: equations, declarations, definitions, in any notation
    shapes    name → width of a layer (`3`), `(rows, columns)`, `"3x4"`, `("B", 784)`; strings name dimensions
    wrt       names to differentiate by, or "all"; the parameters where it is not given
    loss      an equation appended to the program, such as `"mse(l2, y)"`
    notation  auto, plain, latex or python
    names     modern (`W0`, `l1`) or book (`weights_0_1`, `layer_1`) in the generated code
    dialect   "matlab" reads `*` as the matrix product
    stabilize, optimize  False computes the algebra exactly as typed; runs the readable module
    accelerate  "numba" compiles what is done entry by entry into loops, at the first call: pip install 'algebra2net[accelerate]'

    Raises AlgebraError (NotationError, ShapeError, DerivativeError) with the place and what to type instead.

    >>> net = compile("l2 = relu(l0 W0) W1", shapes={"l0": 3, "l1": 4, "l2": 1})
    >>> net.shapes["W0"]
    (3, 4)
    """
    for what, given, allowed in (("target", target, TARGETS), ("names", names, SPELLINGS), ("dialect", dialect, DIALECTS), ("accelerate", accelerate, ACCELERATORS)):
        if given not in allowed:
            raise ValueError(f"{what} cannot be {given!r}; it is one of {', '.join(map(repr, allowed))}")
    if not isinstance(shapes, Mapping | None):
        raise TypeError("shapes says it name by name: shapes={'l0': 3, 'W0': (3, 4)}")
    if accelerate is not None:
        _check_accelerator(accelerate, optimize)
    return Net(source, _Options(shapes or {}, _listed(wrt), loss, notation, names, dialect, stabilize, optimize, accelerate))


def _check_accelerator(name: str, optimize: bool) -> None:
    from importlib.util import find_spec

    if not optimize:
        raise ValueError(f"accelerate={name!r} is about the optimised code: it cannot go with optimize=False")
    if find_spec(name) is None:
        raise ImportError(f"accelerate={name!r} needs Numba: pip install 'algebra2net[accelerate]'", name=name)


def _listed(wrt: Iterable[str] | str | None) -> tuple[str, ...] | None:
    return None if wrt is None else (wrt,) if isinstance(wrt, str) else tuple(wrt)


class _Options:
    """What `compile` was asked for besides the source."""

    def __init__(
        self,
        shapes: Mapping[str, Any],
        wrt: tuple[str, ...] | None,
        loss: str | None,
        notation: str,
        spelling: str,
        dialect: str | None,
        stabilize: bool,
        optimize: bool,
        accelerate: str | None = None,
    ) -> None:
        self.shapes = dict(shapes)
        self.wrt = wrt
        self.loss = loss
        self.notation = notation
        self.spelling = spelling
        self.dialect = dialect
        self.stabilize = stabilize
        self.optimize = optimize
        self.accelerate = accelerate


class Net:
    """A network: values, gradients, and the algebra and code of both. Made by `compile`."""

    def __init__(self, source: str, options: _Options) -> None:
        self._source = source
        self._options = options
        with resting():
            self._lowered = lowered = _lowered(source, options)
            self._opened = expand(lowered.program)
            self._known = [*_declared(lowered.declarations), *_given(options.shapes, lowered)]
            self._steps = with_shapes(self._opened, self._known)
        advise(self._steps, lowered.barred)
        self.parameters = parameters(self._steps)  # the inputs that training changes
        self._wrt = self._targets()
        self.rewrites: tuple[Rewrite, ...] = ()
        if options.stabilize:
            with resting():
                stable = stabilize(self._steps, self._wrt)
            self._steps, self.rewrites = stable.program, stable.rewrites
        self._steps, products = without_diagonals(self._steps)
        self.rewrites += tuple(Rewrite(e.name, "diag(w) X", "w * X", "the square matrix is never built", e.span) for e in products)
        self._of_sizes: dict[tuple[tuple[int, ...], ...], Net] = {}
        self._special: dict[tuple[tuple[str, tuple[int, ...]], ...], Net] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Net, (self._source, self._options)

    # what it is

    @property
    def program(self) -> Program:
        """The forward pass as typed: ordered SymPy equations."""
        program = self._lowered.program
        return program.with_equations(program.equations, shapes=self._steps.shapes)

    @property
    def steps(self) -> Program:
        """The forward pass with functions of your own and macros opened, hidden layers named."""
        return self._steps

    @cached_property
    def backprop(self) -> Program:
        """The derived program: each equation with the rule that gave it. Its first equations repeat the forward pass."""
        with resting():
            derived = tidy(derive(self._steps, self._wrt))
            partial = bypassed(self._opened, self._steps, [rewrite.name for rewrite in self.rewrites]) if self.rewrites else frozenset()
            return label(replace(derived, deltas={delta: value for delta, value in derived.deltas.items() if value not in partial}))

    @property
    def derivation(self) -> Program:
        """Of `backprop`, what the derivation added, and the values of the forward pass that it alone names."""
        backprop, known = self.backprop, {e.name for e in self._lowered.program.equations}
        return backprop.with_equations(e for k, e in enumerate(backprop.equations) if k >= backprop.kept or is_step(e.name) or e.name not in known)

    @cached_property
    def _backprop_opened(self) -> Program:
        return _opened(self.backprop)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names that a call takes."""
        return tuple(name.name for name in self._steps.inputs)

    @cached_property
    def output(self) -> str:
        """The name of the last equation."""
        return next(iter(self._steps.outputs))

    @property
    def shapes(self) -> dict[str, Shape]:
        """(rows, columns) of every named value; a dimension that nothing fixes is a name."""
        return Values({name.name: shape for name, shape in self._steps.shapes.items() if not name.name.startswith("_")})

    @cached_property
    def gradients(self) -> dict[str, Expr]:
        """∂L/∂name as a SymPy expression of named values."""
        steps = folds(self.backprop, hidden=False)
        made = {e.name: e.value for e in self.backprop.equations}
        return Values({name: _folded(made[symbol_], steps) for name, symbol_ in self.backprop.outputs.items() if name != VALUE})

    def latex(self) -> str:
        """The forward pass as an `aligned` block."""
        return self.program.latex()

    def latex_gradients(self) -> str:
        """The derived gradients as an `aligned` block that KaTeX, MathJax and pdflatex take."""
        return aligned(self.derivation, hidden=False)

    def to(self, notation: str) -> str:
        """The program in another notation: plain, unicode, latex or python."""
        match notation:
            case "plain":
                return "\n".join(lines(self.program, PLAIN))
            case "unicode":
                return "\n".join(lines(self.program, UNICODE))
            case "latex":
                return self.latex()
            case "python":
                return "\n".join(lines(self.program, PYTHON))
        raise ValueError(f"there is no notation {notation!r}; there are plain, unicode, latex and python")

    # code

    @cached_property
    def source(self) -> str:
        """The readable module: `forward` and `value_and_grad`, in NumPy alone."""
        with resting():
            return module(self._steps, self._backprop_in_code(), [self._title, *self._made_from()], self._options.spelling)

    def _backprop_in_code(self) -> Program:
        """The derived program as the readable module has it."""
        return with_values(with_shared_factors(self._backprop_opened))

    @property
    def _title(self) -> str:
        """What a generated module computes."""
        return f"{write(symbol(self.output), PLAIN)} and its gradients by {', '.join(self._wrt)}."

    def _made_from(self) -> list[str]:
        """The algebra that the generated modules were made from, as their docstring says it."""
        return ["", MADE_FROM, "", *(f"    {line}" for line in str(self.program).split("\n"))]

    def code(self, derived: bool = False) -> Code:
        """The lines that `source` has in `forward`, or in `value_and_grad`: for showing them beside their equations."""
        return code(self._backprop_in_code(), self._steps, self._options.spelling) if derived else code(self._steps, None, self._options.spelling)

    @cached_property
    def optimized_source(self) -> str:
        """The module that runs: the same functions and results as `source`, written as an expert would for these shapes."""
        return self._optimized(("forward", "value_and_grad"), self._made_from())

    def _optimized(self, names: Sequence[str], made_from: Sequence[str] = ()) -> str:
        """The text of that module, or of one function of it."""
        if self._options.accelerate:
            from algebra2net.optimize.accelerate import module as optimized
        else:
            from algebra2net.optimize.module import module as optimized

        with resting():
            forward = cheapest(self._steps, self._named) if "forward" in names else None
            backprop = self._cheapest_backprop() if "value_and_grad" in names else None
            return optimized(forward, backprop if backprop is None or self._options.accelerate else with_values(backprop, optimized=True), [self._title, *made_from])

    @property
    def _named(self) -> list[str]:
        """What `forward` hands out."""
        return [e.name.name for e in self._steps.equations if not is_step(e.name)]

    def _cheapest_backprop(self) -> Program:
        """The derived program with products in their cheapest order: derived from a forward pass that has it already."""
        steps = cheapest(self._steps, self._wrt)
        return with_shared_factors(cheapest(self._backprop_opened if steps is self._steps else _opened(label(tidy(derive(steps, self._wrt))))), optimized=True)

    @cached_property
    def _functions(self) -> Functions:
        """`forward` and `value_and_grad` of the code that runs."""
        return Functions(self._text)

    def _text(self, name: str) -> str:
        """The text of a module that has that function; DerivativeError where there is none."""
        if self._options.optimize:
            return vars(self).get("optimized_source") or self._optimized((name,))
        try:
            return self.source
        except DerivativeError:
            if name == "value_and_grad":
                raise
            return module(self._steps, None, [self.output], self._options.spelling)  # the forward pass is there all the same

    # runs

    def __call__(self, /, *unnamed: Any, **arrays: Any) -> Any:
        """The value of the last equation: an array, or a float for a scalar."""
        if unnamed:
            raise TypeError(f"arrays come by name: net({', '.join(f'{names.identifier(name)}=…' for name in self.inputs)})")
        return self.forward(**arrays)[self.output]

    @WrittenOut
    def forward(self, /, **arrays: Any) -> dict[str, Any]:
        """Every named value, hidden layers included."""
        net, bound = self._bound(arrays)
        return Values(net._functions["forward"](*bound.matrices.values()))

    def grad(self, /, delta: Any = None, **arrays: Any) -> dict[str, Any]:
        """The gradients by name, each of the shape of its array; `delta` is ∂L/∂output where the output is no scalar."""
        return self.value_and_grad(delta=delta, **arrays)[1]

    @WrittenOut
    def value_and_grad(self, /, delta: Any = None, **arrays: Any) -> tuple[Any, dict[str, Any]]:
        """The value and the gradients in one pass."""
        if "delta" in self.inputs:  # then the signal at the output is delta_
            arrays |= {} if delta is None else {"delta": delta}
            delta = arrays.pop("delta_", None)
        net, bound = self._bound(arrays)
        if "value_and_grad" not in net._functions:
            assert net.backprop  # raises what stands in the way of a derivative
        given = list(bound.matrices.values())
        if net._seed is not None:
            given.append(net._signal(delta, bound))
        elif delta is not None and self._seed is None:
            raise TypeError(f"{self.output} is a scalar: its gradient takes no delta")
        value, grads = net._functions["value_and_grad"](*given)
        if net._seed is None and delta is not None:  # the arrays of this call have made the output a scalar
            weight = net._signal(delta, bound).item()
            grads = {name: weight * grad for name, grad in grads.items()}
        return value, Values({name: _as_given(grad, bound.originals.get(name), bound.dtype) for name, grad in grads.items()})

    def check(self, /, seed: int = 0, **arrays: Any) -> Report:
        """The derived gradients beside numerical ones; arrays that are not given are drawn at random."""
        from algebra2net.check import compare

        return compare(self, arrays, seed)

    def verify(self, claims: str | Sequence[str], *, notation: str = "auto", dialect: str | None = None) -> Answer:
        """Whether claims such as `dW0 = l0' d1` are right, in any notation, and what is wrong with those that are not."""
        from algebra2net.verify import verify

        return verify(self, claims, notation=notation, dialect=dialect)

    # learns

    def init(self, seed: int = 0, dtype: Any = float, sizes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Parameters to begin with: name → array of the parameter's shape.

        Weights are drawn as the activation that follows asks for: before relu and its kin normal with variance 2 / fan_in (He et al. 2015,
        eq. 10), before selu 1 / fan_in (LeCun et al. 1998; Klambauer et al. 2017), else uniform in ±√(6 / (fan_in + fan_out)) (Glorot and
        Bengio 2010, eq. 16). Biases are zero, gains (of layernorm) one. `sizes` settles what shapes leave open: `{"l1": 100}`.

        Raises ShapeError naming a shape that is not known.

        >>> net = compile("l2 = relu(l0 W0 + b0) W1", shapes={"l0": 3, "l1": 4, "l2": 1})
        >>> {name: array.shape for name, array in net.init(seed=0).items()}
        {'W0': (3, 4), 'b0': (1, 4), 'W1': (4, 1)}
        """
        from algebra2net.training.init import initial

        return initial(self, seed, dtype, sizes)

    def fit(self, /, data: Any, params: Mapping[str, Any] | None = None, **options: Any) -> History:
        """Make the output, a scalar loss, small on `data`; gives a History, whose `params` are what was learned. Nothing given is changed.

        data          name → array as a call takes it (samples along the dimension that data share and parameters lack, as a rule rows),
                      or a pair (X, Y) whose rows are samples; what has no such dimension is the same for all
        params        parameters to begin with; `init(seed)` where not given
        optimizer     "adam", "adamw", "rmsprop", "nesterov", "momentum", "sgd", one of `algebra2net.training` with constants of its own;
                      with all samples at once "lbfgs", "bfgs", "cg", "newton-cg", "tnc", "slsqp" (SciPy's, an iteration an epoch)
        lr            learning rate; the optimiser's own where not given
        epochs, batch 20 times through the samples, 32 at a step; batch=None takes all
        validation    a fraction of the samples, or data, whose loss is watched
        seed          of the parameters, the split, the order of the samples and the masks of dropout
        schedule      "step:10,0.5", "exponential:0.95", "cosine", "warmup:5+cosine", or a function of the epochs done: times lr
        weight_decay  λ: adds λ θ to the gradient; adamw shrinks θ instead
        clip          the largest common norm of the gradients
        patience      stop when so many epochs brought nothing better (on the validation data, if any); the best parameters are given
        noise         name → function (rng, shape) → array, for an input that is drawn at each step, or the probability that a mask drops
        checkpoint    a file to write formula, parameters and state to; `resume=` goes on from it, bit for bit, to `epochs` in all
        progress      a bar: always, never; on long runs on a terminal where not given

        From the keyboard interrupted, it gives what has been learned so far (`history.interrupted`). Raises NonFiniteError with the place in the
        algebra where a number first is nan or infinite, ValueError, TypeError or ShapeError for data that do not fit.

        >>> import numpy as np
        >>> net = compile("L = mse(x W + b, y)", wrt=["W", "b"])
        >>> x = np.linspace(-1, 1, 50)
        >>> history = net.fit((x, 3 * x + 2), optimizer="lbfgs")
        >>> history.params["W"].round(4), history.params["b"].round(4)
        (array([[3.]]), array([[2.]]))
        """
        from algebra2net.training.fit import fit

        return fit(self, data, params, **options)

    def objective(self, data: Mapping[str, Any], like: Mapping[str, Any] | None = None, sizes: Mapping[str, Any] | None = None) -> Objective:
        """`f(theta) -> (value, gradient)` on one float64 vector, for `scipy.optimize.minimize(f, f.pack(params), jac=True)`.

        theta holds the parameters (or the names of `wrt=`) that `data` does not; `f.pack` and `f.unpack` lead to it and back. Widths that the
        net leaves open are those of the arrays `like` has, or in `sizes` (`{"l1": 100}`).

        Raises ShapeError where the output is no scalar or a width stays open, TypeError for data that is missing.

        >>> net = compile("L = mse(x W, y)")
        >>> f = net.objective({"x": [[1.0], [2.0]], "y": [[3.0], [6.0]]})
        >>> f([2.0])
        (2.5, array([-5.]))
        """
        from algebra2net.objective import objective

        return objective(self, data, like, sizes)

    def pack(self, params: Mapping[str, Any]) -> Any:
        """All parameters as one float64 vector, one after another in the order of the net, row by row."""
        from algebra2net.objective import pack

        return pack(self, params)

    def unpack(self, theta: Any, like: Mapping[str, Any] | None = None, sizes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One vector as the parameters by name; `like` and `sizes` settle widths that the net leaves open, as in `objective`."""
        from algebra2net.objective import unpack

        return unpack(self, theta, like, sizes)

    def estimator(self, *, kind: str | None = None, **settings: Any) -> Any:
        """A scikit-learn classifier or regressor that trains this net: as its loss, else its last function, or `kind` says.

        Settings are those of `algebra2net.estimator.NetClassifier`: loss, hidden, optimizer, lr, epochs, batch, weight_decay, random_state, ….
        Needs scikit-learn: pip install 'algebra2net[sklearn]'.
        """
        from algebra2net.estimator import estimator

        return estimator(self, kind=kind, **settings)

    def to_torch(self, params: Mapping[str, Any] | None = None, *, sizes: Mapping[str, Any] | None = None, seed: int = 0) -> NetModule:
        """An `nn.Module` whose autograd is the derived backprop; called with the data in order or by name, a row for each example.

        Its parameters are `params` or else those of `init(seed)` in PyTorch's default type; `sizes` settles widths that the net leaves open.
        Needs PyTorch: pip install 'algebra2net[torch]'.
        """
        from algebra2net.to_torch import module

        return module(self, params, sizes=sizes, seed=seed)

    def export(self, params: Mapping[str, Any] | None = None, **options: Any) -> str:
        """The text of one file that needs NumPy alone: forward, gradient, training step, and the weights where `params` are given.

        It runs as a program on a CSV: `python model.py data.csv` predicts, `python model.py --train data.csv --target label` trains.

        optimizer   its step: "adam" or "sgd"; `lr` its learning rate
        optimized   whether it has the code of `optimized_source` in place of that of `source`
        target, output    the names of the target and of the prediction, where they cannot be seen
        classes, columns, texts, targets, mean, scale    what the weights know of the table they were trained on: labels in order, columns of
                    each input (of texts: those that become a column of zeros and ones each) and of the target, and what standardised them
        code        how the target is coded: "numbers", "columns" (one for each class), "flag" (0 or 1), "sign"; as the loss says where not given

        Raises ValueError where the prediction cannot be seen, ShapeError for weights that do not fit.
        """
        from algebra2net.export import export

        return export(self, params, **options)

    def _written_out(self, name: str, careful: Callable[..., Any]) -> Callable[..., Any]:
        """A method for arrays that are just as the generated code takes them; any others go the careful way."""
        expected = self._expected()
        signal = self._steps.shapes[symbol(self.output)] if self._seed and name == "value_and_grad" else None
        try:
            written = name in self._functions and bool(expected) and calls.is_whole([*expected.values(), *([signal] if signal else [])])
            if not written or (name == "value_and_grad" and "delta" in expected):
                return careful
            code = partial(_code_of, ref(self), name)  # a net that had itself would stay until it is searched for
            if name == "forward":
                return calls.forward(expected, code, careful)
            outputs = self.backprop.outputs
            numbers = {label: label in expected for label in outputs if label != VALUE and self.backprop.shapes[outputs[label]] == SCALAR}
            return calls.value_and_grad(expected, code, careful, numbers, signal)
        except AlgebraError:  # the call says so
            return careful

    def _code(self, name: str, sizes: Mapping[str, int]) -> Callable[..., Any]:
        """The generated function of that name, made for these sizes of the dimensions that are open where that is worth it."""
        net = self._sized(sizes) if sizes and self._options.optimize else self
        code: Callable[..., Any] = net._functions[name]
        return code

    def _sized(self, sizes: Mapping[str, int]) -> Net:
        """The net whose code is made for these sizes, where the arrays are large enough to gain by it; else this one."""
        shapes = {name: tuple(size if isinstance(size, int) else sizes[size] for size in shape) for name, shape in self._expected().items()}
        key = tuple(shapes.values())
        if key not in self._of_sizes and len(self._of_sizes) < SIZES_KEPT and sum(map(math.prod, key)) >= WORTH_SIZING:
            with suppress(AlgebraError):  # the full check of the call says what does not fit
                made = Net(self._source, _Options(**{**vars(self._options), "shapes": {**self._options.shapes, **shapes}}))
                self._of_sizes[key] = made if made._scalars == self._scalars else self
        return self._of_sizes.get(key, self)

    @cached_property
    def _scalars(self) -> list[str]:
        """The values that are handed out as numbers."""
        return [name for name, shape in self.shapes.items() if shape == SCALAR]

    def _expected(self) -> dict[str, Shape]:
        return {name.name: self._steps.shapes[name] for name in self._steps.inputs}

    @cached_property
    def _seed(self) -> str | None:
        """The name of the signal at the output, where a gradient needs one."""
        return None if self._steps.shapes[symbol(self.output)] == SCALAR else SEED.name

    def _signal(self, delta: Any, bound: Arguments) -> Any:
        expected = self._steps.shapes[symbol(self.output)]
        word = "delta_" if "delta" in self.inputs else "delta"
        if delta is None:
            raise TypeError(f"missing {word}, the signal ∂L/∂{self.output} ({shape_text(expected, bound.sizes)}): the output is no scalar; or compile with a loss")
        array = numeric(word, delta).astype(bound.dtype, copy=False)
        matrix = as_matrix(array, expected, bound.sizes)
        want = tuple(bound.sizes.get(size, size) if isinstance(size, str) else size for size in expected)
        if any(isinstance(w, int) and h != w for h, w in zip(matrix.shape, want, strict=True)):
            raise ShapeError(f"{word} has shape {array.shape}, expected {shape_text(expected, bound.sizes)}, the shape of {self.output}")
        return matrix

    def _bound(self, arrays: Mapping[str, Any]) -> tuple[Net, Arguments]:
        """The arrays as matrices, and the net that fits them: this one, or one for what these shapes turn out to be."""
        try:
            bound = arguments(arrays, self._expected())
        except UnfitError as unfit:
            return self._specialised(arrays, unfit)
        if bound.sizes and not any(bound.originals.values()):  # numbers alone: whatever was left open is a number too
            with suppress(ShapeError):
                return self._specialised(arrays, UnfitError("numbers do not fit"))
        return self, bound

    def _specialised(self, arrays: Mapping[str, Any], unfit: UnfitError) -> tuple[Net, Arguments]:
        """The net for shapes that the conventions did not foresee: `b` a matrix, `λ` a row. A vector lies as it fits, else as a row."""
        expected = self._expected()
        found = arguments(arrays, {name: (f"{name}?0", f"{name}?1") for name in expected})
        reason: ShapeError | None = None
        for shapes in _ways_to_lie(found):
            key = tuple(sorted(shapes.items()))
            try:
                if key not in self._special:
                    with_shapes(self._opened, [*self._known, *(Known(name, shape, "the array given") for name, shape in shapes.items())])
                    self._special[key] = Net(self._source, _Options(**{**vars(self._options), "shapes": {**self._options.shapes, **shapes}}))
                special = self._special[key]
                return special, arguments(arrays, special._expected())
            except ShapeError as error:
                reason = reason or error
            except UnfitError:
                continue
        raise ShapeError(str(unfit), *((reason.span, reason.hint, reason.also) if reason else ())) from None

    def _targets(self) -> tuple[str, ...]:
        wanted = self._options.wrt
        if wanted is None:
            return self.parameters
        if wanted == ("all",):
            return self.inputs
        known = {name.name for name in (*self._steps.inputs, *(e.name for e in self._steps.equations))}
        chosen = tuple(names.key(name) for name in wanted)
        for name, spelled in zip(chosen, wanted, strict=True):
            if name not in known:
                raise ValueError(f"wrt: there is no {spelled}; the inputs are {', '.join(self.inputs)}" + (f" ({hint})" if (hint := nearest(spelled, known)) else ""))
        return tuple(dict.fromkeys(chosen))

    # faces

    def sheet(self, width: int | None = None, /, delta: Any = None, **arrays: Any) -> str:
        """Picture, algebra, code and backprop side by side, as text; with the numbers of a call where arrays are given."""
        from algebra2net.faces.sheet import sheet

        net, numbers = self._traced(arrays, delta) if arrays else (self, {})
        return sheet(net, width, numbers)

    def __str__(self) -> str:
        return self.sheet()

    def __repr__(self) -> str:
        return f"<Net {'; '.join(lines(self.program, PLAIN))[:70]}>"

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def svg(self, /, delta: Any = None, **arrays: Any) -> str:
        """The picture of every equation, as one SVG file; its cells shaded by value where arrays are given."""
        return self._page(arrays, delta).bricks.document()

    def html(self, /, delta: Any = None, *, title: str = "", **arrays: Any) -> str:
        """The sheet as one HTML file without outside references; with the numbers of a call where arrays are given."""
        return self._page(arrays, delta, title).html()

    def tex(self) -> str:
        """The sheet as a document that pdflatex compiles as it is."""
        from algebra2net.faces.content import content
        from algebra2net.faces.document import document

        return document(content(self), self.program, self._derived_or_none, self.source)

    def explain(self, /, delta: Any = None, **arrays: Any) -> str:
        """Correlation in words: what each layer is told that it should have been, and which two things each weight correlates."""
        from algebra2net.faces.explain import explain

        net, numbers = self._traced(arrays, delta) if arrays else (self, {})
        return str(explain(net.backprop, numbers))

    def _page(self, arrays: Mapping[str, Any], delta: Any = None, title: str = "") -> Page:
        from algebra2net.faces.content import content
        from algebra2net.faces.page import Page

        net, numbers = self._traced(arrays, delta) if arrays else (self, {})
        return Page(content(net), net.program, net._derived_or_none, net.source, numbers, title)

    @property
    def _derived_or_none(self) -> Program | None:
        try:
            return self.backprop
        except AlgebraError:
            return None

    def _traced(self, arrays: Mapping[str, Any], delta: Any) -> tuple[Net, dict[Symbol, Any]]:
        """The net that fits the arrays, and every named value; of the backward pass where the output is a scalar or its signal is given."""
        from algebra2net.faces.numbers import traced

        given = dict(arrays)
        if "delta" in self.inputs:
            given |= {} if delta is None else {"delta": delta}
            delta = given.pop("delta_", None)
        net, bound = self._bound(given)
        functions = load(net.source)
        inputs = {symbol(name): matrix for name, matrix in bound.matrices.items()}
        found = traced(net.code(), functions, inputs)
        if net._derived_or_none is not None and (net._seed is None or delta is not None):
            signal = {} if net._seed is None else {net.backprop.inputs[-1]: net._signal(delta, bound)}
            found |= traced(net.code(derived=True), functions, inputs | signal)
        return net, found

    def _repr_html_(self) -> str:
        return self._page({}).fragment()

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from algebra2net.faces.notebook import bundle

        return bundle(self._page({}), self.sheet(80), self._repr_latex_(), include, exclude)


def _code_of(net: ref[Net], name: str, sizes: Mapping[str, int]) -> Callable[..., Any]:
    """The generated function of a net whose method is being called."""
    found = net()
    assert found is not None
    return found._code(name, sizes)


def _lowered(source: str, options: _Options) -> Lowered:
    statements = list(read(source, options.notation, options.dialect))
    if options.loss is not None:
        statements += _loss(options.loss, statements, options.dialect)
    named = {size for name, shape in options.shapes.items() for size in _shape(name, shape) if isinstance(size, str)}
    return lower(statements, options.dialect == "matlab", named - {names.key(name) for name in options.shapes})


def _loss(typed: str, statements: Sequence[Statement], dialect: str | None) -> Iterable[Statement]:
    """The equation that is appended. Raises NotationError for a loss that is not said of what."""
    defined = [name.key for statement in statements if isinstance(statement, Equation) for name in statement.names]
    function = known(typed.strip())
    if function in OPERATORS and OPERATORS[function].family == "losses" and names.key(typed.strip()) not in defined:
        target = next(name for name in ("y", "t") if name not in defined[-1:])
        raise NotationError(f"{typed.strip()} is a function", Span(typed, 0, len(typed)), f"say of what: {typed.strip()}({(defined or ['out'])[-1]}, {target})")
    is_equation = "=" in typed.replace("==", "").replace("axis=", "").replace("eps=", "")
    return read(typed if is_equation else f"L = {typed}", "auto", dialect)


def _declared(declarations: Sequence[Declaration]) -> list[Known]:
    return [Known(d.name.key, d.sizes, "declared", d.span) for d in declarations]


def _given(shapes: Mapping[str, Any], lowered: Lowered) -> list[Known]:
    program = lowered.program
    inside = {name.name for name in (*program.inputs, *(e.name for e in program.equations))}
    facts = []
    for spelled, shape in shapes.items():
        name = names.key(spelled)
        if name not in inside:
            hint = nearest(spelled, inside)
            raise ShapeError(f"shapes: there is no {spelled} in the program", None, hint or f"its names are {', '.join(sorted(n for n in inside if not n.startswith('_')))}")
        facts.append(Known(name, _shape(spelled, shape), "shapes"))
    return facts


def _shape(name: str, shape: Any) -> tuple[Dimension, ...]:
    """A shape as the user gives it: 3, (3, 4), "3x4", ("B", 784), "n"."""
    typed = shape
    if isinstance(shape, str):
        is_pair = any(c.isdigit() for c in shape) or "×" in shape or " x " in shape or re.fullmatch(r"[^\W\d]x[^\W\d]", shape)
        words = [word.strip() for word in shape.replace("×", "x").split("x")] if is_pair else [shape]
        shape = tuple(int(word) if word.isdecimal() else word for word in words)
    sizes = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    fine = all((isinstance(s, Integral) and not isinstance(s, bool) and int(s) >= 0) or (isinstance(s, str) and _SIZE.fullmatch(s)) for s in sizes)
    if not fine or len(sizes) > 2:
        raise ShapeError(f"shapes: {name} cannot be {typed!r}", None, 'a shape is a width (3), rows and columns ((3, 4) or "3x4"), or has names for sizes (("B", 784))')
    return tuple(int(s) if isinstance(s, Integral) else s for s in sizes)


def _opened(backprop: Program) -> Program:
    """A derived program with macros opened, and the shapes of what that brought."""
    if not has_macros(backprop):
        return backprop
    opened = expand(backprop)
    shapes = dict(backprop.shapes)
    for equation in opened.equations:
        if equation.name not in shapes:
            shapes[equation.name] = result_shape(equation.value, shapes)
    return opened.with_equations(opened.equations, shapes=shapes)


def _folded(value: Expr, steps: Mapping[Expr, Expr]) -> Expr:
    """An expression with the steps that it is made of put in; steps are small by then."""
    value = steps.get(value, value)
    return value.func(*(_folded(arg, steps) for arg in value.args)) if value.args else value


def _ways_to_lie(found: Arguments) -> Iterator[dict[str, tuple[int, ...]]]:
    """The shapes of arrays: first with the lengths of vectors alone, whichever way they lie, then with each as a row or a column."""
    vectors = [name for name, shape in found.originals.items() if len(shape) == 1 and shape != (1,)]
    matrices = {name: matrix.shape for name, matrix in found.matrices.items()}
    yield matrices | {name: found.originals[name] for name in vectors}
    for ways in itertools.islice(itertools.product((False, True), repeat=len(vectors)), WAYS_TRIED):
        yield matrices | {name: found.originals[name] + (1,) if is_column else (1, *found.originals[name]) for name, is_column in zip(vectors, ways, strict=True)}


def _as_given(grad: Any, shape: tuple[int, ...] | None, dtype: Any) -> Any:
    """A gradient in the shape of the array that it belongs to."""
    import numpy as np

    array = np.asarray(grad, dtype=dtype)
    return array if shape is None else array.reshape(shape)
