"""Text in any notation → the tree.

In    a program as text, and the notation it is in
Out   its statements (notation.py), every node with its span
Idea  three steps, each a loop: the grammar's terminals cut the text into tokens; `_tell_apart` settles what only the
      surroundings say (is this word a function, does this bar open?); the grammar's rules build the tree as they go
"""

from __future__ import annotations

import itertools
import os
import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken

from algebra2net import names
from algebra2net.errors import NotationError, Span, nearest
from algebra2net.grammars import StrangeCharacterError, cut, parser, token_at
from algebra2net.notation import Call, Declaration, Definition, Equation, Name, Number, Statement, Value
from algebra2net.operators import OPERATORS, known, spellings
from algebra2net.recognise import LONGEST, recognised

MADE_FROM = "Made by algebra2net from:"  # in the docstring of a generated module, before the algebra
_OWN_MODULE = re.compile(rf'\A\s*"""[^"]*?{MADE_FROM}\n\n((?:    [^\n"]*\n)+)"""')
LONGEST_WORD = 100
MOST = 1 << 16  # tokens: 6,000 layers; more would take longer than anybody waits
REMEMBERED = 256  # tokens of a statement; how a longer one is built is not kept
_OPENS = {"LPAR": "RPAR", "LBRACE": "RBRACE", "LBRACKET": "RBRACKET", "BAR_OPEN": "BAR_CLOSE", "NORM_OPEN": "NORM_CLOSE"}
_CLOSES = {"RPAR", "RBRACE", "RBRACKET"}
_ENDS_OPERAND = {"NAME", "NUMBER", "TRANSPOSE", "SMALL_POWER", "BAR_CLOSE", "NORM_CLOSE"} | _CLOSES
_BEGINS_OPERAND = {"NAME", "NUMBER", "LPAR", "LBRACE", "LBRACKET", "BAR", "NORM", "ROOT"}
_MAKES_SURE = _BEGINS_OPERAND | {"POWER"}  # what behind a word asks for a second look at it
_BINARY = {"SIGN", "TIMES", "PRODUCT", "DIVIDE", "COMPARE", "POWER", "EQUALS"}
_KEPT = ("BAR", "NORM", "ROOT", "HABIT")
FUNCTION_LETTERS = ("f", "g", "phi", "psi", "varphi")  # before a parenthesis nobody means a product with these


def read(source: str, notation: str = "auto", dialect: str | None = None) -> tuple[Statement, ...]:
    """The statements of `source`. `dialect="matlab"` reads `*` as the matrix product.

    Raises NotationError where the text cannot be meant.
    """
    _check(source)
    source = source.removeprefix("\ufeff")
    chosen = recognised(source) if notation == "auto" else notation
    if chosen not in READERS:
        raise ValueError(f"there is no notation {notation!r}; there are auto, {', '.join(READERS)}")
    statements = READERS[chosen](source)
    if not statements:
        raise NotationError("there is nothing to read", Span(source, 0, 0), "type an equation: l2 = relu(l0 W0) W1")
    return statements


def read_value(source: str) -> Value:
    """One expression in plain notation: a rule of an operator."""
    (statement,) = read_plain(source)
    assert isinstance(statement, Equation)
    return statement.value


def read_plain(source: str) -> tuple[Statement, ...]:
    """Plain and Unicode text."""
    tokens, problem = _cut(parser("plain", _KEPT), source)
    tokens, trouble = _tell_apart(tokens, source, is_whole=problem is None)
    problem = trouble or problem
    statements = _build(tokens, _Builder(source), parser("plain", _KEPT), problem, _unexpected)
    if problem is not None:
        raise problem
    return statements


def _check(source: Any) -> None:
    if not isinstance(source, str):
        raise TypeError(f"a program is text, not {type(source).__name__}{'; read the file: source.read_text()' * isinstance(source, os.PathLike)}")
    if names.is_of_a_file(source.strip()):
        raise NotationError(f"{source} is the name of a file", Span(source, 0, len(source)), f"read the file: pathlib.Path({source!r}).read_text()")
    if len(source) > LONGEST:
        raise NotationError(f"a program has at most {LONGEST:,} characters, this one {len(source):,}")
    long = re.search(rf"[^\W\d_]{{{LONGEST_WORD + 1}}}", source)
    if long:
        raise NotationError(f"a name has at most {LONGEST_WORD} letters", Span(source, *long.span()))


# ------------------------------------------------------------------------------------------------ tokens by their look


def _cut(lark: Lark, source: str) -> tuple[list[Token], NotationError | None]:
    """The tokens up to the first character that means nothing, and what is to be said of that one."""
    tokens: list[Token] = []
    try:
        for token in cut(lark, source):
            tokens.append(token)
            if len(tokens) > MOST:
                return tokens, NotationError(f"a program has at most {MOST:,} words and signs", _span(token, source), "split it in two")
    except StrangeCharacterError as error:
        return tokens, _strange(source, error.place)
    for place, token in enumerate(tokens):
        if token.type == "HABIT":
            return tokens[:place], _habit(token, source)
    return tokens, None


_HABITS = {"**": "a power is written ^: x^2", "->": "an equation is written =", "→": "an equation is written =", "<-": "an equation is written ="}
_STRANGE = {
    ".": "write x' for x.T, and functions by their bare name: maximum(0, z) instead of np.maximum(0, z)",
    "$": 'this looks like LaTeX: notation="latex" reads it',
    "\\": 'this looks like LaTeX: notation="latex" reads it',
    '"': "names and numbers need no quotes",
    "&": "use * for an elementwise product of comparisons",
    "%": "a comment starts with #",
    "~": "1 - x negates a comparison",
    ":": "W0: 3x4 declares a shape",
    "∂": "algebra2net derives the gradients itself: type the forward pass",
    "∑": "write sum(x), sum(x, axis=0) or sum(x, axis=1)",
    "Σ": "write sum(x), sum(x, axis=0) or sum(x, axis=1)",
    "∫": "integrals are not part of the notation",
    "±": "write two equations, one with + and one with -",
    "×": "write x W for the matrix product, x * W entry by entry",
    "!": "a comparison is written x != y; the logarithm of a factorial is lgamma(n + 1)",
    "∇": "algebra2net derives the gradients itself: type the forward pass",
    "∏": "write prod(x), prod(x, axis=0) or prod(x, axis=1)",
    "∞": "‖x‖_∞ is a norm; infinity is no number here",
}


def _strange(source: str, at: int) -> NotationError:
    character, span = source[at], Span(source, at, at + 1)
    number = re.compile(r"[\d.]+").match(source, at)
    if number and character.isdecimal():
        return NotationError(f"{number[0]} is no number", Span(source, *number.span()), "a number has one point: 1.5, 1e-3")
    named = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    if not character.isprintable():
        return NotationError(f"an invisible character ({named}) means nothing here", span, "take it away")
    like = _LOOKS_LIKE.get(character)
    hint = _STRANGE.get(character) or (f"it looks like {like}, but is another letter: type {like}" if like else "take it away, or spell it out: every function has a name")
    return NotationError(f"{character} ({named}) means nothing here", span, hint)


_LOOKS_LIKE = dict(zip("АВЕКМНОРСТХІЅЈаеорсухіѕјһԁԛԝνＡＢＷｘｗ×ꓪⅼ", "ABEKMHOPCTXISJaeopcyxisjhdqwvABWxwxWl", strict=True))


def _habit(token: Token, source: str) -> NotationError:
    return NotationError(f"{token} is not part of the notation", _span(token, source), _HABITS[str(token)])


# -------------------------------------------------------------------------------------- tokens by their surroundings


def _tell_apart(tokens: list[Token], source: str, is_whole: bool = True) -> tuple[list[Token], NotationError | None]:
    """The tokens as the rules name them, up to the first that cannot be meant, and what is to be said of that one.

    What is open at the end is only a mistake where the tokens are the `is_whole` program.
    """
    open_at: list[Token] = []
    told: list[Token] = []
    values, functions, primed = _survey(tokens)
    place = 0
    while place < len(tokens):
        token = tokens[place]
        match token.type:
            case "NAME":
                taken, token, problem = _word(tokens, place, told, open_at, values, functions, primed, source)
                if problem is not None:
                    return told, problem
                place += taken
            case "LPAR" | "LBRACE" | "LBRACKET":
                open_at.append(token)
            case "RPAR" | "RBRACE" | "RBRACKET":
                if not open_at or _OPENS[open_at[-1].type] != token.type:
                    return told, _mismatch(token, open_at, source)
                open_at.pop()
            case "BAR" | "NORM":
                token = _bar(token, open_at, told)
            case "ROOT":
                token = _as(token, "FUNCTION" if _kind(tokens, place + 1) == "LPAR" else "BARE", _ROOTS[token])
            case "NUMBER" if token in _FRACTIONS:
                token = _as(token, "NUMBER", _FRACTIONS[token])
            case "_SEPARATOR":
                if open_at and token == "\n":
                    place += 1
                    continue
                if open_at and open_at[-1].type == "LBRACKET":
                    token = _as(token, "ROW")
                elif open_at:
                    return told, _unclosed(open_at[-1], source)
        told.append(token)
        place += 1
    if open_at and is_whole:
        return told, _unclosed(open_at[-1], source)
    return told, None


_ROOTS = {"√": "sqrt", "∛": "cbrt"}
_FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75"}


def _kind(tokens: Sequence[Token], place: int) -> str:
    return tokens[place].type if place < len(tokens) else "$END"


def _survey(tokens: Sequence[Token]) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Where the program makes values, functions and primed names of its own: key → the token that does."""
    values: dict[str, int] = {}
    functions: dict[str, int] = {}
    primed: dict[str, int] = {}
    depth, begins = 0, True
    kinds = [token.type for token in tokens] + ["$END", "$END"]
    for place, (kind, following) in enumerate(itertools.pairwise(kinds)):
        if kind == "NAME":
            word = tokens[place].value
            if begins and following == "LPAR" and _is_definition(tokens, place):
                functions.setdefault(names.key(word), place)
                primed |= {names.key(tokens[k].value): place for k in range(place + 2, kinds.index("EQUALS", place)) if kinds[k] == "NAME" and kinds[k + 1] == "TRANSPOSE"}
            elif following == "SIZES" or (following == "EQUALS" and (begins or kinds[place - 1] == "EQUALS")) or (following != "LPAR" and known(word) is None):
                values.setdefault(names.key(word), place)
            if begins and following == "TRANSPOSE" and kinds[place + 2] == "EQUALS":
                primed.setdefault(names.key(word), place)
            begins = False
        elif kind == "_SEPARATOR":
            begins = depth <= 0
        else:
            depth += (kind in _OPENS) - (kind in _CLOSES)
            begins = False
    return values, functions, primed


def _is_definition(tokens: Sequence[Token], place: int) -> bool:
    """Whether `f(x, y) =` stands at `place`."""
    place += 2
    while place + 1 < len(tokens) and tokens[place].type == "NAME":
        place += 1 + _primes(tokens, place)
        if _kind(tokens, place) == "RPAR":
            return _kind(tokens, place + 1) == "EQUALS"
        if _kind(tokens, place) != "COMMA":
            return False
        place += 1
    return False


def _word(
    tokens: Sequence[Token], place: int, told: Sequence[Token], open_at: Sequence[Token], values: dict[str, int], functions: dict[str, int], primed: dict[str, int], source: str
) -> tuple[int, Token, NotationError | None]:
    """What the word at `place` is: how many tokens more it takes, the token, and what is wrong with it."""
    token = tokens[place]
    joined = _joined(tokens, place)
    if joined is not None:
        return *joined, None
    key = names.key(token.value)
    primes = _primes(tokens, place)
    following = tokens[place + primes + 1].type if place + primes + 1 < len(tokens) else "$END"
    begins = not open_at and (not told or told[-1].type == "_SEPARATOR")
    if key == "where" and following != "LPAR" and not open_at:
        return 0, _as(token, "WHERE"), None
    if begins and functions.get(key) == place:
        return 0, _as(token, "DEFINED"), None
    if primes and key in primed and (primed[key] < place or (begins and following == "EQUALS")) and following != "LPAR":
        return 1, _as(token, "NAME", token + "'"), None
    if following == "EQUALS" and open_at and not primes:
        return 0, _as(token, "OPTION"), None
    if following != "LPAR" and (primes or following not in _MAKES_SURE):
        return 0, token, None  # it can only be the name of a value
    if token.startswith("Σ") and not primes and (problem := _no_sum(tokens, place, values, source)) is not None:
        return 0, token, problem
    name = (key if key in functions else None) or (None if key in values and (following != "LPAR" or len(names.parts(key).base) == 1) else known(token))
    if name is not None and following == "LPAR":
        return primes, _as(token, "FUNCTION", name + "'" * primes), None
    if name in OPERATORS and OPERATORS[name].bare and not primes and _begins_operand(tokens, place + 1):
        return 0, _as(token, "BARE", name), None
    if following == "LPAR" and key not in values and _is_a_call(tokens, place + primes + 1, key):
        return 0, token, _no_function(token, functions, source)
    defined = key in values and values[key] + 1 < len(tokens) and tokens[values[key] + 1].type in ("EQUALS", "SIZES")
    return 0, token, None if defined else _no_value(tokens, place, name, source)


def _no_sum(tokens: Sequence[Token], place: int, values: dict[str, int], source: str) -> NotationError | None:
    """What is to be said of a Σ that sums: `Σ(x - y)²`, `Σᵢ xᵢ log pᵢ`; None where it may be a matrix."""
    token, following = tokens[place], tokens[place + 1]
    index = names.parts(token).subscripts
    if names.key(token) in values and following.type == "LPAR":
        return None
    if index and (following.type == "LPAR" or (following.type == "NAME" and set(index) & set(names.parts(following).subscripts))):
        return NotationError("indexed sums are not part of the notation yet", _span(token, source), "sum(x) adds all entries, sum(x, axis=1) those of each row")
    if following.type == "LPAR" and not (place and tokens[place - 1].type in ("TRANSPOSE", "PRODUCT")):  # (x - m)' Σ (x - m)
        return NotationError(f"{token} before a parenthesis could be a sum", _span(token, source), f"sum(x) adds all entries; {token} · (x) is the product with a matrix {token}")
    return None


def _no_value(tokens: Sequence[Token], place: int, function: str | None, source: str) -> NotationError | None:
    """Why the word at `place`, with something behind it, is hardly the name of a value; None where it may be one."""
    following = tokens[place + 1].type if place + 1 < len(tokens) else "$END"
    if following not in _MAKES_SURE:
        return None
    token, base = tokens[place], names.parts(tokens[place].value)
    if following == "POWER" and not base.subscripts:
        return None
    if base.base in _INDEXED and base.subscripts:
        return NotationError("indexed sums are not part of the notation yet", _span(token, source), "sum(x) adds all entries, sum(x, axis=1) those of each row")
    if function in OPERATORS and (_is_never_a_value(function) or function in _TOTALS) and base.base not in names.GREEK:
        return NotationError(f"{token} is a function", _span(token, source), f"call it with ( ): {token}(x)")
    if token == "E" and tokens[place + 1].type == "LBRACKET" and tokens[place + 1].start_pos == token.end_pos and not _is_divided(tokens, place + 1):
        return NotationError("an expectation is not part of the notation", _span(token, source), "over a batch, it is a mean: mean(x), mean(x, axis=0)")
    if following == "LBRACKET" and tokens[place + 1].start_pos == token.end_pos and not _is_divided(tokens, place + 1, ("COMMA", "_SEPARATOR", "NORM")):
        return NotationError(
            "entries and slices are not part of the notation yet", _span(token, source), f"a product has a space: {token} […]; a part that you need is an input: give it a name"
        )
    if token == "if":
        return NotationError("a choice is not written with if", _span(token, source), "where(x > 0, x, 0)")
    return None


def _is_never_a_value(function: str) -> bool:
    """Whether nobody calls a value so: `mean`, `step` and `size` are names of values, too."""
    return len(function) > 2 and (OPERATORS[function].elementwise or OPERATORS[function].family == "rows") and function not in ("step", "sign", "square", "round", "floor")


_TOTALS = ("sum", "prod", "max", "min", "mean")  # beside a value nobody means a product with these
_INDEXED = ("sum", "prod", "max", "min", "argmax", "argmin", "lim")


def _primes(tokens: Sequence[Token], place: int) -> int:
    """How many primes follow the word at `place`."""
    primes = 0
    while place + primes + 1 < len(tokens) and tokens[place + primes + 1].type == "TRANSPOSE" and tokens[place + primes + 1] in ("'", "′", "’"):
        primes += 1
    return primes


def _joined(tokens: Sequence[Token], place: int) -> tuple[int, Token] | None:
    """A function whose name goes on behind a digit (log1p), and how many tokens more it takes."""
    if place + 2 >= len(tokens) or tokens[place + 1].type != "NAME" or tokens[place].end_pos != tokens[place + 1].start_pos:
        return None
    after = place + 2 + _primes(tokens, place + 1)
    if after < len(tokens) and tokens[after].type == "LPAR":
        name = known(tokens[place] + tokens[place + 1])
        if name is not None:
            whole = _as(tokens[place], "FUNCTION", name + "'" * (after - place - 2))
            whole.end_pos = tokens[after - 1].end_pos
            return after - place - 1, whole
    return None


def _begins_operand(tokens: Sequence[Token], place: int) -> bool:
    return place < len(tokens) and tokens[place].type in _BEGINS_OPERAND


def _is_a_call(tokens: Sequence[Token], opens: int, key: str) -> bool:
    """Whether an unknown name before the parenthesis at `opens` can only be meant as a function."""
    base = names.parts(key).base
    return (len(base) > 1 and base not in names.GREEK) or base in FUNCTION_LETTERS or _is_divided(tokens, opens)


def _is_divided(tokens: Sequence[Token], opens: int, kinds: Sequence[str] = ("COMMA",)) -> bool:
    """Whether what the bracket at `opens` holds is divided by a comma, or by a sign of these kinds."""
    depth = 0
    for token in tokens[opens:]:
        depth += (token.type in _OPENS) - (token.type in _CLOSES)
        if depth <= 0:
            return False
        if depth == 1 and token.type in kinds:
            return True
    return False


def _no_function(token: Token, functions: Iterable[str], source: str) -> NotationError:
    word = str(token)
    hint = _UNSUPPORTED.get(word.casefold()) or nearest(word, [*spellings(), *functions]) or f"define it: {word}(x) = …, or put * before the parenthesis for a product"
    return NotationError(f"there is no function {word}", _span(token, source), hint)


_UNSUPPORTED = {
    "argmax": "argmax has no gradient and is no part of the notation; x == max(x, axis=1) marks the largest of each row",
    "argmin": "argmin has no gradient and is no part of the notation; x == min(x, axis=1) marks the smallest of each row",
    **dict.fromkeys(("e", "expectation"), "an expectation is a mean(…) over a batch"),
    **dict.fromkeys(("int", "integral", "integrate"), "integrals are not part of the notation"),
    **dict.fromkeys(("grad", "gradient", "diff", "derivative", "backward", "jacobian", "hessian"), "algebra2net derives the gradients itself: type the forward pass"),
    **dict.fromkeys(("range", "for", "while", "zip", "enumerate"), "loops are not part of the notation: write each layer as an equation of its own"),
    **dict.fromkeys(("rand", "randn", "random", "normal", "uniform"), "what is random is an input: leave it out"),
    **dict.fromkeys(("concatenate", "cat"), "[a, b] puts blocks side by side, [a; b] on top of each other"),
    **dict.fromkeys(("sort", "argsort", "topk", "cumsum", "conv", "conv1d", "conv2d", "fft", "reshape", "einsum"), "it is not part of the notation yet"),
    "len": "size(x, axis=0) counts the rows",
    "shape": "size(x, axis=0) counts the rows, size(x, axis=1) the columns",
    "lim": "limits are not part of the notation",
}


def _bar(token: Token, open_at: list[Token], told: Sequence[Token]) -> Token:
    """A bar that opens, closes, or (in brackets) stands between blocks."""
    kind = token.type
    ends = bool(told) and told[-1].type in _ENDS_OPERAND
    if ends and open_at and open_at[-1].type == f"{kind}_OPEN":
        open_at.pop()
        return _as(token, f"{kind}_CLOSE")
    if ends and kind == "NORM" and open_at and open_at[-1].type == "LBRACKET":
        return _as(token, "BESIDE")
    if ends and kind == "NORM" and open_at and _called_with(open_at[-1], told) == "kl":
        return _as(token, "COMMA")
    opened = _as(token, f"{kind}_OPEN")
    open_at.append(opened)
    return opened


def _called_with(opened: Token, told: Sequence[Token]) -> str:
    """The function that a parenthesis belongs to."""
    place = next(place for place in range(len(told) - 1, -1, -1) if told[place] is opened)
    return str(told[place - 1]) if place and told[place - 1].type == "FUNCTION" else ""


def _mismatch(token: Token, open_at: Sequence[Token], source: str) -> NotationError:
    if not open_at:
        return NotationError(f"this {token} closes nothing", _span(token, source), f"take it away, or open it: ({token}".replace("(]", "[").replace("(}", "{").replace("()", "("))
    opened = open_at[-1]
    return NotationError(f"{opened} is closed by {token}", _span(token, source), also=[("it was opened here:", _span(opened, source))])


def _unclosed(token: Token, source: str) -> NotationError:
    return NotationError(f"this {token} is never closed", _span(token, source), f"close it: {_CLOSERS.get(str(token), str(token))}")


_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def _as(token: Token, kind: str, text: str | None = None) -> Token:
    return token_at(kind, token.value if text is None else text, token.start_pos or 0, token.end_pos or 0)


def _span(token: Token, source: str) -> Span:
    return Span(source, token.start_pos or 0, token.end_pos or 0)


# ------------------------------------------------------------------------------------------------------ tokens → tree

Unexpected = Callable[[Token, Token | None, str], NotationError]


def _build(tokens: Sequence[Token], build: _Builder, lark: Lark, problem: NotationError | None, unexpected: Unexpected) -> tuple[Statement, ...]:
    """The statements that the rules build from the tokens; no deeper in Python for deeper text."""
    if problem is not None:
        _refuse(tokens, build.source, lark, unexpected, is_whole=False)
        return ()
    built: list[Statement] = []
    for statement in _statements(tokens):
        kinds = tuple([token.type for token in statement])
        steps = _recipe(lark, kinds) if len(kinds) <= REMEMBERED else _recipe.__wrapped__(lark, kinds)
        if steps is None:
            _refuse(tokens, build.source, lark, unexpected)
            return ()
        parts: list[Any] = [*statement]
        for rule, places in steps:
            parts.append(getattr(build, rule)([parts[place] for place in places]))
        built += parts[-1]
    return tuple(built)


def _statements(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The tokens of each statement."""
    start = 0
    for place, token in enumerate(tokens):
        if token.type == "_SEPARATOR":
            if start < place:
                yield tokens[start:place]
            start = place + 1
    if start < len(tokens):
        yield tokens[start:]


@lru_cache(maxsize=1 << 10)
def _recipe(lark: Lark, kinds: tuple[str, ...]) -> tuple[tuple[str, tuple[int, ...]], ...] | None:
    """How the rules build a statement of tokens of these kinds; None where they cannot.

    Rule after rule, children first; the parts of each by number: those of the tokens, then those of what has been built.
    A network repeats itself: its layers differ in names, and the rules look at kinds alone.
    """
    interactive = lark.parse_interactive()
    try:
        for place, kind in enumerate(kinds):
            interactive.feed_token(Token(kind, str(place)))
        tree: Tree[Token] = interactive.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken:
        return None
    order = [tree]
    for node in order:
        order += [child for child in reversed(node.children) if isinstance(child, Tree)]
    order.reverse()
    number = {id(node): place for place, node in enumerate(order, len(kinds))}
    return tuple((str(node.data), tuple(number[id(part)] if isinstance(part, Tree) else int(part) for part in node.children if part is not None)) for node in order)


def _refuse(tokens: Sequence[Token], source: str, lark: Lark, unexpected: Unexpected, is_whole: bool = True) -> None:
    """Raise what is to be said where the rules cannot go on, if they cannot."""
    interactive = lark.parse_interactive()
    before: Token | None = None
    try:
        for token in tokens:
            interactive.feed_token(token)
            before = token
        if is_whole:
            interactive.feed_eof(before)  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        raise unexpected(error.token, before, source) from None


_SIGNS = {
    "+": "plus", "-": "minus", "−": "minus", "*": "times", ".*": "times", "∘": "times", "⊙": "times", "⊗": "kron",
    r"\odot": "times", r"\circ": "times", "/": "divide", "./": "divide", "÷": "divide",
    "<": "lt", "<=": "le", "≤": "le", ">": "gt", ">=": "ge", "≥": "ge", "==": "eq", "!=": "ne", "≠": "ne",
}  # fmt: skip
_SMALL_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_NORM_ORDERS = {"1": "1", "∞": "inf", "inf": "inf", "infty": "inf", "₁": "1"}


class _Builder:
    """One method for each rule of the grammar: the parts of the rule → a node of the tree."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.bracketed: dict[int, tuple[Value, Span]] = {}  # what stands in brackets, and with them

    def span(self, parts: Sequence[Any]) -> Span:
        first, last = self._span(parts[0]), self._span(parts[-1])
        return Span(self.source, first.start, last.stop)

    def _span(self, part: Any) -> Span:
        if isinstance(part, Token):
            return _span(part, self.source)
        if isinstance(part, tuple):
            return self._span(part[0]) + self._span(part[-1])
        span: Span = self.bracketed[id(part)][1] if id(part) in self.bracketed else part.span
        return span

    def call(self, parts: list[Any]) -> Call:
        function, arguments = parts[0], parts[2] if len(parts) > 3 else ()
        values = tuple(part for part in arguments if not isinstance(part, tuple))
        options = tuple(part for part in arguments if isinstance(part, tuple))
        return Call(str(function), values, self.span(parts), tuple((str(word), value) for word, _, value in options), self._span(function))

    def make(self, function: str, values: Sequence[Value], parts: Sequence[Any], sign: Any = None) -> Call:
        return Call(function, tuple(values), self.span(parts), (), None if sign is None else self._span(sign))

    # statements

    def start(self, parts: list[Any]) -> tuple[Statement, ...]:
        return tuple(s for part in parts for s in (part if isinstance(part, tuple) else (part,)))

    def equation(self, parts: list[Any]) -> Any:
        values = [part for part in parts if not isinstance(part, Token | Declaration)]
        declared = tuple(part for part in parts if isinstance(part, Declaration))
        *named, value = values
        span = self.span([values[0], value])
        given = tuple(named) or (Name("out", Span(self.source, span.start, span.start)),)
        return (Equation(given, value, span), *declared)

    def definition(self, parts: list[Any]) -> Definition:
        defined, *inside, body = (part for part in parts if not isinstance(part, Token) or part.type == "DEFINED")
        return Definition(Name(names.key(defined), self._span(defined)), tuple(inside), body, self.span(parts))

    def declarations(self, parts: list[Any]) -> tuple[Declaration, ...]:
        return tuple(part for part in parts if isinstance(part, Declaration))

    def declaration(self, parts: list[Any]) -> Declaration:
        name, sizes = parts
        return Declaration(name, _sizes(sizes, self._span(sizes)), self.span(parts))

    # operators

    def binary(self, parts: list[Any]) -> Call:
        left, sign, right = parts
        return self.make(_SIGNS.get(str(sign), "product"), (left, right), parts, sign)

    def juxtaposed(self, parts: list[Any]) -> Call:
        return self.make("product", parts, parts)

    def signed(self, parts: list[Any]) -> Value:
        sign, value = parts
        return value if sign == "+" else self.make("neg", (value,), parts, sign)

    def transposed(self, parts: list[Any]) -> Call:
        return self.make("transpose", parts[:1], parts, parts[1])

    def raised(self, parts: list[Any]) -> Call:
        base, sign, exponent = parts
        if isinstance(exponent, Call) and exponent.function == "neg" and isinstance(exponent.arguments[0], Number) and exponent.arguments[0].text == "1":
            return self.make("inv", (base,), parts, sign)
        return self.make("power", (base, exponent), parts, sign)

    def raised_small(self, parts: list[Any]) -> Call:
        base, sign = parts
        text = str(sign).translate(_SMALL_DIGITS)
        if text == "-1":
            return self.make("inv", (base,), parts, sign)
        number: Value = Number(text.lstrip("+-"), self._span(sign))
        return self.make("power", (base, self.make("neg", (number,), (sign,)) if text[0] == "-" else number), parts, sign)

    def dotted(self, parts: list[Any]) -> Call:
        return self.make("product", (parts[0], parts[3]), parts, parts[1])

    # atoms

    def number(self, parts: list[Any]) -> Number:
        return Number(str(parts[0]), self._span(parts[0]))

    def name(self, parts: list[Any]) -> Name:
        return Name(names.key(parts[0].value), self._span(parts[0]))

    def arguments(self, parts: list[Any]) -> tuple[Any, ...]:
        return tuple(part for part in parts if not isinstance(part, Token))

    def option(self, parts: list[Any]) -> tuple[Any, ...]:
        return tuple(parts)

    def bare(self, parts: list[Any]) -> Call:
        return self.make(str(parts[0]), parts[1:], parts, parts[0])

    def group(self, parts: list[Any]) -> Value:
        value: Value = parts[1]
        self.bracketed[id(value)] = value, self.span(parts)
        return value

    def rows(self, parts: list[Any]) -> Value:
        rows = [part for part in parts if not isinstance(part, Token)]
        return self.make("stack", rows, parts) if len(rows) > 1 else rows[0]

    def row(self, parts: list[Any]) -> Value:
        blocks = [part for part in parts if not isinstance(part, Token)]
        return self.make("concat", blocks, parts) if len(blocks) > 1 else blocks[0]

    def blocks(self, parts: list[Any]) -> Value:
        value: Value = parts[1]
        return replace(value, span=self.span(parts)) if isinstance(value, Call) else value

    def absolute(self, parts: list[Any]) -> Call:
        return self.make("abs", parts[1:2], parts, parts[0])

    def norm(self, parts: list[Any]) -> Call:
        opened, value, closed = parts
        order = _NORM_ORDERS.get(re.sub(r"[|‖_{}]", "", closed), "2")
        mark = Number(order, self._span(closed)) if order != "inf" else Name("inf", self._span(closed))
        return Call("norm", (value,), self.span(parts), () if order == "2" else (("order", mark),), self._span(opened))


def _sizes(token: Token, span: Span) -> tuple[int | str, ...]:
    """`: 3x4`, `∈ R^(3×4)`, `in R^n`: the sizes; none for a scalar."""
    text = str(token)
    if not text.startswith(":"):
        _, raised, text = text.partition("^")
        if not raised:
            return ()
    inside = text.strip(": \t\r(){}")
    inside = re.sub(r"(?<!\w)(\d+|[^\W\d_])[xX](\d+|[^\W\d_])(?!\w)", r"\1×\2", inside)  # nxd, 3xn
    words = [word.strip() for word in re.split(r"×|\\times|\*|,|(?<=[\d\s])[xX](?=[\d\s])|\bx\b", inside)]
    if len(words) > 2 or not all(re.fullmatch(r"\d+|[^\W\d]\w*", word) for word in words):
        raise NotationError(f"{inside or 'nothing'} is no shape", span, "a shape is rows x columns (W0: 3x4), one size (x: 3) or none (λ ∈ R)")
    return tuple(int(word) if word.isdecimal() else names.key(word) for word in words)


# -------------------------------------------------------------------------------- what a rule cannot go on with, in words


def _unexpected(token: Token, before: Token | None, source: str) -> NotationError:
    """Why the rules cannot go on at `token`."""
    ended = token.type == "$END"
    span = Span(source, before.end_pos or 0, before.end_pos or 0) if ended and before is not None else _span(token, source) if not ended else Span(source, 0, 0)
    if before is None or before.type in _BINARY | {"COMMA", "BARE", "ROW", "BESIDE", "_SEPARATOR", "DOT"} or before.type in _OPENS:
        if token.type == "EQUALS":
            return NotationError("an equation needs a name before its =", span, "name what it computes: l2 = relu(l0 W0) W1")
        after = "" if before is None or before.type == "_SEPARATOR" else f" after {before}"
        if token.type in _BINARY or ended or token.type in _CLOSES or token.type in ("COMMA", "_SEPARATOR", "BAR_CLOSE", "NORM_CLOSE", "ROW", "TRANSPOSE"):
            place = "" if ended or token.type == "_SEPARATOR" else f" before {token}"
            return NotationError(f"a value is missing{after}{place}", span, "type what belongs there, or take the sign away")
    if token.type == "EQUALS" and not _has_equals(source, span.start):
        return NotationError("an equation needs a name before its =", span, "name what it computes: l2 = relu(l0 W0) W1")
    if token.type == "EQUALS":
        return NotationError("two = in one equation", span, "write two equations (y = x W; z = y), or == for a comparison; a chain a = b = value takes names alone")
    if token.type == "COMPARE":
        return NotationError("two comparisons in one", span, "compare two values at a time: (a < b) * (b < c)")
    if token.type == "COMMA":
        return NotationError("a comma separates the arguments of a function or the blocks in [ ] alone", span, "[a, b] puts blocks side by side; between two equations write ;")
    if token.type == "FUNCTION" or (before is not None and before.type == "FUNCTION"):
        return NotationError(f"{token} cannot stand here", span)
    if token.type == "OPTION":
        return NotationError(f"{token} = … cannot stand in brackets", span, "an option is given to a function: sum(x, axis=1)")
    if token.type == "SIZES":
        return NotationError("a shape is declared on a line of its own, or after where", span, "y = x W where W: 3x4")
    if before is not None and before.type == "WHERE":
        return NotationError("a declaration is missing after where", span, "y = x W where W: 3x4")
    hint = "brackets, signs and names stand between what they belong to: l2 = relu(l0 W0) W1"
    return NotationError(f"{token} cannot stand here" if not ended else "the equation ends too soon", span, hint)


def _has_equals(source: str, before: int) -> bool:
    """Whether the equation has an = before the one at `before`, options of functions aside."""
    start = max(source.rfind(";", 0, before), source.rfind("\n", 0, before)) + 1
    return re.search(r"(?<![<>=!])=(?!=)", re.sub(r"\([^()]*\)", "", source[start:before])) is not None


def _read_latex(source: str) -> tuple[Statement, ...]:
    from algebra2net.read_latex import read_latex  # each reader is loaded with the first text that needs it

    return read_latex(source)


def _read_python(source: str) -> tuple[Statement, ...]:
    from algebra2net.read_python import read_python

    own = _OWN_MODULE.match(source)
    return read_plain(textwrap.dedent(own[1])) if own else read_python(source)


READERS: dict[str, Callable[[str], tuple[Statement, ...]]] = {"plain": read_plain, "latex": _read_latex, "python": _read_python}
