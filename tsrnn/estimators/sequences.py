"""Sequences: validated samples of X, as one table of values with the place of each sequence."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import as_strided
from sklearn.utils.validation import check_array, validate_data

from tsrnn.data import Location
from tsrnn.data.rows import refuse_long
from tsrnn.estimators.long_frames import aligned, is_long, read_long
from tsrnn.estimators.sliding import channels_of_windows
from tsrnn.estimators.tokens import check_tokens, refuse_texts
from tsrnn.parameters import naming

LARGEST = 1e150  # its square is finite
_CHECKS = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}
_PART_STEPS = 2**22  # steps processed at once


@dataclasses.dataclass(frozen=True)
class Sequences:
    """Sequences as ranges of rows in one table."""

    values: np.ndarray  # (n_rows, n_channels) float64, NaN if missing; sequences may share rows
    firsts: np.ndarray  # (n_samples,) int64, row of the first step of each
    lengths: np.ndarray  # (n_samples,) int64, steps from there on
    ids: pd.Index | None = None  # of the sequences of a long frame
    # (n_rows, 1) float64: the target of each step, if there is one; NaN where it is not known
    step_targets: np.ndarray | None = None
    names: list[str] | None = None  # of sequences that X does not hold as such, for messages

    def __len__(self) -> int:
        return self.firsts.size

    @property
    def n_channels(self) -> int:
        """Values per step."""
        return self.values.shape[1]

    @functools.cached_property
    def has_missing(self) -> np.ndarray:
        """Whether a value of each sequence is missing, (n_samples,) bool."""
        n_missing = _count_before(np.isnan(self.values).any(axis=1))
        return n_missing[self.firsts + self.lengths] > n_missing[self.firsts]

    @property
    def missing(self) -> bool:
        """Whether a value is missing in a sequence."""
        return bool(self.has_missing.any())

    def name(self, number: int) -> str:
        """A sequence, for messages."""
        if self.names is not None:
            return self.names[number]
        if self.ids is None:
            return f"Row {number} of X"
        return str(Location("X", self.ids[[number]].tolist()[0]))

    def place(self, row: int) -> tuple[str, int]:
        """A sequence that holds a row of ``values``, for messages, and the row's step, from 0."""
        holds = (self.firsts <= row) & (row < self.firsts + self.lengths)
        number = int(np.argmax(holds))
        return self.name(number), int(row - self.firsts[number])

    def align(self, values: Any, argument: str) -> Any:
        """Targets or weights in the order of the sequences, those of a long frame by its ids."""
        return values if self.ids is None else aligned(values, self.ids, argument)

    def rows_of(self, numbers: np.ndarray) -> np.ndarray:
        """Rows of ``values`` of some sequences, one sequence after another."""
        firsts, lengths = self.firsts[numbers], self.lengths[numbers]
        ends = np.cumsum(lengths)
        return np.repeat(firsts - (ends - lengths), lengths) + np.arange(lengths.sum())

    def parts(self, numbers: np.ndarray) -> Iterator[np.ndarray]:
        """The numbers in parts whose sequences have together a limited number of steps."""
        steps = np.cumsum(self.lengths[numbers]) // _PART_STEPS
        yield from np.split(numbers, np.flatnonzero(np.diff(steps)) + 1)


def is_ragged(X: Any) -> bool:
    """Whether X is a list of separate sequences, not a table."""
    if is_array_of_sequences(X):
        return True
    if not isinstance(X, (list, tuple)) or not X:
        return False
    if not all(hasattr(row, "shape") or isinstance(row, (list, tuple)) for row in X):
        return False
    try:
        shapes = {np.shape(row) for row in X}
    except ValueError:  # lists of lists of several lengths: read_ragged says which
        return True
    return len(shapes) > 1 or any(len(shape) == 2 for shape in shapes)


def is_array_of_sequences(X: Any) -> bool:
    """Whether X is an array or a Series whose items are sequences."""
    is_array = isinstance(X, (np.ndarray, pd.Series)) and X.dtype == object and X.ndim == 1
    return is_array and X.size > 0 and all(np.ndim(row) in (1, 2) for row in X)


def _is_flat(X):
    """Whether X is a single sequence of numbers."""
    is_list = isinstance(X, (list, tuple)) and len(X) > 0
    return all(map(np.isscalar, X)) if is_list else getattr(X, "ndim", None) == 1


def _is_list_of_tokens(X, n_channels):
    """Whether X is a list of sequences of tokens alone, which may all have as many steps."""
    is_list = isinstance(X, (list, tuple)) and len(X) > 0
    return is_list and n_channels in (None, 1) and all(np.ndim(row) == 1 for row in X)


@naming("X")
def read_sequences(
    estimator: Any,
    X: Any,
    n_channels: int | None,
    *,
    reset: bool,
    y: Any = None,
) -> Sequences:
    """Validate X, as ``RNNRegressor.fit`` describes it, and locate its sequences.

    ``n_channels=None`` infers their number from X. ``estimator`` stores the columns of X where
    ``reset``, else is compared with them. ``y`` tells whether each row of a panel has a target.
    Steps before the first value of a sequence are left out.
    """
    return _trimmed(read_whole_sequences(estimator, X, n_channels, reset=reset, y=y))


@naming("X")
def read_whole_sequences(
    estimator: Any, X: Any, n_channels: int | None, *, reset: bool, y: Any = None
) -> Sequences:
    """As ``read_sequences``, with the steps before the first value of each."""
    if reset:
        for name in ("n_features_in_", "feature_names_in_"):
            vars(estimator).pop(name, None)
    sequences = _read(estimator, X, n_channels, reset, y)
    check_sequences(estimator, sequences, reset=reset)
    return sequences


def _read(estimator, X, n_channels, reset, y):
    """The sequences of X in any form."""
    if is_long(estimator, X, y, reset=reset):
        rows = read_long(estimator, X, reset=reset)
        _check_n_channels(rows.values.shape[1], n_channels, "its columns of values", reset)
        return _sequences(rows.values, rows.firsts, rows.lengths, rows.ids)
    refuse_texts(X)
    if is_ragged(X):
        return read_ragged(X, n_channels)
    if estimator.embedding_size is not None:
        if _is_flat(X):
            raise ValueError("X is one sequence of tokens. Give a list of sequences: [X].")
        if _is_list_of_tokens(X, n_channels):
            return read_ragged(X, 1)
    if getattr(X, "ndim", 2) == 3:
        X = np.asarray(X)
        _check_n_channels(X.shape[2], n_channels, "its last axis", reset)
        n_channels = X.shape[2]
        X = X.reshape(len(X), X.shape[1] * n_channels)
        table = check_array(X, estimator=estimator, **_CHECKS)
    else:
        n_channels = n_channels or channels_of_windows(X)
        table = _read_table(estimator, X, n_channels, reset)
    return _of_table(table, n_channels)


def _sequences(values, firsts, lengths, ids=None):
    return Sequences(values, firsts.astype(np.int64), lengths.astype(np.int64), ids)


def _check_n_channels(n, n_channels, where, reset):
    if n_channels in (None, n):
        return
    remedy = f"Set n_channels={n}, or leave it out" if reset else "Give as many"
    raise ValueError(
        f"X has {n} channels ({where}), and n_channels is {n_channels}. {remedy}, or turn the axes "
        "around: (n_samples, n_timesteps, n_channels)."
    )


def _read_table(estimator, X, n_channels, reset):
    """A table, a sequence in each row, as float64."""
    refuse_long(X, "X", "Say so: id_column='unique_id', time_column='ds'.")
    if isinstance(X, pd.DataFrame):
        for k, dtype in enumerate(X.dtypes):
            if not pd.api.types.is_numeric_dtype(dtype):
                _check_column(X.iloc[:, k])
    was_table = reset or hasattr(estimator, "n_features_in_")
    table = validate_data(estimator, X, reset=reset, **_CHECKS)
    if not was_table and table.shape[1] == n_channels:
        raise ValueError(
            f"X has shape {table.shape}: the rows of a table are sequences, and these would be of "
            "one step, where fit was given separate sequences. Give one sequence as X[None], (1, "
            "n_timesteps, n_channels); sequences of one step as (n_samples, 1, n_channels)."
        )
    return table


def _check_column(column):
    """Refuse a column that does not hold numbers; times would pass as their number of ticks."""
    values = np.asarray(column)
    try:
        if values.dtype.kind in "mM":
            raise TypeError(f"dtype {values.dtype}")
        values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise Location("X", column=column.name).error(
            f"does not hold numbers: {error}",
            "Convert it or leave it out. A row is one sequence; of a frame with a row for each "
            "step, say by id_column and time_column which columns hold ids and times.",
        ) from error


def _of_table(table, n_channels):
    """The sequences in the rows of a table."""
    n, width = table.shape
    if width % n_channels:
        raise ValueError(
            f"X has {width} columns, which is no multiple of n_channels={n_channels}: a row is one "
            "sequence, its steps one after another, each of n_channels values."
        )
    n_time = width // n_channels
    if n > 1 and table.strides == (n_channels * table.itemsize, table.itemsize):
        # SlidingWindows' view of the rows of a table: use the table instead of a copy per row.
        shape = n + n_time - 1, n_channels
        values = as_strided(table, shape, table.strides, writeable=False)
        return _sequences(values, np.arange(n), np.full(n, n_time))
    values = np.ascontiguousarray(table).reshape(n * n_time, n_channels)
    return _sequences(values, np.arange(n) * n_time, np.full(n, n_time))


def read_ragged(X: Any, n_channels: int | None) -> Sequences:
    """The sequences of a list, flat ones of one channel; ``n_channels`` are those of the first."""
    rows: list[np.ndarray] = []
    for number, row in enumerate(X):
        try:
            if np.iscomplexobj(row):
                raise ValueError("Complex data not supported")
            row = np.asarray(row, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Sequence {number} of X does not hold numbers: {error}.") from error
        rows.append(row[:, None] if row.ndim == 1 else row)
    n_channels = n_channels or rows[0].shape[-1]
    for number, row in enumerate(rows):
        if row.ndim != 2 or row.shape[1] != n_channels:
            raise ValueError(
                f"Sequence {number} of X has shape {row.shape}, and n_channels is {n_channels}: "
                "give each as (n_timesteps, n_channels)."
            )
        if np.isinf(row).any():
            raise ValueError(
                f"Sequence {number} of X is infinite at step {np.argwhere(np.isinf(row))[0, 0]}. "
                "Replace it, or put NaN for a missing value."
            )
    lengths = np.array([len(row) for row in rows])
    return _sequences(np.concatenate(rows), np.cumsum(lengths) - lengths, lengths)


def check_sequences(estimator: Any, sequences: Sequences, *, reset: bool) -> None:
    """Raise ValueError for values that are too large, a sequence without any, and bad tokens."""
    has_tokens = estimator.embedding_size is not None
    with np.errstate(invalid="ignore"):
        large = np.flatnonzero((np.abs(sequences.values) > LARGEST).any(axis=1))
    if large.size:
        name, _ = sequences.place(large[0])
        raise ValueError(f"{name} holds a value beyond {LARGEST:g}. Give X in a larger unit.")
    n_before = _count_before(~np.isnan(sequences.values).all(axis=1))
    empty = n_before[sequences.firsts + sequences.lengths] == n_before[sequences.firsts]
    if empty.any():
        number = int(np.flatnonzero(empty)[0])
        name = sequences.name(number)
        if sequences.lengths[number] == 0:
            remedy = "" if not has_tokens else ", or use Tokenizer(begin=True)"
            raise ValueError(f"{name} is empty: it has no steps. Drop it{remedy}.")
        raise ValueError(f"{name} holds no value: all of it is missing (NaN). Drop it, or fill it.")
    if has_tokens:
        check_tokens(sequences, estimator.n_tokens if reset else estimator.n_tokens_)


def _trimmed(sequences):
    """Sequences from their first value on."""
    has_value = ~np.isnan(sequences.values).all(axis=1)
    firsts = np.flatnonzero(has_value)[_count_before(has_value)[sequences.firsts]]
    lengths = sequences.firsts + sequences.lengths - firsts
    return dataclasses.replace(sequences, firsts=firsts, lengths=lengths)


def _count_before(is_counted):
    """How many are before each position, (n,) bool to (n + 1,) int64."""
    return np.concatenate([[0], np.cumsum(is_counted)])
