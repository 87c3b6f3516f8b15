"""A chunk of pairs of sequences through an encoder-decoder and back."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from tsrnn.kernels.arrays import clear_matrix, earliest
from tsrnn.kernels.chunks import (
    compile_chunk_passes,
    read_targets,
    read_windows,
    workspace_of,
    workspace_size,
)
from tsrnn.kernels.cpu.batches import evaluate_block
from tsrnn.kernels.dropout import ChunkDropout, apply_dropout
from tsrnn.kernels.embedding import embed_windows, write_token_grads
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layout import Chunk, Sizes, state_width
from tsrnn.kernels.outputs import head_arrays, write_block, write_block_backward
from tsrnn.kernels.problem import KernelProblem
from tsrnn.kernels.steps import compile_steps
from tsrnn.kernels.translation import cross_size, cross_sizes, parts_of
from tsrnn.kernels.translation.bridge import bridge_backward, write_initial_states
from tsrnn.kernels.translation.cross_arrays import cross_arrays, cross_space, kind_of, weights_of
from tsrnn.kernels.translation.cross_attention import CrossPasses, compile_cross_attention

DECODER_SEED = 0x5851F42D  # added to the seed of dropout in the decoder


class Pair(NamedTuple):
    """An encoder's problem and a decoder's, of the same windows."""

    encoder: KernelProblem
    decoder: KernelProblem


class PairMemory(NamedTuple):
    """A task's memory, flat but for the last."""

    encoder: Any  # workspaces of the networks
    decoder: Any
    cross: Any  # of the attention
    ends: Any  # gradients of states, see ``ends_of``
    # (both state widths, n): states of the encoder, then of the decoder; a chunk has the columns
    # from ``chunk.dropout.first_row`` on
    states: Any


class PairPasses(NamedTuple):
    """The passes of a chunk of pairs."""

    encode: Callable
    forward: Callable
    backward: Callable
    evaluate: Callable
    # Passes of its parts: of a network up to what its head reads, and of the attention.
    run_layers: Callable
    cross: CrossPasses


class TokenParts(NamedTuple):
    """Gradients of the embedded inputs of a chunk."""

    encoder: Any
    decoder: Any


def pair_space(
    encoder: Sizes, decoder: Sizes, training: bool, recurrent_dropout: bool
) -> list[int]:
    """Values of each array of ``PairMemory``."""
    sizes = cross_sizes(encoder, decoder, encoder.n_rows)
    return [
        workspace_size(encoder, training, recurrent_dropout),
        workspace_size(decoder, training, recurrent_dropout),
        cross_space(sizes),
        (state_width(encoder) + 2 * state_width(decoder)) * encoder.n_rows if training else 0,
    ]


@device_function
def memory_of(work, spaces, states):
    """The ``PairMemory`` in a flat array, by ``pair_space``."""
    a, b, c, d = spaces
    return PairMemory(
        work[:a], work[a : a + b], work[a + b : a + b + c], work[a + b + c : a + b + c + d], states
    )


@device_function
def states_of(memory, chunk, first, n):
    """Rows ``first`` to ``first + n - 1`` of the states of a chunk, in a tuple."""
    begin = chunk.dropout.first_row
    return (memory.states[first : first + n, begin : begin + chunk.first_steps.size],)


@device_function
def split(vector, first_decoder, first_cross, n_cross):
    """Parts of a vector: of the encoder, the decoder, the attention and the bridge."""
    first_bridge = first_cross + n_cross
    return (
        vector[:first_decoder],
        vector[first_decoder:first_cross],
        vector[first_cross:first_bridge],
        vector[first_bridge:],
    )


@device_function
def split_parameters(parameters, encoder, decoder, kind):
    """Those of the encoder, the decoder, the attention and the bridge."""
    _, of_decoder, rest = parts_of(encoder, decoder, kind)
    n_cross = cross_size(encoder, decoder, kind)
    return split(parameters, of_decoder.parameters, rest.parameters, n_cross)


@device_function
def split_gradient(gradient, encoder, decoder, kind):
    """As ``split_parameters``, of the gradient of a chunk."""
    _, of_decoder, rest = parts_of(encoder, decoder, kind)
    return split(gradient, of_decoder.gradient, rest.gradient, cross_size(encoder, decoder, kind))


@device_function
def drop_embedded(chunk, work, direction):
    """Apply dropout to the embedded inputs of a direction, or to their gradient."""
    sizes, dropout, n_rows = chunk.sizes, chunk.dropout, chunk.first_steps.size
    if dropout.between_layers.limit == 0 or sizes.n_embedding == 0:
        return
    inputs = layer_arrays(work, chunk, 0, direction).inputs
    first, n = (sizes.n_hidden + 1) * n_rows, sizes.n_embedding * n_rows
    key = sizes.n_layers * sizes.n_directions * sizes.n_time
    for t in range(earliest(chunk.first_steps), sizes.n_time):
        values = inputs[t + direction, first : first + n]
        apply_dropout(
            dropout.between_layers, dropout.seed, key + t, dropout.first_row, n_rows, values
        )


@device_function
def drop_attended(chunk, hidden):
    """Apply dropout to what the output layer reads, (n_time, units * n_rows), or its gradient."""
    sizes, dropout, n_rows = chunk.sizes, chunk.dropout, chunk.first_steps.size
    if dropout.between_layers.limit == 0:
        return
    key = (sizes.n_layers * sizes.n_directions + 1) * sizes.n_time
    for t in range(earliest(chunk.first_steps), sizes.n_time):
        values = hidden[t, : sizes.n_hidden * n_rows]
        apply_dropout(
            dropout.between_layers, dropout.seed, key + t, dropout.first_row, n_rows, values
        )


def compile_pair_passes(cell: ModuleType, attention: str | None) -> PairPasses:
    """Make the passes for a cell of both networks and a kind of attention, or none."""
    passes = compile_chunk_passes(cell, compile_steps, False, with_ends=True)
    network_forward, network_backward = passes.forward, passes.backward
    kind = kind_of(attention)
    attends = kind >= 0
    cross = compile_cross_attention(attention or "dot")
    cross_forward, cross_backward = cross.forward, cross.backward

    @device_function
    def run_network(problem, parameters, batch, chunk, work, states):
        """Read windows and run a network's layers over them."""
        workspace = workspace_of(work, chunk)
        read_windows(problem.source, batch, chunk, workspace)
        if chunk.sizes.n_tokens:
            embed_windows(problem.source, batch, parameters, chunk, workspace.layers)
            drop_embedded(chunk, workspace.layers, 0)
        network_forward(parameters, chunk, workspace, states)

    @device_function
    def encode(pair, parameters, batch, chunks, memory):
        """Run the encoder, and the bridge to the decoder's initial states."""
        encoder, decoder = chunks
        n_encoder, n_decoder = state_width(encoder.sizes), state_width(decoder.sizes)
        (final,) = states_of(memory, encoder, 0, n_encoder)
        (initial,) = states_of(memory, decoder, n_encoder, n_decoder)
        clear_matrix(final)
        of_encoder, _, _, of_bridge = split_parameters(
            parameters, encoder.sizes, decoder.sizes, kind
        )
        run_network(pair.encoder, of_encoder, batch, encoder, memory.encoder, memory.states)
        write_initial_states(of_bridge, encoder.sizes, decoder.sizes, final, initial)

    @device_function
    def forward(pair, parameters, batch, chunks, memory):
        """Run encoder, bridge, decoder and attention, up to what the output layer reads."""
        encoder, decoder = chunks
        encode(pair, parameters, batch, chunks, memory)
        _, of_decoder, of_cross, _ = split_parameters(
            parameters, encoder.sizes, decoder.sizes, kind
        )
        states = memory.states[state_width(encoder.sizes) :]
        run_network(pair.decoder, of_decoder, batch, decoder, memory.decoder, states)
        hidden = head_of(memory.decoder, decoder).inputs
        if attends:
            sizes = cross_sizes(encoder.sizes, decoder.sizes, batch.size)
            cross_forward(
                weights_of(of_cross, 0, sizes, kind),
                sizes,
                (decoder.first_steps, encoder.first_steps),
                head_of(memory.encoder, encoder).inputs,
                hidden,
                cross_arrays(memory.cross, sizes),
            )
        drop_attended(decoder, hidden)

    @device_function
    def evaluate(pair, parameters, gradient, batch, chunks, memory, step_losses):
        """Sums of losses and of weights; with a gradient, write that of what the outputs read."""
        encoder, decoder = chunks
        problem, workspace = pair.decoder, workspace_of(memory.decoder, decoder)
        _, of_decoder, _, _ = split_parameters(parameters, encoder.sizes, decoder.sizes, kind)
        n_targets = read_targets(
            problem.source, batch, problem.loss, problem.loss_params, decoder, workspace
        )
        total = total_weight = 0.0
        for first in range(0, decoder.sizes.n_output_steps, decoder.sizes.n_output_block):
            write_block(of_decoder, decoder, workspace.head, first)
            value, weight = evaluate_block(
                problem, n_targets, decoder, workspace, first, step_losses
            )
            if gradient.size:
                _, grad, _, _ = split_gradient(gradient, encoder.sizes, decoder.sizes, kind)
                write_block_backward(of_decoder, grad, decoder, workspace.head, first)
            total += value
            total_weight += weight
        return total, total_weight

    @device_function
    def network_backward_from(parameters, gradient, chunk, work, tokens, initial, final):
        """Run a network back, and write the gradient of its embedded inputs."""
        workspace = workspace_of(work, chunk)
        none = matrix(workspace.backward, 0, 0, 0)
        network_backward(parameters, gradient, chunk, workspace, none, initial, final)
        if chunk.sizes.n_tokens:
            for direction in range(chunk.sizes.n_directions):
                drop_embedded(chunk, workspace.layers, direction)
            write_token_grads(chunk, workspace.layers, tokens)

    @device_function
    def backward(parameters, gradient, tokens, chunks, memory):
        """Run all back from the gradient of what the output layer read, which is in its place."""
        encoder, decoder = chunks
        n_rows, width = encoder.first_steps.size, state_width(encoder.sizes)
        n_decoder = state_width(decoder.sizes)
        of_encoder, of_decoder, of_cross, of_bridge = split_parameters(
            parameters, encoder.sizes, decoder.sizes, kind
        )
        grad_encoder, grad_decoder, grad_cross, grad_bridge = split_gradient(
            gradient, encoder.sizes, decoder.sizes, kind
        )
        final = matrix(memory.ends, 0, width, n_rows)
        initial = matrix(memory.ends, width * n_rows, n_decoder, n_rows)
        scratch = matrix(memory.ends, (width + n_decoder) * n_rows, n_decoder, n_rows)
        none = matrix(memory.ends, 0, 0, 0)
        (read,) = states_of(memory, encoder, 0, width)
        encoded = head_of(memory.encoder, encoder).inputs
        hidden = head_of(memory.decoder, decoder).inputs
        drop_attended(decoder, hidden)
        if attends:
            sizes = cross_sizes(encoder.sizes, decoder.sizes, n_rows)
            cross_backward(
                weights_of(of_cross, 0, sizes, kind),
                weights_of(grad_cross, 0, sizes, kind),
                sizes,
                (decoder.first_steps, encoder.first_steps),
                encoded,
                hidden,
                cross_arrays(memory.cross, sizes),
            )
        else:
            for s in range(encoder.sizes.n_time):
                for k in range(encoded.shape[1]):
                    encoded[s, k] = 0
        network_backward_from(
            of_decoder, grad_decoder, decoder, memory.decoder, tokens.decoder, initial, none
        )
        bridge_backward(
            of_bridge,
            grad_bridge,
            encoder.sizes,
            decoder.sizes,
            read,
            (initial, final),
            scratch,
        )
        network_backward_from(
            of_encoder, grad_encoder, encoder, memory.encoder, tokens.encoder, none, final
        )

    return PairPasses(encode, forward, backward, evaluate, network_forward, cross)


@device_function
def head_of(work, chunk):
    """The ``HeadArrays`` of a network's chunk."""
    head = workspace_of(work, chunk).head
    return head_arrays(head, chunk.sizes, chunk.first_steps.size)


@device_function
def chunks_of(pair, first_steps, dropout, training):
    """The chunks of both networks; ``first_steps`` are theirs, (2, n_rows)."""
    between_layers, recurrent, seed, first_row = dropout
    of_decoder = ChunkDropout(between_layers, recurrent, seed + DECODER_SEED, first_row)
    return (
        Chunk(pair.encoder.sizes, first_steps[0], dropout, training),
        Chunk(pair.decoder.sizes, first_steps[1], of_decoder, training),
    )
