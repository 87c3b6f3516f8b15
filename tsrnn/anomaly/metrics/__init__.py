"""Metrics of anomaly detectors, for scores, ranges and windows.

Labels and predictions are 0/1 for each step, or events, a frame with the columns ``start`` and
``end``, both inclusive. All indexes must be the same.

:func:`vus_pr` and :func:`vus_roc` need no threshold, :func:`affiliation` and
:func:`range_precision_recall` evaluate flagged steps, :func:`nab_score` rewards early alarms. There
is no point-adjusted F1, by which random scores do as well as good detectors (Kim et al., AAAI
2022).
"""

from tsrnn.anomaly.metrics.affiliation import Affiliation, affiliation
from tsrnn.anomaly.metrics.nab import NAB_PROFILES, NabScore, NabWeights, nab_points, nab_score
from tsrnn.anomaly.metrics.ranges import RangeScores, range_precision_recall
from tsrnn.anomaly.metrics.ranking import (
    average_precision,
    range_auc_pr,
    range_auc_roc,
    vus_pr,
    vus_roc,
)

__all__ = [
    "NAB_PROFILES",
    "Affiliation",
    "NabScore",
    "NabWeights",
    "RangeScores",
    "affiliation",
    "average_precision",
    "nab_points",
    "nab_score",
    "range_auc_pr",
    "range_auc_roc",
    "range_precision_recall",
    "vus_pr",
    "vus_roc",
]
