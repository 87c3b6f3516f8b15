"""Accuracy of the defaults beside what users would pick instead: M3, M4, shipped series, ETTh1.

Run it with ``python benchmarks/accuracy.py --data FOLDER``, where FOLDER holds M4's
``m4/Hourly-train.csv``, ``m4/Hourly-test.csv`` and the same for Weekly, ``m3/m3.json.gz`` and
``ett/ETTh1.csv``; without it, the shipped series alone are forecast. There is one table a dataset
and one setting for all but ETTh1: horizon and, for panels, the season. Other libraries are
optional; rows of those that are not installed are left out::

    pip install mlforecast lightgbm statsforecast

All three run beside pandas 3, in the virtual environment of this library: mlforecast 1.0.2,
lightgbm 4.7.0 and statsforecast 2.0.3, which pip picks as 2.1 asks for pandas below 3.

Every row is made in a process of its own. Seconds are those of fit and forecast without imports
and compiling, of the processor: with one thread, as every library has unless ``--jobs`` says
otherwise, those of an idle machine. Those by the clock are kept with the rows. Memory is the peak
of that process from its start, and of its workers if there are any.

``--results`` keeps the rows in ``benchmarks/accuracy.csv`` (``--rows`` names another file), with
those that were not run again; the site makes tables of them. After a change of this library::

    python benchmarks/accuracy.py --data FOLDER --own --results
"""

import argparse
import datetime
import time
from pathlib import Path

import numpy as np
import pandas as pd
from accuracy_models import MODELS, apart
from accuracy_tasks import interval_errors, m3_tasks, m4_tasks, point_errors, single_tasks
from results import Table, parse_arguments, processor_name

ROWS = Path(__file__).with_suffix(".csv")

# Columns of the tables: their heads and how numbers are written.
COLUMNS = {
    "smape": ("sMAPE", ".2f"),
    "mase": ("MASE", ".3f"),
    "owa": ("OWA", ".3f"),
    "mae": ("MAE", ".4g"),
    "worst": ("worst seed", ".4g"),
    "mape": ("MAPE %", ".2f"),
    "hold_80": ("80 % hold", ".1f"),
    "hold_95": ("95 % hold", ".1f"),
    "score_80": ("score at 80 %", ".2f"),
    "score_95": ("at 95 %", ".2f"),
    "cpu_seconds": ("CPU s", ".2f"),
    "peak_mb": ("peak MB", ".0f"),
}
ETTH1_PUBLISHED = {"SegRNN": 0.351, "PatchTST": 0.375, "plain GRU": 1.135}  # mean squared error


def row(name, task, jobs):
    """What one model reached on one task: on one series, networks are the mean of five seeds."""
    model = MODELS[name]
    seeds = range(5) if model.seeded and not task.is_panel else [0]
    run = apart(name, task, seeds, jobs)
    errors = pd.DataFrame([point_errors(task, found) for found in run.found])
    worst = {"worst": errors["mae"].max()} if len(seeds) > 1 else {}
    intervals = interval_errors(task, run.bounds) if task.is_panel else {}
    return {
        "dataset": task.name,
        "row": name,
        **errors.mean(),
        **worst,
        **intervals,
        "seconds": run.seconds,
        "cpu_seconds": run.cpu_seconds,
        "peak_mb": run.peak_mb,
        "seeds": len(seeds),
        "jobs": jobs,
        "versions": run.versions,
        "processor": processor_name(),
        "date": datetime.date.today().isoformat(),
    }


def table(found):
    """The table of one dataset, as Markdown: the lowest error that is not published is bold."""
    order = {name: number for number, name in enumerate(MODELS)}
    shown = found.sort_values("row", key=lambda names: names.map(order), na_position="last")
    shown = shown.dropna(axis="columns", how="all")
    columns = {name: each for name, each in COLUMNS.items() if name in shown}
    heads = [shown["dataset"].iloc[0], *(head for head, _ in columns.values())]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    lowest = shown.loc[shown["row"].isin(order), list(columns)].min()
    for _, one in shown.iterrows():
        cells = []
        for name, (_, how) in columns.items():
            cell = "" if np.isnan(one[name]) else format(one[name], how)
            best = name in ("mase", "owa", "mae") and one[name] == lowest[name]
            cells.append(f"**{cell}**" if best else cell)
        lines.append(f"| {' | '.join([one['row'], *cells])} |")
    return "\n".join(lines)


def origin(found):
    """Where and when rows were made, and by which versions."""
    lines = []
    for (processor, date, jobs), part in found.groupby(["processor", "date", "jobs"]):
        versions = ", ".join(sorted(part["versions"].unique()))
        lines.append(f"- {versions}: {processor}, {date}, {int(jobs)} thread(s)")
    return "\n".join(lines)


def etth1(folder):
    """Print errors on ETTh1: seven channels, horizon 96, lookback 720, by the usual protocol.

    Of the first 14,400 hours the last 2,880 are the test; of those before, 2,880 choose the epoch,
    and 8,640 are learnt from, by whose deviation errors are divided. Windows begin at every hour.
    """
    from tsrnn import RNNForecaster, backtest

    frame = pd.read_csv(folder / "ett/ETTh1.csv", index_col=0, parse_dates=True)[:14_400]
    frame = (frame - frame[:8640].mean()) / frame[:8640].std(ddof=0)
    protocol = {"horizon": 96, "lookback": 720, "validation_fraction": 0.25, "refit": False}
    chosen = {
        "season": 1,
        "transform": None,
        "cell": "gru",
        "segment": 24,
        "recurrent_dropout": 0.5,
        "averaging": 0.998,
        "learning_rate": "cosine",
        "pretrained": None,
    }
    title = "ETTh1, horizon 96, lookback 720"
    table = Table("accuracy-etth1", title, ["forecaster", "MSE", "MAE", "s"])
    for label, setting in {"defaults": {}, "own network, one setting": chosen}.items():
        started = time.perf_counter()
        forecaster = RNNForecaster(**protocol | setting)
        found = backtest(forecaster, frame, n_windows=2785, step=1, refit=False).forecasts
        seconds = f"{time.perf_counter() - started:.0f}"
        table.row(label, *_mean_errors(found["RNNForecaster"] - found["y"]), seconds)
    table.row("last value", *_mean_errors(found["seasonal_naive"] - found["y"]))
    for label, error in ETTH1_PUBLISHED.items():
        table.row(f"{label} (published)", f"{error:.3f}")


def _mean_errors(error):
    return f"{(error**2).mean():.3f}", f"{error.abs().mean():.3f}"


def models_to_run(own):
    """Names of the models that are installed; says how to get the others."""
    chosen = {name: model for name, model in MODELS.items() if model.is_own or not own}
    for name, model in chosen.items():
        if not model.is_installed:
            print(f"{name} is left out: pip install {' '.join(model.packages)}")
    return [name for name, model in chosen.items() if model.is_installed]


def main():
    """Print the tables, and keep rows where asked to, after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of M3, M4 and ETTh1; without it, none")
    parser.add_argument("--own", action="store_true", help="run rows of this library alone")
    parser.add_argument("--only", default="", help='part of "ROW DATASET", for some rows')
    parser.add_argument("--jobs", type=int, default=1, help="threads, or processes, of all")
    parser.add_argument("--rows", type=Path, default=ROWS, help="CSV that --results keeps rows in")
    arguments = parse_arguments(parser)
    kept = {}
    if arguments.results and arguments.rows.exists():
        rows = pd.read_csv(arguments.rows).to_dict("records")
        kept = {(each["dataset"], each["row"]): each for each in rows}
    names = models_to_run(arguments.own)
    tasks = [*single_tasks()]
    if arguments.data:
        tasks = [*m3_tasks(arguments.data), *m4_tasks(arguments.data), *tasks]
    for task in tasks:
        chosen = [name for name in names if arguments.only in f"{name} {task.name}"]
        for name in chosen:
            kept[task.name, name] = row(name, task, arguments.jobs)
            if arguments.results:
                pd.DataFrame(kept.values()).round(6).to_csv(arguments.rows, index=False)
        if chosen:
            for name, errors in task.published.items():
                kept[task.name, name] = {"dataset": task.name, "row": name, **errors}
            rows = [each for (dataset, _), each in kept.items() if dataset == task.name]
            print(f"\n{table(pd.DataFrame(rows))}", flush=True)
    if kept:
        found = pd.DataFrame(kept.values()).round(6)
        print(f"\n{origin(found)}")
        if arguments.results:
            found.to_csv(arguments.rows, index=False)
    if arguments.data and arguments.only in "RNNForecaster ETTh1":
        etth1(arguments.data)


if __name__ == "__main__":
    main()
