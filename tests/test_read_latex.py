"""LaTeX beside its plain translation, what cannot be meant beside what is said of it, and no input that breaks the reader."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algebra2net.errors import NotationError
from algebra2net.notation import Call, Declaration, Definition, Equation, Name, Number, Statement, Value
from algebra2net.read import read_plain
from algebra2net.read_latex import read_latex
from algebra2net.recognise import looks_like_latex

# fmt: off
LAYOUT = [  # delimiters, environments, spacing, what separates statements
    ("$y = x W$", "y = x W"),
    (r"\(y = xW\)", "y = x W"),
    (r"\[ y = xW + b. \]", "y = x W + b"),
    (r"\begin{equation*}\label{eq:1} y = xW + b \end{equation*}", "y = x W + b"),
    (r"\begin{gather} z = xW \\ a = \tanh z \end{gather}", "z = x W; a = tanh(z)"),
    (r"\begin{align*} z &= xW \tag{1}\label{a}\\[4pt] a &= \tanh(z) \notag \end{align*}", "z = x W; a = tanh(z)"),
    (r"\begin{multline} y = a + b \\ + c \end{multline}", "y = a + b + c"),
    (r"\begin{equation}\begin{split} y &= a \\ &\quad + b \end{split}\end{equation}", "y = a + b"),
    (r"y = x \mathbin{\odot} w \mathrel{+} b", "y = x * w + b"),
    (r"y = \left( a \right. \\ \left. + b \right)", "y = (a + b)"),
    (r"y \;=\; \bigl(a + b\bigr)\,c\!", "y = (a + b) c"),
    (r"y = a~b \ c \: d \> e \hspace{1em} f \hspace*{2pt} g", "y = a b c d e f g"),
    (r"y = \displaystyle\frac{a}{b}", "y = a/b"),
    (r"y = \mathop{\rm softmax}(x)", "y = softmax(x)"),
    (r"y = \ensuremath{a} + \mathord{b}", "y = a + b"),
    (r"y = \color{red}{a} + {\color{blue} b} + \textcolor{green}{c}", "y = a + b + c"),
    (r"y = \underbrace{x W}_{\text{linear}} + \overbrace{b}^{bias}", "y = x W + b"),
    ("y = a % comment\n + b", "y = a + b"),
    (r"y = a \phantom{xx} + b \vphantom{(} ", "y = a + b"),
    (r"\boxed{y = a}", "y = a"),
    (r"$$ y = x W \tag{3.1} $$", "y = x W"),
    (r"$$ y = x W \qquad (1) $$", "y = x W"),
    (r"$$ y = x W, \quad (3.4) $$", "y = x W"),
    (r"y = xW \eqno(1)", "y = x W"),
    ("y = xW;", "y = x W"),
    (r"z = xW ,\ a = \tanh(z)", "z = x W; a = tanh(z)"),
    (r"z = xW; a = \tanh(z)", "z = x W; a = tanh(z)"),
    ("z = xW \\\\ \\\\ a = \\tanh(z) \\\\", "z = x W; a = tanh(z)"),
    ("z = xW\n\na = \\tanh(z)", "z = x W; a = tanh(z)"),
    ("z = xW\na = \\tanh(z)", "z = x W; a = tanh(z)"),
    (r"$z = xW$, $a = \tanh(z)$", "z = x W; a = tanh(z)"),
    (r"$z = xW$ and $a = \tanh(z)$.", "z = x W; a = tanh(z)"),
    (r"z = xW \quad\text{and}\quad a = \tanh(z)", "z = x W; a = tanh(z)"),
    (r"\begin{align} z &= xW & a &= \tanh(z) \end{align}", "z = x W; a = tanh(z)"),
    (r"\begin{aligned} z &= xW, && \text{linear} \\ a &= \tanh(z) && \text{(hidden)} \end{aligned}", "z = x W; a = tanh(z)"),
    (r"\text{Input gate: } i_t = \sigma(x_t)", "i_t = sigmoid(x_t)"),
    (r"\begin{cases} z = xW \\ a = \tanh(z) \end{cases}", "z = x W; a = tanh(z)"),
    (r"\left\{\begin{aligned} z &= xW \\ a &= \tanh(z) \end{aligned}\right.", "z = x W; a = tanh(z)"),
    (r"z = \mu + \sigma \odot \epsilon, \quad \epsilon \sim \mathcal{N}(0, I)", "z = mu + sigma * epsilon"),
    (r"z = \mu + \epsilon \text{ where } \boldsymbol\epsilon \sim \mathcal{N}\left(\mathbf{0}, (a + b) \mathbf{I}\right).", "z = mu + epsilon"),
    (r"\epsilon, u \sim \mathrm{Uniform}(0, 1) \\ z = \epsilon + u", "z = epsilon + u"),
    (r"y = \sigma(z), \quad \text{where } z = xW", "z = x W; y = sigmoid(z)"),
    (r"y = xW \text{ where } W \in \mathbb{R}^{3 \times 4}", "y = x W where W in R^{3x4}"),
    (r"y = xW, \quad W \in \mathbb{R}^{m\times n},\; x \in \mathbb{R}^{m}", "y = x W where W: m x n, x: m"),
    (r"W, V \in \mathbb{R}^{3 \times 4}, \lambda \in \mathbb{R} \\ y = W V \lambda", "W: 3x4; V: 3x4; λ ∈ R; y = W V λ"),
    (r"y = xW \in \mathbb{R}^{n}", "y = x W; y in R^n"),
    (r"W^{(1)} \in \mathbb{R}^{d_{\text{in}} \times d_{\text{out}}} \\ y = x W^{(1)}", "W1: d_in x d_out; y = x W1"),
]
NAMES = [  # subscripts, indices, accents, primes, fonts, words
    (r"\hat{\mathbf{y}}_i = \tilde W^{(1)} \vec{x}", "y_i_hat = W_1_tilde x_vec"),
    (r"\hat{y_i} = \hat y_i", "y_i_hat = y_i_hat"),
    ("y = W^{(l)} a^{[l-1]} + b^{[l]}", "y = W_l a_{l-1} + b_l"),
    (r"a^{\langle t \rangle} = \tanh(W_{ax} x^{\langle t \rangle} + W_{aa} a^{\langle t-1 \rangle} + b_a)", "a_t = tanh(W_ax x_t + W_aa a_{t-1} + b_a)"),
    (r"a^{<t>} = \tanh(W_{aa} a^{<t-1>})", "a_t = tanh(W_aa a_{t-1})"),
    (r"Z = W^{[l]T} A + W^{[2]^T} B + W^{(1)\top} C + \hat W^{(2)'}", "Z = W_l' A + W2' B + W1' C + W_2_hat'"),
    (r"a^{[2](i)} = \sigma(z^{[2](i)})", "a2_i = sigmoid(z2_i)"),
    (r"h^l = \sigma(W^l h^{l-1} + b^l)", "h_l = sigmoid(W_l h_{l-1} + b_l)"),
    ("Q = X W^Q, K = X W^K, V = X W_i^V", "Q = X W_Q; K = X W_K; V = X W_i_V"),
    (r"\hat w = w^* + w^\star", "w_hat = w_star + w_star"),
    (r"y = x_{t}^{2} + W_{1}^{T} + W_1^{-1} + x_i^{\prime}", "y = x_t^2 + W1' + W1^-1 + x_i'"),
    (r"y = A^{\rm T} + A^{\mathrm{T}} + A^{\mathsf T} + A^{\text{T}} + A^\intercal + A^{\top} + A^\mathsf{T}", "y = A' + A' + A' + A' + A' + A' + A'"),
    ("X' = A X", "X' = A X"),
    (r"X^\prime = A X \\ Z = X' b'", "X' = A X; Z = X' b'"),
    (r"{\bf W} = {\bf A}{\bf x}", "W = A x"),
    (r"\pmb{y} = \bm{W}\boldsymbol x", "y = W x"),
    (r"\mathbf{y} = \mathbf W \mathbf x", "y = W x"),
    (r"W_{\text{new}} = W_{\mathrm{old}} - \eta G", "W_new = W_old - eta G"),
    (r"\text{out} = \mathrm{score} \cdot x", "out = score x"),
    ("Out = XW + b", "Out = X W + b"),
    ("O u t = X W + b _ { 1 }", "Out = X W + b1"),
    (r"h_{i,j} = x_{ij} + y_{t+1} + e_{\theta}", "h_{i,j} = x_ij + y_{t+1} + e_theta"),
    ("y = ŷ + β W₁ᵀ + x²", "y = y_hat + beta W1' + x^2"),
    (r"\overrightarrow{h}_t = \tanh(x_t)", "h_t_vec = tanh(x_t)"),
    (r"\mathcal{L}(\theta) = \theta^2", "L(theta) = theta^2"),
    (r"\Delta W = BA", "DeltaW = B A"),
    (r"\theta^{t+1} = \theta^{t} - \alpha g", "theta_{t+1} = theta_t - alpha g"),
    (r"\hat m_t = \frac{m_t}{1 - \beta_1^t}", "m_t_hat = m_t/(1 - beta1^t)"),
    (r"\hat{v} = v / (1 - \beta^t)", "v_hat = v/(1 - beta^t)"),
    (r"y = (1-p)^\gamma \log p + p_t^{\gamma}", "y = (1-p)^gamma log(p) + p_t^gamma"),
    ("y = x^n + x^{n-1} + 2^n + e^x + e^{-x} + x^{1/2} + x^{-2}", "y = x^n + x^(n-1) + 2^n + e^x + e^(-x) + x^(1/2) + x^(-2)"),
]
FUNCTIONS = [  # commands, words and letters that are called; definitions
    (r"y = \mathrm{ReLU}(x) + \text{ReLU}(x) + \operatorname{ReLU}(x) + ReLU(x) + R e L U ( x )", "y = relu(x)+relu(x)+relu(x)+relu(x)+relu(x)"),
    (r"y = \operatorname{relu}'(z) \odot \tanh'(z) + \sigma'(z) + \sigma^{\prime}(z)", "y = relu'(z) * tanh'(z) + sigmoid'(z) + sigmoid'(z)"),
    (r"y = \log x + \log \hat{y}_i^2 + \ln \frac{a}{b} + \exp\left(-x\right)", "y = log(x) + log(y_i_hat^2) + log(a/b) + exp(-x)"),
    (r"y = \tanh^2 x + \sin^{2}(x) + \log^2(a b)", "y = tanh(x)^2 + sin(x)^2 + log(a b)^2"),
    (r"y = \sin^{-1} x + \tanh^{-1}(x)", "y = arcsin(x) + arctanh(x)"),
    (r"y = \log_2 x + \log_{10}(x) + \lg x", "y = log2(x) + log10(x) + log10(x)"),
    (r"y = \log\det(A) + \log \det A + \ln\det\left(A\right)", "y = logdet(A) + logdet(A) + logdet(A)"),
    (r"y = \log |\det(A)| + \log\left|A\right|", "y = log(|det(A)|) + log(|A|)"),
    (r"y = \operatorname{tr}(A) + \mathrm{Tr}(A) + \operatorname{tr} A", "y = tr(A) + tr(A) + tr(A)"),
    (r"y = \max(0, x) + \max\{0, x\} + \max \left[ 0, x \right] + \max\left\{0, x\right\}", "y = max(0,x)+max(0,x)+max(0,x)+max(0,x)"),
    (r"y = \log \left[ a b \right] + \exp\{-x\} + \exp\left\{-\frac{x^2}{2}\right\}", "y = log(a b) + exp(-x) + exp(-(x^2/2))"),
    (r"y = \log 2\pi + \sin 2\pi x", "y = log(2 pi) + sin(2 pi x)"),
    (r"\sigma(x) = \frac{1}{1 + e^{-x}}", "sigma(x) = 1/(1 + e^(-x))"),
    (r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}", "tanh(x) = (e^x - e^(-x))/(e^x + e^(-x))"),
    (r"\operatorname{ReLU}(x) = \max(x, 0)", "ReLU(x) = max(x, 0)"),
    (r"\text{swish}(x) = x \sigma(\beta x)", "swish(x) = x sigmoid(beta x)"),
    (r"f(x) = x^2 \\ y = f(xW) + f'(z)", "f(x) = x^2; y = f(x W) + f'(z)"),
    (r"f(\mathbf{x}; W, b) = W \mathbf{x} + b", "f(x, W, b) = W x + b"),
    (r"h_\theta(x) = \theta^T x", "h_theta(x) = theta' x"),
    (r"Attention(Q, K, V) = softmax(\frac{QK^T}{\sqrt{d_k}})V", "Attention(Q, K, V) = softmax((Q K')/sqrt(d_k)) V"),
    (r"\mathrm{FFN}(x) = \max(0, xW_1 + b_1)W_2 + b_2", "FFN(x) = max(0, x W1 + b1) W2 + b2"),
    (r"y = \mathrm{softmax}(x)^T W", "y = softmax(x)' W"),
    (r"L = \sum (y - \hat y)^2", "L = sum((y - y_hat)^2)"),
    (r"L = \frac{1}{n} \sum (y - \hat y)^2 + \lambda \sum W^2", "L = 1/n sum((y - y_hat)^2) + lambda sum(W^2)"),
    (r"L = -\sum y \odot \log \hat y", "L = -sum(y * log(y_hat))"),
    (r"L = \left(\sum x\right)^2 + \sum\left(a + b\right) c", "L = (sum(x))^2 + sum((a+b) c)"),
    (r"L = \operatorname{sum}(x, axis=1) + \mathrm{mean}(x, \text{axis}=0)", "L = sum(x, axis=1) + mean(x, axis=0)"),
    (r"L = \text{mean}\left((a-b)^2\right)", "L = mean((a-b)^2)"),
    (r"y = \frac{x - \text{mean}}{\text{std}}", "y = (x - mean)/std"),
    (r"y = \operatorname{bce\_logits}(x, y)", "y = bce_logits(x, y)"),
    (r"y = \mathrm{diag}(\mathbf{w}) X", "y = diag(w) X"),
    (r"y = \text{log\_softmax}(x) + \text{LogSoftmax}(x) + \operatorname{log\,softmax}(x)", "y = log_softmax(x) + log_softmax(x) + log_softmax(x)"),
    (r"y = \operatorname { t a n h } ( x ) + \mathrm { s i g m o i d } ( x ) + \text { s o f t m a x } ( x )", "y = tanh(x) + sigmoid(x) + softmax(x)"),
]
BRACKETS = [  # bars, norms, blocks, matrices, cases
    (r"y = |x| + \left|x\right| + \lvert x \rvert + \vert x \vert", "y = |x|+|x|+|x|+|x|"),
    (r"y = \|x\| + \left\| x \right\| + \lVert x \rVert + \Vert x \Vert + ||x|| + \left\Vert x \right\Vert", "y = ||x||+||x||+||x||+||x||+||x||+||x||"),
    (r"y = \|x\|_2^2 + \|x\|^2_2 + \|A\|_F^2 + \|w\|_1 + \|w\|_\infty + \left\|A\right\|_{\mathrm{F}}", "y = ||x||_2^2 + ||x||_2^2 + ||A||_F^2 + ||w||_1 + ||w||_∞ + ||A||_F"),
    (r"y = \operatorname{norm}\left(x, axis=0, order=\text{inf}\right)", "y = norm(x, axis=0, order=inf)"),
    ("y = |w|_1 + | | x | | _ 2", "y = ||w||_1 + ||x||_2"),
    (r"y = \frac{a^Tb}{\|a\|\|b\|} + |a||b| + \|a\|\cdot\|b\|", "y = (a' b)/(||a|| ||b||) + |a| |b| + ||a|| ||b||"),
    (r"y = \norm{x}^2 + \abs{x - y}", "y = ||x||^2 + |x - y|"),
    (r"y = [a, b] W + [a; b] + \left[h_{t-1}, x_t\right] + [W h_i \| W h_j] + [a \,\|\, b]", "y = [a, b] W + [a; b] + [h_{t-1}, x_t] + [W h_i ‖ W h_j] + [a ‖ b]"),
    (r"y = [A B]^T + \left[ A + B \right]^{-1}", "y = (A B)' + (A + B)^-1"),
    (r"y = \left\{ a + b \right\} c", "y = (a + b) c"),
    (r"y = \langle a, b \rangle + \lfloor x \rfloor + \lceil x \rceil", "y = dot(a, b) + floor(x) + ceil(x)"),
    (
        r"x = \begin{bmatrix} a & b \\ c & d \end{bmatrix} + \begin{pmatrix} a \\ b \\ \end{pmatrix} + \left[\begin{array}{cc} a & b \end{array}\right] + \left(\begin{matrix} a \\ b \end{matrix}\right)",
        "x = [a, b; c, d] + [a; b] + [a, b] + [a; b]",
    ),
    (r"x = \begin{bmatrix} 1 & 2 \\\\ 3 & 4 \end{bmatrix}", "x = [1, 2; 3, 4]"),
    (r"y = \begin{cases} x & \text{if } x > 0 \\ \alpha (e^x - 1) & \text{otherwise.} \end{cases}", "y = where(x > 0, x, alpha (e^x - 1))"),
    (r"f(x) = \left\{ \begin{array}{ll} x & x \geq 0 \\ 0 & x < 0 \end{array} \right.", "f(x) = where(x >= 0, x, 0)"),
    (
        r"f(x) = \begin{cases} 0, & \mathrm{if}\ x \le -3, \\ 1, & \mbox{if } x \ge 3, \\ x/6 + 1/2, & \textrm{otherwise} \end{cases}",
        "f(x) = where(x <= -3, 0, where(x >= 3, 1, x/6 + 1/2))",
    ),
    (
        r"f(x) = \begin{cases} \frac{1}{2} x^2, & |x| \leq \delta \\ \delta (|x| - \frac12 \delta), & \text{otherwise,} \end{cases}",
        "f(x) = where(|x| <= delta, 1/2 x^2, delta (|x| - 1/2 delta))",
    ),
    (r"f(x) = \begin{cases} x \text{ if } x > 0 \\ 0 \text{ else} \end{cases}", "f(x) = where(x > 0, x, 0)"),
    (r"f(x) = \begin{cases} 1, \text{ if $x > 0$} \\ -1, \text{ if $x = 0$} \\ 0, \text{ otherwise} \end{cases}", "f(x) = where(x > 0, 1, where(x == 0, -1, 0))"),
    (r"y = \begin{cases} x & -1 \le x \le 1 \\ 0 & \text{otherwise}\end{cases}", "y = where((-1 <= x) * (x <= 1), x, 0)"),
    (r"y = \mathbb{1}[x > 0] + \mathbf{1}_{x = 0} + \mathbbm{1}\{x \le 1\} + \mathbb{I}(x \ne 1)", "y = (x > 0) + (x == 0) + (x <= 1) + (x != 1)"),
    (r"y = (\mathbf{1} - z) \odot h", "y = (1 - z) * h"),
    (r"L = [1 - y z]_+ + \left( x \right)_{+}^2 + C \{x\}_+", "L = relu(1 - y z) + relu(x)^2 + C relu(x)"),
    (r"L = \mathrm{KL}(p \,\|\, q) + D_{KL}(p || q) + D_\text{KL}\left(p \,\middle\Vert\, q\right)", "L = kl(p, q) + kl(p, q) + kl(p, q)"),
]
OPERATORS = [  # signs, fractions, powers, numbers
    (r"y = a \times b + 2 \times x", "y = a b + 2 x"),
    (r"y = a * b + a \ast b + a \circ b + a \odot b", "y = a*b+a*b+a*b+a*b"),
    (r"y = a / b + a \div b + \frac{a}{b} + \tfrac12 a + \dfrac{a}{b} + \nicefrac{a}{b} + {a \over b} + \frac1n", "y = a/b + a/b + a/b + 1/2 a + a/b + a/b + a/b + 1/n"),
    (r"W \leftarrow G", "W = G"),
    ("W := G", "W = G"),
    (r"W \triangleq G", "W = G"),
    (r"W \equiv G", "W = G"),
    (r"W \stackrel{\text{def}}{=} G", "W = G"),
    (r"W \overset{def}{=} G", "W = G"),
    (r"y = \sqrt{x} + \sqrt x + \sqrt2 + \sqrt[3]{x} + \sqrt\alpha_t", "y = sqrt(x) + sqrt(x) + sqrt(2) + cbrt(x) + sqrt(alpha_t)"),
    (r"y = \tilde{D}^{-\frac{1}{2}} \tilde{A} \tilde{D}^{-1/2}", "y = D_tilde^(-(1/2)) A_tilde D_tilde^(-1/2)"),
    (r"y = A^{-T} + A^{-\top} + (A^T A)^{-1} A^T", "y = A^-1' + A^-1' + (A' A)^-1 A'"),
    (r"y = x \leq 0 ", "y = x <= 0"),
    ("y = 0 . 5 x + 0.5 x + 0.5 x + 10^{-3} x + 10^-3 x + 1e-5", "y = 0.5 x + 0.5 x + 0.5 x + 10^(-3) x + 10^(-3) x + 1e-5"),
    ("y = W1 x + b1", "y = W1 x + b1"),
    ("y = -x + (-a) b - -c", "y = -x + (-a) b - -c"),
    ("xW + b", "x W + b"),
    (r"a_2 = \hat y = \mathrm{softmax}(z_2)", "a2 = y_hat = softmax(z2)"),
    ("ｙ＝ｘ＋ｂ，z＝y", "y = x + b; z = y"),
    (r"\begin{array} { r l } { h _ { t } } & { = \sigma ( W x ) } \\ { y } & { = V h _ { t } } \end{array}", "h_t = sigmoid(W x); y = V h_t"),
    (r"\begin{array} { r } { y = a + b } \\ { + c } \end{array}", "y = a + b + c"),
    (r"p = \mathrm{sig}(x)", "p = sigmoid(x)"),
]
FORMULAS = [  # whole formulas in the manners of papers, courses and scanned pages
    (
        r"\begin{array} { r l r } & { i _ { t } = \sigma ( W _ { i } x _ { t } ) , } & { f _ { t } = \sigma ( W _ { f } x _ { t } ) , } \\ & { g _ { t } = t a n h ( W _ { g } x _ { t } ) , } & { o _ { t } = \sigma ( x _ { t } ) . } \end{array}",
        "i_t = sigmoid(W_i x_t); f_t = sigmoid(W_f x_t); g_t = tanh(W_g x_t); o_t = sigmoid(x_t)",
    ),
    (
        r"\begin{array} { r c l } { } & { } & { { h _ { t } } = t a n h ( W _ { h h } { h _ { t - 1 } } + W _ { x h } { x _ { t } } ) } \\ { } & { } & { { y _ { t } } = W _ { h y } { h _ { t } } . } \end{array}\tag{6}",
        "h_t = tanh(W_hh h_{t-1} + W_xh x_t); y_t = W_hy h_t",
    ),
    (
        r"\begin{array} { r l } & { C _ { t } ^ { ' } = \operatorname { t a n h } ( W _ { c } x _ { t } ) } \\ & { C _ { t } = i _ { t } * C _ { t } ^ { ' } } \end{array}",
        "C_t' = tanh(W_c x_t); C_t = i_t * C_t'",
    ),
    (
        r"y = { \left\{ \begin{array} { l l } { 1 . 0 , } & { { \mathrm { i f ~ } } u < a , } \\ { x _ { n } , } & { { \mathrm { o t h e r w i s e } } . } \end{array} \right. }\tag { 6 }",
        "y = where(u < a, 1.0, x_n)",
    ),
    (
        r"y : = { \left\{ \begin{array} { l l } { x ^ { \prime } , } & { { \mathrm { i f ~ } } x = 0 } \\ { 0 } & { \mathrm{o t h e r w i s e} } \end{array} \right. }",
        "y = where(x == 0, x', 0)",
    ),
    ("R e L U ( x ) = m a x ( x , 0 )", "ReLU(x) = max(x, 0)"),
    (r"L o s s = \mathcal {L} + \alpha \ell_ {1}", "Loss = L + alpha l1"),
    (
        r"a = \exp { ( \mathrm { L e a k y R e L U ( \mathbf { a } ^ { \mathsf { T } } [ \mathbf { W } \mathbf { h } _ { i } \mid { W } \mathbf { h } _ { j } ] ) } ) }",
        "a = exp(leaky_relu(a' [W h_i ‖ W h_j]))",
    ),
    (r"{ { h _ { t } } = o _ { t } \odot t a n h ( c _ { t } ) }", "h_t = o_t * tanh(c_t)"),
    (r"\hat {F} _ {i} = R E L U (W ^ {(1)} F)", "F_i_hat = relu(W1 F)"),
    (
        r"\alpha _ { e } ^ { \ell } = \sigma \Big ( ( w _ { \alpha } ^ { \ell } ) ^ { T } R e L U ( W _ { \alpha } ^ { \ell } \cdot U ) \Big ) ,\tag{7}",
        "alpha_e_l = sigmoid((w_alpha_l)' relu(W_alpha_l U))",
    ),
    (r"\mathcal { V } _ { f } ^ { \prime } = \mathrm { R e L U } ( \mathrm { L N } ( V _ { f } ) ) ", "V_f' = relu(LN(V_f))"),
    (r"\mathcal { Q } = { Q } _ { R } , \quad \mathcal { K } = \mathcal { V } _ { f }", "Q = Q_R; K = V_f"),
    (
        r"u _ { j } = \left( \operatorname { s o f t m a x } \left( \frac { C _ { j } } { \zeta } \right) \right) ^ { \top } Z _ { j } + x _ { j } .",
        "u_j = (softmax(C_j/zeta))' Z_j + x_j",
    ),
    (
        r"\operatorname { A t t } ( \mathbf { Q } , \mathbf { K } , \mathbf { V } ) = \operatorname { s o f t m a x } ( \mathbf { Q } \mathbf { K } ^ { \top } / \sqrt { d } ) \mathbf { V }\tag{2}",
        "Att(Q, K, V) = softmax(Q K'/sqrt(d)) V",
    ),
    (r"\mathrm { F F N } ( \mathbf { h } ) = \mathrm { R e L U } ( \mathbf { h } \mathbf { W } _ { A } ) \mathbf { W } _ { B } ,", "FFN(h) = relu(h W_A) W_B"),
    (
        r"\mathbf { z } = \mathrm { R e L U } ( \mathbf { W } _ { \mathrm { f c } } x + \mathbf { b } _ { \mathrm { f c } } ) \in \mathbb { R } ^ { d } ,\tag{3}",
        "z = relu(W_fc x + b_fc); z in R^d",
    ),
    (r"z = \mathrm { R e L U } ( W _ { e } x + b _ { e } ) , \qquad \hat { x } = W _ { d } z + b _ { d } .", "z = relu(W_e x + b_e); x_hat = W_d z + b_d"),
    (r"\pmb { \alpha } = \sigma ( W _ { f } [ h ^ { t } ; h ^ { v } ] + b _ { f } ) ,", "alpha = sigmoid(W_f [h_t; h_v] + b_f)"),
    (r"\mathbf { h } ^ { ( l ) } = \mathbf { R e L U } \big ( \mathbf{W} \mathbf { h } ^ { ( l - 1 ) } \big ) . ", "h_l = relu(W h_{l-1})"),
    (r"\mbox{sig}[z] = \frac{1}{1+\exp[-z]}.", "sig(z) = 1/(1+exp(-z))"),
    (r"\mbox{f}[x,\boldsymbol\phi] = \phi_{0}+\phi_{1}x", "f(x, phi) = phi_0 + phi_1 x"),
    (
        r"\begin{eqnarray} f_{0} &=& \beta_{0} + \omega_{0}\cdot x_i\nonumber\\ h_{1} &=& \sin[f_{0}]\nonumber\\ \ell_{i} &=& (h_{1}-y_{i})^2. \end{eqnarray}",
        "f0 = beta0 + omega0 x_i; h1 = sin(f0); l_i = (h1 - y_i)^2",
    ),
    (
        r"y = \beta_3+\omega_3\cdot\cos\Bigl[\beta_2+\omega_2\cdot\exp\bigl[\beta_1+\omega_1\cdot\sin[\beta_0+\omega_0\cdot x]\bigr]\Bigr]",
        "y = beta3+omega3 cos(beta2+omega2 exp(beta1+omega1 sin(beta0+omega0 x)))",
    ),
    (r"\tilde{\mathbf{m}}_{t+1} \leftarrow \frac{\mathbf{m}_{t+1}}{1-\beta^{t+1}}", "m_{t+1}_tilde = m_{t+1}/(1 - beta^(t+1))"),
    (r"\mathbf{h}' = \mathbf{h} + 1", "h' = h + 1"),
    ("$dW^{[2]} = dz^{[2]}{a^{[1]}}^{T}$", "dW2 = dz2 a1'"),
    (r"$\hat{y} = a = \sigma(z)$", "y_hat = a = sigmoid(z)"),
    ("$L(a,y) = -(ylog(a)+(1-y)log(1-a))$", "L(a, y) = -(y log(a) + (1-y) log(1-a))"),
    (r"$z^{[1]} = W^{[1]}x + b^{[1]}$，$a^{[1]} = \sigma(z^{[1]})$", "z1 = W1 x + b1; a1 = sigmoid(z1)"),
    (r"$A^{\lbrack 1\rbrack} = \max(0.01Z, Z)$", "A1 = max(0.01 Z, Z)"),
    (r"{\Gamma}_{u} = \sigma(W_{u}\left\lbrack c^{<t-1>},x^{<t>} \right\rbrack + b_{u})", "Gamma_u = sigmoid(W_u [c_{t-1}, x_t] + b_u)"),
    (r"c^{<t>} = \Gamma_{u}*{\tilde{c}}^{<t>} + (1 - \Gamma_{u})*c^{<t-1>}", "c_t = Gamma_u * c_t_tilde + (1 - Gamma_u) * c_{t-1}"),
    ("{{z}^{(i)}}={{w}^{T}}{{x}^{(i)}}+b", "z_i = w' x_i + b"),
    (r"\sigma \left( z \right)=\frac{1}{1+{{e}^{-z}}}", "sigma(z) = 1/(1 + e^(-z))"),
    (r"h_{\theta}\left( x \right)=\theta^{T}x", "h_theta(x) = theta' x"),
    (r"X_{norm}^{(i)} = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}", "X_norm_i = (x - mu)/sqrt(sigma^2 + epsilon)"),
    (r"v_{dW}= \beta v_{dW1} + \left( 1 - \beta \right)dW", "v_dW = beta v_dW1 + (1 - beta) dW"),
    (r"W= W -\frac{a}{\sqrt{S_{dW}} + \varepsilon}", "W = W - a/(sqrt(S_dW) + epsilon)"),
    (r"$$\hat{y} = \mathbf{w}^\top \mathbf{x} + b,$$", "y_hat = w' x + b"),
    (r"$$ \mathrm{softmax}(\mathbf X) = \exp(X) $$", "softmax(X) = exp(X)"),
    (r"$$\operatorname{pReLU}(x) = \max(0, x) + \alpha \min(0, x).$$", "pReLU(x) = max(0, x) + alpha min(0, x)"),
    (r"$$\tanh(x) = \frac{1 - \exp(-2x)}{1 + \exp(-2x)}.$$", "tanh(x) = (1 - exp(-2 x))/(1 + exp(-2 x))"),
    (r"\begin{aligned}\textbf{Z}_t &= \sigma(\textbf{X}_t \textbf{W}_{\text{xz}})\end{aligned}", "Z_t = sigmoid(X_t W_xz)"),
    (r"\mathbf{b}_\mathrm{h}^{(f)} + W_\textrm{hh}^{(f)}", "b_h_f + W_hh_f"),
    (r"\mathbf{s}_t \leftarrow \beta \mathbf{s}_{t-1} + (1 - \beta) \mathbf{g}_t^2", "s_t = beta s_{t-1} + (1 - beta) g_t^2"),
    (r"\mathbf{g}_t' = \frac{\eta}{\sqrt{\mathbf{s}_t + \epsilon}} \odot \mathbf{g}_t", "g_t' = eta/sqrt(s_t + epsilon) * g_t"),
    (r"a(\mathbf q, \mathbf k) = \mathbf w_v^\top \text{tanh}(\mathbf W_q\mathbf q + \mathbf W_k \mathbf k) \in \mathbb{R}", "a(q, k) = w_v' tanh(W_q q + W_k k)"),
    (r"l(\mathbf{y}, \hat{\mathbf{y}}) = - \mathbf{y}^\top \log \hat{\mathbf{y}}", "l(y, y_hat) = -y' log(y_hat)"),
    (
        r"\text{BN}(\mathbf{x}) = \boldsymbol{\gamma} \odot \frac{\mathbf{x} - \hat{\boldsymbol{\mu}}_\mathcal{B}}{\hat{\boldsymbol{\sigma}}_\mathcal{B}} + \boldsymbol{\beta}",
        "BN(x) = gamma * (x - mu_B_hat)/sigma_B_hat + beta",
    ),
    (r"\text{GELU}(x) = 0.5 * x * (1 + \text{Tanh}(\sqrt{2 / \pi} * (x + 0.044715 * x^3)))", "GELU(x) = 0.5 * x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3)))"),
    (r"\text{Softplus}(x) = \frac{1}{\beta} * \log(1 + \exp(\beta * x))", "Softplus(x) = 1/beta * log(1 + exp(beta * x))"),
    (r"\text{ELU}(x) = \begin{cases} x, & \text{ if } x > 0\\ \alpha * (\exp(x) - 1), & \text{ if } x \leq 0 \end{cases}", "ELU(x) = where(x > 0, x, alpha * (exp(x) - 1))"),
    (r"\text{LeakyReLU}(x) = \max(0, x) + \text{negative\_slope} * \min(0, x)", "LeakyReLU(x) = max(0, x) + negative_slope * min(0, x)"),
    (
        r"\text{HardTanh}(x) = \begin{cases} \text{max\_val} & \text{ if } x > \text{ max\_val } \\ \text{min\_val} & \text{ if } x < \text{ min\_val } \\ x & \text{ otherwise } \\ \end{cases}",
        "HardTanh(x) = where(x > max_val, max_val, where(x < min_val, min_val, x))",
    ),
    (r"\text{SELU}(x) = \text{scale} * (\max(0,x) + \min(0, \alpha * (\exp(x) - 1)))", "SELU(x) = scale * (max(0,x) + min(0, alpha * (exp(x) - 1)))"),
    (r"\text{Softsign}(x) = \frac{x}{ 1 + |x|}", "Softsign(x) = x/(1 + |x|)"),
    (r"\text{LogSigmoid}(x) = \log\left(\frac{ 1 }{ 1 + \exp(-x)}\right)", "LogSigmoid(x) = log(1/(1 + exp(-x)))"),
    (r"\text{Mish}(x) = x * \text{Tanh}(\text{Softplus}(x))", "Mish(x) = x * tanh(softplus(x))"),
    (
        r"\text{Hardsigmoid}(x) = \begin{cases} 0 & \text{if~} x \le -3, \\ 1 & \text{if~} x \ge +3, \\ x / 6 + 1 / 2 & \text{otherwise} \end{cases}",
        "Hardsigmoid(x) = where(x <= -3, 0, where(x >= +3, 1, x/6+1/2))",
    ),
    (r"\text{ReLU6}(x) = \min(\max(0,x), 6)", "ReLU6(x) = min(max(0,x), 6)"),
    (r"\text{Threshold:} y = \begin{cases} x, &\text{ if } x > \text{threshold} \\ \text{value}, &\text{ otherwise } \end{cases}", "y = where(x > threshold, x, value)"),
    (r"h_t = \tanh(x_t W_{ih}^T + b_{ih} + h_{t-1}W_{hh}^T + b_{hh})", "h_t = tanh(x_t W_ih' + b_ih + h_{t-1} W_hh' + b_hh)"),
    ("y = x_1^T A x_2 + b", "y = x1' A x2 + b"),
    (r"\text{loss}(x, y) = \max(0, -y * (x_1 - x_2) + \text{margin})", "loss(x, y) = max(0, -y * (x1 - x2) + margin)"),
    (r"L(a, p, n) = \max \{d - e + {\rm margin}, 0\}", "L(a, p, n) = max(d - e + margin, 0)"),
    (r"l_n = - w_n \left[ y_n \cdot \log x_n + (1 - y_n) \cdot \log (1 - x_n) \right]", "l_n = -w_n [y_n log(x_n) + (1 - y_n) log(1 - x_n)]"),
    (r"\text{similarity} = \dfrac{x_1 \cdot x_2}{\max(\Vert x_1 \Vert _2 \cdot \Vert x_2 \Vert _2, \epsilon)}", "similarity = (x1 x2)/max(||x1||_2 ||x2||_2, epsilon)"),
    (r"\mathbf{X}^{\prime} = \mathbf{\hat{D}}^{-1/2} \mathbf{\hat{A}} \mathbf{\hat{D}}^{-1/2} \mathbf{X} \mathbf{\Theta}", "X' = D_hat^(-1/2) A_hat D_hat^(-1/2) X Theta"),
    (r"\mathbf{x}^{\prime}_i = \mathbf{\Theta}_1 \mathbf{x}_i", "x_i' = Theta_1 x_i"),
    (r"H^{(l+1)} = \sigma(\tilde{D}^{-\frac{1}{2}} \tilde{A} \tilde{D}^{-\frac{1}{2}} H^{(l)} W^{(l)})", "H_{l+1} = sigmoid(D_tilde^(-(1/2)) A_tilde D_tilde^(-(1/2)) H_l W_l)"),
    (r"\mathbf{Z} = \mathbf{S}^{\top} \mathbf{X} \\ \mathbf{A}' = \mathbf{S}^{\top}\mathbf{A}\mathbf{S}", "Z = S' X; A' = S' A S"),
    (r"h_i^{l+1} = \mathrm{ReLU}(W^l h_i^l)", "h_i_{l+1} = relu(W_l h_i_l)"),
    (
        r"\begin{split} \mathbf{i}_{(t)}&=\sigma({\mathbf{W}_{xi}}^T \mathbf{x}_{(t)} + \mathbf{b}_i)\\ \mathbf{y}_{(t)}&=\mathbf{h}_{(t)} = \mathbf{o}_{(t)} \cdot \tanh(\mathbf{c}_{(t)}) \end{split}",
        "i_t = sigmoid(W_xi' x_t + b_i); y_t = h_t = o_t tanh(c_t)",
    ),
    (r"\boldsymbol{\theta}^{(\text{next step})} = \boldsymbol{\theta} - \eta \mathbf{g}", "theta_nextstep = theta - eta g"),
    (r"\text{H} = - p \log_2(p)", "H = -p log2(p)"),
    (r"$$\mathop{Attention}(Q, K, V) = \underset{seq}{\mathop{softmax}}\Bigg(\frac{Q K^\top}{\sqrt{d_k}}\Bigg)V$$", "Attention(Q, K, V) = softmax((Q K')/sqrt(d_k)) V"),
    (r"$$\underset{seq}{softmax}\Bigg(\frac{Q K^\top}{\sqrt{d_k}}\Bigg)V$$", "softmax((Q K')/sqrt(d_k)) V"),
    (
        r"\begin{align} v_t &\leftarrow \beta_2 v_{t-1} + (1 - \beta_2) \cdot g_t^2 \\ \hat{v}_t &\leftarrow \frac{v_t}{1-\beta_2^t} \end{align}",
        "v_t = beta2 v_{t-1} + (1 - beta2) g_t^2; v_t_hat = v_t/(1 - beta2^t)",
    ),
    (r"\mathcal{L}_{simple}(\theta) = \lVert \epsilon - x \rVert^2", "L_simple(theta) = ||epsilon - x||^2"),
    (r"x_t = \sqrt{\bar\alpha_t} x_0 + \sqrt{1-\bar\alpha_t}\color{lightgreen}{\epsilon}", "x_t = sqrt(alpha_t_bar) x0 + sqrt(1 - alpha_t_bar) epsilon"),
    (r"h_t = {\color{lightgreen}h_{t-1}} + 1", "h_t = h_{t-1} + 1"),
    (r"\mathcal{L}_{total} = \alpha \mathcal{L}_{a} + \beta\mathcal{L}_{b}", "L_total = alpha L_a + beta L_b"),
    (r"\text{\small LayerNorm}(x)", "layernorm(x)"),
    (r"\delta = w^T d .* a .* (1 - a) ./ b", "delta = w' d * a * (1 - a) / b"),
    (r"y = \left|\left| x \right|\right|_2^2 + \left|\left|w\right|\right|", "y = ||x||_2^2 + ||w||"),
    (r"y = x^{\odot 2} + A^{\circ 2}", "y = x^2 + A^2"),
    (r"y = I_{n \times n} x", "y = I_n x"),
    (r"h_t^l = \sigma(h^l_{t-1}) \\ y = h^l_t", "h_t_l = sigmoid(h_l_{t-1}); y = h_t_l"),
    (r"z^\rightarrow = \tanh(x)", "z_vec = tanh(x)"),
    (r"\begin{equation} y = \sigma(z), \end{equation} where \begin{equation} z = Wx. \end{equation}", "z = W x; y = sigmoid(z)"),
    (r"$$ y = \sigma(z) $$ where $z = Wx$ and $W \in \mathbb{R}^{3 \times 2}$", "z = W x; y = sigmoid(z); W: 3x2"),
    (r"y = \begin{cases} x & if\ x > 0 \\ 0 & otherwise \end{cases}", "y = where(x > 0, x, 0)"),
    (
        r"\mathrm{celu}(x) = \begin{cases} x, & x > 0\\ \alpha \left(\exp(\frac{x}{\alpha}) - 1\right), & x \le 0 \end{cases}",
        "celu(x) = where(x > 0, x, alpha (exp(x/alpha) - 1))",
    ),
    (r"\mathrm{selu}(x) = \lambda \begin{cases} x, & x > 0\\ \alpha e^x - \alpha, & x \le 0 \end{cases}", "selu(x) = lambda where(x > 0, x, alpha e^x - alpha)"),
    (
        r"\mathrm{hard\_tanh}(x) = \begin{cases} -1, & x < -1\\ x, & -1 \le x \le 1\\ 1, & 1 < x \end{cases}",
        "hard_tanh(x) = where(x < -1, -1, where((-1 <= x) * (x <= 1), x, 1))",
    ),
    (
        r"\mathrm{gelu}(x) = \frac{x}{2} \left(1 + \mathrm{tanh} \left( \sqrt{\frac{2}{\pi}} \left(x + 0.044715 x^3 \right) \right) \right)",
        "gelu(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
    ),
    (r"\kappa(\mathbf{x}^{(i)}, \mathbf{x}^{(j)}) = \exp\Big(-\gamma \Vert \mathbf{x}^{(i)} - \mathbf{x}^{(j)} \Vert^2\Big)", "kappa(x_i, x_j) = exp(-gamma ||x_i - x_j||^2)"),
    (r"x^{(i)}_{norm} = \frac{x^{(i)} - x_{min}}{x_{max} - x_{\min}}", "x_i_norm = (x_i - x_min)/(x_max - x_min)"),
    (r"$$\hat{y}^{(i)} = a^{(i)} = sigmoid(z^{(i)})\tag{2}$$", "y_i_hat = a_i = sigmoid(z_i)"),
    (r"\phi(z) = \frac{1}{1+e^{-z}}, \quad a = \phi(Wx)", "phi(z) = 1/(1+e^(-z)); a = phi(W x)"),
    (r"J = \frac{1}{2} \left\Vert y - \hat{y} \right\Vert^2_2 + \frac{\lambda}{2}\left\| w \right\|^{2}", "J = 1/2 ||y - y_hat||_2^2 + lambda/2 ||w||^2"),
    (r"y = W x + b \qquad \text{(1)}", "y = W x + b"),
    (r"y &= W x + b && \text{linear layer}\\ z &= \tanh y && \text{activation}", "y = W x + b; z = tanh(y)"),
    (r"(1)\quad y = Wx", "y = W x"),
    (r"\mathbf{Q} = \mathbf{X}\mathbf{W}_Q,\ \mathbf{K} = \mathbf{X}\mathbf{W}_K", "Q = X W_Q; K = X W_K"),
    (r"y = \mathrm{concat}(a, b) W + [a\ b]", "y = concat(a, b) W + [a b]"),
    (r"y = \text{Concat}(a, b)W^O", "y = concat(a, b) W_O"),
    (r"y = x + \text{Dropout}(x, 0.1)", "y = x + dropout(x, 0.1)"),
    (r"y = \text{LayerNorm}(x + a)", "y = layernorm(x + a)"),
    (r"L = -\frac{1}{N}\operatorname{sum}(Y \odot \log P)", "L = -(1/N) sum(Y * log(P))"),
    (r"L = \text{MSE}(y, \hat{y}) + \text{BCE}(p, y)", "L = MSE(y, y_hat) + BCE(p, y)"),
    (r"y = \sigma\big(\mathbf{w}^{\!\top}\mathbf{x}\big)", "y = sigmoid(w' x)"),
    (r"y = {\mathbf w}^{\mathrm T}{\mathbf x}", "y = w' x"),
    (r"\widehat{\beta} = (X^{T}X)^{-1}X^{T}y", "beta_hat = (X' X)^-1 X' y"),
    (r"\hat{\beta} = {\left( X^{\mathsf T} X + \lambda I \right)}^{-1} X^{\mathsf T} y", "beta_hat = (X' X + lambda I)^-1 X' y"),
    (r"y = \mathrm{e}^{x} + {\rm e}^{-x} + \text{e}^{2}", "y = e^x + e^(-x) + e^2"),
    (r"p = \frac{e^{z}}{\sum e^{z}}", "p = e^z / sum(e^z)"),
    (r"p = \frac{\exp z}{\sum \exp z}", "p = exp(z) / sum(exp(z))"),
    (r"L = \log \sum \exp(z)", "L = log(sum(exp(z)))"),
    ("y = |x - y|^2 + |a|b", "y = |x - y|^2 + |a| b"),
    ("y = a|b|c|d|", "y = a |b| c |d|"),
    (r"y = \|a\| b \|c\|", "y = ||a|| b ||c||"),
    (r"y = \tanh(a)\tanh(b)\sigma(c)", "y = tanh(a) tanh(b) sigmoid(c)"),
    (r"y = x(1 - x) + \hat{y}(1-\hat{y}) + s_t (a - b)", "y = x (1-x) + y_hat (1 - y_hat) + s_t (a - b)"),
    ("y = (x)(z)", "y = (x) (z)"),
    (r"y = 2(x) + \frac{1}{2}(x)", "y = 2 (x) + 1/2 (x)"),
    (r"z = \mu + \exp(\frac{1}{2} \log \sigma^2) \odot \epsilon", "z = mu + exp(1/2 log(sigma^2)) * epsilon"),
    (r"z = \mu + e^{\frac{1}{2} s} \epsilon", "z = mu + e^(1/2 s) epsilon"),
    (r"KL = -\frac{1}{2} \sum \left(1 + \log\sigma^2 - \mu^2 - \sigma^2\right)", "KL = -(1/2) sum(1 + log(sigma^2) - mu^2 - sigma^2)"),
    (r"D_{KL} = \log \frac{\sigma_2}{\sigma_1} + 1", "D_KL = log(sigma_2/sigma_1) + 1"),
    (r"y = \begin{pmatrix} x_1 & x_2 \end{pmatrix}^T W", "y = [x1, x2]' W"),
    (r"y = \begin{bmatrix} x \\ 1 \end{bmatrix}^\top \theta", "y = [x; 1]' theta"),
    (r"y = \left[\begin{array}{c} h_{t-1} \\ x_t \end{array}\right]", "y = [h_{t-1}; x_t]"),
    (r"y = \left[ x ; h \right] + [x;h]", "y = [x; h] + [x; h]"),
    (r"y = \operatorname{where}(x > 0, x, 0)", "y = where(x > 0, x, 0)"),
    (r"\mathbf y=\mathbf W\mathbf x+\mathbf b", "y = W x + b"),
    (r"y = \overbrace{W x}^{\text{linear}} + b", "y = W x + b"),
    (r"h = \mathrm{ReLU} (W x)", "h = relu(W x)"),
    (r"h = \mathrm{ReLU}\,(W x)", "h = relu(W x)"),
    (r"h = \mathrm{ReLU} \left[ W x \right]", "h = relu(W x)"),
    (r"h = \tanh {\left( W x \right)}", "h = tanh(W x)"),
    (r"h = \tanh{W x}", "h = tanh(W x)"),
    (r"f(x) = \max {(0, x)}", "f(x) = max(0, x)"),
    (r"f(x)=\max{\{0,x\}}", "f(x) = max(0, x)"),
    (r"y = (a > 0) \land (b > 0)", "y = (a > 0) * (b > 0)"),
    (r"\text{out} = \text{softmax}(\text{score}) \text{value}", "out = softmax(score) value"),
    (r"\text{score} = \frac{\text{query} \cdot \text{key}^T}{\sqrt{d_k}}", "score = (query key')/sqrt(d_k)"),
    (r"r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r) \tag{1} \\ z_t = \sigma(x_t) \tag{2}", "r_t = sigmoid(W_r x_t + U_r h_{t-1} + b_r); z_t = sigmoid(x_t)"),
    ("```math\ny = \\tanh(x)\n```", "y = tanh(x)"),
    (r"$`y = \tanh(x)`$", "y = tanh(x)"),
    ("y = a\\ +\\ b\\\\", "y = a + b"),
    (r"y = \text{relu}(W\cdot x+b)'", "y = relu(W x + b)'"),
    (r"s' = s + 1 \\ t = s' s'^T", "s' = s + 1; t = s' s'^T"),
    ("y = 3.14 x^{0.5} - 1.0", "y = 3.14 x^0.5 - 1.0"),
    (r"y = \alpha \beta \gamma(x+y)", "y = alpha beta gamma (x+y)"),
    (r"L_{\mathrm{MSE}} = \operatorname{mean}\left[(y - \hat{y})^2\right]", "L_MSE = mean((y - y_hat)^2)"),
    (r"\mathbf{A} = \mathbf{U}\boldsymbol{\Sigma}\mathbf{V}^\top", "A = U Sigma V'"),
    (r"d = (x-\mu)^\top \Sigma^{-1} (x-\mu)", "d = (x - mu)' Sigma^-1 (x - mu)"),
    (r"\ell = -\frac{1}{2}\log|\Sigma| - \frac{1}{2} x^\top\Sigma^{-1}x", "l = -(1/2) log(|Sigma|) - 1/2 x' Sigma^-1 x"),
    (r"\mathcal{L} = -\frac{1}{2}\left(x-\mu\right)^2/\sigma^2 - \log\sigma - \frac{1}{2}\log 2\pi", "L = -(1/2) (x-mu)^2/sigma^2 - log(sigma) - 1/2 log(2 pi)"),
    (r"y = \frac{1}{\sqrt{2\pi\sigma^2}} e^{-\frac{(x-\mu)^2}{2\sigma^2}}", "y = 1/sqrt(2 pi sigma^2) e^(-((x-mu)^2/(2 sigma^2)))"),
    (r"y = \mathrm{Softmax}\bigl(\tfrac{1}{\sqrt{d}}QK^{\mathsf{T}}\bigr)V", "y = softmax((1/sqrt(d)) Q K') V"),
    (r"{\tilde{z}}^{(i)}= \gamma z_{\text{norm}}^{(i)} +\beta", "z_i_tilde = gamma z_norm_i + beta"),
    (r"z^{[l]} =w^{[l]}a^{\left\lbrack l - 1 \right\rbrack} +b^{[l]}", "z_l = w_l a_{l-1} + b_l"),
    (r"X^{\left\{2 \right\}} = x^{\{ t\}}", "X2 = x_t"),
    (r"t =\begin{bmatrix} e^{5} \\ e^{2} \\ - 1 \\ \end{bmatrix}", "t = [e^5; e^2; -1]"),
    ("t = e^{z^{[l]}}", "t = e^z_l"),
    (r"y = xW \text{ is the linear layer}", "y = x W"),
    (r"h = \textcolor{cyan}{W_h} h_{t-1}", "h = W_h h_{t-1}"),
    (r"y = xW \quad \text{for the first layer}", "y = x W"),
    (r"J(w, b) = \frac{1}{2} \|w\|^2 \text{ (L2)}", "J(w, b) = 1/2 ||w||^2"),
    (r"W \gets W - \eta \, \delta \, x^\top", "W = W - eta delta x'"),
    (r"y = \mathrm{relu}(x \, \mathbf{W}_1 + \mathbf{b}_1) \, \mathbf{W}_2", "y = relu(x W1 + b1) W2"),
    (r"\mathbf{a}^{[1]} = \mathrm{ReLU}\!\left(\mathbf{z}^{[1]}\right)", "a1 = relu(z1)"),
    (r"i=\sigma(x)\\ f=\sigma(x) ", "i = sigmoid(x); f = sigmoid(x)"),
    (r"\begin{gathered} z=Wx+b \\ a=\max (0, z) \end{gathered}", "z = W x + b; a = max(0, z)"),
    (r"\operatorname{Attention}(Q, K, V)=\operatorname{softmax}\left(\frac{Q K^{T}}{\sqrt{d_{k}}}\right) V", "Attention(Q, K, V) = softmax((Q K')/sqrt(d_k)) V"),
    (r"\mathcal{L}=\lambda_{1} \mathcal{L}_{1}+\lambda_{2} \mathcal{L}_{2}", "L = lambda1 L1 + lambda2 L2"),
    (r"\mathbf{h}_{t}=\left(1-\mathbf{z}_{t}\right) \odot \mathbf{h}_{t-1}+\mathbf{z}_{t} \odot \tilde{\mathbf{h}}_{t}", "h_t = (1 - z_t) * h_{t-1} + z_t * h_t_tilde"),
    (r"\alpha_{t}=\operatorname{softmax}\left(W_{\alpha} h_{t}\right)", "alpha_t = softmax(W_alpha h_t)"),
    (r"y=\gamma \cdot \frac{x-\mu}{\sqrt{\sigma^{2}+\epsilon}}+\beta", "y = gamma ((x - mu)/sqrt(sigma^2 + epsilon)) + beta"),
    (r"\mathrm{PE} = \sin\left(\frac{pos}{10000}\right)", "PE = sin((p o s)/10000)"),
    ("H = W_h ^ T x", "H = W_h' x"),
    ("x _1 = W x_ 0", "x1 = W x0"),
]
REFUSED = [  # what is typed, the column, what is said
    ("y = f(x)", 5, "there is no function f"),
    (r"y = \phi(XW)", 5, r"there is no function \phi"),
    (r"h = \text{a}[x]", 5, "this remark stands within a formula"),
    (r"y = \text{foo}(x)", 5, "there is no function foo"),
    ("y = sofmax(x)", 5, "there is no function sofmax"),
    (r"y = \mathrm{sofmax}(x)", 5, "there is no function sofmax"),
    (r"L = \mathbb{E}[x]", 5, "expectations are not part of the notation"),
    ("L = E[x^2]", 5, "expectations are not part of the notation"),
    (r"y = \sum_{i=1}^n x_i", 5, "indexed sums are not part of the notation yet"),
    (r"y = \sum\limits_i x_i", 5, "indexed sums are not part of the notation yet"),
    (r"y = \prod_{i} x_i", 5, "indexed products are not part of the notation yet"),
    (r"y = \max_j z_j", 5, r"\max over an index is not part of the notation yet"),
    (r"\hat y = \operatorname{argmax}_j z_j", 10, "argmax has no gradient and is not part of the notation"),
    (r"\hat y = \arg\min x", 10, "argmin has no gradient and is not part of the notation"),
    (r"p(y|x) = \sigma(w x)", 3, "a conditional probability is not part of the notation"),
    (r"L = -\log p(y|x)", 11, "probabilities are not part of the notation"),
    ("y = P(y=1)", 5, "probabilities are not part of the notation"),
    (r"y = x \ldots z", 7, "an ellipsis stands for what nobody can see"),
    (r"y = \{1, 2\}", 8, "a set is no value"),
    ("a = b = c + d = e", 15, "two = in one equation"),
    ("a + b = c", 1, "an equation needs a name before its ="),
    ("y^T = x", 1, "an equation defines a name, not a power or transpose of it"),
    ("x^2 = y", 1, "an equation defines a name, not a power or transpose of it"),
    (r"\|x\| = 1", 1, "an equation needs a name before its ="),
    (r"\frac{dL}{dW} = X", 1, "algebra2net derives the gradients itself"),
    (r"\nabla_W L = X", 1, "algebra2net derives the gradients itself"),
    (r"g = \frac{\mathrm{d} L}{\mathrm{d} W}", 5, "algebra2net derives the gradients itself"),
    (r"x \approx y", 3, r"\approx makes no equation"),
    (r"x \sim \mathcal{N}(0, 1)", 3, r"\sim makes no equation"),
    (r"z = \mathcal{N}(0, I)", 5, "a distribution is no value"),
    (r"y = \lim_{n \to \infty} x", 5, r"\lim is not part of the notation"),
    (r"a \Rightarrow b", 3, r"\Rightarrow makes no equation"),
    (r"y = \foo{x}", 5, r"there is no command \foo"),
    (r"y = \begin{aligned} a", 5, r"\begin{aligned} has no \end{aligned}"),
    (r"y = a \end{aligned}", 7, r"\end{aligned} has no \begin{aligned}"),
    (r"\begin{align} a = b \end{aligned}", 21, r"\begin{align} is closed by \end{aligned}"),
    (r"y = \begin{foo} a \end{foo}", 5, "there is no environment foo in the notation"),
    ("y = (a", 5, "this ( is never closed"),
    ("y = a)", 6, "this ) closes nothing"),
    ("y = [a, b)", 10, "[ is closed by )"),
    ("y = {a", 5, "this { is never closed"),
    ("y = a}", 6, "this } closes nothing"),
    (r"y = \left( a", 5, r"this \left( has no \right"),
    ("y = |a", 5, "this | is never closed"),
    (r"y = \| a", 5, r"this \| is never closed"),
    (r"y = \frac{a}", 13, "an argument is missing here"),
    (r"y = \sqrt", 10, "an argument is missing here"),
    ("y = a^", 7, "an argument is missing here"),
    ("y = _1", 5, "this subscript stands on nothing"),
    ("y = ^2", 5, "this superscript stands on nothing"),
    ("y = a_1_2", 8, "a second subscript on one sign"),
    ("y = x^a^b", 8, "a second superscript on one sign"),
    (r"y = \hat{x y}", 5, "an accent stands on one name"),
    (r"y = \overline{x y}", 5, "a bar over an expression could be a mean"),
    ("y = (a b)_i", 11, "entries of a value are not part of the notation yet"),
    ("y = A_{i,j}(x)", 5, "there is no function A_{i,j}"),
    ("y = x[i]", 5, "there is no function x"),
    (r"y = \max(0, x)_+", 16, "the part above 0 is written _+ after brackets alone"),
    (r"y = x \sim z", 7, r"\sim makes no equation"),
    (r"y = \int x dx", 5, "integrals are not part of the notation"),
    ("y = n!", 6, "factorials are not part of the notation"),
    (r"y = 5\%", 6, r"\% means nothing here"),
    (r"y = \log_3 x", 5, "there is no logarithm to the base 3"),
    (r"y = \|x\|_p", 11, "there is no norm with the mark p"),
    (r"y = A^\dagger", 7, "a conjugate transpose or pseudo-inverse is not part of the notation"),
    (r"y = A^{\mathrm{H}}", 7, "a conjugate transpose or pseudo-inverse is not part of the notation"),
    (r"y = \mathbf{1}^T x", 5, "a bold 1 could be a vector of ones"),
    (r"y = x \mathbf{1}", 7, "a bold 1 could be a vector of ones"),
    ("y = x, z", 6, "a comma separates the arguments of a function or the blocks in [ ] alone"),
    ("y = x. z", 6, ". ends an equation, and this one goes on"),
    ("y = sin x", 5, "sin without a parenthesis reads s i n, a product of letters"),
    ("y = ylog a", 6, "log without a parenthesis reads l o g, a product of letters"),
    ("y = weights x", 5, "weights reads w e i g h t s, a product of letters"),
    (r"y = \tanh", 5, r"\tanh needs an argument"),
    (r"y = a + \times b", 9, r"a value is missing after + before \times"),
    ("y = a < b < c < d", 15, "too many comparisons in one"),
    (r"f: x \mapsto x^2", 2, ": means nothing here"),
    (r"y = x \in A", 7, "only shapes can be declared"),
    (r"x \in \{0, 1\}", 3, "only shapes can be declared"),
    (r"X \in \mathbb{R}^{a \times b \times c}", 3, "a×b×c is no shape"),
    ("y = x(t)", 5, "there is no function x"),
    ("y = G(z)", 5, "there is no function G"),
    (r"y = \sigma_1(x W)", 5, r"there is no function \sigma_1"),
    ("y = MLP(x)", 5, "there is no function MLP"),
    (r"y = x \text{ for } i = 1", 7, r"\text{ for } cannot be read here"),
    (r"h_t = \tanh(W h_{t-1}), \quad t = 1, \dots, T", 38, "an ellipsis stands for what nobody can see"),
    ("We have $y = x$", 1, "this is text, not a formula"),
    ("$y = x$ holds", 9, "this is text, not a formula"),
    (r"y = \cot x", 5, "the cotangent is not part of the notation"),
    (r"y = a \mid b", 7, "a conditional p(x|y) is not part of the notation"),
    (r"\hat{y}, h = x", 1, "several names on the left side"),
    (r"y = \begin{cases} a \\ b \\ c \end{cases}", 24, "this row of cases says not when it holds"),
    (r"\documentclass{article}", 1, r"\documentclass belongs to the document around a formula"),
    (r"y = x \star w", 7, r"\star is not part of the notation"),
    (r"y = x \oplus z", 7, r"\oplus is not part of the notation"),
    (r"h = \tanh(W x + b \\ y = V h", 10, "this ( is never closed"),
    (r"y = \operatorname{softmax}(x)_i", 31, "entries of a value are not part of the notation yet"),
    (r"y = \mathrm{softmax}_i(x)", 5, "softmax with an index is not part of the notation"),
    (r"y = \overset{a}{\max} x", 5, r"\max over an index is not part of the notation yet"),
    (r"y = \underset{i}{\sum} x", 5, r"\sum over an index is not part of the notation yet"),
    (r"y = \left. x \right|_{x=0}", 14, r"this \right| closes nothing"),
    (r"y = \big x", 5, r"\big wants a delimiter after it"),
    (r"y = \sqrt[5]{x}", 5, "a root of degree 5 is written as a power"),
    ("1 = y", 1, "an equation needs a name before its ="),
    ("y =", 4, "a value is missing after ="),
    ("= y", 1, "an equation needs a name before its ="),
    (r"y = x +\\ z = 3", 11, "a value is missing after +"),
    ("y = f'(x)", 5, "there is no function f"),
    ("y = x^{(i)}(t)", 5, "there is no function x^{(i)}"),
    (r"y=\sin^{-1}", 3, r"\sin needs an argument"),
    (r"y = \sigma^{-1}(x)", 5, r"the inverse of \sigma is not part of the notation"),
    (r"y = \tanh^{(2)}(x)", 10, "an index on tanh is not part of the notation"),
    (r"y = \min_{w} L", 5, r"\min over an index is not part of the notation yet"),
    (r"J(\theta_0, 1) = x", 13, "a definition takes names as its arguments"),
    (r"y = \mathbb{P}(x)", 5, "probabilities are not part of the notation"),
    (r"y = \Pr(x)", 5, "probabilities are not part of the notation"),
    (r"y = a \to b", 7, r"\to makes no equation"),
    ("y = [x_1, ..., x_n]", 11, "an ellipsis stands for what nobody can see"),
    (r"y = xW, \text{where } x \text{ is the input}", 23, "where is followed by equations or shapes"),
    (r"y = x \text{ is input} z", 7, "this remark stands within a formula"),
    ("y = P(a|b)", 5, "probabilities are not part of the notation"),
    ("a = g(z)", 5, "there is no function g"),
    ("y = (x^2", 5, "this ( is never closed"),
    (r"y = \mathbb{E}_{x \sim p}[x]", 5, "expectations are not part of the notation"),
    (r"y = \text{if } x", 5, r"\text{if } cannot be read here"),
    ("y = А x", 5, "А (cyrillic capital letter a) means nothing here"),
    ("y = x日", 6, "日 is no name here"),
    (r"y = \Vert x", 5, r"this \Vert is never closed"),
    (r"y = \cancel{x}", 5, r"\cancel strikes out what it holds"),
    (r"y = \operatorname{foo} x", 5, "there is no function foo"),
    ("y = JumpReLU(x)", 5, "there is no function JumpReLU"),
    ("y = logp", 5, "log without a parenthesis reads l o g, a product of letters"),
    (r"y = \left[ a", 5, r"this \left[ has no \right"),
    (r"y = \tfrac12x2_", 16, "an argument is missing here"),
    (r"W = \begin{vmatrix} a", 5, r"\begin{vmatrix} has no \end{vmatrix}"),
    (r"y = \log", 5, r"\log needs an argument"),
    (r"\sigma'(x) = \sigma(x)(1-\sigma(x))", 1, "a derivative cannot be defined"),
]
LOOKS = [  # what is typed, and whether it is LaTeX by its look
    (r"l _ { 2 } = r e l u \left( l _ { 0 } W _ { 0 } \right) W _ { 1 }", True),
    ("$y = x W$", True), (r"y = \tanh(x)", True), (r"\[ y = x \]", True), ("y &= x W", True), ("h _ {t} = x", True), ("y = x \\\\ z = y", True),
    ("W_{0}", False), ("x^T", False), (r"r^\top", False), ("l_{2} = relu(l_{0} W_{0}) W_{1}", False), ("h_{t-1}", False), (r"a \odot b \circ c \cdot d", False),
    (r"W \in \mathbb{R}^{3 \times 4}", False), ("x ^ 2", False), ("for _ in range(3): h = h @ W", False), ("m = (a > 0) & (b > 0)", False), ("y = x # costs $5", False),
    ('"""$y = x$"""\ny = x', False),
]
# fmt: on


def shown(node: Value | Statement) -> str:
    """A tree as text, without its spans."""
    if isinstance(node, Number):
        return node.text
    if isinstance(node, Name):
        return node.key
    if isinstance(node, Call):
        options = [f"{word}={shown(value)}" for word, value in node.options]
        return f"{node.function}({', '.join([*map(shown, node.arguments), *options])})"
    if isinstance(node, Equation):
        return " = ".join([*(name.key for name in node.names), shown(node.value)])
    if isinstance(node, Definition):
        return f"{node.name.key}({', '.join(p.key for p in node.parameters)}) := {shown(node.body)}"
    assert isinstance(node, Declaration)
    return f"{node.name.key}: {node.sizes}"


def nodes(statements: tuple[Statement, ...]) -> Iterator[Value]:
    """Every value of a program."""
    waiting: list[Value] = [s.value if isinstance(s, Equation) else s.body for s in statements if not isinstance(s, Declaration)]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Call):
            waiting += node.arguments


READS = [*LAYOUT, *NAMES, *FUNCTIONS, *BRACKETS, *OPERATORS, *FORMULAS]


@pytest.mark.parametrize(("typed", "plain"), READS)
def test_latex_gives_the_tree_of_its_plain_translation(typed: str, plain: str) -> None:
    assert [shown(s) for s in read_latex(typed)] == [shown(s) for s in read_plain(plain)]


@pytest.mark.parametrize(("typed", "plain"), READS)
def test_every_value_knows_where_it_stands(typed: str, plain: str) -> None:
    for node in nodes(read_latex(typed)):
        assert 0 <= node.span.start < node.span.stop <= len(typed)
        if isinstance(node, Call):
            assert all(node.span.start <= a.span.start and a.span.stop <= node.span.stop for a in node.arguments)
            assert node.sign is None or node.span.start <= node.sign.start <= node.sign.stop <= node.span.stop


@pytest.mark.parametrize(("typed", "column", "message"), REFUSED)
def test_what_cannot_be_meant_is_refused_by_name_where_it_stands(typed: str, column: int, message: str) -> None:
    with pytest.raises(NotationError) as caught:
        read_latex(typed)
    assert (caught.value.column, caught.value.message) == (column, message)


def test_the_first_of_several_mistakes_is_reported() -> None:
    with pytest.raises(NotationError, match="no function f"):
        read_latex(r"y = f(x) + \foo")
    with pytest.raises(NotationError, match="a value is missing"):
        read_latex(r"y = a + \odot b + \foo(")


@pytest.mark.parametrize(("typed", "is_latex"), LOOKS)
def test_latex_is_known_by_its_look(typed: str, is_latex: bool) -> None:
    assert looks_like_latex(typed) == is_latex


@pytest.mark.parametrize(
    "typed",
    [
        "(" * 10_000 + "x" + ")" * 10_000,
        "{" * 10_000 + "x" + "}" * 10_000,
        r"\frac{1}{" * 5_000 + "x" + "}" * 5_000,
        "x^{" * 5_000 + "x" + "}" * 5_000,
        r"\sqrt{" * 5_000 + "x" + "}" * 5_000,
    ],
    ids=["parentheses", "braces", "fractions", "powers", "roots"],
)
def test_depth_of_the_text_is_no_depth_of_python(typed: str) -> None:
    assert len(read_latex("y = " + typed)) == 1


@pytest.mark.parametrize("piece", ["x ", "(", "{", "x^{", r"\hat{", "1", "$", "\0", "日", "a|b"])
def test_a_megabyte_of_anything_ends_soon_in_a_refusal_or_a_tree(piece: str) -> None:
    began = time.process_time()
    with pytest.raises(NotationError):
        read_latex("y = " + piece * ((1 << 20) // len(piece)))
    assert time.process_time() - began < 5


PIECES = [
    "x", "W_1", r"\hat{y}", r"\sigma", r"\tanh", "(", ")", r"\left(", r"\right)", "[", "]", "{", "}", "|", r"\|", "+", "-", r"\cdot", r"\odot", "/", "=", ",", ";", ".", "^", "_", "^T", "^{-1}", "'",
    r"\frac", r"\sqrt", r"\sum", r"\log", r"\max", r"\text{softmax}", r"\mathbf", r"\mathrm", r"\begin{cases}", r"\end{cases}", r"\begin{bmatrix}", r"\end{bmatrix}", r"\begin{aligned}", r"\end{aligned}",
    "&", r"\\", r"\quad", "$", "$$", r"\in \mathbb{R}^{3 \times 4}", r"\text{if }", r"\text{where}", "2", "0.5", "\n", " ", "relu", "%", r"\over", r"\mathbb{1}", "日", r"\foo", "#", "!", r"\left.",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_no_text_breaks_the_reader(typed: str) -> None:
    statements: tuple[Statement, ...] = ()
    with contextlib.suppress(NotationError):
        statements = read_latex(typed)
    assert all(0 <= node.span.start <= node.span.stop <= len(typed) for node in nodes(statements))
