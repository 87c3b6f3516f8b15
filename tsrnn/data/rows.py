"""Rows of a frame in any form, with the series and time of each."""

import dataclasses
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location
from tsrnn.data.time_axis import check_time_index


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows of a frame, with the series and time of each."""

    ids: pd.Series | None  # series of each row; None for rows of a single series
    times: pd.Index  # time stamp of each row
    time_dtype: Any  # of the time stamps as they came
    values: pd.DataFrame  # the other columns

    def codes(self, argument: str) -> tuple[np.ndarray, list]:
        """The number of each row's series, and the labels in the order of their first rows."""
        if self.ids is None:
            return np.zeros(len(self.values), int), [None]
        try:
            codes, labels = pd.factorize(self.ids)
        except TypeError as error:  # lists, say
            raise Location(argument).error(
                f"has ids that can be no labels (column {self.ids.name!r}): {error}",
                "Give each series a text or a number.",
            ) from error
        return codes, labels.tolist()


def labelled_rows(
    frame: pd.DataFrame,
    argument: str,
    id_column: Hashable | None = None,
    time_column: Hashable | None = None,
) -> LabelledRows:
    """Split a frame into series, times and values of its rows.

    They are in a MultiIndex of series and time, or in columns; without an ``id_column`` there is
    one series, and without a ``time_column`` the index holds the times.
    """
    if isinstance(frame.index, pd.MultiIndex):
        return _rows_of_levels(frame, argument)
    columns = [column for column in (id_column, time_column) if column is not None]
    ids, times, time_dtype = None, frame.index, frame.index.dtype
    if id_column is not None:
        ids = frame[id_column].reset_index(drop=True)
        check_known(ids, "id", f"column {id_column!r}", argument)
    if time_column is None:
        check_time_index(times, Location(argument))
    else:
        time_dtype = frame[time_column].dtype
        where = Location(argument, column=time_column)
        column = f"{argument}[{time_column!r}]"
        code = f"{column} = pd.to_datetime({column})"
        times = time_stamps(frame[time_column], where, code)
        check_known(times, "time stamp", f"column {time_column!r}", argument)
    return LabelledRows(ids, times, time_dtype, frame.drop(columns=columns))


def _rows_of_levels(frame, argument):
    """Rows of a frame on a MultiIndex of series and time."""
    if frame.index.nlevels != 2:
        raise Location(argument).error(
            f"has {frame.index.nlevels} levels in its index; a MultiIndex must be of two, series "
            "and time",
            "Make one level of those that name a series.",
        )
    ids, stamps = (pd.Series(frame.index.get_level_values(k)) for k in (0, 1))
    check_known(ids, "id", "level 0 of its index", argument)
    are_dates = frame.index.levels[0].inferred_type in ("datetime64", "datetime", "date", "period")
    if are_dates and pd.api.types.is_integer_dtype(stamps):
        raise Location(argument).error(
            "has dates in level 0 of its index and whole numbers in level 1; a MultiIndex must be "
            "of series and time",
            f"Swap them, {argument}.swaplevel(); or make dates that name a series texts.",
        )
    where = Location(f"Level 1 of the index of {argument}")
    index = f"{argument}.index"
    code = f"pd.to_datetime({index}.levels[1]), by {index}.set_levels; or {argument}.swaplevel()"
    times = time_stamps(stamps, where, code)
    check_known(times, "time stamp", "level 1 of its index", argument)
    return LabelledRows(ids, times, stamps.dtype, frame)


def refuse_long(frame: Any, argument: str, remedy: str) -> None:
    """Refuse a frame with the columns of a long one, which would be read as channels."""
    if {"unique_id", "ds"} <= {*getattr(frame, "columns", ())}:
        raise Location(argument).error(
            "has the columns 'unique_id' and 'ds' of a long frame, which would be channels here",
            remedy,
        )


def check_frame(frame: pd.DataFrame, argument: str) -> None:
    """Refuse a frame without rows or columns, or with two columns of one name."""
    if frame.shape[1] == 0:
        raise Location(argument).error("has no columns", "Give a frame with columns of values.")
    if frame.shape[0] == 0:
        raise Location(argument).error("is empty", "Give a frame with observations.")
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()][0]
        raise Location(argument).error(
            f"has more than one column {repeated!r}", "Give each a name of its own."
        )


def time_stamps(times: pd.Series, where: Location, conversion_code: str) -> pd.Index:
    """A column of time stamps as an index; Arrow's and nullable ones as those of NumPy."""
    dtype = times.dtype
    if isinstance(dtype, pd.PeriodDtype):
        return pd.PeriodIndex(times, name=times.name)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        if str(dtype).startswith(("date32", "date64")):  # which pandas would convert one by one
            times = times.astype("timestamp[ms][pyarrow]")
        return pd.DatetimeIndex(times)
    if pd.api.types.is_integer_dtype(dtype):
        return pd.Index(times)
    raise where.error(
        f"must hold dates, periods or whole numbers, got dtype {dtype}",
        f"Convert it: {conversion_code}; with utc=True where time zones are mixed.",
    )


def check_known(labels: pd.Series | pd.Index, what: str, place: str, argument: str) -> None:
    """Refuse missing ids or time stamps."""
    missing = labels.isna()
    if missing.any():
        row = int(missing.argmax())
        more = f", and none in {missing.sum() - 1} more" if missing.sum() > 1 else ""
        raise Location(argument).error(
            f"has no {what} in row {row} ({place}){more}", "Drop or mend what has none.", row=row
        )
