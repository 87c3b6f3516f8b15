"""What a backtest compares: forecasters of several kinds, their forecasts, and tables of errors."""

from tsrnn.forecasting.backtesting.block import Block
from tsrnn.forecasting.backtesting.forecasters import (
    BASELINES,
    ForecasterOptions,
    lead_of,
    named_forecasters,
)
from tsrnn.forecasting.backtesting.libraries import LibraryForecaster
from tsrnn.forecasting.backtesting.networks import network_forecasts
from tsrnn.forecasting.backtesting.plan import BacktestPlan, with_season
from tsrnn.forecasting.backtesting.regression import RegressionForecaster
from tsrnn.forecasting.backtesting.result import Backtest
from tsrnn.forecasting.backtesting.simple import SIMPLE, simple_forecasts

__all__ = [
    "BASELINES",
    "SIMPLE",
    "Backtest",
    "BacktestPlan",
    "Block",
    "ForecasterOptions",
    "LibraryForecaster",
    "RegressionForecaster",
    "lead_of",
    "named_forecasters",
    "network_forecasts",
    "simple_forecasts",
    "with_season",
]
