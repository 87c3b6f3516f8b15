"""What a detector says of a series, and the events in it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from tsrnn.anomaly.events import events_from_labels
from tsrnn.data import ChannelSeries

_LINES = 200  # below the threshold, down to the median


@dataclasses.dataclass(frozen=True)
class Scored:
    """What a detector says of a series.

    Attributes
    ----------
    score : (n,) array
        How strange the stretch is that a point stands in, the higher the stranger; NaN where
        nothing is known.
    surprise : (n,) array, optional
        How strange each point is by itself, by which events are narrowed.
    parts : (n, n_channels) array, optional
        What each channel adds to the square of it.
    expected, spread : (n, n_channels) arrays, optional
        What was expected, in the unit of the series, and by how much that usually errs.
    """

    score: np.ndarray
    surprise: np.ndarray | None = None
    parts: np.ndarray | None = None
    expected: np.ndarray | None = None
    spread: np.ndarray | None = None


def found_events(
    track: ChannelSeries, one: Scored, runs: np.ndarray, channels: list, back: int = 0
) -> pd.DataFrame:
    """The events of a series.

    Parameters
    ----------
    track, one : ChannelSeries, Scored
        The series, and what is said of it.
    runs : (n_runs, 2) int array
        Of points whose scores are high: the first, and the one after the last.
    channels : list
        Names.
    back : int
        How far before a score is high its reason may lie.

    Returns
    -------
    DataFrame
        As ``AnomalyDetector.detect`` says, with ``alarm``, the first point of a run.
    """
    index = track.axis.index
    spans = runs
    if one.surprise is not None:
        spans = np.array([_narrowed(one, max(a - back, 0), b) for a, b in runs], int).reshape(-1, 2)
    marks = np.zeros(len(index) + 1, int)
    np.add.at(marks, spans.T, [[1], [-1]])
    flags = marks[:-1].cumsum() > 0
    events, whole = events_from_labels(flags, index), runs_of(flags)
    own = np.searchsorted(whole[:, 0], spans[:, 0], side="right") - 1  # narrowed ones may touch
    severity, alarms = np.full(len(whole), -np.inf), np.full(len(whole), len(index))
    np.maximum.at(severity, own, [np.nanmax(one.score[a:b]) for a, b in runs])
    np.minimum.at(alarms, own, runs[:, 0])
    ranked = one.score if one.surprise is None else one.surprise
    ranked = np.where(np.isnan(ranked), -np.inf, ranked)
    peaks = np.array([a + ranked[a:b].argmax() for a, b in whole], int)
    events = events.assign(severity=severity, peak=index.take(peaks))
    events["alarm"] = index.take(alarms)
    if one.parts is None:
        return events
    return _with_channels(events, track, one, whole, peaks, channels)


def _narrowed(one, first, end):
    """An event's first strange point and the one after its last."""
    surprise = one.surprise[first:end]
    # Half way from what is usual to what is strangest, as a ratio.
    most = np.nanmax(surprise)
    line = min(np.sqrt(np.nanmedian(one.surprise) * most), most)
    strange = first + np.flatnonzero(surprise >= line)
    return strange[0], strange[-1] + 1


def runs_of(flags: np.ndarray) -> np.ndarray:
    """First points of stretches that are flagged, and the ones after their last, (n_runs, 2)."""
    return np.flatnonzero(np.diff(flags, prepend=False, append=False)).reshape(-1, 2)


def with_fainter(runs: np.ndarray, score: np.ndarray, n_most: int) -> np.ndarray:
    """Runs, and where they are less than so many, those above lower and lower lines."""
    known = score[~np.isnan(score)]
    for line in np.quantile(known, np.linspace(1, 0.5, _LINES)) if known.size else ():
        if len(runs) >= n_most:
            break
        below = runs_of(score > line)
        holds = [((runs[:, 0] < end) & (runs[:, 1] > first)).any() for first, end in below]
        runs = np.concatenate([runs, below[~np.array(holds, bool)]])
    return runs[np.argsort(runs[:, 0], kind="stable")]


def _with_channels(events, track, one, runs, peaks, channels):
    """Events with what was seen and expected at their peaks, and each channel's share."""
    shares = [shares_of(np.nansum(one.parts[a:b], axis=0)) for a, b in runs]
    shares = np.array(shares).reshape(-1, len(channels))
    strangest = shares.argmax(axis=1)
    if len(channels) > 1:
        events["channel"] = [channels[k] for k in strangest]
    if one.expected is not None:
        events["seen"] = track.values[peaks, strangest]
        events["expected"] = one.expected[peaks, strangest]
    if len(channels) > 1:
        for k, channel in enumerate(channels):
            events[f"share_{channel}"] = shares[:, k]
    return events


def shares_of(parts: np.ndarray) -> np.ndarray:
    """What part of a sum each channel has; equal ones where there is none."""
    total = parts.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, parts / total, 1 / parts.shape[-1])
