"""Loss and head of CONTRIBUTING.md, from its very lines, in a copy of the library."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, lines_of_contributing

pytestmark = pytest.mark.slow

USE = """
import numpy as np
import pandas as pd

import tsrnn
from tsrnn.anomaly.forecast_errors import DETECTOR_LOSSES
from tsrnn.cli import main
from tsrnn.kernels.losses import find_loss

rng = np.random.default_rng(0)
y = pd.Series(rng.normal(size=80).cumsum(), pd.date_range("2020-01-01", periods=80, freq="MS"))
settings = {"horizon": 3, "hidden_size": 4, "max_iter": 5, "n_jobs": 1, "random_state": 0}
forecaster = tsrnn.RNNForecaster(loss="log_cosh", **settings).fit(y)
assert forecaster.loss_ == "log_cosh"
assert forecaster.loss_curve_[-1] < forecaster.loss_curve_[0]
forecasts = forecaster.predict()
assert not np.allclose(forecasts, tsrnn.RNNForecaster(**settings).fit(y).predict())

tsrnn.save(forecaster, "forecaster.tsrnn")
pd.testing.assert_series_equal(tsrnn.load("forecaster.tsrnn").predict(), forecasts)

y.rename("y").rename_axis("time").to_csv("series.csv")
options = "--time time --target y --horizon 3 --hidden-size 4 --max-iter 5 --n-jobs 1"
command = ["forecast", "series.csv", *options.split(), "--out", "forecast.csv"]
assert main([*command, "--loss", "log_cosh"]) == 0
written = pd.read_csv("forecast.csv")["forecast"]
np.testing.assert_allclose(written, forecasts, rtol=1e-6)

assert "log_cosh" in DETECTOR_LOSSES
errors = np.array([[-1.0], [0.5], [2.0]])
loss, _ = find_loss("log_cosh").constant_losses(errors, None, ())
assert np.isclose(loss, np.log(np.cosh(errors)).mean())
"""

SAVE_HEAD = """
import numpy as np

from tsrnn.network import RecurrentNetwork, Transformer
from tsrnn.saving.file import pack, unpack
from tsrnn.saving.values import decode, encode

for network in (RecurrentNetwork("gru", 2, 4, 3, head="total"), Transformer(2, 4, 3, head="total")):
    network.initialise(np.random.default_rng(0))
    arrays = []
    content, arrays_read = unpack(pack(encode(network, "network", arrays), arrays))
    restored = decode(content, arrays_read)
    assert type(restored) is type(network)
    assert restored.head == "total"
    np.testing.assert_array_equal(restored.parameters, network.parameters)
"""
ADDED = {
    "tsrnn/kernels/losses/log_cosh.py": 'LOSSES["log_cosh"] = log_cosh',
    "tsrnn/kernels/heads/total.py": 'HEADS["total"] = total',
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run Python in a copy of library and tests that has loss and head and their slow twins."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("tsrnn", "tests/kernels"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignore)
    for source in (ROOT / "pyproject.toml", *(ROOT / "tests").glob("*.py")):
        shutil.copy(source, copy / source.relative_to(ROOT))
    for path, registration in ADDED.items():
        lines, twin = lines_of_contributing(path)
        (copy / path).write_text(lines, encoding="utf-8")
        with open(copy / "tests" / "naive.py", "a", encoding="utf-8") as naive:
            naive.write(f"\n\n{twin}\n\n{registration}\n")
    environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(copy / "cache")}

    def run(*arguments, **variables):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=copy,
            env=environment | variables,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_kernels_against_the_slow_twin(run):
    """The loss as scalar maths, then in networks, one simulated; the head in networks of all kinds.

    Both in one process, which compiles what they share once.
    """
    loss = "log_cosh and not (horizons or every- or parallel or float32)"
    head = "gru and head_total and not parallel or attending_head_total and not 2"
    tests = [f"tests/kernels/test_{name}.py" for name in ("losses", "cpu", "attention")]
    chosen = f"({loss}) or ({head})"
    assert "\n14 passed" in run("-m", "pytest", "-q", "-x", "-p", "no:xdist", "-k", chosen, *tests)


def test_the_head_is_saved(run):
    run("-c", SAVE_HEAD)


def test_forecaster_file_and_command_line(run):
    run("-c", USE, NUMBA_ENABLE_CUDASIM="0")
