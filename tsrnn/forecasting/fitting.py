"""Fitting a forecaster: from series that were read to the fitted state, and on from there."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from tsrnn.data import Collection, Covariates
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.choices import log_resolved, log_share, log_zero_shot
from tsrnn.forecasting.encoders import FeatureEncoder, later_rows
from tsrnn.forecasting.ensemble import Ensemble, WindowSpec
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.fitter import (
    Calibration,
    FitResult,
    Fitter,
    Split,
    fine_tuning_settings,
    fit_networks,
    splits_of,
)
from tsrnn.forecasting.more_series import MoreSeries, Preparation
from tsrnn.forecasting.predictor import (
    ForecastContext,
    held_out_errors,
    pretrained_outputs,
)
from tsrnn.forecasting.pretrained import Pretrained, forecast_one, load_pretrained
from tsrnn.forecasting.resolve import REFUSING, ResolvedParams, resolve, unless_auto
from tsrnn.forecasting.scaling import Scaling, scaling_of
from tsrnn.forecasting.seasons import Seasons
from tsrnn.forecasting.short import (
    TooShortError,
    padded_windows,
    with_padded_windows,
    without_short,
)
from tsrnn.forecasting.weights import weighted_splits, window_weights
from tsrnn.forecasting.zero_shot import (
    fine_tuner_of,
    may_be_zero_shot,
    prefers_zero_shot,
    pretrained_season,
    zero_shot,
)
from tsrnn.kernels.jit.elsewhere import compile_elsewhere
from tsrnn.kernels.losses import find_loss
from tsrnn.network import Network
from tsrnn.training import Budget, History, Settings


@dataclasses.dataclass(frozen=True)
class TrainingParts:
    """What an estimator makes of its parameters for training."""

    # makes one of random weights from ``rng``, ``hidden_size`` and its shape, by name
    network: Callable[..., Network]
    settings: Callable[[int, int], Settings]  # from the number of windows and the batch size
    quantiles: tuple  # sorted levels of the loss "quantile"; empty for other losses
    budget: Budget  # time that is left
    # from the number of epochs, what is told of the progress of the training with validation
    start_callbacks: Callable[[int], Callable[[float, History], None]]
    # more series than those in memory, which are a sample of them
    data: MoreSeries | None = None


def fit_series(
    forecaster: ForecasterBase,
    collection: Collection,
    covariates: Covariates | None,
    static: pd.DataFrame | None,
    parts: TrainingParts,
    weights: np.ndarray | None = None,
) -> tuple[FittedForecaster, History]:
    """Fit networks by a forecaster's parameters; also the history of their training.

    ``weights`` (n_values,) are those of observations in the loss.
    """
    seasons = Seasons.of(forecaster.season, collection.panel.lengths)
    if find_loss(forecaster.loss).is_positive:  # of whose values nothing is taken out
        fourier = (*map(float, seasons.profiles), *seasons.fourier)
        seasons = dataclasses.replace(seasons, profiles=(), fourier=fourier)
    features = _fit_features(forecaster, collection, covariates, static, seasons)
    if forecaster.max_iter == 0 and weights is not None:
        raise ValueError("sample_weight weights what is trained on: leave it out for max_iter=0.")
    prefers = weights is None and prefers_zero_shot(forecaster, collection, features)
    name = type(forecaster).__name__
    if forecaster.max_iter == 0 or prefers:
        has_epochs = forecaster.max_iter != 0
        log_zero_shot(name, "the panel's series are short" if has_epochs else "max_iter=0")
        return zero_shot(forecaster, collection, features, parts.budget)
    try:
        parameters = forecaster.get_params() | {"season": seasons.base}
        if parts.data and parts.data.least <= 0 and parameters["transform"] == "auto":
            parameters["transform"] = None
        resolved = resolve(collection, parameters, features.n_known > 0, forecaster.is_part)
    except TooShortError as error:
        is_open = weights is None and forecaster.short != "raise"
        if not (is_open and may_be_zero_shot(forecaster, features)):
            raise
        log_zero_shot(name, str(error))
        return zero_shot(forecaster, collection, features, parts.budget)
    log_resolved(name, forecaster.get_params(), resolved)
    refusing = REFUSING if forecaster.scope == "local" else ("raise",)
    is_skipped = forecaster.short in refusing and forecaster.errors == "skip"
    short = "drop" if is_skipped else forecaster.short
    kept = without_short(collection, resolved.is_short, short, resolved)
    if kept is not collection:
        numbers, lengths = np.flatnonzero(~resolved.is_short), collection.panel.lengths
        weights = None if weights is None else weights[np.repeat(~resolved.is_short, lengths)]
        collection, resolved = kept, resolved.of_series(numbers)
        features = _fit_features(forecaster, collection, covariates, static, seasons)
    spec = WindowSpec(
        lookback=resolved.lookback,
        season=resolved.season,
        segment=resolved.segment,
        n_ahead=resolved.n_ahead,
        n_channels=features.n_channels,
        n_known=features.n_known,
        loss=forecaster.loss,
        quantiles=parts.quantiles,
    )
    collection = collection.filled(spec.season)
    static_channels = features.encode_static(static, collection.ids)
    mask = forecaster.missing == "mask"
    collection, later = _with_channels(collection, features, covariates, static_channels, mask)
    panel, trend = collection.panel, resolved.trend and collection.panel.n_series == 1
    scaling = scaling_of(
        panel,
        spec.lookback,
        (spec.season, *seasons.profiles),
        resolved.transform,
        trend,
        resolved.n_held_out,
        loss=spec.loss,
    )
    pretrained = _pretrained(forecaster, collection, features)
    marks = features.observed
    context = FitContext(
        collection, scaling, spec, resolved, pretrained, marks, weights, features, seasons
    )
    network, result, pretrained = _fit_networks(forecaster, context, parts)
    network.parameters = result.weights[0, 0]
    share = result.calibration.share
    if pretrained and share is not None:
        pretrained = dataclasses.replace(pretrained, share=share) if share > 0 else None
    state = FittedForecaster(
        spec=spec,
        network=network,
        weights=result.weights,
        transform=resolved.transform,
        scaling=scaling,
        widths=result.calibration.widths,
        history=collection,
        recent=collection,
        n_elapsed=np.zeros(panel.n_series, np.int64),
        features=features if features.n_channels else None,
        static_channels=static_channels if features.n_channels else None,
        later_covariates=later,
        pretrained=pretrained,
    )
    if forecaster.pretrained is not None:
        log_share(name, state)
    return state, result.history


def resolved_parameters(
    forecaster: ForecasterBase,
    collection: Collection,
    covariates: Covariates | None,
    static: pd.DataFrame | None,
) -> dict[str, Any]:
    """A forecaster's parameters, with what they leave open chosen by these series."""
    parameters = forecaster.get_params(deep=False)
    seasons = Seasons.of(forecaster.season, collection.panel.lengths)
    features = _fit_features(forecaster, collection, covariates, static, seasons)
    resolved = resolve(
        collection, parameters | {"season": seasons.base}, features.n_known > 0, is_part=True
    )
    names = "transform", "lookback", "segment", "n_ahead", "hidden_size", "batch_size"
    chosen = {name: getattr(resolved, name) for name in (*names, "recurrent_dropout")}
    if forecaster.season == "auto":
        chosen["season"] = resolved.season
    return parameters | chosen


def _fit_features(forecaster, collection, covariates, static, seasons):
    """The encoder of all that is read with each value."""
    return FeatureEncoder.fit(
        collection,
        covariates,
        static,
        past=forecaster.past_covariates,
        calendar=forecaster.calendar,
        holidays=forecaster.holidays,
        fourier=seasons.fourier,
    )


def _with_channels(collection, features, covariates, static_channels, mask):
    """Series with their channels of covariates, and the encoded rows that follow, if any."""
    if not features.n_channels:
        return collection, None
    rows = [] if covariates is None else [features.encode(covariates)]
    channels = features.channels(collection, rows, static_channels, mask)
    collection = dataclasses.replace(collection, covariates=channels)
    later = later_rows(rows, collection.last_stamps, collection.ids) if rows else None
    return collection, later


def _pretrained(forecaster, collection, features):
    """The pretrained network with its share before errors tell, if it forecasts too.

    Shares are equal, but it has none where there are covariates, which it cannot read.
    """
    if forecaster.pretrained is None:
        return None
    compile_elsewhere("pretrained", forecast_one)
    season = pretrained_season(forecaster, collection)
    return Pretrained(load_pretrained(), season, 0.0 if features.has_covariates else 0.5)


@dataclasses.dataclass(frozen=True, eq=False)
class FitContext:
    """What networks are fitted to."""

    collection: Collection
    scaling: Scaling
    spec: WindowSpec
    resolved: ResolvedParams
    pretrained: Pretrained | None
    marks_observed: bool  # whether the last channel tells which values were observed
    weights: np.ndarray | None  # (n_values,) in the loss; None for 1
    features: FeatureEncoder
    seasons: Seasons


def _fit_networks(
    forecaster: ForecasterBase, fit: FitContext, parts: TrainingParts
) -> tuple[Network, FitResult, Pretrained | None]:
    """A network of the shape of all, the result of their training, and the pretrained network."""
    collection, scaling, spec, resolved = fit.collection, fit.scaling, fit.spec, fit.resolved
    panel, source = collection.panel, spec.series_source(collection, scaling)
    seed = check_random_state(forecaster.random_state).randint(2**31)

    def draw(member):
        rng = np.random.default_rng([seed, member] if member else seed)
        hidden_size = resolved.hidden_size
        return parts.network(rng=rng, hidden_size=hidden_size, **spec.network_shape()), rng

    def settings(n_windows):
        given = parts.settings(n_windows, resolved.batch_size)
        return dataclasses.replace(given, recurrent_dropout=resolved.recurrent_dropout)

    network, name = draw(0)[0], type(forecaster).__name__
    is_local = forecaster.scope == "local"
    splits, trained = splits_of(collection, spec, resolved.n_held_out, is_local), source
    weights = None
    if fit.weights is not None:
        weights = window_weights(fit.weights, spec.lookback, spec.n_ahead)
        trained = source._replace(weights=weights)
    if parts.data is not None:
        preparation = Preparation(
            spec,
            fit.features,
            resolved.transform,
            fit.seasons.profiles,
            forecaster.lower,
            forecaster.missing == "mask",
            forecaster.get_params(deep=False),
        )
        splits = [parts.data.split(preparation, splits[0], settings)]
    elif resolved.is_short.any() and not is_local and forecaster.short == "pad":
        trained, splits = _with_padding(fit, trained, splits[0])
    if weights is not None:
        splits = weighted_splits(splits, trained.weights)
    fitter = Fitter(
        trained,
        draw,
        forecaster.n_estimators,
        settings,
        name,
        forecaster.verbose,
        parts.start_callbacks,
    )
    fine_tuner = _fine_tuner(forecaster, fit, splits, seed)

    def calibrate(weights, windows):
        windows = windows[windows < panel.values.size]  # without those that are padded
        series = np.searchsorted(panel.indptr, windows, side="right") - 1
        ensemble = Ensemble(spec, network, weights, forecaster.device, forecaster.n_jobs)
        if fine_tuner is None:
            return Calibration(*held_out_errors(ensemble, source, windows, series))
        context = ForecastContext(collection, None, scaling, 0, np.zeros(panel.n_series, int))
        ends = windows - panel.indptr[series] + spec.lookback
        pretrained, n_jobs = fine_tuner.pretrained, forecaster.n_jobs
        outputs = pretrained_outputs(pretrained, context, series, ends, spec.n_ahead, n_jobs)
        share = pretrained.share
        return Calibration(*held_out_errors(ensemble, source, windows, series, outputs, share))

    series_fitter: Fitter | None = None
    series_splits: list[Split] = []
    if forecaster.scope == "fine_tuned":
        series_fitter = dataclasses.replace(
            fitter,
            settings=lambda n_windows: fine_tuning_settings(settings(n_windows)),
            name=f"{name} (each series)",
            start_callbacks=None,
        )
        series_splits = splits_of(collection, spec, resolved.n_held_out, True)
        if weights is not None:
            series_splits = weighted_splits(series_splits, weights)
        if forecaster.early_stopping:  # a series without validation keeps the network of all
            series_splits = [
                split if split.validation.size else Split(*[split.validation] * 3)
                for split in series_splits
            ]
    result = fit_networks(
        fitter,
        splits,
        calibrate,
        series_fitter=series_fitter,
        series_splits=series_splits,
        fine_tuner=fine_tuner,
        refit=forecaster.refit,
        budget=parts.budget,
    )
    if is_local and resolved.is_short.any():
        result.weights[resolved.is_short] = 0.0  # nothing was learnt: the naive forecast
    return network, result, fine_tuner and fine_tuner.pretrained


def _with_padding(fit, source, split):
    """A source with padded windows of short series, and the split that is trained on them too."""
    spec, collection = fit.spec, fit.collection
    series, ends = padded_windows(collection, spec.lookback, spec.n_ahead, spec.season)
    source, starts = with_padded_windows(
        source, collection, series, ends, spec.n_ahead, fit.marks_observed, fit.weights
    )
    training, whole = (np.concatenate([part, starts]) for part in (split.training, split.whole))
    return source, [Split(training, split.validation, whole)]


def _fine_tuner(forecaster, fit, splits, seed):
    """What fine-tunes the pretrained network, if there is one."""
    if fit.pretrained is None:
        return None
    panel, n_held_out = fit.collection.panel, fit.resolved.n_held_out
    windows = np.concatenate([split.validation for split in splits])
    if fit.spec.n_ahead < forecaster.horizon:  # windows are not of the whole horizon
        windows = windows[:0]
    series = np.searchsorted(panel.indptr, windows, side="right") - 1
    held_out = series, windows - panel.indptr[series] + fit.spec.lookback
    return fine_tuner_of(forecaster, fit.collection, fit.pretrained, n_held_out, held_out, seed)


def fit_new(
    forecaster: ForecasterBase,
    state: FittedForecaster,
    whole: Collection,
    n_known: np.ndarray,
    settings: Callable[[int, int], Settings],
) -> FittedForecaster:
    """Train for one epoch on the windows of ``whole`` that end after the ``n_known`` first values.

    KeyboardInterrupt after Ctrl-C, as not all windows were trained on.
    """
    spec, panel = state.spec, whole.panel
    windows = whole.windows(spec.lookback, spec.n_ahead)
    series = np.searchsorted(panel.indptr, windows, side="right") - 1
    ends = windows - panel.indptr[series] + spec.lookback + spec.n_ahead
    is_new = ends > n_known[series]
    windows, series = windows[is_new], series[is_new]
    source = spec.series_source(whole, state.scaling, state.n_elapsed)
    groups = state.groups_of(np.arange(panel.n_series))[series]
    weights = state.weights.copy()
    seed = check_random_state(forecaster.random_state).randint(2**31)
    default_size = 32 if len(weights) > 1 or panel.n_series == 1 else 64
    batch_size = unless_auto(forecaster.batch_size, default_size)

    def draw(member):
        return state.network.like(weights[0, member].copy()), np.random.default_rng(seed)

    def new_settings(n_windows):
        # A step from few windows is as long and less sure: the rate goes by the root of them.
        rate = forecaster.learning_rate_init * min(1.0, n_windows / batch_size) ** 0.5
        return dataclasses.replace(
            settings(n_windows, batch_size),
            max_iter=1,
            learning_rate="constant",
            learning_rate_init=rate,
        )

    groups_to_fit, empty = np.unique(groups), windows[:0]
    if groups_to_fit.size:
        splits = [Split(windows[groups == group], empty, empty) for group in groups_to_fit]
        n_members, verbose = weights.shape[1], forecaster.verbose
        fitter = Fitter(source, draw, n_members, new_settings, "partial_fit", verbose)
        weights[groups_to_fit], histories = fitter.fit(splits, weights[groups_to_fit])
        if any(history.interrupted for history in histories):
            raise KeyboardInterrupt("The new observations were not added: give them again.")
    return state.with_weights(weights)
