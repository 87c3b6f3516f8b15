"""The bridge from the final states of an encoder to the initial states of a decoder, and back.

For each layer, of h and of each further part of a state, ``W [s, s_reverse, 1]`` with the final
state of the encoder's layer in its direction or both; tanh of it for h.
"""

from tsrnn.kernels.activations import tanh
from tsrnn.kernels.gemm.products import multiply
from tsrnn.kernels.jit.compile import device_function, matrix


def bridge_shape(encoder, decoder) -> tuple[int, int, int]:
    """Shape (parts, units, inputs + 1) of the weights, by ``Sizes`` of both networks."""
    parts = decoder.n_layers * (1 + decoder.n_state)
    return parts, decoder.n_hidden, encoder.n_directions * encoder.n_hidden + 1


@device_function
def bridge_size(encoder, decoder):
    """Number of the weights."""
    n_inputs = encoder.n_directions * encoder.n_hidden + 1
    return decoder.n_layers * (1 + decoder.n_state) * decoder.n_hidden * n_inputs


@device_function
def part_weights(weights, encoder, decoder, part):
    """Weights (units, inputs + 1) of a part, in a tuple."""
    n, n_inputs = decoder.n_hidden, encoder.n_directions * encoder.n_hidden + 1
    return (matrix(weights, part * n * n_inputs, n, n_inputs),)


@device_function
def place_of(sizes, part, direction):
    """Where in the states of a network a part of a layer's direction begins."""
    n_each = 1 + sizes.n_state
    layer, component = part // n_each, part % n_each
    number = layer * sizes.n_directions + direction
    return (number * n_each + component) * sizes.n_hidden


@device_function
def write_part(weights, encoder, decoder, part, final, initial):
    """Write a part of the decoder's initial states, (units, n_rows) of all its parts."""
    n, n_hidden = encoder.n_hidden, decoder.n_hidden
    (w,) = part_weights(weights, encoder, decoder, part)
    place = place_of(decoder, part, 0)
    out = initial[place : place + n_hidden]
    for unit in range(n_hidden):
        for row in range(out.shape[1]):
            out[unit, row] = w[unit, w.shape[1] - 1]
    for direction in range(encoder.n_directions):
        first = place_of(encoder, part, direction)
        columns = w[:, direction * n : (direction + 1) * n]
        multiply(columns, False, final[first : first + n], False, True, out)
    if part % (1 + decoder.n_state) == 0:
        for unit in range(n_hidden):
            for row in range(out.shape[1]):
                out[unit, row] = tanh(out[unit, row])


@device_function
def write_initial_states(weights, encoder, decoder, final, initial):
    """Write ``initial``, (state_width, n_rows) of the decoder, from ``final`` of the encoder."""
    for part in range(decoder.n_layers * (1 + decoder.n_state)):
        write_part(weights, encoder, decoder, part, final, initial)


@device_function
def bridge_backward(weights, gradient, encoder, decoder, final, grads, scratch):
    """Write the gradients of the weights and of the final states.

    ``grads`` are those of the initial states, which are overwritten, and of the final ones;
    ``scratch`` is (state_width, n_rows) of the decoder.
    """
    grad_initial, grad_final = grads
    n, n_hidden, n_rows = encoder.n_hidden, decoder.n_hidden, final.shape[1]
    write_initial_states(weights, encoder, decoder, final, scratch)
    for part in range(decoder.n_layers * (1 + decoder.n_state)):
        (w,) = part_weights(weights, encoder, decoder, part)
        (grad_w,) = part_weights(gradient, encoder, decoder, part)
        place = place_of(decoder, part, 0)
        grad, out = grad_initial[place : place + n_hidden], scratch[place : place + n_hidden]
        for unit in range(n_hidden):
            total = grad.dtype.type(0)
            for row in range(n_rows):
                if part % (1 + decoder.n_state) == 0:
                    grad[unit, row] *= grad.dtype.type(1) - out[unit, row] * out[unit, row]
                total += grad[unit, row]
            grad_w[unit, w.shape[1] - 1] = total
        for direction in range(encoder.n_directions):
            first, columns = (
                place_of(encoder, part, direction),
                slice(direction * n, (direction + 1) * n),
            )
            multiply(grad, False, final[first : first + n], True, False, grad_w[:, columns])
            multiply(w[:, columns], True, grad, False, False, grad_final[first : first + n])
