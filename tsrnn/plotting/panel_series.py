"""Series taken out of a panel, in whatever form it comes."""

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
        A frame of one column a series; a long frame, of pandas or polars; a Series or DataFrame on
        a MultiIndex of series and time; or one Series, whose label is None. Of intervals a wide
        frame's columns have one more level, ``lower_80`` and so on.
    name : str
        What messages call it.
    columns : tuple of str
        Columns of ids, times and values of a long frame.

    Attributes
    ----------
    labels : list
        In the order of their first rows.

    Raises
    ------
    ValueError
        If it is no such thing.
    """

    def __init__(self, data: Any, name: str, columns: tuple[str, str, str] = LONG_COLUMNS):
        self.name, self._target, self._is_wide = name, columns[2], False
        ids, times = columns[:2]
        if not isinstance(data, (pd.Series, pd.DataFrame)):
            data = _pandas(data, name, columns)
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
        """The values of one series, from the first known one to the last.

        Raises
        ------
        ValueError
            If a long frame has no column of values.
        """
        found = self._rows(label)
        if isinstance(found, pd.DataFrame):
            if found.shape[1] > 1 and self._target not in found.columns:
                raise ValueError(
                    f"{self.name} has the columns {found.columns.tolist()}, none of them "
                    f"{self._target!r}. Say which are the series', the time's and the values' by "
                    "columns."
                )
            found = found.iloc[:, 0] if found.shape[1] == 1 else found[self._target]
        known = np.flatnonzero(found.notna())
        return found.iloc[known[0] : known[-1] + 1] if known.size else found[:0]

    def bounds(self, label: Hashable) -> pd.DataFrame:
        """The columns of one series' intervals, without rows that have none."""
        found = self._rows(label)
        if self._is_wide and found.columns.nlevels > 1:
            found = found.set_axis(found.columns.get_level_values(-1), axis=1)
        return found.dropna(how="all")

    def _rows(self, label):
        if label is None:
            return self._data
        own = self._codes == self.labels.index(label)
        return self._data.loc[:, own] if self._is_wide else self._data.iloc[own]


def _series_labels(columns):
    """Labels of a wide frame's columns, without the level that names bounds."""
    if isinstance(columns, pd.MultiIndex) and str(columns[0][-1]).startswith(("lower_", "upper_")):
        columns = columns.droplevel(-1)
    return columns


def _pandas(data, name, columns):
    """A long frame of another library in pandas, with all its columns of numbers."""
    frame = narwhals_frame(data, name)
    missing = [column for column in columns[:2] if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{name} has the columns {frame.columns}, not {missing[0]!r}. Say which are the "
            "series', the time's and the values' by columns."
        )
    others = [column for column in frame.columns if column not in columns[:2]]
    parts = [long_to_pandas(frame, (*columns[:2], other), name) for other in others]
    return pd.concat([parts[0], *(part.iloc[:, 2:] for part in parts[1:])], axis=1)
