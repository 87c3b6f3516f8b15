"""SequenceModel: a fitted network, and the scales of its sequences and targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from tsrnn.estimators.sequences import Sequences
from tsrnn.kernels.sources import INDICATE, SKIP, Source, sequence_source
from tsrnn.network import Network
from tsrnn.training import Moments


def inputs_per_step(segment: int, n_channels: int, marks_missing: bool) -> int:
    """Inputs of a recurrent step: the channels of its steps, with two marks each where needed."""
    return segment * n_channels * (3 if marks_missing else 1)


@dataclasses.dataclass(frozen=True)
class PartialFitState:
    """What ``partial_fit`` needs of the call before.

    Attributes
    ----------
    moments : Moments
        The optimiser's state.
    rng : Generator
        Draws the order of rows.
    """

    moments: Moments
    rng: np.random.Generator


@dataclasses.dataclass(frozen=True, eq=False)
class SequenceModel:
    """The fitted state of a regressor or classifier.

    Attributes
    ----------
    network : Network
    X_mean, X_scale : (n_channels,) float64 arrays
        Mean and deviation that channels are standardised by.
    marks_missing : bool
        Whether the network reads which values are missing.
    y_mean, y_scale : (n_targets,) float64 arrays or None
        Mean and deviation that targets are standardised by; None for classes.
    loss : str
    loss_params : tuple of float
        Parameters of the training loss, such as the levels of quantiles.
    """

    network: Network
    X_mean: np.ndarray
    X_scale: np.ndarray
    marks_missing: bool
    y_mean: np.ndarray | None
    y_scale: np.ndarray | None
    loss: str
    loss_params: tuple[float, ...]

    @property
    def segment(self) -> int:
        """Steps of a sequence per recurrent step."""
        return self.network.n_in // inputs_per_step(1, self.X_mean.size, self.marks_missing)

    def source(self, sequences: Sequences, targets: np.ndarray | None = None, weights=()) -> Source:
        """Sequences, and targets (n_samples, n_targets), on the network's scale.

        Raises
        ------
        ValueError
            If values are missing and the network does not read which, or a sequence is shorter
            than a segment.
        """
        if sequences.missing and not self.marks_missing:
            raise ValueError(
                "X has missing values (NaN) inside of sequences, and the network has seen none in "
                "fit. Fit on data that has some, or fill them; missing values at the beginning of "
                "a sequence only make it shorter."
            )
        too_short = sequences.lengths < self.segment
        if too_short.any():
            row = int(np.argmax(too_short))
            raise ValueError(
                f"Row {row} of X has {sequences.lengths[row]} steps, fewer than "
                f"segment={self.segment}: none of it would be read. Drop it, or fit with a smaller "
                "segment."
            )
        dtype = self.network.parameters.dtype
        values = ((sequences.values - self.X_mean) / self.X_scale).astype(dtype)
        if targets is not None:
            if self.y_mean is not None:
                targets = (targets - self.y_mean) / self.y_scale
            targets = targets.astype(dtype)
        missing = INDICATE if self.marks_missing else SKIP
        firsts, lengths = sequences.firsts, sequences.lengths
        return sequence_source(values, firsts, lengths, targets, weights, missing=missing)


def mean_and_scale(
    parts: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]],
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and deviation of columns; deviation 1 where a column is constant or missing.

    Parameters
    ----------
    parts : callable
        Returns the parts of a table, each with the weights of its rows; called twice.
    """
    total, mean = _weighted_sums(parts, lambda values: values)
    mean = mean / np.maximum(total, np.finfo(float).tiny)
    _, squares = _weighted_sums(parts, lambda values: (values - mean) ** 2)
    scale = np.sqrt(squares / np.maximum(total, np.finfo(float).tiny))
    # The rounding error of a constant is no variation.
    return mean, np.where(scale > 10 * np.finfo(float).eps * np.abs(mean), scale, 1.0)


def _weighted_sums(parts, function):
    """For each column the weights of known values, and the weighted sum of a function of them."""
    total, result = 0.0, 0.0
    for values, weights in parts():
        known = ~np.isnan(values)
        total = total + (known * weights[:, None]).sum(axis=0)
        result = result + (np.where(known, function(values), 0.0) * weights[:, None]).sum(axis=0)
    return total, result
