"""A worker that is killed, and scikit-learn's searches on a cluster."""

import os
import signal

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import RNNForecaster

dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.parametrize("cluster", ["dask"], indirect=True),
]


@pytest.fixture
def client(cluster):
    return distributed.default_client()


def small(**parameters):
    settings = {"horizon": 2, "season": 1, "lookback": 4, "hidden_size": 2, "max_iter": 2}
    return RNNForecaster(**settings | {"pretrained": None} | parameters)


def test_models_of_a_killed_worker_are_fitted_again(client):
    """Forecasts are then the same to the bit."""
    rng, n = np.random.default_rng(0), 30
    ids, days = np.repeat([f"s{k}" for k in range(8)], n), pd.date_range("2024-01-01", periods=n)
    y = pd.DataFrame({"unique_id": ids, "ds": np.tile(days, 8), "y": rng.normal(size=8 * n)})
    frame = dd.from_pandas(y, npartitions=4, sort=False)
    forecaster = small(scope="local").fit(frame)
    before = forecaster.predict().compute()
    workers = client.run(os.getpid)
    os.kill(next(iter(workers.values())), signal.SIGKILL)
    after = forecaster.predict().compute()
    pd.testing.assert_frame_equal(after, before, check_exact=True)
    assert set(client.run(os.getpid).values()) != set(workers.values())


def test_a_search_of_scikit_learn_on_dask(client):
    days = pd.date_range("2024-01-01", periods=60)
    y = pd.Series(np.random.default_rng(0).normal(size=60), days)

    def scores(forecaster, y, _=None):
        return {"score": forecaster.score(y), "process": os.getpid()}

    client.wait_for_workers(2)  # with one thread joblib would not use the cluster
    cv = TimeSeriesSplit(2)
    search = GridSearchCV(small(), {"hidden_size": [2, 3]}, scoring=scores, cv=cv, refit=False)
    alone = search.fit(y).cv_results_
    with joblib.parallel_backend("dask"):
        on_dask = search.fit(y).cv_results_
    assert on_dask["mean_test_score"].tolist() == alone["mean_test_score"].tolist()
    assert set(alone["split0_test_process"]) == {os.getpid()}
    assert set(on_dask["split0_test_process"]) <= set(client.run(os.getpid).values())
