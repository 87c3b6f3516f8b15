"""One network for all series of a frame, trained by rounds in which its partitions are averaged."""

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import RNNForecaster
from tsrnn.distributed import Task, engine_of
from tsrnn.forecasting import partitions, rounds

# Engines warn of their own ways, and of pandas 3.
pytestmark = pytest.mark.filterwarnings("ignore")


def panel(n_series=9, n=60):
    """Series of several lengths in a long frame."""
    rng, days = np.random.default_rng(0), pd.date_range("2024-01-01", periods=n)
    parts = []
    for k in range(n_series):
        values = (
            10 + k + np.sin(np.arange(n - k) * 2 * np.pi / 7 + k) + 0.1 * rng.normal(size=n - k)
        )
        parts.append(pd.DataFrame({"unique_id": f"s{k}", "ds": days[k:], "y": values}))
    return pd.concat(parts, ignore_index=True)


Y = panel()


def small(**parameters):
    settings = {"horizon": 3, "season": 1, "lookback": 14, "hidden_size": 4, "max_iter": 3}
    settings |= {"pretrained": None, "transform": None, "n_jobs": 1, "segment": 1}
    return RNNForecaster(**settings | {"recurrent_dropout": 0.0} | parameters)


class Partitions:
    """A frame of some partitions in this process, and its engine."""

    name = "Partitions"

    def __init__(self, parts):
        self.parts, self.failures = parts, 0

    def template(self, frame):
        return self.parts[0].iloc[:0]

    def partition(self, frame, keys):
        return frame

    persist = broadcast = lambda self, frame: frame

    def select(self, frame, columns):
        return Partitions([part[columns] for part in frame.parts])

    def collect(self, frame, function, shared=None):
        if self.failures and isinstance(function, rounds._TrainPartition):
            self.failures -= 1
            raise ConnectionError("a worker is lost")
        return [function(part, shared, Task(k)) for k, part in enumerate(frame.parts)]


def fit(forecaster, parts, failures=0, **arguments):
    engine = Partitions(parts)
    engine.failures = failures
    partitions.fit_on_engine(forecaster, engine, engine, arguments)
    return forecaster


def split(n):
    """The panel in partitions of whole series."""
    number = Y["unique_id"].str[1:].astype(int) % n
    return [Y[number == k] for k in range(n)]


def test_averaged_steps_are_those_of_one_process():
    """Of all windows at once, without momentum, for which that is so to rounding."""
    steps = {"solver": "sgd", "batch_size": 10_000, "learning_rate": "constant"}
    steps |= {"learning_rate_init": 0.3, "max_grad_norm": 1e6}
    one = small(**steps).fit(Y)
    found = fit(small(**steps), split(3))
    assert one.best_iter_ > 0
    assert_allclose(found.loss_curve_, one.loss_curve_, rtol=1e-5)
    assert_allclose(found.validation_scores_, one.validation_scores_, rtol=1e-5)
    assert_allclose(found.fitted_.weights, one.fitted_.weights, rtol=1e-3, atol=1e-6)
    pd.testing.assert_frame_equal(found.predict(), one.predict(), rtol=1e-4)


def test_partitions_are_weighted_by_their_windows_in_any_order():
    rng = np.random.default_rng(0)
    results = [
        rounds.PartitionResult(key, n, *(rng.normal(size=(2, k)).astype("f4") for k in (5, 15, 1)))
        for key, n in ((3, 10), (1, 30), (2, 5))
    ]
    found = rounds.averaged([None, *results])
    for name, each in zip(("parameters", "moments", "losses"), found, strict=True):
        expected = sum(r.n_windows * getattr(r, name).astype(float) for r in results) / 45
        assert_allclose(each, expected, rtol=1e-6)
    for each, again in zip(found, rounds.averaged(results[::-1]), strict=True):
        assert_array_equal(each, again)


def test_a_round_is_repeated_where_workers_were_lost():
    parameters = {"n_estimators": 2, "recurrent_dropout": 0.2, "batches_per_epoch": 3}
    expected = fit(small(**parameters), split(2))
    found = fit(small(**parameters), split(2)[::-1], failures=2)
    assert_array_equal(found.fitted_.weights, expected.fitted_.weights)
    with pytest.raises(RuntimeError, match=r"Round 1 failed 3 times.*call fit again"):
        fit(small(), split(2), failures=9)


def test_what_rounds_cannot_have_is_refused():
    with pytest.raises(ValueError, match=r"by rounds, and max_seconds=1.0 needs.*n_sample"):
        fit(small(max_seconds=1.0), split(2))
    with pytest.raises(ValueError, match="trained on by rounds, and X needs all of it"):
        fit(small(), split(2), X=Y)


def test_a_killed_worker_changes_nothing(cluster, monkeypatch, tmp_path):
    """Each engine, in two partitions; the worker kills itself the first time that it trains."""
    mark, train = str(tmp_path / "killed"), rounds._TrainPartition

    def kill_once(*arguments):
        def call(partition, plan, task):
            if not os.path.exists(mark):
                Path(mark).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return train(*arguments)(partition, plan, task)

        return call

    frame = cluster.frame(Y, 2)
    engine = engine_of(frame)
    expected = small().fit(engine.persist(engine.partition(frame, ["unique_id"])))
    monkeypatch.setattr(rounds, "_TrainPartition", kill_once)
    shuffled = cluster.frame(Y.sample(frac=1, random_state=0), 2)
    found = small().fit(engine.persist(engine.partition(shuffled, ["unique_id"])))
    assert os.path.exists(mark)
    assert found.best_iter_ > 0
    assert_array_equal(found.fitted_.weights, expected.fitted_.weights)
    forecasts = cluster.to_pandas(found.predict(y=frame)).sort_values(["unique_id", "ds"])
    assert_array_equal(forecasts["y"], found.predict(y=Y)["y"])
