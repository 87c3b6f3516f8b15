"""Estimators: their classes, what fit sets, and what holds those together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
import pandas as pd
import sklearn

import tsrnn.saving.parts  # noqa: F401, for its kinds
from tsrnn import __version__
from tsrnn.estimators import RNNClassifier, RNNRegressor
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.features import Features
from tsrnn.forecasting.scaling import Scaling
from tsrnn.forecasting.uncertainty import ConformalWidths
from tsrnn.kernels.losses import LOSSES, n_outputs
from tsrnn.network import RecurrentNetwork
from tsrnn.saving.checks import check, check_parts, is_a, known
from tsrnn.saving.values import apart, joined
from tsrnn.training import Moments
from tsrnn.windowing import Collection
from tsrnn.windowing.covariates import Covariates

# scikit-learn's, set by set_callbacks and set_fit_request: not of the fit.
_LEFT_OUT = {
    "_callback_fit_ctx", "_metadata_request", "_parent_callback_ctx", "_skl_callbacks",
    "_skl_callbacks_to_teardown",
}  # fmt: skip


def estimator_apart(estimator):
    """An estimator as JSON has it, and its arrays."""
    name, arrays = type(estimator).__name__, []
    parameters = estimator.get_params(deep=False)
    content = {
        "versions": {
            "tsrnn": __version__, "numpy": np.__version__, "numba": numba.__version__,
            "scikit-learn": sklearn.__version__, "pandas": pd.__version__,
        },
        "class": name,
        "parameters": {k: apart(v, f"parameter {k}", arrays) for k, v in parameters.items()},
        "fitted": {
            k: apart(v, f"attribute {k}", arrays)
            for k, v in _fitted(estimator, parameters, ESTIMATORS[name]).items()
        },
    }  # fmt: skip
    return content, arrays


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


def estimator_joined(content, arrays):
    """The estimator that JSON and arrays tell of."""
    kind = known(ESTIMATORS, content["class"])
    parameters = {name: joined(node, arrays) for name, node in content["parameters"].items()}
    fitted = {name: joined(node, arrays) for name, node in content["fitted"].items()}
    check(not arrays, f"arrays {sorted(arrays)[:5]}, which nothing names,")
    estimator = kind.of(**parameters)
    estimator._validate_params()
    if fitted:
        check_parts(fitted, kind.always, kind.sometimes)
        kind.check(fitted["network_"], fitted)
        vars(estimator).update(fitted)
    return estimator


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
    check((network.head == "ahead") == (n_known > 0), "network_")
    n_out = network.n_out * (network.n_horizons if n_known else 1)
    n_ahead = n_out // n_outputs(loss, 1, quantiles)
    check(n_out == n_outputs(loss, n_ahead, quantiles) and n_ahead >= 1, "network_")
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


def _check_regressor(network, fitted):
    _check_sequences(network, fitted)
    n, loss, quantiles = fitted["n_outputs_"], fitted["loss_"], fitted["quantiles_"]
    check(n >= 1 and (n == 1 or not fitted["_flat"]), "n_outputs_")
    check(loss in LOSSES and all(is_a(each, float) for each in quantiles), "loss_ or quantiles_")
    check(network.n_out == n_outputs(loss, int(n), quantiles), "loss_ or quantiles_")
    _check_scales(fitted["y_mean_"], fitted["y_scale_"], n)


def _check_classifier(network, fitted):
    _check_sequences(network, fitted)
    check(fitted["classes_"].shape == (network.n_out,), "classes_")


def _check_sequences(network, fitted):
    _check_curves(fitted)
    n, missing = fitted["n_channels_in_"], fitted["missing_"]
    check(missing in (None, "tell"), "missing_")
    check(n >= 1 and network.n_in % (int(n) * (3 if missing else 1)) == 0, "n_channels_in_")
    _check_scales(fitted["X_mean_"], fitted["X_scale_"], n)
    check(getattr(fitted.get("feature_names_in_"), "ndim", 1) == 1, "feature_names_in_")
    if "_moments" in fitted:
        values = fitted["_moments"].values
        check(values.shape == (3, network.parameters.size), "_moments")
        check(values.dtype == network.parameters.dtype and "_rng" in fitted, "_moments")


def _check_scales(mean, scale, n):
    check(mean.dtype == scale.dtype == np.float64, "a scale")
    check(mean.shape == scale.shape == (n,), "a scale")


def _check_curves(fitted):
    curves = [*fitted["loss_curve_"], *(fitted["validation_scores_"] or [])]
    check(all(is_a(each, float) for each in curves), "loss_curve_ or validation_scores_")


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
ESTIMATORS = {
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
