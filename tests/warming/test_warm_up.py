"""Kernels made ready: those that are found are those that fits call."""

import inspect
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import tsrnn
from tsrnn.kernels.jit.cache import KernelCache
from tsrnn.kernels.jit.compile import Kernel, recorded_calls
from tsrnn.kernels.jit.recording import recorded
from tsrnn.warming import ESTIMATORS, compile_call, kernels_called

FITS = """
import numpy as np, pandas as pd
import tsrnn
from tsrnn.kernels.jit import threads
from tsrnn.kernels.jit.cache import KernelCache

tsrnn.warm_up(["rnn"])

def fail(cache, *arguments):
    raise AssertionError(cache.name)

KernelCache.compiling = fail
index = pd.date_range("2000-01-01", periods=60)
frame = pd.DataFrame(np.random.default_rng(0).standard_normal((60, 3)), index, list("abc"))
many = pd.DataFrame(np.random.default_rng(1).standard_normal((60, 12)).cumsum(axis=0), index)
y, X = frame["a"], frame.to_numpy().reshape(20, 3, 3)
for n_jobs, threads.LONG in [(1, 1), (2, 0)]:
    small = dict(cell="rnn", hidden_size=4, max_iter=2, n_jobs=n_jobs)
    for target in (y, frame, 0.0 * y + 1):
        forecaster = tsrnn.RNNForecaster(horizon=3, **small).fit(target[:-3])
        forecaster.predict(), forecaster.predict_interval()
        forecaster.update(target[-3:]).predict()
    tsrnn.RNNForecaster(horizon=3, scope="local", n_estimators=2, **small).fit(frame).predict()
    tsrnn.RNNForecaster(horizon=3, **small).fit(many).predict()  # tunes the pretrained network
    tsrnn.RNNForecaster(horizon=3, max_iter=0).fit(y).predict()
    tsrnn.backtest(tsrnn.RNNForecaster(horizon=3, **small), y, n_windows=2)
    tsrnn.RNNRegressor(**small).fit(X, X[:, 0, 0]).predict(X)
    tsrnn.RNNClassifier(bidirectional=True, **small).fit(X, np.arange(20) % 3).predict_proba(X)
    tsrnn.RNNAnomalyDetector(**small).fit(frame).detect(frame)
    tsrnn.RNNAnomalyDetector(online=True, **small).fit(y[:-5]).update(y[-5:])
"""


def test_the_signature_says_all_estimators():
    parameters = inspect.signature(tsrnn.warm_up).parameters
    assert parameters["estimators"].default == tuple(ESTIMATORS)


def test_what_is_called_is_found_without_compiling(monkeypatch):
    def fail(*_):
        pytest.fail("compiled")

    monkeypatch.setattr(KernelCache, "compiling", fail)
    found = {name: kernels_called(["gru"], [name]) for name in ESTIMATORS}
    names = {name: {call.name for call in calls} for name, calls in found.items()}
    train = {"gru-train-serial", "gru-train-one-parallel", "gram-schmidt-serial"}
    predict = {"gru-predict-serial", "gru-predict-parallel"}
    assert names["regressor"] == names["classifier"] == train | predict
    assert names["detector"] == train | {"gru-step-serial"}
    simple = {"simple-forecasts-serial", "simple-forecasts-parallel", "gru-train-parallel"}
    pretrained = {"lstm-predict-serial", "lstm-predict-parallel"}
    pretrained |= {"lstm-train-serial", "lstm-train-one-parallel"}
    assert names["forecaster"] == train | predict | simple | pretrained
    assert kernels_called(["attention"], ["detector"]) == []
    serial = kernels_called(["gru"], ["forecaster"], parallel=False)
    assert not any(call.parallel for call in serial)
    both = kernels_called(["gru"], ["forecaster", "detector"])
    assert set(both) == {*found["forecaster"], *found["detector"]}
    assert len(set(both)) == len(both)
    assert pickle.loads(pickle.dumps(both)) == both


def test_a_recording_ends_and_sees_its_thread_alone():
    def double(n_tasks, x):
        for k in range(x.size):
            x[k] *= 2.0

    kernel, x = Kernel(double, "double"), np.ones(3)
    with recorded(2) as record:
        kernel(1, x)
        kernel(2, x)
        kernel(2, x)
    assert x.tolist() == [8.0] * 3
    assert [parallel for _, parallel, _ in record.calls] == [False, True]
    assert recorded_calls(lambda: kernel(1, x), 1) == []  # no other process could make it
    with pytest.raises(ZeroDivisionError):
        recorded_calls(lambda: 1 / 0, 1)
    assert hasattr(kernel.dispatcher(False), "overloads")


def test_a_call_is_compiled_once():
    (call,) = recorded_calls(lambda: tsrnn.kernels.portable.orthonormal_rows(np.eye(2)), 1)
    first, second = compile_call(call), compile_call(call)
    assert first.name == second.name == "gram-schmidt-serial"
    assert not second.is_new


@pytest.mark.slow
def test_fits_compile_nothing_after_it():
    path = os.pathsep.join(filter(None, sys.path))
    environment = os.environ | {"PYTHONPATH": path, "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FITS],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
