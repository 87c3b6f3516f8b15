"""Frequencies of time stamps: inferred from them, and positions of time stamps on their grids."""

from typing import Any

import numpy as np
import pandas as pd


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


def inferred_step(index: pd.Index) -> Any:
    """The step of sorted time stamps: an offset, an integer, or None where no offset fits."""
    if isinstance(index, pd.PeriodIndex):
        return index.freq
    if not isinstance(index, pd.DatetimeIndex):
        return int(np.gcd.reduce(np.diff(time_numbers(index)))) if len(index) > 1 else 1
    return index.freq if index.freq is not None and index.freq.n > 0 else _inferred_offset(index)


def _inferred_offset(index):
    """The offset that meets every time stamp and skips fewest others, or None."""
    offset = _pandas_offset(index)
    if offset is not None:
        return offset
    candidates = {each.freqstr: each for each in _semi_monthly_offsets(index)}
    for size in (3, 4, 8):  # stretches without a gap show the frequency of a series with gaps
        for first in range(0, len(index) - size + 1, max(1, len(index) // 200)):
            offset = _pandas_offset(index[first : first + size])
            if offset is not None:
                candidates[offset.freqstr] = offset
    best, fewest = None, np.inf
    for offset in candidates.values():
        positions = positions_of(index, offset)
        if (positions >= 0).all() and positions[-1] < fewest:
            best, fewest = offset, positions[-1]
    return best


def _pandas_offset(index):
    # pd.infer_freq returns strings that pandas deprecates; this way gives the offset.
    return pd.DatetimeIndex(index, freq="infer").freq if len(index) >= 3 else None


def _semi_monthly_offsets(index):
    """Offsets of two days a month, of which all time stamps are; pandas infers none."""
    offsets: list[Any] = []
    for is_edge, offset in (
        (index.day == 1, pd.offsets.SemiMonthBegin),
        (index.is_month_end, pd.offsets.SemiMonthEnd),
    ):
        others = index.day[~is_edge].unique()
        if len(others) == 1 and others[0] <= 27 and 0.25 <= np.mean(is_edge) <= 0.75:
            offsets.append(offset(day_of_month=int(others[0])))
    return offsets if len(index) > 2 else []


def positions_of(index: pd.Index, step: Any) -> np.ndarray:
    """Number of steps from the first entry to each; -1 where no number of steps leads to it."""
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    if step is None or is_time == isinstance(step, int):
        return np.full(len(index), -1)
    numbers, width = time_numbers(index), step_width(index, step)
    if width is None:
        return grid_positions(calendar_grid(index[0], step, index.unit, end=index[-1]), numbers)
    positions, remainders = np.divmod(numbers - numbers[0], width)
    return np.where(remainders == 0, positions, -1)
