"""The tutorial of a daily job: its commands, in processes of their own, and what they leave."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsrnn

pytestmark = pytest.mark.slow

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "daily-job.md").read_text("utf-8")
SUMMARY, DATA, AFTERWARDS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
SMALL = ["--max-iter", "2", "--hidden-size", "4", "--n-jobs", "1", "--quiet"]
RUN = """
import json
import sys

from tsrnn.cli import main

for arguments in json.loads(sys.argv[1]):
    assert main(arguments) == 0, arguments
"""


def commands(heading):
    """Arguments of the commands below a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2]
    lines = re.search(r"```bash\n(.*?)```", section, flags=re.DOTALL)[1]
    return [shlex.split(line)[1:] for line in lines.replace("\\\n", "").strip().splitlines()]


def run(commands, folder):
    """Run commands in a new process; what they print."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_in_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(SUMMARY, {})
    assert tsrnn.load("passengers.tsrnn").cutoff_ == pd.Timestamp("1960-12-01")


def test_the_week_of_the_tutorial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(DATA, {})
    run([[*command, *SMALL] for command in commands("The first day: fit and save")], tmp_path)
    first = tsrnn.load("load.tsrnn")
    assert first.cutoff_ == pd.Timestamp("2024-05-26 23:00")
    morning, alarms = commands("Every morning"), {}
    for days in ([1, 2], [3, 4, 5, 6, 7]):  # the models go on in another process
        daily = [
            [
                word.replace("day1", f"day{day}").replace("alarms", f"alarms{day}")
                for word in command
            ]
            for day in days
            for command in morning
        ]
        printed = run(daily, tmp_path)
        assert printed.count("coverage_95") == len(days)
    last = pd.Timestamp("2024-06-02 23:00")
    assert tsrnn.load("load.tsrnn").cutoff_ == tsrnn.load("watch.tsrnn").cutoff_ == last
    forecast = pd.read_csv("forecast.csv", parse_dates=["time"], index_col="time")
    assert forecast.index.equals(pd.date_range(last, periods=49, freq="h")[1:])
    assert Path("forecast.png").read_bytes().startswith(b"\x89PNG")
    for day in range(1, 8):
        alarms[day] = pd.read_csv(f"alarms{day}.csv")
    assert alarms[3]["time"].iloc[0] == "2024-05-29 10:00:00"
    assert alarms[3]["channel"].iloc[0] == "load"

    # In Python, from the files of the first day and the same rows
    frames = [pd.read_csv(f"day{day}.csv", parse_dates=["time"]) for day in range(1, 8)]
    rows = pd.concat(frames).set_index("time")
    weather = pd.read_csv("weather.csv", parse_dates=["time"], index_col="time")
    wanted = first.update(rows["load"], rows[["temperature"]]).predict(X=weather)
    np.testing.assert_allclose(forecast["forecast"], wanted, rtol=1e-6)
    exec(AFTERWARDS, {})

    run(commands("When readings are corrected"), tmp_path)
    corrected = pd.read_csv("corrected.csv", parse_dates=["time"], index_col="time")["load"]
    known = tsrnn.load("load.tsrnn").recent_
    pd.testing.assert_series_equal(known[corrected.index], corrected, check_freq=False)
    others = rows["load"].drop(corrected.index)
    pd.testing.assert_series_equal(known[others.index], others, check_freq=False)
    assert (rows["load"][corrected.index] != corrected).all()
    run(commands("At the end of the week")[:1], tmp_path)
    assert Path("events.png").exists()
