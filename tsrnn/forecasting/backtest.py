"""Backtests: forecasts from past origins, compared with the actual values and with baselines."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import Collection, Location, affected
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.backtesting import (
    BASELINES,
    Backtest,
    Block,
    ForecasterOptions,
    LibraryForecaster,
    lead_of,
    named_forecasters,
    network_forecasts,
    simple_forecasts,
)
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.forecasting.inputs import read_covariates, read_series, read_static
from tsrnn.forecasting.metrics.points import scale_or_nan
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

__all__ = ["Backtest", "backtest"]

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
) -> Backtest:
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
    y : array, Series or DataFrame
    X, static : DataFrame, optional
        As in ``RNNForecaster.fit``. Covariates known in the future are read with their actual
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
        itself in notebooks.

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
    horizon, step = lead.horizon, lead.horizon if step is None else step
    collection = read_series(lead, y)
    covariates, static = read_covariates(lead, X), read_static(lead, static)
    ends = _origins(collection, horizon, n_windows, step)
    block = Block(collection, ends, horizon, as_levels(coverage), as_levels(quantiles))
    rounds = _Rounds(forecasters, lead_name, covariates, static, not is_one, {})
    n_origins = n_windows if refit is False else int(refit)  # of a fit
    with progress_bar("backtest", verbose) as show:
        parts = []
        for first in range(0, n_windows, n_origins):
            part = dataclasses.replace(block, ends=ends[:, first : first + n_origins])
            parts.append(rounds.columns(part))
            show(min(1.0, (first + n_origins) / n_windows))
    columns = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    return _gathered(block, rounds, columns)


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


@dataclasses.dataclass(eq=False)
class _Rounds:
    """Forecasters that are fitted, one round after the other, to blocks of origins."""

    forecasters: dict[str, Any]
    lead: str  # name of the network whose season and channels others take
    covariates: Any
    static: pd.DataFrame | None
    has_prefixes: bool
    seconds: dict[str, float]
    season: int = 0  # that of the lead's first fit

    def columns(self, block: Block) -> dict[str, np.ndarray]:
        """Columns of all forecasters, (n_series, n_origins, horizon)."""
        started = time.perf_counter()
        lead = self.forecasters[self.lead]
        lead_columns, state, whole = network_forecasts(lead, block, *self._read_by(lead))
        self.season = self.season or state.spec.season
        self._count(self.lead, started)
        others = dataclasses.replace(
            block, collection=whole, season=self.season, n_known=state.spec.n_known
        )
        columns: dict[str, np.ndarray] = {}
        for name, forecaster in self.forecasters.items():
            if name == self.lead:
                columns |= self._named(name, lead_columns)
                continue
            started = time.perf_counter()
            try:
                columns |= self._named(name, self._forecasts(forecaster, block, others))
            except Exception as error:
                error.add_note(f"This is of the forecaster {name!r} of the backtest.")
                raise
            self._count(name, started)
        return columns

    def _forecasts(self, forecaster, block, others):
        """Columns of one forecaster: "" of forecasts, others of intervals and quantiles."""
        if isinstance(forecaster, RNNForecaster):
            return network_forecasts(forecaster, block, *self._read_by(forecaster))[0]
        if isinstance(forecaster, str):
            return {"": simple_forecasts(forecaster, others)}
        result = forecaster.forecasts(others)
        return result if isinstance(forecaster, LibraryForecaster) else {"": result}

    def _read_by(self, network):
        """Covariates and static values; of several networks the pretrained one reads none."""
        is_alone = self.has_prefixes and network.max_iter == 0
        return (None, None) if is_alone else (self.covariates, self.static)

    def _named(self, name, columns):
        prefix = f"{name}_" if self.has_prefixes else ""
        return {
            name if column in ("", "RNNForecaster") else f"{prefix}{column}": values
            for column, values in columns.items()
        }

    def _count(self, name, started):
        seconds = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


def _gathered(block, rounds, columns):
    """The result, from columns of forecasts, (n_series, n_origins, horizon)."""
    collection, ends, horizon = block.collection, block.ends, block.horizon
    panel, actual, form = collection.panel, collection.targets, collection.form
    steps = np.arange(horizon)
    places = (panel.indptr[:-1, None] + ends)[:, :, None] + steps
    names = tuple(rounds.forecasters)
    columns = {name: columns.pop(name) for name in names} | columns  # intervals after forecasts
    id_column, time_column, target_column = form.long_names
    keys = id_column, "cutoff", time_column, target_column
    _check_names([*keys, *columns])
    labels = [0 if label is None else label for label in collection.ids]
    indexes = [axis.index for axis in collection.axes]
    cutoffs, n_rows = np.repeat(ends - 1, horizon, axis=1), ends.shape[1] * horizon
    data = {
        id_column: pd.Series(labels).repeat(n_rows).to_numpy(),
        "cutoff": _stamps(indexes, cutoffs),
        time_column: _stamps(indexes, (ends[:, :, None] + steps).reshape(len(ends), -1)),
        target_column: actual[places].ravel(),
    }
    frame = pd.DataFrame(data | {name: values.ravel() for name, values in columns.items()})
    scales, squared_scales = _scales(collection, ends[:, 0], rounds.season)
    static = rounds.static
    if static is not None and collection.ids != [None]:
        static = static.reindex(pd.Index(collection.ids))
    return Backtest(
        forecasts=form.frame(frame),
        forecasters=names,
        horizon=horizon,
        season=rounds.season,
        scales=scales,
        squared_scales=squared_scales,
        static=static,
        seconds=rounds.seconds,
        form=form,
        has_prefixes=rounds.has_prefixes,
    )


def _scales(collection, n_known, season):
    """Mean absolute and squared seasonal differences of the first values, (n_series,) each."""
    bounds = zip(collection.panel.indptr[:-1], n_known, strict=True)
    histories = [collection.targets[first : first + n] for first, n in bounds]
    return tuple(
        np.array([scale_or_nan(history, season, squared) for history in histories])
        for squared in (False, True)
    )


def with_season(
    result: Backtest, collection: Collection, n_known: np.ndarray, season: int
) -> Backtest:
    """A backtest with errors scaled by another season; ``n_known`` values at the first origin."""
    scales, squared_scales = _scales(collection, n_known, season)
    return dataclasses.replace(result, season=season, scales=scales, squared_scales=squared_scales)


def _check_names(names):
    """Refuse forecasters with the name of another column of the result."""
    repeated = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if repeated is not None:
        raise ValueError(
            f"{repeated!r} would be the name of two columns of the result, {names}. Give the "
            "forecasters other names, by a dict, or rename the column of y."
        )


def _stamps(indexes, places):
    """Time stamps at places of each series, end to end."""
    parts = [index[row] for index, row in zip(indexes, places, strict=True)]
    return parts[0].append(parts[1:])
