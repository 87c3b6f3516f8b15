"""SlidingWindows: transformer that turns each row into the window of rows that ends with it."""

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import _safe_indexing
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_array,
    check_is_fitted,
    validate_data,
)

from tsrnn.data.order import series_codes
from tsrnn.data.rows import refuse_long
from tsrnn.parameters import (
    LARGEST_INTEGER,
    Integer,
    ParametersMixin,
    Text,
    naming,
)

_COLUMN = (Text(), Integer(-LARGEST_INTEGER), None)
_CHECKS = {"dtype": [np.float64, np.float32], "ensure_all_finite": False}


class SlidingWindows(ParametersMixin, TransformerMixin, BaseEstimator):
    """Turn each row into the window of rows that ends with it, as a sequence.

    Row t becomes rows t - lookback + 1 to t, one after another, with NaN before the first row, and
    never includes a later row: to forecast, shift y to a later time, ``y.shift(-1)``. On a
    MultiIndex of series and time, a window has rows of one series only. The number of rows stays,
    so it fits into a Pipeline; :class:`RNNRegressor` and :class:`RNNClassifier` read the columns
    as channels, and leading NaN as a shorter sequence. Where another step comes between, set their
    ``n_channels`` to the number of columns.

    Parameters
    ----------
    lookback : int, default=24
        Rows of a window.
    id_column : str or int, optional
        Column, by name or position, with the series of each row, which is dropped. A window then
        has rows of one series only, also where the index tells several apart; rows of the series
        may alternate.
    groups : str or int, optional
        The former name of ``id_column``, taken with a FutureWarning.

    Attributes
    ----------
    n_features_in_, feature_names_in_ : int, (n_features,) array
        Number of columns of X, and their names if all are strings.

    See Also
    --------
    make_windows : Windows and the values after them as plain arrays.
    RNNRegressor : A number for each window.
    RNNClassifier : A class for each window.

    Notes
    -----
    No rows are kept between calls. To predict the rows after those of ``fit`` from full windows,
    also give the ``lookback - 1`` rows before them and drop their predictions. Of one series the
    array is a read-only view of one padded copy of X; of several, or with
    ``set_output(transform="pandas")``, it is a copy. It knows its number of channels, as a
    frame does by the names of its columns. A step before in a Pipeline keeps the index with
    ``set_output(transform="pandas")`` only.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn import SlidingWindows
    >>> frame = pd.DataFrame({"site": ["a", "b", "a", "a", "b"], "temp": [1, 10, 2, 3, 20]})
    >>> windows = SlidingWindows(lookback=2, id_column="site").set_output(transform="pandas")
    >>> windows.fit_transform(frame)
       temp[t-1]  temp[t]
    0        NaN      1.0
    1        NaN     10.0
    2        1.0      2.0
    3        2.0      3.0
    4       10.0     20.0

    Predict next year's sunspots from the last 22 years:

    >>> from sklearn.pipeline import make_pipeline
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.datasets import load_sunspots
    >>> X = load_sunspots().to_frame()
    >>> y = X["sunspots"].shift(-1)
    >>> model = make_pipeline(SlidingWindows(lookback=22), RNNRegressor())
    >>> model.fit(X[:250], y[:250]).predict(X[250:]).shape
    (59,)
    """

    _parameter_constraints = {
        "lookback": [Integer(1, 10**6)],
        "id_column": _COLUMN,
        "groups": _COLUMN,
    }

    def __init__(
        self,
        lookback: int = 24,
        *,
        id_column: str | int | None = None,
        groups: str | int | None = None,
    ):
        self.lookback = lookback
        self.id_column = id_column
        self.groups = groups

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Validate X and store its columns.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows in the order of time within each series. Missing values (NaN) are kept.
        y : None
            Ignored.

        Returns
        -------
        self : SlidingWindows

        Raises
        ------
        ValueError
            If a parameter is out of range, a value is infinite or not a number, a row has no
            series, or an index of times or numbers does not increase within each series.
        """
        self._validate_params()
        if self.groups is not None:
            warnings.warn(
                f"groups of SlidingWindows is now called id_column: use id_column={self.groups!r}.",
                FutureWarning,
                stacklevel=2,
            )
        self._read(X, reset=True)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The window of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            As in ``fit``, with the same columns.

        Returns
        -------
        array of shape (n_rows, lookback * n_channels)
            Step after step, each with all columns but ``id_column``; float32 if all of them are,
            else float64. A DataFrame if ``set_output`` requests one.
        """
        check_is_fitted(self)
        self._validate_params()
        values, groups = self._read(X, reset=False)
        if groups is not None:
            return _of_channels(_windows_of_groups(values, groups, self.lookback), values.shape[1])
        # A view: a copy of 1,000,000 rows of 168 steps would take 1.3 GB instead of 8 MB. It is
        # read-only, as memory maps that scikit-learn accepts are, since windows share values.
        windows = _windows(values, self.lookback)
        # pandas would keep the view, but a DataFrame must be writable.
        as_pandas = _get_output_config("transform", self)["dense"] == "pandas"
        return windows.copy() if as_pandas else _of_channels(windows, values.shape[1])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns of ``transform``: ``a[t-1], b[t-1], a[t], b[t]``.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns of X; by default those of ``fit``, or x0, x1, ... if it had none.
        """
        check_is_fitted(self)
        channels = self._channel_names(input_features)
        return np.array(_window_names(channels, self.lookback), dtype=object)

    def _channel_names(self, input_features=None):
        with naming("input_features"):
            names = _check_feature_names_in(self, input_features)
        position = self._group_position()
        return names if position is None else np.delete(names, position)

    def _used_id_column(self):
        return self.groups if self.id_column is None else self.id_column

    def _group_position(self):
        """Position of the column of ids, from 0, or None."""
        id_column, n = self._used_id_column(), self.n_features_in_
        if id_column is None:
            return None
        if n == 1:
            raise ValueError(
                f"id_column={id_column!r} takes one column of X, and X has no more: "
                "n_features = 1. Give at least one column of values too."
            )
        if not isinstance(id_column, str):
            if not -n <= id_column < n:
                raise ValueError(
                    f"id_column={id_column} is to be the position of a column, and X has {n}. "
                    f"Give 0 to {n - 1}, or the column's name."
                )
            return id_column % n
        if not hasattr(self, "feature_names_in_"):
            raise ValueError(
                f"id_column={id_column!r} names a column, and X has no column names. Give X as a "
                "DataFrame, or id_column as the column's position."
            )
        matches = np.flatnonzero(self.feature_names_in_ == id_column)
        if matches.size != 1:
            raise ValueError(
                f"id_column={id_column!r} must name one column of X and names {matches.size}. The "
                f"columns are {', '.join(map(repr, self.feature_names_in_))}."
            )
        return int(matches[0])

    @naming("X")
    def _read(self, X, reset):
        """Channels, (n_rows, n_channels) floats, and the number of each row's group, or None."""
        index = getattr(X, "index", None)
        if hasattr(X, "columns"):  # columns may differ in type
            validate_data(self, X, reset=reset, skip_check_array=True)
        else:
            X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
        position, groups = self._group_position(), None
        if position is None:
            refuse_long(
                X, "X", "Set id_column='unique_id', or in pandas X.set_index(['unique_id', 'ds'])."
            )
            values = self._numbers(X)
        else:
            others = [k for k in range(X.shape[1]) if k != position]
            values = self._numbers(_safe_indexing(X, others, axis=1))
            groups = self._group_numbers(_safe_indexing(X, position, axis=1))
        if isinstance(index, pd.Index):
            groups, _ = series_codes(index, "X", groups)
        return values, groups

    def _numbers(self, channels):
        try:
            values = check_array(channels, estimator=self, input_name="X", **_CHECKS)
        except (TypeError, ValueError) as error:
            names = self._channel_names() if hasattr(channels, "columns") else []
            for k, name in enumerate(names):
                if not _holds_numbers(_safe_indexing(channels, k, axis=1)):
                    raise ValueError(
                        f"Column {name!r} of X does not hold numbers: {error}. Convert it or leave "
                        f"it out; if it tells series apart, set id_column={name!r}; if it holds "
                        f"times, X.set_index({name!r})."
                    ) from error
            raise
        infinite = np.isinf(values)
        if infinite.any():
            row, k = np.argwhere(infinite)[0]
            raise ValueError(
                f"Column {self._channel_names()[k]!r} of X is infinite in row {row}. Replace it "
                "with a finite value, or with NaN where it is missing."
            )
        return values

    def _group_numbers(self, column):
        groups, _ = pd.factorize(np.asarray(column))
        if (groups < 0).any():
            raise ValueError(
                f"id_column={self._used_id_column()!r}: the column is missing (NaN) in row "
                f"{np.argmax(groups < 0)}. Say which series the row is of, or leave it out."
            )
        return groups


class WindowArray(np.ndarray):
    """Windows, (n_rows, lookback * n_channels), step after step."""

    n_channels: int | None = None  # None after an operation that changed the number of columns

    def __array_finalize__(self, source: Any) -> None:
        if self.ndim == 2 and np.shape(source)[1:] == self.shape[1:]:
            self.n_channels = getattr(source, "n_channels", None)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """Sums and means of all values are scalars, as those of other arrays."""
        return array[()] if array.ndim == 0 else super().__array_wrap__(array, context)

    def __reduce__(self):
        function, arguments, state = super().__reduce__()
        return function, arguments, (*state, self.n_channels)

    def __setstate__(self, state) -> None:
        *state, self.n_channels = state
        super().__setstate__(tuple(state))


def channels_of_windows(table: Any) -> int:
    """Channels of a table whose rows are sequences: those of SlidingWindows, or else one."""
    if isinstance(table, WindowArray):
        return table.n_channels or 1
    names = [str(name) for name in getattr(table, "columns", ())]
    n = sum(name.endswith("[t]") for name in names)
    if n == 0 or len(names) % n:
        return 1
    channels = [name.removesuffix("[t]") for name in names[-n:]]
    return n if names == _window_names(channels, len(names) // n) else 1


def _of_channels(windows, n_channels):
    result = windows.view(WindowArray)
    result.n_channels = n_channels
    return result


def _window_names(channels, lookback):
    steps = [f"[t-{back}]" for back in range(lookback - 1, 0, -1)] + ["[t]"]
    return [name + step for step in steps for name in channels]


def _holds_numbers(column):
    if np.asarray(column).dtype.kind in "mM":  # times would pass as their number of ticks
        return False
    try:
        check_array(column, ensure_2d=False, **_CHECKS)
    except (TypeError, ValueError):
        return False
    return True


def _windows(values, lookback):
    """Read-only view, (n_rows, lookback * n_channels), of a copy with leading rows of NaN."""
    before = np.full((lookback - 1, values.shape[1]), np.nan, values.dtype)
    return _view(np.concatenate([before, values]), lookback)


def _windows_of_groups(values, groups, lookback):
    """Windows within each group, (n_rows, lookback * n_channels)."""
    order = np.argsort(groups, kind="stable")
    # Group after group, each with leading rows of NaN.
    starts = np.arange(len(values)) + groups[order] * (lookback - 1)
    n_padded = len(values) + (groups.max() + 1) * (lookback - 1)
    padded = np.full((n_padded, values.shape[1]), np.nan, values.dtype)
    padded[starts + lookback - 1] = values[order]
    places = np.empty_like(starts)
    places[order] = starts
    return _view(padded, lookback)[places]


def _view(padded, lookback):
    n_channels = padded.shape[1]
    return sliding_window_view(padded.ravel(), lookback * n_channels)[::n_channels]
