"""What every estimator shares: parameters, their checks, and training with progress."""

from tsrnn.estimators.base import RecurrentEstimator

__all__ = ["RecurrentEstimator"]
