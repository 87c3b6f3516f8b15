"""Advice on columns and series that are not labelled as expected."""

import warnings
from collections.abc import Hashable, Iterable, Sequence

import pandas as pd

from tsrnn.parameters import near_text


def near_name(name: Hashable, columns: Sequence[Hashable]) -> Hashable | None:
    """The column that a name seems to mean, by blanks, capitals or a misspelling; None for none.

    Examples
    --------
    >>> from tsrnn.data.headers import near_name
    >>> near_name("sales", ["date", " Sales"])
    ' Sales'
    """
    return near_text(str(name), [column for column in columns if isinstance(column, str)])


def near_names(
    names: Sequence[Hashable], columns: Sequence[Hashable], argument: str, is_foreign: bool = False
) -> str:
    """A remedy that names the columns which absent ones seem to be; "" where there are none.

    ``is_foreign`` is for a frame of another library than pandas.
    """
    near = {name: near_name(name, columns) for name in names}
    near = {name: column for name, column in near.items() if column is not None}
    if not near:
        return ""
    meant = " and ".join(f"{column!r} for {name!r}" for name, column in near.items())
    renamed = {column: name for name, column in near.items()}
    frame = f"{argument}.to_pandas()" if is_foreign else argument
    return f"Is it {meant}? Rename it: {argument} = {frame}.rename(columns={renamed})."


def difference_of_types(labels: Iterable[Hashable], known: Iterable[Hashable]) -> str:
    """A remedy where a label differs from a known one by its type alone, as "1" and 1; else ""."""
    known_labels = set(known)
    by_text = {str(label): label for label in known_labels}
    for label in labels:
        twin = by_text.get(str(label))
        if label not in known_labels and twin is not None:
            types = type(label).__name__, type(twin).__name__
            return (
                f"The label {label!r} is of type {types[0]}, and {twin!r} of type {types[1]}: "
                f"convert the labels, by astype({types[1]})."
            )
    return ""


def likely_layout(frame: pd.DataFrame, argument: str, has_target: bool = True) -> str:
    """A remedy for a frame whose series or times are in columns of other names; "" for others.

    ``has_target`` is for long frames of one column of values, which a parameter names.
    """
    dtypes, is_type = frame.dtypes, pd.api.types
    if all(map(is_type.is_numeric_dtype, dtypes.unique())):
        return ""
    values = [c for c, dtype in dtypes.items() if is_type.is_numeric_dtype(dtype)]
    others = [c for c in frame.columns if c not in values]
    times = [c for c in others if _is_time(frame[c])]
    ids = [c for c in others if c not in times]
    has_times = isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex))
    if has_times or len(times) != 1:
        return ""
    (time,) = times
    if not ids and frame[time].duplicated().any():  # several series, and numbers as ids
        ids = [c for c in values if is_type.is_integer_dtype(dtypes[c]) and not frame[c].is_unique]
        values = [c for c in values if c not in ids]
    if ids and values:
        target = f", target_column={values[0]!r}" if has_target and len(values) == 1 else ""
        if len(ids) > 1 or (has_target and not target):
            return ""
        return f"If {argument} is a long frame: id_column={ids[0]!r}, time_column={time!r}{target}."
    if ids or not values:
        return ""
    otherwise = "" if has_target else f" Or give time_column={time!r}."
    return times_to_index(frame, argument, values) + otherwise


def times_to_index(frame: pd.DataFrame, argument: str, values: Sequence[Hashable] = ()) -> str:
    """A remedy for a frame whose only column of times should be its index; "" for others.

    A single one of ``values`` is taken out of it as a Series.
    """
    times = [column for column in frame.columns if _is_time(frame[column])]
    if len(times) != 1:
        return ""
    (time,) = times
    dtype, is_type = frame[time].dtype, pd.api.types
    code = f"{argument}.set_index({time!r})"
    if is_type.is_string_dtype(dtype) or is_type.is_object_dtype(dtype):
        code = f"{argument}.set_index(pd.to_datetime({argument}.pop({time!r})))"
    code += f"[{values[0]!r}]" if len(values) == 1 else ""
    return f"Put the times in the index: {argument} = {code}."


def _is_time(column):
    """Whether a column seems to hold time stamps, as such or as texts."""
    is_type = pd.api.types
    if is_type.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        return True
    known = column[:100].dropna()
    text = known.iloc[0] if len(known) else None
    if not isinstance(text, str) or len(text) < 6 or not text[0].isdigit():
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on how the format was guessed
        return bool(pd.notna(pd.to_datetime(text, errors="coerce")))
