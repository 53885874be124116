"""What a node is to a compiled loop over the entries of matrices of one shape.

In    a Node, the shape of a loop
Out   whether the loop can do it, entry by entry or once a row; and what its operands are there
Idea  a loop does what `fast_math.py` or the processor does for several entries at once; a sine stays NumPy's
"""

from __future__ import annotations

import re

from algebra2net.optimize import fast_math
from algebra2net.optimize.graph import Node
from algebra2net.optimize.kernels import LOGICAL
from algebra2net.program import SCALAR, Dimension, Shape

# fmt: off
SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
COMPARED = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!="}
TEXTS = {  # of other operations, on numbers
    "exp": "exp({})", "expm1": "expm1({})", "log": "log({})", "log1p": "log1p({})", "tanh": "tanh({})", "sqrt": "np.sqrt({})", "abs": "abs({})",
    "floor": "np.floor({})", "ceil": "np.ceil({})", "rint": "np.rint({})", "square": "{0} * {0}", "negative": "-{}", "copysign": "np.copysign({}, {})",
    "sign": "one if {0} > zero else -one if {0} < zero else {0} + zero",
    "hypot": "hypot({}, {})", "maximum": "{0} if ({0} >= {1}) | ({0} != {0}) else {1}", "minimum": "{0} if ({0} <= {1}) | ({0} != {0}) else {1}",
    "fmax": "{0} if ({0} >= {1}) | ({1} != {1}) else {1}", "mask": "one if {} > {} else zero",
}
# fmt: on
REDUCED = frozenset(("sum", "vdot"))  # of all entries
SPREAD = frozenset(("broadcast", "full_like"))  # in a loop, their first operand
FUSED = frozenset((*SIGNS, *COMPARED, *TEXTS, *LOGICAL, *SPREAD, "where", "cast"))
NARROW = 8  # columns; in narrower matrices a loop over each row has too little to do


def operands(node: Node) -> tuple[Node, ...]:
    """The operands that a loop reads for a node."""
    if node.op in SPREAD or adds_rows(node):
        return node.args[:1]
    return node.args


def adds_rows(node: Node) -> bool:
    """Whether a product is the sum of each row, by a column of ones."""
    return node.op == "dot" and node.args[1].op == "ones" and node.args[1].shape is not None and node.args[1].shape[1] == 1


def called(node: Node) -> str:
    """The name of the function that a node calls on its operands; nothing where it does something else."""
    found = re.fullmatch(r"(\w+)\(\{\}(, \{\})*\)", str(node.data)) if node.op == "call" else None
    return found[1] if found else ""


def called_on_rows(node: Node) -> str:
    """The name of the function of rows that a node calls on each row of its operands; else nothing."""
    found = re.fullmatch(r"(\w+)\(\{\}(, \{\})*, 1\)", str(node.data)) if node.op == "call" else None
    return found[1] if found and found[1] in fast_math.ROWS else ""


def by_rows(node: Node) -> Shape | None:
    """The shape of what a node reads row by row, to make a number or a new row of each; None where it does something else."""
    if not (adds_rows(node) or node.op == "vecdot" or (node.op in ("max", "min") and node.data == 1) or called_on_rows(node)):
        return None
    read = operands(node)
    shape = read[0].shape
    if shape is None or 1 in shape or is_narrow(shape[1]) or node.shape not in (shape, (shape[0], 1)) or any(arg.shape != shape or arg.boolean or arg.zero_d for arg in read):
        return None
    return shape


def is_narrow(columns: Dimension) -> bool:
    """Whether rows are too short for a loop over each."""
    return isinstance(columns, int) and columns < NARROW


def is_entrywise(node: Node) -> bool:
    """Whether a loop over a node's own shape can do it."""
    if node.shape is None or node.zero_d or node.shape == SCALAR:
        return False
    if node.op not in FUSED and called(node) not in fast_math.CALLS:
        return False
    kinds = {kind_of(arg, node.shape) for arg in operands(node)}
    return "" not in kinds and not (is_narrow(node.shape[1]) and kinds & {"row", "column"})


def is_total(node: Node) -> bool:
    """Whether a node is a sum over all entries of what a loop can make."""
    shape = node.args[0].shape if node.args else None
    return node.op in REDUCED and node.data is None and shape not in (None, SCALAR) and all(arg.shape == shape and not arg.boolean and not arg.zero_d for arg in node.args)


def kind_of(arg: Node, shape: Shape) -> str:
    """What an operand is to a loop over that shape: a number, or an array that is whole, a row, a column, a single entry; else nothing."""
    if arg.op == "const" or arg.zero_d:
        return "number"
    if arg.shape is None:
        return ""
    rows, columns = arg.shape
    if arg.shape == shape:
        return "whole"
    if arg.shape == SCALAR:
        return "single"
    return "row" if rows == 1 and columns == shape[1] else "column" if columns == 1 and rows == shape[0] else ""
