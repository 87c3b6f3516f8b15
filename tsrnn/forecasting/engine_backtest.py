"""Backtests on frames of Dask, Spark or Ray: each task forecasts the series of a partition."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.data.forms import SingleSeries
from tsrnn.distributed import Engine, Task, ordered, refuse_columns, sample_series
from tsrnn.forecasting.backtesting import Backtest, BacktestPlan
from tsrnn.forecasting.backtesting.scores import POINT_METRICS
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.forecasting.inputs import read_series
from tsrnn.forecasting.partitions import resolved_by_sample
from tsrnn.forecasting.skipping import readable_series
from tsrnn.forecasting.uncertainty import levels_by_column
from tsrnn.parameters import sample_seed

_SCALES = "scale of MASE", "scale of RMSSE"


@dataclasses.dataclass(frozen=True, eq=False)
class BacktestJob:
    """What each task does."""

    plan: BacktestPlan
    forecasters: dict[str, Any]
    lead: str  # name of the RNNForecaster
    template: pd.DataFrame
    state: FittedForecaster | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class PartitionedBacktest:
    """Forecasts from past origins of series in a frame of Dask, Spark or Ray, and their errors.

    Attributes
    ----------
    forecasts : frame of the engine
        As in :class:`Backtest`, computed and kept by the workers.
    forecasters : tuple of str
        Names of the forecasters.
    horizon : int
        Steps forecast.
    """

    forecasts: Any
    forecasters: tuple[str, ...]
    horizon: int
    rows: Any = dataclasses.field(repr=False)  # the same with the scales of each series
    engine: Engine = dataclasses.field(repr=False)
    job: BacktestJob = dataclasses.field(repr=False)

    def metrics(self) -> pd.DataFrame:
        """Errors of each forecaster, averaged over origins and steps, then over series.

        Returns
        -------
        DataFrame
            A row for each forecaster, with the columns of :meth:`Backtest.metrics` without those of
            intervals and quantiles; computed at once.
        """
        parts = self.engine.collect(self.rows, _partial_scores, self.engine.broadcast(self.job))
        if not parts:
            raise ValueError("There is nothing to score: all series were left out.")
        sums, absolute, n_series = (sum(part) for part in zip(*parts, strict=True))
        table = pd.DataFrame(sums / n_series, list(self.forecasters), list(POINT_METRICS))
        errors, actual = absolute[:-1], absolute[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            table["WAPE"] = 100 * errors / actual
        return table


def backtest_on_engine(
    engine: Engine,
    y: Any,
    plan: BacktestPlan,
    forecasters: dict[str, Any],
) -> PartitionedBacktest:
    """Backtest the series of a frame of an engine; see ``backtest``."""
    lead_name = plan.lead
    lead: RNNForecaster = forecasters[lead_name]
    if sum(isinstance(forecaster, RNNForecaster) for forecaster in forecasters.values()) > 1:
        raise ValueError(f"y is a frame of {engine.name}: give one RNNForecaster.")
    id_column, frame = lead.id_column, engine.template(y)
    refuse_columns(frame, [id_column, lead.time_column, lead.target_column], engine.name)
    is_local = lead.scope == "local"
    if not is_local and (plan.refit is not False or lead.n_sample is None):
        raise ValueError(
            f"y is a frame of {engine.name}: the network is fitted once, to a sample of the series "
            "before the first origin. Use refit=False, and an RNNForecaster with n_sample, or with "
            "scope='local'."
        )
    seed, arguments = sample_seed(lead.random_state), {"X": None, "static": None}
    state = None
    if is_local:
        lead = resolved_by_sample(lead, engine, y, arguments)
    else:
        rows = sample_series(engine, y, id_column, lead.n_sample or 0, seed)
        if lead.errors == "skip":
            rows, skipped = readable_series(lead, rows)
            if rows is None:
                raise skipped.errors[0]
        state = plan.fitted_state(lead, read_series(lead, rows)).without_history()
    forecasters = forecasters | {lead_name: lead}
    template = _template(lead, frame, forecasters, plan)
    job = BacktestJob(plan, forecasters, lead_name, template, state)
    series = engine.partition(y, [id_column])
    rows = engine.map_partitions(series, _backtest_partition, template, engine.broadcast(job))
    rows = engine.persist(rows)
    columns = template.columns.drop(list(_SCALES)).tolist()
    forecasts = engine.select(rows, columns)
    return PartitionedBacktest(forecasts, tuple(forecasters), lead.horizon, rows, engine, job)


def _template(lead, frame, forecasters, plan):
    """Columns and dtypes of forecasts with their scales."""
    keys = frame[[lead.id_column, lead.time_column]].iloc[:0]
    keys.insert(1, "cutoff", frame[lead.time_column].iloc[:0])
    spreads = list(levels_by_column(plan.coverages, plan.quantiles))
    if spreads and plan.has_prefixes:
        raise ValueError(
            "On a frame of an engine intervals and quantiles are those of one forecaster: give one "
            "RNNForecaster, not several in a list, and baselines=()."
        )
    names = [lead.target_column, *forecasters, *spreads, *_SCALES]
    numbers = pd.DataFrame({name: pd.Series([], dtype="float64") for name in names})
    return pd.concat([keys.reset_index(drop=True), numbers], axis=1)


def _backtest_partition(partition: pd.DataFrame, job: BacktestJob, task: Task) -> pd.DataFrame:
    """Forecasts for the series of a partition, with the scales of each."""
    lead = clone(job.forecasters[job.lead])
    if lead.n_jobs is None:
        lead.n_jobs = task.n_threads
    lead.is_part = True
    rows: Any = ordered(partition, lead.id_column)
    if lead.errors == "skip":
        rows = readable_series(lead, rows)[0]
        lead.errors = "raise"
        if rows is None:
            return job.template
    step = None if job.state is None else job.state.history.axes[0].step
    collection = read_series(lead, rows, step)
    result = job.plan.run(job.forecasters | {job.lead: lead}, collection, state=job.state)
    forecasts, n_rows = result.forecasts, len(result.forecasts) // len(result.scales)
    scales = zip(_SCALES, (result.scales, result.squared_scales), strict=True)
    forecasts = forecasts.assign(**{name: part.repeat(n_rows) for name, part in scales})
    forecasts = forecasts.rename(columns=dict(zip(forecasts.columns, job.template, strict=True)))
    dtypes = job.template.dtypes
    return ordered(forecasts, lead.id_column).astype({lead.id_column: dtypes[lead.id_column]})


def _partial_scores(rows: pd.DataFrame, job: BacktestJob, task: Task) -> tuple:
    """Sums over the series of a partition: scores, absolute errors and values, and their number."""
    lead, names = job.forecasters[job.lead], list(job.forecasters)
    rows = ordered(rows, lead.id_column)
    scales = rows.groupby(lead.id_column, sort=False, observed=True)[list(_SCALES)].first()
    keys = {lead.id_column: "unique_id", lead.time_column: "ds", lead.target_column: "y"}
    result = Backtest(
        forecasts=rows.rename(columns=keys),
        forecasters=tuple(names),
        horizon=lead.horizon,
        season=1,
        scales=scales[_SCALES[0]].to_numpy(),
        squared_scales=scales[_SCALES[1]].to_numpy(),
        static=None,
        seconds={},
        form=SingleSeries(None),
        has_prefixes=True,
    )
    table = result.metrics(by="unique_id", metrics=list(POINT_METRICS)).to_numpy()
    table = table.reshape(-1, len(names), len(POINT_METRICS))
    known = rows[rows[lead.target_column].notna()]
    actual = known[lead.target_column].to_numpy(float)
    errors = [np.abs(known[name].to_numpy(float) - actual).sum() for name in names]
    return table.sum(axis=0), np.array([*errors, np.abs(actual).sum()]), len(table)
