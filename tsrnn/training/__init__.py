"""Training of recurrent networks: minibatches, schedules, early stopping. Prints nothing."""

from tsrnn.training.epochs import Moments
from tsrnn.training.settings import Settings
from tsrnn.training.trainer import History, train, train_many

__all__ = ["History", "Moments", "Settings", "train", "train_many"]
