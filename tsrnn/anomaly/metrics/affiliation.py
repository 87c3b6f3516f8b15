"""Precision and recall by the distance between alarms and anomalies, relative to random ones."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.anomaly.metrics.inputs import Labels, refuse_single_class, two_runs


class Affiliation(NamedTuple):
    """Affiliation precision and recall.

    Attributes
    ----------
    precision, recall : float
        Means of those of the events that are known, 0 to 1; the precision is NaN if nothing is
        flagged.
    event_precision, event_recall : (n_events,) array
        Of each anomaly; NaN and 0 if its zone has no flag.

    See Also
    --------
    affiliation : Computes it.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import affiliation
    >>> affiliation([0, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0]).recall
    1.0
    """

    precision: float
    recall: float
    event_precision: np.ndarray
    event_recall: np.ndarray


def affiliation(
    labels: Labels, predicted: Labels, *, index: pd.Index | ArrayLike | None = None
) -> Affiliation:
    """Affiliation precision and recall of Huet, Navarro & Rossi (KDD 2022).

    Time is split into a zone E for each anomaly J, midway between anomalies. A step is the time
    from it to the next. Within a zone, with the flagged steps I in it, and d the distance to the
    nearest time of a set::

        precision = mean over x in I of P(d(X, J) > d(x, J))
        recall    = mean over y in J of P(d(y, X) > d(y, I))

    for a time X drawn at random from the zone: 1 for an alarm within the anomaly, about 0.5 for a
    random one, less for one farther away. Both are averaged over anomalies, so that long ones count
    no more than short ones. Results equal those of ``pr_from_events`` in the authors'
    affiliation-metrics-py (as in TSB-AD 1.5 and vus 0.0.6) for ``Trange=(0, n)``.

    Parameters
    ----------
    labels, predicted : (n,) array-like, Series or DataFrame of events
        True and predicted anomalies: 0/1 for each step, or events (``start``, ``end``, both
        inclusive) on the index of the other, which for an array is 0 to n - 1. Adjacent steps are
        one event.
    index : Index or array-like, optional
        The steps, needed where labels and predicted are both events.

    Returns
    -------
    Affiliation
        ``precision`` and ``recall``, 0 to 1, and ``event_precision`` and ``event_recall``,
        (n_events,). If nothing is flagged (in the zone of an event), precision is NaN and recall 0.

    Raises
    ------
    ValueError
        If lengths or indexes differ, a value is not 0 or 1, no step is anomalous or all are, or
        events overlap.

    See Also
    --------
    range_precision_recall : Scores by overlaps of ranges.
    vus_pr : A score without a threshold.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import affiliation
    >>> labels = [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    >>> scores = affiliation(labels, [0, 0, 0, 0, 0, 1, 1, 0, 0, 0])  # one step late
    >>> round(scores.precision, 3), round(scores.recall, 3)
    (0.85, 0.95)
    >>> round(affiliation(labels, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).precision, 3)  # far away
    0.1
    """
    anomalous, flagged, n = two_runs(labels, predicted, index)
    refuse_single_class(anomalous, n)
    precision, recall = event_affiliation(anomalous, flagged, n)
    known = ~np.isnan(precision)
    mean = float(precision[known].mean()) if known.any() else np.nan
    return Affiliation(mean, float(recall.mean()), precision, recall)


def event_affiliation(
    anomalous: np.ndarray, flagged: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of each event, (n_events,), at least one.

    Events and what is flagged are runs among n steps, (n_runs, 2): first, and one past the last.
    """
    cuts = np.concatenate([[0], (anomalous[1:, 0] + anomalous[:-1, 1]) / 2, [n]])
    zones = np.stack([cuts[:-1], cuts[1:]], axis=1)
    pairs = [_event(event, zone, flagged) for event, zone in zip(anomalous, zones, strict=True)]
    precision, recall = np.array(pairs).T
    return precision, recall


def _event(event, zone, flagged):
    """Precision and recall of one event, by the runs flagged in its zone."""
    starts, stops = np.maximum(flagged[:, 0], zone[0]), np.minimum(flagged[:, 1], zone[1])
    overlaps = starts < stops
    if not overlaps.any():
        return np.nan, 0.0
    starts, stops = starts[overlaps], stops[overlaps]
    return _precision(starts, stops, event, zone), _recall(starts, stops, event, zone)


def _precision(starts, stops, event, zone):
    """One minus the mean over flagged times of the share of the zone at least as near the event."""
    length = event[1] - event[0]
    margin = min(event[0] - zone[0], zone[1] - event[1])

    def nearer(d):
        """Integral over distances from 0 to d of the time of the zone at least as near."""
        both_sides = np.minimum(d, margin) ** 2 / 2 + margin * np.maximum(d - margin, 0)
        return length * d + both_sides + d**2 / 2

    lost = 0.0
    for near, far in ((event[0] - stops, event[0] - starts), (starts - event[1], stops - event[1])):
        lost += np.sum(nearer(np.maximum(far, 0)) - nearer(np.maximum(near, 0)))
    return 1 - lost / (zone[1] - zone[0]) / np.sum(stops - starts)


def _recall(starts, stops, event, zone):
    """One minus the mean, over the event, of the share of the zone at least as near to a time."""
    cuts = np.concatenate([zone[:1], (starts[1:] + stops[:-1]) / 2, zone[1:]])
    first = np.maximum(cuts[:-1], event[0])  # part of the event nearest to each run
    last = np.maximum(np.minimum(cuts[1:], event[1]), first)
    lost = 0.0
    for near, far, room in (
        (starts - last, starts - first, starts - zone[0]),
        (first - stops, last - stops, zone[1] - stops),
    ):
        lost += np.sum(_around(np.maximum(far, 0), room) - _around(np.maximum(near, 0), room))
    return 1 - lost / (zone[1] - zone[0]) / (event[1] - event[0])


def _around(d, room):
    """Integral over distances from 0 to d from a run of the time at least as near as the run.

    At distance d that is d towards the run, and as much away from it unless the zone ends before,
    at ``room`` from the run.
    """
    away = np.where(2 * d <= room, d**2 / 2, room**2 / 4 - (room - d) ** 2 / 2)
    return d**2 / 2 + away
