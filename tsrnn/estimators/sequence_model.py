"""SequenceModel: a fitted network, and the scales of its sequences and targets."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from tsrnn.estimators.constant import is_constant
from tsrnn.estimators.sequences import Sequences
from tsrnn.estimators.tokens import token_array
from tsrnn.kernels.losses import find_loss
from tsrnn.kernels.sources import INDICATE, SKIP, Source, sequence_source
from tsrnn.network import Network
from tsrnn.training import Moments


def inputs_per_step(segment: int, n_channels: int, marks_missing: bool) -> int:
    """Numbers that a recurrent step reads: channels of its steps, with two marks each if needed."""
    return segment * n_channels * (3 if marks_missing else 1)


@dataclasses.dataclass(frozen=True)
class PartialFitState:
    """What ``partial_fit`` needs of the call before."""

    moments: Moments
    rng: np.random.Generator  # draws the order of rows


@dataclasses.dataclass(frozen=True, eq=False)
class SequenceModel:
    """The fitted state of a regressor, classifier or tagger."""

    network: Network
    X_mean: np.ndarray  # (n_channels,) float64; 0 for tokens
    X_scale: np.ndarray  # (n_channels,) float64; 1 for tokens
    marks_missing: bool  # whether the network reads which values are missing
    y_mean: np.ndarray | None  # (n_targets,); None for classes
    y_scale: np.ndarray | None  # (n_targets,); None for classes
    loss: str
    loss_params: tuple[float, ...]  # such as the levels of quantiles

    @property
    def segment(self) -> int:
        """Steps of a sequence per recurrent step; 1 with tokens."""
        if self.network.n_tokens:
            return 1
        return self.network.n_in // inputs_per_step(1, self.X_mean.size, self.marks_missing)

    def source(self, sequences: Sequences, targets: np.ndarray | None = None, weights=()) -> Source:
        """Sequences, and targets (n_samples, n_targets) unless each step has one, on its scale.

        ValueError for missing values that the network does not read, and for too short a sequence.
        """
        if sequences.missing and not self.marks_missing:
            leading = "; missing values at the beginning of a sequence only make it shorter"
            raise ValueError(
                f"{sequences.name(int(np.argmax(sequences.has_missing)))} has missing values (NaN) "
                "inside, and the network has seen none in fit. Fit on data that has some, or fill "
                f"them{'' if self.network.head == 'every' else leading}."
            )
        too_short = sequences.lengths < self.segment
        if too_short.any():
            row = int(np.argmax(too_short))
            raise ValueError(
                f"{sequences.name(row)} has {sequences.lengths[row]} steps, fewer than "
                f"segment={self.segment}: none of it would be read. Drop it, or fit with a smaller "
                "segment."
            )
        values = (sequences.values - self.X_mean) / self.X_scale
        tokens = np.empty(0, np.int64)
        if self.network.n_tokens:
            tokens, values = token_array(values[:, 0]), values[:, 1:]
        if sequences.step_targets is not None:
            targets = sequences.step_targets
        if targets is not None and self.y_mean is not None:
            targets = (targets - self.y_mean) / self.y_scale
        missing = INDICATE if self.marks_missing else SKIP
        windows = sequences.firsts, sequences.lengths
        unit = 1.0
        if self.y_scale is not None and find_loss(self.loss).is_positive:
            unit = float(self.y_scale[0])
        return sequence_source(
            values,
            *windows,
            targets,
            weights,
            missing=missing,
            tokens=tokens,
            unit=unit,
        )


def mean_and_scale(
    parts: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]],
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and deviation of columns; deviation 1 where a column is constant or missing.

    ``parts`` returns the parts of a table, each with the weights of its rows; it is called thrice.
    """
    total, mean = _weighted_sums(parts, lambda values: values)
    mean = mean / np.maximum(total, np.finfo(float).tiny)
    _, squares = _weighted_sums(parts, lambda values: (values - mean) ** 2)
    scale = np.sqrt(squares / np.maximum(total, np.finfo(float).tiny))
    low, high = _bounds(parts)
    varies = ~is_constant(high - low, np.maximum(np.abs(low), np.abs(high)))
    return mean, np.where((scale > 0) & varies, scale, 1.0)


def _bounds(parts):
    """Smallest and largest value of each column, of rows with a weight; NaN where there is none."""
    low, high = np.nan, np.nan
    for values, weights in parts():
        values = values[weights > 0]
        low = np.fmin(low, np.fmin.reduce(values, axis=0, initial=np.nan))
        high = np.fmax(high, np.fmax.reduce(values, axis=0, initial=np.nan))
    return low, high


def _weighted_sums(parts, function):
    """For each column the weights of known values, and the weighted sum of a function of them."""
    total, result = 0.0, 0.0
    for values, weights in parts():
        known = ~np.isnan(values)
        total = total + (known * weights[:, None]).sum(axis=0)
        result = result + (np.where(known, function(values), 0.0) * weights[:, None]).sum(axis=0)
    return total, result
