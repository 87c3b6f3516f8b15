"""Detectors without a network, as baselines."""

from tsrnn.anomaly.baselines.gaussian import GaussianDetector
from tsrnn.anomaly.baselines.pca import PCADetector
from tsrnn.anomaly.baselines.polynomial import PolynomialDetector
from tsrnn.anomaly.baselines.window import WindowDetector

__all__ = ["GaussianDetector", "PCADetector", "PolynomialDetector", "WindowDetector"]
