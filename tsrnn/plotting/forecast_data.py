"""ForecastData: what a fitted forecaster predicts, as the displays draw it."""

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
    """Forecasts in the forecaster's form, and the history before them."""

    forecast: Any  # what ``predict`` returns
    history: pd.Series  # for a panel on a MultiIndex of series and time
    intervals: Any  # what ``predict_interval`` returns, or None
    season: int
    columns: tuple[str, str, str]  # of ids, times and values of a long frame

    @property
    def is_panel(self) -> bool:
        return self.history.index.nlevels > 1

    def panel_arguments(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def series_arguments(self, actual: Any, ids: Any) -> dict[str, Any]:
        """Arguments of ForecastDisplay for a single series, which may be a panel of one."""
        forecast, intervals = PanelSeries(self.forecast, "forecast", self.columns), None
        (label,) = choose_series(ids, forecast.labels)
        if self.intervals is not None:
            intervals = PanelSeries(self.intervals, "intervals", self.columns).intervals(label)
        if actual is not None and (label is not None or not isinstance(actual, pd.Series)):
            actuals = PanelSeries(actual, "actual", self.columns)
            actual = actuals.series(label) if label in actuals.labels else actual
        return {
            "forecast": forecast.series(label),
            "history": self.history,
            "intervals": intervals,
            "season": self.season,
            "actual": actual,
        }


def long_columns(forecaster: Any) -> tuple[str, str, str]:
    """Columns of ids, times and values of a forecaster's long frames."""
    ids, times, values = LONG_COLUMNS
    return (
        getattr(forecaster, "id_column", ids),
        getattr(forecaster, "time_column", times),
        getattr(forecaster, "target_column", values),
    )


def forecast_data(
    forecaster: Any, horizon: int | None, X: Any, coverage: float | Sequence[float] | None
) -> ForecastData:
    """Forecasts of a fitted forecaster, with intervals where a coverage is given."""
    if not hasattr(forecaster, "predict_interval"):
        raise ValueError(
            f"forecaster must be a forecaster such as RNNForecaster, got {forecaster!r}. For "
            "other forecasts there is ForecastDisplay.from_predictions."
        )
    check_is_fitted(forecaster, "history_")
    intervals, recent = None, getattr(forecaster, "recent_", None)
    if coverage is not None and np.size(coverage):
        intervals = forecaster.predict_interval(horizon, X, coverage=coverage)
    return ForecastData(
        forecast=forecaster.predict(horizon, X),
        history=forecaster.history_ if recent is None else recent,
        intervals=intervals,
        season=getattr(forecaster, "season_", 1),
        columns=long_columns(forecaster),
    )
