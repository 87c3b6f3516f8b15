"""Thresholds on anomaly scores, and their rate of false alarms.

For arrays of scores (n,), higher is more anomalous; a missing score (NaN) is never an alarm.
``fit`` sets ``threshold_``, and ``predict`` flags the scores above it. Adaptive thresholds also
have ``update``, which compares each score with the threshold from the scores before it and then
adapts to it, at a cost that depends on the new scores only (but for ConformalThreshold without a
window).

=====================  =====================================  ====================================
Threshold              What is chosen                         Assumption on normal scores
=====================  =====================================  ====================================
FixedThreshold         the threshold itself, by hand or by    none
                       ``tune_threshold`` on labels
QuantileThreshold      share of alarms                        none
RobustZThreshold       deviations from the median             approximately normal
TailThreshold          probability of a false alarm,          generalised Pareto tail
                       however small
DynamicThreshold       how clearly alarms must stand out      none; scores are errors, at least 0
ConformalThreshold     rate of false alarms                   exchangeable
ReturnPeriodThreshold  scores per false alarm, of a point     a tail like a power
                       or a recent mean
=====================  =====================================  ====================================
"""

from tsrnn.anomaly.thresholds.base import StreamThreshold, Threshold
from tsrnn.anomaly.thresholds.conformal import ConformalThreshold
from tsrnn.anomaly.thresholds.dynamic import DynamicThreshold
from tsrnn.anomaly.thresholds.fixed import FixedThreshold
from tsrnn.anomaly.thresholds.quantile import QuantileThreshold, RobustZThreshold
from tsrnn.anomaly.thresholds.return_period import ReturnPeriodThreshold
from tsrnn.anomaly.thresholds.tail import TailThreshold

__all__ = [
    "ConformalThreshold",
    "DynamicThreshold",
    "FixedThreshold",
    "QuantileThreshold",
    "ReturnPeriodThreshold",
    "RobustZThreshold",
    "StreamThreshold",
    "TailThreshold",
    "Threshold",
]
