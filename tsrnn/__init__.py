"""Recurrent networks for time series: compiled by Numba, used like scikit-learn, at home in pandas.

Public names are imported when first asked for, so that ``import tsrnn`` costs next to nothing.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {
    "RNNAnomalyDetector": "tsrnn.anomaly",
    "RNNClassifier": "tsrnn.estimators",
    "RNNForecaster": "tsrnn.forecasting",
    "RNNRegressor": "tsrnn.estimators",
    "SlidingWindows": "tsrnn.estimators",
    "drift": "tsrnn.forecasting",
    "load": "tsrnn.saving",
    "make_windows": "tsrnn.data",
    "save": "tsrnn.saving",
    "seasonal_naive": "tsrnn.forecasting",
    "backtest": "tsrnn.forecasting",
    "datasets": None,
    "plotting": None,
}
__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'tsrnn' has no attribute {name!r}")
    home = _HOMES[name]
    found = importlib.import_module(f"tsrnn.{name}" if home is None else home)
    return found if home is None else getattr(found, name)


def __dir__():
    return __all__
