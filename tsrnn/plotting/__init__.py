"""Displays of forecasts, anomalies, networks, text, music and speech.

Their methods ``from_...`` create and draw them. Drawing one without matplotlib raises ImportError.
"""

from tsrnn.plotting.anomaly import AnomalyDisplay
from tsrnn.plotting.backtest import BacktestDisplay
from tsrnn.plotting.coverage import CoverageDisplay
from tsrnn.plotting.decomposition import DecompositionDisplay
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
from tsrnn.plotting.ranking import RankingDisplay
from tsrnn.plotting.sequences import (
    ActivityDisplay,
    AttentionDisplay,
    NextTokenDisplay,
    PianoRollDisplay,
    SpectrogramDisplay,
    SurpriseDisplay,
)

__all__ = [
    "ActivityDisplay",
    "AnomalyDisplay",
    "AttentionDisplay",
    "BacktestDisplay",
    "CoverageDisplay",
    "DecompositionDisplay",
    "ForecastDisplay",
    "GateDisplay",
    "GradientFlowDisplay",
    "HorizonErrorDisplay",
    "LossCurveDisplay",
    "MemoryDisplay",
    "NextTokenDisplay",
    "PanelForecastDisplay",
    "PianoRollDisplay",
    "RankingDisplay",
    "SpectrogramDisplay",
    "SurpriseDisplay",
    "UnfoldedDisplay",
]
