"""Plots of what the estimators give; matplotlib is imported when one is drawn."""

from tsrnn.plotting.forecast import ForecastDisplay

__all__ = ["ForecastDisplay"]
