"""Thresholds over anomaly scores: where strange begins, and how often that is wrong.

Small objects over arrays of scores, (n,), the higher the stranger; a missing score (NaN) is no
alarm and is not learnt from. ``fit`` learns ``threshold_``, and ``predict`` says which scores are
alarms, those above it. What adapts to a stream also has ``update``, which judges each score by
those before it and then takes it in, in a time that goes with what is new and not with what was
(but for ConformalThreshold without a window, slowly).

=====================  =====================================  ====================================
Threshold              What is chosen                         What it assumes of clean scores
=====================  =====================================  ====================================
QuantileThreshold      the share of alarms                    nothing
RobustZThreshold       deviations from the median             they look normal
TailThreshold          the probability of a false alarm,      their tail is a generalised Pareto
                       however small
DynamicThreshold       how clearly alarms must stand out      nothing; they are errors, at least 0
ConformalThreshold     the rate of false alarms               they are exchangeable
=====================  =====================================  ====================================
"""

from tsrnn.anomaly.thresholds.base import StreamThreshold, Threshold
from tsrnn.anomaly.thresholds.conformal import ConformalThreshold
from tsrnn.anomaly.thresholds.dynamic import DynamicThreshold
from tsrnn.anomaly.thresholds.quantile import QuantileThreshold, RobustZThreshold
from tsrnn.anomaly.thresholds.tail import TailThreshold

__all__ = [
    "ConformalThreshold",
    "DynamicThreshold",
    "QuantileThreshold",
    "RobustZThreshold",
    "StreamThreshold",
    "TailThreshold",
    "Threshold",
]
