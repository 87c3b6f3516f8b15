"""Errors of point forecasts, and the seasonal scale of a history."""

import numpy as np
from numpy.typing import ArrayLike

from tsrnn.forecasting.metrics.checks import (
    OPTIONS,
    Axis,
    as_floats,
    check_actual,
    check_forecast,
    check_labels,
    check_order,
    check_rows,
    check_scale,
    observed_mean,
    refuse_where,
)
from tsrnn.parameters import BOOLEAN, POSITIVE_INTEGER, validated


@validated(OPTIONS)
def mae(
    actual: ArrayLike, forecast: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Mean absolute error, the mean of ``|y - f|``, in the unit of the series.

    Parameters
    ----------
    actual, forecast : (..., horizon) array, Series or DataFrame
        Actual values, y, and forecasts, f, which are never missing. Those of pandas must have the
        same labels in the same order; a frame of one column a series is averaged by ``axis=0``.
    skip_missing : bool, default=False
        Leave missing values (NaN) of ``actual`` out of the mean. The mean of none is NaN.
    axis : int, tuple of ints or None, default=-1
        Axes to average over, as in ``np.mean``: -1 for one score per series, 0 for one score per
        step ahead of (n_series, horizon), () for each error by itself, None for one number.

    Returns
    -------
    array or float
        The scores, of the shape of ``actual`` without ``axis``: a float for one series.

    Raises
    ------
    ValueError
        If shapes or labels differ, there is nothing to score, or a value is missing or infinite.

    See Also
    --------
    rmse : Large errors count more.
    mase : Relative to the seasonal naive forecast, comparable between series.
    tsrnn.backtest : Errors from several origins.

    Examples
    --------
    >>> from tsrnn.forecasting import mae
    >>> mae([[1, 2], [3, 4]], [[1, 3], [0, 0]]).tolist()
    [0.5, 3.5]
    >>> mae([[1, 2], [3, float("nan")]], [[1, 3], [0, 0]], skip_missing=True).tolist()
    [0.5, 3.0]
    """
    check_labels(actual=actual, forecast=forecast)
    actual = check_actual(actual, skip_missing)
    return observed_mean(np.abs(actual - check_forecast(forecast, actual)), actual, axis)


@validated(OPTIONS)
def rmse(
    actual: ArrayLike, forecast: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Root mean squared error, ``sqrt(mean((y - f)^2))``, in the unit of the series.

    Parameters, shapes and errors are those of :func:`mae`. The root is taken of each mean.

    Parameters
    ----------
    actual, forecast : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.

    See Also
    --------
    mae : Errors count in proportion.
    rmsse : Relative to the seasonal naive forecast, comparable between series.

    Examples
    --------
    >>> from tsrnn.forecasting import rmse
    >>> float(rmse([1, 2], [3, 4]))
    2.0
    """
    check_labels(actual=actual, forecast=forecast)
    actual = check_actual(actual, skip_missing)
    return np.sqrt(observed_mean((actual - check_forecast(forecast, actual)) ** 2, actual, axis))


@validated(OPTIONS)
def mape(
    actual: ArrayLike, forecast: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Mean absolute percentage error, the mean of ``100 |y - f| / |y|``, in percent.

    Parameters, shapes and errors are those of :func:`mae`; and an actual value of 0, which has no
    percentage, raises ValueError.

    Parameters
    ----------
    actual, forecast : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.

    See Also
    --------
    smape : Relative to the mean of both values.
    mase : Defined for zeros too.

    Examples
    --------
    >>> from tsrnn.forecasting import mape
    >>> float(mape([10, 20], [11, 18]))
    10.0
    """
    check_labels(actual=actual, forecast=forecast)
    actual = check_actual(actual, skip_missing)
    refuse_where(actual == 0, "actual is 0", "It has no percentage: use smape or mase")
    share = (actual - check_forecast(forecast, actual)) / actual
    return observed_mean(100 * np.abs(share), actual, axis)


@validated(OPTIONS)
def smape(
    actual: ArrayLike, forecast: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Symmetric mean absolute percentage error, the mean of ``200 |y - f| / (|y| + |f|)``.

    In percent, 0 to 200, as in the M4 competition (Makridakis, Spiliotis & Assimakopoulos 2020); 0
    where both are 0. Parameters, shapes and errors are those of :func:`mae`.

    Parameters
    ----------
    actual, forecast : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.

    See Also
    --------
    mape : Relative to the actual value.
    mase : Defined for zeros too.
    owa : Mean of this error and MASE relative to the naive forecast, as in M4.

    Examples
    --------
    >>> from tsrnn.forecasting import smape
    >>> float(smape([10, 20], [10, 0]))
    100.0
    """
    check_labels(actual=actual, forecast=forecast)
    actual = check_actual(actual, skip_missing)
    forecast = check_forecast(forecast, actual)
    error, total = np.abs(actual - forecast), np.abs(actual) + np.abs(forecast)
    share = np.divide(error, total, out=np.zeros_like(total), where=total > 0)
    return observed_mean(200 * share, actual, axis)


@validated(OPTIONS, season=[POSITIVE_INTEGER], squared=[BOOLEAN])
def seasonal_scale(
    history: ArrayLike, season: int, squared: bool = False, *, skip_missing: bool = False
) -> np.ndarray | float:
    """Mean absolute (or squared) difference from a season before, which errors are scaled by.

    ``mean(|y_t - y_(t - season)|)`` over a series' history is the error of repeating the value of a
    season before (Hyndman & Koehler 2006; with a season as in M4).

    Parameters
    ----------
    history : (..., n) array
        The values that the forecast was made from, the oldest first. A shorter series may be padded
        with NaN in front, with ``skip_missing``. Of a frame each row is a series.
    season : int
        Steps of a season; 1 compares with the value before.
    squared : bool, default=False
        The mean of squares, for :func:`rmsse`, in the unit of the series squared.
    skip_missing : bool, default=False
        Leave out differences with a missing value (NaN).

    Returns
    -------
    (...) array or float
        A scale above 0 for each series.

    Raises
    ------
    ValueError
        If no two values are a season apart, all those that are do not differ (a scale of 0), a
        value is missing or infinite, or an index is not in the order of time.

    See Also
    --------
    mase : Absolute errors divided by this scale.
    rmsse : Squared errors divided by this scale.

    Examples
    --------
    >>> from tsrnn.forecasting import mase, seasonal_scale
    >>> scale = seasonal_scale([1, 5, 2, 8], season=2)  # the mean of |2 - 1| and |8 - 5|
    >>> float(scale), float(mase([4, 9], [4, 8], scale))
    (2.0, 0.25)
    """
    check_order(history)
    history = check_actual(history, skip_missing, "history")
    changes = history[..., season:] - history[..., :-season]
    remedy = f"Give more history, a season other than {season}, or take mae or rmse, unscaled"
    short = np.isnan(changes).all(axis=-1)
    refuse_where(short, f"history has no two values {season} apart (season={season})", remedy)
    scale = observed_mean(changes**2 if squared else np.abs(changes), changes, -1)
    constant = f"history is constant, or repeats itself every {season} (season={season}): scale 0"
    refuse_where(scale == 0, constant, remedy)
    return scale


def scale_or_nan(history: np.ndarray, season: int, squared: bool = False) -> float:
    """The seasonal scale of a history; NaN where there is none."""
    try:
        return float(seasonal_scale(history, season, squared, skip_missing=True))
    except ValueError:
        return np.nan


@validated(OPTIONS)
def mase(
    actual: ArrayLike,
    forecast: ArrayLike,
    scale: ArrayLike,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Mean absolute scaled error, the mean of ``|y - f| / scale`` (Hyndman & Koehler 2006).

    Without a unit; 1 is as far off as the seasonal naive forecast was within the history. Result
    and errors are those of :func:`mae`; a scale that is not above 0 also raises ValueError.

    Parameters
    ----------
    actual, forecast : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.
    scale : float or (...) array
        :func:`seasonal_scale` of each series' history, or what broadcasts to the leading axes.

    See Also
    --------
    rmsse : The same of squared errors.
    seasonal_scale : What errors are divided by.
    tsrnn.seasonal_naive : The forecast that this is relative to.

    Examples
    --------
    >>> from tsrnn.forecasting import mase
    >>> float(mase([4, 9], [4, 8], scale=2))
    0.25
    """
    check_labels(actual=actual, forecast=forecast, scale=scale)
    if np.ndim(scale):
        check_rows(actual, "actual")
    actual = check_actual(actual, skip_missing)
    error = np.abs(actual - check_forecast(forecast, actual))
    return observed_mean(error / check_scale(scale, actual), actual, axis)


@validated(OPTIONS)
def rmsse(
    actual: ArrayLike,
    forecast: ArrayLike,
    scale: ArrayLike,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Root mean squared scaled error, ``sqrt(mean((y - f)^2 / scale))``, without a unit.

    That of the M5 competition (Makridakis, Spiliotis & Assimakopoulos 2022), which scales with
    ``season=1`` and the history from the first sale on. Parameters, result and errors are those of
    :func:`mase`, but ``scale`` is of :func:`seasonal_scale` with ``squared=True``.

    Parameters
    ----------
    actual, forecast : (..., horizon) array, Series or DataFrame
    scale : float or (...) array
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mase`.

    See Also
    --------
    mase : The same of absolute errors.
    seasonal_scale : What errors are divided by.

    Examples
    --------
    >>> from tsrnn.forecasting import rmsse
    >>> float(rmsse([4, 9], [2, 7], scale=4))
    1.0
    """
    check_labels(actual=actual, forecast=forecast, scale=scale)
    if np.ndim(scale):
        check_rows(actual, "actual")
    actual = check_actual(actual, skip_missing)
    error = (actual - check_forecast(forecast, actual)) ** 2
    return np.sqrt(observed_mean(error / check_scale(scale, actual), actual, axis))


def owa(
    smape: ArrayLike, mase: ArrayLike, naive_smape: ArrayLike, naive_mase: ArrayLike
) -> np.ndarray | float:
    """Overall weighted average of M4, ``(smape / naive_smape + mase / naive_mase) / 2``.

    Below 1 is better than the naive method, in M4 "Naive 2", which repeats the last value of the
    seasonally adjusted series (Makridakis, Spiliotis & Assimakopoulos 2020).

    Parameters
    ----------
    smape, mase, naive_smape, naive_mase : float or array
        The scores of the method and of the naive one, which must be above 0; each averaged over all
        series first: M4 takes the ratio of averages, not the average of ratios.

    See Also
    --------
    mase : One of the two errors that it averages.
    smape : The other one.

    Examples
    --------
    >>> from tsrnn.forecasting import owa
    >>> float(owa(smape=5, mase=0.75, naive_smape=10, naive_mase=1))
    0.625
    """
    check_labels(smape=smape, mase=mase, naive_smape=naive_smape, naive_mase=naive_mase)
    scores = []
    for score, naive, name in ((smape, naive_smape, "smape"), (mase, naive_mase, "mase")):
        naive = as_floats(naive, f"naive_{name}")
        refuse_where(
            ~(naive > 0), f"naive_{name} is not above 0", "Average it over series that change"
        )
        scores.append(as_floats(score, name) / naive)
    return (scores[0] + scores[1]) / 2
