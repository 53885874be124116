"""One symbol, its many spellings.

In    a name as somebody spelled it: `W_{0}`, `W₀`, `ŷ`, `y_hat`, `λ`, `\\lambda`, `h_{t-1}`
Out   its key, the one spelling that Programs use (`W0`, `y_hat`, `lambda`, `h_{t-1}`), and from a key every other
      spelling: Unicode, LaTeX, a Python identifier, the book's
Idea  a name is a base, subscripts, accents and primes; two spellings are one symbol when these are equal
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container
from functools import lru_cache
from typing import NamedTuple

GREEK = {
    word: letter
    for letter in "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"
    for word in [unicodedata.name(letter).split(" ")[-1].replace("LAMDA", "LAMBDA").lower()]
    for word in [word if letter.islower() else word.capitalize()]
}
_GREEK_WORDS = {letter: word for word, letter in GREEK.items()} | dict.fromkeys("ϵ", "epsilon") | {
    "ϑ": "theta", "ϕ": "phi", "ϱ": "rho", "ϖ": "pi", "ς": "sigma", "ϰ": "kappa", "µ": "mu", "∆": "Delta", "Ω": "Omega",
}  # fmt: skip
_MARKS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "bar", "\u0307": "dot", "\u20d7": "vec", "\u0308": "ddot", "\u030c": "check"}
_ACCENTS = {word: mark for mark, word in reversed(_MARKS.items())} | {"star": ""}
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢᵣᵤᵥⱼᵦᵧᵨᵩᵪ", "0123456789+-=()aeoxhklmnpstiruvjβγρφχ", strict=True))
_TO_SUBSCRIPT = {plain: small for small, plain in _SUBSCRIPTS.items()}

_LATIN_CAPITALS = ["Alpha", "Beta", "Epsilon", "Zeta", "Eta", "Iota", "Kappa", "Mu", "Nu", "Omicron", "Rho", "Tau", "Chi"]  # LaTeX has no commands for these
_BOOK = {"W": "weights", "l": "layer"}

# What a name may look like in plain and Unicode text. Digits end a name, a Greek letter is one of its own.
_SMALL_LETTERS = "".join(_SUBSCRIPTS) + "ᵀ⊤⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ"
_LETTER = rf"(?![{_SMALL_LETTERS}])[^\W\d_\u0370-\u03ff\u1f00-\u1fffµ∆Ω][\u0300-\u036f\u20d7]*"
_GREEK_LETTER = r"[\u0370-\u03ff\u1f00-\u1fffµ∆Ω][\u0300-\u036f\u20d7]*"
_SMALL = f"[{''.join(_SUBSCRIPTS)}]+"
_SUBSCRIPT = rf"_\{{[^{{}}\n]*\}}|_\d+|_(?:{_LETTER}|[\u0370-\u03ff\u1f00-\u1fff])+\d*|{_SMALL}"
NAME = rf"(?:{_GREEK_LETTER}|(?:{_LETTER})+)\d*(?:{_SUBSCRIPT})*"


_PLAIN = re.compile(r"([A-Za-z]+)([0-9]*)")  # most names, which need no more looking into
_ITS_OWN_KEY = re.compile(rf"[A-Za-z]+|(?!(?:{'|'.join(word for word in GREEK if len(word) == 2)})\d)[A-Za-z]{{1,2}}[0-9]+")  # W, W0, dW0


class Parts(NamedTuple):
    """A name taken apart: `\\hat{y}_{i}'` is base `y`, subscripts `("i",)`, accents `("hat",)`, one prime."""

    base: str
    subscripts: tuple[str, ...] = ()
    accents: tuple[str, ...] = ()
    primes: int = 0

    @property
    def key(self) -> str:
        """The one spelling that Programs use."""
        text = self.base
        for place, subscript in enumerate(self.subscripts):
            attach = place == 0 and subscript.isdecimal() and len(self.base) <= 2 and self.base not in GREEK  # l0, dW0; but mu_0
            text += subscript if attach else f"_{subscript}" if re.fullmatch(r"[^\W_]+", subscript) else f"_{{{subscript}}}"
        return text + "".join(f"_{accent}" for accent in self.accents) + "'" * self.primes

    @property
    def number(self) -> int | None:
        """The layer's number, where the only subscript is one: 1 for `l1`."""
        return int(self.subscripts[0]) if len(self.subscripts) == 1 and self.subscripts[0].isdecimal() else None


@lru_cache(maxsize=65536)
def parts(spelled: str) -> Parts:
    """A name in any spelling, taken apart."""
    plain = _PLAIN.fullmatch(spelled)
    if plain is not None:
        return Parts(plain[1], (plain[2],) if plain[2] else ())
    text = spelled.strip()
    text = re.sub(r"_([^\W_]+)_(minus|plus)_([^\W_]+)$", lambda m: f"_{{{m[1]}{'-' if m[2] == 'minus' else '+'}{m[3]}}}", text)
    text = re.sub(r"_prime$", "'", text)
    primes = len(text) - len(text.rstrip("'′’"))
    text = text[: len(text) - primes] if primes else text
    match = re.fullmatch(rf"((?:{_GREEK_LETTER}|{_LETTER})+)(\d*)((?:_.*|{_SMALL}.*)?)", unicodedata.normalize("NFD", text.replace("\\", "")), re.DOTALL)
    if match is None:
        return Parts(_ascii(text), primes=primes)
    base, accents = _unaccented(match[1])
    subscripts = [match[2]] if match[2] else []
    for small, braced, word in re.findall(rf"({_SMALL})|_\{{((?:[^{{}}]|\{{[^{{}}]*\}})*)\}}|_([^_{{]+)", match[3]):
        for subscript in _subscript(small or braced or word).split(","):  # e_{i,j} is e_i_j
            if subscript in _ACCENTS:
                accents.append(subscript)
            elif subscript:
                subscripts.append(subscript)
    return Parts(base, tuple(subscripts), tuple(sorted(accents)), primes)


@lru_cache(maxsize=65536)
def key(spelled: str) -> str:
    """The one spelling of this symbol: `W0` for `W_{0}`, `W₀` and `W_0`."""
    return str(spelled) if _ITS_OWN_KEY.fullmatch(spelled) else parts(spelled).key  # a reader's Token would be shown as one in generated code


def is_of_a_file(word: str) -> bool:
    """Whether a word is the name of a file rather than algebra: `net.alg`."""
    return re.fullmatch(r"[^\s=()*+@;]+\.(?:alg|txt|tex|py|md)", word) is not None


def with_accent(name: str, accent: str) -> str:
    """The key of `name` under another accent (`hat`, `tilde`, `bar`, `dot`, `vec`, `star`)."""
    old = parts(name)
    return Parts(old.base, old.subscripts, tuple(sorted((*old.accents, accent))), old.primes).key


def with_subscript(name: str, subscript: str) -> str:
    """The key of `name` with one subscript more."""
    old = parts(name)
    return Parts(old.base, (*old.subscripts, *filter(None, _subscript(subscript).split(","))), old.accents, old.primes).key


def _subscript(text: str) -> str:
    """A subscript without layout: Greek spelled out, small letters made large, brackets round the whole taken off."""
    text = "".join(_SUBSCRIPTS.get(c, c) for c in text).replace("−", "-").replace("–", "-")
    text = re.sub(r"\s|\\(?=[A-Za-z])", "", _ascii(text))
    while len(text) > 1 and (text[0], text[-1]) in (("(", ")"), ("{", "}"), ("[", "]")):
        text = text[1:-1]
    return text


def _unaccented(word: str) -> tuple[str, list[str]]:
    """The letters of a decomposed word, and the accents that stood on them."""
    return _ascii("".join(c for c in word if c not in _MARKS)), [_MARKS[c] for c in word if c in _MARKS]


def _ascii(word: str) -> str:
    """Greek letters spelled out, ℓ as l, fonts (𝐖, ℝ) as their letter; other scripts stay."""
    return unicodedata.normalize("NFC", "".join(_GREEK_WORDS.get(c) or _GREEK_WORDS.get(n := unicodedata.normalize("NFKC", c)) or n for c in word))


def unicode(name: str) -> str:
    """`λ_1` as `λ₁`, `y_hat` as `ŷ`; what Unicode has no small letters for stays in braces."""
    p = parts(name)
    base = GREEK.get(p.base, p.base)
    marks = [a for a in p.accents if len(base) == 1 and _ACCENTS.get(a)]
    text = unicodedata.normalize("NFC", base + "".join(_ACCENTS[a] for a in marks))
    for subscript in p.subscripts:
        letters = "".join(GREEK.get(word, word) for word in re.split(r"([A-Za-z]+)", subscript))
        small = [_TO_SUBSCRIPT.get(c) for c in letters]
        words = len(p.subscripts) > 1 or (len(letters) > 2 and letters.isalpha())  # `₀₁` would read as one subscript, ₘₐₛₖ as no word
        if None not in small and not words and (len(base) == 1 or not letters[0].isalpha()):
            text += "".join(c for c in small if c)
        else:
            text += f"_{letters}" if re.fullmatch(r"\w+", letters) else f"_{{{letters}}}"
    return text + "".join(f"_{a}" for a in p.accents if a not in marks) + "′" * p.primes


def latex(name: str) -> str:
    """`y_i_hat` as `\\hat{y}_{i}`; words upright."""
    p = parts(name)
    text = _latex_word(p.base)
    for accent in p.accents:
        wide = len(p.base) > 1 and p.base not in GREEK
        text = text if accent == "star" else f"\\{'wide' if wide and accent in ('hat', 'tilde') else ''}{accent}{{{text}}}"
    if p.subscripts:
        text += "_{" + ",".join(re.sub(r"[A-Za-z]+", lambda m: _latex_word(m[0]), s) for s in p.subscripts) + "}"
    raised = ("*" if "star" in p.accents else "") + "\\prime" * p.primes
    return text + (f"^{{{raised}}}" if raised else "")


def _latex_word(word: str) -> str:
    if word in _LATIN_CAPITALS:
        return f"\\mathrm{{{GREEK_TO_LATIN[word]}}}"
    if word in GREEK:
        return "o" if word == "omicron" else "\\" + word
    return word if len(word) == 1 else f"\\mathrm{{{word}}}"


GREEK_TO_LATIN = dict(zip(_LATIN_CAPITALS, ["A", "B", "E", "Z", "H", "I", "K", "M", "N", "O", "P", "T", "X"], strict=True))


def identifier(name: str, taken: Container[str] = ()) -> str:
    """A Python identifier for the symbol: `lambda_`, `h_t_minus_1`; one that is not in `taken`."""
    text = name if _IDENTIFIER.fullmatch(name) else _identifier(name)
    while keyword.iskeyword(text) or text in taken:
        text += "_"
    return text


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")


def _identifier(name: str) -> str:
    text = name.replace("-", "_minus_").replace("+", "_plus_").replace("'", "_prime")
    text = re.sub(r"_+", "_", re.sub(r"[^0-9A-Za-z_]", lambda m: f"_{_letter(m[0])}_", re.sub(r"[{}\s]", "", text))).strip("_")
    text = text or "value"
    return f"v_{text}" if text[0].isdigit() else text


def _letter(character: str) -> str:
    """A word for a character that no identifier has; other scripts keep their letters."""
    return character if character.isidentifier() else ""


def book(name: str) -> str:
    """The book's spelling (Trask, Grokking Deep Learning): `W0` is `weights_0_1`, `l1` is `layer_1`."""
    p = parts(name)
    word = _BOOK.get(p.base)
    if word is None or p.number is None or p.accents or p.primes:
        return name
    return f"{word}_{p.number}_{p.number + 1}" if p.base == "W" else f"{word}_{p.number}"


def with_signal(name: str) -> str:
    """The key of the signal δ at a value: d_h for h, d_{h_t} for h_t."""
    p = parts(name)
    plain = not p.subscripts and not p.primes and re.fullmatch(r"[A-Za-z]+", p.base)
    inside = p.base + "".join(f"_{s}" if s.isalnum() else f"_{{{s}}}" for s in p.subscripts) + "".join(f"_{a}" for a in p.accents)
    return f"d_{inside}" if plain and not p.accents else f"d_{{{inside.replace('{', '').replace('}', '')}}}"


def before(name: str) -> str:
    """The key of what a layer's function is applied to: z1 for l1, z_f for f; nothing for a z."""
    p = parts(name)
    if p.base == "z" or p.primes:
        return ""
    if p.number is not None and not p.accents and (len(p.base) == 1 or p.base == "layer"):
        return Parts("z", p.subscripts).key
    return Parts("z", (p.base, *p.subscripts), p.accents).key if len(p.base) == 1 and not p.subscripts else ""
