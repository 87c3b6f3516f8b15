"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins
2000); gates ordered as in PyTorch.

With ``z = W_h h_{t-1} + b + W_x x_t`` split into four blocks of ``n_hidden`` rows::

    i = sigmoid(z_i)          input gate
    f = sigmoid(z_f)          forget gate
    g = tanh(z_g)             candidate
    o = sigmoid(z_o)          output gate
    c = f * c_prev + i * g    cell state
    h = o * tanh(c)           hidden state
"""

from tsrnn.kernels.activations import sigmoid, tanh
from tsrnn.kernels.jit.compile import device_function, like, scalar

BLOCKS = ("input", "forget", "cell", "output")
SPLIT = False
N_STATE = 1  # the cell state c
N_SAVED = 1  # tanh(c)
KEEPS_H = False
OPEN_AT_START = "forget"  # Jozefowicz et al. (2015)
IDENTITY_AT_START = False
MEMORY = {"forget": 1, "input": -1}
GATES = ("input", "forget", "output")


@scalar
def unit_forward(z_i, z_f, z_g, z_o, c_prev):
    """One step of a unit: ``(i, f, g, o, c, tanh_c, h)`` from pre-activations and cell state."""
    i = sigmoid(z_i)
    f = sigmoid(z_f)
    g = tanh(z_g)
    o = sigmoid(z_o)
    c = f * c_prev + i * g
    tanh_c = tanh(c)
    return i, f, g, o, c, tanh_c, o * tanh_c


@scalar
def unit_backward(i, f, g, o, c_prev, tanh_c, grad_h, dc):
    """One step of a unit backward: ``(dz_i, dz_f, dz_g, dz_o, dc_prev)``."""
    one = like(i, 1.0)
    dc = dc + grad_h * o * (one - tanh_c * tanh_c)
    dz_i = dc * g * i * (one - i)
    dz_f = dc * c_prev * f * (one - f)
    dz_g = dc * i * (one - g * g)
    dz_o = grad_h * tanh_c * o * (one - o)
    return dz_i, dz_f, dz_g, dz_o, dc * f


@device_function
def forward(gates, h_prev, state_prev, state, saved, h):
    """One step: overwrites ``gates`` with i, f, g and o; ``state`` becomes c, ``saved`` tanh(c)."""
    n = h.size
    z_i, z_f, z_g, z_o = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n :]
    for k in range(n):
        i, f, g, o, c, tanh_c, h_k = unit_forward(z_i[k], z_f[k], z_g[k], z_o[k], state_prev[k])
        z_i[k], z_f[k], z_g[k], z_o[k] = i, f, g, o
        state[k], saved[k], h[k] = c, tanh_c, h_k


@device_function
def backward(gates, h_prev, state_prev, saved, grad_h, grad_state):
    """One step backward; ``gates`` are i, f, g and o, ``saved`` is tanh(c)."""
    n = grad_h.size
    z_i, z_f, z_g, z_o = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n :]
    for k in range(n):
        dz_i, dz_f, dz_g, dz_o, dc = unit_backward(
            z_i[k], z_f[k], z_g[k], z_o[k], state_prev[k], saved[k], grad_h[k], grad_state[k]
        )
        z_i[k], z_f[k], z_g[k], z_o[k] = dz_i, dz_f, dz_g, dz_o
        grad_state[k] = dc
