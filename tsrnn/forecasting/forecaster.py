"""RNNForecaster: a recurrent network that forecasts one or thousands of series."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators import RecurrentEstimator
from tsrnn.forecasting.backtest import scale_of
from tsrnn.forecasting.intervals import ConformalWidths
from tsrnn.forecasting.plan import check_positive, plan
from tsrnn.forecasting.scaling import Scaling, recent_slope
from tsrnn.kernels.windows import forecast_source
from tsrnn.windowing import collection_from
from tsrnn.windowing.axes import step_name
from tsrnn.windowing.frames import cut, joined

# A window's least scale, where typical windows have a deviation of 1. Without it a stretch that
# hardly moves would blow up what follows it.
_LEAST_SCALE = 0.1
_MOST_JUDGED = 4000  # windows that an epoch is judged by
_MOST_BATCHES = 200  # minibatches of an "auto" epoch: beyond, windows are drawn anew for each
_PANEL_BATCHES = 3000  # minibatches in all, where windows are drawn
_KEPT = 4  # values kept of a series at least: what tells how its time stamps go on


class RNNForecaster(RecurrentEstimator):
    """Forecast one or thousands of series by a recurrent network, all steps ahead at once.

    One network learns from all series (a global model). It reads the last ``lookback`` values,
    scaled by the window's own last value and deviation, and learns what is left over the seasonal
    naive forecast, which it starts from. The end of each series is held out: it decides which
    epoch's weights are best and how wide prediction intervals are. Then the network is trained once
    more on everything for as many epochs.

    Parameters
    ----------
    horizon : int, default=12
        Steps ahead to forecast. ``predict`` takes any number; beyond what the network tells at once
        it goes on from its own forecasts. So it does where a lone series has fewer than four
        horizons: then it tells a season at a time, and the trend of the last three seasons, if it
        is steady, is taken out first.
    lookback : int, optional
        Past values that the network reads. By default three seasons, or the larger of 24 and the
        horizon where there is no season; four horizons at least in a panel; fewer of short series.
    season : int or "auto", default="auto"
        Steps of a season. "auto" takes it from the index's frequency (12 for months, 7 for days,
        24 for hours) where the values of the last season forecast the next better than the last
        value does, in half of the series at least; else, and for a RangeIndex, 1: no season.
    transform : {"auto", "log"} or None, default="auto"
        "log" works on logarithms of the values; "auto" does so where all are positive and swing in
        proportion to their level, or the levels of series differ by more than a factor of ten.
    id_column, time_column, target_column : str, default="unique_id", "ds", "y"
        Columns of a long frame.
    cell : {"lstm", "gru", "rnn", "rnn_relu"}, default="lstm"
        Recurrent cell: long short-term memory, gated recurrent unit, or a vanilla recurrent
        network with a tanh or a rectifier.
    hidden_size : int or "auto", default="auto"
        Hidden units; "auto" is 32 for one series and 128 for a panel.
    n_layers : int, default=1
        Recurrent layers, each reading the one below.
    bidirectional : bool, default=False
        Let each layer read the window in both directions.
    residual : bool, default=False
        Add a layer's inputs to its outputs, from the second layer on.
    head_size : int, default=0
        Units of a hidden layer between the last state and the forecast; 0 for none.
    segment : int or "auto", default="auto"
        Values that each recurrent step takes together, as in SegRNN (Lin et al. 2023); what is left
        over at the beginning of the lookback is not read. "auto" is 1 for one series, and for a
        panel a season, or 4 where there is none.
    memory : int, optional
        Longest span in recurrent steps to be remembered: gates begin with a memory of 1 to so many
        steps (chrono initialisation, Tallec & Ollivier 2018).
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
        L2 penalty, over the batch size as in MLPRegressor; the weight decay of "adamw".
    averaging : float, default=0.0
        Share of the old mean that a moving average of the weights keeps in a step; the average is
        used. 0 for none.
    max_iter : int or "auto", default="auto"
        Most epochs. "auto" makes about 2,000 minibatches of them, but 10 to 200 epochs; where all
        windows make more than 200 minibatches, 15 epochs of 200, each of windows drawn anew.
    batch_size : int or "auto", default="auto"
        Windows of a minibatch; "auto" is 32 for one series and 64 for a panel.
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
        The series learnt from, sorted, as float64; of a panel with ids in the index.
    network_ : RecurrentNetwork
        The trained network.
    season_, lookback_, segment_ : int
        Season, lookback and segment in use.
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
        "hidden_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "segment": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "id_column": [str],
        "time_column": [str],
        "target_column": [str],
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
        id_column="unique_id",
        time_column="ds",
        target_column="y",
        cell="lstm",
        hidden_size="auto",
        n_layers=1,
        bidirectional=False,
        residual=False,
        head_size=0,
        segment="auto",
        memory=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        loss="absolute_error",
        solver="adam",
        learning_rate="one_cycle",
        alpha=0.0,
        averaging=0.0,
        max_iter="auto",
        batch_size="auto",
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
        self._take(locals())

    def fit(self, y: Any, X: None = None) -> RNNForecaster:
        """Learn to forecast series from their history.

        Parameters
        ----------
        y : Series or DataFrame
            Finite numbers in one of these forms, rows in any order:

            * a Series on a DatetimeIndex, PeriodIndex or RangeIndex of one frequency;
            * a DataFrame with one column a series, where NaN before the first or after the last
              value means that a series is shorter;
            * a long DataFrame, pandas or polars, with columns for id, time and value;
            * a Series or DataFrame of one column with a MultiIndex of id and time.
        X : None
            For covariates, which are not supported yet.

        Returns
        -------
        RNNForecaster
            Itself.

        Raises
        ------
        ValueError
            If values are missing or infinite, there are gaps, repeated time stamps, no frequency or
            several, or a series is too short; if a parameter is out of its range. The message names
            series and place.
        """
        self._validate_params()
        if X is not None:
            raise ValueError("X is not supported yet: RNNForecaster learns from y alone.")
        return self._fit(self._collected(y))

    def _collected(self, y, step=None):
        """Series as they come, checked."""
        return collection_from(
            y, id_column=self.id_column, time_column=self.time_column,
            target_column=self.target_column, step=step,
        )  # fmt: skip

    def update(self, y: Any) -> RNNForecaster:
        """Take in new observations, from which ``predict`` goes on; nothing is learnt from them.

        Time depends on how many there are and on the lookback, not on the length of the history.

        Parameters
        ----------
        y : Series or DataFrame
            What follows each series, or some of them, in the form that ``fit`` was given; one row
            is enough.

        Returns
        -------
        RNNForecaster
            Itself.

        Raises
        ------
        ValueError
            If ``y`` holds other series, does not go on where they end, or values are missing,
            infinite, or not positive where logarithms are taken.

        Examples
        --------
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> y = load_airline()
        >>> forecaster = RNNForecaster(horizon=3, max_iter=20).fit(y[:-1])
        >>> forecaster.update(y[-1:]).predict().index[0]
        Timestamp('1961-01-01 00:00:00')
        """
        check_is_fitted(self)
        known = self._latest()
        new = self._collected(y, known.axes[0].step)
        check_positive(new, self.transform_)
        whole = joined(known, new, every=False)
        lengths = whole.panel.lengths
        begins = np.maximum(lengths - max(self.lookback_, _KEPT), 0)
        self._recent = cut(whole, begins, lengths)
        self._passed = getattr(self, "_passed", 0) + begins
        return self

    def _latest(self):
        """The fitted series, or the end of them and what came after."""
        return getattr(self, "_recent", self._collection)

    def _fit(self, collection):
        self._validate_params()
        settled = plan(collection, self.get_params())
        trend = settled.trend and collection.panel.n_series == 1
        scaling = _scaling_of(
            collection.panel, settled.lookback, settled.season, settled.transform, trend
        )
        source = forecast_source(
            scaling.apply(collection.panel), settled.lookback, settled.season, _LEAST_SCALE
        )
        network, history, widths = self._learn(collection.panel, source, settled)
        # From here on nothing fails: a fit that did leaves what was fitted before as it was.
        self.transform_, self.season_ = settled.transform, settled.season
        self.lookback_, self.segment_ = settled.lookback, settled.segment
        self.network_ = network
        self._widths, self._scaling_, self._collection = widths, scaling, collection
        for name in ("_recent", "_passed"):  # of update
            vars(self).pop(name, None)
        self._record(history)
        return self

    def _learn(self, panel, source, settled):
        """Train and judge a network, then train one on everything; it, its history, the widths."""
        windows = panel.window_starts(source.lookback, settled.n_ahead)
        presents = windows + source.lookback
        series = np.searchsorted(panel.indptr, windows, side="right") - 1
        held_out = (panel.indptr[1:] - settled.n_held_out)[series]
        learnt = windows[presents + settled.n_ahead <= held_out]
        judged = _some(windows[presents >= held_out], _MOST_JUDGED)
        settings = self._settings(learnt.size, settled.batch_size)
        seed = check_random_state(self.random_state).randint(2**31)
        network, rng = self._drawn(seed, settled)
        history = self._train(network, source, learnt, judged, settings, rng)
        if not judged.size:
            return network, history, None
        widths = ConformalWidths(self._errors(network, source, judged))
        if self.refit and history.best_iter and not history.interrupted:
            refitted, rng = self._drawn(seed, settled)
            again = self._train(
                refitted, source, windows, windows[:0], settings, rng, stop_after=history.best_iter
            )
            history.interrupted = again.interrupted
            network = network if again.interrupted else refitted
        return network, history, widths

    def _drawn(self, seed, settled):
        """A network of weights drawn by a seed, and what to draw the rest from."""
        rng = np.random.default_rng(seed)
        network = self._network(settled.segment, settled.n_ahead, rng, settled.hidden_size)
        return network, rng

    def _settings(self, n_windows, batch_size=None):
        """Of training; "auto" epochs of a panel are of windows drawn anew, not of all."""
        settings = super()._settings(n_windows, batch_size)
        n_batches = -(-n_windows // settings.batch_size)
        if self.max_iter == "auto" and n_batches > _MOST_BATCHES:
            n_epochs = _PANEL_BATCHES // _MOST_BATCHES
            return dataclasses.replace(settings, max_iter=n_epochs, n_batches=_MOST_BATCHES)
        return settings

    @property
    def history_(self) -> pd.Series:
        """The series learnt from, sorted, as float64; of a panel with ids in the index."""
        check_is_fitted(self)
        collection = self._collection
        axes, ids, indptr = collection.axes, collection.ids, collection.panel.indptr
        parts = [
            pd.Series(collection.panel.values[first:end], axis.index, copy=True)
            for first, end, axis in zip(indptr[:-1], indptr[1:], axes, strict=True)
        ]
        if len(ids) == 1:
            return parts[0].rename(collection.form.name if ids[0] is None else ids[0])
        return pd.concat(dict(zip(ids, parts, strict=True)))

    def predict(self, horizon: int | None = None, X: None = None, y: Any = None) -> Any:
        """Forecast the steps that follow each series.

        Parameters
        ----------
        horizon : int, optional
            Number of steps; by default the ``horizon`` of the parameters. Beyond what the network
            tells at once it goes on from its own forecasts.
        X : None
            For covariates, which are not supported yet.
        y : Series or DataFrame, optional
            Other series to forecast, by their own histories, in any form that ``fit`` takes: the
            network need not have seen them. By default those of ``fit``.

        Returns
        -------
        Series or DataFrame
            The forecasts in the form ``y`` had, indexed by what follows each series.

        Raises
        ------
        ValueError
            If ``horizon`` is below 1, or other series are shorter than the lookback, of another
            frequency, or not positive where logarithms are taken.
        """
        horizon = self._check_horizon(horizon, X)
        series = self._latest() if y is None else self._others(y)
        values = self._forecasts_after(series, horizon)["RNNForecaster"]
        return series.after(horizon, {"forecast": values})

    def predict_interval(
        self,
        horizon: int | None = None,
        X: None = None,
        y: Any = None,
        *,
        coverage: float | Sequence[float] = 0.9,
    ) -> Any:
        """Intervals meant to hold the truth with a given probability, step by step.

        Parameters
        ----------
        horizon, X, y
            As in ``predict``; beyond what the network tells at once intervals stay as wide as at
            the same step of its last round, or grow, whichever is wider.
        coverage : float or sequence of float, default=0.9
            Probability, between 0 and 1.

        Returns
        -------
        DataFrame
            Columns ``lower_90``, ``upper_90`` for a coverage of 0.9, a pair for each; in the form
            that ``predict`` gives several columns.

        Raises
        ------
        ValueError
            If a coverage is not between 0 and 1, or the forecaster was fitted with
            ``early_stopping=False``, which leaves no held-out errors to measure widths by.
        """
        horizon = self._check_horizon(horizon, X)
        if np.size(coverage) == 0:
            raise ValueError(f"coverage must lie between 0 and 1, got {coverage}.")
        series = self._latest() if y is None else self._others(y)
        found = self._forecasts_after(series, horizon, coverage)
        del found["RNNForecaster"]
        return series.after(horizon, found)

    def score(self, y: Any, X: None = None) -> float:
        """Minus the mean absolute scaled error over what came after the series of ``fit``.

        Forecasts are made ``horizon`` steps at a time, each with all known that came before it, as
        ``GridSearchCV`` with a ``TimeSeriesSplit`` asks of the part that follows.

        Parameters
        ----------
        y : Series or DataFrame
            What follows each series, in the form that ``fit`` was given.
        X : None
            For covariates, which are not supported yet.

        Returns
        -------
        float
            Minus the error of each series over the mean absolute seasonal difference of its history
            (MASE, Hyndman & Koehler 2006), averaged over series; higher is better.

        Raises
        ------
        ValueError
            If ``y`` holds other series, does not go on where they end, or no history varies.

        Examples
        --------
        >>> from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> forecaster = RNNForecaster(horizon=6, max_iter=20)
        >>> grid = {"hidden_size": [4, 8]}
        >>> search = GridSearchCV(forecaster, grid, cv=TimeSeriesSplit(2)).fit(load_airline())
        >>> len(search.best_estimator_.predict())
        6
        """
        horizon = self._check_horizon(None, X)
        known = self._collection
        whole = joined(known, self._collected(y, known.axes[0].step))
        check_positive(whole, self.transform_)
        lengths = whole.panel.lengths[:, None]
        n_more = lengths - known.panel.lengths[:, None]
        origins = known.panel.lengths[:, None] + np.arange(0, n_more.max(), horizon)
        said = self._forecasts(whole.panel, np.minimum(origins, lengths), horizon)["RNNForecaster"]
        errors = []
        for k, first in enumerate(whole.panel.indptr[:-1]):
            own = whole.panel.values[first : first + lengths[k, 0]]
            history = own[: origins[k, 0]]
            found = np.abs(said[k].ravel()[: n_more[k, 0]] - own[origins[k, 0] :]).mean()
            errors.append(found / scale_of(history, self.season_))
        if np.isnan(errors).all():
            raise ValueError(
                "The history of y is constant, or repeats itself every season, and there is "
                "nothing to scale errors by. Score predict() by tsrnn.forecasting.mae."
            )
        return -float(np.nanmean(errors))

    def _others(self, y):
        """Series that were not fitted, as the network can forecast them."""
        series, fitted = self._collected(y), self._collection
        steps = series.axes[0].step, fitted.axes[0].step
        if steps[0] != steps[1] and not all(isinstance(step, int) for step in steps):
            raise ValueError(
                f"y has {step_name(steps[0], series.axes[0].index)}, and the forecaster was fitted "
                f"on {step_name(steps[1], fitted.axes[0].index)}. Bring y to that, or fit on it."
            )
        shortest = int(np.argmin(series.panel.lengths))
        if series.panel.lengths[shortest] < self.lookback_:
            one = series.ids[shortest]
            raise ValueError(
                f"{'y' if one is None else f'Series {one!r}'} has {series.panel.lengths[shortest]} "
                f"observations, and the network reads lookback={self.lookback_} of them. Give more "
                "history, or leave it out."
            )
        check_positive(series, self.transform_)
        return series

    def _forecasts_after(self, series, horizon, coverage=()):
        """Forecasts after the end of fitted or other series, (n_series, horizon) by column."""
        scaling, passed = self._scaling_, getattr(self, "_passed", 0)
        if series is not self._latest():
            passed = 0
            scaling = _scaling_of(
                series.panel, self.lookback_, self.season_, self.transform_,
                self._scaling_.slope.any(),
            )  # fmt: skip
        ends = series.panel.lengths[:, None]
        found = self._forecasts(series.panel, ends, horizon, coverage, scaling, passed)
        return {name: values[:, 0] for name, values in found.items()}

    def _forecasts(self, panel, ends, horizon, coverage=(), scaling=None, passed=0):
        """Forecasts and bounds of intervals by column, (n_series, n_origins, horizon).

        Of a panel of the fitted series, which may have gone on, from where so many values are
        known: ``ends`` (n_series, n_origins); of others with their own scaling. ``passed`` is how
        many values of each series came before the panel's.
        """
        scaling = scaling or self._scaling_
        series = np.repeat(np.arange(panel.n_series), ends.shape[1])
        values = scaling.apply(panel, passed)
        firsts = (ends + np.reshape(passed, (-1, 1))).ravel()
        places = (panel.indptr[:-1, None] + ends).ravel()
        recent = values[places[:, None] + np.arange(-self.lookback_, 0)]
        centre, scale = self._scaled_forecasts(recent, horizon)

        def given_back(scaled):
            return scaling.undo(scaled, series, firsts).reshape(*ends.shape, horizon)

        columns = {"RNNForecaster": given_back(centre)}
        for level in self._coverages(coverage):
            half_width = scale * _prolonged(self._widths.half_width(level), horizon)
            columns[f"lower_{100 * level:g}"] = given_back(centre - half_width)
            columns[f"upper_{100 * level:g}"] = given_back(centre + half_width)
        return columns

    def _coverages(self, coverage):
        coverages = np.atleast_1d(np.asarray(coverage, dtype=float))
        if not ((coverages > 0) & (coverages < 1)).all():
            raise ValueError(f"coverage must lie between 0 and 1, got {coverage}.")
        if coverages.size and self._widths is None:
            raise ValueError(
                "Intervals need errors on a held-out part of y, and early_stopping=False holds "
                "none out. Fit with early_stopping=True."
            )
        return coverages

    def _scaled_forecasts(self, recent, horizon):
        """From (n, lookback) values: forecasts (n, horizon), and windows' scales (n, 1)."""
        n, lookback = recent.shape
        scales = []
        while recent.shape[1] < lookback + horizon:
            window = np.ascontiguousarray(recent[:, -lookback:])
            deviation = (window - window[:, -1:]).std(axis=1, keepdims=True)
            scales.append(np.maximum(deviation, _LEAST_SCALE))
            source = forecast_source(window.ravel(), lookback, self.season_, _LEAST_SCALE)
            said = self._run_network(self.network_, source, np.arange(n) * lookback)
            seasons = np.arange(said.shape[1]) % self.season_ - self.season_
            recent = np.hstack([recent, window[:, seasons] + scales[-1] * said])
        return recent[:, lookback : lookback + horizon], scales[0]

    def _check_horizon(self, horizon, X):
        check_is_fitted(self)
        if X is not None:
            raise ValueError("X is not supported yet: RNNForecaster learns from y alone.")
        if horizon is None:
            return self.horizon
        if isinstance(horizon, bool) or not isinstance(horizon, Integral) or horizon < 1:
            raise ValueError(f"horizon must be a whole number from 1 on; got {horizon!r}.")
        return int(horizon)


def _scaling_of(panel, lookback, season, transform, trend):
    """Scales of each series, and where there is a trend its recent slope."""
    log, slope = transform == "log", np.zeros(panel.n_series)
    if trend:
        for k, (first, end) in enumerate(itertools.pairwise(panel.indptr)):
            values = panel.values[first:end]
            slope[k] = recent_slope(np.log(values) if log else values, season)
    return Scaling.of(panel, lookback, log, slope)


def _some(windows, n_most):
    """At most so many windows, evenly chosen."""
    if windows.size <= n_most:
        return windows
    return windows[np.linspace(0, windows.size - 1, n_most).astype(int)]


def _prolonged(half_width, horizon):
    """Half-widths of further steps: those of a round before, but never below the last."""
    n_more = max(0, horizon - half_width.size)
    return np.concatenate([half_width, np.full(n_more, half_width[-1])])[:horizon]
