"""Holidays of countries by name, as the package ``holidays`` lists them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import DataError, Location
from tsrnn.parameters import CountryCode

_YEARS_AROUND = 10  # that are known before and after the fitted series
_SUBSTITUTE = re.compile(r" \((observed|estimated|observed, estimated)\)$")


@dataclasses.dataclass(frozen=True, eq=False)
class CountryHolidays:
    """Holidays by name: a channel for any of them, and one for each that the fitted series saw.

    A name that no fitted time stamp falls on has no channel: the network could not learn its
    effect, and takes that of any holiday.
    """

    names: tuple[str, ...]  # those with a channel
    days: np.ndarray  # (n,) datetime64[D]; a day stands once for each of its names
    numbers: np.ndarray  # (n,) int64, position in ``names``, -1 without a channel
    years: tuple[int, int]  # the first and the last that are known

    @classmethod
    def of(cls, codes: Sequence[str], indexes: Sequence[pd.Index]) -> CountryHolidays:
        """Holidays of countries or subdivisions in the years around the time stamps of series."""
        seen = np.unique(np.concatenate([np.unique(days_of(index)) for index in indexes]))
        first, last = (pd.Timestamp(day).year for day in seen[[0, -1]])
        years = first - _YEARS_AROUND, last + _YEARS_AROUND
        pairs = sorted({pair for code in codes for pair in _listed(code, years)})
        days = np.array([day for day, _ in pairs], "M8[D]")
        names = sorted({name for day, name in pairs if day in set(seen.tolist())})
        places = {name: number for number, name in enumerate(names)}
        numbers = np.array([places.get(name, -1) for _, name in pairs], np.int64)
        return cls(tuple(names), days, numbers, years)

    @property
    def n_channels(self) -> int:
        """Channels: any holiday, and each by name."""
        return 1 + len(self.names)

    def channels(self, index: pd.Index) -> np.ndarray:
        """Marks of the holidays that time stamps are on, (n, n_channels).

        DataError if some are outside of the years that are known.
        """
        days = days_of(index)
        years = days.astype("M8[Y]").astype(int) + 1970
        if years.size and not self.years[0] <= years.min() <= years.max() <= self.years[1]:
            raise DataError(
                f"has time stamps from {years.min()} to {years.max()}, and holidays were listed "
                f"from {self.years[0]} to {self.years[1]}, around the fitted series",
                "Fit on series of these years.",
            )
        each = [self.days[self.numbers == number] for number in range(len(self.names))]
        return np.column_stack([np.isin(days, marked) for marked in (self.days, *each)])


def days_of(index: pd.Index) -> np.ndarray:
    """The day of each time stamp, by local time, (n,) datetime64[D]."""
    stamps = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    return stamps.tz_localize(None).to_numpy().astype("M8[D]")


def country_codes(holidays: Any) -> tuple[str, ...]:
    """Codes of countries, if ``holidays`` is one, or a list of nothing else; else none."""
    codes = (holidays,) if isinstance(holidays, str) else tuple(holidays)
    return codes if all(map(CountryCode().accepts, codes)) else ()


def _listed(code, years):
    """Pairs of a day and a name of the holidays of a country or subdivision."""
    try:
        import holidays
    except ImportError as error:
        raise ImportError(
            f'holidays={code!r} needs the package holidays: pip install "tsrnn[holidays]", or '
            "give the dates."
        ) from error
    country, _, subdivision = code.partition("-")
    supported = holidays.list_supported_countries()
    if country not in supported:
        raise Location("holidays").error(
            f"must be dates or codes of countries such as 'DE', got {code!r}",
            "Give the code of two letters of ISO 3166, 'DE', with a subdivision 'DE-BY', or dates.",
        )
    if subdivision and subdivision not in supported[country]:
        raise Location("holidays").error(
            f"has the subdivision {code!r}, which the package holidays doesn't know",
            f"Give one of {', '.join(f'{country}-{part}' for part in supported[country])}."
            if supported[country]
            else f"Give {country!r}.",
        )
    span = range(years[0], years[1] + 1)
    subdivision, language = subdivision or None, "en_US"  # not that of the machine
    found = holidays.country_holidays(country, subdivision, span, language=language)
    return [(day, _SUBSTITUTE.sub("", name)) for day in found for name in found.get_list(day)]
