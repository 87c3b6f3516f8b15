"""Evidence: how well a fitted network predicts, and what its passes over sequences look like."""

import dataclasses
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.base import run_network
from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.inputs import forecast_context
from tsrnn.inspection.batch import Batch, last_step, named_layers, read_batch
from tsrnn.inspection.probe import probe
from tsrnn.kernels.losses import find_loss
from tsrnn.sequences.language_model import RNNLanguageModel

MAX_SEQUENCES = 500  # examined, evenly spaced
NEAR = 0.05  # distance from 0 or 1 at which a gate counts as shut or open
_MIN_SPANS = 5  # of overlapping windows; with fewer a probe finds a trend in a random walk
_TRACE_VALUES = 2**23  # of a trace in memory at once
FOLDS = 5


@dataclasses.dataclass(frozen=True)
class TraceStatistics:
    """What forward and backward passes over all sequences show; dicts are by layer."""

    inputs: np.ndarray  # (n, n_time, n_in) of the lowest layer, NaN before the start of a sequence
    grad_norms: dict  # norm of the loss's gradient by h, (n, n_time); 0 before the start
    saturated_shares: dict  # by layer and gate ("hidden" for h), the shares near 0 and near 1
    dead_shares: dict  # share of units whose h is always 0


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What the checks of a diagnosis read; arrays are on the network's scale."""

    estimator: Any  # RNNRegressor, RNNClassifier or RNNForecaster
    batch: Batch  # with targets
    predictions: np.ndarray  # (n, k) float64; probabilities of a classifier
    targets: np.ndarray  # (n, k) float64, NaN where missing
    constant: np.ndarray  # (k,) constant forecast: the targets' centre; of a forecaster 0 (naive)
    constant_loss: float  # training loss of the constant forecast
    initial_loss: float  # training loss of an untrained network
    folds: np.ndarray  # (n,) int, fold of each sequence in a probe's cross-validation
    gap: int  # number of sequences on either side of a fold that share values with it
    trace: TraceStatistics

    @property
    def residuals(self) -> np.ndarray:
        """Targets minus predictions, (n, k); 0 where a target is missing."""
        return np.nan_to_num(self.targets - self.predictions, nan=0.0, posinf=0.0, neginf=0.0)

    @property
    def skill(self) -> float:
        """Share by which the error is below the constant forecast's; NaN where that has none."""
        loss = find_loss(self.batch.loss)
        error, constant_error = (
            np.nansum(loss.skill_errors(forecast, self.targets))
            for forecast in (self.predictions, self.constant)
        )
        return float(1 - error / constant_error) if constant_error > 0 else np.nan

    def missed_share(self, inputs: np.ndarray, least: float) -> float:
        """Share of the targets' variance that a probe of inputs adds; 0 where below ``least``."""
        variance = np.nansum((self.targets - self.constant) ** 2)
        residuals = self.residuals
        share = float((residuals**2).sum() / variance) if variance > 0 else 0.0
        if not share >= least or len(residuals) < _MIN_SPANS * self.gap:
            return 0.0
        missed = share * probe(inputs, residuals, self.folds, self.gap)
        return min(missed, 1.0) if missed >= least else 0.0

    @property
    def curve(self) -> np.ndarray:
        return np.asarray(self.estimator.loss_curve_, float)


def gather_evidence(estimator: Any, X: Any, y: Any) -> Evidence:
    """Run the sequences of X through the network, forward and backward."""
    estimator, X = last_step(estimator, X)
    if isinstance(estimator, RNNLanguageModel):
        raise ValueError(
            "An RNNLanguageModel can't be diagnosed: loss_curve_, states and surprise show what it "
            "has learned."
        )
    is_rows = isinstance(estimator, SequenceEstimator)
    if is_rows and getattr(getattr(estimator, "network_", None), "head", None) == "every":
        raise ValueError(
            f"{type(estimator).__name__} predicts for each step, and diagnose examines one result "
            "a sequence. Look at tsrnn.inspection.gradient_flow and saturation."
        )
    if is_rows and (X is None or y is None):
        check_is_fitted(estimator)
        raise ValueError(
            f"{type(estimator).__name__} keeps no sequences: give X and y, best those that it was "
            "fitted on."
        )
    if is_rows or y is not None or not isinstance(estimator, RNNForecaster):
        batch = read_batch(estimator, X, y, with_targets=True)
    else:
        batch = _all_windows(estimator, X)
    n = len(batch.windows)
    chosen = np.unique(np.linspace(0, n - 1, min(n, MAX_SEQUENCES)).astype(int))
    batch = dataclasses.replace(batch, windows=batch.windows[chosen])
    predictions, targets = (_row_predictions if is_rows else _forecasts)(estimator, batch)
    loss = find_loss(batch.loss)
    constant = loss.constant(targets) if is_rows else None
    constant_loss, initial_loss = loss.constant_losses(targets, constant, batch.loss_params)
    span = 0 if is_rows else estimator.lookback_ + targets.shape[1]
    folds, gap = _folds(batch, targets, span)
    return Evidence(
        estimator=estimator,
        batch=batch,
        predictions=predictions,
        targets=targets,
        constant=_zero_point(loss, batch, targets) if constant is None else constant,
        constant_loss=constant_loss,
        initial_loss=initial_loss,
        folds=folds,
        gap=gap,
        trace=_trace_statistics(batch),
    )


def _zero_point(loss, batch, targets):
    """The forecast that outputs of 0 make on the network's scale, (k,)."""
    n_each = loss.n_outputs(1, batch.loss_params)
    return loss.point(np.zeros((n_each, targets.shape[1])), batch.loss_params)


def _all_windows(forecaster, y):
    """All windows of the series with a known horizon; ``read_batch`` reads the last of each."""
    check_is_fitted(forecaster)
    state = forecaster.fitted_
    state.check_trained()
    if len(state.weights) > 1:
        read_batch(forecaster, y)  # raises
    spec, context = state.spec, state.context(state.history)
    if y is not None:
        _, context = forecast_context(forecaster, y=y)
    windows = context.collection.panel.window_starts(spec.lookback, spec.n_ahead)
    if not windows.size:
        raise ValueError(
            f"No series is as long as a window and its horizon, {spec.lookback} + "
            f"{spec.n_ahead} values. Give more of its history."
        )
    return Batch(
        network=state.network.like(state.weights[0, 0]),
        source=context.source(spec),
        windows=windows,
        keys=None,
        step_labels=[],
        segment=spec.segment,
        loss=spec.loss,
        loss_params=find_loss(spec.loss).params_for(spec.quantiles),
    )


def _row_predictions(estimator, batch):
    """Predictions and targets of rows on the network's scale, (n, k) each."""
    run_on = {"device": estimator.device, "n_jobs": estimator.n_jobs}
    outputs = run_network(batch.network, batch.source, batch.windows, **run_on)
    targets = batch.source.targets[batch.windows].astype(float)
    loss = find_loss(batch.loss)
    if loss.for_classes:
        return softmax(outputs, axis=1), np.eye(outputs.shape[1])[targets[:, 0].astype(int)]
    outputs = outputs.reshape(len(outputs), -1, targets.shape[1])
    return loss.point(outputs, batch.loss_params), targets


def _forecasts(forecaster, batch):
    """Forecasts and targets of windows on the network's scale, (n, horizon) each."""
    ensemble = forecaster.fitted_.ensemble(forecaster.device, forecaster.n_jobs)
    source, windows = batch.source, batch.windows
    forecasts = ensemble.predict(source, windows, np.zeros(len(windows), int)).point
    recent, future = ensemble.spec.past_and_future(source, windows)
    naive, scale = ensemble.spec.base_and_scale(recent)
    return forecasts, (future - naive) / scale


def _folds(batch, targets, span):
    """Folds of neighbouring sequences, stratified by class, and the gap around a fold."""
    n = len(targets)
    if find_loss(batch.loss).for_classes:
        order = np.argsort(targets.argmax(axis=1), kind="stable")
        counts = targets.sum(axis=0).astype(int)
        folds = np.empty(n, int)
        folds[order] = np.concatenate([np.arange(k) * FOLDS // k for k in counts if k])
        return folds, 0
    gap = span and int(np.ceil(span / np.median(np.diff(batch.windows)))) if n > 1 else 0
    return np.arange(n) * FOLDS // n, gap


def _trace_statistics(batch):
    """TraceStatistics of all sequences, traced in parts that fit in memory."""
    network, n = batch.network, len(batch.windows)
    n_units = network.n_time(batch.source) * network.n_hidden * network.n_layers
    size = int(np.clip(_TRACE_VALUES // (16 * n_units * network.n_directions), 1, n))
    inputs, grad_norms, end_counts, is_alive = [], {}, {}, {}
    for first in range(0, n, size):
        part = dataclasses.replace(batch, windows=batch.windows[first : first + size])
        trace = part.run(backward_from_loss=True)
        for name, layer in named_layers(trace):
            if name == "l0":
                inputs.append(layer.inputs.astype(float))
            has_begun = np.arange(layer.grad_hidden.shape[1]) >= trace.first_steps[:, None]
            norms = np.sqrt((layer.grad_hidden.astype(float) ** 2).sum(axis=2))
            grad_norms.setdefault(name, []).append(np.where(has_begun, norms, 0.0))
            hidden = np.abs(layer.hidden)
            is_alive[name] = is_alive.get(name, False) | (hidden > 0).any(axis=(0, 1))
            values = {"hidden": hidden}
            for gate in network.gates:
                values[gate] = layer.gates[:, :, network.module.BLOCKS.index(gate)]
            for gate, gate_values in values.items():
                near = (gate_values < NEAR).sum(), (gate_values > 1 - NEAR).sum()
                counts = np.array([*near, (~np.isnan(gate_values)).sum()], float)
                end_counts[name, gate] = end_counts.get((name, gate), 0) + counts
    return TraceStatistics(
        np.concatenate(inputs),
        {name: np.concatenate(norms) for name, norms in grad_norms.items()},
        {key: counts[:2] / max(counts[2], 1) for key, counts in end_counts.items()},
        {name: 1 - alive.mean() for name, alive in is_alive.items()},
    )
