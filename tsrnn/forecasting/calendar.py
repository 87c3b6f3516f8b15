"""Channels of the time stamps: calendars and seasons as sines and cosines or one-hot, holidays."""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import Collection, Location
from tsrnn.data.step_numbers import step_numbers
from tsrnn.forecasting.country_holidays import CountryHolidays, country_codes, days_of
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
_MAX_HARMONICS = 3  # of a season
_DATE = re.compile(r"(\d{4})(?:([-/.])(\d\d?)\2(\d\d?)|(\d\d)(\d\d))([T ].+)?")


def n_calendar_channels(names: Sequence[str]) -> int:
    """Channels of calendar features."""
    return sum(7 if name == "weekday" else 2 * _CYCLES[name][2] for name in names)


def calendar_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """The feature that each channel is of, and the channel's own name."""
    labels = []
    for name in names:
        if name == "weekday":
            labels += [(name, f"{name}={day}") for day in range(7)]
        else:
            labels += [(name, wave) for wave in _wave_names(name, _CYCLES[name][2])]
    return labels


def fourier_names(seasons: Sequence[float]) -> list[tuple[str, str]]:
    """The season that each channel of Fourier terms is of, and the channel's own name."""
    features = [(f"season {season:g}", _n_harmonics(season)) for season in seasons]
    return [(name, wave) for name, n in features for wave in _wave_names(name, n)]


def _wave_names(name, n_harmonics):
    """Names of the channels that ``_waves`` makes."""
    harmonics = range(1, n_harmonics + 1)
    return [f"{name} {wave} {k}" for k in harmonics for wave in ("sin", "cos")]


def calendar_channels(index: pd.Index, names: Sequence[str]) -> np.ndarray:
    """Channels of calendar features, (n_rows, n)."""
    columns = [np.empty((len(index), 0))]
    for name in names:
        if name == "weekday":
            columns.append(np.eye(7)[np.asarray(index.day_of_week)])
            continue
        number_of, cycle, n_harmonics = _CYCLES[name]
        angle = 2 * np.pi * np.asarray(number_of(index), float) / cycle
        columns.append(_waves(angle, n_harmonics))
    return np.hstack(columns)


def n_fourier_channels(seasons: Sequence[float]) -> int:
    """Channels of the Fourier terms of seasons."""
    return sum(2 * _n_harmonics(season) for season in seasons)


def fourier_channels(index: pd.Index, step: Any, seasons: Sequence[float]) -> np.ndarray:
    """Fourier terms of seasons of so many steps, (n_rows, n): sines and cosines of the phase."""
    if not seasons:
        return np.empty((len(index), 0))
    numbers = step_numbers(index, step)
    return np.hstack([_waves(2 * np.pi * (numbers % s) / s, _n_harmonics(s)) for s in seasons])


def _n_harmonics(season):
    """As many as the steps tell apart, at most three: more would follow the noise of a year."""
    return max(1, min(_MAX_HARMONICS, int(season / 2)))


def _waves(angle, n_harmonics):
    """Sines and cosines of angles and of their multiples, (n_rows, 2 * n_harmonics)."""
    waves = [np.column_stack(portable.sine_cosine(k * angle)) for k in range(1, n_harmonics + 1)]
    return np.hstack(waves)


def holiday_channels(index: pd.Index, holidays: np.ndarray) -> np.ndarray:
    """Marks of the time stamps that are on holidays, (n_rows, 1); (n_rows, 0) without holidays."""
    if not holidays.size:
        return np.empty((len(index), 0))
    return np.isin(days_of(index), holidays)[:, None]


def check_calendar(calendar: str | Sequence[str], collection: Collection) -> tuple[str, ...]:
    """Names of calendar features, checked."""
    names = (calendar,) if isinstance(calendar, str) else tuple(calendar)
    if names and collection.axes[0].frequency is None:
        problem = "needs dates, and times are whole numbers here"
        raise Location("calendar").error(problem, "Use dates, or leave it out.")
    return names


def check_holidays(holidays: Any, collection: Collection) -> np.ndarray:
    """Holidays as sorted days, checked; none where they are codes of countries."""
    if holidays is None or len(holidays) == 0 or country_codes(holidays):
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
    _check_steps_of_days(collection)
    return np.unique(np.array(days))


def check_countries(holidays: Any, collection: Collection) -> CountryHolidays | None:
    """Holidays of countries by name, checked; None where they are days."""
    codes = () if holidays is None else country_codes(holidays)
    if not codes:
        return None
    _check_steps_of_days(collection)
    return CountryHolidays.of(codes, [axis.index for axis in collection.axes])


def _check_steps_of_days(collection):
    """Refuse holidays where time stamps have no dates, or are further apart than days."""
    step = collection.axes[0].frequency
    if step is not None:  # as business days leave out weekends, the least of several steps
        stamps = pd.date_range("2024-01-01", periods=4, freq=step)
    if step is None or np.diff(stamps).min() > np.timedelta64(1, "D"):
        have = "no dates" if step is None else f"the frequency {step.freqstr}"
        raise Location("holidays").error(
            f"are days, and times have {have}",
            "Leave them out, or give the share of them in each step as a column of X.",
        )


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
