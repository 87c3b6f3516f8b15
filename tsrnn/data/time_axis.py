"""Regular time axes: inferring and checking their step, and extending them."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.errors import (
    DataError,
    IrregularTimesError,
    Location,
    MissingDataError,
    RepeatedTimesError,
    listed,
)
from tsrnn.data.frequency import calendar_grid, inferred_step, positions_of
from tsrnn.data.nearest_grid import nearest_grid


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
    check_unique(ordered, where)
    return regular_axis(ordered, where, step), order


def check_unique(index: pd.Index, where: Location) -> None:
    """Refuse repeated time stamps."""
    repeated = index.duplicated()
    if repeated.any():
        label = index[repeated.argmax()]
        more = f", and {repeated.sum() - 1} more repeats" if repeated.sum() > 1 else ""
        raise where.error(
            f"has the time stamp {format_time(label, index)} more than once{more}",
            "Keep one row each.",
            row=label,
            kind=RepeatedTimesError,
        )


def regular_axis(ordered: pd.Index, where: Location, fallback: Any = None) -> TimeAxis:
    """The axis of sorted, distinct time stamps, checked for gaps.

    The step is inferred, or ``fallback`` if time stamps are too few for that or have gaps with it.
    """
    step = inferred_step(ordered)
    if fallback is not None and (
        len(ordered) < 3 or (positions_of(ordered, step) != np.arange(len(ordered))).any()
    ):
        step = fallback
    if step is None:
        raise _irregular(ordered, where)
    _check_gaps(ordered, step, where)
    return TimeAxis(regular_index(ordered, step), step)


def filled_axis(
    ordered: pd.Index, where: Location, preferred: Any = None
) -> tuple[TimeAxis, np.ndarray]:
    """The axis of sorted time stamps with gaps filled, and the position of each on it.

    The step is ``preferred`` if it leads through all time stamps, else the inferred one.
    """
    step = preferred
    if isinstance(ordered, pd.PeriodIndex) or positions_of(ordered, step).min() < 0:
        step = inferred_step(ordered)
    if step is None and len(ordered) > 1:  # gaps everywhere: the least distance
        step = pd.tseries.frequencies.to_offset(pd.Timedelta(np.diff(ordered).min()))
    positions = positions_of(ordered, step)
    if positions.min() < 0:
        raise _irregular(ordered, where)
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


def format_time(label: Any, index: pd.Index | None = None) -> str:
    """A time stamp for messages: midnight without a time zone as a date.

    Among the time stamps of an ``index`` it is a date only if all of them are.
    """
    # Midnight may not exist in a time zone.
    is_date = isinstance(label, pd.Timestamp) and label.tz is None and label == label.normalize()
    if is_date and isinstance(index, pd.DatetimeIndex):
        is_date = bool((index == index.normalize()).all())
    return str(label.date()) if is_date else str(label)


def format_step(step: Any, index: pd.Index) -> str:
    """The step of an index for messages: "frequency D", "steps of 2"."""
    if isinstance(step, int):
        return f"steps of {step}"
    source = index if isinstance(index, pd.PeriodIndex) else step  # "M", where the offset is "ME"
    return f"frequency {source.freqstr}"


def conversion_method(new: pd.Index, expected: pd.Index) -> str:
    """The method that brings time stamps to others' dtype, as " by ...", for messages."""
    if isinstance(expected, pd.PeriodIndex) and isinstance(new, pd.DatetimeIndex):
        return f" by to_period({expected.freqstr!r})"
    if isinstance(expected, pd.DatetimeIndex) and isinstance(new, pd.PeriodIndex):
        return " by to_timestamp()"
    if isinstance(expected, pd.DatetimeIndex) and isinstance(new, pd.DatetimeIndex):
        return f" by tz_localize({None if expected.tz is None else str(expected.tz)!r})"
    return ""


def kind_error(where: Location, new: pd.Index, expected: pd.Index) -> DataError:
    """The error of time stamps of another kind than the known ones."""
    return where.error(
        f"has time stamps of dtype {new.dtype}, and those fitted are of {expected.dtype}",
        f"Bring them to that{conversion_method(new, expected)}.",
    )


def _entries_to_earliest_hour(index):
    """How many entries back, of the last three, the earliest wall time of day stands.

    A change of clocks moves wall times to later hours only, so that one was not moved.
    """
    hours = [stamp - stamp.normalize() for stamp in index[:-4:-1].tz_localize(None)]
    return 1 + hours.index(min(hours))


def _check_gaps(index, step, where):
    positions = positions_of(index, step)
    if positions.min() < 0:
        raise _irregular(index, where, step)
    gaps = np.diff(positions) > 1
    if gaps.any():
        before = int(gaps.argmax())
        missing = TimeAxis(regular_index(index[: before + 1], step), step).after(1)[0]
        at_step = "" if isinstance(step, int) else f" at {format_step(step, index)}"
        raise where.error(
            f"has a gap: {format_time(missing, index)} is missing after "
            f"{format_time(index[before], index)} "
            f"({positions[-1] + 1 - len(index)} missing in all{at_step})",
            "Put the rows in and fill them.",
            row=missing,
            kind=MissingDataError,
            step=step,
            methods=f"{regular_methods(index, step)}.interpolate()",
        )


def regular_methods(index: pd.Index, step: Any) -> str:
    """Methods of pandas that put the rows in that a series lacks of a step, for messages."""
    if isinstance(index, pd.DatetimeIndex):
        return f".asfreq({step.freqstr!r})"
    if isinstance(index, pd.PeriodIndex):
        grid = "pd.period_range(s.index.min(), s.index.max())"
    else:
        grid = f"range(s.index.min(), s.index.max() + 1, {step})"
    return f".pipe(lambda s: s.reindex({grid}))"


def _irregular(index, where, step=None):
    """The error of time stamps that are not on the grid of a step, or of any."""
    bad = index[positions_of(index, step) < 0]
    problem = "has no regular frequency"
    if step is not None:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        problem = f"has the time stamp {format_time(bad[0])}{more} off its "
        problem += format_step(step, index)
    grid = nearest_grid(index) if isinstance(index, pd.DatetimeIndex) else None
    if grid is not None:
        bad = grid.off
        n = "all" if len(bad) == len(index) else len(bad)
        problem += (
            f": {n} of its {len(index)} time stamps are off the nearest regular one, "
            f"{grid.frequency}: {listed(bad, format_time)}"
        )
    elif len(index) < 3:
        problem += f": {len(index)} time stamps are too few to show one"
    is_date = isinstance(index, pd.DatetimeIndex)
    return where.error(
        problem,
        "Bring it to one.",
        bad[0] if len(bad) else index[0],
        IrregularTimesError,
        step=step,
        grid=grid,
        methods=".resample('D').mean().interpolate()" if is_date and grid is None else "",
    )
