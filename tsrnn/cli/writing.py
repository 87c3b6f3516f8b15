"""Output of the commands: tables, pictures, and checks that they can be written."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.cli.tables import STANDARD_INPUT, import_pyarrow, is_parquet
from tsrnn.saving.file import check_destination


def check_outputs(
    inputs: Iterable[str | None],
    picture: str | None,
    *tables: str | None,
    saved: str | None = None,
) -> None:
    """Refuse output files that cannot be written, before the work starts; None is no file."""
    read = [path for path in inputs if path not in (None, STANDARD_INPUT)]
    conflicts = {Path(path).resolve(): "it is a file to read" for path in read}
    for path in filter(None, (picture, *tables, saved)):
        if path == STANDARD_INPUT:
            raise ValueError("cannot write -: name a file")
        resolved = Path(path).resolve()
        _check_writable(path, conflicts.get(resolved))
        conflicts[resolved] = "another output has that name"
        if is_parquet(path):
            import_pyarrow()
    if saved:
        check_destination(saved)
    if picture:
        _check_picture(picture)


def _check_writable(path, reason):
    """Refuse a path for a reason given, or if it is not writable."""
    file = Path(path)
    if file.is_dir():
        reason = "it is a directory"
    elif not file.parent.is_dir():
        reason = f"there is no directory {file.parent}"
    elif not os.access(file if file.exists() else file.parent, os.W_OK):
        reason = "permission denied"
    if reason:
        raise ValueError(f"cannot write {path}: {reason}")


def _check_picture(path):
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('--plot needs matplotlib: pip install "tsrnn[plot]"') from error
    if "matplotlib.pyplot" not in sys.modules:
        matplotlib.use("agg")  # there may be no window system, and no window is opened
    formats = Figure().canvas.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in formats:
        endings = ", .".join(sorted(formats))
        raise ValueError(f"--plot {path}: the name must end in one of .{endings}")


def write_table(table: pd.DataFrame, path: str | None) -> None:
    """Write a table with its index; without a path, as csv to standard output."""
    # Forecasts are made in float32, but added to a level that may need more than 7 digits.
    form = {"float_format": "%.10g", "lineterminator": "\n"}
    if not path:
        table.to_csv(sys.stdout, **form)
        return
    with _written_whole(path) as part:
        if is_parquet(path):
            plain = table.reset_index().apply(_without_periods)
            plain.to_parquet(part, engine="pyarrow", index=False)
        else:
            table.to_csv(part, **form)


@contextlib.contextmanager
def _written_whole(path):
    """Yield the path of a temporary file, which is written to ``path`` if all went well."""
    from tsrnn.saving.file import write_whole

    with tempfile.TemporaryDirectory(prefix="tsrnn-") as directory:
        part = Path(directory, Path(path).name)
        yield part
        target, content = Path(path), part.read_bytes()
        is_replaceable = not target.exists() or target.is_file()
        if is_replaceable and os.access(target.resolve().parent, os.W_OK):
            write_whole(path, content)
        else:  # a device, a pipe, a file in a directory of somebody else
            target.write_bytes(content)


def _without_periods(column):
    """Periods as files hold them: years as integers, others as text."""
    if not isinstance(column.dtype, pd.PeriodDtype):
        return column
    text = column.astype(str)
    return text.astype("int64") if text.str.isdecimal().all() else text


def write_text(text: str, path: str | None) -> None:
    """Write a text and the end of its last line; without a path to standard output."""
    text += "" if text.endswith("\n") else "\n"
    if not path:
        sys.stdout.write(text)
        return
    with _written_whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="")


def write_picture(display: Any, path: str) -> None:
    from matplotlib import pyplot

    with _written_whole(path) as part:
        display.figure_.savefig(part, dpi=150)
    pyplot.close(display.figure_)


def as_text(table: pd.DataFrame) -> str:
    """A table of numbers, each row with as many decimals as give its largest number 4 digits."""
    return table.apply(_formatted, axis=1).to_string()


def groups_as_text(table: pd.DataFrame) -> str:
    """Scores of groups, a row each, for people to read; without scores that are nowhere defined."""
    return table.dropna(axis=1, how="all").apply(_formatted).to_string(sparsify=False)


def events_as_text(events: pd.DataFrame) -> str:
    """The main columns of events, for people to read, numbers to 4 digits."""
    columns = [
        name
        for name in events
        if name not in ("n_points", "peak") and not str(name).startswith("share_")
    ]
    shown = events[columns]
    numbers = shown.select_dtypes("floating").columns
    formatted = {name: _formatted(shown[name]) for name in numbers}
    return shown.assign(**formatted).to_string(index=False)


def _formatted(numbers):
    """Numbers as text with the decimals that give the largest one 4 digits."""
    largest = np.abs(numbers[np.isfinite(numbers)]).to_numpy().max(initial=0.0)
    decimals = max(3 - int(np.floor(np.log10(largest))) if largest > 0 else 0, 0)
    return numbers.map(lambda number: "-" if np.isnan(number) else f"{number:.{decimals}f}")
