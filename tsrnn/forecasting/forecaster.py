"""RNNForecaster: a recurrent network that forecasts a pandas series."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators import RecurrentEstimator
from tsrnn.forecasting.intervals import ConformalWidths
from tsrnn.forecasting.plan import least_scale, plan
from tsrnn.kernels.windows import forecast_source, location_and_scale
from tsrnn.windowing import panel_from_series


class RNNForecaster(RecurrentEstimator):
    """Forecast a series by a recurrent network, all steps ahead at once.

    The network reads the last ``lookback`` values, scaled by the window's own last value and
    deviation, and learns what is left over the seasonal naive forecast, which it starts from. The
    end of the series is held out: it decides which epoch's weights are best and how wide prediction
    intervals are. Then the network is trained once more on the whole series for as many epochs.

    Parameters
    ----------
    horizon : int, default=12
        Steps ahead to forecast; ``predict`` takes any number up to it.
    lookback : int, optional
        Past values that the network reads. By default three seasons, or the larger of 24 and the
        horizon where there is no season; fewer for a short series.
    season : int or "auto", default="auto"
        Steps of a season. "auto" takes it from the index's frequency (12 for months, 7 for days,
        24 for hours) where the values of the last season forecast the next better than the last
        value does; else, and for a RangeIndex, 1: no season.
    transform : {"auto", "log"} or None, default="auto"
        "log" works on logarithms of the values; "auto" does so where all are positive and swing in
        proportion to their level.
    cell : {"lstm", "gru", "rnn", "rnn_relu"}, default="lstm"
        Recurrent cell: long short-term memory, gated recurrent unit, or a vanilla recurrent
        network with a tanh or a rectifier.
    hidden_size : int, default=32
        Hidden units.
    n_layers : int, default=1
        Recurrent layers, each reading the one below.
    bidirectional : bool, default=False
        Let each layer read the window in both directions.
    residual : bool, default=False
        Add a layer's inputs to its outputs, from the second layer on.
    dropout, recurrent_dropout : float, default=0.0
        Share of values dropped in training between layers, and of units on the way from each step
        to the next, the same ones for a whole window (Gal & Ghahramani 2016).
    loss : {"absolute_error", "squared_error", "huber"}, default="absolute_error"
        Loss, on the window's scale; "huber" is squared up to one deviation.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
        Optimiser; SGD has Nesterov's momentum of 0.9.
    learning_rate : {"one_cycle", "constant", "cosine", "adaptive"}, default="one_cycle"
        How the learning rate goes: up and down once over the epochs, constant, down along a cosine,
        or divided by five after two epochs without improvement.
    alpha : float, default=0.0
        L2 penalty; the weight decay of "adamw".
    max_iter : int or "auto", default="auto"
        Most epochs. "auto" makes about 2,000 minibatches of them, but 10 to 200 epochs. The
        learning rate rises and falls once over these epochs.
    batch_size : int, default=32
        Windows of a minibatch.
    learning_rate_init : float, default=0.003
        Highest learning rate.
    max_grad_norm : float, default=1.0
        Gradients longer than this are cut to it.
    early_stopping : bool, default=True
        Hold out the end of the series, keep the weights of the epoch that did best on it, and stop
        after ``n_iter_no_change`` epochs without a better one. Never a random split: that would
        show the network the future. Without it there are no prediction intervals.
    validation_fraction : float, default=0.1
        Share of the series held out; at least a horizon and a season.
    n_iter_no_change : int, default=50
        Epochs without improvement after which training stops.
    refit : bool, default=True
        After early stopping, train a new network on the whole series for the best number of epochs.
    dtype : {"float32", "float64"}, default="float32"
        Type that the network computes in.
    n_jobs : int, optional
        Threads; None and -1 mean all cores. The result is the same to the bit.
    random_state : int, RandomState instance or None, default=0
        Seed of the weights and of the order of windows; None for a different one each time.
    verbose : bool or int, default=0
        Show progress on standard error.

    Attributes
    ----------
    history_ : Series
        The series learnt from, sorted, as float64.
    network_ : RecurrentNetwork
        The trained network.
    season_, lookback_ : int
        Season and lookback in use.
    transform_ : str or None
        "log" or None, as used.
    loss_curve_ : list of float
        Mean training loss of each epoch (of the network that was judged on the held-out end).
    validation_scores_ : list of float or None
        Minus the held-out loss after each epoch; higher is better.
    n_iter_, best_iter_ : int
        Epochs run; epoch whose weights did best, 0 where nothing beat the seasonal naive forecast.

    Notes
    -----
    Long short-term memory: Hochreiter & Schmidhuber (1997). Intervals: split conformal prediction,
    Lei et al. (2018); of a short series, whose end holds few windows, they are too narrow. Ctrl-C
    during ``fit`` keeps the best weights so far, with a warning.

    Examples
    --------
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.datasets import load_airline
    >>> y = load_airline()
    >>> forecaster = RNNForecaster(horizon=12).fit(y[:-12])
    >>> forecast = forecaster.predict()
    >>> forecast.index[0], forecast.name
    (Timestamp('1960-01-01 00:00:00'), 'passengers')
    >>> error = (forecast / y[-12:] - 1).abs().mean()
    >>> bool(error < 0.05)
    True
    >>> forecaster.predict_interval(horizon=2, coverage=[0.8, 0.95]).columns.tolist()
    ['lower_80', 'upper_80', 'lower_95', 'upper_95']
    """

    _parameter_constraints = RecurrentEstimator._parameter_constraints | {
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "lookback": [Interval(Integral, 2, None, closed="left"), None],
        "season": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "transform": [StrOptions({"auto", "log"}), None],
        "refit": ["boolean"],
    }

    def __init__(
        self,
        horizon=12,
        *,
        lookback=None,
        season="auto",
        transform="auto",
        cell="lstm",
        hidden_size=32,
        n_layers=1,
        bidirectional=False,
        residual=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        loss="absolute_error",
        solver="adam",
        learning_rate="one_cycle",
        alpha=0.0,
        max_iter="auto",
        batch_size=32,
        learning_rate_init=3e-3,
        max_grad_norm=1.0,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=50,
        refit=True,
        dtype="float32",
        n_jobs=None,
        random_state=0,
        verbose=0,
    ):
        self.horizon = horizon
        self.lookback = lookback
        self.season = season
        self.transform = transform
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.loss = loss
        self.solver = solver
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_grad_norm = max_grad_norm
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.refit = refit
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, y: pd.Series | pd.DataFrame, X: None = None) -> RNNForecaster:
        """Learn to forecast a series from its history.

        Parameters
        ----------
        y : Series or DataFrame of one column
            Finite numbers on a DatetimeIndex, PeriodIndex or RangeIndex of one frequency; sorted by
            a copy where it is not.
        X : None
            For covariates, which are not supported yet.

        Returns
        -------
        RNNForecaster
            Itself.

        Raises
        ------
        ValueError
            If ``y`` has missing or infinite values, gaps, repeated time stamps or no frequency, or
            is too short; if a parameter is out of its range.
        """
        self._validate_params()
        if X is not None:
            raise ValueError("X is not supported yet: RNNForecaster learns from y alone.")
        panel, axis = panel_from_series(_one_column(y))
        settled = plan(panel.values, axis, self.get_params())
        values = np.log(panel.values) if settled.transform == "log" else panel.values
        lookback = settled.lookback
        source = forecast_source(values, lookback, settled.season, least_scale(values, lookback))
        network, history, widths = self._learn(panel, source, settled.n_held_out)
        # From here on nothing fails: a fit that did leaves what was fitted before as it was.
        self.transform_, self.season_, self.lookback_ = settled.transform, settled.season, lookback
        name, self._is_frame = _name_and_form(y)
        self.history_ = pd.Series(panel.values, axis.index, name=name, copy=True)
        self.network_ = network
        self._widths = widths
        self._source = source
        self._last_start = panel.last_starts(lookback)
        self._axis = axis
        self._record(history)
        return self

    def _learn(self, panel, source, n_held_out):
        """Train and judge a network, then train one on everything; it, its history, the widths."""
        windows = panel.window_starts(source.lookback, self.horizon)
        presents = windows + source.lookback
        first_held_out = panel.values.size - n_held_out
        learnt, judged = windows[presents + self.horizon <= first_held_out], windows[:0]
        if n_held_out:
            judged = windows[presents >= first_held_out]
        shape = (1, self.horizon)
        settings = self._settings(learnt.size)
        seed = check_random_state(self.random_state).randint(2**31)
        network, history = self._train(shape, source, learnt, judged, settings, seed)
        if not n_held_out:
            return network, history, None
        widths = ConformalWidths(self._errors(network, source, judged))
        if self.refit and history.best_iter and not history.interrupted:
            refitted, again = self._train(
                shape, source, windows, windows[:0], settings, seed, stop_after=history.best_iter
            )
            history.interrupted = again.interrupted
            network = network if again.interrupted else refitted
        return network, history, widths

    def predict(self, horizon: int | None = None, X: None = None) -> pd.Series | pd.DataFrame:
        """Forecast the steps that follow the series.

        Parameters
        ----------
        horizon : int, optional
            Number of steps, at most the ``horizon`` fitted for, which is the default.
        X : None
            For covariates, which are not supported yet.

        Returns
        -------
        Series or DataFrame
            The forecast in the form ``y`` had, indexed by what follows its index.

        Raises
        ------
        ValueError
            If ``horizon`` is below 1 or above what was fitted.
        """
        horizon = self._check_horizon(horizon, X)
        values = self._untransformed(self._centre()[:horizon])
        index = self._axis.after(horizon)
        if self._is_frame:
            return pd.DataFrame({self.history_.name: values}, index)
        return pd.Series(values, index, name=self.history_.name)

    def predict_interval(
        self,
        horizon: int | None = None,
        X: None = None,
        *,
        coverage: float | Sequence[float] = 0.9,
    ) -> pd.DataFrame:
        """Intervals meant to hold the truth with a given probability, step by step.

        Parameters
        ----------
        horizon, X
            As in ``predict``.
        coverage : float or sequence of float, default=0.9
            Probability, between 0 and 1.

        Returns
        -------
        DataFrame
            Columns ``lower_90``, ``upper_90`` for a coverage of 0.9, a pair for each.

        Raises
        ------
        ValueError
            If a coverage is not between 0 and 1, or the forecaster was fitted with
            ``early_stopping=False``, which leaves no held-out errors to measure widths by.
        """
        horizon = self._check_horizon(horizon, X)
        coverages = np.atleast_1d(np.asarray(coverage, dtype=float))
        if coverages.size == 0 or not ((coverages > 0) & (coverages < 1)).all():
            raise ValueError(f"coverage must lie between 0 and 1, got {coverage}.")
        if self._widths is None:
            raise ValueError(
                "Intervals need errors on a held-out part of y, and early_stopping=False holds "
                "none out. Fit with early_stopping=True."
            )
        centre = self._centre()
        _, scale = location_and_scale(self._source, int(self._last_start[0]))
        columns = {}
        for level in coverages:
            half_width = scale * self._widths.half_width(level)
            columns[f"lower_{100 * level:g}"] = self._untransformed(centre - half_width)[:horizon]
            columns[f"upper_{100 * level:g}"] = self._untransformed(centre + half_width)[:horizon]
        return pd.DataFrame(columns, self._axis.after(horizon))

    def _centre(self):
        """The forecast of all steps on the scale of the transformed values."""
        return self._forecast(self.network_, self._source, self._last_start)[0]

    def _untransformed(self, values):
        return np.exp(values) if self.transform_ == "log" else values

    def _check_horizon(self, horizon, X):
        check_is_fitted(self)
        if X is not None:
            raise ValueError("X is not supported yet: RNNForecaster learns from y alone.")
        fitted = self.network_.n_out
        if horizon is None:
            return fitted
        if not isinstance(horizon, Integral) or not 1 <= horizon <= fitted:
            raise ValueError(
                f"horizon must be a whole number from 1 to {fitted}, the horizon fitted for; got "
                f"{horizon!r}. Fit again with RNNForecaster(horizon=...) to see further."
            )
        return int(horizon)


def _one_column(y):
    if isinstance(y, pd.DataFrame):
        if y.shape[1] != 1:
            raise ValueError(
                f"y has {y.shape[1]} columns {list(y.columns)[:5]}; RNNForecaster forecasts one "
                "series. Take a column: y['a']."
            )
        return y.iloc[:, 0]
    return y


def _name_and_form(y):
    is_frame = isinstance(y, pd.DataFrame)
    return (y.columns[0] if is_frame else y.name), is_frame
