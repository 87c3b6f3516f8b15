"""Weights of observations and of series in the loss of a forecaster."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import Collection, Location, format_time
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.fitter import Split
from tsrnn.forecasting.hierarchies import Names, read_table
from tsrnn.training import windows_in_memory


def read_weights(
    forecaster: ForecasterBase, sample_weight: Any, collection: Collection
) -> np.ndarray:
    """Weights of the values of series, (n_values,); DataError if one is missing or negative.

    ``sample_weight`` has one for each series, by its label, or one for each value, in a form of
    series.
    """
    where, ids, axes = Location("sample_weight"), collection.ids, collection.axes
    if isinstance(sample_weight, Mapping):
        sample_weight = pd.Series(sample_weight)
    is_series = isinstance(sample_weight, pd.Series)
    if is_series and sample_weight.index.nlevels == 1 and ids != [None]:
        of_series = sample_weight.reindex(pd.Index(ids)).to_numpy(np.float64, na_value=np.nan)
        parts = [np.full(len(axis.index), w) for axis, w in zip(axes, of_series, strict=True)]
    else:
        if is_series and sample_weight.index.nlevels == 1:
            sample_weight = sample_weight.to_frame("y")
        names = Names(forecaster.id_column, forecaster.time_column, forecaster.target_column)
        columns = getattr(sample_weight, "columns", ())
        is_single = names.time in columns and names.id not in columns
        if is_single and isinstance(sample_weight, pd.DataFrame):
            sample_weight = sample_weight.set_index(names.time)
        table = read_table(sample_weight, names, "sample_weight")
        numbers = {label: k for k, label in enumerate(table.labels)}
        rows = next(iter(table.columns.values()))
        parts = []
        for label, axis in zip(ids, axes, strict=True):
            number = 0 if label is None else numbers.get(label)
            places = table.rows.get_indexer(axis.index)
            known = np.full(len(places), np.nan) if number is None else rows[number][places]
            parts.append(np.where(places < 0, np.nan, known))
    for label, axis, part in zip(ids, axes, parts, strict=True):
        bad = ~((part >= 0) & (part < np.inf))
        if bad.any():
            row = int(bad.argmax())
            raise Location("sample_weight", label).error(
                f"is missing, negative or infinite at {format_time(axis.index[row])}",
                "Give a weight of 0 or more for each series, or for each value of y.",
                row=axis.index[row],
            )
    weights = np.concatenate(parts)
    if not weights.any():
        raise where.error("is 0 for all of y", "Give some of it a weight.")
    return weights


def window_weights(weights: np.ndarray, lookback: int, n_ahead: int) -> np.ndarray:
    """Weight of the window that begins at each value: the mean of the values it forecasts.

    Near the end, where no window begins, it is that of fewer values.
    """
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    firsts = np.minimum(np.arange(weights.size) + lookback, weights.size)
    ends = np.minimum(firsts + n_ahead, weights.size)
    means = (sums[ends] - sums[firsts]) / n_ahead
    counts = np.concatenate([[0], np.cumsum(weights > 0)])
    return np.where(counts[ends] > counts[firsts], means, 0.0)  # exactly, without rounding


def weighted_splits(splits: list[Split], weights: np.ndarray) -> list[Split]:
    """Splits without the windows that have no weight; ValueError if none is left to train on."""
    kept = []
    for split in splits:
        parts = map(windows_in_memory, (split.training, split.validation, split.whole))
        kept.append(Split(*(windows[weights[windows] > 0] for windows in parts)))
        if split.training.size and not kept[-1].training.size:
            raise ValueError(
                "sample_weight is 0 for all steps that a network would be trained to forecast. "
                "Give some of them a weight, or leave their series out."
            )
    return kept
