"""Generator of dates in the styles that people write them in."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from tsrnn.datasets.seeds import random_generator
from tsrnn.parameters import Integer, validated

if TYPE_CHECKING:
    import numpy as np

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_FIRST, _LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
_N_DAYS = (_LAST - _FIRST).days + 1
# A date {d} in each style: its month {m}, weekday {w} and ordinal {o}, "3rd".
_STYLES = (
    "{d.day} {m} {d.year}",
    "{m} {d.day}, {d.year}",
    "the {o} of {m}, {d.year}",
    "{m} {o} {d.year}",
    "{w}, {d.day} {m} {d.year}",
    "{w:.3} {d.day:02} {m:.3} {d.year}",
    "{d.day}-{m:.3}-{d:%y}",
    "{d.day}.{d.month}.{d.year}",
    "{d.month}/{d.day}/{d.year}",
    "{d:%Y%m%d}",
)


@validated(n_samples=[Integer(1, _N_DAYS * len(_STYLES))])
def make_dates(
    n_samples: int = 22_000,
    *,
    random_state: int | np.random.Generator | None = None,
) -> tuple[list[str], list[str]]:
    """Generate dates in ten styles, and the same in ISO 8601: to translate one into the other.

    Days are from 1950 to 2049, so that two digits tell the year. With dots the day comes first,
    as in 3.12.2019, with slashes the month, as in 12/3/2019. No text occurs twice.

    Parameters
    ----------
    n_samples : int, default=22000
        Number of dates, at most 365250.
    random_state : int, numpy.random.Generator or None, default=None
        Seed or generator of the random values.

    Returns
    -------
    texts, dates : list of str
        Dates in words or numbers, and as "2019-03-03".

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    make_sentences : Pairs of sentences.
    tsrnn.RNNTranslator : Learns such pairs.

    Examples
    --------
    >>> from tsrnn.datasets import make_dates
    >>> texts, dates = make_dates(5, random_state=0)
    >>> for text, date in zip(texts, dates):
    ...     print(date, "<-", text)
    2013-09-11 <- 9/11/2013
    2001-02-11 <- February 11, 2001
    1976-12-23 <- 19761223
    1980-10-13 <- Monday, 13 October 1980
    2035-01-23 <- 23.1.2035
    """
    rng = random_generator(random_state)
    pairs = rng.choice(_N_DAYS * len(_STYLES), n_samples, replace=False)
    days = [_FIRST + datetime.timedelta(days=pair // len(_STYLES)) for pair in pairs.tolist()]
    texts = [
        _STYLES[pair % len(_STYLES)].format(
            d=day, m=_MONTHS[day.month - 1], w=_DAYS[day.weekday()], o=_ordinal(day.day)
        )
        for day, pair in zip(days, pairs.tolist(), strict=True)
    ]
    return texts, [day.isoformat() for day in days]


def _ordinal(n):
    """A number from 1 to 31 as "1st", "22nd" or "13th"."""
    ending = "th" if n // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
