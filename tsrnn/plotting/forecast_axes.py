"""ForecastAxes: one series' forecast, history, intervals and actual values, drawn on one axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS, as_intervals, as_series, n_history_shown
from tsrnn.plotting.style import (
    BLUE,
    background,
    draw_bands,
    draw_curve,
    foreground,
    format_axes,
    new_axes,
    x_positions,
)

if TYPE_CHECKING:
    from typing import Self


_MAX_DOTS = 60  # actual values drawn as dots; more are drawn as a line


class ForecastAxes:
    """A forecast of one series and how it is drawn; see :class:`ForecastDisplay`."""

    @validated(ARGUMENTS)
    def __init__(
        self,
        forecast: pd.Series | pd.DataFrame,
        *,
        history: pd.Series | pd.DataFrame | None = None,
        intervals: pd.DataFrame | None = None,
        actual: pd.Series | pd.DataFrame | None = None,
        season: int = 1,
    ):
        self.forecast = as_series(forecast, "forecast")
        self.season = season
        self.history = self.actual = self.intervals = None
        self.levels: list[str] = []
        first = self.forecast.index[0]
        if history is not None:
            self.history = as_series(history, "history", like=self.forecast)
            last = self.history.index[-1]
            if last >= first:
                raise ValueError(
                    f"history reaches to {last}, but the forecast starts at {first}. Give what "
                    "came later as actual."
                )
        if actual is not None:
            actual = as_series(actual, "actual", like=self.forecast)
            self.actual = actual[actual.index.isin(self.forecast.index)]
            if self.actual.empty:
                raise ValueError(
                    f"actual ({actual.index[0]} to {actual.index[-1]}) has no time stamp of the "
                    f"forecast ({first} to {self.forecast.index[-1]})."
                )
        if intervals is not None:
            self.intervals, self.levels = as_intervals(intervals, self.forecast)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Any = None,
        *,
        n_history: int | None = None,
        forecast_kw: dict[str, Any] | None = None,
        history_kw: dict[str, Any] | None = None,
        actual_kw: dict[str, Any] | None = None,
        legend: bool = True,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> Self:
        """Draw the forecast.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw on; by default on a new figure.
        n_history : int, optional
            Last entries of the history to show; by default four horizons or three seasons.
        forecast_kw, history_kw, actual_kw : dict, optional
            Properties of the lines, as in ``Axes.plot``. The bands take the forecast's colour.
        legend : bool, default=True
            Draw a legend.
        figsize : (float, float), optional
            Inches of a new figure.
        title : str, optional
            Title of the axes.

        Raises
        ------
        ValueError
            If ``n_history`` is not a positive integer.
        """
        n_history = n_history_shown(n_history, len(self.forecast), self.season)
        shown = None if self.history is None else self.history.iloc[-n_history:]
        self.ax_ = ax = new_axes(figsize or (9, 4)) if ax is None else ax
        self.figure_, dark = ax.figure, foreground(ax)
        self.history_line_ = self.actual_line_ = self.start_line_ = None
        if shown is not None:
            style = {"color": dark, "linewidth": 1.5, "label": "history"} | (history_kw or {})
            self.history_line_ = draw_curve(ax, shown, style)
            before, after = x_positions(shown.index)[-1], x_positions(self.forecast.index)[0]
            self.start_line_ = ax.axvline(
                before + (after - before) / 2, color=dark, linewidth=0.8, linestyle=(0, (2, 3))
            )
        style = {"color": BLUE, "linewidth": 2.2, "label": "forecast"} | (forecast_kw or {})
        self.forecast_line_ = draw_curve(ax, self.forecast, style)
        if self.actual is not None:
            style = {"color": dark, "linewidth": 1, "label": "actual"}
            if len(self.actual) <= _MAX_DOTS:
                style |= {"linestyle": "none", "marker": "o", "markersize": 5}
                style |= {"markeredgecolor": background(ax), "markeredgewidth": 0.8}
            self.actual_line_ = draw_curve(ax, self.actual, style | (actual_kw or {}))
        self.bands_ = {}
        if self.intervals is not None:
            color = self.forecast_line_.get_color()
            self.bands_ = draw_bands(ax, self.intervals, self.levels, color)
        format_axes(ax, self.forecast, legend, title)
        return self
