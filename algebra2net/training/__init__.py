"""Training: from algebra and data to learned parameters."""

from algebra2net.training.checkpoint import Checkpoint, load, save
from algebra2net.training.diagnosis import NonFiniteError
from algebra2net.training.fit import fit
from algebra2net.training.history import History
from algebra2net.training.init import initial
from algebra2net.training.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, RMSProp
from algebra2net.training.schedules import Constant, Cosine, Exponential, Step, Warmup

__all__ = [
    "SGD", "Adam", "AdamW", "Checkpoint", "Constant", "Cosine", "Exponential", "History", "Momentum", "Nesterov",
    "NonFiniteError", "RMSProp", "Step", "Warmup", "fit", "initial", "load", "save",
]  # fmt: skip
