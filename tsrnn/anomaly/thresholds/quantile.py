"""Thresholds that do not adapt: a quantile of the fitted scores, a deviation from their median."""

import numpy as np

from tsrnn.anomaly.scores import MEAN_ABS_NORMAL
from tsrnn.anomaly.thresholds.base import Threshold
from tsrnn.parameters import NON_NEGATIVE, POSITIVE, SHARE

_MAD_OF_NORMAL = 0.6744897501960817  # median absolute deviation of a standard normal


class QuantileThreshold(Threshold):
    """Flag the highest scores: at most a given share of those fitted.

    ``threshold_`` is the ``n - floor(contamination n)``-th smallest of n scores. There is no
    assumption on their distribution, and no guarantee for other scores: about this share of clean
    scores are alarms too.

    Parameters
    ----------
    contamination : float, default=0.01
        Largest share of alarms among the fitted scores, above 0 and below 1.

    See Also
    --------
    ConformalThreshold : A rate of false alarms on new scores.
    tune_threshold : A threshold chosen by known anomalies.
    tsrnn.RNNAnomalyDetector : Takes it as ``threshold``.

    Examples
    --------
    >>> from tsrnn.anomaly.thresholds import QuantileThreshold
    >>> threshold = QuantileThreshold(contamination=0.2).fit([4, 1, 3, 5, 2])
    >>> threshold.threshold_, threshold.predict([4, 4.5]).tolist()
    (4.0, [False, True])
    """

    _parameter_constraints = {"contamination": [SHARE]}

    def __init__(self, contamination: float = 0.01):
        self.contamination = contamination

    def _fit_known(self, scores):
        self.threshold_ = upper_quantile(scores, self.contamination)


class RobustZThreshold(Threshold):
    """Flag scores that are many robust standard deviations above the median.

    ``threshold_`` is ``median_ + max(z scale_, min_excess)`` with ``scale_ = MAD / 0.6745``, the
    median absolute deviation from the median over that of a standard normal: for normal scores the
    scale is their standard deviation, and up to half of the scores may be outliers (Iglewicz &
    Hoaglin, *How to Detect and Handle Outliers*, ASQC, 1993, ch. 3, with z = 3.5). If MAD is 0, the
    mean absolute deviation from the median over that of a standard normal, ``sqrt(2 / pi)``, is
    used instead; if all scores are equal the scale is 0, and any score that is higher by
    ``min_excess`` is an alarm.

    Parameters
    ----------
    z : float, default=3.5
        Deviations above the median, above 0. 3.5 is exceeded by one of 4300 clean normal scores,
        and by more of scores with a heavier tail, such as absolute or squared errors.
    min_excess : float, default=0
        Least distance of an alarm from the median, in the unit of the scores: where scores hardly
        vary, even a negligible difference is many deviations.

    See Also
    --------
    TailThreshold : A threshold by the tail of the scores.
    tsrnn.RNNAnomalyDetector : Takes it as ``threshold``.

    Examples
    --------
    >>> from tsrnn.anomaly.thresholds import RobustZThreshold
    >>> threshold = RobustZThreshold(z=3).fit([1, 2, 3, 4, 1000])
    >>> threshold.median_, round(threshold.scale_, 3), round(threshold.threshold_, 3)
    (3.0, 1.483, 7.448)
    """

    _parameter_constraints = {"z": [POSITIVE], "min_excess": [NON_NEGATIVE]}

    def __init__(self, z: float = 3.5, *, min_excess: float = 0.0):
        self.z = z
        self.min_excess = min_excess

    def _fit_known(self, scores):
        self.median_ = float(np.median(scores))
        deviations = np.abs(scores - self.median_)
        scale = np.median(deviations) / _MAD_OF_NORMAL
        self.scale_ = float(scale if scale > 0 else deviations.mean() / MEAN_ABS_NORMAL)
        self.threshold_ = self.median_ + max(self.z * self.scale_, float(self.min_excess))


def largest_count(share: float, n: int) -> int:
    """The largest k with ``k / n <= share``, up to rounding.

    >>> from tsrnn.anomaly.thresholds.quantile import largest_count
    >>> int(0.29 * 100), largest_count(0.29, 100)
    (28, 29)
    """
    return int(share * n * (1 + 1e-12))


def upper_quantile(values: np.ndarray, share: float) -> float:
    """The smallest of the values that at most this share of them, below 1, exceed."""
    position = values.size - 1 - largest_count(share, values.size)
    return float(np.partition(values, position)[position])
