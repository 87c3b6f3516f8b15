"""The arrays of a launch, and where in them a network's arrays lie.

Launching costs time per argument, so there are three long ones: ``floats`` of the network's dtype,
``ints`` and ``doubles``. The ints begin with the ``Sizes`` and the ``LaunchLayout``.
"""

from collections import namedtuple
from typing import NamedTuple

import numpy as np

from tsrnn.kernels.chunks import workspace_of
from tsrnn.kernels.cuda.blocks import SIMULATED
from tsrnn.kernels.dropout import ChunkDropout, Dropout, as_uint64, hash_bits
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.jit.cuda_internals import simulated_array
from tsrnn.kernels.jit.generate import record_reader
from tsrnn.kernels.layout import Chunk, Sizes, state_width
from tsrnn.kernels.optimizers import Rule, rule_of
from tsrnn.kernels.outputs import head_offsets
from tsrnn.kernels.sources import Source

# The source's numbers that ``LaunchLayout`` repeats.
SOURCE_NUMBERS = ("lookback", "season", "missing", "ahead", "n_known", "by_mean")
# Numbers of a training or prediction, and where in the three long arrays its arrays begin.
LaunchLayout = namedtuple(  # type: ignore[misc]
    "LaunchLayout",
    [
        # Models; chunks of a minibatch, or of a prediction; minibatches.
        *("n_models", "n_chunks", "n_steps"),
        # Whether a backward pass follows; the loss's position in ``tsrnn.kernels.losses.LOSSES``.
        *("training", "loss"),
        # Values of a chunk's workspace; sequences with carried states; parameters of the loss.
        *("n_work", "n_sequences", "n_loss_params"),
        # Shapes of the source's arrays.
        *("n_values", "n_channels", "n_targets", "n_each", "n_weights", "n_windows"),
        *SOURCE_NUMBERS,
        # Offsets in the floats,
        *("values", "targets", "parameters", "moments", "gradients", "work", "scales"),
        *("states", "out"),
        # in the ints,
        *("firsts", "lengths", "padded_windows", "first_steps", "first_updates", "limits"),
        # and in the doubles.
        *("weights", "least_scale", "loss_params", "rules", "rates", "sums", "losses", "squares"),
    ],
)


N_SIZES, N_RULE = len(Sizes._fields), len(Rule._fields)
HEADER = N_SIZES + len(LaunchLayout._fields)  # ints that come before the arrays
# Each phase of a kernel reads the layout again: kept from one phase to the next it would fill all
# registers.
layout_of = record_reader(LaunchLayout, first=N_SIZES)


class Arrays(NamedTuple):
    """The three long arrays."""

    floats: np.ndarray
    ints: np.ndarray
    doubles: np.ndarray


class Item(NamedTuple):
    """A chunk of a model's minibatch ``step``, and the worker whose workspace it takes."""

    model: int
    chunk: int
    step: int
    worker: int


if SIMULATED:

    def arrays_of(floats, ints, doubles):
        """The arrays inside the wrappers that the simulator gives to kernels."""
        return Arrays(simulated_array(floats), simulated_array(ints), simulated_array(doubles))

else:

    @device_function
    def arrays_of(floats, ints, doubles):
        """The arguments of a kernel as a record."""
        return Arrays(floats, ints, doubles)


@device_function
def source_of(layout, arrays):
    """The ``Source`` whose values the arrays hold."""
    floats, ints, doubles = arrays
    return Source(
        matrix(floats, layout.values, layout.n_values, layout.n_channels),
        matrix(floats, layout.targets, layout.n_targets, layout.n_each),
        doubles[layout.weights : layout.weights + layout.n_weights],
        ints[layout.firsts : layout.firsts + layout.n_windows],
        ints[layout.lengths : layout.lengths + layout.n_windows],
        ints[:0],
        layout.lookback,
        layout.season,
        doubles[layout.least_scale],
        layout.missing,
        layout.ahead,
        layout.n_known,
        layout.by_mean,
    )


@device_function
def batch_of(layout, sizes, ints, item):
    """The windows of an item, in a tuple."""
    first = (
        layout.padded_windows
        + (item.model * layout.n_steps + item.step) * layout.n_chunks * sizes.n_rows
    )
    first += item.chunk * sizes.n_rows
    return (ints[first : first + sizes.n_rows],)


@device_function
def parameters_of(layout, sizes, floats, model):
    """A model's parameters, followed by its transposed weights, in a tuple."""
    n = 2 * head_offsets(sizes)[3]
    return (floats[layout.parameters + model * n : layout.parameters + (model + 1) * n],)


@device_function
def gradient_of(layout, sizes, floats, slot):
    """A gradient of a chunk, in a tuple."""
    n = head_offsets(sizes)[3]
    return (floats[layout.gradients + slot * n : layout.gradients + (slot + 1) * n],)


@device_function
def chunk_of(layout, sizes, arrays, item):
    """The ``Chunk`` of an item."""
    first = layout.first_steps + item.worker * sizes.n_rows
    first_steps = arrays.ints[first : first + sizes.n_rows]
    dropout = chunk_dropout_of(layout, arrays, sizes, item)
    return Chunk(sizes, first_steps, dropout, layout.training == 1)


@device_function
def workspace_at(layout, chunk, floats, worker):
    """The ``Workspace`` of a worker for a chunk."""
    first = layout.work + worker * layout.n_work
    return workspace_of(floats[first : first + layout.n_work], chunk)


@device_function
def states_of(layout, sizes, floats):
    """Carried states, (state_width, n_sequences), in a tuple; empty for none."""
    n_values = state_width(sizes) if layout.n_sequences else 0
    return (matrix(floats, layout.states, n_values, layout.n_sequences),)


@device_function
def chunk_dropout_of(layout, arrays, sizes, item):
    """The dropout of an item; in a prediction its limits are zero."""
    limits, scales = layout.limits + 3 * item.model, layout.scales + 2 * item.model
    seed, first_update = arrays.ints[limits + 2], arrays.ints[layout.first_updates + item.model]
    return ChunkDropout(
        Dropout(arrays.ints[limits], arrays.floats[scales]),
        Dropout(arrays.ints[limits + 1], arrays.floats[scales + 1]),
        hash_bits(as_uint64(seed)) + as_uint64(first_update + item.step),
        item.chunk * sizes.n_rows,
    )


@device_function
def loss_params_of(layout, doubles):
    """The loss's parameters, in a tuple."""
    return (doubles[layout.loss_params : layout.loss_params + layout.n_loss_params],)


@device_function
def rule_of_model(layout, doubles, model):
    """The ``Rule`` by which a model is trained."""
    first = layout.rules + N_RULE * model
    return rule_of(doubles[first : first + N_RULE])
