"""Series in any form, checked and put end to end in one collection."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.data.collection import Collection
from tsrnn.data.errors import Location, affected
from tsrnn.data.forms import Form, Levels, Long, SingleSeries, Wide
from tsrnn.data.gaps import forward_filled, no_values, on_grid, panel_on_grid, slices_of, trimmed
from tsrnn.data.headers import likely_layout, near_names
from tsrnn.data.interop import Foreign, long_to_pandas, narwhals_frame
from tsrnn.data.panel import Panel
from tsrnn.data.panel_axes import PanelTimes
from tsrnn.data.remedies import Layout
from tsrnn.data.rows import LabelledRows, check_frame, labelled_rows
from tsrnn.data.time_axis import TimeAxis, check_time_index, sorted_axis
from tsrnn.data.values import LARGEST, check_finite, check_real, real_numbers

_DEFAULT_COLUMNS = "unique_id", "ds", "y"


class Settings(NamedTuple):
    """How series are read: the argument's name for messages, missing values, and a known step."""

    argument: str = "y"
    missing: str = "raise"
    step: Any = None
    skip_empty: bool = False  # leave out series without a value if others have some


def collection_from(
    y: Any,
    *,
    id_column: str = "unique_id",
    time_column: str = "ds",
    target_column: str = "y",
    name: str = "y",
    missing: str = "raise",
    step: Any = None,
    skip_empty: bool = False,
) -> Collection:
    """Check series in any of many forms, and put them end to end.

    Parameters
    ----------
    y : Series or DataFrame
        Real, finite numbers of one frequency, never changed; rows may be in any order. One of

        - a Series on a DatetimeIndex, PeriodIndex or RangeIndex;
        - a frame of one column a series on such an index; missing values at its ends are cut off;
        - a long frame of any library that narwhals knows, with columns for id, time and value only,
          or of one series for time and value;
        - a Series, or a frame of one column, on a MultiIndex of id and time.
    id_column, time_column, target_column, name : str
        Columns of a long frame, and name of the argument for error messages.
    missing : {"raise", "mask"}, default="raise"
        Whether missing values and rows after the first value are refused or marked in ``observed``.
    step : pandas offset or int, optional
        Step of series that are too short to show one, or that may have gaps.
    skip_empty : bool, default=False
        With ``missing="mask"``: leave out series without a value, unless none has one.

    Raises
    ------
    DataError
        If values are missing, infinite or no numbers, ids or times are missing, or times are
        repeated or irregular, or of several frequencies.

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
    >>> collection.after(1, np.array([[4.0], [1.5]]))
                shop  kiosk
    2024-01-04   4.0    1.5
    """
    names = id_column, time_column, target_column
    settings = Settings(name, missing, step, skip_empty)
    if isinstance(y, (pd.Series, pd.DataFrame)) and isinstance(y.index, pd.MultiIndex):
        with Layout(name, levels=tuple(y.index.names)).remedies():
            return _from_levels(y, settings)
    if isinstance(y, pd.Series):
        with Layout(name).remedies():
            axis, values = _single_series(y, settings)
            return _checked(values, [None], [axis], SingleSeries(y.name), settings)
    if not isinstance(y, pd.DataFrame):
        frame = narwhals_frame(y, name)
        names = long_columns(frame.columns, names, name)
        with Layout(name, names[0], time_column, is_foreign=True).remedies():
            id_dtype = None if names[0] is None else frame[id_column].dtype
            dtypes = id_dtype, frame[time_column].dtype
            form = Foreign(names[0], time_column, target_column, *dtypes, frame.implementation)
            return _from_long(long_to_pandas(frame, names, name), names, settings, form)
    check_frame(y, name)
    if names != _DEFAULT_COLUMNS or id_column in y.columns or time_column in y.columns:
        names = long_columns(y.columns.tolist(), names, name, y)
        with Layout(name, *names[:2]).remedies():
            return _from_long(y, names, settings)
    with Layout(name, is_wide=True).remedies():
        return _from_wide(y, settings)


def panel_from_series(y: pd.Series, name: str = "y", step: Any = None) -> tuple[Panel, TimeAxis]:
    """A Series, checked as by ``collection_from``, as a panel of one series and its time axis."""
    if not isinstance(y, pd.Series):
        raise Location(name).error(
            f"must be a pandas Series with a time index, got {type(y).__name__}",
            "Wrap the values: pd.Series(values, index=pd.date_range(...)), or take one column: "
            "frame['a'].",
        )
    with Layout(name, maskable=False).remedies():
        axis, values = _single_series(y, Settings(name, step=step))
        return _checked(values, [None], [axis], SingleSeries(y.name), Settings(name)).panel, axis


def _single_series(y, settings):
    """Time axis and values of a Series."""
    where = Location(settings.argument)
    if y.empty:
        raise where.error("is empty", "Give a Series with observations.")
    if settings.missing == "mask":
        check_time_index(y.index, where)
        return trimmed(*on_grid(y.index, real_numbers(y, where), where, settings.step), where)
    axis, order = sorted_axis(y.index, where, settings.step)
    return axis, real_numbers(y.iloc[order], where)


def _from_wide(y, settings):
    times = pd.DatetimeIndex, pd.PeriodIndex
    is_index = isinstance(y.index, times) or pd.api.types.is_integer_dtype(y.index)
    if isinstance(y.columns, times) and not is_index:
        problem = "has times in its columns, and a column is a series"
        raise Location(settings.argument).error(
            problem, f"Transpose it: {settings.argument} = {settings.argument}.T."
        )
    layout = likely_layout(y, settings.argument)
    for column in y.dtypes.drop_duplicates().index:
        code = f"{settings.argument}[{column!r}]"
        check_real(y[column], Location(settings.argument, column), code, layout)
    values = y.to_numpy(dtype=np.float64, na_value=np.nan)
    where = Location(settings.argument)
    if settings.missing == "mask":
        check_time_index(y.index, where)
        shared, values = on_grid(y.index, values, where, settings.step)
    else:
        shared, order = sorted_axis(y.index, where, settings.step)
        values = values[order]
    values = values.T
    known = ~np.isnan(values)
    if settings.skip_empty and known.any():
        has_values = known.any(axis=1)
        y, values, known = y.loc[:, has_values], values[has_values], known[has_values]
    firsts, ends = known.argmax(axis=1), known.shape[1] - known[:, ::-1].argmax(axis=1)
    if not known.any(axis=1).all():
        raise no_values(settings.argument, y.columns[~known.any(axis=1)].tolist())
    positions = np.arange(values.shape[1])
    inside = (positions >= firsts[:, None]) & (positions < ends[:, None])
    axes = slices_of(shared, firsts, ends)
    return _checked(values[inside], y.columns.tolist(), axes, Wide(y.columns), settings)


def _from_long(y, names, settings, form=None):
    if not len(y):
        raise Location(settings.argument).error("is empty", "Give a frame with observations.")
    rows = labelled_rows(y, settings.argument, *names[:2])
    code = f"{settings.argument}[{names[2]!r}]"
    where = Location(settings.argument, column=names[2])
    values = real_numbers(y[names[2]], where, code, rows.times, rows.ids)
    form = form or Long(*names, None if rows.ids is None else rows.ids.dtype, rows.time_dtype)
    return collection_of_rows(rows, values, form, settings)


def _from_levels(y, settings):
    if not len(y):
        raise Location(settings.argument).error("is empty", "Give a frame with observations.")
    is_frame = isinstance(y, pd.DataFrame)
    if y.index.nlevels == 2 and is_frame and y.shape[1] != 1:
        raise Location(settings.argument).error(
            f"has 2 levels in its index and shape {y.shape}; a MultiIndex must be of two, series "
            "and time, and a frame on it of one column",
            "Take a column, y[['a']].",
        )
    target = y.iloc[:, 0] if is_frame else y
    rows = labelled_rows(target.to_frame(), settings.argument)
    values = real_numbers(target, Location(settings.argument), "", rows.times, rows.ids)
    names = tuple(y.index.names)
    form = Levels(names, target.name, is_frame, rows.ids.dtype, rows.time_dtype)
    return collection_of_rows(rows, values, form, settings)


def collection_of_rows(
    rows: LabelledRows,
    values: np.ndarray,
    form: Form,
    settings: Settings,
    ids: list | None = None,
) -> Collection:
    """A collection of rows of several series; ``ids`` are labels in place of those of the rows."""
    codes, labels = rows.codes(settings.argument)
    labels = labels if ids is None else ids
    if labels == [None]:
        series = pd.Series(values, rows.times)
        axis, values = _single_series(series, settings)
        return _checked(values, labels, [axis], form, settings)
    if settings.missing == "mask":
        times, is_known = rows.times, ~np.isnan(values)
        if settings.skip_empty and is_known.any():
            has_values = np.bincount(codes, is_known, len(labels)) > 0
            kept, numbers = has_values[codes], has_values.cumsum() - 1
            times, codes, values = times[kept], numbers[codes[kept]], values[kept]
            labels = [label for label, has in zip(labels, has_values, strict=True) if has]
        axes, values = panel_on_grid(times, codes, values, labels, settings.argument, settings.step)
        return _checked(values, labels, axes, form, settings)
    times, order = PanelTimes.sort(rows.times, codes, labels, settings.argument)
    axes = times.axes(settings.step)
    return _checked(values[order], labels, axes, form, settings)


def _checked(values, ids, axes, form, settings):
    """The collection, if all values are finite, or missing where that is allowed."""
    lengths = [0, *(len(axis.index) for axis in axes)]
    observed = None
    if settings.missing == "mask" and np.isnan(values).any():
        observed, values = ~np.isnan(values), forward_filled(values)
    panel = Panel(np.array(values), np.cumsum(lengths))  # a copy, never the values of y
    check_panel(panel, ids, axes, settings.argument)
    return Collection(panel, ids, axes, form, observed)


def check_panel(panel: Panel, ids: list, axes: Sequence[TimeAxis], argument: str) -> None:
    """Refuse missing, infinite and huge values of series; the error names the first of them."""
    # Comparisons with NaN are false, and nothing is copied: most panels are good.
    if panel.values.min() >= -LARGEST and panel.values.max() <= LARGEST:
        return
    bad_rows = np.flatnonzero(~(np.abs(panel.values) <= LARGEST))
    bad = np.unique(panel.indptr.searchsorted(bad_rows, side="right") - 1)
    values = panel.values[panel.indptr[bad[0]] : panel.indptr[bad[0] + 1]]
    where = Location(argument, ids[bad[0]])
    check_finite(values, axes[bad[0]], where, affected([ids[k] for k in bad]))


def long_columns(
    columns: Sequence[Any], names: tuple, argument: str, frame: pd.DataFrame | None = None
) -> tuple:
    """Names of a long frame's columns, None of ids if it has none of a single series.

    Refuses other columns than those named. ``frame`` is that of pandas, if it is one.
    """
    has_index_of_ids = frame is not None and names[0] in frame.index.names
    is_default = names[0] == _DEFAULT_COLUMNS[0] and not has_index_of_ids
    if is_default and len(columns) == 2 and set(columns) == set(names[1:]):
        return None, *names[1:]
    wanted = ", ".join(map(repr, names))
    missing = [column for column in names if column not in columns]
    others = [column for column in columns if column not in names]
    if missing or len(set(names)) < 3:
        remedy = "Say which are the series', the time's and the values' by id_column, time_column"
        remedy += f" and target_column, after {argument}.reset_index() where one is in the index. "
        remedy += "(For a frame of one column a series, with the time in its index, leave these "
        remedy += "three alone.)"
        single = _single_remedy(missing, others, names, argument) if is_default else ""
        is_known = frame is None or has_index_of_ids
        layout = "" if is_known else likely_layout(frame, argument)
        raise Location(argument).error(
            f"has the columns {_listed(columns)}, not {wanted}",
            (single if len(missing) < 3 and "target_column" in single else "")
            or near_names(missing, columns, argument, frame is None)
            or (layout if "id_column" in layout else single or layout)
            or remedy,
        )
    if others:
        raise Location(argument).error(
            f"has the columns {_listed(columns)}, more than {wanted}",
            f"Leave out {_listed(others)}, or say by id_column, time_column and target_column "
            "which to take.",
        )
    return names


def _single_remedy(missing, others, names, argument):
    """A remedy for a frame without ids that seems to be of a single series; "" for others."""
    ids, time, target = names
    if missing == [ids]:
        return (
            f"Of a single series, give times and values alone, {argument}[{[time, target]}], and "
            f"covariates as X, {argument}[{[time, *others]}]."
        )
    if missing == [ids, target] and len(others) == 1:
        return f"Of a single series: target_column={others[0]!r}. It needs no {ids!r}."
    return ""


def _listed(columns):
    more = f" and {len(columns) - 10} more" if len(columns) > 10 else ""
    return f"{columns[:10]}{more}"
