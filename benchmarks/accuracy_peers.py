"""Accuracy of other libraries on the M4 and shipped series of accuracy.py, with time and memory.

Run it with ``python benchmarks/accuracy_peers.py --data FOLDER --peer NAME``, in a virtual
environment with the peer and this library. Series, splits, seasons and metrics are those of
``accuracy.py``.

statsforecast's models get the season; AutoETS fits none above 24, so for the taxi series it has
none. neuralforecast's LSTM gets the horizon, a seed and the CPU, and all else is its default:
inputs of three horizons, two layers of 128 units, 1000 steps. It refuses series shorter than its
inputs unless they are padded, so for 48 months of airline they are. What else is set only keeps it
from printing and from writing files.

Every fit runs in a process of its own that has not imported this library. Seconds are those of fit
and forecast without imports, by the clock and of the processors, which say more where the machine
has other work; memory is the peak of that process from its start, and of its workers if there are
any.
"""

import argparse
import datetime
import importlib
import logging
import multiprocessing
import resource
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd


class Task(NamedTuple):
    """Series to forecast; ``naive2`` holds the errors of M4's Naive2, where OWA is asked for."""

    name: str
    histories: list
    actual: np.ndarray  # (series, horizon)
    season: int
    naive2: tuple | None = None


def m4(folder, name):
    """The task of one group of M4."""
    from accuracy import M4

    season, naive2, _ = M4[name]
    train = pd.read_csv(folder / f"m4/{name}-train.csv", index_col=0).to_numpy(float)
    actual = pd.read_csv(folder / f"m4/{name}-test.csv", index_col=0).to_numpy(float)
    return Task(f"M4 {name}", [row[~np.isnan(row)] for row in train], actual, season, naive2)


def single():
    """The tasks of the shipped series, the ends unseen."""
    from tsrnn import datasets

    airline, taxi = datasets.load_airline(), datasets.load_nyc_taxi()
    series = {
        "airline, 12 months": (airline, 12, 12),
        "airline, 24 months": (airline, 24, 12),
        "airline, 48 months": (airline, 48, 12),
        "CO2, 24 months": (datasets.load_co2(), 24, 12),
        "sunspots, 12 years": (datasets.load_sunspots(), 12, 1),
        "Melbourne, 30 days": (datasets.load_melbourne(), 30, 7),
        "taxi, 96 half-hours": (taxi, 96, 48),
    }
    for name, (y, horizon, season) in series.items():
        values = y.to_numpy(float)
        yield Task(name, [values[:-horizon]], values[None, -horizon:], season)


def long_frame(histories):
    """One row a value, as the peers ask for, times being counted from 0."""
    return pd.concat(
        pd.DataFrame({"unique_id": number, "ds": np.arange(len(values)), "y": values})
        for number, values in enumerate(histories)
    )


def statsforecast(model, horizon, season, seed, jobs):
    """A function from a long frame to forecasts by a model of statsforecast."""
    library = importlib.import_module("statsforecast")
    chosen = getattr(importlib.import_module("statsforecast.models"), model)
    forecaster = library.StatsForecast([chosen(season_length=season)], freq=1, n_jobs=jobs)
    return lambda frame: forecaster.forecast(df=frame, h=horizon)


def neuralforecast(model, horizon, season, seed, jobs):
    """A function from a long frame to forecasts by a network of neuralforecast."""
    library = importlib.import_module("neuralforecast")
    chosen = getattr(importlib.import_module("neuralforecast.models"), model)
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    quiet = ("logger", "enable_progress_bar", "enable_checkpointing", "enable_model_summary")

    def forecast(frame):
        short = frame.groupby("unique_id").size().min() < 3 * horizon
        network = chosen(
            h=horizon,
            random_seed=seed,
            start_padding_enabled=bool(short),
            accelerator="cpu",
            **dict.fromkeys(quiet, False),
        )
        forecaster = library.NeuralForecast([network], freq=1)
        forecaster.fit(frame)
        return forecaster.predict()

    return forecast


# Of each peer: what forecasts, its models, and the seeds they are run with.
PEERS = {
    "statsforecast": (statsforecast, ("SeasonalNaive", "AutoETS", "AutoTheta"), [1]),
    "neuralforecast": (neuralforecast, ("LSTM",), [1, 2, 3, 4, 5]),
}


class Run(NamedTuple):
    """What one fit gave and took."""

    found: np.ndarray  # (series, horizon)
    seconds: float
    cpu_seconds: float
    peak_mb: float


def usage():
    """Processor seconds and peak MB, each of this process and of its ended workers."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return [u.ru_utime + u.ru_stime for u in found], [u.ru_maxrss / 1024 for u in found]


def measure(peer, model, histories, horizon, season, seed, jobs):
    """One fit and forecast.

    Its peak memory counts the largest worker as often as there are workers: an upper bound, as what
    they share counts for each.
    """
    warnings.simplefilter("ignore")
    multiprocessing.set_start_method("fork", force=True)  # so that workers count as its children
    forecast = PEERS[peer][0](model, horizon, season, seed, jobs)
    frame = long_frame(histories)
    (before, _), started = usage(), time.perf_counter()
    found = forecast(frame)[model].to_numpy(float).reshape(-1, horizon)
    seconds, (after, (own, largest)) = time.perf_counter() - started, usage()
    peak = own + jobs * largest if jobs > 1 else own
    return Run(found, seconds, sum(after) - sum(before), peak)


def apart(*arguments):
    """The result of :func:`measure` in a process of its own.

    A fork server starts it, as a process started from this one would count this one's peak memory.
    """
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measure, *arguments).result()


def scores(task, found):
    """Errors of forecasts by name: OWA for M4, the mean absolute error for one series."""
    from tsrnn.forecasting import metrics

    scales = np.array([metrics.seasonal_scale(y, task.season) for y in task.histories])
    error = metrics.smape(task.actual, found).mean()
    scaled = metrics.mase(task.actual, found, scales).mean()
    rest = (
        {"owa": metrics.owa(error, scaled, *task.naive2)}
        if task.naive2
        else {"mae": metrics.mae(task.actual, found).mean()}
    )
    return {"smape": error, "mase": scaled, **rest}


def row(peer, model, task, seeds, jobs):
    """What one model reached on one task: errors and seconds are means over the seeds."""
    n_series, horizon = task.actual.shape
    jobs = min(jobs, n_series) if peer == "statsforecast" else 1
    runs = [apart(peer, model, task.histories, horizon, task.season, seed, jobs) for seed in seeds]
    table = pd.DataFrame([scores(task, run.found) for run in runs])
    means = table.mean().reindex(["smape", "mase", "owa", "mae"]).to_dict()
    worst = table["owa" if task.naive2 else "mae"].max()
    return {
        "peer": peer,
        "version": version(peer),
        "model": model,
        "dataset": task.name,
        **means,
        "worst": worst,
        "seeds": len(seeds),
        "seconds": np.mean([run.seconds for run in runs]),
        "cpu_seconds": np.mean([run.cpu_seconds for run in runs]),
        "peak_mb": max(run.peak_mb for run in runs),
        "jobs": jobs,
        "date": datetime.date.today().isoformat(),
    }


def show(found):
    """Print a row of the table."""
    errors = (found[name] for name in ("smape", "mase", "owa", "mae", "worst"))
    taken = f"{found['seconds']:.2f} | {found['cpu_seconds']:.2f} | {found['peak_mb']:.0f}"
    cells = ("" if np.isnan(error) else f"{error:.4g}" for error in errors)
    print(
        f"| {found['model']} | {found['dataset']} | {' | '.join(cells)} | {found['seeds']} "
        f"| {taken} | {found['jobs']} |",
        flush=True,
    )


def write(path, rows):
    """Write rows as JSON where the name ends so, else as CSV."""
    table = pd.DataFrame(rows)
    if path.suffix == ".json":
        table.to_json(path, orient="records", indent=1)
    else:
        table.round(6).to_csv(path, index=False)


def main():
    """Print the table, and write it where asked for, after every row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of M4")
    parser.add_argument("--peer", choices=PEERS, required=True)
    parser.add_argument("--out", type=Path, help="file for the rows, .json or .csv")
    parser.add_argument("--only", default="", help='part of "MODEL DATASET", for some rows')
    parser.add_argument("--seeds", type=int, nargs="+", help="of a network; by default 1 to 5")
    parser.add_argument("--jobs", type=int, default=1, help="processes of statsforecast on M4")
    arguments = parser.parse_args()
    _, models, seeds = PEERS[arguments.peer]
    seeds = arguments.seeds or seeds
    rows = []
    print(f"{arguments.peer} {version(arguments.peer)}\n")
    print(
        "| model | data | sMAPE | MASE | OWA | MAE | worst of seeds | seeds | s a fit | CPU s "
        "| peak MB | jobs |\n|" + "---|" * 12
    )
    for task in (*(m4(arguments.data, name) for name in ("Hourly", "Weekly")), *single()):
        for model in models:
            if arguments.only in f"{model} {task.name}":
                rows.append(row(arguments.peer, model, task, seeds, arguments.jobs))
                show(rows[-1])
                if arguments.out:
                    write(arguments.out, rows)


if __name__ == "__main__":
    main()
