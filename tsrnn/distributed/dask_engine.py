"""Dask DataFrames."""

from collections.abc import Sequence
from typing import Any

import dask
import pandas as pd
from dask.dataframe.dispatch import make_meta

from tsrnn.distributed.engine import PartitionFunction, Task


class DaskEngine:
    """Dask DataFrames, with any of Dask's schedulers."""

    name = "Dask"

    def template(self, frame: Any) -> pd.DataFrame:
        return _flat(make_meta(frame))

    def select(self, frame: Any, columns: Sequence[str]) -> Any:
        return frame[[column for column in columns if column in frame.columns]]

    def partition(self, frame: Any, keys: Sequence[str]) -> Any:
        keys = list(keys)
        if frame.npartitions == 1:
            return frame
        if frame.known_divisions and frame.index.name == keys[0]:  # equal ones are never split
            return frame
        # What Dask itself asks, to leave out a shuffle before a merge or a groupby.
        shuffled_by = getattr(frame.expr, "unique_partition_mapping_columns_from_shuffle", ())
        if tuple(keys) in shuffled_by:
            return frame
        return frame.shuffle(on=keys)

    def broadcast(self, value: Any) -> Any:
        # A node of the graph, which is computed anew if the worker that holds it is lost.
        return dask.delayed(value, pure=True, traverse=False)

    def map_partitions(
        self,
        frame: Any,
        function: PartitionFunction,
        template: pd.DataFrame,
        shared: Any = None,
    ) -> Any:
        call = _Mapped(function, template)
        return frame.map_partitions(
            call, shared, meta=template, enforce_metadata=False
        ).clear_divisions()

    def collect(self, frame: Any, function: PartitionFunction, shared: Any = None) -> list:
        call = dask.delayed(_call_on, pure=True)
        parts = frame.to_delayed()
        results = dask.compute(
            *(call(part, shared, function, number) for number, part in enumerate(parts))
        )
        return [result[0] for result in results if result]

    def persist(self, frame: Any) -> Any:
        return frame.persist()


class _Mapped:
    """A function of a partition, as Dask calls it."""

    def __init__(self, function: PartitionFunction, template: pd.DataFrame):
        self.function, self.template = function, template

    def __call__(self, partition, shared, partition_info=None):
        number = None if partition_info is None else partition_info["number"]
        result = _call_on(partition, shared, self.function, number)
        return result[0] if result else self.template


def _call_on(partition, shared, function, number):
    """The result of a function in a list, which is empty for a partition without rows."""
    if not len(partition):
        return []
    # One thread: Dask runs as many tasks at once as it gives a worker threads.
    return [function(_flat(partition), shared, Task(number))]


def _flat(frame):
    """Rows with the ids that Dask may keep in the index as a column."""
    return frame if frame.index.name is None else frame.reset_index()


ENGINE = DaskEngine()
