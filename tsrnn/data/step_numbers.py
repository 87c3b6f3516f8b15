"""Numbers of the time steps of an index, counted from a fixed origin."""

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.frequency import step_width

_MONDAY = pd.Timestamp("1970-01-05")


def step_numbers(index: pd.Index, step: Any) -> np.ndarray:
    """Number of each step counted from a fixed origin, (n,) float64."""
    if isinstance(index, pd.DatetimeIndex):
        local = index.tz_localize(None)
        width = step_width(local, step)
        if width is not None:
            origin = _MONDAY.as_unit(local.unit).asm8.astype(np.int64)
            return (local.asi8 - int(origin)) / width
        period = _period_alias(step)
        if isinstance(step, (pd.offsets.SemiMonthBegin, pd.offsets.SemiMonthEnd)):
            is_first = local.day < _second_day(step)
            return (2.0 * local.to_period("M").asi8 + ~is_first) / step.n
        index = local.to_period(period)
        if period == "D":  # business days
            weeks, days = np.divmod(index.asi8 - _MONDAY.to_period("D").ordinal, 7)
            return (5 * weeks + np.minimum(days, 4)) / step.n
        return index.asi8 / step.n
    if isinstance(index, pd.PeriodIndex):
        return index.asi8 / index.freq.n
    return index.to_numpy(dtype=float) / step


def _second_day(step):
    """The least day of the second time stamp of each month of a semi-monthly frequency."""
    is_end = isinstance(step, pd.offsets.SemiMonthEnd)
    return 28 if is_end else step.day_of_month


def _period_alias(step):
    """Alias of the periods that hold one time stamp each of a calendar frequency."""
    alias = step.freqstr.lstrip("0123456789")
    if alias.startswith(("B", "C")) and not alias.startswith(("BM", "BQ", "BY", "CBM")):
        return "D"
    for start, period in (("W", "W"), ("Q", "Q"), ("BQ", "Q"), ("Y", "Y"), ("BY", "Y")):
        if alias.startswith(start):
            return period
    return "M"
