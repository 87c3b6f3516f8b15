"""Scores of quantiles, intervals, sample paths and distributions."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from tsrnn.forecasting.metrics.checks import (
    OPTIONS,
    Axis,
    check_actual,
    check_bounds,
    check_forecast,
    check_labels,
    check_probability,
    observed_mean,
    refuse_where,
)
from tsrnn.parameters import validated


@validated(OPTIONS)
def pinball(
    actual: ArrayLike,
    quantile_forecast: ArrayLike,
    level: float,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Mean pinball loss ``max(level (y - q), (level - 1) (y - q))`` (Koenker & Bassett 1978).

    Its mean is least for the true quantile; at 0.5 it is half the absolute error. In the unit of
    the series; result and errors are those of :func:`mae`.

    Parameters
    ----------
    actual : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.
    quantile_forecast : (..., horizon) array
        The forecast quantile, q.
    level : float
        Its level, above 0 and below 1.

    See Also
    --------
    crps_from_quantiles : The mean over many levels.
    coverage : How often an interval contains the value.

    Examples
    --------
    >>> from tsrnn.forecasting import pinball
    >>> round(float(pinball([10, 10], [8, 12], level=0.9)), 3)
    1.0
    """
    check_labels(actual=actual, quantile_forecast=quantile_forecast)
    actual = check_actual(actual, skip_missing)
    quantile = check_forecast(quantile_forecast, actual, "quantile_forecast")
    losses = _pinball(actual - quantile, check_probability(level, "level"))
    return observed_mean(losses, actual, axis)


@validated(OPTIONS)
def crps_from_quantiles(
    actual: ArrayLike,
    quantiles: ArrayLike,
    levels: ArrayLike,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Continuous ranked probability score from quantiles: twice the mean of their pinball losses.

    The score is twice the pinball loss's integral over all levels (Gneiting & Ranjan 2011); this is
    a mean over the given levels. The two are close for many levels, evenly spread over 0 to 1 (for
    n levels 0.5/n, 1.5/n, ... it is the score of the n quantiles as samples); few or uneven levels
    compare forecasts at these levels only. Unit, result and errors are those of :func:`mae`.

    Parameters
    ----------
    actual : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.
    quantiles : (..., horizon, n_levels) array
        The forecast quantiles.
    levels : (n_levels,) array
        Their levels, above 0 and below 1, in the order of ``quantiles``.

    See Also
    --------
    crps_from_samples : The score of sample paths.
    pinball : The loss of single quantiles.

    Examples
    --------
    >>> from tsrnn.forecasting import crps_from_quantiles
    >>> round(float(crps_from_quantiles([10], [[8, 10, 12]], levels=[0.25, 0.5, 0.75])), 3)
    0.667
    """
    check_labels(actual=actual, quantiles=quantiles)
    actual, levels = check_actual(actual, skip_missing), check_probability(levels, "levels")
    if levels.ndim != 1:
        raise ValueError(f"levels must have one axis, got shape {levels.shape}.")
    quantiles = check_forecast(quantiles, actual, "quantiles", more=(levels.size,))
    losses = _pinball(actual[..., None] - quantiles, levels)
    return observed_mean(2 * losses.mean(axis=-1), actual, axis)


@validated(OPTIONS)
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
    standard normal's cdf and pdf (Gneiting et al. 2005). Unit, result and errors are those of
    :func:`mae`.

    Parameters
    ----------
    actual : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.
    mean, scale : (..., horizon) array
        Mean and standard deviation of the forecast; with a scale of 0 the absolute error is scored.

    See Also
    --------
    crps_from_samples : The score of any distribution, by samples.

    Examples
    --------
    >>> from tsrnn.forecasting import crps_gaussian
    >>> round(float(crps_gaussian([10], [10], [1])), 3)
    0.234
    """
    check_labels(actual=actual, mean=mean, scale=scale)
    actual = check_actual(actual, skip_missing)
    error = actual - check_forecast(mean, actual, "mean")
    scale = check_forecast(scale, actual, "scale")
    refuse_where(scale < 0, "scale is below 0", "Give standard deviations")
    with np.errstate(over="ignore"):  # far out in the tail
        z = np.divide(error, scale, out=np.copysign(np.inf, error), where=scale > 0)
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    score = error * (2 * ndtr(z) - 1) + scale * (2 * density - 1 / np.sqrt(np.pi))
    return observed_mean(score, actual, axis)


@validated(OPTIONS)
def crps_from_samples(
    actual: ArrayLike, samples: ArrayLike, *, skip_missing: bool = False, axis: Axis = -1
) -> np.ndarray | float:
    """Continuous ranked probability score of equally likely samples.

    ``mean_i |x_i - y| - mean_ij |x_i - x_j| / 2`` (Gneiting & Raftery 2007, sec. 4.2), over all
    pairs of samples, sorted once instead of paired. It is the score of the empirical distribution,
    on average ``mean |x - x'| / (2 n_samples)`` above that of the distribution they come from. One
    sample gives the absolute error. Unit, result and errors are those of :func:`mae`.

    Parameters
    ----------
    actual : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.
    samples : (..., horizon, n_samples) array
        Draws from the forecast of each step, in any order.

    See Also
    --------
    crps_from_quantiles : The score of quantiles.
    crps_gaussian : The score of a normal distribution.

    Examples
    --------
    >>> from tsrnn.forecasting import crps_from_samples
    >>> float(crps_from_samples([10], [[8, 12]]))
    1.0
    """
    check_labels(actual=actual, samples=samples)
    actual = check_actual(actual, skip_missing)
    n = np.shape(samples)[-1] if np.ndim(samples) else 0
    samples = check_forecast(samples, actual, "samples", more=(max(n, 1),))
    errors = np.sort(samples - actual[..., None], axis=-1)
    # How often each sorted sample counts in the sum over pairs, by its rank, over n.
    weights = (2 * np.arange(n) + 1 - n) / n
    return observed_mean((np.abs(errors) - weights * errors).mean(axis=-1), actual, axis)


@validated(OPTIONS)
def coverage(
    actual: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    skip_missing: bool = False,
    axis: Axis = -1,
) -> np.ndarray | float:
    """Share of values within their interval, ``lower <= y <= upper``; 0 to 1.

    Result and errors are those of :func:`mae`; a lower bound above the upper raises ValueError too.

    Parameters
    ----------
    actual : (..., horizon) array, Series or DataFrame
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`mae`.
    lower, upper : (..., horizon) array
        The intervals' bounds, which may be infinite.

    See Also
    --------
    interval_score : Coverage and width in one number.
    tsrnn.plotting.CoverageDisplay : Draw the coverage of a backtest.

    Examples
    --------
    >>> from tsrnn.forecasting import coverage
    >>> float(coverage([1, 5], [0, 0], [2, 2]))
    0.5
    """
    check_labels(actual=actual, lower=lower, upper=upper)
    actual = check_actual(actual, skip_missing)
    lower, upper = check_bounds(lower, upper, actual)
    return observed_mean((lower <= actual) & (actual <= upper), actual, axis)


@validated(OPTIONS)
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
    sec. 6.2), in the unit of the series; infinite where a bound is. Its mean is least for the true
    central interval. Result and errors are those of :func:`coverage`.

    Parameters
    ----------
    actual : (..., horizon) array, Series or DataFrame
    lower, upper : (..., horizon) array
    skip_missing : bool, default=False
    axis : int, tuple of int or None, default=-1
        As in :func:`coverage`.
    coverage : float
        Nominal share of values inside, above 0 and below 1.

    See Also
    --------
    coverage : How often an interval contains the value.
    pinball : The same for single quantiles.

    Examples
    --------
    >>> from tsrnn.forecasting import interval_score
    >>> round(float(interval_score([3], [0], [2], coverage=0.8)), 3)
    12.0
    """
    check_labels(actual=actual, lower=lower, upper=upper)
    actual, nominal = check_actual(actual, skip_missing), check_probability(coverage, "coverage")
    lower, upper = check_bounds(lower, upper, actual)
    outside = np.maximum(np.maximum(lower - actual, actual - upper), 0)
    return observed_mean(upper - lower + 2 / (1 - nominal) * outside, actual, axis)


def _pinball(error, level):
    return np.maximum(level * error, (level - 1) * error)
