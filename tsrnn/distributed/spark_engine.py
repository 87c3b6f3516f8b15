"""Spark DataFrames, by Arrow: time zones, nulls and dates stay what they are."""

import pickle
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from tsrnn.distributed.arrow import schema_of_result, to_arrow, to_pandas
from tsrnn.distributed.engine import PartitionFunction, Task

_NUMBER, _RESULT = "partition", "result"


class SparkEngine:
    """Spark DataFrames of ``pyspark.sql``."""

    name = "Spark"

    def template(self, frame: Any) -> pd.DataFrame:
        return to_pandas(_arrow_schema(frame).empty_table())

    def partition(self, frame: Any, keys: Sequence[str]) -> Any:
        plan = frame._jdf.queryExecution().executedPlan().outputPartitioning()
        if plan.toString() == "SinglePartition":
            return frame
        if plan.getClass().getSimpleName() == "HashPartitioning":
            expressions = plan.expressions()
            columns = [expressions.apply(k).name() for k in range(expressions.size())]
            if columns == list(keys):
                return frame
        return frame.repartition(*keys)

    def broadcast(self, value: Any) -> Any:
        from pyspark.sql import SparkSession

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
