"""All that passes through a network on its way through sequences, and back."""

from __future__ import annotations

import dataclasses

import numpy as np

from tsrnn.kernels.chunks import parts_of
from tsrnn.kernels.heads import head_arrays_of
from tsrnn.kernels.jit.compile import kernel_array
from tsrnn.kernels.layers import arrays_of
from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.shapes import inputs_of, workspace_size
from tsrnn.kernels.windows import Source, kernel_source
from tsrnn.network.network import RecurrentNetwork


@dataclasses.dataclass(frozen=True)
class LayerTrace:
    """What passed through one direction of a layer, step by step.

    Sequences end together, at the last step; what is before a shorter one begins is NaN.

    Attributes
    ----------
    inputs : (n, n_time, n_in) array
        What each step read, beside h.
    before, hidden : (n, n_time, n_hidden) arrays
        h before each step and after it.
    state_before, state : (n, n_time, n_state, n_hidden) arrays
        The cell's own state, as c of an LSTM, before and after.
    gates : (n, n_time, n_blocks, n_hidden) array
        What the blocks of the cell, in their order, became.
    saved : (n, n_time, n_saved, n_hidden) array
        What the cell keeps for its way back.
    flow : (n, n_time, n_hidden) array or None
        Gradient of each h, by all ways that lead on from it.
    grad_gates : (n, n_time, n_blocks, n_hidden) array or None
        Gradient of the pre-activations.
    """

    inputs: np.ndarray
    before: np.ndarray
    hidden: np.ndarray
    state_before: np.ndarray
    state: np.ndarray
    gates: np.ndarray
    saved: np.ndarray
    flow: np.ndarray | None = None
    grad_gates: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Trace:
    """What passed through a network.

    Attributes
    ----------
    layer_traces : list of list of Walk
        Of each layer and direction.
    first_steps : (n,) int64 array
        The step at which each sequence begins.
    outputs : (n, answers, n_out) array
        What was said.
    """

    layer_traces: list[list[LayerTrace]]
    first_steps: np.ndarray
    outputs: np.ndarray


def trace(
    network: RecurrentNetwork,
    source: Source,
    windows: np.ndarray,
    *,
    grad_outputs: np.ndarray | None = None,
    loss: str | None = None,
    loss_params: tuple = (),
) -> Trace:
    """Walk through windows and keep all of it; back as well, from a loss or from given outputs.

    Parameters
    ----------
    network : RecurrentNetwork
        The network.
    source : Source
        Where the windows are.
    windows : (n,) int64 array
        Positions or numbers of windows.
    grad_outputs : (n, answers, n_out) array, optional
        The gradient of the outputs that goes back.
    loss : str, optional
        Where there is no ``grad_outputs``: the loss, summed over the windows, whose gradient goes back.
    loss_params : tuple of float, default=()
        Of the loss.
    """
    n, dtype = windows.size, network.parameters.dtype
    sizes = network.sizes(network.n_time(source))._replace(n_rows=n)
    work = np.full(workspace_size(sizes, training=True), np.nan, dtype)  # for what is not walked
    first_steps, gradient = np.empty(n, np.int64), np.zeros_like(network.parameters)
    n_layer_traces, n_units = sizes.n_layers * sizes.n_directions, sizes.n_hidden * n
    by_step = np.empty((0, 0), dtype)
    if grad_outputs is not None:
        by_step = np.moveaxis(np.asarray(grad_outputs, dtype), 0, -1)
        by_step = by_step.reshape(sizes.n_output_steps, -1)

    def run(flow):
        network.drivers.trace(
            1, kernel_array(network.parameters), gradient, work, kernel_source(source),
            kernel_array(windows, np.int64), tuple(sizes), LOSSES.index(loss or "absolute_error"),
            np.asarray(loss_params, float), first_steps, kernel_array(by_step), flow,
        )  # fmt: skip

    def by_row(values, n_parts):
        """(steps, parts * units * rows) to (rows, steps, parts, units), NaN before the begin."""
        shape = sizes.n_time, n_parts, values.shape[1] // (max(n_parts, 1) * n), n
        found = values.reshape(shape).transpose(3, 0, 1, 2).copy()
        found[np.arange(sizes.n_time) < first_steps[:, None]] = np.nan
        return found

    def walk(layer, direction):
        layers = parts_of(work, sizes, n, True, False)[0]
        inputs, gates, state, saved, _ = arrays_of(layers, sizes, n, layer, direction, True, False)
        read = slice(direction, sizes.n_time + direction)  # slots that steps go on from, and write
        written = slice(1 - direction, sizes.n_time + 1 - direction)
        x = (sizes.n_hidden + 1) * n
        n_in = inputs_of(sizes, layer)
        return LayerTrace(
            by_row(inputs[read, x : x + n_in * n], 1)[:, :, 0],
            by_row(inputs[read, :n_units], 1)[:, :, 0],
            by_row(inputs[written, :n_units], 1)[:, :, 0],
            by_row(state[read], sizes.n_state), by_row(state[written], sizes.n_state),
            by_row(gates, sizes.n_blocks), by_row(saved, sizes.n_saved),
        )  # fmt: skip

    run(np.empty((0, 0), dtype))
    places = [(k, d) for k in range(sizes.n_layers) for d in range(sizes.n_directions)]
    layer_traces = [walk(*place) for place in places]
    head = parts_of(work, sizes, n, True, False)[1]
    outputs = head_arrays_of(head, sizes, n)[2].reshape(sizes.n_output_steps, -1, n)
    outputs = outputs.transpose(2, 0, 1).copy()
    if grad_outputs is not None or loss is not None:
        flow = np.zeros((n_layer_traces * sizes.n_time, n_units), dtype)
        run(flow)
        flow = flow.reshape(n_layer_traces, sizes.n_time, n_units)
        layers = parts_of(work, sizes, n, True, False)[0]
        layer_traces = [
            dataclasses.replace(
                one, flow=by_row(flow[number], 1)[:, :, 0],
                grad_gates=by_row(arrays_of(layers, sizes, n, *place, True, False)[1], sizes.n_blocks),
            )
            for number, (one, place) in enumerate(zip(layer_traces, places, strict=True))
        ]  # fmt: skip
    d = sizes.n_directions
    return Trace(
        [layer_traces[k : k + d] for k in range(0, n_layer_traces, d)], first_steps, outputs
    )
