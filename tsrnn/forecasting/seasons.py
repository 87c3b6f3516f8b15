"""How long a season is, by an index's frequency and by the values."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

# Entries of a year at one step of the calendar's frequencies.
_A_YEAR = {"Y": 1, "YE": 1, "YS": 1, "Q": 4, "QE": 4, "QS": 4, "M": 12, "ME": 12, "MS": 12}
_A_YEAR |= {"BYE": 1, "BYS": 1, "BQE": 4, "BQS": 4, "BME": 12, "BMS": 12, "SME": 24, "SMS": 24}
_A_WEEK = {"B": 5, "C": 5}
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3600, "min": 60, "s": 1}
# The cycle of steps shorter than each: an hour of seconds, a day, a week, a year of weeks.
_CYCLES = ((60, 3600), (86_400, 86_400), (604_800, 604_800), (math.inf, 52 * 604_800))


def season_of(frequency: Any) -> int:
    """Entries of a season for a pandas offset; 1 where it has none or is None.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.forecasting.seasons import season_of
    >>> [season_of(pd.tseries.frequencies.to_offset(f)) for f in ("MS", "QS", "W", "30min", "7h")]
    [12, 4, 52, 48, 1]
    """
    if frequency is None:
        return 1
    alias = re.sub(r"^\d+", "", frequency.freqstr).partition("-")[0]
    step, cycle = frequency.n, (_A_YEAR | _A_WEEK).get(alias, 1)
    if alias in _SECONDS:
        step *= _SECONDS[alias]
        cycle = next(cycle for limit, cycle in _CYCLES if step < limit)
    season, rest = divmod(cycle, step)
    return season if rest == 0 and season > 0 else 1


def season_shows(values: np.ndarray, season: int) -> bool:
    """Whether the value a season before tells more than the last value, over one season ahead.

    Both are allowed the drift of the series, which a network learns easily. Needs three seasons of
    values to judge; False with fewer.
    """
    if season < 2 or values.size < 3 * season:
        return False
    changes = (values[k:] - values[:-k] for k in range(1, season + 1))
    ahead = [np.abs(change - change.mean()).mean() for change in changes]
    return bool(ahead[-1] < np.mean(ahead[:-1]))
