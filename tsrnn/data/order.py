"""The order of rows that windows are cut from: forward in time, each series by itself."""

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location
from tsrnn.data.rows import labelled_rows
from tsrnn.data.time_axis import format_time

_REASON = "A window would cross from one series into another, or hold rows of the future."
_REMEDY = (
    "give several series a MultiIndex of series and time; or drop an index that holds no times: "
    "reset_index(drop=True)."
)

# Kinds of labels that are times; others, such as names of rows, have no order to check.
_TIMES = {
    *("datetime64", "datetime", "date", "period", "timedelta64", "timedelta"),
    *("integer", "floating", "mixed-integer-float", "decimal"),
}


def series_codes(
    index: pd.Index, argument: str, codes: np.ndarray | None = None
) -> tuple[np.ndarray | None, list]:
    """The number of each row's series, and the series' labels; None for rows of one series.

    Series are the first level of a MultiIndex, divided further by the ``codes`` given. Raises
    DataError for rows that do not go forward in time within a series.
    """
    labels: list = [None]
    if isinstance(index, pd.MultiIndex):
        rows = labelled_rows(pd.DataFrame(index=index), argument)
        index, (level_codes, labels) = rows.times, rows.codes(argument)
        if codes is not None:
            level_codes, _ = pd.factorize(codes * len(labels) + level_codes)
        codes = level_codes
    _check_forward(index, codes, Location(argument))
    return codes, labels


def _check_forward(times, codes, where):
    """Refuse times that are missing, repeated or go back within a series."""
    if isinstance(times, pd.CategoricalIndex):
        times = pd.Index(times.to_numpy())
    is_time = times.inferred_type in _TIMES
    if times.inferred_type == "string":  # of dates, year first, the order is that of the texts
        is_time = bool(times.str.match(r"\d{4}-\d\d", na=True).all())
    if not is_time:
        if codes is None:
            _refuse_repeated(times, where)
        return
    if times.hasnans:
        row = int(np.argmax(times.isna()))
        raise where.error(
            f"has no time stamp (NaT) in row {row}", "Drop or mend that row.", row=row
        )
    order = np.arange(len(times)) if codes is None else np.argsort(codes, kind="stable")
    before, after = times[order[:-1]], times[order[1:]]
    bad = ~np.asarray(after > before, bool)
    if codes is not None:
        bad &= np.diff(codes[order]) == 0
    if not bad.any():
        return
    k = int(np.argmax(bad))
    row, stamp = int(order[k + 1]), format_time(after[k], times)
    problem = f"goes back in time in row {row}: {stamp} comes after {format_time(before[k], times)}"
    if after[k] == before[k]:
        problem = f"has the time stamp {stamp} more than once, first again in row {row}"
    raise where.error(
        problem,
        f"{_REASON} Sort the rows by time; {_REMEDY}",
        row=row,
    )


def _refuse_repeated(names, where):
    """Refuse names of rows that are repeated, as those of series are."""
    if names.has_duplicates:
        row = int(np.argmax(names.duplicated()))
        raise where.error(
            f"has {names[row]!r} in its index more than once, first again in row {row}",
            f"{_REASON} If these are series, {_REMEDY}",
            row=row,
        )
