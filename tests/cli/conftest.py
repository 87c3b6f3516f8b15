"""Runs of the command line, the files they read, and forecasters to compare with."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster
from tsrnn.cli import main
from tsrnn.training.epochs import EpochRunner

SMALL = ["--max-iter", "2", "--hidden-size", "4", "--n-jobs", "1", "--quiet"]


@pytest.fixture
def small():
    """What makes the forecaster of ``SMALL``."""

    def small(**parameters):
        return RNNForecaster(max_iter=2, hidden_size=4, n_jobs=1, **parameters)

    return small


@pytest.fixture
def run(capsys):
    """Run a command with a small network; its exit code, standard output and error."""

    def run(*arguments):
        return main([*map(str, arguments), *SMALL]), *capsys.readouterr()

    return run


@pytest.fixture
def refused(run, monkeypatch):
    """Run a command that must be refused before training, in the one line that this gives."""

    def refused(*arguments):
        def fail(*_, **__):
            pytest.fail("trained for nothing")

        monkeypatch.setattr(EpochRunner, "__init__", fail)
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        return err

    return refused


@pytest.fixture
def write(tmp_path):
    """Write columns, as a rule of times and values, as a csv or parquet file and give its path."""

    def write(times=None, y=None, name="data.csv", columns=None, **how):
        if times is None:
            times = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024", periods=80)]
        y = np.sin(np.arange(len(times))).round(3) if y is None else y
        frame = pd.DataFrame({"time": times, "y": y} if columns is None else columns)
        path = tmp_path / name
        to = frame.to_csv if path.suffix == ".csv" else frame.to_parquet
        to(path, index=False, **how)
        return str(path)

    return write


@pytest.fixture(scope="session")
def shops():
    """Sales of three shops, the later ones shorter, one row a shop and day."""
    rng, days = np.random.default_rng(0), pd.date_range("2024-01-01", periods=70)
    parts = []
    for k, shop in enumerate(["007", "NA", "kiosk"]):
        sold = 20 * (k + 1) + 5 * np.sin(np.arange(70) * 2 * np.pi / 7) + rng.normal(size=70)
        parts.append(pd.DataFrame({"shop": shop, "day": days, "sold": sold.round(2)})[5 * k :])
    return pd.concat(parts, ignore_index=True)
