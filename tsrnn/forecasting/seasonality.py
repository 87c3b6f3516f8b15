"""The length of a season, by an index's frequency and by the values; and when logarithms help."""

import math
import re
from typing import Any

import numpy as np

# Steps of a year for the calendar's frequencies.
_STEPS_OF_YEAR = {"Y": 1, "YE": 1, "YS": 1, "Q": 4, "QE": 4, "QS": 4, "M": 12, "ME": 12, "MS": 12}
_STEPS_OF_YEAR |= {"BYE": 1, "BYS": 1, "BQE": 4, "BQS": 4, "BME": 12, "BMS": 12}
_STEPS_OF_YEAR |= {"SME": 24, "SMS": 24}
_STEPS_OF_WEEK = {"B": 5, "C": 5}
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3600, "min": 60, "s": 1}
# The cycle of steps shorter than each: an hour of seconds, a day, a week, a year of weeks.
_CYCLES = ((60, 3600), (86_400, 86_400), (604_800, 604_800), (math.inf, 52 * 604_800))


def season_of(frequency: Any) -> int:
    """Steps of a season for a pandas offset; 1 where it has none or is None.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.forecasting.seasonality import season_of
    >>> [season_of(pd.tseries.frequencies.to_offset(f)) for f in ("MS", "QS", "W", "30min", "7h")]
    [12, 4, 52, 48, 1]
    """
    if frequency is None:
        return 1
    alias = re.sub(r"^\d+", "", frequency.freqstr).partition("-")[0]
    step, cycle = frequency.n, (_STEPS_OF_YEAR | _STEPS_OF_WEEK).get(alias, 1)
    if alias in _SECONDS:
        step *= _SECONDS[alias]
        cycle = next(cycle for limit, cycle in _CYCLES if step < limit)
    season, rest = divmod(cycle, step)
    return season if rest == 0 and season > 0 else 1


def is_seasonal(values: np.ndarray, season: int) -> bool:
    """Whether the value a season before forecasts better than the last, over one season ahead.

    Both after the drift of the series, which a network learns easily. At least three seasons.
    """
    if season < 2 or values.size < 3 * season:
        return False
    changes = (values[k:] - values[:-k] for k in range(1, season + 1))
    errors = [np.abs(change - change.mean()).mean() for change in changes]
    return bool(errors[-1] < np.mean(errors[:-1]))


def prefers_logarithm(values: np.ndarray, season: int) -> bool:
    """Whether the variation of positive values grows with their level.

    Guerrero's (1993) comparison for the powers 0 and 1: within stretches of a season, is the
    deviation over the mean steadier from stretch to stretch than the deviation itself, clearly?
    """
    length = max(season, 4)
    n_stretches = values.size // length
    if n_stretches < 3 or values.min() <= 0:
        return False
    values = np.ldexp(values, -np.frexp(values.max())[1])  # near 1: squares do not underflow
    stretches = values[values.size - n_stretches * length :].reshape(n_stretches, length)
    deviation = stretches.std(axis=1)
    ratio = deviation / stretches.mean(axis=1)
    if deviation.mean() == 0:
        return False
    # By a fifth: where the level hardly changes, the two differ by chance alone.
    return bool(ratio.std() / ratio.mean() < 0.8 * deviation.std() / deviation.mean())
