"""Where everything lies: a network's parameters in one vector, a chunk's arrays in one workspace.

Plain arithmetic, called by Python and compiled into kernels alike.
"""

from typing import NamedTuple

from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.workers import worker_range

LAST, EVERY, HORIZONS = 0, 1, 2  # what a head reads: see Sizes.reads
EXPANSION = 4  # of a layer that attends: units of its small network, for each of its own
QUERIES = 64  # steps that attend at a time
# Rows worked on at a time on a CPU: two vectors of AVX2, one of AVX-512, and few enough that what a
# step leaves stays in the cache. The same on every processor, as gradients are summed by chunks.
ROWS = 16


class Sizes(NamedTuple):
    """A network's shape, and the number of rows of a minibatch that are worked on at a time.

    Attributes
    ----------
    n_time, n_in : int
        Recurrent steps, and inputs of each.
    n_hidden, n_layers, n_directions : int
        Hidden units of each direction of each layer; 2 directions if bidirectional.
    residual : int
        1 where a layer's inputs are added to its outputs (from the second layer on).
    reads : int
        What the head reads: LAST, the last step of each direction; EVERY, each of the last
        ``n_output_steps`` steps; HORIZONS, the state after one more step of the last layer for each
        horizon, fed a learned embedding.
    n_output_steps, n_out : int
        Places the head speaks at and outputs of each.
    n_head : int
        Units of the head's hidden layer; 0 for none.
    n_blocks, n_state, n_saved : int
        The cell's, see ``tsrnn.kernels.cells``.
    n_heads : int
        Heads of layers that attend, 0 where layers recur.
    n_rows : int
        Most rows of a chunk.
    """

    n_time: int
    n_in: int
    n_hidden: int
    n_layers: int
    n_directions: int
    residual: int
    reads: int
    n_output_steps: int
    n_out: int
    n_head: int
    n_blocks: int
    n_state: int
    n_saved: int
    n_heads: int
    n_rows: int


@device_function
def inputs_of(sizes, layer):
    """Inputs of a layer's step: the network's, or all directions of the layer below."""
    return sizes.n_in if layer == 0 else sizes.n_directions * sizes.n_hidden


@device_function
def width(sizes, layer):
    """Length of a row of a layer's weights, ``[W_h, b, W_x]``."""
    return sizes.n_hidden + 1 + inputs_of(sizes, layer)


@device_function
def layer_size(sizes, layer):
    """Parameters of a layer's direction."""
    n = sizes.n_hidden
    if sizes.n_heads:
        embedding = n * (1 + sizes.n_in) if layer == 0 else 0
        return embedding + (4 + 2 * EXPANSION) * n * n + (5 + EXPANSION) * n
    return sizes.n_blocks * n * width(sizes, layer)


@device_function
def cell_place(sizes, layer, direction):
    """Where in the parameters the weights of a layer's direction begin."""
    place = 0
    for below in range(layer):
        place += sizes.n_directions * layer_size(sizes, below)
    return place + direction * layer_size(sizes, layer)


@device_function
def head_places(sizes):
    """Where in the parameters the embedding, hidden layer and output layer begin, and the end."""
    n_top = sizes.n_directions * sizes.n_hidden + 1
    embedding = cell_place(sizes, sizes.n_layers, 0)
    hidden = embedding
    if sizes.reads == HORIZONS:
        hidden += sizes.n_output_steps * inputs_of(sizes, sizes.n_layers - 1)
    out = hidden + sizes.n_head * n_top
    return embedding, hidden, out, out + sizes.n_out * (sizes.n_head + 1 if sizes.n_head else n_top)


@device_function
def state_width(sizes):
    """Values that a sequence carries: h and the cell's state of all layers and directions."""
    if sizes.n_heads:  # what attends looks back at the steps themselves
        return 0
    return sizes.n_layers * sizes.n_directions * (1 + sizes.n_state) * sizes.n_hidden


@device_function
def steps_kept(sizes, training):
    """Steps of which a layer keeps what it computed."""
    return sizes.n_time if training or sizes.n_heads else 1


@device_function
def attention_space(sizes, n_rows):
    """Values of the workspace that attention takes for one head at a time."""
    size = sizes.n_hidden // sizes.n_heads
    return sizes.n_time * (2 * QUERIES + 7 * size * n_rows)


@device_function
def layer_space(sizes, n_rows, layer, training, separate_hidden):
    """Values of the workspace that a direction of a layer takes."""
    n_hidden = sizes.n_hidden * n_rows
    n_steps = steps_kept(sizes, training)
    own = attention_space(sizes, n_rows) if sizes.n_heads else 0
    return (
        (sizes.n_time + 1) * width(sizes, layer) * n_rows
        + n_steps * (sizes.n_blocks + sizes.n_saved) * n_hidden
        + (n_steps + 1) * sizes.n_state * n_hidden
        + (sizes.n_time + 1) * n_hidden * separate_hidden
        + own
    )


@device_function
def layers_space(sizes, n_rows, training, separate_hidden):
    """Values of the workspace that all layers take."""
    space = 0
    for layer in range(sizes.n_layers):
        space += sizes.n_directions * layer_space(sizes, n_rows, layer, training, separate_hidden)
    return space


@device_function
def head_space(sizes, n_rows):
    """Values of the workspace that the head takes, for all it says and what it learns by."""
    n_hidden = sizes.n_hidden * n_rows
    space = (
        sizes.n_output_steps
        * ((sizes.n_directions * sizes.n_hidden + 1) + (sizes.n_head + 1) + 2 * sizes.n_out)
        * n_rows
        + (sizes.n_head + sizes.n_directions * sizes.n_hidden) * n_rows
    )
    if sizes.reads == HORIZONS:
        layer = sizes.n_layers - 1
        space += (
            sizes.n_output_steps
            * (
                width(sizes, layer) * n_rows
                + (sizes.n_blocks + sizes.n_state + sizes.n_saved) * n_hidden
            )
            + sizes.n_state * n_hidden
        )
    return space


@device_function
def n_grad_steps(sizes):
    """Steps whose outputs can have a gradient: all, or the last alone."""
    simple = sizes.n_layers == 1 and sizes.n_directions == 1 and sizes.reads != EVERY
    simple = simple and not sizes.n_heads
    return 1 if simple else sizes.n_time


@device_function
def backward_space(sizes, n_rows):
    """Values of the workspace that the way back takes beside what the way there left."""
    return (sizes.n_directions * n_grad_steps(sizes) + 2 + sizes.n_state) * sizes.n_hidden * n_rows


def workspace_size(sizes: Sizes, training: bool, separate_hidden: bool = False) -> int:
    """Number of values one task needs to walk its chunks through time.

    ``separate_hidden`` says that h is kept apart from what the product sees of it, as recurrent dropout
    needs.
    """
    n_rows = sizes.n_rows
    space = (
        layers_space(sizes, n_rows, training, separate_hidden) + head_space(sizes, n_rows) + n_rows
    )
    return space + (backward_space(sizes, n_rows) if training else 0)


@device_function
def clear(values):
    """Set all of a flat array to zero."""
    for k in worker_range(values.size):
        values[k] = 0


@device_function
def copy(values, out):
    """Copy a flat array. In a loop over slices, unlike one over places, LLVM sees a vector."""
    for k in worker_range(out.size):
        out[k] = values[k]


@device_function
def clear_matrix(values):
    """Set all of a matrix to zero."""
    for k in range(values.shape[0]):
        clear(values[k])


@device_function
def earliest(first_steps):
    """The step at which the first row of a chunk begins."""
    first = first_steps[0]
    for row in range(1, first_steps.size):
        first = min(first, first_steps[row])
    return first


@device_function
def latest(first_steps):
    """The step at which the last row of a chunk begins."""
    last = first_steps[0]
    for row in range(1, first_steps.size):
        last = max(last, first_steps[row])
    return last
