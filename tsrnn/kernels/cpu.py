"""Drivers on the CPU: a cell over time, a minibatch over chunks of rows, training over minibatches.

One source gives a serial and a parallel kernel. A minibatch is cut into chunks of rows, of a size
that does not depend on the number of threads; a task walks one chunk after another through all of
time, forward and back; the gradients of the chunks are summed in order. So any number of threads
gives the same bits.

Arrays hold rows last, (time, units, rows): what a cell's pass touches is contiguous whatever the
sizes, and long enough to vectorise. ``inputs[t]`` stacks ``[h_{t-1}, 1, x_t]``, so that one product
with ``[W_h, b, W_x]`` gives all pre-activations, and one with the gates' gradients gives all of the
weights'.
"""

import functools
import math
from typing import NamedTuple

from numba import prange

from tsrnn.kernels import windows
from tsrnn.kernels.compile import Kernel, leaf
from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.products import apply, apply_transposed, outer
from tsrnn.kernels.updates import adam


class Sizes(NamedTuple):
    """What a driver must know of a network and of the chunks of rows it works in."""

    n_time: int
    n_in: int
    n_hidden: int
    n_out: int
    n_blocks: int
    n_state: int
    n_saved: int
    n_rows: int

    def with_rows(self, n_batch: int) -> "Sizes":
        """The same for minibatches of ``n_batch`` rows, cut in chunks that fit the cache."""
        return self._replace(n_rows=16 if n_batch < 128 else 32)


class Kernels(NamedTuple):
    """The compiled drivers of one cell and loss."""

    train: Kernel
    predict: Kernel


def workspace_size(sizes: Sizes, training: bool) -> int:
    """Number of values one task needs to walk its chunks through time."""
    s = sizes
    steps = s.n_time if training else 1
    width = s.n_hidden + 1 + s.n_in
    hidden = steps * (s.n_blocks + s.n_saved) + (steps + 1) * s.n_state + 1 + s.n_state
    return s.n_rows * ((s.n_time + 1) * width + hidden * s.n_hidden + 2 * s.n_out)


@functools.cache
def compile_drivers(cell, loss: str) -> Kernels:
    """Make the drivers of a cell (a module of ``kernels.cells``) and a loss's name."""
    cell_forward, cell_backward, keeps_h = cell.forward, cell.backward, cell.KEEPS_H
    n_split = 1 if cell.SPLIT else 0  # blocks at the end that see h alone, and as many x alone
    loss_value, loss_gradient = LOSSES[loss]

    @leaf
    def carve(work, sizes, n_rows, n_steps):
        """Arrays of a chunk, each (time, units * rows): inputs, gates, state, saved; then ends."""
        n_hidden = sizes.n_hidden * n_rows
        n_input = n_hidden + (1 + sizes.n_in) * n_rows
        a = (sizes.n_time + 1) * n_input
        b = a + n_steps * sizes.n_blocks * n_hidden
        c = b + (n_steps + 1) * sizes.n_state * n_hidden
        d = c + n_steps * sizes.n_saved * n_hidden
        inputs = work[:a].reshape(sizes.n_time + 1, n_input)
        gates = work[a:b].reshape(n_steps, sizes.n_blocks * n_hidden)
        state = work[b:c].reshape(n_steps + 1, sizes.n_state * n_hidden)
        saved = work[c:d].reshape(n_steps, sizes.n_saved * n_hidden)
        return inputs, gates, state, saved, work[d:]

    @leaf
    def split(parameters, sizes):
        """The weights of the cell (blocks * hidden, width) and of the head (out, hidden + 1)."""
        width = sizes.n_hidden + 1 + sizes.n_in
        n_cell = sizes.n_blocks * sizes.n_hidden * width
        return (
            parameters[:n_cell].reshape(sizes.n_blocks * sizes.n_hidden, width),
            parameters[n_cell:].reshape(sizes.n_out, sizes.n_hidden + 1),
        )

    # [h, 1, x] is what most blocks see; those that see h alone or x alone see the 1 as well.

    @leaf
    def pre_activate(weights, inputs, gates, n_hidden, n_rows):
        """Write the pre-activations of all blocks."""
        both = weights.shape[0] - 2 * n_split * n_hidden
        apply(weights[:both], inputs, gates[: both * n_rows])
        if n_split:
            alone, past = both + n_hidden, (n_hidden + 1) * n_rows
            apply(weights[both:alone, : n_hidden + 1], inputs[:past],
                  gates[both * n_rows : alone * n_rows])  # fmt: skip
            apply(weights[alone:, n_hidden:], inputs[n_hidden * n_rows :], gates[alone * n_rows :])

    @leaf
    def blame(weights, dgates, n_hidden, n_rows, dh):
        """Write the gradient of h from that of the pre-activations; add it where h is kept."""
        both = weights.shape[0] - 2 * n_split * n_hidden
        apply_transposed(weights[:both, :n_hidden], dgates[: both * n_rows], keeps_h, dh)
        if n_split:
            alone = both + n_hidden
            apply_transposed(weights[both:alone, :n_hidden],
                             dgates[both * n_rows : alone * n_rows], True, dh)  # fmt: skip

    @leaf
    def charge(dgates, inputs, n_hidden, n_rows, add, dweights):
        """Write the gradient of the weights from that of the pre-activations, or add it."""
        both = dweights.shape[0] - 2 * n_split * n_hidden
        outer(dgates[: both * n_rows], inputs, add, dweights[:both])
        if n_split:
            alone, past = both + n_hidden, (n_hidden + 1) * n_rows
            if not add:
                dweights[both:] = 0
            outer(dgates[both * n_rows : alone * n_rows], inputs[:past], add,
                  dweights[both:alone, : n_hidden + 1])  # fmt: skip
            outer(dgates[alone * n_rows :], inputs[n_hidden * n_rows :], add,
                  dweights[alone:, n_hidden:])  # fmt: skip

    @leaf
    def walk(parameters, data, starts, sizes, inputs, gates, state, saved, outputs):
        """Forward through time; with one row of gates only the last step's remain."""
        cell_weights, head_weights = split(parameters, sizes)
        n_time, n_rows = sizes.n_time, starts.size
        n_hidden = sizes.n_hidden * n_rows
        keep = 1 if gates.shape[0] == n_time else 0
        for row in range(n_rows):
            windows.write_inputs(
                data, starts[row], row, n_rows, inputs[:n_time, n_hidden + n_rows :]
            )
        for k in range(n_hidden):
            inputs[0, k] = 0
        for k in range(state.shape[1]):
            state[0, k] = 0
        for t in range(n_time + 1):
            for row in range(n_rows):
                inputs[t, n_hidden + row] = 1
        for t in range(n_time):
            before, after = (t, t + 1) if keep else (t % 2, (t + 1) % 2)
            pre_activate(cell_weights, inputs[t], gates[t * keep], sizes.n_hidden, n_rows)
            cell_forward(
                gates[t * keep],
                inputs[t, :n_hidden],
                state[before],
                state[after],
                saved[t * keep],
                inputs[t + 1, :n_hidden],
            )
        apply(head_weights, inputs[n_time, : n_hidden + n_rows], outputs)

    @leaf
    def learn(parameters, gradient, work, data, starts, sizes):
        """Sum of losses of a chunk of windows and, written, the sum of their gradients."""
        n_time, n_rows = sizes.n_time, starts.size
        n_hidden, n_out = sizes.n_hidden * n_rows, sizes.n_out * n_rows
        inputs, gates, state, saved, rest = carve(work, sizes, n_rows, n_time)
        dh, rest = rest[:n_hidden], rest[n_hidden:]
        dstate, rest = rest[: state.shape[1]], rest[state.shape[1] :]
        outputs, targets = rest[:n_out], rest[n_out : 2 * n_out]
        walk(parameters, data, starts, sizes, inputs, gates, state, saved, outputs)
        for row in range(n_rows):
            windows.write_targets(data, starts[row], row, n_rows, targets)
        total = 0.0
        for k in range(n_out):
            total += loss_value(outputs[k], targets[k])
            outputs[k] = loss_gradient(outputs[k], targets[k])
        cell_weights, head_weights = split(parameters, sizes)
        dcell_weights, dhead_weights = split(gradient, sizes)
        outer(outputs, inputs[n_time, : n_hidden + n_rows], False, dhead_weights)
        apply_transposed(head_weights[:, : sizes.n_hidden], outputs, False, dh)
        for k in range(dstate.size):
            dstate[k] = 0
        for t in range(n_time - 1, -1, -1):
            cell_backward(gates[t], inputs[t, :n_hidden], state[t], saved[t], dh, dstate)
            add = t < n_time - 1
            charge(gates[t], inputs[t], sizes.n_hidden, n_rows, add, dcell_weights)
            if t > 0:
                blame(cell_weights, gates[t], sizes.n_hidden, n_rows, dh)
        return total

    @leaf
    def update(parameters, moments, gradients, n_chunks, scale, step, rate, rule):
        """Mean the gradients of the chunks into the first, clip it by its norm, step by Adam."""
        beta1, beta2, epsilon, max_norm = rule
        gradient = gradients[0]
        for chunk in range(1, n_chunks):
            for k in range(parameters.size):
                gradient[k] += gradients[chunk, k]
        squares = 0.0
        for k in range(parameters.size):
            gradient[k] *= scale
            squares += float(gradient[k]) * float(gradient[k])
        norm = math.sqrt(squares)
        clip = max_norm / norm if norm > max_norm else 1.0
        typed = parameters.dtype.type
        correct = typed(rate / (1.0 - beta1**step))
        divisor = typed(math.sqrt(1.0 - beta2**step))
        for k in range(parameters.size):
            parameters[k], moments[0, k], moments[1, k] = adam(
                parameters[k],
                moments[0, k],
                moments[1, k],
                gradient[k] * typed(clip),
                correct,
                typed(beta1),
                typed(beta2),
                divisor,
                typed(epsilon),
            )

    @leaf
    def say(parameters, work, data, starts, sizes, compare, out):
        """Forecasts of a chunk of windows; with ``compare`` their errors, and the sum of losses."""
        n_rows, n_out = starts.size, sizes.n_out * starts.size
        inputs, gates, state, saved, rest = carve(work, sizes, n_rows, 1)
        outputs, targets = rest[:n_out], rest[n_out : 2 * n_out]
        walk(parameters, data, starts, sizes, inputs, gates, state, saved, outputs)
        total = 0.0
        for row in range(n_rows):
            if compare:
                windows.write_targets(data, starts[row], row, n_rows, targets)
                for k in range(sizes.n_out):
                    output, target = outputs[k * n_rows + row], targets[k * n_rows + row]
                    total += loss_value(output, target)
                    out[row, k] = output - target
            else:
                windows.write_forecast(data, starts[row], row, n_rows, outputs, out[row])
        return total

    def train(
        n_tasks, parameters, moments, gradients, sums, work, data, order, n_batch, sizes,
        first_step, rates, rule, losses,
    ):  # fmt: skip
        n_rows = sizes.n_rows
        for s in range(rates.size):
            batch = order[s * n_batch : (s + 1) * n_batch]
            n_chunks = (batch.size + n_rows - 1) // n_rows
            for task in prange(n_tasks):
                for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                    starts = batch[chunk * n_rows : (chunk + 1) * n_rows]
                    sums[chunk] = learn(
                        parameters, gradients[chunk], work[task], data, starts, sizes
                    )
            scale = 1.0 / (batch.size * sizes.n_out)
            losses[s] = 0.0
            for chunk in range(n_chunks):
                losses[s] += sums[chunk] * scale
            update(parameters, moments, gradients, n_chunks, scale, first_step + s, rates[s], rule)

    def predict(n_tasks, parameters, sums, work, data, starts, sizes, compare, out):
        n_rows = sizes.n_rows
        n_chunks = (starts.size + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                some = slice(chunk * n_rows, (chunk + 1) * n_rows)
                sums[chunk] = say(
                    parameters, work[task], data, starts[some], sizes, compare, out[some]
                )

    name = f"{cell.__name__.rpartition('.')[2]}-{loss}"
    return Kernels(Kernel(train, f"{name}-train"), Kernel(predict, f"{name}-predict"))
