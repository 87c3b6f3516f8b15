"""Every estimator on the GPU, or in its simulator: the same answers, and nothing of it kept."""

import copy
import pickle

import numba
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import tsrnn
from tsrnn import RNNAnomalyDetector, RNNClassifier, RNNForecaster, RNNRegressor
from tsrnn.cli import main
from tsrnn.datasets import load_airline
from tsrnn.kernels.cuda import device, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cuda")]

HOURS = pd.date_range("2024-01-01", periods=120, freq="h")
Y = pd.Series(np.random.default_rng(0).normal(size=120).cumsum() + 50, HOURS, name="y")
ROWS = np.random.default_rng(1).normal(size=(30, 4))
SMALL = {"hidden_size": 3, "max_iter": 2, "random_state": 0}


def forecasts(where):
    return RNNForecaster(3, lookback=8, season=4, device=where, **SMALL).fit(Y)


def local_forecasts(where):
    frame = pd.DataFrame({"a": Y, "b": Y[::-1].to_numpy(), "c": Y**2 / 50}, HOURS)[:60]
    return RNNForecaster(
        3, lookback=8, season=4, scope="local", n_estimators=2, dropout=0.1, device=where, **SMALL
    ).fit(frame)


def regressor(where):
    # In doubles: the mean of what it learns is zero, and so a gradient, which Adam makes a step of.
    one = RNNRegressor(device=where, early_stopping=True, dtype="float64", **SMALL)
    return one.fit(ROWS, ROWS[:, 0] * 2)


def classifier(where):
    return RNNClassifier(device=where, **SMALL).fit(ROWS, np.where(ROWS[:, 0] > 0, "up", "down"))


def detector(where):
    return RNNAnomalyDetector(
        horizon=2, lookback=6, stretch=5, season=1, device=where, **SMALL
    ).fit(Y)


ESTIMATORS = {
    forecasts: lambda one: one.predict_interval(),
    local_forecasts: lambda one: one.predict(),
    regressor: lambda one: one.predict(ROWS),
    classifier: lambda one: one.predict_proba(ROWS),
    detector: lambda one: one.score_samples(Y),
}


@pytest.mark.filterwarnings("ignore:y has 120 observations")
@pytest.mark.parametrize("make", ESTIMATORS)
def test_the_same_answers(make):
    """Fitted on one device, an estimator predicts the same on the other, from a pickle as well."""
    say = ESTIMATORS[make]
    here, there = make("cpu"), make("cuda")
    expected = np.asarray(say(here), float)
    np.testing.assert_allclose(np.asarray(say(there), float), expected, rtol=1e-4, atol=1e-5)
    again = pickle.loads(pickle.dumps(there))
    assert again.device == "cpu"
    assert there.device == "cuda"
    np.testing.assert_allclose(np.asarray(say(again), float), expected, rtol=1e-4, atol=1e-5)
    on_gpu = np.asarray(say(here.set_params(device="cuda")), float)
    np.testing.assert_allclose(on_gpu, expected, rtol=1e-4, atol=1e-5)


def test_airline_after_some_epochs(monkeypatch):
    if numba.config.ENABLE_CUDASIM:  # where few blocks are quicker
        monkeypatch.setattr(run, "rows_of_a_chunk", lambda *args: 32)
    y = load_airline()
    settings = {"hidden_size": 3, "max_iter": 5, "conformal": False, "early_stopping": False}
    result = [
        RNNForecaster(12, device=where, **settings).fit(y[:-12]).predict()
        for where in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(result[1], result[0], rtol=1e-3)


def test_files_carry_no_device(tmp_path):
    fitted = regressor("cuda")
    path = tmp_path / "regressor.tsrnn"
    tsrnn.save(fitted, path)
    loaded = tsrnn.load(path)
    assert loaded.device == "cpu"
    assert b'"device"' not in path.read_bytes()
    np.testing.assert_allclose(loaded.predict(ROWS), fitted.predict(ROWS), rtol=1e-4)


def test_what_is_not_fitted_keeps_its_device():
    """A search in other processes must not fall back to the CPU in silence."""
    new = RNNRegressor(device="cuda")
    for copied in (pickle.loads(pickle.dumps(new)), copy.deepcopy(new), clone(regressor("cuda"))):
        assert copied.device == "cuda"


def test_without_a_gpu_nothing_falls_back(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(numba.config, "ENABLE_CUDASIM", 0)
    monkeypatch.setattr("numba.cuda.is_available", lambda: False)
    monkeypatch.setattr(device.importlib.util, "find_spec", lambda name: True)
    fitted = regressor("cpu")
    with pytest.raises(RuntimeError, match="no NVIDIA GPU"):
        fitted.set_params(device="cuda").predict(ROWS)
    with pytest.raises(RuntimeError, match="no NVIDIA GPU"):
        forecasts("cuda")
    path = tmp_path / "y.csv"
    Y.rename_axis("time").to_csv(path)
    arguments = ["forecast", str(path), "--time", "time", "--target", "y", "--horizon", "2"]
    assert main([*arguments, "--device", "cuda"]) == 2
    assert "tsrnn forecast: error: --device cuda found no NVIDIA GPU" in capsys.readouterr().err
