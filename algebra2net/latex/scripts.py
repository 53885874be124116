"""Subscripts and superscripts, joined to what they stand on.

In    the scripts after a sign
Out   a name with its subscripts and indices; after it transposes, primes, and between two signs of their own what may be
      an exponent; the mark of a norm; the base of a logarithm
Idea  all scripts on one sign are read together: `W_1^T` and `W^T_1` are the same on paper
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lark import Token

from algebra2net import names
from algebra2net.errors import NotationError, Span
from algebra2net.latex.commands import OBJECTIVE, called
from algebra2net.latex.indices import Indices
from algebra2net.latex.tokens import Sign

NAMES = ("LETTER", "WORD")
CLOSERS = ("RPAR", "RBRACKET", "RSET", "RANGLE", "RFLOOR", "RCEIL", "RGROUP", "CASES_CLOSE")
ENDS = (*NAMES, *CLOSERS, "NUMBER", "PRIME", "TRANSPOSE", "SMALL_POWER", "SCRIPT_CLOSE")
OVER_ALL = "over all entries it is \\operatorname{sum}(x), down the rows \\operatorname{sum}(x, axis=0), along each row \\operatorname{sum}(x, axis=1)"


class Scripts(Indices):
    """What stands above and below."""

    def _at_sub(self, token: Token) -> None:
        """All the scripts that stand on the sign before them."""
        place = self.place
        scripts: list[tuple[str, int, int]] = []
        while (following := self._at(place)) is not None:
            if following.type in ("SUB", "SUP") or following == r"\_":
                if self.out and self.out[-1].kind == "INDICATOR" and following.type == "SUB":
                    self._condition(place)
                    return
                begin, end = self.unit(place + 1)
                kind = "sub" if following.type != "SUP" else "sup"
                if any(k == kind for k, _, _ in scripts):
                    raise self.error(place, f"a second {'sub' if kind == 'sub' else 'super'}script on one sign", f"put both into one: {following}{{…}}")
                scripts.append((kind, begin, end))
                place = end
            elif following.type == "PRIME":
                scripts.append(("prime", place, place + 1))
                place += 1
            elif following in (r"\limits", r"\nolimits"):
                place += 1
            else:
                break
        self._attach(scripts, place, token)

    _at_sup = _at_sub

    _at_prime = _at_sub

    def _condition(self, place: int) -> None:
        """`\\mathbb{1}_{x > 0}`: the subscript says when it is one."""
        unit = self.unit(place + 1)
        self.wrapped(unit)

    def _attach(self, scripts: Sequence[tuple[str, int, int]], end: int, token: Token) -> None:
        base = self._last()
        if base is None or base.kind not in (*ENDS, "OPERATOR", "BAR", "NORM", "INDICATOR"):
            what = "prime" if scripts[0][0] == "prime" else "superscript" if scripts[0][0] == "sup" else "subscript"
            raise self.error(self.place, f"this {what} stands on nothing", "type the name that it belongs to before it")
        if base.kind in NAMES:
            self._on_name(base, scripts, end)
        elif base.kind == "OPERATOR":
            self._on_operator(base, scripts, end)
        else:
            self._on_value(base, scripts, end, token)

    def _on_name(self, base: Sign, scripts: Sequence[tuple[str, int, int]], end: int) -> None:
        """Subscripts and indices join the name; transposes and powers stand after it."""
        was = base.text
        raised: list[Sign] = []
        power: tuple[int, int] | None = None
        indexed, below, above = base.text, [], []
        for kind, begin, until in scripts:
            first, last = self.tokens[begin], self.tokens[until - 1]
            if kind == "prime":
                raised.append(Sign("PRIME", "'", first.start_pos or 0, last.end_pos or 0))
            elif kind == "sub":
                text = self._subscript(begin, until)
                text = re.sub(r"^(\w+)[×*x]\1$", r"\1", text) if was == "I" else text  # I_{n \times n} is I_n
                below.append(text)
                base.text, indexed = _with_index(base.text, text), _with_index(indexed, text)
                base.stop = max(base.stop, last.end_pos or 0)
            elif (pieces := self._pieces(begin, until)) is None:
                power = (begin, until)
                text = self._index_text(begin, until)
                above.append(text)
                indexed = _with_index(indexed, text) if text else ""
            else:
                base.text, indexed = self._pieces_on(base, pieces, (first, last), raised, above, indexed)
        if power is None:
            base.text = self._one_order(was, base.text, below, above)
        elif indexed:
            indexed = self._one_order(was, indexed, below, above)
        self._refuse_sum(base, below, scripts)
        self.out += raised
        self.place = end
        if power is not None:
            self._raise(power, end, indexed, "" if not above else above[-1])

    def _pieces_on(self, base: Sign, pieces: Sequence[tuple[str, str]], ends: tuple[Token, Token], raised: list[Sign], above: list[str], indexed: str) -> tuple[str, str]:
        text = base.text
        start, stop = ends[0].start_pos or 0, ends[1].end_pos or 0
        for what, word in pieces:
            if what == "index":
                text, indexed = _with_index(text, word), _with_index(indexed, word)
                above.append(word)
            elif what in ("star", "vec", "left"):
                text, indexed = with_accent(text, what), with_accent(indexed, what)
            elif what == "prime":
                raised.append(Sign("PRIME", "'", start, stop))
            else:
                raised.append(Sign("TRANSPOSE", "^T", start, stop))
                if what == "inverse":
                    raised[-1:] = [*_inverse(start, stop), raised[-1]]
            if what in ("index", "star", "vec", "left") and not raised:
                base.stop = max(base.stop, stop)
        return text, indexed

    def _one_order(self, was: str, text: str, below: Sequence[str], above: Sequence[str]) -> str:
        """`W_1^{(2)}` and `W^{(2)}_1` are one symbol, `W_2^{(1)}` is another."""
        if not (below and above):
            return text
        identity = (was, tuple(below), tuple(above))
        if identity not in self.typed and text in self.typed.values():
            text = was
            for index in (*below, *above):
                text = _with_index(text, index)
        return self.typed.setdefault(identity, text)

    def _refuse_sum(self, base: Sign, below: Sequence[str], scripts: Sequence[tuple[str, int, int]]) -> None:
        """`\\Sigma_{i=1}^n` is a sum."""
        if base.text.startswith(("Sigma_", "Pi_")) and any("=" in text for text in below):
            raise NotationError("indexed sums are not part of the notation yet", Span(self.source, base.start, self.tokens[scripts[-1][2] - 1].end_pos or 0), OVER_ALL)

    def _on_operator(self, base: Sign, scripts: Sequence[tuple[str, int, int]], end: int) -> None:
        """`\\log_2`, `\\tanh^2 x`, `\\tanh'`; an index on a function is refused."""
        power: tuple[int, int] | None = None
        raised: list[Sign] = []
        for kind, begin, until in scripts:
            if kind == "prime":
                raised.append(Sign("PRIME", "'", self.tokens[begin].start_pos or 0, self.tokens[begin].end_pos or 0))
            elif kind == "sub":
                self._log_to(base, begin, until)
            elif (pieces := self._pieces(begin, until)) is not None and all(what == "prime" for what, _ in pieces):
                raised += [Sign("PRIME", "'", self.tokens[begin].start_pos or 0, self.tokens[until - 1].end_pos or 0) for _ in pieces]
            else:
                power = (begin, until)
        self.out += raised
        self.place = end
        if power is not None:
            self._raise(power, end, "", "")

    def _log_to(self, base: Sign, begin: int, until: int) -> None:
        text = self._subscript(begin, until)
        named = {"2": "log2", "10": "log10", "e": "log"}.get(text) if base.text == "log" else None
        stop = self.tokens[until - 1].end_pos or 0
        if named is None:
            whole = Span(self.source, base.start, stop)
            if base.text == "log":
                raise NotationError(f"there is no logarithm to the base {text}", whole, f"\\log(x) / \\log({text})")
            raise self.over_an_index(base.text, whole, self.out[:-1])
        base.text = base.other = named
        base.stop = stop

    def over_an_index(self, word: str, whole: Span, before: Sequence[Sign]) -> NotationError:
        """What is to be said of `\\max_j z_j`, and of `\\min_W ‖Y - X W‖²`, the objective."""
        begins = word in ("min", "max") and (not before or before[-1].kind in ("BREAK", "ROW", "QUAD", "NEWLINE", "TEXT"))
        return NotationError(f"\\{word} over an index is not part of the notation yet", whole, OBJECTIVE if begins else OVER_ALL.replace("sum", called(word) or "sum"))

    def _on_value(self, base: Sign, scripts: Sequence[tuple[str, int, int]], end: int, token: Token) -> None:
        """Scripts after a closing bracket, a bar, a number."""
        power: tuple[int, int] | None = None
        for kind, begin, until in scripts:
            first, last = self.tokens[begin], self.tokens[until - 1]
            if kind == "prime":
                self.out.append(Sign("PRIME", "'", first.start_pos or 0, last.end_pos or 0))
            elif kind == "sub":
                self._mark(base, begin, until)
            elif (pieces := self._pieces(begin, until)) is not None and all(what in ("prime", "transpose", "inverse") for what, _ in pieces):
                self._pieces_on(base, pieces, (first, last), self.out, [], "")
            else:
                power = (begin, until)
        self.place = end
        if power is not None:
            self._raise(power, end, "", "")

    def _mark(self, base: Sign, begin: int, until: int) -> None:
        """The 2 of `\\|x\\|_2`; any other subscript on a value asks for an entry."""
        text = self._subscript(begin, until)
        stop = self.tokens[until - 1].end_pos or 0
        if base.kind in ("BAR", "NORM"):
            named = {
                "infty": "inf",
                "∞": "inf",
                "F": "F",
                "Fro": "F",
                "fro": "F",
                "2": "2",
                "1": "1",
                "l2": "2",
                "L2": "2",
                "l_2": "2",
                "L_2": "2",
                "l1": "1",
                "L1": "1",
                "l_1": "1",
                "L_1": "1",
            }.get(text)
            if named is None:
                raise NotationError(
                    f"there is no norm with the mark {text}", Span(self.source, self.tokens[begin].start_pos or 0, stop), "norms are ‖x‖, ‖x‖_1, ‖x‖_2, ‖x‖_F and ‖x‖_∞"
                )
            base.text, base.stop = base.text + "_" + named, stop
            return
        whole = Span(self.source, self.tokens[begin].start_pos or 0, stop)
        if text == "+":
            self.out.append(Sign("POSITIVE", "_+", whole.start, whole.stop))
            return
        raise NotationError("entries of a value are not part of the notation yet", whole, "give the value a name first; a subscript belongs to a name")

    def _raise(self, content: tuple[int, int], end: int, indexed: str, text: str) -> None:
        """A superscript that may be an exponent: its content stands between two signs."""
        first, last = self.tokens[content[0]], self.tokens[content[1] - 1]
        sup = next((self.tokens[place] for place in range(content[0] - 1, -1, -1) if self.tokens[place].type == "SUP"), first)
        self.out.append(Sign("SCRIPT_OPEN", text, sup.start_pos or 0, (first.end_pos if first.type == "OPEN" else first.start_pos) or 0, indexed))

        def close() -> None:
            self.out.append(Sign("SCRIPT_CLOSE", "}", (last.start_pos if first.type == "OPEN" else last.end_pos) or 0, last.end_pos or 0))
            self.place = end

        self.enter(content, close)


def _with_index(name: str, text: str) -> str:
    return with_accent(name, "star") if text in ("*", "star") else names.with_subscript(name, text)


def with_accent(name: str, accent: str) -> str:
    """The key of a name under another accent; one that Unicode has no mark for is a subscript."""
    if accent in ("left", "ring", "breve", "acute", "grave"):
        return names.with_subscript(name, accent)
    return names.with_accent(name, accent)


def _inverse(start: int, stop: int) -> list[Sign]:
    return [Sign("SCRIPT_OPEN", "", start, start), Sign("SIGN", "-", start, start), Sign("NUMBER", "1", start, stop), Sign("SCRIPT_CLOSE", "", stop, stop)]
