"""Tiny fits and predictions, which call the kernels that those of users call first."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.anomaly import RNNAnomalyDetector
from tsrnn.estimators import RNNClassifier, RNNRegressor
from tsrnn.forecasting import RNNForecaster
from tsrnn.forecasting.pretrained import LEVELS, PretrainedNetwork, TuningSeries
from tsrnn.kernels.jit.compile import Call, recorded_calls
from tsrnn.training import Settings, train

ATTENTION = "attention"  # a cell that detectors do not have


def _forecaster(cell):
    y = _series(16)
    forecaster = RNNForecaster(horizon=1, lookback=2, season=1, **_tiny(cell)).fit(y)
    forecaster.predict_interval()
    panel = pd.DataFrame({"a": y, "b": y})
    RNNForecaster(horizon=1, lookback=2, season=1, scope="local", **_tiny(cell)).fit(panel)
    _fine_tune(y.to_numpy())


def _fine_tune(values):
    """Train as a forecaster of many series trains the network that comes with the library."""
    rng, one = np.random.default_rng(0), np.array([0])
    series = TuningSeries(values, values, one, np.array([values.size]), season=1, horizon=1)
    source = series.source(one, np.array([8]))
    settings = Settings(loss="quantile", loss_params=LEVELS, max_iter=1)
    train(PretrainedNetwork.of_shape(2, rng).network, source, one, one[:0], settings, rng)


def _regressor(cell):
    X, y = np.random.default_rng(0).standard_normal((2, 8, 2))
    RNNRegressor(**_tiny(cell)).fit(X[:, :, None], y[:, 0]).predict(X[:, :, None])


def _classifier(cell):
    X = np.random.default_rng(0).standard_normal((8, 2, 1))
    RNNClassifier(**_tiny(cell)).fit(X, np.arange(8) % 2).predict_proba(X)


def _detector(cell):
    if cell == ATTENTION:
        return
    y, shape = _series(24), {"lookback": 4, "horizon": 2, "season": 1}
    RNNAnomalyDetector(**shape, **_tiny(cell)).fit(y).score_samples(y)
    RNNAnomalyDetector(online=True, **shape, **_tiny(cell)).fit(y[:-1]).update(y[-1:])


ESTIMATORS: dict[str, Callable[[str], Any]] = {
    "forecaster": _forecaster,
    "regressor": _regressor,
    "classifier": _classifier,
    "detector": _detector,
}


def _tiny(cell):
    shape = {"n_heads": 1} if cell == ATTENTION else {}
    return {"cell": cell, "hidden_size": 2, "max_iter": 1, "random_state": 0, **shape}


def _series(n):
    index = pd.date_range("2000-01-01", periods=n)
    return pd.Series(np.random.default_rng(0).standard_normal(n), index)


def kernels_called(
    cells: Iterable[str], estimators: Iterable[str], parallel: bool = True
) -> list[Call]:
    """The kernels that estimators with such cells call, those that take longest to compile first.

    Parameters
    ----------
    cells : iterable of str
    estimators : iterable of str
        Names of ``ESTIMATORS``.
    parallel : bool, default=True
        Also those that run on several threads.

    Returns
    -------
    list of Call
        None is compiled, and none twice in the list.
    """
    calls: dict[Call, None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so little data is no basis for a forecast
        for cell in cells:
            for estimator in estimators:
                for n_tasks in (1, 2) if parallel else (1,):
                    work = ESTIMATORS[estimator]
                    calls |= dict.fromkeys(recorded_calls(lambda: work(cell), n_tasks))  # noqa: B023
    return sorted(calls, key=lambda call: -len(str(call.signature)))
