"""Displays of forecasts, anomalies and networks, created and drawn by their methods ``from_...``.

Drawing one without matplotlib raises ImportError.
"""

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
