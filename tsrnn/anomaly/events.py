"""Events: stretches of a series in a table, from labels of points and back, merged and matched.

An event is a row of a DataFrame: ``start`` and ``end``, labels of the series' index, both
inclusive; ``n_points``, how many points of the index that is; and whatever else is known of it,
such as ``severity``, how strange it is at most, and ``peak``, where. The index may be any that
increases without repeats: time stamps, in a time zone or not, periods, numbers. Functions take such
frames, also written by hand with no more than ``start`` and ``end``, and give new ones, sorted by
start, with rows numbered from 0.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.data.time_axis import format_time

_OWN = ["start", "end", "n_points"]


def events_from_labels(
    labels: ArrayLike | pd.Series, index: pd.Index | None = None, *, scores: ArrayLike | None = None
) -> pd.DataFrame:
    """The runs of marked points.

    Parameters
    ----------
    labels : (n,) array or Series
        True or 1 at the points of events, False or 0 elsewhere; none may be missing.
    index : (n,) Index, optional
        Labels of the points, increasing; by default those of the Series, else positions.
    scores : (n,) array, optional
        Anomaly scores, which give each event its ``severity``, the highest score in it, and its
        ``peak``, the label of the first point that has it. NaN is no score; an event of no other
        has the severity NaN and its start for a peak.

    Returns
    -------
    DataFrame
        ``start``, ``end``, ``n_points`` of each event, and with scores ``severity`` and ``peak``.

    Raises
    ------
    ValueError
        If a label is missing or neither true nor false, lengths differ, or the index repeats
        itself or goes back; the message says where.

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
    index = _checked_index(index)
    edges = np.flatnonzero(np.diff(_flags(labels, index), prepend=False, append=False))
    first, last = edges[::2], edges[1::2] - 1
    events = _frame(index, first, last)
    if scores is None:
        return events
    if isinstance(scores, pd.Series):
        scores = scores.to_numpy(dtype=float, na_value=np.nan)
    scores = np.asarray(scores, dtype=float)
    if scores.shape != (len(index),):
        raise ValueError(f"scores must have shape ({len(index)},) as labels, got {scores.shape}.")
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    peaks = [a + ranked[a : b + 1].argmax() for a, b in zip(first, last, strict=True)]
    peaks = np.array(peaks, dtype=np.intp)
    return events.assign(severity=scores[peaks], peak=index.take(peaks))


def labels_from_events(events: pd.DataFrame, index: pd.Index) -> pd.Series:
    """Which points of an index are in an event: the way back from :func:`events_from_labels`.

    Parameters
    ----------
    events : DataFrame
        With ``start`` and ``end``, which need not be in the index and may be outside of it.
    index : (n,) Index
        Labels of the points, increasing.

    Returns
    -------
    (n,) Series of bool
        Named "anomaly", with the index.

    Raises
    ------
    ValueError
        If an event has no start or end, or ends before it starts, if events and index cannot be
        compared, or the index repeats itself or goes back.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import labels_from_events
    >>> labels_from_events(pd.DataFrame({"start": [1], "end": [2]}), pd.RangeIndex(4)).tolist()
    [False, True, True, False]
    """
    index = _checked_index(index)
    first, last = _places(_checked(events, "events"), index, "events")
    there = first <= last
    changes = np.zeros(len(index) + 1, dtype=np.int64)
    np.add.at(changes, first[there], 1)
    np.add.at(changes, last[there] + 1, -1)
    return pd.Series(changes[:-1].cumsum() > 0, index, name="anomaly")


def merge_events(events: pd.DataFrame, gap: Any = 0, index: pd.Index | None = None) -> pd.DataFrame:
    """Events that are close to each other as one.

    Of what is merged the event of the largest severity (the first of several, or where there is no
    ``severity``) gives all columns beyond start, end and n_points: severity, peak and others.

    Parameters
    ----------
    events : DataFrame
        In any order; they may overlap.
    gap : int or Timedelta, default=0
        Merge events with at most so many points between them, 0 for those that touch or overlap; or
        at most so much time from the last point of one to the first of the next (also as a string
        like "2h"). Events without a point between them are always merged.
    index : Index, optional
        Labels of the series' points. Not needed for events in whole numbers, taken to be one apart,
        or in periods; needed for time stamps, which do not say how many points lie between them.

    Returns
    -------
    DataFrame
        Events with more than ``gap`` between them.

    Raises
    ------
    ValueError
        If the gap is negative, or a time where the index has none; if the index is needed and not
        given, or an event is at none of its points; or as in :func:`labels_from_events`.

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
    events, gap = _checked(events, "events"), _length(gap, "gap")
    line = _line(index, events)
    first, last = _covered(events, line, "events")
    if not len(events):
        return _frame(line, first, last, events)
    order = np.lexsort((last, first))
    first, reach = first[order], np.maximum.accumulate(last[order])
    n_between = first[1:] - reach[:-1] - 1
    if isinstance(gap, int):
        apart = n_between > gap
    else:
        stamps = _stamps(line, "gap")
        apart = (n_between > 0) & (stamps.take(first[1:]) - stamps.take(reach[:-1]) > gap)
    begins = np.flatnonzero(np.append(True, apart))
    groups = np.repeat(np.arange(begins.size), np.diff(begins, append=len(events)))
    strongest = order[_strongest(events.iloc[order], groups)]
    ends = reach[np.append(begins[1:], len(events)) - 1]
    return _frame(line, first[begins], ends, events.iloc[strongest])


def pad_events(events: pd.DataFrame, before: Any, after: Any, index: pd.Index) -> pd.DataFrame:
    """Events made longer at both ends, as far as the index goes.

    Parameters
    ----------
    events : DataFrame
        Their number and further columns stay, and so they may overlap afterwards:
        :func:`merge_events` makes one of those.
    before, after : int or Timedelta
        Points, or time (also as a string like "2h"), by which an event starts earlier and ends
        later.
    index : Index
        Labels of the series' points, increasing.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If a length is negative, or a time where the index has none; if an event is at no point of
        the index; or as in :func:`labels_from_events`.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import pad_events
    >>> pad_events(pd.DataFrame({"start": [1], "end": [4]}), 2, 3, pd.RangeIndex(10))
       start  end  n_points
    0      0    7         8
    """
    events, index = _checked(events, "events"), _checked_index(index)
    before, after = _length(before, "before"), _length(after, "after")
    first, last = _covered(events, index, "events")
    if isinstance(before, int):
        first = np.maximum(first - before, 0)
    else:
        stamps = _stamps(index, "before")
        first = stamps.searchsorted(stamps.take(first) - before, side="left")
    if isinstance(after, int):
        last = np.minimum(last + after, len(index) - 1)
    else:
        stamps = _stamps(index, "after")
        last = stamps.searchsorted(stamps.take(last) + after, side="right") - 1
    return _sorted(index, first, last, events)


def prune_events(
    events: pd.DataFrame, *, min_length: Any = None, min_severity: float | None = None
) -> pd.DataFrame:
    """Events that are long and severe enough.

    Parameters
    ----------
    events : DataFrame
        With ``n_points`` for a length in points, and ``severity`` for a least severity.
    min_length : int or Timedelta, optional
        The least number of points, or time from the first to the last of them (also as a string
        like "2h").
    min_severity : float, optional
        The least severity; an event of none (NaN) has less.

    Returns
    -------
    DataFrame
        The events that have both, with all their columns.

    Raises
    ------
    ValueError
        If the column that is needed is not there, a length is negative, or a time where events
        have none; or as in :func:`labels_from_events`.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.events import prune_events
    >>> events = pd.DataFrame({"start": [0, 5], "end": [3, 5], "n_points": [4, 1]})
    >>> prune_events(events, min_length=2)
       start  end  n_points
    0      0    3         4
    """
    events = _checked(events, "events")
    kept = np.ones(len(events), dtype=bool)
    if min_length is not None:
        length = _length(min_length, "min_length")
        if isinstance(length, int):
            kept &= _column(events, "n_points", "min_length") >= length
        elif len(events):
            starts, ends = (_stamps(pd.Index(events[c]), "min_length") for c in ("start", "end"))
            kept &= np.asarray(ends - starts >= length)
    if min_severity is not None:
        kept &= _column(events, "severity", "min_severity") >= min_severity
    return events[kept].sort_values(["start", "end"], ignore_index=True)


def intersect_events(
    a: pd.DataFrame, b: pd.DataFrame, index: pd.Index | None = None
) -> pd.DataFrame:
    """What events of one table have in common with events of another.

    Parameters
    ----------
    a, b : DataFrame
        Events of the same series.
    index : Index, optional
        As in :func:`merge_events`.

    Returns
    -------
    DataFrame
        The common stretch of each event of a with each of b, with the further columns of a's (a
        peak may thus lie outside of it).

    Raises
    ------
    ValueError
        If the index is needed and not given, or as in :func:`labels_from_events`.

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
    a, b = _checked(a, "a"), _checked(b, "b")
    line = _line(index, a, b)
    of_a, of_b = _places(a, line, "a"), _places(b, line, "b")
    rows_a, rows_b = _overlaps(*of_a, *of_b)
    first = np.maximum(of_a[0][rows_a], of_b[0][rows_b])
    last = np.minimum(of_a[1][rows_a], of_b[1][rows_b])
    return _sorted(line, first, last, a.iloc[rows_a])


def match_events(labelled: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Which labelled event is found by which: the pairs that have a point in common.

    Parameters
    ----------
    labelled, found : DataFrame
        Events of the same series. Pad one of them first to let what is close count.

    Returns
    -------
    DataFrame
        A row for each pair: ``labelled`` and ``found``, labels of their rows in the two frames, and
        ``start`` and ``end`` of what they have in common; so ``start`` less the labelled event's is
        how late it was found. Sorted by row of ``labelled``, then by start of ``found``.

    Raises
    ------
    ValueError
        As in :func:`labels_from_events`.

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
    a, b = _checked(labelled, "labelled"), _checked(found, "found")
    line = _common_line(a, b)
    of_a, of_b = _places(a, line, "labelled"), _places(b, line, "found")
    rows_a, rows_b = _overlaps(*of_a, *of_b)
    return pd.DataFrame(
        {
            "labelled": labelled.index.take(rows_a),
            "found": found.index.take(rows_b),
            "start": line.take(np.maximum(of_a[0][rows_a], of_b[0][rows_b])),
            "end": line.take(np.minimum(of_a[1][rows_a], of_b[1][rows_b])),
        }
    )


def _overlaps(first_a, last_a, first_b, last_b):
    """Rows of a and of b that have positions in common, sorted by row of a, then by start of b."""
    order = np.argsort(first_b, kind="stable")
    begin = np.searchsorted(np.maximum.accumulate(last_b[order]), first_a, side="left")
    end = np.searchsorted(first_b[order], last_a, side="right")
    n = np.maximum(end - begin, 0)
    rows_a = np.repeat(np.arange(n.size), n)
    rows_b = order[np.arange(n.sum()) + np.repeat(begin - np.cumsum(n) + n, n)]
    first = np.maximum(first_a[rows_a], first_b[rows_b])
    common = first <= np.minimum(last_a[rows_a], last_b[rows_b])
    return rows_a[common], rows_b[common]


def _strongest(events, groups):
    """Position of the largest severity in each group of rows, the first of several."""
    severity = np.zeros(len(events))
    if "severity" in events.columns:
        severity = events["severity"].to_numpy(dtype=float, na_value=np.nan)
    order = np.lexsort((-severity, groups))  # stable, NaN last
    return order[np.searchsorted(groups, np.unique(groups))]


def _frame(index, first, last, more=None):
    """Events by the positions of their ends, with the further columns of a frame."""
    own = pd.DataFrame(
        {"start": index.take(first), "end": index.take(last), "n_points": last - first + 1}
    ).astype({"n_points": np.int64})
    if more is None:
        return own
    further = more.drop(columns=_OWN, errors="ignore").reset_index(drop=True)
    return pd.concat([own, further], axis=1)


def _sorted(index, first, last, more):
    order = np.lexsort((last, first))
    return _frame(index, first[order], last[order], more.iloc[order])


def _places(events, index, name):
    """Positions of the first and the last point of each event; of none, the last is before."""
    starts, ends = pd.Index(events["start"]), pd.Index(events["end"])
    if not len(events):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    try:
        first = index.searchsorted(starts, side="left")
        return first, index.searchsorted(ends, side="right") - 1
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} starts with {starts.dtype}, and the index is {index.dtype}: {error}."
        ) from error


def _covered(events, index, name):
    first, last = _places(events, index, name)
    if (first > last).any():
        row = int((first > last).argmax())
        raise ValueError(
            f"{name} has an event at no point of the index in row {row}, from "
            f"{format_time(events['start'].iloc[row])} to {format_time(events['end'].iloc[row])}. "
            "Leave it out."
        )
    return first, last


def _line(index, *frames):
    """The index, or where it is None the one that events speak for themselves."""
    if index is not None:
        return _checked_index(index)
    starts = [pd.Index(frame["start"]) for frame in frames if len(frame)]
    ends = [pd.Index(frame["end"]) for frame in frames if len(frame)]
    if not starts:
        return pd.Index(frames[0]["start"])
    if all(isinstance(part, pd.PeriodIndex) for part in starts + ends):
        return pd.period_range(min(s.min() for s in starts), max(e.max() for e in ends))
    if all(pd.api.types.is_integer_dtype(part) for part in starts + ends):
        return pd.RangeIndex(min(s.min() for s in starts), max(e.max() for e in ends) + 1)
    raise ValueError(
        f"Events between {starts[0].dtype} do not say how many points lie between: give index, "
        "that of the series."
    )


def _common_line(a, b):
    """Every start and end of two tables, sorted."""
    ends = [pd.Index(frame[c]) for frame in (a, b) if len(frame) for c in ("start", "end")]
    if not ends:
        return pd.Index(a["start"])
    zone = getattr(ends[0], "tz", None)
    if zone is not None:
        ends = [e if getattr(e, "tz", None) is None else e.tz_convert(zone) for e in ends]
    try:
        return ends[0].append(ends[1:]).unique().sort_values()
    except TypeError as error:
        raise ValueError(f"labelled and found cannot be compared: {error}.") from error


def _stamps(index, name):
    """Labels as points in time, of periods their beginnings."""
    if isinstance(index, pd.PeriodIndex):
        return index.to_timestamp()
    if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        return index
    raise ValueError(
        f"{name} is a time, and events are at {index.dtype}, not in time. Give a number of points."
    )


def _length(given, name):
    """A number of points, int, or a Timedelta; not below 0."""
    if isinstance(given, Integral) and not isinstance(given, (bool, np.timedelta64)):
        length, least = int(given), 0
    else:
        length, least = _time(given), pd.Timedelta(0)
    if length is None:
        raise ValueError(
            f"{name} must be a number of points or a time such as '2h', got {given!r}."
        )
    if length < least:
        raise ValueError(f"{name} must be at least 0, got {given}.")
    return length


def _time(given):
    """A Timedelta, or None for what is none."""
    if isinstance(given, (bool, float)):
        return None
    try:
        found = pd.Timedelta(given)
    except (TypeError, ValueError):
        return None
    return None if pd.isna(found) else found


def _column(events, column, name):
    if column not in events.columns:
        raise ValueError(f"{name} needs the column {column!r}, which events has not.")
    return events[column].to_numpy(dtype=float, na_value=np.nan)


def _checked(events, name):
    """Events with rows numbered from 0, that have a start and an end not before it."""
    if not isinstance(events, pd.DataFrame) or not {"start", "end"} <= set(events.columns):
        has = f"columns {list(events.columns)}" if isinstance(events, pd.DataFrame) else ""
        raise ValueError(
            f"{name} must be a DataFrame with columns start and end, got "
            f"{has or type(events).__name__}."
        )
    events = events.reset_index(drop=True)
    missing = events["start"].isna() | events["end"].isna()
    if missing.any():
        raise ValueError(f"{name} has no start or no end in row {int(missing.argmax())}.")
    try:
        turned = events["start"] > events["end"]
    except TypeError as error:
        raise ValueError(f"{name} has start and end of two kinds: {error}.") from error
    if turned.any():
        row = int(turned.argmax())
        raise ValueError(
            f"{name} has an end before its start in row {row}: "
            f"{format_time(events['start'][row])} to {format_time(events['end'][row])}."
        )
    return events


def _checked_index(index):
    """An index that increases without repeats, of labels that are all there."""
    index = pd.Index(index) if not isinstance(index, pd.Index) else index
    if isinstance(index, pd.MultiIndex):
        raise ValueError("index must be that of one series, got a MultiIndex.")
    if index.hasnans:
        raise ValueError(f"index has no label (NaN) at position {int(index.isna().argmax())}.")
    if index.is_monotonic_increasing and index.is_unique:
        return index
    bad = np.flatnonzero(index[1:] <= index[:-1])[0] + 1
    raise ValueError(
        f"index must increase without repeats, but {format_time(index[bad])} comes after "
        f"{format_time(index[bad - 1])}. Sort it, and keep one row each."
    )


def _flags(labels, index):
    """Labels as (n,) bool."""
    try:
        values = pd.array(labels).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"labels must be (n,) of true and false: {error}.") from error
    if len(values) != len(index):
        raise ValueError(f"labels has {len(values)} points, and index {len(index)}.")
    bad = (values != 0) & (values != 1)
    if bad.any():
        place = int(bad.argmax())
        what = "missing (NaN)" if np.isnan(values[place]) else f"{values[place]:g}"
        raise ValueError(
            f"labels must be true or false, got {what} at {format_time(index[place])} "
            f"(position {place})."
        )
    return values == 1
