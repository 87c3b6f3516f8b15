"""An ensemble of networks of one shape, the windows it reads, and how it reaches any horizon."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tsrnn.data import Collection
from tsrnn.forecasting.pretrained import MixedOutputs, PretrainedOutputs
from tsrnn.forecasting.scaling import Scaling
from tsrnn.forecasting.uncertainty import LossOutputs
from tsrnn.kernels.losses import find_loss
from tsrnn.kernels.sources import Source, forecast_source, inputs_per_row
from tsrnn.kernels.targets import claim
from tsrnn.network import Network
from tsrnn.network.runs import predict_models

# A window's least scale, where typical windows have a deviation of 1. Without it a stretch that
# hardly moves would blow up what follows it.
LEAST_SCALE = 0.1


@dataclasses.dataclass(frozen=True)
class WindowSpec:
    """The windows that a network reads, and what it outputs for each."""

    lookback: int  # past values of a window
    season: int  # the shortest, which the seasonal naive forecast repeats
    segment: int  # values of a recurrent step
    n_ahead: int  # steps forecast in one pass
    n_channels: int = 0  # of covariates
    n_known: int = 0  # the first so many channels are known in the future
    loss: str = "absolute_error"
    quantiles: tuple = ()  # sorted levels of the loss "quantile"; empty for other losses

    @property
    def by_mean(self) -> bool:
        """Whether windows are divided by 1 + their mean: values are then never negative."""
        return find_loss(self.loss).is_positive

    def source(
        self,
        values: np.ndarray,
        channels: np.ndarray | None = None,
        targets: np.ndarray | None = None,
    ) -> Source:
        """Windows of scaled values, (n,), with their channels of covariates, (n, n_channels)."""
        if channels is not None:
            values = np.column_stack([values, channels])
        ahead = self.n_ahead if self.n_known else 0
        return forecast_source(
            values,
            self.lookback,
            self.season,
            LEAST_SCALE,
            targets=targets,
            ahead=ahead,
            n_known=self.n_known,
            by_mean=self.by_mean,
        )

    def series_source(
        self,
        collection: Collection,
        scaling: Scaling,
        n_elapsed: np.ndarray | int = 0,
        *,
        targets: bool = True,
    ) -> Source:
        """Windows of series; with ``targets`` that are NaN where a value was missing."""
        values, observed = scaling.apply(collection.panel, n_elapsed), collection.observed
        if not targets or observed is None:
            return self.source(values, collection.covariates)
        return self.source(values, collection.covariates, np.where(observed, values, np.nan))

    def network_shape(self) -> dict:
        """Inputs, outputs and head of a network for these windows, as keyword arguments."""
        row = self.source(np.zeros(1), np.zeros((1, self.n_channels)))
        shape = {"n_in": self.segment * inputs_per_row(row), "n_out": self.n_outputs(self.n_ahead)}
        if self.n_known:
            shape |= {"n_out": self.n_outputs(self.segment), "head": "ahead"}
            shape["n_horizons"] = self.n_ahead // self.segment
        return shape

    def n_outputs(self, n_steps: int) -> int:
        """Outputs of a network for a number of steps."""
        return find_loss(self.loss).n_outputs(n_steps, self.quantiles)

    def base_and_scale(self, recent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Seasonal naive forecasts, (n, n_ahead), and scales, (n, 1), of (n, lookback) values.

        With ``by_mean`` zeros, and 1 + the means.
        """
        if self.by_mean:
            return np.zeros((len(recent), self.n_ahead)), 1 + recent.mean(axis=1, keepdims=True)
        base = recent[:, np.arange(self.n_ahead) % self.season - self.season]
        deviation = (recent - recent[:, -1:]).std(axis=1, keepdims=True)
        return base, np.maximum(deviation, LEAST_SCALE)

    def past_and_future(self, source: Source, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values of windows, (n, lookback), and those that follow, (n, n_ahead), NaN if missing."""
        past = windows[:, None] + np.arange(self.lookback)
        future = windows[:, None] + self.lookback + np.arange(self.n_ahead)
        observed = source.targets if source.targets.size else source.values
        return source.values[past, 0], observed[future, 0]


@dataclasses.dataclass(frozen=True)
class ForecastBlock:
    """Outputs for the ``n_ahead`` steps of one pass; forecasts are ``base + scale * outputs``."""

    base: np.ndarray  # (n_windows, n_ahead), the seasonal naive forecast, or 0
    scale: np.ndarray  # (n_windows, 1)
    outputs: LossOutputs | PretrainedOutputs | MixedOutputs  # in units of the scale


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """Networks of one shape: a group for all series or one for each, of one or several members."""

    spec: WindowSpec
    network: Network  # of the shape of all
    weights: np.ndarray  # (n_groups, n_members, n_parameters)
    device: str = "cpu"
    n_jobs: int | None = None

    def predict(self, source: Source, windows: np.ndarray, groups: np.ndarray) -> LossOutputs:
        """Outputs for windows by the networks of their groups, (n_windows,)."""
        n_groups, n_members, n_parameters = self.weights.shape
        rows_of_group = [np.arange(windows.size)]
        if n_groups > 1:
            order = np.argsort(groups, kind="stable")
            rows_of_group = np.split(order, np.searchsorted(groups[order], np.arange(1, n_groups)))
        used = [k for k, rows in enumerate(rows_of_group) if rows.size] or [0]
        weights = self.weights if len(used) == n_groups else self.weights[used]
        parts = [windows[rows_of_group[k]] for k in used for _ in range(n_members)]
        n_jobs = self.network.threads_for(self.n_jobs, source, windows.size * n_members)
        with claim(self.device, n_jobs) as workers:
            predictions = predict_models(
                self.network, weights.reshape(-1, n_parameters), source, parts, workers
            )
        outputs: np.ndarray = np.empty((n_members, windows.size, predictions[0].shape[1]))
        for place, k in enumerate(used):
            members = slice(place * n_members, (place + 1) * n_members)
            outputs[:, rows_of_group[k]] = predictions[members]
        spec = self.spec
        n_each = spec.n_outputs(1)
        n_steps = outputs.shape[2] // self.network.n_out
        outputs = outputs.reshape(n_members, windows.size, n_steps, n_each, -1).swapaxes(2, 3)
        outputs = outputs.reshape(n_members, windows.size, n_each, spec.n_ahead)
        unit: float | np.ndarray = 1.0
        if spec.by_mean:
            recent = source.values[windows[:, None] + np.arange(spec.lookback), 0]
            unit = spec.base_and_scale(recent.astype(float))[1]
        return LossOutputs(spec.loss, spec.quantiles, outputs, unit)

    def _naive(self, outputs, base, scale, window, naive):
        """Outputs and base with the seasonal naive forecast in the rows that are ``naive``."""
        spec = self.spec
        if not spec.by_mean:
            return outputs, base - np.where(naive, scale * outputs.point, 0.0)
        last = window[:, np.arange(spec.n_ahead) % spec.season - spec.season]
        return outputs.with_point(np.where(naive, last / scale, outputs.point)), base

    def unroll(
        self,
        recent: np.ndarray,
        channels: np.ndarray | None,
        groups: np.ndarray,
        horizon: int,
        draw: Callable[[LossOutputs, np.ndarray], np.ndarray] | None = None,
        naive: np.ndarray | None = None,
    ) -> tuple[np.ndarray, list[ForecastBlock]]:
        """Forecasts of any horizon, (n_windows, horizon), and their blocks.

        Beyond ``n_ahead`` steps windows hold the forecasts so far. ``recent`` (n_windows, lookback)
        are scaled values; ``channels`` (n_windows, n_rows, n_channels) their covariates and, from
        row ``lookback`` on, those of whole passes of ``n_ahead`` steps that cover the horizon.
        ``draw`` takes outputs and scales and returns values, (n_windows, n_ahead); by default point
        forecasts. Windows in ``naive``, (n_windows,) bool, are forecast by the last season.
        """
        spec, path, blocks = self.spec, recent, []
        n, lookback = recent.shape
        n_rows = lookback + (spec.n_ahead if spec.n_known else 0)
        while path.shape[1] < lookback + horizon:
            window, first = path[:, -lookback:], path.shape[1] - lookback
            base, scale = spec.base_and_scale(window)
            values, window_channels = np.zeros((n, n_rows)), None
            values[:, :lookback] = window
            if channels is not None:
                window_channels = channels[:, first : first + n_rows].reshape(-1, spec.n_channels)
            source = spec.source(values.ravel(), window_channels)
            outputs = self.predict(source, np.arange(n) * n_rows, groups)
            if naive is not None and naive.any():
                outputs, base = self._naive(outputs, base, scale, window, naive[:, None])
            blocks.append(ForecastBlock(base, scale, outputs))
            units = outputs.point if draw is None else draw(outputs, scale)
            path = np.hstack([path, base + scale * units])
        return path[:, lookback : lookback + horizon], blocks
