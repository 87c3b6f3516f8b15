"""Missing values and missing rows, where they are allowed: put on a grid and filled from before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.axes import TimeAxis, check_repeats, filled_axis, show
from tsrnn.data.rows import series_name


def on_grid(
    index: pd.Index, values: np.ndarray, name: str, step: Any = None
) -> tuple[TimeAxis, np.ndarray]:
    """Rows, in any order, on all entries of their frequency; NaN where there is none.

    The frequency is ``step``, if that is given and leads through them.
    """
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    check_repeats(ordered, name, "y.groupby(level=0).mean()")
    axis, places = filled_axis(ordered, name, step)
    table = np.full((len(axis.index), *values.shape[1:]), np.nan)
    table[places] = values[order]
    return axis, table


def rows_on_grid(
    times: pd.Index, codes: np.ndarray, values: np.ndarray, ids: list, name: str, step: Any = None
) -> tuple[list[TimeAxis], np.ndarray]:
    """Rows of many series on one grid, each from its first value that is there to its last row.

    Parameters
    ----------
    times, codes, values : (n_rows,) Index, int array, float array
        Time stamp, number of the series and value of each row.
    ids : list
        Label of each series.
    name : str
        What messages call the whole.
    step : pandas offset or int, optional
        Their frequency, if it leads through them.

    Returns
    -------
    list of TimeAxis, (n_values,) array
        The series' axes, and their values end to end.
    """
    line = times.unique().sort_values()
    axis, places = filled_axis(line, name, step)
    rows = places[line.get_indexer(times)]
    order = np.lexsort((rows, codes))
    repeated = (np.diff(codes[order]) == 0) & (np.diff(rows[order]) == 0)
    if repeated.any():
        row = order[repeated.argmax()]
        raise ValueError(
            f"{series_name(ids[codes[row]], name)} has the time stamp {show(times[row])} more than "
            "once. Keep one row each, for instance the mean of them."
        )
    firsts, lasts = np.full(len(ids), len(axis.index)), np.zeros(len(ids), int)
    there = ~np.isnan(values)
    np.minimum.at(firsts, codes[there], rows[there])
    np.maximum.at(lasts, codes, rows)
    if (firsts > lasts).any():
        nothing_known(ids[int((firsts > lasts).argmax())], name)
    begins = np.cumsum([0, *(lasts - firsts + 1)])
    flat = np.full(begins[-1], np.nan)
    flat[(begins[codes] + rows - firsts[codes])[there]] = values[there]
    stretches = list(zip(firsts.tolist(), (lasts + 1).tolist(), strict=True))
    cut = {part: TimeAxis(axis.index[slice(*part)], axis.step) for part in set(stretches)}
    return [cut[part] for part in stretches], flat


def nothing_known(label, name):
    """Refuse a series without a value."""
    called = name if label is None else series_name(label, name)
    raise ValueError(f"{called} is nothing but missing values (NaN). Leave it out.")


def trimmed(axis: TimeAxis, values: np.ndarray, name: str) -> tuple[TimeAxis, np.ndarray]:
    """A series from its first value that is there."""
    first = int((~np.isnan(values)).argmax())
    if np.isnan(values[first]):
        nothing_known(None, name)
    return (TimeAxis(axis.index[first:], axis.step), values[first:]) if first else (axis, values)


def carried_forward(values: np.ndarray) -> np.ndarray:
    """Each missing value replaced by the last one before it; the first is there."""
    places = np.where(np.isnan(values), 0, np.arange(values.size))
    return values[np.maximum.accumulate(places)]


def carried_by_season(
    values: np.ndarray, observed: np.ndarray, indptr: np.ndarray, season: int
) -> np.ndarray:
    """Values of series end to end, those not observed replaced by the last of their season.

    Where none was observed they stay as they are.
    """
    series = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    places, begins = np.arange(values.size), indptr[:-1][series]
    earlier, searching = places.copy(), ~observed
    while searching.any():
        earlier = np.where(searching, earlier - season, earlier)
        searching = (earlier >= begins) & ~observed[np.maximum(earlier, 0)]
    return values[np.where(earlier >= begins, earlier, places)]
