"""Series of one or several channels, and results given back for their rows."""

import dataclasses
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.errors import IrregularTimesError, Location, affected
from tsrnn.data.gaps import no_values, on_grid, refuse_repeats
from tsrnn.data.headers import likely_layout, near_names
from tsrnn.data.interop import narwhals_frame, to_pandas
from tsrnn.data.panel import Panel
from tsrnn.data.panel_axes import PanelTimes, coarser_methods
from tsrnn.data.remedies import Layout
from tsrnn.data.rows import check_frame, labelled_rows, refuse_long
from tsrnn.data.time_axis import TimeAxis, format_step, sorted_axis
from tsrnn.data.values import LARGEST, check_finite, check_real


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelSeries:
    """One series of one or several channels."""

    label: Hashable  # of a panel; None for a single series
    axis: TimeAxis
    values: np.ndarray  # (n, n_channels) float64; NaN where missing
    rows: np.ndarray  # row of ``y`` that each value came from, (n,) int; -1 where ``y`` has none


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelPanel:
    """Series of one frequency with the same channels, read from an argument ``y``."""

    panel: Panel  # values of all series, (n_values, n_channels); NaN where missing
    ids: list  # label of each series, in the order of their first rows; None for a single series
    axes: list[TimeAxis]  # of each series
    rows: np.ndarray  # row of ``y`` of each value, (n_values,) int; -1 where ``y`` has none
    channels: list  # names
    id_name: Hashable = None  # name of the labels
    index: pd.Index | None = None  # of ``y``; None for an array or another library's frame
    library: Any = None  # narwhals implementation of ``y``; None for pandas and arrays

    @cached_property
    def all_series(self) -> list[ChannelSeries]:
        """The series one by one."""
        bounds = self.panel.indptr[1:-1]
        values, rows = np.split(self.panel.values, bounds), np.split(self.rows, bounds)
        return list(map(ChannelSeries, self.ids, self.axes, values, rows))

    def __iter__(self) -> Iterator[ChannelSeries]:
        return iter(self.all_series)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_array(self) -> bool:
        """Whether they came without times."""
        return self.index is None and self.library is None

    @property
    def n_rows(self) -> int:
        """Number of rows of ``y``."""
        return int((self.rows >= 0).sum())

    def refuse_empty(self, argument: str = "y") -> None:
        """Refuse a channel of a series without a value."""
        are_empty = [np.isnan(series.values).all(axis=0) for series in self]
        bad = [k for k, is_empty in enumerate(are_empty) if is_empty.any()]
        if bad:
            channel = self.channels[int(are_empty[bad[0]].argmax())]
            column = None if len(self.channels) == 1 else channel
            raise no_values(argument, [self.ids[k] for k in bad], column)

    def row_series(self, values: Sequence[np.ndarray], name: str) -> Any:
        """One result of each row of ``y``, from arrays by series; an array if ``y`` was one."""
        flat = self._by_row(values)
        if self.library is not None:
            import narwhals as nw

            return nw.new_series(name, flat, backend=self.library).to_native()
        return flat if self.index is None else pd.Series(flat, self.index, name=name)

    def row_frame(self, columns: dict[str, Sequence[np.ndarray]]) -> Any:
        """Several results of each row of ``y``, as a frame."""
        flat = {name: self._by_row(values) for name, values in columns.items()}
        if self.library is not None:
            import narwhals as nw

            return nw.from_dict(flat, backend=self.library).to_native()
        return pd.DataFrame(flat, self.index)

    def _by_row(self, values):
        """Results of all series, in the order of the rows of ``y``."""
        flat = np.empty(self.n_rows, np.result_type(*(part.dtype for part in values)))
        for series, part in zip(self, values, strict=True):
            has_row = series.rows >= 0
            flat[series.rows[has_row]] = part[has_row]
        return flat


def channels_from(
    y: Any,
    *,
    id_column: Hashable | None = None,
    time_column: Hashable | None = None,
    missing: str = "raise",
    step: Any = None,
    name: str = "y",
) -> ChannelPanel:
    """Check series in any of many forms, whose columns are channels.

    Parameters
    ----------
    y : array, Series or DataFrame
        Real numbers, never changed; rows may be in any order, except those of an array. One of

        - an array (n,) or (n, n_channels);
        - a Series, or a frame of one column a channel, on an index of dates, periods or integers;
        - a panel: the same on a MultiIndex of series and time;
        - a long frame of any library that narwhals knows, with a ``time_column``, an ``id_column``
          if there are several series, and a column for each channel.
    id_column, time_column : Hashable, optional
        Columns of a long frame.
    missing : {"raise", "mask"}, default="raise"
        Whether missing values and rows are refused, or kept as NaN.
    step, name
        As in `collection_from`, which raises the same errors.
    """
    if isinstance(y, (np.ndarray, list, tuple)):
        return _from_array(y, missing, name)
    library = None
    if not isinstance(y, (pd.Series, pd.DataFrame)):
        library = narwhals_frame(y, name).implementation
        y = to_pandas(y, name)
    if isinstance(y, pd.Series):
        y = y.to_frame(name if y.name is None else y.name)
    check_frame(y, name)
    if not isinstance(y.index, pd.MultiIndex):
        _check_columns(y, id_column, time_column, name, library)
    labelled = labelled_rows(y, name, id_column, time_column)
    table = _numbers(labelled, name, "" if time_column else likely_layout(y, name, False))
    codes, ids = labelled.codes(name)
    id_name = None
    if labelled.ids is not None:
        id_name = "series" if labelled.ids.name is None else labelled.ids.name
    levels = tuple(y.index.names) if isinstance(y.index, pd.MultiIndex) else None
    layout = Layout(name, id_column, time_column, levels, is_foreign=library is not None)
    with layout.remedies():
        arrange = _on_grids if missing == "mask" else _sorted
        panel, axes, rows = arrange(labelled, table, codes, ids, step, name)
        channels = labelled.values.columns.tolist()
        _check_values(panel, ids, axes, channels, missing, name)
    index = None if library else y.index
    return ChannelPanel(panel, ids, axes, rows, channels, id_name, index, library)


def _from_array(y, missing, argument):
    try:
        values = np.asarray(y, dtype=float)
    except (TypeError, ValueError) as error:
        raise Location(argument).error(f"must hold real numbers: {error}") from None
    if values.ndim not in (1, 2) or not values.size:
        raise Location(argument).error(
            f"must be one series, (n,) or (n, n_channels) with n > 0, got shape {values.shape}",
            "Give a panel as a frame with an id_column.",
        )
    n = len(values)
    channels = [argument] if values.ndim == 1 else list(range(values.shape[1]))
    axis = TimeAxis(pd.RangeIndex(n), 1)
    panel = Panel(values.reshape(n, -1).copy(), np.array([0, n]))
    with Layout(argument, is_array=True).remedies():
        _check_values(panel, [None], [axis], channels, missing, argument)
    return ChannelPanel(panel, [None], [axis], np.arange(n), channels)


def _check_columns(y, id_column, time_column, argument, library):
    """Refuse a long frame without the columns of series and time."""
    named = [column for column in (id_column, time_column) if column is not None]
    if not named:
        refuse_long(y, argument, "Say so: id_column='unique_id', time_column='ds'.")
    absent = [column for column in named if column not in y.columns]
    if absent or (time_column is None and (library or id_column)):
        reason = f"; {absent[0]!r} is none of them" if absent else ""
        raise Location(argument).error(
            f"has the columns {y.columns.tolist()}{reason}",
            near_names(absent, y.columns.tolist(), argument, library is not None)
            or "Say by time_column which holds the times, and by id_column which the series' ids, "
            "where there are several.",
        )


def _numbers(labelled, argument, layout):
    """The channels as float64, (n_rows, n_channels); NaN where missing."""
    frame = labelled.values
    if not frame.shape[1]:
        raise Location(argument).error("has no columns of values")
    for column, values in frame.items():
        where = Location(argument, column=None if column == argument else column)
        code = f"{argument}[{column!r}]"
        check_real(values, where, code, layout, labelled.times, labelled.ids)
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


def _sorted(labelled, table, codes, ids, step, argument):
    """Rows sorted by series and time, which must be regular."""
    rows = np.arange(len(table))
    if ids == [None]:
        axis, order = sorted_axis(labelled.times[rows], Location(argument), step)
        return Panel(np.array(table[order]), np.array([0, len(table)])), [axis], rows[order]
    times, order = PanelTimes.sort(labelled.times, codes, ids, argument)
    axes = times.axes(step)
    return Panel(np.array(table[order]), times.indptr), axes, rows[order]


def _on_grids(labelled, table, codes, ids, step, argument):
    """Rows of each series on its own regular grid, NaN and row -1 where there is none."""
    refuse_repeats(labelled.times, codes, ids, argument)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(1, len(ids)))
    axes, tables = [], []
    for label, rows in zip(ids, np.split(order, bounds), strict=True):
        where = Location(argument, label)
        numbered = np.column_stack([table[rows], rows])
        axis, on_axis = on_grid(labelled.times[rows], numbered, where, step)
        if axes and axis.step != axes[0].step:
            raise Location(argument, ids[0]).error(
                f"has {format_step(axes[0].step, axes[0].index)} and {where} "
                f"{format_step(axis.step, axis.index)}",
                "Fit them separately, or bring all to one.",
                kind=IrregularTimesError,
                methods=coarser_methods(axes[0].index, axes[0].step, axis.step),
            )
        axes.append(axis)
        tables.append(on_axis)
    on_axes = np.concatenate(tables)
    rows = np.where(np.isnan(on_axes[:, -1]), -1, on_axes[:, -1]).astype(int)
    indptr = np.cumsum([0, *map(len, tables)])
    return Panel(on_axes[:, :-1], indptr), axes, rows


def _check_values(panel, ids, axes, channels, missing, argument):
    """Refuse infinite and huge values, and missing ones unless they are masked."""
    bad = ~(np.abs(panel.values) <= LARGEST)
    if missing == "mask":
        bad &= ~np.isnan(panel.values)
    if not bad.any():
        return
    rows = np.flatnonzero(bad.any(axis=1))
    series = np.unique(panel.indptr.searchsorted(rows, side="right") - 1)
    k = series[0]
    part = slice(panel.indptr[k], panel.indptr[k + 1])
    channel = int(bad[part].any(axis=0).argmax())
    column = panel.values[part, channel]
    where = Location(argument, ids[k], None if len(channels) == 1 else channels[channel])
    column = column if missing == "raise" else np.where(np.isnan(column), 0.0, column)
    check_finite(column, axes[k], where, affected([ids[j] for j in series]))
