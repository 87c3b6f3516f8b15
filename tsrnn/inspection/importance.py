"""Permutation importance: how much worse forecasts are when what they read is exchanged."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state

from tsrnn.data import Collection, Location, Panel, slice_series
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.inputs import read_covariates, read_series, read_static
from tsrnn.forecasting.metrics.points import scale_or_nan
from tsrnn.forecasting.predictor import ForecastContext, Predictor
from tsrnn.forecasting.resolve import check_values
from tsrnn.forecasting.seasonality import season_of
from tsrnn.forecasting.seasons import base_and_longer
from tsrnn.kernels.losses import find_loss
from tsrnn.parameters import (
    BOOLEAN,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    STEPS,
    Integer,
    StrOptions,
    validate_parameters,
    validated,
)

_MAX_VALUES = 2**23  # of the windows that are read at a time
_TARGET = "y"


@validated(
    forecaster=[RNNForecaster],
    by=[StrOptions(["input", "lag"])],
    lag_block=[POSITIVE_INTEGER],
    n_windows=[STEPS],
    step=[POSITIVE_INTEGER, None],
    n_repeats=[POSITIVE_INTEGER],
    metric=[StrOptions(["mase", "mae", "rmse"])],
    random_state=RANDOM_STATE,
    verbose=[BOOLEAN, Integer(0)],
)
def permutation_importance(
    forecaster: RNNForecaster,
    y: Any,
    X: Any = None,
    static: Any = None,
    *,
    by: str = "input",
    lag_block: int = 1,
    n_windows: int = 20,
    step: int | None = None,
    n_repeats: int = 5,
    metric: str = "mase",
    random_state: Any = 0,
    verbose: int = 0,
) -> pd.DataFrame:
    """How much the error of a backtest rises when an input is exchanged between windows.

    The forecaster is fitted once, before the first origin. Then each input of its windows is
    replaced by that of other windows, of other origins or series, drawn at random (Breiman 2001):
    what it says of these very windows is lost, and all else stays. An input that only repeats what
    another one says may be used, and still look unimportant: of two such each stands in for the
    other.

    Parameters
    ----------
    forecaster : RNNForecaster
        Its parameters; it is cloned, and stays as it is.
    y : array, Series or DataFrame
    X, static : DataFrame, optional
        As in ``RNNForecaster.fit``.
    by : {"input", "lag"}, default="input"
        Exchange each input at all steps of the window at once, or at each lag by itself.
    lag_block : int, default=1
        Lags that are exchanged together with ``by="lag"``: 24 for the hours of a day.
    n_windows : int, default=20
        Origins, as in :func:`tsrnn.backtest`, but more, so that there is something to exchange.
    step : int, optional
        Steps between origins. By default they spread over the last quarter of the shortest series,
        in different phases of its seasons: inputs that hardly differ between windows that are near
        to each other, such as the weather of neighbouring hours, would look unimportant.
    n_repeats : int, default=5
        Times that each is exchanged, by the same draws for all inputs.
    metric : {"mase", "mae", "rmse"}, default="mase"
        Error, averaged over series: "mase" is scaled by the seasonal difference of each series, the
        others are in the unit of ``y``.
    random_state : int, RandomState instance or None, default=0
        Seed of the draws.
    verbose : int, default=0
        Show progress on standard error.

    Returns
    -------
    DataFrame
        A row for each input: "y", columns of ``X``, features of the calendar, "holidays", static
        columns, and "season 168" and the like for seasons whose phase the network reads. Columns
        are ``importance_mean`` and ``importance_std``, the mean and standard deviation over repeats
        of the error with the input exchanged less the error without, and ``relative``, the mean
        over that error. Most important first; with ``by="lag"`` by input and lag instead, without
        static columns: lag 0 is the last known step, and -1 the first step ahead; of a block the
        smallest lag stands for all.

    Raises
    ------
    ValueError
        As :func:`tsrnn.backtest`; or if there is one window alone, nothing but the pretrained
        network, or no scale for "mase".

    See Also
    --------
    input_sensitivity : Derivatives of one forecast.
    decompose : Effects of covariates on a forecast.
    tsrnn.backtest : The errors that it compares.

    Notes
    -----
    Values of ``y`` are exchanged as deviations from the mean of their lookback, in scaled units, so
    that a window keeps its level; the naive forecast and the pretrained network read the exchanged
    values too.

    Examples
    --------
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.datasets import load_seattle_weather
    >>> from tsrnn.inspection import permutation_importance
    >>> days = load_seattle_weather()[:400]
    >>> y, X = days["temp_max"], days[["temp_min", "wind"]]
    >>> forecaster = RNNForecaster(horizon=3, max_iter=5)
    >>> table = permutation_importance(forecaster, y, X, n_repeats=2)
    >>> sorted(table.index)
    ['temp_min', 'wind', 'y']
    """
    validate_parameters(forecaster)
    collection = read_series(forecaster, y)
    covariates, static = read_covariates(forecaster, X), read_static(forecaster, static)
    if step is None:
        step = _spread(collection, forecaster.season, n_windows)
    ends = _origins(collection, forecaster.horizon, n_windows, step)
    if ends.size < 2:
        raise ValueError("One window alone has none to exchange with. Raise n_windows.")
    history = slice_series(collection, np.zeros_like(ends[:, 0]), ends[:, 0])
    state = clone(forecaster).fit(history, covariates, static).fitted_
    state.check_trained()
    whole, _ = state.with_channels(collection, covariates, static, forecaster.missing == "mask")
    check_values(whole, state.transform, state.spec.loss)
    predictor = state.predictor(False, forecaster.device, forecaster.n_jobs, forecaster.lower)
    windows = _Windows.of(state, predictor, whole, ends, forecaster.horizon)
    score = _Score.of(whole, ends, forecaster.horizon, state.spec.season, metric)
    rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
    donors = [rng.permutation(ends.size) for _ in range(n_repeats)]
    error, rows = score.error(windows.forecasts()), {}
    exchanges = list(_exchanges(state, forecaster.horizon, by, lag_block))
    with progress_bar("importance", verbose) as show:
        for k, (label, exchange) in enumerate(exchanges):
            errors = [score.error(windows.forecasts(exchange, part)) for part in donors]
            rows[label] = np.mean(errors) - error, np.std(errors), (np.mean(errors) - error) / error
            show((k + 1) / len(exchanges))
    columns = ["importance_mean", "importance_std", "relative"]
    if by == "lag":
        index = pd.MultiIndex.from_tuples(rows, names=["input", "lag"])
        return pd.DataFrame(list(rows.values()), index, columns)
    table = pd.DataFrame(list(rows.values()), pd.Index(list(rows), name="input"), columns)
    return table.sort_values("importance_mean", ascending=False, kind="stable")


def _spread(collection, season, n_windows):
    """Steps between origins in the last quarter of the series, of different phases of seasons."""
    base, longer = base_and_longer(season)
    shortest = season_of(collection.axes[0].frequency) if base == "auto" else base
    step = max(1, int(collection.panel.lengths.min()) // (4 * n_windows))
    while any(math.gcd(step, int(n_steps)) > 1 for n_steps in (shortest, *longer)):
        step -= 1  # of 1 there is no common divisor above 1
    return step


def _origins(collection, horizon, n_windows, step):
    """Known values of each series at each origin, (n_series, n_windows)."""
    back = horizon + step * np.arange(n_windows - 1, -1, -1)
    ends = collection.panel.lengths[:, None] - back
    if ends.min() < 2:
        series = int(np.argmin(ends[:, 0]))
        raise Location(series=collection.ids[series]).error(
            f"has {collection.panel.lengths[series]} observations, too few for n_windows="
            f"{n_windows} origins, step={step} apart, and horizon={horizon}",
            "Give fewer windows or more history.",
        )
    return ends


@dataclasses.dataclass(frozen=True)
class _Exchange:
    """What is exchanged: ``y`` or channels, at lags; 0 is the last known step, -1 the next."""

    lags: np.ndarray
    channels: Sequence[int] = ()
    target: bool = False


def _exchanges(state: FittedForecaster, horizon: int, by: str, block: int) -> Iterator:
    """Label and exchange of each input, or of each input and block of lags."""
    spec, features = state.spec, state.features
    past, whole = range(spec.lookback), range(-horizon, spec.lookback)
    inputs: dict[Any, tuple[_Exchange, range]] = {}
    groups: dict[Any, list[int]] = {}
    for channel, (name, _) in enumerate(features.channel_names if features else ()):
        groups.setdefault(name, []).append(channel)
    observed = groups.pop(None, [])  # goes with the values
    inputs[_TARGET] = _Exchange(np.arange(0), observed, target=True), past
    for name, channels in groups.items():
        inputs[name] = _Exchange(np.arange(0), channels), past
        if channels[0] < spec.n_known:
            inputs[name] = inputs[name][0], whole
    n_static = sum(column.n_channels for column in features.static) if features else 0
    first_static = spec.n_channels - n_static - len(observed)
    for name, (exchange, lags) in inputs.items():
        if by == "input":
            every = np.arange(-horizon, _n_past(state))
            yield name, dataclasses.replace(exchange, lags=every)
            continue
        if not exchange.target and exchange.channels[0] >= first_static:
            continue
        for first in range(lags.start, lags.stop, block):
            part = np.arange(first, min(first + block, lags.stop))
            yield (name, first), dataclasses.replace(exchange, lags=part)


def _n_past(state):
    """Values before an origin that forecasts read."""
    n_read = state.pretrained.n_read if state.pretrained else 0
    return max(state.spec.lookback, n_read)


@dataclasses.dataclass(frozen=True, eq=False)
class _Windows:
    """Windows of series before and after origins, and forecasts from them."""

    predictor: Predictor
    context: ForecastContext
    scaled: np.ndarray  # (n_values,)
    series: np.ndarray  # (n_windows,)
    ends: np.ndarray  # (n_windows,) known values
    horizon: int
    n_past: int
    lookback: int
    is_positive: bool  # whether the loss takes no values below 0

    @classmethod
    def of(cls, state, predictor, whole, ends, horizon):
        context = state.context(whole)
        return cls(
            predictor,
            context,
            context.scaling.apply(whole.panel),
            np.repeat(np.arange(len(ends)), ends.shape[1]),
            ends.ravel(),
            horizon,
            _n_past(state),
            state.spec.lookback,
            find_loss(state.spec.loss).is_positive,
        )

    def forecasts(self, exchange: _Exchange | None = None, donors: Any = None) -> np.ndarray:
        """Forecasts, (n_windows, horizon), with inputs of windows ``donors`` in place of theirs."""
        covariates = self.context.collection.covariates
        n_channels = 0 if covariates is None else covariates.shape[1]
        size = max(1, _MAX_VALUES // ((self.n_past + self.horizon) * (1 + n_channels)))
        parts = []
        for first in range(0, self.ends.size, size):
            rows = np.arange(first, min(first + size, self.ends.size))
            values, channels, known = self._read(rows)
            if exchange is not None:
                self._replace(exchange, values, channels, known, self._read(donors[rows]))
            parts.append(self._forecasts(rows, values, channels, known))
        return np.concatenate(parts)

    def _read(self, rows):
        """Scaled values, (n, n_past); channels, (n, n_past + horizon, n); which values exist."""
        series, ends = self.series[rows], self.ends[rows]
        places = ends[:, None] + np.arange(-self.n_past, self.horizon)
        known = places[:, : self.n_past] >= 0
        at = self.context.collection.panel.indptr[series][:, None] + np.maximum(places, 0)
        covariates = self.context.collection.covariates
        channels = None if covariates is None else covariates[at]
        return self.scaled[at[:, : self.n_past]], channels, known

    def _replace(self, exchange, values, channels, known, others):
        """Overwrite values and channels at lags by those of other windows."""
        other_values, other_channels, other_known = others
        places = self.n_past - 1 - exchange.lags
        if exchange.target:
            levels = []
            for part, is_known in ((values, known), (other_values, other_known)):
                part, is_known = part[:, -self.lookback :], is_known[:, -self.lookback :]
                levels.append(np.where(is_known, part, 0).sum(axis=1) / is_known.sum(axis=1))
            moved = other_values + (levels[0] - levels[1])[:, None]
            past = places[places < self.n_past]
            chosen = known[:, past] & other_known[:, past]
            values[:, past] = np.where(chosen, moved[:, past], values[:, past])
        for channel in exchange.channels:
            channels[:, places, channel] = other_channels[:, places, channel]

    def _forecasts(self, rows, values, channels, known):
        """Forecasts of windows as series of their own."""
        context, series, ends = self.context, self.series[rows], self.ends[rows]
        scaling = context.scaling.of_series(series)
        numbers, lengths = np.arange(rows.size), known.sum(axis=1)
        values = scaling.undo(values, numbers, ends - self.n_past)
        if self.is_positive:
            values = np.maximum(values, 0.0)
        panel = Panel(values[known], np.cumsum([0, *lengths]))
        after = covariates = None
        if channels is not None:
            covariates = channels[:, : self.n_past][known]
            after = channels[:, self.n_past :]
        whole = context.collection
        axes = [whole.axes[number] for number in series]
        collection = Collection(panel, list(numbers), axes, whole.form, None, covariates)
        groups = context.groups[series]
        own = ForecastContext(collection, after, scaling, ends - lengths, groups)
        return self.predictor.points(own, numbers, lengths, self.horizon)


@dataclasses.dataclass(frozen=True, eq=False)
class _Score:
    """The mean error of forecasts, (n_series * n_windows, horizon)."""

    actual: np.ndarray  # (n_series, n_windows * horizon); NaN where missing
    scales: np.ndarray  # (n_series,)
    is_squared: bool

    @classmethod
    def of(cls, whole, ends, horizon, season, metric):
        targets, firsts = whole.targets, whole.panel.indptr[:-1]
        places = (firsts[:, None] + ends)[:, :, None] + np.arange(horizon)
        scales = np.ones(len(ends))
        if metric == "mase":
            bounds = zip(firsts, ends[:, 0], strict=True)
            histories = [targets[first : first + n] for first, n in bounds]
            scales = np.array([scale_or_nan(history, season) for history in histories])
        actual = targets[places].reshape(len(ends), -1)
        usable = ~np.isnan(actual).all(axis=1) & ~np.isnan(scales)
        if not usable.any():
            raise ValueError(
                "Of no series are there observed values at the steps that were forecast, and a "
                "history that varies from season to season. Take metric='mae' or more windows."
            )
        return cls(np.where(usable[:, None], actual, np.nan), scales, metric == "rmse")

    def error(self, forecasts: np.ndarray) -> float:
        """The error, averaged over the windows and steps of a series, then over series."""
        errors = np.abs(forecasts.reshape(self.actual.shape) - self.actual)
        observed = ~np.isnan(errors)
        errors = errors**2 if self.is_squared else errors
        n = observed.sum(axis=1)
        means = np.where(observed, errors, 0).sum(axis=1)[n > 0] / n[n > 0]
        means = np.sqrt(means) if self.is_squared else means / self.scales[n > 0]
        return float(means.mean())
