"""Gated recurrent unit of Cho et al. (2014), reset gate after the product as in cuDNN and PyTorch.

The candidate's pre-activation has two parts, ``z_h = W_nh h_{t-1} + b_nh`` and
``z_x = b_nx + W_nx x_t``; the gates read both::

    r = sigmoid(z_r)          reset gate
    u = sigmoid(z_u)          update gate: the fraction of h_prev that is kept
    n = tanh(z_x + r * z_h)   candidate
    h = (1 - u) * n + u * h_prev
"""

from tsrnn.kernels.activations import sigmoid, tanh
from tsrnn.kernels.jit.compile import device_function, like, scalar

BLOCKS = ("reset", "update", "new_hidden", "new_input")
SPLIT = True  # new_hidden reads only the hidden state, new_input only the input
N_STATE = 0
N_SAVED = 0
KEEPS_H = True
OPEN_AT_START = None
IDENTITY_AT_START = False
MEMORY = {"update": 1}
GATES = ("reset", "update")


@scalar
def unit_forward(z_r, z_u, z_h, z_x, h_prev):
    """One step of a unit: ``(r, u, n, h)`` from pre-activations and hidden state."""
    r = sigmoid(z_r)
    u = sigmoid(z_u)
    n = tanh(z_x + r * z_h)
    return r, u, n, n + u * (h_prev - n)


@scalar
def unit_backward(r, u, z_h, n, h_prev, grad_h):
    """One step of a unit backward: ``(dz_r, dz_u, dz_h, dz_x, dh_prev)``."""
    one = like(r, 1.0)
    dz_x = grad_h * (one - u) * (one - n * n)
    dz_r = dz_x * z_h * r * (one - r)
    dz_u = grad_h * (h_prev - n) * u * (one - u)
    return dz_r, dz_u, dz_x * r, dz_x, grad_h * u


@device_function
def forward(gates, h_prev, state_prev, state, saved, h):
    """One step: overwrites ``gates`` with r, u, z_h (unchanged) and n."""
    n = h.size
    z_r, z_u, z_h, z_x = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n :]
    for k in range(n):
        r, u, new, h_k = unit_forward(z_r[k], z_u[k], z_h[k], z_x[k], h_prev[k])
        z_r[k], z_u[k], z_x[k], h[k] = r, u, new, h_k


@device_function
def backward(gates, h_prev, state_prev, saved, grad_h, grad_state):
    """One step backward; ``gates`` are r, u, z_h and n."""
    n = grad_h.size
    z_r, z_u, z_h, z_x = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n :]
    for k in range(n):
        dz_r, dz_u, dz_h, dz_x, direct = unit_backward(
            z_r[k], z_u[k], z_h[k], z_x[k], h_prev[k], grad_h[k]
        )
        z_r[k], z_u[k], z_h[k], z_x[k], grad_h[k] = dz_r, dz_u, dz_h, dz_x, direct
