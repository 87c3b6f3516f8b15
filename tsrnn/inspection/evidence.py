"""What a diagnosis goes by: how well a network fits, what passes through it, what it leaves."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.models import LEAST_SCALE
from tsrnn.inspection.looked import Looked, looked_at
from tsrnn.inspection.probe import probe

MOST_SEQUENCES = 500  # that are walked through, evenly chosen
NEAR = 0.05  # of a gate that is all but shut, or but open
_SPANS = 5  # of windows that overlap, below which a probe finds a trend in a random walk
_VALUES = 2**23  # kept of a walk at once
FOLDS = 5
LIKELIHOODS = ("gaussian", "student_t")
_MEDIAN = ("absolute_error", "huber", "quantile", "student_t")  # losses that outliers hardly move


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What was found out about a fitted network on sequences with targets.

    Attributes
    ----------
    estimator : RNNRegressor, RNNClassifier or RNNForecaster
        The patient.
    looked : Looked
        Sequences.
    said, truth : (n, k) float64 arrays
        Predictions and targets on the network's scale, of a classifier probabilities; targets that
        are missing are NaN.
    constant : (k,) array
        The forecast that reads nothing: the targets' centre, of a forecaster the naive one.
    constant_loss : float
        Its loss, as training counts it.
    first_loss : float
        Loss of a network that says nothing, as all do at first.
    folds : (n,) int array
        Part of the sequences that each is in, for a probe.
    gap : int
        Sequences beside a part that share values with it.
    inputs : (n, n_time, n_in) array
        What each step of the lowest layer read, NaN before a sequence begins.
    flow : dict
        Of each layer, the norm of the gradient at each step, (n, n_time); 0 before a sequence
        begins.
    shares : dict
        Of each layer and gate, "hidden" for h, the shares near 0 and near 1.
    dead : dict
        Of each layer the share of units whose h is 0 throughout.
    """

    estimator: Any
    looked: Looked
    said: np.ndarray
    truth: np.ndarray
    constant: np.ndarray
    constant_loss: float
    first_loss: float
    folds: np.ndarray
    gap: int
    inputs: np.ndarray
    flow: dict
    shares: dict
    dead: dict

    @property
    def left(self) -> np.ndarray:
        """What the network leaves of the targets; 0 where they are missing."""
        return np.nan_to_num(self.truth - self.said, nan=0.0, posinf=0.0, neginf=0.0)

    @property
    def skill(self) -> float:
        """Share of the loss of the constant forecast that is gone; NaN where that has none."""
        if self.looked.loss == "cross_entropy":
            each = [-np.log(np.maximum(p, 1e-12)) * self.truth for p in (self.said, self.constant)]
        else:
            power = 1 if self.looked.loss in _MEDIAN else 2
            each = [np.abs(self.truth - p) ** power for p in (self.said, self.constant)]
        own, constant = (np.nansum(one) for one in each)
        return float(1 - own / constant) if constant > 0 else np.nan

    def missed(self, inputs: np.ndarray, least: float) -> float:
        """Share of the targets' variance that inputs tell and the network leaves; 0 below least."""
        whole = np.nansum((self.truth - self.constant) ** 2)
        share = float((self.left**2).sum() / whole) if whole > 0 else 0.0
        if not share >= least or len(self.left) < _SPANS * self.gap:
            return 0.0
        found = share * probe(inputs, self.left, self.folds, self.gap)
        return min(found, 1.0) if found >= least else 0.0

    @property
    def curve(self) -> np.ndarray:
        """Training loss of each epoch."""
        return np.asarray(self.estimator.loss_curve_, float)


def evidence_of(estimator: Any, X: Any, y: Any) -> Evidence:
    """Walk through the sequences of X, forward and back."""
    rows = isinstance(estimator, SequenceEstimator)
    if rows and (X is None or y is None):
        check_is_fitted(estimator)
        raise ValueError(
            f"{type(estimator).__name__} keeps no sequences: give X and y, best those that it was "
            "fitted on."
        )
    if rows or y is not None or not isinstance(estimator, RNNForecaster):
        looked = looked_at(estimator, X, y, judged=True)
    else:
        looked = _all_windows(estimator, X)
    n = len(looked.windows)
    some = np.unique(np.linspace(0, n - 1, min(n, MOST_SEQUENCES)).astype(int))
    looked = dataclasses.replace(looked, windows=looked.windows[some])
    said, truth = (_of_rows if rows else _of_series)(estimator, looked)
    constant, losses = _constant(looked, truth, rows)
    apart = _parts(looked, truth, 0 if rows else estimator.lookback_ + truth.shape[1])
    return Evidence(estimator, looked, said, truth, constant, *losses, *apart, *_walked(looked))


def _all_windows(forecaster, y):
    """All windows of series whose horizon is known, where ``looked_at`` takes the last of each."""
    check_is_fitted(forecaster)
    models = forecaster._models()
    if len(models.weights) > 1:
        looked_at(forecaster, y)  # refuses
    reading = models.reading
    known = forecaster._ready(forecaster._collection)
    if y is not None:
        known = forecaster._asked(None, None, y, None)[1]
    panel, beside = known.collection.panel, known.collection.beside
    windows = panel.window_starts(reading.lookback, reading.n_ahead)
    if not windows.size:
        raise ValueError(
            f"No series is as long as a window and what follows it, {reading.lookback} + "
            f"{reading.n_ahead} values. Give more of its history."
        )
    source = reading.source(known.scaling.apply(panel, known.passed), beside)
    if known.collection.observed is not None:
        values = source.values[:, :1]
        source = source._replace(
            targets=np.where(known.collection.observed[:, None], values, np.nan)
        )
    network = models.network.like(models.weights[0, 0])
    return Looked(
        network, source, windows, None, [], reading.segment, reading.loss, reading.levels
    )  # fmt: skip


def _of_rows(estimator, looked):
    """What the network says of rows, and their targets, on its own scale."""
    said = estimator._run_network(looked.network, looked.source, looked.windows)
    truth = looked.source.targets[looked.windows].astype(float)
    if looked.loss == "cross_entropy":
        return softmax(said, axis=1), np.eye(said.shape[1])[truth[:, 0].astype(int)]
    said = said.reshape(len(said), -1, truth.shape[1])
    centre = 0
    if looked.loss == "quantile":
        centre = int(np.argmin(np.abs(np.asarray(looked.levels) - 0.5)))
    return said[:, centre], truth


def _of_series(forecaster, looked):
    """As ``_of_rows``, of windows."""
    models, windows, source = forecaster._models(), looked.windows, looked.source
    reading = models.reading
    said = models.say(source, windows, np.zeros(len(windows), int)).centre
    recent = source.values[windows[:, None] + np.arange(reading.lookback), 0]
    scale = np.maximum((recent - recent[:, -1:]).std(axis=1, keepdims=True), LEAST_SCALE)
    base = recent[:, np.arange(reading.n_ahead) % reading.season - reading.season]
    observed = source.targets if source.targets.size else source.values
    future = windows[:, None] + reading.lookback + np.arange(reading.n_ahead)
    return said, (observed[future, 0] - base) / scale


def _constant(looked, truth, rows):
    """The forecast that reads nothing; its loss, and that of a network that says nothing."""
    loss, zeros = looked.loss, np.zeros(truth.shape[1])
    if not rows:
        constant = zeros
    else:
        constant = (np.nanmedian if loss in _MEDIAN else np.nanmean)(truth, axis=0)
    if loss == "cross_entropy":
        own = -np.sum(constant * np.log(np.maximum(constant, 1e-300)))
        return constant, (float(own), float(np.log(truth.shape[1])))
    if loss in LIKELIHOODS:  # of a normal distribution; at first of deviation log 2
        squares = np.nanmean((truth - constant) ** 2), np.nanmean(truth**2)
        own = (1 + np.log(2 * np.pi * max(squares[0], 1e-300))) / 2
        return constant, (float(own), float(squares[1] / (2 * np.log(2) ** 2)))
    if loss == "quantile":
        first = np.mean([_pinball(truth, level) for level in looked.levels])
        centres = np.nanquantile(truth, looked.levels, axis=0)
        pairs = zip(centres, looked.levels, strict=True)
        own = np.mean([_pinball(truth - centre, level) for centre, level in pairs])
        return constant, (float(own if rows else first), float(first))
    return constant, tuple(float(np.nanmean(_point(loss, truth - c))) for c in (constant, zeros))


def _pinball(errors, level):
    return np.nanmean(np.where(errors > 0, level * errors, (level - 1) * errors))


def _point(loss, errors):
    errors = np.abs(errors)
    if loss == "huber":
        return np.where(errors <= 1, errors**2 / 2, errors - 0.5)
    return errors if loss == "absolute_error" else errors**2


def _parts(looked, truth, span):
    """Parts of sequences that stand together, of each class where there are classes; the gap."""
    n = len(truth)
    if looked.loss == "cross_entropy":
        order = np.argsort(truth.argmax(axis=1), kind="stable")
        counts = truth.sum(axis=0).astype(int)
        parts = np.empty(n, int)
        parts[order] = np.concatenate([np.arange(k) * FOLDS // k for k in counts if k])
        return parts, 0
    gap = span and int(np.ceil(span / np.median(np.diff(looked.windows)))) if n > 1 else 0
    return np.arange(n) * FOLDS // n, gap


def _walked(looked):
    """Inputs, flow, shares near an end, and dead units, of all sequences, some at a time."""
    network = looked.network
    cell, n = network.module, len(looked.windows)
    each = network.n_time(looked.source) * network.n_hidden * network.n_layers
    size = int(np.clip(_VALUES // (16 * each * network.n_directions), 1, n))
    inputs, flow, ends, alive = [], {}, {}, {}
    for first in range(0, n, size):
        part = dataclasses.replace(looked, windows=looked.windows[first : first + size])
        found = part.walk(loss=looked.loss, levels=looked.levels)
        for name, walk in part.layers(found):
            if name == "l0":
                inputs.append(walk.inputs.astype(float))
            begun = np.arange(walk.flow.shape[1]) >= found.first_steps[:, None]
            norms = np.sqrt((walk.flow.astype(float) ** 2).sum(axis=2))
            flow.setdefault(name, []).append(np.where(begun, norms, 0.0))
            hidden = np.abs(walk.hidden)
            ends[name, "hidden"] = ends.get((name, "hidden"), 0) + _ends(hidden)
            alive[name] = alive.get(name, False) | (hidden > 0).any(axis=(0, 1))
            for gate in getattr(cell, "GATES", ()):
                values = walk.gates[:, :, cell.BLOCKS.index(gate)]
                ends[name, gate] = ends.get((name, gate), 0) + _ends(values)
    return (
        np.concatenate(inputs),
        {name: np.concatenate(parts) for name, parts in flow.items()},
        {key: total[:2] / max(total[2], 1) for key, total in ends.items()},
        {name: 1 - own.mean() for name, own in alive.items()},
    )


def _ends(values):
    """How many lie near 0, how many near 1, and how many there are."""
    there = ~np.isnan(values)
    return np.array([(values < NEAR).sum(), (values > 1 - NEAR).sum(), there.sum()], float)
