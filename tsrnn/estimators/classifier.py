"""RNNClassifier: predicts the class of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from tsrnn.estimators.callbacks import with_callbacks
from tsrnn.estimators.parameters import StrOptions
from tsrnn.estimators.sequence_estimator import SequenceEstimator


class RNNClassifier(ClassifierMixin, SequenceEstimator):
    """Predict the class of a sequence with a recurrent network.

    A row is one sequence. Channels are standardised, and the output weights start at zero, so the
    first prediction gives equal probabilities.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default="lstm"
        Recurrent cell: long short-term memory, gated recurrent unit, or a vanilla recurrent
        network with tanh or ReLU. "attention" is not recurrent: a Transformer with causal
        self-attention (Vaswani et al. 2017); CPU only.
    hidden_size : int, default=32
        Hidden units.
    n_layers : int, default=1
        Recurrent layers.
    bidirectional : bool, default=False
        Let each layer read the sequence in both directions.
    residual : bool, default=False
        Add a layer's inputs to its outputs, from the second layer on.
    n_heads : int, default=4
        Attention heads of ``cell="attention"``, which divide the hidden units among them.
    head_size : int, default=0
        Units of a hidden layer between the last state and the outputs; 0 for none.
    n_channels : int, default=1
        Channels of a sequence: values per step.
    segment : int, default=1
        Steps of the sequence per recurrent step, as in SegRNN (Lin et al. 2023); a remainder at the
        start of a sequence is not read.
    memory : int, optional
        Longest time lag in recurrent steps: gates are initialised to memories of 1 to ``memory``
        steps (chrono initialisation, Tallec & Ollivier 2018).
    standardize : bool, default=True
        Standardise channels to mean 0 and standard deviation 1.
    dropout, recurrent_dropout : float, default=0.0
        Dropout probability in training between layers, and of units between steps, with one mask
        for the whole sequence (Gal & Ghahramani 2016).
    class_weight : dict or "balanced", optional
        Weights of classes in the loss; "balanced" for weights inverse to their frequency.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
        Optimiser; SGD has a Nesterov momentum of 0.9.
    learning_rate : {"one_cycle", "constant", "cosine", "adaptive"}, default="one_cycle"
        Schedule of the learning rate: up and down once over the epochs, constant, down along a
        cosine, or divided by five after two epochs without improvement.
    learning_rate_init : float, default=0.003
        Highest learning rate.
    alpha : float, default=0.0
        L2 penalty, divided by the batch size as in MLPRegressor; the weight decay of "adamw".
    averaging : float, default=0.0
        Decay of a moving average of the weights, which replaces them after training; 0 for none.
    max_iter : int or "auto", default="auto"
        Maximum number of epochs; "auto" for about 2,000 minibatches, in 10 to 200 epochs.
    batch_size : int, default=32
        Sequences per minibatch.
    max_grad_norm : float, default=1.0
        Norm that larger gradients are clipped to.
    tol : float, default=1e-4
        Least improvement of the loss that counts, for the schedules "constant" and "adaptive"; the
        others end by themselves.
    early_stopping : bool, default=False
        Hold out the last rows of each class, keep the weights of the epoch with the best loss on
        them, and stop after ``n_iter_no_change`` epochs without a better one. Rows are not split at
        random, which would show the network the future.
    validation_fraction : float, default=0.1
        Share of rows held out for validation.
    n_iter_no_change : int, default=50
        Epochs without improvement after which training stops.
    warm_start : bool, default=False
        Let ``fit`` continue from the weights and scales of the last fit.
    dtype : {"float32", "float64"}, default="float32"
        Floating-point type of the network.
    device : {"cpu", "cuda"}, default="cpu"
        Device that networks are trained and run on. "cuda", an NVIDIA GPU, needs ``tsrnn[cuda12]``
        or ``tsrnn[cuda13]``, and suits large batches. A fitted estimator predicts on either device;
        pickles and saved files do not store it.
    n_jobs : int, optional
        CPU threads; None and -1 for all cores. Results are the same to the bit.
    random_state : int, RandomState instance or None, default=0
        Seed of the initial weights and of the order of rows; None for a new one each time.
    verbose : bool or int, default=0
        Show progress: a bar if tqdm is installed, else a line per tenth on standard error.

    Attributes
    ----------
    classes_ : (n_classes,) array
        Class labels, sorted.
    network_ : Network
        The trained network.
    X_mean_, X_scale_ : (n_channels,) arrays
        Mean and standard deviation that channels are standardised by.
    missing_ : "tell" or None
        "tell" if the network reads which values are missing, as it does if some were in ``fit``.
    loss_curve_ : list of float
        Mean training loss of each epoch.
    validation_scores_ : list of float or None
        Minus the validation loss after each epoch; higher is better.
    n_iter_, best_iter_ : int
        Number of epochs; the epoch whose weights are kept.
    n_features_in_ : int
        Columns of X, if it was a table.

    See Also
    --------
    RNNRegressor : Numbers instead of classes.

    Notes
    -----
    Rows of equal sequence and class are merged into one with the sum of their weights, and their
    order depends on their content alone: a weight of two is the same as two copies, to the last
    bit.

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
    """

    _parameter_constraints = SequenceEstimator._parameter_constraints | {
        "class_weight": [dict, StrOptions({"balanced"}), None]
    }
    del _parameter_constraints["loss"]
    loss = "cross_entropy"
    _declared_classes: np.ndarray | None = None

    def __init__(
        self,
        *,
        cell="lstm",
        hidden_size=32,
        n_layers=1,
        bidirectional=False,
        residual=False,
        n_heads=4,
        head_size=0,
        n_channels=1,
        segment=1,
        memory=None,
        standardize=True,
        dropout=0.0,
        recurrent_dropout=0.0,
        class_weight=None,
        solver="adam",
        learning_rate="one_cycle",
        learning_rate_init=3e-3,
        alpha=0.0,
        averaging=0.0,
        max_iter="auto",
        batch_size=32,
        max_grad_norm=1.0,
        tol=1e-4,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=50,
        warm_start=False,
        dtype="float32",
        device="cpu",
        n_jobs=None,
        random_state=0,
        verbose=0,
    ):
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.n_heads = n_heads
        self.head_size = head_size
        self.n_channels = n_channels
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
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RNNClassifier:
        """Train on sequences and their classes.

        Parameters
        ----------
        X : array-like
            One sequence per row: (n_samples, n_timesteps) of one channel; (n_samples, n_timesteps *
            n_channels), step after step; (n_samples, n_timesteps, n_channels); or a list of arrays,
            which may differ in length. Missing values (NaN) before a sequence's first value make it
            shorter; later ones are marked for the network.
        y : array-like of shape (n_samples,)
            Class labels, of any type.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of rows in the loss; an integer weight is the same as as many copies.

        Returns
        -------
        RNNClassifier
            Itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, a value infinite, a sequence empty or a shape wrong.
        """
        self._validate_params()
        with self._restored_on_error():
            self._declared_classes = None
            self._fit(X, y, sample_weight, partial=False)
        return self

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> RNNClassifier:
        """Train one epoch on some sequences, from the weights and optimiser state of the last call.

        Scales of channels are those of the first call; the learning rate is constant.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes : array-like of shape (n_classes,), optional
            All classes; required in the first call.

        Returns
        -------
        RNNClassifier
            Itself.
        """
        self._validate_params()
        if classes is None and not hasattr(self, "classes_"):
            raise ValueError("classes must be given to the first call of partial_fit.")
        if classes is not None:
            classes = unique_labels(classes)
            if hasattr(self, "classes_") and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes {classes.tolist()} differ from those of the first call, "
                    f"{self.classes_.tolist()}."
                )
        self._declared_classes = classes
        with self._restored_on_error():
            self._fit(X, y, sample_weight, partial=True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the most probable class of each sequence, (n_samples,).

        Parameters
        ----------
        X : array-like
            Sequences as in ``fit``, of any length.
        """
        outputs = self._outputs(X)
        return self.classes_[np.argmax(outputs, axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class, (n_samples, n_classes) float64."""
        return softmax(self._outputs(X), axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the log-probability of each class, (n_samples, n_classes) float64."""
        return log_softmax(self._outputs(X), axis=1)

    def _check_targets(self, y):
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        return y

    def _record_targets(self, y, is_new):
        if is_new:
            declared = self._declared_classes
            self.classes_ = np.unique(y) if declared is None else declared

    def _encode(self, y):
        numbers = np.searchsorted(self.classes_, y)
        known = self.classes_[np.minimum(numbers, len(self.classes_) - 1)] == y
        if not known.all():
            raise ValueError(
                f"y holds classes that are not in classes_: {np.unique(y[~known]).tolist()}."
            )
        return numbers[:, None].astype(float)

    def _target_state(self):
        return {"loss": self.loss, "loss_params": (), "y_mean": None, "y_scale": None}

    def _row_weights(self, targets, sample_weight):
        weights = super()._row_weights(targets, sample_weight)
        classes = self.classes_[targets[:, 0].astype(int)]
        return weights * compute_sample_weight(self.class_weight, classes)

    def _n_outputs(self, n_targets):
        return len(self.classes_)

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
