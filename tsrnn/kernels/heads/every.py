"""Outputs for every step."""

from tsrnn.kernels.arrays import earliest
from tsrnn.kernels.heads import Head
from tsrnn.kernels.heads._steps import compile_step_selection
from tsrnn.kernels.jit.compile import device_function


@device_function
def selected_step(sizes, first_steps, direction, output_step, row):
    """The step of an output step, of which the last is that of the sequence."""
    return sizes.n_time - sizes.n_output_steps + output_step


@device_function
def first_output_step(sizes, first_steps):
    """That of the step at which the longest sequence begins."""
    return max(0, earliest(first_steps) - sizes.n_time + sizes.n_output_steps)


passes = compile_step_selection(selected_step, first_output_step)
HEAD = Head(
    n_output_steps=lambda n_time, n_horizons: n_time,
    compile=lambda layer: passes,
    first_step_read=lambda sizes: sizes.n_time - sizes.n_output_steps,
    first_output_step=first_output_step,
    step_targets=True,
)
