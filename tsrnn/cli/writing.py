"""What the commands write: tables and pictures, and whether they will be able to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn.cli.tables import is_parquet, parquet


def check_files(sources: Iterable[str | None], picture: str | None, *others: str | None) -> None:
    """Refuse files that cannot be written, before the work that fills them.

    Parameters
    ----------
    sources : iterable of str or None
        Files that are read.
    picture, others : str or None
        Files to write; None for one that nobody asked for.

    Raises
    ------
    ValueError
        If one is a directory or in none, may not be written, is a source or another one, or is a
        picture of no known kind.
    ImportError
        If what writes it is not installed.
    """
    taken = {Path(path).resolve(): "it is a file to read" for path in filter(None, sources)}
    for path in filter(None, (picture, *others)):
        place = Path(path).resolve()
        _check_writable(path, taken.get(place))
        taken[place] = "another output has that name"
        if is_parquet(path):
            parquet()
    if picture:
        _check_picture(picture)


def _check_writable(path, why_not):
    file = Path(path)
    if file.is_dir():
        why_not = "it is a directory"
    elif not file.parent.is_dir():
        why_not = f"there is no directory {file.parent}"
    elif not os.access(file if file.exists() else file.parent, os.W_OK):
        why_not = "permission denied"
    if why_not:
        raise ValueError(f"cannot write {path}: {why_not}")


def _check_picture(path):
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('--plot needs matplotlib: pip install "tsrnn[plot]"') from error
    if "matplotlib.pyplot" not in sys.modules:
        matplotlib.use("agg")  # there may be no window system, and no window is opened
    kinds = Figure().canvas.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in kinds:
        raise ValueError(f"--plot {path}: the name must end in one of .{', .'.join(sorted(kinds))}")


def write_table(table: pd.DataFrame, path: str | None) -> None:
    """Write a table with its index, as csv to standard output where there is no path."""
    if path and is_parquet(path):
        table.reset_index().apply(_plain).to_parquet(path, engine="pyarrow", index=False)
    else:
        # Forecasts are made in float32, but about a level that may need more of its 7 digits.
        table.to_csv(path or sys.stdout, float_format="%.10g", lineterminator="\n")


def _plain(column):
    """Periods as files have them: years as numbers, others as text."""
    if not isinstance(column.dtype, pd.PeriodDtype):
        return column
    text = column.astype(str)
    return text.astype("int64") if text.str.isdecimal().all() else text


def write_picture(display: object, path: str) -> None:
    """Write the figure of a display."""
    from matplotlib import pyplot

    display.figure_.savefig(path, dpi=150)
    pyplot.close(display.figure_)


def as_text(table: pd.DataFrame) -> str:
    """A table of numbers, each row with the decimals that its largest number needs for 4 digits."""
    return table.apply(_digits, axis=1).to_string()


def events_as_text(events: pd.DataFrame) -> str:
    """The first columns of events, for people to read, numbers to 4 digits."""
    shown = [name for name in events if name not in ("n_points", "peak")]
    shown = events[[name for name in shown if not str(name).startswith("share_")]]
    numbers = shown.select_dtypes("floating").columns
    return shown.assign(**{name: _digits(shown[name]) for name in numbers}).to_string(index=False)


def _digits(row):
    largest = np.abs(row[np.isfinite(row)]).max()
    decimals = 3 - int(np.floor(np.log10(largest))) if largest > 0 else 0
    return row.map(lambda number: "-" if np.isnan(number) else f"{number:.{max(decimals, 0)}f}")
