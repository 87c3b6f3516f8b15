"""Plots of what the estimators give and hold; matplotlib is imported when one is drawn."""

from tsrnn.plotting.anomaly import AnomalyDisplay
from tsrnn.plotting.backtest import BacktestDisplay
from tsrnn.plotting.coverage import CoverageDisplay
from tsrnn.plotting.forecast import ForecastDisplay
from tsrnn.plotting.gates import GateDisplay
from tsrnn.plotting.gradient_flow import GradientFlowDisplay
from tsrnn.plotting.horizon_error import HorizonErrorDisplay
from tsrnn.plotting.loss_curve import LossCurveDisplay
from tsrnn.plotting.memory import MemoryDisplay
from tsrnn.plotting.panel_forecast import PanelForecastDisplay
from tsrnn.plotting.unfolded import UnfoldedDisplay

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
