"""ForecastDisplay: a forecast with its history, its intervals and what came true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from tsrnn.plotting.checks import as_intervals, as_series, n_history_shown
from tsrnn.plotting.forecast_data import forecast_data
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
    from matplotlib.axes import Axes

    from tsrnn.plotting.panel import PanelForecastDisplay

_MOST_DOTS = 60  # actual values that dots still tell apart; more are drawn as a line


class ForecastDisplay:
    """Plot of a forecast after its history, with intervals and with what came true.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`, which draw it as well.

    Parameters
    ----------
    forecast : Series
        The forecast, on a DatetimeIndex, PeriodIndex or an index of numbers. Like the others it
        may be a DataFrame of one column.
    history : Series, optional
        Observations before the forecast, on an index of the same kind.
    intervals : DataFrame, optional
        Columns ``lower_80``, ``upper_80``, a pair for each coverage in percent, on the forecast's
        index: what ``predict_interval`` returns.
    actual : Series, optional
        What was observed later. Only the part at the forecast's time stamps is used.
    season : int, default=1
        Entries of a season: at least three are shown of the history by default.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        What was drawn on.
    forecast_line_, history_line_, actual_line_ : Line2D
        The curves; None for what was not given.
    bands_ : dict
        For each coverage in percent the PolyCollection of its band, widest first.
    start_line_ : Line2D
        The vertical hint between history and forecast; None without a history.

    Examples
    --------
    >>> from tsrnn import seasonal_naive
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.plotting import ForecastDisplay
    >>> y = load_airline()
    >>> display = ForecastDisplay.from_predictions(
    ...     seasonal_naive(y[:-12], horizon=12), history=y[:-12], actual=y
    ... )
    >>> display.figure_.savefig("forecast.png")  # doctest: +SKIP
    >>> display.ax_.get_ylabel()
    'passengers'
    """

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
        self.history, self.actual, self.intervals, self.levels = None, None, None, []
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

    @classmethod
    def from_estimator(
        cls,
        forecaster: Any,
        horizon: int | None = None,
        X: Any = None,
        *,
        actual: Any = None,
        coverage: float | Sequence[float] | None = (0.8, 0.95),
        n_history: int | None = None,
        ids: Any = None,
        n_cols: int | None = None,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> ForecastDisplay | PanelForecastDisplay:
        """Plot what a fitted forecaster predicts.

        Parameters
        ----------
        forecaster : RNNForecaster
            Fitted, to one series or to a panel.
        horizon, X : optional
            As in ``RNNForecaster.predict``.
        actual : Series or DataFrame, optional
            What was observed later; all that was observed will do.
        coverage : float or sequence of float, default=(0.8, 0.95)
            Probabilities of the intervals; None or empty for no intervals.
        n_history : int, optional
            Last entries of the history to show; by default four horizons or three seasons.
        ids, n_cols : optional
            Of a panel, as in :meth:`PanelForecastDisplay.from_predictions`.
        ax : Axes, optional
            Where to draw; by default on a new figure. Of a panel one for each series.

        Returns
        -------
        ForecastDisplay or PanelForecastDisplay
            Drawn; of a panel the latter, with a plot for each series.

        Raises
        ------
        NotFittedError
            If the forecaster is not fitted.
        ValueError
            If ``forecaster`` is none, it refuses ``horizon`` or ``coverage``, or ``ids`` has an
            unknown series.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> from tsrnn.plotting import ForecastDisplay
        >>> y = load_airline()
        >>> forecaster = RNNForecaster(horizon=12, max_iter=2).fit(y[:-12])
        >>> display = ForecastDisplay.from_estimator(forecaster, actual=y)
        >>> list(display.bands_)
        ['95', '80']
        """
        made = forecast_data(forecaster, horizon, X, coverage)
        if made.is_panel:
            from tsrnn.plotting.panel import PanelForecastDisplay

            panel = PanelForecastDisplay(**made.panel(), actual=actual, ids=ids)
            return panel.plot(ax, n_history=n_history, n_cols=n_cols)
        display = cls(**made.lone(actual, ids))
        return display.plot(ax, n_history=n_history)

    @classmethod
    def from_predictions(
        cls,
        forecast: pd.Series | pd.DataFrame,
        *,
        history: pd.Series | pd.DataFrame | None = None,
        intervals: pd.DataFrame | None = None,
        actual: pd.Series | pd.DataFrame | None = None,
        season: int = 1,
        n_history: int | None = None,
        ax: Axes | None = None,
    ) -> ForecastDisplay:
        """Plot a forecast that was made before, by whatever method.

        Parameters
        ----------
        forecast, history, intervals, actual, season
            As in :class:`ForecastDisplay`.
        n_history : int, optional
            Last entries of the history to show; by default four horizons or three seasons.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        ForecastDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the indexes do not fit together, or the intervals' columns are no pairs.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import pandas as pd
        >>> from tsrnn.plotting import ForecastDisplay
        >>> forecast = pd.Series([4.0, 5.0], pd.period_range("2024", periods=2, freq="Y"))
        >>> bounds = pd.DataFrame({"lower_90": [3, 3.5], "upper_90": [5, 6.5]}, forecast.index)
        >>> display = ForecastDisplay.from_predictions(forecast, intervals=bounds)
        >>> display.forecast_line_.get_ydata()
        array([4., 5.])
        """
        display = cls(forecast, history=history, intervals=intervals, actual=actual, season=season)
        return display.plot(ax, n_history=n_history)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        n_history: int | None = None,
        forecast_kw: dict[str, Any] | None = None,
        history_kw: dict[str, Any] | None = None,
        actual_kw: dict[str, Any] | None = None,
        legend: bool = True,
    ) -> ForecastDisplay:
        """Draw it all.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default on a new figure.
        n_history : int, optional
            Last entries of the history to show; by default four horizons or three seasons.
        forecast_kw, history_kw, actual_kw : dict, optional
            Properties of the lines, as in ``Axes.plot``. The bands take the forecast's colour.
        legend : bool, default=True
            Draw a legend.

        Returns
        -------
        ForecastDisplay
            Itself.

        Raises
        ------
        ValueError
            If ``n_history`` is no whole number above 0.
        ImportError
            If matplotlib is not installed.
        """
        n_history = n_history_shown(n_history, len(self.forecast), self.season)
        shown = None if self.history is None else self.history.iloc[-n_history:]
        self.ax_ = ax = new_axes() if ax is None else ax
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
            if len(self.actual) <= _MOST_DOTS:
                style |= {"linestyle": "none", "marker": "o", "markersize": 5}
                style |= {"markeredgecolor": background(ax), "markeredgewidth": 0.8}
            self.actual_line_ = draw_curve(ax, self.actual, style | (actual_kw or {}))
        self.bands_ = {}
        if self.intervals is not None:
            color = self.forecast_line_.get_color()
            self.bands_ = draw_bands(ax, self.intervals, self.levels, color)
        format_axes(ax, self.forecast, legend)
        return self
