"""Checks of the arguments of metrics, and their means over the observed values."""

import numpy as np
from numpy.typing import ArrayLike

Axis = int | tuple[int, ...] | None


def observed_mean(errors: np.ndarray, actual: np.ndarray, axis: Axis) -> np.ndarray:
    """Mean over the values of ``actual`` that are observed; NaN where none is."""
    observed = ~np.isnan(actual)
    with np.errstate(invalid="ignore"):
        return np.sum(errors, axis=axis, where=observed) / np.sum(observed, axis=axis)


def check_actual(values: ArrayLike, skip_missing: bool, name: str = "actual") -> np.ndarray:
    """A float array with steps, finite except for missing values that may be skipped."""
    values = np.asarray(values, dtype=float)
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
    values, shape = np.asarray(values, dtype=float), actual.shape + more
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
    scale, shape = np.asarray(scale, dtype=float), actual.shape[:-1]
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
    values = np.asarray(values, dtype=float)
    if not ((values > 0) & (values < 1)).all():
        raise ValueError(f"{name} must be above 0 and below 1, got {values}.")
    return values


def refuse_where(bad: np.ndarray, problem: str, remedy: str) -> None:
    """Raise ValueError with the first bad place, if there is one."""
    if np.any(bad):
        place = ", ".join(map(str, np.argwhere(bad)[0]))
        where = f" at [{place}]" if place else ""
        more = f" and at {np.sum(bad) - 1} more" if np.sum(bad) > 1 else ""
        raise ValueError(f"{problem}{where}{more}. {remedy}.")
