"""Schemas of the estimators, and their conversion to and from JSON and arrays."""

import numba
import numpy as np
import pandas as pd
import sklearn

import tsrnn.saving.labels
import tsrnn.saving.parts  # noqa: F401, both register codecs
from tsrnn import __version__
from tsrnn.estimators import RNNClassifier, RNNRegressor
from tsrnn.estimators.sequence_estimator import POOLING
from tsrnn.estimators.sequence_model import inputs_per_step
from tsrnn.kernels.losses import REGRESSION_LOSSES, find_loss
from tsrnn.saving.audio import AUDIO
from tsrnn.saving.checks import check, has_type, lookup
from tsrnn.saving.detector import DETECTOR
from tsrnn.saving.forecaster import FORECASTER
from tsrnn.saving.language_model import LANGUAGE_MODEL
from tsrnn.saving.partial_fit import (
    PARTIAL_FIT,
    check_partial_fit,
    join_partial_fit,
    split_partial_fit,
)
from tsrnn.saving.schema import (
    TRAINED,
    EstimatorSchema,
    build_estimator,
    check_curves,
    split_estimator,
)
from tsrnn.saving.thresholds import THRESHOLDS
from tsrnn.saving.tokenizer import TOKENIZER
from tsrnn.saving.translator import TRANSLATOR
from tsrnn.saving.values import decode, encode
from tsrnn.sequences import RNNTagger, RNNTranscriber
from tsrnn.sequences.audio import MFCC, LogMel


def encode_estimator(estimator):
    """The JSON content and the arrays of an estimator."""
    name, arrays = type(estimator).__name__, []
    parameters, fitted = split_estimator(ESTIMATORS[name], estimator)
    content = {
        "versions": {
            "tsrnn": __version__,
            "numpy": np.__version__,
            "numba": numba.__version__,
            "scikit-learn": sklearn.__version__,
            "pandas": pd.__version__,
        },
        "class": name,
        "parameters": {k: encode(v, f"parameter {k}", arrays) for k, v in parameters.items()},
        "fitted": {k: encode(v, f"attribute {k}", arrays) for k, v in fitted.items()},
    }
    return content, arrays


def decode_estimator(content, arrays):
    """The estimator of JSON content and arrays."""
    schema = lookup(ESTIMATORS, content["class"])
    parameters = {name: decode(node, arrays) for name, node in content["parameters"].items()}
    fitted = {name: decode(node, arrays) for name, node in content["fitted"].items()}
    check(not arrays, f"arrays {sorted(arrays)[:5]}, which nothing refers to,")
    return build_estimator(schema, parameters, fitted)


def _check_regressor(fitted):
    network = _check_sequences(fitted)
    n, loss, quantiles = fitted["n_outputs_"], fitted["loss_"], fitted["quantiles_"]
    check(n >= 1 and (n == 1 or not fitted["_flat"]), "n_outputs_")
    are_levels = all(has_type(level, float) for level in quantiles)
    check(loss in REGRESSION_LOSSES and are_levels, "loss_ or quantiles_")
    check(network.n_out == find_loss(loss).n_outputs(int(n), quantiles), "loss_ or quantiles_")
    _check_scales(fitted["y_mean_"], fitted["y_scale_"], n)


def _check_classifier(fitted):
    network = _check_sequences(fitted)
    check(fitted["classes_"].shape == (network.n_out,), "classes_")


def _check_tagger(fitted):
    network = _check_sequences(fitted, ["every"])
    check(fitted["classes_"].shape == (network.n_out,), "classes_")


def _check_transcriber(fitted):
    network, classes = _check_sequences(fitted, ["every"]), fitted["classes_"]
    check(classes.ndim == 1 and 1 <= classes.size == network.n_out - 1, "classes_")
    check(classes.dtype.kind == "U" or not fitted["_y_is_text"], "_y_is_text")
    if "features_" in fitted:
        check(hasattr(fitted["features_"], "rate_"), "features_")
        check(fitted["features_"].n_features_ == fitted["n_channels_in_"], "features_")


def _check_sequences(fitted, heads=None):
    network = fitted["network_"]
    check(network.head in (heads or POOLING.values()), "network_")
    check_curves(fitted)
    n, missing = fitted["n_channels_in_"], fitted["missing_"]
    check(missing in (None, "tell"), "missing_")
    check(1 <= n <= network.n_in, "n_channels_in_")
    per_step = inputs_per_step(1, int(n) - (network.n_tokens > 0), missing == "tell")
    n_numbers = network.n_in - network.n_embedding
    matches = n_numbers == per_step if network.n_tokens else n_numbers % per_step == 0
    check(matches and not network.tied, "n_channels_in_")
    _check_scales(fitted["X_mean_"], fitted["X_scale_"], n)
    check(getattr(fitted.get("feature_names_in_"), "ndim", 1) == 1, "feature_names_in_")
    check_partial_fit(fitted)
    return network


def _check_scales(mean, scale, n):
    check(mean.dtype == scale.dtype == np.float64, "a scale")
    check(mean.shape == scale.shape == (n,), "a scale")


# Names that attributes have in files.
_NAMES_IN_FILES = {"_y_is_1d": "_flat", "_declared_classes": "_classes_given"}
_NAMES_OF_PARTS = {name: attribute for attribute, name in _NAMES_IN_FILES.items()}


def _encode_sequences(fitted):
    """Parts of a regressor's or classifier's attributes; those of partial_fit are two."""
    return split_partial_fit(
        {_NAMES_IN_FILES.get(name, name): value for name, value in fitted.items()}
    )


def _decode_sequences(parts):
    """Attributes of a regressor or classifier, in the order of its parts."""
    fitted = join_partial_fit(parts)
    return {_NAMES_OF_PARTS.get(name, name): value for name, value in fitted.items()}


def _sequence_schema(cls, required, optional, check_parts):
    required, optional = _SEQUENCES | required, _SEQUENCES_OPTIONAL | optional
    attributes = {*_decode_sequences({**required, **optional})}
    return EstimatorSchema(
        cls, required, optional, check_parts, attributes, _encode_sequences, _decode_sequences
    )


_SEQUENCES = TRAINED | {
    "missing_": str | None,
    "n_channels_in_": int,
    "X_mean_": np.ndarray,
    "X_scale_": np.ndarray,
}
_SEQUENCES_OPTIONAL = {
    "n_features_in_": int,
    "feature_names_in_": np.ndarray,
    **PARTIAL_FIT,
}
ESTIMATORS = {
    "RNNForecaster": FORECASTER,
    "RNNRegressor": _sequence_schema(
        RNNRegressor,
        {
            "_flat": bool,
            "n_outputs_": int,
            "loss_": str,
            "quantiles_": tuple,
            "y_mean_": np.ndarray,
            "y_scale_": np.ndarray,
        },
        {},
        _check_regressor,
    ),
    "RNNClassifier": _sequence_schema(
        RNNClassifier,
        {"classes_": np.ndarray},
        {"_classes_given": np.ndarray | None},
        _check_classifier,
    ),
    "RNNTagger": _sequence_schema(
        RNNTagger,
        {"classes_": np.ndarray},
        {"_classes_given": np.ndarray | None},
        _check_tagger,
    ),
    "RNNTranscriber": _sequence_schema(
        RNNTranscriber,
        {"classes_": np.ndarray, "_y_is_text": bool},
        {"_classes_given": np.ndarray | None, "features_": LogMel | MFCC},
        _check_transcriber,
    ),
    "RNNAnomalyDetector": DETECTOR,
    "RNNLanguageModel": LANGUAGE_MODEL,
    "RNNTranslator": TRANSLATOR,
    "Tokenizer": TOKENIZER,
    **AUDIO,
    **THRESHOLDS,
}
