"""A model of each series: partitions fit those of their own series, and keep them."""

import dataclasses
import pickle
from typing import Any

import pandas as pd

from tsrnn.distributed.engine import Engine, Task
from tsrnn.distributed.tasks import Call, Partitioned, naming, ordered

# One row for each partition.
_MODELS = pd.DataFrame(
    {
        "n_series": pd.Series([], dtype="int64"),
        "n_skipped": pd.Series([], dtype="int64"),
        "fitted": pd.Series([], dtype=object),  # pickled
        "skipped": pd.Series([], dtype=object),
    }
)


@dataclasses.dataclass(frozen=True, eq=False)
class LocalFit:
    """The models that the partitions of a frame fitted, which the engine keeps."""

    engine: Engine
    models: Any  # frame of the engine: a row for each partition, with its fitted state
    template: pd.DataFrame  # of the frame that was fitted
    n_series: int
    n_skipped: int

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"Each partition of the {self.engine.name} frame has fitted models of its own, and "
            "there is none of all series: predict() and the other predictions of the fitted "
            "series work, what looks into a network does not. Fit some of the series, as a pandas "
            "frame."
        )

    def map_method(self, estimator: Partitioned, method: str, arguments: dict[str, Any]) -> Any:
        """A frame with the results of a method for the fitted series."""
        template = estimator.template(self.template, method, arguments, self.engine.name)
        call = Call(estimator.with_fitted(None), method, arguments, template)
        shared = self.engine.broadcast(call)
        return self.engine.map_partitions(self.models, _predict, template, shared)

    def skipped(self, estimator: Partitioned) -> Any:
        """A frame of the series that were left out in fitting."""
        template = estimator.template(self.template, "check_series", {}, self.engine.name)
        return self.engine.map_partitions(self.models, _skipped, template, None)


def fit_local(estimator: Partitioned, engine: Engine, y: Any, arguments: dict) -> LocalFit:
    """Fit each partition's series by themselves, all of a partition in one call.

    Computed at once. What is fitted stays with the engine, in memory or on the disks of workers;
    a partition that is lost is fitted again, to the same bits.
    """
    template = engine.template(y)
    series = engine.partition(y, [estimator.id_column])
    shared = engine.broadcast(Call(estimator, "fit", arguments, _MODELS))
    models = engine.persist(engine.map_partitions(series, _fit, _MODELS, shared))
    numbers = engine.collect(models, _count)
    n_series, n_skipped = (sum(column) for column in zip(*numbers, strict=True))
    return LocalFit(engine, models, template, n_series, n_skipped)


def _fit(partition: pd.DataFrame, call: Call, task: Task) -> pd.DataFrame:
    """A row with the models of a partition."""
    estimator = call.estimator.with_threads(task.n_threads)
    with naming(partition, estimator.id_column, task):
        rows = ordered(partition, estimator.id_column)
        n_series, fitted, skipped = estimator.fit(rows, call.arguments)
    row = [n_series, len(skipped), pickle.dumps(fitted), pickle.dumps(skipped)]
    return pd.DataFrame(dict(zip(call.template.columns, ([value] for value in row), strict=True)))


def _predict(models: pd.DataFrame, call: Call, task: Task) -> pd.DataFrame:
    """Results of a method for the series of the partitions whose models these are."""
    estimator, results = call.estimator.with_threads(task.n_threads), []
    for state in map(pickle.loads, models["fitted"]):
        if state is not None:
            result = estimator.with_fitted(state).call_fitted(call.method, call.arguments)
            results.append(ordered(result, estimator.id_column))
    return pd.concat(results, ignore_index=True) if results else call.template


def _count(models: pd.DataFrame, shared: None, task: Task) -> tuple[int, int]:
    return int(models["n_series"].sum()), int(models["n_skipped"].sum())


def _skipped(models: pd.DataFrame, shared: None, task: Task) -> pd.DataFrame:
    return pd.concat([pickle.loads(skipped) for skipped in models["skipped"]], ignore_index=True)
