"""The forms in which series come, each with the way to give results back in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tsrnn.data.axes import TimeAxis, entries, grid

Axes = list[TimeAxis]
Columns = dict[str, np.ndarray]


class Form(Protocol):
    """How series came."""

    def after(self, ids: list, axes: Axes, horizon: int, columns: Columns) -> Any:
        """Columns of shape (n_series, horizon), of what follows each series, in this form."""


@dataclasses.dataclass(frozen=True)
class OneSeries(Form):
    """A Series: one column is a Series of its name, several are a frame."""

    name: Hashable

    def after(
        self, ids: list, axes: Axes, horizon: int, columns: Columns
    ) -> pd.Series | pd.DataFrame:
        index = axes[0].after(horizon)
        if len(columns) == 1:
            return pd.Series(*(values[0] for values in columns.values()), index, name=self.name)
        return pd.DataFrame({name: values[0] for name, values in columns.items()}, index)


@dataclasses.dataclass(frozen=True, eq=False)
class Wide(Form):
    """A frame of one column a series; several results of each stand under its name."""

    columns: pd.Index

    def after(self, ids: list, axes: Axes, horizon: int, columns: Columns) -> pd.DataFrame:
        follow = following(axes, horizon)
        index = follow.unique().sort_values()
        rows = index.get_indexer(follow).reshape(len(ids), horizon)
        table = np.full((len(index), len(ids), len(columns)), np.nan)
        for k, values in enumerate(columns.values()):
            table[rows, np.arange(len(ids))[:, None], k] = values
        labels = self.columns if len(columns) == 1 else self._labels(list(columns))
        return pd.DataFrame(table.reshape(len(index), -1), _regular(index, axes[0].step), labels)

    def _labels(self, names):
        """The columns' labels with the results' names as one more level."""
        levels = [
            self.columns.get_level_values(k).repeat(len(names)) for k in range(self.columns.nlevels)
        ]
        last = np.tile(np.array(names, dtype=object), len(self.columns))
        return pd.MultiIndex.from_arrays([*levels, last], names=[*self.columns.names, None])


@dataclasses.dataclass(frozen=True)
class Long(Form):
    """A frame of one row an observation, with columns for its series, time and value."""

    id_column: Hashable
    time_column: Hashable
    target_column: Hashable
    id_dtype: Any
    time_dtype: Any

    def after(self, ids: list, axes: Axes, horizon: int, columns: Columns) -> pd.DataFrame:
        labels, times = _stacked(self, ids, axes, horizon)
        return pd.DataFrame(
            {self.id_column: labels, self.time_column: times} | flat(columns, self.target_column)
        )


@dataclasses.dataclass(frozen=True)
class Levels(Form):
    """A Series, or a frame of one column, on a MultiIndex of series and time."""

    names: tuple
    target: Hashable
    is_frame: bool
    id_dtype: Any
    time_dtype: Any

    def after(
        self, ids: list, axes: Axes, horizon: int, columns: Columns
    ) -> pd.Series | pd.DataFrame:
        stacked = _stacked(self, ids, axes, horizon)
        index = pd.MultiIndex.from_arrays(stacked, names=self.names)
        parts = flat(columns, self.target)
        if len(parts) == 1 and not self.is_frame:
            return pd.Series(parts[self.target], index, name=self.target)
        return pd.DataFrame(parts, index)


def following(axes: Axes, horizon: int) -> pd.Index:
    """What follows each series, end to end; those that end together are asked once."""
    lasts = [axis.index[-1] for axis in axes]
    distinct = dict(zip(lasts, axes, strict=True))
    blocks = [axis.after(horizon) for axis in distinct.values()]
    places = dict(zip(distinct, range(len(distinct)), strict=True))
    firsts = horizon * np.array([places[last] for last in lasts])
    return blocks[0].append(blocks[1:]).take((firsts[:, None] + np.arange(horizon)).ravel())


def flat(columns: Columns, target: Hashable) -> dict:
    """Columns end to end; a single one is called as the target."""
    names = [target] if len(columns) == 1 else columns
    return {name: np.ravel(part) for name, part in zip(names, columns.values(), strict=True)}


def _stacked(form, ids, axes, horizon):
    """Series and time of each row, in the dtypes they had."""
    labels = pd.Series(ids, dtype=form.id_dtype).take(np.repeat(np.arange(len(ids)), horizon))
    times = pd.Series(following(axes, horizon))
    plain = getattr(form.time_dtype, "numpy_dtype", form.time_dtype)  # of nullable and Arrow's
    is_int = pd.api.types.is_integer_dtype(plain)
    if not is_int or times.max() <= np.iinfo(plain).max:  # a uint8 has no room after 255
        times = times.astype(form.time_dtype)
    return labels.reset_index(drop=True), times


def _regular(index, step):
    """A sorted index with its frequency, or as a range, where the step leads through it."""
    if isinstance(index, pd.DatetimeIndex):
        line = grid(index[0], step, index.unit, end=index[-1]).rename(index.name)
        return line if len(line) == len(index) else index
    if isinstance(index, pd.PeriodIndex) or (np.diff(index) != step).any():
        return index
    return entries(index, step)
