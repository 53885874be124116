"""What a subscript or superscript says, as text.

In    the tokens of a script
Out   the text of a subscript (`t-1`, `i,j`, `model`), and of a superscript whether it is surely an index, a transpose, a star
Idea  a script is short: its signs are read one by one, and what is longer or nested is an exponent
"""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

from algebra2net.errors import NotationError, Span, nearest
from algebra2net.latex.commands import COMMANDS, ESCAPES, REFUSED
from algebra2net.latex.tokens import LONGEST_NAME, Tokens
from algebra2net.operators import spellings

LONGEST_INDEX = 30  # tokens; what is longer is an exponent
_MARKS = {"′": "prime", "*": "star", "→": "vec", "←": "left"}  # superscripts that are no exponent
_BRACKETS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "<": ">"}
_IN_INDEX = {"lbrack": "[", "rbrack": "]", "langle": "⟨", "rangle": "⟩", "lbrace": "{", "rbrace": "}", "top": "⊤", "intercal": "⊤", "prime": "′", "ast": "*", "star": "*",
             "dagger": "†", "infty": "∞", "times": "×", "mid": "|", "vert": "|", "cdot": "·", "to": "→", "rightarrow": "→", "leftarrow": "←", "leq": "≤", "geq": "≥", "neq": "≠", "le": "≤", "ge": "≥"}  # fmt: skip


class Indices(Tokens):
    """Scripts as text."""

    def _atoms(self, begin: int, end: int) -> list[str] | None:
        """What stands in a short script without any nesting: its signs one by one; None where it is more than that."""
        atoms: list[str] = []
        for place in range(begin, min(end, begin + LONGEST_INDEX + 1)):
            token = self.tokens[place]
            action, word = COMMANDS.get(token[1:], ("", "")) if token.type == "COMMAND" else ESCAPES.get(token[1:], ("", "")) if token.type == "ESCAPE" else ("", "")
            if token.type in ("LETTER", "DIGIT", "SYMBOL", "PRIME", "SMALL_TRANSPOSE", "COMPARISON", "SCRIPT_LETTERS", "DECIMAL"):
                atoms.append({"'": "′", "’": "′", "ᵀ": "⊤", "−": "-", "∗": "*"}.get(str(token), str(token)))
            elif token.type in ("SUB", "SUP"):
                atoms.append(str(token))
            elif action == "letter":
                atoms.append(word)
            elif word in _IN_INDEX or token[1:] in _IN_INDEX:
                atoms.append(_IN_INDEX.get(word) or _IN_INDEX[token[1:]])
            elif token.type not in ("OPEN", "CLOSE", "NEWLINE") and action not in ("nothing", "font", "word", "text", "left", "right", "size", "through"):
                return None
        return atoms if end - begin <= LONGEST_INDEX else None

    def _pieces(self, begin: int, end: int) -> list[tuple[str, str]] | None:
        """A superscript that is surely no exponent: `(l)T` is an index and a transpose; None where it may be one."""
        atoms = self._atoms(begin, end)
        if atoms == ["-", "T"] or atoms == ["-", "⊤"]:
            return [("inverse", "")]
        pieces: list[tuple[str, str]] = []
        place = 0
        while atoms is not None and place < len(atoms):
            atom = atoms[place]
            if atom in _BRACKETS and _BRACKETS[atom] in atoms[place:]:
                close = _partner(atoms, place)
                if close is None or any(a in ("/", "^") or "." in a for a in atoms[place + 1 : close]) or close == place + 1:
                    return None
                pieces.append(("index", "".join(atoms[place + 1 : close])))
                place = close
            elif atom == "⊤" or (atom == "T" and (place == len(atoms) - 1)):
                pieces.append(("transpose", ""))
            elif atom in _MARKS:
                pieces.append((_MARKS[atom], ""))
            elif not (atom == "^" and pieces and pieces[-1][0] == "index"):
                self._refuse_mark(atoms, begin, end)
                return None
            place += 1
        return pieces or None

    def _refuse_mark(self, atoms: Sequence[str], begin: int, end: int) -> None:
        whole = Span(self.source, self.tokens[begin].start_pos or 0, self.tokens[end - 1].end_pos or 0)
        upright = COMMANDS.get(self.tokens[begin][1:], ("", ""))[0] in ("word", "text") or (
            end - begin > 1 and COMMANDS.get(self.tokens[begin + 1][1:], ("", ""))[0] in ("word", "text")
        )
        if atoms[0] == "†" or (atoms == ["H"] and upright):
            raise NotationError("a conjugate transpose or pseudo-inverse is not part of the notation", whole, "^T transposes a real matrix, ^{-1} inverts a square one")

    def _index_text(self, begin: int, end: int) -> str:
        """What a superscript would be as an index; empty where it cannot be one."""
        atoms = self._atoms(begin, end)
        if not atoms or any(len(a) == 1 and not a.isalnum() and a not in "+-,:_" for a in atoms) or "." in "".join(atoms):
            return ""
        return "".join(atoms)

    def _subscript(self, begin: int, end: int) -> str:
        text = self._flat(*self.content((begin, end)))
        if not text:
            raise self.error(begin, "this subscript is empty", "take it away, or type what belongs there")
        if len(text) > LONGEST_NAME:
            raise self.error(begin, f"a name has at most {LONGEST_NAME} letters, its subscripts and accents included")
        return text

    def _flat(self, begin: int, end: int, sizes: bool = False) -> str:
        """Tokens as the text of a subscript: `t-1`, `i,j`, `model`; or of sizes, with their names kept apart."""
        parts: list[str] = []
        due: list[tuple[int, str]] = []
        place = begin
        while place < end:
            while due and due[-1][0] <= place:
                parts.append(due.pop()[1])
            token = self.tokens[place]
            action, word = COMMANDS.get(token[1:], ("", "")) if token.type == "COMMAND" else ESCAPES.get(token[1:], ("", "")) if token.type == "ESCAPE" else ("", "")
            if action == "accent":
                due.append((self.unit(place + 1)[1], f"_{word}"))
            elif action == "drop":
                place = self.unit(place + 1)[1] - 1
            elif token.type in ("LETTER", "DIGIT", "DECIMAL", "SYMBOL", "SCRIPT_LETTERS", "SMALL", "SMALL_POWER", "SUB", "SUP", "COMPARISON", "COLON_EQUALS", "DOUBLE_BAR"):
                parts.append("-" if token in ("−", "–") else str(token))
            elif token.type == "PRIME":
                parts.append("′")
            elif action in ("letter", "operator"):
                parts.append(word)
            elif action == "sign" and word.startswith(("TIMES", "PRODUCT")):
                parts.append("×" if sizes or token == r"\times" else "*")
            elif token == r"\_":
                parts.append("_")
            elif word in _IN_INDEX or token[1:] in _IN_INDEX:
                parts.append("infty" if token == r"\infty" else _IN_INDEX.get(word) or _IN_INDEX[token[1:]])
            elif action in ("refuse",) or (token.type == "COMMAND" and not action):
                self._refuse_in_script(token, place)
            elif action not in ("nothing", "font", "word", "text", "left", "right", "size", "through", "") or token.type in ("MATH", "AMPERSAND"):
                raise self.error(place, f"{token} cannot stand in a subscript", "a subscript is a word, a number or an index: W_{in}, h_{t-1}")
            place += 1
        parts += [accent for _, accent in reversed(due)]
        return "".join(parts).strip()

    def _refuse_in_script(self, token: Token, place: int) -> None:
        name = token[1:]
        if name in REFUSED:
            message, hint = REFUSED[name]
            raise self.error(place, message, hint)
        near = nearest(name, [*COMMANDS, *spellings()])
        raise self.error(place, f"there is no command {token}", near.replace("mean ", "mean \\") if near else f"a word of your own is typed \\mathrm{{{name}}}")


def _partner(atoms: Sequence[str], place: int) -> int | None:
    """Where the bracket at `place` is closed."""
    opened, closed, depth = atoms[place], _BRACKETS[atoms[place]], 0
    for at in range(place, len(atoms)):
        depth += (atoms[at] == opened) - (atoms[at] == closed)
        if depth == 0:
            return at
    return None
