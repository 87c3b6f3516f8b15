"""What is looked at: the sequences that an estimator's network reads, and their steps' labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.estimators.sequences import sequences_of
from tsrnn.forecasting import RNNForecaster
from tsrnn.kernels.windows import Source
from tsrnn.network import RecurrentNetwork
from tsrnn.network.trace import LayerTrace, Trace, trace


@dataclasses.dataclass(frozen=True)
class Looked:
    """Sequences, ready to be walked.

    Attributes
    ----------
    network : RecurrentNetwork
        Who reads them.
    source : Source
        Their values, and targets where there are any.
    windows : (n,) int64 array
        Which.
    keys : Index or None
        Name of each; None for a lone one.
    times : list of Index
        Labels of the steps of each, (n_time,).
    segment : int
        Steps of the series that a recurrent step takes.
    loss, levels : str, tuple
        What the network learnt by.
    """

    network: RecurrentNetwork
    source: Source
    windows: np.ndarray
    keys: pd.Index | None
    times: list[pd.Index]
    segment: int
    loss: str
    levels: tuple

    def walk(self, **back: Any) -> Trace:
        """Walk through all of them; back as well, see ``tsrnn.network.trace.trace``."""
        return trace(self.network, self.source, self.windows, **back)

    def frame(self, values: np.ndarray, columns: pd.Index | Sequence, first_steps) -> pd.DataFrame:
        """A frame of (n, n_time, n_columns) values, a row for each step that there was."""
        parts = [
            pd.DataFrame(own[begin:], times[begin:], columns)
            for own, times, begin in zip(values, self.times, first_steps, strict=True)
        ]
        frame = parts[0] if self.keys is None else pd.concat(parts, keys=self.keys)
        return frame.sort_index(axis=1)  # so that pandas finds a layer's columns without a search

    def layers(self, found: Trace) -> list[tuple[str, LayerTrace]]:
        """Each layer's directions, named as the network's views name them."""
        return [
            (f"l{layer}" + ("_reverse" if direction else ""), walk)
            for layer, layer_traces in enumerate(found.layer_traces)
            for direction, walk in enumerate(layer_traces)
        ]


def looked_at(estimator: Any, X: Any, y: Any = None, *, judged: bool = False) -> Looked:
    """The sequences that an estimator's network reads of X.

    Parameters
    ----------
    estimator : RNNRegressor, RNNClassifier or RNNForecaster
        Fitted.
    X : array-like, or Series or frame
        Rows that are sequences; of a forecaster series, whose last windows are read, None for
        those that it knows.
    y : array-like, optional
        Targets of the rows. A forecaster's stand in its series.
    judged : bool, default=False
        Whether targets are needed: a forecaster's window then ends a horizon before its series.

    Raises
    ------
    ValueError
        If the estimator is of another kind or not fitted, or targets are missing.
    """
    check_is_fitted(estimator)
    if isinstance(estimator, SequenceEstimator):
        return _rows(estimator, X, y, judged)
    if isinstance(estimator, RNNForecaster):
        if y is not None:
            raise ValueError("A forecaster's targets stand in its series: leave y out.")
        return _series(estimator, X, judged)
    raise ValueError(
        f"{type(estimator).__name__} can't be looked into: give a fitted RNNForecaster, "
        "RNNRegressor or RNNClassifier."
    )


def _rows(estimator, X, y, judged):
    if judged and y is None:
        raise ValueError("The gradient of the loss needs targets: give y.")
    sequences = sequences_of(estimator, X, estimator.n_channels_in_, reset=False)
    targets = None if y is None else estimator._targets(y, first=False)
    network, n = estimator.network_, len(sequences)
    if targets is not None and len(targets) != n:
        raise ValueError(
            f"X has {n} sequences and y has {len(targets)} targets. Give one for each."
        )
    source = estimator._source(sequences, targets)
    segment = estimator._segment()
    steps = pd.RangeIndex(1, network.n_time(source) + 1, name="step") * segment
    keys = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(n, name="row")
    return Looked(
        network, source, np.arange(n), None if n == 1 else keys, [steps] * n, segment,
        getattr(estimator, "loss_", "cross_entropy"), getattr(estimator, "quantiles_", ()),
    )  # fmt: skip


def _series(forecaster, y, judged):
    models = forecaster._models()
    if len(models.weights) > 1:
        raise ValueError(
            "Each series has a network of its own: look into one by fitting a forecaster on it."
        )
    if y is None:  # what is known of the future after their end is not read
        known = forecaster._ready(forecaster._latest(), None, forecaster._passed_by())
    else:
        _, known = forecaster._asked(None, None, y, None)
    reading, collection = models.reading, known.collection
    panel = collection.panel
    source = reading.source(known.scaling.apply(panel, known.passed), collection.beside)
    before = reading.n_ahead if judged or reading.n_known else 0
    short = panel.lengths < reading.lookback + before
    if short.any():
        label = collection.ids[int(np.argmax(short))]
        raise ValueError(
            f"Series {label!r} has {int(panel.lengths[short][0])} values, fewer than the "
            f"{reading.lookback + before} that a window takes. Give more of its history."
        )
    firsts = panel.lengths - reading.lookback - before
    network = models.network.like(models.weights[0, 0])
    n_rows = network.n_time(source) * reading.segment
    ends = firsts + reading.lookback + source.ahead
    times = [
        axis.index[end - n_rows : end][reading.segment - 1 :: reading.segment]
        for axis, end in zip(collection.axes, ends, strict=True)
    ]
    keys = None if len(firsts) == 1 else pd.Index(collection.ids, name="series")
    return Looked(
        network, source, panel.indptr[:-1] + firsts, keys, times, reading.segment, reading.loss,
        reading.levels,
    )  # fmt: skip
