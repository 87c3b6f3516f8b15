"""Columns of a csv or parquet file as series; what is wrong is told by file, column and row."""

from __future__ import annotations

import contextlib
import csv
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

# What csv files write where there is no value
_EMPTY = ("", " ", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None")


def is_parquet(path: str) -> bool:
    """Whether a file is parquet, by the ending of its name."""
    return Path(path).suffix.lower() in (".parquet", ".pq")


def parquet() -> ModuleType:
    """What reads and writes parquet.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("parquet files need pyarrow: pip install pyarrow") from error
    return pyarrow


@contextlib.contextmanager
def told_of(path: str, targets: Sequence[str]) -> Iterator[None]:
    """Have errors name the file, and the column that the library calls ``y``."""
    try:
        yield
    except ValueError as error:
        message = str(error).replace(" of y ", " ", 1)
        if message.startswith("y "):
            message = f"column {targets[0]!r}{message[1:]}"
        raise ValueError(f"{path}: {message}") from error


def read_series(
    path: str,
    targets: Sequence[str],
    time: str | None = None,
    series: str | None = None,
    separator: str = ",",
    time_format: str | None = None,
    missing: str = "raise",
) -> pd.Series:
    """Series of a file.

    Parameters
    ----------
    path : str
        A csv file with a header, or by its ending a parquet file.
    targets : sequence of str
        Columns of values.
    time : str, optional
        Column of times; without it the rows of each series count from 1.
    series : str, optional
        Column that says which series a row belongs to, where there is one target.
    separator : str
        Of columns of a csv file.
    time_format : str, optional
        Of time stamps, where it cannot be guessed.
    missing : {"raise", "mask"}
        Whether empty cells are refused or left to the forecaster.

    Returns
    -------
    Series
        One target's on its times; several, and those of a column of series, on a MultiIndex of
        series and time.

    Raises
    ------
    OSError, ImportError
        If the file cannot be read.
    ValueError
        If it has no such columns or a bad cell, which is told by column, row and series.
    """
    with told_of(path, targets):
        columns = _columns(targets, time, series)
        if is_parquet(path):
            frame = _read_parquet(path, columns)
        else:
            frame = _read_csv(path, columns, separator, series)
        if frame.empty:
            raise ValueError("there are no rows of data")
        if series is not None:
            frame = _by_series(frame, series)
        times = _index(frame, time, time_format)
        values = pd.DataFrame({column: _numbers(frame[column]) for column in targets})
        if len(targets) > 1:
            return _side_by_side(frame, values, times, missing)
        if missing == "raise":
            _refuse(frame[targets[0]], values[targets[0]].isna())
        if series is not None:
            times = pd.MultiIndex.from_arrays([frame.index, times])
        return values[targets[0]].set_axis(times)


def _columns(targets, time, series):
    """The columns to read, each once."""
    if series is not None and len(targets) > 1:
        raise ValueError(f"--id {series} goes with one --target, here are {len(targets)}")
    given = [("--time", time), ("--id", series), *(("--target", target) for target in targets)]
    options = {}
    for option, column in given:
        if column in options:
            both = " and ".join(dict.fromkeys([options[column], option]))
            raise ValueError(f"{both} name the same column {column!r} twice")
        if column is not None:
            options[column] = option
    return list(options)


def _check_columns(wanted, found):
    for column in wanted:
        if column not in found:
            raise ValueError(f"no column {column!r}; there are: {', '.join(found)}")
        if list(found).count(column) > 1:
            raise ValueError(f"several columns {column!r}; give each a name of its own")


def _read_csv(path, columns, separator, series):
    try:
        header = _header(path, separator)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"no csv file that can be read: {error}") from error
    _check_columns(columns, header)
    try:
        # Without index_col=False a separator at the end of each row would shift the columns. Names
        # of series are text as it stands, be it 007 or NA. A blank line of a lone column is a cell.
        return pd.read_csv(
            path, sep=separator, index_col=False, usecols=columns, dtype={series: str},
            keep_default_na=False, na_values={name: _EMPTY for name in columns if name != series},
            skip_blank_lines=len(header) > 1,
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f"no csv file that can be read: {error}") from error


def _header(path, separator):
    """The first line's cells. A row of more is refused: pandas would drop them in silence."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = filter(None, csv.reader(file, delimiter=separator))
        header = next(rows, None)
        if header is None:
            raise ValueError("the file is empty")
        for number, row in enumerate(rows, start=1):
            if any(cell.strip() for cell in row[len(header) :]):
                raise ValueError(
                    f"{len(row)} cells in row {number} below a header of {len(header)}; is "
                    f"{separator!r} (--sep) a decimal mark there?"
                )
    return header


def _read_parquet(path, columns):
    arrow = parquet()
    with open(path, "rb") as file:
        try:
            found = arrow.parquet.ParquetFile(file)
            _check_columns(columns, found.schema_arrow.names)
            # What pandas wrote as an index is a column like others.
            return found.read(columns).to_pandas(ignore_metadata=True)
        except (OSError, arrow.ArrowException) as error:
            raise ValueError(f"no parquet file that can be read: {error}") from error


def _by_series(frame, series):
    """The frame indexed by the column of series."""
    labels = frame[series]
    _refuse(labels, labels.isna() | (labels.astype(str) == ""))
    if pd.api.types.is_object_dtype(labels):  # dates, decimals, bytes, which need not be labels
        labels = labels.astype(str)
    return frame.drop(columns=series).set_index(pd.Index(labels, name=series))


def _index(frame, time, time_format):
    """The times of all rows, or their numbers."""
    is_panel = frame.index.name is not None
    if time is None:
        numbers = frame.groupby(level=0, sort=False).cumcount() if is_panel else frame.index
        return pd.Index(np.asarray(numbers) + 1, name="row")
    times = _times(frame[time], time_format).rename(time)
    rows = pd.MultiIndex.from_arrays([frame.index, times]) if is_panel else times
    _refuse(frame[time], pd.Series(rows.duplicated()), "for the second time")
    return times


def _times(column, time_format):
    """Years and quarters as periods, other whole numbers as they are, the rest as time stamps."""
    kinds = pd.api.types
    _refuse(column, column.isna())
    if kinds.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        return pd.Index(column)
    is_number = kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column)
    if is_number and time_format is None:
        _refuse(column, column % 1 != 0, "which is neither a time stamp nor a whole number")
        return _counted(column.astype("int64"))
    return _stamps(column.astype(str), time_format)


def _counted(column):
    """Years, eight digits of a date, or plain numbers."""
    if column.between(1000, 3000).all():
        return pd.PeriodIndex(column.astype(str), freq="Y")
    days = pd.to_datetime(column.astype(str), format="%Y%m%d", errors="coerce")
    eight_digits = column.between(1000_01_01, 3000_12_31).all()
    return pd.Index(days if eight_digits and days.notna().all() else column)


def _stamps(text, time_format):
    """Quarters and time stamps."""
    if text.str.fullmatch(r"\d{4}-?Q[1-4]").all():
        return pd.PeriodIndex(text, freq="Q")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on how the format was guessed
        try:
            stamps = pd.DatetimeIndex(pd.to_datetime(text, format=time_format))
        except ValueError:  # a bad cell, or offsets from UTC that differ
            stamps = pd.to_datetime(text, format=time_format, errors="coerce", utc=True)
            stamps = pd.DatetimeIndex(stamps)
    example = time_format or ("" if pd.isna(stamps[0]) else text.iloc[0])
    like = f" like {example}" if example else ""
    _refuse(text, stamps.isna(), f"which is not a time stamp{like} (see --time-format)")
    return stamps


def _numbers(column):
    """A column as float64, NaN where a cell is empty."""
    kinds = pd.api.types
    is_number = kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column)
    cells = column if is_number else column.astype(str)
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    _refuse(column, numbers.isna() & column.notna(), "which is not a number")
    _refuse(column, np.isinf(numbers), "which is infinite")
    return numbers


def _side_by_side(frame, values, times, missing):
    """A series from each column, without the empty cells that it may begin and end with."""
    parts = {}
    ordered = values.set_axis(times).sort_index()
    for column in values:
        empty = values[column].isna()
        if empty.all():
            _refuse(frame[column], empty)
        found = ordered[column]
        parts[column] = found.loc[found.first_valid_index() : found.last_valid_index()]
        if missing == "raise":
            _refuse(frame[column], empty & times.isin(parts[column].index))
    return pd.concat(parts, names=["series", times.name])


def _refuse(column, bad, why=""):
    """Name the first cell that is bad, if any is."""
    bad = np.asarray(bad)
    if bad.any():
        row = int(bad.argmax())
        cell, label = column.iloc[row], column.index[row]
        is_empty = pd.api.types.is_scalar(cell) and (pd.isna(cell) or cell == "")
        holds = "is empty" if is_empty else f"holds {str(cell)[:50]!r}"
        of = "" if column.index.name is None else f" (series {str(label)!r})"
        more = f"; {bad.sum() - 1} more like it" if bad.sum() > 1 else ""
        raise ValueError(
            f"column {column.name!r} {holds} in data row {row + 1}{of}"
            f"{', ' + why if why else ''}{more}"
        )
