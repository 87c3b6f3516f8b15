"""RNNRegressor: predicts one or more numbers from a sequence."""

from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array

from tsrnn.estimators.callbacks import with_callbacks
from tsrnn.estimators.long_frames import labelled
from tsrnn.estimators.quantiles import LIKELIHOODS, fitted_quantiles
from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.estimators.sequence_model import mean_and_scale
from tsrnn.estimators.sequences import LARGEST
from tsrnn.kernels.losses import find_loss
from tsrnn.parameters import BOOLEAN, Probabilities, naming, validated
from tsrnn.parameters.types import (
    Auto,
    Cell,
    Device,
    Dtype,
    Loss,
    Pooling,
    RandomStateLike,
    Schedule,
    Solver,
)


class RNNRegressor(RegressorMixin, SequenceEstimator):
    """Predict one or more numbers from a sequence with a recurrent network.

    A row is one sequence. Channels and targets are standardised, and the output weights start at
    zero, so the first prediction is the mean of y.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default="lstm"
        Recurrent cell: long short-term memory, gated recurrent unit, or a vanilla recurrent network
        with tanh or ReLU. "attention" is not recurrent: a Transformer with causal self-attention
        (Vaswani et al. 2017); CPU only.
    hidden_size, n_layers : int, default=32, 1
        Hidden units of each layer; layers, each reading the one below.
    bidirectional, residual : bool, default=False
        Let layers read the sequence in both directions; add a layer's inputs to its outputs, from
        the second layer on.
    n_heads, head_size : int, default=4, 0
        Heads of ``cell="attention"``, which divide the hidden units; units of a hidden layer
        between what the steps give and the outputs, 0 for none.
    embedding_size, n_tokens : int, optional
        Width of the embedding of tokens, learned with the network: the first channel of X then
        holds tokens, whole numbers from 0 on (see :class:`Tokenizer`), the others numbers. Number
        of tokens, by default the largest of ``fit`` plus 1. CPU only.
    pooling : {"last", "mean", "max", "attention"}, default="last"
        What the outputs read of the steps: the last of each direction, their mean or maximum, or a
        mean weighted by attention with a learned query.
    n_channels : int, optional
        Channels of a sequence: values per step. Inferred from X by default: the last axis of 3-D
        arrays and of a list's arrays, the columns of a long frame and of :class:`SlidingWindows`;
        else one.
    id_column, time_column : str, optional
        Columns of a long frame, a row for each step: ids of the sequences, and their times.
    segment : int, default=1
        Steps of the sequence per recurrent step, as in SegRNN (Lin et al. 2023); a remainder at the
        start of a sequence is not read.
    memory : int, optional
        Longest time lag in recurrent steps: gates are initialised to memories of 1 to ``memory``
        steps (chrono initialisation, Tallec & Ollivier 2018).
    standardize : bool, default=True
        Standardise channels, but for tokens, and targets to mean 0 and standard deviation 1.
    dropout, recurrent_dropout : float, default=0.0
        Dropout probability in training between layers, and of units between steps, with one mask
        for the whole sequence (Gal & Ghahramani 2016).
    loss : str, default="squared_error"
        Training loss, on standardised targets: "squared_error", "absolute_error" or "huber", which
        is quadratic up to one standard deviation; "quantile" learns all ``quantiles``; "gaussian"
        and "student_t" learn mean and scale by maximum likelihood. For targets of 0 or more, which
        are divided by their mean alone (counts by 1 + the mean): "poisson" and "negative_binomial"
        of counts, and "tweedie" of amounts, learn the logarithm of the mean, and the last two a
        dispersion.
    quantiles : sequence of float, default=(0.1, 0.5, 0.9)
        Levels of the loss "quantile"; ``predict`` returns the one nearest to the median.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
        Optimiser; SGD has a Nesterov momentum of 0.9.
    learning_rate : {"one_cycle", "constant", "cosine", "adaptive"}, default="one_cycle"
        Schedule of the learning rate: up and down once over the epochs, constant, down along a
        cosine, or divided by five after two epochs without improvement.
    learning_rate_init, max_grad_norm : float, default=0.003, 1.0
        Highest learning rate; norm that larger gradients are clipped to.
    alpha : float, default=0.0
        L2 penalty, divided by the batch size as in MLPRegressor; the weight decay of "adamw".
    averaging : float, default=0.0
        Decay of a moving average of the weights, which replaces them after training; 0 for none.
    max_iter, batch_size : int or "auto", int, default="auto", 32
        Most epochs, "auto" for about 2,000 minibatches in 10 to 200; sequences per minibatch.
    max_seconds : float, optional
        Seconds that ``fit`` may take, from its call to its return; one minibatch is always trained
        on, and compiling it is not cut short. Where they do not suffice for all epochs the schedule
        of the learning rate is gone through faster, to end with them; with ``early_stopping`` the
        weights of the best epoch are kept. Results then depend on the speed of the computer.
    tol : float, default=1e-4
        Least improvement of the loss that counts, for the schedules "constant" and "adaptive".
    early_stopping : bool, default=False
        Hold out the last rows, keep the weights of the epoch with the best loss on them, and stop
        after ``n_iter_no_change`` epochs without a better one. Never a random split: it would show
        the future.
    validation_fraction, n_iter_no_change : float, int, default=0.1, 50
        Share of rows held out; epochs without improvement after which training stops.
    warm_start : bool, default=False
        Let ``fit`` continue from the weights and scales of the last fit.
    dtype : {"float32", "float64"}, default="float32"
        Floating-point type of the network.
    device : {"cpu", "cuda"}, default="cpu"
        Where networks are trained and run. "cuda", an NVIDIA GPU, needs ``tsrnn[cuda12]`` or
        ``tsrnn[cuda13]``, and suits large batches and thousands of networks. A fitted estimator
        predicts on either device; pickles and saved files do not store it.
    n_jobs : int, optional
        CPU threads; None and -1 for all cores. Results are the same to the bit.
    random_state : int, RandomState instance or None, default=0
        Seed of the initial weights and of the order of rows; None for a new one each time.
    verbose : bool or int, default=0
        Show progress: a bar if tqdm is installed and standard error is a terminal or notebook, else
        a line per tenth there.

    Attributes
    ----------
    network_ : Network
        The trained network.
    X_mean_, X_scale_, y_mean_, y_scale_ : (n_channels,) and (n_outputs,) arrays
        Mean and standard deviation that channels and targets are standardised by.
    n_channels_in_, n_tokens_ : int
        Channels of the sequences of ``fit``; tokens of the embedding, 0 without one.
    missing_ : "tell" or None
        "tell" if the network reads which values are missing, as it does if some were in ``fit``.
    loss_curve_, validation_scores_ : list of float
        Mean training loss of each epoch; minus the validation loss after it, or None.
    n_iter_, best_iter_ : int
        Number of epochs; the epoch whose weights are kept.
    fit_time_ : float
        Seconds that the last ``fit`` or ``partial_fit`` took; not kept in saved files.
    n_features_in_, n_outputs_, loss_, quantiles_ : int, int, str, tuple
        Columns of X, if it was a table; targets per row; training loss, and its quantiles if any.

    See Also
    --------
    RNNClassifier : Classes instead of numbers.
    RNNForecaster : The next values of a series.
    SlidingWindows : Rows of a frame as sequences, in a Pipeline.
    tsrnn.plotting.LossCurveDisplay : Draw the training.

    Notes
    -----
    Rows of equal sequence and target are merged into one with the sum of their weights, and their
    order depends on their content alone: a weight of two is the same as two copies, to the last
    bit. Long short-term memory: Hochreiter & Schmidhuber (1997). Ctrl-C during ``fit`` keeps the
    best weights so far, with a warning, once training has begun; in a search or cross-validation it
    is a KeyboardInterrupt.

    Examples
    --------
    The adding problem: of two channels, numbers and marks, predict the sum of two marked numbers.

    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(2000, 10, random_state=0)
    >>> regressor = RNNRegressor(cell="gru").fit(X[:1500], y[:1500])
    >>> bool(regressor.score(X[1500:], y[1500:]) > 0.9)
    True
    """

    _parameter_constraints = SequenceEstimator._parameter_constraints | {
        "quantiles": [Probabilities()]
    }

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
        loss: Loss = "squared_error",
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
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
        self.loss = loss
        self.quantiles = quantiles
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
        tags.target_tags.multi_output = True
        return tags

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on sequences and their targets.

        Parameters
        ----------
        X : array-like
            One sequence per row: (n_samples, n_timesteps) of one channel; (n_samples, n_timesteps *
            n_channels), step after step; (n_samples, n_timesteps, n_channels); or a list of arrays,
            which may differ in length. Or a long frame of pandas or polars, a row for each step,
            with ids and times in ``id_column`` and ``time_column`` or on a MultiIndex. Missing
            values (NaN) before a sequence's first value make it shorter; later ones are marked for
            the network.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, finite. Of a long frame a Series or DataFrame with an entry for each id, in its
            index or ``id_column``.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of rows in the loss; an integer weight is the same as as many copies. Of a long
            frame by id, as ``y``.

        Returns
        -------
        self : RNNRegressor

        Raises
        ------
        ValueError
            If a parameter is out of range, a value infinite, a sequence empty or a shape wrong.
        """
        self._validate_params()
        with self._restored_on_error():
            self._fit(X, y, sample_weight, partial=False)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch on some sequences, from the weights and optimiser state of the last call.

        Scales are those of the first call; the learning rate is constant. Parameters: see ``fit``.
        After Ctrl-C, a KeyboardInterrupt, the regressor is as before: the rows were not learnt.
        """
        self._validate_params()
        with self._restored_on_error():
            self._fit(X, y, sample_weight, partial=True)
        return self

    @validated(return_std=[BOOLEAN])
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the mean of each target, or with loss="quantile" the level nearest to the median.

        Parameters
        ----------
        X : array-like
            Sequences as in ``fit``, of any length; one sequence is a list of one.
        return_std : bool, default=False
            Also return the standard deviation, of losses that learn a distribution.

        Returns
        -------
        (n_samples,) or (n_samples, n_outputs) float64 array, or two of them
            Of a long frame a Series or DataFrame with the ids in its index.
        """
        outputs, ids = self._outputs_by_target(X)
        loss = find_loss(self.loss_)
        point = self.y_mean_ + self.y_scale_ * loss.point(outputs, self.quantiles_)
        point = labelled(self._in_shape_of_y(point), ids)
        if not return_std:
            return point
        self._check_likelihood("return_std=True")
        return point, labelled(
            self._in_shape_of_y(self.y_scale_ * loss.std(outputs, self.y_scale_)), ids
        )

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination (R squared) of the predictions.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        """
        return super().score(X, *self._in_order(X, y, sample_weight))

    @validated(quantiles=[Probabilities(scalar=True), None])
    def predict_quantiles(self, X: Any, quantiles: Any = None) -> np.ndarray:
        """Predict quantiles of each target, which never cross.

        Parameters
        ----------
        X : array-like
            Sequences as in ``fit``.
        quantiles : sequence of float, optional
            Levels between 0 and 1, by default those fitted. With loss="quantile" only those, with
            losses that learn a distribution any.

        Returns
        -------
        (n_samples, n_quantiles) or (n_samples, n_outputs, n_quantiles) float64 array
            Of a long frame and one target a DataFrame with the ids in its index.
        """
        outputs, ids = self._outputs_by_target(X)
        loss = find_loss(self.loss_)
        fitted = np.asarray(self.quantiles_ if loss.takes_quantiles else self.quantiles, float)
        wanted = fitted if quantiles is None else np.atleast_1d(np.asarray(quantiles, float))
        if loss.takes_quantiles:
            values = fitted_quantiles(outputs, fitted, wanted)
        else:
            self._check_likelihood("predict_quantiles")
            unit = self.y_scale_
            values = np.stack([loss.quantile(outputs, level, (), unit) for level in wanted], axis=1)
        values = np.moveaxis(self.y_mean_ + self.y_scale_ * values, 1, 2)
        return labelled(values[:, 0], ids, wanted) if self._y_is_1d else values

    @naming("y")
    def _check_targets(self, y):
        y = check_array(
            y, dtype=np.float64, ensure_2d=False, allow_nd=False, input_name="y", estimator=self
        )
        if (np.abs(y) > LARGEST).any():
            raise ValueError(f"y holds a value beyond {LARGEST:g}. Give it in a larger unit.")
        if find_loss(self.loss).is_positive and (y < 0).any():
            raise ValueError(
                f"y holds {y.min():g}, and loss={self.loss!r} is of values of 0 or more. Correct "
                "y, or use another loss."
            )
        return y

    def _record_targets(self, y, is_new):
        self.loss_, takes_quantiles = self.loss, find_loss(self.loss).takes_quantiles
        self.quantiles_ = self._loss_params() if takes_quantiles else ()
        if is_new:
            self._y_is_1d = y.ndim == 1
            self.n_outputs_ = 1 if self._y_is_1d else y.shape[1]

    def _encode(self, y):
        targets = y.reshape(len(y), -1)
        if targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.shape[1]} outputs, and {self.n_outputs_} were fitted before."
            )
        return targets

    def _target_state(self):
        params = find_loss(self.loss_).params_for(self.quantiles_)
        scales = {"y_mean": self.y_mean_, "y_scale": self.y_scale_}
        return {"loss": self.loss_, "loss_params": params, **scales}

    def _fit_scales(self, sequences, targets, weights, rows):
        super()._fit_scales(sequences, targets, weights, rows)
        self.y_mean_, self.y_scale_ = np.zeros(self.n_outputs_), np.ones(self.n_outputs_)
        if self.standardize and find_loss(self.loss_).is_positive:
            self.y_scale_ = _unit_of(targets[rows], weights[rows], self.loss_)
        elif self.standardize:
            self.y_mean_, self.y_scale_ = mean_and_scale(lambda: [(targets[rows], weights[rows])])

    def _outputs_by_target(self, X):
        """Outputs (n_samples, outputs per target, n_outputs); ids."""
        outputs, ids = self._outputs(X)
        return outputs.reshape(len(outputs), -1, self.n_outputs_), ids

    def _check_likelihood(self, what):
        """Raise ValueError if the loss has no scale."""
        if not find_loss(self.loss_).is_likelihood:
            raise ValueError(
                f"{what} needs a loss that learns the spread: fit with loss={LIKELIHOODS}, not "
                f"{self.loss_!r}."
            )

    def _in_shape_of_y(self, values):
        return values[:, 0] if self._y_is_1d else values


def _unit_of(targets, weights, loss):
    """What targets that are never negative are divided by, (n_targets,).

    Their weighted mean, where it is above 0; of counts 1 + the mean of all.
    """
    mean = np.average(targets, axis=0, weights=weights)
    if find_loss(loss).is_whole:
        return np.full(mean.shape, 1 + mean.mean())
    return np.where(mean > 0, mean, 1.0)
