"""What drivers share: a task's memory, the windows of a batch, a block of outputs evaluated."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.losses import apply_loss, apply_sequence_loss
from tsrnn.kernels.outputs import head_arrays


class Buffers(NamedTuple):
    """Working memory of a task."""

    work: np.ndarray  # (n,): the workspace of a chunk
    first_steps: np.ndarray  # (n_rows,) int64: where each row's sequence begins


@device_function
def count_windows(batch):
    """Windows of a batch, which negative numbers fill up."""
    n = 0
    while n < batch.size and batch[n] >= 0:
        n += 1
    return n


@device_function
def evaluate_block(problem, n_targets, chunk, workspace, first, step_losses):
    """Overwrite a block's outputs with the loss's gradient; sums of losses and of weights.

    ``step_losses``, (n_rows, n_output_steps or 0), are written by a loss of whole rows.
    """
    _, sizes, loss, loss_params = problem
    arrays = head_arrays(workspace.head, sizes, chunk.first_steps.size)
    total = total_weight = 0.0
    for output_step in range(first, min(first + sizes.n_output_block, sizes.n_output_steps)):
        outputs, targets = arrays.outputs[output_step - first], arrays.targets[output_step]
        value, weight = apply_loss(
            loss,
            loss_params,
            outputs,
            targets[:n_targets],
            workspace.weights,
            workspace.units,
            arrays.loss,
        )
        total += value
        total_weight += weight
        if step_losses.shape[1]:
            for row in range(chunk.first_steps.size):
                step_losses[row, output_step] = arrays.loss[row]
    return total, total_weight


@device_function
def evaluate_sequences(problem, n_targets, chunk, workspace, first, step_losses):
    """As ``evaluate_block``, of a loss of whole sequences, whose steps are all in one block.

    A sequence's loss is written to the last of its ``step_losses``, and NaN to the others.
    """
    n_rows = chunk.first_steps.size
    arrays = head_arrays(workspace.head, problem.sizes, n_rows)
    total = total_weight = 0.0
    for row in range(n_rows):
        value, weight = apply_sequence_loss(
            problem.loss,
            arrays.outputs,
            arrays.targets,
            row,
            chunk.first_steps[row],
            workspace.weights,
            arrays.loss,
        )
        total += value
        total_weight += weight
        if step_losses.shape[1]:
            for t in range(step_losses.shape[1]):
                step_losses[row, t] = math.nan
            step_losses[row, step_losses.shape[1] - 1] = value / weight if weight > 0 else math.nan
    return total, total_weight


def evaluation_of(of_sequences: bool) -> Callable:
    """What evaluates a loss: of whole sequences, or of steps by blocks."""
    return evaluate_sequences if of_sequences else evaluate_block
