"""The forms that series come in; each can give results back in the same form."""

import dataclasses
from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location
from tsrnn.data.frequency import calendar_grid
from tsrnn.data.time_axis import TimeAxis, regular_index

Axes = list[TimeAxis]
# (n_series, horizon): values that go on with the series and take their name, or results by column
Results = np.ndarray | dict[str, np.ndarray]


class Form(Protocol):
    """The form that series came in."""

    def after(self, ids: list, axes: Axes, horizon: int, results: Results) -> Any:
        """Results for the ``horizon`` steps that follow each series, in this form."""


@dataclasses.dataclass(frozen=True)
class SingleSeries(Form):
    """A Series: values give a Series of its name, named results a frame."""

    name: Hashable

    def after(
        self, ids: list, axes: Axes, horizon: int, results: Results
    ) -> pd.Series | pd.DataFrame:
        index = axes[0].after(horizon)
        if isinstance(results, np.ndarray):
            return pd.Series(results[0], index, name=self.name)
        return pd.DataFrame({name: values[0] for name, values in results.items()}, index)


@dataclasses.dataclass(frozen=True, eq=False)
class Wide(Form):
    """A frame of one column a series; the names of results form a level below its name."""

    columns: pd.Index

    def after(self, ids: list, axes: Axes, horizon: int, results: Results) -> pd.DataFrame:
        times = entries_after(axes, horizon)
        index = times.unique().sort_values()
        rows = index.get_indexer(times).reshape(len(ids), horizon)
        if isinstance(results, np.ndarray):
            tables, labels = [results], self.columns
        else:
            tables, labels = list(results.values()), self._labels(list(results))
        table = np.full((len(index), len(ids), len(tables)), np.nan)
        for k, values in enumerate(tables):
            table[rows, np.arange(len(ids))[:, None], k] = values
        index = _with_frequency(index, axes[0].step)
        return pd.DataFrame(table.reshape(len(index), -1), index, labels)

    def _labels(self, names):
        """The columns' labels with the results' names as one more level."""
        levels = [
            self.columns.get_level_values(k).repeat(len(names)) for k in range(self.columns.nlevels)
        ]
        last = np.tile(np.array(names, dtype=object), len(self.columns))
        return pd.MultiIndex.from_arrays([*levels, last], names=[*self.columns.names, None])


@dataclasses.dataclass(frozen=True)
class Long(Form):
    """A frame of one row an observation, with columns for its series, time and value.

    Of a single series it may lack the column of series: ``id_column`` is then None.
    """

    id_column: Hashable | None
    time_column: Hashable
    target_column: Hashable
    id_dtype: Any
    time_dtype: Any

    def after(self, ids: list, axes: Axes, horizon: int, results: Results) -> pd.DataFrame:
        labels, times = _ids_and_times(self, ids, axes, horizon)
        keys = {self.time_column: times}
        if self.id_column is not None:
            keys = {self.id_column: labels} | keys
        return pd.DataFrame(keys | flattened(results, self.target_column, tuple(keys)))


@dataclasses.dataclass(frozen=True)
class Levels(Form):
    """A Series, or a frame of one column, on a MultiIndex of series and time."""

    names: tuple
    target: Hashable
    is_frame: bool
    id_dtype: Any
    time_dtype: Any

    def after(
        self, ids: list, axes: Axes, horizon: int, results: Results
    ) -> pd.Series | pd.DataFrame:
        levels = _ids_and_times(self, ids, axes, horizon)
        index = pd.MultiIndex.from_arrays(levels, names=self.names)
        columns = flattened(results, self.target)
        if isinstance(results, np.ndarray) and not self.is_frame:
            return pd.Series(columns[self.target], index, name=self.target)
        return pd.DataFrame(columns, index)


def entries_after(axes: Axes, horizon: int) -> pd.Index:
    """The ``horizon`` entries after each series, end to end; each distinct end computed once."""
    lasts = [axis.index[-1] for axis in axes]
    distinct = dict(zip(lasts, axes, strict=True))
    blocks = [axis.after(horizon) for axis in distinct.values()]
    numbers = dict(zip(distinct, range(len(distinct)), strict=True))
    firsts = horizon * np.array([numbers[last] for last in lasts])
    return blocks[0].append(blocks[1:]).take((firsts[:, None] + np.arange(horizon)).ravel())


def flattened(results: Results, target: Hashable, keys: tuple = ()) -> dict:
    """Results end to end by column; values are the column ``target``.

    ``keys`` are the columns of ids and times, whose names no result may have.
    """
    columns = results if isinstance(results, dict) else {target: results}
    for key in keys:
        if key in columns:
            raise Location(column=key).error(
                "has the name of a column of the result", "Rename it, for fit and predict."
            )
    return {name: np.ravel(values) for name, values in columns.items()}


def _ids_and_times(form, ids, axes, horizon):
    """Series and time of each row, in the dtypes they came in."""
    labels = pd.Series(ids, dtype=form.id_dtype).take(np.repeat(np.arange(len(ids)), horizon))
    times = pd.Series(entries_after(axes, horizon))
    dtype = getattr(form.time_dtype, "numpy_dtype", form.time_dtype)  # of nullable and Arrow's
    is_int = pd.api.types.is_integer_dtype(dtype)
    if not is_int or times.max() <= np.iinfo(dtype).max:  # a uint8 has no room after 255
        times = times.astype(form.time_dtype)
    return labels.reset_index(drop=True), times


def _with_frequency(index, step):
    """A sorted index with its frequency, or as a RangeIndex, if the step leads through it."""
    if isinstance(index, pd.DatetimeIndex):
        grid = calendar_grid(index[0], step, index.unit, end=index[-1]).rename(index.name)
        return grid if len(grid) == len(index) else index
    if isinstance(index, pd.PeriodIndex) or (np.diff(index) != step).any():
        return index
    return regular_index(index, step)
