"""Many series: time and memory of one network for up to 10,000, and of 2,000 networks at once.

Run it with ``python benchmarks/panels.py --data FOLDER``, where FOLDER holds M4's
``m4/Weekly-train.csv`` and ``m4/Weekly-test.csv``. Each row is a process of its own, so that its
peak memory is its own; kernels are compiled before. ``over the imports`` is the peak less what
importing the library and making the frame takes. CPU seconds are those of all threads; the rows of
one network use one, as threads that wait for each other on a busy machine would hide what grows.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from results import Table, parse_arguments

from tsrnn import RNNForecaster
from tsrnn.forecasting.metrics import mase, owa, seasonal_scale, smape

SIZES = 1000, 3000, 10_000
NAIVE = 9.161, 2.777  # sMAPE and MASE of M4 Weekly


def peak():
    """Peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def layer_traces(n_series, n_values=200):
    """Random walks with a weekly season, a long frame."""
    rng = np.random.default_rng(0)
    season = 3 * np.sin(np.arange(n_values) * 2 * np.pi / 7)
    values = rng.normal(size=(n_series, n_values)).cumsum(axis=1) + season + 100
    days = pd.date_range("2024-01-01", periods=n_values)
    ids = np.repeat(np.arange(n_series), n_values)
    return pd.DataFrame({"unique_id": ids, "ds": np.tile(days, n_series), "y": values.ravel()})


def fit_global(n_series):
    """Cells of a row: seconds and memory of a fit of 5 epochs and of forecasts of such a panel."""
    y = layer_traces(max(n_series, 2))
    imports = peak()
    started, cpu = time.perf_counter(), time.process_time()
    forecaster = RNNForecaster(horizon=14, hidden_size=32, max_iter=5, n_jobs=1).fit(y)
    fitted, cpu = time.perf_counter(), time.process_time() - cpu
    forecaster.predict()
    seconds = f"{fitted - started:.1f}", f"{cpu:.1f}", f"{time.perf_counter() - fitted:.2f}"
    memory = f"{peak():.0f}", f"{peak() - imports:.0f}"
    return f"one network for {n_series:,} series of 200 values", *seconds, *memory


def fit_local(n_series, folder):
    """Cells of a row: seconds and memory of such local networks, and their error on M4 Weekly."""
    tables = (
        pd.read_csv(Path(folder) / f"m4/Weekly-{part}.csv", index_col=0)
        for part in ("train", "test")
    )
    train, actual = (table.to_numpy(float) for table in tables)
    histories = [row[~np.isnan(row)] for row in train]
    # Copies of another size, as all of M4 Weekly has 359 series.
    tiled = [histories[k % len(histories)] * (1 + k // len(histories)) for k in range(n_series)]
    y = pd.concat(
        pd.DataFrame({"unique_id": k, "ds": np.arange(own.size), "y": own})
        for k, own in enumerate(tiled)
    )
    imports = peak()
    started, cpu = time.perf_counter(), time.process_time()
    forecaster = RNNForecaster(horizon=13, season=1, scope="local", hidden_size=16).fit(y)
    fitted, cpu = time.perf_counter(), time.process_time() - cpu
    said = forecaster.predict()["y"].to_numpy().reshape(n_series, 13)[: len(actual)]
    seconds = f"{fitted - started:.1f}", f"{cpu:.1f}", f"{time.perf_counter() - fitted:.2f}"
    scales = [seasonal_scale(own, 1) for own in histories[: len(said)]]
    actual = actual[: len(said)]
    score = owa(smape(actual, said).mean(), mase(actual, said, scales).mean(), *NAIVE)
    memory = f"{peak():.0f}", f"{peak() - imports:.0f}"
    return f"{n_series:,} local networks, M4 Weekly", *seconds, *memory, f"{score:.3f}"


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of M4; without it no local networks")
    parser.add_argument("--row", nargs=2, help="one row: global or local, and how many series")
    arguments = parse_arguments(parser)
    if arguments.row:
        scope, n = arguments.row[0], int(arguments.row[1])
        print(json.dumps(fit_global(n) if scope == "global" else fit_local(n, arguments.data)))
        return
    rows = [("global", n) for n in SIZES]
    rows += [("local", n) for n in (359, 2000)] if arguments.data else []
    more = ["--data", str(arguments.data)] if arguments.data else []
    fit_global(10)  # compile
    columns = ["what", "s to fit", "CPU s", "s to predict", "peak MB", "over the imports", "OWA"]
    table = Table("panels", "Fits of many series", columns)
    for scope, n in rows:
        command = [sys.executable, __file__, *more, "--row", scope, str(n)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        table.row(*json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
