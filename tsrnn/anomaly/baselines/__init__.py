"""Detectors without a network, to see whether one is worth it."""

from tsrnn.anomaly.baselines.gaussian import GaussianDetector
from tsrnn.anomaly.baselines.pca import PCADetector
from tsrnn.anomaly.baselines.polynomial import PolynomialDetector
from tsrnn.anomaly.baselines.windows import WindowDetector

__all__ = ["GaussianDetector", "PCADetector", "PolynomialDetector", "WindowDetector"]
