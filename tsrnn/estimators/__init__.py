"""Estimators whose rows are sequences, and the base of all estimators."""

from tsrnn.estimators.base import RecurrentEstimator
from tsrnn.estimators.classifier import RNNClassifier
from tsrnn.estimators.regressor import RNNRegressor
from tsrnn.estimators.sliding import SlidingWindows

__all__ = ["RNNClassifier", "RNNRegressor", "RecurrentEstimator", "SlidingWindows"]
