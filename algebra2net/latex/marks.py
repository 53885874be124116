"""Brackets, bars, operators, punctuation, cases.

In    the signs of a statement that are no names
Out   their tokens: which bar opens, what a comma or a row separates here, whether = compares
Idea  what a sign means depends on what is open where it stands
"""

from __future__ import annotations

import re

from lark import Token

from algebra2net.errors import NotationError
from algebra2net.latex.brackets import CALLS
from algebra2net.latex.commands import REFUSED
from algebra2net.latex.tokens import Sign
from algebra2net.latex.writer import BEGINS, Open, Writer
from algebra2net.operators import OPERATORS


class Marks(Writer):
    """What is no name."""

    def _at_lpar(self, sign: Sign) -> None:
        is_call = self.place == self.call_at
        if not is_call and self._kind(self.mates[self.place] + 1) == "POSITIVE":
            self._tell("FUNCTION", "relu", sign.start, sign.start)
            self.signs[self.mates[self.place] + 1].other = "told"
        self.open.append(Open(sign.kind, "RPAR", sign, len(self.told), self.place, is_call, tests=bool(self.open) and self.open[-1].tests and self.open[-1].kind == "INDICATOR"))
        if sign.kind == "LSET" and not is_call and (comma := self._level(self.place, ("COMMA", "ROW"))) is not None:
            raise self.error(comma, "a set is no value", "[a, b] puts blocks side by side")
        self._tell_sign("LPAR", sign)

    _at_lset = _at_lpar

    _at_lgroup = _at_lpar

    def _at_lbracket(self, sign: Sign) -> None:
        if (self.place == self.call_at and not self._holds_blocks()) or self._kind(self.mates[self.place] + 1) == "POSITIVE":
            self._at_lpar(sign)
            return
        closes = "RBRACKET"
        if self.place == self.call_at:
            self._tell("LPAR", "(", sign.start, sign.start)
            closes = "RBRACKET RPAR"
        self.open.append(Open("LBRACKET", closes, sign, len(self.told)))
        self._tell_sign("LBRACKET", sign)

    def _holds_blocks(self) -> bool:
        """Whether the bracket of this call is a row of blocks, not a list of arguments."""
        if self.signs[self.place].text.startswith(r"\begin"):
            return True
        record = OPERATORS.get(str(self.told[-1]))
        return record is not None and len(record.operands) == 1 and not record.variadic and not record.with_two and self._level(self.place, ("COMMA", "SEMI")) is not None

    def _at_script_open(self, sign: Sign) -> None:
        if self.place == self.raise_at:
            self._tell("RAISED", "^", sign.start, sign.stop)
        else:
            self._tell("POWER", "^", sign.start, sign.stop)
        self.open.append(Open("SCRIPT", "RPAR", sign, len(self.told)))
        self._tell("LPAR", "{", sign.stop, sign.stop)
        self.place += 1

    def _at_langle(self, sign: Sign) -> None:
        function = {"LANGLE": "dot", "LFLOOR": "floor", "LCEIL": "ceil"}[sign.kind]
        if sign.kind == "LANGLE" and self._level(self.place, ("COMMA",)) is None:
            raise self.error(sign, "⟨ ⟩ holds the two operands of an inner product", "\\langle a, b \\rangle")
        self._tell("FUNCTION", function, sign.start, sign.stop)
        self.open.append(Open(sign.kind, "RPAR", sign, len(self.told), is_call=True))
        self._tell("LPAR", sign.text, sign.stop, sign.stop)
        self.place += 1

    _at_lfloor = _at_langle

    _at_lceil = _at_langle

    def _at_rpar(self, sign: Sign) -> None:
        self._refuse_open_bar()
        entry = self.open.pop()
        if self.open and self.open[-1].kind == "INDICATOR":
            self.open.pop()
        for kind in entry.closes.split():
            if kind == "RBRACKET" and self.told[-1].type == "ROW":
                self.told.pop()
            self._tell(kind, sign.text, sign.start, sign.stop)
        self.place += 1

    _at_rset = _at_rgroup = _at_rbracket = _at_rangle = _at_rfloor = _at_rceil = _at_script_close = _at_rpar

    def _at_positive(self, sign: Sign) -> None:
        """`[x]_+`: told where the bracket opened."""
        if sign.other != "told":
            raise self.error(sign, "the part above 0 is written _+ after brackets alone", "\\max(0, x)")
        self.place += 1

    def _at_sampled(self, sign: Sign) -> None:
        raise self.error(sign, *REFUSED["sim"])

    def _refuse_open_bar(self) -> None:
        if self.open and self.open[-1].kind in ("BAR", "NORM"):
            bar = self.open[-1].sign
            raise self.error(bar, f"this {bar.text} is never closed", f"close it: {bar.text}")

    def _at_bar(self, sign: Sign) -> None:
        top = self._top()
        kind = sign.kind
        if sign.other == "mid" and top is not None and top.kind == "LBRACKET":
            self._tell_sign("BESIDE", sign)
            return
        following = self.signs[self.place + 1] if self.place + 1 < len(self.signs) else None
        twice = kind == "BAR" and following is not None and following.kind == "BAR" and following.other == sign.other
        if self._ends() and (kind == "NORM" or twice) and top is not None and top.kind == "LPAR" and top.is_call and self.told[top.at - 1] == "kl":
            self._tell("COMMA", ",", sign.start, (following if twice and following else sign).stop)
            self.place += 1 + twice
            return
        if sign.other == "mid":
            raise self._conditional(sign)
        if self._ends() and sign.other != "open" and top is not None and self._closes_bar(sign, top, twice):
            return
        if sign.other == "close":
            raise self.error(sign, f"this {sign.text} closes nothing", "take it away, or open it")
        if self._ends() and kind == "NORM" and top is not None and top.kind == "LBRACKET" and not sign.other:
            self._tell_sign("BESIDE", sign)
            return
        if self._ends() and kind == "BAR" and top is not None and top.kind == "LPAR" and self._odd_bars(top):
            raise self._conditional(sign)
        self._opens_bar(sign, following if twice else None)

    _at_norm = _at_bar

    def _closes_bar(self, sign: Sign, top: Open, twice: bool) -> bool:
        if top.kind not in ("BAR", "NORM"):
            return False
        if top.kind == "NORM" and sign.kind == "BAR":
            if not twice:
                return False
            last = self.signs[self.place + 1]
            sign = Sign("NORM", "|" + last.text, sign.start, last.stop)
            self.place += 1
        if top.kind == "BAR" and sign.kind == "NORM":
            if sign.text != "||":
                return False
            self._close_loose()
            self._tell("BAR_CLOSE", "|", sign.start, sign.start + 1)
            self.open.pop()
            self.signs[self.place] = Sign("BAR", "|", sign.start + 1, sign.stop)
            return True
        self._close_loose()
        entry = self.open.pop()
        is_norm = sign.kind == "NORM" or "_" in sign.text
        if is_norm and entry.kind == "BAR":
            old = self.told[entry.at]
            self.told[entry.at] = Token("NORM_OPEN", "‖", start_pos=old.start_pos, end_pos=old.end_pos)
        self._tell_sign("NORM_CLOSE" if is_norm else "BAR_CLOSE", sign, "‖" + sign.text[sign.text.find("_") :] if "_" in sign.text else sign.text)
        return True

    def _opens_bar(self, sign: Sign, second: Sign | None) -> None:
        if "_" in sign.text:
            raise self.error(sign, "this bar closes nothing", "a value at a point is not part of the notation")
        is_norm = sign.kind == "NORM" or second is not None
        self.open.append(Open("NORM" if is_norm else "BAR", "", sign, len(self.told)))
        self._tell("NORM_OPEN" if is_norm else "BAR_OPEN", sign.text, sign.start, (second or sign).stop)
        self.place += 1 + (second is not None)

    def _odd_bars(self, top: Open) -> bool:
        """Whether a bar in these parentheses has no partner."""
        if top.bars < 0:
            top.bars = self._count_bars(top.place)
        return top.bars % 2 == 1

    def _at_number(self, sign: Sign) -> None:
        """A number; `2 \\cdot 10^{-3}` is one."""
        follow = self.signs[self.place + 1 : self.place + 7]
        kinds = [s.kind for s in follow]
        exponent = "".join(s.text for s in follow[3:5] if s.kind in ("SIGN", "NUMBER"))
        divided = bool(self.told) and self.told[-1].type == "DIVIDE"
        if kinds[:3] == ["PRODUCT", "NUMBER", "SCRIPT_OPEN"] and follow[1].text == "10" and re.fullmatch(r"[+-]?\d{1,9}", exponent) and "e" not in sign.text and not divided:
            last = self.mates[self.place + 3]
            if last - self.place - 4 == len(kinds[3:5]) - (kinds[4] == "SCRIPT_CLOSE"):
                self.place = last + 1
                self._tell("NUMBER", f"{sign.text}e{exponent}", sign.start, self.signs[last].stop)
                return
        self._tell_sign("NUMBER", sign)

    def _at_sign(self, sign: Sign) -> None:
        self._tell_sign(sign.kind, sign)

    def _at_times(self, sign: Sign) -> None:
        if self.open and self.open[-1].kind == "SCRIPT" and self.open[-1].at == len(self.told) - 1:  # x^{\odot 2}
            self.place += 1
        else:
            self._tell_sign("TIMES", sign)

    _at_product = _at_divide = _at_compare = _at_transpose = _at_small_power = _at_fraction = _at_sizes = _at_sign

    def _at_prime(self, sign: Sign) -> None:
        self._tell_sign("TRANSPOSE", sign)

    def _at_and(self, sign: Sign) -> None:
        top = self._top()
        self._tell_sign("AND" if top is not None and top.conditioned else "TIMES", sign, "*")

    def _at_equals(self, sign: Sign) -> None:
        top = self._top()
        if top is None:
            self._tell_sign("EQUALS", sign)
        elif top.tests or (top.kind == "CASES" and top.pending):
            self._tell_sign("COMPARE", sign, "==")
        elif top.is_call and self._names_option(top):
            self._tell_sign("EQUALS", sign)
        elif top.kind in ("LPAR", "LSET"):
            self._tell_sign("COMPARE", sign, "==")
        else:
            raise self.error(sign, "= cannot stand here", "a value is named on a row of its own; a comparison stands in parentheses")

    def _names_option(self, top: Open) -> bool:
        """Whether the letters before this = are the word of an option; then they become one token."""
        begin = len(self.told)
        while begin - 1 > top.at and self.told[begin - 1].type == "NAME":
            begin -= 1
        letters = self.told[begin:]
        record = OPERATORS.get(str(self.told[top.at - 1])) if top.at else None
        word = "".join(letters)
        if not letters or self.told[begin - 1].type not in ("LPAR", "COMMA") or not (record is None or len(word) > 1 or word in record.options or word in record.operands):
            return False
        self.told[begin:] = [Token("OPTION", word, start_pos=letters[0].start_pos, end_pos=letters[-1].end_pos)]
        return True

    def _at_comma(self, sign: Sign) -> None:
        top = self._top()
        following = self.signs[self.place + 1].kind if self.place + 1 < len(self.signs) else ""
        if (
            top is not None
            and (top.kind == "CASES" or top.sign.text.startswith(r"\begin"))
            and (top.conditioned or following in ("QUAD", "AMP", "TEXT", "ROW", "CASES_CLOSE", "RBRACKET", "NEWLINE"))
        ):
            self.place += 1
        elif top is not None and top.kind == "CASES":
            top.pending = True
            self.place += 1
        else:
            self._tell_sign("COMMA", sign)

    def _at_semi(self, sign: Sign) -> None:
        top = self._top()
        if top is not None and top.kind == "LBRACKET":
            self._tell_sign("ROW", sign)
        elif top is not None and top.kind == "CASES":
            self.place += 1
        else:
            raise self.error(sign, "; separates equations, or in [a; b] the blocks on top of each other", "take it away")

    def _at_row(self, sign: Sign) -> None:
        top = self._top()
        following = self.signs[self.place + 1].kind if self.place + 1 < len(self.signs) else ""
        if top is not None and top.kind == "LBRACKET" and top.sign.text.startswith(r"\begin") and self.told[-1].type not in ("ROW", "LBRACKET"):
            self._tell("ROW", ";", sign.start, sign.stop)
        elif top is not None and top.kind == "CASES":
            top.conditioned = top.pending = top.tests = False
            if following not in ("CASES_CLOSE", "ROW") and self.told[-1].type != "CASES_OPEN":
                self._tell("ROW", ";", sign.start, sign.stop)
        self.place += 1

    def _at_amp(self, sign: Sign) -> None:
        top = self._top()
        if top is not None and top.kind == "LBRACKET" and top.sign.text.startswith(r"\begin"):
            self._tell("COMMA", ",", sign.start, sign.stop)
        elif top is not None and top.kind == "CASES":
            top.pending = True
        self.place += 1

    def _at_quad(self, sign: Sign) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and top.kind == "CASES" and self._ends():
            top.pending = True
        self.place += 1

    def _at_newline(self, sign: Sign) -> None:
        self.place += 1

    _at_group = _at_break = _at_null = _at_newline

    def _at_period(self, sign: Sign) -> None:
        if not self._in_cases():
            raise self.error(sign, f"{sign.text} ends an equation, and this one goes on", "\\\\ or a line of its own begins the next equation; a product is written \\cdot")
        self.place += 1

    def _at_colon(self, sign: Sign) -> None:
        if not self._in_cases():
            raise self.error(sign, ": means nothing here", "W \\in \\mathbb{R}^{3 \\times 4} declares a shape")
        self.place += 1

    def _at_text(self, sign: Sign) -> None:
        top = self.open[-1] if self.open else None
        if top is None or top.kind != "CASES":
            raise self._stray_text(sign)
        if sign.text == "and" and top.conditioned:
            self._tell("AND", "*", sign.start, sign.stop)
        else:
            top.pending = True
        self.place += 1

    def _stray_text(self, sign: Sign) -> NotationError:
        shown = self.source[sign.start : sign.stop]
        if sign.text.startswith("if"):
            return self.error(sign, f"{shown} cannot be read here", "a value by cases is written \\begin{cases} a, & x > 0 \\\\ b, & \\text{otherwise} \\end{cases}")
        return self.error(sign, f"{shown} cannot be read here", "each equation stands on a row of its own; words of your own are names")

    def _at_comment(self, sign: Sign) -> None:
        if not self._in_cases():
            raise self.error(sign, "this remark stands within a formula", "move it to the end, after \\quad")
        self.place += 1

    _at_label = _at_comment

    def _at_cases_open(self, sign: Sign) -> None:
        self.open.append(Open("CASES", "CASES_CLOSE", sign, len(self.told)))
        self._tell_sign("CASES_OPEN", sign)

    def _at_cases_close(self, sign: Sign) -> None:
        self._refuse_open_bar()
        self.open.pop()
        self._tell_sign("CASES_CLOSE", sign)

    def _at_sum(self, sign: Sign) -> None:
        self._tell("FUNCTION", sign.text, sign.start, sign.stop)
        self.open.append(Open("SUM", "RPAR", sign, len(self.told)))
        self._tell("LPAR", "", sign.stop, sign.stop)
        self.place += 1

    def _at_indicator(self, sign: Sign) -> None:
        """`\\mathbb{1}[x > 0]` is the comparison itself; elsewhere a bold 1 is a number as long as nothing multiplies it."""
        place = self.place + 1
        following = self.signs[place] if place < len(self.signs) else None
        if following is not None and following.kind in CALLS:
            if self._level(place, ("COMPARE", "EQUALS")) is not None:
                self.open.append(Open("INDICATOR", "", sign, len(self.told), tests=True))
                self.place += 1
                if following.kind == "LBRACKET":
                    self.call_at = place
                    self._at_lpar(following)
                return
            if following.kind == "LGROUP":
                raise self.error(sign, "a vector of ones is not written so here", "type its size: \\operatorname{ones}(n, 1)")
        multiplied = self._ends() or (bool(self.told) and self.told[-1].type in ("PRODUCT", "TIMES", "DIVIDE"))
        if sign.text == "I":
            self._tell_sign("NAME", sign)
        elif multiplied or (following is not None and following.kind in (*BEGINS, "PRODUCT", "TRANSPOSE", "PRIME")):
            raise self.error(sign, "a bold 1 could be a vector of ones", "type \\operatorname{ones}(n, 1) for the vector, 1 for the number")
        else:
            self._tell_sign("NUMBER", sign)
