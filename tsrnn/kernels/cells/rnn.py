"""The vanilla recurrent network of Elman (1990): ``h = tanh(W_h h_{t-1} + b + W_x x_t)``."""

from tsrnn.kernels.activations import tanh
from tsrnn.kernels.jit.compile import leaf, like, scalar

BLOCKS = ("hidden",)
SPLIT = False
N_STATE = 0
N_SAVED = 0
KEEPS_H = False
OPEN_AT_START = None
IDENTITY_AT_START = False
MEMORY = {}
GATES = ()  # blocks that open and close, from 0 to 1


@scalar
def unit_forward(z):
    """One unit, one step: the new hidden state."""
    return tanh(z)


@scalar
def unit_backward(h, dh):
    """One unit, one step back: the gradient of the pre-activation."""
    return dh * (like(h, 1.0) - h * h)


@leaf
def forward(gates, h_prev, state_prev, state, saved, h):
    """One step for all units of a chunk: ``gates`` and ``h``, (n,), hold the hidden state."""
    for k in range(h.size):
        gates[k] = h[k] = unit_forward(gates[k])


@leaf
def backward(gates, h_prev, state_prev, saved, dh, dstate):
    """One step back for all units of a chunk: ``gates``, (n,), from h to the gradient of z."""
    for k in range(dh.size):
        gates[k] = unit_backward(gates[k], dh[k])
