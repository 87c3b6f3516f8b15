"""Base classes of the baselines: windows of series, and scores of points from their windows."""

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tsrnn.anomaly.detector import AnomalyDetector
from tsrnn.anomaly.results import SeriesScores
from tsrnn.data import ChannelPanel, DataError, Location
from tsrnn.parameters import Integer
from tsrnn.parameters.types import Auto, Missing

_BATCH_SIZE = 2**22  # values of the windows in memory at once


class Baseline(AnomalyDetector):
    """Base class of the baselines.

    A subclass implements ``_min_length()``, the observations it needs, ``_fit_values(scaled)`` for
    a list of standardised (n, n_channels) arrays, and ``_scores_of(series, z)``.
    """

    _parameter_constraints = AnomalyDetector._parameter_constraints | {"window": [Integer(2)]}

    def __init__(
        self,
        window: int,
        online: bool,
        threshold: Any,
        contamination: float | Auto,
        missing: Missing,
        id_column: Hashable | None,
        time_column: Hashable | None,
    ):
        self.window = window
        self.online = online
        self.threshold = threshold
        self.contamination = contamination
        self.missing = missing
        self.id_column = id_column
        self.time_column = time_column

    def _fit_series(self, panel: ChannelPanel) -> list[SeriesScores]:
        least = self._min_length()
        for series in panel:
            if len(series.values) < least:
                raise Location(series=series.label).error(
                    f"has {len(series.values)} observations, and window={self.window} needs at "
                    f"least {least}",
                    "Give more, or a shorter window.",
                )
        scaled = [self.fitted_.scaled(series) for series in panel]
        self._fit_values(scaled)
        return [self._scores_of(series, z) for series, z in zip(panel, scaled, strict=True)]

    def _score_series(self, panel: ChannelPanel) -> list[SeriesScores]:
        return [self._scores_of(series, self.fitted_.scaled(series)) for series in panel]

    def _min_length(self):
        return self.window


class CompleteWindows(Baseline):
    """Base class of the baselines that score windows, flattened by channel, without missing values.

    A subclass implements ``_fit_windows(scaled, firsts)`` and ``_score_windows(windows)``,
    (n_windows,) scores of (n_windows, n_values) windows.
    """

    def _fit_values(self, scaled):
        firsts = [complete_windows(z, self.window) for z in scaled]
        if not any(starts.size for starts in firsts):
            raise DataError(
                f"has no {self.window} observations in a row without a missing value",
                "Give a shorter window, or fill the gaps.",
            )
        self._fit_windows(scaled, firsts)

    def _scores_of(self, series, z):
        firsts = complete_windows(z, self.window)
        scores = np.full(max(len(z) - self.window + 1, 0), np.nan)
        for batch in batches(firsts, self.window * z.shape[1]):
            scores[batch] = self._score_windows(windows_of(z, batch, self.window))
        window_of_point = window_positions(~np.isnan(scores), len(z), self.window, self.online)
        return SeriesScores(spread_to_points(scores, window_of_point))


def complete_windows(z: np.ndarray, window: int) -> np.ndarray:
    """First points of the windows without missing values of a series (n, n_channels)."""
    missing = np.concatenate([[0], np.isnan(z).any(axis=1).cumsum()])
    return np.flatnonzero(missing[window:] == missing[:-window])


def windows_of(z: np.ndarray, firsts: np.ndarray, window: int) -> np.ndarray:
    """Flattened windows with these first points, (n_firsts, n_channels * window)."""
    return sliding_window_view(z, window, axis=0)[firsts].reshape(len(firsts), -1)


def batches(firsts: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Batches of first points whose windows of ``width`` values fit in bounded memory."""
    step = max(_BATCH_SIZE // width, 1)
    for k in range(0, len(firsts), step):
        yield firsts[k : k + step]


def window_positions(known: np.ndarray, n: int, window: int, online: bool) -> np.ndarray:
    """First point of the window that scores each of n points; -1 for none.

    That is the window that ends with the point if ``online``; else the one centred on it, or if
    that has no score (``known``, (n - window + 1,) bool) the nearest that contains it.
    """
    positions, firsts = np.full(n, -1), np.flatnonzero(known)
    if online or not firsts.size:
        positions[firsts + window - 1] = firsts
        return positions
    points = np.arange(n)
    centred = points - window // 2
    right = np.minimum(np.searchsorted(firsts, centred), firsts.size - 1)
    left = firsts[np.maximum(right - 1, 0)]
    right = firsts[right]
    nearest = np.where(np.abs(right - centred) < np.abs(left - centred), right, left)
    return np.where((nearest <= points) & (points < nearest + window), nearest, -1)


def spread_to_points(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Values of windows at the points that they score; NaN for a position of -1."""
    point_values = np.full((len(positions), *values.shape[1:]), np.nan)
    point_values[positions >= 0] = values[positions[positions >= 0]]
    return point_values
