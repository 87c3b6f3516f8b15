"""Regular time axes: their step found and checked, and how they go on."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd


@dataclasses.dataclass(frozen=True)
class TimeAxis:
    """A regular, sorted index and the step from one entry to the next.

    Attributes
    ----------
    index : DatetimeIndex, PeriodIndex or RangeIndex
        Sorted, without a gap or a duplicate.
    step : pandas offset or int
        What lies between two entries: an offset, so that months and daylight saving come out
        right; an int for a RangeIndex.
    """

    index: pd.Index
    step: Any

    @property
    def frequency(self) -> Any:
        """The step where it is an offset, else None."""
        return None if isinstance(self.step, int) else self.step

    def after(self, horizon: int) -> pd.Index:
        """The ``horizon`` entries that follow the index."""
        last, known = self.index[-1], 1
        if isinstance(self.index, pd.RangeIndex):
            first, end = last + self.step, last + (horizon + 1) * self.step
            return pd.RangeIndex(first, end, self.step, name=self.index.name)
        if isinstance(self.index, pd.PeriodIndex):
            future = pd.period_range(last, periods=horizon + 1, freq=self.step)
        else:
            if last.tz is not None:
                known = _least_moved(self.index)
            future = grid(self.index[-known], self.step, self.index.unit, periods=horizon + known)
        return future[known:].rename(self.index.name)

    def until(self, entry: Any) -> pd.Index:
        """The entries that follow the index up to a given one, and with it if it is one."""
        horizon = 1
        while (future := self.after(horizon))[-1] < entry:
            horizon *= 2
        return future[: future.searchsorted(entry, side="right")]


def time_axis(index: pd.Index, name: str, step: Any = None) -> tuple[TimeAxis, Any]:
    """Check an index: its axis, sorted, and the order of rows that sorts it.

    Parameters
    ----------
    index : Index
        Of a Series or frame.
    name : str
        What messages call that.
    step : pandas offset or int, optional
        Of entries that are too few to show one.

    Raises
    ------
    ValueError
        If it is no time index, or time stamps are missing, repeated or of no regular frequency.
    """
    check_time_index(index, name)
    if index.is_monotonic_increasing:
        order, ordered = slice(None), index
    else:
        order = index.argsort()
        ordered = index[order]
    check_repeats(ordered, name, "y.groupby(level=0).mean()")
    return regular_axis(ordered, name, step), order


def check_repeats(index: pd.Index, name: str, remedy: str) -> None:
    """Refuse a time stamp that is there more than once."""
    repeated = index.duplicated()
    if repeated.any():
        label = index[repeated.argmax()]
        raise ValueError(
            f"{name} has the time stamp {show(label)} more than once"
            f"{f', and {repeated.sum() - 1} more repeats' if repeated.sum() > 1 else ''}. Keep one "
            f"row each, for instance {remedy}."
        )


def regular_axis(ordered: pd.Index, name: str, otherwise: Any = None) -> TimeAxis:
    """The axis of sorted time stamps without repeats, checked for gaps.

    They are held against the step that they show, or against ``otherwise``, if that is given and
    they are too few to show one or it leaves some out.
    """
    step = _shown_step(ordered)
    if otherwise is not None and (len(ordered) < 3 or not _leads_through(ordered, step)):
        step = otherwise
    if step is None:
        raise ValueError(
            f"{name} has no regular frequency: no calendar step leads from {show(ordered[0])} to "
            f"{show(ordered[-1])} through its {len(ordered)} time stamps. Bring it to one, for "
            "instance y.resample('D').mean()."
        )
    _check_gaps(ordered, step, name)
    return TimeAxis(entries(ordered, step), step)


def filled_axis(ordered: pd.Index, name: str, otherwise: Any = None) -> tuple[TimeAxis, np.ndarray]:
    """The axis of sorted time stamps with the ones that they leave out, and where they stand.

    Their step is ``otherwise``, if that is given and leads through them, or the one that they show.
    """
    step = otherwise
    if isinstance(ordered, pd.PeriodIndex) or _places(ordered, step).min() < 0:
        step = _shown_step(ordered)
    if step is None and len(ordered) > 1:  # too few without a gap to show it: the least distance
        step = pd.tseries.frequencies.to_offset(pd.Timedelta(np.diff(ordered).min()))
    places = _places(ordered, step)
    if places.min() < 0:
        raise ValueError(
            f"{name} has no regular frequency: no calendar step leads through all of its time "
            "stamps, gaps allowed. Bring it to one, for instance y.resample('D').mean()."
        )
    axis = TimeAxis(entries(ordered[:1], step), step)
    n_more = int(places[-1])
    if len(ordered) == n_more + 1:
        return TimeAxis(entries(ordered, step), step), places
    index = axis.index.append(axis.after(n_more)).rename(ordered.name)
    return TimeAxis(entries(index, step), step), places


def check_time_index(index: pd.Index, name: str) -> None:
    """Refuse an index that is none of time, or that lacks time stamps."""
    if isinstance(index, pd.MultiIndex) or not (
        isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
        or pd.api.types.is_integer_dtype(index)
    ):
        raise ValueError(
            f"{name} needs a DatetimeIndex, PeriodIndex or RangeIndex, got {type(index).__name__} "
            f"of dtype {getattr(index, 'dtype', 'mixed')}. Set one: "
            f"y.index = pd.to_datetime(y.index), or y.reset_index(drop=True) for no dates."
        )
    if index.hasnans:
        where = int(np.argmax(index.isna()))
        raise ValueError(f"{name} has no time stamp (NaT) in row {where}. Drop or mend that row.")


def entries(regular: pd.Index, step: Any) -> pd.Index:
    """A regular index as axes have it: whole numbers as a range."""
    if isinstance(regular, (pd.DatetimeIndex, pd.PeriodIndex)):
        return regular
    first = int(regular[0])
    return pd.RangeIndex(first, first + len(regular) * step, step, name=regular.name)


def numbers_of(index: pd.Index) -> np.ndarray:
    """Time stamps as the int64 that they are counted by."""
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    return index.asi8 if is_time else index.to_numpy(dtype=np.int64)


def width_of(index: pd.Index, step: Any) -> int | None:
    """What a step adds to ``numbers_of(index)``; None where that is for the calendar to say."""
    if isinstance(index, pd.PeriodIndex):
        return step.n
    if not isinstance(index, pd.DatetimeIndex):
        return step
    is_day = isinstance(step, pd.offsets.Day)  # of 23 or 25 hours, at times, in a time zone
    if (is_day and index.tz is not None) or not (is_day or isinstance(step, pd.offsets.Tick)):
        return None
    return int(pd.Timedelta(step).to_timedelta64().astype(f"m8[{index.unit}]").astype(np.int64))


def grid(first: pd.Timestamp, step: Any, unit: str, **until: Any) -> pd.DatetimeIndex:
    """Time stamps from ``first`` on, so many ``periods`` of them or to an ``end``.

    A wall time that a change of clocks leaves out is an hour later, and the first of two that it
    repeats is taken, where ``pandas.date_range`` gives up.
    """
    try:
        return pd.date_range(first, freq=step, unit=unit, **until)
    except Exception:  # in pandas 2 it is none of ValueError
        if first.tz is None:
            raise
    if "end" in until:
        until = {"end": until["end"].tz_localize(None)}
    walls = pd.date_range(first.tz_localize(None), freq=step, unit=unit, **until)
    early = np.ones(len(walls), dtype=bool)
    return walls.tz_localize(first.tz, ambiguous=early, nonexistent="shift_forward")


def places_on(line: pd.DatetimeIndex, numbers: np.ndarray) -> np.ndarray:
    """Positions of numbers of the same unit on a grid, -1 where it does not hold them."""
    held = line.asi8
    if not held.size:
        return np.full(numbers.size, -1)
    places = np.minimum(held.searchsorted(numbers), held.size - 1)
    return np.where(held[places] == numbers, places, -1)


def show(label: Any) -> str:
    """A time stamp as messages have it."""
    is_date = isinstance(label, pd.Timestamp) and label == label.normalize() and label.tz is None
    return str(label.date()) if is_date else str(label)


def step_name(step: Any, index: pd.Index) -> str:
    """The step of an index as messages have it."""
    if isinstance(step, int):
        return f"steps of {step}"
    names = index if isinstance(index, pd.PeriodIndex) else step  # "M", where the offset is "ME"
    return f"frequency {names.freqstr}"


def _least_moved(index):
    """From which of the last entries to go on, from the end: one that no change of clocks moved."""
    hours = [stamp - stamp.normalize() for stamp in index[:-4:-1].tz_localize(None)]
    return 1 + hours.index(min(hours))


def _shown_step(index):
    if isinstance(index, pd.PeriodIndex):
        return index.freq
    if not isinstance(index, pd.DatetimeIndex):
        return int(np.diff(numbers_of(index)).min()) if len(index) > 1 else 1
    return index.freq if index.freq is not None and index.freq.n > 0 else _infer(index)


def _infer(index):
    """The offset whose steps meet every time stamp and pass over fewest others, or None."""
    whole = _inferred(index)
    if whole is not None:
        return whole
    found = {}
    for size in (3, 4, 8):  # stretches without a gap show the frequency of a series with one
        for first in range(0, len(index) - size + 1, max(1, len(index) // 200)):
            offset = _inferred(index[first : first + size])
            if offset is not None:
                found[offset.freqstr] = offset
    best, fewest = None, np.inf
    for offset in found.values():
        places = _places(index, offset)
        if (places >= 0).all() and places[-1] < fewest:
            best, fewest = offset, places[-1]
    return best


def _inferred(index):
    # pd.infer_freq answers in strings that it announces to drop; this way asks for the offset.
    return pd.DatetimeIndex(index, freq="infer").freq if len(index) >= 3 else None


def _places(index, step):
    """How many steps from the first entry to each; -1 for one that none leads to."""
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    if step is None or is_time == isinstance(step, int):
        return np.full(len(index), -1)
    numbers, width = numbers_of(index), width_of(index, step)
    if width is None:
        return places_on(grid(index[0], step, index.unit, end=index[-1]), numbers)
    places, rest = np.divmod(numbers - numbers[0], width)
    return np.where(rest == 0, places, -1)


def _leads_through(index, step):
    return bool((_places(index, step) == np.arange(len(index))).all())


def _check_gaps(index, step, name):
    places = _places(index, step)
    if places.min() < 0:
        raise ValueError(
            f"{name} has the time stamp {show(index[places.argmin()])} off its "
            f"{step_name(step, index)}. Bring all to one frequency, for instance "
            "y.resample('D').mean()."
        )
    gaps = np.diff(places) > 1
    if gaps.any():
        before = int(gaps.argmax())
        missing = TimeAxis(entries(index[: before + 1], step), step).after(1)[0]
        at_step = "" if isinstance(step, int) else f" at {step_name(step, index)}"
        method = "asfreq" if isinstance(index, pd.DatetimeIndex) else "reindex"
        raise ValueError(
            f"{name} has a gap: {show(missing)} is missing after {show(index[before])} "
            f"({places[-1] + 1 - len(index)} missing in all{at_step}). Put the rows in with "
            f"y.{method}(...) and fill them."
        )
