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
from tsrnn.kernels.embedding import (
    TokenGrads,
    embedding_of,
    optimizer_step_of_tokens,
    write_token_grads,
)
from tsrnn.kernels.jit.compile import Kernel, device_function, matrix
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layout import Chunk
from tsrnn.kernels.losses import apply_loss
from tsrnn.kernels.optimizers import optimizer_step, rule_of
from tsrnn.kernels.outputs import block_end, head_arrays, write_block, write_block_backward
from tsrnn.kernels.problem import problem_of
from tsrnn.kernels.sampling import draw, sampling_of
from tsrnn.kernels.steps import compile_steps


class Kernels(NamedTuple):
    """The compiled drivers of one cell."""

    train: Kernel  # distributes models over tasks
    train_one: Kernel  # distributes the chunks of a minibatch of one model; the same bits
    predict: Kernel
    step: Kernel
    generate: Kernel
    trace: Kernel


class Buffers(NamedTuple):
    """Working memory of a task."""

    work: np.ndarray  # (n,): the workspace of a chunk
    first_steps: np.ndarray  # (n_rows,) int64: where each row's sequence begins


class Gradients(NamedTuple):
    """Gradients of a minibatch."""

    chunks: np.ndarray  # (n_chunks, n): of each chunk, without the embedding
    tokens: TokenGrads


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
        Kernel(_compile_generate(passes), f"{name}-generate"),
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
def evaluate_block(problem, n_targets, chunk, workspace, first, step_losses):
    """Overwrite a block's outputs with the loss's gradient; sums of losses and of weights.

    ``step_losses``, (n_rows, n_output_steps or 0), are written by a loss of whole rows.
    """
    _, sizes, loss, loss_params = problem
    arrays = head_arrays(workspace.head, sizes, chunk.first_steps.size)
    total = total_weight = 0.0
    for output_step in range(first, block_end(sizes, first)):
        outputs, targets = arrays.outputs[output_step - first], arrays.targets[output_step]
        value, weight = apply_loss(
            loss, loss_params, outputs, targets[:n_targets], workspace.weights, arrays.loss
        )
        total += value
        total_weight += weight
        if step_losses.shape[1]:
            for row in range(chunk.first_steps.size):
                step_losses[row, output_step] = arrays.loss[row]
    return total, total_weight


@device_function
def update_model(problem_row, rule_row, minibatch, parameters, moments, gradients, sums, rate):
    """Update a model by the mean gradient of a minibatch's chunks; its mean loss and weight."""
    total = weight = 0.0
    for chunk in range(gradients.chunks.shape[0]):
        total += sums[chunk, 0]
        weight += sums[chunk, 1]
    if weight > 0:
        rule, step = rule_of(rule_row), minibatch.number
        if gradients.tokens.places.size:
            problem, schedule = problem_of(problem_row), (1.0 / weight, step, rate)
            optimizer_step_of_tokens(
                problem, minibatch.windows, parameters, moments, gradients, schedule, rule
            )
        else:
            optimizer_step(parameters, moments, gradients.chunks, 1.0 / weight, step, rate, rule)
        return total / weight, weight
    return 0.0, 0.0


def _compile_train_chunks(passes: ChunkPasses):
    forward, backward = passes.forward, passes.backward

    @device_function
    def train_chunk(problem, parameters, grads, batch, chunk, work, states):
        """Write the gradient of a chunk's loss; sums of losses and of weights.

        ``grads`` are those of the parameters, and of the tokens of a chunk.
        """
        (source, sizes, loss, loss_params), (gradient, token_grads) = problem, grads
        workspace, head = workspace_of(work, chunk), workspace_of(work, chunk).head
        read_windows(source, batch, parameters, chunk, workspace)
        forward(parameters, chunk, workspace, states)
        n_targets = read_targets(source, batch, loss, loss_params, chunk, workspace)
        no_record = matrix(workspace.backward, 0, 0, 0)  # of losses, and of the gradient of h
        total = total_weight = 0.0
        for first in range(0, sizes.n_output_steps, sizes.n_output_block):
            write_block(parameters, chunk, head, first)
            value, weight = evaluate_block(problem, n_targets, chunk, workspace, first, no_record)
            write_block_backward(parameters, gradient, chunk, head, first)
            total += value
            total_weight += weight
        backward(parameters, gradient, chunk, workspace, no_record)
        if sizes.n_tokens:
            write_token_grads(chunk, workspace.layers, token_grads)
        return total, total_weight

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
            place = first * sizes.n_time if sizes.n_tokens else 0
            grads = gradients.chunks[number], gradients.tokens.values[place:]
            sums[number, 0], sums[number, 1] = train_chunk(
                problem, parameters, grads, batch, chunk, buffers.work, states
            )

    return train_chunks


def _compile_train(train_chunks):
    def train(n_tasks, source, sizes, loss, models, schedule, buffers, states):
        parameters, moments, rules = models
        padded_windows, n_batch, first_updates, rates, losses = schedule
        gradients, values, places, seen, sums, work, first_steps = buffers
        n_rows = read_sizes(sizes).n_rows
        for task in prange(n_tasks):
            task_buffers = Buffers(work[task], first_steps[task])
            token_grads = TokenGrads(values[task], places[task], seen[task])
            for model in range(task, parameters.shape[0], n_tasks):
                for s in range(rates.shape[1]):
                    batch = padded_windows[model, s * n_batch : (s + 1) * n_batch]
                    batch = batch[: count_windows(batch)]
                    n_chunks = (batch.size + n_rows - 1) // n_rows
                    minibatch = Minibatch(batch, first_updates[model] + s, 0, n_chunks)
                    train_chunks(
                        (source, sizes, loss),
                        rules[model],
                        minibatch,
                        parameters[model],
                        Gradients(gradients[task, :n_chunks], token_grads),
                        sums[task],
                        task_buffers,
                        states,
                    )
                    losses[model, s, 0], losses[model, s, 1] = update_model(
                        (source, sizes, loss),
                        rules[model],
                        minibatch,
                        parameters[model],
                        moments[model],
                        Gradients(gradients[task, :n_chunks], token_grads),
                        sums[task],
                        rates[model, s],
                    )

    return train


def _compile_train_one(train_chunks):
    def train_one(n_tasks, source, sizes, loss, models, schedule, buffers, states):
        parameters, moments, rules = models
        padded_windows, n_batch, first_updates, rates, losses = schedule
        gradients, values, places, seen, sums, work, first_steps = buffers
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
                    Gradients(gradients[0], TokenGrads(values[0], places[0], seen[0])),
                    sums[0],
                    Buffers(work[task], first_steps[task]),
                    states,
                )
            losses[0, s, 0], losses[0, s, 1] = update_model(
                (source, sizes, loss),
                rules[0],
                Minibatch(batch, number, 0, n_chunks),
                parameters[0],
                moments[0],
                Gradients(gradients[0, :n_chunks], TokenGrads(values[0], places[0], seen[0])),
                sums[0],
                rates[0, s],
            )

    return train_one


def _compile_predict(passes: ChunkPasses):
    forward = passes.forward

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
        read_windows(source, batch, parameters, chunk, workspace)
        forward(parameters, chunk, workspace, states)
        total = total_weight = 0.0
        if not evaluate:
            write_block(parameters, chunk, workspace.head, 0)
            write_predictions(source, batch, chunk, workspace, out)
        else:
            n_targets = read_targets(source, batch, loss, loss_params, chunk, workspace)
            for first_of_block in range(0, sizes.n_output_steps, sizes.n_output_block):
                write_block(parameters, chunk, workspace.head, first_of_block)
                value, weight = evaluate_block(
                    problem, n_targets, chunk, workspace, first_of_block, out
                )
                total += value
                total_weight += weight
        return total, total_weight

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
            task_buffers = Buffers(work[task], first_steps[task])
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first, last = chunk * n_rows, (chunk + 1) * n_rows
                step_chunk(
                    sizes, parameters, x[first:last], first, task_buffers, states, out[first:last]
                )

    return step


def _compile_generate(passes: ChunkPasses):
    forward = passes.forward

    @device_function
    def generate_chunk(sizes_row, parameters, tokens, uniforms, first, sampling, buffers, states):
        """Draw tokens of a chunk of streams, each from the scores after the one before it."""
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
        for n in range(uniforms.shape[1]):
            for row in range(n_rows):
                for k in range(sizes.n_embedding):
                    place = (sizes.n_hidden + 1 + k) * n_rows + row
                    inputs[0, place] = embedding[tokens[row, n], k]
            forward(parameters, chunk, workspace, states)
            write_block(parameters, chunk, workspace.head, 0)
            for row in range(n_rows):
                scores = outputs[0, row::n_rows]
                token = draw(scores, uniforms[row, n], sampling, probabilities, order)
                tokens[row, n + 1] = token

    def generate(n_tasks, sizes, parameters, tokens, uniforms, sampling, buffers, states):
        work, first_steps, probabilities, order = buffers
        n_rows = read_sizes(sizes).n_rows
        n_chunks = (tokens.shape[0] + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            task_buffers = Buffers(work[task], first_steps[task])
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first, last = chunk * n_rows, (chunk + 1) * n_rows
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


def _compile_trace(passes: ChunkPasses):
    forward, backward = passes.forward, passes.backward

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
        read_windows(source, batch, parameters, chunk, workspace)
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
                evaluate_block(problem, n_targets, chunk, workspace, 0, no_record)
            write_block_backward(parameters, gradient, chunk, workspace.head, 0)
            backward(parameters, gradient, chunk, workspace, grad_hidden_steps)

    def trace(n_tasks, source, sizes, loss, parameters, gradient, batch, buffers, grads):
        work, first_steps = buffers
        task_buffers, problem = Buffers(work, first_steps), (source, sizes, loss)
        trace_chunk(problem, parameters, gradient, batch, task_buffers, grads)

    return trace
