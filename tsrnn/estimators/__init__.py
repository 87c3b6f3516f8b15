"""Estimators whose rows are whole sequences, and what every estimator shares."""

from tsrnn.estimators.base import RecurrentEstimator
from tsrnn.estimators.classifier import RNNClassifier
from tsrnn.estimators.regressor import RNNRegressor
from tsrnn.estimators.sliding import SlidingWindows

__all__ = ["RNNClassifier", "RNNRegressor", "RecurrentEstimator", "SlidingWindows"]
