"""Times of a file that are text or whole numbers: the format is found by regular steps."""

import calendar
import re
import warnings

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

_YEARS = 1000, 3000  # range in which consecutive whole numbers are years
_YEARS_OF_DATES = 1700, 2200  # range of the years of whole numbers such as 201801
_QUARTER = r"(?i:(?P<y>(?:\d\d)?\d\d)[ /-]?Q(?P<q>[1-4])|Q(?P<first>[1-4])[ /-]?(?P<last>\d{4}))"
# Formats of whole numbers by their digits, leading zeros included; the first are preferred
_DIGITS = {
    6: [["%Y%m"], ["%m%Y"], ["%y%m%d", "%d%m%y", "%m%d%y"], ["%G%V"]],
    7: [["%Y%j"]],
    8: [["%Y%m%d"], ["%d%m%Y", "%m%d%Y"]],
    10: [["%Y%m%d%H"]],
    12: [["%Y%m%d%H%M"]],
    14: [["%Y%m%d%H%M%S"]],
}
_YEAR_FIRST = re.compile(r"\d{4}([-/.]\d\d?[-/.]\d|\d{4})")
_CLOCK = r"(?P<gap>[T ]+)\d\d?:\d\d(?P<seconds>:\d\d(?P<fraction>\.\d+)?)?(?P<half> ?[AaPp][Mm])?"
_MONTHS = dict.fromkeys(map(str.lower, calendar.month_name[1:]), "B")
_MONTHS |= dict.fromkeys(map(str.lower, calendar.month_abbr[1:]), "b")
# Possible formats of a date, by its parts: digits of a number, b for a month's name, w for a week
_ORDERS = {
    "2 2 4": ("mdY", "dmY"),
    "2 2 2": ("mdy", "dmy", "ymd"),
    "4 2 2": ("Ymd",),
    "4 2": ("Ym",),
    "4 w 2": ("GwV",),
    "2 4": ("mY",),
    "2 2": ("my", "ym", "md", "dm"),
    "2 b 4": ("dbY",),
    "b 2 4": ("bdY",),
    "4 b 2": ("Ybd",),
    "2 b 2": ("dby", "ybd"),
    "b 2 2": ("bdy",),
    "b 4": ("bY",),
    "4 b": ("Yb",),
    "b 2": ("by", "bd"),
    "2 b": ("yb", "db"),
}
_YEAR = re.compile("%[YyGcx]|ISO8601|mixed")  # in a format
_LAST_SHORT_YEAR = 2050  # last year that two digits stand for; the first is 1951
_CLEARLY = 2  # a format is chosen if all others are less regular by this factor


def times_from(
    text: pd.Series, series: pd.Series, name: str, time_format: str | None
) -> tuple[pd.Index, str]:
    """Times in the cells of column ``name``, NaT for bad cells, and what is wrong with those.

    Without a format quarters and consecutive years become periods, and whole numbers stay unless
    they are dates such as 201801. If several formats fit, the one in which each of the ``series``
    has the most regular steps is chosen; ValueError if it is not clear which.
    """
    if time_format is not None:
        if not _YEAR.search(time_format):
            raise ValueError(f"--time-format {time_format} has no year, such as %Y")
        return _parsed(text, time_format), f"which is not a time stamp like {time_format}"
    numbers = pd.to_numeric(text, errors="coerce")
    is_whole = numbers.mod(1).eq(0) & numbers.abs().lt(2**63)
    if is_whole.all():
        return _whole_numbers(numbers.astype("int64"), series, name), ""
    if text.str.fullmatch(_QUARTER).all():
        parts = text.str.extract(_QUARTER)
        years, quarters = parts["y"].fillna(parts["last"]), parts["q"].fillna(parts["first"])
        return pd.PeriodIndex(years + "Q" + quarters, freq="Q"), ""
    stamps = _time_stamps(text, series, name)
    if stamps.hasnans and numbers.notna().all():
        stamps = pd.DatetimeIndex(np.where(is_whole, "2000", "NaT"))
        return stamps, "which is neither a time stamp nor a whole number"
    like = "" if pd.isna(stamps[0]) else f" like {text.iloc[0]}"
    return stamps, f"which is not a time stamp{like}"


def _whole_numbers(numbers, series, name):
    """Consecutive years as periods, dates without separators as time stamps, or the numbers."""
    steps = _steps(numbers, series)
    if numbers.between(*_YEARS).all() and (not steps.size or steps.min() == 1):
        return pd.PeriodIndex(numbers.astype(str), freq="Y")
    text = numbers.astype(str)
    n_digits = text.str.len().max()
    groups = []  # readings of formats, and the irregularity of the best
    for n in (n_digits, n_digits + 1):
        for formats in _DIGITS.get(n, ()):
            parsed = {form: _strictly_parsed(text.str.zfill(n), form) for form in formats}
            readings = {f: t for f, t in parsed.items() if _are_dates(t, f, series, steps)}
            if readings:
                best = min(_irregularity(_steps(t, series)) for t in readings.values())
                groups.append((readings, best))
    for readings, best in groups:
        if best < _CLEARLY * min(best for _, best in groups):
            return _most_regular(readings, series, name, text)
    return pd.Index(numbers)


def _are_dates(stamps, time_format, series, steps):
    """Whether whole numbers with these ``steps`` are dates in a format rather than a count."""
    if stamps is None or not stamps.year.isin(range(*_YEARS_OF_DATES)).all():
        return False
    # A count may look like dates whose year comes last, but not in steps of 10000 or more.
    is_likely = time_format[1] in "YG" or (steps.size > 0 and steps.min() >= 10_000)
    bound = _irregularity(steps) * (_CLEARLY if is_likely else 1 / _CLEARLY)
    return _irregularity(_steps(stamps, series)) < bound


def _time_stamps(text, series, name):
    """Time stamps in the format that fits all cells, or else most of them, with NaT for others."""
    formats = _formats_of(text.iloc[0])
    parsed = {time_format: _strictly_parsed(text, time_format) for time_format in formats}
    readings = {form: stamps for form, stamps in parsed.items() if stamps is not None}
    if readings:
        return _most_regular(readings, series, name, text)
    return min((_parsed(text, form) for form in formats), key=lambda stamps: stamps.isna().sum())


def _formats_of(cell):
    """Formats that a time may have; None lets pandas find one, with a year of four digits."""
    if _YEAR_FIRST.match(cell):
        return [None]
    match = re.fullmatch(rf"(?P<date>.*?)(?:{_CLOCK})?", cell)
    parts = re.findall(r"\d+|[^\W\d_]+|[\W_]+", match["date"])
    kinds = [_kind(part) for part in parts]
    orders = _ORDERS.get(" ".join(filter(None, kinds)), ())
    if orders:
        clock = _clock_format(match) if match["gap"] else ""
        formats = [_date_format(parts, kinds, order) + clock for order in orders]
        is_may = "may" in map(str.lower, parts)  # the name of a month, or its abbreviation
        return formats + [form.replace("%b", "%B") for form in formats if is_may]
    if re.fullmatch(r"[\d.]+", cell):  # pandas would read the year of 2018.0833 alone
        return ["%Y.%m"]
    guesses = [guess_datetime_format(cell, dayfirst=dayfirst) for dayfirst in (False, True)]
    return [None] if None in guesses else list(dict.fromkeys(guesses))


def _kind(part):
    """The kind of a part of a date as in ``_ORDERS``; None for a separator."""
    if part.isdecimal():
        return {1: "2", 2: "2", 4: "4"}.get(len(part), "other")
    if not part.isalpha() or part in ("M", "m", "年", "月", "日"):
        return None
    return "b" if part.lower() in _MONTHS else {"w": "w"}.get(part.lower(), "other")


def _date_format(parts, kinds, order):
    fields, directives = iter(order), []
    for part, kind in zip(parts, kinds, strict=True):
        field = next(fields) if kind else None
        directive = _MONTHS[part.lower()] if kind == "b" else field
        directives.append(f"%{directive}" if kind not in (None, "w") else part)
    return "".join(directives)


def _clock_format(match):
    hour = "%I" if match["half"] else "%H"
    seconds = (":%S" if match["seconds"] else "") + (".%f" if match["fraction"] else "")
    half = match["half"][:-2] + "%p" if match["half"] else ""
    return f"{match['gap']}{hour}:%M{seconds}{half}"


def _most_regular(readings, series, name, text):
    """Of the time stamps by format, those with the most regular steps; ValueError if unclear."""
    irregularities = {form: _irregularity(_steps(readings[form], series)) for form in readings}
    best, *others = sorted(readings, key=irregularities.__getitem__)
    stamps = readings[best]
    rivals = [
        form
        for form in others
        if irregularities[form] < _CLEARLY * irregularities[best]
        and not readings[form].equals(stamps)
    ]
    holds = f"column {name!r} holds {text.iloc[0]!r}, which"
    with_year = [f"'{form}'" for form in (best, *rivals) if form is None or _YEAR.search(form)]
    if not with_year:
        raise ValueError(f"{holds} looks like a day and a month without a year: add the year")
    if rivals:
        raise ValueError(
            f"{holds} can be read in several ways: give --time-format {' or '.join(with_year)}"
        )
    return stamps


def _steps(times, series):
    """Positive differences of consecutive times of each series, as numbers."""
    numbers = times.asi8 if isinstance(times, pd.DatetimeIndex) else times.to_numpy()
    codes = pd.factorize(series)[0]
    order = np.lexsort((numbers, codes))
    steps = np.diff(numbers[order])
    return steps[(np.diff(codes[order]) == 0) & (steps > 0)]


def _irregularity(steps):
    """Ratio of the mean step to the smallest one: 1 for regular times, more with gaps."""
    return steps.mean() / steps.min() if steps.size else 1.0


def _strictly_parsed(text, time_format):
    """Time stamps, or None if a cell is not one."""
    try:
        stamps = _to_datetime(text, time_format)
    except ValueError:  # a bad cell, or offsets from UTC that differ
        return None
    return stamps if time_format is not None or _has_year(text).all() else None


def _parsed(text, time_format):
    """Time stamps, NaT for cells that are not; in UTC if their offsets from it differ."""
    stamps = _strictly_parsed(text, time_format)
    if stamps is not None:
        return stamps
    stamps = _to_datetime(text, time_format, errors="coerce", utc=True)
    return stamps if time_format is not None else stamps.where(_has_year(text))


def _to_datetime(text, time_format, **how):
    """Time stamps of text: a week is its Monday, and a day without a year is in 2000."""
    if time_format is not None:
        if re.search("%[VUW]", time_format) and not re.search("%[uwaA]", time_format):
            text, time_format = text + " 1", time_format + (" %u" if "%V" in time_format else " %w")
        if not _YEAR.search(time_format):
            text, time_format = "2000 " + text, "%Y " + time_format
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on how the format was guessed
        stamps = pd.DatetimeIndex(pd.to_datetime(text, format=time_format, **how))
    if time_format is None or "%y" not in time_format:
        return stamps
    return stamps.where(~(stamps.year > _LAST_SHORT_YEAR), stamps - pd.DateOffset(years=100))


def _has_year(text):
    """Whether a cell has a year of four digits; without one pandas takes this year or year 1."""
    return text.str.contains(r"\d{4}").to_numpy()


def moved_to_frequency(stamps: pd.DatetimeIndex, series: pd.Series, freq: str) -> pd.DatetimeIndex:
    """Time stamps moved to the nearest point of a frequency's grid.

    If two stamps of a series would meet there, all are moved to the point before, or else after.
    """
    try:
        step = pd.tseries.frequencies.to_offset(freq)
    except ValueError:
        step = None
    if step is None or step.n <= 0:
        raise ValueError(f"--freq {freq} is no frequency such as D, 15min, W, MS, ME or SMS")
    before, after = _neighbours(stamps, step)
    nearest = before.where(stamps - before <= after - stamps, after)
    codes = pd.factorize(series)[0]
    for moved in (nearest, before, after):
        if not pd.MultiIndex.from_arrays([codes, moved]).has_duplicates:
            return moved
    return nearest


def _neighbours(stamps, step):
    """The grid points of a frequency at or before each time stamp, and at or after it."""
    if isinstance(step, pd.offsets.Day) or not isinstance(step, pd.offsets.Tick):
        first, last = stamps.min().normalize(), stamps.max()
        grid = pd.date_range(first - 2 * step, last + 2 * step, freq=step, unit=stamps.unit)
        return (
            grid[grid.searchsorted(stamps, side="right") - 1],
            grid[grid.searchsorted(stamps, side="left")],
        )
    width = pd.Timedelta(step)
    if not ((stamps - stamps.min()) % width).any():
        return stamps, stamps
    for unit in ("D", "h", "min", "s", "ms", "us", "ns"):  # the roundest grid that is close
        offsets = stamps - stamps.min().round(unit)
        before = stamps - offsets % width
        distances = np.minimum(offsets % width, -offsets % width)
        if distances.max() < width / 4:
            break
    return before, before.where(before == stamps, before + width)
