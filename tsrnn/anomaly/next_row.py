"""The next row of a series: a number, or values by the names of channels."""

from collections.abc import Hashable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import Location, MissingDataError


def row_by_channel(
    y: Any, channels: Sequence, columns: Sequence[Hashable | None], may_miss: bool
) -> Any:
    """A row by names of channels as an array or a frame of one row; anything else as it is.

    A value for the only channel is returned as a number.

    A row is a dict, or a Series whose index are the channels, as ``frame.iloc[-1]`` has it, and
    whose name is the row's label: its time, of a panel the series and the time. Keys may be in any
    order; those in ``columns``, of ids and times of a long frame, are labels too.

    Raises DataError for a row that lacks a channel or has others, for what is no finite number, and
    for a missing value unless it ``may_miss``.
    """
    label = None
    if isinstance(y, pd.Series):
        if not _is_row(y.index, channels, columns):
            return y
        label, y = y.name, dict(zip(y.index, y.to_numpy(object), strict=True))
    elif not isinstance(y, Mapping):
        is_value = len(channels) == 1 and (y is None or isinstance(y, (Real, str, bytes)))
        return _number(y, Location("y"), may_miss) if is_value else y
    labels = [column for column in columns if column is not None and column in y]
    _check_channels(y, channels, labels)
    if labels:
        return pd.DataFrame([{name: y[name] for name in (*labels, *channels)}])
    values = np.array(
        [_number(y[channel], Location(column=channel), may_miss) for channel in channels]
    )
    if label is None:
        return values[None]
    index = pd.MultiIndex.from_tuples([label]) if isinstance(label, tuple) else pd.Index([label])
    return pd.DataFrame(values[None], index, list(channels))


def _is_row(index, channels, columns):
    """Whether the index of a Series are channels, and no time stamps."""
    if len(channels) > 1:
        return bool(set(channels) & set(index))
    return set(index) - set(columns) == set(channels) and isinstance(channels[0], str)


def _check_channels(row, channels, labels):
    absent = [channel for channel in channels if channel not in row]
    others = [name for name in row if name not in channels and name not in labels]
    if absent or others:
        problem = f"has no {absent[0]!r}" if absent else f"has {others[0]!r}, which is no channel"
        raise Location("y").error(
            f"is a row of {list(row)}; it {problem}",
            f"Give the channels that the detector was fitted with: {list(channels)}.",
        )


def _number(value, where, may_miss):
    try:
        number = np.nan if value is None or value is pd.NA else float(value)
    except (TypeError, ValueError):
        number = None
    if number is None or isinstance(value, (str, bytes)):
        raise where.error(f"is {value!r}, which is no real number")
    if np.isinf(number):
        raise where.error("is infinite", "Give a finite number.")
    if np.isnan(number) and not may_miss:
        remedy = "Give its value, or fit with missing='mask'."
        raise where.error("is missing (NaN)", remedy, kind=MissingDataError)
    return number
