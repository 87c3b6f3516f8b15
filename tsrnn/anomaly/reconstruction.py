"""Errors of windows that networks encode into their state and reconstruct."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsrnn.anomaly.forecast_errors import INPUT_LIMIT, Evaluation
from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.network import Network

_MAX_WINDOWS = 20_000  # training windows of each series
_BATCH = 4096  # windows evaluated at once


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """Reconstruction of windows by networks, and its errors.

    The layers encode a window into their last state; the decoder takes one more step of the last
    layer for each position, with an embedding of the position as input.
    """

    n_channels: int  # values of a step
    lookback: int  # steps of a window

    n_forecasts = 1
    n_warm_up = 0  # windows are complete

    def shape(self) -> dict[str, Any]:
        """Inputs, outputs and head of a network, as parameters of RecurrentNetwork."""
        sizes = {"n_in": self.n_channels, "n_out": self.n_channels, "n_horizons": self.lookback}
        return sizes | {"head": "horizons"}

    def source(
        self, series: Sequence[np.ndarray], features: Sequence[np.ndarray]
    ) -> tuple[Source, np.ndarray]:
        """Training windows of all series."""
        clipped = [np.clip(z, -INPUT_LIMIT, INPUT_LIMIT) for z in series]
        offsets = np.cumsum([0, *(len(z) for z in clipped)])
        starts = []
        for offset, z in zip(offsets, clipped, strict=False):
            step = -(-len(z) // _MAX_WINDOWS)
            starts.append(offset + np.arange(0, len(z) - self.lookback + 1, step))
        firsts, values = np.concatenate(starts), np.concatenate(clipped)
        targets = values[firsts[:, None] + np.arange(self.lookback)].reshape(len(firsts), -1)
        lengths = np.full(firsts.size, self.lookback)
        return sequence_source(values, firsts, lengths, targets), np.arange(firsts.size)

    def evaluate(
        self, networks: Sequence[Network], z: np.ndarray, features: np.ndarray, online: bool
    ) -> Evaluation:
        """Errors of the reconstruction of a standardised series.

        Each point is reconstructed from the window that ends with it if ``online``, else as the
        mean over the windows that contain it, which start a quarter of their length apart.
        """
        n, width = len(z), self.lookback
        last = n - width
        firsts = np.arange(last + 1) if online else np.arange(0, last + 1, max(width // 4, 1))
        if not online and last >= 0 and firsts[-1] != last:
            firsts = np.append(firsts, last)
        expected, count = np.zeros_like(z), np.zeros((n, 1))
        for batch in np.array_split(firsts, -(-firsts.size // _BATCH) or 1):
            windows = self.reconstruct(networks, z, batch)
            if online:
                expected[batch + width - 1] = windows[:, -1]
                count[batch + width - 1] = 1
            else:
                np.add.at(expected, batch[:, None] + np.arange(width), windows)
                np.add.at(count, batch[:, None] + np.arange(width), 1)
        expected = np.where(count > 0, expected / np.maximum(count, 1), np.nan)
        stream = ReconstructionStream(self, networks, z)
        return Evaluation(np.abs(z - expected)[:, None], expected, stream)

    def reconstruct(
        self, networks: Sequence[Network], z: np.ndarray, firsts: np.ndarray
    ) -> np.ndarray:
        """Mean reconstruction of the windows at ``firsts``, (n_windows, lookback, n_channels)."""
        if not firsts.size:
            return np.empty((0, self.lookback, self.n_channels))
        values = np.clip(z, -INPUT_LIMIT, INPUT_LIMIT)
        source = sequence_source(values, firsts, np.full(firsts.size, self.lookback))
        outputs = (network.predict(source, np.arange(firsts.size)) for network in networks)
        total = np.asarray(sum(outputs))
        return total.reshape(firsts.size, self.lookback, -1) / len(networks)


class ReconstructionStream:
    """Errors of the reconstruction of a series that continues; ``window`` has its last values."""

    def __init__(self, model: Reconstruction, networks: Sequence[Network], z: np.ndarray):
        self.model, self.networks = model, networks
        self.window = z[-model.lookback :].copy()
        self.expected = np.full(model.n_channels, np.nan)  # standardised, of the last step

    def step(self, z: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Errors of the next observation, (1, n_channels), in the window that ends with it."""
        self.window = np.vstack([self.window, z])[-self.model.lookback :]
        if len(self.window) < self.model.lookback:
            return np.full((1, z.size), np.nan)
        windows = self.model.reconstruct(self.networks, self.window, np.zeros(1, np.int64))
        self.expected = windows[0, -1]
        return np.abs(z - self.expected)[None]
