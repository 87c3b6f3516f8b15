"""Cycle: one cycle of a season, from where the calendar begins it, with the calendar's labels."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAYS = {"day": (1, 1), "week": (7, 7), "year": (360, 370)}  # least and most of each
_WIDE = 6.0  # inches of axes that have room for the label of each month


@dataclasses.dataclass(frozen=True, eq=False)
class Cycle:
    """Values of a season over one cycle."""

    values: pd.Series  # on time stamps, or on numbers of steps where it is no cycle of the calendar
    season: float  # in steps
    unit: str | None  # "day", "week", "year" or None

    @classmethod
    def of(cls, values: pd.Series, season: float) -> Cycle:
        """One cycle of values that repeat themselves."""
        index, n = values.index, round(season)
        if isinstance(index, pd.PeriodIndex):
            index = index.to_timestamp()
        if isinstance(index, pd.DatetimeIndex) and len(index) > n:
            local = index.tz_localize(None)
            days = (local[n] - local[0]) / pd.Timedelta(days=1)
            for unit, (least, most) in _DAYS.items():
                starts = np.flatnonzero(_is_start(local, unit))
                starts = starts[starts + n <= len(local)]
                if least <= days <= most and starts.size:
                    rows = slice(starts[0], starts[0] + n)
                    return cls(values.iloc[rows].set_axis(local[rows]), season, unit)
        steps = pd.RangeIndex(min(n, len(values)), name="step of the season")
        return cls(values.iloc[: len(steps)].set_axis(steps), season, None)

    def label(self, ax: Axes) -> None:
        """Label axes by hours, days of the week or months."""
        from matplotlib.dates import DateFormatter, DayLocator, HourLocator, MonthLocator

        is_wide = ax.get_window_extent().width / ax.figure.dpi > _WIDE
        locators = {
            "day": HourLocator(byhour=range(0, 24, 3 if is_wide else 6)),
            "week": DayLocator(),
            "year": MonthLocator(interval=1 if is_wide else 3),
        }
        patterns = {"day": "%H:%M", "week": "%a", "year": "%b"}
        if self.unit is not None:
            ax.xaxis.set_major_locator(locators[self.unit])
            ax.xaxis.set_major_formatter(DateFormatter(patterns[self.unit]))


def _is_start(local, unit):
    """Which time stamps are the first of a day, a week or a year."""
    dates = {"day": local.normalize(), "week": local.to_period("W"), "year": local.year}[unit]
    return np.append(False, dates[1:] != dates[:-1])
