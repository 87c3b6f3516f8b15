"""Forecasting of pandas series."""

from tsrnn.forecasting.baselines import seasonal_naive
from tsrnn.forecasting.forecaster import RNNForecaster

__all__ = ["RNNForecaster", "seasonal_naive"]
