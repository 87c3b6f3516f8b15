"""Tables of csv and parquet files; errors name the file, the column and the row."""

import contextlib
import csv
import dataclasses
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import DataError, UnknownCategoryError, format_time

# How csv files write a missing value
EMPTY_CELLS = ("", " ", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None")
_OPTIONS = {"calendar": "--calendar", "holidays": "--holidays"}
_REMEDIES = {
    "holidays": "Leave them out, or give the share of them in each step as a column for --known."
}


class FileError(ValueError):
    """A file that cannot be used; the message names it."""


@contextlib.contextmanager
def file_errors(path: str, target: str = "y", static: str | None = None) -> Iterator[None]:
    """Have errors about y (column ``target``) and X name ``path``, about static ``static``."""
    try:
        yield
    except FileError:
        raise
    except DataError as error:
        source = static if static and error.argument == "static" else path
        raise FileError(f"{source}: {_worded(error, target)}") from error
    except ValueError as error:
        raise FileError(f"{path}: {error}") from error


def _worded(error, target):
    """An error about data in the words of the command line."""
    of_series = "" if error.series is None else f" of series {error.series!r}"
    if isinstance(error, UnknownCategoryError) and error.row is not None:
        return (
            f"column {error.column!r} is {error.category!r} at {format_time(error.row)}{of_series}"
            ", a category that no row before the first origin has: those have "
            f"{', '.join(map(repr, error.known))}. Leave the column out, or give fewer --windows."
        )
    if error.column is not None:
        subject = f"column {error.column!r}{of_series}"
    elif error.series is not None:
        subject = f"Series {error.series!r}"
    elif error.argument == "y":
        subject = f"column {target!r}"
    else:
        subject = _OPTIONS.get(error.argument, error.argument)
    remedy = _REMEDIES.get(error.argument, error.remedy)
    return f"{subject} {error.problem}. {remedy}".rstrip()


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Rows of a file, or of several files one below the other."""

    cells: pd.DataFrame  # as they are in the file
    series: str | None  # column that says which series a row belongs to
    parts: tuple[tuple[str, int], ...]  # path and number of rows of each file

    def refuse(self, column: str, bad: Any, reason: str = "") -> None:
        """Refuse bad cells of a column, naming the first; without a reason, as empty ones."""
        bad = np.asarray(bad)
        if bad.any():
            row = int(bad.argmax())
            path, place = self._place(row, column)
            cell = str(self.cells[column].iloc[row])[:50]
            problem = f"is empty in {place}"
            if reason and cell:
                problem = f"holds {cell!r} in {place}, {reason}"
            more = f"; {bad.sum() - 1} more like it" if bad.sum() > 1 else ""
            raise FileError(f"{path}: column {column!r} {problem}{more}")

    def _place(self, row, column):
        """The file of a row, and its place there for messages: "data row 3 (series 'a')"."""
        of_series = ""
        if self.series not in (None, column):
            of_series = f" (series {str(self.cells[self.series].iloc[row])!r})"
        parts = iter(self.parts)
        path, n_rows = next(parts)
        while row >= n_rows:
            row -= n_rows
            path, n_rows = next(parts)
        return path, f"data row {row + 1}{of_series}"


def is_parquet(path: str) -> bool:
    return Path(path).suffix.lower() in (".parquet", ".pq")


def import_pyarrow() -> ModuleType:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("parquet files need pyarrow: pip install pyarrow") from error
    return pyarrow


def read_table(
    path: str,
    columns: Sequence[str] | None,
    separator: str = ",",
    series: str | None = None,
    numeric: Collection[str] = (),
) -> Table:
    """Columns of a csv or parquet file, by default all; ``series`` is the one of series.

    Columns of a csv file are text, but for ``numeric`` ones: pandas converts those where it can.
    """
    with file_errors(path):
        if is_parquet(path):
            cells = _read_parquet(path, columns)
        else:
            cells = _read_csv(path, columns, separator, numeric)
        if cells.empty:
            raise ValueError("there are no rows of data")
    return Table(cells, series, ((path, len(cells)),))


def _check_columns(columns, header):
    for column in columns:
        if column not in header:
            raise ValueError(f"no column {column!r}; there are: {', '.join(header)}")
        if list(header).count(column) > 1:
            raise ValueError(f"several columns {column!r}; give each a name of its own")


def _read_csv(path, columns, separator, numeric):
    try:
        header = _header(path, separator)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"no csv file that can be read: {error}") from error
    columns = columns or list(filter(None, header))
    _check_columns(columns, header)
    try:
        # Without index_col=False a separator at the end of each row would shift the columns. Names
        # of series stay text, be it 007 or NA. A blank line is a cell if there is one column.
        return pd.read_csv(
            path,
            sep=separator,
            index_col=False,
            usecols=columns,
            low_memory=False,
            dtype={name: str for name in columns if name not in numeric},
            keep_default_na=False,
            na_values=dict.fromkeys(numeric, EMPTY_CELLS),
            skip_blank_lines=len(header) > 1,
        )
    except ValueError as error:
        raise ValueError(f"no csv file that can be read: {error}") from error


def _header(path, separator):
    """Cells of the first line. Longer rows are refused: pandas would drop cells silently."""
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
    arrow = import_pyarrow()
    with open(path, "rb") as file:
        try:
            parquet = arrow.parquet.ParquetFile(file)
            names = parquet.schema_arrow.names
            columns = columns or names
            _check_columns(columns, names)
            # What pandas wrote as an index is a column like others.
            return parquet.read(columns).to_pandas(ignore_metadata=True)
        except (OSError, arrow.ArrowException) as error:
            raise ValueError(f"no parquet file that can be read: {error}") from error
