"""The vanilla recurrent network with a rectifier: ``h = max(0, W_h h_{t-1} + b + W_x x_t)``.

Le, Jaitly & Hinton (2015, arXiv 1504.00941) start its recurrent weights at the identity.
"""

from tsrnn.kernels.jit.compile import device_function, like, scalar

BLOCKS = ("hidden",)
SPLIT = False
N_STATE = 0
N_SAVED = 0
KEEPS_H = False
OPEN_AT_START = None
IDENTITY_AT_START = True
MEMORY = {}
GATES = ()  # blocks that open and close, from 0 to 1


@scalar
def unit_forward(z):
    """One unit, one step: the new hidden state."""
    return like(z, 0.0) if z <= 0 else z  # a NaN stays one


@scalar
def unit_backward(h, grad_h):
    """One unit, one step back: the gradient of the pre-activation."""
    return like(h, 0.0) if h <= 0 else grad_h


@device_function
def forward(gates, h_prev, state_prev, state, saved, h):
    """One step for all units of a chunk: ``gates`` and ``h``, (n,), hold the hidden state."""
    for k in range(h.size):
        gates[k] = h[k] = unit_forward(gates[k])


@device_function
def backward(gates, h_prev, state_prev, saved, grad_h, grad_state):
    """One step back for all units of a chunk: ``gates``, (n,), from h to the gradient of z."""
    for k in range(grad_h.size):
        gates[k] = unit_backward(gates[k], grad_h[k])
