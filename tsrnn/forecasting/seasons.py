"""How long a season is, by an index's frequency and by the values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

# Entries of the natural season at one step of the frequency: a year of months, a week of days,
# a day of hours. Finer steps are counted in minutes, of which a day has 1440.
_SEASONS = {"Y": 1, "YE": 1, "YS": 1, "Q": 4, "QE": 4, "QS": 4, "M": 12, "ME": 12, "MS": 12}
_SEASONS |= {"BYE": 1, "BYS": 1, "BQE": 4, "BQS": 4, "BME": 12, "BMS": 12, "SME": 24, "SMS": 24}
_SEASONS |= {"W": 52, "D": 7, "B": 5, "C": 5, "h": 24, "min": 1440, "s": 3600}


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
    season, rest = divmod(_SEASONS.get(alias, 1), frequency.n)
    return season if rest == 0 and season > 0 else 1


def season_shows(values: np.ndarray, season: int) -> bool:
    """Whether the value a season before errs less than the last value, over one season ahead.

    Needs three seasons of values to judge; False with fewer.
    """
    if season < 2 or values.size < 3 * season:
        return False
    ahead = [np.abs(values[k:] - values[:-k]).mean() for k in range(1, season + 1)]
    return bool(ahead[-1] < np.mean(ahead[:-1]))
