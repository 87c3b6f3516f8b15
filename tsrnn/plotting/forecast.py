"""ForecastDisplay: a forecast with its history, its intervals and the actual values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.forecast_axes import ForecastAxes
from tsrnn.plotting.forecast_data import forecast_data
from tsrnn.plotting.panel import PanelForecastDisplay

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ForecastDisplay(ForecastAxes):
    """Plot of a forecast after its history, with intervals and actual values.

    Parameters
    ----------
    forecast : Series
        On an index of times, periods or numbers; this and the others may be one-column frames.
    history : Series, optional
        Observations before the forecast, on an index of the same kind.
    intervals : DataFrame, optional
        What ``predict_interval`` returns: columns ``lower_80``, ``upper_80``, a pair for each
        coverage in percent, on the forecast's index.
    actual : Series, optional
        Values observed later. Only those at the forecast's time stamps are used.
    season : int, default=1
        Entries of a season: by default at least three seasons of the history are shown.

    Attributes
    ----------
    ax_, figure_, bands_ : Axes, Figure, dict
        ``bands_``: PolyCollection by coverage in percent, widest first.
    forecast_line_, history_line_, actual_line_, start_line_ : Line2D
        Curves, and the line between history and forecast; None for what was not given.

    See Also
    --------
    tsrnn.RNNForecaster : Makes what it draws.
    PanelForecastDisplay : A plot for each of several series.
    BacktestDisplay : Forecasts from past origins.

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
    ) -> ForecastDisplay | PanelForecastDisplay:
        """Plot the forecast of a fitted forecaster; of a panel in a PanelForecastDisplay.

        Parameters
        ----------
        forecaster : fitted RNNForecaster
        horizon, X : optional
            As in ``RNNForecaster.predict``.
        actual : Series or DataFrame, optional
            Values observed later, or the whole series.
        coverage : float or sequence of float, default=(0.8, 0.95)
            Probabilities of the intervals; None or empty for no intervals.
        n_history, ids, n_cols, ax, figsize, title
            As in :meth:`plot` and, for a panel, :meth:`PanelForecastDisplay.from_predictions`.

        Raises
        ------
        NotFittedError, ValueError
            If ``forecaster`` is not fitted or not a forecaster, it rejects ``horizon`` or
            ``coverage``, or ``ids`` has an unknown series.

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
        data = forecast_data(forecaster, horizon, X, coverage)
        if data.is_panel:
            panel = PanelForecastDisplay(**data.panel_arguments(), actual=actual, ids=ids)
            return panel.plot(ax, n_history=n_history, n_cols=n_cols, figsize=figsize, title=title)
        return cls(**data.series_arguments(actual, ids)).plot(
            ax, n_history=n_history, figsize=figsize, title=title
        )

    @classmethod
    @validated(ARGUMENTS)
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
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> ForecastDisplay:
        """Plot any forecast; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if the indexes do not match, or the intervals' columns are not pairs.

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
        return display.plot(ax, n_history=n_history, figsize=figsize, title=title)
