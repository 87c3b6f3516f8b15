"""Plots of what the estimators give; matplotlib is imported when one is drawn."""

from tsrnn.plotting.forecast import ForecastDisplay
from tsrnn.plotting.loss_curve import LossCurveDisplay

__all__ = ["ForecastDisplay", "LossCurveDisplay"]
