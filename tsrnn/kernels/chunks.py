"""What a network does with a chunk of windows: read them, walk, speak, be judged, walk back.

Written once for all targets. Which cell, layers, head and loss there are, nothing here knows by
name: a cell is compiled in, the rest are numbers.
"""

import functools
from typing import NamedTuple

from tsrnn.kernels import windows
from tsrnn.kernels.heads import compile_heads, head_arrays_of
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layers import arrays_of, compile_layers, copy_inputs, pass_up, pull_down
from tsrnn.kernels.losses import targets_of
from tsrnn.kernels.shapes import (
    EVERY,
    HORIZONS,
    Sizes,
    clear,
    earliest,
    head_space,
    layers_space,
    n_grad_steps,
)
from tsrnn.kernels.workers import barrier, worker_range


class Chunks(NamedTuple):
    """Functions over a chunk of windows, for networks of one cell on one target."""

    forward: callable
    backward: callable


@device_function
def sizes_of(row):
    """The sizes that a tuple or array of whole numbers is."""
    return Sizes(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6],
        row[7], row[8], row[9], row[10], row[11], row[12], row[13], row[14],
    )  # fmt: skip


@device_function
def parts_of(work, sizes, n_rows, training, separate_hidden):
    """Workspace of the layers, of the head, of the way back, and the rows' weights."""
    a = layers_space(sizes, n_rows, training, separate_hidden)
    b = a + head_space(sizes, n_rows)
    c = b + n_rows
    return work[:a], work[a:b], work[b:c], work[c:]


@device_function
def read_windows(source, sizes, batch, separate_hidden, training, layers, first_steps):
    """Write the windows to the first layer's inputs; where each begins to ``first_steps``.

    A negative number is no window: a row without steps.
    """
    n_rows = first_steps.size
    inputs = arrays_of(layers, sizes, n_rows, 0, 0, training, separate_hidden)[0]
    x = inputs[: sizes.n_time, (sizes.n_hidden + 1) * n_rows :]
    for row in worker_range(n_rows):
        if batch[row] < 0:
            first_steps[row] = sizes.n_time
            for t in range(sizes.n_time):
                for k in range(row, x.shape[1], n_rows):
                    x[t, k] = 0
        else:
            first_steps[row] = windows.write_inputs(source, batch[row], row, n_rows, x)
    barrier()


@device_function
def read_targets(source, sizes, batch, loss, loss_params, head, weights):
    """Write the targets of windows, and their weights; return their number in an answer."""
    n_rows = batch.size
    targets = head_arrays_of(head, sizes, n_rows)[3]
    n_targets = targets_of(loss, loss_params, sizes.n_out) * n_rows
    for row in worker_range(n_rows):
        weights[row] = 0
        if batch[row] >= 0:
            weights[row] = windows.weight_of(source, batch[row])
            windows.write_targets(source, batch[row], sizes, row, n_rows, targets[:, :n_targets])
    barrier()
    return n_targets


@device_function
def write_predictions(source, sizes, batch, head, out):
    """Write what the network says of windows to ``out``, (windows, answers * outputs)."""
    n_rows = batch.size
    outputs = head_arrays_of(head, sizes, n_rows)[2]
    for row in worker_range(n_rows):
        if batch[row] >= 0:
            windows.write_outputs(source, batch[row], sizes, row, n_rows, outputs, out[row])
    barrier()


@device_function
def write_errors(source, sizes, batch, loss, loss_params, head, out):
    """Turn what the network says into its errors, where there is one output for a target."""
    n_rows = batch.size
    targets = head_arrays_of(head, sizes, n_rows)[3]
    places_of_steps = sizes.reads == EVERY and source.firsts.size > 0
    if not places_of_steps and targets_of(loss, loss_params, sizes.n_out) == sizes.n_out:
        for row in worker_range(n_rows):
            if batch[row] >= 0:
                for k in range(out.shape[1]):
                    out[row, k] -= targets[k // sizes.n_out, k % sizes.n_out * n_rows + row]
    barrier()


@functools.cache
def compile_chunks(cell, steps) -> Chunks:
    """Make the functions for a cell, a module of ``kernels.cells``, and a target's steps."""
    layers_of, heads = compile_layers(cell, steps), compile_heads(cell, steps)
    layer_forward, layer_backward = layers_of.forward, layers_of.backward
    head_forward, head_backward = heads.forward, heads.backward

    @device_function
    def forward(parameters, sizes, first_steps, noise, training, layers, head, states):
        """All layers through time, and what the head says; the inputs are there."""
        separate_hidden = noise.recurrent.limit > 0
        if sizes.n_directions == 2:
            copy_inputs(layers, sizes, first_steps.size, training, separate_hidden)
        for layer in range(sizes.n_layers):
            for direction in range(sizes.n_directions):
                layer_forward(
                    parameters,
                    layers,
                    sizes,
                    layer,
                    direction,
                    first_steps,
                    noise,
                    training,
                    states,
                )
            if layer + 1 < sizes.n_layers:
                pass_up(layers, sizes, layer, first_steps.size, noise, training)
        head_forward(parameters, layers, sizes, first_steps, noise, training, head)

    @device_function
    def backward(parameters, gradient, sizes, first_steps, noise, layers, head, rest, flow):
        """Back through the head and all layers; outputs hold their gradient.

        ``flow``, (layers * directions * time or 0, units * rows), is given that of each h.
        """
        n_hidden = sizes.n_hidden * first_steps.size
        n_steps = n_grad_steps(sizes)
        a = sizes.n_directions * n_steps * n_hidden
        above = matrix(rest, 0, sizes.n_directions * n_steps, n_hidden)
        grad_h, scratch = rest[a : a + n_hidden], rest[a + n_hidden : a + 2 * n_hidden]
        grad_state = rest[a + 2 * n_hidden : a + (2 + sizes.n_state) * n_hidden]
        head_backward(
            parameters,
            gradient,
            layers,
            sizes,
            first_steps,
            noise,
            head,
            above,
            grad_h,
            grad_state,
            scratch,
        )
        add = sizes.reads == HORIZONS  # the horizons' steps have charged the last layer's weights
        n_flow = sizes.n_time if flow.shape[0] else 0
        for layer in range(sizes.n_layers - 1, -1, -1):
            for direction in range(sizes.n_directions):
                number = layer * sizes.n_directions + direction
                layer_backward(
                    parameters, gradient, layers, sizes, layer, direction, first_steps, noise,
                    above[direction * n_steps : (direction + 1) * n_steps], add, grad_h, grad_state,
                    scratch, flow[number * n_flow : (number + 1) * n_flow],
                )  # fmt: skip
                clear(grad_state)
                barrier()
            add = False
            if layer > 0:
                pull_down(
                    layers, sizes, layer - 1, earliest(first_steps), first_steps.size, noise, above
                )

    return Chunks(forward, backward)
