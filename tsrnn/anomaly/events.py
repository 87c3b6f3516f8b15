"""Events: tables of anomalous intervals, from point labels and back, merged and matched.

An event is a row of a DataFrame: ``start`` and ``end``, labels of the index of the series, both
inclusive; ``n_points`` in it; and further columns such as ``severity``, the highest score, and
``peak``, its label. The index is of any kind that increases without repeats. Results are sorted by
start, with rows numbered from 0; events given need ``start`` and ``end`` alone.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.anomaly.event_tables import (
    bounds_index,
    checked_events,
    checked_flags,
    checked_index,
    checked_length,
    covered_positions,
    event_frame,
    index_of,
    numeric_column,
    overlaps,
    positions_of,
    runs_of,
    sorted_frame,
    strongest_rows,
    timestamps,
)
from tsrnn.parameters import ANY_NUMBER, naming, validated


def events_from_labels(
    labels: ArrayLike | pd.Series, index: pd.Index | None = None, *, scores: ArrayLike | None = None
) -> pd.DataFrame:
    """The runs of labelled points as events.

    Parameters
    ----------
    labels : (n,) array or Series
        True or 1 at the points of events, False or 0 elsewhere; without missing values.
    index : (n,) Index, optional
        Labels of the points, increasing; by default those of the Series, else positions.
    scores : (n,) array, optional
        Anomaly scores for ``severity`` and ``peak``. NaN is ignored; an event without scores has
        the severity NaN and its start as peak.

    Returns
    -------
    DataFrame
        ``start``, ``end``, ``n_points`` of each event, and with scores ``severity`` and ``peak``.

    Raises
    ------
    ValueError
        If a label is neither true nor false, lengths differ, or the index repeats or decreases.

    See Also
    --------
    labels_from_events : The reverse.
    merge_events : Join events that are near each other.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import events_from_labels
    >>> days = pd.date_range("2024-05-01", periods=6)
    >>> events_from_labels([0, 1, 1, 0, 0, 1], days, scores=[0, 2, 5, 1, 0, 3])
           start        end  n_points  severity       peak
    0 2024-05-02 2024-05-03         2       5.0 2024-05-03
    1 2024-05-06 2024-05-06         1       3.0 2024-05-06
    """
    if index is None:
        index = labels.index if isinstance(labels, pd.Series) else pd.RangeIndex(np.size(labels))
    index = checked_index(index)
    first, end = runs_of(checked_flags(labels, index)).T
    events = event_frame(index, first, end - 1)
    if scores is None:
        return events
    with naming("scores"):
        if isinstance(scores, pd.Series):
            scores = scores.to_numpy(dtype=float, na_value=np.nan)
        scores = np.asarray(scores, dtype=float)
    if scores.shape != (len(index),):
        raise ValueError(f"scores must have shape ({len(index)},) as labels, got {scores.shape}.")
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    positions = [a + ranked[a:b].argmax() for a, b in zip(first, end, strict=True)]
    peaks = np.array(positions, dtype=np.intp)
    return events.assign(severity=scores[peaks], peak=index.take(peaks))


def labels_from_events(events: pd.DataFrame, index: pd.Index) -> pd.Series:
    """Which points of an index lie in an event: the inverse of ``events_from_labels``.

    Parameters
    ----------
    events : DataFrame
        With ``start`` and ``end``, which need not be in the index and may lie outside it.
    index : (n,) Index
        Labels of the points, increasing.

    Returns
    -------
    (n,) Series of bool, named "anomaly"

    Raises
    ------
    ValueError
        If an event has no start or end, or ends before it starts, events and index cannot be
        compared, or the index repeats or decreases.

    See Also
    --------
    events_from_labels : The reverse.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import labels_from_events
    >>> labels_from_events(pd.DataFrame({"start": [1], "end": [2]}), pd.RangeIndex(4)).tolist()
    [False, True, True, False]
    """
    index = checked_index(index)
    first, last = positions_of(checked_events(events, "events"), index, "events")
    covers = first <= last
    changes = np.zeros(len(index) + 1, dtype=np.int64)
    np.add.at(changes, first[covers], 1)
    np.add.at(changes, last[covers] + 1, -1)
    return pd.Series(changes[:-1].cumsum() > 0, index, name="anomaly")


def merge_events(events: pd.DataFrame, gap: Any = 0, index: pd.Index | None = None) -> pd.DataFrame:
    """Merge events that are close to each other.

    Parameters
    ----------
    events : DataFrame
        In any order; they may overlap.
    gap : int, Timedelta or str such as "2h", default=0
        Merge events with at most this many points between them, 0 for those that touch or overlap;
        or at most this much time from the last point of one to the first of the next.
    index : Index, optional
        Labels of the points of the series, needed for time stamps, which do not tell how many
        points lie between; not for periods, or for integers, taken to be one apart.

    Returns
    -------
    DataFrame
        Events with further columns from their most severe part (the first, if several are equal or
        there is no ``severity``).

    Raises
    ------
    ValueError
        If the gap is negative, or a time where the index has none; if the index is needed and
        missing, or an event covers none of its points; or as in :func:`labels_from_events`.

    See Also
    --------
    pad_events : Make events longer.
    prune_events : Leave out events.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import merge_events
    >>> events = pd.DataFrame({"start": [0, 4, 9], "end": [1, 5, 9], "severity": [1.0, 7.0, 2.0]})
    >>> merge_events(events, gap=2)
       start  end  n_points  severity
    0      0    5         6       7.0
    1      9    9         1       2.0
    """
    events, gap = checked_events(events, "events"), checked_length(gap, "gap")
    index = index_of(index, events)
    first, last = covered_positions(events, index, "events")
    if not len(events):
        return event_frame(index, first, last, events)
    order = np.lexsort((last, first))
    first, reach = first[order], np.maximum.accumulate(last[order])
    n_between = first[1:] - reach[:-1] - 1
    if isinstance(gap, int):
        is_separate = n_between > gap
    else:
        stamps = timestamps(index, "gap")
        distance = stamps.take(first[1:]) - stamps.take(reach[:-1])
        is_separate = (n_between > 0) & (distance > gap)
    heads = np.flatnonzero(np.append(True, is_separate))
    groups = np.repeat(np.arange(heads.size), np.diff(heads, append=len(events)))
    strongest = order[strongest_rows(events.iloc[order], groups)]
    ends = reach[np.append(heads[1:], len(events)) - 1]
    return event_frame(index, first[heads], ends, events.iloc[strongest])


def pad_events(events: pd.DataFrame, before: Any, after: Any, index: pd.Index) -> pd.DataFrame:
    """Extend events at both ends, within the index; they may overlap then (see `merge_events`).

    Parameters
    ----------
    events : DataFrame
        Their number and further columns stay.
    before, after : int, Timedelta or str such as "2h"
        Points, or time, by which an event starts earlier and ends later.
    index : Index
        Labels of the points of the series, increasing.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        As in :func:`merge_events`, for a length as for a gap.

    See Also
    --------
    merge_events : Join events that are near each other.
    prune_events : Leave out events.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import pad_events
    >>> pad_events(pd.DataFrame({"start": [1], "end": [4]}), 2, 3, pd.RangeIndex(10))
       start  end  n_points
    0      0    7         8
    """
    events, index = checked_events(events, "events"), checked_index(index)
    before, after = checked_length(before, "before"), checked_length(after, "after")
    first, last = covered_positions(events, index, "events")
    if isinstance(before, int):
        first = np.maximum(first - before, 0)
    else:
        stamps = timestamps(index, "before")
        first = stamps.searchsorted(stamps.take(first) - before, side="left")
    if isinstance(after, int):
        last = np.minimum(last + after, len(index) - 1)
    else:
        stamps = timestamps(index, "after")
        last = stamps.searchsorted(stamps.take(last) + after, side="right") - 1
    return sorted_frame(index, first, last, events)


@validated(min_severity=[ANY_NUMBER, None])
def prune_events(
    events: pd.DataFrame, *, min_length: Any = None, min_severity: float | None = None
) -> pd.DataFrame:
    """Drop events that are too short or not severe enough.

    Parameters
    ----------
    events : DataFrame
        With ``n_points`` or ``severity``, where a least one is given.
    min_length : int, Timedelta or str such as "2h", optional
        The least number of points, or time from the first to the last of them.
    min_severity : float, optional
        The least severity; events without one (NaN) are dropped.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If a column that is needed is absent, a length is negative, or a time where events have
        none; or as in :func:`labels_from_events`.

    See Also
    --------
    merge_events : Join events that are near each other.
    pad_events : Make events longer.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import prune_events
    >>> events = pd.DataFrame({"start": [0, 5], "end": [3, 5], "n_points": [4, 1]})
    >>> prune_events(events, min_length=2)
       start  end  n_points
    0      0    3         4
    """
    events = checked_events(events, "events")
    is_large = np.ones(len(events), dtype=bool)
    if min_length is not None:
        length = checked_length(min_length, "min_length")
        if isinstance(length, int):
            is_large &= numeric_column(events, "n_points", "min_length") >= length
        elif len(events):
            columns = (pd.Index(events[column]) for column in ("start", "end"))
            starts, ends = (timestamps(column, "min_length") for column in columns)
            is_large &= np.asarray(ends - starts >= length)
    if min_severity is not None:
        is_large &= numeric_column(events, "severity", "min_severity") >= min_severity
    return events[is_large].sort_values(["start", "end"], ignore_index=True)


def intersect_events(
    a: pd.DataFrame, b: pd.DataFrame, index: pd.Index | None = None
) -> pd.DataFrame:
    """Intersections of the events of two tables.

    Parameters
    ----------
    a, b : DataFrame
        Events of the same series.
    index : Index, optional
        As in :func:`merge_events`.

    Returns
    -------
    DataFrame
        Intersection of each event of a with each of b, with the further columns of a's (a peak may
        thus lie outside it).

    Raises
    ------
    ValueError
        If the index is needed and missing, or as in :func:`labels_from_events`.

    See Also
    --------
    match_events : Which events of two tables overlap.
    merge_events : Join events that are near each other.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import intersect_events
    >>> a = pd.DataFrame({"start": [0, 8], "end": [5, 9], "kind": ["x", "y"]})
    >>> intersect_events(a, pd.DataFrame({"start": [2, 5], "end": [3, 8]}))
       start  end  n_points kind
    0      2    3         2    x
    1      5    5         1    x
    2      8    8         1    y
    """
    a, b = checked_events(a, "a"), checked_events(b, "b")
    index = index_of(index, a, b)
    rows_a, _, first, last = _common_positions(a, b, index, "a", "b")
    return sorted_frame(index, first, last, a.iloc[rows_a])


def match_events(labelled: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a labelled and a detected event that overlap.

    Parameters
    ----------
    labelled, found : DataFrame
        Events of the same series. Pad one of them first to accept near misses.

    Returns
    -------
    DataFrame
        Sorted by row of ``labelled``, then by start of ``found``: ``labelled`` and ``found``,
        labels of the two rows, and ``start`` and ``end`` of the overlap; so ``start`` minus the
        start of the labelled event is the detection delay.

    Raises
    ------
    ValueError
        As in :func:`labels_from_events`.

    See Also
    --------
    intersect_events : The common parts of events.
    tsrnn.anomaly.metrics.range_precision_recall : Scores of such matches.

    Examples
    --------
    A table of hits, where the second event is missed and the last alarm false:

    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import match_events
    >>> labelled = pd.DataFrame({"start": [10, 30], "end": [19, 39]})
    >>> found = pd.DataFrame({"start": [12, 18, 50], "end": [14, 21, 51]})
    >>> pairs = match_events(labelled, found)
    >>> pairs
       labelled  found  start  end
    0         0      0     12   14
    1         0      1     18   19
    >>> labelled.assign(hit=labelled.index.isin(pairs["labelled"]))
       start  end    hit
    0     10   19   True
    1     30   39  False
    """
    a, b = checked_events(labelled, "labelled"), checked_events(found, "found")
    index = bounds_index(a, b)
    rows_a, rows_b, first, last = _common_positions(a, b, index, "labelled", "found")
    return pd.DataFrame(
        {
            "labelled": labelled.index.take(rows_a),
            "found": found.index.take(rows_b),
            "start": index.take(first),
            "end": index.take(last),
        }
    )


def _common_positions(a, b, index, name_a, name_b):
    """Rows of the overlapping events of two tables, and their overlap's first and last position."""
    first_a, last_a = positions_of(a, index, name_a)
    first_b, last_b = positions_of(b, index, name_b)
    rows_a, rows_b = overlaps(first_a, last_a, first_b, last_b)
    first = np.maximum(first_a[rows_a], first_b[rows_b])
    return rows_a, rows_b, first, np.minimum(last_a[rows_a], last_b[rows_b])
