"""PanelForecastDisplay: forecasts of many series, a small plot for each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from tsrnn.plotting.checks import n_history_shown
from tsrnn.plotting.forecast import ForecastDisplay
from tsrnn.plotting.forecast_data import forecast_data
from tsrnn.plotting.grid import axes_grid, choose_series, label_axes
from tsrnn.plotting.panel_series import LONG_COLUMNS, PanelSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class PanelForecastDisplay:
    """Plots of a panel's forecasts, one axes a series, each as a :class:`ForecastDisplay`.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`, which draw it as well.

    Parameters
    ----------
    forecast : DataFrame or Series
        Forecasts in any form that ``RNNForecaster.predict`` gives them in: one column a series, a
        long frame, or on a MultiIndex of series and time.
    history, actual : DataFrame or Series, optional
        Observations before and after, in any of these forms, of these series or more.
    intervals : DataFrame, optional
        What ``predict_interval`` returns.
    season : int, default=1
        Entries of a season: at least three are shown of the history by default.
    ids : label or list of labels, optional
        Series to draw; by default the first twelve.
    columns : tuple of str, default=("unique_id", "ds", "y")
        Columns of ids, times and values of long frames.

    Attributes
    ----------
    displays : dict
        For each series its ForecastDisplay, with the lines and bands.
    axes_ : dict
        For each series its Axes.
    figure_ : Figure
        What was drawn on.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.plotting import PanelForecastDisplay
    >>> days = pd.date_range("2024-01-01", periods=6)
    >>> y = pd.DataFrame({"shop": range(6), "kiosk": range(6, 0, -1)}, index=days)
    >>> display = PanelForecastDisplay.from_predictions(y[4:] + 0.5, history=y[:4], actual=y)
    >>> [ax.get_title(loc="left") for ax in display.figure_.axes]
    ['shop', 'kiosk']
    >>> display.displays["kiosk"].forecast_line_.get_ydata()
    array([2.5, 1.5])
    """

    def __init__(
        self,
        forecast: Any,
        *,
        history: Any = None,
        intervals: Any = None,
        actual: Any = None,
        season: int = 1,
        ids: Any = None,
        columns: tuple[str, str, str] = LONG_COLUMNS,
    ):
        parts = PanelSeries(forecast, "forecast", columns)
        labels = choose_series(ids, parts.labels)
        self.n_more = len(parts.labels) - len(labels) if ids is None else 0
        forecasts = {label: parts.series(label) for label in labels}
        names = {series.name for series in forecasts.values()}
        # A wide frame's are called as themselves, and "y" says nothing.
        self.target = names.pop() if len(names) == 1 and not names <= {*labels, "y"} else None
        histories = _series_of(history, "history", labels, columns)
        actuals = _series_of(actual, "actual", labels, columns, times=forecasts)
        bounds = None if intervals is None else PanelSeries(intervals, "intervals", columns)
        self.displays = {}
        for label, series in forecasts.items():
            try:
                self.displays[label] = ForecastDisplay(
                    series.rename(None), history=histories.get(label), actual=actuals.get(label),
                    intervals=None if bounds is None else bounds.bounds(label), season=season,
                )  # fmt: skip
            except ValueError as error:
                raise ValueError(f"Series {label!r}: {error}") from error

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
    ) -> PanelForecastDisplay:
        """Plot what a fitted forecaster predicts, series by series.

        Parameters
        ----------
        forecaster : RNNForecaster
            Fitted.
        horizon, X : optional
            As in ``RNNForecaster.predict``.
        coverage : float or sequence of float, default=(0.8, 0.95)
            Probabilities of the intervals; None or empty for no intervals.
        actual, n_history, ids, n_cols, ax
            As in :meth:`from_predictions`.

        Returns
        -------
        PanelForecastDisplay
            Drawn.

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
        >>> from tsrnn.plotting import PanelForecastDisplay
        >>> y = load_airline()
        >>> panel = y.to_frame("flown").assign(driven=1000 - y)
        >>> forecaster = RNNForecaster(horizon=12, max_iter=2).fit(panel[:-12])
        >>> display = PanelForecastDisplay.from_estimator(forecaster, actual=panel)
        >>> list(display.axes_)
        ['flown', 'driven']
        """
        made = forecast_data(forecaster, horizon, X, coverage)
        display = cls(**made.panel(), actual=actual, ids=ids)
        return display.plot(ax, n_history=n_history, n_cols=n_cols)

    @classmethod
    def from_predictions(
        cls,
        forecast: Any,
        *,
        history: Any = None,
        intervals: Any = None,
        actual: Any = None,
        season: int = 1,
        ids: Any = None,
        columns: tuple[str, str, str] = LONG_COLUMNS,
        n_history: int | None = None,
        n_cols: int | None = None,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> PanelForecastDisplay:
        """Plot forecasts that were made before, by whatever method.

        Parameters
        ----------
        forecast, history, intervals, actual, season, ids, columns
            As in :class:`PanelForecastDisplay`.
        n_history : int, optional
            Last entries of each history to show; by default four horizons or three seasons.
        n_cols : int, optional
            Axes in a row; by default three, or two where there are four series.
        ax : Axes or sequence of Axes, optional
            Where to draw, one axes a series; by default on a new figure.

        Returns
        -------
        PanelForecastDisplay
            Drawn.

        Raises
        ------
        ValueError
            If ``ids`` has an unknown series, indexes do not fit together, or intervals' columns are
            no pairs; the message names the series.
        ImportError
            If matplotlib is not installed.
        """
        display = cls(
            forecast, history=history, intervals=intervals, actual=actual, season=season, ids=ids,
            columns=columns,
        )  # fmt: skip
        return display.plot(ax, n_history=n_history, n_cols=n_cols)

    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        n_history: int | None = None,
        n_cols: int | None = None,
        forecast_kw: dict[str, Any] | None = None,
        history_kw: dict[str, Any] | None = None,
        actual_kw: dict[str, Any] | None = None,
    ) -> PanelForecastDisplay:
        """Draw it all.

        Parameters
        ----------
        ax, n_history, n_cols
            As in :meth:`from_predictions`.
        forecast_kw, history_kw, actual_kw : dict, optional
            Properties of the lines, as in ``Axes.plot``. The bands take the forecast's colour.

        Returns
        -------
        PanelForecastDisplay
            Itself.

        Raises
        ------
        ValueError
            If ``n_history`` or ``n_cols`` is no whole number above 0, or ``ax`` are not as many as
            series.
        ImportError
            If matplotlib is not installed.
        """
        style = {"forecast_kw": forecast_kw, "history_kw": history_kw, "actual_kw": actual_kw}
        n_history_shown(n_history, 1, 1)  # refused before a figure is opened
        axes = axes_grid(len(self.displays), n_cols, ax)
        self.axes_: dict[Hashable, Axes] = dict(zip(self.displays, axes, strict=True))
        self.figure_ = axes[0].figure
        for label, display in self.displays.items():
            display.plot(self.axes_[label], n_history=n_history, legend=False, **style)
        label_axes(self.axes_, self.n_more, ax is None, self.target)
        return self


def _series_of(data, name, labels, columns, times=None):
    """Those of the series that ``data`` has, of ``times`` only those that share one with them."""
    if data is None:
        return {}
    parts = PanelSeries(data, name, columns)
    found = {label: parts.series(label) for label in labels if label in parts.labels}
    if not found:
        raise ValueError(
            f"{name} has none of the series {labels}, but {parts.labels[:10]}. Give it the "
            "forecast's labels; say which are a long frame's columns by columns."
        )
    shared = {
        label: series
        for label, series in found.items()
        if times is None or series.index.isin(times[label].index).any()
    }
    return shared or found  # of which the first is refused
