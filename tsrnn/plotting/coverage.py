"""CoverageDisplay: observed coverage of intervals against their nominal coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.parameters import naming, validated
from tsrnn.plotting.checks import (
    ARGUMENTS,
    FORECASTER,
    as_intervals,
    as_series,
    forecasts_of,
    interval_levels,
)
from tsrnn.plotting.style import (
    BLUE,
    background,
    blend,
    foreground,
    format_axes,
    legend_style,
    new_axes,
    set_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tsrnn.forecasting import Backtest


class CoverageDisplay:
    """Plot of the observed coverage of intervals against the nominal one.

    On the diagonal intervals are calibrated; below it they are too narrow, above it too wide.

    Parameters
    ----------
    nominal, observed : (n_levels,) sequence of float
        Probabilities of the intervals, and shares of values inside them, between 0 and 1.
    by_series : (n_series, n_levels) array, optional
        The shares of each series, drawn as faint dots.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        The axes drawn on.
    line_, diagonal_, series_line_ : Line2D
        Observed coverage; diagonal; dots of the series, None without ``by_series``.

    See Also
    --------
    tsrnn.backtest : Makes what it draws.
    tsrnn.forecasting.coverage : The coverage of given intervals.

    Examples
    --------
    >>> from tsrnn.plotting import CoverageDisplay
    >>> display = CoverageDisplay([0.5, 0.8, 0.95], [0.45, 0.71, 0.9]).plot()
    >>> display.line_.get_ydata().tolist()
    [45.0, 71.0, 90.0]
    """

    def __init__(self, nominal: Sequence[float], observed: Sequence[float], by_series: Any = None):
        with naming("nominal"):
            levels = np.atleast_1d(np.asarray(nominal, dtype=float))
        order = np.argsort(levels)
        self.nominal = levels[order]
        self.observed = _shares(observed, "observed", levels.shape)[order]
        self.by_series = None
        if by_series is not None:
            shape = (len(by_series), levels.size)
            self.by_series = _shares(by_series, "by_series", shape)[:, order]
        _shares(levels, "nominal", (levels.size,))

    @classmethod
    @validated(ARGUMENTS, forecaster=FORECASTER)
    def from_backtest(
        cls,
        backtest: Backtest,
        *,
        coverage: float | Sequence[float] | None = None,
        forecaster: str | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> CoverageDisplay:
        """Plot the coverage of a backtest's intervals, with a dot for each series of a panel.

        Parameters
        ----------
        backtest : Backtest
            What :func:`tsrnn.backtest` returns, with ``coverage`` given: for a line, several.
        coverage : float or sequence of float, optional
            Intervals to plot; by default all of the backtest.
        forecaster : str, optional
            Name of the forecaster whose intervals they are; by default the first.
        ax, figsize, title
            As in :meth:`plot`.

        Raises
        ------
        ValueError
            If ``backtest`` is not a Backtest or has no such intervals.

        Examples
        --------
        >>> from tsrnn import RNNForecaster, backtest
        >>> from tsrnn.datasets import load_airline
        >>> from tsrnn.plotting import CoverageDisplay
        >>> results = backtest(
        ...     RNNForecaster(max_iter=2), load_airline(), n_windows=3, refit=False,
        ...     coverage=[0.5, 0.8, 0.95],
        ... )
        >>> CoverageDisplay.from_backtest(results).nominal.tolist()
        [0.5, 0.8, 0.95]
        """
        frame, _ = forecasts_of(backtest, forecaster)
        levels = interval_levels(frame, coverage)
        if not levels:
            raise ValueError(
                "The backtest has no intervals. Ask for some: "
                "backtest(forecaster, y, coverage=[0.5, 0.8, 0.95])."
            )
        inside = _inside(frame["y"], frame, levels)
        by_series = inside.groupby(frame["unique_id"], sort=False).mean().to_numpy()
        nominal = [float(level) / 100 for level in levels]
        observed = by_series.mean(axis=0)
        return cls(nominal, observed, by_series if len(by_series) > 1 else None).plot(
            ax, figsize=figsize, title=title
        )

    @classmethod
    @validated(ARGUMENTS)
    def from_predictions(
        cls,
        actual: pd.Series,
        intervals: pd.DataFrame,
        *,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> CoverageDisplay:
        """Plot the coverage of one series' intervals.

        Parameters
        ----------
        actual : Series
            Actual values at all time stamps of the intervals, or the whole series.
        intervals : DataFrame
            What ``predict_interval`` returns: ``lower_80``, ``upper_80``, a pair for each coverage.
        ax, figsize, title
            As in :meth:`plot`.

        Raises
        ------
        ValueError
            If the intervals' columns are not pairs, or ``actual`` lacks one of their time stamps.
        """
        actual = as_series(actual, "actual")
        if isinstance(intervals, pd.DataFrame):
            missing = intervals.index.difference(actual.index)
            if len(missing):
                raise ValueError(
                    f"actual ({actual.index[0]} to {actual.index[-1]}) lacks {len(missing)} time "
                    f"stamps of the intervals, {missing[0]} first. Give values for all of them."
                )
            actual = actual[actual.index.isin(intervals.index)]
        intervals, levels = as_intervals(intervals, actual)
        observed = _inside(actual, intervals, levels).mean()
        return cls([float(level) / 100 for level in levels], observed).plot(
            ax, figsize=figsize, title=title
        )

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
        **line_kw: Any,
    ) -> CoverageDisplay:
        """Draw the coverage, in percent.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw on; by default on a new figure.
        figsize : (float, float), default=(5, 5)
            Inches of a new figure.
        title : str, optional
            Title of the axes.
        **line_kw
            Properties of the line of observed coverage, as in ``Axes.plot``.
        """
        self.ax_ = ax = new_axes(figsize or (5, 5)) if ax is None else ax
        self.figure_, self.series_line_ = ax.figure, None
        drawn = self.observed if self.by_series is None else self.by_series
        least = 10 * np.floor(10 * min(self.nominal[0], drawn.min()) - 0.5)
        limits = max(-2.0, least), 102
        faint = blend(ax, foreground(ax), 0.5)
        (self.diagonal_,) = ax.plot(
            limits, limits, color=faint, linewidth=1, linestyle=(0, (4, 3)), label="as promised"
        )
        percent = 100 * self.nominal
        if self.by_series is not None:
            x, y = np.tile(percent, len(self.by_series)), 100 * self.by_series.ravel()
            dots: dict[str, Any] = {"color": blend(ax, BLUE, 0.35), "label": "each series"}
            dots |= {"marker": "o", "markersize": 4, "linestyle": "none"}
            (self.series_line_,) = ax.plot(x, y, **dots)
        style: dict[str, Any] = {"color": BLUE, "linewidth": 2, "label": "observed"}
        style |= {"marker": "o", "markersize": 6}
        (self.line_,) = ax.plot(percent, 100 * self.observed, **style | line_kw)
        coverage = pd.Series(percent, self.nominal, name="observed coverage (%)")
        format_axes(ax, coverage, legend=False)
        self._format(ax, limits, faint)
        set_title(ax, title)
        return self

    def _format(self, ax, limits, faint):
        from matplotlib.ticker import MaxNLocator

        ax.set(xlim=limits, ylim=limits, aspect="equal")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        text = blend(ax, foreground(ax), 0.85)
        ax.set_xlabel("nominal coverage (%)", color=text)
        corner = {"transform": ax.transAxes, "fontsize": "small", "color": faint, "zorder": 1.8}
        corner["bbox"] = {"facecolor": background(ax), "edgecolor": "none", "pad": 2}
        ax.text(0.97, 0.05, "intervals too narrow", ha="right", **corner)
        ax.text(0.03, 0.7, "intervals too wide", **corner)
        ax.legend(loc="upper left", **legend_style(ax))


def _inside(actual, intervals, levels):
    """1 where a value is inside the interval, else 0, a column per level; NaN for missing."""
    columns = {}
    for level in levels:
        inside = actual.between(intervals[f"lower_{level}"], intervals[f"upper_{level}"])
        columns[level] = inside.astype(float).where(actual.notna())
    return pd.DataFrame(columns)


def _shares(values, name, shape):
    with naming(name):
        values = np.asarray(values, dtype=float)
    if values.shape != shape or not ((values >= 0) & (values <= 1)).all() or not values.size:
        raise ValueError(f"{name} must be shares from 0 to 1 of shape {shape}, got {values}.")
    return values
