"""algebra2net: type the algebra of a neural network; get its picture, its code, and its backpropagation derived.

>>> from algebra2net import compile
>>> net = compile("l2 = relu(l0 W0) W1")
>>> print(net.to("unicode"))
l₂ = relu(l₀ W₀) W₁
"""

from typing import Any

from algebra2net.advice import AlgebraWarning
from algebra2net.errors import AlgebraError, DerivativeError, NotationError, ShapeError
from algebra2net.net import Net, compile

__all__ = ["AlgebraError", "AlgebraWarning", "DerivativeError", "Net", "NotationError", "ShapeError", "compile"]
__version__ = "0.1.0"


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext algebra2net` calls: adds the cell magic `%%algebra`."""
    from algebra2net.faces.notebook import register

    register(shell)
