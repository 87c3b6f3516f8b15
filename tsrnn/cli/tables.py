"""Tables of csv and parquet files; errors name the file, the column and the row."""

import bz2
import contextlib
import csv
import dataclasses
import gzip
import io
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import (
    DataError,
    EmptySeriesError,
    IrregularTimesError,
    MissingDataError,
    MissingRowsError,
    UnknownCategoryError,
    format_time,
)

# How csv files write a missing value
EMPTY_CELLS = ("", " ", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None")
STANDARD_INPUT = "-"
_COMPRESSIONS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_SEPARATORS = ";", "\t", "|", ","
# Numbers with marks that --decimal and --thousands explain
_LIKE_NUMBERS = r"[-+]?\d+(?:[ ',.\u00a0\u202f]\d{3})*(?:[.,]\d+)?"
_OPTIONS = {"calendar": "--calendar", "holidays": "--holidays"}
_REMEDIES = {
    "holidays": "Leave them out, or give the share of them in each step as a column for --known."
}
# The frequency of time stamps for that of periods
_PERIODS = {"M": "MS", "Q": "QS", "Y": "YS"}


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
        raise FileError(f"{shown(source)}: {_worded(error, target)}") from error
    except ValueError as error:
        raise FileError(f"{shown(path)}: {error}") from error


def shown(path: str) -> str:
    """The name of a file for messages."""
    return "standard input" if path == STANDARD_INPUT else path


def _worded(error, target):
    """An error about data in the words of the command line."""
    of_series = "" if error.series is None else f" of series {error.series!r}"
    if isinstance(error, UnknownCategoryError) and error.row is not None:
        return (
            f"column {error.column!r} is {error.category!r} at {format_time(error.row)}{of_series}"
            ", a category that no row before the first origin has: those have "
            f"{', '.join(map(repr, error.known))}. Leave the column out, or give fewer --n-windows."
        )
    if error.column is not None:
        subject = f"column {error.column!r}{of_series}"
    elif error.series is not None:
        subject = f"Series {error.series!r}"
    elif error.argument == "y":
        subject = f"column {target!r}"
    else:
        subject = _OPTIONS.get(error.argument, error.argument)
    return f"{subject} {error.problem}. {_remedy(error)}".rstrip()


def _remedy(error):
    """What to do in a file or by options, where the error tells code."""
    if error.argument in _REMEDIES:
        return _REMEDIES[error.argument]
    if isinstance(error, MissingRowsError):
        first, last = map(format_time, (error.first, error.last))
        if first == last:
            return f"The row of {first} is missing: update with it first."
        return f"Rows from {first} to {last} are missing: update with these first."
    if isinstance(error, MissingDataError):
        return "Fill it in the file, or leave it out of training by --missing mask."
    if isinstance(error, EmptySeriesError):
        return "Leave it out."
    if isinstance(error, IrregularTimesError):
        if error.grid is None:
            return "Give times in equal steps, or move them to a frequency by --freq."
        name = error.grid.frequency
        if error.grid.are_periods:
            name = _PERIODS.get(name.partition("-")[0], name)
        return f"Move them to it by --freq {name}."
    return error.remedy


@dataclasses.dataclass(frozen=True)
class CsvFormat:
    """How csv files, and numbers in them, are written."""

    separator: str = ","
    encoding: str = "utf-8-sig"
    decimal: str = "."
    thousands: str | None = None

    @property
    def is_usual(self) -> bool:
        """Whether numbers are written as pandas expects."""
        return self.decimal == "." and self.thousands is None

    def numbers(self, text: pd.Series) -> pd.Series:
        """Cells as float64, NaN where there is no number."""
        if self.thousands is not None:
            mark = r"[ \u00a0\u202f]" if self.thousands == " " else re.escape(self.thousands)
            digits = rf"[-+]?\d{{1,3}}(?:{mark}\d{{2,3}})*{mark}\d{{3}}"
            is_grouped = text.str.fullmatch(rf"{digits}(?:{re.escape(self.decimal)}\d*)?")
            text = text.mask(is_grouped, text.str.replace(mark, "", regex=True))
        if self.decimal != ".":
            text = text.str.translate(str.maketrans({".": "?", self.decimal: "."}))
        return pd.to_numeric(text, errors="coerce").astype("float64")


USUAL_CSV = CsvFormat()


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Rows of a file, or of several files one below the other."""

    cells: pd.DataFrame  # as they are in the file
    series: str | None  # column that says which series a row belongs to
    parts: tuple[tuple[str, int], ...]  # path and number of rows of each file
    csv: CsvFormat

    def numbers(self, cells: pd.Series) -> tuple[pd.Series, pd.Series]:
        """Cells as float64, NaN where there is no number; and which of them are empty."""
        is_type = pd.api.types
        if is_type.is_numeric_dtype(cells) and not is_type.is_bool_dtype(cells):
            return cells.astype("float64"), cells.isna()
        text = cells.astype(str).str.strip()
        return self.csv.numbers(text), cells.isna() | text.isin(EMPTY_CELLS)

    def refuse(self, column: str, bad: Any, reason: str = "", remedy: str = "") -> None:
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
            raise FileError(f"{shown(path)}: column {column!r} {problem}{more}{remedy}")

    def refuse_missing(self, column: str, bad: Any) -> None:
        """Refuse empty cells that may be masked."""
        self.refuse(column, bad, remedy=" (--missing mask would leave them out)")

    def refuse_numbers(self, column: str, bad: Any) -> None:
        """Refuse bad cells of a column that should hold numbers."""
        bad = np.asarray(bad)
        reason = "which is not a number"
        if bad.any() and like_numbers(self.cells[column][bad][:1]).all():
            reason += " (see --decimal and --thousands)"
        self.refuse(column, bad, reason)

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


def like_numbers(cells: pd.Series) -> pd.Series:
    """Whether cells could be numbers with marks of decimals or thousands."""
    return cells.astype(str).str.strip().str.fullmatch(_LIKE_NUMBERS)


def read_table(
    path: str,
    columns: Sequence[str] | None,
    csv_format: CsvFormat,
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
            with open_text(path, csv_format.encoding) as file:
                cells = _read_csv(file, columns, csv_format, series, numeric)
        if cells.empty:
            raise ValueError("there are no rows of data")
    return Table(cells, series, ((path, len(cells)),), csv_format)


@contextlib.contextmanager
def open_text(path: str, encoding: str) -> Iterator[io.TextIOWrapper]:
    """A text file, be it compressed, a pipe or standard input ("-"), that can be read twice."""
    with contextlib.ExitStack() as stack:
        is_input = path == STANDARD_INPUT
        file: Any = sys.stdin.buffer if is_input else stack.enter_context(open(path, "rb"))
        if is_input or not file.seekable():
            file = io.BytesIO(file.read())
        start = file.read(8)
        file.seek(0)
        openers = [opener for magic, opener in _COMPRESSIONS.items() if start.startswith(magic)]
        for opener in openers:
            file = stack.enter_context(opener(file))
        try:
            yield stack.enter_context(io.TextIOWrapper(file, encoding, newline=""))
        except UnicodeError as error:
            raise ValueError(f"{error} (see --encoding)") from error
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            if not openers:
                raise
            raise ValueError(f"no compressed file that can be read: {error}") from error


def _check_columns(columns, header):
    for column in columns:
        if column not in header:
            raise ValueError(f"no column {column!r}; there are: {', '.join(header)}")
        if list(header).count(column) > 1:
            raise ValueError(f"several columns {column!r}; give each a name of its own")


def _read_csv(file, columns, csv_format, series, numeric):
    try:
        header, is_spaced = _header(file, columns, series, csv_format.separator)
        name_in = {cell.strip() if is_spaced else cell: cell for cell in header}
        columns = columns or list(filter(None, name_in))
        numeric = {*numeric} if csv_format.is_usual else set()
        file.seek(0)
        # Without index_col=False a separator at the end of each row would shift the columns. Names
        # of series stay text, be it 007 or NA. A blank line is a cell if there is one column.
        cells = pd.read_csv(
            file,
            sep=csv_format.separator,
            skipinitialspace=is_spaced,
            index_col=False,
            usecols=[name_in[name] for name in columns],
            low_memory=False,
            dtype={name_in[name]: str for name in columns if name not in numeric},
            keep_default_na=False,
            na_values={name_in[name]: EMPTY_CELLS for name in numeric},
            skip_blank_lines=len(header) > 1,
        )
    except UnicodeError as error:
        raise ValueError(f"no csv file that can be read: {error} (see --encoding)") from error
    except (csv.Error, pd.errors.ParserError) as error:
        raise ValueError(f"no csv file that can be read: {error}") from error
    return cells.rename(columns={name_in[name]: name for name in columns})


def _header(file, columns, series, separator):
    """Cells of the first line, and whether there are blanks around them that are no part of names.

    Refuses missing columns, and longer rows, of which pandas would drop cells silently.
    """
    wanted = [series] if columns is None else columns
    header = _first_row(file, separator)
    if header is None:
        raise ValueError("the file is empty")
    spaced = _first_row(file, separator, skipinitialspace=True)
    names = [cell.strip() for cell in spaced]
    is_exact = {*wanted} <= {*header} and (columns is not None or names == header)
    is_spaced = not is_exact and {*wanted} <= {*names}
    for other in _SEPARATORS if not is_exact and not is_spaced else ():
        if {*wanted} <= {cell.strip() for cell in _first_row(file, other)}:
            mark = "\\t" if other == "\t" else other
            raise ValueError(
                f'columns are not separated by {separator!r} there: give --sep "{mark}"'
            )
    _check_columns(wanted, names if is_spaced else header)
    file.seek(0)
    rows = filter(None, csv.reader(file, delimiter=separator, skipinitialspace=is_spaced))
    next(rows)
    for number, row in enumerate(rows, start=1):
        if any(cell.strip() for cell in row[len(header) :]):
            raise ValueError(
                f"{len(row)} cells in row {number} below a header of {len(header)}; is "
                f"{separator!r} (--sep) a decimal mark there?"
            )
    return (spaced, True) if is_spaced else (header, False)


def _first_row(file, separator, **how):
    file.seek(0)
    return next(filter(None, csv.reader(file, delimiter=separator, **how)), None)


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
