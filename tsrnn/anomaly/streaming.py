"""Scores of series that go on, one observation at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.anomaly.phases import circles, count_of
from tsrnn.anomaly.surprise import keep_of, mean_of_channels, strangeness
from tsrnn.data.time_axis import TimeAxis, format_time, step_width

_NOWHERE = np.empty(0)  # in no season


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
    n_after : int, default=0
        Steps that the series has gone on after that axis.
    """

    def __init__(
        self, errors: Any, usual: np.ndarray, mean: np.ndarray, deviation: np.ndarray,
        stretch: int, level: float, axis: TimeAxis, seasons: tuple[int, ...], n_after: int = 0,
    ):  # fmt: skip
        self.errors, self.usual, self.mean, self.deviation = errors, usual, mean, deviation
        self.keep, self.level, self.seasons = keep_of(stretch), level, seasons
        self.axis, self.n_after = TimeAxis(axis.index[-4:], axis.step), n_after
        self._last = axis.index[-1]
        zone = getattr(axis.index, "tz", None)
        # By the calendar, or a clock that may change, each time stamp must be looked at, and the
        # axis goes on.
        self.is_even = zone is None and step_width(axis.index, axis.step) is not None
        self._circles = None  # of a turn of each season after the axis, once there is a step

    def is_next(self, label: Any) -> bool:
        """Whether a time stamp is seen at once to be the next."""
        if not self.is_even or type(label) is not type(self._last):
            return False
        return label == self._last + (self.n_after + 1) * self.axis.step

    def _known_axis(self):
        """An axis that ends where the series does."""
        if not self.is_even:
            return self.axis
        step, last = self.axis.step, self.axis.index[-1:]
        if isinstance(step, int):
            end = self._last + (self.n_after + 1) * step
            return TimeAxis(pd.RangeIndex(end - step, end, step), step)
        return TimeAxis(last + self.n_after * step, step)

    def take(self, values: np.ndarray, index: pd.Index | None = None) -> np.ndarray:
        """Scores of the next observations, (n,), of (n, n_channels) values, NaN where missing.

        Parameters
        ----------
        index : Index, optional
            Their time stamps, where they were looked at.
        """
        n, z = len(values), (values - self.mean) / self.deviation
        if not self.is_even:
            index = self.axis.after(n) if index is None else index
            where = circles(count_of(index, self.axis.step), self.seasons)
            self.axis = TimeAxis(self.axis.index.append(index)[-4:], self.axis.step)
        scores = np.empty(n)
        for k in range(n):
            place = self._next_circles() if self.is_even else where[k]
            x = self._strangeness(self.errors.step(z[k], place))
            if x == x:
                self.level = self.keep * self.level + (1 - self.keep) * x
            scores[k] = self.level**0.5 if x == x else np.nan
        return scores

    def _strangeness(self, errors):
        ratios = (errors / self.usual).ravel()
        x = (ratios * ratios).sum() / ratios.size
        return x if x == x else mean_of_channels(strangeness(errors, self.usual))

    def _next_circles(self):
        """Of the next step, by tables of a turn of each season."""
        if self._circles is None:
            counts = count_of(self.axis.index[-1:], self.axis.step)
            self._circles = [circles(counts + np.arange(n), (n,)) for n in self.seasons]
        self.n_after += 1
        parts = [table[self.n_after % len(table)] for table in self._circles]
        return np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else _NOWHERE

    def left_out(self, index: pd.Index, name: str, may: bool) -> int:
        """How many steps are left out before new time stamps.

        Raises
        ------
        ValueError
            If they do not follow, or steps are left out that may not be.
        """
        axis, first = self._known_axis(), index[0]
        try:
            n = len(axis.until(first)) - 1 if may else 0
            expected = axis.after(n + len(index))[n:]
            follows = type(expected) is type(index) and (expected == index).all()
        except (TypeError, ValueError):  # time stamps of another kind
            follows = False
        if follows:
            return n
        raise ValueError(
            f"{name} has {format_time(first)} where {format_time(axis.after(1)[0])} follows what "
            "the detector knows. Give what comes next" + ("." if may else ", without a gap.")
        )
