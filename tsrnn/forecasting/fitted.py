"""The fitted state of a forecaster, and what can be done with it alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from tsrnn.data import (
    Collection,
    Covariates,
    DataError,
    Location,
    affected,
    difference_of_types,
    extended,
    format_step,
    slice_series,
)
from tsrnn.forecasting.encoders import FeatureEncoder, later_rows
from tsrnn.forecasting.ensemble import Ensemble, WindowSpec
from tsrnn.forecasting.predictor import ForecastContext, Predictor
from tsrnn.forecasting.pretrained import Pretrained
from tsrnn.forecasting.resolve import check_values
from tsrnn.forecasting.scaling import Scaling, scaling_of
from tsrnn.forecasting.uncertainty import ConformalWidths
from tsrnn.network import Network

_MIN_RECENT = 4  # values kept of a series at least: they tell how its time stamps go on


@dataclasses.dataclass(frozen=True, eq=False)
class FittedForecaster:
    """All that fitting a forecaster made. An update makes another one."""

    spec: WindowSpec
    network: Network  # the first; all are of its shape
    # (n_groups, n_members, n_parameters): a group for all series or one for each, and after these
    # one for all where it was fine-tuned
    weights: np.ndarray
    transform: str | None  # "log" or None
    scaling: Scaling
    widths: ConformalWidths | None  # None where nothing was held out
    history: Collection  # series of the fit, with their channels of covariates
    # end of the series with updates, as much as forecasts read; at first ``history``
    recent: Collection
    n_elapsed: np.ndarray  # (n_series,) values before those in ``recent``
    features: FeatureEncoder | None = None  # None without covariates and calendars
    static_channels: np.ndarray | None = None  # (n_series, n)
    later_covariates: Covariates | None = None  # encoded rows after the end of the series
    pretrained: Pretrained | None = None  # the pretrained network, if it forecasts too

    @property
    def is_zero_shot(self) -> bool:
        """Whether all forecasts are the pretrained network's."""
        return self.pretrained is not None and self.pretrained.share == 1

    def check_trained(self) -> None:
        """ValueError if the forecaster has no network of its own."""
        if self.is_zero_shot:
            raise ValueError(
                "The forecaster is the pretrained network alone, and has no network of its own to "
                "look into or to train. Fit it on more history, with max_iter='auto'."
            )

    def ensemble(self, device: str = "cpu", n_jobs: int | None = None) -> Ensemble:
        """The networks, to run on a device; ValueError if none was trained."""
        self.check_trained()
        return Ensemble(self.spec, self.network, self.weights, device, n_jobs)

    def predictor(
        self,
        conformal: bool,
        device: str = "cpu",
        n_jobs: int | None = None,
        lower: float | None = None,
    ) -> Predictor:
        """The networks with their interval widths, to forecast with, nothing below ``lower``."""
        ensemble = Ensemble(self.spec, self.network, self.weights, device, n_jobs)
        return Predictor(ensemble, self.widths, conformal, self.pretrained, lower)

    def groups_of(self, series: np.ndarray) -> np.ndarray:
        """Group of networks for fitted series, by their numbers."""
        return series if len(self.weights) > 1 else np.zeros_like(series)

    def context(
        self,
        collection: Collection,
        after: np.ndarray | None = None,
        n_elapsed: np.ndarray | int = 0,
    ) -> ForecastContext:
        """Context of the fitted series, which may be longer than in the fit."""
        groups = self.groups_of(np.arange(len(collection.ids)))
        return ForecastContext(collection, after, self.scaling, n_elapsed, groups)

    def future_context(
        self, covariates: Covariates | None, horizon: int, mask: bool
    ) -> ForecastContext:
        """Context of the fitted series with the covariates of the horizon."""
        encoded, after = self._encode(covariates, self.recent.ids, future=True), None
        if self.features:
            after = self.features.after(self.recent, horizon, encoded + self._later(), mask)
        return self.context(self.recent, after, self.n_elapsed)

    def other_context(
        self,
        series: Collection,
        covariates: Covariates | None,
        static: pd.DataFrame | None,
        horizon: int,
        mask: bool,
    ) -> ForecastContext:
        """Context of other series, by their own histories; ValueError if they do not fit."""
        self._check_other(series)
        groups = self._groups_of_labels(series.ids)
        series, rows = self.with_channels(series, covariates, static, mask)
        after = self.features.after(series, horizon, rows, mask) if self.features else None
        spec, fitted = self.spec, self.scaling
        seasons = spec.season, *fitted.seasons
        has_trend = bool(fitted.slope.any())
        scaling = scaling_of(
            series.panel, spec.lookback, seasons, self.transform, has_trend, loss=spec.loss
        )
        return ForecastContext(series, after, scaling, 0, groups)

    def with_channels(
        self,
        series: Collection,
        covariates: Covariates | None,
        static: pd.DataFrame | None,
        mask: bool,
    ) -> tuple[Collection, list[Covariates]]:
        """Series with their channels of covariates, and all encoded rows of covariates."""
        series = series.filled(self.spec.season)
        encoded = self._encode(covariates, series.ids)
        if not self.features:
            return series, []
        rows = encoded + self._later()
        static_channels = self.features.encode_static(static, series.ids)
        channels = self.features.channels(series, rows, static_channels, mask)
        return dataclasses.replace(series, covariates=channels), rows

    def continued(
        self,
        known: Collection,
        new: Collection,
        covariates: Covariates | None,
        *,
        mask: bool,
        every: bool = False,
    ) -> tuple[Collection, Covariates | None]:
        """Fitted series joined with new observations, and the covariates that follow.

        New observations are of some series, or with ``every`` of all of them.
        """
        encoded, rows = self._encode(covariates, known.ids), None
        if self.features and self.static_channels is not None:
            rows = encoded + self._later()
            places = {label: k for k, label in enumerate(known.ids)}
            static = self.static_channels[[places.get(label, 0) for label in new.ids]]
            channels = self.features.channels(new, rows, static, mask)
            new = dataclasses.replace(new, covariates=channels)
        whole = extended(known, new, every=every).filled(self.spec.season)
        n_elapsed = 0 if known is self.history else self.n_elapsed
        self.scaling.check_range(whole, n_elapsed)
        return whole, later_rows(rows, whole.last_stamps, whole.ids) if rows else None

    def advanced(self, whole: Collection, later: Covariates | None) -> FittedForecaster:
        """The state after new observations: ``whole`` and ``later`` as from ``continued``."""
        lengths = whole.panel.lengths
        n_recent = max(self.spec.lookback + self.spec.n_ahead, _MIN_RECENT)
        if self.pretrained:
            n_recent = max(n_recent, self.pretrained.n_read)
        firsts = np.maximum(lengths - n_recent, 0)
        return dataclasses.replace(
            self,
            recent=slice_series(whole, firsts, lengths),
            n_elapsed=self.n_elapsed + firsts,
            later_covariates=self.later_covariates if later is None else later,
        )

    def with_weights(self, weights: np.ndarray) -> FittedForecaster:
        """The state with other weights."""
        network = self.network.like(weights[0, 0])
        return dataclasses.replace(self, network=network, weights=weights)

    def _check_other(self, series):
        axis, fitted = series.axes[0], self.history.axes[0]
        if axis.step != fitted.step and not (
            isinstance(axis.step, int) and isinstance(fitted.step, int)
        ):
            raise DataError(
                f"has {format_step(axis.step, axis.index)}, and the forecaster was fitted on "
                f"{format_step(fitted.step, fitted.index)}",
                "Bring y to that, or fit on it.",
            )
        lookback = self.spec.lookback
        shortest = int(np.argmin(series.panel.lengths))
        n_values, label = series.panel.lengths[shortest], series.ids[shortest]
        short = np.flatnonzero(series.panel.lengths < lookback)
        if n_values < lookback:
            raise Location(series=label).error(
                f"has {n_values} observations, and the network reads lookback={lookback} of them"
                f"{affected([series.ids[k] for k in short])}",
                "Give more history, or leave it out.",
            )
        check_values(series, self.transform, self.spec.loss)

    def _groups_of_labels(self, labels):
        """Group of networks for series that may not have been fitted, by their labels."""
        n_groups, fitted = len(self.weights), self.history.ids
        if n_groups == 1:
            return np.zeros(len(labels), int)
        places = {label: k for k, label in enumerate(fitted)}
        groups = np.array([places.get(label, len(fitted)) for label in labels])
        if groups.max() >= n_groups:
            unseen = [labels[k] for k in np.flatnonzero(groups >= n_groups)]
            raise Location(series=unseen[0]).error(
                "was not fitted, and with scope='local' each series has a network of its own"
                f"{affected(unseen)}",
                difference_of_types(unseen, fitted)
                or "Fit it too, or use scope='global' or 'fine_tuned'.",
            )
        return groups

    def _encode(self, covariates, ids, future=False):
        """Encoded covariates, in a list that is empty without any."""
        if covariates is None:
            return []
        features = self.features
        if not features or not (features.known or features.past):
            raise Location("X").error(
                "was given, and the forecaster was fitted without", "Leave it out."
            )
        return [features.encode(covariates.of(ids), future=future)]

    def _later(self):
        return [] if self.later_covariates is None else [self.later_covariates]
