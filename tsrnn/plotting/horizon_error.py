"""HorizonErrorDisplay: errors by the number of steps ahead."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.parameters import StrOptions, Text, validated
from tsrnn.plotting.checks import ARGUMENTS, backtest_forecasts
from tsrnn.plotting.style import BLUE, GREEN, PURPLE, VERMILION, draw_curve, format_axes, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tsrnn.forecasting import Backtest

METRICS = ("MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE")
_STYLES = {
    "RNNForecaster": {"color": BLUE, "marker": "o", "linewidth": 2.2},
    "seasonal_naive": {"color": VERMILION, "marker": "s", "linewidth": 1.4},
    "drift": {"color": GREEN, "marker": "^", "linewidth": 1.4},
}
# Styles of other forecasts, in turn: Okabe & Ito's colours for the colour-blind (2008).
_OTHER_STYLES = [
    {"color": color, "marker": marker, "linewidth": 1.4}
    for color, marker in ((PURPLE, "D"), ("#56b4e9", "v"), ("#e69f00", "P"), ("#30343f", "X"))
]
_MAX_MARKED_STEPS = 30  # more are drawn without markers


class HorizonErrorDisplay:
    """Plot of the error at each step ahead, of the network and of the baselines.

    Parameters
    ----------
    errors : DataFrame
        A column for each forecast, a row for each step ahead.
    metric : str
        Name of the error.

    Attributes
    ----------
    ax_, figure_, lines_ : Axes, Figure, dict
        The axes drawn on; the Line2D of each forecast.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, backtest
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.plotting import HorizonErrorDisplay
    >>> results = backtest(RNNForecaster(max_iter=2), load_airline(), n_windows=3, refit=False)
    >>> display = HorizonErrorDisplay.from_backtest(results, "MASE")
    >>> list(display.lines_)
    ['RNNForecaster', 'seasonal_naive', 'drift']
    """

    @validated(metric=[Text()])
    def __init__(self, errors: pd.DataFrame, metric: str):
        if not isinstance(errors, pd.DataFrame) or errors.empty:
            raise ValueError(
                f"errors must be a DataFrame with a column for each forecast, got {errors!r}."
            )
        self.errors, self.metric = errors, metric

    @classmethod
    @validated(ARGUMENTS, metric=[StrOptions(METRICS)])
    def from_backtest(
        cls, backtest: Backtest, metric: str = "MAE", *, ax: Axes | None = None
    ) -> HorizonErrorDisplay:
        """Plot the errors of a backtest.

        Parameters
        ----------
        backtest : Backtest
            What :func:`tsrnn.backtest` returns.
        metric : {"MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE"}, default="MAE"
            Error, averaged over origins, then over series, as ``Backtest.metrics`` does.
        ax
            As in :meth:`plot`.

        Raises
        ------
        ValueError
            If ``backtest`` is no Backtest, or ``metric`` is unknown or undefined, as MAPE is at 0.
        """
        return cls(errors_by_step(backtest, metric), metric).plot(ax)

    @validated(ARGUMENTS)
    def plot(self, ax: Axes | None = None, **line_kw: Any) -> HorizonErrorDisplay:
        """Draw the errors.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw on; by default on a new figure.
        **line_kw
            Properties of all lines, as in ``Axes.plot``.
        """
        self.ax_ = ax = new_axes((7, 4)) if ax is None else ax
        self.figure_, self.lines_ = ax.figure, {}
        marked = len(self.errors) <= _MAX_MARKED_STEPS
        others = itertools.cycle(_OTHER_STYLES)
        for name, errors in self.errors.items():
            base = _STYLES[name] if name in _STYLES else next(others)
            style = base | {"label": str(name).replace("_", " ")}
            style |= {"markersize": 4.5, "zorder": 3 if name == "RNNForecaster" else 2.5}
            if not marked:
                style.pop("marker")
            self.lines_[name] = draw_curve(ax, errors, style | line_kw)
        unit = " (%)" if self.metric in ("MAPE", "sMAPE") else ""
        ax.set_ylim(bottom=0)
        first = self.errors.iloc[:, 0].rename(f"{self.metric}{unit}")
        format_axes(ax, first.rename_axis("step ahead"))
        ax.margins(x=0.02)  # room for the markers
        return self


def errors_by_step(backtest: Backtest, metric: str) -> pd.DataFrame:
    """Errors at each step ahead, averaged over origins, then over series; a column per forecast."""
    frame = backtest_forecasts(backtest)
    codes, labels = pd.factorize(frame["unique_id"])
    n_windows = frame.loc[codes == 0, "cutoff"].nunique()
    shape = (len(labels), n_windows, -1)  # rows are in order of series, origin, step
    actual = frame["y"].to_numpy().reshape(shape)
    others = ("unique_id", "cutoff", "ds", "y")
    bounds = ("lower_", "upper_", "quantile_")
    names = [c for c in frame if c not in others and not c.startswith(bounds)]
    _check_defined(metric, labels, actual, backtest)
    table = {}
    for name in names:
        forecast = frame[name].to_numpy().reshape(shape)
        lacking = (np.isnan(forecast) & ~np.isnan(actual)).any(axis=(1, 2))
        if lacking.any():
            raise ValueError(f"{name} is missing (NaN) for series {labels[lacking.argmax()]!r}.")
        table[name] = _mean(_error(metric, actual, forecast, backtest), axis=0)
    index = pd.RangeIndex(1, actual.shape[2] + 1, name="step")
    return pd.DataFrame(table, index)


def _check_defined(metric, labels, actual, backtest):
    undefined, reason = np.zeros(len(labels), dtype=bool), ""
    if metric == "MAPE":
        undefined, reason = (actual == 0).any(axis=(1, 2)), "is 0 at times, which has no percentage"
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


def _error(metric, actual, forecast, backtest):
    """Errors, (n_series, horizon), of forecasts, (n_series, n_origins, horizon)."""
    from tsrnn.forecasting import mae, mape, rmse, smape

    measure = {"MASE": mae, "RMSSE": rmse, "MAE": mae, "RMSE": rmse, "MAPE": mape, "sMAPE": smape}
    errors = measure[metric](actual, forecast, skip_missing=True, axis=1)
    if metric == "MASE":
        return errors / backtest.scales[:, None]
    return errors / np.sqrt(backtest.squared_scales)[:, None] if metric == "RMSSE" else errors


def _mean(values, axis):
    """Mean without missing values; NaN where all are missing."""
    n_known = (~np.isnan(values)).sum(axis=axis)
    return np.nansum(values, axis=axis) / np.where(n_known > 0, n_known, np.nan)
