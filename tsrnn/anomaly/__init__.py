"""Anomalies: thresholds over scores, events, and metrics of how well they are found."""

from tsrnn.anomaly.baselines import (
    GaussianDetector,
    PCADetector,
    PolynomialDetector,
    WindowDetector,
)
from tsrnn.anomaly.events import (
    events_from_labels,
    intersect_events,
    labels_from_events,
    match_events,
    merge_events,
    pad_events,
    prune_events,
)
from tsrnn.anomaly.rnn_detector import RNNAnomalyDetector
from tsrnn.anomaly.streaming import Update
from tsrnn.anomaly.thresholds import (
    ConformalThreshold,
    DynamicThreshold,
    FixedThreshold,
    QuantileThreshold,
    ReturnPeriodThreshold,
    RobustZThreshold,
    TailThreshold,
)
from tsrnn.anomaly.tuning import tune_threshold

__all__ = [
    "ConformalThreshold",
    "DynamicThreshold",
    "FixedThreshold",
    "GaussianDetector",
    "PCADetector",
    "PolynomialDetector",
    "QuantileThreshold",
    "RNNAnomalyDetector",
    "ReturnPeriodThreshold",
    "RobustZThreshold",
    "TailThreshold",
    "Update",
    "WindowDetector",
    "events_from_labels",
    "intersect_events",
    "labels_from_events",
    "match_events",
    "merge_events",
    "pad_events",
    "prune_events",
    "tune_threshold",
]
