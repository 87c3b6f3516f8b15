"""Plots of what the estimators give; matplotlib is imported when one is drawn."""

from tsrnn.plotting.anomaly import AnomalyDisplay
from tsrnn.plotting.backtest import BacktestDisplay
from tsrnn.plotting.coverage import CoverageDisplay
from tsrnn.plotting.forecast import ForecastDisplay
from tsrnn.plotting.horizon_error import HorizonErrorDisplay
from tsrnn.plotting.loss_curve import LossCurveDisplay
from tsrnn.plotting.panel_forecast import PanelForecastDisplay

__all__ = [
    "AnomalyDisplay",
    "BacktestDisplay",
    "CoverageDisplay",
    "ForecastDisplay",
    "HorizonErrorDisplay",
    "LossCurveDisplay",
    "PanelForecastDisplay",
]
