"""Methods of estimators on frames of an engine: decided here, done by tasks."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import pandas as pd

from tsrnn.data import Collection, Location
from tsrnn.distributed.engine import Engine, engine_of
from tsrnn.distributed.local import LocalFit
from tsrnn.distributed.tasks import Call, Partitioned, call_method

P = ParamSpec("P")
R = TypeVar("R")


def on_engines(
    partitioned: Callable[[Any], Partitioned],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a method with an argument ``y``, which may then be a frame of an engine.

    ``partitioned`` makes of the estimator what calls the method for partitions. Of other frames
    bad series are left out where the estimator says so.
    """

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        signature, name = inspect.signature(method), method.__name__

        @functools.wraps(method)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            arguments = signature.bind(*args, **kwargs).arguments
            estimator, y = arguments.pop("self"), arguments.pop("y", None)
            engine = engine_of(y)
            if engine is not None:
                return map_method(partitioned(estimator), engine, y, name, arguments)
            fitted = getattr(estimator, "fitted_", None)
            if isinstance(fitted, LocalFit) and y is None:
                return fitted.map_method(partitioned(estimator), name, arguments)
            caller = partitioned(estimator)
            if y is not None and caller.skips and not isinstance(y, Collection):
                return caller.call_skipping(name, y, arguments)
            return method(*args, **kwargs)

        return wrapper

    return decorate


def map_method(
    estimator: Partitioned, engine: Engine, y: Any, method: str, arguments: dict[str, Any]
) -> Any:
    """A frame of the engine with the results of a method for the series of ``y``."""
    refuse_frames(arguments)
    template = estimator.template(engine.template(y), method, arguments, engine.name)
    series = engine.partition(y, [estimator.id_column])
    shared = engine.broadcast(Call(estimator.portable(), method, arguments, template))
    return engine.map_partitions(series, call_method, template, shared)


def refuse_frames(arguments: dict[str, Any]) -> None:
    """Refuse frames of an engine in other arguments than ``y``."""
    for name, value in arguments.items():
        engine = engine_of(value)
        if engine is not None:
            raise Location(name).error(
                f"is a frame of {engine.name}, and only y may be one",
                f"Give {name} as a pandas DataFrame; each task is sent all of it.",
            )


def refuse_columns(frame: pd.DataFrame, names: Sequence[str], engine: str) -> None:
    """Refuse a frame of other columns than those of ids, times and values."""
    if sorted(map(str, frame.columns)) != sorted(names):
        raise Location("y").error(
            f"is a frame of {engine} with the columns {frame.columns.tolist()}, not "
            f"{', '.join(map(repr, names))}",
            "Select the columns of ids, times and values, and say which they are by id_column, "
            "time_column and target_column.",
        )


def template_of(frame: pd.DataFrame, keys: Sequence[str], dtypes: dict[str, Any]) -> pd.DataFrame:
    """A result without rows: the keys as in ``frame``, and columns of other dtypes."""
    parts = {key: frame[key].iloc[:0] for key in keys}
    parts |= {name: pd.Series([], dtype=dtype) for name, dtype in dtypes.items()}
    return pd.DataFrame(parts)
