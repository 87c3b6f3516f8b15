"""The vanilla recurrent network of Elman (1990): ``h = tanh(W_h h_{t-1} + b + W_x x_t)``."""

from tsrnn.kernels.activations import tanh
from tsrnn.kernels.jit.compile import device_function, like, scalar

BLOCKS = ("hidden",)
SPLIT = False
N_STATE = 0
N_SAVED = 0
KEEPS_H = False
OPEN_AT_START = None
IDENTITY_AT_START = False
MEMORY: dict[str, int] = {}
GATES = ()


@scalar
def unit_forward(z):
    """One step of a unit: the new hidden state."""
    return tanh(z)


@scalar
def unit_backward(h, grad_h):
    """One step of a unit backward: the gradient of the pre-activation."""
    return grad_h * (like(h, 1.0) - h * h)


@device_function
def forward(gates, h_prev, state_prev, state, saved, h):
    """One step of all units of a chunk; writes the hidden state to ``gates`` and ``h``, (n,)."""
    for k in range(h.size):
        gates[k] = h[k] = unit_forward(gates[k])


@device_function
def backward(gates, h_prev, state_prev, saved, grad_h, grad_state):
    """One step backward; overwrites h in ``gates``, (n,), by the gradient of z."""
    for k in range(grad_h.size):
        gates[k] = unit_backward(gates[k], grad_h[k])
