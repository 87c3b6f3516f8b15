"""A chunk of windows through a network and back, written once for all targets."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from tsrnn.kernels import sources
from tsrnn.kernels.arrays import clear
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.jit.generate import record_reader
from tsrnn.kernels.layers import LayerGrads, layer_arrays
from tsrnn.kernels.layers.recurrent import compile_recurrent
from tsrnn.kernels.layers.stack import (
    copy_inputs_to_reverse,
    write_grad_outputs,
    write_inputs_above,
)
from tsrnn.kernels.layout import Sizes, layers_space, separates_hidden
from tsrnn.kernels.losses import count_targets
from tsrnn.kernels.outputs import compile_outputs, head_arrays, head_space, n_grad_steps
from tsrnn.kernels.workers import barrier, worker_range

read_sizes = record_reader(Sizes)


class Workspace(NamedTuple):
    """A worker's memory for one chunk, flat arrays."""

    layers: Any  # see ``layer_arrays``
    head: Any  # see ``head_arrays``
    weights: Any  # (n_rows,)
    units: Any  # (n_rows,): what targets were divided by
    backward: Any  # of the backward pass


class ChunkPasses(NamedTuple):
    """The passes of a chunk through networks of one layer kind and cell, on one target."""

    forward: Callable  # layers, and what the head reads
    backward: Callable


@device_function
def backward_space(sizes, n_rows):
    """Values of the workspace that the backward pass takes, beside what the forward pass stored."""
    return (sizes.n_directions * n_grad_steps(sizes) + 2 + sizes.n_state) * sizes.n_hidden * n_rows


def workspace_size(sizes: Sizes, training: bool, separate_hidden: bool = False) -> int:
    """Values of a worker's workspace; ``separate_hidden`` is for recurrent dropout."""
    n_rows = sizes.n_rows
    space = layers_space(sizes, n_rows, training, separate_hidden)
    space += head_space(sizes, n_rows) + 2 * n_rows
    return space + (backward_space(sizes, n_rows) if training else 0)


@device_function
def workspace_of(work, chunk):
    """The ``Workspace`` in a flat array."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    head = layers_space(sizes, n_rows, chunk.training, separates_hidden(chunk))
    weights = head + head_space(sizes, n_rows)
    units = weights + n_rows
    backward = units + n_rows
    return Workspace(
        work[:head], work[head:weights], work[weights:units], work[units:backward], work[backward:]
    )


@device_function
def read_windows(source, batch, chunk, workspace):
    """Write windows to the first layer's inputs, and to ``chunk.first_steps`` where each begins.

    The embedding of their tokens is left out, see ``tsrnn.kernels.embedding``. A negative number
    stands for no window: a row without steps.
    """
    sizes, first_steps = chunk.sizes, chunk.first_steps
    n_rows = first_steps.size
    inputs = layer_arrays(workspace.layers, chunk, 0, 0).inputs
    values = inputs[: sizes.n_time, (sizes.n_hidden + 1 + sizes.n_embedding) * n_rows :]
    for row in worker_range(n_rows):
        if batch[row] < 0:
            first_steps[row] = sizes.n_time
            for t in range(sizes.n_time):
                for k in range(row, values.shape[1], n_rows):
                    values[t, k] = 0
        else:
            first_steps[row] = sources.write_inputs(source, batch[row], row, n_rows, values)
    barrier()


@device_function
def read_targets(source, batch, loss, loss_params, chunk, workspace):
    """Write targets, weights and units of windows; return the targets' values in an output step."""
    sizes, n_rows, weights = chunk.sizes, chunk.first_steps.size, workspace.weights
    targets = head_arrays(workspace.head, sizes, n_rows).targets
    n_targets = count_targets(loss, loss_params, sizes.n_out) * n_rows
    for row in worker_range(n_rows):
        weights[row] = 0
        if batch[row] >= 0:
            weights[row] = sources.window_weight(source, batch[row])
            workspace.units[row] = sources.window_unit(source, batch[row])
            sources.write_targets(source, batch[row], sizes, row, n_rows, targets[:, :n_targets])
    barrier()
    return n_targets


@device_function
def write_predictions(source, batch, chunk, workspace, out):
    """Write the outputs of windows to ``out``, (n_windows, n_output_steps * n_out).

    The workspace must hold those of all output steps.
    """
    n_rows = chunk.first_steps.size
    outputs = head_arrays(workspace.head, chunk.sizes, n_rows).outputs
    for row in worker_range(n_rows):
        if batch[row] >= 0:
            sources.write_outputs(source, batch[row], chunk.sizes, row, n_rows, outputs, out[row])
    barrier()


def compile_chunk_passes(
    cell: ModuleType,
    compile_steps: Callable,
    pools: bool,
    with_ends: bool = False,
    needs_steps: bool | None = None,
) -> ChunkPasses:
    """Make the passes for a cell, or for a layer kind that is no recurrence.

    ``compile_steps`` makes a target's ``Steps`` of a cell; ``pools``: for the heads that pool, or
    for all others; ``with_ends``: with the gradients of initial and final states;
    ``needs_steps``: only for the heads that need further steps, or only for those that don't.
    """
    layer = getattr(cell, "LAYER", None)
    layer = layer or compile_recurrent(cell, compile_steps(cell), with_ends)
    head_forward, head_backward = compile_outputs(layer, pools, needs_steps)
    backward = _compile_backward(layer.backward, head_backward)
    return ChunkPasses(
        _compile_forward(layer.forward, head_forward),
        backward if with_ends else _without_ends(backward),
    )


def _compile_forward(layer_forward, head_forward) -> Callable:
    @device_function
    def forward(parameters, chunk, workspace, states):
        """Run all layers over time, and what the head reads; the inputs are written already."""
        sizes, work = chunk.sizes, workspace.layers
        if sizes.n_directions == 2:
            copy_inputs_to_reverse(work, chunk)
        for layer in range(sizes.n_layers):
            for direction in range(sizes.n_directions):
                layer_forward(parameters, work, chunk, layer, direction, states)
            if layer + 1 < sizes.n_layers:
                write_inputs_above(work, chunk, layer)
        head_forward(parameters, work, chunk, workspace.head)

    return forward


def _compile_backward(layer_backward, head_backward) -> Callable:
    @device_function
    def backward(parameters, gradient, chunk, workspace, grad_hidden_steps, initial, final):
        """Run the head and all layers back; the gradient of what it read is in its place.

        The last arguments are those of ``LayerGrads``.
        """
        sizes, work, rest = chunk.sizes, workspace.layers, workspace.backward
        n_hidden = sizes.n_hidden * chunk.first_steps.size
        n_steps = sizes.n_directions * n_grad_steps(sizes)
        hidden = n_steps * n_hidden
        scratch, state = hidden + n_hidden, hidden + 2 * n_hidden
        grads = LayerGrads(
            matrix(rest, 0, n_steps, n_hidden),
            rest[hidden:scratch],
            rest[state : state + sizes.n_state * n_hidden],
            rest[scratch:state],
            grad_hidden_steps,
            initial,
            final,
        )
        head_backward(parameters, gradient, work, chunk, workspace.head, grads)
        add = (
            sizes.needs_steps > 0
        )  # the head has then written the gradient of the last layer first
        for layer in range(sizes.n_layers - 1, -1, -1):
            for direction in range(sizes.n_directions):
                layer_backward(parameters, gradient, work, chunk, layer, direction, grads, add)
                clear(grads.state)
                barrier()
            add = False
            if layer > 0:
                write_grad_outputs(work, chunk, layer - 1, grads.outputs)

    return backward


def _without_ends(backward) -> Callable:
    @device_function
    def backward_alone(parameters, gradient, chunk, workspace, grad_hidden_steps):
        """As ``backward``, without gradients of initial and final states."""
        none = matrix(workspace.backward, 0, 0, 0)
        backward(parameters, gradient, chunk, workspace, grad_hidden_steps, none, none)

    return backward_alone
