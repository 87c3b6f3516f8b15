"""Long frames, a row for each step of a sequence: their rows in order, and targets by id."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.data import Location
from tsrnn.data.frequency import time_numbers
from tsrnn.data.interop import to_pandas
from tsrnn.data.rows import LabelledRows, check_frame, labelled_rows
from tsrnn.data.time_axis import format_time


def is_long(estimator: Any, X: Any, y: Any, *, reset: bool) -> bool:
    """Whether the rows of X are steps: of a frame, with ids in ``id_column`` or in a MultiIndex.

    Rows on a MultiIndex are whole sequences where each has a target, or had in ``fit``.
    """
    has_levels = isinstance(getattr(X, "index", None), pd.MultiIndex)
    if estimator.id_column is not None or not has_levels:
        return estimator.id_column is not None and (is_frame(X) or has_levels)
    if reset:
        return y is not None and np.shape(y)[:1] != (len(X),)
    return not hasattr(estimator, "n_features_in_")


class LongRows(NamedTuple):
    """The sequences of a long frame, in the order of their first rows."""

    values: np.ndarray  # (n_rows, n_channels) float64, the steps of each sequence by time
    firsts: np.ndarray  # (n_samples,) int64, row of the first step of each
    lengths: np.ndarray  # (n_samples,) int64
    ids: pd.Index | None  # None of a frame that is a single sequence
    order: np.ndarray  # (n_rows,) int64, row of the frame of each row of ``values``


def read_long(estimator: Any, X: Any, *, reset: bool, single: bool = False) -> LongRows:
    """Sequences of a long frame.

    ``estimator`` stores the names of the channels where ``reset``, else is compared with them.
    ``single``: whether a frame without ids is one sequence.
    """
    rows = _rows(estimator, X, single)
    codes, labels = rows.codes("X")
    channels = _channels(estimator, rows.values, reset)
    values = np.column_stack([_numbers(channels[name], name) for name in channels.columns])
    infinite = np.isinf(values)
    if infinite.any():
        row, k = np.argwhere(infinite)[0]
        where = Location("X", labels[codes[row]], channels.columns[k])
        raise where.error(
            f"is infinite at {format_time(rows.times[row])}",
            "Replace it, or put NaN for a missing value.",
        )
    numbers = time_numbers(rows.times)
    order = np.lexsort((numbers, codes))
    repeated = (np.diff(codes[order]) == 0) & (np.diff(numbers[order]) == 0)
    if repeated.any():
        row = order[int(repeated.argmax())]
        raise Location("X", labels[codes[row]]).error(
            f"has the time stamp {format_time(rows.times[row])} more than once", "Keep one row."
        )
    lengths = np.bincount(codes)
    ids = None
    if rows.ids is not None:
        ids = pd.Index(labels, name=rows.ids.name, tupleize_cols=False)
    return LongRows(values[order], np.cumsum(lengths) - lengths, lengths, ids, order)


def aligned(values: Any, ids: pd.Index, argument: str) -> Any:
    """Targets or weights in the order of the ids, which are in their index or a column."""
    if values is None:
        return None
    if hasattr(values, "columns") and ids.name in values.columns:
        frame = values if isinstance(values, pd.DataFrame) else to_pandas(values, argument)
        values = frame.set_index(ids.name)
        values = values.iloc[:, 0] if values.shape[1] == 1 else values
    if not isinstance(values, (pd.Series, pd.DataFrame)) or values.index.nlevels > 1:
        raise Location(argument).error(
            "does not say which entry is of which sequence",
            "Give a Series with the ids of X as its index, one entry for each: "
            "frame.groupby(id)['label'].first().",
        )
    index = values.index
    for labels, problem in (
        (ids[~ids.isin(index)], "has no entry for"),
        (index[~index.isin(ids)], "has an entry for"),
        (index[index.duplicated()], "has more than one entry for"),
    ):
        if len(labels):
            more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
            raise Location(argument).error(
                f"{problem} {labels.tolist()[0]!r}{more}, and the ids of X are {_listed(ids)}",
                "Give one entry for each id, by the index.",
            )
    return values.loc[ids]


def labelled(values: np.ndarray, ids: pd.Index | None, columns: Any = None) -> Any:
    """Results of sequences with their ids: (n,) as a Series, (n, n_columns) as a DataFrame."""
    if ids is None or values.ndim > 2:
        return values
    return pd.Series(values, ids) if values.ndim == 1 else pd.DataFrame(values, ids, columns)


def _rows(estimator, X, single) -> LabelledRows:
    names = [name for name in (estimator.id_column, estimator.time_column) if name is not None]
    if not isinstance(X, (pd.Series, pd.DataFrame)):
        X = to_pandas(X, "X")
    frame = X.to_frame() if isinstance(X, pd.Series) else X
    check_frame(frame, "X")
    if {*names} & {*frame.index.names}:
        frame = frame.reset_index()
    if isinstance(frame.index, pd.MultiIndex):
        return labelled_rows(frame, "X")
    absent = [name for name in names if name not in frame.columns]
    if single and not absent and estimator.id_column is None:
        return labelled_rows(frame, "X", None, estimator.time_column)
    if absent or len(names) < 2:
        reason = f"; {absent[0]!r} is none of them" if absent else ""
        raise Location("X").error(
            f"has the columns {_listed(frame.columns)}{reason}",
            "Say by id_column and time_column which hold the ids of the sequences and the times.",
        )
    return labelled_rows(frame, "X", *names)


def _channels(estimator, frame, reset):
    """The columns of channels, in the order of ``fit``."""
    if not frame.shape[1]:
        raise Location("X").error("has no columns of values", "Give at least one.")
    has_names = all(isinstance(name, str) for name in frame.columns)
    if reset and has_names:
        estimator.feature_names_in_ = frame.columns.to_numpy(dtype=object)
    fitted = getattr(estimator, "feature_names_in_", None)
    if not has_names or fitted is None:
        return frame
    if {*fitted} != {*frame.columns}:
        raise Location("X").error(
            f"has the channels {_listed(frame.columns)}, and {_listed(fitted)} were fitted",
            "Give the same columns.",
        )
    return frame[list(fitted)]


def _numbers(column, name):
    is_type = pd.api.types
    if not is_type.is_numeric_dtype(column) or is_type.is_complex_dtype(column):
        raise Location("X", column=name).error(
            f"must hold real numbers, got dtype {column.dtype}", "Convert it, or leave it out."
        )
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def is_frame(X: Any) -> bool:
    """Whether X is a frame of any library."""
    return hasattr(type(X), "columns")  # not of X: polars would resolve a lazy frame


def _listed(labels):
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return f"{list(labels[:5])}{more}"
