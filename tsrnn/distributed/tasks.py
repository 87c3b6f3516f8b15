"""What tasks do with the partition that they are given."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.distributed.engine import Task


class Call(NamedTuple):
    """A method of an estimator, to be called for the series of each partition as ``y``."""

    estimator: Any
    method: str
    arguments: dict[str, Any]
    template: pd.DataFrame  # of the result


def call_method(partition: pd.DataFrame, call: Call, task: Task) -> pd.DataFrame:
    """Results of a method for the series of a partition, in the order of their ids."""
    estimator = on_task(call.estimator, task)
    with naming(partition, estimator.id_column, task):
        result = estimator._call_on_partition(call.method, partition, call.arguments)
    return call.template if result is None else ordered(result, estimator.id_column)


def on_task(estimator: Any, task: Task) -> Any:
    """A copy of an estimator with the threads of the task, unless it has a number of its own."""
    estimator = copy.copy(estimator)
    if getattr(estimator, "n_jobs", 1) is None:
        estimator.n_jobs = task.n_threads
    return estimator


def ordered(frame: pd.DataFrame, id_column: str) -> pd.DataFrame:
    """Rows in the order of their ids, else as they were.

    Engines move rows in an order of their own, another one for each run.
    """
    codes, labels = pd.factorize(frame[id_column])
    try:
        ranks = np.argsort(np.argsort(labels))
    except TypeError:  # labels of several types
        ranks = np.argsort(np.argsort([repr(label) for label in labels]))
    order = np.argsort(ranks[codes], kind="stable") if len(labels) else np.zeros(0, int)
    return frame.iloc[order].reset_index(drop=True)


@contextmanager
def naming(partition: pd.DataFrame, id_column: str, task: Task) -> Iterator[None]:
    """Let errors inside say which partition they are of; also in the text of the traceback."""
    try:
        yield
    except Exception as error:
        number = "A partition" if task.partition is None else f"Partition {task.partition}"
        series = ""
        if id_column in partition.columns:
            labels = partition[id_column].unique()
            more = "" if len(labels) == 1 else f" and {len(labels) - 1} more"
            series = f", of the series {labels[0]!r}{more}"
        error.add_note(f"{number}{series}.")
        raise
