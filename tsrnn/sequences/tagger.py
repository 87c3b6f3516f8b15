"""RNNTagger: predicts a label for every step of a sequence."""

import dataclasses
from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.callbacks import with_callbacks
from tsrnn.estimators.classes import ClassesMixin
from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.kernels.targets import claim
from tsrnn.parameters import Integer
from tsrnn.parameters.types import Auto, Cell, Device, Dtype, RandomStateLike, Schedule, Solver
from tsrnn.sequences.steps import Steps, read_steps
from tsrnn.sequences.streams import evaluate_windows
from tsrnn.sequences.tagging_windows import tagging_set

_OF_ROWS = ("loss", "segment", "pooling", "n_channels")  # parameters of the other estimators


class RNNTagger(ClassesMixin, SequenceEstimator):
    """Predict a label for every step of a sequence with a recurrent network.

    The steps are tokens, as the words of a sentence, or numbers, as the measurements of a machine
    whose state is to be told. Steps without a label are read, and left out of the loss.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default="lstm"
    hidden_size, n_layers, n_heads, head_size : int, default=32, 1, 4, 0
    bidirectional, residual : bool, default=False
        The network, as in :class:`RNNRegressor`. With ``bidirectional=True`` a label depends on the
        steps after it too.
    embedding_size, n_tokens : int, optional
        Tokens in the first channel, as in :class:`RNNRegressor`.
    id_column, time_column : str, optional
        Columns of a frame: ids of its sequences, and times. Without ids in a column or a MultiIndex
        a frame is one sequence, and without times in a column they are in its index.
    n_steps : int, default=128
        Most steps that are read at once. Longer sequences are cut into windows: in training at
        places that change from epoch to epoch; in prediction windows overlap by half, and of each
        the latter half counts, or with ``bidirectional`` the middle half.
    memory : int, optional
    standardize : bool, default=True
    dropout, recurrent_dropout : float, default=0.0
        As in :class:`RNNRegressor`; there are no targets to standardise.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
    learning_rate : {"one_cycle", "constant", "cosine", "adaptive"}, default="one_cycle"
    learning_rate_init, alpha, averaging : float, default=0.003, 0.0, 0.0
    max_iter : int or "auto", default="auto"
    max_seconds : float, optional
    batch_size : int, default=32
        Training, as in :class:`RNNRegressor`, where rows are windows here.
    max_grad_norm, tol, validation_fraction : float, default=1.0, 0.0001, 0.1
    early_stopping, warm_start : bool, default=False
    n_iter_no_change : int, default=50
        Training, as in :class:`RNNRegressor`; the last windows are held out.
    dtype : {"float32", "float64"}, default="float32"
    device : {"cpu", "cuda"}, default="cpu"
    n_jobs : int, optional
    random_state : int, RandomState instance or None, default=0
    verbose : bool or int, default=0
        As in :class:`RNNRegressor`.

    Attributes
    ----------
    classes_ : (n_classes,) array
        Labels, sorted.
    network_, X_mean_, X_scale_, missing_, loss_curve_, validation_scores_, n_iter_, best_iter_
        As in :class:`RNNRegressor`, and so are ``n_channels_in_``, ``n_tokens_`` and, of a table,
        ``n_features_in_``. Losses are means over labelled steps.

    See Also
    --------
    RNNClassifier : One class for a whole sequence.
    Tokenizer : Words or other items as tokens.

    Examples
    --------
    Words of sentences:

    >>> from sklearn.pipeline import make_pipeline
    >>> from tsrnn import RNNTagger, Tokenizer
    >>> sentences = [["the", "cat", "sleeps"], ["a", "dog", "barks"], ["the", "dog", "sleeps"]]
    >>> tags = [["DET", "NOUN", "VERB"], ["DET", "NOUN", "VERB"], ["DET", "NOUN", None]]
    >>> tagger = RNNTagger(embedding_size=8, hidden_size=8, bidirectional=True)
    >>> model = make_pipeline(Tokenizer(None), tagger).fit(sentences, tags)
    >>> [labels.tolist() for labels in model.predict([["a", "cat", "barks"], ["the", "dog"]])]
    [['DET', 'NOUN', 'VERB'], ['DET', 'NOUN']]

    States of a machine, by what a sensor measures:

    >>> import numpy as np, pandas as pd
    >>> times = pd.date_range("2024", periods=600, freq="min")
    >>> state = pd.Series(np.repeat(["idle", "on"] * 6, 50), times)
    >>> sensor = (state == "on") + np.random.default_rng(0).normal(0, 0.5, 600)
    >>> tagger = RNNTagger(cell="gru", n_steps=50).fit(sensor[:400], state[:400])
    >>> bool(tagger.score(sensor[400:], state[400:]) > 0.9)
    True
    >>> tagger.predict(sensor[400:]).index.equals(times[400:])
    True
    """

    _parameter_constraints = {
        name: allowed
        for name, allowed in SequenceEstimator._parameter_constraints.items()
        if name not in _OF_ROWS
    } | {"n_steps": [Integer(1, 2**20)]}
    segment, n_channels = 1, None
    _shorter = "Lower n_steps, or take fewer units."

    def __init__(
        self,
        *,
        cell: Cell = "lstm",
        hidden_size: int = 32,
        n_layers: int = 1,
        bidirectional: bool = False,
        residual: bool = False,
        n_heads: int = 4,
        head_size: int = 0,
        embedding_size: int | None = None,
        n_tokens: int | None = None,
        id_column: Hashable | None = None,
        time_column: Hashable | None = None,
        n_steps: int = 128,
        memory: int | None = None,
        standardize: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        solver: Solver = "adam",
        learning_rate: Schedule = "one_cycle",
        learning_rate_init: float = 3e-3,
        alpha: float = 0.0,
        averaging: float = 0.0,
        max_iter: int | Auto = "auto",
        max_seconds: float | None = None,
        batch_size: int = 32,
        max_grad_norm: float = 1.0,
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 50,
        warm_start: bool = False,
        dtype: Dtype = "float32",
        device: Device = "cpu",
        n_jobs: int | None = None,
        random_state: RandomStateLike = 0,
        verbose: bool | int = 0,
    ):
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.n_heads = n_heads
        self.head_size = head_size
        self.embedding_size = embedding_size
        self.n_tokens = n_tokens
        self.id_column = id_column
        self.time_column = time_column
        self.n_steps = n_steps
        self.memory = memory
        self.standardize = standardize
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.solver = solver
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.averaging = averaging
        self.max_iter = max_iter
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.max_grad_norm = max_grad_norm
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.dtype = dtype
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on sequences and the labels of their steps.

        Parameters
        ----------
        X : array-like
            A list of sequences, each (n_steps,) or (n_steps, n_channels); a 3-D array, (n_samples,
            n_steps, n_channels); or a table or frame, a row for each step: of one sequence, or of
            a frame with ids those of many. Missing values (NaN) are marked for the network.
        y : array-like
            The labels of each sequence, texts, whole numbers or bools; None, NaN or ``pd.NA``
            where they are not known; of a table or frame those of its rows, on the same index if a
            Series.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the sequences' steps in the loss. Of a frame with ids a Series by id.

        Returns
        -------
        self : RNNTagger

        Raises
        ------
        ValueError
            If a parameter is out of range, a value infinite, a sequence empty, no step labelled, or
            a sequence has other labels than steps.
        """
        self._validate_params()
        with self._restored_on_error():
            self._declared_classes = None
            self._fit(X, y, sample_weight, partial=False)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one epoch on some sequences, from the weights and optimiser state of the last call.

        As ``RNNClassifier.partial_fit``.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes : array-like of shape (n_classes,), optional
            All labels; required in the first call.
        """
        self._validate_params()
        self._declare_classes(classes)
        with self._restored_on_error():
            self._fit(X, y, sample_weight, partial=True)
        return self

    def predict(self, X: Any) -> Any:
        """Predict the most probable label of each step.

        Parameters
        ----------
        X : array-like
            Sequences as in ``fit``, of any length; one sequence is a list of one, or a table or
            frame.

        Returns
        -------
        list of (n_steps,) arrays
            Of a 3-D array (n_samples, n_steps); of a table (n_steps,); of a frame a Series on its
            index.
        """
        steps, outputs = self._outputs_of_steps(X)
        return steps.results([self.classes_[np.argmax(rows, axis=1)] for rows in outputs])

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each label of each step; X as ``predict``.

        Returns
        -------
        list of (n_steps, n_classes) float64 arrays
            Of a 3-D array (n_samples, n_steps, n_classes); of a table (n_steps, n_classes); of a
            frame a DataFrame on its index, with the labels as columns.
        """
        steps, outputs = self._outputs_of_steps(X)
        return steps.results([softmax(rows, axis=1) for rows in outputs], self.classes_)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of labelled steps whose label is predicted (accuracy).

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``; labels that were not in ``fit`` count as missed.
        """
        check_is_fitted(self)
        self._require(y)
        steps, outputs = self._outputs_of_steps(X)
        labels, known = steps.known_labels(y)
        weights = self._row_weights(
            np.empty((len(steps), 0)), steps.align(sample_weight, "sample_weight")
        )
        predicted = self.classes_[np.argmax(np.concatenate(outputs), axis=1)]
        weights = np.repeat(weights, steps.lengths)[known]
        if not weights.sum() > 0:
            raise ValueError("sample_weight is zero for all labelled steps: there is no score.")
        return float(np.average(predicted[known] == labels, weights=weights))

    def _head(self):
        return "every"

    def _read(self, X, n_channels, *, reset, y=None) -> Steps:
        return read_steps(self, X, n_channels, reset=reset)

    def _read_targets(self, sequences, y, is_new=None):
        self._require(y)
        labels, known = sequences.known_labels(y)
        if is_new is not None:
            self._record_targets(labels, is_new)
        targets = np.full((len(sequences.values), 1), np.nan)
        targets[known, 0] = self._numbers_of(labels)
        no_others = np.empty((len(sequences), 0))
        return dataclasses.replace(sequences, step_targets=targets), no_others

    def _training_set(self, sequences, targets, weights, held_out):
        fraction = self.validation_fraction if held_out else 0.0
        data = tagging_set(sequences, weights, self.n_steps, fraction)
        if not (data.weights > 0).any():
            raise ValueError(
                "sample_weight is zero for all sequences with a label: there is nothing to learn "
                "from."
            )
        return data

    def _outputs_of_steps(self, X) -> tuple[Steps, list[np.ndarray]]:
        """The steps of X, and the outputs of each sequence, (n_steps, n_classes) float64."""
        check_is_fitted(self)
        self._validate_params()
        steps, network = self._read(X, self.n_channels_in_, reset=False), self.network_
        source = self.fitted_.source(steps)
        threads = network.threads_for(self.n_jobs, source, len(steps))
        with claim(self.device, threads) as workers:

            def run(firsts, lengths):
                part = source._replace(firsts=firsts, lengths=lengths)
                outputs = network.predict(part, np.arange(firsts.size), workers)
                return outputs.reshape(firsts.size, -1, network.n_out)

            windows = steps.firsts, steps.lengths, self.n_steps
            centred = network.bidirectional
            return steps, evaluate_windows(*windows, run, network.n_out, centred=centred)
