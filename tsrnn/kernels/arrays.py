"""Passes over the arrays of a chunk of rows."""

from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.workers import worker_range


@device_function
def clear(values):
    """Set all of a flat array to zero."""
    for k in worker_range(values.size):
        values[k] = 0


@device_function
def copy(values, out):
    """Copy a flat array, by a loop over slices: one over offsets would not be vectorised."""
    for k in worker_range(out.size):
        out[k] = values[k]


@device_function
def clear_matrix(values):
    """Set all of a matrix to zero."""
    for k in range(values.shape[0]):
        clear(values[k])


@device_function
def earliest(first_steps):
    """The step at which the first row of a chunk begins."""
    first = first_steps[0]
    for row in range(1, first_steps.size):
        first = min(first, first_steps[row])
    return first


@device_function
def latest(first_steps):
    """The step at which the last row of a chunk begins."""
    last = first_steps[0]
    for row in range(1, first_steps.size):
        last = max(last, first_steps[row])
    return last
