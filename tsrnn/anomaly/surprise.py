"""Errors in units of the usual ones, and their mean over a stretch."""

from __future__ import annotations

import numpy as np
import pandas as pd

_MEAN_OF_NORMAL = np.sqrt(2 / np.pi)  # its mean absolute value
_LEAST_SPREAD = 1e-3  # deviations of the series: errors that are always less are no surprise


def usual_spread(errors: np.ndarray) -> np.ndarray:
    """How far off forecasts usually are, (n_forecasts, n_channels), as deviations of a normal.

    Parameters
    ----------
    errors : (n, n_forecasts, n_channels) array
        Absolute errors of each point, NaN where there is none.
    """
    there = ~np.isnan(errors)
    total = np.where(there, errors, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return total / _MEAN_OF_NORMAL + _LEAST_SPREAD


def strangeness(errors: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Mean square over forecasts of errors in units of the usual ones, (..., n_channels).

    Parameters
    ----------
    errors : (..., n_forecasts, n_channels) array
        NaN where there is no forecast, which counts as one that errs as usual: at the beginning of
        a series few forecasts shall not speak for all. Without any the result is NaN.
    usual : (n_forecasts, n_channels) array
    """
    squares = np.square(errors / usual)
    missing = np.isnan(squares)
    squares[missing] = 1
    return np.where(missing.all(axis=-2), np.nan, squares.mean(axis=-2))


def surprise_of(errors: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """How strange points are by themselves, (n,): the median over forecasts of errors.

    In units of the usual ones, root mean square over channels. A median, as what is strange
    misleads some of the forecasts of what comes after it, but all of itself.

    Parameters
    ----------
    errors : (n, n_forecasts, n_channels) array
        NaN where there is no forecast.
    usual : (n_forecasts, n_channels) array
    """
    ratios = np.sort(errors / usual, axis=1)  # NaN last
    count = errors.shape[1] - np.isnan(ratios).sum(axis=1, keepdims=True)
    median = np.take_along_axis(ratios, np.maximum(count - 1, 0) // 2, axis=1)  # the lower
    return np.sqrt(mean_of_channels(np.square(median[:, 0])))


def mean_of_channels(parts: np.ndarray) -> np.ndarray:
    """Mean over the channels that are there, (...,), of (..., n_channels); NaN where none is."""
    missing = np.isnan(parts)
    if not missing.any():
        return parts.mean(axis=-1)
    count = missing.shape[-1] - missing.sum(axis=-1)
    total = np.where(missing, 0, parts).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def keep_of(stretch: int) -> float:
    """What an exponential mean over so many steps keeps of itself in a step."""
    return 1 - 2 / (stretch + 1)


def stretch_mean(x: np.ndarray, stretch: int, level: float, online: bool) -> np.ndarray:
    """Exponentially weighted mean of a series, begun at a usual level.

    ``s_t = a s_(t-1) + (1 - a) x_t`` with ``a = 1 - 2 / (stretch + 1)``. Unless ``online``, the
    same is done from the end backwards, so that points weigh ``a^distance`` on either side.

    Parameters
    ----------
    x : (n,) array
        NaN where there is none, which changes nothing.
    stretch : int
        1 leaves the series as it is.
    level : float
        Where the mean begins.
    online : bool
        Whether to look at the past alone.

    Returns
    -------
    (n,) array
        NaN where ``x`` is.
    """
    keep = keep_of(stretch)
    before = _from_before(x, keep, level)
    if not online:
        after = _from_before(x[::-1], keep, level)[::-1]
        before = (before + after - (1 - keep) * x) / (1 + keep)
    return np.where(np.isnan(x), np.nan, before)


def last_mean(x: np.ndarray, stretch: int, level: float) -> float:
    """The mean of the past at the end of a series, which a stream goes on with."""
    return float(np.append(level, _from_before(x, keep_of(stretch), level))[-1])


def _from_before(x, keep, level):
    begun = pd.Series(np.append(level, x))
    return begun.ewm(alpha=1 - keep, adjust=False, ignore_na=True).mean().to_numpy()[1:]
