"""Outputs for the last step of each direction: the last of a sequence, and in reverse its first."""

from tsrnn.kernels.heads import Head
from tsrnn.kernels.heads._steps import compile_step_selection
from tsrnn.kernels.jit.compile import device_function


@device_function
def selected_step(sizes, first_steps, direction, output_step, row):
    """The step that ends a direction's sequence."""
    return first_steps[row] if direction else sizes.n_time - 1


passes = compile_step_selection(selected_step)
HEAD = Head(
    n_output_steps=lambda n_time, n_horizons: 1,
    compile=lambda layer: passes,
    first_step_read=lambda sizes: sizes.n_time - 1,
    last_step_only=True,
)
