"""Fractions, roots, delimiters, environments.

In    the commands that build something of their arguments, or stand around it
Out   signs that open and close; what an environment is: rows of statements, blocks of a matrix, cases
Idea  what a command builds is said once here; its arguments are read by the one loop like everything else
"""

from __future__ import annotations

from lark import Token

from algebra2net.errors import NotationError, Span, nearest
from algebra2net.latex.commands import CASES, COMMANDS, DELIMITERS, ESCAPES, LAYOUTS, MATRICES, REFUSED, TABLES, WITH_ARGUMENT
from algebra2net.latex.indices import LONGEST_INDEX
from algebra2net.latex.tokens import Sign
from algebra2net.latex.words import Words

_NO_EXPECTATION = {"E": "E", "P": "P", "V": "E"}  # blackboard letters that stand for an expectation or a probability


class Structures(Words):
    """What commands build."""

    def _do_font(self, token: Token, word: str) -> None:
        begin, end = self.unit(self.place + 1)
        inside, until = self.content((begin, end))
        only = str(self.tokens[inside]) if until == inside + 1 else ""
        if word in ("mathbb", "mathbbm", "mathds", "symbb") and only in _NO_EXPECTATION:
            message, hint = REFUSED[_NO_EXPECTATION[only]]
            raise NotationError(message, Span(self.source, token.start_pos or 0, self.tokens[end - 1].end_pos or 0), hint)
        following = self._at(self.skipped(end))
        opens = following is not None and (following in ("(", "[", r"\{", r"\left", "_") or following.startswith((r"\big", r"\Big")))
        if only == "1" or (only == "I" and word.startswith(("mathbb", "mathds")) and opens and (following != "_" or self._compares(end))):
            self.emit("INDICATOR", only, token, self.tokens[end - 1])
            self.place = end
            return
        if word in ("mathcal", "mathscr") and only in ("N", "U") and opens and following != "_":
            raise NotationError("a distribution is no value", Span(self.source, token.start_pos or 0, self.tokens[end - 1].end_pos or 0), "a sample of it is an input: name it")
        if word == "textbf" and until > inside + 1:
            self._do_text(token, word)
            return
        self.fonts.add(begin)
        self.place += 1

    def _compares(self, place: int) -> bool:
        """Whether the subscript that follows is a comparison: `\\mathbb{I}_{x > 0}`."""
        begin, end = self.unit(self.skipped(place) + 1)
        signs = self.tokens[begin : min(end, begin + LONGEST_INDEX)]
        return any(token.type == "COMPARISON" or token == "=" or COMMANDS.get(token[1:], ("", ""))[1].startswith("COMPARE") for token in signs)

    def _do_above(self, token: Token, word: str) -> None:
        """`\\overset{\\text{def}}{=}`: what stands above or below is a remark."""
        first = self.unit(self.place + 1)
        second = self.unit(first[1])
        inside, until = self.content(second)
        below = str(self.tokens[inside]) if until == inside + 1 else ""
        if COMMANDS.get(below[1:], ("", ""))[0] in ("operator", "sum", "refuse"):
            raise self.over_an_index(below[1:], Span(self.source, token.start_pos or 0, self.tokens[second[1] - 1].end_pos or 0), self.out)
        if below == "=":
            self.emit("EQUALS", "=", token, self.tokens[second[1] - 1])
            self.place = second[1]
        else:
            self.place = second[0]

    def _do_brace(self, token: Token, word: str) -> None:
        """`\\underbrace{x W}_{\\text{scores}}`: the remark goes."""

        def after() -> None:
            while (following := self._at(self.skipped(self.place))) is not None and following.type in ("SUB", "SUP"):
                self.place = self.unit(self.skipped(self.place) + 1)[1]

        self.enter(self.unit(self.place + 1), after)

    def _do_struck(self, token: Token, word: str) -> None:
        raise self.error(self.place, f"{token} strikes out what it holds", "leave out what is struck out")

    def _do_fraction(self, token: Token, word: str) -> None:
        above = self.unit(self._optional(self.place + 1), whole_number=False)
        between = self._at(self.skipped(above[1]))
        below = self.unit(above[1] + (word in ("nicefrac", "sfrac", "xfrac") and between == "/"), whole_number=False)
        self._refuse_derivative(token, above, below)
        self.emit("FRACTION", str(token), token)
        self.wrapped(above, lambda: self.wrapped(below))

    def _refuse_derivative(self, token: Token, above: tuple[int, int], below: tuple[int, int]) -> None:
        """`\\frac{dL}{dW}` is no quotient of products."""
        heads = []
        for begin, end in (self.content(above), self.content(below)):
            head = [t for t in self.tokens[begin : min(end, begin + 6)] if t.type in ("LETTER", "COMMAND") and t not in (r"\mathrm", r"\text", r"\rm")]
            heads.append(head)
        over, under = heads
        if over and under and over[0] == "d" and under[0] == "d" and len(under) > 1:
            message, hint = REFUSED["partial"]
            raise NotationError(message, Span(self.source, token.start_pos or 0, self.tokens[below[1] - 1].end_pos or 0), hint)

    def _do_sqrt(self, token: Token, word: str) -> None:
        place = self.place + 1
        degree = self._degree(place)
        unit = self.unit(self._optional(place))
        if self.tokens[unit[0]].type != "OPEN" and (following := self._at(unit[1])) is not None and following.type == "SUB":
            unit = (unit[0], self.unit(unit[1] + 1)[1])
        if degree in ("", "2"):
            self.emit("OPERATOR", "sqrt", token, other="sqrt")
            self.wrapped(unit)
        elif degree == "3":
            self.emit("OPERATOR", "cbrt", token, other="cbrt")
            self.wrapped(unit)
        else:
            raise self.error(self.place, f"a root of degree {degree} is written as a power", f"x^{{1/{degree}}}")

    def _degree(self, place: int) -> str:
        place = self.skipped(place)
        return self.slice(place + 1, self._optional(place) - 1).strip() if self._at(place) == "[" else ""

    def _do_over(self, token: Token, word: str) -> None:
        if self.place not in self.split:
            raise self.error(self.place, "\\over splits the braces that it stands in", "write \\frac{a}{b}")
        self.place += 1
        at = token.start_pos or 0
        self.out += [Sign("RGROUP", "}", at, at), Sign("LGROUP", "{", token.end_pos or 0, token.end_pos or 0)]

    def _do_sum(self, token: Token, word: str) -> None:
        place = self.place + 1
        while self._at(place) in (r"\limits", r"\nolimits", r"\displaylimits", r"\!", r"\,"):
            place += 1
        following = self._at(place)
        if following is not None and following.type in ("SUB", "SUP"):
            raise self._indexed(word, token, self.unit(place + 1)[1])
        self.emit("SUM", word, token)
        self.place = place

    def _indexed(self, word: str, token: Token, end: int) -> NotationError:
        what = {"sum": "sums", "prod": "products"}.get(word, "sums")
        whole = Span(self.source, token.start_pos or 0, self.tokens[end - 1].end_pos or 0)
        hint = f"over all entries it is \\operatorname{{{word}}}(x), down the rows \\operatorname{{{word}}}(x, axis=0), along each row \\operatorname{{{word}}}(x, axis=1)"
        return NotationError(f"indexed {what} are not part of the notation yet", whole, hint)

    def _do_in(self, token: Token, word: str) -> None:
        """`\\in \\mathbb{R}^{m \\times n}`: the sizes."""
        place = self.skipped(self.place + 1)
        unit = self.unit(place)
        inside, until = self.content(unit)
        letter = self._flat(inside, until)
        if letter.strip() != "R":
            raise self.error(self.place, "only shapes can be declared", "W \\in \\mathbb{R}^{3 \\times 4}")
        end, sizes = unit[1], ""
        while (following := self._at(end)) is not None and following.type in ("SUB", "SUP"):
            scripted = self.unit(end + 1)
            sizes = self._flat(*self.content(scripted), sizes=True) if following.type == "SUP" else sizes
            end = scripted[1]
        self.emit("SIZES", f"∈ R^{sizes}" if sizes.strip("+*") else "∈ R", token, self.tokens[end - 1])
        self.place = end

    def _do_sample(self, token: Token, word: str) -> None:
        """`\\epsilon \\sim \\mathcal{N}(0, I)`: what is drawn is an input."""
        end = self._after_distribution(self.skipped(self.place + 1))
        if end is None:
            raise self.error(self.place, *REFUSED["sim"])
        self.emit("SAMPLED", r"\sim", token, self.tokens[end - 1])
        self.place = end

    def _after_distribution(self, place: int) -> int | None:
        """Where a letter or a word with its parentheses ends: `\\mathcal{N}\\left(0, I\\right)`."""
        if self._at(place) is None:
            return None
        end, depth = self.skipped(self.unit(place)[1]), 0
        while (token := self._at(end)) is not None and token.type not in ("ROW_BREAK", "MATH", "NEWLINE", "BLANK", "AMPERSAND"):
            depth += (token == "(") - (token == ")")
            if depth == 0 and token != r"\left":
                return end + 1 if token == ")" else None
            end += 1
        return None

    def _do_delimiter(self, token: Token, word: str) -> None:
        self.place += 1
        self._delimiter(word, token, token, "")

    def _delimiter(self, word: str, first: Token, last: Token, side: str) -> None:
        kind, own = DELIMITERS[word]
        if kind == "NULL":
            self._null(first, last, side)
            return
        shown = self.source[first.start_pos : last.end_pos]
        self.emit(kind, shown, first, last, own or side)

    def _null(self, first: Token, last: Token, side: str) -> None:
        """`\\right.`: nothing, or the end of what `\\left\\{` opened."""
        if side == "close":
            self.emit("NULL", r"\right.", first, last)

    def _sized(self, token: Token, side: str) -> None:
        place = self.skipped(self.place + 1)
        following = self._at(place)
        word = "" if following is None else str(following)
        if following is not None and following.type == "ESCAPE":
            word = ESCAPES.get(word[1:], ("", ""))[1] if ESCAPES.get(word[1:], ("", ""))[0] == "delimiter" else ""
        elif following is not None and following.type == "COMMAND":
            word = word[1:] if COMMANDS.get(word[1:], ("", ""))[0] == "delimiter" else ""
        if following is None or word not in DELIMITERS:
            raise self.error(self.place, f"{token} wants a delimiter after it", f"{token}(, {token}[, {token}\\{{ or {token}|")
        self.place = place + 1
        self._delimiter(word, token, following, side)

    def _do_left(self, token: Token, word: str) -> None:
        self._sized(token, "open")

    def _do_right(self, token: Token, word: str) -> None:
        self._sized(token, "close")

    def _do_middle(self, token: Token, word: str) -> None:
        self._sized(token, "mid")

    def _do_size(self, token: Token, word: str) -> None:
        self._sized(token, {"l": "open", "r": "close", "m": "mid"}.get(word.lower().removeprefix("bigg").removeprefix("big"), ""))

    def _do_wrap(self, token: Token, word: str) -> None:
        """`\\norm{x}`, `\\abs{x}` of one's own or of a package."""
        unit = self.unit(self.place + 1)
        if word in ("floor", "ceil"):
            self.emit("OPERATOR", word, token, other=word)
            self.wrapped(unit)
            return
        kind = "NORM" if word == "norm" else "BAR"
        last = self.tokens[unit[1] - 1]
        self.emit(kind, "‖" if word == "norm" else "|", token, other="open")
        self.enter(unit, lambda: self.emit(kind, "‖" if word == "norm" else "|", last, other="close"))

    def _do_matrix(self, token: Token, word: str) -> None:
        """Plain TeX's `\\pmatrix{a & b \\cr c & d}`."""
        unit = self.unit(self.place + 1)
        self.emit("LBRACKET", r"\begin{matrix}", token)
        self.enter(unit, lambda: self.emit("RBRACKET", r"\end{matrix}", self.tokens[unit[1] - 1]))

    def _environment(self) -> tuple[str, int]:
        """The name in braces after `\\begin` or `\\end`, and the place after it."""
        place = self.skipped(self.place + 1)
        if (opened := self._at(place)) is None or opened.type != "OPEN":
            raise self.error(self.place, f"{self.tokens[self.place]} wants the name of an environment", "\\begin{aligned} … \\end{aligned}")
        end = self.ends[place]
        return "".join(self.slice(place + 1, end).split()), end + 1

    def _do_begin(self, token: Token, word: str) -> None:
        name, place = self._environment()
        last = self._last()
        if name in WITH_ARGUMENT:
            place = self.unit(self._optional(place))[1]
        elif name in LAYOUTS or name in MATRICES or name in TABLES:
            place = self._optional(place) if self._at(place) == "[" and self.tokens[place].start_pos == self.tokens[place - 1].end_pos else place
        closer = self._opened(name, token, last)
        self.environments.append((name, closer, token))
        self.place = place

    def _opened(self, name: str, token: Token, last: Sign | None) -> str:
        """Begin an environment; the kind of sign that ends it."""
        end = Token("OPEN", token, start_pos=token.start_pos, end_pos=token.end_pos)
        starts = last is None or last.kind in ("BREAK", "ROW", "AMP")
        if name in CASES:
            self.emit("CASES_OPEN", f"\\begin{{{name}}}", end)
            return "CASES_CLOSE"
        if last is not None and last.kind == "LSET" and (name in TABLES or name in LAYOUTS):
            last.kind, last.text = "CASES_OPEN", f"\\begin{{{name}}}"
            return "CASES_CLOSE"
        if name in MATRICES or (name in TABLES and not starts):
            self.emit("LBRACKET", f"\\begin{{{name}}}", end)
            return "RBRACKET"
        if name in ("vmatrix", "vmatrix*"):
            self.emit("OPERATOR", "det", end, other="det")
            self.emit("LGROUP", "{", end)
            self.emit("LBRACKET", f"\\begin{{{name}}}", end)
            return "RBRACKET RGROUP"
        if name in LAYOUTS or name in TABLES:
            self.emit("BREAK" if starts else "NEWLINE", f"\\begin{{{name}}}", end)
            return "BREAK" if starts else "NEWLINE"
        hint = nearest(name, LAYOUTS | MATRICES | TABLES | {"cases"}) or "paste the formulas alone"
        raise NotationError(f"there is no environment {name} in the notation", self._span(token), hint)

    def _do_end(self, token: Token, word: str) -> None:
        name, place = self._environment()
        if not self.environments:
            raise self.error(self.place, f"\\end{{{name}}} has no \\begin{{{name}}}", f"take it away, or open it: \\begin{{{name}}}")
        begun, closers, begin = self.environments.pop()
        if begun != name:
            raise NotationError(f"\\begin{{{begun}}} is closed by \\end{{{name}}}", self._span(token), None, [("it was opened here:", self._span(begin))])
        for closer in closers.split():
            self.emit(closer, f"\\end{{{name}}}", token, self.tokens[place - 1])
        self.place = place
        following = self.skipped(place)
        if closers == "CASES_CLOSE" and begun not in CASES:
            self._skip_closing(following)

    def _skip_closing(self, place: int) -> None:
        """The `\\right.` or `\\right\\}` of cases that were opened by a brace."""
        token = self._at(place)
        if token == r"\right" or (token is not None and token.startswith((r"\big", r"\Big"))):
            place = self.skipped(place + 1)
            token = self._at(place)
        if token in (".", r"\}", r"\rbrace"):
            self.place = place + 1
