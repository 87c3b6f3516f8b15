"""Backtests: forecasts from origins in the past, held against what came and against baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.forecasting import metrics
from tsrnn.forecasting.plan import check_positive
from tsrnn.windowing import Collection, collection_from
from tsrnn.windowing.frames import cut

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
        ``drift``; ``lower_80``, ``upper_80`` and so on where intervals were asked for.
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
            ``coverage_80`` and ``interval_score_80`` and so on where there are intervals.
        """
        actual = self._array("y")
        table = {}
        for name in ("RNNForecaster", "seasonal_naive", "drift"):
            found = self._array(name)
            errors = np.abs(found - actual)
            with np.errstate(divide="ignore", invalid="ignore"):
                table[name] = {
                    "MAE": errors.mean(),
                    "RMSE": np.sqrt((errors**2).mean(axis=1)).mean(),
                    "MAPE": (100 * errors / np.abs(actual)).mean(),
                    "sMAPE": metrics.smape(actual, found).mean(),
                    "MASE": (errors.mean(axis=1) / self.scales).mean(),
                    "RMSSE": np.sqrt((errors**2).mean(axis=1) / self.squared_scales).mean(),
                }
        for column in self.forecasts.columns:
            if column.startswith("lower_"):
                level = column.removeprefix("lower_")
                lower, upper = self._array(column), self._array(f"upper_{level}")
                share = float(level) / 100
                table["RNNForecaster"] |= {
                    f"coverage_{level}": metrics.coverage(actual, lower, upper).mean(),
                    f"interval_score_{level}": metrics.interval_score(
                        actual, lower, upper, share
                    ).mean(),
                }
        return pd.DataFrame(table).T

    def _array(self, column):
        """A column as (n_series, n_origins * horizon)."""
        n_series, n_windows, horizon = self._shape
        return self.forecasts[column].to_numpy().reshape(n_series, n_windows * horizon)


def backtest(
    forecaster: RNNForecaster,
    y: Any,
    *,
    n_windows: int = 5,
    step: int | None = None,
    refit: bool = True,
    coverage: float | Sequence[float] = (),
) -> Backtest:
    """Forecast from origins in the past, as if what came after them were unknown.

    Parameters
    ----------
    forecaster : RNNForecaster
        Its parameters; it is cloned, and stays as it is.
    y : Series or DataFrame
        Series in any form that ``RNNForecaster.fit`` takes.
    n_windows : int, default=5
        Origins. The last one is a horizon before the end of each series.
    step : int, optional
        Steps from one origin to the next; by default a horizon.
    refit : bool, default=True
        Fit anew at each origin. False fits once, on what was known at the first origin, and
        forecasts from all origins of all series in one pass.
    coverage : float or sequence of float, optional
        Probabilities of intervals to be judged too.

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
    names = {k: getattr(forecaster, k) for k in ("id_column", "time_column", "target_column")}
    collection = collection_from(y, **names)
    back = horizon + step * np.arange(n_windows - 1, -1, -1)
    ends = collection.panel.lengths[:, None] - back  # known values, (n_series, n_windows)
    if ends.min() < 2:
        series = int(np.argmin(ends[:, 0]))
        raise ValueError(
            f"{_called(collection.ids[series])} has {collection.panel.lengths[series]} "
            f"observations, too few for n_windows={n_windows} origins, step={step} apart, and "
            f"horizon={horizon}. Give fewer windows, a smaller step or more history."
        )
    fitted = clone(forecaster)._fit(head(collection, ends[:, 0]))
    if refit:
        fits = [fitted] + [
            clone(forecaster)._fit(head(collection, ends[:, k])) for k in range(1, n_windows)
        ]
        parts = [one._forecasts_after(one._collection, horizon, coverage) for one in fits]
        columns = {name: np.stack([part[name] for part in parts], axis=1) for name in parts[0]}
    else:
        known = head(collection, ends[:, -1])
        check_positive(known, fitted.transform_)
        columns = fitted._forecasts(known.panel, ends, horizon, coverage)
    season = fitted.season_
    return _gathered(collection, ends, columns, season)


def _gathered(collection, ends, columns, season):
    panel = collection.panel
    horizon = columns["RNNForecaster"].shape[2]
    firsts = panel.indptr[:-1, None]
    steps = np.arange(horizon)
    naive = (firsts + ends)[:, :, None] - season + steps % season
    last, first = panel.values[firsts + ends - 1], panel.values[firsts]
    columns = {
        "y": panel.values[(firsts + ends)[:, :, None] + steps],
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
        panel.values[begin : begin + n]
        for begin, n in zip(panel.indptr[:-1], ends[:, 0], strict=True)
    ]
    scales, squares = (
        np.array([scale_of(history, season, power) for history in histories]) for power in (1, 2)
    )
    return Backtest(frame, season, scales, squares, (*ends.shape, horizon))


def scale_of(history: np.ndarray, season: int, power: int = 1) -> float:
    """Mean seasonal difference of a history to a power; NaN where there is none."""
    if history.size <= season:
        return np.nan
    scale = (np.abs(history[season:] - history[:-season]) ** power).mean()
    return scale if scale > 0 else np.nan


def _times(indexes, places):
    """Time stamps at places of each series, end to end."""
    parts = [index[row] for index, row in zip(indexes, places, strict=True)]
    return parts[0].append(parts[1:])


def head(collection: Collection, lengths: np.ndarray) -> Collection:
    """The first ``lengths`` (n_series,) values of each series."""
    return cut(collection, np.zeros_like(lengths), lengths)


def _called(label):
    return "y" if label is None else f"Series {label!r}"
