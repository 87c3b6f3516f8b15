"""Missing values and rows: series put on a regular grid, and filled from earlier values."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.errors import (
    DataError,
    EmptySeriesError,
    Location,
    RepeatedTimesError,
    affected,
)
from tsrnn.data.frequency import time_numbers
from tsrnn.data.time_axis import TimeAxis, check_unique, filled_axis, format_time


def on_grid(
    index: pd.Index, values: np.ndarray, where: Location, step: Any = None
) -> tuple[TimeAxis, np.ndarray]:
    """Rows, in any order, on a regular axis, of ``step`` if it fits; NaN where there is none."""
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    check_unique(ordered, where)
    axis, positions = filled_axis(ordered, where, step)
    table = np.full((len(axis.index), *values.shape[1:]), np.nan)
    table[positions] = values[order]
    return axis, table


def panel_on_grid(
    times: pd.Index, codes: np.ndarray, values: np.ndarray, ids: list, argument: str, step: Any
) -> tuple[list[TimeAxis], np.ndarray]:
    """Rows of many series put on one regular time axis, of ``step`` if it leads through them.

    ``times``, ``codes`` (of series) and ``values`` are (n_rows,). Returns the axis of each series,
    from its first known value to its last row, and the values end to end, NaN where missing.
    """
    refuse_repeats(times, codes, ids, argument)
    line = times.unique().sort_values()
    axis, positions = filled_axis(line, Location(argument), step)
    rows = positions[line.get_indexer(times)]
    firsts, lasts = np.full(len(ids), len(axis.index)), np.zeros(len(ids), int)
    known = ~np.isnan(values)
    np.minimum.at(firsts, codes[known], rows[known])
    np.maximum.at(lasts, codes, rows)
    if (firsts > lasts).any():
        raise no_values(argument, [ids[k] for k in np.flatnonzero(firsts > lasts)])
    starts = np.cumsum([0, *(lasts - firsts + 1)])
    flat = np.full(starts[-1], np.nan)
    flat[(starts[codes] + rows - firsts[codes])[known]] = values[known]
    return slices_of(axis, firsts, lasts + 1), flat


def refuse_repeats(times: pd.Index, codes: np.ndarray, ids: list, argument: str) -> None:
    """Refuse rows of one series and time stamp, from each row's time and series."""
    numbers = time_numbers(times)
    order = np.lexsort((numbers, codes))
    repeated = (np.diff(codes[order]) == 0) & (np.diff(numbers[order]) == 0)
    if repeated.any():
        row = order[repeated.argmax()]
        bad = [ids[k] for k in np.unique(codes[order[:-1][repeated]])]
        raise Location(argument, ids[codes[row]]).error(
            f"has the time stamp {format_time(times[row])} more than once{affected(bad)}",
            "Keep one row each.",
            row=times[row],
            kind=RepeatedTimesError,
        )


def slices_of(axis: TimeAxis, firsts: np.ndarray, ends: np.ndarray) -> list[TimeAxis]:
    """Parts of an axis, from each first entry up to each end; equal ones share an object."""
    bounds = list(zip(firsts.tolist(), ends.tolist(), strict=True))
    distinct = {each: TimeAxis(axis.index[slice(*each)], axis.step) for each in set(bounds)}
    return [distinct[each] for each in bounds]


def no_values(argument: str, labels: Sequence[Hashable], column: Hashable = None) -> DataError:
    """The error of series, or a column of them, without a value."""
    problem = f"is nothing but missing values (NaN){affected(labels)}"
    where = Location(argument, labels[0], column)
    remedy = "Leave it out." if len(labels) == 1 else "Leave them out."
    return where.error(problem, remedy, kind=EmptySeriesError, labels=labels)


def trimmed(axis: TimeAxis, values: np.ndarray, where: Location) -> tuple[TimeAxis, np.ndarray]:
    """A series from its first known value on."""
    first = int((~np.isnan(values)).argmax())
    if np.isnan(values[first]):
        raise no_values(where.argument, [where.series])
    return (TimeAxis(axis.index[first:], axis.step), values[first:]) if first else (axis, values)


def forward_filled(values: np.ndarray) -> np.ndarray:
    """Values with each missing one replaced by the last before it; the first is known."""
    positions = np.where(np.isnan(values), 0, np.arange(values.size))
    return values[np.maximum.accumulate(positions)]


def seasonally_filled(
    values: np.ndarray, observed: np.ndarray, indptr: np.ndarray, season: int
) -> np.ndarray:
    """Series end to end, values not observed replaced by the last of their season, if any."""
    series = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    positions, starts = np.arange(values.size), indptr[:-1][series]
    earlier, searching = positions.copy(), ~observed
    while searching.any():
        earlier = np.where(searching, earlier - season, earlier)
        searching = (earlier >= starts) & ~observed[np.maximum(earlier, 0)]
    return values[np.where(earlier >= starts, earlier, positions)]
