"""Layers over time for a chunk of rows, one file for each kind, and the arrays that they share.

Arrays hold rows last, (time, units * rows), so that a pass over a step is contiguous whatever the
sizes, and long enough to vectorise. ``inputs[t]`` stacks ``[h_{t-1}, 1, x_t]``, so that one product
with ``[W_h, b, W_x]`` gives all pre-activations, and one with the gates' gradients gives all of the
weights'.

Sequences end together: a row whose sequence is shorter begins later, at ``first_steps[row]``, and
before that its state does not change. ``inputs`` and ``state`` have one slot more than there are
steps: step t of the forward direction reads slot t and writes h and state to slot t + 1; in the
reverse direction it reads slot t + 1 and writes slot t.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layout import layer_space, n_stored_steps, separates_hidden, weights_width


class Layer(NamedTuple):
    """The passes of a layer kind, to be compiled into drivers.

    Attributes
    ----------
    forward : callable
        ``forward(parameters, work, chunk, layer, direction, states)`` runs a direction of a layer
        over all steps; its inputs are in ``work``.
    backward : callable
        ``backward(parameters, gradient, work, chunk, layer, direction, grads, add)`` writes the
        gradient of its parameters, or with ``add`` adds it, and above the first layer writes that
        of its inputs over the inputs.
    steps : Steps or None
        The passes of a single step, where a layer is a recurrence.
    backward_hidden : callable or None
        Likewise: the gradient of the h before a step.
    """

    forward: Callable
    backward: Callable
    steps: Any = None
    backward_hidden: Callable | None = None


class LayerArrays(NamedTuple):
    """What a direction of a layer stores, as matrices.

    ``inputs`` (n_time + 1, width * n_rows), ``gates`` (n_steps, n_blocks * n_hidden * n_rows),
    ``state`` (n_steps + 1, n_state * n_hidden * n_rows), ``saved`` (n_steps, n_saved * n_hidden *
    n_rows). Where no backward pass follows, n_steps is one. ``hidden`` (n_time + 1, n_hidden *
    n_rows) holds h where recurrent dropout changes that of the inputs, else it is empty.
    """

    inputs: Any
    gates: Any
    state: Any
    saved: Any
    hidden: Any


class LayerGrads(NamedTuple):
    """Gradients that the backward passes of head and layers hand on.

    ``outputs``, (n_directions * n_time, n_hidden * n_rows), is that of a layer's outputs; where
    only the last step's can have one, there is one row. ``hidden`` and ``scratch``, (n_hidden *
    n_rows,), and ``state``, (n_state * n_hidden * n_rows,), are of the current step.
    ``hidden_steps``, (n_layers * n_directions * n_time or 0, n_hidden * n_rows), records that of
    every h.
    """

    outputs: Any
    hidden: Any
    state: Any
    scratch: Any
    hidden_steps: Any


@device_function
def layer_arrays(work, chunk, layer, direction):
    """The ``LayerArrays`` of a direction of a layer."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    training, separate_hidden = chunk.training, separates_hidden(chunk)
    n_hidden, n_time = sizes.n_hidden * n_rows, sizes.n_time
    n_steps = n_stored_steps(sizes, training)
    first = direction * layer_space(sizes, n_rows, layer, training, separate_hidden)
    for below in range(layer):
        first += sizes.n_directions * layer_space(sizes, n_rows, below, training, separate_hidden)
    n_input = weights_width(sizes, layer) * n_rows
    gates = first + (n_time + 1) * n_input
    state = gates + n_steps * sizes.n_blocks * n_hidden
    saved = state + (n_steps + 1) * sizes.n_state * n_hidden
    hidden = saved + n_steps * sizes.n_saved * n_hidden
    return LayerArrays(
        matrix(work, first, n_time + 1, n_input),
        matrix(work, gates, n_steps, sizes.n_blocks * n_hidden),
        matrix(work, state, n_steps + 1, sizes.n_state * n_hidden),
        matrix(work, saved, n_steps, sizes.n_saved * n_hidden),
        matrix(work, hidden, (n_time + 1) * separate_hidden, n_hidden),
    )


@device_function
def hidden_at(arrays, n_hidden, slot):
    """h of a slot, (n_hidden * n_rows,), in a tuple."""
    return (arrays.hidden[slot] if arrays.hidden.shape[0] else arrays.inputs[slot, :n_hidden],)
