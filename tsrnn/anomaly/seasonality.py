"""Default seasons of a series, and the position of its time stamps in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import DataError, TimeAxis
from tsrnn.data.frequency import step_width
from tsrnn.forecasting.seasonality import season_of
from tsrnn.kernels import portable

_MONDAY = pd.Timestamp("1970-01-05")
_DAY = pd.Timedelta(days=1)


def default_seasons(axis: TimeAxis, n: int) -> tuple[int, ...]:
    """Seasons of a frequency in steps, with the week if it is a day; each fits twice in ``n``."""
    season = season_of(axis.frequency)
    seasons = [season] if season > 1 else []
    step = axis.step
    if seasons and isinstance(step, pd.offsets.Tick) and pd.Timedelta(step) * season == _DAY:
        seasons.append(7 * season)
    return tuple(n_steps for n_steps in seasons if 2 * n_steps <= n)


def resolved_seasons(season: Any, axis: TimeAxis, n: int) -> tuple[int, ...]:
    """Seasons in steps for the parameter ``season``, of series of at most ``n`` steps."""
    if isinstance(season, str):
        return default_seasons(axis, n)
    seasons = tuple(int(n_steps) for n_steps in np.atleast_1d(season))
    if not all(n_steps >= 1 for n_steps in seasons):
        raise ValueError(f"season must be 1 or more steps, got {season!r}.")
    if 2 * max(seasons) > n:
        raise DataError(
            f"has {n} observations, and season={max(seasons)} needs {2 * max(seasons)} observations"
            " to be learned",
            "Give more history, or a shorter season.",
        )
    return tuple(n_steps for n_steps in seasons if n_steps > 1)


def seasonal_features(index: pd.Index, step: Any, seasons: Sequence[int]) -> np.ndarray:
    """Sine and cosine of the phase in each season, (n, 2 * n_seasons).

    The phase of a time stamp is that of its local time; integers count from 0.
    """
    return phase_features(step_numbers(index, step), seasons)


def phase_features(numbers: np.ndarray, seasons: Sequence[int]) -> np.ndarray:
    """Sine and cosine of the phase of numbered steps in each season, (n, 2 * n_seasons)."""
    if not seasons:
        return np.empty((len(numbers), 0))
    angles = 2 * np.pi * (numbers[:, None] % seasons) / seasons
    return np.stack(portable.sine_cosine(angles), axis=2).reshape(len(numbers), -1)


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
