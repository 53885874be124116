"""The mistakes that people make, and what they are told: the place, what is wrong, and what to type instead."""

from __future__ import annotations

import warnings

import pytest

from algebra2net import AlgebraError, AlgebraWarning, NotationError, ShapeError, compile
from algebra2net.errors import columns

# fmt: off
MISTAKES = [
    # what is typed                              column   what the message says                what the hint says
    # functions
    ("l2 = rleu(l0 W0) W1",                      6,       "no function rleu",                  "did you mean relu?"),
    ("l2 = sofmax(l1 W1)",                       6,       "no function sofmax",                "did you mean softmax?"),
    ("l2 = Sigmod(x)",                           6,       "no function Sigmod",                "did you mean sigmoid?"),
    ("l2 = tahn(x)",                             6,       "no function tahn",                  "did you mean tanh?"),
    ("y = layer_nrom(x)",                        5,       "no function layer_nrom",            "layer"),
    ("y = f(x)",                                 5,       "no function f",                     "define it: f(x) = …"),
    ("y = φ(x W)",                               5,       "no function φ",                     "define it: φ(x) = …"),
    ("y = relu x W",                             5,       "relu is a function",                "relu(x)"),
    ("L = sum|y - t|",                           5,       "sum is a function",                 "sum(x)"),
    ("L = sum ||y||",                            5,       "sum is a function",                 "sum(x)"),
    ("m = mean x W",                             5,       "mean is a function",                "mean(x)"),
    ("L = -log(p[y])",                           10,      "entries and slices",                "p […]"),
    ("l2 = relu[l0 W0] W1",                      6,       "relu is a function",                "( )"),
    ("y = relu()",                               5,       "relu takes one argument",           "relu(x)"),
    ("y = relu(x, z)",                           5,       "relu takes one argument",           "relu(x)"),
    ("y = where(x > 0, x)",                      5,       "where takes three arguments",       "where(c, a, b)"),
    ("y = clip(x)",                              5,       "clip takes three arguments",        "clip(x, lo, hi)"),
    ("y = dropout(x)",                           5,       "dropout takes two arguments",       "dropout(x, p)"),
    ("y = relu(,x)",                             10,      "missing after ( before ,",          "type what belongs there"),
    ("y = relu(x,)",                             12,      "missing after , before )",          "type what belongs there"),
    ("y = sum(x, axis=2)",                       17,      "axis cannot be 2",                  "axis=0 goes down the rows"),
    ("y = sum(x, axs=1)",                        16,      "no option axs",                     "did you mean axis?"),
    ("y = softmax(x, axis=0)",                   21,      "works along each row",              "softmax(x')'"),
    ("y = var(x, ddof=1)",                       17,      "no option ddof",                    "axis"),
    ("y = layernorm(x, eps=z)",                  22,      "eps cannot be z",                   "layernorm(x, eps=1)"),
    ("f(x, x) = x; y = f(z, z)",                 1,       "names a parameter twice",           "its own name"),
    ("f(x) = f(x) + 1; y = f(z)",                1,       "f calls itself",                    "recurrences"),
    # out of habit from other languages
    ("y = x**2 W",                               6,       "** is not part",                    "x^2"),
    ("y = (x W)**2",                             10,      "** is not part",                    "x^2"),
    ("y -> x W",                                 3,       "-> is not part",                    "written ="),
    ("y ← x W".replace("←", "<-"),               3,       "<- is not part",                    "written ="),
    ("y = np.dot(x W)",                          12,      "missing in x W",                    "x @ W"),
    ("y = np.tanh(x W)",                         13,      "missing in x W",                    "x @ W"),
    ("y = np.tnah(x @ W)",                       5,       "no function np.tnah",               "did you mean np.tanh?"),
    ("y = x.W",                                  7,       "no .W of a value",                  ".T"),
    ("y = x[0]",                                 5,       "entries and slices",                "an input"),
    ("y = x[:, 0]",                              5,       "entries and slices",                "an input"),
    ("y = if x > 0 then x else 0",               5,       "not written with if",               "where(x > 0, x, 0)"),
    ("for i in range(3):\n    x = x @ W",        1,       "loops are not read",                "line of its own"),
    ("y = x % W",                                7,       "% (percent sign) means nothing",    "a comment starts with #"),
    ("y = x ! W",                                7,       "! (exclamation mark)",              "!="),
    ("y = x ? W",                                7,       "? (question mark)",                 "spell it out"),
    ('y = "x" W',                                5,       "means nothing",                     "no quotes"),
    ("y = len(x) W",                             5,       "no function len",                   "size(x, axis=0)"),
    ("y = concatenate(a, b) V",                  5,       "no function concatenate",           "[a, b]"),
    # what is missing, and what is too much
    ("y =",                                      4,       "missing after =",                   "type what belongs there"),
    ("y = x +",                                  8,       "missing after +",                   "type what belongs there"),
    ("y = * x",                                  5,       "missing after = before *",          "take the sign away"),
    ("y = x + * W",                              9,       "missing after + before *",          "take the sign away"),
    ("y = x @ @ W",                              9,       "missing after @ before @",          "take the sign away"),
    ("y = x^",                                   7,       "missing after ^",                   "type what belongs there"),
    ("y = ()",                                   6,       "missing after ( before )",          "type what belongs there"),
    ("y = x W where",                            14,      "declaration is missing",            "where W: 3x4"),
    ("y = 1.2.3 x",                              5,       "1.2.3 is no number",                "one point"),
    ("y = 1e999",                                5,       "larger than any float64",           "1.797e308"),
    # brackets
    ("l2 = relu(l0 W0",                          10,      "this ( is never closed",            "close it: )"),
    ("l2 = relu(l0 W0)) W1",                     17,      "this ) closes nothing",             "take it away"),
    ("y = (x W]",                                9,       "( is closed by ]",                  "opened here"),
    ("y = [x, W",                                5,       "this [ is never closed",            "close it: ]"),
    ("y = {x W",                                 5,       "this { is never closed",            "close it: }"),
    ("y = |x",                                   5,       "this | is never closed",            "close it: |"),
    ("y = ||x|",                                 8,       "this | is never closed",            "close it"),
    ("y = relu(x ? W",                           12,      "? (question mark)",                 ""),  # the first mistake is the one that is told
    # equations
    ("y = x W = z",                              9,       "two = in one equation",             "two equations"),
    ("y = = x",                                  5,       "needs a name before its =",         "name what it computes"),
    ("= x W",                                    1,       "needs a name before its =",         "name what it computes"),
    ("x W + b = y",                              9,       "needs a name before its =",         "name what it computes"),
    ("2 = x",                                    3,       "needs a name before its =",         "name what it computes"),
    ("sum(x, axis=1) = y",                       16,      "needs a name before its =",         "name what it computes"),
    ("y = x W, z = y V",                         8,       "a comma separates",                 "write ;"),
    ("y = (x, W)",                               7,       "a comma separates",                 "side by side"),
    ("y = x W; y = x V",                         10,      "y is defined twice",                "another name"),
    ("y = z W; z = x V",                         5,       "z is used before its equation",     "put its equation first"),
    ("y = y + 1",                                5,       "y is made of itself",               "y_new = …"),
    ("h = tanh(x Wx + h Wh + b)",                17,      "h is made of itself",               "one step of a recurrence has h_t and h_{t-1}"),
    # declarations
    ("W0: 3 by 4; y = x W0",                     3,       "3 by 4 is no shape",                "W0: 3x4"),
    ("W0: 3x4x5; y = x W0",                      3,       "3x4x5 is no shape",                 "rows x columns"),
    ("y = x W where W:",                         16,      "nothing is no shape",               "W0: 3x4"),
    ("W0: 3x4; W0: 4x3; y = x W0",               10,      "W0 cannot be 4×3",                  "declared says 3"),
    ("y = ones(3) + x",                          5,       "takes 2 sizes",                     "ones(3, 3)"),
    ("y = eye(x + 1)",                           9,       "x + 1 is no size",                  "eye(3, n)"),
    # what the notation does not have
    ("y = argmax(x W)",                          5,       "no function argmax",                "no gradient"),
    ("y = ∫ x",                                  5,       "∫ (integral)",                      "not part of the notation"),
    (r"y = \int x dx",                           5,       "integrals are not part",            "mean over samples"),
    ("y = E[x W]",                               5,       "an expectation is not part",        "mean"),
    ("y = sum_{i=1}^n x_i",                      5,       "indexed sums are not part",         "sum(x)"),
    ("y = ∑ x",                                  5,       "summation",                         "sum(x)"),
    ("y = x √",                                  8,       "missing after sqrt",                "type what belongs there"),
    ("L = Σ (y - x)²",                           5,       "could be a sum",                    "sum(x) adds all entries"),
    ("L = Σ(y - x)²",                            5,       "could be a sum",                    "sum(x) adds all entries"),
    ("L = Σᵢ (yᵢ - xᵢ)²",                        5,       "indexed sums are not part",         "sum(x)"),
    ("L = Σᵢ yᵢ log pᵢ",                         5,       "indexed sums are not part",         "sum(x)"),
    ("A(Q, K) = softmax(QKᵀ)",                   19,      "QK is one name",                    "Q K"),
    ("y = x ± 1",                                7,       "plus-minus",                        "two equations"),
    ("g = ∂L/∂W",                                5,       "∂ (partial differential)",          "type the forward pass"),
    ("g = ∇L",                                   5,       "∇ (nabla)",                         "type the forward pass"),
    ("g = grad(L)",                              5,       "no function grad",                  "type the forward pass"),
    # letters that are not what they look like, and letters that nobody sees
    ("y = х W",                                  5,       "cyrillic small letter ha",          "type x"),
    ("y = x × W",                                7,       "multiplication sign",               "x W for the matrix product"),
    ("y = x\u200bW",                             6,       "invisible character (zero width",   "take it away"),
    ("y = x\u202e W",                            6,       "invisible character (right-to-left", "take it away"),
    ("y = x\x00",                                6,       "invisible character",               "take it away"),
    ("ŷ = λ̂ ∘ ∘ x",                              10,      "missing after ∘ before ∘",          "take the sign away"),
    # LaTeX
    (r"\begin{align} y = x W",                   1,       r"has no \end{align}",               r"\end{align}"),
    (r"\min_{W} \|Y - XW\|_F^2",                   1,       r"\min over an index",               "the objective alone"),
    (r"\underset{w}{\min} \|w\|",                 1,       r"\min over an index",               "the objective alone"),
    (r"L = \min_j z_j",                          5,       r"\min over an index",               r"\operatorname{min}(x, axis=1)"),
    (r"\hat w = \arg\min_w \|w\|",               10,      "argmin has no gradient",            "the objective alone"),
    (r"w^* = \operatorname{argmin}_w \|w\|",      7,       "argmin has no gradient",            "the objective alone"),
    (r"\text{minimize} \quad \|A x - c\|^2",      1,       "minimize makes no equation",        "the objective alone"),
    (r"y = x + \mathrm{MHA}(x)",                 9,       "there is no function MHA",          "define it"),
    (r"e = \boldsymbol{\epsilon}_\theta(x, t)",  17,      r"no function \epsilon_{\theta}",    "define it"),
    (r"y = z W \text{ where } z = \sum_i x_i",   28,      "indexed sums are not part",         r"\operatorname{sum}(x)"),
    # meanings that only one of two can have
    ("A^-2",                                     1,       "no power of a matrix",              "inv(A) inv(A)"),
    ("log |A|; A: 3x3",                          1,       "two meanings",                      "logdet(A)"),
    ("p = x' S^-1 x / |S|^(1/2)",                17,      "|S| of a square matrix has two",    "det(S)"),
    ("p = x' S^-1 x / √|S|",                     17,      "|S| of a square matrix has two",    "det(S)"),
    # shapes
    ("x: 5x3; W: 4x2; y = x W",                  21,      "x W does not fit",                  "the columns of the left are the rows of the right"),
    ("W: 3x4; x: 5x2; y = W x",                  21,      "W x does not fit",                  "W is 3×4 (declared, line 1), x is 5×2"),
    ("l0: 3; l1: 4; W0: 4x3; l1 = l0 W0",        29,      "l0 W0 does not fit",                "l0 is ?×3 (declared, line 1), W0 is 4×3"),
    ("x: 5x3; y: 5x2; e = x - y",                21,      "x - y does not fit",                "x is 5×3 (declared, line 1), y is 5×2"),
    ("x: 5x3; b: 5x4; y = x * b",                21,      "x * b does not fit",                "sizes are equal or 1"),
    ("A: 3x4; B: 4x3; y = A * B",                21,      "A * B does not fit",                "dialect='matlab'"),
    ("p: 5x3; y: 5x2; L = mse(p, y)",            21,      "mse(p, y) does not fit",            "p is 5×3 (declared, line 1), y is 5×2"),
    ("A: 2x3; y = inv(A)",                       13,      "inv(A) does not fit",               "only a square matrix has an inverse"),
    ("A: 2x3; y = A^-1 x",                       13,      "A^-1 does not fit",                 "only a square matrix has an inverse"),
    ("A: 2x3; y = det(A)",                       13,      "det(A) does not fit",               "only a square matrix has a determinant"),
    ("A: 2x3; y = tr(A)",                        13,      "tr(A) does not fit",                "only a square matrix has a trace"),
    ("x ∈ R; y = softmax(x)",                    12,      "softmax of a scalar",               "a row of at least two"),
    ("a: 3x2; b: 4x2; y = [a, b]",               21,      "[a, b] does not fit",               "the same number of rows"),
    ("a: 3x2; b: 3x4; y = [a; b]",               21,      "[a; b] does not fit",               "the same number of columns"),
    ("W: 4x4; y = I_3 W",                        13,      "I_3 W does not fit",                "I_3 is 3×3"),
    ("x: 3x2; W: 2x4; y = x' W",                 21,      "x' W does not fit",                 "x' is 2×3"),
]
# fmt: on


@pytest.mark.parametrize(("typed", "column", "said", "hinted"), MISTAKES)
def test_a_mistake_is_shown_at_its_place_with_what_to_type_instead(typed: str, column: int, said: str, hinted: str) -> None:
    with pytest.raises(AlgebraError) as caught:
        compile(typed)
    error = caught.value
    assert isinstance(error, NotationError | ShapeError)
    assert (error.line, error.column) == (1, column), str(error)
    assert said in error.message
    assert hinted in "\n".join([error.hint or "", *(words for words, _ in error.also)])


@pytest.mark.parametrize("typed", [row[0] for row in MISTAKES])
def test_the_caret_stands_below_what_is_wrong(typed: str) -> None:
    with pytest.raises(AlgebraError) as caught:
        compile(typed)
    error = caught.value
    assert error.span is not None
    line, carets = error.span.picture.split("\n")
    assert error.span.column == 1 or columns(carets) - len(carets.strip()) == columns(typed.split("\n")[0][: error.span.column - 1])
    assert set(carets.strip()) == {"^"}
    assert line


# fmt: off
DOUBTFUL = [
    # what is typed                              column   what the warning says                what it offers
    ("A: 3x3; y = tr(A^2)",                      13,      "^2 was read entry by entry",        "A A"),
    ("z: 4x1; p = softmax(z)",                   13,      "each row has one entry (4×1)",      "softmax(…')'"),
    ("p = softmax(W x) where x: 3",              5,       "each row has one entry (n0×1)",     "softmax(…')'"),
    ("p = softmax(W x + b)",                     5,       "here an example is a column",       "softmax(…')'"),
    ("h = relu(W1 x); p = softmax(W2 h / T)",    21,      "here an example is a column",       "x W with an example in each row"),
    ("n = layernorm(W' x)",                      5,       "layernorm works along each row",    "layernorm(…')'"),
]
MEANT = ["p = softmax(x W + b)", "p = softmax((W x + b)')'", "A = softmax(Q K')", "p = softmax(X W)", "p = softmax(w' h); w: 4x1, h: 4x9", "l = log_softmax(relu(x W0) W1)"]
# fmt: on


@pytest.mark.parametrize(("typed", "column", "said", "offered"), DOUBTFUL)
def test_what_its_author_may_have_meant_otherwise_is_read_with_a_warning(typed: str, column: int, said: str, offered: str) -> None:
    with pytest.warns(AlgebraWarning) as caught:
        compile(typed)
    (warning,) = (str(one.message) for one in caught)
    assert f"column {column}: " in warning
    assert said in warning
    assert offered in warning


@pytest.mark.parametrize("typed", MEANT)
def test_what_can_only_be_meant_as_it_is_read_warns_of_nothing(typed: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(typed)


# fmt: off
ASKED = [
    # what is typed                              what is asked
    ("y = softmax(XW + b)",                      "X W"),
    ("h = relu(xW1 + b1); y = h W2",             "x W₁"),
    ("Z = WX + b",                               "W X"),
    ("y = σ(wx)",                                "w x"),
    ("h = tanh(x Wx + s Wh + b)",                ""),                                     # names that somebody chose
    ("L = mse(x W, y) + KL + CE",                ""),
    ("XW = X W; y = relu(XW)",                   ""),
    ("q = (x - m)' Σ (x - m)",                   ""),
    ("y = x W; g = dy/dW",                       "backprop has that by W"),
    ("v = dx / dt",                              ""),
]
# fmt: on


@pytest.mark.parametrize(("typed", "asked"), ASKED)
def test_what_may_be_meant_otherwise_is_asked_about(typed: str, asked: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compile(typed)
    assert len(caught) == bool(asked)
    assert all(asked in str(warning.message) for warning in caught)
