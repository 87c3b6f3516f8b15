"""Data of an anomaly plot: scores, events and labels of one series, aligned with its time axis."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.anomaly.labels import on_axis
from tsrnn.data import ChannelPanel, ChannelSeries, format_time
from tsrnn.data.interop import to_pandas
from tsrnn.parameters import naming

_MAX_CHANNELS = 6  # drawn by default
_COLUMNS = ("score", "threshold", "anomaly", "expected", "lower", "upper", "share")


def explained_frame(explained: Any, panel: ChannelPanel) -> pd.DataFrame:
    """Scores and other columns for each row of y."""
    if isinstance(explained, (np.ndarray, list, tuple)):
        explained = pd.Series(np.asarray(explained, dtype=float))
    elif not isinstance(explained, (pd.Series, pd.DataFrame)):
        explained = to_pandas(explained, "explained")
    elif panel.index is not None and not explained.index.equals(panel.index):
        raise ValueError(
            f"explained ({len(explained)} rows) must have the index of y ({panel.n_rows} rows), in "
            "that order: what detector.explain(y) returns."
        )
    if isinstance(explained, pd.Series):
        explained = explained.to_frame("score")
    if "score" not in explained:
        raise ValueError(
            f"explained must have a column 'score', got {explained.columns.tolist()[:10]}. Give "
            "what detector.explain(y) returns."
        )
    if len(explained) != panel.n_rows:
        raise ValueError(f"explained has {len(explained)} rows, and y {panel.n_rows}.")
    return explained


def explained_on_axis(explained: pd.DataFrame, series: ChannelSeries) -> pd.DataFrame:
    """The columns of ``explain`` at the times of a series."""
    columns = {
        name: on_axis(column, series)
        for name, column in explained.items()
        if str(name).partition("_")[0] in _COLUMNS
    }
    return pd.DataFrame(columns, series.axis.index)


def choose_series(label: Hashable, panel: ChannelPanel, scores: np.ndarray) -> ChannelSeries:
    """The series of a label; for None the one with the highest score."""
    if label is None:
        highest = [np.nan_to_num(on_axis(scores, s), nan=-np.inf).max() for s in panel]
        return panel.all_series[int(np.argmax(highest))]
    if panel.ids == [None]:
        raise ValueError(f"series chooses one of a panel, and y is one series; got {label!r}.")
    for series in panel:
        if series.label == label:
            return series
    more = f" and {len(panel) - 10} more" if len(panel) > 10 else ""
    raise ValueError(f"series is {label!r}, which is none of {panel.ids[:10]}{more}.")


def channel_shares(explained: pd.DataFrame, channels: Iterable) -> np.ndarray | None:
    """Share of each channel in the score, (n, n_channels); None if unknown."""
    names = [f"share_{channel}" for channel in channels]
    if len(names) == 1 or not set(names) <= set(explained):
        return None
    return explained[names].to_numpy(float)


@naming("channels")
def choose_channels(
    requested: Any, channels: list, explained: pd.DataFrame, is_detected: np.ndarray
) -> list:
    """The requested channels; for None all, or the most anomalous in the order of columns."""
    if requested is None:
        if len(channels) <= _MAX_CHANNELS:
            return channels
        strongest = _strongest_channels(channels, explained, is_detected)
        return [channel for channel in channels if channel in strongest]
    requested = requested.tolist() if hasattr(requested, "tolist") else requested
    is_label = isinstance(requested, str) or not isinstance(requested, Iterable)
    is_label = is_label or requested in channels
    requested = [requested] if is_label else list(dict.fromkeys(requested))
    unknown = [channel for channel in requested if channel not in channels]
    if unknown or not requested:
        what = f"has {unknown[0]!r}, which is none of them" if unknown else "is empty"
        more = f" and {len(channels) - 10} more" if len(channels) > 10 else ""
        raise ValueError(f"channels {what}. Choose among {channels[:10]}{more}.")
    return requested


def _strongest_channels(channels, explained, is_detected):
    shares = channel_shares(explained, channels)
    if shares is None:
        return channels[:_MAX_CHANNELS]
    rows = is_detected if is_detected.any() else np.ones(len(explained), bool)
    weights = np.square(explained["score"].to_numpy(float))[:, None]
    order = np.argsort(-np.nansum((weights * shares)[rows], axis=0), kind="stable")
    return [channels[k] for k in order[:_MAX_CHANNELS]]


def time_slice(index: pd.Index, start: Any, end: Any) -> slice:
    """Positions from one label to another, both inclusive."""
    try:
        shown = index.slice_indexer(start, end)
    except (TypeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"start={start!r} and end={end!r} must be labels of the index of y, such as "
            f"{format_time(index[0])}: {reason}"
        ) from None
    if shown.stop <= shown.start:
        raise ValueError(
            f"Nothing lies between start={start!r} and end={end!r}: y reaches from "
            f"{format_time(index[0])} to {format_time(index[-1])}."
        )
    return shown
