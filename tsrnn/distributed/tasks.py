"""What tasks do with the partition that they are given."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import pandas as pd

from tsrnn.distributed.engine import Task


class Partitioned(Protocol):
    """An estimator, as those see it who call its methods for one partition after another."""

    @property
    def id_column(self) -> str:
        """Column of the ids."""

    @property
    def skips(self) -> bool:
        """Whether bad series are left out."""

    def template(
        self, frame: pd.DataFrame, method: str, arguments: dict[str, Any], engine: str
    ) -> pd.DataFrame:
        """A frame without rows, of the columns and dtypes that a method gives for ``frame``.

        Refuses what can be seen to be wrong before anything is computed.
        """

    def portable(self) -> Self:
        """One to be sent to tasks, without what only the fitted series need."""

    def with_threads(self, n_threads: int) -> Self:
        """One that runs on so many threads, unless its estimator has a number of its own."""

    def with_fitted(self, fitted: Any) -> Self:
        """One with another fitted state."""

    def call(self, method: str, y: pd.DataFrame, arguments: dict[str, Any]) -> pd.DataFrame | None:
        """Results of a method for the series of a partition; None where no series is good."""

    def call_fitted(self, method: str, arguments: dict[str, Any]) -> pd.DataFrame:
        """Results of a method for the fitted series."""

    def call_skipping(self, method: str, y: Any, arguments: dict[str, Any]) -> Any:
        """Results for the good series of a frame of one process, with a warning of the others."""

    def fit(self, y: pd.DataFrame, arguments: dict[str, Any]) -> tuple[int, Any, pd.DataFrame]:
        """Number of series, their fitted state, None without any, and the table of skipped ones."""


class Call(NamedTuple):
    """A method, to be called for the series of each partition as ``y``."""

    estimator: Partitioned
    method: str
    arguments: dict[str, Any]
    template: pd.DataFrame  # of the result


def call_method(partition: pd.DataFrame, call: Call, task: Task) -> pd.DataFrame:
    """Results of a method for the series of a partition, in the order of their ids."""
    estimator = call.estimator.with_threads(task.n_threads)
    with naming(partition, estimator.id_column, task):
        result = estimator.call(call.method, partition, call.arguments)
    return call.template if result is None else ordered(result, estimator.id_column)


def ordered(frame: pd.DataFrame, id_column: str) -> pd.DataFrame:
    """Rows in the order of their ids, else as they were.

    Engines move rows in an order of their own, another one in each run.
    """
    codes, labels = pd.factorize(frame[id_column], use_na_sentinel=False)
    try:
        order = np.argsort(labels, kind="stable")
    except TypeError:  # labels of several types
        order = np.argsort([repr(label) for label in labels], kind="stable")
    ranks = np.empty(len(labels), int)
    ranks[order] = np.arange(len(labels))
    return frame.iloc[np.argsort(ranks[codes], kind="stable")].reset_index(drop=True)


@contextmanager
def naming(partition: pd.DataFrame, id_column: str, task: Task) -> Iterator[None]:
    """Let errors inside have a note of the partition that they are of."""
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
