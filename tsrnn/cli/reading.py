"""Series, covariates, static values and holidays from csv, parquet and text files."""

import argparse
import contextlib
import dataclasses
import datetime
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn.cli.tables import (
    EMPTY_CELLS,
    USUAL_CSV,
    CsvFormat,
    file_errors,
    is_parquet,
    like_numbers,
    open_text,
    read_table,
)
from tsrnn.cli.times import moved_to_frequency, times_from
from tsrnn.parameters import CountryCode

ROW_NUMBER = "row"  # the name of row numbers, which stand for times where there are none
_FIRST_YEAR = 1000  # of time stamps; those before are misread ones


def csv_format(arguments: argparse.Namespace) -> CsvFormat:
    """How csv files are written, from the options."""
    if arguments.decimal == arguments.thousands:
        raise ValueError(f"--decimal and --thousands are both {arguments.decimal!r}")
    return CsvFormat(arguments.sep, arguments.encoding, arguments.decimal, arguments.thousands)


@dataclasses.dataclass(frozen=True)
class Layout:
    """What the columns of a file hold, and how it is written."""

    targets: Sequence[str]  # to forecast, or to find anomalies in
    time: str | None = None  # without it the rows of each series count from 1
    series: str | None = None  # which series a row belongs to, if there is one target
    known: Sequence[str] = ()  # covariates that are known in the future
    past: Sequence[str] = ()  # covariates that are not
    csv: CsvFormat = USUAL_CSV  # how csv files are written
    time_format: str | None = None  # of time stamps that cannot be guessed
    freq: str | None = None  # frequency that time stamps are moved to
    missing: str = "raise"  # or "mask": leave empty cells to the estimator
    channels: bool = False  # several targets are channels of each series, not series themselves

    def columns(self) -> list[str]:
        """All columns, each once; refuses one that is named twice."""
        if self.series is not None and len(self.targets) > 1 and not self.channels:
            raise ValueError(
                f"--id {self.series} goes with one --target, here are {len(self.targets)}"
            )
        if self.time is None and ROW_NUMBER in (*self.known, *self.past):
            raise ValueError(f"rows are numbered as a column {ROW_NUMBER!r}: rename yours")
        columns_of = {
            "--time": [self.time],
            "--id": [self.series],
            "--target": self.targets,
            "--known": self.known,
            "--past": self.past,
        }
        options: dict[str, str] = {}
        for option, columns in columns_of.items():
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
    """Series and covariates of a csv or parquet file, and of a ``future`` file of rows to come.

    One target is a Series on its times; several, or a column of series, are on a MultiIndex of
    series and time; several channels are a column each. Covariates are known ones, then past ones,
    future rows included, on times or on series and times.
    """
    target = layout.targets[0]
    with file_errors(path, target):
        table = _read(path, layout.columns(), layout)
        if future:
            future_rows = _read_future(future, path, layout)
            cells = pd.concat([table.cells, future_rows.cells], ignore_index=True)
            table = dataclasses.replace(table, cells=cells, parts=table.parts + future_rows.parts)
        index = _index(table, layout)
        numbers = {name: table.numbers(table.cells[name]) for name in layout.targets}
        values = pd.DataFrame({name: _checked(table, name, *numbers[name]) for name in numbers})
        is_future = _is_future(table, values, index, layout)
        if layout.channels and len(layout.targets) > 1:
            y = values.set_axis(index)
            for name in layout.targets if layout.missing == "raise" else ():
                table.refuse_missing(name, values[name].isna())
        elif len(layout.targets) > 1:
            y = _stacked(table, values, index, layout.missing)
        else:
            y = values[target].set_axis(index)[~is_future]
            is_missing = values[target].isna() & ~is_future
            table.refuse_missing(target, (layout.missing == "raise") & is_missing)
        return y, _covariates(table, index, is_future, layout)


def read_known(path: str, layout: Layout) -> pd.DataFrame:
    """Known covariates of a file of rows to come, on times or on series and times."""
    with file_errors(path):
        table = _read(path, _columns_to_come(layout), layout)
        index, rows = _index(table, layout), np.ones(len(table.cells), bool)
        columns = {name: _covariate_values(table, name, rows) for name in layout.known}
        for name, values in columns.items() if layout.missing == "raise" else ():
            table.refuse_missing(name, values.isna())
        return pd.DataFrame(columns).set_axis(index)


def read_static(
    path: str, series: str, labels: pd.Index, csv_format: CsvFormat = USUAL_CSV
) -> pd.DataFrame:
    """Static values of a file with one row a series (column ``series``), indexed by ``labels``."""
    with file_errors(path):
        table = read_table(path, None, csv_format, series)
        if len(table.cells.columns) == 1:
            raise ValueError(f"no column beside {series!r}")
        row_labels = pd.Index(_labels(table)).astype(str)
        table.refuse(series, row_labels.duplicated(), "for the second time")
        is_absent = ~labels.astype(str).isin(row_labels)
        if is_absent.any():
            raise ValueError(f"no row for series {str(labels[is_absent.argmax()])!r}")
        all_rows = np.ones(len(row_labels), bool)
        columns = {}
        for name in table.cells.columns.drop(series):
            columns[name] = _covariate_values(table, name, all_rows)
            table.refuse(name, columns[name].isna())
        static = pd.DataFrame(columns).set_axis(row_labels)
        return static.loc[labels.astype(str)].set_axis(labels)


def read_holidays(words: Sequence[str], encoding: str = "utf-8-sig") -> list[str]:
    """Dates, from words that are dates or files with one date a line; or codes of countries."""
    if words and all(map(CountryCode().accepts, words)) and not any(map(os.path.isfile, words)):
        return list(words)
    days = []
    for word in words:
        if _date(word):
            days.append(_date(word))
        elif Path(word).is_file():
            days += _read_dates(word, encoding)
        else:
            is_code = CountryCode().accepts(word)
            country = "; codes of countries go without dates and files" if is_code else ""
            raise ValueError(
                f"--holidays {word}: neither a date like 2024-12-25 nor a file{country}"
            )
    return days


def _read_dates(path, encoding):
    with file_errors(path), open_text(path, encoding) as file:
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
    """Columns of a file, with labels of series checked."""
    numeric = {*layout.targets} & {*columns}
    table = read_table(path, columns, layout.csv, layout.series, numeric)
    if layout.series is None:
        return table
    cells = table.cells.assign(**{layout.series: _labels(table)})
    return dataclasses.replace(table, cells=cells)


def _read_future(future, path, layout):
    """Future rows: times, series and known covariates."""
    if is_parquet(future) != is_parquet(path):
        kind = "parquet" if is_parquet(path) else "csv"
        raise ValueError(f"--future {future} must be {kind} as well")
    return _read(future, _columns_to_come(layout), layout)


def _columns_to_come(layout):
    """Columns of rows to come, without targets."""
    return [n for n in (layout.time, layout.series, *layout.known) if n is not None]


def _labels(table):
    labels = table.cells[table.series]
    table.refuse(table.series, labels.isna() | (labels.astype(str) == ""))
    is_object = pd.api.types.is_object_dtype(labels)
    return labels.astype(str) if is_object else labels  # dates and decimals may be no labels


def _series_of_rows(table):
    """The series of each row; 0 if there is one alone."""
    if table.series is None:
        return pd.Series(np.zeros(len(table.cells), int))
    return table.cells[table.series]


def _index(table, layout):
    """Times of all rows, or row numbers, with their series if there is a column of them."""
    series = _series_of_rows(table)
    if layout.time is None:
        numbers = series.groupby(series, sort=False, observed=True).cumcount()
        times = pd.Index(numbers.to_numpy() + 1, name=ROW_NUMBER)
    else:
        times = _times(table, layout, series).rename(layout.time)
    index = times if layout.series is None else pd.MultiIndex.from_arrays([series, times])
    if layout.time is not None:
        at_freq = "" if layout.freq is None else f" at --freq {layout.freq}"
        table.refuse(layout.time, index.duplicated(), f"for the second time{at_freq}")
    return index


def _times(table, layout, series):
    """Times of all rows, as ``times_from`` or a parquet file has them."""
    name = layout.time
    column, is_type = table.cells[name], pd.api.types
    if is_type.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        table.refuse(name, column.isna())
        times = pd.Index(column)
    else:
        text = column.astype(str).str.strip()
        table.refuse(name, column.isna() | text.isin(EMPTY_CELLS))
        times, reason = times_from(text, series, name, layout.time_format)
        table.refuse(name, times.isna(), f"{reason} (see --time-format)")
    if isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex)):
        table.refuse(name, times.year < _FIRST_YEAR, f"which is before the year {_FIRST_YEAR}")
    if layout.freq is None:
        return times
    if not isinstance(times, pd.DatetimeIndex):
        raise ValueError(f"--freq is for time stamps, and column {name!r} holds none")
    return moved_to_frequency(times, series, layout.freq)


def _covariate_values(table, name, is_used):
    """Cells of the rows used: numbers, if most are; else categories, as text."""
    cells = table.cells[name].where(is_used)
    numbers, is_empty = table.numbers(cells)
    n_numbers = numbers.count() + like_numbers(cells[numbers.isna() & ~is_empty]).sum()
    if 2 * n_numbers >= (~is_empty).sum():
        return _checked(table, name, numbers, is_empty)
    text = cells.astype(str)
    return text.where(cells.notna() & (text.str.strip() != "")).astype(object)


def _checked(table, name, numbers, is_empty):
    """Numbers of a column, if all cells that are not empty hold finite ones."""
    table.refuse_numbers(name, numbers.isna() & ~is_empty)
    table.refuse(name, np.isinf(numbers), "which is infinite")
    return numbers


def _is_future(table, values, index, layout):
    """Which rows follow the last target of their series, if covariates are known there."""
    if not layout.known:
        return np.zeros(len(index), bool)
    times = pd.Series(index.get_level_values(-1))
    observed = times.where(values.notna().any(axis=1))
    lasts = observed.groupby(_series_of_rows(table), observed=True).transform("max")
    if layout.series is not None:
        table.refuse(layout.series, lasts.isna(), f"which has no value of {layout.targets[0]!r}")
    is_future = np.asarray(times > lasts)
    if layout.time is not None:
        in_future_file = np.arange(len(index)) >= table.parts[0][1]
        reason = "which is not after the last target"
        table.refuse(layout.time, in_future_file & ~is_future, reason)
    return is_future


def _covariates(table, index, is_future, layout):
    """Known covariates of all rows, and past ones of those up to the last target."""
    columns = {}
    for name in (*layout.known, *layout.past):
        is_used = ~is_future | (name in layout.known)
        values = columns[name] = _covariate_values(table, name, is_used)
        if values[~is_future].isna().all():
            table.refuse(name, values.isna() & is_used)
        if layout.missing == "raise":
            table.refuse_missing(name, values.isna() & is_used)
        if values.dtype == object:
            is_new = is_future & values.notna() & ~values.isin(values[~is_future])
            table.refuse(name, is_new, "a category that no row with a target has")
    return pd.DataFrame(columns).set_axis(index) if columns else None


def _stacked(table, values, times, missing):
    """A series of each column, without empty cells at its ends, on a MultiIndex."""
    parts = {}
    ordered = values.set_axis(times).sort_index()
    for name in values:
        is_empty = values[name].isna()
        if is_empty.all():
            table.refuse(name, is_empty)
        series = ordered[name]
        parts[name] = series.loc[series.first_valid_index() : series.last_valid_index()]
        if missing == "raise":
            table.refuse_missing(name, is_empty & times.isin(parts[name].index))
    return pd.concat(parts, names=["series", times.name])
