"""The drivers that go on step by step: by observations, or by tokens that the network draws.

A recurrent network carries states. Attention has a window of steps, which is a chunk's workspace
and stays (``tsrnn.kernels.layers.context``); its ``states``, (1, n_chunks) int64, are the numbers
of steps in the windows.
"""

import math
from collections.abc import Callable

from numba import prange

from tsrnn.kernels.arrays import copy
from tsrnn.kernels.chunks import ChunkPasses, read_sizes, workspace_of
from tsrnn.kernels.cpu.batches import Buffers
from tsrnn.kernels.dropout import no_dropout
from tsrnn.kernels.embedding import embed, embedding_of
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layers.context import forward_step, next_step
from tsrnn.kernels.layout import Chunk
from tsrnn.kernels.outputs import head_arrays, write_block
from tsrnn.kernels.sampling import draw, sampling_of


def _compile_passes(passes, attends) -> tuple[Callable, Callable]:
    """Make what finds the step that comes next in a chunk's workspace, and what runs it."""
    forward = passes.forward

    @device_function
    def find_step(parameters, chunk, workspace, states):
        """The step whose inputs are to be written."""
        if attends:
            number = chunk.dropout.first_row // chunk.sizes.n_rows
            t = next_step(parameters, workspace.layers, chunk, states[0, number])
            states[0, number] = t + 1
            return t
        return 0

    @device_function
    def run_step(parameters, chunk, workspace, states, t):
        """Run step t to what the head reads."""
        if attends:
            sizes, n_rows = chunk.sizes, chunk.first_steps.size
            n = sizes.n_hidden * n_rows
            inputs = head_arrays(workspace.head, sizes, n_rows).inputs[0]
            last_layer = layer_arrays(workspace.layers, chunk, sizes.n_layers - 1, 0)
            forward_step(parameters, workspace.layers, chunk, t)
            copy(last_layer.inputs[t + 1, :n], inputs[:n])
            for row in range(n_rows):
                inputs[n + row] = 1
        else:
            forward(parameters, chunk, workspace, states)

    return find_step, run_step


def compile_step(passes: ChunkPasses, attends: bool) -> Callable:
    """Make the driver of one step of many series, whose chunks it distributes."""
    find_step, run_step = _compile_passes(passes, attends)

    @device_function
    def step_chunk(sizes_row, parameters, x, first, buffers, states, out):
        """One step of a chunk of series with carried states, which a missing value leaves as is."""
        sizes, n_rows = read_sizes(sizes_row), x.shape[0]
        first_steps = buffers.first_steps[:n_rows]
        for row in range(n_rows):
            first_steps[row] = 0
            if not attends:
                for k in range(sizes.n_in):
                    if math.isnan(x[row, k]):
                        first_steps[row] = 1
        chunk = Chunk(sizes, first_steps, no_dropout(parameters[0], first), False)
        workspace = workspace_of(buffers.work, chunk)
        t = find_step(parameters, chunk, workspace, states)
        inputs = layer_arrays(workspace.layers, chunk, 0, 0).inputs
        for row in range(n_rows):
            for k in range(sizes.n_in):
                value = x[row, k] if first_steps[row] == 0 else 0
                inputs[t, (sizes.n_hidden + 1 + k) * n_rows + row] = value
        run_step(parameters, chunk, workspace, states, t)
        write_block(parameters, chunk, workspace.head, 0)
        outputs = head_arrays(workspace.head, sizes, n_rows).outputs
        for row in range(n_rows):
            for k in range(out.shape[1]):
                out[row, k] = outputs[k // sizes.n_out, k % sizes.n_out * n_rows + row]

    # No tuple for buffers: taking one apart is 3 % of the 3 microseconds of a single step.
    def step(n_tasks, sizes, parameters, x, work, first_steps, states, out):
        n_rows = read_sizes(sizes).n_rows
        n_chunks = (x.shape[0] + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first, last = chunk * n_rows, (chunk + 1) * n_rows
                buffers = Buffers(work[chunk if attends else task], first_steps[task])
                step_chunk(
                    sizes, parameters, x[first:last], first, buffers, states, out[first:last]
                )

    return step


def compile_generate(passes: ChunkPasses, attends: bool) -> Callable:
    """Make the driver that reads tokens of many streams and draws more."""
    find_step, run_step = _compile_passes(passes, attends)

    @device_function
    def generate_chunk(sizes_row, parameters, tokens, uniforms, first, sampling, buffers, states):
        """Draw the last tokens of a chunk of streams, each from the scores after all before it."""
        sizes, n_rows = read_sizes(sizes_row), tokens.shape[0]
        buffers, (probabilities, order) = buffers
        first_steps = buffers.first_steps[:n_rows]
        for row in range(n_rows):
            first_steps[row] = 0
        chunk = Chunk(sizes, first_steps, no_dropout(parameters[0], first), False)
        workspace = workspace_of(buffers.work, chunk)
        inputs = layer_arrays(workspace.layers, chunk, 0, 0).inputs
        (embedding,) = embedding_of(parameters, sizes)
        outputs = head_arrays(workspace.head, sizes, n_rows).outputs
        n_read = tokens.shape[1] - uniforms.shape[1]
        for n in range(tokens.shape[1] - 1):
            t = find_step(parameters, chunk, workspace, states)
            inputs_of_step = inputs[t, (sizes.n_hidden + 1) * n_rows :]
            for row in range(n_rows):
                embed(tokens[row, n], embedding, sizes, row, n_rows, inputs_of_step)
            run_step(parameters, chunk, workspace, states, t)
            if n + 1 >= n_read:
                write_block(parameters, chunk, workspace.head, 0)
                for row in range(n_rows):
                    scores, uniform = outputs[0, row::n_rows], uniforms[row, n + 1 - n_read]
                    tokens[row, n + 1] = draw(scores, uniform, sampling, probabilities, order)

    def generate(n_tasks, sizes, parameters, tokens, uniforms, sampling, buffers, states):
        work, first_steps, probabilities, order = buffers
        n_rows = read_sizes(sizes).n_rows
        n_chunks = (tokens.shape[0] + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first, last = chunk * n_rows, (chunk + 1) * n_rows
                task_buffers = Buffers(work[chunk if attends else task], first_steps[task])
                generate_chunk(
                    sizes,
                    parameters,
                    tokens[first:last],
                    uniforms[first:last],
                    first,
                    sampling_of(sampling),
                    (task_buffers, (probabilities[task], order[task])),
                    states,
                )

    return generate
