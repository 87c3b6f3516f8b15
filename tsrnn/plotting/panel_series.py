"""PanelSeries: single series of a panel, in whatever form it comes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.interop import long_to_pandas, narwhals_frame

LONG_COLUMNS = ("unique_id", "ds", "y")


class PanelSeries:
    """The series of a panel, by label.

    Parameters
    ----------
    data : Series or DataFrame
        A wide frame, one column per series; a long frame of pandas or polars; a Series or DataFrame
        on a MultiIndex of series and time; or a single Series, whose label is None. Columns of
        intervals in a wide frame have one more level, ``lower_80`` and so on.
    name : str
        Name in error messages.
    columns : tuple of str
        Columns of ids, times and values of a long frame.

    Attributes
    ----------
    labels : list
        In the order of their first rows.

    Raises
    ------
    ValueError
        If ``data`` has none of these forms.
    """

    def __init__(self, data: Any, name: str, columns: tuple[str, str, str] = LONG_COLUMNS):
        self.name, self._target, self._is_wide = name, columns[2], False
        ids, times = columns[:2]
        if not isinstance(data, (pd.Series, pd.DataFrame)):
            data = _long_frame(data, name, columns)
        if isinstance(data.index, pd.MultiIndex):
            keys, data = data.index.droplevel(-1), data.set_axis(data.index.get_level_values(-1))
        elif isinstance(data, pd.Series):
            self.labels, self._data = [None], data
            return
        elif ids in data.columns and times in data.columns:
            keys, data = data[ids], data.drop(columns=ids).set_index(times)
        else:
            keys, self._is_wide = _series_labels(data.columns), True
        self._codes, labels = pd.factorize(keys)
        self.labels, self._data = labels.tolist(), data

    def series(self, label: Hashable) -> pd.Series:
        """Values of one series, from the first known one to the last.

        Raises
        ------
        ValueError
            If a long frame has no column of values.
        """
        data = self._select(label)
        if isinstance(data, pd.DataFrame):
            if data.shape[1] > 1 and self._target not in data.columns:
                raise ValueError(
                    f"{self.name} has the columns {data.columns.tolist()}, none of them "
                    f"{self._target!r}. Say which are the series', the time's and the values' by "
                    "columns."
                )
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


def _long_frame(data, name, columns):
    """A long frame of another library as a pandas frame with all its columns of numbers."""
    frame = narwhals_frame(data, name)
    missing = [column for column in columns[:2] if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{name} has the columns {frame.columns}, not {missing[0]!r}. Say which are the "
            "series', the time's and the values' by columns."
        )
    value_columns = [column for column in frame.columns if column not in columns[:2]]
    frames = [long_to_pandas(frame, (*columns[:2], column), name) for column in value_columns]
    return pd.concat([frames[0], *(part.iloc[:, 2:] for part in frames[1:])], axis=1)
