"""A network's shape, and where layers lie in the parameter vector and in a chunk's workspace.

Plain arithmetic, called by Python and compiled into kernels alike. Two layer kinds are laid out
here, ``recurrent`` and ``attention`` of ``tsrnn.kernels.layers``; what heads add is in
``tsrnn.kernels.outputs``.
"""

from typing import NamedTuple

from tsrnn.kernels.dropout import ChunkDropout
from tsrnn.kernels.jit.compile import device_function

FFN_EXPANSION = 4  # units of an attention layer's feed-forward network, for each of its own
QUERIES = 64  # steps whose attention weights are computed at a time
# Rows worked on at a time on a CPU: two vectors of AVX2, one of AVX-512, and few enough that the
# arrays of a step stay in the cache. The same on every processor: gradients are summed by chunks.
ROWS = 16


class Sizes(NamedTuple):
    """A network's shape, and the number of rows of a minibatch that are worked on at a time.

    Attributes
    ----------
    n_time, n_in : int
        Time steps, and inputs of each.
    n_hidden, n_layers, n_directions : int
        Hidden units of each direction of each layer; 2 directions if bidirectional.
    residual : int
        1 where a layer's inputs are added to its outputs (from the second layer on).
    head : int
        Position of the head's kind in ``tsrnn.kernels.heads.NAMES``.
    n_output_steps, n_out : int
        Steps that the head has outputs for, and outputs of each.
    n_head_units : int
        Units of the head's hidden layer; 0 for none.
    n_blocks, n_state, n_saved : int
        The cell's, see ``tsrnn.kernels.cells``.
    n_attention_heads : int
        Heads of attention layers, 0 for recurrent ones.
    n_rows : int
        Most rows of a chunk.
    """

    n_time: int
    n_in: int
    n_hidden: int
    n_layers: int
    n_directions: int
    residual: int
    head: int
    n_output_steps: int
    n_out: int
    n_head_units: int
    n_blocks: int
    n_state: int
    n_saved: int
    n_attention_heads: int
    n_rows: int


class Chunk(NamedTuple):
    """Rows of a minibatch that pass through the network together.

    Attributes
    ----------
    sizes : Sizes
        The network's shape.
    first_steps : (n_rows,) int64 array
        The step at which each row's sequence begins; ``n_time`` for an empty one.
    dropout : ChunkDropout
    training : bool
        Whether a backward pass follows, for which every step's arrays are kept.
    """

    sizes: Sizes
    first_steps: object
    dropout: ChunkDropout
    training: bool


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
