"""Checks of the arguments of metrics, and their means over the observed values."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pandas.api.types import is_numeric_dtype

from tsrnn.data.labels import refuse_other_labels
from tsrnn.parameters import BOOLEAN, Allowed, Integer, ListOf, Probabilities, check_parameter

Axis = int | tuple[int, ...] | None
_AXIS = Integer(-64, 63)
_PROBABILITIES = Probabilities(scalar=True)
OPTIONS: dict[str, Allowed] = {
    "skip_missing": [BOOLEAN],
    "axis": [_AXIS, ListOf(_AXIS), None],
}
_TIMES = pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex


def observed_mean(errors: np.ndarray, actual: np.ndarray, axis: Axis) -> np.ndarray:
    """Mean over the values of ``actual`` that are observed; NaN where none is."""
    observed, axis = ~np.isnan(actual), tuple(axis) if isinstance(axis, list) else axis
    with np.errstate(invalid="ignore"):
        return np.sum(errors, axis=axis, where=observed) / np.sum(observed, axis=axis)


def check_labels(**arguments: Any) -> None:
    """Refuse pandas objects whose rows, or frames whose columns, have not the labels of the first.

    Arrays go with any labels, and so does a frame's only column.
    """
    base, first = "", None
    for name, values in arguments.items():
        if not isinstance(values, (pd.Series, pd.DataFrame)):
            continue
        if first is None:
            base, first = name, values
            continue
        refuse_other_labels(values.index, first.index, name, base)
        if values.ndim == first.ndim == 2 and max(values.shape[1], first.shape[1]) > 1:
            refuse_other_labels(values.columns, first.columns, name, base, "columns")


def check_rows(values: Any, name: str) -> None:
    """Refuse a frame with times down its rows where a series must be a row."""
    if not isinstance(values, pd.DataFrame) or isinstance(values.columns, _TIMES):
        return
    if isinstance(values.index, _TIMES):
        raise ValueError(f"{name} is a frame with its time stamps down the rows. Give {name}.T.")


def check_order(history: Any) -> None:
    """Refuse a history of pandas whose steps are not in order, or of several series in a row."""
    if not isinstance(history, (pd.Series, pd.DataFrame)):
        return
    check_rows(history, "history")
    is_frame = isinstance(history, pd.DataFrame)
    steps = history.columns if is_frame else history.index
    if isinstance(steps, pd.MultiIndex):
        series = steps.droplevel(-1).unique()
        if len(series) > 1:
            raise ValueError(
                f"history has {len(series)} series end to end, {series[0]!r} and so on. Give one "
                "at a time, as by groupby(level=0), or an array with a row for each."
            )
        steps = steps.get_level_values(-1)
    is_ordered = isinstance(steps, _TIMES) or (not is_frame and is_numeric_dtype(steps))
    if is_ordered and not steps.is_monotonic_increasing:
        at = next(k for k in range(1, len(steps)) if not steps[k - 1] <= steps[k])
        raise ValueError(
            f"history is not in the order of its index, first at [{at}]: {steps[at]} after "
            f"{steps[at - 1]}. Sort it by sort_index()."
        )


def as_floats(values: Any, name: str) -> np.ndarray:
    """A float array, missing values of every dtype as NaN; refuses a long frame."""
    keys = [key for key in ("unique_id", "ds") if key in list(getattr(values, "columns", ()))]
    if keys:
        raise ValueError(
            f"{name} is a long frame, with the columns {keys} and its values. Give these on an "
            f"index: {name}.set_index({keys})['y']."
        )
    try:
        if isinstance(values, (pd.Series, pd.DataFrame)):
            values = values.to_numpy(dtype=float, na_value=np.nan)
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be numbers: {error}.") from None


def check_actual(values: ArrayLike, skip_missing: bool, name: str = "actual") -> np.ndarray:
    """A float array with steps, finite except for missing values that may be skipped."""
    values = as_floats(values, name)
    if not values.ndim or not values.size:
        raise ValueError(f"{name} must be (..., steps) with values, got shape {values.shape}.")
    if not skip_missing:
        remedy = "Fill it, or give skip_missing=True"
        refuse_where(np.isnan(values), f"{name} is missing (NaN)", remedy)
    refuse_where(np.isinf(values), f"{name} is infinite", "Give finite values")
    return values


def check_forecast(
    values: ArrayLike,
    actual: np.ndarray,
    name: str = "forecast",
    more: tuple[int, ...] = (),
    infinite: bool = False,
) -> np.ndarray:
    """A float array of the shape of ``actual``, with ``more`` axes; it may be ``infinite``."""
    values, shape = as_floats(values, name), actual.shape + more
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape} as actual asks, got {values.shape}.")
    refuse_where(np.isnan(values), f"{name} is missing (NaN)", "Forecast every step")
    if not infinite:
        refuse_where(np.isinf(values), f"{name} is infinite", "Give finite values")
    return values


def check_bounds(
    lower: ArrayLike, upper: ArrayLike, actual: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of intervals, of the shape of ``actual``."""
    lower = check_forecast(lower, actual, "lower", infinite=True)
    upper = check_forecast(upper, actual, "upper", infinite=True)
    remedy = "Give lower <= upper, or sort the quantiles"
    refuse_where(lower > upper, "lower is above upper", remedy)
    return lower, upper


def check_scale(scale: ArrayLike, actual: np.ndarray) -> np.ndarray:
    """A scale for each series, (..., 1)."""
    scale, shape = as_floats(scale, "scale"), actual.shape[:-1]
    bad = ~(scale > 0) | np.isinf(scale)
    refuse_where(bad, "scale is not above 0", "Take it by seasonal_scale")
    try:
        return np.broadcast_to(scale, shape)[..., None]
    except ValueError:
        raise ValueError(
            f"scale must be one number or fit the leading axes of actual, {shape}, got shape "
            f"{scale.shape}. Take it by seasonal_scale(history, season), one for each series."
        ) from None


def check_probability(values: ArrayLike, name: str) -> np.ndarray:
    """Probabilities above 0 and below 1."""
    check_parameter(name, values, [_PROBABILITIES])
    return np.asarray(values, dtype=float)


def refuse_where(bad: np.ndarray, problem: str, remedy: str) -> None:
    """Raise ValueError with the first bad place, if there is one."""
    if np.any(bad):
        place = ", ".join(map(str, np.argwhere(bad)[0]))
        where = f" at [{place}]" if place else ""
        more = f" and at {np.sum(bad) - 1} more" if np.sum(bad) > 1 else ""
        raise ValueError(f"{problem}{where}{more}. {remedy}.")
