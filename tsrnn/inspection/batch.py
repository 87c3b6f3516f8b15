"""Batch: sequences as an estimator's network reads them, with the labels of their steps."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.inputs import forecast_context
from tsrnn.kernels.losses import find_loss
from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.network import Network
from tsrnn.network.trace import LayerTrace, Trace, trace
from tsrnn.parameters import naming
from tsrnn.sequences.frames import Frames
from tsrnn.sequences.language_model import RNNLanguageModel


@dataclasses.dataclass(frozen=True)
class Batch:
    """Sequences, ready to be run through a network."""

    network: Network
    source: Source  # inputs on the network's scale, and targets where there are any
    windows: np.ndarray  # (n,) int64, position of each sequence in ``source``
    keys: pd.Index | None  # label of each sequence; None for a single one
    step_labels: list[pd.Index]  # labels of each sequence's steps, (n_time,)
    segment: int  # steps of the series per recurrent step
    loss: str
    loss_params: tuple
    # of a forecaster: labels of each step of the series that is read, (n_time * segment,), how many
    # of them are in the future, and names of the inputs of a step
    row_labels: list[pd.Index] | None = None
    n_future: int = 0
    input_names: list | None = None

    def run(
        self, *, grad_outputs: np.ndarray | None = None, backward_from_loss: bool = False
    ) -> Trace:
        """Forward pass, and a backward pass from ``grad_outputs`` or from the training loss."""
        return trace(
            self.network,
            self.source,
            self.windows,
            grad_outputs=grad_outputs,
            loss=self.loss if backward_from_loss else None,
            loss_params=self.loss_params if backward_from_loss else (),
        )

    def frame(self, values: np.ndarray, columns: pd.Index | Sequence, first_steps) -> pd.DataFrame:
        """Frame of (n, n_time, n_columns) values, a row for each step that a sequence has."""
        frames = [
            pd.DataFrame(row[first:], labels[first:], columns)
            for row, labels, first in zip(values, self.step_labels, first_steps, strict=True)
        ]
        frame = frames[0] if self.keys is None else pd.concat(frames, keys=self.keys)
        return frame.sort_index(axis=1)  # lets pandas look up a layer's columns without a scan


def named_layers(trace: Trace) -> list[tuple[str, LayerTrace]]:
    """Each layer and direction with the name that the network's views give it."""
    return [
        (f"l{layer}" + ("_reverse" if direction else ""), layer_trace)
        for layer, directions in enumerate(trace.layer_traces)
        for direction, layer_trace in enumerate(directions)
    ]


def read_batch(estimator: Any, X: Any, y: Any = None, *, with_targets: bool = False) -> Batch:
    """The sequences of X as an estimator's network reads them; X, y as for ``gradient_flow``.

    If ``with_targets``, a forecaster's windows end a horizon before its series, and a language
    model does not read the last token. ValueError if the estimator is of another kind or not
    fitted, or targets are missing.
    """
    estimator, X = last_step(estimator, X)
    with naming("estimator"):
        check_is_fitted(estimator)
    if isinstance(estimator, SequenceEstimator):
        return _row_batch(estimator, X, y, with_targets)
    for kind, read in ((RNNForecaster, _window_batch), (RNNLanguageModel, _language_batch)):
        if isinstance(estimator, kind):
            if y is not None:
                raise ValueError(f"An {kind.__name__} has its targets in X: leave y out.")
            return read(estimator, X, with_targets)
    raise ValueError(
        f"{type(estimator).__name__} can't be inspected: give a fitted RNNForecaster, "
        "RNNRegressor, RNNClassifier, RNNTagger, RNNTranscriber or RNNLanguageModel."
    )


def last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The last estimator of a pipeline and X as it reads it; others as they are."""
    if isinstance(estimator, Pipeline) and X is not None:
        return estimator[-1], estimator[:-1].transform(X) if len(estimator) > 1 else X
    return estimator, X


def _row_batch(estimator, X, y, with_targets):
    if X is None:
        raise ValueError(
            f"X is needed: an {type(estimator).__name__} keeps no sequences of fit, as a "
            "forecaster does. Give sequences as for predict."
        )
    if with_targets and y is None:
        raise ValueError("The gradient of the loss needs targets: give y.")
    sequences, targets = estimator.read_sequences(X, y)
    model, n = estimator.fitted_, len(sequences)
    source = model.source(sequences, targets)
    steps = pd.RangeIndex(1, model.network.n_time(source) + 1, name="step") * model.segment
    keys = sequences.ids
    if keys is None:
        keys = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(n, name="row")
    return Batch(
        network=model.network,
        source=source,
        windows=np.arange(n),
        keys=None if n == 1 else keys,
        step_labels=[steps] * n,
        segment=model.segment,
        loss=model.loss,
        loss_params=model.loss_params,
    )


def _window_batch(forecaster, y, with_targets):
    state = forecaster.fitted_
    state.check_trained()
    if len(state.weights) > 1:
        raise ValueError(
            "Each series has its own network: inspect one by fitting a forecaster on it."
        )
    if y is None:  # the known future after the end of the series is not read
        context = state.context(state.recent, None, state.n_elapsed)
    else:
        _, context = forecast_context(forecaster, y=y)
    spec, collection = state.spec, context.collection
    panel = collection.panel
    source = context.source(spec, targets=False)
    n_ahead = spec.n_ahead if with_targets or spec.n_known else 0
    is_long = panel.lengths >= spec.lookback + n_ahead
    if not is_long.all() and (y is not None or not is_long.any()):
        label = collection.ids[int(np.argmin(is_long))]
        raise ValueError(
            f"Series {label!r} has {int(panel.lengths[~is_long][0])} values, fewer than the "
            f"{spec.lookback + n_ahead} that a window takes. Give more of its history."
        )
    series = np.flatnonzero(is_long)  # without those of fit that are padded
    ids, axes = ([part[k] for k in series] for part in (collection.ids, collection.axes))
    firsts = (panel.lengths - spec.lookback - n_ahead)[series]
    network = state.network.like(state.weights[0, 0])
    segment = spec.segment
    n_rows = network.n_time(source) * segment
    ends = firsts + spec.lookback + source.ahead
    row_labels = [axis.index[end - n_rows : end] for axis, end in zip(axes, ends, strict=True)]
    return Batch(
        network=network,
        source=source,
        windows=panel.indptr[series] + firsts,
        keys=None if len(ids) == 1 else pd.Index(ids, name="series"),
        step_labels=[labels[segment - 1 :: segment] for labels in row_labels],
        segment=segment,
        loss=spec.loss,
        loss_params=find_loss(spec.loss).params_for(spec.quantiles),
        row_labels=row_labels,
        n_future=source.ahead,
        input_names=_input_names(state, source),
    )


def _input_names(state, source):
    """Names of a forecaster's inputs of a step, as ``write_covariates`` has them."""
    names = [] if state.features is None else [name for _, name in state.features.channel_names]
    future = ["step ahead", *(f"change of {name}" for name in names[: source.n_known])]
    return ["y", *names, *(future if source.ahead else [])]


def _language_batch(model, X, with_targets):
    if X is None:
        raise ValueError("X is needed: an RNNLanguageModel keeps no sequences. Give some to read.")
    state = model.fitted_
    network, reader = state.network, state.reader
    source = state.read(X) if with_targets else _prompts(state, X)
    if network.n_heads and source.lengths.max() > state.n_steps:
        raise ValueError(
            f"X has a sequence of {source.lengths.max()} steps, and attention reads n_steps="
            f"{state.n_steps} at most. Give a part of it."
        )
    n_time, first = network.n_time(source), int(isinstance(reader, Frames))
    labels = [
        pd.RangeIndex(first + length - n_time, first + length, name="step")
        for length in source.lengths.tolist()
    ]
    n = len(labels)
    return Batch(
        network=network,
        source=source,
        windows=np.arange(n),
        keys=None if n == 1 else pd.RangeIndex(n, name="sequence"),
        step_labels=labels,
        segment=1,
        loss=reader.loss,
        loss_params=(),
    )


@naming("X")
def _prompts(state, X):
    """A source of all steps of sequences, each with the token before the first, without targets."""
    sequences = {f"Sequence {number} of X": sequence for number, sequence in enumerate(X)}
    sequences = {"X": X} if isinstance(X, str) else sequences
    if not sequences:
        raise ValueError("X has no sequence: give at least one.")
    prompts = [state.reader.read_prompt(sequence, name) for name, sequence in sequences.items()]
    lengths = np.array([len(prompt) for prompt in prompts])
    firsts, rows = np.cumsum(lengths) - lengths, np.concatenate(prompts)
    if isinstance(state.reader, Frames):
        return sequence_source(rows, firsts, lengths)
    return sequence_source(np.empty((len(rows), 0)), firsts, lengths, tokens=rows)
