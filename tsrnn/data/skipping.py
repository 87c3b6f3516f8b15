"""Leave out the series that cannot be used, and say which and why."""

import dataclasses
import warnings
from collections.abc import Callable, Hashable
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tsrnn.data.errors import DataError, Location, listed
from tsrnn.data.interop import narwhals_frame
from tsrnn.data.time_axis import format_time
from tsrnn.parameters import user_level

_BLOCK = 64  # series that are checked together at first


@dataclasses.dataclass(frozen=True, eq=False)
class Skipped:
    """The series that were left out, with the error of each."""

    COLUMNS: ClassVar = ("row", "problem", "remedy")  # of the table, after the labels

    labels: list
    errors: list[DataError]

    def table(self, id_column: Hashable = "unique_id") -> pd.DataFrame:
        """A row for each series: its label, the first bad row, the problem and the remedy."""
        texts = {
            "row": [None if e.row is None else _text(e.row) for e in self.errors],
            "problem": [_problem(error) for error in self.errors],
            "remedy": [error.remedy for error in self.errors],
        }
        table = pd.DataFrame({name: pd.Series(part, dtype="str") for name, part in texts.items()})
        labels = pd.Series(self.labels, dtype=None if self.labels else "str")
        table.insert(0, id_column, labels)
        return table

    def warn(self, hint: str = "") -> None:
        """Warn of the series, if there are any; ``hint`` ends the message."""
        if self.labels:
            warnings.warn(
                f"{len(self.labels)} series {'is' if len(self.labels) == 1 else 'are'} left out: "
                f"{listed(self.labels)}. The first: {self.errors[0]}{hint}",
                stacklevel=user_level(),
            )


def without_bad_series(
    y: Any,
    check: Callable[[Any], Any],
    id_column: Hashable = "unique_id",
    time_column: Hashable = "ds",
    target_column: Hashable | None = "y",
) -> tuple[Any, Skipped]:
    """The series that a check lets pass, in the form of ``y``; None if it is none of them.

    ``check`` raises a DataError for a frame of some of the series if one of them is bad. It is
    called for blocks of series. Of a block that is refused the series that the error names is taken
    out, or, where it names none, halves are checked, down to one series.

    Parameters
    ----------
    y : DataFrame or Series
        A long frame, of any library that narwhals knows; a frame of one column a series; or one on
        a MultiIndex of series and time.
    check : callable
        What reads such a frame.
    id_column, time_column, target_column : Hashable
        Columns of a long frame; None for several of values.
    """
    series = _series_of(y, id_column, time_column, target_column)
    if series is None:  # a single series: all or nothing
        check(y)
        return y, Skipped([], [])
    labels, errors, good = [], [], []
    for label, error in series.bad_from_the_start():
        labels.append(label)
        errors.append(error)
    n = len(series.labels)
    bad: dict[int, DataError] = {}
    number_of = dict(zip(series.labels, range(n), strict=True))
    blocks = np.array_split(np.arange(n), -(-n // _BLOCK))[::-1] if n else []
    while blocks:
        block = blocks.pop()
        try:
            check(series.take(block))
        except DataError as error:
            if len(block) == 1:
                bad[int(block[0])] = error
                continue
            is_named = block == number_of.get(error.series, -1)
            parts = (
                (block[is_named], block[~is_named])
                if is_named.any()
                else np.split(block, [len(block) // 2])
            )
            blocks += parts[::-1]
        else:
            good.append(block)
    for number in sorted(bad):
        labels.append(series.labels[number])
        errors.append(bad[number])
    kept = series.take(np.sort(np.concatenate(good))) if good else None
    return kept, Skipped(labels, errors)


class _Columns:
    """A frame of one column a series."""

    def __init__(self, y: pd.DataFrame):
        self.y, self.labels = y, y.columns.tolist()

    def bad_from_the_start(self) -> list:
        return []

    def take(self, numbers: np.ndarray) -> pd.DataFrame:
        return self.y.iloc[:, numbers]


class _Rows:
    """A frame of one row a value, with the label of each row's series."""

    def __init__(self, y: Any, ids: Any, bad: list | None = None):
        codes, labels = pd.factorize(ids)
        self.y, self.labels, self.bad = y, labels.tolist(), bad or []
        self.order = np.argsort(codes, kind="stable")[(codes < 0).sum() :]  # without missing ids
        self.bounds = np.concatenate([[0], np.cumsum(np.bincount(codes[codes >= 0]))])
        if (codes < 0).any():
            error = Location().error(
                "has rows without an id", "Give each row the id of its series."
            )
            self.bad.append((None, error))

    def bad_from_the_start(self) -> list:
        return self.bad

    def take(self, numbers: np.ndarray) -> Any:
        bounds = zip(self.bounds[numbers], self.bounds[numbers + 1], strict=True)
        parts = [self.order[first:end] for first, end in bounds]
        rows = np.sort(np.concatenate(parts))  # in the order that they had
        return self.y.iloc[rows] if hasattr(self.y, "iloc") else self.y[rows.tolist()]


def _series_of(y, id_column, time_column, target_column):
    """The series of a frame, to be taken one by one; None for a single one."""
    if not isinstance(y, (pd.Series, pd.DataFrame)):
        frame = narwhals_frame(y, "y")
        if id_column not in frame.columns:
            return None
        return _Rows(y, pd.Series(frame[id_column].to_list(), dtype=object))
    if isinstance(y.index, pd.MultiIndex):
        return _Rows(y, y.index.get_level_values(0))
    if isinstance(y, pd.Series):
        return None
    if id_column not in y.columns:
        return None if time_column in y.columns else _Columns(y)
    if target_column is None:
        return _Rows(y, y[id_column])
    if target_column not in y.columns or time_column not in y.columns:
        return None
    y, bad = _with_numbers(y, id_column, time_column, target_column)
    return _Rows(y, y[id_column], bad)


def _with_numbers(y, id_column, time_column, target_column):
    """A long frame with numbers for texts, without the series in which a text is no number."""
    values = y[target_column]
    if pd.api.types.is_numeric_dtype(values.dtype):
        return y, []
    numbers = pd.to_numeric(values, errors="coerce")
    is_bad = (numbers.isna() & values.notna()).to_numpy()
    bad_rows = y[is_bad].drop_duplicates(id_column)
    y = y.assign(**{target_column: numbers.astype(float)})
    bad = [
        (
            label,
            Location(series=label, column=target_column).error(
                f"is {value!r} at {_text(time)}, which is no number",
                "Replace it with a number, or leave that part of the series out.",
                row=time,
            ),
        )
        for label, time, value in bad_rows[[id_column, time_column, target_column]].itertuples(
            index=False
        )
        if not pd.isna(label)
    ]
    return y[~y[id_column].isin([label for label, _ in bad])], bad


def _problem(error):
    column = "" if error.column is None else f"column {error.column!r} "
    return f"{column}{error.problem}"


def _text(row):
    try:
        return format_time(row)
    except (AttributeError, TypeError, ValueError):
        return str(row)
