"""RNNForecaster: a recurrent network that forecasts one or thousands of series."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from tsrnn.data import collection_from, extended, format_step, slice_series, with_gap_marked
from tsrnn.estimators.base import ATTENTION, RecurrentEstimator
from tsrnn.forecasting.backtest import scale_of
from tsrnn.forecasting.features import Features, given_covariates, given_static, kept_rows
from tsrnn.forecasting.forecasts import Forecasts, Known, held_out_errors
from tsrnn.forecasting.learning import Lesson, Teacher, gentle, learn, lessons_of
from tsrnn.forecasting.models import Models, Reading
from tsrnn.forecasting.plan import automatic, check_positive, plan
from tsrnn.forecasting.scaling import scaling_of
from tsrnn.forecasting.uncertainty import check_probabilities
from tsrnn.kernels.losses import find_loss
from tsrnn.network import RecurrentNetwork

_MOST_BATCHES = 200  # minibatches of an "auto" epoch: beyond, windows are drawn anew for each
_PANEL_BATCHES = 3000  # minibatches in all, where windows are drawn
_LOCAL_BATCHES = 500  # minibatches in all of a network that has one series
_KEPT = 4  # values kept of a series at least: what tells how its time stamps go on
_SOMETIMES = ("_recent", "_passed", "_weights", "_features", "_static", "_kept")  # set by need


class RNNForecaster(RecurrentEstimator):
    """Forecast one or thousands of series by a recurrent network, all steps ahead at once.

    One network learns from all series (a global model), or each has its own. It reads the last
    ``lookback`` values, scaled by the window's own last value and deviation, and covariates beside
    them, and learns what is left over the seasonal naive forecast, which it starts from. The end of
    each series is held out: it decides which epoch's weights are best and how wide prediction
    intervals are. Then the network is trained once more on everything for as many epochs.

    Parameters
    ----------
    horizon : int, default=12
        Steps ahead to forecast. ``predict`` takes any number; beyond what the network tells at once
        it goes on from its own forecasts.
    n_ahead : int or "auto", default="auto"
        Steps that the network tells at once: 1 forecasts recursively, the horizon directly. "auto"
        is the horizon; but of a lone series of fewer than four horizons it is a season, and the
        trend of the last three seasons, if it is steady, is taken out first.
    lookback : int, optional
        Past values that the network reads. By default three seasons, or the larger of 24 and the
        horizon where there is no season; four horizons at least in a panel; fewer where series are
        short, to the shortest where that takes no more than half away.
    season : int or "auto", default="auto"
        Steps of a season. "auto" takes it from the index's frequency (12 for months, 7 for days,
        24 for hours) where the values of the last season forecast the next better than the last
        value does, in half of the series at least; else, and for a RangeIndex, 1: no season.
    transform : {"auto", "log"} or None, default="auto"
        "log" works on logarithms of the values; "auto" does so where all are positive and swing in
        proportion to their level, or the levels of series differ by more than a factor of ten.
    scope : {"global", "local", "fine_tuned"}, default="global"
        Whose a network is: one of all series; one each, all trained in one call; or one of all
        that then goes on learning from each by itself, at a tenth of the rate. A series that was
        not fitted is forecast by the network of all.
    missing : {"raise", "mask"}, default="raise"
        Whether missing values and rows are refused, or left out of the loss. Then the network reads
        the last value of the season in their place, and whether they were there; missing covariates
        are taken for their mean. A zero is a value like others.
    past_covariates : sequence of labels, default=()
        Columns of ``X`` that are not known in the future.
    calendar : sequence of str, default=()
        What the network reads of the time stamps: any of "minute", "hour", "weekday", "day" (of the
        month), "month" and "day_of_year". Places in a round are told by sine and cosine, weekdays
        by one channel each.
    holidays : sequence of dates, optional
        Days that the network is told of, in the past and the future.
    id_column, time_column, target_column : str, default="unique_id", "ds", "y"
        Columns of a long frame.
    cell : {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default="lstm"
        Recurrent cell: long short-term memory, gated recurrent unit, or a vanilla recurrent
        network with a tanh or a rectifier. "attention" is none: the same task for a Transformer,
        whose layers read all steps up to their own at once (Vaswani et al. 2017); CPU only.
    hidden_size : int or "auto", default="auto"
        Hidden units; "auto" is 32 for one series and 128 for a panel.
    n_layers : int, default=1
        Recurrent layers, each reading the one below.
    bidirectional : bool, default=False
        Let each layer read the window in both directions.
    residual : bool, default=False
        Add a layer's inputs to its outputs, from the second layer on.
    n_heads : int, default=4
        Heads of ``cell="attention"``, among which the hidden units are shared out.
    head_size : int, default=0
        Units of a hidden layer between the last state and the forecast; 0 for none.
    segment : int or "auto", default="auto"
        Values that each recurrent step takes together, as in SegRNN (Lin et al. 2023); what is left
        over at the beginning of the lookback is not read. "auto" is 1 for one series, and for a
        panel a season, or 4 where there is none. Where something is known of the future it must
        divide the steps told at once: "auto" is then the largest up to these that does, 1 for a
        week, which takes longer.
    memory : int, optional
        Longest span in recurrent steps to be remembered: gates begin with a memory of 1 to so many
        steps (chrono initialisation, Tallec & Ollivier 2018).
    dropout, recurrent_dropout : float, default=0.0
        Share of values dropped in training between layers, and of units on the way from each step
        to the next, the same ones for a whole window (Gal & Ghahramani 2016).
    loss : {"absolute_error", "squared_error", "huber", "quantile", "gaussian", "student_t"}
        Loss, on the window's scale, by default "absolute_error"; "huber" is squared up to one
        deviation. The last three learn how far forecasts may be off as well: ``quantiles`` at once
        (Koenker & Bassett 1978), or mean and deviation of a normal distribution, or those and the
        degrees of freedom of Student's (Salinas et al. 2020).
    quantiles : sequence of float, default=(0.1, 0.5, 0.9)
        Of the loss "quantile"; the forecast is the median, on the line between those beside it.
    conformal : bool, default=True
        Whether intervals, quantiles and samples are widened or narrowed by the errors on what was
        held out, so that they hold the truth as often as they say. Otherwise they are what a loss
        that learns them says.
    n_estimators : int, default=1
        Networks of different first weights, all trained in one call; their median is the forecast.
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
        windows make more than 200 minibatches, 15 epochs of 200, each of windows drawn anew. Of
        ``scope="local"`` about 500 minibatches for each network.
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
    device : {"cpu", "cuda"}, default="cpu"
        What networks are trained and run on. "cuda", an NVIDIA GPU, needs ``tsrnn[cuda12]`` or
        ``tsrnn[cuda13]``, and is meant for large batches and for thousands of networks. What was
        fitted on one device predicts on the other; pickles and saved files carry none.
    n_jobs : int, optional
        Threads of the CPU; None and -1 mean all cores. The result is the same to the bit.
    random_state : int, RandomState instance or None, default=0
        Seed of the weights and of the order of windows; None for a different one each time.
    verbose : bool or int, default=0
        Show progress on standard error.

    Attributes
    ----------
    history_ : Series
        The series learnt from, sorted, as float64; of a panel with ids in the index.
    network_ : RecurrentNetwork
        The trained network; the first where there are several.
    networks_ : list of list of RecurrentNetwork
        Of each series, or of all, the members.
    season_, lookback_, segment_ : int
        Season, lookback and segment in use.
    transform_ : str or None
        "log" or None, as used.
    loss_, quantiles_ : str, tuple
        Loss and its quantiles, sorted, as learnt.
    loss_curve_ : list of float
        Mean training loss of each epoch (of the networks that were judged on the held-out end;
        where there are several the mean of those that still ran).
    validation_scores_ : list of float or None
        Minus the held-out loss after each epoch; higher is better.
    n_iter_, best_iter_ : int
        Epochs run; epoch whose weights did best, 0 where nothing beat the seasonal naive forecast;
        of several networks the median.

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
        **ATTENTION,
        "hidden_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "segment": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "id_column": [str],
        "time_column": [str],
        "target_column": [str],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "n_ahead": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "lookback": [Interval(Integral, 2, None, closed="left"), None],
        "season": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "transform": [StrOptions({"auto", "log"}), None],
        "scope": [StrOptions({"global", "local", "fine_tuned"})],
        "missing": [StrOptions({"raise", "mask"})],
        "past_covariates": [list, tuple],
        "calendar": [list, tuple, str],
        "holidays": ["array-like", None],
        "quantiles": ["array-like"],
        "conformal": ["boolean"],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "refit": ["boolean"],
    }

    def __init__(
        self,
        horizon=12,
        *,
        n_ahead="auto",
        lookback=None,
        season="auto",
        transform="auto",
        scope="global",
        missing="raise",
        past_covariates=(),
        calendar=(),
        holidays=None,
        id_column="unique_id",
        time_column="ds",
        target_column="y",
        cell="lstm",
        hidden_size="auto",
        n_layers=1,
        bidirectional=False,
        residual=False,
        n_heads=4,
        head_size=0,
        segment="auto",
        memory=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        loss="absolute_error",
        quantiles=(0.1, 0.5, 0.9),
        conformal=True,
        n_estimators=1,
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
        device="cpu",
        n_jobs=None,
        random_state=0,
        verbose=0,
    ):
        self._take(locals())

    def fit(self, y: Any, X: Any = None, static: pd.DataFrame | None = None) -> RNNForecaster:
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
        X : Series or DataFrame, optional
            Covariates: a row for each time stamp of ``y``, a column for each covariate. The time
            is the index or the column ``time_column``; the series, where not all share the rows,
            the column ``id_column`` or the first level of the index. Columns are known in the
            future, but for those that ``past_covariates`` names; rows beyond the end of ``y`` are
            kept for ``predict``. Numbers are taken by their mean and deviation; texts and
            categories have a vector of input weights each (an embedding).
        static : DataFrame, optional
            A row for each series, by the index or the column ``id_column``: numbers or categories
            that do not change.

        Returns
        -------
        RNNForecaster
            Itself.

        Raises
        ------
        ValueError
            If values are missing or infinite, there are gaps, repeated time stamps, no frequency or
            several, or a series is too short; if ``X`` lacks rows or values; if a parameter is out
            of its range. The message names series, column and place.

        Examples
        --------
        Weather that is forecast by others is known in the future, in their forecast's words:

        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_seattle_weather
        >>> days = load_seattle_weather()[:400]
        >>> y, X = days["temp_max"], days[["temp_min", "weather"]]
        >>> forecaster = RNNForecaster(horizon=3, calendar=["day_of_year"], max_iter=5)
        >>> forecaster = forecaster.fit(y[:-3], X[:-3])
        >>> len(forecaster.predict(X=X[-3:]))
        3
        """
        self._validate_params()
        return self._fit(self._collected(y), *self._given(X, static))

    def _collected(self, y, step=None):
        """Series as they come, checked."""
        return collection_from(
            y, id_column=self.id_column, time_column=self.time_column,
            target_column=self.target_column, missing=self.missing, step=step,
        )  # fmt: skip

    def _given(self, X, static):
        """Covariates and static values as they come, checked."""
        covariates = given_covariates(X, self.id_column, self.time_column)
        return covariates, given_static(static, self.id_column)

    def _fit(self, collection, covariates=None, static=None):
        self._validate_params()
        levels = tuple(sorted(self._loss_params()))
        if find_loss(self.loss).takes_quantiles and not levels[0] <= 0.5 <= levels[-1]:
            raise ValueError(
                "The forecast is the median: quantiles must hold 0.5, or some on either side of "
                f"it; got {self.quantiles!r}."
            )
        features = Features.learn(
            collection, covariates, static, past=self.past_covariates, calendar=self.calendar,
            holidays=self.holidays,
        )  # fmt: skip
        settled = plan(collection, self.get_params(), features.n_known > 0)
        reading = Reading(
            settled.lookback, settled.season, settled.segment, settled.n_ahead,
            features.n_channels, features.n_known, self.loss, levels,
        )  # fmt: skip
        collection = collection.filled(settled.season)
        encoded, kept = features.encode_static(static, collection.ids), None
        if features.n_channels:
            rows = [] if covariates is None else [features.encode(covariates)]
            beside = features.beside(collection, rows, encoded, self.missing == "mask")
            collection = dataclasses.replace(collection, beside=beside)
            kept = kept_rows(rows, collection.last_stamps, collection.ids) if rows else None
        trend = settled.trend and collection.panel.n_series == 1
        panel = collection.panel
        scaling = scaling_of(panel, settled.lookback, settled.season, settled.transform, trend)
        network, learnt = self._learn(collection, scaling, settled, reading)
        # From here on nothing fails: a fit that did leaves what was fitted before as it was.
        for name in _SOMETIMES:
            vars(self).pop(name, None)
        self.transform_, self.season_ = settled.transform, settled.season
        self.lookback_, self.segment_ = settled.lookback, settled.segment
        self.loss_ = self.loss
        self.quantiles_ = levels if find_loss(self.loss).takes_quantiles else ()
        self._take_weights(network, learnt.weights)
        self._widths, self._scaling_, self._collection = learnt.widths, scaling, collection
        if features.n_channels:
            self._features, self._static, self._kept = features, encoded, kept
        self._record(learnt.history)
        return self

    def _learn(self, collection, scaling, settled, reading):
        """The networks' shape, and what came of their training."""
        panel = collection.panel
        source = reading.source(*self._taken(collection, scaling))
        seed = check_random_state(self.random_state).randint(2**31)

        def draw(member):
            rng = np.random.default_rng([seed, member] if member else seed)
            return self._network(rng=rng, hidden_size=settled.hidden_size, **reading.shape()), rng

        def settings(n_windows):
            return self._settings(n_windows, settled.batch_size)

        network, name = draw(0)[0], type(self).__name__
        teacher = Teacher(source, draw, self.n_estimators, settings, name, self.verbose)

        def judge(weights, windows):
            series = np.searchsorted(panel.indptr, windows, side="right") - 1
            models = Models(reading, network, weights, self.device, self.n_jobs)
            return held_out_errors(models, source, windows, series)

        lessons = lessons_of(panel, reading, settled.n_held_out, self.scope == "local")
        tuner, each = None, ()
        if self.scope == "fine_tuned":
            tuner = dataclasses.replace(
                teacher, settings=lambda n: gentle(settings(n)), name=f"{name} (each series)"
            )
            each = lessons_of(panel, reading, settled.n_held_out, True)
            if self.early_stopping:  # what nothing judges stays as all series have it
                each = [own if own.judged.size else Lesson(*[own.judged] * 3) for own in each]
        return network, learn(teacher, lessons, judge, tuner=tuner, each=each, refit=self.refit)

    def _taken(self, collection, scaling, passed=0):
        """Values, what is read beside them, targets where some are missing: a source's parts."""
        values, targets = scaling.apply(collection.panel, passed), None
        if collection.observed is not None:
            targets = np.where(collection.observed, values, np.nan)
        return values, collection.beside, targets

    def _settings(self, n_windows, batch_size=None):
        """Of training; "auto" epochs of a panel are of windows drawn anew, not of all."""
        settings = super()._settings(n_windows, batch_size)
        n_batches = -(-n_windows // settings.batch_size)
        if self.max_iter == "auto" and self.scope == "local":
            n_epochs = int(np.clip(_LOCAL_BATCHES // n_batches, 10, 200))
            return dataclasses.replace(settings, max_iter=n_epochs)
        if self.max_iter == "auto" and n_batches > _MOST_BATCHES:
            n_epochs = _PANEL_BATCHES // _MOST_BATCHES
            return dataclasses.replace(settings, max_iter=n_epochs, n_batches=_MOST_BATCHES)
        return settings

    def _take_weights(self, network, weights):
        """Keep networks: the first is ``network_``, and where there are more, all their weights."""
        network.parameters = weights[0, 0]
        self.network_ = network
        vars(self).pop("_weights", None)
        if weights.shape[:2] != (1, 1):
            self._weights = weights

    @property
    def networks_(self) -> list[RecurrentNetwork]:
        """All networks, (n_groups, n_members) of them: groups are series, or one for all.

        Of ``scope="fine_tuned"`` the last group is that of all series.
        """
        check_is_fitted(self)
        weights = self._models().weights
        return [[self.network_.like(own) for own in group] for group in weights]

    def _models(self):
        """The fitted networks, and how they read."""
        features, network = getattr(self, "_features", None), self.network_
        loss, levels = getattr(self, "loss_", "absolute_error"), getattr(self, "quantiles_", ())
        n_ahead = network.n_out // find_loss(loss).n_outputs(1, levels)
        n_ahead *= network.n_horizons if network.head == "ahead" else 1
        reading = Reading(
            self.lookback_, self.season_, self.segment_, n_ahead,
            features.n_channels if features else 0, features.n_known if features else 0,
            loss, levels,
        )  # fmt: skip
        weights = getattr(self, "_weights", network.parameters[None, None])
        return Models(reading, network, weights, self.device, self.n_jobs)

    def _forecasts(self):
        """What the fitted networks forecast."""
        return Forecasts(self._models(), self._widths, self.conformal)

    @property
    def history_(self) -> pd.Series:
        """The series learnt from, sorted, as float64; of a panel with ids in the index.

        NaN where a value was missing.
        """
        check_is_fitted(self)
        collection = self._collection
        axes, ids, indptr = collection.axes, collection.ids, collection.panel.indptr
        values = collection.targets
        parts = [
            pd.Series(values[first:end], axis.index, copy=True)
            for first, end, axis in zip(indptr[:-1], indptr[1:], axes, strict=True)
        ]
        if len(ids) == 1:
            return parts[0].rename(collection.form.name if ids[0] is None else ids[0])
        return pd.concat(dict(zip(ids, parts, strict=True)))

    def update(self, y: Any, X: Any = None) -> RNNForecaster:
        """Take in new observations, from which ``predict`` goes on; nothing is learnt from them.

        Time depends on how many there are and on the lookback, not on the length of the history.

        Parameters
        ----------
        y : Series or DataFrame
            What follows each series, or some of them, in the form that ``fit`` was given; one row
            is enough. With ``missing="mask"`` rows may be left out, the first ones too.
        X : Series or DataFrame, optional
            Covariates of these rows, where ``fit`` was given some, and of later ones.

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
        self._keep(*self._gone_on(self._latest(), y, X))
        return self

    def partial_fit(self, y: Any, X: Any = None) -> RNNForecaster:
        """Take in new observations, and learn from them: one pass over windows that end in them.

        Parameters
        ----------
        y, X
            As in ``update``; before anything was fitted as in ``fit``, which is then called.

        Returns
        -------
        RNNForecaster
            Itself.

        Raises
        ------
        ValueError
            As ``update``; or if ``loss`` or its ``quantiles`` are no longer those of ``fit``.

        Examples
        --------
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> y = load_airline()
        >>> forecaster = RNNForecaster(horizon=3, max_iter=20).fit(y[:-24])
        >>> len(forecaster.partial_fit(y[-24:]).predict())
        3
        """
        self._validate_params()
        if not hasattr(self, "network_"):
            return self.fit(y, X)
        self._refuse_another_loss()
        known, models = self._latest(), self._models()
        whole, kept = self._gone_on(known, y, X)
        reading, panel = models.reading, whole.panel
        windows = panel.window_starts(reading.lookback, reading.n_ahead)
        series = np.searchsorted(panel.indptr, windows, side="right") - 1
        ends = windows - panel.indptr[series] + reading.lookback + reading.n_ahead
        windows, series = (part[ends > known.panel.lengths[series]] for part in (windows, series))
        source = reading.source(*self._taken(whole, self._scaling_, self._passed_by()))
        groups = self._groups(np.arange(panel.n_series))[series]
        weights = models.weights.copy()
        seed = check_random_state(self.random_state).randint(2**31)

        def draw(member):
            return self.network_.like(weights[0, member].copy()), np.random.default_rng(seed)

        def settings(n_windows):
            size = automatic(self.batch_size, 32 if len(weights) > 1 or panel.n_series == 1 else 64)
            # A step from few windows is as long and less sure: the rate goes by the root of them.
            rate = self.learning_rate_init * min(1.0, n_windows / size) ** 0.5
            return dataclasses.replace(
                self._settings(n_windows, size), max_iter=1, learning_rate="constant",
                learning_rate_init=rate,
            )  # fmt: skip

        touched, none = np.unique(groups), windows[:0]
        if touched.size:
            lessons = [Lesson(windows[groups == group], none, none) for group in touched]
            teacher = Teacher(source, draw, weights.shape[1], settings, "partial_fit", self.verbose)
            weights[touched] = teacher.teach(lessons, weights[touched])[0]
        self._take_weights(self.network_.like(weights[0, 0]), weights)
        self._keep(whole, kept)
        return self

    def _refuse_another_loss(self):
        """What the networks tell is read by the loss that they were fitted with."""
        fitted = getattr(self, "loss_", self.loss)  # a file of an older version has none
        if self.loss != fitted:
            raise ValueError(
                f"loss is {self.loss!r}, and the forecaster was fitted with {fitted!r}. Set it "
                "back, or fit anew."
            )
        levels = tuple(sorted(self._loss_params()))
        if find_loss(fitted).takes_quantiles and levels != self.quantiles_:
            raise ValueError(
                f"quantiles are {self.quantiles!r}, and the forecaster was fitted with "
                f"{self.quantiles_}. Set them back, or fit anew."
            )

    def _gone_on(self, known, y, X, every=False):
        """Known series and what follows some or every one, read beside; covariates to keep."""
        new = self._collected(y, known.axes[0].step)
        check_positive(new, self.transform_)
        if self.missing == "mask":
            new = with_gap_marked(known, new)
        covariates, _ = self._given(X, None)
        kept = None
        features, encoded = self._features_of(covariates)
        if features:
            rows = encoded + self._rows_kept()
            places = {label: k for k, label in enumerate(known.ids)}
            static = self._static[[places.get(label, 0) for label in new.ids]]
            beside = features.beside(new, rows, static, self.missing == "mask")
            new = dataclasses.replace(new, beside=beside)
        whole = extended(known, new, every=every)
        if features and rows:
            kept = kept_rows(rows, whole.last_stamps, whole.ids)
        return whole.filled(self.season_), kept

    def _keep(self, whole, kept):
        """The end of series that have gone on, as much as forecasts and lessons read."""
        lengths = whole.panel.lengths
        n_most = max(self.lookback_ + self._models().reading.n_ahead, _KEPT)
        begins = np.maximum(lengths - n_most, 0)
        self._passed = self._passed_by() + begins
        self._recent = slice_series(whole, begins, lengths)
        if kept is not None:
            self._kept = kept

    def _latest(self):
        """The fitted series, or the end of them and what came after."""
        return getattr(self, "_recent", self._collection)

    def _passed_by(self):
        """How many values of each series came before the latest."""
        return getattr(self, "_passed", np.zeros(len(self._collection.ids), np.int64))

    def predict(
        self,
        horizon: int | None = None,
        X: Any = None,
        y: Any = None,
        static: pd.DataFrame | None = None,
    ) -> Any:
        """Forecast the steps that follow each series.

        Parameters
        ----------
        horizon : int, optional
            Number of steps; by default the ``horizon`` of the parameters. Beyond what the network
            tells at once it goes on from its own forecasts, and holds covariates that are not
            known in the future at their last values.
        X : Series or DataFrame, optional
            Covariates that are known in the future: a row for each step of the horizon, unless
            ``fit`` was given them. With ``y`` also those of its history.
        y : Series or DataFrame, optional
            Other series to forecast, by their own histories, in any form that ``fit`` takes: the
            network need not have seen them. By default those of ``fit``.
        static : DataFrame, optional
            Static values of these other series.

        Returns
        -------
        Series or DataFrame
            The forecasts in the form ``y`` had, indexed by what follows each series.

        Raises
        ------
        ValueError
            If ``horizon`` is below 1, covariates do not reach over it, or other series are shorter
            than the lookback, of another frequency, or not positive where logarithms are taken.
        """
        horizon, known = self._asked(horizon, X, y, static)
        values = self._forecasts().after(known, horizon)["RNNForecaster"]
        return known.collection.after(horizon, {"forecast": values})

    def predict_interval(
        self,
        horizon: int | None = None,
        X: Any = None,
        y: Any = None,
        static: pd.DataFrame | None = None,
        *,
        coverage: float | Sequence[float] = 0.9,
    ) -> Any:
        """Intervals meant to hold the truth with a given probability, step by step.

        Parameters
        ----------
        horizon, X, y, static
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
        horizon, known = self._asked(horizon, X, y, static)
        if np.size(coverage) == 0:
            raise ValueError(f"coverage must lie between 0 and 1, got {coverage}.")
        found = self._forecasts().after(known, horizon, check_probabilities(coverage, "coverage"))
        del found["RNNForecaster"]
        return known.collection.after(horizon, found)

    def predict_quantiles(
        self,
        horizon: int | None = None,
        X: Any = None,
        y: Any = None,
        static: pd.DataFrame | None = None,
        *,
        quantiles: float | Sequence[float] = (0.1, 0.5, 0.9),
    ) -> Any:
        """Quantiles of what follows, step by step, which never cross.

        Parameters
        ----------
        horizon, X, y, static
            As in ``predict``.
        quantiles : float or sequence of float, default=(0.1, 0.5, 0.9)
            Probabilities, between 0 and 1. The bounds of intervals: 0.1 and 0.9 are those of a
            coverage of 0.8.

        Returns
        -------
        DataFrame
            Columns ``quantile_10`` for 0.1 and so on, in the form that ``predict`` gives several
            columns.

        Raises
        ------
        ValueError
            As ``predict_interval``.

        Examples
        --------
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> forecaster = RNNForecaster(horizon=3, loss="quantile", max_iter=20).fit(load_airline())
        >>> forecaster.predict_quantiles(quantiles=[0.25, 0.75]).columns.tolist()
        ['quantile_25', 'quantile_75']
        """
        horizon, known = self._asked(horizon, X, y, static)
        if np.size(quantiles) == 0:
            raise ValueError(f"quantiles must lie between 0 and 1, got {quantiles}.")
        levels = check_probabilities(quantiles, "quantiles")
        found = self._forecasts().after(known, horizon, (), levels)
        del found["RNNForecaster"]
        return known.collection.after(horizon, found)

    def predict_samples(
        self,
        horizon: int | None = None,
        X: Any = None,
        y: Any = None,
        static: pd.DataFrame | None = None,
        *,
        n_samples: int = 100,
        random_state: Any = 0,
    ) -> Any:
        """Ways that each series may go, as likely as each other: sample paths.

        Each is the forecast and the errors of one held-out window, which go together from step to
        step; beyond what the network tells at once it reads the path itself. With
        ``conformal=False`` each step is drawn by itself from what the loss learnt.

        Parameters
        ----------
        horizon, X, y, static
            As in ``predict``.
        n_samples : int, default=100
            Paths of each series.
        random_state : int, RandomState instance or None, default=0
            What they are drawn by.

        Returns
        -------
        DataFrame
            Columns ``sample_0``, ``sample_1`` and so on, in the form that ``predict`` gives several
            columns.

        Raises
        ------
        ValueError
            As ``predict_interval``; or if the forecaster was loaded from a file of an older
            version, which kept no errors window by window.

        Examples
        --------
        The chance that fewer than five million passengers come in the year ahead:

        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> forecaster = RNNForecaster(horizon=12, max_iter=50).fit(load_airline())
        >>> totals = forecaster.predict_samples(n_samples=200).sum()
        >>> bool((totals < 5000).mean() < 0.05)
        True
        """
        horizon, known = self._asked(horizon, X, y, static)
        if isinstance(n_samples, bool) or not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(f"n_samples must be a whole number from 1 on; got {n_samples!r}.")
        seed = check_random_state(random_state).randint(2**31)
        paths = self._forecasts().samples(known, horizon, int(n_samples), seed)
        columns = {f"sample_{k}": paths[:, k] for k in range(n_samples)}
        return known.collection.after(horizon, columns)

    def score(self, y: Any, X: Any = None) -> float:
        """Minus the mean absolute scaled error over what came after the series of ``fit``.

        Forecasts are made ``horizon`` steps at a time, each with all known that came before it, as
        ``GridSearchCV`` with a ``TimeSeriesSplit`` asks of the part that follows.

        Parameters
        ----------
        y : Series or DataFrame
            What follows each series, in the form that ``fit`` was given.
        X : Series or DataFrame, optional
            Covariates of these rows, where ``fit`` was given some.

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
        check_is_fitted(self)
        horizon, fitted = self.horizon, self._collection
        whole, _ = self._gone_on(fitted, y, X, every=True)
        panel, lengths = whole.panel, whole.panel.lengths[:, None]
        n_more = lengths - fitted.panel.lengths[:, None]
        origins = fitted.panel.lengths[:, None] + np.arange(0, n_more.max(), horizon)
        known = self._ready(whole)
        said = self._forecasts().columns(known, np.minimum(origins, lengths), horizon)[
            "RNNForecaster"
        ]
        errors = []
        for k, first in enumerate(panel.indptr[:-1]):
            own = panel.values[first : first + lengths[k, 0]]
            history = own[: origins[k, 0]]
            differences = np.abs(said[k].ravel()[: n_more[k, 0]] - own[origins[k, 0] :])
            if whole.observed is not None:
                seen = whole.observed[first + origins[k, 0] : first + lengths[k, 0]]
                differences = differences[seen]
            found = differences.mean() if differences.size else np.nan
            errors.append(found / scale_of(history, self.season_))
        if np.isnan(errors).all():
            raise ValueError(
                "The history of y is constant, or repeats itself every season, and there is "
                "nothing to scale errors by. Score predict() by tsrnn.forecasting.mae."
            )
        return -float(np.nanmean(errors))

    def _asked(self, horizon, X, y, static):
        """The horizon, and the series that a forecast is asked of."""
        check_is_fitted(self)
        if horizon is None:
            horizon = self.horizon
        if isinstance(horizon, bool) or not isinstance(horizon, Integral) or horizon < 1:
            raise ValueError(f"horizon must be a whole number from 1 on; got {horizon!r}.")
        horizon = int(horizon)
        covariates, static = self._given(X, static)
        if y is not None:
            return horizon, self._others(y, covariates, static, horizon)
        if static is not None:
            raise ValueError("static goes with y, other series: those of fit have theirs.")
        features, encoded = self._features_of(covariates, future=True)
        latest, after = self._latest(), None
        if features:
            after = self._after(latest, horizon, encoded + self._rows_kept())
        return horizon, self._ready(latest, after, self._passed_by())

    def _ready(self, collection, after=None, passed=0):
        """Fitted series, which may have gone on, as forecasts take them."""
        groups = self._groups(np.arange(len(collection.ids)))
        return Known(collection, after, self._scaling_, passed, groups)

    def _groups(self, series):
        """Whose networks are asked of fitted series by number."""
        return series if len(self._models().weights) > 1 else np.zeros_like(series)

    def _features_of(self, covariates, future=False):
        """What is read beside series, or None; and covariates encoded, in a list."""
        features = getattr(self, "_features", None)
        columns = (*features.known, *features.past) if features else ()
        if covariates is None:
            return features, []
        if not columns:
            raise ValueError("X was given, and the forecaster was fitted without. Leave it out.")
        return features, [features.encode(covariates, future=future)]

    def _rows_kept(self):
        """Encoded covariates beyond the end of the fitted series."""
        return [] if self._kept is None else [self._kept]

    def _after(self, collection, horizon, rows):
        """What is read beside the steps after series, (n_series, horizon, n_channels)."""
        follow = {
            id(axis): axis.after(horizon) for axis in {id(a): a for a in collection.axes}.values()
        }
        indexes = [follow[id(axis)] for axis in collection.axes]
        return self._features.after(indexes, collection.ids, rows, self.missing == "mask")

    def _others(self, y, covariates, static, horizon):
        """Series that were not fitted, as the network can forecast them."""
        series, fitted = self._collected(y), self._collection
        steps = series.axes[0].step, fitted.axes[0].step
        if steps[0] != steps[1] and not all(isinstance(step, int) for step in steps):
            raise ValueError(
                f"y has {format_step(steps[0], series.axes[0].index)}, and the forecaster was "
                f"fitted on {format_step(steps[1], fitted.axes[0].index)}. Bring y to "
                "that, or fit on it."
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
        groups = np.zeros(len(series.ids), int)
        n_groups = len(self._models().weights)
        if n_groups > 1:
            places = {label: k for k, label in enumerate(fitted.ids)}
            groups = np.array([places.get(label, len(fitted.ids)) for label in series.ids])
            if groups.max() >= n_groups:
                unseen = series.ids[int(groups.argmax())]
                raise ValueError(
                    f"Series {unseen!r} was not fitted, and with scope='local' each series has a "
                    "network of its own. Fit it too, or use scope='global' or 'fine_tuned'."
                )
        series, rows = self._with_beside(series, covariates, static)
        after = self._after(series, horizon, rows) if hasattr(self, "_features") else None
        scaling = scaling_of(
            series.panel, self.lookback_, self.season_, self.transform_, self._scaling_.slope.any()
        )
        return Known(series, after, scaling, 0, groups)

    def _with_beside(self, series, covariates, static):
        """Series with all that is read beside them, and the rows of covariates there are."""
        series = series.filled(self.season_)
        features, encoded = self._features_of(covariates)
        if not features:
            return series, []
        rows = encoded + self._rows_kept()
        static = features.encode_static(static, series.ids)
        beside = features.beside(series, rows, static, self.missing == "mask")
        return dataclasses.replace(series, beside=beside), rows
