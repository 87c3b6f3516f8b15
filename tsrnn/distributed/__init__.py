"""Frames of Dask, Spark and Ray: the same estimators, mapped over partitions of whole series.

An engine is one file that names its library; nothing else does, and none is imported before a frame
of it is given.
"""

from tsrnn.distributed.engine import Engine, PartitionFunction, Task, engine_of

__all__ = ["Engine", "PartitionFunction", "Task", "engine_of"]
