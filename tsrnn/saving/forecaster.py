"""Schema of RNNForecaster, with its fitted state as parts."""

import numpy as np

from tsrnn.data import Collection
from tsrnn.data.covariates import Covariates
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.encoders import FeatureEncoder
from tsrnn.forecasting.ensemble import WindowSpec
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.pretrained import (
    LEVELS,
    LONGEST_SEASON,
    TRUST,
    Pretrained,
    PretrainedNetwork,
)
from tsrnn.forecasting.scaling import Scaling
from tsrnn.forecasting.uncertainty import ConformalWidths
from tsrnn.kernels.losses import REGRESSION_LOSSES, find_loss
from tsrnn.kernels.simple_forecasts.inputs import N_INPUTS
from tsrnn.network import Network, RecurrentNetwork
from tsrnn.parameters import STEPS
from tsrnn.saving.checks import check, has_type
from tsrnn.saving.schema import TRAINED, EstimatorSchema, check_curves

_CURVES = "loss_curve_", "validation_scores_", "n_iter_", "best_iter_"


def _encode(attributes: dict) -> dict:
    """Parts of a fitted forecaster, in the order in which they are written."""
    state = attributes["fitted_"]
    spec = state.spec
    parts = {
        "transform_": state.transform,
        "season_": spec.season,
        "lookback_": spec.lookback,
        "segment_": spec.segment,
        "loss_": spec.loss,
        "quantiles_": spec.quantiles,
        "network_": state.network,
    }
    if state.is_zero_shot:
        parts |= {"_n_ahead": spec.n_ahead}
    if state.weights.shape[:2] != (1, 1):
        parts["_weights"] = state.weights
    parts |= {"_widths": state.widths, "_scaling_": state.scaling, "_collection": state.history}
    if state.features:
        parts |= {"_features": state.features, "_static": state.static_channels}
        parts["_kept"] = state.later_covariates
    parts |= {name: attributes[name] for name in _CURVES}
    if state.pretrained:
        parts |= {"_pretrained_season": state.pretrained.season, "_share": state.pretrained.share}
        parts |= {"_trust": state.pretrained.network.trust}
        if not state.is_zero_shot:
            parts |= {"_pretrained": state.pretrained.network.network}
    if state.recent is not state.history:
        parts |= {"_passed": state.n_elapsed, "_recent": state.recent}
    return parts


def _decode(parts: dict) -> dict:
    """Fitted attributes from checked parts."""
    network, features, history = parts["network_"], parts.get("_features"), parts["_collection"]
    loss, quantiles = _loss_of(parts)
    pretrained, n_ahead = _pretrained_of(parts), parts.get("_n_ahead")
    spec = WindowSpec(
        lookback=parts["lookback_"],
        season=parts["season_"],
        segment=parts["segment_"],
        n_ahead=n_ahead or _n_ahead(network, loss, quantiles),
        n_channels=features.n_channels if features else 0,
        n_known=features.n_known if features else 0,
        loss=loss,
        quantiles=quantiles,
    )
    state = FittedForecaster(
        spec=spec,
        network=network,
        weights=parts.get("_weights", network.parameters[None, None]),
        transform=parts["transform_"],
        scaling=parts["_scaling_"],
        widths=parts["_widths"],
        history=history,
        recent=parts.get("_recent", history),
        n_elapsed=parts.get("_passed", np.zeros(len(history.ids), np.int64)),
        features=features,
        static_channels=parts.get("_static"),
        later_covariates=parts.get("_kept"),
        pretrained=pretrained,
    )
    return {"fitted_": state} | {name: parts[name] for name in _CURVES}


def _pretrained_of(parts):
    """The pretrained network of a forecaster that has one."""
    if "_share" not in parts:
        return None
    network = parts.get("_pretrained", parts["network_"])
    network = PretrainedNetwork(network, parts.get("_trust", TRUST))
    return Pretrained(network, parts["_pretrained_season"], parts["_share"])


def _loss_of(parts):
    """Loss and quantiles; the first files have neither."""
    return parts.get("loss_", "absolute_error"), parts.get("quantiles_", ())


def _n_ahead(network, loss, quantiles):
    n_out = network.n_out * (network.n_horizons if network.head == "ahead" else 1)
    return n_out // find_loss(loss).n_outputs(1, quantiles)


def _check(parts):
    network, history, widths = parts["network_"], parts["_collection"], parts["_widths"]
    lookback, season = parts["lookback_"], parts["season_"]
    check_curves(parts)
    check(parts["transform_"] in (None, "log"), "transform_")
    is_alone = parts.get("_share") == 1
    lengths = history.panel.lengths
    check(lengths.min() >= 1, "_collection")
    check(season >= 1 and 1 <= lookback <= lengths.max(), "lookback_ or season_")
    check(season <= (LONGEST_SEASON if is_alone else lookback), "lookback_ or season_")
    features = parts.get("_features", FeatureEncoder())
    _check_channels(history, features)
    if "_features" in parts:
        _check_features(parts, features)
    loss, quantiles = _loss_of(parts)
    are_levels = all(has_type(level, float) for level in quantiles)
    check(loss in REGRESSION_LOSSES and are_levels, "loss_ or quantiles_")
    check(list(quantiles) == sorted(quantiles), "quantiles_")
    _check_pretrained(parts)
    if is_alone:
        n_ahead = parts.get("_n_ahead")
        check(STEPS.accepts(n_ahead), "_n_ahead")
        check(lookback == 1 and not features.n_channels, "lookback_ or _features")
        check("_weights" not in parts and widths is None, "_weights or _widths")
    else:
        check("_n_ahead" not in parts, "_n_ahead")
        loss_of = loss, quantiles
        n_ahead = _check_network(network, parts["segment_"], lookback, features, loss_of)
    n_series = history.panel.n_series
    if "_weights" in parts:
        weights = parts["_weights"]
        check(weights.dtype == network.parameters.dtype and weights.ndim == 3, "_weights")
        check(len(weights) in (1, n_series, n_series + 1), "_weights")
        check(weights.shape[2] == network.parameters.size and weights.shape[1] > 0, "_weights")
    check(parts["_scaling_"].mean.size == n_series, "_scaling_")
    check(parts["_scaling_"].log == (parts["transform_"] == "log"), "transform_")
    check(("_recent" in parts) == ("_passed" in parts), "_recent")
    if "_recent" in parts:
        recent, n_elapsed = parts["_recent"], parts["_passed"]
        check(recent.ids == history.ids, "_recent")
        check(recent.panel.lengths.min() >= 1, "_recent")
        check(recent.axes[0].step == history.axes[0].step, "_recent")
        check(n_elapsed.dtype == np.int64 and n_elapsed.shape == (len(recent.ids),), "_passed")
        _check_channels(recent, features)
    check(widths is None or widths.spread.shape == (n_ahead,), "_widths")


def _check_pretrained(parts):
    share, season = parts.get("_share"), parts.get("_pretrained_season")
    check((share is None) == (season is None), "_share")
    check(("_pretrained" in parts) == (share not in (None, 1)), "_pretrained")
    if share is None:
        check("_trust" not in parts, "_trust")
        return
    check(0 <= parts.get("_trust", TRUST) <= 1, "_trust")
    check(0 <= share <= 1 and 1 <= season <= LONGEST_SEASON, "_share or _pretrained_season")
    network = parts.get("_pretrained", parts["network_"])
    check(isinstance(network, RecurrentNetwork) and network.n_in == N_INPUTS, "_pretrained")
    check(network.head == "every" and network.n_out == len(LEVELS), "_pretrained")
    check(network.parameters.dtype == np.float32 and not network.n_tokens, "_pretrained")


def _check_network(network, segment, lookback, features, loss):
    """Check the shape of a network; return the steps that it forecasts at once."""
    n_known = features.n_known
    inputs_per_row = 1 + features.n_channels + (1 + n_known if n_known else 0)
    check(segment <= lookback and network.n_in == segment * inputs_per_row, "segment_")
    check(network.head == ("ahead" if n_known else "last"), "network_")
    n_ahead = _n_ahead(network, *loss)
    n_out = network.n_out * (network.n_horizons if n_known else 1)
    check(n_out == find_loss(loss[0]).n_outputs(n_ahead, loss[1]) and n_ahead >= 1, "network_")
    check(n_known == 0 or n_ahead == network.n_horizons * segment, "network_")
    return n_ahead


def _check_features(parts, features):
    static = sum(column.n_channels for column in features.static)
    check(parts["_static"].shape == (parts["_collection"].panel.n_series, static), "_static")
    n_covariates = sum(c.n_channels for c in (*features.known, *features.past))
    later = parts["_kept"]
    check(later is None or later.frame.shape[1] == n_covariates, "_kept")


def _check_channels(collection, features):
    n_channels = 0 if collection.covariates is None else collection.covariates.shape[1]
    check(n_channels == features.n_channels, "beside")


FORECASTER = EstimatorSchema(
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
        "_features": FeatureEncoder,
        "_static": np.ndarray,
        "_kept": Covariates | None,
        "loss_": str,
        "quantiles_": tuple,
        "_pretrained": Network,
        "_pretrained_season": int,
        "_share": float,
        "_trust": float,
        "_n_ahead": int,
    },
    _check,
    attributes={"fitted_", *_CURVES},
    encode=_encode,
    decode=_decode,
    fitted_attribute="fitted_",
    older={"pretrained": None},
)
