"""Recurrent networks for time series: compiled by Numba, for scikit-learn and pandas.

Public names are imported on first use, so ``import tsrnn`` is fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # what editors and type checkers read; _MODULES says the same at run time
    from tsrnn import datasets, plotting
    from tsrnn.anomaly import RNNAnomalyDetector
    from tsrnn.data import make_windows
    from tsrnn.estimators import RNNClassifier, RNNRegressor, SlidingWindows
    from tsrnn.forecasting import (
        RNNForecaster,
        aggregate,
        backtest,
        drift,
        reconcile,
        search,
        seasonal_naive,
    )
    from tsrnn.saving import load, save
    from tsrnn.sequences import (
        RNNLanguageModel,
        RNNTagger,
        RNNTranscriber,
        RNNTranslator,
        Tokenizer,
    )
    from tsrnn.warming import warm_up

__all__ = [
    "RNNAnomalyDetector",
    "RNNClassifier",
    "RNNForecaster",
    "RNNLanguageModel",
    "RNNRegressor",
    "RNNTagger",
    "RNNTranscriber",
    "RNNTranslator",
    "SlidingWindows",
    "Tokenizer",
    "__version__",
    "aggregate",
    "backtest",
    "datasets",
    "drift",
    "load",
    "make_windows",
    "plotting",
    "reconcile",
    "save",
    "search",
    "seasonal_naive",
    "warm_up",
]

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
    "aggregate": "tsrnn.forecasting",
    "drift": "tsrnn.forecasting",
    "load": "tsrnn.saving",
    "make_windows": "tsrnn.data",
    "reconcile": "tsrnn.forecasting",
    "save": "tsrnn.saving",
    "search": "tsrnn.forecasting",
    "seasonal_naive": "tsrnn.forecasting",
    "warm_up": "tsrnn.warming",
    "backtest": "tsrnn.forecasting",
    "datasets": None,
    "plotting": None,
}

if not TYPE_CHECKING:  # else any name would pass for one of tsrnn

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module 'tsrnn' has no attribute {name!r}")
        module = _MODULES[name]  # None for a subpackage
        if module is None:
            return importlib.import_module(f"tsrnn.{name}")
        return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return __all__
