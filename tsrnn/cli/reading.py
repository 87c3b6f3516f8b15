"""Series of csv and parquet files, and what is known beside them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn.cli.tables import EMPTY, is_parquet, read_table, told_of

NUMBER = "row"  # what the numbers of rows are called, where there are no times


@dataclasses.dataclass(frozen=True)
class Layout:
    """What the columns of a file are, and how it is written.

    Attributes
    ----------
    targets : sequence of str
        Columns to forecast, or to find anomalies in.
    time : str or None
        Column of times; without it the rows of each series count from 1.
    series : str or None
        Column that says which series a row belongs to, where there is one target.
    known, past : sequence of str
        Columns beside the targets that are known in the future, and that are not.
    separator : str
        Of columns of a csv file.
    time_format : str or None
        Of time stamps, where it cannot be guessed.
    missing : {"raise", "mask"}
        Whether empty cells are refused or left to the estimator.
    channels : bool
        Several targets are channels of each series, not series themselves.
    """

    targets: Sequence[str]
    time: str | None = None
    series: str | None = None
    known: Sequence[str] = ()
    past: Sequence[str] = ()
    separator: str = ","
    time_format: str | None = None
    missing: str = "raise"
    channels: bool = False

    def columns(self) -> list[str]:
        """All columns, each once.

        Raises
        ------
        ValueError
            If one is named twice, or there is a column of series and several targets are others.
        """
        if self.series is not None and len(self.targets) > 1 and not self.channels:
            raise ValueError(
                f"--id {self.series} goes with one --target, here are {len(self.targets)}"
            )
        if self.time is None and NUMBER in (*self.known, *self.past):
            raise ValueError(f"rows are numbered as a column {NUMBER!r}: rename yours")
        given = {"--time": [self.time], "--id": [self.series], "--target": self.targets,
                 "--known": self.known, "--past": self.past}  # fmt: skip
        options = {}
        for option, columns in given.items():
            for column in columns:
                if column in options:
                    both = " and ".join(dict.fromkeys([options[column], option]))
                    raise ValueError(f"{both} name the same column {column!r} twice")
                if column is not None:
                    options[column] = option
        return list(options)


def read_series(
    path: str, layout: Layout, future: str | None = None
) -> tuple[pd.Series | pd.DataFrame, pd.DataFrame | None]:
    """Series of a file, and the columns beside them.

    Parameters
    ----------
    path : str
        A csv file with a header, or by its ending a parquet file.
    layout : Layout
        Of this file.
    future : str, optional
        File of rows that follow, without targets and past columns.

    Returns
    -------
    Series or DataFrame
        One target's on its times; several, and those of a column of series, on a MultiIndex of
        series and time. Of several channels a column each.
    DataFrame or None
        Columns that are known, then those that are not: of all rows, those to come too, on times,
        or where there is a column of series on series and times.

    Raises
    ------
    OSError, ImportError
        If a file cannot be read.
    ValueError
        If it has no such columns or a bad cell, which is told by column, row and series.
    """
    target = layout.targets[0]
    with told_of(path, target):
        table = _read(path, layout.columns(), layout)
        if future:
            table = table.above(_read_future(future, path, layout))
        index = _index(table, layout)
        values = pd.DataFrame(
            {name: _checked(table, name, *_numbers(table.cells[name])) for name in layout.targets}
        )
        ahead = _ahead(table, values, index, layout)
        if layout.channels and len(layout.targets) > 1:
            y = values.set_axis(index)
            for name in layout.targets if layout.missing == "raise" else ():
                table.refuse(name, values[name].isna())
        elif len(layout.targets) > 1:
            y = _side_by_side(table, values, index, layout.missing)
        else:
            y = values[target].set_axis(index)[~ahead]
            table.refuse(target, (layout.missing == "raise") & values[target].isna() & ~ahead)
        return y, _beside(table, index, ahead, layout)


def read_static(path: str, series: str, labels: pd.Index, separator: str = ",") -> pd.DataFrame:
    """What does not change of each series, from a file of one row each.

    Parameters
    ----------
    path : str
        A csv or parquet file.
    series : str
        Its column of series.
    labels : Index
        The series that there are.
    separator : str
        Of columns of a csv file.

    Returns
    -------
    DataFrame
        Indexed by the labels.

    Raises
    ------
    OSError, ImportError
        If the file cannot be read.
    ValueError
        If it has no such column, no other, a bad cell, a series twice, or one not at all.
    """
    with told_of(path):
        table = read_table(path, None, separator, series)
        if series not in table.cells:
            raise ValueError(f"no column {series!r}; there are: {', '.join(table.cells)}")
        if len(table.cells.columns) == 1:
            raise ValueError(f"no column beside {series!r}")
        found = pd.Index(_labels(table)).astype(str)
        table.refuse(series, found.duplicated(), "for the second time")
        lacking = ~labels.astype(str).isin(found)
        if lacking.any():
            raise ValueError(f"no row for series {str(labels[lacking.argmax()])!r}")
        everywhere = np.ones(len(found), bool)
        columns = {}
        for name in table.cells.columns.drop(series):
            columns[name] = _values(table, name, everywhere)
            table.refuse(name, columns[name].isna())
        static = pd.DataFrame(columns).set_axis(found)
        return static.loc[labels.astype(str)].set_axis(labels)


def read_holidays(given: Sequence[str]) -> list[str]:
    """Dates, from words that are dates themselves or files of one a line.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If what is given is neither, or a line is no date.
    """
    days = []
    for word in given:
        if _date(word):
            days.append(_date(word))
        elif Path(word).is_file():
            days += _dates_of(word)
        else:
            raise ValueError(f"--holidays {word}: neither a date like 2024-12-25 nor a file")
    return days


def _dates_of(path):
    with told_of(path), open(path, encoding="utf-8-sig") as file:
        lines = [line.strip() for line in file]
        days = [_date(line) for line in lines]
        for number, (line, day) in enumerate(zip(lines, days, strict=True), start=1):
            if line and not day:
                raise ValueError(
                    f"line {number} holds {line[:50]!r}, which is not a date like 2024-12-25"
                )
        if not any(days):
            raise ValueError("there are no dates")
        return [day for day in days if day]


def _date(text):
    """A date as 2024-12-25, or None."""
    with contextlib.suppress(ValueError):
        return datetime.date.fromisoformat(text).isoformat()


def _read(path, columns, layout):
    """Columns of a file, labels of series checked."""
    inferred = {layout.time, *layout.targets} & {*columns}
    table = read_table(path, columns, layout.separator, layout.series, inferred)
    if layout.series is None:
        return table
    cells = table.cells.assign(**{layout.series: _labels(table)})
    return dataclasses.replace(table, cells=cells)


def _read_future(future, path, layout):
    """Rows to come: times, series and what is known."""
    if is_parquet(future) != is_parquet(path):
        kind = "parquet" if is_parquet(path) else "csv"
        raise ValueError(f"--future {future} must be {kind} as well")
    columns = [layout.time, layout.series, *layout.known]
    return _read(future, [name for name in columns if name is not None], layout)


def _labels(table):
    """The column of series."""
    labels = table.cells[table.series]
    table.refuse(table.series, labels.isna() | (labels.astype(str) == ""))
    is_object = pd.api.types.is_object_dtype(labels)
    return labels.astype(str) if is_object else labels  # dates, decimals need not be labels


def _series(table):
    """The series of each row; of one alone 0."""
    if table.series is None:
        return pd.Series(np.zeros(len(table.cells), int))
    return table.cells[table.series]


def _index(table, layout):
    """The times of all rows, or their numbers, with their series if there is a column of them."""
    series = _series(table)
    if layout.time is None:
        numbers = series.groupby(series, sort=False, observed=True).cumcount()
        times = pd.Index(numbers.to_numpy() + 1, name=NUMBER)
    else:
        times = _times(table, layout.time, layout.time_format).rename(layout.time)
    index = times if layout.series is None else pd.MultiIndex.from_arrays([series, times])
    if layout.time is not None:
        table.refuse(layout.time, index.duplicated(), "for the second time")
    return index


def _times(table, name, time_format):
    """Years and quarters as periods, other whole numbers as they are, the rest as time stamps."""
    column, kinds = table.cells[name], pd.api.types
    table.refuse(name, column.isna())
    if kinds.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        return pd.Index(column)
    is_number = kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column)
    if is_number and time_format is None:
        table.refuse(name, column % 1 != 0, "which is neither a time stamp nor a whole number")
        return _counted(column.astype("int64"))
    stamps, example = _stamps(column.astype(str), time_format)
    like = f" like {example}" if example else ""
    table.refuse(name, stamps.isna(), f"which is not a time stamp{like} (see --time-format)")
    return stamps


def _counted(column):
    """Years, eight digits of a date, or plain numbers."""
    if column.between(1000, 3000).all():
        return pd.PeriodIndex(column.astype(str), freq="Y")
    days = pd.to_datetime(column.astype(str), format="%Y%m%d", errors="coerce")
    eight_digits = column.between(1000_01_01, 3000_12_31).all()
    return pd.Index(days if eight_digits and days.notna().all() else column)


def _stamps(text, time_format):
    """Quarters or time stamps, and what one is like."""
    if text.str.fullmatch(r"\d{4}-?Q[1-4]").all():
        return pd.PeriodIndex(text, freq="Q"), ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on how the format was guessed
        try:
            stamps = pd.DatetimeIndex(pd.to_datetime(text, format=time_format))
        except ValueError:  # a bad cell, or offsets from UTC that differ
            stamps = pd.to_datetime(text, format=time_format, errors="coerce", utc=True)
            stamps = pd.DatetimeIndex(stamps)
    return stamps, time_format or ("" if pd.isna(stamps[0]) else text.iloc[0])


def _numbers(cells):
    """Cells as float64, NaN where there is no number; and which of them are empty."""
    kinds = pd.api.types
    if kinds.is_numeric_dtype(cells) and not kinds.is_bool_dtype(cells):
        return cells.astype("float64"), cells.isna()
    text = cells.astype(str).str.strip()
    return pd.to_numeric(text, errors="coerce").astype("float64"), cells.isna() | text.isin(EMPTY)


def _checked(table, name, numbers, empty):
    """Numbers of a column, if all of its cells are some."""
    table.refuse(name, numbers.isna() & ~empty, "which is not a number")
    table.refuse(name, np.isinf(numbers), "which is infinite")
    return numbers


def _values(table, name, read):
    """Cells that are read: numbers, if most are; else categories, text as it stands."""
    cells = table.cells[name].where(read)
    numbers, empty = _numbers(cells)
    if 2 * numbers.count() >= (~empty).sum():
        return _checked(table, name, numbers, empty)
    text = cells.astype(str)
    return text.where(cells.notna() & (text.str.strip() != "")).astype(object)


def _ahead(table, values, index, layout):
    """Rows that follow the last target of their series, where some columns are known there."""
    if not layout.known:
        return np.zeros(len(index), bool)
    times = pd.Series(index.get_level_values(-1))
    there = times.where(values.notna().any(axis=1))
    lasts = there.groupby(_series(table), observed=True).transform("max")
    if layout.series is not None:
        table.refuse(layout.series, lasts.isna(), f"which has no value of {layout.targets[0]!r}")
    ahead = np.asarray(times > lasts)
    if layout.time is not None:
        to_come = np.arange(len(index)) >= table.parts[0][1]
        table.refuse(layout.time, to_come & ~ahead, "which is not after the last target")
    return ahead


def _beside(table, index, ahead, layout):
    """Columns that are known, and those that are known up to the last target."""
    columns = {}
    for name in (*layout.known, *layout.past):
        read = ~ahead | (name in layout.known)
        values = columns[name] = _values(table, name, read)
        if layout.missing == "raise" or values[~ahead].isna().all():
            table.refuse(name, values.isna() & read)
        if values.dtype == object:
            new = ahead & values.notna() & ~values.isin(values[~ahead])
            table.refuse(name, new, "a category that no row with a target has")
    return pd.DataFrame(columns).set_axis(index) if columns else None


def _side_by_side(table, values, times, missing):
    """A series from each column, without the empty cells that it may begin and end with."""
    parts = {}
    ordered = values.set_axis(times).sort_index()
    for name in values:
        empty = values[name].isna()
        if empty.all():
            table.refuse(name, empty)
        found = ordered[name]
        parts[name] = found.loc[found.first_valid_index() : found.last_valid_index()]
        if missing == "raise":
            table.refuse(name, empty & times.isin(parts[name].index))
    return pd.concat(parts, names=["series", times.name])
