"""Baselines: forecasts without a network."""

import numpy as np
import pandas as pd

from tsrnn.data import panel_from_series
from tsrnn.forecasting.seasonality import season_of
from tsrnn.parameters import POSITIVE_INTEGER, STEPS, StrOptions, validated
from tsrnn.parameters.types import Auto


@validated(horizon=[STEPS], season=[POSITIVE_INTEGER, StrOptions(["auto"]), None])
def seasonal_naive(y: pd.Series, horizon: int, season: int | Auto | None = "auto") -> pd.Series:
    """Forecast each step by the last known value at the same place in the season.

    Parameters
    ----------
    y : Series
        Observations on a regular index.
    horizon : int
        Number of steps to forecast.
    season : int or "auto", default="auto"
        Steps of a season; "auto", or None, is that of the index's frequency, 1 where there is none.

    Returns
    -------
    Series
        The forecast, indexed by the ``horizon`` steps after ``y``.

    Raises
    ------
    ValueError
        If ``y`` is not a clean regular series or shorter than a season.

    See Also
    --------
    drift : A forecast of series without a season.
    backtest : Compare a forecaster with both.
    tsrnn.forecasting.mase : Errors relative to those of this forecast in the history.

    Examples
    --------
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.forecasting import seasonal_naive
    >>> seasonal_naive(load_airline(), horizon=2)
    time
    1961-01-01    417.0
    1961-02-01    391.0
    Freq: MS, Name: passengers, dtype: float64
    """
    panel, axis = panel_from_series(y)
    if season is None or season == "auto":
        season = season_of(axis.frequency)
    if season > panel.values.size:
        raise ValueError(
            f"season={season} needs at least as many observations; y has {panel.values.size}. "
            "Give a shorter season or more history."
        )
    forecast = panel.values[-season:][np.arange(horizon) % season]
    return pd.Series(forecast, axis.after(horizon), name=y.name)


@validated(horizon=[STEPS])
def drift(y: pd.Series, horizon: int) -> pd.Series:
    """Forecast by the continued line through the first and the last value.

    ``y_n + k (y_n - y_1) / (n - 1)`` at step k ahead (Hyndman & Athanasopoulos 2021, sec. 5.2).
    Result and errors are those of :func:`seasonal_naive`; a single value has no line.

    Parameters
    ----------
    y : Series
        Observations on a regular index.
    horizon : int
        Number of steps to forecast.

    See Also
    --------
    seasonal_naive : A forecast of series with a season.
    backtest : Compare a forecaster with both.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.forecasting import drift
    >>> drift(pd.Series([1.0, 9.0, 5.0]), horizon=2)
    3    7.0
    4    9.0
    dtype: float64
    """
    panel, axis = panel_from_series(y)
    values = panel.values
    if values.size < 2:
        raise ValueError("drift needs two values for a line; y has 1. Give more history.")
    slope = (values[-1] - values[0]) / (values.size - 1)
    forecast = values[-1] + slope * np.arange(1, horizon + 1)
    return pd.Series(forecast, axis.after(horizon), name=y.name)
