"""RNNAnomalyDetector: anomalies as errors of recurrent networks."""

import dataclasses
import logging
import warnings
from collections.abc import Hashable, Sequence
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.detector import AnomalyDetector
from tsrnn.anomaly.fitted import FittedNetworks
from tsrnn.anomaly.forecast_errors import DETECTOR_LOSSES, ForecastErrors
from tsrnn.anomaly.next_row import row_by_channel
from tsrnn.anomaly.partitions import drawn_panel, fit_on_engine, good_panel
from tsrnn.anomaly.reconstruction import Reconstruction
from tsrnn.anomaly.seasonality import resolved_seasons
from tsrnn.anomaly.streaming import StreamScores, Update, thresholds_of, update_of
from tsrnn.anomaly.whole_updates import whole_update
from tsrnn.data import Location, affected
from tsrnn.distributed import engine_of
from tsrnn.estimators.base import BATCHES, N_NETWORKS, RecurrentEstimator
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.fitter import mean_history
from tsrnn.kernels.losses import find_loss
from tsrnn.network import RecurrentNetwork
from tsrnn.parameters import (
    POSITIVE_INTEGER,
    STEPS,
    Integer,
    ListOf,
    StrOptions,
    sample_seed,
    user_level,
)
from tsrnn.parameters.types import (
    Auto,
    Device,
    Dtype,
    Loss,
    Missing,
    RandomStateLike,
    RecurrentCell,
    Schedule,
    Solver,
)
from tsrnn.training import Budget, train_many

_log = logging.getLogger("tsrnn")
_SEASONS = ListOf(POSITIVE_INTEGER, least=1, arrays=True)
_MIN_OBSERVATIONS = 16  # of a training series
_MINIBATCHES = 300  # of a series; with more, networks learn the anomalies too
_MAX_MINIBATCHES = 3000  # of a panel
_MAX_BATCHES = 100  # of an epoch


class RNNAnomalyDetector(AnomalyDetector, RecurrentEstimator):
    """Detect anomalous points and events as errors of recurrent networks.

    Networks forecast a series 1, 2, 4, ... up to ``horizon`` steps ahead. The errors of all
    forecasts of a point, and its distance from the mean, in units of typical errors, give its
    score, which is the root mean square over a ``stretch`` of points, because most anomalies last
    (Malhotra et al., "Long short term memory networks for anomaly detection in time series", ESANN
    2015). With ``method="reconstruction"`` networks encode windows into their last state, and the
    errors of their reconstruction from it are scored (Malhotra et al. 2016, arXiv 1607.00148).
    Networks are trained on all series of a panel, each standardised. Scores of normal points are
    about 1 or less. Each series starts with a state of zeros, and its smoothing at the median
    score. In its first ``max(lookback, season) + horizon`` rows, errors are larger for lack of
    history; scores there weigh less, by how large errors are after starts within the training
    series. To detect anomalies there as well as later on, put earlier rows in front of new ones, or
    fit with ``online=True`` and ``update``. A constant channel is expected to stay constant; its
    changes are scored relative to a thousandth of its size.

    Parameters
    ----------
    method : {"forecast", "reconstruction"}, default="forecast"
        Which errors are scored.
    horizon : int, default=64
        Longest lead time in steps. Short ones detect spikes; a network adapts to an anomaly that
        lasts, and then only long ones have large errors.
    lookback : int, default=64
        Steps of a training window, and of a reconstructed one.
    season : int, sequence of int or "auto", default="auto"
        Season in steps, 1 for none: inputs include the phase in it, and the value one season
        before; of further seasons the phase only. "auto" is that of the frequency, and also the
        week if that is a day, if the series is two of them long.
    stretch : int, default=100
        Span of the smoothing, 1 for none: points weigh ``(1 - 2 / (stretch + 1)) ** distance``.
        About as long as the events to detect, at most a tenth of the history: a long span misses
        short and slight events, a short one gives alarms for noise.
    online : bool, default=False
        Score each point from past values only, as in a stream, which ``update`` continues;
        otherwise also from future values. Networks are trained on all of the series either way.
    threshold : Threshold, optional
        Threshold on the scores: one of ``tsrnn.anomaly.thresholds``. With labelled anomalies see
        :meth:`tune_threshold`.
    contamination : float or "auto", default="auto"
        Without a threshold, the share of anomalies in the training points; "auto" is
        ``RobustZThreshold(min_excess=0.1)``, with ``online=True``
        ``ConformalThreshold(0.01, min_excess=0.1)``: an alarm is above the median score by at
        least a tenth of a typical error.
    missing : {"raise", "mask"}, default="raise"
        Refuse missing values and rows, or skip them: networks then keep their state.
    errors : {"raise", "skip"}, default="raise"
        Whether a series that cannot be read (gaps, missing values, too few rows in a frame of Dask,
        Spark or Ray) is an error, or left out, of one process with a warning.
    n_sample : int, optional
        Fit to so many series of a panel, drawn by the hash of label and ``random_state``. A frame
        of Dask, Spark or Ray is fitted by a sample; networks and threshold are then those of the
        sample.
    id_column, time_column : str, optional
        Columns of a long frame; all others are channels.
    cell : {"lstm", "gru", "rnn", "rnn_relu"}, default="gru"
        Recurrent cell. A GRU has a quarter fewer weights than the LSTM that forecasters have.
    hidden_size, n_layers : int, default=32, 1
    dropout, recurrent_dropout : float, default=0.0
        The network, as in :class:`RNNRegressor`.
    n_estimators : int, default=1
        Networks with different random weights; their outputs are averaged.
    loss : {"absolute_error", "squared_error", "huber", "gaussian"}, default="absolute_error"
        Training loss. With "gaussian" errors are in units of their predicted spread: for series
        whose volatility varies.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
    learning_rate : {"one_cycle", "constant", "cosine", "adaptive"}, default="one_cycle"
    learning_rate_init, alpha, max_grad_norm : float, default=0.003, 0.0, 1.0
    batch_size : int, default=32
        Training, as in :class:`RNNRegressor`.
    max_iter : int or "auto", default="auto"
        Epochs. "auto" makes 300 minibatches, for a panel more: with many more, networks learn to
        reproduce the anomalies.
    batches_per_epoch : int, None or "auto", default="auto"
        Most minibatches of an epoch, of windows drawn anew; "auto" is 100, None goes through all
        windows.
    max_seconds : float, optional
        Seconds that training may take, as in :class:`RNNRegressor`; the scores of the training
        series are computed after it.
    dtype : {"float32", "float64"}, default="float32"
    device : {"cpu", "cuda"}, default="cpu"
    n_jobs : int, optional
    random_state : int, RandomState instance or None, default=0
    verbose : bool or int, default=0
        Computation and progress, as in :class:`RNNRegressor`; scores are computed on the CPU.

    Attributes
    ----------
    fitted_, network_ : FittedNetworks, RecurrentNetwork
        The fitted state, and the first network.
    threshold_, offset_ : Threshold, float
        Fitted to the scores of the training series, and minus the initial threshold; or set by
        :meth:`tune_threshold`.
    loss_curve_ : list of float
        Training loss of each epoch, mean over the networks.
    cutoff_ : Timestamp, Period, int or Series
        The last time stamp seen, in ``fit`` or ``update``, after which ``update`` continues; of a
        panel a Series by id. Only with ``online=True``.
    seasons_, n_iter_, n_features_in_ : tuple of int, int, int
        Seasons in steps, epochs, and channels.
    fit_time_ : float
        Seconds that ``fit`` took; not kept in saved files.

    See Also
    --------
    tsrnn.anomaly.ConformalThreshold : An alarm threshold with a rate of false alarms.
    tsrnn.anomaly.Update : What ``update`` returns.
    tsrnn.anomaly.PCADetector : A baseline without a network.
    tsrnn.plotting.AnomalyDisplay : Draw scores and events.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn import RNNAnomalyDetector
    >>> hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    >>> rng = np.random.default_rng(0)
    >>> y = pd.Series(np.sin(np.arange(1000) * np.pi / 12) + 0.1 * rng.normal(size=1000), hours)
    >>> y.iloc[700:710] += 2
    >>> detector = RNNAnomalyDetector(stretch=10, random_state=0)
    >>> detector.fit(y).detect(y, n_most=1)[["start", "end"]]
                    start                 end
    0 2024-01-30 04:00:00 2024-01-30 13:00:00
    """

    _MIN_EXCESS = 0.1
    _SPAN = "stretch"

    _parameter_constraints = RecurrentEstimator._parameter_constraints | {
        **AnomalyDetector._parameter_constraints,
        "method": [StrOptions(["forecast", "reconstruction"])],
        "horizon": [STEPS],
        "lookback": [Integer(2)],
        "season": [POSITIVE_INTEGER, _SEASONS, StrOptions(["auto"])],
        "stretch": [POSITIVE_INTEGER],
        "n_estimators": [N_NETWORKS],
        "batches_per_epoch": BATCHES,
        "loss": [StrOptions(DETECTOR_LOSSES)],
        "errors": [StrOptions(["raise", "skip"])],
        "n_sample": [POSITIVE_INTEGER, None],
    }

    def __init__(
        self,
        *,
        method: Literal["forecast", "reconstruction"] = "forecast",
        horizon: int = 64,
        lookback: int = 64,
        season: int | Sequence[int] | Auto = "auto",
        stretch: int = 100,
        online: bool = False,
        threshold: Any = None,
        contamination: float | Auto = "auto",
        missing: Missing = "raise",
        errors: Literal["raise", "skip"] = "raise",
        n_sample: int | None = None,
        id_column: Hashable | None = None,
        time_column: Hashable | None = None,
        cell: RecurrentCell = "gru",
        hidden_size: int = 32,
        n_layers: int = 1,
        n_estimators: int = 1,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        loss: Loss = "absolute_error",
        solver: Solver = "adam",
        learning_rate: Schedule = "one_cycle",
        learning_rate_init: float = 3e-3,
        alpha: float = 0.0,
        max_iter: int | Auto = "auto",
        batches_per_epoch: int | Auto | None = "auto",
        max_seconds: float | None = None,
        batch_size: int = 32,
        max_grad_norm: float = 1.0,
        dtype: Dtype = "float32",
        device: Device = "cpu",
        n_jobs: int | None = None,
        random_state: RandomStateLike = 0,
        verbose: bool | int = 0,
    ):
        self.method = method
        self.horizon = horizon
        self.lookback = lookback
        self.season = season
        self.stretch = stretch
        self.online = online
        self.threshold = threshold
        self.contamination = contamination
        self.missing = missing
        self.errors = errors
        self.n_sample = n_sample
        self.id_column = id_column
        self.time_column = time_column
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.n_estimators = n_estimators
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.loss = loss
        self.solver = solver
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.max_iter = max_iter
        self.batches_per_epoch = batches_per_epoch
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.max_grad_norm = max_grad_norm
        self.dtype = dtype
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, y: Any, X: Any = None) -> Self:
        """Fit the networks, and the threshold to the scores of ``y``.

        Parameters
        ----------
        y : array, Series or DataFrame
            Training series, which may contain a few anomalies: a Series or an array (n,); several
            channels as columns; a panel on a MultiIndex of series and time, or as a long frame
            (``id_column``, ``time_column``), also of Dask, Spark or Ray: of this ``n_sample``
            series are read. Methods give for such a frame one of the same library, lazily: series
            that were not fitted are scored too, and what is usual of a series, its mean, deviation
            and typical errors, is told by the rows that are scored.
        X : None
            Ignored; for compatibility with scikit-learn's pipelines.

        Returns
        -------
        RNNAnomalyDetector, itself

        Raises
        ------
        ValueError
            If a parameter is out of its range, a series is too short, values are missing (unless
            ``missing="mask"``), infinite or not numbers, or times are missing, repeated or
            irregular.
        KeyboardInterrupt
            After Ctrl-C; the detector is as before.
        """
        engine = engine_of(y)
        if engine is not None:
            fit_on_engine(self, engine, y)
            return self
        return super().fit(y)

    def _read_series(self, y, step=None):
        if step is not None or (self.errors == "raise" and self.n_sample is None):
            return super()._read_series(y, step)
        if self.errors == "skip":
            y = good_panel(self, y)
        panel = super()._read_series(y)
        if self.n_sample is None or self.n_sample >= len(panel):
            return panel
        return drawn_panel(panel, self.n_sample, sample_seed(self.random_state))

    @property
    def networks_(self) -> list[RecurrentNetwork]:
        """All networks, ``n_estimators`` of them."""
        check_is_fitted(self)
        return list(self.fitted_.networks)

    @property
    def cutoff_(self) -> Any:
        """The last time stamp seen, after which ``update`` continues; of a panel a Series by id.

        AttributeError if the detector was not fitted with ``online=True``.
        """
        check_is_fitted(self)
        if self.fitted_.streams is None:
            raise AttributeError("Only an online detector has cutoff_: fit with online=True.")
        stamps, labels = [s.last_stamp for s in self.fitted_.streams], list(self.fitted_.labels)
        return stamps[0] if labels == [None] else pd.Series(stamps, labels, name="cutoff")

    def _chosen(self):
        threshold = f"{type(self.threshold_).__name__}, {float(self.threshold_.threshold_):.3g}"
        return {
            "series": f"{len(self.fitted_.labels):,}",
            "seasons": ", ".join(map(str, self.seasons_)) or "none",
            "threshold": threshold,
        }

    def _fit_series(self, panel):
        lengths = [len(series.values) for series in panel]
        if min(lengths) < _MIN_OBSERVATIONS:
            short = np.flatnonzero(np.array(lengths) < _MIN_OBSERVATIONS)
            raise Location(series=panel.ids[int(np.argmin(lengths))]).error(
                f"has {min(lengths)} observations, too few to learn from"
                f"{affected([panel.ids[k] for k in short])}",
                f"Give at least {_MIN_OBSERVATIONS}, better some thousand.",
            )
        self.seasons_ = resolved_seasons(self.season, panel.all_series[0].axis, max(lengths))
        if isinstance(self.season, str):
            _log.info("%s chose season=%r", type(self).__name__, self.seasons_ or 1)
        model = self._new_model(len(panel.channels), min(lengths))
        inputs = [self.fitted_.inputs(series, self.seasons_) for series in panel]
        networks = self._train_networks(model, inputs)
        self.network_ = networks[0]
        fitted, evaluations = FittedNetworks.fit(
            self.fitted_, model, self.seasons_, networks, inputs, self.online
        )
        if max(lengths) < 10 * self.stretch:
            warnings.warn(
                f"y has {max(lengths)} observations, and scores are means over "
                f"stretch={self.stretch}: too few stretches to tell what is usual. Give more "
                "history, or a shorter stretch.",
                stacklevel=user_level(),
            )
        scored = [
            fitted.scores(series, evaluation, self.stretch, self.online)
            for series, evaluation in zip(panel, evaluations, strict=True)
        ]
        if self.online:
            fitted = fitted.with_streams(panel, evaluations, scored, self.stretch)
        self.fitted_ = fitted
        return scored

    def _new_model(self, n_channels, shortest):
        lookback = min(self.lookback, shortest // 2)
        if self.method == "reconstruction":
            if find_loss(self.loss).learns_spread:
                raise ValueError(f"loss={self.loss!r} is for method='forecast'.")
            return Reconstruction(n_channels, lookback)
        powers = [2**k for k in range(self.horizon.bit_length()) if 2**k < self.horizon]
        leads = (*powers, self.horizon)
        return ForecastErrors(n_channels, leads, self.seasons_, lookback, self.loss)

    def _train_networks(self, model, inputs):
        budget = Budget.of(self.max_seconds)
        source, windows = model.source(*zip(*inputs, strict=True))
        n, seed = self.n_estimators, check_random_state(self.random_state).randint(2**31)
        rngs = [np.random.default_rng([seed, member]) for member in range(n)]
        shape = {"n_hidden": self.hidden_size, "n_layers": self.n_layers} | model.shape()
        shape |= {"dtype": self.dtype}
        networks = [RecurrentNetwork(self.cell, **shape).initialise(rng) for rng in rngs]
        settings = [self._detector_settings(windows.size, len(inputs))] * n
        with progress_bar(type(self).__name__, self.verbose) as show:
            parts = [windows] * n, [windows[:0]] * n
            parts = *parts, settings, rngs
            histories = train_many(networks, source, *parts, budget=budget, on_progress=show)
        history = mean_history(histories)
        if history.interrupted:  # to score the series and fit the threshold may take long
            raise KeyboardInterrupt("The detector is as it was before fit.")
        self._record(history)
        return networks

    def _detector_settings(self, n_windows, n_series):
        n_batches = -(-n_windows // self.batch_size)
        if self.batches_per_epoch is not None:
            is_auto = self.batches_per_epoch == "auto"
            n_batches = min(n_batches, _MAX_BATCHES if is_auto else self.batches_per_epoch)
        max_iter = self.max_iter
        if max_iter == "auto":
            n_minibatches = min(_MINIBATCHES * n_series**0.5, _MAX_MINIBATCHES)
            max_iter = max(1, round(n_minibatches / n_batches))
        settings = self._settings(n_windows)
        return dataclasses.replace(settings, max_iter=max_iter, n_batches=n_batches)

    def _score_series(self, panel):
        fitted, online = self.fitted_, self.online
        return [
            fitted.scores(series, fitted.evaluate(series, online), self.stretch, online)
            for series in panel
        ]

    @whole_update
    def update(self, y: Any) -> Update:
        """Score the observations that follow those seen so far, and add them to these.

        The cost depends on the number of new observations only, as states are carried on; scores
        are those of ``score_samples`` for all observations so far, negated, up to rounding. An
        adaptive ``threshold_``, as the default, is updated after each score, series by series.

        Parameters
        ----------
        y : number, array, Series, DataFrame or dict
            The next observations: one row or more in the form passed to ``fit``; for a single
            series also a number, or an array (n,) or (n, n_channels) for the next time stamps. One
            row may be a dict by channel, or a Series as ``frame.iloc[-1]``, whose name is its time;
            with ``time_column`` and ``id_column`` among the keys of series of long frames.

        Returns
        -------
        Update
            ``score``, ``threshold``, ``anomaly``, ``seen`` and ``expected``, of several channels
            also ``channel``, an array each, with a ``to_frame()``.

        Raises
        ------
        ValueError
            If the detector was not fitted ``online``, rows do not continue the series, or values
            are missing (without ``missing="mask"``), infinite or not numbers. Nothing is changed.
        KeyboardInterrupt
            After Ctrl-C; either all rows were taken in or none: see ``cutoff_``.
        """
        check_is_fitted(self)
        streams = self.fitted_.streams
        if streams is None:
            raise ValueError(
                "update is for a detector that looks at the past alone: fit with online=True."
            )
        channels = self.fitted_.channels
        labels = self.id_column, self.time_column
        y = row_by_channel(y, channels, labels, self.missing == "mask")
        rows, index = self._next_rows(y)
        if rows is not None:
            times = streams[0].upcoming(len(rows)) if index is None else index
            scored = streams[0].update(rows, index)
            return update_of(scored, *thresholds_of(self.threshold_, scored.score), channels, times)
        panel, skipped, parts = self._read_fitted_series(y), [], []
        positions = [self.fitted_.position(series) for series in panel]
        for series, k in zip(panel, positions, strict=True):
            allow_gap = self.missing == "mask"
            skipped.append(streams[k].n_skipped(series.axis.index, series.label, allow_gap))
        for series, k, n_steps in zip(panel, positions, skipped, strict=True):
            if n_steps:
                streams[k].update(np.full((n_steps, len(panel.channels)), np.nan))
            scored = streams[k].update(series.values, series.axis.index)
            parts.append((*scored, *thresholds_of(self.threshold_, scored.score)))
        *columns, thresholds, flags = (
            np.asarray(panel.row_series(column, "")) for column in zip(*parts, strict=True)
        )
        return update_of(StreamScores(*columns), thresholds, flags, channels, panel.index)

    def _next_rows(self, y):
        """New rows of a single series and their index, or None for rows to be read as in fit."""
        is_single = None in self.fitted_.labels
        if isinstance(y, (Real, np.ndarray, list, tuple)):
            if not is_single:
                raise ValueError("y must be a frame that says which of the series it continues.")
            rows = np.reshape(y, (1, 1)) if isinstance(y, Real) else np.asarray(y)
            rows = rows.reshape(-1, 1) if rows.ndim == 1 else rows
            is_valid = rows.dtype == np.float64 and rows.ndim == 2 and rows.size > 0
            is_valid = is_valid and bool(np.isfinite(rows).all())
            if not is_valid or rows.shape[1] != self.n_features_in_:
                rows = self._read_fitted_series(rows).all_series[0].values
            return rows, None
        is_row = isinstance(y, pd.Series) and len(y) == 1 and y.dtype == np.float64
        if is_row and is_single and self.n_features_in_ == 1:
            value = y.to_numpy().reshape(1, 1)
            if np.isfinite(value[0, 0]) and self.fitted_.streams[0].is_next(y.index[0]):
                return value, y.index
        return None, None
