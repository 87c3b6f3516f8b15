"""Estimators in files: arrays in an npz, the rest in JSON, and nothing that is ever executed.

A file is one line, ``tsrnn 1 sha256 <digest>``, and an npz without compression; the digest is of
``tsrnn 1`` and the npz. The npz's member ``json`` tells the estimator's class, parameters and
fitted attributes, and the versions of the libraries. What JSON has no word for stands there as
``{kind: parts}``, an array as ``{"array": its member}``.

A file may come from anyone. So kinds and classes are those listed here, every part has a type, and
what kernels would follow out of an array is held against the arrays.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import secrets
import typing
import zipfile
from collections.abc import Callable, Hashable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numba
import numpy as np
import pandas as pd
import sklearn
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from tsrnn import __version__
from tsrnn.estimators import RNNClassifier, RNNRegressor
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.intervals import ConformalWidths
from tsrnn.forecasting.scaling import Scaling
from tsrnn.kernels import cells
from tsrnn.kernels.losses import LOSSES, n_outputs
from tsrnn.kernels.shapes import head_places
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Moments
from tsrnn.windowing import Collection, Panel, TimeAxis
from tsrnn.windowing.axes import entries
from tsrnn.windowing.foreign import Foreign
from tsrnn.windowing.forms import Levels, Long, OneSeries, Wide

FORMAT = 1
_HEADER = re.compile(rb"tsrnn ([1-9]\d{0,5}) sha256 ([0-9a-f]{64})\n")
_MOST_JSON = 2**24  # bytes; as Python's objects they are many times as much
_MOST_MEMBERS = 1000  # of the npz; likewise
_PLAIN = "biufcUSMm"  # kinds of dtype that are held as they are: numbers, texts, times
_DTYPE = rf"[<>|][{_PLAIN}][1-9]\d{{0,8}}(?:\[\w{{1,9}}\])?"
# What np.save writes of such an array, and nothing else that NumPy would parse.
_NPY = re.compile(
    rb"\x93NUMPY\x01\x00(?s:..)\{'descr': '(%b)', 'fortran_order': False, "
    rb"'shape': \(([\d, ]*)\), \} *\n" % _DTYPE.encode()
)
_Dtype = np.dtype | pd.api.extensions.ExtensionDtype
_DTYPE_NAME = re.compile(r"(?!.*dateutil)[\w\[\], :+/\-<>|]{1,60}")
_NARWHALS = {
    "Boolean", "Categorical", "Date", "Datetime", "Int8", "Int16", "Int32", "Int64", "String",
    "UInt8", "UInt16", "UInt32", "UInt64",
}  # fmt: skip
_ZONE = re.compile(r"(?!dateutil)[A-Za-z][\w+\-/:]{0,50}")  # of dateutil's pandas opens any file
# scikit-learn's, set by set_callbacks and set_fit_request: not of the fit.
_LEFT_OUT = {
    "_callback_fit_ctx", "_metadata_request", "_parent_callback_ctx", "_skl_callbacks",
    "_skl_callbacks_to_teardown",
}  # fmt: skip


def save(estimator: Any, path: str | os.PathLike) -> None:
    """Write an estimator, fitted or not, to a file that ``tsrnn.load`` reads.

    Parameters
    ----------
    estimator : RNNForecaster, RNNRegressor or RNNClassifier
        What to write, with the series it was fitted on if it is a forecaster. What scikit-learn
        has hung on it, callbacks and metadata requests, is left out.
    path : str or Path
        Where to. A file that is there is replaced once the new one is complete.

    Raises
    ------
    ValueError
        If a parameter or fitted attribute is something that a file cannot hold; it is named.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tsrnn
    >>> from tsrnn.datasets import load_airline
    >>> forecaster = tsrnn.RNNForecaster(max_iter=2, hidden_size=4).fit(load_airline())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tsrnn.save(forecaster, Path(folder) / "airline.tsrnn")
    ...     loaded = tsrnn.load(Path(folder) / "airline.tsrnn")
    >>> loaded.predict().equals(forecaster.predict())
    True
    """
    name = type(estimator).__name__
    if name not in _ESTIMATORS or type(estimator) is not _ESTIMATORS[name].of:
        raise ValueError(f"Cannot save a {name}, only {', '.join(_ESTIMATORS)} themselves.")
    try:
        payload = _payload(estimator)
        _estimator(*_content(payload))  # what load refuses is refused while the estimator is there
    except Exception as error:
        raise ValueError(f"Cannot save this {name}: {error}") from error
    _replace(
        os.path.realpath(os.fsdecode(path)), f"tsrnn {FORMAT} sha256 {_digest(payload)}\n", payload
    )


def load(path: str | os.PathLike) -> Any:
    """Read an estimator that ``tsrnn.save`` has written; it predicts the same, to the bit.

    Nothing in the file is executed, whoever wrote it. The checksum tells damage, not who wrote it.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    RNNForecaster, RNNRegressor or RNNClassifier

    Raises
    ------
    ValueError
        If the file is none of ``tsrnn.save``, is damaged, or is of a newer format.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tsrnn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tsrnn.save(tsrnn.RNNRegressor(cell="gru"), Path(folder) / "regressor.tsrnn")
    ...     tsrnn.load(Path(folder) / "regressor.tsrnn")
    RNNRegressor(cell='gru')
    """
    payload, writer = _checked(path), "version"
    try:
        content, arrays = _content(payload)
        writer = f"tsrnn {content['versions']['tsrnn']:.20}"
        return _estimator(content, arrays)
    except Exception as error:  # whatever strange content makes zipfile, json, NumPy, pandas raise
        raise ValueError(
            f"{os.fspath(path)!r} cannot be loaded by tsrnn {__version__}, though its checksum is "
            f"right: {type(error).__name__}: {str(error)[:300]}. Load it with the {writer} that "
            "wrote it, or save the estimator again."
        ) from error


# The file


def _digest(payload):
    digest = hashlib.sha256(b"tsrnn %d" % FORMAT)
    digest.update(payload)
    return digest.hexdigest()


def _checked(path):
    """The payload of a file, if it is what its digest says."""
    name = repr(os.fspath(path))
    with open(path, "rb") as file:
        header = _HEADER.fullmatch(file.readline(128))
        if header is None:
            raise ValueError(
                f"{name} is not a file of tsrnn.save, or its beginning is damaged. Copy it again "
                "from where it was saved, or save the estimator again."
            )
        if int(header[1]) != FORMAT:
            raise ValueError(
                f"{name} is of format {int(header[1])}, and tsrnn {__version__} reads format "
                f"{FORMAT}. Update tsrnn to load it."
            )
        payload = file.read()
    if _digest(payload) != header[2].decode():
        raise ValueError(
            f"{name} is damaged: its checksum does not match its content, which was cut or "
            "changed. Copy it again from where it was saved, or save the estimator again."
        )
    return payload


def _replace(path, header, payload):
    """Put a whole file in its place: written beside it first, then renamed."""
    beside = f"{path}.{secrets.token_hex(4)}.part"
    try:
        with open(beside, "xb") as file:
            file.write(header.encode())
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise


def _payload(estimator):
    """The npz, the same to the byte for the same estimator."""
    name, arrays = type(estimator).__name__, []
    parameters = estimator.get_params(deep=False)
    content = {
        "versions": {
            "tsrnn": __version__, "numpy": np.__version__, "numba": numba.__version__,
            "scikit-learn": sklearn.__version__, "pandas": pd.__version__,
        },
        "class": name,
        "parameters": {k: _apart(v, f"parameter {k}", arrays) for k, v in parameters.items()},
        "fitted": {
            k: _apart(v, f"attribute {k}", arrays)
            for k, v in _fitted(estimator, parameters, _ESTIMATORS[name]).items()
        },
    }  # fmt: skip
    text = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        members = {"json": np.frombuffer(text, np.uint8), **dict(enumerate(arrays))}
        for name, array in members.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()


def _fitted(estimator, parameters, kind):
    """What fit has set; none of it where fit failed half way."""
    other = {*parameters, *_LEFT_OUT}
    found = {
        name: value for name, value in vars(estimator).items()
        if name not in other and (name.startswith("_") or name.endswith("_"))
    }  # fmt: skip
    unknown = sorted(found.keys() - kind.always.keys() - kind.sometimes.keys())
    if unknown:  # were it left out, nobody would know
        raise ValueError(f"attribute {unknown[0]} is none that tsrnn.save knows. Delete it first.")
    return found if "network_" in found else {}


def _content(payload):
    """The JSON of a payload, and the bytes of its arrays by number."""
    if payload.count(zipfile.stringCentralDir) > _MOST_MEMBERS:
        raise ValueError(f"its npz has more than {_MOST_MEMBERS} members")
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        infos = archive.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("its npz is compressed")
        if sum(info.file_size for info in infos) > len(payload):
            raise ValueError("its npz claims more bytes than there are")
        members = {info.filename.removesuffix(".npy"): archive.read(info) for info in infos}
    text = members.pop("json")
    if len(text) > _MOST_JSON:
        raise ValueError(f"its JSON is longer than {_MOST_JSON} bytes")
    content = json.loads(_array(text).tobytes().decode())
    return content, {int(name): data for name, data in members.items()}


def _array(data):
    """An array from the bytes of a npy file, of which NumPy itself parses only the dtype."""
    header = _NPY.match(data)
    _check(header, "the header of an array")
    dtype = np.dtype(header[1].decode())
    shape = [int(size) for size in header[2].split(b",") if size.strip()]
    _check(max(shape, default=0) <= len(data), "the shape of an array")  # also of an empty one
    values = np.frombuffer(data, dtype, offset=header.end()).reshape(shape)
    return values.astype(dtype.newbyteorder("="))  # a copy, aligned and writable


def _estimator(content, arrays):
    """The estimator that JSON and arrays tell of."""
    kind = _known(_ESTIMATORS, content["class"])
    parameters = {name: _joined(node, arrays) for name, node in content["parameters"].items()}
    fitted = {name: _joined(node, arrays) for name, node in content["fitted"].items()}
    _check(not arrays, f"arrays {sorted(arrays)[:5]}, which nothing names,")
    estimator = kind.of(**parameters)
    estimator._validate_params()
    if fitted:
        _check_parts(fitted, kind.always, kind.sometimes)
        kind.check(fitted["network_"], fitted)
        vars(estimator).update(fitted)
    return estimator


# Values, taken apart into JSON and arrays, and joined again


def _apart(value, place, arrays):
    """A value as JSON has it; its arrays are appended to ``arrays``."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) in (list, tuple):
        items = [_apart(each, f"{place}[{k}]", arrays) for k, each in enumerate(value)]
        return items if type(value) is list else {"tuple": items}
    if type(value) is dict:
        pairs = []
        for key, each in value.items():
            where = f"{place}[{key!r}]"
            pairs.append([_apart(key, f"{where}'s key", arrays), _apart(each, where, arrays)])
        return {"dict": pairs}
    if type(value) in (np.ndarray, np.memmap) and value.dtype.kind in _PLAIN:
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
    return {name: {part: _apart(each, f"{place}.{part}", arrays) for part, each in parts.items()}}


def _kind_of(value):
    """The kind of a value, None where there is none; a subclass is not its base."""
    if isinstance(value, np.generic):
        return "scalar"
    if type(value) is np.ndarray and value.dtype == object:
        return "texts"
    if isinstance(value, BaseOffset) and type(value) is not pd.DateOffset:
        return "offset"
    if isinstance(value, _Dtype) and not isinstance(value, pd.CategoricalDtype):
        return "dtype"
    return next((name for name, kind in _KINDS.items() if type(value) is kind.of), None)


def _joined(node, arrays):
    """The value that JSON tells of; an array that was used is gone from ``arrays``."""
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    if isinstance(node, list):
        return [_joined(each, arrays) for each in node]
    ((name, inner),) = node.items()
    if name == "array":
        return _array(arrays.pop(inner))
    if name == "tuple":
        return tuple(_joined(each, arrays) for each in inner)
    if name == "dict":
        pairs = [(_joined(key, arrays), _joined(each, arrays)) for key, each in inner]
        _check(all(_is_key(key) for key, _ in pairs), "a key of a dict")
        return dict(pairs)
    kind = _known(_KINDS, name)
    parts = {part: _joined(each, arrays) for part, each in inner.items()}
    _check_parts(parts, kind.parts)
    return kind.joined(**parts)


def _known(table, name):
    if name not in table:
        raise ValueError(f"it holds a {name!r:.40}, which is unknown")
    return table[name]


def _is_key(key):
    """Whether few other keys have its hash: a dict whose keys all share one crawls."""
    if isinstance(key, int):
        return abs(key) < 2**60
    numpys = isinstance(key, np.generic) and key.dtype.kind in "biu"
    return numpys or isinstance(key, (str, float))


def _check_parts(parts, always, sometimes=None):
    """Refuse missing and unknown parts, and parts of another type."""
    types = {**always, **(sometimes or {})}
    missing, unknown = always.keys() - parts.keys(), parts.keys() - types.keys()
    if missing or unknown:
        raise ValueError(f"there is no {sorted(missing)}, and unknown {sorted(unknown)[:5]}")
    for name, value in parts.items():
        if not _is_a(value, types[name]):
            raise ValueError(f"{name} is a {type(value).__name__}")


def _is_a(value, kind):
    if typing.get_args(kind):
        return any(_is_a(value, each) for each in typing.get_args(kind))
    if kind is bool or isinstance(value, (bool, np.bool_)):
        return kind in (bool, object) and isinstance(value, (bool, np.bool_))
    return isinstance(value, {int: Integral, float: Real}.get(kind, kind))


def _check(fits, what):
    if not fits:
        raise ValueError(f"{what} does not fit")


# Kinds


class _Kind(NamedTuple):
    """A kind of value: its class, how it is taken apart, the types of the parts, the way back."""

    of: Any
    apart: Callable[[Any], dict]
    parts: dict
    joined: Callable[..., Any]


_KINDS: dict[str, _Kind] = {}


def _kind(of, name="", apart=None):
    """Add a kind, by the function that joins its parts, whose annotations are their types.

    Parts are attributes, unless ``apart`` gives others.
    """

    def add(joined):
        parts = typing.get_type_hints(joined)
        attributes = apart or (lambda value: {part: getattr(value, part) for part in parts})
        _KINDS[name or of.__name__] = _Kind(of, attributes, parts, joined)
        return joined

    return add


@_kind(float, apart=lambda number: {"text": repr(number)})
def _no_number(text: str):
    """One of nan, inf and -inf, for which JSON has no word."""
    return float(text)


def _scalar_apart(scalar):
    value = np.asarray(scalar)
    _check(value.dtype.kind in _PLAIN, f"the dtype {value.dtype}")
    return {"dtype": value.dtype.str, "hex": value.tobytes().hex()}


@_kind(None, "scalar", _scalar_apart)
def _scalar(dtype: str, hex: str):
    _check(re.fullmatch(_DTYPE, dtype), "a dtype")
    (value,) = np.frombuffer(bytes.fromhex(hex), dtype)
    return value


def _texts_apart(array):
    texts = array.ravel().tolist()
    if not all(type(text) is str for text in texts):
        raise ValueError("its objects are not all texts. Give the array a dtype.")
    return {"shape": list(array.shape), "texts": texts}


@_kind(None, "texts", _texts_apart)
def _texts(shape: list, texts: list):
    _check(all(isinstance(text, str) for text in texts), "an array of texts")
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


@_kind(None, "offset", _offset_apart)
def _offset(name: str):
    _check(len(name) <= 50, "a frequency")
    return to_offset(name)


@_kind(pd.DateOffset)
def _date_offset(n: int, normalize: bool, kwds: dict):
    _check(abs(n) <= 12, f"{n} times a DateOffset")  # which pandas goes one by one
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


@_kind(pd.Timestamp, apart=lambda stamp: {
    "stamp": int(stamp.asm8.astype(np.int64)), "unit": stamp.unit,
    "zone": _zone_of(pd.DatetimeIndex([stamp])),
})  # fmt: skip
def _timestamp(stamp: int, unit: str, zone: str | None):
    return _datetimes(np.array([stamp], np.int64), unit, zone, None, None)[0]


@_kind(pd.DatetimeIndex, apart=lambda index: {
    "stamps": index.asi8, "unit": index.unit, "zone": _zone_of(index), "freq": index.freq,
    "name": index.name,
})  # fmt: skip
def _datetimes(
    stamps: np.ndarray, unit: str, zone: str | None, freq: BaseOffset | None, name: Hashable
):
    _check(stamps.dtype == np.int64 and stamps.ndim == 1, "a DatetimeIndex")
    _check(unit in ("s", "ms", "us", "ns"), "the unit of a DatetimeIndex")
    index = pd.DatetimeIndex(stamps.view(f"M8[{unit}]"))
    if zone is not None:
        _check(_ZONE.fullmatch(zone), "a time zone")
        index = index.tz_localize("UTC").tz_convert(zone)
    return pd.DatetimeIndex(index, freq=freq, name=name)


@_kind(pd.PeriodIndex, apart=lambda index: {
    "ordinals": index.asi8, "freq": index.freqstr, "name": index.name,
})  # fmt: skip
def _periods(ordinals: np.ndarray, freq: str, name: Hashable):
    _check(ordinals.dtype == np.int64 and ordinals.ndim == 1, "a PeriodIndex")
    _check(len(freq) <= 50, "the frequency of a PeriodIndex")
    return pd.PeriodIndex.from_ordinals(ordinals, freq=freq, name=name)


@_kind(pd.RangeIndex)
def _range(start: int, stop: int, step: int, name: Hashable):
    return pd.RangeIndex(start, stop, step, name=name)


def _index_apart(index):
    values = index.to_numpy()
    return {"values": values, "name": index.name, "inferred": values.dtype != index.dtype}


@_kind(pd.MultiIndex, apart=lambda index: {
    "levels": [index.get_level_values(level) for level in range(index.nlevels)],
})  # fmt: skip
def _multi_index(levels: list):
    _check(all(isinstance(level, pd.Index) for level in levels), "a MultiIndex")
    return pd.MultiIndex.from_arrays(levels, names=[level.name for level in levels])


@_kind(pd.CategoricalIndex)
def _categorical_index(codes: np.ndarray, dtype: pd.CategoricalDtype, name: Hashable):
    return pd.CategoricalIndex(pd.Categorical.from_codes(codes, dtype=dtype), name=name)


@_kind(pd.Index, apart=_index_apart)
def _index(values: np.ndarray, name: Hashable, inferred: bool):
    return pd.Index(values, dtype=None if inferred else values.dtype, name=name)


def _series_apart(series):
    values = series.to_numpy()
    if values.dtype != series.dtype:
        raise ValueError(f"a Series of dtype {series.dtype} is no plain array. Convert it.")
    return {"values": values, "index": series.index, "name": series.name}


@_kind(pd.Series, apart=_series_apart)
def _series(values: np.ndarray, index: pd.Index, name: Hashable):
    _check(values.ndim == 1, "a Series")  # pandas would repeat a scalar as often as an index says
    return pd.Series(values, index, name=name)


def _generator_apart(generator):
    _check(type(generator.bit_generator) is np.random.PCG64, "a Generator of anything but PCG64")
    return {"state": generator.bit_generator.state}


@_kind(np.random.Generator, apart=_generator_apart)
def _generator(state: dict):
    generator = np.random.Generator(np.random.PCG64(0))
    generator.bit_generator.state = state
    return generator


def _random_state_apart(random_state):
    state = random_state.get_state(legacy=False)
    _check(state["bit_generator"] == "MT19937", "a RandomState of anything but MT19937")
    return {"state": state}


@_kind(np.random.RandomState, apart=_random_state_apart)
def _random_state(state: dict):
    place = state["state"]["pos"]
    _check(0 <= place <= 624, "a RandomState")  # NumPy would read beyond its 624 numbers
    random_state = np.random.RandomState(0)
    random_state.set_state(state)
    return random_state


@_kind(RecurrentNetwork)
def _network(
    cell: str, n_in: int, n_hidden: int, n_out: int, n_layers: int, bidirectional: bool,
    residual: bool, head: str, n_horizons: int, n_head: int, parameters: np.ndarray,
):  # fmt: skip
    _check(cell in cells.NAMES and head == "last", "a network's cell or head")
    _check(parameters.dtype in (np.float32, np.float64), "a network's dtype")
    # Python's whole numbers, as NumPy's overflow; and nothing is allocated by their word.
    counts = [int(n) for n in (n_in, n_hidden, n_out, n_layers, n_horizons)]
    n_head = int(n_head)
    _check(all(1 <= n <= parameters.size for n in counts) and n_head >= 0, "a network's shape")
    network = RecurrentNetwork.__new__(RecurrentNetwork)
    network.cell, network.head, network.parameters = cell, head, parameters
    network.n_in, network.n_hidden, network.n_out, network.n_layers, network.n_horizons = counts
    network.bidirectional, network.residual = bool(bidirectional), bool(residual)
    network.n_head = n_head
    _check(parameters.shape == (head_places(network.sizes(1, 1))[-1],), "a network's size")
    return network


def _collection_apart(collection):
    """Axes in one index, end to end: thousands of series may have one each."""
    axes = list({id(axis): axis for axis in collection.axes}.values())
    places = {id(axis): place for place, axis in enumerate(axes)}
    indexes = [axis.index for axis in axes]
    if isinstance(indexes[0], pd.RangeIndex):
        numbers = np.concatenate([index.to_numpy(np.int64) for index in indexes])
        index = pd.Index(numbers, name=indexes[0].name)
    else:
        index = indexes[0].append(indexes[1:])
    if isinstance(index, pd.DatetimeIndex):
        index = pd.DatetimeIndex(index, freq=None)
    return {
        "values": collection.panel.values, "indptr": collection.panel.indptr,
        "ids": collection.ids, "form": collection.form, "index": index, "step": axes[0].step,
        "ends": np.cumsum([len(index) for index in indexes]),
        "have_freq": np.array([getattr(index, "freq", None) is not None for index in indexes]),
        "places": np.array([places[id(axis)] for axis in collection.axes]),
    }  # fmt: skip


@_kind(Collection, apart=_collection_apart)
def _collection(
    values: np.ndarray, indptr: np.ndarray, ids: list, index: pd.Index, step: BaseOffset | int,
    ends: np.ndarray, have_freq: np.ndarray, places: np.ndarray,
    form: OneSeries | Wide | Long | Levels | Foreign,
):  # fmt: skip
    _check(values.dtype == np.float64 and values.ndim == 1, "a panel")
    _check(indptr.dtype == places.dtype == ends.dtype == np.int64, "a panel")
    panel, axes = Panel(values, indptr), _axes(index, step, ends, have_freq)
    _check(panel.n_series >= 1 and len(ids) == panel.n_series == places.size, "ids")
    _check(places.min() >= 0 and places.max() < len(axes), "axes")
    axes = [axes[place] for place in places]
    _check(panel.lengths.tolist() == [len(axis.index) for axis in axes], "axes")
    _check(not isinstance(form, Wide) or len(form.columns) == len(ids), "a form")
    _check(not isinstance(form, OneSeries) or len(ids) == 1, "a form")
    return Collection(panel, ids, axes, form)


def _axes(index, step, ends, have_freq):
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    _check(is_time == isinstance(step, BaseOffset), "the step of an axis")
    _check(is_time or (index.dtype == np.int64 and step != 0), "an index of numbers")
    _check(not isinstance(index, pd.PeriodIndex) or index.freq == step, "the step of an axis")
    _check(not index.hasnans and have_freq.dtype == bool, "an index")
    bounds = [0, *ends.tolist()]
    _check((np.diff(bounds) > 0).all() and bounds[-1] == len(index), "ends of axes")
    axes = []
    for first, end, has_freq in zip(bounds[:-1], bounds[1:], have_freq, strict=True):
        own = entries(index[first:end], step)
        if has_freq and isinstance(own, pd.DatetimeIndex):
            own = pd.DatetimeIndex(own, freq=step)
        axes.append(TimeAxis(own, step))
    return axes


@_kind(OneSeries)
def _one_series(name: Hashable):
    return OneSeries(name)


@_kind(Wide)
def _wide(columns: pd.Index):
    return Wide(columns)


def _dtype_apart(dtype):
    name = str(dtype)
    if not _DTYPE_NAME.fullmatch(name) or pd.api.types.pandas_dtype(name) != dtype:
        raise ValueError(f"the dtype {name:.100} has no name that tells all of it. Convert it.")
    return {"name": name}


@_kind(None, "dtype", _dtype_apart)
def _dtype(name: str):
    _check(_DTYPE_NAME.fullmatch(name), "a dtype")
    dtype = pd.api.types.pandas_dtype(name)
    if isinstance(dtype, np.dtype) and dtype.kind not in "biufcMmO":
        _check(dtype.kind == "U", "a dtype")
        return np.dtype(object)  # pandas 2 takes the "str" of pandas 3 for NumPy's
    return dtype


@_kind(pd.CategoricalDtype)
def _categorical_dtype(categories: pd.Index, ordered: bool):
    return pd.CategoricalDtype(categories, bool(ordered))


@_kind(Long)
def _long(
    id_column: str, time_column: str, target_column: str, id_dtype: _Dtype, time_dtype: _Dtype,
):  # fmt: skip
    return Long(id_column, time_column, target_column, id_dtype, time_dtype)


@_kind(Levels)
def _levels(names: tuple, target: Hashable, is_frame: bool, id_dtype: _Dtype, time_dtype: _Dtype):
    _check(len(names) == 2, "a form")
    return Levels(names, target, bool(is_frame), id_dtype, time_dtype)


def _foreign_apart(form):
    return {
        "columns": [form.id_column, form.time_column, form.target_column],
        "dtypes": [_narwhals_dtype_apart(form.id_dtype), _narwhals_dtype_apart(form.time_dtype)],
        "library": form.library.name,
    }


@_kind(Foreign, apart=_foreign_apart)
def _foreign(columns: list, dtypes: list, library: str):
    import narwhals as nw

    _check(library in ("CUDF", "MODIN", "POLARS", "PYARROW"), "a library")
    _check(len(columns) == 3 and all(isinstance(each, str) for each in columns), "a form")
    id_dtype, time_dtype = (_narwhals_dtype(*parts) for parts in dtypes)
    return Foreign(*columns, id_dtype, time_dtype, nw.Implementation[library])


def _narwhals_dtype_apart(dtype):
    parts = [type(dtype).__name__]
    if parts == ["Datetime"]:
        parts += [dtype.time_unit, dtype.time_zone]
    if _narwhals_dtype(*parts) != dtype:
        raise ValueError(f"the dtype {dtype} cannot be told. Convert it.")
    return parts


def _narwhals_dtype(name, *parts):
    import narwhals as nw

    if name not in _NARWHALS:
        raise ValueError(f"the dtype {name!r:.40} is unknown. Convert it.")
    return getattr(nw, name)(*parts)


@_kind(Scaling)
def _scaling(log: bool, slope: np.ndarray, mean: np.ndarray, deviation: np.ndarray):
    parts = slope, mean, deviation
    _check(all(part.dtype == np.float64 and part.ndim == 1 for part in parts), "a scaling")
    _check(len({part.size for part in parts}) == 1, "a scaling")
    return Scaling(bool(log), *parts)


@_kind(ConformalWidths)
def _widths(n_windows: int, spread: np.ndarray, pool: np.ndarray):
    _check(n_windows >= 1 and pool.size and pool.ndim == 1, "widths")
    _check(pool.dtype == spread.dtype == np.float64, "widths")
    widths = ConformalWidths.__new__(ConformalWidths)
    widths.n_windows, widths.spread, widths.pool = n_windows, spread, pool
    return widths


@_kind(Moments)
def _moments(values: np.ndarray, steps: int):
    _check(0 <= steps < 2**53, "moments")
    moments = Moments.__new__(Moments)
    moments.values, moments.steps = values, int(steps)
    return moments


# Estimators


class _Estimator(NamedTuple):
    """An estimator: its class, the types of what fit sets, and what holds those together."""

    of: type
    always: dict
    sometimes: dict
    check: Callable[[RecurrentNetwork, dict], None]


def _check_forecaster(network, fitted):
    collection, widths = fitted["_collection"], fitted["_widths"]
    lookback, season = fitted["lookback_"], fitted["season_"]
    _check_curves(fitted)
    _check(fitted["transform_"] in (None, "log"), "transform_")
    _check(1 <= season <= lookback <= collection.panel.lengths.min(), "lookback_ or season_")
    _check(network.n_in == fitted["segment_"] <= lookback, "segment_")
    _check(fitted["_scaling_"].mean.size == collection.panel.n_series, "_scaling_")
    _check(fitted["_scaling_"].log == (fitted["transform_"] == "log"), "transform_")
    _check(("_recent" in fitted) == ("_passed" in fitted), "_recent")
    if "_recent" in fitted:
        recent, passed = fitted["_recent"], fitted["_passed"]
        _check(recent.ids == collection.ids, "_recent")
        _check(recent.panel.lengths.min() >= lookback, "_recent")
        _check(recent.axes[0].step == collection.axes[0].step, "_recent")
        _check(passed.dtype == np.int64 and passed.shape == (len(recent.ids),), "_passed")
    _check(widths is None or widths.spread.shape == (network.n_out,), "_widths")


def _check_regressor(network, fitted):
    _check_sequences(network, fitted)
    n, loss, quantiles = fitted["n_outputs_"], fitted["loss_"], fitted["quantiles_"]
    _check(n >= 1 and (n == 1 or not fitted["_flat"]), "n_outputs_")
    _check(loss in LOSSES and all(_is_a(each, float) for each in quantiles), "loss_ or quantiles_")
    _check(network.n_out == n_outputs(loss, int(n), quantiles), "loss_ or quantiles_")
    _check_scales(fitted["y_mean_"], fitted["y_scale_"], n)


def _check_classifier(network, fitted):
    _check_sequences(network, fitted)
    _check(fitted["classes_"].shape == (network.n_out,), "classes_")


def _check_sequences(network, fitted):
    _check_curves(fitted)
    n, missing = fitted["n_channels_in_"], fitted["missing_"]
    _check(missing in (None, "tell"), "missing_")
    _check(n >= 1 and network.n_in % (int(n) * (3 if missing else 1)) == 0, "n_channels_in_")
    _check_scales(fitted["X_mean_"], fitted["X_scale_"], n)
    _check(getattr(fitted.get("feature_names_in_"), "ndim", 1) == 1, "feature_names_in_")
    if "_moments" in fitted:
        values = fitted["_moments"].values
        _check(values.shape == (3, network.parameters.size), "_moments")
        _check(values.dtype == network.parameters.dtype and "_rng" in fitted, "_moments")


def _check_scales(mean, scale, n):
    _check(mean.dtype == scale.dtype == np.float64, "a scale")
    _check(mean.shape == scale.shape == (n,), "a scale")


def _check_curves(fitted):
    curves = [*fitted["loss_curve_"], *(fitted["validation_scores_"] or [])]
    _check(all(_is_a(each, float) for each in curves), "loss_curve_ or validation_scores_")


_TRAINED = {
    "network_": RecurrentNetwork,
    "loss_curve_": list,
    "validation_scores_": list | None,
    "n_iter_": int,
    "best_iter_": int,
}
_SEQUENCES = _TRAINED | {
    "missing_": str | None,
    "n_channels_in_": int,
    "X_mean_": np.ndarray,
    "X_scale_": np.ndarray,
}
_SEEN = {
    "n_features_in_": int,
    "feature_names_in_": np.ndarray,
    "_moments": Moments,
    "_rng": np.random.Generator,
}
_ESTIMATORS = {
    "RNNForecaster": _Estimator(
        RNNForecaster,
        _TRAINED
        | {
            "season_": int,
            "lookback_": int,
            "segment_": int,
            "transform_": str | None,
            "_widths": ConformalWidths | None,
            "_scaling_": Scaling,
            "_collection": Collection,
        },
        {"_recent": Collection, "_passed": np.ndarray},
        _check_forecaster,
    ),
    "RNNRegressor": _Estimator(
        RNNRegressor,
        _SEQUENCES
        | {
            "_flat": bool,
            "n_outputs_": int,
            "loss_": str,
            "quantiles_": tuple,
            "y_mean_": np.ndarray,
            "y_scale_": np.ndarray,
        },
        _SEEN,
        _check_regressor,
    ),
    "RNNClassifier": _Estimator(
        RNNClassifier,
        _SEQUENCES | {"classes_": np.ndarray},
        _SEEN | {"_classes_given": np.ndarray | None},
        _check_classifier,
    ),
}
