"""Fitted state of detectors: what they keep of the series that they were fitted to."""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np

from tsrnn.anomaly.forecast_errors import Evaluation, ForecastErrors
from tsrnn.anomaly.reconstruction import Reconstruction
from tsrnn.anomaly.results import SeriesScores
from tsrnn.anomaly.scaling import scaling_of, standardised
from tsrnn.anomaly.scores import (
    channel_scores,
    decay_of,
    error_scale_of,
    last_smoothed,
    mean_over_channels,
    point_scores,
    set_constant_errors,
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

_N_STARTS = 128  # rows within the training series from which networks are run without history
_HIGH = 0.98  # quantile of squared scores that is compared


@dataclasses.dataclass(frozen=True, eq=False)
class FittedSeries:
    """Labels, scaling and time step of the fitted series."""

    labels: dict[Hashable, int]  # position of each series; {None: 0} for a single one
    means: np.ndarray  # (n_series, n_channels) float64
    deviations: np.ndarray  # (n_series, n_channels); the size of constant channels, 1 of zeros
    channels: list  # names
    step: Any  # time step, a pandas offset or int
    constant: np.ndarray  # whether a channel is constant, (n_series, n_channels)

    @classmethod
    def of(cls, panel: ChannelPanel) -> Self:
        """The statistics of series."""
        labels = {series.label: k for k, series in enumerate(panel)}
        means, deviations, constant = map(
            np.array, zip(*(scaling_of(series.values) for series in panel), strict=True)
        )
        step = panel.all_series[0].axis.step
        return cls(labels, means, deviations, panel.channels, step, constant)

    def position(self, series: ChannelSeries) -> int:
        """Position of a series among those fitted."""
        return self.labels[series.label]

    def scaled(self, series: ChannelSeries) -> np.ndarray:
        """Values of a series standardised by the fitted mean and deviation."""
        k = self.position(series)
        return standardised(series.values, self.means[k], self.deviations[k], self.constant[k])

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
        """Series with the labels of those fitted, where it is clear which one a single one is."""
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
                "Give its rows alone, or fit on all series.",
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
    start_weights: np.ndarray | None = None  # of the first squared scores, (n_warm_up,), up to 1
    streams: list[Stream] | None = None  # of each series, if online; ``update`` continues them

    @classmethod
    def fit(
        cls,
        scaling: FittedSeries,
        model: ForecastErrors | Reconstruction,
        seasons: tuple[int, ...],
        networks: list[RecurrentNetwork],
        inputs: list[tuple[np.ndarray, np.ndarray]],
        online: bool,
    ) -> tuple[Self, list[Evaluation]]:
        """The state of trained networks, with the scale of their errors on the training series.

        ``inputs`` are standardised values and features of each series; also returns the errors.
        """
        evaluations = [
            evaluated(model, networks, z, features, constant, online)
            for (z, features), constant in zip(inputs, scaling.constant, strict=True)
        ]
        error_scale = np.array([error_scale_of(evaluation.errors) for evaluation in evaluations])
        squared_scores = [
            mean_over_channels(channel_scores(evaluation.errors, scale))
            for evaluation, scale in zip(evaluations, error_scale, strict=True)
        ]
        # A median, so that anomalies do not raise the scores at the ends of the series; the mean
        # where that is lower, as smoothed scores are about the mean.
        median_score = np.array([min(np.nanmedian(x), np.nanmean(x)) for x in squared_scores])
        fitted = cls(
            **vars(scaling),
            model=model,
            seasons=seasons,
            networks=networks,
            error_scale=error_scale,
            median_score=median_score,
        )
        weights = fitted._start_weights(inputs, squared_scores)
        return dataclasses.replace(fitted, start_weights=weights), evaluations

    def _start_weights(self, inputs, squared_scores):
        """Weights that make squared scores of the first rows comparable to later ones, (n,).

        Networks are run from starts within all series. Where the high quantile of their scores in a
        row exceeds that of later rows, the weight is below 1.
        """
        n = min(self.model.n_warm_up, min(len(z) for z, _ in inputs) // 2)
        if not n:
            return None
        numbers = np.unique(np.linspace(0, len(inputs) - 1, _N_STARTS).astype(int))
        pieces, positions = [], []
        for k in numbers:
            z, features = inputs[k]
            firsts = np.linspace(0, len(z) - n, max(_N_STARTS // numbers.size, 1)).astype(int)
            pieces += [(z[first : first + n], features[first : first + n]) for first in firsts]
            positions += [k] * firsts.size
        errors = self.model.start_errors(self.networks, pieces)
        for j, (k, (z, _)) in enumerate(zip(positions, pieces, strict=True)):
            set_constant_errors(errors[:, j], z, self.constant[k])
        scores = mean_over_channels(channel_scores(errors, self.error_scale[positions]))
        known = np.where(np.isnan(scores), 0.0, scores)
        high = np.quantile(known, _HIGH, axis=1, method="higher")
        later = np.concatenate([x[n:] for x in squared_scores])
        if np.isnan(later).all():  # nothing later was observed
            return np.ones(n)
        usual, median = np.nanquantile(later, [_HIGH, 0.5], method="higher")
        # A quantile far above the usual one is weighted down to the median, not to the usual one:
        # errors after a start are large in many rows in succession, which smoothing adds up.
        ratio = usual / max(median, usual / 10, np.finfo(float).tiny)
        excess = ratio * np.maximum(high - 1.5 * usual, 0)
        return usual / (usual + excess) if usual > 0 else np.ones(n)

    def evaluate(self, series: ChannelSeries, online: bool) -> Evaluation:
        """Errors of the networks on a series."""
        constant = self.constant[self.position(series)]
        inputs = self.inputs(series, self.seasons)
        return evaluated(self.model, self.networks, *inputs, constant, online)

    def scores(
        self, series: ChannelSeries, evaluation: Evaluation, stretch: int, online: bool
    ) -> SeriesScores:
        """Anomaly scores of an evaluated series."""
        k, errors = self.position(series), evaluation.errors
        by_channel = channel_scores(errors, self.error_scale[k])
        score = smoothed(self._squared_scores(by_channel), stretch, self.median_score[k], online)
        return SeriesScores(
            np.sqrt(score),
            point_scores(errors, self.error_scale[k]),
            by_channel,
            expected=self.unscaled(series, evaluation.expected),
            spread=np.broadcast_to(self.error_scale[k, 0] * self.deviations[k], by_channel.shape),
        )

    def _squared_scores(self, by_channel):
        """Squared scores of a series before smoothing, (n,).

        The first rows have larger errors, as forecasts lack history, and weigh less.
        """
        x = mean_over_channels(by_channel)
        if self.start_weights is not None:
            n = min(x.size, self.start_weights.size)
            x[:n] *= self.start_weights[:n]
        return x

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
            k = self.position(series)
            by_channel = np.asarray(scores.channel_score)
            levels = [  # of all channels together, then of each
                last_smoothed(self._squared_scores(x), stretch, self.median_score[k])
                for x in (by_channel, *np.split(by_channel, by_channel.shape[1], axis=1))
            ]
            where = decay_of(stretch), levels[0], series.axis, self.seasons, 0
            stream = Stream(evaluation.stream, self.statistics(k), *where, np.array(levels[1:]))
            streams.append(stream)
        return dataclasses.replace(self, streams=streams)

    def statistics(self, k: int) -> SeriesStatistics:
        """Scaling and typical errors of a series, by its position."""
        statistics = self.means[k], self.deviations[k], self.constant[k]
        return SeriesStatistics(*statistics, self.error_scale[k])


def evaluated(
    model: ForecastErrors | Reconstruction,
    networks: Sequence[RecurrentNetwork],
    z: np.ndarray,
    features: np.ndarray,
    constant: np.ndarray,
    online: bool,
) -> Evaluation:
    """Errors of networks on a standardised series; constant channels are forecast to stay so."""
    evaluation = model.evaluate(networks, z, features, online)
    set_constant_errors(evaluation.errors, z, constant)
    evaluation.expected[:, constant] = 0
    return evaluation
