"""Series of one or several channels, in whatever form they come, and results given back in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.axes import TimeAxis, check_time_index, step_name, time_axis
from tsrnn.data.foreign import narwhals_columns, narwhals_frame
from tsrnn.data.gaps import on_grid
from tsrnn.data.rows import series_name
from tsrnn.data.series import check_finite, check_real


@dataclasses.dataclass(frozen=True, eq=False)
class Track:
    """One series.

    Attributes
    ----------
    label : Hashable
        Of a panel; None for a lone series.
    axis : TimeAxis
        Its times, sorted.
    values : (n, n_channels) float64 array
        NaN where missing.
    rows : (n,) int array
        The row of ``y`` that each came in; -1 where none did.
    """

    label: Hashable
    axis: TimeAxis
    values: np.ndarray
    rows: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Tracks:
    """Series that came together.

    Attributes
    ----------
    tracks : list of Track
        In the order of their first rows.
    channels : list
        Names of the channels.
    id_name : Hashable
        What the labels are called; None for a lone series.
    index : Index or None
        Of the rows of ``y``; None where it came as an array or from another library.
    library : Any
        narwhals' word for the library that ``y`` is of; None for pandas and arrays.
    """

    tracks: list[Track]
    channels: list
    id_name: Hashable
    index: pd.Index | None
    library: Any = None

    def __iter__(self):
        return iter(self.tracks)

    def __len__(self):
        return len(self.tracks)

    @property
    def is_array(self) -> bool:
        """Whether they came without times."""
        return self.index is None and self.library is None

    def refuse_empty(self, name: str = "y") -> None:
        """Refuse a channel of a series without a value."""
        for track in self.tracks:
            there = ~np.isnan(track.values).all(axis=0)
            if not there.all():
                channel = self.channels[int(there.argmin())]
                of = name if track.label is None else series_name(track.label, name)
                called = of if len(self.channels) == 1 else f"Column {channel!r} of {of}"
                raise ValueError(f"{called} is nothing but missing values (NaN). Leave it out.")

    def series(self, values: Sequence[np.ndarray], name: str) -> Any:
        """A result for each row of ``y``: a Series, or an array where ``y`` was one."""
        flat = self._by_row(values)
        if self.library is not None:
            import narwhals as nw

            return nw.new_series(name, flat, backend=self.library).to_native()
        return flat if self.index is None else pd.Series(flat, self.index, name=name)

    def frame(self, columns: dict[str, Sequence[np.ndarray]]) -> Any:
        """Several of them, in a frame."""
        flat = {name: self._by_row(values) for name, values in columns.items()}
        if self.library is not None:
            import narwhals as nw

            return nw.from_dict(flat, backend=self.library).to_native()
        return pd.DataFrame(flat, self.index)

    def _by_row(self, values):
        n_rows = sum(int((track.rows >= 0).sum()) for track in self.tracks)
        flat = np.empty(n_rows, np.result_type(*(own.dtype for own in values)))
        for track, own in zip(self.tracks, values, strict=True):
            there = track.rows >= 0
            flat[track.rows[there]] = own[there]
        return flat


def tracks_from(
    y: Any,
    *,
    id_column: Hashable | None = None,
    time_column: Hashable | None = None,
    missing: str = "raise",
    step: Any = None,
    name: str = "y",
) -> Tracks:
    """Check series that come in any of many forms. Columns are channels of one series.

    Parameters
    ----------
    y : array, Series or DataFrame
        Real numbers, never changed. One of

        - an array (n,) or (n, n_channels), in the order of time;
        - a Series, or a frame of one column a channel, on a DatetimeIndex, PeriodIndex or index of
          whole numbers;
        - a panel: the same on a MultiIndex of series and time;
        - a long frame, of pandas, polars or another library that narwhals knows, whose columns
          beside ``time_column`` and ``id_column``, where there are several series, are channels.

        Rows of the last three may be in any order.
    id_column, time_column : Hashable, optional
        Columns of a long frame.
    missing : {"raise", "mask"}, default="raise"
        Whether missing values and rows are refused, or kept as NaN.
    step : pandas offset or int, optional
        Of series that are too short to show one.
    name : str
        What messages call ``y``.

    Raises
    ------
    ValueError
        If values are missing, infinite or no numbers, or times are missing, repeated or of no
        regular frequency; the message says where and what to do.
    """
    library = None
    if isinstance(y, (np.ndarray, list, tuple)):
        return _from_array(y, missing, name)
    if not isinstance(y, (pd.Series, pd.DataFrame)):
        library = narwhals_frame(y, name).implementation
        y = narwhals_columns(y, name)
    if isinstance(y, pd.Series):
        y = y.to_frame(name if y.name is None else y.name)
    if not len(y) or not y.shape[1]:
        raise ValueError(f"{name} is empty. Give a Series or frame with observations.")
    if not y.columns.is_unique:
        twice = y.columns[y.columns.duplicated()][0]
        raise ValueError(f"{name} has more than one column {twice!r}. Give each a name of its own.")
    index = None if library else y.index
    ids, times, y = _apart(y, id_column, time_column, name, library)
    values = _numbers(y, name)
    codes, labels, id_name = np.zeros(len(y), int), [None], None
    if ids is not None:
        if ids.isna().any():
            raise ValueError(f"{name} has no id in row {int(ids.isna().argmax())}. Give it one.")
        codes, labels = pd.factorize(ids)
        labels, id_name = labels.tolist(), "series" if ids.name is None else ids.name
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(labels) + 1))
    tracks = []
    for label, first, end in zip(labels, bounds[:-1], bounds[1:], strict=True):
        rows = order[first:end]
        called = name if label is None else series_name(label, name)
        try:
            track = _track(label, times[rows], values[rows], rows, missing, step, called, y.columns)
        except ValueError as error:
            if missing == "raise" and " missing " in str(error):
                raise ValueError(f"{error} Or keep it so by missing='mask'.") from None
            raise
        if tracks and track.axis.step != tracks[0].axis.step:
            one, other = (step_name(t.axis.step, t.axis.index) for t in (tracks[0], track))
            raise ValueError(
                f"{series_name(tracks[0].label, name)} has {one} and {called} {other}. Bring all "
                "to one frequency."
            )
        tracks.append(track)
    return Tracks(tracks, y.columns.tolist(), id_name, index, library)


def _from_array(y, missing, name):
    try:
        values = np.asarray(y, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold real numbers: {error}.") from None
    if values.ndim not in (1, 2) or not values.size:
        raise ValueError(
            f"{name} must be one series, (n,) or (n, n_channels) with n > 0, got shape "
            f"{values.shape}. Give a panel as a frame with an id_column."
        )
    channels = [name] if values.ndim == 1 else list(range(values.shape[1]))
    values = values.reshape(len(values), -1).copy()
    axis = TimeAxis(pd.RangeIndex(len(values)), 1)
    _check_values(values, axis, channels, name, missing)
    return Tracks([Track(None, axis, values, np.arange(len(values)))], channels, None, None)


def _apart(y, id_column, time_column, name, library):
    """Ids (or None), times, and the frame of channels."""
    if isinstance(y.index, pd.MultiIndex):
        if y.index.nlevels != 2:
            raise ValueError(
                f"{name} has {y.index.nlevels} levels in its index; a MultiIndex must be of two, "
                "series and time."
            )
        ids = pd.Series(y.index.get_level_values(0), name=y.index.names[0])
        return ids, y.index.get_level_values(1), y
    taken = [column for column in (id_column, time_column) if column is not None]
    absent = [column for column in taken if column not in y.columns]
    if absent or (library and time_column is None) or (id_column and time_column is None):
        raise ValueError(
            f"{name} has the columns {y.columns.tolist()}. Say by time_column which holds the "
            "times, and by id_column which the series' ids, where there are several"
            + (f"; {absent[0]!r} is none of them." if absent else ".")
        )
    times = y.index
    if time_column is not None:
        column = y[time_column]
        plain = pd.api.types.is_integer_dtype(column.dtype)
        is_time = pd.api.types.is_datetime64_any_dtype(column.dtype)
        if not plain and not is_time and not isinstance(column.dtype, pd.PeriodDtype):
            raise ValueError(
                f"Column {time_column!r} of {name} must hold dates, periods or whole numbers, got "
                f"dtype {column.dtype}. Convert it: pd.to_datetime(y[{time_column!r}])."
            )
        times = pd.Index(column)
    ids = None if id_column is None else y[id_column].reset_index(drop=True)
    return ids, times, y.drop(columns=taken)


def _numbers(y, name):
    if not y.shape[1]:
        raise ValueError(f"{name} has no column of values beside ids and times.")
    for column, dtype in y.dtypes.items():
        try:
            check_real(dtype, name if column == name else f"Column {column!r} of {name}")
        except ValueError as error:
            raise ValueError(
                f"{error} If {name} is a long frame, say by time_column and id_column which of its "
                "columns are times and ids."
            ) from None
    return y.to_numpy(dtype=np.float64, na_value=np.nan)


def _track(label, times, values, rows, missing, step, name, channels):
    check_time_index(times, name)
    table = np.column_stack([values, np.arange(len(rows))])
    if missing == "mask":
        axis, table = on_grid(times, table, name, step)
    else:
        axis, order = time_axis(times, name, step)
        table = table[order]
    there, places = ~np.isnan(table[:, -1]), np.full(len(table), -1)
    places[there] = rows[table[there, -1].astype(int)]
    values = np.ascontiguousarray(table[:, :-1])
    _check_values(values, axis, channels, name, missing)
    return Track(label, axis, values, places)


def _check_values(values, axis, channels, name, missing):
    for column, channel in zip(values.T, channels, strict=True):
        known = ~np.isnan(column) if missing == "mask" else slice(None)
        called = name if len(channels) == 1 else f"Column {channel!r} of {name}"
        check_finite(column[known], axis.index[known], called)
