"""A threshold that is known."""

import math

import numpy as np

from tsrnn.anomaly.thresholds.base import Threshold
from tsrnn.parameters import Number


class FixedThreshold(Threshold):
    """Flag scores above a value: one chosen by hand, or by ``tune_threshold`` on labels.

    ``threshold_`` is ``value``, whatever scores are fitted, and does not adapt to new ones.

    Parameters
    ----------
    value : float
        The threshold, in the unit of the scores.

    See Also
    --------
    tune_threshold : Chooses the number by known anomalies.
    tsrnn.RNNAnomalyDetector : Takes it as ``threshold``.

    Examples
    --------
    >>> from tsrnn.anomaly.thresholds import FixedThreshold
    >>> FixedThreshold(3.0).fit([1, 5, 2]).predict([2.5, 3, 3.5]).tolist()
    [False, False, True]
    """

    _parameter_constraints = {"value": [Number(-math.inf, math.inf, closed="neither")]}

    def __init__(self, value: float):
        self.value = value

    def _fit_known(self, scores: np.ndarray) -> None:
        self.threshold_ = float(self.value)
