"""What the functions of NumPy, SciPy, PyTorch and JAX are called here, and how those are read that are called in a way of their own.

In    a call: the function's word, where it comes from, its arguments
Out   the value that it computes, as the notation has it
Idea  two tables: FUNCTIONS, words that differ from ours for functions that are called alike, and SPECIAL, what has
      to be said in another way. A word in neither is a function of the notation's own

What means something else there than here is refused, not guessed: the 2-norm of a matrix, the variance of a sample,
SciPy's softmax over everything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from algebra2net.errors import NotationError, Span, nearest
from algebra2net.notation import Call, Name, Number, Value
from algebra2net.operators import OPERATORS, known, spellings
from algebra2net.python_expressions import CONDITIONS, NONE, Argument, Expressions, Items, Literal, Meaning, Path, Shape, items_in, whole
from algebra2net.python_text import short
from algebra2net.python_values import VECTORS, Options

# Words of theirs that differ from ours; what is called the same is not listed.
FUNCTIONS = {
    word: operator
    for operator, words in {
        "plus": "add", "minus": "subtract sub", "times": "multiply mul", "divide": "divide true_divide div", "neg": "negative neg", "power": "power float_power pow",
        "product": "dot matmul mm bmm", "dot": "vdot", "abs": "abs absolute fabs", "sigmoid": "expit", "lgamma": "gammaln", "silu": "swish", "outer": "ger",
        "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
        "maximum": "fmax clamp_min", "minimum": "fmin clamp_max", "round": "rint", "hard_tanh": "hardtanh", "hard_sigmoid": "hardsigmoid",
        "sum": "reduce_sum", "mean": "reduce_mean average", "max": "amax reduce_max", "min": "amin reduce_min", "prod": "reduce_prod", "logsumexp": "reduce_logsumexp",
        "lt": "less lt", "le": "less_equal le", "gt": "greater gt", "ge": "greater_equal ge", "eq": "equal eq", "ne": "not_equal ne",
        "mse": "mse_loss", "mae": "l1_loss", "huber": "huber_loss", "bce": "binary_cross_entropy", "bce_logits": "binary_cross_entropy_with_logits",
    }.items()
    for word in words.split()
}  # fmt: skip
# What reading may write without its word being there: a function of the user's that is called so gets another name.
WRITTEN = {
    "abs", "clip", "concat", "det", "dropout", "exp", "eye", "inv", "log", "logdet", "maximum", "minimum", "norm", "ones", "reciprocal", "sign", "size", "sqrt", "square",
    "stack", "transpose", "where", "zeros",
}  # fmt: skip

_REDUCTIONS = {"sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "norm"}
_KEYWORDS = {"negative_slope": "a", "alpha": "a", "delta": "d", "weight": "gamma", "bias": "beta", "input": "x", "target": "y"}
_WITHOUT_EFFECT = {"dtype", "keepdims", "keepdim", "copy", "order", "casting", "subok", "device", "requires_grad", "inplace"}
_AXIS = "axis=0 and axis=1 belong to sum, mean, max …"
_KEYWORD_HINTS = {"out": "give the result a name: y = …", "where": "np.where(c, x, 0)", "reduction": "write the sum or the mean out", "axis": _AXIS, "dim": _AXIS}
_RANDOM = {"rand", "randn", "randint", "random", "random_sample", "normal", "standard_normal", "uniform", "permutation", "shuffle", "choice", "bernoulli", "default_rng"}
_UNSUPPORTED = {
    **dict.fromkeys(("argmax", "argmin", "argsort", "sort", "topk"), "it has no gradient and is no part of the notation; x == np.max(x, axis=1) marks the largest of each row"),
    **dict.fromkeys(("einsum", "tensordot"), "write the products out: A @ B, np.sum(A * B)"), "matrix_power": "write the product out: A @ A",
    **dict.fromkeys(("arange", "linspace", "meshgrid", "loadtxt", "load", "empty"), "leave the line out: what it makes is an input then"),
    **dict.fromkeys(("tile", "repeat", "broadcast_to", "expand"), "rows, columns and scalars are repeated where they meet a matrix: leave it out"),
    **dict.fromkeys(("pad", "roll", "flip", "cumsum", "cumprod", "convolve", "conv1d", "conv2d", "take", "gather", "one_hot", "fft"), "it is not part of the notation yet"),
    **dict.fromkeys(("svd", "eig", "eigh", "eigvals", "qr", "cholesky", "pinv", "lstsq"), "of the factorisations the notation has inv, solve, det and logdet"),
    **dict.fromkeys(("detach", "stop_gradient", "no_grad", "backward", "grad"), "algebra2net derives the gradients itself: type the forward pass"),
    **dict.fromkeys(("Linear", "Conv2d", "Sequential", "ReLU", "Module", "Parameter", "Embedding"), "write what the layer computes: x @ W + b"),
    **dict.fromkeys(("any", "all", "isnan", "isinf", "isclose", "allclose"), "it is no part of a forward pass"), "nll_loss": "nll(logp, y), with y one-hot",
    **dict.fromkeys(("range", "zip", "enumerate", "map", "list", "reduce"), "write out each layer as a line of its own"),
}  # fmt: skip


@dataclass(eq=False)
class Given:
    """A call: the function's word, its `home` (a library's path, `method`, or nothing for a bare name), its arguments."""

    reader: Expressions
    node: ast.Call
    shown: str
    home: str
    word: str
    placed: list[Argument]
    worded: dict[str, Argument]

    @property
    def span(self) -> Span:
        """The whole call."""
        return self.reader.text.span(self.node)

    @property
    def sign(self) -> Span:
        """The function's name."""
        return self.reader.text.span(self.node.func)

    @property
    def is_bare(self) -> bool:
        """Called by its name alone, as in the notation."""
        return not self.home

    def at(self, found: Argument | None) -> Span:
        """Where an argument stands; the call, where there is none."""
        return self.span if found is None else self.reader.text.span(found[1])

    def take(self, *parameters: str) -> list[Argument | None]:
        """The arguments by the parameters that they belong to, each `name|another name`."""
        if len(self.placed) > len(parameters):
            usage = f"{self.word}({', '.join(p.split('|')[0] for p in parameters)})"
            raise NotationError(f"{self.shown} takes at most {len(parameters)} argument{'s' * (len(parameters) > 1)} here", self.at(self.placed[len(parameters)]), usage)
        taken: list[Argument | None] = [*self.placed, *[None] * (len(parameters) - len(self.placed))]
        for word, found in self.worded.items():
            place = next((k for k, p in enumerate(parameters) if word in p.split("|")), None)
            if place is not None and taken[place] is None:
                taken[place] = found
            elif word not in _WITHOUT_EFFECT:
                raise self.takes_no(word, found)
        return taken

    def takes_no(self, word: str, found: Argument) -> NotationError:
        """What is to be said of an argument that does not belong here."""
        return NotationError(f"{self.shown} takes no {word} here", self.at(found), _KEYWORD_HINTS.get(word, f"leave {word} out"))

    def value(self, found: Argument | None) -> Value:
        """An argument that must be there, as a value."""
        if found is None:
            raise NotationError(f"{self.shown} needs a value", self.span, f"{self.shown}(x)")
        return self.reader.value(*found)

    def axis(self, found: Argument | None) -> int | None:
        """0, 1, or None for everything."""
        if found is None or found[0] == NONE:
            return None
        axes = [whole(item) for item in found[0].items] if isinstance(found[0], Items) else [whole(found[0])]
        if not axes or any(axis is None or not -2 <= axis < 2 for axis in axes):
            raise NotationError("a matrix has the axes 0 and 1", self.at(found), "axis=0 goes down the rows, axis=1 along each row")
        chosen = {axis % 2 for axis in axes if axis is not None}
        return chosen.pop() if len(chosen) == 1 else None

    def flag(self, found: Argument | None) -> bool:
        """True or False, as it is written."""
        if found is None:
            return False
        if not (isinstance(found[0], Literal) and isinstance(found[0].value, bool)):
            raise NotationError("this must be True or False as it stands", self.at(found), "keepdims=True")
        return found[0].value

    def make(self, function: str, *arguments: Value, options: Options = (), lies: str = "") -> Call:
        """A node in place of this call."""
        return self.reader.make(function, arguments, self.span, self.sign, options, lies)

    def entrywise(self, function: str, *arguments: Value, options: Options = ()) -> Call:
        """A node for each entry, in place of this call."""
        return self.reader.entrywise(function, arguments, self.span, self.sign, options)


def computed(given: Given) -> Meaning:
    """What a call computes of a function that is not the user's."""
    word = given.word
    if ".random." in given.home or word in _RANDOM:
        raise NotationError("random numbers are no part of a forward pass", given.span, "leave the line out: what it makes is an input then")
    if word in SPECIAL:
        return SPECIAL[word](given)
    operator = known(word) or FUNCTIONS.get(word) if given.is_bare else FUNCTIONS.get(word) or known(word)
    if operator is None or word in _UNSUPPORTED or (OPERATORS[operator].internal and word not in FUNCTIONS and not OPERATORS[operator].slope_of):
        raise no_function(given.shown, word, given.sign)
    if operator in _REDUCTIONS:
        return _reduction(given, operator)
    return _operator(given, operator)


def is_function(word: str) -> bool:
    """Whether a library or the notation has a function of that name."""
    return word in FUNCTIONS or word in SPECIAL or known(word) is not None


def no_function(shown: str, word: str, span: Span, more: Iterable[str] = ()) -> NotationError:
    """What is to be said of an unknown function."""
    close = nearest(word, [*more, *spellings(), *FUNCTIONS, *SPECIAL])
    before = shown[: len(shown) - len(word)]
    hint = _UNSUPPORTED.get(word) or (close.replace("did you mean ", f"did you mean {before}") if close else f"define it: def {word}(x): return …")
    return NotationError(f"there is no function {short(shown)}", span, hint)


def _operator(given: Given, name: str) -> Call:
    """A call of the table's operator; arguments by word go where they belong."""
    record = OPERATORS[name]
    values = [given.value(found) for found in given.placed]
    options: list[tuple[str, Value]] = []
    for word, found in given.worded.items():
        if _KEYWORDS.get(word, word) in record.operands[len(values) : len(values) + 1]:
            values.append(given.value(found))
        elif word in record.options:
            options.append((word, given.value(found)))
        elif not (word in _WITHOUT_EFFECT or (word == "reduction" and found[0] == Literal("mean"))):
            raise given.takes_no(word, found)
    if name == "product":
        if len(values) != 2:
            raise NotationError(f"{given.shown} takes two values", given.span, "x.dot(W), np.dot(x, W)")
        return given.reader.product(values[0], values[1], given.span, given.sign)
    call = (given.entrywise if record.elementwise else given.make)(name, *values, options=tuple(options))
    return given.reader.condition(call) if name in CONDITIONS else call


# ------------------------------------------------------------------------------------------ what goes down or along rows


def _reduction(given: Given, operator: str) -> Value:
    """sum, mean, norm …: without keepdims NumPy has a vector or a number afterwards."""
    of_two = OPERATORS[operator].with_two if len(given.placed) == 2 else ""
    if of_two and (given.is_bare or (given.home.startswith("torch") and whole(given.placed[1][0]) is None)):
        return _operator(given, of_two)
    x, axis, keepdims, order, ddof = "x|a|input|array|input_tensor", "axis|dim", "keepdims|keepdim", "order|ord|p", "ddof|correction|unbiased"
    if operator == "norm" and not given.is_bare:
        found, order_found, along, keeps, _ = given.take(x, order, axis, keepdims, ddof)
    else:
        found, along, keeps, order_found, _ = given.take(x, axis, keepdims, order, ddof)
    if operator in ("var", "std"):
        _must_be_population(given, given.worded.get(next((word for word in ddof.split("|") if word in given.worded), "")))
    value, chosen = given.value(found), given.axis(along)
    if given.reader.is_vector(value):  # its one axis is all of it
        chosen = None
    options: list[tuple[str, Value]] = [] if chosen is None else [("axis", Number(str(chosen), given.at(along)))]
    options += _norm_order(given, order_found, chosen is None and not given.reader.is_flat(value))
    lies = "" if given.flag(keeps) else "scalar" if chosen is None else VECTORS[chosen]
    return given.make(operator, value, options=tuple(options), lies=lies)


def _must_be_population(given: Given, found: Argument | None) -> None:
    """The notation's variance is that of the population; PyTorch's is not, unless it is told."""
    if found is None and not given.home.startswith("torch"):
        return
    if found is None or not (found[0] == Literal(False) or whole(found[0]) == 0):
        raise NotationError("the variance here is that of the population", given.at(found), "ddof=0 (NumPy), correction=0 (PyTorch), or multiply by n / (n - 1)")


def _norm_order(given: Given, found: Argument | None, is_of_matrix: bool) -> Options:
    if found is None or found[0] in (NONE, Literal("fro")):
        return ()
    is_infinite = (isinstance(found[0], Path) and found[0].word == "inf") or (isinstance(found[1], ast.Name) and found[1].id == "inf")
    order = "inf" if is_infinite else str(whole(found[0]))
    span = given.at(found)
    if order not in ("1", "2", "inf") or (is_of_matrix and not given.is_bare and not given.home.startswith("torch")):
        others = "np.linalg.norm(A) is the root of the sum of squares; np.abs(A).sum() and np.abs(A).max() are the others"
        raise NotationError(f"of a matrix, NumPy means another norm by {short(span.text)}", span, others)
    return () if order == "2" else (("order", Name("inf", span) if order == "inf" else Number("1", span)),)


def _rows(given: Given) -> Value:
    """softmax, log_softmax, F.normalize: along each row; of each column by transposing twice."""
    if given.word == "normalize":
        found, order, along = given.take("x|input", "p", "dim|axis")
        if order is not None and not _is_one_of(order, 2):
            raise NotationError(f"{given.shown} divides by the root of the sum of squares", given.at(order), "x / np.abs(x).sum(axis=1, keepdims=True)")
    else:
        found, along = given.take("x|a|input|logits", "axis|dim")
    value = given.value(found)
    if given.reader.is_vector(value):
        return given.make(given.word, given.reader.laid(value, "row"), lies="row")
    axis = 1 if along is None else given.axis(along)
    if axis is None or (along is None and given.home.startswith("scipy")):
        raise NotationError(f"without an axis, {given.shown} is over all entries", given.span, f"{given.shown}(x, axis=1) is along each row")
    return given.make(given.word, value) if axis == 1 else given.make("transpose", given.make(given.word, given.make("transpose", value)))


# ------------------------------------------------------------------------------------------------- blocks and matrices


def _concatenated(given: Given) -> Value:
    """np.concatenate: one below the other unless axis=1; NumPy's vectors end to end."""
    if given.is_bare and given.placed and not isinstance(given.placed[0][0], Items):
        return given.reader.joined([given.value(found) for found in given.placed], "concat", given.span, given.sign)
    found, along = given.take("arrays|tensors|seq", "axis|dim")
    axis = 0 if along is None else given.axis(along)
    blocks = given.reader.values_in(*found) if found else []
    if blocks and all(given.reader.is_vector(block) for block in blocks):
        blocks, axis = [given.reader.laid(block, "row") for block in blocks], 1
    if axis is None:
        raise NotationError("a matrix is made of blocks side by side or on top of each other", given.span, "np.concatenate([a, b], axis=1) or axis=0")
    return given.reader.joined(blocks, "concat" if axis else "stack", given.span, given.sign)


def _blocks(function: str, way: str) -> Callable[[Given], Value]:
    """hstack, vstack, column_stack: blocks, vectors of NumPy's laid that way."""

    def joined(given: Given) -> Value:
        if given.is_bare and len(given.placed) > 1:
            values = [given.value(found) for found in given.placed]
        else:
            (found,) = given.take("arrays|tup|tensors")
            values = given.reader.values_in(*found) if found else []
        return given.reader.joined([given.reader.laid(value, way) for value in values], function, given.span, given.sign)

    return joined


def _stacked(given: Given) -> Value:
    """The notation's stack(a, b); NumPy's makes an axis more."""
    if given.is_bare and given.placed and not isinstance(given.placed[0][0], Items):
        return _blocks("stack", "row")(given)
    raise NotationError(f"{given.shown} makes an axis more than a matrix has", given.span, "np.vstack([a, b]) puts blocks on top of each other, np.hstack([a, b]) side by side")


def _block(given: Given) -> Value:
    (found,) = given.take("arrays")
    if found is None or not isinstance(found[0], Items):
        raise NotationError(f"{given.shown} takes lists of blocks", given.span, "np.block([[A, B], [C, D]])")
    return _matrix(given, found[0], found[1])


def _matrix(given: Given, items: Items, node: ast.expr) -> Value:
    """`[[a, b], [c, d]]`: rows on top of each other."""
    rows = items_in(items, node)
    if not any(isinstance(item, Items) for item, _ in rows):
        return given.reader.joined(given.reader.values_in(items, node), "concat", given.at((items, node)))
    return given.reader.joined([given.reader.joined(given.reader.values_in(*row), "concat", given.at(row)) for row in rows], "stack", given.at((items, node)))


def _chain(given: Given) -> Value:
    """np.linalg.multi_dot."""
    (found,) = given.take("arrays|tensors")
    first, *rest = (given.reader.values_in(*found) if found else []) or [given.value(None)]
    for value in rest:
        first = given.reader.product(first, value, given.span, given.sign)
    return first


def _size_in(given: Given, found: Argument) -> Value:
    """A size: a number, the name of one, or one that follows from where the matrix stands."""
    value = given.value(found)
    if isinstance(value, Number) and not value.text.isdecimal():
        raise NotationError(f"{value.text} is no size", value.span, "a size is a whole number")
    return value if isinstance(value, Number | Name) else Name(_FOLLOWS, value.span)


_FOLLOWS = "one"  # the operators' word for such a size


def _identity(given: Given) -> Value:
    """np.eye(n), np.identity(n)."""
    found, columns, diagonal = given.take("N|n", "M|m", "k")
    if found is None or columns is not None or not _is_one_of(diagonal, 0):
        raise NotationError(f"{given.shown} takes one size here", given.span, "np.eye(n) is the identity matrix")
    size = _size_in(given, found)
    return given.make("eye", *([] if isinstance(size, Name) and size.key == _FOLLOWS else [size]))


def _filled(given: Given) -> Value:
    """ones, zeros, full, and those that are like another value."""
    found = [*given.placed, *(given.worded[word] for word in ("shape", "fill_value") if word in given.worded)]
    if not found:
        raise NotationError(f"{given.shown} needs a shape", given.span, f"{given.shown}((3, 4))")
    shape, is_full = found[0], given.word.startswith("full")
    made: Value
    if given.word.endswith("_like") or isinstance(shape[0], Shape):
        like = shape[0].of if isinstance(shape[0], Shape) else given.value(shape)
        made = given.entrywise("ne" if given.word.startswith("zeros") else "eq", like, like)
    else:
        sizes = _sizes(given, items_in(*shape) if isinstance(shape[0], Items) else found[:1] if is_full else found)  # type: ignore[arg-type]
        made = given.make("zeros" if given.word == "zeros" else "ones", *sizes) if sizes else Number("0" if given.word == "zeros" else "1", given.span)
    return given.entrywise("times", given.value(found[-1]), made) if is_full else made


def _sizes(given: Given, found: Sequence[Argument]) -> list[Value]:
    """The two sizes of a shape; one is that of a row."""
    if len(found) > 2:
        raise NotationError("a matrix has two sizes", given.span, f"{given.shown}((3, 4))")
    sizes = [_size_in(given, each) for each in found]
    return [Number("1", sizes[0].span), *sizes] if len(sizes) == 1 else sizes


def _count(given: Given) -> Meaning:
    """len(x), np.size(x), np.shape(x), PyTorch's x.size(0)."""
    found, along = given.take("x|a|input", "axis|dim")
    value = given.value(found)
    if given.word == "shape" or (given.word == "size" and given.home == "method" and along is None):
        return Shape(value)
    if given.word == "size" and along is None:
        return given.make("size", value, lies="scalar")
    return given.reader.size(value, 0 if given.word == "len" else given.axis(along), given.span)


# ------------------------------------------------------------------------------------- what leaves the value as it is


def _same(given: Given) -> Value:
    """np.array(x), x.copy(), x.astype(float): the value itself."""
    if not given.placed:
        return given.value(None)
    found, *rest = given.placed
    value = _matrix(given, found[0], found[1]) if isinstance(found[0], Items) else given.value(found)
    kinds = [meaning.value if isinstance(meaning, Literal) else meaning.word if isinstance(meaning, Path) else "" for meaning, _ in (*rest, *given.worded.values())]
    if any(isinstance(kind, str) and re.match(r"u?int|bool|long", kind) for kind in (*kinds, given.word)) and not given.reader.is_condition(value):
        raise NotationError("a whole number has no slope", given.span, "np.floor(x), np.round(x)")
    return value


def _transposed(given: Given) -> Value:
    found, *axes = given.take("x|a|input", "axes|axis1|dim0", "axis2|dim1")
    order = [whole(item) for axis in axes if axis for item in (axis[0].items if isinstance(axis[0], Items) else (axis[0],))]
    as_tuple = any(isinstance(axis[0], Items) for axis in axes if axis)  # NumPy's own way; two axes apart are PyTorch's, to swap
    swaps = given.word == "swapaxes" or given.home.startswith("torch") or not as_tuple
    if order not in ([], [1, 0], [-1, -2]) and not (swaps and order in ([0, 1], [-2, -1])):
        raise NotationError("a matrix is transposed in one way", given.span, "x.T")
    return given.reader.transpose(given.value(found), given.span, given.sign)


def _reshaped(given: Given) -> Value:
    """A vector of NumPy's as a row or a column; nothing else changes its shape."""
    if not given.placed:
        return given.value(None)
    found, *sizes = given.placed
    value, shown = given.value(found), short(given.at(found).text)
    numbers = [whole(item) for meaning, _ in (*sizes, *given.worded.values()) for item in (meaning.items if isinstance(meaning, Items) else (meaning,))]
    if given.word in ("reshape", "view"):
        way = "same" if numbers == [-1] else "column" if numbers[1:] == [1] else "row" if len(numbers) == 2 and numbers[0] == 1 else ""
    else:
        way = "same" if given.word in ("ravel", "flatten") else "column" if numbers in ([1], [-1]) else "row" if numbers in ([0], [-2]) else ""
    if way and given.reader.is_vector(value):
        return value if way == "same" else given.reader.laid_out(value, way)
    raise NotationError(f"{given.shown} changes a shape, which no value here does", given.span, f"a row or a column is a matrix already: write {shown}, or {shown}.T")


# -------------------------------------------------------------------------------------------- what is written out, or in part


def _is_one_of(found: Argument | None, *numbers: float) -> bool:
    """Whether an argument is left out, or one of these numbers."""
    return found is None or (isinstance(found[0], Number) and float(found[0].text) in numbers)


def _only(operator: str, parameters: Sequence[str], settled: Mapping[str, float | str], hint: str) -> Callable[[Given], Value]:
    """A function whose further arguments must be what they are here."""

    def call(given: Given) -> Value:
        found = given.take(*parameters, *settled)
        for (word, setting), each in zip(settled.items(), found[len(parameters) :], strict=True):
            if each is not None and each[0] != Literal(setting) and not (isinstance(setting, int | float) and _is_one_of(each, setting)):
                raise NotationError(f"{given.shown} takes no other {word.split('|')[0]} here", given.at(each), hint)
        values = [given.value(each) for each in found[: len(parameters)]]
        return (given.entrywise if OPERATORS[operator].elementwise else given.make)(operator, *values)

    return call


def _by_definition(text: str, *parameters: str) -> Callable[[Given], Value]:
    """A function that is written out here: a Python expression of its parameters."""
    body = ast.parse(text, mode="eval").body

    def call(given: Given) -> Value:
        meaning = {parameter.split("|")[0]: given.value(found) for parameter, found in zip(parameters, given.take(*parameters), strict=True)}

        def build(node: ast.expr) -> Value:  # as deep as the texts in the table below
            match node:
                case ast.Name(id=name):
                    return meaning[name]
                case ast.Constant(value=number):
                    return Number(str(number), given.span)
                case ast.Call(func=ast.Name(id=name), args=arguments):
                    return given.entrywise(name, *(build(argument) for argument in arguments))
                case ast.Attribute(value=of):
                    return given.reader.transpose(build(of), given.span, given.sign)
                case ast.BinOp(op=ast.MatMult(), left=left, right=right):
                    return given.reader.product(build(left), build(right), given.span, given.sign)
                case ast.BinOp(op=op, left=left, right=right):
                    return given.entrywise(_WRITTEN_SIGNS[type(op)], build(left), build(right))
            raise AssertionError(text)

        return build(body)

    return call


_WRITTEN_SIGNS: Mapping[type[ast.operator], str] = {ast.Add: "plus", ast.Sub: "minus", ast.Mult: "times", ast.Div: "divide", ast.Pow: "power"}


def _logarithm(given: Given) -> Value:
    found, base = given.take("x|a|input", "base")
    logarithm = given.entrywise("log", given.value(found))
    return given.entrywise("divide", logarithm, given.entrywise("log", given.value(base))) if base else logarithm


def _clipped(given: Given) -> Value:
    """np.clip, torch.clamp: a bound may be missing."""
    found, low, high = given.take("x|a|input", "lo|a_min|min", "hi|a_max|max")
    bounds = {name: given.value(bound) for name, bound in (("maximum", low), ("minimum", high)) if bound is not None and bound[0] != NONE}
    if not bounds:
        raise NotationError(f"{given.shown} needs a bound", given.span, f"{given.word}(x, 0, 1)")
    operator = "clip" if len(bounds) == 2 else next(iter(bounds))
    return given.entrywise(operator, given.value(found), *bounds.values())


def _masked(given: Given) -> Value:
    """x.masked_fill(mask, value)."""
    found, mask, value = given.take("x|input", "mask", "value")
    return given.entrywise("where", given.value(mask), given.value(value), given.value(found))


def _divergence(given: Given) -> Value:
    """F.kl_div(log q, p, reduction="batchmean") is kl(p, q)."""
    found, target, reduction = given.take("q|input", "p|target", "reduction")
    if reduction is None or reduction[0] != Literal("batchmean"):
        raise NotationError(f"{given.shown} is read as the sum of each row, and the mean of these", given.span, 'F.kl_div(log_q, p, reduction="batchmean")')
    return given.make("kl", given.value(target), given.entrywise("exp", given.value(found)), lies="scalar")


def _linear(given: Given) -> Value:
    """F.linear(x, W, b) is x Wᵀ + b."""
    found, weight, bias = given.take("x|input", "weight", "bias")
    product = given.reader.product(given.value(found), given.make("transpose", given.value(weight)), given.span, given.sign)
    return product if bias is None or bias[0] == NONE else given.entrywise("plus", product, given.value(bias))


def _gelu(given: Given) -> Value:
    """JAX approximates unless it is told not to, PyTorch the other way round."""
    found, approximate = given.take("x|input", "approximate")
    kind = approximate[0] if approximate else Literal(given.home.startswith("jax"))
    return given.entrywise("gelu_tanh" if kind in (Literal("tanh"), Literal(True)) else "gelu", given.value(found))


def _slogdet(given: Given) -> Meaning:
    (found,) = given.take("a|A|input")
    value = given.value(found)
    return Items((given.make("sign", given.make("det", value), lies="scalar"), given.make("logdet", value, lies="scalar")))


def _noise(given: Given) -> Value:
    found, share, training = given.take("x|input", "p|rate", "training")
    if training is not None and training[0] != Literal(True):
        raise NotationError("dropout without noise is its argument", given.span, "leave dropout out, or training=True")
    return given.make("dropout", given.value(found), given.value(share) if share else Number("0.5", given.span))


def _layer_norm(given: Given) -> Value:
    if not given.home.startswith("torch"):
        return _operator(given, "layernorm")
    found, _, weight, bias, eps = given.take("x|input", "normalized_shape", "weight", "bias", "eps")
    if bias is not None and weight is None:
        raise NotationError("a bias alone has no place in layernorm", given.span, "F.layer_norm(x, shape, weight, bias)")
    return given.make("layernorm", *(given.value(each) for each in (found, weight, bias) if each is not None), options=(("eps", given.value(eps)),) if eps else ())


def _conditions(operator: str) -> Callable[[Given], Value]:
    """np.logical_and and its like."""

    def call(given: Given) -> Value:
        values = [given.value(found) for found in given.placed]
        if len(values) != 1 + (operator != "minus") or not all(given.reader.is_condition(value) for value in values):
            raise NotationError(f"{given.shown} joins what is True or False alone", given.span, f"{given.shown}({'x > 0, x < 1' if operator != 'minus' else 'x > 0'})")
        return given.reader.condition(given.entrywise(operator, *([Number("1", given.span)] if operator == "minus" else []), *values))

    return call


_DIAGONAL = "the notation knows the main diagonal alone"
SPECIAL: Mapping[str, Callable[[Given], Meaning]] = {
    word: meaning
    for words, meaning in {
        "softmax log_softmax normalize": _rows, "masked_fill": _masked, "kl_div": _divergence, "concatenate concat cat": _concatenated, "hstack": _blocks("concat", "row"), "column_stack": _blocks("concat", "column"),
        "vstack row_stack": _blocks("stack", "row"), "stack": _stacked, "block": _block, "multi_dot chain_matmul": _chain, "clip clamp": _clipped, "eye identity": _identity,
        "ones zeros full ones_like zeros_like full_like": _filled, "len size shape": _count, "log": _logarithm, "linear": _linear, "gelu": _gelu, "slogdet": _slogdet,
        "array asarray asanyarray ascontiguousarray atleast_2d copy clone astype type float int bool float32 float64 double": _same,
        "tensor as_tensor from_numpy squeeze item numpy cpu to contiguous": _same, "dropout": _noise, "layer_norm": _layer_norm,
        "transpose swapaxes permute t matrix_transpose": _transposed, "reshape view ravel flatten expand_dims unsqueeze": _reshaped,
        "inner": _by_definition("a @ b.T", "a|input", "b|other"), "hypot": _by_definition("sqrt(square(a) + square(b))", "a|x1", "b|x2"),
        "exp2": _by_definition("2 ** x", "x|input"), "rsqrt": _by_definition("1 / sqrt(x)", "x|input"), "logit": _by_definition("log(x / (1 - x))", "x|input"),
        "logaddexp": _by_definition("log(exp(a) + exp(b))", "a|x1|input", "b|x2|other"), "trace": _only("trace", ["A|a|input"], {"offset": 0}, _DIAGONAL),
        "tril": _only("tril", ["A|m|input"], {"k|diagonal": 0}, _DIAGONAL), "triu": _only("triu", ["A|m|input"], {"k|diagonal": 0}, _DIAGONAL),
        "diag diagonal": _only("diag", ["x|v|a|input"], {"k|offset|diagonal": 0}, _DIAGONAL), "round around": _only("round", ["x|a|input"], {"decimals": 0}, "round(10 * x) / 10"),
        "heaviside": _only("step", ["x|x1"], {"h|x2|values": 0}, "at 0, step is 0"),
        "softplus": _only("softplus", ["x|input"], {"beta": 1, "threshold": 20}, "softplus(b * x) / b"),
        "smooth_l1_loss": _only("huber", ["p|input", "y|target"], {"beta": 1, "reduction": "mean"}, "F.huber_loss(p, y)"),
        "logical_and": _conditions("times"), "logical_or": _conditions("maximum"), "logical_not": _conditions("minus"),
    }.items()
    for word in words.split()
}  # fmt: skip
