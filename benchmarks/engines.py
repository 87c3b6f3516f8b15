"""Frames of Dask, Ray and Spark on this machine: what they take beside the plain call.

``predict`` fits to a sample of 20,000 series and forecasts all of them, in one process from a
pandas frame and by each engine from the same Parquet: seconds of the second of two runs, and
whether the forecasts are the same to the bit. ``local`` fits a network of each of 5,000 series on
one and on two workers of one thread each.
"""

import argparse
import contextlib
import itertools
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from clusters import processor

from tsrnn import RNNForecaster

N_VALUES, N_FILES = 200, 8


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("section", choices=["predict", "local"])
    parser.add_argument("--engines", nargs="+", default=["dask", "ray", "spark"])
    parser.add_argument("--series", type=int, help="20,000 of predict and 5,000 of local")
    parser.add_argument("--sample", type=int, default=2000, help="series that are fitted")
    arguments = parser.parse_args()
    print(f"On {processor()}", flush=True)
    warnings.simplefilter("ignore")  # of engines about pandas
    {"predict": predict, "local": local}[arguments.section](arguments)


def make_series(n_series, n_values):
    """Daily series with a season of a week, in a long frame."""
    rng, days = np.random.default_rng(0), np.arange(n_values)
    walk = rng.normal(0, 0.1, (n_series, n_values)).cumsum(axis=1)
    season = rng.uniform(0.5, 2, (n_series, 1)) * np.sin(2 * np.pi * days / 7)
    ids = np.repeat([f"series {k:06d}" for k in range(n_series)], n_values)
    times = np.tile(pd.date_range("2026-01-01", periods=n_values), n_series)
    return pd.DataFrame({"unique_id": ids, "ds": times, "y": (10 + walk + season).ravel()})


def predict(arguments):
    """Print seconds of a fit and forecasts, in one process and by engines."""
    y = make_series(arguments.series or 20_000, N_VALUES)
    with tempfile.TemporaryDirectory() as folder:
        ends = np.linspace(0, len(y) // N_VALUES, N_FILES + 1).astype(int) * N_VALUES
        for k, (first, last) in enumerate(itertools.pairwise(ends)):
            y[first:last].to_parquet(f"{folder}/{k}.parquet", index=False)
        print("| from Parquet | start | fit | predict | overhead | same bits |")
        print("|---|---|---|---|---|---|")

        def read():
            parts = (pd.read_parquet(path) for path in sorted(Path(folder).glob("*.parquet")))
            return pd.concat(parts, ignore_index=True)

        plain, expected = timed(arguments, read, lambda frame: frame)
        print(f"| one process | | {plain[0]:.1f} | {plain[1]:.1f} | | |", flush=True)
        for engine in arguments.engines:
            started = time.perf_counter()
            with ENGINES[engine]() as (reader, to_pandas):
                start = time.perf_counter() - started
                seconds, found = timed(arguments, lambda reader=reader: reader(folder), to_pandas)
            overhead = sum(seconds) / sum(plain) - 1
            same = np.array_equal(found, expected)
            print(
                f"| {engine} | {start:.1f} | {seconds[0]:.1f} | {seconds[1]:.1f} | "
                f"{overhead:.0%} | {'yes' if same else 'NO'} |",
                flush=True,
            )


def timed(arguments, read, to_pandas):
    """Seconds of reading and fitting, and of reading and forecasting; and the forecasts."""
    for _ in range(2):  # first calls import and compile
        started = time.perf_counter()
        forecaster = RNNForecaster(horizon=14, n_sample=arguments.sample).fit(read())
        fitted = time.perf_counter()
        forecasts = to_pandas(forecaster.predict(y=read()))
        ended = time.perf_counter()
    forecasts = forecasts.sort_values(["unique_id", "ds"])
    return (fitted - started, ended - fitted), forecasts["y"].to_numpy(float)


def local(arguments):
    """Print throughput of models of each series on one and on two workers."""
    import dask.dataframe as dd

    y, found = make_series(arguments.series or 5000, 100), {}
    print("| workers | fit, s | series a second |\n|---|---|---|")
    for n_workers in (1, 2, 1, 2):
        with dask_cluster(n_workers):
            frame = dd.from_pandas(y, npartitions=8, sort=False).shuffle(on=["unique_id"]).persist()
            forecaster = RNNForecaster(horizon=7, season=7, scope="local", pretrained=None)
            few = dd.from_pandas(y[:3200], npartitions=n_workers, sort=False)
            forecaster.fit(few)  # kernels are loaded
            started = time.perf_counter()
            forecaster.fit(frame)
            seconds = time.perf_counter() - started
            forecasts = forecaster.predict().compute().sort_values(["unique_id", "ds"])
        found[n_workers] = forecasts["y"].to_numpy()
        n_series = y["unique_id"].nunique()
        print(f"| {n_workers} | {seconds:.1f} | {n_series / seconds:.0f} |", flush=True)
    print("same bits" if np.array_equal(found[1], found[2]) else "NOT THE SAME BITS")


@contextlib.contextmanager
def dask_cluster(n_workers):
    from distributed import Client, LocalCluster

    options = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": 40}
    with LocalCluster(n_workers=n_workers, **options) as cluster, Client(cluster):
        yield


@contextlib.contextmanager
def dask():
    import dask.dataframe as dd

    with dask_cluster(os.cpu_count()):
        yield dd.read_parquet, lambda frame: frame.compute()


@contextlib.contextmanager
def ray():
    import ray

    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield ray.data.read_parquet, lambda frame: frame.to_pandas()
    finally:
        ray.shutdown()


@contextlib.contextmanager
def spark():
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    options = {
        "spark.ui.enabled": "false",
        "spark.log.level": "OFF",
        "spark.driver.memory": "4g",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }
    session = SparkSession.builder.master("local[*]").config(map=options).getOrCreate()
    try:
        yield session.read.parquet, lambda frame: frame.toPandas()
    finally:
        session.stop()


ENGINES = {"dask": dask, "ray": ray, "spark": spark}

if __name__ == "__main__":
    main()
