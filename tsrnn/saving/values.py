"""Values, taken apart into JSON and arrays, and joined again; and the kinds of NumPy and pandas."""

from __future__ import annotations

import datetime
import inspect
import math
import re
import typing
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from tsrnn.saving.checks import check, check_parts, known
from tsrnn.saving.file import DTYPE, PLAIN, array_of

Dtype = np.dtype | pd.api.extensions.ExtensionDtype
_DTYPE_NAME = re.compile(r"(?!.*dateutil)[\w\[\], :+/\-<>|]{1,60}")
_ZONE = re.compile(r"(?!dateutil)[A-Za-z][\w+\-/:]{0,50}")  # of dateutil's pandas opens any file


def apart(value, place, arrays):
    """A value as JSON has it; its arrays are appended to ``arrays``."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) in (list, tuple):
        items = [apart(each, f"{place}[{k}]", arrays) for k, each in enumerate(value)]
        return items if type(value) is list else {"tuple": items}
    if type(value) is dict:
        pairs = []
        for key, each in value.items():
            where = f"{place}[{key!r}]"
            pairs.append([apart(key, f"{where}'s key", arrays), apart(each, where, arrays)])
        return {"dict": pairs}
    if type(value) in (np.ndarray, np.memmap) and value.dtype.kind in PLAIN:
        arrays.append(np.asarray(value, order="C"))
        return {"array": len(arrays) - 1}
    name = _kind_of(value)
    if name is None:
        raise ValueError(
            f"{place} is a {type(value).__module__}.{type(value).__qualname__}, which a file "
            "cannot hold. Give it as numbers, texts or arrays, or lists, tuples or dicts of them."
        )
    try:
        parts = _KINDS[name].apart(value)
    except ValueError as error:
        raise ValueError(f"{place} cannot be kept: {error}") from error
    return {name: {part: apart(each, f"{place}.{part}", arrays) for part, each in parts.items()}}


def _kind_of(value):
    """The kind of a value, None where there is none; a subclass is not its base."""
    if isinstance(value, np.generic):
        return "scalar"
    if type(value) is np.ndarray and value.dtype == object:
        return "texts"
    if isinstance(value, BaseOffset) and type(value) is not pd.DateOffset:
        return "offset"
    if isinstance(value, Dtype) and not isinstance(value, pd.CategoricalDtype):
        return "dtype"
    return next((name for name, kind in _KINDS.items() if type(value) is kind.of), None)


def joined(node, arrays):
    """The value that JSON tells of; an array that was used is gone from ``arrays``."""
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    if isinstance(node, list):
        return [joined(each, arrays) for each in node]
    ((name, inner),) = node.items()
    if name == "array":
        return array_of(arrays.pop(inner))
    if name == "tuple":
        return tuple(joined(each, arrays) for each in inner)
    if name == "dict":
        pairs = [(joined(key, arrays), joined(each, arrays)) for key, each in inner]
        check(all(is_key(key) for key, _ in pairs), "a key of a dict")
        return dict(pairs)
    kind = known(_KINDS, name)
    parts = {part: joined(each, arrays) for part, each in inner.items()}
    check_parts(parts, kind.parts, kind.optional)
    return kind.joined(**parts)


def is_key(key):
    """Whether few other keys have its hash: a dict whose keys all share one crawls."""
    if isinstance(key, int):
        return abs(key) < 2**60
    numpys = isinstance(key, np.generic) and key.dtype.kind in "biu"
    return numpys or isinstance(key, (str, float))


# Kinds


class _Kind(NamedTuple):
    """A kind of value: its class, how it is taken apart, types of parts, the way back."""

    of: Any
    apart: Callable[[Any], dict]
    parts: dict
    optional: dict
    joined: Callable[..., Any]


_KINDS: dict[str, _Kind] = {}


def _defaults(function):
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.default is not each.empty]


def kind(of, name="", apart=None):
    """Add a kind, by the function that joins its parts, whose annotations are their types.

    Parts are attributes, unless ``apart`` gives others; one that has a default may be absent.
    """

    def add(joined):
        parts = typing.get_type_hints(joined)
        attributes = apart or (lambda value: {part: getattr(value, part) for part in parts})
        optional = {name: parts.pop(name) for name in _defaults(joined)}
        _KINDS[name or of.__name__] = _Kind(of, attributes, parts, optional, joined)
        return joined

    return add


@kind(float, apart=lambda number: {"text": repr(number)})
def _no_number(text: str):
    """One of nan, inf and -inf, for which JSON has no word."""
    return float(text)


def _scalar_apart(scalar):
    value = np.asarray(scalar)
    check(value.dtype.kind in PLAIN, f"the dtype {value.dtype}")
    return {"dtype": value.dtype.str, "hex": value.tobytes().hex()}


@kind(None, "scalar", _scalar_apart)
def _scalar(dtype: str, hex: str):
    check(re.fullmatch(DTYPE, dtype), "a dtype")
    (value,) = np.frombuffer(bytes.fromhex(hex), dtype)
    return value


def _texts_apart(array):
    texts = array.ravel().tolist()
    if not all(type(text) is str for text in texts):
        raise ValueError("its objects are not all texts. Give the array a dtype.")
    return {"shape": list(array.shape), "texts": texts}


@kind(None, "texts", _texts_apart)
def _texts(shape: list, texts: list):
    check(all(isinstance(text, str) for text in texts), "an array of texts")
    array = np.empty(len(texts), object)
    array[:] = texts
    return array.reshape(shape)


def _offset_apart(offset):
    try:
        named = to_offset(offset.freqstr) == offset
    except ValueError:
        named = False
    if not named:
        raise ValueError(
            f"the frequency {offset!r} has no name that tells all of it. Fit on an index of one "
            "that has, for instance y.asfreq('MS')."
        )
    return {"name": offset.freqstr}


@kind(None, "offset", _offset_apart)
def _offset(name: str):
    check(len(name) <= 50, "a frequency")
    return to_offset(name)


@kind(pd.DateOffset)
def _date_offset(n: int, normalize: bool, kwds: dict):
    check(abs(n) <= 12, f"{n} times a DateOffset")  # which pandas goes one by one
    return pd.DateOffset(n, normalize, **kwds)


def _zone_of(index):
    if index.tz is None:
        return None
    zone = getattr(index.tz, "key", None) or getattr(index.tz, "zone", None) or str(index.tz)
    try:
        named = _ZONE.fullmatch(zone) and pd.DatetimeTZDtype(index.unit, zone) == index.dtype
    except KeyError:
        named = False
    if not named:
        raise ValueError(
            f"the time zone {index.tz!r} has no name. Fit on an index of one that has, for "
            "instance y.tz_convert('Europe/Berlin')."
        )
    return zone


@kind(datetime.date, apart=lambda day: {"text": day.isoformat()})
def _date(text: str):
    return datetime.date.fromisoformat(text)


@kind(pd.Timestamp, apart=lambda stamp: {
    "stamp": int(stamp.asm8.astype(np.int64)), "unit": stamp.unit,
    "zone": _zone_of(pd.DatetimeIndex([stamp])),
})  # fmt: skip
def _timestamp(stamp: int, unit: str, zone: str | None):
    return _datetimes(np.array([stamp], np.int64), unit, zone, None, None)[0]


@kind(pd.DatetimeIndex, apart=lambda index: {
    "stamps": index.asi8, "unit": index.unit, "zone": _zone_of(index), "freq": index.freq,
    "name": index.name,
})  # fmt: skip
def _datetimes(
    stamps: np.ndarray, unit: str, zone: str | None, freq: BaseOffset | None, name: Hashable
):
    check(stamps.dtype == np.int64 and stamps.ndim == 1, "a DatetimeIndex")
    check(unit in ("s", "ms", "us", "ns"), "the unit of a DatetimeIndex")
    index = pd.DatetimeIndex(stamps.view(f"M8[{unit}]"))
    if zone is not None:
        check(_ZONE.fullmatch(zone), "a time zone")
        index = index.tz_localize("UTC").tz_convert(zone)
    return pd.DatetimeIndex(index, freq=freq, name=name)


@kind(pd.PeriodIndex, apart=lambda index: {
    "ordinals": index.asi8, "freq": index.freqstr, "name": index.name,
})  # fmt: skip
def _periods(ordinals: np.ndarray, freq: str, name: Hashable):
    check(ordinals.dtype == np.int64 and ordinals.ndim == 1, "a PeriodIndex")
    check(len(freq) <= 50, "the frequency of a PeriodIndex")
    return pd.PeriodIndex.from_ordinals(ordinals, freq=freq, name=name)


@kind(pd.RangeIndex)
def _range(start: int, stop: int, step: int, name: Hashable):
    return pd.RangeIndex(start, stop, step, name=name)


def _index_apart(index):
    values = index.to_numpy()
    return {"values": values, "name": index.name, "inferred": values.dtype != index.dtype}


@kind(pd.MultiIndex, apart=lambda index: {
    "levels": [index.get_level_values(level) for level in range(index.nlevels)],
})  # fmt: skip
def _multi_index(levels: list):
    check(all(isinstance(level, pd.Index) for level in levels), "a MultiIndex")
    return pd.MultiIndex.from_arrays(levels, names=[level.name for level in levels])


@kind(pd.CategoricalIndex)
def _categorical_index(codes: np.ndarray, dtype: pd.CategoricalDtype, name: Hashable):
    return pd.CategoricalIndex(pd.Categorical.from_codes(codes, dtype=dtype), name=name)


@kind(pd.Index, apart=_index_apart)
def _index(values: np.ndarray, name: Hashable, inferred: bool):
    return pd.Index(values, dtype=None if inferred else values.dtype, name=name)


def _series_apart(series):
    values = series.to_numpy()
    if values.dtype != series.dtype:
        raise ValueError(f"a Series of dtype {series.dtype} is no plain array. Convert it.")
    return {"values": values, "index": series.index, "name": series.name}


@kind(pd.Series, apart=_series_apart)
def _series(values: np.ndarray, index: pd.Index, name: Hashable):
    check(values.ndim == 1, "a Series")  # pandas would repeat a scalar as often as an index says
    return pd.Series(values, index, name=name)


def _generator_apart(generator):
    check(type(generator.bit_generator) is np.random.PCG64, "a Generator of anything but PCG64")
    return {"state": generator.bit_generator.state}


@kind(np.random.Generator, apart=_generator_apart)
def _generator(state: dict):
    generator = np.random.Generator(np.random.PCG64(0))
    generator.bit_generator.state = state
    return generator


def _random_state_apart(random_state):
    state = random_state.get_state(legacy=False)
    check(state["bit_generator"] == "MT19937", "a RandomState of anything but MT19937")
    return {"state": state}


@kind(np.random.RandomState, apart=_random_state_apart)
def _random_state(state: dict):
    place = state["state"]["pos"]
    check(0 <= place <= 624, "a RandomState")  # NumPy would read beyond its 624 numbers
    random_state = np.random.RandomState(0)
    random_state.set_state(state)
    return random_state


def _dtype_apart(dtype):
    name = str(dtype)
    if not _DTYPE_NAME.fullmatch(name) or pd.api.types.pandas_dtype(name) != dtype:
        raise ValueError(f"the dtype {name:.100} has no name that tells all of it. Convert it.")
    return {"name": name}


@kind(None, "dtype", _dtype_apart)
def _dtype(name: str):
    check(_DTYPE_NAME.fullmatch(name), "a dtype")
    dtype = pd.api.types.pandas_dtype(name)
    if isinstance(dtype, np.dtype) and dtype.kind not in "biufcMmO":
        check(dtype.kind == "U", "a dtype")
        return np.dtype(object)  # pandas 2 takes the "str" of pandas 3 for NumPy's
    return dtype


@kind(pd.CategoricalDtype)
def _categorical_dtype(categories: pd.Index, ordered: bool):
    return pd.CategoricalDtype(categories, bool(ordered))
