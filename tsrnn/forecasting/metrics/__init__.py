"""Errors of point forecasts, and scores of quantiles, intervals and distributions.

``actual`` is (..., horizon), with any leading axes (series, origins) and the steps ahead last. The
mean is taken over the steps: one score for each series, to be averaged by the caller as the M
competitions do. Scikit-learn pools series, and refuses missing values and more than two axes.
"""

from tsrnn.forecasting.metrics.distributions import (
    coverage,
    crps_from_quantiles,
    crps_from_samples,
    crps_gaussian,
    interval_score,
    pinball,
)
from tsrnn.forecasting.metrics.points import (
    mae,
    mape,
    mase,
    owa,
    rmse,
    rmsse,
    seasonal_scale,
    smape,
)

__all__ = [
    "coverage",
    "crps_from_quantiles",
    "crps_from_samples",
    "crps_gaussian",
    "interval_score",
    "mae",
    "mape",
    "mase",
    "owa",
    "pinball",
    "rmse",
    "rmsse",
    "seasonal_scale",
    "smape",
]
