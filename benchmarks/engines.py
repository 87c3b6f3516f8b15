"""Frames of Dask, Ray and Spark on this machine: what they take beside the plain call.

``predict`` fits to a sample of 20,000 series and forecasts all of them, in one process and by each
engine: from frames that each holds in its memory, and from the same Parquet, which engines read
lazily and so more than once. Each follows the plain call that it is compared with. Seconds after a
small run that imports and loads kernels, and whether the forecasts are the same to the bit.
``local`` fits a network of each of 5,000 series on one and on two workers of one thread each.
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
from results import Table, parse_arguments, processor_name

from tsrnn import RNNForecaster

N_VALUES, N_FILES = 200, 8


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("section", choices=["predict", "local"])
    parser.add_argument("--engines", nargs="+", default=["dask", "ray", "spark"])
    parser.add_argument("--series", type=int, help="20,000 of predict and 5,000 of local")
    parser.add_argument("--sample", type=int, default=2000, help="series that are fitted")
    arguments = parse_arguments(parser, peers=("dask", "ray", "pyspark", "pyarrow"))
    print(f"On {processor_name()}", flush=True)
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
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as small:
        write(y, folder)
        write(y[: 400 * N_VALUES], small)
        timed(arguments, lambda: read_pandas(small), lambda frame: frame)
        sizes = f"{arguments.sample:,} series, forecasts of {len(y) // N_VALUES:,}"
        columns = ["by", "frames", "start", "fit", "predict", "overhead", "same bits"]
        table = Table("engines-predict", f"A fit to {sizes}: seconds", columns)
        for engine in arguments.engines:
            started = time.perf_counter()
            with ENGINES[engine]() as (reader, hold, to_pandas):
                start = f"{time.perf_counter() - started:.1f}"
                timed(arguments, lambda reader=reader: reader(small), to_pandas)
                frame = hold(reader(folder))
                for frames, read, read_plain in (
                    ("in memory", lambda frame=frame: frame, lambda: y),
                    ("Parquet", lambda reader=reader: reader(folder), lambda: read_pandas(folder)),
                ):
                    plain, expected = timed(arguments, read_plain, lambda frame: frame)
                    table.row("one process", frames, None, *(f"{value:.1f}" for value in plain))
                    seconds, found = timed(arguments, read, to_pandas)
                    overhead = f"{sum(seconds) / sum(plain) - 1:.0%}"
                    same = "yes" if np.array_equal(found, expected) else "NO"
                    figures = [f"{value:.1f}" for value in seconds]
                    table.row(engine, frames, start, *figures, overhead, same)


def write(y, folder):
    """Parquet of a long frame, in files of whole series."""
    starts = np.flatnonzero(y["unique_id"].ne(y["unique_id"].shift()))
    ends = [*starts[np.linspace(0, len(starts), N_FILES, endpoint=False).astype(int)], len(y)]
    for k, (first, last) in enumerate(itertools.pairwise(ends)):
        y[first:last].to_parquet(f"{folder}/{k}.parquet", index=False)


def read_pandas(folder):
    """All files as one frame."""
    parts = (pd.read_parquet(path) for path in sorted(Path(folder).glob("*.parquet")))
    return pd.concat(parts, ignore_index=True)


def timed(arguments, read, to_pandas):
    """Seconds of reading and fitting, and of reading and forecasting; and the forecasts."""
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
    title = f"A network for each of {y['unique_id'].nunique():,} series, by Dask"
    table = Table("engines-local", title, ["workers", "fit, s", "series a second"])
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
        table.row(n_workers, f"{seconds:.1f}", f"{n_series / seconds:.0f}")
    same = np.array_equal(found[1], found[2])
    table.note(f"Forecasts of one and of two workers are {'' if same else 'NOT '}the same.")


@contextlib.contextmanager
def dask_cluster(n_workers):
    from distributed import Client, LocalCluster

    options = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": 40}
    with LocalCluster(n_workers=n_workers, **options) as cluster, Client(cluster):
        yield


@contextlib.contextmanager
def dask():
    import dask.dataframe as dd
    from distributed import wait

    def persisted(frame):
        frame = frame.persist()
        wait(frame)
        return frame

    with dask_cluster(os.cpu_count()):
        yield dd.read_parquet, persisted, lambda frame: frame.compute()


@contextlib.contextmanager
def ray():
    import ray

    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield (
            ray.data.read_parquet,
            lambda frame: frame.materialize(),
            lambda frame: frame.to_pandas(),
        )
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
    session = SparkSession.builder.master("local[*, 4]").config(map=options).getOrCreate()

    def cached(frame):
        frame.cache().count()
        return frame

    try:
        yield session.read.parquet, cached, lambda frame: frame.toPandas()
    finally:
        session.stop()


ENGINES = {"dask": dask, "ray": ray, "spark": spark}

if __name__ == "__main__":
    main()
