"""PanelSeries: single series of a panel, in whatever form it comes."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import Location
from tsrnn.data.interop import to_pandas
from tsrnn.data.rows import labelled_rows

LONG_COLUMNS = ("unique_id", "ds", "y")


class PanelSeries:
    """The series of a panel in any form, with their ``labels`` in the order of their first rows.

    ``data`` is a wide frame, one column per series; a long frame of pandas or polars; a Series or
    DataFrame on a MultiIndex of series and time; or a single Series, or a frame of its times and
    values, whose label is None. Columns of intervals in a wide frame have one more level,
    ``lower_80`` and so on. Otherwise DataError, which calls the data ``name``.
    """

    def __init__(self, data: Any, name: str, columns: tuple[str, str, str] = LONG_COLUMNS):
        self.name, self._target, self._is_wide = name, columns[2], False
        is_pandas = isinstance(data, (pd.Series, pd.DataFrame))
        frame = data if is_pandas else to_pandas(data, name)
        if isinstance(frame.index, pd.MultiIndex):  # of one or more levels of series, and time
            labels = frame.index.droplevel(-1)
            self._data = frame.set_axis(frame.index.get_level_values(-1))
        elif isinstance(frame, pd.Series):
            self.labels, self._data = [None], frame
            return
        elif columns[1] in frame.columns and columns[0] not in frame.columns:  # of one series
            rows = labelled_rows(frame, name, None, columns[1])
            self.labels, self._data = [None], rows.values.set_axis(rows.times)
            return
        elif is_pandas and not set(columns[:2]) <= set(frame.columns):
            labels, self._data, self._is_wide = _series_labels(frame.columns), frame, True
        else:
            self._check_columns(frame, columns[:2])
            rows = labelled_rows(frame, name, *columns[:2])
            labels, self._data = rows.ids, rows.values.set_axis(rows.times)
        self._codes, distinct = pd.factorize(labels)
        self.labels = distinct.tolist()

    def _check_columns(self, frame, columns):
        absent = [column for column in columns if column not in frame.columns]
        if absent:
            raise Location(self.name).error(
                f"has the columns {frame.columns.tolist()}, without {absent[0]!r}",
                "Say which are the series', the time's and the values' by columns.",
            )

    def series(self, label: Hashable) -> pd.Series:
        """Values of one series, from the first known one to the last."""
        data = self._select(label)
        if isinstance(data, pd.DataFrame):
            if data.shape[1] > 1:
                self._check_columns(data, [self._target])
            data = data.iloc[:, 0] if data.shape[1] == 1 else data[self._target]
        known = np.flatnonzero(data.notna())
        return data.iloc[known[0] : known[-1] + 1] if known.size else data[:0]

    def intervals(self, label: Hashable) -> pd.DataFrame:
        """Interval columns of one series, without empty rows."""
        data = self._select(label)
        if self._is_wide and data.columns.nlevels > 1:
            data = data.set_axis(data.columns.get_level_values(-1), axis=1)
        return data.dropna(how="all")

    def _select(self, label):
        """The rows, or of a wide frame the columns, of one series."""
        if label is None:
            return self._data
        is_label = self._codes == self.labels.index(label)
        return self._data.loc[:, is_label] if self._is_wide else self._data.iloc[is_label]


def _series_labels(columns):
    """Series of a wide frame's columns, without the level that names interval bounds."""
    if isinstance(columns, pd.MultiIndex) and str(columns[0][-1]).startswith(("lower_", "upper_")):
        columns = columns.droplevel(-1)
    return columns
