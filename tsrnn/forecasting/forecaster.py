"""RNNForecaster: a recurrent network that forecasts one or thousands of series."""

import time
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, Self

from tsrnn.data.parquet import is_out_of_memory
from tsrnn.distributed import engine_of
from tsrnn.estimators.base import ATTENTION, BATCHES, N_NETWORKS, UNITS, RecurrentEstimator
from tsrnn.estimators.callbacks import EpochCallbackMixin, with_callbacks
from tsrnn.forecasting.calendar import CALENDAR
from tsrnn.forecasting.fitting import TrainingParts, fit_series
from tsrnn.forecasting.inputs import read_covariates, read_series, read_static
from tsrnn.forecasting.more_series import MoreSeries
from tsrnn.forecasting.out_of_memory import OutOfMemory
from tsrnn.forecasting.partitions import drawn_series, fit_on_engine
from tsrnn.forecasting.prediction import PredictMixin
from tsrnn.forecasting.short import SHORT, Short, with_short_ones
from tsrnn.forecasting.skipping import without_refused
from tsrnn.forecasting.updating import UpdateMixin
from tsrnn.forecasting.weights import read_weights
from tsrnn.parameters import (
    BOOLEAN,
    FRACTION,
    POSITIVE,
    POSITIVE_INTEGER,
    SEASON,
    STEPS,
    ArrayLike,
    CountryCode,
    Integer,
    Label,
    ListOf,
    Number,
    Probabilities,
    StrOptions,
    Text,
    sample_seed,
)
from tsrnn.parameters.types import (
    Auto,
    Cell,
    Device,
    Dtype,
    Loss,
    Missing,
    RandomStateLike,
    Schedule,
    Solver,
)
from tsrnn.training import Budget


class RNNForecaster(EpochCallbackMixin, PredictMixin, UpdateMixin):
    """Forecast one or thousands of series by a recurrent network, all steps ahead at once.

    One network learns from all series (a global model), or each has its own. Its inputs are the
    last ``lookback`` values, scaled by the window's last value and deviation, and covariates; its
    targets are the differences from the seasonal naive forecast. The end of each series is held out
    for validation: it decides which epoch's weights are best and how wide prediction intervals are.
    Then a network is trained on everything for as many epochs.

    Parameters
    ----------
    horizon : int, default=12
        Steps ahead to forecast. ``predict`` takes any number. Beyond ``n_ahead`` steps the network
        continues from its own forecasts. The pretrained network makes a new forecast for the longer
        horizon, whose first steps may differ a little, since it weights simple forecasts by their
        errors over that many steps.
    n_ahead : int or "auto", default="auto"
        Steps that the network forecasts at once: 1 forecasts recursively, the horizon directly.
        "auto" is the horizon. For a single series of fewer than four horizons it is a season, and
        if the last three seasons rise or fall steadily, the network forecasts the series without
        that trend.
    lookback : int, optional
        Past values that the network reads. By default three seasons, or the larger of 24 and the
        horizon where there is no season; at least four horizons in a panel; fewer where series are
        short, down to the shortest where that is at least half.
    season : number, sequence of numbers or "auto", default="auto"
        Steps of a season. "auto" takes it from the index's frequency (12 for months, 7 for days, 24
        for hours) if it forecasts half of the series or more better than the last value, else 1.
        Of several, such as ``[24, 168]`` or ``[7, 365.25]``, forecasts start from the shortest
        whole one. Longer whole ones that the typical series holds four times are removed first: the
        median of each phase, shrunk where it may be chance. For others the network reads Fourier
        terms, three sines and cosines of the phase.
    transform : {"auto", "log"} or None, default="auto"
        "log" works on logarithms of the values; "auto" does so where all are positive and vary in
        proportion to their level, or the levels of series differ by more than a factor of ten.
    scope : {"global", "local", "fine_tuned"}, default="global"
        One network for all series; one for each, all trained in one call; or one for all that is
        then fine-tuned on each, at a tenth of the learning rate, but not on series too short to
        hold out a part. A network for all also forecasts series that were not fitted.
    pretrained : {"auto"} or None, default="auto"
        Whether a network that was trained on simulated series forecasts too. Forecasts are then
        weighted means of both, with the weight that does best on the held-out end of all series
        together. On a panel of ten or more series with 500 or more windows, each of more than a
        season and before the last horizon, it is fine-tuned first, only as far as errors on that
        end support, which may be not at all.
        It forecasts alone (zero-shot, or fine-tuned) with ``max_iter=0``, if all series are too
        short to train on, and on a panel whose typical series has fewer than 200 values: from one
        value on, without covariates and logarithms, with its own intervals, and not below 0 if no
        value is. On such a panel a network is trained all the same if any parameter of the network
        or its training is not the default, such as ``early_stopping=False`` or
        ``dtype="float64"``. With None the forecaster's own network forecasts alone.
    missing : {"raise", "mask"}, default="raise"
        Whether missing values and rows are refused, or left out of the loss. With "mask" the
        network reads the last value of the season in their place, and which values were observed;
        missing covariates are replaced by their mean. A zero is an observed value. The last
        observed values of each series are held out; where there are too few for that, ``fit``
        warns, and intervals are the pretrained network's, or there are none.
    short : {"pad", "naive", "drop", "raise"}, default="pad"
        What to do with series with fewer values than the lookback, in ``fit`` (of a panel) and in
        ``predict(y=...)``; a warning lists them. With "pad" the network reads their first whole
        seasons again in front of them; these are never targets, and ``missing="mask"`` marks them
        as not observed. It trains on such series too. With "naive" they are forecast by the last
        values of their season. With "drop" they are left out, except from a backtest, where they
        are padded, as all forecasters forecast the same series. With "raise" they are refused, and
        the pretrained network does not step in for them. Where it forecasts alone from the start,
        with ``max_iter=0`` or on a panel of short series, no series is too short and ``short``
        changes nothing. With ``scope="local"``, where a network cannot learn from padding, "pad"
        refuses them in ``fit``. With ``errors="skip"`` series in memory that would be refused are
        left out, and ``skipped_`` names them and those of "drop".
    errors : {"raise", "skip"}, default="raise"
        Whether series that cannot be read (gaps, missing values, text, another frequency) or
        forecast are an error, or left out of ``fit`` and ``predict(y=...)`` with a warning;
        ``check_series(y)`` names each and says why. Parameters and columns that are wrong are
        errors either way.
    n_sample : int, optional
        Fit to so many series of a panel, drawn by the hashes of their ids and ``random_state``; by
        default to all. A network for all series needs some hundreds or thousands, not millions.
    ended_after : int, optional
        Steps without a value after which a series has ended: where other series of its panel go on
        for longer than that, ``predict`` leaves it out (0: all but those that reach the last time
        stamp). By default all series are forecast, each from its own end.
    past_covariates : sequence of labels, default=()
        Columns of ``X`` that are not known in the future.
    calendar : sequence of str, default=()
        Features of the time stamps: any of "minute", "hour", "weekday", "day" (of the month),
        "month" and "day_of_year". Weekdays have one channel each, others sines and cosines.
    holidays : str, sequence of str or sequence of dates, optional
        Countries or their subdivisions by ISO 3166, "DE", "DE-BY" or ["DE", "FR"]: a channel for
        any of their holidays, and one for each name that the fitted series saw, ``holidays_``
        (needs ``pip install "tsrnn[holidays]"``). Or days that are marked in one channel: dates,
        time stamps, periods of a day, or texts with the year first. Past and future are marked.
    id_column, time_column, target_column : str, default="unique_id", "ds", "y"
        Columns of a long frame.
    cell : {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default="lstm"
        Recurrent cell, "rnn" with tanh and "rnn_relu" with ReLU; "attention" is a causal
        Transformer instead (Vaswani et al. 2017); CPU only.
    hidden_size, batch_size : int or "auto", default="auto"
        Hidden units, windows of a minibatch; "auto" is 32 of both for a network of one series, else
        128 and 64.
    n_layers, n_heads, head_size : int, default=1, 4, 0
    bidirectional, residual : bool, default=False
    memory : int, optional
    dropout : float, default=0.0
        The network, as in :class:`RNNRegressor`.
    recurrent_dropout : float or "auto", default="auto"
        Probability that a unit's hidden state is zero throughout a sequence in training (Gal &
        Ghahramani 2016). "auto" is 0, but for a panel's network of 64 units or more that learns
        from few windows: 0.5 where there are fewer than 200 of a lookback and a horizon one after
        another, 0.25 where there are fewer than 1,000. ``partial_fit`` trains without.
    segment : int or "auto", default="auto"
        Values that each recurrent step takes together, as in SegRNN (Lin et al. 2023); a remainder
        at the start of the lookback is not read. "auto" is 1 for one series, and for a panel a
        season, or 4 where there is none. With covariates known in the future it must divide the
        steps forecast at once: "auto" is then the divisor nearest to these, by ratio, and for one
        series to a sixth of a season of 24 or more.
    loss : str, default="absolute_error"
        Loss, on the window's scale: "absolute_error", "squared_error" or "huber", which is squared
        up to one deviation. "quantile", "gaussian" and "student_t" learn the distribution as well:
        ``quantiles`` (Koenker & Bassett 1978), or the parameters of a normal or Student's
        distribution (Salinas et al. 2020). "poisson" and "negative_binomial" do so for counts, the
        second where they vary by more than their mean, and "tweedie" for amounts that are 0 or
        more: windows are divided by 1 + their mean, no difference and no logarithm is taken, the
        forecast is the mean, and intervals, quantiles and samples are never negative and of counts
        whole.
    quantiles : sequence of float, default=(0.1, 0.5, 0.9)
        Of the loss "quantile"; the forecast is the median, interpolated between its neighbours.
    lower : float, optional
        Lower bound, such as 0, of forecasts, intervals, quantiles and samples, with any loss. No
        value of ``y`` may be below it.
    conformal : bool, default=True
        Whether intervals, quantiles and samples are calibrated by the errors on the held-out end,
        so that they have the coverage they state. Otherwise they are those that the loss learned,
        or of losses that learn none the pretrained network's.
    n_estimators : int, default=1
        Networks of different initial weights, trained in one call; the forecast is their median.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
    learning_rate : {"one_cycle", "constant", "cosine", "adaptive"}, default="one_cycle"
    learning_rate_init, alpha, averaging, max_grad_norm : float, default=0.003, 0.0, 0.0, 1.0
    n_iter_no_change : int, default=50
        Training, as in :class:`RNNRegressor`.
    max_iter : int or "auto", default="auto"
        Most epochs; with 0 nothing is trained, and the pretrained network forecasts alone. "auto"
        is 10 to 200 epochs, about 2,000 minibatches (500 for each network of ``scope="local"``, and
        3,000 where an epoch does not go through all windows). Fine-tuning of the pretrained network
        has epochs of its own: ``pretrained=None`` leaves it out, ``max_seconds`` bounds it too.
    batches_per_epoch : int, None or "auto", default="auto"
        Most minibatches of an epoch, each epoch of windows drawn anew; None goes through all
        windows. "auto" is 200, but with ``scope="local"`` None.
    max_seconds : float, optional
        Seconds that ``fit`` may take, from its call to its return, with all that belongs to it:
        training, fine-tuning of the pretrained network, errors on the held-out end and ``refit``.
        At least one minibatch is trained on, and compiling is not cut short. If the seconds do not
        suffice for all epochs, the schedule of the learning rate is shortened to end with them, and
        the weights of the best epoch are kept. A fit that needs less time ends earlier. Results
        that the budget has cut depend on the speed of the computer.
    max_memory : int or str, optional
        Memory that data may take in ``fit`` of Parquet or of a lazy frame: bytes, or a text such as
        "500MB" or "2GiB" (kB, MB, GB, KiB, MiB, GiB). By default all is read into memory. See the
        notes.
    early_stopping : bool, default=True
        Hold out the end of the series, keep the weights of the epoch that did best on it, and stop
        after ``n_iter_no_change`` epochs without a better one. Without it prediction intervals are
        the pretrained network's, if any. A random split would show the network the future.
    validation_fraction : float, default=0.1
        Share of the series (of its observed values) held out; at least a horizon and a season.
    refit : bool, default=True
        After early stopping, train a new network on the whole series for the best number of epochs.
    dtype : {"float32", "float64"}, default="float32"
    device : {"cpu", "cuda"}, default="cpu"
    n_jobs : int, optional
    random_state : int, RandomState instance or None, default=0
    verbose : bool or int, default=0
        Computation and progress, as in :class:`RNNRegressor`.

    Attributes
    ----------
    fitted_ : FittedForecaster
        All that fitting made, in one immutable object; updates replace it.
    history_ : Series
        The series of ``fit``, sorted, as float64; of a panel with ids in the index.
    recent_ : Series
        ``history_`` and the updates after it. Only the end of long updates is kept, and is then
        given alone.
    fitted_values_, residuals_ : Series or DataFrame
        Forecasts one step ahead of each value of ``fit`` from those before it, and the values minus
        these, in the form that ``y`` had; computed when they are read first. The networks were
        trained on these values: residuals are smaller than errors of forecasts. NaN for the first
        ``lookback_`` values of each series.
    cutoff_ : Timestamp, Period, int or Series
        The last known time stamp, of ``fit`` or of updates, after which forecasts begin; of a
        panel a Series by id.
    network_, networks_ : Network, list of list of Network
        The first trained network; all members, for each series or for all. Where nothing was
        trained it is the pretrained one.
    seasons_ : tuple of float
        All seasons in use, the shortest whole one, ``season_``, first.
    season_, lookback_, segment_, transform_, loss_, quantiles_ : int, str, tuple
        Values in use, where parameters left them open; quantiles are sorted. Where nothing was
        trained the lookback is 1, the least that forecasts need.
    holidays_ : tuple of str
        Names of the holidays of countries that have a channel of their own.
    loss_curve_ : list of float
        Mean training loss of each epoch of the networks that were validated on the held-out end.
    validation_scores_ : list of float or None
        Minus the validation loss after each epoch; higher is better.
    n_iter_, best_iter_ : int
        Epochs run; epoch whose weights did best, 0 where nothing beat the seasonal naive forecast;
        of several networks the median.
    skipped_ : DataFrame
        With ``errors="skip"`` the series that ``fit`` left out, as ``check_series`` gives them; not
        kept in saved files.
    fit_time_ : float
        Seconds that ``fit`` took; not kept in saved files.

    See Also
    --------
    backtest : Errors of forecasts from past origins, next to those of simple forecasts.
    search : Search its parameters within a budget.
    seasonal_naive : The forecast that it must beat.
    tsrnn.plotting.ForecastDisplay : Draw the forecast.

    Notes
    -----
    Long short-term memory: Hochreiter & Schmidhuber (1997). Intervals: split conformal prediction,
    Lei et al. (2018); of a short series, whose end holds few windows, they are too narrow. Ctrl-C
    during ``fit`` keeps the best weights so far, with a warning, once training has begun; in a
    backtest, a search or a cross-validation it is a KeyboardInterrupt.

    *Larger than memory*: if ``y`` is in files and larger than ``max_memory``, a sample of whole
    series, drawn by the hashes of their ids, is read into memory. "auto" parameters are chosen from
    it, epochs are validated and the pretrained network is fine-tuned on it, and ``history_`` and
    ``predict`` without ``y`` are of it alone. The network is trained on windows of all series. As
    many are drawn as for a frame, by ``random_state``, and one pass over the files reads those of
    as many epochs as a quarter of the memory has room for (16 MB take 32 passes where 45 MB take
    12). The result does not depend on the order of files and series, on the size of row groups, or
    on ``max_memory`` from about 225 MB on. Rows of a series must be together, in any order. The
    index takes about 200 bytes for each series; imports and compiled kernels take about 250 MB
    more. Not available are windows of series shorter than the lookback, series of which no window
    is drawn, and a ``scope`` other than "global", ``missing="mask"``, a GPU, ``X``, ``static`` and
    ``sample_weight``.

    *Clusters*: if ``y`` is a long frame of Dask, Spark or Ray, ``predict(y=...)`` and the methods
    like it return a frame of the same library, lazily, with the same bits as in one process, except
    for samples, which are drawn by partition. Rows of a series need not be together: they are
    moved, unless the library knows that they are (in Dask an index of ids with known divisions, or
    a shuffle by id; in Spark a ``repartition`` by it). Each task runs on the threads that the
    engine gave it. What ``fit`` does:

    * With ``n_sample`` it reads the ids, brings that many series to this process, the same ones for
      any partitions, and fits them here. This takes seconds to minutes and moves nothing else. It
      suffices if series are alike.
    * With ``scope="global"`` and all series it trains by rounds (local SGD, Stich 2019). Each
      partition trains the network for an epoch, up to ``batches_per_epoch`` minibatches of its own
      windows; then weights and moments are averaged, weighted by windows. The held-out end of 1,000
      series, in this process, validates them. A round takes as long as an epoch of one partition,
      times partitions by workers, and moves three times the network's weights to and from each
      partition, a megabyte for 80,000 of them; rows are moved once. Use it if series differ so much
      that a sample misses kinds of them, or for more windows in the same time. For series that are
      alike ``n_sample`` is as good and costs far less. Results depend on which series share a
      partition. If a worker is lost, its part of a round is repeated, with the same bits. If a
      round fails three times, ``fit`` raises, and the forecaster is unchanged. Windows of series
      shorter than the lookback are not trained on; ``X``, ``static``, ``sample_weight``,
      ``max_seconds`` and a GPU are not available.
    * With ``scope="local"`` each partition fits a network for each of its series, in one call. Time
      grows with the number of series, divided by about the number of workers. "auto" parameters are
      chosen from a sample; the weight of the pretrained network and the scales of covariates by
      partition. Networks stay with the engine, for ``predict()`` of the fitted series; those of a
      worker that is lost are fitted again, with the same bits. Its other methods raise an
      error.

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

    Counts of each day, whose intervals and samples are whole and not negative:

    >>> import numpy as np, pandas as pd
    >>> rng, days = np.random.default_rng(0), pd.date_range("2024", periods=140)
    >>> sales = pd.Series(rng.poisson(0.4, 140), days)
    >>> counts = RNNForecaster(horizon=7, loss="negative_binomial", max_iter=5).fit(sales)
    >>> samples = counts.predict_samples(n_samples=50).to_numpy()
    >>> bool((samples >= 0).all() and (samples == samples.round()).all())
    True

    Without training, by the pretrained network alone:

    >>> zero_shot = RNNForecaster(horizon=12, max_iter=0).fit(y[:-12]).predict()
    >>> bool((zero_shot / y[-12:] - 1).abs().mean() < 0.1)
    True
    """

    _parameter_constraints = RecurrentEstimator._parameter_constraints | {
        **ATTENTION,
        "hidden_size": [UNITS, StrOptions(["auto"])],
        "segment": [UNITS, StrOptions(["auto"])],
        "recurrent_dropout": [FRACTION, StrOptions(["auto"])],
        "batch_size": [POSITIVE_INTEGER, StrOptions(["auto"])],
        "id_column": [Text()],
        "time_column": [Text()],
        "target_column": [Text()],
        "horizon": [STEPS],
        "n_ahead": [STEPS, StrOptions(["auto"])],
        "lookback": [Integer(2), None],
        "season": [SEASON, ListOf(SEASON, least=1, arrays=True), StrOptions(["auto"])],
        "transform": [StrOptions(["auto", "log"]), None],
        "scope": [StrOptions(["global", "local", "fine_tuned"])],
        "missing": [StrOptions(["raise", "mask"])],
        "short": [StrOptions(SHORT)],
        "errors": [StrOptions(["raise", "skip"])],
        "n_sample": [POSITIVE_INTEGER, None],
        "ended_after": [Integer(0), None],
        "past_covariates": [ListOf(Label())],
        "calendar": [StrOptions(CALENDAR), ListOf(StrOptions(CALENDAR))],
        "holidays": [CountryCode(), ArrayLike(), None],
        "quantiles": [Probabilities()],
        "lower": [Number(-1e30), None],
        "conformal": [BOOLEAN],
        "n_estimators": [N_NETWORKS],
        "refit": [BOOLEAN],
        "pretrained": [StrOptions(["auto"]), None],
        "max_iter": [Integer(0, 10**6), StrOptions(["auto"])],
        "batches_per_epoch": BATCHES,
        "max_memory": [POSITIVE, Text(), None],
    }

    def __init__(
        self,
        horizon: int = 12,
        *,
        n_ahead: int | Auto = "auto",
        lookback: int | None = None,
        season: float | Sequence[float] | Auto = "auto",
        transform: Auto | Literal["log"] | None = "auto",
        scope: Literal["global", "local", "fine_tuned"] = "global",
        pretrained: Auto | None = "auto",
        missing: Missing = "raise",
        short: Short = "pad",
        errors: Literal["raise", "skip"] = "raise",
        n_sample: int | None = None,
        ended_after: int | None = None,
        past_covariates: Sequence[Hashable] = (),
        calendar: str | Sequence[str] = (),
        holidays: str | Iterable[Any] | None = None,
        id_column: str = "unique_id",
        time_column: str = "ds",
        target_column: str = "y",
        cell: Cell = "lstm",
        hidden_size: int | Auto = "auto",
        n_layers: int = 1,
        bidirectional: bool = False,
        residual: bool = False,
        n_heads: int = 4,
        head_size: int = 0,
        segment: int | Auto = "auto",
        memory: int | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float | Auto = "auto",
        loss: Loss = "absolute_error",
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        lower: float | None = None,
        conformal: bool = True,
        n_estimators: int = 1,
        solver: Solver = "adam",
        learning_rate: Schedule = "one_cycle",
        alpha: float = 0.0,
        averaging: float = 0.0,
        max_iter: int | Auto = "auto",
        batches_per_epoch: int | Auto | None = "auto",
        max_seconds: float | None = None,
        batch_size: int | Auto = "auto",
        learning_rate_init: float = 3e-3,
        max_grad_norm: float = 1.0,
        max_memory: int | str | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 50,
        refit: bool = True,
        dtype: Dtype = "float32",
        device: Device = "cpu",
        n_jobs: int | None = None,
        random_state: RandomStateLike = 0,
        verbose: bool | int = 0,
    ):
        self.horizon = horizon
        self.n_ahead = n_ahead
        self.lookback = lookback
        self.season = season
        self.transform = transform
        self.scope = scope
        self.pretrained = pretrained
        self.missing = missing
        self.short = short
        self.errors = errors
        self.n_sample = n_sample
        self.ended_after = ended_after
        self.past_covariates = past_covariates
        self.calendar = calendar
        self.holidays = holidays
        self.id_column = id_column
        self.time_column = time_column
        self.target_column = target_column
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.n_heads = n_heads
        self.head_size = head_size
        self.segment = segment
        self.memory = memory
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.loss = loss
        self.quantiles = quantiles
        self.lower = lower
        self.conformal = conformal
        self.n_estimators = n_estimators
        self.solver = solver
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.averaging = averaging
        self.max_iter = max_iter
        self.batches_per_epoch = batches_per_epoch
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_grad_norm = max_grad_norm
        self.max_memory = max_memory
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.refit = refit
        self.dtype = dtype
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(self, y: Any, X: Any = None, static: Any = None, *, sample_weight: Any = None) -> Self:
        """Fit networks that forecast series from their history.

        Parameters
        ----------
        y : Series or DataFrame
            Finite numbers in one of these forms, rows in any order:

            * a Series on a DatetimeIndex, PeriodIndex or RangeIndex of one frequency;
            * a DataFrame with one column a series, padded with NaN where a series is shorter;
            * a long DataFrame, pandas or polars, with columns for id, time and value, or of one
              series for time and value;
            * a Series or DataFrame of one column with a MultiIndex of id and time;
            * a long frame of Dask, Spark or Ray, with ``X`` and ``static`` of pandas (see the
              notes);
            * Parquet with these columns, others are not read: the path of a file or a folder, or a
              Dataset of pyarrow; or a LazyFrame of polars. With ``max_memory`` it may be larger
              than memory.
        X : Series or DataFrame, optional
            Covariates: a row for each time stamp of ``y``, by the index or ``time_column``, and for
            each series by ``id_column`` or the first level of the index, unless all share the rows.
            Columns are known in the future, but for ``past_covariates``; rows after the end of
            ``y`` are kept for ``predict``. Numbers are standardised; texts and categories have a
            vector of input weights each (an embedding).
        static : DataFrame, optional
            Numbers or categories of each series, by the index or the column ``id_column``; pandas
            or polars.
        sample_weight : dict, Series or DataFrame, optional
            Weights in the loss, 0 or more: one for each series, by its label; or one for each
            value, in a form that ``y`` can have. A window counts by the mean weight of the values
            that it forecasts, in validation too, and windows without weight are left out.
            Intervals and the pretrained network do not take them into account.

        Returns
        -------
        self : RNNForecaster

        Raises
        ------
        ValueError
            If values are missing or infinite, time stamps irregular, a series too short, ``X``
            incomplete, or a parameter out of range; the message names series, column and place.

        Examples
        --------
        Weather forecasts by others are covariates that are known in the future:

        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_seattle_weather
        >>> days = load_seattle_weather()[:400]
        >>> y, X = days["temp_max"], days[["temp_min", "weather"]]
        >>> forecaster = RNNForecaster(horizon=3, calendar=["day_of_year"], max_iter=5)
        >>> forecaster = forecaster.fit(y[:-3], X[:-3])
        >>> len(forecaster.predict(X=X[-3:]))
        3
        """
        start = time.perf_counter()
        self._validate_params()
        engine = engine_of(y)
        if engine is not None:
            arguments = {"X": X, "static": static, "sample_weight": sample_weight}
            fit_on_engine(self, engine, y, arguments)
            self.fit_time_ = time.perf_counter() - start
            return self
        budget = Budget.of(self.max_seconds)
        if is_out_of_memory(y):
            others = {"X": X, "static": static, "sample_weight": sample_weight}
            y = OutOfMemory.open(self, y, sample_seed(self.random_state), **others)
        data = y if isinstance(y, MoreSeries) else None
        if self.errors == "skip" and data is None:
            y, self.skipped_ = without_refused(self, y)
        collection = read_series(self, y) if data is None else data.sample
        covariates = read_covariates(self, X)
        if self.n_sample is not None:
            collection = drawn_series(self, collection)
        static = read_static(self, static)
        quantiles = self._sorted_quantiles()
        if quantiles and not quantiles[0] <= 0.5 <= quantiles[-1]:
            raise ValueError(
                "The forecast is the median: quantiles must hold 0.5, or some on either side of "
                f"it; got {self.quantiles!r}."
            )
        if covariates is not None:
            covariates = covariates.of(collection.ids)
        weights = None
        if sample_weight is not None:
            weights = read_weights(self, sample_weight, collection)
        callbacks = self._new_callbacks()
        makers = self._new_network, self._settings
        parts = TrainingParts(*makers, quantiles, budget, callbacks.start, data)
        self.fitted_, history = fit_series(self, collection, covariates, static, parts, weights)
        if self.errors == "skip" and data is None:
            self.skipped_ = with_short_ones(
                self.skipped_, self.id_column, collection, self.fitted_.history, self.fitted_.spec
            )
        callbacks.end(history)
        self._record(history)
        self.fit_time_ = time.perf_counter() - start
        return self
