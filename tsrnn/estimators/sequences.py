"""Rows that are whole sequences, checked at the door, as one table of values with places."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from sklearn.utils.validation import check_array, validate_data

LARGEST = 1e150  # whose square is finite
_PIECE = 2**22  # steps that are looked at together


@dataclasses.dataclass(frozen=True)
class Sequences:
    """Sequences one after another in one table.

    Attributes
    ----------
    values : (n_rows, n_channels) float64 array
        Missing values are NaN. Windows of one table may share its rows.
    firsts, lengths : (n_samples,) int64 arrays
        Where each sequence begins, and its steps; those before its first value do not count.
    missing : bool
        Whether a value is missing after the beginning of a sequence.
    """

    values: np.ndarray
    firsts: np.ndarray
    lengths: np.ndarray
    missing: bool

    def __len__(self) -> int:
        return self.firsts.size

    def rows_of(self, numbers: np.ndarray) -> np.ndarray:
        """Rows of values of some sequences, one sequence after another."""
        firsts, lengths = self.firsts[numbers], self.lengths[numbers]
        ends = np.cumsum(lengths)
        return np.repeat(firsts - (ends - lengths), lengths) + np.arange(lengths.sum())

    def pieces(self, numbers: np.ndarray) -> Iterator[np.ndarray]:
        """The numbers in pieces of sequences that together have not too many steps.

        Sequences may overlap in ``values``, so that all of them have many more steps than it.
        """
        steps = np.cumsum(self.lengths[numbers]) // _PIECE
        yield from np.split(numbers, np.flatnonzero(np.diff(steps)) + 1)


def is_ragged(X: Any) -> bool:
    """Whether X is a list of sequences that are arrays of their own, not a table."""
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1 and X.size:
        return all(np.ndim(row) in (1, 2) for row in X)
    if not isinstance(X, (list, tuple)) or not X:
        return False
    if not all(map(_is_array, X)):
        return False
    try:
        shapes = {np.shape(row) for row in X}
    except ValueError:  # lists of lists of several lengths: _ragged says which
        return True
    return len(shapes) > 1 or any(len(shape) == 2 for shape in shapes)


def _is_array(row):
    return hasattr(row, "shape") or isinstance(row, (list, tuple))


def sequences_of(estimator: Any, X: Any, n_channels: int, *, reset: bool) -> Sequences:
    """Check X and take it apart.

    Parameters
    ----------
    estimator : estimator
        Remembers number and names of columns when ``reset``, else is asked for them.
    X : array-like
        (n_samples, n_timesteps * n_channels), a step after another; (n_samples, n_timesteps,
        n_channels); or a list of arrays (n_timesteps,) or (n_timesteps, n_channels).
    n_channels : int
        Values of a step.

    Raises
    ------
    ValueError
        If a value is infinite, a sequence holds nothing, or shapes do not fit.
    """
    if reset:
        for name in ("n_features_in_", "feature_names_in_"):
            vars(estimator).pop(name, None)
    if is_ragged(X):
        return _ragged(X, n_channels)
    if getattr(X, "ndim", 2) == 3:
        X = np.asarray(X)
        if X.shape[2] != n_channels:
            raise ValueError(
                f"X has {X.shape[2]} channels (its last axis), and n_channels is {n_channels}. "
                f"Set n_channels={X.shape[2]}, or turn the axes around: "
                "(n_samples, n_timesteps, n_channels)."
            )
        table = check_array(
            X.reshape(len(X), X.shape[1] * X.shape[2]), dtype=np.float64,
            ensure_all_finite="allow-nan", estimator=estimator,
        )  # fmt: skip
    else:
        table = validate_data(
            estimator, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan"
        )
    n, width = table.shape
    if width % n_channels:
        raise ValueError(
            f"X has {width} columns, which is no multiple of n_channels={n_channels}: a row is one "
            "sequence, its steps one after another, each of n_channels values."
        )
    n_time = width // n_channels
    if n > 1 and table.strides == (n_channels * table.itemsize, table.itemsize):
        # SlidingWindows' view on the rows of a table: they stay where they are.
        values = as_strided(
            table, (n + n_time - 1, n_channels), table.strides, writeable=False
        )  # fmt: skip
        return _trimmed(values, np.arange(n), np.full(n, n_time))
    values = np.ascontiguousarray(table).reshape(n * n_time, n_channels)
    return _trimmed(values, np.arange(n) * n_time, np.full(n, n_time))


def _ragged(X, n_channels):
    rows = []
    for number, row in enumerate(X):
        try:
            if np.iscomplexobj(row):
                raise ValueError("Complex data not supported")
            row = np.asarray(row, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Sequence {number} of X does not hold numbers: {error}.") from error
        row = row[:, None] if row.ndim == 1 else row
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
        rows.append(row)
    lengths = np.array([len(row) for row in rows])
    return _trimmed(np.concatenate(rows), np.cumsum(lengths) - lengths, lengths)


def _trimmed(values, firsts, lengths):
    """Let each sequence begin with its first value."""
    with np.errstate(invalid="ignore"):
        large = np.flatnonzero((np.abs(values) > LARGEST).any(axis=1))
    if large.size:
        number = int(np.flatnonzero((firsts <= large[0]) & (large[0] < firsts + lengths))[0])
        raise ValueError(
            f"Row {number} of X holds a value beyond {LARGEST:g}. Give X in a larger unit."
        )
    there = ~np.isnan(values).all(axis=1)
    before = np.concatenate([[0], np.cumsum(there)])
    empty = before[firsts + lengths] == before[firsts]
    if empty.any():
        number = int(np.flatnonzero(empty)[0])
        raise ValueError(
            f"Row {number} of X holds no value: all of it is missing (NaN). Drop it, or fill it."
        )
    found = np.flatnonzero(there)
    begins = found[before[firsts]]  # the first place with a value from the beginning on
    lengths = firsts + lengths - begins
    firsts = begins
    gone = np.concatenate([[0], np.cumsum(np.isnan(values).any(axis=1))])
    missing = bool((gone[firsts + lengths] > gone[firsts]).any())
    return Sequences(values, firsts.astype(np.int64), lengths.astype(np.int64), missing)


def merged(
    sequences: Sequences, targets: np.ndarray, weights: np.ndarray, windows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Windows that differ, in an order that only their content decides, and their weights.

    Rows of equal sequence and target become one of their weights' sum, rows of weight zero none. So
    a weight of two is the same as two copies, to the last bit, and the order of rows is of no
    account.

    Parameters
    ----------
    targets : (n_samples, n_targets) array
    weights : (n_samples,) float64 array
    windows : (n,) int64 array
        Numbers of sequences to merge.

    Returns
    -------
    windows, weights : arrays of equal length
        Numbers of sequences, each the first of its kind, and what they weigh together.
    """
    windows = windows[weights[windows] > 0]
    keys = _keys(sequences, targets)[windows]
    order = np.argsort(keys, kind="stable")
    windows, keys = windows[order], keys[order]
    new = np.ones(windows.size, bool)
    for k in np.flatnonzero(keys[1:] == keys[:-1]) + 1:
        new[k] = not _same(sequences, targets, windows[k - 1], windows[k])
    groups = np.cumsum(new) - 1
    return windows[new], np.bincount(groups, weights[windows], minlength=int(new.sum()))


def _keys(sequences, targets):
    """A number for each sequence and its target that others hardly share."""
    n_channels, n_targets = sequences.values.shape[1], targets.shape[1]
    # Of the same numbers however many steps there are: more only come behind.
    rng = np.random.default_rng(0)
    of_length, *of_targets = rng.integers(1, 2**63, 1 + n_targets, np.uint64) | np.uint64(1)
    of_steps = rng.integers(1, 2**63, (int(sequences.lengths.max()), n_channels), np.uint64)
    of_steps |= np.uint64(1)
    # Zeros add nothing, however many come first: the length must be told.
    keys = sequences.lengths.astype(np.uint64) * of_length
    keys += (_bits(targets) * np.array(of_targets)).sum(axis=1)
    bits = _bits(sequences.values)
    for some in sequences.pieces(np.arange(len(sequences))):
        lengths = sequences.lengths[some]
        ends = np.cumsum(lengths)
        from_end = np.repeat(ends, lengths) - 1 - np.arange(ends[-1])
        mixed = (bits[sequences.rows_of(some)] * of_steps[from_end]).sum(axis=1)
        keys[some] += np.add.reduceat(mixed, ends - lengths)
    return keys


def _bits(values):
    bits = (np.where(np.isnan(values), np.nan, values) + 0.0).view(np.uint64)  # no minus zero
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    return bits ^ (bits >> np.uint64(32))  # of whole numbers the lower half was zeros


def _same(sequences, targets, one, other):
    n = sequences.lengths[one]
    if n != sequences.lengths[other] or not np.array_equal(targets[one], targets[other]):
        return False
    values, firsts = sequences.values, sequences.firsts
    return np.array_equal(
        values[firsts[one] : firsts[one] + n], values[firsts[other] : firsts[other] + n], True
    )
