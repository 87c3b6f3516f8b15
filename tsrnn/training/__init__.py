"""Training of networks: minibatches, learning-rate schedules, early stopping."""

from tsrnn.training.epochs import Moments
from tsrnn.training.settings import Settings
from tsrnn.training.trainer import History, train, train_many

__all__ = ["History", "Moments", "Settings", "train", "train_many"]
