"""HorizonErrorDisplay: errors by the number of steps ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.parameters import StrOptions, Text, validated
from tsrnn.plotting.backtest_metrics import (
    METRICS,
    check_defined,
    errors_by,
    forecaster_styles,
    metric_label,
)
from tsrnn.plotting.checks import ARGUMENTS, backtest_forecasts
from tsrnn.plotting.style import draw_curve, format_axes, legend_style, new_axes, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tsrnn.forecasting import Backtest

_MAX_MARKED_STEPS = 30  # more are drawn without markers
_FAR = 2.5  # times the next largest error: lines that reach so far leave the axes


class HorizonErrorDisplay:
    """Plot of the error at each step ahead, of each forecaster of a backtest.

    A line that reaches 2.5 times as far up as all better ones leaves the axes, so that these can be
    told apart; the legend says how far it goes.

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

    See Also
    --------
    tsrnn.backtest : Makes what it draws.
    RankingDisplay : Forecasters by their errors.

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
        cls,
        backtest: Backtest,
        metric: str = "MAE",
        *,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> HorizonErrorDisplay:
        """Plot the errors of a backtest.

        Parameters
        ----------
        backtest : Backtest
            What :func:`tsrnn.backtest` returns.
        metric : {"MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE", "WAPE", "bias"}, default="MAE"
            Error, averaged as ``Backtest.metrics`` does.
        ax, figsize, title
            As in :meth:`plot`.

        Raises
        ------
        ValueError
            If ``backtest`` is no Backtest, or ``metric`` is unknown or undefined, as MAPE is at 0.
        """
        errors = errors_by_step(backtest, metric)
        return cls(errors, metric).plot(ax, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
        **line_kw: Any,
    ) -> HorizonErrorDisplay:
        """Draw the errors.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw on; by default on a new figure.
        figsize : (float, float), default=(8, 4)
            Inches of a new figure.
        title : str, optional
            Title of the axes.
        **line_kw
            Properties of all lines, as in ``Axes.plot``.
        """
        self.ax_ = ax = new_axes(figsize or (8, 4)) if ax is None else ax
        self.figure_, self.lines_ = ax.figure, {}
        marked = len(self.errors) <= _MAX_MARKED_STEPS
        names = [str(name) for name in self.errors]
        peaks = np.abs(self.errors).max().to_numpy()
        limit = _limit(peaks)
        for (name, errors), base, peak in zip(
            self.errors.items(), forecaster_styles(names), peaks, strict=True
        ):
            above = f" (up to {peak:.3g})" if peak > limit else ""
            style = base | {"label": str(name).replace("_", " ") + above, "markersize": 4.5}
            if not marked:
                style.pop("marker")
            self.lines_[name] = draw_curve(ax, errors, style | line_kw)
        first = self.errors.iloc[:, 0].rename(metric_label(self.metric))
        format_axes(ax, first.rename_axis("step ahead"), legend=False)
        # Right of the axes, where it covers no line.
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.02), "borderaxespad": 0}
        ax.legend(**legend_style(ax) | place)
        ax.margins(x=0.02)  # room for the markers
        if self.metric == "bias":
            ax.axhline(0, color=ax.xaxis.label.get_color(), linewidth=0.8, zorder=1.9)
        else:
            ax.set_ylim(bottom=0)
        if np.isfinite(limit):
            ax.set_ylim(top=1.05 * limit)
            if self.metric == "bias":
                ax.set_ylim(bottom=-1.05 * limit)
        set_title(ax, title)
        return self


def errors_by_step(backtest: Backtest, metric: str) -> pd.DataFrame:
    """Errors at each step ahead, as ``Backtest.metrics`` has them; a column for each forecaster."""
    check_defined(backtest, backtest_forecasts(backtest), metric)
    errors = errors_by(backtest, "horizon", metric)
    return errors.set_axis(pd.RangeIndex(1, len(errors) + 1, name="step"))


def _limit(peaks):
    """The largest error that is not far above all smaller ones; inf if none is far above."""
    ordered = np.sort(peaks[np.isfinite(peaks)])
    if ordered.size < 3:
        return np.inf
    is_far = ordered[2:] > _FAR * ordered[1:-1]
    return ordered[1 + int(is_far.argmax())] if is_far.any() and ordered[1] > 0 else np.inf
