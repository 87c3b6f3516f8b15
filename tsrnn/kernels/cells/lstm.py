"""Long short-term memory, the cell of Hochreiter & Schmidhuber (1997) with the forget gate of
Gers, Schmidhuber & Cummins (2000); gates ordered as in PyTorch.

With ``z = W_h h_{t-1} + b + W_x x_t`` split into four blocks of ``n_hidden`` rows::

    i = sigmoid(z_i)          what new information to store
    f = sigmoid(z_f)          what to keep of the cell state
    g = tanh(z_g)             the new information
    o = sigmoid(z_o)          what to show of the cell state
    c = f * c_prev + i * g    the cell state, the conveyor belt
    h = o * tanh(c)           the hidden state
"""

from tsrnn.kernels.activations import sigmoid, tanh
from tsrnn.kernels.jit.compile import device_function, like, scalar

BLOCKS = ("input", "forget", "cell", "output")  # of z, n_hidden rows each
SPLIT = False
N_STATE = 1  # arrays carried through time beside h: the cell state c
N_SAVED = 1  # arrays kept for the way back beside the gates: tanh(c)
KEEPS_H = False
OPEN_AT_START = "forget"  # the block whose bias starts at one (Jozefowicz et al. 2015)
IDENTITY_AT_START = False
MEMORY = {"forget": 1, "input": -1}  # biases of chrono initialisation, and their signs
GATES = ("input", "forget", "output")  # blocks that open and close, from 0 to 1


@scalar
def unit_forward(z_i, z_f, z_g, z_o, c_prev):
    """One unit, one step: ``(i, f, g, o, c, tanh_c, h)`` from pre-activations and cell state."""
    i = sigmoid(z_i)
    f = sigmoid(z_f)
    g = tanh(z_g)
    o = sigmoid(z_o)
    c = f * c_prev + i * g
    tanh_c = tanh(c)
    return i, f, g, o, c, tanh_c, o * tanh_c


@scalar
def unit_backward(i, f, g, o, c_prev, tanh_c, grad_h, dc):
    """One unit, one step back: ``(dz_i, dz_f, dz_g, dz_o, dc_prev)`` from ``grad_h`` and ``dc``."""
    one = like(i, 1.0)
    dc = dc + grad_h * o * (one - tanh_c * tanh_c)
    dz_i = dc * g * i * (one - i)
    dz_f = dc * c_prev * f * (one - f)
    dz_g = dc * i * (one - g * g)
    dz_o = grad_h * tanh_c * o * (one - o)
    return dz_i, dz_f, dz_g, dz_o, dc * f


@device_function
def forward(gates, h_prev, state_prev, state, saved, h):
    """One step for all units of a chunk; ``n = n_hidden * n_rows`` values an array.

    Parameters
    ----------
    gates : (4 * n,) array
        The pre-activations z; overwritten with i, f, g, o.
    state_prev, state, saved, h : (n,) arrays
        Cell state before; cell state after, tanh of it, and hidden state, written.
    """
    n = h.size
    z_i, z_f, z_g, z_o = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n :]
    for k in range(n):
        i, f, g, o, c, tanh_c, h_k = unit_forward(z_i[k], z_f[k], z_g[k], z_o[k], state_prev[k])
        z_i[k], z_f[k], z_g[k], z_o[k] = i, f, g, o
        state[k], saved[k], h[k] = c, tanh_c, h_k


@device_function
def backward(gates, h_prev, state_prev, saved, grad_h, grad_state):
    """One step back for all units of a chunk; ``n = n_hidden * n_rows`` values an array.

    Parameters
    ----------
    gates : (4 * n,) array
        i, f, g, o; overwritten with the gradient of the pre-activations.
    state_prev, saved, grad_h : (n,) arrays
        Cell state before the step, tanh of the one after it, gradient of h.
    grad_state : (n,) array
        Gradient of the cell state from later steps; overwritten with that for the step before.
    """
    n = grad_h.size
    z_i, z_f, z_g, z_o = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n :]
    for k in range(n):
        dz_i, dz_f, dz_g, dz_o, dc = unit_backward(
            z_i[k], z_f[k], z_g[k], z_o[k], state_prev[k], saved[k], grad_h[k], grad_state[k]
        )
        z_i[k], z_f[k], z_g[k], z_o[k] = dz_i, dz_f, dz_g, dz_o
        grad_state[k] = dc
