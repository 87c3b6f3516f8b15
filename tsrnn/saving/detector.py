"""Schema of RNNAnomalyDetector, with the streams of its series as stacked arrays."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsrnn.anomaly import RNNAnomalyDetector
from tsrnn.anomaly.forecast_errors import ForecastErrors, ForecastStream
from tsrnn.anomaly.reconstruction import Reconstruction, ReconstructionStream
from tsrnn.anomaly.streaming import Stream
from tsrnn.anomaly.thresholds.base import Threshold
from tsrnn.network import Memory
from tsrnn.saving.checks import check, check_parts, has_type
from tsrnn.saving.parts import MAX_STEPS, decode_axes, encode_axes
from tsrnn.saving.schema import TRAINED, EstimatorSchema, check_curves
from tsrnn.saving.values import is_key

_MAX_SEASONS = 100
_UNCHANGED = TRAINED | {
    "n_features_in_": int,
    "offset_": float,
    "seasons_": tuple,
    "threshold_": Threshold,
    "_channels": list,
    "_deviations": np.ndarray,
    "_usual_levels": np.ndarray,
    "_means": np.ndarray,
    "_reading": ForecastErrors | Reconstruction,
    "_step": BaseOffset | int,
    "_usual": np.ndarray,
}
_ENCODED = {
    "_labels": list,
    "_networks": np.ndarray,
    "_streams": dict | None,
}
_STREAM = {
    "index": pd.Index,
    "ends": np.ndarray,
    "have_freq": np.ndarray,
    "n_after": np.ndarray,
    "level": np.ndarray,
    "keep": float,
}
_FORECASTS = {"said": np.ndarray, "seen": np.ndarray, "n_seen": np.ndarray, "states": np.ndarray}
_WINDOWS = {"window": np.ndarray}


def _encode(fitted):
    """Parts: the weights of all networks but the first concatenated, and the labels in order."""
    first, *others = (network.parameters for network in fitted["_networks"])
    streams = fitted["_streams"]
    return fitted | {
        "_labels": list(fitted["_labels"]),
        "_networks": np.concatenate([first[:0], *others]),
        "_streams": None if streams is None else _encode_streams(streams),
    }


def _encode_streams(streams):
    error_streams = [stream.errors for stream in streams]
    names = _FORECASTS if isinstance(error_streams[0], ForecastStream) else _WINDOWS
    parts = encode_axes([stream.axis for stream in streams]) | {
        "n_after": np.array([stream.n_after for stream in streams]),
        "level": np.array([stream.level for stream in streams]),
        "keep": streams[0].keep,
    }
    return parts | {
        name: np.stack([_state(stream, name) for stream in error_streams]) for name in names
    }


def _state(error_stream, name):
    if name == "states":
        return np.concatenate([memory.states for memory in error_stream.memories])
    return np.asarray(getattr(error_stream, name))


def _check(parts):
    network, reading, labels = parts["network_"], parts["_reading"], parts["_labels"]
    check_curves(parts)
    shape = {"n_horizons": 1} | reading.shape()
    check(all(getattr(network, name) == value for name, value in shape.items()), "network_")
    check(not (network.bidirectional or network.n_head or network.n_heads), "network_")
    others, weights = parts["_networks"], network.parameters
    check(others.dtype == weights.dtype and others.ndim == 1, "_networks")
    n, n_channels = len(labels), reading.n_channels
    check(n >= 1 and all(_is_label(label) for label in labels), "_labels")
    check(len(set(labels)) == n and (None not in labels or n == 1), "_labels")
    check(parts["n_features_in_"] == len(parts["_channels"]) == n_channels, "n_features_in_")
    usual = (n, reading.n_forecasts, n_channels)
    sizes = {"_means": (n, n_channels), "_deviations": (n, n_channels), "_usual_levels": (n,)}
    for name, size in (sizes | {"_usual": usual}).items():
        check(parts[name].dtype == np.float64 and parts[name].shape == size, name)
    check((parts["_deviations"] > 0).all() and (parts["_usual"] > 0).all(), "a deviation")
    check(not (parts["_usual_levels"] < 0).any(), "_usual_levels")
    seasons = parts["seasons_"]
    check(all(has_type(season, int) and season > 1 for season in seasons), "seasons_")
    check(len(seasons) <= _MAX_SEASONS, "seasons_")
    check(getattr(reading, "seasons", seasons) == seasons, "seasons_")
    check(parts["_step"] != 0, "_step")
    check(parts["threshold_"].__sklearn_is_fitted__(), "threshold_")
    if parts["_streams"] is not None:
        _check_streams(parts["_streams"], parts)


def _is_label(label):
    return label is None or isinstance(label, datetime.date) or (is_key(label) and label == label)


def _check_streams(streams, parts):
    network, reading, n = parts["network_"], parts["_reading"], len(parts["_labels"])
    if isinstance(reading, ForecastErrors):
        check_parts(streams, _STREAM | _FORECASTS)
        n_others = parts["_networks"].size // network.parameters.size
        shapes = {
            "said": (n, reading.leads[-1], network.n_out),
            "seen": (n, reading.season, reading.n_channels),
            "n_seen": (n,),
            "states": (n, 1 + n_others, network.state_width),
        }
    else:
        check_parts(streams, _STREAM | _WINDOWS)
        shapes = {"window": (n, reading.lookback, reading.n_channels)}
    dtypes = {"n_after": np.int64, "n_seen": np.int64, "states": network.parameters.dtype}
    for name, shape in (shapes | {"level": (n,), "n_after": (n,)}).items():
        check(streams[name].shape == shape, f"{name} of streams")
        check(streams[name].dtype == dtypes.get(name, np.float64), f"{name} of streams")
    check(max(parts["seasons_"], default=1) <= MAX_STEPS, "seasons_")
    check(len(streams["ends"]) == n and streams["n_after"].min() >= 0, "streams")
    check(0 <= streams["keep"] < 1 and not (streams["level"] < 0).any(), "streams")


def _decode(parts):
    network, streams = parts["network_"], parts["_streams"]
    others = parts["_networks"].reshape(-1, network.parameters.size)
    networks = [network, *(network.like(weights) for weights in others)]
    fitted = parts | {
        "_networks": networks,
        "_labels": {label: k for k, label in enumerate(parts["_labels"])},
    }
    if streams is not None:
        fitted["_streams"] = _decode_streams(streams, fitted)
    return fitted


def _decode_streams(parts, fitted):
    streams = []
    axes = decode_axes(parts["index"], fitted["_step"], parts["ends"], parts["have_freq"])
    for k, axis in enumerate(axes):
        stream = Stream(
            _decode_error_stream(parts, k, fitted),
            fitted["_usual"][k],
            fitted["_means"][k],
            fitted["_deviations"][k],
            1,
            float(parts["level"][k]),
            axis,
            fitted["seasons_"],
            int(parts["n_after"][k]),
        )
        stream.keep = parts["keep"]
        streams.append(stream)
    return streams


def _decode_error_stream(parts, k, fitted):
    reading, networks = fitted["_reading"], fitted["_networks"]
    if isinstance(reading, Reconstruction):
        return ReconstructionStream(reading, networks, parts["window"][k])
    memories = [
        Memory(network, states=states[None])
        for network, states in zip(networks, parts["states"][k], strict=True)
    ]
    empty = np.empty((0, reading.n_channels)), np.empty((0, networks[0].n_out))
    stream = ForecastStream(reading, memories, *empty)
    stream.said, stream.seen = parts["said"][k], parts["seen"][k]
    stream.n_seen = int(parts["n_seen"][k])
    return stream


DETECTOR = EstimatorSchema(
    RNNAnomalyDetector,
    _UNCHANGED | _ENCODED,
    {},
    _check,
    encode=_encode,
    decode=_decode,
    fitted_attribute="offset_",
)
