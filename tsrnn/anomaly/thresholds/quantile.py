"""Thresholds that the scores of fit place once: a quantile, a robust deviation."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from tsrnn.anomaly.tails import exceeded_by
from tsrnn.anomaly.thresholds.base import SHARE, Threshold

_MAD_OF_NORMAL = 0.6744897501960817  # its deviation is 1: the normal's quantile of 3/4
_MEAN_OF_NORMAL = np.sqrt(2 / np.pi)  # its mean absolute deviation


class QuantileThreshold(Threshold):
    """Alarms for the highest scores: at most a share of those fitted.

    The threshold is the ``n - floor(contamination n)``-th smallest of n scores. Nothing is assumed
    of them, and nothing promised of others: the share of alarms among clean scores is about the
    same, however clean they are.

    Parameters
    ----------
    contamination : float, default=0.01
        Share of the fitted scores that may be alarms, above 0 and below 1.

    Attributes
    ----------
    threshold_ : float
        In the unit of the scores.

    Examples
    --------
    >>> from tsrnn.anomaly.thresholds import QuantileThreshold
    >>> threshold = QuantileThreshold(contamination=0.2).fit([4, 1, 3, 5, 2])
    >>> threshold.threshold_, threshold.predict([4, 4.5]).tolist()
    (4.0, [False, True])
    """

    _parameter_constraints = {"contamination": [SHARE]}

    def __init__(self, contamination=0.01):
        self.contamination = contamination

    def _learn(self, scores):
        self.threshold_ = exceeded_by(scores, self.contamination)


class RobustZThreshold(Threshold):
    """Alarms for scores many deviations above the median, the deviation a robust one.

    ``median + z scale`` with ``scale = MAD / 0.6745``, the median absolute deviation from the
    median over that of a standard normal: of normal scores the scale is their standard deviation,
    and up to half of them may be anything (Iglewicz & Hoaglin 1993, ch. 3, who take z = 3.5). Where
    more than half of the scores are equal and MAD is 0, the mean absolute deviation from the median
    over a standard normal's, ``sqrt(2 / pi)``, stands in; where all are equal the scale is 0, and
    whatever is above them is an alarm.

    Parameters
    ----------
    z : float, default=3.5
        Deviations above the median, above 0. Of clean normal scores 3.5 are exceeded by one in
        4300; of scores with a heavier tail, such as absolute or squared errors, by more.

    Attributes
    ----------
    threshold_, median_, scale_ : float
        In the unit of the scores.

    References
    ----------
    B. Iglewicz and D. C. Hoaglin, *How to Detect and Handle Outliers*, ASQC, 1993.

    Examples
    --------
    >>> from tsrnn.anomaly.thresholds import RobustZThreshold
    >>> threshold = RobustZThreshold(z=3).fit([1, 2, 3, 4, 1000])
    >>> threshold.median_, round(threshold.scale_, 3), round(threshold.threshold_, 3)
    (3.0, 1.483, 7.448)
    """

    _parameter_constraints = {"z": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, z=3.5):
        self.z = z

    def _learn(self, scores):
        self.median_ = float(np.median(scores))
        deviations = np.abs(scores - self.median_)
        scale = np.median(deviations) / _MAD_OF_NORMAL
        self.scale_ = float(scale if scale > 0 else deviations.mean() / _MEAN_OF_NORMAL)
        self.threshold_ = self.median_ + self.z * self.scale_
