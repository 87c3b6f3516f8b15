"""Backtests: forecasts from past origins, compared with the actual values and with baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.data import Collection, Location, affected, slice_series
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting import metrics
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.forecasting.inputs import read_covariates, read_series, read_static
from tsrnn.forecasting.metrics.points import scale_or_nan
from tsrnn.forecasting.resolve import check_values
from tsrnn.forecasting.uncertainty import as_levels
from tsrnn.parameters import (
    BOOLEAN,
    POSITIVE_INTEGER,
    STEPS,
    Integer,
    Probabilities,
    validate_parameters,
    validated,
)

_LEVELS = Probabilities(scalar=True, empty=True, labelled=True)


@dataclasses.dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from past origins, and their errors.

    Attributes
    ----------
    forecasts : DataFrame
        A row for each series, origin and step: ``unique_id``, ``cutoff`` (the last time stamp that
        was known), ``ds``, ``y`` and the forecasts of ``RNNForecaster``, ``seasonal_naive`` and
        ``drift``; ``lower_80``, ``upper_80``, ``quantile_10`` and so on where requested.
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
            A row for each forecast, with MAE, RMSE, MAPE and sMAPE in percent, MASE, RMSSE (NaN
            where a series hardly moves before the first origin); and for the network
            ``coverage_80``, ``interval_score_80`` and so on of intervals, the pinball loss
            ``pinball_10`` and so on of quantiles, and ``CRPS``, twice its mean. Missing values are
            left out, and so are series without any observed value.

        Raises
        ------
        ValueError
            If no actual value was observed.
        """
        actual = self._array("y")
        is_observed = ~np.isnan(actual).all(axis=1)
        if not is_observed.any():
            raise ValueError(
                "No value of y was observed at the steps that were forecast: there is nothing to "
                "score. Raise n_windows, to forecast earlier steps too."
            )
        if not is_observed.all():
            return self._of_series(is_observed).metrics()
        names = "RNNForecaster", "seasonal_naive", "drift"
        table = {name: self._point_errors(actual, self._array(name)) for name in names}
        table["RNNForecaster"] |= self._spread_scores(actual)
        return pd.DataFrame(table).T

    def residuals(self) -> pd.DataFrame:
        """Actual values minus forecasts, which are out of sample.

        Returns
        -------
        DataFrame
            The columns ``unique_id``, ``cutoff`` and ``ds`` of ``forecasts``, and one for each
            forecast; NaN where the actual value is missing. :func:`tsrnn.reconcile` takes them.

        Examples
        --------
        >>> from tsrnn import RNNForecaster, backtest
        >>> from tsrnn.datasets import load_airline
        >>> result = backtest(RNNForecaster(max_iter=0), load_airline(), n_windows=2)
        >>> result.residuals().columns.tolist()
        ['unique_id', 'cutoff', 'ds', 'RNNForecaster', 'seasonal_naive', 'drift']
        """
        keys, names = ["unique_id", "cutoff", "ds"], ["RNNForecaster", "seasonal_naive", "drift"]
        errors = self.forecasts[names].rsub(self.forecasts["y"], axis=0)
        return pd.concat([self.forecasts[keys], errors], axis=1)

    def _point_errors(self, actual, forecast):
        with np.errstate(divide="ignore", invalid="ignore"):
            percentages = 100 * np.abs(forecast - actual) / np.abs(actual)
            absolute, squares = _mean(np.abs(forecast - actual)), _mean((forecast - actual) ** 2)
            return {
                "MAE": absolute.mean(),
                "RMSE": np.sqrt(squares).mean(),
                "MAPE": _mean(percentages).mean(),
                "sMAPE": metrics.smape(actual, forecast, skip_missing=True).mean(),
                "MASE": (absolute / self.scales).mean(),
                "RMSSE": np.sqrt(squares / self.squared_scales).mean(),
            }

    def _spread_scores(self, actual):
        """Scores of intervals and quantiles."""
        observed = ~np.isnan(actual)
        actual, scores, losses = actual[observed], {}, {}
        for column in self.forecasts.columns:
            kind, _, percent = column.partition("_")
            if kind == "lower":
                lower, upper = (self._array(f"{k}_{percent}")[observed] for k in ("lower", "upper"))
                scores[f"coverage_{percent}"] = metrics.coverage(actual, lower, upper).mean()
                score = metrics.interval_score(actual, lower, upper, float(percent) / 100)
                scores[f"interval_score_{percent}"] = score.mean()
            elif kind == "quantile":
                forecast, level = self._array(column)[observed], float(percent) / 100
                losses[f"pinball_{percent}"] = metrics.pinball(actual, forecast, level)
        if losses:  # the mean is that of crps_from_quantiles
            scores |= losses | {"CRPS": 2 * np.mean(list(losses.values()))}
        return scores

    def _of_series(self, chosen):
        """The result of some of the series, chosen by an (n_series,) array of bool."""
        return dataclasses.replace(
            self,
            forecasts=self.forecasts[np.repeat(chosen, self._shape[1] * self._shape[2])],
            scales=self.scales[chosen],
            squared_scales=self.squared_scales[chosen],
            _shape=(int(chosen.sum()), *self._shape[1:]),
        )

    def _array(self, column):
        """A column as (n_series, n_origins * horizon)."""
        n_series, n_windows, horizon = self._shape
        return self.forecasts[column].to_numpy().reshape(n_series, n_windows * horizon)


@validated(
    forecaster=[RNNForecaster],
    n_windows=[STEPS],
    step=[POSITIVE_INTEGER, None],
    refit=[BOOLEAN],
    coverage=[_LEVELS],
    quantiles=[_LEVELS],
    verbose=[BOOLEAN, Integer(0)],
)
def backtest(
    forecaster: RNNForecaster,
    y: Any,
    X: Any = None,
    static: Any = None,
    *,
    n_windows: int = 5,
    step: int | None = None,
    refit: bool = True,
    coverage: float | Sequence[float] = (),
    quantiles: Sequence[float] = (),
    verbose: int = 0,
) -> Backtest:
    """Forecast from past origins, as if the values after them were unknown.

    Parameters
    ----------
    forecaster : RNNForecaster
        Its parameters; it is cloned, and stays as it is.
    y, X, static
        As in ``RNNForecaster.fit``. Covariates known in the future are read with their actual
        values: where they were themselves forecasts, give these.
    n_windows : int, default=5
        Origins. The last one is a horizon before the end of each series.
    step : int, optional
        Steps from one origin to the next; by default a horizon.
    refit : bool, default=True
        Fit anew at each origin. False fits once, before the first origin, and forecasts from all
        origins in one pass.
    coverage, quantiles : float or sequence of float, optional
        Probabilities of intervals, and quantiles, to be scored too.
    verbose : int, default=0
        Show progress on standard error.

    Returns
    -------
    Backtest
        With the frame ``forecasts`` and the table ``metrics()``.

    Raises
    ------
    ValueError
        If a series is too short for so many origins, a parameter is out of range, or a series whose
        logarithm is taken is not positive at a later origin.
    KeyboardInterrupt
        After Ctrl-C, in the training of a network too: its errors would not be comparable.

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
    """
    validate_parameters(forecaster)
    horizon, step = forecaster.horizon, forecaster.horizon if step is None else step
    collection = read_series(forecaster, y)
    covariates, static = read_covariates(forecaster, X), read_static(forecaster, static)
    ends = _origins(collection, horizon, n_windows, step)
    coverages = as_levels(coverage)
    levels = as_levels(quantiles)
    parts = []
    with progress_bar("backtest", verbose) as show:
        for k in range(n_windows if refit else 1):
            history = head(collection, ends[:, k])
            state = clone(forecaster).fit(history, covariates, static).fitted_
            mask = forecaster.missing == "mask"
            whole, _ = state.with_channels(collection, covariates, static, mask)
            origins = ends[:, [k]] if refit else ends
            context = _context_of(state, whole, origins[:, -1], horizon)
            predictor = state.predictor(
                forecaster.conformal, forecaster.device, forecaster.n_jobs, forecaster.lower
            )
            parts.append(predictor.columns(context, origins, horizon, coverages, levels))
            show((k + 1) / n_windows)
    columns = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    return _gathered(whole, ends, columns, state.spec.season)


def _origins(collection, horizon, n_windows, step):
    """Known values of each series at each origin, (n_series, n_windows)."""
    back = horizon + step * np.arange(n_windows - 1, -1, -1)
    ends = collection.panel.lengths[:, None] - back
    if ends.min() < 2:
        series = int(np.argmin(ends[:, 0]))
        label = collection.ids[series]
        others = affected([collection.ids[k] for k in np.flatnonzero(ends.min(axis=1) < 2)])
        raise Location(series=label).error(
            f"has {collection.panel.lengths[series]} observations, too few for "
            f"n_windows={n_windows} origins, step={step} apart, and horizon={horizon}{others}",
            "Give fewer windows, a smaller step or more history.",
        )
    return ends


def _context_of(state, whole, lengths, horizon):
    """The first values of series, and the channels of the horizon after them."""
    known, after = head(whole, lengths), None
    check_values(known, state.transform, state.spec.loss)
    state.scaling.check_range(known)
    if whole.covariates is not None:
        rows = (whole.panel.indptr[:-1] + lengths)[:, None] + np.arange(horizon)
        after = whole.covariates[rows]
    return state.context(known, after)


def _mean(values):
    """Mean of each series over the values that are not missing; NaN of none."""
    return np.nansum(values, axis=1) / (~np.isnan(values)).sum(axis=1)


def _gathered(collection, ends, columns, season):
    """The result, from columns of forecasts, (n_series, n_origins, horizon)."""
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
    labels = [0 if label is None else label for label in collection.ids]
    n_rows = ends.shape[1] * horizon
    frame.insert(0, "unique_id", pd.Series(labels).repeat(n_rows).to_numpy())
    indexes = [axis.index for axis in collection.axes]
    frame.insert(1, "cutoff", _stamps(indexes, np.repeat(ends - 1, horizon, axis=1)))
    frame.insert(2, "ds", _stamps(indexes, (ends[:, :, None] + steps).reshape(len(ends), -1)))
    bounds = zip(panel.indptr[:-1], ends[:, 0], strict=True)
    histories = [actual[first : first + n] for first, n in bounds]
    scales, squared_scales = (
        np.array([scale_or_nan(history, season, squared) for history in histories])
        for squared in (False, True)
    )
    return Backtest(frame, season, scales, squared_scales, (*ends.shape, horizon))


def _stamps(indexes, places):
    """Time stamps at places of each series, end to end."""
    parts = [index[row] for index, row in zip(indexes, places, strict=True)]
    return parts[0].append(parts[1:])


def head(collection: Collection, lengths: np.ndarray) -> Collection:
    """The first ``lengths`` (n_series,) values of each series."""
    return slice_series(collection, np.zeros_like(lengths), lengths)
