"""Codecs of labels of series and columns that are no numbers, strings or time stamps."""

import datetime
import decimal
import numbers
import uuid
from collections.abc import Callable, Hashable

import numpy as np
import pandas as pd

from tsrnn.saving.checks import check
from tsrnn.saving.values import codec

# Hashable types of labels; tuples of labels are labels too
LABELS = (
    *(str, bytes, numbers.Number, np.generic, uuid.UUID),
    *(datetime.date, datetime.time, datetime.timedelta, pd.Period, pd.Interval),
)


def _register_text(cls: type, write: Callable, read: Callable) -> None:
    """Register a type whose values are written as strings."""

    def decode(text: str):
        return read(text)

    codec(cls, encode=lambda value: {"text": write(value)})(decode)


_register_text(datetime.datetime, datetime.datetime.isoformat, datetime.datetime.fromisoformat)
_register_text(datetime.time, datetime.time.isoformat, datetime.time.fromisoformat)
_register_text(decimal.Decimal, str, decimal.Decimal)
_register_text(uuid.UUID, str, uuid.UUID)
_register_text(bytes, bytes.hex, bytes.fromhex)


@codec(
    pd.Timedelta, encode=lambda delta: {"ticks": int(delta.asm8.astype(int)), "unit": delta.unit}
)
def _decode_timedelta(ticks: int, unit: str):
    check(unit in ("s", "ms", "us", "ns"), "the unit of a Timedelta")
    return pd.to_timedelta(np.array([ticks], f"m8[{unit}]"))[0]


@codec(pd.TimedeltaIndex, encode=lambda index: {"values": index.to_numpy(), "name": index.name})
def _decode_timedeltas(values: np.ndarray, name: Hashable):
    check(values.dtype.kind == "m", "a TimedeltaIndex")
    return pd.TimedeltaIndex(values, name=name)


@codec(pd.IntervalIndex, encode=lambda index: {"items": index.tolist(), "name": index.name})
def _decode_intervals(items: list, name: Hashable):
    check(all(isinstance(item, pd.Interval) for item in items), "an IntervalIndex")
    return pd.IntervalIndex(items, name=name)


@codec(pd.Period, encode=lambda period: {"ordinal": period.ordinal, "freq": period.freqstr})
def _decode_period(ordinal: int, freq: str):
    check(len(freq) <= 50, "the frequency of a Period")
    return pd.Period(ordinal=ordinal, freq=freq)


@codec(pd.Interval)
def _decode_interval(left: Hashable, right: Hashable, closed: str):
    return pd.Interval(left, right, closed)
