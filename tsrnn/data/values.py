"""Checks of values: real, finite, and small enough to be squared."""

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location, MissingDataError
from tsrnn.data.time_axis import TimeAxis, format_time, regular_methods

LARGEST = 1e150  # whose square is finite


def real_numbers(y: pd.Series, where: Location, code: str = "") -> np.ndarray:
    """Values as float64, NaN where missing; may share memory with ``y``.

    ``code`` is the Python expression for ``y`` in remedies.
    """
    check_real(y.dtype, where, code or where.argument)
    return y.to_numpy(dtype=np.float64, na_value=np.nan)


def check_real(
    dtype: np.dtype | pd.api.extensions.ExtensionDtype, where: Location, code: str, hint: str = ""
) -> None:
    """Refuse a dtype that does not hold real numbers.

    ``code`` is the Python expression for the values; ``hint`` replaces the usual remedy.
    """
    is_type = pd.api.types
    if (
        not is_type.is_numeric_dtype(dtype)
        or is_type.is_complex_dtype(dtype)
        or is_type.is_bool_dtype(dtype)
    ):
        raise where.error(
            f"must hold real numbers, got dtype {dtype}",
            hint or f"Convert it first: pd.to_numeric({code}), or {code}.astype(float).",
        )


def check_finite(values: np.ndarray, axis: TimeAxis, where: Location, also: str = "") -> None:
    """Refuse missing, infinite and huge values; the error names the first of them.

    ``also`` is appended to its first sentence.
    """
    missing = np.isnan(values)
    for bad, problem, remedy in (
        (missing, "is missing (NaN)", "Fill it"),
        (np.isinf(values), "is infinite", "Replace it with a finite value"),
        (np.abs(values) > LARGEST, f"is beyond {LARGEST:g}", "Give it in a larger unit"),
    ):
        if bad.any():
            row = axis.index[bad.argmax()]
            more = f" and at {bad.sum() - 1} more" if bad.sum() > 1 else ""
            remedy = f"{remedy}, or leave that part of the series out."
            problem = f"{problem} at {format_time(row)}{more}{also}"
            if bad is not missing:
                raise where.error(problem, remedy, row)
            methods = f"{regular_methods(axis.index, axis.step)}.interpolate()"
            methods += ".dropna()" if missing[0] else ""
            raise where.error(
                problem, remedy, row, MissingDataError, step=axis.step, methods=methods
            )
