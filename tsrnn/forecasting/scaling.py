"""Scaling of the series of a panel, and back."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from tsrnn.data import Panel
from tsrnn.kernels import portable

_NOISE = 1e-12  # deviation of a constant series by rounding, relative to its level


@dataclasses.dataclass(frozen=True)
class Scaling:
    """Scaling of each series: a logarithm, less a line and the mean, over a typical deviation."""

    log: bool  # whether logarithms come first
    slope: np.ndarray  # (n_series,), per step
    mean: np.ndarray  # (n_series,), without the line
    deviation: np.ndarray  # (n_series,), of a typical window

    @classmethod
    def of(cls, panel: Panel, lookback: int, log: bool, slope: np.ndarray) -> Scaling:
        """From all values of a panel; ``slope`` is (n_series,)."""
        values = _levelled(panel, log, slope)
        n = np.maximum(panel.lengths, 1)
        mean = _sums(panel, values) / n
        values -= np.repeat(mean, panel.lengths)
        level = _sums(panel, np.abs(portable.log(panel.values) if log else panel.values)) / n
        spread = np.sqrt(_sums(panel, values**2) / n)
        constant = spread <= _NOISE * level
        values /= np.repeat(np.where(constant, 1.0, spread), panel.lengths)
        deviation = spread * typical_deviations(Panel(values, panel.indptr), lookback)
        # Outputs of a network for a constant series are noise: they are scaled to nearly nothing.
        smallest = np.where(level > 0, _NOISE * level, 1.0)
        return cls(log, slope, mean, np.where(constant, smallest, deviation))

    def apply(self, panel: Panel, n_elapsed: np.ndarray | int = 0) -> np.ndarray:
        """Scaled values, (n_values,); ``n_elapsed`` values of each series came before the panel."""
        values = _levelled(panel, self.log, self.slope, n_elapsed)
        lengths = panel.lengths
        return (values - np.repeat(self.mean, lengths)) / np.repeat(self.deviation, lengths)

    def undo(self, scaled: np.ndarray, series: np.ndarray, firsts: np.ndarray) -> np.ndarray:
        """Unscaled (n, n_steps) values; row k has the steps of its series from ``firsts[k]`` on."""
        steps = firsts[:, None] + np.arange(scaled.shape[1])
        deviation, mean, slope = (
            part[series][:, None] for part in (self.deviation, self.mean, self.slope)
        )
        values = scaled * deviation + mean + slope * steps
        return portable.exp(values) if self.log else values


def _levelled(panel, log, slope, n_elapsed=0):
    """Values less their line, a copy."""
    values = portable.log(panel.values) if log else panel.values.copy()
    if slope.any():
        steps = np.arange(values.size) - np.repeat(panel.indptr[:-1] - n_elapsed, panel.lengths)
        values -= np.repeat(slope, panel.lengths) * steps
    return values


def _sums(panel, values):
    """Sum of each series, (n_series,)."""
    return np.add.reduceat(np.append(values, 0.0), panel.indptr[:-1]) * (panel.lengths > 0)


def typical_deviations(panel: Panel, lookback: int) -> np.ndarray:
    """Root mean square of the deviations of a series' windows, (n_series,); 1 where it is 0.

    A series shorter than a window counts as one. Values are of about unit size.
    """
    first, second = (np.concatenate([[0.0], np.cumsum(v)]) for v in (panel.values, panel.values**2))
    size = np.minimum(lookback, np.maximum(panel.lengths, 1))
    n_windows = np.maximum(panel.lengths - size + 1, 1)
    number = np.repeat(np.arange(panel.n_series), n_windows)
    within = np.arange(number.size) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    start = panel.indptr[number] + within
    end = np.minimum(start + size[number], panel.indptr[number + 1])
    mean = (first[end] - first[start]) / size[number]
    variance = np.maximum((second[end] - second[start]) / size[number] - mean**2, 0)
    typical = np.sqrt(np.bincount(number, variance) / n_windows)
    return np.where(typical > 1e-7, typical, 1.0)


def recent_slope(values: np.ndarray, season: int) -> float:
    """Slope per step over the last three seasons, from the changes of values over a season.

    0 where there are not two seasons, or the mean change is below the deviation of the changes.
    """
    changes = (values[season:] - values[:-season])[-3 * season :]
    if changes.size < season or abs(changes.mean()) <= changes.std():
        return 0.0
    return float(changes.mean() / season)


def scaling_of(
    panel: Panel, lookback: int, season: int, transform: str | None, trend: bool
) -> Scaling:
    """Scaling of each series, with its recent slope where a trend is to be taken out."""
    log, slope = transform == "log", np.zeros(panel.n_series)
    if trend:
        for k, (first, end) in enumerate(itertools.pairwise(panel.indptr)):
            values = panel.values[first:end]
            slope[k] = recent_slope(portable.log(values) if log else values, season)
    return Scaling.of(panel, lookback, log, slope)
