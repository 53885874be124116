"""Nodes under the rules, until none applies.

In    nodes, and the rules that could apply
Out   the node that says the same in a form that keeps its digits, and the entries that were used
Idea  what a value is made of is rewritten first; then its root is, and what comes of that again

The same code rewrites patterns, by the entries above them, and programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sympy import Expr, Float, Symbol

from algebra2net.lower import Rule
from algebra2net.operators.operator import Operation
from algebra2net.program import Shape, record
from algebra2net.shapes import result_shape
from algebra2net.stabilize.corners import CORNER, Corners
from algebra2net.stabilize.forms import FUNCTION, NUMBER, PRODUCT, SUM, Forms, OpaqueError
from algebra2net.stabilize.identities import Identity
from algebra2net.stabilize.match import Fit, Matcher

if TYPE_CHECKING:
    from algebra2net.stabilize.rules import Pattern, Rules

TURNS = 20  # rewrites of one value, before it is let be


class Rewriter:
    """The normal forms of a program, and what they are rewritten to."""

    def __init__(self, forms: Forms, rules: Rules, corners: Corners | None = None) -> None:
        self.forms = forms
        self.corners = corners
        self.rules = rules
        self.matcher = Matcher(rules.patterns, forms)
        self.used: list[Identity] = []
        self._done: dict[int, tuple[int, tuple[Identity, ...]]] = {}

    def rewritten(self, node: int) -> tuple[int, tuple[Identity, ...]]:
        """The node that the rules make of this one, and the entries that they used."""
        found = self._done.get(node)
        if found is None:
            if self.is_settled(node):
                return node, ()
            self._done[node] = node, ()  # for what contains itself once it is rewritten
            found = self._done[node] = self._rewritten(node)
            self._done.setdefault(found[0], (found[0], ()))
        return found

    def is_settled(self, node: int) -> bool:
        """Whether a node is a function of which no rule says anything: most are."""
        return self.forms.kinds[node] == FUNCTION and self.corners is None and self.forms.data[node][0] not in self.rules.by_root

    def _rewritten(self, node: int) -> tuple[int, tuple[Identity, ...]]:
        used: list[Identity] = []
        for _ in range(TURNS):
            inside = self.from_inside(node, used)
            better = self.step(inside, used)
            if better is None or better == node:
                return inside, tuple(used)
            node = better
        return node, tuple(used)

    def from_inside(self, node: int, used: list[Identity]) -> int:
        """The node made of what its parts are rewritten to. A function's arguments have been rewritten before it was made."""
        forms = self.forms
        if forms.kinds[node] not in (SUM, PRODUCT):
            return node
        parts = forms.data[node][0] if forms.kinds[node] == SUM else forms.data[node]
        better = [self.rewritten(part) for part, _ in parts]
        if all(new == old for (new, _), (old, _) in zip(better, parts, strict=True)):
            return node
        for _, entries in better:
            used.extend(entries)
        try:
            if forms.kinds[node] == SUM:
                number = forms.number(forms.data[node][1])
                made = forms.add([*((c, new) for (new, _), (_, c) in zip(better, parts, strict=True)), (1.0, number)])
            else:
                made = forms.multiply((new, e) for (new, _), (_, e) in zip(better, parts, strict=True))
            return forms.same_shape(made, forms.shapes[node])
        except (OpaqueError, OverflowError):
            return node

    def step(self, node: int, used: list[Identity]) -> int | None:
        """The node after the first rule that applies at its root, or else with the agreed slopes at its corners."""
        for pattern in self.rules.at(self.forms, node):
            for fit in self.matcher.at_root(pattern.root, node):
                when = pattern.identity.when
                if when is not None and not when(self.forms, {name.name: value for name, value in fit.bound.items()}):
                    continue
                made = self.replaced(node, pattern, fit)
                if made is not None and made != node:
                    used.append(pattern.identity)
                    return made
        mended = self.corners.mended(node) if self.corners else None
        if mended is not None:
            used.append(CORNER)
        return mended

    def replaced(self, node: int, pattern: Pattern, fit: Fit) -> int | None:
        """What a pattern that fits is replaced by, with what was left over around it."""
        forms = self.forms
        try:
            new = self.of_rule(pattern.replacement, fit.bound)
            if forms.kinds[node] == SUM:
                rest = forms.sum_of(fit.left, fit.number, forms.broadcast(fit.left))
                new = forms.add([(fit.factor, new), (1.0, rest)])
            elif forms.kinds[node] == PRODUCT:
                rest = forms.multiply(fit.left.items())
                new = forms.scaled(fit.factor, forms.multiply([(new, 1.0), (rest, 1.0)]))
            return forms.same_shape(new, forms.shapes[node])
        except (OpaqueError, OverflowError):
            return None

    def of_rule(self, here: Rule, bound: Mapping[Symbol, Any], *, at_root: bool = True) -> int:
        """The node of a rule's text, its names bound to nodes and options; each step is rewritten (the last one if `at_root`)."""
        nodes: dict[Expr, int] = {name: value for name, value in bound.items() if isinstance(value, int)}
        options = {name: value for name, value in bound.items() if not isinstance(value, int)}
        shapes: dict[Symbol, Shape | None] = {name: self.forms.shapes[node] for name, node in nodes.items() if isinstance(name, Symbol)}
        for step in here.steps:
            nodes[step.name], shapes[step.name] = self.of_step(step.value, nodes, options, shapes, rewrite=True)
        node, _ = self.of_step(here.result, nodes, options, shapes, rewrite=at_root)
        return node

    def of_step(self, value: Expr, nodes: dict[Expr, int], options: Mapping[Symbol, Expr], shapes: Mapping[Symbol, Shape | None], *, rewrite: bool) -> tuple[int, Shape | None]:
        """The node of one operator of a rule, and its shape."""
        forms = self.forms
        if not isinstance(value, Operation):
            node = nodes[value] if value in nodes else forms.of_atom(value)
            return node, forms.shapes[node]
        here = record(value)
        count = len(here.operands)
        settings = [self.setting(option, options, nodes) for option in value.args[count:]]
        whole = value.func(*value.args[:count], *settings)
        args = [nodes[arg] if arg in nodes else forms.of_atom(arg) for arg in value.args[:count]]
        known = all(forms.shapes[arg] is not None for arg in args)
        shape = result_shape(whole, {name: s for name, s in shapes.items() if s is not None}) if known else None
        node = forms.of_operator(whole, here, args, shape)
        return (self.rewritten(node)[0] if rewrite else node), shape

    def setting(self, option: Expr, options: Mapping[Symbol, Expr], nodes: Mapping[Expr, int]) -> Expr:
        """An option as it is bound: an axis, or a number that was a value in the pattern."""
        if option in options:
            return options[option]
        if option in nodes and self.forms.kinds[nodes[option]] == NUMBER:
            return Float(self.forms.data[nodes[option]], 17)
        return option
