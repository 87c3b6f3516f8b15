"""The forecasters that a backtest compares: those given, by their names."""

from typing import Any

from sklearn.base import is_regressor

from tsrnn.forecasting.backtesting.libraries import (
    LIBRARY_NAMES,
    LibraryForecaster,
    check_installed,
    is_library_forecaster,
)
from tsrnn.forecasting.backtesting.regression import RegressionForecaster
from tsrnn.forecasting.backtesting.simple import SIMPLE
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.parameters import Constraint, validate_parameters

BASELINES = (*SIMPLE, *LIBRARY_NAMES)
# What all networks of a backtest must have in common: they read the same frames.
_SHARED = "horizon", "missing", "id_column", "time_column", "target_column"


class ForecasterOptions(Constraint):
    """What ``backtest`` takes: an RNNForecaster, or a list or dict of forecasters of all kinds."""

    def accepts(self, value: Any) -> bool:
        if isinstance(value, dict):
            are_names = all(isinstance(name, str) and name for name in value)
            return are_names and bool(value) and all(map(_is_forecaster, value.values()))
        if isinstance(value, (list, tuple)):
            return bool(value) and all(map(_is_forecaster, value))
        return isinstance(value, RNNForecaster)

    def problem(self, value: Any) -> str:
        if isinstance(value, str) and value in BASELINES:
            return (
                f"must be an RNNForecaster, or hold one, got the name {value!r} alone. Names come "
                f"with it: [RNNForecaster(...), {value!r}], or baselines=[{value!r}]."
            )
        if isinstance(value, dict):
            entries = list(value.items())
        else:
            entries = list(enumerate(value)) if isinstance(value, (list, tuple)) else []
        wrong = [(key, each) for key, each in entries if not _is_forecaster(each)]
        if not wrong or len(wrong) == len(entries):  # of no forecaster at all: say what one is
            return ""
        key, each = wrong[0]
        return f"{key!r} {_problem_of(each)}"

    def __str__(self) -> str:
        names = ", ".join(map(repr, BASELINES))
        return (
            "an RNNForecaster, or a list or a dict by name of RNNForecasters, regressors of "
            f"scikit-learn, forecasters of statsforecast or sktime, and names ({names})"
        )


def _problem_of(value):
    """What is wrong with an entry that is no forecaster."""
    if isinstance(value, type):
        return f"is a class: give an object of it, {value.__name__}()."
    if isinstance(value, str):
        return f"is {value!r}, which is no name of one: {', '.join(map(repr, BASELINES))}."
    return (
        f"is of type {type(value).__name__}, no forecaster. Give an RNNForecaster, a regressor of "
        "scikit-learn, a forecaster of statsforecast or sktime, or a name."
    )


def _is_forecaster(value):
    if isinstance(value, str):
        return value in BASELINES
    if isinstance(value, (RNNForecaster, RegressionForecaster)) or is_library_forecaster(value):
        return True
    can_fit = all(callable(getattr(value, name, None)) for name in ("fit", "predict", "get_params"))
    return not isinstance(value, type) and can_fit and is_regressor(value)


def named_forecasters(forecaster: Any, baselines: tuple[str, ...]) -> dict[str, Any]:
    """Forecasters by name: RNNForecasters, RegressionForecasters, LibraryForecasters and names.

    Those of a list have the names of their classes, with a number from the second of one class on;
    ``baselines`` that were not given follow.
    """
    if isinstance(forecaster, dict):
        named = dict(forecaster)
    else:
        named = {}
        for each in forecaster if isinstance(forecaster, (list, tuple)) else [forecaster]:
            named[_free_name(_name_of(each), named)] = each
    given = {each for each in named.values() if isinstance(each, str)}
    named |= {name: name for name in baselines if name not in given and name not in named}
    for each in named.values():
        if isinstance(each, str) and each not in SIMPLE:
            check_installed(each)
    return {name: _wrapped(each) for name, each in named.items()}


def lead_of(forecasters: dict[str, Any]) -> str:
    """Name of the network whose season, names of columns and covariates all others take.

    It is the first RNNForecaster, if possible one that is trained and so reads covariates. Raises
    ValueError if there is none, or if networks read frames in different ways.
    """
    networks = {k: each for k, each in forecasters.items() if isinstance(each, RNNForecaster)}
    if not networks:
        raise ValueError(
            "forecaster has no RNNForecaster, whose horizon, season, names of columns and "
            "covariates the others take. Add one; RNNForecaster(horizon, max_iter=0) is the "
            "pretrained network, which takes no training."
        )
    for network in networks.values():
        validate_parameters(network)
    first, *others = networks
    for name in others:
        for parameter in _SHARED:
            values = [getattr(networks[each], parameter) for each in (first, name)]
            if values[0] != values[1]:
                raise ValueError(
                    f"forecaster {name!r} has {parameter}={values[1]!r}, and {first!r} has "
                    f"{values[0]!r}. Networks that are compared must have the same."
                )
    return next((name for name, each in networks.items() if each.max_iter != 0), first)


def _name_of(forecaster):
    if isinstance(forecaster, RegressionForecaster):
        forecaster = forecaster.regressor
    return forecaster if isinstance(forecaster, str) else type(forecaster).__name__


def _free_name(name, named):
    """The name, with a number if it is taken."""
    number, free = 1, name
    while free in named:
        number += 1
        free = f"{name}_{number}"
    return free


def _wrapped(forecaster):
    if isinstance(forecaster, (RNNForecaster, RegressionForecaster)) or _is_simple(forecaster):
        return forecaster
    if isinstance(forecaster, str) or is_library_forecaster(forecaster):
        return LibraryForecaster(forecaster)
    return RegressionForecaster(forecaster)


def _is_simple(forecaster):
    return isinstance(forecaster, str) and forecaster in SIMPLE
