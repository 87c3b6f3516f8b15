"""Metrics of how scores rank anomalous steps above others, without a threshold."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score

from tsrnn.anomaly.metrics.inputs import (
    Labels,
    Scores,
    labelled_scores,
    marked,
    refuse_single_class,
)
from tsrnn.parameters import Allowed, Integer, validated

_SETTINGS: dict[str, Allowed] = {
    "window": [Integer(0, 10**6, floats=True)],
    "n_thresholds": [Integer(2, 10**6, floats=True)],
}


def average_precision(labels: Labels, scores: Scores) -> float:
    """Average precision of steps, scikit-learn's ``average_precision_score``.

    Parameters
    ----------
    labels : (n,) array-like, Series or DataFrame of events
        True anomalies: 0/1 for each step, or events (``start``, ``end``, both inclusive) on the
        index of the scores, which for an array is 0 to n - 1.
    scores : (n,) array-like or Series
        Finite, the higher the more anomalous.

    Returns
    -------
    float
        0 to 1, higher is better; for random scores on average the share of anomalous steps.

    Raises
    ------
    ValueError
        If lengths or indexes differ, a value is missing, no step is anomalous or all are.

    See Also
    --------
    range_auc_pr : The same with a tolerance around events.
    vus_pr : The mean over tolerances.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import average_precision
    >>> average_precision([0, 1, 1, 0], [0.1, 0.9, 0.2, 0.3])
    0.8333333333333333
    """
    runs, scores = _runs_and_scores(labels, scores)
    return float(average_precision_score(marked(runs, scores.size), scores))


@validated(_SETTINGS)
def range_auc_roc(labels: Labels, scores: Scores, window: int, *, n_thresholds: int = 250) -> float:
    """Area under the range-ROC curve with a buffer around each anomaly: one slice of `vus_roc`.

    Errors and the range of the result are those of :func:`vus_roc`.

    Parameters
    ----------
    labels : (n,) array-like, Series or DataFrame of events
    scores : (n,) array-like or Series
    window : int
    n_thresholds : int, default=250
        As in :func:`vus_roc`, but the buffer is ``window`` steps wide.

    See Also
    --------
    range_auc_pr : The same by precision and recall.
    vus_roc : The mean over tolerances.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import range_auc_roc
    >>> labels, scores = [0, 0, 1, 1, 0, 0], [0, 1, 2, 8, 9, 0]  # one step late
    >>> round(range_auc_roc(labels, scores, window=2), 3)
    0.932
    """
    return _mean_area(_roc_area, labels, scores, [int(window)], n_thresholds)


@validated(_SETTINGS)
def range_auc_pr(labels: Labels, scores: Scores, window: int, *, n_thresholds: int = 250) -> float:
    """Area under the range-precision-recall curve with a buffer: one slice of `vus_pr`.

    Errors and the range of the result are those of :func:`vus_roc`.

    Parameters
    ----------
    labels : (n,) array-like, Series or DataFrame of events
    scores : (n,) array-like or Series
    window : int
    n_thresholds : int, default=250
        As in :func:`vus_roc`, but the buffer is ``window`` steps wide.

    See Also
    --------
    range_auc_roc : The same by ROC curves.
    vus_pr : The mean over tolerances.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import range_auc_pr
    >>> labels, scores = [0, 0, 1, 1, 0, 0], [0, 1, 2, 8, 9, 0]  # one step late
    >>> round(range_auc_pr(labels, scores, window=2), 3)
    0.823
    """
    return _mean_area(_pr_area, labels, scores, [int(window)], n_thresholds)


@validated(_SETTINGS)
def vus_roc(labels: Labels, scores: Scores, window: int, *, n_thresholds: int = 250) -> float:
    """Volume under the surface of range-ROC curves over buffers of 0 to ``window`` steps.

    The mean of :func:`range_auc_roc` over all buffers w = 0, 1, ..., ``window`` (Paparrizos et al.,
    "Volume under the surface", PVLDB 15(11), 2022): alarms a little early or late count in part.
    With the label ``l`` of a step, 1 in an anomaly, ``sqrt(1 - d / w)`` at d steps from it for d up
    to ``w // 2`` (the sum, at most 1, between two) and 0 elsewhere, and p, 1 where the score is at
    or above the threshold, for n steps of which P are anomalous::

        hits      = sum(l p)
        positives = P + (hits - hits within anomalies) / 2
        tpr       = min(hits / positives, 1) * share of widened anomalies with a step flagged
        fpr       = (sum(p) - hits) / (n - positives)
        precision = hits / sum(p)

    at ``n_thresholds`` scores of evenly spaced ranks, from the highest to the lowest. Areas are by
    trapezoids over fpr, from (0, 0) to (1, 1). Results equal those of ``RangeAUC_volume_opt`` in
    vus 0.0.6 and TSB-AD 1.5, whose ``RangeAUC`` for one buffer differs.

    Parameters
    ----------
    labels : (n,) array-like, Series or DataFrame of events
    scores : (n,) array-like or Series
        As in :func:`average_precision`. Only the order of scores matters.
    window : int
        Steps of the widest buffer, half of it on either side of an anomaly; the authors use the
        season of the series.
    n_thresholds : int, default=250
        Number of thresholds, as used by the authors; it hardly changes the cost.

    Returns
    -------
    float
        0 to 1, higher is better; about 0.5 for random scores and a small window.

    Raises
    ------
    ValueError
        As in :func:`average_precision`, or if the window is negative, or there are fewer than 2
        thresholds.

    See Also
    --------
    vus_pr : The same by precision and recall.
    range_auc_roc : One tolerance.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import vus_pr, vus_roc
    >>> labels = [0, 0, 0, 1, 1, 0, 0, 0]
    >>> scores = [0, 1, 2, 3, 8, 9, 7, 0]  # one step late
    >>> round(vus_roc(labels, scores, window=4), 3), round(vus_pr(labels, scores, window=4), 3)
    (0.861, 0.696)
    """
    windows = range(int(window) + 1)
    return _mean_area(_roc_area, labels, scores, windows, n_thresholds)


@validated(_SETTINGS)
def vus_pr(labels: Labels, scores: Scores, window: int, *, n_thresholds: int = 250) -> float:
    """Volume under the surface of range-precision-recall curves over buffers of 0 to ``window``.

    The mean of :func:`range_auc_pr` over all buffers (Paparrizos et al. 2022), each the sum of
    ``precision_k (tpr_k - tpr_(k-1))`` over falling thresholds, with precision and tpr as in
    :func:`vus_roc`, which has the errors. 0 to 1, higher is better.

    Parameters
    ----------
    labels : (n,) array-like, Series or DataFrame of events
    scores : (n,) array-like or Series
    window : int
    n_thresholds : int, default=250
        As in :func:`vus_roc`.

    See Also
    --------
    vus_roc : The same by ROC curves.
    range_auc_pr : One tolerance.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import vus_pr
    >>> labels, scores = [0, 0, 1, 1, 0, 0], [0, 1, 2, 8, 9, 0]  # one step late
    >>> round(vus_pr(labels, scores, window=2), 3)
    0.663
    """
    windows = range(int(window) + 1)
    return _mean_area(_pr_area, labels, scores, windows, n_thresholds)


class _Ranked(NamedTuple):
    """True runs, and ranks of the steps."""

    runs: np.ndarray  # of anomalous steps, (n_runs, 2)
    anomalous: np.ndarray  # whether each step is, (n,) bool
    entered: np.ndarray  # first threshold at which each step is flagged, (n,)
    flagged: np.ndarray  # number of steps flagged at each threshold
    exact: np.ndarray  # number of those that are anomalous


def _mean_area(area, labels, scores, windows: Iterable[int], n_thresholds: int) -> float:
    runs, values = _runs_and_scores(labels, scores)
    ranked = _ranked(runs, values, int(n_thresholds))
    return float(np.mean([area(*_curve(ranked, window)) for window in windows]))


def _roc_area(tpr, fpr, precision):
    tpr, fpr = (np.concatenate([[0], rate, [1]]) for rate in (tpr, fpr))
    return np.diff(fpr) @ (tpr[1:] + tpr[:-1]) / 2


def _pr_area(tpr, fpr, precision):
    return np.diff(tpr, prepend=0) @ precision


def _ranked(runs, scores, n_thresholds):
    falling = -np.sort(-scores)
    thresholds = falling[np.linspace(0, scores.size - 1, n_thresholds).astype(int)]
    entered = np.searchsorted(-thresholds, -scores)
    flagged = np.bincount(entered, minlength=n_thresholds).cumsum()
    anomalous = marked(runs, scores.size)
    exact = np.bincount(entered[anomalous], minlength=n_thresholds).cumsum()
    return _Ranked(runs, anomalous, entered, flagged, exact)


def _curve(ranked, window):
    """True and false positive rates and precision at each threshold, for one buffer."""
    n, n_thresholds = ranked.entered.size, ranked.flagged.size
    hits = np.bincount(ranked.entered, _soft_labels(ranked, window), n_thresholds).cumsum()
    positives = ranked.anomalous.sum() + (hits - ranked.exact) / 2
    tpr = np.minimum(hits / positives, 1) * _share_detected(ranked, window)
    return tpr, (ranked.flagged - hits) / (n - positives), hits / ranked.flagged


def _soft_labels(ranked, window):
    """1 in an anomaly, decreasing over half a window on either side."""
    labels = ranked.anomalous.astype(float)
    offsets = np.arange(1, window // 2 + 1)
    for steps in (ranked.runs[:, :1] - offsets, ranked.runs[:, 1:] - 1 + offsets):
        is_step = (steps >= 0) & (steps < labels.size)
        part = np.broadcast_to(np.sqrt(1 - offsets / max(window, 1)), steps.shape)
        labels += np.bincount(steps[is_step], part[is_step], labels.size)
    return np.minimum(labels, 1)


def _share_detected(ranked, window):
    """Share of widened anomalies, merged where they overlap, with a flagged step."""
    half, n_thresholds = window // 2, ranked.flagged.size
    starts, stops = ranked.runs.T
    is_separate = starts[1:] - stops[:-1] >= 2 * half
    starts = np.maximum(starts[np.r_[True, is_separate]] - half, 0)
    stops = np.minimum(stops[np.r_[is_separate, True]] + half, ranked.entered.size)
    padded = np.append(ranked.entered, n_thresholds)  # reduceat takes no index past the end
    first_flagged = np.minimum.reduceat(padded, np.stack([starts, stops], axis=1).ravel())[::2]
    return np.bincount(first_flagged, minlength=n_thresholds).cumsum() / starts.size


def _runs_and_scores(labels, scores):
    runs, scores = labelled_scores(labels, scores)
    refuse_single_class(runs, scores.size)
    return runs, scores
