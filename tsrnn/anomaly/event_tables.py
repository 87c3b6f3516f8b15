"""Event tables: checks of frames, indexes, labels and lengths, and events as index positions."""

from datetime import timedelta
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import format_time
from tsrnn.parameters import LARGEST_INTEGER, naming

_COLUMNS = ["start", "end", "n_points"]


def runs_of(flags: np.ndarray) -> np.ndarray:
    """Runs of True in (n,) flags, (n_runs, 2): first position, and one past the last."""
    return np.flatnonzero(np.diff(flags, prepend=False, append=False)).reshape(-1, 2)


def event_frame(index: pd.Index, first: Any, last: Any, columns_of: Any = None) -> pd.DataFrame:
    """Events at (n,) first and last positions, with the further columns of a frame of n rows."""
    events = pd.DataFrame(
        {"start": index.take(first), "end": index.take(last), "n_points": last - first + 1}
    ).astype({"n_points": np.int64})
    if columns_of is None:
        return events
    further = columns_of.drop(columns=_COLUMNS, errors="ignore").reset_index(drop=True)
    return pd.concat([events, further], axis=1)


def sorted_frame(index: pd.Index, first: Any, last: Any, columns_of: Any) -> pd.DataFrame:
    """As :func:`event_frame`, sorted by start and end."""
    order = np.lexsort((last, first))
    return event_frame(index, first[order], last[order], columns_of.iloc[order])


def positions_of(events: pd.DataFrame, index: pd.Index, name: str) -> tuple[Any, Any]:
    """First and last position of each event in an index; last < first where it covers none."""
    starts, ends = pd.Index(events["start"]), pd.Index(events["end"])
    if not len(events):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    try:
        first = index.searchsorted(starts, side="left")
        return first, index.searchsorted(ends, side="right") - 1
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} starts with {starts.dtype}, and the index is {index.dtype}: {error}."
        ) from error


def covered_positions(events: pd.DataFrame, index: pd.Index, name: str) -> tuple[Any, Any]:
    """As :func:`positions_of`; raises ValueError for an event that covers no point."""
    first, last = positions_of(events, index, name)
    if (first > last).any():
        row = int((first > last).argmax())
        raise ValueError(
            f"{name} has an event at no point of the index in row {row}, from "
            f"{format_time(events['start'].iloc[row])} to {format_time(events['end'].iloc[row])}. "
            "Leave it out."
        )
    return first, last


def overlaps(first_a: Any, last_a: Any, first_b: Any, last_b: Any) -> tuple[Any, Any]:
    """Pairs of rows of a and b that overlap, sorted by row of a, then by start of b."""
    order = np.argsort(first_b, kind="stable")
    begin = np.searchsorted(np.maximum.accumulate(last_b[order]), first_a, side="left")
    end = np.searchsorted(first_b[order], last_a, side="right")
    n = np.maximum(end - begin, 0)
    rows_a = np.repeat(np.arange(n.size), n)
    rows_b = order[np.arange(n.sum()) + np.repeat(begin - np.cumsum(n) + n, n)]
    first = np.maximum(first_a[rows_a], first_b[rows_b])
    common = first <= np.minimum(last_a[rows_a], last_b[rows_b])
    return rows_a[common], rows_b[common]


def strongest_rows(events: pd.DataFrame, groups: np.ndarray) -> np.ndarray:
    """Row of the highest severity in each group of rows, the first if several are equal."""
    severity = np.zeros(len(events))
    if "severity" in events.columns:
        severity = events["severity"].to_numpy(dtype=float, na_value=np.nan)
    order = np.lexsort((-severity, groups))  # stable, NaN last
    return order[np.searchsorted(groups, np.unique(groups))]


def index_of(index: pd.Index | None, *frames: pd.DataFrame) -> pd.Index:
    """The index, checked; if None, the one implied by events at integers or periods."""
    if index is not None:
        return checked_index(index)
    starts = [pd.Index(frame["start"]) for frame in frames if len(frame)]
    ends = [pd.Index(frame["end"]) for frame in frames if len(frame)]
    if not starts:
        return pd.Index(frames[0]["start"])
    if all(isinstance(part, pd.PeriodIndex) for part in starts + ends):
        return pd.period_range(min(s.min() for s in starts), max(e.max() for e in ends))
    if all(pd.api.types.is_integer_dtype(part) for part in starts + ends):
        return pd.RangeIndex(min(s.min() for s in starts), max(e.max() for e in ends) + 1)
    raise ValueError(
        f"Events between {starts[0].dtype} do not say how many points lie between: give index, "
        "that of the series."
    )


def bounds_index(a: pd.DataFrame, b: pd.DataFrame) -> pd.Index:
    """Sorted index of every start and end in two event tables."""
    ends = [pd.Index(frame[c]) for frame in (a, b) if len(frame) for c in ("start", "end")]
    if not ends:
        return pd.Index(a["start"])
    zone = getattr(ends[0], "tz", None)
    if zone is not None:
        ends = [e if getattr(e, "tz", None) is None else e.tz_convert(zone) for e in ends]
    try:
        return ends[0].append(ends[1:]).unique().sort_values()
    except TypeError as error:
        raise ValueError(f"labelled and found cannot be compared: {error}.") from error


def timestamps(index: pd.Index, name: str) -> pd.Index:
    """An index of times, that of the starts for periods; raises ValueError for other kinds."""
    if isinstance(index, pd.PeriodIndex):
        return index.to_timestamp()
    if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        return index
    raise ValueError(
        f"{name} is a time, and events are at {index.dtype}, not in time. Give a number of points."
    )


def checked_length(value: Any, name: str) -> int | pd.Timedelta:
    """A number of points, int, or a Timedelta; at least 0."""
    length: Any
    if isinstance(value, Integral) and not isinstance(value, (bool, np.timedelta64)):
        length, least = min(int(value), LARGEST_INTEGER), 0
    else:
        length, least = _timedelta(value), pd.Timedelta(0)
    if length is None:
        raise ValueError(
            f"{name} must be a number of points or a time such as '2h', got {value!r}."
        )
    if length < least:
        raise ValueError(f"{name} must be at least 0, got {value}.")
    return length


def _timedelta(value):
    """The value as a Timedelta; None if it is not one."""
    if not isinstance(value, (str, timedelta, np.timedelta64, pd.offsets.BaseOffset)):
        return None
    if isinstance(value, str) and value.strip().replace(".", "", 1).lstrip("+-").isdigit():
        return None  # pandas would take it for nanoseconds
    try:
        length = pd.Timedelta(value)
    except (TypeError, ValueError):
        return None
    return None if pd.isna(length) else length


def numeric_column(events: pd.DataFrame, column: str, name: str) -> np.ndarray:
    """A column as float64; raises ValueError if it is absent."""
    if column not in events.columns:
        raise ValueError(f"{name} needs the column {column!r}, which events has not.")
    return events[column].to_numpy(dtype=float, na_value=np.nan)


def checked_events(events: pd.DataFrame, name: str) -> pd.DataFrame:
    """Events numbered from 0; raises ValueError unless each has a start and an end after it."""
    if not isinstance(events, pd.DataFrame) or not {"start", "end"} <= set(events.columns):
        has = f"columns {list(events.columns)}" if isinstance(events, pd.DataFrame) else ""
        raise ValueError(
            f"{name} must be a DataFrame with columns start and end, got "
            f"{has or type(events).__name__}."
        )
    events = events.reset_index(drop=True)
    missing = events["start"].isna() | events["end"].isna()
    if missing.any():
        raise ValueError(f"{name} has no start or no end in row {int(missing.argmax())}.")
    try:
        reversed_ = events["start"] > events["end"]
    except TypeError as error:
        raise ValueError(f"{name} has start and end of two kinds: {error}.") from error
    if reversed_.any():
        row = int(reversed_.argmax())
        raise ValueError(
            f"{name} has an end before its start in row {row}: "
            f"{format_time(events['start'][row])} to {format_time(events['end'][row])}."
        )
    return events


@naming("index")
def checked_index(index: pd.Index) -> pd.Index:
    """An index; raises ValueError unless it increases without repeats or missing labels."""
    index = pd.Index(index) if not isinstance(index, pd.Index) else index
    if isinstance(index, pd.MultiIndex):
        raise ValueError("index must be that of one series, got a MultiIndex.")
    if index.hasnans:
        raise ValueError(f"index has no label (NaN) at position {int(index.isna().argmax())}.")
    if index.is_monotonic_increasing and index.is_unique:
        return index
    bad = np.flatnonzero(index[1:] <= index[:-1])[0] + 1
    raise ValueError(
        f"index must increase without repeats, but {format_time(index[bad], index)} comes after "
        f"{format_time(index[bad - 1], index)}. Sort it, and keep one row each."
    )


@naming("labels")
def checked_flags(labels: Any, index: pd.Index) -> np.ndarray:
    """Labels as (n,) bool; raises ValueError for missing values and values other than 0 and 1."""
    try:
        values = pd.array(labels).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"labels must be (n,) of true and false: {error}.") from error
    if len(values) != len(index):
        raise ValueError(f"labels has {len(values)} points, and index {len(index)}.")
    bad = (values != 0) & (values != 1)
    if bad.any():
        position = int(bad.argmax())
        what = "missing (NaN)" if np.isnan(values[position]) else f"{values[position]:g}"
        raise ValueError(
            f"labels must be true or false, got {what} at {format_time(index[position], index)} "
            f"(position {position})."
        )
    return values == 1
