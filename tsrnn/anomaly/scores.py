"""Anomaly scores from errors: scaling, averaging over forecasts and channels, smoothing in time."""

import numpy as np
import pandas as pd

MEAN_ABS_NORMAL = np.sqrt(2 / np.pi)  # mean absolute value of a standard normal
MIN_SPREAD = 1e-3  # least error scale, in standard deviations of the series


def error_scale_of(errors: np.ndarray) -> np.ndarray:
    """Typical absolute error as a standard deviation, (n_forecasts, n_channels).

    ``errors`` is (n, n_forecasts, n_channels), NaN where there is no forecast, as below.
    """
    known = ~np.isnan(errors)
    total = np.where(known, errors, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return total / MEAN_ABS_NORMAL + MIN_SPREAD


def set_constant_errors(errors: np.ndarray, z: np.ndarray, constant: np.ndarray) -> None:
    """Overwrite the errors of constant channels by those of a forecast of 0, their fitted value.

    Of errors (..., n_forecasts, n_channels), values (..., n_channels) and flags (n_channels,).
    Outputs of a network for a constant channel are noise.
    """
    if constant.any():
        unknown = np.isnan(errors[..., constant]).all(axis=-2, keepdims=True)
        errors[..., constant] = np.where(unknown, np.nan, np.abs(z[..., None, constant]))


def channel_scores(errors: np.ndarray, error_scale: np.ndarray) -> np.ndarray:
    """Mean square over forecasts of the scaled errors, (..., n_channels); NaN where all miss.

    A missing one counts as a typical error, so that few forecasts at the start do not dominate.
    """
    squares = np.square(errors / error_scale)
    missing = np.isnan(squares)
    squares[missing] = 1
    return np.where(missing.all(axis=-2), np.nan, squares.mean(axis=-2))


def point_scores(errors: np.ndarray, error_scale: np.ndarray) -> np.ndarray:
    """Score of each point by itself, (n,): median over forecasts, root mean square over channels.

    The median, because an anomaly spoils few forecasts of the points after it, but all of its own.
    """
    ratios = np.sort(errors / error_scale, axis=1)  # NaN last
    count = errors.shape[1] - np.isnan(ratios).sum(axis=1, keepdims=True)
    median = np.take_along_axis(ratios, np.maximum(count - 1, 0) // 2, axis=1)  # the lower
    return np.sqrt(mean_over_channels(np.square(median[:, 0])))


def mean_over_channels(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the values that are not NaN; NaN where all are."""
    missing = np.isnan(values)
    if not missing.any():
        return values.mean(axis=-1)
    count = missing.shape[-1] - missing.sum(axis=-1)
    total = np.where(missing, 0, values).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def decay_of(stretch: int) -> float:
    """Weight that an exponential mean of this span gives to its previous value."""
    return 1 - 2 / (stretch + 1)


def smoothed(x: np.ndarray, stretch: int, level: float, online: bool) -> np.ndarray:
    """Exponentially weighted mean of a series (n,) that starts at ``level``; NaN where ``x`` is.

    ``s_t = a s_(t-1) + (1 - a) x_t`` with ``a = 1 - 2 / (stretch + 1)``. Unless ``online``, it runs
    backward too, so that points on either side weigh ``a^distance``.
    """
    decay = decay_of(stretch)
    mean = _past_mean(x, decay, level)
    if not online:
        future = _past_mean(x[::-1], decay, level)[::-1]
        mean = (mean + future - (1 - decay) * x) / (1 + decay)
    return np.where(np.isnan(x), np.nan, mean)


def last_smoothed(x: np.ndarray, stretch: int, level: float) -> float:
    """The exponential mean at the end of a series, from which a stream continues."""
    return float(np.append(level, _past_mean(x, decay_of(stretch), level))[-1])


def _past_mean(x, decay, level):
    values = pd.Series(np.append(level, x))
    return values.ewm(alpha=1 - decay, adjust=False, ignore_na=True).mean().to_numpy()[1:]
