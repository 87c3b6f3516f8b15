"""RNNTranscriber: writes down the labels of a sequence, learned without their times."""

from collections.abc import Hashable
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.callbacks import with_callbacks
from tsrnn.estimators.classes import ClassesMixin
from tsrnn.estimators.memory import check_memory
from tsrnn.estimators.sequences import Sequences
from tsrnn.kernels.targets import claim
from tsrnn.parameters import NON_NEGATIVE, Integer, Number, StrOptions, validated
from tsrnn.parameters.types import Auto, Cell, Dtype, RandomStateLike, Schedule, Solver
from tsrnn.sequences.audio import MFCC, LogMel
from tsrnn.sequences.decoding import best_path
from tsrnn.sequences.label_sequences import (
    LabelSequences,
    join_texts,
    read_label_sequences,
    weighted_error_rate,
)
from tsrnn.sequences.language_model import RNNLanguageModel
from tsrnn.sequences.language_prior import LanguagePrior
from tsrnn.sequences.transcribing import (
    alignment_frame,
    by_id,
    check_feasible,
    decode,
    evaluate_sequences,
    with_step_targets,
)
from tsrnn.sequences.wave_features import WaveFeaturesMixin


class RNNTranscriber(ClassesMixin, WaveFeaturesMixin):
    """Write down the labels of sequences: speech as text, signals as the events in them.

    It learns from sequences and their labels in order, without the times at which these come, by
    connectionist temporal classification (Graves et al. 2006): at each step the network gives the
    probabilities of the labels and of a blank, and a sequence's loss is minus the logarithm of the
    probability of all ways to spread its labels over its steps.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default="lstm"
    hidden_size, n_layers, n_heads, head_size : int, default=128, 1, 4, 0
    bidirectional, residual : bool, default=True, False
        The network, as in :class:`RNNRegressor`; by default it reads in both directions.
    features : LogMel or MFCC, optional
        What makes sequences of waves or wav files, which are X then, such as ``MFCC(rate=8000)``.
    embedding_size, n_tokens : int, optional
        Tokens in the first channel, as in :class:`RNNRegressor`.
    n_channels : int, optional
    id_column, time_column : str, optional
        The form of X, as in :class:`RNNRegressor`.
    segment : int, default=1
        Steps of a sequence that the network reads at once. Speech of 100 steps a second takes half
        the time with 2. There must be as many segments as labels, and one more between equal ones.
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
        Training, as in :class:`RNNRegressor`.
    max_grad_norm, tol, validation_fraction : float, default=1.0, 0.0001, 0.1
    early_stopping, warm_start : bool, default=False
    n_iter_no_change : int, default=50
        Training, as in :class:`RNNRegressor`; the last sequences are held out.
    dtype : {"float32", "float64"}, default="float32"
    device : {"cpu", "cuda"}, default="cpu"
    n_jobs : int, optional
    random_state : int, RandomState instance or None, default=0
    verbose : bool or int, default=0
        As in :class:`RNNRegressor`; the device is the CPU.

    Attributes
    ----------
    classes_ : (n_classes,) array
        Labels, sorted; the blank is none of them.
    network_, X_mean_, X_scale_, missing_, loss_curve_, validation_scores_, n_iter_, best_iter_
        As in :class:`RNNRegressor`, and so are ``n_channels_in_``, ``n_tokens_`` and, of a table,
        ``n_features_in_``. Losses are means over sequences, in nats.
    features_ : LogMel or MFCC
        The fitted ``features``, or None.

    See Also
    --------
    RNNTagger : Labels of all steps, learned from labels of steps.
    tsrnn.sequences.label_error_rate : Errors of transcriptions.

    Examples
    --------
    Waves of three shapes, some after others, with noise between them:

    >>> import numpy as np
    >>> from tsrnn import RNNTranscriber
    >>> rng = np.random.default_rng(0)
    >>> shapes = {"A": [1, 2, 3, 2, 1], "B": [3, 1, -1, -3], "C": [-2, -2, -2]}
    >>> def wave(text):
    ...     gaps = [np.zeros(rng.integers(1, 6)) for _ in range(len(text) + 1)]
    ...     parts = [np.append(shapes[label], gap) for label, gap in zip(text, gaps)]
    ...     wave = np.concatenate([gaps[-1], *parts])
    ...     return wave + rng.normal(0, 0.3, wave.size)
    >>> texts = ["".join(rng.choice(["A", "B", "C"], rng.integers(1, 6))) for _ in range(220)]
    >>> X = [wave(text)[:, None] for text in texts]
    >>> options = {"hidden_size": 16, "max_iter": 20, "learning_rate_init": 0.02}
    >>> transcriber = RNNTranscriber(cell="gru", **options).fit(X[:200], texts[:200])
    >>> bool(transcriber.score(X[200:], texts[200:]) > 0.95)
    True
    >>> transcriber.predict([wave("ABBA")[:, None], np.zeros((9, 1))])
    ['ABBA', '']

    When each label comes:

    >>> transcriber.align(X[200:201], texts[200:201])[0].columns.tolist()
    ['label', 'start', 'end']
    """

    _parameter_constraints = {
        name: allowed
        for name, allowed in WaveFeaturesMixin._parameter_constraints.items()
        if name not in ("loss", "pooling")
    } | {"device": [StrOptions(["cpu"])], "features": [LogMel, MFCC, None]}
    loss = "ctc"
    _y_is_text: bool

    def __init__(
        self,
        *,
        cell: Cell = "lstm",
        hidden_size: int = 128,
        n_layers: int = 1,
        bidirectional: bool = True,
        residual: bool = False,
        n_heads: int = 4,
        head_size: int = 0,
        features: LogMel | MFCC | None = None,
        embedding_size: int | None = None,
        n_tokens: int | None = None,
        n_channels: int | None = None,
        id_column: Hashable | None = None,
        time_column: Hashable | None = None,
        segment: int = 1,
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
        device: Literal["cpu"] = "cpu",
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
        self.features = features
        self.embedding_size = embedding_size
        self.n_tokens = n_tokens
        self.n_channels = n_channels
        self.id_column = id_column
        self.time_column = time_column
        self.segment = segment
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
        """Train on sequences and their labels.

        Parameters
        ----------
        X, sample_weight
            As in ``RNNRegressor.fit``; best a list of (n_steps, n_channels) arrays. With
            ``features`` a list of waves and wav files, as ``LogMel.fit`` reads them.
        y : list
            The labels of each sequence in order: a text, whose labels are its characters, or a list
            of labels, which are texts, whole numbers or bools; empty where there are none, as in
            silence. Of a long frame a Series with an entry for each id.

        Returns
        -------
        self : RNNTranscriber

        Raises
        ------
        ValueError
            If a parameter is out of range, a value infinite, a label missing, or a sequence has
            fewer steps than its labels need: one for each, and one between two that are equal.
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

    @validated(
        beam_size=[Integer(1, 1000), None],
        language_model=[RNNLanguageModel, None],
        language_weight=[NON_NEGATIVE],
        label_bonus=[Number(-1e6, 1e6)],
    )
    def predict(
        self,
        X: Any,
        beam_size: int | None = None,
        language_model: RNNLanguageModel | None = None,
        language_weight: float = 0.5,
        label_bonus: float = 0.0,
    ) -> Any:
        """Transcribe sequences.

        Parameters
        ----------
        X : array-like
            Sequences as in ``fit``; one sequence is a list of one.
        beam_size : int, optional
            Prefixes kept by a beam search for the most probable labels (Hannun et al. 2014), at
            most 1000. By default those of the most probable path are taken, which is fast; or with
            a ``language_model`` 16 prefixes are kept.
        language_model : RNNLanguageModel, optional
            What is probable apart from X: a recurrent one, fitted on texts or lists of such labels,
            with ``unit="character"`` or ``unit=None``.
        language_weight : float, default=0.5
            With a ``language_model`` the factor of its log-likelihood, which is added to that of
            the labels given X; best chosen by validation data.
        label_bonus : float, default=0
            With a ``language_model`` added for each label, as the model makes long transcriptions
            improbable.

        Returns
        -------
        list of str or of (n_labels,) arrays
            In the form of ``fit``; of a long frame a Series with the ids in its index.
        """
        sequences, log_p = self._log_probabilities(X)
        prior = None
        if language_model is not None:
            weights = float(language_weight), float(label_bonus)
            prior = LanguagePrior(language_model, self.classes_.tolist(), *weights)
        numbers = decode(log_p, beam_size, prior)
        labels = [self.classes_[of_sequence - 1] for of_sequence in numbers]
        return by_id(join_texts(labels, self._y_is_text), sequences)

    def predict_proba(self, X: Any) -> Any:
        """Predict the probabilities of the blank and of each label at each step.

        Parameters
        ----------
        X : array-like
            As in ``predict``.

        Returns
        -------
        list of (n_steps, 1 + n_classes) float64 arrays
            The blank's first; rows are segments, of which the last ends with the sequence. Of a
            long frame a Series with the ids in its index.
        """
        sequences, log_p = self._log_probabilities(X)
        return by_id([np.exp(rows) for rows in log_p], sequences)

    def align(self, X: Any, y: Any) -> Any:
        """Find when each label of a known transcription comes: its steps in the most probable path.

        These are the steps at which the network gives the label, often a few where it recognises
        it, and the blank for the rest: of speech near the beginning of a word.

        Parameters
        ----------
        X, y
            As in ``fit``.

        Returns
        -------
        list of DataFrame
            Of each sequence a row for each label: ``label``, ``start``, its first step, from 0 on,
            and ``end``, the step after its last; with ``features`` both in seconds. Of a long frame
            one, with the ids in its index.

        Raises
        ------
        ValueError
            If a label was not in ``fit``, or a sequence has fewer steps than its labels need.
        """
        sequences, log_p = self._log_probabilities(X)
        targets, segment = self._read_labels(sequences, y), self.fitted_.segment
        classes = targets.split(self._numbered(sequences, targets, segment))
        frames = [
            alignment_frame(*row, segment, self._hop)
            for row in zip(targets, classes, log_p, sequences.lengths.tolist(), strict=True)
        ]
        return frames if sequences.ids is None else pd.concat(frames, keys=sequences.ids)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """One minus the label error rate of ``predict``, below 0 where more is wrong than right.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``; labels that were not in ``fit`` count as missed.
        """
        sequences, log_p = self._log_probabilities(X)
        targets = self._read_labels(sequences, y)
        weights = sequences.align(sample_weight, "sample_weight")
        weights = self._row_weights(np.empty((len(sequences), 0)), weights)
        predicted = [self.classes_[best_path(rows) - 1].tolist() for rows in log_p]
        return 1 - weighted_error_rate([row.tolist() for row in targets], predicted, weights)

    def _head(self):
        return "every"

    def _n_outputs(self, n_targets):
        return 1 + len(self.classes_)

    def _read_labels(self, sequences, y) -> LabelSequences:
        self._require(y)
        return read_label_sequences(sequences.align(y, "y"), len(sequences))

    def _numbered(self, sequences, targets: LabelSequences, segment: int) -> np.ndarray:
        """Classes of all labels, from 1 on; ValueError if a sequence has too few steps for its."""
        check_feasible(sequences, targets, segment)
        if not targets.labels.size:
            return np.empty(0, np.int64)
        return self._numbers_of(targets.labels).astype(np.int64) + 1

    def _read_targets(self, sequences, y, is_new=None):
        targets = self._read_labels(sequences, y)
        segment = self.segment if is_new else self.fitted_.segment
        if is_new:
            if not targets.labels.size and self._declared_classes is None:
                raise ValueError("y holds no label: all of it is empty. Give some labels.")
            self._record_targets(targets.labels, is_new)
            self._y_is_text = targets.are_texts
        numbers = self._numbered(sequences, targets, segment)
        sequences = with_step_targets(sequences, targets.lengths, numbers, segment)
        return sequences, np.empty((len(sequences), 0))

    def _log_probabilities(self, X) -> tuple[Sequences, list[np.ndarray]]:
        """The sequences of X, and of each the log-probabilities of its steps' classes."""
        check_is_fitted(self)
        self._validate_params()
        sequences, network = self._read(X, self.n_channels_in_, reset=False), self.network_
        source = self.fitted_.source(sequences)
        check_memory(network, source, sequences, training=False, remedy=self._shorter)
        threads = network.threads_for(self.n_jobs, source, len(sequences))
        with claim(self.device, threads) as workers:
            outputs = evaluate_sequences(network, source, self.fitted_.segment, workers)
        return sequences, [log_softmax(rows, axis=1) for rows in outputs]
