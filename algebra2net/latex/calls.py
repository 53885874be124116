"""Names and functions.

In    the letters, words and functions of a statement
Out   their tokens: a name, an index above that belongs to it, a function with what it is applied to
Idea  what stands before a bracket and cannot be a factor is a function: a known one, one that the program defines, or
      an error that says what to define; never a product in silence
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from algebra2net import names
from algebra2net.errors import NotationError, Span, nearest
from algebra2net.latex.brackets import CALLS, span
from algebra2net.latex.commands import NETWORKS, OBJECTIVE, OBJECTIVES, called
from algebra2net.latex.definitions import LONGEST_WORD, function_within, is_bare, is_latin, renamed
from algebra2net.latex.statements import NAMES, SPACES
from algebra2net.latex.tokens import Sign
from algebra2net.latex.writer import BEGINS, Open, Writer
from algebra2net.operators import spellings
from algebra2net.read import FUNCTION_LETTERS

_DECAYS = ("alpha", "beta", "gamma", "lambda", "rho", "mu")  # what is raised to the t-th power
_PARAMETERS = ("pi", "theta", "phi", "psi")  # Greek letters that people write as an index above
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "sinh": "arcsinh", "cosh": "arccosh", "tanh": "arctanh"}
_INSTEAD = {
    "argmax": "argmax has no gradient and is no part of the notation; x == \\max(x, axis=1) marks the largest entry of each row",
    "argmin": OBJECTIVE,
    "e": "over a batch, an expectation is \\operatorname{mean}(…)",
}


class Calls(Writer):
    """What has a name."""

    def _at_letter(self, sign: Sign) -> None:
        run = self.place
        while is_bare(self.signs[run]) and self._kind(run + 1) == "LETTER" and self.signs[run + 1].other != "upright":
            run += 1
        function = self._spelled_function(run)
        stop = run + 1 if function is None else function
        if function is None and run > self.place:
            self._refuse_words(self.place, run)
        while self.place < stop:
            self._one_letter(run)
        if function is not None:
            self._function_of_letters(function, run)

    def _one_letter(self, run: int) -> None:
        """The name that begins here: a word that a left side defines, or a letter."""
        begin = self.place
        ahead = self._letters(begin, min(run, begin + LONGEST_WORD)) if self.survey.lengths else ""
        for length in self.survey.lengths:
            word, end = ahead[:length], begin + length - 1
            if word not in self.survey.words or end > run or not all(is_latin(self.signs[k]) for k in range(begin, end + 1)):
                continue
            if not self.survey.words[word] or all(self.signs[k].stop == self.signs[k + 1].start for k in range(begin, end)):
                self.place = end
                self._name(Sign("WORD", renamed(self.signs[end].text, word), self.signs[begin].start, self.signs[end].stop, word))
                return
        self._name(self.signs[begin])

    def _spelled_function(self, run: int) -> int | None:
        """Where the function begins that the last letters before a bracket spell."""
        _, after = self._after(run)
        if run == self.place or self._kind(after) not in ("LPAR", "LBRACKET", "LSET") or not is_bare(self.signs[run]):
            return None
        if self.signs[after].text.startswith(r"\begin"):
            return None
        chunk = run
        while chunk > self.place and self.signs[chunk - 1].stop == self.signs[chunk].start:
            chunk -= 1
        beginnings: list[int] = [chunk, *range(max(self.place, run - LONGEST_WORD), run)]
        for begin in beginnings:
            word = self._letters(begin, run)
            if begin < run and (word in self.survey.functions or (word not in self.survey.values and called(word) is not None)):
                self._refuse_typo(chunk, begin, run)
                return begin
        word = self._letters(chunk, run)
        unknown = (
            len(word) >= 3 and self._kind(after) == "LPAR" and (word in NETWORKS or re.fullmatch(r"[A-Z]*[a-z]{2,}[A-Za-z]*", word) is not None) and word not in self.survey.words
        )
        if unknown and chunk < run:
            raise self._no_function(word, Span(self.source, self.signs[chunk].start, self.signs[run].stop))
        return None

    def _refuse_typo(self, chunk: int, begin: int, run: int) -> None:
        """`sofmax(` is no product with max."""
        chunk = self.place if self.survey.spaced_out else chunk
        prefix, word = self._letters(chunk, begin - 1) if chunk < begin else "", self._letters(chunk, run)
        meant = nearest(word, spellings()) if len(prefix) > 1 else None
        if re.fullmatch(r"[A-Z]?[a-z]{2,}", prefix) and (len(prefix) > 2 or meant not in (None, f"did you mean {called(word[len(prefix) :])}?")):
            raise self._no_function(word, Span(self.source, self.signs[chunk].start, self.signs[run].stop))

    def _function_of_letters(self, begin: int, run: int) -> None:
        word = self._letters(begin, run)
        first, last = self.signs[begin], self.signs[run]
        self.place = run
        name = word if word in self.survey.functions else called(word)
        self._call(Sign("WORD", word, first.start, last.stop, word), name or word)

    def _refuse_words(self, begin: int, run: int) -> None:
        """Letters without a space that spell a function or a word, and are not called."""
        while begin <= run:
            end = begin
            while end < run and self.signs[end].stop == self.signs[end + 1].start:
                end += 1
            word = self._letters(begin, end)
            typed = self.source[self.signs[begin].start : self.signs[end].stop]
            if typed[: len(word)] == word and len(word) <= LONGEST_WORD and self._kind(end + 1) != "EQUALS":
                function = function_within(word)
                if any(part in word for part in self.survey.words if function is not None or len(word) > 3):
                    function = None
                elif function is not None and (self._kind(end + 1) in BEGINS or not word.endswith(function) or function == word):
                    at = self.signs[begin].start + word.index(function)
                    whole = Span(self.source, at, at + len(function))
                    raise NotationError(f"{function} without a parenthesis reads {' '.join(function)}, a product of letters", whole, f"write {function}(…)")
                elif re.fullmatch(r"[A-Z]?[a-z]{4,}", word):
                    hint = nearest(word, spellings()) or f"a word is typed \\mathrm{{{word}}}"
                    raise NotationError(f"{word} reads {' '.join(word)}, a product of letters", Span(self.source, self.signs[begin].start, self.signs[end].stop), hint)
            begin = end + 1

    def _name(self, sign: Sign) -> None:
        """A letter or word at the place of its last sign: a function that is called, a name with an index above, or a name."""
        primes, after = self._after(self.place)
        opens = self._kind(after)
        key = sign.text
        if opens in ("LPAR", "LBRACKET", "LSET") and not self.signs[after].text.startswith(r"\begin"):
            if key in self.survey.functions and opens in ("LPAR", "LBRACKET"):
                self._call(sign, key)
                return
            if key == "sigma" or (key not in self.survey.values and (key == "D_KL" or (sign.kind == "WORD" and called(sign.other)))):
                self._call(sign, called(key if key == "D_KL" else sign.other or key) or "sigmoid")
                return
            self._refuse_call(sign, after)
        self._refuse_inverse(sign, after)
        if primes and key in self.survey.primed:
            self.place += 1
            sign = Sign("LETTER", key + "'", sign.start, self.signs[self.place].stop)
        if self._kind(self.place + 1) == "SCRIPT_OPEN" and self._is_index(key, self.signs[self.place + 1]):
            script = self.signs[self.place + 1]
            self.place = self.mates[self.place + 1]
            sign = Sign("LETTER", script.other, sign.start, self.signs[self.place].stop)
            if self._kind(self.place + 1) == "LPAR":
                self._refuse_call(sign, self.place + 1)
        self._tell_sign("NAME", sign)

    def _refuse_inverse(self, sign: Sign, after: int) -> None:
        """`\\sigma^{-1}(x)` is no product with an inverse."""
        if self._kind(after) != "SCRIPT_OPEN" or self._kind(self.mates[after] + 1) != "LPAR" or sign.text not in ("sigma", *FUNCTION_LETTERS, *self.survey.functions):
            return
        if "".join(s.text for s in self.signs[after + 1 : self.mates[after]]) == "-1":
            raise self.error(sign, f"the inverse of {self.source[sign.start : sign.stop]} is not part of the notation", "write the function that it is")

    def _is_index(self, key: str, script: Sign) -> bool:
        """Whether a superscript on this name is an index: `h^l`, `W^Q`; `x^2`, `e^x`, `p^\\gamma` are powers."""
        text, base = script.text, names.parts(key)
        if not script.other or (base.base == "e" and base == names.Parts("e")):
            return False
        if key in self.survey.indexed or script.other in self.survey.values:
            return True
        if text.isdecimal():
            return self.survey.layered
        letters = re.sub(r"[^A-Za-z]", "", text)
        if text in ("+", "-"):
            if base.base[:1].isupper():
                raise self.error(script, "a pseudo-inverse is not part of the notation", "^{-1} inverts a square matrix")
            return True
        if not letters or not text[0].isalpha():
            return False
        if letters in names.GREEK and text == letters:
            return letters in _PARAMETERS
        if any(word in names.GREEK and len(word) > 2 for word in re.findall(r"[A-Za-z]+", text)):
            return False
        if base.base in _DECAYS and re.fullmatch(r"[tn]([+-]\d)?", text):
            return False
        return not (re.fullmatch(r"[np]([+-]\d)?|[ab][+-]\d", text) and not base.base[:1].isupper())

    def _at_word(self, sign: Sign) -> None:
        if sign.other in OBJECTIVES and sign.text not in self.survey.defined:
            raise self.error(sign, f"{sign.other} makes no equation", OBJECTIVE)
        _, after = self._after(self.place)
        opens = self._kind(after) in ("LPAR", "LBRACKET", "LSET")
        function = None if sign.text in self.survey.functions else called(sign.other)
        marks = names.parts(sign.text).subscripts
        if function is not None and marks and sign.text != names.key(sign.other) and (opens or sign.origin == "operator"):
            function = self._with_base(sign, function, marks)
        valued = sign.text in self.survey.values and self._kind(after) != "LPAR"
        if function is None and sign.origin == "operator" and sign.text not in self.survey.defined and self._kind(after) in BEGINS:
            raise self._no_function(sign.other, span(sign, self.source))
        if function is None or valued or not self._function(sign, function, after):
            self._name(sign)

    def _with_base(self, sign: Sign, function: str, marks: Sequence[str]) -> str:
        """`\\mathrm{log}_2(x)`; no other function carries an index."""
        named = {"2": "log2", "10": "log10", "e": "log"}.get(" ".join(marks)) if function == "log" else None
        if named is None:
            raise self.error(sign, f"{sign.other} with an index is not part of the notation", f"of each row it is {function}(x), of columns {function}(x^T)^T")
        return named

    def _at_operator(self, sign: Sign) -> None:
        name = sign.text if sign.text in self.survey.functions else called(sign.text)
        if name is None:
            raise self._no_function(sign.text, span(sign, self.source))
        _, after = self._after(self.place)
        if name == "log" and self._kind(after) in ("OPERATOR", "WORD") and called(self.signs[after].text) == "det":
            self.place = after
            sign = Sign("OPERATOR", "logdet", sign.start, self.signs[after].stop)
            name, after = "logdet", after + 1
        elif name == "log" and self._kind(after) == "LETTER" and self.signs[after].text == "Gamma" and self._kind(after + 1) == "LPAR":
            self.place = after
            sign = Sign("OPERATOR", "lgamma", sign.start, self.signs[after].stop)
            name, after = "lgamma", after + 1
        if not self._function(sign, name, after):
            if self.cut and after >= len(self.signs):
                self.place = after
                return
            raise self.error(sign, f"{self.source[sign.start : sign.stop]} needs an argument", f"type it in parentheses: {name}(x)")

    def _function(self, sign: Sign, name: str, after: int) -> bool:
        """Tell a function with what it is applied to; False where nothing follows that it could be applied to."""
        raised = -1
        if self._kind(after) == "SCRIPT_OPEN":
            name, after, raised = self._raised(sign, name, after)
        opens = self._kind(after)
        if opens in CALLS and not (opens == "LBRACKET" and self.signs[after].text.startswith(r"\begin")):
            self._call(sign, name, raised)
        elif opens in BEGINS and not (opens in ("BAR", "NORM") and self._closes_here(after)):
            self._bare(sign, name, after, raised)
        else:
            return False
        return True

    def _closes_here(self, place: int) -> bool:
        """Whether the bar after a word closes what is open: `|\\text{mean}|`."""
        top = self._top()
        return self.signs[place].other == "close" or (top is not None and top.kind == self.signs[place].kind and self.signs[self.place].kind == "WORD")

    def _raised(self, sign: Sign, name: str, after: int) -> tuple[str, int, int]:
        """`\\tanh^2 x` squares, `\\sin^{-1} x` is arcsin."""
        end = self.mates[after]
        inside = "".join(s.text for s in self.signs[after + 1 : end])
        if inside == "-1":
            if name not in _INVERSES:
                raise self.error(sign, f"the inverse of {name} is not part of the notation", f"write \\frac{{1}}{{{name}(x)}} for its reciprocal")
            self.place = end
            return _INVERSES[name], end + 1, -1
        if not re.fullmatch(r"[\d.]+", inside):
            raise self.error(self.signs[after], f"an index on {name} is not part of the notation", f"write ({name}(x))^{{…}} for a power")
        return name, end + 1, after

    def _call(self, sign: Sign, name: str, raised: int = -1) -> None:
        """A function before its bracket."""
        self._end_chain()
        primes, after = self._after(self.place)
        self._tell("FUNCTION", name + "'" * primes, sign.start, sign.stop if not primes else self.signs[after - 1].stop)
        self.place = after
        if raised >= 0:
            self.raise_at = raised
            while self.place <= self.mates[raised]:
                here = self.signs[self.place]
                getattr(self, "_at_" + here.kind.lower())(here)
        self.call_at = self.place

    def _bare(self, sign: Sign, name: str, after: int, raised: int) -> None:
        """A function without parentheses takes the next factor; a number takes the letters after it along: `\\log 2\\pi`."""
        self._end_chain()
        primes, place = self._after(self.place)
        chained = self._kind(after) == "NUMBER" and self._kind(after + 1) == "LETTER"
        self._tell("FUNCTION" if chained else "BARE", name + "'" * primes, sign.start, self.signs[place - 1].stop if primes else sign.stop)
        self.place = place
        if raised >= 0:
            self.raise_at = raised
            while self.place <= self.mates[raised]:
                here = self.signs[self.place]
                getattr(self, "_at_" + here.kind.lower())(here)
        if chained:
            number = self.signs[after]
            self.open.append(Open("CHAIN", "RPAR", number, len(self.told)))
            self._tell("LPAR", "", number.start, number.start)

    def _refuse_call(self, sign: Sign, opens: int) -> None:
        """What stands before a bracket and can only be meant as a function that nobody defined."""
        key, kind = sign.text, self._kind(opens)
        shown = self.source[sign.start : sign.stop]
        shown = shown if shown.count("{") == shown.count("}") else names.latex(key)  # \boldsymbol{\epsilon}_\theta begins within its braces
        base = names.parts(key).base
        if kind == "LBRACKET":
            self._refuse_entry(sign, opens, shown)
            return
        if kind != "LPAR":
            return
        comma = self._level(opens, ("COMMA", "SEMI"))
        if base[:1] in "pPqQ" and (self._level(opens, ("EQUALS",)) is not None or self._count_bars(opens) % 2):
            whole = Span(self.source, sign.start, self.signs[self.mates[opens]].stop)
            raise NotationError("probabilities are not part of the notation", whole, "name the value itself: p = \\operatorname{softmax}(…)")
        upright = sign.kind == "WORD" or sign.other == "upright"
        if (upright and key not in self.survey.values) or comma is not None or base in (*FUNCTION_LETTERS, "Phi", "Psi"):
            raise self._no_function(sign.other if sign.kind == "WORD" and sign.other else shown, span(sign, self.source))
        if (base == "sigma" and key not in self.survey.values and key != "sigma") or (base != "W" and self._one_name_inside(opens)):
            raise NotationError(
                f"there is no function {shown}",
                span(sign, self.source),
                f"define it: {shown}({'t' if shown == 'x' else 'x'}) = …, or put \\cdot before the parenthesis for a product",
            )

    def _one_name_inside(self, opens: int) -> bool:
        """Whether the parentheses hold a single name: nobody puts a factor in parentheses for that."""
        inside = [sign for sign in self.signs[opens + 1 : min(self.mates[opens], opens + 8)] if sign.kind not in SPACES]
        return len(inside) == 1 and self.mates[opens] - opens < 8 and inside[0].kind in (*NAMES, "NUMBER")

    def _refuse_entry(self, sign: Sign, opens: int, shown: str) -> None:
        several = self._level(opens, ("COMMA", "SEMI")) is not None
        upright = sign.kind == "WORD" or sign.other == "upright"
        whole = Span(self.source, sign.start, self.signs[self.mates[opens]].stop)
        if sign.text in ("E", "Var", "Cov", "P") and not several:
            raise NotationError("expectations are not part of the notation", whole, "over a batch, an expectation is \\operatorname{mean}(…)")
        touches = is_bare(sign) and sign.text not in names.GREEK and sign.text.islower() and not self.source[sign.stop : self.signs[opens].start].strip("}")
        if not several and sign.text not in self.survey.values and (upright or touches):
            raise self._no_function(sign.other if sign.kind == "WORD" and sign.other else shown, span(sign, self.source))
        if self._one_name_inside(opens):
            raise NotationError("entries of a value are not part of the notation yet", whole, "give each entry a name of its own: x_i")

    def _no_function(self, word: str, span: Span) -> NotationError:
        near = nearest(word, [*spellings(), *self.survey.functions]) if len(word) > 2 and word not in NETWORKS else None
        return NotationError(
            f"there is no function {word}", span, _INSTEAD.get(word.casefold()) or near or f"define it: {word}(x) = …, or put \\cdot before the parenthesis for a product"
        )
