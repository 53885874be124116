"""algebra2net: type the algebra of a neural network; get its picture, its code, and its backpropagation derived.

>>> from algebra2net import compile
>>> net = compile("l2 = relu(l0 W0) W1")
>>> print(net.to("unicode"))
l₂ = relu(l₀ W₀) W₁
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algebra2net.advice import AlgebraWarning
    from algebra2net.errors import AlgebraError, DerivativeError, NotationError, ShapeError
    from algebra2net.net import Net, compile

__all__ = ["AlgebraError", "AlgebraWarning", "DerivativeError", "Net", "NotationError", "ShapeError", "compile"]
__version__ = "0.1.0"

_HOMES = {"AlgebraWarning": "advice", "Net": "net", "compile": "net"}  # the rest are errors


def __getattr__(name: str) -> Any:
    """What is named in `__all__`, loaded when it is asked for: SymPy takes half a second."""
    if name not in __all__:
        raise AttributeError(f"module 'algebra2net' has no attribute {name!r}")
    from algebra2net.collector import resting

    with resting():
        found = getattr(import_module(f"algebra2net.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext algebra2net` calls: adds the cell magic `%%algebra`."""
    from algebra2net.faces.notebook import register

    register(shell)
