"""What each LaTeX command means to the notation.

In    the name of a command, an environment, a delimiter; the words that stand in `\\text{…}`
Out   tables: what the rooms beside it do there (an action and the word that it takes), and what is refused, with the way out
Idea  a command more is a word in a table
"""

from __future__ import annotations

from algebra2net.names import GREEK
from algebra2net.operators import known

Meaning = tuple[str, str]  # the action, and the word that it takes


def _all(action: str, words: str) -> dict[str, Meaning]:
    """Each of the words with the same action, itself the word that it takes."""
    return {word: (action, word) for word in words.split()}


def _each(action: str, meant: dict[str, str]) -> dict[str, Meaning]:
    """Each of the spellings (several in one string) with the action and the word that they mean."""
    return {word: (action, meaning) for meaning, words in meant.items() for word in words.split()}


_LAYOUT = {
    **_all("nothing", """displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits displaylimits nonumber notag qedhere qed thinspace medspace thickspace
        negthinspace negmedspace negthickspace nobreak allowbreak break linebreak nobreakspace space null strut mathstrut centering noindent indent smallskip medskip
        bigskip hline protect relax boldmath small footnotesize scriptsize tiny normalsize large Large LARGE huge bf rm it sf tt cal bfseries rmfamily itshape sc Bbb frak
        toprule midrule bottomrule displaybreak pagebreak numberthis real qty vcentcolon"""),
    **_all("through", """boxed fbox framebox mathbin mathrel mathopen mathclose mathord mathpunct mathinner ensuremath smash underline uline makebox mathclap
        mathllap mathrlap rlap llap clap bbox vcenter Aboxed tcbhighmath mathlarger mathsmaller hl highlight"""),
    **_all("font", """mathbf boldsymbol bm mathcal mathscr mathfrak mathbb mathbbm mathds mathnormal pmb mathbfit symbf symup symit symrm symbb symcal bold vb va vu
        symbfit mathbfcal bs mathsfit tens textbf"""),
    **_each("drop", {"1": """label tag tag* hspace hspace* vspace vspace* phantom hphantom vphantom color ref eqref cite citep citet footnote textcolor colorbox mathcolor
        href style cssId class htmlClass htmlId htmlStyle htmlData numberwithin raisebox scalebox rotatebox""", "2": "rule setlength addtolength fcolorbox resizebox"}),
    **_all("length", "kern mkern hskip mskip vskip"),
    **_all("word", "mathrm operatorname operatorname* mathtt mathsf mathit mathup texttt mathop operatornamewithlimits"),
    **_all("text", "text textrm textit textsf textnormal textup textsc textmd mbox hbox emph"),
    **_all("above", "overset underset stackrel stackbin"),
    **_all("brace", "underbrace overbrace underbracket overbracket"),
    **_all("struck", "cancel bcancel xcancel cancelto sout"),
    **_all("between", "intertext shortintertext"),
    **_all("number", "eqno leqno"),
    **_all("begin", "begin"), **_all("end", "end"), **_all("left", "left"), **_all("right", "right"), **_all("middle", "middle"),
    **_all("size", " ".join(size + side for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m"))),
}  # fmt: skip

_NAMES = {
    **{word: ("letter", word) for word in GREEK if word != "omicron"},
    **_each("letter", {
        "epsilon": "varepsilon", "theta": "vartheta", "phi": "varphi", "rho": "varrho", "sigma": "varsigma", "pi": "varpi", "kappa": "varkappa", "Gamma": "varGamma",
        "Delta": "varDelta", "Theta": "varTheta", "Lambda": "varLambda", "Xi": "varXi", "Pi": "varPi", "Sigma": "varSigma", "Phi": "varPhi", "Psi": "varPsi",
        "Omega": "varOmega", "l": "ell", "i": "imath", "j": "jmath", "d": "dd", "R": "R Re",
    }),
    **_each("accent", {
        "hat": "hat widehat Hat", "tilde": "tilde widetilde Tilde", "bar": "bar overline widebar", "dot": "dot", "ddot": "ddot", "vec": "vec overrightarrow vv",
        "check": "check widecheck", "breve": "breve", "acute": "acute", "grave": "grave", "ring": "mathring", "left": "overleftarrow",
    }),
}  # fmt: skip

_OPERATORS = {
    **_each("sign", {
        "PRODUCT ·": "cdot cdotp centerdot times", "TIMES *": "odot circ ast", "TIMES ⊗": "otimes", "DIVIDE /": "div slash oslash", "AND and": "land wedge",
        "COMPARE <": "lt", "COMPARE >": "gt", "COMPARE <=": "le leq leqslant leqq", "COMPARE >=": "ge geq geqslant geqq", "COMPARE !=": "ne neq",
        "EQUALS =": "leftarrow gets longleftarrow coloneqq coloneq colonequals triangleq equiv doteq defeq eqdef eqqcolon",
        "QUAD quad": "quad qquad hfill enspace enskip", "ROW row": "cr newline tabularnewline", "BREAK par": "par",
    }),
    **_all("operator", "arccos arcsin arctan cos cosh det exp log max min sin sinh tan tanh"),
    **_each("operator", {"log": "ln", "log10": "lg", "tan": "tg", "arctan": "arctg", "sinh": "sh", "cosh": "ch", "tanh": "th"}),
    **_all("fraction", "frac dfrac tfrac cfrac nicefrac sfrac flatfrac xfrac"),
    **_all("sum", "sum prod"), **_all("sqrt", "sqrt"), **_all("over", "over"), **_all("in", "in"), **_all("sample", "sim"),
    **_all("delimiter", "lbrace rbrace lbrack rbrack langle rangle lfloor rfloor lceil rceil vert Vert lvert rvert lVert rVert mid lgroup rgroup"),
    **_all("wrap", "norm abs floor ceil"),
    **_all("matrix", "matrix pmatrix bmatrix"),
}  # fmt: skip

_OURS = ("algebra2net derives the gradients itself", "type the forward pass; its derivatives come out")
_SEEN = ("an ellipsis stands for what nobody can see", "write every term out, or a matrix that holds them all")
OBJECTIVE = "type the objective alone, L = …: its gradients come out"
_HIGHEST = ("{0} has no gradient and is not part of the notation", "x == \\max(x, axis=1) marks the largest entry of each row")
_MEAN = ("expectations are not part of the notation", "over a batch, an expectation is \\operatorname{{mean}}(…)")
_CHANCE = ("probabilities are not part of the notation", "name the value itself: p = \\operatorname{{softmax}}(…)")
_ARROW = ("\\{0} makes no equation", "write = or \\leftarrow between a name and its value, and each equation on a row of its own")
_LIKE = ("\\{0} makes no equation", "write = where the value is meant")
_SETS = ("\\{0} speaks of sets, and values here are matrices", "W \\in \\mathbb{{R}}^{{3 \\times 4}} declares a shape")
_GONE = ("\\{0} is not part of the notation", None)
_TEX = ("\\{0} belongs to the document around a formula", "paste the formulas alone")

_REASONS: list[tuple[tuple[str, str | None], str]] = [
    (_SEEN, "ldots cdots dots vdots ddots dotsc dotsb dotsm dotsi dotso hdots iddots mathellipsis textellipsis hdotsfor"),
    (_OURS, "partial nabla grad dv pdv odv diff dif"),
    (("integrals are not part of the notation", "write the value that the integral has, or a mean over samples"), "int iint iiint oint idotsint intop smallint"),
    (_HIGHEST, "arg argmax Argmax argsort"),
    ((_HIGHEST[0], OBJECTIVE), "argmin Argmin"),
    (("\\{0} makes two equations of one", "write two equations, one with + and one with -"), "pm mp"),
    (_MEAN, "E Expect expect Ex EE expectation Exp"),
    (_CHANCE, "Pr P Prob prob"),
    (_LIKE, "approx approxeq simeq cong propto asymp thicksim thickapprox models vdash perp parallel"),
    (_ARROW, "to rightarrow longrightarrow Rightarrow Longrightarrow implies iff Leftrightarrow leftrightarrow mapsto longmapsto hookrightarrow xrightarrow xleftarrow Leftarrow "
     "leadsto therefore because downarrow uparrow Longleftrightarrow"),
    (_SETS, "cup cap subset subseteq supset supseteq notin ni setminus emptyset varnothing forall exists nexists bigcup bigcap"),
    (_GONE, "lim limsup liminf sup inf Im ker dim deg gcd hom bmod pmod mod choose atop binom dbinom tbinom aleph diamond flat natural sharp angle triangle ddagger smile wp prec succ not "
     "lor vee lnot neg top bot prime intercal star dagger infty oplus ominus bigoplus bigotimes bigodot uplus boxplus boxtimes bullet backslash ll gg bra ket braket degree substack"),
    (_TEX, "documentclass usepackage newcommand renewcommand def let DeclareMathOperator section subsection paragraph item caption includegraphics footnotemark maketitle verb url bibitem input"),
]  # fmt: skip

_INSTEAD = {
    "star": "for an elementwise product \\odot; convolutions are not part of the notation", "bullet": "for an elementwise product \\odot, for a matrix product \\cdot",
    "oplus": "blocks stand side by side in [a, b], + adds", "backslash": "\\operatorname{solve}(A, b)", "infty": "no value is infinite here", "dagger": "for a real matrix ^T",
    "lor": "\\max(a, b)", "vee": "\\max(a, b)", "lnot": "1 - a", "neg": "1 - a", "ll": "type <", "gg": "type >", "top": "x^\\top transposes x", "intercal": "x^\\intercal transposes x",
    "prime": "x^\\prime or x'", "lim": "write the value that the limit has", "sup": "\\max(x)", "inf": "\\min(x)", "bra": "x^T", "ket": "x", "braket": "\\langle a, b \\rangle",
    "arg": _HIGHEST[1] or "", "not": "\\neq", "E": "over a batch, an expectation is \\operatorname{mean}(…)",
}  # fmt: skip

REFUSED: dict[str, tuple[str, str | None]] = {
    name: (message.format(name), _INSTEAD.get(name) or (hint.format(name) if hint else None)) for (message, hint), words in _REASONS for name in words.split() if name.isalpha()
}
REFUSED["sim"] = (_LIKE[0].format("sim"), "x \\sim \\mathcal{N}(0, 1) says that x is an input: add an equation of it")
REFUSED |= {
    name: (f"{shown} is not part of the notation", f"write {instead}")
    for name, shown, instead in (
        ("cot", "the cotangent", "1 / \\tan(x)"), ("sec", "the secant", "1 / \\cos(x)"), ("csc", "the cosecant", "1 / \\sin(x)"), ("coth", "the hyperbolic cotangent", "1 / \\tanh(x)"),
    )
}  # fmt: skip

COMMANDS: dict[str, Meaning] = {**{name: ("refuse", name) for name in REFUSED}, **_LAYOUT, **_NAMES, **_OPERATORS}

ESCAPES: dict[str, Meaning] = {
    **dict.fromkeys(",;:!> /-\n\t\r", ("nothing", "")), "{": ("delimiter", "lbrace"), "}": ("delimiter", "rbrace"), "|": ("delimiter", "Vert"),
    "[": ("display", "["), "]": ("display", "]"), "(": ("display", "("), ")": ("display", ")"), "_": ("script", "_"), "*": ("sign", "TIMES *"),
}  # fmt: skip

SYMBOLS: dict[str, str] = {
    "+": "SIGN +", "-": "SIGN -", "−": "SIGN -", "‐": "SIGN -", "–": "SIGN -", "*": "TIMES *", "∗": "TIMES *", "∘": "TIMES *", "⊙": "TIMES *", "⊗": "TIMES ⊗",
    "·": "PRODUCT ·", "⋅": "PRODUCT ·", "×": "PRODUCT ·", "/": "DIVIDE /", "÷": "DIVIDE /", "=": "EQUALS =", ",": "COMMA ,", ".": "PERIOD .", ";": "SEMI ;", ":": "COLON :",
}  # fmt: skip
COMPARISONS = {"&lt;": "<", "&gt;": ">", "&lt;=": "<=", "&gt;=": ">=", "≤": "<=", "≥": ">=", "≠": "!="}

# What a delimiter opens (kind of sign, side); the side is empty where only the surroundings tell.
DELIMITERS: dict[str, tuple[str, str]] = {
    "(": ("LPAR", ""), ")": ("RPAR", ""), "[": ("LBRACKET", ""), "]": ("RBRACKET", ""), "|": ("BAR", ""), "<": ("LANGLE", ""), ">": ("RANGLE", ""), ".": ("NULL", ""),
    "/": ("DIVIDE", ""), "lbrace": ("LSET", ""), "rbrace": ("RSET", ""), "lbrack": ("LBRACKET", ""), "rbrack": ("RBRACKET", ""), "langle": ("LANGLE", ""), "rangle": ("RANGLE", ""),
    "lfloor": ("LFLOOR", ""), "rfloor": ("RFLOOR", ""), "lceil": ("LCEIL", ""), "rceil": ("RCEIL", ""), "vert": ("BAR", ""), "Vert": ("NORM", ""), "lvert": ("BAR", "open"),
    "rvert": ("BAR", "close"), "lVert": ("NORM", "open"), "rVert": ("NORM", "close"), "mid": ("BAR", "mid"), "lgroup": ("LPAR", ""), "rgroup": ("RPAR", ""),
    "||": ("NORM", ""), "‖": ("NORM", ""),
}  # fmt: skip

# Rows of these are statements of their own (where they stand alone); of those, blocks of a matrix.
LAYOUTS = frozenset(
    name + star
    for name in "equation align aligned alignat alignedat gather gathered split multline multlined flalign eqnarray displaymath math subequations IEEEeqnarray empheq dmath "
    "dgroup lgathered rgathered spreadlines alignedat center small footnotesize document".split()
    for star in ("", "*")
)
TABLES = frozenset(("array", "matrix", "smallmatrix", "tabular", "subarray"))
MATRICES = frozenset(f"{letter}{size}" for letter in "pb" for size in ("matrix", "matrix*", "smallmatrix"))
CASES = frozenset(("cases", "dcases", "rcases", "drcases", "cases*", "dcases*", "numcases", "empheq"))
WITH_ARGUMENT = frozenset(("array", "tabular", "alignat", "alignat*", "alignedat", "subarray", "IEEEeqnarray", "IEEEeqnarray*", "numcases", "empheq"))

# Words in \text{…} that are no names.
CONNECTORS = {
    word: kind
    for kind, words in {
        "where": "where|with|in which|wherein|given|given by|其中|这里|式中",
        "and": "and|then|so|so that|thus|hence|therefore|next|followed by|finally|first|且|和|并且|然后|其次",
        "if": "if|when|for|in case|若|当|如果|if and only if|iff",
        "otherwise": "otherwise|else|o.w|ow|others|other|elsewhere|in other cases|otherwise.|其他|其它|否则|其余|sonst|sinon",
    }.items()
    for word in words.split("|")
}

_ALIASES = {"sig": "sigmoid", "sgn": "sign", "signum": "sign", "concatenate": "concat", "cat": "concat", "heaviside": "step"}


def called(word: str) -> str | None:
    """The function that a word in a formula calls, or None."""
    return known(word) or known(_ALIASES.get(word.casefold(), ""))


# Functions that people write with upper-case letters and that nobody means as a product of these letters.
NETWORKS = frozenset(
    "MLP FFN FFNN RNN LSTM GRU CNN DNN GNN GCN GAT MHA MSA SA GAP FC NN BN GN LN IN CONV ATT VAE GAN KNN SVM PE CLS MSE MAE RMSE BCE CE NLL KL JSD MHSA Attn".split()
)
OBJECTIVES = frozenset("minimize minimise maximize maximise min. max. s.t. subjectto".split())  # words that make no equation
