"""A network's shape, and where layers lie in the parameter vector and in a chunk's workspace.

Plain arithmetic, for Python and kernels alike; what heads add is in ``tsrnn.kernels.outputs``.
"""

from typing import NamedTuple

from tsrnn.kernels.dropout import ChunkDropout
from tsrnn.kernels.jit.compile import device_function

FFN_EXPANSION = 4  # units of an attention layer's feed-forward network, for each of its own
QUERIES = 64  # steps whose attention weights are computed at a time
# Rows worked on at a time on a CPU: two vectors of AVX2, one of AVX-512, and few enough that the
# arrays of a step stay in the cache. The same on every processor: gradients are summed by chunks.
ROWS = 16
# Values of outputs that a task of a CPU holds at a time: a part of the steps if there are many.
_OUTPUT_VALUES = 2**23


class Sizes(NamedTuple):
    """A network's shape, and the number of rows of a chunk."""

    n_time: int
    n_in: int  # inputs of a time step, the embedding of its token first
    n_hidden: int  # units of each direction of each layer
    n_layers: int
    n_directions: int  # 2 if bidirectional, else 1
    residual: int  # 1 where inputs are added to outputs, from the second layer on
    head: int  # index in ``tsrnn.kernels.heads.NAMES``
    n_output_steps: int  # steps that the head has outputs for
    n_out: int  # outputs of each
    n_targets: int  # most targets of each
    n_output_block: int  # output steps that are computed at a time
    n_head_units: int  # of the head's hidden layer; 0 for none
    n_blocks: int  # the cell's, with n_state and n_saved: see ``tsrnn.kernels.cells``
    n_state: int
    n_saved: int
    n_attention_heads: int  # 0 for recurrent layers
    n_tokens: int  # rows of the embedding, 0 for none
    n_embedding: int  # their width
    tied: int  # 1 where the output layer's weights are the embedding too
    n_rows: int  # most rows of a chunk
    # What depends on the head: see ``tsrnn.kernels.heads.Head``.
    n_head_parameters: int = 0
    head_space: int = 0
    first_step_read: int = 0
    last_step_only: int = 0
    needs_steps: int = 0
    step_targets: int = 0
    loss_space: int = 0  # values for a loss of whole sequences, 0 for others


class Chunk(NamedTuple):
    """Rows of a minibatch that pass through the network together."""

    sizes: Sizes
    first_steps: object  # (n_rows,) int64: where each sequence begins; n_time for an empty one
    dropout: ChunkDropout
    training: bool  # whether a backward pass follows, so that all steps are stored


@device_function
def separates_hidden(chunk):
    """Whether h is stored apart from the products' inputs, as recurrent dropout changes those."""
    return chunk.dropout.recurrent.limit > 0


@device_function
def layer_inputs(sizes, layer):
    """Inputs of a layer's step: the network's, or all directions of the layer below."""
    return sizes.n_in if layer == 0 else sizes.n_directions * sizes.n_hidden


@device_function
def weights_width(sizes, layer):
    """Columns of a recurrent layer's weights, ``[W_h, b, W_x]``."""
    return sizes.n_hidden + 1 + layer_inputs(sizes, layer)


@device_function
def layer_size(sizes, layer):
    """Parameters of a layer's direction."""
    n = sizes.n_hidden
    if sizes.n_attention_heads:
        embedding = n * (1 + sizes.n_in) if layer == 0 else 0
        return embedding + (4 + 2 * FFN_EXPANSION) * n * n + (5 + FFN_EXPANSION) * n
    return sizes.n_blocks * n * weights_width(sizes, layer)


@device_function
def layer_offset(sizes, layer, direction):
    """Where in the parameters those of a layer's direction begin."""
    offset = 0
    for below in range(layer):
        offset += sizes.n_directions * layer_size(sizes, below)
    return offset + direction * layer_size(sizes, layer)


@device_function
def state_width(sizes):
    """Values of a sequence's state: of each layer and direction, h and the cell's own."""
    if sizes.n_attention_heads:  # attention has no state: it reads the steps themselves
        return 0
    return sizes.n_layers * sizes.n_directions * (1 + sizes.n_state) * sizes.n_hidden


@device_function
def n_stored_steps(sizes, training):
    """Steps of which a layer stores what it computed."""
    return sizes.n_time if training or sizes.n_attention_heads else 1


@device_function
def attention_space(sizes, n_rows):
    """Values of the workspace that attention takes for one head at a time."""
    size = sizes.n_hidden // sizes.n_attention_heads
    return sizes.n_time * (2 * QUERIES + 7 * size * n_rows)


@device_function
def layer_space(sizes, n_rows, layer, training, separate_hidden):
    """Values of the workspace that a direction of a layer takes."""
    n_hidden = sizes.n_hidden * n_rows
    n_steps = n_stored_steps(sizes, training)
    return (
        (sizes.n_time + 1) * weights_width(sizes, layer) * n_rows
        + n_steps * (sizes.n_blocks + sizes.n_saved) * n_hidden
        + (n_steps + 1) * sizes.n_state * n_hidden
        + (sizes.n_time + 1) * n_hidden * separate_hidden
        + (attention_space(sizes, n_rows) if sizes.n_attention_heads else 0)
    )


@device_function
def layers_space(sizes, n_rows, training, separate_hidden):
    """Values of the workspace that all layers take."""
    space = 0
    for layer in range(sizes.n_layers):
        space += sizes.n_directions * layer_space(sizes, n_rows, layer, training, separate_hidden)
    return space


def output_block(n_output_steps: int, n_out: int) -> int:
    """Output steps that are computed at a time on a CPU."""
    return max(1, min(n_output_steps, _OUTPUT_VALUES // (max(n_out, 1) * ROWS)))
