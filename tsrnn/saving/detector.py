"""Schema of RNNAnomalyDetector, with the streams of its series as stacked arrays."""

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsrnn.anomaly import RNNAnomalyDetector
from tsrnn.anomaly.fitted import FittedNetworks
from tsrnn.anomaly.forecast_errors import ForecastErrors, ForecastState, ForecastStream
from tsrnn.anomaly.reconstruction import Reconstruction, ReconstructionStream
from tsrnn.anomaly.streaming import Stream
from tsrnn.anomaly.thresholds.base import Threshold
from tsrnn.network import RecurrentNetwork
from tsrnn.saving.checks import check, check_parts, has_type
from tsrnn.saving.labels import LABELS
from tsrnn.saving.parts import MAX_STEPS, decode_axes, encode_axes
from tsrnn.saving.schema import TRAINED, EstimatorSchema, check_curves

_MAX_SEASONS = 100
# Parts of a file that are fields of the fitted state.
_STATE_PARTS = {
    "_labels": "labels",
    "_means": "means",
    "_deviations": "deviations",
    "_reading": "model",
    "_networks": "networks",
    "_usual": "error_scale",
    "_usual_levels": "median_score",
    "_streams": "streams",
    "_constant": "constant",
    "_start_weights": "start_weights",
    "_step": "step",
    "_channels": "channels",
}
_ATTRIBUTES = {*TRAINED, "n_features_in_", "offset_", "seasons_", "threshold_", "fitted_"}
# Types of the parts of a file, in their order.
_TYPES = {
    "_labels": list,
    "_means": np.ndarray,
    "_deviations": np.ndarray,
    "seasons_": tuple,
    "_reading": ForecastErrors | Reconstruction,
    **{name: kind for name, kind in TRAINED.items() if name != "network_"},
    "_networks": np.ndarray,
    "network_": RecurrentNetwork,
    "_usual": np.ndarray,
    "_usual_levels": np.ndarray,
    "_streams": dict | None,
    "_step": BaseOffset | int,
    "_channels": list,
    "n_features_in_": int,
    "threshold_": Threshold,
    "offset_": float,
}
_OPTIONAL = {"_constant": np.ndarray, "_start_weights": np.ndarray | None}  # absent in older files
_STREAM = {
    "index": pd.Index,
    "ends": np.ndarray,
    "have_freq": np.ndarray,
    "n_after": np.ndarray,
    "level": np.ndarray,
    "keep": float,
}
_STREAM_OPTIONAL = {"channel_levels": np.ndarray}  # absent in older files
# Parts of streams of forecasts, by field of their state.
_FORECAST_FIELDS = {"said": "outputs", "seen": "values", "n_seen": "n_seen", "states": "states"}
_FORECASTS = dict.fromkeys(_FORECAST_FIELDS, np.ndarray)
_WINDOWS = {"window": np.ndarray}


def _encode(attributes):
    """Parts of a file: the weights of all networks but the first end to end, streams stacked."""
    state = attributes["fitted_"]
    parts = attributes | {part: getattr(state, name) for part, name in _STATE_PARTS.items()}
    first, *others = (network.parameters for network in state.networks)
    parts |= {
        "_labels": list(state.labels),
        "_networks": np.concatenate([first[:0], *others]),
        "_streams": None if state.streams is None else _encode_streams(state.streams),
    }
    return {name: parts[name] for name in _TYPES | _OPTIONAL}


def _encode_streams(streams):
    parts = encode_axes([stream.axis for stream in streams]) | {
        "n_after": np.array([stream.n_after for stream in streams]),
        "level": np.array([stream.level for stream in streams]),
        "keep": streams[0].decay,
        "channel_levels": np.stack([stream.channel_levels for stream in streams]),
    }
    if not isinstance(streams[0].errors, ForecastStream):
        return parts | {"window": np.stack([stream.errors.window for stream in streams])}
    states = [stream.errors.state() for stream in streams]
    return parts | {
        part: np.stack([np.asarray(getattr(state, field)) for state in states])
        for part, field in _FORECAST_FIELDS.items()
    }


def _check(parts):
    network, model, labels = parts["network_"], parts["_reading"], parts["_labels"]
    check_curves(parts)
    shape = {"n_horizons": 1} | model.shape()
    check(all(getattr(network, name) == value for name, value in shape.items()), "network_")
    check(not (network.bidirectional or network.n_head or network.n_heads), "network_")
    others, weights = parts["_networks"], network.parameters
    check(others.dtype == weights.dtype and others.ndim == 1, "_networks")
    n, n_channels = len(labels), model.n_channels
    check(n >= 1 and all(_is_label(label) for label in labels), "_labels")
    # A dict whose keys all collide is very slow.
    check(n - len(set(map(hash, labels))) <= 10, "_labels")
    check(len(set(labels)) == n and (None not in labels or n == 1), "_labels")
    check(parts["n_features_in_"] == len(parts["_channels"]) == n_channels, "n_features_in_")
    scales = (n, model.n_forecasts, n_channels)
    sizes = {"_means": (n, n_channels), "_deviations": (n, n_channels), "_usual_levels": (n,)}
    for name, size in (sizes | {"_usual": scales}).items():
        check(parts[name].dtype == np.float64 and parts[name].shape == size, name)
    check((parts["_deviations"] > 0).all() and (parts["_usual"] > 0).all(), "a deviation")
    check(not (parts["_usual_levels"] < 0).any(), "_usual_levels")
    constant, starts = parts.get("_constant"), parts.get("_start_weights")
    if constant is not None:
        check(constant.dtype == bool and constant.shape == (n, n_channels), "_constant")
    if starts is not None:
        check(starts.dtype == np.float64 and starts.ndim == 1, "_start_weights")
        check((starts >= 0).all() and (starts <= 1).all(), "_start_weights")
    seasons = parts["seasons_"]
    check(all(has_type(season, int) and season > 1 for season in seasons), "seasons_")
    check(len(seasons) <= _MAX_SEASONS, "seasons_")
    check(getattr(model, "seasons", seasons) == seasons, "seasons_")
    check(parts["_step"] != 0, "_step")
    check(parts["threshold_"].__sklearn_is_fitted__(), "threshold_")
    if parts["_streams"] is not None:
        _check_streams(parts["_streams"], parts)


def _is_label(label):
    if isinstance(label, tuple):
        return all(map(_is_label, label))
    return label is None or (isinstance(label, LABELS) and label == label)


def _check_streams(streams, parts):
    network, model, n = parts["network_"], parts["_reading"], len(parts["_labels"])
    if isinstance(model, ForecastErrors):
        check_parts(streams, _STREAM | _FORECASTS, _STREAM_OPTIONAL)
        n_others = parts["_networks"].size // network.parameters.size
        shapes = {
            "said": (n, model.leads[-1], network.n_out),
            "seen": (n, model.season, model.n_channels),
            "n_seen": (n,),
            "states": (n, 1 + n_others, network.state_width),
        }
    else:
        check_parts(streams, _STREAM | _WINDOWS, _STREAM_OPTIONAL)
        shapes = {"window": (n, model.lookback, model.n_channels)}
    if "channel_levels" in streams:
        shapes["channel_levels"] = (n, model.n_channels)
        check(not (streams["channel_levels"] < 0).any(), "channel_levels of streams")
    dtypes = {"n_after": np.int64, "n_seen": np.int64, "states": network.parameters.dtype}
    for name, shape in (shapes | {"level": (n,), "n_after": (n,)}).items():
        check(streams[name].shape == shape, f"{name} of streams")
        check(streams[name].dtype == dtypes.get(name, np.float64), f"{name} of streams")
    check(max(parts["seasons_"], default=1) <= MAX_STEPS, "seasons_")
    check(len(streams["ends"]) == n and streams["n_after"].min() >= 0, "streams")
    check(0 <= streams["keep"] < 1 and not (streams["level"] < 0).any(), "streams")


def _decode(parts):
    """Attributes of the estimator, from checked parts."""
    network, streams = parts["network_"], parts["_streams"]
    others = parts["_networks"].reshape(-1, network.parameters.size)
    parts = {"_constant": np.zeros(parts["_means"].shape, bool), "_start_weights": None} | parts
    fields = {name: parts[part] for part, name in _STATE_PARTS.items()} | {
        "labels": {label: k for k, label in enumerate(parts["_labels"])},
        "networks": [network, *(network.like(weights) for weights in others)],
        "seasons": parts["seasons_"],
        "streams": None,
    }
    state = FittedNetworks(**fields)
    if streams is not None:
        state = FittedNetworks(**fields | {"streams": _decode_streams(streams, state)})
    return {name: parts[name] for name in _ATTRIBUTES - {"fitted_"}} | {"fitted_": state}


def _decode_streams(parts, state):
    axes = decode_axes(parts["index"], state.step, parts["ends"], parts["have_freq"])
    levels = parts.get("channel_levels", [None] * len(axes))
    return [
        Stream(
            _decode_error_stream(parts, k, state),
            state.statistics(k),
            parts["keep"],
            float(parts["level"][k]),
            axis,
            state.seasons,
            int(parts["n_after"][k]),
            levels[k],
        )
        for k, axis in enumerate(axes)
    ]


def _decode_error_stream(parts, k, state):
    if isinstance(state.model, Reconstruction):
        return ReconstructionStream(state.model, state.networks, parts["window"][k])
    fields = {field: parts[part][k] for part, field in _FORECAST_FIELDS.items()}
    last = ForecastState(**fields | {"n_seen": int(fields["n_seen"])})
    return ForecastStream(state.model, state.networks, last)


DETECTOR = EstimatorSchema(
    RNNAnomalyDetector,
    _TYPES,
    _OPTIONAL,
    _check,
    attributes=_ATTRIBUTES,
    encode=_encode,
    decode=_decode,
    fitted_attribute="offset_",
)
