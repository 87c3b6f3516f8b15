"""Errors of forecasts in groups of rows: of all, of each series, origin, step or static value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import listed
from tsrnn.forecasting import metrics
from tsrnn.parameters import Constraint

POINT_METRICS = ("MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE", "WAPE", "bias")
PERCENT_METRICS = ("MAPE", "sMAPE", "WAPE")
Metric = str | Callable[[np.ndarray, np.ndarray], float]


class MetricOptions(Constraint):
    """Names in ``POINT_METRICS``, functions of (actual, forecast), lists of both, dicts by name."""

    def accepts(self, value: Any) -> bool:
        if isinstance(value, dict):
            return bool(value) and all(map(_is_metric, value.values()))
        if isinstance(value, (list, tuple)):
            return bool(value) and all(map(_is_metric, value))
        return _is_metric(value)

    def __str__(self) -> str:
        names = ", ".join(map(repr, POINT_METRICS))
        return f"one of {names}, a function of (actual, forecast), or a list or dict of these"


def _is_metric(value):
    if isinstance(value, str):
        return value in POINT_METRICS
    return callable(value) and not isinstance(value, type)


def named_metrics(chosen: Any) -> dict[str, Metric]:
    """Metrics by the names of their columns: those of functions are the functions' names."""
    if isinstance(chosen, Mapping):
        return {str(name): metric for name, metric in chosen.items()}
    several = chosen if isinstance(chosen, (list, tuple)) else [chosen]
    return {
        each if isinstance(each, str) else getattr(each, "__name__", str(each)): each
        for each in several
    }


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Observed rows of a backtest, in groups, and within these in cells of one series each.

    Errors are averaged over the rows of a cell, then over the cells of a group, so that all series
    of a group count the same.
    """

    frame: pd.DataFrame  # with the columns unique_id, cutoff, ds and y, without missing y
    actual: np.ndarray
    groups: np.ndarray  # (n_rows,) group of each row
    cells: np.ndarray  # (n_rows,) cell of each row
    cell_groups: np.ndarray  # (n_cells,) group of each cell
    cell_series: np.ndarray  # (n_cells,) series of each cell
    n_groups: int

    @classmethod
    def of(cls, frame: pd.DataFrame, series: np.ndarray, groups: np.ndarray) -> Rows:
        """Rows of ``frame``, with the number of the series and of the group of each."""
        n_series = series.max() + 1
        keys, cells = np.unique(groups * n_series + series, return_inverse=True)
        actual = frame["y"].to_numpy(dtype=float)
        cell_groups, cell_series = np.divmod(keys, n_series)
        return cls(frame, actual, groups, cells, cell_groups, cell_series, int(groups.max()) + 1)

    def cell_mean(self, values: np.ndarray | float) -> np.ndarray:
        """Mean of each cell."""
        return _mean(values, self.cells, self.cell_groups.size)

    def group_mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of each group over its cells; of no cell NaN."""
        return _mean(values, self.cell_groups, self.n_groups)

    def pooled_mean(self, values: np.ndarray | float) -> np.ndarray:
        """Mean of each group over its rows."""
        return _mean(values, self.groups, self.n_groups)


def _mean(values, codes, n):
    with np.errstate(invalid="ignore", over="ignore"):
        return np.bincount(codes, values, n) / np.bincount(codes, minlength=n)


def point_score(
    metric: Metric, rows: Rows, forecast: np.ndarray, scales: Mapping[str, np.ndarray]
) -> np.ndarray:
    """A score of each group, (n_groups,), of forecasts (n_rows,).

    ``scales`` are those of each series, by metric, that errors are divided by.
    """
    if callable(metric):
        return rows.group_mean(_by_cell(metric, rows, forecast))
    actual, error = rows.actual, forecast - rows.actual
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if metric == "WAPE":
            return 100 * rows.pooled_mean(np.abs(error)) / rows.pooled_mean(np.abs(actual))
        if metric == "sMAPE":
            errors = metrics.smape(actual, forecast, axis=())
        elif metric == "MAPE":
            errors = np.where(actual == 0, np.nan, 100 * np.abs(error) / np.abs(actual))
        elif metric == "bias":
            errors = error
        else:
            errors = error**2 if metric in ("RMSE", "RMSSE") else np.abs(error)
        means = rows.cell_mean(errors)
        if metric in scales:
            means = means / scales[metric][rows.cell_series]
        return rows.group_mean(np.sqrt(means) if metric in ("RMSE", "RMSSE") else means)


def _by_cell(metric, rows, forecast):
    """A function's value of each cell."""
    order = np.argsort(rows.cells, kind="stable")
    bounds = np.searchsorted(rows.cells[order], np.arange(1, rows.cell_groups.size))
    pairs = zip(
        np.split(rows.actual[order], bounds), np.split(forecast[order], bounds), strict=True
    )
    return np.array([float(metric(*pair)) for pair in pairs])


def spread_scores(rows: Rows, columns: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Scores of intervals and quantiles, each (n_groups,), pooled over the rows of groups.

    ``columns`` are those of the frame by their plain names, such as "lower_80".
    """
    actual, scores, losses = rows.actual, {}, {}

    def values(name):
        return rows.frame[columns[name]].to_numpy()

    for column in columns:
        kind, _, percent = column.partition("_")
        if kind == "lower":
            lower, upper = values(column), values(f"upper_{percent}")
            inside = metrics.coverage(actual, lower, upper, axis=())
            scores[f"coverage_{percent}"] = rows.pooled_mean(inside)
            score = metrics.interval_score(actual, lower, upper, float(percent) / 100, axis=())
            scores[f"interval_score_{percent}"] = rows.pooled_mean(score)
        elif kind == "quantile":
            loss = metrics.pinball(actual, values(column), float(percent) / 100, axis=())
            losses[f"pinball_{percent}"] = rows.pooled_mean(loss)
    if losses:  # the mean is that of crps_from_quantiles
        scores |= losses | {"CRPS": 2 * np.mean(list(losses.values()), axis=0)}
    return scores


def zeros_note(rows: Rows, target: Hashable) -> str:
    """Words on where actual values are 0, so that MAPE is not defined; "" where none is."""
    zeros = rows.frame[rows.actual == 0].drop_duplicates(["unique_id", "ds"])
    if not len(zeros):
        return ""
    ids = zeros["unique_id"].unique().tolist()
    of_series = "" if ids == [0] else f" of the series {listed(ids)}"
    return (
        f"MAPE is not defined (NaN) where {target} is 0, which has no percentage: at "
        f"{len(zeros)} of its values{of_series}, the first at {zeros['ds'].iloc[0]}. Take WAPE, "
        "sMAPE or MASE."
    )


def group_codes(keys: Sequence[tuple[pd.Series, bool]]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Number of the group of each row, and by key the labels of the groups.

    Of each key the values of rows, and whether groups are sorted by them; else they are in order of
    appearance.
    """
    codes, uniques = np.zeros(len(keys[0][0]), np.int64), []
    for values, is_sorted in keys:
        numbers, labels = pd.factorize(values, sort=is_sorted, use_na_sentinel=False)
        codes = codes * len(labels) + numbers
        uniques.append(labels)
    found, groups = np.unique(codes, return_inverse=True)
    labels = []
    for unique in reversed(uniques):
        found, places = np.divmod(found, len(unique))
        labels.insert(0, unique.take(places) if hasattr(unique, "take") else unique[places])
    return groups, labels
