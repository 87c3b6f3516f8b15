"""Drivers on the CPU: loops over minibatches, models and chunks of rows.

A minibatch is cut into chunks of rows whose size does not depend on the number of threads, and the
gradients of the chunks are summed in order: any number of threads gives the same bits.

Kernels take plain tuples of arrays, as ``prange`` passes tuples on but neither nested nor named
ones, and no array that a device function returns, whose references would be counted wrongly.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from numba import prange

from tsrnn.kernels.chunks import (
    ChunkPasses,
    compile_chunk_passes,
    read_sizes,
    read_targets,
    read_windows,
    workspace_of,
    write_predictions,
)
from tsrnn.kernels.dropout import ChunkDropout, dropout_of, hash_bits, no_dropout
from tsrnn.kernels.jit.compile import Kernel, device_function, matrix
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layout import Chunk
from tsrnn.kernels.losses import apply_loss
from tsrnn.kernels.optimizers import optimizer_step, rule_of
from tsrnn.kernels.outputs import head_arrays
from tsrnn.kernels.problem import problem_of
from tsrnn.kernels.steps import compile_steps


class Kernels(NamedTuple):
    """The compiled drivers of one cell."""

    train: Kernel  # distributes models over tasks
    train_one: Kernel  # distributes the chunks of a minibatch of one model; the same bits
    predict: Kernel
    step: Kernel
    trace: Kernel


class Buffers(NamedTuple):
    """Working memory of a task."""

    work: np.ndarray  # (n,): the workspace of a chunk
    first_steps: np.ndarray  # (n_rows,) int64: where each row's sequence begins


class Minibatch(NamedTuple):
    """A minibatch's windows, its number from 1, and the chunks of a task: first to last - 1."""

    windows: np.ndarray
    number: int
    first: int
    last: int


@functools.cache
def compile_drivers(cell) -> Kernels:
    """Make the drivers of a cell, a module of ``kernels.cells``."""
    passes = compile_chunk_passes(cell, compile_steps)
    train_chunks = _compile_train_chunks(passes)
    name = cell.__name__.rpartition(".")[2]
    return Kernels(
        Kernel(_compile_train(train_chunks), f"{name}-train"),
        Kernel(_compile_train_one(train_chunks), f"{name}-train-one"),
        Kernel(_compile_predict(passes), f"{name}-predict"),
        Kernel(_compile_step(passes), f"{name}-step"),
        Kernel(_compile_trace(passes), f"{name}-trace"),
    )


@device_function
def count_windows(batch):
    """Windows of a batch, which negative numbers fill up."""
    n = 0
    while n < batch.size and batch[n] >= 0:
        n += 1
    return n


@device_function
def evaluate_loss(problem, batch, chunk, workspace):
    """Overwrite a chunk's outputs with the loss's gradient; sums of losses and of weights."""
    source, sizes, loss, loss_params = problem
    n_rows, weights = batch.size, workspace.weights
    n_targets = read_targets(source, batch, loss, loss_params, chunk, workspace)
    arrays = head_arrays(workspace.head, sizes, n_rows)
    total = total_weight = 0.0
    for output_step in range(sizes.n_output_steps):
        outputs, targets = arrays.outputs[output_step], arrays.targets[output_step, :n_targets]
        value, weight = apply_loss(loss, loss_params, outputs, targets, weights, n_rows)
        total += value
        total_weight += weight
    return total, total_weight


@device_function
def update_model(parameters, moments, gradients, sums, step, rate, rule_row):
    """Update a model by the mean gradient of a minibatch's chunks; its mean loss and weight."""
    total = weight = 0.0
    for chunk in range(gradients.shape[0]):
        total += sums[chunk, 0]
        weight += sums[chunk, 1]
    if weight > 0:
        rule = rule_of(rule_row)
        optimizer_step(parameters, moments, gradients, 1.0 / weight, step, rate, rule)
        return total / weight, weight
    return 0.0, 0.0


def _compile_train_chunks(passes: ChunkPasses):
    forward, backward = passes.forward, passes.backward

    @device_function
    def train_chunk(problem, parameters, gradient, batch, chunk, work, states):
        """Write the gradient of a chunk's loss; sums of losses and of weights."""
        workspace = workspace_of(work, chunk)
        read_windows(problem.source, batch, chunk, workspace)
        forward(parameters, chunk, workspace, states)
        total, weight = evaluate_loss(problem, batch, chunk, workspace)
        no_record = matrix(workspace.backward, 0, 0, 0)  # of the gradient of h
        backward(parameters, gradient, chunk, workspace, no_record)
        return total, weight

    @device_function
    def train_chunks(
        problem_row, rule_row, minibatch, parameters, gradients, sums, buffers, states
    ):
        """Write the gradients of a task's chunks, and their sums of losses and of weights."""
        problem, rule = problem_of(problem_row), rule_of(rule_row)
        sizes = problem.sizes
        seed = hash_bits(int(rule.seed)) + minibatch.number
        between_layers = dropout_of(rule.dropout, parameters[0])
        recurrent = dropout_of(rule.recurrent_dropout, parameters[0])
        for number in range(minibatch.first, minibatch.last):
            first = number * sizes.n_rows
            batch = minibatch.windows[first : first + sizes.n_rows]
            dropout = ChunkDropout(between_layers, recurrent, seed, first)
            chunk = Chunk(sizes, buffers.first_steps[: batch.size], dropout, True)
            sums[number, 0], sums[number, 1] = train_chunk(
                problem, parameters, gradients[number], batch, chunk, buffers.work, states
            )

    return train_chunks


def _compile_train(train_chunks):
    def train(n_tasks, source, sizes, loss, models, schedule, buffers, states):
        parameters, moments, rules = models
        padded_windows, n_batch, first_updates, rates, losses = schedule
        gradients, sums, work, first_steps = buffers
        n_rows = read_sizes(sizes).n_rows
        for task in prange(n_tasks):
            task_buffers = Buffers(work[task], first_steps[task])
            for model in range(task, parameters.shape[0], n_tasks):
                for s in range(rates.shape[1]):
                    batch = padded_windows[model, s * n_batch : (s + 1) * n_batch]
                    batch = batch[: count_windows(batch)]
                    n_chunks = (batch.size + n_rows - 1) // n_rows
                    number = first_updates[model] + s
                    train_chunks(
                        (source, sizes, loss),
                        rules[model],
                        Minibatch(batch, number, 0, n_chunks),
                        parameters[model],
                        gradients[task],
                        sums[task],
                        task_buffers,
                        states,
                    )
                    losses[model, s, 0], losses[model, s, 1] = update_model(
                        parameters[model],
                        moments[model],
                        gradients[task, :n_chunks],
                        sums[task],
                        number,
                        rates[model, s],
                        rules[model],
                    )

    return train


def _compile_train_one(train_chunks):
    def train_one(n_tasks, source, sizes, loss, models, schedule, buffers, states):
        parameters, moments, rules = models
        padded_windows, n_batch, first_updates, rates, losses = schedule
        gradients, sums, work, first_steps = buffers
        n_rows = read_sizes(sizes).n_rows
        for s in range(rates.shape[1]):
            batch = padded_windows[0, s * n_batch : (s + 1) * n_batch]
            n_chunks = (batch.size + n_rows - 1) // n_rows
            number = first_updates[0] + s
            for task in prange(n_tasks):
                first, last = task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks
                train_chunks(
                    (source, sizes, loss),
                    rules[0],
                    Minibatch(batch, number, first, last),
                    parameters[0],
                    gradients[0],
                    sums[0],
                    Buffers(work[task], first_steps[task]),
                    states,
                )
            losses[0, s, 0], losses[0, s, 1] = update_model(
                parameters[0],
                moments[0],
                gradients[0, :n_chunks],
                sums[0],
                number,
                rates[0, s],
                rules[0],
            )

    return train_one


def _compile_predict(passes: ChunkPasses):
    forward = passes.forward

    @device_function
    def predict_chunk(problem_row, parameters, batch, first, evaluate, buffers, states, out):
        """Write predictions of a chunk; with ``evaluate`` sums of losses and of weights."""
        problem = problem_of(problem_row)
        dropout, first_steps = no_dropout(parameters[0], first), buffers.first_steps[: batch.size]
        chunk = Chunk(problem.sizes, first_steps, dropout, False)
        workspace = workspace_of(buffers.work, chunk)
        read_windows(problem.source, batch, chunk, workspace)
        forward(parameters, chunk, workspace, states)
        write_predictions(problem.source, batch, chunk, workspace, out)
        if not evaluate:
            return 0.0, 0.0
        return evaluate_loss(problem, batch, chunk, workspace)

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


def _compile_step(passes: ChunkPasses):
    forward = passes.forward

    @device_function
    def step_chunk(sizes_row, parameters, x, first, buffers, states, out):
        """One step of a chunk of series with carried states, which a missing value leaves as is."""
        sizes, n_rows = read_sizes(sizes_row), x.shape[0]
        first_steps = buffers.first_steps[:n_rows]
        chunk = Chunk(sizes, first_steps, no_dropout(parameters[0], first), False)
        workspace = workspace_of(buffers.work, chunk)
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

    # No tuple for buffers: taking one apart is 3 % of the 3 microseconds of a single step.
    def step(n_tasks, sizes, parameters, x, work, first_steps, states, out):
        n_rows = read_sizes(sizes).n_rows
        n_chunks = (x.shape[0] + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            task_buffers = Buffers(work[task], first_steps[task])
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first, last = chunk * n_rows, (chunk + 1) * n_rows
                step_chunk(
                    sizes, parameters, x[first:last], first, task_buffers, states, out[first:last]
                )

    return step


def _compile_trace(passes: ChunkPasses):
    forward, backward = passes.forward, passes.backward

    @device_function
    def trace_chunk(problem_row, parameters, gradient, batch, buffers, grads):
        """Run one chunk forward and backward; its arrays stay in ``buffers.work``.

        ``grads`` are that of the outputs, (n_output_steps, n_out * n_rows), if empty the loss's;
        and ``LayerGrads.hidden_steps``, to be written; if empty there is no backward pass.
        """
        problem, (grad_outputs, grad_hidden_steps) = problem_of(problem_row), grads
        chunk = Chunk(problem.sizes, buffers.first_steps, no_dropout(parameters[0], 0), True)
        workspace = workspace_of(buffers.work, chunk)
        read_windows(problem.source, batch, chunk, workspace)
        forward(parameters, chunk, workspace, matrix(workspace.backward, 0, 0, 0))
        if grad_hidden_steps.shape[0]:
            if grad_outputs.shape[0]:
                outputs = head_arrays(workspace.head, problem.sizes, batch.size).outputs
                for output_step in range(problem.sizes.n_output_steps):
                    for k in range(outputs.shape[1]):
                        outputs[output_step, k] = grad_outputs[output_step, k]
            else:
                evaluate_loss(problem, batch, chunk, workspace)
            backward(parameters, gradient, chunk, workspace, grad_hidden_steps)

    def trace(n_tasks, source, sizes, loss, parameters, gradient, batch, buffers, grads):
        work, first_steps = buffers
        task_buffers, problem = Buffers(work, first_steps), (source, sizes, loss)
        trace_chunk(problem, parameters, gradient, batch, task_buffers, grads)

    return trace
