"""A net as one file that needs NumPy alone: forward, gradient, training step, weights; and runs as a program on a CSV.

In    a net, and its weights where they are to be inside
Out   the text of the file
Idea  what all such files share is `exported.py`, the file of the smallest network; the part that is the network's own is
      written anew: the generated functions, and tables of what is what
"""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from algebra2net.errors import ShapeError
from algebra2net.net import Net
from algebra2net.program import SCALAR
from algebra2net.related import Goal, differentiated, goal_of, on_numpy, predictor
from algebra2net.run import Array, as_matrix, numeric, shape_text
from algebra2net.spell import PLAIN, lines
from algebra2net.training.init import starts_of
from algebra2net.training.optimizers import Optimizer
from algebra2net.training.optimizers import optimizer as optimizer_of
from algebra2net.training.roles import dimensions, keyed, settled, sizes_of

READABLE = 24  # entries of an array that is written as numbers; a larger one is written as its bytes
CODES = ("numbers", "columns", "flag", "sign")  # of a target, as `exported.py` has them
FLAGS = frozenset({"bce", "bce_logits"})  # losses that take one column for two classes
SGD = '''\
def step(weights: Mapping[str, Array], gradients: Mapping[str, Array], state: dict[str, Any], lr: float = LR) -> Arrays:
    """The weights after one step down the gradient; `state` is for optimisers that remember something."""
    return {**weights, **{name: weights[name] - lr * gradient for name, gradient in gradients.items()}}
'''
UNPACKED = '''\
def unpacked(dtype: str, shape: tuple[int, int], text: str) -> Array:
    """An array from its bytes in base 64."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape).copy()
'''


def export(
    net: Net,
    params: Mapping[str, Any] | None = None,
    *,
    optimizer: str = "adam",
    lr: float | None = None,
    optimized: bool = False,
    target: str | None = None,
    output: str | None = None,
    classes: Sequence[Any] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    targets: Sequence[str] | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
    mean: Mapping[str, Any] | None = None,
    scale: Mapping[str, Any] | None = None,
    code: str | None = None,
) -> str:
    """What `Net.export` gives, and says."""
    if optimizer not in ("adam", "sgd"):
        raise ValueError(f"optimizer cannot be {optimizer!r}; an exported file steps by 'adam' or 'sgd'")
    if code not in (None, *CODES):
        raise ValueError(f"code cannot be {code!r}; a target is coded as one of {', '.join(CODES)}")
    net = on_numpy(net)
    goal, predicts = _seen(net, target, output)
    net = differentiated(net, goal.trained)
    method = optimizer_of(optimizer, None)
    assert isinstance(method, Optimizer)
    known = {
        "columns": columns,
        "targets": None if targets is None else [*targets],
        "texts": texts,
        "classes": None if classes is None else [str(label) for label in classes],
        "mean": mean,
        "scale": scale,
    }
    tables = _tables(net, goal, predicts) | {
        "CODE": code or _code(goal),
        "WEIGHTS": _weights(net, goal, params or {}),
        "TABLE": {name: value for name, value in known.items() if value is not None},
        "LR": method.rate if lr is None else float(lr),
    }
    sources = [made.optimized_source if optimized else made.source for made in (net, predicts) if made is not None]
    parts = _Parts(sources[0], sources[-1])
    return _file(parts, tables, _title(net, goal, parts.libraries), optimizer)


# ------------------------------------------------------------------------------------------------- what the net says


def _seen(net: Net, target: str | None, output: str | None) -> tuple[Goal, Net | None]:
    """What the net learns, and the net that predicts; None where nothing was said of the prediction, and it cannot be seen."""
    goal = goal_of(net, target, output, required=False)
    if not goal.prediction:
        return goal, None
    try:
        return goal, predictor(net, goal, goal.link)
    except ValueError:
        if output is not None:
            raise
        return goal, None


def _tables(net: Net, goal: Goal, predicts: Net | None) -> dict[str, Any]:
    """What is what, by the names that `exported.py` has for it."""
    return {
        "INPUTS": net.inputs,
        "PREDICTS_FROM": (predicts or net).inputs,
        "PREDICTION": predicts and predicts.output,
        "SHAPES": {name: net.shapes[name] for name in net.inputs},
        "WIDTHS": _widths(net, goal),
        "SAMPLES": goal.axes,
        "LAYERS": goal.inputs,
        "TARGET": goal.target,
        "START": _start(net, goal),
        "MASKS": {name: float(share) if share.is_number else share.name for name, share in goal.masks.items()},
        "HAS_LOSS": net.shapes[net.output] == SCALAR,
    }


def _weights(net: Net, goal: Goal, params: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays given, as matrices of the shapes that the net has.

    Raises ValueError where a parameter is missing, ShapeError where a shape does not fit.
    """
    given = keyed(net, params, "params")
    missing = [name for name in goal.trained if name not in given]
    if given and missing:
        raise ValueError(f"params lacks {', '.join(missing)}; without any, the file has no weights inside")
    sizes: dict[str, int] = {}
    found = {}
    for name, value in given.items():
        array = numeric(name, value)
        matrix = as_matrix(array, net.shapes[name], sizes)
        wanted = [settled(size, sizes) for size in net.shapes[name]]
        if any(size not in (None, have) for size, have in zip(wanted, matrix.shape, strict=True)):
            raise ShapeError(f"{name} has shape {array.shape}, expected {shape_text(net.shapes[name], sizes)}")
        sizes = {**sizes_of(net, {name: matrix}), **sizes}
        found[name] = matrix if matrix.dtype.kind == "f" else matrix.astype(float)
    return found


def _code(goal: Goal) -> str:
    """How the file codes a target: as numbers, or labels as one column or one for each class."""
    if goal.kind == "regressor":
        return "numbers"
    if goal.loss == "hinge":
        return "sign"
    return "flag" if goal.loss in FLAGS or (goal.loss not in ("cross_entropy", "nll") and goal.ending == "sigmoid") else "columns"


def _start(net: Net, goal: Goal) -> dict[str, tuple[str, int, float]]:
    """How each parameter begins. Raises ValueError for a size that the file could not work out."""
    for name in goal.trained:
        if "(" in "".join(map(str, net.shapes[name])):
            raise ValueError(f"{name} is {shape_text(net.shapes[name])}, which an exported file cannot work out; give compile the shapes")
    return {name: (start.kind, start.into, start.slope) for name, start in starts_of(net).items()}


def _widths(net: Net, goal: Goal) -> dict[str, str]:
    """The hidden layers that are as wide as nothing that the table settles."""
    settled = {size for name in (*goal.inputs, goal.target) if name is not None for size in dimensions(net.shapes[name])}
    left = {size for name in goal.trained for size in dimensions(net.shapes[name])} - settled
    widths: dict[str, str] = {}
    for name, shape in net.shapes.items():
        if name not in net.inputs and shape[1] in left and shape[1] not in widths.values():
            widths[name] = str(shape[1])
    return widths


# ---------------------------------------------------------------------------------------------------------- the text


class _Parts:
    """The functions of the generated modules, each once, none that nobody calls; and what they import."""

    def __init__(self, source: str, predicting: str) -> None:
        training, forward = dict(_definitions(source)), dict(_definitions(predicting))
        clash = {name: f"{name}_to_predict" for name, text in forward.items() if name in training and training[name] != text} | {"forward": "predict"}
        predicts = {clash.get(name, name): _renamed(text, clash) for name, text in _called(forward, ["forward"]).items()}
        if forward["forward"] == training["forward"]:
            predicts = {"predict": "predict = forward"}
        predicts["predict"] = predicts["predict"].replace('"""Every named value.', '"""The prediction, and every named value on the way to it.')
        found = _called(training, ["forward", "value_and_grad"])
        self.texts = [*found.values(), *(text for name, text in predicts.items() if name not in found)]
        self.imports, self.libraries = _imports((source, predicting), "\n".join(self.texts))


def _imports(modules: Iterable[str], code: str) -> tuple[list[str], list[str]]:
    """The imports of generated modules that `code` uses, in order; and what it uses of SciPy."""
    nodes = [node for text in modules for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    used = {(node.module, alias.name, alias.asname) for node in nodes for alias in node.names if re.search(rf"\b{alias.asname or alias.name}\b", code)}
    plain = {module: sorted(name for where, name, other in used if where == module and other is None) for module, _, other in used if other is None}
    found = [f"from {module} import {', '.join(members)}" for module, members in plain.items()]
    found += [f"from {module} import {name} as {other}" for module, name, other in used if other is not None]
    return ["import numpy as np", *sorted(found)], sorted(name for _, name, _ in used)


def _called(functions: Mapping[str, str], first: Sequence[str]) -> dict[str, str]:
    """These functions, and all that they rest on, in the order of the module."""
    needed: set[str] = set()
    waiting = [name for name in first if name in functions]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        waiting += {node.id for node in ast.walk(ast.parse(functions[name])) if isinstance(node, ast.Name)} & (functions.keys() - needed)
    return {name: text for name, text in functions.items() if name in needed}


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b(?:" + "|".join(map(re.escape, names)) + r")\b", lambda match: names[match[0]], text)


def _definitions(source: str) -> Iterator[tuple[str, str]]:
    """Name and text of each function and constant of a module."""
    for node in ast.parse(source).body:
        text = ast.get_source_segment(source, node) or ""
        if isinstance(node, ast.FunctionDef):
            yield node.name, text
        elif isinstance(node, ast.Assign):
            yield ast.unparse(node.targets[0]), text


def _file(parts: _Parts, tables: Mapping[str, Any], title: str, optimizer: str) -> str:
    """The pattern with the network's own part in place of its own."""
    pattern = files("algebra2net").joinpath("exported.py").read_text(encoding="utf-8")
    head, _, rest = pattern.partition("\n# THE NETWORK\n")
    old, _, common = rest.partition("\n\n# TRAINING\n")
    rows = "\n".join(_table(line, tables) for line in old[old.index("\nINPUTS") :].strip().split("\n"))
    packed = "unpacked(" in rows
    code = head[head.index('"""\n', 3) + 4 :].replace("import numpy as np\n", "\n".join(parts.imports) + "\n")
    code = code.replace("import argparse\n", "import argparse\nimport base64\n") if packed else code
    functions = "".join(f"\n\n{text}\n" for text in (*parts.texts, *([UNPACKED.rstrip()] if packed else [])))
    common = common if optimizer == "adam" else _replaced(common, "step", SGD)
    return f"{title}{code}\n# THE NETWORK\n{functions}\n\n{rows}\n\n\n# TRAINING\n{common}"


def _title(net: Net, goal: Goal, libraries: Sequence[str]) -> str:
    """The docstring of the file: the algebra, and what to type."""
    needs = f"NumPy and SciPy (scipy.special has {', '.join(libraries)})" if libraries else "NumPy alone"
    algebra = "\n".join(f"    {line}" for line in lines(net.program, PLAIN))
    typed = ["python model.py data.csv"]
    if net.shapes[net.output] == SCALAR:
        typed = [f"python model.py --train data.csv{' --target COLUMN' if goal.target else ''} -o weights.npz", "python model.py new.csv --weights weights.npz", *typed]
    text = f"{net.output}, its gradients by {', '.join(goal.trained)} and its training, in {needs}.\n\n{algebra}\n\nAs a program:\n\n" + "".join(f"    {line}\n" for line in typed)
    return '"""' + text.replace("\\", "\\\\").replace('"""', "'''") + '"""\n'


def _table(line: str, tables: Mapping[str, Any]) -> str:
    """A line of the pattern's tables with the value of this net."""
    match = re.fullmatch(r"([A-Z_]+)(: .*?)? = (.*?)(  # .*)?", line)
    assert match, line
    name, kind, _, why = match.groups(default="")
    return f"{name}{kind} = {_literal(tables[name], why)}"


def _literal(value: Any, why: str = "", indent: str = "") -> str:
    """A value as Python; `why` stands at the end of its first line."""
    if isinstance(value, Mapping) and value:
        inner = "".join(f"{indent}    {json.dumps(str(key), ensure_ascii=False)}: {_literal(entry, indent=indent + '    ')},\n" for key, entry in value.items())
        return f"{{{why}\n{inner}{indent}}}"
    return _short(value, indent) + why


def _short(value: Any, indent: str = "") -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case np.ndarray():
            return _array(value, indent)
        case Mapping():
            return "{}"
        case tuple():
            return f"({', '.join(map(_short, value))}{',' if len(value) == 1 else ''})"
        case list():
            return f"[{', '.join(map(_short, value))}]"
    return repr(value)


def _array(array: Array, indent: str) -> str:
    """An array as it is, bit for bit: a small one as numbers, which Python reads back exactly, a large one as its bytes."""
    kind = f"<f{array.dtype.itemsize}"
    if array.size <= READABLE and np.isfinite(array).all():
        return f"np.array({array.astype(float).tolist()}, {json.dumps(kind)})"
    text = base64.b64encode(np.ascontiguousarray(array, dtype=kind).tobytes()).decode()
    rows = "\n".join(f'{indent}    "{text[k : k + 120]}"' for k in range(0, len(text), 120))
    return f"unpacked(\n{indent}    {json.dumps(kind)},\n{indent}    {array.shape},\n{rows},\n{indent})"


def _replaced(module: str, name: str, text: str) -> str:
    """A module with another function of that name."""
    old = next(segment for known, segment in _definitions(module) if known == name)
    return module.replace(old, text.rstrip())
