"""Small clusters of the real engines: processes of this machine stand for machines."""

import dataclasses
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclasses.dataclass(frozen=True)
class Cluster:
    """An engine with two workers."""

    name: str
    frame: Callable[[pd.DataFrame, int], Any]  # rows in some partitions, as they come
    to_pandas: Callable[[Any], pd.DataFrame]

    def __str__(self):
        return self.name


@pytest.fixture(scope="session", params=["dask", "ray", "spark"])
def cluster(request):
    """A cluster of each engine, one after another."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        path = [ROOT, os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))  # workers import tsrnn
        warnings.simplefilter("ignore")  # theirs, not ours
        yield from {"dask": _dask, "ray": _ray, "spark": _spark}[request.param](patch)


def _dask(patch):
    dd = pytest.importorskip("dask.dataframe")
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as local,
        distributed.Client(local),
    ):
        yield Cluster(
            "dask",
            lambda frame, n: dd.from_pandas(frame, npartitions=n, sort=False),
            lambda frame: frame.compute(),
        )


def _ray(patch):
    ray = pytest.importorskip("ray")
    patch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield Cluster(
            "ray",
            lambda frame, n: ray.data.from_pandas([frame.iloc[k::n] for k in range(n)]),
            lambda frame: frame.to_pandas(),
        )
    finally:
        ray.shutdown()


def _spark(patch):
    sql = pytest.importorskip("pyspark.sql")
    import shutil

    if shutil.which("java") is None:
        pytest.skip("Spark takes a Java runtime: apt-get install default-jre-headless")
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.log.level", "OFF")
        .getOrCreate()
    )
    try:
        yield Cluster(
            "spark",
            lambda frame, n: session.createDataFrame(frame).repartition(n),
            lambda frame: frame.toPandas(),
        )
    finally:
        session.stop()
