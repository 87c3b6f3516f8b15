"""Precision and recall of ranges of steps, by what of each range is met."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.anomaly.metrics.inputs import Labels, marked, refuse_one_kind, two_runs

Bias = Literal["flat", "front", "middle", "back"]

# What a step counts, by its place in its range (1, 2, ...) and the range's length.
_WEIGHTS = {
    "flat": lambda place, length: np.ones_like(place),
    "front": lambda place, length: length - place + 1,
    "middle": lambda place, length: np.where(2 * place <= length, place, length - place + 1),
    "back": lambda place, length: place,
}


class RangeScores(NamedTuple):
    """Range-based precision and recall.

    Attributes
    ----------
    precision : float
        0 to 1; NaN where nothing is flagged.
    recall : float
        0 to 1.
    """

    precision: float
    recall: float


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
    """Range-based precision and recall of Tatbul et al. (2018).

    Recall is the mean over all anomalies, with the share found of each by the weights of its
    steps, and x the number of flagged ranges that meet it::

        alpha * (1 if x > 0 else 0) + (1 - alpha) * gamma * sum(weights found) / sum(weights)

    where gamma is 1, or with ``cardinality="reciprocal"`` 1 / x for x above 1, for an anomaly found
    in pieces. Precision is the same with the roles changed and alpha 0: the mean over all flagged
    ranges of the share that is anomalous.

    Parameters
    ----------
    labels, predicted : (n,) array-like, Series or DataFrame of events
        What is known and what was flagged: 0/1 of each step, or events (``start``, ``end``, both
        included) on the index of the other, which for an array is 0 to n - 1. Adjacent steps are
        one range; adjacent events are two.
    alpha : float, default=0.0
        Share of the recall for finding an anomaly at all, 0 to 1.
    bias : {"flat", "front", "middle", "back"}, default="flat"
        Weights of an anomaly's steps i = 1 to L in the recall: 1; L - i + 1; i up to the middle and
        L - i + 1 behind it; i.
    precision_bias : {"flat", "front", "middle", "back"}, default="flat"
        Weights of a flagged range's steps in the precision.
    cardinality : {"one", "reciprocal"}, default="one"
        The factor gamma of both.
    index : Index or array-like, optional
        The steps, needed where labels and predicted are both events.

    Returns
    -------
    RangeScores
        ``precision`` and ``recall``, 0 to 1, higher is better. Where nothing is flagged, the
        precision is NaN and the recall 0.

    Raises
    ------
    ValueError
        If lengths or indexes differ, a value is none of 0 and 1, no step is anomalous or all are,
        or a setting is none of those above.

    Notes
    -----
    The numbers are those of ``ts_precision`` (its alpha 0) and ``ts_recall`` of the package prts
    1.0.0.3, which fails where nothing is flagged.

    References
    ----------
    N. Tatbul, T. J. Lee, S. Zdonik, M. Alam and J. Gottschlich, "Precision and recall for time
    series", NeurIPS, 2018.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import range_precision_recall
    >>> labels = [0, 1, 1, 1, 1, 0, 0, 0]
    >>> found = [0, 0, 0, 1, 1, 1, 0, 1]  # the second half, one step too long, and a false alarm
    >>> scores = range_precision_recall(labels, found)
    >>> round(scores.precision, 3), scores.recall
    (0.333, 0.5)
    >>> range_precision_recall(labels, found, bias="front").recall  # late
    0.3
    """
    _check(alpha, bias, precision_bias, cardinality)
    anomalous, flagged, n = two_runs(labels, predicted, index)
    refuse_one_kind(anomalous, n)
    recall = _mean_reward(anomalous, flagged, n, alpha, bias, cardinality)
    if not len(flagged):
        return RangeScores(np.nan, recall)
    precision = _mean_reward(flagged, anomalous, n, 0, precision_bias, cardinality)
    return RangeScores(precision, recall)


def _mean_reward(runs, others, n, alpha, bias, cardinality):
    """The mean over runs of what the others meet of each."""
    lengths = np.diff(runs).ravel()
    run = np.repeat(np.arange(len(runs)), lengths)
    place = np.arange(run.size) - (np.cumsum(lengths) - lengths)[run] + 1
    weights = _WEIGHTS[bias](place, lengths[run])
    met = marked(others, n)[marked(runs, n)]
    share = np.bincount(run, weights * met) / np.bincount(run, weights)
    before_its_end = np.searchsorted(others[:, 0], runs[:, 1])
    count = before_its_end - np.searchsorted(others[:, 1], runs[:, 0], side="right")
    gamma = 1 / np.maximum(count, 1) if cardinality == "reciprocal" else 1.0
    return float(np.mean(alpha * (count > 0) + (1 - alpha) * gamma * share))


def _check(alpha, bias, precision_bias, cardinality):
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be from 0 to 1, got {alpha}.")
    for name, value in (("bias", bias), ("precision_bias", precision_bias)):
        if value not in _WEIGHTS:
            raise ValueError(f"{name} must be one of {', '.join(_WEIGHTS)}, got {value!r}.")
    if cardinality not in ("one", "reciprocal"):
        raise ValueError(f"cardinality must be one or reciprocal, got {cardinality!r}.")
