"""Simple forecasts and a network's inputs for many series."""

import functools
from typing import NamedTuple

import numpy as np
from numba import prange

from tsrnn.kernels.jit.compile import Kernel, matrix
from tsrnn.kernels.simple_forecasts.candidates import N_CANDIDATES, space_needed
from tsrnn.kernels.simple_forecasts.inputs import N_INPUTS, write_inputs

LEAST_READ, MOST_READ = 48, 128  # steps that a network reads of a long series
_N_VALUES = 2_000_000  # in a call of the kernel, after which Python may be interrupted


class Filled(NamedTuple):
    """What a network reads of stretches of series, their rows one after another."""

    inputs: np.ndarray  # (n_rows, N_INPUTS) float32
    firsts: np.ndarray  # (n,) int64: first row of each
    lengths: np.ndarray  # (n,) rows of each: steps read, and of the horizon
    n_read: np.ndarray  # (n,) steps read
    base: np.ndarray  # (n_rows,) weighted simple forecasts of the steps of horizons
    scales: np.ndarray  # (n,) what outputs are multiplied by


@functools.cache
def fill_kernel() -> Kernel:
    """The kernel that fills the inputs of many series."""

    def fill(n_tasks, values, windows, space, inputs, base, scales):
        # ``windows`` (n, 7): first value and number of them, season, long season, steps read,
        # horizon, first row of inputs.
        n_windows = windows.shape[0]
        for task in prange(n_tasks):
            task_space = space[task]
            for k in range(task * n_windows // n_tasks, (task + 1) * n_windows // n_tasks):
                first, n, season, long, n_read, horizon, row = windows[k]
                n_space = space_needed(n, long)
                scales[k] = write_inputs(
                    values[first : first + n],
                    season,
                    long,
                    n_read,
                    task_space[:n_space],
                    matrix(task_space, n_space, N_CANDIDATES, horizon),
                    matrix(task_space, n_space + N_CANDIDATES * horizon, 2, N_CANDIDATES),
                    base[row + n_read : row + n_read + horizon],
                    inputs[row : row + n_read + horizon],
                )

    return Kernel(fill, "simple-forecasts")


def longest_needed(seasons: np.ndarray, longs: np.ndarray) -> np.ndarray:
    """Last values of series that forecasts read: some seasons, at least 300."""
    of_season = np.where(seasons > 1, 20 * seasons, 0)
    return np.maximum(np.maximum(of_season, np.where(longs > seasons, 5 * longs, 0)), 300)


def steps_read(lengths: np.ndarray, seasons: np.ndarray) -> np.ndarray:
    """Steps that the network reads: two seasons within these bounds, or all there are."""
    return np.minimum(lengths, np.clip(2 * seasons, LEAST_READ, MOST_READ))


def fill_inputs(
    values: np.ndarray,
    firsts: np.ndarray,
    lengths: np.ndarray,
    seasons: np.ndarray,
    longs: np.ndarray,
    horizons: np.ndarray,
    n_tasks: int = 1,
) -> Filled:
    """Inputs for stretches of series, and their weighted simple forecasts.

    ``values`` (n,) float64; each stretch has the ``lengths`` values from ``firsts`` on, a season of
    ``seasons`` steps (1 without) and a longer one of ``longs`` (the same without). Only the last
    ``longest_needed`` are read.
    """
    n_used = np.minimum(lengths, longest_needed(seasons, longs))
    n_read = steps_read(n_used, seasons)
    n_rows = n_read + horizons
    rows = np.cumsum(n_rows) - n_rows
    inputs, base = np.zeros((n_rows.sum(), N_INPUTS), np.float32), np.zeros(n_rows.sum())
    scales = np.zeros(len(n_rows))
    columns = [firsts + lengths - n_used, n_used, seasons, longs, n_read, horizons, rows]
    windows = np.ascontiguousarray(np.stack(columns, axis=1), np.int64)
    n_space = int((space_needed(n_used, longs) + N_CANDIDATES * (horizons + 2)).max())
    space = np.empty((n_tasks, n_space))
    n_each = max(1, _N_VALUES * n_tasks // int(n_used.max() + n_rows.max()))
    for begin in range(0, len(windows), n_each):
        part = slice(begin, begin + n_each)
        fill_kernel()(n_tasks, values, windows[part], space, inputs, base, scales[part])
    return Filled(inputs, rows, n_rows, n_read, base, scales)
