"""Estimators: their classes, what fit sets, and what holds those together."""

from __future__ import annotations

import numba
import numpy as np
import pandas as pd
import sklearn

import tsrnn.saving.parts  # noqa: F401, for its kinds
from tsrnn import __version__
from tsrnn.data import Collection
from tsrnn.data.covariates import Covariates
from tsrnn.estimators import RNNClassifier, RNNRegressor
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.features import Features
from tsrnn.forecasting.scaling import Scaling
from tsrnn.forecasting.uncertainty import ConformalWidths
from tsrnn.kernels.losses import LOSSES, find_loss
from tsrnn.saving.checks import check, is_a, known
from tsrnn.saving.detector import DETECTOR
from tsrnn.saving.fitted import TRAINED, Estimator, check_curves, parts_of, whole_of
from tsrnn.saving.thresholds import THRESHOLDS
from tsrnn.saving.values import apart, joined
from tsrnn.training import Moments


def estimator_apart(estimator):
    """An estimator as JSON has it, and its arrays."""
    name, arrays = type(estimator).__name__, []
    parameters, fitted = parts_of(ESTIMATORS[name], estimator)
    content = {
        "versions": {
            "tsrnn": __version__, "numpy": np.__version__, "numba": numba.__version__,
            "scikit-learn": sklearn.__version__, "pandas": pd.__version__,
        },
        "class": name,
        "parameters": {k: apart(v, f"parameter {k}", arrays) for k, v in parameters.items()},
        "fitted": {k: apart(v, f"attribute {k}", arrays) for k, v in fitted.items()},
    }  # fmt: skip
    return content, arrays


def estimator_joined(content, arrays):
    """The estimator that JSON and arrays tell of."""
    kind = known(ESTIMATORS, content["class"])
    parameters = {name: joined(node, arrays) for name, node in content["parameters"].items()}
    fitted = {name: joined(node, arrays) for name, node in content["fitted"].items()}
    check(not arrays, f"arrays {sorted(arrays)[:5]}, which nothing names,")
    return whole_of(kind, parameters, fitted)


def _check_forecaster(fitted):
    network, collection, widths = fitted["network_"], fitted["_collection"], fitted["_widths"]
    lookback, season = fitted["lookback_"], fitted["season_"]
    check_curves(fitted)
    check(fitted["transform_"] in (None, "log"), "transform_")
    check(1 <= season <= lookback <= collection.panel.lengths.min(), "lookback_ or season_")
    n_series, segment = collection.panel.n_series, fitted["segment_"]
    features = fitted.get("_features", Features())
    n_known = features.n_known
    n_each = 1 + features.n_channels + (1 + n_known if n_known else 0)
    check(segment <= lookback and network.n_in == segment * n_each, "segment_")
    _check_beside(collection, features)
    if "_features" in fitted:
        static = sum(column.n_channels for column in features.static)
        check(fitted["_static"].shape == (n_series, static), "_static")
        n_covariates = sum(c.n_channels for c in (*features.known, *features.past))
        kept = fitted["_kept"]
        check(kept is None or kept.frame.shape[1] == n_covariates, "_kept")
    loss, quantiles = fitted.get("loss_", "absolute_error"), fitted.get("quantiles_", ())
    check(loss in LOSSES and all(is_a(each, float) for each in quantiles), "loss_ or quantiles_")
    check(list(quantiles) == sorted(quantiles), "quantiles_")
    check(network.head == ("ahead" if n_known else "last"), "network_")
    n_out = network.n_out * (network.n_horizons if n_known else 1)
    n_ahead = n_out // find_loss(loss).n_outputs(1, quantiles)
    check(n_out == find_loss(loss).n_outputs(n_ahead, quantiles) and n_ahead >= 1, "network_")
    check(n_known == 0 or n_ahead == network.n_horizons * segment, "network_")
    if "_weights" in fitted:
        weights = fitted["_weights"]
        check(weights.dtype == network.parameters.dtype and weights.ndim == 3, "_weights")
        check(len(weights) in (1, n_series, n_series + 1), "_weights")
        check(weights.shape[2] == network.parameters.size and weights.shape[1] > 0, "_weights")
    check(fitted["_scaling_"].mean.size == n_series, "_scaling_")
    check(fitted["_scaling_"].log == (fitted["transform_"] == "log"), "transform_")
    check(("_recent" in fitted) == ("_passed" in fitted), "_recent")
    if "_recent" in fitted:
        recent, passed = fitted["_recent"], fitted["_passed"]
        check(recent.ids == collection.ids, "_recent")
        check(recent.panel.lengths.min() >= lookback, "_recent")
        check(recent.axes[0].step == collection.axes[0].step, "_recent")
        check(passed.dtype == np.int64 and passed.shape == (len(recent.ids),), "_passed")
        _check_beside(recent, features)
    check(widths is None or widths.spread.shape == (n_ahead,), "_widths")


def _check_beside(collection, features):
    n_channels = 0 if collection.beside is None else collection.beside.shape[1]
    check(n_channels == features.n_channels, "beside")


def _check_regressor(fitted):
    network = _check_sequences(fitted)
    n, loss, quantiles = fitted["n_outputs_"], fitted["loss_"], fitted["quantiles_"]
    check(n >= 1 and (n == 1 or not fitted["_flat"]), "n_outputs_")
    check(loss in LOSSES and all(is_a(each, float) for each in quantiles), "loss_ or quantiles_")
    check(network.n_out == find_loss(loss).n_outputs(int(n), quantiles), "loss_ or quantiles_")
    _check_scales(fitted["y_mean_"], fitted["y_scale_"], n)


def _check_classifier(fitted):
    network = _check_sequences(fitted)
    check(fitted["classes_"].shape == (network.n_out,), "classes_")


def _check_sequences(fitted):
    network = fitted["network_"]
    check(network.head == "last", "network_")
    check_curves(fitted)
    n, missing = fitted["n_channels_in_"], fitted["missing_"]
    check(missing in (None, "tell"), "missing_")
    check(n >= 1 and network.n_in % (int(n) * (3 if missing else 1)) == 0, "n_channels_in_")
    _check_scales(fitted["X_mean_"], fitted["X_scale_"], n)
    check(getattr(fitted.get("feature_names_in_"), "ndim", 1) == 1, "feature_names_in_")
    if "_moments" in fitted:
        values = fitted["_moments"].values
        check(values.shape == (3, network.parameters.size), "_moments")
        check(values.dtype == network.parameters.dtype and "_rng" in fitted, "_moments")
    return network


def _check_scales(mean, scale, n):
    check(mean.dtype == scale.dtype == np.float64, "a scale")
    check(mean.shape == scale.shape == (n,), "a scale")


_SEQUENCES = TRAINED | {
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
ESTIMATORS = {
    "RNNForecaster": Estimator(
        RNNForecaster,
        TRAINED
        | {
            "season_": int,
            "lookback_": int,
            "segment_": int,
            "transform_": str | None,
            "_widths": ConformalWidths | None,
            "_scaling_": Scaling,
            "_collection": Collection,
        },
        {
            "_recent": Collection,
            "_passed": np.ndarray,
            "_weights": np.ndarray,
            "_features": Features,
            "_static": np.ndarray,
            "_kept": Covariates | None,
            "loss_": str,
            "quantiles_": tuple,
        },
        _check_forecaster,
    ),
    "RNNRegressor": Estimator(
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
    "RNNClassifier": Estimator(
        RNNClassifier,
        _SEQUENCES | {"classes_": np.ndarray},
        _SEEN | {"_classes_given": np.ndarray | None},
        _check_classifier,
    ),
    "RNNAnomalyDetector": DETECTOR,
    **THRESHOLDS,
}
