"""Forecasters of statsforecast and sktime, each fitted to one series at a time."""

import copy
import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.forecasting.backtesting.block import Block
from tsrnn.forecasting.uncertainty import levels_by_column

# By name: the class of statsforecast, else of sktime.
_CLASSES: dict[str, tuple[str, str | None]] = {
    "ets": ("AutoETS", "sktime.forecasting.ets:AutoETS"),
    "theta": ("AutoTheta", "sktime.forecasting.theta:ThetaForecaster"),
    "arima": ("AutoARIMA", "sktime.forecasting.arima:AutoARIMA"),
    "ces": ("AutoCES", None),
    "croston": ("CrostonOptimized", "sktime.forecasting.croston:Croston"),
}
_POINT_ONLY = {"croston"}  # without a season and without intervals
LIBRARY_NAMES = tuple(_CLASSES)


def is_library_forecaster(value: Any) -> bool:
    """Whether an object is a forecaster of statsforecast or sktime."""
    if isinstance(value, type) or not callable(getattr(value, "predict", None)):
        return False
    return _library_of(value) is not None


@dataclasses.dataclass(frozen=True)
class LibraryForecaster:
    """A forecaster of statsforecast or sktime, by its name in ``LIBRARY_NAMES`` or as an object.

    It reads ``y`` alone, missing values filled by the last one of their season.
    """

    forecaster: Any

    def forecasts(self, block: Block) -> dict[str, np.ndarray]:
        """Columns (n_series, n_origins, horizon): "" of forecasts, others of intervals."""
        model, levels = self.forecaster, levels_by_column(block.coverages, block.quantiles)
        if isinstance(model, str):
            levels = {} if model in _POINT_ONLY else levels
            model = _made(model, block.season)
        series_forecasts = _FORECASTS[_library_of(model)]
        parts = [
            series_forecasts(copy.deepcopy(model), history, ends, block.horizon, levels)
            for history, ends in zip(block.histories(), block.ends, strict=True)
        ]
        return {name: np.array([part[name] for part in parts]) for name in parts[0]}


def check_installed(name: str) -> None:
    """ImportError if no library has the forecaster of this name."""
    _class_of(name)


def _class_of(name):
    """The class of a name."""
    in_statsforecast, in_sktime = _CLASSES[name]
    try:
        return getattr(importlib.import_module("statsforecast.models"), in_statsforecast)
    except ImportError as error:
        if in_sktime is not None:
            module, _, cls = in_sktime.partition(":")
            try:
                return getattr(importlib.import_module(module), cls)
            except ImportError:
                pass
        either = " or sktime" if in_sktime else ""
        raise ImportError(
            f"The baseline {name!r} is a forecaster of statsforecast{either}, which is not "
            "installed: pip install statsforecast."
        ) from error


def _made(name, season):
    """The forecaster of a name, for a season."""
    cls = _class_of(name)
    if name in _POINT_ONLY:
        return cls()
    if _library_of(cls) == "statsforecast":
        return cls(season_length=season)
    settings: dict[str, Any] = {"sp": season}
    if name == "ets":
        settings |= {"auto": True}
    return cls(**settings)


def _library_of(value):
    """The library that an object's class, or one of its bases, or a class is of; None of others."""
    cls = value if isinstance(value, type) else type(value)
    modules = [base.__module__.partition(".")[0] for base in cls.__mro__]
    return next((name for name in _FORECASTS if name in modules), None)


def _statsforecast(model, history, ends, horizon, levels):
    """Forecasts of one series from all origins, (n_origins, horizon) by column.

    Fitted once, later values are read by ``forward``; models without it are fitted at each origin.
    """
    wanted = {name: _interval_of(level) for name, level in levels.items()}
    given = sorted({percent for percent, _ in wanted.values() if percent})
    options = {"h": horizon} | ({"level": given} if given else {})
    forecasts: dict[str, list] = {name: [] for name in ("", *levels)}
    model.fit(history[: ends[0]])
    for k, end in enumerate(ends):
        if k and hasattr(model, "forward"):
            result = model.forward(y=history[:end], **options)
        else:
            result = (model.fit(history[:end]) if k else model).predict(**options)
        forecasts[""].append(result["mean"])
        for name, (percent, side) in wanted.items():
            key = f"{side}-{percent:g}" if f"{side}-{percent:g}" in result else f"{side}-{percent}"
            forecasts[name].append(result[key if percent else "mean"])
    return {name: np.array(parts, dtype=float) for name, parts in forecasts.items()}


def _interval_of(level):
    """The central interval in percent and the side of it that a quantile is; (0, "lo") of 0.5."""
    percent = round(100 * abs(2 * level - 1), 10)
    return (int(percent) if percent == int(percent) else percent), ("lo" if level < 0.5 else "hi")


def _sktime(model, history, ends, horizon, levels):
    """Forecasts of one series from all origins, (n_origins, horizon) by column.

    Fitted at each origin: many do not read new values otherwise, and forecast as if none had come.
    """
    steps = list(range(1, horizon + 1))
    has_spread = bool(levels) and bool(model.get_tag("capability:pred_int"))
    forecasts: dict[str, list] = {name: [] for name in ("", *(levels if has_spread else ()))}
    for end in ends:
        model.fit(pd.Series(history[:end]), fh=steps)
        forecasts[""].append(np.ravel(model.predict(fh=steps)))
        if has_spread:
            alphas = sorted(set(levels.values()))
            quantiles = np.asarray(model.predict_quantiles(fh=steps, alpha=alphas))
            for name, level in levels.items():
                forecasts[name].append(quantiles[:, alphas.index(level)])
    return {name: np.array(parts, dtype=float) for name, parts in forecasts.items()}


_FORECASTS: dict[str, Callable[..., dict[str, np.ndarray]]] = {
    "statsforecast": _statsforecast,
    "sktime": _sktime,
}
