"""Forecasters without a network of their own: the pretrained one alone."""

import dataclasses

import numpy as np
from sklearn.utils import check_random_state

from tsrnn.data import Collection
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.encoders import FeatureEncoder
from tsrnn.forecasting.ensemble import WindowSpec
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.pretrained import (
    LONGEST_SEASON,
    FineTuner,
    Pretrained,
    TuningSeries,
    load_pretrained,
)
from tsrnn.forecasting.resolve import check_values
from tsrnn.forecasting.scaling import Scaling
from tsrnn.forecasting.seasonality import season_of
from tsrnn.forecasting.seasons import base_and_longer
from tsrnn.kernels.losses import find_loss
from tsrnn.training import Budget, History

_SHORT = 200  # values of the typical series of a panel: with fewer none is trained on
# Epochs of fine-tuning: alone it takes seconds, else about as long as a network of its own.
_N_EPOCHS_ALONE, _N_EPOCHS = 2, 4
# Parameters that say nothing of a network that is trained, or that are looked at by themselves.
_OF_ANY_NETWORK = {
    *("horizon", "season", "missing", "past_covariates", "calendar", "holidays", "conformal"),
    *("id_column", "time_column", "target_column", "n_jobs", "random_state", "verbose"),
    *("scope", "pretrained", "refit", "lower", "max_seconds", "max_memory", "short", "ended_after"),
}


def pretrained_season(forecaster: ForecasterBase, collection: Collection) -> int:
    """The season that the pretrained network takes: the parameter's shortest, or the index's."""
    season, _ = base_and_longer(forecaster.season)
    if season == "auto":
        return season_of(collection.axes[0].frequency)
    return min(season, LONGEST_SEASON)


def may_be_zero_shot(forecaster: ForecasterBase, features: FeatureEncoder) -> bool:
    """Whether the pretrained network may forecast alone where series are too short to train on."""
    is_open = forecaster.lookback is None and forecaster.scope == "global"
    return forecaster.pretrained is not None and is_open and not features.has_covariates


def prefers_zero_shot(
    forecaster: ForecasterBase, collection: Collection, features: FeatureEncoder
) -> bool:
    """Whether a panel is of series so short that a network of its own would not help.

    Unless a parameter of such a network, or of its training, is set: of M3's panels the pretrained
    network knows more alone.
    """
    panel, defaults = collection.panel, type(forecaster)().get_params()
    is_default = all(
        type(value) is type(defaults[name]) and value == defaults[name]
        for name, value in forecaster.get_params().items()
        if name not in _OF_ANY_NETWORK
    )
    is_short = panel.n_series > 1 and np.median(panel.lengths) < _SHORT
    return bool(is_default and is_short and may_be_zero_shot(forecaster, features))


def fine_tuner_of(
    forecaster: ForecasterBase,
    collection: Collection,
    pretrained: Pretrained,
    n_held_out: np.ndarray,
    held_out: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> FineTuner:
    """What fine-tunes the pretrained network on a panel; see its attributes."""
    panel, values = collection.panel, collection.panel.values
    shape = pretrained.season, forecaster.horizon
    series = TuningSeries(values, collection.targets, panel.indptr[:-1], panel.lengths, *shape)
    name = f"{type(forecaster).__name__} (pretrained network)"
    n_epochs = _N_EPOCHS_ALONE if pretrained.share == 1 else _N_EPOCHS
    computing = forecaster.n_jobs, forecaster.verbose
    return FineTuner(pretrained, series, n_held_out, held_out, seed, name, n_epochs, *computing)


def zero_shot(
    forecaster: ForecasterBase,
    collection: Collection,
    features: FeatureEncoder,
    budget: Budget,
) -> tuple[FittedForecaster, History]:
    """The state of a forecaster without a network of its own, and the history of fine-tuning.

    The pretrained network is fine-tuned where there are many series, unless ``max_iter=0``.

    Raises
    ------
    ValueError
        If the parameters or data need a network that was trained.
    """
    if forecaster.pretrained is None:
        raise ValueError(
            "max_iter=0 trains nothing, and with pretrained=None there is no network to forecast. "
            "Use pretrained='auto', or train with max_iter='auto'."
        )
    if features.has_covariates:
        raise ValueError(
            "max_iter=0 trains nothing, and the pretrained network reads no covariates, calendar, "
            "holidays or static values. Leave them out, or train with max_iter='auto'."
        )
    check_values(collection, forecaster.transform, forecaster.loss, forecaster.lower)
    season = pretrained_season(forecaster, collection)
    collection = collection.filled(season)
    panel, pretrained = collection.panel, Pretrained(load_pretrained(), season, 1.0)
    history = History()
    if forecaster.max_iter != 0 and forecaster.early_stopping:
        pretrained, history = _fine_tuned(forecaster, collection, pretrained, budget)
    network = pretrained.network.network
    spec = WindowSpec(lookback=1, season=season, segment=1, n_ahead=forecaster.horizon)
    if find_loss(forecaster.loss).is_positive:  # forecasts are whole, or not negative
        spec = dataclasses.replace(spec, loss=forecaster.loss)
    transform = "log" if forecaster.transform == "log" else None
    scaling = Scaling.of(panel, 1, transform == "log", np.zeros(panel.n_series))
    state = FittedForecaster(
        spec=spec,
        network=network,
        weights=network.parameters[None, None],
        transform=transform,
        scaling=scaling,
        widths=None,
        history=collection,
        recent=collection,
        n_elapsed=np.zeros(panel.n_series, np.int64),
        pretrained=pretrained,
    )
    return state, history


def _fine_tuned(forecaster, collection, pretrained, budget):
    """The pretrained network with what the last horizon of all series says of fine-tuning."""
    lengths, horizon = collection.panel.lengths, forecaster.horizon
    series = np.flatnonzero(lengths > horizon)
    held_out = series, lengths[series] - horizon
    seed = check_random_state(forecaster.random_state).randint(2**31)
    n_held_out = np.full_like(lengths, horizon)
    fine_tuner = fine_tuner_of(forecaster, collection, pretrained, n_held_out, held_out, seed)
    if budget.is_limited:
        fine_tuner.fit_into(budget.seconds_left / (2 if forecaster.refit else 1))
    fine_tuner.choose(budget.share(0.5) if forecaster.refit else budget)
    if forecaster.refit:
        fine_tuner.refit(budget)
    return fine_tuner.pretrained, fine_tuner.history
