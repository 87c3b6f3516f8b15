"""A pandas Series, checked at the door, as a panel and a time axis that can go on."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.windowing.panel import Panel

_LARGEST = 1e150  # whose square is finite


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
        last = self.index[-1]
        if isinstance(self.index, pd.RangeIndex):
            first, end = last + self.step, last + (horizon + 1) * self.step
            return pd.RangeIndex(first, end, self.step, name=self.index.name)
        if isinstance(self.index, pd.PeriodIndex):
            future = pd.period_range(last, periods=horizon + 1, freq=self.step)
        else:
            future = pd.date_range(last, periods=horizon + 1, freq=self.step, unit=self.index.unit)
        return future[1:].rename(self.index.name)


def panel_from_series(y: pd.Series, name: str = "y") -> tuple[Panel, TimeAxis]:
    """Check a Series and turn it into a panel of one series and its time axis.

    Parameters
    ----------
    y : Series
        Real, finite numbers on a DatetimeIndex, PeriodIndex or RangeIndex (or an index of whole
        numbers in equal steps). Sorted by a copy where it is not; never changed.
    name : str
        What messages call it.

    Raises
    ------
    ValueError
        If values are missing, infinite or no numbers, or time stamps are missing, repeated or of
        no regular frequency; the message says where and what to do.
    """
    if not isinstance(y, pd.Series):
        raise ValueError(
            f"{name} must be a pandas Series with a time index, got {type(y).__name__}. Wrap the "
            f"values: pd.Series(values, index=pd.date_range(...)), or take one column: frame['a']."
        )
    if y.empty:
        raise ValueError(f"{name} is empty. Give a Series with observations.")
    axis, order = _time_axis(y.index, name)
    return Panel.from_arrays([_values(y.iloc[order], name)]), axis


def _values(y, name):
    """Finite float64 values, or an error that names the first bad place."""
    is_type = pd.api.types
    if not is_type.is_numeric_dtype(y) or is_type.is_complex_dtype(y) or is_type.is_bool_dtype(y):
        raise ValueError(
            f"{name} must hold real numbers, got dtype {y.dtype}. Convert it first: "
            "pd.to_numeric(y), or y.astype(float)."
        )
    values = y.to_numpy(dtype=np.float64, na_value=np.nan)
    for bad, what, remedy in (
        (np.isnan(values), "is missing (NaN)", "Fill it, for instance y.interpolate()"),
        (np.isinf(values), "is infinite", "Replace it with a finite value"),
        (np.abs(values) > _LARGEST, f"is beyond {_LARGEST:g}", "Give it in a larger unit"),
    ):
        if bad.any():
            more = f" and at {bad.sum() - 1} more" if bad.sum() > 1 else ""
            raise ValueError(
                f"{name} {what} at {_show(y.index[bad.argmax()])}{more}. {remedy}, or leave that "
                "part of the series out."
            )
    return values


def _show(label):
    return str(label.date()) if isinstance(label, pd.Timestamp) and _is_date(label) else str(label)


def _is_date(stamp):
    return stamp == stamp.normalize() and stamp.tz is None


def _time_axis(index, name):
    """The sorted axis, and the order of rows that sorts it."""
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
    if index.is_monotonic_increasing:
        order, ordered = slice(None), index
    else:
        order = index.argsort()
        ordered = index[order]
    repeated = ordered.duplicated()
    if repeated.any():
        label = ordered[repeated.argmax()]
        raise ValueError(
            f"{name} has the time stamp {_show(label)} more than once"
            f"{f', and {repeated.sum() - 1} more repeats' if repeated.sum() > 1 else ''}. Keep one "
            "row each, for instance y.groupby(level=0).mean()."
        )
    if isinstance(index, pd.DatetimeIndex):
        return _datetime_axis(ordered, name), order
    if isinstance(index, pd.PeriodIndex):
        _no_gap(ordered, pd.period_range(ordered[0], ordered[-1], freq=index.freq), name)
        return TimeAxis(ordered, index.freq), order
    return _integer_axis(ordered, name), order


def _integer_axis(index, name):
    numbers = index.to_numpy(dtype=np.int64)
    steps = np.diff(numbers)
    step = int(steps.min()) if steps.size else 1
    expected = range(int(numbers[0]), int(numbers[-1]) + step, step)
    _no_gap(index, pd.Index(expected), name)
    return TimeAxis(pd.RangeIndex(expected.start, expected.stop, step, name=index.name), step)


def _datetime_axis(index, name):
    offset = index.freq if index.freq is not None and index.freq.n > 0 else None
    if offset is None:
        offset = _infer(index)
    if offset is None:
        raise ValueError(
            f"{name} has no regular frequency: no calendar step leads from {_show(index[0])} to "
            f"{_show(index[-1])} through its {len(index)} time stamps. Bring it to one, for "
            "instance y.resample('D').mean()."
        )
    _no_gap(index, _grid(index, offset), name)
    return TimeAxis(index, offset)


def _grid(index, offset):
    return pd.date_range(index[0], index[-1], freq=offset, unit=index.unit)


def _infer(index):
    """The offset whose grid holds every time stamp and misses fewest, or None."""
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
        grid = _grid(index, offset)
        if len(grid) < fewest and index.isin(grid).all():
            best, fewest = offset, len(grid)
    return best


def _inferred(index):
    # pd.infer_freq answers in strings that it announces to drop; this way asks for the offset.
    return pd.DatetimeIndex(index, freq="infer").freq if len(index) >= 3 else None


def _no_gap(index, expected, name):
    if len(expected) == len(index):
        return
    missing = expected[~expected.isin(index)]
    if not len(missing):
        label = index[~index.isin(expected)][0]
        raise ValueError(
            f"{name} has the time stamp {_show(label)} off its frequency "
            f"{getattr(expected, 'freqstr', '')}. Bring all to one frequency, for instance "
            "y.resample('D').mean()."
        )
    before = index[index.searchsorted(missing[0]) - 1]
    step = getattr(expected, "freqstr", None)
    at_step = f" at frequency {step}" if step else ""
    method = "asfreq" if isinstance(expected, pd.DatetimeIndex) else "reindex"
    raise ValueError(
        f"{name} has a gap: {_show(missing[0])} is missing after {_show(before)} "
        f"({len(missing)} missing in all{at_step}). Put the rows in with y.{method}(...) and fill "
        "them."
    )
