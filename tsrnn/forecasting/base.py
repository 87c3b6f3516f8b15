"""Base of the forecaster: its parameters' types, training settings and fitted attributes."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.data import Collection
from tsrnn.estimators.base import RecurrentEstimator
from tsrnn.forecasting.choices import chosen_rows
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.in_sample import fitted_values
from tsrnn.kernels.losses import find_loss
from tsrnn.network import Network
from tsrnn.training import Settings

_MAX_BATCHES = 200  # minibatches of an epoch with batches_per_epoch="auto"
# Minibatches in all with max_iter="auto": of epochs of all windows, of windows that are drawn anew
# for each, and of a network that has one series.
_BATCHES, _DRAWN_BATCHES, _LOCAL_BATCHES = 2000, 3000, 500


def length_of_training(parameters: Mapping[str, Any], n_all: int) -> tuple[int, int]:
    """Most epochs, and minibatches of an epoch, where all windows make ``n_all`` minibatches.

    Examples
    --------
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.forecasting.base import length_of_training
    >>> length_of_training(RNNForecaster().get_params(), 5000)
    (15, 200)
    """
    max_iter, most = parameters["max_iter"], parameters["batches_per_epoch"]
    is_local = parameters["scope"] == "local"
    if most == "auto":
        most = None if is_local else _MAX_BATCHES
    n_batches = n_all if most is None else min(most, n_all)
    if max_iter == "auto":
        total = _BATCHES if n_batches == n_all else _DRAWN_BATCHES
        total = _LOCAL_BATCHES if is_local else total
        max_iter = int(np.clip(total // n_batches, 10, 200))
    return max_iter, n_batches


class ForecasterBase(RecurrentEstimator):
    """Estimator with the parameters of RNNForecaster and a fitted state ``fitted_``."""

    is_part = False  # whether its series are some of a panel, the others being elsewhere
    fitted_: FittedForecaster  # after a fit by partitions, with scope="local", a LocalFit

    def _settings(self, n_windows: int, batch_size: int | None = None) -> Settings:
        """Training settings; epochs of a panel are of windows drawn anew, not of all."""
        settings = super()._settings(n_windows, batch_size)
        if self.recurrent_dropout == "auto":  # chosen by the series; none for updates
            settings = dataclasses.replace(settings, recurrent_dropout=0.0)
        n_all = -(-n_windows // settings.batch_size)
        max_iter, n_batches = length_of_training(self.get_params(deep=False), n_all)
        # As many as there are is no limit: there may be more windows in a refit.
        limit = n_batches if n_batches < n_all else None
        return dataclasses.replace(settings, max_iter=max_iter, n_batches=limit)

    def _sorted_quantiles(self) -> tuple[float, ...]:
        """Levels of a loss of quantiles, sorted; empty for other losses."""
        levels = tuple(sorted(self._loss_params()))
        return levels if find_loss(self.loss).takes_quantiles else ()

    def _chosen(self) -> dict[str, str]:
        return chosen_rows(self.fitted_)

    @property
    def history_(self) -> pd.Series:
        """The series of ``fit``, sorted, NaN where missing; of a panel with ids in the index.

        Series that came by updates are as they were first given.
        """
        check_is_fitted(self)
        history = self.fitted_.history
        return _joined(history, [pd.Series(*part, copy=True) for part in _by_series(history)])

    @property
    def recent_(self) -> pd.Series:
        """``history_`` and the updates after it, up to ``cutoff_``.

        Only the end of long updates is kept: it is then returned alone, so that there is no gap.
        """
        check_is_fitted(self)
        state = self.fitted_
        known = zip(_by_series(state.history), _by_series(state.recent), strict=True)
        parts: list[pd.Series] = []
        indexes: dict[tuple, pd.Index] = {}  # series of equal times share one
        for ((values, index), (new, later)), n in zip(known, state.n_elapsed, strict=True):
            if 0 < n <= len(index):
                key = id(index), id(later), n
                if key not in indexes:
                    indexes[key] = index[:n].append(later)
                new, later = np.concatenate([values[:n], new]), indexes[key]
            parts.append(pd.Series(new, later, copy=True))
        return _joined(state.history, parts)

    @property
    def fitted_values_(self) -> Any:
        """Forecasts one step ahead of each value of ``fit``, in the form that ``y`` had.

        NaN for the first ``lookback_`` values. Where the network reads covariates that are known in
        the future, the last ``n_ahead`` values are all forecast from the value before them.
        """
        check_is_fitted(self)
        return self.fitted_.history.within(self._fitted_values())

    @property
    def residuals_(self) -> Any:
        """The values of ``fit`` minus ``fitted_values_``, in the same form; NaN where missing.

        The networks were trained on these values: errors of a backtest are larger.
        """
        check_is_fitted(self)
        history = self.fitted_.history
        return history.within(history.targets - self._fitted_values())

    def _fitted_values(self) -> np.ndarray:
        return fitted_values(self.fitted_, self.device, self.n_jobs, self.lower)

    @property
    def cutoff_(self) -> Any:
        """The last known time stamp, after which forecasts begin; of a panel a Series by id."""
        check_is_fitted(self)
        recent = self.fitted_.recent
        stamps = recent.last_stamps
        return stamps[0] if recent.ids == [None] else pd.Series(stamps, recent.ids, name="cutoff")

    @property
    def networks_(self) -> list[list[Network]]:
        """(n_groups, n_members) networks; of "fine_tuned" ones the last group is for all series."""
        check_is_fitted(self)
        network, weights = self.fitted_.network, self.fitted_.weights
        return [[network.like(parameters) for parameters in group] for group in weights]

    @property
    def network_(self) -> Network:
        """The trained network, the first where there are several; or the pretrained one alone."""
        return self.fitted_.network

    @property
    def season_(self) -> int:
        """Steps of a season in use, 1 for none."""
        return self.fitted_.spec.season

    @property
    def seasons_(self) -> tuple[float, ...]:
        """All seasons in use, in steps, the shortest first; empty without any."""
        state = self.fitted_
        fourier = state.features.fourier if state.features else ()
        return tuple(sorted({state.spec.season, *state.scaling.seasons, *fourier} - {1}))

    @property
    def holidays_(self) -> tuple[str, ...]:
        """Names of the holidays of countries that have a channel of their own."""
        features = self.fitted_.features
        return features.countries.names if features and features.countries else ()

    @property
    def lookback_(self) -> int:
        """Past values that the network reads."""
        return self.fitted_.spec.lookback

    @property
    def segment_(self) -> int:
        """Values of a recurrent step."""
        return self.fitted_.spec.segment

    @property
    def transform_(self) -> str | None:
        """ "log" or None, as used."""
        return self.fitted_.transform

    @property
    def loss_(self) -> str:
        """The loss that the networks were fitted by."""
        return self.fitted_.spec.loss

    @property
    def quantiles_(self) -> tuple:
        """Sorted levels of the loss "quantile"; empty for other losses."""
        return self.fitted_.spec.quantiles


def _by_series(collection: Collection) -> list[tuple[np.ndarray, pd.Index]]:
    """Values, NaN where missing, and index of each series."""
    indptr, values = collection.panel.indptr, collection.targets
    return [
        (values[first:end], axis.index)
        for first, end, axis in zip(indptr[:-1], indptr[1:], collection.axes, strict=True)
    ]


def _joined(collection: Collection, parts: list[pd.Series]) -> pd.Series:
    """A lone series under its name, those of a panel end to end with ids in the index."""
    ids = collection.ids
    if len(ids) == 1:
        name = getattr(collection.form, "name", None) if ids[0] is None else ids[0]
        return parts[0].rename(name)
    return pd.concat(dict(zip(ids, parts, strict=True)))
