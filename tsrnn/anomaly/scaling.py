"""Scaling of the channels of a series; that of a constant channel is its size."""

import numpy as np

from tsrnn.estimators.constant import ROUNDING, is_constant

_LIMIT = 1e30  # of standardised values, so that their squares and products are finite


def scaling_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, deviation and whether it is constant, of each channel of (n, n_channels) values.

    The deviation of a constant channel is its absolute value, or 1 for 0, so that changes of it are
    relative ones.
    """
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    size = np.maximum(np.abs(low), np.abs(high))
    unit = np.ldexp(1.0, np.frexp(size)[1])  # a power of 2: squares neither vanish nor round
    deviation = np.nanstd(values / unit, axis=0) * unit
    constant = is_constant(high - low, size) | (deviation == 0)
    mean = np.where(constant, low, np.nanmean(values, axis=0))
    return mean, np.where(constant, np.where(size > 0, size, 1.0), deviation), constant


def standardised(
    values: np.ndarray, mean: np.ndarray, deviation: np.ndarray, constant: np.ndarray
) -> np.ndarray:
    """Standardised values (n, n_channels); 0 where a constant channel differs by rounding only."""
    with np.errstate(over="ignore"):
        z = np.minimum(np.maximum((values - mean) / deviation, -_LIMIT), _LIMIT)
    if constant.any():
        z[constant & (np.abs(z) <= ROUNDING)] = 0
    return z
