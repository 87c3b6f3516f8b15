"""Layer normalisation and biases, over (n_units * n_rows,) arrays of a step."""

import math

from tsrnn.kernels.arrays import clear
from tsrnn.kernels.jit.compile import device_function

EPSILON = 1e-5  # added to variances, as in PyTorch
# Rows of n_rows values in the sums of a step: one over the deviation of each norm; two for scratch.
BEFORE_ATTENTION, BEFORE_FFN, BEFORE_HEAD, TOTAL, DOT = range(5)


@device_function
def norm(x, sums, n_rows, which, out):
    """Write x less its mean, over its deviation (Ba, Kiros & Hinton 2016); sums keep the factor."""
    total, scale = sums[TOTAL * n_rows :][:n_rows], sums[which * n_rows :][:n_rows]
    n = x.size // n_rows
    typed = x.dtype.type
    clear(total)
    clear(scale)
    for unit in range(n):
        part = x[unit * n_rows : (unit + 1) * n_rows]
        for row in range(n_rows):
            total[row] += part[row]
    for row in range(n_rows):
        total[row] /= typed(n)
    for unit in range(n):
        part = x[unit * n_rows : (unit + 1) * n_rows]
        for row in range(n_rows):
            scale[row] += (part[row] - total[row]) * (part[row] - total[row])
    for row in range(n_rows):
        scale[row] = typed(1) / math.sqrt(scale[row] / typed(n) + typed(EPSILON))
    for unit in range(n):
        part, result = x[unit * n_rows : (unit + 1) * n_rows], out[unit * n_rows :][:n_rows]
        for row in range(n_rows):
            result[row] = (part[row] - total[row]) * scale[row]


@device_function
def norm_backward(normed, grad_normed, sums, n_rows, which, add, out):
    """Write or add the gradient of what was normed; ``out`` may be ``grad_normed``."""
    total, dot = sums[TOTAL * n_rows :][:n_rows], sums[DOT * n_rows :][:n_rows]
    scale = sums[which * n_rows :][:n_rows]
    n = normed.size // n_rows
    typed = normed.dtype.type
    clear(total)
    clear(dot)
    for unit in range(n):
        units = slice(unit * n_rows, (unit + 1) * n_rows)
        u, grad_u = normed[units], grad_normed[units]
        for row in range(n_rows):
            total[row] += grad_u[row]
            dot[row] += grad_u[row] * u[row]
    for row in range(n_rows):
        total[row] /= typed(n)
        dot[row] /= typed(n)
    for unit in range(n):
        units = slice(unit * n_rows, (unit + 1) * n_rows)
        u, grad_u, result = normed[units], grad_normed[units], out[units]
        for row in range(n_rows):
            grad_x = scale[row] * (grad_u[row] - total[row] - u[row] * dot[row])
            result[row] = result[row] + grad_x if add else grad_x


@device_function
def add_bias(bias, n_rows, out):
    """Add a bias, (n,), to (n * n_rows,) values."""
    for unit in range(bias.size):
        part = out[unit * n_rows : (unit + 1) * n_rows]
        for row in range(n_rows):
            part[row] += bias[unit]


@device_function
def accumulate_grad_bias(grad_out, n_rows, grad_bias):
    """Add the gradient of a bias, from that of the values it was added to."""
    for unit in range(grad_bias.size):
        for row in range(n_rows):
            grad_bias[unit] += grad_out[unit * n_rows + row]
