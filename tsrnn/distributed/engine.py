"""What is asked of an engine, and which engine a frame belongs to."""

import dataclasses
import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import pandas as pd

_MODULES = {
    "dask": "tsrnn.distributed.dask_engine",
    "pyspark": "tsrnn.distributed.spark_engine",
    "ray": "tsrnn.distributed.ray_engine",
}
# What the types of frames are called: "module.name", with any submodule between.
_FRAMES = {
    "dask": r"dask\.dataframe\..*\bDataFrame",
    "pyspark": r"pyspark\.sql\.(?!connect\.).*\bDataFrame",
    "ray": r"ray\.data\..*\b(Materialized)?Dataset",
}
_REMEDIES = {
    "dask": "Give a dask.dataframe.DataFrame: series.reset_index() or to_frame() makes one.",
    "pyspark": "Give a pyspark.sql.DataFrame: to_spark() of a pyspark.pandas one makes it; frames "
    "of Spark Connect are not supported.",
    "ray": "Give a ray.data.Dataset.",
}


@dataclasses.dataclass(frozen=True)
class Task:
    """What a function of a partition knows of the task that runs it."""

    partition: int | None = None  # number of the partition, where the engine tells
    n_threads: int = 1  # threads that the engine gave the task


# (rows of the partition, the shared value, the task) -> result; never called without rows
PartitionFunction = Callable[[pd.DataFrame, Any, Task], Any]


class Engine(Protocol):
    """Frames of one library whose rows are in partitions, maybe on many machines.

    Functions and shared values are sent by pickle (functions by cloudpickle) and may be called
    several times for the same partition: what they return must depend on their arguments alone.
    """

    name: str  # for messages: "Dask"

    def template(self, frame: Any) -> pd.DataFrame:
        """A frame without rows, of the columns and dtypes that functions are given."""

    def select(self, frame: Any, columns: Sequence[str]) -> Any:
        """The frame with some of its columns, so that others need not be read."""

    def partition(self, frame: Any, keys: Sequence[str]) -> Any:
        """The frame with all rows of equal keys in one partition, by their hash.

        As it is, if it is known to be so.
        """

    def broadcast(self, value: Any) -> Any:
        """A handle of a value, for ``shared``: it is sent once to each machine or worker."""

    def map_partitions(
        self,
        frame: Any,
        function: PartitionFunction,
        template: pd.DataFrame,
        shared: Any = None,
    ) -> Any:
        """The frames that a function gives for each partition, as one frame of the same library.

        Lazy where the library is. ``template`` has no rows, and the columns and dtypes of the
        result; ``shared`` is a handle.
        """

    def collect(self, frame: Any, function: PartitionFunction, shared: Any = None) -> list:
        """Small results of a function for each partition with rows, in the partitions' order.

        Computed at once.
        """

    def persist(self, frame: Any) -> Any:
        """The frame, computed and kept by the workers; computed anew where one of them is lost."""


def engine_of(frame: Any) -> Engine | None:
    """The engine of a frame of Dask, Spark or Ray; None for what is of no such library.

    Raises
    ------
    TypeError
        For what is of these libraries, and no frame.
    """
    kind = f"{type(frame).__module__}.{type(frame).__qualname__}"
    library = kind.partition(".")[0]
    if library not in _MODULES:
        return None
    if not re.fullmatch(_FRAMES[library], kind):
        raise TypeError(f"Of {library}, {kind} is not supported. {_REMEDIES[library]}")
    return importlib.import_module(_MODULES[library]).ENGINE
