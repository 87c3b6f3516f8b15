"""Scores of a series, and the table of its events."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.anomaly.event_tables import event_frame, runs_of, timestamps
from tsrnn.data import ChannelSeries

_N_LINES = 200  # lower lines tried, from the highest score down to the median


@dataclasses.dataclass(frozen=True)
class SeriesScores:
    """Scores of one series, higher is more anomalous; parts that a detector lacks are None."""

    score: np.ndarray  # anomaly score of each point, smoothed over time, (n,); NaN where unknown
    point_score: np.ndarray | None = None  # of points by themselves, to locate events, (n,)
    channel_score: np.ndarray | None = None  # contributions to its square, (n, n_channels)
    expected: np.ndarray | None = None  # values in the unit of the series, (n, n_channels)
    spread: np.ndarray | None = None  # typical errors of expected values, (n, n_channels)


def are_near(ends: np.ndarray, firsts: np.ndarray, min_gap: Any, index: pd.Index) -> np.ndarray:
    """Whether less than ``min_gap`` lies between the ends of runs and the firsts of later ones.

    Positions, ends one past the last; the gap is a number of points, or a Timedelta from the last
    point of one to the first of the next.
    """
    if isinstance(min_gap, int):
        return firsts - ends < min_gap
    stamps = timestamps(index, "min_gap")
    last = np.maximum(ends - 1, 0)
    return np.asarray(stamps.take(firsts) - stamps.take(last) < min_gap)


def event_table(
    series: ChannelSeries,
    scores: SeriesScores,
    runs: np.ndarray,
    channels: list,
    lag: int = 0,
    min_gap: Any = 0,
) -> pd.DataFrame:
    """Events of a series, as returned by ``AnomalyDetector.detect``, with ``alarm``.

    ``runs`` of high scores are (n_runs, 2): first position, and one past the last. An event may
    start up to ``lag`` steps before its run. Those with less than ``min_gap`` between them, a
    number of points or a Timedelta, are one.
    """
    index = series.axis.index
    spans = runs
    if scores.point_score is not None:
        trimmed = [_trimmed(scores, max(first - lag, 0), end) for first, end in runs]
        spans = np.array(trimmed, int).reshape(-1, 2)
    changes = np.zeros(len(index) + 1, int)
    np.add.at(changes, spans.T, [[1], [-1]])
    merged = runs_of(changes[:-1].cumsum() > 0)
    merged = _joined(merged, are_near(merged[:-1, 1], merged[1:, 0], min_gap, index))
    events = event_frame(index, merged[:, 0], merged[:, 1] - 1)
    event_of_run = np.searchsorted(merged[:, 0], spans[:, 0], side="right") - 1
    severity, alarms = np.full(len(merged), -np.inf), np.full(len(merged), len(index))
    maxima = [np.nanmax(scores.score[first:end]) for first, end in runs]
    np.maximum.at(severity, event_of_run, maxima)
    np.minimum.at(alarms, event_of_run, runs[:, 0])
    ranked = scores.score if scores.point_score is None else scores.point_score
    ranked = np.where(np.isnan(ranked), -np.inf, ranked)
    peaks = np.array([first + ranked[first:end].argmax() for first, end in merged], int)
    events = events.assign(severity=severity, peak=index.take(peaks))
    events["alarm"] = index.take(alarms)
    if scores.channel_score is None:
        return events
    return _with_channels(events, series, scores, merged, peaks, channels)


def _trimmed(scores, first, end):
    """A run cut to its first and last anomalous point, as a first position and an end."""
    point_score = scores.point_score[first:end]
    # The geometric mean of the median and the maximum separates normal from anomalous points.
    highest = np.nanmax(point_score)
    line = min(np.sqrt(np.nanmedian(scores.point_score) * highest), highest)
    # Points that score 0, as all those of a constant series, are no part of an event.
    anomalous = first + np.flatnonzero((point_score >= line) & ((point_score > 0) | ~(highest > 0)))
    return anomalous[0], anomalous[-1] + 1


def with_lower_runs(
    runs: np.ndarray, score: np.ndarray, n_events: int, min_gap: Any, index: pd.Index
) -> np.ndarray:
    """Runs, topped up by runs above ever lower lines until they make ``n_events``, if possible.

    A lower run that is nearer than ``min_gap`` to a higher one is a part of its event.
    """
    known = score[~np.isnan(score)]
    for line in np.quantile(known, np.linspace(1, 0.5, _N_LINES)) if known.size else ():
        near = are_near(runs[:-1, 1], runs[1:, 0], min_gap, index)
        if len(runs) - near.sum() >= n_events:
            break
        lower = [run for run in runs_of(score > line) if not _is_near(run, runs, min_gap, index)]
        runs = np.concatenate([runs, np.array(lower, int).reshape(-1, 2)])
        runs = runs[np.argsort(runs[:, 0], kind="stable")]
    return runs


def _joined(runs, near):
    """Runs, where each that is near the next one is joined with it."""
    starts, ends = np.append(True, ~near), np.append(~near, True)
    return np.column_stack([runs[starts[: len(runs)], 0], runs[ends[: len(runs)], 1]])


def _is_near(run, others, min_gap, index):
    """Whether a run overlaps with one of the others, or is near one."""
    before, after = others[others[:, 1] <= run[0]], others[others[:, 0] >= run[1]]
    if len(before) + len(after) < len(others):
        return True
    ends, firsts = before[-1:, 1], after[:1, 0]
    return bool(
        are_near(ends, run[:1], min_gap, index).any()
        or are_near(run[1:], firsts, min_gap, index).any()
    )


def _with_channels(events, series, scores, runs, peaks, channels):
    """Events with the actual and expected value at the peak, and the share of each channel."""
    totals = [np.nansum(scores.channel_score[first:end], axis=0) for first, end in runs]
    shares = channel_shares(np.array(totals).reshape(-1, len(channels)))
    strongest = shares.argmax(axis=1)
    if len(channels) > 1:
        events["channel"] = [channels[k] for k in strongest]
    if scores.expected is not None:
        events["seen"] = series.values[peaks, strongest]
        events["expected"] = scores.expected[peaks, strongest]
    if len(channels) > 1:
        for k, channel in enumerate(channels):
            events[f"share_{channel}"] = shares[:, k]
    return events


def channel_shares(channel_score: np.ndarray) -> np.ndarray:
    """Share of each channel (last axis) in the sum; equal shares where the sum is 0."""
    total = channel_score.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, channel_score / total, 1 / channel_score.shape[-1])
