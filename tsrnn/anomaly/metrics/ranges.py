"""Range-based precision and recall, by the overlap of true and flagged ranges."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.anomaly.metrics.inputs import Labels, marked, refuse_single_class, two_runs
from tsrnn.parameters import Number, StrOptions, validated

Bias = Literal["flat", "front", "middle", "back"]

# Weight of a step, by its position in its range (1, 2, ...) and the length of the range.
_WEIGHTS = {
    "flat": lambda position, length: np.ones_like(position),
    "front": lambda position, length: length - position + 1,
    "middle": lambda position, length: np.where(
        2 * position <= length, position, length - position + 1
    ),
    "back": lambda position, length: position,
}


class RangeScores(NamedTuple):
    """Range-based precision and recall, 0 to 1; precision is NaN if nothing is flagged.

    Attributes
    ----------
    precision, recall : float
        Precision and recall, 0 to 1.

    See Also
    --------
    range_precision_recall : Computes it.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import range_precision_recall
    >>> range_precision_recall([0, 1, 1, 0], [0, 0, 1, 1]).recall
    0.5
    """

    precision: float
    recall: float


@validated(
    alpha=[Number(0, 1)],
    bias=[StrOptions(_WEIGHTS)],
    precision_bias=[StrOptions(_WEIGHTS)],
    cardinality=[StrOptions(["one", "reciprocal"])],
)
def range_precision_recall(
    labels: Labels,
    predicted: Labels,
    *,
    alpha: float = 0.0,
    bias: Bias = "flat",
    precision_bias: Bias = "flat",
    cardinality: Literal["one", "reciprocal"] = "one",
    index: pd.Index | ArrayLike | None = None,
) -> RangeScores:
    """Range-based precision and recall of Tatbul et al. (NeurIPS 2018).

    Recall is the mean over all anomalies of the following, with weights of their steps, and x the
    number of flagged ranges that overlap the anomaly::

        alpha * (1 if x > 0 else 0) + (1 - alpha) * gamma * sum(weights flagged) / sum(weights)

    where gamma is 1, or with ``cardinality="reciprocal"`` 1 / x for x above 1, for an anomaly
    detected in pieces. Precision is the same with the roles swapped and alpha 0: the mean over all
    flagged ranges of the share that is anomalous. Results equal those of ``ts_precision`` (with
    alpha 0) and ``ts_recall`` of the package prts 1.0.0.3, which fails if nothing is flagged.

    Parameters
    ----------
    labels, predicted : (n,) array-like, Series or DataFrame of events
    index : Index or array-like, optional
        As in :func:`affiliation`; adjacent steps are one range, adjacent events are two.
    alpha : float, default=0.0
        Share of the recall for detecting an anomaly at all, 0 to 1.
    bias, precision_bias : {"flat", "front", "middle", "back"}, default="flat"
        Weights of steps i = 1 to L, of an anomaly in the recall and of a flagged range in the
        precision: 1; L - i + 1; i up to the middle and L - i + 1 behind it; i.
    cardinality : {"one", "reciprocal"}, default="one"
        The factor gamma of both.

    Returns
    -------
    RangeScores
        ``precision`` and ``recall``, 0 to 1. If nothing is flagged, they are NaN and 0.

    Raises
    ------
    ValueError
        If lengths or indexes differ, a value is not 0 or 1, no step is anomalous or all are, or a
        setting is not one of those above.

    See Also
    --------
    RangeScores : What it returns.
    affiliation : Scores by distances to events.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import range_precision_recall
    >>> labels = [0, 1, 1, 1, 1, 0, 0, 0]
    >>> flagged = [0, 0, 0, 1, 1, 1, 0, 1]  # the second half and one step more, and a false alarm
    >>> scores = range_precision_recall(labels, flagged)
    >>> round(scores.precision, 3), scores.recall
    (0.333, 0.5)
    >>> range_precision_recall(labels, flagged, bias="front").recall  # late
    0.3
    """
    anomalous, flagged, n = two_runs(labels, predicted, index)
    refuse_single_class(anomalous, n)
    recall = _mean_reward(anomalous, flagged, n, alpha, bias, cardinality)
    if not len(flagged):
        return RangeScores(np.nan, recall)
    precision = _mean_reward(flagged, anomalous, n, 0, precision_bias, cardinality)
    return RangeScores(precision, recall)


def _mean_reward(runs, others, n, alpha, bias, cardinality):
    """Mean over runs of the weighted share that other runs overlap."""
    lengths = np.diff(runs).ravel()
    run = np.repeat(np.arange(len(runs)), lengths)
    position = np.arange(run.size) - (np.cumsum(lengths) - lengths)[run] + 1
    weights = _WEIGHTS[bias](position, lengths[run])
    is_covered = marked(others, n)[marked(runs, n)]
    share = np.bincount(run, weights * is_covered) / np.bincount(run, weights)
    n_started = np.searchsorted(others[:, 0], runs[:, 1])
    count = n_started - np.searchsorted(others[:, 1], runs[:, 0], side="right")
    gamma = 1 / np.maximum(count, 1) if cardinality == "reciprocal" else 1.0
    return float(np.mean(alpha * (count > 0) + (1 - alpha) * gamma * share))
