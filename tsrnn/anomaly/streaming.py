"""Scores of series that go on, one observation at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.anomaly.phases import circles, count_of
from tsrnn.anomaly.surprise import keep_of, mean_of_channels, strangeness
from tsrnn.windowing.axes import TimeAxis, show, width_of


@dataclasses.dataclass(frozen=True, eq=False)
class Update:
    """What ``update`` says of new observations, in the order of their rows.

    Attributes
    ----------
    score : (n,) array
        The higher the stranger; NaN where a value is missing.
    threshold : (n,) array
        What each was held against.
    anomaly : (n,) bool array
        Which are above.
    index : Index or None
        Of the rows; None for an array or a number.
    """

    score: np.ndarray
    threshold: np.ndarray
    anomaly: np.ndarray
    index: pd.Index | None = None

    def to_frame(self) -> pd.DataFrame:
        """The three as columns."""
        columns = {"score": self.score, "threshold": self.threshold, "anomaly": self.anomaly}
        return pd.DataFrame(columns, self.index)


class Stream:
    """A series that goes on: errors by a network's memory, and their mean.

    Parameters
    ----------
    errors : object
        With a method ``step(z, phases)``: (n_forecasts, n_channels) errors of the next observation.
    usual : (n_forecasts, n_channels) array
        Errors that are usual.
    mean, deviation : (n_channels,) arrays
        Of the series.
    stretch, level : int, float
        Steps of the mean of errors, and what it is so far.
    axis : TimeAxis
        Of the series so far.
    seasons : tuple of int
        In steps.
    """

    def __init__(
        self, errors: Any, usual: np.ndarray, mean: np.ndarray, deviation: np.ndarray,
        stretch: int, level: float, axis: TimeAxis, seasons: tuple[int, ...],
    ):  # fmt: skip
        self.errors, self.usual, self.mean, self.deviation = errors, usual, mean, deviation
        self.keep, self.level, self.seasons = keep_of(stretch), level, seasons
        self.axis = TimeAxis(axis.index[-4:], axis.step)
        index = axis.index
        zone = getattr(index, "tz", None)
        # By the calendar, or a clock that may change, each time stamp must be looked at.
        self.is_even = zone is None and width_of(index, axis.step) is not None
        self.count = count_of(index[-1:], axis.step)[0] if self.is_even else np.nan
        self.last = index[-1]

    def is_next(self, label: Any) -> bool:
        """Whether a time stamp is seen at once to be the next."""
        return self.is_even and type(label) is type(self.last) and label == self._after()

    def next_index(self, n: int) -> pd.Index:
        """The next time stamps."""
        return TimeAxis(self._known(), self.axis.step).after(n)

    def take(self, values: np.ndarray, index: pd.Index | None = None) -> np.ndarray:
        """Scores of the next observations, (n,), of (n, n_channels) values, NaN where missing.

        Parameters
        ----------
        index : Index, optional
            Their time stamps, where they were looked at.
        """
        n = len(values)
        if self.is_even:
            counts = self.count + 1 + np.arange(n)
        else:
            index = self.next_index(n) if index is None else index
            counts = count_of(index, self.axis.step)
        z, where = (values - self.mean) / self.deviation, circles(counts, self.seasons)
        scores = np.empty(n)
        for k in range(n):
            x = mean_of_channels(strangeness(self.errors.step(z[k], where[k]), self.usual))
            if x == x:
                self.level = self.keep * self.level + (1 - self.keep) * x
            scores[k] = self.level**0.5 if x == x else np.nan
        if self.is_even:
            self.count = counts[-1]
            self.last = self._after(n) if index is None else index[-1]
        else:
            self.axis = TimeAxis(self.axis.index.append(index)[-4:], self.axis.step)
            self.last = index[-1]
        return scores

    def _after(self, n=1):
        return self.last + n * self.axis.step

    def _known(self):
        if not self.is_even:
            return self.axis.index
        if isinstance(self.axis.step, int):
            return pd.RangeIndex(self.last, self.last + 1)
        return self.axis.index[:1] + (self.last - self.axis.index[0])

    def refuse_other(self, index: pd.Index, name: str) -> None:
        """Refuse time stamps that do not follow."""
        expected = self.next_index(len(index))
        if type(expected) is type(index) and (expected == index).all():
            return
        wrong = 0
        if type(expected) is type(index):
            wrong = int(np.argmin(expected == index))
        raise ValueError(
            f"{name} has {show(index[wrong])} where {show(expected[wrong])} follows what the "
            "detector knows. Give what comes next, without a gap."
        )
