"""Covariates in whatever form they come, put beside the time stamps of series."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.axes import check_time_index, numbers_of, show
from tsrnn.data.foreign import narwhals_columns
from tsrnn.data.rows import series_name


@dataclasses.dataclass(frozen=True, eq=False)
class Covariates:
    """Rows of covariates, of one or of all series, to be looked up by time.

    Attributes
    ----------
    frame : DataFrame
        One column a covariate; rows as they came.
    times : DatetimeIndex, PeriodIndex or Index of integers
        Time stamp of each row.
    labels : Index or None
        Series of each row; None where all series share the rows.
    name : str
        What messages call them.
    """

    frame: pd.DataFrame
    times: pd.Index
    labels: pd.Index | None
    name: str

    def at(self, indexes: Sequence[pd.Index], ids: list) -> tuple[pd.DataFrame, np.ndarray]:
        """Rows for the time stamps of each series, end to end, and which of them there are.

        Parameters
        ----------
        indexes : sequence of Index
            Time stamps of each series; equal ones may share an object.
        ids : list
            Label of each series.

        Returns
        -------
        DataFrame, (n_rows,) bool array
            Missing values stand where there is no row.

        Raises
        ------
        ValueError
            If time stamps are of another kind than those of the series, or are repeated.
        """
        numbers = self._numbers(indexes[0])
        if self.labels is None:
            codes, known = np.zeros(numbers.size, int), None
        else:
            codes, found = pd.factorize(self.labels)
            known = {label: code for code, label in enumerate(found)}
        order = np.lexsort((numbers, codes))
        self._check_repeats(codes, numbers, order)
        numbers = numbers[order]
        bounds = np.searchsorted(codes[order], np.arange(codes.max(initial=0) + 2))
        rows, done = [], {}
        for index, label in zip(indexes, ids, strict=True):
            code = 0 if known is None else known.get(label, -1)
            key = (id(index), code)
            if key not in done:
                done[key] = _places(numbers, order, bounds, code, numbers_of(index))
            rows.append(done[key])
        rows = np.concatenate(rows)
        taken = {column: self.frame[column].array.take(rows, allow_fill=True)
                 for column in self.frame}  # fmt: skip
        return pd.DataFrame(taken), rows >= 0

    def _numbers(self, index):
        """The rows' time stamps as the numbers that an index of a series counts by."""
        times = self.times
        if isinstance(index, pd.DatetimeIndex) and isinstance(times, pd.DatetimeIndex):
            if (times.tz is None) != (index.tz is None):
                with_zone, without = (self.name, "y") if index.tz is None else ("y", self.name)
                raise ValueError(
                    f"The time stamps of {with_zone} have a time zone, those of {without} have "
                    f"none. Give both one, for instance by tz_localize('UTC') on {without}'s."
                )
            return times.as_unit(index.unit).asi8
        same = type(times) is type(index) or not {type(times), type(index)} & {
            pd.DatetimeIndex, pd.PeriodIndex
        }  # fmt: skip
        if not same or (isinstance(index, pd.PeriodIndex) and index.freq != times.freq):
            raise ValueError(
                f"{self.name} has time stamps of dtype {times.dtype}, and y of {index.dtype}. "
                "Bring them to one."
            )
        return numbers_of(times)

    def _check_repeats(self, codes, numbers, order):
        repeated = (np.diff(codes[order]) == 0) & (np.diff(numbers[order]) == 0)
        if repeated.any():
            row = order[repeated.argmax()]
            of = "" if self.labels is None else f" of series {self.labels[row]!r}"
            raise ValueError(
                f"{self.name} has the time stamp {show(self.times[row])}{of} more than once. Keep "
                "one row each."
            )


def _places(numbers, order, bounds, code, wanted):
    """Rows of the series numbered ``code`` with the wanted times, -1 where there is none."""
    if code < 0:
        return np.full(wanted.size, -1)
    own = numbers[bounds[code] : bounds[code + 1]]
    places = np.minimum(own.searchsorted(wanted), own.size - 1)
    return np.where(own[places] == wanted, order[bounds[code] + places], -1)


def covariates_from(
    X: Any, *, id_column: str = "unique_id", time_column: str = "ds", name: str = "X"
) -> Covariates:
    """Check a frame of covariates and tell its rows' series and time.

    Parameters
    ----------
    X : DataFrame
        One column a covariate, one row a time. The time stands in a column, if there is one of the
        name ``time_column``, or in the index; the series likewise, if not all share the rows: in
        the column ``id_column``, or as the first level of the index. Or a Series of one covariate.
        Also a frame of polars, or of another library that narwhals knows.
    id_column, time_column : str
        Columns of a long frame.
    name : str
        What messages call it.

    Raises
    ------
    ValueError
        If it is no frame, is empty, has no column of values, or ids or time stamps are missing.
    """
    if isinstance(X, pd.Series):
        X = X.to_frame(name if X.name is None else X.name)
    if not isinstance(X, pd.DataFrame):
        X = narwhals_columns(X, name)
    labels = None
    if isinstance(X.index, pd.MultiIndex):
        if X.index.nlevels != 2:
            raise ValueError(
                f"{name} has {X.index.nlevels} levels in its index; there must be two, series and "
                "time. Make one level of those that name a series."
            )
        labels, times = X.index.get_level_values(0), X.index.get_level_values(1)
    elif time_column in X.columns:
        times = pd.Index(X[time_column])
        labels = pd.Index(X[id_column]) if id_column in X.columns else None
        X = X.drop(columns=[c for c in (id_column, time_column) if c in X.columns])
    else:
        times = X.index
    if not len(X) or not X.shape[1]:
        raise ValueError(
            f"{name} has shape {X.shape}. Give rows of time and columns of covariates."
        )
    if not X.columns.is_unique:
        twice = X.columns[X.columns.duplicated()][0]
        raise ValueError(f"{name} has more than one column {twice!r}. Give each a name of its own.")
    if pd.api.types.is_datetime64_any_dtype(times.dtype):
        times = pd.DatetimeIndex(times)
    check_time_index(times, name)
    if labels is not None and labels.hasnans:
        row = int(labels.isna().argmax())
        raise ValueError(f"{name} has no id in row {row}. Drop or mend what has none.")
    return Covariates(X, times, labels, name)


def missing_row(
    there: np.ndarray, indexes: Sequence[pd.Index], ids: list
) -> tuple[str, str] | None:
    """Time stamp and series (as messages have them) of the first row that is not there."""
    if there.all():
        return None
    row = int(there.argmin())
    ends = np.cumsum([len(index) for index in indexes])
    series = int(ends.searchsorted(row, side="right"))
    index = indexes[series]
    label = index[row - ends[series] + len(index)]
    return show(label), "" if ids[series] is None else f" of {series_name(ids[series], 'y')}"
