"""All activations of a network over sequences, and their gradients."""

import dataclasses

import numpy as np

from tsrnn.kernels.chunks import Workspace, workspace_of, workspace_size
from tsrnn.kernels.cpu.drivers import drivers_of
from tsrnn.kernels.dropout import ChunkDropout, Dropout
from tsrnn.kernels.jit.compile import kernel_array
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layout import Chunk, layer_inputs
from tsrnn.kernels.outputs import head_arrays
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import Source
from tsrnn.network.network import Network

_SECONDS = 0.05  # that windows traced at once may take
_LEAST_WINDOWS = 16
_NO_DROPOUT = ChunkDropout(Dropout(0, 1.0), Dropout(0, 1.0), 0, 0)


@dataclasses.dataclass(frozen=True)
class LayerTrace:
    """What passed through one direction of a layer, step by step.

    Sequences end together, at the last step; what is before a shorter one begins is NaN.
    """

    inputs: np.ndarray  # (n, n_time, n_in): what each step read, besides h
    before: np.ndarray  # (n, n_time, n_hidden): h before each step
    hidden: np.ndarray  # (n, n_time, n_hidden): h after it
    state_before: np.ndarray  # (n, n_time, n_state, n_hidden): the cell's own, as c of an LSTM
    state: np.ndarray  # the same after the step
    gates: np.ndarray  # (n, n_time, n_blocks, n_hidden): activations of the cell's blocks
    saved: np.ndarray  # (n, n_time, n_saved, n_hidden): stored for the backward pass
    grad_hidden: np.ndarray | None = None  # gradient of each h, by all later paths
    grad_gates: np.ndarray | None = None  # gradient of the pre-activations


@dataclasses.dataclass(frozen=True)
class Trace:
    """What passed through a network."""

    layer_traces: list[list[LayerTrace]]  # of each layer and direction
    first_steps: np.ndarray  # (n,) int64: the step at which each sequence begins
    outputs: np.ndarray  # (n, n_output_steps, n_out)


def trace(
    network: Network,
    source: Source,
    windows: np.ndarray,
    *,
    grad_outputs: np.ndarray | None = None,
    loss: str | None = None,
    loss_params: tuple = (),
) -> Trace:
    """Run windows forward and store everything; backward as well, from a loss or given gradients.

    ``grad_outputs``, (n, n_output_steps, n_out), are propagated back; without them the gradient of
    ``loss``, summed over the windows.
    """
    pieces = []
    size = max(_LEAST_WINDOWS, int(_SECONDS / network.seconds_of_a_window(source, training=True)))
    for first in range(0, max(windows.size, 1), size):  # so that Ctrl-C can come between
        piece = slice(first, first + size)
        grads = None if grad_outputs is None else grad_outputs[piece]
        run = _TracedRun(network, source, windows[piece], loss or "absolute_error", loss_params)
        pieces.append(run.trace(grads, backward=grad_outputs is not None or loss is not None))
    return _joined(pieces)


def _joined(pieces: list[Trace]) -> Trace:
    """The trace of all windows from those of some of them each."""
    if len(pieces) == 1:
        return pieces[0]

    def join(records):
        names = [field.name for field in dataclasses.fields(LayerTrace)]
        columns = ([getattr(record, name) for record in records] for name in names)
        return LayerTrace(*(None if c[0] is None else np.concatenate(c) for c in columns))

    layers = zip(*(piece.layer_traces for piece in pieces), strict=True)
    return Trace(
        [[join(records) for records in zip(*layer, strict=True)] for layer in layers],
        np.concatenate([piece.first_steps for piece in pieces]),
        np.concatenate([piece.outputs for piece in pieces]),
    )


class _TracedRun:
    """A chunk of all windows, whose workspace stays."""

    def __init__(self, network, source, windows, loss, loss_params):
        n, dtype = windows.size, network.parameters.dtype
        sizes = network.sizes(network.n_time(source))
        sizes = sizes._replace(n_rows=n, n_output_block=sizes.n_output_steps)
        problem = Problem.of(network.module, source, sizes, loss, loss_params)
        self.sizes = problem.sizes
        # NaN for what is not computed.
        self._work = np.full(workspace_size(self.sizes, training=True), np.nan, dtype)
        self.chunk = Chunk(self.sizes, np.empty(n, np.int64), _NO_DROPOUT, True)
        self.workspace: Workspace = workspace_of(self._work, self.chunk)
        self._kernel = drivers_of(network.module, self.sizes).trace
        self._parameters = kernel_array(network.parameters)
        self._windows = kernel_array(windows, np.int64)
        self._problem = problem.for_kernels()

    def run(self, grad_outputs, grad_hidden_steps):
        """Run forward; and backward, where there is an array for the gradient of every h."""
        gradient, grads = np.zeros_like(self._parameters), (grad_outputs, grad_hidden_steps)
        buffers = self._work, self.chunk.first_steps
        self._kernel(1, *self._problem, self._parameters, gradient, self._windows, buffers, grads)

    def trace(self, grad_outputs, backward):
        """The ``Trace``; ``backward`` from given gradients, or without them from the loss."""
        dtype, sizes = self._work.dtype, self.sizes
        self.run(np.empty((0, 0), dtype), np.empty((0, 0), dtype))
        places = [(k, d) for k in range(sizes.n_layers) for d in range(sizes.n_directions)]
        layer_traces = [self.layer_trace(*place) for place in places]
        outputs = self.outputs()
        if backward:
            by_step = np.empty((0, 0), dtype)
            if grad_outputs is not None:
                by_step = np.moveaxis(np.asarray(grad_outputs, dtype), 0, -1)
                by_step = kernel_array(by_step.reshape(sizes.n_output_steps, -1))
            shape = len(places), sizes.n_time, sizes.n_hidden * self.chunk.first_steps.size
            grad_hidden = np.zeros(shape, dtype)
            self.run(by_step, grad_hidden.reshape(-1, shape[2]))
            for number, place in enumerate(places):
                layer_traces[number] = dataclasses.replace(
                    layer_traces[number],
                    grad_hidden=self.by_row(grad_hidden[number], 1)[:, :, 0],
                    grad_gates=self.by_row(self.layer_arrays(*place).gates, sizes.n_blocks),
                )
        n = sizes.n_directions
        by_layer = [layer_traces[k : k + n] for k in range(0, len(places), n)]
        return Trace(by_layer, self.chunk.first_steps, outputs)

    def layer_arrays(self, layer, direction):
        """The arrays of a direction of a layer."""
        return layer_arrays(self.workspace.layers, self.chunk, layer, direction)

    def by_row(self, values, n_parts):
        """(n_time, parts * units * n) to (n, n_time, parts, units), NaN before the first step."""
        first_steps = self.chunk.first_steps
        n, n_time = first_steps.size, self.sizes.n_time
        shape = n_time, n_parts, values.shape[1] // (max(n_parts, 1) * n), n
        by_row = values.reshape(shape).transpose(3, 0, 1, 2).copy()
        by_row[np.arange(n_time) < first_steps[:, None]] = np.nan
        return by_row

    def layer_trace(self, layer, direction):
        """What passed forward through a direction of a layer."""
        sizes, n = self.sizes, self.chunk.first_steps.size
        inputs, gates, state, saved, _ = self.layer_arrays(layer, direction)
        read = slice(direction, sizes.n_time + direction)  # slots that steps read, and write
        written = slice(1 - direction, sizes.n_time + 1 - direction)
        n_units, x = sizes.n_hidden * n, (sizes.n_hidden + 1) * n
        n_in = layer_inputs(sizes, layer)
        return LayerTrace(
            inputs=self.by_row(inputs[read, x : x + n_in * n], 1)[:, :, 0],
            before=self.by_row(inputs[read, :n_units], 1)[:, :, 0],
            hidden=self.by_row(inputs[written, :n_units], 1)[:, :, 0],
            state_before=self.by_row(state[read], sizes.n_state),
            state=self.by_row(state[written], sizes.n_state),
            gates=self.by_row(gates, sizes.n_blocks),
            saved=self.by_row(saved, sizes.n_saved),
        )

    def outputs(self):
        """The outputs, (n, n_output_steps, n_out)."""
        n = self.chunk.first_steps.size
        outputs = head_arrays(self.workspace.head, self.sizes, n).outputs
        return outputs.reshape(self.sizes.n_output_steps, -1, n).transpose(2, 0, 1).copy()
