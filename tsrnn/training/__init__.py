"""Training of networks: minibatches, learning-rate schedules, early stopping."""

from tsrnn.training.budget import Budget
from tsrnn.training.epochs import Moments
from tsrnn.training.settings import Settings
from tsrnn.training.supply import WindowSupply, attached, windows_in_memory
from tsrnn.training.trainer import History, train, train_many

__all__ = [
    "Budget",
    "History",
    "Moments",
    "Settings",
    "WindowSupply",
    "attached",
    "train",
    "train_many",
    "windows_in_memory",
]
