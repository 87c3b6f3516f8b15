"""Forecasting of series and panels, backtests and metrics."""

from tsrnn.forecasting.backtest import Backtest, backtest
from tsrnn.forecasting.backtesting import RegressionForecaster
from tsrnn.forecasting.baselines import drift, seasonal_naive
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.forecasting.metrics import (
    coverage,
    crps_from_quantiles,
    crps_from_samples,
    crps_gaussian,
    interval_score,
    mae,
    mape,
    mase,
    owa,
    pinball,
    rmse,
    rmsse,
    seasonal_scale,
    smape,
)
from tsrnn.forecasting.model_selection import RollingOriginSplit, forecast_scorer
from tsrnn.forecasting.reconciliation import aggregate, reconcile
from tsrnn.forecasting.search import Search, search

__all__ = [
    "Backtest",
    "RNNForecaster",
    "RegressionForecaster",
    "RollingOriginSplit",
    "Search",
    "aggregate",
    "backtest",
    "coverage",
    "crps_from_quantiles",
    "crps_from_samples",
    "crps_gaussian",
    "drift",
    "forecast_scorer",
    "interval_score",
    "mae",
    "mape",
    "mase",
    "owa",
    "pinball",
    "reconcile",
    "rmse",
    "rmsse",
    "search",
    "seasonal_naive",
    "seasonal_scale",
    "smape",
]
