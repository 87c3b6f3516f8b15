"""Drivers on the CPU: minibatches over chunks of rows, training over minibatches and models.

One source gives a serial and a parallel kernel. A minibatch is cut into chunks of rows, of a size
that does not depend on the number of threads; a task walks one chunk after another through all
layers and all of time, forward and back; the gradients of the chunks are summed in order. So any
number of threads gives the same bits.
"""

import functools
import math
from typing import NamedTuple

from numba import prange

from tsrnn.kernels import windows
from tsrnn.kernels.chunks import (
    compile_chunk_passes,
    read_sizes,
    read_targets,
    read_windows,
    workspace_of,
    write_predictions,
)
from tsrnn.kernels.jit.compile import Kernel, device_function, matrix
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layout import Chunk
from tsrnn.kernels.losses import apply_loss
from tsrnn.kernels.noise import Noise, dropout_of, scramble, silence
from tsrnn.kernels.optimizers import optimizer_step, rule_of
from tsrnn.kernels.outputs import head_arrays
from tsrnn.kernels.steps import compile_steps


class Kernels(NamedTuple):
    """The compiled drivers of one cell.

    ``train`` takes models to tasks, each model's minibatches one after another; ``train_one`` takes
    the chunks of one model's minibatch to tasks. Both do the same to the last bit.
    """

    train: Kernel
    train_one: Kernel
    predict: Kernel
    step: Kernel
    trace: Kernel


# Numba takes ten microseconds to tell the type of a named tuple: kernels are given plain ones.


@functools.cache
def compile_drivers(cell) -> Kernels:
    """Make the drivers of a cell, a module of ``kernels.cells``."""
    passes = compile_chunk_passes(cell, compile_steps)
    forward, backward = passes.forward, passes.backward

    @device_function
    def learn(parameters, gradient, work, source, batch, chunk, rule, loss_params, states):
        """Sums of losses and weights of a chunk of windows and, written, of their gradients."""
        workspace = workspace_of(work, chunk)
        read_windows(source, batch, chunk, workspace)
        forward(parameters, chunk, workspace, states)
        total, weight = loss_of_chunk(source, batch, chunk, workspace, int(rule.loss), loss_params)
        nowhere = matrix(workspace.backward, 0, 0, 0)
        backward(parameters, gradient, chunk, workspace, nowhere)
        return total, weight

    @device_function
    def loss_of_chunk(source, batch, chunk, workspace, loss, loss_params):
        """Turn the outputs into the gradient of the loss; sums of losses and weights."""
        n_rows = batch.size
        n_targets = read_targets(source, batch, loss, loss_params, chunk, workspace)
        arrays = head_arrays(workspace.head, chunk.sizes, n_rows)
        total = weight = 0.0
        for output_step in range(chunk.sizes.n_output_steps):
            step_total, step_weight = apply_loss(
                loss,
                loss_params,
                arrays.outputs[output_step],
                arrays.targets[output_step, :n_targets],
                workspace.weights,
                n_rows,
            )
            total += step_total
            weight += step_weight
        return total, weight

    @device_function
    def predict_chunk(
        parameters, work, source_row, batch, sizes_row, first, loss, loss_params, evaluate, first_steps,
        states, out,
    ):  # fmt: skip
        """Outputs of a chunk of windows; with ``evaluate`` sums of losses and weights."""
        source, sizes = windows.source_of(source_row), read_sizes(sizes_row)
        chunk = Chunk(sizes, first_steps[: batch.size], silence(parameters[0], first), False)
        workspace = workspace_of(work, chunk)
        read_windows(source, batch, chunk, workspace)
        forward(parameters, chunk, workspace, states)
        write_predictions(source, batch, chunk, workspace, out)
        if not evaluate:
            return 0.0, 0.0
        return loss_of_chunk(source, batch, chunk, workspace, loss, loss_params)

    @device_function
    def step_chunk(parameters, sizes_row, first, x, first_steps, states, work, out):
        """One step of a chunk of series, whose states are carried; a missing value keeps them."""
        sizes, n_rows = read_sizes(sizes_row), x.shape[0]
        chunk = Chunk(sizes, first_steps[:n_rows], silence(parameters[0], first), False)
        workspace = workspace_of(work, chunk)
        inputs = layer_arrays(workspace.layers, chunk, 0, 0).inputs
        for row in range(n_rows):
            first_steps[row] = 0
            for k in range(sizes.n_in):
                if math.isnan(x[row, k]):
                    first_steps[row] = 1
        for row in range(n_rows):
            for k in range(sizes.n_in):
                value = x[row, k] if first_steps[row] == 0 else 0
                inputs[0, (sizes.n_hidden + 1 + k) * n_rows + row] = value
        forward(parameters, chunk, workspace, states)
        outputs = head_arrays(workspace.head, sizes, n_rows).outputs
        for row in range(n_rows):
            for k in range(out.shape[1]):
                out[row, k] = outputs[k // sizes.n_out, k % sizes.n_out * n_rows + row]

    @device_function
    def minibatch(
        chunks, parameters, gradients, sums, work, source_row, batch, sizes_row, rule_row, loss_params,
        step, first_steps, states,
    ):  # fmt: skip
        """Learn some chunks of a minibatch: ``chunks`` is (first, after the last)."""
        source, sizes = windows.source_of(source_row), read_sizes(sizes_row)
        rule = rule_of(rule_row)
        seed = scramble(int(rule.seed)) + step
        between = dropout_of(rule.dropout, parameters[0])
        recurrent = dropout_of(rule.recurrent_dropout, parameters[0])
        for number in range(chunks[0], chunks[1]):
            first = number * sizes.n_rows
            rows = batch[first : first + sizes.n_rows]
            noise = Noise(between, recurrent, seed, first)
            chunk = Chunk(sizes, first_steps[: rows.size], noise, True)
            sums[number, 0], sums[number, 1] = learn(
                parameters, gradients[number], work, source, rows, chunk, rule, loss_params, states
            )

    @device_function
    def finish(parameters, moments, gradients, sums, n_chunks, step, rate, rule_row):
        """Step by the mean gradient of a minibatch; return its mean loss."""
        total = weight = 0.0
        for chunk in range(n_chunks):
            total += sums[chunk, 0]
            weight += sums[chunk, 1]
        if weight > 0:
            rule = rule_of(rule_row)
            optimizer_step(
                parameters, moments, gradients[:n_chunks], 1.0 / weight, step, rate, rule
            )
            return total / weight, weight
        return 0.0, 0.0

    # What leaves return kernels may not hold: they would give it back once too often.

    @device_function
    def trace_chunk(
        parameters, gradient, work, source_row, batch, sizes_row, loss, loss_params, first_steps,
        grad_outputs, grad_hidden_steps,
    ):  # fmt: skip
        """One chunk, of which ``work`` stores everything; with ``grad_hidden_steps`` back as well.

        The gradient is ``grad_outputs``, (n_output_steps, n_out * n_rows), or where that is empty
        the loss's.
        """
        source, sizes = windows.source_of(source_row), read_sizes(sizes_row)
        chunk = Chunk(sizes, first_steps, silence(parameters[0], 0), True)
        workspace = workspace_of(work, chunk)
        read_windows(source, batch, chunk, workspace)
        forward(parameters, chunk, workspace, matrix(workspace.backward, 0, 0, 0))
        if grad_hidden_steps.shape[0]:
            if grad_outputs.shape[0]:
                outputs = head_arrays(workspace.head, sizes, batch.size).outputs
                for output_step in range(sizes.n_output_steps):
                    for k in range(outputs.shape[1]):
                        outputs[output_step, k] = grad_outputs[output_step, k]
            else:
                loss_of_chunk(source, batch, chunk, workspace, loss, loss_params)
            backward(parameters, gradient, chunk, workspace, grad_hidden_steps)

    def train(
        n_tasks, parameters, moments, gradients, sums, work, source, order, n_batch, sizes, rules,
        loss_params, first_updates, rates, losses, first_steps, states,
    ):  # fmt: skip
        for task in prange(n_tasks):
            for model in range(task, parameters.shape[0], n_tasks):
                for s in range(rates.shape[1]):
                    batch = order[model, s * n_batch : (s + 1) * n_batch]
                    n = 0
                    while n < batch.size and batch[n] >= 0:
                        n += 1
                    batch = batch[:n]
                    n_chunks = (n + sizes[-1] - 1) // sizes[-1]
                    step = first_updates[model] + s
                    minibatch(
                        (0, n_chunks), parameters[model], gradients[task], sums[task],
                        work[task], source, batch, sizes, rules[model], loss_params, step,
                        first_steps[task], states,
                    )  # fmt: skip
                    losses[model, s, 0], losses[model, s, 1] = finish(
                        parameters[model], moments[model], gradients[task], sums[task], n_chunks,
                        step, rates[model, s], rules[model],
                    )  # fmt: skip

    def train_one(
        n_tasks, parameters, moments, gradients, sums, work, source, order, n_batch, sizes, rules,
        loss_params, first_updates, rates, losses, first_steps, states,
    ):  # fmt: skip
        for s in range(rates.shape[1]):
            batch = order[0, s * n_batch : (s + 1) * n_batch]
            n_chunks = (batch.size + sizes[-1] - 1) // sizes[-1]
            step = first_updates[0] + s
            for task in prange(n_tasks):
                chunks = task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks
                minibatch(
                    chunks, parameters[0], gradients[0], sums[0], work[task], source,
                    batch, sizes, rules[0], loss_params, step, first_steps[task], states,
                )  # fmt: skip
            losses[0, s, 0], losses[0, s, 1] = finish(
                parameters[0],
                moments[0],
                gradients[0],
                sums[0],
                n_chunks,
                step,
                rates[0, s],
                rules[0],
            )

    def predict(
        n_tasks, parameters, sums, work, source, order, sizes, loss, loss_params, evaluate, first_steps,
        states, out,
    ):  # fmt: skip
        n_chunks = (order.shape[1] + sizes[-1] - 1) // sizes[-1]
        n_items = n_chunks * parameters.shape[0]
        for task in prange(n_tasks):
            for item in range(task * n_items // n_tasks, (task + 1) * n_items // n_tasks):
                model, chunk = item // n_chunks, item % n_chunks
                first = chunk * sizes[-1]
                batch = order[model, first : first + sizes[-1]]
                n = 0
                while n < batch.size and batch[n] >= 0:
                    n += 1
                some = slice(first, first + n)
                sums[model, chunk, 0], sums[model, chunk, 1] = predict_chunk(
                    parameters[model], work[task], source, batch[:n], sizes, first, loss, loss_params,
                    evaluate, first_steps[task], states, out[model, some],
                )  # fmt: skip

    def step(n_tasks, parameters, sizes, x, first_steps, states, work, out):
        n_rows = sizes[-1]
        n_chunks = (x.shape[0] + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first, last = chunk * n_rows, (chunk + 1) * n_rows
                step_chunk(parameters, sizes, first, x[first:last], first_steps[task], states,
                        work[task], out[first:last])  # fmt: skip

    def trace(
        n_tasks, parameters, gradient, work, source, batch, sizes, loss, loss_params, first_steps, grad_outputs,
        grad_hidden_steps,
    ):  # fmt: skip
        trace_chunk(parameters, gradient, work, source, batch, sizes, loss, loss_params, first_steps, grad_outputs,
                grad_hidden_steps)  # fmt: skip

    name = cell.__name__.rpartition(".")[2]
    return Kernels(
        Kernel(train, f"{name}-train"),
        Kernel(train_one, f"{name}-train-one"),
        Kernel(predict, f"{name}-predict"),
        Kernel(step, f"{name}-step"),
        Kernel(trace, f"{name}-look"),
    )
