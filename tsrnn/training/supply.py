"""Windows to train on: an array of those of a source, or a supply of them for each epoch."""

import abc
import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from tsrnn.kernels.sources import Source
from tsrnn.network import Network
from tsrnn.training.settings import Settings


class WindowSupply(abc.ABC):
    """Windows too many for memory, some of which are written to a source for each epoch.

    A training takes it in place of an array of windows, with the source that ``attach`` gives.

    Attributes
    ----------
    size : int
        Windows that there are.
    in_memory : (n,) int64 array
        Those of some series, whose places in the source do not change.
    """

    ndim = 1
    size: int
    in_memory: np.ndarray

    @abc.abstractmethod
    def attach(self, source: Source) -> Source:
        """A source with room for windows behind its values, until ``detach``."""

    @abc.abstractmethod
    def detach(self) -> None:
        """Let go of the memory for windows."""

    @abc.abstractmethod
    def draw(self, epoch: int, n: int, n_epochs: int) -> np.ndarray:
        """Places in the source of ``n`` distinct windows for an epoch, in no particular order.

        Of the same epoch they are the same for every network. ``n_epochs`` is the number of epochs
        left, this one included: there may be room for the windows of several.
        """


@dataclasses.dataclass(frozen=True)
class Round:
    """The state of networks at the beginning of an epoch."""

    number: int  # of the epoch, from 0
    settings: Sequence[Settings]  # of each network
    n_batch: int
    parameters: np.ndarray  # (n_models, n_parameters)
    moments: np.ndarray  # (n_models, 3, n_parameters)
    rate_factors: np.ndarray  # (n_models,) of the adaptive schedule


class RemoteWindows(abc.ABC):
    """Windows in other processes, which train on them for an epoch at a time.

    A training takes it in place of an array of windows; all networks have the same.

    Attributes
    ----------
    size : int
        Windows that there are.
    in_memory : (n,) int64 array
        Those that this process has.
    """

    ndim = 1
    size: int
    in_memory: np.ndarray

    @abc.abstractmethod
    def train(self, network: Network, start: Round) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Parameters and moments after an epoch, and mean losses, (n_models,)."""


Windows = np.ndarray | WindowSupply | RemoteWindows


def draw_windows(
    windows: np.ndarray | WindowSupply, rng: np.random.Generator, epoch: int, n: int, n_epochs: int
) -> np.ndarray:
    """At most ``n`` windows for an epoch, shuffled."""
    if isinstance(windows, WindowSupply):
        drawn = windows.draw(epoch, n, n_epochs)
        return drawn[rng.permutation(drawn.size)]
    return windows[rng.permutation(windows.size)[:n]]


def windows_in_memory(windows: Windows) -> np.ndarray:
    """An array of windows, of others those in memory whose places do not change."""
    return windows if isinstance(windows, np.ndarray) else windows.in_memory


@contextlib.contextmanager
def attached(windows: Sequence[Windows], source: Source) -> Iterator[Source]:
    """A source for a training on windows, with room for those that are a supply's."""
    supplies = {id(each): each for each in windows if isinstance(each, WindowSupply)}
    if len(supplies) > 1:
        raise ValueError("Networks that are trained together take windows of one supply.")
    try:
        for supply in supplies.values():
            source = supply.attach(source)
        yield source
    finally:
        for supply in supplies.values():
            supply.detach()
