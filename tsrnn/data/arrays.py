"""Windows of rows and the rows after each, of one series or of each series of a panel."""

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from tsrnn.data.errors import Location
from tsrnn.data.order import series_codes
from tsrnn.data.rows import refuse_long
from tsrnn.parameters import POSITIVE_INTEGER, Integer, validated

_FRAME = Location("frame")


@validated(lookback=[POSITIVE_INTEGER], horizon=[Integer(0)], step=[POSITIVE_INTEGER])
def make_windows(
    frame: pd.DataFrame | pd.Series | np.ndarray, lookback: int, horizon: int = 1, step: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Windows of ``lookback`` rows and the ``horizon`` rows after each, within one series.

    Of one series they are read-only views: values are copied once only if they must be converted.
    Of a panel they are copies.

    Parameters
    ----------
    frame : DataFrame, Series or array of shape (n_rows, n_channels) or (n_rows,)
        Numbers, with rows in the order of time. On a MultiIndex of series and time a panel: its
        windows come series after series, in the order of their first rows, and none has rows of
        two. Missing values (NaN) are kept.
    lookback : int
        Rows in a window, at least 1.
    horizon, step : int, default=1
        Rows after a window, 0 for windows to predict from; and rows from one window to the next.

    Returns
    -------
    X, y : numpy.ndarray of shape (n_windows, lookback or horizon, n_channels)
        Windows, and the rows that follow; float32 where the values are, else float64.

    Raises
    ------
    ValueError
        If a parameter is out of range, or ``frame`` or a series of it is too short, not in the
        order of time or holds anything but finite real numbers.

    See Also
    --------
    tsrnn.SlidingWindows : Windows in a scikit-learn Pipeline, and of several series.

    Notes
    -----
    The time stamp of each window's last row is ``frame.index[lookback - 1 :: step][: len(X)]``, and
    that of the first row after it ``frame.index[lookback::step][: len(y)]``; of a panel those of
    ``frame.loc[[series]]``. A long frame becomes a panel by ``frame.set_index([id, time])``.

    Examples
    --------
    >>> from tsrnn import make_windows
    >>> from tsrnn.datasets import load_airline
    >>> passengers = load_airline()
    >>> X, y = make_windows(passengers, lookback=24, horizon=12, step=12)
    >>> X.shape, y.shape
    ((10, 24, 1), (10, 12, 1))
    >>> passengers.index[24::12][: len(y)][[0, -1]].strftime("%Y-%m").tolist()
    ['1951-01', '1960-01']
    """
    values = _values(frame)
    width = lookback + horizon
    parts = []
    for label, rows in _rows_by_series(frame, len(values)):
        series = values[rows]
        if len(series) < width:
            raise _FRAME._replace(series=label).error(
                f"has {len(series)} rows, and one window of lookback={lookback} and "
                f"horizon={horizon} takes {width}",
                "Give more rows, or lower one of them."
                + ("" if label is None else " Or leave that series out."),
            )
        parts.append(sliding_window_view(series, width, axis=0)[::step].swapaxes(1, 2))
    windows = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return windows[:, :lookback], windows[:, lookback:]


def _rows_by_series(frame, n_rows):
    """The label and the rows of each series; rows are in the order of time."""
    codes = None
    if isinstance(frame, (pd.DataFrame, pd.Series)) and n_rows:
        codes, labels = series_codes(frame.index, _FRAME.argument)
    if codes is None:
        return [(None, slice(None))]
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(1, len(labels)))
    return zip(labels, np.split(order, bounds), strict=True)


def _values(frame):
    """Values, (n_rows, n_channels), float32 or float64; a view of a frame of floats."""
    table = frame.to_frame() if isinstance(frame, pd.Series) else frame
    refuse_long(table, _FRAME.argument, "In pandas, frame.set_index(['unique_id', 'ds']).")
    values = _frame_values(table) if isinstance(table, pd.DataFrame) else np.asarray(table)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] == 0 or values.dtype.kind not in "biuf":
        raise _FRAME.error(
            "must be a DataFrame, a Series or an array of real numbers, (n_rows, n_channels) or "
            f"(n_rows,); got shape {values.shape} and dtype {values.dtype}"
        )
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        row, k = np.argwhere(infinite)[0]
        raise _FRAME._replace(column=getattr(table, "columns", range(k + 1))[k]).error(
            f"is infinite in row {row}",
            "Replace it with a finite value, or with NaN where it is missing.",
            row=int(row),
        )
    return values


def _frame_values(frame):
    for name, dtype in frame.dtypes.items():
        is_type = pd.api.types
        if not is_type.is_numeric_dtype(dtype) or is_type.is_complex_dtype(dtype):
            raise _FRAME._replace(column=name).error(
                f"must hold real numbers, got dtype {dtype}",
                "Convert it, for instance by pd.to_numeric, or leave it out. Series and times of a "
                "long frame go into its index: frame.set_index([id, time]).",
            )
    if all(isinstance(dtype, np.dtype) and dtype.kind == "f" for dtype in frame.dtypes):
        return frame.to_numpy()
    return frame.to_numpy(np.float64, na_value=np.nan)
