"""Spark DataFrames, by Arrow: time zones, nulls and dates stay what they are."""

import pickle
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from tsrnn.distributed.arrow import schema_of_result, to_arrow, to_pandas
from tsrnn.distributed.engine import PartitionFunction, Task

_NUMBER, _RESULT = "partition", "result"


class SparkEngine:
    """Spark DataFrames of ``pyspark.sql``."""

    name = "Spark"

    def template(self, frame: Any) -> pd.DataFrame:
        return to_pandas(_arrow_schema(frame).empty_table())

    def select(self, frame: Any, columns: Sequence[str]) -> Any:
        return frame.select(*columns)

    def partition(self, frame: Any, keys: Sequence[str]) -> Any:
        if _is_partitioned(frame, list(keys)):
            return frame
        # A number of partitions keeps Spark from making one of them where there is little data:
        # what is done with a row takes much longer than to read it.
        n = max(frame.rdd.getNumPartitions(), frame.sparkSession.sparkContext.defaultParallelism)
        return frame.repartition(n, *keys)

    def broadcast(self, value: Any) -> Any:
        return SparkSession.active().sparkContext.broadcast(value)

    def map_partitions(
        self,
        frame: Any,
        function: PartitionFunction,
        template: pd.DataFrame,
        shared: Any = None,
    ) -> Any:
        schema = schema_of_result(template, _arrow_schema(frame))

        def call(batches):
            table = _table(batches)
            if table is not None:
                result = function(to_pandas(table), _value(shared), _task())
                yield from to_arrow(result, schema).to_batches()

        return frame.mapInArrow(call, from_arrow_schema(schema))

    def collect(self, frame: Any, function: PartitionFunction, shared: Any = None) -> list:
        def call(batches):
            table = _table(batches)
            if table is not None:
                task = _task()
                result = pickle.dumps(function(to_pandas(table), _value(shared), task))
                columns = {_NUMBER: [task.partition], _RESULT: [result]}
                yield pa.RecordBatch.from_pydict(columns)

        rows = frame.mapInArrow(call, f"{_NUMBER} bigint, {_RESULT} binary").collect()
        return [pickle.loads(row[_RESULT]) for row in sorted(rows, key=lambda row: row[_NUMBER])]

    def persist(self, frame: Any) -> Any:
        frame = frame.persist()
        frame.count()
        return frame


def _is_partitioned(frame, keys):
    """Whether rows of equal keys are known to be in one partition."""
    java = getattr(frame, "_jdf", None)  # Spark's own, and none where Spark is a server
    if java is None:
        return False
    plan = java.queryExecution().analyzed()
    columns = plan.output()
    names = {columns.apply(k).toString(): columns.apply(k).name() for k in range(columns.size())}
    while plan.getClass().getSimpleName() in ("Project", "Filter"):
        plan = plan.child()
    kind = plan.getClass().getSimpleName()
    if kind == "Repartition":
        return plan.numPartitions() == 1
    if kind != "RepartitionByExpression":
        return False
    by = plan.partitionExpressions()
    return [names.get(by.apply(k).toString()) for k in range(by.size())] == keys


def _arrow_schema(frame):
    return to_arrow_schema(frame.schema, timezone=_zone(frame))


def _zone(frame):
    return frame.sparkSession.conf.get("spark.sql.session.timeZone")


def _table(batches):
    """All rows of a partition; None if there are none."""
    parts = [batch for batch in batches if batch.num_rows]
    return pa.Table.from_batches(parts) if parts else None


def _value(shared):
    return None if shared is None else shared.value


def _task():
    context = TaskContext.get()
    return Task(context.partitionId(), max(1, context.cpus()))


ENGINE = SparkEngine()
