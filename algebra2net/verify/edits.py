"""What people get wrong, as changes to a claim.

In    a claim's term
Out   the terms that differ from it by one mistake undone, each with the kind of the mistake and words for it
Idea  a kind of mistake is one function in `KINDS`; the price of a change says which of several that help is the likelier
      (a forgotten transpose before a wrong matrix), and what is cheap is tried in pairs, too
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from algebra2net.operators import OPERATORS
from algebra2net.operators.operator import option
from algebra2net.verify.terms import NUMBER, Path, Term, call, named, number, places, replaced

LONGEST_CHAIN = 4  # factors that are tried in every order
MOST_TURNED = 2  # of them that are transposed on the way
_PRODUCTS = ("product", "matmul")
_ENTRYWISE = ("times", "scale")
_REDUCED = ("sum", "mean")


@dataclass(frozen=True)
class Fault:
    """One mistake: its kind, and what is wrong in words, in which {} stands for each of the terms in `about`."""

    kind: str
    words: str
    about: tuple[Term, ...] = ()

    def spoken(self, show: Callable[[Term], str]) -> Fault:
        """The fault with its terms written out: thousands are considered, and few are read."""
        return Fault(self.kind, self.words.format(*map(show, self.about)) if self.about else self.words)


@dataclass(frozen=True)
class Edit:
    """A claim with mistakes undone, and what that costs."""

    term: Term
    faults: tuple[Fault, ...]
    cost: float


@dataclass(frozen=True)
class Layer:
    """A layer l = f(z): the names of its value, its function and what that is applied to."""

    value: str
    function: str
    inner: str


@dataclass(frozen=True)
class Surroundings:
    """What a claim stands among: layers, names that have values, the shape of a term (None where it cannot be)."""

    layers: Sequence[Layer]
    leaves: Sequence[str]
    signals: Sequence[str]
    shape: Callable[[Term], tuple[int, int] | None]
    batch: int | None
    batch_size: Term | None


Words = tuple[str, tuple[Term, ...]]
Kind = Callable[[Term, Surroundings], Iterator[Edit]]
KINDS: list[Kind] = []
CHEAP: list[Kind] = []  # that are tried in pairs, too


def kind(pairs: bool = False) -> Callable[[Kind], Kind]:
    """Enter a kind of mistake."""

    def enter(function: Kind) -> Kind:
        KINDS.append(function)
        if pairs:
            CHEAP.append(function)
        return function

    return enter


def edits(root: Term, around: Surroundings, kinds: Sequence[Kind] = KINDS) -> Iterator[Edit]:
    """Every term that is one mistake away."""
    for function in kinds:
        yield from function(root, around)


def _one(root: Term, path: Path, by: Term, kind_: str, words: Words, cost: float) -> Edit:
    return Edit(replaced(root, path, by), (Fault(kind_, *words),), cost)


def _say(words: str, *about: Term) -> Words:
    return words, about


def _transposed(here: Term) -> Term:
    """The transpose, as a reader would write it: B' A' of A B."""
    if here.op in _PRODUCTS:
        return _product([_transposed(factor) for factor in reversed(_chain(here, _PRODUCTS))])
    return here.args[0] if here.op == "transpose" else call("transpose", here)


def is_slope(here: Term) -> bool:
    """Whether this is the slope of a function by name: relu'(z)."""
    return here.op.endswith("'")


# -------------------------------------------------------------------------------------------------- transposes, order


@kind(pairs=True)
def transposes(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A transpose too few or too many."""
    turned: set[Path] = set()
    for path, node in places(root):
        if node.op == NUMBER or path in turned or around.shape(node) == (1, 1):
            continue
        if node.op == "transpose":
            turned.add((*path, 0))
            yield _one(root, path, node.args[0], "surplus transpose", _say("{} must not be transposed", node.args[0]), 1.0)
        else:
            price = 1.0 if not node.args else 1.1 if not path else 1.25
            yield _one(root, path, _transposed(node), "missing transpose", _say("{} must be transposed", node), price)


def _chain(here: Term, ops: Sequence[str]) -> list[Term]:
    """The factors of a product of products."""
    factors: list[Term] = []
    waiting = [here]
    while waiting:
        node = waiting.pop()
        if node.op in ops:
            waiting += reversed(node.args)
        else:
            factors.append(node)
    return factors


def _product(factors: Sequence[Term], op: str = "product") -> Term:
    whole = factors[0]
    for factor in factors[1:]:
        whole = call(op, whole, factor)
    return whole


@kind(pairs=True)
def order(root: Term, around: Surroundings) -> Iterator[Edit]:
    """Factors of a matrix product in another order, transposed or not."""
    inside: set[Path] = set()
    for path, node in places(root):
        if node.op not in _PRODUCTS or path in inside:
            continue
        inside |= {(*path, k) for k in (0, 1) if node.args[k].op in _PRODUCTS}
        factors = _chain(node, _PRODUCTS)
        if len(factors) > LONGEST_CHAIN:
            continue
        places_ = range(len(factors))
        for way in itertools.permutations(places_):
            moved = way != tuple(places_)
            for flags in itertools.product((False, True), repeat=len(factors)):
                turned = [factors[k] for k in places_ if flags[k]]
                if len(turned) > MOST_TURNED or len(turned) + moved < (1 if moved else 2) or (not moved and len(turned) == len(factors) > 2):
                    continue
                term = _product([_transposed(factors[k]) if flags[k] else factors[k] for k in way])
                faults = [Fault("order of factors", "the factors of {} stand in the wrong order", (node,))] if moved else []
                faults += [_turn(factor) for factor in turned]
                yield Edit(replaced(root, path, term), tuple(faults), 1.05 * moved + len(turned))


def _turn(factor: Term) -> Fault:
    if factor.op == "transpose":
        return Fault("surplus transpose", "{} must not be transposed", (factor.args[0],))
    return Fault("missing transpose", "{} must be transposed", (factor,))


@kind(pairs=True)
def signs_of_products(root: Term, around: Surroundings) -> Iterator[Edit]:
    """Entry by entry where a matrix product belongs, and the other way round."""
    for path, node in places(root):
        if node.op == "times":
            a, b = node.args
            yield _one(root, path, call("product", a, b), "elementwise for matrix product", _say("{} multiplies entry by entry where the matrix product belongs", node), 1.0)
            turned = _say("{} multiplies entry by entry where the matrix product belongs, in the other order", node)
            yield _one(root, path, call("product", b, a), "elementwise for matrix product", turned, 1.15)
        elif node.op in _PRODUCTS and around.shape(node.args[0]) != (1, 1) != around.shape(node.args[1]):
            price = 1.0 if around.shape(node.args[0]) == around.shape(node.args[1]) else 1.3
            yield _one(root, path, call("times", *node.args), "matrix product for elementwise", _say("{} is a matrix product where entries are multiplied one by one", node), price)


@kind(pairs=True)
def brackets(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A B ∘ C read as (A B) ∘ C where A (B ∘ C) belongs."""
    for path, node in places(root):
        if node.op != "times":
            if node.op in _PRODUCTS and node.args[0].op == "times":
                (a, b), c = node.args[0].args, node.args[1]
                yield _one(root, path, call("times", a, call("product", b, c)), "brackets", _say("the product of {} and {} comes first: brackets are missing", b, c), 1.0)
            continue
        for place in (0, 1):
            factors = _chain(node.args[place], _PRODUCTS)
            other = node.args[1 - place]
            for cut in range(1, len(factors)):
                if place == 0:
                    term = _product([*factors[:cut], call("times", _product(factors[cut:]), other)])
                    first = call("times", _product(factors[cut:]), other)
                else:
                    first = call("times", other, _product(factors[:cut]))
                    term = _product([first, *factors[cut:]])
                yield _one(root, path, term, "brackets", _say("{} comes first: brackets are missing", first), 1.0)


# ---------------------------------------------------------------------------------------------- signs, sums, constants


@kind()
def signs(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A plus for a minus, a difference the wrong way round, a minus too many."""
    for path, node in places(root):
        if node.op == "minus":
            a, b = node.args
            yield _one(root, path, call("minus", b, a), "sign", _say("{} is the wrong way round", node), 0.9)
            yield _one(root, path, call("plus", a, b), "sign", _say("{} is added, not taken away", b), 1.0)
        elif node.op == "plus":
            a, b = node.args
            yield _one(root, path, call("minus", a, b), "sign", _say("{} is taken away, not added", b), 1.0)
            yield _one(root, path, call("minus", b, a), "sign", _say("{} is taken away, not added", a), 1.1)
        elif node.op == "neg":
            yield _one(root, path, node.args[0], "sign", _say("the minus before {} does not belong there", node.args[0]), 0.9)


@kind(pairs=True)
def sums(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A sum over the batch that is missing, surplus, a mean, or along the wrong axis."""
    for path, node in places(root):
        shape = around.shape(node)
        if node.op in _REDUCED:
            inside = node.args[0]
            yield _one(root, path, inside, "surplus sum", _say("{} is not to be summed up", inside), 1.0)
            other = call("sum" if node.op == "mean" else "mean", inside)
            words = "divides by the number of entries: a sum belongs here" if node.op == "mean" else "must be divided by the number of entries: a mean belongs here"
            yield _one(root, path, Term(other.op, node.args, node.options), "constant factor", _say(f"{{}} {words}", node), 0.9)
            for axis in (None, 0, 1):
                if (moved := call(node.op, inside, axis=axis)) != node:
                    yield _one(root, path, moved, "wrong axis", _say(f"the sum goes {_along(axis)}"), 1.05)
        elif shape is not None and shape != (1, 1) and node.op != NUMBER:
            for axis in (0, 1, None):
                if axis is None or shape[axis] != 1:
                    over = f"over the batch (axis={axis}), which one example alone does not need" if axis is not None and shape[axis] == around.batch else _along(axis)
                    kind_ = "missing sum over the batch" if axis is not None and shape[axis] == around.batch else "missing sum"
                    yield _one(root, path, call("sum", node, axis=axis), kind_, _say(f"{{}} must be summed up {over}", node), 1.0 if not path else 1.1)


def _along(axis: int | None) -> str:
    return {0: "down the rows (axis=0)", 1: "along each row (axis=1)", None: "over all entries"}[axis]


@kind()
def constants(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A factor of one term of a sum: 2, 1/2, -1."""
    for path, node in places(root):
        if node.op not in ("plus", "minus"):
            continue
        for k in (0, 1):
            term = node.args[k]
            for words, scaled in (("2", call("scale", number(2), term)), ("1/2", call("divide", term, number(2)))):
                yield _one(root, (*path, k), scaled, "constant factor", _say(f"the term {{}} lacks the factor {words}", term), 1.2)
            yield _one(root, (*path, k), call("neg", term), "sign", _say("the term {} has the wrong sign", term), 1.05)
            if around.batch_size is not None:
                yield _one(root, (*path, k), call("divide", term, around.batch_size), "constant factor", _say("the term {} lacks the factor 1/batch", term), 1.25)
                yield _one(root, (*path, k), call("scale", around.batch_size, term), "constant factor", _say("the term {} has a surplus factor 1/batch", term), 1.25)


@kind(pairs=True)
def scalar_factors(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A scalar of the program, missing as a factor or a divisor of the whole: the 1/m of a loss, λ."""
    for name in map(named, around.leaves):
        if around.shape(name) == (1, 1):
            yield _one(root, (), call("divide", root, name), "constant factor", _say("the constant factor 1/{} is missing", name), 0.97)
            yield _one(root, (), call("scale", name, root), "constant factor", _say("the constant factor {} is missing", name), 0.97)


# ------------------------------------------------------------------------------------------------------------- slopes


@kind(pairs=True)
def missing_slopes(root: Term, around: Surroundings) -> Iterator[Edit]:
    """The slope of an activation that was forgotten."""
    for path, node in places(root):
        shape = around.shape(node)
        if node.op == NUMBER or shape is None or node.name in around.leaves:
            continue
        for layer in around.layers:
            if _has_slope(layer) and around.shape(named(layer.inner)) == shape:
                words = _say(f"the derivative of {layer.function} was forgotten: {{}} must be multiplied by {{}}, entry by entry", node, _slope(layer))
                yield _one(root, path, call("times", node, _slope(layer)), "missing slope", words, 1.0 if node.args else 1.1)


def _has_slope(layer: Layer) -> bool:
    return f"{layer.function}'" in OPERATORS


def _slope(layer: Layer) -> Term:
    defaults = OPERATORS[layer.function].defaults.values()
    return call(f"{layer.function}'", named(layer.inner), *(number(option(value)) for value in defaults))


@kind()
def softmaxes(root: Term, around: Surroundings) -> Iterator[Edit]:
    """The derivative of a softmax, p ∘ (δ - the row sums of p ∘ δ): forgotten, or the first half of it alone."""
    for layer in around.layers:
        if layer.function == "softmax":
            p = named(layer.value)
            for path, node in places(root):
                if node.op == NUMBER or around.shape(node) != around.shape(p):
                    continue
                yield _one(root, path, _through_softmax(p, node), "missing slope", _say("the derivative of softmax was forgotten at {}", node), 1.1)
                if node.op in _ENTRYWISE and p in node.args:
                    (delta,) = [arg for arg in node.args if arg != p] or [p]
                    words = "{} is but half of the derivative of softmax: each entry of a row acts on all of them, {} is missing"
                    right = _through_softmax(p, delta)
                    yield _one(root, path, right, "missing term", _say(words, node, call("neg", right.args[1].args[1])), 1.0)


def _through_softmax(p: Term, delta: Term) -> Term:
    return call("times", p, call("minus", delta, call("sum", call("times", p, delta), axis=1)))


@kind(pairs=True)
def slopes(root: Term, around: Surroundings) -> Iterator[Edit]:
    """The slope of an activation at the wrong value, or that of another activation."""
    for path, node in places(root):
        if is_slope(node):
            for layer in around.layers:
                right = _slope(layer) if _has_slope(layer) else node
                if right == node:
                    continue
                if node.op == right.op:
                    words = _say(f"{layer.function}' is taken at {{}}; it belongs at {{}}, what {layer.function} was applied to", node.args[0], right.args[0])
                    yield _one(root, path, right, "slope at the wrong value", words, 0.95)
                else:
                    yield _one(root, path, right, "wrong slope", _say(f"{{}} belongs where {{}} is: the layer is {layer.function}", right, node), 1.0)
        elif node.op in _ENTRYWISE:
            yield from _factors_for_slope(root, path, node, around)


def _factors_for_slope(root: Term, path: Path, node: Term, around: Surroundings) -> Iterator[Edit]:
    """One or two factors that together are not the slope that they should be: l ∘ (1 - l) of a tanh."""
    if path and _at(root, path[:-1]).op in _ENTRYWISE:
        return
    factors = _chain(node, _ENTRYWISE)
    for count in (1, 2):
        for chosen in itertools.combinations(range(len(factors)), count):
            group = [factors[k] for k in chosen]
            if len(group) == len(factors) or any(f.op in (NUMBER, *_PRODUCTS) or is_slope(f) for f in group) or (count == 1 and group[0].name in around.signals):
                continue
            kept = [f for k, f in enumerate(factors) if k not in chosen]
            if count > 1:
                words = _say("the factor {} does not belong there", _product(group, "times"))
                yield _one(root, path, _product(kept, "times"), "surplus slope", words, 1.2)
            for layer in around.layers:
                if _has_slope(layer):
                    words = _say(f"{{}} is not the derivative of {layer.function}, which is {{}}", _product(group, "times"), _slope(layer))
                    yield _one(root, path, _product([*kept, _slope(layer)], "times"), "wrong slope", words, 1.15 + 0.1 * count)


def _at(root: Term, path: Path) -> Term:
    for k in path:
        root = root.args[k]
    return root


@kind(pairs=True)
def layers_for_inner(root: Term, around: Surroundings) -> Iterator[Edit]:
    """The output of an activation where its input belongs, or its input where its output does, throughout a factor."""
    for layer in around.layers:
        for wrong, right in ((layer.value, layer.inner), (layer.inner, layer.value)):
            for path, node in places(root):
                term = _renamed(node, wrong, right)
                if term != node and (not path or (node.op not in _PRODUCTS)):
                    entry = node.op in ("times", "minus", "lt", "le", "gt", "ge", "power", "sigmoid", "tanh", "exp", "scale", "plus") or is_slope(node)
                    words = _say("{} stands where {} belongs", named(wrong), named(right))
                    yield _one(root, path, term, "slope at the wrong value" if entry else "wrong name", words, 1.0 if entry else 1.3)


def _renamed(node: Term, old: str, new: str) -> Term:
    for path, inside in list(places(node)):
        if inside.name == old:
            node = replaced(node, path, named(new))
    return node


# --------------------------------------------------------------------------------- names, factors and terms that are not


@kind()
def names_(root: Term, around: Surroundings) -> Iterator[Edit]:
    """Another name where one stands."""
    for path, node in places(root):
        if node.name:
            for other in (*around.leaves, *around.signals):
                if other != node.name:
                    words = _say("{} stands where {} belongs", node, named(other))
                    signal = other in around.signals
                    yield _one(root, path, named(other), "wrong name", words, 1.4 + 0.2 * signal)
                    yield _one(root, path, _transposed(named(other)), "wrong name", _say("{} stands where {} belongs", node, _transposed(named(other))), 1.9 + 0.2 * signal)


@kind()
def surplus(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A factor or a term that does not belong."""
    for path, node in places(root):
        if node.op in (*_PRODUCTS, *_ENTRYWISE, "divide"):
            for k in (0, 1) if node.op != "divide" else (1,):
                dropped, left = node.args[k], node.args[1 - k]
                constant = dropped.op in (NUMBER, "extent") or around.shape(dropped) == (1, 1)
                slope = is_slope(dropped) or dropped.op in ("gt", "ge", "lt", "le")
                kind_ = "constant factor" if constant else "surplus slope" if slope else "surplus factor"
                words = _say(f"the {'divisor' if node.op == 'divide' else 'factor'} {{}} does not belong there", dropped)
                yield _one(root, path, left, kind_, words, 0.9 if constant else 1.0 if slope else 1.5)
        elif node.op in ("plus", "minus"):
            for k in (0, 1):
                left = node.args[1 - k] if k or node.op == "plus" else call("neg", node.args[1])
                yield _one(root, path, left, "surplus term", _say("the term {} does not belong there", node.args[k]), 1.4)


@kind()
def missing_terms(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A name that was not added, or not taken away: l2 for l2 - y."""
    for path, node in places(root):
        if node.op == NUMBER or (path and _at(root, path[:-1]).op in ("plus", "minus")):
            continue
        for leaf in around.leaves:
            if around.shape(named(leaf)) == around.shape(node) and leaf != node.name:
                for op in ("minus", "plus"):
                    words = _say(f"the term {'-' if op == 'minus' else ''}{{}} is missing beside {{}}", named(leaf), node)
                    yield _one(root, path, call(op, node, named(leaf)), "missing term", words, 1.5)


@kind()
def missing_factors(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A factor that was left out."""
    for path, node in places(root):
        shape = around.shape(node)
        if shape is None or node.op == NUMBER:
            continue
        for leaf in around.leaves:
            size = around.shape(named(leaf))
            if size is None:
                continue
            for factor, (rows, columns) in ((named(leaf), size), (_transposed(named(leaf)), size[::-1])):
                if shape[1] == rows and size != (1, 1):
                    yield _one(root, path, call("product", node, factor), "missing factor", _say("the factor {} is missing behind {}", factor, node), 1.45)
                if columns == shape[0] and size != (1, 1):
                    yield _one(root, path, call("product", factor, node), "missing factor", _say("the factor {} is missing before {}", factor, node), 1.45)
                if all(one in (1, other) for one, other in zip((rows, columns), shape, strict=True)) and factor.op != "transpose":
                    yield _one(root, path, call("times", node, factor), "missing factor", _say("the factor {} is missing at {}, entry by entry", factor, node), 1.75)


@kind()
def powers(root: Term, around: Surroundings) -> Iterator[Edit]:
    """A square too many or too few, a product for a quotient."""
    for path, node in places(root):
        if node.op == "power":
            yield _one(root, path, node.args[0], "wrong power", _say("{} should be {}", node, node.args[0]), 1.3)
        elif node.op != NUMBER:
            square = call("power", node, number(2))
            yield _one(root, path, square, "wrong power", _say("{} should be {}", node, square), 1.35)
        if node.op == "divide":
            yield _one(root, path, call("times", *node.args), "wrong operator", _say("{} divides where it should multiply", node), 1.4)
        elif node.op in _ENTRYWISE:
            for a, b in (node.args, node.args[::-1]):
                yield _one(root, path, call("divide", a, b), "wrong operator", _say("{} multiplies by {} where it should divide", node, b), 1.4)
