"""How far forecasts are from what came: of points, quantiles, intervals and distributions.

Functions on arrays of one or many series: ``actual`` is (..., horizon), any leading axes (series,
origins) and the steps ahead last. The mean goes over the steps, so that a score is left for each
series, to be averaged by the caller as the M competitions do. Series are never pooled unasked, as
by scikit-learn's functions, which also refuse missing values and more than two axes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

Axis = int | tuple[int, ...] | None


def mae(
    actual: ArrayLike, forecast: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Mean absolute error, the mean of ``|y - f|``, in the unit of the series.

    Parameters
    ----------
    actual : (..., horizon) array
        What came, y.
    forecast : (..., horizon) array
        What was forecast, f; of the same shape, and never missing.
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
        If shapes differ, there is nothing to score, or a value is missing or infinite; the message
        says where.

    Examples
    --------
    >>> from tsrnn.forecasting import mae
    >>> mae([[1, 2], [3, 4]], [[1, 3], [0, 0]]).tolist()
    [0.5, 3.5]
    >>> mae([[1, 2], [3, float("nan")]], [[1, 3], [0, 0]], skip_missing=True).tolist()
    [0.5, 3.0]
    """
    actual = _observed(actual, skip_missing)
    return _mean(np.abs(actual - _forecast(forecast, actual)), actual, axis)


def rmse(
    actual: ArrayLike, forecast: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Root mean squared error, ``sqrt(mean((y - f)^2))``, in the unit of the series.

    Parameters, shapes and errors are those of :func:`mae`. The root is taken of each mean.
    """
    actual = _observed(actual, skip_missing)
    return np.sqrt(_mean((actual - _forecast(forecast, actual)) ** 2, actual, axis))


def mape(
    actual: ArrayLike, forecast: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Mean absolute percentage error, the mean of ``100 |y - f| / |y|``, in percent.

    Parameters, shapes and errors are those of :func:`mae`; and an actual value of 0, which has no
    percentage, raises ValueError.
    """
    actual = _observed(actual, skip_missing)
    _refuse(actual == 0, "actual is 0", "It has no percentage: use smape or mase")
    share = (actual - _forecast(forecast, actual)) / actual
    return _mean(100 * np.abs(share), actual, axis)


def smape(
    actual: ArrayLike, forecast: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Symmetric mean absolute percentage error, the mean of ``200 |y - f| / (|y| + |f|)``.

    In percent, 0 to 200, as in the M4 competition (Makridakis, Spiliotis & Assimakopoulos 2020); 0
    where both are 0. Parameters, shapes and errors are those of :func:`mae`.
    """
    actual = _observed(actual, skip_missing)
    forecast = _forecast(forecast, actual)
    error, total = np.abs(actual - forecast), np.abs(actual) + np.abs(forecast)
    share = np.divide(error, total, out=np.zeros_like(total), where=total > 0)
    return _mean(200 * share, actual, axis)


def seasonal_scale(
    history: ArrayLike, season: int, squared: bool = False, *, skip_missing: bool = False
) -> np.ndarray | float:
    """Mean absolute (or squared) difference from a season before: what errors are scaled by.

    ``mean(|y_t - y_(t - season)|)`` over a series' history is the error of repeating the value of a
    season before (Hyndman & Koehler 2006; with a season as in M4). For :func:`mase`, and if squared
    for :func:`rmsse`.

    Parameters
    ----------
    history : (..., n) array
        The values that the forecast was made from, and none after, the oldest first. In front of a
        shorter series NaN may stand, with ``skip_missing``.
    season : int
        Entries of a season; 1 compares with the value before.
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
        If no two values are a season apart, all those that are do not differ (a scale of 0), or a
        value is missing or infinite.

    Examples
    --------
    >>> from tsrnn.forecasting import mase, seasonal_scale
    >>> scale = seasonal_scale([1, 5, 2, 8], season=2)  # the mean of |2 - 1| and |8 - 5|
    >>> float(scale), float(mase([4, 9], [4, 8], scale))
    (2.0, 0.25)
    """
    history = _observed(history, skip_missing, "history")
    if season < 1:
        raise ValueError(f"season must be at least 1, got {season}.")
    changes = history[..., season:] - history[..., :-season]
    remedy = f"Give more history, a season other than {season}, or take mae or rmse, unscaled"
    short = np.isnan(changes).all(axis=-1)
    _refuse(short, f"history has no two values {season} apart (season={season})", remedy)
    scale = _mean(changes**2 if squared else np.abs(changes), changes, -1)
    alike = f"history is constant, or repeats itself every {season} (season={season}): scale 0"
    _refuse(scale == 0, alike, remedy)
    return scale


def mase(
    actual: ArrayLike,
    forecast: ArrayLike,
    scale: ArrayLike,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Mean absolute scaled error, the mean of ``|y - f| / scale`` (Hyndman & Koehler 2006).

    Without a unit; 1 is as far off as the seasonal naive forecast was within the history.

    Parameters
    ----------
    actual, forecast, skip_missing, axis
        As in :func:`mae`.
    scale : float or (...) array
        :func:`seasonal_scale` of each series' history, or what broadcasts to the leading axes.

    Returns
    -------
    array or float
        As in :func:`mae`.

    Raises
    ------
    ValueError
        As in :func:`mae`, or if a scale is not above 0 or does not fit the leading axes.
    """
    actual = _observed(actual, skip_missing)
    error = np.abs(actual - _forecast(forecast, actual))
    return _mean(error / _scale_of_series(scale, actual), actual, axis)


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
    ``season=1`` and the history from the first sale on.

    Parameters
    ----------
    actual, forecast, skip_missing, axis
        As in :func:`mae`.
    scale : float or (...) array
        :func:`seasonal_scale` with ``squared=True`` of each series' history, or what broadcasts to
        the leading axes.

    Returns
    -------
    array or float
        As in :func:`rmse`.

    Raises
    ------
    ValueError
        As in :func:`mase`.
    """
    actual = _observed(actual, skip_missing)
    error = (actual - _forecast(forecast, actual)) ** 2
    return np.sqrt(_mean(error / _scale_of_series(scale, actual), actual, axis))


def owa(
    smape: ArrayLike, mase: ArrayLike, naive_smape: ArrayLike, naive_mase: ArrayLike
) -> np.ndarray | float:
    """Overall weighted average of M4, ``(smape / naive_smape + mase / naive_mase) / 2``.

    Below 1 is better than the naive method, in M4 "Naive 2", which repeats the last value of the
    seasonally adjusted series (Makridakis, Spiliotis & Assimakopoulos 2020).

    Parameters
    ----------
    smape, mase, naive_smape, naive_mase : float or array
        The two scores of the method and of the naive one, each averaged over all series first: M4
        takes the ratio of averages, not the average of ratios.

    Returns
    -------
    array or float

    Raises
    ------
    ValueError
        If a score of the naive method is not above 0.
    """
    scores = []
    for score, naive, name in ((smape, naive_smape, "smape"), (mase, naive_mase, "mase")):
        naive = np.asarray(naive, dtype=float)
        _refuse(~(naive > 0), f"naive_{name} is not above 0", "Average it over series that change")
        scores.append(np.asarray(score, dtype=float) / naive)
    return (scores[0] + scores[1]) / 2


def pinball(
    actual: ArrayLike,
    quantile_forecast: ArrayLike,
    level: float,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Mean pinball loss ``max(level (y - q), (level - 1) (y - q))`` (Koenker & Bassett 1978).

    Least, on average, for the true quantile; half the absolute error at 0.5. In the unit of the
    series.

    Parameters
    ----------
    actual, skip_missing, axis
        As in :func:`mae`.
    quantile_forecast : (..., horizon) array
        The forecast quantile, q.
    level : float
        Its level, above 0 and below 1.

    Returns
    -------
    array or float
        As in :func:`mae`.

    Raises
    ------
    ValueError
        As in :func:`mae`, or if the level is not between 0 and 1.
    """
    actual = _observed(actual, skip_missing)
    quantile = _forecast(quantile_forecast, actual, "quantile_forecast")
    return _mean(_pinball(actual - quantile, _share(level, "level")), actual, axis)


def crps_from_quantiles(
    actual: ArrayLike,
    quantiles: ArrayLike,
    levels: ArrayLike,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Continuous ranked probability score from quantiles: twice the mean of their pinball losses.

    The score is twice the pinball loss's integral over all levels (Gneiting & Ranjan 2011); here a
    mean over the given levels stands for it. It is close where there are many, evenly spread over 0
    to 1 (for n levels 0.5/n, 1.5/n, ... it is the score of the n quantiles as samples); with few or
    uneven levels it compares forecasts at these levels only. In the unit of the series.

    Parameters
    ----------
    actual, skip_missing, axis
        As in :func:`mae`.
    quantiles : (..., horizon, n_levels) array
        The forecast quantiles.
    levels : (n_levels,) array
        Their levels, above 0 and below 1, in the order of ``quantiles``.

    Returns
    -------
    array or float
        As in :func:`mae`.

    Raises
    ------
    ValueError
        As in :func:`mae`, or if levels are not between 0 and 1 or not as many as quantiles.
    """
    actual, levels = _observed(actual, skip_missing), _share(levels, "levels")
    if levels.ndim != 1:
        raise ValueError(f"levels must have one axis, got shape {levels.shape}.")
    quantiles = _forecast(quantiles, actual, "quantiles", more=(levels.size,))
    losses = _pinball(actual[..., None] - quantiles, levels)
    return _mean(2 * losses.mean(axis=-1), actual, axis)


def crps_gaussian(
    actual: ArrayLike,
    mean: ArrayLike,
    scale: ArrayLike,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Continuous ranked probability score of a normal distribution.

    ``scale (z (2 cdf(z) - 1) + 2 pdf(z) - 1 / sqrt(pi))`` with ``z = (y - mean) / scale`` and the
    standard normal's cdf and pdf (Gneiting et al. 2005), in the unit of the series.

    Parameters
    ----------
    actual, skip_missing, axis
        As in :func:`mae`.
    mean, scale : (..., horizon) array
        Mean and standard deviation of the forecast. A scale of 0 is a sure forecast, and its score
        the absolute error.

    Returns
    -------
    array or float
        As in :func:`mae`.

    Raises
    ------
    ValueError
        As in :func:`mae`, or if a scale is below 0.
    """
    actual = _observed(actual, skip_missing)
    error, scale = actual - _forecast(mean, actual, "mean"), _forecast(scale, actual, "scale")
    _refuse(scale < 0, "scale is below 0", "Give standard deviations")
    with np.errstate(over="ignore"):  # far out in the tail
        z = np.divide(error, scale, out=np.copysign(np.inf, error), where=scale > 0)
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    score = error * (2 * ndtr(z) - 1) + scale * (2 * density - 1 / np.sqrt(np.pi))
    return _mean(score, actual, axis)


def crps_from_samples(
    actual: ArrayLike, samples: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Continuous ranked probability score of samples, each as likely as the others.

    ``mean_i |x_i - y| - mean_ij |x_i - x_j| / 2`` (Gneiting & Raftery 2007, sec. 4.2), over all
    pairs of samples, sorted once instead of paired. It is the score of the samples as they are, on
    average ``mean |x - x'| / (2 n_samples)`` above that of the distribution they come from. One
    sample gives the absolute error. In the unit of the series.

    Parameters
    ----------
    actual, skip_missing, axis
        As in :func:`mae`.
    samples : (..., horizon, n_samples) array
        Draws from the forecast of each step, in any order.

    Returns
    -------
    array or float
        As in :func:`mae`.

    Raises
    ------
    ValueError
        As in :func:`mae`, or if there are no samples.
    """
    actual = _observed(actual, skip_missing)
    n = np.shape(samples)[-1] if np.ndim(samples) else 0
    samples = _forecast(samples, actual, "samples", more=(max(n, 1),))
    errors = np.sort(samples - actual[..., None], axis=-1)
    # A sorted sample is subtracted from so many, and so many are from it: their difference, over n.
    weights = (2 * np.arange(n) + 1 - n) / n
    return _mean((np.abs(errors) - weights * errors).mean(axis=-1), actual, axis)


def coverage(
    actual: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Share of values within their interval, ``lower <= y <= upper``; 0 to 1.

    Parameters
    ----------
    actual, skip_missing, axis
        As in :func:`mae`.
    lower, upper : (..., horizon) array
        The intervals' bounds, which may be infinite.

    Returns
    -------
    array or float
        As in :func:`mae`.

    Raises
    ------
    ValueError
        As in :func:`mae`, or if a lower bound is above the upper.
    """
    actual = _observed(actual, skip_missing)
    lower, upper = _bounds(lower, upper, actual)
    return _mean((lower <= actual) & (actual <= upper), actual, axis)


def interval_score(
    actual: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    coverage: float,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Interval score: the width, and a penalty for a value outside (Winkler 1972).

    ``upper - lower + 2 / (1 - coverage) max(lower - y, 0, y - upper)`` (Gneiting & Raftery 2007,
    sec. 6.2), in the unit of the series. Least, on average, for the true central interval.

    Parameters
    ----------
    actual, skip_missing, axis
        As in :func:`mae`.
    lower, upper : (..., horizon) array
        The intervals' bounds.
    coverage : float
        Share of values that they are meant to hold, above 0 and below 1.

    Returns
    -------
    array or float
        As in :func:`mae`; infinite where a bound is.

    Raises
    ------
    ValueError
        As in :func:`coverage`, or if the coverage is not between 0 and 1.
    """
    actual, share = _observed(actual, skip_missing), _share(coverage, "coverage")
    lower, upper = _bounds(lower, upper, actual)
    outside = np.maximum(np.maximum(lower - actual, actual - upper), 0)
    return _mean(upper - lower + 2 / (1 - share) * outside, actual, axis)


def _pinball(error, level):
    return np.maximum(level * error, (level - 1) * error)


def _mean(errors, actual, axis):
    """The mean of what was observed; NaN where nothing was."""
    seen = ~np.isnan(actual)
    with np.errstate(invalid="ignore"):
        return np.sum(errors, axis=axis, where=seen) / np.sum(seen, axis=axis)


def _observed(values, skip_missing, name="actual"):
    """A float array with steps, finite but for what may be skipped."""
    values = np.asarray(values, dtype=float)
    if not values.ndim or not values.size:
        raise ValueError(f"{name} must be (..., steps) with values, got shape {values.shape}.")
    if not skip_missing:
        _refuse(np.isnan(values), f"{name} is missing (NaN)", "Fill it, or give skip_missing=True")
    _refuse(np.isinf(values), f"{name} is infinite", "Give finite values")
    return values


def _forecast(values, actual, name="forecast", more=(), infinite=False):
    """A float array of the shape of ``actual``, with one more axis where asked for."""
    values, shape = np.asarray(values, dtype=float), actual.shape + more
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape} as actual asks, got {values.shape}.")
    _refuse(np.isnan(values), f"{name} is missing (NaN)", "Forecast every step")
    if not infinite:
        _refuse(np.isinf(values), f"{name} is infinite", "Give finite values")
    return values


def _bounds(lower, upper, actual):
    lower = _forecast(lower, actual, "lower", infinite=True)
    upper = _forecast(upper, actual, "upper", infinite=True)
    _refuse(lower > upper, "lower is above upper", "Give lower <= upper, or sort the quantiles")
    return lower, upper


def _scale_of_series(scale, actual):
    """A scale for each series, (..., 1)."""
    scale, shape = np.asarray(scale, dtype=float), actual.shape[:-1]
    _refuse(~(scale > 0) | np.isinf(scale), "scale is not above 0", "Take it by seasonal_scale")
    try:
        return np.broadcast_to(scale, shape)[..., None]
    except ValueError:
        raise ValueError(
            f"scale must be one number or fit the leading axes of actual, {shape}, got shape "
            f"{scale.shape}. Take it by seasonal_scale(history, season), one for each series."
        ) from None


def _share(share, name):
    share = np.asarray(share, dtype=float)
    if not ((share > 0) & (share < 1)).all():
        raise ValueError(f"{name} must be above 0 and below 1, got {share}.")
    return share


def _refuse(bad, what, remedy):
    """Raise ValueError with the first bad place, if there is one."""
    if np.any(bad):
        place = ", ".join(map(str, np.argwhere(bad)[0]))
        where = f" at [{place}]" if place else ""
        more = f" and at {np.sum(bad) - 1} more" if np.sum(bad) > 1 else ""
        raise ValueError(f"{what}{where}{more}. {remedy}.")
