"""The drivers of training: minibatches of many models, or the chunks of one over several tasks."""

from collections.abc import Callable

from numba import prange

from tsrnn.kernels.chunks import (
    ChunkPasses,
    read_sizes,
    read_targets,
    read_windows,
    workspace_of,
)
from tsrnn.kernels.cpu.batches import Buffers, count_windows, evaluation_of
from tsrnn.kernels.cpu.updates import (
    Gradients,
    Minibatch,
    mean_loss,
    sum_blocks,
    sum_tokens,
    update_blocks,
    update_embedding,
    update_model,
    update_model_and_embedding,
)
from tsrnn.kernels.dropout import ChunkDropout, dropout_of, hash_bits
from tsrnn.kernels.embedding import TokenGrads, embed_windows, write_token_grads
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layout import Chunk
from tsrnn.kernels.optimizers import rule_of
from tsrnn.kernels.outputs import write_block, write_block_backward
from tsrnn.kernels.problem import problem_of


def compile_train_chunks(passes: ChunkPasses, has_tokens: bool, of_sequences: bool) -> Callable:
    """Make what runs the chunks of a task forward and back, for networks with an embedding or not.

    Branches on a constant that a function captures, like ``has_tokens``, are not compiled.
    ``of_sequences``: for losses of whole sequences, or for all others.
    """
    forward, backward = passes.forward, passes.backward
    evaluate = evaluation_of(of_sequences)

    @device_function
    def train_chunk(problem, parameters, grads, batch, chunk, work, states):
        """Write the gradient of a chunk's loss; sums of losses and of weights.

        ``grads`` are those of the parameters, and of the tokens of a chunk.
        """
        (source, sizes, loss, loss_params), (gradient, token_grads) = problem, grads
        workspace = workspace_of(work, chunk)
        read_windows(source, batch, chunk, workspace)
        if has_tokens:
            embed_windows(source, batch, parameters, chunk, workspace.layers)
        forward(parameters, chunk, workspace, states)
        n_targets = read_targets(source, batch, loss, loss_params, chunk, workspace)
        no_record = matrix(workspace.backward, 0, 0, 0)  # of losses, and of the gradient of h
        total = total_weight = 0.0
        for first in range(0, sizes.n_output_steps, sizes.n_output_block):
            write_block(parameters, chunk, workspace.head, first)
            value, weight = evaluate(problem, n_targets, chunk, workspace, first, no_record)
            write_block_backward(parameters, gradient, chunk, workspace.head, first)
            total += value
            total_weight += weight
        backward(parameters, gradient, chunk, workspace, no_record)
        if has_tokens:
            write_token_grads(chunk, workspace.layers, token_grads)
        return total, total_weight

    @device_function
    def train_chunks(
        problem_row, rule_row, minibatch, part, parameters, gradients, buffers, states
    ):
        """Write the gradients of chunks ``part[0]`` to ``part[1] - 1``; their sums of losses."""
        problem, rule = problem_of(problem_row), rule_of(rule_row)
        sizes = problem.sizes
        seed = hash_bits(int(rule.seed)) + minibatch.number
        between_layers = dropout_of(rule.dropout, parameters[0])
        recurrent = dropout_of(rule.recurrent_dropout, parameters[0])
        for number in range(part[0], part[1]):
            first = number * sizes.n_rows
            batch = minibatch.windows[first : first + sizes.n_rows]
            dropout = ChunkDropout(between_layers, recurrent, seed, first)
            chunk = Chunk(sizes, buffers.first_steps[: batch.size], dropout, True)
            place = first * sizes.n_time if has_tokens else 0
            grads = gradients.chunks[number], gradients.tokens.values[place:]
            total, weight = train_chunk(
                problem, parameters, grads, batch, chunk, buffers.work, states
            )
            minibatch.sums[number, 0], minibatch.sums[number, 1] = total, weight

    return train_chunks


def compile_train(train_chunks: Callable, has_tokens: bool) -> Callable:
    """Make the driver that distributes models over tasks."""

    def train(n_tasks, source, sizes, loss, models, schedule, buffers, states):
        parameters, moments, rules = models
        padded_windows, n_batch, first_updates, rates, losses = schedule
        chunk_gradients, values, places, seen, squares, sums, work, first_steps = buffers
        n_rows = read_sizes(sizes).n_rows
        for task in prange(n_tasks):
            token_grads = TokenGrads(values[task], places[task], seen[task])
            for model in range(task, parameters.shape[0], n_tasks):
                for s in range(rates.shape[1]):
                    batch = padded_windows[model, s * n_batch : (s + 1) * n_batch]
                    batch = batch[: count_windows(batch)]
                    n_chunks = (batch.size + n_rows - 1) // n_rows
                    number, rate = first_updates[model] + s, rates[model, s]
                    minibatch = Minibatch(batch, number, rate, sums[task, :n_chunks])
                    gradients = Gradients(
                        chunk_gradients[task, :n_chunks], token_grads, squares[task]
                    )
                    problem, rule = (source, sizes, loss), rules[model]
                    network = parameters[model]
                    train_chunks(
                        problem,
                        rule,
                        minibatch,
                        (0, n_chunks),
                        network,
                        gradients,
                        Buffers(work[task], first_steps[task]),
                        states,
                    )
                    if has_tokens:
                        losses[model, s, 0], losses[model, s, 1] = update_model_and_embedding(
                            problem, rule, minibatch, network, moments[model], gradients
                        )
                    else:
                        losses[model, s, 0], losses[model, s, 1] = update_model(
                            rule, minibatch, network, moments[model], gradients
                        )

    return train


def compile_train_one(train_chunks: Callable, has_tokens: bool) -> Callable:
    """Make the driver that distributes the chunks of a minibatch of one model over tasks.

    With an embedding, and so as a rule many outputs, it distributes the update too.
    """

    def train_one(n_tasks, source, sizes, loss, models, schedule, buffers, states):
        parameters, moments, rules = models
        padded_windows, n_batch, first_updates, rates, losses = schedule
        gradients, values, places, seen, squares, sums, work, first_steps = buffers
        n_rows = read_sizes(sizes).n_rows
        for s in range(rates.shape[1]):
            batch = padded_windows[0, s * n_batch : (s + 1) * n_batch]
            n_chunks = (batch.size + n_rows - 1) // n_rows
            number, rate = first_updates[0] + s, rates[0, s]
            chunks, chunk_sums = gradients[0, :n_chunks], sums[0, :n_chunks]
            for task in prange(n_tasks):
                token_grads = TokenGrads(values[0], places[0], seen[0])
                train_chunks(
                    (source, sizes, loss),
                    rules[0],
                    Minibatch(batch, number, rate, chunk_sums),
                    (task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks),
                    parameters[0],
                    Gradients(chunks, token_grads, squares[0]),
                    Buffers(work[task], first_steps[task]),
                    states,
                )
            problem, rule = (source, sizes, loss), rules[0]
            minibatch = Minibatch(batch, number, rate, chunk_sums)
            token_grads = TokenGrads(values[0], places[0], seen[0])
            summed = Gradients(chunks, token_grads, squares[0])
            if has_tokens:
                sum_tokens(problem, minibatch, summed)
                for task in prange(n_tasks):
                    sum_blocks(chunks, squares[0], task, n_tasks)
                for task in prange(n_tasks):
                    update_blocks(
                        rules[0],
                        Minibatch(batch, number, rate, chunk_sums),
                        parameters[0],
                        moments[0],
                        chunks,
                        squares[0],
                        task,
                        n_tasks,
                    )
                update_embedding(problem, rule, minibatch, parameters[0], moments[0], summed)
                losses[0, s, 0], losses[0, s, 1] = mean_loss(minibatch)
            else:
                losses[0, s, 0], losses[0, s, 1] = update_model(
                    rule, minibatch, parameters[0], moments[0], summed
                )

    return train_one
