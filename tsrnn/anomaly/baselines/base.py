"""What the baselines have in common: scaled series, their windows, and which speaks for a point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tsrnn.anomaly.detector import AnomalyDetector
from tsrnn.anomaly.found import Scored
from tsrnn.data import ChannelPanel

_AT_ONCE = 2**22  # values of windows that are in memory


class Baseline(AnomalyDetector):
    """Base of the baselines.

    A baseline has ``_shortest()``, the observations that it needs, ``_teach(series)``, and
    ``_scored(track, z)``.
    """

    def __init__(
        self, window, online, threshold, contamination, missing, id_column, time_column
    ):  # fmt: skip
        self.window = window
        self.online = online
        self.threshold = threshold
        self.contamination = contamination
        self.missing = missing
        self.id_column = id_column
        self.time_column = time_column

    def _learn(self, tracks: ChannelPanel) -> list[Scored]:
        least = self._shortest()
        for track in tracks:
            if len(track.values) < least:
                of = "" if track.label is None else f" of series {track.label!r}"
                raise ValueError(
                    f"y{of} has {len(track.values)} observations, and window={self.window} needs "
                    f"at least {least}. Give more, or a shorter window."
                )
        series = [self._scaled(track) for track in tracks]
        self._teach(series)
        return [self._scored(track, z) for track, z in zip(tracks, series, strict=True)]

    def _score(self, tracks: ChannelPanel) -> list[Scored]:
        return [self._scored(track, self._scaled(track)) for track in tracks]

    def _shortest(self):
        return self.window


class WholeWindows(Baseline):
    """Base of those that score windows without a missing value, one channel after the other.

    Such a one has ``_strangeness(rows)``, (n_rows,) scores of (n_rows, n_values) windows, and
    ``_teach_windows(series, firsts)``.
    """

    def _teach(self, series):
        firsts = [whole_windows(z, self.window) for z in series]
        if not any(own.size for own in firsts):
            raise ValueError(
                f"y has no {self.window} observations in a row without a missing value. Give a "
                "shorter window, or fill the gaps."
            )
        self._teach_windows(series, firsts)

    def _scored(self, track, z):
        firsts = whole_windows(z, self.window)
        scores = np.full(max(len(z) - self.window + 1, 0), np.nan)
        for some in batches(firsts, self.window * z.shape[1]):
            scores[some] = self._strangeness(rows_of(z, some, self.window))
        own = speakers(~np.isnan(scores), len(z), self.window, self.online)
        return Scored(spoken(scores, own))


def whole_windows(z: np.ndarray, window: int) -> np.ndarray:
    """First points of windows without a missing value, of a series (n, n_channels)."""
    missing = np.concatenate([[0], np.isnan(z).any(axis=1).cumsum()])
    return np.flatnonzero(missing[window:] == missing[:-window])


def rows_of(z: np.ndarray, firsts: np.ndarray, window: int) -> np.ndarray:
    """Windows that begin at these points, (n_firsts, n_channels * window)."""
    return sliding_window_view(z, window, axis=0)[firsts].reshape(len(firsts), -1)


def batches(firsts: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """The first points of windows, so many at a time that memory stays bounded."""
    step = max(_AT_ONCE // width, 1)
    for k in range(0, len(firsts), step):
        yield firsts[k : k + step]


def speakers(known: np.ndarray, n: int, window: int, online: bool) -> np.ndarray:
    """For each of n points the first point of the window that speaks for it; -1 for none.

    The window that ends with it if ``online``; else the one that it is the middle of, or where
    that is not known the nearest that holds it.

    Parameters
    ----------
    known : (n - window + 1,) bool array
        By the windows' first points.
    """
    own, firsts = np.full(n, -1), np.flatnonzero(known)
    if online or not firsts.size:
        own[firsts + window - 1] = firsts
        return own
    points = np.arange(n)
    wanted = points - window // 2
    right = np.minimum(np.searchsorted(firsts, wanted), firsts.size - 1)
    left = firsts[np.maximum(right - 1, 0)]
    right = firsts[right]
    nearest = np.where(np.abs(right - wanted) < np.abs(left - wanted), right, left)
    return np.where((nearest <= points) & (points < nearest + window), nearest, -1)


def spoken(values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """What windows say of the points that they speak for; NaN where none does."""
    said = np.full((len(own), *values.shape[1:]), np.nan)
    said[own >= 0] = values[own[own >= 0]]
    return said
