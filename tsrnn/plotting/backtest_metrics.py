"""What displays of a backtest's errors share: metrics, where they are defined, and styles."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.plotting.style import BLUE, GREEN, PURPLE, VERMILION

if TYPE_CHECKING:
    from tsrnn.forecasting import Backtest

METRICS = ("MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE", "WAPE", "bias")
_STYLES = {
    "RNNForecaster": {"color": BLUE, "marker": "o"},
    "seasonal_naive": {"color": VERMILION, "marker": "s"},
    "drift": {"color": GREEN, "marker": "^"},
}
# Styles of other forecasts, in turn: the rest of Okabe & Ito's colours for the colour-blind (2008),
# then darker and paler ones. Beyond these the colours repeat, with other markers.
_COLORS = PURPLE, "#56b4e9", "#e69f00", "#30343f", "#882255", "#b8a900", "#8c8f99", "#6a3d9a"
_MARKERS = "D", "v", "P", "X", "<", ">", "p", "h", "d"


def forecaster_styles(names: Sequence[str]) -> list[dict[str, Any]]:
    """A style of lines for each forecaster; the first is in front, and bold."""
    styles, others = [], zip(itertools.cycle(_COLORS), itertools.cycle(_MARKERS), strict=True)
    free = names[0] not in _STYLES and "RNNForecaster" not in names
    for k, name in enumerate(names):
        if name in _STYLES:
            style = _STYLES[name]
        elif k == 0 and free:
            style = _STYLES["RNNForecaster"]
        else:
            color, marker = next(others)
            style = {"color": color, "marker": marker}
        front = {"linewidth": 2.2, "zorder": 3} if k == 0 else {"linewidth": 1.4, "zorder": 2.5}
        styles.append(style | front)
    return styles


def metric_label(metric: str) -> str:
    """Name of a metric with its unit, if that is percent."""
    return f"{metric} (%)" if metric in ("MAPE", "sMAPE", "WAPE") else metric


def check_defined(backtest: Backtest, frame: pd.DataFrame, metric: str) -> None:
    """Refuse a metric that is not defined for a series, and forecasts that are missing."""
    codes, labels = pd.factorize(frame["unique_id"])
    actual, n_series = frame["y"].to_numpy(dtype=float), len(labels)
    observed = ~np.isnan(actual)
    for name in backtest.forecasters:
        lacking = codes[observed & np.isnan(frame[name].to_numpy(dtype=float))]
        if lacking.size:
            raise ValueError(f"{name} is missing (NaN) for series {labels[lacking[0]]!r}.")
    undefined, reason = np.zeros(n_series, bool), ""
    if metric == "MAPE":
        undefined = np.bincount(codes, actual == 0, n_series) > 0
        reason = "is 0 at times, which has no percentage"
    elif metric in ("MASE", "RMSSE"):
        undefined = np.isnan(backtest.scales)
        reason = "does not change from season to season, or is too short, before the first origin"
    if undefined.any():
        n_more = undefined.sum() - 1
        more = f", and {n_more} more series" if n_more else ""
        raise ValueError(
            f"{metric} is not defined: series {labels[undefined.argmax()]!r} {reason}{more}. Take "
            "MAE, RMSE or sMAPE."
        )


def errors_by(backtest: Backtest, by: str | None, metric: str) -> pd.DataFrame:
    """Errors of each group, or in one row of all, a column for each forecaster."""
    table = backtest.metrics(by=by, metrics=metric)
    if not isinstance(table, pd.DataFrame):
        table = table.to_pandas()
    values = table[metric].to_numpy().reshape(-1, len(backtest.forecasters))
    return pd.DataFrame(values, columns=list(backtest.forecasters))
