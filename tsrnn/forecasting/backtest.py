"""Backtests: forecasts from past origins, compared with the actual values and with baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tsrnn.distributed import engine_of, refuse_frames
from tsrnn.forecasting.backtesting import (
    BASELINES,
    Backtest,
    BacktestPlan,
    ForecasterOptions,
    lead_of,
    named_forecasters,
)
from tsrnn.forecasting.engine_backtest import PartitionedBacktest, backtest_on_engine
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.forecasting.inputs import read_covariates, read_series, read_static
from tsrnn.forecasting.uncertainty import as_levels
from tsrnn.parameters import (
    BOOLEAN,
    POSITIVE_INTEGER,
    STEPS,
    Integer,
    ListOf,
    Probabilities,
    StrOptions,
    validated,
)

__all__ = ["Backtest", "PartitionedBacktest", "backtest"]

_LEVELS = Probabilities(scalar=True, empty=True, labelled=True)


@validated(
    forecaster=[ForecasterOptions()],
    n_windows=[STEPS],
    step=[POSITIVE_INTEGER, None],
    refit=[BOOLEAN, POSITIVE_INTEGER],
    coverage=[_LEVELS],
    quantiles=[_LEVELS],
    baselines=[ListOf(StrOptions(BASELINES))],
    verbose=[BOOLEAN, Integer(0)],
)
def backtest(
    forecaster: Any,
    y: Any,
    X: Any = None,
    static: Any = None,
    *,
    n_windows: int = 5,
    step: int | None = None,
    refit: bool | int = True,
    coverage: float | Sequence[float] = (),
    quantiles: Sequence[float] = (),
    baselines: Sequence[str] = ("seasonal_naive", "drift"),
    verbose: int = 0,
) -> Any:
    """Forecast from past origins, as if the values after them were unknown.

    Parameters
    ----------
    forecaster : RNNForecaster, or list or dict of forecasters
        One RNNForecaster, or several forecasters, with a name each in a dict, else named by their
        classes:

        * RNNForecasters, of which there must be one, all of one horizon;
        * names: "seasonal_naive", "naive" (the last value), "drift" and "mean"; and "ets", "theta",
          "arima", "ces" and "croston" of statsforecast or, but for "ces", sktime, if installed;
        * objects of these libraries, which are fitted to each series by itself and read ``y``
          alone, as "ets" and the others do;
        * regressors of scikit-learn, as :class:`tsrnn.forecasting.RegressionForecaster` does them,
          or that itself.

        All are cloned, and stay as they are. The season, names of columns and covariates that
        others take are those of the first RNNForecaster, if possible one with ``max_iter`` above 0;
        of several, RNNForecasters with ``max_iter=0`` read ``y`` alone.
    y : array, Series, DataFrame or frame of Dask, Spark or Ray
    X, static : DataFrame, optional
        As in ``RNNForecaster.fit``. Of a frame of Dask, Spark or Ray, ``y`` alone, each task
        forecasts the series of a partition, by one RNNForecaster among others: with
        ``scope="local"`` it is fitted there, else once, with ``refit=False``, to ``n_sample``
        series. Covariates known in the future are read with their actual
        values: where they were themselves forecasts, give these.
    n_windows : int, default=5
        Origins. The last one is a horizon before the end of each series.
    step : int, optional
        Steps from one origin to the next; by default a horizon.
    refit : bool or int, default=True
        Fit anew at each origin, or with a number k at every k-th one, and in between forecast from
        the new values without a fit, as after ``update``. False fits once, before the first origin.
        Forecasters of sktime, and those of statsforecast without ``forward``, are fitted at each
        origin, as they read new values by a fit alone.
    coverage, quantiles : float or sequence of float, default=()
        Probabilities of intervals, and quantiles, to be scored too, of RNNForecasters and those of
        the libraries that have them.
    baselines : sequence of str, default=("seasonal_naive", "drift")
        Names of forecasters, as above, that are added if they are not among those given.
    verbose : int, default=0
        Show progress on standard error.

    Returns
    -------
    Backtest
        With the frame ``forecasts``, the tables ``metrics()`` and ``worst()``, and a table of
        itself in notebooks. Of a frame of an engine a PartitionedBacktest, with ``forecasts`` of
        that engine and ``metrics()``.

    Raises
    ------
    ValueError
        If a series is too short for so many origins, a parameter is out of range, there is no
        RNNForecaster or they differ in what they read, or a series whose logarithm is taken is not
        positive at a later origin.
    ImportError
        If a baseline is of a library that is not installed.
    KeyboardInterrupt
        After Ctrl-C, in the training of a network too: its errors would not be comparable.

    See Also
    --------
    tsrnn.forecasting.Backtest : What it returns.
    search : Search parameters by such errors.
    tsrnn.forecasting.RegressionForecaster : Regressors of scikit-learn as forecasters.
    tsrnn.plotting.BacktestDisplay : Draw the forecasts against the observations.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, backtest
    >>> from tsrnn.datasets import load_airline
    >>> result = backtest(RNNForecaster(horizon=12), load_airline(), n_windows=3, refit=False)
    >>> result.forecasts.shape
    (36, 7)
    >>> table = result.metrics()
    >>> bool(table.loc["RNNForecaster", "MASE"] < table.loc["seasonal_naive", "MASE"])
    True

    Several forecasters, fitted at every second origin:

    >>> from sklearn.linear_model import Ridge
    >>> forecasters = {"zero-shot": RNNForecaster(horizon=12, max_iter=0), "ridge": Ridge()}
    >>> result = backtest(forecasters, load_airline(), n_windows=4, refit=2)
    >>> result.metrics().index.tolist()
    ['zero-shot', 'ridge', 'seasonal_naive', 'drift']
    """
    is_one = isinstance(forecaster, RNNForecaster)
    forecasters = named_forecasters(forecaster, tuple(baselines))
    lead_name = lead_of(forecasters)
    lead = forecasters[lead_name]
    plan = BacktestPlan(
        lead=lead_name,
        n_windows=n_windows,
        step=lead.horizon if step is None else step,
        refit=refit,
        coverages=as_levels(coverage),
        quantiles=as_levels(quantiles),
        has_prefixes=not is_one,
    )
    engine = engine_of(y)
    if engine is not None:
        refuse_frames({"X": X, "static": static})
        if X is not None or static is not None:
            raise ValueError(f"A backtest on a frame of {engine.name} reads y alone.")
        return backtest_on_engine(engine, y, plan, forecasters)
    collection = read_series(lead, y)
    covariates, static = read_covariates(lead, X), read_static(lead, static)
    return plan.run(forecasters, collection, covariates, static, verbose=verbose)
