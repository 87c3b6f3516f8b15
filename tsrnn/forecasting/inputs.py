"""Series, covariates and static values as users give them, read by a forecaster's parameters."""

from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.data import (
    Collection,
    Covariates,
    Location,
    collection_from,
    covariates_from,
    with_gap_marked,
)
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.predictor import ForecastContext
from tsrnn.forecasting.resolve import check_positive
from tsrnn.parameters import POSITIVE_INTEGER, check_parameter, plain


def read_series(forecaster: ForecasterBase, y: Any, step: Any = None) -> Collection:
    """Checked series of any form; a Collection, which was read before, as it is."""
    if isinstance(y, Collection):
        return y
    return collection_from(
        y,
        id_column=forecaster.id_column,
        time_column=forecaster.time_column,
        target_column=forecaster.target_column,
        missing=forecaster.missing,
        step=step,
    )


def read_covariates(forecaster: ForecasterBase, X: Any) -> Covariates | None:
    """Checked covariates; None and Covariates, which were read before, as they are."""
    if X is None or isinstance(X, Covariates):
        return X
    return covariates_from(X, id_column=forecaster.id_column, time_column=forecaster.time_column)


def read_static(forecaster: ForecasterBase, static: Any) -> pd.DataFrame | None:
    """Static values with the labels of the series as index, checked."""
    if static is None:
        return None
    if not isinstance(static, pd.DataFrame) or not static.shape[1]:
        raise Location("static").error(
            "must be a DataFrame with a row for each series and columns, got "
            f"{type(static).__name__}"
        )
    if forecaster.id_column in static.columns:
        static = static.set_index(forecaster.id_column)
    if not static.index.is_unique:
        repeated = static.index[static.index.duplicated()][0]
        raise Location("static").error(f"has more than one row for {repeated!r}", "Keep one.")
    return static


def read_new(
    forecaster: ForecasterBase, known: Collection, y: Any, X: Any, *, every: bool = False
) -> tuple[Collection, Covariates | None]:
    """Fitted series joined with new observations; see ``FittedForecaster.continued``."""
    state, mask = forecaster.fitted_, forecaster.missing == "mask"
    new = read_series(forecaster, y, known.axes[0].step)
    check_positive(new, state.transform)
    if mask:
        new = with_gap_marked(known, new)
    return state.continued(known, new, read_covariates(forecaster, X), mask=mask, every=every)


def forecast_context(
    forecaster: ForecasterBase,
    horizon: int | None = None,
    X: Any = None,
    y: Any = None,
    static: pd.DataFrame | None = None,
) -> tuple[int, ForecastContext]:
    """The horizon and the series of a forecast, from the arguments of ``predict``."""
    check_is_fitted(forecaster)
    if horizon is None:
        horizon = forecaster.horizon
    horizon = plain(horizon)
    check_parameter("horizon", horizon, [POSITIVE_INTEGER])
    state, mask = forecaster.fitted_, forecaster.missing == "mask"
    covariates, static = read_covariates(forecaster, X), read_static(forecaster, static)
    if y is not None:
        series = read_series(forecaster, y)
        return horizon, state.other_context(series, covariates, static, horizon, mask)
    if static is not None:
        raise ValueError("static goes with y, other series: those of fit have theirs.")
    return horizon, state.future_context(covariates, horizon, mask)
