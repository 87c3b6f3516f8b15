"""Scores of a series that continues, one observation at a time."""

import contextlib
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.anomaly.scaling import standardised
from tsrnn.anomaly.scores import channel_scores, mean_over_channels, set_constant_errors
from tsrnn.anomaly.seasonality import phase_features
from tsrnn.anomaly.update_html import update_html
from tsrnn.data import Location, TimeAxis, format_time
from tsrnn.data.frequency import step_width
from tsrnn.data.step_numbers import step_numbers

_NO_FEATURES = np.empty(0)


@dataclasses.dataclass(frozen=True, eq=False)
class Update:
    """Result of ``update``, in the order of the new rows.

    Attributes
    ----------
    score, threshold, anomaly : (n,) array
        Scores, NaN where a value is missing; their thresholds; and whether they are above these.
    index : Index or None
        Index of the rows; None for an array or a number.
    """

    score: np.ndarray
    threshold: np.ndarray
    anomaly: np.ndarray
    index: pd.Index | None = None

    def to_frame(self) -> pd.DataFrame:
        """Score, threshold and anomaly as columns."""
        columns = {"score": self.score, "threshold": self.threshold, "anomaly": self.anomaly}
        return pd.DataFrame(columns, self.index)

    def _repr_html_(self) -> str:
        return update_html(self.to_frame())


def apply_threshold(threshold: Any, scores: np.ndarray, index: pd.Index | None = None) -> Update:
    """New scores with their thresholds; an adaptive threshold adapts to each score in turn."""
    thresholds, flags = np.empty(scores.size), []
    is_adaptive = hasattr(threshold, "update")
    for j in range(scores.size):
        thresholds[j] = threshold.threshold_
        score = scores[j : j + 1]
        flags.append(threshold.update(score)[0] if is_adaptive else score[0] > thresholds[j])
    return Update(scores, thresholds, np.array(flags, bool), index)


class SeriesStatistics(NamedTuple):
    """Fitted statistics of one series."""

    mean: np.ndarray  # of the values, (n_channels,)
    deviation: np.ndarray  # standard deviation of the values, (n_channels,)
    constant: np.ndarray  # whether a channel is constant, (n_channels,)
    error_scale: np.ndarray  # typical errors, (n_forecasts, n_channels)


class Stream:
    """Scores of a series that continues, for ``n_after`` steps after the time axis so far.

    ``errors`` is the ForecastStream or ReconstructionStream of its networks. Squared scores have an
    exponential mean, so far ``level``, in which the previous value weighs ``decay``.
    """

    def __init__(
        self,
        errors: Any,
        statistics: SeriesStatistics,
        decay: float,
        level: float,
        axis: TimeAxis,
        seasons: tuple[int, ...],
        n_after: int = 0,
    ):
        self.errors, self.statistics, self.decay, self.level = errors, statistics, decay, level
        self.seasons, self.n_after = seasons, n_after
        self._has_constant = bool(statistics.constant.any())
        self.axis = TimeAxis(axis.index[-4:], axis.step)
        self._last = axis.index[-1]
        zone = getattr(axis.index, "tz", None)
        # Steps of constant width are counted; for calendar steps and clocks that change, every
        # time stamp is needed, and the axis is moved along.
        self.is_even = zone is None and step_width(axis.index, axis.step) is not None
        self._feature_tables = None  # one season of features after the axis, filled at first use

    def is_next(self, label: Any) -> bool:
        """Whether a label is the next time stamp, as far as a cheap test can tell."""
        if not self.is_even or type(label) is not type(self._last):
            return False
        return label == self._last + (self.n_after + 1) * self.axis.step

    @property
    def last_stamp(self) -> Any:
        """Time stamp of the last observation."""
        return self._current_axis().index[-1]

    def _current_axis(self):
        """An axis that ends at the last observation."""
        if not self.is_even:
            return self.axis
        step, last = self.axis.step, self.axis.index[-1:]
        if isinstance(step, int):
            end = self._last + (self.n_after + 1) * step
            return TimeAxis(pd.RangeIndex(end - step, end, step), step)
        return TimeAxis(last + self.n_after * step, step)

    def update(self, values: np.ndarray, index: pd.Index | None = None) -> np.ndarray:
        """Scores (n,) of the next observations (n, n_channels), at the times ``index`` if known."""
        n, z = len(values), standardised(values, *self.statistics[:3])
        if not self.is_even:
            index = self.axis.after(n) if index is None else index
            features = phase_features(step_numbers(index, self.axis.step), self.seasons)
            self.axis = TimeAxis(self.axis.index.append(index)[-4:], self.axis.step)
        scores = np.empty(n)
        for k in range(n):
            step_features = self._next_features() if self.is_even else features[k]
            errors = self.errors.step(z[k], step_features)
            if self._has_constant:
                set_constant_errors(errors, z[k], self.statistics.constant)
            x = self._squared_score(errors)
            if x == x:
                self.level = self.decay * self.level + (1 - self.decay) * x
            scores[k] = self.level**0.5 if x == x else np.nan
        return scores

    def _squared_score(self, errors):
        error_scale = self.statistics.error_scale
        ratios = (errors / error_scale).ravel()
        x = (ratios * ratios).sum() / ratios.size
        return x if x == x else mean_over_channels(channel_scores(errors, error_scale))

    def _next_features(self):
        """Seasonal features of the next step, from tables of one season each."""
        if self._feature_tables is None:
            number = step_numbers(self.axis.index[-1:], self.axis.step)
            tables = [phase_features(number + np.arange(n), (n,)) for n in self.seasons]
            self._feature_tables = tables
        self.n_after += 1
        parts = [table[self.n_after % len(table)] for table in self._feature_tables]
        return np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else _NO_FEATURES

    def n_skipped(self, index: pd.Index, label: Any, allow_gap: bool) -> int:
        """Number of steps skipped before new time stamps of the series of a label.

        Raises DataError if they do not continue the series, or skip steps without ``allow_gap``.
        """
        axis, first = self._current_axis(), index[0]
        try:
            n = len(axis.until(first)) - 1 if allow_gap else 0
            expected = axis.after(n + len(index))[n:]
            follows = type(expected) is type(index) and (expected == index).all()
        except (TypeError, ValueError):  # time stamps of another kind
            follows = False
        if follows:
            return n
        last = axis.index[-1]
        remedy = f"Give what comes next, rows after {format_time(last)} alone."
        with contextlib.suppress(TypeError):  # time stamps of another kind
            if first > last and not allow_gap:
                remedy = "Give what comes next, without a gap, or fit with missing='mask'."
        raise Location(series=label).error(
            f"has {format_time(first)} where {format_time(axis.after(1)[0])} follows what the "
            "detector knows",
            remedy,
            row=first,
        )
