"""Checks of values: real, finite, and small enough to be squared."""

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location, MissingDataError
from tsrnn.data.time_axis import TimeAxis, format_time, regular_methods

LARGEST = 1e150  # whose square is finite


def real_numbers(
    y: pd.Series,
    where: Location,
    code: str = "",
    times: pd.Index | None = None,
    ids: pd.Series | None = None,
) -> np.ndarray:
    """Values as float64, NaN where missing; may share memory with ``y``.

    ``code`` is the Python expression for ``y`` in remedies; ``times``, by default the index, and
    ``ids`` are the time stamp and the series of each value, for messages.
    """
    check_real(y, where, code or where.argument, times=times, ids=ids)
    return y.to_numpy(dtype=np.float64, na_value=np.nan)


def check_real(
    values: pd.Series,
    where: Location,
    code: str,
    hint: str = "",
    times: pd.Index | None = None,
    ids: pd.Series | None = None,
) -> None:
    """Refuse values of a dtype that does not hold real numbers.

    ``hint`` replaces the usual remedy; the others are as of ``real_numbers``.
    """
    is_type, dtype = pd.api.types, values.dtype
    if (
        is_type.is_numeric_dtype(dtype)
        and not is_type.is_complex_dtype(dtype)
        and not is_type.is_bool_dtype(dtype)
    ):
        return
    bad = no_numbers(values)
    if not hint and bad.any() and not bad.all():
        row, n_bad = int(bad.argmax()), bad.sum()
        times = values.index if times is None else times
        time = times[row]
        more = f" ({n_bad} such values)" if n_bad > 1 else ""
        where = where if ids is None else where._replace(series=ids.iloc[row])
        raise where.error(
            f"is {values.iloc[row]!r} at {format_time(time, times)}, which is no number{more}",
            f"Replace it with a number, or make it missing, pd.to_numeric({code}, "
            "errors='coerce'), and fill it or fit with missing='mask'.",
            row=time,
        )
    raise where.error(
        f"must hold real numbers, got dtype {dtype}",
        hint or f"Convert it first: pd.to_numeric({code}), or {code}.astype(float).",
    )


def no_numbers(values: pd.Series) -> np.ndarray:
    """Which values are neither missing, nor numbers, nor numbers as text; of dates none."""
    if not (
        isinstance(values.dtype, pd.CategoricalDtype)
        or pd.api.types.is_string_dtype(values)
        or pd.api.types.is_object_dtype(values)
    ):
        return np.zeros(len(values), bool)
    numbers = pd.to_numeric(values.astype(object), errors="coerce")
    return (numbers.isna() & values.notna()).to_numpy()


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
            problem = f"{problem} at {format_time(row, axis.index)}{more}{also}"
            if bad is not missing:
                raise where.error(problem, remedy, row)
            methods = f"{regular_methods(axis.index, axis.step)}.interpolate()"
            methods += ".dropna()" if missing[0] else ""
            raise where.error(
                problem, remedy, row, MissingDataError, step=axis.step, methods=methods
            )
