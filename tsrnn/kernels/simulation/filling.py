"""Filling an array with series."""

from collections.abc import Iterable

import numpy as np
from numba import prange

from tsrnn.kernels.jit.compile import Kernel, kernel_factory
from tsrnn.kernels.simulation.arima import N_BURN_IN
from tsrnn.kernels.simulation.draws import start
from tsrnn.kernels.simulation.series import KINDS, simulate

_N_VALUES = 1_000_000  # in a call of the kernel, after which Python may be interrupted


@kernel_factory
def fill_kernel() -> Kernel:
    """The kernel that fills an array, a row after the other."""

    # Row k is series number ``first + k``; seasons are of each row, or one row of them for all.
    def fill(n_tasks, seed, first, seasons, shares, streams, patterns, space, values, out):
        n_series = out.shape[0]
        for task in prange(n_tasks):
            stream, series = streams[task], values[task]
            for k in range(task * n_series // n_tasks, (task + 1) * n_series // n_tasks):
                start(stream, seed, first + k)
                row = seasons[k % seasons.shape[0]]
                simulate(stream, row, shares, series, patterns[task], space[task])
                for t in range(series.size):
                    out[k, t] = series[t]

    return Kernel(fill, "simulate")


def shares_of(kinds: Iterable[str]) -> np.ndarray:
    """Shares of all kinds of series where some are asked for."""
    chosen = set(kinds)
    shares = np.array([share * (kind in chosen) for kind, (_, share) in KINDS.items()])
    return shares / shares.sum()


def fill_series(
    out: np.ndarray,
    seed: int,
    first: int,
    seasons: np.ndarray,
    shares: np.ndarray,
    n_tasks: int = 1,
) -> None:
    """Fill ``out`` (n_series, n_steps), C-contiguous float32 or float64, with series.

    They are those numbered ``first``, ``first + 1``, ... of a seed below 2^63, the same whichever
    others are asked for. ``seasons``, int64 (n_series or 1, n_seasons), are lengths of seasons of
    each or of all, 1 for none; ``shares`` float64 (n_kinds,) of the kinds sum to 1.
    """
    n_series, n_steps = out.shape
    m = int(seasons.max())
    patterns, values = np.empty((n_tasks, 2, m)), np.empty((n_tasks, n_steps))
    space = np.empty((n_tasks, 2 * n_steps + 3 * m + N_BURN_IN))
    streams = np.zeros((n_tasks, 1), np.uint64)
    n_rows = max(1, _N_VALUES * n_tasks // (n_steps + 3 * m))
    for begin in range(0, n_series, n_rows):
        end = min(begin + n_rows, n_series)
        of_rows = seasons if len(seasons) == 1 else seasons[begin:end]
        arrays = (of_rows, shares, streams, patterns, space, values, out[begin:end])
        fill_kernel()(n_tasks, seed, first + begin, *arrays)
