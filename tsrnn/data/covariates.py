"""Covariates in any form, looked up by series and time."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location, listed
from tsrnn.data.frequency import time_numbers
from tsrnn.data.headers import difference_of_types, times_to_index
from tsrnn.data.interop import to_pandas
from tsrnn.data.rows import check_frame, labelled_rows
from tsrnn.data.time_axis import conversion_method, format_time


@dataclasses.dataclass(frozen=True, eq=False)
class Covariates:
    """Rows of covariates, of one or of all series, to be looked up by time."""

    frame: pd.DataFrame  # one column a covariate
    times: pd.Index  # time stamp of each row
    labels: pd.Index | None  # series of each row; None where all series share the rows
    name: str  # of the argument, for error messages

    def at(self, indexes: Sequence[pd.Index], ids: list) -> tuple[pd.DataFrame, np.ndarray]:
        """Rows for the times of each series, end to end, missing where absent, and which exist."""
        numbers = self._time_numbers(indexes[0])
        if self.labels is None:
            codes, code_of = np.zeros(numbers.size, int), None
        else:
            codes, labels = pd.factorize(self.labels)
            code_of = {label: code for code, label in enumerate(labels)}
            self._check_types(code_of, ids)
        order = np.lexsort((numbers, codes))
        self._check_unique(codes, numbers, order)
        numbers = numbers[order]
        bounds = np.searchsorted(codes[order], np.arange(codes.max(initial=0) + 2))
        parts, rows_of = [], {}
        for index, label in zip(indexes, ids, strict=True):
            code = 0 if code_of is None else code_of.get(label, -1)
            key = (id(index), code)
            if key not in rows_of:
                part = slice(bounds[code], bounds[code + 1]) if code >= 0 else slice(0)
                rows_of[key] = _lookup(numbers[part], order[part], time_numbers(index))
            parts.append(rows_of[key])
        rows = np.concatenate(parts)
        columns = {
            column: self.frame[column].array.take(rows, allow_fill=True) for column in self.frame
        }
        return pd.DataFrame(columns), rows >= 0

    def of(self, ids: list) -> Self:
        """The same without labels if they are of a single series, and ``ids`` of one without."""
        if self.labels is None or ids != [None] or len(self.labels.unique()) > 1:
            return self
        return dataclasses.replace(self, labels=None)

    def check_labels(self, ids: list) -> None:
        """Refuse rows of other series alone."""
        labels = None if self.labels is None else self.labels.unique()
        if labels is None or labels.isin(ids).any():
            return
        known = "is a single series" if ids == [None] else f"has {listed(ids)}"
        raise Location(self.name).error(
            f"has the series {listed(labels)}, and y {known}",
            difference_of_types(labels, ids) or f"Give {self.name} the labels of y.",
        )

    def _check_types(self, labels, ids):
        """Refuse labels of another type than those of the series."""
        if not any(label in labels for label in ids):
            remedy = difference_of_types(labels, ids)
            if remedy:
                problem = f"has the series {listed(labels)}, and y {listed(ids)}"
                raise Location(self.name).error(problem, remedy)

    def _time_numbers(self, index):
        """Time stamps of the rows as integers that count like those of a series' index."""
        times = self.times
        if isinstance(index, pd.DatetimeIndex) and isinstance(times, pd.DatetimeIndex):
            if (times.tz is None) != (index.tz is None):
                with_zone, without = (self.name, "y") if index.tz is None else ("y", self.name)
                raise Location(f"The time stamps of {with_zone}").error(
                    f"have a time zone, those of {without} have none",
                    f"Give both one, for instance by tz_localize('UTC') on {without}'s.",
                )
            return times.as_unit(index.unit).asi8
        kinds = {type(times), type(index)}
        same = len(kinds) == 1 or not kinds & {pd.DatetimeIndex, pd.PeriodIndex}
        if not same or (isinstance(index, pd.PeriodIndex) and index.freq != times.freq):
            raise Location(self.name).error(
                f"has time stamps of dtype {times.dtype}, and y of {index.dtype}",
                times_to_index(self.frame, self.name)
                or f"Bring them to one{conversion_method(times, index)}.",
            )
        return time_numbers(times)

    def _check_unique(self, codes, numbers, order):
        repeated = (np.diff(codes[order]) == 0) & (np.diff(numbers[order]) == 0)
        if repeated.any():
            row = order[repeated.argmax()]
            label = None if self.labels is None else self.labels[row]
            of_series = "" if label is None else f" of series {label!r}"
            raise Location(self.name).error(
                f"has the time stamp {format_time(self.times[row], self.times)}{of_series} "
                "more than once",
                "Keep one row each.",
                row=self.times[row],
            )


def _lookup(numbers, rows, wanted):
    """Of rows with sorted time numbers, those of the wanted numbers; -1 where there is none."""
    if not numbers.size:
        return np.full(wanted.size, -1)
    positions = np.minimum(numbers.searchsorted(wanted), numbers.size - 1)
    return np.where(numbers[positions] == wanted, rows[positions], -1)


def covariates_from(
    X: Any, *, id_column: str = "unique_id", time_column: str = "ds", name: str = "X"
) -> Covariates:
    """Check a frame of covariates and find the series and time of its rows.

    ``X`` has one column a covariate; it may also be a Series, or a frame of any library that
    narwhals knows. Times are in the column ``time_column`` or else in the index, and series, if
    they do not all share the rows, in the column ``id_column`` or the first level of the index.
    Raises DataError, with the argument's ``name``, if ``X`` is no frame, is empty, has no column of
    values, or ids or times are missing.
    """
    if isinstance(X, pd.Series):
        X = X.to_frame(name if X.name is None else X.name)
    if not isinstance(X, pd.DataFrame):
        X = to_pandas(X, name)
    columns: list[str | None] = [None, None]
    if not isinstance(X.index, pd.MultiIndex) and time_column in X.columns:
        columns = [id_column if id_column in X.columns else None, time_column]
    if not len(X) or X.shape[1] == 2 - columns.count(None):
        raise Location(name).error(
            f"has shape {X.shape}", "Give rows of time and columns of covariates."
        )
    check_frame(X, name)
    rows = labelled_rows(X, name, *columns)
    labels = None if rows.ids is None else pd.Index(rows.ids)
    return Covariates(rows.values, rows.times, labels, name)
