"""Regular time axes: inferring and checking their step, and extending them."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location, MissingDataError


@dataclasses.dataclass(frozen=True)
class TimeAxis:
    """A regular, sorted index and the step between its entries."""

    index: pd.Index  # DatetimeIndex, PeriodIndex or RangeIndex without gaps or duplicates
    step: Any  # an offset, which follows months and daylight saving; an int for a RangeIndex

    @property
    def frequency(self) -> Any:
        """The step if it is an offset, else None."""
        return None if isinstance(self.step, int) else self.step

    def after(self, horizon: int) -> pd.Index:
        """The ``horizon`` entries that follow the index."""
        last, n_known = self.index[-1], 1
        if isinstance(self.index, pd.RangeIndex):
            first, end = last + self.step, last + (horizon + 1) * self.step
            return pd.RangeIndex(first, end, self.step, name=self.index.name)
        if isinstance(self.index, pd.PeriodIndex):
            future = pd.period_range(last, periods=horizon + 1, freq=self.step)
        else:
            if last.tz is not None:
                n_known = _entries_to_earliest_hour(self.index)
            start, periods = self.index[-n_known], horizon + n_known
            future = calendar_grid(start, self.step, self.index.unit, periods=periods)
        return future[n_known:].rename(self.index.name)

    def until(self, entry: Any) -> pd.Index:
        """The entries that follow the index up to a time stamp, which is included."""
        horizon = 1
        while (future := self.after(horizon))[-1] < entry:
            horizon *= 2
        return future[: future.searchsorted(entry, side="right")]


def sorted_axis(index: pd.Index, where: Location, step: Any = None) -> tuple[TimeAxis, Any]:
    """The axis of an index in any order, of ``step`` if it is too short, and its sort order."""
    check_time_index(index, where)
    if index.is_monotonic_increasing:
        order, ordered = slice(None), index
    else:
        order = index.argsort()
        ordered = index[order]
    check_unique(ordered, where, "y.groupby(level=0).mean()")
    return regular_axis(ordered, where, step), order


def check_unique(index: pd.Index, where: Location, averaging_snippet: str) -> None:
    """Refuse repeated time stamps; ``averaging_snippet`` is pandas code that averages them."""
    repeated = index.duplicated()
    if repeated.any():
        label = index[repeated.argmax()]
        more = f", and {repeated.sum() - 1} more repeats" if repeated.sum() > 1 else ""
        raise where.error(
            f"has the time stamp {format_time(label)} more than once{more}",
            f"Keep one row each, for instance {averaging_snippet}.",
            row=label,
        )


def regular_axis(ordered: pd.Index, where: Location, fallback: Any = None) -> TimeAxis:
    """The axis of sorted, distinct time stamps, checked for gaps.

    The step is inferred, or ``fallback`` if time stamps are too few for that or have gaps with it.
    """
    step = _inferred_step(ordered)
    if fallback is not None and (
        len(ordered) < 3 or (_positions(ordered, step) != np.arange(len(ordered))).any()
    ):
        step = fallback
    if step is None:
        raise where.error(
            f"has no regular frequency: no calendar step leads from {format_time(ordered[0])} to "
            f"{format_time(ordered[-1])} through its {len(ordered)} time stamps",
            "Bring it to one, for instance y.resample('D').mean().",
        )
    _check_gaps(ordered, step, where)
    return TimeAxis(regular_index(ordered, step), step)


def filled_axis(
    ordered: pd.Index, where: Location, preferred: Any = None
) -> tuple[TimeAxis, np.ndarray]:
    """The axis of sorted time stamps with gaps filled, and the position of each on it.

    The step is ``preferred`` if it leads through all time stamps, else the inferred one.
    """
    step = preferred
    if isinstance(ordered, pd.PeriodIndex) or _positions(ordered, step).min() < 0:
        step = _inferred_step(ordered)
    if step is None and len(ordered) > 1:  # gaps everywhere: the least distance
        step = pd.tseries.frequencies.to_offset(pd.Timedelta(np.diff(ordered).min()))
    positions = _positions(ordered, step)
    if positions.min() < 0:
        raise where.error(
            "has no regular frequency: no calendar step leads through all of its time stamps, "
            "gaps allowed",
            "Bring it to one, for instance y.resample('D').mean().",
        )
    axis = TimeAxis(regular_index(ordered[:1], step), step)
    n_more = int(positions[-1])
    if len(ordered) == n_more + 1:
        return TimeAxis(regular_index(ordered, step), step), positions
    index = axis.index.append(axis.after(n_more)).rename(ordered.name)
    return TimeAxis(regular_index(index, step), step), positions


def check_time_index(index: pd.Index, where: Location) -> None:
    """Refuse an index that does not hold times, or has missing ones."""
    if isinstance(index, pd.MultiIndex) or not (
        isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
        or pd.api.types.is_integer_dtype(index)
    ):
        raise where.error(
            f"needs a DatetimeIndex, PeriodIndex or RangeIndex, got {type(index).__name__} of "
            f"dtype {getattr(index, 'dtype', 'mixed')}",
            "Set one: y.index = pd.to_datetime(y.index), or y.reset_index(drop=True) for no dates.",
        )
    if index.hasnans:
        row = int(np.argmax(index.isna()))
        raise where.error(
            f"has no time stamp (NaT) in row {row}", "Drop or mend that row.", row=row
        )


def regular_index(index: pd.Index, step: Any) -> pd.Index:
    """A regular index as axes hold it: integers as a RangeIndex, all else unchanged."""
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        return index
    first = int(index[0])
    return pd.RangeIndex(first, first + len(index) * step, step, name=index.name)


def time_numbers(index: pd.Index) -> np.ndarray:
    """Time stamps as int64: ticks of the index's unit, period ordinals, or the integers."""
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    return index.asi8 if is_time else index.to_numpy(dtype=np.int64)


def step_width(index: pd.Index, step: Any) -> int | None:
    """The constant difference of ``time_numbers(index)`` per step; None where it varies."""
    if isinstance(index, pd.PeriodIndex):
        return step.n
    if not isinstance(index, pd.DatetimeIndex):
        return step
    is_day = isinstance(step, pd.offsets.Day)  # of 23 or 25 hours, at times, in a time zone
    if (is_day and index.tz is not None) or not (is_day or isinstance(step, pd.offsets.Tick)):
        return None
    return int(pd.Timedelta(step).to_timedelta64().astype(f"m8[{index.unit}]").astype(np.int64))


def calendar_grid(first: pd.Timestamp, step: Any, unit: str, **extent: Any) -> pd.DatetimeIndex:
    """Time stamps from ``first`` on: a number of ``periods``, or up to an ``end``.

    Where ``pandas.date_range`` raises at a change of clocks, a skipped wall time is moved an hour
    later, and of two equal wall times the first is taken.
    """
    try:
        return pd.date_range(first, freq=step, unit=unit, **extent)
    except Exception:  # in pandas 2 it is no ValueError
        if first.tz is None:
            raise
    if "end" in extent:
        extent = {"end": extent["end"].tz_localize(None)}
    walls = pd.date_range(first.tz_localize(None), freq=step, unit=unit, **extent)
    early = np.ones(len(walls), dtype=bool)
    return walls.tz_localize(first.tz, ambiguous=early, nonexistent="shift_forward")


def grid_positions(grid: pd.DatetimeIndex, numbers: np.ndarray) -> np.ndarray:
    """Positions of time numbers on a grid of the same unit, -1 where they are not on it."""
    on_grid = grid.asi8
    if not on_grid.size:
        return np.full(numbers.size, -1)
    positions = np.minimum(on_grid.searchsorted(numbers), on_grid.size - 1)
    return np.where(on_grid[positions] == numbers, positions, -1)


def format_time(label: Any) -> str:
    """A time stamp for messages: midnight without a time zone as a date."""
    is_date = isinstance(label, pd.Timestamp) and label == label.normalize() and label.tz is None
    return str(label.date()) if is_date else str(label)


def format_step(step: Any, index: pd.Index) -> str:
    """The step of an index for messages: "frequency D", "steps of 2"."""
    if isinstance(step, int):
        return f"steps of {step}"
    source = index if isinstance(index, pd.PeriodIndex) else step  # "M", where the offset is "ME"
    return f"frequency {source.freqstr}"


def _entries_to_earliest_hour(index):
    """How many entries back, of the last three, the earliest wall time of day stands.

    A change of clocks moves wall times to later hours only, so that one was not moved.
    """
    hours = [stamp - stamp.normalize() for stamp in index[:-4:-1].tz_localize(None)]
    return 1 + hours.index(min(hours))


def _inferred_step(index):
    if isinstance(index, pd.PeriodIndex):
        return index.freq
    if not isinstance(index, pd.DatetimeIndex):
        return int(np.diff(time_numbers(index)).min()) if len(index) > 1 else 1
    return index.freq if index.freq is not None and index.freq.n > 0 else _inferred_offset(index)


def _inferred_offset(index):
    """The offset that meets every time stamp and skips fewest others, or None."""
    offset = _pandas_offset(index)
    if offset is not None:
        return offset
    candidates = {}
    for size in (3, 4, 8):  # stretches without a gap show the frequency of a series with gaps
        for first in range(0, len(index) - size + 1, max(1, len(index) // 200)):
            offset = _pandas_offset(index[first : first + size])
            if offset is not None:
                candidates[offset.freqstr] = offset
    best, fewest = None, np.inf
    for offset in candidates.values():
        positions = _positions(index, offset)
        if (positions >= 0).all() and positions[-1] < fewest:
            best, fewest = offset, positions[-1]
    return best


def _pandas_offset(index):
    # pd.infer_freq returns strings that pandas deprecates; this way gives the offset.
    return pd.DatetimeIndex(index, freq="infer").freq if len(index) >= 3 else None


def _positions(index, step):
    """Number of steps from the first entry to each; -1 where no number of steps leads to it."""
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    if step is None or is_time == isinstance(step, int):
        return np.full(len(index), -1)
    numbers, width = time_numbers(index), step_width(index, step)
    if width is None:
        return grid_positions(calendar_grid(index[0], step, index.unit, end=index[-1]), numbers)
    positions, remainders = np.divmod(numbers - numbers[0], width)
    return np.where(remainders == 0, positions, -1)


def _check_gaps(index, step, where):
    positions = _positions(index, step)
    if positions.min() < 0:
        label = index[positions.argmin()]
        raise where.error(
            f"has the time stamp {format_time(label)} off its {format_step(step, index)}",
            "Bring all to one frequency, for instance y.resample('D').mean().",
            row=label,
        )
    gaps = np.diff(positions) > 1
    if gaps.any():
        before = int(gaps.argmax())
        missing = TimeAxis(regular_index(index[: before + 1], step), step).after(1)[0]
        at_step = "" if isinstance(step, int) else f" at {format_step(step, index)}"
        method = "asfreq" if isinstance(index, pd.DatetimeIndex) else "reindex"
        raise where.error(
            f"has a gap: {format_time(missing)} is missing after {format_time(index[before])} "
            f"({positions[-1] + 1 - len(index)} missing in all{at_step})",
            f"Put the rows in with y.{method}(...) and fill them.",
            row=missing,
            kind=MissingDataError,
        )
