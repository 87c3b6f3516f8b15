"""Forecasts of an RNNForecaster from the origins of a block."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.data import Covariates
from tsrnn.forecasting.backtesting.block import Block, head
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.forecasting.resolve import check_values


def network_forecasts(
    forecaster: RNNForecaster,
    block: Block,
    covariates: Covariates | None,
    static: pd.DataFrame | None,
    state: FittedForecaster | None = None,
) -> tuple[dict[str, np.ndarray], FittedForecaster, Any]:
    """Columns (n_series, n_origins, horizon), the state fitted at the first origin, and all series
    with the channels that it reads. A ``state`` of other series is taken as it is."""
    history = head(block.collection, block.ends[:, 0])
    fitted = clone(forecaster)
    fitted.is_part = forecaster.is_part
    if fitted.short == "drop":  # all forecasters of a backtest forecast the same series
        fitted.set_params(short="pad")
    if state is None:
        state = fitted.fit(history, covariates, static).fitted_
    else:
        state = state.of_others(history)
    mask = forecaster.missing == "mask"
    whole, _ = state.with_channels(block.collection, covariates, static, mask)
    context = _context_of(state, whole, block.ends[:, -1], block.horizon)
    predictor = state.predictor(
        forecaster.conformal,
        forecaster.device,
        forecaster.n_jobs,
        forecaster.lower,
        is_naive=forecaster.short == "naive",
    )
    columns = predictor.columns(
        context, block.ends, block.horizon, block.coverages, block.quantiles
    )
    return columns, state, whole


def _context_of(state, whole, lengths, horizon):
    """The first values of series, and the channels of the horizon after them."""
    known, after = head(whole, lengths), None
    check_values(known, state.transform, state.spec.loss)
    state.scaling.check_range(known)
    if whole.covariates is not None:
        rows = (whole.panel.indptr[:-1] + lengths)[:, None] + np.arange(horizon)
        after = whole.covariates[rows]
    return state.context(known, after)
