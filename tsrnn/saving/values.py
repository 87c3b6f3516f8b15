"""Encoding of values as JSON and arrays, and the codecs of NumPy's and pandas's types."""

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

from tsrnn.saving.checks import check, check_parts, lookup
from tsrnn.saving.file import DTYPE, PLAIN, parse_array

Dtype: typing.TypeAlias = np.dtype | pd.api.extensions.ExtensionDtype
_DTYPE_NAME = re.compile(r"(?!.*dateutil)[\w\[\], :+/\-<>|]{1,60}")
_ZONE = re.compile(r"(?!dateutil)[A-Za-z][\w+\-/:]{0,50}")  # pandas opens any file for dateutil's


def encode(value, path, arrays):
    """A value as JSON; its arrays are appended to ``arrays``. Errors name the ``path`` to it."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) in (list, tuple):
        items = [encode(item, f"{path}[{k}]", arrays) for k, item in enumerate(value)]
        return items if type(value) is list else {"tuple": items}
    if type(value) is dict:
        pairs = []
        for key, item in value.items():
            item_path = f"{path}[{key!r}]"
            encoded_key = encode(key, f"{item_path}'s key", arrays)
            pairs.append([encoded_key, encode(item, item_path, arrays)])
        return {"dict": pairs}
    if type(value) in (np.ndarray, np.memmap) and value.dtype.kind in PLAIN:
        arrays.append(np.asarray(value, order="C"))
        return {"array": len(arrays) - 1}
    name = _codec_name(value)
    if name is None:
        raise ValueError(
            f"{path} is a {type(value).__module__}.{type(value).__qualname__}, which a file "
            "cannot hold. Give it as numbers, texts or arrays, or lists, tuples or dicts of them."
        )
    try:
        parts = _CODECS[name].encode(value)
    except ValueError as error:
        raise ValueError(f"{path} cannot be saved: {error}") from error
    return {name: {part: encode(item, f"{path}.{part}", arrays) for part, item in parts.items()}}


def _codec_name(value):
    """Name of the codec of a value, None if it has none. A subclass does not use its base's."""
    if isinstance(value, np.generic):
        return "scalar"
    if type(value) is np.ndarray and value.dtype == object:
        is_text = all(type(item) is str for item in value.ravel().tolist())
        return "texts" if is_text else "objects"
    if isinstance(value, BaseOffset) and type(value) is not pd.DateOffset:
        return "offset"
    if isinstance(value, Dtype) and not isinstance(value, pd.CategoricalDtype):
        return "dtype"
    return next((name for name, each in _CODECS.items() if type(value) is each.cls), None)


def decode(node, arrays):
    """The value of a JSON node; arrays that it refers to are removed from ``arrays``."""
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    if isinstance(node, list):
        return [decode(item, arrays) for item in node]
    ((name, content),) = node.items()
    if name == "array":
        return parse_array(arrays.pop(content))
    if name == "tuple":
        return tuple(decode(item, arrays) for item in content)
    if name == "dict":
        pairs = [(decode(key, arrays), decode(item, arrays)) for key, item in content]
        check(all(is_key(key) for key, _ in pairs), "a key of a dict")
        return dict(pairs)
    entry = lookup(_CODECS, name)
    parts = {part: decode(item, arrays) for part, item in content.items()}
    check_parts(parts, entry.required, entry.optional)
    return entry.decode(**parts)


def is_key(key):
    """Whether few other keys can have its hash: a dict whose keys all collide is very slow."""
    if isinstance(key, int):
        return abs(key) < 2**60
    is_numpy_number = isinstance(key, np.generic) and key.dtype.kind in "biu"
    return is_numpy_number or isinstance(key, (str, float))


# Codecs


class _Codec(NamedTuple):
    """A type, how its values are encoded as parts, the types of these, and how to decode them."""

    cls: Any
    encode: Callable[[Any], dict]
    required: dict
    optional: dict
    decode: Callable[..., Any]


_CODECS: dict[str, _Codec] = {}


def parts_of(decoder):
    """Types of the required and of the optional parts of a decoder, and the decoder by keywords.

    A decoder takes the parts of a value, or one NamedTuple of them; those with a default are
    optional.
    """
    hints = typing.get_type_hints(decoder)
    record = next(iter(hints.values()))
    source, decode = decoder, decoder
    if len(hints) == 1 and hasattr(record, "_fields"):
        source, hints = record, typing.get_type_hints(record)
        decode = lambda **parts: decoder(record(**parts))  # noqa: E731
    parameters = inspect.signature(source).parameters.values()
    with_default = [each.name for each in parameters if each.default is not each.empty]
    optional = {name: hints.pop(name) for name in with_default}
    return hints, optional, decode


def codec(cls, name="", encode=None):
    """Register a decorated function as the decoder of a type; see ``parts_of``.

    Parts are attributes of a value unless ``encode`` returns others.
    """

    def register(decoder):
        required, optional, decode = parts_of(decoder)

        def attributes(value):
            return {part: getattr(value, part) for part in required}

        _CODECS[name or cls.__name__] = _Codec(
            cls, encode or attributes, required, optional, decode
        )
        return decoder

    return register


@codec(float, encode=lambda number: {"text": repr(number)})
def _decode_float(text: str):
    """One of nan, inf and -inf, which JSON cannot express."""
    return float(text)


def _encode_scalar(scalar):
    value = np.asarray(scalar)
    check(value.dtype.kind in PLAIN, f"the dtype {value.dtype}")
    return {"dtype": value.dtype.str, "hex": value.tobytes().hex()}


@codec(None, "scalar", _encode_scalar)
def _decode_scalar(dtype: str, hex: str):
    check(re.fullmatch(DTYPE, dtype), "a dtype")
    (value,) = np.frombuffer(bytes.fromhex(hex), dtype)
    return value


@codec(None, "texts", lambda array: {"shape": list(array.shape), "texts": array.ravel().tolist()})
def _decode_texts(shape: list, texts: list):
    check(all(isinstance(text, str) for text in texts), "an array of texts")
    return _decode_objects(shape, texts)


@codec(None, "objects", lambda array: {"shape": list(array.shape), "items": array.ravel().tolist()})
def _decode_objects(shape: list, items: list):
    array = np.empty(len(items), object)
    for k, item in enumerate(items):  # a tuple is one item
        array[k] = item
    return array.reshape(shape)


def _encode_offset(offset):
    try:
        has_name = to_offset(offset.freqstr) == offset
    except ValueError:
        has_name = False
    if not has_name:
        raise ValueError(
            f"the frequency {offset!r} has no name that describes it fully. Fit on an index of one "
            "that has, for instance y.asfreq('MS')."
        )
    return {"name": offset.freqstr}


@codec(None, "offset", _encode_offset)
def _decode_offset(name: str):
    check(len(name) <= 50, "a frequency")
    return to_offset(name)


@codec(pd.DateOffset)
def _decode_date_offset(n: int, normalize: bool, kwds: dict):
    check(abs(n) <= 12, f"{n} times a DateOffset")  # pandas applies it n times in a loop
    return pd.DateOffset(n, normalize, **kwds)


def _zone_of(index):
    if index.tz is None:
        return None
    zone = getattr(index.tz, "key", None) or getattr(index.tz, "zone", None) or str(index.tz)
    try:
        has_name = _ZONE.fullmatch(zone) and pd.DatetimeTZDtype(index.unit, zone) == index.dtype
    except KeyError:
        has_name = False
    if not has_name:
        raise ValueError(
            f"the time zone {index.tz!r} has no name. Fit on an index of one that has, for "
            "instance y.tz_convert('Europe/Berlin')."
        )
    return zone


@codec(datetime.date, encode=lambda day: {"text": day.isoformat()})
def _decode_date(text: str):
    return datetime.date.fromisoformat(text)


def _encode_timestamp(stamp):
    number = int(stamp.asm8.astype(np.int64))
    return {"stamp": number, "unit": stamp.unit, "zone": _zone_of(pd.DatetimeIndex([stamp]))}


@codec(pd.Timestamp, encode=_encode_timestamp)
def _decode_timestamp(stamp: int, unit: str, zone: str | None):
    return _decode_datetimes(np.array([stamp], np.int64), unit, zone, None, None)[0]


def _encode_datetimes(index):
    zone = _zone_of(index)
    parts = {"stamps": index.asi8, "unit": index.unit, "zone": zone}
    return parts | {"freq": index.freq, "name": index.name}


@codec(pd.DatetimeIndex, encode=_encode_datetimes)
def _decode_datetimes(
    stamps: np.ndarray, unit: str, zone: str | None, freq: BaseOffset | None, name: Hashable
):
    check(stamps.dtype == np.int64 and stamps.ndim == 1, "a DatetimeIndex")
    check(unit in ("s", "ms", "us", "ns"), "the unit of a DatetimeIndex")
    index = pd.DatetimeIndex(stamps.view(f"M8[{unit}]"))
    if zone is not None:
        check(_ZONE.fullmatch(zone), "a time zone")
        index = index.tz_localize("UTC").tz_convert(zone)
    return pd.DatetimeIndex(index, freq=freq, name=name)


def _encode_periods(index):
    return {"ordinals": index.asi8, "freq": index.freqstr, "name": index.name}


@codec(pd.PeriodIndex, encode=_encode_periods)
def _decode_periods(ordinals: np.ndarray, freq: str, name: Hashable):
    check(ordinals.dtype == np.int64 and ordinals.ndim == 1, "a PeriodIndex")
    check(len(freq) <= 50, "the frequency of a PeriodIndex")
    return pd.PeriodIndex.from_ordinals(ordinals, freq=freq, name=name)


@codec(pd.RangeIndex)
def _decode_range(start: int, stop: int, step: int, name: Hashable):
    return pd.RangeIndex(start, stop, step, name=name)


def _encode_multi_index(index):
    return {"levels": [index.get_level_values(level) for level in range(index.nlevels)]}


@codec(pd.MultiIndex, encode=_encode_multi_index)
def _decode_multi_index(levels: list):
    check(all(isinstance(level, pd.Index) for level in levels), "a MultiIndex")
    return pd.MultiIndex.from_arrays(levels, names=[level.name for level in levels])


@codec(pd.CategoricalIndex)
def _decode_categorical_index(codes: np.ndarray, dtype: pd.CategoricalDtype, name: Hashable):
    return pd.CategoricalIndex(pd.Categorical.from_codes(codes, dtype=dtype), name=name)


def _encode_index(index):
    values = index.to_numpy()
    inferred = values.dtype != index.dtype
    parts = {"values": values, "name": index.name, "inferred": inferred}
    if inferred and pd.Index(values, tupleize_cols=False).dtype != index.dtype:
        parts["dtype"] = index.dtype
    return parts


@codec(pd.Index, encode=_encode_index)
def _decode_index(values: np.ndarray, name: Hashable, inferred: bool, dtype: Dtype | None = None):
    dtype = dtype if inferred else values.dtype
    return pd.Index(values, dtype=dtype, name=name, tupleize_cols=False)


def _encode_series(series):
    values = series.to_numpy()
    if values.dtype != series.dtype:
        raise ValueError(f"a Series of dtype {series.dtype} is no plain array. Convert it.")
    return {"values": values, "index": series.index, "name": series.name}


@codec(pd.Series, encode=_encode_series)
def _decode_series(values: np.ndarray, index: pd.Index, name: Hashable):
    check(values.ndim == 1, "a Series")  # pandas would repeat a scalar along the index
    return pd.Series(values, index, name=name)


def _encode_generator(generator):
    check(type(generator.bit_generator) is np.random.PCG64, "a Generator of anything but PCG64")
    return {"state": generator.bit_generator.state}


@codec(np.random.Generator, encode=_encode_generator)
def _decode_generator(state: dict):
    generator = np.random.Generator(np.random.PCG64(0))
    generator.bit_generator.state = state
    return generator


def _encode_random_state(random_state):
    state = random_state.get_state(legacy=False)
    check(state["bit_generator"] == "MT19937", "a RandomState of anything but MT19937")
    return {"state": state}


@codec(np.random.RandomState, encode=_encode_random_state)
def _decode_random_state(state: dict):
    position = state["state"]["pos"]
    check(0 <= position <= 624, "a RandomState")  # NumPy would read beyond its 624 numbers
    random_state = np.random.RandomState(0)
    random_state.set_state(state)
    return random_state


def _encode_dtype(dtype):
    name = str(dtype)
    if isinstance(dtype, pd.ArrowDtype) and name.startswith(("string[", "dictionary<", "decimal")):
        return _encode_arrow_dtype(dtype.pyarrow_dtype)
    if not _DTYPE_NAME.fullmatch(name) or pd.api.types.pandas_dtype(name) != dtype:
        raise ValueError(f"the dtype {name:.100} has no name that describes it fully. Convert it.")
    return {"name": name}


def _encode_arrow_dtype(arrow):
    """Parts of Arrow's types that pandas does not read by their names."""
    if not hasattr(arrow, "value_type"):
        return {"name": str(arrow), "arrow": True}
    index, ordered = str(arrow.index_type), arrow.ordered
    return {"name": str(arrow.value_type), "arrow": True, "index": index, "ordered": ordered}


@codec(None, "dtype", _encode_dtype)
def _decode_dtype(name: str, arrow: bool = False, index: str | None = None, ordered: bool = False):
    if arrow:
        import pyarrow

        digits = re.fullmatch(r"decimal(32|64|128|256)\((\d{1,2}), (\d{1,2})\)", name)
        if digits:
            kind = getattr(pyarrow, f"decimal{digits[1]}")
            return pd.ArrowDtype(kind(int(digits[2]), int(digits[3])))
        value = pyarrow.type_for_alias(name)
        if index is not None:
            value = pyarrow.dictionary(pyarrow.type_for_alias(index), value, ordered)
        return pd.ArrowDtype(value)
    check(_DTYPE_NAME.fullmatch(name), "a dtype")
    dtype = pd.api.types.pandas_dtype(name)
    if isinstance(dtype, np.dtype) and dtype.kind not in "biufcMmO":
        check(dtype.kind == "U", "a dtype")
        return np.dtype(object)  # pandas 2 reads the "str" of pandas 3 as NumPy's
    return dtype


@codec(pd.CategoricalDtype)
def _decode_categorical_dtype(categories: pd.Index, ordered: bool):
    return pd.CategoricalDtype(categories, bool(ordered))
