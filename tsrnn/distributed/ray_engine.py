"""Ray Datasets."""

import functools
import pickle
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import ray

from tsrnn.distributed.arrow import schema_of_result, to_arrow, to_pandas
from tsrnn.distributed.engine import PartitionFunction, Task

_SCHEMAS: WeakKeyDictionary = WeakKeyDictionary()  # of frames that were moved
_ORDER, _RESULT = "order", "result"


class RayEngine:
    """Ray Datasets; a partition is a block."""

    name = "Ray"

    def template(self, frame: Any) -> pd.DataFrame:
        return to_pandas(_arrow_schema(frame).empty_table())

    def select(self, frame: Any, columns: Sequence[str]) -> Any:
        return frame.select_columns(list(columns))

    def partition(self, frame: Any, keys: Sequence[str]) -> Any:
        keys = list(keys)
        plan = getattr(frame, "_logical_plan", None)  # Ray's own; without it rows are moved
        if list(getattr(getattr(plan, "dag", None), "keys", None) or ()) == keys:
            return frame
        if isinstance(frame, ray.data.dataset.MaterializedDataset) and frame.num_blocks() == 1:
            return frame
        moved = frame.repartition(_n_blocks(frame), keys=keys)
        _SCHEMAS[moved] = _arrow_schema(frame)  # which Ray would move all rows to know
        return moved

    def broadcast(self, value: Any) -> Any:
        return ray.put(value)

    def map_partitions(
        self,
        frame: Any,
        function: PartitionFunction,
        template: pd.DataFrame,
        shared: Any = None,
    ) -> Any:
        schema = schema_of_result(template, _arrow_schema(frame))
        call = functools.partial(_mapped, function=function, schema=schema, shared=shared)
        return frame.map_batches(call, batch_size=None, batch_format="pyarrow")

    def collect(self, frame: Any, function: PartitionFunction, shared: Any = None) -> list:
        call = functools.partial(_collected, function=function, shared=shared)
        rows = frame.map_batches(call, batch_size=None, batch_format="pyarrow").take_all()
        # Blocks have no numbers, and come as they are ready.
        return [pickle.loads(row[_RESULT]) for row in sorted(rows, key=lambda row: row[_ORDER])]

    def persist(self, frame: Any) -> Any:
        return frame.materialize()


def _n_blocks(frame):
    """As many blocks as there are, if that is known, else as many as cores."""
    try:
        n_blocks = frame.num_blocks()
    except (NotImplementedError, AttributeError):
        n_blocks = 0
    return n_blocks if n_blocks > 1 else max(2, int(ray.cluster_resources().get("CPU", 2)))


def _arrow_schema(frame):
    """Arrow types of the columns."""
    if frame in _SCHEMAS:
        return _SCHEMAS[frame]
    schema = frame.schema().base_schema
    if not isinstance(schema, pa.Schema):  # of blocks that are pandas frames
        empty = {
            name: pd.Series([], dtype="str" if dtype is np.dtype(object) else dtype)
            for name, dtype in zip(schema.names, schema.types, strict=True)
        }
        schema = pa.Schema.from_pandas(pd.DataFrame(empty), preserve_index=False)
    return schema


def _mapped(table, function, schema, shared):
    if not table.num_rows:
        return schema.empty_table()
    return to_arrow(function(to_pandas(table), _value(shared), _task()), schema)


def _collected(table, function, shared):
    orders, results = [], []
    if table.num_rows:
        orders.append(_extent(table))
        results.append(pickle.dumps(function(to_pandas(table), _value(shared), _task())))
    types = {_ORDER: pa.string(), _RESULT: pa.large_binary()}
    return pa.table({_ORDER: orders, _RESULT: results}, pa.schema(types))


def _extent(table):
    """A text that orders blocks by what is in them, whatever the order of their rows."""
    extents = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        extents.append(str(pc.min_max(column)))
    return "; ".join([*extents, str(table.num_rows)])


def _value(shared):
    return None if shared is None else ray.get(shared)


def _task():
    n_cpus = ray.get_runtime_context().get_assigned_resources().get("CPU", 1)
    return Task(n_threads=max(1, int(n_cpus)))


ENGINE = RayEngine()
