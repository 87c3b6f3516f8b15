"""Scores of a series that continues, one observation at a time."""

import contextlib
import dataclasses
import functools
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


class Upcoming(NamedTuple):
    """The ``n`` time stamps that come ``n_after`` steps after an axis, as a recipe for them.

    An update of one row takes less time than to make an index, which few callers read.
    """

    axis: TimeAxis
    n_after: int
    n: int

    def times(self) -> pd.Index:
        index, step = self.axis.index, self.axis.step
        if self.n_after:
            index = index[-1:] + self.n_after * step
        return TimeAxis(index, step).after(self.n)

    def __repr__(self) -> str:
        return repr(self.times())


@dataclasses.dataclass(frozen=True, eq=False)
class Update:
    """Result of ``update``, in the order of the new rows.

    Attributes
    ----------
    score, threshold, anomaly : (n,) array
        Scores, NaN where a value is missing; their thresholds; and whether they are above these.
    index : Index or None
        Index of the rows, of an array, a number or a dict their time stamps; None for these if the
        detector was fitted without time stamps. It is made of ``rows``.
    channel : (n,) array of object, or None
        Of several channels the one with the largest share in the score, None where there is no
        score. Like the score, shares are means over the last ``stretch`` rows or so.
    seen, expected : (n,) array
        Value of that channel, and what was expected, in the unit of ``y``; NaN where unknown.

    See Also
    --------
    tsrnn.RNNAnomalyDetector : Its ``update`` returns this.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn import RNNAnomalyDetector
    >>> hours = pd.date_range("2024-01-01", periods=400, freq="h")
    >>> heat = 40 + np.sin(np.arange(400) * np.pi / 12)
    >>> frame = pd.DataFrame({"heat": heat, "speed": 10 + np.cos(np.arange(400))}, hours)
    >>> detector = RNNAnomalyDetector(online=True, stretch=5, random_state=0).fit(frame)
    >>> update = detector.update({"heat": 55.0, "speed": 10.2})
    >>> update.anomaly.tolist(), update.channel.tolist(), update.seen.tolist()
    ([True], ['heat'], [55.0])
    >>> update.index[0]
    Timestamp('2024-01-17 16:00:00')
    """

    score: np.ndarray
    threshold: np.ndarray
    anomaly: np.ndarray
    rows: pd.Index | Upcoming | None = None  # index of the rows, or what it is made of
    channel: np.ndarray | None = None
    seen: np.ndarray | None = None
    expected: np.ndarray | None = None

    @functools.cached_property
    def index(self) -> pd.Index | None:
        return self.rows.times() if isinstance(self.rows, Upcoming) else self.rows

    def to_frame(self) -> pd.DataFrame:
        """A row for each new one: score, threshold, anomaly, channel if several, seen, expected."""
        names = "score", "threshold", "anomaly", "channel", "seen", "expected"
        columns = {name: getattr(self, name) for name in names}
        known = {name: values for name, values in columns.items() if values is not None}
        return pd.DataFrame(known, self.index)

    def _repr_html_(self) -> str:
        return update_html(self.to_frame())


class StreamScores(NamedTuple):
    """Scores of new rows of a series, (n,) each."""

    score: np.ndarray  # NaN where a value is missing
    strongest: np.ndarray  # position of the channel with the largest share in the score
    seen: np.ndarray  # value of that channel
    expected: np.ndarray  # its expected value, in the unit of the series


def thresholds_of(threshold: Any, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds of new scores, and whether they exceed them; adaptive ones adapt to each score."""
    thresholds, flags = np.empty(scores.size), []
    is_adaptive = hasattr(threshold, "update")
    for j in range(scores.size):
        thresholds[j] = threshold.threshold_
        score = scores[j : j + 1]
        flags.append(threshold.update(score)[0] if is_adaptive else score[0] > thresholds[j])
    return thresholds, np.array(flags, bool)


def update_of(
    scored: StreamScores,
    thresholds: np.ndarray,
    flags: np.ndarray,
    channels: list,
    index: pd.Index | Upcoming | None,
) -> Update:
    """The result of scored rows, with the names of channels if there are several."""
    channel = None
    if len(channels) > 1:
        names = np.array([None, *channels], object)
        channel = names[np.where(np.isnan(scored.score), 0, 1 + scored.strongest)]
    return Update(scored.score, thresholds, flags, index, channel, scored.seen, scored.expected)


class SeriesStatistics(NamedTuple):
    """Fitted statistics of one series."""

    mean: np.ndarray  # of the values, (n_channels,)
    deviation: np.ndarray  # standard deviation of the values, (n_channels,)
    constant: np.ndarray  # whether a channel is constant, (n_channels,)
    error_scale: np.ndarray  # typical errors, (n_forecasts, n_channels)


class Stream:
    """Scores of a series that continues, for ``n_after`` steps after the time axis so far.

    ``errors`` is the ForecastStream or ReconstructionStream of its networks. Squared scores have an
    exponential mean, so far ``level``, in which the previous value weighs ``decay``; so have those
    of each channel, ``channel_levels``.
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
        channel_levels: np.ndarray | None = None,
    ):
        self.errors, self.statistics, self.decay, self.level = errors, statistics, decay, level
        if channel_levels is None:
            channel_levels = np.full(statistics.mean.size, level)
        self.channel_levels = channel_levels
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

    def upcoming(self, n: int) -> Upcoming | None:
        """Time stamps of the next ``n`` rows; None if steps are numbers."""
        if isinstance(self.axis.step, int):
            return None
        return Upcoming(self.axis, self.n_after if self.is_even else 0, n)

    def _current_axis(self):
        """An axis that ends at the last observation."""
        if not self.is_even:
            return self.axis
        step, last = self.axis.step, self.axis.index[-1:]
        if isinstance(step, int):
            end = self._last + (self.n_after + 1) * step
            return TimeAxis(pd.RangeIndex(end - step, end, step), step)
        return TimeAxis(last + self.n_after * step, step)

    def update(self, values: np.ndarray, index: pd.Index | None = None) -> StreamScores:
        """Scores of the next observations (n, n_channels), at the times ``index`` if known."""
        n, z = len(values), standardised(values, *self.statistics[:3])
        if not self.is_even:
            index = self.axis.after(n) if index is None else index
            features = phase_features(step_numbers(index, self.axis.step), self.seasons)
            self.axis = TimeAxis(self.axis.index.append(index)[-4:], self.axis.step)
        scores, expected, strongest = np.empty(n), np.empty(n), np.zeros(n, np.intp)
        for k in range(n):
            step_features = self._next_features() if self.is_even else features[k]
            errors = self.errors.step(z[k], step_features)
            if self._has_constant:
                set_constant_errors(errors, z[k], self.statistics.constant)
            x = self._squared_score(errors)
            if x == x:
                self.level = self.decay * self.level + (1 - self.decay) * x
            scores[k] = self.level**0.5 if x == x else np.nan
            if self.channel_levels.size > 1:
                strongest[k] = self._strongest_channel(errors)
            expected[k] = self._expected(strongest[k])
        return StreamScores(scores, strongest, values[np.arange(n), strongest], expected)

    def _strongest_channel(self, errors):
        """The channel with the largest share in the score after these errors."""
        x = channel_scores(errors, self.statistics.error_scale)
        means = self.decay * self.channel_levels + (1 - self.decay) * x
        self.channel_levels = np.where(np.isnan(x), self.channel_levels, means)
        return self.channel_levels.argmax()

    def _expected(self, channel):
        """Expected value of a channel at the last step, in the unit of the series."""
        mean, deviation, constant, _ = self.statistics
        z = 0.0 if constant[channel] else self.errors.expected[channel]
        return z * deviation[channel] + mean[channel]

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
        remedy = f"Give what comes next, rows after {format_time(last, axis.index)} alone."
        with contextlib.suppress(TypeError):  # time stamps of another kind
            if first > last and not allow_gap:
                remedy = "Give what comes next, without a gap, or fit with missing='mask'."
        raise Location(series=label).error(
            f"has {format_time(first, axis.index)} where "
            f"{format_time(axis.after(1)[0], axis.index)} follows what the detector knows",
            remedy,
            row=first,
        )
