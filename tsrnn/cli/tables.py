"""Tables of csv and parquet files, cells as they stand; what is wrong is told by file and place."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

# What csv files write where there is no value
EMPTY = ("", " ", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None")
_WORDS = {  # of the library, by regular expressions, and those of the command
    r"^Column (.*?) of (?:X|y|static) ": r"column \1 ",
    r", and y has (\d)": r", and there are \1",
    r" among the rows of y\b": " in the rows that are learnt from",
    r", a level that was not fitted: (.*)\. If .*": r", a category that no row before the first "
    r"origin has: those have \1. Leave the column out, or give fewer --windows.",
    r"^calendar needs dates.*": "--calendar needs dates, and times are whole numbers here.",
    r"^holidays are days, and y has": "--holidays are days, and times have",
    r"Leave holidays out, (.*) of X\.$": r"Leave them out, \1 for --known.",
    r" of y ": " ",
}


class FileError(ValueError):
    """What is wrong with a file; the message names it."""


@contextlib.contextmanager
def told_of(path: str, target: str = "y", static: str | None = None) -> Iterator[None]:
    """Have errors name the file, and speak of it where the library speaks of y, X and static."""
    try:
        yield
    except FileError:
        raise
    except ValueError as error:
        message = str(error)
        if " of static " in message:
            path = static or path
        for pattern, words in _WORDS.items():
            message = re.sub(pattern, words, message, count=1)
        if message.startswith("y "):
            message = f"column {target!r}{message[1:]}"
        raise FileError(f"{path}: {message}") from error


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Rows of a file, or of several files one below the other.

    Attributes
    ----------
    cells : DataFrame
        As they stand in the file.
    series : str or None
        The column that says which series a row belongs to.
    parts : tuple of (str, int)
        Each file and its number of rows.
    """

    cells: pd.DataFrame
    series: str | None
    parts: tuple[tuple[str, int], ...]

    def above(self, other: Table) -> Table:
        """This table and another below it; columns that the other has not are empty there."""
        cells = pd.concat([self.cells, other.cells], ignore_index=True)
        return Table(cells, self.series, self.parts + other.parts)

    def refuse(self, name: str, bad: Any, why: str = "") -> None:
        """Name the first cell of a column that is bad, if any is; as an empty one without a why.

        Raises
        ------
        FileError
            With its file, column, row and series, and how many more there are.
        """
        bad = np.asarray(bad)
        if bad.any():
            row = int(bad.argmax())
            path, place = self._place(row, name)
            cell = str(self.cells[name].iloc[row])[:50]
            what = f"holds {cell!r} in {place}, {why}" if why and cell else f"is empty in {place}"
            more = f"; {bad.sum() - 1} more like it" if bad.sum() > 1 else ""
            raise FileError(f"{path}: column {name!r} {what}{more}")

    def _place(self, row, name):
        """The file of a row, and what messages call its place there."""
        of = ""
        if self.series not in (None, name):
            of = f" (series {str(self.cells[self.series].iloc[row])!r})"
        parts = iter(self.parts)
        path, n_rows = next(parts)
        while row >= n_rows:
            row -= n_rows
            path, n_rows = next(parts)
        return path, f"data row {row + 1}{of}"


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


def read_table(
    path: str,
    columns: Sequence[str] | None,
    separator: str = ",",
    series: str | None = None,
    inferred: Collection[str] = (),
) -> Table:
    """Columns of a file.

    Parameters
    ----------
    path : str
        A csv file with a header, or by its ending a parquet file.
    columns : sequence of str or None
        Those to read; None for all.
    separator : str
        Of columns of a csv file.
    series : str, optional
        The one of them that says which series a row belongs to.
    inferred : collection of str
        Columns of a csv file that pandas shall make numbers of; others are text as it stands.

    Raises
    ------
    OSError, ImportError
        If the file cannot be read.
    FileError
        If it has no such columns, or no rows.
    """
    with told_of(path):
        if is_parquet(path):
            cells = _read_parquet(path, columns)
        else:
            cells = _read_csv(path, columns, separator, inferred)
        if cells.empty:
            raise ValueError("there are no rows of data")
    return Table(cells, series, ((path, len(cells)),))


def _check_columns(wanted, found):
    for column in wanted:
        if column not in found:
            raise ValueError(f"no column {column!r}; there are: {', '.join(found)}")
        if list(found).count(column) > 1:
            raise ValueError(f"several columns {column!r}; give each a name of its own")


def _read_csv(path, columns, separator, inferred):
    try:
        header = _header(path, separator)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"no csv file that can be read: {error}") from error
    columns = columns or list(filter(None, header))
    _check_columns(columns, header)
    try:
        # Without index_col=False a separator at the end of each row would shift the columns. Names
        # of series are text as it stands, be it 007 or NA. A blank line of a lone column is a cell.
        return pd.read_csv(
            path, sep=separator, index_col=False, usecols=columns, low_memory=False,
            dtype={name: str for name in columns if name not in inferred},
            keep_default_na=False, na_values=dict.fromkeys(inferred, EMPTY),
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
            names = found.schema_arrow.names
            columns = columns or names
            _check_columns(columns, names)
            # What pandas wrote as an index is a column like others.
            return found.read(columns).to_pandas(ignore_metadata=True)
        except (OSError, arrow.ArrowException) as error:
            raise ValueError(f"no parquet file that can be read: {error}") from error
