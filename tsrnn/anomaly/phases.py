"""Where in the day, the week or another season a point stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.time_axis import TimeAxis, step_width
from tsrnn.forecasting.seasonality import season_of
from tsrnn.kernels import portable

_MONDAY = pd.Timestamp("1970-01-05")
_DAY = pd.Timedelta(days=1)


def seasons_of(axis: TimeAxis, n: int) -> tuple[int, ...]:
    """Seasons in steps: that of the frequency, and the week where it is a day; twice in ``n``."""
    season = season_of(axis.frequency)
    seasons = [season] if season > 1 else []
    step = axis.step
    if seasons and isinstance(step, pd.offsets.Tick) and pd.Timedelta(step) * season == _DAY:
        seasons.append(7 * season)
    return tuple(each for each in seasons if 2 * each <= n)


def phases(index: pd.Index, step: Any, seasons: Sequence[int]) -> np.ndarray:
    """Sine and cosine of the place in each season, (n, 2 * n_seasons).

    Time stamps stand at the same place of a day or week wherever a series begins, by the clock of
    their zone; whole numbers count from 0.
    """
    return circles(count_of(index, step), seasons)


def circles(counts: np.ndarray, seasons: Sequence[int]) -> np.ndarray:
    """Sine and cosine of so many steps in each season, (n, 2 * n_seasons)."""
    if not seasons:
        return np.empty((len(counts), 0))
    turns = 2 * np.pi * (counts[:, None] % seasons) / seasons
    return np.stack(portable.sine_cosine(turns), axis=2).reshape(len(counts), -1)


def count_of(index: pd.Index, step: Any) -> np.ndarray:
    """Steps since a moment that does not depend on the index, (n,) float64."""
    if isinstance(index, pd.DatetimeIndex):
        walls = index.tz_localize(None)
        width = step_width(walls, step)
        if width is not None:
            return (walls.asi8 - _MONDAY.as_unit(walls.unit)._value) / width
        period = _periods_of(step)
        index = walls.to_period(period)
        if period == "D":  # of which weekends are left out
            weeks, days = np.divmod(index.asi8 - _MONDAY.to_period("D").ordinal, 7)
            return (5 * weeks + np.minimum(days, 4)) / step.n
        return index.asi8 / step.n
    if isinstance(index, pd.PeriodIndex):
        return index.asi8 / index.freq.n
    return index.to_numpy(dtype=float) / step


def _periods_of(step):
    """Periods that time stamps of a calendar's step are each in one of."""
    alias = step.freqstr.lstrip("0123456789")
    if alias.startswith(("B", "C")) and not alias.startswith(("BM", "BQ", "BY", "CBM")):
        return "D"
    for start, period in (("W", "W"), ("Q", "Q"), ("BQ", "Q"), ("Y", "Y"), ("BY", "Y")):
        if alias.startswith(start):
            return period
    return "M"
