"""Training by rounds on the partitions of a frame of Dask, Spark or Ray (local SGD).

In a round every partition trains the networks on its own windows for an epoch, all from the same
weights and moments of the optimiser; then these are averaged, weighted by windows, and validated on
a sample of series in this process (Stich 2019, arXiv 1805.09767; McMahan et al. 2017). What a
partition does in a round depends on its series, the seed and the state that it is sent: a task that
is repeated, on whichever machine, gives the same bits, so that a lost worker costs what it was at.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.data import Collection
from tsrnn.distributed import Engine, Task, least_value, ordered
from tsrnn.distributed.tasks import naming
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.fitter import Split, splits_of
from tsrnn.forecasting.inputs import read_series
from tsrnn.forecasting.more_series import (
    MoreSeries,
    Preparation,
    refuse_arguments,
    refuse_parameters,
)
from tsrnn.forecasting.resolve import held_out_of
from tsrnn.forecasting.skipping import readable_series
from tsrnn.kernels.sources import Source
from tsrnn.kernels.targets import claim
from tsrnn.network import Network
from tsrnn.training import EpochRunner, RemoteWindows, Round, Settings

_log = logging.getLogger("tsrnn")
N_SAMPLED = 1000  # series in this process, which validate
_N_TRIES = 3  # of a round, each with the retries of the engine
_MAX_PREPARED = 4  # partitions whose windows a worker keeps from round to round
_REMEDY = "Leave that out, or fit to a sample of the series (n_sample)."
# What cannot be had by rounds, with the only value that can.
_ONLY = {"device": "cpu", "max_seconds": None}


@dataclasses.dataclass(frozen=True, eq=False)
class PartitionedSeries(MoreSeries):
    """Series in the partitions of a frame, of which a sample is in this process."""

    forecaster: ForecasterBase
    engine: Engine
    frame: Any  # partitions of whole series, kept by the workers
    sample: Collection
    least: float
    seed: int

    def split(
        self, preparation: Preparation, split: Split, settings: Callable[[int], Settings]
    ) -> Split:
        """See ``MoreSeries``."""
        plan = Plan(uuid.uuid4().hex, clone(self.forecaster), preparation, self.seed)
        shared = self.engine.broadcast(plan)
        counts = np.array(self.engine.collect(self.frame, _count, shared)).reshape(-1, 2)
        n_training, n_whole = (int(n) for n in counts.sum(axis=0))
        _log.info("%d partition(s) train on %d windows", len(counts), n_training)
        parts = (n_training, split.training), (n_whole, split.whole)
        training, whole = (
            PartitionWindows(self, shared, number, size, windows)
            for number, (size, windows) in enumerate(parts)
        )
        return Split(training, split.validation, whole)


def partitioned_series(
    forecaster: ForecasterBase,
    engine: Engine,
    y: Any,
    seed: int,
    sample: Callable[[Any], pd.DataFrame],
    arguments: dict[str, Any],
) -> PartitionedSeries:
    """Series of a frame that a network is to be trained on by rounds; ``sample`` draws some."""
    where = f"a frame of {engine.name}, trained on by rounds"
    refuse_parameters(where, _REMEDY, forecaster, **_ONLY)
    refuse_arguments(where, _REMEDY, **arguments)
    frame = engine.persist(engine.partition(y, [forecaster.id_column]))
    column = forecaster.target_column
    values = engine.select(frame, [column])
    least = min(engine.collect(values, least_value, engine.broadcast(column)), default=np.inf)
    rows: Any = sample(frame)
    if forecaster.errors == "skip":
        rows, skipped = readable_series(forecaster, rows)
        if rows is None:
            raise skipped.errors[0]
    series = read_series(forecaster, rows)
    return PartitionedSeries(forecaster, engine, frame, series, least, seed)


@dataclasses.dataclass(frozen=True, eq=False)
class PartitionWindows(RemoteWindows):
    """Windows of all partitions."""

    series: PartitionedSeries
    shared: Any  # handle of the plan
    part: int  # 0 for the windows before what is held out, 1 for all
    size: int
    windows: Any  # those of the sample

    @property
    def in_memory(self) -> np.ndarray:  # type: ignore[override]
        """Windows of the sample."""
        return self.windows

    def train(self, network: Network, start: Round) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See ``RemoteWindows``; RuntimeError where workers are lost again and again."""
        engine = self.series.engine
        call = _TrainPartition(self.part, network.like(network.parameters[:0]), start)
        for attempt in range(_N_TRIES):
            try:
                results = engine.collect(self.series.frame, call, self.shared)
                break
            except (ValueError, KeyboardInterrupt):
                raise
            except Exception as error:
                if attempt == _N_TRIES - 1:
                    raise RuntimeError(
                        f"Round {start.number + 1} failed {_N_TRIES} times, for the reason above. "
                        "Nothing was changed: when the workers are there again, call fit again."
                    ) from error
                _log.warning("round %d is repeated: %s", start.number + 1, error)
        return averaged(results)


@dataclasses.dataclass(frozen=True)
class PartitionResult:
    """What a partition has trained in a round."""

    key: int  # by which partitions are ordered, whatever their numbers are
    n_windows: int
    parameters: np.ndarray
    moments: np.ndarray
    losses: np.ndarray


def averaged(
    results: list[PartitionResult | None],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameters, moments and losses of partitions, weighted by their windows.

    They are summed in the order of their keys, in float64: the order that an engine gives them in
    does not matter.
    """
    known = sorted((each for each in results if each is not None), key=lambda each: each.key)
    shares = np.array([each.n_windows for each in known], np.float64)
    shares /= shares.sum()

    def mean(name):
        parts = (share * getattr(each, name) for share, each in zip(shares, known, strict=True))
        return np.sum(list(parts), axis=0)

    return mean("parameters"), mean("moments"), mean("losses")


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What partitions need to know but the state of networks; sent once to each machine."""

    token: str  # of this fit, by which workers know what they have prepared
    forecaster: ForecasterBase
    preparation: Preparation
    seed: int


@dataclasses.dataclass(frozen=True, eq=False)
class _Prepared:
    """Windows of a partition."""

    source: Source
    windows: tuple[np.ndarray, np.ndarray]  # before what is held out, and all
    key: int


_prepared: dict[tuple, _Prepared | None] = {}  # of a worker, the last ones


def _prepare(partition, plan, task):
    """The windows of a partition, prepared once a worker; None where there is no good series."""
    forecaster = plan.forecaster
    ids = partition[forecaster.id_column]
    key = plan.token, len(partition), str(ids.iloc[0]), str(ids.iloc[-1])
    if key not in _prepared:
        while len(_prepared) >= _MAX_PREPARED:
            del _prepared[next(iter(_prepared))]
        with naming(partition, forecaster.id_column, task):
            _prepared[key] = _windows_of(ordered(partition, forecaster.id_column), plan)
    return _prepared[key]


def _windows_of(rows, plan):
    preparation = plan.preparation
    if plan.forecaster.errors == "skip":
        rows, _ = readable_series(plan.forecaster, rows)
        if rows is None:
            return None
    series = read_series(plan.forecaster, rows)
    spec = preparation.spec
    n_held_out = held_out_of(series, spec.lookback, spec.n_ahead, preparation.parameters)
    source, series = preparation.source(series, n_held_out)
    (split,) = splits_of(series, spec, n_held_out, False)
    first = str(series.ids[0]).encode()
    key = int.from_bytes(hashlib.blake2b(first, digest_size=8).digest(), "big")
    return _Prepared(source, (split.training, split.whole), key)  # type: ignore[arg-type]


def _count(partition: pd.DataFrame, plan: Plan, task: Task) -> tuple[int, int]:
    """Windows to train on, and all."""
    prepared = _prepare(partition, plan, task)
    return (0, 0) if prepared is None else (prepared.windows[0].size, prepared.windows[1].size)


@dataclasses.dataclass(frozen=True)
class _TrainPartition:
    """Trains networks on a partition for an epoch."""

    part: int
    network: Network  # without parameters
    start: Round

    def __call__(self, partition: pd.DataFrame, plan: Plan, task: Task) -> PartitionResult | None:
        prepared, start = _prepare(partition, plan, task), self.start
        if prepared is None or not prepared.windows[self.part].size:
            return None
        windows = prepared.windows[self.part]
        n_models = len(start.parameters)
        networks = [self.network.like(parameters) for parameters in start.parameters]
        seed = [plan.seed, self.part, start.number, prepared.key]
        rngs = [np.random.default_rng([*seed, model]) for model in range(n_models)]
        n_jobs = plan.forecaster.n_jobs or task.n_threads
        with claim("cpu", n_jobs) as workers:
            runner = EpochRunner(
                networks,
                prepared.source,
                [windows] * n_models,
                start.settings,
                rngs,
                workers,
                None,
            )
            runner.resume_from(start)
            losses = runner.run_epoch(lambda progress: None)
        result = runner.parameters, runner.moments, losses
        return PartitionResult(prepared.key, windows.size, *result)
