"""What a fitted forecaster predicts, as displays take it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.plotting.grid import choose_series
from tsrnn.plotting.panel_series import LONG_COLUMNS, PanelSeries


@dataclasses.dataclass(frozen=True, eq=False)
class ForecastData:
    """Forecasts in the form that the forecaster gives them in, and what they follow.

    Attributes
    ----------
    forecast, intervals : Series or DataFrame
        What ``predict`` and ``predict_interval`` return; no intervals are None.
    history : Series
        Of a panel on a MultiIndex of series and time.
    season : int
    columns : tuple of str
        Columns of ids, times and values of a long frame.
    """

    forecast: Any
    history: pd.Series
    intervals: Any
    season: int
    columns: tuple[str, str, str]

    @property
    def is_panel(self) -> bool:
        """There are several series."""
        return self.history.index.nlevels > 1

    def panel(self) -> dict[str, Any]:
        """All of it, as PanelForecastDisplay takes it."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def lone(self, actual: Any, ids: Any) -> dict[str, Any]:
        """All of one series, which may have come as a panel of one, as ForecastDisplay takes it."""
        forecast = PanelSeries(self.forecast, "forecast", self.columns)
        (label,) = choose_series(ids, forecast.labels)
        found = {
            "forecast": forecast.series(label),
            "history": self.history,
            "intervals": None,
            "season": self.season,
            "actual": actual,
        }
        if self.intervals is not None:
            found["intervals"] = PanelSeries(self.intervals, "intervals", self.columns).bounds(
                label
            )
        if actual is not None and label is not None:
            parts = PanelSeries(actual, "actual", self.columns)
            found["actual"] = parts.series(label) if label in parts.labels else actual
        return found


def forecast_data(
    forecaster: Any, horizon: int | None, X: Any, coverage: float | Sequence[float] | None
) -> ForecastData:
    """Ask a fitted forecaster for forecasts, and for intervals where a coverage is given.

    Raises
    ------
    NotFittedError
        If the forecaster is not fitted.
    ValueError
        If it is none, or refuses ``horizon``, ``X`` or ``coverage``.
    """
    if not hasattr(forecaster, "predict_interval"):
        raise ValueError(
            f"forecaster must be a forecaster such as RNNForecaster, got {forecaster!r}. For "
            "other forecasts there is ForecastDisplay.from_predictions."
        )
    check_is_fitted(forecaster, "history_")
    intervals = None
    if coverage is not None and np.size(coverage):
        intervals = forecaster.predict_interval(horizon, X, coverage=coverage)
    names = zip(("id_column", "time_column", "target_column"), LONG_COLUMNS, strict=True)
    return ForecastData(
        forecaster.predict(horizon, X),
        forecaster.history_,
        intervals,
        getattr(forecaster, "season_", 1),
        tuple(getattr(forecaster, name, default) for name, default in names),
    )
