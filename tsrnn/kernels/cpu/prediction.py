"""The drivers of prediction, and of a trace that keeps all activations and gradients."""

from collections.abc import Callable

from numba import prange

from tsrnn.kernels.chunks import (
    ChunkPasses,
    read_sizes,
    read_targets,
    read_windows,
    workspace_of,
    write_predictions,
)
from tsrnn.kernels.cpu.batches import Buffers, count_windows, evaluation_of
from tsrnn.kernels.dropout import no_dropout
from tsrnn.kernels.embedding import embed_windows
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layout import Chunk
from tsrnn.kernels.outputs import head_arrays, write_block, write_block_backward
from tsrnn.kernels.problem import problem_of


def _compile_predict_chunk(passes, has_tokens, of_sequences) -> Callable:
    forward, evaluate_loss = passes.forward, evaluation_of(of_sequences)

    @device_function
    def predict_chunk(problem_row, parameters, batch, first, evaluate, buffers, states, out):
        """Write predictions of a chunk, or sum the losses and weights of blocks of its outputs.

        Then the losses of steps are written to ``out``, if it has room for them.
        """
        problem = problem_of(problem_row)
        source, sizes, loss, loss_params = problem
        dropout, first_steps = no_dropout(parameters[0], first), buffers.first_steps[: batch.size]
        chunk = Chunk(sizes, first_steps, dropout, False)
        workspace = workspace_of(buffers.work, chunk)
        read_windows(source, batch, chunk, workspace)
        if has_tokens:
            embed_windows(source, batch, parameters, chunk, workspace.layers)
        forward(parameters, chunk, workspace, states)
        n_targets = 0
        if evaluate:
            n_targets = read_targets(source, batch, loss, loss_params, chunk, workspace)
        total = total_weight = 0.0
        for first_of_block in range(0, sizes.n_output_steps, sizes.n_output_block):
            write_block(parameters, chunk, workspace.head, first_of_block)
            if evaluate:
                value, weight = evaluate_loss(
                    problem, n_targets, chunk, workspace, first_of_block, out
                )
                total += value
                total_weight += weight
        if not evaluate:  # all outputs are in one block
            write_predictions(source, batch, chunk, workspace, out)
        return total, total_weight

    return predict_chunk


def compile_predict(passes: ChunkPasses, has_tokens: bool, of_sequences: bool) -> Callable:
    """Make the driver of predictions and losses of many models, whose chunks it distributes."""
    predict_chunk = _compile_predict_chunk(passes, has_tokens, of_sequences)

    def predict(
        n_tasks, source, sizes, loss, parameters, padded_windows, evaluate, buffers, states, out
    ):
        sums, work, first_steps = buffers
        n_rows = read_sizes(sizes).n_rows
        n_chunks = (padded_windows.shape[1] + n_rows - 1) // n_rows
        n_items = n_chunks * parameters.shape[0]
        for task in prange(n_tasks):
            task_buffers = Buffers(work[task], first_steps[task])
            for item in range(task * n_items // n_tasks, (task + 1) * n_items // n_tasks):
                model, chunk = item // n_chunks, item % n_chunks
                first = chunk * n_rows
                batch = padded_windows[model, first : first + n_rows]
                batch = batch[: count_windows(batch)]
                if batch.size == 0:  # no row says where its sequence begins
                    continue
                sums[model, chunk, 0], sums[model, chunk, 1] = predict_chunk(
                    (source, sizes, loss),
                    parameters[model],
                    batch,
                    first,
                    evaluate,
                    task_buffers,
                    states,
                    out[model, first : first + batch.size],
                )

    return predict


def compile_trace(passes: ChunkPasses, has_tokens: bool, of_sequences: bool) -> Callable:
    """Make the driver that runs one chunk forward and back and leaves all arrays in its memory."""
    forward, backward = passes.forward, passes.backward
    evaluate = evaluation_of(of_sequences)

    @device_function
    def trace_chunk(problem_row, parameters, gradient, batch, buffers, grads):
        """Run one chunk forward and backward; its arrays stay in ``buffers.work``.

        ``grads`` are that of the outputs, (n_output_steps, n_out * n_rows), if empty the loss's;
        and ``LayerGrads.hidden_steps``, to be written; if empty there is no backward pass.
        """
        problem, (grad_outputs, grad_hidden_steps) = problem_of(problem_row), grads
        source, _, loss, loss_params = problem
        chunk = Chunk(problem.sizes, buffers.first_steps, no_dropout(parameters[0], 0), True)
        workspace = workspace_of(buffers.work, chunk)
        read_windows(source, batch, chunk, workspace)
        if has_tokens:
            embed_windows(source, batch, parameters, chunk, workspace.layers)
        forward(parameters, chunk, workspace, matrix(workspace.backward, 0, 0, 0))
        write_block(parameters, chunk, workspace.head, 0)
        if grad_hidden_steps.shape[0]:
            if grad_outputs.shape[0]:
                outputs = head_arrays(workspace.head, problem.sizes, batch.size).outputs
                for output_step in range(problem.sizes.n_output_steps):
                    for k in range(outputs.shape[1]):
                        outputs[output_step, k] = grad_outputs[output_step, k]
            else:
                n_targets = read_targets(source, batch, loss, loss_params, chunk, workspace)
                no_record = matrix(workspace.backward, 0, 0, 0)
                evaluate(problem, n_targets, chunk, workspace, 0, no_record)
            write_block_backward(parameters, gradient, chunk, workspace.head, 0)
            backward(parameters, gradient, chunk, workspace, grad_hidden_steps)

    def trace(n_tasks, source, sizes, loss, parameters, gradient, batch, buffers, grads):
        work, first_steps = buffers
        task_buffers, problem = Buffers(work, first_steps), (source, sizes, loss)
        trace_chunk(problem, parameters, gradient, batch, task_buffers, grads)

    return trace
