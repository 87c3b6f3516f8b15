"""Training of networks: minibatches, learning-rate schedules, early stopping."""

from tsrnn.training.budget import Budget
from tsrnn.training.epochs import EpochRunner, Moments
from tsrnn.training.settings import Settings
from tsrnn.training.supply import (
    RemoteWindows,
    Round,
    Windows,
    WindowSupply,
    attached,
    windows_in_memory,
)
from tsrnn.training.trainer import History, train, train_many

__all__ = [
    "Budget",
    "EpochRunner",
    "History",
    "Moments",
    "RemoteWindows",
    "Round",
    "Settings",
    "WindowSupply",
    "Windows",
    "attached",
    "train",
    "train_many",
    "windows_in_memory",
]
