"""Layers over time for a chunk of rows, one file for each kind, and the arrays that they share.

Arrays hold rows last, (time, units * rows), so that a pass over a step is contiguous and vectorises
whatever the sizes. ``inputs[t]`` stacks ``[h_{t-1}, 1, x_t]``: one product with ``[W_h, b, W_x]``
gives all pre-activations, and one with the gates' gradients all of the weights'.

Sequences end together: a shorter one begins later, at ``first_steps[row]``, and before that its
state does not change. ``inputs`` and ``state`` have n_time + 1 slots: step t of the forward
direction reads slot t and writes h and state to slot t + 1; the reverse direction vice versa.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layout import layer_space, n_stored_steps, separates_hidden, weights_width


class Layer(NamedTuple):
    """The passes of a layer kind, to be compiled into drivers.

    ``forward(parameters, work, chunk, layer, direction, states)`` runs a direction of a layer over
    all steps. ``backward(parameters, gradient, work, chunk, layer, direction, grads, add)`` writes
    or adds the gradient of its parameters, and above the first layer that of its inputs over them.
    """

    forward: Callable
    backward: Callable
    steps: Any = None  # ``Steps`` of a recurrence
    backward_hidden: Callable | None = None  # of a recurrence: gradient of h before a step


class LayerArrays(NamedTuple):
    """What a direction of a layer stores; n_steps is n_time, or 1 without a backward pass."""

    inputs: Any  # (n_time + 1, width * n_rows)
    gates: Any  # (n_steps, n_blocks * n_hidden * n_rows)
    state: Any  # (n_steps + 1, n_state * n_hidden * n_rows)
    saved: Any  # (n_steps, n_saved * n_hidden * n_rows)
    hidden: Any  # (n_time + 1, n_hidden * n_rows): h, where recurrent dropout changes it in inputs


class LayerGrads(NamedTuple):
    """Gradients that the backward passes of head and layers hand on."""

    # (n_directions * n_time, n_hidden * n_rows); one row if only the last step has any
    outputs: Any
    hidden: Any  # (n_hidden * n_rows,), of the current step; likewise scratch
    state: Any  # (n_state * n_hidden * n_rows,), of the current step
    scratch: Any
    hidden_steps: Any  # (n_layers * n_directions * n_time or 0, n_hidden * n_rows): of every h
    initial: Any  # (state_width or 0, n_rows): of the initial states, written
    final: Any  # likewise, of the final states


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
