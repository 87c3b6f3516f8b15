"""Fitted state of detectors: what they keep of the series that they were fitted to."""

import dataclasses
from collections.abc import Hashable
from typing import Any, Self

import numpy as np

from tsrnn.anomaly.forecast_errors import Evaluation, ForecastErrors
from tsrnn.anomaly.reconstruction import Reconstruction
from tsrnn.anomaly.results import SeriesScores
from tsrnn.anomaly.scores import (
    channel_scores,
    decay_of,
    error_scale_of,
    last_smoothed,
    mean_over_channels,
    point_scores,
    smoothed,
)
from tsrnn.anomaly.seasonality import seasonal_features
from tsrnn.anomaly.streaming import SeriesStatistics, Stream
from tsrnn.data import (
    ChannelPanel,
    ChannelSeries,
    DataError,
    Location,
    TimeAxis,
    affected,
    difference_of_types,
    format_step,
    listed,
)
from tsrnn.network import RecurrentNetwork


@dataclasses.dataclass(frozen=True, eq=False)
class FittedSeries:
    """Labels, scaling and time step of the fitted series."""

    labels: dict[Hashable, int]  # position of each series; {None: 0} for a single one
    means: np.ndarray  # (n_series, n_channels) float64
    deviations: np.ndarray  # standard deviations, (n_series, n_channels); 1 for constant channels
    channels: list  # names
    step: Any  # time step, a pandas offset or int

    @classmethod
    def of(cls, panel: ChannelPanel) -> Self:
        """The statistics of series."""
        labels = {series.label: k for k, series in enumerate(panel)}
        means = np.array([np.nanmean(series.values, axis=0) for series in panel])
        deviations = np.array([np.nanstd(series.values, axis=0) for series in panel])
        deviations = np.where(deviations > 0, deviations, 1.0)
        return cls(labels, means, deviations, panel.channels, panel.all_series[0].axis.step)

    def position(self, series: ChannelSeries) -> int:
        """Position of a series among those fitted."""
        return self.labels[series.label]

    def scaled(self, series: ChannelSeries) -> np.ndarray:
        """Values of a series standardised by the fitted mean and deviation."""
        k = self.position(series)
        return (series.values - self.means[k]) / self.deviations[k]

    def unscaled(self, series: ChannelSeries, z: np.ndarray) -> np.ndarray:
        """Standardised values in the unit of the series."""
        k = self.position(series)
        return z * self.deviations[k] + self.means[k]

    def inputs(
        self, series: ChannelSeries, seasons: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Standardised values and seasonal features of a series."""
        features = seasonal_features(series.axis.index, series.axis.step, seasons)
        return self.scaled(series), features

    def matched(self, panel: ChannelPanel) -> ChannelPanel:
        """Series with the labels of those fitted, where a single one can only be meant so."""
        labels = list(self.labels)
        if panel.ids == labels or [None] not in (panel.ids, labels):
            return panel
        name = panel.channels[0] if len(panel.channels) == 1 else None
        if panel.ids == [None] and name in self.labels:
            return dataclasses.replace(panel, ids=[name], id_name="series")
        if len(panel.ids) == len(labels) == 1 and not panel.is_array:
            return dataclasses.replace(panel, ids=labels, id_name=panel.id_name or "series")
        return panel

    def check(self, panel: ChannelPanel) -> None:
        """Raise DataError for series with other channels, labels or steps than those fitted."""
        n_channels = self.means.shape[1]
        if len(panel.channels) != n_channels:
            raise DataError(
                f"has {len(panel.channels)} channels, {panel.channels}, and the detector was "
                f"fitted with {n_channels}, {self.channels}",
                "Give the same.",
            )
        unknown = [series.label for series in panel if series.label not in self.labels]
        if unknown == [None]:
            labels = listed(self.labels)
            raise DataError(
                f"is a single series, and the detector was fitted to a panel: {labels}",
                "Keep its label: in a column id_column or a level of the index, as in "
                f"y.loc[[{next(iter(self.labels))!r}]], or as the name of a Series.",
            )
        if unknown and None in self.labels:
            raise DataError(
                f"has the series {listed(unknown)}, and the detector was fitted to a single one",
                "Give the rows of that alone, or fit on all.",
            )
        if unknown:
            raise Location(series=unknown[0]).error(
                f"was not fitted: what is usual of it is not known{affected(unknown)}",
                difference_of_types(unknown, self.labels) or "Fit with it, or leave it out.",
            )
        named = len(panel.channels) > 1 and not panel.is_array
        named = named and all(isinstance(channel, str) for channel in self.channels)
        if named and panel.channels != self.channels:
            raise DataError(
                f"has the channels {panel.channels}, and the detector was fitted with "
                f"{self.channels}",
                "Give these, in that order.",
            )
        axis = panel.all_series[0].axis
        if not panel.is_array and not self._is_step_of(axis):
            raise DataError(
                f"has {format_step(axis.step, axis.index)}, and the detector was fitted with "
                f"{format_step(self.step, axis.index)}",
                "Bring it to that, or fit anew.",
            )

    def _is_step_of(self, axis):
        """Whether the fitted step leads through an axis, whose own may be ambiguous if short."""
        if isinstance(self.step, int) or axis.step == self.step:
            return True
        if isinstance(axis.step, int):
            return False
        following = TimeAxis(axis.index[:1], self.step).after(len(axis.index) - 1)
        return (following == axis.index[1:]).all()


@dataclasses.dataclass(frozen=True, eq=False)
class FittedNetworks(FittedSeries):
    """Fitted state of ``RNNAnomalyDetector``."""

    model: ForecastErrors | Reconstruction  # inputs of the networks, and errors of their outputs
    seasons: tuple[int, ...]  # in steps
    networks: list[RecurrentNetwork]
    error_scale: np.ndarray  # typical errors, (n_series, n_forecasts, n_channels)
    median_score: np.ndarray  # of squared scores before smoothing, which starts there, (n_series,)
    streams: list[Stream] | None = None  # of each series, if online; ``update`` continues them

    @classmethod
    def fit(
        cls,
        scaling: FittedSeries,
        model: ForecastErrors | Reconstruction,
        seasons: tuple[int, ...],
        networks: list[RecurrentNetwork],
        evaluations: list[Evaluation],
    ) -> Self:
        """The state of trained networks, with the scale of their errors on the training series."""
        error_scale = np.array([error_scale_of(evaluation.errors) for evaluation in evaluations])
        squared_scores = [
            mean_over_channels(channel_scores(evaluation.errors, scale))
            for evaluation, scale in zip(evaluations, error_scale, strict=True)
        ]
        # A median, so that anomalies do not raise the scores at the ends of the series.
        median_score = np.array([np.nanmedian(squared_score) for squared_score in squared_scores])
        return cls(
            **vars(scaling),
            model=model,
            seasons=seasons,
            networks=networks,
            error_scale=error_scale,
            median_score=median_score,
        )

    def evaluate(self, series: ChannelSeries, online: bool) -> Evaluation:
        """Errors of the networks on a series."""
        return self.model.evaluate(self.networks, *self.inputs(series, self.seasons), online)

    def scores(
        self, series: ChannelSeries, evaluation: Evaluation, stretch: int, online: bool
    ) -> SeriesScores:
        """Anomaly scores of an evaluated series."""
        k, errors = self.position(series), evaluation.errors
        by_channel = channel_scores(errors, self.error_scale[k])
        score = smoothed(mean_over_channels(by_channel), stretch, self.median_score[k], online)
        return SeriesScores(
            np.sqrt(score),
            point_scores(errors, self.error_scale[k]),
            by_channel,
            expected=self.unscaled(series, evaluation.expected),
            spread=np.broadcast_to(self.error_scale[k, 0] * self.deviations[k], by_channel.shape),
        )

    def with_streams(
        self,
        panel: ChannelPanel,
        evaluations: list[Evaluation],
        scored: list[SeriesScores],
        stretch: int,
    ) -> Self:
        """This state with streams that continue evaluated series."""
        streams = []
        for series, evaluation, scores in zip(panel, evaluations, scored, strict=True):
            k, x = self.position(series), mean_over_channels(np.asarray(scores.channel_score))
            level = last_smoothed(x, stretch, self.median_score[k])
            where = decay_of(stretch), level, series.axis, self.seasons
            streams.append(Stream(evaluation.stream, self.statistics(k), *where))
        return dataclasses.replace(self, streams=streams)

    def statistics(self, k: int) -> SeriesStatistics:
        """Scaling and typical errors of a series, by its position."""
        return SeriesStatistics(self.means[k], self.deviations[k], self.error_scale[k])
