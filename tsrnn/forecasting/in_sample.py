"""Fitted values: forecasts one step ahead of the series of a fit, by networks trained on them."""

import weakref

import numpy as np

from tsrnn.forecasting.fitted import FittedForecaster

# By the fitted state, which an update replaces: neither pickles nor saved files hold them.
_FITTED_VALUES: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def fitted_values(
    state: FittedForecaster,
    device: str = "cpu",
    n_jobs: int | None = None,
    lower: float | None = None,
) -> np.ndarray:
    """The forecast of each value of ``state.history`` from those before it, (n_values,).

    None is below ``lower``. NaN for the first ``lookback`` values of a series. Where networks read
    covariates that are known in the future, the last ``n_ahead`` values are all forecast from the
    value before them: what follows the series is not known.
    """
    if state not in _FITTED_VALUES:
        _FITTED_VALUES[state] = _fitted_values(state, device, n_jobs)
    values = _FITTED_VALUES[state]
    return values.copy() if lower is None else np.maximum(values, lower)


def _fitted_values(state, device, n_jobs):
    spec, collection = state.spec, state.history
    panel = collection.panel
    horizon = spec.n_ahead if spec.n_known else 1
    lasts = panel.lengths - horizon  # the last origins, whose horizons end with the series
    counts = np.maximum(lasts - spec.lookback + 1, 0)
    values = np.full(panel.values.size, np.nan)
    if not counts.any():
        return values
    series = np.repeat(np.arange(panel.n_series), counts)
    firsts = np.cumsum(counts) - counts
    ends = spec.lookback + np.arange(series.size) - firsts[series]
    predictor = state.predictor(False, device, n_jobs)
    forecasts = predictor.points(state.context(collection), series, ends, horizon)
    places = panel.indptr[series] + ends
    values[places] = forecasts[:, 0]
    is_last = ends == lasts[series]
    values[places[is_last, None] + np.arange(horizon)] = forecasts[is_last]
    return values
