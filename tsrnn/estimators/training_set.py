"""TrainingSet: sequences to train and to validate on, of which equal ones are merged."""

import dataclasses

import numpy as np

from tsrnn.estimators.sequences import Sequences


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingSet:
    """Sequences with targets and weights, and which of them to train and to validate on."""

    sequences: Sequences
    targets: np.ndarray  # (n, n_targets) float64; n_targets is 0 where each step has its own
    weights: np.ndarray  # (n,) float64
    rows: np.ndarray  # to train on
    validation: np.ndarray
    share: float = 1.0  # of the rows that an epoch draws

    def merged(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct rows to train on, and all weights, those of equal rows summed.

        ValueError if none to train on, or to validate on, has a weight.
        """
        weights = self.weights.copy()
        has_weight = [(weights[part] > 0).any() for part in (self.rows, self.validation)]
        if self.validation.size and not all(has_weight):
            raise ValueError(
                "All training rows, or all validation rows, have a weight of zero. Change "
                "validation_fraction or sample_weight."
            )
        rows, merged = merge_duplicates(self.sequences, self.targets, weights, self.rows)
        weights[rows] = merged
        return rows, weights

    def n_drawn(self, n: int) -> int | None:
        """How many of ``n`` rows an epoch draws; None for all."""
        return None if self.share == 1 else int(np.ceil(self.share * n - 1e-6))  # sums are rounded


def merge_duplicates(
    sequences: Sequences, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distinct ``rows`` in an order that depends on their content alone, and their weights.

    Rows of equal sequence and target become one with the sum of their weights, and rows of weight
    zero are dropped. So a weight of two is the same as two copies, to the last bit, and the order
    of rows has no effect. A group of duplicates has the number of its first row.
    """
    if sequences.step_targets is not None:
        values = np.column_stack([sequences.values, sequences.step_targets])
        sequences = dataclasses.replace(sequences, values=values)
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
    hashes += (_mixed_bits(targets) * np.array(target_factors, np.uint64)).sum(axis=1)
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
