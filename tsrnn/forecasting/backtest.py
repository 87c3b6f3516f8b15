"""Backtests: forecasts from origins in the past, held against what came and against baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.data import Collection, slice_series
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting import metrics
from tsrnn.forecasting.plan import check_positive
from tsrnn.forecasting.uncertainty import check_probabilities

if TYPE_CHECKING:
    from tsrnn.forecasting.forecaster import RNNForecaster


@dataclasses.dataclass(frozen=True, eq=False)
class Backtest:
    """What a backtest found.

    Attributes
    ----------
    forecasts : DataFrame
        A row for each series, origin and step: ``unique_id``, ``cutoff`` (the last time stamp that
        was known), ``ds``, ``y`` and the forecasts of ``RNNForecaster``, ``seasonal_naive`` and
        ``drift``; ``lower_80``, ``upper_80``, ``quantile_10`` and so on where asked for.
    season : int
        Season of the seasonal naive forecast and of scaled errors.
    scales, squared_scales : (n_series,) arrays
        Mean absolute and squared seasonal difference of each series before the first origin.
    """

    forecasts: pd.DataFrame
    season: int
    scales: np.ndarray
    squared_scales: np.ndarray
    _shape: tuple[int, int, int]

    def metrics(self) -> pd.DataFrame:
        """Errors of each forecast, averaged over origins and steps, then over series.

        Returns
        -------
        DataFrame
            A row for each forecast, with columns MAE, RMSE, MAPE and sMAPE in percent, MASE, RMSSE
            (NaN where a series hardly moves before the first origin); and of the network
            ``coverage_80`` and ``interval_score_80`` and so on where there are intervals, and the
            pinball loss ``pinball_10`` and so on where there are quantiles, and twice their mean,
            the CRPS if they lie evenly between 0 and 1. What is missing counts for nothing.
        """
        actual = self._array("y")
        table = {}
        for name in ("RNNForecaster", "seasonal_naive", "drift"):
            found = self._array(name)
            with np.errstate(divide="ignore", invalid="ignore"):
                shares = 100 * np.abs(found - actual) / np.abs(actual)
                absolute, squares = _mean(np.abs(found - actual)), _mean((found - actual) ** 2)
                table[name] = {
                    "MAE": absolute.mean(),
                    "RMSE": np.sqrt(squares).mean(),
                    "MAPE": _mean(shares).mean(),
                    "sMAPE": metrics.smape(actual, found, skip_missing=True).mean(),
                    "MASE": (absolute / self.scales).mean(),
                    "RMSSE": np.sqrt(squares / self.squared_scales).mean(),
                }
        own, there = table["RNNForecaster"], ~np.isnan(actual)
        for column in self.forecasts.columns:
            if column.startswith("lower_"):
                level = column.removeprefix("lower_")
                share = float(level) / 100
                bounds = (self._array(name)[there] for name in (column, f"upper_{level}"))
                bounds = actual[there], *bounds
                own[f"coverage_{level}"] = metrics.coverage(*bounds).mean()
                own[f"interval_score_{level}"] = metrics.interval_score(*bounds, share).mean()
        quantiles = [c for c in self.forecasts.columns if c.startswith("quantile_")]
        losses = {}
        for column in quantiles:
            level = column.removeprefix("quantile_")
            losses[f"pinball_{level}"] = metrics.pinball(
                actual[there], self._array(column)[there], float(level) / 100
            )
        if losses:  # which is what crps_from_quantiles gives
            own |= losses | {"CRPS": 2 * np.mean(list(losses.values()))}
        return pd.DataFrame(table).T

    def _array(self, column):
        """A column as (n_series, n_origins * horizon)."""
        n_series, n_windows, horizon = self._shape
        return self.forecasts[column].to_numpy().reshape(n_series, n_windows * horizon)


def backtest(
    forecaster: RNNForecaster,
    y: Any,
    X: Any = None,
    static: pd.DataFrame | None = None,
    *,
    n_windows: int = 5,
    step: int | None = None,
    refit: bool = True,
    coverage: float | Sequence[float] = (),
    quantiles: Sequence[float] = (),
    verbose: int = 0,
) -> Backtest:
    """Forecast from origins in the past, as if what came after them were unknown.

    Parameters
    ----------
    forecaster : RNNForecaster
        Its parameters; it is cloned, and stays as it is.
    y : Series or DataFrame
        Series in any form that ``RNNForecaster.fit`` takes.
    X : Series or DataFrame, optional
        Covariates, as ``fit`` takes them, of all of ``y``. Those that are known in the future are
        taken as they turned out: where they were themselves forecasts, give these.
    static : DataFrame, optional
        Static values of each series.
    n_windows : int, default=5
        Origins. The last one is a horizon before the end of each series.
    step : int, optional
        Steps from one origin to the next; by default a horizon.
    refit : bool, default=True
        Fit anew at each origin. False fits once, on what was known at the first origin, and
        forecasts from all origins of all series in one pass.
    coverage : float or sequence of float, optional
        Probabilities of intervals to be judged too.
    quantiles : sequence of float, optional
        Quantiles to be judged too.
    verbose : int, default=0
        Show progress on standard error.

    Returns
    -------
    Backtest
        With the frame ``forecasts`` and the table ``metrics()``.

    Raises
    ------
    ValueError
        If a series is too short for so many origins, or a parameter is out of its range; or if the
        fit took logarithms, and a series is no longer positive at a later origin.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, backtest
    >>> from tsrnn.datasets import load_airline
    >>> found = backtest(RNNForecaster(horizon=12), load_airline(), n_windows=3, refit=False)
    >>> found.forecasts.shape
    (36, 7)
    >>> table = found.metrics()
    >>> bool(table.loc["RNNForecaster", "MASE"] < table.loc["seasonal_naive", "MASE"])
    True
    """
    horizon = forecaster.horizon
    step = horizon if step is None else step
    for name, value in {"n_windows": n_windows, "step": step}.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}.")
    collection, given = forecaster._collected(y), forecaster._given(X, static)
    back = horizon + step * np.arange(n_windows - 1, -1, -1)
    ends = collection.panel.lengths[:, None] - back  # known values, (n_series, n_windows)
    if ends.min() < 2:
        series = int(np.argmin(ends[:, 0]))
        raise ValueError(
            f"{_called(collection.ids[series])} has {collection.panel.lengths[series]} "
            f"observations, too few for n_windows={n_windows} origins, step={step} apart, and "
            f"horizon={horizon}. Give fewer windows, a smaller step or more history."
        )
    asked = (
        check_probabilities(coverage, "coverage"),
        check_probabilities(quantiles, "quantiles"),
    )
    parts = []
    with progress_bar("backtest", verbose) as show:
        for k in range(n_windows if refit else 1):
            fitted = clone(forecaster)._fit(head(collection, ends[:, k]), *given)
            own = ends[:, [k]] if refit else ends
            whole = fitted._with_beside(collection, *given)[0]
            known, after = head(whole, own[:, -1]), None
            check_positive(known, fitted.transform_)
            if whole.beside is not None:
                rows = (whole.panel.indptr[:-1] + own[:, -1])[:, None] + np.arange(horizon)
                after = whole.beside[rows]
            parts.append(
                fitted._forecasts().columns(fitted._ready(known, after), own, horizon, *asked)
            )
            show((k + 1) / n_windows)
    columns = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    return _gathered(whole, ends, columns, fitted.season_)


def _mean(values):
    """Mean of each series over what is not missing."""
    return np.nanmean(values, axis=1)


def _gathered(collection, ends, columns, season):
    panel = collection.panel
    horizon = columns["RNNForecaster"].shape[2]
    firsts = panel.indptr[:-1, None]
    steps = np.arange(horizon)
    naive = (firsts + ends)[:, :, None] - season + steps % season
    last, first = panel.values[firsts + ends - 1], panel.values[firsts]
    actual = collection.targets
    columns = {
        "y": actual[(firsts + ends)[:, :, None] + steps],
        "RNNForecaster": columns.pop("RNNForecaster"),
        "seasonal_naive": panel.values[np.maximum(naive, firsts[:, :, None])],
        "drift": last[:, :, None] + ((last - first) / (ends - 1))[:, :, None] * (1 + steps),
    } | columns
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    labels = [0 if one is None else one for one in collection.ids]
    n_each = ends.shape[1] * horizon
    frame.insert(0, "unique_id", pd.Series(labels).repeat(n_each).to_numpy())
    indexes = [axis.index for axis in collection.axes]
    frame.insert(1, "cutoff", _times(indexes, np.repeat(ends - 1, horizon, axis=1)))
    frame.insert(2, "ds", _times(indexes, (ends[:, :, None] + steps).reshape(len(ends), -1)))
    histories = [
        actual[begin : begin + n] for begin, n in zip(panel.indptr[:-1], ends[:, 0], strict=True)
    ]
    scales, squares = (
        np.array([scale_of(history, season, how) for history in histories]) for how in (False, True)
    )
    return Backtest(frame, season, scales, squares, (*ends.shape, horizon))


def scale_of(history: np.ndarray, season: int, squared: bool = False) -> float:
    """The seasonal scale of a history; NaN where there is none."""
    try:
        return metrics.seasonal_scale(history, season, squared, skip_missing=True)
    except ValueError:
        return np.nan


def _times(indexes, places):
    """Time stamps at places of each series, end to end."""
    parts = [index[row] for index, row in zip(indexes, places, strict=True)]
    return parts[0].append(parts[1:])


def head(collection: Collection, lengths: np.ndarray) -> Collection:
    """The first ``lengths`` (n_series,) values of each series."""
    return slice_series(collection, np.zeros_like(lengths), lengths)


def _called(label):
    return "y" if label is None else f"Series {label!r}"
