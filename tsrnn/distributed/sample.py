"""A sample of series, the same whatever partitions they are in."""

import hashlib
from typing import Any

import pandas as pd

from tsrnn.distributed.engine import Engine, Task
from tsrnn.distributed.tasks import ordered


def sampled(labels: list, n: int, seed: int) -> list:
    """The ``n`` labels with the smallest hashes of seed and label, in their order of these."""
    return [label for _, label in _smallest(labels, n, seed)]


def sample_series(engine: Engine, y: Any, id_column: str, n: int, seed: int) -> pd.DataFrame:
    """All rows of ``n`` series, in the order of their ids, as a pandas frame.

    The frame is read twice, first its ids alone; nothing is moved but the sample.
    """
    shared = engine.broadcast((id_column, n, seed))
    found = engine.collect(engine.select(y, [id_column]), _candidates, shared)
    by_label = {label: hashed for part in found for hashed, label in part}
    labels = sampled(list(by_label), n, seed)
    rows = engine.collect(y, _rows_of, engine.broadcast((id_column, set(labels))))
    parts = [part for part in rows if len(part)]
    if not parts:
        return engine.template(y)
    return ordered(pd.concat(parts, ignore_index=True), id_column)


def _candidates(partition: pd.DataFrame, shared: Any, task: Task) -> list[tuple[bytes, Any]]:
    id_column, n, seed = shared
    return _smallest(partition[id_column].dropna().unique().tolist(), n, seed)


def _smallest(labels, n, seed):
    hashed = ((_hash(label, seed), label) for label in labels)
    return sorted(hashed, key=lambda pair: pair[0])[:n]


def _hash(label, seed):
    # Text of the label alone: engines differ in the types that they give it.
    return hashlib.blake2b(f"{seed}:{label}".encode(), digest_size=8).digest()


def _rows_of(partition: pd.DataFrame, shared: Any, task: Task) -> pd.DataFrame:
    id_column, labels = shared
    return partition[partition[id_column].isin(labels)]


def least_value(partition: pd.DataFrame, column: str, task: Task) -> float:
    """The smallest value of a column of numbers, infinite without any."""
    least = partition[column].min()
    return float("inf") if pd.isna(least) else float(least)
