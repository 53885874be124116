"""Letters, numbers, words and accents.

In    letters and digits, and the commands that set words or put accents on names
Out   names, numbers, and what stands in `\\text{…}`: a name, a connector (`where`), or a remark that goes
Idea  a word is upright; letters in italics are names each, until their surroundings say otherwise
"""

from __future__ import annotations

import re

from lark import Token

from algebra2net import names
from algebra2net.errors import NotationError, Span
from algebra2net.latex.commands import CONNECTORS, REFUSED, Meaning
from algebra2net.latex.scripts import NAMES, Scripts, with_accent
from algebra2net.latex.tokens import Sign

LONGEST_WORD = 120  # tokens; what is longer is a formula
LETTERS = re.compile(r"[A-Za-zÀ-ÖØ-öø-ʯḀ-ỿℓ\u0370-\u03ff\U0001D400-\U0001D7CB]+")
_TALK = frozenset("is are be was denotes denote of in on by to from as at the a an we let here are for i.e e.g".split())  # so begins no name
_BARE_WORD = re.compile(r"(where|otherwise|else|if)(?![A-Za-z_(])")


class Words(Scripts):
    """What is spelled with letters and digits."""

    def _at_letter(self, token: Token) -> None:
        if self.prose or (self.delimited and not self.in_math and not self.environments):
            self._prose(token)
            return
        word = _BARE_WORD.match(self.source, token.start_pos or 0)
        if word and (word[0] == "where" or (self.environments and self.environments[-1][1] == "CASES_CLOSE")) and not self._touches_letter():
            self.emit("TEXT", CONNECTORS[word[0]], token, self.tokens[self.place + len(word[0]) - 1])
            self.place += len(word[0])
            return
        self.place += 1
        self.emit("LETTER", names.key(str(token)), token)

    def _touches_letter(self) -> bool:
        before = self.tokens[self.place - 1] if self.place else None
        return before is not None and before.type == "LETTER" and before.end_pos == self.tokens[self.place].start_pos

    def _at_script_letters(self, token: Token) -> None:
        kind = CONNECTORS.get(str(token))
        if kind is None:
            raise self._strange_word(token.start_pos or 0, token.end_pos or 0)
        self.place += 1
        self.emit("TEXT", kind, token)

    def _strange_word(self, start: int, stop: int) -> NotationError:
        return NotationError(f"{self.source[start : min(stop, start + 30)]} is no name here", Span(self.source, start, stop), "names have Latin and Greek letters")

    def _prose(self, token: Token) -> None:
        """Words outside of the formulas."""
        end = self.place
        while (following := self._at(end)) is not None and following.type in ("LETTER", "SCRIPT_LETTERS", "SYMBOL", "DIGIT") and following != "=":
            end += 1
        words = self.slice(self.place, end)
        kind = CONNECTORS.get(words.strip(" ,.:;").casefold())
        if kind is None:
            raise NotationError("this is text, not a formula", Span(self.source, token.start_pos or 0, self.tokens[end - 1].end_pos or 0), "paste the formulas alone")
        self.emit("TEXT", kind, token, self.tokens[end - 1])
        self.place = end

    def _at_digit(self, token: Token) -> None:
        end = self.place + 1
        limit = self.due[-1][0] if self.due else len(self.tokens)
        while end < limit and self.tokens[end].type == "DIGIT":
            end += 1
        if end + 1 < limit and self.tokens[end] == "." and self.tokens[end + 1].type == "DIGIT":  # 0 . 5, spaced out
            end += 1
            while end < limit and self.tokens[end].type == "DIGIT":
                end += 1
        elif end < limit and self.tokens[end].type == "DECIMAL" and self.tokens[end].start_pos == self.tokens[end - 1].end_pos:
            end += 1
        text = "".join(self.tokens[self.place : end])
        last = self.out[-1] if self.out else None
        if last is not None and text.isdecimal() and _takes_digits(last):
            last.text, last.stop = last.text + text, self.tokens[end - 1].end_pos or 0
            self._refuse_long(last)
            last.text = names.key(last.text)
        else:
            self.emit("NUMBER", text, token, self.tokens[end - 1])
        self.place = end

    def _at_decimal(self, token: Token) -> None:
        self.place += 1
        self.emit("NUMBER", str(token), token)

    _at_exponent = _at_decimal

    def _at_small(self, token: Token) -> None:
        self.place += 1
        last = self.out[-1] if self.out else None
        if last is None or last.kind not in NAMES:
            raise self.error(self.place - 1, f"{token} stands below nothing", "a subscript belongs to a name: W₀")
        last.text, last.stop = names.with_subscript(last.text, str(token)), token.end_pos or 0

    def _do_letter(self, token: Token, word: str) -> None:
        self.place += 1
        self.emit("LETTER", word, token)

    def _do_word(self, token: Token, word: str) -> None:
        unit = self.unit(self.place + 1)
        self._word(("word", word), self.content(unit), token, self.tokens[unit[1] - 1], unit[1])

    def _do_text(self, token: Token, word: str) -> None:
        unit = self.unit(self.place + 1)
        self._word(("text", word), self.content(unit), token, self.tokens[unit[1] - 1], unit[1])

    def _word(self, meaning: Meaning, content: tuple[int, int], first: Token, last: Token, end: int) -> None:
        """Upright letters: a word, a connector, a remark; or a font and no more."""
        begin, until = content
        typed = (
            "("
            if until - begin > LONGEST_WORD
            else re.sub(r"\\[,;:! ]|~|\\(quad|qquad|thinspace|rm|bf|it|sf|tt|mathrm|mathsf|mathbf|operatorname)(?![A-Za-z])|[\n\t]", " ", self.slice(*content))
        )
        text = " ".join(re.sub(r"\\([_\-&])|\\mathchar`", r"\1", typed).split())
        if re.fullmatch(r"(\S )+\S", text):
            text = text.replace(" ", "")  # s o f t m a x
        bare = text.strip(" ,.:;()").casefold()
        is_call = bare == "where" and self._at(self.skipped(end)) in ("(", r"\left")
        if (meaning[0] == "text" or bare in CONNECTORS) and not is_call and self._remark(text, bare, first, last):
            self.place = end
        elif meaning[1] in ("mathsf", "mathit", "mathtt") and len(text) == 1:
            self.emit("LETTER", names.key(text), first, last)
            self.place = end
        elif re.fullmatch(r"[^\W\d_][\w \-'’/.]*|[^\W\d_]\w*_\{[\w,+\- ]*\}", text) and not text.endswith("."):
            self._say(meaning, text, first, last)
            self.place = end
        else:
            self.in_text += meaning[0] == "text"
            self.prose = "$" in self.slice(begin, min(until, begin + LONGEST_WORD))

            def after() -> None:
                self.in_text -= meaning[0] == "text"
                self.prose = False

            self._until(until, end, after)
            self.place = begin

    def _remark(self, text: str, bare: str, first: Token, last: Token) -> bool:
        """Text that is no name: `where`, `if`, `(hidden layer)`, `Input gate:`, a comma."""
        if bare in CONNECTORS:
            self.emit("TEXT", CONNECTORS[bare], first, last)
        elif bare.split(" ")[0] in ("if", "when") and re.fullmatch(r"[\w ,.\-]*", bare):
            self.emit("TEXT", "if " + bare, first, last)
        elif not text.strip(" ,.;"):
            if text.strip():
                self.emit("COMMA" if "," in text else "PERIOD", text.strip()[0], first, last)
        elif text.endswith((":", "：")):
            self.emit("LABEL", text, first, last)
        elif re.fullmatch(r"\([^()$\\]*\)", text) or (re.fullmatch(r"[\w ,.'-]+", text) and (text.count(" ") > 1 or bare.split(" ")[0] in _TALK)):
            self.emit("COMMENT", text, first, last)
        else:
            return False
        return True

    def _say(self, meaning: Meaning, text: str, first: Token, last: Token) -> None:
        if not re.fullmatch(r"[\w \-'’/.{},+]*", text, re.ASCII) and any(c.isalpha() and not LETTERS.fullmatch(c) for c in text):
            raise self._strange_word(first.start_pos or 0, last.end_pos or 0)
        if len(text) == 1:
            self.emit("LETTER", names.key(text), first, last, other="upright")
            return
        joined = text.replace(" ", "" if meaning[0] == "word" and "_" not in text else "_")
        if joined.casefold() in ("argmax", "argmin"):
            raise NotationError(
                f"{joined} has no gradient and is not part of the notation", Span(self.source, first.start_pos or 0, last.end_pos or 0), REFUSED[joined.casefold()][1]
            )
        key = names.key(re.sub(r"[\-'’/.]", "_", joined) if "{" not in joined else joined)
        self.emit("WORD", key, first, last, other=joined.replace("-", "_")).origin = "operator" if meaning[1] in ("operatorname", "operatorname*", "mathop") else meaning[0]

    def _do_accent(self, token: Token, accent: str) -> None:
        unit = self.unit(self.place + 1)
        mark = len(self.out)
        self.enter(unit, lambda: self._accented(mark, token, unit, accent))

    def _accented(self, mark: int, token: Token, unit: tuple[int, int], accent: str) -> None:
        self.out[mark:] = inside = [sign for sign in self.out[mark:] if sign.kind != "GROUP"]
        whole = Span(self.source, token.start_pos or 0, self.tokens[unit[1] - 1].end_pos or 0)
        if not inside or inside[0].kind not in NAMES or (len(inside) > 1 and inside[1].kind != "SCRIPT_OPEN"):
            if accent == "bar" and len(inside) > 1:
                raise NotationError("a bar over an expression could be a mean", whole, "write \\operatorname{mean}(…), or name the value")
            raise NotationError("an accent stands on one name", whole, "name the expression first, then put the accent on the name")
        for sign in inside[:2]:
            if sign.kind in NAMES:
                sign.text, sign.start, sign.stop = with_accent(sign.text, accent), whole.start, max(sign.stop, whole.stop) if len(inside) == 1 else sign.stop
                sign.other = sign.other if sign.kind == "WORD" else ""
                self._refuse_long(sign)
            else:
                sign.other = with_accent(sign.other, accent) if sign.other else ""


def _takes_digits(last: Sign) -> bool:
    """Whether a number right after this letter belongs to it: `W1`."""
    return last.kind == "LETTER" and last.text not in ("pi", "e") and names.parts(last.text) == names.Parts(last.text)
