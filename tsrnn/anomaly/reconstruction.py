"""How far a series is from what networks make of it after they have squeezed it into a state."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tsrnn.anomaly.forecast_errors import MOST_READ
from tsrnn.kernels.windows import Source, sequence_source
from tsrnn.network import RecurrentNetwork

_MOST_LEARNT = 20_000  # windows of each series
_AT_ONCE = 4096  # windows


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """Windows are encoded by the layers into their last state, and decoded, value by value, by a
    further step of the last layer for each, which reads an embedding of its place.

    Attributes
    ----------
    n_channels, lookback : int
        Values of a step, and steps of a window.
    """

    n_channels: int
    lookback: int

    n_forecasts = 1

    def shape(self) -> dict:
        """Inputs, outputs and head of a network, as RecurrentNetwork has them."""
        return {
            "n_in": self.n_channels, "n_out": self.n_channels, "head": "horizons",
            "n_horizons": self.lookback,
        }  # fmt: skip

    def source(
        self, series: Sequence[np.ndarray], phases: Sequence[np.ndarray], dtype: str
    ) -> tuple[Source, np.ndarray]:
        """Windows to learn from, of all series."""
        clipped = [np.clip(z, -MOST_READ, MOST_READ) for z in series]
        ends = np.cumsum([0, *(len(z) for z in clipped)])
        firsts = []
        for begin, z in zip(ends, clipped, strict=False):
            step = -(-len(z) // _MOST_LEARNT)
            firsts.append(begin + np.arange(0, len(z) - self.lookback + 1, step))
        firsts, values = np.concatenate(firsts), np.concatenate(clipped).astype(dtype)
        targets = values[firsts[:, None] + np.arange(self.lookback)].reshape(len(firsts), -1)
        lengths = np.full(firsts.size, self.lookback)
        return sequence_source(values, firsts, lengths, targets), np.arange(firsts.size)

    def judge(
        self, networks: Sequence[RecurrentNetwork], z: np.ndarray, phases: np.ndarray, online: bool
    ) -> tuple[np.ndarray, np.ndarray, ReconstructionStream]:
        """Errors of a series, what was expected of it, and the memory that a stream goes on with.

        Of each point by the window that ends with it if ``online``, else on average of the windows
        that hold it, which begin a quarter of their length apart.

        Returns
        -------
        (n, 1, n_channels) and (n, n_channels) arrays, ReconstructionStream
            NaN where there is none.
        """
        n, width = len(z), self.lookback
        last = n - width
        firsts = np.arange(last + 1) if online else np.arange(0, last + 1, max(width // 4, 1))
        if not online and last >= 0 and firsts[-1] != last:
            firsts = np.append(firsts, last)
        expected, count = np.zeros_like(z), np.zeros((n, 1))
        for some in np.array_split(firsts, -(-firsts.size // _AT_ONCE) or 1):
            windows = self._repeated(networks, z, some)
            if online:
                expected[some + width - 1] = windows[:, -1]
                count[some + width - 1] = 1
            else:
                np.add.at(expected, some[:, None] + np.arange(width), windows)
                np.add.at(count, some[:, None] + np.arange(width), 1)
        expected = np.where(count > 0, expected / np.maximum(count, 1), np.nan)
        stream = ReconstructionStream(self, networks, z)
        return np.abs(z - expected)[:, None], expected, stream

    def _repeated(self, networks, z, firsts):
        """What networks make of windows, on average, (n_windows, lookback, n_channels)."""
        if not firsts.size:
            return np.empty((0, self.lookback, self.n_channels))
        values = np.clip(z, -MOST_READ, MOST_READ).astype(networks[0].parameters.dtype)
        source = sequence_source(values, firsts, np.full(firsts.size, self.lookback))
        said = sum(network.predict(source, np.arange(firsts.size)) for network in networks)
        return said.reshape(firsts.size, self.lookback, -1) / len(networks)


class ReconstructionStream:
    """The last window of a series that goes on."""

    def __init__(
        self, reading: Reconstruction, networks: Sequence[RecurrentNetwork], z: np.ndarray
    ):
        self.reading, self.networks = reading, networks
        self.window = z[-reading.lookback :].copy()

    def step(self, z: np.ndarray, phases: np.ndarray) -> np.ndarray:
        """Errors of the next observation, (1, n_channels), by the window that ends with it."""
        self.window = np.vstack([self.window, z])[-self.reading.lookback :]
        if len(self.window) < self.reading.lookback:
            return np.full((1, z.size), np.nan)
        repeated = self.reading._repeated(self.networks, self.window, np.zeros(1, np.int64))
        return np.abs(z - repeated[0, -1])[None]
