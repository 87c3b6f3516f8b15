"""Decomposition of a series and its forecast into trend, seasons, effects and a remainder."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import Collection, Location, extended, slice_series, take_series
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.calendar import fourier_channels
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.inputs import forecast_context
from tsrnn.forecasting.predictor import ForecastContext
from tsrnn.forecasting.seasons import Seasons, base_and_longer, seasonal_profiles
from tsrnn.inspection.effects import effects
from tsrnn.parameters import STEPS, Integer, Label, ParameterError, validated

_MIN_VALUES = 3
_MIN_SEASONS = 3  # for a median of two values of each phase about a centred moving average
_TRENDS = 10  # windows of the trend that a series without seasons holds


@validated(
    forecaster=[RNNForecaster],
    horizon=[STEPS, None],
    series=[Label(), None],
    window=[Integer(_MIN_VALUES), None],
)
def decompose(
    forecaster: RNNForecaster,
    horizon: int | None = None,
    X: Any = None,
    *,
    series: Hashable | None = None,
    window: int | None = None,
) -> pd.DataFrame:
    """The history of a series and its forecast as a sum of parts.

    Parts are a trend, the seasons that the forecaster uses or was given, what each covariate and
    holiday adds, and a remainder. With ``transform_`` "log" it is a product: the trend is in the
    unit of ``y``, and the other parts are factors.

    Parameters
    ----------
    forecaster : fitted RNNForecaster
    horizon, X : optional
        As in ``RNNForecaster.predict``.
    series : label, optional
        Which series of a panel; by default the first.
    window : int, optional
        Steps of the moving average that is the trend, made odd; by default the longest season that
        is told apart, or a tenth of the steps where there is none.

    Returns
    -------
    DataFrame
        A row for each step of the history, with updates, and of the forecast. Columns are:

        * ``y``, the values, NaN where they are missing, and the forecasts;
        * ``trend``;
        * ``season_12`` and so on, one for each season, in steps;
        * ``effect_<column>`` for each column of ``X``, ``holidays`` for given dates, and
          ``holiday_<name>`` for each name of a country's; NaN for the first ``lookback_`` values,
          before which there are too few to forecast from, so that they are in the remainder;
        * ``remainder``, ``y`` less (with logarithms over) all parts that are known;
        * ``is_forecast``, whether the step is of the forecast.

    Raises
    ------
    NotFittedError, ValueError
        If the forecaster is not fitted, ``predict`` refuses ``horizon`` or ``X``, there is no such
        series, it has ended, or is too short to tell any season from the trend.

    See Also
    --------
    permutation_importance : How much a forecast depends on an input.
    tsrnn.plotting.DecompositionDisplay : Draw the parts.

    Notes
    -----
    Seasons are those of a classical decomposition: the median of each phase about a centred moving
    average, from the shortest season to the longest, shrunk by the share of their variance that
    chance explains. Of longer ones that are not whole, or that the history holds fewer than four
    times, they are Fourier terms, by least squares. They are taken of the history and go on through
    the forecast, so that the remainder of the forecast shows where the network departs from them. A
    season that the history holds fewer than two times (the shortest one three) can't be told from
    the trend and stays in it.

    The trend is the centred moving average of what is left of history and forecast together, as in
    X-11-ARIMA (Dagum 1980), and at either end the line of least squares through the last window.

    The effect of a covariate is the forecast less the forecast with that covariate held, over
    the steps ahead, at its mean in the history of the series (at its most common value for
    categories, and where there are two values); ``past_covariates`` are held over the lookback. A
    holiday's is the forecast less the forecast with its days unmarked. In the history forecasts
    start a horizon apart, and are in sample. These are effects on what the network forecasts, not
    causes; and each is taken by itself: what several covariates do together is in the remainder,
    and of two that say the same each has what the network happens to read from it. What a
    covariate has of a season (temperature, of the day) is in its effect and not in the season.
    Features of the calendar are no parts: they are in seasons and remainder; static values are in
    the trend.

    Examples
    --------
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.inspection import decompose
    >>> forecaster = RNNForecaster(horizon=12, max_iter=2).fit(load_airline())
    >>> parts = decompose(forecaster)
    >>> parts.columns.tolist()
    ['y', 'trend', 'season_12', 'remainder', 'is_forecast']
    >>> float(parts["season_12"].iloc[6].round(2))  # July, of a product
    1.26
    """
    horizon, context = forecast_context(forecaster, horizon, X)
    state = forecaster.fitted_
    context = _of_one(state, context, series)
    collection, size = context.collection, context.collection.panel.values.size
    predictor = state.predictor(
        False, forecaster.device, forecaster.n_jobs, forecaster.lower, forecaster.short == "naive"
    )
    first = np.zeros(1, int)
    forecast = predictor.points(context, first, np.array([size]), horizon)[0]
    y = np.concatenate([collection.targets, forecast])
    axis = collection.axes[0]
    index = axis.index.append(axis.after(horizon))
    values, is_product = np.concatenate([collection.panel.values, forecast]), context.scaling.log
    values = np.log(values) if is_product else values
    parts = _effects(state, predictor, context, horizon)
    # Where effects are not known, trend and seasons take them to be as they are on average.
    usual = [np.where(np.isnan(part), np.nanmean(part), part) for part in parts.values()]
    without = values - sum(usual, 0.0)
    seasons = _seasons(forecaster, without[:size], index, axis.step)
    _check_seasons(forecaster, seasons, collection)
    seasonal = sum(seasons.values(), np.zeros(values.size))
    trend = _trend(without - seasonal, window, max(map(float, seasons), default=None))
    known = trend + seasonal + sum(map(np.nan_to_num, parts.values()), 0.0)
    columns = {"trend": trend}
    columns |= {f"season_{season:g}": part for season, part in seasons.items()}
    columns |= parts
    columns["remainder"] = np.where(np.isnan(y), np.nan, values - known)
    if is_product:
        columns = {name: np.exp(part) for name, part in columns.items()}
    is_forecast = np.arange(values.size) >= size
    return pd.DataFrame({"y": y, **columns, "is_forecast": is_forecast}, index)


def _of_one(
    state: FittedForecaster, context: ForecastContext, series: Hashable | None
) -> ForecastContext:
    """The context of one series, whose history goes back as far as it is known."""
    ids = state.recent.ids
    if series is not None and series not in ids:
        problem = f"series={series!r} is none of those that were fitted"
        if ids == [None]:
            raise ParameterError(f"{problem}: it is one series. Leave series out.")
        more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
        raise ParameterError(f"{problem}. Choose among {ids[:10]}{more}.")
    number = 0 if series is None else ids.index(series)
    if ids[number] not in context.collection.ids:
        raise ParameterError(
            f"series={ids[number]!r} has ended and is not forecast. Choose another, or set "
            "ended_after=None."
        )
    place = np.array([context.collection.ids.index(ids[number])])
    collection, n_elapsed = _known_values(state, number)
    if collection.panel.values.size < _MIN_VALUES:
        problem = f"has {collection.panel.values.size} values, too few to decompose"
        raise Location(series=ids[number]).error(problem, "Give more history.")
    return ForecastContext(
        collection,
        None if context.after is None else context.after[place],
        context.scaling.of_series(place),
        np.array([n_elapsed]),
        context.groups[place],
        context.marks_observed,
    )


def _known_values(state: FittedForecaster, number: int) -> tuple[Collection, int]:
    """A series with its updates, and how many values came before those that are kept."""
    one, n_elapsed = np.array([number]), int(state.n_elapsed[number])
    history, recent = (take_series(part, one) for part in (state.history, state.recent))
    if not 0 < n_elapsed <= history.panel.values.size:
        return recent, n_elapsed
    start = slice_series(history, np.array([0]), np.array([n_elapsed]))
    return extended(start, recent), 0


def _effects(state, predictor, context, horizon):
    """Effects by label, (n_values + horizon,), NaN where there are too few values before."""
    if state.features is None or state.is_zero_shot:
        return {}
    size, lookback = context.collection.panel.values.size, state.spec.lookback
    n_before = max(size - lookback, 0) // horizon
    ends = size - horizon * np.arange(n_before, -1, -1)
    parts = {}
    found = effects(predictor, context, state.features, ends, horizon)
    for label, part in found.items():
        parts[label] = np.full(size + horizon, np.nan)
        parts[label][ends[0] :] = part.ravel()
    return parts


def _seasons(forecaster, values, index, step):
    """Part of each season, the shortest first, over history and forecast, (n_steps,) each.

    ``values`` (n_values,) are the history without effects.
    """
    _, given = base_and_longer(forecaster.season)  # without training the longer are not used
    seasons = Seasons.of([*forecaster.seasons_, *given], np.array([values.size]))
    steps, parts = np.arange(len(index)), {}
    whole = [season for season in (seasons.base, *seasons.profiles) if season > 1]
    whole = [season for season in whole if _is_held(values.size, season, _MIN_SEASONS)]
    profiles = seasonal_profiles(values, (1, *whole))
    for season, profile in zip(whole, profiles, strict=True):
        parts[season] = profile[steps % season]
    for season in seasons.fourier:
        if _is_held(values.size, season, _MIN_SEASONS - 1):
            left = values - sum((part[: values.size] for part in parts.values()), 0.0)
            waves = fourier_channels(index, step, (season,))
            parts[season] = _fitted_waves(left, waves, season)
    return dict(sorted(parts.items()))


def _is_held(size, season, n_times):
    """Whether values hold a season so often about its moving average, which lacks half at ends."""
    n_averaged = size - 2 * (int(season) // 2)
    return n_averaged >= (n_times - 1) * season


def _fitted_waves(values, waves, season):
    """Waves by least squares on values less their centred moving average, (n_steps,)."""
    half = int(season) // 2
    average = np.convolve(values, np.full(2 * half + 1, 1 / (2 * half + 1)), "valid")
    detrended, inner = values[half : values.size - half] - average, waves[half : values.size - half]
    design = np.column_stack([np.ones(len(inner)), inner])
    return waves @ np.linalg.lstsq(design, detrended)[0][1:]


def _check_seasons(forecaster, found, collection):
    if forecaster.seasons_ and not found:
        shortest, n = forecaster.seasons_[0], collection.panel.values.size
        raise Location(series=collection.ids[0]).error(
            f"has {n} values, too few to tell a season of {shortest:g} from the trend",
            "Give more history, or fit with season=1.",
        )


def _trend(values, window, longest):
    """Centred moving average, (n_steps,), at either end the line through the last window."""
    from scipy.signal import savgol_filter

    most = values.size - 1 + values.size % 2
    if window is None:
        window = values.size // _TRENDS if longest is None else int(longest)
        window = min(max(window, _MIN_VALUES), most)
    window += 1 - window % 2
    if window > most:
        raise ParameterError(
            f"window={window} is longer than the {values.size} steps of history and forecast."
        )
    return savgol_filter(values, window, polyorder=1)
