"""Recurrent networks for time series: compiled by Numba, for scikit-learn and pandas.

Public names are imported on first use, so ``import tsrnn`` is fast.
"""

import importlib

__version__ = "0.1.0"

_MODULES = {
    "RNNAnomalyDetector": "tsrnn.anomaly",
    "RNNClassifier": "tsrnn.estimators",
    "RNNForecaster": "tsrnn.forecasting",
    "RNNLanguageModel": "tsrnn.sequences",
    "RNNRegressor": "tsrnn.estimators",
    "RNNTagger": "tsrnn.sequences",
    "RNNTranscriber": "tsrnn.sequences",
    "RNNTranslator": "tsrnn.sequences",
    "SlidingWindows": "tsrnn.estimators",
    "Tokenizer": "tsrnn.sequences",
    "drift": "tsrnn.forecasting",
    "load": "tsrnn.saving",
    "make_windows": "tsrnn.data",
    "save": "tsrnn.saving",
    "seasonal_naive": "tsrnn.forecasting",
    "warm_up": "tsrnn.warming",
    "backtest": "tsrnn.forecasting",
    "datasets": None,
    "plotting": None,
}
__all__ = sorted([*_MODULES, "__version__"])


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module 'tsrnn' has no attribute {name!r}")
    module = _MODULES[name]  # None for a subpackage
    if module is None:
        return importlib.import_module(f"tsrnn.{name}")
    return getattr(importlib.import_module(module), name)


def __dir__():
    return __all__
