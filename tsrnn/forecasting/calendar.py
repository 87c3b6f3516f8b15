"""Channels of the time stamps: calendars as sines and cosines or one-hot, and holidays."""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import Collection, Location
from tsrnn.kernels import portable

_CYCLES: dict[str, tuple[Callable[[pd.Index], Any], float, int]] = {
    # A number from an index, the length of its cycle, and the harmonics that encode it.
    "minute": (lambda index: index.minute, 60, 1),
    "hour": (lambda index: index.hour + index.minute / 60, 24, 2),
    "day": (lambda index: (index.day - 1) / index.days_in_month, 1, 1),
    "month": (lambda index: index.month - 1, 12, 2),
    "day_of_year": (lambda index: index.day_of_year - 1, 365.25, 2),
}
CALENDAR = (*_CYCLES, "weekday")
_DATE = re.compile(r"(\d{4})(?:([-/.])(\d\d?)\2(\d\d?)|(\d\d)(\d\d))([T ].+)?")


def n_calendar_channels(names: Sequence[str]) -> int:
    """Channels of calendar features."""
    return sum(7 if name == "weekday" else 2 * _CYCLES[name][2] for name in names)


def calendar_channels(
    indexes: Sequence[pd.Index], names: Sequence[str], holidays: np.ndarray
) -> np.ndarray:
    """Channels of calendar features and holidays, (n_rows, n), of indexes end to end."""
    if not (names or holidays.size):
        return np.empty((sum(len(index) for index in indexes), 0))
    encoded = {id(index): index for index in indexes}
    encoded = {key: _encode(index, names, holidays) for key, index in encoded.items()}
    return np.concatenate([encoded[id(index)] for index in indexes])


def _encode(index, names, holidays):
    columns = []
    for name in names:
        if name == "weekday":
            columns.append(np.eye(7)[np.asarray(index.day_of_week)])
            continue
        number_of, cycle, n_harmonics = _CYCLES[name]
        angle = 2 * np.pi * np.asarray(number_of(index), float) / cycle
        for k in range(1, n_harmonics + 1):
            columns.append(np.column_stack(portable.sine_cosine(k * angle)))
    if holidays.size:
        stamps = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
        days = stamps.tz_localize(None).to_numpy().astype("M8[D]")
        columns.append(np.isin(days, holidays)[:, None])
    return np.hstack(columns)


def check_calendar(calendar: str | Sequence[str], collection: Collection) -> tuple[str, ...]:
    """Names of calendar features, checked."""
    names = (calendar,) if isinstance(calendar, str) else tuple(calendar)
    if names and collection.axes[0].frequency is None:
        problem = "needs dates, and times are whole numbers here"
        raise Location("calendar").error(problem, "Use dates, or leave it out.")
    return names


def check_holidays(holidays: Any, collection: Collection) -> np.ndarray:
    """Holidays as sorted days, checked."""
    if holidays is None or len(holidays) == 0:
        return np.empty(0, "M8[D]")
    days, zone = [], getattr(collection.axes[0].index, "tz", None)
    for k, entry in enumerate(holidays):
        try:
            days.append(_day(entry, zone))
        except (TypeError, ValueError) as error:
            raise Location("holidays").error(
                f"must be dates such as '2024-12-25': entry {k} is {entry!r}, {error}",
                "Give each as a date, a time stamp, a period of a day or a text, year first.",
                row=k,
            ) from error
    step = collection.axes[0].frequency
    if step is not None:  # as business days leave out weekends, the least of several steps
        stamps = pd.date_range("2024-01-01", periods=4, freq=step)
    if step is None or np.diff(stamps).min() > np.timedelta64(1, "D"):
        have = "no dates" if step is None else f"the frequency {step.freqstr}"
        raise Location("holidays").error(
            f"are days, and times have {have}",
            "Leave them out, or give the share of them in each step as a column of X.",
        )
    return np.unique(np.array(days))


def _day(entry, zone):
    """The day of a holiday; ValueError says what is wrong with the entry.

    A time of day in a time zone is on the day that it is on in ``zone``, that of the series.
    """
    if pd.api.types.is_scalar(entry) and pd.isna(entry):
        raise ValueError("which is missing")
    if isinstance(entry, str):
        entry = _stamp(entry)
    if isinstance(entry, pd.Period):
        first, last = entry.start_time, entry.end_time
    elif isinstance(entry, np.datetime64):
        first = last = pd.Timestamp(entry)
        if np.datetime_data(entry.dtype)[0] in ("Y", "M", "W"):
            last = pd.Timestamp(entry + 1)
    elif isinstance(entry, datetime.date):
        first = last = pd.Timestamp(entry)
    else:
        raise ValueError(f"of type {type(entry).__name__}, which is no date")
    if first.normalize() != last.normalize():
        raise ValueError("which is longer than a day")
    if first.tz is not None and first != first.normalize():
        if zone is None:
            raise ValueError("a time of day in a time zone, and the series has none")
        first = first.tz_convert(zone)
    return first.tz_localize(None).to_datetime64().astype("M8[D]")


def _stamp(text):
    """The time stamp of a text, year first: others, such as 01.02.2024, have two readings."""
    parts = _DATE.fullmatch(text.strip())
    if parts is None:
        raise ValueError("which is no text like 2024-12-25")
    year, _, month, day, short_month, short_day, time = parts.groups()
    date = datetime.date(int(year), int(month or short_month), int(day or short_day))
    return pd.Timestamp(f"{date.isoformat()}{time or ''}")
