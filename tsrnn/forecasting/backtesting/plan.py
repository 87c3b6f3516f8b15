"""How forecasters are backtested: origins, fits between them, and the table of forecasts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.data import Collection, Covariates, Location, affected
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.backtesting.block import Block, head
from tsrnn.forecasting.backtesting.libraries import LibraryForecaster
from tsrnn.forecasting.backtesting.networks import network_forecasts
from tsrnn.forecasting.backtesting.result import Backtest
from tsrnn.forecasting.backtesting.simple import simple_forecasts
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.forecasting.metrics.points import scale_or_nan


@dataclasses.dataclass(frozen=True)
class BacktestPlan:
    """The origins of a backtest, and when forecasters are fitted."""

    lead: str  # name of the network whose season and channels others take
    n_windows: int
    step: int  # from one origin to the next
    refit: bool | int
    coverages: Sequence[float]
    quantiles: Sequence[float]
    has_prefixes: bool  # whether columns of intervals and quantiles begin with the forecaster

    def run(
        self,
        forecasters: dict[str, Any],
        collection: Collection,
        covariates: Covariates | None = None,
        static: pd.DataFrame | None = None,
        state: FittedForecaster | None = None,
        verbose: int = 0,
    ) -> Backtest:
        """Forecasts of all forecasters; the lead is not fitted if there is a ``state`` of it."""
        horizon, n_windows = forecasters[self.lead].horizon, self.n_windows
        ends = _origins(collection, horizon, n_windows, self.step)
        block = Block(collection, ends, horizon, self.coverages, self.quantiles)
        rounds = _Rounds(
            forecasters, self.lead, covariates, static, self.has_prefixes, {}, state=state
        )
        # origins of a fit
        n_origins = n_windows if self.refit is False else int(self.refit)
        with progress_bar("backtest", verbose) as show:
            parts = []
            for first in range(0, n_windows, n_origins):
                part = dataclasses.replace(block, ends=ends[:, first : first + n_origins])
                parts.append(rounds.columns(part))
                show(min(1.0, (first + n_origins) / n_windows))
        columns = {
            name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]
        }
        return _gathered(block, rounds, columns)

    def fitted_state(self, lead: RNNForecaster, collection: Collection) -> FittedForecaster:
        """The state of the lead, fitted before the first origin."""
        ends = _origins(collection, lead.horizon, self.n_windows, self.step)
        return clone(lead).set_params(n_sample=None).fit(head(collection, ends[:, 0])).fitted_


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
    state: FittedForecaster | None = None  # of the lead, if it was fitted elsewhere

    def columns(self, block: Block) -> dict[str, np.ndarray]:
        """Columns of all forecasters, (n_series, n_origins, horizon)."""
        started = time.perf_counter()
        lead = self.forecasters[self.lead]
        covariates, static = self._read_by(lead)
        lead_columns, state, whole = network_forecasts(lead, block, covariates, static, self.state)
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
