"""Series with fewer values than the lookback: padded, forecast naively, left out or refused."""

import warnings
from typing import Any, Literal, Protocol, get_args

import numpy as np
import pandas as pd

from tsrnn.data import (
    Collection,
    DataError,
    Location,
    Skipped,
    affected,
    listed,
    take_series,
)
from tsrnn.kernels.sources import Source
from tsrnn.parameters import user_level

Short = Literal["pad", "naive", "drop", "raise"]
SHORT = get_args(Short)
_TREATMENTS = {
    "pad": "what the network reads of {them} is padded in front",
    "naive": "{they} forecast by the last values of {their} season",
    "drop": "{they} left out",
}
_MAX_PADDED = 10_000  # padded windows to train on
_MAX_PADDED_ROWS = 2**21  # values of these


class Reading(Protocol):
    """What has a lookback and a season: resolved parameters, or the windows of a network."""

    @property
    def lookback(self) -> int: ...

    @property
    def season(self) -> int: ...


class TooShortError(DataError):
    """Series that are too short to train a network on."""


def without_short(
    collection: Collection,
    is_short: np.ndarray,
    short: str,
    read: Reading,
    *,
    are_needed: bool = True,
) -> Collection:
    """The series to go on with, by what ``short`` says; those that it concerns are listed once.

    TooShortError if they are refused, or where series are needed if none would be left.
    """
    if not is_short.any():
        return collection
    labels = [collection.ids[k] for k in np.flatnonzero(is_short)]
    if short == "raise" or (short == "drop" and are_needed and is_short.all()):
        raise _error(collection, int(is_short.argmax()), read, affected(labels))
    warnings.warn(_warning(labels, read.lookback, short), stacklevel=user_level())
    return take_series(collection, np.flatnonzero(~is_short)) if short == "drop" else collection


def with_short_ones(
    skipped: pd.DataFrame,
    id_column: Any,
    collection: Collection,
    trained_on: Collection,
    read: Reading,
) -> pd.DataFrame:
    """The table of series that ``fit`` has skipped, with those that it left out as too short."""
    gone = set(collection.ids) - set(trained_on.ids)
    numbers = [k for k, label in enumerate(collection.ids) if label in gone]
    if not numbers:
        return skipped
    errors = [_error(collection, k, read) for k in numbers]
    short = Skipped([collection.ids[k] for k in numbers], errors).table(id_column)
    return pd.concat([skipped, short], ignore_index=True) if len(skipped) else short


def _error(collection, number, read, others=""):
    n, lookback = collection.panel.lengths[number], read.lookback
    why = f"and the network reads lookback={lookback} of them (season={read.season})"
    if n >= lookback:
        why = f"too few for a network of its own with lookback={lookback}"
    return Location(series=collection.ids[number]).error(
        f"has {n} observations, {why}{others}",
        "Leave it out, give a shorter lookback or season, or use short='pad' or 'naive'.",
        kind=TooShortError,
    )


def _warning(labels, lookback, short):
    words = {"them": "them", "they": "they are", "their": "their"}
    subject = f"{len(labels)} series have"
    if len(labels) == 1:
        words = {"them": "it", "they": "it is", "their": "its"}
        subject = "y has" if labels == [None] else "1 series has"
    treatment = f"{_TREATMENTS[short].format(**words)} (short={short!r})"
    which = "" if labels == [None] else f": {listed(labels, n=20)}"
    return f"{subject} fewer values than lookback={lookback}, so {treatment}{which}"


def is_padding(ends: np.ndarray, lookback: int) -> np.ndarray:
    """Which values of windows are padding, (n_windows, lookback), where ``ends`` are known."""
    return ends[:, None] + np.arange(-lookback, 0) < 0


def padded_windows(
    collection: Collection, lookback: int, n_ahead: int, season: int
) -> tuple[np.ndarray, np.ndarray]:
    """Windows of series shorter than the lookback to train on: their series and ends.

    Each reads the first ``ends`` values of its series, at least a season and a quarter of the
    lookback, and has observed values among the ``n_ahead`` that follow. Where there are too many
    they are thinned out.
    """
    panel = collection.panel
    least = max(season, lookback // 4, 2)
    n_windows = np.where(panel.lengths < lookback, panel.lengths - n_ahead - least + 1, 0)
    n_windows = np.maximum(n_windows, 0)
    series = np.repeat(np.arange(panel.n_series), n_windows)
    ends = least + np.arange(series.size) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    if collection.observed is not None:
        n_observed = np.concatenate([[0], np.cumsum(collection.observed)])
        firsts = panel.indptr[series] + ends
        is_known = n_observed[firsts + n_ahead] > n_observed[firsts]
        series, ends = series[is_known], ends[is_known]
    most = min(_MAX_PADDED, max(1, _MAX_PADDED_ROWS // (lookback + n_ahead)))
    if series.size > most:
        kept = np.linspace(0, series.size - 1, most).astype(int)
        series, ends = series[kept], ends[kept]
    return series, ends


def with_padded_windows(
    source: Source,
    collection: Collection,
    series: np.ndarray,
    ends: np.ndarray,
    n_ahead: int,
    marks_observed: bool,
    weights: np.ndarray | None = None,
) -> tuple[Source, np.ndarray]:
    """A source with the rows of padded windows after those of the series, and where each begins.

    With ``marks_observed`` the last channel tells which rows are none of the padding. Padding is
    never a target. ``weights`` (n_values,) are those of values in the loss.
    """
    panel, lookback = collection.panel, source.lookback
    past = panel.places_before(series, ends, lookback, source.season)
    future = (panel.indptr[series] + ends)[:, None] + np.arange(n_ahead)
    rows = source.values[np.hstack([past, future])]
    if marks_observed:
        rows[:, :lookback, -1][is_padding(ends, lookback)] = 0
    starts = len(source.values) + np.arange(len(rows)) * (lookback + n_ahead)
    values = np.concatenate([source.values, rows.reshape(-1, source.values.shape[1])])
    targets = source.targets
    if targets.size:
        padded = np.full((len(rows), lookback + n_ahead, 1), np.nan, targets.dtype)
        padded[:, lookback:] = targets[future]
        targets = np.concatenate([targets, padded.reshape(-1, 1)])
    window_weights = source.weights
    if weights is not None:
        more = np.zeros(len(values) - len(source.values))
        more[starts - len(source.values)] = weights[future].mean(axis=1)
        window_weights = np.concatenate([window_weights, more])
    return source._replace(values=values, targets=targets, weights=window_weights), starts
