"""More series than one process, or memory, holds: what it costs, and how near the forecasts are.

``python benchmarks/clusters.py parquet`` writes Parquet of generated hourly series to a folder that
is deleted afterwards, and fits it in processes of their own: with all of it in memory, and with
``max_memory``. ``rounds --data FOLDER`` fits M4's hourly and weekly series in one process, and by
rounds on four workers of a Dask cluster on this machine: OWA, and what a round moves.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from results import Table, parse_arguments, processor_name

_LENGTH = 2000  # values of a generated series
_OF_FILE, _OF_GROUP = 5000, 500  # its series in a file and in a row group


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("section", choices=["parquet", "rounds", "fit"])
    parser.add_argument("--data", type=Path, help="the folder that has m4")
    parser.add_argument("--gigabytes", type=float, default=3.0, help="of Parquet")
    parser.add_argument("--memory", default="500MB", help="max_memory")
    parser.add_argument("--only", choices=["memory", "files"], help="one of the two fits")
    parser.add_argument("--folder", type=Path, help="for files; by default a temporary one")
    parser.add_argument("--groups", nargs="+", default=["Hourly", "Weekly"])
    parser.add_argument("--own", action="store_true", help="without the pretrained network")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    arguments = parse_arguments(parser, peers=("pyarrow", "dask"))
    {"parquet": parquet, "rounds": rounds, "fit": fit}[arguments.section](arguments)


def parquet(arguments):
    """Print time and memory of a fit from files, in memory and out of it."""
    folder = arguments.folder or Path(tempfile.mkdtemp())
    try:
        if not any(folder.glob("*.parquet")):
            write_series(folder, arguments.gigabytes)
        size = sum(path.stat().st_size for path in folder.glob("*.parquet"))
        print(f"On {processor_name()}", flush=True)
        columns = ["fit", "s", "CPU s", "peak, MB", "imports, MB", "validation loss"]
        table = Table("clusters-parquet", f"Fits of {size / 1e9:.2f} GB of Parquet", columns)
        for memory in ("files", "memory"):
            if arguments.only in (None, memory):
                max_memory = arguments.memory if memory == "files" else "None"
                name = f"`max_memory={max_memory}`"
                command = [sys.executable, __file__, "fit", "--folder", str(folder)]
                command += ["--memory", max_memory]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
                if done.returncode == -signal.SIGKILL:  # by the system, for its memory
                    table.row(name, None, None, f"more than {memory_of_machine():.0f}", None, None)
                    continue
                done.check_returncode()
                found = json.loads(done.stdout.splitlines()[-1])
                columns = [f"{found[k]:.0f}" for k in ("seconds", "cpu", "peak", "imports")]
                table.row(name, *columns, f"{found['loss']:.4f}")
    finally:
        if not arguments.folder:
            shutil.rmtree(folder)


def memory_of_machine():
    """Its memory in MB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6


def write_series(folder, gigabytes):
    """Hourly series with a daily season, each in one row group: some 17 bytes a value."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(exist_ok=True)
    n_series = round(gigabytes * 1e9 / 8.2 / _LENGTH)
    rng, steps = np.random.default_rng(0), np.arange(_LENGTH)
    times = pa.array(np.datetime64("2024-01-01", "us") + steps * np.timedelta64(1, "h"))
    kinds = {"unique_id": pa.string(), "ds": pa.timestamp("us"), "y": pa.float64()}
    for number, first in enumerate(range(0, n_series, _OF_FILE)):
        path = folder / f"part-{number:04d}.parquet"
        with pq.ParquetWriter(path, pa.schema(kinds)) as file:
            for start in range(first, min(first + _OF_FILE, n_series), _OF_GROUP):
                ids = [f"series {start + k}" for k in range(_OF_GROUP)]
                phase = rng.uniform(0, 2 * np.pi, (_OF_GROUP, 1))
                level = rng.uniform(5, 50, (_OF_GROUP, 1))
                noise = 0.05 * rng.normal(size=(_OF_GROUP, _LENGTH))
                values = level * (1 + 0.3 * np.sin(2 * np.pi * steps / 24 + phase) + noise)
                codes = pa.array(np.repeat(np.arange(_OF_GROUP, dtype=np.int32), _LENGTH))
                labels = pa.DictionaryArray.from_arrays(codes, pa.array(ids)).cast(pa.string())
                columns = [labels, pa.concat_arrays([times] * _OF_GROUP), pa.array(values.ravel())]
                file.write_table(pa.table(columns, list(kinds)), row_group_size=len(codes))


def fit(arguments):
    """One fit of a folder, as JSON: seconds, and peaks of memory after imports and in all."""
    import pandas  # noqa: F401
    import pyarrow.dataset  # noqa: F401

    from tsrnn import RNNForecaster

    imports, cpu = peak_of_memory(), time.process_time()
    memory = None if arguments.memory == "None" else arguments.memory
    began = time.perf_counter()
    forecaster = RNNForecaster(horizon=24, max_memory=memory).fit(arguments.folder)
    seconds, loss = time.perf_counter() - began, -forecaster.validation_scores_[-1]
    found = {"seconds": seconds, "cpu": time.process_time() - cpu, "loss": loss}
    found |= {"peak": peak_of_memory(), "imports": imports}
    print(json.dumps(found))


def peak_of_memory():
    """The most that this process has had in memory, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def rounds(arguments):
    """Print errors of fits in one process and by rounds."""
    import dask.dataframe as dd
    from accuracy_tasks import m4_tasks, point_errors
    from distributed import Client, LocalCluster

    from tsrnn import RNNForecaster

    print(f"On {processor_name()}")
    title = f"M4 in one process and by rounds on {arguments.workers} workers of one thread"
    columns = ["M4", "seed", "fit", "s", "rounds", "best", "MASE", "OWA"]
    table = Table("clusters-rounds", title, columns)
    with (
        LocalCluster(
            n_workers=arguments.workers,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=40,
        ) as cluster,
        Client(cluster),
    ):
        for task in m4_tasks(arguments.data):
            group = task.name.split()[1].strip(",")
            if group not in arguments.groups:
                continue
            frame = dd.from_pandas(task.y, npartitions=arguments.workers, sort=False)
            for seed in range(arguments.seeds):
                for name, y in (("one process", task.y), ("rounds", frame)):
                    options = {"horizon": task.horizon, "season": task.season}
                    if arguments.own:
                        options["pretrained"] = None
                    forecaster = RNNForecaster(**options, random_state=seed)
                    began = time.perf_counter()
                    forecaster.fit(y)
                    seconds = time.perf_counter() - began
                    found = forecaster.predict(y=task.y)["y"].to_numpy()
                    errors = point_errors(task, found.reshape(task.actual.shape))
                    epochs = forecaster.n_iter_, forecaster.best_iter_
                    scores = f"{errors['mase']:.3f}", f"{errors['owa']:.4f}"
                    table.row(group, seed, name, f"{seconds:.0f}", *epochs, *scores)


if __name__ == "__main__":
    main()
