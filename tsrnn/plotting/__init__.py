"""Displays of forecasts, anomalies and networks; matplotlib is imported when one is drawn."""

from tsrnn.plotting.anomaly import AnomalyDisplay
from tsrnn.plotting.backtest import BacktestDisplay
from tsrnn.plotting.coverage import CoverageDisplay
from tsrnn.plotting.forecast import ForecastDisplay
from tsrnn.plotting.horizon_error import HorizonErrorDisplay
from tsrnn.plotting.network import (
    GateDisplay,
    GradientFlowDisplay,
    LossCurveDisplay,
    MemoryDisplay,
    UnfoldedDisplay,
)
from tsrnn.plotting.panel import PanelForecastDisplay

__all__ = [
    "AnomalyDisplay",
    "BacktestDisplay",
    "CoverageDisplay",
    "ForecastDisplay",
    "GateDisplay",
    "GradientFlowDisplay",
    "HorizonErrorDisplay",
    "LossCurveDisplay",
    "MemoryDisplay",
    "PanelForecastDisplay",
    "UnfoldedDisplay",
]
