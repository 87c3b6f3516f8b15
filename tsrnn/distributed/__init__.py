"""Frames of Dask, Spark and Ray: the same estimators, mapped over partitions of whole series.

An engine is one file that names its library; nothing else does, and none is imported before a frame
of it is given.
"""

from tsrnn.distributed.engine import Engine, PartitionFunction, Task, engine_of
from tsrnn.distributed.local import LocalFit, fit_local
from tsrnn.distributed.mapping import (
    map_method,
    on_engines,
    refuse_columns,
    refuse_frames,
    template_of,
)
from tsrnn.distributed.sample import least_value, sample_series, sampled
from tsrnn.distributed.tasks import Call, Partitioned, ordered

__all__ = [
    "Call",
    "Engine",
    "LocalFit",
    "PartitionFunction",
    "Partitioned",
    "Task",
    "engine_of",
    "fit_local",
    "least_value",
    "map_method",
    "on_engines",
    "ordered",
    "refuse_columns",
    "refuse_frames",
    "sample_series",
    "sampled",
    "template_of",
]
