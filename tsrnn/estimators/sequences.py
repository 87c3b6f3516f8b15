"""Sequences: validated samples of X, as one table of values with the place of each sequence."""

import dataclasses
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
from tsrnn.parameters import naming

LARGEST = 1e150  # its square is finite
_CHECKS = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}
_PART_STEPS = 2**22  # steps processed at once


@dataclasses.dataclass(frozen=True)
class Sequences:
    """Sequences as ranges of rows in one table."""

    values: np.ndarray  # (n_rows, n_channels) float64, NaN if missing; sequences may share rows
    firsts: np.ndarray  # (n_samples,) int64, row of the first value of each
    lengths: np.ndarray  # (n_samples,) int64, steps from there on
    missing: bool  # whether a value is missing after the start of a sequence
    ids: pd.Index | None = None  # of the sequences of a long frame

    def __len__(self) -> int:
        return self.firsts.size

    @property
    def n_channels(self) -> int:
        """Values per step."""
        return self.values.shape[1]

    def name(self, number: int) -> str:
        """A sequence, for messages."""
        return _name(number, self.ids)

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
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1 and X.size:
        return all(np.ndim(row) in (1, 2) for row in X)
    if not isinstance(X, (list, tuple)) or not X:
        return False
    if not all(hasattr(row, "shape") or isinstance(row, (list, tuple)) for row in X):
        return False
    try:
        shapes = {np.shape(row) for row in X}
    except ValueError:  # lists of lists of several lengths: _read_ragged says which
        return True
    return len(shapes) > 1 or any(len(shape) == 2 for shape in shapes)


@naming("X")
def read_sequences(
    estimator: Any, X: Any, n_channels: int | None, *, reset: bool, y: Any = None
) -> Sequences:
    """Validate X, as ``RNNRegressor.fit`` describes it, and locate its sequences.

    ``n_channels=None`` infers their number from X. ``estimator`` stores the columns of X where
    ``reset``, else is compared with them. ``y`` tells whether each row of a panel has a target.
    """
    if reset:
        for name in ("n_features_in_", "feature_names_in_"):
            vars(estimator).pop(name, None)
    if is_long(estimator, X, y, reset=reset):
        values, firsts, lengths, ids = read_long(estimator, X, reset=reset)
        _check_n_channels(values.shape[1], n_channels, "its columns of values", reset)
        return _trim(values, firsts, lengths, ids)
    if is_ragged(X):
        return _read_ragged(X, n_channels)
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
        return _trim(values, np.arange(n), np.full(n, n_time))
    values = np.ascontiguousarray(table).reshape(n * n_time, n_channels)
    return _trim(values, np.arange(n) * n_time, np.full(n, n_time))


def _read_ragged(X, n_channels):
    rows = []
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
    return _trim(np.concatenate(rows), np.cumsum(lengths) - lengths, lengths)


def _name(number, ids):
    return f"Row {number} of X" if ids is None else str(Location("X", ids[number]))


def _trim(values, firsts, lengths, ids=None):
    """Sequences from their first value on."""
    with np.errstate(invalid="ignore"):
        large = np.flatnonzero((np.abs(values) > LARGEST).any(axis=1))
    if large.size:
        number = int(np.flatnonzero((firsts <= large[0]) & (large[0] < firsts + lengths))[0])
        raise ValueError(
            f"{_name(number, ids)} holds a value beyond {LARGEST:g}. Give X in a larger unit."
        )
    has_value = ~np.isnan(values).all(axis=1)
    n_before = np.concatenate([[0], np.cumsum(has_value)])
    empty = n_before[firsts + lengths] == n_before[firsts]
    if empty.any():
        number = int(np.flatnonzero(empty)[0])
        raise ValueError(
            f"{_name(number, ids)} holds no value: all of it is missing (NaN). Drop it, or fill it."
        )
    first_values = np.flatnonzero(has_value)[n_before[firsts]]
    lengths = firsts + lengths - first_values
    firsts = first_values
    n_missing = np.concatenate([[0], np.cumsum(np.isnan(values).any(axis=1))])
    missing = bool((n_missing[firsts + lengths] > n_missing[firsts]).any())
    return Sequences(values, firsts.astype(np.int64), lengths.astype(np.int64), missing, ids)


def merge_duplicates(
    sequences: Sequences, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distinct ``rows`` in an order that depends on their content alone, and their weights.

    Rows of equal sequence and target become one with the sum of their weights, and rows of weight
    zero are dropped. So a weight of two is the same as two copies, to the last bit, and the order
    of rows has no effect. A group of duplicates has the number of its first row.
    """
    rows = rows[weights[rows] > 0]
    hashes = _hashes(sequences, targets)[rows]
    order = np.argsort(hashes, kind="stable")
    rows, hashes = rows[order], hashes[order]
    is_new = np.ones(rows.size, bool)
    for k in np.flatnonzero(hashes[1:] == hashes[:-1]) + 1:
        is_new[k] = not _are_equal(sequences, targets, rows[k - 1], rows[k])
    groups = np.cumsum(is_new) - 1
    return rows[is_new], np.bincount(groups, weights[rows], minlength=int(is_new.sum()))


def _hashes(sequences, targets):
    """A 64-bit hash of each sequence and its target, (n_samples,)."""
    n_channels, n_targets = sequences.values.shape[1], targets.shape[1]
    # The same factors however many steps there are: further ones are drawn after them.
    rng = np.random.default_rng(0)
    length_factor, *target_factors = rng.integers(1, 2**63, 1 + n_targets, np.uint64) | np.uint64(1)
    step_factors = rng.integers(1, 2**63, (int(sequences.lengths.max()), n_channels), np.uint64)
    step_factors |= np.uint64(1)
    # Leading zeros add nothing, so the length must be part of the hash.
    hashes = sequences.lengths.astype(np.uint64) * length_factor
    hashes += (_mixed_bits(targets) * np.array(target_factors)).sum(axis=1)
    bits = _mixed_bits(sequences.values)
    for part in sequences.parts(np.arange(len(sequences))):
        lengths = sequences.lengths[part]
        ends = np.cumsum(lengths)
        from_end = np.repeat(ends, lengths) - 1 - np.arange(ends[-1])
        products = (bits[sequences.rows_of(part)] * step_factors[from_end]).sum(axis=1)
        hashes[part] += np.add.reduceat(products, ends - lengths)
    return hashes


def _mixed_bits(values):
    """Bits of float64 values, mixed so that all of them differ."""
    bits = (np.where(np.isnan(values), np.nan, values) + 0.0).view(np.uint64)  # -0 becomes 0
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    return bits ^ (bits >> np.uint64(32))  # integers have zeros in the lower half


def _are_equal(sequences, targets, row, other):
    n = sequences.lengths[row]
    if n != sequences.lengths[other] or not np.array_equal(targets[row], targets[other]):
        return False
    values, firsts = sequences.values, sequences.firsts
    return np.array_equal(
        values[firsts[row] : firsts[row] + n], values[firsts[other] : firsts[other] + n], True
    )
