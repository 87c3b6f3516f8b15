"""Precision and recall by how near alarms and anomalies are, compared with random ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.anomaly.metrics.inputs import Labels, refuse_one_kind, two_runs


class Affiliation(NamedTuple):
    """Affiliation precision and recall.

    Attributes
    ----------
    precision : float
        The mean of the events' precisions that are not NaN, 0 to 1; NaN where nothing is flagged.
    recall : float
        The mean of the events' recalls, 0 to 1.
    event_precision : (n_events,) array
        Of each anomaly, NaN where nothing is flagged in its zone.
    event_recall : (n_events,) array
        Of each anomaly, 0 where nothing is flagged in its zone.
    """

    precision: float
    recall: float
    event_precision: np.ndarray
    event_recall: np.ndarray


def affiliation(
    labels: Labels, predicted: Labels, *, index: pd.Index | ArrayLike | None = None
) -> Affiliation:
    """Affiliation precision and recall of Huet, Navarro & Rossi (2022).

    Time is cut into a zone E for each anomaly J, midway between anomalies. A step is the time from
    it to the next. Within a zone, with what is flagged there, I, and d a distance to the nearest
    time of a set::

        precision = mean over x in I of P(d(X, J) > d(x, J))
        recall    = mean over y in J of P(d(y, X) > d(y, I))

    for a time X drawn at random from the zone: 1 for an alarm within the anomaly, about 0.5 for a
    random one, less for one farther off than that. Both are averaged over anomalies, so that long
    ones count no more than short ones.

    Parameters
    ----------
    labels, predicted : (n,) array-like, Series or DataFrame of events
        What is known and what was flagged: 0/1 of each step, or events (``start``, ``end``, both
        included) on the index of the other, which for an array is 0 to n - 1. Adjacent steps are
        one event.
    index : Index or array-like, optional
        The steps, needed where labels and predicted are both events.

    Returns
    -------
    Affiliation
        ``precision`` and ``recall``, 0 to 1, higher is better, and those of each event. Where
        nothing is flagged, the precision is NaN and the recall 0.

    Raises
    ------
    ValueError
        If lengths or indexes differ, a value is none of 0 and 1, no step is anomalous or all are,
        or events overlap.

    Notes
    -----
    The numbers are those of ``pr_from_events`` in the authors' affiliation-metrics-py, as it comes
    with TSB-AD 1.5 and vus 0.0.6, for ``Trange=(0, n)``.

    References
    ----------
    A. Huet, J. M. Navarro and D. Rossi, "Local evaluation of time series anomaly detection
    algorithms", KDD, 635-645, 2022.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import affiliation
    >>> labels = [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    >>> scores = affiliation(labels, [0, 0, 0, 0, 0, 1, 1, 0, 0, 0])  # one step late
    >>> round(scores.precision, 3), round(scores.recall, 3)
    (0.85, 0.95)
    >>> round(affiliation(labels, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).precision, 3)  # far off
    0.1
    """
    anomalous, flagged, n = two_runs(labels, predicted, index)
    refuse_one_kind(anomalous, n)
    cuts = np.concatenate([[0], (anomalous[1:, 0] + anomalous[:-1, 1]) / 2, [n]])
    zones = np.stack([cuts[:-1], cuts[1:]], axis=1)
    pairs = [
        _event(*event_and_zone, flagged) for event_and_zone in zip(anomalous, zones, strict=True)
    ]
    precision, recall = np.array(pairs).T
    seen = ~np.isnan(precision)
    mean = float(precision[seen].mean()) if seen.any() else np.nan
    return Affiliation(mean, float(recall.mean()), precision, recall)


def _event(event, zone, flagged):
    """Precision and recall of one event, by what is flagged in its zone."""
    starts, stops = np.maximum(flagged[:, 0], zone[0]), np.minimum(flagged[:, 1], zone[1])
    there = starts < stops
    if not there.any():
        return np.nan, 0.0
    pieces = starts[there], stops[there]
    return _precision(*pieces, event, zone), _recall(*pieces, event, zone)


def _precision(starts, stops, event, zone):
    """One minus the mean, over the pieces, of the share of the zone at least as near the event."""
    length = event[1] - event[0]
    margin = min(event[0] - zone[0], zone[1] - event[1])

    def nearer(d):
        """Integral, over distances 0 to d, of the time of the zone that is at least as near."""
        both_sides = np.minimum(d, margin) ** 2 / 2 + margin * np.maximum(d - margin, 0)
        return length * d + both_sides + d**2 / 2

    lost = 0.0
    for near, far in ((event[0] - stops, event[0] - starts), (starts - event[1], stops - event[1])):
        lost += np.sum(nearer(np.maximum(far, 0)) - nearer(np.maximum(near, 0)))
    return 1 - lost / (zone[1] - zone[0]) / np.sum(stops - starts)


def _recall(starts, stops, event, zone):
    """One minus the mean, over the event, of the share of the zone at least as near each time."""
    cuts = np.concatenate([zone[:1], (starts[1:] + stops[:-1]) / 2, zone[1:]])
    first = np.maximum(cuts[:-1], event[0])  # of the event, the part nearest to each piece
    last = np.maximum(np.minimum(cuts[1:], event[1]), first)
    lost = 0.0
    for near, far, room in (
        (starts - last, starts - first, starts - zone[0]),
        (first - stops, last - stops, zone[1] - stops),
    ):
        lost += np.sum(_around(np.maximum(far, 0), room) - _around(np.maximum(near, 0), room))
    return 1 - lost / (zone[1] - zone[0]) / (event[1] - event[0])


def _around(d, room):
    """Integral, over distances 0 to d from a piece, of the time at least as near as the piece.

    At distance d that is d towards the piece, and as much away from it unless the zone ends
    before, ``room`` from the piece.
    """
    away = np.where(2 * d <= room, d**2 / 2, room**2 / 4 - (room - d) ** 2 / 2)
    return d**2 / 2 + away
