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
    joined,
    overwritten,
    slice_series,
    take_series,
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
        is_naive: bool = False,
    ) -> Predictor:
        """The networks with their interval widths, to forecast with, nothing below ``lower``.

        ``is_naive`` says whether series shorter than the lookback are forecast naively.
        """
        ensemble = Ensemble(self.spec, self.network, self.weights, device, n_jobs)
        return Predictor(ensemble, self.widths, conformal, self.pretrained, lower, is_naive)

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
        return self._context(collection, after, self.scaling, n_elapsed, groups)

    def _context(self, collection, after, scaling, n_elapsed, groups):
        marks = self.features is not None and self.features.observed
        return ForecastContext(collection, after, scaling, n_elapsed, groups, marks)

    def future_context(
        self,
        covariates: Covariates | None,
        horizon: int,
        mask: bool,
        ended_after: int | None = None,
    ) -> ForecastContext:
        """Context of the fitted series with the covariates of the horizon.

        Without those that have ended, see ``Collection.going_on``.
        """
        going_on = self.recent.going_on(ended_after)
        recent, after = take_series(self.recent, going_on), None
        encoded = self._encode(covariates, recent.ids, future=True)
        if self.features:
            after = self.features.after(recent, horizon, encoded + self._later(), mask)
        scaling, groups = self.scaling.of_series(going_on), self.groups_of(going_on)
        return self._context(recent, after, scaling, self.n_elapsed[going_on], groups)

    def other_context(
        self,
        series: Collection,
        covariates: Covariates | None,
        static: pd.DataFrame | None,
        horizon: int,
        mask: bool,
    ) -> ForecastContext:
        """Context of other series, by their own histories; ValueError if they do not fit."""
        self.check_other(series)
        groups = self._groups_of_labels(series.ids)
        series, rows = self.with_channels(series, covariates, static, mask)
        after = self.features.after(series, horizon, rows, mask) if self.features else None
        spec, fitted = self.spec, self.scaling
        seasons = spec.season, *fitted.seasons
        has_trend = bool(fitted.slope.any())
        scaling = scaling_of(
            series.panel, spec.lookback, seasons, self.transform, has_trend, loss=spec.loss
        )
        return self._context(series, after, scaling, 0, groups)

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
        new: Collection | None,
        covariates: Covariates | None,
        *,
        mask: bool,
        every: bool = False,
    ) -> tuple[Collection, Covariates | None]:
        """Fitted series joined with new observations, and the covariates that follow.

        New observations are of some series, of none, or with ``every`` of all of them.
        """
        rows, whole = self._encode(covariates, known.ids), known
        if self.features:
            rows += self._later()
        if new is not None:
            if self.features:  # refuse times that do not follow before covariates at them
                extended(dataclasses.replace(known, covariates=None), new, every=every)
            if self.features and self.static_channels is not None:
                places = {label: k for k, label in enumerate(known.ids)}
                static = self.static_channels[[places.get(label, 0) for label in new.ids]]
                channels = self.features.channels(new, rows, static, mask)
                new = dataclasses.replace(new, covariates=channels)
            whole = extended(known, new, every=every)
        whole = whole.filled(self.spec.season)
        n_elapsed = 0 if known is self.history else self.n_elapsed
        self.scaling.check_range(whole, n_elapsed)
        return whole, later_rows(rows, whole.last_stamps, whole.ids) if rows else None

    def corrected(self, new: Collection | None, covariates: Covariates | None) -> tuple:
        """``recent`` with observed values and covariates in place of its own, and what follows."""
        known, following = overwritten(self.recent, new) if new is not None else (self.recent, None)
        encoded = self._encode(covariates, known.ids)
        if self.features:
            channels = self.features.corrected(known, encoded)
            known = dataclasses.replace(known, covariates=channels)
        return known, following

    def with_series(
        self,
        added: Collection,
        covariates: Covariates | None,
        static: pd.DataFrame | None,
        mask: bool,
    ) -> FittedForecaster:
        """The state of more series, for the network of all; ValueError if there is none."""
        self._groups_of_labels(added.ids)
        added, _ = self.with_channels(added, covariates, static, mask)
        n, spec, weights = len(added.ids), self.spec, self.weights
        seasons, trend = (spec.season, *self.scaling.seasons), bool(self.scaling.slope.any())
        scaling = scaling_of(
            added.panel, spec.lookback, seasons, self.transform, trend, loss=spec.loss
        )
        if len(weights) > 1:  # those of all series come last
            weights = np.concatenate([weights, np.repeat(weights[-1:], n, axis=0)])
        static_channels = self.static_channels
        if self.features and static_channels is not None:
            more = self.features.encode_static(static, added.ids)
            static_channels = np.concatenate([static_channels, more])
        history = joined(self.history, added)
        return dataclasses.replace(
            self,
            weights=weights,
            scaling=self.scaling.joined(scaling),
            history=history,
            recent=history if self.recent is self.history else joined(self.recent, added),
            n_elapsed=np.concatenate([self.n_elapsed, np.zeros(n, np.int64)]),
            static_channels=static_channels,
        )

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

    def of_others(self, history: Collection) -> FittedForecaster:
        """The networks with the histories of other series in place of the fitted ones."""
        self.check_other(history)
        self._groups_of_labels(history.ids)
        seasons, trend = (self.spec.season, *self.scaling.seasons), bool(self.scaling.slope.any())
        scaling = scaling_of(
            history.panel, self.spec.lookback, seasons, self.transform, trend, loss=self.spec.loss
        )
        n_elapsed = np.zeros(len(history.ids), np.int64)
        return dataclasses.replace(
            self, scaling=scaling, history=history, recent=history, n_elapsed=n_elapsed
        )

    def without_history(self) -> FittedForecaster:
        """The state with what forecasts of other series read: of its own a few values.

        Of one network for all series a single one is kept.
        """
        numbers = np.arange(1 if len(self.weights) == 1 else len(self.history.ids))
        history = take_series(self.history, numbers)
        ends = history.panel.lengths
        history = slice_series(history, np.maximum(ends - _MIN_RECENT, 0), ends)
        static = self.static_channels
        return dataclasses.replace(
            self,
            scaling=self.scaling.of_series(numbers),
            history=history,
            recent=history,
            n_elapsed=np.zeros(len(numbers), np.int64),
            static_channels=None if static is None else static[numbers],
        )

    def with_weights(self, weights: np.ndarray) -> FittedForecaster:
        """The state with other weights."""
        network = self.network.like(weights[0, 0])
        return dataclasses.replace(self, network=network, weights=weights)

    def check_other(self, series: Collection) -> None:
        """Refuse series of another frequency, or whose logarithm there is not."""
        axis, fitted = series.axes[0], self.history.axes[0]
        if axis.step != fitted.step and not (
            isinstance(axis.step, int) and isinstance(fitted.step, int)
        ):
            raise DataError(
                f"has {format_step(axis.step, axis.index)}, and the forecaster was fitted on "
                f"{format_step(fitted.step, fitted.index)}",
                "Bring y to that, or fit on it.",
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
