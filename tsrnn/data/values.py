"""Checks of values: real, finite, and small enough to be squared."""

import numpy as np
import pandas as pd

from tsrnn.data.errors import DataError, Location, MissingDataError
from tsrnn.data.time_axis import format_time

LARGEST = 1e150  # whose square is finite


def real_numbers(y: pd.Series, where: Location) -> np.ndarray:
    """Values as float64, NaN where missing; may share memory with ``y``."""
    check_real(y.dtype, where)
    return y.to_numpy(dtype=np.float64, na_value=np.nan)


def check_real(
    dtype: np.dtype | pd.api.extensions.ExtensionDtype, where: Location, hint: str = ""
) -> None:
    """Refuse a dtype that does not hold real numbers; ``hint`` is one more remedy."""
    is_type = pd.api.types
    if (
        not is_type.is_numeric_dtype(dtype)
        or is_type.is_complex_dtype(dtype)
        or is_type.is_bool_dtype(dtype)
    ):
        raise where.error(
            f"must hold real numbers, got dtype {dtype}",
            f"Convert it first: pd.to_numeric(y), or y.astype(float). {hint}".rstrip(),
        )


def check_finite(values: np.ndarray, index: pd.Index, where: Location) -> None:
    """Refuse missing, infinite and huge values; the error names the first of them."""
    missing = np.isnan(values)
    for bad, problem, remedy in (
        (missing, "is missing (NaN)", "Fill it, for instance y.interpolate()"),
        (np.isinf(values), "is infinite", "Replace it with a finite value"),
        (np.abs(values) > LARGEST, f"is beyond {LARGEST:g}", "Give it in a larger unit"),
    ):
        if bad.any():
            row = index[bad.argmax()]
            more = f" and at {bad.sum() - 1} more" if bad.sum() > 1 else ""
            remedy = f"{remedy}, or leave that part of the series out."
            kind = MissingDataError if bad is missing else DataError
            raise where.error(f"{problem} at {format_time(row)}{more}", remedy, row, kind)
