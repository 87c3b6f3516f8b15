"""Budgets of time: what a fit of some seconds and a search of some minutes keep to, and reach.

Run it with ``python benchmarks/budgets.py --data FOLDER``, the folder that has ``m4``. A fit of a
network on M4's hourly series with ``max_seconds`` ends when, and with the weights of which epoch?
A search of 24 settings on M4's weekly series, scored by origins before the test: does its best
forecast the test better than the defaults, and does a search that was killed and called again come
to the same end? Searches run in processes of their own, to be killed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from accuracy_tasks import m4_tasks, point_errors
from results import Table, parse_arguments

SPACE = {
    "lookback": [26, 52, 78, 104],
    "hidden_size": [64, 128],
    "learning_rate_init": [0.001, 0.003],
    "n_estimators": [1, 3],
}
N_SETTINGS = 24


def task_of(data, group):
    """M4's series of a group."""
    return next(task for task in m4_tasks(Path(data)) if f" {group}," in task.name)


def forecast(forecaster, task):
    """Forecasts (n_series, horizon)."""
    return forecaster.predict()["y"].to_numpy().reshape(task.actual.shape)


def fits(data, seconds):
    """Print how long fits with a budget take, and the epoch whose weights they keep."""
    from tsrnn import RNNForecaster

    task = task_of(data, "Hourly")
    columns = ["forecaster", "s", "epochs", "loss of the kept, of the best epoch", "MASE"]
    table = Table("budgets-fits", f"Fits with a budget of seconds, {task.name}", columns)
    options = {"horizon": task.horizon, "season": task.season}
    for name, more in (
        ("fine-tuned", {}),
        ("own network", {"pretrained": None}),
        ("own network, 200 epochs", {"pretrained": None, "max_iter": 200}),
    ):
        forecaster = RNNForecaster(**options, **more)
        forecaster.set_params(max_seconds=1).fit(task.y)  # compile
        for budget in (seconds, None) if name != "own network, 200 epochs" else (seconds,):
            began = time.perf_counter()
            forecaster.set_params(max_seconds=budget).fit(task.y)
            elapsed = time.perf_counter() - began
            scores = forecaster.validation_scores_ or [np.nan]
            kept = scores[forecaster.best_iter_ - 1] if forecaster.best_iter_ else np.nan
            mase = point_errors(task, forecast(forecaster, task))["mase"]
            losses = f"{-kept:.4f}, {-np.nanmax(scores):.4f}"
            name_of_row = f"{name}, `max_seconds={budget}`"
            table.row(name_of_row, f"{elapsed:.1f}", forecaster.n_iter_, losses, f"{mase:.3f}")


def run_search(data, seconds, path):
    """A search, and its best on the test, as JSON."""
    from tsrnn import RNNForecaster, search

    task = task_of(data, "Weekly")
    forecaster = RNNForecaster(horizon=task.horizon)
    RNNForecaster(horizon=task.horizon, max_seconds=1).fit(task.y)  # compile
    RNNForecaster(horizon=task.horizon, max_seconds=1, pretrained=None).fit(task.y)
    began = time.perf_counter()
    found = search(
        forecaster, SPACE, task.y, n_candidates=N_SETTINGS, max_seconds=seconds, path=path
    )
    elapsed = time.perf_counter() - began
    errors = point_errors(task, forecast(found.best_forecaster_, task))
    defaults = point_errors(task, forecast(forecaster.fit(task.y), task))
    print(
        json.dumps(
            {
                "seconds": elapsed,
                "params": {k: str(v) for k, v in found.best_params_.items()},
                "owa": errors["owa"],
                "default_owa": defaults["owa"],
                "scores": found.results["score"].to_list()[:3],
                "n_evaluations": len(found.evaluations),
                "courses": found.evaluations[["candidate", "share", "repeat", "score"]]
                .round(9)
                .to_numpy()
                .tolist(),
            }
        )
    )


def kill_at(seconds, command, path):
    """Kill a search once its file says that it took so long; returns what it took."""
    process, taken = subprocess.Popen(command, stdout=subprocess.DEVNULL), 0.0
    while taken < seconds:
        time.sleep(0.2)
        if os.path.exists(path):
            taken = json.loads(Path(path).read_text())["seconds"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    return taken


def searches(data, seconds):
    """Print what a search finds, and one that was killed after two fifths of its time."""
    columns = ["search", "s", "OWA", "of the defaults", "evaluations", "best"]
    title = f"Searches of {N_SETTINGS} settings with a budget of {seconds:g} s, M4 Weekly"
    table = Table("budgets-searches", title, columns)
    courses = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("at once", "killed and called again"):
            path = os.path.join(folder, f"{name}.json")
            arguments = ["--data", data, "--search", str(seconds), "--path", path]
            command = [sys.executable, __file__, *arguments]
            before = 0.0
            if name != "at once":
                before = kill_at(0.4 * seconds, command, path)
            output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            found = json.loads(output.splitlines()[-1])
            courses[name] = found["courses"]
            scores = f"{found['owa']:.4f}", f"{found['default_owa']:.4f}", found["n_evaluations"]
            table.row(name, f"{before + found['seconds']:.1f}", *scores, f"`{found['params']}`")
    n = min(map(len, courses.values()))
    same = courses["at once"][:n] == courses["killed and called again"][:n]
    table.note(f"The first {n} evaluations of both are {'the same' if same else 'NOT the same'}.")


def main():
    """Print both tables, or run one search."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with m4")
    parser.add_argument("--fit-seconds", type=float, default=20, help="of a fit (default 20)")
    parser.add_argument("--search-seconds", type=float, default=300, help="(default 300)")
    parser.add_argument("--only", choices=["fits", "searches"], help="one table alone")
    parser.add_argument("--search", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    arguments = parse_arguments(parser)
    warnings.simplefilter("ignore")
    if arguments.search:
        run_search(arguments.data, arguments.search, arguments.path)
        return
    if arguments.only != "searches":
        fits(arguments.data, arguments.fit_seconds)
    if arguments.only != "fits":
        searches(arguments.data, arguments.search_seconds)


if __name__ == "__main__":
    main()
