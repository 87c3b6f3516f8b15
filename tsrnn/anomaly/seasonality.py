"""Default seasons of a series, and the position of its time stamps in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import DataError, TimeAxis
from tsrnn.data.step_numbers import step_numbers
from tsrnn.forecasting.seasonality import season_of
from tsrnn.kernels import portable

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
