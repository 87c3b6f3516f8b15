"""Forecasts that need no fit: the last value, the last season, a line, the mean."""

from collections.abc import Callable

import numpy as np

from tsrnn.forecasting.backtesting.block import Block


def simple_forecasts(name: str, block: Block) -> np.ndarray:
    """Forecasts of one of ``SIMPLE``, (n_series, n_origins, horizon)."""
    return SIMPLE[name](block)


def _seasonal_naive(block):
    """The value at the same place in the last season; the first where a series is shorter."""
    panel, steps = block.collection.panel, np.arange(block.horizon)
    firsts = panel.indptr[:-1, None, None]
    places = firsts + block.ends[:, :, None] - block.season + steps % block.season
    return panel.values[np.maximum(places, firsts)]


def _naive(block):
    """The last value."""
    panel = block.collection.panel
    lasts = panel.values[panel.indptr[:-1, None] + block.ends - 1]
    return np.repeat(lasts[:, :, None], block.horizon, axis=2)


def _drift(block):
    """The line through the first and the last value (Hyndman & Athanasopoulos 2021, sec. 5.2)."""
    panel, firsts = block.collection.panel, block.collection.panel.indptr[:-1, None]
    last, first = panel.values[firsts + block.ends - 1], panel.values[firsts]
    slope = (last - first) / (block.ends - 1)
    return last[:, :, None] + slope[:, :, None] * (1 + np.arange(block.horizon))


def _mean(block):
    """The mean of all observed values."""
    panel, targets, means = block.collection.panel, block.collection.targets, []
    for first, end, ends in zip(panel.indptr[:-1], panel.indptr[1:], block.ends, strict=True):
        values = targets[first:end]
        n_observed = np.cumsum(~np.isnan(values))
        means.append((np.nancumsum(values) / n_observed)[ends - 1])
    return np.repeat(np.array(means)[:, :, None], block.horizon, axis=2)


SIMPLE: dict[str, Callable[[Block], np.ndarray]] = {
    "seasonal_naive": _seasonal_naive,
    "naive": _naive,
    "drift": _drift,
    "mean": _mean,
}
