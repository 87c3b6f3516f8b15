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

import numpy as np
from numba import prange

from tsrnn.kernels import windows
from tsrnn.kernels.compile import Kernel, leaf
from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.products import product, product_by_transposed, product_of_transposed
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


@leaf
def _take(work, at, shape):
    """An array of that shape from the workspace, and where the next one starts."""
    size = 1
    for n in shape:
        size *= n
    return work[at : at + size].reshape(shape), at + size


@functools.cache
def compile_drivers(cell, loss: str) -> Kernels:
    """Make the drivers of a cell (a module of this package such as ``lstm``) and a loss's name."""
    cell_forward, cell_backward = cell.forward, cell.backward
    loss_value, loss_gradient = LOSSES[loss]

    @leaf
    def carve(work, sizes, n_rows, n_steps):
        n_hidden = sizes.n_hidden
        width = n_hidden + 1 + sizes.n_in
        inputs, at = _take(work, 0, (sizes.n_time + 1, width, n_rows))
        gates, at = _take(work, at, (n_steps, sizes.n_blocks * n_hidden, n_rows))
        state, at = _take(work, at, (n_steps + 1, sizes.n_state * n_hidden, n_rows))
        saved, at = _take(work, at, (n_steps, sizes.n_saved * n_hidden, n_rows))
        dh, at = _take(work, at, (n_hidden, n_rows))
        dstate, at = _take(work, at, (sizes.n_state * n_hidden, n_rows))
        outputs, at = _take(work, at, (sizes.n_out, n_rows))
        targets, at = _take(work, at, (sizes.n_out, n_rows))
        return inputs, gates, state, saved, dh, dstate, outputs, targets

    @leaf
    def split(parameters, sizes):
        """The weights of the cell (blocks * hidden, width) and of the head (out, hidden + 1)."""
        width = sizes.n_hidden + 1 + sizes.n_in
        n_cell = sizes.n_blocks * sizes.n_hidden * width
        return (
            parameters[:n_cell].reshape(sizes.n_blocks * sizes.n_hidden, width),
            parameters[n_cell:].reshape(sizes.n_out, sizes.n_hidden + 1),
        )

    @leaf
    def walk(cell_weights, head_weights, inputs, gates, state, saved, outputs, n_time, keep):
        """Forward through time; with ``keep`` 0 only the last step's gates and state remain."""
        n_hidden = head_weights.shape[1] - 1
        n_values = n_hidden * inputs.shape[2]
        inputs[:, n_hidden] = 1
        inputs[0, :n_hidden] = 0
        state[0] = 0
        for t in range(n_time):
            product(cell_weights, inputs[t], False, gates[t * keep])
            before, after = (t, t + 1) if keep else (t % 2, (t + 1) % 2)
            cell_forward(
                gates[t * keep].ravel(),
                state[before].ravel(),
                state[after].ravel(),
                saved[t * keep].ravel(),
                inputs[t + 1].ravel()[:n_values],
            )
        product(head_weights, inputs[n_time, : n_hidden + 1], False, outputs)

    @leaf
    def learn(parameters, gradient, work, data, starts, sizes):
        """Sum of losses of a chunk of windows and, written, the sum of their gradients."""
        n_time, n_hidden, n_rows = sizes.n_time, sizes.n_hidden, starts.size
        inputs, gates, state, saved, dh, dstate, outputs, targets = carve(
            work, sizes, n_rows, n_time
        )
        cell_weights, head_weights = split(parameters, sizes)
        dcell_weights, dhead_weights = split(gradient, sizes)
        for row in range(n_rows):
            windows.write_inputs(data, starts[row], row, inputs[:n_time, n_hidden + 1 :])
            windows.write_targets(data, starts[row], row, targets)
        walk(cell_weights, head_weights, inputs, gates, state, saved, outputs, n_time, 1)
        total = 0.0
        for k in range(sizes.n_out):
            for row in range(n_rows):
                total += loss_value(outputs[k, row], targets[k, row])
                outputs[k, row] = loss_gradient(outputs[k, row], targets[k, row])
        product_by_transposed(outputs, inputs[n_time, : n_hidden + 1], False, dhead_weights)
        product_of_transposed(head_weights[:, :n_hidden], outputs, False, dh)
        dstate[:] = 0
        for t in range(n_time - 1, -1, -1):
            cell_backward(
                gates[t].ravel(), state[t].ravel(), saved[t].ravel(), dh.ravel(), dstate.ravel()
            )
            product_by_transposed(gates[t], inputs[t], t < n_time - 1, dcell_weights)
            if t > 0:
                product_of_transposed(cell_weights[:, :n_hidden], gates[t], False, dh)
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

    def train(
        n_tasks, parameters, moments, gradients, work, data, order, n_batch, sizes, first_step,
        rates, rule, losses,
    ):  # fmt: skip
        n_rows = sizes.n_rows
        sums = np.empty(gradients.shape[0])
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
            losses[s] = sums[:n_chunks].sum() * scale
            update(parameters, moments, gradients, n_chunks, scale, first_step + s, rates[s], rule)

    def predict(n_tasks, parameters, work, data, starts, sizes, compare, out):
        n_rows = sizes.n_rows
        n_chunks = (starts.size + n_rows - 1) // n_rows
        sums = np.zeros(n_chunks)
        for task in prange(n_tasks):
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first = chunk * n_rows
                some = starts[first : first + n_rows]
                inputs, gates, state, saved, _, _, outputs, targets = carve(
                    work[task], sizes, some.size, 1
                )
                for row in range(some.size):
                    windows.write_inputs(
                        data, some[row], row, inputs[: sizes.n_time, sizes.n_hidden + 1 :]
                    )
                cell_weights, head_weights = split(parameters, sizes)
                walk(
                    cell_weights, head_weights, inputs, gates, state, saved, outputs,
                    sizes.n_time, 0,
                )  # fmt: skip
                for row in range(some.size):
                    if compare:
                        windows.write_targets(data, some[row], row, targets)
                        for k in range(sizes.n_out):
                            sums[chunk] += loss_value(outputs[k, row], targets[k, row])
                            out[first + row, k] = outputs[k, row] - targets[k, row]
                    else:
                        windows.write_forecast(data, some[row], outputs, row, out[first + row])
        return sums.sum()

    name = f"{cell.__name__.rpartition('.')[2]}-{loss}"
    return Kernels(Kernel(train, f"{name}-train"), Kernel(predict, f"{name}-predict"))
