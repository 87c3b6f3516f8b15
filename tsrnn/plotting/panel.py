"""PanelForecastDisplay: forecasts of many series, a small plot for each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS, n_history_shown
from tsrnn.plotting.forecast_axes import ForecastAxes
from tsrnn.plotting.forecast_data import forecast_data
from tsrnn.plotting.grid import axes_grid, choose_series, label_axes
from tsrnn.plotting.panel_series import LONG_COLUMNS, PanelSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class PanelForecastDisplay:
    """Plots of a panel's forecasts, one axes per series, each as in a ``ForecastDisplay``.

    Parameters
    ----------
    forecast : DataFrame or Series
        Forecasts in any form that ``RNNForecaster.predict`` returns: one column per series, a
        long frame, or on a MultiIndex of series and time.
    history, actual : DataFrame or Series, optional
        Observations before and after, in any of these forms, of these series or more.
    intervals : DataFrame, optional
        What ``predict_interval`` returns.
    season : int, default=1
        Entries of a season, as in :class:`ForecastDisplay`.
    ids : label or list of labels, optional
        Series to draw; by default the first twelve.
    columns : tuple of str, default=("unique_id", "ds", "y")
        Columns of ids, times and values of long frames.

    Attributes
    ----------
    figure_, axes_, displays : Figure, dict
        Axes, and plots with the attributes of a ForecastDisplay, by series.

    See Also
    --------
    tsrnn.RNNForecaster : Makes what it draws.
    ForecastDisplay : One series.

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

    @validated(ARGUMENTS)
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
        panel = PanelSeries(forecast, "forecast", columns)
        labels = choose_series(ids, panel.labels)
        self.n_more = len(panel.labels) - len(labels) if ids is None else 0
        forecasts = {label: panel.series(label) for label in labels}
        names = {series.name for series in forecasts.values()}
        # Series of a wide frame are named by their labels, and "y" is no name worth a label.
        self.target = names.pop() if len(names) == 1 and not names <= {*labels, "y"} else None
        histories = _select_series(history, "history", labels, columns)
        actuals = _select_series(actual, "actual", labels, columns, times=forecasts)
        bounds = None if intervals is None else PanelSeries(intervals, "intervals", columns)
        self.displays = {}
        for label, series in forecasts.items():
            try:
                self.displays[label] = ForecastAxes(
                    series.rename(None),
                    history=histories.get(label),
                    actual=actuals.get(label),
                    intervals=None if bounds is None else bounds.intervals(label),
                    season=season,
                )
            except ValueError as error:
                raise ValueError(f"Series {label!r}: {error}") from error

    @classmethod
    @validated(ARGUMENTS)
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
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> PanelForecastDisplay:
        """Plot the forecasts of a fitted forecaster, series by series.

        Parameters
        ----------
        forecaster, horizon, X, coverage
            As in :meth:`ForecastDisplay.from_estimator`, which also raises the same errors.
        actual, n_history, ids, n_cols, ax, figsize, title
            As in :meth:`from_predictions`.

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
        data = forecast_data(forecaster, horizon, X, coverage)
        display = cls(**data.panel_arguments(), actual=actual, ids=ids)
        return display.plot(ax, n_history=n_history, n_cols=n_cols, figsize=figsize, title=title)

    @classmethod
    @validated(ARGUMENTS)
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
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> PanelForecastDisplay:
        """Plot forecasts made before, by any method.

        Parameters
        ----------
        forecast, history, intervals, actual, season, ids, columns
            As in :class:`PanelForecastDisplay`.
        n_history : int, optional
            Last entries of each history to show; by default four horizons or three seasons.
        n_cols : int, optional
            Axes per row; by default three, or two where there are four series.
        ax : Axes or sequence of Axes, optional
            Axes to draw on, one per series; by default on a new figure.
        figsize : (float, float), optional
            Inches of a new figure.
        title : str, optional
            Title of the figure.

        Raises
        ------
        ValueError
            If a series of ``ids`` is unknown, indexes don't match, or intervals are not pairs.
        """
        data = {"history": history, "intervals": intervals, "actual": actual, "season": season}
        display = cls(forecast, **data, ids=ids, columns=columns)
        return display.plot(ax, n_history=n_history, n_cols=n_cols, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        n_history: int | None = None,
        n_cols: int | None = None,
        forecast_kw: dict[str, Any] | None = None,
        history_kw: dict[str, Any] | None = None,
        actual_kw: dict[str, Any] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> PanelForecastDisplay:
        """Draw the forecasts.

        Parameters
        ----------
        ax, n_history, n_cols, figsize, title
            As in :meth:`from_predictions`.
        forecast_kw, history_kw, actual_kw : dict, optional
            Properties of the lines, as in ``Axes.plot``. The bands take the forecast's colour.

        Raises
        ------
        ValueError
            If ``n_history`` or ``n_cols`` is no positive integer, or ``ax`` not one axes per
            series.
        """
        style: dict[str, Any] = {
            "forecast_kw": forecast_kw,
            "history_kw": history_kw,
            "actual_kw": actual_kw,
        }
        n_history_shown(n_history, 1, 1)  # raises before a figure is opened
        axes = axes_grid(len(self.displays), n_cols, ax, figsize)
        self.axes_: dict[Hashable, Axes] = dict(zip(self.displays, axes, strict=True))
        self.figure_ = axes[0].figure
        for label, display in self.displays.items():
            display.plot(self.axes_[label], n_history=n_history, legend=False, **style)
        label_axes(self.axes_, self.n_more, ax is None, self.target, title)
        return self


def _select_series(data, name, labels, columns, times=None):
    """Series of ``data`` by label; with ``times`` only those that share an entry with them."""
    if data is None:
        return {}
    panel = PanelSeries(data, name, columns)
    selected = {label: panel.series(label) for label in labels if label in panel.labels}
    if not selected:
        raise ValueError(
            f"{name} has none of the series {labels}, but {panel.labels[:10]}. Give it the "
            "forecast's labels; say which are a long frame's columns by columns."
        )
    shared = {
        label: series
        for label, series in selected.items()
        if times is None or series.index.isin(times[label].index).any()
    }
    return shared or selected  # without a shared entry the first series raises
