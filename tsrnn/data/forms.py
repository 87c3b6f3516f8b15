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
NAMES = "unique_id", "ds", "y"  # of ids, times and values, where the form has none
# (n_series, horizon): values that go on with the series and take their name, or results by column
Results = np.ndarray | dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Entries:
    """Entries of time axes that results are for, those of all series end to end."""

    times: pd.Index
    lengths: np.ndarray  # (n_series,) entries of each series
    step: Any

    @classmethod
    def after(cls, axes: Axes, horizon: int) -> "Entries":
        """The ``horizon`` entries after each axis; each distinct end computed once."""
        lengths = np.full(len(axes), horizon)
        if len(axes) == 1:
            return cls(axes[0].after(horizon), lengths, axes[0].step)
        lasts = [axis.index[-1] for axis in axes]
        distinct = dict(zip(lasts, axes, strict=True))
        blocks = [axis.after(horizon) for axis in distinct.values()]
        numbers = dict(zip(distinct, range(len(distinct)), strict=True))
        firsts = horizon * np.array([numbers[last] for last in lasts])
        places = (firsts[:, None] + np.arange(horizon)).ravel()
        return cls(blocks[0].append(blocks[1:]).take(places), lengths, axes[0].step)

    @classmethod
    def within(cls, axes: Axes) -> "Entries":
        """All entries of each axis."""
        indexes = [axis.index for axis in axes]
        times = indexes[0] if len(axes) == 1 else indexes[0].append(indexes[1:])
        return cls(times, np.array([len(index) for index in indexes]), axes[0].step)

    @property
    def series(self) -> np.ndarray:
        """Number of the series of each entry."""
        return np.repeat(np.arange(self.lengths.size), self.lengths)


class Form(Protocol):
    """The form that series came in."""

    def after(self, ids: list, axes: Axes, horizon: int, results: Results) -> Any:
        """Results for the ``horizon`` steps that follow each series, in this form."""
        return self.at(ids, Entries.after(axes, horizon), results)

    def within(self, ids: list, axes: Axes, results: Results) -> Any:
        """Results (n_values,) for the steps of the series themselves, in this form."""
        return self.at(ids, Entries.within(axes), results)

    def at(self, ids: list, entries: Entries, results: Results) -> Any:
        """Results for entries, those of all series end to end or a row for each."""

    @property
    def long_names(self) -> tuple[str, str, str]:
        """Columns of ids, times and values in a long frame."""
        return NAMES

    def frame(self, table: pd.DataFrame) -> Any:
        """A table, with names in its columns, as a frame of the series' library."""
        return table

    def with_series(self, ids: list) -> "Form":
        """The form of a panel of these series, of which some may be gone or new."""
        return self


@dataclasses.dataclass(frozen=True)
class SingleSeries(Form):
    """A Series: values give a Series of its name, named results a frame."""

    name: Hashable

    def at(self, ids: list, entries: Entries, results: Results) -> pd.Series | pd.DataFrame:
        if isinstance(results, np.ndarray):
            return pd.Series(results.ravel(), entries.times, name=self.name)
        columns = {name: values.ravel() for name, values in results.items()}
        return pd.DataFrame(columns, entries.times)


@dataclasses.dataclass(frozen=True, eq=False)
class Wide(Form):
    """A frame of one column a series; the names of results form a level below its name."""

    columns: pd.Index

    def with_series(self, ids: list) -> "Wide":
        places = {label: k for k, label in enumerate(self.columns)}
        columns = self.columns[[places[label] for label in ids if label in places]]
        new = [label for label in ids if label not in places]
        if new:
            columns = columns.append(pd.Index(new, tupleize_cols=columns.nlevels > 1))
        return Wide(columns.set_names(self.columns.names))

    def at(self, ids: list, entries: Entries, results: Results) -> pd.DataFrame:
        index = entries.times.unique().sort_values()
        rows, series = index.get_indexer(entries.times), entries.series
        if isinstance(results, np.ndarray):
            tables, labels = [results], self.columns
        else:
            tables, labels = list(results.values()), self._labels(list(results))
        table = np.full((len(index), len(ids), len(tables)), np.nan)
        for k, values in enumerate(tables):
            table[rows, series, k] = values.ravel()
        index = _with_frequency(index, entries.step)
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

    @property
    def long_names(self) -> tuple:
        return self.id_column or NAMES[0], self.time_column, self.target_column

    def with_series(self, ids: list) -> "Long":
        return dataclasses.replace(self, id_dtype=_with_categories(self.id_dtype, ids))

    def at(self, ids: list, entries: Entries, results: Results) -> pd.DataFrame:
        labels, times = _ids_and_times(self, ids, entries)
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

    @property
    def long_names(self) -> tuple:
        names = zip((*self.names, self.target), NAMES, strict=True)
        return tuple(default if name is None else name for name, default in names)

    def with_series(self, ids: list) -> "Levels":
        return dataclasses.replace(self, id_dtype=_with_categories(self.id_dtype, ids))

    def at(self, ids: list, entries: Entries, results: Results) -> pd.Series | pd.DataFrame:
        levels = _ids_and_times(self, ids, entries)
        index = pd.MultiIndex.from_arrays(levels, names=self.names)
        columns = flattened(results, self.target)
        if isinstance(results, np.ndarray) and not self.is_frame:
            return pd.Series(columns[self.target], index, name=self.target)
        return pd.DataFrame(columns, index)


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


def _ids_and_times(form, ids, entries):
    """Series and time of each row, in the dtypes they came in."""
    labels = pd.Series(ids, dtype=form.id_dtype).take(entries.series)
    times = pd.Series(entries.times)
    dtype = getattr(form.time_dtype, "numpy_dtype", form.time_dtype)  # of nullable and Arrow's
    is_int = pd.api.types.is_integer_dtype(dtype)
    if not is_int or times.max() <= np.iinfo(dtype).max:  # a uint8 has no room after 255
        times = times.astype(form.time_dtype)
    return labels.reset_index(drop=True), times


def _with_categories(dtype, ids):
    """The dtype of labels; of categories with those that it lacks."""
    if not isinstance(dtype, pd.CategoricalDtype):
        return dtype
    known = set(dtype.categories)
    new = [label for label in ids if label not in known]
    return pd.CategoricalDtype([*dtype.categories, *new], dtype.ordered) if new else dtype


def _with_frequency(index, step):
    """A sorted index with its frequency, or as a RangeIndex, if the step leads through it."""
    if isinstance(index, pd.DatetimeIndex):
        grid = calendar_grid(index[0], step, index.unit, end=index[-1]).rename(index.name)
        return grid if len(grid) == len(index) else index
    if isinstance(index, pd.PeriodIndex) or (np.diff(index) != step).any():
        return index
    return regular_index(index, step)
