"""NumPy code for a forward pass → the tree.

In    Python: statements, or the source of one function with the functions that it calls; nothing of it is executed
Out   the statements that the same program in plain notation gives, every node with its span
Idea  Python's own `ast` says how the code hangs together; each expression is read children first, by a stack of our
      own, into what it means: a value, a function, a list of blocks, a shape

Every value of the notation is a matrix, so `keepdims` changes nothing, and `axis=-1` is 1. Only of what a reduction
without `keepdims` leaves is it known that NumPy has a vector there: `a.sum(axis=1)[:, None]` is the column that it
already is, and `[None, :]` turns it. `x ** -1` is 1 / x in NumPy, and so it is here. A name that is assigned again
stands for its last value, the values before get numbers; `self.W` and `params["W"]` are the name W.
"""

from __future__ import annotations

import ast
import bisect
import keyword
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from algebra2net import names
from algebra2net.errors import NotationError, Span, nearest
from algebra2net.notation import Call, Definition, Equation, Name, Number, Statement, Value
from algebra2net.operators import OPERATORS, known, spellings

LONGEST = 1 << 20  # characters
MOST_TOKENS = 1 << 17  # Python takes a kilobyte for each
LARGEST = 5_000  # nodes in the body of a function, its local names opened

# The functions of NumPy, SciPy, PyTorch and JAX that have another name here. What is called the same is not listed.
FUNCTIONS = {
    word: operator
    for operator, words in {
        "plus": "add", "minus": "subtract sub", "times": "multiply mul", "divide": "divide true_divide div", "neg": "negative neg", "power": "power float_power pow",
        "product": "dot matmul mm bmm", "dot": "vdot", "abs": "abs absolute fabs", "sigmoid": "expit", "lgamma": "gammaln", "relu": "relu_", "silu": "swish",
        "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
        "maximum": "maximum fmax clamp_min", "minimum": "minimum fmin clamp_max", "round": "rint", "hard_tanh": "hardtanh", "hard_sigmoid": "hardsigmoid",
        "sum": "reduce_sum", "mean": "reduce_mean average", "max": "amax reduce_max", "min": "amin reduce_min", "prod": "reduce_prod", "logsumexp": "reduce_logsumexp",
        "lt": "less lt", "le": "less_equal le", "gt": "greater gt", "ge": "greater_equal ge", "eq": "equal eq", "ne": "not_equal ne",
        "inv": "inv inverse", "outer": "outer ger",
        "mse": "mse_loss", "mae": "l1_loss", "huber": "huber_loss smooth_l1_loss", "bce": "binary_cross_entropy", "bce_logits": "binary_cross_entropy_with_logits",
    }.items()
    for word in words.split()
}  # fmt: skip
_REDUCTIONS = {"sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "norm"}
_KEYWORDS = {"negative_slope": "a", "alpha": "a", "delta": "d", "beta": "d", "condition": "c", "weight": "gamma", "bias": "beta"}
_ROOTS = {
    "np": "numpy", "numpy": "numpy", "math": "math", "jnp": "jax.numpy", "jax": "jax", "torch": "torch", "F": "torch.nn.functional", "nn": "torch.nn",
    "scipy": "scipy", "sp": "scipy", "special": "scipy.special", "anp": "autograd.numpy", "cp": "cupy", "cupy": "cupy", "tf": "tensorflow",
}  # fmt: skip
_SIGNS = {ast.Add: ("plus", "+"), ast.Sub: ("minus", "-"), ast.Mult: ("times", "*"), ast.MatMult: ("product", "@"), ast.Div: ("divide", "/"), ast.Pow: ("power", "**")}
_COMPARISONS = {ast.Lt: ("lt", "<"), ast.LtE: ("le", "<="), ast.Gt: ("gt", ">"), ast.GtE: ("ge", ">="), ast.Eq: ("eq", "=="), ast.NotEq: ("ne", "!=")}
_CONDITIONS = {name for name, _ in _COMPARISONS.values()}
_WRITTEN = {"abs", "concat", "dropout", "exp", "eye", "inv", "log", "logdet", "maximum", "minimum", "norm", "ones", "reciprocal", "sign", "size", "stack", "transpose", "where", "zeros"}


# What stands for something only when the code runs, and other things that no network's algebra has.
_RANDOM = {"rand", "randn", "randint", "random", "random_sample", "normal", "standard_normal", "uniform", "permutation", "shuffle", "choice", "bernoulli", "randperm", "default_rng"}
_WITHOUT_EFFECT = {"dtype", "keepdims", "keepdim", "copy", "order", "casting", "subok", "device", "requires_grad", "inplace"}
_KEYWORD_HINTS = {"out": "give the result a name: y = …", "where": "np.where(c, x, 0)", "reduction": "write the sum or the mean out", "axis": "axis=0 and axis=1 belong to sum, mean, max …", "dim": "axis=0 and axis=1 belong to sum, mean, max …"}
_DECORATORS = {"jit", "njit", "vectorize", "staticmethod", "classmethod", "compile"}
_UNSUPPORTED = {
    **dict.fromkeys(("argmax", "argmin", "argsort", "sort", "topk"), "it has no gradient and is no part of the notation; x == np.max(x, axis=1) marks the largest of each row"),
    **dict.fromkeys(("einsum", "tensordot"), "write the products out: A @ B, np.sum(A * B)"), "matrix_power": "write the product out: A @ A",
    **dict.fromkeys(("arange", "linspace", "meshgrid", "loadtxt", "load", "empty"), "leave the line out: what it makes is an input then"),
    **dict.fromkeys(("tile", "repeat", "broadcast_to", "expand"), "rows, columns and scalars are repeated where they meet a matrix: leave it out"),
    **dict.fromkeys(("pad", "roll", "flip", "cumsum", "cumprod", "convolve", "correlate", "conv1d", "conv2d", "take", "gather", "one_hot", "fft"), "it is not part of the notation yet"),
    **dict.fromkeys(("svd", "eig", "eigh", "eigvals", "qr", "cholesky", "pinv", "lstsq"), "of the factorisations the notation has inv, solve, det and logdet"),
    **dict.fromkeys(("detach", "stop_gradient", "no_grad", "backward", "grad"), "algebra2net derives the gradients itself: type the forward pass"),
    **dict.fromkeys(("Linear", "Conv2d", "Sequential", "ReLU", "Module", "Parameter", "Embedding"), "write what the layer computes: x @ W + b"),
    **dict.fromkeys(("any", "all", "isnan", "isinf", "isclose", "allclose"), "it is no part of a forward pass"), "nll_loss": "nll(logp, y), with y one-hot",
    **dict.fromkeys(("range", "zip", "enumerate", "map", "list", "reduce"), "write out each layer as a line of its own"),
}  # fmt: skip
_LOOP = ("loops are not read: a program is one forward pass", "write out each layer as a line of its own")
_IF = ("what runs under an if, only a running program knows", "leave the lines that are meant, or write np.where(x > 0, x, 0)")
_STATEMENTS: dict[type[ast.stmt], tuple[str, str]] = {
    ast.For: _LOOP, ast.AsyncFor: _LOOP, ast.While: _LOOP, ast.If: _IF, ast.Match: _IF, ast.Return: ("this returns nothing", "return the value of the network"),
    ast.With: ("with is no part of a forward pass", "leave the lines inside it, one step to the left"), ast.Try: ("try is no part of a forward pass", "leave the lines inside it, one step to the left"),
    ast.ClassDef: ("a class is not read", "paste its forward function alone; self.W is the name W there"), ast.Raise: ("raise is no part of a forward pass", "leave the line out"),
    ast.AsyncFunctionDef: ("an async function is not read", "def forward(x, W): return x @ W"),
}  # fmt: skip
_COMPREHENSION = ("a comprehension is a loop, and loops are not read", "write out each value; sums are np.sum(x, axis=1)")
_TEXT = ("a text is no value", "leave it out")
_EXPRESSIONS: dict[type[ast.expr], tuple[str, str]] = {
    ast.ListComp: _COMPREHENSION, ast.SetComp: _COMPREHENSION, ast.DictComp: _COMPREHENSION, ast.GeneratorExp: _COMPREHENSION, ast.JoinedStr: _TEXT,
    ast.Lambda: ("a function inside an expression is not read", "give it a name: f = lambda x: x * 2"), ast.NamedExpr: ("this names a value inside another", "give it a line of its own: h = x @ W"),
    ast.Dict: ("a dictionary is no value", "give each value a name of its own"), ast.Set: ("a set is no value", "a value is a number or a matrix"), ast.Starred: ("a star stands for any number of values", "write each value"),
    ast.Await: ("await is no part of a forward pass", "leave it out"), ast.Yield: ("yield is no part of a forward pass", "return the value"), ast.YieldFrom: ("yield is no part of a forward pass", "return the value"),
}  # fmt: skip
_REFUSED_SIGNS: dict[type[ast.operator], tuple[str, str, str]] = {
    ast.BitXor: ("^", "^ is no power in Python", "a power is written x**2"), ast.Mod: ("%", "remainders are not part of the notation", "x - d * np.floor(x / d)"),
    ast.FloorDiv: ("//", "// is not part of the notation", "np.floor(x / d)"), ast.LShift: ("<<", "<< is not part of the notation", "x * 2**n"), ast.RShift: (">>", ">> is not part of the notation", "x / 2**n"),
}  # fmt: skip


def read_python(source: str) -> tuple[Statement, ...]:
    """The statements of NumPy code: its helper functions, then its equations.

    `axis=-1` is 1 and `keepdims` is accepted without effect, since every value is a matrix here.
    Raises NotationError where the code cannot be meant as a forward pass.
    """
    text = _Text(source)
    return _Program(text, _parsed(text)).statements()


def looks_like_python(source: str) -> bool:
    """Whether `source` is Python rather than plain notation or LaTeX; what means the same in both may be either."""
    if len(source) > LONGEST or re.search(r"\\[A-Za-z]{2}|\$", code := _QUIET.sub(" ", source)):
        return False
    if _SURE.search(code):
        return True
    return any(_is_likely(line) for line in code.split("\n")) and _parses(source)


_QUIET = re.compile(r'#[^\n]*|"""[^"]*"""|"[^"\n]*"')
_SURE = re.compile(
    r"""^[ \t]*(?:def[ ]+\w+[ ]*\( | import[ ]+\w | from[ ]+[\w.]+[ ]+import\b | return\b | assert\b | print[ ]*\( | @\w+ [ \t]*$ | (?:for|while|if|with|class)\b[^\n=]*:[ \t]*(?:$|\#))
      | \blambda\s+\w+(?:\s*,\s*\w+)*\s*:
      | \b[^\W\d]\w*(?:\([^()\n]*\)|\[[^\[\]\n]*\])?\.(?!(?:T|dot)\b)[A-Za-z_]\w*
      | [)\]]\.(?!(?:T|dot)\b)[A-Za-z_]\w*
      | [-+*/@]=(?!=)""",
    re.MULTILINE | re.VERBOSE,
)
_LIKELY = re.compile(r"\*\*|//|\w\[|\bkeepdims\b|\belse\b")


def _is_likely(line: str) -> bool:
    return _LIKELY.search(line) is not None or (".T" in line and "@" in line)


def _parses(source: str) -> bool:
    try:
        _parsed(_Text(source))
    except NotationError:
        return False
    return True


# ------------------------------------------------------------------------------------------- the source and its places


class _Text:
    """The source, and the way from Python's lines and bytes back to its characters."""

    def __init__(self, source: str) -> None:
        self.source = source
        breaks = [match.span() for match in re.finditer(r"\r\n|\r|\n", source)]
        self.starts = [0, *(stop for _, stop in breaks)]
        self.lines = [source[start:stop] for start, stop in zip(self.starts, [*(start for start, _ in breaks), len(source)], strict=True)]
        self.margins = [len(line) - len(line.lstrip(" \t\f\ufeff")) for line in self.lines]
        first = next((m for line, m in zip(self.lines, self.margins, strict=True) if line[m : m + 1] not in ("", "#")), 0)
        self.cut = [min(first, margin) for margin in self.margins]  # what is taken off the front of each line
        self._bytes: dict[int, Sequence[int]] = {}  # of each line, the byte that each character starts at

    def code(self) -> str:
        """What Python reads: an indented program moved to the left."""
        return "\n".join(line[cut:] for line, cut in zip(self.lines, self.cut, strict=True))

    def at(self, line: int, byte: int) -> int:
        """The character at a line, from 1, and a byte of it, from 0."""
        place = min(max(line, 1), len(self.lines)) - 1
        if place not in self._bytes:
            text = self.lines[place][self.cut[place] :]
            self._bytes[place] = range(len(text) + 1) if text.isascii() else [0, *accumulate(len(character.encode("utf8")) for character in text)]
        ends = self._bytes[place]
        return self.starts[place] + self.cut[place] + min(byte if isinstance(ends, range) else bisect.bisect_left(ends, byte), len(ends) - 1)

    def character(self, line: int, character: int) -> int:
        """The character at a line, from 1, and a character of it, from 0."""
        place = min(max(line, 1), len(self.lines)) - 1
        return self.starts[place] + min(self.cut[place] + max(character, 0), len(self.lines[place]))

    def start_of(self, line: int) -> Span:
        """The first character of a line, from 1, that is no space."""
        place = min(max(line, 1), len(self.lines)) - 1
        start = self.starts[place] + self.margins[place]
        return Span(self.source, start, min(start + 1, len(self.source)))

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.arg) -> Span:
        """Where `node` stands."""
        return Span(self.source, self.at(node.lineno, node.col_offset), self.at(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset))

    def word(self, node: ast.stmt | ast.expr) -> Span:
        """The first word of `node`: of a loop, its `for`."""
        start = self.span(node).start
        match = re.compile(r"\w+|.", re.DOTALL).match(self.source, start)
        return Span(self.source, start, match.end() if match else start)

    def between(self, left: ast.expr, right: ast.expr, sign: str) -> Span:
        """The operator sign between two operands."""
        start, stop = self.span(left).stop, self.span(right).start
        match = re.compile(r"(?:#[^\n]*|(?!" + re.escape(sign) + r")[^#])*?(" + re.escape(sign) + ")").match(self.source, start, stop)
        return Span(self.source, *match.span(1)) if match else Span(self.source, start, stop)


def _parsed(text: _Text) -> ast.Module:
    """Python's own tree. Its errors are translated; no text is deep or long enough to bring it down."""
    source = text.source
    if len(source) > LONGEST or (len(source) > MOST_TOKENS and sum(1 for _ in re.finditer(r"\w+|[^\w\s]", source)) > MOST_TOKENS):
        raise NotationError("this program is too long", None, f"at most {LONGEST:,} characters and {MOST_TOKENS:,} words and signs are read")
    strange = re.search("[\0\ud800-\udfff]", source)
    if strange:
        raise _strange(strange[0], Span(source, *strange.span()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return ast.parse(text.code())
            except IndentationError as error:
                if "unexpected indent" not in error.msg or any(re.search(r":\s*(#.*)?$", line) for line in text.lines):
                    raise
                text.cut = text.margins  # equations, each on a line of its own: how far to the right means nothing
                return ast.parse(text.code())
    except SyntaxError as error:
        raise _syntax(error, text) from None
    except (RecursionError, MemoryError):
        longest = max(range(len(text.lines)), key=lambda place: len(text.lines[place]))
        raise NotationError("this is nested too deeply", text.start_of(longest + 1), "give the inner values names of their own, on lines of their own") from None


_SIGN_HINTS = {
    **dict.fromkeys("∘⊙", "an elementwise product is written *"), **dict.fromkeys("·⋅", "a matrix product is written @"), "×": "a product is written * (elementwise) or @ (of matrices)",
    "−": "a minus is written -", **dict.fromkeys("≤≥≠", "comparisons are written <=, >= and !="), **dict.fromkeys("ᵀ⊤′’", "a transpose is written x.T"), "√": "write np.sqrt(x)",
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "a power is written x**2, an inverse np.linalg.inv(A)"), **dict.fromkeys("∑Σ", "write np.sum(x)"), **dict.fromkeys("“”‘", "names and numbers need no quotes"),
    **dict.fromkeys("₀₁₂₃₄₅₆₇₈₉", "Python writes W_0 for W₀"), "\0": "take it away", "$": 'this looks like LaTeX: notation="latex" reads it',
}  # fmt: skip


def _strange(character: str, span: Span) -> NotationError:
    named = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    shown = f"{character} ({named})" if character.isprintable() else f"an invisible character ({named})"
    return NotationError(f"{shown} means nothing in Python", span, _SIGN_HINTS.get(character, 'notation="plain" reads the signs of mathematics'))


# What Python says of a text that it cannot read, what we say, and the way out; \1 is what stands in brackets on the left.
_SYNTAX = [
    (r"'(.)' was never closed", r"this \1 is never closed", "close it"),
    (r"unmatched '(.)'", r"this \1 closes nothing", "take it away, or open it"),
    (r"closing parenthesis '(.)' does not match opening parenthesis '(.)'", r"\2 is closed by \1", "close what was opened last first"),
    (r"unterminated (?:triple-quoted )?(?:string|f-string).*", "this quote is never closed", "a transpose is written x.T in Python"),
    (r"invalid (?:decimal|hexadecimal|octal|binary|imaginary) literal|leading zeros.*", "this is no number", "a product has a sign in Python: 2 * x; a name starts with a letter"),
    (r"cannot assign to function call.*", "a function is not defined with = alone", "def relu(x): return np.maximum(0, x)"),
    (r"cannot assign to .*|.* is an illegal expression for .*", "an equation needs a name before its =", "name what it computes: y = x @ W"),
    (r"expected ':'", "a : is missing here", "def forward(x, W): return x @ W"),
    (r"expected an indented block.*", "the lines of a function are indented", "def forward(x, W): return x @ W"),
    (r"unexpected indent", "this line stands further right than the one before it", "start every statement in the same column"),
    (r"unindent does not match.*|inconsistent use of tabs.*", "this line stands in no column that a line before it stands in", "start every statement in the same column, with spaces alone"),
    (r"unexpected character after line continuation.*", r"a \\ ends its line", 'this looks like LaTeX: notation="latex" reads it'),
    (r"too many nested parentheses|too many levels.*|.*too complex.*", "this is nested too deeply", "give the inner values names of their own, on lines of their own"),
    (r"Exceeds the limit.*|.*int string conversion.*", "this number is too long", "a float64 has 17 digits: 1.5e300"),
    (r"(.*null bytes?.*)", "an invisible character (null) means nothing in Python", "take it away"),
    (r"Missing parentheses in call.*", "this is Python 2", "print(x), or leave the line out"),
    (r"expected 'else'.*", "an if without its else is no value", "np.where(condition, a, b)"),
    (r"positional argument follows keyword.*", "an argument without a name cannot follow one with a name", "np.sum(x, axis=1)"),
]  # fmt: skip


def _syntax(error: SyntaxError, text: _Text) -> NotationError:
    """Python's SyntaxError in our words, at its place."""
    line, said = error.lineno or 1, error.msg or "invalid syntax"
    start = text.character(line, (error.offset or 1) - 1)
    stop = text.character(error.end_lineno or line, (error.end_offset or 1) - 1)
    span = Span(text.source, start, max(start + 1, stop) if start < len(text.source) else start)
    if isinstance(error, IndentationError):
        span = text.start_of(line)
    number = re.search(r"\d{4301,}", text.source)
    if said.startswith("Exceeds the limit") and number:
        span = Span(text.source, *number.span())
    character = re.fullmatch(r"invalid (?:non-printable )?character.*", said) and text.source[start : start + 1]
    if character:
        return _strange(character, Span(text.source, start, start + 1))
    for pattern, message, hint in _SYNTAX:
        match = re.fullmatch(pattern, said, re.DOTALL)
        if match:
            return NotationError(match.expand(message), span, hint)
    return _misplaced(span, text)


def _misplaced(span: Span, text: _Text) -> NotationError:
    """Why Python cannot go on at `span`, where all it says is that the syntax is invalid."""
    product = "a product has a sign in Python: x @ W of matrices, x * y entry by entry"
    before = re.search(r"(\w+|\S)[ \t]*$", text.source[max(0, span.start - 200) : span.start])
    previous = before[1] if before and not re.search(r"#[^\n]*$", text.source[max(0, span.start - 200) : span.start]) else ""
    if previous == ">" and ">>>" in text.source or span.text.startswith(">>"):
        return NotationError(">>> is no part of a program", span, "paste the lines without their prompts")
    if span.text.startswith("`"):
        return NotationError("` is no part of a program", span, "paste the code without the marks around it")
    if re.match(r"[\w.)\]]+[ \t]+[\w(]", span.text):
        return NotationError(f"a sign or a comma is missing in {_short(span.text)}", span, product)
    if keyword.iskeyword(previous) and previous not in ("return", "and", "or", "not", "in", "is", "if", "else"):
        return NotationError(f"{previous} is a word of Python's own", span, f"give the value another name: {previous}_")
    if re.match(r"\w|\(", span.text) and re.match(r"[\w)\]]", previous):
        return NotationError(f"a sign is missing between {previous} and {_short(span.text)}", span, product)
    if previous and re.match(r"[-+*/@=,(\[<>.]", previous) and not re.match(r"\w", span.text):
        place = f" before {_short(span.text)}" if span.text.strip() else ""
        return NotationError(f"a value is missing after {previous}{place}", span, "type what belongs there, or take the sign away")
    shown = _short(span.text) if span.text.strip() else "the end of the line"
    return NotationError(f"{shown} cannot stand here", span, "Python cannot read this")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


# --------------------------------------------------------------------------------------------- what an expression means


@dataclass(frozen=True, slots=True)
class _Path:
    """Something of a library: `numpy.linalg.inv`."""

    path: str

    @property
    def word(self) -> str:
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class _Function:
    """What is called without a library: a function by its bare name, or a method of `owner`."""

    word: str
    owner: Value | None = None


@dataclass(frozen=True, slots=True)
class _Items:
    """`[a, b]`, `(a, b)`: no value by itself."""

    items: tuple[_Meaning, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """`x.shape`."""

    of: Value


@dataclass(frozen=True, slots=True)
class _Literal:
    """What is neither a value nor a function: a text, True, None, `:`, the name of a type."""

    value: object


_Meaning = Value | _Path | _Function | _Items | _Shape | _Literal
_ALL = _Literal(slice(None))


@dataclass(slots=True)
class _Fact:
    """What is known of a node besides what it says: its size, and how it lies where NumPy has a vector or a number."""

    node: Value
    weight: int
    lies: str = ""  # "row", "column", "scalar"; "" for a matrix, or where nobody knows
    is_condition: bool = False  # NumPy has True and False there


@dataclass(eq=False)
class _Given:
    """The arguments of a call, by place and by word, each with its node."""

    node: ast.Call
    shown: str
    home: str
    word: str
    placed: list[tuple[_Meaning, ast.expr]]
    worded: dict[str, tuple[_Meaning, ast.expr]]

    @property
    def is_bare(self) -> bool:
        """Called by its name alone, as in the notation: not a library's, nobody's method."""
        return not self.home


class _Expressions:
    """Reads expressions, children first. What a symbol stands for is the program's to say (`symbol`, `function`)."""

    def __init__(self, text: _Text) -> None:
        self.text = text
        self.facts: dict[int, _Fact] = {}
        self.lies: dict[str, str] = {}  # of named values
        self.most = 0  # nodes that a value may have; 0 for any number

    def symbol_of(self, node: ast.AST) -> str | None:
        """The symbol that `W`, `self.W`, `params["W"]` is, if it is one."""
        raise NotImplementedError

    def meaning_of(self, symbol: str, node: ast.expr, role: str) -> _Meaning:
        """What a symbol stands for; `role` is `()` where it is called and `.T` where its T is asked for."""
        raise NotImplementedError

    def own_call(self, word: str, given: _Given) -> Call | None:
        """The call of a function of the user's, if `word` is one."""
        raise NotImplementedError

    def read(self, root: ast.expr) -> _Meaning:
        """What an expression means, by a stack of our own: no depth of the code is a depth of ours."""
        waiting: list[tuple[ast.expr, str, int]] = [(root, "", -1)]
        read: list[_Meaning] = []
        while waiting:
            node, role, count = waiting.pop()
            if count < 0:
                parts = self._parts(node)
                waiting.append((node, role, len(parts)))
                waiting.extend((part, part_role, -1) for part, part_role in reversed(parts))
            else:
                start = len(read) - count
                read[start:] = [self._meaning(node, role, read[start:])]
        return read[0]

    def value(self, meaning: _Meaning, node: ast.expr) -> Value:
        """`meaning` where a value is needed."""
        if isinstance(meaning, Number | Name | Call):
            return meaning
        shown = _short(self.text.span(node).text)
        match meaning:
            case _Path(path=path):
                return self._constant(path, node)
            case _Function():
                raise NotationError(f"{shown} is a function", self.text.span(node), f"call it: {shown}(x)")
            case _Shape():
                raise NotationError(f"{shown} is a pair of sizes", self.text.span(node), f"{shown}[0] counts the rows, {shown}[1] the columns")
            case _Items():
                raise NotationError("a list is no value here", self.text.span(node), "np.concatenate([a, b], axis=1) puts blocks side by side, np.array([[1, 2], [3, 4]]) is a matrix of numbers")
        raise NotationError(f"{shown} is no value here", self.text.span(node), "write 1 or 0" if isinstance(meaning.value, bool) else "a value is a number or a matrix")

    def _constant(self, path: str, node: ast.expr) -> Value:
        span = self.text.span(node)
        match path.rpartition(".")[2]:
            case "pi":
                return self.pi(span)
            case "e":
                return self.make("exp", [Number("1", span)], span)
            case "inf" | "Inf" | "infty":
                raise NotationError("infinity is no number here", span, "write a large one, 1e9, or leave the masked entries out")
            case "nan" | "NaN":
                raise NotationError("nan is no number here", span)
        word, shown = path.rpartition(".")[2], _short(span.text)
        if word in FUNCTIONS or word in _SPECIAL or known(word):
            raise NotationError(f"{shown} is a function", span, f"call it: {shown}(x)")
        raise NotationError(f"there is no {shown}", span, "of a library's values there are np.pi and np.e")

    def pi(self, span: Span) -> Value:
        """The constant."""
        return Name("pi", span)

    # nodes of the tree

    def make(self, function: str, arguments: Sequence[Value], span: Span, sign: Span | None = None, options: tuple[tuple[str, Value], ...] = (), lies: str = "") -> Call:
        """A call, with what is known of it."""
        call = Call(function, tuple(arguments), span, options, sign)
        weight = 1 + sum(self.facts[id(a)].weight if id(a) in self.facts else 1 for a in arguments)
        if self.most and weight > self.most:
            raise NotationError("this function opens into too much", span, "write its lines out, as statements of the program")
        self.facts[id(call)] = _Fact(call, weight, lies)
        return call

    def entrywise(self, function: str, arguments: Sequence[Value], span: Span, sign: Span | None = None, options: tuple[tuple[str, Value], ...] = ()) -> Call:
        """An operator on entries. Where NumPy has two vectors, they lie the same way."""
        lying = [self.lying(a) for a in arguments]
        way = next((way for way in lying if way in ("row", "column")), "scalar")
        if "row" in lying and "column" in lying:
            arguments = [self.laid(a, way) for a in arguments]
        known_all = all(lies in ("row", "column", "scalar") for lies in lying)
        return self.make(function, arguments, span, sign, options, way if known_all else "")

    def lying(self, value: Value) -> str:
        """How a value lies where NumPy has a vector (`row`, `column`) or a number (`scalar`); nothing for a matrix."""
        if isinstance(value, Number):
            return "scalar"
        if isinstance(value, Name):
            return self.lies.get(value.key, "")
        fact = self.facts.get(id(value))
        return fact.lies if fact else ""

    def laid(self, value: Value, way: str) -> Value:
        """A vector of NumPy's as a row or a column; what is none stays."""
        return self.make("transpose", [value], value.span, lies=way) if self.lying(value) in ("row", "column") and self.lying(value) != way else value

    def as_matrix(self, value: Value) -> Value:
        """The same value, where NumPy has two dimensions from now on."""
        if isinstance(value, Call):
            return self.make(value.function, value.arguments, value.span, value.sign, value.options)
        return value

    def product(self, left: Value, right: Value, span: Span, sign: Span | None = None) -> Call:
        """The matrix product; a vector on the left is a row, on the right a column."""
        lies = self.lying(left), self.lying(right)
        if "scalar" in lies:
            return self.make("product", (left, right), span, sign, lies=lies[0] if lies[1] == "scalar" else lies[1])
        way = "scalar" if all(lies) else "row" if lies[0] else "column" if lies[1] else ""
        return self.make("product", (self.laid(left, "row"), self.laid(right, "column")), span, sign, lies=way)

    def condition(self, call: Call) -> Call:
        """`call`, marked as True and False."""
        self.facts[id(call)].is_condition = True
        return call

    def is_condition(self, value: Value) -> bool:
        """Whether NumPy has True and False there, which are 1 and 0 here."""
        return id(value) in self.facts and self.facts[id(value)].is_condition

    # nodes of Python's tree

    def _parts(self, node: ast.expr) -> list[tuple[ast.expr, str]]:
        """The expressions that `node` is made of, with the part that each plays."""
        if self.symbol_of(node) is not None:
            return []
        match node:
            case ast.Constant():
                return []
            case ast.Attribute(value=value, attr=attribute):
                return [(value, "." + attribute)]
            case ast.Call(func=function, args=arguments, keywords=words):
                for argument in [*arguments, *words]:
                    if isinstance(argument, ast.Starred) or (isinstance(argument, ast.keyword) and argument.arg is None):
                        raise NotationError("an argument with a star stands for any number of values", self.text.span(argument), "write each argument")
                return [(function, "()"), *((argument, "") for argument in arguments), *((word.value, "") for word in words)]
            case ast.BinOp(left=left, right=right):
                return [(left, ""), (right, "")]
            case ast.UnaryOp(operand=operand):
                return [(operand, "")]
            case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
                return [(value, "") for value in values]
            case ast.Compare(left=left, comparators=others):
                if len(others) > 1:
                    raise NotationError("two comparisons in one", self.text.span(node), "compare two values at a time: (a < b) * (b < c)")
                return [(left, ""), (others[0], "")]
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return [(test, ""), (body, ""), (otherwise, "")]
            case ast.Subscript(value=value, slice=place):
                return [(value, "[]"), (place, "")]
            case ast.Slice(lower=lower, upper=upper, step=step):
                return [(part, "") for part in (lower, upper, step) if part is not None]
        message, hint = _EXPRESSIONS.get(type(node), ("this is no value", "write an expression of numbers, names and functions"))
        raise NotationError(message, self.text.span(node), hint)

    def _meaning(self, node: ast.expr, role: str, parts: list[_Meaning]) -> _Meaning:
        """What `node` means, from what its parts mean."""
        symbol = self.symbol_of(node)
        if symbol is not None:
            return self.meaning_of(symbol, node, role)
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Attribute():
                return self._attribute(node, role, parts[0])
            case ast.Call():
                return self._called(node, parts)
            case ast.BinOp():
                return self._binary(node, self.value(parts[0], node.left), self.value(parts[1], node.right))
            case ast.UnaryOp():
                return self._unary(node, self.value(parts[0], node.operand))
            case ast.BoolOp(values=values):
                return self._both(node, [self.value(part, value) for part, value in zip(parts, values, strict=True)])
            case ast.Compare():
                return self._comparison(node, parts)
            case ast.IfExp():
                return self._choice(node, parts)
            case ast.Subscript():
                return self._subscript(node, *parts)
            case ast.Slice():
                return _Literal("a:b") if parts else _ALL
        return _Items(tuple(parts))

    def _literal(self, node: ast.Constant) -> _Meaning:
        span = self.text.span(node)
        if isinstance(node.value, bool) or not isinstance(node.value, int | float | complex):
            return _Literal(node.value)
        if isinstance(node.value, complex):
            raise NotationError("complex numbers are not part of the notation", span)
        text = span.text.replace("_", "")
        return Number(text if re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) else repr(node.value), span)

    def _attribute(self, node: ast.Attribute, role: str, of: _Meaning) -> _Meaning:
        span, word = self.text.span(node), node.attr
        match of:
            case _Path(path=path):
                return _Literal(None) if word == "newaxis" else _Path(f"{path}.{word}")
            case Number() | Name() | Call() if role == "()":
                return _Function(word, of)
            case Number() | Name() | Call() if word in ("T", "mT"):
                return of if self.lying(of) else self.make("transpose", [of], span, self._end(node))
            case Number() | Name() | Call() if word == "shape":
                return _Shape(of)
            case Number() | Name() | Call() if word == "size":
                return self.make("size", [of], span, lies="scalar")
        shown = _short(self.text.span(node.value).text)
        if isinstance(of, _Literal | _Function):
            raise NotationError(f"{shown} is no value", self.text.span(node.value), "write it without the name before the point")
        hint = nearest(word, ["T", "shape", "size"]) or _UNSUPPORTED.get(word) or "of a value one may write .T, .shape[0], .size and call .dot, .sum, .mean …"
        raise NotationError(f"there is no .{word} of a value", self._end(node), hint)

    def _end(self, node: ast.Attribute) -> Span:
        """The word after the point."""
        stop = self.text.span(node).stop
        return Span(self.text.source, stop - len(node.attr), stop)

    def _binary(self, node: ast.BinOp, left: Value, right: Value) -> Value:
        span = self.text.span(node)
        if type(node.op) in _SIGNS:
            function, sign = _SIGNS[type(node.op)]
            at = self.text.between(node.left, node.right, sign)
            if function == "product":
                return self.product(left, right, span, at)
            return self._power(left, right, span, at) if function == "power" else self.entrywise(function, (left, right), span, at)
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            return self._both(node, [left, right])
        sign, message, hint = _REFUSED_SIGNS[type(node.op)]
        raise NotationError(message, self.text.between(node.left, node.right, sign), hint)

    def _power(self, base: Value, exponent: Value, span: Span, sign: Span | None) -> Value:
        """A power of each entry, of -1 too: the notation's x^-1 is the inverse matrix."""
        if isinstance(base, Call) and base.function == "exp" and isinstance(base.arguments[0], Number) and base.span.text.endswith("e"):
            return self.entrywise("exp", [exponent], span, sign)
        turned = exponent.arguments[0] if isinstance(exponent, Call) and exponent.function == "neg" else None
        if not isinstance(turned, Number) or float(turned.text) != int(float(turned.text)):
            return self.entrywise("power", (base, exponent), span, sign)
        if float(turned.text) == 1:
            return self.entrywise("reciprocal", [base], span, sign)
        return self.entrywise("divide", (Number("1", span), self.entrywise("power", (base, turned), span, sign)), span, sign)

    def _unary(self, node: ast.UnaryOp, value: Value) -> Value:
        span = self.text.span(node)
        if isinstance(node.op, ast.UAdd):
            return value
        if isinstance(node.op, ast.USub):
            return self.entrywise("neg", [value], span, Span(span.source, span.start, span.start + 1))
        if not self.is_condition(value):
            raise NotationError(f"{_short(span.text)} turns what is True or False alone", span, "a minus turns a number; ~(x > 0) turns a comparison")
        return self.condition(self.entrywise("minus", (Number("1", span), value), span))

    def _both(self, node: ast.BoolOp | ast.BinOp, values: Sequence[Value]) -> Value:
        """Conditions that hold all, or one of which holds."""
        span, is_and = self.text.span(node), isinstance(node.op, ast.And | ast.BitAnd)
        if not all(self.is_condition(value) for value in values):
            raise NotationError(f"{_short(span.text)} joins what is True or False alone", span, "join comparisons, in parentheses: (x > 0) & (x < 1)")
        joined, *rest = values
        for value in rest:
            joined = self.condition(self.entrywise("times" if is_and else "maximum", (joined, value), span))
        return joined

    def _comparison(self, node: ast.Compare, parts: list[_Meaning]) -> Value:
        if type(node.ops[0]) not in _COMPARISONS:
            raise NotationError("is and in ask for what only a running program knows", self.text.span(node), "compare values: x == y, x > 0")
        function, sign = _COMPARISONS[type(node.ops[0])]
        values = self.value(parts[0], node.left), self.value(parts[1], node.comparators[0])
        return self.condition(self.entrywise(function, values, self.text.span(node), self.text.between(node.left, node.comparators[0], sign)))

    def _choice(self, node: ast.IfExp, parts: list[_Meaning]) -> Value:
        test, body, otherwise = (self.value(part, child) for part, child in zip(parts, (node.test, node.body, node.orelse), strict=True))
        if not self.is_condition(test):
            raise NotationError("which of the two it is, only a running program knows", self.text.span(node.test), "write the one that is meant, or compare: np.where(x > 0, x, 0)")
        return self.entrywise("where", (test, body, otherwise), self.text.span(node))

    def _subscript(self, node: ast.Subscript, of: _Meaning, place: _Meaning) -> _Meaning:
        """`x.shape[0]`, `v[:, None]`, `np.c_[a, b]`; no entries and no slices."""
        span = self.text.span(node)
        if isinstance(of, _Path) and of.word == "c_":
            return self.joined([self.laid(v, "column") for v in self.values_of(place, node.slice)], "concat", span)
        if isinstance(of, _Shape):
            return self.size(of.of, _whole(place), span)
        if isinstance(of, _Items) and (count := _whole(place)) is not None and -len(of.items) <= count < len(of.items):
            return of.items[count]
        if isinstance(of, Number | Name | Call):
            places = place.items if isinstance(place, _Items) else (place,)
            if all(p in (_ALL, _Literal(...)) for p in places) and len(places) < 3:
                return of
            if self.lying(of) in ("row", "column") and places in ((_ALL, _Literal(None)), (_Literal(None), _ALL), (_Literal(None),)):
                return self.as_matrix(self.laid(of, "column" if places[0] == _ALL else "row"))
            if _Literal(None) in places:
                raise NotationError("every value is a matrix already", span, f"write {_short(self.text.span(node.value).text)}, or its .T where a column is a row")
        raise NotationError("entries and slices are not part of the notation yet", span, "give the part that you need a name of its own: it is an input")

    def size(self, of: Value, axis: int | None, span: Span) -> Call:
        """How many rows or columns a value has; of a vector of NumPy's, how many entries."""
        if axis is None or not -2 <= axis < 2:
            raise NotationError("a matrix has two sizes", span, "x.shape[0] counts the rows, x.shape[1] the columns")
        if self.lying(of) in ("row", "column"):
            return self.make("size", [of], span, lies="scalar")
        return self.make("size", [of], span, None, (("axis", Number(str(axis % 2), span)),), "scalar")

    def values_of(self, meaning: _Meaning, node: ast.expr) -> list[Value]:
        """The values in a list."""
        if not isinstance(meaning, _Items):
            return [self.value(meaning, node)]
        nodes = node.elts if isinstance(node, ast.Tuple | ast.List) else [node] * len(meaning.items)
        return [self.value(item, child) for item, child in zip(meaning.items, nodes, strict=True)]

    def joined(self, blocks: Sequence[Value], function: str, span: Span, sign: Span | None = None) -> Value:
        """Blocks side by side (`concat`) or on top of each other (`stack`)."""
        if not blocks:
            raise NotationError("there are no blocks here", span, "np.concatenate([a, b], axis=1)")
        return self.make(function, blocks, span, sign) if len(blocks) > 1 else blocks[0]

    # calls

    def _called(self, node: ast.Call, parts: list[_Meaning]) -> _Meaning:
        function, *rest = parts
        placed = list(zip(rest, node.args, strict=False))
        worded = {word.arg or "": (part, word.value) for part, word in zip(rest[len(placed) :], node.keywords, strict=True)}
        shown = "".join(self.text.span(node.func).text.split())
        match function:
            case _Function(word=word, owner=None):
                given = _Given(node, shown, "", word, placed, worded)
                return self.own_call(word, given) or self._apply(given)
            case _Function(word=word, owner=owner) if owner is not None:
                assert isinstance(node.func, ast.Attribute)
                return self._apply(_Given(node, "." + word, "method", word, [(owner, node.func.value), *placed], worded))
            case _Path(path=path):
                return self._apply(_Given(node, shown, path, path.rpartition(".")[2], placed, worded))
        raise NotationError(f"{_short(shown)} is a value, not a function", self.text.span(node.func), "a product is written x @ W of matrices, x * y entry by entry")

    def _apply(self, given: _Given) -> _Meaning:
        """The call of a function that is not the user's."""
        word = given.word
        operator = known(word) if given.is_bare else FUNCTIONS.get(word) or known(word)
        operator = operator or FUNCTIONS.get(word)
        if ".random." in given.home or word in _RANDOM:
            raise NotationError("random numbers are no part of a forward pass", self.text.span(given.node), "leave the line out: what it makes is an input then")
        special = _SPECIAL.get(word)
        if special is not None:
            return special(self, given)
        if operator is None or word in _UNSUPPORTED or (OPERATORS[operator].internal and word not in FUNCTIONS and not OPERATORS[operator].slope_of):
            raise self.no_function(given.shown, word, self.text.span(given.node.func))
        if operator in _REDUCTIONS:
            return _reduction(self, given, operator)
        return self.operator(operator, given)

    def no_function(self, shown: str, word: str, span: Span, more: Iterable[str] = ()) -> NotationError:
        """What is to be said of an unknown function."""
        close = nearest(word, [*more, *spellings(), *FUNCTIONS, *_SPECIAL])
        prefix = shown[: len(shown) - len(word)]
        hint = _UNSUPPORTED.get(word) or (close.replace("did you mean ", f"did you mean {prefix}") if close else f"define it: def {word}(x): return …")
        return NotationError(f"there is no function {_short(shown)}", span, hint)

    def operator(self, name: str, given: _Given, arguments: Sequence[Value] | None = None) -> Call:
        """A call of the table's operator, as the notation has it; arguments by word go where they belong."""
        record, span = OPERATORS[name], self.text.span(given.node)
        values = list(arguments) if arguments is not None else [self.value(meaning, node) for meaning, node in given.placed]
        options: list[tuple[str, Value]] = []
        for word, (meaning, node) in given.worded.items() if arguments is None else ():
            place = _KEYWORDS.get(word, word) if word not in record.operands else word
            if place in record.operands[len(values) : len(values) + 1]:
                values.append(self.value(meaning, node))
            elif word in record.options:
                options.append((word, self.value(meaning, node)))
            elif word in ("x", "a", "input") and not values:
                values.append(self.value(meaning, node))
            elif not (word in _WITHOUT_EFFECT or (word == "reduction" and meaning == _Literal("mean"))):
                raise NotationError(f"{given.shown} takes no {word} here", self.text.span(node), _KEYWORD_HINTS.get(word))
        sign = self.text.span(given.node.func)
        if name == "product":
            if len(values) != 2:
                raise NotationError(f"{given.shown} takes two values", span, "x.dot(W), np.dot(x, W)")
            return self.product(values[0], values[1], span, sign)
        make = self.entrywise if record.elementwise else self.make
        call = make(name, values, span, sign, tuple(options))
        return self.condition(call) if name in _CONDITIONS else call

    def take(self, given: _Given, *parameters: str) -> list[tuple[_Meaning, ast.expr] | None]:
        """The arguments of a call by the parameters that they belong to, each `name|other name`."""
        if len(given.placed) > len(parameters):
            raise NotationError(f"{given.shown} takes at most {len(parameters)} arguments here", self.text.span(given.placed[len(parameters)][1]), f"{given.word}({', '.join(p.split('|')[0] for p in parameters)})")
        taken: list[tuple[_Meaning, ast.expr] | None] = [*given.placed, *[None] * (len(parameters) - len(given.placed))]
        for word, found in given.worded.items():
            place = next((k for k, p in enumerate(parameters) if word in p.split("|")), -1)
            if place >= 0 and taken[place] is None:
                taken[place] = found
            elif word not in _WITHOUT_EFFECT:
                raise NotationError(f"{given.shown} takes no {word} here", self.text.span(found[1]), _KEYWORD_HINTS.get(word))
        return taken

    def needed(self, found: tuple[_Meaning, ast.expr] | None, given: _Given) -> Value:
        """An argument that must be there."""
        if found is None:
            raise NotationError(f"{given.shown} needs a value", self.text.span(given.node), f"{given.shown}(x)")
        return self.value(*found)

    def axis(self, found: tuple[_Meaning, ast.expr] | None) -> int | None:
        """0, 1, or None for everything."""
        if found is None or found[0] == _Literal(None):
            return None
        whole = _whole(found[0])
        both = isinstance(found[0], _Items) and sorted((_whole(item) or 0) % 2 for item in found[0].items) == [0, 1]
        if both:
            return None
        if whole is None or not -2 <= whole < 2:
            raise NotationError("a matrix has the axes 0 and 1", self.text.span(found[1]), "axis=0 goes down the rows, axis=1 along each row")
        return whole % 2

    def flag(self, found: tuple[_Meaning, ast.expr] | None) -> bool:
        """True or False, as it is written."""
        if found is None:
            return False
        if not (isinstance(found[0], _Literal) and isinstance(found[0].value, bool)):
            raise NotationError("this must be True or False as it stands", self.text.span(found[1]))
        return found[0].value


def _whole(meaning: _Meaning) -> int | None:
    """A whole number, as it is written."""
    if isinstance(meaning, Call) and meaning.function == "neg" and isinstance(meaning.arguments[0], Number) and meaning.arguments[0].text.isdecimal():
        return -int(meaning.arguments[0].text)
    return int(meaning.text) if isinstance(meaning, Number) and meaning.text.isdecimal() else None


def _is_number(found: tuple[_Meaning, ast.expr] | None, *numbers: float) -> bool:
    """Whether an argument is left out, or one of these numbers."""
    return found is None or (isinstance(found[0], Number) and float(found[0].text) in numbers)


# ------------------------------------------------------------------------------- functions that NumPy calls in its own way


def _reduction(reader: _Expressions, given: _Given, operator: str) -> Value:
    parameters = ["x|a|input|array|input_tensor", "axis|dim", "keepdims|keepdim", "order|ord|p", "ddof|correction|unbiased"]
    if operator == "norm" and not given.is_bare:
        parameters[1:4] = [parameters[3], parameters[1], parameters[2]]
    of_two = OPERATORS[operator].with_two if len(given.placed) == 2 else ""
    if of_two and (given.is_bare or (given.home.startswith("torch") and _whole(given.placed[1][0]) is None)):
        return reader.operator(of_two, given)
    by_name = dict(zip((p.split("|")[0] for p in parameters), reader.take(given, *parameters), strict=True))
    value, axis, keeps = reader.needed(by_name["x"], given), reader.axis(by_name["axis"]), reader.flag(by_name["keepdims"])
    span, lies = reader.text.span(given.node), reader.lying(value)
    if operator in ("var", "std"):
        _population(reader, given, by_name["ddof"])
    axis = None if lies in ("row", "column", "scalar") else axis
    options: list[tuple[str, Value]] = [] if axis is None else [("axis", Number(str(axis), reader.text.span((by_name["axis"] or given.placed[0])[1])))]
    options += _norm_order(reader, given, by_name["order"], axis is None and lies == "")
    left = "" if keeps else "scalar" if axis is None else "row" if axis == 0 else "column"
    return reader.make(operator, [value], span, reader.text.span(given.node.func), tuple(options), left)


def _population(reader: _Expressions, given: _Given, found: tuple[_Meaning, ast.expr] | None) -> None:
    """The notation's variance is that of the population; PyTorch's is not unless it is told."""
    of_sample = found[0] != _Literal(False) and _whole(found[0]) != 0 if found else given.home.startswith("torch")
    if of_sample:
        raise NotationError("the variance here is that of the population", reader.text.span(found[1] if found else given.node), "ddof=0 (NumPy), correction=0 (PyTorch), or multiply by n / (n - 1)")


def _norm_order(reader: _Expressions, given: _Given, found: tuple[_Meaning, ast.expr] | None, is_of_all: bool) -> list[tuple[str, Value]]:
    if found is None or found[0] in (_Literal(None), _Literal("fro")):
        return []
    meaning, node = found
    order = "inf" if isinstance(meaning, _Path) and meaning.word == "inf" else str(_whole(meaning))
    if order not in ("1", "2", "inf") or (is_of_all and not given.is_bare and not given.home.startswith("torch")):
        raise NotationError(f"of a matrix, NumPy means another norm by {_short(reader.text.span(node).text)}", reader.text.span(node), "np.linalg.norm(A) is the root of the sum of squares; np.abs(A).sum() and np.abs(A).max() are the others")
    span = reader.text.span(node)
    return [] if order == "2" else [("order", Name("inf", span) if order == "inf" else Number("1", span))]


def _rows(reader: _Expressions, given: _Given) -> Value:
    """softmax, log_softmax: along each row, of each column by transposing twice."""
    found, along = reader.take(given, "x|a|input|logits", "axis|dim")
    value, span, sign = reader.needed(found, given), reader.text.span(given.node), reader.text.span(given.node.func)
    if reader.lying(value) in ("row", "column"):
        return reader.make(given.word, [reader.laid(value, "row")], span, sign, lies="row")
    axis = 1 if along is None else reader.axis(along)
    if axis is None or (along is None and given.home.startswith("scipy")):
        raise NotationError(f"without an axis, {given.shown} is over all entries", reader.text.span(given.node), f"{given.shown}(x, axis=1) is along each row")
    if axis == 1:
        return reader.make(given.word, [value], span, sign)
    return reader.make("transpose", [reader.make(given.word, [reader.make("transpose", [value], span)], span, sign)], span)


def _concatenated(reader: _Expressions, given: _Given) -> Value:
    if given.is_bare and given.placed and not isinstance(given.placed[0][0], _Items):
        return reader.joined([reader.value(*found) for found in given.placed], "concat", reader.text.span(given.node), reader.text.span(given.node.func))
    found, along = reader.take(given, "arrays|tensors|seq", "axis|dim")
    axis = 0 if along is None else reader.axis(along)
    blocks = reader.values_of(*found) if found else []
    if blocks and all(reader.lying(block) for block in blocks):
        blocks, axis = [reader.laid(block, "row") for block in blocks], 1
    if axis is None:
        raise NotationError("a matrix is made of blocks side by side or on top of each other", reader.text.span(given.node), "np.concatenate([a, b], axis=1) or axis=0")
    return reader.joined(blocks, "concat" if axis else "stack", reader.text.span(given.node), reader.text.span(given.node.func))


def _beside(function: str, way: str) -> Callable[[_Expressions, _Given], Value]:
    """hstack, vstack, column_stack: blocks, a vector of NumPy's laid that way."""

    def blocks(reader: _Expressions, given: _Given) -> Value:
        if given.is_bare and len(given.placed) > 1:
            values = [reader.value(*found) for found in given.placed]
        else:
            (found,) = reader.take(given, "arrays|tup|tensors")
            values = reader.values_of(*found) if found else []
        return reader.joined([reader.laid(value, way) for value in values], function, reader.text.span(given.node), reader.text.span(given.node.func))

    return blocks


def _stacked(reader: _Expressions, given: _Given) -> Value:
    if given.is_bare and given.placed and not isinstance(given.placed[0][0], _Items):
        return _beside("stack", "row")(reader, given)
    raise NotationError(f"{given.shown} makes an axis more than a matrix has", reader.text.span(given.node), "np.vstack([a, b]) puts blocks on top of each other, np.hstack([a, b]) side by side")


def _block(reader: _Expressions, given: _Given) -> Value:
    (found,) = reader.take(given, "arrays")
    if found is None or not isinstance(found[0], _Items):
        raise NotationError("np.block takes lists of blocks", reader.text.span(given.node), "np.block([[A, B], [C, D]])")
    return _matrix(reader, *found)


def _matrix(reader: _Expressions, meaning: _Meaning, node: ast.expr) -> Value:
    """`[[1, 2], [3, 4]]`: rows on top of each other."""
    if not isinstance(meaning, _Items):
        return reader.value(meaning, node)
    nodes = node.elts if isinstance(node, ast.List | ast.Tuple) else [node] * len(meaning.items)
    rows = list(zip(meaning.items, nodes, strict=True))
    if not any(isinstance(item, _Items) for item, _ in rows):
        return reader.joined([reader.value(*row) for row in rows], "concat", reader.text.span(node))
    return reader.joined([reader.joined(reader.values_of(*row), "concat", reader.text.span(row[1])) for row in rows], "stack", reader.text.span(node))


def _same(reader: _Expressions, given: _Given) -> Value:
    """np.array(x), x.copy(), x.astype(float): the value itself."""
    if not given.placed:
        raise NotationError(f"{given.shown} needs a value", reader.text.span(given.node), f"{given.shown}(x)")
    found, *rest = given.placed
    value = _matrix(reader, *found) if isinstance(found[0], _Items) else reader.value(*found)
    kinds = [meaning.value if isinstance(meaning, _Literal) else meaning.word if isinstance(meaning, _Path) else "" for meaning, _ in (*rest, *given.worded.values())]
    kinds.append(given.word)
    if any(isinstance(kind, str) and re.match(r"u?int|bool|long", kind) for kind in kinds) and not reader.is_condition(value):
        raise NotationError("a whole number has no slope", reader.text.span(given.node), "np.floor(x), np.round(x)")
    return value


def _transposed(reader: _Expressions, given: _Given) -> Value:
    found, *axes = reader.take(given, "x|a|input", "axes|axis1|dim0", "axis2|dim1")
    value, span = reader.needed(found, given), reader.text.span(given.node)
    items = [item for axis in axes if axis for item in (axis[0].items if isinstance(axis[0], _Items) else (axis[0],))]
    order = [_whole(item) for item in items]
    swaps = given.word == "swapaxes" or given.home.startswith("torch")
    if order not in ([], [1, 0], [-1, -2]) and not (swaps and order in ([0, 1], [-2, -1])):
        raise NotationError("a matrix is transposed in one way", span, "x.T")
    return value if reader.lying(value) else reader.make("transpose", [value], span, reader.text.span(given.node.func))


def _reshaped(reader: _Expressions, given: _Given) -> Value:
    """A vector of NumPy's as a row or a column; nothing else changes its shape."""
    found, *sizes = given.placed
    value, shown = reader.value(*found), _short(reader.text.span(found[1]).text)
    items = [item for meaning, _ in (*sizes, *given.worded.values()) for item in (meaning.items if isinstance(meaning, _Items) else (meaning,))]
    numbers = [_whole(item) for item in items]
    column = numbers[1:] == [1] if given.word in ("reshape", "view") else numbers in ([1], [-1])
    row = numbers[:1] == [1] if given.word in ("reshape", "view") else numbers in ([0], [-2])
    if reader.lying(value) in ("row", "column"):
        if given.word in ("ravel", "flatten") or numbers == [-1] and given.word in ("reshape", "view"):
            return value
        if column or row:
            return reader.as_matrix(reader.laid(value, "column" if column else "row"))
    raise NotationError(f"{given.shown} changes a shape, which no value here does", reader.text.span(given.node), f"a row or a column is a matrix already: write {shown}, or {shown}.T")


def _clipped(reader: _Expressions, given: _Given) -> Value:
    found, low, high = reader.take(given, "x|a|input", "lo|a_min|min", "hi|a_max|max")
    value, span, sign = reader.needed(found, given), reader.text.span(given.node), reader.text.span(given.node.func)
    bounds = [None if bound is None or bound[0] == _Literal(None) else reader.value(*bound) for bound in (low, high)]
    if bounds[0] is not None and bounds[1] is not None:
        return reader.entrywise("clip", (value, bounds[0], bounds[1]), span, sign)
    if bounds[0] is None and bounds[1] is None:
        raise NotationError(f"{given.shown} needs a bound", span, "np.clip(x, 0, 1)")
    return reader.entrywise("maximum" if bounds[0] is not None else "minimum", (value, bounds[0] or bounds[1] or value), span, sign)


_ANY_SIZE = "one"  # the operators' word for a size that follows from where the matrix stands


def _size_in(reader: _Expressions, meaning: _Meaning, node: ast.expr) -> Value:
    """A size: a number, the name of one, or one that follows."""
    value = reader.value(meaning, node)
    if isinstance(value, Number) and not value.text.isdecimal():
        raise NotationError(f"{value.text} is no size", value.span, "a size is a whole number")
    return value if isinstance(value, Number | Name) else Name(_ANY_SIZE, value.span)


def _identity(reader: _Expressions, given: _Given) -> Value:
    found, other, diagonal = reader.take(given, "N|n", "M|m", "k")
    if found is None or other is not None or not _is_number(diagonal, 0):
        raise NotationError(f"{given.shown} takes one size here", reader.text.span(given.node), "np.eye(n) is the identity matrix")
    size = _size_in(reader, *found)
    known_size = isinstance(size, Number) or (isinstance(size, Name) and size.key != _ANY_SIZE)
    return reader.make("eye", [size] if known_size else [], reader.text.span(given.node), reader.text.span(given.node.func))


def _filled(reader: _Expressions, given: _Given) -> Value:
    """ones, zeros, full, and those that are like another value."""
    span, sign, word = reader.text.span(given.node), reader.text.span(given.node.func), given.word
    found = [*given.placed, *(given.worded[w] for w in ("shape", "fill_value") if w in given.worded)]
    if not found:
        raise NotationError(f"{given.shown} needs a shape", span, f"{given.shown}((3, 4))")
    shape = found[0]
    made: Value
    if word.endswith("_like") or isinstance(shape[0], _Shape):
        like = shape[0].of if isinstance(shape[0], _Shape) else reader.value(*shape)
        made = reader.entrywise("ne" if word.startswith("zeros") else "eq", (like, like), span, sign)
    else:
        sizes = _sizes(reader, found[:1] if word == "full" or isinstance(shape[0], _Items) else found, given)
        made = reader.make("zeros" if word == "zeros" else "ones", sizes, span, sign) if sizes else Number("0" if word == "zeros" else "1", span)
    return reader.entrywise("times", (reader.value(*found[-1]), made), span) if word.startswith("full") else made


def _sizes(reader: _Expressions, found: Sequence[tuple[_Meaning, ast.expr]], given: _Given) -> list[Value]:
    """The two sizes of a shape; one is that of a row."""
    meaning, node = found[0]
    sizes = [_size_in(reader, *each) for each in ([(item, node) for item in meaning.items] if isinstance(meaning, _Items) else found)]
    if len(sizes) > 2:
        raise NotationError("a matrix has two sizes", reader.text.span(given.node), f"{given.shown}((3, 4))")
    return [Number("1", sizes[0].span), *sizes] if len(sizes) == 1 else sizes


def _count(reader: _Expressions, given: _Given) -> _Meaning:
    """len(x), np.size(x), np.shape(x)."""
    found, along = reader.take(given, "x|a|input", "axis|dim")
    value, span = reader.needed(found, given), reader.text.span(given.node)
    if given.word == "shape" or (given.word == "size" and given.home == "method" and along is None):
        return _Shape(value)
    if given.word == "len":
        return reader.size(value, 0, span)
    axis = reader.axis(along)
    return reader.make("size", [value], span, lies="scalar") if axis is None else reader.size(value, axis, span)


def _by_definition(text: str, *parameters: str) -> Callable[[_Expressions, _Given], Value]:
    """A function that the notation writes out, by a Python expression of its parameters."""
    body = ast.parse(text, mode="eval").body

    def written(reader: _Expressions, given: _Given) -> Value:
        span = reader.text.span(given.node)
        values = [reader.needed(found, given) for found in reader.take(given, *parameters)]
        meaning = dict(zip((p.split("|")[0] for p in parameters), values, strict=True))

        def build(node: ast.expr) -> Value:  # as deep as the texts in the table below
            match node:
                case ast.Name(id=name):
                    return meaning[name]
                case ast.Constant(value=value):
                    return Number(str(value), span)
                case ast.Call(func=ast.Name(id=name), args=arguments):
                    return reader.entrywise(name, [build(a) for a in arguments], span)
                case ast.Attribute(value=of):
                    return reader.make("transpose", [build(of)], span)
                case ast.BinOp(op=ast.MatMult(), left=left, right=right):
                    return reader.product(build(left), build(right), span)
                case ast.BinOp(op=op, left=left, right=right):
                    return reader.entrywise(_SIGNS[type(op)][0], (build(left), build(right)), span)
            raise AssertionError(text)

        return build(body)

    return written


def _logarithm(reader: _Expressions, given: _Given) -> Value:
    found, base = reader.take(given, "x|a|input", "base")
    value, span, sign = reader.needed(found, given), reader.text.span(given.node), reader.text.span(given.node.func)
    logarithm = reader.entrywise("log", [value], span, sign)
    return reader.entrywise("divide", (logarithm, reader.entrywise("log", [reader.value(*base)], span)), span) if base else logarithm


def _linear(reader: _Expressions, given: _Given) -> Value:
    found, weight, bias = reader.take(given, "x|input", "weight", "bias")
    span = reader.text.span(given.node)
    product = reader.product(reader.needed(found, given), reader.make("transpose", [reader.needed(weight, given)], span), span)
    return reader.entrywise("plus", (product, reader.value(*bias)), span) if bias and bias[0] != _Literal(None) else product


def _only(operator: str, parameters: Sequence[str], defaults: Mapping[str, object], hint: str) -> Callable[[_Expressions, _Given], Value]:
    """A function whose further arguments must have the values that it has here."""

    def call(reader: _Expressions, given: _Given) -> Value:
        found = reader.take(given, *parameters, *defaults)
        for (word, default), each in zip(defaults.items(), found[len(parameters) :], strict=True):
            if each is not None and not (_whole(each[0]) == default or _is_number(each, *([default] if isinstance(default, int | float) else [])) or each[0] == _Literal(default)):
                raise NotationError(f"{given.shown} takes no other {word.split('|')[0]} here", reader.text.span(each[1]), hint)
        return reader.operator(operator, given, [reader.value(*each) for each in found[: len(parameters)] if each is not None])

    return call


def _gelu(reader: _Expressions, given: _Given) -> Value:
    found, approximate = reader.take(given, "x|input", "approximate")
    kind = approximate[0] if approximate else _Literal(given.home.startswith("jax"))
    return reader.operator("gelu_tanh" if kind in (_Literal("tanh"), _Literal(True)) else "gelu", given, [reader.needed(found, given)])


def _slogdet(reader: _Expressions, given: _Given) -> _Meaning:
    (found,) = reader.take(given, "a|A|input")
    value, span = reader.needed(found, given), reader.text.span(given.node)
    sign = reader.make("sign", [reader.make("det", [value], span)], span, lies="scalar")
    return _Items((sign, reader.make("logdet", [value], span, reader.text.span(given.node.func), lies="scalar")))


def _chain(reader: _Expressions, given: _Given) -> Value:
    (found,) = reader.take(given, "arrays|tensors")
    values = reader.values_of(*found) if found else []
    span = reader.text.span(given.node)
    product = reader.joined(values, "product", span) if len(values) < 2 else values[0]
    for value in values[1:]:
        product = reader.product(product, value, span)
    return product


def _noise(reader: _Expressions, given: _Given) -> Value:
    found, share, training = reader.take(given, "x|input", "p|rate", "training")
    if training is not None and training[0] != _Literal(True):
        raise NotationError("dropout without noise is its argument", reader.text.span(given.node), "leave dropout out, or training=True")
    span = reader.text.span(given.node)
    return reader.make("dropout", [reader.needed(found, given), reader.value(*share) if share else Number("0.5", span)], span, reader.text.span(given.node.func))


def _layer_norm(reader: _Expressions, given: _Given) -> Value:
    if not given.home.startswith("torch"):
        return reader.operator("layernorm", given)
    found, _, weight, bias, eps = reader.take(given, "x|input", "normalized_shape", "weight", "bias", "eps")
    if bias is not None and weight is None:
        raise NotationError("a bias alone has no place in layernorm", reader.text.span(given.node), "F.layer_norm(x, shape, weight, bias)")
    values = [reader.value(*each) for each in (found, weight, bias) if each is not None]
    options: tuple[tuple[str, Value], ...] = (("eps", reader.value(*eps)),) if eps else ()
    return reader.make("layernorm", values, reader.text.span(given.node), reader.text.span(given.node.func), options)


def _joined_conditions(operator: str) -> Callable[[_Expressions, _Given], Value]:
    def call(reader: _Expressions, given: _Given) -> Value:
        values = [reader.value(*found) for found in given.placed]
        if not values or not all(reader.is_condition(value) for value in values):
            raise NotationError(f"{given.shown} joins what is True or False alone", reader.text.span(given.node), "np.logical_and(x > 0, x < 1)")
        values = [Number("1", reader.text.span(given.node)), *values] if operator == "minus" else values
        return reader.condition(reader.entrywise(operator, values, reader.text.span(given.node)))

    return call


def _entered(table: Mapping[str, Callable[[_Expressions, _Given], _Meaning]]) -> dict[str, Callable[[_Expressions, _Given], _Meaning]]:
    return {word: meaning for words, meaning in table.items() for word in words.split()}


_SPECIAL = _entered({
    "softmax log_softmax": _rows, "concatenate concat cat": _concatenated, "hstack": _beside("concat", "row"), "column_stack": _beside("concat", "column"),
    "vstack row_stack": _beside("stack", "row"), "stack": _stacked, "block": _block, "clip clamp": _clipped, "eye identity": _identity,
    "ones zeros full ones_like zeros_like full_like": _filled, "len size shape": _count, "log": _logarithm, "linear": _linear, "gelu": _gelu, "slogdet": _slogdet,
    "array asarray asanyarray ascontiguousarray atleast_2d copy clone astype type float int bool float32 float64 double tensor as_tensor from_numpy squeeze item numpy cpu to contiguous": _same,
    "transpose swapaxes permute t matrix_transpose": _transposed, "reshape view ravel flatten expand_dims unsqueeze": _reshaped, "multi_dot chain_matmul": _chain, "dropout": _noise, "layer_norm": _layer_norm,
    "inner": _by_definition("a @ b.T", "a|input", "b|other"), "hypot": _by_definition("sqrt(square(a) + square(b))", "a|x1", "b|x2"), "exp2": _by_definition("2 ** x", "x|input"),
    "rsqrt": _by_definition("1 / sqrt(x)", "x|input"), "logit": _by_definition("log(x / (1 - x))", "x|input"), "logaddexp": _by_definition("log(exp(a) + exp(b))", "a|x1|input", "b|x2|other"),
    "tril triu": lambda reader, given: _only(given.word, ["A|m|input"], {"k|diagonal": 0}, "of the main diagonal alone")(reader, given),
    "diag diagonal": _only("diag", ["x|v|a|input"], {"k|offset|diagonal": 0}, "the main diagonal alone"), "trace": _only("trace", ["A|a|input"], {"offset": 0}, "the main diagonal alone"),
    "round around": _only("round", ["x|a|input"], {"decimals": 0}, "round(10 * x) / 10"), "heaviside": _only("step", ["x|x1"], {"h|x2|values": 0}, "at 0, step is 0"),
    "softplus": _only("softplus", ["x|input"], {"beta": 1, "threshold": 20}, "softplus(b * x) / b"), "smooth_l1_loss": _only("huber", ["p|input", "y|target"], {"beta": 1, "reduction": "mean"}, "F.huber_loss(p, y)"),
    "logical_and": _joined_conditions("times"), "logical_or": _joined_conditions("maximum"), "logical_not": _joined_conditions("minus"),
})  # fmt: skip


# ------------------------------------------------------------------------------------------------------ statements


@dataclass(eq=False)
class _Own:
    """A function of the user's."""

    name: str
    span: Span
    node: ast.FunctionDef | ast.Lambda
    parameters: list[ast.arg]
    defaults: dict[str, ast.expr]
    key: str = ""

    @property
    def body(self) -> list[ast.stmt]:
        """Its lines."""
        return [ast.copy_location(ast.Return(self.node.body), self.node.body)] if isinstance(self.node, ast.Lambda) else self.node.body

    def hidden(self) -> frozenset[str]:
        """The names that mean something else inside."""
        assigned = (node.id for line in self.body for node in ast.walk(line) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        return frozenset((*(argument.arg for argument in self.parameters), *assigned))


@dataclass(eq=False)
class _Step:
    """One assignment; without targets, a value that nobody named."""

    targets: list[ast.expr]
    value: ast.expr
    is_last: bool = False
    is_alias: bool = False  # `W = params["W"]`: says where W comes from


class _Program(_Expressions):
    """Reads one program: first who is a function, an input, a value with many versions; then every line in turn."""

    def __init__(self, text: _Text, tree: ast.Module) -> None:
        super().__init__(text)
        nodes = list(ast.walk(tree))
        self.words = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        self.callees = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        self.assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.imports: dict[str, str] = {}
        self.own: dict[str, _Own] = {}
        self.aliases: dict[str, ast.expr] = {}
        self.me = ""  # `self`, in a method
        self.parameters: set[str] = set()
        self.stored: Counter[str] = Counter()  # how many values each symbol gets
        self.versions: Counter[str] = Counter()  # how many it has got so far
        self.inputs: dict[str, str] = {}  # key → the symbol that is this input
        self.reserved: set[str] = set()  # keys that no version may take
        self.tried: Counter[str] = Counter()
        self.bound: dict[str, Value] = {}  # what each symbol stands for just now
        self.local: dict[str, Value] | None = None  # the same inside a function of the user's
        self.called: list[_Own] = []
        self.steps = self._arranged(tree)
        self._survey()

    def statements(self) -> tuple[Statement, ...]:
        """The functions that are called, then the equations."""
        equations: list[Equation] = []
        for step in self.steps:
            meaning = self.read(step.value)
            if step.is_last:
                equations = self._ended(step, meaning, equations)
            elif not step.is_alias:
                equations.extend(self._equations(step, meaning))
            elif isinstance(meaning, Name):
                self.bound |= {symbol: meaning for target in step.targets if (symbol := self.symbol_of(target))}
        definitions = [self._definition(own) for own in self.called]  # `called` grows meanwhile
        return (*sorted(definitions, key=lambda definition: definition.span.start), *equations)

    # which lines there are

    def _arranged(self, tree: ast.Module) -> list[_Step]:
        """The lines that are read, those of the network's function among them."""
        steps = self._steps(tree.body)
        effective = [node for node in tree.body if not _is_ignored(node)]
        if not effective:
            raise NotationError("there is nothing to read", Span(self.text.source, 0, 0), "type an equation: y = np.tanh(x @ W)")
        alone = [own for own in self.own.values() if own.name not in self.callees]
        if not steps or (alone and isinstance(effective[-1], ast.FunctionDef)):
            return self._of_function(steps, alone)
        steps[-1].is_last |= not steps[-1].targets
        return self._used(steps)

    def _used(self, steps: list[_Step]) -> list[_Step]:
        """`steps`, all of which must name their values, the last excepted."""
        for step in steps:
            if not step.targets and not step.is_last:
                raise NotationError("nothing is done with this value", self.text.span(step.value), "give it a name: h = …")
        return steps

    def _of_function(self, before: list[_Step], alone: Sequence[_Own]) -> list[_Step]:
        """The lines of the function that no other calls, after those of the lines before it that it uses."""
        if not alone:
            first = next(iter(self.own.values()), None)
            raise NotationError("every function here is called by another", first.span if first else None, "the network is the function that calls the others")
        if len(alone) > 1:
            which = f"which function is the network, {alone[0].name} or {alone[1].name}?"
            raise NotationError(which, alone[1].span, "paste one function, with those that it calls", [("the first is here:", alone[0].span)])
        own = self.own.pop(alone[0].name)
        self.parameters = {argument.arg for argument in own.parameters}
        body = self._used(self._steps(own.body))
        if not body or not body[-1].is_last:
            raise NotationError(f"{own.name} returns nothing", own.span, "end it with return and the value of the network")
        live = self._loads_of(body)
        defaults = [step for step in self._defaults(own) if self.symbol_of(step.targets[0]) in live]
        live -= self.parameters
        kept: list[_Step] = []
        for step in reversed(before):
            if any(symbol in live for target in step.targets for symbol in self._targets(target)):
                kept.append(step)
                live |= self._loads_of([step])
        return [*reversed(kept), *defaults, *body]

    def _defaults(self, own: _Own) -> Iterator[_Step]:
        """An argument with a number as its default is an equation."""
        for argument in own.parameters:
            default = own.defaults.get(argument.arg)
            if default is not None and not (isinstance(default, ast.Constant) and (default.value is None or isinstance(default.value, str | bool))):
                yield _Step([ast.copy_location(ast.Name(argument.arg, ast.Store()), argument)], default)

    def _steps(self, body: Iterable[ast.stmt]) -> list[_Step]:
        """The lines of one body; functions and imports are entered on the way."""
        steps: list[_Step] = []
        for node in body:
            match node:
                case ast.Import() | ast.ImportFrom():
                    self._import(node)
                case ast.FunctionDef(name=name):
                    self._enter(node, name, self._name_of(node))
                case ast.Assign(targets=[ast.Name(id=name) as target], value=ast.Lambda() as function):
                    self._enter(function, name, self.text.span(target))
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute() | ast.Name() as value) if name in self.callees:
                    self.aliases[name] = value
                case ast.Assign(targets=targets, value=value):
                    steps.append(_Step(targets, value))
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    steps.append(_Step([target], value))
                case ast.AugAssign(target=target, op=op, value=value):
                    steps.append(_Step([target], ast.copy_location(ast.BinOp(target, op, value), node)))
                case ast.Return(value=ast.expr() as value):
                    return [*steps, _Step([], value, is_last=True)]
                case ast.Expr(value=value) if not _is_ignored(node):
                    steps.append(_Step([], value))
                case _ if not _is_ignored(node):
                    words, hint = _STATEMENTS.get(type(node), ("this is no part of a forward pass", "paste the lines of the forward pass alone"))
                    raise NotationError(words, self.text.word(node), hint)
        return steps

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                self.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            else:
                first = alias.name.partition(".")[0]
                self.imports[alias.asname or first] = alias.name if alias.asname else first

    def _enter(self, node: ast.FunctionDef | ast.Lambda, name: str, span: Span) -> None:
        """Enter a function of the user's."""
        given = node.args
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
            called = mark.func if isinstance(mark, ast.Call) else mark
            if (called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else "") not in _DECORATORS:
                raise NotationError("a decorator makes another function of this one", self.text.span(mark), "leave it out")
        if name in self.own:
            raise NotationError(f"{name} is defined twice", span, "give the second another name", [("the first is here:", self.own[name].span)])
        if given.vararg or given.kwarg:
            raise NotationError("an argument with a star stands for any number of values", span, "name each argument")
        placed = [*given.posonlyargs, *given.args]
        defaults = {a.arg: d for a, d in zip(placed[len(placed) - len(given.defaults) :], given.defaults, strict=True)}
        defaults |= {a.arg: d for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d is not None}
        if placed and placed[0].arg in ("self", "cls"):
            self.me = placed.pop(0).arg
        self.own[name] = _Own(name, span, node, [*placed, *given.kwonlyargs], defaults)

    def _name_of(self, node: ast.FunctionDef) -> Span:
        match = re.compile(r"def\s+(\w+)").search(self.text.source, self.text.span(node).start)
        return Span(self.text.source, *match.span(1)) if match else self.text.word(node)

    # who is an input, and who has many versions

    def _survey(self) -> None:
        """Which symbols are inputs, read before they get a value, and how many values each gets."""
        last = self.steps[-1]
        if last.is_last and self.symbol_of(last.value) is None:
            self.stored["out"] += 1
        before: set[str] = set()
        met: set[str] = set()
        for step in self.steps:
            for symbol in self._loads(step.value, met):
                if symbol not in before:
                    self.inputs.setdefault(self._key(symbol), symbol)
            targets = [symbol for target in step.targets for symbol in self._targets(target)]
            step.is_alias = self._says_where_from(step, before)
            if step.is_alias and isinstance(step.targets[0], ast.Tuple | ast.List):
                for symbol in targets:
                    self.inputs.setdefault(self._key(symbol), symbol)
            elif not step.is_alias:
                self.stored.update(targets)
                before.update(targets)
        self.reserved |= {*self.inputs, *(self._key(symbol) for symbol in self.stored), "pi", "e", "I"}

    def _says_where_from(self, step: _Step, before: set[str]) -> bool:
        """Whether this is `W = params["W"]`, or `W, b = params`: no equation."""
        value = self.symbol_of(step.value)
        if value is None or value in before or len(step.targets) != 1 or not self._is_value(value):
            return False
        target = self.symbol_of(step.targets[0])
        if target is None:
            return isinstance(step.targets[0], ast.Tuple | ast.List)
        return target != value and target not in before and self._key(target) == self._key(value) and self.inputs.get(self._key(value)) == value

    def _loads_of(self, steps: Iterable[_Step]) -> set[str]:
        met: set[str] = set()
        return {symbol for step in steps for symbol in self._loads(step.value, met)}

    def _loads(self, root: ast.AST, met: set[str]) -> Iterator[str]:
        """The symbols that an expression reads, and those that the functions read which it is the first to call."""
        waiting: list[tuple[ast.AST, frozenset[str]]] = [(root, frozenset())]
        while waiting:
            node, hidden = waiting.pop()
            inside: list[ast.AST] = []
            symbol = self.symbol_of(node)
            called = self.symbol_of(node.func) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and called is not None:
                inside = [*node.args, *(word.value for word in node.keywords)]
                own = self.own.get(_last_word(called))
                if own is not None and own.name not in met:
                    met.add(own.name)
                    inner = own.hidden()
                    waiting.extend((line, inner) for line in own.body)
            elif symbol is not None:
                if symbol not in hidden and self._is_value(symbol):
                    yield symbol
            elif not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and self._is_library(node.value.id, node.attr)):
                inside = list(ast.iter_child_nodes(node))
            waiting.extend((child, hidden) for child in reversed(inside))

    def _is_value(self, symbol: str) -> bool:
        """Whether a symbol by itself is a value of the program, not a library, a function, a type."""
        if symbol in self.parameters:
            return True
        return symbol not in self.imports and symbol not in self.own and symbol not in self.aliases and symbol not in ("float", "int", "bool")

    def _is_library(self, name: str, attribute: str) -> bool:
        """Whether `np` in `np.exp` is the library."""
        if name in self.parameters or name in self.assigned:
            return False
        return name in self.imports or (name in _ROOTS and not (name == "F" and attribute in ("T", "dot", "shape", "size", "sum", "mean", "max", "min", "copy")))

    def _targets(self, target: ast.expr) -> Iterator[str]:
        """The symbols that an assignment gives values to."""
        waiting = [target]
        while waiting:
            node = waiting.pop()
            symbol = self.symbol_of(node)
            if symbol is not None:
                yield symbol
            elif isinstance(node, ast.Tuple | ast.List):
                waiting.extend(reversed(node.elts))
            else:
                words = "a part of a value cannot be assigned" if isinstance(node, ast.Subscript) else "this cannot be assigned"
                raise NotationError(words, self.text.span(node), "give the new value a name of its own: np.where(mask, a, x)")

    def symbol_of(self, node: ast.AST) -> str | None:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=ast.Name(id=me), attr=name) if me == self.me and me:
                return f"{me}.{name}"
            case ast.Subscript(value=ast.Name() | ast.Attribute() as holder, slice=ast.Constant(value=str() as name)) if name.isidentifier():
                held = self.symbol_of(holder)
                return None if held is None else f'{held}["{name}"]'
        return None

    def _key(self, symbol: str) -> str:
        """The key of a symbol: how the notation spells `self.W`, `h_t_minus_1`, `lambda_`."""
        word = _last_word(symbol).lstrip("_") or "u"
        key = names.key(re.sub(r"_([A-Za-z]|\d+)_(minus|plus)_(\d+)$", lambda m: f"_{{{m[1]}{'-' if m[2] == 'minus' else '+'}{m[3]}}}", word))
        return key if not key.endswith("_prime") or symbol not in self.assigned else key.removesuffix("_prime") + "'"

    def _fresh(self, key: str) -> str:
        """A key after `key` that nobody has."""
        while True:
            self.tried[key] += 1
            fresh = names.with_subscript(key, str(self.tried[key]))
            if fresh not in self.reserved:
                self.reserved.add(fresh)
                return fresh

    # lines

    def _equations(self, step: _Step, meaning: _Meaning) -> Iterator[Equation]:
        """The equations of one assignment."""
        simple = [target for target in step.targets if self.symbol_of(target) is not None]
        if simple:
            yield self._equation(simple, self.value(meaning, step.value), step.value)
        for target in step.targets:
            if isinstance(target, ast.Tuple | ast.List):
                yield from [self._equation([part], value, step.value) for part, value in self._unpacked(target, meaning, step.value) if self.symbol_of(part) != "_"]

    def _unpacked(self, target: ast.Tuple | ast.List, meaning: _Meaning, node: ast.expr) -> list[tuple[ast.expr, Value]]:
        """`rows, columns = x.shape`, `a, b = x @ W, x @ V`."""
        if isinstance(meaning, _Shape):
            meaning = _Items((self.size(meaning.of, 0, self.text.span(node)), self.size(meaning.of, 1, self.text.span(node))))
        if not isinstance(meaning, _Items) or len(meaning.items) != len(target.elts):
            raise NotationError(f"{len(target.elts)} names cannot share one value", self.text.span(target), "write an equation for each name")
        return list(zip(target.elts, self.values_of(meaning, node), strict=True))

    def _equation(self, targets: Sequence[ast.expr], value: Value, node: ast.expr) -> Equation:
        found = []
        for target in targets:
            symbol = self.symbol_of(target) or ""
            found.append(Name(self._version(symbol), self.text.span(target)))
            self.bound[symbol] = found[-1]
            self.lies[found[-1].key] = self.lying(value)
        return Equation(tuple(found), value, self.text.span(targets[0]) + self.text.span(node))

    def _version(self, symbol: str) -> str:
        """The key of a symbol's next value: its own for the last one, unless an input has it."""
        key = self._key(symbol)
        self.versions[symbol] += 1
        is_last = self.versions[symbol] == self.stored[symbol]
        if is_last and key not in self.inputs and key not in self.lies:
            return key
        end = self.steps[-1]
        if is_last and end.is_last and self.symbol_of(end.value) == symbol and "out" not in self.reserved:
            return "out"
        return self._fresh(key)

    def _ended(self, step: _Step, meaning: _Meaning, equations: list[Equation]) -> list[Equation]:
        """The equations with the value of the whole as the last one; what comes after it is not returned."""
        if isinstance(meaning, _Items):
            raise NotationError("one value is the output", self.text.span(step.value), "return the output alone")
        value = self.value(meaning, step.value)
        if isinstance(value, Name) and self.symbol_of(step.value) is not None:
            for count, equation in reversed(list(enumerate(equations, 1))):
                if value.key in (name.key for name in equation.names):
                    others = sorted(equation.names, key=lambda name: name.key == value.key)
                    return [*equations[: count - 1], replace(equation, names=tuple(others))]
            self.stored["out"] += 1
        key = self._version("out")
        span = self.text.span(step.value)
        return [*equations, Equation((Name(key, Span(span.source, span.start, span.start)),), value, span)]

    # names

    def meaning_of(self, symbol: str, node: ast.expr, role: str) -> _Meaning:
        scope = self.bound if self.local is None or symbol not in self.local else self.local
        if symbol in scope and not (role == "()" and symbol in self.own):
            found = scope[symbol]
            return Name(found.key, self.text.span(node)) if isinstance(found, Name) else found
        if symbol in self.parameters:
            return self._input(symbol, node)
        if isinstance(node, ast.Name) and symbol in self.aliases:
            return self._alias(symbol, node)
        if isinstance(node, ast.Name) and (symbol in self.imports or (role[:1] == "." and self._is_library(symbol, role[1:]))):
            return _Path(self.imports.get(symbol) or _ROOTS[symbol])
        if role == "()":
            return self._function(symbol, node)
        if symbol in self.own:
            return _Function(symbol)
        return self._input(symbol, node) if self._is_value(symbol) else _Literal(symbol)

    def _alias(self, symbol: str, node: ast.Name) -> _Meaning:
        """`act = np.tanh`: what it is another name for."""
        met = {symbol}
        value = self.aliases[symbol]
        while isinstance(value, ast.Name) and value.id in self.aliases and value.id not in met:
            met.add(value.id)
            value = self.aliases[value.id]
        if isinstance(value, ast.Name):
            return self._function(value.id, node)
        path = "".join(self.text.span(value).text.split()).split(".")
        root = self.imports.get(path[0]) or _ROOTS.get(path[0])
        if root is None:
            raise NotationError(f"{symbol} is a value, not a function", self.text.span(node), "a product is written x @ W of matrices, x * y entry by entry")
        return _Path(".".join([root, *path[1:]]))

    def _function(self, symbol: str, node: ast.expr) -> _Meaning:
        """What is called by its bare name."""
        word = _last_word(symbol)
        if word in self.own or known(word) or word in FUNCTIONS or word in _SPECIAL:
            return _Function(word)
        base = re.fullmatch(r"(\w+)_(?:slope|prime)", word)
        if base and f"{known(base[1])}'" in OPERATORS:
            return _Function(f"{base[1]}'")
        if symbol in self.assigned or symbol in self.parameters:
            raise NotationError(f"{symbol} is a value, not a function", self.text.span(node), "a product is written x @ W of matrices, x * y entry by entry")
        raise self.no_function(self.text.span(node).text, word, self.text.span(node), self.own)

    def _input(self, symbol: str, node: ast.expr) -> Name:
        """A value that nothing here computes."""
        span = self.text.span(node)
        if self.local is not None and self.stored[symbol]:
            raise NotationError(f"{span.text} changes between the calls of this function", span, "pass it as an argument")
        if symbol.partition("[")[0] in self.stored and "[" in symbol:
            raise NotationError("entries and slices are not part of the notation yet", span, "give the part that you need a name of its own: it is an input")
        key = self._key(symbol)
        first = self.inputs.setdefault(key, symbol)
        if first != symbol:
            raise NotationError(f"{symbol} and {first} are one symbol in the notation", span, "give one of them another name")
        if symbol in self.parameters and (key == "pi" or names.parts(key).base == "I"):
            meant = "a constant" if key == "pi" else "the identity matrix"
            raise NotationError(f"{symbol} is {meant} in the notation", span, f"give the argument another name: {symbol}0")
        return Name(key, span)

    def pi(self, span: Span) -> Value:
        return Number("3.141592653589793", span) if "pi" in self.inputs or self.stored["pi"] else Name("pi", span)

    # functions of the user's own

    def own_call(self, word: str, given: _Given) -> Call | None:
        own = self.own.get(word)
        if own is None:
            return None
        values: list[Value] = []
        for place, parameter in enumerate(own.parameters):
            found = given.placed[place] if place < len(given.placed) else given.worded.get(parameter.arg)
            if found is None and parameter.arg in own.defaults:
                found = self._default(own.defaults[parameter.arg]), own.defaults[parameter.arg]
            if found is None:
                raise NotationError(f"{word} needs a value for {parameter.arg}", self.text.span(given.node), f"{word}({', '.join(p.arg for p in own.parameters)})")
            values.append(self.value(*found))
        surplus = [found[1] for found in given.placed[len(own.parameters) :]] + [found[1] for each, found in given.worded.items() if each not in (p.arg for p in own.parameters)]
        if surplus:
            raise NotationError(f"{word} takes {len(own.parameters)} argument{'s' * (len(own.parameters) != 1)}", self.text.span(surplus[0]), f"{word}({', '.join(p.arg for p in own.parameters)})")
        return self.make(self._own_key(own), values, self.text.span(given.node), self.text.span(given.node.func))

    def _default(self, node: ast.expr) -> _Meaning:
        """What a default means, where the function was defined."""
        if any(isinstance(part, ast.Call) for part in ast.walk(node)):
            raise NotationError("a default that is computed is not read", self.text.span(node), "write its number")
        outside, self.local = self.local, None
        meaning = self.read(node)
        self.local = outside
        return meaning

    def _own_key(self, own: _Own) -> str:
        """The key of a function of the user's: another than its name where the table's function of that name is meant, too."""
        if not own.key:
            words = self.words | {path.rpartition(".")[2] for path in self.imports.values()}
            meant = _WRITTEN | {FUNCTIONS.get(word) or known(word) for word in words} | {name for name, record in OPERATORS.items() if record.internal}
            own.key = key = self._key(own.name)
            while own.key in meant or own.key in {other.key for other in self.called}:
                own.key = self._fresh(key)
            self.called.append(own)
        return own.key

    def _definition(self, own: _Own) -> Definition:
        """A function of the user's as one expression: its lines put into each other."""
        inner = next((line for line in own.body if isinstance(line, ast.FunctionDef)), None)
        if inner is not None:
            raise NotationError("a function inside a function is not read", self._name_of(inner), "move it before the other")
        parameters = tuple(Name(self._key(argument.arg), self.text.span(argument)) for argument in own.parameters)
        self.local = {argument.arg: name for argument, name in zip(own.parameters, parameters, strict=True)}
        lies, self.lies, self.most = self.lies, {}, LARGEST
        steps = self._used(self._steps(own.body))
        if not steps or not steps[-1].is_last:
            raise NotationError(f"{own.name} returns nothing", own.span, "end it with return and its value")
        for step in steps[:-1]:
            meaning = self.read(step.value)
            for target in step.targets:
                pairs = self._unpacked(target, meaning, step.value) if isinstance(target, ast.Tuple | ast.List) else [(target, self.value(meaning, step.value))]
                self.local |= {symbol: value for part, value in pairs for symbol in self._targets(part)}
        value = self.value(self.read(steps[-1].value), steps[-1].value)
        self.local, self.lies, self.most = None, lies, 0
        return Definition(Name(own.key, own.span), parameters, value, self.text.span(own.node))


def _last_word(symbol: str) -> str:
    """`W` of `self.W` and `params["W"]`."""
    return re.split(r'\.|\["', symbol)[-1].rstrip('"]')


def _is_ignored(node: ast.stmt) -> bool:
    """What says nothing of the algebra: imports, docstrings, print, assert."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Assert() | ast.Delete() | ast.Global() | ast.Nonlocal() | ast.AnnAssign(value=None):
            return True
        case ast.Expr(value=ast.Constant(value=value)):
            return isinstance(value, str) or value is ...
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=word))):
            return word in ("seed", "manual_seed", "set_printoptions", "seterr", "filterwarnings")
    return False
