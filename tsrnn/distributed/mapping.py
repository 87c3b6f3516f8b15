"""Methods of estimators on frames of an engine: decided here, done by tasks."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import pandas as pd

from tsrnn.data import Collection, Location
from tsrnn.distributed.engine import Engine, engine_of
from tsrnn.distributed.local import LocalFit
from tsrnn.distributed.tasks import Call, call_method

P = ParamSpec("P")
R = TypeVar("R")


def on_engines(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method with an argument ``y``, which may then be a frame of an engine.

    With ``errors="skip"`` bad series of other frames are left out. What the estimator's class has
    for it: ``_engine_template(frame, method, arguments, engine)``, the columns and dtypes of the
    result; ``_portable()``, a copy to be sent to tasks; ``_call_on_partition(method, partition,
    arguments)``; ``_call_skipping(method, y, arguments)``.
    """
    signature, name = inspect.signature(method), method.__name__

    @functools.wraps(method)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        arguments = signature.bind(*args, **kwargs).arguments
        estimator, y = arguments.pop("self"), arguments.pop("y", None)
        engine = engine_of(y)
        if engine is not None:
            return map_method(estimator, engine, y, name, arguments)
        fitted = getattr(estimator, "fitted_", None)
        if isinstance(fitted, LocalFit) and y is None:
            return fitted.map_method(estimator, name, arguments)
        if y is not None and estimator.errors == "skip" and not isinstance(y, Collection):
            return estimator._call_skipping(name, y, arguments)
        return method(*args, **kwargs)

    return wrapper


def map_method(
    estimator: Any, engine: Engine, y: Any, method: str, arguments: dict[str, Any]
) -> Any:
    """A frame of the engine with the results of a method for the series of ``y``."""
    refuse_frames(arguments)
    template = estimator._engine_template(engine.template(y), method, arguments, engine.name)
    portable = estimator._portable()
    series = engine.partition(y, [estimator.id_column])
    shared = engine.broadcast(Call(portable, method, arguments, template))
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


def template_of(frame: pd.DataFrame, keys: Sequence[str], dtypes: dict[str, Any]) -> pd.DataFrame:
    """A result without rows: the keys as in ``frame``, and columns of other dtypes."""
    parts = {key: frame[key].iloc[:0] for key in keys}
    parts |= {name: pd.Series([], dtype=dtype) for name, dtype in dtypes.items()}
    return pd.DataFrame(parts)
