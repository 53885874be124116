"""What an expert writes in place of an array operation, where the value is the same and the cost is less.

Each rule is one function under the operation that it looks at: it gets the operands and gives a cheaper node, or None.
It is asked while the node is made, so its operands have been through it already.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from algebra2net.optimize.graph import Graph, Node
from algebra2net.optimize.kernels import Check
from algebra2net.program import SCALAR

SMALL = 4096  # entries; below, a product is summed along its rows by ones
MANY = 64  # matrices on top of each other
WIDE = 1 << 14  # entries; from here on it pays to scale another matrix
TINY = 512  # entries; below, a call costs more than what it does
Rule = Callable[[Graph, tuple[Node, ...], object], Node | None]
RULES: dict[str, tuple[Rule, ...]] = {}


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Enter a rule for these operations."""

    def enter(function: Rule) -> Rule:
        for op in ops:
            RULES[op] = (*RULES.get(op, ()), function)
        return function

    return enter


def _is(node: Node, number: float) -> bool:
    return node.op == "const" and node.data == number


def _is_relu(node: Node) -> bool:
    return node.op == "maximum" and any(_is(arg, 0) for arg in node.args)


def _is_small(node: Node, limit: int) -> bool:
    """Whether a matrix surely has fewer entries."""
    count = entries(node)
    return count is not None and not node.zero_d and count < limit


def entries(node: Node) -> int | None:
    """How many entries a matrix has, if that is known."""
    rows, columns = node.shape or ("?", "?")
    return rows * columns if isinstance(rows, int) and isinstance(columns, int) else None


def _is_matrix(node: Node) -> bool:
    return node.shape is not None and not node.zero_d


# ------------------------------------------------------------------------------------------------------------ powers


@rule("power")
def _small_powers(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """x³ is x² x: a product of whole powers costs a thirtieth of `**`."""
    base, exponent = args
    match exponent.number:
        case 1:
            return base
        case 2:
            return graph.make("square", (base,))
        case 3:
            return graph.make("multiply", (graph.make("square", (base,)), base))
        case 4:
            return graph.make("square", (graph.make("square", (base,)),))
        case 0.5:
            return graph.make("sqrt", (base,))
        case -1:
            return graph.make("divide", (graph.const(1), base))
        case -2:
            return graph.make("divide", (graph.const(1), graph.make("square", (base,))))
    return None


@rule("multiply")
def _products(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """x x is x²; 1 x is x; what is 0 or 1 needs no type of its own to be a factor."""
    a, b = args
    if a is b:
        return graph.make("square", (a,))
    for one, other in ((a, b), (b, a)):
        if _is(one, 1):
            return other
        if one.op == "greater" and _is(one.args[1], 0) and _is_relu(one.args[0]) and not other.boolean and not other.zero_d:
            mask = graph.make("sign", one.args[:1]) if _is_small(other, TINY) else graph.make("mask", one.args)  # of relu's result
            return graph.make("multiply", (other, mask))
        if one.op == "cast" and other.op not in ("const", "cast") and not other.boolean and not other.zero_d:
            return graph.make("multiply", (other, one.args[0]))
    return None


@rule("divide")
def _halves(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """x / 4 is x 0.25, exactly."""
    a, b = args
    if b.op == "const" and isinstance(b.data, int) and b.data > 0 and b.data & (b.data - 1) == 0:
        return a if b.data == 1 else graph.make("multiply", (a, graph.const(1 / b.data)))
    return None


# ------------------------------------------------------------------------------------------------------------- signs


@rule("negative")
def _twice_negative(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    (a,) = args
    if a.op == "abs" and _is_small(a, TINY):
        return graph.make("copysign", (a.args[0], graph.const(-1)))
    return a.args[0] if a.op == "negative" else None


@rule("abs")
def _without_sign(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """|-x| is |x|: what takes exp(-|x|) of both shares it; what is never negative has no sign."""
    (a,) = args
    if a.is_never_negative:
        return a
    return graph.make("abs", a.args) if a.op == "negative" else None


@rule("add")
def _add_negative(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    a, b = args
    if b.op == "negative":
        return graph.make("subtract", (a, b.args[0]))
    return graph.make("subtract", (b, a.args[0])) if a.op == "negative" else None


@rule("subtract")
def _subtract_negative(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    a, b = args
    return graph.make("add", (a, b.args[0])) if b.op == "negative" else None


_LONGER = re.compile(r"np\.size\(_0_, (None|0|1)\) > (\d+) and ")


def _is_longer(graph: Graph, text: str, x: Node) -> bool | None:
    """Whether x has more entries along an axis than a text asks for; None where that is not known, or not asked."""
    limit = _LONGER.search(text)
    count = graph.size(x, ast.literal_eval(limit[1])).number if limit else None
    return None if limit is None or count is None else count > int(limit[2])


@rule("text")
def _as_long_as_asked(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """What is known of a size is not asked."""
    return graph.make("text", args, _LONGER.sub("", str(data))) if args and _is_longer(graph, str(data), args[0]) else None


@rule("checked")
def _of_few(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """Of fewer entries than a question asks for, the careful value alone."""
    assert isinstance(data, Check)
    if not any(arg.op == "text" and arg.args and _is_longer(graph, str(arg.data), arg.args[0]) is False for arg in args[1:]):
        return None
    node = graph.plain("text", args[1:], data.careful, args[0].shape)
    node.fresh = True
    return node


@rule("checked")
def _asked_of_what_is_known(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """The largest |x| of what is never negative is the largest x; the least of a number is that number."""
    assert isinstance(data, Check)
    question = data.question
    for place, arg in enumerate(args[1:]):
        if arg.is_never_negative:
            question = question.replace(f"np.abs(_{place}_)", f"_{place}_")
        size = re.search(rf"np\.size\(_{place}_, (None|0|1)\)", question)
        if size and (count := graph.size(arg, ast.literal_eval(size[1]))).op == "const":
            question = question.replace(size[0], str(count.data))
        if arg.op == "const":
            question = re.sub(rf"_{place}_\.(min|max)\(.*?\)", str(arg.data), question)
    return graph.plain("checked", args, data._replace(question=question)) if question != data.question else None


@rule("greater")
def _positive(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """x > 0 where relu(x) is: asked of that, so that x need not be kept."""
    x, zero = args
    if _is(zero, 0) and not _is_relu(x):
        relu = graph.as_positive.get(x) or graph.known("maximum", (x, zero))
        return graph.plain("greater", (relu, zero)) if relu is not None else None
    return None


@rule("add")
def _leaky(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """max(x, 0) + a min(x, 0) is max(x, a x), 0 < a ≤ 1, and as positive as x; 1 where x > 0 and else a is max(x > 0, a)."""
    for one, scaled in (args, args[::-1]):
        if scaled.op != "multiply" or not any(arg.op == "const" and 0 < arg.data <= 1 for arg in scaled.args):  # type: ignore[operator]
            continue
        a, rest = scaled.args if scaled.args[0].op == "const" else scaled.args[::-1]
        if one.op == "maximum" and rest.op == "minimum" and one.args == rest.args and _is(one.args[1], 0):
            x = one.args[0]
            found = graph.as_positive[x] = graph.make("maximum", (x, graph.make("multiply", (x, a))))
            return found
        if one.op == "cast" and rest.op == "subtract" and _is(rest.args[0], 1) and rest.args[1] is one:
            return graph.make("maximum", (one, a))
    return None


@rule("add")
def _ends_at_one(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """1 where x > 0 and else exp(min(x, 0)) is that everywhere."""
    for one, product in (args, args[::-1]):
        if one.op != "cast" or product.op != "multiply" or one.args[0].op != "greater" or not _is(one.args[0].args[1], 0):
            continue
        for rest, e in (product.args, product.args[::-1]):
            if rest.op == "subtract" and _is(rest.args[0], 1) and rest.args[1] is one and e.op == "exp" and e.args[0].op == "minimum" and _is(e.args[0].args[1], 0):
                x = e.args[0].args[0]
                if one.args[0].args[0] in (x, graph.known("maximum", (x, e.args[0].args[1]))):
                    return e
    return None


# ----------------------------------------------------------------------------------------------------------- shapes


@rule("T")
def _turned_back(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    (a,) = args
    return a.args[0] if a.op == "T" else a if a.shape == SCALAR else None


# ------------------------------------------------------------------------------------------------------- reductions


@rule("mean")
def _mean(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """A mean is a sum over a number."""
    (x,) = args
    if x.shape is None:
        return None
    count = graph.size(x, data)  # type: ignore[arg-type]
    return graph.make("divide", (graph.make("sum", (x,), data), count))


@rule("sum")
def _sums_by_products(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """Sums of products and of squares are dot products; a sum over rows is a row of ones times the matrix."""
    (x,) = args
    if not _is_matrix(x) or x.boolean or x.op == "cast":
        return None
    if data is None:
        if x.op == "square" and _is_matrix(x.args[0]):
            return graph.make("vdot", (x.args[0], x.args[0]))
        if x.op == "multiply" and all(_is_matrix(arg) and arg.shape == x.shape and not arg.boolean for arg in x.args):
            return graph.make("vdot", x.args)
        if x.op == "dot" and x.args[1].op == "ones" and x.name is None:  # a sum of the sums of rows
            return graph.make("sum", x.args[:1])
        return None
    assert x.shape is not None
    if x.op == "divide" and x.args[1] is graph.known("sum", x.args[:1], data):
        return graph.const(1)  # shares of a whole
    if data == 1 and x.op in ("multiply", "square") and x.name is None and all(arg.shape == x.shape and not arg.boolean for arg in x.args) and not _is_small(x, SMALL):
        return graph.make("vecdot", (x.args[0], x.args[-1]))
    if x.shape[int(data)] == 1:  # type: ignore[call-overload]
        return x
    return graph.make("dot", (graph.ones(x, 0), x)) if data == 0 else graph.make("dot", (x, graph.ones(x, 1)))


# ---------------------------------------------------------------------------------------------------------- products


@rule("multiply")
def _thin_scale(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """c (A B) is (c A) B, where A is the smaller matrix."""
    for number, product in (args, args[::-1]):
        if number.op == "const" and product.op == "dot" and (entries(product) or 0) >= WIDE:
            for place, factor in enumerate(product.args):
                if _is_smaller(factor, product):
                    scaled = graph.plain("multiply", (factor, number))
                    return graph.make("dot", (scaled, product.args[1]) if place == 0 else (product.args[0], scaled))
    return None


@rule("dot")
def _scaled_factor(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """(c A) B is c (A B), or A (c B), where that is the smaller matrix."""
    for place, factor in enumerate(args):
        turned = factor.op == "T"
        inner = factor.args[0] if turned else factor
        if inner.op != "multiply" or not any(arg.op == "const" for arg in inner.args):
            continue
        number, whole = inner.args if inner.args[0].op == "const" else inner.args[::-1]
        other = args[1 - place]
        if inner.name is not None or (entries(whole) or 0) < WIDE:
            continue
        bare = graph.make("T", (whole,)) if turned else whole
        scaled = graph.known("multiply", (other, number))
        if scaled is not None and _is_smaller(other, whole):
            other = scaled
            return graph.make("dot", (bare, other) if place == 0 else (other, bare))
        product = graph.make("dot", (bare, other) if place == 0 else (other, bare))
        if _is_smaller(product, whole):
            return graph.make("multiply", (number, product))
    return None


def _is_smaller(one: Node, other: Node) -> bool:
    few, many = entries(one), entries(other)
    return few is not None and many is not None and 2 * few <= many


@rule("add")
def _stacked(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """Aᵀ B + Cᵀ D is [A; C]ᵀ [B; D]: the gradients of weights that many steps share are one product."""
    parts: list[tuple[Node, ...]] = []
    for arg in args:
        if arg.op != "dot" or arg.args[0].op != "T":
            return None
        left, right = arg.args[0].args[0], arg.args[1]
        both = [side.args if side.op == "stacked" else (side,) for side in (left, right)]
        parts.append(both[0])
        parts.append(both[1])
    lefts, rights = parts[0] + parts[2], parts[1] + parts[3]
    sizes = {entries(part) for part in (*lefts, *rights)}
    known = None not in sizes and all(part.shape and isinstance(part.shape[0], int) for part in lefts)
    if not known or len(lefts) > MANY or any(a.shape[0] != b.shape[0] for a, b in zip(lefts, rights, strict=True)):  # type: ignore[index]
        return None
    if sum(entries(part) or 0 for part in (*lefts, *rights)) > len(lefts) * 2 * (entries(args[0]) or 0):
        return None  # to copy the factors would cost more than to add the products
    return graph.make("dot", (graph.make("T", (graph.stacked(lefts),)), graph.stacked(rights)))


@rule("add")
def _summed(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """1ᵀ A + 1ᵀ B is 1ᵀ [A; B], where that is there already: the gradients of biases beside those of weights that many steps share."""
    if not all(arg.op == "dot" and arg.args[0].op == "ones" for arg in args):
        return None
    summed = [arg.args[1].args if arg.args[1].op == "stacked" else arg.args[1:] for arg in args]
    whole = graph.known("stacked", summed[0] + summed[1])
    return graph.make("dot", (graph.ones(whole, 0), whole)) if whole is not None else None


@rule("dot")
def _weighted_square(graph: Graph, args: tuple[Node, ...], data: object) -> Node | None:
    """Xᵀ (w ∘ X) and (Xᵀ ∘ wᵀ) X, w ≥ 0, are AᵀA of A = √w ∘ X: a product of a matrix with itself does half the work."""
    left, right = args
    if left.op == "T" and right.op == "multiply":
        X, factors = left.args[0], right.args
    elif left.op == "multiply" and all(factor.op == "T" for factor in left.args):
        X, factors = right, tuple(factor.args[0] for factor in left.args)
    else:
        return None
    for w, other in (factors, factors[::-1]):
        if other is X and w.shape is not None and X.shape is not None and w.shape == (X.shape[0], 1) and w.is_never_negative:
            A = graph.make("multiply", (X, graph.make("sqrt", (w,))))
            return graph.make("dot", (graph.make("T", (A,)), A))
    return None
