"""Series in whatever form they come, checked at the door, as one panel that can be given back."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.axes import TimeAxis, check_time_index, show, time_axis
from tsrnn.data.foreign import Foreign, narwhals_frame, pandas_frame
from tsrnn.data.forms import Form, Levels, Long, OneSeries, Wide
from tsrnn.data.gaps import carried_by_season, carried_forward, on_grid, rows_on_grid, trimmed
from tsrnn.data.panel import Panel
from tsrnn.data.rows import Rows, series_name
from tsrnn.data.series import (
    LARGEST,
    check_finite,
    check_real,
    panel_from_series,
    real_numbers,
)

_NAMES = "unique_id", "ds", "y"


@dataclasses.dataclass(frozen=True, eq=False)
class Collection:
    """Series of one frequency: their values, labels and time axes, and the form they had.

    Attributes
    ----------
    panel : Panel
        Values of all series end to end.
    ids : list
        Label of each series; None for a lone Series.
    axes : list of TimeAxis
        Time axis of each; series with an equal index share one object. The step is the same for
        all.
    form : Form
        How they came.
    observed : (n_values,) bool array, optional
        Which values of the panel were there, where some were not: those carry the last one on.
    beside : (n_values, n_channels) array, optional
        What is read beside each value.
    """

    panel: Panel
    ids: list
    axes: list[TimeAxis]
    form: Form
    observed: np.ndarray | None = None
    beside: np.ndarray | None = None

    def after(self, horizon: int, columns: dict[str, np.ndarray]) -> Any:
        """Results for the entries that follow each series, in the form the series had.

        Parameters
        ----------
        horizon : int
            Number of entries.
        columns : dict of str to array of shape (n_series, horizon)
            Results. A single one goes by the name that the series' values had.
        """
        return self.form.after(self.ids, self.axes, horizon, columns)

    def filled(self, season: int) -> Collection:
        """The same where what was missing carries the last value of its season on."""
        if self.observed is None:
            return self
        panel = self.panel
        values = carried_by_season(panel.values, self.observed, panel.indptr, season)
        return dataclasses.replace(self, panel=Panel(values, panel.indptr))

    @property
    def targets(self) -> np.ndarray:
        """The values, NaN where they were missing."""
        values = self.panel.values
        return values if self.observed is None else np.where(self.observed, values, np.nan)

    @property
    def last_stamps(self) -> pd.Index:
        """The last time stamp of each series."""
        lasts = [axis.index[-1:] for axis in self.axes]
        return lasts[0].append(lasts[1:])


def collection_from(
    y: Any,
    *,
    id_column: str = "unique_id",
    time_column: str = "ds",
    target_column: str = "y",
    name: str = "y",
    missing: str = "raise",
    step: Any = None,
) -> Collection:
    """Check series that come in any of many forms, and put them end to end.

    Parameters
    ----------
    y : Series or DataFrame
        Real, finite numbers, one frequency for all series. It is never changed. One of

        - a Series on a DatetimeIndex, PeriodIndex or RangeIndex;
        - a frame of one column a series on such an index; where a column begins or ends with
          missing values, its series is shorter;
        - a long frame with columns for id, time and value, and no others;
        - a Series, or a frame of one column, on a MultiIndex of id and time;
        - a long frame of polars, or of another library that narwhals knows.

        Rows may be in any order; series are in that of their first.
    id_column, time_column, target_column : str
        Columns of a long frame.
    name : str
        What messages call ``y``.
    missing : {"raise", "mask"}, default="raise"
        Whether missing values and rows are refused, or marked in ``observed``. Those before the
        first value of a series are never part of it.
    step : pandas offset or int, optional
        Of series that are too short to show one, or that may have gaps.

    Raises
    ------
    ValueError
        If values are missing, infinite or no numbers, time stamps or ids are missing, time stamps
        are repeated or of no regular frequency, or series have different ones; the message says
        which series, where, and what to do.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn.data import collection_from
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> y = pd.DataFrame({"shop": [3.0, 5.0, 4.0], "kiosk": [np.nan, 1.0, 2.0]}, index=days)
    >>> collection = collection_from(y)
    >>> collection.ids, collection.panel.lengths
    (['shop', 'kiosk'], array([3, 2]))
    >>> collection.after(1, {"mean": np.array([[4.0], [1.5]])})
                shop  kiosk
    2024-01-04   4.0    1.5
    """
    names = (id_column, time_column, target_column)
    if isinstance(y, (pd.Series, pd.DataFrame)) and isinstance(y.index, pd.MultiIndex):
        return _from_levels(y, name, missing, step)
    if isinstance(y, pd.Series) and missing == "mask":
        return _masked_series(y, name, step)
    if isinstance(y, pd.Series):
        panel, axis = panel_from_series(y, name, step)
        return Collection(panel, [None], [axis], OneSeries(y.name))
    if not isinstance(y, pd.DataFrame):
        frame = narwhals_frame(y, name)
        _check_names(frame.columns, names, name)
        dtypes = (frame[column].dtype for column in names[:2])
        form = Foreign(*names, *dtypes, frame.implementation)
        return _from_long(pandas_frame(frame, names, name), names, name, missing, step, form)
    _check_shape(y, name)
    if names != _NAMES or id_column in y.columns or time_column in y.columns:
        _check_names(y.columns.tolist(), names, name)
        return _from_long(y, names, name, missing, step)
    return _from_wide(y, name, missing, step)


def joined(
    known: Collection, more: Collection, *, every: bool = True, name: str = "y"
) -> Collection:
    """The same series with what follows each of them, or unless ``every`` some of them.

    Raises
    ------
    ValueError
        If they are not the same series, or do not go on where those end; the message says where.
    """
    places = {label: k for k, label in enumerate(more.ids)}
    fitted = set(known.ids)
    apart = [label for label in more.ids if label not in fitted]
    apart += [label for label in known.ids if every and label not in places]
    if apart:
        raise ValueError(
            f"{name} must go on with the series that were fitted, and {apart[0]!r} is in one of "
            "the two alone. Give the same series, or predict others by predict(y=...)."
        )
    parts, axes, prolonged = [], [], {}
    for k, (label, axis) in enumerate(zip(known.ids, known.axes, strict=True)):
        parts.append((0, *known.panel.indptr[k : k + 2]))
        if label in places:
            number = places[label]
            parts.append((1, *more.panel.indptr[number : number + 2]))
            key = id(axis), id(more.axes[number])
            if key not in prolonged:
                called = name if label is None else series_name(label, name)
                prolonged[key] = _prolonged(axis, more.axes[number], called)
            axis = prolonged[key]
        axes.append(axis)
    lengths = np.cumsum([0, *(len(axis.index) for axis in axes)])

    def taken(*arrays):
        return np.concatenate([arrays[which][first:end] for which, first, end in parts])

    marks = known.observed, more.observed
    observed = beside = None
    if any(each is not None for each in marks):
        observed = taken(*(
            np.ones(one.panel.values.size, bool) if own is None else own
            for one, own in zip((known, more), marks, strict=True)
        ))  # fmt: skip
    if known.beside is not None:
        beside = taken(known.beside, more.beside)
    panel = Panel(taken(known.panel.values, more.panel.values), lengths)
    return Collection(panel, known.ids, axes, known.form, observed, beside)


def adjoined(known: Collection, more: Collection) -> Collection:
    """What follows some series, with what is left out between them marked as missing.

    What does not follow stays as it is, for ``joined`` to refuse.
    """
    numbers = {label: k for k, label in enumerate(known.ids)}
    numbers = [numbers.get(label, 0) for label in more.ids]
    found, axes, gaps = {}, [], []
    for number, axis in zip(numbers, more.axes, strict=True):
        end = known.axes[number]
        if (id(end), id(axis)) not in found:
            found[id(end), id(axis)] = _between(end, axis)
        longer, n_between = found[id(end), id(axis)]
        axes.append(longer)
        gaps.append(n_between)
    if not any(gaps):
        return more
    panel, lasts = more.panel, known.panel.values[known.panel.indptr[1:][numbers] - 1]
    observed = np.ones(panel.values.size, bool) if more.observed is None else more.observed
    places = np.repeat(panel.indptr[:-1], gaps)
    values = np.insert(panel.values, places, np.repeat(lasts, gaps))
    indptr = panel.indptr + np.cumsum([0, *gaps])
    return dataclasses.replace(
        more, panel=Panel(values, indptr), axes=axes, observed=np.insert(observed, places, False)
    )


def _between(axis, more):
    """``more`` with the entries between the end of ``axis`` and it, and how many these are."""
    if _goes_on(axis, more):
        return more, 0
    first = more.index[0]
    try:
        found = axis.until(first)
    except (TypeError, ValueError):  # time stamps of another kind
        return more, 0
    if not len(found) or found[-1] != first:
        return more, 0
    index = found[:-1].append(more.index.astype(found.dtype))  # of the same zone and unit
    return TimeAxis(index, axis.step), len(found) - 1


def _prolonged(axis, more, called):
    """An axis with the entries of another that follow it, if they do."""
    follows = more.index
    if _goes_on(axis, more):  # for which no calendar is asked
        return TimeAxis(axis.index.append(follows), axis.step)
    expected = axis.after(len(follows))
    zones = [getattr(index, "tz", None) is None for index in (expected, follows)]
    if type(expected) is not type(follows) or zones[0] != zones[1]:
        raise ValueError(
            f"{called} has time stamps of dtype {follows.dtype}, and those fitted are of "
            f"{expected.dtype}. Bring them to one."
        )
    differs = np.asarray(expected != follows)
    if differs.any():
        wrong = int(differs.argmax())
        raise ValueError(
            f"{called} has {show(follows[wrong])} where {show(expected[wrong])} follows what was "
            "fitted. Give what comes next, without a gap."
        )
    return TimeAxis(axis.index.append(expected), axis.step)


def _goes_on(axis, more):
    """Whether an axis without a time zone is seen at once to go on, by a step of its own."""
    one, other = axis.index, more.index
    if type(one) is not type(other) or getattr(one, "tz", None) or getattr(other, "tz", None):
        return False
    known = len(other) == 1 or (axis.step == more.step and not isinstance(axis.step, int))
    return known and bool(one[-1] + axis.step == other[0])


def cut(collection: Collection, begins: np.ndarray, ends: np.ndarray) -> Collection:
    """Each series from the value ``begins[k]`` up to ``ends[k]``, (n_series,) int arrays."""
    panel, bounds = collection.panel, list(zip(begins.tolist(), ends.tolist(), strict=True))
    parts = [slice(k + i, k + j) for k, (i, j) in zip(panel.indptr.tolist(), bounds, strict=False)]

    def taken(array):
        return None if array is None else np.concatenate([array[part] for part in parts])

    known, axes = {}, []
    for axis, (begin, end) in zip(collection.axes, bounds, strict=True):
        key = id(axis), begin, end
        if key not in known:
            known[key] = TimeAxis(axis.index[begin:end], axis.step)
        axes.append(known[key])
    return Collection(
        Panel(taken(panel.values), np.cumsum([0, *(ends - begins)])), collection.ids, axes,
        collection.form, taken(collection.observed), taken(collection.beside),
    )  # fmt: skip


def _masked_series(y, name, step):
    if y.empty:
        raise ValueError(f"{name} is empty. Give a Series with observations.")
    check_time_index(y.index, name)
    axis, values = trimmed(*on_grid(y.index, real_numbers(y, name), name, step), name)
    return _checked(values, [None], [axis], OneSeries(y.name), name, "mask")


def _from_wide(y, name, missing, step):
    for column, dtype in y.dtypes.drop_duplicates().items():
        try:
            check_real(dtype, series_name(column, name))
        except ValueError as error:
            raise ValueError(
                f"{error} If {name} is a long frame, say by id_column, time_column and "
                f"target_column which of its columns {_listed(y.columns.tolist())} is which."
            ) from None
    values = y.to_numpy(dtype=np.float64, na_value=np.nan)
    if missing == "mask":
        check_time_index(y.index, name)
        shared, values = on_grid(y.index, values, name, step)
    else:
        shared, order = time_axis(y.index, name, step)
        values = values[order]
    values = values.T
    known = ~np.isnan(values)
    firsts, ends = known.argmax(axis=1), known.shape[1] - known[:, ::-1].argmax(axis=1)
    if not known.any(axis=1).all():
        column = y.columns[known.any(axis=1).argmin()]
        raise ValueError(
            f"{series_name(column, name)} is nothing but missing values (NaN). Leave it out: "
            f"y.drop(columns={column!r})."
        )
    places = np.arange(values.shape[1])
    own = (places >= firsts[:, None]) & (places < ends[:, None])
    stretches = list(zip(firsts.tolist(), ends.tolist(), strict=True))
    cut = {part: TimeAxis(shared.index[slice(*part)], shared.step) for part in set(stretches)}
    axes = [cut[part] for part in stretches]
    return _checked(values[own], y.columns.tolist(), axes, Wide(y.columns), name, missing)


def _from_long(y, names, name, missing, step, form=None):
    ids, times, values = (y[column] for column in names)
    return _from_columns(
        ids,
        _time_stamps(times, f"Column {names[1]!r} of {name}", f"pd.to_datetime(y[{names[1]!r}])"),
        real_numbers(values, f"Column {names[2]!r} of {name}"),
        form or Long(*names, ids.dtype, times.dtype),
        name,
        missing,
        step,
        [f"column {column!r}" for column in names],
        f"y.groupby({list(names[:2])}, as_index=False).mean()",
    )


def _from_levels(y, name, missing, step):
    if y.index.nlevels != 2 or (isinstance(y, pd.DataFrame) and y.shape[1] != 1):
        raise ValueError(
            f"{name} has {y.index.nlevels} levels in its index and shape {y.shape}; a MultiIndex "
            "must be of two, series and time, and a frame on it of one column. Take a column, "
            "y[['a']], or make one level of those that name a series."
        )
    target = y.iloc[:, 0] if isinstance(y, pd.DataFrame) else y
    ids, times = (pd.Series(y.index.get_level_values(k)) for k in (0, 1))
    remedy = "pd.to_datetime(y.index.levels[1]), by y.index.set_levels; or y.swaplevel()"
    return _from_columns(
        ids,
        _time_stamps(times, f"Level 1 of the index of {name}", remedy),
        real_numbers(target, name),
        Levels(
            tuple(y.index.names), target.name, isinstance(y, pd.DataFrame), ids.dtype, times.dtype
        ),
        name,
        missing,
        step,
        ["level 0 of its index", "level 1 of its index"],
        "y.groupby(level=[0, 1]).mean()",
    )


def _from_columns(ids, times, values, form, name, missing, step, places, remedy):
    """A collection of rows; ``places`` are what messages call the columns of ids and times."""
    if not len(values):
        raise ValueError(f"{name} is empty. Give a frame with observations.")
    _check_known(ids.isna().to_numpy(), "id", places[0], name)
    _check_known(times.isna(), "time stamp", places[1], name)
    try:
        codes, labels = pd.factorize(ids)
    except TypeError as error:  # lists, say
        raise ValueError(
            f"{name} has ids that can be no labels ({places[0]}): {error}. Give each series a text "
            "or a number."
        ) from error
    if missing == "mask":
        axes, values = rows_on_grid(times, codes, values, labels.tolist(), name, step)
        return _checked(values, labels.tolist(), axes, form, name, missing)
    rows, order = Rows.sort(times, codes, labels.tolist(), name)
    axes = rows.axes(remedy, step)
    return _checked(values[order], rows.ids, axes, form, name, missing)


def _checked(values, ids, axes, form, name, missing):
    """The collection, if all values are finite, or missing where that is allowed."""
    lengths = [0, *(len(axis.index) for axis in axes)]
    observed = None
    if missing == "mask" and np.isnan(values).any():
        observed, values = ~np.isnan(values), carried_forward(values)
    panel = Panel(np.array(values), np.cumsum(lengths))  # a copy, never the values of y
    # NaN is no more than anything, and nothing is copied: most panels are good.
    if not (panel.values.min() >= -LARGEST and panel.values.max() <= LARGEST):
        row = np.argmin(np.abs(panel.values) <= LARGEST)
        k = int(panel.indptr.searchsorted(row, side="right")) - 1
        own = panel.values[panel.indptr[k] : panel.indptr[k + 1]]
        called = name if ids[k] is None else series_name(ids[k], name)
        check_finite(own, axes[k].index, called)
    return Collection(panel, ids, axes, form, observed)


def _time_stamps(times, what, remedy):
    """A column of time stamps as an index, Arrow's and nullable ones as pandas' own."""
    dtype = times.dtype
    if isinstance(dtype, pd.PeriodDtype):
        return pd.PeriodIndex(times, name=times.name)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        if str(dtype).startswith(("date32", "date64")):  # which pandas would take one by one
            times = times.astype("timestamp[ms][pyarrow]")
        return pd.DatetimeIndex(times)
    if pd.api.types.is_integer_dtype(dtype):
        return pd.Index(times)
    raise ValueError(
        f"{what} must hold dates, periods or whole numbers, got dtype {dtype}. Convert it: "
        f"{remedy}; with utc=True where time zones are mixed."
    )


def _check_shape(frame, name):
    if frame.shape[1] == 0:
        raise ValueError(f"{name} has no columns. Give a frame with one for each series.")
    if frame.shape[0] == 0:
        raise ValueError(f"{name} is empty. Give a frame with observations.")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"{name} has more than one column {twice!r}. Give each a name of its own.")


def _check_names(columns, names, name):
    """Refuse a long frame that has not just the columns it should have."""
    wanted = ", ".join(map(repr, names))
    missing = [column for column in names if column not in columns]
    if missing or len(set(names)) < 3:
        raise ValueError(
            f"{name} has the columns {_listed(columns)}, not {wanted}. Say which are the series', "
            "the time's and the values' by id_column, time_column and target_column, after "
            "y.reset_index() where one is in the index. (For a frame of one column a series, with "
            "the time in its index, leave these three alone.)"
        )
    others = [column for column in columns if column not in names]
    if others:
        raise ValueError(
            f"{name} has the columns {_listed(columns)}, more than {wanted}. Leave out "
            f"{_listed(others)}, or say by id_column, time_column and target_column which to take."
        )


def _listed(columns):
    more = f" and {len(columns) - 10} more" if len(columns) > 10 else ""
    return f"{columns[:10]}{more}"


def _check_known(missing, what, place, name):
    if missing.any():
        more = f", and none in {missing.sum() - 1} more" if missing.sum() > 1 else ""
        raise ValueError(
            f"{name} has no {what} in row {missing.argmax()} ({place}){more}. Drop or mend what "
            "has none."
        )
