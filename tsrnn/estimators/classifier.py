"""RNNClassifier: predicts the class of a sequence."""

from collections.abc import Hashable
from typing import Any, Literal, Self

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from tsrnn.estimators.callbacks import with_callbacks
from tsrnn.estimators.classes import ClassesMixin, checked_labels
from tsrnn.estimators.long_frames import labelled
from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.parameters import StrOptions, Weights, check_parameter, naming
from tsrnn.parameters.types import (
    Auto,
    Cell,
    Device,
    Dtype,
    Pooling,
    RandomStateLike,
    Schedule,
    Solver,
)


class RNNClassifier(ClassesMixin, ClassifierMixin, SequenceEstimator):
    """Predict the class of a sequence with a recurrent network.

    A row is one sequence. Channels are standardised, and the output weights start at zero, so the
    first prediction gives equal probabilities.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default="lstm"
    hidden_size, n_layers, n_heads, head_size : int, default=32, 1, 4, 0
    bidirectional, residual : bool, default=False
        The network, as in :class:`RNNRegressor`.
    embedding_size, n_tokens : int, optional
    pooling : {"last", "mean", "max", "attention"}, default="last"
        Tokens, and what the outputs read of the steps, as in :class:`RNNRegressor`.
    n_channels : int, optional
    id_column, time_column : str, optional
        The form of X, as in :class:`RNNRegressor`.
    segment : int, default=1
    memory : int, optional
    standardize : bool, default=True
    dropout, recurrent_dropout : float, default=0.0
        As in :class:`RNNRegressor`; there are no targets to standardise.
    class_weight : dict or "balanced", optional
        Weights of classes in the loss; "balanced" for weights inverse to their frequency.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
    learning_rate : {"one_cycle", "constant", "cosine", "adaptive"}, default="one_cycle"
    learning_rate_init, alpha, averaging : float, default=0.003, 0.0, 0.0
    max_iter : int or "auto", default="auto"
    max_seconds : float, optional
    batch_size : int, default=32
        Training, as in :class:`RNNRegressor`.
    early_stopping : bool, default=False
        As in :class:`RNNRegressor`, with the last rows of each class held out.
    max_grad_norm, tol, validation_fraction : float, default=1.0, 0.0001, 0.1
    n_iter_no_change : int, default=50
    warm_start : bool, default=False
        Training, as in :class:`RNNRegressor`.
    dtype : {"float32", "float64"}, default="float32"
    device : {"cpu", "cuda"}, default="cpu"
    n_jobs : int, optional
    random_state : int, RandomState instance or None, default=0
    verbose : bool or int, default=0
        As in :class:`RNNRegressor`.

    Attributes
    ----------
    classes_ : (n_classes,) array
        Class labels, sorted.
    network_, X_mean_, X_scale_, missing_, loss_curve_, validation_scores_, n_iter_, best_iter_
        As in :class:`RNNRegressor`, and so are ``n_features_in_`` and ``n_tokens_``.

    See Also
    --------
    RNNRegressor : Numbers instead of classes.
    RNNTagger : A label for each step of a sequence.
    SlidingWindows : Rows of a frame as sequences, in a Pipeline.
    Tokenizer : Texts as sequences, in a Pipeline.

    Examples
    --------
    Is the highest or the lowest of nine values first?

    >>> import numpy as np
    >>> from tsrnn import RNNClassifier
    >>> X = np.random.default_rng(0).normal(size=(3000, 9))
    >>> y = np.where(X.argmax(axis=1) < X.argmin(axis=1), "highest", "lowest")
    >>> classifier = RNNClassifier(cell="gru").fit(X[:2500], y[:2500])
    >>> bool(classifier.score(X[2500:], y[2500:]) > 0.9)
    True

    Texts, by the words in them:

    >>> from sklearn.pipeline import make_pipeline
    >>> from tsrnn import Tokenizer
    >>> texts = ["a great film", "dull and long", "great fun", "a dull plot"]
    >>> labels = ["good", "bad", "good", "bad"]
    >>> classifier = RNNClassifier(embedding_size=8, pooling="mean", hidden_size=8)
    >>> model = make_pipeline(Tokenizer("word"), classifier).fit(texts, labels)
    >>> model.predict(["what a great plot", "dull"]).tolist()
    ['good', 'bad']
    """

    _parameter_constraints = SequenceEstimator._parameter_constraints | {
        "class_weight": [dict, StrOptions(["balanced"]), None]
    }
    del _parameter_constraints["loss"]

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
        pooling: Pooling = "last",
        n_channels: int | None = None,
        id_column: Hashable | None = None,
        time_column: Hashable | None = None,
        segment: int = 1,
        memory: int | None = None,
        standardize: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
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
        self.pooling = pooling
        self.n_channels = n_channels
        self.id_column = id_column
        self.time_column = time_column
        self.segment = segment
        self.memory = memory
        self.standardize = standardize
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.class_weight = class_weight
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

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on sequences and their classes; errors are those of ``RNNRegressor.fit``.

        Parameters
        ----------
        X, sample_weight
            As in ``RNNRegressor.fit``: an integer weight is the same as as many copies.
        y : array-like of shape (n_samples,)
            Class labels, of any type that can be sorted; none may be missing. Of a long frame a
            Series or DataFrame with an entry for each id, in its index or ``id_column``.

        Returns
        -------
        self : RNNClassifier
        """
        self._validate_params()
        with self._restored_on_error():
            self._declared_classes = None
            self._fit(X, y, sample_weight, partial=False)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one epoch on some sequences, from the weights and optimiser state of the last call.

        Scales of channels are those of the first call; the learning rate is constant. After Ctrl-C,
        a KeyboardInterrupt, the classifier is as before: the rows were not learnt.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes : array-like of shape (n_classes,), optional
            All classes; required in the first call.
        """
        self._validate_params()
        self._declare_classes(classes)
        with self._restored_on_error():
            self._fit(X, y, sample_weight, partial=True)
        return self

    def predict(self, X: Any) -> Any:
        """Predict the most probable class of each sequence.

        Parameters
        ----------
        X : array-like
            Sequences as in ``fit``, of any length; one sequence is a list of one.

        Returns
        -------
        (n_samples,) array, or of a long frame a Series with the ids in its index
        """
        outputs, ids = self._outputs(X)
        return labelled(self.classes_[np.argmax(outputs, axis=1)], ids)

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each class, (n_samples, n_classes) float64; X as ``predict``.

        Of a long frame a DataFrame, with the ids in its index and the classes as columns.
        """
        outputs, ids = self._outputs(X)
        return labelled(softmax(outputs, axis=1), ids, self.classes_)

    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithms of what ``predict_proba`` returns."""
        outputs, ids = self._outputs(X)
        return labelled(log_softmax(outputs, axis=1), ids, self.classes_)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of sequences whose class is predicted (accuracy).

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        """
        y, sample_weight = self._in_order(X, y, sample_weight)
        return super().score(X, checked_labels(y, "y"), sample_weight)

    @naming("y")
    def _check_targets(self, y):
        y = checked_labels(y, "y")
        check_classification_targets(y)
        return y

    def _encode(self, y):
        return self._numbers_of(y)[:, None]

    def _row_weights(self, targets, sample_weight):
        if isinstance(self.class_weight, dict):
            check_parameter("class_weight", self.class_weight, [Weights()], type(self).__name__)
        weights = super()._row_weights(targets, sample_weight)
        classes = self.classes_[targets[:, 0].astype(int)]
        return weights * compute_sample_weight(self.class_weight, classes)

    def _split(self, targets):
        """Rows to train on, and the last ones of each class for validation."""
        train, validation = [], []
        for number in np.unique(targets):
            rows = np.flatnonzero(targets[:, 0] == number)
            n_held_out = int(np.ceil(self.validation_fraction * len(rows)))
            if n_held_out >= len(rows):
                raise ValueError(
                    "early_stopping=True holds rows of each class out, and class "
                    f"{self.classes_[[int(number)]].tolist()[0]!r} has {len(rows)} in all. Use "
                    "early_stopping=False, or give more rows."
                )
            train.append(rows[:-n_held_out])
            validation.append(rows[-n_held_out:])
        return np.sort(np.concatenate(train)), np.sort(np.concatenate(validation))
