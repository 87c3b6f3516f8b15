"""A pandas Series, checked at the door, as a panel of one series and its time axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.axes import TimeAxis, show, time_axis
from tsrnn.data.panel import Panel

LARGEST = 1e150  # whose square is finite


def panel_from_series(y: pd.Series, name: str = "y", step: Any = None) -> tuple[Panel, TimeAxis]:
    """Check a Series and turn it into a panel of one series and its time axis.

    Parameters
    ----------
    y : Series
        Real, finite numbers on a DatetimeIndex, PeriodIndex or RangeIndex (or an index of whole
        numbers in equal steps). Sorted by a copy where it is not; never changed.
    name : str
        What messages call it.
    step : pandas offset or int, optional
        Of an index that is too short to show one.

    Raises
    ------
    ValueError
        If values are missing, infinite or no numbers, or time stamps are missing, repeated or of
        no regular frequency; the message says where and what to do.
    """
    if not isinstance(y, pd.Series):
        raise ValueError(
            f"{name} must be a pandas Series with a time index, got {type(y).__name__}. Wrap the "
            f"values: pd.Series(values, index=pd.date_range(...)), or take one column: frame['a']."
        )
    if y.empty:
        raise ValueError(f"{name} is empty. Give a Series with observations.")
    axis, order = time_axis(y.index, name, step)
    values = real_numbers(y.iloc[order], name)
    check_finite(values, axis.index, name)
    return Panel.from_arrays([values]), axis


def real_numbers(y: pd.Series, name: str) -> np.ndarray:
    """Values as float64, NaN where there are none; maybe those of ``y`` itself, to be copied."""
    check_real(y.dtype, name)
    return y.to_numpy(dtype=np.float64, na_value=np.nan)


def check_real(dtype: np.dtype | pd.api.extensions.ExtensionDtype, name: str) -> None:
    """Refuse a dtype that is none of real numbers."""
    is_type = pd.api.types
    if (
        not is_type.is_numeric_dtype(dtype)
        or is_type.is_complex_dtype(dtype)
        or is_type.is_bool_dtype(dtype)
    ):
        raise ValueError(
            f"{name} must hold real numbers, got dtype {dtype}. Convert it first: "
            "pd.to_numeric(y), or y.astype(float)."
        )


def check_finite(values: np.ndarray, index: pd.Index, name: str) -> None:
    """Refuse missing, infinite and huge values by an error that names the first of them."""
    for bad, what, remedy in (
        (np.isnan(values), "is missing (NaN)", "Fill it, for instance y.interpolate()"),
        (np.isinf(values), "is infinite", "Replace it with a finite value"),
        (np.abs(values) > LARGEST, f"is beyond {LARGEST:g}", "Give it in a larger unit"),
    ):
        if bad.any():
            more = f" and at {bad.sum() - 1} more" if bad.sum() > 1 else ""
            raise ValueError(
                f"{name} {what} at {show(index[bad.argmax()])}{more}. {remedy}, or leave that "
                "part of the series out."
            )
