"""BacktestDisplay: forecasts from past origins, and the actual values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.parameters import validated
from tsrnn.plotting.checks import (
    ARGUMENTS,
    FORECASTER,
    as_series,
    forecasts_of,
    interval_levels,
    n_history_shown,
)
from tsrnn.plotting.grid import axes_grid, choose_series, label_axes
from tsrnn.plotting.panel_series import LONG_COLUMNS, PanelSeries
from tsrnn.plotting.style import (
    BLUE,
    blend,
    draw_bands,
    draw_curve,
    foreground,
    format_axes,
    x_positions,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from tsrnn.forecasting import Backtest

_MAX_MARKED_ORIGINS = 16  # marked by vertical lines; more would hatch the plot


class BacktestDisplay:
    """Plot of a backtest: the actual values over the forecasts from each origin, with intervals.

    Parameters
    ----------
    backtest : Backtest
        What :func:`tsrnn.backtest` returns.
    y : Series or DataFrame, optional
        The backtested series, in any form: adds the values before the first origin and those
        between forecasts that leave a gap.
    ids : label or list of labels, optional
        Series of a panel to draw; by default the first twelve.
    coverage : float or sequence of float, optional
        Intervals to draw; by default all of the backtest, with () none.
    columns : tuple of str, default=("unique_id", "ds", "y")
        Columns of ids, times and values of ``y`` as a long frame.
    forecaster : str, optional
        Name of the forecaster whose forecasts are drawn; by default the first.

    Attributes
    ----------
    figure_, axes_, actual_lines_ : Figure, dict
        Axes, and Line2D of the actual values, by series; the label of a single series is 0.
    forecast_lines_, bands_ : dict
        By series lists, one item per origin: Line2D; dicts of bands by coverage in percent.

    See Also
    --------
    tsrnn.backtest : Makes what it draws.
    RankingDisplay : Forecasters by their errors.
    HorizonErrorDisplay : Errors by the step ahead.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, backtest
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.plotting import BacktestDisplay
    >>> y = load_airline()
    >>> results = backtest(RNNForecaster(max_iter=2), y, n_windows=3, refit=False, coverage=0.8)
    >>> display = BacktestDisplay.from_backtest(results, y=y)
    >>> len(display.forecast_lines_[0])
    3
    """

    @validated(ARGUMENTS, forecaster=FORECASTER)
    def __init__(
        self,
        backtest: Backtest,
        *,
        y: Any = None,
        ids: Any = None,
        coverage: float | Sequence[float] | None = None,
        columns: tuple[str, str, str] = LONG_COLUMNS,
        forecaster: str | None = None,
    ):
        forecasts, self.forecaster = forecasts_of(backtest, forecaster)
        self.is_only = not backtest.has_prefixes  # of the networks
        self.levels = interval_levels(forecasts, coverage)
        codes, labels = pd.factorize(forecasts["unique_id"])
        labels = labels.tolist()
        self.is_single = labels == [0]
        wanted = labels if self.is_single and ids is None else choose_series(ids, labels)
        self.n_more = len(labels) - len(wanted) if ids is None else 0
        self.season = backtest.season
        self.forecasts = {label: forecasts[codes == labels.index(label)] for label in wanted}
        self.actual = {label: _actual(frame) for label, frame in self.forecasts.items()}
        self.target = None
        if y is not None:
            panel = PanelSeries(y, "y", columns)
            for label, known in self.actual.items():
                self.actual[label] = _backtested_series(panel, label, known)
            if self.is_single:
                self.target = self.actual[0].name

    @classmethod
    @validated(ARGUMENTS, forecaster=FORECASTER)
    def from_backtest(
        cls,
        backtest: Backtest,
        *,
        y: Any = None,
        ids: Any = None,
        coverage: float | Sequence[float] | None = None,
        columns: tuple[str, str, str] = LONG_COLUMNS,
        forecaster: str | None = None,
        n_history: int | None = None,
        n_cols: int | None = None,
        ax: Axes | Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> BacktestDisplay:
        """Plot the forecasts of a backtest; parameters are those of the class and of :meth:`plot`.

        Raises ValueError if ``backtest`` is not a Backtest, ``ids`` has an unknown series,
        ``coverage`` or ``forecaster`` is not in the backtest, or ``y`` lacks a series or is not
        what was backtested.
        """
        display = cls(
            backtest, y=y, ids=ids, coverage=coverage, columns=columns, forecaster=forecaster
        )
        return display.plot(ax, n_history=n_history, n_cols=n_cols, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        n_history: int | None = None,
        n_cols: int | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
        forecast_kw: dict[str, Any] | None = None,
        actual_kw: dict[str, Any] | None = None,
    ) -> BacktestDisplay:
        """Draw the backtest.

        Parameters
        ----------
        ax, n_cols
            As in :meth:`PanelForecastDisplay.from_predictions`.
        n_history : int, optional
            Entries of ``y`` before the first origin; by default four horizons or three seasons.
        figsize : (float, float), optional
            Inches of a new figure.
        title : str, optional
            Title of the figure, above all axes.
        forecast_kw, actual_kw : dict, optional
            Properties of the lines, as in ``Axes.plot``. The bands take the forecasts' colour.

        Raises
        ------
        ValueError
            If ``n_history`` or ``n_cols`` is no positive integer, or ``ax`` not one axes per
            series.
        """
        n_history_shown(n_history, 1, self.season)  # raises before a figure is opened
        axes = axes_grid(len(self.forecasts), n_cols, ax, figsize)
        self.axes_: dict[Hashable, Axes] = dict(zip(self.forecasts, axes, strict=True))
        self.figure_ = axes[0].figure
        self.actual_lines_: dict[Hashable, Line2D] = {}
        self.forecast_lines_: dict[Hashable, list[Line2D]] = {}
        self.bands_: dict[Hashable, list[dict]] = {}
        for label, series_ax in self.axes_.items():
            self._draw_actual(series_ax, label, n_history, actual_kw or {})
            self._draw_forecasts(series_ax, label, forecast_kw or {})
            format_axes(series_ax, self.actual[label].rename(self.target), legend=False)
        titled: dict[Hashable, Axes] = {None: axes[0]} if self.is_single else self.axes_
        label_axes(titled, self.n_more, ax is None, title=title)
        return self

    def _draw_forecasts(self, ax, label, style):
        lines, bands, forecasts = [], [], self.forecasts[label]
        name = "forecasts" if self.is_only else f"forecasts ({self.forecaster})"
        base = {"color": BLUE, "linewidth": 1.8, "label": name}
        if forecasts["ds"].duplicated().any():  # mark the start of forecasts that overlap
            base |= {"marker": "o", "markersize": 4, "markevery": [0]}
        for _, window in forecasts.groupby("cutoff"):
            window = window.set_index("ds")
            base["label"] = "" if lines else name
            lines.append(draw_curve(ax, window["forecast"], base | style))
            drawn = draw_bands(ax, window, self.levels, lines[-1].get_color())
            for band in drawn.values() if bands else ():
                band.set_label("")
            bands.append(drawn)
        self.forecast_lines_[label], self.bands_[label] = lines, bands

    def _draw_actual(self, ax, label, n_history, style):
        forecasts, actual = self.forecasts[label], self.actual[label]
        cutoffs = pd.Index(forecasts["cutoff"].unique()).sort_values()
        n_history = n_history_shown(n_history, len(forecasts) // len(cutoffs), self.season)
        first = actual.index.searchsorted(cutoffs[0], side="right")
        shown = actual.iloc[max(0, first - n_history) :]
        # Above the forecasts, and thinner: what is true is seen wherever it is known.
        base = {"color": foreground(ax), "linewidth": 1.1, "label": "actual", "zorder": 2.5}
        self.actual_lines_[label] = draw_curve(ax, shown, base | style)
        if len(cutoffs) <= _MAX_MARKED_ORIGINS:
            line = {"color": blend(ax, foreground(ax), 0.6), "linewidth": 0.8, "zorder": 1.9}
            firsts = pd.Index(forecasts.groupby("cutoff")["ds"].min().reindex(cutoffs))
            before, after = x_positions(cutoffs), x_positions(firsts)
            for x in before + (after - before) / 2:  # between an origin and its first forecast
                ax.axvline(x, linestyle=(0, (2, 3)), **line)


def _actual(forecasts):
    """Actual values, with a gap (NaN) at each origin whose own value was not forecast."""
    known = forecasts.drop_duplicates("ds").set_index("ds")["y"].sort_index()
    gaps = pd.Index(forecasts["cutoff"].unique()).difference(known.index)
    gaps = gaps[gaps > known.index[0]]
    return pd.concat([known, pd.Series(np.nan, gaps)]).sort_index() if len(gaps) else known


def _backtested_series(panel, label, known):
    """The series that was backtested, up to the last forecast."""
    name = panel.labels[0] if label == 0 and len(panel.labels) == 1 else label
    if name not in panel.labels:
        raise ValueError(
            f"y has no series {label!r}, but {panel.labels[:10]}. Give what was backtested; say "
            "which are a long frame's columns by columns."
        )
    y = as_series(panel.series(name), "y", like=known)
    common = known.dropna()
    values = y.reindex(common.index)
    if not np.allclose(values, common):
        time = common.index[~np.isclose(values, common)][0]
        raise ValueError(
            f"y is not what was backtested: at {time} it has {values.loc[time]:g}, the backtest "
            f"{common.loc[time]:g}. Give the same series."
        )
    return y.loc[: common.index[-1]]
