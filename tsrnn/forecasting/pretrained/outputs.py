"""Forecasts of the pretrained network for windows, alone or averaged with those of others."""

import dataclasses
from statistics import NormalDist

import numpy as np

from tsrnn.forecasting.pretrained.network import LEVELS, MEDIAN
from tsrnn.forecasting.uncertainty import LEAST_UNIT

_DEVIATES = np.array([NormalDist().inv_cdf(level) for level in LEVELS])  # standard normal ones
_LOW, _HIGH = LEVELS.index(0.1), LEVELS.index(0.9)
_WANDERING = 0.5  # share of the variance of sample paths that is a random walk's, not each step's


@dataclasses.dataclass(frozen=True)
class PretrainedOutputs:
    """Quantiles of steps ahead, (n_windows, horizon, len(LEVELS)), on the scale of each series."""

    quantiles: np.ndarray

    @property
    def point(self) -> np.ndarray:
        """The median, (n_windows, horizon)."""
        return self.quantiles[:, :, MEDIAN]

    def until(self, horizon: int) -> "PretrainedOutputs":
        """Those of the first steps."""
        return PretrainedOutputs(self.quantiles[:, :horizon])

    def units(self) -> tuple[np.ndarray, np.ndarray]:
        """Units of errors below and above the median: distances to the outer deciles."""
        low = self.point - self.quantiles[:, :, _LOW]
        high = self.quantiles[:, :, _HIGH] - self.point
        return np.maximum(low, LEAST_UNIT), np.maximum(high, LEAST_UNIT)

    def quantile(self, level: float) -> np.ndarray:
        """The quantile of a level, (n_windows, horizon)."""
        return self.at(np.full(self.point.shape, NormalDist().inv_cdf(level)))

    def at(self, deviates: np.ndarray) -> np.ndarray:
        """Quantiles of the levels of standard normal deviates, (n_windows, horizon).

        Between known levels, and beyond them, on lines over the deviates.
        """
        place = np.clip(np.searchsorted(_DEVIATES, deviates) - 1, 0, len(LEVELS) - 2)
        low, high = (
            np.take_along_axis(self.quantiles, (place + k)[:, :, None], axis=2)[:, :, 0]
            for k in (0, 1)
        )
        share = (deviates - _DEVIATES[place]) / (_DEVIATES[place + 1] - _DEVIATES[place])
        return low + share * (high - low)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """A sample path of each window, (n_windows, horizon), whose steps depend on each other."""
        steps, noise = rng.standard_normal((2, *self.point.shape))
        wandering = np.cumsum(steps, axis=1) / np.sqrt(np.arange(1, steps.shape[1] + 1))
        return self.at(np.sqrt(_WANDERING) * wandering + np.sqrt(1 - _WANDERING) * noise)


@dataclasses.dataclass(frozen=True)
class MixedOutputs:
    """The means of point forecasts of others and the pretrained network, which has the spread."""

    others: np.ndarray  # (n_windows, horizon)
    pretrained: PretrainedOutputs
    share: float  # of the pretrained network

    @property
    def point(self) -> np.ndarray:
        """The forecast, (n_windows, horizon)."""
        return (1 - self.share) * self.others + self.share * self.pretrained.point

    def units(self) -> tuple[np.ndarray, np.ndarray]:
        """As of the pretrained network."""
        return self.pretrained.units()

    def quantile(self, level: float) -> np.ndarray:
        """As of the pretrained network, about the mixed forecast."""
        return self.point + (self.pretrained.quantile(level) - self.pretrained.point)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """As of the pretrained network, about the mixed forecast."""
        return self.point + (self.pretrained.draw(rng) - self.pretrained.point)
